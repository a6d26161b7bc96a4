"""Words of a query that stand near each other in an article: what their pairs add to its score.

    near(d) = sum over the pairs of the query's terms of  u / sqrt(n - 1) * idf * c / (c + k1 * (1 - b + b * L / avgL))
    idf = ln(1 + (P - df + 0.5) / (df + 0.5))

In the line of Rasolofo and Savoy, "Term proximity scoring for keyword-based retrieval systems" (2003), with the norm of
BM25F. n is the number of terms, the rarest of them where there are many; c counts the occurrences of a pair's rarer
term with the other within some words on either side, in the same sub-field. P and df count the pool: the visible
articles that BM25F ranks best, whatever conditions a search has. A pair that none of these has counts nothing.

Contributions are float32 and are added to an article's BM25F in the order of the pairs, whichever articles are asked
about; so every path gives the same bits.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.part.packing import ranges
from search.keyword.rank import maxscore
from search.keyword.rank.contributions import Mask, Ordinals, Scores
from search.keyword.rank.scoring import Bm25, QueryTerm, add

if TYPE_CHECKING:
    from search.keyword.tree import Expanded

POOL = 1000
"""Articles that pairs are counted in, and that are put in order by them."""
WINDOW = 16
"""Words from one to the other, at most."""
MOST = 14
"""Terms that are paired: the rarest, and no patterns."""

_BITS = 4  # of a term's number in a key
_ROOM = np.int64(36)  # bits of a position and a term's number
_TERM = (1 << _BITS) - 1


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


class Meetings(NamedTuple):
    """Where pairs occur in some articles, sorted by pair, then by article: the number of the pair, the article's place
    among those asked about, and how often, all int64."""

    pairs: NDArray[np.int64]
    places: NDArray[np.int64]
    counts: NDArray[np.int64]


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
    if _counts(model, terms):
        with_words = np.flatnonzero(totals)
        at = ascending[with_words]
        met = meetings(model, terms, at)
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
    met, pairs = meetings(model, terms, at), _known(model, terms)
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

    Its BM25F is no more than that. A pair's share is at most its weight times tf' / (tf' + norm) of the rarer term,
    whose BM25F is idf times the same; so the best that such an article can do is a fractional knapsack.
    """
    terms = model.terms(words)
    if not _counts(model, terms):
        return last
    pairs = _known(model, terms)
    gains = np.zeros(len(pairs.terms))
    np.add.at(gains, np.triu_indices(len(gains), 1)[0], pairs.weights.astype(np.float64))
    bound, left = last, last
    least = min(1.0, model.least_weight)  # c counts words, tf' weighs them
    for gain, idf in sorted(
        ((gain, term.idf * float(term.count)) for gain, term in zip(gains.tolist(), pairs.terms, strict=True)),
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
    """The articles that BM25F ranks best, in the order of their scores with pairs, and these."""
    ordinals, scores = maxscore.rank(model, terms, mask, depth)
    if not _counts(model, terms) or not len(ordinals):
        return ordinals, scores
    order = np.argsort(ordinals)
    ascending = ordinals[order]
    met = meetings(model, terms, ascending)
    if not len(met.pairs):
        return ordinals, scores
    if mask is None:  # these are the pool, or begin with it
        pairs = _keep(model, terms, met.pairs[order[met.places] < POOL], min(len(ordinals), POOL))
    else:
        pairs = _known(model, terms)
    return maxscore.best(ascending, _added(model, pairs, met, ascending, scores[order]), depth)


def _known(model: Bm25, terms: Sequence[QueryTerm]) -> Pairs:
    """The weights of a query's pairs: kept, or made of the articles that BM25F ranks best among all visible ones."""
    known: Pairs | None = model.pairs.get(_key(terms))
    if known is not None:
        return known
    pool = np.sort(maxscore.rank(model, terms, None, POOL)[0])
    return _keep(model, terms, meetings(model, terms, pool).pairs, len(pool))


def _key(terms: Sequence[QueryTerm]) -> tuple[tuple[str | Expanded, float], ...]:
    return tuple((term.asked, float(term.count)) for term in terms)


def _keep(model: Bm25, terms: Sequence[QueryTerm], met: NDArray[np.int64], size: int) -> Pairs:
    """The pairs of a query, of which ``met`` has each once for every article of the pool that has it."""
    paired = _paired(terms)
    df = np.bincount(met, minlength=len(paired) * (len(paired) - 1) // 2)
    share = model.near / math.sqrt(len(paired) - 1)
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


@functools.cache
def _numbers(terms: int) -> NDArray[np.int64]:
    """int64[terms, terms]: at a rarer and another term the number of their pair, in the order of addition."""
    table = np.zeros((terms, terms), np.int64)
    table[np.triu_indices(terms, 1)] = np.arange(terms * (terms - 1) // 2)
    return table


def meetings(model: Bm25, terms: Sequence[QueryTerm], ordinals: Ordinals) -> Meetings:
    """Where the pairs of a query's terms occur in some articles, ascending; ``terms`` from the rarest on."""
    paired = _paired(terms)
    count, width = len(paired), len(ordinals)
    keys = _keys(model, paired, ordinals)
    numbers = (keys & _TERM).astype(np.int64)
    near = _near(keys)
    near &= np.array([(1 << count) - (2 << number) for number in range(count)], np.uint16)[numbers]
    at = np.flatnonzero(near)
    rows, others = np.nonzero((near[at, None] >> np.arange(count, dtype=np.uint16)) & 1)
    at = at[rows]
    flat = _numbers(count)[numbers[at], others] * width + (keys[at] >> _ROOM)
    flat.sort()
    first = np.flatnonzero(np.diff(flat, prepend=-1))
    pairs, places = np.divmod(flat[first], max(width, 1))
    return Meetings(pairs, places, np.diff(first, append=len(flat)))


def _keys(model: Bm25, terms: Sequence[QueryTerm], ordinals: Ordinals) -> NDArray[np.int64]:
    """int64, ascending: where the terms stand in those of the articles that have two of them at least. A key is the
    article's place among ``ordinals``, the position in it and the term's number."""
    narrow = ordinals.astype(np.int32)
    stand = [model.standing(term.text, term.df, ordinals) for term in terms]
    held = [_shared(narrow, places.ordinals) for places in stand]
    several = np.bincount(np.concatenate([at for at, _ in held]), minlength=len(ordinals)) > 1
    found = [np.empty(0, np.int64)]
    for number, (places, (at, postings)) in enumerate(zip(stand, held, strict=True)):
        deadline.check()
        kept = several[at]
        if kept.any():
            at, postings = at[kept], postings[kept]
            starts = places.starts[postings].astype(np.int64)
            counts = places.starts[postings + 1] - starts
            keys = places.positions[ranges(starts, counts)].astype(np.int64)
            keys <<= _BITS
            keys += np.repeat((at << _ROOM) + number, counts)
            found.append(keys)
    keys = np.concatenate(found)
    keys.sort(kind="stable")  # which knows the runs of each term
    return keys


def _shared(first: NDArray[np.int32], second: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of the numbers stands that are in both of two ascending lists: its places in the one and the other."""
    if len(first) > len(second):
        places, others = _shared(second, first)
        return others, places
    at = second.searchsorted(first)
    np.minimum(at, len(second) - 1, out=at)
    found = np.flatnonzero(second[at] == first)
    return found, at[found]


def _near(keys: NDArray[np.int64]) -> NDArray[np.uint16]:
    """For each occurrence which terms stand within the window of it, as bits."""
    places, bits = keys >> _BITS, np.uint16(1) << (keys & _TERM).astype(np.uint16)
    near = np.zeros(len(keys), np.uint16)
    first, step = np.arange(len(keys) - 1), 1
    while len(first):
        deadline.check()
        first = first[places[first + step] - places[first] <= WINDOW]
        second = first + step
        near[first] |= bits[second]
        near[second] |= bits[first]
        step += 1  # what is too far from the next is too far from the one behind it
        first = first[: first.searchsorted(len(keys) - step)]
    return near
