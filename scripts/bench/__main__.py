"""Run a benchmark, record its figures, or compare two checkouts.

    scripts/bench/run NAME [options]                       measure and print; --help says what it measures
    scripts/bench/run NAME [options] --record              and keep the figures in scripts/bench/results/NAME.json
    scripts/bench/run compare --base CHECKOUT NAME [options]   the same benchmark on another checkout, in turn

NAME is one of cold, encode, hybrid, keyword, quality, queries, scale, serve, stories, vector. Figures are recorded with
commit, machine and date; the tables of measurements in README.md and search/help/ are made of what is recorded
(scripts/docs).
"""

from __future__ import annotations

import os
import sys

# This folder's modules are named bench.keyword and the like; found by their bare names, they would take the place of
# the library's, in the imports of pathlib already.
_BESIDE = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120
sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != _BESIDE]

from pathlib import Path  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHECKOUT = "BROADSHEET_CHECKOUT"  # the checkout that is measured, where it is not this one

# What is measured comes first, so that a benchmark of one checkout can measure another.
sys.path[:] = [os.environ.get(CHECKOUT, str(ROOT)), str(HERE.parent), *sys.path]

from importlib import import_module  # noqa: E402

NAMES = sorted(path.stem for path in HERE.glob("*.py") if "\ndef main(report: Report)" in path.read_text("utf-8"))


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in (*NAMES, "compare"):
        print(f"{__doc__}\nusage: scripts/bench/run NAME [options], NAME one of {', '.join(NAMES)}", file=sys.stderr)
        return 2
    name, rest = arguments[0], arguments[1:]
    sys.argv = [f"scripts/bench/run {name}", *rest]
    if name == "compare":
        return int(import_module("bench.compare").main())
    from bench.report import Report

    report = Report(name)
    import_module(f"bench.{name}").main(report)
    report.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
