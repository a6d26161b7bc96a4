"""Text that a model wrote: where it is no query, it is read as plain words, and that is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from search.errors import QueryError
from search.records import Mode, Results


def search(ask: Callable[..., Results], text: str, **settings: Any) -> Results:
    """What ``Archive.search`` answers, but no text raises: what has a mistake in its operators or marks is searched as
    it stands, what has nothing to search for finds nothing, and a note says so. Raises QueryError for filters that
    cannot be read."""
    try:
        return ask(text, **settings)
    except QueryError as error:
        mistake = error
    if not settings.get("literal"):
        try:
            return _noted(ask(text, **settings | {"literal": True}), mistake)
        except QueryError as error:
            mistake = error
    return _nothing(text, settings, mistake)


async def asearch(ask: Callable[..., Awaitable[Results]], text: str, **settings: Any) -> Results:
    """The same of ``Archive.asearch``."""
    try:
        return await ask(text, **settings)
    except QueryError as error:
        mistake = error
    if not settings.get("literal"):
        try:
            return _noted(await ask(text, **settings | {"literal": True}), mistake)
        except QueryError as error:
            mistake = error
    return _nothing(text, settings, mistake)


def _noted(results: Results, error: QueryError) -> Results:
    return replace(results, notes=(f"read as plain words, for as a query it has a mistake: {error}", *results.notes))


def _nothing(text: str, settings: dict[str, Any], error: QueryError) -> Results:
    if error.query != text[: len(error.query)] or (text and not error.query):
        raise error  # it is not about the text
    mode = Mode(settings.get("mode") or Mode.AUTO)
    return Results(query=text, mode=mode, total=0, took_ms=0.0, hits=(), notes=(f"nothing was searched for: {error}",))
