"""Workbooks of the old Excel (BIFF in OLE), read in a process of their own.

What their library makes of a damaged file cannot be caught: it asks for a terabyte, or follows a circle of
sectors until memory ends. So another process asks, with a limit of memory and time, and hands the cells over as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from datetime import date, datetime, time
from typing import Any, TextIO

from search.ingest.source import SourceProblem

SIGNATURE = b"\xd0\xcf\x11\xe0"
_MEMORY = 2 << 30  # bytes of address space; 65,536 rows a sheet fit into a fraction of it
_SECONDS = 60


def sheets_of(data: bytes) -> dict[str, list[list[Any]]]:
    """The rows of each sheet. Raises SourceProblem for what is no workbook, or cannot be read within the limits."""
    code, out, said = asked(data)
    if code:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2] if code == 1 else ""
        raise SourceProblem(f"no workbook that can be read ({last[:200] or 'its library gave up'})")
    found: dict[str, list[list[Any]]] = {}
    for line in out.splitlines():
        name, row = json.loads(line)
        rows = found.setdefault(name, [])
        if row is not None:
            rows.append(row)
    return found


def asked(data: bytes) -> tuple[int, bytes, bytes]:
    """The exit code of another process that reads a workbook, what it writes and what it says of mistakes. Raises
    SourceProblem where it takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 (this program's own module)
            [sys.executable, "-m", __name__],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceProblem(f"no workbook that can be read in {_SECONDS} seconds") from error
    return done.returncode, done.stdout, done.stderr


def cell(value: Any) -> Any:
    """A cell as JSON has it: days and times in ISO form, whole numbers without a point."""
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _bound() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # where there are no such limits, there is the time
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hand_over(data: bytes, out: TextIO) -> None:
    """Write the cells of a workbook. It bounds the process that it is called in, which is for nothing else."""
    from python_calamine import CalamineWorkbook

    _bound()
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for name in workbook.sheet_names:
        out.write(json.dumps([name, None]) + "\n")  # a sheet may have no rows
        for row in workbook.get_sheet_by_name(name).iter_rows():
            out.write(json.dumps([name, [cell(value) for value in row]]) + "\n")


if __name__ == "__main__":
    hand_over(sys.stdin.buffer.read(), sys.stdout)
