"""The right to write to an archive, for as long as its lock is held."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from search.engine.soundness import check_part
from search.errors import ArchiveDamaged, ArchiveLocked, CommitsLost, StorageError
from search.storage import segments
from search.storage.catalog import Catalog
from search.storage.container import PartData
from search.storage.locks import WriterLock, last_noted, oldest_pin
from search.storage.snapshot import Snapshot, take_snapshot
from search.storage.transaction import SegmentEntry, Transaction


class Writer:
    """What an archive's one writer works with. ``session.writing()`` gives it, and takes the lock for it.

    ``let_go`` gives up a view of an older commit that the archive keeps for later calls.
    """

    def __init__(self, catalog: Catalog, lock: WriterLock, let_go: Callable[[], None]) -> None:
        self.catalog = catalog
        self.folder = catalog.folder
        self._lock = lock
        self._let_go = let_go

    def begin(self) -> None:
        """Set aside what the catalog has lost, before anything could take it for a crash's leavings."""
        commit, entries = self.catalog.segments()
        known = {entry.id for entry in entries} | {segment for segment, _ in self.catalog.dropped(commit)}
        noted = last_noted(self.folder)
        if (lost := segments.lost(self.folder, known, commit, noted)) or noted > commit:
            segments.set_aside(self.folder, lost)
            self._lock.note(commit)
            warnings.warn(CommitsLost(str(self.folder.path), commit, len(lost)), stacklevel=4)

    @contextmanager
    def commit(self) -> Iterator[Transaction]:
        """The commit: all that is done in the block, or nothing."""
        with self.catalog.writing() as transaction:
            yield transaction
        self._lock.note(transaction.number)

    def write_segment(self, parts: Mapping[str, PartData], first_row: int) -> SegmentEntry:
        """Write a new segment for the next commit to name."""
        meta = parts[segments.COLUMNS].meta
        number = self.catalog.commit_number() + 1
        return segments.write_segment(self.folder, parts, first_row, meta["articles"], meta["ids_digest"], number)

    def publish(self, entry: SegmentEntry) -> SegmentEntry | None:
        """Give a segment that was built beside its place, for the next commit to name; None where it is gone."""
        return segments.publish(self.folder, entry, self.catalog.commit_number() + 1)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The last commit, held for the length of a block."""
        snapshot = take_snapshot(self.catalog, check_part)
        try:
            yield snapshot
        finally:
            snapshot.close()

    def clean(self) -> None:
        """Remove the files and records that no reader needs any more, this archive's own idle view let go first."""
        self._let_go()
        self.catalog.prove()
        oldest = oldest_pin(self.folder, self.catalog.commit_number())
        segments.remove(self.folder, self._needless(oldest))
        self.catalog.forget(oldest)

    def tidy(self) -> None:
        """``clean`` in the middle of work: that it cannot be done now is no error of what is done; it stays for later.

        Raises ArchiveNotFound, ArchiveReplaced and ArchiveDamaged all the same.
        """
        with contextlib.suppress(StorageError, ArchiveLocked):
            self.clean()

    def _needless(self, oldest: int) -> list[tuple[str, str]]:
        """What no reader at ``oldest`` or later needs. Raises ArchiveDamaged where the catalog lists what it uses."""
        dropped = self.catalog.dropped(oldest)
        if dropped:
            named = {entry.id: {file.name for file in entry.parts.values()} for entry in self.catalog.segments()[1]}
            for segment, file in dropped:
                if segment in named and (not file or file in named[segment]):
                    raise ArchiveDamaged(
                        f"{self.catalog.path} asks to remove files that it uses; do not write to this archive"
                    )
        return dropped
