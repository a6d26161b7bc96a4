"""What each output format prints of a real archive's answer, to the letter."""

from __future__ import annotations

import csv
import functools
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Archive
from search.cli import pretty
from search.cli.text import BOLD, DIM, PLAIN
from search.declarations import values
from search.exports import formats, references
from search.records import Article, Mode, Passage

FIRST = Article(
    id="ians-1",
    title="Hamas trains Kashmir groups, says al-Qaddoumi",
    text="Khaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.",
    published=datetime(2025, 2, 26, 9, 30, tzinfo=UTC),
    source="The Courier",
    authors=("Asha Rao", "Tom Bell"),
    url="https://example.org/a?b=1",
    section="World",
    language="en",
    agency="IANS",
    dateline="NEW DELHI",
    extra={"posted_by": "Desk"},
)
SECOND = Article(id="b 2", title="Ceasefire, day 3", text="=Quiet.", published=date(2025, 3, 1), agency="PTI")
HOSTILE = 'Ann & "Bo" <b> {x} \x1b[31m\u202e\u200b$5 #1 50% a_b ^~\\'


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def asked(query, *articles, **settings):
    """The answer of an archive of these articles."""
    with TemporaryDirectory() as folder, Archive.open(f"{folder}/archive", create=True, model="hash") as archive:
        assert archive.add(articles).added == len(articles)
        return archive.search(query, **settings)


@functools.cache
def answer():
    """Both articles: the first has the words, the second came by meaning alone."""
    return asked("hamas rawalakot", FIRST, SECOND)


def first_hit(**changes):
    return replace(answer()[0], **changes)


def second_hit(**changes):
    return replace(answer()[1], **changes)


def results(*hits, **changes):
    return replace(answer(), hits=hits, **{"took_ms": 7.6, **changes})


def test_json_is_the_object_of_the_design():
    record = json.loads(formats.dumps(values(results(first_hit(), did_you_mean="hamas?", cursor="c1"), ("notes",))))
    text = "Khaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched."
    assert record == {
        "query": "hamas rawalakot",
        "mode": "hybrid",
        "total": 1,
        "stories": None,
        "took_ms": 7.6,
        "did_you_mean": "hamas?",
        "cursor": "c1",
        "hits": [
            {
                "rank": 1,
                "id": "ians-1",
                "score": 0.666667,
                "matched": True,
                "title": "Hamas trains Kashmir groups, says al-Qaddoumi",
                "source": "The Courier",
                "published": "2025-02-26T09:30:00+00:00",
                "authors": ["Asha Rao", "Tom Bell"],
                "url": "https://example.org/a?b=1",
                "section": "World",
                "language": "en",
                "file": "",
                "place": None,
                "page": "",
                "ocr_quality": None,
                "snippet": text,
                "highlights": [
                    {"field": "title", "start": 0, "end": 5, "kind": "word"},
                    {"field": "snippet", "start": 28, "end": 37, "kind": "word"},
                ],
                "passages": [{"text": text, "start": 0, "end": 58, "score": 0.294858}],
                "copies": [],
                "explain": None,
            }
        ],
    }
    assert list(record) == ["query", "mode", "total", "stories", "did_you_mean", "cursor", "hits", "took_ms"]


def test_json_of_a_bare_hit():
    record = values(second_hit(explain={"score": 0.5, "parts": {"keyword": 0.5}}))
    assert record["published"] == "2025-03-01"
    assert record["passages"] == [{"text": "=Quiet.", "start": 0, "end": 7, "score": 0.0}]
    assert record["explain"] == {"score": 0.5, "parts": {"keyword": 0.5}}


@given(st.text())
def test_json_reads_back_exactly_and_has_no_control_character(text):
    printed = formats.dumps({"text": text})
    assert json.loads(printed)["text"] == text
    assert printed.isprintable() or not any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u202e\u2028" for c in printed)
    printed.encode()


def test_json_lines():
    first, second = formats.json_lines([first_hit(), second_hit()])
    assert json.loads(first)["id"] == "ians-1"
    assert "query_id" not in json.loads(first)
    (batch,) = formats.json_lines([second_hit()], "q7")
    assert batch.startswith('{"query_id": "q7", "rank": 2, "id": "b 2", "score": 0.333333, "matched": false, ')
    assert "\n" not in first + second + batch


