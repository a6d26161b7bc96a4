"""A collection in each form in which it leaves, for the command line and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from search.declarations import columns, row, values
from search.exports import dossier, formats
from search.exports.files import FORMS
from search.records import Hit
from search.records.collections import Dossier, Member

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Written(NamedTuple):
    """A file: its bytes, its type in HTTP, the end of its name, and how many cells of a workbook were cut."""

    data: bytes
    media: str
    suffix: str
    cut: int = 0


def written(copy: Dossier, form: str) -> Written:
    """A collection in one of ``COLLECTED``. Raises MissingExtraError for one that needs more installed."""
    if form in _REFERENCES:
        how = FORMS[form]
        articles = [article for _, article in copy.entries if article is not None]
        hits = [Hit(rank=at, article=article, score=0.0, matched=True) for at, article in enumerate(articles, 1)]
        return Written(_lines(how.lines(hits)), how.media, how.suffix)
    return _OTHERS[form](copy)


def _lines(lines: Any) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _json(copy: Dossier) -> Written:
    receipts = [receipt.id for receipt in copy.receipts]
    record: dict[str, Any] = {"name": copy.name, "note": copy.note, "receipts": receipts}
    record["articles"] = [values(member) for member, _ in copy.entries]
    return Written(f"{formats.dumps(record, indent=2)}\n".encode(), "application/json", "json")


def _csv(copy: Dossier) -> Written:
    lines = [formats.csv_header(kind=Member), *formats.csv_lines(member for member, _ in copy.entries)]
    return Written(_lines(lines), "text/csv; charset=utf-8", "csv")


def _xlsx(copy: Dossier) -> Written:
    from search.exports.workbook import of_table

    named = ", ".join(receipt.id for receipt in copy.receipts) or None
    rows = (tuple(row(member).values()) for member, _ in copy.entries)
    book = of_table("articles", (columns(Member), *rows), named)
    return Written(book.data, WORKBOOK, "xlsx", book.cut)


def _html(copy: Dossier) -> Written:
    return Written(dossier.html(copy).encode(), "text/html; charset=utf-8", "html")


def _docx(copy: Dossier) -> Written:
    media = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return Written(dossier.docx(copy), media, "docx")


_REFERENCES = ("bibtex", "ris", "csl", "ids")
_OTHERS: Mapping[str, Callable[[Dossier], Written]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "json": _json,
    "html": _html,
    "docx": _docx,
}
COLLECTED = ("csv", "xlsx", "json", *_REFERENCES, "html", "docx")
