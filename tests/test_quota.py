"""No more than so many hits of a source: the greedy choice from the ranking that there is without, in every mode, order
and under every filter, and as many as there are."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from search import Archive, Article
from search.engine import rank
from search.errors import UsageError

from .test_stories import prose

MODES = ("keyword", "vector", "hybrid")
SORTS = ("relevance", "newest", "oldest")
WORDS = ("dam", "bridge", "ferry")
SPELLINGS = ("Valley Post", "Valley Post", "Valley Post", "VALLEY  POST", "Hill Herald", "Hill Herald", "Argus", "")
"""Half of all articles are of one paper, in two spellings; some are of none."""
VALLEY, HILL, ARGUS = "valley post", "hill herald", "argus"


def source_of(hit):
    return " ".join(hit.article.source.lower().split())


def greedy(hits, most):
    """The oracle: walk the whole ranking, and take what its source has room for."""
    seen: Counter[str] = Counter()
    for hit in hits:
        source = source_of(hit)
        seen[source] += 1
        if not source or seen[source] <= most:
            yield hit.article.id


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A hundred and twenty articles of some ninety stories, some of several outlets, in several segments, with a
    tombstone, and without a date here and there."""
    articles, random = [], Random(7)
    for number in range(120):
        story = number % 31 if number < 60 else number
        word = f"The {WORDS[story % 3]} was named {1 + number % 5} times. " if story % 4 else ""
        day = date(2025, 1, 1) + timedelta(days=number % 21)
        articles.append(
            Article(id=f"a{number:03}", title=f"On {story}", text=prose(story, 150) + " " + word * (1 + number % 3),
                    published=None if number % 13 == 5 else day, source=random.choice(SPELLINGS))
        )  # fmt: skip
    with Archive.open(tmp_path_factory.mktemp("quota") / "a", create=True, model="hash") as made:
        made.add(articles, batch=35)
        made.delete(["a004"])
        yield made


ASKED = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(MODES),
        "sort": st.sampled_from(SORTS),
        "copies": st.sampled_from(("show", "collapse")),
        "filters": st.sampled_from((None, {"since": "2025-01-10"}, {"sources": ["Valley Post", "Argus"]})),
    },
    optional={
        "shown": st.sampled_from(("earliest", "latest", "original")),
        "prefer": st.sampled_from((["Hill Herald"], ["Argus", "Valley Post"])),
        "diversity": st.sampled_from((0.3, 0.9)),
        "recency": st.just("10d"),
        "as_of": st.just("2025-01-15"),
        "fusion": st.sampled_from(("rrf", "minmax")),
    },
)
QUERY = st.sampled_from(
    ("dam", "the bridge named", "*", "ferr*", "ferry~", "Valley Post dam", "since:2025-01-05 named")
)


