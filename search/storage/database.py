"""SQLite: how a database is opened, what tells that it is another one or has changed, and its exceptions made ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import ArchiveDamaged, ArchiveLocked, ArchiveNotFound, StorageError


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into this package's errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if "locked" in message or "busy" in message:
            raise ArchiveLocked(f"{path} is locked by another program: {message}") from error
        if "no such table" in message or "no such column" in message:
            raise ArchiveDamaged(
                f"{path} is not a whole catalog ({message}); restore a backup or index again"
            ) from error
        raise StorageError(f"cannot use {path}: {message}") from error
    except sqlite3.DatabaseError as error:
        raise ArchiveDamaged(f"{path} is damaged ({error}); restore a backup or index again") from error


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a database that is there, for reading alone where nothing can be written."""
    uri = path.resolve().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if "readonly" not in str(error) and "unable to open" not in str(error):
            raise
    # Read-only media: no log can be written beside the file, and nobody else writes it either.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{uri}?{mode}", uri=True, isolation_level=None, check_same_thread=False)


def writable(folder: Path) -> bool:
    """May files be made in the folder?"""
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def identity(path: Path) -> tuple[int, int]:
    """Device and number of a file, for as long as it is the same one. Raises ArchiveNotFound if it is gone."""
    try:
        status = path.stat()
    except OSError:
        raise ArchiveNotFound(f"there is no archive at {path.parent} any more") from None
    return status.st_dev, status.st_ino


def state(path: Path) -> tuple[int, ...]:
    """What differs after another process has written: of the database and of its log."""
    found: list[int] = []
    for one in (path, path.with_name(f"{path.name}-wal")):
        if one.exists():
            status = one.stat()
            found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


def tables(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of the tables."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return frozenset(name for (name,) in found)
