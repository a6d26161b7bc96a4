"""``broadsheet show``."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable
from pathlib import Path

import click

from search.cli import pretty
from search.cli.options import common, opened, output, printed, styled, valid_text
from search.cli.pager import paged
from search.cli.text import clean
from search.declarations import values
from search.errors import UsageError
from search.exports import formats
from search.records import Article
from search.text.stretches import rest

_SHOWN = {".txt", ".text", ".md", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".gz", ".zip"}
"""The files that are opened: a name in an archive may be anybody's, and a program would be run."""


@click.command("show")
@click.argument("article_id", metavar="ID", callback=valid_text)
@common
@click.option("--passages", is_flag=True, help="With the offsets of its passages.")
@click.option("--no-furniture", is_flag=True, help="Without what its source prints under many articles.")
@printed("pretty", "json", "text", help="text is the text alone.")
@click.option("--marks", "query", metavar="QUERY", callback=valid_text, help="Mark what a query has in it.")
@click.option("--open", "opening", is_flag=True, help="Open its address instead, or the file that it was read from.")
@click.option("--no-pager", is_flag=True, help="Print a long article at once, on a terminal too.")
@output
def command(
    article_id: str,
    folder: Path,
    passages: bool,
    no_furniture: bool,
    query: str | None,
    format: str,
    opening: bool,
    no_pager: bool,
) -> None:
    """Show one article.

    What its source prints under many articles is dimmed on a terminal, and in ⟦ ⟧ elsewhere; JSON has its offsets.
    On a terminal too small for it, a pager shows it. Exits 1 when there is none with this ID.
    """
    with opened(folder) as archive:
        article = archive.get(article_id)
        found = archive.passages(article_id) if passages else None
        marks = archive.marks(article_id, query) if query is not None else None
        furniture = archive.furniture(article_id)
    if opening:
        place = _openable(article)
        if not webbrowser.open(place):
            raise UsageError(f"nothing here opens {place}; BROWSER=PROGRAM says what does")
        click.echo(f"opened {clean(place)}", err=True)
        return
    if format == "json" and no_furniture:
        raise UsageError("JSON has the whole text and the offsets of its furniture; --no-furniture is for text")
    if format == "json":
        record = values(article) | {"furniture": [values(block, ("score",)) for block in furniture]}
        if found is not None:
            record["passages"] = [values(passage, ("score",)) for passage in found]
        if marks is not None:
            record["highlights"] = [values(mark) for mark in marks]
        lines: Iterable[str] = [formats.dumps(record, indent=2)]
    elif format == "text":
        lines = [
            clean(rest(article.text, [(one.start, one.end) for one in furniture]) if no_furniture else article.text)
        ]
    else:
        lines = pretty.article(article, found, marks or (), furniture, hide=no_furniture, style=styled())
    paged(lines, pager=not no_pager)


def _openable(article: Article) -> str:
    """Where an article can be seen: its address on the web, or its file where that still lies here."""
    if article.url.lower().startswith(("http://", "https://")):
        return article.url
    name = article.extra.get("file")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{article.id} has no address, and the file that it was read from is not known")
    file = Path(name.partition("!/")[0])
    if not file.is_file():
        raise UsageError(f"{file} is not here; a file's name counts from where it was indexed")
    if file.suffix.lower() not in _SHOWN:
        raise UsageError(f"{file} is no kind of file that is opened from here; open it by hand")
    return file.resolve().as_uri()
