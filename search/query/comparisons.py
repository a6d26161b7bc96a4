"""Filters as data, for callers that speak no query language: trees of comparisons become query-language text.

What comes out are hard conditions, so they bind both legs. Equality of names is that of ``field:=``: letter case,
punctuation and spacing aside. A title equals a value that it contains as a phrase. A day is an article's own local
day, as in ``date:``; a moment is UTC. ``ne`` and ``nin`` are the exact complements of ``eq`` and ``in``: an article
without the field meets them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from search.errors import QueryError, UsageError
from search.keyword.tree import Id
from search.query.drilldown import Narrower, quoted, value_clause
from search.query.fields import has_word
from search.query.parser import parse
from search.records import Filters

MAX_DEPTH = 20
MAX_COMPARISONS = 1000
NOTHING = "(id:x AND NOT id:x)"

_NAMED = {"source": "source", "author": "by", "section": "section", "language": "lang", "agency": "agency"}
FIELDS = (*_NAMED, "title", "id", "published", "length")
_MOST_WORDS = 999_999_999  # what length: reads


class Operator(StrEnum):
    """How a field is compared with a value, or with a list of values (``in``, ``nin``)."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"


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

    items: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - typing has the plain name
    """At least one of them; with none, a condition that nothing meets."""

    items: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Not:
    """The complement."""

    item: Node


Node = Compare | All | Any_ | Not
_Clause = str | bool  # True: everything meets it, False: nothing does


def to_query(tree: Node) -> str:
    """The tree as one clause of the query language, in parentheses where it has several parts; empty where it is no
    condition. Raises UsageError for a field, operator, value or nesting that cannot be served, with its name."""
    clause = _Writer().clause(tree, 0)
    if isinstance(clause, str):
        return clause
    return "" if clause else NOTHING


def narrowed(query: str, tree: Node | None, *, literal: bool = False, now: datetime | None = None) -> str:
    """The query with a tree's conditions added, whatever the query ends with; to be searched without ``literal``.

    Raises UsageError as ``to_query`` does, and where no text says both; QueryError where the query does not parse.
    """
    clause = "" if tree is None else to_query(tree)
    if not clause and not literal:
        return query
    if not query.strip():
        return clause
    present = datetime.now(UTC) if now is None else now
    parse(query, now=present, literal=literal)  # its own mistakes are told as such
    text = Narrower(query, literal=literal, filters=Filters(), now=present).text(clause)
    if text is None:
        raise UsageError("this query is too long, or too unusual, to be joined with filters; shorten it")
    return text


class _Writer:
    def __init__(self) -> None:
        self.left = MAX_COMPARISONS

    def clause(self, node: Node, depth: int) -> _Clause:
        if depth > MAX_DEPTH:
            raise UsageError(f"filters are nested more than {MAX_DEPTH} deep; flatten them")
        if isinstance(node, Compare):
            return self.compare(node)
        if isinstance(node, Not):
            return _not(self.clause(node.item, depth + 1))
        if isinstance(node, All):
            return _join("AND", [self.clause(item, depth + 1) for item in _listed(node.items, "and")])
        if isinstance(node, Any_):
            return _join("OR", [self.clause(item, depth + 1) for item in _listed(node.items, "or")])
        raise UsageError(f"a filter is a comparison, or some of them joined by and, or, not; not {type(node).__name__}")

    def compare(self, node: Compare) -> _Clause:
        if node.field not in FIELDS:
            raise UsageError(f"there is no field {node.field!r} to filter by; use one of {', '.join(FIELDS)}")
        try:
            operator = Operator(node.op)
        except ValueError:
            raise UsageError(f"{node.op!r} is not a comparison; use one of {', '.join(Operator)}") from None
        if operator in (Operator.IN, Operator.NIN):
            values = _listed(node.value, f"{node.field} {operator}")
            found = _join("OR", [self.one(node.field, Operator.EQ, value) for value in values])
            return _not(found) if operator is Operator.NIN else found
        if operator is Operator.NE:
            return _not(self.one(node.field, Operator.EQ, node.value))
        return self.one(node.field, operator, node.value)

    def one(self, field: str, operator: Operator, value: Any) -> _Clause:
        self.left -= 1
        if self.left < 0:
            raise UsageError(f"filters have more than {MAX_COMPARISONS:,} comparisons; use fewer")
        if field == "published":
            return _published(operator, value)
        if field == "length":
            return _length(operator, value)
        if operator is not Operator.EQ:
            raise UsageError(f"{field} is text: it takes eq, ne, in and nin, not {operator}")
        if not isinstance(value, str):
            raise UsageError(f"{field} is compared with text, not with {_kind(value)}")
        clause = _id(value) if field == "id" else _title(value) if field == "title" else _name(field, value)
        if clause is None:
            raise UsageError(f"{field}: no query can ask for {_shown(value)}; it has no word or number to look for")
        return clause


def _name(field: str, value: str) -> str | None:
    return value_clause(_NAMED[field], value)


def _title(value: str) -> str | None:
    printable = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return f"title:{quoted(printable)}" if has_word(printable) else None


def _id(value: str) -> str | None:
    """An id is compared letter by letter, so the clause is read back."""
    escaped = "".join(c if c.isalnum() or c in "_./" else "\\" + c for c in value)
    for text in (f"id:{quoted(value)}", f"id:{escaped}"):
        try:
            read = parse(text, now=datetime.now(UTC))
        except QueryError:
            continue
        if read.constraint == Id((value,)) and not read.words:
            return text
    return None


_DATED = {
    Operator.EQ: "date",
    Operator.GT: "after",
    Operator.GTE: "since",
    Operator.LT: "before",
    Operator.LTE: "until",
}


def _published(operator: Operator, value: Any) -> _Clause:
    clause = f"{_DATED[operator]}:{quoted(_date(value))}"
    try:
        parse(clause, now=datetime.now(UTC))
    except QueryError as error:
        raise UsageError(f"published {operator} {_shown(str(value))}: {error}") from None
    return clause


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


def _length(operator: Operator, value: Any) -> _Clause:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise UsageError(f"length is compared with a number of words, not with {_kind(value)}")
    if operator is Operator.EQ:
        whole = 0 <= value <= _MOST_WORDS and value == math.floor(value)
        return f"length:{int(value)}" if whole else False
    if operator in (Operator.GT, Operator.GTE):
        if value < 0 or (value == 0 and operator is Operator.GTE):
            return True
        if value >= _MOST_WORDS:
            return False
        return f"length:>={math.floor(value) + 1 if operator is Operator.GT else math.ceil(value)}"
    if value < 0 or (value == 0 and operator is Operator.LT):
        return False
    if value >= _MOST_WORDS:
        return True
    return f"length:<={math.ceil(value) - 1 if operator is Operator.LT else math.floor(value)}"


def _join(word: str, clauses: list[_Clause]) -> _Clause:
    absorbing: Callable[[_Clause], bool] = (lambda one: one is False) if word == "AND" else (lambda one: one is True)
    if any(map(absorbing, clauses)):
        return word == "OR"
    texts = list(dict.fromkeys(one for one in clauses if isinstance(one, str)))
    if not texts:
        return word == "AND"
    return texts[0] if len(texts) == 1 else f"({f' {word} '.join(texts)})"


def _not(clause: _Clause) -> _Clause:
    return f"(NOT {clause})" if isinstance(clause, str) else not clause


def _listed(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | set | frozenset):
        raise UsageError(f"{what} takes a list, not {_kind(value)}")
    return list(value)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _shown(text: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text[:60])
    return repr(printable + ("…" if len(text) > 60 else ""))
