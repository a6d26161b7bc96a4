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
    DiskFull,
    StorageError,
)
from search.records import Article
from search.storage import codec, contents, seals
from search.storage.container import PartFile
from search.storage.contents import Contents
from search.storage.database import BESIDE, cannot_change, connect, schema, sqlite_errors, state
from search.storage.files import storage_errors
from search.storage.folder import Folder
from search.storage.seals import Sealing
from search.storage.transaction import SegmentEntry, Transaction

if TYPE_CHECKING:
    from search.records import Alert

FORMAT = 2  # every later version opens or migrates it, and those before; fixtures are tests/data/archive-format-*
OLDEST_READABLE_FORMAT = 0  # what releases before wrote; 2 has seals and an identity, and nothing else differs
_SEALED = 2  # the first format with seals
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
        self._lock = _Turn(self)
        self._crowded = False  # while the disk is too full for a connection that others share
        self._file = file
        self._still = still  # what another user's writing would change, where this one can write nothing
        self._reopened = 0
        self._sound: list[tuple[str, str]] = []  # settings and seals that were compared last, and agree
        self._mistrusted = False  # while a repair reads what differs from its seal

    @staticmethod
    def create(folder: Folder, settings: Mapping[str, Any]) -> None:
        """Make a new catalog in an archive's folder that has none. The caller holds the writer's lock."""
        place = folder / BUILDING
        with storage_errors(f"write {place.path}"):
            Catalog.sweep(folder)
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
                sealing = Sealing(connection, sealed=False)
                sealing.touch(*seals.TABLES)
                sealing.renew()
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()
        with storage_errors(f"write {place.path}"):  # whole, or not there: a crash leaves no half catalog
            place.rename(FILE)
            folder.sync()

    @staticmethod
    def sweep(folder: Folder) -> None:
        """Remove what the making of a catalog has left. The caller holds the lock of the writer."""
        for ending in BESIDE:
            (folder / BUILDING).beside(ending).unlink()

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
            try:
                connection, crowded = connect(place, unchanging), False
            except DiskFull:
                connection, crowded = connect(place, unchanging, alone=True), True
            catalog = cls(folder, connection, file, still)
            try:
                catalog.prove()
                catalog._verify()
            except BaseException:
                connection.close()
                raise
            if crowded:  # others wait no longer than a question takes
                connection.close()
                catalog._crowded = True
        return catalog

    def begin_turn(self) -> None:
        """Connect for a while, where the disk is too full for a lasting connection; for good once it is not."""
        if not self._crowded:
            return
        with sqlite_errors(self.path):
            self._reopened += 1  # what others wrote meanwhile, a connection that is new cannot tell
            try:
                self._connection = connect(self._place, unchanging=False)
                self._crowded = False
            except DiskFull:
                self._connection = connect(self._place, unchanging=False, alone=True)
            self.prove()
            self._verify()

    def end_turn(self) -> None:
        """Let others connect."""
        if self._crowded:
            self._connection.close()

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
        with self._changing("state") as (connection, sealing):
            (number,) = connection.execute('UPDATE state SET "commit" = "commit" + 1 RETURNING "commit"').fetchone()
            transaction = Transaction(connection, number, sealing)
            yield transaction
            transaction.count()

    @contextmanager
    def _changing(self, *tables: str) -> Iterator[tuple[sqlite3.Connection, Sealing]]:
        """Statements that are written all or none, to the catalog that lies where it was opened, and what seals the
        tables that they change: these ones, and those that are named to it."""
        with self._lock, sqlite_errors(self.path):
            self.prove()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                sealing = Sealing(self._connection, self._is_sealed())
                sealing.touch(*tables)
                yield self._connection, sealing
                if self._is_sealed():
                    sealing.renew()
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, seals.Broken):
                    raise self._refuse(f"the {error}") from None
                raise

    def _is_sealed(self) -> bool:
        return not self._mistrusted and bool(self._connection.execute("PRAGMA user_version").fetchone()[0] > _SEALED)

    def _seals(self, connection: sqlite3.Connection) -> seals.Seals | None:
        """The seals; none at all, {}, where they themselves are damaged, None where there are none to be."""
        return (seals.read(connection) or {}) if self._is_sealed() else None

    @contextmanager
    def mistrusted(self, commit: int, next_row: int) -> Iterator[None]:
        """For a repair: seals are not looked at for the length of a block, and all that there is is sealed at its end.

        An error in it leaves the seals as they were. ``commit`` and ``next_row`` are the least that these can be.
        """
        self._mistrusted = True
        try:
            with self._changing() as (connection, _):
                connection.execute(
                    'UPDATE state SET "commit" = max("commit", ?), next_row = max(next_row, ?)', (commit, next_row)
                )
                connection.execute("DELETE FROM dropped")  # what it named is of no commit then, and is set aside
            yield
            with self._changing(*seals.TABLES) as (connection, sealing):
                sealing.renew()
        finally:
            self._mistrusted = False

    def _refuse(self, what: str) -> ArchiveDamaged:
        return ArchiveDamaged(
            f"{what} in {self.path} differ from their checksum; restore a backup, or export it and import that"
        )

    def migrate(self, identity: str) -> bool:
        """Bring a catalog of an older format to this one; False where nothing was to be done. Writers only."""
        with self._lock, sqlite_errors(self.path):
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            return False
        with self._changing(*seals.TABLES) as (connection, _):
            new = {"format": FORMAT, "identity": identity}
            connection.executemany(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in new.items()],
            )
            connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
        return True

    def broken_seals(self) -> list[str]:
        """What of the small tables differs from its checksum; nothing in a catalog of a format that has none."""
        with self._reading() as connection:
            return seals.broken(connection) if self._is_sealed() else []

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
        return self._counted('"commit"')

    def last_row(self) -> int:
        """The last row that has a record, 0 where there is none."""
        with self._lock, sqlite_errors(self.path):
            return int(self._connection.execute("SELECT coalesce(max(row), 0) FROM articles").fetchone()[0])

    def next_row(self) -> int:
        """The first row that was never used."""
        return self._counted("next_row")

    def _counted(self, column: str) -> int:
        with self._lock, sqlite_errors(self.path):
            number = self._connection.execute(f"SELECT {column} FROM state").fetchone()[0]  # noqa: S608
        if not isinstance(number, int):  # a flipped bit makes text of a number, whatever the schema says
            raise self._refuse("the number of its last commit or row")
        return number

    def snapshot(self) -> tuple[int, list[SegmentEntry], list[int]]:
        """Commit number, segments in row order and tombstones, of one instant."""
        with self._reading() as connection:
            commit, entries = self._entries(connection)
            dead = [row for (row,) in connection.execute("SELECT row FROM tombstones ORDER BY row")]
            sealed = self._seals(connection)
            if sealed is not None and sealed.get("tombstones") != seals.of_numbers(dead):
                raise self._refuse("the tombstones")
        if any(later <= row for row, later in pairwise([0, *dead])):  # pages of zeros have rows, too
            raise ArchiveDamaged(f"{self.path} has a damaged list of deleted articles; restore a backup, or export it")
        return commit, entries, dead

    def segments(self) -> tuple[int, list[SegmentEntry]]:
        """Commit number and segments in row order, of one instant."""
        with self._reading() as connection:
            return self._entries(connection)

    def _entries(self, connection: sqlite3.Connection) -> tuple[int, list[SegmentEntry]]:
        state = connection.execute('SELECT "commit", next_row FROM state').fetchone()
        rows = connection.execute("SELECT id, first_row, articles, parts FROM segments ORDER BY first_row").fetchall()
        sealed = self._seals(connection)
        if sealed is not None and (
            sealed.get("state") != seals.of_rows([state]) or sealed.get("segments") != seals.of_rows(rows)
        ):
            raise self._refuse("the segments")
        return int(state[0]), [
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

    def settings(self, damaged: bool = False) -> dict[str, Any]:
        """The archive's settings. ``damaged``: also where they differ from their checksums.

        Raises ArchiveDamaged where they do, and where they cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute("SELECT key, value FROM settings").fetchall()
            sealed = None if rows == self._sound else self._seals(connection)
        every, rows = rows, [row for row in rows if row[0] != seals.KEY]
        if sealed == {} and not damaged:
            raise self._refuse("the seals")
        if sealed and not damaged:
            if names := seals.differing(sealed.get("settings"), rows):
                raise self._refuse(f"the settings {', '.join(names)}")
            self._sound = every
        try:
            return {key: json.loads(value) for key, value in rows}
        except (ValueError, TypeError, RecursionError) as error:
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
        for row, one, _, _, died, _ in self.raw_records():
            if died is None:
                yield one, row

    def raw_records(self) -> Iterator[tuple[int, str, bytes, bytes, int | None, bytes]]:
        """Row, id, record, checksum, commit of death and hash of content of every article, a page at a time."""
        last = -1
        while True:
            with self._lock, sqlite_errors(self.path):
                page = self._connection.execute(
                    "SELECT row, id, record, checksum, died, content FROM articles WHERE row > ? "
                    "ORDER BY row LIMIT 1000",
                    (last,),
                ).fetchall()
            if not page:
                return
            for row in page:
                if not isinstance(row[4], int | None):
                    raise ArchiveDamaged(
                        f"{self.path} says of the record in row {row[0]} nothing that is a commit; restore a backup"
                    )
                yield row
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

    def contents_at(self, commit: int, last_row: int) -> Contents:
        """What is live at a commit whose reader holds it, and whose last row this is. Where no writer has set it down,
        or a later one has, all articles are looked at once."""
        with self._reading() as connection:
            held = contents.set_down(connection, commit)
            return contents.counted(connection, commit, last_row) if held is None else held

    def is_counted(self) -> bool:
        """Whether what is set down of the articles is so, as far as anything is set down."""
        with self._reading() as connection:
            (commit,) = connection.execute('SELECT "commit" FROM state').fetchone()
            held = contents.set_down(connection, commit)
            return held is None or held == contents.counted(connection, commit)

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
        with self._reading() as connection:
            rows = connection.execute("SELECT segment, file, at FROM dropped ORDER BY segment, file, at").fetchall()
            sealed = self._seals(connection)
            if sealed is not None and sealed.get("dropped") != seals.of_rows(rows):
                raise self._refuse("the files to be removed")
        found = [(segment, file) for segment, file, at in rows if at <= before]
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
            dropped, dead = "SELECT 1 FROM dropped WHERE at <= ?", "SELECT 1 FROM articles WHERE died <= ?"
            needless = f"SELECT EXISTS ({dropped}) OR EXISTS ({dead})"
            if not self._connection.execute(needless, (before, before)).fetchone()[0]:
                return
        with self._changing("dropped") as (connection, _):
            connection.execute("DELETE FROM articles WHERE died <= ?", (before,))
            connection.execute("DELETE FROM dropped WHERE at <= ?", (before,))

    def alerts(self) -> list[Alert]:
        """All saved queries, by name."""
        return self._alerts()[0]

    def take_damaged_alerts(self) -> list[tuple[Any, ...]]:
        """Remove the saved queries that are damaged. Returns their rows, as they are."""
        names = self.damaged_alerts()
        taken: list[tuple[Any, ...]] = []
        if names:
            with self._changing("alerts") as (connection, _):
                for row in connection.execute("SELECT * FROM alerts ORDER BY name").fetchall():
                    if row[0] in names:
                        taken.append(row)
                        connection.execute("DELETE FROM alerts WHERE name = ?", (row[0],))
        return taken

    def damaged_alerts(self) -> list[str]:
        """The names of saved queries that cannot be read, or differ from their checksums; also of such as are lost."""
        return self._alerts()[1]

    def _alerts(self) -> tuple[list[Alert], list[str]]:
        from search.records import Alert  # a search needs none

        with self._reading() as connection:
            rows = connection.execute("SELECT name, query, created, last_row, ran FROM alerts ORDER BY name").fetchall()
            sealed = self._seals(connection)
        damaged = set(seals.differing(sealed.get("alerts"), rows)) if sealed else set()
        alerts = []
        for name, query, created, last_row, ran in rows:
            try:
                began = datetime.fromisoformat(created)
                told = None if ran is None else datetime.fromisoformat(ran)
                if name in damaged or began.tzinfo is None or (told is not None and told.tzinfo is None):
                    raise ValueError
            except ValueError:
                damaged.add(name)
            else:
                alerts.append(Alert(name=name, query=query, created=began, ran=told, last_row=last_row))
        return alerts, sorted(damaged)

    # A saved query is no commit: what an open reader sees stays as it is, and cursors stay valid.

    def add_alert(self, alert: Alert) -> bool:
        """Save a query; False if the name is taken."""
        values = alert.name, alert.query, alert.created.isoformat(), alert.last_row, _iso(alert.ran)
        with self._changing("alerts") as (connection, _):
            done = connection.execute("INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?)", values)
            return done.rowcount == 1

    def remove_alert(self, name: str) -> bool:
        """Forget a saved query; False if there is none of this name."""
        with self._changing("alerts") as (connection, _):
            return connection.execute("DELETE FROM alerts WHERE name = ?", (name,)).rowcount == 1

    def advance_alerts(self, seen: Iterable[Alert]) -> None:
        """Record ``last_row`` and ``ran`` of saved queries, all or none. One that was replaced meanwhile keeps its own;
        no ``last_row`` goes back."""
        changes = [(one.last_row, _iso(one.ran), one.name, one.query, one.created.isoformat()) for one in seen]
        with self._changing("alerts") as (connection, _):
            connection.executemany(
                "UPDATE alerts SET last_row = max(last_row, ?), ran = ? WHERE name = ? AND query = ? AND created = ?",
                changes,
            )

    def note(self, key: str, value: Any) -> None:
        """Change a setting that no reader goes by: it is no commit."""
        with self._changing("settings") as (connection, _):
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    def purging(self) -> list[str]:
        """The ids of a purge that is not finished."""
        ids = self.settings(damaged=True).get(_PURGING, [])
        if not (isinstance(ids, list) and all(isinstance(article_id, str) for article_id in ids)):
            raise ArchiveDamaged(f"{self.path} has unreadable settings; restore a backup")
        return ids

    def scrub(self) -> str | None:
        """After a purge: rewrite the database so that no freed page keeps old bytes, and empty the log.

        Returns why that cannot be done now, None where it was.
        """
        with self._lock, sqlite_errors(self.path):
            self.prove()
            self._connection.execute(f"PRAGMA busy_timeout = {PATIENCE}").fetchone()
            try:
                self._connection.execute("VACUUM")
                busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if "full" in str(error):
                    return f"the disk has no room to rewrite {self.path}; free some"
                if "locked" not in str(error):
                    raise
                busy = 1
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {_TIMEOUT}").fetchone()
        return f"another program reads {self.path} and keeps their bytes in it; end it" if busy else None

    def purged(self) -> None:
        """A purge is finished: its ids go, too."""
        with self._changing("settings") as (connection, _):
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            connection.execute("DELETE FROM settings WHERE key = ?", (_PURGING,))
        with self._lock, sqlite_errors(self.path):
            self._connection.execute("PRAGMA secure_delete = OFF").fetchone()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def size(self) -> int:
        """The bytes that it takes when its log is folded back."""
        with self._lock, sqlite_errors(self.path):
            pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
            return int(pages * self._connection.execute("PRAGMA page_size").fetchone()[0])

    def integrity(self) -> list[str]:
        """What SQLite's own check finds; empty when it is sound."""
        with self._lock, sqlite_errors(self.path):
            rows = self._connection.execute("PRAGMA integrity_check(20)").fetchall()
        return [] if rows == [("ok",)] else [str(row[0]) for row in rows]


class _Turn:
    """The one thread at a time that uses a catalog's connection, which it may enter again."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        try:
            if self._depth == 1:
                self._catalog.begin_turn()
        except BaseException:
            self._depth -= 1
            self._lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        try:
            if self._depth == 1:
                self._catalog.end_turn()
        finally:
            self._depth -= 1
            self._lock.release()


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _plain(name: object) -> bool:
    return (
        isinstance(name, str)
        and bool(name)
        and name.replace("-", "").replace(".", "").isalnum()
        and not name.startswith(".")
    )
