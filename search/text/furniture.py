"""The sentences of texts as numbers: what a source prints again and again is known by them.

Two sentences have one number where their words are the same in the same order; case, marks and layout count for
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.text.copies import words
from search.text.copies.words import Hashes, Reading
from search.text.sentences import TextLayout

FIRST, LAST = 3, 5
"""Sentences at the beginning and at the end of a text that stand at its edges."""
EDGE, LABEL = 1, 2
"""Flags of a sentence: it stands at an edge; it is a label, of ``FEWEST`` words, or up to ``FEW`` none of which begins
with a small letter: a name, a byline, "Yes", "Advertisement"."""
FEWEST, FEW = 2, 4
LONGEST = (1 << 16) - 1
"""Characters of a sentence that is looked at: what is longer is no sentence."""

_OPENING = "\"'“‘„«([—–-•*"


class Sentences(NamedTuple):
    """The s sentences of n texts. ``numbers`` uint64[s], 0 for one without words, or too long; ``starts``, ``ends``
    int64[s], where they stand in their text; ``owners`` int64[s], which text that is; ``flags`` uint8[s]."""

    numbers: Hashes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    owners: NDArray[np.int64]
    flags: NDArray[np.uint8]


class SentenceReader:
    """Numbers the sentences of texts while these are read, some at a time, in order."""

    def __init__(self, texts: Sequence[str], layouts: Sequence[TextLayout]) -> None:
        self._texts, self._layouts = texts, layouts
        counts = np.array([len(layout.starts) for layout in layouts], np.int64)
        self._bounds = np.concatenate(([0], np.cumsum(counts)))
        total = int(self._bounds[-1])
        self._starts = np.fromiter(chain.from_iterable(layout.starts for layout in layouts), np.int64, total)
        self._ends = np.fromiter(chain.from_iterable(layout.ends for layout in layouts), np.int64, total)
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._numbers = np.zeros(total, np.uint64)
        self._words = np.zeros(total, np.int64)
        self._done = 0

    def __call__(self, reading: Reading) -> None:
        """Take the next texts."""
        size = len(reading.bounds) - 1
        own = slice(int(self._bounds[self._done]), int(self._bounds[self._done + size]))
        firsts = reading.words_at(self._owners[own] - self._done, self._starts[own])
        bounds = np.append(firsts, len(reading.hashes))  # outside of sentences there is white space only
        self._numbers[own] = words.digests(reading.hashes, bounds)
        self._words[own] = np.diff(bounds)
        self._done += size

    def sentences(self) -> Sentences:
        """All sentences; those of texts that were not taken yet are read now."""
        for reading in words.readings(self._texts[self._done :]):
            self(reading)
        places = np.arange(len(self._starts)) - self._bounds[self._owners]
        left = self._bounds[self._owners + 1] - self._bounds[self._owners] - places
        flags = ((places < FIRST) | (left <= LAST)).astype(np.uint8) * np.uint8(EDGE)
        flags[self._labels()] |= LABEL
        none = (self._words == 0) | (self._ends - self._starts > LONGEST)
        return Sentences(np.where(none, np.uint64(0), self._numbers), self._starts, self._ends, self._owners, flags)

    def _labels(self) -> NDArray[np.int64]:
        some = np.flatnonzero((self._words > FEWEST) & (self._words <= FEW))
        places = zip(*(values[some].tolist() for values in (self._owners, self._starts, self._ends)), strict=True)
        capital = [_is_label(self._texts[owner][start:end]) for owner, start, end in places]
        fewest = np.flatnonzero((self._words > 0) & (self._words <= FEWEST))
        return np.concatenate((fewest, some[np.array(capital, np.bool_)]))


def _is_label(sentence: str) -> bool:
    """Does no word begin with a small letter?"""
    return not any(word[0].islower() or word.lstrip(_OPENING)[:1].islower() for word in sentence.split())
