"""What one term adds to the scores of a view's articles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 64 << 20  # of the terms asked for last

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
        if not len(self.ordinals):
            return np.zeros(len(ordinals), np.float32)
        narrow = ordinals.astype(np.int32)
        places = self.ordinals.searchsorted(narrow)
        places[places == len(self.ordinals)] = 0
        found = self.scores[places]
        found[self.ordinals[places] != narrow] = 0
        return found
