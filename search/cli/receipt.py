"""``broadsheet receipt``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import again, common, opened, output, printed
from search.declarations import values
from search.errors import SourceError


@click.group("receipt")
@common
@click.pass_context
def command(ctx: click.Context, /, folder: Path) -> None:
    """Verify receipts of earlier answers, and show them.

    A receipt is made with --receipt FILE by search, facets, timeline and context.
    """
    ctx.obj = folder


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@again
@click.option(
    "--rerank", metavar="MODEL", help="The cross-encoder that ordered the answer, where the receipt names one."
)
@printed("text", "json")
@output
@click.pass_context
def verify(ctx: click.Context, /, file: Path, folder: Path, rerank: str | None, format: str) -> None:
    """Ask again as a receipt did, and say whether the answer is the same.

    Names the articles that were added, changed and removed since, by id. Exits 1 when the answer is another one.
    """
    from search.exports.formats import dumps
    from search.exports.receipts import verdict

    data = _read(file)
    with opened(folder) as archive:
        verification = archive.verify(data, rerank=rerank)
    lines = [dumps(values(verification), indent=2)] if format == "json" else verdict(verification)
    for text in lines:
        click.echo(text)
    if not verification.same:
        ctx.exit(1)


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@output
def show(file: Path) -> None:
    """Print the text for a methods section of a receipt's JSON."""
    from search.engine import receipts
    from search.exports.receipts import markdown

    click.echo(markdown(receipts.read(_read(file))), nl=False)


def _read(file: Path) -> bytes:
    """The bytes of a receipt's file, no more than one has. Raises SourceError."""
    from search.engine.receipts.reading import LONGEST

    try:
        with file.open("rb") as stream:
            return stream.read(LONGEST + 1)
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror or error}") from error
