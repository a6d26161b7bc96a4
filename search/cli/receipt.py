"""``broadsheet receipt``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from search.cli.files import replacing
from search.cli.options import common, opened, output, printed
from search.cli.text import clean
from search.declarations import values
from search.errors import SourceError, UsageError
from search.records import Receipt

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

receipt_file = click.option(
    "--receipt",
    "receipt",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a receipt: FILE gets JSON to verify, and beside it .md gets a text for a methods section.",
)
"""``--receipt`` of the commands whose answers can be cited."""


def check(file: Path | None) -> None:
    """Refuse a name that both files would have. Raises UsageError."""
    if file is not None and file.suffix == ".md":
        raise UsageError("--receipt names the file for JSON, such as search.json; the text goes to search.md beside it")


def write(receipt: Receipt, file: Path) -> None:
    """Write a receipt's two files, and say so. Raises StorageError and UsageError."""
    from search.exports.receipts import json_text, markdown

    text = file.with_suffix(".md")
    with replacing(file) as stream:
        stream.write(json_text(receipt))
    with replacing(text) as stream:
        stream.write(markdown(receipt))
    click.echo(f"receipt {receipt.id}: {clean(str(file))} and {clean(str(text))}", err=True)


@click.group("receipt")
def command() -> None:
    """Verify receipts of earlier answers, and show them.

    A receipt is made with --receipt FILE by search, facets, timeline and context.
    """


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@common
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
