"""Bytes to text: encodings detected, line ends made one, lines of bounded length, line numbers kept.

A file that is not UTF-8 in one line is read line by line: what is UTF-8 is read so, the rest in what its letters prove.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from search.ingest.encodings import BEFORE, HIGH, SAMPLE, byte_order_mark, detect, is_latin, is_utf8, legacy
from search.ingest.source import Source, SourceProblem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

RECORD_LIMIT = 50_000_000  # characters in one record, whatever the format
_LONGEST_HELD = 1 << 20  # bytes of a line without end that is not UTF-8
EXCERPT = 500  # characters of a rejected record that are kept


class Line(NamedTuple):
    """A line without its end. Of an overlong one ``text`` has the first characters only, 500 or fewer."""

    number: int
    text: str
    overlong: bool = False


class TextStream:
    """A source as text. Undecodable bytes become U+FFFD, which the source's notes count; ``encoding`` is "ascii" until
    a byte says otherwise."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.encoding = "ascii"
        self._source = source
        self._newlines = 0

    def chunks(self) -> Iterator[str]:
        """The text in pieces of bounded size, with "\\n" for every line end."""
        blocks = self._source.chunks()
        decoder: io.IncrementalNewlineDecoder | None = None
        mark, name = byte_order_mark(self._source.head)
        inner: Lines | Whole | None = None
        if name is not None or self._source.encoding is not None:
            self.encoding = name or self._source.encoding or ""
            # A mark says what most lines are, and no more, where other programs have added theirs.
            inner = Lines("utf-8") if name == "utf-8" else Whole(self.encoding)
            decoder = io.IncrementalNewlineDecoder(inner, translate=True)
        plain = io.IncrementalNewlineDecoder(None, translate=True)
        try:
            for block in blocks:
                data, mark = block[mark:], max(0, mark - len(block))
                if decoder is None and data.isascii():
                    yield self._counted(plain.decode(data.decode("ascii")))
                    continue
                held: SourceProblem | None = None
                if decoder is None:
                    data, final, held = _gather(data, blocks)
                    self.encoding = detect(data, final=final)
                    inner = Lines(self.encoding) if _by_lines(self.encoding) else Whole(self.encoding)
                    decoder = io.IncrementalNewlineDecoder(inner, translate=True)
                    decoder.setstate((b"", plain.getstate()[1]))  # a "\r" may wait for its "\n"
                yield self._counted(decoder.decode(data))
                if held is not None:
                    raise held
            yield self._counted((decoder or plain).decode(b"" if decoder else "", final=True))
        except SourceProblem as problem:
            problem.line = self._newlines + 1
            raise
        finally:
            if inner is not None:
                self._tell(inner)

    def _tell(self, decoder: Lines | Whole) -> None:
        """Note what was read as what."""
        if isinstance(decoder, Lines):
            if decoder.others:
                self._source.note(f"lines read as {decoder.legacy}, not UTF-8", decoder.others)
        elif not self.encoding.startswith(("utf", "ascii")):
            self._source.note(f"files read as {self.encoding}")
        if decoder.replaced:
            self._source.note("characters that could not be decoded", decoder.replaced)

    def lines(self, limit: int = RECORD_LIMIT) -> Iterator[Line]:
        """Each line once it is whole; one of more than ``limit`` characters is passed over in bounded memory."""
        number = 1
        pieces: list[str] = []
        size = 0
        for chunk in self.chunks():
            first, *others = chunk.split("\n")
            if size <= limit:
                pieces.append(first)
            size += len(first)
            for text in others:
                yield _line(number, pieces, size, limit)
                number += 1
                pieces = [text]
                size = len(text)
            if size > limit:
                pieces = ["".join(pieces)[:EXCERPT]]
        if size:
            yield _line(number, pieces, size, limit)

    def _counted(self, text: str) -> str:
        self._newlines += text.count("\n")
        return text


def _line(number: int, pieces: list[str], size: int, limit: int) -> Line:
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    return Line(number, text[:EXCERPT], True) if size > limit else Line(number, text)


