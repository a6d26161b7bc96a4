"""Maximal marginal relevance (Carbonell and Goldstein 1998): the order changes, the scores stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import UsageError


def diversify(
    scores: ArrayLike, vectors: NDArray[np.float32], diversity: float, limit: int | None = None
) -> NDArray[np.int64]:
    """Positions of the candidates, each pick the best of (1 - diversity) x relevance - diversity x similarity, where
    similarity is that to the nearest earlier pick.

    ``scores`` [c] in final order; ``vectors`` float32[c, d] of norm 1, each candidate's best passage. Relevance is the
    score scaled so that the best counts 1 and nothing (or the worst, below nothing) counts 0. The first ``limit``
    positions are picked so, the rest follow in the order given; a longer limit begins with the picks of a shorter one.
    """
    if not 0.0 <= diversity <= 1.0:
        raise UsageError(f"the diversity must be between 0 and 1, not {diversity}")
    relevance = np.asarray(scores, dtype=np.float64)
    count = len(relevance)
    picks = count if limit is None else min(limit, count)
    if diversity == 0.0 or count < 2:
        return np.arange(count, dtype=np.int64)
    low, high = min(0.0, float(relevance.min())), float(relevance.max())
    relevance = (relevance - low) / (high - low) if high > low else np.ones(count)
    gain = (1.0 - diversity) * relevance
    nearest = np.full(count, -np.inf)
    left = np.ones(count, np.bool_)
    chosen: list[int] = []
    value = gain
    while len(chosen) < picks:
        pick = int(np.where(left, value, -np.inf).argmax())
        chosen.append(pick)
        left[pick] = False
        nearest = np.maximum(nearest, np.round(vectors @ vectors[pick], 6))
        value = gain - diversity * nearest
    return np.append(np.array(chosen, np.int64), np.flatnonzero(left))
