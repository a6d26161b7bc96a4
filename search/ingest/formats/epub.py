"""EPUB: newspapers as e-books, an article a document of the spine; of other books a chapter. Nothing but the named
parts of the ZIP file is opened."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import elements, first, html_tree, inside, line, local, whole_text, words
from search.ingest.formats.xml_fields import attribute, told
from search.ingest.source import DAMAGES, Head, Source, SourceProblem
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_MOST = 20_000  # documents
_ASIDE = frozenset(("nav", "figcaption"))
_BYLINE = re.compile(r"(?:\A|\s)(?:byline|author)(?:\s|\Z)")
_FURNITURE = re.compile(r"\b(?:calibre_navbar|navbar|article_navbar|touchscreen_navbar)\b")
_DOWNLOADED = re.compile(r"(?:This article was downloaded by\s.*?from\s+)(?P<url>https?://\S+)", re.DOTALL)
_DAY = re.compile(r"\s*[\[(](?P<day>[^\[\]()]{6,40})[\])]\s*\Z")
_LINKS = 0.7  # share of the words in links from which on a document is a list of these
_PERIODICAL = re.compile(r"newspaper|periodical|magazine|news", re.IGNORECASE)


def recognises(head: Head) -> bool:
    """It is a ZIP file that begins by saying that it is an e-book."""
    return head.startswith(b"PK\x03\x04") and head.find(b"application/epub+zip", 0, 200) >= 0


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each document of the spine that holds more than links."""
    with source.seekable() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield from _Book(source, archive).records()
        except DAMAGES as error:
            raise SourceProblem(f"the e-book is damaged ({str(error) or type(error).__name__})") from error


