"""One hit for all copies of a text: as many stories as are asked for, in every mode, order and under every filter."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from search import Archive, Article
from search.engine import rank
from search.engine.ranking import fusion
from search.records import Copy

from .effects import answer, run
from .test_stories import prose

MODES = ("keyword", "vector", "hybrid")
SORTS = ("relevance", "newest", "oldest")
FILTERS = (None, {"sources": ["B"]}, {"since": "2025-01-10"})
WORDS = ("dam", "bridge", "ferry")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Ninety articles of fifty-three stories of one to three copies, some framed, in three sources; each has a word of
    three or none. In several segments, with a tombstone among the copies."""
    articles = []
    for number in range(90):
        story = number % 23 if number < 60 else number
        text = prose(story, 150)
        framed = f"{text} {prose(500 + number, 60)}" if number % 4 == 1 else text
        word = f"The {WORDS[story % 3]} was named {1 + number % 5} times. " if story % 4 else ""
        day = date(2025, 1, 1) + timedelta(days=number % 21)
        articles.append(
            Article(id=f"a{number:02}", title=f"On {story}", text=framed + " " + word * (1 + number % 3),
                    published=None if number % 13 == 5 else day, source="ABC"[number % 3])
        )  # fmt: skip
    with Archive.open(tmp_path_factory.mktemp("collapse") / "a", create=True, model="hash") as made:
        made.add(articles, batch=25)
        made.delete(["a04"])
        yield made


def stories(archive):
    with archive._session.reading() as view:
        groups = view.groups(view.snapshot.live)
        ordinals = np.flatnonzero(view.snapshot.live)
        return dict(zip(view.columns.ids(ordinals.tolist()), groups.ids[ordinals].tolist(), strict=True))


def test_the_archive_has_stories_of_several_sizes(archive):
    counts = np.bincount(list(stories(archive).values()))
    assert len(stories(archive)) == 89
    assert {1, 2} < set(counts[counts > 0].tolist())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("filters", FILTERS, ids=["all", "source", "date"])
@pytest.mark.parametrize("query", ["dam", "the bridge named", "*"])
def test_as_many_stories_come_back_as_are_asked_for(archive, mode, sort, filters, query):
    of = stories(archive)
    asked = {"mode": mode, "sort": sort, "filters": filters}
    every = [hit.article.id for hit in archive.search(query, limit=1000, **asked)]
    matched = {hit.article.id for hit in archive.search(query, limit=1000, **asked) if hit.matched}
    expected = len({of[one] for one in every})
    assert expected >= 3
    for limit in (1, 2, 3, 5, 8, 13, expected - 1, expected, expected + 1, 1000):
        found = archive.search(query, limit=limit, copies="collapse", **asked)
        shown = [of[hit.article.id] for hit in found]
        assert len(shown) == len(set(shown)) == min(limit, expected)
        assert found.stories == len({of[one] for one in matched})
        assert found.total == archive.search(query, limit=1, **asked).total
        assert [hit.rank for hit in found] == list(range(1, len(shown) + 1))
    held = [copy.id for hit in found for copy in hit.copies] + [hit.article.id for hit in found]
    assert len(held) == len(set(held))
    assert set(every) <= set(held)
    if filters == FILTERS[1]:
        assert {hit.article.source for hit in found} == {"B"}
        assert {copy.source for hit in found for copy in hit.copies} <= {"B"}


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_by_date_the_newest_or_the_oldest_copy_stands_for_all(archive, sort):
    of = stories(archive)
    single: dict[int, str] = {}
    for hit in archive.search("*", sort=sort, limit=1000):
        single.setdefault(of[hit.article.id], hit.article.id)
    assert [hit.article.id for hit in archive.search("*", sort=sort, limit=1000, copies="collapse")] == list(
        single.values()
    )


@pytest.mark.parametrize("query", ["dam named", "bridge", "ferry was", prose(3, 20)])
def test_the_first_places_are_those_of_the_whole_pool(archive, monkeypatch, query):
    """Where only the first places are asked for, not all is scored; with copies of one story in both legs, too."""
    monkeypatch.setattr(fusion, "WINDOW", 10)
    whole = archive.search(query, mode="hybrid", copies="collapse", limit=1000)
    monkeypatch.setattr(rank, "NEAR", 12)
    monkeypatch.setattr(rank, "FRONT", 6)
    for limit in (1, 3, 6):
        few = archive.search(query, mode="hybrid", copies="collapse", limit=limit)
        assert [(hit.article.id, hit.score) for hit in few] == [(hit.article.id, hit.score) for hit in whole[:limit]]


