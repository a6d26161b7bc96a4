"""Workbooks of Excel and OpenDocument: a header that names the columns, then one article a row, in each sheet."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from search.ingest.aliases import bare_name, fields_of
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.old_workbooks import SIGNATURE, cell, sheets_of
from search.ingest.formats.table import distinct, header_fault
from search.ingest.source import DAMAGES, FREE, MEMORY_LIMIT, RATIO, Head, Source, SourceProblem
from search.records import Rejection

_ABOVE = 20  # rows that may stand above the header
_SECTOR, _DIRECTORY = 512, 48  # bytes of a sector of an OLE file; where its header names that of the directory


def recognises(head: Head) -> bool:
    """It is a workbook: a ZIP file with its parts, or an OLE file whose directory names one."""
    if head.startswith(b"PK\x03\x04"):
        return head.find(b"xl/") >= 0 or head.find(b"opendocument.spreadsheet", 0, 200) >= 0
    if not head.startswith(SIGNATURE):
        return False
    start = (int.from_bytes(head[_DIRECTORY : _DIRECTORY + 4], "little") + 1) * _SECTOR
    return start + _SECTOR > len(head) or any(head.find(name.encode("utf-16-le")) >= 0 for name in ("Workbook", "Book"))


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each row of each sheet whose header names a title or a text."""
    from python_calamine import CalamineWorkbook

    with source.seekable() as file:
        data = file.read(MEMORY_LIMIT + 1)
    if len(data) > MEMORY_LIMIT:
        raise SourceProblem(f"a workbook of more than {MEMORY_LIMIT >> 20} MiB")
    bounded(data)
    sheets: dict[str, Iterator[Sequence[Any]]]
    if data.startswith(SIGNATURE):
        sheets = {name: iter(rows) for name, rows in sheets_of(data).items()}
    else:
        try:
            workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
            sheets = {name: _rows(workbook, name) for name in workbook.sheet_names}
        except BaseException as error:
            raise _damage(error) from error
    faults: list[str] = []
    good = 0
    for name, rows in sheets.items():
        fault = yield from _sheet(source, name if len(sheets) > 1 else "", rows)
        if fault is None:
            good += 1
        elif fault:
            faults.append(f"{name}: {fault}")
    if not good:
        yield rejected(source, None, faults[0] if faults else "no rows in the workbook")
    elif faults:
        source.note("sheets without a column for a title or a text left out", len(faults))


def _sheet(
    source: Source, sheet: str, rows: Iterator[Sequence[Any]]
) -> Generator[Record | Rejection, None, str | None]:
    """The records of a sheet. Returns why there are none: "" for one without rows."""
    start = list(islice(rows, _ABOVE))
    if not start:
        return ""
    ranked = [(len(_fields(row, source.mapped)), -place) for place, row in enumerate(start)]
    above = -max(ranked)[1]
    names = [str(value).strip() for value in start[above]]
    if (fault := header_fault(names, source.mapped, "no row at the start has a column")) is not None:
        return fault
    if above:
        source.note("lines above the header left out", above)
    columns = distinct(names)
    for place, row in enumerate(chain(start[above + 1 :], rows), above + 2):
        fields = {
            name: plain for name, value in zip(columns, row, strict=False) if (plain := cell(value)) not in (None, "")
        }
        if fields:
            where = f"{sheet}, row {place}" if sheet else f"row {place}"
            yield Record(fields, where, " | ".join(map(str, fields.values())))
    return None


def _fields(row: Sequence[Any], mapped: frozenset[str]) -> set[str]:
    names = [str(value) for value in row if isinstance(value, str) and value.strip()]
    return fields_of(names) | {name for name in names if bare_name(name) in mapped}


def _rows(workbook: Any, name: str) -> Iterator[Sequence[Any]]:
    try:
        yield from workbook.get_sheet_by_name(name).iter_rows()
    except GeneratorExit:
        raise
    except BaseException as error:
        raise _damage(error) from error


def bounded(data: bytes) -> None:
    """Raises ``SourceProblem`` for a bomb: the parts of a workbook are unfolded by a library."""
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except DAMAGES as error:
        raise SourceProblem(f"the workbook is damaged ({str(error) or type(error).__name__})") from error
    if size > FREE and size > RATIO * len(data):
        raise SourceProblem(f"it unfolds to more than {RATIO} times its size: not read")


def _damage(error: BaseException) -> BaseException:
    """What is to be raised for what the library raises; its panics are no exceptions of Python's."""
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return SourceProblem(f"no workbook that can be read ({str(error)[:200] or type(error).__name__})")
    return error


FORMAT = Format(
    name="sheets",
    title="workbooks of Excel and OpenDocument",
    recognises=recognises,
    read=read,
    extensions=(".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    needs=("python_calamine",),
    extra="formats",
)
