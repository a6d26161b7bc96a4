"""Downloads of the older LexisNexis as text or as HTML: hundreds of articles a file, parted by "1 of 10 DOCUMENTS".

The HTML hides its structure in comments and numbers its classes per file: it is read by its words, as the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from search.ingest.decode import TextStream
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nexis_layouts import NUMBER, Paragraph, in_blocks, older
from search.ingest.formats.trees import html_tree, inside, local, parted, text_of, words
from search.ingest.source import Head, Source
from search.records import Rejection

_DOCUMENT = re.compile(r"<DOC NUMBER=\d+>", re.IGNORECASE)
_TAG = re.compile(r"\s*(?:<!--|<!doctype html|<html|<head|<\?xml)", re.IGNORECASE)


def recognises(head: Head) -> bool:
    """It is HTML with Nexis' marks in its comments, or text with a line that counts documents."""
    text = head.text
    if _TAG.match(text.lstrip("\ufeff")):
        return _DOCUMENT.search(text) is not None
    return not text.lstrip("\ufeff \n").startswith(("<", "{", "[")) and NUMBER.search(text[:20_000]) is not None


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each document, or a rejection in its place."""
    if _DOCUMENT.search(source.head.text) is None:
        yield from documents(source, TextStream(source).chunks())
        return
    for number, part in _numbered(text_of(source), _DOCUMENT):
        yield from _record(source, number, _of_html(part), part)


def documents(source: Source, chunks: Iterator[str]) -> Iterator[Record | Rejection]:
    """The documents of a text, as it comes in pieces."""
    for number, part in _numbered(chunks, NUMBER):
        yield from _record(source, number, list(in_blocks(part)), part)


def _numbered(chunks: Iterator[str], mark: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """The parts that begin with a mark, counted from 1; the cover above the first is none."""
    return enumerate((part for part in parted(chunks, mark) if mark.match(part) is not None), 1)


def _record(source: Source, number: int, paragraphs: list[Paragraph], part: str) -> Iterator[Record | Rejection]:
    while paragraphs and NUMBER.match(paragraphs[0].text):
        paragraphs = paragraphs[1:]
    record = older(paragraphs, number)
    yield rejected(source, f"document {number}", "no headline and no text", part) if record is None else record


def _of_html(part: str) -> list[Paragraph]:
    """The paragraphs of a document, without the comments around it."""
    tree = html_tree(re.sub(r"\A[^>]*>(?:[^<]*<[^>]*>)?[^<]*?-->", "", part, count=1))
    if tree is None:
        return []
    found = (words(element) for element in inside(tree, "p") if not any(local(one) == "p" for one in element))
    return [Paragraph(text) for text in found if text]


FORMAT = Format(
    name="nexis",
    title="LexisNexis downloads (text, HTML)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
