"""The conditions of a query, each in words and with the query that lacks it: what a page shows to be taken away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from search.errors import QueryError
from search.keyword.tree import And, Node, members
from search.query import quotes
from search.query.description import condition
from search.query.parsed import ParsedQuery
from search.query.parser import parse

_MOST = 40  # stretches of a query that are tried
_STRETCH = re.compile(r"\S+")
_QUOTES = frozenset(re.findall(r"\\?(.)", quotes.MARKS))


class Removable(NamedTuple):
    """A condition in words, and the text of the query without it; None where no shorter text asks for just the rest."""

    words: str
    without: str | None


def removable(query: ParsedQuery, now: datetime) -> list[Removable]:
    """The conditions of a query that was read without filters, in order. A text is only given when it was read back
    and lacks this condition and nothing else."""
    conditions = members(And, query.constraint)
    if not conditions:
        return []
    shorter: dict[int, str] = {}
    for text in _shorter(query.text):
        place = _lacking(text, query, conditions, now)
        if place is not None:
            shorter.setdefault(place, text)
    return [Removable(condition(node), shorter.get(place)) for place, node in enumerate(conditions)]


def _lacking(text: str, query: ParsedQuery, conditions: tuple[Node, ...], now: datetime) -> int | None:
    """The place of the one condition that a shorter text lacks, None where that is not all of the difference."""
    left: tuple[Node, ...] = ()
    words: tuple[str, ...] = ()
    if text:
        try:
            rest = parse(text, now=now)
        except QueryError:
            return None
        left, words = members(And, rest.constraint), rest.words
    if words != query.words or len(left) + 1 != len(conditions):
        return None
    place = next((at for at, node in enumerate(left) if node != conditions[at]), len(left))
    return place if left[place:] == conditions[place + 1 :] else None


def _shorter(text: str) -> Iterator[str]:
    """The text less one of its stretches at a time; what is in quotation marks or parentheses is one with what it
    stands beside."""
    stretches = list(_stretches(text))
    if len(stretches) > _MOST:
        return
    for start, end in stretches:
        yield f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    start, depth, quoted = None, 0, False
    for at, character in enumerate(text):
        if character.isspace() and not depth and not quoted:
            if start is not None:
                yield start, at
            start = None
            continue
        start = at if start is None else start
        if character in _QUOTES:
            quoted = not quoted
        elif not quoted:
            depth = max(0, depth + (character == "(") - (character == ")"))
    if start is not None:
        yield start, len(text)
