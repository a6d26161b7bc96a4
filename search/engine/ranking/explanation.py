"""Why a hit has its score, as plain values fit for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from search.engine.ranking.fusion import Fused


def explain(fused: Fused, position: int, **legs: Mapping[str, Any]) -> dict[str, Any]:
    """The candidate's score and its ``parts``, which sum to it, then each part's figures.

    ``legs``: what a leg has to say of its score, by its name, shown with its figures.
    """
    explanation: dict[str, Any] = {
        "score": float(fused.scores[position]),
        **fused.settings,
        "parts": {name: float(part[position]) for name, part in fused.parts.items()},
    }
    for name, figures in fused.details.items():
        explanation[name] = {figure: _plain(value, position) for figure, value in figures.items()}
    for name, details in legs.items():
        explanation[name] |= details
    return explanation


def _plain(value: Any, position: int) -> float | int:
    if isinstance(value, np.ndarray):
        value = value[position].item()
    return value  # type: ignore[no-any-return]
