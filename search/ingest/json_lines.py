"""JSON lines: one object a line, one article an object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from search.ingest.decode import EXCERPT, RECORD_LIMIT, TextStream
from search.ingest.fields import BadRecord, json_type, to_article
from search.ingest.source import Source
from search.records import Article, Rejection

NAME = "jsonl"
EXTENSIONS: tuple[str, ...] = (".jsonl", ".ndjson", ".jl")

TOO_LONG = f"the record is longer than {RECORD_LIMIT // 1_000_000} million characters"

# Raw tabs in strings are let pass, and NaN is no value.
DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None)


def recognises(head: str) -> bool:
    """The first line holds an object from end to end."""
    first = head.lstrip().partition("\n")[0].rstrip()
    return first.startswith("{") and first.endswith("}")


def fault(head: str) -> str | None:
    """Nothing at the start of a file condemns all of it."""
    return None


def read(source: Source) -> Iterator[Article | Rejection]:
    """An article or a rejection for each line that is not blank."""
    stream = TextStream(source)
    for number, text, overlong in stream.lines():
        if overlong:
            yield Rejection(source=source.name, line=number, reason=TOO_LONG, record=text)
        elif text and not text.isspace():
            yield _article(source.name, number, text)


def _article(name: str, number: int, text: str) -> Article | Rejection:
    try:
        return object_to_article(DECODER.decode(text))
    except BadRecord as error:
        reason = str(error)
    except (ValueError, RecursionError) as error:
        reason = json_fault(error)
    return Rejection(source=name, line=number, reason=reason, record=text[:EXCERPT])


def object_to_article(value: Any) -> Article:
    """The article of a decoded JSON value. Raises ``BadRecord``."""
    if not isinstance(value, Mapping):
        raise BadRecord(f"a record must be a JSON object, not {json_type(value)}")
    return to_article(value)


def json_fault(error: Exception) -> str:
    """What a JSON decoder's exception means, in a line."""
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} (character {error.pos + 1} of the record)"
    return f"not readable JSON: {'nested too deeply' if isinstance(error, RecursionError) else 'a number too long'}"
