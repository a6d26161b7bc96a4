"""Spans of words, and which of them stand near each other or together: joins over whole arrays of places.

A span is a run of words from ``starts`` to ``ends``, both included; places are those of ``occurrences``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.errors import QueryError
from search.keyword.match.places import Mask, Places
from search.keyword.part.packing import ranges

# Pairs of spans that one join may look at for one block of articles (about 200 MB).
MOST_PAIRS = 4_000_000
_LOOKED_UP = 16  # a list so many times shorter than another is looked up in it


class Spans(NamedTuple):
    """Spans by start, then end, without repeats. ``solid``: every word of a span belongs to it, as in a phrase; in the
    span of a proximity only its ends need to."""

    starts: Places
    ends: Places
    solid: bool

    @property
    def even(self) -> bool:
        """Whether all are of one length, so that the ends are in order too."""
        if self.ends is self.starts:
            return True
        lengths = self.ends - self.starts
        return not len(lengths) or bool((lengths == lengths[0]).all())

    @property
    def longest(self) -> int:
        """The greatest end - start."""
        return int((self.ends - self.starts).max()) if len(self.starts) else 0


def words(places: Places) -> Spans:
    """Spans of one word each."""
    return Spans(places, places, True)


def unique_spans(starts: Places, ends: Places, solid: bool) -> Spans:
    """Spans in order and without repeats."""
    if len(starts) < 2:
        return Spans(starts, ends, solid)
    lengths = ends - starts
    bits = int(lengths.max()).bit_length()
    if starts.min() >= 0 and lengths.min() >= 0 and int(starts.max()).bit_length() + bits < 64:
        # Both as one number, which sorts faster than pairs; merging runs that are in order is faster yet.
        keys = (starts << bits) | lengths
        keys.sort(kind="stable")
        new = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        keys = keys[new]
        if not bits:
            return Spans(keys, keys, solid)
        starts = keys >> bits
        return Spans(starts, starts + (keys & ((1 << bits) - 1)), solid)
    order = np.lexsort((ends, starts))
    starts, ends = starts[order], ends[order]
    new = np.ones(len(starts), bool)
    new[1:] = (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1])
    return Spans(starts[new], ends[new], solid)


def union(parts: Sequence[Spans]) -> Spans:
    """The spans of any of them."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return words(np.empty(0, np.int64))
    return unique_spans(
        np.concatenate([p.starts for p in parts]),
        np.concatenate([p.ends for p in parts]),
        all(p.solid for p in parts),
    )


def near_places(left: Spans, right: Spans, distance: int, ordered: bool) -> Places:
    """A place in each article (repeats allowed) where the operands are near; see ``near``."""
    if not ordered and not (left.solid and right.solid):
        return near(left, right, distance, ordered).starts
    if _merges(left, right):
        merged = _near_words(left.starts, right.starts, distance, ordered)
        if merged is not None:
            return merged
    if ordered:
        # Fewer to look up is faster.
        if len(right.starts) < len(left.starts) and left.even:
            return _preceded(right, left, distance)
        return _followed(left, right, distance)
    if len(right.starts) < len(left.starts):
        left, right = right, left
    before = _preceded(left, right, distance) if right.even else _followed(right, left, distance)
    return np.concatenate([_followed(left, right, distance), before])


def _merges(left: Spans, right: Spans) -> bool:
    """Whether both are single words and about as frequent: then one sort is faster than many look-ups."""
    if left.ends is not left.starts or right.ends is not right.starts:
        return False
    few, many = sorted((len(left.starts), len(right.starts)))
    return few * _LOOKED_UP > many


def _same(left: Places, right: Places) -> bool:
    return len(left) == len(right) and bool((left == right).all())


