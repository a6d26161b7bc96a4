"""ALTO, the pages of libraries' scans as OCR has read them, versions 1 to 4: the words with how sure the reader was.

Pages whose articles a METS file tells are read with that; alone, a file is one article.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.chronicling import place_of
from search.ingest.formats.mets_issue import issue_beside
from search.ingest.formats.printed import HYPHENS, Page, Printed, Word
from search.ingest.formats.trees import elements, inside, line, local
from search.ingest.formats.xml_fields import attribute, first_line, root_of, told
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_PARTS = frozenset(
    ("printspace", "topmargin", "leftmargin", "rightmargin", "bottommargin", "composedblock", "textblock", "textline")
)


def recognises(head: Head) -> bool:
    """Its root is that of ALTO."""
    return root_of(head).name == "alto"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article that the pages of the file are, unless a METS file beside it tells the articles."""
    if issue_beside(source) is not None:
        source.note("pages left to the METS file beside them, to be indexed with it")
        return
    printed = Printed()
    extra: dict[str, Any] = {}
    language = ""
    count = margins = 0
    for page in pages_of(source, extra):
        count += 1
        start, end = page.body if page.body is not None and page.body[0] < page.body[1] else (0, len(page.words))
        margins += len(page.words) - (end - start)
        printed.add(page, page.words[start:end])
        language = language or page.language
    if margins:
        source.note("words in the margins of pages left out", margins)
    if not printed.text:
        yield rejected(source, None, "no words on the page" if count else "no page in the document")
        return
    source.note("pages read as they are, without a METS file that tells their articles", count)
    fields = {"text": printed.text, "ocr_quality": printed.quality, "language": language}
    place = place_of(source.name)
    fields["published"] = place.pop("published", "")
    extra |= {"page_count": count, **place.pop("extra", {})}
    yield Record(told(fields) | {"extra": extra}, None, printed.text, False, tuple(printed.pages))


def pages_of(source: Source, extra: dict[str, Any] | None = None) -> Iterator[Page]:
    """The pages of a file. ``extra`` takes in what it says of the image and of the program that read it."""
    for number, (element, _) in enumerate(elements(source, ("description", "page")), 0):
        if local(element) == "page":
            yield _page(element, number or 1)
        elif extra is not None:
            kept = {
                "image": first_line(element, "filename"),
                "ocr_software": [line(one) for one in inside(element, "softwarename")],
            }
            extra |= told(kept)


def _page(element: _Element, number: int) -> Page:
    page = Page(attribute(element, "PRINTED_IMG_NR", "PHYSICAL_IMG_NR") or str(number))
    page.sure = _share(attribute(element, "PC"))
    _gather(element, page, [0, 0])
    return page


def _gather(element: _Element, page: Page, at: list[int]) -> None:
    """Take in the words below an element; ``at`` are the numbers of the line and the block."""
    start, name = len(page.words), local(element)
    if name == "textblock":
        at[1] += 1
        page.language = page.language or attribute(element, "LANG", "language")
    elif name == "textline":
        at[0] += 1
    for one in element:
        kind = local(one)
        if kind == "string":
            place = len(page.words)
            page.words.append(_word(one, at))
            if identity := attribute(one, "ID"):
                page.places[identity] = place, place + 1
        elif kind == "hyp" and page.words and len(page.words) > start:
            last = page.words[-1]
            if not last.whole and last.text[-1:] not in HYPHENS:
                page.words[-1] = last._replace(text=last.text + "-")
        elif kind in _PARTS:
            _gather(one, page, at)
    if identity := attribute(element, "ID"):
        page.places[identity] = start, len(page.words)
    if name == "printspace":
        page.body = start, len(page.words)


def _word(element: _Element, at: list[int]) -> Word:
    kind = attribute(element, "SUBS_TYPE").casefold()
    whole = attribute(element, "SUBS_CONTENT") if kind.startswith("hyppart") else ""
    text = " ".join(attribute(element, "CONTENT").split())
    return Word(text, at[0], at[1], _share(attribute(element, "WC")), whole, kind == "hyppart2")


def _share(text: str) -> float | None:
    """A share, of 1 or of 100."""
    try:
        value = float(text)
    except ValueError:
        return None
    value = value / 100 if 1 < value <= 100 else value
    return value if 0 <= value <= 1 else None


FORMAT = Format(
    name="alto",
    title="scanned pages as ALTO",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
    single=True,
)
