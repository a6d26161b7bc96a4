"""Fusion, recency, diversity, collapse and explanation: pure functions over arrays of candidates."""

from search.ranking.collapse import Collapsed, collapse
from search.ranking.diversity import diversify
from search.ranking.explanation import explain
from search.ranking.fusion import Fused, Leg, alone, fuse, order
from search.ranking.recency import apply_recency, recency_factors

__all__ = [
    "Collapsed",
    "Fused",
    "Leg",
    "alone",
    "apply_recency",
    "collapse",
    "diversify",
    "explain",
    "fuse",
    "order",
    "recency_factors",
]
