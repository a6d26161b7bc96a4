"""Furniture: what a source prints under many articles. Learned of each source from what recurs in its articles, kept as
stretches of each article, and learned anew where segments are merged."""

from __future__ import annotations

from typing import NamedTuple

VERSION = 1
"""Of the numbers of sentences and of what is taken for furniture: parts of another version say nothing."""


class Settings(NamedTuple):
    """What an archive says of its furniture. ``dropped``: whether it is left out of what represents an article."""

    version: int = VERSION
    dropped: bool = True
