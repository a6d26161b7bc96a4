"""``broadsheet story``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import pretty
from search.cli.matching import TABLES, put_table
from search.cli.options import UNSAID, asks, common, counted, given, opened, output, printed, styled, valid_text
from search.cli.text import BOLD, DIM, PLAIN, apart, isolated, line, wrap
from search.declarations import columns, row, values
from search.engine.request import STORY
from search.exports import formats

if TYPE_CHECKING:
    from search.records import Change, Story


@click.command("story")
@click.argument("article_id", metavar="ID", callback=valid_text)
@common
@asks(*STORY)
@printed(
    "pretty", "json", "jsonl", *TABLES, help="csv, xlsx and jsonl have a row for each copy; only jsonl has sentences."
)
@output
def command(article_id: str, folder: Path, format: str, **settings: Any) -> None:
    """Show the copies of an article's text, and what they changed.

    Of each copy it is said what it likely is: the original (the agency's own, else the earliest), a reprint, an update
    (the same outlet and address, later) or a correction (it says so), how much it has in common with the original, and
    which sentences it cut (-), added (+) or changed (both). Exits 1 when there is no article with this ID.
    """
    asked = given(settings)
    with opened(folder) as archive:
        found = archive.story(article_id, as_of=asked["as_of"], limit=asked["limit"])
    if format in TABLES:
        put_table("story", _rows(found), format)
    else:
        for text in _drawn(found, format):
            click.echo(text)
    for note in found.notes:
        click.echo(line(note), err=True)
    if found.total > len(found.copies):
        click.echo(f"{len(found.copies):,} of {found.total:,} copies shown; -n shows more", err=True)
    click.echo(_summary(found), err=True)


def _summary(found: Story) -> str:
    if found.total == 1:
        return "1 article, and no copy of it"
    return f"{counted(found.total, 'copy', 'copies')} in {counted(found.outlets, 'outlet')}"


def _rows(found: Story) -> Iterator[Sequence[Any]]:
    """A header, and a row a copy."""
    from search.records import Version

    yield columns(Version)
    yield from (tuple(row(one).values()) for one in found.copies)


def _drawn(found: Story, format: str) -> Iterator[str]:
    if format == "json":
        yield formats.dumps(values(found, UNSAID), indent=2)
    elif format == "jsonl":
        yield from (formats.dumps(values(one)) for one in found.copies)
    else:
        yield from _pretty(found, styled())


def _pretty(found: Story, style: bool) -> Iterator[str]:
    room = pretty.columns()
    for number, one in enumerate(found.copies):
        if number:
            yield ""
        for text in wrap(one.title or "(no title)", room):
            yield f"{BOLD}{isolated(text)}{PLAIN}" if style else text
        facts = (f"likely {one.role}" if one.role != "copy" else "copy", one.source, pretty.when(one.published))
        for text in wrap(" · ".join(filter(None, (*map(line, facts), line(one.agency)))), room):
            yield f"{DIM}{apart(text, ' · ')}{PLAIN}" if style else text
        yield f"id {line(one.id)}"
        if one.id != found.compared:
            yield f"{one.kept:.0%} of the {_compared(found)} kept, {1 - one.common:.0%} of its own words new"
            yield from (text for change in one.changes for text in _change(change, room))


def _compared(found: Story) -> str:
    return "original" if found.original == found.compared else f"text of {line(found.compared)}"


def _change(change: Change, room: int) -> Iterator[str]:
    for sign, sentence in (("-", change.before), ("+", change.after)):
        for number, text in enumerate(wrap(sentence, room - 4) if sentence else ()):
            yield f"  {sign if number == 0 else ' '} {text}"
