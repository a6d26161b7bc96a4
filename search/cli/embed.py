"""``broadsheet embed``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from search.cli.options import common, counted, embedding, opened
from search.cli.progress import Meter, duration


@click.command("embed")
@common
@click.option("--model", metavar="NAME|PATH", help="The sentence-transformers model; default: the archive's own.")
@embedding
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
def command(folder: Path, model: str | None, dimension: int | None, precision: str, wait: bool) -> None:
    """Give an archive its vectors, or another model's.

    For an archive that was made with --no-vectors, or to change the model. The old vectors serve until the new ones
    are all there; after an interruption the same command goes on where it stopped.
    """
    began = time.monotonic()
    with opened(folder, wait=wait) as archive:
        with Meter("articles") as meter:
            done = archive.embed(
                model,
                dimension=dimension,
                precision=precision,
                progress=lambda done, total, how: meter.show(
                    done, f"embedding in {how}" if how else "embedding", total
                ),
            )
        encoder = archive.settings["encoder"]
    about = f"{encoder['name']}, {encoder['dimension']} dimensions"
    if done:
        click.echo(
            f"{counted(done, 'article')} embedded with {about}, in {duration(time.monotonic() - began)}", err=True
        )
    else:
        click.echo(f"nothing to embed: the vectors are of {about}", err=True)
