"""``broadsheet timeline``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import charts, pretty
from search.cli.matching import TABLES, asked, check_output, match_set, put, put_table
from search.cli.options import UNSAID, common, opened
from search.cli.receipts import check, receipt_file, write
from search.cli.text import line
from search.declarations import values
from search.engine.request import TIMELINE
from search.exports import formats, tables

if TYPE_CHECKING:
    from search.records import Timeline


@click.command("timeline")
@common
@match_set(*TIMELINE)
@click.option("--share", is_flag=True, help="Draw the share of all articles in each period, and not the number.")
@receipt_file
@click.pass_context
def command(
    ctx: click.Context, /, folder: Path, format: str, share: bool, receipt: Path | None, **settings: Any
) -> None:
    """Count what matches over time.

    Counts all articles that match QUERY (without one: all there are) by their own local day, and their share of all
    articles in each period. Several QUERYs stand in one chart, so put the words of one in quotes. Exits 1 when nothing
    matches.
    """
    check_output(ctx, format)
    check(receipt)
    first, *others = settings["query"] or ("",)
    settings["query"] = (first,) if first else ()
    settings["compare"] = (*others, *(settings["compare"] or ()))
    query, options = asked(settings)
    with opened(folder) as archive:
        made = None if receipt is None else archive.receipt("timeline", query, **options)
        found = archive.timeline(query, **options) if made is None else made.answer
    if format in TABLES:
        put_table("timeline", tables.of_timeline(found), format, None if made is None else made.id)
    else:
        put(_drawn(found, format, share, None if made is None else made.id))
    if made is not None and receipt is not None:
        write(made, receipt)
    for note in found.notes:
        click.echo(line(note), err=True)
    if others and not any(" " in one for one in (first, *others)):
        together = line(" ".join((first, *others)))
        click.echo(f"{1 + len(others)} queries, a word each; as one query: broadsheet timeline '{together}'", err=True)
    without = pretty.things(found.undated, found.undated if found.stories is not None else None)
    undated = f"; {without} without a date" if found.undated else ""
    click.echo(f"{pretty.match(found.total, found.stories)}{undated}", err=True)
    for one in found.series:
        click.echo(f"{line(one.name)}: {pretty.match(one.total, one.stories)}", err=True)
    if not found.total and not any(one.total for one in found.series):
        ctx.exit(1)


def _drawn(found: Timeline, format: str, share: bool, receipt: str | None) -> str | bytes:
    if format == "json":
        by = {} if receipt is None else {"receipt": receipt}
        return formats.dumps(values(found, UNSAID) | by, indent=2)
    labels = [one.label for one in found.buckets]
    counts = [one.count for one in found.buckets]
    what = "articles" if found.stories is None else "stories"
    title = f"{pretty.things(found.total, found.stories)}: {found.query}"
    if not share and not found.series:
        if format == "pretty":
            shares = [f"{one.share:7.1%}" for one in found.buckets]
            return "\n".join(charts.rows(labels, counts, shares, pretty.columns()))
        panel: charts.Panel | charts.Lines = charts.Panel(f"{what} by {found.by}", labels, counts, standing=True)
    else:
        named = [(found.query, found.buckets), *((one.name, one.buckets) for one in found.series)]
        drawn = [(name, [one.share if share else one.count for one in buckets]) for name, buckets in named]
        panel = charts.Lines(f"{'share of ' * share}{what} by {found.by}", labels, drawn, share)
        if format == "pretty":
            return "\n".join(charts.table([name for name, _ in drawn], panel, pretty.columns()))
    return charts.svg(title, [panel]) if format == "svg" else charts.png(title, [panel])
