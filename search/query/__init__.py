"""The query language: text becomes a constraint tree and free words."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from search.query.parsed import ParsedQuery, plain_words
from search.records import Filters

if TYPE_CHECKING:
    from search.keyword.tree import Node
    from search.query.dates import days, duration, instant
    from search.query.description import describe
    from search.query.help import EXAMPLES, help_text

__all__ = ["EXAMPLES", "ParsedQuery", "days", "describe", "duration", "help_text", "instant", "parse"]

_HOMES = {
    "EXAMPLES": "help",
    "days": "dates",
    "describe": "description",
    "duration": "dates",
    "help_text": "help",
    "instant": "dates",
}
_NO_FILTERS = Filters()


def parse(
    text: str, *, now: datetime, literal: bool = False, filters: Filters | None = None, where: Node | None = None
) -> ParsedQuery:
    """Read a query.

    ``now`` is what dates are relative to (the as-of instant where one is asked for). ``literal``: every word is free,
    nothing is special. ``filters`` and ``where`` join the tree: conditions beside those of the text. Blank text is
    allowed only beside them. Raises QueryError with the place of the mistake, UsageError for a tree of comparisons
    that cannot be served.
    """
    if where is None and (filters is None or filters == _NO_FILTERS) and (words := plain_words(text)) is not None:
        return words
    from search.query import parser

    return parser.parse(text, now=now, literal=literal, filters=filters, where=where)


def __getattr__(name: str) -> Any:
    """Import what a search for words does not need when it is asked for."""
    if name in _HOMES:
        return getattr(import_module(f"search.query.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
