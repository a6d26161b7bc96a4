"""Did you mean: for words wherever they stand in a query, for names of fields and filters, and for rare spellings."""

from __future__ import annotations

from datetime import date

import pytest

from search import Archive, Article
from search.engine.nearest import nearest
from search.records import Filters


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("suggestions") / "a", create=True, model=None) as archive:
        archive.add(
            [
                Article(
                    id="1",
                    text="The Corriedale dam leaks.",
                    source="Valley Post",
                    authors=("Jane Roe",),
                    section="Sport",
                ),
                Article(id="2", text="Judge Kavanagh spoke.", source="The Hindu", authors=("Asha Rao",)),
                *(Article(id=f"k{i}", text=f"Kavanaugh was confirmed, {i}", source="Valley Post") for i in range(60)),
            ]
        )
        yield archive


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("Corridale", "Corriedale"),
        ("+Corridale", "+Corriedale"),
        ('"Corridale dam"', '"Corriedale dam"'),
        ("dam AND Corridale", "dam AND Corriedale"),
        ("title:dam OR Corridale", "title:dam OR Corriedale"),
        ("Corridale w/3 dam", "Corriedale w/3 dam"),
        ('source:"Valey Post"', 'source:"Valley Post"'),
        ("source:Hindoo", 'source:"The Hindu"'),
        ("dam by:Row", None),
        ('by:"Jane Row"', 'by:"Jane Roe"'),
        ("section:Sprot", "section:Sport"),
        ("dam -Corridale", None),
        ("source:Hindu", None),
    ],
)
def test_what_was_meant(archive, query, meant):
    assert archive.search(query, mode="keyword").did_you_mean == meant


def test_a_filter_of_an_unknown_name_says_so(archive):
    results = archive.search("dam", mode="keyword", filters=Filters(sources=["Valey Post"]))
    assert results.total == 0
    assert "there is no source of that name: Valey Post; did you mean Valley Post?" in results.notes


def test_a_name_like_no_other(archive):
    results = archive.search("source:Zeitung", mode="keyword")
    assert "there is no source of that name: Zeitung" in results.notes


def test_a_rare_spelling_is_told(archive):
    results = archive.search("Kavanagh", mode="keyword")
    assert results.total == 1
    assert any("60 articles have 'Kavanaugh'" in note for note in results.notes)
    assert not any("articles have" in note for note in archive.search("Kavanaugh", mode="keyword").notes)


def test_the_nearest_name():
    assert nearest("the hindoo", ["The Hindu", "The Times", "Hindustan"]) == "The Hindu"
    assert nearest("xyz", ["The Hindu"]) is None
    assert nearest("a", []) is None


@pytest.fixture(scope="module")
def dated(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("dated") / "a", create=True, model=None) as archive:
        archive.add(
            [
                Article(id="old", text="dam", published=date(2020, 3, 1)),
                Article(id="none", text="dam"),
                Article(id="other", text="weir"),
            ]
        )
        yield archive


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ("dam since:2020-01-01", ["1 article without a date cannot be among these"]),
        ("since:2020-01-01", ["2 articles without a date cannot be among these"]),
        ("weir since:2019 -weir", []),
        ("dam since:7d", ["1 article without a date cannot be among these", "the newest article is of 2020-03-01"]),
        ("dam before:2000", ["1 article without a date cannot be among these", "the oldest article is of 2020-03-01"]),
        ("heron since:2021 until:2020", ["no day meets all the dates of this query"]),
        ("dam", []),
    ],
)
def test_what_dates_leave_out_is_said(dated, query, notes):
    said = dated.search(query, mode="keyword").notes
    assert [note for note in said if "date" in note or " is of " in note] == notes