def test_csv():
    assert formats.csv_header() == (
        "rank,id,score,matched,title,source,published,authors,url,section,language,file,place,page,ocr_quality,snippet,copies"
    )
    assert formats.csv_header(batch=True).startswith("query_id,rank,id,")
    assert formats.csv_lines([first_hit(), second_hit()]) == [
        '1,ians-1,0.666667,true,"Hamas trains Kashmir groups, says al-Qaddoumi",The Courier,2025-02-26T09:30:00+00:00,'
        "Asha Rao; Tom Bell,https://example.org/a?b=1,World,en,,,,,"
        '"Khaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.",',
        '2,b 2,0.333333,false,"Ceasefire, day 3",,2025-03-01,,,,,,,,,\'=Quiet.,',
    ]
    assert formats.csv_lines([second_hit()], "q,1") == [
        '"q,1",2,b 2,0.333333,false,"Ceasefire, day 3",,2025-03-01,,,,,,,,,\'=Quiet.,'
    ]


def test_a_hit_tells_its_file_and_the_place_in_it():
    article = replace(first_hit().article, extra={"file": "=2019/a b.csv", "place": 7, "posted_by": "Desk"})
    hit = first_hit(article=article)
    (line,) = formats.json_lines([hit])
    assert (json.loads(line)["file"], json.loads(line)["place"]) == ("=2019/a b.csv", 7)
    assert ",en,'=2019/a b.csv,7,,," in formats.csv_lines([hit])[0]
    odd = first_hit(article=replace(article, extra={"file": 5, "place": ["x"]}))  # extra may hold anything
    assert (odd.file, odd.place) == ("", None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+44 20", "'+44 20"),
        ("-5 degrees", "'-5 degrees"),
        ("@handle", "'@handle"),
        ("\t=1", "' =1"),
        ("\r=1", "'\n=1"),
        ("\n=1", "'\n=1"),
        (" =1", "' =1"),
        ("\x1b[0m=1", "'=1"),
        ("\u200b=1", "'=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_csv_cells_are_no_formulas(text, shown):
    assert formats.cell(text) == shown


@given(st.text())
def test_csv_reads_back_as_one_cell(text):
    hit = second_hit(article=replace(SECOND, title=text))
    (row,) = csv.reader(io.StringIO("\n".join(formats.csv_lines([hit])), newline=""))
    assert row[4] == formats.cell(text)


def test_negative_scores_stay_numbers_in_csv():
    assert formats.csv_lines([second_hit(score=-0.25)])[0].startswith("2,b 2,-0.25,")


def test_ids():
    assert formats.ids([first_hit(), second_hit(article=replace(SECOND, id="a\nb\x1b[0m"))]) == ["ians-1", "a b"]


def test_bibtex():
    assert references.bibtex([first_hit(), second_hit()]) == [
        """\
@article{ians-1,
  title = {{Hamas trains Kashmir groups, says al-Qaddoumi}},
  author = {Asha Rao and Tom Bell},
  journal = {The Courier},
  entrysubtype = {newspaper},
  url = {https://example.org/a?b=1},
  note = {NEW DELHI},
  language = {en},
  year = {2025},
  month = feb,
  day = {26}
}
""",
        """\
@article{b-2,
  title = {{Ceasefire, day 3}},
  author = {PTI},
  entrysubtype = {newspaper},
  year = {2025},
  month = mar,
  day = {1}
}
""",
    ]


def test_bibtex_escapes():
    article = Article(id="x}\\", title=HOSTILE, authors=("Reed and Sons", "Ann Rand"), url="http://e.org/{a} b\\%20")
    (entry,) = references.bibtex([second_hit(article=article)])
    assert entry == (
        "@article{x,\n"
        r"  title = {{Ann \& " + '"Bo"' + r" <b> \{x\} \$5 \#1 50\% a\_b \textasciicircum{}\textasciitilde{}"
        r"\textbackslash{}}}," + "\n"
        "  author = {{Reed and Sons} and Ann Rand},\n  entrysubtype = {newspaper},\n"
        "  url = {http://e.org/%7Ba%7D%20b%5C%20}\n"
        "}\n"
    )


def test_bibtex_keys_differ():
    hits = [second_hit(article=Article(id=one)) for one in ("a/1", "A/1", "a/1-2", "…", "?")]
    keys = [entry.split("{")[1].rstrip("}\n") for entry in references.bibtex(hits)]
    assert [key.split(",")[0] for key in keys] == ["a/1", "A/1-2", "a/1-2-2", "article", "article-2"]


@given(st.text(), st.text())
def test_bibtex_braces_balance(title, author):
    (entry,) = references.bibtex([second_hit(article=Article(id="x", title=title, authors=(author,)))])
    plain = entry.replace(r"\textbackslash{}", "").replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for character in plain:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0


def test_ris():
    assert references.ris([first_hit(), second_hit()]) == [
        """\
TY  - NEWS
ID  - ians-1
TI  - Hamas trains Kashmir groups, says al-Qaddoumi
AU  - Asha Rao
AU  - Tom Bell
T2  - The Courier
PY  - 2025
DA  - 2025/02/26/
CY  - NEW DELHI
SE  - World
LA  - en
UR  - https://example.org/a?b=1
ER  - \n""",
        "TY  - NEWS\nID  - b 2\nTI  - Ceasefire, day 3\nAU  - PTI\nPY  - 2025\nDA  - 2025/03/01/\nER  - \n",
    ]


def test_ris_fields_cannot_start_new_records():
    (record,) = references.ris([second_hit(article=Article(id="x", title="a\nER  - \nTY  - BOOK"))])
    assert record == "TY  - NEWS\nID  - x\nTI  - a ER - TY - BOOK\nER  - \n"


def test_pretty():
    shown = list(pretty.hits(results(first_hit(), second_hit()), style=False))
    assert shown == [
        "1. Hamas trains Kashmir groups, says al-Qaddoumi",
        "   The Courier · 2025-02-26 09:30 UTC · Asha Rao, Tom Bell · World · score 0.667",
        "   Khaled al-Qaddoumi spoke in Rawalakot. Officials watched.",
        "   https://example.org/a?b=1",
        "   id ians-1",
        "",
        "2. Ceasefire, day 3",
        "   2025-03-01 · score 0.333, without all the words",
        "   =Quiet.",
        "   id b 2",
    ]


def test_pretty_on_a_terminal():
    shown = list(pretty.hits(results(first_hit()), style=True))
    assert shown[0] == f"1. {BOLD}Hamas{PLAIN} trains Kashmir groups, says al-Qaddoumi"
    assert shown[1].startswith(f"   {DIM}The Courier")
    assert shown[1].endswith(PLAIN)
    assert shown[2] == f"   Khaled al-Qaddoumi spoke in {BOLD}Rawalakot{PLAIN}. Officials watched."


def test_pretty_fits_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")  # 40 is the least
    shown = list(pretty.hits(results(first_hit()), style=False))
    assert shown[:6] == [
        "1. Hamas trains Kashmir groups, says",
        "   al-Qaddoumi",
        "   The Courier · 2025-02-26 09:30 UTC ·",
        "   Asha Rao, Tom Bell · World · score",
        "   0.667",
        "   Khaled al-Qaddoumi spoke in",
    ]


def test_pretty_keeps_hostile_text_out_of_the_terminal():
    evil = {"title": "\x1b]0;owned\x07Real\u202e title\r\n", "source": "S\x9b31m", "url": "http://e\x00"}
    found = asked("abc", Article(id="x", text="a\x1b[1mb\u200bc abc", **evil))
    assert found[0].article.title == evil["title"]
    shown = "\n".join(pretty.hits(found, style=True)).replace(BOLD, "").replace(DIM, "").replace(PLAIN, "")
    assert shown == "1. Real title\n   S · score 0.500\n   abc abc\n   http://e\n   id x"


def test_pretty_of_an_article_with_nothing():
    found = asked("quiet", Article(id="x", title="\x00", text="."))
    assert list(pretty.hits(found, style=False)) == ["1. (no title)", "   score 0.250", "   .", "   id x"]


def test_pretty_by_date_has_no_scores():
    shown = list(pretty.hits(results(first_hit(score=0.0), second_hit(score=0.0, matched=True)), style=False))
    assert shown[1] == "   The Courier · 2025-02-26 09:30 UTC · Asha Rao, Tom Bell · World"


def test_pretty_does_not_repeat_that_nothing_matches():
    shown = list(pretty.hits(results(second_hit(rank=1), total=0), style=False))
    assert shown[1] == "   2025-03-01 · score 0.333"


def test_pretty_lists_further_passages_and_the_explanation():
    passages = (*first_hit().passages, Passage(article_id="ians-1", start=40, end=58, text="Officials watched."))
    explain = {
        "score": 0.812346,
        "fusion": "dbsf",
        "parts": {"vector": 0.5, "keyword": 0.312346},
        "keyword": {"terms": [{"term": "hama", "df": 12_000, "score": 3.25}], "mean": None},
    }
    shown = list(pretty.hits(results(first_hit(passages=passages, explain=explain)), style=False))
    assert shown[3:] == [
        "   [40:58] Officials watched.",
        "   https://example.org/a?b=1",
        "   id ians-1",
        "   score: 0.812346",
        "   fusion: dbsf",
        "   parts:",
        "     vector: 0.5",
        "     keyword: 0.312346",
        "   keyword:",
        "     terms:",
        "       term hama, df 12,000, score 3.25",
        "     mean: none",
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lambda: results(first_hit(), total=340), "1 of 340 articles (hybrid, 8 ms)"),
        (lambda: results(first_hit(), total=1, mode=Mode.KEYWORD), "1 of 1 article (keyword, 8 ms)"),
        (lambda: results(first_hit(rank=11), first_hit(rank=12), total=340), "11 to 12 of 340 articles (hybrid, 8 ms)"),
        (
            lambda: results(*answer(), total=340),
            "2 shown; 340 articles match the whole query (hybrid, 8 ms)",
        ),
        (
            lambda: results(*answer()),
            "2 shown; 1 article matches the whole query (hybrid, 8 ms)",
        ),
        (lambda: results(first_hit(), total=12, stories=7), "1 of 7 stories in 12 articles (hybrid, 8 ms)"),
        (lambda: results(first_hit(), total=3, stories=1), "1 of 1 story in 3 articles (hybrid, 8 ms)"),
        (lambda: results(second_hit(rank=1), total=0), "1 shown (hybrid, 8 ms)"),
        (lambda: results(total=0), "nothing found (hybrid, 8 ms)"),
        (lambda: results(total=20_000), "nothing on this page; 20,000 articles match (hybrid, 8 ms)"),
    ],
)
def test_summary(found, said):
    assert pretty.summary(found()) == said


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        (None, ""),
        (date(999, 3, 1), "0999-03-01"),
        (datetime(2025, 3, 1, 23, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2025-03-01 23:05 +05:30"),
        (datetime(2025, 3, 1, 23, 5), "2025-03-01 23:05 UTC"),
    ],
)
def test_when(published, shown):
    assert pretty.when(published) == shown


