"""Measure keyword search beside named peers.

    scripts/bench/run keyword --data FILE [--sizes 5000,20000] [--engines NAMES] [--repeat] [--keep FOLDER]

FILE is JSON lines, gzipped or not, with "title" and "text". Beyond the articles it has, a size is reached by articles
whose paragraphs are drawn from two of them; with --repeat, by all of them again and again. Ours then merges one part
with itself: its rate is that of the first copy. Stock Whoosh, Tantivy, bm25s and ours index the same articles on one
thread and answer the same 200 queries drawn from headlines: of two or three words, of all words, of frequent words,
phrases, and prefixes; the ten best each. Ours comes twice: ``broadsheet`` is the keyword leg, which is what the peers
are; ``archive`` is the whole product for words alone, with catalog, passages, snippets and highlights, asked through
its public names. Each engine indexes in one process and answers in another. A peer that is not installed, or takes too
long or too much memory at a size, is named and left out. Then what is asked to be slow, of our leg, at the largest
size.

With --keep, what is built stays in FOLDER and is not built again: the first run shows indexing, others queries alone.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.keyword_engines import MAKERS, Broadsheet, Document, abuse
from bench.report import Report, again

OURS = ("broadsheet", "archive")
ENGINES = (*OURS, "tantivy", "bm25s", "whoosh")
KINDS = ("short", "long", "frequent", "phrase", "prefix")
LIMITS = {"whoosh": 20_000, "bm25s": 20_000}  # articles: minutes of indexing beyond, and all tokens in memory
RUNS = 5


def read(path: Path) -> Iterator[Document]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        record = json.loads(line)
        yield record.get("title") or "", record.get("text") or ""


def grown(real: Sequence[Document], size: int, rng: random.Random) -> Iterator[Document]:
    """The first ``size`` articles, and then mixtures of two of them."""
    yield from real[:size]
    for _ in range(size - len(real)):
        one, other = rng.choice(real), rng.choice(real)
        mixed = [rng.choice(pair) for pair in zip(one[1].split("\n\n"), other[1].split("\n\n"), strict=False)]
        yield one[0], "\n\n".join(mixed)


def queries(documents: Sequence[Document], count: int, rng: random.Random) -> list[tuple[str, str]]:
    """(kind, text), as many of each kind."""
    from search.keyword.analysis import STOP_WORDS

    titles = [title.split() for title, _ in documents]
    titles = [words for words in titles if len(words) >= 5 and all(word.isalpha() for word in words[:4])]
    common = Counter(w.lower() for words in titles for w in words if w.isalpha() and w.lower() not in STOP_WORDS)
    frequent = [word for word, _ in common.most_common(100)]
    found = []
    for number in range(count):
        kind, words = KINDS[number % len(KINDS)], rng.choice(titles)
        if kind == "short":
            words = words[: rng.choice((2, 3))]
        elif kind == "frequent":
            words = rng.sample(frequent, 3)
        elif kind == "phrase":
            start = rng.randrange(3)
            words = words[start : start + 2]
        elif kind == "prefix":
            words = [max(words, key=len)[:5].lower()]
        found.append((kind, " ".join(words)))
    return found


def peak() -> float:
    """The most memory this process has held, in MB, mapped files included."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the figure of getrusage begins with the parent's
        return float(next(n for n in status.read_text().splitlines() if n.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def index_once(engine: str, data: Path, folder: Path, copies: int) -> dict[str, float]:
    documents = list(read(data))
    if engine != "broadsheet":
        documents = documents * copies
    before = peak()
    with tempfile.TemporaryDirectory() as warm:  # imports and first calls are not what is measured
        MAKERS[engine]().index(documents[:20], Path(warm))
    indexed = len(documents)
    began, cpu = time.perf_counter(), time.process_time()
    MAKERS[engine]().index(documents, folder)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if engine == "broadsheet" and copies > 1:
        Broadsheet().repeat(folder, copies)
        documents = documents * copies
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    text = sum(len(body.encode()) + len(title.encode()) for title, body in documents)
    return {"rate": indexed / seconds, "cpu_rate": indexed / cpu, "share": size / text,
            "peak": peak(), "texts": before}  # fmt: skip


def ask_all(engine: str, folder: Path, asked: list[tuple[str, str]]) -> dict[str, Any]:
    import gc

    maker = MAKERS[engine]()
    maker.open(folder)
    began = time.perf_counter()
    ask = maker.open(folder)
    opened = (time.perf_counter() - began) * 1000
    times: dict[str, list[float]] = {}
    gc.disable()
    for kind, text in asked:
        try:
            ask(kind, text)
        except NotImplementedError:
            continue
        times.setdefault(kind, [])
    busy = time.process_time()
    for kind, text in asked:
        if kind in times:
            runs = []
            for _ in range(RUNS):
                began = time.perf_counter()
                ask(kind, text)
                runs.append((time.perf_counter() - began) * 1000)
            times[kind].append(statistics.median(runs))
    busy = (time.process_time() - busy) * 1000 / (RUNS * sum(map(len, times.values())))
    return {"open": opened, "peak": peak(), "times": times, "cpu": busy}


def child(arguments: Sequence[str]) -> Any:
    """Run a phase in a process of its own, on one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    command = again("keyword", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def compare(
    size: int, engines: Sequence[str], real: Sequence[Document], work: Path, repeat: bool, report: Report
) -> None:
    copies = -(-size // len(real)) if repeat else 1
    work.mkdir(exist_ok=True)
    data = work / "articles.jsonl"
    if not data.exists():
        with data.open("w", encoding="utf-8") as out:
            for title, text in grown(real, size // copies, random.Random(1)):
                out.write(json.dumps({"title": title, "text": text}) + "\n")
    asked = work / "queries.json"
    asked.write_text(json.dumps(queries(real, 200, random.Random(2))))
    print(f"\n## {size:,} articles\n")
    print(
        "| engine | articles/s | of CPU | size / text | open ms | peak MB index / query | all: median, p99 ms |", end=""
    )
    print("".join(f" {kind} |" for kind in KINDS))
    print("|" + "---|" * (7 + len(KINDS)))
    for engine in engines:
        if size > LIMITS.get(engine, size):
            print(f"| {engine} | left out beyond {LIMITS[engine]:,} articles |" + " |" * (5 + len(KINDS)))
            continue
        folder = work / engine
        measured = work / f"{engine}.json"  # written last
        if not measured.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            measured.write_text(json.dumps(child(["--phase", f"index:{copies}", engine, str(data), str(folder)])))
        made = json.loads(measured.read_text())
        answered = child(["--phase", "query", engine, str(asked), str(folder)])
        times = answered["times"]
        cells = [f"{made['rate']:,.0f}", f"{made['cpu_rate']:,.0f}", f"{made['share']:.2f}", f"{answered['open']:.1f}"]
        cells.append(f"{made['peak'] - made['texts']:,.0f} / {answered['peak']:,.0f}")
        cells.append(shown([t for kind in times.values() for t in kind]))
        cells += [shown(times.get(kind, [])) for kind in KINDS]
        print(f"| {engine} | " + " | ".join(cells) + " |", flush=True)
        name = f"{size:,}, {engine}"
        report.add(f"{name}: indexing", made["rate"], "articles/s")
        report.add(f"{name}: share of the text", made["share"], "")
        report.add(f"{name}: opening", answered["open"], "ms")
        report.add(f"{name}: CPU of a query", answered["cpu"], "CPU ms")
        report.add(f"{name}: indexing, CPU", 1000 / made["cpu_rate"], "CPU ms an article")
        for kind, took in {"all": [t for taken in times.values() for t in taken], **times}.items():
            report.add(f"{name}: {kind}, median", statistics.median(took), "ms")
            report.add(f"{name}: {kind}, p99", percentile(took, 0.99), "ms")


def shown(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.3f}, {percentile(times, 0.99):.3f}" if times else "–"


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default="5000,20000")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--phase", nargs=4, help=argparse.SUPPRESS)
    options = report.parse(parser)
    if options.phase:
        phase, engine, first, folder = options.phase
        if phase.startswith("index:"):
            print(json.dumps(index_once(engine, Path(first), Path(folder), int(phase.removeprefix("index:")))))
        elif phase == "query":
            print(json.dumps(ask_all(engine, Path(folder), json.loads(Path(first).read_text()))))
        else:
            print(json.dumps(abuse(Path(folder))))
        return
    if options.data is None:
        parser.error("--data FILE is needed: articles as JSON lines")
    engines = []
    for engine in options.engines.split(","):
        if engine not in OURS and importlib.util.find_spec(engine) is None:
            print(f"{engine} is not installed: skipped", file=sys.stderr)
        else:
            engines.append(engine)
    real = list(read(options.data))
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for size in map(int, options.sizes.split(",")):
            compare(size, engines, real, work / str(size), options.repeat, report)
        if "broadsheet" in engines:
            folder = work / str(size) / "broadsheet"
            print(f"\n## Asked to be slow, {size:,} articles\n\n| query | ms of CPU | outcome |\n|---|---|---|")
            for name, spent, outcome in child(["--phase", "abuse", "broadsheet", "-", str(folder)]):
                print(f"| `{name}` | {spent:.0f} | {outcome} |")
