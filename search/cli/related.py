"""What the commands about articles that belong to another one share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from search.cli import pretty
from search.cli.options import UNSAID, asks, common, given, opened, output, printed, styled, timings, valid_text
from search.cli.text import line
from search.declarations import values
from search.engine.request import RELATED
from search.exports import formats
from search.exports.files import FORMS


def command(name: str, help: str) -> click.Command:
    """The command that calls the archive's method of this name with an article's id."""

    @click.command(name, help=help)
    @click.argument("article_id", metavar="ID", callback=valid_text)
    @common
    @asks(*RELATED)
    @timings
    @printed("pretty", "json", *FORMS)
    @output
    @click.pass_context
    def run(ctx: click.Context, /, article_id: str, folder: Path, format: str, **settings: Any) -> None:
        with opened(folder) as archive:
            found = getattr(archive, name)(article_id, **given(settings))
        if format == "pretty":
            lines: Iterable[str] = pretty.hits(found, style=styled())
        elif format == "json":
            lines = [formats.dumps(values(found, UNSAID), indent=2)]
        else:
            lines = FORMS[format].lines(found)
        for text in lines:
            click.echo(text)
        if found and format == "pretty":
            click.echo(err=True)
        for text in (pretty.summary(found), *map(line, found.notes)):
            click.echo(text, err=True)
        if not found:
            ctx.exit(1)

    return run
