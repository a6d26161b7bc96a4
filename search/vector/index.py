"""The vector leg over a snapshot's segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import ArchiveMismatch, EncoderError
from search.vector import kernel
from search.vector.kernel import Floats, Rows, half_scores
from search.vector.lists import StoredPart
from search.vector.segment import LEAD, Mask, VectorSegment

MARGIN = 64
"""Groups scored exactly beyond those asked for: approximate scores are some thousandths off."""


class Candidates(NamedTuple):
    """Articles that may be among the best, as arrays: ``ordinals`` int64, and float32 their ``scores`` where these are
    ``exact`` (bool), else coarse cosines of their best passages; ``most`` is the most that they can score."""

    ordinals: Rows
    scores: Floats
    most: Floats
    exact: Mask


class VectorIndex:
    """Passages by cosine, articles by their best passage and their first (see ``segment``). Threads may share one.

    ``parts`` are the segments' vector parts in order, ``sizes`` their numbers of articles; an ordinal is the segment's
    base plus the row in it; ``lead`` is what an article's first passage counts. All cosines are
    exact over the stored float16 vectors (float32 sums), and scores are the same wherever they are asked for. Raises
    ArchiveDamaged for a part that contradicts itself or ``sizes``.
    """

    def __init__(self, parts: Sequence[StoredPart], sizes: Sequence[int], lead: float = LEAD) -> None:
        self.segments = [VectorSegment(part, size, lead) for part, size in zip(parts, sizes, strict=True)]
        self.bases = np.append(0, np.cumsum(np.array(sizes, dtype=np.int64)))
        self.passage_bases = np.append(0, np.cumsum([segment.passages for segment in self.segments], dtype=np.int64))
        dimensions = {segment.dimension for segment in self.segments if segment.passages}
        if len(dimensions) > 1:
            raise ArchiveMismatch(
                f"the archive's vectors have {sorted(dimensions)} dimensions; embed again with one model"
            )
        self.dimension = dimensions.pop() if dimensions else None

    def __len__(self) -> int:
        """The number of articles, dead ones counted."""
        return int(self.bases[-1])

    @property
    def count(self) -> int:
        """The number of passages, those of dead articles counted."""
        return int(self.passage_bases[-1])

    def prepare(self) -> None:
        """Import FAISS now, while something else is waited for, and not at the first ranking."""
        kernel.load()

    def rank(
        self, vector: ArrayLike, mask: Mask | None, groups: Rows | None, depth: int, reach: int = 0
    ) -> tuple[Rows, Floats]:
        """The best articles under the mask: (ordinals int64[m], scores float32[m]), best first, ties by ordinal.

        ``vector`` float32[d]; ``mask`` bool[N] or None for all; ``groups`` int64[N] or None: of each group only the
        best article is given. m = min(depth, groups under the mask that have a passage). With ``reach`` as much is read
        as for that depth: then the answer is the beginning of the deeper one, but for articles whose best passage was
        not among what was read and whose others were too far to be looked at for this depth.
        """
        query = self._query(vector)
        if mask is not None and mask.all():
            mask = None
        if depth <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        ordinals, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        most, exact = [np.empty(0, np.float32)], [np.empty(0, np.bool_)]
        for base, segment in zip(self.bases.tolist(), self.segments, strict=False):
            if segment.passages:
                own = slice(base, base + segment.articles)
                part = None if mask is None else mask[own]
                rows, found, whole = segment.rank(
                    query, part, None if groups is None else groups[own], max(depth, reach)
                )
                ordinals.append(rows + base)
                scores.append(found)
                most.append(found if whole else segment.at_most(rows, found))
                exact.append(np.full(len(rows), whole))
        candidates = Candidates(
            np.concatenate(ordinals), np.concatenate(scores), np.concatenate(most), np.concatenate(exact)
        )
        if candidates.exact.all():
            return _top(candidates.ordinals, candidates.scores, groups, depth)
        few = self._shortlist(query, candidates, groups, depth + MARGIN)
        return _top(few, self.score(query, few), groups, depth)

    def _shortlist(self, query: Floats, candidates: Candidates, groups: Rows | None, depth: int) -> Rows:
        """All articles of the ``depth`` best groups of some candidates.

        The first passages of the most promising are scored, then those of all that these do not beat: no other can be
        among them, whatever its first passage is.
        """
        ordinals, coarse, most, known = candidates
        scores, known = np.where(known, coarse, -np.inf).astype(np.float32), known.copy()
        bar = _last(_top(ordinals, most, groups, depth)[1], depth)
        for _ in range(2):
            rest = np.flatnonzero(~known & (most >= bar))
            for _, segment, places, rows in self._by_segment(ordinals[rest]):
                scores[rest[places]] = segment.with_first(query, rows, coarse[rest[places]])
            known[rest] = True
            chosen, best = _top(ordinals[known], scores[known], groups, depth)
            bar = _last(best, depth)
        return chosen if groups is None else ordinals[np.isin(groups[ordinals], groups[chosen]) & known]

    def score(self, vector: ArrayLike, ordinals: Rows) -> Floats:
        """float32[len(ordinals)]: the score of each article, 0 for an article without passages."""
        query = self._query(vector)
        scores = np.zeros(len(ordinals), np.float32)
        for _, segment, places, rows in self._by_segment(ordinals):
            scores[places] = segment.score(query, rows)
        scores[np.isneginf(scores)] = 0.0
        return scores

    def explain(self, vector: ArrayLike, ordinal: int) -> dict[str, float]:
        """What an article's score is made of: the cosines of its ``best`` passage and of its ``first``, and its number
        of ``passages``. Nothing for an article without any."""
        query = self._query(vector)
        ((_, segment, _, rows),) = self._by_segment(np.array([ordinal]))
        numbers, _ = segment.passages_of(rows)
        if not len(numbers):
            return {}
        cosines = half_scores(query, segment.vectors, numbers)
        return {"best": float(cosines.max()), "first": float(cosines[0]), "passages": len(numbers)}

    def best_passages(self, vector: ArrayLike, ordinals: Rows, n: int) -> list[list[tuple[int, int, float]]]:
        """For each article its ``n`` best passages as (start, end, cosine), best first, ties in reading order."""
        query = self._query(vector)
        best: list[list[tuple[int, int, float]]] = [[] for _ in range(len(ordinals))]
        for _, segment, places, rows in self._by_segment(ordinals):
            numbers, begins = segment.passages_of(rows)
            cosines = half_scores(query, segment.vectors, numbers)
            for place, first, last in zip(places.tolist(), begins.tolist(), begins[1:].tolist(), strict=False):
                order = first + np.argsort(-cosines[first:last], kind="stable")[: max(n, 0)]
                at = numbers[order]
                best[place] = list(
                    zip(segment.starts[at].tolist(), segment.ends[at].tolist(), cosines[order].tolist(), strict=True)
                )
        return best

    def centre(self, ordinal: int) -> Floats | None:
        """float32[d], of norm 1: the mean of the vectors of an article's passages; None without any, and where they
        cancel each other out."""
        ((_, segment, _, rows),) = self._by_segment(np.array([ordinal]))
        numbers, _ = segment.passages_of(rows)
        mean = segment.vectors[numbers].astype(np.float32).sum(axis=0)
        norm = float(np.linalg.norm(mean))
        return None if norm == 0.0 else (mean / norm).astype(np.float32)

    def representatives(self, vector: ArrayLike, ordinals: Rows) -> Floats:
        """float32[len(ordinals), d]: the vector of each article's best passage, zeros for an article without any."""
        query = self._query(vector)
        found = np.zeros((len(ordinals), len(query)), np.float32)
        for _, segment, places, rows in self._by_segment(ordinals):
            numbers, begins = segment.passages_of(rows)
            cosines = half_scores(query, segment.vectors, numbers)
            for place, first, last in zip(places.tolist(), begins.tolist(), begins[1:].tolist(), strict=False):
                if last > first:
                    found[place] = segment.vectors[numbers[first + int(cosines[first:last].argmax())]]
        return found

    def passages(self, ordinals: Rows) -> list[list[tuple[int, int]]]:
        """For each article its passages as (start, end), in reading order."""
        spans: list[list[tuple[int, int]]] = [[] for _ in range(len(ordinals))]
        for _, segment, places, rows in self._by_segment(ordinals):
            bounds = zip(segment.bounds[rows].tolist(), segment.bounds[rows + 1].tolist(), strict=True)
            for place, (first, last) in zip(places.tolist(), bounds, strict=True):
                offsets = segment.starts[first:last].tolist(), segment.ends[first:last].tolist()
                spans[place] = list(zip(*offsets, strict=True))
        return spans

    def lookup(self, keys: NDArray[np.uint64]) -> Rows:
        """int64[q]: global number of a passage with each key of uint64[q, 2], or -1. Dead articles' passages count."""
        high, low = (np.ascontiguousarray(keys[:, i]) for i in (0, 1))
        found = np.full(len(keys), -1, np.int64)
        for base, segment in zip(self.passage_bases.tolist(), self.segments, strict=False):
            missing = np.flatnonzero(found < 0)
            numbers = segment.lookup(high[missing], low[missing])
            found[missing] = np.where(numbers < 0, -1, numbers + base)
        return found

    def vectors(self, numbers: Rows) -> Floats:
        """float32[q, d]: the stored vectors of the passages with these global numbers. To float16 and back is exact."""
        numbers = np.asarray(numbers, dtype=np.int64)
        _within(numbers, self.count, "passage")
        vectors = np.empty((len(numbers), self.dimension or 0), np.float32)
        owner = np.searchsorted(self.passage_bases, numbers, side="right") - 1
        for i in np.unique(owner).tolist():
            places = np.flatnonzero(owner == i)
            vectors[places] = self.segments[i].vectors[numbers[places] - self.passage_bases[i]]
        return vectors

    def _query(self, vector: ArrayLike) -> Floats:
        query = np.ascontiguousarray(vector, dtype=np.float32)
        if query.ndim != 1 or (self.dimension is not None and len(query) != self.dimension):
            raise ArchiveMismatch(
                f"the query's vector has shape {query.shape}, the archive's vectors {self.dimension} dimensions; "
                "use the model that the archive was built with"
            )
        if not np.isfinite(query).all():
            raise EncoderError("the query's vector is not a number; try another precision or model")
        return query

    def _by_segment(self, ordinals: Rows) -> Iterator[tuple[int, VectorSegment, Rows, Rows]]:
        """Segment number, segment, places in ``ordinals`` and rows, for each segment that is asked for."""
        ordinals = np.asarray(ordinals, dtype=np.int64)
        _within(ordinals, len(self), "article")
        owner = np.searchsorted(self.bases, ordinals, side="right") - 1
        for i in np.flatnonzero(np.bincount(owner)).tolist():  # np.unique would import numpy.ma, which takes a while
            places = np.flatnonzero(owner == i)
            yield i, self.segments[i], places, ordinals[places] - self.bases[i]


def _within(numbers: Rows, count: int, what: str) -> None:
    if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < count:
        raise IndexError(f"{what} numbers must lie in 0..{count - 1}")


def _top(ordinals: Rows, cosines: Floats, groups: Rows | None, depth: int) -> tuple[Rows, Floats]:
    """The best article of each of the ``depth`` best groups."""
    wanted = depth
    while True:
        chosen = _largest(cosines, wanted)
        order = chosen[np.lexsort((ordinals[chosen], -cosines[chosen]))]
        if groups is None:
            order = order[:depth]
            break
        _, first = np.unique(groups[ordinals[order]], return_index=True)
        if len(first) >= depth or len(order) == len(ordinals):
            order = order[np.sort(first)[:depth]]
            break
        wanted *= 4
    return ordinals[order], cosines[order]


def _last(best: Floats, depth: int) -> float:
    """What the last of ``depth`` scores is, descending; less than any where there are fewer."""
    return float(best[-1]) if len(best) == depth else -np.inf


def _largest(scores: Floats, count: int) -> Rows:
    """Places of the ``count`` largest, and of all that equal the last of them."""
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - count)[len(scores) - count])
