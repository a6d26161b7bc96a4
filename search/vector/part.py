"""What a segment's vector part holds, and how one is made: from an encoder's output, or from other parts.

Arrays, for n articles and p passages in row order:
``vectors`` f2[p, d]; ``passage_starts`` i8[n+1], each article's first passage; ``starts``, ``ends`` i4[p], offsets in
the article's text; ``key_high``, ``key_low`` u8[p], the passages' 128-bit keys in ascending order, and
``key_passages`` u4[p], whose they are; ``without`` u8[n], what was left out of each article when it was cut, as a
number (parts of earlier versions have none). A part of many passages has inverted lists as well: see ``lists``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import ArchiveDamaged, ArchiveMismatch, EncoderError
from search.storage.container import PartData, Stored
from search.vector import lists
from search.vector.gathered import Gathered
from search.vector.lists import StoredPart
from search.vector.segment import VectorSegment

Arrays = dict[str, Stored]
Meta = dict[str, Any]


def build_part(
    vectors: NDArray[np.floating[Any]],
    counts: ArrayLike,
    starts: ArrayLike,
    ends: ArrayLike,
    keys: NDArray[np.uint64],
    without: NDArray[np.uint64] | None = None,
) -> PartData:
    """A new part.

    ``vectors`` float32[p, d] of norm 1, stored as float16; ``counts`` int[n] passages of each article; ``starts`` and
    ``ends`` int[p] character offsets; ``keys`` uint64[p, 2]; ``without`` uint64[n], 0 for None: what was left out of
    each article when it was cut. Raises EncoderError for a vector that is not finite.
    """
    with np.errstate(over="ignore"):
        halves = np.ascontiguousarray(vectors, dtype=np.float16)
    if not np.isfinite(halves).all():
        raise EncoderError("the encoder gave a vector that is not a number; try another precision or model")
    per_article = np.asarray(counts, dtype=np.int64)
    passage_starts = np.append(0, np.cumsum(per_article))
    passages = len(halves)
    begins, stops = (np.asarray(values, dtype=np.int32) for values in (starts, ends))
    if not passages == passage_starts[-1] == len(begins) == len(stops) == len(keys):
        raise ValueError("vectors, counts, offsets and keys disagree on the number of passages")
    inverted = lists.build(halves, passage_starts, [])
    left_out = np.zeros(len(per_article), np.uint64) if without is None else without
    return _finish(halves, passage_starts, begins, stops, np.asarray(keys, np.uint64), left_out, inverted)


def merge_parts(parts: Sequence[StoredPart], keep: Sequence[NDArray[np.bool_]]) -> PartData:
    """One part with the articles of ``parts`` that ``keep`` (bool[n_i] each) lets live, in order. No vector changes.

    Vectors and codes are streamed: they are read from ``parts`` when the part is written.
    """
    dimensions = {part["vectors"].shape[1] for part in parts if len(part["vectors"])}
    if len(dimensions) > 1:
        raise ArchiveMismatch(
            f"vectors of {sorted(dimensions)} dimensions cannot be merged; embed again with one model"
        )
    dimension = dimensions.pop() if dimensions else (parts[0]["vectors"].shape[1] if parts else 0)
    counts, chosen, keys, left_out = [], [], [], [np.empty(0, np.uint64)]
    for part, live in zip(parts, keep, strict=True):
        per_article = VectorSegment(part, len(live)).counts
        counts.append(per_article[live])
        chosen.append(np.flatnonzero(np.repeat(live, per_article)))
        keys.append(keys_of(part))
        left_out.append(without_of(part, len(live))[live])

    def gather(name: str, dtype: type) -> NDArray[Any]:
        rows = [part[name][rows] for part, rows in zip(parts, chosen, strict=True) if len(rows)]
        return np.concatenate(rows) if rows else np.empty(0, dtype)

    filled = [(part["vectors"], rows) for part, rows in zip(parts, chosen, strict=True) if len(rows)]
    halves = Gathered([vectors for vectors, _ in filled], [rows for _, rows in filled], dimension)
    passage_starts = np.append(0, np.cumsum(np.concatenate([np.empty(0, np.int64), *counts])))
    merged_keys = [key[rows] for key, rows in zip(keys, chosen, strict=True)]
    return _finish(
        halves,
        passage_starts,
        gather("starts", np.int32),
        gather("ends", np.int32),
        np.concatenate([np.empty((0, 2), np.uint64), *merged_keys]),
        np.concatenate(left_out),
        lists.build(halves, passage_starts, list(zip(parts, chosen, strict=True))),
    )


def keys_of(part: StoredPart) -> NDArray[np.uint64]:
    """uint64[p, 2]: the keys in the order of the passages."""
    numbers = part["key_passages"]
    keys = np.zeros((len(numbers), 2), np.uint64)
    if len(numbers) and int(numbers.max()) >= len(numbers):
        raise ArchiveDamaged("the passage keys of a vector part are damaged; run 'broadsheet doctor'")
    keys[numbers, 0] = part["key_high"]
    keys[numbers, 1] = part["key_low"]
    return keys


def without_of(part: StoredPart, articles: int) -> NDArray[np.uint64]:
    """uint64[articles]: what was left out of each article when it was cut, as a number; 0 for nothing, and in parts
    that do not say."""
    if "without" not in part:
        return np.zeros(articles, np.uint64)
    numbers = part["without"]
    if numbers.dtype.str != "<u8" or numbers.shape != (articles,):
        raise ArchiveDamaged("what a vector part says of texts that were cut is damaged; run 'broadsheet doctor'")
    return numbers


def _finish(
    vectors: NDArray[np.float16] | Gathered,
    passage_starts: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    keys: NDArray[np.uint64],
    without: NDArray[np.uint64],
    inverted: tuple[Arrays, Meta],
) -> PartData:
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    arrays: Arrays = {
        "vectors": vectors.streamed() if isinstance(vectors, Gathered) else vectors,
        "passage_starts": passage_starts.astype(np.int64),
        "starts": starts,
        "ends": ends,
        "key_high": keys[order, 0],
        "key_low": keys[order, 1],
        "key_passages": order.astype(np.uint32),
        "without": without,
        **inverted[0],
    }
    meta = {
        "articles": len(passage_starts) - 1,
        "passages": len(vectors),
        "dimension": vectors.shape[1],
        **inverted[1],
    }
    return PartData(arrays, meta)
