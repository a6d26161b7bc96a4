"""RTF: the downloads of Nexis and Factiva, or one story a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from search.ingest.formats.base import Format, Record
from search.ingest.formats.docx import articles
from search.ingest.formats.nexis_layouts import NUMBER, Paragraph
from search.ingest.formats.trees import whole
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

_PAGE_BREAK = re.compile(r"\\(?:page|sect)\b(?![a-z])")
_PICTURES = re.compile(rb"\{\\\*?\\?(?:pict|objdata|themedata|colorschememapping|datastore|blipuid)\b[^{}]*\}")
_DEEPEST = 400  # groups in groups


def recognises(head: Head) -> bool:
    """It begins as RTF does."""
    return head.text.lstrip("\ufeff \n").startswith("{\\rtf")


def read(source: Source) -> Iterator[Record | Rejection]:
    """The articles of a download, or the one story."""
    from striprtf.striprtf import rtf_to_text

    data = _PICTURES.sub(b"", whole(source))
    if not data.rstrip(b"\x00\r\n\t ").endswith(b"}"):
        source.note("RTF files that are cut short")
    if _depth(data) > _DEEPEST:
        raise SourceProblem(f"groups nested deeper than {_DEEPEST}")
    try:
        text: str = rtf_to_text(data.decode("ascii", "replace"), errors="replace")
    except (ValueError, LookupError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise SourceProblem(f"the RTF is damaged ({type(error).__name__})") from error
    yield from _articles(source, text)


def _articles(source: Source, text: str) -> Iterator[Record | Rejection]:
    from search.ingest.formats import factiva, nexis

    if NUMBER.search(text) is not None:
        yield from nexis.documents(source, iter((text,)))
        return
    if factiva.is_coded(text):
        yield from factiva.of_lines(source, text.split("\n"))
        return
    lines = (Paragraph(line.strip(" \t\xa0|")) for line in text.replace("\f", "\n").split("\n"))
    yield from articles(source, (line for line in lines if line.text), {})


def _depth(data: bytes) -> int:
    depth = most = 0
    for mark in re.finditer(rb"\\[{}\\]|[{}]", data):
        if mark[0] == b"{":
            depth += 1
            most = max(most, depth)
        elif mark[0] == b"}":
            depth -= 1
    return most


FORMAT = Format(
    name="rtf",
    title="RTF, Nexis and Factiva downloads",
    recognises=recognises,
    read=read,
    extensions=(".rtf",),
    needs=("striprtf", "lxml"),
    extra="formats",
)
