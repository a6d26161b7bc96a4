"""What two texts have in common, in order: stretches of equal words, and what stands in the gaps between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.text.copies.words import Hashes, Words, mixed

RUN = 3
"""Words in a row by which stretches are found: the first of the same in one text meets the first in the other."""
STRETCH = 6
"""Equal words in a row from which on a stretch counts: fewer are a phrase of the language."""
GAP = 8
"""Words between two stretches up to which what stands there was put in the place of the other text's."""

_FACTORS = np.array([0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB], np.uint64)


class Alignment(NamedTuple):
    """Stretches of two texts with the same words, in the order of the first: the words from ``first`` in the one and
    from ``second`` in the other, ``length`` each, all int64[s]. ``one`` and ``other`` bool[w]: which words of either
    stand in a stretch. ``changed`` words stand in gaps between two stretches where the other text has some, or none;
    ``facts`` of them are numbers."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    length: NDArray[np.int64]
    one: NDArray[np.bool_]
    other: NDArray[np.bool_]
    changed: int
    facts: int


def align(one: Words, other: Words) -> Alignment:
    """The stretches that two texts have in common. It is the same for both orders but for which is first."""
    runs, others = _numbered(_runs(one.hashes)), _numbered(_runs(other.hashes))
    there = np.argsort(others)
    values = others[there]
    places = np.searchsorted(values, runs)
    places[places == len(values)] = 0
    first = np.flatnonzero(values[places] == runs) if len(values) else np.empty(0, np.int64)
    second = there[places[first]]
    # A run that stands often may have met another one: what agrees with no neighbour goes.
    apart = second - first
    same = np.append(apart[1:] == apart[:-1], False)[: len(apart)]
    same[1:] |= same[:-1].copy()
    first, second, apart = first[same], second[same], apart[same]
    new = np.ones(len(first), np.bool_)
    new[1:] = (np.diff(first) > RUN) | (apart[1:] != apart[:-1])
    begins = np.flatnonzero(new)
    last = np.append(begins[1:], len(first)) - 1
    length = first[last] - first[begins] + RUN if len(begins) else np.empty(0, np.int64)
    first, second = first[begins], second[begins]
    long = length >= STRETCH
    first, second, length = first[long], second[long], length[long]
    changed, facts = _changed(one, other, first, second, length)
    return Alignment(
        first,
        second,
        length,
        _covered(first, length, len(one)),
        _covered(second, length, len(other)),
        changed,
        facts,
    )


def _runs(hashes: Hashes) -> Hashes:
    count = max(len(hashes) - RUN + 1, 0)
    sums = np.zeros(count, np.uint64)
    for place in range(RUN):
        sums += hashes[place : place + count] * _FACTORS[place]
    return mixed(sums)


def _numbered(runs: Hashes) -> Hashes:
    """Runs with a number for the second of the same, the third and so on: each stands once then."""
    order = np.argsort(runs, kind="stable")
    sorted_runs = runs[order]
    new = np.append(True, sorted_runs[1:] != sorted_runs[:-1])[: len(runs)]
    begins = np.flatnonzero(new)
    times = np.arange(len(runs)) - np.repeat(begins, np.diff(np.append(begins, len(runs))))
    found = runs.copy()
    found[order] += mixed(times.astype(np.uint64))
    return found


def _covered(starts: NDArray[np.int64], lengths: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    steps = np.zeros(count + 1, np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + lengths, -1)
    return np.cumsum(steps[:-1]) > 0


def _changed(
    one: Words,
    other: Words,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    length: NDArray[np.int64],
) -> tuple[int, int]:
    """How many words stand in the gaps, the longer side's, and how many numbers, likewise."""
    ends, others = first[:-1] + length[:-1], second[:-1] + length[:-1]
    gaps, other_gaps = first[1:] - ends, second[1:] - others
    near = (gaps >= 0) & (gaps <= GAP) & (other_gaps >= 0) & (other_gaps <= GAP)
    if not near.any():
        return 0, 0
    numbers, other_numbers = (np.append(0, np.cumsum(side.numeric)) for side in (one, other))
    facts = np.maximum(
        numbers[first[1:]] - numbers[ends],
        other_numbers[second[1:]] - other_numbers[others],
    )
    return int(np.maximum(gaps, other_gaps)[near].sum()), int(facts[near].sum())
