"""``broadsheet stories``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import pretty
from search.cli.matching import TABLES, asked, match_set, put_table
from search.cli.options import UNSAID, common, counted, opened, styled
from search.cli.text import BOLD, DIM, PLAIN, apart, isolated, line, wrap
from search.declarations import columns, row, values
from search.engine.request import STORIES
from search.exports import formats

if TYPE_CHECKING:
    from search.records import CarriedStories, CarriedStory


@click.command("stories")
@common
@match_set(
    *STORIES, forms=("pretty", "json", "jsonl", *TABLES), help="For people or for programs; xlsx is a table for Excel."
)
@click.pass_context
def command(ctx: click.Context, /, folder: Path, format: str, **settings: Any) -> None:
    """List the most carried stories among what matches.

    A story is all copies of one text; counted are those that match QUERY (without one: all there are). Each is shown by
    its likely original; 'story ID' shows all its copies. Exits 1 when nothing that matches has a copy there.
    """
    query, options = asked(settings)
    with opened(folder) as archive:
        found = archive.stories(query, **options)
    if format in TABLES:
        put_table("stories", _rows(found), format)
    else:
        for text in _drawn(found, format):
            click.echo(text)
    for note in found.notes:
        click.echo(line(note), err=True)
    several = f"{pretty.stories(found.carried)} of several copies among {pretty.stories(found.stories)}"
    click.echo(f"{several} in {counted(found.total, 'article')}", err=True)
    if not found.hits:
        ctx.exit(1)


def _rows(found: CarriedStories) -> Iterator[Sequence[Any]]:
    """A header, and a row a story."""
    from search.records import CarriedStory

    yield columns(CarriedStory)
    yield from (tuple(row(one).values()) for one in found.hits)


def _drawn(found: CarriedStories, format: str) -> Iterator[str]:
    if format == "json":
        yield formats.dumps(values(found, UNSAID), indent=2)
    elif format == "jsonl":
        yield from (formats.dumps(values(one)) for one in found.hits)
    else:
        for one in found.hits:
            if one.rank > 1:
                yield ""
            yield from _pretty(one, pretty.columns(), styled())


def _pretty(one: CarriedStory, room: int, style: bool) -> Iterator[str]:
    number = f"{one.rank}. "
    indent = " " * len(number)
    for place, text in enumerate(wrap(one.title or "(no title)", room - len(indent)) or ["(no title)"]):
        yield (indent if place else number) + (f"{BOLD}{isolated(text)}{PLAIN}" if style else text)
    days = " to ".join(dict.fromkeys(day.isoformat() for day in (one.first, one.last) if day is not None))
    facts = (counted(one.copies, "copy", "copies"), days, ", ".join(map(line, one.sources)))
    for text in wrap(" · ".join(filter(None, facts)), room - len(indent)):
        yield f"{indent}{DIM}{apart(text, ' · ')}{PLAIN}" if style else indent + text
    yield f"{indent}id {line(one.id)}"
