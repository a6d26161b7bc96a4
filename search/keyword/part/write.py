"""Articles to a keyword part: analyse, number, sort, and lay out as arrays.

``vocabulary`` turns texts into numbers; from there on all work is on whole arrays. An occurrence is one token in one
place; sorting (term, occurrence) pairs turns the texts' order into the postings' order.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.keyword.analysis import (
    ANALYSIS_VERSION,
    ENGLISH,
    GAP,
    SPACES,
    SUBFIELDS,
    TEXT_SPACE,
    Analysis,
    value_term,
)
from search.keyword.multilingual import own_code
from search.keyword.part.layout import OFFSETS
from search.keyword.part.lexicon import Lexicon, one_of
from search.keyword.part.packing import (
    Array,
    code_bits,
    code_sizes,
    docs_dtype,
    encode_codes,
    fit,
    narrow,
    ranges,
    renumbered,
    stable_order,
    starts_of,
    term_key,
)
from search.keyword.part.vocabulary import READING, Vocabulary
from search.keyword.readings import value_words
from search.records import Article
from search.storage.container import Part, PartData
from search.text.languages.detect import code_of

_TEXT = SUBFIELDS.index("text")
_SHORT = len(SUBFIELDS) - 1
_NO_OFFSETS = (0,) * _SHORT
_MOST_CODES = 256  # languages of one part


class Layout(Protocol):
    """What the writer needs of ``passages.TextLayout``: offsets and paragraph number of each sentence."""

    @property
    def starts(self) -> Sequence[int]:
        """Where each sentence starts."""

    @property
    def ends(self) -> Sequence[int]:
        """Where each sentence ends, exclusive."""

    @property
    def paragraphs(self) -> Sequence[int]:
        """The number of the paragraph that each sentence is in."""


# What one batch has taught serves the next; what comes out never depends on it.
_LOCK = threading.Lock()
_known: dict[Analysis, Vocabulary] = {}
_MOST_LANGUAGES = 8  # whose vocabularies are kept; each holds megabytes


def _vocabulary(analysis: Analysis) -> Vocabulary:
    known = _known.get(analysis)
    if known is None or known.full:
        if known is None and len(_known) >= _MOST_LANGUAGES:
            _known.clear()
        known = _known[analysis] = Vocabulary(analysis)
    return known


class _Values(dict[tuple[int, str], tuple[list[int], list[int], int, int]]):
    """(space, metadata value) -> the term numbers of its words and readings, their places, how many words there are,
    and the number of the whole value (-1: no words)."""

    def __init__(self, analysis: Analysis) -> None:
        self.terms: dict[bytes, int] = {}
        self._analysis = analysis

    def __missing__(self, key: tuple[int, str]) -> tuple[list[int], list[int], int, int]:
        space, value = key
        words, readings = value_words(value, self._analysis)
        placed = list(zip(words, range(len(words)), strict=True))
        if readings:
            placed = sorted(placed + readings, key=itemgetter(1))
        numbers = [self._number(space, word) for word, _ in placed]
        whole = self._number(space, value_term(words)) if words else -1
        found = self[key] = numbers, [place for _, place in placed], len(words), whole
        return found

    def _number(self, space: int, term: str) -> int:
        return self.terms.setdefault(term_key(space, term), len(self.terms))


def _metadata(article: Article) -> Iterator[tuple[int, Sequence[str]]]:
    for space, name in enumerate(SPACES):
        if space != TEXT_SPACE:
            value = getattr(article, name)
            yield space, (value,) if isinstance(value, str) else value


def _pieces(article: Article, layout: Layout) -> list[str]:
    """The sub-fields before the text, and then its sentences."""
    text = article.text
    byline = " ".join((*article.authors, article.agency))
    pieces = [article.title, article.caption, article.dateline, byline]
    pieces += [text[start:end] for start, end in zip(layout.starts, layout.ends, strict=True)]
    return pieces


class _Text:
    """The text space of a batch: for each token its form, row, sub-field and position, in reading order.

    Forms are numbered among those that the batch has; ``forms`` says what they are.
    """

    def __init__(self, articles: Sequence[Article], layouts: Sequence[Layout], analysis: Analysis) -> None:
        paragraphs: list[int] = []
        offsets: list[int] = []
        for layout in layouts:
            paragraphs += range(-_SHORT, 0)
            paragraphs += layout.paragraphs
            offsets += _NO_OFFSETS
            offsets += layout.starts
        self.offsets = np.array(offsets, np.int64)
        sentences_each = np.array([_SHORT + len(layout.starts) for layout in layouts], np.int64)
        rows: dict[Analysis, list[int]] = {}
        for row, article in enumerate(articles):
            rows.setdefault(analysis.of(article), []).append(row)
        self.languages = list(rows)
        with _LOCK:
            if len(rows) > 1:
                forms = self._read_each(articles, layouts, rows, sentences_each)
            else:
                (language,) = rows or (analysis,)
                forms = self._read(articles, layouts, _vocabulary(language))
        self._place(forms, sentences_each, np.array(paragraphs, np.int64))

    def _read(
        self, articles: Sequence[Article], layouts: Sequence[Layout], vocabulary: Vocabulary
    ) -> NDArray[np.int64]:
        """Number the tokens and readings. Returns where each sentence starts among them, and how many they are."""
        form, ends = vocabulary.read(_pieces(*each) for each in zip(articles, layouts, strict=True))
        self.readings = np.flatnonzero(form >= READING)
        form &= READING - 1
        used, self.form = renumbered(form, int(form.max(initial=0)) + 1)
        self.forms = vocabulary.forms(used)
        return np.concatenate(([0], ends))

    def _read_each(
        self,
        articles: Sequence[Article],
        layouts: Sequence[Layout],
        rows: Mapping[Analysis, Sequence[int]],
        sentences_each: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """The same where ``rows`` are of several languages: each is read by itself, and put in its place."""
        counts = np.zeros(int(sentences_each.sum()), np.int64)  # of tokens and readings in each sentence
        firsts = starts_of(sentences_each)
        read, known = [], []
        for language, own in rows.items():
            vocabulary = _vocabulary(language)
            form, ends = vocabulary.read(_pieces(articles[row], layouts[row]) for row in own)
            at = ranges(firsts[own], sentences_each[own])
            counts[at] = np.diff(ends, prepend=0)
            used, numbers = renumbered(form & (READING - 1), int((form & (READING - 1)).max(initial=0)) + 1)
            known.append(vocabulary.forms(used))
            read.append((at, form >= READING, numbers))
        self.forms, places = one_of(known)
        starts = starts_of(counts)
        self.form = np.empty(int(starts[-1]), np.int32)
        is_reading = np.zeros(len(self.form), np.bool_)
        for (at, readings, numbers), place in zip(read, places, strict=True):
            where = ranges(starts[at], counts[at])
            self.form[where] = place[numbers]
            is_reading[where] = readings
        self.readings = np.flatnonzero(is_reading)
        return starts

    def _place(self, forms: Array, sentences_each: Array, paragraphs: Array) -> None:
        self.sentence_starts = starts_of(sentences_each)
        firsts = self.sentence_starts[:-1]
        # The sentences in which the sub-fields of each row begin, and the end of the text.
        borders = np.stack([*(firsts + field for field in range(_SHORT + 1)), self.sentence_starts[1:]], 1)
        # Readings have no place of their own: they stand with the token before them, and count in no length.
        tokens = forms - self.readings.searchsorted(forms)
        bounds = tokens[borders]
        self.lengths = np.diff(bounds, axis=1).astype(np.uint32)
        rows = len(self.lengths)
        field_starts = np.zeros(self.lengths.shape, np.int64)
        np.cumsum(self.lengths[:, :-1].astype(np.int64) + GAP, axis=1, out=field_starts[:, 1:])
        shift = field_starts - bounds[:, :-1]
        runs = np.diff(forms[borders], axis=1)
        self.position = np.repeat(shift.reshape(-1).astype(np.int32), runs.reshape(-1))
        step = np.ones(len(self.form), np.int32)
        step[self.readings] = 0
        self.position += np.cumsum(step, dtype=np.int32)
        self.position -= 1
        self.position = self.position.view(np.uint32)
        self.field = np.repeat(np.tile(np.arange(len(SUBFIELDS), dtype=np.uint8), rows), runs.reshape(-1))
        self.row = np.repeat(np.arange(rows, dtype=np.uint32), runs.sum(1))
        # Sub-field i < 4 is sentence i of its row; the other sentences are all in the text.
        number = np.arange(len(paragraphs)) - np.repeat(firsts, sentences_each)
        own_shift = shift[np.repeat(np.arange(rows), sentences_each), np.minimum(number, _TEXT)]
        self.sentences = tokens[:-1] + own_shift
        opens = (np.diff(paragraphs, prepend=0) != 0) | (number <= _TEXT)
        self.paragraphs = self.sentences[opens]
        self.paragraph_starts = np.concatenate(([0], np.cumsum(opens)))[self.sentence_starts]


class _Metadata:
    """The metadata spaces of a batch: for each token its term, row and position."""

    def __init__(self, articles: Sequence[Article], analysis: Analysis) -> None:
        self.values = _Values(analysis)
        term: list[int] = []
        row: list[int] = []
        position: list[int] = []
        for number, article in enumerate(articles):
            before = len(term)
            for space, values in _metadata(article):
                start = 0
                wholes: set[int] = set()
                for value in values:
                    terms, places, words, whole = self.values[space, value]
                    if whole < 0:
                        continue
                    term += terms
                    position += [start + place for place in places]
                    start += words + GAP
                    if whole not in wholes:
                        wholes.add(whole)
                        term.append(whole)
                        position.append(0)
            row += itertools.repeat(number, len(term) - before)
        self.term = np.array(term, np.int64)
        self.row = np.array(row, np.uint32)
        self.position = np.array(position, np.uint32)


def build_part(articles: Sequence[Article], layouts: Sequence[Layout], analysis: Analysis = ENGLISH) -> PartData:
    """The keyword part of these articles, in their order: row i is article i. ``analysis`` says what their words are.

    ``layouts[i]`` has the sentences of ``articles[i].text``; tokens outside them are not indexed. The same articles
    give the same arrays.
    """
    text, metadata = _Text(articles, layouts, analysis), _Metadata(articles, analysis)
    lexicon = Lexicon(text.forms, list(metadata.values.terms))
    form = lexicon.form_numbers[text.form]
    term = lexicon.term_of_form()[form]
    value = lexicon.value_numbers[metadata.term]
    terms = lexicon.terms
    occurrences = np.bincount(term, minlength=terms)
    occurrences[lexicon.text_terms :] = np.bincount(value, minlength=terms)[lexicon.text_terms :]
    position_starts = starts_of(occurrences)

    # The text space sorts first, and only it has forms and sub-fields.
    order, value_order = stable_order(term), stable_order(value)
    row = np.concatenate((text.row[order], metadata.row[value_order]))
    first = np.ones(len(row), bool)
    np.not_equal(row[1:], row[:-1], out=first[1:])
    first[position_starts[:-1][occurrences > 0]] = True
    posting_at = np.flatnonzero(first)
    posting_starts = posting_at.searchsorted(position_starts)
    bits = code_bits(lexicon.forms_per_term)
    text_occurrences = occurrences[: lexicon.text_terms]
    codes = form[order]
    codes -= np.repeat(lexicon.form_starts[: lexicon.text_terms], text_occurrences)
    arrays = {
        **lexicon.arrays(np.bincount(form, minlength=len(text.forms.surfaces))),
        "posting_starts": posting_starts,
        "docs": row[posting_at].astype(docs_dtype(len(articles))),
        **narrow("freqs", np.diff(posting_at, append=len(row)), np.uint8),
        "position_starts": position_starts,
        **narrow("positions", np.concatenate((text.position[order], metadata.position[value_order])), np.uint16),
        **_minors(text.field[order], posting_at, posting_starts),
        "code_starts": starts_of(code_sizes(occurrences, bits)),
        "codes": encode_codes(codes, text_occurrences, bits[: lexicon.text_terms]),
        "lengths": text.lengths,
        "sentence_starts": text.sentence_starts,
        "sentences": fit(text.sentences, np.uint16, np.uint32),
        OFFSETS: fit(text.offsets, np.uint16, np.uint32),
        "paragraph_starts": text.paragraph_starts,
        "paragraphs": fit(text.paragraphs, np.uint16, np.uint32),
    }
    own = {own_code(language) for language in text.languages} - {""}
    return PartData(arrays, meta_of(len(articles), analysis.stamp, own))


def meta_of(articles: int, language: str | None, codes: Iterable[str] = ()) -> dict[str, Any]:
    """What a part says of itself: how many articles it has, by which version of the analysis, the stamp of its
    language, of English none, and the ``codes`` of those languages in it that have stems of their own."""
    meta: dict[str, Any] = {"articles": articles, "analysis": ANALYSIS_VERSION}
    if language is not None:
        meta["language"] = language
    if own := sorted(codes):
        meta["languages"] = own
    return meta


def codes_of(part: Part) -> list[str]:
    """The codes of the languages in a part that have stems of their own."""
    found = part.meta.get("languages", [])
    whole = isinstance(found, list) and len(found) <= _MOST_CODES and all(code_of(str(one)) == one for one in found)
    if not whole:
        raise ArchiveDamaged(f"{part.path} names languages that there are not; run 'broadsheet doctor'")
    return list(found)


def _minors(field: Array, posting_at: Array, posting_starts: Array) -> dict[str, Array]:
    """How often each posting occurs in each sub-field other than the text; ``field`` is that of each occurrence, in the
    postings' order."""
    at = np.flatnonzero(field < _TEXT)
    field, posting = field[at], posting_at.searchsorted(at, "right") - 1
    first = np.ones(len(at), bool)
    first[1:] = (posting[1:] != posting[:-1]) | (field[1:] != field[:-1])
    head = np.flatnonzero(first)
    term = posting_starts.searchsorted(posting[head], "right") - 1
    return {
        "minor_starts": starts_of(np.bincount(term, minlength=len(posting_starts) - 1)),
        "minor_postings": (posting[head] - posting_starts[term]).astype(np.uint32),
        "minor_fields": field[head],
        "minor_freqs": fit(np.diff(head, append=len(at)), np.uint8, np.uint16, np.uint32),
    }
