"""JSON as one array of objects, as a single object, or as several values one after the other; and articles in objects
around them, as interfaces answer.

An array is read a member at a time from a buffer of bounded size, and so is the list inside a large object. After a
member that is not valid JSON, reading goes on where the next object begins: behind the end of another, or in a line
of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from search.ingest.decode import EXCERPT, RECORD_LIMIT, TextStream
from search.ingest.formats.base import Format, Record
from search.ingest.formats.json_lines import DECODER, TOO_LONG, json_fault, no_object, records_in
from search.ingest.formats.json_wrappers import Field, list_within, with_fields
from search.ingest.source import Head, Source
from search.records import Rejection

_BETWEEN = re.compile(r"[\s,]*")
_NEXT_OBJECT = re.compile(r"\}[\s,]*(?=\{)")
_OPEN_END = re.compile(r"\}[\s,]*\Z|\n[ \t]{0,200}(?:\{\s{0,200})?\Z")  # what may be where the next object begins
_WRAPPER = 8_000_000  # characters from which on an object is looked into for a list before it is read whole
_WIDEST = 200  # characters before a value that are remembered
_LONGEST_LITERAL = 16  # an error this near the end of the buffer may be a value cut in two


def recognises(head: Head) -> bool:
    """It begins as an array of objects or as an object does."""
    return re.match(r'\s*(?:\[\s*(?:\{|\]|\Z)|\{\s*(?:"|\}|\Z))', head.text) is not None


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record or a rejection for each member of the array, or for each value."""
    return _Reader(source).read()


class _Reader:
    """``buffer[position:]`` is what was read and not yet used; ``line`` is the line of ``position``."""

    def __init__(self, source: Source) -> None:
        self._name = source.name
        self._chunks = TextStream(source).chunks()
        self._buffer = ""
        self._position = 0
        self._line = 1
        self._ended = False  # the buffer holds all the rest
        self._lost = False  # nothing more can be told apart
        self._opened = False  # the list in a large object has just been reached
        self._wrapped = False  # the list read is that of a large object
        self._beside: list[Field] = []  # what that object states for all of them
        self._indent = ""  # what stands before the position in its line

    def read(self) -> Iterator[Record | Rejection]:
        in_array = False
        while not self._lost and self._skip_between():
            character = self._buffer[self._position]
            if character == ("]" if in_array else "["):
                in_array = not in_array
                self._advance(self._position + 1)
                if self._wrapped:
                    return  # behind the list stands what is said of it
            else:
                yield from self._value()
                if self._opened:
                    self._opened, in_array = False, True
        if in_array and not self._lost:
            yield self._rejection("the array has no closing bracket: the file is cut short", "")

    def _value(self) -> Iterator[Record | Rejection]:
        """Read the value at the position and go past it."""
        while True:
            size = len(self._buffer) - self._position
            try:
                value, end = DECODER.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError as error:
                at_end = error.pos >= len(self._buffer) or error.msg.startswith("Unterminated string")
                near_end = at_end or error.pos > len(self._buffer) - _LONGEST_LITERAL
                if near_end and size > _WRAPPER and not self._wrapped and self._open_list():
                    return
                if near_end and size > RECORD_LIMIT:
                    yield self._give_up(TOO_LONG, self._position)
                    return
                if near_end and self._more(size):
                    continue
                place, error.pos = error.pos, error.pos - self._position
                yield self._give_up("the file ends inside this record" if at_end else json_fault(error), place)
                return
            except (ValueError, RecursionError) as error:
                yield self._give_up(json_fault(error), self._position)
                return
            # The digits of a number may go on; of anything else the last character is the end.
            if end == len(self._buffer) and self._buffer[end - 1] not in '"}]' and self._more(1):
                continue
            yield from self._use(value, end)
            return

    def _open_list(self) -> bool:
        """Go to the first member of the list of articles in the large object at the position, if there is one."""
        if self._buffer[self._position] != "{":
            return False
        found = list_within(self._buffer, self._position, DECODER.raw_decode)
        if found is None:
            return False
        place, self._beside = found
        self._advance(place)
        self._opened = self._wrapped = True
        return True

    def _use(self, value: object, end: int) -> Iterator[Record | Rejection]:
        excerpt = self._buffer[self._position : min(end, self._position + EXCERPT)]
        line, long = self._line, end - self._position > RECORD_LIMIT
        self._advance(end)
        if long:
            yield Rejection(source=self._name, line=line, reason=TOO_LONG, record=excerpt)
        elif isinstance(value, Mapping):
            yield from records_in(with_fields(value, self._beside), self._name, line, excerpt)
        else:
            yield Rejection(source=self._name, line=line, reason=no_object(value), record=excerpt)

    def _give_up(self, reason: str, place: int) -> Rejection:
        """Reject the value at the position, and go to where the next object begins: behind the end of another after
        ``place``, or in a line of its own that is not indented more than this value."""
        begin = self._position
        excerpt = self._buffer[begin : begin + EXCERPT]
        line = self._line
        own_line = re.compile(rf"\n[ \t]{{0,{_depth(self._indent)}}}(?=\{{\s*[\"}}])")
        first = own_line.search(self._buffer, begin + 1)
        while (found := _earlier(_NEXT_OBJECT.search(self._buffer, place), first)) is None:
            tail = _OPEN_END.search(self._buffer, place)
            self._advance(tail.start() if tail is not None else len(self._buffer))
            if not self._more(1):
                self._lost = True
                break
            place = self._position
            first = own_line.search(self._buffer, place)
            begin = -1  # the record began before the buffer
        if found is not None:
            if begin >= 0:
                excerpt = excerpt[: found.start() + self._buffer.startswith("}", found.start()) - begin]
            self._advance(found.end())
        return Rejection(source=self._name, line=line, reason=reason, record=excerpt)

    def _skip_between(self) -> bool:
        """Go past white space and commas; False at the end of the input."""
        while True:
            found = _BETWEEN.match(self._buffer, self._position)
            assert found is not None
            self._advance(found.end())
            if self._position < len(self._buffer):
                return True
            if not self._more(1):
                return False

    def _advance(self, position: int) -> None:
        self._line += self._buffer.count("\n", self._position, position)
        start = self._buffer.rfind("\n", self._position, position) + 1
        passed = self._buffer[max(start or self._position, position - _WIDEST) : position]
        self._indent = passed if start else (self._indent + passed)[-_WIDEST:]
        self._position = position

    def _more(self, size: int) -> bool:
        """Add ``size`` characters or more to the buffer and drop the used ones; False, and nothing done, at the end
        of the input. Asking for as much as is there keeps the work on one long record linear."""
        if self._ended:
            return False
        pieces = [self._buffer[self._position :]]
        got = 0
        for chunk in self._chunks:
            pieces.append(chunk)
            got += len(chunk)
            if got >= size:
                break
        else:
            self._ended = True
        if got == 0:
            return False
        self._buffer = "".join(pieces)
        self._position = 0
        return True

    def _rejection(self, reason: str, record: str) -> Rejection:
        return Rejection(source=self._name, line=self._line, reason=reason, record=record)


def _depth(indent: str) -> int:
    """The white space before a value that begins a line; 0 for one that does not."""
    return len(indent) if not indent.strip(" \t") else 0


def _earlier(one: re.Match[str] | None, other: re.Match[str] | None) -> re.Match[str] | None:
    """The match that begins first."""
    return min((match for match in (one, other) if match is not None), key=lambda match: match.end(), default=None)


FORMAT = Format(name="json", title="JSON", recognises=recognises, read=read, extensions=(".json",))
