"""A file, a pipe or a member of an archive as decompressed bytes, in blocks of bounded size."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from search.ingest.beside import Beside
from search.ingest.encodings import byte_order_mark

BLOCK = 1 << 18
HEAD = 1 << 16
ZSTD_STEP = 512  # compressed bytes fed at once: they unfold to 16 MiB at the very most
MEMORY_LIMIT = 1 << 28  # bytes of an input that must be held in memory to be read from any place
# A bomb unfolds to thousands of times its size; news, tables of one repeated word included, does not.
FREE = 1 << 26
RATIO = 500
XZ_MEMORY = 1 << 28

BYTE_ORDER_MARK = re.compile(rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff")  # UTF-16 and UTF-32 have zero bytes

_MAGIC_LENGTH = 6
# A ZIP file that is a document: of Office, of OpenDocument, an e-book.
OFFICE = re.compile(rb"\[Content_Types\]\.xml|_rels/\.rels|PK\x03\x04.{26}mimetype.{0,64}application/", re.DOTALL)
# What reading a damaged member of an archive raises.
DAMAGES = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


class SourceProblem(Exception):
    """Reading broke off. ``line`` is where, once a text layer has counted lines."""

    line: int | None = None


class Head(bytes):
    """The first bytes of an input."""

    @cached_property
    def text(self) -> str:
        """As text, good enough to tell formats apart: one kind of line end, no byte order mark."""
        length, encoding = byte_order_mark(self)
        text = self[length:].decode(encoding or "utf-8", "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


class Budget:
    """What one input has unfolded to, with all that is packed in it."""

    def __init__(self) -> None:
        self.packed = 0
        self.unfolded = 0

    def unfold(self, size: int) -> None:
        """Count bytes that came out. Raises ``SourceProblem`` for a bomb."""
        self.unfolded += size
        if self.unfolded > FREE and self.unfolded > RATIO * self.packed:
            raise SourceProblem(
                f"it unfolds to more than {RATIO} times its size: given up after {self.unfolded:,} bytes"
            )


class Source:
    """One input. ``head`` holds its first 64 KiB (all of it if ``complete``); ``chunks`` gives everything, once.

    ``path`` is the file on disk, None for pipes and members of archives. ``encoding``: the one that the user says the
    text is in; ``mapped``: the names (bare) of columns that the user has named; ``beside``: the files of its folder or
    archive, where it can be gone back to. ``notes`` is for what a format wants
    said of the input, counted: "lines above the header".
    """

    def __init__(
        self,
        name: str,
        file: BinaryIO,
        *,
        path: Path | None = None,
        owned: bool = True,
        budget: Budget | None = None,
        encoding: str | None = None,
        mapped: frozenset[str] = frozenset(),
        beside: Beside | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.beside = beside
        self.encoding = encoding
        self.mapped = mapped
        self.notes: dict[str, int] = {}
        self.bytes_read = 0
        self.budget = budget or Budget()
        self.packed = False
        self._outermost = budget is None
        self._file = file
        self._owned = owned
        self._rest = self._decompressed(self._raw())
        self._held: list[bytes] = []
        self._problem: SourceProblem | None = None
        self.complete = False
        self._peek()
        self.head = Head(b"".join(self._held)[:HEAD])

    def chunks(self) -> Iterator[bytes]:
        """All bytes in order, in pieces of bounded size; raises ``SourceProblem`` where reading breaks off."""
        while self._held:
            yield self._held.pop(0)
        if self._problem is not None:
            raise self._problem
        yield from self._rest

    def seekable(self) -> BinaryIO:
        """All bytes as a file to be read from any place, for the caller to close: the file on disk, or up to 256 MiB in
        memory, never a copy on disk. Raises ``SourceProblem`` for more."""
        if self.path is not None and not self.packed:
            return io.BufferedReader(_Counted(self.path, self))
        held = io.BytesIO()
        for chunk in self.chunks():
            if held.tell() + len(chunk) > MEMORY_LIMIT:
                raise SourceProblem(f"larger than {MEMORY_LIMIT >> 20} MiB, and packed: unpack it first")
            held.write(chunk)
        held.seek(0)
        return held

    def note(self, text: str, count: int = 1) -> None:
        """Have something said of this input in the report."""
        self.notes[text] = self.notes.get(text, 0) + count

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all in it."""
        return self.complete and not self.head

    def close(self) -> None:
        """Close the file, if it is this object's own."""
        if self._owned:
            self._file.close()

    def count(self, size: int) -> None:
        """Take note of bytes read as they are stored."""
        self.bytes_read += size
        if self._outermost:
            self.budget.packed += size

    def _peek(self) -> None:
        size = 0
        try:
            while size < HEAD:
                block = next(self._rest, None)
                if block is None:
                    self.complete = True
                    return
                self._held.append(block)
                size += len(block)
        except SourceProblem as problem:
            self._problem = problem

    def _raw(self) -> Iterator[bytes]:
        while True:
            try:
                block = self._file.read(BLOCK)
            except DAMAGES as error:
                what = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise SourceProblem(f"reading failed: {what}") from error
            if not block:
                return
            self.count(len(block))
            if not self._outermost:
                self.budget.unfold(len(block))
            yield block

    def _decompressed(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        first = b""
        for block in blocks:
            first += block
            if len(first) >= _MAGIC_LENGTH:
                break
        again = _chained(first, blocks)
        unpack = next((unpack for magic, unpack in _PACKED if magic.match(first)), None)
        if unpack is None:
            yield from again
            return
        self.packed = True
        for block in unpack(again):
            self.budget.unfold(len(block))
            yield block


class _Counted(io.RawIOBase):
    """A file on disk that tells its source how much of it was read, for progress."""

    def __init__(self, path: Path, source: Source) -> None:
        self._file = path.open("rb", buffering=0)
        self._left = max(0, path.stat().st_size - source.bytes_read)
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any, /) -> int:
        size = self._file.readinto(buffer)
        counted = min(size, self._left)  # what is read twice is not more
        self._left -= counted
        self._source.count(counted)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _gunzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    for block in blocks:
        data = block
        while data:
            if member.eof:
                data = data.lstrip(b"\x00")  # padding, as tapes have it
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            before = member.copy()
            try:
                out = member.decompress(data, BLOCK)
            except zlib.error as error:
                yield from _until_error(before, data)
                raise SourceProblem(f"the gzip data is damaged ({error})") from error
            data = member.unused_data if member.eof else member.unconsumed_tail
            if out:
                yield out
    while not member.eof:  # what a full last piece of output may have left inside
        out = member.decompress(b"", BLOCK)
        if not out:
            raise SourceProblem("the gzip data is cut short")
        yield out


