"""Archives as a stranger could craft them: numbers that lie, under checksums that fit. Whatever they say, reading
answers or refuses in this package's words; the process neither crashes nor hangs nor fills the memory."""

from __future__ import annotations

import hashlib
import json
import random
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from search import Archive, SearchError
from search.storage import seals
from search.storage.container import MAGIC
from trials.material import make, readings
from trials.proof import forked, site
from trials.trial import Trial

MEMORY = 4 << 30  # bytes that a process may ask for
SECONDS = 20  # of the processor, for all readings and doctor
ODD: tuple[Any, ...] = (None, True, -1, 1 << 62, 1e308, "", "x" * 300, [], {}, [[[]]], "../..", "\0")


class Crafted(Trial):
    """Runs cases."""

    def run(self, number: int, first: int = 0) -> None:
        """So many cases from this number on."""
        template = self.folder / "crafted"
        if not template.exists():
            make(template / "work")
        for case in range(first, first + number):
            chance = random.Random(f"{self.seed} crafted {case}")
            with site(self.folder) as place:
                shutil.copytree(template / "work", place / "work")
                change = (crafted_array, crafted_array, crafted_header, crafted_row)[case % 4]
                what = f"crafted {case}: {change(place / 'work', chance)}"
                outcome = forked(lambda place=place: read_all(place / "work"))
            self.seconds += outcome.seconds
            if outcome.ended or outcome.told:
                self.failures.append(f"{what}: {outcome.ended} {outcome.told}")
            elif outcome.seconds > SECONDS:
                self.failures.append(f"{what}: takes {outcome.seconds:.0f} s of the processor")
            else:
                self.counts[change.__name__.replace("crafted_", "a changed ")] += 1


def read_all(path: Path) -> list[str]:
    """Read an archive in every way, let doctor look at it, and write to it; what is raised that is not ours."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    wrong: list[str] = []

    def tried(name: str, call: Any) -> None:
        try:
            call()
        except SearchError:
            pass
        except Exception as error:
            wrong.append(f"{name} raises a bare {type(error).__name__}: {str(error)[:150]}")

    def every() -> None:
        with Archive.open(path) as archive:
            for name, read in readings().items():
                tried(name, lambda read=read: read(archive))
            tried("doctor", lambda: archive.check(thorough=True))
            tried("stats", archive.stats)
            tried("optimize", archive.optimize)

    tried("opening", every)
    return wrong


def crafted_array(path: Path, chance: random.Random) -> str:
    """Some numbers of one array of one part are others."""
    part = chance.choice(sorted(path.glob("segments/*/*.part")))
    header, start, data = _opened(part)
    name = chance.choice([name for name, entry in header["arrays"].items() if all(entry["shape"])])
    entry = header["arrays"][name]
    array = np.frombuffer(data, np.dtype(entry["dtype"]), int(np.prod(entry["shape"])), start + entry["offset"])
    kind = array.dtype
    for _ in range(chance.choice((1, 1, 3))):
        at = chance.randrange(len(array))
        if kind.kind == "f":
            array[at] = chance.choice((0.0, -1.0, 1e4, float("nan"), float("inf")))
        elif kind.kind == "b":
            array[at] ^= True
        else:
            least, most = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
            near = int(array[at]) + chance.choice((-1, 1, 7, -7))
            value = chance.choice((0, least, most, most // 2, near, chance.randint(least, most)))
            array[at] = min(max(value, least), most)
    _sealed(path, part, bytes(data))
    return f"{part.name}, array {name}"


def crafted_header(path: Path, chance: random.Random) -> str:
    """A value of one part's header is another."""
    part = chance.choice(sorted(path.glob("segments/*/*.part")))
    header, start, data = _opened(part)
    where = chance.choice(_places(header))
    owner = header
    for step in where[:-1]:
        owner = owner[step]
    old = owner[where[-1]]
    near = [old + 1, old - 1, old * 1000] if isinstance(old, int) else []
    owner[where[-1]] = chance.choice([*ODD, *near])
    text = json.dumps(header).encode()
    text += b" " * (-(len(MAGIC) + 8 + len(text)) % 64)
    _sealed(path, part, MAGIC + len(text).to_bytes(8, "little") + text + bytes(data[start:]))
    return f"{part.name}, header {'.'.join(map(str, where))}: {str(owner[where[-1]])[:40]!r}"


def crafted_row(path: Path, chance: random.Random) -> str:
    """A value of one row of the catalog is another."""
    with closing(sqlite3.connect(path / "catalog.sqlite", isolation_level=None)) as connection:
        tables = ("settings", "state", "segments", "dropped", "articles", "tombstones", "alerts")
        table = chance.choice([name for name in tables if _count(connection, name)])
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = chance.choice(columns)
        key = columns[0]
        row, old = chance.choice(connection.execute(f'SELECT "{key}", "{column}" FROM {table}').fetchall())
        if isinstance(old, int):
            value: Any = chance.choice((0, -1, old + 1, old * 1000, (1 << 63) - 1))
        elif isinstance(old, bytes):
            value = chance.choice((b"", old[: len(old) // 2], old + b"x", bytes(len(old))))
        else:
            value = chance.choice(("", "null", "[]", "{}", "1e999", f"{old}x", "x" * 1000, '{"a": {}}', "\0", "-1"))
        try:
            connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE "{key}" = ?', (value, row))
        except sqlite3.Error as error:
            return f"{table}.{column}: not possible ({error})"
        _seal(connection)
    return f"{table}.{column}: {str(value)[:40]!r}"


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _opened(part: Path) -> tuple[dict[str, Any], int, bytearray]:
    data = bytearray(part.read_bytes())
    start = len(MAGIC) + 8 + int.from_bytes(data[len(MAGIC) : len(MAGIC) + 8], "little")
    return json.loads(data[len(MAGIC) + 8 : start]), start, data


def _places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, one in inner for place in ((*above, name), *_places(one, (*above, name)))]


def _sealed(path: Path, part: Path, data: bytes) -> None:
    """Write a part, and let the catalog say that it was always so."""
    part.write_bytes(data)
    with closing(sqlite3.connect(path / "catalog.sqlite", isolation_level=None)) as connection:
        segment = part.parent.name
        (told,) = connection.execute("SELECT parts FROM segments WHERE id = ?", (segment,)).fetchone()
        files = json.loads(told)
        for file in files.values():
            if file["name"] == part.name:
                file |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (json.dumps(files), segment))
        _seal(connection)


def _seal(connection: sqlite3.Connection) -> None:
    sealing = seals.Sealing(connection, sealed=False)
    sealing.touch(*seals.TABLES)
    sealing.renew()
