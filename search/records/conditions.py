"""Trees of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.records.choices import Operator


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison. ``value`` is text, a number of words for ``length``, or for ``published`` a date, a datetime (a
    naive one is UTC), seconds since 1970, or what ``date:`` takes; a list of these for ``in`` and ``nin``."""

    field: str
    op: Operator | str
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them; with none, no condition."""

    items: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - typing has the plain name
    """At least one of them; with none, a condition that nothing meets."""

    items: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Not:
    """The complement."""

    item: Condition


Condition = Compare | All | Any_ | Not
"""A tree of comparisons."""
