"""``broadsheet backup``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, opened
from search.cli.progress import Meter, duration
from search.cli.text import size


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), metavar="PATH")
@common
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N", help="Then remove all backups in PATH but the newest N."
)
@click.option("--wait", is_flag=True, help="Wait while another backup is made in PATH.")
def command(path: Path, folder: Path, keep: int | None, wait: bool) -> None:
    """Back an archive up.

    Adds a backup of the newest commit to PATH, a folder of this archive's backups or a new one; searches and indexing
    go on meanwhile. Only what PATH does not have yet is copied; all of it is compared with its checksums.
    """
    began = time.monotonic()
    with opened(folder, outdated=True, wait=wait) as archive, Meter("bytes") as meter:
        report = archive.backup(path, keep=keep, progress=lambda done, total: meter.show(done, "copying", total))
    click.echo(
        f"backup {report.number}: {counted(report.articles, 'article')}, {size(report.bytes_copied)} copied, "
        f"{size(report.bytes_kept)} were there, in {duration(time.monotonic() - began)}; "
        f"{counted(report.backups, 'backup')} in {path}",
        err=True,
    )
