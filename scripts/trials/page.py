"""The tables of the page "durability", from what scripts/torture has recorded."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bench.report import RESULTS, recorded

FILE = RESULTS / "torture.json"
WHAT = {
    "faults": "a file operation that fails, or at which the process is killed",
    "cuts": "a power cut",
    "kills": "kill -9 at a random instant; merges that fail again and again",
    "damages": "a damaged file",
    "crafted": "an archive crafted with lying numbers under fitting checksums",
    "commits": "commits of one article, then compared with one build",
}
_COUNT = re.compile(r"(?P<kind>faults|cuts|kills|damages), (?P<what>.+): (?P<how>.+)")
_PEER = re.compile(r"peers, (?P<engine>.+): (?P<trial>.+): (?P<ended>.+)")
BAD = ("what was acknowledged is lost", "neither", "cannot be opened", "crashes", "wrong, and nothing said")


def figures() -> Counter[str]:
    """Every recorded figure by name, those of several commits added up."""
    known: Counter[str] = Counter()
    for run in recorded(FILE) if FILE.exists() else []:
        for name, figure in run["figures"].items():
            value = int(figure["value"])
            known[name] = max(known[name], value) if name.endswith("possible cases") else known[name] + value
    return known


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table of Markdown."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |" for row in rows),
    ]


def cases() -> str:
    """How many cases of each kind, and how many went wrong."""
    known = figures()
    rows = []
    for kind, what in WHAT.items():
        if f"{kind}: cases" in known:
            possible = known[f"{kind}: possible cases"]
            drawn = f", drawn from {possible:,}" if possible else ""
            rows.append((what, f"{known[f'{kind}: cases']:,}{drawn}", known[f"{kind}: failures"]))
    return "\n".join([*table(("what happens", "cases", "failures"), rows), "", *provenance()])


def commands() -> str:
    """Faults, cuts and kills by command."""
    by: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in figures().items():
        if (parts := _COUNT.fullmatch(name)) and parts["kind"] != "damages":
            by[parts["what"]][parts["kind"]] += count
    rows = [(command, *(by[command][kind] for kind in ("faults", "cuts", "kills"))) for command in by]
    return "\n".join(table(("command", "faults", "power cuts", "kills"), rows))


def damages() -> str:
    """How damages ended, by kind of file."""
    by: dict[str, Counter[str]] = defaultdict(Counter)
    ends: Counter[str] = Counter()
    for name, count in figures().items():
        if (parts := _COUNT.fullmatch(name)) and parts["kind"] == "damages":
            by[parts["what"]][parts["how"]] += count
            ends[parts["how"]] += count
    order = [end for end, _ in ends.most_common()]
    return "\n".join(table(("file", *order), [(kind, *(by[kind][end] for end in order)) for kind in by]))


def peers() -> str:
    """What the same does to other engines: of how many cases each went wrong, and how."""
    by: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    trials: list[str] = []
    for name, count in figures().items():
        if parts := _PEER.fullmatch(name):
            by[parts["engine"]][parts["trial"]][parts["ended"]] += count
            trials += [parts["trial"]] if parts["trial"] not in trials else []

    def cell(counts: Counter[str]) -> str:
        wrong = [f"{ended} {counts[ended]:,}" for ended in BAD if counts[ended]]
        told = f" ({', '.join(wrong)})" if wrong else ""
        return f"{sum(counts[ended] for ended in BAD):,} of {counts.total():,}{told}"

    rows = [(engine, *(cell(by[engine][trial]) for trial in trials)) for engine in by]
    return "\n".join(table(("engine", *trials), rows))


def provenance() -> list[str]:
    """How many cases ran on which commit, and how many of them failed."""
    lines = []
    for run in recorded(FILE) if FILE.exists() else []:
        value = {name: int(figure["value"]) for name, figure in run["figures"].items()}
        kinds = [name.removesuffix(": cases") for name in value if name.endswith(": cases")]
        cases = ", ".join(
            f"{value[f'{kind}: cases']:,} {kind}{f' ({failed} failed)' if failed else ''}"
            for kind in kinds
            for failed in [value[f"{kind}: failures"]]
        )
        seed, machine = run["options"].get("seed"), run["machine"]
        lines.append(
            f"- commit {run['commit']}: {cases}; {run['date']}, {machine['processor']}, {machine['cores']} cores"
            f"{'' if seed is None else f', seed {seed}'}"
        )
    return lines
