"""Whoosh's patterns with an end to their work: its own match by ``re``, which can take years over one word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import copy
from operator import is_
from typing import Any

import regex
from whoosh import query as whoosh

from search import deadline
from search.errors import QueryError

LONGEST = 0.5  # seconds that a pattern may take over one word,
IN_ALL = 20.0  # and over all words of a field


class Bounded:
    """``_btexts`` of a pattern query: the terms that fit, each looked at for so long and no longer."""

    def _btexts(self, reader: Any) -> Iterator[bytes]:
        own: Any = self
        try:
            pattern = regex.compile(own._get_pattern())
        except regex.error as error:
            raise QueryError(f"{own.text!r:.100} is no regular expression: {error}") from None
        prefix = own._find_prefix(own.text)
        terms = reader.expand_prefix(own.fieldname, prefix) if prefix else reader.lexicon(own.fieldname)
        from_bytes = reader.schema[own.fieldname].from_bytes
        ends = time.monotonic() + IN_ALL
        for term in terms:
            deadline.check()
            word = from_bytes(term)
            try:
                if time.monotonic() > ends:
                    raise TimeoutError
                fits = pattern.match(word, timeout=LONGEST)
            except TimeoutError:
                raise QueryError(
                    f"the pattern {own.text!r:.100} takes too long (at the word {word!r:.40}): repetitions inside "
                    "repetitions can be read in too many ways; write it without them"
                ) from None
            if fits:
                yield term


class Regex(Bounded, whoosh.Regex):  # type: ignore[misc]
    """Whoosh's Regex."""


class Wildcard(Bounded, whoosh.Wildcard):  # type: ignore[misc]
    """Whoosh's Wildcard."""


def bounded(query: Any) -> Any:
    """A query with each Regex and Wildcard of Whoosh's in it as one whose work ends; one without any as it is."""
    kind = {whoosh.Regex: Regex, whoosh.Wildcard: Wildcard}.get(type(query))
    if kind is not None:
        return kind(query.fieldname, query.text, query.boost, query.constantscore)
    # Whoosh's own ``apply`` forgets settings of some classes, such as the slop of a Sequence.
    changed = {name: within for name, value in vars(query).items() if (within := _within(value)) is not value}
    if not changed:
        return query
    query = copy(query)
    vars(query).update(changed)
    return query


def _within(value: Any) -> Any:
    """What an attribute of a query holds: a query, several, or something else, which stays."""
    if isinstance(value, whoosh.Query):
        return bounded(value)
    if isinstance(value, list | tuple):
        queries = [_within(each) for each in value]
        return value if all(map(is_, queries, value)) else queries
    return value
