"""From a query to its parts: the query texts that narrow it, and the dates that it sets.

A text that narrows is the query, its filters and one condition more. It is only given when it says exactly that: it
is read back, and its tree compared with the one that it should have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from search.errors import QueryError
from search.keyword.tree import And, DayRange, InstantRange, Node, Value, joined, members
from search.query import quotes
from search.query.clauses import quoted
from search.query.parsed import ParsedQuery
from search.query.parser import parse
from search.records import Filters

LONGEST = 2000  # characters of a query that is repeated for every value
# In quotation marks and with single ones inside, as conditions may be: what nothing closes in the query must not close
# there.
_PROBE, _PROBE_TEXT = Value("language", "x’ y' z", whole=True), 'lang:="x’ y\' z"'
_MARK = re.compile(rf"[{quotes.MARKS}{quotes.SINGLE}]|``|''|<<|,,")
_SPECIAL = re.compile(rf"[\\()+\-*?!~:/]|{_MARK.pattern}")
_OPERATOR = re.compile(r"AND|OR|NOT|&&|\|\||(?:NEAR|ADJ)[0-9]*|(?i:w|near|pre|onear)/\w+")
_PLAIN_DATE = re.compile(r"[0-9A-Za-z-]+")


def date_conditions(constraint: Node | None) -> tuple[Node | None, int | None, int | None]:
    """The dates that every match must meet, as a tree of their own, and the first and last day that they leave, as
    proleptic ordinals. None: no such condition, an open end."""
    dates = [node for node in members(And, constraint) if isinstance(node, DayRange | InstantRange)]
    starts = [node.start.toordinal() for node in dates if node.start is not None]
    ends = [node.end.toordinal() for node in dates if node.end is not None]
    return joined(And, dates) if dates else None, max(starts, default=None), min(ends, default=None)


class Narrower:
    """Narrows one query. ``literal``, ``filters``, ``now`` and ``where`` are those that it was read with. A tree of
    comparisons among the filters, or a query object of Whoosh's, has no text: then nothing narrows."""

    def __init__(
        self, query: ParsedQuery, *, literal: bool, filters: Filters | None, now: datetime, where: object = None
    ) -> None:
        filters = Filters() if filters is None else filters
        base = _base(query, literal, filters, now) if where is None and filters.conditions is None else None
        clauses = _filter_clauses(filters)
        self._before = None if base is None else "".join(f"{text} " for text in (base, *clauses) if text)

    def text(self, clause: str | None) -> str | None:
        """The query that asks for ``clause`` as well; None where no text does."""
        return None if clause is None or self._before is None else self._before + clause


def _base(query: ParsedQuery, literal: bool, filters: Filters, now: datetime) -> str | None:
    """The query in a form that a condition can follow."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in query.text).split())
    if not plain or (plain == "*" and not literal):
        return ""
    if len(plain) > LONGEST:
        return None
    escaped = " ".join(map(_escaped, plain.split()))
    unmarked = _MARK.sub(r"\\\g<0>", plain)
    for text in (escaped,) if literal else (f"({plain})", plain, f"+{plain}", f"({unmarked})", escaped):
        try:
            narrowed = parse(f"{text} {_PROBE_TEXT}", now=now, filters=filters)
        except QueryError:
            continue
        conditions = members(And, narrowed.constraint)
        if narrowed.words == query.words and _without_last(conditions, _PROBE) == members(And, query.constraint):
            return text
    return None


def _without_last(nodes: Sequence[Node], node: Node) -> tuple[Node, ...] | None:
    """The nodes less the last one that equals ``node``; None where none does."""
    places = [place for place, other in enumerate(nodes) if other == node]
    return (*nodes[: places[-1]], *nodes[places[-1] + 1 :]) if places else None


def _escaped(word: str) -> str:
    """A word whose signs mean themselves."""
    if _OPERATOR.fullmatch(word):
        return "\\" + word
    return _SPECIAL.sub(r"\\\g<0>", word)


def _filter_clauses(filters: Filters) -> list[str]:
    """The filters as query text. An empty list of values has none, but matches nothing that could be narrowed."""
    clauses = []
    if filters.since is not None and filters.until is not None:
        clauses.append(f"date:{_date(filters.since + '..' + filters.until)}")
    elif filters.since is not None:
        clauses.append(f"since:{_date(filters.since)}")
    elif filters.until is not None:
        clauses.append(f"until:{_date(filters.until)}")
    for field, values in (
        ("source", filters.sources),
        ("by", filters.authors),
        ("section", filters.sections),
        ("lang", filters.languages),
    ):
        if values:
            names = [quoted(value) for value in ([values] if isinstance(values, str) else values)]
            clauses.append(f"{field}:{names[0]}" if len(names) == 1 else f"{field}:({' OR '.join(names)})")
    return clauses


def _date(text: str) -> str:
    return text if _PLAIN_DATE.fullmatch(text.replace("..", "-")) else quoted(text)
