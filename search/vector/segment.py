"""One vector part, opened: rows are articles of this part, passage numbers count from its first passage.

An article scores by its best passage, and a little by its first, where news say what they are about:

    score = cosine of the best passage + lead x cosine of the first - LENGTH x ln(number of passages)

The last part takes back what the best of many has by chance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.vector import lists
from search.vector.kernel import Floats, Rows, half_scores
from search.vector.lists import InvertedLists, StoredPart

Mask = NDArray[np.bool_]
LEAD = 0.2
"""What the first passage counts, where the best counts 1 and the archive says nothing else."""
LENGTH = 0.01
GATHER_SHARE = 0.5
"""Reading scattered rows costs twice what reading all in order does."""


class VectorSegment:
    """Scores over one part. Reads of the mapped arrays only, so any number of threads may share it."""

    def __init__(self, part: StoredPart, articles: int, lead: float = LEAD) -> None:
        self._lead, self._whole = np.float32(lead), np.float32(1 + lead)
        self.vectors = self._checked(part, "vectors", np.float16, 2)
        self.passages, self.dimension = self.vectors.shape
        self.bounds = self._checked(part, "passage_starts", np.int64, 1)
        self.starts = self._checked(part, "starts", np.int32, 1, self.passages)
        self.ends = self._checked(part, "ends", np.int32, 1, self.passages)
        self.key_high = self._checked(part, "key_high", np.uint64, 1, self.passages)
        self.key_low = self._checked(part, "key_low", np.uint64, 1, self.passages)
        self.key_passages = self._checked(part, "key_passages", np.uint32, 1, self.passages)
        self.articles = articles
        if len(self.bounds) != articles + 1 or self.bounds[0] != 0 or self.bounds[-1] != self.passages:
            raise ArchiveDamaged("a vector part and its segment disagree on the articles; run 'broadsheet doctor'")
        if (self.bounds[1:] < self.bounds[:-1]).any():  # no difference: that of crafted numbers may wrap around
            raise ArchiveDamaged("the passage numbers of a vector part are damaged; run 'broadsheet doctor'")
        self.counts = np.diff(self.bounds)
        self.filled = self.counts > 0
        self._lost = self._lengths_lost()
        self.lists = InvertedLists(part) if "centroids" in part else None

    def _lengths_lost(self) -> Floats:
        """float32 by number of passages: what an article with so many loses."""
        lost = np.zeros(int(self.counts.max(initial=0)) + 1, np.float32)
        for count in np.flatnonzero(np.bincount(self.counts)[1:]) + 1:  # one at a time: the same bits in every segment
            lost[count] = LENGTH * math.log(count)
        return lost

    @staticmethod
    def _checked(part: StoredPart, name: str, dtype: Any, dimensions: int, length: int | None = None) -> NDArray[Any]:
        array = part[name]
        if array.dtype != dtype or array.ndim != dimensions or (length is not None and len(array) != length):
            raise ArchiveDamaged(f"array {name!r} of a vector part has a wrong type or length; run 'broadsheet doctor'")
        return array

    def passages_of(self, rows: Rows) -> tuple[Rows, Rows]:
        """The passages of the articles at ``rows``, one after another, and where each article's begin: [m], [a+1]."""
        counts = self.counts[rows]
        ends = np.cumsum(counts)
        begins = np.append(0, ends)
        return np.repeat(self.bounds[rows] - begins[:-1], counts) + np.arange(begins[-1]), begins

    def score(self, query: Floats, rows: Rows) -> Floats:
        """The score of each article at ``rows``; -inf for an article without passages."""
        passages, begins = self.passages_of(rows)
        return self._scores(half_scores(query, self.vectors, passages), begins, rows)

    def _scores(self, cosines: Floats, begins: Rows, rows: Rows | slice) -> Floats:
        """The scores of the articles at ``rows``, whose passages' cosines begin at ``begins``."""
        counts = self.counts[rows]
        scores = _best(cosines, begins)
        filled = np.flatnonzero(counts)
        scores[filled] += self._lead * cosines[begins[:-1][filled]]
        scores -= self._lost[counts]
        return scores

    def at_most(self, rows: Rows, cosines: Floats) -> Floats:
        """The most that articles can score whose best passages have these cosines: their first are no nearer."""
        most: Floats = cosines * self._whole - self._lost[self.counts[rows]]
        return most

    def with_first(self, query: Floats, rows: Rows, cosines: Floats) -> Floats:
        """The scores of articles that have passages, the best of those that were read with these cosines."""
        first = half_scores(query, self.vectors, self.bounds[rows])
        scores: Floats = np.maximum(cosines, first) + self._lead * first - self._lost[self.counts[rows]]
        return scores

    def rank(self, query: Floats, mask: Mask | None, groups: Rows | None, depth: int) -> tuple[Rows, Floats, bool]:
        """Rows, scores, and whether these are that. Of ``depth`` groups under the mask at the least, where there are.

        All articles under the mask where the part is small or few pass; else candidates from the lists, with coarse
        cosines of the best passage that was read of each.
        """
        survivors = self.passages if mask is None else int(np.dot(self.counts, mask))
        scattered = survivors < GATHER_SHARE * self.passages
        if self.lists is not None and survivors > lists.SMALLEST * (lists.FILTERED if scattered else 1):
            return *self.lists.candidates(query, mask, survivors, groups, depth), False
        rows = np.flatnonzero(self.filled if mask is None else mask & self.filled)
        if scattered:
            return rows, self.score(query, rows), True
        return rows, self._scores(half_scores(query, self.vectors), self.bounds, slice(None))[rows], True

    def lookup(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Rows:
        """Passage numbers of the keys, -1 where there is none."""
        found = np.full(len(high), -1, np.int64)
        if not self.passages or not len(high):
            return found
        first = np.searchsorted(self.key_high, high, side="left")
        inside = first < self.passages
        place = np.where(inside, first, 0)
        same = inside & (self.key_high[place] == high)
        exact = same & (self.key_low[place] == low)
        found[exact] = self.key_passages[place[exact]]
        for i in np.flatnonzero(same & ~exact).tolist():  # half of the key is shared: as good as never
            last = int(np.searchsorted(self.key_high, high[i], side="right"))
            at = int(place[i]) + int(np.searchsorted(self.key_low[place[i] : last], low[i]))
            if at < last and self.key_low[at] == low[i]:
                found[i] = self.key_passages[at]
        if (found >= self.passages).any():
            raise ArchiveDamaged("the passage keys of a vector part are damaged; run 'broadsheet doctor'")
        return found


def _best(scores: Floats, begins: Rows) -> Floats:
    """Maximum of each stretch of ``scores``; -inf for an empty one."""
    counts = np.diff(begins)
    if not len(scores):
        return np.full(len(counts), -np.inf, np.float32)
    if (counts > 0).all():
        return np.maximum.reduceat(scores, begins[:-1])
    best = np.full(len(counts), -np.inf, np.float32)
    filled = counts > 0
    best[filled] = np.maximum.reduceat(scores, begins[:-1][filled])
    return best
