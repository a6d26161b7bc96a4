"""Keeping an archive in order: deletes, purges and merges, a commit each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.engine.request import Request
from search.engine.writer import Writer
from search.errors import PurgeUnfinished
from search.keyword.part import merge as keyword
from search.storage import segments
from search.storage.columns import merge_columns
from search.storage.snapshot import Snapshot
from search.storage.transaction import SegmentEntry
from search.vector import merge_parts as merge_vectors

if TYPE_CHECKING:
    from search.engine.session import Session

MERGE_FACTOR = 10  # segments of one size class that become one


def sweep(writer: Writer, wanted: Callable[[str], bool] = lambda name: False) -> None:
    """Begin a piece of writing: remove what a crash left behind, and finish a purge that could not be.

    Files of segments whose name is ``wanted`` stay.
    """
    writer.clean()
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
    """Merge all segments into one without tombstones."""
    with session.writing() as writer:
        sweep(writer)
        with writer.snapshot() as snapshot:
            if len(snapshot.entries) > 1 or not snapshot.live.all():
                _merge(writer, snapshot, [range(len(snapshot.entries))])


def merge_tiers(writer: Writer) -> None:
    """Merge the newest segments while ``MERGE_FACTOR`` neighbours are of one size class. Each article is merged about
    log10(N / batch) times, and neighbours stay in row order: a merge changes no tie."""
    while True:
        tiers = [len(str(entry.articles)) for entry in writer.catalog.segments()[1]]
        run = 0
        while run < len(tiers) and tiers[-1 - run] <= tiers[-1]:
            run += 1
        if run < MERGE_FACTOR:
            return
        with writer.snapshot() as snapshot:
            _merge(writer, snapshot, [range(len(tiers) - run, len(tiers))])
        writer.tidy()  # before the next one: the disk holds what is live and one merge


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
        _merge(writer, snapshot, [[int(position)] for position in touched])
    with writer.commit() as transaction:
        transaction.erase(rows)
        current = transaction.number
    catalog.prove()
    segments.remove(writer.folder, catalog.dropped(current))  # pinned or not: mapped files stay readable
    writer.clean()
    if not catalog.scrub():
        raise PurgeUnfinished(
            f"the purge of {len(ids)} {'article' if len(ids) == 1 else 'articles'} is not finished: they are deleted, "
            f"but another program reads {catalog.path} and keeps their bytes in it. End it and purge again; otherwise "
            "the next writing finishes it"
        )
    catalog.purged()


def _merge(writer: Writer, snapshot: Snapshot, runs: Sequence[Sequence[int]]) -> None:
    """Rewrite each run of neighbouring segments as one, in one commit."""
    old: list[SegmentEntry] = []
    new: list[SegmentEntry] = []
    dead: list[NDArray[np.int64]] = []
    for run in runs:
        keep = [snapshot.live[snapshot.columns.bases[i] : snapshot.columns.bases[i + 1]] for i in run]
        pick = {name: [parts[i] for i in run] for name, parts in snapshot.parts.items()}
        old += [snapshot.entries[i] for i in run]
        dead += [part["rows"][~mask] for part, mask in zip(pick[segments.COLUMNS], keep, strict=True)]
        if not any(mask.any() for mask in keep):
            continue
        columns = merge_columns(pick[segments.COLUMNS], keep)
        parts = {segments.COLUMNS: columns, segments.KEYWORD: keyword.merge_parts(pick[segments.KEYWORD], keep)}
        if segments.VECTORS in pick:
            parts[segments.VECTORS] = merge_vectors(pick[segments.VECTORS], keep)
        new.append(writer.write_segment(parts, int(np.asarray(columns.arrays["rows"])[0])))
    with writer.commit() as transaction:
        transaction.drop_segments(old)
        for entry in new:
            transaction.add_segment(entry)
        transaction.drop_tombstones(np.concatenate(dead).tolist() if dead else [])
