"""Documents of Word: one story each, or the downloads of Nexis Uni and Lexis+ with hundreds.

A DOCX is a ZIP file of XML; only its main part is read, as a stream. Headers, footers, footnotes, comments, text boxes
and what was deleted are no part of the text.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nexis_layouts import END, Paragraph, modern
from search.ingest.formats.story import story
from search.ingest.formats.trees import elements, first, local
from search.ingest.source import DAMAGES, Head, Source, SourceProblem
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_PART = "word/document.xml"
_MOST = 20_000  # paragraphs of one article
_NO_TEXT = frozenset(("drawing", "pict", "object", "fallback", "del", "instrtext", "deltext", "txbxcontent"))


def recognises(head: Head) -> bool:
    """It is a ZIP file with the parts of a Word document."""
    return head.startswith(b"PK\x03\x04") and head.find(b"word/") >= 0


def read(source: Source) -> Iterator[Record | Rejection]:
    """The articles of a Nexis download, or the one story."""
    with source.seekable() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                properties = _properties(source, archive)
                with archive.open(_PART) as part:
                    inner = Source(source.name, cast(BinaryIO, part), budget=source.budget)
                    yield from articles(source, _paragraphs(inner), properties)
        except KeyError:
            raise SourceProblem("the document has no text") from None
        except DAMAGES as error:
            raise SourceProblem(f"the document is damaged ({str(error) or type(error).__name__})") from error


def articles(
    source: Source, paragraphs: Iterator[Paragraph], properties: dict[str, str]
) -> Iterator[Record | Rejection]:
    """The articles of Nexis that paragraphs make, one at a time; the one story that they are where no document ends."""
    held: list[Paragraph] = []
    number = 0
    for paragraph in paragraphs:
        if len(held) >= _MOST:
            raise SourceProblem(f"more than {_MOST:,} paragraphs in one article")
        if not END.match(paragraph.text):
            held.append(paragraph)
            continue
        number += 1
        record = modern(held, number)
        if record is None:
            start = " ".join(one.text for one in held[-20:])
            yield rejected(source, f"document {number}", "no headline with a source and a date", start)
        else:
            yield record
        held = []
    if number == 0:
        yield from story(source, held, properties)
    elif any(modern([*held, Paragraph("End of Document")], 0) is not None for _ in held[:1]):
        yield rejected(source, f"document {number + 1}", "the file ends inside this document", held[0].text)


def _paragraphs(part: Source) -> Iterator[Paragraph]:
    """The paragraphs of a document, each line of its own one; tables a row at a time."""
    for element, _ in elements(part, ("p",)):
        style = first(element, "pstyle")
        name = "" if style is None else next((v for k, v in style.attrib.items() if str(k).endswith("val")), "")
        heading = str(name).lower().startswith(("heading", "title", "überschrift", "titel", "titre", "titolo"))
        for text in _text(element).split("\n"):
            if text.strip(" \t\xa0"):
                yield Paragraph(text.strip(" \t\xa0"), heading)


def _text(element: _Element) -> str:
    pieces: list[str] = []
    for child in element:
        name = local(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name in ("tab", "ptab"):
            pieces.append(" ")
        elif name in ("br", "cr"):
            pieces.append("\n")
        elif name == "nobreakhyphen":
            pieces.append("-")
        elif name == "p":
            pieces += ["\n", _text(child), "\n"]
        elif name not in _NO_TEXT:
            pieces.append(_text(child))
    return "".join(pieces)


def _properties(source: Source, archive: zipfile.ZipFile) -> dict[str, str]:
    """What the file says of itself: title, creator, dates."""
    try:
        data = archive.read("docProps/core.xml") if archive.getinfo("docProps/core.xml").file_size < 100_000 else b""
    except (KeyError, *DAMAGES):
        return {}
    found: dict[str, str] = {}
    try:
        for element, _ in elements(Source(source.name, io.BytesIO(data)), _PROPERTIES):
            if element.text and element.text.strip():
                found[_PROPERTIES[local(element)]] = element.text.strip()
    except SourceProblem:
        return {}
    return found


_PROPERTIES = {
    "title": "title", "creator": "creator", "created": "created", "modified": "modified", "subject": "subject",
    "keywords": "keywords", "language": "language", "description": "description", "lastmodifiedby": "last_modified_by",
}  # fmt: skip

FORMAT = Format(
    name="docx",
    title="Word documents, Nexis Uni and Lexis+ downloads",
    recognises=recognises,
    read=read,
    extensions=(".docx",),
    needs=("lxml",),
    extra="formats",
)
