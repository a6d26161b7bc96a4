"""``broadsheet index``."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from search.cli.files import replacing
from search.cli.options import common, counted, embedding, opened
from search.cli.progress import IndexMeter, duration
from search.cli.text import clean, cut
from search.errors import RecordsRejected, SearchError, UsageError
from search.records import AddReport, Article, Rejection

if TYPE_CHECKING:
    from search.archive import Archive
    from search.ingest import Reading

SHOWN = 5  # rejections on the screen; the rest are in --rejects


@click.command("index")
@click.argument("paths", nargs=-1, metavar="PATH...")
@common
@click.option(
    "--format",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="What the files hold; auto looks at each. --format list shows what is read.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Articles in one commit. What is committed survives an interruption.",
)
@click.option("--model", metavar="NAME|PATH", help="The sentence-transformers model of a new archive.")
@embedding
@click.option("--no-vectors", is_flag=True, help="Make a new archive for keyword search alone.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the records that could not be read to this file, as JSON lines.",
)
@click.option("--prune", is_flag=True, help="Then delete the articles that are not in PATH.")
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(
    paths: tuple[str, ...],
    folder: Path,
    format: str,
    batch: int,
    model: str | None,
    dimension: int | None,
    precision: str,
    no_vectors: bool,
    rejects: Path | None,
    prune: bool,
    wait: bool,
) -> None:
    """Add articles to an archive, creating it if there is none.

    PATH is a file, a folder, a pattern such as 'news/*.jsonl.gz', or - for standard input. Articles that are already
    there are skipped, changed ones replaced; after an interruption the same command goes on where it stopped.
    """
    from search import ingest

    if format == "list":
        _list_formats()
        return
    if not paths:
        raise UsageError("give the files or folders to index, or - for standard input")
    began = time.monotonic()
    with ExitStack() as stack:
        watch = _Watch(stack.enter_context(replacing(rejects)) if rejects is not None else None)
        reading = stack.enter_context(closing(ingest.read(paths, format=format)))
        items = watch.over(reading, keep_ids=prune)
        early, first = _first_article(items)
        if first is None:  # nothing is made, and no model loaded, for an input without articles
            if prune:
                raise UsageError("no articles were read, so --prune would delete them all; nothing was changed")
            report, pruned = early, None
            click.echo(f"no articles in {clean(' '.join(paths))}", err=True)
        else:
            how = {"model": model, "dimension": dimension, "precision": precision, "wait": wait}
            archive = stack.enter_context(opened(folder, create=True, **how))
            if archive.settings.get("vectors") is False and not no_vectors:
                click.echo(
                    "this archive was made with --no-vectors: keyword search alone; embed gives it vectors", err=True
                )
            with _saying_what_is_kept(archive), IndexMeter(watch.expected) as meter, warnings.catch_warnings():
                warnings.simplefilter("ignore", RecordsRejected)  # they are told below
                late = archive.add(chain([first], items), batch=batch, vectors=not no_vectors, progress=meter)
            watch.write_late(late)
            report = replace(
                late, rejected=early.rejected + late.rejected, rejections=early.rejections + late.rejections
            )
            pruned = _prune(archive, watch) if prune else None
    _say_rejections(report, rejects)
    if reading.unread_dates:
        click.echo(f"{counted(reading.unread_dates, 'date')} not understood; kept as published_raw", err=True)
    for kind, (count, example) in reading.passed_over.items():
        click.echo(f"passed over {clean(kind)}: {count:,}, such as {clean(example)}", err=True)
    gone = "" if pruned is None else f", {pruned:,} pruned"
    click.echo(
        f"{report.added:,} added, {report.replaced:,} replaced, {report.skipped:,} skipped, "
        f"{report.rejected:,} rejected{gone} in {duration(time.monotonic() - began)}",
        err=True,
    )


def _list_formats() -> None:
    """The formats by name, with what they need installed."""
    from search import ingest

    for name, form in sorted(ingest.known_formats().items()):
        missing = form.missing()
        known = " ".join(form.extensions)
        click.echo(f"{name:<12} {form.title}" + (f" ({known})" if known else ""))
        if missing is not None:
            click.echo(f"{'':<12} {missing}")


def _first_article(items: Iterator[Article | Rejection]) -> tuple[AddReport, Article | None]:
    """The first article, and a report of the rejections before it."""
    rejected = 0
    kept: list[Rejection] = []
    for item in items:
        if isinstance(item, Article):
            return AddReport(rejected=rejected, rejections=tuple(kept)), item
        rejected += 1
        if rejected <= SHOWN:
            kept.append(item)
    return AddReport(rejected=rejected, rejections=tuple(kept)), None


class _Watch:
    """Looks at what the reader gives on its way to the archive."""

    def __init__(self, rejects: TextIO | None) -> None:
        self._rejects = rejects
        self._written: set[int] = set()
        self._reading: Reading | None = None
        self._read = 0
        self._finished = False
        self._bytes_total: int | None = None
        self.ids: set[str] = set()
        self.broken: Rejection | None = None  # where a file may have ended before its end

    def over(self, reading: Reading, *, keep_ids: bool) -> Iterator[Article | Rejection]:
        """The items as they are."""
        self._reading = reading
        self._bytes_total = reading.bytes_total()
        suspect: tuple[Rejection, int] | None = None
        for item in reading:
            self._read += 1
            # A record that cannot be read is no loss but its own where its file goes on behind it.
            if suspect is not None and suspect[1] != reading.files:
                self.broken = suspect[0]
            suspect = None
            if isinstance(item, Rejection):
                suspect = item, reading.files
                self._write(item)
            elif keep_ids:
                self.ids.add(item.id)
            yield item
        self._finished = True
        if suspect is not None:
            self.broken = suspect[0]

    def expected(self) -> int | None:
        """How many articles the input seems to hold, by its bytes."""
        if self._finished:
            return self._read
        if self._reading is None or not self._bytes_total or not self._reading.bytes_read:
            return None
        return max(self._read, self._read * self._bytes_total // self._reading.bytes_read)

    def write_late(self, report: AddReport) -> None:
        """Write what the archive itself rejected, too."""
        for rejection in report.rejections:
            if id(rejection) not in self._written:
                self._write(rejection)

    def _write(self, rejection: Rejection) -> None:
        if self._rejects is None:
            return
        from search.exports.formats import dumps

        self._written.add(id(rejection))
        record = {
            "source": rejection.source,
            "line": rejection.line,
            "reason": rejection.reason,
            "record": rejection.record,
        }
        self._rejects.write(dumps(record) + "\n")


def _prune(archive: Archive, watch: _Watch) -> int:
    """Delete what the input did not have. Raises UsageError where the input may be incomplete."""
    if watch.broken is not None:
        raise UsageError(
            f"{watch.broken.source} may not have been read to its end ({watch.broken.reason}): "
            "--prune deleted nothing. Mend that file, or leave it out"
        )
    return archive.prune(watch.ids)


def _say_rejections(report: AddReport, rejects: Path | None) -> None:
    for rejection in report.rejections[:SHOWN]:
        place = rejection.source if rejection.line is None else f"{rejection.source}:{rejection.line}"
        click.echo(cut(f"rejected {place}: {rejection.reason}", 300), err=True)
    more = report.rejected - min(SHOWN, len(report.rejections))
    if more > 0:
        where = f"all are in {rejects}" if rejects is not None else "--rejects FILE keeps them all"
        click.echo(f"and {more:,} more; {where}", err=True)


@contextmanager
def _saying_what_is_kept(archive: Archive) -> Iterator[None]:
    """When an ``add`` is broken off: what the archive holds all the same."""
    before = len(archive)
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {_kept(archive, before)}") from None
    except (SearchError, OSError, MemoryError):
        click.echo(_kept(archive, before), err=True)
        raise


def _kept(archive: Archive, before: int) -> str:
    try:
        now = len(archive)
    except (SearchError, OSError):
        return "what was committed stays"
    return f"the archive holds {counted(now, 'article')} ({now - before:+,}); the same command goes on from there"
