"""Queries from a spreadsheet, each with its own filters, and their hits as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from search.cli.hits import BOM
from search.cli.matching import no_terminal, put_workbook
from search.cli.options import counted, opened
from search.cli.text import line
from search.declarations import Setting, columns, row, settings, values
from search.engine.request import SEARCH
from search.errors import QueryError, UsageError
from search.exports import formats
from search.ingest.queries import QueryRow, query_rows
from search.records import Filters, Hit

if TYPE_CHECKING:
    from search.records import Results

FORMATS = ("jsonl", "csv", "xlsx")
_FILTERS = frozenset(one.name for one in settings(Filters))
_COLUMNS = {one.option: one for one in SEARCH if one.name not in ("cursor", "explain", "rerank", "passages")}
_TRUE, _FALSE = ("true", "yes", "1", "x"), ("false", "no", "0")


class Answered(NamedTuple):
    """The hits of one row."""

    query_id: str
    query: str
    results: Results


def run(folder: Path, file: Path, format: str, given: dict[str, Any], excel: bool) -> tuple[int, int]:
    """Run the rows of a spreadsheet and print their hits: how many there were, and how many rows could not be run,
    which are told; the rest goes on."""
    rows = query_rows(file)
    unknown = sorted({name for one in rows for name in one.cells} - _COLUMNS.keys() - {"query", "id"})
    if unknown:
        click.echo(line(f"columns that are no options of search are passed over: {', '.join(unknown)}"), err=True)
    if format == "xlsx":
        no_terminal("hits")
    elif format == "csv":
        click.echo(BOM * excel + f"query_id,query,{formats.csv_header()}")
    tables: list[tuple[Any, ...]] = [("query_id", "query", *columns(Hit))]
    found = failed = 0
    with opened(folder) as archive:
        for one in rows:
            try:
                query, asked = _asked(one, given)
                results = archive.search(query, **asked)
            except (QueryError, UsageError) as error:
                failed += 1
                click.echo(line(f"row {one.number}: {error}"), err=True)
                continue
            answered = Answered(one.cells.get("id", str(one.number)), query, results)
            found += len(results)
            if format == "xlsx":
                tables += [(answered.query_id, query, *row(hit).values()) for hit in results]
                continue
            for text in _lines(answered, format):
                click.echo(text)
    if format == "xlsx":
        from search.exports.workbook import of_table

        put_workbook(of_table("hits", tables))
    click.echo(f"{counted(found, 'hit')} for {counted(len(rows), 'row')}", err=True)
    if failed:
        click.echo(f"{failed:,} of {counted(len(rows), 'row')} could not be run; they are named above", err=True)
    return found, failed


def _lines(answered: Answered, format: str) -> Iterator[str]:
    if format == "csv":
        before = ",".join(_cell(text) for text in (answered.query_id, answered.query))
        yield from (f"{before},{text}" for text in formats.csv_lines(answered.results))
    else:
        told = {"query_id": answered.query_id, "query": answered.query}
        yield from (formats.dumps({**told, **values(hit)}) for hit in answered.results)


def _cell(text: str) -> str:
    """A cell of CSV, which a spreadsheet takes for no formula."""
    return '"' + formats.cell(text).replace('"', '""') + '"'


def _asked(one: QueryRow, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query of a row, and its settings over those of the command. Raises UsageError for a value that is none."""
    asked = dict(given)
    for name, text in one.cells.items():
        if (setting := _COLUMNS.get(name)) is None:
            continue
        value = _value(setting, text)
        if setting.name in _FILTERS:
            asked["filters"] = replace(asked["filters"], **{setting.name: value})
        else:
            asked[setting.name] = value
    query = one.cells.get("query", "")
    if not query and asked["filters"] == Filters():
        raise UsageError("the row has neither a query nor a filter")
    return query, asked


def _value(setting: Setting, text: str) -> Any:
    """A cell as the value of a setting; several are parted by semicolons."""
    if setting.many:
        return tuple(part for each in text.split(";") if (part := each.strip()))
    if setting.kind is bool:
        if text.lower() in (*_TRUE, *_FALSE):
            return text.lower() in _TRUE
        raise UsageError(f"{setting.option} is true or false, not {text!r}")
    if setting.kind in (int, float):
        try:
            return setting.kind(text)
        except ValueError:
            raise UsageError(f"{setting.option} takes a number, not {text!r}") from None
    if issubclass(setting.kind, StrEnum) and text not in tuple(setting.kind):
        raise UsageError(f"{setting.option} is one of {', '.join(setting.kind)}, not {text!r}")
    return text
