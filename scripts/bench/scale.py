"""Measure growth: scripts/bench/run scale --data FILE --folder FOLDER [--sizes 20000,100000,300000,1000000]

What a user waits for, at several sizes: ten hits with title, source, date, snippet and marks, facets, timelines,
suggestions, contexts, changes, opening. One archive grows from size to size as ``index`` lets it grow, and is asked at
each; beside it, in the same run, Tantivy (with its SnippetGenerator and stored fields) and SQLite FTS5 (with bm25 and
snippet() for the ten). Beyond the articles of the data, each is a mixture of several (grown.py); vectors are drawn from
those of --donor or, without one, of some hundred articles that are encoded first (bootstrapped.py); queries are encoded
for real. With --no-vectors by words alone.

Figures are milliseconds of the processor, all threads together, median and 99th percentile; rates are articles per
second of it, merges included. Each engine builds in one process and answers in another, which tells its memory: what is
its own, and the most that building took. A folder that is kept is grown on, and what it has is not built again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.grown import grown
from bench.report import Report, again
from bench.scale_engines import ENGINES, Ours, size_on_disk

QUERIES = 100
QUESTIONS = "questions.json"  # made of the titles once, so that who answers holds no articles
WARM = 20
Figures = dict[str, tuple[float, str]]


def real_articles(data: Path) -> list[Any]:
    from search import Article, ingest

    return [item for item in ingest.read([data]) if isinstance(item, Article)]


def questions(real: list[Any], rng: random.Random) -> dict[str, list[str]]:
    """Queries by kind, made of the titles of real articles."""
    titles = [article.title.split() for article in real]
    titles = [words for words in titles if len(words) >= 6]
    plain = [words for words in titles if all(word.isalpha() for word in words[:4])]
    some = [rng.choice(titles) for _ in range(WARM + QUERIES)]
    few = [rng.choice(plain) for _ in range(WARM + QUERIES)]
    return {
        "words": [" ".join(rng.sample(words, rng.randint(2, min(8, len(words))))) for words in some],
        "titles": [" ".join(words) for words in some],
        "phrase": [f'"{" ".join(words[:2])}"' for words in few],
        "w/s": [f"{words[0]} w/s {words[3]}" for words in few],
        "misspelt": [f"{(word := max(words[:4], key=len))[:2]}{word[3:]}{word[2]}" for words in few],
        "context": [" ".join(words) for words in some],
    }


def timed(work: Callable[[str], object], queries: list[str]) -> list[float]:
    """Milliseconds of the processor for each query but the first ones, which warm up."""
    for query in queries[:WARM]:
        work(query)
    took = []
    for query in queries[WARM:]:
        began = time.process_time()
        work(query)
        took.append((time.process_time() - began) * 1000)
    return took


def told(name: str, took: list[float]) -> Figures:
    took = sorted(took)
    return {
        f"{name}, median": (statistics.median(took), "ms"),
        f"{name}, p99": (took[min(len(took) - 1, int(len(took) * 0.99))], "ms"),
    }


def own_memory() -> float:
    """MiB that only this process has: what is mapped from files is not counted."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def peak_memory() -> float:
    """The most MiB that this process has held, mapped files included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def build(engine: str, data: Path, folder: Path, size: int, donor: Path | None, vectors: bool) -> Figures:
    built = folder.with_name(f"{folder.name}.built")  # how many articles it was given
    start = int(built.read_text()) if built.exists() else 0
    if start >= size:
        return {}
    maker, real = ENGINES[engine](folder, data, donor, vectors), real_articles(data)
    maker.prepare()
    began = time.process_time()
    maker.grow(itertools.islice(grown(real, size), start, None))
    spent = time.process_time() - began
    built.write_text(str(size))
    figures: Figures = {
        "indexing": ((size - start) / spent, "articles/s"),
        "indexing, peak memory": (peak_memory(), "MiB"),
    }
    return {**figures, "disk": (size_on_disk(folder), "MiB")}


def ask(engine: str, data: Path, folder: Path, vectors: bool) -> Figures:
    queries = json.loads((folder.parent / QUESTIONS).read_text("utf-8"))
    before = own_memory()
    maker = ENGINES[engine](folder, data, None, vectors)
    figures: Figures = {}
    for kind in ("words", "titles", "phrase"):
        figures |= told(kind, timed(maker.ten_hits, queries[kind]))
    if isinstance(maker, Ours):
        for name, work, asked in maker.others(queries):
            figures |= told(name, timed(work, asked))
        figures["memory of its own"] = (own_memory() - before, "MiB")
        figures |= {name: (value, "ms") for name, value in maker.after_commits(elsewhere(data, folder)).items()}
    return figures


def elsewhere(data: Path, folder: Path) -> Callable[[], None]:
    """Another process's commit."""

    def change() -> None:
        subprocess.run(
            again("scale", "--phase", "change", "archive", str(folder), "0", "--data", str(data)), check=True
        )

    return change


