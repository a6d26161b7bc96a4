"""TEI, texts as scholars edit them: newspapers an issue a file, its items as divisions; anything else as one article.

Of what editors corrected the corrected form counts; words that a break of a line or a page parts are whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.printed import HYPHENS
from search.ingest.formats.trees import elements, first, inside, line, local
from search.ingest.formats.xml_fields import attribute, child, fields_of, first_line, language_of, root_of, told
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_DIVISIONS = re.compile(r"div[0-7]?\Z")
_CONTAINERS = frozenset(("page", "section", "column", "issue", "part", "group", "masthead", "volume", "supplement"))
_ARTICLES = frozenset(("", "item", "article", "story", "news", "wire", "chapter"))
_BLOCKS = frozenset(
    ("p", "ab", "lg", "quote", "head", "list", "table", "figure", "sp", "div", "salute", "closer", "opener")
)
_LINES = frozenset(("l", "item", "row", "speaker"))
_ASIDE = frozenset(("note", "fw", "del", "figdesc", "teiheader", "byline", "dateline", "docauthor"))
_PREFERRED = {"choice": (("corr", "reg", "expan"), ("sic", "orig", "abbr")), "app": (("lem",), ("rdg",))}
_NEXT, _JOIN = "\x01", "\x02"  # where a line begins, with or without a break of the word
_DEEPEST = 200


def recognises(head: Head) -> bool:
    """Its root is that of TEI."""
    return root_of(head).name in ("tei", "tei.2", "teicorpus", "teicorpus.2")


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each item of an issue, or the one that the text is."""
    header: dict[str, Any] = {}
    texts = 0
    for element, _ in elements(source, ("teiheader", "text")):
        if local(element) == "teiheader":
            header = _header(element)
            continue
        texts += 1
        issue = _Issue(header, language_of(element))
        empty = True
        for record in issue.records(element):
            empty = False
            yield record
        if issue.loose:
            source.note("paragraphs outside of items left out", issue.loose)
        if empty:
            yield rejected(source, f"text {texts}", "no words in the text")
    if not texts:
        yield rejected(source, None, "no text in the document")


def _header(element: _Element) -> dict[str, Any]:
    """What the header says of the source: of the print where it tells of one, else of the edition."""
    described = first(element, "sourcedesc")
    dates = [
        attribute(one, "when", "notBefore", "from") or line(one)
        for part in (described, first(element, "publicationstmt"))
        if part is not None
        for one in inside(part, "date")
    ]
    title = "" if described is None else first_line(described, "title")
    return {
        "date": next(iter(filter(None, dates)), ""),
        "source": title or first_line(element, "title"),
        "title": first_line(element, "title"),
        "language": next((name for one in inside(element, "language") if (name := attribute(one, "ident"))), ""),
        "authors": [line(one) for one in inside(element, "author") if line(one)],
        "id": first_line(element, "idno"),
        "all": fields_of(element),
    }


