"""Zip and tar archives: their members as sources, read in place. No path in them is followed, nothing is unpacked to
disk, and ``Budget`` ends what unfolds without end."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from search.ingest.beside import Beside, Kept, Members, Shelf
from search.ingest.formats.xml_fields import root_of
from search.ingest.source import DAMAGES, OFFICE, Source, SourceProblem
from search.records import Rejection

INSIDE = "!/"  # between the name of an archive and that of a member
DEPTH = 3  # archives inside archives
KEPT = 1 << 26  # bytes (packed) of one issue's pages that are kept while a tar archive is read

_ZIP = b"PK\x03\x04"
_TAR = re.compile(rb".{257}ustar", re.DOTALL)
_ENCRYPTED = 0x1
_HIDDEN = re.compile(r"(?:\A|/)(?:\.(?!\.?/)|__MACOSX/)")


class PassedOver(NamedTuple):
    """Something that is not read, and what it is, in the plural ("links to folders")."""

    name: str
    kind: str


def is_container(source: Source) -> bool:
    """Whether the source is an archive whose members can be read, and no document that is kept as one."""
    if source.head.startswith(_ZIP):
        return OFFICE.search(source.head[:4096]) is None
    return _TAR.match(source.head) is not None


def members(source: Source) -> Iterator[Source | PassedOver | Rejection]:
    """The members of an archive in its order, each open until the next one is asked for. Raises ``SourceProblem``."""
    return _zip(source) if source.head.startswith(_ZIP) else _tar(source)


def _inside(source: Source, name: str, file: BinaryIO, beside: Beside | None = None) -> Source:
    return Source(
        source.name + INSIDE + _shown(name),
        file,
        budget=source.budget,
        encoding=source.encoding,
        mapped=source.mapped,
        beside=beside,
    )


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8", "replace").replace("\0", "\ufffd")


def _zip(source: Source) -> Iterator[Source | PassedOver | Rejection]:
    with source.seekable() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                shelf = Shelf(archive.namelist, archive.open)
                for info in archive.infolist():
                    if info.is_dir():
                        continue
                    if _HIDDEN.search(info.filename):
                        yield PassedOver(source.name + INSIDE + _shown(info.filename), "hidden files")
                        continue
                    if info.flag_bits & _ENCRYPTED:
                        yield PassedOver(source.name + INSIDE + _shown(info.filename), "encrypted files")
                        continue
                    try:
                        member = archive.open(info)
                    except DAMAGES as error:
                        reason = f"this member cannot be read ({str(error) or type(error).__name__})"
                        yield Rejection(source=source.name + INSIDE + _shown(info.filename), line=None, reason=reason)
                        continue
                    with member:
                        yield _inside(source, info.filename, cast(BinaryIO, member), Members(shelf, info.filename))
        except DAMAGES as error:
            raise SourceProblem(f"the ZIP file is damaged ({str(error) or type(error).__name__})") from error


def _tar(source: Source) -> Iterator[Source | PassedOver | Rejection]:
    kept = Kept()
    try:
        with tarfile.open(fileobj=io.BufferedReader(Stream(source)), mode="r|") as archive:
            for info in archive:
                name = source.name + INSIDE + _shown(info.name)
                if info.isdir():
                    continue
                if _HIDDEN.search(info.name):
                    yield PassedOver(name, "hidden files")
                elif info.issparse() or not info.isreg():
                    yield PassedOver(name, "links, devices or sparse files in archives")
                elif (member := archive.extractfile(info)) is not None:
                    with member:
                        inside = _inside(source, info.name, cast(BinaryIO, member))
                        if not _is_of_an_issue(inside) or info.size > KEPT:
                            yield inside
                            continue
                        if not kept.has_place_for(info.name) or kept.size > KEPT:
                            yield from _together(source, kept)
                            kept = Kept()
                        try:
                            kept.add(info.name, b"".join(inside.chunks()))
                        except SourceProblem as problem:
                            yield Rejection(source=name, line=None, reason=str(problem))
    except DAMAGES as error:
        yield from _together(source, kept)
        raise SourceProblem(f"the tar archive is damaged ({str(error) or type(error).__name__})") from error
    yield from _together(source, kept)


def _is_of_an_issue(source: Source) -> bool:
    """Whether it is a page of a scanned issue, or what tells the articles on its pages."""
    return root_of(source.head).name in ("mets", "alto")


def _together(source: Source, kept: Kept) -> Iterator[Source]:
    """The pages of an issue and what tells its articles, each with the others beside it."""
    for name in kept.files:
        with kept.shelf.opened(name) as file:
            yield _inside(source, name, cast(BinaryIO, file), Members(kept.shelf, name))


class Stream(io.RawIOBase):
    """The bytes of a source as a file that can only be read on."""

    def __init__(self, source: Source) -> None:
        self._chunks = source.chunks()
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """As ``io.RawIOBase``."""
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._waiting:
            block = next(self._chunks, None)
            if block is None:
                return 0
            self._waiting = memoryview(block)
        size = min(len(target), len(self._waiting))
        target[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size
