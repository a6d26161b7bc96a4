"""Counts as tables, safe to open in a spreadsheet: for the command line and for the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from search.declarations import values
from search.exports import formats
from search.records import Facets, Timeline

Row = tuple[Any, ...]


def of_facets(found: Facets) -> Iterator[Row]:
    """A head, and a row for each value of each field; without a value, those that have none."""
    yield "field", "value", "count", "query"
    for facet in found.facets:
        for one in facet.values:
            yield str(facet.field), one.value, one.count, one.query
        if facet.none:
            yield str(facet.field), "", facet.none, None


def of_timeline(found: Timeline) -> Iterator[Row]:
    """A head, and a row for each period; where several queries are compared, for each of every one."""
    head = (str(found.by), "start", "end", "count", "articles", "share", "query")
    if not found.series:
        yield head
        yield from (tuple(values(bucket).values()) for bucket in found.buckets)
        return
    yield "series", *head
    for name, buckets in ((found.query, found.buckets), *((one.name, one.buckets) for one in found.series)):
        yield from ((name, *values(bucket).values()) for bucket in buckets)


def text(rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV, without the end of its last line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([formats.cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return buffer.getvalue()[:-1]
