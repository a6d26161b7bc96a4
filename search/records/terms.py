"""Words and phrases that set a match set apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from search.declarations import told
from search.records.choices import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word, in its most frequent spelling, or a phrase of two: how often it occurs in what matches, in how many
    articles, and in all articles together; how far that sets these apart, in standard deviations (``score``); and the
    query that asks for it as well (None: no query can)."""

    term: str
    score: float = field(metadata=told("How far it sets these articles apart, in standard deviations.", digits=3))
    count: int
    articles: int
    everywhere: int = field(metadata=told("Occurrences in all articles; of a period's, in all that match."))
    query: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPeriod:
    """One period, from day ``start`` to day ``end``: how many ``articles`` match in it, and what sets these apart from
    those of the other periods."""

    label: str
    start: date
    end: date
    articles: int
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What sets a match set of ``total`` articles apart from the rest of the archive, the most telling first, and by
    period where that was asked for; ``undated`` of the articles are in no period."""

    query: str
    by: Period | None
    total: int
    undated: int
    terms: tuple[Term, ...]
    periods: tuple[TermsPeriod, ...]
    notes: tuple[str, ...] = ()
    took_ms: float