@budget(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=QUERY, asked=ASKED, most=st.integers(1, 5), pool=st.sampled_from((1000, 1000, 8)), data=st.data())
def test_hits_are_the_greedy_choice_from_the_whole_ranking(archive, query, asked, most, pool, data):
    """However little of it the legs give at first: of one leg's, whose scores depend on no others."""
    whole = archive.search(query, limit=1000, **asked)
    expected = list(greedy(whole, most))
    scores = {hit.article.id: hit.score for hit in whole}
    small = (
        asked["sort"] == "relevance"
        and asked["mode"] != "hybrid"
        and not asked.keys() & {"diversity", "recency", "shown", "prefer"}
        and query in ("dam", "*", "the bridge named")
    )
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(rank, "POOL", max(pool, 8))
            patch.setattr(rank, "NEAR", min(pool, rank.NEAR))
            patch.setattr(rank, "FRONT", min(pool, rank.FRONT))
        top = rank.POOL if small else 1000
        limit = data.draw(st.integers(1, min(len(expected) + 2, top)) if expected else st.just(5))
        found = archive.search(query, limit=limit, per_source=most, **asked)
    assert [hit.article.id for hit in found] == expected[:limit]
    assert [hit.score for hit in found] == [scores[one] for one in expected[:limit]]
    assert (found.total, found.stories) == (whole.total, whole.stories)
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("copies", ["show", "collapse"])
def test_pages_go_on_where_the_last_one_ended(archive, mode, sort, copies):
    asked = {"mode": mode, "sort": sort, "copies": copies, "per_source": 4}
    whole = [hit.article.id for hit in archive.search("dam", limit=1000, **asked)]
    found, cursor = [], None
    while True:
        page = archive.search("dam", limit=3, cursor=cursor, **asked)
        found += [hit.article.id for hit in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == whole
    assert [hit.article.id for hit in archive.search("dam", limit=3, offset=5, **asked)] == whole[5:8]


@pytest.mark.parametrize("asked", [{"mode": "keyword"}, {"sort": "newest"}, {"mode": "hybrid", "copies": "collapse"}])
@pytest.mark.parametrize("limit", [2, 6, 1000])
def test_what_was_passed_over_is_said(archive, asked, limit):
    """On the way to these hits; to the end of all, where there are no more."""
    whole = archive.search("named", limit=1000, **asked)
    found = archive.search("named", limit=limit, per_source=2, **asked)
    ids = [hit.article.id for hit in whole]
    walked = whole[: ids.index(found[-1].article.id)] if len(found) == limit else whole.hits
    kept = {hit.article.id for hit in found}
    expected = Counter(source_of(hit) for hit in walked if hit.article.id not in kept)
    assert expected or limit < 1000
    assert {" ".join(name.lower().split()): count for name, count in found.passed_over.items()} == expected
    named = ", ".join(f"{count} of {name}" for name, count in found.passed_over.items())
    said = f"no more than 2 hits of a source: {sum(expected.values())} passed over ({named})"
    assert [note for note in found.notes if "of a source" in note] == ([said] if expected else [])
    assert not [note for note in whole.notes if "of a source" in note]


def test_nothing_passed_over_is_not_said(archive):
    alone = archive.search("dam source:Argus", limit=1, per_source=1)
    assert (alone.passed_over, [note for note in alone.notes if "of a source" in note]) == ({}, [])


def test_a_flood_of_one_source_leaves_as_many_hits_as_there_are(tmp_path, monkeypatch):
    """Where the best of all are of one outlet, the legs go on without it: nothing of others is lost for them."""
    monkeypatch.setattr(rank, "POOL", 20)
    flood = [
        Article(
            id=f"f{n:03}", title="Dam dam dam", text=f"The dam {n}. " * 5, source="Flood", published=date(2025, 3, 1)
        )
        for n in range(100)
    ]
    others = [
        Article(
            id=f"o{n}", title="Other", text=prose(n, 40) + " dam", source=f"Paper {n % 6}", published=date(2024, 1, 1)
        )
        for n in range(18)
    ]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([*flood, *others])
        for settings in (
            *({"mode": mode} for mode in MODES),
            {"sort": "newest"},
            {"mode": "hybrid", "diversity": 0.4},
            {"mode": "hybrid", "recency": "30d"},
        ):
            found = archive.search("dam", limit=14, per_source=2, **settings)
            assert Counter(hit.article.source for hit in found) == {"Flood": 2, **{f"Paper {n}": 2 for n in range(6)}}
            assert found.cursor is None
            assert [hit.article.id for hit in archive.search("dam", limit=5, per_source=2, **settings)] == [
                hit.article.id for hit in found[:5]
            ]
            (said,) = [note for note in found.notes if "of a source" in note]
            assert said.startswith("no more than 2 hits of a source: at least ")


def test_articles_of_no_source_are_never_passed_over(archive):
    found = archive.search("*", limit=1000, per_source=1)
    none = [hit for hit in archive.search("*", limit=1000) if not hit.article.source]
    assert len(none) > 5
    assert Counter(map(source_of, found)) == {VALLEY: 1, HILL: 1, ARGUS: 1, "": len(none)}


def test_contexts_take_no_more_articles_of_a_source(archive):
    question = "Where was the dam named? Where was the bridge named?"
    for mode in MODES:
        asked = {"mode": mode, "budget": 30_000}
        whole = archive.retrieve(question, **asked)
        found = archive.retrieve(question, per_source=1, **asked)

        def sources(context):
            return Counter(
                one.source.lower().split()[0] for one in {c.article_id: c for c in context}.values() if one.source
            )

        assert max(sources(whole).values()) > 1
        assert set(sources(found).values()) == {1}
        (said,) = [note for note in found.notes if "of a source" in note]
        assert said.startswith("no more than 1 article of a source: at least ")


@pytest.mark.parametrize("name", ["similar", "background"])
def test_what_belongs_to_an_article_too(archive, name):
    whole = getattr(archive, name)("a059", limit=1000)
    found = getattr(archive, name)("a059", limit=4, per_source=1)
    assert [hit.article.id for hit in found] == list(greedy(whole, 1))[:4]
    assert len(found) == 4


def test_what_makes_no_sense_is_refused(archive):
    for wrong, said in (
        (0, "1 or more"),
        (1.5, "takes a whole number"),
        (float("nan"), "a whole number"),
        (True, "takes a number"),
        ("two", "takes a number"),
    ):
        with pytest.raises(UsageError, match=f"per_source .*{said}"):
            archive.search("dam", per_source=wrong)
