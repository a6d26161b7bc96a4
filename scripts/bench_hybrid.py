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
from pathlib import Path
from typing import Any

import bootstrapped
import numpy as np

from search import Archive, Article, ingest
from search.engine.watch import Stopwatch
from search.exports.values import values

Stages = dict[str, list[float]]
"""Milliseconds of each stage in each query."""


def headlines(data: Path, count: int) -> list[str]:
    """Titles of articles spread over the data, as a user would type them: without signs that operators are made of."""
    titles = [item.title for item in ingest.read([data]) if isinstance(item, Article) and item.title]
    every = max(1, len(titles) // count)
    plain = [" ".join(re.findall(r"[\w'.,-]*\w", title)) for title in titles[::every][:count]]
    return [title for title in plain if title]


def measure(archive: Archive, queries: list[str], mode: str) -> tuple[list[float], Stages, list[dict[str, Any]]]:
    """Milliseconds of each search, those of its stages, and the answers."""
    took, stages, answers = [], defaultdict(list), []
    for text in queries:
        archive.search(text, mode=mode, literal=True)
    for text in queries:
        archive._queries.forget()
        watch = Stopwatch()
        began = time.perf_counter()
        results = archive.search(text, mode=mode, literal=True, watch=watch)
        took.append((time.perf_counter() - began) * 1000)
        for stage, seconds in watch.seconds.items():
            stages[stage].append(seconds * 1000)
        record = values(results)
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
                for stage, values in stages.items():
                    indented = "  " * (1 + stage.count("/")) + stage.rpartition("/")[2]
                    print(f"{indented:<18}{quantiles(values)}")
        print(f"\npeak resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        if arguments.record is not None:
            arguments.record.write_text("".join(json.dumps(one) + "\n" for one in everything), encoding="utf-8")
        if arguments.compare is not None:
            compare(arguments.compare, everything)


if __name__ == "__main__":
    main()
