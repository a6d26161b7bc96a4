"""``broadsheet terms``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import charts, pretty
from search.cli.matching import asked, match_set
from search.cli.options import UNSAID, common, counted, opened
from search.cli.text import line, wrap
from search.declarations import values
from search.engine.request import TERMS
from search.exports import formats, tables

if TYPE_CHECKING:
    from search.records import Term, Terms

PERIOD = 5  # words of a period in a line


@click.command("terms")
@common
@match_set(*TERMS, forms=("pretty", "json", "csv"), help="For people or for programs.")
@click.pass_context
def command(ctx: click.Context, /, folder: Path, format: str, **settings: Any) -> None:
    """List the words and phrases that set what matches apart.

    How often each occurs in all articles that match QUERY (without one: all there are) is compared with the rest of the
    archive; the score is in standard deviations. With --by also what became the word of each period. Exits 1 when
    nothing matches.
    """
    query, options = asked(settings)
    with opened(folder) as archive:
        found = archive.terms(query, **options)
    if format == "json":
        click.echo(formats.dumps(values(found, UNSAID), indent=2))
    else:
        for text in tables.text(_rows(found)).split("\n") if format == "csv" else _pretty(found):
            click.echo(text)
    for note in found.notes:
        click.echo(line(note), err=True)
    undated = f"; {counted(found.undated, 'article')} without a date" if found.undated and found.by else ""
    click.echo(f"{pretty.articles_match(found.total)}{undated}", err=True)
    if not found.total:
        ctx.exit(1)


def _pretty(found: Terms) -> Iterator[str]:
    labels = [line(one.term) for one in found.terms]
    notes = [f"{one.count:,} of {one.everywhere:,} in {counted(one.articles, 'article')}" for one in found.terms]
    yield from charts.rows(labels, [round(one.score) for one in found.terms], notes, pretty.columns())
    for period in found.periods:
        named = ", ".join(line(one.term) for one in period.terms[:PERIOD])
        first, *rest = wrap(f"{period.label}: {named or 'nothing stands out'}", pretty.columns())
        yield first
        yield from (" " * (len(period.label) + 2) + text for text in rest)


def _rows(found: Terms) -> Iterator[tuple[Any, ...]]:
    yield "period", "term", "score", "count", "articles", "everywhere", "query"
    yield from (_row("", one) for one in found.terms)
    for period in found.periods:
        yield from (_row(period.label, one) for one in period.terms)


def _row(label: str, one: Term) -> tuple[Any, ...]:
    return (label, *values(one).values())
