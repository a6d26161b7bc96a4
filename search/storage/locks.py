"""Locks that a crash releases: one writer, and pins that keep an old commit's files for its readers.

Both are ``flock`` locks, which belong to an open file and end with it. A pin is a shared lock on ``pins/<commit>``;
the writer removes what only older commits need when no such lock is held.

The writer's lock file also says which commit was made last. So does the catalog's log, but that ends silently where a
bit of it has flipped.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence

from search.errors import ArchiveLocked, DiskFull, StorageError
from search.storage.files import storage_errors
from search.storage.folder import Folder, Place, number

try:
    import fcntl
except ImportError as error:
    raise StorageError(
        "archives need a Unix system, whose locks end with a crash; on Windows, run this inside WSL"
    ) from error

_WRITER, _MERGE = "writer.lock", "merge.lock"
FILES = (_WRITER, _MERGE, "pins")
_NUMBERS = 41  # bytes in the writer's lock: the process at work, for messages alone, and the last commit


class Lock:
    """An open, locked file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Close the file, which ends the lock. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class WriterLock(Lock):
    """The lock of the one writer."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.note(_noted(_content(descriptor)))

    def note(self, commit: int) -> None:
        """Note that a commit was made, after it was: what is noted is never more than what is durable."""
        with contextlib.suppress(OSError):  # a full disk, perhaps: it is evidence in a rare case, no more
            data = f"{os.getpid()} {commit}".encode()
            os.pwrite(self._descriptor, data, 0)
            os.ftruncate(self._descriptor, len(data))


def last_noted(folder: Folder) -> int:
    """The last commit that a writer noted; 0 where none did."""
    try:
        with (folder / _WRITER).opened(limit=_NUMBERS) as descriptor:
            return _noted(_content(descriptor))
    except FileNotFoundError:
        return 0


def _content(descriptor: int) -> list[str]:
    with storage_errors("read the lock of the writer"):
        return os.pread(descriptor, _NUMBERS, 0).decode("ascii", "replace").split()


def _holder(place: Place) -> str:
    """The process that noted itself, as words for a message."""
    with contextlib.suppress(OSError, StorageError), place.opened(limit=_NUMBERS) as descriptor:
        content = _content(descriptor)
        if content and content[0].isdigit():
            return f" by process {content[0]}"
    return ""


def _noted(content: Sequence[str]) -> int:
    return (number(content[1]) or 0) if len(content) == 2 else 0


def lock_writer(folder: Folder, wait: bool = False) -> WriterLock:
    """Take the archive's one writer lock. Raises ArchiveLocked when another process or thread has it."""
    place = folder / _WRITER
    try:
        descriptor = _exclusive(place, wait, _NUMBERS)
    except BlockingIOError:
        by = _holder(place)
        raise ArchiveLocked(f"{folder.path} is being written{by}; wait for it to finish, or use --wait") from None
    try:
        return WriterLock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def lock_merge(folder: Folder, wait: bool = False) -> Lock:
    """Take the right to merge beside the writers. Raises ArchiveLocked when another process or thread has it."""
    try:
        return Lock(_exclusive(folder / _MERGE, wait, 0))
    except BlockingIOError:
        raise ArchiveLocked(
            f"{folder.path} is being merged by another process; wait for it to finish, or use --wait"
        ) from None


def _exclusive(place: Place, wait: bool, limit: int) -> int:
    """An open file of its own, locked. Raises BlockingIOError where another one has the lock."""
    while True:
        try:
            descriptor = place.open(os.O_RDWR | os.O_CREAT, limit=limit)
        except FileNotFoundError as error:  # the folder itself is gone
            raise StorageError(f"cannot open {place.path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            same = _same(descriptor, place)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BlockingIOError(error.errno, error.strerror) from None
            raise StorageError(f"cannot lock {place.path}: {error.strerror}") from error
        except BaseException:
            os.close(descriptor)
            raise
        if same:
            return descriptor
        os.close(descriptor)


def merging(folder: Folder) -> bool:
    """Is somebody merging beside the writers?"""
    return _is_locked(folder / _MERGE, 0)


def written_to(folder: Folder) -> bool:
    """Is a writer at work?"""
    return _is_locked(folder / _WRITER, _NUMBERS)


def _is_locked(place: Place, limit: int) -> bool:
    try:
        with place.opened(limit=limit) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def pin(folder: Folder, commit: int) -> Lock | None:
    """Hold a shared lock on a commit; None where the system says that this user can write no pin.

    Where none can be written, who could take the files away does not know of this reader.
    """
    pins = folder / "pins"
    if not pins.exists():
        if not folder.writable():
            return None
        try:
            pins.make_folder()
        except DiskFull:
            return _pin_all(folder)
    if not pins.writable():
        return None
    place = pins / str(commit)
    while True:
        try:
            descriptor = place.open(os.O_RDONLY | os.O_CREAT, limit=0)
        except FileNotFoundError:
            pins.make_folder()
            continue
        except DiskFull:
            return _pin_all(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            same = _same(descriptor, place)
        except BaseException:
            os.close(descriptor)
            raise
        if same:
            return Lock(descriptor)
        os.close(descriptor)  # the writer swept the file between open and flock


def _itself(folder: Folder) -> int:
    """A further descriptor of the folder, to be locked."""
    with storage_errors(f"open {folder.path}"):
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder.descriptor)


def _pin_all(folder: Folder) -> Lock:
    """Hold every commit, where the disk has no room for the name of a pin: a shared lock on the folder itself."""
    descriptor = _itself(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(descriptor)


def _all_pinned(folder: Folder) -> bool:
    descriptor = _itself(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise StorageError(f"cannot lock {folder.path}: {error.strerror}") from error
        return True
    finally:
        os.close(descriptor)
    return False


def oldest_pin(folder: Folder, current: int) -> int:
    """The oldest commit that a reader holds, ``current`` if there is none; files of ended pins are removed."""
    if _all_pinned(folder):
        return 0
    oldest = current
    pins = folder / "pins"
    for name in pins.list():
        place = pins / name
        commit = number(name)
        if commit is None or not place.is_file():
            continue  # nobody's pin
        try:
            descriptor = place.open(os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            place.unlink()
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StorageError(f"cannot lock {place.path}: {error.strerror}") from error
            oldest = min(oldest, commit)
        finally:
            os.close(descriptor)
    return oldest


def _same(descriptor: int, place: Place) -> bool:
    """Is the open file still the one of that name?"""
    try:
        return os.path.samestat(os.fstat(descriptor), place.status())
    except FileNotFoundError:
        return False
