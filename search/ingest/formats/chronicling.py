"""Pages of Chronicling America as they are handed out in bulk: the text of one page each, in lines as they are printed,
told by their places (sn83030214/1898/01/01/ed-1/seq-1/ocr.txt); with ALTO beside it that is read instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from search.ingest.decode import TextStream
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

PLACE = re.compile(
    r"(?:\A|/)(?P<lccn>[a-z]{1,3}\d{8,10})/(?P<date>\d{4}/\d\d/\d\d)/ed-(?P<edition>\d{1,3})/seq-(?P<page>\d{1,4})/"
    r"ocr(?:_[a-z]{3})?\.(?:txt|xml)(?:\.gz)?\Z"
)
_LONGEST = 20_000_000  # characters of one page


def recognises(head: Head) -> bool:
    """Never: a page has no mark in its bytes."""
    return False


def named(name: str) -> bool:
    """Whether a text stands where pages of Chronicling America do."""
    return ".txt" in name and PLACE.search(name.replace("\\", "/")) is not None


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article that the page is: its lines run on, a blank line begins a paragraph."""
    if source.beside is not None and "ocr.xml" in source.beside.names():
        source.note("pages read from their ALTO beside them")
        return
    found = PLACE.search(source.name.replace("\\", "/"))
    page = Page(found["page"].lstrip("0") if found is not None else "1")
    printed = Printed()
    size = block = 0
    for line in TextStream(source).lines():
        size += len(line.text)
        if size > _LONGEST:
            raise SourceProblem(f"a page of more than {_LONGEST // 1_000_000} million characters")
        block += not line.text.strip()
        printed.add(page, (Word(word, line.number, block) for word in line.text.split()))
    if not printed.text:
        yield rejected(source, None, "no words on the page")
        return
    source.note("pages read as they are: nothing says where an article begins")
    fields = {"text": printed.text, **place_of(source.name)}
    yield Record(fields, None, printed.text, False, tuple(printed.pages))


def place_of(name: str) -> dict[str, Any]:
    """What the place of a page says of it: its day, and which title and edition it is of."""
    found = PLACE.search(name.replace("\\", "/"))
    if found is None:
        return {}
    kept = {"lccn": found["lccn"], "edition": int(found["edition"]), "page": int(found["page"])}
    return {"published": found["date"].replace("/", "-"), "extra": kept}


FORMAT = Format(
    name="chronicling-america",
    title="pages of Chronicling America as text",
    recognises=recognises,
    read=read,
    named=named,
    single=True,
)
