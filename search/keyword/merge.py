"""Keyword parts to one: dictionaries are united, everything else is gathered. No text is analysed again.

The rows that survive keep their order, so each term's postings are those of the parts one after the other. The work is
cut into ranges of terms, which bounds what is held beside the result: the result itself, and one range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.keyword.analysis import ANALYSIS_VERSION
from search.keyword.layout import KeywordSegment
from search.keyword.lexicon import Lexicon, form_key
from search.keyword.packing import (
    Array,
    code_bits,
    code_sizes,
    decode_codes,
    docs_dtype,
    encode_codes,
    few_wide,
    fit,
    starts_of,
)
from search.keyword.writer import build_part
from search.storage.container import Part

# Occurrences that are worked on at once; a single term with more is one piece.
_PIECE = 1 << 22


class _Survivors:
    """What is left of the terms ``first`` to ``last`` of a source: per posting ``term`` (its number there), ``row`` (in
    the result) and ``freq``; per occurrence ``position`` and ``form`` (its number there, None for metadata). ``alive``
    is of all the postings of these ``terms`` terms."""

    def __init__(self, source: _Source, first: int, last: int, with_forms: bool) -> None:
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


class _Source:
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
        for first, last in _pieces(self.position_starts, self.text_terms):
            left = _Survivors(self, first, last, with_forms=first < self.text_terms)
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

    def between(self, first: int, last: int, with_forms: bool) -> tuple[int, _Survivors] | None:
        """What goes to the terms ``first`` to ``last`` of the result, and the first own term that does."""
        low, high = np.searchsorted(self.term_map[self.terms_left], (first, last))
        if low == high:
            return None
        own = int(self.terms_left[low])
        return own, _Survivors(self, own, int(self.terms_left[high - 1]) + 1, with_forms)


def _pieces(position_starts: NDArray[np.int64], text_terms: int) -> Iterator[tuple[int, int]]:
    """Ranges of terms with about ``_PIECE`` occurrences, none of them with terms of both text and metadata."""
    for first, end in ((0, text_terms), (text_terms, len(position_starts) - 1)):
        while first < end:
            last = int(np.searchsorted(position_starts, position_starts[first] + _PIECE, "right")) - 1
            last = min(max(last, first + 1), end)
            yield first, last
            first = last


def _count_wide(values: Array, dtype: type[np.unsignedinteger[Any]]) -> int:
    limit = np.iinfo(dtype).max
    return 0 if np.iinfo(values.dtype).max <= limit else int(np.count_nonzero(values > limit))


_Found = tuple[_Source, int, _Survivors]


class _WideOut:
    """The arrays of a Wide, filled in order. What does not fit keeps its low bits in place, as in ``narrow``."""

    def __init__(self, name: str, total: int, wide: int, dtype: type[np.unsignedinteger[Any]]) -> None:
        self._name, self._filled = name, 0
        self._low = np.empty(total, dtype if few_wide(wide, total) else np.uint32)
        self._at = np.empty(wide if self._low.dtype == dtype else 0, np.uint64)
        self._whole = np.empty(len(self._at), np.uint32)
        self._aside = 0

    def put(self, values: Array) -> None:
        self._low[self._filled : self._filled + len(values)] = values
        if len(self._at):
            at = np.flatnonzero(values > np.iinfo(self._low.dtype).max)
            aside = slice(self._aside, self._aside + len(at))
            self._at[aside], self._whole[aside] = at + self._filled, values[at]
            self._aside += len(at)
        self._filled += len(values)

    def arrays(self) -> dict[str, Array]:
        return {self._name: self._low, f"{self._name}_wide_at": self._at, f"{self._name}_wide": self._whole}


class _Merger:
    """The result while it is put together, a range of terms at a time."""

    def __init__(self, sources: Sequence[_Source], lexicon: Lexicon) -> None:
        terms = len(lexicon.keys)
        docs, occurrences = np.zeros(terms, np.int64), np.zeros(terms, np.int64)
        self._form_counts = np.zeros(len(lexicon.surfaces), np.int64)
        for source in sources:
            places = source.term_map[source.terms_left]
            docs[places] += source.docs_per_term[source.terms_left]
            occurrences[places] += source.occurrences[source.terms_left]
        self._sources, self._lexicon = sources, lexicon
        self._articles = sum(int(source.keep.sum()) for source in sources)
        self._posting_starts, self._position_starts = starts_of(docs), starts_of(occurrences)
        self._bits = code_bits(lexicon.forms_per_term)
        self._code_starts = starts_of(code_sizes(occurrences, self._bits))
        self._docs = np.empty(int(self._posting_starts[-1]), docs_dtype(self._articles))
        self._codes = np.empty(int(self._code_starts[-1]), np.uint8)
        wide = sum(source.wide_freqs for source in sources)
        self._freqs = _WideOut("freqs", len(self._docs), wide, np.uint8)
        wide = sum(source.wide_positions for source in sources)
        self._positions = _WideOut("positions", int(self._position_starts[-1]), wide, np.uint16)
        self._minors: list[tuple[Array, Array, Array, Array]] = []

    def add(self, first: int, last: int, in_text: bool) -> None:
        """Fill in the terms ``first`` to ``last``, which are all of the text space or all of metadata."""
        found = [(source, *piece) for source in self._sources if (piece := source.between(first, last, in_text))]
        posting_starts, position_starts = (
            self._posting_starts[first : last + 1],
            self._position_starts[first : last + 1],
        )
        places = _places(found, "docs_per_term", posting_starts, first)
        postings = slice(int(posting_starts[0]), int(posting_starts[-1]))
        self._docs[postings] = _scattered([left.row for _, _, left in found], places)
        self._freqs.put(_scattered([left.freq for _, _, left in found], places))
        position_places = _places(found, "occurrences", position_starts, first)
        self._positions.put(_scattered([left.position for _, _, left in found], position_places))
        if not in_text:
            return
        form = _scattered([source.form_map[left.form] for source, _, left in found], position_places)
        counts = np.diff(position_starts)
        starts = self._lexicon.form_starts[first : last + 1]
        form -= starts[0]
        self._form_counts[starts[0] : starts[-1]] = np.bincount(form, minlength=starts[-1] - starts[0])
        form -= np.repeat(starts[:-1] - starts[0], counts)
        codes = encode_codes(form, counts, self._bits[first:last])
        start = int(self._code_starts[first])
        self._codes[start : start + len(codes)] = codes
        term = np.concatenate([source.term_map[left.term] for source, _, left in found])
        self._add_minors(found, term, np.concatenate(places) + postings.start)

    def _add_minors(self, found: Sequence[_Found], term: Array, place: Array) -> None:
        """``term`` and ``place`` say of each surviving posting, source after source, where it is in the result."""
        base = 0
        pieces = []
        for source, own, left in found:
            part, last = source.part, own + left.terms
            starts = part["minor_starts"][own : last + 1]
            run = slice(int(starts[0]), int(starts[-1]))
            shift = source.posting_starts[own:last] - source.posting_starts[own]
            posting = part["minor_postings"][run] + np.repeat(shift, np.diff(starts))
            alive = left.alive[posting]
            mine = base + (np.cumsum(left.alive) - 1)[posting[alive]]
            pieces.append((mine, part["minor_fields"][run][alive], part["minor_freqs"][run][alive]))
            base += len(left.term)
        mine, field, freq = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        # A posting's own entries are together and in the order of their fields already.
        order = np.argsort(place[mine], kind="stable")
        mine = mine[order]
        relative = place[mine] - self._posting_starts[term[mine]]
        self._minors.append((term[mine], relative, field[order], freq[order]))

    def arrays(self) -> dict[str, Array]:
        """All arrays of the result."""
        text_terms = self._lexicon.text_terms
        for first, last in _pieces(self._position_starts, text_terms):
            self.add(first, last, first < text_terms)
        none = np.zeros(0, np.uint8)
        minors = self._minors or [(none, none, none, none)]
        term, posting, field, freq = (np.concatenate(arrays) for arrays in zip(*minors, strict=True))
        return {
            **self._lexicon.arrays(self._form_counts),
            "posting_starts": self._posting_starts,
            "docs": self._docs,
            **self._freqs.arrays(),
            "position_starts": self._position_starts,
            **self._positions.arrays(),
            "minor_starts": starts_of(np.bincount(term, minlength=len(self._bits))),
            "minor_postings": posting.astype(np.uint32),
            "minor_fields": field,
            "minor_freqs": fit(freq, np.uint8, np.uint16, np.uint32),
            "code_starts": self._code_starts,
            "codes": self._codes,
            "lengths": np.concatenate([source.part["lengths"][source.keep] for source in self._sources]),
            **self._runs("sentence"),
            **self._runs("paragraph"),
        }

    def _runs(self, name: str) -> dict[str, Array]:
        """Sentence or paragraph starts of the surviving rows."""
        counts = [np.diff(source.part[f"{name}_starts"]) for source in self._sources]
        kept = [np.repeat(source.keep, each) for source, each in zip(self._sources, counts, strict=True)]
        items = [source.part[f"{name}s"][own] for source, own in zip(self._sources, kept, strict=True)]
        each = np.concatenate([own[source.keep] for source, own in zip(self._sources, counts, strict=True)])
        return {f"{name}_starts": starts_of(each), f"{name}s": fit(np.concatenate(items), np.uint16, np.uint32)}


def merge_parts(parts: Sequence[Part], keep: Sequence[NDArray[np.bool_]]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the meta of one part with the rows of ``parts`` that ``keep`` marks, in the same order.

    ``keep[i]`` is bool[n_i]. The arrays equal, bit for bit, those that ``build_part`` makes of the same articles.
    Raises ArchiveDamaged where arrays point outside one another, and what opening a part raises.
    """
    pairs = list(zip(parts, keep, strict=True))
    try:
        return _merge(pairs)
    except (IndexError, ValueError) as error:
        names = ", ".join(str(part.path) for part in parts)
        raise ArchiveDamaged(f"cannot merge {names}: {error}; run 'broadsheet doctor'") from error


