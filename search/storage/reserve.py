"""A reserve of disk space in the archive's folder, for the day when the disk is full.

What frees space needs some first: a log for its commit, a rewritten segment. The writer that deletes, purges or
optimizes gives the reserve up when it finds the disk full, and any writer makes it again when there is room.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from search.errors import SearchError
from search.storage.folder import Folder

NAME = "reserve"
LEAST, MOST = 4 << 20, 64 << 20  # bytes
SHARE = 16  # of an archive's segments, one part in so many
_ROOMY = 2  # so many times its size must be free before it is made


def give_up(folder: Folder) -> None:
    """Remove the reserve where little else is free."""
    if folder.free() < MOST:
        (folder / NAME).unlink()


def keep(folder: Folder, segments: Callable[[], int], again: bool = False) -> None:
    """Make the reserve, unless it is there or there is little room. ``segments()``: the bytes that these take.

    ``again``: it was given up just now, and what is left of it is kept for the next time.
    """
    place = folder / NAME
    with contextlib.suppress(OSError, SearchError):  # without one, a full disk is what it is everywhere
        if place.exists():
            return
        size, free = min(max(segments() // SHARE, LEAST), MOST), folder.free()
        if free < size * _ROOMY:
            if not again:
                return
            size = min(size, free - free // SHARE)
        with place.opened(os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            try:
                _fill(descriptor, size)
            except BaseException:
                place.unlink()
                raise


def _fill(descriptor: int, size: int) -> None:
    if not hasattr(os, "posix_fallocate"):
        for _ in range(size >> 20):
            os.write(descriptor, bytes(1 << 20))
    elif size:
        os.posix_fallocate(descriptor, 0, size)
