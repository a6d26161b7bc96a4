"""Vector parts for tests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def article_scores(cosines: Any, starts: Any) -> Any:
    """float64[n]: the score of each article of a part, from its passages' cosines and where each article's begin
    (int64[n+1]), one article at a time; -inf for an article without passages."""
    return np.array(
        [
            max(own) + 0.2 * own[0] - 0.01 * math.log(len(own)) if len(own) else -math.inf
            for own in (np.asarray(cosines, float)[low:high] for low, high in itertools.pairwise(starts))
        ]
    )


class Held:
    """A part that was never written: what merge_parts and VectorIndex need of one."""

    def __init__(self, arrays: Mapping[str, Any], meta: dict[str, Any]) -> None:
        self.arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self.meta = dict(meta)

    def __getitem__(self, name: str) -> Any:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays
