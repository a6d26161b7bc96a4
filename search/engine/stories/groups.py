"""Stories as a reader sees them: the visible articles that links join, directly or through others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.storage.columns import Columns
from search.storage.container import Part

Ordinals = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Groups(NamedTuple):
    """The stories of some visible articles. ``ids`` int64[N]: the story of each article, named by its first ordinal,
    which for an article without copies is its own. ``several`` bool[N]: which have copies."""

    ids: Ordinals
    several: Mask

    def count(self, mask: Mask) -> int:
        """How many stories the articles of a mask are of."""
        copied = np.flatnonzero(mask & self.several)
        return int(np.count_nonzero(mask)) - len(copied) + len(np.unique(self.ids[copied]))

    def members(self, ordinal: int, mask: Mask) -> Ordinals:
        """The articles of one article's story that are in a mask, ascending; itself among them if it is."""
        if not self.several[ordinal]:
            return np.array([ordinal], np.int64)[mask[[ordinal]]]
        copied = np.flatnonzero(mask & self.several)
        members: Ordinals = copied[self.ids[copied] == self.ids[ordinal]]
        return members

    def firsts(self, ordinals: Ordinals) -> Ordinals:
        """The places of the first article of each story among some articles, ascending."""
        _, first = np.unique(self.ids[ordinals], return_index=True)
        first.sort()
        return first

    def others(self, ordinals: Ordinals, mask: Mask) -> Ordinals:
        """The copies of some articles that a mask has and that are not among these, ascending."""
        told = np.zeros(len(self.ids), np.bool_)
        told[self.ids[ordinals]] = True
        copies = mask & self.several & told[self.ids]
        copies[ordinals] = False
        return np.flatnonzero(copies)


def links(part: Part) -> Ordinals:
    """int64[m, 2]: the links of a stories part, from an article's row to an earlier one's. Raises ArchiveDamaged where
    there is nothing of that kind."""
    held = part["links"]
    if held.dtype.str != "<i8" or held.ndim != 2 or held.shape[1] != 2:
        raise ArchiveDamaged(f"{part.path} has bad links; 'broadsheet regroup' finds the copies of all articles anew")
    return held


class Stories:
    """The links of a snapshot, by ordinals."""

    def __init__(self, held: Sequence[Part], columns: Columns) -> None:
        every = np.concatenate([np.empty((0, 2), np.int64), *(links(part) for part in held)])
        ends = columns.ordinals(every.ravel()).reshape(-1, 2)
        self.links: Ordinals = ends[(ends >= 0).all(axis=1)]

    def groups(self, visible: Mask) -> Groups:
        """The stories of the visible articles."""
        seen = self.links[visible[self.links].all(axis=1)]
        ids = np.arange(len(visible), dtype=np.int64)
        several = np.zeros(len(visible), np.bool_)
        if len(seen):
            joined, ends = np.unique(seen, return_inverse=True)
            ids[joined] = joined[components(len(joined), ends.reshape(-1, 2))]
            several[joined] = True
        return Groups(ids, several)


def components(count: int, links: Ordinals) -> Ordinals:
    """int64[count]: for each of some things the least of those that it is joined with.

    Each root goes under the least root that it is linked to, and paths are halved until all lead to roots (Shiloach and
    Vishkin, "An O(log n) parallel connectivity algorithm", 1982).
    """
    labels = np.arange(count, dtype=np.int64)
    while True:
        ends = labels[links]
        high, low = ends.max(axis=1), ends.min(axis=1)
        apart = high != low
        if not apart.any():
            return labels
        np.minimum.at(labels, high[apart], low[apart])
        while not np.array_equal(shorter := labels[labels], labels):
            labels = shorter
