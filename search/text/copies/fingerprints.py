"""Fingerprints: the few stretches of a text by which its copies are found.

Of a text's shingles (``SHINGLE`` words in a row, as numbers) those of the smallest numbers are kept: all below a fixed
share, and some at the least. Two texts keep the same ones of the stretches that both have, so that a part of a text
finds the whole: fingerprints modulo p (Manber, "Finding similar files in a large file system", 1994) with the smallest
as in Broder's sketches ("On the resemblance and containment of documents", 1997). Unlike MinHash bands they show how
much of the shorter text the longer one holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.text.copies import words
from search.text.copies.words import Hashes, Reading, mixed

SHINGLE = 5
RATE = (1 << 32) // 24
"""Shingles with a smaller number are kept, one in 24."""
LEAST, MOST = 24, 256
"""How many are kept of a short and of a very long text."""
FEW = 20
"""Words of a text of which a stretch says nothing: with fewer it must be the same altogether, and the title too."""
FEWEST = 6
"""Words in title and text together below which nothing can be said at all."""
ALL = (1 << 32) - 1

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_LOW = np.uint64(ALL)

Number = TypeVar("Number", np.uint32, np.uint64)


class Fingerprints(NamedTuple):
    """What n texts are found by.

    ``values`` uint32[f], ascending, with ``owners`` uint32[f], the text of each, ascending where values are the same;
    ``below`` uint32[n], up to which number a text keeps its shingles; ``words`` uint32[n], how many it has; ``digests``
    uint64[n], of all words in order, 0 for a text of which nothing can be said.
    """

    values: NDArray[np.uint32]
    owners: NDArray[np.uint32]
    below: NDArray[np.uint32]
    words: NDArray[np.uint32]
    digests: Hashes


def fingerprints(
    titles: Sequence[str], texts: Sequence[str], seen: Callable[[Reading], None] | None = None
) -> Fingerprints:
    """The fingerprints of some articles. ``seen`` gets their texts as they are read, so that it is done once."""
    below = np.full(len(texts), RATE, np.uint32)
    counts = np.zeros(len(texts), np.uint32)
    digests = np.zeros(len(texts), np.uint64)
    keys = [np.empty(0, np.uint64)]
    done = 0
    for reading in words.readings(texts):
        if seen is not None:
            seen(reading)
        hashes, bounds = reading.hashes, reading.bounds
        size = len(bounds) - 1
        counts[done : done + size] = np.diff(bounds)
        digests[done : done + size] = words.digests(hashes, bounds)
        keys += _kept(_shingles(hashes), bounds, below, done)
        done += size
    for number in np.flatnonzero(counts < FEW).tolist():
        digests[number] = _digest_of_few(titles[number], texts[number])
    both = np.sort(np.concatenate(keys))
    return Fingerprints((both >> _SHIFT).astype(np.uint32), (both & _LOW).astype(np.uint32), below, counts, digests)


def _shingles(hashes: Hashes) -> NDArray[np.uint32]:
    """A number for each word and those that follow it; those at a text's end reach into the next one."""
    count = max(len(hashes) - SHINGLE + 1, 0)
    sums = hashes[:count] * _FACTOR
    for place in range(1, SHINGLE):
        if place > 1:
            sums *= _FACTOR
        sums += hashes[place : place + count]
    return (mixed(sums) >> _SHIFT).astype(np.uint32)


def _kept(
    shingles: NDArray[np.uint32], bounds: NDArray[np.int64], below: NDArray[np.uint32], first: int
) -> list[Hashes]:
    """The smallest of each text's shingles, each once, above the text's number; ``below`` is filled in. The texts are
    numbered from ``first``."""
    low = np.flatnonzero(shingles < RATE)
    owners = np.searchsorted(bounds, low, side="right") - 1
    within = low < bounds[owners + 1] - SHINGLE + 1
    keys = _distinct(_keys(shingles[low[within]], owners[within]))
    owners = (keys & _LOW).astype(np.int64)
    sizes = np.bincount(owners, minlength=len(bounds) - 1)
    odd = (sizes < LEAST) | (sizes > MOST)
    kept, of = [], np.flatnonzero(odd)
    for number, start, end, size in zip(
        *(a.tolist() for a in (of, bounds[of], bounds[of + 1], sizes[of])), strict=True
    ):
        own = _distinct(shingles[start : end - SHINGLE + 1] if end - start >= FEW else shingles[:0])
        most = LEAST if size < LEAST else MOST
        below[first + number] = ALL if len(own) <= most else own[most - 1]
        kept.append(own[:most])
    more = _keys(np.concatenate(kept), np.repeat(of, list(map(len, kept)))) if kept else keys[:0]
    return [keys[~odd[owners]] + np.uint64(first), more + np.uint64(first)]


def _keys(values: NDArray[np.uint32], owners: NDArray[np.int64]) -> Hashes:
    """Both in one number, in whose order values come first."""
    keys: Hashes = values.astype(np.uint64) << _SHIFT | owners.astype(np.uint64)
    return keys


def _distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Values in order, each once."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def _digest_of_few(title: str, text: str) -> int:
    """Of a text of few words the title tells it from others."""
    both = np.append(words.words(title).hashes, words.words(text).hashes)
    return words.digest(both) if len(both) >= FEWEST else 0