def _neighbours(left: Places, right: Places) -> tuple[Places, NDArray[np.int64], Mask] | None:
    """Places of one list after which, in the order of both together, one of the other comes: (place, how far the other
    is, whether the first is of the left list). None where both lists have one place, which would hide others."""
    keys = np.concatenate((left, right))
    keys <<= 1
    keys[len(left) :] |= 1
    keys.sort(kind="stable")  # which merges runs that are in order: three times as fast
    steps = np.diff(keys)
    at = np.flatnonzero(steps & 1)
    first, steps = keys[at], steps[at]
    of_left = (first & 1) == 0
    steps += np.where(of_left, -1, 1)
    if not steps.all():
        return None
    return first >> 1, steps >> 1, of_left


def _near_words(left: Places, right: Places, distance: int, ordered: bool) -> Places | None:
    """``near_places`` of single words: where two are near, two neighbours of different lists are."""
    if _same(left, right):
        return left[:-1][np.diff(left) <= distance]
    neighbours = _neighbours(left, right)
    if neighbours is None:
        return None
    places, apart, of_left = neighbours
    near = apart <= distance
    if ordered:
        near &= of_left
    return places[near]


def _words_of_unit(left: Places, right: Places, bounds: Places) -> Places | None:
    """``same_unit_places`` of single words: where two share a unit, two neighbours of different lists do."""
    if _same(left, right):
        places, apart = left[:-1], np.diff(left)
    else:
        neighbours = _neighbours(left, right)
        if neighbours is None:
            return None
        places, apart, _ = neighbours
    # After the last unit there is nothing.
    high = np.append(bounds, np.iinfo(np.int64).max)[bounds.searchsorted(places, "right")]
    return places[places + apart < high]


def _followed(left: Spans, right: Spans, distance: int) -> Places:
    """The starts of the left spans after whose end a right one starts within ``distance``."""
    after = right.starts.searchsorted(left.ends, "right")
    left_starts, left_ends = left.starts, left.ends
    if len(after) and after.max() == len(right.starts):  # the ends of spans that hold others are in no order
        kept = after < len(right.starts)
        after, left_starts, left_ends = after[kept], left_starts[kept], left_ends[kept]
    places: Places = left_starts[right.starts[after] - left_ends <= distance]
    return places


def _preceded(right: Spans, left: Spans, distance: int) -> Places:
    """The starts of the right spans before whose start a left one ends within ``distance``; the left are ``even``."""
    before = left.ends.searchsorted(right.starts, "left") - 1
    starts = right.starts
    if len(before) and before[0] < 0:
        kept = before >= 0
        before, starts = before[kept], starts[kept]
    places: Places = starts[starts - left.ends[before] <= distance]
    return places


def near(left: Spans, right: Spans, distance: int, ordered: bool) -> Spans:
    """The spans from one operand to the other where they are at most ``distance`` words apart (the next word is 1).

    ``ordered``: the left one ends before the right one starts. Otherwise either may come first, and the span of a
    proximity (not solid) may also overlap the other operand, at distance 0, without sharing its first or last word:
    no word is near itself.
    """
    if not ordered and len(right.starts) < len(left.starts):
        left, right = right, left  # fewer to look up is faster
    reach = 0 if ordered else right.longest + distance
    low = right.starts.searchsorted(left.ends if ordered else left.starts - reach, "right" if ordered else "left")
    high = right.starts.searchsorted(left.ends + distance, "right")
    a, b = pairs(low, high)
    apart = right.starts[b] - left.ends[a]
    if not ordered:
        # The distance from whichever ends first; not positive where they overlap.
        apart = np.maximum(apart, left.starts[a] - right.ends[b])
    kept = (apart >= 1) & (apart <= distance)
    if not ordered and not (left.solid and right.solid):
        kept |= (apart < 1) & _free_ends(left, right, a, b)
    return _hulls(left, right, a[kept], b[kept])


