"""Sets of places as bits, 64 to a number: shifting and joining them takes a few operations for all places at once.

Place i is bit i % 64 of word i // 64 (uint64). Whoever lays out the places leaves a word of zeros behind each stretch
that belongs together, so that nothing moved by at most ``REACH`` places enters another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

REACH = 64  # the farthest move
_BLOCK = 1 << 18  # places that are marked at once, a byte each: these stay near the processor

Bits = NDArray[np.uint64]
Addresses = NDArray[np.int32] | NDArray[np.int64]


def pack(pieces: Iterable[Addresses], words: int) -> Bits:
    """The bits of some places, in order, below 64 * ``words``."""
    out = np.zeros(words, np.uint64)
    packed = out.view(np.uint8)
    marks = np.zeros(min(_BLOCK, words * 64), np.uint8)
    for places in pieces:
        if not len(places):
            continue
        first = int(places[0]) // _BLOCK
        starts = np.arange(first, int(places[-1]) // _BLOCK + 2) * _BLOCK
        for start, (low, high) in zip(starts.tolist(), pairwise(places.searchsorted(starts).tolist()), strict=False):
            marks[np.subtract(places[low:high], start, dtype=np.intp)] = 1
            size = min(_BLOCK, words * 64 - start)
            packed[start >> 3 : (start + size) >> 3] |= np.packbits(marks[:size], bitorder="little")
            marks.fill(0)
    return out


def having(bits: Bits, places: Addresses) -> NDArray[np.bool_]:
    """Which of the places are in the set."""
    words: Bits = bits[places >> 6]
    words >>= (places & 63).astype(np.uint64)
    words &= np.uint64(1)
    return words.view(np.int64).astype(bool)


def up(bits: Bits, by: int) -> Bits:
    """Every place ``by`` later, 0 <= ``by`` <= REACH."""
    if by == 0:
        return bits
    out = np.empty_like(bits)
    if by == REACH:
        out[1:] = bits[:-1]
        out[:1] = 0
        return out
    np.left_shift(bits, np.uint64(by), out=out)
    out[1:] |= bits[:-1] >> np.uint64(64 - by)
    return out


def down(bits: Bits, by: int) -> Bits:
    """Every place ``by`` earlier, 0 <= ``by`` <= REACH."""
    if by == 0:
        return bits
    out = np.empty_like(bits)
    if by == REACH:
        out[:-1] = bits[1:]
        out[-1:] = 0
        return out
    np.right_shift(bits, np.uint64(by), out=out)
    out[:-1] |= bits[1:] << np.uint64(64 - by)
    return out


def behind(bits: Bits, distance: int) -> Bits:
    """The places 1 to ``distance`` behind any of the set; 1 <= ``distance`` <= REACH."""
    out, width = bits, 1
    while 2 * width <= distance:
        out = out | up(out, width)
        width *= 2
    return up(out | up(out, distance - width), 1)


def before(bits: Bits, distance: int) -> Bits:
    """The places 1 to ``distance`` before any of the set; 1 <= ``distance`` <= REACH."""
    out, width = bits, 1
    while 2 * width <= distance:
        out = out | down(out, width)
        width *= 2
    return down(out | down(out, distance - width), 1)


def behind_in_unit(bits: Bits, opens: Bits, distance: int = REACH) -> Bits:
    """The places 1 to ``distance`` behind any of the set, and in one unit with it; ``opens`` are the first places of
    units."""
    return _in_unit(bits, ~opens, distance, up)


def before_in_unit(bits: Bits, opens: Bits, distance: int = REACH) -> Bits:
    """The places 1 to ``distance`` before any of the set, and in one unit with it."""
    return _in_unit(bits, down(~opens, 1), distance, down)


def _in_unit(bits: Bits, open_to: Bits, distance: int, move: Callable[[Bits, int], Bits]) -> Bits:
    """Up to ``distance`` places on from the set, through places that are open to a step."""
    # As carries run through an adder (Kogge and Stone, 1973): after each step, from twice as far.
    out = move(bits, 1) & open_to
    width, through = 1, open_to
    while 2 * width <= distance:
        out |= move(out, width) & through
        through = through & move(through, width)
        width *= 2
    if width < distance:
        out |= move(out, distance - width) & _through(open_to, distance - width, move)
    return out


def _through(open_to: Bits, steps: int, move: Callable[[Bits, int], Bits]) -> Bits:
    """Where ``steps`` places in a row are open."""
    out, width = open_to, 1
    while 2 * width <= steps:
        out = out & move(out, width)
        width *= 2
    return out & move(out, steps - width)
