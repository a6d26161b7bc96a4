"""A catalog as it would be after batches that are not written: what is new lies in a database that SQLite keeps in
memory, and beyond a few MiB in a temporary file that ends with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from search.records import Article
from search.storage import codec
from search.storage.catalog import CHUNK, Catalog
from search.storage.transaction import Record

_SCHEMA = """
CREATE TABLE fresh (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, content BLOB NOT NULL, record BLOB NOT NULL);
CREATE TABLE gone (row INTEGER PRIMARY KEY);
"""


class Foreseen:
    """What a catalog answers to who sorts articles, with batches on top of it. ``catalog``: None where there is no
    archive yet."""

    def __init__(self, catalog: Catalog | None) -> None:
        self._catalog = catalog
        self._first = 1 if catalog is None else catalog.next_row()
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary one
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()

    def settings(self, damaged: bool = False) -> dict[str, Any]:
        """As ``Catalog``."""
        return {} if self._catalog is None else self._catalog.settings(damaged)

    def next_row(self) -> int:
        """As ``Catalog``, without what was taken in."""
        return self._first

    def live(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """As ``Catalog``."""
        found = {} if self._catalog is None else self._catalog.live(ids)
        gone = {row for (row,) in self._asked("SELECT row FROM gone WHERE row", [row for row, _ in found.values()])}
        found = {one: known for one, known in found.items() if known[0] not in gone}
        fresh = self._asked("SELECT id, row, content FROM fresh WHERE id", ids)
        return found | {one: (row, content) for one, row, content in fresh}

    def articles(self, rows: Sequence[int]) -> dict[int, Article]:
        """As ``Catalog``."""
        before = [row for row in rows if row < self._first]
        found = {} if self._catalog is None or not before else self._catalog.articles(before)
        for row, blob in self._asked("SELECT row, record FROM fresh WHERE row", rows):
            found[row] = codec.unpack(blob, codec.checksum(blob), row)
        return found

    def take(self, buried: Iterable[int], records: Iterable[Record]) -> None:
        """What a commit would bury and insert."""
        rows = [(row,) for row in buried]
        self._database.executemany("DELETE FROM fresh WHERE row = ?", rows)
        self._database.executemany("INSERT OR IGNORE INTO gone VALUES (?)", rows)
        self._database.executemany(
            "INSERT INTO fresh VALUES (?, ?, ?, ?)",
            ((one.row, one.article.id, one.content, codec.pack(one.data)) for one in records),
        )

    def _asked(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a query that ends with a column, for all of some values of it."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values), CHUNK):
            chunk = values[start : start + CHUNK]
            found += self._database.execute(f"{query} IN ({','.join('?' * len(chunk))})", list(chunk))
        return found