def _by_lines(encoding: str) -> bool:
    return encoding == "utf-8" or is_latin(encoding)


class Whole(codecs.IncrementalDecoder):
    """All in one encoding; ``replaced`` counts what could not be decoded."""

    def __init__(self, encoding: str) -> None:
        super().__init__("replace")
        self.replaced = 0
        self._inner = codecs.getincrementaldecoder(encoding)("replace")

    def decode(self, data: Buffer, final: bool = False) -> str:
        """As ``codecs.IncrementalDecoder``."""
        text = self._inner.decode(data, final)
        if not text.isascii():
            self.replaced += text.count("\ufffd")
        return text

    def getstate(self) -> tuple[bytes, int]:
        """As ``codecs.IncrementalDecoder``."""
        return self._inner.getstate()

    def setstate(self, state: tuple[bytes, int]) -> None:
        """As ``codecs.IncrementalDecoder``."""
        self._inner.setstate(state)


class Lines(codecs.IncrementalDecoder):
    """UTF-8, and lines that are not in ``legacy``, which the first of them settle where it is not given. ``others``
    counts these lines, ``replaced`` the characters that could not be decoded."""

    def __init__(self, encoding: str) -> None:
        super().__init__("strict")
        self.legacy = "" if encoding == "utf-8" else encoding
        self.others = 0
        self.replaced = 0
        self._pending = b""

    def decode(self, data: Buffer, final: bool = False) -> str:
        """As ``codecs.IncrementalDecoder``."""
        whole = self._pending + bytes(data)
        try:
            text, used = codecs.utf_8_decode(whole, "strict", final)
        except UnicodeDecodeError:
            return self._by_lines(whole, final)
        self._pending = whole[used:]
        return text

    def getstate(self) -> tuple[bytes, int]:
        """As ``codecs.IncrementalDecoder``."""
        return self._pending, 0

    def setstate(self, state: tuple[bytes, int]) -> None:
        """As ``codecs.IncrementalDecoder``."""
        self._pending = state[0]

    def _by_lines(self, data: bytes, final: bool) -> str:
        lines = data.splitlines(keepends=True)
        # The last may go on; a single one without end is cut, so that memory stays bounded.
        if not final and (len(lines) > 1 or len(data) < _LONGEST_HELD):
            self._pending = lines.pop()
            if not lines:
                return ""
        else:
            self._pending = b""
        if not self.legacy:
            self.legacy = legacy(b"".join(line for line in lines if not is_utf8(line))[:SAMPLE])
        return "".join(map(self._line, lines))

    def _line(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            pass
        self.others += 1
        text = line.decode("utf-8", "replace")
        known = line.count(b"\xef\xbf\xbd")
        broken = text.count("\ufffd") - known
        if sum(not c.isascii() for c in text) - broken - known > broken:  # UTF-8 with a few bytes of something else
            text = line.decode("utf-8", _handler(self.legacy))
        else:
            text = line.decode(self.legacy, "replace")
        self.replaced += max(0, text.count("\ufffd") - known)
        return text


@cache
def _handler(encoding: str) -> str:
    """The name of an error handler of codecs that reads bytes which are no UTF-8 in another encoding."""

    def handle(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        return error.object[error.start : error.end].decode(encoding, "replace"), error.end

    codecs.register_error(f"broadsheet.{encoding}", handle)
    return f"broadsheet.{encoding}"


def _gather(data: bytes, blocks: Iterator[bytes]) -> tuple[bytes, bool, SourceProblem | None]:
    """``data`` and what must follow for its first high byte to be judged with a sample worth the name; whether that
    is all there is; and the problem, if reading broke off."""
    found = HIGH.search(data)
    assert found is not None
    try:
        while len(data) - found.start() < BEFORE:
            block = next(blocks, None)
            if block is None:
                return data, True, None
            data += block
    except SourceProblem as problem:
        return data, False, problem
    return data, False, None
