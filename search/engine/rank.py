"""From a query and a mask to articles in order: by date, or by what the two legs say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from search import query as language
from search.engine import ranking
from search.engine.request import Request
from search.keyword import KeywordView
from search.records import Fusion, Mode
from search.storage.columns import MISSING_INSTANT, Columns, instant
from search.vector import VectorIndex

POOL = 1000  # groups that a relevance ranking is made of, whatever the limit
FRONT = 50
"""First places of the pool for which not all of it has to be scored by meaning."""
NEAR = 200
"""Articles that the vector leg scores for these places. Others are no nearer than the last of them, unless a passage
stands in a list that was not read."""
_MICROSECOND = 1_000_000

Ordinals = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates in final order, with their scores and, for relevance, what these are made of."""

    ordinals: Ordinals
    fused: ranking.Fused | None
    positions: NDArray[np.int64]


def by_date(columns: Columns, mask: Mask, oldest: bool, depth: int) -> Ranked:
    """The first ``depth`` by date; articles without one come last either way."""
    ordinals = np.flatnonzero(mask)
    published = columns.published[ordinals]
    if oldest:
        published = np.where(published == MISSING_INSTANT, MISSING_INSTANT, -published)
    if len(ordinals) > depth:  # no need to order what is not shown, nor to read its ids
        last = np.partition(published, len(published) - depth)[len(published) - depth]
        ordinals, published = ordinals[published >= last], published[published >= last]
    found = ranking.order(np.zeros(len(ordinals)), published, lambda tied: columns.ids(ordinals[tied]))
    return Ranked(ordinals[found[:depth]], None, found[:depth])


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """A ranking by relevance of what passes ``mask``: of ``words`` in one leg, of ``vector`` in the other.

    ``vector`` float32[d] and ``vectors`` are None where words alone rank; ``matched`` is the match set; ``now`` is what
    recency counts from.
    """

    request: Request
    mode: Mode
    words: tuple[str, ...]
    view: KeywordView
    columns: Columns
    mask: Mask
    matched: Mask
    vector: Floats | None
    vectors: VectorIndex | None
    now: datetime

    def ranked(self) -> Ranked:
        """The pool: exact and in order as far as the request's page reaches."""
        request, columns = self.request, self.columns
        by_words: Ordinals = np.empty(0, np.int64)
        word_scores = np.empty(0, np.float32)
        if self.mode is not Mode.VECTOR:
            by_words, word_scores = self.view.rank(self.words, self.mask, None, POOL)
        if self.vector is None or self.vectors is None:
            ordinals, word_scores = self._with_matched(by_words, word_scores)
            fused = self._aged(ranking.alone("keyword", word_scores), ordinals)
        elif self.mode is Mode.VECTOR:
            depth = NEAR if self._first_places else POOL
            ordinals, fused = self._nearest(self.vectors, self.vector, depth)
            if depth < POOL and len(ordinals) == depth and fused.scores[-1] == fused.scores[FRONT - 1]:
                ordinals, fused = self._nearest(self.vectors, self.vector, POOL)  # dates order these and others
        else:
            legs = self.vectors, self.vector, by_words, word_scores
            ordinals, fused = (self._front(*legs) if self._first_places else None) or self._pool(*legs)
        shown = None if self._diverse else request.offset + request.limit
        found = ranking.order(
            fused.scores, columns.published[ordinals], lambda tied: columns.ids(ordinals[tied]), shown
        )[:POOL]
        if self._diverse:
            assert self.vector is not None
            assert self.vectors is not None
            representatives = self.vectors.representatives(self.vector, ordinals[found])
            found = found[ranking.diversify(fused.scores[found], representatives, request.diversity)]
        return Ranked(ordinals[found], fused, found)

    @property
    def _diverse(self) -> bool:
        return self.request.diversity > 0 and self.vector is not None and self.vectors is not None

    @property
    def _first_places(self) -> bool:
        """Are the first places asked for, in an order in which no place depends on the scores of all?"""
        request = self.request
        return (
            request.offset + request.limit <= FRONT
            and request.recency is None  # the median age counts for articles without a date
            and not self._diverse
            and request.fusion is not Fusion.RRF
        )

    def _nearest(self, vectors: VectorIndex, vector: Floats, depth: int) -> tuple[Ordinals, ranking.Fused]:
        """The articles nearest in meaning, best first, and their scores."""
        ordinals, cosines = vectors.rank(vector, self.mask, None, depth, POOL)
        return ordinals, self._aged(ranking.alone("vector", cosines), ordinals)

    def _pool(
        self, vectors: VectorIndex, vector: Floats, by_words: Ordinals, word_scores: Floats
    ) -> tuple[Ordinals, ranking.Fused]:
        """The articles that either leg found, ascending, and their fused scores."""
        by_meaning, cosines = vectors.rank(vector, self.mask, None, POOL)
        ordinals = _union(by_words, by_meaning)
        keyword_scores = _completed(ordinals, by_words, word_scores, partial(self.view.score, self.words))
        all_cosines = _completed(ordinals, by_meaning, cosines, partial(vectors.score, vector))
        return ordinals, self._aged(self._fused(keyword_scores, word_scores, all_cosines, cosines), ordinals)

    def _front(
        self, vectors: VectorIndex, vector: Floats, by_words: Ordinals, word_scores: Floats
    ) -> tuple[Ordinals, ranking.Fused] | None:
        """Of the pool what may come to the first places, with the same scores; None if that cannot be told."""
        near, cosines = vectors.rank(vector, self.mask, None, NEAR, POOL)
        if len(near) < NEAR:
            return None
        ordinals = _union(by_words, near)
        keyword_scores = _completed(ordinals, by_words, word_scores, partial(self.view.score, self.words))
        # Nothing else is nearer in meaning, and what no leg found has no more of the words: the last row stands for it.
        bound = max(cosines[-1], np.float32(0.0))
        least = word_scores[-1] if len(by_words) >= POOL else np.float32(0.0)
        all_cosines = _completed(ordinals, near, cosines, lambda rest: np.full(len(rest), bound, np.float32))
        highest = self._fused(np.append(keyword_scores, least), word_scores, np.append(all_cosines, bound), cosines)
        others = np.ones(len(ordinals) + 1, np.bool_)
        others[ordinals.searchsorted(near)] = False
        last = np.partition(highest.scores[~others], NEAR - FRONT)[NEAR - FRONT]
        others &= highest.scores >= last
        if others[-1]:
            return None
        rivals = np.flatnonzero(others)
        all_cosines[rivals] = vectors.score(vector, ordinals[rivals])
        kept = np.sort(np.append(ordinals.searchsorted(near), rivals))
        return ordinals[kept], self._fused(keyword_scores[kept], word_scores, all_cosines[kept], cosines)

    def _fused(
        self, keyword_scores: Floats, word_scores: Floats, all_cosines: Floats, cosines: Floats
    ) -> ranking.Fused:
        """Both legs' scores of some articles made one; ``word_scores`` and ``cosines`` are each leg's best."""
        size = int(np.count_nonzero(self.mask))
        meaning = ranking.Leg(all_cosines, cosines, size)
        keyword = ranking.Leg(keyword_scores, word_scores, size, keyword_scores > 0)
        return ranking.fuse(meaning, keyword, method=self.request.fusion, weight=self.request.weight)

    def _aged(self, fused: ranking.Fused, ordinals: Ordinals) -> ranking.Fused:
        """Scores under recency, where it is asked for."""
        if self.request.recency is None:
            return fused
        half_life = int(language.duration(self.request.recency).total_seconds() * _MICROSECOND)
        factors = ranking.recency_factors(self.columns.published[ordinals], instant(self.now), half_life)
        return ranking.apply_recency(fused, factors)

    def _with_matched(self, ordinals: Ordinals, scores: Floats) -> tuple[Ordinals, Floats]:
        """The ranked articles, then those of the match set that no scoring word led to (``benhada~``), the newest."""
        if len(ordinals) >= POOL:
            return ordinals, scores
        rest = self.matched.copy()
        rest[ordinals] = False
        more = by_date(self.columns, rest, False, POOL - len(ordinals)).ordinals
        return np.append(ordinals, more), np.append(scores, np.zeros(len(more), np.float32))


def _union(first: Ordinals, second: Ordinals) -> Ordinals:
    """The ordinals of both, ascending, each once; none stands twice in either."""
    both = np.sort(np.concatenate((first, second)))
    repeated = both[1:] == both[:-1]
    return np.delete(both, np.flatnonzero(repeated)) if repeated.any() else both


def _completed(
    ordinals: Ordinals,
    ranked: Ordinals,
    scores: Floats,
    score: Callable[[Ordinals], Floats],
) -> Floats:
    """One leg's score of each of ``ordinals``, ascending: those that it ranked have theirs, the rest are asked for."""
    found = np.empty(len(ordinals), np.float32)
    missing = np.ones(len(ordinals), np.bool_)
    places = ordinals.searchsorted(ranked)
    found[places] = scores
    missing[places] = False
    found[missing] = score(ordinals[missing])
    return found
