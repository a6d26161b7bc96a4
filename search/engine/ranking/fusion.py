"""Two legs' scores made one, and the order of the result.

``normalised`` differs by method; what follows it is the same for all: fused = weight x vector + (1 - weight) x keyword.

- DBSF (distribution-based score fusion): (x - mean + 3 sd) / 6 sd over the leg's window, 0 at the least and with no
  upper bound: a lone exact name has to be able to stand far out.
- RRF (reciprocal rank fusion, Cormack et al. 2009): 1 / (60 + rank), equal scores sharing a rank.
- Min-max: (x - min) / (max - min) over the leg's window, 0 at the least.

A leg's window is its best ``min(100, size)`` articles under the mask, those that it does not match counting 0. It does
not depend on how many hits were asked for, so a page's length changes no score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import SearchError, UsageError
from search.records import Fusion

WINDOW = 100
RRF_K = 60
DECIMALS = 6
"""Scores that agree to this many decimals are equal."""
EQUAL = 10.0**-DECIMALS

Floats = NDArray[np.float64]


class Normalise(Protocol):
    """A fusion of a program's own: what one leg's scores count before they are weighted and added."""

    def __call__(self, scores: Floats, matches: NDArray[np.bool_], window: Floats) -> ArrayLike:
        """float64[c] for ``scores`` float64[c] of the candidates. ``matches`` bool[c] says which the leg matches at
        all, ``window`` float64[w] are the leg's best scores, descending, whatever candidates there are."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg says of ``c`` candidates.

    ``scores`` [c] its score of each, 0 for one that it does not match; ``matches`` bool[c], None where it matches all;
    ``best`` its best scores under the mask in any order, at least ``min(100, matches under the mask)`` of them;
    ``size`` the number of articles under the mask.
    """

    scores: ArrayLike
    best: ArrayLike
    size: int
    matches: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Fused:
    """Scores of ``c`` candidates and what they are made of.

    ``scores`` float64[c], rounded to six decimals; ``parts`` name -> float64[c], which sum to ``scores`` within 1e-9;
    ``details`` name -> figure -> float64[c] or one number, for explanations only.
    """

    scores: Floats
    parts: Mapping[str, Floats]
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def settle(parts: Mapping[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
    """Scores as rounded sums of parts, and the parts with the rounding given to the largest of each candidate.

    Hits are ordered by rounded scores; were the unrounded ones shown, a list could seem out of order.
    """
    table = np.array(list(parts.values()), dtype=np.float64)
    sums = table.sum(axis=0)
    scores = np.round(sums, DECIMALS) + 0.0  # no negative zero
    columns = np.arange(table.shape[1])
    table[np.abs(table).argmax(axis=0), columns] += scores - sums
    return scores, dict(zip(parts, table, strict=True))


def fuse(vector: Leg, keyword: Leg, *, method: Fusion | Normalise = Fusion.DBSF, weight: float = 0.5) -> Fused:
    """Fuse two legs that scored the same candidates. ``weight`` is the vector leg's share, 0 to 1.

    Raises UsageError for a weight outside 0..1 or a method of one's own that does not give a number for each
    candidate, SearchError for a score that is not a finite number.
    """
    if not 0.0 <= weight <= 1.0:
        raise UsageError(f"the weight must be between 0 and 1, not {weight}")
    normalise = _METHODS[method] if isinstance(method, Fusion) else partial(_by, method)
    parts: dict[str, Floats] = {}
    details: dict[str, dict[str, Any]] = {}
    for name, leg, share in (("vector", vector, weight), ("keyword", keyword, 1.0 - weight)):
        scores = _finite(leg.scores, name)
        matches = np.ones(len(scores), np.bool_) if leg.matches is None else np.asarray(leg.matches, np.bool_)
        normalised, figures = normalise(scores, matches, _window(leg, name))
        parts[name] = share * normalised
        details[name] = {"score": scores, "normalised": normalised, "weight": share, **figures}
    if len(parts["vector"]) != len(parts["keyword"]):
        raise ValueError("both legs must score the same candidates")
    total, settled = settle(parts)
    return Fused(total, settled, details, {"fusion": _name(method)})


def _by(method: Normalise, scores: Floats, matches: NDArray[np.bool_], window: Floats) -> tuple[Floats, dict[str, Any]]:
    """What a method of one's own makes of a leg. Its values are checked: a stray shape or nan would order at random."""
    normalised = np.asarray(method(scores.copy(), matches.copy(), window.copy()), dtype=np.float64)
    if normalised.shape != scores.shape or not np.isfinite(normalised).all():
        raise UsageError(f"the fusion {_name(method)} must give a finite number for each of {len(scores)} candidates")
    return normalised, {}


