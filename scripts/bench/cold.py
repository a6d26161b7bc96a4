"""Measure cold starts: scripts/bench/run cold --index indexes/NAME [--query WORDS]

Wall time of fresh processes, taken in turn so that a busy machine is as hard on each: the command's help, a keyword and
a hybrid search that print their hits; beside them what can't be avoided: Python itself, numpy, and the imports of all
the engines. The files are in the page cache, the query encoder in the user's, and all modules compiled, whatever
PYTHONDONTWRITEBYTECODE says: cold is the process alone. Where
Tantivy and bm25s are installed, a process that imports the one and opens nothing, and one that does so with the other.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.report import Report, measured

ENGINES = "import numpy, whoosh.query, faiss, onnxruntime, tokenizers, click, sqlite3"


def commands(index: Path, query: str) -> dict[str, list[str]]:
    python = [sys.executable]
    search = [*python, "-m", "search", "search", query, "--index", str(index), "--mode"]
    found = {
        "python": [*python, "-c", "pass"],
        "import numpy": [*python, "-c", "import numpy"],
        "import all engines": [*python, "-c", ENGINES],
        "--help": [*python, "-m", "search", "--help"],
        "keyword": [*search, "keyword"],
        "keyword, operators": [*search[:4], f"+{query.split()[0]} title:{query.split()[-1]}", *search[5:], "keyword"],
        "hybrid": [*search, "hybrid"],
    }
    for name in ("tantivy", "bm25s", "sentence_transformers"):
        if importlib.util.find_spec(name) is not None:
            found[f"import {name}"] = [*python, "-c", f"import {name}"]
    return found


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--query", default="supreme court ruling")
    parser.add_argument("--runs", type=int, default=9)
    arguments = report.parse(parser)
    wanted = commands(arguments.index.resolve(), arguments.query)
    with tempfile.TemporaryDirectory() as bytecode:
        surroundings = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONPATH": str(measured())}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
        measure(wanted, arguments.runs, surroundings, report)


def measure(wanted: dict[str, list[str]], runs: int, surroundings: dict[str, str], report: Report) -> None:
    neutral = surroundings["PYTHONPYCACHEPREFIX"]  # "python -m" finds first what lies in the folder it is started in
    took: dict[str, list[float]] = {name: [] for name in wanted}
    busy: dict[str, list[float]] = {name: [] for name in wanted}
    for turn in range(runs + 1):
        for name, command in wanted.items():
            if name == "import sentence_transformers" and turn > 3:
                continue  # takes seconds
            before, began = os.times(), time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings, cwd=neutral)
            elapsed, after = time.perf_counter() - began, os.times()
            if done.returncode not in (0, 1):
                raise SystemExit(f"{name}: {done.stderr.strip()}")
            if turn:
                took[name].append(elapsed)
                busy[name].append(sum(after[2:4]) - sum(before[2:4]))
    floor = float(np.median(took["import all engines"]))
    print(f"{runs} fresh processes each, {os.cpu_count()} CPUs\n")
    print(f"{'':<30}{'median s':>10}{'least s':>10}{'CPU s':>8}{'of all imports':>16}")
    for name, times in took.items():
        median = float(np.median(times))
        cpu = float(np.median(busy[name]))
        print(f"{name:<30}{median:>10.3f}{min(times):>10.3f}{cpu:>8.2f}{median / floor:>16.2f}")
        report.add(name, median, "s")
        report.add(f"{name}, CPU", cpu, "CPU s")
