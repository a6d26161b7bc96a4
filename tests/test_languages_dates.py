"""Dates in queries and questions, in the languages of an archive."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from search import Archive, Article
from search.errors import QueryError
from search.keyword.multilingual import EVERY, mixed
from search.query import dates, named
from search.text.languages.dates import CALENDARS, read
from search.text.languages.table import known

NOW = datetime(2026, 11, 28, tzinfo=UTC)
EVERYTHING = mixed(tuple(code for code, one in known().items() if not one.leads)).languages


def periods(text, languages=EVERYTHING):
    return [
        (text[one.start : one.end], *((str(c.start or ""), str(c.end or "")) for c in one.conditions))
        for one in named.days(text, NOW, languages)
    ]


@pytest.mark.parametrize(
    ("text", "said", "start", "end"),
    [
        ("Wahlen im März 2021", "im März 2021", "2021-03-01", "2021-03-31"),
        ("Streik am 5. Maerz 2021", "am 5. Maerz 2021", "2021-03-05", "2021-03-05"),
        ("vom 3. bis 5. März 2021", "vom 3. bis 5. März 2021", "2021-03-03", "2021-03-05"),
        ("von März bis Mai 2021", "von März bis Mai 2021", "2021-03-01", "2021-05-31"),
        ("zwischen November und Januar 2021", "zwischen November und Januar 2021", "2020-11-01", "2021-01-31"),
        ("seit März 2021", "seit März 2021", "2021-03-01", ""),
        ("vor dem 5. März 2021", "vor dem 5. März 2021", "", "2021-03-04"),
        ("im März", "im März", "2026-03-01", "2026-03-31"),
        ("im Dezember", "im Dezember", "2025-12-01", "2025-12-31"),
        ("Ernte im Jahr 2021", "im Jahr 2021", "2021-01-01", "2021-12-31"),
        ("elecciones en marzo de 2021", "en marzo de 2021", "2021-03-01", "2021-03-31"),
        ("desde el 5 de marzo de 2021", "desde el 5 de marzo de 2021", "2021-03-05", ""),
        ("del 3 al 5 de marzo de 2021", "del 3 al 5 de marzo de 2021", "2021-03-03", "2021-03-05"),
        ("entre marzo y mayo de 2021", "entre marzo y mayo de 2021", "2021-03-01", "2021-05-31"),
        ("antes de 2020", "antes de 2020", "", "2019-12-31"),
        ("le 5 mars 2021", "le 5 mars 2021", "2021-03-05", "2021-03-05"),
        ("depuis le 1er mars 2021", "depuis le 1er mars 2021", "2021-03-01", ""),
        ("jusqu'en août 2020", "jusqu'en août 2020", "", "2020-08-31"),
        ("dal 3 al 5 marzo 2021", "dal 3 al 5 marzo 2021", "2021-03-03", "2021-03-05"),
        ("até 5 de março de 2021", "até 5 de março de 2021", "", "2021-03-05"),
        ("vanaf maart 2021", "vanaf maart 2021", "2021-03-01", ""),
        ("od 3 do 5 marca 2021", "od 3 do 5 marca 2021", "2021-03-03", "2021-03-05"),
        ("5. maaliskuuta 2021", "5. maaliskuuta 2021", "2021-03-05", "2021-03-05"),
        ("5 Mart 2021'de", "5 Mart 2021'de", "2021-03-05", "2021-03-05"),
        ("2021. március 5.", "2021. március 5.", "2021-03-05", "2021-03-05"),
        ("मार्च 2021 में चुनाव", "मार्च 2021 में", "2021-03-01", "2021-03-31"),
        ("5 मार्च २०२१ को", "5 मार्च २०२१ को", "2021-03-05", "2021-03-05"),
        ("मार्च से मई 2021 तक", "मार्च से मई 2021 तक", "2021-03-01", "2021-05-31"),
        ("2021 के बाद", "2021 के बाद", "2022-01-01", ""),
        ("выборы в марте 2021 года", "в марте 2021 года", "2021-03-01", "2021-03-31"),
        ("с 3 по 5 марта 2021", "с 3 по 5 марта 2021", "2021-03-03", "2021-03-05"),
        ("منذ 5 مارس 2021", "منذ 5 مارس 2021", "2021-03-05", ""),
        ("كانون الثاني 2021", "كانون الثاني 2021", "2021-01-01", "2021-01-31"),
        ("مارچ 2021 میں", "مارچ 2021 میں", "2021-03-01", "2021-03-31"),
        ("মার্চ ২০২১", "মার্চ ২০২১", "2021-03-01", "2021-03-31"),
        ("2021年3月5日的选举", "2021年3月5日的", "2021-03-05", "2021-03-05"),
        ("2021年3月以降の地震", "2021年3月以降", "2021-03-01", ""),
        ("2021年3月から5月まで", "2021年3月から5月まで", "2021-03-01", "2021-05-31"),
        ("2021년 3월부터", "2021년 3월부터", "2021-03-01", ""),
        ("5 มีนาคม 2564", "5 มีนาคม 2564", "2021-03-05", "2021-03-05"),  # of the Buddhist calendar
        ("τον Μάρτιο του 2021", "τον Μάρτιο του 2021", "2021-03-01", "2021-03-31"),
        ("in March 2021", "in March 2021", "2021-03-01", "2021-03-31"),  # English as before
    ],
)
def test_a_date_in_its_language(text, said, start, end):
    assert periods(text) == [(said, (start, end))]


@pytest.mark.parametrize(
    "text",
    [
        "What did the Mars 2020 rover find in the crater",  # plainly English
        "Mars 2020",
        "en 2000 casas",
        "31. Februar 2021",
        "March of the Penguins",
        "мая",
        "am 5. gegen 2021",
        "Mai",
        "março",
        "2021",
        "12021年",
        "2021年13月",
    ],
)
def test_what_is_no_date(text):
    assert periods(text) == []


def test_only_the_languages_of_the_archive_are_read():
    assert periods("im März 2021", EVERY.languages) == []
    assert periods("im März 2021", mixed(("de",)).languages) == [("im März 2021", ("2021-03-01", "2021-03-31"))]
    assert periods("मार्च 2021", ()) == []


@pytest.mark.parametrize("code", sorted(code for code, one in CALENDARS.items() if not one.numbered))
def test_the_names_of_months_are_those_of_cldr(code):
    babel = pytest.importorskip("babel.dates")
    for form in ("format", "stand-alone"):
        for number, name in babel.get_month_names("wide", form, code).items():
            name = name.removeprefix("de ").removeprefix("d’").lower()
            assert CALENDARS[code].names[name] == number


@pytest.mark.parametrize("code", sorted(CALENDARS))
def test_a_day_of_every_language_is_read(code):
    babel = pytest.importorskip("babel.dates")
    day = date(2021, 3, 5)
    written = babel.format_date(day, "long", code)
    if code not in ("ne", "th"):  # whose long form has another order, or a word more
        assert read(written) == (2021, 3, 5), written


def test_no_month_means_two():
    numbers = {}
    for calendar in CALENDARS.values():
        for name, number in calendar.names.items():
            assert numbers.setdefault(name, number) == number, name


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("5. März 2021", date(2021, 3, 5), date(2021, 3, 5)),
        ("marzo de 2021", date(2021, 3, 1), date(2021, 3, 31)),
        ("मार्च 2021", date(2021, 3, 1), date(2021, 3, 31)),
        ("2021年3月5日", date(2021, 3, 5), date(2021, 3, 5)),
        ("2021년", date(2021, 1, 1), date(2021, 12, 31)),
    ],
)
def test_a_condition_takes_them(text, first, last):
    assert dates.period(text, NOW)[:2] == (first, last)


def test_what_no_calendar_has_is_said():
    with pytest.raises(QueryError, match=r"'31\. Februar 2021' is not in the calendar: Feb 2021 has 28 days"):
        dates.period("31. Februar 2021", NOW)


def test_dates_in_an_archive(tmp_path):
    """What a query names in its own language is told, searched alone where that is asked for, and no missing word."""
    articles = [
        Article(
            id=f"{code}{month}",
            title=title,
            text=text,
            language=code,
            published=datetime(2021, month, 9, tzinfo=UTC),
        )
        for code, title, text in (
            ("de", "Hafenstreik", "Der Streik im Hafen dauert an, sagte die Gewerkschaft den Reedern."),
            ("es", "Huelga", "La huelga del puerto sigue, dijo el sindicato a los armadores."),
            ("hi", "हड़ताल", "बंदरगाह में हड़ताल जारी है और मज़दूर नहीं लौटे हैं।"),
        )
        for month in (3, 4, 5)
    ]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles, vectors=False)
        for query, first, clause in (
            ("Streik im April 2021", "de4", "date:2021-04-01..2021-04-30"),
            ("Streik im März 2021", "de3", "date:2021-03-01..2021-03-31"),
            ("huelga en mayo de 2021", "es5", "date:2021-05-01..2021-05-31"),
            ("मार्च 2021 में हड़ताल", "hi3", "date:2021-03-01..2021-03-31"),
        ):
            found = archive.search(query, copies="show")
            assert found.notes[0].startswith(f"the query names {clause}: such articles come higher")
            assert {hit.article.id[:2] for hit in found} == {first[:2]}
            assert not any("mean" in note or "2021'" in note for note in found.notes)
            only = archive.search(query, detect="filter", copies="show")
            assert [hit.article.id for hit in only] == [first]
            off = archive.search(query, detect="off", copies="show")
            assert not any("names" in note for note in off.notes)
        assert sorted(hit.article.id for hit in archive.search('date:"März 2021"', copies="show")) == [
            "de3",
            "es3",
            "hi3",
        ]
        detected = archive.retrieve("Was geschah im Hafen seit April 2021?").detected
        assert [one.clause for one in detected] == ["date:2021-04-01.."]
