"""Words of a query in the very form that was asked for: what they add to an article's score beside their stems.

    exact(d) = sum over the query's words of  x * qtf * idf * tf'' / (tf'' + k1 * (1 - b + b * L / avgL))

tf'' is the weighted frequency of a word's own form, of which capitals, accents and signs are no part; idf counts the
visible articles with that form. Norm and weights are BM25F's; x is the setting ``exact``. A stem finds all forms, and
who writes "operations" means an operation less often than an operative does.

Contributions are float32, and are added to an article's BM25F in the order of the terms, then of the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.analysis import GAP, fold
from search.keyword.cache import Cache
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import ranges
from search.keyword.rank.contributions import Ordinals, Scores, TermScores

if TYPE_CHECKING:
    from search.keyword.rank.scoring import Bm25, QueryTerm

_CACHE_BYTES = 32 << 20
_ONCE_SHARE = 2  # a form in more than twice the articles asked about is first looked up in these alone
_MOST_KNOWN = 1 << 14  # forms of which it is remembered what they are in each segment

Selected = NDArray[np.bool_] | None
"""Of a term in one segment: which of its forms are the word, bool[forms]; None where all are."""


class Frequencies(NamedTuple):
    """The ``ordinals`` of articles that have a form, int64, ascending, with its weighted ``frequencies`` float32; and
    how many visible ones have it, whether these were asked about or not."""

    ordinals: Ordinals
    frequencies: Scores
    df: int


class KnownForms:
    """What is remembered of forms, by term and word: what each adds, which surfaces it is, and how frequent it is."""

    def __init__(self) -> None:
        self.scores: Cache[tuple[str, str], TermScores] = Cache(_CACHE_BYTES)
        self.selected: dict[tuple[str, str], list[Selected]] = {}
        self.counted: dict[tuple[str, str], int] = {}


class Forms:
    """What the forms of terms add. Threads may share ``known``, which the model keeps: were this kept there, the two
    would keep each other, and the files of a closed archive open, until the collector comes."""

    def __init__(self, model: Bm25, known: KnownForms) -> None:
        self._model = model
        self._known = known

    def add(self, terms: Sequence[QueryTerm], ordinals: Ordinals, totals: Scores) -> Scores:
        """``totals`` with what the forms of some terms add to these articles, ascending; to none that has no term."""
        for term, word, weight in self._words(terms):
            deadline.check()
            totals += self._of(term, word, ordinals) * weight
        return totals

    def explain(self, terms: Sequence[QueryTerm], ordinal: int) -> list[dict[str, Any]]:
        """One dict for each word of the query that the article has in that form, in the order of addition: ``word``,
        ``count`` in the query, ``df``, ``idf``, ``tf`` (weighted) and ``contribution``."""
        at = np.array([ordinal], np.int64)
        parts = []
        for term, word, weight in self._words(terms):
            contribution = float((self._of(term, word, at) * weight)[0])
            if contribution > 0:
                df = self._frequency(term, word)
                (tf,) = self._frequencies(term.text, word, at).frequencies
                parts.append(
                    {
                        "word": word,
                        "count": term.forms[word],
                        "df": df,
                        "idf": self._model.idf(df),
                        "tf": float(tf),
                        "contribution": contribution,
                    }
                )
        return parts

    def most(self, term: QueryTerm) -> float:
        """The most that the forms of a term can add, as tf'' / (tf'' + norm) comes near 1."""
        idfs = ((self._model.idf(self._frequency(term, word)), weight) for _, word, weight in self._words([term]))
        return sum(idf * float(weight) for idf, weight in idfs)

    def _words(self, terms: Sequence[QueryTerm]) -> Iterator[tuple[QueryTerm, str, np.float32]]:
        """Each word of some terms, in the order of addition, and what it is weighted by."""
        for term in terms:
            for word in sorted(term.forms):
                yield term, word, np.float32(self._model.exact * term.forms[word] * term.share)

    def _of(self, term: QueryTerm, word: str, ordinals: Ordinals) -> Scores:
        """float32: idf * tf'' / (tf'' + norm) of each of some articles, ascending."""
        key = (term.text, word)
        known = self._known.scores.get(key)
        if known is not None:
            return known.of(ordinals)
        model, looked_up = self._model, term.is_looked_up(len(ordinals))
        if not looked_up and all(one is None for one in self._select(*key)):  # the term has this form alone
            return self._known.scores.keep(key, term.scores).of(ordinals)
        if looked_up or (key not in self._known.counted and term.df > _ONCE_SHARE * len(ordinals)):
            found = self._frequencies(*key, ordinals)
            self._count(key, found.df)
            out = np.zeros(len(ordinals), np.float32)
            out[ordinals.searchsorted(found.ordinals)] = model.saturate(*found[:2], model.idf(found.df))
            return out
        found = self._frequencies(*key)
        scores = model.saturate(*found[:2], model.idf(found.df))
        return self._known.scores.keep(key, model.kept(found.ordinals, scores)).of(ordinals)

    def _frequency(self, term: QueryTerm, word: str) -> int:
        """How many visible articles have the form."""
        key = (term.text, word)
        found = self._known.counted.get(key)
        if found is None:
            whole = all(one is None for one in self._select(*key))
            found = self._count(key, term.df if whole else self._frequencies(*key, np.empty(0, np.int64)).df)
        return found

    def _count(self, key: tuple[str, str], df: int) -> int:
        """Remember how many articles have a form, which also says that it was asked for before."""
        if len(self._known.counted) >= _MOST_KNOWN:
            self._known.counted.clear()
        self._known.counted[key] = df
        return df

    def _select(self, term: str, word: str) -> list[Selected]:
        """Which forms of a term are the word, for each segment that has the term."""
        found = self._known.selected.get((term, word))
        if found is None:
            found = []
            for segment, _, tid in self._model.having(term):
                chosen = np.array([fold(surface) == word for surface in segment.forms(tid)], np.bool_)
                found.append(None if chosen.all() else chosen)
            if len(self._known.selected) >= _MOST_KNOWN:
                self._known.selected.clear()
            self._known.selected[term, word] = found
        return found

    def _frequencies(self, term: str, word: str, ordinals: Ordinals | None = None) -> Frequencies:
        """The visible articles, or those among some, ascending, that have a form of a term, and tf'' of each."""
        model, visible, df = self._model, self._model.visible, 0
        rows: list[Ordinals] = [np.empty(0, np.int64)]
        frequencies: list[Scores] = [np.empty(0, np.float32)]
        for (segment, base, tid), chosen in zip(model.having(term), self._select(term, word), strict=True):
            if chosen is not None and not chosen.any():
                continue
            docs = segment.docs(tid)
            picks = None
            if ordinals is not None:
                low, high = ordinals.searchsorted((base, base + len(segment)))
                wanted = (ordinals[low:high] - base).astype(docs.dtype)
                picks = docs.searchsorted(wanted)
                picks[picks == len(docs)] = 0
                picks = picks[docs[picks] == wanted]
            has, found = _counted(segment, tid, chosen, picks, model.weights)
            df += int(np.count_nonzero(has if visible is None else has & visible[docs.astype(np.int64) + base]))
            at = (docs if picks is None else docs[picks]).astype(np.int64) + base
            kept = found > 0
            if visible is not None:
                kept &= visible[at]
            rows.append(at[kept])
            frequencies.append(found[kept])
        return Frequencies(np.concatenate(rows), np.concatenate(frequencies), df)


def _counted(
    segment: KeywordSegment, tid: int, chosen: Selected, picks: NDArray[np.int64] | None, weights: Sequence[float]
) -> tuple[NDArray[np.bool_], Scores]:
    """Which postings of a term have some of its forms, and, float32, the weighted frequency of these in all postings or
    in some, ascending."""
    freqs = segment.freqs(tid).astype(np.int64)
    starts = np.cumsum(freqs) - freqs
    codes = None if chosen is None else segment.codes(tid)
    held = None if chosen is None or codes is None else chosen[codes]  # of the occurrences
    counts = freqs if held is None else np.add.reduceat(held, starts, dtype=np.int64)
    found = (counts if picks is None else counts[picks]) * np.float64(weights[-1])
    outside = segment.minors(tid)[0].astype(np.int64)  # the postings with occurrences outside the text, ascending
    if len(outside):
        outside = np.unique(outside)
        at = outside if picks is None else picks.searchsorted(outside)  # where these stand in what is asked about
        if picks is not None:
            inside = at < len(picks)
            inside[inside] = picks[at[inside]] == outside[inside]
            outside, at = outside[inside], at[inside]
        some = counts[outside] > 0
        outside, at = outside[some], at[some]
        every, owners = ranges(starts[outside], freqs[outside]), np.repeat(np.arange(len(outside)), freqs[outside])
        if held is not None:
            kept = held[every]
            every, owners = every[kept], owners[kept]
        lengths = segment.lengths[segment.docs(tid)[outside].astype(np.int64), :-1]
        begins = np.cumsum(lengths.astype(np.int64) + GAP, axis=1)[owners]  # where each sub-field but the first does
        more = (np.asarray(weights) - weights[-1])[(segment.positions(tid)[every][:, None] >= begins).sum(axis=1)]
        np.add.at(found, at, np.bincount(owners, more, len(outside)))
    return counts > 0, found.astype(np.float32)
