"""The right to write to an archive, for as long as its lock is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from search.storage import segments
from search.storage.catalog import Catalog
from search.storage.locks import oldest_pin
from search.storage.snapshot import Snapshot, take_snapshot
from search.vector import check_part


class Writer:
    """What an archive's one writer works with. ``session.writing()`` gives it, and takes the lock for it.

    ``let_go`` gives up a view of an older commit that the archive keeps for later calls.
    """

    def __init__(self, catalog: Catalog, let_go: Callable[[], None]) -> None:
        self.catalog = catalog
        self.folder = catalog.folder
        self._let_go = let_go

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
        segments.remove(self.folder, self.catalog.dropped(oldest))
        self.catalog.forget(oldest)
