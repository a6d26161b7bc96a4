"""What lies beside an input: other files of its folder or archive, for formats that spread one thing over several (the
pages of an issue). No name leads out of the folder or the archive."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast
from urllib.parse import unquote

_MOST = 500  # names in a folder that are looked at
_UP = "../"  # before the name of what lies in the folder above


class Beside(Protocol):
    """The files beside an input. ``here`` is the input's own name, ``folder`` that of the folder that it is in."""

    here: str
    folder: str

    @property
    def key(self) -> Hashable:
        """What stays the same as long as the files do."""

    def names(self) -> list[str]:
        """The names of files of XML in the same folder, and in the one above with ``../`` before them."""

    def open(self, name: str) -> BinaryIO:
        """A file by such a name, or by one relative to the folder. Raises ``LookupError`` where there is none."""


def relative(address: str) -> str | None:
    """The name, relative to a folder, that an address in a file stands for; None for one that leads elsewhere."""
    name = unquote(address.strip()).replace("\\", "/")
    name = re.sub(r"\Afile:/*(?=\.)|\Afile:///", "", name)
    name = posixpath.normpath(name)
    leads_out = name.startswith(("/", "..")) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", name) or "\0" in name
    return None if leads_out or name == "." else name


class Folder:
    """The files beside one on disk."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self.here = path.name
        self.folder = self._folder.resolve().name

    @property
    def key(self) -> Hashable:
        """The folder, and when it was changed."""
        return str(self._folder), *(folder.stat().st_mtime_ns for folder in (self._folder, self._folder / ".."))

    def names(self) -> list[str]:
        """As ``Beside``."""
        return [*self._xml(self._folder, ""), *self._xml(self._folder / "..", _UP)]

    def _xml(self, folder: Path, prefix: str) -> list[str]:
        try:
            found = [path.name for path in folder.iterdir() if path.suffix.lower() == ".xml"]
        except OSError:
            return []
        return [prefix + name for name in sorted(found)] if len(found) <= _MOST else []

    def open(self, name: str) -> BinaryIO:
        """As ``Beside``."""
        folder = self._folder / ".." if name.startswith(_UP) else self._folder
        name = name.removeprefix(_UP)
        try:
            path = (folder / name).resolve()
            if relative(name) is None or not path.is_relative_to(folder.resolve()) or not path.is_file():
                raise LookupError(name)
            return path.open("rb")
        except OSError as error:
            raise LookupError(name) from error


class Shelf:
    """The files of an archive that can be gone back to: their ``names``, asked for once, and what opens one."""

    def __init__(self, names: Callable[[], Iterable[str]], opened: Callable[[str], IO[bytes]]) -> None:
        self.key: Hashable = object()  # remembered longer than the files are kept
        self.opened = opened
        self._names = names

    @cached_property
    def folders(self) -> dict[str, list[str]]:
        """The names of those of XML by their folders."""
        found: dict[str, list[str]] = {}
        for path in self._names():
            if path.lower().endswith(".xml"):
                folder, name = posixpath.split(path)
                found.setdefault(folder, []).append(name)
        return {folder: sorted(names) for folder, names in found.items() if len(names) <= _MOST}


class Kept:
    """Files of an archive that can only be read on, kept in memory (packed) while those of one issue come: from one
    folder, and the folders in it."""

    def __init__(self) -> None:
        self.size = 0
        self.shelf = Shelf(lambda: self.files, self._opened)
        self.files: dict[str, bytes] = {}
        self._folders: set[str] = set()

    def has_place_for(self, name: str) -> bool:
        """Whether a file may belong to those that are here."""
        folder = posixpath.dirname(name)
        above = posixpath.dirname(folder)
        return not self._folders or any(
            folder == one or above == one or folder == posixpath.dirname(one) for one in self._folders
        )

    def add(self, name: str, data: bytes) -> None:
        """Keep one."""
        self._folders.add(posixpath.dirname(name))
        self.files[name] = zlib.compress(data, 1)
        self.size += len(self.files[name])

    def _opened(self, name: str) -> IO[bytes]:
        return io.BytesIO(zlib.decompress(self.files[name]))


class Members:
    """The files beside one in an archive."""

    def __init__(self, shelf: Shelf, member: str) -> None:
        self._shelf = shelf
        self._path, self.here = posixpath.split(member)
        self.folder = posixpath.basename(self._path)

    @property
    def key(self) -> Hashable:
        """The archive, and the folder in it."""
        return self._shelf.key, self._path

    def names(self) -> list[str]:
        """As ``Beside``."""
        found = list(self._shelf.folders.get(self._path, ()))
        if self._path:
            found += (_UP + name for name in self._shelf.folders.get(posixpath.dirname(self._path), ()))
        return found

    def open(self, name: str) -> BinaryIO:
        """As ``Beside``."""
        path = posixpath.normpath(posixpath.join(self._path, name))
        try:
            return cast(BinaryIO, self._shelf.opened(path))
        except (KeyError, RuntimeError, OSError, NotImplementedError, zipfile.BadZipFile) as error:
            raise LookupError(name) from error
