"""Tables of programs: Parquet and Arrow files, SQLite databases. Columns go by the names of fields, as in CSV.

Nothing of a database is run: its views, triggers and virtual tables are not touched, and it is opened to read only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Any

from search.ingest.aliases import bare_name, fields_of
from search.ingest.decode import RECORD_LIMIT
from search.ingest.formats.base import Record, rejected
from search.ingest.formats.table import distinct, header_fault
from search.ingest.source import FREE, RATIO, Head, Source, SourceProblem
from search.records import Rejection

if TYPE_CHECKING:
    import sqlite3

_FEWEST = 2  # fields that a table of articles has
_BATCH = 500  # rows held at once
_DEPTH = 8  # levels of lists and records in a cell
_PATIENCE = 60.0  # seconds for a single step of a database
_STEPS = 100_000  # of a database's machine between two looks at the clock
_ARROW, _PARQUET, _SQLITE = b"ARROW1", b"PAR1", b"SQLite format 3\x00"


def is_parquet(head: Head) -> bool:
    """It is a Parquet or an Arrow file."""
    return head.startswith((_PARQUET, _ARROW))


def is_sqlite(head: Head) -> bool:
    """It is an SQLite database."""
    return head.startswith(_SQLITE)


def read_parquet(source: Source) -> Iterator[Record | Rejection]:
    """A record for each row, a batch of rows in memory."""
    import pyarrow

    with source.seekable() as file:
        try:
            names, batches = _arrow(file) if source.head.startswith(_ARROW) else _parquet(source, file)
            if (fault := header_fault(names, source.mapped, "there is no column")) is not None:
                yield rejected(source, None, fault)
                return
            columns = distinct(names)
            number = 0
            for batch in batches:
                batch.validate(full=True)  # else its offsets are followed wherever they lead
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield _record(columns, row, f"row {number}")
        except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
            raise SourceProblem(f"the table is damaged ({_words(error)})") from error


def _parquet(source: Source, file: Any) -> tuple[list[str], Iterator[Any]]:
    from pyarrow.parquet import ParquetFile

    table = ParquetFile(file, thrift_string_size_limit=1 << 24, thrift_container_size_limit=1 << 22)
    stored = max(1, source.path.stat().st_size if source.path is not None and not source.packed else file.seek(0, 2))
    groups = (table.metadata.row_group(place).total_byte_size for place in range(table.metadata.num_row_groups))
    if (largest := max(groups, default=0)) > FREE and largest > RATIO * stored:
        raise SourceProblem(f"it unfolds to more than {RATIO} times its size: not read")
    return list(table.schema_arrow.names), table.iter_batches(batch_size=_BATCH, use_threads=False)


def _arrow(file: Any) -> tuple[list[str], Iterator[Any]]:
    from pyarrow import ipc

    table = ipc.open_file(file)
    return list(table.schema.names), (table.get_batch(place) for place in range(table.num_record_batches))


def read_sqlite(source: Source) -> Iterator[Record | Rejection]:
    """A record for each row of each table that has a column for a title or a text."""
    import sqlite3

    from search.storage.catalog import APPLICATION_ID

    if int.from_bytes(source.head[68:72], "big") == APPLICATION_ID:
        yield rejected(source, None, "the catalog of an archive of Broadsheet: broadsheet export, then import")
        return
    try:
        with closing(_opened(source)) as database:
            yield from _tables(source, database)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        raise SourceProblem(f"the database is damaged ({_words(error)})") from error


def _opened(source: Source) -> sqlite3.Connection:
    import sqlite3

    if source.path is not None and not source.packed:
        database = sqlite3.connect(f"{source.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    else:
        with source.seekable() as file:
            data = file.read()
        database = sqlite3.connect(":memory:")
        database.deserialize(data)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, RECORD_LIMIT)
    for setting in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0", "temp_store=MEMORY"):
        database.execute(f"PRAGMA {setting}")
    return database


def _tables(source: Source, database: sqlite3.Connection) -> Iterator[Record | Rejection]:
    started = [time.monotonic()]
    database.set_progress_handler(lambda: time.monotonic() - started[0] > _PATIENCE, _STEPS)
    found = database.execute("SELECT name, type, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('table', 'view')")
    faults: list[str] = []
    good = 0
    for name, kind, made in found.fetchall():
        if kind == "view" or made[:60].upper().split()[:2] == ["CREATE", "VIRTUAL"] or str(name).startswith("sqlite_"):
            if not str(name).startswith("sqlite_"):
                source.note("views and virtual tables left out")
            continue
        quoted = '"' + str(name).replace('"', '""') + '"'
        names = [str(row[1]) for row in database.execute(f"PRAGMA table_info({quoted})")]
        fault = header_fault(names, source.mapped, "there is no column")
        if fault is None and len(fields_of(names)) < _FEWEST and source.mapped.isdisjoint(map(bare_name, names)):
            fault = "its columns are none of an article's"
        if fault is not None:
            faults.append(f"{str(name)[:40]}: {fault}")
            continue
        good += 1
        columns = distinct(names)
        chosen = ", ".join('"' + column.replace('"', '""') + '"' for column in names)
        rows = database.execute(f"SELECT {chosen} FROM {quoted} NOT INDEXED")  # noqa: S608  names are quoted
        number = 0
        while batch := rows.fetchmany(_BATCH):
            for row in batch:
                number += 1
                yield _record(columns, row, f"{str(name)[:60]}, row {number}")
            started[0] = time.monotonic()
    if not good:
        yield rejected(source, None, faults[0] if faults else "a database without tables")
    elif faults:
        source.note("tables without a column for a title or a text left out", len(faults))


def _record(columns: list[str], row: tuple[Any, ...], place: str) -> Record:
    cells = {name: _cell(value, 0) for name, value in zip(columns, row, strict=True) if value is not None}
    excerpt = " | ".join(str(value)[:100] for value in list(cells.values())[:6])
    return Record(cells, place, excerpt)


def _cell(value: Any, depth: int) -> Any:
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, date | datetime | clock):
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return f"{len(value):,} bytes"
    if depth == _DEPTH:
        return str(value)[:1000]
    if isinstance(value, Mapping):
        return {str(name): _cell(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_cell(member, depth + 1) for member in value]
    return str(value)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
