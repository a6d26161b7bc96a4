"""``broadsheet similar``."""

from __future__ import annotations

from search.cli import related

command = related.command(
    "similar",
    """Show articles of the same subject as another one.

    They are found by the distinctive words of the article ID and by what its passages mean. None is a copy of it, and
    of each story there is one; a line says what both have. Exits 1 when nothing is like it, or there is no such ID.
    """,
)
