"""Inverted lists (IVF): what lets a large part be searched without reading all of it.

Each passage stands in the list of its nearest centroid, as 8-bit codes: they give a coarse score, by which candidates
are taken to be scored exactly. The centroids are trained once on an archive's first large part and handed on from part
to part by merges, until the archive has outgrown them; so a merge moves no passage to another list.

Arrays, for l lists and p passages: ``centroids`` u1[l, d], codes as well; ``list_starts`` i8[l+1]; then in the order
of the lists ``codes`` u1[p, d], ``list_articles`` i8[p] (the ids that FAISS sees: article rows, so that an article mask
applies as it is) and ``list_passages`` u4[p]. Meta: ``scale``, by which a vector is multiplied before rounding, and
``trained``, the number of passages of the part that the centroids were trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.storage.container import Stored, Streamed
from search.vector.gathered import BLOCK, Gathered
from search.vector.kernel import Codes, Floats, Halves, Rows, code_scores, nearest_centroids, train_centroids

SMALLEST = 16_384
"""Passages below which a part has no lists: reading all its vectors takes a millisecond."""
FILTERED = 2
"""Times as many passages under a selective mask are scored exactly: lists hold mostly what the mask hides, so that far
more codes have to be read to meet enough that pass."""
LISTS = 4.0
"""Lists for each square root of the number of passages."""
SAMPLE = 40
"""Passages for each centroid that training looks at."""
OUTGROWN = 4
"""Centroids serve parts of up to this many times the passages that they were trained for, and down to one such part."""
PROBES = 96
"""Lists read at the least."""
READ = PROBES / LISTS
"""Passages under the mask to be read, for each square root of their number: what the probes hold where all pass."""
EVEN = 200_000
"""Passages up to which these probes have the same recall; larger parts are read more of, by the fourth root."""
MOST = 2**32
"""Passages of a part: their numbers are u4."""
SPARE = 8
"""Passages to be read for each article wanted."""
_TOP = 127.0
_DAMAGED = "are damaged; run 'broadsheet doctor'"


class StoredPart(Protocol):
    """A part as storage opens it, or as its writer holds it."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the writer said of it."""

    def __getitem__(self, name: str) -> NDArray[Any]: ...

    def __contains__(self, name: object) -> bool: ...


def build(
    vectors: Halves | Gathered, passage_starts: Rows, sources: Sequence[tuple[StoredPart, Rows]]
) -> tuple[dict[str, Stored], dict[str, Any]]:
    """Arrays and meta of the lists of ``vectors`` float16[p, d]; none for a small part.

    ``sources``: the parts that the vectors come from in order, with the passages taken from each.
    """
    passages = len(vectors)
    if passages < SMALLEST:
        return {}, {"search": "exact"}
    opened = [(InvertedLists(part) if "centroids" in part else None, rows) for part, rows in sources]
    centroids, scale, trained = _inherited(passages, [known for known, _ in opened if known is not None]) or _trained(
        vectors
    )
    assigned = _assigned(vectors, centroids, scale, opened)
    order = np.argsort(assigned, kind="stable")

    def blocks() -> Iterator[Codes]:
        for start in range(0, passages, BLOCK):
            yield encoded(vectors[order[start : start + BLOCK]].astype(np.float32), scale)

    codes = Streamed(np.dtype(np.uint8), vectors.shape, blocks)
    articles = np.repeat(np.arange(len(passage_starts) - 1), np.diff(passage_starts))
    arrays: dict[str, Stored] = {
        "centroids": centroids,
        "list_starts": np.append(0, np.cumsum(np.bincount(assigned, minlength=len(centroids)))).astype(np.int64),
        "codes": codes if isinstance(vectors, Gathered) else np.asarray(codes),
        "list_articles": articles[order],
        "list_passages": order.astype(np.uint32),
    }
    return arrays, {"search": "lists", "scale": scale, "trained": trained}


def encoded(vectors: Floats, scale: float) -> Codes:
    """Codes u1[p, d] of float32[p, d]."""
    whole: Floats = np.clip(np.rint(vectors * np.float32(scale)), -_TOP, _TOP) + np.float32(128.0)
    return whole.astype(np.uint8)


def _trained(vectors: Halves | Gathered) -> tuple[Codes, float, int]:
    passages = len(vectors)
    count = round(LISTS * passages**0.5)
    rows = np.random.default_rng(0).choice(passages, min(passages, SAMPLE * count), replace=False)
    sample = vectors[np.sort(rows)].astype(np.float32)
    scale = _TOP / (float(np.abs(sample).max()) or 1.0)
    return encoded(train_centroids(sample, count), scale), scale, passages


def _inherited(passages: int, known: Sequence[InvertedLists]) -> tuple[Codes, float, int] | None:
    """The centroids of the part that was trained on most, if they still fit."""
    if not known:
        return None
    largest = max(known, key=lambda lists: lists.trained)
    if not largest.trained / OUTGROWN <= passages <= largest.trained * OUTGROWN:
        return None
    return np.array(largest.centroids), largest.scale, largest.trained


