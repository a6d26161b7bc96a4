"""Whether a vector part agrees with itself: what no checksum says of a part that a stranger made."""

from __future__ import annotations

import numpy as np

from search.errors import ArchiveDamaged
from search.vector.kernel import Rows
from search.vector.lists import InvertedLists, StoredPart, encoded
from search.vector.part import without_of
from search.vector.segment import VectorSegment

LONGEST = 1.01
"""Norm that a vector may have: 1, and what rounding to half floats adds."""
_BLOCK = 16_384


def check_part(part: StoredPart, thorough: bool = False) -> None:
    """Raise ArchiveDamaged for a part whose numbers contradict each other.

    Looked at are the offsets, the keys and the ids of the lists: some 50 bytes a passage, once for each state of a
    file. ``thorough`` reads the vectors as well, and compares each with its code in the lists.
    """
    segment = VectorSegment(part, part["passage_starts"].size - 1)
    if (segment.starts < 0).any() or (segment.starts > segment.ends).any():
        raise _damaged("offsets of the passages")
    without_of(part, segment.articles)
    high, low = segment.key_high, segment.key_low
    same = high[1:] == high[:-1]
    if (high[1:] < high[:-1]).any() or (low[1:][same] < low[:-1][same]).any():
        raise _damaged("keys of the passages, which are out of order,")
    if not _each_once(segment.key_passages, segment.passages):
        raise _damaged("keys of the passages")
    if segment.lists is not None:
        owners = np.repeat(np.arange(segment.articles), segment.counts)
        if not _each_once(segment.lists.numbers, segment.passages):
            raise _damaged("inverted lists, which do not hold each passage once,")
        if not np.array_equal(segment.lists.ids, owners[segment.lists.numbers]):
            raise _damaged("inverted lists, which name other articles than the passages' own,")
    if thorough:
        _check_vectors(segment)
        if segment.lists is not None:
            _check_codes(segment, segment.lists)


def _check_vectors(segment: VectorSegment) -> None:
    for start in range(0, segment.passages, _BLOCK):
        block = segment.vectors[start : start + _BLOCK].astype(np.float32)
        if not bool((np.einsum("ij,ij->i", block, block) <= LONGEST**2).all()):  # false for what is not a number
            raise _damaged("vectors, one of which is not of norm 1,")


def _check_codes(segment: VectorSegment, lists: InvertedLists) -> None:
    for start in range(0, segment.passages, _BLOCK):
        rows = lists.numbers[start : start + _BLOCK]
        if not np.array_equal(
            lists.codes[start : start + _BLOCK], encoded(segment.vectors[rows].astype(np.float32), lists.scale)
        ):
            raise _damaged("inverted lists, whose codes are not those of the vectors,")


def _each_once(numbers: Rows, count: int) -> bool:
    """Is every number below ``count`` there once?"""
    if len(numbers) != count or (count and int(numbers.max()) >= count):
        return False
    seen = np.zeros(count, np.bool_)
    seen[numbers] = True
    return bool(seen.all())


def _damaged(what: str) -> ArchiveDamaged:
    return ArchiveDamaged(f"the {what} of a vector part are damaged; run 'broadsheet doctor'")
