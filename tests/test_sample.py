"""The sample archive as golden archive: every form of the query language finds exactly what it should, on both legs."""

from __future__ import annotations

import json

import pytest

from search import Archive
from search.ingest import read

from .conftest import SAMPLE

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
OPERATORS = [json.loads(line) for line in (SAMPLE / "operators.jsonl").read_text().splitlines()]
EVERYTHING = 1000


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """In several segments, some articles deleted and put back: operators must not care."""
    with Archive.open(tmp_path_factory.mktemp("sample") / "archive", create=True, model="hash") as opened:
        articles = list(read(PATHS))
        opened.add(articles, batch=20)
        opened.delete([article.id for article in articles[::7]])
        opened.add(articles)
        yield opened


def test_the_sample_is_whole(archive):
    assert len(archive) == 99
    assert archive.check() == []


@pytest.mark.parametrize("case", OPERATORS, ids=lambda case: case["query"])
def test_operators_find_exactly_these(archive, case):
    newest = archive.search(case["query"], sort="newest", limit=EVERYTHING)
    assert newest.total == len(case["ids"])
    assert sorted(hit.article.id for hit in newest) == sorted(case["ids"])
    for mode in ("keyword", "vector", "hybrid"):
        found = archive.search(case["query"], mode=mode, limit=EVERYTHING)
        assert found.total == len(case["ids"])
        assert sorted(hit.article.id for hit in found if hit.matched) == sorted(case["ids"])


@pytest.mark.parametrize(
    ("constraint", "words"), [('source:"Port Selwyn Advertiser"', "storm"), ("date:2025-01", "court"), ("-the", "rain")]
)
def test_a_leg_returns_k_when_k_exist_and_nothing_outside(archive, constraint, words):
    inside = {hit.article.id for hit in archive.search(constraint, limit=EVERYTHING)}
    for mode in ("vector", "hybrid"):
        found = archive.search(f"{words} {constraint}", mode=mode, limit=EVERYTHING)
        assert {hit.article.id for hit in found} == inside
        few = archive.search(f"{words} {constraint}", mode=mode, limit=2)
        assert [hit.article.id for hit in few] == [hit.article.id for hit in found][:2]
    assert {hit.article.id for hit in archive.search(f"{words} {constraint}", mode="keyword")} <= inside


def test_passages_are_stretches_of_their_articles(archive):
    for hit in archive.search("the", sort="newest", limit=EVERYTHING):
        passages = archive.passages(hit.article.id)
        assert passages
        for passage in passages:
            assert hit.article.text[passage.start : passage.end] == passage.text
        covered = "".join("".join(passage.text.split()) for passage in passages)
        assert covered == "".join(hit.article.text.split())