def _merge(pairs: Sequence[tuple[Part, NDArray[np.bool_]]]) -> tuple[dict[str, Array], dict[str, Any]]:
    base = 0
    sources: list[_Source] = []
    forms: dict[bytes, int] = {}
    words: list[bytes] = []
    values: dict[bytes, int] = {}
    for part, mask in pairs:
        if mask.any():
            source = _Source(part, mask, base)
            base += int(mask.sum())
            source.learn(forms, words, values)
            sources.append(source)
    if not sources:
        return build_part((), ())
    lexicon = Lexicon(list(forms), words, list(values))
    term_of_form = lexicon.term_of_form()
    for source in sources:
        source.settle(lexicon, term_of_form)
    return _Merger(sources, lexicon).arrays(), {"articles": base, "analysis": ANALYSIS_VERSION}


def _places(found: Sequence[_Found], counts: str, starts: Array, first: int) -> list[NDArray[np.int64]]:
    """Where what each source has goes, counted from ``starts[0]``: each term's things source after source.

    ``counts`` names how many things a source has of each of its terms; ``starts`` is where those of the result's terms
    start, from ``first`` on.
    """
    filled = starts[:-1] - starts[0]
    places = []
    for source, own, left in found:
        each = getattr(source, counts)[own : own + left.terms]
        some = np.flatnonzero(each)
        each, term = each[some], source.term_map[own + some] - first
        place = np.repeat(filled[term] - starts_of(each)[:-1], each)
        place += np.arange(len(place))
        places.append(place)
        filled[term] += each
    return places


def _scattered(pieces: Sequence[Array], places: Sequence[NDArray[np.int64]]) -> Array:
    out = np.empty(sum(map(len, pieces)), np.result_type(*pieces))
    for piece, place in zip(pieces, places, strict=True):
        out[place] = piece
    return out
