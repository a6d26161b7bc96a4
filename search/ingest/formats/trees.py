"""HTML and XML of strangers as trees: no entity, DTD or address in them is followed, and memory is bounded.

Files of agencies and databases are often no XML: an ampersand or a sign of "less than" stands as it is, names of HTML
stand for letters, there are control characters. These are put right before a parser sees them, and counted.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterator
from html.entities import html5
from typing import TYPE_CHECKING, Any, cast

from search.ingest.decode import RECORD_LIMIT, TextStream
from search.ingest.encodings import is_utf8
from search.ingest.formats.mending import Mender
from search.ingest.markup import BLOCKS, CELLS, LINES
from search.ingest.source import Source, SourceProblem

if TYPE_CHECKING:
    from lxml.etree import _Element

WHOLE_LIMIT = 1 << 25  # bytes of what must be held as one tree
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,100}encoding\s*=\s*["']([\w.:-]{2,40})["']|<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_PARTS = BLOCKS | {"paragraph", "hl1", "hl2", "block"}  # paragraphs, of XML too
_SKIPPED = frozenset(("script", "style", "head", "template", "noscript", "iframe", "object", "svg", "button", "select"))
_FATAL = frozenset(
    ("ERR_TAG_NOT_FINISHED", "ERR_DOCUMENT_END", "ERR_DOCUMENT_EMPTY", "ERR_INTERNAL_ERROR", "ERR_RESOURCE_LIMIT",
     "ERR_NAME_TOO_LONG", "ERR_NO_MEMORY", "ERR_GT_REQUIRED")
)  # fmt: skip
_MARK = 1000  # characters of the longest mark that parts a text
_DEPTH = 500  # levels of elements whose words are read


def declared_encoding(source: Source) -> str | None:
    """The encoding that the head of a document names, where its bytes are not UTF-8 all the same."""
    found = _DECLARED.search(source.head[:4096])
    if found is None or is_utf8(source.head[:-4] if not source.complete else source.head):
        return None
    name = (found[1] or found[2]).decode("ascii").lower()
    name = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030"}.get(name, name)
    return name if _is_known(name) else None


def _is_known(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True


def text_of(source: Source) -> Iterator[str]:
    """The text of a document in pieces, in the encoding that it declares where its bytes do not say another."""
    if source.encoding is None:
        source.encoding = declared_encoding(source)
    return TextStream(source).chunks()


def whole_text(source: Source, what: str) -> str:
    """The text of a document that must be held at once. Raises ``SourceProblem`` for ``what`` is larger than that."""
    pieces: list[str] = []
    size = 0
    for piece in text_of(source):
        size += len(piece)
        if size > WHOLE_LIMIT:
            raise SourceProblem(f"{what} of more than {WHOLE_LIMIT >> 20} million characters")
        pieces.append(piece)
    return "".join(pieces)


def parted(chunks: Iterator[str], mark: re.Pattern[str], limit: int = RECORD_LIMIT) -> Iterator[str]:
    """The text cut before each ``mark``, what is above the first included. Raises ``SourceProblem`` for a part of more
    than ``limit`` characters."""
    held = ""
    looked = 1  # characters of it that no mark begins in
    for chunk in chunks:
        held += chunk
        place = 0
        while (found := mark.search(held, max(place + 1, looked))) is not None:
            if found.end() == len(held):  # it may go on
                break
            yield held[place : found.start()]
            place = found.start()
            looked = place + 1
        held = held[place:]
        looked = max(1, len(held) - _MARK)
        if len(held) > limit:
            raise SourceProblem(f"more than {limit // 1_000_000} million characters without {mark.pattern[:40]}")
    if held:
        yield held


def whole(source: Source) -> bytes:
    """All bytes. Raises ``SourceProblem`` for more than 32 MiB: one page or one message has less."""
    pieces: list[bytes] = []
    size = 0
    for chunk in source.chunks():
        size += len(chunk)
        if size > WHOLE_LIMIT:
            raise SourceProblem(f"larger than {WHOLE_LIMIT >> 20} MiB, which no single document is")
        pieces.append(chunk)
    return b"".join(pieces)


def html_tree(text: str | bytes, encoding: str | None = None) -> _Element | None:
    """The tree of a page, or of a part of one; None where there is none."""
    from lxml import etree

    if isinstance(text, str):
        # lxml takes no text with a declaration of its encoding.
        text = re.sub(r"\A\s*<\?xml[^>]*>", "", text).encode("utf-8", "replace")
        encoding = "utf-8"
    if not text.strip():
        return None
    parser = etree.HTMLParser(
        encoding=encoding, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def words(element: _Element, skip: Callable[[_Element], bool] | None = None) -> str:
    """The text of an element: blocks are paragraphs, scripts and styles are left out, as is what ``skip`` names."""
    pieces: list[str] = []
    _gather(element, pieces, skip, 0)
    text = re.sub(r"[ \t\r\f\v\xa0]+", " ", "".join(pieces))
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _gather(element: _Element, pieces: list[str], skip: Callable[[_Element], bool] | None, depth: int) -> None:
    if not isinstance(element.tag, str):  # a comment or an entity
        if element.text and element.text.startswith("&"):
            pieces.append(html5.get(element.text[1:], ""))
        return
    name = local(element)
    if name in _SKIPPED or depth > _DEPTH or (skip is not None and skip(element)):
        return
    before = "\n\n" if name in _PARTS else "\n" if name in LINES else " " if name in CELLS else ""
    pieces.append(before)
    pieces.append(_flowing(element.text))
    for child in element:
        _gather(child, pieces, skip, depth + 1)
        pieces.append(_flowing(child.tail))
    if before == "\n\n":
        pieces.append(before)


def _flowing(text: str | None) -> str:
    """Ends of lines in a document mean nothing."""
    return re.sub(r"\s+", " ", text) if text else ""


def line(element: _Element | None) -> str:
    """The text of an element in one line; "" without one."""
    return "" if element is None else " ".join(words(element).split())


def local(element: _Element) -> str:
    """The name of an element without its namespace, in lower case."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def inside(element: _Element, *names: str) -> Iterator[_Element]:
    """The elements of these local names (in lower case) below an element, in the order of the document."""
    return (found for found in element.iter() if found is not element and local(found) in names)


