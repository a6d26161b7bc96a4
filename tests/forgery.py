"""Archives changed behind the program's back: as a stranger does it, who seals what he forged, or as a fault does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.storage import seals


@contextmanager
def forged(folder: Path) -> Iterator[sqlite3.Connection]:
    """The catalog in a folder, whose seals fit at the end."""
    connection = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    try:
        yield connection
        seal(connection)
    finally:
        connection.close()


def seal(connection: sqlite3.Connection) -> None:
    """Seal everything as it is."""
    sealing = seals.Sealing(connection, sealed=False)
    sealing.touch(*seals.TABLES)
    sealing.renew()
