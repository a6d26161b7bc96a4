"""NewsML 1.0 to 1.2 of agencies: news items with components in components; their text as NITF, XHTML or plain.

Revisions of an item have one address, which is that of each without its last part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search.ingest.agencies import agency_name
from search.ingest.editions import edition
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nitf import authors_of_nitf, text_of_nitf
from search.ingest.formats.trees import elements, first, inside, line, local, words
from search.ingest.formats.xml_fields import attribute, child, fields_of, first_line, root_of, told
from search.ingest.source import Head, Source
from search.records import Rejection
from search.records.editions import KEY

if TYPE_CHECKING:
    from lxml.etree import _Element

_CAPTIONS = ("caption", "photo caption", "image caption")
_DESK = re.compile(r"\n\n(?P<signs>[A-Za-z]{1,5}(?:[-/][A-Za-z]{1,5}){1,4})\Z")  # initials below the text
_REVISION = re.compile(r":\d+[A-Z]?\Z")


def recognises(head: Head) -> bool:
    """Its root is that of NewsML 1."""
    return root_of(head).name == "newsml"


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each news item that has a headline or a text."""
    number = 0
    envelope: Any = None
    for element, place in elements(source, ("newsitem", "newsenvelope")):
        if local(element) == "newsenvelope":
            envelope = fields_of(element)
            continue
        for item in [*inside(element, "newsitem")] or [element]:
            number += 1
            yield _record(source, item, place, envelope)
    if not number:
        yield rejected(source, None, "no news item in the document")


def _record(source: Source, element: _Element, place: str, envelope: Any) -> Record | Rejection:
    identification, management = child(element, "identification"), child(element, "newsmanagement")
    identifier = child(identification, "newsidentifier")
    address = _REVISION.sub("", line(child(identifier, "publicidentifier")))
    address = address or ":".join(line(child(identifier, name)) for name in ("providerid", "dateid", "newsitemid"))
    content = _Content()
    content.gather(element)
    text = "\n\n".join(content.texts)
    provider = _party(element, "provider")
    fields: dict[str, Any] = {
        "id": address.strip(":"),
        "title": first_line(element, "headline") or content.heading,
        "text": text,
        "published": line(child(management, "thisrevisioncreated")) or line(child(management, "firstcreated")),
        "authors": first_line(element, "byline") or content.byline or _party(element, "creator"),
        "dateline": first_line(element, "dateline").rstrip(" -–—"),
        "language": attribute(first(element, "language"), "FormalName") or attribute(element, "lang"),
        "source": provider or _party(element, "source") or line(child(identifier, "providerid")),
        "agency": agency_name(_party(element, "source") or provider) or "",
        "section": attribute(first(element, "genre"), "FormalName"),
        "caption": "\n".join(filter(None, content.captions)),
    }
    version = edition(
        line(child(identifier, "revisionid")),
        line(child(management, "thisrevisioncreated")),
        attribute(child(management, "status"), "FormalName"),
        signals=[attribute(child(management, "instruction"), "FormalName")],
        note=first_line(element, "ednote"),
    )
    if not fields["title"] and not text and not (fields["id"] and version.get("withdrawn")):
        return rejected(source, place, "a news item without headline and text", address)
    extra: dict[str, Any] = {
        KEY: version if fields["id"] else {},
        "signed": content.signs,
        "envelope": envelope,
    }
    for name in ("Identification", "NewsManagement"):
        if (part := child(element, name.lower())) is not None:
            extra[name] = fields_of(part)
    for name in ("NewsLines", "AdministrativeMetadata", "DescriptiveMetadata", "RightsMetadata", "Characteristics"):
        extra[name] = [fields_of(one, ("headline",)) for one in inside(element, name.lower())]
    return Record(told(fields) | {"extra": told(extra)}, place, text or fields["title"], False)


@dataclass
class _Content:
    """What the components of an item hold."""

    texts: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    byline: list[str] = field(default_factory=list)
    heading: str = ""
    signs: str = ""

    def gather(self, element: _Element, role: str = "") -> None:
        """Take in a component and those in it. Of equivalents the longest counts."""
        parts = [one for one in element if local(one) in ("newscomponent", "contentitem", "datacontent")]
        if attribute(element, "EquivalentsList").casefold() == "yes":
            parts = [max(parts, key=_length)] if parts else []
        role = attribute(child(element, "role"), "FormalName").casefold() or role
        for part in parts:
            if local(part) != "datacontent":
                self.gather(part, role)
            elif role in _CAPTIONS:
                self.captions.append(" ".join(_words(part).split()))
            else:
                self._add(part)

    def _add(self, data: _Element) -> None:
        text = _words(data)
        if signed := _DESK.search(text):
            text, self.signs = text[: signed.start()], signed["signs"]
        if not text or text in self.texts:
            return
        self.texts.append(text)
        if (story := first(data, "body.head")) is not None:
            self.byline = self.byline or authors_of_nitf(story)
            self.heading = self.heading or first_line(story, "hl1")


def _length(element: _Element) -> int:
    return sum(len(_words(data)) for data in inside(element, "datacontent"))


def _words(data: _Element) -> str:
    if (story := first(data, "nitf")) is not None or first(data, "body.content") is not None:
        return text_of_nitf(data if story is None else story)
    body = first(data, "body")
    if body is None and len(data) == 0:
        return (data.text or "").strip()
    return words(data if body is None else body)


def _party(element: _Element, name: str) -> str:
    return attribute(first(element, name), "FormalName") or attribute(
        child(first(element, name), "party"), "FormalName"
    )


FORMAT = Format(
    name="newsml",
    title="NewsML 1",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