def pairs(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(i, j) for every j from ``low[i]`` to ``high[i]``, exclusive."""
    counts = np.maximum(high - low, 0)
    if int(counts.sum()) > MOST_PAIRS:
        raise QueryError("the words of a proximity inside another operator are too frequent; use a shorter distance")
    return np.repeat(np.arange(len(counts)), counts), ranges(low, counts)


def _free_ends(left: Spans, right: Spans, a: NDArray[np.int64], b: NDArray[np.int64]) -> Mask:
    """Whether the pairs of spans share no first or last word."""
    a_start, a_end, b_start, b_end = left.starts[a], left.ends[a], right.starts[b], right.ends[b]
    free: Mask = (a_start != b_start) & (a_start != b_end) & (a_end != b_start) & (a_end != b_end)
    return free


def _hulls(left: Spans, right: Spans, a: NDArray[np.int64], b: NDArray[np.int64]) -> Spans:
    starts = np.minimum(left.starts[a], right.starts[b])
    return unique_spans(starts, np.maximum(left.ends[a], right.ends[b]), False)


def _units(spans: Spans, bounds: Places) -> tuple[Spans, NDArray[np.int64]]:
    """The spans that lie within one unit, and the number of each one's unit."""
    number = bounds.searchsorted(spans.starts, "right")
    kept = number == bounds.searchsorted(spans.ends, "right")
    return Spans(spans.starts[kept], spans.ends[kept], spans.solid), number[kept]


def same_unit(left: Spans, right: Spans, bounds: Places) -> Spans:
    """The spans from one operand to the other where both lie within one unit; ``bounds`` are the units' starts.

    The operands stand apart, or overlap as far as ``near`` allows.
    """
    left, left_units = _units(left, bounds)
    right, right_units = _units(right, bounds)
    a, b = pairs(right_units.searchsorted(left_units, "left"), right_units.searchsorted(left_units, "right"))
    kept = (right.starts[b] > left.ends[a]) | (left.starts[a] > right.ends[b])
    if not (left.solid and right.solid):
        kept |= _free_ends(left, right, a, b)
    return _hulls(left, right, a[kept], b[kept])


def same_unit_places(left: Spans, right: Spans, bounds: Places) -> Places:
    """A place in each article (repeats allowed) where both operands lie within one unit; see ``same_unit``."""
    if not (left.solid and right.solid):
        return same_unit(left, right, bounds).starts
    if _merges(left, right):
        merged = _words_of_unit(left.starts, right.starts, bounds)
        if merged is not None:
            return merged
    if len(right.starts) < len(left.starts):
        left, right = right, left
    if right.even:
        return _beside(left, right, bounds)
    left, left_units = _units(left, bounds)
    right, right_units = _units(right, bounds)
    if not len(left_units) or not len(right_units):
        return np.empty(0, np.int64)
    # Two spans of a unit stand apart somewhere if the one that ends first does so before the one that starts last.
    shared = np.intersect1d(left_units, right_units)
    left_end, left_start = _extremes(left, left_units, shared)
    right_end, right_start = _extremes(right, right_units, shared)
    apart = (left_end < right_start) | (right_end < left_start)
    places: Places = bounds[shared[apart] - 1]
    return places


def _beside(few: Spans, many: Spans, bounds: Places) -> Places:
    """The starts of the few spans that have one of the many, which are ``even``, beside them in their unit."""
    if not len(few.starts) or not len(many.starts):
        return np.empty(0, np.int64)
    unit = bounds.searchsorted(few.starts, "right")
    low = bounds[unit - 1]
    # After the last unit there is nothing.
    high = np.append(bounds, np.iinfo(np.int64).max)[unit]
    first = many.starts.searchsorted(low, "left")
    last = many.ends.searchsorted(high, "left") - 1
    some = (first <= last) & (few.ends < high)
    first, last, starts, ends = first[some], last[some], few.starts[some], few.ends[some]
    apart = (many.ends[first] < starts) | (many.starts[last] > ends)
    places: Places = starts[apart]
    return places


def _extremes(spans: Spans, units: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[Places, Places]:
    """The first end and the last start of the spans in each of the wanted units, all of which have spans."""
    if not len(wanted):
        return wanted, wanted
    first = np.flatnonzero(np.diff(units, prepend=-1))
    at = units[first].searchsorted(wanted)
    ends = np.minimum.reduceat(spans.ends, first)
    return ends[at], spans.starts[np.append(first[1:], len(units))[at] - 1]
