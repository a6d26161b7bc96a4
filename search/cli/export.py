"""``broadsheet export``."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from search.cli.files import replacing
from search.cli.options import asks, common, counted, opened, valid_text
from search.cli.progress import Meter, duration
from search.engine.request import EXPORT


@click.command("export")
@common
@click.option("--query", metavar="QUERY", callback=valid_text, help="Only the articles that match.")
@asks(*EXPORT)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, which is packed if its name ends in .gz or .zst.",
)
@click.pass_context
def command(ctx: click.Context, /, folder: Path, query: str | None, copies: str, output: Path | None) -> None:
    """Write everything in an archive as lines of JSON.

    The first line has the settings and the alerts; then comes an article a line, with all that is kept of it; the last
    line counts them. The command import makes an archive of it again. Only the catalog is read: an archive whose
    segments are damaged can be exported, too. Exits 1 when records are damaged, which have lines that say so.
    """
    from search.exports.formats import escaped

    began = time.monotonic()
    articles = damaged = 0
    with opened(folder, outdated=True) as archive, Meter("articles") as meter, _written(output) as file:
        for line in archive.export(query, copies=copies):
            text = line if output is not None else escaped(line)
            file.write(f"{text}\n".encode())
            if not line.startswith('{"broadsheet"'):
                articles += 1
            elif line.startswith('{"broadsheet": "damaged"'):
                damaged += 1
            meter.show(articles)
    took = duration(time.monotonic() - began)
    click.echo(f"{counted(articles, 'article')} exported in {took}", err=True)
    if damaged:
        click.echo(f"{counted(damaged, 'record')} could not be read; doctor --repair sets them aside", err=True)
        ctx.exit(1)


@contextmanager
def _written(path: Path | None) -> Iterator[Any]:
    """Where bytes go: to standard output, or to a file that takes its place when it is whole, packed by its name."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with replacing(path) as text:
        packed: Any = nullcontext(text.buffer)
        if path.name.endswith(".gz"):
            packed = gzip.GzipFile("", "wb", fileobj=text.buffer, mtime=0)
        elif path.name.endswith((".zst", ".zstd")):
            import zstandard

            packed = zstandard.ZstdCompressor().stream_writer(text.buffer, closefd=False)
        with packed as file:
            yield file
