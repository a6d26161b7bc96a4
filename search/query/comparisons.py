"""Filters as data, for callers that speak no query language: trees of comparisons become conditions.

They bind both legs. Equality of names is that of ``field:=``: letter case, punctuation and spacing aside. A title
equals a value that it contains as a phrase. A day is an article's own local day, as in ``date:``; a moment is UTC.
``ne`` and ``nin`` are the exact complements of ``eq`` and ``in``: an article without the field meets them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from search.errors import QueryError, UsageError
from search.keyword.tree import Every, Id, Length, Node, Nothing, Word, both, either
from search.keyword.tree import Not as Without
from search.query import fields
from search.records import All, Any_, Compare, Condition, Not, Operator

__all__ = ["FIELDS", "MAX_COMPARISONS", "MAX_DEPTH", "All", "Any_", "Compare", "Condition", "Not", "Operator", "node"]

MAX_DEPTH = 20
MAX_COMPARISONS = 1000

_NAMED = {"source": "source", "author": "by", "section": "section", "language": "lang", "agency": "agency"}
FIELDS = (*_NAMED, "title", "id", "published", "length")
_MOST_WORDS = 999_999_999  # what length: reads
_DATED = {
    Operator.EQ: "date",
    Operator.GT: "after",
    Operator.GTE: "since",
    Operator.LT: "before",
    Operator.LTE: "until",
}


def node(condition: Condition, now: datetime) -> Node | None:
    """The condition as a tree of the query language's nodes; None where every article meets it.

    ``now`` is what dates are relative to. Raises UsageError for a field, operator, value or nesting that cannot be
    served, with its name.
    """
    tree = _Reader(now).read(condition, 0)
    return None if tree == Every() else tree


class _Reader:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.left = MAX_COMPARISONS

    def read(self, condition: Condition, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise UsageError(f"filters are nested more than {MAX_DEPTH} deep; flatten them")
        if isinstance(condition, Compare):
            return self._comparison(condition)
        if isinstance(condition, Not):
            return _without(self.read(condition.item, depth + 1))
        if isinstance(condition, All):
            return _all([self.read(item, depth + 1) for item in _listed(condition.items, "and")])
        if isinstance(condition, Any_):
            return _any([self.read(item, depth + 1) for item in _listed(condition.items, "or")])
        raise UsageError(
            f"a filter is a comparison, or some of them joined by and, or, not; not {type(condition).__name__}"
        )

    def _comparison(self, comparison: Compare) -> Node:
        field, value = comparison.field, comparison.value
        if field not in FIELDS:
            raise UsageError(f"there is no field {field!r} to filter by; use one of {', '.join(FIELDS)}")
        try:
            operator = Operator(comparison.op)
        except ValueError:
            raise UsageError(f"{comparison.op!r} is not a comparison; use one of {', '.join(Operator)}") from None
        if operator in (Operator.IN, Operator.NIN):
            values = _listed(value, f"{field} {operator}")
            any_of_them = _any([self._compared(field, Operator.EQ, item) for item in values])
            return _without(any_of_them) if operator is Operator.NIN else any_of_them
        if operator is Operator.NE:
            return _without(self._compared(field, Operator.EQ, value))
        return self._compared(field, operator, value)

    def _compared(self, field: str, operator: Operator, value: Any) -> Node:
        """A field compared with one value."""
        self.left -= 1
        if self.left < 0:
            raise UsageError(f"filters have more than {MAX_COMPARISONS:,} comparisons; use fewer")
        if field == "published":
            return self._published(operator, value)
        if field == "length":
            return _length(operator, value)
        if operator is not Operator.EQ:
            raise UsageError(f"{field} is text: it takes eq, ne, in and nin, not {operator}")
        if not isinstance(value, str):
            raise UsageError(f"{field} is compared with text, not with {_kind(value)}")
        if not (value if field == "id" else fields.value_key(value)):
            raise UsageError(f"{field}: no query can ask for {_shown(value)}; it has no word or number to look for")
        if field == "id":
            return Id((value,))
        if field == "title":
            return Word("title", " ".join(value.split()))
        return fields.named(_NAMED[field], value, whole=True)

    def _published(self, operator: Operator, value: Any) -> Node:
        try:
            return fields.date_tree(_DATED[operator], _date(value), self.now)
        except QueryError as error:
            raise UsageError(f"published {operator} {_shown(str(value))}: {error}") from None


def _date(value: Any) -> str:
    if isinstance(value, str):
        text = " ".join(value.split())
        if text[:1] in "<>":
            raise UsageError(f"published: {_shown(value)} is no date; the comparison is the operator's")
        return text
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError):
            raise UsageError(f"published: {value!r} seconds since 1970 is no date from 0001 to 9999") from None
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise UsageError(f"published: {value} is outside the years 0001 to 9999") from None
        return moment.strftime(f"{moment.year:04}-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    raise UsageError(f"published is compared with a date, or with seconds since 1970, not with {_kind(value)}")


def _length(operator: Operator, value: Any) -> Node:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise UsageError(f"length is compared with a number of words, not with {_kind(value)}")
    if abs(value) > _MOST_WORDS:
        above = operator in (Operator.GT, Operator.GTE)
        return Nothing() if operator is Operator.EQ or above == (value > 0) else Every()
    low, high = math.ceil(value), math.floor(value)
    least = {Operator.GT: high + 1, Operator.GTE: low, Operator.EQ: low}.get(operator)
    most = {Operator.LT: low - 1, Operator.LTE: high, Operator.EQ: high}.get(operator)
    if (most is not None and most < 0) or (least is not None and most is not None and least > most):
        return Nothing()
    if most is None and least is not None and least <= 0:
        return Every()
    return Length(least, most)


def _all(nodes: Sequence[Node]) -> Node:
    kept = [node for node in dict.fromkeys(nodes) if node != Every()]
    return Nothing() if Nothing() in kept else both(kept) or Every()


def _any(nodes: Sequence[Node]) -> Node:
    kept = [node for node in dict.fromkeys(nodes) if node != Nothing()]
    return Every() if Every() in kept else either(kept) if kept else Nothing()


def _without(node: Node) -> Node:
    if isinstance(node, Every | Nothing):
        return Nothing() if isinstance(node, Every) else Every()
    return Without(node)


def _listed(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | set | frozenset):
        raise UsageError(f"{what} takes a list, not {_kind(value)}")
    return list(value)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _shown(text: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text[:60])
    return repr(printable + ("…" if len(text) > 60 else ""))
