"""Copies of an archive's files: the catalog as of one instant, parts as they are; durable, and whole or not there."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import ArchiveDamaged, StorageError
from search.storage.catalog import Catalog
from search.storage.container import PartFile
from search.storage.database import cannot_change, connect, sqlite_errors
from search.storage.files import fsync_folder, storage_errors
from search.storage.folder import Place
from search.storage.locks import pin
from search.storage.verified import file_hash

_BLOCK = 1 << 20
_NO_RANGES = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


@contextmanager
def pinned(catalog: Catalog) -> Iterator[int]:
    """The number of the last commit, held for the length of a block: nothing goes that it or a later one needs.

    Raises ArchiveNotFound and ArchiveReplaced where the archive is no more what lies at its path.
    """
    catalog.prove()
    while True:
        commit = catalog.commit_number()
        held = pin(catalog.folder, commit)
        # The writer looks at pins after its commit: one that came before this line cannot be missed.
        if held is None or catalog.commit_number() == commit:
            break
        held.release()
    try:
        yield commit
    finally:
        if held is not None:
            held.release()


def copy_catalog(catalog: Catalog, target: Place) -> None:
    """Write the catalog as of one instant to a new file, without what SQLite keeps in free pages, and durably.

    Over a connection of its own, so that who else uses the catalog waits for nothing. Raises what ``Catalog.open``
    does.
    """
    place = catalog.folder / catalog.path.name
    path = target.folder.absolute.joinpath(*target.names)
    with sqlite_errors(place.path):
        connection = connect(place, cannot_change(place))
        try:
            catalog.prove()
            try:
                connection.execute("VACUUM INTO ?", (str(path),))
            except UnicodeEncodeError:
                raise StorageError(f"SQLite cannot write to {path}: its name is no Unicode text") from None
        finally:
            connection.close()
    with sqlite_errors(path):
        connection = connect(target, unchanging=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        finally:
            connection.close()
    with storage_errors(f"write {path}"), target.opened(os.O_RDWR) as descriptor:
        os.fsync(descriptor)


def copy_part(source: Place, target: Place, file: PartFile) -> None:
    """Copy a part, durably, and compare the copy with the part's checksum. ``target`` is replaced when it is whole.

    A copy and no second name of the same file: what one of two names damages, both have lost. File systems that can
    share blocks between copies (Btrfs, XFS, APFS) may do so. Raises ArchiveDamaged where the checksum differs.
    """
    building = Place(target.folder, (*target.names[:-1], f"{target.name}.new"))
    building.unlink()
    try:
        with (
            source.opened(size=file.size) as reading,
            os.fdopen(building.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb", buffering=0) as writing,
            storage_errors(f"write {building.path}"),
        ):
            _copy(reading, writing.fileno())
            os.fsync(writing.fileno())
        if file_hash(building, file.size) != file.sha256:
            raise ArchiveDamaged(f"{source.path} does not match its checksum; run 'broadsheet doctor'")
        building.rename(target.name)
    except BaseException:
        building.unlink()
        raise


def _copy(reading: int, writing: int) -> None:
    """All bytes, by the system itself where it can."""
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(reading, writing, 1 << 30):
                pass
            return
        except OSError as error:
            if error.errno not in _NO_RANGES or os.lseek(reading, 0, os.SEEK_CUR):
                raise
    while block := os.read(reading, _BLOCK):
        view = memoryview(block)
        while view:
            view = view[os.write(writing, view) :]


def exchange(new: Path, old: Path) -> None:
    """Let two folders beside each other change places: at once where the system can, else by way of a third name.

    Raises StorageError; then all is as it was.
    """
    with storage_errors(f"put {new} in the place of {old}"):
        if not _exchanged(new, old):
            between = new.with_name(f"{new.name}.between")
            old.rename(between)
            try:
                new.rename(old)
            except BaseException:
                between.rename(old)
                raise
            between.rename(new)
        fsync_folder(old.parent)


def _exchanged(new: Path, old: Path) -> bool:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(new), _HERE, os.fsencode(old), _EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in (errno.ENOSYS, errno.EINVAL):  # the file system cannot
        return False
    raise OSError(code, os.strerror(code))
