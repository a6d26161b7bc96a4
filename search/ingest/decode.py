"""Bytes to text: encodings detected, line ends made one, lines of bounded length, line numbers kept."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import NamedTuple

from search.ingest.encodings import BEFORE, HIGH, byte_order_mark, detect
from search.ingest.source import Source, SourceProblem

RECORD_LIMIT = 50_000_000  # characters in one record, whatever the format
EXCERPT = 500  # characters of a rejected record that are kept


class Line(NamedTuple):
    """A line without its end. Of an overlong one ``text`` has the first characters only, 500 or fewer."""

    number: int
    text: str
    overlong: bool = False


class TextStream:
    """A source as text. Undecodable bytes become U+FFFD; ``encoding`` is "ascii" until a byte says otherwise."""

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
        if name is not None:
            self.encoding = name
            decoder = _decoder(name)
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
                    decoder = _decoder(self.encoding)
                    decoder.setstate((b"", plain.getstate()[1]))  # a "\r" may wait for its "\n"
                yield self._counted(decoder.decode(data))
                if held is not None:
                    raise held
            yield self._counted((decoder or plain).decode(b"" if decoder else "", final=True))
        except SourceProblem as problem:
            problem.line = self._newlines + 1
            raise

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


def _decoder(encoding: str) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)


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
