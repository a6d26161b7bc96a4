"""Where the words of one segment stand, as one number for each place and as bits: what joins over all articles run on.

A place's *address* counts words over all sub-fields of all rows; each sub-field that has words starts on a multiple of
64 and is followed by at least 64 empty addresses, so nothing within ``bits.REACH`` crosses from one into the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import ArchiveDamaged
from search.keyword.analysis import GAP, SUBFIELDS, TEXT_SPACE
from search.keyword.cache import Cache
from search.keyword.match import bits
from search.keyword.match.bits import Addresses, Bits
from search.keyword.match.places import Part, Places, Rows, kept
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import Array, ranges, starts_of

LEAST_CACHE = 64 << 20  # bytes for what was asked for last, or this share of a larger archive's keyword parts:
CACHE_SHARE = 4
_MARKED = 128  # a term with more than one in so many addresses is kept as bits
_WAITS = True  # one phrase alone is found sooner without addresses: they wait for the second
_DEARER = 8  # a phrase's frequent word, so many times as frequent as its rarest, is not made bits of for it alone
_CHUNK = 1 << 14  # words of bits that are joined at once: these stay near the processor
_PIECE = 1 << 20  # occurrences whose addresses are made at once
_ROWS = 1 << 14  # whose units are
_TEXT = len(SUBFIELDS) - 1  # the sub-field of nearly all words
# What is kept by term: its addresses, its bits; and the starts of units.
_ADDRESSES, _BITS, _SENTENCES, _PARAGRAPHS = range(4)

Kept = Cache[tuple[int, int, int], Any]


class Grid:
    """The addresses of a segment, whose first ordinal is ``base`` in an index that keeps ``stride`` for each article.

    ``cache`` keeps addresses and bits by base, kind and term. Threads may share it.
    """

    def __init__(self, segment: KeywordSegment, base: int, stride: int, cache: Kept) -> None:
        self.segment, self.base, self._stride, self._cache = segment, base, stride, cache
        self._asked: set[int] = set()
        self._wanted = False

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        """int64[n * 5 + 1]: the word of bits with which each sub-field of each row starts; at last, how many."""
        # Lengths decide how much memory is taken, so they are not believed unseen. Readings count in none.
        if int(self.segment.lengths.sum(dtype=np.int64)) > self.segment.position_start(self._text_terms):
            path = self.segment.part.path
            raise ArchiveDamaged(f"{path} has lengths that are not those of its texts; run 'broadsheet doctor'")
        words = (self.segment.lengths.reshape(-1) + np.uint32(63)) >> 6
        words += words > 0
        return starts_of(words)

    @cached_property
    def words(self) -> int:
        """How many words of bits there are."""
        return int(self._firsts[-1])

    @cached_property
    def _text_terms(self) -> int:
        """How many terms the text space has; it sorts first, and only it has addresses."""
        return self.segment.prefix_range(TEXT_SPACE, "").stop

    @cached_property
    def dtype(self) -> type[np.int32] | type[np.int64]:
        """The type of addresses."""
        return np.int32 if self.words << 6 <= np.iinfo(np.int32).max else np.int64

    @cached_property
    def rows(self) -> NDArray[np.int32]:
        """int32: the row of each word of bits."""
        each = np.diff(self._firsts[:: self.segment.lengths.shape[1]])
        return np.repeat(np.arange(len(self.segment), dtype=np.int32), each)

    @cached_property
    def chunks(self) -> list[slice]:
        """Stretches of whole rows, in words of bits, that are worked on at once."""
        firsts = self._firsts[:: self.segment.lengths.shape[1]]
        edges = np.unique(firsts[firsts.searchsorted(np.arange(0, self.words, _CHUNK))]).tolist()
        return [slice(low, high) for low, high in zip(edges, [*edges[1:], self.words], strict=True)] if edges else []

    def _shifts(self, rows: NDArray[np.int64], fields: Array | int) -> Array:
        """The address of the first word of a sub-field less its position, for each row and sub-field."""
        lengths = self.segment.lengths
        shifts: Array = self._firsts[rows * lengths.shape[1] + fields] << 6
        for earlier in range(lengths.shape[1] - 1):
            shifts -= np.where(fields > earlier, lengths[rows, earlier] + GAP, 0)
        return shifts.astype(self.dtype)

    @cached_property
    def _text_shifts(self) -> Array:
        return self._shifts(np.arange(len(self.segment)), _TEXT)

    @cached_property
    def _place_shifts(self) -> Places:
        """int64: a place less its address, for each word of bits."""
        fields = self.segment.lengths.shape[1]
        rows = np.repeat(np.arange(len(self.segment)), fields)
        shifts = (rows + self.base) * self._stride - self._shifts(rows, np.tile(np.arange(fields), len(self.segment)))
        return np.repeat(shifts, np.diff(self._firsts))

    def places(self, addresses: Addresses) -> Places:
        """Addresses as places: see ``occurrences``."""
        found: Places = self._place_shifts[addresses >> 6]
        found += addresses
        return found

    def is_marked(self, tid: int) -> bool:
        """Whether a term of the text space is so frequent that it is kept as bits."""
        return tid < self._text_terms and self.segment.frequency(tid) > self._most

    @cached_property
    def _most(self) -> int:
        """The most occurrences of a term that is kept as addresses."""
        return (self.words << 6) // _MARKED

    def _is_kept(self, tid: int) -> bool:
        """Whether a frequent term's bits are there, or worth making because they are asked for again."""
        if self._cache.get((self.base, _BITS, tid)) is not None or tid in self._asked:
            return True
        self._asked.add(tid)
        return False

    def addresses(self, tid: int) -> Addresses:
        """The addresses of all occurrences of a term, in order."""
        key = self.base, _ADDRESSES, tid
        found: Addresses | None = self._cache.get(key)
        if found is None:
            pieces: list[Any] = list(self._pieces(tid))
            made: Addresses = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            return made if self.is_marked(tid) else self._cache.keep(key, made)
        return found

    def _pieces(self, tid: int) -> Iterator[Addresses]:
        """The addresses of a term, a stretch of its postings at a time."""
        segment = self.segment
        docs, freqs = segment.docs(tid).astype(np.int64), segment.freqs(tid)
        start = segment.position_start(tid)
        ends = np.cumsum(freqs, dtype=np.int64)
        postings, fields, counts = segment.minors(tid)
        low = 0
        while low < len(docs) or not low:
            before = int(ends[low - 1]) if low else 0
            high = max(low + 1, int(ends.searchsorted(before + _PIECE)))
            own = slice(low, high)
            found: Addresses = np.repeat(self._text_shifts[docs[own]], freqs[own])
            found += segment.positions_between(start + before, start + before + len(found)).astype(
                self.dtype, copy=False
            )
            minor = slice(*postings.searchsorted(np.array((low, high), postings.dtype)))
            if minor.start < minor.stop:
                at, rows = postings[minor].astype(np.int64), docs[postings[minor]]
                each = counts[minor].astype(np.int64)
                # The words outside the text come first in each posting, in the order of their sub-fields.
                earlier = np.cumsum(each) - each
                heads = np.flatnonzero(np.diff(at, prepend=-1))
                earlier -= np.repeat(earlier[heads], np.diff(heads, append=len(at)))
                shifts = self._shifts(rows, fields[minor]) - self._text_shifts[rows]
                found[ranges(ends[at] - freqs[at] - before + earlier, each)] += np.repeat(shifts, each)
            yield found
            low = high

    def marks(self, tid: int) -> Bits:
        """The bits of all occurrences of a term."""
        if not self.is_marked(tid):
            return bits.pack([self.addresses(tid)], self.words)
        key = self.base, _BITS, tid
        found: Bits | None = self._cache.get(key)
        return self._cache.keep(key, bits.pack(self._pieces(tid), self.words)) if found is None else found

    def opens(self, paragraphs: bool) -> Bits:
        """The bits of the first words of sentences, or paragraphs."""
        key = self.base, _PARAGRAPHS if paragraphs else _SENTENCES, 0
        found: Bits | None = self._cache.get(key)
        if found is not None:
            return found
        marks = bits.pack(self._unit_pieces(paragraphs), self.words)
        self._cache.keep(key, marks)
        return marks

    def _unit_pieces(self, paragraphs: bool) -> Iterator[Addresses]:
        """The addresses at which units start, of some rows at a time."""
        segment = self.segment
        starts, items = segment.sentence_starts, segment.sentences
        if paragraphs:
            starts, items = segment.paragraph_starts, segment.paragraphs
        for low in range(0, len(segment), _ROWS):
            own = slice(low, low + _ROWS)
            firsts = starts[low : low + _ROWS + 1]
            found: Addresses = np.repeat(self._text_shifts[own], np.diff(firsts))
            found += items[firsts[0] : firsts[-1]].astype(self.dtype)
            # The sub-fields before the text are the first units of each row.
            rows = np.arange(low, low + len(firsts) - 1)
            for field in range(_TEXT):
                shifts = self._shifts(rows, field) - self._text_shifts[own]
                found[firsts[:-1] - firsts[0] + field] += shifts
            # Units without words, at the end of the last row, have no address.
            yield found[: found.searchsorted(self.words << 6)]

    def phrase(self, parts: Sequence[Part]) -> Addresses | None:
        """Where the tokens of a phrase stand one after the other: the addresses of the first one, in order. None where
        row by row is the better way to find that."""
        if _WAITS and "_firsts" not in self.__dict__:
            return None
        order = self._order(parts)
        return None if not order or self.is_marked(parts[order[0]].tid) else self._joined(parts, order)

    def _joined(self, parts: Sequence[Part], order: Sequence[int]) -> Addresses:
        at = order[0]
        found = self._part(parts[at])
        for i in order[1:]:
            deadline.check()
            if not len(found):
                return found
            part, wanted = parts[i], found + (i - at)
            if self.is_marked(part.tid):
                # In front of the first article there is nothing.
                found = wanted[bits.having(self.marks(part.tid), wanted) & (wanted >= 0)]
            else:
                found = kept(wanted, self._part(part))
            at = i
        return found - at if at else found

    def _order(self, parts: Sequence[Part]) -> list[int]:
        """The tokens of a phrase from the rarest on; none where the addresses of them all are not worth having."""
        if len(parts) > bits.REACH:
            return []
        frequencies = [self.segment.frequency(part.tid) for part in parts]
        order = sorted(range(len(parts)), key=frequencies.__getitem__)
        rarest = frequencies[order[0]]
        for i in order:
            tid, frequency = parts[i].tid, frequencies[i]
            if tid >= self._text_terms:
                return []
            if frequency > self._most and (
                parts[i].forms is not None or (frequency > rarest * _DEARER and not self._is_kept(tid))
            ):
                return []
        return order

    def _part(self, part: Part) -> Addresses:
        found = self.addresses(part.tid)
        codes = None if part.forms is None else self.segment.codes(part.tid)
        return found if part.forms is None or codes is None else found[part.forms[codes]]

    def phrase_rows(self, parts: Sequence[Part]) -> Rows | None:
        """The rows that have a phrase, repeats allowed; None where it is better looked for row by row."""
        if _WAITS and not self._wanted:
            self._wanted = True
            return None
        order = self._order(parts)
        if not order:
            return None
        if not self.is_marked(parts[order[0]].tid):
            found: Rows = self.rows[self._joined(parts, order) >> 6]
            return found
        every = [self.marks(part.tid) for part in parts]
        hits = [np.empty(0, np.int64)]
        for own in self.chunks:
            deadline.check()
            left = every[0][own]
            for i, marks in enumerate(every[1:], 1):
                left = left & bits.down(marks[own], i)
            hits.append(np.flatnonzero(left) + own.start)
        return self.rows[np.concatenate(hits)]
