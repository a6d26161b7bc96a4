"""What one commit writes to the catalog."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.records import Article
from search.storage import codec
from search.storage.container import PartFile
from search.storage.seals import Sealing


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment as the catalog names it: its folder, its first row, its size and its files by part name."""

    id: str
    first_row: int
    articles: int
    parts: Mapping[str, PartFile]

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(file.size for file in self.parts.values())


@dataclass(frozen=True, slots=True)
class Record:
    """One article ready to be stored under a new row: its canonical JSON, and the hash of that."""

    row: int
    article: Article
    data: bytes
    content: bytes


class Transaction:
    """The statements of one commit."""

    def __init__(self, connection: sqlite3.Connection, number: int, sealing: Sealing) -> None:
        self._connection = connection
        self._sealing = sealing
        self.number = number

    def insert(self, records: Iterable[Record]) -> None:
        """Store articles under new rows."""
        last = 0

        def rows() -> Iterator[tuple[int, str, bytes, bytes, bytes]]:
            nonlocal last
            for record in records:
                blob = codec.pack(record.data)
                last = max(last, record.row)
                yield record.row, record.article.id, record.content, blob, codec.checksum(blob)

        self._connection.executemany(
            "INSERT INTO articles (row, id, content, record, checksum) VALUES (?, ?, ?, ?, ?)", rows()
        )
        self._connection.execute("UPDATE state SET next_row = max(next_row, ?)", (last + 1,))

    def bury(self, rows: Iterable[int]) -> None:
        """Mark rows dead."""
        self._sealing.touch("tombstones")
        dead = [(int(row),) for row in rows]
        self._connection.executemany(f"UPDATE articles SET died = {self.number} WHERE row = ?", dead)  # noqa: S608
        self._connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?)", dead)

    def set_contents(self, contents: Mapping[int, bytes]) -> None:
        """Store other hashes of the content of rows."""
        self._connection.executemany(
            "UPDATE articles SET content = ? WHERE row = ?", [(content, row) for row, content in contents.items()]
        )

    def erase(self, rows: Iterable[int]) -> None:
        """Delete the records of rows at once, whoever reads them."""
        self._connection.executemany("DELETE FROM articles WHERE row = ?", [(int(row),) for row in rows])

    def purging(self, ids: Sequence[str]) -> None:
        """Remember that these articles are being purged, until that is done."""
        self.set("purging", list(ids))

    def add_segment(self, entry: SegmentEntry) -> None:
        """Name a new segment."""
        self._sealing.touch("segments")
        self._connection.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?)",
            (entry.id, entry.first_row, entry.articles, _described(entry.parts)),
        )

    def replace_part(self, entry: SegmentEntry, name: str, file: PartFile) -> None:
        """Name another file for a part of a segment, or a part it did not have; the old file goes when no reader
        holds it."""
        self._sealing.touch("segments", "dropped")
        parts = {**entry.parts, name: file}
        self._connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (_described(parts), entry.id))
        if name in entry.parts:
            self._connection.execute(
                "INSERT INTO dropped VALUES (?, ?, ?)", (entry.id, entry.parts[name].name, self.number)
            )

    def drop_part(self, entry: SegmentEntry, name: str) -> None:
        """Forget a part of a segment; its file goes when no reader holds it."""
        self._sealing.touch("segments", "dropped")
        parts = {other: file for other, file in entry.parts.items() if other != name}
        self._connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (_described(parts), entry.id))
        self._connection.execute(
            "INSERT INTO dropped VALUES (?, ?, ?)", (entry.id, entry.parts[name].name, self.number)
        )

    def drop_segments(self, entries: Collection[SegmentEntry]) -> None:
        """Forget segments; their files go when no reader holds them."""
        self._sealing.touch("segments", "dropped")
        for entry in entries:
            self._connection.execute("DELETE FROM segments WHERE id = ?", (entry.id,))
            self._connection.execute("INSERT INTO dropped VALUES (?, '', ?)", (entry.id, self.number))

    def keep_files(self, dropped: Iterable[tuple[str, str]]) -> None:
        """Take segments, or files of them, from the list of what is to be removed."""
        self._sealing.touch("dropped")
        self._connection.executemany("DELETE FROM dropped WHERE segment = ? AND file = ?", list(dropped))

    def drop_tombstones(self, rows: Iterable[int]) -> None:
        """Forget tombstones of rows that no segment holds any more."""
        self._sealing.touch("tombstones")
        self._connection.executemany("DELETE FROM tombstones WHERE row = ?", [(int(row),) for row in rows])

    def set(self, key: str, value: Any) -> None:
        """Change a setting."""
        self._sealing.touch("settings")
        self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))


def _described(parts: Mapping[str, PartFile]) -> str:
    return json.dumps(
        {name: {"name": file.name, "size": file.size, "sha256": file.sha256} for name, file in parts.items()}
    )
