"""Crawls: WARC and ARC files, each page in them read as pages of the web are. What is no page is counted."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

from search.ingest.containers import Stream
from search.ingest.formats import html
from search.ingest.formats.base import Format, Record
from search.ingest.formats.trees import text_of
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

_LONGEST = 1 << 23  # bytes of one page
_BEGINS = re.compile(rb"\s*(?:WARC/\d\.\d\r?\n|filedesc:\S+ [\d.]+ \d{14} )")


def recognises(head: Head) -> bool:
    """It begins as a WARC record or as an ARC file does."""
    return _BEGINS.match(head) is not None


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each page that was fetched and holds an article."""
    from warcio.archiveiterator import ArchiveIterator

    logging.getLogger("warcio").setLevel(logging.CRITICAL)  # it prints addresses as they stand in the file
    records = ArchiveIterator(io.BufferedReader(Stream(source)), no_record_parse=False, arc2warc=True)
    records.INC_RECORD = ""  # what it would print of a record whose length is wrong
    try:
        yield from _articles(source, records)
    finally:
        if records.err_count:
            source.note("records that end elsewhere than they say", records.err_count)


def _articles(source: Source, records: Any) -> Iterator[Record | Rejection]:
    from warcio.exceptions import ArchiveLoadFailed

    number = 0
    while True:
        number += 1
        try:
            record = next(records, None)
            if record is None:
                return
            page = _page(source, record)
        except SourceProblem:
            raise
        except (
            ArchiveLoadFailed,
            ValueError,
            EOFError,
            OSError,
            AttributeError,
            TypeError,
            KeyError,
            IndexError,
        ) as error:
            raise SourceProblem(
                f"record {number}: the crawl is damaged ({str(error)[:150] or type(error).__name__})"
            ) from error
        if page is None:
            continue
        url = str(record.rec_headers.get_header("WARC-Target-URI") or "").strip("<> ")
        found = html.article(page, url, f"record {number}", source)
        if found is None:
            source.note("pages without an article")
            continue
        crawled = {"crawled": record.rec_headers.get_header("WARC-Date"), "crawled_from": url}
        extra = dict(found.fields.get("extra", {})) | {name: value for name, value in crawled.items() if value}
        yield found._replace(fields={**found.fields, "extra": extra})


def _page(source: Source, record: Any) -> str | None:
    """The text of the page in a record; None where it holds none."""
    if record.rec_type not in ("response", "resource", "conversion"):
        return None
    headers = record.http_headers
    status = "200" if headers is None else str(headers.get_statuscode())
    kind = str(
        (headers.get_header("Content-Type") if headers is not None else record.rec_headers.get_header("Content-Type"))
        or ""
    )
    if status != "200" or "html" not in kind.lower():
        source.note("records of no page (images, scripts, redirects) left out")
        return None
    data = record.content_stream().read(_LONGEST + 1)
    if len(data) > _LONGEST:
        source.note(f"pages of more than {_LONGEST >> 20} MiB left out")
        return None
    charset = re.search(r"charset=[\"']?([\w-]{2,30})", kind)
    inner = Source(source.name, io.BytesIO(data), budget=source.budget)
    inner.head = Head(inner.head)
    if charset is not None and inner.encoding is None:
        inner.encoding = _legacy(charset[1], inner.head)
    return "".join(text_of(inner))


def _legacy(charset: str, head: Head) -> str | None:
    """The encoding that a server named, where the bytes are not UTF-8 all the same."""
    try:
        head.decode()
    except UnicodeDecodeError:
        try:
            "".encode(charset)
        except (LookupError, ValueError):
            return None
        return None if charset.lower().replace("-", "") == "utf8" else charset
    return None


FORMAT = Format(
    name="warc",
    title="crawls (WARC, ARC)",
    recognises=recognises,
    read=read,
    extensions=(".warc", ".arc"),
    needs=("warcio", "trafilatura", "lxml_html_clean"),
    extra="formats",
)
