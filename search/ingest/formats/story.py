"""A story as its paragraphs: headline, byline, date and text as plain text has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from search.ingest.formats.base import Record, rejected
from search.ingest.formats.nexis_layouts import Paragraph
from search.ingest.formats.plain import parse
from search.ingest.source import Source
from search.records import Rejection

_NO_TITLE = frozenset(("untitled", "document", "microsoft word", "document1", "title", "dokument", ""))


def story(
    source: Source, paragraphs: Sequence[Paragraph], properties: Mapping[str, str], pages: tuple[str, ...] = ()
) -> Iterator[Record | Rejection]:
    """The article that the paragraphs of a document make; a rejection where there are none. ``properties`` are what the
    file says of itself: title and creator stand in for those that its text does not have, the rest is kept."""
    text = "\n\n".join(one.text for one in paragraphs)
    if not text.strip():
        yield rejected(source, None, "no text in the document")
        return
    fields = parse(text)
    extra = dict(fields.pop("extra", {}))
    title = properties.get("title", "")
    if not fields.get("title") and title.casefold() not in _NO_TITLE:
        fields["title"] = title
    if not fields.get("authors") and properties.get("creator"):
        extra["creator"] = properties["creator"]
    if "language" in properties:
        fields.setdefault("language", properties["language"])
    extra.update({f"document_{name}": value for name, value in properties.items()})
    yield Record({**fields, "extra": extra}, None, text, False, pages)
