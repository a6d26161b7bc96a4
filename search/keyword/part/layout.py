"""A keyword part as arrays: what is in it, and how it is read without copying it.

A term's key is one byte for its space and its UTF-8 text; keys are sorted as bytes. Postings, positions, forms and
sentences are runs in flat arrays, found by start offsets. Terms of the text space keep the spellings they stand for
(forms) and, where there are several, which one each occurrence has (codes).
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged, ArchiveMismatch
from search.keyword.analysis import ANALYSIS_VERSION, ENGLISH, GAP, SUBFIELDS, Analysis
from search.keyword.part.packing import Array, StringTable, Wide, code_bits, decode_term, letter_bits, term_key
from search.storage.container import Part

KIND = "keyword"
OFFSETS = "sentence_offsets"
"""Where each sentence begins in its article's text, in characters: 0 for those before the text. Parts of before
December 2026 have none."""
CACHED_LOOKUPS = 4096


class KeywordSegment:
    """The keyword part of one segment. ``articles`` is how many rows it has.

    Arrays are read-only views of the mapped file wherever their stored width allows. Unsigned arrays keep their stored
    width where the docstring says so: widen them before adding to them.
    ``analysis`` says what its words are; None: it is read for no words.
    Raises ArchiveMismatch for a part made by another analysis, ArchiveDamaged for arrays that do not fit together.
    """

    def __init__(self, part: Part, analysis: Analysis | None = ENGLISH) -> None:
        found = part.meta.get("analysis")
        if found != ANALYSIS_VERSION:
            raise ArchiveMismatch(
                f"{part.path} was indexed with version {found!r} of the text analysis and this program has version "
                f"{ANALYSIS_VERSION}; index the articles again"
            )
        if analysis is not None and part.meta.get("language") != analysis.stamp:
            raise ArchiveMismatch(
                f"{part.path} has words of the language {part.meta.get('language') or ENGLISH.name}, not of "
                f"{analysis.stamp or ENGLISH.name}; 'broadsheet doctor --repair' analyses them again"
            )
        self.analysis = ENGLISH if analysis is None else analysis
        self.part = part
        self.lengths: NDArray[np.uint32] = part["lengths"]
        self.articles = len(self.lengths)
        self.terms = StringTable(part["terms_blob"], part["terms_ends"])
        self.surfaces = StringTable(part["forms_blob"], part["forms_ends"])
        self.words = StringTable(part["words_blob"], part["words_ends"])
        self.form_starts: NDArray[np.int32] = part["form_starts"]
        self.word_form_starts: Array = part["word_form_starts"]
        self.word_forms: Array = part["word_forms"]
        self.word_counts: Array = part["word_counts"]
        self.sentence_starts: NDArray[np.int64] = part["sentence_starts"]
        self.sentences: Array = part["sentences"]
        self.offsets: Array | None = part[OFFSETS] if OFFSETS in part else None  # noqa: SIM401
        self.paragraph_starts: NDArray[np.int64] = part["paragraph_starts"]
        self.paragraphs: Array = part["paragraphs"]
        self._docs = part["docs"]
        self._freqs = Wide(part, "freqs")
        self._positions = Wide(part, "positions")
        # Single numbers are read many times a query, and a memoryview gives them three times faster than an array.
        self._posting_starts = part["posting_starts"].data
        self._position_starts = part["position_starts"].data
        self._minor_starts = part["minor_starts"].data
        self._form_starts = self.form_starts.data
        self._code_starts = part["code_starts"].data
        self._found: dict[tuple[int, str], int] = {}
        self._check_shapes()

    def __len__(self) -> int:
        return self.articles

    def _check_shapes(self) -> None:
        part, terms, words = self.part, len(self.terms), len(self.words)
        runs = (
            (self._posting_starts, terms, self._docs),
            (self._position_starts, terms, part["positions"]),
            (self._minor_starts, terms, part["minor_postings"]),
            (self._form_starts, terms, part["forms_ends"]),
            (self._code_starts, terms, part["codes"]),
            (self.word_form_starts, words, self.word_forms),
            (self.sentence_starts, self.articles, self.sentences),
            (self.paragraph_starts, self.articles, self.paragraphs),
        )
        sound = all(len(starts) == n + 1 and starts[0] == 0 and starts[n] == len(items) for starts, n, items in runs)
        pairs = (("freqs", "docs"), ("minor_fields", "minor_postings"), ("minor_freqs", "minor_postings"))
        sound = sound and all(len(part[a]) == len(part[b]) for a, b in pairs) and len(self.word_counts) == words
        sound = sound and (self.offsets is None or len(self.offsets) == len(self.sentences))
        tables = (("terms_blob", "terms_ends"), ("forms_blob", "forms_ends"), ("words_blob", "words_ends"))
        sound = sound and all(len(part[a]) == (part[b][-1] if len(part[b]) else 0) for a, b in tables)
        if not sound or self.lengths.shape != (part.meta.get("articles"), len(SUBFIELDS)):
            raise ArchiveDamaged(f"{part.path} has arrays that do not fit together; run 'broadsheet doctor'")

    @functools.cached_property
    def word_letters(self) -> NDArray[np.uint32]:
        """uint32[words]: which letters each folded word has (``letter_bits``)."""
        return letter_bits(self.part["words_blob"], self.part["words_ends"])

    def find(self, space: int, term: str) -> int:
        """The id of a term, or -1."""
        key = (space, term)
        number = self._found.get(key)
        if number is None:
            number = self.terms.find(term_key(space, term))
            if len(self._found) >= CACHED_LOOKUPS:
                self._found.clear()
            self._found[key] = number
        return number

    def term(self, tid: int) -> tuple[int, str]:
        """(space, text) of a term id."""
        key = self.terms[tid]
        return key[0], key[1:].decode("utf-8", "replace")

    def prefix_range(self, space: int, prefix: str) -> range:
        """The ids of the terms of a space that start with ``prefix``. Whole values (VALUE_MARK) come first."""
        return self.terms.prefix_range(term_key(space, prefix))

    def document_frequency(self, tid: int) -> int:
        """How many rows have the term."""
        return int(self._posting_starts[tid + 1] - self._posting_starts[tid])

    def frequency(self, tid: int) -> int:
        """How often the term occurs in all rows together."""
        return int(self._position_starts[tid + 1] - self._position_starts[tid])

    def position_start(self, tid: int) -> int:
        """How many occurrences there are of the terms before this one."""
        return int(self._position_starts[tid])

    def docs(self, tid: int) -> NDArray[np.uint32]:
        """The rows that have the term, ascending."""
        return self.docs_between(tid, tid + 1)

    def docs_between(self, first: int, last: int) -> NDArray[np.uint32]:
        """The rows that have the terms ``first`` to ``last`` (exclusive), one term's after the other's."""
        run = self._docs[self._posting_starts[first] : self._posting_starts[last]]
        return run.astype(np.uint32, copy=False)

    def freqs(self, tid: int) -> NDArray[np.uint32]:
        """How often the term occurs in each of ``docs(tid)``, all sub-fields together."""
        return self.freqs_between(self._posting_starts[tid], self._posting_starts[tid + 1])

    def freqs_between(self, start: int, stop: int) -> NDArray[np.uint32]:
        """The frequencies of a range of postings, counted over all terms."""
        return self._freqs.run(start, stop).astype(np.uint32, copy=False)

    def positions(self, tid: int) -> Array:
        """The positions of all occurrences, row after row as in ``docs``, ascending in a row; uint16 or uint32."""
        return self.positions_between(self._position_starts[tid], self._position_starts[tid + 1])

    def positions_between(self, start: int, stop: int) -> Array:
        """The positions of a range of occurrences, counted over all terms; uint16 or uint32."""
        return self._positions.run(start, stop)

    def minors(self, tid: int) -> tuple[Array, Array, Array]:
        """(index into ``docs(tid)`` uint32, sub-field 0..3 uint8, frequency u1..u4): the share of the frequencies that
        lies outside the text, ascending by index, then by sub-field."""
        run = slice(self._minor_starts[tid], self._minor_starts[tid + 1])
        return self.part["minor_postings"][run], self.part["minor_fields"][run], self.part["minor_freqs"][run]

    def forms(self, tid: int) -> list[str]:
        """The surfaces that a term of the text space stands for, sorted as bytes; empty in other spaces."""
        found = self.surfaces.between(self._form_starts[tid], self._form_starts[tid + 1])
        return [surface.decode("utf-8", "replace") for surface in found]

    def codes(self, tid: int) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
        """For each of ``positions(tid)`` the index into ``forms(tid)``; None where the term has at most one form."""
        forms = self._form_starts[tid + 1] - self._form_starts[tid]
        if forms <= 1:
            return None
        packed = self.part["codes"][self._code_starts[tid] : self._code_starts[tid + 1]]
        return decode_term(packed, self.frequency(tid), int(code_bits(np.array(forms))))

    @functools.cached_property
    def field_starts(self) -> NDArray[np.int64]:
        """int64[n, 5]: the position at which each sub-field of each row starts."""
        starts = np.zeros(self.lengths.shape, np.int64)
        np.cumsum(self.lengths[:, :-1].astype(np.int64) + GAP, axis=1, out=starts[:, 1:])
        return starts
