"""An archive's folder, held by a descriptor: every file of an archive is opened, made and removed here.

A path can come to mean another folder between two calls, and a name in a stranger's folder can be a link, a pipe or a
second name of somebody's file. A descriptor stays what it is, no link below it is followed, and a file is looked at
before it is used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from search.errors import ArchiveDamaged, ArchiveNotFound, StorageError, UsageError
from search.storage.refusals import refused

if not hasattr(os, "O_DIRECTORY") or not hasattr(os, "O_NOFOLLOW"):
    raise StorageError("archives need a Unix system, where a folder can be held open; on Windows, run this inside WSL")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link is followed, no pipe is waited for


class Folder:
    """An open folder. ``path`` is as it was named, which may be by a link; ``folder / name / name`` is a place in it.

    Threads may share it. Close it when nothing in it is used any more; what was opened in it stays open. ``compared``
    and ``differing``: the marks of files that were read since it was opened, and are, or are not, what was written.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.absolute = Path(os.path.abspath(path))  # noqa: PTH100 (resolving would follow the link that was named)
        self._descriptor = descriptor
        self.compared: set[str] = set()
        self.differing: set[str] = set()

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Open the folder at a path. Raises ArchiveNotFound where there is none, StorageError if it cannot be."""
        try:
            return cls(path, os.open(path, _FOLDER))
        except (FileNotFoundError, NotADirectoryError):
            what = "is no folder" if path.exists() else "does not exist"
            raise ArchiveNotFound(f"{path} {what}; make one with: broadsheet index PATH --index {path}") from None
        except OSError as error:
            raise refused(f"open {path}", error) from error

    def again(self) -> Folder:
        """The same folder with a descriptor of its own, which outlives this one's; what is noted of files is shared."""
        folder = Folder(self.path, os.dup(self.descriptor))
        folder.compared, folder.differing = self.compared, self.differing
        return folder

    @cached_property
    def resolved(self) -> Path:
        """The path without the links that led there when it was first asked for."""
        return self.absolute.resolve()

    def close(self) -> None:
        """Let the folder go. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()

    @property
    def descriptor(self) -> int:
        """For calls relative to the folder. Raises UsageError after ``close``."""
        if self._descriptor < 0:
            raise UsageError(f"{self.path} is closed")
        return self._descriptor

    def __truediv__(self, name: str) -> Place:
        return Place(self, (name,))

    def names(self) -> list[str]:
        """What lies in the folder."""
        return os.listdir(self.descriptor)  # noqa: PTH208 (a descriptor, no path)

    def status(self, names: Sequence[str]) -> os.stat_result:
        """The state of a file below it, to be compared with an earlier one and nothing else: at a tenth of the cost of
        ``Place.status``, which proves what it is. Raises OSError."""
        return os.stat("/".join(names), dir_fd=self.descriptor, follow_symlinks=False)

    def writable(self) -> bool:
        """May this user make files in it, as far as the system says?"""
        return may_write(".", self.descriptor)

    def free(self) -> int:
        """Bytes that this user may still write on its file system."""
        status = os.fstatvfs(self.descriptor)
        return status.f_bavail * status.f_frsize

    def sync(self) -> None:
        """Make the names in the folder durable. Raises StorageError."""
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            raise refused(f"write {self.path}", error) from error


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file or a folder of an archive lies, or would lie: ``names`` lead there from the archive's folder.

    Nothing here follows a link. Each call raises ArchiveDamaged for a link, a pipe, a device, a file with several
    names, or a file where a folder should be and the other way round; FileNotFoundError where it is gone; StorageError
    where the system refuses.
    """

    folder: Folder
    names: tuple[str, ...]

    def __truediv__(self, name: str) -> Place:
        return Place(self.folder, (*self.names, name))

    @property
    def path(self) -> Path:
        """The place in words, for messages."""
        return self.folder.path.joinpath(*self.names)

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    def beside(self, ending: str) -> Place:
        """The file whose name is this one's with an ending."""
        return Place(self.folder, (*self.names[:-1], self.names[-1] + ending))

    def open(self, flags: int = os.O_RDONLY, size: int | None = None, limit: int | None = None) -> int:
        """THE way in which a file of an archive is opened: a descriptor of a regular file with this one name.

        ``size``: the bytes that it must have; ``limit``: the bytes that it may have.
        """
        with self._parent() as parent, self._errors("open"):
            descriptor = os.open(self.name, flags | _SAFELY, 0o644, dir_fd=parent)
        try:
            self._refuse(os.fstat(descriptor), size, limit)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def opened(self, flags: int = os.O_RDONLY, size: int | None = None, limit: int | None = None) -> Iterator[int]:
        """``open`` for the length of a block."""
        descriptor = self.open(flags, size, limit)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def status(self) -> os.stat_result:
        """The state of a file that must not be opened: closing a descriptor of it would end SQLite's locks on it."""
        with self._parent() as parent, self._errors("read"):
            found = os.stat(self.name, dir_fd=parent, follow_symlinks=False)
        self._refuse(found, None, None)
        return found

    def exists(self) -> bool:
        """Is there anything of this name, whatever it is?"""
        return bool(self._mode())

    def is_file(self) -> bool:
        """Is there a regular file of this name?"""
        return stat.S_ISREG(self._mode())

    def is_folder(self) -> bool:
        """Is there a folder of this name?"""
        return stat.S_ISDIR(self._mode())

    def _mode(self) -> int:
        try:
            with self._parent() as parent:
                return os.stat(self.name, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return 0

    def list(self) -> Sequence[str]:
        """The names in this folder; none where there is no such folder."""
        try:
            with self._inside() as own:
                return os.listdir(own)  # noqa: PTH208 (a descriptor, no path)
        except FileNotFoundError:
            return ()

    def make_folder(self) -> None:
        """Make this a folder, unless it is one, and the folders above it."""
        if len(self.names) > 1:
            Place(self.folder, self.names[:-1]).make_folder()
        with self._parent() as parent, self._errors("make"), contextlib.suppress(FileExistsError):
            os.mkdir(self.name, dir_fd=parent)

    def rename(self, name: str) -> None:
        """Give it another name in the same folder, whatever had that name before."""
        with self._parent() as parent, self._errors("write"):
            os.replace(self.name, name, src_dir_fd=parent, dst_dir_fd=parent)

    def move(self, to: Place) -> None:
        """Move it to another place in the archive, which must be free or an empty folder."""
        with self._parent() as parent, to._parent() as other, self._errors("move"):
            os.rename(self.name, to.name, src_dir_fd=parent, dst_dir_fd=other)

    def unlink(self) -> None:
        """Remove a file, or a link itself, if it is there."""
        with contextlib.suppress(FileNotFoundError), self._parent() as parent, self._errors("remove"):
            os.unlink(self.name, dir_fd=parent)

    def remove_folder(self) -> None:
        """Remove a folder with all that is in it; what cannot be removed, or is none, stays."""
        import shutil  # writers only: it imports every kind of compression

        with contextlib.suppress(OSError), self._parent() as parent:
            if not stat.S_ISDIR(os.stat(self.name, dir_fd=parent, follow_symlinks=False).st_mode):
                return  # a pipe would be opened, and its writer waited for
            shutil.rmtree(self.name, ignore_errors=True, dir_fd=parent)

    def sync(self) -> None:
        """Make the names in this folder durable."""
        with self._inside() as own, self._errors("write"):
            os.fsync(own)

    def writable(self) -> bool:
        """May this user write to it, whatever it is, as far as the system says?"""
        with self._parent() as parent:
            return may_write(self.name, parent)

    def _parent(self) -> _Open:
        """The folder that it lies in, open for the length of a block."""
        return _Open(Place(self.folder, self.names[:-1]))

    def _inside(self) -> _Open:
        """This folder itself, open for the length of a block."""
        return _Open(self)

    def _errors(self, doing: str) -> _Errors:
        return _Errors(self, doing)

    def _named(self, error: OSError, doing: str) -> Exception:
        """The error with the whole path, as this package raises it."""
        if isinstance(error, (FileNotFoundError, FileExistsError)):
            return type(error)(error.errno, error.strerror, os.path.join(self.folder.path, *self.names))  # noqa: PTH118
        return refused(f"{doing} {self.path}", error)

    def _refuse(self, found: os.stat_result, size: int | None, limit: int | None) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise self._odd("is a link")
        if not stat.S_ISREG(found.st_mode):
            raise self._odd("is no file")
        if found.st_nlink > 1:
            raise self._odd(f"has {found.st_nlink} names (hard links)")
        if size is not None and found.st_size != size:
            raise ArchiveDamaged(f"{self.path} has {found.st_size} bytes, {size} were written; restore a backup")
        if limit is not None and found.st_size > limit:
            raise self._odd(f"has {found.st_size} bytes, where no more than {limit} belong")

    def _odd(self, what: str) -> ArchiveDamaged:
        return ArchiveDamaged(
            f"{self.path} {what}, which no archive makes of its own; it is not used. Restore a backup, or put a "
            "copy of the file in its place"
        )


class _Open:
    """A descriptor of a folder for the length of a block. Each folder on the way is opened in the one before it."""

    __slots__ = ("_descriptor", "_place")

    def __init__(self, place: Place) -> None:
        self._place = place
        self._descriptor = -1  # of this block's own, to be closed

    def __enter__(self) -> int:
        descriptor = self._place.folder.descriptor
        for number, name in enumerate(self._place.names, 1):
            try:
                below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            except OSError as error:
                raise self._refusal(error, number) from error
            finally:
                self._close()
            descriptor = self._descriptor = below
        return descriptor

    def __exit__(self, *error: object) -> None:
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _refusal(self, error: OSError, number: int) -> Exception:
        place = Place(self._place.folder, self._place.names[:number])
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            return ArchiveDamaged(
                f"{place.path} is a link or no folder; an archive's own folders never are. Do not write to this archive"
            )
        return place._named(error, "open")


class _Errors:
    """What the system refuses in a block, as this package raises it."""

    __slots__ = ("_doing", "_place")

    def __init__(self, place: Place, doing: str) -> None:
        self._place, self._doing = place, doing

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise self._place._odd("is a link") from None
            if error.errno in (errno.EISDIR, errno.ENXIO):
                raise self._place._odd("is no file") from None
            raise self._place._named(error, self._doing) from error


def number(name: str) -> int | None:
    """The number that a name is, None for any other name: also for digits of other scripts, which no archive uses."""
    return int(name) if name.isascii() and name.isdigit() else None


def loose(path: Path) -> Place:
    """A file that is in no archive, as a place. Raises FileNotFoundError where its folder is missing."""
    try:
        return Folder.open(path.parent) / path.name
    except ArchiveNotFound:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None


def may_write(name: str | Path, within: int | None = None) -> bool:
    """Whether the system lets this user write there: by permission, and on a file system that can be written."""
    return os.access(name, os.W_OK, dir_fd=within, effective_ids=os.access in os.supports_effective_ids)