@pytest.mark.parametrize("mode", MODES)
def test_pages_go_on_where_the_last_one_ended(archive, mode):
    whole = [hit.article.id for hit in archive.search("dam", mode=mode, copies="collapse", limit=1000)]
    found, cursor = [], None
    while True:
        page = archive.search("dam", mode=mode, copies="collapse", limit=4, cursor=cursor)
        found += [hit.article.id for hit in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == whole


def test_as_of_a_day_copies_are_those_of_that_day(archive):
    for day in ("2025-01-05", "2025-01-12"):
        found = archive.search("*", copies="collapse", as_of=day, limit=1000)
        assert found.hits
        published = [str(hit.article.published) for hit in found]
        published += [str(copy.published) for hit in found for copy in hit.copies]
        assert max(published) <= day


def test_recency_and_diversity_keep_stories_apart(archive):
    of = stories(archive)
    for settings in ({"recency": "5d"}, {"diversity": 0.5}, {"fusion": "rrf"}):
        shown = [of[hit.article.id] for hit in archive.search("dam", copies="collapse", limit=20, **settings)]
        assert len(shown) == len(set(shown)) == 20


@pytest.fixture(scope="module")
def two_outlets(tmp_path_factory):
    """A story that an early copy tells with more of the words than a later one does, and another between them."""
    text = prose(5, 150)
    told = [
        ("early", f"{text} The dam strike vote. The dam strike vote again.", date(2024, 12, 20), "Valley Post"),
        ("late", f"{text} The dam strike vote.", date(2025, 1, 2), "Harrow Courier"),
        ("other", f"{prose(7, 100)} The dam strike vote.", date(2025, 1, 1), "Hill Herald"),
        *((f"rest{one}", prose(70 + one, 100), date(2024, 1, 1), "Hill Herald") for one in range(8)),
    ]
    with Archive.open(tmp_path_factory.mktemp("outlets") / "a", create=True, model="hash") as made:
        made.add(
            [
                Article(id=one, title="Dam strike", text=text, published=day, source=source)
                for one, text, day, source in told
            ]
        )
        yield made


@pytest.mark.parametrize("mode", MODES)
def test_the_copy_of_the_outlet_that_the_query_names_stands_for_its_story(two_outlets, mode):
    asked = {"query": "Harrow Courier on the dam strike vote", "mode": mode, "limit": 2}
    found = two_outlets.search(copies="collapse", **asked)
    assert sorted(hit.article.id for hit in found) == ["late", "other"]
    assert any('source:="Harrow Courier"' in note for note in found.notes)
    (late,) = (hit for hit in found if hit.article.id == "late")
    assert [copy.id for copy in late.copies] == ["early"]
    assert two_outlets.search(copies="collapse", **asked, detect="off")[0].article.id in ("early", "other")


@pytest.mark.parametrize("mode", MODES)
def test_a_story_is_as_recent_as_its_best_copy(two_outlets, mode):
    asked = {"query": "dam strike vote", "mode": mode, "recency": "5d", "as_of": "2025-01-03"}
    found = two_outlets.search(copies="collapse", limit=2, **asked)
    assert {hit.article.id for hit in found} == {"late", "other"}
    if mode != "hybrid":  # whose statistics are those of stories
        single = {hit.article.id: hit.score for hit in two_outlets.search(limit=20, **asked)}
        assert {hit.article.id: hit.score for hit in found} == {one: single[one] for one in ("late", "other")}


CORRECTED, CLOSED = "ward7b-2024-09-20-closed-corrected", "ward7b-2024-09-19-closed"


def test_what_is_said_of_copies(sample_archive):
    asked = ("search", "title:ward title:patients", "--index", sample_archive, "--sort", "newest")
    (hit,) = answer(*asked, "--copies", "collapse")["hits"]
    assert hit["id"] == CORRECTED
    assert hit["copies"] == [{"id": CLOSED, "source": "Dunmere Evening Post", "published": "2024-09-19"}]
    assert [hit["copies"] for hit in answer(*asked)["hits"]] == [[], []]
    said = run(*asked, "--copies", "collapse", "--format", "pretty")
    assert "   +1 copy: Dunmere Evening Post, 2024-09-19\n" in said.stdout
    with Archive.open(sample_archive) as archive:
        found = archive.search("title:ward title:patients", sort="newest", copies="collapse")
        assert (found.total, found.stories) == (2, 1)
        assert found[0].copies == (Copy(id=CLOSED, source="Dunmere Evening Post", published=date(2024, 9, 19)),)


def test_an_archive_that_knows_no_copies_says_so(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        with archive._session.writing() as writer, writer.commit() as transaction:
            transaction.set("stories", None)
        archive.add([Article(id=name, text=prose(1, 90)) for name in "ab"], vectors=False)
        found = archive.search("*", copies="collapse", mode="keyword")
        assert (len(found), found.stories) == (2, None)
        assert found.notes == ("this archive does not know which articles are copies; 'broadsheet regroup' finds out",)
        archive.regroup()
        found = archive.search("*", copies="collapse", mode="keyword")
        assert (len(found), found.stories, found.notes) == (1, 1, ())
