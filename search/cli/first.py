"""``broadsheet first``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli.hits import put
from search.cli.matching import asked, match_set
from search.cli.options import common, opened
from search.engine.request import FIRST
from search.exports.files import FORMS


@click.command("first")
@common
@match_set(*FIRST, forms=("pretty", "json", *FORMS), help="For people or for programs.")
@click.pass_context
def command(ctx: click.Context, /, folder: Path, format: str, **settings: Any) -> None:
    """Show the earliest articles that match.

    The oldest of all articles that match QUERY (without one: of all there are) come first, and of the copies of one
    text the oldest alone. Articles without a date are not among them; how many there are is said. Exits 1 when nothing
    is found.
    """
    query, options = asked(settings)
    with opened(folder) as archive:
        found = archive.first(query, **options)
    put(found, format)
    if not found:
        ctx.exit(1)