def _name(method: Fusion | Normalise) -> str:
    return method.value if isinstance(method, Fusion) else str(getattr(method, "__name__", type(method).__name__))


def alone(name: str, scores: ArrayLike) -> Fused:
    """One leg by itself: its own scores, unchanged but for the rounding."""
    raw = _finite(scores, name)
    total, settled = settle({name: raw})
    return Fused(total, settled, {name: {"score": raw}})


def order(
    scores: ArrayLike,
    published: NDArray[np.int64],
    ids: Callable[[NDArray[np.int64]], Sequence[str]],
    depth: int | None = None,
) -> NDArray[np.int64]:
    """Positions of the candidates by score, then newest (no date last), then id.

    ``published`` int64[c], the smallest int64 for no date; ``ids`` gives the ids of the positions that it is asked for,
    which are only those that score and date leave tied. Beyond the first ``depth`` positions (None: all) such ties
    stand as they come, and no id is asked for.
    """
    rounded = np.round(_finite(scores, "fused"), DECIMALS)
    ordered = np.lexsort((published, rounded))[::-1]
    ranked, dates = rounded[ordered], published[ordered]
    same = (ranked[1:] == ranked[:-1]) & (dates[1:] == dates[:-1])
    if depth is not None:
        last = depth - 1  # of the run of ties that the depth cuts
        while 0 <= last < len(same) and same[last]:
            last += 1
        same[max(last, 0) :] = False
    if same.any():
        tied = np.sort(ordered[np.append(same, False) | np.append(False, same)])
        names = ids(tied)
        by_id = sorted(range(len(tied)), key=names.__getitem__, reverse=True)
        place = np.zeros(len(rounded), np.int64)
        place[tied[by_id]] = np.arange(len(tied))
        ordered = np.lexsort((place, published, rounded))[::-1]
    return np.ascontiguousarray(ordered, dtype=np.int64)


def _finite(values: ArrayLike, name: str) -> Floats:
    scores = np.asarray(values, dtype=np.float64)
    if not np.isfinite(scores).all():
        raise SearchError(f"a {name} score is not a number; run 'broadsheet doctor' to look for damaged vectors")
    return scores


def _window(leg: Leg, name: str) -> Floats:
    wanted = min(WINDOW, leg.size)
    best = -np.sort(-_finite(leg.best, name))[:wanted]
    return np.append(best, np.zeros(wanted - len(best)))


def _dbsf(scores: Floats, matches: NDArray[np.bool_], window: Floats) -> tuple[Floats, dict[str, Any]]:
    mean = float(window.mean()) if len(window) else 0.0
    deviation = float(window.std()) if _spread(window) else 0.0
    figures = {"mean": mean, "deviation": deviation}
    if deviation == 0.0:
        return np.where(matches, 0.5, 0.0), figures
    return np.maximum((scores - mean + 3.0 * deviation) / (6.0 * deviation), 0.0), figures


def _minmax(scores: Floats, matches: NDArray[np.bool_], window: Floats) -> tuple[Floats, dict[str, Any]]:
    low, high = (float(window.min()), float(window.max())) if len(window) else (0.0, 0.0)
    figures = {"lowest": low, "highest": high}
    if not _spread(window):
        return np.where(matches, 1.0, 0.0), figures
    return np.maximum((scores - low) / (high - low), 0.0), figures


def _rrf(scores: Floats, matches: NDArray[np.bool_], window: Floats) -> tuple[Floats, dict[str, Any]]:
    rounded = np.round(scores, DECIMALS)
    ascending = np.sort(rounded[matches])
    rank = 1 + len(ascending) - np.searchsorted(ascending, rounded, side="right")
    return np.where(matches, 1.0 / (RRF_K + rank), 0.0), {"rank": np.where(matches, rank, 0)}


def _spread(window: Floats) -> bool:
    """Whether the scores differ at all: a deviation of rounding noise would blow the noise up."""
    return len(window) > 0 and float(np.ptp(window)) >= EQUAL


_METHODS: dict[Fusion, Callable[[Floats, NDArray[np.bool_], Floats], tuple[Floats, dict[str, Any]]]] = {
    Fusion.DBSF: _dbsf,
    Fusion.RRF: _rrf,
    Fusion.MINMAX: _minmax,
}
