"""``broadsheet timeline``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import charts, pretty
from search.cli.matching import TABLES, asked, check_output, match_set, put, put_table
from search.cli.options import UNSAID, common, opened
from search.cli.text import line
from search.declarations import values
from search.engine.request import TIMELINE
from search.exports import formats

if TYPE_CHECKING:
    from search.records import Timeline


@click.command("timeline")
@common
@match_set(*TIMELINE)
@click.pass_context
def command(ctx: click.Context, /, folder: Path, format: str, **settings: Any) -> None:
    """Count what matches over time.

    Counts all articles that match QUERY (without one: all there are) by their own local day, and their share of all
    articles in each period. Exits 1 when nothing matches.
    """
    check_output(ctx, format)
    query, options = asked(settings)
    with opened(folder) as archive:
        found = archive.timeline(query, **options)
    if format in TABLES:
        put_table("timeline", _rows(found), format)
    else:
        put(_drawn(found, format))
    for note in found.notes:
        click.echo(line(note), err=True)
    without = pretty.things(found.undated, found.undated if found.stories is not None else None)
    undated = f"; {without} without a date" if found.undated else ""
    click.echo(f"{pretty.match(found.total, found.stories)}{undated}", err=True)
    if not found.total:
        ctx.exit(1)


def _drawn(found: Timeline, format: str) -> str | bytes:
    if format == "json":
        return formats.dumps(values(found, UNSAID), indent=2)
    labels = [one.label for one in found.buckets]
    counts = [one.count for one in found.buckets]
    if format == "pretty":
        shares = [f"{one.share:7.1%}" for one in found.buckets]
        return "\n".join(charts.rows(labels, counts, shares, pretty.columns()))
    panel = charts.Panel(
        f"{'articles' if found.stories is None else 'stories'} by {found.by}", labels, counts, standing=True
    )
    title = f"{pretty.things(found.total, found.stories)}: {found.query}"
    return charts.svg(title, [panel]) if format == "svg" else charts.png(title, [panel])


def _rows(found: Timeline) -> Iterator[tuple[Any, ...]]:
    yield str(found.by), "start", "end", "count", "articles", "share", "query"
    for bucket in found.buckets:
        yield tuple(values(bucket).values())
