"""``broadsheet doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import common, counted, opened, output
from search.cli.progress import duration
from search.cli.text import line, size
from search.errors import UsageError

if TYPE_CHECKING:
    from search.archive import Archive


@click.command("doctor")
@common
@click.option("--thorough", is_flag=True, help="Also index the words of all articles again, and compare.")
@click.option("--dirt", is_flag=True, help="Instead, list the files that are none of the archive's.")
@click.option("--repair", is_flag=True, help="Make what is damaged again, from the articles themselves.")
@click.option("--wait", is_flag=True, help="With --repair: wait while another process writes to the archive.")
@output
@click.pass_context
def command(ctx: click.Context, /, folder: Path, thorough: bool, dirt: bool, repair: bool, wait: bool) -> None:
    """Check an archive for damage, and repair it.

    Reads every file, compares it with its checksum, and compares the parts with each other. Exits 1 when there are
    problems, which are listed. --repair makes damaged columns, words and vectors again from the articles, and the words
    of an archive that an older version analysed; the model is needed only for vectors that are lost. What cannot be
    read, and files that are none of the archive's, are moved to a folder, and nothing is removed.
    """
    if dirt and (repair or thorough):
        raise UsageError("--dirt only lists; give it alone")
    with opened(folder, outdated=True, wait=wait) as archive:
        if dirt:
            _list_dirt(archive)
            return
        if repair:
            ctx.exit(_repair(archive, thorough))
        problems = archive.check(thorough=thorough)
        checked = None if problems else len(archive)
    if checked is not None:
        click.echo(f"no problems in {counted(checked, 'article')}", err=True)
        return
    for problem in problems:
        click.echo(line(problem))
    click.echo(f"{counted(len(problems), 'problem')} in {folder}", err=True)
    ctx.exit(1)


def _list_dirt(archive: Archive) -> None:
    now = datetime.now(UTC)
    found = archive.dirt()
    for one in found:
        age = duration(max((now - one.changed).total_seconds(), 0))
        click.echo(f"{line(one.path)}  {size(one.bytes)}  {age} old")
    total = size(sum(one.bytes for one in found))
    click.echo(
        f"{counted(len(found), 'file or folder', 'files and folders')} that are none of the archive's, {total}",
        err=True,
    )


def _counted(files: Sequence[object]) -> str:
    return counted(len(files), "file or folder", "files and folders")


def _repair(archive: Archive, thorough: bool) -> int:
    """Repair, and say what was done; the exit code."""
    report = archive.repair(thorough=thorough)
    if report.segments:
        made = ", ".join(f"{name} of {count:,}" for name, count in report.parts.items()) or "no part"
        click.echo(f"{counted(report.segments, 'segment')} written anew; made from the articles: {made}", err=True)
    if report.embedded:
        click.echo(f"the vectors of {counted(report.embedded, 'article')} made again", err=True)
    if report.files:
        click.echo(
            f"{counted(len(report.files), 'file or folder', 'files and folders')} that are none of the archive's",
            err=True,
        )
    if report.records:
        click.echo(f"{counted(report.records, 'record')} could not be read; index those articles again", err=True)
    if report.alerts:
        click.echo(f"{counted(report.alerts, 'alert')} could not be read; add them again", err=True)
    if report.aside is not None:
        click.echo(f"what was moved out of the way is in {line(report.aside)}", err=True)
    click.echo(f"no problems in {counted(report.articles, 'article')}", err=True)
    return 1 if report.records or report.alerts else 0
