"""``broadsheet stats``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from search.cli import pretty
from search.cli.options import common, opened, printed
from search.exports import formats


@click.command("stats")
@common
@printed("pretty", "json")
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


def size(value: Any) -> Any:
    """A number of bytes, or each of several, in units that people read."""
    if isinstance(value, Mapping):
        return {name: size(item) for name, item in value.items()}
    if not isinstance(value, int):
        return value
    number = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
