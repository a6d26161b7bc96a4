"""One hit per story."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Collapsed(NamedTuple):
    """``leaders`` int64[g]: position of the first candidate of each group, in order of appearance;
    ``copies``: for each leader, the later positions of its group in order."""

    leaders: NDArray[np.int64]
    copies: list[list[int]]


def collapse(groups: NDArray[np.int64]) -> Collapsed:
    """Keep the first candidate of each group. ``groups`` int64[c]: group ids of the candidates in final order."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    appearance = np.argsort(first)
    place = np.empty_like(appearance)
    place[appearance] = np.arange(len(first))
    leaders = first[appearance]
    copies: list[list[int]] = [[] for _ in leaders]
    later = np.ones(len(groups), np.bool_)
    later[leaders] = False
    for position in np.flatnonzero(later).tolist():
        copies[place[inverse[position]]].append(position)
    return Collapsed(leaders.astype(np.int64), copies)
