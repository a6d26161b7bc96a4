"""Facets and timelines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from search.declarations import also_told, told
from search.records.choices import FacetField, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """A value, how many articles of the match set have it, the query that finds just these, as of the same instant, and
    the one that finds all others (None: no query can)."""

    value: str
    count: int
    query: str | None
    others: str | None = field(default=None, metadata=told("The query that leaves out the articles of this value."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The values of one field by count, then name. ``distinct`` counts all values, shown or not; ``none`` the articles
    that no value counts."""

    field: FacetField
    distinct: int
    none: int
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Facets of a match set of ``total`` articles. With ``stories`` the counts are of these, each once for a value."""

    query: str
    total: int
    stories: int | None = field(
        default=None, metadata=told("How many stories these are, where copies of one text count once.")
    )
    facets: tuple[Facet, ...] = field(metadata=told(by="field"))
    notes: tuple[str, ...] = ()
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One period from day ``start`` to day ``end``, both included: how many articles match, how many ``articles`` there
    are (under the query's own dates), and the query that finds those that match (None: no query can)."""

    label: str
    start: date
    end: date
    count: int
    articles: int = field(metadata=told("All articles of the period, matching or not."))
    query: str | None

    @property
    @also_told(digits=6, after="articles")
    def share(self) -> float:
        """The part of the articles in the period that match, 0 to 1; 0 where there are none."""
        return self.count / self.articles if self.articles else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Another query, or a source, beside a timeline: its ``name``, and its counts in the same periods. The share of a
    source is that of its own articles."""

    name: str
    total: int
    stories: int | None = field(
        default=None, metadata=told("How many stories these are, where copies of one text count once.")
    )
    undated: int
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A match set of ``total`` articles over time, without gaps; ``undated`` of them are in no bucket. With ``stories``
    the counts are of these, each once in a bucket."""

    query: str
    by: Period
    total: int
    stories: int | None = field(
        default=None, metadata=told("How many stories these are, where copies of one text count once.")
    )
    undated: int
    buckets: tuple[Bucket, ...]
    series: tuple[Series, ...] = field(
        default=(), metadata=told("Other queries, or the sources that have most, in the same periods.")
    )
    notes: tuple[str, ...] = ()
    took_ms: float
