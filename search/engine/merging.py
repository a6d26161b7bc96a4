"""Merges: neighbouring segments become one, in tiers or all of them.

A writer merges at once what is small, or no more than it has written itself. What is larger is merged beside the
writers: built without their lock in a folder that nothing sweeps, and named in a short transaction if the segments that
it was made of are still those of the archive. What was deleted meanwhile stays deleted: its tombstones lie over the new
segment as over the old ones. One merge at a time: the disk holds what lives, and that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from search.engine.furniture.learning import merged_part
from search.engine.soundness import check_part
from search.engine.stories import part as stories
from search.engine.writer import Writer
from search.errors import ArchiveLocked, StorageError
from search.keyword.part import merge as keyword
from search.storage import segments
from search.storage.columns import merge_columns
from search.storage.container import PartData
from search.storage.folder import Folder
from search.storage.locks import lock_merge
from search.storage.snapshot import Snapshot, take_snapshot
from search.storage.transaction import SegmentEntry
from search.vector import merge_parts as merge_vectors

if TYPE_CHECKING:
    from search.engine.session import Session

FACTOR = 10  # segments of one size class that become one
SMALL = 20_000  # articles that are merged in some seconds, vectors included
PATIENCE = 60.0  # seconds that a merge built beside waits for a writer to end
_ATTEMPTS = 3
_PAUSE = 0.05

Run = Sequence[int]
"""Numbers of neighbouring segments, ascending."""


class Merged(NamedTuple):
    """A run of segments and what comes in their place: its parts, None where no article of them is live, and the
    tombstones that go with them."""

    old: list[SegmentEntry]
    parts: dict[str, PartData] | None
    dead: list[int]


def merged(snapshot: Snapshot, run: Run) -> Merged:
    """A run of segments as one, without what is dead. Vectors and words are streamed while they are written."""
    keep = [snapshot.live[snapshot.columns.bases[i] : snapshot.columns.bases[i + 1]] for i in run]
    pick = {name: [parts[i] for i in run] for name, parts in snapshot.parts.items()}
    old = [snapshot.entries[i] for i in run]
    columns = pick[segments.COLUMNS]
    dead = np.concatenate([part["rows"][~mask] for part, mask in zip(columns, keep, strict=True)]).tolist()
    if not any(mask.any() for mask in keep):
        return Merged(old, None, dead)
    parts = {
        segments.COLUMNS: merge_columns(columns, keep),
        segments.KEYWORD: keyword.merge_parts(pick[segments.KEYWORD], keep),
    }
    if segments.VECTORS in pick:
        parts[segments.VECTORS] = merge_vectors(pick[segments.VECTORS], keep)
    if segments.STORIES in pick:
        digest = parts[segments.COLUMNS].meta["ids_digest"]
        parts[segments.STORIES] = stories.merge_parts(pick[segments.STORIES], keep, snapshot.is_live, digest)
    if (furniture := merged_part(snapshot, run, keep, parts[segments.COLUMNS].meta["ids_digest"])) is not None:
        parts[segments.FURNITURE] = furniture
    return Merged(old, parts, dead)


def merge(writer: Writer, snapshot: Snapshot, runs: Sequence[Run]) -> None:
    """Rewrite each run of segments as one, in one commit."""
    done: list[Merged] = []
    new: list[SegmentEntry] = []
    for run in runs:
        done.append(made := merged(snapshot, run))
        if made.parts is not None:
            rows = np.asarray(made.parts[segments.COLUMNS].arrays["rows"])
            new.append(writer.write_segment(made.parts, int(rows[0])))
    _name(writer, done, new)


def _name(writer: Writer, done: Sequence[Merged], new: Sequence[SegmentEntry]) -> None:
    with writer.commit() as transaction:
        for made in done:
            transaction.drop_segments(made.old)
            transaction.drop_tombstones(made.dead)
        for entry in new:
            transaction.add_segment(entry)


def tier(entries: Sequence[SegmentEntry]) -> Run:
    """The newest segments, where ``FACTOR`` neighbours are of one size class; else none. Each article is merged about
    log10(N / batch) times, and neighbours stay in row order: a merge changes no tie."""
    sizes = [len(str(entry.articles)) for entry in entries]
    run = 0
    while run < len(sizes) and sizes[-1 - run] <= sizes[-1]:
        run += 1
    return range(len(sizes) - run, len(sizes)) if run >= FACTOR else ()


def merge_tiers(writer: Writer, written: int) -> None:
    """Merge what is small, or no more articles than the ``written`` ones; the rest waits for ``beside``, and all of it
    where another process is merging."""
    while run := tier(writer.catalog.segments()[1]):
        with writer.snapshot() as snapshot:
            if sum(snapshot.sizes[i] for i in run) > max(SMALL, written):
                return
            with _alone(writer.folder) as alone:
                if not alone:
                    return
                merge(writer, snapshot, [run])
        writer.tidy()  # before the next one: the disk holds what is live and one merge


def whole(snapshot: Snapshot) -> Run:
    """All segments, where they are several or hold something deleted; else none."""
    return range(len(snapshot.entries)) if len(snapshot.entries) > 1 or not snapshot.live.all() else ()


def due(snapshot: Snapshot) -> Run:
    """The tier that is to be merged."""
    return tier(snapshot.entries)


def left(session: Session, tell: Callable[[int], None] = lambda articles: None) -> None:
    """Merge beside what a writer that has just ended has left; where that cannot be now, it stays for the next one.
    ``tell`` is called before each merge, with the articles that it is of, dead ones counted."""
    with contextlib.suppress(ArchiveLocked):
        while run := tier(entries := session.catalog.segments()[1]):
            tell(sum(entries[i].articles for i in run))
            try:
                beside(session, due)
            finally:
                session.regain()


def beside(session: Session, choose: Callable[[Snapshot], Run]) -> None:
    """Merge a run of segments while others may write. Where one of them changes these very segments, it begins anew.

    Raises ArchiveLocked where another process merges, where a writer does not end, or where the segments never rest.
    """
    folder = session.catalog.folder
    lock = lock_merge(folder, session.patient)
    try:
        for _ in range(_ATTEMPTS):
            segments.end_merge(folder)
            if _beside(session, choose):
                return
    finally:
        try:
            segments.end_merge(folder)
        finally:
            lock.release()
    raise ArchiveLocked(f"{folder.path} is changed by others while it is merged; try again when they are done")


def _beside(session: Session, choose: Callable[[Snapshot], Run]) -> bool:
    """False where it was overtaken, and nothing is changed."""
    snapshot = take_snapshot(session.catalog, check_part)
    try:
        run = choose(snapshot)
        if not run:
            return True
        made = merged(snapshot, run)
        entry = None if made.parts is None else _built(session.catalog.folder, made.parts)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):  # a purge took away what was built
            return False
        raise
    finally:
        snapshot.close()
    with _writing(session) as writer:
        current = {now.id: now for now in writer.catalog.segments()[1]}
        if any(current.get(old.id) != old for old in made.old):
            return False
        new = [] if entry is None else [writer.publish(entry)]
        if None in new:
            return False
        _name(writer, [made], [published for published in new if published is not None])
    return True


def _built(folder: Folder, parts: dict[str, PartData]) -> SegmentEntry:
    meta, rows = parts[segments.COLUMNS].meta, np.asarray(parts[segments.COLUMNS].arrays["rows"])
    return segments.write_segment(
        folder, parts, int(rows[0]), meta["articles"], meta["ids_digest"], 0, within=segments.MERGING
    )


@contextmanager
def _writing(session: Session) -> Iterator[Writer]:
    """The writer's lock, waited for: what was built took longer than most writers do."""
    ends = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                writer = stack.enter_context(session.writing(freeing=True))  # ``beside`` is no place to keep room in
                break
            except ArchiveLocked:
                if time.monotonic() >= ends:
                    raise
                time.sleep(_PAUSE)
        yield writer


@contextmanager
def _alone(folder: Folder) -> Iterator[bool]:
    """Whether nobody else merges, and nobody will for the length of a block."""
    try:
        lock = lock_merge(folder)
    except ArchiveLocked:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def sweep(folder: Folder) -> None:
    """Remove what an interrupted merge left behind."""
    with _alone(folder) as alone:
        if alone:
            segments.end_merge(folder)
