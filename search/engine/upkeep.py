"""Keeping an archive in order: deletes, purges and merges, a commit each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from search.engine import merging
from search.engine.merging import merge
from search.engine.request import Request
from search.engine.writer import Writer
from search.errors import PurgeUnfinished
from search.storage import segments

if TYPE_CHECKING:
    from search.engine.session import Session


def sweep(writer: Writer, wanted: Callable[[str], bool] = lambda name: False) -> None:
    """Begin a piece of writing: remove what a crash left behind, and finish a purge that could not be.

    Files of segments whose name is ``wanted`` stay.
    """
    writer.clean()
    merging.sweep(writer.folder)
    commit, entries = writer.catalog.segments()
    segments.sweep_orphans(writer.folder, entries, writer.catalog.dropped(commit), wanted)
    if writer.catalog.purging():
        with contextlib.suppress(PurgeUnfinished):  # it was said when it was asked for, and doctor says it
            _purge(writer, ())


def delete(session: Session, ids: Iterable[str], purge: bool = False) -> int:
    """Delete the live articles of some ids; ``purge`` takes the bytes of all their versions out of every file."""
    with session.writing() as writer:
        sweep(writer)
        wanted = list(dict.fromkeys(ids))
        rows = [row for row, _ in writer.catalog.live(wanted).values()]
        if purge:
            _purge(writer, wanted)
        elif rows:
            with writer.commit() as transaction:
                transaction.bury(rows)
    return len(rows)


def delete_matching(session: Session, request: Request, purge: bool = False) -> int:
    """Delete the whole match set of a query."""
    with session.reading() as view:
        matched = view.match(view.plan(request)).matched
        ids = view.columns.ids(np.flatnonzero(matched).tolist())
    return delete(session, ids, purge)


def prune(session: Session, keep: Collection[str]) -> int:
    """Delete every article whose id is not to be kept."""
    return delete(session, [article_id for article_id, _ in session.catalog.live_ids() if article_id not in keep])


def optimize(session: Session) -> None:
    """Merge all segments into one without tombstones. Others may write meanwhile; what they write stays beside it."""
    with session.writing() as writer:
        sweep(writer)
    merging.beside(session, merging.whole)


def _purge(writer: Writer, ids: Sequence[str]) -> None:
    """Bury articles and take the bytes of all their versions out of every file, whoever still reads them.

    It is remembered until it is done, and then done anew in full: the next writer finishes what a crash or another
    program's reading has cut short. Raises PurgeUnfinished.
    """
    catalog = writer.catalog
    ids = list(dict.fromkeys([*catalog.purging(), *ids]))
    rows = catalog.rows_of(ids)
    with writer.commit() as transaction:
        transaction.bury(rows)
        transaction.purging(ids)
    with writer.snapshot() as snapshot:
        ordinals = snapshot.columns.find(ids)
        touched = np.unique(np.searchsorted(snapshot.columns.bases, ordinals, side="right") - 1)
        merge(writer, snapshot, [[int(position)] for position in touched])
    with writer.commit() as transaction:
        transaction.erase(rows)
        current = transaction.number
    catalog.prove()
    segments.remove(writer.folder, catalog.dropped(current))  # pinned or not: mapped files stay readable
    segments.end_merge(writer.folder)  # one under way has their bytes, too; it begins anew
    writer.clean()
    if not catalog.scrub():
        raise PurgeUnfinished(
            f"the purge of {len(ids)} {'article' if len(ids) == 1 else 'articles'} is not finished: they are deleted, "
            f"but another program reads {catalog.path} and keeps their bytes in it. End it and purge again; otherwise "
            "the next writing finishes it"
        )
    catalog.purged()
