"""What a query names comes higher: softly, so that nothing is lost where a name was meant otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.engine.ranking.fusion import RRF_K, WINDOW, Fused, settle
from search.records import Fusion

PREFERENCE = 0.25
"""What meeting all that is named adds to a fused score: 1.5 standard deviations of a leg."""

DATE_PREFERENCE = 0.3
"""What a date that is named counts in that: its words do not rank, so it has nothing else."""


def prefer(fused: Fused, met: NDArray[np.bool_], gains: Sequence[float]) -> Fused:
    """Scores with what candidates gain that are what the query names; that is the part ``named``.

    ``met`` bool[n, c] says which of the n conditions each candidate meets, ``gains`` what each condition would add if
    there were no other; of several each adds its share, 1 / n. Gains are whole where fused scores are normalised by the
    spread of each leg, the same share of the best score by ranks, and as many times six standard deviations of its best
    scores for one leg alone.
    """
    gain = _unit(fused) * (np.asarray(gains) @ met) / len(gains)
    scores, settled = settle({**fused.parts, "named": gain})
    return Fused(scores, settled, {**fused.details, "named": {"met": np.mean(met, axis=0)}}, fused.settings)


def _unit(fused: Fused) -> float:
    """What is 1 for a fused score, in these scores."""
    fusion = fused.settings.get("fusion")
    if fusion is not None:
        return 1.0 / (RRF_K + 1) if fusion == Fusion.RRF else 1.0
    return 6.0 * float(np.sort(fused.scores)[-WINDOW:].std()) if len(fused.scores) else 0.0
