"""Newer articles first, by a half-life."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.engine.ranking.fusion import Floats, Fused, settle
from search.errors import UsageError

NO_DATE = np.iinfo(np.int64).min


def recency_factors(published: NDArray[np.int64], now: int, half_life: int) -> Floats:
    """0.5 ** (age / half_life) for each candidate, in 0..1.

    All times in microseconds since the epoch, ``half_life`` in microseconds. A date in the future has age 0.
    A candidate without a date gets the median factor of those that have one (1 when none has).
    """
    if half_life <= 0:
        raise UsageError("the half-life of recency must be longer than nothing")
    dated = published != NO_DATE
    ages = np.maximum(float(now) - published.astype(np.float64), 0.0)  # as floats: the missing date would overflow
    factors = np.exp2(-ages / half_life)
    if not dated.all():
        factors[~dated] = np.median(factors[dated]) if dated.any() else 1.0
    return factors


def apply_recency(fused: Fused, factors: Floats) -> Fused:
    """Scores times their factors; what that takes away is the part ``recency``.

    A negative score (a cosine may be) moves away from zero, so that age never helps.
    """
    parts = {**fused.parts, "recency": np.abs(fused.scores) * (factors - 1.0)}
    scores, settled = settle(parts)
    return Fused(scores, settled, {**fused.details, "recency": {"factor": factors}}, fused.settings)
