"""The best articles of a query, without scoring all of them.

MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995) over arrays: the rarest terms are
added up for all the articles that have them; once no article without them can be among the best, frequent terms are
looked up for the remaining candidates only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.rank.contributions import Mask, Ordinals, Scores
from search.keyword.rank.scoring import Bm25, QueryTerm, add

if TYPE_CHECKING:
    pass

_FEW_SHARE = 64  # a mask that leaves less than 1/64 of the articles is scored article by article
_PRUNE_FROM = 1 << 15  # postings that must be left before looking for a threshold pays
_SPARSE_SHARE = 4  # less than 1/4 of the articles touched: look at those rather than at all
_LOW32 = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_LEAST = np.finfo(np.float32).tiny

Keys = NDArray[np.uint64]


def rank(model: Bm25, terms: Sequence[QueryTerm], mask: Mask | None, depth: int) -> tuple[Ordinals, Scores]:
    """The ``depth`` best articles under ``mask`` (None: all visible) with a BM25F above 0, by one term or more:
    descending, ties by ordinal."""
    return _unpack(_best(model, terms, mask, depth))


def _best(model: Bm25, terms: Sequence[QueryTerm], mask: Mask | None, depth: int) -> Keys:
    """Sort keys of the best articles, ascending."""
    if mask is not None:
        left = int(np.count_nonzero(mask))
        if left * _FEW_SHARE < model.size:
            few = np.flatnonzero(mask)
            return _keys(few, add(terms, few, np.zeros(left, np.float32)), depth)
    only = terms[0].scores
    if len(terms) == 1 and only.dense is None:
        ordinals, scores = only.ordinals, only.scores
        if mask is not None:
            inside = mask[ordinals]
            ordinals, scores = ordinals[inside], scores[inside]
        return _keys(ordinals, scores if terms[0].count == 1 else scores * terms[0].count, depth)
    # Kept by each thread, all 0 between queries. Whoever is interrupted does not give it back.
    totals: Scores | None = model.scratch.__dict__.pop("totals", None)
    if totals is None:
        totals = np.zeros(model.size, np.float32)
    if mask is not None:
        # Elsewhere so low that no score lifts it.
        np.subtract(mask, np.float32(1), out=totals)
        totals *= np.float32(1e30)
    touched = _Touched(totals)
    keys = _accumulate(terms, touched, depth)
    if mask is None and touched.sparse:
        for some in touched.lists:
            totals[some] = 0
    else:
        totals.fill(0)
    model.scratch.totals = totals
    return keys


class _Touched:
    """Running totals, float32[N], and which articles have been added to, as long as these are few."""

    def __init__(self, totals: Scores) -> None:
        self.totals = totals
        self.lists: list[Ordinals] = []
        self.count = 0
        self.sparse = True

    def add(self, term: QueryTerm) -> None:
        """Add a term's contributions."""
        scores = term.scores
        self.count += term.df
        self.sparse = self.sparse and scores.dense is None and self.count * _SPARSE_SHARE < len(self.totals)
        if scores.dense is not None:
            self.totals += scores.dense if term.count == 1 else scores.dense * term.count
            return
        ordinals = scores.ordinals.astype(np.int64)
        np.add.at(self.totals, ordinals, scores.scores if term.count == 1 else scores.scores * term.count)
        self.lists.append(ordinals)

    def threshold(self, depth: int) -> float:
        """At most the ``depth``-th greatest of the totals, and near it; 0 if there are fewer positive ones."""
        if not self.sparse:
            # The greatest of each of many groups of articles are ``depth`` different articles or more.
            size = len(self.totals)
            height = min(128, size // (4 * depth))
            if height < 2:
                return _at_depth(self.totals, depth)
            return _at_depth(self.totals[: size // height * height].reshape(height, -1).max(axis=0), depth)
        # An article is in each list once at most.
        latest = self.totals[self.lists[-1]]
        if len(self.lists) == 1:
            return _at_depth(latest, depth)
        every = np.concatenate([self.totals[ordinals] for ordinals in self.lists])
        return max(_at_depth(latest, depth), _at_depth(every, depth * len(self.lists)))

    def above(self, least: float) -> Ordinals:
        """The articles with positive totals of at least this, ascending."""
        bar = max(np.float32(least), _LEAST)
        if not self.sparse:
            return np.flatnonzero(self.totals >= bar)
        found = np.concatenate([ordinals[self.totals[ordinals] >= bar] for ordinals in self.lists])
        found.sort()
        new = np.ones(len(found), bool)
        np.not_equal(found[1:], found[:-1], out=new[1:])
        return found[new]


def _accumulate(terms: Sequence[QueryTerm], touched: _Touched, depth: int) -> Keys:
    left = sum(term.df for term in terms)
    rest = float(sum(term.bound for term in terms))
    for place, term in enumerate(terms):
        deadline.check()
        if place and left > _PRUNE_FROM:
            lowest = _lowest(touched.threshold(depth), rest)
            if lowest > 0:
                candidates = touched.above(lowest)
                if len(candidates) * 4 < left:
                    return _finish(terms[place:], candidates, touched.totals[candidates], depth)
        left -= term.df
        rest -= term.bound
        touched.add(term)
    found = touched.above(touched.threshold(depth))
    return _keys(found, touched.totals[found], depth)


def _finish(terms: Sequence[QueryTerm], candidates: Ordinals, totals: Scores, depth: int) -> Keys:
    """The best of some articles, of which all but the last terms have been added up."""
    for place, term in enumerate(terms):
        deadline.check()
        if place and len(candidates) > 4 * depth:
            kept = totals >= np.float32(_lowest(_at_depth(totals, depth), sum(term.bound for term in terms[place:])))
            candidates, totals = candidates[kept], totals[kept]
        totals = totals + term.of(candidates)
    return _keys(candidates, totals, depth)


def _lowest(threshold: float, rest: float) -> float:
    """What an article must have to reach the threshold with the rest; the slack covers the rounding of float32 sums."""
    return threshold * (1 - 1e-5) - rest * (1 + 1e-5)


def _at_depth(values: Scores, depth: int) -> float:
    """The ``depth``-th greatest of the positive values; 0 if there are fewer."""
    # Not the zeros: partition is slow where most values are equal.
    values = values[values > 0]
    if len(values) < depth:
        return 0.0
    return float(np.partition(values, len(values) - depth)[len(values) - depth])


def _keys(ordinals: NDArray[Any], scores: Scores, depth: int) -> Keys:
    """The first ``depth`` keys of articles with a score above 0. A key's order is that of (-score, ordinal): the bits
    of positive floats are in the order of the floats."""
    if len(scores) > 4 * depth:
        bar = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        kept = scores >= max(bar, _LEAST)
    else:
        kept = scores > 0
    keys: Keys = (~scores[kept].view(np.uint32)).astype(np.uint64) << _SHIFT
    keys |= ordinals[kept].astype(np.uint64)
    keys.sort()
    return keys[:depth]


def best(ordinals: Ordinals, scores: Scores, depth: int) -> tuple[Ordinals, Scores]:
    """Those of some articles with the best scores above 0: descending, ties by ordinal."""
    return _unpack(_keys(ordinals, scores, depth))


def _unpack(keys: Keys) -> tuple[Ordinals, Scores]:
    return (keys & _LOW32).astype(np.int64), (~(keys >> _SHIFT).astype(np.uint32)).view(np.float32)