def test_article():
    shown = list(pretty.article(replace(FIRST, caption="A very " + "long " * 20 + "caption"), None, style=False))
    assert shown == [
        "Hamas trains Kashmir groups, says al-Qaddoumi",
        "source: The Courier",
        "published: 2025-02-26 09:30 UTC",
        "authors: Asha Rao, Tom Bell",
        "agency: IANS",
        "section: World",
        "language: en",
        "dateline: NEW DELHI",
        "url: https://example.org/a?b=1",
        "id: ians-1",
        "caption: A very long long long long long long long long long long long long long",
        "         long long long long long long long caption",
        "posted_by: Desk",
        "",
        "Khaled al-Qaddoumi spoke in Rawalakot.",
        "",
        "Officials watched.",
    ]


def test_article_record_can_be_indexed_again():
    record = values(FIRST)
    assert list(record) == [
        "id",
        "title",
        "text",
        "published",
        "source",
        "authors",
        "url",
        "section",
        "language",
        "agency",
        "dateline",
        "caption",
        "pages",
        "ocr_quality",
        "extra",
    ]
    assert record["published"] == "2025-02-26T09:30:00+00:00"
    assert record["extra"] == {"posted_by": "Desk"}


def test_extra_of_any_kind_prints():
    article = Article(id="x", extra={"d": date(2025, 1, 1), "n": {"deep": [1, 2]}})
    assert json.loads(formats.dumps(values(article)))["extra"] == {
        "d": "2025-01-01",
        "n": {"deep": [1, 2]},
    }
    assert "n: {'deep': [1, 2]}" in list(pretty.article(article, None, style=False))
