"""Whether files are what was written. A part is compared with its checksum once for each state of its file that the
system reports (number, size, times of change), and that is remembered in the user's cache.

Bits that change while none of these does, on a failing disk, no state tells. So a part that was compared before is read
anew: small archives whole with every opening, of large ones some parts by chance, and all of it, at leisure, where an
archive stays open (``Patrol``).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection
from hashlib import blake2b, sha256
from pathlib import Path
from typing import NamedTuple

from search.errors import ArchiveDamaged, SearchError, StorageError
from search.storage.container import Part, PartFile, open_part
from search.storage.files import cache_folder, write_atomically
from search.storage.folder import Folder, Place, loose

ANEW = 8 << 20  # bytes that an opening reads anew of what was compared before: five thousandths of a second
PACE = 64 << 20  # bytes a second that a patrol reads: a twentieth of a processor
ROUND = 24 * 3600.0  # seconds from one patrol to the next
_BLOCK = 1 << 20
_CHECKS = 2  # the version of what a file is looked at for: what an older one has seen is looked at again
_MARKS = 5000  # remembered files of one archive; of more, most are of segments long merged away


class Known(NamedTuple):
    """A part in use: its kind, where it lies, and what was written."""

    kind: str
    place: Place
    file: PartFile


def file_hash(where: Place | Path, size: int | None = None, pause: Callable[[], object] = lambda: None) -> str:
    """SHA-256 of a file in hex, with a ``pause`` after each MiB. Raises ArchiveDamaged where it has other than ``size``
    bytes."""
    place = loose(where) if isinstance(where, Path) else where
    digest = sha256()
    try:
        with place.opened(size=size) as descriptor:
            left = os.fstat(descriptor).st_size
            while left and (block := os.read(descriptor, min(left, _BLOCK))):
                digest.update(block)
                left -= len(block)
                pause()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read {place.path}: {error.strerror or error}") from error
    return digest.hexdigest()


def _memory(folder: Folder) -> Path:
    name = blake2b(str(folder.resolved).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return cache_folder() / "verified" / f"{name}.marks"


def _mark(status: os.stat_result, file: PartFile) -> str:
    return f"{_CHECKS}:{file.sha256}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _remembered(folder: Folder) -> set[str]:
    try:
        return set(_memory(folder).read_text("ascii", "replace").splitlines())
    except OSError:
        return set()


def _keep(folder: Folder, marks: Collection[str]) -> None:
    with contextlib.suppress(StorageError):  # without a cache every opening verifies anew: slower, not wrong
        write_atomically(_memory(folder), "\n".join(sorted(marks)).encode())


def remember_verified(folder: Folder, files: Collection[tuple[Place, PartFile]]) -> None:
    """Note in the user's cache that these files, as they are now, match their hashes.

    Marks are added to those that are there, a line each: whoever opens the archive next leaves out the needless ones.
    """
    marks = [_mark(place.status(), file) for place, file in files]
    folder.compared.update(marks)
    memory = _memory(folder)
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(memory, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write("\n".join(["", *marks, ""]).encode())  # a line that a crash cut short ends before


def verify(folder: Folder, files: Collection[Known], check: Callable[[Part], bool]) -> dict[str, Known]:
    """Check sizes always; once for each state of a file its full hash, and with ``check`` whether the part agrees with
    itself, since a hash in a stranger's archive proves nothing. Where ``check`` cannot say (False), it is asked again.
    Of the files that were compared before, but not by this opening, ANEW bytes are compared again, drawn by chance.

    Returns the files by their marks. Raises ArchiveDamaged for a file that differs or contradicts itself,
    FileNotFoundError for one that is gone.
    """
    remembered = _remembered(folder)
    current: set[str] = set()
    found: dict[str, Known] = {}
    fresh = False
    for known in files:
        status = known.place.status()
        if status.st_size != known.file.size:
            raise ArchiveDamaged(
                f"{known.place.path} has {status.st_size} bytes, {known.file.size} were written; restore a backup"
            )
        found[mark := _mark(status, known.file)] = known
        if mark not in remembered or mark in folder.differing:
            _compare(folder, mark, known)
            if not check(open_part(known.place, known.kind, known.file.size)):
                continue
            fresh = True
        current.add(mark)
    if fresh or len(remembered) > _MARKS:
        _keep(folder, current)
    room = ANEW
    for mark in sorted(current - folder.compared, key=lambda mark: os.urandom(8)):
        if found[mark].file.size <= room:
            room -= found[mark].file.size
            _compare(folder, mark, found[mark])
    return found


def _compare(folder: Folder, mark: str, known: Known, pause: Callable[[], object] = lambda: None) -> None:
    """Raise ArchiveDamaged where a file differs from its hash, at once where that was found before."""
    if mark not in folder.differing and file_hash(known.place, known.file.size, pause) != known.file.sha256:
        folder.differing.add(mark)
        if mark in (remembered := _remembered(folder)):
            _keep(folder, remembered - {mark})
    if mark in folder.differing:
        raise ArchiveDamaged(f"{known.place.path} does not match its checksum; restore a backup or index again")
    folder.compared.add(mark)


def changed(folder: Folder, files: dict[str, Known]) -> bool:
    """Whether a file in use has changed since it was verified, or was found to differ since then."""
    if not folder.differing.isdisjoint(files):
        return True
    try:
        return any(_mark(folder.status(known.place.names), known.file) != mark for mark, known in files.items())
    except OSError:
        return True


class Patrol:
    """Reads the files of a long-lived archive anew, once a ROUND, in a thread behind and at a slow pace. What differs
    is noted in the folder, for ``changed`` to tell. Threads may share it."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._due = 0.0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.walking: threading.Thread | None = None

    def walk(self, files: dict[str, Known]) -> None:
        """Begin a round through these files, if it is time for one."""
        with self._lock:
            if self._over.is_set() or time.monotonic() < self._due:
                return
            self._due = time.monotonic() + ROUND
            self.walking = threading.Thread(target=self._walk, args=(files, self._folder.again()), name="patrol")
            self.walking.daemon = True
            self.walking.start()

    def end(self) -> None:
        """Begin no further round, and end the one under way soon."""
        self._over.set()

    def _walk(self, files: dict[str, Known], folder: Folder) -> None:
        try:
            for mark, known in files.items():
                if self._over.is_set():
                    return
                with contextlib.suppress(SearchError, OSError):  # gone meanwhile, or noted: whoever reads is told
                    again = known._replace(place=Place(folder, known.place.names))
                    _compare(folder, mark, again, self._pause)
        finally:
            folder.close()

    def _pause(self) -> None:
        if self._over.wait(_BLOCK / PACE):
            raise StorageError("this archive is closed")
