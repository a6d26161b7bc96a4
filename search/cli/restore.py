"""``broadsheet restore``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted
from search.cli.progress import Meter, duration
from search.cli.text import size


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False), metavar="BACKUP")
@common
@click.option(
    "--number", type=click.IntRange(min=1), metavar="N", help="The backup of this number.  [default: the newest]"
)
@click.option(
    "--replace",
    is_flag=True,
    help="Put it in the place of the archive that is there, which is kept beside it, in a folder that is named.",
)
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive, or to BACKUP.")
def command(backup: Path, folder: Path, number: int | None, replace: bool, wait: bool) -> None:
    """Make an archive of a backup.

    BACKUP is a folder that the command backup wrote; the archive's folder must be new or empty. The archive gets its
    place when it is proven to be what was backed up: the same articles, all checksums right, no problem for doctor.
    """
    from search.archive import Archive

    began = time.monotonic()
    with Meter("bytes") as meter:
        report = Archive.restore(
            backup,
            folder,
            number=number,
            replace=replace,
            wait=wait,
            progress=lambda done, total: meter.show(done, "copying", total),
        )
    click.echo(
        f"backup {report.number} of {report.made} restored to {folder}: {counted(report.articles, 'article')}, "
        f"{size(report.bytes_copied)}, no problems, in {duration(time.monotonic() - began)}",
        err=True,
    )
    if report.aside is not None:
        click.echo(f"what was there before is kept in {report.aside}; remove it when you need it no more", err=True)
