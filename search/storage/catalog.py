"""The catalog: an SQLite database of records, segments, tombstones and settings, whose transaction is the commit."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from search.errors import (
    ArchiveDamaged,
    ArchiveMismatch,
    ArchiveNotFound,
    ArchiveReplaced,
    StorageError,
)
from search.records import Article
from search.storage import codec
from search.storage.container import PartFile
from search.storage.database import BESIDE, cannot_change, connect, schema, sqlite_errors, state
from search.storage.files import storage_errors
from search.storage.folder import Folder
from search.storage.transaction import SegmentEntry, Transaction

if TYPE_CHECKING:
    from search.records import Alert

FORMAT = 1  # every later version opens or migrates it; its fixture is tests/data/archive-format-1
OLDEST_READABLE_FORMAT = 0  # what releases before it wrote; nothing in it differs
APPLICATION_ID = 0x42524453  # "BRDS"
FILE = "catalog.sqlite"
BUILDING = "catalog.new"
CHUNK = 500  # parameters in one statement
PATIENCE = 5_000  # milliseconds that a purge waits for other programs' reading
_TIMEOUT = 30_000  # milliseconds that anything else waits for another program's writing
_PURGING = "purging"  # a setting: the ids of a purge that is not finished
_VERSIONS = 1 << 40  # more than a connection's own count of changes

_SCHEMA = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), "commit" INTEGER NOT NULL, next_row INTEGER NOT NULL) STRICT;
CREATE TABLE segments (
    id TEXT PRIMARY KEY, first_row INTEGER NOT NULL, articles INTEGER NOT NULL, parts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE dropped (segment TEXT NOT NULL, file TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE articles (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, content BLOB NOT NULL, record BLOB NOT NULL, checksum BLOB NOT NULL,
    died INTEGER
) STRICT;
CREATE UNIQUE INDEX live_ids ON articles (id) WHERE died IS NULL;
CREATE INDEX dead_rows ON articles (died) WHERE died IS NOT NULL;
CREATE TABLE tombstones (row INTEGER PRIMARY KEY) STRICT;
CREATE TABLE alerts (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, created TEXT NOT NULL, last_row INTEGER NOT NULL, ran TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO state VALUES (1, 0, 1);
"""
_STATEMENTS = {
    " ".join(statement.split()) for statement in _SCHEMA.strip().split(";\n") if statement.startswith("CREATE ")
}


