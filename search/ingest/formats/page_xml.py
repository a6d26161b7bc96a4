"""PAGE XML, the pages of scans as Transkribus, OCR-D and eScriptorium keep them: regions in their reading order. One
file is one page, and one article."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.formats.trees import elements, inside, local
from search.ingest.formats.xml_fields import attribute, child, fields_of, first_line, root_of, told
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_FURNITURE = ("header", "footer", "page-number", "catch-word", "signature-mark", "running-head")
_REGIONS = ("textregion", "tableregion")
_ORDERS = ("orderedgroup", "orderedgroupindexed", "unorderedgroup", "unorderedgroupindexed")


def recognises(head: Head) -> bool:
    """Its root is that of PAGE."""
    return root_of(head).name == "pcgts"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article that the page is. A first heading is its title."""
    about: Any = None
    count = 0
    for element, place in elements(source, ("metadata", "page")):
        if local(element) == "metadata":
            about = fields_of(element)
            continue
        count += 1
        yield _record(source, element, place, about, count)
    if not count:
        yield rejected(source, None, "no page in the document")


def _record(source: Source, element: _Element, place: str, about: Any, number: int) -> Record | Rejection:
    page = Page(attribute(element, "PRINTED_IMG_NR") or str(number))
    text, title, captions = Printed(), "", list[str]()
    left_out = lines = 0
    for block, region in enumerate(_ordered(element)):
        kind = attribute(region, "type").casefold()
        words = list(_words(region, block, lines))
        lines = words[-1].line + 1 if words else lines
        if kind in _FURNITURE:
            left_out += bool(words)
        elif kind == "caption":
            captions.append(" ".join(word.text for word in words))
        elif kind == "heading" and not title and not text.text:
            title = " ".join(word.text for word in words)
        else:
            text.add(page, words)
    if left_out:
        source.note("running heads and page numbers left out", left_out)
    if not text.text and not title:
        return rejected(source, place, "no words on the page")
    fields = {
        "title": title,
        "text": text.text,
        "caption": "\n".join(filter(None, captions)),
        "ocr_quality": text.quality,
        "language": attribute(element, "primaryLanguage") or _language(element),
    }
    extra = {"image": attribute(element, "imageFilename"), "metadata": about, "type": attribute(element, "type")}
    return Record(told(fields) | {"extra": told(extra)}, place, text.text, False, tuple(text.pages))


def _language(element: _Element) -> str:
    return next(
        (name for one in inside(element, "textregion", "textline") if (name := attribute(one, "primaryLanguage"))), ""
    )


def _ordered(page: _Element) -> list[_Element]:
    """The regions with text in their reading order, those that it does not name behind."""
    regions = [
        one for one in inside(page, *_REGIONS) if not any(local(above) == "textregion" for above in one.iterancestors())
    ]
    order: dict[str, int] = {}
    reading = child(page, "readingorder")
    for group in reading if reading is not None else ():
        _follow(group, order)
    return sorted(regions, key=lambda one: order.get(attribute(one, "id"), len(order)))


def _follow(group: _Element, order: dict[str, int]) -> None:
    """Number the regions of a group and of those in it."""
    if name := attribute(group, "regionRef"):
        order.setdefault(name, len(order))
    if local(group) in _ORDERS or local(group).startswith("regionref"):
        for one in sorted(group, key=lambda one: _number(attribute(one, "index"))):
            _follow(one, order)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _words(region: _Element, block: int, line: int) -> Iterator[Word]:
    """The words of a region: of its lines where it has any, of words in these where lines have no text."""
    lines = list(inside(region, "textline"))
    for at, element in enumerate(lines, line):
        written, sure = _written(element)
        if not written:
            parts = [_written(one) for one in inside(element, "word")]
            yield from (Word(word, at, block, how) for text, how in parts for word in text.split())
        else:
            if sure is None:
                known = [how for one in inside(element, "word") if (how := _written(one)[1]) is not None]
                sure = sum(known) / len(known) if known else None
            yield from (Word(word, at, block, sure) for word in written.split())
    if not lines:
        written, sure = _written(region)
        for at, text in enumerate(written.split("\n"), line):
            yield from (Word(word, at, block, sure) for word in text.split())


def _written(element: _Element) -> tuple[str, float | None]:
    """What an element says, of several readings the first, and how sure its reader was."""
    readings = [one for one in element if local(one) == "textequiv"]
    if not readings:
        return "", None
    best = min(readings, key=lambda one: _number(attribute(one, "index")))
    try:
        sure = float(attribute(best, "conf"))
    except ValueError:
        sure = -1
    unicode = child(best, "unicode")
    text = (unicode.text or "") if unicode is not None else first_line(best, "plaintext")
    return text.strip(), sure if 0 <= sure <= 1 else None


FORMAT = Format(
    name="page-xml",
    title="scanned pages as PAGE XML",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
    single=True,
)
