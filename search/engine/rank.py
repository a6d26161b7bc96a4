"""From a plan and its scope to articles in order: by date, or by what the two legs say of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import query as language
from search.engine import ranking
from search.engine.chronology import by_date
from search.engine.legs import Floats, Mask, Ordinals, VectorLeg
from search.engine.plan import Plan, Preferred
from search.engine.quota import PassedOver, Quota
from search.engine.request import Request
from search.engine.stories.groups import Groups
from search.engine.stories.shown import shown, stand_ins
from search.engine.view import Scope, View
from search.engine.watch import Watch, unwatched
from search.errors import UsageError
from search.keyword.tree import Expanded
from search.records import Fusion, Mode, Sort
from search.storage.columns import Columns, instant

RERANKED = 30
"""First places that a cross-encoder orders anew, where one is asked for."""
POOL = 1000  # groups that a relevance ranking is made of, whatever the limit
FRONT = 50
"""First places of the pool for which not all of it has to be scored by meaning."""
NEAR = 200
"""Articles that the vector leg scores for these places. Others are no nearer than the last of them, unless a passage
stands in a list that was not read."""
_MICROSECOND = 1_000_000


class Reranking(NamedTuple):
    """What a cross-encoder made of the first places: its name, and in their new order its scores float64[r] and where
    each stood before, int64[r]."""

    model: str
    scores: NDArray[np.float64]
    before: NDArray[np.int64]

    def explain(self, place: int) -> dict[str, Any]:
        """The score at a place, and the rank that this had before, from 1."""
        score = self.scores[place].item()
        return {
            "model": self.model,
            "score": score if math.isfinite(score) else None,
            "before": int(self.before[place]) + 1,
        }


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates in final order; ``more`` of them than are here, where there are such in a list by date.
    ``passed_over``: what stands among them and was left out, where sources have no more than so many hits.

    For relevance, ``fused`` has their scores and what these are made of, at ``positions``; ``vector`` float32[d] is
    what their meaning was compared with, None where words alone count; ``preferred`` the conditions that the query
    names and some candidate meets; ``scoring`` what the words' leg ranked by; ``reranking`` what a cross-encoder made
    of the first places.
    """

    ordinals: Ordinals
    positions: NDArray[np.int64]
    fused: ranking.Fused | None = None
    more: bool = False
    passed_over: PassedOver | None = None
    vector: Floats | None = None
    preferred: tuple[Preferred, ...] = ()
    scoring: tuple[str | Expanded, ...] = ()
    reranking: Reranking | None = None


class Best(NamedTuple):
    """The best articles of one leg, descending, and their scores."""

    ordinals: Ordinals
    scores: Floats


@dataclass(frozen=True, slots=True)
class Asked:
    """A leg that is asked something: ``rank`` gives the best under a mask, to a depth, and ``scores`` the score of any
    articles. Both are a stage of the ``watch``. ``most_beyond``: the most that an article can score which is not in a
    ranking, from the score of the last that is. ``quota``: how many hits a source may have, None for any number."""

    stage: str
    mask: Mask
    rank: Callable[[Mask, int], tuple[Ordinals, Floats]]
    scores: Callable[[Ordinals], Floats]
    watch: Watch = unwatched
    most_beyond: Callable[[float], float] = float
    quota: Quota | None = None

    def best(self, depth: int) -> Best:
        """The leg's ranking: so many, and more where it takes more to have as many hits under the quota."""
        with self.watch(self.stage):
            found = Best(*self.rank(self.mask, depth))
            if self.quota is None:
                return found
            every = [found]

            def rank(mask: Mask) -> Ordinals:
                every.append(Best(*self.rank(mask, depth)))
                return every[-1].ordinals

            ordinals = self.quota.filled(found.ordinals, self.mask, depth, depth, rank)
            return Best(ordinals, np.concatenate([one.scores for one in every]))

    def score(self, ordinals: Ordinals) -> Floats:
        """float32: the leg's score of each of the articles."""
        with self.watch(self.stage):
            return self.scores(ordinals)


Pool = tuple[Ordinals, ranking.Fused]
"""Candidates and their scores."""

Others = Callable[[Ordinals], Ordinals]
"""The copies that come beside some candidates."""


def rank(view: View, plan: Plan, scope: Scope, watch: Watch = unwatched) -> Ranked:
    """Articles in the order that is asked for, exact as far as the page reaches.

    Raises UsageError for a page beyond the pool of a relevance ranking.
    """
    if plan.request.weight is None:
        plan = replace(plan, request=replace(plan.request, weight=view.ranking.weight))
    request = plan.request
    query = plan.query
    nothing = not query.scoring or (plan.mode is Mode.VECTOR and not query.encoder_text)
    if request.sort is not Sort.RELEVANCE or nothing:
        return by_age(view, plan, scope)
    if plan.page.stop > POOL:
        raise UsageError(
            f"a ranking is {POOL} hits deep; for more, use --sort newest (by date), or narrow the query"
        ).about("offset" if plan.page.start else "limit")
    return by_relevance(view, plan, scope, watch)


