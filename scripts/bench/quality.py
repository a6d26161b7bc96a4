"""Measure the quality of rankings beside named peers: scripts/bench/run quality --data FOLDER --archives FOLDER

Each folder of FOLDER with queries.jsonl.gz, qrels.txt and a file ``corpus`` that names a folder beside it is a test
set. Their corpora are indexed once, with vectors, into --archives, and found again there. One table: nDCG@10 of words,
meaning and both, and of each peer; then, for each set, by how much hybrid differs from the better leg and from every
peer, with a bootstrap interval and a randomisation test over the queries. --sets takes some of them.

bm25s ranks whole articles by BM25 (k1 1.5, b 0.75) over lower-case words without stop words, unstemmed. LanceDB ranks
articles by its full-text search and by the archive's own vectors (the best passage), fused by reciprocal ranks. txtai
joins its BM25 of whole articles with the archive's own vectors of their beginnings, which is what its model would read
of them, compared exactly: its usual index is approximate from 5,000 rows on. A peer that is not installed is named and
left out; txtai is no part of the extra ``bench`` and wants an environment of its own.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Report
from search import Archive, Article
from search.evaluation import Query, Ranked, Run, by_query, evaluate, read_qrels, read_queries
from search.evaluation.comparison import compare
from search.ingest import read
from search.keyword.analysis import STOP_WORDS
from search.records import Mode

MEASURE = "nDCG@10"
DEPTH = 100
_EXACT = {"backend": "faiss", "faiss": {"components": "IDMap,Flat"}}
WORD = re.compile(r"\w+")
Judged = dict[str, dict[str, int]]
Rank = Callable[[str], list[str]]


def bm25s_ranker(archive: Archive) -> Rank:
    """BM25 as bm25s has it, over titles and texts."""
    import bm25s

    articles = list(archive)
    index = bm25s.BM25(k1=1.5, b=0.75)
    index.index([_words(f"{one.title}\n{one.text}") for one in articles], show_progress=False)

    def rank(text: str) -> list[str]:
        words = [word for word in _words(text) if word in index.vocab_dict]
        if not words:
            return []
        found, scores = index.retrieve([words], k=min(DEPTH, len(articles)), show_progress=False)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [articles[number].id for number, score in pairs if score > 0]

    return rank


def lancedb_ranker(archive: Archive) -> Rank:
    """LanceDB's full-text search and the nearest of the archive's own passages, fused by reciprocal ranks (k 60)."""
    import lancedb
    import pyarrow as pa

    articles = list(archive)
    folder = tempfile.TemporaryDirectory()
    table = lancedb.connect(folder.name).create_table(
        "articles", pa.table({"number": list(range(len(articles))), "text": [_whole(one) for one in articles]})
    )
    table.create_fts_index("text", use_tantivy=False)
    numbers = {one.id: number for number, one in enumerate(articles)}

    def rank(text: str) -> list[str]:
        assert folder
        words = " ".join(WORD.findall(text))
        by_words = [row["number"] for row in table.search(words, query_type="fts").limit(DEPTH).to_list()]
        nearest = [numbers[one] for one in _nearest(archive, text)]
        scores: dict[int, float] = {}
        for ranking in (by_words, nearest):
            for place, number in enumerate(ranking):
                scores[number] = scores.get(number, 0.0) + 1 / (61 + place)
        return [articles[number].id for number in sorted(scores, key=lambda one: (-scores[one], one))[:DEPTH]]

    return rank


def txtai_ranker(archive: Archive) -> Rank:
    """txtai's hybrid index, with half its weight on either side: a row an article, with the vector of its beginning."""
    from txtai import Embeddings

    articles = list(archive)
    first = _first_passages(archive)
    of = {_whole(one): first[one.id] for one in articles}

    def transform(texts: Sequence[str]) -> Any:
        """Vectors of articles and, one at a time, of queries."""
        return np.array([of[text] if text in of else _encoded(archive, text) for text in texts])

    table = Embeddings({"method": "external", "transform": transform, "hybrid": True, "content": False, **_EXACT})
    table.index((one.id, _whole(one), None) for one in articles)

    def rank(text: str) -> list[str]:
        return [identifier for identifier, _ in table.search(text, DEPTH)]

    return rank


PEERS: dict[str, Callable[[Archive], Rank]] = {
    "bm25s": bm25s_ranker,
    "lancedb": lancedb_ranker,
    "txtai": txtai_ranker,
}


def _words(text: str) -> list[str]:
    return [word for word in WORD.findall(text.lower()) if word not in STOP_WORDS and len(word) > 1]


def _whole(article: Article) -> str:
    return f"{article.title}\n{article.text}"


def _encoded(archive: Archive, text: str) -> Any:
    with archive._session.reading() as view:
        return view.encoded(text)


