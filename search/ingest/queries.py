"""Queries in the rows of a spreadsheet: a header that names the columns, then a query a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from search.errors import MissingExtraError, SourceError

SHEETS = (".xlsx", ".xls", ".ods")
TABLES = (".csv",)
LONGEST = 64 << 20  # bytes
_MOST = 100_000  # rows


class QueryRow(NamedTuple):
    """A row: its number in the file, and its cells that are not empty by the names of their columns in lower case."""

    number: int
    cells: Mapping[str, str]


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is one, by its name."""
    return path.suffix.lower() in (*SHEETS, *TABLES)


def query_rows(path: Path) -> list[QueryRow]:
    """The rows of a CSV file (UTF-8), or of the first sheet of a workbook.

    Raises SourceError for a file that cannot be read, is too large, or has no column ``query``, and MissingExtraError
    where workbooks need the extra 'formats'.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > LONGEST:
        raise SourceError(f"{path} has more than {LONGEST >> 20} MiB")
    rows = _sheet(path, data) if path.suffix.lower() in SHEETS else _table(path, data)
    header = [str(name).strip().lower() for name in next(rows, [])]
    if "query" not in header:
        raise SourceError(f"{path} has no column 'query' in its first row")
    if repeated := sorted({name for name in header if name and header.count(name) > 1}):
        raise SourceError(f"{path} has two columns {repeated[0]!r}")
    found = []
    for number, row in enumerate(rows, 2):
        cells = {name: text for name, value in zip(header, row, strict=False) if name and (text := _text(value))}
        if cells:
            found.append(QueryRow(number, cells))
        if len(found) > _MOST:
            raise SourceError(f"{path} has more than {_MOST:,} rows")
    if not found:
        raise SourceError(f"{path} holds no queries")
    return found


def _table(path: Path, data: bytes) -> Iterator[list[Any]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text; save it as 'CSV UTF-8'") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise SourceError(f"{path} is no table: {error}") from error


def _sheet(path: Path, data: bytes) -> Iterator[list[Any]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise MissingExtraError("python-calamine", "formats") from error
    from search.ingest.formats.old_workbooks import SIGNATURE, sheets_of
    from search.ingest.formats.sheets import bounded
    from search.ingest.source import SourceProblem

    try:
        if data.startswith(SIGNATURE):
            yield from next(iter(sheets_of(data).values()), [])
            return
        bounded(data)
        yield from CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    except (SourceProblem, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    except BaseException as error:  # what a damaged workbook makes of the reader is no Exception always
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
            raise
        raise SourceError(f"{path} is no workbook that can be read: {error}") from error


def _text(value: Any) -> str:
    """A cell as text: a whole number without a point, a day as ISO 8601 writes it."""
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
