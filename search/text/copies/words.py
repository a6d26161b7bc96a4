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
    read = _read(next(_blocks([text])))
    first, last = (read.raw[at] - np.uint8(ord("0")) for at in (read.starts, read.stops - 1))  # others turn out greater
    return Words(_numbers(read), (first < 10) & (last < 10))


class _Read(NamedTuple):
    """The bytes of some texts as ``_LETTERS`` has them, and where each word begins in them and ends."""

    joined: bytes
    raw: NDArray[np.uint8]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]


class Reading(NamedTuple):
    """Some texts, read together. ``hashes`` uint64[w], their words; ``bounds`` int64[n + 1], where each's begin."""

    hashes: Hashes
    bounds: NDArray[np.int64]
    read: _Read
    offsets: NDArray[np.int64]

    def words_at(self, texts: NDArray[np.int64], characters: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[k]: the first word at each of some characters or after it, of the text that it is given for: the end of
        the text's words where none follows."""
        leads = np.flatnonzero(self.read.raw.view(np.int8) >= -0x40)  # where characters begin in UTF-8
        firsts = np.searchsorted(leads, self.offsets[:-1])
        places = leads[np.minimum(firsts[texts] + characters, len(leads) - 1)]
        found: NDArray[np.int64] = np.minimum(np.searchsorted(self.read.starts, places), self.bounds[texts + 1])
        return found


def readings(texts: Sequence[str]) -> Iterator[Reading]:
    """Texts in order, some at a time."""
    for block in _blocks(texts):
        read = _read(block)
        offsets = np.cumsum([1, *(len(data) + 1 for data in block)])
        yield Reading(_numbers(read), np.searchsorted(read.starts, offsets), read, offsets)


def each(texts: Sequence[str]) -> Iterator[tuple[Hashes, NDArray[np.int64]]]:
    """The numbers of the words of texts, some texts at a time: with ``bounds`` int64[n + 1], where each one's begin."""
    return ((reading.hashes, reading.bounds) for reading in readings(texts))


def _blocks(texts: Sequence[str]) -> Iterator[list[bytes]]:
    """The bytes of texts, so many as are worked on at once."""
    block: list[bytes] = []
    size = 0
    for text in texts:
        data = text.encode("utf-8", "replace")[:LONGEST]
        if block and size + len(data) > _BLOCK:
            yield block
            block, size = [], 0
        block.append(data)
        size += len(data) + 1
    if block:
        yield block


def digests(hashes: Hashes, bounds: NDArray[np.int64]) -> Hashes:
    """uint64[n]: a number for each text's words in their order."""
    powers, inverse = _powers()
    sums = np.zeros(len(bounds) - 1, np.uint64)
    some = np.flatnonzero(bounds[1:] > bounds[:-1])  # reduceat knows no empty stretch
    if len(some):
        sums[some] = np.add.reduceat(hashes * powers[: len(hashes)], bounds[some])
    return mixed(sums * inverse[bounds[:-1]])


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


_BREAK = ord("\n")
_LETTERS = bytes(sign if sign >= 128 or chr(sign).isalnum() else _BREAK for sign in bytes(range(256)).lower())
"""Bytes as they stand in a word, in small letters; what is no ASCII is taken for a letter at first. All else is a
break."""


def _read(block: Sequence[bytes]) -> _Read:
    """Where the words of some texts are. One byte stands before each text."""
    joined = b"\n".join((b"", *block, bytes(_LOAD))).translate(_LETTERS)
    raw = np.frombuffer(joined, np.uint8)
    inside = raw != _BREAK
    leads = np.flatnonzero(raw >= 0xC2)
    single = leads[:0]
    if len(leads):
        _leave_out_marks(raw, leads, inside)
        single = _ideographs(raw, leads)
        single = single[inside[single]]
    if not len(single):
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1  # neither the first byte nor the last is of a word
        return _Read(joined, raw, edges[::2], edges[1::2])
    begins = inside.copy()
    begins[1:] &= ~inside[:-1]
    ends = inside.copy()
    ends[:-1] &= ~inside[1:]
    before, after = single - 1, single + 3
    begins[single] = True
    ends[before] |= inside[before]
    begins[after] |= inside[after]
    ends[after - 1] |= inside[after - 1]
    return _Read(joined, raw, np.flatnonzero(begins), np.flatnonzero(ends) + 1)


def _numbers(read: _Read) -> Hashes:
    """The numbers of words: of their first 16 bytes, the last 8 of a longer one, and its length."""
    joined, starts, stops = read.joined, read.starts, read.stops
    at_any = np.ndarray((len(joined) - _LOAD + 1,), np.dtype("<u8"), joined, strides=(1,))
    lengths = stops - starts
    found: Hashes = at_any[starts]
    found &= _FIRST.take(lengths, mode="clip")
    found *= np.uint64(_BASE)
    more = np.flatnonzero(lengths > _LOAD)
    if len(more):
        begin, size = starts[more], lengths[more]
        second = at_any[begin + _LOAD] & _FIRST.take(size - _LOAD, mode="clip")
        third = at_any[begin + size - _LOAD]
        longer = found[more] + size.astype(np.uint64)
        for rest in (second, third):
            longer = mixed(mixed(longer) ^ rest * np.uint64(_BASE))
        found[more] = longer
    return mixed(found)


def _leave_out_marks(raw: NDArray[np.uint8], leads: NDArray[np.int64], inside: NDArray[np.bool_]) -> None:
    """Signs beyond ASCII that stand in no word: those of Latin-1, of general, Chinese and full-width punctuation.
    ``leads``: where signs of several bytes begin."""
    first, following = raw[leads], raw[leads + 1]
    for lead, length, seconds in (
        (0xC2, 2, range(0x80, 0xC0)),
        (0xE2, 3, range(0x80, 0x84)),
        (0xE3, 3, range(0x80, 0x81)),
        (0xEF, 3, range(0xBC, 0xBE)),
    ):
        places = leads[(first == lead) & (following >= seconds.start) & (following < seconds.stop)]
        for step in range(length):
            inside[places + step] = False


def _ideographs(raw: NDArray[np.uint8], leads: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where characters begin that are words by themselves, of scripts without spaces: three bytes each."""
    first, following = raw[leads], raw[leads + 1]
    thai = (first == 0xE0) & (following >= 0xB8) & (following <= 0xBB)
    places: NDArray[np.int64] = leads[thai | ((first >= 0xE3) & (first <= 0xE9))]
    return places
