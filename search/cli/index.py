"""``broadsheet index``."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from search.cli.files import replacing
from search.cli.options import common, counted, opened
from search.cli.progress import IndexMeter, duration
from search.cli.reading import builds, reads
from search.cli.text import clean, cut
from search.errors import RecordsRejected, SearchError, UsageError
from search.records import AddReport, Article, Edition, Rejection

if TYPE_CHECKING:
    from search.archive import Archive
    from search.ingest import Reading

SHOWN = 5  # rejections on the screen; the rest are in --rejects
EXAMPLES = 5  # articles that a dry run shows


@click.command("index")
@click.argument("paths", nargs=-1, metavar="PATH...")
@common
@reads
@click.option("--dry-run", is_flag=True, help="Read all, say what would become of it, and add nothing.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all that is said of the run to this file, as JSON.",
)
@builds
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
    said: dict[str, Any],
    dry_run: bool,
    report_file: Path | None,
    batch: int,
    building: dict[str, Any],
    vectors: bool,
    rejects: Path | None,
    prune: bool,
    wait: bool,
) -> None:
    """Add articles to an archive, creating it if there is none.

    PATH is a file, a folder, a pattern such as 'news/*.jsonl.gz', or - for standard input. Articles that are already
    there are skipped, changed ones replaced; after an interruption the same command goes on where it stopped.

    What the articles lack, and what was guessed or not used, is said at the end. Exits 1 when there was nothing to add.
    `broadsheet help indexing` explains it all.
    """
    from search import ingest

    if not paths:
        raise UsageError("give the files or folders to index, or - for standard input")
    began = time.monotonic()
    with ExitStack() as stack:
        kept = stack.enter_context(replacing(report_file)) if report_file is not None else None
        watch = _Watch(stack.enter_context(replacing(rejects)) if rejects is not None else None)
        reading = stack.enter_context(closing(ingest.read(paths, **said)))
        items = watch.over(reading, keep_ids=prune)
        if dry_run:
            examples: list[Article] = []
            report, pruned = _foreseen(_with_examples(items, examples), folder, watch if prune else None)
            if prune:
                _refuse_halves(watch, reading.passed_over)
            watch.write_late(report)
            if kept is not None:
                _write_report(kept, report, reading, pruned)
            _say_dry_run(reading, report, pruned, examples, rejects, report_file)
            return
        early, first = _first_article(items)
        if first is None:  # nothing is made, and no model loaded, for an input without articles
            if prune:
                raise UsageError("no articles were read, so --prune would delete them all; nothing was changed")
            report, pruned = early, None
            click.echo(f"no articles in {clean(' '.join(paths))}", err=True)
        else:
            archive = stack.enter_context(opened(folder, create=True, wait=wait, **building))
            if archive.settings.get("vectors") is False and vectors:
                click.echo(
                    "this archive was made with --no-vectors: keyword search alone; embed gives it vectors", err=True
                )
            with _saying_what_is_kept(archive), IndexMeter(watch.expected) as meter, warnings.catch_warnings():
                warnings.simplefilter("ignore", RecordsRejected)  # they are told below
                late = archive.add(chain([first], items), batch=batch, vectors=vectors, progress=meter)
            watch.write_late(late)
            _say_languages(archive, late)
            report = replace(
                late, rejected=early.rejected + late.rejected, rejections=early.rejections + late.rejections
            )
            pruned = _prune(archive, watch, reading.passed_over) if prune else None
        if kept is not None:
            _write_report(kept, report, reading, pruned)
    _say_rejections(report, rejects)
    _say(reading, report, report_file)
    if report.skipped and not (report.added or report.replaced or pruned):
        click.echo(f"nothing is new: {counted(report.skipped, 'article')} unchanged", err=True)
    gone = "" if pruned is None else f", {pruned:,} pruned"
    click.echo(
        f"{report.added:,} added, {report.replaced:,} replaced, {report.skipped:,} skipped, "
        f"{report.rejected:,} rejected{gone} in {duration(time.monotonic() - began)}",
        err=True,
    )
    if not (report.added or report.replaced or report.skipped or report.withdrawn):
        raise click.exceptions.Exit(1)


def _say_languages(archive: Archive, report: AddReport) -> None:
    """In which languages other than English the new articles are read, and which of these have no stems."""
    other = {code: count for code, count in report.languages.items() if code not in ("", "en")}
    if not other:
        return
    guessed = f" (told by the text of {counted(report.detected, 'article')})" if report.detected else ""
    shown = ", ".join(f"{clean(code)} {count:,}" for code, count in list(other.items())[:_MOST_LANGUAGES]) + guessed
    words = archive.settings.get("language")
    if words is None:
        advice = "all are read as English here; 'broadsheet reanalyse' reads each article in its own language"
        click.echo(f"languages: {shown}; {advice}", err=True)
        return
    from search.keyword.multilingual import how_read

    ways: dict[str, list[str]] = {}
    for code in other:
        ways.setdefault(how_read(code), []).append(clean(code))
    told = [f"{', '.join(ways[way])} by {said}" for way, said in _WAYS.items() if way in ways]
    click.echo(f"languages: {shown}" + (f"; found: {'; '.join(told)} (help languages)" if told else ""), err=True)


_MOST_LANGUAGES = 20  # that are told of
_WAYS = {"letters": "every two letters, for want of spaces", "stand": "words as they stand, without stems"}


def _say(reading: Reading, report: AddReport, report_file: Path | None, would: bool = False) -> None:
    """What is to be said of the articles: a line for each kind of files, then what became of twins (or ``would``)."""
    for kind, (count, example) in reading.passed_over.items():
        click.echo(f"passed over {clean(kind)}: {count:,}, such as {clean(example)}", err=True)
    for line in (*reading.report.lines(), *reading.report.advice()):
        click.echo(cut(line, 600), err=True)
    if report.parted:
        records = counted(report.parted, "record")
        click.echo(f"{records} with the same id as another story: kept under ids of their own", err=True)
    if report.revised:
        click.echo(
            f"{counted(report.revised, 'record')} took the place of others of this run with the same id", err=True
        )
    if report.poorer:
        records = counted(report.poorer, "record")
        click.echo(f"{records} without the text or date that the archive has: the fuller ones are kept", err=True)
    _say_versions(report, would)
    for remark in report.remarks[:2]:
        click.echo(f"  {cut(remark, 300)}", err=True)
    if report_file is not None:
        click.echo(f"all of it is in {report_file}", err=True)
    elif len(report.remarks) > 2:
        click.echo("--report FILE keeps them all", err=True)


def _say_versions(report: AddReport, would: bool) -> None:
    """What became of versions of items, and of what their agencies have withdrawn; or ``would``."""
    if report.outdated:
        where = "seen before" if would else "that the archive has"
        click.echo(f"{counted(report.outdated, 'record')} of earlier versions than the one {where}: skipped", err=True)
    if report.withdrawn:
        gone = f"{counted(report.killed, 'article')} {'would be ' if would else ''}deleted"
        click.echo(f"{counted(report.withdrawn, 'item')} withdrawn by their agency: {gone}", err=True)
    if report.barred:
        click.echo(f"{counted(report.barred, 'record')} of withdrawn items: not indexed", err=True)


def _write_report(file: TextIO, report: AddReport, reading: Reading, pruned: int | None) -> None:
    from search.exports.formats import dumps

    record = {
        **{name: value for name, value in asdict(report).items() if isinstance(value, int)},
        "pruned": pruned,
        "kinds": reading.report.to_dict(),
        "passed_over": {
            kind: {"files": count, "example": example} for kind, (count, example) in reading.passed_over.items()
        },
        "advice": list(reading.report.advice()),
        "remarks": list(report.remarks),
        "rejections": [
            {"source": one.source, "line": one.line, "reason": one.reason, "record": one.record}
            for one in report.rejections
        ],
    }
    file.write(dumps(record, indent=2) + "\n")


def _with_examples(items: Iterable[Article | Rejection], examples: list[Article]) -> Iterator[Article | Rejection]:
    """The items as they are; the first articles among them go into ``examples``."""
    for item in items:
        if isinstance(item, Article) and len(examples) < EXAMPLES:
            edition = Edition.of(item)
            if edition is None or not edition.withdrawn:
                examples.append(item)
        yield item


def _foreseen(
    items: Iterable[Article | Rejection], folder: Path, pruning: _Watch | None
) -> tuple[AddReport, int | None]:
    """What would become of the items in the archive that there may be, and how many articles would be pruned."""
    if (folder / "catalog.sqlite").exists():
        with opened(folder) as archive:
            report = archive.foresee(items)
            return report, None if pruning is None else sum(one not in pruning.ids for one in archive.ids())
    from search.engine.foresight import foresee

    return foresee(items, None), None if pruning is None else 0


def _say_dry_run(
    reading: Reading,
    report: AddReport,
    pruned: int | None,
    examples: list[Article],
    rejects: Path | None,
    report_file: Path | None,
) -> None:
    """What there is to read, and what would become of it."""
    _say_rejections(report, rejects)
    _say(reading, report, report_file, would=True)
    for line in reading.report.fields():
        click.echo(cut(f"fields of {line}", 600))
    for article in examples:
        day = "" if article.published is None else str(article.published)[:10]
        shown = " | ".join(part for part in (day, article.source, article.title or article.text[:60]) if part)
        where = article.extra.get("place")
        place = f"{article.extra.get('file')}{'' if where is None else f':{where}'}"
        click.echo(f"  {cut(f'{place}: {shown}', 300)}")
    total = sum(kind.articles for kind in reading.report.kinds.values())
    gone = "" if pruned is None else f", {pruned:,} pruned"
    click.echo(
        f"{counted(total, 'article')} would be read: {report.added:,} added, {report.replaced:,} replaced, "
        f"{report.skipped:,} skipped, {report.rejected:,} rejected{gone}; nothing was written",
        err=True,
    )
    if not (report.added or report.replaced or report.skipped or report.withdrawn):
        raise click.exceptions.Exit(1)


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
        from search.engine.versions import own_id

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
                self.ids |= {item.id, own_id(item).id}  # the second where another story of the run has the first
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


def _prune(archive: Archive, watch: _Watch, passed_over: Iterable[str]) -> int:
    """Delete what the input did not have. Raises UsageError where the input may be incomplete."""
    _refuse_halves(watch, passed_over)
    return archive.prune(watch.ids)


def _refuse_halves(watch: _Watch, passed_over: Iterable[str]) -> None:
    """Raises UsageError where the input may be incomplete, so that what it lacks may be there all the same."""
    if watch.broken is not None:
        raise UsageError(
            f"{watch.broken.source} may not have been read to its end ({watch.broken.reason}): "
            "--prune deleted nothing. Mend that file, or leave it out"
        )
    if gone := [kind for kind in passed_over if "nowhere" in kind]:
        raise UsageError(f"passed over {clean(gone[0])}, a disk that is not there perhaps: --prune deleted nothing")


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