def by_age(view: View, plan: Plan, scope: Scope) -> Ranked:
    """The match set by date, as far as the page reaches."""
    groups, matched, stop = scope.groups, scope.matched, plan.page.stop
    oldest = plan.request.sort is Sort.OLDEST
    if groups is not None:
        matched = alone(matched, groups, stand_ins(view, plan, scope, groups, matched))
    if plan.request.per_source is None:
        ordinals = by_date(view.columns, matched, oldest, stop)
        return Ranked(ordinals, np.arange(len(ordinals)), more=int(np.count_nonzero(matched)) > stop)
    quota = Quota(plan.request.per_source, view.source_numbers[0])
    depth = max(stop, POOL)  # so that most of what is passed over is counted
    first = by_date(view.columns, matched, oldest, depth)
    every = quota.filled(first, matched, depth, stop, lambda rest: by_date(view.columns, rest, oldest, depth))
    ordinals = every[quota.kept(every)][:stop]
    return Ranked(
        ordinals,
        np.arange(len(ordinals)),
        more=quota.size(np.flatnonzero(matched)) > stop,
        passed_over=quota.passed_over(every, len(every) == len(first)),
    )


def alone(mask: Mask, groups: Groups, stand_ins: Ordinals) -> Mask:
    """A mask with one article of each story: of those of several these."""
    found = mask.copy()
    found[groups.copied] = False
    found[stand_ins] = True
    return found


def by_relevance(view: View, plan: Plan, scope: Scope, watch: Watch = unwatched) -> Ranked:
    """What passes the scope's mask, by the plan's words in one leg, by their meaning in the other, or by both."""
    request, columns, matched = plan.request, view.columns, scope.matched
    masks = [scope.words.match(one.node) & scope.mask for one in plan.preferred]
    rest = next((one.rest for one, mask in zip(plan.preferred, masks, strict=True) if one.rest and mask.any()), None)
    if rest is not None:
        if plan.mode is Mode.KEYWORD:  # what has no words but the date's comes last
            matched = matched.copy()
            matched[_words(plan, scope, watch).best(POOL).ordinals] = True
        plan = replace(plan, query=rest)
    vector = plan.vector
    # terror* alone has no meaning to compare
    if vector is None and plan.mode is not Mode.KEYWORD and plan.query.encoder_text:
        with watch("encode"):
            vector = view.encoded(plan.query.encoder_text)
    groups, others, quota = scope.groups, _others(plan, scope), None
    if request.per_source is not None:
        quota = Quota(request.per_source, view.source_numbers[0], partial(shown, view, plan, scope), groups)
    words = _words(plan, scope, watch, quota)
    if vector is None or view.vectors is None:
        ordinals, fused = by_words(columns, words, matched, groups, others)
    else:
        meaning = _meaning(view.vectors, vector, scope, watch, quota)
        if plan.mode is Mode.VECTOR:
            ordinals, fused = by_meaning(meaning, plan, others)
        else:
            size = int(np.count_nonzero(scope.mask)) if groups is None else groups.count(scope.mask)
            ordinals, fused = by_both(words, meaning, plan, size, groups, others)
    preferred: list[Preferred] = []
    with watch("order"):
        if plan.preferred:
            masks = [mask[ordinals] for mask in masks]
            preferred = [one for one, mask in zip(plan.preferred, masks, strict=True) if mask.any()]
            fused = ranking.prefer(fused, np.array(masks), [one.gain for one in plan.preferred])
        if request.recency is not None:
            half_life = int(language.duration(request.recency).total_seconds() * _MICROSECOND)
            factors = ranking.recency_factors(columns.published[ordinals], instant(plan.now), half_life)
            fused = ranking.apply_recency(fused, factors)
        order, passed_over = _order(view, plan, scope, vector, ordinals, fused), None
        if quota is not None:
            passed_over = quota.passed_over(ordinals[order], len(order) <= POOL)
            order = order[quota.kept(ordinals[order])]
        order = order[:POOL]
    return Ranked(
        ordinals[order],
        order,
        fused,
        len(order) > plan.page.stop,
        passed_over,
        vector,
        tuple(preferred),
        plan.query.scoring,
    )


