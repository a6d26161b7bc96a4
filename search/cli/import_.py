"""``broadsheet import``."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import common, counted, embedding, opened
from search.cli.progress import IndexMeter, duration
from search.cli.text import clean, cut
from search.errors import RecordsRejected, SourceError

if TYPE_CHECKING:
    from search.ingest.source import Source

SHOWN = 5  # rejections on the screen


@click.command("import")
@click.argument("file", metavar="FILE")
@common
@click.option(
    "--batch", type=click.IntRange(min=1), default=1000, show_default=True, metavar="N", help="Articles in one commit."
)
@click.option("--model", metavar="NAME|PATH", help="The sentence-transformers model of a new archive.")
@embedding
@click.option("--no-vectors", is_flag=True, help="Make a new archive for keyword search alone.")
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(
    file: str,
    folder: Path,
    batch: int,
    model: str | None,
    dimension: int | None,
    precision: str,
    no_vectors: bool,
    wait: bool,
) -> None:
    """Read back what export wrote.

    FILE may be packed (.gz, .zst, ...), or - for standard input. Articles go in as with index, each as it was; alerts
    come with them, and for a new archive the settings. Articles of other origin are for the command index.
    """
    began = time.monotonic()
    how = {"model": model, "dimension": dimension, "precision": precision, "wait": wait}
    with (
        lines_of(file) as lines,
        opened(folder, create=True, **how) as archive,
        IndexMeter() as meter,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", RecordsRejected)  # they are told below
        report = archive.import_(lines, batch=batch, vectors=False if no_vectors else None, progress=meter)
    for rejection in report.rejections[:SHOWN]:
        click.echo(cut(f"rejected line {rejection.line}: {rejection.reason}", 300), err=True)
    for name in report.alerts_kept:
        click.echo(f"there is an alert named {clean(name)!r} already; it stays", err=True)
    for note in report.notes:
        click.echo(cut(note, 300), err=True)
    click.echo(
        f"{report.added:,} added, {report.replaced:,} replaced, {report.skipped:,} skipped, "
        f"{report.rejected:,} rejected, {counted(report.alerts, 'alert')} in {duration(time.monotonic() - began)}",
        err=True,
    )


@contextmanager
def lines_of(name: str) -> Iterator[Iterator[bytes]]:
    """The lines of a file, unpacked. Raises SourceError where it cannot be read."""
    from search.ingest.source import Source

    try:
        file = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115 (the source closes it)
        source = Source(name, file, owned=name != "-")
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror or error}") from error
    with closing(source):
        yield _lines(source)


def _lines(source: Source) -> Iterator[bytes]:
    from search.ingest.source import SourceProblem

    pieces: list[bytes] = []
    try:
        for chunk in source.chunks():
            first, *more = chunk.split(b"\n")
            pieces.append(first)
            for line in more:
                yield b"".join(pieces)
                pieces = [line]
    except SourceProblem as problem:
        raise SourceError(f"{source.name}: {problem}") from None
    yield b"".join(pieces)
