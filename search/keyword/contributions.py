"""What one term adds to the scores of a view's articles, and which terms' are kept in memory."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 64 << 20

Mask = NDArray[np.bool_]
Ordinals = NDArray[np.int64]
Scores = NDArray[np.float32]


class TermScores(NamedTuple):
    """What a term adds to the ``df`` visible articles that have it, for a query frequency of 1; at most ``bound``.

    A frequent term has ``dense``, float32[N]. Others have ``ordinals`` int32, ascending, and parallel ``scores``.
    """

    df: int
    bound: float
    ordinals: NDArray[np.int32]
    scores: Scores
    dense: Scores | None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.ordinals.nbytes + self.scores.nbytes + (0 if self.dense is None else self.dense.nbytes)

    def of(self, ordinals: Ordinals) -> Scores:
        """float32 for each of some ordinals, in any order; 0 without the term."""
        if self.dense is not None:
            return self.dense[ordinals]
        narrow = ordinals.astype(np.int32)
        places = self.ordinals.searchsorted(narrow)
        places[places == len(self.ordinals)] = 0
        found = self.scores[places]
        found[self.ordinals[places] != narrow] = 0
        return found


class Cache:
    """The scores of the terms asked for last, up to CACHE_BYTES. Threads may share it."""

    def __init__(self) -> None:
        self._terms: dict[str, TermScores] = {}
        self._lock = threading.Lock()
        self.nbytes = 0

    def get(self, term: str) -> TermScores | None:
        """The scores of a term if they are kept."""
        with self._lock:
            found = self._terms.pop(term, None)
            if found is not None:
                self._terms[term] = found  # now the latest
        return found

    def keep(self, term: str, scores: TermScores) -> TermScores:
        """Keep a term's scores, at the cost of the terms not asked for longest; returns them."""
        with self._lock:
            if term not in self._terms and scores.nbytes <= CACHE_BYTES // 2:
                self.nbytes += scores.nbytes
                while self.nbytes > CACHE_BYTES:
                    self.nbytes -= self._terms.pop(next(iter(self._terms))).nbytes
                self._terms[term] = scores
        return scores
