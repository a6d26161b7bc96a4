"""Text that a model wrote: where it is no query, it is read as plain words, and that is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from search.errors import QueryError
from search.records import Results


def search(ask: Callable[..., Results], text: str, **settings: Any) -> Results:
    """What ``Archive.search`` answers, but a mistake in the text's operators or marks raises nothing: the text is
    searched as it stands, with a note. Raises QueryError for a text without a word, or filters that cannot be read."""
    try:
        return ask(text, **settings)
    except QueryError as error:
        return _noted(ask(text, **_literal(settings, error)), error)


async def asearch(ask: Callable[..., Awaitable[Results]], text: str, **settings: Any) -> Results:
    """The same of ``Archive.asearch``."""
    try:
        return await ask(text, **settings)
    except QueryError as error:
        return _noted(await ask(text, **_literal(settings, error)), error)


def _literal(settings: dict[str, Any], error: QueryError) -> dict[str, Any]:
    if settings.get("literal"):
        raise error
    return {**settings, "literal": True}


def _noted(results: Results, error: QueryError) -> Results:
    return replace(results, notes=(f"read as plain words, for as a query it has a mistake: {error}", *results.notes))
