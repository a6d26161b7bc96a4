"""Alerts: saved queries, and what is new to them.

An article is news to an alert when it satisfies the query and its catalog row is greater than the last row that the
alert has seen. A changed article gets a new row, so it is told again: corrections are news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from search import query as language
from search.engine import hits, ranking
from search.engine.request import Request
from search.engine.view import View
from search.errors import QueryError, UsageError
from search.records import Article
from search.storage.catalog import AlertEntry, Catalog

LONGEST_NAME = 100
_READ = 500  # articles in memory with their texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A saved query. ``ran`` is when its news were last recorded as told, None for never."""

    name: str
    query: str
    created: datetime
    ran: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """What is told of an article. ``row`` is its place in the catalog: a changed article has another."""

    row: int
    id: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    section: str
    agency: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new to one alert, newest first. ``error`` says why its query could not be answered. ``entry`` is what the
    catalog shall keep once the news are told."""

    alert: Alert
    items: tuple[NewsItem, ...]
    entry: AlertEntry
    error: str | None = None


def new_entry(name: str, query: str, last_row: int) -> AlertEntry:
    """An alert to be saved. Raises UsageError for a name that cannot be printed, QueryError for a bad query."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot name an alert; use 1 to {LONGEST_NAME} printable characters, with no space at the ends"
        )
    now = datetime.now(UTC)
    query = query.encode("utf-8", "replace").decode()  # a stray surrogate cannot be stored
    language.parse(query, now=now)
    return AlertEntry(name, query, now.isoformat(timespec="seconds"), last_row)


def from_entry(entry: AlertEntry) -> Alert:
    """An alert as its owner sees it."""
    return Alert(
        name=entry.name,
        query=entry.query,
        created=datetime.fromisoformat(entry.created),
        ran=None if entry.ran is None else datetime.fromisoformat(entry.ran),
    )


def select(entries: Sequence[AlertEntry], names: Iterable[str] | None) -> list[AlertEntry]:
    """The alerts of these names, each once (None: all). Raises UsageError for an unknown name."""
    if names is None:
        return list(entries)
    known = {entry.name: entry for entry in entries}
    found = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise UsageError(unknown(name, known))
        found.append(known[name])
    return found


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that no alert has."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    return f"there is no alert named {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def news(view: View, catalog: Catalog, entry: AlertEntry) -> News:
    """Answer an alert now; relative dates in its query count from this moment."""
    rows = view.columns.rows
    ran = datetime.now(UTC).isoformat(timespec="seconds")
    seen = replace(entry, last_row=max(entry.last_row, int(rows[-1]) if len(rows) else 0), ran=ran)
    try:
        plan = view.plan(Request(query=entry.query))
        matched = view.match(plan).matched
    except QueryError as error:  # too many words by now for a wildcard, for example
        return News(alert=from_entry(entry), items=(), entry=entry, error=str(error))
    ordinals = np.flatnonzero(matched & (rows > entry.last_row))
    columns = view.columns
    order = ranking.order(
        np.zeros(len(ordinals)), columns.published[ordinals], lambda tied: columns.ids(ordinals[tied])
    )
    items = tuple(_items(catalog, rows[ordinals[order]].tolist(), plan.query.scoring_words))
    return News(alert=from_entry(entry), items=items, entry=seen)


def _items(catalog: Catalog, rows: Sequence[int], words: Sequence[str]) -> Iterator[NewsItem]:
    for start in range(0, len(rows), _READ):
        chunk = rows[start : start + _READ]
        articles = catalog.articles(chunk)
        for row in chunk:
            if row in articles:  # else purged while this snapshot was open
                yield _item(row, articles[row], words)


def _item(row: int, article: Article, words: Sequence[str]) -> NewsItem:
    passages = hits.passages_by_words(article, hits.plain_spans(article.text), words, 1)
    snippet, _ = hits.snippet(article, passages[0] if passages else None, words)
    return NewsItem(
        row=row,
        id=article.id,
        title=article.title,
        source=article.source,
        published=article.published,
        authors=article.authors,
        url=article.url,
        section=article.section,
        agency=article.agency,
        snippet=snippet,
    )
