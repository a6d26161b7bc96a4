"""Two rankings of the same queries, compared query by query: how much they differ, and whether that is more than noise.

The interval is the bootstrap's (Efron 1979): means of queries drawn again with replacement. The p-value is that of
Fisher's randomisation test, which Smucker, Allan and Carterette ("A comparison of statistical significance tests for
information retrieval evaluation", 2007) recommend: were there no difference, each query's could as well have the other
sign. Both draw with a fixed seed, so that the same rankings compare the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import UsageError

DRAWS = 10_000
_SEED = 20_070_607
_BLOCK = 1 << 22  # numbers drawn at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Means of a measure over the same queries, the second's less the first's with its interval of 95 %, the p-value of
    there being no difference, and for how many queries the second is better and worse."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    better: int
    worse: int
    queries: int

    @property
    def certain(self) -> bool:
        """Whether the difference is more than noise, at 5 %."""
        return self.p < 0.05


def compare(first: Mapping[str, float], second: Mapping[str, float], draws: int = DRAWS) -> Comparison:
    """Compare two rankings by a measure of each query. Raises UsageError where they are not of the same queries."""
    if first.keys() != second.keys() or not first:
        raise UsageError("only rankings of the same queries can be compared")
    pairs = np.array([(first[query], second[query]) for query in sorted(first)])
    differences = pairs[:, 1] - pairs[:, 0]
    mean = float(differences.mean())
    means, flipped = _drawn(differences, draws)
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    beyond = int(np.count_nonzero(np.abs(flipped) >= abs(mean) - 1e-12))
    return Comparison(
        first=float(pairs[:, 0].mean()),
        second=float(pairs[:, 1].mean()),
        difference=mean,
        low=low,
        high=high,
        p=(beyond + 1) / (draws + 1),
        better=int(np.count_nonzero(differences > 1e-9)),
        worse=int(np.count_nonzero(differences < -1e-9)),
        queries=len(differences),
    )


def _drawn(differences: NDArray[np.float64], draws: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """float64[draws] each: means of queries drawn again, and means with signs drawn at random."""
    rng, count = np.random.default_rng(_SEED), len(differences)
    step = max(1, _BLOCK // count)
    means, flipped = np.empty(draws), np.empty(draws)
    for start in range(0, draws, step):
        here = slice(start, min(start + step, draws))
        size = (here.stop - start, count)
        means[here] = differences[rng.integers(0, count, size)].mean(axis=1)
        flipped[here] = (differences * (2.0 * rng.integers(0, 2, size) - 1.0)).mean(axis=1)
    return means, flipped
