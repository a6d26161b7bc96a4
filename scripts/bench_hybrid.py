"""Measure warm hybrid search: scripts/bench hybrid --data news-20k.jsonl.gz [--index FOLDER]

Titles of every so-manyeth article of the data are the queries. Each is asked twice in one process: in a first round
that counts for nothing, and in a second one, in which no query's vector is remembered. Printed are median and 99th
percentile of the whole search and of its stages, as hybrid and as keyword and vector search alone; the 10th says what
they take when nothing else is at work on a busy machine.

Without --index an archive with bootstrapped vectors is made in a temporary folder; where --index names a folder that
holds no archive, it is made there once (see bootstrapped.py, --donor). --record FILE writes every answer without its
times, --compare FILE says which answers differ from those of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bootstrapped
import numpy as np

from search import Archive, Article, ingest
from search import query as language
from search.engine import ranking
from search.engine import view as searching
from search.engine.query_vectors import QueryVectors
from search.exports.values import values
from search.keyword import KeywordView
from search.storage.catalog import Catalog
from search.vector import VectorIndex

STAGES: dict[str, list[tuple[Any, str]]] = {
    "parse": [(language, "parse")],
    "constraint mask": [(KeywordView, "match"), (KeywordView, "match_words")],
    "query encoding": [(QueryVectors, "vector")],
    "keyword rank": [(KeywordView, "rank")],
    "vector rank": [(VectorIndex, "rank")],
    "pool scores": [(KeywordView, "score"), (VectorIndex, "score")],
    "fusion, order": [(ranking, "fuse"), (ranking, "order"), (ranking, "alone")],
    "catalog reads": [(Catalog, "articles")],
    "passages": [(VectorIndex, "best_passages")],
    "snippets": [(searching.presentation, "snippet")],
    "did you mean": [(KeywordView, "suggest")],
}


class Stages:
    """Milliseconds of each stage in each query; a stage inside another counts for the outer one."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self._now: dict[str, float] = defaultdict(float)
        self._inside = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        originals = [(owner, name, getattr(owner, name)) for places in STAGES.values() for owner, name in places]
        for stage, places in STAGES.items():
            for owner, name in places:
                setattr(owner, name, self._timed(stage, getattr(owner, name)))
        try:
            yield
        finally:
            for owner, name, original in originals:
                setattr(owner, name, original)

    def _timed(self, stage: str, work: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return work(*args, **kwargs)
            self._inside = True
            began = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                self._now[stage] += (time.perf_counter() - began) * 1000
                self._inside = False

        return timed

    def next(self, total: float) -> None:
        """A query is over, which took ``total``."""
        for stage in STAGES:
            self.took[stage].append(self._now[stage])
        self.took["rest"].append(total - sum(self._now.values()))
        self._now.clear()


def headlines(data: Path, count: int) -> list[str]:
    """Titles of articles spread over the data, as a user would type them: without signs that operators are made of."""
    titles = [item.title for item in ingest.read([data]) if isinstance(item, Article) and item.title]
    every = max(1, len(titles) // count)
    plain = [" ".join(re.findall(r"[\w'.,-]*\w", title)) for title in titles[::every][:count]]
    return [title for title in plain if title]


def measure(archive: Archive, queries: list[str], mode: str) -> tuple[list[float], Stages, list[dict[str, Any]]]:
    stages, took, answers = Stages(), [], []
    for text in queries:
        archive.search(text, mode=mode, literal=True)
    with stages.watching():
        for text in queries:
            archive._queries.forget()
            began = time.perf_counter()
            found = archive.search(text, mode=mode, literal=True)
            took.append((time.perf_counter() - began) * 1000)
            stages.next(took[-1])
            record = values(found)
            del record["took_ms"]
            answers.append(record)
    return took, stages, answers


def quantiles(values: list[float]) -> str:
    return "".join(f"{np.quantile(values, share):>9.2f}" for share in (0.1, 0.5, 0.99))


def compare(path: Path, answers: list[dict[str, Any]]) -> None:
    before = path.read_text(encoding="utf-8").splitlines()
    now = [json.dumps(answer) for answer in answers]
    different = [i for i, (one, other) in enumerate(zip(before, now, strict=True)) if one != other]
    print(f"\n{len(now)} answers compared with {path}: {len(different)} differ {different[:10] or ''}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="articles, as broadsheet index reads them")
    parser.add_argument("--index", type=Path, help="an archive, or where to make one with bootstrapped vectors")
    parser.add_argument("--donor", type=Path, help="archive whose vectors are drawn again; default: encode some")
    parser.add_argument("--times", type=int, default=1, help="make the archive of so many copies of the data")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the answers as JSON lines")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="compare the answers with recorded ones")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.index or Path(temporary) / "archive"
        bootstrapped.build(arguments.data, folder, arguments.donor, arguments.times)
        queries = headlines(arguments.data, arguments.queries)
        everything = []
        with Archive.open(folder) as archive:
            segments = archive.stats().get("segments")
            print(f"{len(archive):,} articles, {segments} segments, {len(queries)} queries, {os.cpu_count()} CPUs")
            for mode in ("hybrid", "keyword", "vector"):
                took, stages, answers = measure(archive, queries, mode)
                everything += answers
                print(f"\n{mode:<18}{'p10':>9}{'median':>9}{'p99':>9}  ms\n{'whole search':<18}{quantiles(took)}")
                for stage, values in stages.took.items():
                    if any(values):
                        print(f"  {stage:<16}{quantiles(values)}")
        print(f"\npeak resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        if arguments.record is not None:
            arguments.record.write_text("".join(json.dumps(one) + "\n" for one in everything), encoding="utf-8")
        if arguments.compare is not None:
            compare(arguments.compare, everything)


if __name__ == "__main__":
    main()
