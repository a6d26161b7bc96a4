"""BM25F over a snapshot: what each term of a query adds to each article's score.

    score(d) = sum over the query's terms of  qtf * idf * tf' / (tf' + k1 * (1 - b + b * L / avgL))
    tf' = sum of w_f * tf_f and L = sum of w_f * length_f over the sub-fields
    idf = ln(1 + (N - df + 0.5) / (df + 0.5)), as in Lucene

(Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields", 2004; without the constant
factor k1 + 1, as in Lucene.) N, df and avgL count the visible articles of the whole snapshot: df those with the term
in any sub-field. A word asked for twice counts twice (qtf). A wildcard, a misspelling and letters as written are one
term each: see ``expansion``.

One order of arithmetic: each contribution is a float32, and an article's contributions are added in float32 from the
rarest term to the most frequent (ties: by the term's text). Every path keeps it, so a score has the same bits whether
it was found by ranking all articles, a few candidates, or one; and merging segments changes none.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import QueryError
from search.keyword.analysis import ENGLISH, SUBFIELDS, TEXT_SPACE, Analysis, Token
from search.keyword.cache import Cache
from search.keyword.multilingual import own_code
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import ranges
from search.keyword.rank import contributions
from search.keyword.rank.contributions import Mask, Ordinals, Scores, TermScores
from search.keyword.rank.standing import Standing, standing
from search.keyword.readings import in_pairs, ways
from search.keyword.settings import Bm25Settings
from search.text.languages.detect import of_query

if TYPE_CHECKING:
    from search.keyword.rank.forms import Forms, KnownForms
    from search.keyword.tree import Expanded

MOST_TERMS = 1024
_PAIRS_BYTES = 1 << 20  # what is known of the pairs of the queries asked for last
_MOST_COUNTED = 1 << 14  # terms whose frequency is remembered
_DENSE_SHARE = 8  # a term in more than 1/8 of the articles is kept as one number for each article
_RAW_FROM = 1 << 15  # a term in fewer articles is always worth keeping: that costs no more than two look-ups
_RAW_SHARE = 8  # a term in more than 8 times the articles asked about is looked up in the mapped arrays


def scoring_tokens(words: Sequence[str], analysis: Analysis = ENGLISH) -> list[Token]:
    """The tokens of a query's words that say something, and their readings: without stop words, unless there is
    nothing else. Stop words in capitals (WHO, IT) are names and stay."""
    if len(analysis.parts) > 1:
        return _in_each(words, analysis)
    return _telling_tokens(words, analysis, analysis.stop_words)


def _telling_tokens(words: Sequence[str], analysis: Analysis, stop_words: frozenset[str]) -> list[Token]:
    """The same in one language."""
    tokens: list[Token] = []
    for word in words:
        rows = [in_pairs(row, analysis) for row in ways(word, analysis)]
        tokens += rows[0]
        if len(rows) > 1:
            others = dict.fromkeys(token for row in rows[1:] for token in row)
            tokens += [token for token in others if token not in rows[0]]
    return [token for token in tokens if _tells(token, stop_words)] or tokens


def _in_each(words: Sequence[str], analysis: Analysis) -> list[Token]:
    """The same in several languages: what they read alike counts once."""
    tokens: list[Token] = []
    for part, stop_words in spoken(words, analysis):
        known = Counter(token.term for token in tokens)
        for token in _telling_tokens(words, part, stop_words):
            if known[token.term]:
                known[token.term] -= 1
            else:
                tokens.append(token)
    return tokens


def spoken(words: Sequence[str], analysis: Analysis) -> list[tuple[Analysis, frozenset[str]]]:
    """The languages in which a query's words are read, each with the words that say nothing: its own, and those of the
    language that the query is in, where its function words tell that."""
    if len(analysis.parts) == 1:
        return [(analysis, analysis.stop_words)]
    own = {own_code(part): part for part in analysis.parts}
    code = of_query((letters for word in words for letters in word.split()), [code or "en" for code in own])
    every = analysis.parts[0].stop_words if code in ("", "en") else own[code].stop_words
    return [(part, part.stop_words | every if code else part.stop_words) for part in analysis.parts]


def scoring_terms(asked: Sequence[str | Expanded], analysis: Analysis = ENGLISH) -> list[str | Expanded]:
    """The terms of a query's words that say something, and its nodes that stand for several words."""
    return [one.term if isinstance(one, Token) else one for one in scoring_parts(asked, analysis)]


