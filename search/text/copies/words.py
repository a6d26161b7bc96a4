"""The words of texts as numbers, many texts at a time.

A word is a run of letters and digits, A to Z in small letters; a Chinese, Japanese, Thai or Lao character is a word by
itself.
Equal words have equal numbers, different ones as good as never the same (64 bits; of a word of more than 24 bytes the
middle is not looked at). Nothing of the language is known:
marks, case and layout count for nothing, so that a text is the same however it was set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST = 1 << 18
"""Bytes of a text that are looked at: some 40,000 words."""
_BLOCK = 1 << 18  # bytes worked on at once: the arrays stay in the processor's cache
_BASE = 0x9E3779B97F4A7C15 | 1
_WORD = 1 << 64
_LOAD = 8  # bytes read at once

Hashes = NDArray[np.uint64]
_FIRST: Hashes = np.array([(1 << (8 * count)) - 1 for count in range(_LOAD + 1)], np.uint64)


class Words(NamedTuple):
    """The words of a text, or of several after one another. ``hashes`` uint64[w]; ``numeric`` bool[w], whether a word
    begins and ends with a digit."""

    hashes: Hashes
    numeric: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes)


def words(text: str) -> Words:
    """The words of one text."""
    return next(each([text]))[0]


def each(texts: Sequence[str]) -> Iterator[tuple[Words, NDArray[np.int64]]]:
    """The words of texts, some texts at a time: with ``bounds`` int64[n + 1], where each one's begin."""
    block: list[bytes] = []
    size = 0
    for text in texts:
        data = text.encode("utf-8", "replace")[:LONGEST].lower()
        if block and size + len(data) > _BLOCK:
            yield _read(block)
            block, size = [], 0
        block.append(data)
        size += len(data) + 1
    if block:
        yield _read(block)


def digests(hashes: Hashes, bounds: NDArray[np.int64]) -> Hashes:
    """uint64[n]: a number for each text's words in their order."""
    powers, inverse = _powers()
    sums = np.zeros(len(hashes) + 1, np.uint64)
    np.cumsum(hashes * powers[: len(hashes)], out=sums[1:])
    return mixed((sums[bounds[1:]] - sums[bounds[:-1]]) * inverse[bounds[:-1]])


def digest(hashes: Hashes) -> int:
    """The same of one text."""
    return int(digests(hashes, np.array([0, len(hashes)]))[0])


def mixed(values: Hashes) -> Hashes:
    """Numbers whose high bits depend on all bits of those given."""
    high = values >> np.uint64(29)
    high ^= values
    high *= np.uint64(0xBF58476D1CE4E5B9)
    return high


@cache
def _powers() -> tuple[Hashes, Hashes]:
    """uint64: powers of a base modulo 2^64, and of its inverse."""
    count = LONGEST + 2
    both = []
    for base in (_BASE, pow(_BASE, -1, _WORD)):
        powers = np.full(count, np.uint64(base), np.uint64)
        powers[0] = 1
        both.append(np.multiply.accumulate(powers))
    return both[0], both[1]


_LETTERS = bytes(1 if sign >= 128 or chr(sign).isalnum() else 0 for sign in range(256))
"""Bytes that may stand in a word: what is no ASCII is taken for a letter at first."""


def _read(block: Sequence[bytes]) -> tuple[Words, NDArray[np.int64]]:
    """The words of some texts, and where each text's begin."""
    joined = b"\n".join((*block, bytes(_LOAD)))
    raw = np.frombuffer(joined, np.uint8)
    inside = np.frombuffer(bytearray(joined.translate(_LETTERS)), np.bool_)
    single = np.empty(0, np.int64)
    if raw.size and int(raw.max()) >= 0xC2:
        _leave_out_marks(raw, inside)
        single = _ideographs(raw)
        single = single[inside[single]]
    begins = inside.copy()
    begins[1:] &= ~inside[:-1]
    ends = inside.copy()
    ends[:-1] &= ~inside[1:]
    if len(single):
        before, after = single[single > 0] - 1, single[single < len(raw) - 3] + 3
        begins[single] = True
        ends[before] |= inside[before]
        begins[after] |= inside[after]
        ends[after - 1] |= inside[after - 1]
    starts = np.flatnonzero(begins)
    stops = np.flatnonzero(ends) + 1
    hashes = _numbers(joined, starts, stops)
    first, last = raw[starts] - np.uint8(ord("0")), raw[stops - 1] - np.uint8(ord("0"))  # others turn out greater
    offsets = np.cumsum([0, *(len(data) + 1 for data in block)])
    return Words(hashes, (first < 10) & (last < 10)), np.searchsorted(starts, offsets)


def _numbers(joined: bytes, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> Hashes:
    """The numbers of words: of their first 16 bytes, the last 8 of a longer one, and its length."""
    at_any = np.ndarray((len(joined) - _LOAD + 1,), np.dtype("<u8"), joined, strides=(1,))
    lengths = stops - starts
    found: Hashes = at_any[starts]
    found &= _FIRST[np.minimum(lengths, _LOAD)]
    found *= np.uint64(_BASE)
    more = np.flatnonzero(lengths > _LOAD)
    if len(more):
        second = at_any[starts[more] + _LOAD] & _FIRST[np.minimum(lengths[more] - _LOAD, _LOAD)]
        third = at_any[stops[more] - _LOAD]
        longer = found[more] + lengths[more].astype(np.uint64)
        for rest in (second, third):
            longer = mixed(mixed(longer) ^ rest * np.uint64(_BASE))
        found[more] = longer
    return mixed(found)


def _leave_out_marks(raw: NDArray[np.uint8], inside: NDArray[np.bool_]) -> None:
    """Signs beyond ASCII that stand in no word: those of Latin-1, of general, Chinese and full-width punctuation."""
    padded = np.append(raw, np.zeros(2, np.uint8))
    for lead, length, seconds in (
        (0xC2, 2, range(0x80, 0xC0)),
        (0xE2, 3, range(0x80, 0x84)),
        (0xE3, 3, range(0x80, 0x81)),
        (0xEF, 3, range(0xBC, 0xBE)),
    ):
        places = np.flatnonzero(raw == lead)
        following = padded[places + 1]
        places = places[(following >= seconds.start) & (following < seconds.stop)]
        for step in range(length):
            inside[np.minimum(places + step, len(raw) - 1)] = False


def _ideographs(raw: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where characters begin that are words by themselves, of scripts without spaces: three bytes each."""
    places = np.flatnonzero((raw >= 0xE3) & (raw <= 0xE9))
    thai = np.flatnonzero(raw == 0xE0)
    if len(thai):
        following = np.append(raw, np.uint8(0))[thai + 1]
        places = np.sort(np.append(places, thai[(following >= 0xB8) & (following <= 0xBB)]))
    return places
