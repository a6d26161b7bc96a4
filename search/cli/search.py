"""``broadsheet search``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from search.cli.hits import BOM, put
from search.cli.options import asks, common, counted, given, opened, output, timings, valid_text
from search.cli.receipts import check, receipt_file, write
from search.cli.text import clean, line
from search.engine.request import SEARCH
from search.errors import QueryError, UsageError
from search.exports import formats
from search.exports.files import FORMS
from search.ingest.queries import is_spreadsheet
from search.records import Filters

if TYPE_CHECKING:
    pass

FORMATS = ("pretty", "json", "xlsx", *FORMS)
BATCH_FORMATS = ("jsonl", "csv")
# What --output FILE is written as, by its name, where --format does not say.
_BY_NAME = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".xlsx": "xlsx", ".bib": "bibtex", ".ris": "ris"}


_EXCLUDES = re.compile(r"-(?!n[0-9]+$)[^\W\d_][\w.'’-]+")
_KEPT = "\ue000"  # before a word that begins with a hyphen, until it is known to be no option


class _Query(click.Command):
    """A command whose argument may be a query with ``-word``: ``search strike -trump``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with words of one hyphen and two letters or more as words."""
        end = args.index("--") if "--" in args else len(args)
        own = [_KEPT + arg if _EXCLUDES.fullmatch(arg) else arg for arg in args[:end]]
        return super().parse_args(ctx, own + args[end:])


def _words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> Any:
    return valid_text(ctx, param, tuple(word.removeprefix(_KEPT) for word in value))


@click.command("search", cls=_Query)
@click.argument("query", nargs=-1, metavar="QUERY...", callback=_words)
@common
@asks(*SEARCH)
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run a query from each line (JSON lines, 'id TAB text', or text), or from each row of a spreadsheet with its "
    "filters, and print jsonl or csv.",
)
@timings
@click.option("--explain-query", is_flag=True, help="Say what QUERY means and search nothing.")
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    help="xlsx is a table for Excel. [default: as --output's FILE ends, else pretty; jsonl with --queries]",
)
@click.option("--excel", is_flag=True, help="Begin CSV with a byte order mark (BOM), as Excel needs for accents.")
@receipt_file
@output
@click.pass_context
def command(
    ctx: click.Context,
    /,
    query: tuple[str, ...],
    folder: Path,
    queries: Path | None,
    explain_query: bool,
    format: str | None,
    excel: bool,
    receipt: Path | None,
    **settings: Any,
) -> None:
    """Search an archive.

    QUERY is words, and operators such as "a phrase", +must, -not, OR, title:word, date:2025-02; quote it for the
    shell. Exits 1 when nothing is found.
    """
    check(receipt)
    settings = given(settings)
    if format is None and queries is None and (file := ctx.params.get("output")) is not None:
        format = _BY_NAME.get(file.suffix.lower())
    if excel and format != "csv":
        raise UsageError("--excel goes with --format csv; for a workbook use --format xlsx")
    text = " ".join(query)
    if queries is not None:
        if ctx.get_parameter_source("format") is ParameterSource.DEFAULT_MAP and format not in BATCH_FORMATS:
            format = None  # the user's file tells how hits of one query are printed
        if query or explain_query or settings["cursor"] is not None:
            raise UsageError("--queries takes the place of QUERY, and goes with neither --explain-query nor --cursor")
        if receipt is not None:
            raise UsageError("--receipt is of one query; leave out --queries, or ask each by itself")
        if format not in (None, *BATCH_FORMATS) and not (format == "xlsx" and is_spreadsheet(queries)):
            raise UsageError(f"--queries prints {' or '.join(BATCH_FORMATS)}, not {format}")
        if is_spreadsheet(queries):
            from search.cli import batch

            del settings["cursor"]
            found, failed = batch.run(folder, queries, format or BATCH_FORMATS[0], settings, excel)
            if failed:
                ctx.exit(2)
        else:
            found = _run_all(folder, queries, format or BATCH_FORMATS[0], settings, excel)
    else:
        if not query and settings["filters"] == Filters():
            raise UsageError("give a QUERY, or a filter such as --source or --from")
        with opened(folder) as archive:
            if explain_query:
                names = ("as_of", "literal", "filters")
                click.echo(clean(archive.describe(text, **{name: settings[name] for name in names})))
                return
            made = None if receipt is None else archive.receipt("search", text, **settings)
            results = archive.search(text, **settings) if made is None else made.answer
        found = len(results)
        put(results, format or FORMATS[0], excel, None if made is None else made.id)
        if made is not None and receipt is not None:
            write(made, receipt)
    if not found:
        ctx.exit(1)


def _run_all(folder: Path, queries: Path, format: str, settings: dict[str, Any], excel: bool) -> int:
    """Run a file of queries; how many hits there were. Raises UsageError at the end if some could not be run."""
    from search.evaluation import read_queries

    del settings["cursor"]
    batch = read_queries(queries, plain=True)
    write = formats.json_lines if format == "jsonl" else formats.csv_lines
    found = failed = 0
    if format == "csv":
        click.echo(BOM * excel + formats.csv_header(batch=True))
    with opened(folder) as archive:
        for query in batch:
            try:
                results = archive.search(query.text, **settings)
            except QueryError as error:
                failed += 1
                click.echo(line(f"query {query.query_id}: {error}"), err=True)
                continue
            found += len(results)
            for text in write(results, query.query_id):
                click.echo(text)
    click.echo(f"{counted(found, 'hit')} for {counted(len(batch), 'query', 'queries')}", err=True)
    if failed:
        of = counted(len(batch), "query", "queries")
        raise UsageError(f"{failed:,} of {of} could not be read; --literal takes them as they stand")
    return found
