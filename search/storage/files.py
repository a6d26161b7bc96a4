"""Small file duties: atomic writes, fsync of folders, the user's cache, and operating-system errors made ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.storage.refusals import refused


def cache_folder() -> Path:
    """The user's cache: ``BROADSHEET_CACHE``, else the platform's cache folder. It is not created here."""
    chosen = os.environ.get("BROADSHEET_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "broadsheet"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "broadsheet"


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn an OSError into a StorageError that says what could not be done."""
    try:
        yield
    except OSError as error:
        raise refused(doing, error) from error


def fsync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a reader sees the old bytes or the new ones, whatever happens in between."""
    import tempfile  # seldom needed by a search, and imports much

    with storage_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            fsync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
