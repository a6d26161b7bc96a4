"""JSON lines: one object a line, one article an object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from search.ingest.decode import EXCERPT, RECORD_LIMIT, TextStream
from search.ingest.fields import BadRecord, json_type
from search.ingest.formats.base import Format, Record
from search.ingest.formats.json_shapes import shaped
from search.ingest.formats.json_wrappers import articles_in
from search.ingest.source import Head, Source
from search.records import Rejection

TOO_LONG = f"the record is longer than {RECORD_LIMIT // 1_000_000} million characters"

# Raw tabs in strings are let pass, and NaN is no value.
DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None)


def recognises(head: Head) -> bool:
    """It begins with an object, and one of the first lines holds an object from end to end."""
    text = head.text.lstrip()
    if re.match(r'\{[ \t]*["}]', text) is None:
        return False
    lines = (line.strip() for line in text.split("\n", 3)[:3])
    return any(line.startswith("{") and line.endswith("}") for line in lines)


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record or a rejection for each line that is not blank."""
    for number, text, overlong in TextStream(source).lines():
        if overlong:
            yield Rejection(source=source.name, line=number, reason=TOO_LONG, record=text)
        elif text and not text.isspace():
            try:
                values = _values(text)
            except BadRecord as error:
                yield Rejection(source=source.name, line=number, reason=str(error), record=text[:EXCERPT])
            except (ValueError, RecursionError) as error:
                yield Rejection(source=source.name, line=number, reason=json_fault(error), record=text[:EXCERPT])
            else:
                for value in values:
                    yield from records_in(value, source.name, number, text[:EXCERPT])


def _values(text: str) -> list[Mapping[str, Any]]:
    """The object in a line, or several where a writer lost the end of a line between them. Raises BadRecord, and what
    the decoder raises."""
    values: list[Mapping[str, Any]] = []
    place, text = 0, text.strip()
    while place < len(text):
        try:
            value, place = DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            if not values:
                raise
            raise json.JSONDecodeError("Extra data", text, place) from error
        if not isinstance(value, Mapping):
            raise BadRecord(no_object(value))
        values.append(value)
        while text[place : place + 1].isspace():
            place += 1
    return values


def records_in(value: Mapping[str, Any], name: str, line: int, excerpt: str) -> Iterator[Record | Rejection]:
    """The articles that an object is or holds, and a rejection for each member of their list that is no object."""
    for record in articles_in(value):
        if isinstance(record, Mapping):
            yield Record(shaped(record), line, excerpt)
        else:
            yield Rejection(source=name, line=line, reason=no_object(record), record=excerpt)


def no_object(value: Any) -> str:
    """Why a decoded JSON value is no record."""
    return f"a record must be a JSON object, not {json_type(value)}"


def json_fault(error: Exception) -> str:
    """What a JSON decoder's exception means, in a line."""
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} (character {error.pos + 1} of the record)"
    return f"not readable JSON: {'nested too deeply' if isinstance(error, RecursionError) else 'a number too long'}"


FORMAT = Format(
    name="jsonl", title="JSON lines", recognises=recognises, read=read, extensions=(".jsonl", ".ndjson", ".jl")
)