def _order(
    view: View, plan: Plan, scope: Scope, vector: Floats | None, ordinals: Ordinals, fused: ranking.Fused
) -> NDArray[np.int64]:
    """The places of all candidates in their order, of the copies of one text that were put forward the best alone."""
    request, columns, groups = plan.request, view.columns, scope.groups
    diverse = request.diversity > 0
    doubled = groups is not None and len(groups.firsts(ordinals)) < len(ordinals)
    whole = diverse or doubled or request.per_source is not None
    depth = None if whole else max(plan.page.stop, RERANKED if request.rerank is not None else 0)
    order = ranking.order(fused.scores, columns.published[ordinals], lambda tied: columns.ids(ordinals[tied]), depth)
    if groups is not None and doubled:
        order = order[groups.firsts(ordinals[order])]
    if diverse:
        first, rest = order[:POOL], order[POOL:]
        representatives = _representatives(view, plan, scope, vector, ordinals[first])
        first = first[ranking.diversify(fused.scores[first], representatives, request.diversity)]
        order = np.concatenate((first, rest))
    return order


def _representatives(view: View, plan: Plan, scope: Scope, vector: Floats | None, ordinals: Ordinals) -> Floats:
    """float32[c, d]: what candidates are told apart by. Of norm 1, or zeros: the vectors of their best passages or,
    where words alone count, what each of the query's words adds to their scores."""
    if vector is not None and view.vectors is not None:
        return view.vectors.representatives(vector, ordinals)
    shares = scope.words.shares(plan.query.scoring_words, ordinals)
    norms = np.linalg.norm(shares, axis=1, keepdims=True)
    told: Floats = np.divide(shares, norms, out=np.zeros_like(shares), where=norms > 0)
    return told


def by_words(
    columns: Columns, words: Asked, matched: Mask, groups: Groups | None = None, others: Others | None = None
) -> Pool:
    """The articles ranked by words, then those of the match set that no scoring word led to (``benhada~``), the
    newest."""
    ordinals, scores = words.best(POOL)
    quota = words.quota
    if len(ordinals) < POOL or (quota is not None and quota.size(ordinals) < POOL):
        rest = matched.copy()
        rest[ordinals] = False
        if groups is not None:
            rest[groups.copies(ordinals)] = False
            rest = alone(
                rest, groups, groups.first_of_each(rest, Sort.NEWEST, lambda every: by_date(columns, every, False))
            )
        depth = POOL - len(ordinals) if quota is None else POOL
        more = by_date(columns, rest, False, depth)
        if quota is not None:
            more = quota.filled(more, rest, POOL, POOL, lambda left: by_date(columns, left, False, POOL))
        ordinals, scores = np.append(ordinals, more), np.append(scores, np.zeros(len(more), np.float32))
    if others is not None:
        copies = others(ordinals)
        beside = words.score(copies)
        ranks = (beside > 0) | matched[copies]
        ordinals, scores = np.append(ordinals, copies[ranks]), np.append(scores, beside[ranks])
    return ordinals, ranking.alone("keyword", scores)


def by_meaning(meaning: Asked, plan: Plan, others: Others | None = None) -> Pool:
    """The articles nearest in meaning, best first."""
    depth = NEAR if _first_places(plan) else POOL
    ordinals, cosines = meaning.best(depth)
    fused = ranking.alone("vector", cosines)
    if depth < POOL and len(ordinals) == depth and fused.scores[-1] == fused.scores[FRONT - 1]:
        ordinals, cosines = meaning.best(POOL)  # dates order these and others
        fused = ranking.alone("vector", cosines)
    if others is not None:
        copies = others(ordinals)
        ordinals, cosines = np.append(ordinals, copies), np.append(cosines, meaning.score(copies))
        fused = ranking.alone("vector", cosines)
    return ordinals, fused


def by_both(
    words: Asked, meaning: Asked, plan: Plan, size: int, groups: Groups | None = None, others: Others | None = None
) -> Pool:
    """The articles that either leg ranks, ascending; ``size`` is the number of articles, or of stories, under the mask.
    Where only the first places are asked for, no more of them than may come there: with the scores that all would give
    them."""
    by_words, request = words.best(POOL), plan.request
    pool = _front(words, meaning, by_words, request, size, groups) if _first_places(plan) else None
    return _whole(words, meaning, by_words, request, size, others) if pool is None else pool


def _others(plan: Plan, scope: Scope) -> Others | None:
    """The copies of candidates that are candidates too: all, where the order depends on more than what texts say. The
    best by words or by meaning may be older than another copy, or not of the source that the query names."""
    if scope.groups is None or (plan.request.recency is None and not plan.preferred):
        return None
    return partial(scope.groups.others, mask=scope.mask)


def _words(plan: Plan, scope: Scope, watch: Watch, quota: Quota | None = None) -> Asked:
    words, leg, groups = plan.query.scoring, scope.words, scope.group_ids
    return Asked(
        "words",
        scope.mask,
        lambda mask, depth: leg.rank(words, mask, groups, depth),
        partial(leg.score, words),
        watch,
        partial(leg.most_beyond, words),
        quota,
    )