class _Issue:
    """A text, read from its beginning to its end: which page it is on is known by what came before."""

    def __init__(self, header: dict[str, Any], language: str) -> None:
        self.loose = 0
        self._header = header
        self._language = language or header.get("language", "")
        self._page = ""
        self._pages: list[str] = []  # those of the item that is being read
        self._number = 0

    def records(self, text: _Element) -> Iterator[Record]:
        """Its items; the whole text where it has no divisions."""
        if not any(_DIVISIONS.match(local(one)) for one in text.iter() if isinstance(one.tag, str)):
            record = self._record(text, "", whole=True)
            if record is not None:
                yield record
        else:
            yield from self._within(text, "", 0)

    def _within(self, element: _Element, section: str, depth: int) -> Iterator[Record]:
        for one in element:
            name = local(one)
            if name == "pb":
                self._page = attribute(one, "n") or self._page
            elif name in ("front", "body", "back", "group", "text") or _DIVISIONS.match(name):
                if depth < _DEEPEST and self._contains(one):
                    heading = self._line(child(one, "head")) if attribute(one, "type") == "section" else ""
                    yield from self._within(one, heading or section, depth + 1)
                elif (record := self._record(one, section)) is not None:
                    yield record
            elif isinstance(one.tag, str):
                self.loose += name in ("p", "ab", "lg") and bool(line(one))
                for page in inside(one, "pb"):
                    self._page = attribute(page, "n") or self._page

    def _contains(self, element: _Element) -> bool:
        """Whether a division holds items, rather than being one."""
        inner = any(_DIVISIONS.match(local(one)) or local(one) in ("body", "text", "group") for one in element)
        kind = attribute(element, "type").casefold()
        if kind in _CONTAINERS or not _DIVISIONS.match(local(element)):
            return inner or kind in _CONTAINERS
        return inner and not kind

    def _record(self, element: _Element, section: str, *, whole: bool = False) -> Record | None:
        header, kind = self._header, attribute(element, "type").casefold()
        self._pages = [self._page]
        heading = first(element, "head") if whole else child(element, "head")
        stated = self._line(heading)
        text = _clean("".join(self._words(element, heading, 0)))
        title = stated or (header.get("title", "") if whole else "")
        if not text and not title:
            return None
        self._number += 1
        dateline = first(element, "dateline")
        place = None if dateline is None else first(dateline, "placename")
        by = [line(one) for one in inside(element, "byline", "docauthor") if line(one)]
        identity = attribute(element, "id")
        fields: dict[str, Any] = {
            "id": f"{header['id']}#{identity}" if header.get("id") and identity else "",
            "title": title,
            "text": text,
            "published": header.get("date", "") or attribute(first(element, "date"), "when"),
            "source": header.get("source", ""),
            "authors": by or (header.get("authors", []) if whole else []),
            "dateline": line(place) or line(dateline),
            "language": attribute(element, "lang") or self._language,
            "section": section or ("" if kind in _ARTICLES else kind),
            "caption": "\n".join(line(one) for one in inside(element, "figdesc") if line(one)),
        }
        extra = {
            "kind": kind,
            "element": identity,
            "written": "" if dateline is None else attribute(first(dateline, "date"), "when"),
            "notes": [line(one) for one in inside(element, "note") if line(one)],
            "header": header.get("all", {}),
        }
        names = tuple(self._pages) if any(self._pages) else ()
        return Record(told(fields) | {"extra": told(extra)}, f"item {self._number}", text, False, names)

    def _line(self, element: _Element | None) -> str:
        """What a heading says."""
        return "" if element is None else " ".join(_clean("".join(self._words(element, None, 0))).split())

    def _words(self, element: _Element, heading: _Element | None, depth: int) -> Iterator[str]:
        """The words below an element, with marks where lines and pages begin."""
        yield _flowing(element.text)
        for one in element:
            if isinstance(one.tag, str) and depth < _DEEPEST:
                yield from self._child(element, one, heading, depth + 1)
            yield _flowing(one.tail)

    def _child(self, above: _Element, one: _Element, heading: _Element | None, depth: int) -> Iterator[str]:
        name = local(one)
        if name in ("lb", "cb", "pb", "gb"):
            yield _JOIN if attribute(one, "break") == "no" else _NEXT
            if name == "pb" and (number := attribute(one, "n")) and number != self._page:
                self._page = number
                self._pages.append(number)
                yield "\f"
            return
        wanted, other = _PREFERRED.get(local(above), ((), ()))
        if one is heading or name in _ASIDE or (name in other and any(local(each) in wanted for each in above)):
            for page in inside(one, "pb"):  # the pages go on all the same
                self._page = attribute(page, "n") or self._page
            return
        around = (
            "\n\n"
            if name in _BLOCKS or _DIVISIONS.match(name)
            else "\n"
            if name in _LINES
            else " "
            if name == "cell"
            else ""
        )
        yield around
        yield from self._words(one, heading, depth)
        yield around


def _flowing(text: str | None) -> str:
    return re.sub(r"[\s\x01\x02]+", " ", text) if text else ""


def _clean(text: str) -> str:
    """The text without its marks: lines run on, words that they part are whole."""
    text = re.sub(rf"[{HYPHENS}]?[ \n]*\x02([ \x01\x02\f]*)", lambda mark: "\f" * mark[1].count("\f"), text)
    text = re.sub(
        rf"(?<=[^\W\d_])[{HYPHENS}][ ]*\x01([ \x01\f]*)(?=[^\W\d_A-Z])", lambda mark: "\f" * mark[1].count("\f"), text
    )
    text = text.replace("\x01", " ")
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ?(\f?) ?\n ?", r"\1\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return text.strip(" \n")


FORMAT = Format(
    name="tei",
    title="editions in TEI",
    recognises=recognises,
    read=read,
    extensions=(".tei",),
    needs=("lxml",),
    extra="formats",
)
