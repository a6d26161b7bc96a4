"""``broadsheet background``."""

from __future__ import annotations

from search.cli import related

command = related.command(
    "background",
    """Show what to have read before an article.

    Older articles of the subject of the article ID, of different sides of it: nothing that is not known to be older, no
    copy, no opinion and no letters as far as sections tell. A line says what both have, and how long before it was.
    Exits 1 when there is nothing of that, or no such ID.
    """,
)
