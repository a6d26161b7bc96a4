"""Vectors of several parts as one array that is never whole in memory: what a merge reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from search.storage.container import Streamed
from search.vector.kernel import Halves, Rows

BLOCK = 16_384
"""Rows read at a time."""


class Gathered:
    """float16[p, d]: of each of ``arrays`` float16[p_i, d] the rows ``chosen`` int64[m_i], one after another."""

    def __init__(self, arrays: Sequence[Halves], chosen: Sequence[Rows], dimension: int) -> None:
        self._arrays = arrays
        self._chosen = chosen
        self._bases = np.append(0, np.cumsum([len(rows) for rows in chosen], dtype=np.int64))
        self.shape = (int(self._bases[-1]), dimension)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Halves:
        """Copies of rows, in any order."""
        found = np.empty((len(rows), self.shape[1]), np.float16)
        owner = np.searchsorted(self._bases, rows, side="right") - 1
        for i in np.flatnonzero(np.bincount(owner)).tolist():
            places = np.flatnonzero(owner == i)
            found[places] = self._arrays[i][self._chosen[i][rows[places] - self._bases[i]]]
        return found

    def streamed(self) -> Streamed:
        """All rows in order, for a container."""

        def blocks() -> Iterator[Halves]:
            for array, rows in zip(self._arrays, self._chosen, strict=True):
                for start in range(0, len(rows), BLOCK):
                    yield array[rows[start : start + BLOCK]]

        return Streamed(np.dtype(np.float16), self.shape, blocks)
