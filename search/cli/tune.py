"""``broadsheet tune``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options import common, counted, opened, output, printed
from search.cli.progress import Meter
from search.cli.text import line
from search.errors import SearchError, UsageError
from search.exports import formats
from search.records import Mode

if TYPE_CHECKING:
    from search.evaluation.tuning import Tuned

_NOTHING_GAINED = 1


@click.command("tune")
@common
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your queries, as 'evaluate' reads them. Without any, they are made of the archive's headlines.",
)
@click.option("--qrels", type=click.Path(path_type=Path), metavar="FILE", help="Their judgements.")
@click.option(
    "--pairs",
    type=click.IntRange(40, 10_000),
    help="So many queries are made at most, each of the rarer words of a headline.  [default: 400]",
)
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID)]),
    help="Tune for this mode.  [default: hybrid where the archive has vectors]",
)
@click.option("--save", is_flag=True, help="Rank by what was found from now on, if it gains more than noise.")
@click.option("--reset", is_flag=True, help="Instead, rank by the usual settings again.")
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
@printed("pretty", "json")
@output
def command(
    folder: Path,
    queries: Path | None,
    qrels: Path | None,
    pairs: int | None,
    mode: str | None,
    save: bool,
    reset: bool,
    wait: bool,
    format: str,
) -> None:
    """Find what an archive is best ranked by.

    Settings of the ranking are searched for on one half of the queries and compared with those of before on the other
    half. Nothing changes without --save, nor by a gain that may be noise; then the exit code is 1. Ctrl-C ends the
    search with the best so far. 'stats' shows what an archive is ranked by. Needs the extra 'evaluate'.
    """
    from search import evaluation
    from search.evaluation import tuning

    if reset:
        if save or queries is not None or qrels is not None or pairs is not None or mode is not None:
            raise UsageError("--reset goes alone")
        with opened(folder, wait=wait) as archive:
            found = archive.tune(**tuning.USUAL)
        click.echo(formats.dumps(found, indent=2) if format == "json" else _settings(found))
        return
    if (queries is None) != (qrels is None):
        raise UsageError("--queries and --qrels go together; without both, queries are made of the archive's headlines")
    if queries is not None and pairs is not None:
        raise UsageError("--pairs are made where there are no --queries; leave one out")
    batch = None if queries is None else evaluation.read_queries(queries)
    judgements = None if qrels is None else evaluation.read_qrels(qrels)
    with opened(folder, wait=wait) as archive:
        with Meter("trials") as meter:
            tuned = tuning.tune(
                archive,
                batch,
                judgements,
                mode=None if mode is None else Mode(mode),
                pairs=tuning.PAIRS if pairs is None else pairs,
                progress=lambda trials, best: meter.show(trials, f"{tuning.MEASURE} {best:.4f}"),
            )
        failed: SearchError | None = None
        if save and tuned.gains:
            try:
                archive.tune(**tuned.changes)
            except SearchError as error:  # told after what was found, which took a while
                failed = error
    saved = save and tuned.gains and failed is None
    if format == "json":
        click.echo(formats.dumps(_record(tuned, saved), indent=2))
    else:
        for text in _table(tuned):
            click.echo(text)
    if tuned.interrupted:
        click.echo("interrupted: these are the best settings so far", err=True)
    for note in (*tuned.notes, _verdict(tuned, saved)):
        click.echo(line(note), err=True)
    if failed is not None:
        raise failed
    if not tuned.gains:
        click.get_current_context().exit(_NOTHING_GAINED)


def _settings(values: dict[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in values.items())


def _table(tuned: Tuned) -> Iterator[str]:
    """Each setting that was searched for, before and after, and what that makes."""
    from search.evaluation.tuning import MEASURE

    yield f"{'':<12}{'before':>9}{'after':>9}"
    for name in tuned.searched:
        before, after = tuned.before[name], tuned.after[name]
        yield f"{name:<12}{before:>9g}{after:>9g}{'' if before != after else '  as it was'}"
    held = tuned.held_out
    first, second = tuned.seen
    yield ""
    yield f"{MEASURE}, {tuned.mode}{'before':>14}{'after':>9}"
    yield f"{counted(tuned.queries_seen, 'query', 'queries')} searched on".ljust(24) + f"{first:9.4f}{second:9.4f}"
    yield (
        f"{held.queries:,} held out".ljust(24)
        + f"{held.first:9.4f}{held.second:9.4f}  {held.difference:+.4f} [{held.low:+.4f}, {held.high:+.4f}], "
        f"p {held.p:.4f}, {held.better:,} better, {held.worse:,} worse"
    )


def _verdict(tuned: Tuned, saved: bool) -> str:
    trials = counted(tuned.trials, "trial")
    if not tuned.changes:
        return f"nothing better was found in {trials}; the archive is as it was"
    if saved:
        return f"saved: the archive is ranked by these settings from now on ({trials}); --reset takes them back"
    if tuned.gains:
        return f"a gain beyond noise in {trials}; --save keeps these settings"
    told = "there is no gain" if tuned.held_out.difference <= 0 else "the gain may be noise"
    return f"on the queries held out {told} ({trials}); nothing is saved, the archive is as it was"


def _record(tuned: Tuned, saved: bool) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(tuned), "gains": tuned.gains, "saved": saved}
