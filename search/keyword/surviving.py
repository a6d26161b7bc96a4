"""What a merge takes over from one of its parts: the rows that are kept, and what is left of each term and form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.keyword.layout import KeywordSegment
from search.keyword.lexicon import Lexicon, form_key
from search.keyword.packing import Array, code_bits, decode_codes
from search.storage.container import Part

# Occurrences that are worked on at once; a single term with more is one piece.
PIECE = 1 << 22


class Survivors:
    """What is left of the terms ``first`` to ``last`` of a source: per posting ``term`` (its number there), ``row`` (in
    the result) and ``freq``; per occurrence ``position`` and ``form`` (its number there, None for metadata). ``alive``
    is of all the postings of these ``terms`` terms."""

    def __init__(self, source: Source, first: int, last: int, with_forms: bool) -> None:
        part = source.part
        counts = np.diff(source.posting_starts[first : last + 1])
        start, stop = int(source.posting_starts[first]), int(source.posting_starts[last])
        docs = part["docs"][start:stop]
        self.terms = last - first
        freqs = source.segment.freqs_between(start, stop)
        self.alive = source.keep[docs]
        everything = bool(self.alive.all())
        term = np.repeat(np.arange(first, last, dtype=np.int32), counts)
        self.term = term if everything else term[self.alive]
        self.freq = freqs if everything else freqs[self.alive]
        self.row = source.rows[docs if everything else docs[self.alive]]
        start, stop = int(source.position_starts[first]), int(source.position_starts[last])
        self.position = source.segment.positions_between(start, stop)
        self.form = source.forms_between(first, last) if with_forms else None
        if not everything:
            occurs = np.repeat(self.alive, freqs)
            self.position = self.position[occurs]
            self.form = None if self.form is None else self.form[occurs]


class Source:
    """One of the parts, the rows of it that survive, and where its terms and forms go."""

    def __init__(self, part: Part, keep: NDArray[np.bool_], base: int) -> None:
        self.part, self.keep = part, keep
        self.segment = KeywordSegment(part)
        self.rows = (np.cumsum(keep) - 1 + base).astype(np.uint32)
        self.posting_starts: NDArray[np.int64] = part["posting_starts"]
        self.position_starts: NDArray[np.int64] = part["position_starts"]
        self.form_starts: NDArray[np.int32] = part["form_starts"]
        self.forms_per_term = np.diff(self.form_starts)
        # The text space sorts first.
        self.text_terms = int(np.count_nonzero(self.forms_per_term))
        self._count()

    def _count(self) -> None:
        """What survives of each term and form, and how many numbers will need more than their narrow width."""
        if self.keep.all():  # the usual case: all of it, and the part itself says how much that is
            self.docs_per_term = np.diff(self.posting_starts)
            self.occurrences = np.diff(self.position_starts)
            self.alive_forms = np.arange(len(self.segment.surfaces))
            self.wide_freqs = self._stored_wide("freqs", np.uint8)
            self.wide_positions = self._stored_wide("positions", np.uint16)
            return
        terms, forms = len(self.forms_per_term), len(self.segment.surfaces)
        self.docs_per_term = np.zeros(terms, np.int64)
        self.occurrences = np.zeros(terms, np.int64)
        form_counts = np.zeros(forms, np.int64)
        self.wide_freqs = self.wide_positions = 0
        for first, last in pieces_of(self.position_starts, self.text_terms):
            left = Survivors(self, first, last, with_forms=first < self.text_terms)
            local = left.term - first
            self.docs_per_term[first:last] = np.bincount(local, minlength=last - first)
            self.occurrences[first:last] = np.bincount(local, weights=left.freq, minlength=last - first)
            self.wide_freqs += _count_wide(left.freq, np.uint8)
            self.wide_positions += _count_wide(left.position, np.uint16)
            if left.form is not None:
                start, stop = int(self.form_starts[first]), int(self.form_starts[last])
                form_counts[start:stop] = np.bincount(left.form - start, minlength=stop - start)
        self.alive_forms = np.flatnonzero(form_counts)

    def _stored_wide(self, name: str, dtype: type[np.unsignedinteger[Any]]) -> int:
        low = self.part[name]
        return len(self.part[f"{name}_wide_at"]) if low.dtype == dtype else _count_wide(low, dtype)

    def forms_between(self, first: int, last: int) -> NDArray[np.int32]:
        """The form of each occurrence of a range of text terms."""
        counts = np.diff(self.position_starts[first : last + 1])
        code_starts = self.part["code_starts"]
        packed = self.part["codes"][int(code_starts[first]) : int(code_starts[last])]
        codes = decode_codes(packed, counts, code_bits(self.forms_per_term[first:last]))
        return np.repeat(self.form_starts[first:last], counts) + codes

    def learn(self, forms: dict[bytes, int], words: list[bytes], values: dict[bytes, int]) -> None:
        """Add what survives to the dictionaries of the result."""
        terms = self.segment.terms.between(0, len(self.segment.terms))
        surfaces = self.segment.surfaces.between(0, len(self.segment.surfaces))
        own_words = self.segment.words.between(0, len(self.segment.words))
        word_of_form = np.empty(len(surfaces), np.int64)
        word_of_form[self.segment.word_forms] = np.repeat(
            np.arange(len(own_words)), np.diff(self.segment.word_form_starts)
        )
        term_of_form = np.repeat(np.arange(len(terms)), self.forms_per_term)
        self._forms = self.alive_forms
        self._terms_of_forms = term_of_form[self._forms]
        numbers = []
        alive = (self._forms.tolist(), self._terms_of_forms.tolist(), word_of_form[self._forms].tolist())
        for form, term, word in zip(*alive, strict=True):
            number = forms.setdefault(form_key(terms[term], surfaces[form]), len(words))
            if number == len(words):
                words.append(own_words[word])
            numbers.append(number)
        self._numbers = np.array(numbers, np.int64)
        self._values = self.text_terms + np.flatnonzero(self.docs_per_term[self.text_terms :])
        self._value_numbers = np.array(
            [values.setdefault(terms[value], len(values)) for value in self._values.tolist()], np.int64
        )

    def settle(self, lexicon: Lexicon, term_of_form: NDArray[np.int32]) -> None:
        """Now that the result's dictionary is known: where each of the own terms and forms is in it, or -1."""
        self.form_map = np.full(len(self.segment.surfaces), -1, np.int32)
        self.form_map[self._forms] = lexicon.form_numbers[self._numbers]
        self.term_map = np.full(len(self.forms_per_term), -1, np.int32)
        self.term_map[self._terms_of_forms] = term_of_form[self.form_map[self._forms]]
        self.term_map[self._values] = lexicon.value_numbers[self._value_numbers]
        self.terms_left = np.flatnonzero(self.term_map >= 0)

    def between(self, first: int, last: int, with_forms: bool) -> tuple[int, Survivors] | None:
        """What goes to the terms ``first`` to ``last`` of the result, and the first own term that does."""
        low, high = np.searchsorted(self.term_map[self.terms_left], (first, last))
        if low == high:
            return None
        own = int(self.terms_left[low])
        return own, Survivors(self, own, int(self.terms_left[high - 1]) + 1, with_forms)


def pieces_of(position_starts: NDArray[np.int64], text_terms: int) -> Iterator[tuple[int, int]]:
    """Ranges of terms with about ``PIECE`` occurrences, none of them with terms of both text and metadata."""
    for first, end in ((0, text_terms), (text_terms, len(position_starts) - 1)):
        while first < end:
            last = int(np.searchsorted(position_starts, position_starts[first] + PIECE, "right")) - 1
            last = min(max(last, first + 1), end)
            yield first, last
            first = last


def _count_wide(values: Array, dtype: type[np.unsignedinteger[Any]]) -> int:
    limit = np.iinfo(dtype).max
    return 0 if np.iinfo(values.dtype).max <= limit else int(np.count_nonzero(values > limit))
