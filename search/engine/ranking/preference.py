"""What a query names comes higher: softly, so that nothing is lost where a name was meant otherwise."""

from __future__ import annotations

import numpy as np

from search.engine.ranking.fusion import RRF_K, WINDOW, Floats, Fused, settle
from search.records import Fusion

PREFERENCE = 0.25
"""What meeting all that is named adds to a fused score: 1.5 standard deviations of a leg."""


def prefer(fused: Fused, met: Floats) -> Fused:
    """Scores with what candidates gain that are what the query names; that is the part ``named``.

    ``met`` float64[c] is the share of the conditions that each candidate meets. The gain is PREFERENCE where fused
    scores are normalised by the spread of each leg, as much of the best score by ranks, and as many standard deviations
    of its best scores for one leg alone.
    """
    gain = PREFERENCE * _unit(fused) * met
    scores, settled = settle({**fused.parts, "named": gain})
    return Fused(scores, settled, {**fused.details, "named": {"met": met}}, fused.settings)


def _unit(fused: Fused) -> float:
    """What is 1 for a fused score, in these scores."""
    fusion = fused.settings.get("fusion")
    if fusion is not None:
        return 1.0 / (RRF_K + 1) if fusion == Fusion.RRF else 1.0
    return 6.0 * float(np.sort(fused.scores)[-WINDOW:].std()) if len(fused.scores) else 0.0
