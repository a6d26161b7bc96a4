"""Saved queries, and what is new to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from search.declarations import UNTOLD, also_told, told
from search.records.results import Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A saved query. ``ran`` is when its news were last recorded as told, None for never. ``last_row``: the articles up
    to this row of the catalog are no news any more."""

    name: str
    query: str
    created: datetime
    ran: datetime | None = None
    last_row: int = field(default=0, metadata=UNTOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """What is told of an article. ``row`` is its place in the catalog: a changed article has another."""

    row: int = field(metadata=UNTOLD)
    id: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    section: str
    agency: str
    snippet: str
    copies: tuple[Copy, ...] = field(default=(), metadata=told("New copies of the same text that it stands for."))


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new to one alert, newest first. ``error`` says why its query could not be answered. ``seen`` is the alert
    as the catalog shall keep it once the news are told."""

    alert: Alert = field(metadata=told(keys=("name", "query", "created", "ran")))
    error: str | None = None
    items: tuple[NewsItem, ...] = field(metadata=told(name="articles"))
    copies: tuple[Copy, ...] = field(
        default=(), metadata=told("New copies of stories that were told before, which are no news.")
    )
    seen: Alert = field(metadata=UNTOLD)

    @property
    @also_told(after="error")
    def total(self) -> int:
        """How many articles are new."""
        return len(self.items)
