"""What the commands about articles that belong to another one share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli.hits import put
from search.cli.options import asks, common, given, opened, output, printed, timings, valid_text
from search.engine.request import RELATED
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
        put(found, format)
        if not found:
            ctx.exit(1)

    return run
