"""Alerts: saved queries, and what is new to them.

An article is news to an alert when it satisfies the query and its catalog row is greater than the last row that the
alert has seen. A changed article gets a new row, so it is told again: corrections are news.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from search import query as language
from search.engine import excerpts
from search.engine.chronology import by_date
from search.engine.legs import Ordinals
from search.engine.present import copies_of
from search.engine.request import Request
from search.engine.stories.fresh import Fresh, once
from search.engine.view import View
from search.errors import AlertsDamaged, QueryError, StorageError, UsageError
from search.records import Alert, Article, Copies, Copy, News, NewsItem
from search.text.stretches import Spans

if TYPE_CHECKING:
    from search.engine.session import Session

LONGEST_NAME = 100
_READ = 500  # articles in memory with their texts


def add(session: Session, name: str, query: str, everything: bool) -> Alert:
    """Save a query. Raises UsageError for a bad or taken name, QueryError for a query that does not parse."""
    with session.writing() as writer:
        last_row = 0 if everything else writer.catalog.next_row() - 1
        alert = new_alert(name, query, last_row)
        if not writer.catalog.add_alert(alert):
            raise UsageError(f"there is an alert named {name!r}; remove it first, or use another name")
    return alert


def remove(session: Session, name: str) -> None:
    """Forget a saved query. Raises UsageError where there is none of this name."""
    with session.writing() as writer:
        if not writer.catalog.remove_alert(name):
            raise UsageError(unknown(name, [alert.name for alert in writer.catalog.alerts()]))


def saved(session: Session) -> list[Alert]:
    """The saved queries, by name; a warning (``AlertsDamaged``) tells which cannot be read."""
    if damaged := session.catalog.damaged_alerts():
        warnings.warn(AlertsDamaged(str(session.path), damaged), stacklevel=3)
    return session.catalog.alerts()


def run(session: Session, names: Iterable[str] | None, peek: bool, copies: Copies) -> tuple[News, ...]:
    """What is new to these alerts (None: all), a story once where ``copies`` are collapsed, recorded as told unless
    ``peek``."""
    with session.reading() as view:
        asked = select(saved(session), names)
        told = tuple(news(view, alert, copies) for alert in asked)
    if not peek:
        confirm(session, told)
    return told


def confirm(session: Session, told: Iterable[News]) -> None:
    """Record that news were told. Raises ArchiveLocked, or StorageError where the archive cannot be written."""
    seen = [news.seen for news in told if news.error is None]
    try:
        with session.writing() as writer:
            writer.catalog.advance_alerts(seen)
    except StorageError as error:
        raise StorageError(f"cannot record what is told ({error}); --peek tells it and records nothing") from error


def new_alert(name: str, query: str, last_row: int) -> Alert:
    """An alert to be saved. Raises UsageError for a name that cannot be printed, QueryError for a bad query."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot name an alert; use 1 to {LONGEST_NAME} printable characters, with no space at the ends"
        )
    now = _now()
    query = query.encode("utf-8", "replace").decode()  # a stray surrogate cannot be stored
    language.parse(query, now=now)
    return Alert(name=name, query=query, created=now, last_row=last_row)


def select(alerts: Sequence[Alert], names: Iterable[str] | None) -> list[Alert]:
    """The alerts of these names, each once (None: all). Raises UsageError for an unknown name."""
    if names is None:
        return list(alerts)
    known = {alert.name: alert for alert in alerts}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise UsageError(unknown(name, known))
    return [known[name] for name in wanted]


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that no alert has."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    return f"there is no alert named {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def news(view: View, alert: Alert, copies: Copies) -> News:
    """Answer an alert now; relative dates in its query count from this moment."""
    rows = view.columns.rows
    seen = replace(alert, last_row=max(alert.last_row, int(rows[-1]) if len(rows) else 0), ran=_now())
    try:
        plan = view.plan(Request(query=alert.query, copies=copies))
        scope = view.match(plan)
    except QueryError as error:  # too many words by now for a wildcard, for example
        return News(alert=alert, items=(), seen=alert, error=str(error))
    fresh = once(view, scope, scope.matched & (rows > alert.last_row))
    newest = by_date(view.columns, fresh.told, False)
    return News(
        alert=alert,
        items=tuple(_items(view, newest, fresh, excerpts.Sought.of(plan.query, view.analysis))),
        copies=copies_of(view, fresh.known),
        seen=seen,
    )


def _now() -> datetime:
    """In whole seconds, as the catalog keeps it."""
    return datetime.now(UTC).replace(microsecond=0)


def _items(view: View, ordinals: Ordinals, fresh: Fresh, sought: excerpts.Sought) -> Iterator[NewsItem]:
    for start in range(0, len(ordinals), _READ):
        some = ordinals[start : start + _READ]
        articles = view.filed(some, view.articles(some))
        each = zip(
            some.tolist(), view.columns.rows[some].tolist(), articles, view.furniture(some, articles), strict=True
        )
        for ordinal, row, article, left_out in each:
            if article is not None:
                yield _item(row, article, copies_of(view, fresh.copies.get(ordinal, [])), sought, left_out)


def _item(row: int, article: Article, copies: tuple[Copy, ...], sought: excerpts.Sought, left_out: Spans) -> NewsItem:
    """What is told of a new article; its snippet is of no furniture."""
    passages = excerpts.passages_by_words(article, excerpts.plain_spans(article.text, None, left_out), sought, 1)
    snippet, _ = excerpts.snippet(article, passages[0] if passages else None, sought, None, left_out)
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
        copies=copies,
    )