def _assigned(
    vectors: Halves | Gathered, centroids: Codes, scale: float, sources: Sequence[tuple[InvertedLists | None, Rows]]
) -> NDArray[np.uint32]:
    """The list of each vector: as it was in a part with these centroids, else that of the nearest."""
    assigned = np.empty(len(vectors), np.uint32)
    known = np.zeros(len(vectors), np.bool_)
    start = 0
    for lists, rows in sources:
        if lists is not None and lists.scale == scale and np.array_equal(lists.centroids, centroids):
            assigned[start : start + len(rows)] = lists.of_passages()[rows]
            known[start : start + len(rows)] = True
        start += len(rows)
    rest = np.flatnonzero(~known)
    if len(rest):
        decoded = (centroids.astype(np.float32) - 128.0) / np.float32(scale)
        for start in range(0, len(rest), BLOCK):
            rows = rest[start : start + BLOCK]
            assigned[rows] = nearest_centroids(vectors[rows], decoded)
    return assigned


class InvertedLists:
    """The lists of one opened part. Raises ArchiveDamaged for arrays that do not fit each other."""

    def __init__(self, part: StoredPart) -> None:
        self.centroids = part["centroids"]
        self.starts = part["list_starts"]
        self.codes = part["codes"]
        self.ids = part["list_articles"]
        self.numbers = part["list_passages"]
        passages, dimension = part["vectors"].shape
        self.articles = part["passage_starts"].size - 1
        count = self.centroids.size // dimension if dimension else 0
        try:
            self.scale, self.trained = float(part.meta["scale"]), int(part.meta["trained"])
        except (KeyError, TypeError, ValueError, OverflowError):
            self.scale, self.trained = 0.0, 0
        expected: tuple[tuple[NDArray[Any], type, tuple[int, ...]], ...] = (
            (self.starts, np.int64, (count + 1,)),
            (self.centroids, np.uint8, (count, dimension)),
            (self.codes, np.uint8, (passages, dimension)),
            (self.ids, np.int64, (passages,)),
            (self.numbers, np.uint32, (passages,)),
        )
        if (
            any(array.dtype != dtype or array.shape != shape for array, dtype, shape in expected)
            or self.starts[0] != 0
            or self.starts[-1] != passages
            or (self.starts[1:] < self.starts[:-1]).any()  # no difference: that of crafted numbers may wrap around
            or not 0.0 < self.scale < np.inf
            or not 1 <= self.trained <= MOST
        ):
            raise ArchiveDamaged(f"the inverted lists of a vector part {_DAMAGED}")
        self.lists = np.arange(len(self.centroids))

    def of_passages(self) -> NDArray[np.uint32]:
        """uint32[p]: the list of each passage, in the order of the passages."""
        lists = np.zeros(len(self.numbers), np.uint32)
        if len(self.numbers) and int(self.numbers.max()) >= len(self.numbers):
            raise ArchiveDamaged(f"the inverted lists of a vector part {_DAMAGED}")
        lists[self.numbers] = np.repeat(np.arange(len(self.centroids)), np.diff(self.starts))
        return lists

    def candidates(
        self, query: Floats, mask: NDArray[np.bool_] | None, survivors: int, groups: Rows | None, depth: int
    ) -> tuple[Rows, Floats]:
        """Rows of articles near the query and their approximate cosines, of ``depth`` groups at the least if there are.

        ``mask`` bool[articles] or None, ``survivors`` the passages that pass it, ``groups`` group id of each row.
        """
        largest = float(np.abs(query).max()) or 1.0
        whole = np.rint(query * np.float32(_TOP / largest))
        _, nearness = code_scores(whole, self.centroids, self.lists, [(0, len(self.lists))], None)
        more = max(survivors / EVEN, 1.0) ** 0.25
        wanted = max(READ * more * survivors**0.5, SPARE * depth)
        batch = max(PROBES, round(wanted * len(nearness) / survivors))
        nearest = np.argsort(-nearness)
        best = np.full(self.articles, -np.inf, np.float32)
        read = passed = 0
        while True:
            lists = np.sort(nearest[read : read + batch])
            ranges = list(zip(self.starts[lists].tolist(), self.starts[lists + 1].tolist(), strict=True))
            rows, scores = code_scores(whole, self.codes, self.ids, ranges, mask)
            if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self.articles:
                raise ArchiveDamaged(f"the inverted lists of a vector part {_DAMAGED}")
            np.maximum.at(best, rows, scores)
            read += len(lists)
            passed += len(rows)
            found = np.flatnonzero(best > -np.inf)
            if read >= len(nearest):
                break
            distinct = len(found) if groups is None else len(np.unique(groups[found]))
            if passed >= wanted and distinct >= depth:
                break
            # As many more lists as the share that passed so far lets expect, and some.
            batch = max(int(1.25 * (wanted - passed) * read / max(passed, 1)), read // 2)
        return found, best[found] * np.float32(largest / (_TOP * self.scale))
