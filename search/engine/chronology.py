"""Articles by date."""

from __future__ import annotations

import numpy as np

from search.engine import ranking
from search.engine.legs import Mask, Ordinals
from search.storage.columns import MISSING_INSTANT, Columns


def by_date(columns: Columns, mask: Mask, oldest: bool, depth: int | None = None) -> Ordinals:
    """The first ``depth`` (None: all) by date; articles without one come last either way."""
    ordinals = np.flatnonzero(mask)
    published = columns.published[ordinals]
    if oldest:
        published = np.where(published == MISSING_INSTANT, MISSING_INSTANT, -published)
    if depth is not None and len(ordinals) > depth:  # no need to order what is not shown, nor to read its ids
        last = np.partition(published, len(published) - depth)[len(published) - depth]
        ordinals, published = ordinals[published >= last], published[published >= last]
    order = ranking.order(np.zeros(len(ordinals)), published, lambda tied: columns.ids(ordinals[tied]))[:depth]
    found: Ordinals = ordinals[order]
    return found
