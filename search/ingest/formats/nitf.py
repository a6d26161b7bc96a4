"""Articles as agencies and newspapers mark them up: the News Industry Text Format (NITF), all versions, and what the
archive of the New York Times makes of it (a first paragraph that the full text repeats, bylines in two forms,
corrections in the same file)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.agencies import agency_name
from search.ingest.editions import edition
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import elements, first, inside, line, local, words
from search.ingest.formats.xml_fields import (
    attribute,
    child,
    fields_of,
    first_line,
    language_of,
    lines_of,
    marked_text,
    root_of,
    told,
)
from search.ingest.source import Head, Source
from search.records import Rejection
from search.records.editions import KEY

if TYPE_CHECKING:
    from lxml.etree import _Element

_MIDNIGHT = re.compile(r"(\d{8})T?000000\Z")  # of no zone: a day
_ASIDE = frozenset(("media", "note"))
_CORRECTION = "correction_text"


def recognises(head: Head) -> bool:
    """Its root is that of NITF."""
    return root_of(head).name == "nitf"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article of the document."""
    empty = True
    for element, place in elements(source, ("nitf",)):
        empty = False
        fields = fields_of_nitf(element)
        withdrawal = _managed(first(element, "docdata"))
        killed = fields.get("id") and fields["extra"].get(KEY, {}).get("withdrawn")
        if not (fields.get("title") or fields.get("text") or killed or withdrawal):
            yield rejected(source, place, "no headline and no text")
        elif fields.get("title") or fields.get("text") or killed:
            pages = (fields.pop("page"),) if fields.get("page") else ()
            yield Record(fields, place, fields.get("text", ""), False, pages)
        if withdrawal:
            yield Record(withdrawal, place, withdrawal["id"], False)
    if empty:
        yield rejected(source, None, "no article in the document")


def fields_of_nitf(element: _Element) -> dict[str, Any]:
    """The fields of a document, "page" among them where it is known; what has no field is in "extra"."""
    meta = {
        attribute(one, "name"): attribute(one, "content") for one in inside(element, "meta") if attribute(one, "name")
    }
    docdata, pubdata = first(element, "docdata"), first(element, "pubdata")
    tobject = first(element, "tobject")
    head = next((one for one in inside(element, "body.head")), element)
    headline = first(head, "hedline")
    fields: dict[str, Any] = {"text": text_of_nitf(element), "language": language_of(element)}
    fields["title"] = first_line(head, "hl1") or line(headline) or line(child(element, "head", "title"))
    if docdata is not None:
        fields["id"] = attribute(first(docdata, "doc-id"), "id-string")
    fields["published"] = _date(docdata, pubdata)
    fields["authors"] = authors_of_nitf(head)
    fields["dateline"] = dateline_of(head)
    sources = [attribute(pubdata, "name"), first_line(head, "distributor")]
    if docdata is not None:
        sources += [attribute(one, "src-name") for one in inside(docdata, "from-src")]
        sources.append(attribute(first(docdata, "doc.copyright"), "holder"))
    fields["source"] = next((name for name in sources if name), "")
    fields["agency"] = agency_name(first_line(head, "distributor") or fields["source"]) or ""
    subjects = [
        attribute(one, "tobject.subject.type", "tobject.subject.matter", "tobject.subject.detail")
        for one in inside(element, "tobject.subject")
    ]
    fields["section"] = (
        attribute(pubdata, "position.section")
        or re.split(r"\s*;\s*", meta.get("online_sections", ""))[0]
        or meta.get("dsk", "")
        or next((name for name in subjects if name), "")
    )
    address = attribute(pubdata, "ex-ref")
    fields["url"] = address if address.startswith("http") else ""
    fields["caption"] = "\n".join(lines_of(element, "media-caption"))
    fields["page"] = meta.get("print_page_number", "") or attribute(pubdata, "position.sequence")
    extra: dict[str, Any] = {
        KEY: _edition(docdata, fields.get("published", "")) if fields.get("id") else {},
        "subheadlines": lines_of(headline, "hl2") if headline is not None else [],
        "bylines": lines_of(head, "byline"),
        "summary": "\n\n".join(lines_of(head, "abstract")),
        "notes": lines_of(element, "note"),
        "tagline": "\n".join(lines_of(element, "tagline")),
        "correction": "\n\n".join(
            marked_text(one) for one in inside(element, "block") if attribute(one, "class") == _CORRECTION
        ),
        "meta": meta,
        "keywords": [attribute(one, "key") for one in inside(element, "keyword")],
    }
    for part in (docdata, pubdata, tobject):
        if part is not None:
            extra[local(part)] = fields_of(part)
    history = [fields_of(one) for one in inside(element, "revision-history")]
    return told(fields) | {"extra": told(extra | {"revisions": history})}


def text_of_nitf(element: _Element) -> str:
    """The paragraphs of the text, without captions, notes and corrections; a first paragraph that the full text has
    too is there once."""
    content = child(element, "body", "body.content")
    if content is None:
        content = first(element, "body.content")
    if content is None:
        return ""
    full = next((one for one in content if local(one) == "block" and attribute(one, "class") == "full_text"), content)
    return words(full, skip=lambda one: local(one) in _ASIDE or attribute(one, "class") == _CORRECTION)


def authors_of_nitf(head: _Element) -> list[str]:
    """The names of a byline: of persons where these are marked, else as it is printed, without titles."""
    bylines = list(inside(head, "byline"))
    printed = [one for one in bylines if attribute(one, "class") != "normalized_byline"] or bylines
    names: list[str] = []
    for one in printed:
        persons = lines_of(one, "person")
        names += persons or [" ".join(marked_text(one, "byttl", "location").split())]
    return [name for name in names if name]


def dateline_of(head: _Element) -> str:
    """Where a story was written, as it is printed, without the dash before the text."""
    return first_line(head, "dateline").rstrip(" -–—_")


def _date(docdata: _Element | None, pubdata: _Element | None) -> str:
    """When it was published; else when it was sent out, or released."""
    dates = [attribute(pubdata, "date.publication")]
    if docdata is not None:
        dates += [attribute(first(docdata, name), "norm") for name in ("date.issue", "date.release")]
    when = next((date for date in dates if date), "")
    return _MIDNIGHT.sub(r"\1", when)


def _edition(docdata: _Element | None, published: str) -> dict[str, Any]:
    """Which version of its item it is, and which document it takes the place of."""
    if docdata is None:
        return {}
    message = first(docdata, "ed-msg")
    correction = first(docdata, "correction")
    return edition(
        attribute(first(docdata, "du-key"), "generation", "version"),
        published if "T" in published else None,
        attribute(docdata, "management-status"),
        attribute(docdata, "management-doc-idref"),
        ["correction"] if correction is not None else [],
        attribute(message, "info") or line(message),
    )


def _managed(docdata: _Element | None) -> dict[str, Any]:
    """The withdrawal of another document that this one orders, as fields of a record; {} where it orders none."""
    if docdata is None or not (name := attribute(docdata, "management-doc-idref")):
        return {}
    message = first(docdata, "ed-msg")
    found = edition(
        status=attribute(docdata, "management-idref-status"), note=attribute(message, "info") or line(message)
    )
    return {"id": name, "extra": {KEY: found}} if found.get("withdrawn") else {}


FORMAT = Format(
    name="nitf",
    title="NITF, the New York Times corpus",
    recognises=recognises,
    read=read,
    extensions=(".nitf",),
    needs=("lxml",),
    extra="formats",
    single=True,
)
