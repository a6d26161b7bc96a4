"""An archive made compact: one segment, nothing of what was deleted, and furniture as all its articles teach it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.engine import merging, reembed
from search.engine.furniture import learning
from search.engine.upkeep import sweep
from search.errors import ArchiveMismatch, DiskFull, EncoderError, PassagesAsCut
from search.storage.snapshot import Snapshot

if TYPE_CHECKING:
    from search.engine.session import Session


def optimize(session: Session, furniture: bool | None = None) -> None:
    """Merge all segments into one without tombstones. Others may write meanwhile; what they write stays beside it.

    Where the disk has no room for that, segments that hold something deleted are rewritten first, one by one.
    ``furniture``: whether what a source prints under many articles is left out from now on; None: as it is.
    """
    try:
        if furniture is not None:
            learning.choose(session, furniture)
        with session.writing(freeing=True) as writer:
            sweep(writer)
        try:
            _into_one(session)
        except DiskFull:
            _shrunk(session)
            try:
                _into_one(session)
            except DiskFull as error:
                raise _no_room(session) from error
    finally:
        session.regain()


def _into_one(session: Session) -> None:
    """Merge all segments, learn what is furniture where that is still to be done, and cut passages by it."""
    merging.beside(session, merging.whole)
    learning.furnish(session)
    try:
        reembed.refit(session)
    except (EncoderError, ArchiveMismatch) as error:
        warnings.warn(PassagesAsCut(str(session.path), error), stacklevel=5)


def _no_room(session: Session) -> DiskFull:
    """Why all segments cannot become one now."""
    folder = session.catalog.folder
    needed, free = sum(entry.size for entry in session.catalog.segments()[1]), folder.free()
    return DiskFull(
        f"cannot optimize {folder.path}: the disk is full. What is rewritten stands beside what is there until it is "
        f"done: up to {needed:,} bytes, and {free:,} can be had, the room kept for this with them. Free some space; "
        "what is there is as it was. Searches "
        "and 'broadsheet delete' go on meanwhile"
    )


def _shrunk(session: Session) -> None:
    """Rewrite segments without what was deleted: the smallest first, as far as there is room."""
    tried: set[str] = set()

    def smallest(snapshot: Snapshot) -> Sequence[int]:
        bases = snapshot.columns.bases
        holding = [
            (entry.articles, i)
            for i, entry in enumerate(snapshot.entries)
            if entry.id not in tried and not snapshot.live[bases[i] : bases[i + 1]].all()
        ]
        tried.update(snapshot.entries[i].id for _, i in sorted(holding)[:1])
        return [i for _, i in sorted(holding)[:1]]

    with contextlib.suppress(DiskFull):
        while True:
            before = len(tried)
            merging.beside(session, smallest)
            if len(tried) == before:
                return