def _first_passages(archive: Archive) -> dict[str, Any]:
    """The vector of each article's first passage, zeros for one without any."""
    found: dict[str, Any] = {}
    with archive._session.reading() as view:
        index: Any = view.vectors
        ids = iter(view.columns.ids(list(range(len(view.columns)))))
        for segment in index.segments:
            for count, start in zip(segment.counts.tolist(), segment.bounds.tolist(), strict=False):
                vector = segment.vectors[start] if count else np.zeros(segment.dimension)
                found[next(ids)] = vector.astype(np.float32)
    return found


def _nearest(archive: Archive, text: str) -> list[str]:
    """Articles by the cosine of their best passage alone, as a vector store has them."""
    with archive._session.reading() as view:
        vector = view.encoded(text)
        assert view.vectors is not None
        index: Any = view.vectors
        best = np.concatenate(
            [
                np.maximum.reduceat(segment.vectors.astype(np.float32) @ vector, segment.bounds[:-1])
                for segment in index.segments
                if segment.passages
            ]
        )
        return view.columns.ids(np.argsort(-best, kind="stable")[:DEPTH].tolist())


def as_run(rank: Rank, queries: Sequence[Query]) -> Run:
    """A peer's rankings; a document's score is its place from the end."""
    return {
        query.query_id: [Ranked(one, float(DEPTH - place)) for place, one in enumerate(rank(query.text))]
        for query in queries
    }


def sets(data: Path, wanted: Sequence[str]) -> Iterator[tuple[str, Path, list[Query], Judged]]:
    """Name, corpus, judged queries and judgements of each test set."""
    for folder in sorted(path.parent for path in data.glob("*/qrels.txt")):
        if wanted and folder.name not in wanted:
            continue
        named = folder / "corpus"
        corpus = data / named.read_text().strip() if named.is_file() else folder
        qrels = read_qrels(folder / "qrels.txt")
        queries = [query for query in read_queries(folder / "queries.jsonl.gz") if query.query_id in qrels]
        yield folder.name, corpus / "corpus.jsonl.gz", queries, {one.query_id: qrels[one.query_id] for one in queries}


def opened(archives: Path, corpus: Path) -> Archive:
    """The archive of a corpus, made where it is not there yet."""
    folder = archives / corpus.parent.name
    if not folder.exists():
        building = folder.with_name(f"building-{folder.name}")
        with Archive.open(building, create=True) as archive:
            archive.add(read([str(corpus)]))
        building.rename(folder)
    return Archive.open(folder)


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--archives", type=Path, required=True)
    parser.add_argument("--sets", default="", help="only these, parted by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="only these, parted by commas; none is ''")
    options = report.parse(parser)
    asked = [name for name in options.peers.split(",") if name]
    columns = ["keyword", "vector", "hybrid", *asked]
    print(f"{'nDCG@10':<12}{'queries':>8}" + "".join(f"{name:>10}" for name in columns))
    told: list[str] = []
    for name, corpus, queries, qrels in sets(options.data, options.sets.split(",") if options.sets else []):
        with opened(options.archives, corpus) as archive:
            runs: dict[str, Run] = {
                str(mode): run for mode, run in evaluate(archive, queries, qrels, depth=DEPTH).runs.items()
            }
            for peer in asked:
                try:
                    rank = PEERS[peer](archive)
                except ImportError:
                    continue
                runs[peer] = as_run(rank, queries)
        each = {label: by_query(run, qrels)[MEASURE] for label, run in runs.items()}
        means = {label: float(np.mean(list(values.values()))) for label, values in each.items()}
        row = "".join(f"{means[label]:>10.4f}" if label in means else f"{'absent':>10}" for label in columns)
        print(f"{name:<12}{len(queries):>8}{row}", flush=True)
        for label, mean in means.items():
            report.add(f"{name}, {label}", mean, MEASURE)
        legs = max((str(Mode.KEYWORD), str(Mode.VECTOR)), key=lambda leg: means.get(leg, 0.0))
        others = [(str(Mode.HYBRID), other) for other in (legs, *(peer for peer in asked if peer in means))]
        others += [(str(Mode.KEYWORD), peer) for peer in ("bm25s",) if peer in means]
        for own, other in others:
            if own in each:
                found = compare(each[other], each[own])
                told.append(
                    f"{name:<12}{own} - {other:<10}{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}] "
                    f"p {found.p:.4f}  {found.better:,} better, {found.worse:,} worse"
                )
                for label, value in (("", found.difference), (", low", found.low), (", high", found.high)):
                    report.add(f"{name}, {own} less {other}{label}", value, f"{MEASURE} more")
                report.add(f"{name}, {own} less {other}, p", found.p, "p")
    print("\n".join(("", "differences, their 95 % intervals and p-values", *told)))
