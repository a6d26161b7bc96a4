"""Stories: which articles are copies of one text. Decided by two texts at a time when articles come in, kept as links
between catalog rows, and read as the groups that the links of the visible articles join."""

from __future__ import annotations

from typing import NamedTuple

VERSION = 1
"""Of the fingerprints: those of another version are not to be compared with these."""
WINDOW = 30
"""Days that may lie between two copies, in a new archive."""
LONGEST = 1_000_000
"""Days that a window may be long."""


class Settings(NamedTuple):
    """What an archive says of its stories. ``window``: days that may lie between two copies."""

    version: int = VERSION
    window: int = WINDOW
