"""Locks that a crash releases: one writer, and pins that keep an old commit's files for its readers.

Both are ``flock`` locks, which belong to an open file and end with it. A pin is a shared lock on ``pins/<commit>``;
the writer removes what only older commits need when no such lock is held.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from search.errors import ArchiveLocked, StorageError
from search.storage.files import storage_errors


class Lock:
    """An open, locked file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Close the file, which ends the lock. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_writer(archive: Path, wait: bool = False) -> Lock:
    """Take the archive's one writer lock. Raises ArchiveLocked when another process or thread has it."""
    path = archive / "writer.lock"
    with storage_errors(f"open {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            by = f" by process {holder}" if holder.isdigit() else ""
            raise ArchiveLocked(f"{archive} is being written{by}; wait for it to finish, or use --wait") from None
        raise StorageError(f"cannot lock {path}: {error.strerror}") from error
    except BaseException:
        os.close(descriptor)
        raise
    with contextlib.suppress(OSError):  # the number is for the message above only
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return Lock(descriptor)


def pin(archive: Path, commit: int) -> Lock:
    """Hold a shared lock on a commit. Raises OSError where the folder cannot be written (read-only media)."""
    path = archive / "pins" / str(commit)
    while True:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            same = os.fstat(descriptor).st_ino == path.stat().st_ino
        except FileNotFoundError:
            same = False  # the writer swept the file between open and flock
        except BaseException:
            os.close(descriptor)
            raise
        if same:
            return Lock(descriptor)
        os.close(descriptor)


def oldest_pin(archive: Path, current: int) -> int:
    """The oldest commit that a reader holds, ``current`` if there is none; files of ended pins are removed."""
    oldest = current
    folder = archive / "pins"
    names = list(folder.iterdir()) if folder.is_dir() else []
    for path in names:
        if not path.name.isdigit() or path.is_symlink() or not path.is_file():
            continue
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            oldest = min(oldest, int(path.name))
        finally:
            os.close(descriptor)
    return oldest