def scoring_parts(asked: Sequence[str | Expanded], analysis: Analysis = ENGLISH) -> list[Token | Expanded]:
    """The same, with the words of which the terms are."""
    words = [word for word in asked if isinstance(word, str)]
    tokens = scoring_tokens(words, analysis)
    if len(words) == len(asked):
        return list(tokens)
    from search.keyword.rank import expansion  # words alone need none

    nodes = [term for node in asked if not isinstance(node, str) for term in expansion.each(node, analysis)]
    telling = []
    for node in nodes:
        own = expansion.tokens(node, analysis)
        if own is None or any(says_something(token, analysis) for token in own):
            telling.append(node)
    tokens = [token for token in tokens if says_something(token, analysis) or not telling]
    return [*tokens, *(telling if telling or tokens else nodes)]


def wanted(
    words: Sequence[str], analysis: Analysis = ENGLISH, stop_words: frozenset[str] | None = None
) -> list[list[list[str]]]:
    """What a match of all words has in one language: for each word, in one of these ways, all of these terms. Stop
    words as above; None: those of the language."""
    stops = analysis.stop_words if stop_words is None else stop_words
    rows = [[in_pairs(row, analysis) for row in ways(word, analysis)] for word in words]
    telling = [[[token for token in row if _tells(token, stops)] for row in own] for own in rows]
    telling = [[row for row in own if row] for own in telling]
    if not any(telling):
        telling = [[row for row in own if row] for own in rows]
    return [[[token.term for token in row] for row in own] for own in telling if own]


def telling(words: Sequence[str], analysis: Analysis = ENGLISH) -> bool:
    """Whether any of the words says something."""
    return any(says_something(token, analysis) for token in scoring_tokens(words, analysis))


def says_something(token: Token, analysis: Analysis = ENGLISH) -> bool:
    """Whether a word of a query tells anything: no stop word, unless in capitals."""
    return _tells(token, analysis.stop_words)


def _tells(token: Token, stop_words: frozenset[str]) -> bool:
    return token.word not in stop_words or _is_acronym(token.surface)


def _is_acronym(surface: str) -> bool:
    letters = surface.replace(".", "")
    return len(letters) > 1 and letters.isupper()


class QueryTerm:
    """One term of a query: ``count`` times asked for, in ``df`` visible articles. Its scores are made when needed.

    ``asked`` is the term, or the node that stands for several; ``text`` is what it is shown and told apart by;
    ``forms`` are the words of the query that have this term, and how often each. ``group`` is the same for the terms of
    one word in several languages: ``share`` weighs each as a term is that all articles ``having`` one of them have.
    """

    __slots__ = (
        "_model",
        "_scores",
        "asked",
        "count",
        "df",
        "forms",
        "group",
        "having",
        "idf",
        "share",
        "text",
        "times",
    )

    def __init__(self, model: Bm25, asked: str | Expanded, count: int, forms: Mapping[str, int]) -> None:
        self._model, self.asked, self.count, self.forms = model, asked, np.float32(count), forms
        self.times, self.share = count, 1.0
        self.text = asked if isinstance(asked, str) else asked.written
        self._scores = model.cached(asked)
        if self._scores is None and isinstance(asked, str):
            self.df = model.frequency(asked)
        else:  # how many articles have any of several words only their postings tell
            self.df = self.scores.df
        self.idf = model.idf(self.df)
        self.group, self.having = self.text, self.df

    def shared(self, group: str, df: int) -> None:
        """Weigh the term as one of a word that has ``df`` articles in all languages together."""
        self.group, self.having, self.share = group, df, self._model.idf(df) / self.idf
        self.count = np.float32(self.times * self.share)

    @property
    def scores(self) -> TermScores:
        """The contributions to all articles."""
        if self._scores is None:
            self._scores = self._model.make(self.asked)
        return self._scores

    @property
    def bound(self) -> float:
        """What the term adds to any article at most."""
        # tf / (tf + norm) <= 1. The exact bound takes reading all postings.
        return float(self.count) * (self.idf if self._scores is None else self._scores.bound)

    def of(self, ordinals: Ordinals) -> Scores:
        """float32: what the term adds to each of some articles, which are in ascending order."""
        if self._scores is None and isinstance(self.asked, str) and self.is_looked_up(len(ordinals)):
            found = self._model.look_up(self.asked, self.idf, ordinals)
        else:
            found = self.scores.of(ordinals)
        return found if self.count == 1 else found * self.count

    def is_looked_up(self, articles: int) -> bool:
        """Whether its scores in so many articles are worth no reading of all its postings."""
        return self.df > max(_RAW_FROM, _RAW_SHARE * articles)


