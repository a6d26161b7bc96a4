"""What one reader sees: a commit and its ordered segments, mapped and held until it is closed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.storage.catalog import Catalog
from search.storage.columns import Columns
from search.storage.container import Part, open_part
from search.storage.folder import Folder
from search.storage.locks import Lock, pin
from search.storage.segments import COLUMNS, part_place
from search.storage.transaction import SegmentEntry
from search.storage.verified import Known, changed, verify

_ATTEMPTS = 5


class Snapshot:
    """A commit's segments. ``live[ordinal]`` is False for a tombstone; ``parts[name]`` has one part a segment, or is
    absent where any segment lacks it."""

    def __init__(
        self,
        commit: int,
        entries: list[SegmentEntry],
        dead: list[int],
        folder: Folder,
        files: dict[str, Known],
        held: Lock | None,
        previous: Snapshot | None,
    ) -> None:
        self.commit = commit
        self.entries = entries
        self.files = files
        self._folder = folder
        self._held = held
        # Parts never change: those that are mapped already need no second descriptor.
        known = {} if previous is None else previous.mapped
        self.mapped: dict[tuple[str, str], Part] = {}
        opened: dict[str, list[Part]] = {}
        for entry in entries:
            digests = set()
            for name, file in entry.parts.items():
                part = known.get((entry.id, file.name))
                if part is None:
                    part = open_part(part_place(folder, entry.id, file), name, file.size)
                self.mapped[entry.id, file.name] = part
                if part.meta.get("articles") != entry.articles:
                    raise ArchiveDamaged(f"{part.path} counts other articles than the catalog; run 'broadsheet doctor'")
                digests.add(repr(part.meta.get("ids_digest")))  # a stranger's may be of any kind
                opened.setdefault(name, []).append(part)
            if len(digests) != 1:
                raise ArchiveDamaged(f"the parts of segment {entry.id} hold different articles; index again")
        self.parts = {name: parts for name, parts in opened.items() if len(parts) == len(entries)}
        self.columns = Columns(opened.get(COLUMNS, []))
        if np.diff(self.columns.bases).tolist() != self.sizes:
            raise ArchiveDamaged(
                f"{folder.path} has columns of other articles than its catalog; run 'broadsheet doctor'"
            )
        self.live: NDArray[np.bool_] = np.ones(len(self.columns), np.bool_)
        ordinals = self.columns.ordinals(dead)
        self.live[ordinals[ordinals >= 0]] = False

    @property
    def sizes(self) -> list[int]:
        """Articles of each segment, tombstones included."""
        return [entry.articles for entry in self.entries]

    def is_live(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool: which catalog rows are of live articles."""
        ordinals = self.columns.ordinals(rows)
        found: NDArray[np.bool_] = (ordinals >= 0) & self.live[ordinals]
        return found

    def changed(self) -> bool:
        """Whether a file of it is not what was verified any more."""
        return changed(self._folder, self.files)

    def close(self) -> None:
        """Let the writer remove what only this snapshot needs. Mapped arrays stay valid while they are referred to."""
        if self._held is not None:
            self._held.release()


def parts_of(folder: Folder, entries: list[SegmentEntry]) -> list[Known]:
    """The files of some segments."""
    return [
        Known(name, part_place(folder, entry.id, file), file) for entry in entries for name, file in entry.parts.items()
    ]


def take_snapshot(catalog: Catalog, check: Callable[[Part], bool], previous: Snapshot | None = None) -> Snapshot:
    """The last commit, pinned. Retries when a merge removes a file between reading the catalog and opening it.

    ``check`` raises ArchiveDamaged for a part that contradicts itself; it is asked once for each state of a
    file. ``previous`` is an open snapshot of the same archive, whose mapped parts are used again.
    """
    folder = catalog.folder
    missing: FileNotFoundError | None = None
    for _ in range(_ATTEMPTS):
        commit, entries, dead = catalog.snapshot()
        held = pin(folder, commit)
        try:
            # The writer looks at pins after its commit: one that came before this line cannot be missed.
            if held is not None and catalog.commit_number() != commit:
                held.release()
                continue
            files = verify(folder, parts_of(folder, entries), check)
            return Snapshot(commit, entries, dead, folder, files, held, previous)
        except FileNotFoundError as error:
            missing = error
            if held is not None:
                held.release()
        except BaseException:
            if held is not None:
                held.release()
            raise
    if missing is not None:
        raise ArchiveDamaged(f"{missing.filename} is missing; restore a backup or index again") from missing
    raise ArchiveDamaged(f"{folder.path} changes faster than it can be read; try again")
