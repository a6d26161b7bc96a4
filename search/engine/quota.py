"""No more than so many hits of a source: what a ranking is gone through for, the best first.

A source is what its name folds to, as facets have it. Of an article that names none nobody knows which others are of
the same, so that it is never passed over. Where copies of one text are one hit, its source is that of the copy shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.engine.legs import Mask, Ordinals
from search.engine.stories.groups import Groups
from search.records.numbers import counted

_NAMED = 3  # sources of which a note says how many hits were passed over


class PassedOver(NamedTuple):
    """Hits that a quota left out, in their order. ``sources`` int64[p] are the numbers of their sources, ``before``
    int64[p] how many hits stand before each. ``every``: these are all; else some were not even ranked."""

    sources: Ordinals
    before: Ordinals
    every: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """``most`` hits of each source. ``sources`` int64[N] is the number of each article's source, -1 for none;
    ``shown`` gives the articles that stand for some best matches (None: themselves), ``groups`` are the stories that
    hits are of (None: each is of its own)."""

    most: int
    sources: NDArray[np.int64]
    shown: Callable[[Ordinals], Ordinals] | None = None
    groups: Groups | None = None

    def of(self, ordinals: Ordinals) -> Ordinals:
        """int64: the numbers of the sources that some hits are of."""
        return self.sources[ordinals if self.shown is None else self.shown(ordinals)]

    def kept(self, ordinals: Ordinals) -> Mask:
        """bool: which of some hits, the best first, are among the ``most`` first of their source."""
        sources = self.of(ordinals)
        order = np.argsort(sources, kind="stable")
        ordered = sources[order]
        places = np.empty(len(ordered), np.int64)
        places[order] = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
        kept: Mask = (places < self.most) | (sources < 0)
        return kept

    def size(self, ordinals: Ordinals) -> int:
        """How many of some hits are kept, in whichever order."""
        sources = self.of(ordinals)
        return int(np.minimum(np.bincount(sources[sources >= 0]), self.most).sum() + np.count_nonzero(sources < 0))

    def filled(
        self, first: Ordinals, mask: Mask, depth: int, wanted: int, rank: Callable[[Mask], Ordinals]
    ) -> Ordinals:
        """A ranking that goes on where too many hits of too few sources take its places: the ``first`` ``depth`` under
        a mask, then what ``rank`` finds as many of without the sources that have their hits, until ``wanted`` hits can
        be kept or there are no more."""
        found, left, last = first, mask.copy(), first
        while len(last) == depth and self.size(found) < wanted:
            deadline.check()
            sources = self.of(found)
            full = np.bincount(sources[sources >= 0], minlength=int(self.sources.max(initial=0)) + 1) >= self.most
            left &= ~np.append(full, False)[self.sources]  # -1 is the last
            left[found if self.groups is None else np.append(found, self.groups.copies(found))] = False
            last = rank(left)
            found = np.append(found, last)
        return found

    def passed_over(self, ordinals: Ordinals, every: bool = True) -> PassedOver:
        """What of a whole ranking is not kept."""
        kept = self.kept(ordinals)
        return PassedOver(self.of(ordinals)[~kept], np.cumsum(kept, dtype=np.int64)[~kept], every)


def counts(passed: PassedOver, stop: int, names: Sequence[str]) -> Mapping[str, int]:
    """How many hits of each source were passed over on the way to so many, the most first; ``names`` by number."""
    sources = np.bincount(passed.sources[passed.before < stop], minlength=len(names))
    order = sorted(np.flatnonzero(sources).tolist(), key=lambda number: (-int(sources[number]), names[number]))
    return {names[number]: int(sources[number]) for number in order}


def told(most: int, passed: Mapping[str, int], every: bool = True, noun: str = "hit") -> str:
    """What is to be said of hits that were passed over; with ``every`` false there are more of them."""
    named = [f"{count:,} of {name}" for name, count in list(passed.items())[:_NAMED]]
    if len(passed) > _NAMED:
        named.append(f"others of {counted(len(passed) - _NAMED, 'source')}")
    total = f"{'' if every else 'at least '}{sum(passed.values()):,}"
    return f"no more than {counted(most, noun)} of a source: {total} passed over ({', '.join(named)})"
