"""SQLite: how a database is opened, what tells that it is another one or has changed, and its exceptions made ours."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import ArchiveDamaged, ArchiveLocked, StorageError
from search.storage.folder import Place
from search.storage.refusals import full

_ROOM = 1 << 16  # bytes that SQLite needs beside a database to open it
BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite makes of a database's name


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into this package's errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if "locked" in message or "busy" in message:
            raise ArchiveLocked(f"{path} is locked by another program: {message}") from error
        if "disk is full" in message or ("disk I/O" in message and _is_full(path)):
            raise full(f"use {path}") from error
        if "no such table" in message or "no such column" in message:
            raise ArchiveDamaged(
                f"{path} is not a whole catalog ({message}); restore a backup or index again"
            ) from error
        raise StorageError(f"cannot use {path}: {message}") from error
    except sqlite3.DatabaseError as error:
        raise ArchiveDamaged(f"{path} is damaged ({error}); restore a backup or index again") from error
    except UnicodeDecodeError as error:  # what SQLite says of a damaged name cannot be said
        raise ArchiveDamaged(f"{path} is damaged (a name in it is no text); restore a backup or index again") from error


def connect(place: Place, unchanging: bool, alone: bool = False) -> sqlite3.Connection:
    """A connection to a database that is there. ``unchanging``: as ``cannot_change`` says of it.

    ``alone``: without the file that connections share, which takes room on the disk, and so without any other
    connection: who has one lets others wait. Raises DiskFull where that room is not there.

    SQLite opens files by path alone, so the caller proves afterwards that it opened the one of that place.
    """
    refuse_odd_files(place)
    uri = place.folder.resolved.joinpath(*place.names).as_uri()
    mode = "mode=rw"
    if unchanging:  # a log beside it may be another user's, who is writing
        mode = "mode=ro" if place.beside("-wal").exists() else "mode=ro&immutable=1"
    connection = None
    try:
        connection = sqlite3.connect(
            f"{uri}?{mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.text_factory = _text
        if alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        short = _files_are_short()  # asked before any is closed; SQLite says only that it could not open one
        if connection is not None:
            connection.close()
        if short:
            raise StorageError(
                f"cannot open {place.path}: too many open files; close some, or raise the limit (ulimit -n)"
            ) from error
        if place.folder.free() < _ROOM:
            raise full(f"open {place.path}") from error
        raise
    return connection


def _is_full(path: Path) -> bool:
    try:
        status = os.statvfs(path)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _ROOM


def _text(data: bytes) -> str:
    """Text as it stands in a row. What is no UTF-8 differs from its checksum, which tells it: no exception does."""
    return data.decode("utf-8", "replace")


def cannot_change(place: Place) -> bool:
    """Whether the system says that this process can write neither the database nor a log beside it.

    Asked before it is opened: a refusal to open, when descriptors or disk are short, says nothing about it.
    """
    return not (place.folder.writable() and place.writable())


def refuse_odd_files(place: Place) -> None:
    """Raise ArchiveDamaged where a file that SQLite would use is a link, no regular file, or has several names.

    They are looked at and not opened: closing any descriptor of them would end this process's locks on them.
    """
    for ending in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            place.beside(ending).status()


def state(place: Place) -> tuple[int, ...]:
    """What differs after another process has written: of the database and of its log."""
    found: list[int] = []
    for ending in BESIDE[:2]:
        with contextlib.suppress(FileNotFoundError):
            status = place.beside(ending).status()
            found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


def schema(connection: sqlite3.Connection) -> set[str]:
    """The statements that made the tables and all else that there is, each in one line."""
    return {
        " ".join(statement.split())
        for (statement,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    }


def _files_are_short() -> bool:
    """Can this process open no further file?"""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False
