"""Just below, at and just above every size at which an index changes its kind: answers are those by hand, reopened."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from search import Archive, Article
from search.engine import merging
from search.keyword import Bm25Settings, KeywordIndex, tree
from search.keyword.part.layout import KIND
from search.keyword.part.merge import merge_parts
from search.keyword.part.write import build_part
from search.storage.container import open_part, write_part
from search.text.passages import lay_out
from search.vector import VectorIndex, lists
from search.vector import build_part as build_vectors


def around(size):
    return (size - 1, size, size + 1)


@pytest.mark.parametrize("passages", around(lists.SMALLEST))
def test_vectors_are_read_through_lists_from_a_size_on(tmp_path, passages):
    rng = np.random.default_rng(passages)
    vectors = rng.normal(size=(passages, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    counts = np.full(passages // 4, 4)
    counts[0] += passages - counts.sum()
    keys = rng.integers(0, 2**64, size=(passages, 2), dtype=np.uint64)
    spans = np.zeros(passages, np.int32)
    write_part(tmp_path / "part", "vectors", *build_vectors(vectors, counts, spans, spans, keys))
    part = open_part(tmp_path / "part", "vectors")
    assert part.meta["search"] == ("exact" if passages < lists.SMALLEST else "lists")
    index = VectorIndex([part], [len(counts)])
    cosines = vectors.astype(np.float16).astype(np.float32)
    mask = rng.random(len(counts)) < 0.01
    for query in cosines[:: passages // 5]:
        query = query / np.linalg.norm(query)
        starts = part["passage_starts"][:-1]
        near = cosines @ query
        best = np.maximum.reduceat(near, starts) + 0.2 * near[starts] - 0.01 * np.log(counts)
        order = np.lexsort((np.arange(len(best)), -best))
        ordinals, scores = index.rank(query, None, None, 1)
        assert (ordinals[0], scores[0]) == (order[0], pytest.approx(best[order[0]], abs=2e-3))
        ordinals, scores = index.rank(query, None, None, len(counts))  # all of them: nothing is left out
        assert sorted(ordinals.tolist()) == list(range(len(counts)))
        assert scores == pytest.approx(best[ordinals], abs=2e-3)
        assert (np.diff(scores) <= 0).all()
        ordinals, scores = index.rank(query, mask, None, len(counts))
        assert sorted(ordinals.tolist()) == np.flatnonzero(mask).tolist()


class Rows:
    """The columns that a keyword index asks for, of articles that have nothing."""

    def __init__(self, size):
        self.published, self.day = np.zeros(size, np.int64), np.zeros(size, np.int32)


def opened(folder, data, articles):
    write_part(folder / "part", KIND, data.arrays, {**data.meta, "articles": articles})
    return open_part(folder / "part", KIND)


def built(texts):
    articles = [Article(id=f"a{i}", text=text) for i, text in enumerate(texts)]
    return build_part(articles, [lay_out(article.text) for article in articles])


@pytest.fixture(scope="module")
def bricks(tmp_path_factory):
    """Parts of 512 articles and of one, of which larger ones are joined."""
    folder = tmp_path_factory.mktemp("bricks")
    many = built([f"ferry {'harbour ' * (i % 3)}gull{i % 7}" for i in range(512)])
    single = built(["ferry lighthouse"])
    return (
        opened(_made(folder / "many"), many, 512),
        opened(_made(folder / "single"), single, 1),
    )


def _made(folder):
    folder.mkdir()
    return folder


# Row numbers of two bytes and of four; postings from which scores are sought by a threshold, or kept for the next time.
@pytest.mark.parametrize("articles", [*around(1 << 15), *around(1 << 16)])
def test_rows_and_postings(bricks, tmp_path, articles):
    many, single = bricks
    parts = [many] * (articles // 512) + [single] * (articles % 512)
    keep = [np.ones(part.meta["articles"], bool) for part in parts]
    part = opened(tmp_path, merge_parts(parts, keep), articles)
    assert len(part["lengths"]) == articles
    view = KeywordIndex([part], Rows(articles), Bm25Settings()).at(np.ones(articles, bool))
    texts = [f"ferry {'harbour ' * (i % 3)}gull{i % 7}".split() for i in range(512)] * (articles // 512)
    texts += [["ferry", "lighthouse"]] * (articles % 512)
    for word in ("ferry", "harbour", "gull3", "lighthouse", "whale"):
        expected = [word in text for text in texts]
        assert np.array_equal(view.match(tree.Word(None, word)), expected), word
    every = np.arange(articles)
    for words in (["ferry"], ["harbour", "gull3"], ["ferry", "harbour", "lighthouse"]):
        scores = view.score(words, every)
        for mask in (None, every % 97 == 5):
            ordinals, ranked = view.rank(words, mask, None, 20)
            allowed = np.flatnonzero((scores > 0) if mask is None else (scores > 0) & mask)
            order = allowed[np.lexsort((allowed, -scores[allowed]))][:20]
            assert ranked == pytest.approx(scores[order], rel=1e-5)
            assert scores[ordinals] == pytest.approx(scores[order], rel=1e-5)


def forms(count):
    """So many ways to write one word, by large and small letters."""
    spellings = itertools.product(*((letter, letter.upper()) for letter in "lighthouse"))
    return ["".join(letters) for letters in itertools.islice(spellings, count)]


@pytest.mark.parametrize("count", sorted({n for size in (1, 2, 4, 16, 256) for n in around(size) if n}))
def test_the_forms_of_a_term(tmp_path, count):
    """Bits for each occurrence say which of its forms it is, more of them where there are more forms."""
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add(
            [
                Article(id=f"a{i:03}", title=f"Report {i}", text=f"A {form} stands.")
                for i, form in enumerate(forms(count))
            ],
            vectors=False,
        )
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.search("lighthouse", limit=1).total == count
        for i in {0, count // 2, count - 1}:
            hits = archive.search(f"exact:{forms(count)[i]}")
            assert [hit.article.id for hit in hits] == [f"a{i:03}"]
        assert archive.check(thorough=True) == []


# Ids in one statement, records in one page, articles of one piece of an embedding or of a repair.
@pytest.mark.parametrize("count", [*around(500), *around(1000)])
def test_pages_of_the_catalog(tmp_path, count):
    articles = [Article(id=f"a{i}", title=f"Report {i}", text=f"gull{i % 3}.") for i in range(count)]
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add(articles, vectors=False, batch=count)
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.embed("hash") == count
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.check() == []
        assert list(archive) == articles
        assert len(archive.search("gull1", mode="vector", limit=1000)) == min(count, 1000)
        assert archive.delete(f"a{i}" for i in range(count - 1)) == count - 1
    with Archive.open(tmp_path / "desk") as archive:
        assert list(archive.ids()) == [f"a{count - 1}"]
        assert archive.search("*", mode="keyword").total == 1
        archive.optimize()
        assert archive.check() == []


@pytest.mark.parametrize("commits", around(merging.FACTOR))
@pytest.mark.parametrize("size", [9, 10])  # the largest of one class, and the smallest of the next
def test_segments_that_are_merged(tmp_path, commits, size):
    with Archive.open(tmp_path / "desk", create=True, model="hash") as archive:
        for i in range(commits):
            archive.add(Article(id=f"a{n}", text=f"gull {n}") for n in range(i * size, (i + 1) * size))
    with Archive.open(tmp_path / "desk") as archive:
        merged = commits >= merging.FACTOR
        assert archive.stats()["segments"] == (1 + commits - merging.FACTOR if merged else commits)
        assert archive.search("gull", mode="keyword", limit=1).total == commits * size
        assert archive.check() == []
