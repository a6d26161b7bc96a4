"""How often the words of the text space occur in some articles: counted over whole postings, not read from texts.

Terms are numbered across segments: the same term has the same number in all. Occurrences in bylines are not counted:
who writes says nothing of what is written about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.analysis import SUBFIELDS, TEXT_SPACE
from search.keyword.part.layout import KeywordSegment
from search.keyword.readings import INITIAL_SIGN

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_AT_ONCE = 1 << 21  # postings
_BYLINE = SUBFIELDS.index("byline")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Index(Protocol):
    """The keyword parts of a snapshot: see ``KeywordIndex``."""

    segments: list[KeywordSegment]
    bases: list[int]

    @property
    def stride(self) -> int:
        """Places for each article."""


class Places(NamedTuple):
    """Where some terms stand: int64[o] each, by address. ``at`` is the address of an occurrence, ``term`` the place of
    its term among those that were asked for, ``form`` the place of its spelling among the ``forms``."""

    at: Numbers
    term: Numbers
    form: Numbers
    forms: Sequence[str]


class Stretch(NamedTuple):
    """Some terms' postings in one segment: their ``numbers`` int64[t], where the postings of each begin, ``starts``
    int64[t], and of each posting the ordinal of its article and how often that has the term, bylines aside."""

    numbers: Numbers
    starts: Numbers
    ordinals: Numbers
    freqs: NDArray[np.int32]


class Tally:
    """The terms of the text space of all segments, numbered. Threads may share it.

    That two segments' terms are the same is told by a number of 64 bits made of their bytes; ``term`` and ``places``
    go by the letters.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        spaces = [len(segment.prefix_range(TEXT_SPACE, "")) for segment in index.segments]
        hashes = [np.empty(0, np.uint64)]
        hashes += [_hashes(segment, count) for segment, count in zip(index.segments, spaces, strict=True)]
        _, self._first, numbers = np.unique(np.concatenate(hashes), return_index=True, return_inverse=True)
        self._starts = np.concatenate(([0], np.cumsum(spaces, dtype=np.int64)))
        self._numbers = np.split(numbers.astype(np.int64), self._starts[1:-1])

    @property
    def stride(self) -> int:
        """How far the addresses of two articles' words are apart."""
        return self._index.stride

    def __len__(self) -> int:
        """How many different terms there are."""
        return len(self._first)

    def term(self, number: int) -> str:
        """The text of a term."""
        place = int(self._first[number])
        segment = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self._index.segments[segment].term(place - int(self._starts[segment]))[1]

    def counts(self, mask: Mask) -> tuple[Numbers, Numbers]:
        """int64[terms] each: how often every term occurs in the articles of a mask, and in how many of them."""
        occurrences, articles = np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        for numbers, starts, ordinals, freqs in self._stretches():
            own = mask[ordinals]
            freqs *= own
            occurrences[numbers] += np.add.reduceat(freqs, starts, dtype=np.int64)
            articles[numbers] += np.add.reduceat(freqs > 0, starts, dtype=np.int64)
        return occurrences, articles

    def by_group(self, groups: Numbers, size: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """How often terms occur by group of articles, int64[e] each: the term, the group, the occurrences and the
        articles, wherever there are any. ``groups`` int64[N] has numbers below ``size``, -1 for an article of none."""
        keys, sums, each = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for numbers, starts, ordinals, freqs in self._stretches():
            group = groups[ordinals]
            places = np.flatnonzero((group >= 0) & (freqs > 0))
            term = np.repeat(numbers, np.diff(starts, append=len(ordinals)))[places]
            found, back, count = np.unique(term * size + group[places], return_inverse=True, return_counts=True)
            keys.append(found)
            sums.append(np.bincount(back, freqs[places], len(found)).astype(np.int64))
            each.append(count.astype(np.int64))
        every, back = np.unique(np.concatenate(keys), return_inverse=True)
        occurrences = np.bincount(back, np.concatenate(sums), len(every)).astype(np.int64)
        articles = np.bincount(back, np.concatenate(each), len(every)).astype(np.int64)
        return every // size, every % size, occurrences, articles

    def _stretches(self) -> Iterator[Stretch]:
        """The postings of all terms, some at a time."""
        for segment, base, numbers in zip(self._index.segments, self._index.bases, self._numbers, strict=False):
            part = segment.part
            starts = part["posting_starts"][: len(numbers) + 1].astype(np.int64)
            first = 0
            while first < len(numbers):
                deadline.check()
                last = max(int(np.searchsorted(starts, starts[first] + _AT_ONCE, side="right")) - 1, first + 1)
                run = slice(int(starts[first]), int(starts[last]))
                freqs = segment.freqs_between(run.start, run.stop).astype(np.int32)
                minors = slice(int(part["minor_starts"][first]), int(part["minor_starts"][last]))
                each = np.diff(part["minor_starts"][first : last + 1])
                at = np.repeat(starts[first:last], each) - run.start + part["minor_postings"][minors]
                bylines = part["minor_fields"][minors] == _BYLINE
                freqs[at[bylines]] -= part["minor_freqs"][minors][bylines]
                docs = segment.docs_between(first, last).astype(np.int64)
                filled = np.flatnonzero(starts[first + 1 : last + 1] > starts[first:last])  # reduceat minds empty runs
                if len(filled):
                    own = numbers[first:last][filled]
                    yield Stretch(own, starts[first:last][filled] - run.start, docs + base, freqs)
                first = last

    def places(self, terms: Sequence[str], mask: Mask) -> Places:
        """Where some terms stand in the articles of a mask, titles and bylines included."""
        at, which, form = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        forms: dict[str, int] = {}
        for place, term in enumerate(terms):
            for segment, base in zip(self._index.segments, self._index.bases, strict=False):
                deadline.check()
                tid = segment.find(TEXT_SPACE, term)
                if tid < 0:
                    continue
                ordinals = np.repeat(segment.docs(tid).astype(np.int64) + base, segment.freqs(tid))
                own = mask[ordinals]
                spelled = [forms.setdefault(one.replace(INITIAL_SIGN, " "), len(forms)) for one in segment.forms(tid)]
                codes = segment.codes(tid)
                held = np.zeros(len(ordinals), np.int64) if codes is None else codes.astype(np.int64)
                at.append((ordinals * self._index.stride + segment.positions(tid))[own])
                which.append(np.full(int(np.count_nonzero(own)), place))
                form.append(np.array(spelled, np.int64)[held][own])
        addresses = np.concatenate(at)
        order = np.argsort(addresses, kind="stable")
        return Places(addresses[order], np.concatenate(which)[order], np.concatenate(form)[order], list(forms))


def _hashes(segment: KeywordSegment, count: int) -> NDArray[np.uint64]:
    """uint64[count]: of each of the first terms a number made of its bytes, one byte after the other."""
    ends = segment.part["terms_ends"][:count].astype(np.int64)
    starts = np.concatenate(([0], ends[:-1])) if count else ends
    blob = segment.part["terms_blob"]
    hashes = (ends - starts).astype(np.uint64)
    left = np.arange(count)
    byte = 0
    while len(left):
        deadline.check()
        hashes[left] = (hashes[left] ^ blob[starts[left] + byte]) * _MULTIPLIER
        hashes[left] ^= hashes[left] >> np.uint64(29)
        byte += 1
        left = left[starts[left] + byte < ends[left]]
    return hashes
