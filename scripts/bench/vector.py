"""Measure vector search beside named peers: scripts/bench/run vector [--sizes 133000,1000000] [--index indexes/NAME]

One table per size: build time, disk, private memory, median and 99th percentile of a query, recall@10 of articles
against exact search. Then ours under masks that let less and less pass. Each engine builds in a process of its own and
answers in another, on the same vectors: those of an archive (--index), bootstrapped with noise to the size asked for,
or made clusters. A peer that is not installed is named and skipped, and so is one that takes longer than --minutes to
build or to answer; one that ranks passages is asked for enough of them to hold ten articles. With --folder what was
built is found again: --build makes it beforehand, at night or on a busy machine, and a later run only asks.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Report, again
from bench.vector_engines import ENGINES
from search.storage.container import open_part

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001)
BUSY = 0.1  # share of the machine that others may take while a build is timed


def archive_vectors(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """All passages' vectors of an archive and the number of each article's."""
    parts = [open_part(file, "vectors") for file in sorted(path.glob("**/*vectors*")) if file.is_file()]
    if not parts:
        raise SystemExit(f"{path} has no vectors")
    counts = np.concatenate([np.diff(part["passage_starts"]) for part in parts])
    return np.concatenate([part["vectors"] for part in parts]), counts


def made_vectors(articles: int, dimension: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Articles around topics, passages around articles, in 96 dimensions laid into ``dimension``."""
    latent, topics = 96, max(20, articles // 40)
    basis = rng.normal(size=(latent, dimension)).astype(np.float32)
    centres = rng.normal(size=(topics, latent))
    counts = rng.geometric(1 / 6.65, articles)
    own = centres[rng.integers(0, topics, articles)] + 0.9 * rng.normal(size=(articles, latent))
    owner = np.repeat(np.arange(articles), counts)
    vectors = np.empty((len(owner), dimension), np.float16)
    for start in range(0, len(owner), 50_000):
        part = owner[start : start + 50_000]
        rows = (own[part] + 0.7 * rng.normal(size=(len(part), latent))).astype(np.float32) @ basis
        vectors[start : start + 50_000] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors, counts


def bootstrapped(
    vectors: np.ndarray, counts: np.ndarray, passages: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Articles drawn again, each moved along the difference of two passages, and each of its passages along another."""
    begins = np.append(0, np.cumsum(counts))
    picks = rng.integers(0, len(counts), math.ceil(passages / counts.mean()))
    drawn = counts[picks]
    rows = np.repeat(begins[picks] - np.append(0, np.cumsum(drawn))[:-1], drawn) + np.arange(drawn.sum())
    owner = np.repeat(np.arange(len(picks)), drawn)
    left, right = rng.integers(0, len(vectors), (2, len(picks)))
    made = np.empty((len(rows), vectors.shape[1]), np.float16)
    for start in range(0, len(rows), 50_000):
        part = slice(start, start + 50_000)
        a, b = rng.integers(0, len(vectors), (2, len(rows[part])))
        moved = vectors[rows[part]].astype(np.float32)
        moved += 0.45 * (vectors[left[owner[part]]].astype(np.float32) - vectors[right[owner[part]]])
        moved += 0.25 * (vectors[a].astype(np.float32) - vectors[b])
        made[part] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return made, drawn


def prepare(folder: Path, passages: int, arguments: argparse.Namespace) -> None:
    """Vectors, counts and queries of one size, as files that every engine reads."""
    rng = np.random.default_rng(0)
    if arguments.index is None:
        vectors, counts = made_vectors(math.ceil(passages / 6.65), arguments.dimension, rng)
    else:
        vectors, counts = bootstrapped(*archive_vectors(arguments.index), passages, rng)
    held = int(rng.integers(0, len(counts) - arguments.queries))  # queries: passages of articles that are then left out
    begins = np.append(0, np.cumsum(counts))
    first, last = begins[held], begins[held + arguments.queries]
    np.save(folder / "queries.npy", vectors[begins[held : held + arguments.queries]].astype(np.float32))
    np.save(folder / "vectors.npy", np.concatenate([vectors[:first], vectors[last:]]))
    np.save(folder / "counts.npy", np.concatenate([counts[:held], counts[held + arguments.queries :]]))


def private_memory() -> float:
    """Megabytes of this process that belong to no file (Linux), else the peak of all."""
    status = Path("/proc/self/status")
    if status.exists():
        found = [line for line in status.read_text().splitlines() if line.startswith("RssAnon")]
        return int(found[0].split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size_of(path: Path) -> float:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def used() -> tuple[float, float]:
    """CPU seconds of this process and its threads so far, and of the whole machine (Linux)."""
    own, ticks = resource.getrusage(resource.RUSAGE_SELF), Path("/proc/stat")
    mine = own.ru_utime + own.ru_stime
    if not ticks.exists():
        return mine, mine
    fields = [int(field) for field in ticks.read_text().split("\n", 1)[0].split()[1:9]]
    return mine, (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # all but idle and waiting for disks


def build(name: str, folder: Path) -> None:
    """Build one engine's index, and note what that took, and whether others kept the machine busy meanwhile."""
    vectors, counts = np.load(folder / "vectors.npy", mmap_mode="r"), np.load(folder / "counts.npy")
    one = ENGINES[name]
    clear(folder / one.stored)
    (mine, all_), began = used(), time.perf_counter()
    one.build(folder, vectors, counts)
    took = time.perf_counter() - began
    cpu, machine = (after - before for after, before in zip(used(), (mine, all_), strict=True))
    busy = machine - cpu > BUSY * took * (os.cpu_count() or 1)
    note = {"build_s": took, "build_cpu_s": cpu, "busy": busy, "disk_mb": size_of(folder / one.stored)}
    (folder / f"{one.stored}.built.json").write_text(json.dumps(note))


def ask(name: str, folder: Path) -> None:
    """Ask one engine; its row of the table, and its answers for the recall of the others, are kept in the folder."""
    counts, queries = np.load(folder / "counts.npy"), np.load(folder / "queries.npy")
    before = private_memory()
    search = ENGINES[name].open(folder, counts)
    for query in queries:  # a first round, so that no answer waits for the disk
        search(query, None)
    row: dict[str, Any] = {"answers": {}, "ms": {}, "passages": int(counts.sum())}
    ordinals = np.random.default_rng(2).random(len(counts))
    for share in SHARES if ENGINES[name].masks else SHARES[:1]:
        mask = None if share == 1.0 else ordinals < share
        took, answers = [], []
        for query in queries:
            start = time.perf_counter()
            found = search(query, mask)
            took.append((time.perf_counter() - start) * 1000)
            answers.append(found[:10].tolist())
        row["answers"][str(share)] = answers
        row["ms"][str(share)] = [float(np.median(took)), float(np.quantile(took, 0.99))]
    row["memory_mb"] = private_memory() - before
    (folder / f"{name}.row.json").write_text(json.dumps(row))


def clear(path: Path) -> None:
    """Take away what an unfinished build left."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def step(work: str, name: str, folder: Path, minutes: float) -> bool:
    """Build or ask in a process of its own; says why where that fails."""
    command = again("vector", "--run", work, name, str(folder))
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        print(f"{name:<16} {work}: not done in {minutes:g} minutes", flush=True)
        return False
    if done.returncode:
        print(f"{name:<16} skipped: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}", flush=True)
    return done.returncode == 0


def recall(answers: list[list[int]], truth: list[list[int]]) -> float:
    """Share of the true ten that an answer holds."""
    shares = [len(set(found) & set(true)) / len(true) for found, true in zip(answers, truth, strict=True) if true]
    return float(np.mean(shares)) if shares else 1.0


def line(first: str, *cells: str) -> str:
    return f"{first:<16}" + "".join(f"{cell:>11}" for cell in cells)


def report(name: str, built: dict[str, Any], row: dict[str, Any], truth: dict[str, Any] | None, into: Report) -> None:
    """One engine's line."""
    share = math.nan if truth is None else recall(row["answers"]["1.0"], truth["answers"]["1.0"])
    took = f"{built['build_s']:.1f}{'*' if built['busy'] else ''}"
    sizes = [f"{built['build_cpu_s']:.0f}", f"{built['disk_mb']:.0f}", f"{row['memory_mb']:.0f}"]
    print(line(name, took, *sizes, *(f"{one:.2f}" for one in row["ms"]["1.0"]), f"{share:.3f}"), flush=True)
    passages = row["passages"]
    for what, value, unit in (
        ("build", built["build_cpu_s"], "CPU s"),
        ("disk", built["disk_mb"], "MB"),
        ("memory", row["memory_mb"], "MB"),
        ("median", row["ms"]["1.0"][0], "ms"),
        ("p99", row["ms"]["1.0"][1], "ms"),
        ("recall@10", share, ""),
    ):
        into.add(f"{passages:,} passages, {name}: {what}", value, unit)


def report_masks(rows: dict[str, dict[str, Any]]) -> None:
    """Ours beside exact search, under masks that let less and less pass."""
    print("\n" + line("pass the mask", "exact ms", "10: ms", "recall@10", "1000: ms", "recall@10"))
    for passing in map(str, SHARES):
        cells = [f"{rows['exact']['ms'][passing][0]:.2f}"]
        for one in ("broadsheet", "broadsheet-1000"):
            found = recall(rows[one]["answers"][passing], rows["exact"]["answers"][passing])
            cells += [f"{rows[one]['ms'][passing][0]:.2f}", f"{found:.3f}"]
        print(line(f"{float(passing):.2%}", *cells))


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="133000", help="passages, several with commas")
    parser.add_argument("--index", type=Path, help="archive whose vectors are drawn from")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--minutes", type=float, default=5.0, help="what each engine may take to build, and to answer")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--folder", type=Path, help="keep vectors, indexes and answers there, for later runs")
    parser.add_argument("--build", action="store_true", help="only build what --folder lacks, to be asked another time")
    parser.add_argument("--run", nargs=3, metavar=("STEP", "ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = report.parse(parser)
    if arguments.run:
        work, name, where = arguments.run
        {"build": build, "ask": ask}[work](name, Path(where))
        return
    if arguments.build and arguments.folder is None:
        parser.error("--build needs --folder, where what it builds is found again")
    for size in (int(number) for number in arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if arguments.folder is None else arguments.folder / str(size)
            if not (folder / "counts.npy").is_file():
                folder.mkdir(parents=True, exist_ok=True)
                prepare(folder, size, arguments)
            measure(folder, arguments, report)


def measure(folder: Path, arguments: argparse.Namespace, into: Report) -> None:
    """Build and ask the engines of one size, and print its tables."""
    print(f"\n{len(np.load(folder / 'vectors.npy', mmap_mode='r')):,} passages, {os.cpu_count()} CPUs", flush=True)
    notes = {}
    for name in arguments.engines.split(","):
        known = folder / f"{ENGINES[name].stored}.built.json"
        if known.is_file() or step("build", name, folder, arguments.minutes):
            notes[name] = json.loads(known.read_text())
    if arguments.build:
        return
    print(line("engine", "build s", "CPU s", "disk MB", "memory MB", "median ms", "p99 ms", "recall@10"))
    rows: dict[str, dict[str, Any]] = {}
    for file in folder.glob("*.row.json"):
        rows[file.name.removesuffix(".row.json")] = json.loads(file.read_text())
    for name, note in notes.items():
        if step("ask", name, folder, arguments.minutes):
            rows[name] = json.loads((folder / f"{name}.row.json").read_text())
            report(name, note, rows[name], rows.get("exact"), into)
    if any(note["busy"] for note in notes.values()):
        print("* other programs kept the machine busy meanwhile; CPU s are the build's own, of all its threads")
    if {"exact", "broadsheet", "broadsheet-1000"} <= rows.keys():
        report_masks(rows)
