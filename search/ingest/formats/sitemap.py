"""Sitemaps of news: title, outlet, date and address of each page, no text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import elements, first, inside, line, local
from search.ingest.formats.xml_fields import root_of
from search.ingest.source import Head, Source
from search.records import Rejection


def recognises(head: Head) -> bool:
    """Its root is that of a sitemap, or of an index of them."""
    return root_of(head).name in ("urlset", "sitemapindex")


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each page that is news; addresses alone are counted."""
    bare = index = good = 0
    for number, (element, _) in enumerate(elements(source, ("url", "sitemap")), 1):
        if local(element) == "sitemap":
            index += 1
            continue
        title = next((line(one) for one in inside(element, "title") if line(one)), "")
        if not title:
            bare += 1
            continue
        good += 1
        fields: dict[str, Any] = {"title": title, "url": line(first(element, "loc"))}
        fields["source"] = line(first(element, "name"))
        fields["language"] = line(first(element, "language"))
        fields["published"] = line(first(element, "publication_date")) or line(first(element, "lastmod"))
        extra = {
            name: text
            for name in ("keywords", "genres", "lastmod", "stock_tickers")
            if (text := line(first(element, name)))
        }
        if caption := line(first(element, "caption")):
            fields["caption"] = caption
        yield Record({**fields, "extra": extra}, f"address {number}", title, False)
    if index:
        yield rejected(source, None, f"an index of {index} sitemaps: these have to be fetched")
    elif bare and not good:
        yield rejected(source, None, f"a sitemap of {bare} addresses without news")
    elif bare:
        source.note("addresses without news left out", bare)


FORMAT = Format(
    name="sitemap",
    title="sitemaps of news",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
