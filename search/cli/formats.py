"""Results as JSON, JSON lines, CSV and ids: exact and stable, for programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from search.cli.text import clean, line
from search.records import Article, Hit, Results

CSV_COLUMNS = (
    "rank",
    "id",
    "score",
    "matched",
    "title",
    "source",
    "published",
    "authors",
    "url",
    "section",
    "snippet",
    "copies",
)
# What a spreadsheet takes for a formula, in either width.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
# JSON leaves these in a string as they are; escaped, the string is the same and cannot steer a terminal.
_UNSAFE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON that reads back exactly and prints safely. A value from ``extra`` that is no JSON becomes its text."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def day(published: date | None) -> str | None:
    """ISO 8601, with the time where it is known."""
    return None if published is None else published.isoformat()


def hit_record(hit: Hit) -> dict[str, Any]:
    """A hit as ``search --format json`` prints it."""
    article = hit.article
    return {
        "rank": hit.rank,
        "id": article.id,
        "score": round(hit.score, 6),
        "matched": hit.matched,
        "title": article.title,
        "source": article.source,
        "published": day(article.published),
        "authors": list(article.authors),
        "url": article.url,
        "section": article.section,
        "snippet": hit.snippet,
        "highlights": [
            {"field": mark.field, "start": mark.start, "end": mark.end, "kind": mark.kind} for mark in hit.highlights
        ],
        "passages": [
            {
                "text": passage.text,
                "start": passage.start,
                "end": passage.end,
                "score": None if passage.score is None else round(passage.score, 6),
            }
            for passage in hit.passages
        ],
        "copies": list(hit.copies),
        "explain": None if hit.explain is None else dict(hit.explain),
    }


def results_record(results: Results) -> dict[str, Any]:
    """The one object of ``search --format json``."""
    return {
        "query": results.query,
        "mode": str(results.mode),
        "total": results.total,
        "took_ms": results.took_ms,
        "did_you_mean": results.did_you_mean,
        "cursor": results.cursor,
        "hits": [hit_record(hit) for hit in results],
    }


def article_record(article: Article) -> dict[str, Any]:
    """An article as ``show --format json`` prints it; ``index`` reads it back."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "published": day(article.published),
        "source": article.source,
        "authors": list(article.authors),
        "url": article.url,
        "section": article.section,
        "language": article.language,
        "agency": article.agency,
        "dateline": article.dateline,
        "caption": article.caption,
        "extra": dict(article.extra),
    }


def json_lines(hits: Iterable[Hit], query_id: str | None = None) -> list[str]:
    """One hit a line, in a batch with the id of its query."""
    before: Mapping[str, Any] = {} if query_id is None else {"query_id": query_id}
    return [dumps({**before, **hit_record(hit)}) for hit in hits]


def cell(text: str) -> str:
    """Text for one CSV cell. What a spreadsheet would run as a formula gets an apostrophe before it."""
    safe = clean(text)
    return "'" + safe if text.startswith(_FORMULA) or safe.lstrip().startswith(_FORMULA) else safe


def csv_header(*, batch: bool = False) -> str:
    """The first line of a CSV file."""
    return _csv_line((("query_id",) if batch else ()) + CSV_COLUMNS)


def csv_lines(hits: Iterable[Hit], query_id: str | None = None) -> list[str]:
    """One hit a record; several authors or copies are parted by semicolons."""
    lines = []
    for hit in hits:
        record = hit_record(hit)
        record["authors"] = "; ".join(record["authors"])
        record["copies"] = "; ".join(record["copies"])
        record["matched"] = "true" if hit.matched else "false"
        values = [record[name] for name in CSV_COLUMNS]
        if query_id is not None:
            values.insert(0, query_id)
        lines.append(_csv_line([cell(value) if isinstance(value, str) else value for value in values]))
    return lines


def ids(hits: Iterable[Hit]) -> list[str]:
    """One id a line."""
    return [line(hit.article.id) for hit in hits]


def _csv_line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)  # what ends lines is what gets quoted in cells
    return buffer.getvalue()[:-1]
