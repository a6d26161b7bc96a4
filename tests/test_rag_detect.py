"""Sources and dates that questions name, and what is no source and no date."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.deadline import Deadline
from search.errors import QueryTimeout
from search.query import dates, parts
from search.query import named as detect
from search.query.named import Disjoint, SourceNames, mentions, when
from search.rag import outlets
from search.rag.question import read
from search.records import Detect

NOW = datetime(2025, 3, 5, 12, tzinfo=UTC)  # a Wednesday
NAMES = [
    "The Hindu",
    "BBC",
    "Time",
    "The Times",
    "Mail",
    "Financial Times",
    "Le Monde",
    "bbc.co.uk",
    "Reuters",
    "people",
]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What did The Hindu report last week about rice?", ["The Hindu"]),
        ("What did the Hindu say?", ["The Hindu"]),
        ("What did Time report about the mail?", ["Time"]),
        ("According to Time, who won?", ["Time"]),
        ("Does the Time article about dams agree with a Mail story on rain?", ["Time", "Mail"]),
        ("Does the time article agree with Mail story rules?", []),
        ("Time after Time, what is said?", []),
        ("Time is running out: what can be done?", []),
        ("What time did the train leave?", []),
        ("Has Time run out for the hostages?", []),
        ("Who sent the Mail?", []),
        ("What is Mail's coverage of strikes?", ["Mail"]),
        ("What did The Times and BBC report?", ["The Times", "BBC"]),
        ("What did the Financial Times write?", ["Financial Times"]),
        ("Which people did they interview?", []),
        ("Who runs the BBC?", []),
        ("What did BBC and Reuters say about it?", ["BBC", "Reuters"]),
        ("The Hindus of Nepal", []),
        ("What is on bbc.co.uk about dams?", ["bbc.co.uk"]),
        ("What did Le Monde publish?", ["Le Monde"]),
    ],
)
def test_sources(question, named):
    found = detect.sources(question, NAMES)
    assert [one.name for one in found] == named
    for one in found:
        assert one.name.casefold().removeprefix("the ") in question[one.start : one.end].casefold()


@pytest.mark.parametrize(
    ("question", "said", "clause"),
    [
        (
            "x between 26 September and 7 October 2023?",
            "between 26 September and 7 October 2023",
            "date:2023-09-26..2023-10-07",
        ),
        ("x from December to January 2025", "from December to January 2025", "date:2024-12-01..2025-01-31"),
        ("x in March 2024", "in March 2024", "date:2024-03-01..2024-03-31"),
        ("x yesterday", "yesterday", "date:2025-03-04"),
        ("x since 2021", "since 2021", "date:2021-01-01.."),
        ("x before the end of 2023", "before the end of 2023", "date:..2023-12-31"),
        ("x before 2023", "before 2023", "date:..2022-12-31"),
        ("x after March 2024", "after March 2024", "date:2024-04-01.."),
        ("x last week", "last week", "date:2025-02-24..2025-03-02"),
        ("x on Monday", "on Monday", "date:2025-03-03"),
        ("x last Friday", "last Friday", "date:2025-02-28"),
        ("x in May", "in May", "date:2024-05-01..2024-05-31"),
        ("x on 3rd of October 2024", "on 3rd of October 2024", "date:2024-10-03"),
        ("x October 3, 2024 y", "October 3, 2024", "date:2024-10-03"),
        ("x in 2024", "in 2024", "date:2024-01-01..2024-12-31"),
        ("x until 2024-05-01", "until 2024-05-01", "date:..2024-05-01"),
        ("dam on Sept. 26, 2024?", "on Sept. 26, 2024", "date:2024-09-26"),
        ("x Thursday, Sept. 26, 2024 y", "Thursday, Sept. 26, 2024", "date:2024-09-26"),
        ("x on 29 February", "on 29 February", "date:2024-02-29"),
        ("x on Oct. 3rd", "on Oct. 3rd", "date:2024-10-03"),
        ("x Dec. 2024", "Dec. 2024", "date:2024-12-01..2024-12-31"),
        ("x Oct ’23 y", "Oct ’23", "date:2023-10-01..2023-10-31"),
        ("x in october 2024", "in october 2024", "date:2024-10-01..2024-10-31"),
        ("x in October last year", "in October last year", "date:2024-10-01..2024-10-31"),
        ("x last October", "last October", "date:2024-10-01..2024-10-31"),
        ("x mid-October 2024", "mid-October 2024", "date:2024-10-01..2024-10-31"),
        ("x 2024/09/26", "2024/09/26", "date:2024-09-26"),
        ("x 26/09/2024", "26/09/2024", "date:2024-09-26"),
        ("x 09/26/2024", "09/26/2024", "date:2024-09-26"),
        ("x 26.9.2024", "26.9.2024", "date:2024-09-26"),
        ("x 03/04/2024", "03/04/2024", "(date:2024-04-03 OR date:2024-03-04)"),  # by whom?
        ("x 1-5.10.2024", "1-5.10.2024", "date:2024-10-01..2024-10-05"),
        ("x 1.10.2024-5.11.2024", "1.10.2024-5.11.2024", "date:2024-10-01..2024-11-05"),
        (
            "x between 1/2/2024 and 5/2/2024",
            "between 1/2/2024 and 5/2/2024",
            "(date:2024-02-01..2024-02-05 OR date:2024-01-02..2024-05-02)",
        ),
        ("x between 26/9/2024 and 7/10/2024", "between 26/9/2024 and 7/10/2024", "date:2024-09-26..2024-10-07"),
        ("x from 1 to 5 October 2024", "from 1 to 5 October 2024", "date:2024-10-01..2024-10-05"),
        ("x 26–28 September 2024", "26–28 September 2024", "date:2024-09-26..2024-09-28"),
        ("x September 26-28, 2024", "September 26-28, 2024", "date:2024-09-26..2024-09-28"),
        ("x between September 26 and 28", "between September 26 and 28", "date:2024-09-26..2024-09-28"),
        ("x on 3 and 5 October", "on 3 and 5 October", "(date:2024-10-03 OR date:2024-10-05)"),
        ("x Sept. 26 - Oct. 7, 2024", "Sept. 26 - Oct. 7, 2024", "date:2024-09-26..2024-10-07"),
        ("x Sept. 26 - 7 October 2024", "Sept. 26 - 7 October 2024", "date:2024-09-26..2024-10-07"),
        ("x September–October 2024", "September–October 2024", "date:2024-09-01..2024-10-31"),
        ("x from October to 2025", "from October to 2025", "date:2024-10-01..2025-12-31"),
        ("x from May to April", "from May to April", "date:2023-05-01..2024-04-30"),
        ("x between 2023 and 2021", "between 2023 and 2021", "date:2021-01-01..2023-12-31"),
        ("x between 2021 and now", "between 2021 and now", "date:2021-01-01..2025-03-05"),
        ("x in 2020-2024", "in 2020-2024", "date:2020-01-01..2024-12-31"),
        ("x in 2023/24", "in 2023/24", "date:2023-01-01..2024-12-31"),
        ("x in the 1990s", "in the 1990s", "date:1990-01-01..1999-12-31"),
        ("x Q4 of 2024", "Q4 of 2024", "date:2024-10-01..2024-12-31"),
        ("x Q4 2024", "Q4 2024", "date:2024-10-01..2024-12-31"),
        ("x in the third quarter of 2024", "in the third quarter of 2024", "date:2024-07-01..2024-09-30"),
        ("x first half of 2024", "first half of 2024", "date:2024-01-01..2024-06-30"),
        ("x second half of October 2024", "second half of October 2024", "date:2024-10-16..2024-10-31"),
        ("x in the last two weeks of 2024", "in the last two weeks of 2024", "date:2024-12-18..2024-12-31"),
        ("x in the first week of October", "in the first week of October", "date:2024-10-01..2024-10-07"),
        ("x in the week of 9 October", "in the week of 9 October", "date:2024-10-07..2024-10-13"),
        ("x weekend of 5 October 2024", "weekend of 5 October 2024", "date:2024-10-05..2024-10-06"),
        ("x in the last two weeks", "in the last two weeks", "date:2025-02-19..2025-03-05"),
        ("x in the last week", "in the last week", "date:2025-02-26..2025-03-05"),
        ("x in the past 24 hours", "in the past 24 hours", "date:2025-03-04..2025-03-05"),
        ("x three days ago", "three days ago", "date:2025-03-02"),
        ("x a couple of weeks ago", "a couple of weeks ago", "date:2025-02-17..2025-02-23"),
        ("x two months ago", "two months ago", "date:2025-01-01..2025-01-31"),
        ("x last weekend", "last weekend", "date:2025-03-01..2025-03-02"),
        ("x over the weekend", "over the weekend", "date:2025-03-01..2025-03-02"),
        ("x this month", "this month", "date:2025-03-01..2025-03-31"),
        ("x last quarter", "last quarter", "date:2024-10-01..2024-12-31"),
        ("x the day before yesterday", "the day before yesterday", "date:2025-03-03"),
        ("x last night", "last night", "date:2025-03-04..2025-03-05"),
        ("x on Tuesday", "on Tuesday", "date:2025-03-04"),
        ("x on Tuesday last week", "on Tuesday last week", "date:2025-02-25"),
        ("x from Monday to Friday", "from Monday to Friday", "date:2025-02-24..2025-02-28"),
        ("articles from October 2024 y", "from October 2024", "date:2024-10-01..2024-10-31"),
        ("x from 2020 onwards", "from 2020", "date:2020-01-01.."),
        ("COVID-19 March 2024", "March 2024", "date:2024-03-01..2024-03-31"),
    ],
)
def test_dates(question, said, clause):
    found = detect.days(question, NOW)
    assert [(question[one.start : one.end], one.clause) for one in found] == [(said, clause)]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        (
            "x October and November 2024",
            [("October", "date:2024-10-01..2024-10-31"), ("November 2024", "date:2024-11-01..2024-11-30")],
        ),
        (
            "x in September 2024 and in January 2025",
            [
                ("in September 2024", "date:2024-09-01..2024-09-30"),
                ("in January 2025", "date:2025-01-01..2025-01-31"),
            ],
        ),
        (
            "x in 2024 and 2025",
            [("in 2024", "date:2024-01-01..2024-12-31"), ("2025", "date:2025-01-01..2025-12-31")],
        ),
        (
            "x September, October and November 2023",
            [
                ("September", "date:2023-09-01..2023-09-30"),
                ("October", "date:2023-10-01..2023-10-31"),
                ("November 2023", "date:2023-11-01..2023-11-30"),
            ],
        ),
        (
            "x in October 2022 and in November",
            [("in October 2022", "date:2022-10-01..2022-10-31"), ("in November", "date:2022-11-01..2022-11-30")],
        ),
        (
            "x in December and January 2024",
            [("in December", "date:2023-12-01..2023-12-31"), ("January 2024", "date:2024-01-01..2024-01-31")],
        ),
        (
            "x in December and November 2023",
            [("in December", "date:2023-12-01..2023-12-31"), ("November 2023", "date:2023-11-01..2023-11-30")],
        ),
        (
            "x on 5 November and 7 October 2023",
            [("on 5 November", "date:2023-11-05"), ("7 October 2023", "date:2023-10-07")],
        ),
        (
            "x Oct./Nov. 2023",
            [("Oct.", "date:2023-10-01..2023-10-31"), ("Nov. 2023", "date:2023-11-01..2023-11-30")],
        ),
        ("x Q3 and Q4 2023", [("Q3", "date:2023-07-01..2023-09-30"), ("Q4 2023", "date:2023-10-01..2023-12-31")]),
        (
            "compare October 2023 to October 2024",
            [("October 2023", "date:2023-10-01..2023-10-31"), ("October 2024", "date:2024-10-01..2024-10-31")],
        ),
        (
            "x after March and before June 2023",
            [("after March", "date:2023-04-01.."), ("before June 2023", "date:..2023-05-31")],
        ),
    ],
)
def test_several_dates(question, named):
    found = detect.days(question, NOW)
    assert [(question[one.start : one.end], one.clause) for one in found] == named


@pytest.mark.parametrize(
    ("mentioned", "expected"),
    [
        (["on 3 May 2024", "on 3 May 2024"], "date:2024-05-03"),
        (["on 4 May 2024", "on 1 and 2 March 2024"], "(date:2024-05-04 OR date:2024-03-01 OR date:2024-03-02)"),
        (["since April 2023", "until May 2023"], "date:2023-04-01..2023-05-31"),
        (["until 1 January 2020", "since April 2023"], "(date:..2020-01-01 OR date:2023-04-01..)"),
    ],
)
def test_dates_together(mentioned, expected):
    periods = [one.conditions for said in mentioned for one in detect.days(said, NOW)]
    assert mentions.clause(when.together(periods)) == expected


def test_no_dates_together_are_none():
    assert when.together([]) == ()


@pytest.mark.parametrize(
    "question",
    [
        "May the council sell it?",
        "Did they march in step?",
        "What may happen?",
        "over 2000 homes",
        "Who paid 2024 crowns?",
        "31 June 2024",
        "flight 2024-B",
        "what happened next",
        "Who scored in the second half?",
        "Is it open 24/7?",
        "What changed after 9/11?",
        "Who reviewed 1984 by Orwell?",
        "What did they say in may be true?",
        "Did the march 5 people joined end?",
        "What did the Sunday papers say, and who read them in the Sunday papers?",
        "What happened in the last week of the campaign?",
        "Who sang at the weekend festival?",
        "What does USA Today print?",
        "Was it 10,000 years ago?",
        "What was it like before and after October 2024?",
        "It was found in February 30, 2024",
        "last two elections",
    ],
)
def test_no_dates(question):
    assert detect.days(question, NOW) == []


WORDS = (
    "in since from between to and or , - – / .. 26 September Sept. Oct 7 2024 2025 24 last this week weeks two "
    "ago Tuesday Q4 first half of the end 31 Feb 29 0 1/2/2024 9999 2199 year now before after early weekend "
    "3rd 1990s dam ?"
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=9), st.datetimes(datetime(1, 1, 1)))
def test_whatever_is_found_is_a_date(words, present):
    now = present.replace(tzinfo=UTC)
    for question in (" ".join(words), "".join(words), re.sub(" ([-–/,]) ", r"\1", " ".join(words))):
        found = detect.days(question, now)
        assert all(one.end <= other.start for one, other in pairwise(found))
        for one in found:
            assert one.start < one.end <= len(question)
            for clause in re.findall(r"date:([^ )]+)", one.clause):
                dates.days(clause, now)  # raises for what is none
        kept = "".join(parts.split(question, found)).replace(" ", "")
        assert found == [] or set(kept) <= set(question)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("detect") / "archive", create=True) as opened:
        text = "The tram budget grew and the tram was late."
        opened.add(
            [
                Article(
                    id="old",
                    title="Tram",
                    text=text + " Nobody knew.",
                    source="The Hindu",
                    published=NOW.replace(year=2023),
                ),
                Article(id="new", title="Tram", text="Rails were laid for a tram.", source="BBC", published=NOW),
                Article(
                    id="hindu",
                    title="Rails",
                    text="A tram left its depot, late as ever it was.",
                    source="The Hindu",
                    published=NOW,
                ),
            ],
            vectors=False,
        )
        yield opened


def test_what_becomes_of_what_is_named(archive):
    question = "What did The Hindu report about the tram in March 2025?"
    settings = {"as_of": NOW}
    preferred = archive.retrieve(question, **settings)
    assert preferred[0].article_id == "hindu"
    assert [one.clause for one in preferred.detected] == ['source:="The Hindu"', "date:2025-03-01..2025-03-31"]
    filtered = archive.retrieve(question, detect="filter", **settings)
    assert [one.article_id for one in filtered] == ["hindu"]
    off = archive.retrieve(question, detect="off", **settings)
    assert off.detected == ()
    assert off[0].article_id == "new"  # the words alone rank another source first


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What did the New York Times report about the dam?", ["the New York Times"]),
        ("How did Reuters and the Aldermoor Gazette cover it?", ["Reuters", "the Aldermoor Gazette"]),
        ("Compare The Washington Post with Le Monde on tariffs", ["The Washington Post", "Le Monde"]),
        ("Was it in The Times of India?", ["The Times of India"]),
        ("How did Der Abend cover the floods?", ["Der Abend"]),
        ("Compare Der Abend and Der Morgen coverage of it.", ["Der Abend", "Der Morgen"]),
        ("Which articles from The Independent mention dams?", ["The Independent"]),
        ("According to AFP, who won?", ["AFP"]),
        ("What is on nytimes.com about dams?", ["nytimes.com"]),
        ("What did Narendra Modi tell the Hindu?", ["the Hindu"]),
        ("What is the Guardian's view of strikes?", ["the Guardian"]),
        ("What did Hamas say about the ceasefire?", []),
        ("According to John Smith, who won?", []),
        ("When did Germany report its first case?", []),
        ("Who signed for Manchester United in May?", []),
        ("Is the Post Office inquiry over?", []),
        ("Who runs the BBC?", []),
        ("What did Time and tide do?", []),
        ("", []),
    ],
)
def test_outlets(question, named):
    assert outlets.outlets(question) == named


def test_an_outlet_that_the_archive_does_not_have_is_said(archive):
    found = archive.retrieve("What did The Hindi report about the tram?", as_of=NOW)
    assert found
    assert "there is no source of that name: The Hindi; did you mean The Hindu?" in found.notes
    found = archive.retrieve("Compare how BBC and Reuters covered the tram", as_of=NOW)
    assert "there is no source of that name: Reuters" in found.notes
    for question in ("What did BBC report about the tram?", "What did the Hindu write about the tram?"):
        assert not [note for note in archive.retrieve(question, as_of=NOW).notes if "no source" in note]
    off = archive.retrieve("What did Reuters report about the tram?", as_of=NOW, detect="off")
    assert not [note for note in off.notes if "no source" in note]


def test_an_agency_is_no_outlet_that_is_missing(tmp_path):
    with Archive.open(tmp_path / "wire", create=True) as wire:
        wire.add([Article(id="1", title="Tram", text="A tram.", agency="AFP", authors=("Ada Abend",))], vectors=False)
        for question in ("What did AFP report about the tram?", "How did Ada Abend cover the tram?"):
            assert not [note for note in wire.retrieve(question).notes if "no source" in note], question


@pytest.mark.parametrize("how", ["prefer", "filter"])
@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Which tram was late in May 2019?",
            'no article of the archive is dated "in May 2019" (date:2019-05-01..2019-05-31)',
        ),
        (
            "Which tram was late on 4 March 2025?",
            'no article of the archive is dated "on 4 March 2025" (date:2025-03-04)',
        ),
        (
            "What did BBC report about the tram in 2023?",
            'no article of the archive is both from BBC and dated "in 2023" (date:2023-01-01..2023-12-31)',
        ),
    ],
)
def test_a_day_of_which_there_is_nothing_is_said(archive, question, said, how):
    notes = archive.retrieve(question, as_of=NOW, detect=how).notes
    assert [note for note in notes if note.startswith(said)], notes


def test_where_the_dates_end_is_said(archive):
    assert (
        archive.retrieve("Which tram was late in May 2019?", as_of=NOW)
        .notes[-1]
        .endswith("; the oldest is of 2023-03-05")
    )
    with Archive.open(archive.path) as now:  # without as_of, what is newest is not today
        notes = now.retrieve("Which tram was late in the last two weeks?").notes
    assert notes[-1].endswith("; the newest is of 2025-03-05")


def test_what_is_there_and_does_not_match_is_said(archive):
    found = archive.retrieve("Which rails were laid in 2023?", as_of=NOW)
    assert {one.article_id for one in found} == {"new", "hindu"}  # both of 2025
    assert found.notes[-1] == 'nothing dated "in 2023" (date:2023-01-01..2023-12-31) matches well; what is given is not'
    met = archive.retrieve("Which rails were laid in 2025?", as_of=NOW)
    assert met.notes == ("this archive has no vectors: ranked by words alone",)


def test_any_of_several_dates_will_do(archive):
    settings = {"as_of": NOW, "detect": "filter"}
    for years, expected in (("2023 and 2022", "old"), ("2022 and 2023", "old"), ("2022, 2024 and 2025", "hindu")):
        found = archive.retrieve(f"What did The Hindu report about the tram in {years}?", **settings)
        assert [one.article_id for one in found] == [expected], years
    between = archive.retrieve("Which tram was late after 2021 and before 2024?", **settings)
    assert [one.article_id for one in between] == ["old"]


def test_several_dates_weigh_as_one(archive):
    def score(question):
        found = archive.retrieve(question, as_of=NOW)
        return next(one.score for one in found if one.article_id == "new")

    one = score("tram rails in 2025")
    assert score("tram rails in 2023 and 2025") == pytest.approx(one)
    assert score("tram rails in 2023 and 2024") < one


def test_each_part_keeps_its_dates(archive):
    question = "Compare the tram in 2023 with the tram depot in March 2025."
    found = archive.retrieve(question, as_of=NOW, detect="filter")
    assert found.parts == ("the tram in 2023.", "the tram depot in March 2025.")
    assert {one.article_id for one in found} >= {"old", "hindu"}
    alone = archive.retrieve("Compare the tram in 2023 with the rail in 2023.", as_of=NOW, detect="filter")
    assert {one.article_id for one in alone} == {"old"}


@pytest.mark.parametrize(
    ("question", "clauses"),
    [
        ("What did NPR report about the dam?", ['source:="NPR Online News"']),
        ("What did CNN say?", ['(source:="CNN (Opinion)" OR source:="CNN (Web News)")']),
        (
            "What did CNN and NPR say?",
            ['(source:="CNN (Opinion)" OR source:="CNN (Web News)")', 'source:="NPR Online News"'],
        ),
        ("What did Fox Online News report?", ['source:="Fox Online News"']),
        ("What did Fox report?", ["source:=Fox"]),
        ("The New York Times on the dam", ['source:="New York Times - News"']),
        ("Which CNN towers fell? NPR is a letter.", []),
    ],
)
def test_what_an_archive_adds_to_a_name_need_not_be_said(question, clauses):
    names = ["NPR Online News", "CNN (Web News)", "CNN (Opinion)", "Fox", "Fox Online News", "New York Times - News"]
    assert [one.clause for one in detect.sources(question, names)] == clauses


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=25))
def test_stretches_are_taken_in_turn_unless_they_overlap(given_stretches):
    taken, kept = Disjoint(), []
    for start, length in given_stretches:
        end = start + length
        free = all(end <= first or start >= last for first, last in kept)
        assert taken.take(start, end) == free
        if free:
            kept.append((start, end))


def test_a_question_of_a_hundred_thousand_characters_is_read_within_its_deadline(collector_off):
    names = ["The Hindu", "BBC", "Le Monde"]
    for text in ("The Hindu and BBC and ", "3 May 2019, 4 and ", "What did Le Monde report in 2019 and May 2020? "):
        began = time.thread_time()
        with Deadline(0.1), suppress(QueryTimeout):
            read((text * 10_000)[:100_000], SourceNames(names), NOW, Detect.PREFER)
        assert time.thread_time() - began < 0.6
