"""Fusion, recency, diversity and explanation: pure functions over arrays of candidates."""

from search.engine.ranking.diversity import diversify
from search.engine.ranking.explanation import explain
from search.engine.ranking.fusion import Fused, Leg, Normalise, alone, fuse, order
from search.engine.ranking.preference import DATE_PREFERENCE, PREFERENCE, prefer
from search.engine.ranking.recency import apply_recency, recency_factors

__all__ = [
    "DATE_PREFERENCE",
    "PREFERENCE",
    "Fused",
    "Leg",
    "Normalise",
    "alone",
    "apply_recency",
    "diversify",
    "explain",
    "fuse",
    "order",
    "prefer",
    "recency_factors",
]
