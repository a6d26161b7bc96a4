"""Did you mean: for words wherever they stand in a query, for names of fields and filters, and for rare spellings."""

from __future__ import annotations

from datetime import date

import pytest

from search import Archive, Article
from search.engine.nearest import nearest
from search.records import Compare, Filters

UNDATED = "1 article without a date cannot be among these; date:none finds such articles"


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
                Article(id="2", text="Judge Kavanagh spoke.", source="The Hindu", authors=("Asha Rao",), language="de"),
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
        ("title:Corridale", "title:Corriedale"),
        ("dam headline:Corridale", "dam headline:Corriedale"),
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


HINDOO = "there is no source of that name: Hindoo; did you mean The Hindu?"


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ("source:(Hindoo OR Post)", [HINDOO]),
        ("source:Hindoo OR Corriedale", [HINDOO]),
        ("confirmed -source:Hindoo", [HINDOO]),
        ("confirmed NOT (source:Hindoo OR by:Nobody)", [HINDOO, "there is no author of that name: Nobody"]),
        ("id:k999", ["there is no article with the id k999"]),
        ("id:k1", []),
        ("lang:German", []),
        ("lang:English", ["there is no language of that name: English"]),
        ("agency:Reuters", ["there is no agency of that name: Reuters"]),
        ("source:(Hindu OR Post) -by:Rao", []),
    ],
)
def test_a_name_that_nothing_has_is_said_wherever_it_stands(archive, query, notes):
    for found in (
        archive.search(query, mode="keyword"),
        archive.facets(query),
        archive.timeline(query),
    ):
        assert [note for note in found.notes if "there is no" in note] == notes, type(found)


def test_filters_with_one_unknown_name_among_known_ones(archive):
    found = archive.search("spoke", mode="keyword", filters=Filters(sources=["Hindoo", "The Hindu"]))
    assert found.total == 1
    assert HINDOO in found.notes


@pytest.mark.parametrize(
    "query", ["Kavanagh", "+Kavanagh", '"Judge Kavanagh"', "Judge AND Kavanagh", "Kavanagh w/2 judge"]
)
def test_a_rare_spelling_is_told(archive, query):
    results = archive.search(query, mode="keyword")
    assert results.total == 1
    assert any("60 articles have 'Kavanaugh'" in note for note in results.notes)


def test_a_usual_spelling_is_not_told(archive):
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
        ("dam since:2020-01-01", [UNDATED]),
        ("since:2020-01-01", ["2 articles without a date cannot be among these; date:none finds such articles"]),
        ("weir since:2019 -weir", []),
        (
            "dam since:7d",
            [
                UNDATED,
                "the newest article is of 2020-03-01",
            ],
        ),
        (
            "dam before:2000",
            [
                UNDATED,
                "the oldest article is of 2020-03-01",
            ],
        ),
        ("heron since:2021 until:2020", ["no day meets all the dates of this query"]),
        ("dam", []),
        (
            "dam date:2019 OR dam date:2020",
            [UNDATED],
        ),
        ("dam date:(2019 OR 2020)", [UNDATED]),
        ("dam -date:2019", []),
        ("dam NOT since:2020-04", []),
        ("dam -(-date:2020)", [UNDATED]),
        ("weir OR since:2030", [UNDATED]),
        ("heron date:2020-03-01", []),
    ],
)
def test_what_dates_leave_out_is_said(dated, query, notes):
    for found in (dated.search(query, mode="keyword"), dated.facets(query), dated.timeline(query)):
        assert [note for note in found.notes if "date" in note or " is of " in note] == notes, type(found)


def test_filters_say_what_they_leave_out_too(dated):
    undated = UNDATED
    for filters in (Filters(since="2019"), Filters(since="2020-03-01", until="2020-03-01"), {"since": "2020"}):
        assert list(dated.search("dam", mode="keyword", filters=filters).notes) == [undated]
    published = Filters(conditions=Compare("published", "gte", "2019"))
    assert list(dated.search("dam", mode="keyword", filters=published).notes) == [undated]
    assert undated in dated.retrieve("Which dam in 2020?", detect="filter").notes


def test_days_of_which_there_is_nothing(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        archive.add([Article(id=str(year), text="dam", published=date(year, 1, 1)) for year in (2015, 2020)])
        assert list(archive.search("dam date:2017", mode="keyword").notes) == ["no article is of these days"]
        assert list(archive.search("dam date:(2017 OR 2018)", mode="keyword").notes) == ["no article is of these days"]
        assert list(archive.search("heron date:2015", mode="keyword").notes) == ["no article has 'heron'"]
        early = archive.search("dam", mode="keyword", as_of="2014")
        assert list(early.notes) == ["the oldest article is of 2015-01-01"]


def test_the_name_of_deleted_articles_is_not_suggested(tmp_path):
    articles = [
        Article(id="m1", title="Dam", text="The dam held.", source="Morning Post"),
        Article(id="e1", title="Dam", text="The dam broke.", source="Evening Post"),
    ]
    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        archive.add(articles)
        archive.delete(["m1"])
        note = "there is no source of that name: Morning Post; did you mean Evening Post?"
        assert note in archive.search('source:"Morning Post"').notes
