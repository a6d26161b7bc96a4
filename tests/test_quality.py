"""The quality gate: floors for the sample archive with the default model, and the articles they were measured on.

A floor is what was measured, less 0.005 for other processors' arithmetic, or 0.001 for words, which are scored alike on
all. Lower one only with a reason in the commit.
"""

from __future__ import annotations

import hashlib
import json

import pytest

from search import Archive
from search.ingest import read

from .conftest import SAMPLE

pytestmark = pytest.mark.model

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
FINGERPRINT = "e8a4e289f82fa7702271f67cb03a20f95d5db3ca97c647df166e3d5226f80cea"
FLOORS = {"keyword": 0.729, "vector": 0.763, "hybrid": 0.954}


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


def first(archive, query, mode):
    hits = archive.search(query, mode=mode, limit=1)
    return hits[0].article.title if hits else None


def test_the_sample_has_not_changed():
    digest = hashlib.sha256()
    for article in sorted(read(PATHS), key=lambda one: one.id):
        digest.update(f"{article.id}\0{article.title}\0{article.text}\0{article.published}\n".encode())
    for name in ("queries.jsonl", "qrels.txt"):
        digest.update((SAMPLE / name).read_bytes())
    assert digest.hexdigest() == FINGERPRINT, "the sample changed: measure again, then set floors and fingerprint"


def test_ndcg_stays_above_its_floors(archive):
    ir_measures = pytest.importorskip("ir_measures")
    qrels = list(ir_measures.read_trec_qrels(str(SAMPLE / "qrels.txt")))
    judged = {qrel.query_id for qrel in qrels}
    queries = [json.loads(line) for line in (SAMPLE / "queries.jsonl").read_text().splitlines()]
    found = {}
    for mode in FLOORS:
        run = [
            ir_measures.ScoredDoc(query["id"], hit.article.id, float(-hit.rank))
            for query in queries
            if query["id"] in judged
            for hit in archive.search(query["text"], mode=mode, limit=100, passages=0)
        ]
        found[mode] = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)[ir_measures.nDCG @ 10]
    assert all(found[mode] >= floor for mode, floor in FLOORS.items()), found
    assert found["hybrid"] > max(found["keyword"], found["vector"])


@pytest.mark.parametrize(
    ("query", "right", "wrong_in"),
    [
        ("Thistlewick", "As it happened: the day the north side of Isla Tirsa was emptied", ["vector"]),
        ("feline rescued from smokestack", "Kitten in mill chimney saved by man with umbrella", ["keyword"]),
        (
            "Featherstone-Adu machines mishear",
            "Judges tell court software to stop improving what witnesses say",
            ["keyword", "vector"],
        ),
    ],
)
def test_the_demos_queries_show_what_they_say(archive, query, right, wrong_in):
    for mode in ("keyword", "vector", "hybrid"):
        assert (first(archive, query, mode) == right) == (mode not in wrong_in), mode


def test_vectors_are_the_query_encoders(archive):
    """An article's own passage, asked for word for word, is its own nearest: both encoders speak of one space."""
    for article_id in ("harbour-2024-10-03-strike-vote", "sarayo-2024-11-30-yellow"):
        article = archive.get(article_id)
        passage = archive.passages(article_id)[0]
        hit = archive.search(f"{article.title}\n{passage.text}", mode="vector", limit=1, literal=True)[0]
        assert hit.article.id == article_id
        assert hit.passages[0].score == pytest.approx(1.0, abs=2e-3)
