"""The Reuters corpus (RCV1, RCV2, TRC2): a news item a file, its topics, countries and industries as codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.agencies import agency_name
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import elements, first, inside
from search.ingest.formats.xml_fields import attribute, first_line, marked_text, root_of, told
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element


def recognises(head: Head) -> bool:
    """Its root is a news item with a number."""
    root = root_of(head)
    return root.name == "newsitem" and "itemid" in root.attributes


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article of the item."""
    empty = True
    for element, place in elements(source, ("newsitem",)):
        empty = False
        record = _fields(element)
        if not record.get("title") and not record.get("text"):
            yield rejected(source, place, "no headline and no text")
        else:
            yield Record(record, place, record.get("text", ""), False)
    if empty:
        yield rejected(source, None, "no news item in the document")


def _fields(element: _Element) -> dict[str, Any]:
    said = {attribute(one, "element"): attribute(one, "value") for one in inside(element, "dc")}
    codes = {
        attribute(one, "class").removeprefix("bip:").partition(":")[0]: [
            code for each in inside(one, "code") if (code := attribute(each, "code"))
        ]
        for one in inside(element, "codes")
    }
    headline, title = first_line(element, "headline"), first_line(element, "title")
    source = said.get("dc.source") or said.get("dc.publisher", "")
    fields = {
        "id": attribute(element, "itemid"),
        "title": headline or title,
        "text": marked_text(first(element, "text")),
        "published": attribute(element, "date") or said.get("dc.date.published", ""),
        "authors": first_line(element, "byline"),
        "dateline": first_line(element, "dateline"),
        "language": attribute(element, "lang"),
        "source": source,
        "agency": agency_name(source) or "",
    }
    extra = {
        "title as filed": title if headline else "",
        "copyright": first_line(element, "copyright"),
        **codes,
        **said,
    }
    return told(fields) | {"extra": told(extra)}


FORMAT = Format(
    name="rcv1",
    title="the Reuters corpus (RCV1)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
    single=True,
)
