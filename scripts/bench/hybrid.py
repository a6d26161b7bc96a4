"""Measure warm hybrid search: scripts/bench/run hybrid --data news-20k.jsonl.gz [--index FOLDER]

Titles of every so-manyeth article of the data are the queries. A quarter of them warms up, another is asked in each
mode, so that no query's vector is remembered. Printed are median and 99th percentile of the whole search and of its
stages, as hybrid and as keyword and vector search alone; the 10th says what they take when nothing else is at work on
a busy machine.

Without --index an archive with bootstrapped vectors is made in a temporary folder; where --index names a folder that
holds no archive, it is made there once (see bootstrapped.py, --donor). --answers FILE writes every answer, or says
which differ from those that an earlier run wrote there.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Report
from search import Archive, Article, ingest


def prepare(folder: Path, data: Path, donor: Path | None = None, times: int = 1) -> None:
    """Make the archive with bootstrapped vectors, unless it is there."""
    if not (folder / "catalog.sqlite").exists():
        from bench import bootstrapped

        bootstrapped.build(data, folder, donor, times)


def headlines(data: Path, count: int) -> list[str]:
    """Titles of articles spread over the data, as a user would type them: without signs that operators are made of."""
    titles = [item.title for item in ingest.read([data]) if isinstance(item, Article) and item.title]
    every = max(1, len(titles) // count)
    plain = [" ".join(re.findall(r"[\w'.,-]*\w", title)) for title in titles[::every][:count]]
    return [title for title in plain if title]


def stopwatch(archive: Archive) -> dict[str, Any]:
    """A watch, as an argument of a search; none for an older checkout's archive, which takes none."""
    if "watch" not in inspect.signature(archive.search).parameters:
        return {}
    from search.engine.watch import Stopwatch

    return {"watch": Stopwatch()}


def measure(archive: Archive, queries: list[str], mode: str) -> tuple[list[float], dict[str, list[float]], list[Any]]:
    """Milliseconds of each search and of its stages, and the answers."""
    took, stages, answers = [], defaultdict[str, list[float]](list), []
    for text in queries:
        watched = stopwatch(archive)
        began = time.perf_counter()
        found = archive.search(text, mode=mode, literal=True, **watched)
        took.append((time.perf_counter() - began) * 1000)
        for stage, seconds in watched["watch"].seconds.items() if watched else ():
            stages[stage].append(seconds * 1000)
        answers.append([(hit.article.id, hit.score, hit.matched, hit.snippet) for hit in found])
    return took, stages, answers


def quantiles(values: list[float]) -> str:
    return "".join(f"{np.quantile(values, share):>9.2f}" for share in (0.1, 0.5, 0.99))


def compare(path: Path, answers: list[Any]) -> None:
    before = path.read_text(encoding="utf-8").splitlines()
    now = [json.dumps(answer) for answer in answers]
    different = [i for i, (one, other) in enumerate(zip(before, now, strict=True)) if one != other]
    print(f"\n{len(now)} answers compared with {path}: {len(different)} differ {different[:10] or ''}")


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="articles, as broadsheet index reads them")
    parser.add_argument("--index", type=Path, help="an archive, or where to make one with bootstrapped vectors")
    parser.add_argument("--donor", type=Path, help="archive whose vectors are drawn again; default: encode some")
    parser.add_argument("--times", type=int, default=1, help="make the archive of so many copies of the data")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--answers", type=Path, metavar="FILE", help="write the answers, or compare with these")
    arguments = report.parse(parser)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.index or Path(temporary) / "archive"
        prepare(folder, arguments.data, arguments.donor, arguments.times)
        titles = headlines(arguments.data, 4 * arguments.queries)
        everything = []
        with Archive.open(folder) as archive:
            segments = archive.stats().get("segments")
            print(f"{len(archive):,} articles, {segments} segments, {len(titles)} queries, {os.cpu_count()} CPUs")
            for number, mode in enumerate(("hybrid", "keyword", "vector"), 1):
                measure(archive, titles[::4], mode)
                busy = time.process_time()
                took, stages, answers = measure(archive, titles[number::4], mode)
                busy = (time.process_time() - busy) * 1000 / len(took)
                everything += answers
                print(f"\n{mode:<18}{'p10':>9}{'median':>9}{'p99':>9}  ms\n{'whole search':<18}{quantiles(took)}")
                for stage, values in stages.items():
                    print(f"  {stage:<16}{quantiles(values)}")
                for share, name in ((0.1, "p10"), (0.5, "median"), (0.99, "p99")):
                    report.add(f"{mode}, {name}", float(np.quantile(took, share)), "ms")
                report.add(f"{mode}, CPU of a search", busy, "CPU ms")
        print(f"\npeak resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        report.add("peak resident memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
        if arguments.answers is not None and arguments.answers.exists():
            compare(arguments.answers, everything)
        elif arguments.answers is not None:
            arguments.answers.write_text("".join(json.dumps(one) + "\n" for one in everything), encoding="utf-8")
