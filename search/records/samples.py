"""Samples of a match set, for coders."""

from __future__ import annotations

from dataclasses import dataclass, field

from search.declarations import told
from search.records.choices import Allocation, FacetField
from search.records.results import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Articles of a match set that have one ``value`` ("" for none), and how many of them were drawn."""

    value: str
    articles: int
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Articles drawn from a match set of ``total``: ``hits`` in the order in which they were drawn, of all strata, so
    that their beginning is a sample, too. ``stories``: how many there were to draw from, where copies of one text are
    one."""

    query: str
    seed: int
    by: FacetField | None
    allocation: Allocation
    total: int
    stories: int | None = field(
        default=None, metadata=told("How many stories there were to draw from, where copies of one text are one.")
    )
    strata: tuple[Stratum, ...]
    notes: tuple[str, ...]
    hits: tuple[Hit, ...]
    took_ms: float = field(compare=False)
