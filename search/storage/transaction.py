"""What one commit writes to the catalog."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.records import Article
from search.storage import codec, contents
from search.storage.container import PartFile
from search.storage.contents import weight
from search.storage.seals import Sealing

_CHUNK = 500  # parameters in one statement


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
        self._contents = contents.set_down(connection, number - 1)  # None: to be counted at the end

    def count(self) -> None:
        """Set down what the archive holds now. The last statement of a commit."""
        held = contents.counted(self._connection, self.number) if self._contents is None else self._contents
        self.set(contents.SETTING, held.told(self.number))

    def _leave(self, rows: Sequence[int]) -> None:
        """The live articles of some rows are about to be no more."""
        if self._contents is None:
            return
        weights: list[int] = []
        leaving = list(dict.fromkeys(rows))
        for start in range(0, len(leaving), _CHUNK):
            chunk = leaving[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT id, content FROM articles WHERE died IS NULL AND row IN ({marks})"  # noqa: S608
            weights += [weight(*one) for one in self._connection.execute(query, chunk)]
        self._contents = self._contents.changed(-1, weights)

    def insert(self, records: Iterable[Record]) -> None:
        """Store articles under new rows."""
        last = 0
        weights: list[int] = []

        def rows() -> Iterator[tuple[int, str, bytes, bytes, bytes]]:
            nonlocal last
            for record in records:
                blob = codec.pack(record.data)
                last = max(last, record.row)
                weights.append(weight(record.article.id, record.content))
                yield record.row, record.article.id, record.content, blob, codec.checksum(blob)

        self._connection.executemany(
            "INSERT INTO articles (row, id, content, record, checksum) VALUES (?, ?, ?, ?, ?)", rows()
        )
        self._connection.execute("UPDATE state SET next_row = max(next_row, ?)", (last + 1,))
        if self._contents is not None:
            self._contents = self._contents.changed(1, weights)

    def bury(self, rows: Iterable[int]) -> None:
        """Mark rows dead."""
        self._sealing.touch("tombstones")
        dead = [(int(row),) for row in rows]
        self._leave([row for (row,) in dead])
        self._connection.executemany(f"UPDATE articles SET died = {self.number} WHERE row = ?", dead)  # noqa: S608
        self._connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?)", dead)

    def set_contents(self, hashes: Mapping[int, bytes]) -> None:
        """Store other hashes of the content of rows."""
        self._contents = None
        self._connection.executemany(
            "UPDATE articles SET content = ? WHERE row = ?", [(content, row) for row, content in hashes.items()]
        )

    def erase(self, rows: Iterable[int]) -> None:
        """Delete the records of rows at once, whoever reads them."""
        erased = [int(row) for row in rows]
        self._leave(erased)
        self._connection.executemany("DELETE FROM articles WHERE row = ?", [(row,) for row in erased])

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