def _meaning(leg: VectorLeg, vector: Floats, scope: Scope, watch: Watch, quota: Quota | None) -> Asked:
    """Whatever the depth, as much is read as for the whole pool."""
    groups = scope.group_ids
    return Asked(
        "meaning",
        scope.mask,
        lambda mask, depth: leg.rank(vector, mask, groups, depth, POOL),
        partial(leg.score, vector),
        watch,
        quota=quota,
    )


def _first_places(plan: Plan) -> bool:
    """Are the first places asked for, in an order in which no place depends on the scores of all?"""
    request = plan.request
    return (
        request.offset + request.limit <= FRONT
        and request.recency is None  # the median age counts for articles without a date
        and request.diversity == 0
        and request.per_source is None
        and not plan.preferred  # what comes higher may come from far down
        and request.fusion in (Fusion.DBSF, Fusion.MINMAX)  # a higher score never counts less, whoever else there is
    )


def _whole(words: Asked, meaning: Asked, by_words: Best, request: Request, size: int, others: Others | None) -> Pool:
    """All that either leg ranks."""
    near = meaning.best(POOL)
    ordinals = _union(by_words.ordinals, near.ordinals)
    if others is not None:
        ordinals = _union(ordinals, others(ordinals))
    word_scores = _completed(ordinals, by_words, words.score)
    cosines = _completed(ordinals, near, meaning.score)
    return ordinals, _fused(word_scores, cosines, by_words, near, request, size)


def _front(
    words: Asked, meaning: Asked, by_words: Best, request: Request, size: int, groups: Groups | None
) -> Pool | None:
    """Of the pool what may come to the first places, with the same scores; None if that cannot be told."""
    near = meaning.best(NEAR)
    if len(near.ordinals) < NEAR:
        return None
    ordinals = _union(by_words.ordinals, near.ordinals)
    word_scores = _completed(ordinals, by_words, words.score)
    # Nothing else is nearer in meaning, and what no leg found has no more of the words, but perhaps nearer to each
    # other: the last row stands for it.
    bound = max(near.scores[-1], np.float32(0.0))
    least = np.float32(words.most_beyond(float(by_words.scores[-1])) if len(by_words.ordinals) >= POOL else 0.0)

    def at_most(rest: Ordinals) -> Floats:
        """The bound; but another copy of a near article may be as near as that."""
        most = np.full(len(rest), bound, np.float32)
        if groups is not None:
            copies = np.isin(groups.ids[rest], groups.ids[near.ordinals])
            most[copies] = meaning.score(rest[copies])
        return most

    cosines = _completed(ordinals, near, at_most)
    highest = _fused(np.append(word_scores, least), np.append(cosines, bound), by_words, near, request, size)
    others = np.ones(len(ordinals) + 1, np.bool_)
    others[ordinals.searchsorted(near.ordinals)] = False
    last = np.partition(highest.scores[~others], NEAR - FRONT)[NEAR - FRONT]
    others &= highest.scores >= last
    if others[-1]:
        return None
    rivals = np.flatnonzero(others)
    cosines[rivals] = meaning.score(ordinals[rivals])
    kept = np.sort(np.append(ordinals.searchsorted(near.ordinals), rivals))
    return ordinals[kept], _fused(word_scores[kept], cosines[kept], by_words, near, request, size)


def _fused(
    word_scores: Floats, cosines: Floats, by_words: Best, near: Best, request: Request, size: int
) -> ranking.Fused:
    """Both legs' scores of some articles made one, beside what each ranks best."""
    assert request.weight is not None  # 'rank' gave it the archive's
    meaning = ranking.Leg(cosines, near.scores, size)
    keyword = ranking.Leg(word_scores, by_words.scores, size, word_scores > 0)
    return ranking.fuse(meaning, keyword, method=request.fusion, weight=request.weight)


def _union(first: Ordinals, second: Ordinals) -> Ordinals:
    """The ordinals of both, ascending, each once; none stands twice in either."""
    both = np.sort(np.concatenate((first, second)))
    repeated = both[1:] == both[:-1]
    return np.delete(both, np.flatnonzero(repeated)) if repeated.any() else both


def _completed(ordinals: Ordinals, best: Best, score: Callable[[Ordinals], Floats]) -> Floats:
    """One leg's score of each of ``ordinals``, ascending: those that it ranked have theirs, the rest are asked for."""
    scores = np.empty(len(ordinals), np.float32)
    missing = np.ones(len(ordinals), np.bool_)
    places = ordinals.searchsorted(best.ordinals)
    scores[places] = best.scores
    missing[places] = False
    scores[missing] = score(ordinals[missing])
    return scores
