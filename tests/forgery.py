"""Archives changed behind the program's back: as a stranger does it, who seals what he forged, or as a fault does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from search.storage import seals
from search.storage.container import open_part, write_part
from search.storage.verified import file_hash


@contextmanager
def forged(folder: Path) -> Iterator[sqlite3.Connection]:
    """The catalog in a folder, whose seals fit at the end."""
    connection = sqlite3.connect(folder / "catalog.sqlite", isolation_level=None)
    try:
        yield connection
        seal(connection)
    finally:
        connection.close()


def forge(path: Path, kind: str, name: str, change: Callable[[Any], Any] | None) -> None:
    """Change one array of the only part of a kind, or take it away, and let the catalog vouch for the file."""
    (file,) = path.glob(f"segments/*/{kind}.part")
    part = open_part(file, kind)
    arrays = part.arrays()
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(np.array(arrays[name]))
    file.unlink()
    write_part(file, kind, arrays, part.meta)
    with forged(path) as connection:
        ((parts,),) = connection.execute("SELECT parts FROM segments").fetchall()
        parts = json.loads(parts)
        parts[kind].update(size=file.stat().st_size, sha256=file_hash(file))
        connection.execute("UPDATE segments SET parts = ?", (json.dumps(parts),))


def seal(connection: sqlite3.Connection) -> None:
    """Seal everything as it is."""
    sealing = seals.Sealing(connection, sealed=False)
    sealing.touch(*seals.TABLES)
    sealing.renew()
