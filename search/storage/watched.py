"""What a watch has seen: files and feeds as they were when they were indexed, and the dead letters of both.

It is kept in a file beside the archive, ``desk.watch`` beside the folder ``desk``, and is worth no more than the time
of reading everything again: what it has lost is read once more, and the archive skips what it has. So it may not say
more than the archive holds, either. Each time that something was committed, a mark is written here first and then to
the catalog; of what was noted after the mark that the catalog has (a backup was restored, say), nothing counts. Any
number of watches may share it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

from search.errors import StorageError
from search.records import DeadLetter, Rejection

ENDING = ".watch"
LETTERS = 10_000  # dead letters that are kept
_OF_ONE = 1_000  # of one input
TRIES = 5  # runs that try one again
_FARTHEST = 2 * 86_400  # seconds: no feed is left alone for longer
_VERSION = 1
_APPLICATION_ID = 0x42524457  # "BRDW"
_PATIENCE = 30.0  # seconds that another watch is waited for
_SCHEMA = """
CREATE TABLE marks (number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, seen REAL NOT NULL,
    mark INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE feeds (address TEXT PRIMARY KEY, moved TEXT NOT NULL, etag TEXT NOT NULL, modified TEXT NOT NULL,
    due REAL NOT NULL, seen REAL NOT NULL, failures INTEGER NOT NULL, gone INTEGER NOT NULL, problem TEXT NOT NULL,
    mark INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE letters (id INTEGER PRIMARY KEY, input TEXT NOT NULL, source TEXT NOT NULL, line INTEGER,
    reason TEXT NOT NULL, record TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL, tries INTEGER NOT NULL) STRICT;
CREATE INDEX letters_input ON letters (input);
CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE inputs (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
"""


class Sight(NamedTuple):
    """A file as it was looked at: bytes, and when it last changed, in nanoseconds."""

    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as it was asked last. ``moved``: the address that it has now, where it said so for good, else "". ``due``:
    when it may be asked again, and ``seen``, when it last answered, in seconds since 1970. ``failures`` in a row."""

    address: str
    moved: str = ""
    etag: str = ""
    modified: str = ""
    due: float = 0.0
    seen: float = 0.0
    failures: int = 0
    gone: bool = False
    problem: str = ""


class Watched:
    """The file, open. One connection, for one thread. Raises StorageError where it cannot be used."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, archive: Path, *, create: bool = True) -> Watched | None:
        """The one of the archive in a folder; None where there is none, unless it is to be made."""
        folder = archive.absolute()
        path = folder.with_name(folder.name + ENDING)
        if not create and not path.exists():
            return None
        with _errors(path):
            connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                connection.execute("PRAGMA synchronous = FULL")
                watched = cls(path, connection)
                watched._prepare()
            except BaseException:
                connection.close()
                raise
        return watched

    def _prepare(self) -> None:
        execute = self._connection.execute
        with self._changing():
            if execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    execute(statement)
                execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                execute(f"PRAGMA user_version = {_VERSION}")
        kind = execute("PRAGMA application_id").fetchone()[0], execute("PRAGMA user_version").fetchone()[0]
        if kind != (_APPLICATION_ID, _VERSION):
            raise StorageError(f"{self.path} is no file of a watch of this version; move it away")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it. Safe to call twice."""
        self._connection.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with _errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def trust(self, token: str | None) -> int:
        """Forget what was noted after the mark that the catalog has. Returns how many files and feeds that were."""
        with self._changing():
            row = self._connection.execute("SELECT number FROM marks WHERE token = ?", (token or "",)).fetchone()
            last = 0 if row is None else int(row[0])
            files = self._connection.execute("DELETE FROM files WHERE mark > ?", (last,)).rowcount
            feeds = self._connection.execute(
                "UPDATE feeds SET etag = '', modified = '', mark = 0 WHERE mark > ?", (last,)
            ).rowcount
            self._connection.execute("DELETE FROM marks WHERE number > ?", (last,))
        return files + feeds

    def begin(self, retry: bool) -> int:
        """A new run: inputs with dead letters are read again, unless that was in vain too often; with ``retry`` all of
        them, and feeds that have gone or are not due, too. Returns how many inputs that are."""
        least = 1 << 60 if retry else TRIES
        with self._changing():
            found = self._connection.execute("SELECT input FROM letters GROUP BY input HAVING min(tries) < ?", (least,))
            inputs = [name for (name,) in found.fetchall()]
            self._connection.executemany("DELETE FROM files WHERE path = ?", [(name,) for name in inputs])
            self._connection.executemany(
                "UPDATE feeds SET etag = '', modified = '' WHERE address = ? AND failures = 0",
                [(name,) for name in inputs],
            )
            if retry:
                self._connection.execute("UPDATE feeds SET due = 0, gone = 0, failures = 0")
        return len(inputs)

    def sight(self, path: str) -> Sight | None:
        """The file as it was indexed last."""
        with _errors(self.path):
            row = self._connection.execute("SELECT size, changed FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else Sight(*row)

    def feed(self, address: str) -> Feed:
        """The feed as it was asked last; a new one where it never was."""
        with _errors(self.path):
            row = self._connection.execute(
                "SELECT address, moved, etag, modified, due, seen, failures, gone, problem FROM feeds "
                "WHERE address = ?",
                (address,),
            ).fetchone()
        if row is None:
            return Feed(address=address)
        return replace(Feed(**dict(zip(Feed.__dataclass_fields__, row, strict=True))), gone=bool(row[7]))

    def claim(self, address: str, now: float, until: float) -> Feed | None:
        """The feed, if it is due: for another watch it is not, from now on. None where it is not due, or gone."""
        with self._changing():
            feed = self.feed(address)
            if feed.gone or now < feed.due < now + _FARTHEST:  # what is farther away is of a clock that was wrong
                return None
            self._connection.execute(
                "INSERT INTO feeds VALUES (?, '', '', '', ?, 0, 0, 0, '', 0) "
                "ON CONFLICT (address) DO UPDATE SET due = excluded.due",
                (address, until),
            )
        return feed

    def note(
        self,
        token: str | None,
        files: Sequence[tuple[str, Sight]],
        feeds: Sequence[Feed],
        letters: Sequence[tuple[str, Sequence[Rejection]]],
    ) -> None:
        """What was committed: files and feeds as they were then, and the dead letters of each input, for those before.

        ``token`` goes to the catalog afterwards; None where nothing was committed.
        """
        now = time.time()
        with self._changing():
            execute = self._connection.execute
            if token is not None:
                execute("INSERT INTO marks (token) VALUES (?)", (token,))
            mark = execute("SELECT coalesce(max(number), 0) FROM marks").fetchone()[0]
            self._connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
                [(path, sight.size, sight.changed, now, mark) for path, sight in files],
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO feeds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (f.address, f.moved, f.etag, f.modified, f.due, f.seen, f.failures, int(f.gone), f.problem, mark)
                    for f in feeds
                ],
            )
            for name, rejections in letters:
                self._letters(name, rejections, now)
            self._bound()

    def _letters(self, name: str, rejections: Sequence[Rejection], now: float) -> None:
        rows = self._connection.execute(
            "SELECT source, line, reason, first, tries FROM letters WHERE input = ?", (name,)
        ).fetchall()
        before = {(source, line, reason): (first, tries) for source, line, reason, first, tries in rows}
        self._connection.execute("DELETE FROM letters WHERE input = ?", (name,))
        for one in rejections[:_OF_ONE]:
            first, tries = before.get((one.source, one.line, one.reason), (now, 0))
            self._connection.execute(
                "INSERT INTO letters (input, source, line, reason, record, first, last, tries) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, one.source, one.line, one.reason, one.record, first, now, tries + 1),
            )
        self._count("dropped", max(len(rejections) - _OF_ONE, 0))

    def _bound(self) -> None:
        """Of too many letters the oldest go, and are counted."""
        surplus = self._connection.execute("SELECT count(*) FROM letters").fetchone()[0] - LETTERS
        if surplus > 0:
            self._connection.execute(
                "DELETE FROM letters WHERE id IN (SELECT id FROM letters ORDER BY last, id LIMIT ?)", (surplus,)
            )
            self._count("dropped", surplus)

    def _count(self, name: str, number: int) -> None:
        if number:
            self._connection.execute(
                "INSERT INTO counts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (name, number),
            )

    def look(self, names: Iterable[str]) -> None:
        """Note that these inputs were looked at just now."""
        now = time.time()
        with self._changing():
            self._connection.executemany("INSERT OR REPLACE INTO inputs VALUES (?, ?)", [(name, now) for name in names])

    def forget_gone(self, folder: str) -> int:
        """Forget files of a folder that are there no more, with their letters. Returns how many letters these were."""
        start, end = f"{folder.rstrip(os.sep)}{os.sep}", f"{folder.rstrip(os.sep)}{chr(ord(os.sep) + 1)}"
        with _errors(self.path):
            rows = self._connection.execute(
                "SELECT path FROM files WHERE path >= ? AND path < ? UNION "
                "SELECT input FROM letters WHERE input >= ? AND input < ?",
                (start, end, start, end),
            )
            gone = [path for (path,) in rows if "\\udc" not in path and not os.path.lexists(path)]
        if not gone:
            return 0
        with self._changing():
            self._connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in gone])
            forgotten = self._connection.executemany("DELETE FROM letters WHERE input = ?", [(path,) for path in gone])
        return forgotten.rowcount

    def letters(self) -> tuple[DeadLetter, ...]:
        """What could not be read, the oldest first."""
        with _errors(self.path):
            rows = self._connection.execute(
                "SELECT input, source, line, reason, record, first, last, tries FROM letters ORDER BY first, id"
            ).fetchall()
        return tuple(DeadLetter.of(*row) for row in rows)

    def counted(self) -> tuple[int, int]:
        """How many dead letters there are, and how many there were for which there was no room."""
        with _errors(self.path):
            (count,) = self._connection.execute("SELECT count(*) FROM letters").fetchone()
            row = self._connection.execute("SELECT value FROM counts WHERE name = 'dropped'").fetchone()
        return int(count), 0 if row is None else int(row[0])

    def inputs(self) -> list[tuple[str, float]]:
        """What is watched, and when it was looked at last."""
        with _errors(self.path):
            return self._connection.execute("SELECT name, seen FROM inputs ORDER BY name").fetchall()


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}; what a watch has seen is kept there, and it can be moved away") from error
