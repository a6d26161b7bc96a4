"""Text that may be longer than the screen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

import click


def paged(lines: Iterable[str], *, pager: bool) -> None:
    """Print cleaned lines; by the user's pager where standard output is a terminal and they do not fit on it.

    The pager interprets nothing but bold and dim, and runs no other program: less gets ``LESS=-R``, ``LESSSECURE=1``.
    """
    text = "\n".join(lines)
    if not pager or not sys.stdout.isatty() or not _longer(text):
        click.echo(text)
        return
    os.environ.update(LESS="-R", LESSSECURE="1")  # the command prints and ends: nobody else reads them
    click.echo_via_pager(text)


def _longer(text: str) -> bool:
    """Whether a text takes more lines than the screen has beside the prompt that comes after."""
    from search.cli.text import width

    screen = shutil.get_terminal_size((80, 24))
    room = screen.lines - 1
    taken = 0
    for line in text.split("\n"):
        taken += max(1, -(-width(line) // max(screen.columns, 1)))
        if taken > room:
            return True
    return False
