"""``broadsheet facets``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import charts, pretty
from search.cli.matching import TABLES, asked, check_output, match_set, put, put_table
from search.cli.options import UNSAID, common, counted, opened, styled
from search.cli.receipts import check, receipt_file, write
from search.cli.text import DIM, PLAIN, line, width
from search.declarations import values
from search.engine.request import FACETS
from search.exports import formats, tables

if TYPE_CHECKING:
    from search.records import Facet, Facets

CHART = 60  # columns of labels and bars at most


@click.command("facets")
@common
@match_set(*FACETS, limit=10)
@receipt_file
@click.pass_context
def command(
    ctx: click.Context,
    /,
    folder: Path,
    format: str,
    receipt: Path | None,
    **settings: Any,
) -> None:
    """Count what matches by source, author, section, date and more.

    Counts are over all articles that match QUERY (without one: all there are), not over the hits of a search. Each
    value comes with the query that narrows to it. Exits 1 when nothing matches.
    """
    check_output(ctx, format)
    check(receipt)
    query, options = asked(settings)
    with opened(folder) as archive:
        made = None if receipt is None else archive.receipt("facets", query, **options)
        found = archive.facets(query, **options) if made is None else made.answer
    if format in TABLES:
        put_table("facets", tables.of_facets(found), format, None if made is None else made.id)
    else:
        put(_drawn(found, format, None if made is None else made.id, style=styled()))
    if made is not None and receipt is not None:
        write(made, receipt)
    for note in found.notes:
        click.echo(line(note), err=True)
    click.echo(pretty.match(found.total, found.stories), err=True)
    if not found.total:
        ctx.exit(1)


def _drawn(found: Facets, format: str, receipt: str | None, *, style: bool) -> str | bytes:
    if format == "json":
        named = {} if receipt is None else {"receipt": receipt}
        return formats.dumps(values(found, UNSAID) | named, indent=2)
    if format == "pretty":
        return "\n".join(_pretty(found, style))
    panels = [
        charts.Panel(
            heading(facet, found.stories is not None),
            [one.value for one in facet.values],
            [one.count for one in facet.values],
        )
        for facet in found.facets
        if facet.values
    ]
    title = f"{pretty.things(found.total, found.stories)}: {found.query}"
    return charts.svg(title, panels) if format == "svg" else charts.png(title, panels)


def heading(facet: Facet, stories: bool = False) -> str:
    """The field, how many values it has, and how many articles or stories have none."""
    said = f"{facet.field}: {counted(facet.distinct, 'value')}"
    if len(facet.values) < facet.distinct:
        said += f", the {len(facet.values):,} most frequent"
    return said + (f"; {pretty.things(facet.none, facet.none if stories else None)} without" if facet.none else "")


def _pretty(found: Facets, style: bool) -> Iterator[str]:
    room = pretty.columns()
    if not found.total:
        return
    for number, facet in enumerate(found.facets):
        if number:
            yield ""
        yield heading(facet, found.stories is not None)
        labels = [one.value for one in facet.values]
        values = [one.count for one in facet.values]
        chart = charts.rows(labels, values, [""] * len(labels), min(room, CHART) - 2)
        queries = [line(one.query or "") for one in facet.values]
        widest = max(map(width, chart), default=0)
        beside = widest + 4 + max(map(width, queries), default=0) <= room
        for drawn, query in zip(chart, queries, strict=True):
            shown = f"{DIM}{query}{PLAIN}" if style and query else query
            if beside:
                yield f"  {drawn}{' ' * (widest - width(drawn))}  {shown}".rstrip()
            else:
                yield f"  {drawn}"
                if query:
                    yield f"    {shown}"
