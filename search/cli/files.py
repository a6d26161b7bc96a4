"""Files that commands write for the user: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from search.errors import StorageError, UsageError


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of ``path`` when the block ends well; otherwise what was there stays.

    Raises StorageError when the system refuses, and UsageError for a place inside an archive.
    """
    target = path.resolve() if path.is_symlink() else path
    for folder in tuple(target.absolute().parents)[:3]:
        if (folder / "catalog.sqlite").is_file():
            raise UsageError(f"{path} lies in the archive {folder}; name a file elsewhere")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe, such as /dev/stderr, cannot be replaced
            with target.open("w", encoding="utf-8", newline="\n") as file:
                yield file
            return
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
