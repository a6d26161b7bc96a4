"""``broadsheet alerts``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli import pretty
from search.cli.options import (
    again,
    asks,
    common,
    counted,
    opened,
    output,
    output_file,
    printed,
    printing_to,
    styled,
    valid_text,
)
from search.cli.text import BOLD, PLAIN, line, wrap
from search.declarations import values
from search.engine.request import ALERTS
from search.errors import UsageError
from search.exports import formats

if TYPE_CHECKING:
    from search.records import News, NewsItem


@click.group("alerts")
@common
@click.pass_context
def command(ctx: click.Context, /, folder: Path) -> None:
    """Save queries, and see what is new to them.

    'alerts add NAME QUERY' saves a query, 'alerts run' prints the articles that came in since the last run.
    """
    ctx.obj = folder


_wait = click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")


@command.command("add")
@click.argument("name", callback=valid_text)
@click.argument("query", nargs=-1, required=True, metavar="QUERY...", callback=valid_text)
@again
@click.option("--everything", is_flag=True, help="The first run also tells what is in the archive by now.")
@_wait
def add(name: str, query: tuple[str, ...], folder: Path, everything: bool, wait: bool) -> None:
    """Save QUERY under NAME.

    News are the articles that come in from now on. Dates such as since:7d count from each run.
    """
    with opened(folder, wait=wait) as archive:
        archive.add_alert(name, " ".join(query), everything=everything)
    click.echo(f"saved {line(name)}", err=True)


@command.command("list")
@again
@printed("pretty", "json")
@output
@click.pass_context
def list_(ctx: click.Context, /, folder: Path, format: str) -> None:
    """List the saved queries.

    Exits 1 when there are none.
    """
    with opened(folder) as archive:
        found = archive.alerts()
    if format == "json":
        click.echo(formats.dumps({"alerts": [values(one) for one in found]}, indent=2))
    else:
        for one in found:
            click.echo(line(one.name))
            for text in wrap(one.query, pretty.columns() - 2):
                click.echo(f"  {text}")
            ran = "never run" if one.ran is None else f"last run {pretty.when(one.ran)}"
            click.echo(f"  saved {pretty.when(one.created)}, {ran}")
    if not found:
        click.echo("no alerts; save one with: broadsheet alerts add NAME QUERY", err=True)
        ctx.exit(1)


@command.command("remove")
@click.argument("name", callback=valid_text)
@again
@_wait
def remove(name: str, folder: Path, wait: bool) -> None:
    """Forget a saved query."""
    with opened(folder, wait=wait) as archive:
        archive.remove_alert(name)
    click.echo(f"removed {line(name)}", err=True)


@command.command("run")
@click.argument("names", nargs=-1, metavar="[NAME]...", callback=valid_text)
@again
@printed("text", "json", "rss", help="How to print the news.")
@output_file
@asks(*ALERTS)
@click.option("--peek", is_flag=True, help="Leave them new: record nothing.")
@_wait
@click.pass_context
def run(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    folder: Path,
    format: str,
    output: Path | None,
    peek: bool,
    wait: bool,
    copies: str,
) -> None:
    """Print what is new since the last run, newest first.

    Without a NAME: of all alerts. A story is told once: a later copy of it is only counted, unless it is an update or a
    correction. A changed article is new again. What was printed is recorded when it is all printed,
    so an interrupted run tells it once more. Exits 1 when there is nothing new.
    """
    with opened(folder, wait=wait) as archive:
        if not peek:
            archive.confirm_alerts(())  # better to hear now than after a page of news that nothing can be recorded
        news = archive.run_alerts(names or None, peek=True, copies=copies)
        with printing_to(output):
            for text in _drawn(news, format):
                click.echo(text)
        sys.stdout.flush()
        if not peek:
            archive.confirm_alerts(news)
    failed = [one for one in news if one.error is not None]
    for one in news:
        said = counted(len(one.items), "new article") if one.error is None else one.error
        click.echo(line(f"{one.alert.name}: {said}"), err=True)
        if one.copies:
            click.echo(f"  of stories told before {pretty.also(one.copies)}", err=True)
    if not news:
        click.echo("no alerts; save one with: broadsheet alerts add NAME QUERY", err=True)
    if failed:
        raise UsageError(f"{len(failed):,} of {counted(len(news), 'alert')} could not be answered")
    if not any(one.items for one in news):
        ctx.exit(1)


def _drawn(news: Sequence[News], format: str) -> Iterator[str]:
    if format == "json":
        yield formats.dumps({"alerts": [values(one) for one in news]}, indent=2)
    elif format == "rss":
        from search.cli import rss

        yield from rss.feed(news, datetime.now(UTC))
    else:
        told = [one for one in news if one.items]
        for number, one in enumerate(told):
            if number:
                yield ""
            yield from _text(one, styled())


def _text(news: News, style: bool) -> Iterator[str]:
    name = line(news.alert.name)
    yield f"{BOLD}{name}{PLAIN}" if style else name
    for item in news.items:
        yield ""
        yield from _item(item)


def _item(item: NewsItem) -> Iterator[str]:
    room = pretty.columns() - 2
    facts = (item.source, pretty.when(item.published), ", ".join(item.authors), item.agency, item.section)
    for text in wrap(item.title or "(no title)", room):
        yield f"  {text}"
    for text in wrap(" · ".join(filter(None, map(line, facts))), room):
        yield f"  {text}"
    for text in wrap(item.snippet, room):
        yield f"  {text}"
    if item.copies:
        yield from (f"  {text}" for text in wrap(pretty.also(item.copies), room))
    if item.url:
        yield f"  {line(item.url)}"
    yield f"  id {line(item.id)}"
