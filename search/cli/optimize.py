"""``broadsheet optimize``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, opened
from search.cli.progress import duration


@click.command("optimize")
@common
@click.option(
    "--bm25",
    metavar="NAME=NUMBER,...",
    help="Instead, set parameters of the scoring by words: k1, b, the weights of title, caption, dateline, byline "
    "and text, near, that of words near each other, and exact, that of words in the form asked for.",
)
@click.option(
    "--furniture",
    type=click.Choice(("drop", "keep")),
    help="What sources print under many articles: drop it from snippets, passages and contexts, or keep it.",
)
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(folder: Path, bm25: str | None, furniture: str | None, wait: bool) -> None:
    """Merge an archive's segments into one.

    Scores and order stay as they are; what deleted articles took up is freed. What sources print under many articles is
    learned again, of all that there are; passages that it changes are embedded again.
    """
    if bm25 is not None:
        with opened(folder, wait=wait) as archive:
            found = archive.tune(**_parameters(bm25))
        click.echo(" ".join(f"{name}={value:g}" for name, value in found.items()))
        return
    began = time.monotonic()
    with opened(folder, wait=wait) as archive:
        before = archive.stats()["segments"]
        archive.optimize(furniture=None if furniture is None else furniture == "drop")
        after = archive.stats()["segments"]
    took = duration(time.monotonic() - began)
    click.echo(f"{counted(before, 'segment')} before, {after:,} now, in {took}", err=True)


def _parameters(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.replace(",", " ").split()]
        return {name: float(number) for name, number in pairs}
    except ValueError:
        raise click.BadParameter("write NAME=NUMBER,..., as in k1=1.2,title=2", param_hint="--bm25") from None
