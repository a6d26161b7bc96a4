"""``broadsheet stats``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli import pretty
from search.cli.options import common, opened, output, printed
from search.cli.text import size
from search.exports import formats


@click.command("stats")
@common
@printed("pretty", "json")
@output
def command(folder: Path, format: str) -> None:
    """Show what an archive holds."""
    with opened(folder) as archive:
        stats = archive.stats()
    if format == "json":
        click.echo(formats.dumps(stats, indent=2))
        return
    shown = {name: size(value) if name == "bytes" else value for name, value in stats.items()}
    for text in pretty.tree(shown, pretty.columns()):
        click.echo(text)
