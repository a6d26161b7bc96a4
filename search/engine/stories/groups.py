"""Stories as a reader sees them: the visible articles that links join, directly or through others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.storage.columns import Columns
from search.storage.container import Part

Ordinals = NDArray[np.int64]
Mask = NDArray[np.bool_]
_KEPT = 4  # groupings, of as many days


class Wholes:
    """Orders of the articles that links join; ``linked`` are these. Days differ in what can be seen, not in order."""

    def __init__(self, linked: Ordinals) -> None:
        self._linked = linked
        self._orders: dict[str, Ordinals] = {}

    def order(self, name: str, ordered: Callable[[Mask], Ordinals], size: int) -> Ordinals:
        """All of them in the order of this name, which ``ordered`` puts a mask bool[``size``] in."""
        if name not in self._orders:
            mask = np.zeros(size, np.bool_)
            mask[self._linked] = True
            self._orders[name] = ordered(mask)
        return self._orders[name]


@dataclass(frozen=True)
class Groups:
    """The stories of some visible articles. ``ids`` int64[N]: the story of each article, named by its first ordinal,
    which for an article without copies is its own. ``copied`` int64[c]: the articles that have copies, by story and
    then ordinal; ``starts`` int64[g]: where each story begins among them. A query walks these, not all articles.
    ``wholes`` are orders of all articles that links join, visible or not."""

    ids: Ordinals
    copied: Ordinals
    starts: Ordinals
    wholes: Wholes | None = None

    @cached_property
    def names(self) -> Ordinals:
        """int64[g]: the stories of several articles, ascending."""
        return self.copied[self.starts]

    def count(self, mask: Mask) -> int:
        """How many stories the articles of a mask are of."""
        seen = np.flatnonzero(mask[self.copied])
        return int(np.count_nonzero(mask)) - len(seen) + int(np.count_nonzero(_changes(self.numbers[seen])))

    def sizes(self, mask: Mask) -> Ordinals:
        """int64[g]: how many articles of each story of several are in a mask."""
        return np.bincount(self.numbers[mask[self.copied]], minlength=len(self.starts))

    def once(self, mask: Mask, values: Ordinals) -> Mask:
        """A mask with one article of each story and value; ``values`` int64[c] are those of the articles that have
        copies."""
        places = np.flatnonzero(mask[self.copied])
        places = places[np.lexsort((values[places], self.numbers[places]))]
        new = _changes(self.numbers[places]) | _changes(values[places])
        found = mask.copy()
        found[self.copied] = False
        found[self.copied[places[new]]] = True
        return found

    def members(self, ordinal: int, mask: Mask) -> Ordinals:
        """The articles of one article's story that are in a mask, ascending; itself among them if it is."""
        name = self.ids[ordinal]
        at = int(np.searchsorted(self.names, name))
        members = np.array([ordinal], np.int64)
        if at < len(self.starts) and self.names[at] == name:
            end = int(self.starts[at + 1]) if at + 1 < len(self.starts) else len(self.copied)
            members = self.copied[int(self.starts[at]) : end]
        return members[mask[members]]

    def copies(self, ordinals: Ordinals) -> Ordinals:
        """All articles of those stories of several articles that some articles are of."""
        taken = np.zeros(len(self.ids), np.bool_)
        taken[self.ids[ordinals]] = True
        return self.copied[np.repeat(taken[self.names], self._sizes)]

    def first_of_each(
        self,
        mask: Mask,
        order: str,
        ordered: Callable[[Mask], Ordinals],
        standing: Ordinals | None = None,
        whatever: bool = True,
    ) -> Ordinals:
        """Of each story of several articles the first that is in a mask. ``ordered`` puts the articles of a mask in
        the ``order`` of this name; it is asked once: where an article's place is the same ``whatever`` else can be
        seen, for all articles that links join. ``standing`` int64[N]: what comes before that order, the least first."""
        if order not in self._orders:
            copied = np.zeros(len(self.ids), np.bool_)
            copied[self.copied] = True
            if whatever and self.wholes is not None:
                every = self.wholes.order(order, ordered, len(self.ids))
                every = every[copied[every]]
            else:
                every = ordered(copied)
            self._orders[order] = every[np.argsort(self.ids[every], kind="stable")]
        every = self._orders[order]
        places = np.flatnonzero(mask[every])
        if standing is not None:
            places = places[np.lexsort((standing[every[places]], self.numbers[places]))]
        return every[places[_changes(self.numbers[places])]]

    @cached_property
    def _orders(self) -> dict[str, Ordinals]:
        return {}

    @cached_property
    def _sizes(self) -> Ordinals:
        return np.diff(self.starts, append=len(self.copied))

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """int32[c]: the place of each copied article's story among the stories of several articles."""
        return np.repeat(np.arange(len(self.starts), dtype=np.int32), self._sizes)

    def firsts(self, ordinals: Ordinals) -> Ordinals:
        """The places of the first article of each story among some articles, ascending."""
        _, first = np.unique(self.ids[ordinals], return_index=True)
        first.sort()
        return first

    def others(self, ordinals: Ordinals, mask: Mask) -> Ordinals:
        """The copies of some articles that a mask has and that are not among these, ascending."""
        copies = self.copies(ordinals)
        left = mask.copy()
        left[ordinals] = False
        return np.sort(copies[left[copies]])


def _changes(values: NDArray[np.int32] | NDArray[np.int64]) -> Mask:
    """bool: which values are others than those before them; the first is."""
    new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def links(part: Part) -> Ordinals:
    """int64[m, 2]: the links of a stories part, from an article's row to an earlier one's. Raises ArchiveDamaged where
    there is nothing of that kind."""
    held = part["links"]
    if held.dtype.str != "<i8" or held.ndim != 2 or held.shape[1] != 2:
        raise ArchiveDamaged(f"{part.path} has bad links; 'broadsheet regroup' finds the copies of all articles anew")
    return held


class Stories:
    """The links of a snapshot. ``linked`` int64[l]: the ordinals of the articles that they join, ascending; ``ends``
    int64[m, 2]: the places of each link's two among these."""

    def __init__(self, held: Sequence[Part], columns: Columns) -> None:
        every = np.concatenate([np.empty((0, 2), np.int64), *(links(part) for part in held)])
        ends = columns.ordinals(every.ravel()).reshape(-1, 2)
        linked, places = np.unique(ends[(ends >= 0).all(axis=1)], return_inverse=True)
        self.linked: Ordinals = linked
        self.ends: Ordinals = places.reshape(-1, 2)
        self._known: dict[bytes, Groups] = {}

    @cached_property
    def _wholes(self) -> Wholes:
        return Wholes(self.linked)

    def groups(self, visible: Mask) -> Groups:
        """The stories of the visible articles; the last few are kept, since a day is asked for more than once."""
        key = np.packbits(visible[self.linked]).tobytes()
        found = self._known.get(key)
        if found is None:
            found = self._groups(visible)
            self._known = dict([*self._known.items(), (key, found)][-_KEPT:])
        return found

    def _groups(self, visible: Mask) -> Groups:
        seen = self.ends[visible[self.linked][self.ends].all(axis=1)]
        labels = components(len(self.linked), seen)
        joined = np.zeros(len(self.linked), np.bool_)
        joined[seen] = True
        places = np.flatnonzero(joined)
        places = places[np.argsort(labels[places], kind="stable")]
        copied, names = self.linked[places], self.linked[labels[places]]
        ids = np.arange(len(visible), dtype=np.int64)
        ids[copied] = names
        return Groups(ids, copied, np.flatnonzero(copied == names), self._wholes)


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
