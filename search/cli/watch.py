"""``broadsheet watch``."""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options import common, counted, opened
from search.cli.progress import duration
from search.cli.reading import builds, reads
from search.cli.text import clean, cut
from search.errors import RecordsRejected, UsageError

if TYPE_CHECKING:
    from search.archive import Archive
    from search.records import Round

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_SHOWN = 5  # remarks of a round


class Duration(click.ParamType[float]):
    """``30s``, ``5m``, ``2h``, ``1d``; a number alone is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(str(value).strip().lower())
        if found is None or found[2] not in _UNITS:
            self.fail(f"{value!r} is no time such as 30s, 5m, 2h or 1d.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@click.command("watch")
@click.argument("inputs", nargs=-1, metavar="PATH|ADDRESS...")
@common
@click.option("--once", is_flag=True, help="One round, for cron: exits when it is done, 1 where something failed.")
@click.option("--every", type=Duration(), default="1m", show_default=True, metavar="TIME", help="From round to round.")
@click.option(
    "--pause",
    type=Duration(),
    default="15m",
    show_default=True,
    metavar="TIME",
    help="At least between two questions to one feed. Feeds that ask for more get it, up to a day.",
)
@click.option(
    "--rest",
    type=Duration(),
    default="2s",
    show_default=True,
    metavar="TIME",
    help="A file is read when it has not changed for so long.",
)
@click.option("--allow-private", is_flag=True, help="Ask addresses of this machine and its network, too.")
@click.option("--failed", is_flag=True, help="List what could not be read, with reasons, and watch nothing.")
@click.option("--retry", is_flag=True, help="Try all of that again now, and feeds that have gone or are not due.")
@reads
@builds
def command(
    inputs: tuple[str, ...],
    folder: Path,
    once: bool,
    every: float,
    pause: float,
    rest: float,
    allow_private: bool,
    failed: bool,
    retry: bool,
    batch: int,
    vectors: bool,
    building: dict[str, Any],
    said: dict[str, Any],
) -> None:
    """Index files as they appear, and feeds as they bring news.

    PATH is a folder, a pattern, a file, or a list of feeds (OPML, or an address a line); ADDRESS is a feed at http: or
    https:. Of feeds, what they hold is indexed, and no page is fetched. A line a round says what came in. Ctrl-C and
    SIGTERM end it when what was read is committed; Ctrl-C once more, at once.

    What could not be read is kept in a list, shown by --failed, and tried again by the next runs.
    `broadsheet help watching` explains it all.
    """
    if failed:
        with opened(folder) as archive:
            _list_failed(archive)
        return
    if not inputs:
        raise UsageError("give the folders, files or feeds to watch")
    rhythm: dict[str, Any] = {"every": every, "pause": pause, "rest": rest, "once": once}
    bad = False
    with opened(folder, create=True, wait=True, **building) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordsRejected)
        how: dict[str, Any] = {"batch": batch, "vectors": vectors, "allow_private": allow_private, "retry": retry}
        with archive.watch(inputs, **rhythm, **how, **said) as watcher, _stopped_by_signals(watcher.stop):
            for made in watcher:
                _say(made, once)
                bad |= bool(made.failed)
            if watcher.stopped:
                click.echo("stopped; all that was read is committed", err=True)
    if once and bad:
        raise click.exceptions.Exit(1)


@contextmanager
def _stopped_by_signals(stop: Any) -> Iterator[None]:
    """SIGTERM and Ctrl-C call ``stop``; a second Ctrl-C interrupts, as it does elsewhere."""

    def handle(number: int, _: Any) -> None:
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        click.echo("stopping when what was read is committed; Ctrl-C once more stops at once", err=True)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(made: Round, always: bool) -> None:
    """One line for a round with news, and remarks below it."""
    if made.quiet and not always and not made.waiting:
        return
    click.echo(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}  {told(made)}")
    for remark in (*made.remarks, *made.report.remarks)[:_SHOWN]:
        click.echo(f"  {cut(remark, 300)}", err=True)


def told(made: Round) -> str:
    """A round in a line."""
    report = made.report
    parts = [f"{report.added:,} added, {report.replaced:,} replaced, {report.skipped:,} skipped"]
    if report.rejected:
        parts[0] += f", {report.rejected:,} rejected"
    if report.withdrawn:
        parts.append(f"{counted(report.withdrawn, 'item')} withdrawn, {report.killed:,} deleted")
    read = [counted(number, noun) for number, noun in ((made.files, "file"), (made.feeds, "feed")) if number]
    if read:
        parts.append(f"of {' and '.join(read)}")
    if made.unchanged:
        parts.append(f"{counted(made.unchanged, 'feed')} unchanged")
    if made.summaries:
        parts.append(f"{made.summaries:,} with a summary alone")
    if made.waiting:
        parts.append(f"{counted(made.waiting, 'file')} still being written")
    if made.failed:
        parts.append(f"{made.failed:,} failed")
    if made.letters:
        parts.append(f"{counted(made.letters, 'dead letter')} (--failed)")
    return "; ".join(parts) + f"; {duration(made.seconds)}"


def _list_failed(archive: Archive) -> None:
    letters, dropped = archive.dead_letters(), archive.stats()["watched"]
    for one in letters:
        where = one.source if one.line is None else f"{one.source}:{one.line}"
        tries = f"{one.tries} {'try' if one.tries == 1 else 'tries'} since {one.first.astimezone():%Y-%m-%d %H:%M}"
        click.echo(f"{clean(where)}: {cut(one.reason, 300)} ({tries})")
    if dropped and dropped["dropped"]:
        click.echo(f"and {dropped['dropped']:,} for which there was no room", err=True)
    click.echo(counted(len(letters), "dead letter"), err=True)
    if not letters:
        raise click.exceptions.Exit(1)
