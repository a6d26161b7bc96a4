"""Hits and tables as a workbook for spreadsheets (.xlsx): dates as dates, nothing taken for a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from search.declarations import columns, row
from search.errors import MissingExtraError
from search.exports.plain import clean
from search.records import Hit

LONGEST = 32_767  # characters of a cell


class Workbook(NamedTuple):
    """A workbook, and how many of its cells were cut since a cell holds no more."""

    data: bytes
    cut: int


def workbook(hits: Iterable[Hit], receipt: str | None = None) -> Workbook:
    """A row for each hit, as ``of_table``."""
    return of_table("hits", (columns(Hit), *(tuple(row(hit).values()) for hit in hits)), receipt)


def of_table(name: str, rows: Iterable[Sequence[Any]], receipt: str | None = None) -> Workbook:
    """A sheet of this name with these rows, the first of which is the header; a second sheet names the ``receipt``. A
    text of more than 32,767 characters is cut and ends with an ellipsis. Raises MissingExtraError where the extra
    'xlsx' is not installed."""
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingExtraError("xlsxwriter", "xlsx") from error
    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(name)
        sheet.set_row(0, None, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        cut = 0
        for number, values in enumerate(rows):
            for column, value in enumerate(values):
                text = clean(value) if isinstance(value, str) else ""
                if len(text) > LONGEST:
                    cut += 1
                    value = text[: LONGEST - 1] + "…"
                _write(sheet, number, column, value)
        if receipt is not None:
            book.add_worksheet("receipt").write_string(0, 0, f"receipt {receipt}")
    return Workbook(buffer.getvalue(), cut)


def _write(sheet: Any, number: int, column: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(number, column, clean(value))
    elif isinstance(value, datetime):
        sheet.write_string(number, column, value.isoformat())
    elif value is not None:
        sheet.write(number, column, value)