class _Book:
    """An e-book: its package says what is in it and in which order."""

    def __init__(self, source: Source, archive: zipfile.ZipFile) -> None:
        self._source = source
        self._archive = archive
        self._about: dict[str, list[str]] = {}
        self._manifest: dict[str, tuple[str, str, str]] = {}  # id: name, type, properties
        self._spine: list[tuple[str, bool]] = []
        self._sections: dict[str, str] = {}

    def records(self) -> Iterator[Record | Rejection]:
        """Its articles, in the order of the spine."""
        self._read_package()
        self._read_contents()
        good = 0
        if len(self._spine) > _MOST:
            raise SourceProblem(f"more than {_MOST:,} documents in an e-book")
        for number, (identity, linear) in enumerate(self._spine, 1):
            name, kind, properties = self._manifest.get(identity, ("", "", ""))
            if not name or "html" not in kind:
                continue
            if not linear or "nav" in properties.split():
                self._source.note("documents beside the text left out")
                continue
            try:
                tree = html_tree(whole_text(self._part(name), "a document of an e-book"))
            except LookupError:
                yield rejected(self._source, f"document {number}", f"{name} is not in the e-book")
                continue
            record = None if tree is None else self._record(tree, name, number)
            if record is None:
                self._source.note("documents without a text (covers, lists of links) left out")
            else:
                good += 1
                yield record
        if not good:
            yield rejected(self._source, None, "no text in the e-book")

    def _part(self, name: str) -> Source:
        try:
            file = self._archive.open(name)
        except KeyError:
            raise LookupError(name) from None
        with file:  # a part is small, or a bomb that its budget ends
            inner = Source(self._source.name, cast(BinaryIO, file), budget=self._source.budget)
            data = b"".join(_bounded(inner))
        return Source(self._source.name, io.BytesIO(data))

    def _read_package(self) -> None:
        try:
            found = (attribute(one, "full-path") for one, _ in elements(self._part(_CONTAINER), ("rootfile",)))
            package = next(found, "")
            part = self._part(package)
        except LookupError:
            raise SourceProblem("the e-book has no package that says what is in it") from None
        for element, _ in elements(part, ("metadata", "item", "itemref")):
            match local(element):
                case "item":
                    name = posixpath.normpath(
                        posixpath.join(posixpath.dirname(package), unquote(attribute(element, "href")))
                    )
                    self._manifest[attribute(element, "id")] = (
                        name,
                        attribute(element, "media-type"),
                        attribute(element, "properties"),
                    )
                case "itemref":
                    self._spine.append((attribute(element, "idref"), attribute(element, "linear") != "no"))
                case _:
                    for one in element:
                        key = attribute(one, "property", "name") or local(one)
                        if value := line(one) or attribute(one, "content"):
                            self._about.setdefault(key, []).append(value)

    def _read_contents(self) -> None:
        """Which section each document is in, by the table of contents (NCX, or a nav element)."""
        for name, kind, properties in self._manifest.values():
            if "dtbncx" not in kind and "nav" not in properties.split():
                continue
            try:
                text = whole_text(self._part(name), "a table of contents")
            except (LookupError, SourceProblem):
                continue
            tree = html_tree(text)
            for one in () if tree is None else inside(tree, "navpoint", "li"):
                label = first(one, "navlabel", "span", "a")
                for inner in one.iter():
                    if (
                        inner is not one
                        and local(inner) in ("navpoint", "li")
                        and (target := first(inner, "content", "a")) is not None
                    ):
                        address = attribute(target, "src", "href").partition("#")[0]
                        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(address)))
                        self._sections.setdefault(path, line(label))

    def _record(self, tree: _Element, name: str, number: int) -> Record | None:
        body = first(tree, "body")
        if body is None:
            return None
        everything = words(body)
        address = _DOWNLOADED.search(everything)
        heading = first(body, "h1", "h2", "h3")
        stated = first(tree, "title")
        title = line(heading) or " ".join((stated.text or "").split() if stated is not None else ())
        byline = next(
            (one for one in inside(body, "p", "div", "span") if _BYLINE.search(attribute(one, "class"))), None
        )

        def aside(one: _Element) -> bool:
            return (
                one is heading
                or one is byline
                or local(one) in _ASIDE
                or bool(_FURNITURE.search(attribute(one, "class")))
            )

        text = words(body, skip=aside)
        text = _DOWNLOADED.sub("", text).strip()
        linked = sum(len(line(one)) for one in inside(body, "a"))
        if not text or linked > _LINKS * len(text):
            return None
        about = {key: values[0] for key, values in self._about.items()}
        kind = f"{about.get('calibre:publication_type', '')} {' '.join(self._about.get('subject', []))}"
        book = about.get("title", "")
        source = (
            _DAY.sub("", book) if _PERIODICAL.search(kind) or _DAY.search(book) else about.get("publisher", "") or book
        )
        when = next((attribute(one, "datetime") or line(one) for one in inside(body, "time")), "")
        caption = "\n".join(line(one) for one in inside(body, "figcaption") if line(one))
        identity = about.get("identifier", "")
        fields: dict[str, Any] = {
            "id": f"{identity}#{name}" if identity else "",
            "title": title,
            "text": text,
            "published": when or about.get("date", ""),
            "source": source,
            "authors": line(byline) or ("" if _PERIODICAL.search(kind) else self._about.get("creator", [])),
            "language": about.get("language", ""),
            "section": self._sections.get(name, ""),
            "url": address["url"] if address is not None else "",
            "caption": caption,
        }
        extra = {
            "book": {key: values if len(values) > 1 else values[0] for key, values in self._about.items()},
            "part": name,
        }
        return Record(told(fields) | {"extra": extra}, f"document {number}", text, False)


def _bounded(source: Source) -> Iterator[bytes]:
    size = 0
    for chunk in source.chunks():
        size += len(chunk)
        if size > 1 << 25:
            raise SourceProblem("a document of an e-book of more than 32 MiB")
        yield chunk


FORMAT = Format(
    name="epub",
    title="newspapers and books as EPUB",
    recognises=recognises,
    read=read,
    extensions=(".epub",),
    needs=("lxml",),
    extra="formats",
)
