"""``broadsheet show``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from search.cli import pretty
from search.cli.options import common, opened, output, printed, styled, valid_text
from search.cli.pager import paged
from search.cli.text import clean
from search.declarations import values
from search.exports import formats


@click.command("show")
@click.argument("article_id", metavar="ID", callback=valid_text)
@common
@click.option("--passages", is_flag=True, help="With the offsets of its passages.")
@printed("pretty", "json", "text", help="text is the text alone.")
@click.option("--no-pager", is_flag=True, help="Print a long article at once, on a terminal too.")
@output
def command(article_id: str, folder: Path, passages: bool, format: str, no_pager: bool) -> None:
    """Show one article.

    On a terminal too small for it, a pager shows it. Exits 1 when there is none with this ID.
    """
    with opened(folder) as archive:
        article = archive.get(article_id)
        found = archive.passages(article_id) if passages else None
    if format == "json":
        record = values(article)
        if found is not None:
            record["passages"] = [values(passage, ("score",)) for passage in found]
        lines: Iterable[str] = [formats.dumps(record, indent=2)]
    elif format == "text":
        lines = [clean(article.text)]
    else:
        lines = pretty.article(article, found, style=styled())
    paged(lines, pager=not no_pager)
