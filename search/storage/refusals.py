"""What the system refuses, in this package's words."""

from __future__ import annotations

import errno

from search.errors import DiskFull, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def refused(doing: str, error: OSError) -> StorageError:
    """The error to raise where something could not be done; a full disk goes by its name."""
    if error.errno in _FULL:
        return full(doing)
    return StorageError(f"cannot {doing}: {error.strerror or error}")


def full(doing: str) -> DiskFull:
    """What is raised where a disk is full."""
    return DiskFull(
        f"cannot {doing}: the disk is full. Free some space. Searches and 'broadsheet delete' go on meanwhile; "
        "'delete --purge' and 'optimize' too, where the room kept for them holds the segments that they rewrite"
    )
