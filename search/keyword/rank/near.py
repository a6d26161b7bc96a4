"""The whole score by words: BM25F, what words in the form that is asked for add (``forms``), and what words of the
query add that stand near each other.

    near(d) = sum over the pairs of the query's terms of  u / sqrt(n - 1) * idf * c / (c + k1 * (1 - b + b * L / avgL))
    idf = ln(1 + (P - df + 0.5) / (df + 0.5))

In the line of Rasolofo and Savoy, "Term proximity scoring for keyword-based retrieval systems" (2003), with the norm of
BM25F. n is the number of terms, the rarest of them where there are many; c counts the occurrences of a pair's rarer
term with the other within some words on either side, in the same sub-field, which has to have a weight. P and df count
the pool: the visible articles that BM25F ranks best, whatever conditions a search has. A pair that none of these has
counts nothing.

Contributions are float32 and are added to an article's BM25F in the order of the pairs, whichever articles are asked
about; so every path gives the same bits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.keyword.rank import maxscore
from search.keyword.rank.contributions import Mask, Ordinals, Scores
from search.keyword.rank.meetings import Meetings, meetings
from search.keyword.rank.scoring import Bm25, QueryTerm, add

if TYPE_CHECKING:
    from search.keyword.tree import Expanded

POOL = 1000
"""Articles that pairs are counted in, and that are put in order by them."""
MOST = 14
"""Terms that are paired: the rarest, and no patterns."""


class Pairs(NamedTuple):
    """The terms of a query that are paired, and what is known of each pair, in the order of addition: ``df`` articles
    of the pool of ``size`` have it; ``weights`` float32 is u / sqrt(n - 1) * idf."""

    terms: Sequence[QueryTerm]
    size: int
    df: NDArray[np.int64]
    weights: Scores

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.df.nbytes + self.weights.nbytes + 256 * len(self.terms)


def rank(
    model: Bm25, words: Sequence[str | Expanded], mask: Mask | None, groups: Ordinals | None, depth: int
) -> tuple[Ordinals, Scores]:
    """The best articles under ``mask`` (None: all visible) with a score above 0: descending, ties by ordinal.

    With ``groups``, int64[N], the best article of each of the first ``depth`` groups; else ``depth`` articles. Those
    that BM25F ranks best are put in order: as many as are asked for, and as the pool has at the least.
    """
    terms = model.terms(words)
    if depth < 1 or not terms:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    # With groups, ask for more articles until they are of enough: copies are few, so this seldom goes round twice.
    wanted = max(POOL, depth if groups is None else 2 * depth)
    while True:
        ordinals, scores = _rank(model, terms, mask, wanted)
        if groups is None:
            return ordinals[:depth], scores[:depth]
        _, first = np.unique(groups[ordinals], return_index=True)
        if len(first) >= depth or len(ordinals) < wanted:
            first.sort()
            return ordinals[first[:depth]], scores[first[:depth]]
        wanted *= 4


def score(model: Bm25, words: Sequence[str | Expanded], ordinals: Ordinals) -> Scores:
    """float32 for each ordinal, in any order; 0 for an article without any of the words, or hidden."""
    terms = model.terms(words)
    order = np.argsort(ordinals, kind="stable")
    ascending = ordinals[order]
    totals = add(terms, ascending, np.zeros(len(ordinals), np.float32))
    with_words = np.flatnonzero(totals)
    at = ascending[with_words]
    if model.exact > 0:
        totals[with_words] = model.forms.add(terms, at, totals[with_words])
    if _counts(model, terms):
        met = meetings(model, _paired(terms), at)
        if len(met.pairs):
            totals[with_words] = _added(model, _known(model, terms), met, at, totals[with_words])
    scores = np.empty(len(ordinals), np.float32)
    scores[order] = totals
    return scores


def explain(model: Bm25, words: Sequence[str | Expanded], ordinal: int) -> list[dict[str, Any]]:
    """One dict for each pair that the article has, in the order of addition: its ``terms``, the ``count`` of the rarer
    near the other, ``df`` in the ``pool``, ``idf`` and ``contribution``. Added in that order and in float32 to the
    contributions of the terms, they make the score."""
    terms = model.terms(words)
    at = np.array([ordinal], np.int64)
    if not _counts(model, terms) or not add(terms, at, np.zeros(1, np.float32))[0]:
        return []
    met, pairs = meetings(model, _paired(terms), at), _known(model, terms)
    names = list(itertools.combinations([term.text for term in pairs.terms], 2))
    parts = []
    contributions = _contributions(model, pairs, met, at)
    for pair, count, contribution in zip(met.pairs.tolist(), met.counts.tolist(), contributions.tolist(), strict=True):
        if contribution > 0:
            df = int(pairs.df[pair])
            idf = _idf(pairs.size, df)
            parts.append(
                {
                    "terms": " ".join(names[pair]),
                    "count": count,
                    "df": df,
                    "pool": pairs.size,
                    "idf": idf,
                    "contribution": contribution,
                }
            )
    return parts


def most_beyond(model: Bm25, words: Sequence[str | Expanded], last: float) -> float:
    """The most that an article can score that BM25F ranks behind all of a ranking whose last has the score ``last``.

    Its BM25F is no more than that. A pair's share is at most its weight times tf' / (tf' + norm) of the rarer term, and
    a form's at most its weight and idf times that of its term, whose BM25F is idf times the same; so the best that such
    an article can do is a fractional knapsack.
    """
    terms = [term for term in model.terms(words) if isinstance(term.asked, str)]
    gains = np.array([model.forms.most(term) if model.exact > 0 else 0.0 for term in terms])
    if _counts(model, terms):
        pairs = _known(model, terms)
        np.add.at(gains, np.triu_indices(len(pairs.terms), 1)[0], pairs.weights.astype(np.float64))
    if not gains.any():
        return last
    bound, left = last, last
    least = min(1.0, model.least_weight)  # c counts words, tf' weighs them
    for gain, idf in sorted(
        ((gain, term.idf * float(term.count)) for gain, term in zip(gains.tolist(), terms, strict=True)),
        key=lambda one: one[0] / one[1],
        reverse=True,
    ):
        share = min(1.0, left / (idf * least) if least else 1.0)
        bound += gain * share
        left -= idf * least * share
        if left <= 0:
            break
    return bound * (1 + 1e-5)


def _counts(model: Bm25, terms: Sequence[QueryTerm]) -> bool:
    """Whether there are pairs, and they count."""
    return model.near > 0 and len(_paired(terms)) > 1


def _paired(terms: Sequence[QueryTerm]) -> list[QueryTerm]:
    """The terms that are paired: no patterns, which stand for many words."""
    return [term for term in terms if isinstance(term.asked, str)][:MOST]


def _rank(model: Bm25, terms: Sequence[QueryTerm], mask: Mask | None, depth: int) -> tuple[Ordinals, Scores]:
    """The articles that BM25F ranks best, in the order of their whole scores, and these."""
    ordinals, scores = maxscore.rank(model, terms, mask, depth)
    if not len(ordinals) or not (model.exact > 0 or _counts(model, terms)):
        return ordinals, scores
    order = np.argsort(ordinals)
    ascending, totals = ordinals[order], scores[order]
    if model.exact > 0:
        totals = model.forms.add(terms, ascending, totals)
    if _counts(model, terms):
        met = meetings(model, _paired(terms), ascending)
        if len(met.pairs):
            if mask is None:  # these are the pool, or begin with it
                pairs = _keep(model, terms, met.pairs[order[met.places] < POOL], min(len(ordinals), POOL))
            else:
                pairs = _known(model, terms)
            totals = _added(model, pairs, met, ascending, totals)
    return maxscore.best(ascending, totals, depth)


def _known(model: Bm25, terms: Sequence[QueryTerm]) -> Pairs:
    """The weights of a query's pairs: kept, or made of the articles that BM25F ranks best among all visible ones."""
    known: Pairs | None = model.pairs.get(_key(terms))
    if known is not None:
        return known
    pool = np.sort(maxscore.rank(model, terms, None, POOL)[0])
    return _keep(model, terms, meetings(model, _paired(terms), pool).pairs, len(pool))


def _key(terms: Sequence[QueryTerm]) -> tuple[tuple[str | Expanded, float], ...]:
    return tuple((term.asked, float(term.count)) for term in terms)


def _keep(model: Bm25, terms: Sequence[QueryTerm], met: NDArray[np.int64], size: int) -> Pairs:
    """The pairs of a query, of which ``met`` has each once for every article of the pool that has it."""
    paired = _paired(terms)
    df = np.bincount(met, minlength=len(paired) * (len(paired) - 1) // 2)
    share = model.near / math.sqrt(max(len({term.group for term in paired}) - 1, 1))
    weights = [share * _idf(size, count) if count else 0.0 for count in df.tolist()]
    pairs = Pairs(paired, size, df, np.array(weights, np.float32))
    model.pairs.keep(_key(terms), pairs)
    return pairs


def _idf(size: int, df: int) -> float:
    return math.log(1 + (size - df + 0.5) / (df + 0.5))


def _added(model: Bm25, pairs: Pairs, met: Meetings, ordinals: Ordinals, totals: Scores) -> Scores:
    """``totals`` of some articles, ascending, with what their pairs add."""
    totals = totals.copy()
    np.add.at(totals, met.places, _contributions(model, pairs, met, ordinals))  # one after the other, in this order
    return totals


def _contributions(model: Bm25, pairs: Pairs, met: Meetings, ordinals: Ordinals) -> Scores:
    counts = met.counts.astype(np.float32)
    return pairs.weights[met.pairs] * (counts / (counts + model.norms[ordinals[met.places]]))
