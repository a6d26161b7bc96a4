"""A file or pipe as decompressed bytes, in blocks of bounded size."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 1 << 18
HEAD = 1 << 16
ZSTD_STEP = 512  # compressed bytes fed at once: they unfold to 16 MiB at the very most

_MAGIC_LENGTH = 4
_GZIP = b"\x1f\x8b"
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # a frame, or a skippable one
_KINDS = (
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\x89PNG\r\n"), "a PNG image"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG image"),
    (re.compile(rb"GIF8[79]a"), "a GIF image"),
    (re.compile(rb"PK\x03\x04"), "a ZIP file or an Office document"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an Office document"),
    (re.compile(rb"SQLite format 3\x00"), "an SQLite database"),
    (re.compile(rb"PAR1"), "a Parquet file"),
    (re.compile(rb"BZh[1-9]1AY"), "bzip2 data (gzip and zstd are read)"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz data (gzip and zstd are read)"),
    (re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd"), "compressed twice"),
    (re.compile(rb".{257}ustar", re.DOTALL), "a tar archive"),
)
_BYTE_ORDER_MARK = re.compile(rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff")  # UTF-16 and UTF-32 have zero bytes
_CONTROLS = bytes({*range(32)} - set(b"\t\n\x0b\f\r\x1b")) + b"\x7f"
_CONTROL_SHARE = 0.02


class SourceProblem(Exception):
    """Reading broke off. ``line`` is where, once a text layer has counted lines."""

    line: int | None = None


class Source:
    """One input. ``head`` holds its first 64 KiB (all of it if ``complete``); ``chunks`` gives everything, once."""

    def __init__(self, name: str, file: BinaryIO, *, owned: bool = True) -> None:
        self.name = name
        self.bytes_read = 0
        self._file = file
        self._owned = owned
        self._rest = _decompressed(self._raw())
        self._held: list[bytes] = []
        self._problem: SourceProblem | None = None
        self.complete = False
        self._peek()
        self.head = b"".join(self._held)[:HEAD]

    def chunks(self) -> Iterator[bytes]:
        """All bytes in order, in pieces of bounded size; raises ``SourceProblem`` where reading breaks off."""
        while self._held:
            yield self._held.pop(0)
        if self._problem is not None:
            raise self._problem
        yield from self._rest

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all in it."""
        return self.complete and not self.head

    def binary_kind(self) -> str | None:
        """What the input is if it is not text, in words."""
        for pattern, words in _KINDS:
            if pattern.match(self.head):
                return words
        if _BYTE_ORDER_MARK.match(self.head):
            return None
        sample = self.head[:8192]
        controls = len(sample) - len(sample.translate(None, _CONTROLS))
        return "binary data" if controls > _CONTROL_SHARE * len(sample) else None

    def close(self) -> None:
        """Close the file, if it is this object's own."""
        if self._owned:
            self._file.close()

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
            except OSError as error:
                raise SourceProblem(f"reading failed: {error.strerror or error}") from error
            if not block:
                return
            self.bytes_read += len(block)
            yield block


def _decompressed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for block in blocks:
        first += block
        if len(first) >= _MAGIC_LENGTH:
            break
    again = _chained(first, blocks)
    if first.startswith(_GZIP):
        return _gunzip(again)
    if _ZSTD.match(first):
        return _unzstd(again)
    return again


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
