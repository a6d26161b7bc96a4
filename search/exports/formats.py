"""Results as JSON, JSON lines, CSV and ids: exact and stable, for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from search.declarations import columns, row, values
from search.exports.plain import clean, line
from search.records import Hit

# What a spreadsheet takes for a formula, in either width.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
# JSON leaves these in a string as they are; escaped, the string is the same and cannot steer a terminal.
_UNSAFE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON that reads back exactly and prints safely. A value from ``extra`` that is no JSON becomes its text, and a
    number that JSON lacks becomes null."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, indent=indent, default=str)
    return escaped(text)


def escaped(text: str) -> str:
    """JSON that says the same and cannot steer a terminal."""
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def json_lines(hits: Iterable[Hit], query_id: str | None = None) -> list[str]:
    """One hit a line, in a batch with the id of its query."""
    before: Mapping[str, Any] = {} if query_id is None else {"query_id": query_id}
    return [dumps({**before, **values(hit)}) for hit in hits]


def cell(text: str) -> str:
    """Text for one CSV cell. What a spreadsheet would run as a formula gets an apostrophe before it."""
    safe = clean(text)
    return "'" + safe if text.startswith(_FORMULA) or safe.lstrip().startswith(_FORMULA) else safe


def csv_header(*, batch: bool = False, kind: type[Any] = Hit) -> str:
    """The first line of a CSV file of hits, or of other records, of this kind."""
    return _csv_line([*(["query_id"] if batch else []), *_columns(kind)])


def _columns(kind: Any) -> tuple[str, ...]:
    return columns(kind)


def csv_table(hits: Iterable[Hit]) -> Iterator[str]:
    """The lines of a CSV file of hits of one kind."""
    listed = list(hits)
    yield csv_header(kind=type(listed[0]) if listed else Hit)
    yield from csv_lines(listed)


def csv_lines(hits: Iterable[Any], query_id: str | None = None) -> list[str]:
    """One hit, or other record, a line; several authors are parted by semicolons."""
    before = [] if query_id is None else [cell(query_id)]
    lines = []
    for hit in hits:
        lines.append(_csv_line([*before, *map(_cell, row(hit).values())]))
    return lines


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell(value) if isinstance(value, str) else value


def ids(hits: Iterable[Hit]) -> list[str]:
    """One id a line."""
    return [line(hit.article.id) for hit in hits]


def _csv_line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)  # what ends lines is what gets quoted in cells
    return buffer.getvalue()[:-1]
