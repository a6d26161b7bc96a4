"""What commands about a whole match set share: the query, its filters, and where the answer goes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from search.cli.files import replacing
from search.cli.options import one_of, timings, valid_text
from search.errors import UsageError
from search.exports import formats
from search.records import Filters

FORMATS = ("pretty", "json", "csv", "svg", "png")
EVERYTHING = "*"  # the query that all articles match
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("query", nargs=-1, metavar="[QUERY]...", callback=valid_text),
    click.option("--from", "since", metavar="D", callback=valid_text, help="Published on this day or later."),
    click.option("--to", "until", metavar="D", callback=valid_text, help="Published on this day or earlier."),
    click.option("--as-of", metavar="D", callback=valid_text, help="Count as if it were then."),
    click.option("--source", multiple=True, metavar="S", callback=valid_text, help="Only this source; repeatable."),
    click.option("--author", multiple=True, metavar="A", callback=valid_text, help="Only this author; repeatable."),
    click.option("--section", multiple=True, metavar="S", callback=valid_text, help="Only this section; repeatable."),
    click.option("--language", multiple=True, metavar="L", callback=valid_text, help="Only this language; repeatable."),
    click.option("--literal", is_flag=True, help="Take QUERY as it stands, without operators."),
    timings,
    one_of("--format", FORMATS, "pretty", "Bars, numbers, or a picture."),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write to this file instead of standard output; png needs one.",
    ),
)


def match_set(function: AnyFunction) -> AnyFunction:
    """The query, the filters, ``--format`` and ``--output``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def asked(settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query and the keyword arguments that the archive takes, from a command's parameters."""
    names = ("since", "until", "source", "author", "section", "language")
    since, until, *lists = (settings[name] or None for name in names)
    filters = Filters(
        since=since, until=until, sources=lists[0], authors=lists[1], sections=lists[2], languages=lists[3]
    )
    query = " ".join(settings["query"])
    if not settings["query"] and filters == Filters():
        query = EVERYTHING
    options = {name: settings[name] for name in ("as_of", "literal", "watch") if name in settings}
    return query, options | {"filters": filters, "literal": options["literal"] and bool(query)}


def table(rows: Iterable[Sequence[Any]]) -> str:
    """CSV, safe to open in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([formats.cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return buffer.getvalue()[:-1]


def check_output(format: str, output: Path | None) -> None:
    """Refuse a picture that has no file to go to. Raises UsageError."""
    if format == "png" and output is None:
        raise UsageError("png is no text; name a file with --output FILE")


def put(answer: str | bytes, output: Path | None) -> None:
    """Print the answer, or let it take the place of a file."""
    if output is None:
        if answer:
            click.echo(answer)
        return
    with replacing(output) as file:
        if isinstance(answer, bytes):
            file.buffer.write(answer)
        elif answer:
            file.write(answer + "\n")
