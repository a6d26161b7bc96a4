"""What vector search promises whatever passes: k articles where k exist, and those that exact search would find."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.vector import VectorIndex, build_part, lists
from tests.vector_parts import Held, article_scores

D = 32
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001)
WORDS = ["storm", "coast", "harbour", "minister", "vote", "budget", "strike", "river", "bridge", "school"]


@pytest.fixture(scope="module")
def large():
    """40,000 passages of 6,000 articles about 150 topics, and 50 queries near some of them."""
    rng = np.random.default_rng(41)
    topics = rng.normal(size=(150, D))
    counts = rng.integers(1, 13, 6_200)
    owner = np.repeat(np.arange(len(counts)), counts)
    articles = topics[rng.integers(0, 150, len(counts))] + 0.8 * rng.normal(size=(len(counts), D))
    rows = articles[owner] + 0.5 * rng.normal(size=(len(owner), D))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = articles[rng.integers(0, len(counts), 50)] + 0.5 * rng.normal(size=(50, D))
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    nothing = np.zeros(len(rows), int)
    part = Held(*build_part(rows, counts, nothing, nothing, np.zeros((len(rows), 2), np.uint64)))
    best = np.stack([article_scores(part["vectors"] @ q, part["passage_starts"]) for q in queries])
    return part, len(counts), queries, best


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("smallest", [lists.SMALLEST, 500])  # exact where few pass, and lists down to very few
def test_recall_at_every_selectivity(large, share, smallest, monkeypatch):
    part, articles, queries, best = large
    assert "centroids" in part
    monkeypatch.setattr(lists, "SMALLEST", smallest)
    mask = np.random.default_rng(2).random(articles) < share
    index, found, sought = VectorIndex([part], [articles]), 0, 0
    for query, cosines in zip(queries, best, strict=True):
        passing = np.flatnonzero(mask)
        expected = passing[np.argsort(-cosines[passing])[:10]]
        ordinals, _ = index.rank(query, mask, None, 10)
        assert len(ordinals) == len(expected)
        found += np.isin(expected, ordinals).sum()
        sought += len(expected)
    assert found >= 0.98 * sought


@pytest.fixture(scope="module")
def news(tmp_path_factory):
    """240 articles in three segments, the first with inverted lists."""
    path = tmp_path_factory.mktemp("promises") / "archive"
    with pytest.MonkeyPatch.context() as patch, Archive.open(path, create=True, model="hash") as archive:
        patch.setattr(lists, "SMALLEST", 60)
        archive.add([article(i) for i in range(180)], batch=180)
        archive.add([article(i) for i in range(180, 240)], batch=30)
    return path


def article(number):
    first, second = WORDS[number % 10], WORDS[number // 10 % 10]
    text = " ".join(f"The {first} and the {second} {number + i}." for i in range(1 + number % 3))
    return Article(id=f"a{number}", title=f"{first} {number}", text=text, source=f"source {number % 7}")


def read_little(patch):
    """Let a first round find far too few, as in an archive that is much larger."""
    for name, value in (("PROBES", 2), ("READ", 0.1), ("SPARE", 0)):
        patch.setattr(lists, name, value)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deleted=st.one_of(st.sets(st.integers(0, 239), max_size=20), st.sets(st.integers(0, 239), min_size=200)),
    sources=st.sets(st.integers(0, 6), max_size=7),
    word=st.sampled_from(WORDS),
    limit=st.sampled_from([1, 5, 10, 100, 300]),
)
def test_never_fewer_than_asked_for_where_there_are_as_many(news, tmp_path_factory, deleted, sources, word, limit):
    path = tmp_path_factory.mktemp("law") / "archive"
    shutil.copytree(news, path)
    with pytest.MonkeyPatch.context() as patch, Archive.open(path) as archive:
        patch.setattr(lists, "SMALLEST", 20)
        read_little(patch)
        archive.delete([f"a{number}" for number in deleted])
        chosen = {number for number in range(240) if not sources or number % 7 in sources} - deleted
        clause = " OR ".join(f'source:"source {number}"' for number in sorted(sources))
        query = f"{word} ({clause})" if clause else word
        hits = archive.search(query, mode="vector", limit=limit).hits
        assert len(hits) == min(limit, len(chosen))
        assert {hit.article.id for hit in hits} <= {f"a{number}" for number in chosen}
        assert len({hit.article.id for hit in hits}) == len(hits)


@pytest.mark.parametrize("mode", ["vector", "hybrid"])
@pytest.mark.parametrize("listed", [True, False])
def test_an_article_of_500_passages_takes_one_place(tmp_path, mode, listed, monkeypatch):
    """All its passages are nearer to the query than any other article's."""
    monkeypatch.setattr(lists, "SMALLEST", 100 if listed else 10**6)
    read_little(monkeypatch)
    sentence = "storm " * 199 + "storm.\n\n"
    long = Article(id="long", title="storm", text=sentence * 500)
    others = [
        Article(id=f"a{i}", title=f"number {i}", text=f"the storm of year {i} " + "and others " * i) for i in range(30)
    ]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([*others[:15], long, *others[15:]])
        archive.optimize()  # so long an article ends the first batch early
        assert len(archive.passages("long")) >= 500
        (part,) = (tmp_path / "a").glob("segments/*/vectors.part")
        assert (b'"search": "lists"' in part.read_bytes()) == listed
        hits = archive.search("storm", mode=mode, limit=20).hits
        ids = [hit.article.id for hit in hits]
        assert len(ids) == len(set(ids)) == 20
        assert ids[0] == "long" or mode == "hybrid"
        # The least diluted are the nearest: the very ones that exact search over the others alone finds.
        assert {f"a{i}" for i in range(10)} <= set(ids)
