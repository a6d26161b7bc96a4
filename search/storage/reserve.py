"""A reserve of disk space in the archive's folder, for the day when the disk is full.

What frees space needs some first: a log for its commit, a rewritten segment, a rewritten catalog. The writer that
deletes, purges or optimizes gives the reserve up when it finds the disk full, and any writer makes it again when there
is room.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from search.errors import SearchError
from search.storage.folder import Folder

NAME = "reserve"
COMMIT = 512 << 10  # bytes: the log of a small commit, what connections share, folders
LEAST, MOST = 4 << 20, 64 << 20  # bytes that an archive may keep however small it is, and that one keeps at most
SHARE = 16  # of an archive's segments, one part in so many
_ROOMY = 2  # so many times its size must be free before it is made


def give_up(folder: Folder) -> None:
    """Remove the reserve where little else is free."""
    if folder.free() < MOST:
        (folder / NAME).unlink()


def wanted(segments: Sequence[int], catalog: int) -> int:
    """The bytes to keep for segments of so many bytes each, and a catalog of so many.

    A purge rewrites one segment at a time, then the catalog, of which both a copy and a log are made meanwhile. Small
    archives keep what that takes, large ones a share of what they are.
    """
    purge = COMMIT + max([*segments, 2 * catalog])
    return min(purge, max(sum(segments) // SHARE, LEAST), MOST)


def keep(folder: Folder, size: Callable[[], int], again: bool = False) -> None:
    """Make the reserve of ``size()`` bytes, unless there is one of nearly that size, or little room: then a smaller
    one, or none. ``again``: it was given up just now, and what is left of it is kept for the next time.
    """
    place = folder / NAME
    with contextlib.suppress(OSError, SearchError):  # without one, a full disk is what it is everywhere
        had = place.status().st_size if place.exists() else 0
        if (asked := size()) * 4 <= had * 5:
            return
        free = folder.free()
        target = min(asked, had + (free - free // SHARE if again else free // _ROOMY))
        if target <= had or (target < COMMIT and not again):
            return
        with place.opened(os.O_WRONLY | (0 if had else os.O_CREAT | os.O_EXCL)) as descriptor:
            try:
                _fill(descriptor, had, target)
            except BaseException:
                if not had:
                    place.unlink()
                raise


def _fill(descriptor: int, start: int, end: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start, end - start)
        return
    os.lseek(descriptor, start, os.SEEK_SET)
    while start < end:
        start += os.write(descriptor, bytes(min(1 << 20, end - start)))