def _until_error(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What ``data`` holds before the byte at which decompression fails."""
    out = bytearray()
    try:
        for place in range(len(data)):
            out += member.decompress(data[place : place + 1])
    except zlib.error:
        pass
    yield bytes(out)


def _unzstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    frame = zstandard.ZstdDecompressor().decompressobj()
    pieces: list[bytes] = []
    size = 0
    for block in blocks:
        for start in range(0, len(block), ZSTD_STEP):
            data = block[start : start + ZSTD_STEP]
            while data:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                try:
                    out = frame.decompress(data)
                except zstandard.ZstdError as error:
                    yield b"".join(pieces)
                    raise SourceProblem(f"the zstd data is damaged ({error})") from error
                data = frame.unused_data if frame.eof else b""
                pieces.append(out)
                size += len(out)
                if size >= BLOCK:
                    joined = b"".join(pieces)
                    pieces.clear()
                    size = 0
                    yield from (joined[at : at + BLOCK] for at in range(0, len(joined), BLOCK))
    yield b"".join(pieces)
    if not frame.eof:
        raise SourceProblem("the zstd data is cut short")


def _unbzip2(blocks: Iterator[bytes]) -> Iterator[bytes]:
    import bz2

    return _streams(blocks, bz2.BZ2Decompressor, "bzip2")


def _unxz(blocks: Iterator[bytes]) -> Iterator[bytes]:
    import lzma

    return _streams(blocks, lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY), "xz")


def _streams(blocks: Iterator[bytes], new: Callable[[], Any], what: str) -> Iterator[bytes]:
    """The streams of a bzip2 or xz file, one after the other."""
    import lzma

    stream = new()
    for block in blocks:
        data = block
        while data or not (stream.eof or stream.needs_input):
            if stream.eof:
                data = data.lstrip(b"\x00")
                if not data:
                    break
                stream = new()
            try:
                out = stream.decompress(data, BLOCK)
            except (OSError, EOFError, lzma.LZMAError, MemoryError) as error:
                raise SourceProblem(f"the {what} data is damaged ({error})") from error
            data = stream.unused_data if stream.eof else b""
            if out:
                yield out
    if not stream.eof:
        raise SourceProblem(f"the {what} data is cut short")


_PACKED = (
    (re.compile(rb"\x1f\x8b"), _gunzip),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _unzstd),  # a frame, or a skippable one
    (re.compile(rb"BZh[1-9]"), _unbzip2),
    (re.compile(rb"\xfd7zXZ\x00"), _unxz),
)
