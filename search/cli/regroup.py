"""``broadsheet regroup``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, opened
from search.cli.progress import Meter, duration


@click.command("regroup")
@common
@click.option("--window", type=int, metavar="DAYS", help="Days that may lie between two copies; 30 at first.")
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(folder: Path, window: int | None, wait: bool) -> None:
    """Find out again which articles are copies of one text.

    For an archive that was made before copies were known, or with another window. What is known serves until all is
    there; nothing is embedded and no words are read again.
    """
    began = time.monotonic()
    with opened(folder, wait=wait) as archive:
        with Meter("articles") as meter:
            done = archive.regroup(window=window, progress=lambda done, total: meter.show(done, "comparing", total))
        copies = archive.stats()["copies"]
    took = duration(time.monotonic() - began)
    click.echo(f"{counted(done, 'article')} compared, {copies:,} of them copies of another, in {took}", err=True)