class Catalog:
    """An open catalog and the folder that it is in. One connection, shared by threads under a lock; a transaction is
    never left open."""

    def __init__(
        self, folder: Folder, connection: sqlite3.Connection, file: os.stat_result, still: tuple[int, ...] | None
    ) -> None:
        self.folder = folder
        self.path = folder.path / FILE
        self._place = folder / FILE
        self._absolute = os.path.join(folder.absolute, FILE)  # noqa: PTH118 (asked for with every search)
        self._connection = connection
        self._lock = threading.RLock()
        self._file = file
        self._still = still  # what another user's writing would change, where this one can write nothing
        self._reopened = 0

    @staticmethod
    def create(folder: Folder, settings: Mapping[str, Any]) -> None:
        """Make a new catalog in an archive's folder that has none. The caller holds the writer's lock."""
        place = folder / BUILDING
        with storage_errors(f"write {place.path}"):
            for ending in BESIDE:
                place.beside(ending).unlink()
            os.close(place.open(os.O_RDWR | os.O_CREAT | os.O_EXCL))
        with sqlite_errors(place.path):
            connection = connect(place, unchanging=False)
            try:
                if (mode := connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]) != "wal":
                    raise StorageError(
                        f"{folder.path} is on a file system where SQLite cannot keep its log (it says {mode!r}); "
                        "make the archive on a local disk"
                    )
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.executemany(
                    "INSERT INTO settings VALUES (?, ?)",
                    [(key, json.dumps(value)) for key, value in {"format": FORMAT, **settings}.items()],
                )
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()
        with storage_errors(f"write {place.path}"):  # whole, or not there: a crash leaves no half catalog
            place.rename(FILE)
            folder.sync()

    @classmethod
    def open(cls, folder: Folder) -> Catalog:
        """Open an archive's catalog, for reading and, under the writer's lock, for writing.

        Raises ArchiveNotFound, ArchiveMismatch (another format), ArchiveDamaged, ArchiveReplaced or StorageError.
        """
        place = folder / FILE
        with sqlite_errors(place.path):
            try:
                file = place.status()
            except FileNotFoundError:
                raise ArchiveNotFound(
                    f"{folder.path} holds no archive; make one with: broadsheet index PATH --index {folder.path}"
                ) from None
            unchanging = cannot_change(place)
            still = state(place) if unchanging else None
            catalog = cls(folder, connect(place, unchanging), file, still)
            try:
                catalog.prove()
                catalog._verify()
            except BaseException:
                catalog._connection.close()
                raise
        return catalog

    def prove(self) -> None:
        """Raise unless the open catalog lies in the open folder, and the path that was opened still leads to it.

        Asked under the writer's lock before anything is written or removed: what SQLite holds open, and the folder's
        descriptor, stay what they were when another archive takes their place. Raises ArchiveNotFound and
        ArchiveReplaced.
        """
        try:
            by_path = os.lstat(self._absolute)
        except (FileNotFoundError, NotADirectoryError):
            raise ArchiveNotFound(f"there is no archive at {self.folder.path} any more") from None
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror or error}") from error
        try:
            here: os.stat_result | None = self._place.status()
        except FileNotFoundError:
            here = None
        if here is None or not (os.path.samestat(by_path, self._file) and os.path.samestat(here, self._file)):
            raise ArchiveReplaced(f"{self.folder.path} was replaced by another archive; open it again")

    def _verify(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA trusted_schema = OFF")
        execute("PRAGMA cell_size_check = ON")
        execute("PRAGMA synchronous = FULL")
        if execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise ArchiveNotFound(f"{self.path} is no Broadsheet catalog")
        version = execute("PRAGMA user_version").fetchone()[0] - 1
        if not OLDEST_READABLE_FORMAT <= version <= FORMAT:
            raise ArchiveMismatch(
                f"{self.path} has format {version}, this version reads {OLDEST_READABLE_FORMAT} to {FORMAT}; "
                "index the articles again, or use the version that built it"
            )
        # A stranger's archive must not bring code of its own, nor tables that hold what ours cannot.
        if execute("SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()[0]:
            raise ArchiveDamaged(f"{self.path} has triggers or views, which no archive has; do not use it")
        if schema(self._connection) != _STATEMENTS or execute("SELECT count(*) FROM state").fetchone()[0] != 1:
            raise ArchiveDamaged(f"{self.path} is not a whole catalog; restore a backup or index again")

    def close(self, truncate: bool) -> None:
        """Close; the writer also folds the log back into the database, so that the folder can be copied."""
        with self._lock, sqlite_errors(self.path):
            if truncate:
                with contextlib.suppress(sqlite3.OperationalError):  # a reader is in the way: its close will do
                    self._connection.execute("PRAGMA busy_timeout = 0").fetchone()
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._connection.close()
            self.folder.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for several statements."""
        with self._lock, sqlite_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """The commit: everything in the block happens at once, or not at all. Its number is one more than the last.

        Raises ArchiveNotFound or ArchiveReplaced, as ``prove``, before anything is written.
        """
        with self._changing() as connection:
            number = connection.execute('UPDATE state SET "commit" = "commit" + 1 RETURNING "commit"')
            yield Transaction(connection, number.fetchone()[0])

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Statements that are written all or none, to the catalog that lies where it was opened."""
        with self._lock, sqlite_errors(self.path):
            self.prove()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def data_version(self) -> int:
        """A number that changes when another connection has committed.

        Raises ArchiveNotFound and ArchiveReplaced: a deleted file stays readable for who has it open.
        """
        self.prove()
        with self._lock, sqlite_errors(self.path):
            if self._still is not None and (now := state(self._place)) != self._still:
                # Not this user's to write, but somebody else's: what was taken for unchanging has changed.
                self._connection.close()
                self._connection = connect(self._place, unchanging=True)
                self._verify()
                self._still = now
                self._reopened += 1
            return self._reopened * _VERSIONS + int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def commit_number(self) -> int:
        """The number of the last commit."""
        with self._lock, sqlite_errors(self.path):
            return int(self._connection.execute('SELECT "commit" FROM state').fetchone()[0])

    def last_row(self) -> int:
        """The last row that has a record, 0 where there is none."""
        with self._lock, sqlite_errors(self.path):
            return int(self._connection.execute("SELECT coalesce(max(row), 0) FROM articles").fetchone()[0])

    def next_row(self) -> int:
        """The first row that was never used."""
        with self._lock, sqlite_errors(self.path):
            return int(self._connection.execute("SELECT next_row FROM state").fetchone()[0])

    def snapshot(self) -> tuple[int, list[SegmentEntry], list[int]]:
        """Commit number, segments in row order and tombstones, of one instant."""
        with self._reading() as connection:
            commit, entries = self._entries(connection)
            dead = [row for (row,) in connection.execute("SELECT row FROM tombstones ORDER BY row")]
        if any(later <= row for row, later in pairwise([0, *dead])):  # pages of zeros have rows, too
            raise ArchiveDamaged(f"{self.path} has a damaged list of deleted articles; restore a backup, or export it")
        return commit, entries, dead

    def segments(self) -> tuple[int, list[SegmentEntry]]:
        """Commit number and segments in row order, of one instant."""
        with self._reading() as connection:
            return self._entries(connection)

    def _entries(self, connection: sqlite3.Connection) -> tuple[int, list[SegmentEntry]]:
        commit = int(connection.execute('SELECT "commit" FROM state').fetchone()[0])
        rows = connection.execute("SELECT id, first_row, articles, parts FROM segments ORDER BY first_row")
        return commit, [
            SegmentEntry(segment, first, articles, self._parts(segment, parts))
            for segment, first, articles, parts in rows
        ]

    def _parts(self, segment: str, parts: str) -> dict[str, PartFile]:
        try:
            found = {
                name: PartFile(file["name"], file["size"], file["sha256"]) for name, file in json.loads(parts).items()
            }
            names = [segment, *(file.name for file in found.values())]
            if not all(_plain(name) for name in names):  # no path leads out of the archive
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArchiveDamaged(f"{self.path} describes segment {segment!r} badly; restore a backup") from error
        return found

    def settings(self) -> dict[str, Any]:
        """The archive's settings."""
        with self._lock, sqlite_errors(self.path):
            try:
                return {k: json.loads(v) for k, v in self._connection.execute("SELECT key, value FROM settings")}
            except (ValueError, TypeError) as error:
                raise ArchiveDamaged(f"{self.path} has unreadable settings; restore a backup") from error

    def live(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Row and content hash of those ids that are live."""
        found: dict[str, tuple[int, bytes]] = {}
        with self._lock, sqlite_errors(self.path):
            for start in range(0, len(ids), CHUNK):
                chunk = ids[start : start + CHUNK]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT id, row, content FROM articles WHERE died IS NULL AND id IN ({marks})"  # noqa: S608
                found.update({one: (row, content) for one, row, content in self._connection.execute(query, chunk)})
        return found

    def live_ids(self) -> Iterator[tuple[str, int]]:
        """Every live id with its row, a page at a time, in row order."""
        for row, one, _, _, died in self.raw_records():
            if died is None:
                yield one, row

    def raw_records(self) -> Iterator[tuple[int, str, bytes, bytes, int | None]]:
        """Row, id, record, checksum and commit of death of every article, a page at a time."""
        last = -1
        while True:
            with self._lock, sqlite_errors(self.path):
                page = self._connection.execute(
                    "SELECT row, id, record, checksum, died FROM articles WHERE row > ? ORDER BY row LIMIT 1000",
                    (last,),
                ).fetchall()
            if not page:
                return
            yield from page
            last = page[-1][0]

    def articles(self, rows: Sequence[int]) -> dict[int, Article]:
        """The articles of some rows; a purged row is absent. Raises ArchiveDamaged for a changed record."""
        found: dict[int, Article] = {}
        stored: list[tuple[int, bytes, bytes]] = []
        with self._lock, sqlite_errors(self.path):
            for start in range(0, len(rows), CHUNK):
                chunk = [int(row) for row in rows[start : start + CHUNK]]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT row, record, checksum FROM articles WHERE row IN ({marks})"  # noqa: S608
                stored += self._connection.execute(query, chunk).fetchall()
        for row, blob, check in stored:
            found[row] = codec.unpack(blob, check, row)
        return found

    def records(self, rows: Sequence[int]) -> list[tuple[int, str, bytes, bytes]]:
        """Row, id, record and checksum of at most CHUNK rows, in row order; a purged row is absent."""
        marks = ",".join("?" * len(rows))
        query = f"SELECT row, id, record, checksum FROM articles WHERE row IN ({marks}) ORDER BY row"  # noqa: S608
        with self._lock, sqlite_errors(self.path):
            return self._connection.execute(query, [int(row) for row in rows]).fetchall()

    def last_id(self, row: int, commit: int) -> str | None:
        """The id of the last article up to a row that was live at a commit whose reader holds it."""
        with self._lock, sqlite_errors(self.path):
            found = self._connection.execute(
                "SELECT id FROM articles WHERE row <= ? AND (died IS NULL OR died > ?) ORDER BY row DESC LIMIT 1",
                (row, commit),
            ).fetchone()
        return None if found is None else str(found[0])

    def count_at(self, commit: int, last_row: int) -> int:
        """The number of articles live at a commit whose reader holds it, and whose last row this is."""
        with self._reading() as connection:
            query = "SELECT count(*) FROM articles WHERE died IS NULL"
            if connection.execute('SELECT "commit" FROM state').fetchone()[0] != commit:  # rows since then are above
                query = f"SELECT count(*) FROM articles WHERE row <= {last_row} AND (died IS NULL OR died > {commit})"  # noqa: S608
            return int(connection.execute(query).fetchone()[0])

    def count(self) -> int:
        """The number of live articles."""
        with self._lock, sqlite_errors(self.path):
            return int(self._connection.execute("SELECT count(*) FROM articles WHERE died IS NULL").fetchone()[0])

    def dropped(self, before: int) -> list[tuple[str, str]]:
        """Segment and file ("" for the whole folder) of what no reader at ``before`` or later needs."""
        with self._lock, sqlite_errors(self.path):
            found = self._connection.execute("SELECT segment, file FROM dropped WHERE at <= ?", (before,)).fetchall()
        if not all(_plain(segment) and (not file or _plain(file)) for segment, file in found):
            raise ArchiveDamaged(f"{self.path} asks to remove files outside the archive; do not use it")
        return found

    def rows_of(self, ids: Sequence[str]) -> list[int]:
        """The rows of those ids, live and dead."""
        found: list[int] = []
        with self._lock, sqlite_errors(self.path):
            for start in range(0, len(ids), CHUNK):
                chunk = ids[start : start + CHUNK]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT row FROM articles WHERE id IN ({marks})"  # noqa: S608
                found += [row for (row,) in self._connection.execute(query, chunk)]
        return found

    def forget(self, before: int) -> None:
        """Remove the records of articles that died at or before a commit, and the list of dropped files."""
        with self._lock, sqlite_errors(self.path):
            dropped, dead = "SELECT 1 FROM dropped WHERE at <= ?1", "SELECT 1 FROM articles WHERE died <= ?1"
            needless = f"SELECT EXISTS ({dropped}) OR EXISTS ({dead})"
            if not self._connection.execute(needless, (before,)).fetchone()[0]:
                return
        with self._changing() as connection:
            connection.execute("DELETE FROM articles WHERE died <= ?", (before,))
            connection.execute("DELETE FROM dropped WHERE at <= ?", (before,))

    def alerts(self) -> list[Alert]:
        """All saved queries, by name."""
        from search.records import Alert  # a search needs none

        with self._lock, sqlite_errors(self.path):
            rows = self._connection.execute("SELECT name, query, created, last_row, ran FROM alerts ORDER BY name")
            return [
                Alert(
                    name=name,
                    query=query,
                    created=datetime.fromisoformat(created),
                    ran=None if ran is None else datetime.fromisoformat(ran),
                    last_row=last_row,
                )
                for name, query, created, last_row, ran in rows
            ]

    # A saved query is no commit: what an open reader sees stays as it is, and cursors stay valid.

    def add_alert(self, alert: Alert) -> bool:
        """Save a query; False if the name is taken."""
        values = alert.name, alert.query, alert.created.isoformat(), alert.last_row, _iso(alert.ran)
        with self._changing() as connection:
            done = connection.execute("INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?)", values)
            return done.rowcount == 1

    def remove_alert(self, name: str) -> bool:
        """Forget a saved query; False if there is none of this name."""
        with self._changing() as connection:
            return connection.execute("DELETE FROM alerts WHERE name = ?", (name,)).rowcount == 1

    def advance_alerts(self, seen: Iterable[Alert]) -> None:
        """Record ``last_row`` and ``ran`` of saved queries, all or none. One that was replaced meanwhile keeps its own;
        no ``last_row`` goes back."""
        changes = [(one.last_row, _iso(one.ran), one.name, one.query, one.created.isoformat()) for one in seen]
        with self._changing() as connection:
            connection.executemany(
                "UPDATE alerts SET last_row = max(last_row, ?), ran = ? WHERE name = ? AND query = ? AND created = ?",
                changes,
            )

    def purging(self) -> list[str]:
        """The ids of a purge that is not finished."""
        ids = self.settings().get(_PURGING, [])
        if not (isinstance(ids, list) and all(isinstance(article_id, str) for article_id in ids)):
            raise ArchiveDamaged(f"{self.path} has unreadable settings; restore a backup")
        return ids

    def scrub(self) -> bool:
        """After a purge: rewrite the database so that no freed page keeps old bytes, and empty the log.

        False where that cannot be done now, since another program reads an older state of it.
        """
        with self._lock, sqlite_errors(self.path):
            self.prove()
            self._connection.execute(f"PRAGMA busy_timeout = {PATIENCE}").fetchone()
            try:
                self._connection.execute("VACUUM")
                busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                return False
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {_TIMEOUT}").fetchone()
        return not busy

    def purged(self) -> None:
        """A purge is finished: its ids go, too."""
        with self._changing() as connection:
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            connection.execute("DELETE FROM settings WHERE key = ?", (_PURGING,))
        with self._lock, sqlite_errors(self.path):
            self._connection.execute("PRAGMA secure_delete = OFF").fetchone()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def integrity(self) -> list[str]:
        """What SQLite's own check finds; empty when it is sound."""
        with self._lock, sqlite_errors(self.path):
            rows = self._connection.execute("PRAGMA integrity_check(20)").fetchall()
        return [] if rows == [("ok",)] else [str(row[0]) for row in rows]


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _plain(name: object) -> bool:
    return (
        isinstance(name, str)
        and bool(name)
        and name.replace("-", "").replace(".", "").isalnum()
        and not name.startswith(".")
    )
