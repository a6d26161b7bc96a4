"""``broadsheet reanalyse``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, opened
from search.cli.progress import duration
from search.cli.text import line


@click.command("reanalyse")
@common
@click.option(
    "--analysis",
    metavar="LANGUAGE",
    default="languages",
    show_default=True,
    help="What the archive is to take for words: languages (each article its own), english, or an installed one.",
)
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(folder: Path, analysis: str, wait: bool) -> None:
    """Read the words of all articles again, each in its own language.

    For an archive that was made before articles were read in their own languages, or with another --analysis. Vectors
    are kept: nothing is embedded, and no model is needed. All is changed in one commit, so an interruption changes
    nothing.
    """
    began = time.monotonic()
    with opened(folder, analysis=analysis, outdated=True, wait=wait) as archive:
        report = archive.repair()
        languages = archive.stats()["languages"]
    shown = ", ".join(f"{line(code) if code else 'none told'} {count:,}" for code, count in languages.items())
    took = duration(time.monotonic() - began)
    done = counted(report.articles, "article")
    click.echo(
        f"the words of {done} read again in {took}" if report.segments else f"{done} were read so before", err=True
    )
    click.echo(f"languages: {shown}", err=True)
