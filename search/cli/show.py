"""``broadsheet show``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli import pretty
from search.cli.options import common, opened, output, printed, styled, valid_text
from search.cli.text import clean
from search.declarations import values
from search.exports import formats


@click.command("show")
@click.argument("article_id", metavar="ID", callback=valid_text)
@common
@click.option("--passages", is_flag=True, help="With the offsets of its passages.")
@printed("pretty", "json", "text", help="text is the text alone.")
@output
def command(article_id: str, folder: Path, passages: bool, format: str) -> None:
    """Show one article.

    Exits 1 when there is none with this ID.
    """
    with opened(folder) as archive:
        article = archive.get(article_id)
        found = archive.passages(article_id) if passages else None
    if format == "json":
        record = values(article)
        if found is not None:
            record["passages"] = [values(passage, ("score",)) for passage in found]
        click.echo(formats.dumps(record, indent=2))
    elif format == "text":
        click.echo(clean(article.text))
    else:
        for text in pretty.article(article, found, style=styled()):
            click.echo(text)
