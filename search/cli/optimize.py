"""``broadsheet optimize``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, opened
from search.cli.progress import duration


@click.command("optimize")
@common
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(folder: Path, wait: bool) -> None:
    """Merge an archive's segments into one.

    Scores and order stay as they are; what deleted articles took up is freed.
    """
    began = time.monotonic()
    with opened(folder, wait=wait) as archive:
        before = archive.stats()["segments"]
        archive.optimize()
        after = archive.stats()["segments"]
    took = duration(time.monotonic() - began)
    click.echo(f"{counted(before, 'segment')} before, {after:,} now, in {took}", err=True)
