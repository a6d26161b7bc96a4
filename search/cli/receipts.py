"""What commands whose answers can be cited have in common: ``--receipt``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from search.cli.files import replacing
from search.cli.text import clean
from search.errors import UsageError
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
