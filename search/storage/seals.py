"""Seals: checksums over the small tables of a catalog. SQLite's own check does not see a flipped byte in a row.

They stand in the settings under ``seals``: one for each setting and each saved query, one for each other table as a
whole, and one for all of these, which tells whether a seal or what it seals was damaged. Records of articles have
checksums of their own. Catalogs of formats before 2 have none, and get them with the next thing that is written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

KEY = "seals"
_OWN = "seal"  # the one of all others
_WHOLE = {
    "state": 'SELECT "commit", next_row FROM state',
    "segments": "SELECT id, first_row, articles, parts FROM segments ORDER BY first_row",
    "dropped": "SELECT segment, file, at FROM dropped ORDER BY segment, file, at",
}
_EACH = {
    "settings": f"SELECT key, value FROM settings WHERE key <> '{KEY}' ORDER BY key",  # noqa: S608
    "alerts": "SELECT name, query, created, last_row, ran FROM alerts ORDER BY name",
}
_TOMBSTONES = "SELECT row FROM tombstones ORDER BY row"
TABLES = frozenset({*_WHOLE, *_EACH, "tombstones"})

Seals = dict[str, Any]


def of_rows(rows: Iterable[Sequence[Any]]) -> str:
    """The seal of some rows, in hex."""
    text = json.dumps([list(row) for row in rows], ensure_ascii=False, default=repr)  # bytes are damage, not a fault
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"seal").hexdigest()


def of_numbers(rows: Sequence[int]) -> str:
    """The seal of a list of numbers, of which there may be a million."""
    return blake2b(np.asarray(rows, "<i8").tobytes(), digest_size=8, person=b"seal").hexdigest()


def read(connection: sqlite3.Connection) -> Seals | None:
    """All seals of a catalog, None where it has none, or none that can be read."""
    found = connection.execute("SELECT value FROM settings WHERE key = ?", (KEY,)).fetchone()
    try:
        seals: Seals = json.loads("{}" if found is None else found[0])
        own = seals.pop(_OWN)
    except (ValueError, TypeError, RecursionError, AttributeError, KeyError):
        return None
    return seals if own == of_rows([[_told(seals)]]) else None


def _told(seals: Seals) -> str:
    return json.dumps(seals, sort_keys=True)


class Sealing:
    """The seals of what one transaction changes. ``touch`` comes before a table is changed, ``renew`` at the end.

    What was damaged before is never sealed as if it were sound: a table that is sealed as a whole is compared first,
    and of the others only the rows that the transaction changed get new seals.
    """

    def __init__(self, connection: sqlite3.Connection, sealed: bool) -> None:
        self._connection = connection
        self._seals = read(connection) if sealed else None
        self._sealed = sealed
        self._before: dict[str, dict[str, str]] = {}

    def touch(self, *tables: str) -> None:
        """Say that these tables are about to be changed. Raises Broken for one that differs from its seal."""
        for name in tables:
            if name in self._before:
                continue
            if name in _EACH:
                self._before[name] = _each(self._connection, name)
            else:
                self._before[name] = {}
                if self._sealed and (self._seals or {}).get(name) != _whole(self._connection, name):
                    raise Broken(name)

    def renew(self) -> None:
        """Seal what was changed, as it is now."""
        seals = dict(self._seals or {})
        for name, before in self._before.items():
            if name not in _EACH:
                seals[name] = _whole(self._connection, name)
                continue
            old = seals.get(name)
            known = old if isinstance(old, dict) else {}
            now = _each(self._connection, name)
            kept = {key: seal for key, seal in known.items() if key not in before or key in now}
            new = {key: seal for key, seal in now.items() if before.get(key) != seal or not self._sealed}
            seals[name] = {**kept, **new}
        whole = {**seals, _OWN: of_rows([[_told(seals)]])}
        self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (KEY, _told(whole)))


class Broken(Exception):
    """A table differs from its seal."""


def _whole(connection: sqlite3.Connection, name: str) -> str:
    if name == "tombstones":
        return of_numbers([row for (row,) in connection.execute(_TOMBSTONES)])
    return of_rows(connection.execute(_WHOLE[name]))


def _each(connection: sqlite3.Connection, name: str) -> dict[str, str]:
    return {row[0]: of_rows([row]) for row in connection.execute(_EACH[name])}


def broken(connection: sqlite3.Connection) -> list[str]:
    """What differs from its seal, in words; "its seals" where these cannot be read."""
    seals = read(connection)
    if seals is None:
        return ["its seals"]
    found = [name for name in (*_WHOLE, "tombstones") if seals.get(name) != _whole(connection, name)]
    for name, select in _EACH.items():
        found += [f"{name} {key!r}" for key in differing(seals.get(name), list(connection.execute(select)))]
    return found


def differing(seals: object, rows: Sequence[Sequence[Any]]) -> list[str]:
    """The keys, which stand first, of rows that differ from their seals; and those of seals whose rows are lost."""
    known = seals if isinstance(seals, dict) else {}
    held = {row[0]: of_rows([row]) for row in rows}
    return sorted(str(key) for key in known.keys() | held.keys() if known.get(key) != held.get(key))