class Bm25:
    """Contributions to the scores of the visible articles of a snapshot. Threads may share it: only caches change.

    ``segments[i]`` holds the ordinals from ``bases[i]``; ``visible`` is bool[N]; ``analysis`` reads a query's words.
    """

    def __init__(
        self,
        segments: Sequence[KeywordSegment],
        bases: Sequence[int],
        visible: Mask,
        settings: Bm25Settings,
        analysis: Analysis = ENGLISH,
    ) -> None:
        self.size = len(visible)
        self.analysis = analysis
        self.segments = list(zip(segments, bases, strict=True))
        self._count = int(np.count_nonzero(visible))
        self.visible = None if self._count == self.size else visible
        self.weights = settings.weights()
        self._settings = settings
        self._may_be_zero = settings.k1 == 0 or settings.b == 1
        self._cache: Cache[str | Expanded, TermScores] = Cache(contributions.CACHE_BYTES)
        self.near, self.exact = settings.near, settings.exact
        self._standing: Cache[str, Standing] = Cache(contributions.CACHE_BYTES)
        self.pairs: Cache[Any, Any] = Cache(_PAIRS_BYTES)
        self.least_weight = min(self.weights)
        self.scratch = threading.local()

    # Statistics.

    def idf(self, df: int) -> float:
        """The weight of a term that is in ``df`` visible articles."""
        return math.log(1 + (self._count - df + 0.5) / (df + 0.5))

    @cached_property
    def average_length(self) -> float:
        """The weighted length of the average visible article; 1 if all are empty."""
        totals = np.zeros(len(SUBFIELDS), np.int64)
        for segment, base in self.segments:
            lengths = segment.lengths
            if self.visible is not None:
                lengths = lengths[self.visible[base : base + len(lengths)]]
            totals += lengths.sum(axis=0, dtype=np.int64)
        # Whole numbers until here: the sum must not depend on how articles lie in segments.
        total = sum(weight * int(n) for weight, n in zip(self.weights, totals, strict=True))
        return total / self._count if total > 0 else 1.0

    def _weighted_lengths(self, lengths: NDArray[np.uint32]) -> NDArray[np.float64]:
        total = np.zeros(len(lengths), np.float64)
        for column, weight in enumerate(self.weights):
            total += weight * lengths[:, column]
        return total

    @cached_property
    def norms(self) -> Scores:
        """float32[N]: k1 * (1 - b + b * L / avgL)."""
        k1, b, average = self._settings.k1, self._settings.b, self.average_length
        norms = np.empty(self.size, np.float32)
        for segment, base in self.segments:
            lengths = self._weighted_lengths(segment.lengths)
            norms[base : base + len(lengths)] = k1 * (1 - b + b * lengths / average)
        return norms

    def having(self, term: str) -> Iterator[tuple[KeywordSegment, int, int]]:
        """The segments that have a term, with their first ordinal and the term's number there."""
        for segment, base in self.segments:
            tid = segment.find(TEXT_SPACE, term)
            if tid >= 0:
                yield segment, base, tid

    def frequency(self, term: str) -> int:
        """How many visible articles have a term."""
        if self.visible is None:
            return sum(segment.document_frequency(tid) for segment, _, tid in self.having(term))
        counted = self._counted.get(term)
        if counted is None:
            visible, having = self.visible, self.having(term)
            own = ((visible[base : base + len(segment)], segment.docs(tid)) for segment, base, tid in having)
            counted = sum(int(np.count_nonzero(mask[docs.astype(np.int64)])) for mask, docs in own)
            if len(self._counted) >= _MOST_COUNTED:
                self._counted.clear()
            self._counted[term] = counted
        return counted

    @cached_property
    def _counted(self) -> dict[str, int]:
        """The frequencies that were counted, posting by posting, since not all articles are visible."""
        return {}

    # Contributions.

    def _frequencies(self, segment: KeywordSegment, tid: int, picks: Ordinals | None = None) -> Scores:
        """float32: tf' of each posting of a term, or of some of them, ascending."""
        main = np.float32(self.weights[-1])
        freqs = segment.freqs(tid) if picks is None else segment.freqs(tid)[picks]
        weighted = freqs.astype(np.float32) * main
        places, fields, counts = segment.minors(tid)
        if len(places):
            if picks is not None:
                narrow = picks.astype(places.dtype)
                first = places.searchsorted(narrow, "left")
                each = places.searchsorted(narrow, "right") - first
                at = ranges(first, each)
                places, fields, counts = np.repeat(np.arange(len(picks)), each), fields[at], counts[at]
            extra = (np.asarray(self.weights[:-1], np.float32) - main)[fields] * counts
            np.add.at(weighted, places.astype(np.int64), extra.astype(np.float32))
        return weighted

    def saturate(self, ordinals: Ordinals, tf: Scores, idf: float) -> Scores:
        """float32: the contributions to these articles of a term with these weighted frequencies."""
        # numpy indexes several times faster by its own integers (int64) than by others.
        scores = self.norms.take(ordinals)
        scores += tf
        if self._may_be_zero:  # 0 / 0, where a term stands in sub-fields without weight only
            scores[scores == 0] = 1
        np.divide(tf, scores, out=scores)
        scores *= np.float32(idf)
        return scores

    def _postings(self, asked: str | Expanded) -> Iterator[tuple[int, Ordinals, Scores]]:
        """For each segment its base, the rows that have a term, or any word that a node stands for, and tf' of each."""
        if isinstance(asked, str):
            for segment, base, tid in self.having(asked):
                yield base, segment.docs(tid).astype(np.int64), self._frequencies(segment, tid)
            return
        from search.keyword.rank import expansion

        selected = expansion.select([segment for segment, _ in self.segments], asked)
        for (segment, base), own in zip(self.segments, selected, strict=True):
            yield base, *expansion.postings(segment, own, self.weights)

    def make(self, asked: str | Expanded) -> TermScores:
        """The scores of a term, or of all the words that a node stands for, read from their postings and kept for the
        next query. Raises QueryError for a node that stands for too many."""
        rows: list[Ordinals] = [np.empty(0, np.int64)]
        frequencies: list[Scores] = [np.empty(0, np.float32)]
        for base, ordinals, weighted in self._postings(asked):
            if base:
                ordinals += base
            if self.visible is not None:
                seen = self.visible[ordinals]
                ordinals, weighted = ordinals[seen], weighted[seen]
            rows.append(ordinals)
            frequencies.append(weighted)
        ordinals = rows[1] if len(rows) == 2 else np.concatenate(rows)
        tf = frequencies[1] if len(rows) == 2 else np.concatenate(frequencies)
        df = len(ordinals)
        scores = self.saturate(ordinals, tf, self.idf(df))
        return self._cache.keep(asked, self.kept(ordinals, scores))

    def kept(self, ordinals: Ordinals, scores: Scores) -> TermScores:
        """The scores of some articles, ascending, as they are kept."""
        df = len(ordinals)
        bound = float(scores.max()) if df else 0.0
        if df * _DENSE_SHARE <= self.size:
            return TermScores(df, bound, ordinals.astype(np.int32), scores, None)
        dense = np.zeros(self.size, np.float32)
        dense[ordinals] = scores
        return TermScores(df, bound, np.empty(0, np.int32), np.empty(0, np.float32), dense)

    def look_up(self, term: str, idf: float, ordinals: Ordinals) -> Scores:
        """What ``make`` says of some articles, in ascending order, without reading all of a term's postings."""
        out = np.zeros(len(ordinals), np.float32)
        for segment, base, tid in self.having(term):
            low, high = ordinals.searchsorted((base, base + len(segment)))
            docs = segment.docs(tid)
            rows = (ordinals[low:high] - base).astype(docs.dtype)
            picks = docs.searchsorted(rows)
            picks[picks == len(docs)] = 0
            at = np.flatnonzero(docs[picks] == rows)
            scores = self.saturate(ordinals[low + at], self._frequencies(segment, tid, picks[at]), idf)
            out[low + at] = scores
        if self.visible is not None:
            out[~self.visible[ordinals]] = 0
        return out

    def standing(self, term: str, df: int, ordinals: Ordinals) -> Standing:
        """Where a term of so many articles stands, in these articles at the least, which are in ascending order."""
        if df > max(_RAW_FROM, _RAW_SHARE * len(ordinals)):
            return standing(self.segments, term, ordinals)
        found = self._standing.get(term)
        return self._standing.keep(term, standing(self.segments, term)) if found is None else found

    def cached(self, asked: str | Expanded) -> TermScores | None:
        """The scores of a term or node if they are kept."""
        return self._cache.get(asked)

    @property
    def forms(self) -> Forms:
        """What words add in the form that is asked for."""
        from search.keyword.rank.forms import Forms

        return Forms(self, self._known_forms)

    @cached_property
    def _known_forms(self) -> KnownForms:
        from search.keyword.rank.forms import KnownForms

        return KnownForms()

    # Queries.

    def terms(self, asked: Sequence[str | Expanded]) -> list[QueryTerm]:
        """The terms of a query that some visible article has, in the order of addition.

        Raises QueryError for more than MOST_TERMS, and for a node that stands for too many words.
        """
        counts: dict[str | Expanded, int] = {}
        forms: dict[str | Expanded, dict[str, int]] = {}
        for one in scoring_parts(asked, self.analysis):
            term = one.term if isinstance(one, Token) else one
            counts[term] = counts.get(term, 0) + 1
            if isinstance(one, Token):
                own = forms.setdefault(term, {})
                own[one.word] = own.get(one.word, 0) + 1
        if len(counts) > MOST_TERMS:
            raise QueryError(f"the query has {len(counts):,} different words; at most {MOST_TERMS:,} can be ranked by")
        each = (QueryTerm(self, text, count, forms.get(text, {})) for text, count in counts.items())
        terms = [term for term in each if term.df]
        if len(self.analysis.parts) > 1:
            self._share(terms)
        terms.sort(key=lambda term: (term.df, term.text))
        return terms

    def _share(self, terms: Sequence[QueryTerm]) -> None:
        """Weigh the terms of one word in several languages alike."""
        groups: dict[str, list[QueryTerm]] = {}
        for term in terms:
            if term.forms:
                groups.setdefault(min(term.forms), []).append(term)
        for word, own in groups.items():
            if len(own) > 1:
                df = min(sum(term.df for term in own), self._count)
                for term in own:
                    term.shared(word, df)

    def explain(self, words: Sequence[str | Expanded], ordinal: int) -> list[dict[str, Any]]:
        """One dict for each term of the query that the article has, in the order of addition: ``term``, ``count`` in
        the query, ``df``, ``idf``, ``tf`` (weighted), ``length`` (weighted), ``average_length`` and ``contribution``.
        In that order and in float32 the contributions add up to the article's BM25F."""
        segment, row = self.row(ordinal)
        at = np.array([ordinal], np.int64)
        parts = []
        for term in self.terms(words):
            deadline.check()
            contribution = float(term.of(at)[0])
            if contribution <= 0:
                continue
            parts.append(
                {
                    "term": term.text,
                    "count": term.times,
                    "df": term.having,
                    "idf": term.idf * term.share,
                    "tf": self._frequency_in(segment, row, term.asked),
                    "length": float(self._weighted_lengths(segment.lengths[row : row + 1])[0]),
                    "average_length": self.average_length,
                    "contribution": contribution,
                }
            )
        return parts

    def row(self, ordinal: int) -> tuple[KeywordSegment, int]:
        """The segment of an article, and its row there."""
        segment, base = next((s, base) for s, base in self.segments if base <= ordinal < base + len(s))
        return segment, ordinal - base

    def _frequency_in(self, segment: KeywordSegment, row: int, asked: str | Expanded) -> float:
        """tf' of a term or node in a row that has it."""
        if isinstance(asked, str):
            tid = segment.find(TEXT_SPACE, asked)
            posting = segment.docs(tid).searchsorted(np.array([row], np.uint32))
            return float(self._frequencies(segment, tid, posting)[0])
        from search.keyword.rank import expansion

        rows, frequencies = expansion.postings(segment, expansion.select([segment], asked)[0], self.weights)
        return float(frequencies[rows.searchsorted(row)])


def add(terms: Sequence[QueryTerm], ordinals: Ordinals, totals: Scores) -> Scores:
    """``totals`` with the contributions of some terms to these articles, in ascending order, added."""
    for term in terms:
        deadline.check()
        totals += term.of(ordinals)
    return totals
