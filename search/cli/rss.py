"""News as an RSS 2.0 feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from search.cli.charts import xml
from search.cli.pretty import also

if TYPE_CHECKING:
    from search.records import News, NewsItem

CHANNEL = "urn:broadsheet:alerts"  # RSS asks for the address of a site; an archive has none


def feed(news: Sequence[News], now: datetime) -> Iterator[str]:
    """The lines of a feed. An article that is new to several alerts is one item, with each of them as a category.

    The guid has the catalog's row in it, so that a reader takes a corrected article for a new item.
    """
    names = ", ".join(one.alert.name for one in news)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    yield "<channel>"
    yield f"<title>{xml(f'Broadsheet: {names}' if names else 'Broadsheet')}</title>"
    yield f"<link>{CHANNEL}</link>"
    yield f"<description>{xml('New articles for ' + '; '.join(one.alert.query for one in news))}</description>"
    yield f"<lastBuildDate>{format_datetime(now.astimezone(UTC))}</lastBuildDate>"
    alerts: dict[int, list[str]] = {}
    items: dict[int, NewsItem] = {}
    for one in news:
        for item in one.items:
            items[item.row] = item
            alerts.setdefault(item.row, []).append(one.alert.name)
    for row, item in items.items():
        yield from _item(item, alerts[row])
    yield "</channel>"
    yield "</rss>"


def _item(item: NewsItem, alerts: Sequence[str]) -> Iterator[str]:
    yield "<item>"
    yield f"<title>{xml(item.title) or '(no title)'}</title>"
    if item.url.lower().startswith(("http://", "https://")):
        yield f"<link>{xml(item.url)}</link>"
    copies = f" ({also(item.copies)})" if item.copies else ""
    yield f"<description>{xml(item.snippet + copies)}</description>"
    for name in (*item.authors, item.agency):
        if text := xml(name):
            yield f"<dc:creator>{text}</dc:creator>"
    if source := xml(item.source):
        yield f"<dc:publisher>{source}</dc:publisher>"
    if section := xml(item.section):
        yield f"<category>{section}</category>"
    for name in alerts:
        yield f'<category domain="{CHANNEL}">{xml(name)}</category>'
    yield f'<guid isPermaLink="false">{xml(item.id)}#{item.row}</guid>'
    if item.published is not None:
        yield f"<pubDate>{rfc_822(item.published)}</pubDate>"
    yield "</item>"


def rfc_822(published: date) -> str:
    """A date as RSS wants it; a day alone is its midnight in UTC."""
    if not isinstance(published, datetime):
        published = datetime(published.year, published.month, published.day, tzinfo=UTC)
    offset = published.utcoffset()
    if offset is None or offset.seconds % 60 or offset.microseconds:  # RFC 822 has no zones of seconds
        published = published.replace(tzinfo=UTC)
    return format_datetime(published)
