"""Where the terms of a query stand near each other, in some articles: the occurrences of all of them, in one order."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.analysis import GAP
from search.keyword.part.packing import Array
from search.keyword.rank.contributions import Ordinals
from search.keyword.rank.scoring import Bm25, QueryTerm
from search.keyword.rank.standing import Standing

WINDOW = 16
"""Words from one to the other, at most."""

MOST = 16
"""Terms that can be asked about at once."""

_BITS = 4  # of a term's number in a key
_TERM = (1 << _BITS) - 1
_TABLE_SHARE = 10  # a term in more than 10 times the articles asked about is searched for each of them
_MANY = 6  # all occurrences are compared as long as one in so many has another near it

Keys = NDArray[np.uint32] | NDArray[np.uint64]


class Meetings(NamedTuple):
    """Where pairs occur in some articles, sorted by pair, then by article: the number of the pair, the article's place
    among those asked about, and how often, all int64."""

    pairs: NDArray[np.int64]
    places: NDArray[np.int64]
    counts: NDArray[np.int64]


@functools.cache
def _numbers(terms: int) -> NDArray[np.uint32]:
    """uint32[terms, terms]: at a rarer and another term the number of their pair, in the order of addition."""
    table = np.zeros((terms, terms), np.uint32)
    table[np.triu_indices(terms, 1)] = np.arange(terms * (terms - 1) // 2)
    return table


def meetings(model: Bm25, terms: Sequence[QueryTerm], ordinals: Ordinals) -> Meetings:
    """Where pairs of terms occur in some articles, ascending. ``terms`` are 16 at most, from the rarest on."""
    count, bits = len(terms), max(len(ordinals) - 1, 0).bit_length()
    keys, room = _keys(model, terms, ordinals)
    if 0 in model.weights:
        keys = keys[_weighs(model, ordinals, keys, room)]
    keys, near = _near(keys)
    near &= np.array([(1 << count) - (2 << number) for number in range(count)], np.uint16)[keys & _TERM]
    at = np.flatnonzero(near)
    # 16 bytes of 0 or 1 for each
    each = np.unpackbits(near[at].astype("<u2", copy=False).view(np.uint8), bitorder="little")
    cells = np.flatnonzero(each.view(np.bool_))
    keys = keys[at[cells >> _BITS]]
    pairs = _numbers(count)[keys & _TERM, cells & _TERM].astype(keys.dtype)
    flat: Array = np.bitwise_or(np.left_shift(pairs, bits), keys >> room)
    flat.sort()
    new = np.ones(len(flat), np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=new[1:])
    first = np.flatnonzero(new)
    met = flat[first].astype(np.int64)
    return Meetings(met >> bits, met & ((1 << bits) - 1), np.diff(first, append=len(flat)))


def _weighs(model: Bm25, ordinals: Ordinals, keys: Keys, room: int) -> NDArray[np.bool_]:
    """Which occurrences stand in a sub-field that has a weight: what counts nothing is near nothing."""
    starts = np.zeros((len(ordinals), len(model.weights) - 1), np.int64)
    for segment, base in model.segments:
        low, high = ordinals.searchsorted((base, base + len(segment)))
        starts[low:high] = segment.lengths[ordinals[low:high] - base, :-1]
    starts = np.cumsum(starts + GAP, axis=1)  # where each sub-field but the first does
    places, positions = keys >> room, (keys & ((1 << room) - 1)) >> _BITS
    fields = (positions[:, None] >= starts[places.astype(np.int64)]).sum(axis=1)
    found: NDArray[np.bool_] = (np.asarray(model.weights) > 0)[fields]
    return found


class Stands(NamedTuple):
    """Where terms stand in some articles, in reading order: in the i-th of them at ``positions`` and as the numbers in
    ``terms`` from ``cuts[i]`` to ``cuts[i + 1]``."""

    cuts: Sequence[int]
    positions: NDArray[np.int64]
    terms: NDArray[np.int64]


def stands(model: Bm25, terms: Sequence[QueryTerm], ordinals: Ordinals) -> Stands:
    """Where terms, MOST of them at most, stand in some articles, which are ascending."""
    if not terms:
        return Stands([0] * (len(ordinals) + 1), np.zeros(0, np.int64), np.zeros(0, np.int64))
    found, room = _keys(model, terms, ordinals, 1)
    keys = found.astype(np.int64)
    cuts = keys.searchsorted(np.arange(len(ordinals) + 1) << room)
    return Stands(cuts.tolist(), (keys & ((1 << room) - 1)) >> _BITS, keys & _TERM)


def _keys(model: Bm25, terms: Sequence[QueryTerm], ordinals: Ordinals, least: int = 2) -> tuple[Keys, int]:
    """Ascending: where the terms stand in those of the articles that have so many of them at least. A key is the
    article's place among ``ordinals``, the position in it and the term's number: uint32 where there is room, else
    uint64. And how many bits the last two take."""
    stand = [model.standing(term.text, term.df, ordinals) for term in terms]
    held = _held(model, stand, ordinals)
    at = np.concatenate([at for at, _ in held])
    numbers = np.repeat(np.arange(len(terms)), [len(postings) for _, postings in held])
    starts = np.concatenate([each.starts.take(postings) for each, (_, postings) in zip(stand, held, strict=True)])
    ends = np.concatenate([each.starts.take(postings + 1) for each, (_, postings) in zip(stand, held, strict=True)])
    kept = np.flatnonzero((np.bincount(at, minlength=len(ordinals)) >= least).take(at))
    at, numbers, starts = at.take(kept), numbers.take(kept), starts.take(kept).astype(np.int64)
    counts = ends.take(kept) - starts
    # One bit more than positions have: what stands last in an article is far from the first of the next.
    narrow = all(each.positions.dtype == np.uint16 for each in stand)
    room = _BITS + (17 if narrow else 33)
    dtype = np.uint32 if narrow and len(ordinals) <= 1 << 32 - room else np.uint64
    keys = np.repeat(((at << room) + numbers).astype(dtype), counts)
    ends = np.cumsum(counts)
    places = np.ones(len(keys), np.int64)  # one on from the last, or on to the next posting
    places[:1] = starts[:1]
    places[ends[:-1]] = starts[1:] - starts[:-1] - counts[:-1] + 1
    np.cumsum(places, out=places)
    cuts = np.append(0, ends)[numbers.searchsorted(range(len(terms) + 1))]
    for each, start, stop in zip(stand, cuts.tolist(), cuts[1:].tolist(), strict=False):
        deadline.check()
        positions: Array = each.positions.take(places[start:stop]).astype(dtype)
        keys[start:stop] |= positions << _BITS
    keys.sort(kind="stable")  # which knows the runs of each term
    return keys, room


def _held(model: Bm25, terms: Sequence[Standing], ordinals: Ordinals) -> list[tuple[Ordinals, Ordinals]]:
    """For each term its postings in some articles, which are in ascending order: the article's place among them,
    and the posting's among the term's."""
    # Kept by each thread, all -1 between queries. Whoever is interrupted does not give it back.
    table: NDArray[np.int32] | None = model.scratch.__dict__.pop("places", None)
    if table is None:
        table = np.full(model.size, -1, np.int32)
    table[ordinals] = np.arange(len(ordinals), dtype=np.int32)
    found = []
    for term in terms:
        if len(term.ordinals) > _TABLE_SHARE * len(ordinals):
            narrow = ordinals.astype(np.int32)
            postings = term.ordinals.searchsorted(narrow)
            np.minimum(postings, len(term.ordinals) - 1, out=postings)
            at = np.flatnonzero(term.ordinals.take(postings) == narrow)
            found.append((at, postings.take(at)))
        else:
            places = table.take(term.ordinals)
            postings = np.flatnonzero(places >= 0)
            found.append((places.take(postings).astype(np.int64), postings))
    table[ordinals] = -1
    model.scratch.places = table
    return found


def _near(keys: Keys) -> tuple[Keys, NDArray[np.uint16]]:
    """Those occurrences that stand within the window of another, and for each of them which terms do, as bits."""
    places = keys >> _BITS
    close = np.zeros(len(keys) + 1, np.bool_)  # to the one before it
    np.less_equal(places[1:] - places[:-1], WINDOW, out=close[1:-1])
    kept = np.flatnonzero(close[1:] | close[:-1])
    keys, places = keys.take(kept), places.take(kept)
    bits = np.uint16(1) << (keys & _TERM).astype(np.uint16)
    near = np.zeros(len(keys), np.uint16)
    # What is too far from the next is too far from the one behind it. While many are left, to look at all of them is
    # cheaper than to pick them out.
    step, first = 1, np.empty(0, np.int64)
    while step < len(keys):
        deadline.check()
        close = places[step:] - places[:-step] <= WINDOW
        if np.count_nonzero(close) * _MANY < len(keys):
            first = np.flatnonzero(close)
            break
        near[:-step] |= bits[step:] * close
        near[step:] |= bits[:-step] * close
        step += 1
    while len(first):
        deadline.check()
        first = first[places[first + step] - places[first] <= WINDOW]
        second = first + step
        near[first] |= bits[second]
        near[second] |= bits[first]
        step += 1
        first = first[: first.searchsorted(len(keys) - step)]
    return keys, near
