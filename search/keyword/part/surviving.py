"""What a merge takes over from one of its parts: the rows that are kept, and what is left of each term and form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import Array, code_bits, decode_codes, decode_term, renumbered, starts_of
from search.storage.container import Part

# Occurrences that are worked on at once, about.
PIECE = 1 << 22


class Stretch:
    """The terms ``first`` to ``last`` of a source, or of a single term the postings ``start`` to ``stop``.

    Nothing is read until asked for. All that is given is of the surviving postings, in the source's order.
    """

    __slots__ = ("first", "last", "positions", "postings", "source")

    def __init__(self, source: Source, first: int, last: int, postings: slice, positions: slice) -> None:
        self.source, self.first, self.last = source, first, last
        self.postings, self.positions = postings, positions

    def __len__(self) -> int:
        """How many postings survive."""
        alive = self.alive()
        return self.postings.stop - self.postings.start if alive is None else int(np.count_nonzero(alive))

    def alive(self) -> NDArray[np.bool_] | None:
        """bool of all postings; None where all of them survive."""
        if self.source.whole:
            return None
        alive: NDArray[np.bool_] = self.source.keep[self.source.part["docs"][self.postings]]
        return None if alive.all() else alive

    def rows(self) -> Array:
        """The row in the result of each posting."""
        source, docs, alive = self.source, self.source.part["docs"][self.postings], self.alive()
        if source.rows is not None:
            rows: NDArray[np.uint32] = source.rows[docs if alive is None else docs[alive]]
            return rows
        if len(docs) and int(docs.max()) >= len(source.keep):
            raise IndexError(f"article {int(docs.max())} of {len(source.keep)}")
        return docs + np.uint32(source.base)

    def terms(self) -> NDArray[np.int64]:
        """The own term of each posting, counted from ``first``."""
        if self.last - self.first == 1:
            counts = np.array([self.postings.stop - self.postings.start])
        else:
            counts = np.diff(self.source.posting_starts[self.first : self.last + 1])
        terms, alive = np.repeat(np.arange(len(counts)), counts), self.alive()
        return terms if alive is None else terms[alive]

    def _all_freqs(self) -> NDArray[np.uint32]:
        return self.source.segment.freqs_between(self.postings.start, self.postings.stop)

    def freqs(self) -> NDArray[np.uint32]:
        """How often the term of each posting occurs in its row."""
        alive, freqs = self.alive(), self._all_freqs()
        return freqs if alive is None else freqs[alive]

    def _of_survivors(self, values: Array) -> Array:
        alive = self.alive()
        return values if alive is None else values[np.repeat(alive, self._all_freqs())]

    def places(self) -> Array:
        """The position of each occurrence."""
        return self._of_survivors(self.source.segment.positions_between(self.positions.start, self.positions.stop))

    def forms(self) -> NDArray[np.int32]:
        """The own form of each occurrence; the terms are all of the text space."""
        source, first = self.source, self.first
        starts = source.form_starts[first : self.last]
        each = source.part["code_starts"]
        if self.last - first > 1:
            counts = np.diff(source.position_starts[first : self.last + 1])
            packed = source.part["codes"][int(each[first]) : int(each[self.last])]
            codes = decode_codes(packed, counts, code_bits(source.forms_per_term[first : self.last]))
            return self._of_survivors(np.repeat(starts, counts) + codes)
        bits = int(code_bits(source.forms_per_term[first : first + 1])[0])
        start, stop = (at - int(source.position_starts[first]) for at in (self.positions.start, self.positions.stop))
        if not bits:
            return self._of_survivors(np.full(stop - start, starts[0], np.int32))
        low = start & ~7  # where a byte starts, whatever the bits
        packed = source.part["codes"][int(each[first]) : int(each[first + 1])]
        packed = packed[low * bits >> 3 : (stop * bits + 7) >> 3]
        return self._of_survivors(starts[0] + decode_term(packed, stop - low, bits)[start - low :].astype(np.int32))

    def minors(self) -> tuple[Array, Array, Array, Array]:
        """What the postings have outside the text: own term counted from ``first``, number of the posting among those
        that survive of its term (of a single term: in this stretch), sub-field, frequency."""
        source, part, first = self.source, self.source.part, self.first
        starts = part["minor_starts"][first : self.last + 1]
        run = slice(int(starts[0]), int(starts[-1]))
        term = np.repeat(np.arange(self.last - first), np.diff(starts))
        counts = np.diff(source.posting_starts[first : self.last + 1])
        if np.any(part["minor_postings"][run] >= counts[term]):
            raise IndexError("a sub-field of a posting that its term does not have")
        # From here on numbered among all the postings of the stretch.
        term_starts = source.posting_starts[first : self.last + 1] - self.postings.start
        if self.last - first == 1:
            bounds = (-term_starts[0], self.postings.stop - source.posting_starts[first])
            low, high = part["minor_postings"][run].searchsorted(bounds).tolist()
            run, term = slice(run.start + low, run.start + high), term[low:high]
        posting = part["minor_postings"][run] + term_starts[term]
        field, freq, alive = part["minor_fields"][run], part["minor_freqs"][run], self.alive()
        kept = term_starts
        if alive is not None:
            numbers = starts_of(alive)
            kept = numbers[np.maximum(term_starts, 0)[:-1]]
            left = alive[posting]
            term, field, freq = term[left], field[left], freq[left]
            posting = numbers[posting[left]]
        return term, posting - np.maximum(kept, 0)[term], field, freq


class Source:
    """One of the parts, the rows of it that survive, and where its terms and forms go.

    ``kept_postings``, ``kept_positions`` and ``kept_minors`` (int64, a start for each own term and the total) say how
    much survives, ``terms_of_text``, ``values`` (metadata terms), ``forms`` and ``words`` (all int64, ascending) what
    of the dictionary; ``wide_freqs``, ``wide_positions`` and ``largest_minor`` which widths the numbers need.
    """

    def __init__(self, part: Part, keep: NDArray[np.bool_], base: int) -> None:
        self.part, self.keep, self.base = part, keep, base
        self.segment = KeywordSegment(part, None)
        self.whole = bool(keep.all())
        self.rows = None if self.whole else (np.cumsum(keep) - 1 + base).astype(np.uint32)
        self.posting_starts: NDArray[np.int64] = part["posting_starts"]
        self.position_starts: NDArray[np.int64] = part["position_starts"]
        self.form_starts: NDArray[np.int32] = part["form_starts"]
        self.forms_per_term = np.diff(self.form_starts)
        # The text space sorts first.
        self.text_terms = int(np.count_nonzero(self.forms_per_term))
        self.wide_freqs = _stored_wide(part, "freqs", np.uint8)
        self.wide_positions = _stored_wide(part, "positions", np.uint16)
        if self.whole:  # the usual case: all of it, and the part itself says how much that is
            self.kept_postings, self.kept_positions = self.posting_starts, self.position_starts
            self.kept_minors: NDArray[np.int64] = part["minor_starts"]
            self.largest_minor = int(part["minor_freqs"].max(initial=0))
            self.forms = np.arange(len(self.segment.surfaces))
            self.form_counts = self._counts_of_words()
        else:
            self._count()
        kept = np.diff(self.kept_postings) > 0
        self.terms_of_text = np.flatnonzero(kept[: self.text_terms])
        self.values = self.text_terms + np.flatnonzero(kept[self.text_terms :])
        self._term_of_form = np.repeat(np.arange(len(self.forms_per_term), dtype=np.int32), self.forms_per_term)
        words = len(self.segment.words)
        self._word_of_form = np.zeros(len(self.segment.surfaces), np.int32)
        self._word_of_form[self.segment.word_forms] = np.repeat(
            np.arange(words, dtype=np.int32), np.diff(self.segment.word_form_starts)
        )
        self.words, _ = renumbered(self._word_of_form[self.forms], words)

    def _counts_of_words(self) -> NDArray[np.int64]:
        """How often each word occurs, said of its first form."""
        counts = np.zeros(len(self.segment.surfaces), np.int64)
        counts[self.segment.word_forms[self.segment.word_form_starts[:-1]]] = self.segment.word_counts
        return counts

    def _count(self) -> None:
        """What survives of each term and form, and how many numbers will need more than their narrow width."""
        terms = len(self.forms_per_term)
        postings, positions, minors = (np.zeros(terms, np.int64) for _ in range(3))
        self.form_counts = np.zeros(len(self.segment.surfaces), np.int64)
        freqs_may, positions_may = bool(self.wide_freqs), bool(self.wide_positions)
        self.wide_freqs = self.wide_positions = self.largest_minor = 0
        for first, last in pieces_of(self.position_starts, self.text_terms):
            for left in self.stretches(first, last):
                local, freqs = left.terms(), left.freqs()
                postings[first:last] += np.bincount(local, minlength=last - first)
                positions[first:last] += np.bincount(local, freqs, last - first).astype(np.int64)
                self.wide_freqs += _count_wide(freqs, np.uint8) if freqs_may else 0
                self.wide_positions += _count_wide(left.places(), np.uint16) if positions_may else 0
                local, _, _, freqs = left.minors()
                minors[first:last] += np.bincount(local, minlength=last - first)
                self.largest_minor = max(self.largest_minor, int(freqs.max(initial=0)))
                if first < self.text_terms:
                    start, stop = int(self.form_starts[first]), int(self.form_starts[last])
                    self.form_counts[start:stop] += np.bincount(left.forms() - start, minlength=stop - start)
        self.kept_postings, self.kept_positions, self.kept_minors = map(starts_of, (postings, positions, minors))
        self.forms = np.flatnonzero(self.form_counts)

    def stretches(self, first: int, last: int) -> Iterator[Stretch]:
        """The terms ``first`` to ``last`` at once, or a single one with very many occurrences a part at a time."""
        start, stop = int(self.posting_starts[first]), int(self.posting_starts[last])
        at, end = int(self.position_starts[first]), int(self.position_starts[last])
        if last - first > 1 or end - at <= PIECE:
            yield Stretch(self, first, last, slice(start, stop), slice(at, end))
            return
        step = max(1, (stop - start) * PIECE // (end - at))
        for low in range(start, stop, step):
            high = min(low + step, stop)
            until = end if high == stop else at + int(self.segment.freqs_between(low, high).sum())
            yield Stretch(self, first, last, slice(low, high), slice(at, until))
            at = until

    def terms_of_forms(self, terms: NDArray[np.int32]) -> NDArray[np.int32]:
        """The term of each surviving form, by the numbers that the surviving terms of the text get."""
        numbers = np.zeros(self.text_terms, np.int32)
        numbers[self.terms_of_text] = terms
        return numbers[self._term_of_form[self.forms]]

    def words_of_forms(self, words: NDArray[np.int32]) -> NDArray[np.int32]:
        """The word of each surviving form, by the numbers that the surviving words get."""
        numbers = np.zeros(len(self.segment.words), np.int32)
        numbers[self.words] = words
        return numbers[self._word_of_form[self.forms]]

    def settle(
        self,
        terms: NDArray[np.int32],
        forms: NDArray[np.int32],
        values: NDArray[np.int32],
        form_starts: NDArray[np.int32],
    ) -> None:
        """Now that the result's dictionary is known: where each own term is in it, or -1, and the code there of each
        own form. The others are the numbers that surviving terms of the text, forms and metadata terms get."""
        self.term_map = np.full(len(self.forms_per_term), -1, np.int32)
        self.term_map[self.terms_of_text] = terms
        self.term_map[self.values] = values
        self.terms_left = np.flatnonzero(self.term_map >= 0)
        self.codes = np.zeros(len(self.segment.surfaces), np.uint16)
        self.codes[self.forms] = forms - form_starts[self.term_map[self._term_of_form[self.forms]]]
        del self._term_of_form, self._word_of_form, self.forms, self.words, self.values, self.form_counts

    def between(self, first: int, last: int) -> Iterator[Stretch]:
        """What goes to the terms ``first`` to ``last`` of the result, in one stretch if they are several."""
        low, high = np.searchsorted(self.term_map[self.terms_left], (first, last))
        if low < high:
            yield from self.stretches(int(self.terms_left[low]), int(self.terms_left[high - 1]) + 1)


def pieces_of(position_starts: NDArray[np.int64], text_terms: int) -> Iterator[tuple[int, int]]:
    """Ranges of terms with about ``PIECE`` occurrences, none of them with terms of both text and metadata."""
    for first, end in ((0, text_terms), (text_terms, len(position_starts) - 1)):
        while first < end:
            last = int(np.searchsorted(position_starts, position_starts[first] + PIECE, "right")) - 1
            last = min(max(last, first + 1), end)
            yield first, last
            first = last


def _stored_wide(part: Part, name: str, dtype: type[np.unsignedinteger[Any]]) -> int:
    low = part[name]
    return len(part[f"{name}_wide_at"]) if low.dtype == dtype else _count_wide(low, dtype)


def _count_wide(values: Array, dtype: type[np.unsignedinteger[Any]]) -> int:
    limit = np.iinfo(dtype).max
    return 0 if np.iinfo(values.dtype).max <= limit else int(np.count_nonzero(values > limit))
