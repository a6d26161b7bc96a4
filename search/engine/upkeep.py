"""Keeping an archive in order: deletes, purges and merges, a commit each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from search.engine import merging
from search.engine.merging import merge
from search.engine.request import Request
from search.engine.writer import Writer
from search.errors import ArchiveError, DiskFull, PurgeUnfinished, StorageError
from search.storage import segments
from search.storage.catalog import Catalog
from search.storage.collections import Collections

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
    with contextlib.suppress(StorageError):
        Catalog.sweep(writer.folder)
    if writer.catalog.purging():
        with contextlib.suppress(PurgeUnfinished):  # it was said when it was asked for, and doctor says it
            _purge(writer, ())


@contextlib.contextmanager
def _freeing(session: Session) -> Iterator[Writer]:
    """The writer's lock, and the reserve for the length of a block."""
    try:
        with session.writing(freeing=True) as writer:
            yield writer
    finally:
        session.regain()


def delete(session: Session, ids: Iterable[str], purge: bool = False) -> int:
    """Delete the live articles of some ids; ``purge`` takes the bytes of all their versions out of every file."""
    with _freeing(session) as writer:
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


def prune(session: Session, keep: Container[str]) -> int:
    """Delete every article whose id is not to be kept."""
    return delete(session, [article_id for article_id, _ in session.catalog.live_ids() if article_id not in keep])


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
    while _rewritten(writer, ids):  # one segment at a time: the disk holds what lives and that
        pass
    with writer.commit() as transaction:
        transaction.erase(rows)
        current = transaction.number
    catalog.prove()
    segments.remove(writer.folder, catalog.dropped(current))  # pinned or not: mapped files stay readable
    segments.end_merge(writer.folder)  # one under way has their bytes, too; it begins anew
    writer.clean()
    if (why := catalog.scrub()) is not None:
        raise _unfinished(ids, why)
    try:
        Collections(writer.folder.path).purge(ids)
    except ArchiveError as error:
        raise _unfinished(ids, f"collections keep their titles: {error};") from error
    catalog.purged()


def _rewritten(writer: Writer, ids: Sequence[str]) -> bool:
    """Rewrite the first segment that holds some version of these articles, and remove it; False where none does.

    Pinned or not: files that are mapped stay readable.
    """
    with writer.snapshot() as snapshot:
        ordinals = snapshot.columns.find(ids)
        if not len(ordinals):
            return False
        position = int(np.searchsorted(snapshot.columns.bases, ordinals[0], side="right")) - 1
        try:
            merge(writer, snapshot, [[position]])
        except DiskFull:
            room = snapshot.entries[position].size
            raise _unfinished(ids, f"the disk has no room to rewrite a segment; free {room >> 20:,} MiB") from None
    writer.catalog.prove()
    segments.remove(writer.folder, writer.catalog.dropped(writer.catalog.commit_number()))
    return True


def _unfinished(ids: Sequence[str], why: str) -> PurgeUnfinished:
    return PurgeUnfinished(
        f"the purge of {len(ids)} {'article' if len(ids) == 1 else 'articles'} is not finished: they are deleted, but "
        f"{why} and purge again; otherwise the next writing finishes it"
    )
