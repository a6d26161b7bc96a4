"""hOCR, scans as pages of HTML, as Tesseract, OCRopus and the Internet Archive write them. One file is one article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.foreign import kind_of
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.formats.trees import first, html_tree, inside, line, whole_text
from search.ingest.formats.xml_fields import attribute, language_of, told
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_MARK = re.compile(r"""class\s*=\s*["']?ocr_page\b|<meta\s+name\s*=\s*["']ocr-system["']""", re.IGNORECASE)
_LINES = frozenset(("ocr_line", "ocrx_line", "ocr_textfloat", "ocr_caption"))
_ASIDE = frozenset(("ocr_header", "ocr_footer", "ocr_pageno"))
_BLOCKS = frozenset(("ocr_par", "ocr_carea", "ocrx_block", "ocr_column"))
_SURE = re.compile(r"\bx_wconf\s+(\d{1,3}(?:\.\d+)?)")
_PAGE = re.compile(r"\bppageno\s+(\d{1,6})")
_IMAGE = re.compile(r"""\bimage\s+(?:"([^"]*)"|'([^']*)'|(\S+))""")
_NO_TITLE = re.compile(r"(?:ocr (?:results?|output)|untitled|)\Z", re.IGNORECASE)


def recognises(head: Head) -> bool:
    """It is HTML that says that it was made by OCR, or has pages of it."""
    return "ocr" in head.text and _MARK.search(head.text) is not None and kind_of(head) == "HTML"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article that the pages of the file are."""
    tree = html_tree(whole_text(source, "a document of hOCR"))
    pages = [] if tree is None else [one for one in inside(tree, "div", "body") if "ocr_page" in _classes(one)]
    if tree is None or not pages:
        yield rejected(source, None, "no page in the document")
        return
    printed = Printed()
    images: list[str] = []
    left_out = 0
    for number, element in enumerate(pages, 1):
        stated = attribute(element, "title")
        named = _PAGE.search(stated)
        page = Page(str(int(named[1]) + 1) if named else str(number))
        left_out += _gather(element, page, [0, 0])
        printed.add(page, page.words)
        if (image := _IMAGE.search(stated)) is not None:
            images.append(next(filter(None, image.groups()), ""))
    if left_out:
        source.note("running heads and page numbers left out", left_out)
    meta = {attribute(one, "name").casefold(): attribute(one, "content") for one in inside(tree, "meta")}
    title = meta.get("dc.title", "")
    heading = first(tree, "title")
    if not title and heading is not None and not _NO_TITLE.match(stated := (heading.text or "").strip()):
        title = stated
    if not printed.text and not title:
        yield rejected(source, None, "no words on any page")
        return
    fields: dict[str, Any] = {
        "title": title,
        "text": printed.text,
        "published": meta.get("dc.date", ""),
        "authors": meta.get("dc.creator", ""),
        "source": meta.get("dc.publisher", ""),
        "language": meta.get("dc.language", "") or language_of(tree),
        "ocr_quality": printed.quality,
    }
    extra = {"images": images, "page_count": len(pages), "meta": {name: value for name, value in meta.items() if name}}
    yield Record(told(fields) | {"extra": told(extra)}, None, printed.text, False, tuple(printed.pages))


def _classes(element: _Element) -> set[str]:
    return set(attribute(element, "class").split())


def _gather(element: _Element, page: Page, at: list[int]) -> int:
    """Take in the words below an element; ``at`` are the numbers of the line and the block. Returns how many lines are
    running heads and page numbers."""
    left_out = 0
    for one in element:
        if not isinstance(one.tag, str):
            continue
        classes = _classes(one)
        if classes & _ASIDE:
            left_out += 1
        elif classes & _LINES:
            at[0] += 1
            page.words += _words(one, at)
        else:
            if block := bool(classes & _BLOCKS) or str(one.tag) in ("p", "h1", "h2", "h3", "h4"):
                at[1] += 1
            left_out += _gather(one, page, at)
            at[1] += block
    return left_out


def _words(element: _Element, at: list[int]) -> Iterator[Word]:
    marked = [one for one in inside(element, "span", "strong", "em") if "ocrx_word" in _classes(one)]
    for one in marked:
        found = _SURE.search(attribute(one, "title"))
        sure = min(1.0, float(found[1]) / 100) if found else None
        yield from (Word(word, at[0], at[1], sure) for word in line(one).split())
    if not marked:
        yield from (Word(word, at[0], at[1]) for word in line(element).split())


FORMAT = Format(
    name="hocr",
    title="scanned pages as hOCR",
    recognises=recognises,
    read=read,
    extensions=(".hocr",),
    needs=("lxml",),
    extra="formats",
    single=True,
)
