"""Sources and dates that questions name, and what is no source and no date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from search import Archive, Article
from search.rag import detect

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
    assert [name for _, name in found] == named
    for one, name in found:
        assert name.casefold().removeprefix("the ") in question[one.start : one.end].casefold()


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
    ],
)
def test_dates(question, said, clause):
    found = detect.days(question, NOW)
    assert [(question[one.start : one.end], one.clause) for one in found] == [(said, clause)]


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
    ],
)
def test_no_dates(question):
    assert detect.days(question, NOW) == []


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
