"""Keyword parts to one: dictionaries are united, everything else is gathered. No text is analysed again.

The rows that survive keep their order, so each term's postings are those of the parts one after the other. The work is
cut into ranges of terms, which bounds what is held beside the result: the result itself, and one range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.keyword.analysis import ANALYSIS_VERSION
from search.keyword.lexicon import Lexicon
from search.keyword.packing import (
    Array,
    code_bits,
    code_sizes,
    docs_dtype,
    encode_codes,
    few_wide,
    fit,
    starts_of,
)
from search.keyword.surviving import Source, Survivors, pieces_of
from search.keyword.writer import build_part
from search.storage.container import Part

_Found = tuple[Source, int, Survivors]


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

    def __init__(self, sources: Sequence[Source], lexicon: Lexicon) -> None:
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
        for first, last in pieces_of(self._position_starts, text_terms):
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
    sources: list[Source] = []
    forms: dict[bytes, int] = {}
    words: list[bytes] = []
    values: dict[bytes, int] = {}
    for part, mask in pairs:
        if mask.any():
            source = Source(part, mask, base)
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