def phases(arguments: argparse.Namespace) -> Figures:
    phase, engine, folder, size = arguments.phase
    path = Path(folder)
    if phase == "build":
        return build(engine, arguments.data, path, int(size), arguments.donor, not arguments.no_vectors)
    if phase == "ask":
        return ask(engine, arguments.data, path, not arguments.no_vectors)
    if phase == "write":
        return Ours(path, arguments.data, arguments.donor, not arguments.no_vectors).writing()
    Ours(path, arguments.data, None, False).change()
    return {}


def child(options: argparse.Namespace, phase: str, engine: str, size: int) -> Figures:
    command = ["--phase", phase, engine, str(options.folder / engine), str(size), "--data", str(options.data)]
    command += ["--donor", str(options.donor)] if options.donor else []
    command += ["--no-vectors"] if options.no_vectors else []
    done = subprocess.run(again("scale", *command), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{engine}, {phase}: {done.stderr.strip()[-2000:]}", file=sys.stderr)
        return {}
    return {name: (value, unit) for name, (value, unit) in json.loads(done.stdout.splitlines()[-1]).items()}


def table(found: dict[tuple[str, str], dict[int, tuple[float, str]]], sizes: list[int]) -> Iterator[str]:
    yield "| | " + " | ".join(f"{size:,}" for size in sizes) + " |"
    yield "|---|" + "---|" * len(sizes)
    for (engine, name), values in found.items():
        cells = [f"{values[size][0]:,.4g} {values[size][1]}" if size in values else "–" for size in sizes]
        yield f"| {engine}: {name} | " + " | ".join(cells) + " |"


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="where engines keep what they build")
    parser.add_argument("--sizes", default="20000,100000,300000,1000000")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--donor", type=Path, help="an archive of real articles with vectors")
    parser.add_argument("--no-vectors", action="store_true")
    parser.add_argument("--phase", nargs=4, help=argparse.SUPPRESS)
    options = report.parse(parser)
    if options.phase:
        print(json.dumps(phases(options)))
        return
    if options.folder is None:
        parser.error("--folder FOLDER is needed: archives of a million take tens of gigabytes")
    options.folder.mkdir(parents=True, exist_ok=True)
    asked = questions(real_articles(options.data), random.Random(3))
    (options.folder / QUESTIONS).write_text(json.dumps(asked), "utf-8")
    sizes = [int(size) for size in options.sizes.split(",")]
    found: dict[tuple[str, str], dict[int, tuple[float, str]]] = {}
    for size in sizes:
        for engine in options.engines.split(","):
            for phase in ("build", "ask", "write") if engine == "archive" else ("build", "ask"):
                for name, (value, unit) in child(options, phase, engine, size).items():
                    found.setdefault((engine, name), {})[size] = value, unit
                    report.add(f"{size:,}, {engine}: {name}", value, unit)
    print("\n".join(table(found, sizes)))
