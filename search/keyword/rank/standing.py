"""Where a term stands: its positions in the articles of all segments, as one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import TEXT_SPACE
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import Array, ranges
from search.keyword.rank.contributions import Ordinals


class Standing(NamedTuple):
    """The ``positions`` of a term, uint16 or uint32, article after article: those of ``ordinals[i]`` (int32, ascending)
    from ``starts[i]`` to ``starts[i + 1]`` (uint32 or int64). Hidden articles are among them."""

    ordinals: NDArray[np.int32]
    starts: Array
    positions: Array

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.ordinals.nbytes + self.starts.nbytes + self.positions.nbytes


def standing(segments: Sequence[tuple[KeywordSegment, int]], term: str, ordinals: Ordinals | None = None) -> Standing:
    """Where a term stands in all articles, or in some of them, ascending. Each segment is with its first ordinal."""
    rows: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    sizes: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    positions: list[Array] = [np.empty(0, np.uint16)]
    for segment, base in segments:
        tid = segment.find(TEXT_SPACE, term)
        if tid < 0:
            continue
        docs, freqs, own = segment.docs(tid), segment.freqs(tid), segment.positions(tid)
        if ordinals is not None:
            low, high = ordinals.searchsorted((base, base + len(segment)))
            wanted = (ordinals[low:high] - base).astype(docs.dtype)
            at = docs.searchsorted(wanted)
            np.minimum(at, len(docs) - 1, out=at)
            at = at[docs[at] == wanted]
            starts = np.cumsum(freqs, dtype=np.int64)[at] - freqs[at]
            docs, freqs = docs[at], freqs[at]
            own = own[ranges(starts, freqs.astype(np.int64))]
        rows.append(docs.astype(np.int32) + np.int32(base))
        sizes.append(freqs.astype(np.int64))
        positions.append(own)
    starts = np.cumsum(np.concatenate(sizes))
    return Standing(
        np.concatenate(rows),
        starts.astype(np.uint32) if starts[-1] < 1 << 32 else starts,
        positions[1] if len(positions) == 2 else np.concatenate(positions),
    )
