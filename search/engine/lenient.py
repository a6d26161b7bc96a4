"""Text that a model wrote: where it is no query, it is read as plain words, and that is said. No text raises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from search.errors import QueryError
from search.keyword.analysis import TOKEN, normalise, shapes
from search.records import Mode, Results

MOST_CHARACTERS, MOST_WORDS = 20_000, 800
"""Of a text that is too long to be searched for, so much is."""

SHORTENED = "only the beginning of the text was searched"
PLAIN = "read as plain words, for as a query it has a mistake: "

_Asked = tuple[str, dict[str, Any], str]  # a text, the settings to ask it with, and what a note says before the mistake


def search(ask: Callable[..., Results], text: str, **settings: Any) -> Results:
    """What ``Archive.search`` answers, but no text raises: what has a mistake in its operators or marks is searched as
    it stands, of what is too long the beginning, what has nothing to search for finds nothing, and a note says so.
    Raises QueryError for filters that cannot be read."""
    mistake: QueryError | None = None
    for asked, how, note in _ways(text, settings):
        try:
            return _noted(ask(asked, **how), text, note, mistake)
        except QueryError as error:
            mistake = error
    return _nothing(text, settings, mistake)


async def asearch(ask: Callable[..., Awaitable[Results]], text: str, **settings: Any) -> Results:
    """The same of ``Archive.asearch``."""
    mistake: QueryError | None = None
    for asked, how, note in _ways(text, settings):
        try:
            return _noted(await ask(asked, **how), text, note, mistake)
        except QueryError as error:
            mistake = error
    return _nothing(text, settings, mistake)


def beginning(text: str) -> str:
    """Of a text that is too long to be searched for, what is not: all of it, or its first words."""
    cut = text[:MOST_CHARACTERS]
    terms: set[str] = set()
    for match in TOKEN.finditer(normalise(cut)):
        terms.add(shapes(match[0])[2])
        if len(terms) > MOST_WORDS:
            return normalise(cut)[: match.start()]
    return cut


def _ways(text: str, settings: dict[str, Any]) -> Iterator[_Asked]:
    """The ways in which a text is asked, each where the one before it raised."""
    plain = settings | {"literal": True}
    yield text, settings, ""
    if not settings.get("literal"):
        yield text, plain, PLAIN
    if (short := beginning(text)) != text:
        yield short, plain, f"{SHORTENED}, for "


def _noted(results: Results, text: str, note: str, error: QueryError | None) -> Results:
    return replace(results, query=text, notes=(f"{note}{error}", *results.notes)) if note else results


def _nothing(text: str, settings: dict[str, Any], error: QueryError | None) -> Results:
    assert error is not None
    if error.query != text[: len(error.query)] or (text and not error.query):
        raise error  # it is not about the text
    mode = Mode(settings.get("mode") or Mode.AUTO)
    return Results(query=text, mode=mode, total=0, took_ms=0.0, hits=(), notes=(f"nothing was searched for: {error}",))
