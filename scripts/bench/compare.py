"""Run one benchmark on two checkouts in turn: scripts/bench/run compare --base CHECKOUT NAME [options of NAME]

The benchmark is this checkout's for both, so NAME must ask through public names that both have: cold, hybrid, keyword
with --engines archive, queries, serve. The order is A B B A, --rounds times over, so that a machine that tires or
recovers is as hard on both. Printed for each figure: the median of either checkout, the ratio of these and that of the
best runs (over 1 is worse than before, whatever the unit), and the spread between the runs of one checkout, which is
what noise is here: other programs only ever slow a run, so on a busy machine the best runs say more. Exit code 1 if
both ratios of a figure are over --tolerance.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import again, recorded

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKOUT = "BROADSHEET_CHECKOUT"


def run(checkout: Path, name: str, options: list[str]) -> dict[str, tuple[float, str]]:
    """The figures of one run, by name: value and unit."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        environment = {**os.environ, CHECKOUT: str(checkout), "PYTHONPATH": str(checkout)}
        command = again(name, *options, "--json", str(out))
        done = subprocess.run(command, env=environment, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{checkout}: {done.stderr.strip()[-2000:]}")
        figures = recorded(out)[-1]["figures"]
    return {name: (one["value"], one["unit"]) for name, one in figures.items()}


def absolute(options: list[str]) -> list[str]:
    """The options with paths that hold from any folder."""
    return [str(Path(one).resolve()) if Path(one).exists() else one for one in options]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=2, help="each has A B B A")
    parser.add_argument("--tolerance", type=float, default=1.1, help="ratio that is told as worse")
    parser.add_argument("name")
    parser.add_argument("options", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    sides = {"A": asked.base.resolve(), "B": ROOT}
    options = absolute(asked.options)
    values: dict[str, dict[str, list[float]]] = {}
    units: dict[str, str] = {}
    for side in "ABBA" * asked.rounds:
        print(f"{side} ", end="", file=sys.stderr, flush=True)
        for figure, (value, unit) in run(sides[side], asked.name, options).items():
            values.setdefault(figure, {"A": [], "B": []})[side].append(value)
            units[figure] = unit
    print(file=sys.stderr)
    width = max(map(len, values))
    print(f"A: {sides['A'].name}, B: {sides['B'].name}; {asked.name} {' '.join(asked.options)}")
    print(f"{'':<{width}}{'A':>12}{'B':>12}{'':<13}{'ratio':>7}{'best':>7}{'noise':>7}")
    worse = 0
    for figure, both in values.items():
        if not both["A"] or not both["B"]:
            print(f"{figure:<{width}}  only in {'A' if both['A'] else 'B'}")
            continue
        ratios = [statistic(both["B"]) / (statistic(both["A"]) or 1.0) for statistic in (statistics.median, min)]
        if units[figure].endswith("/s"):  # the more, the better
            ratios = [statistic(both["A"]) / (statistic(both["B"]) or 1.0) for statistic in (statistics.median, max)]
        noise = max(max(side) / min(side) if min(side) else 1.0 for side in both.values())
        told = min(ratios) > asked.tolerance
        worse += told
        a, b = (statistics.median(both[side]) for side in "AB")
        cells = "".join(f"{ratio:>7.2f}" for ratio in (*ratios, noise))
        print(f"{figure:<{width}}{a:>12,.4g}{b:>12,.4g} {units[figure]:<12}{cells}{'  worse' if told else ''}")
    print(f"{worse} of {len(values)} figures are worse by more than {asked.tolerance - 1:.0%}")
    return 1 if worse else 0
