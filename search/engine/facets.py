"""Facets and timelines: what a whole match set is made of, with the queries that narrow it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from search.engine.counts import Names, Period, count_dates, count_names, count_periods, label
from search.errors import UsageError
from search.query.drilldown import Narrower, date_conditions, value_clause
from search.storage.columns import MISSING_INSTANT
from search.storage.segments import COLUMNS

if TYPE_CHECKING:
    from search.engine.request import Request
    from search.engine.view import Searcher
    from search.query import ParsedQuery


class FacetField(StrEnum):
    """What can be counted, in the order in which it is shown."""

    SOURCE = "source"
    AUTHOR = "author"
    SECTION = "section"
    AGENCY = "agency"
    LANGUAGE = "language"
    YEAR = "year"
    MONTH = "month"


_lock = threading.Lock()
_known: WeakKeyDictionary[Searcher, dict[FacetField, Names]] = WeakKeyDictionary()
# The query language's name for a field, where it is another one.
_ASKED_BY = {FacetField.AUTHOR: "by", FacetField.LANGUAGE: "lang"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """A value, how many articles of the match set have it, and the query that finds just these, as of the same instant
    (None: no query can)."""

    value: str
    count: int
    query: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The values of one field by count, then name. ``distinct`` counts all values, shown or not; ``none`` the articles
    that no value counts."""

    field: FacetField
    values: tuple[FacetValue, ...]
    distinct: int
    none: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Facets of a match set of ``total`` articles."""

    query: str
    total: int
    took_ms: float
    facets: tuple[Facet, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One period from day ``start`` to day ``end``, both included: how many articles match, how many ``articles`` there
    are (under the query's own dates), and the query that finds those that match (None: no query can)."""

    label: str
    start: date
    end: date
    count: int
    articles: int
    query: str | None

    @property
    def share(self) -> float:
        """The part of the articles in the period that match, 0 to 1; 0 where there are none."""
        return self.count / self.articles if self.articles else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A match set of ``total`` articles over time, without gaps; ``undated`` of them are in no bucket."""

    query: str
    by: Period
    total: int
    undated: int
    took_ms: float
    buckets: tuple[Bucket, ...]
    notes: tuple[str, ...] = ()


def facets(
    searcher: Searcher, request: Request, fields: Iterable[FacetField | str] | None, limit: int | None
) -> Facets:
    """Count the match set of a request by each field (None: all), and show the ``limit`` most frequent values (None:
    all of them).

    Values that differ in case, accents or punctuation alone are one, as they are to ``field:=``. An author's count
    includes the articles of an agency of that name, as ``by:=`` does.
    """
    began = time.perf_counter()
    wanted = list(FacetField) if fields is None else list(dict.fromkeys(_choice(FacetField, one) for one in fields))
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be 1 or more, not {limit}")
    parsed, as_of, now = searcher.parse(request)
    mask = searcher.match(parsed, searcher.visible(as_of))
    narrow = Narrower(request.query, literal=request.literal, filters=request.filters, now=now)
    found = []
    for field in wanted:
        if field in (FacetField.YEAR, FacetField.MONTH):
            counted = count_dates(searcher.columns.day, mask, Period(field), limit)
        else:
            counted = count_names(_names(searcher, field), mask, limit)
        values = tuple(
            FacetValue(value=value, count=count, query=narrow.text(_clause(field, value)))
            for value, count in counted.values
        )
        found.append(Facet(field=field, values=values, distinct=counted.distinct, none=counted.none))
    return Facets(
        query=request.query,
        total=int(np.count_nonzero(mask)),
        took_ms=_since(began),
        facets=tuple(found),
        notes=_notes(searcher, parsed, as_of),
    )


def timeline(searcher: Searcher, request: Request, by: Period | str) -> Timeline:
    """Count the match set of a request by period, in the articles' own local days.

    Periods run without gaps from the first match to the last, or between the dates that the query sets. Raises
    UsageError where these would be too many.
    """
    began = time.perf_counter()
    length: Period = _choice(Period, by)
    parsed, as_of, now = searcher.parse(request)
    visible = searcher.visible(as_of)
    mask = searcher.match(parsed, visible)
    dates, first_day, last_day = date_conditions(parsed.constraint)
    within = visible if dates is None else searcher.view(visible).match(dates)
    found = count_periods(searcher.columns.day, mask, within, length, first_day, last_day)
    narrow = Narrower(request.query, literal=request.literal, filters=request.filters, now=now)
    buckets = []
    for first, after, count, articles in zip(*(column.tolist() for column in found), strict=True):
        start, end = date.fromordinal(first), date.fromordinal(after - 1)
        name = label(start, length)
        query = narrow.text(f"date:{name}..{end}" if length is Period.WEEK else f"date:{name}")
        buckets.append(Bucket(label=name, start=start, end=end, count=count, articles=articles, query=query))
    total = int(np.count_nonzero(mask))
    return Timeline(
        query=request.query,
        by=length,
        total=total,
        undated=total - int(found.counts.sum()),
        took_ms=_since(began),
        buckets=tuple(buckets),
        notes=_notes(searcher, parsed, as_of),
    )


def _names(searcher: Searcher, field: FacetField) -> Names:
    """The names of a field, which are looked up once for each snapshot."""
    with _lock:
        known = _known.setdefault(searcher, {})
        if field not in known:
            fields = ("author", "agency") if field is FacetField.AUTHOR else (str(field),)
            known[field] = Names(searcher.snapshot.parts.get(COLUMNS, []), fields)
        return known[field]


def _clause(field: FacetField, value: str) -> str | None:
    """The condition that asks for a facet's value."""
    if field in (FacetField.YEAR, FacetField.MONTH):
        return f"date:{value}"
    return value_clause(_ASKED_BY.get(field, field), value)


def _notes(searcher: Searcher, parsed: ParsedQuery, as_of: datetime | None) -> tuple[str, ...]:
    if as_of is None:
        return parsed.notes
    undated = searcher.snapshot.live & (searcher.columns.published == MISSING_INSTANT)
    hidden = int(np.count_nonzero(undated))
    said = "1 article without a date is" if hidden == 1 else f"{hidden:,} articles without a date are"
    return (*parsed.notes, f"{said} hidden by --as-of") if hidden else parsed.notes


def _choice(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        name = "field to count by" if kind is FacetField else "period"
        raise UsageError(f"{value!r} is no {name}; use one of {', '.join(kind)}") from None


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
