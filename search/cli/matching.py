"""What commands about a whole match set share: the query, its filters, and where the answer goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from search.cli.options import asks, counted, given, output, printed, timings, valid_text
from search.declarations import Setting
from search.errors import UsageError
from search.exports import tables
from search.records import Filters

if TYPE_CHECKING:
    from search.exports.workbook import Workbook

FORMATS = ("pretty", "json", "csv", "xlsx", "svg", "png")
TABLES = ("csv", "xlsx")
EVERYTHING = "*"  # the query that all articles match
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def match_set(
    *settings: Setting,
    forms: Sequence[str] = FORMATS,
    help: str = "Bars, numbers, or a picture; xlsx is a table for Excel, and png needs --output.",
    **defaults: Any,
) -> Callable[[AnyFunction], AnyFunction]:
    """The query, the settings, ``--format`` and ``--output``."""
    query = click.argument("query", nargs=-1, metavar="[QUERY]...", callback=valid_text)

    def decorate(function: AnyFunction) -> AnyFunction:
        shown = printed(*forms, help=help)(output(function))
        return query(asks(*settings, **defaults)(timings(shown)))

    return decorate


def asked(settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query and the keyword arguments that the archive takes, from a command's parameters."""
    query = " ".join(words := settings.pop("query"))
    options = given(settings)
    if not words and options["filters"] == Filters():
        query = EVERYTHING
    return query, options | {"literal": options["literal"] and bool(query)}


def put_table(name: str, rows: Iterable[Sequence[Any]], format: str, receipt: str | None = None) -> None:
    """Print a table as CSV, or as a workbook whose sheet has this name; it names its receipt, where there is one."""
    if format == "csv":
        named = ((*row, receipt if number else "receipt") for number, row in enumerate(rows))
        put(tables.text(rows if receipt is None else named))
        return
    from search.exports.workbook import of_table

    no_terminal(name)
    put_workbook(of_table(name, rows, receipt))


def no_terminal(name: str) -> None:
    """Refuse to print a workbook on a terminal. Raises UsageError."""
    if sys.stdout.isatty():
        raise UsageError(f"a workbook is no text; write it to a file: --format xlsx --output {name}.xlsx")


def put_workbook(book: Workbook) -> None:
    """A workbook on stdout, and on stderr how many of its cells were cut."""
    sys.stdout.flush()
    sys.stdout.buffer.write(book.data)
    if book.cut:
        cells = counted(book.cut, "cell")
        click.echo(f"{cells} cut to the 32,767 characters that a spreadsheet holds: --format csv has all", err=True)


def check_output(ctx: click.Context, format: str) -> None:
    """Refuse a picture that has no file to go to. Raises UsageError."""
    if format == "png" and ctx.params["output"] is None:
        raise UsageError("png is no text; name a file with --output FILE")


def put(answer: str | bytes) -> None:
    """Print the answer: text as lines, a picture as it is."""
    if answer:
        click.echo(answer, nl=isinstance(answer, str))
