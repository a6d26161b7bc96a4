"""What holds over the life of an archive: many commits, limits, whole vocabularies, readers that stay."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.keyword import tree

from .keyword_oracle import tokens_of

WORDS = ["ferry", "harbour", "gull", "tide", "lantern", "storm", "pier", "rope"]


def article(i, word="ferry"):
    return Article(
        id=f"a{i}",
        title=f"{WORDS[i % 8]} {WORDS[i % 5]}",
        text=f"The {word} met the {WORDS[i % 7]} at pier {i}. {WORDS[i % 3]} and {WORDS[i % 4]} followed.",
        source=("Valley", "Coast", "Hill")[i % 3],
    )


def told(archive):
    """All that searches tell, without what depends on the order in which articles came."""
    return [
        (mode, query, result.total, [(hit.article, round(hit.score, 5), hit.snippet) for hit in result])
        for mode, query in itertools.product(("keyword", "vector", "hybrid"), ("ferry storm", "pier", "gull AND tide"))
        for result in [archive.search(query, mode=mode, limit=50)]
    ]


def test_many_small_commits_and_one_build_are_the_same(tmp_path):
    """The long form of it is ``scripts/torture --commits``."""
    with Archive.open(tmp_path / "small", create=True, model="hash") as archive:
        for i in range(110):
            archive.add([article(i % 90, WORDS[i % 8])])  # some replace earlier ones
            if i % 13 == 5:
                archive.delete([f"a{i - 3}"])
        kept = sorted(archive, key=lambda one: one.id)
        before = told(archive)
        archive.optimize()
        after = told(archive)
        assert archive.stats()["segments"] == 1
        assert archive.check(thorough=True) == []
    with Archive.open(tmp_path / "once", create=True, model="hash") as archive:
        archive.add(kept)
        assert told(archive) == after == before


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Articles in several segments, some replaced, some deleted; opened anew."""
    folder = tmp_path_factory.mktemp("lake") / "desk"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add((article(i) for i in range(120)), batch=50)
        archive.add(article(i, "lantern") for i in range(10, 20))
        archive.delete(["a3", "a60"])
    with Archive.open(folder) as archive:
        yield archive


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.sampled_from(("ferry", "storm gull", '"met the"', "pier OR rope", "gull NOT tide", "source:Coast", "*")),
    mode=st.sampled_from(("keyword", "vector", "hybrid")),
    sources=st.sampled_from((None, ["Coast"], ["Coast", "Hill"])),
    few=st.integers(1, 60),
    more=st.integers(1, 60),
    sort=st.sampled_from(("relevance", "newest")),
)
def test_few_hits_are_the_first_of_many(lake, query, mode, sources, few, more, sort):
    def hits(limit):
        found = lake.search(
            query, mode=mode, limit=limit, sort=sort, filters=None if sources is None else {"sources": sources}
        )
        return found.total, [(hit.article.id, hit.score) for hit in found]

    (total, short), (same, long) = hits(min(few, more)), hits(max(few, more))
    assert total == same
    assert short == long[: min(few, more)]


def test_every_term_by_its_postings_is_that_of_a_scan(lake):
    expected: dict[str, set[str]] = {}
    articles = list(lake)
    for one in articles:
        for token in tokens_of(one)[0]:
            if len(token.parts) == 0:
                expected.setdefault(token.word, set()).add(one.id)
    with lake._session.reading() as view:
        words = view.words(view.snapshot.live)
        assert len(expected) > 120
        for word, ids in expected.items():
            mask = words.match(tree.Wildcard(None, word))
            assert set(view.columns.ids(mask.nonzero()[0].tolist())) == ids, word


def test_a_reader_stays_open_across_merges_and_purges(tmp_path):
    path = tmp_path / "desk"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add((article(i) for i in range(40)), batch=10)
    with Archive.open(path) as reader, Archive.open(path) as writer:
        with reader._session.reading() as view:
            before = [one.id for one in reader]
            writer.delete(["a1"])
            writer.optimize()
            writer.add([article(50)])
            writer.delete(["a2"], purge=True)
            writer.optimize()
            ordinals = next(iter(view.stretches()))
            held = [one.id for one in view.articles(ordinals) if one is not None]
            assert before == [f"a{i}" for i in range(40)]
            assert held == [name for name in before if name != "a2"]  # purged bytes go, whoever reads
            assert {"a1", "a3"} <= set(held)
        assert sorted(reader.ids()) == sorted({*before, "a50"} - {"a1", "a2"})
        assert reader.search("ferry", mode="keyword", limit=1).total == 39
        writer.add([article(51)])
        assert len(list((path / "segments").iterdir())) == reader.stats()["segments"]
        assert reader.check() == []
    shutil.rmtree(path)