def first(element: _Element, *names: str) -> _Element | None:
    """The first of them."""
    return next(inside(element, *names), None)


def elements(source: Source, names: Collection[str]) -> Iterator[tuple[_Element, str]]:
    """Each element of an XML document with one of these local names (in lower case), once it is whole, and where it
    stands ("line 12"). What was yielded is dropped afterwards: memory does not grow. Raises ``SourceProblem`` where the
    document cannot be followed any more."""
    from lxml import etree

    options: dict[str, Any] = {**_SAFE, "recover": True, "remove_comments": True, "remove_pis": True}
    name = source.encoding or declared_encoding(source) or _instead(source)
    parser = etree.XMLPullParser(("start", "end"), encoding="utf-8" if name is not None else None, **options)
    depth = 0  # levels inside an element that is wanted
    held = 0  # bytes since it began
    try:
        for chunk in _mended(source, name):
            held = held + len(chunk) if depth else 0
            if held > RECORD_LIMIT:
                raise SourceProblem(f"an element of more than {RECORD_LIMIT // 1_000_000} million bytes")
            parser.feed(chunk)
            for event, found in parser.read_events():
                element = cast("_Element", found)
                if depth == 0 and local(element) not in names:
                    if event == "end":
                        _drop(element)
                    continue
                if event == "start":
                    depth += 1
                    continue
                depth -= 1
                if depth == 0:
                    held = 0
                    yield element, f"line {element.sourceline}"
                    _drop(element)
        parser.close()
    except (etree.XMLSyntaxError, LookupError) as error:  # the second for an encoding that the parser does not know
        raise SourceProblem(f"no XML that can be followed: {error}"[:200]) from error
    mistakes = [entry for entry in parser.feed_error_log if not entry.type_name.startswith("WAR_")]
    for mistake in mistakes:
        if mistake.type_name in _FATAL:
            raise SourceProblem(f"the XML breaks off: {mistake.message}"[:200])
    if mistakes:
        source.note("mistakes in the XML passed over", len(mistakes))


def _drop(element: _Element) -> None:
    """Let go of an element and of what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _instead(source: Source) -> str | None:
    """The encoding for one that a document declares and the parser does not know; None where it finds it."""
    stated = _DECLARED.search(source.head[:4096])
    name = "" if stated is None else (stated[1] or stated[2]).decode("ascii").lower()
    if not name or name in ("utf-8", "utf8"):
        return None
    if _is_known(name):  # the parser does too, but for a misspelt "utf-8"
        return "utf-8" if codecs.lookup(name).name == "utf-8" else None
    source.note("encodings that nobody knows passed over")
    return "utf-8" if is_utf8(source.head[:-4] if not source.complete else source.head) else "cp1252"


def _mended(source: Source, name: str | None) -> Iterator[bytes]:
    """The bytes with what makes them no XML put right, as UTF-8 where their encoding is given; UTF-16 as it is."""
    chunks = source.chunks()
    if name is not None:
        chunks = _recoded(chunks, name)
    elif source.head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in source.head[:4]:
        yield from chunks
        return
    mender = Mender()
    for chunk in chunks:
        yield mender.feed(chunk)
    yield mender.feed(b"", final=True)
    if mender.count:
        source.note("characters that made it no XML, put right", mender.count)


def _recoded(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The same text as UTF-8."""
    try:
        decoder = codecs.getincrementaldecoder(name)("replace")
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:  # of what is called an encoding and is none for texts
        raise SourceProblem(f"it is not in {name}, as it says") from error
