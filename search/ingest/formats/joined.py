"""Several articles in one text, as databases print them: each ends with a line that nothing else has.

| ends with | as |
|---|---|
| End of Document, Ende des Dokuments ... | Nexis Uni and Lexis+ |
| Document VLPST00020250226el2q00001 | Factiva |
| Record Number: 0FEB26B2 | NewsBank |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from search.ingest.dates import read_date
from search.ingest.decode import EXCERPT
from search.ingest.formats import factiva
from search.ingest.formats.base import Record, rejected
from search.ingest.formats.nexis_layouts import END, Paragraph, in_blocks, modern
from search.ingest.source import Source
from search.records import Rejection

NOTE = "texts of several articles, parted at the lines that end them"
Parse = Callable[[str], dict[str, Any]]

_RIGHTS = r"(?:\n[ \t]*(?:copyright|©|\(c\))[^\n]*)*"
_LAST = re.compile(
    r"^[ \t]*(?:(?P<factiva>Document [A-Z]{2,}[A-Za-z0-9]{15,})|Record(?: Number)?: ?\w{4,})[ \t]*$"
    rf"(?i:{_RIGHTS})",
    re.MULTILINE,
)
_END = re.compile(r"^[ \t]*(?:end|ende|dokumentende|fin|fine|einde|fim)\b[^\n]{0,30}$", re.IGNORECASE | re.MULTILINE)


class Part(NamedTuple):
    """The text of one article, and whether Factiva ended it."""

    text: str
    factiva: bool


def articles(source: Source, text: str, parse: Parse) -> Iterator[Record | Rejection] | None:
    """The articles of a text that has several, None of any other. ``parse`` reads one without labels of a database."""
    if any(END.match(line[0].strip()) for line in _END.finditer(text)):
        documents = list(_documents(text))
        if any(modern(document, 1) is not None for document in documents):
            return _of_nexis(source, documents)
    parts = list(_parts(text))
    # Where one of them is no article, they are not parted as they should be.
    if len(parts) < 2 or not all(parse(part.text).get("text", "").strip() for part in parts):
        return None
    return _of_others(source, parts, parse)


def _of_nexis(source: Source, documents: list[list[Paragraph]]) -> Iterator[Record | Rejection]:
    if len(documents) > 1:
        source.note(NOTE)
    for number, document in enumerate(documents, 1):
        record = modern(document, number)
        start = " ".join(paragraph.text for paragraph in document[:20])
        yield (
            rejected(source, f"document {number}", "no headline with a source and a date", start)
            if (record is None)
            else record
        )


def _of_others(source: Source, parts: list[Part], parse: Parse) -> Iterator[Record | Rejection]:
    source.note(NOTE)
    for number, part in enumerate(parts, 1):
        codes = factiva.of_print(_paragraphs(part.text)) if part.factiva else {}
        if codes:
            yield from factiva.article(source, codes, number, part.text)
        else:
            yield Record(parse(_title_before_date(part.text)), f"document {number}", part.text[:EXCERPT])


def _documents(text: str) -> Iterator[list[Paragraph]]:
    """The paragraphs of each document; behind the last end there may be one that is cut short."""
    held: list[Paragraph] = []
    for paragraph in _paragraphs(text):
        if END.match(paragraph):
            yield held
            held = []
        else:
            held.append(Paragraph(paragraph))
    if held:
        yield held


def _parts(text: str) -> Iterator[Part]:
    place = 0
    for last in _LAST.finditer(text):
        yield Part(text[place : last.end()], last["factiva"] is not None)
        place = last.end()
    if text[place:].strip() and not re.fullmatch(rf"\s*{_RIGHTS}\s*", text[place:], re.IGNORECASE):
        yield Part(text[place:], False)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, and the lines of its heads."""
    return [line for block in in_blocks(text) for line in block.text.split("\n")]


def _title_before_date(text: str) -> str:
    """The lines "outlet, date, headline" in the order in which articles have them elsewhere."""
    lines = text.strip().split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()][:3]
    if len(filled) == 3 and [read_date(lines[n].strip(), prose=True).value is not None for n in filled] == [0, 1, 0]:
        lines[filled[1]], lines[filled[2]] = lines[filled[2]], lines[filled[1]]
    return "\n".join(lines)
