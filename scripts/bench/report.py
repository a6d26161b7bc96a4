"""What a benchmark found: figures by name, printed by the benchmark, recorded with commit, machine and date."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


class Report:
    """The figures of one run. A figure's name says all but its unit: "hybrid, median"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.figures: dict[str, dict[str, Any]] = {}
        self._options: dict[str, Any] = {}
        self._file: Path | None = None

    def parse(self, parser: argparse.ArgumentParser) -> argparse.Namespace:
        """The benchmark's options, and where its figures go."""
        parser.add_argument("--record", action="store_true", help=f"keep the figures in results/{self.name}.json")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
        options = parser.parse_args()
        self._file = options.json or (RESULTS / f"{self.name}.json" if options.record else None)
        given = {name: value for name, value in vars(options).items() if name not in ("record", "json")}
        self._options = {name: _shown(value) for name, value in given.items() if value != parser.get_default(name)}
        return options

    def add(self, name: str, value: float, unit: str) -> None:
        """Add a figure, as "ms", "MB" or "requests/s"; one per second is better the larger it is, others smaller."""
        self.figures[name] = {"value": value if isinstance(value, int) else float(f"{value:.4g}"), "unit": unit}

    def keep(self) -> None:
        """Keep the figures where all are kept, as ``--record`` does."""
        self._file = RESULTS / f"{self.name}.json"

    def finish(self) -> None:
        """Write the figures down, where that was asked for: older ones of the same names give way, others stay."""
        if self._file is None:
            return
        runs = recorded(self._file) if self._file.exists() else []
        for run in runs:
            run["figures"] = {name: one for name, one in run["figures"].items() if name not in self.figures}
        own = {
            "commit": commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "options": self._options,
            "figures": self.figures,
        }
        kept = [*(run for run in runs if run["figures"]), own]
        text = json.dumps({"benchmark": self.name, "runs": kept}, indent=1, ensure_ascii=False)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(text + "\n", encoding="utf-8")
        print(f"{len(self.figures)} figures written to {self._file}", file=sys.stderr)


def recorded(file: Path) -> list[dict[str, Any]]:
    """The runs that a file of results keeps: each has commit, date, machine, options, and figures by name."""
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["runs"]
    return found


def _shown(value: Any) -> Any:
    """An option as it is recorded: of a path only the last name, which says what was measured and not where."""
    return value.name if isinstance(value, Path) else value


def measured() -> Path:
    """The checkout whose package is measured."""
    import search

    return Path(search.__file__).resolve().parent.parent


def commit() -> str:
    """The commit of what is measured, and whether files are changed; "unknown" outside a repository."""
    command = ["git", "-C", str(measured()), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """What speed depends on: processor, cores, memory, system, Python."""
    found: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    about, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if about.exists():
        text = about.read_text()
        if name := re.search(r"model name\s*:\s*(.+)", text):
            found["processor"] = name[1].strip()
        flags = set(next(iter(re.findall(r"flags\s*:\s*(.+)", text)), "").split())
        found["instructions"] = sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile"})
    if memory.exists() and (total := re.search(r"MemTotal:\s*(\d+) kB", memory.read_text())):
        found["memory_gb"] = round(int(total[1]) / 1e6)
    return found


def again(name: str, *arguments: str) -> list[str]:
    """The command that runs a benchmark of this folder in a process of its own."""
    return [sys.executable, str(HERE / "__main__.py"), name, *arguments]
