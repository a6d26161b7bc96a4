"""The paths of a call as files to read: names, folders, patterns and standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.errors import SourceError
from search.ingest.containers import PassedOver
from search.records import Rejection

STDIN = "-"
SPECIAL = "pipes, sockets or devices"


@dataclass(frozen=True, slots=True)
class Entry:
    """One input. ``named``: the caller asked for this very file, so that its fault is the caller's to hear first;
    ``met``: it was met in a folder, and is passed over if it is of no known kind. ``data``: what an address has given,
    whose name ``path`` is then."""

    path: str
    named: bool = False
    folder: bool = False
    met: bool = False
    data: bytes | None = None

    @property
    def name(self) -> str:
        """The path as it can be shown, and written to any file."""
        return shown(self.path)


def shown(path: str) -> str:
    """``path`` with U+FFFD for bytes that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def expand(paths: Sequence[str | os.PathLike[str] | Entry]) -> list[Entry]:
    """An entry for each path, several for a pattern; entries as they are. Raises ``SourceError`` for a path that is not
    there."""
    entries: list[Entry] = []
    for given in paths:
        if isinstance(given, Entry):
            entries.append(given)
            continue
        path = os.fspath(given)
        if path == STDIN:
            entries.append(Entry(path, named=True))
        elif _exists(path):
            entries.append(Entry(path, named=True, folder=Path(path).is_dir()))
        elif glob.has_magic(path) and "\0" not in path:
            entries += _matches(path)
        else:
            raise SourceError(f"{shown(path)}: no such file or folder")
    return entries


def _exists(path: str) -> bool:
    try:
        Path(path).stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:  # a name too long, a zero byte in it, a folder that may not be entered
        raise SourceError(f"{shown(path)}: {reason_of(error)}") from error
    return True


def _matches(pattern: str) -> list[Entry]:
    deep = "**" in pattern  # matches the files inside its folders too
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  absolute patterns too
    entries = [Entry(path, folder=folder) for path in found if not ((folder := Path(path).is_dir()) and deep)]
    if not entries:
        raise SourceError(f"{shown(pattern)}: no file matches this pattern")
    return entries


def walk(folder: str) -> Iterator[Entry | PassedOver | Rejection]:
    """The regular files in ``folder`` and below, in the order of their names. Hidden files and folders, links to
    folders and links that lead outside ``folder`` are passed over."""
    root = os.path.realpath(folder)
    waiting: list[Iterator[os.DirEntry[str]]] = []

    def enter(path: str) -> Rejection | None:
        try:
            with os.scandir(path) as listing:
                waiting.append(iter(sorted(listing, key=lambda entry: entry.name)))
        except OSError as error:
            return Rejection(source=shown(path), line=None, reason=reason_of(error))
        return None

    refused = enter(folder)
    while refused is not None or waiting:
        if refused is not None:
            yield refused
            refused = None
            continue
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif (kind := _passed_over(entry, root)) is not None:
            yield PassedOver(shown(entry.path), kind)
        elif entry.is_dir(follow_symlinks=False):
            refused = enter(entry.path)
        else:
            yield Entry(entry.path)


def _passed_over(entry: os.DirEntry[str], root: str) -> str | None:
    """What an entry of a folder is that is not read, or None."""
    try:
        if entry.name.startswith("."):
            return "hidden folders" if entry.is_dir(follow_symlinks=False) else "hidden files"
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if not Path(target).exists():
                return "links that lead nowhere"
            if os.path.commonpath((root, target)) != root:
                return "links that lead out of the folder"
            if Path(target).is_dir():
                return "links to folders"
            return None if Path(target).is_file() else SPECIAL
        if entry.is_dir(follow_symlinks=False):
            beside = Path(entry.path, "segments").is_dir() or Path(entry.path, "writer.lock").is_file()
            return "archives of Broadsheet" if beside and Path(entry.path, "catalog.sqlite").is_file() else None
        if entry.is_file(follow_symlinks=False):
            archive, watch, _ = entry.path.rpartition(".watch")  # what watches of an archive have seen lies beside it
            return "archives of Broadsheet" if watch and Path(archive, "catalog.sqlite").is_file() else None
        return SPECIAL
    except (OSError, ValueError):
        return "links that lead nowhere"


def is_special(path: str) -> bool:
    """Whether a path is there and is neither a file nor a folder."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))  # noqa: PTH110, PTH113, PTH112


def reason_of(error: Exception) -> str:
    """What the operating system said, without the path."""
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error)).lower()
