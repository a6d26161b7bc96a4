"""SQLite databases."""

from __future__ import annotations

from search.ingest.formats.base import Format
from search.ingest.formats.columns import is_sqlite, read_sqlite

FORMAT = Format(
    name="sqlite",
    title="SQLite databases",
    recognises=is_sqlite,
    read=read_sqlite,
    extensions=(".db", ".sqlite", ".sqlite3", ".db3"),
)
