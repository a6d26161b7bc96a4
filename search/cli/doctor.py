"""``broadsheet doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import common, counted, opened, output
from search.cli.text import line


@click.command("doctor")
@common
@click.option("--thorough", is_flag=True, help="Also index the words of all articles again, and compare.")
@output
@click.pass_context
def command(ctx: click.Context, /, folder: Path, thorough: bool) -> None:
    """Check an archive for damage.

    Reads every file, compares it with its checksum, and compares the parts with each other. Exits 1 when there are
    problems, which are listed.
    """
    with opened(folder) as archive:
        problems = archive.check(thorough=thorough)
        checked = None if problems else len(archive)
    if checked is not None:
        click.echo(f"no problems in {counted(checked, 'article')}", err=True)
        return
    for problem in problems:
        click.echo(line(problem))
    click.echo(f"{counted(len(problems), 'problem')} in {folder}", err=True)
    ctx.exit(1)
