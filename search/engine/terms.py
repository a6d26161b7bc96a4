"""The words and phrases that set what matches apart from the rest of the archive, and from period to period.

How much a word does so is a log-odds ratio with an informative Dirichlet prior, in standard deviations (Monroe,
Colaresi and Quinn, "Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political
Conflict", 2008):

    z = d / sqrt(1 / (y + a) + 1 / (y' + a)),  d = ln((y + a) / (n + A - y - a)) - ln((y' + a) / (n' + A - y' - a))

y of n words of what matches are this one, y' of n' words of the rest, and a of A words of all: the prior is worth as
much as the archive itself. Of a period the rest is what else matches, and all is what matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.engine.periods import Periods, count_periods, label
from search.engine.remarks import of_counts
from search.engine.watch import Watch, unwatched
from search.errors import UsageError
from search.keyword.analysis import STOP_WORDS, analyze
from search.keyword.tally import Places, Tally
from search.query.clauses import quoted
from search.query.drilldown import Narrower
from search.records import Period
from search.records.terms import Term, Terms, TermsPeriod

if TYPE_CHECKING:
    from search.engine.request import Request
    from search.engine.view import View

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST = 2.0
"""Standard deviations from which a word is told."""
LEAST_ARTICLES = 2
"""Articles that must have it, where more than one matches: what one author says often is no word of a match set."""
PAIRED = 100
"""Words, the most telling ones, of which two side by side make a phrase."""
SHARE = 0.6
"""A word that stands in one phrase for this share of its occurrences is told by the phrase alone."""
MOST_PERIODS = 600


class _Told(NamedTuple):
    """A word or a phrase, spelled, with how often it occurs in what matches, in how many articles, in all articles that
    can be seen, and how far that sets the former apart. ``terms`` are its terms."""

    terms: tuple[str, ...]
    spelling: str
    occurrences: int
    articles: int
    everywhere: int
    z: float


def scores(y: Numbers, prior: Numbers, rest: Numbers, n: float, total: float, others: float) -> Floats:
    """float64: z of words that occur ``y`` times among ``n`` words, ``rest`` times among ``others``, and ``prior``
    times among the ``total`` of the prior."""
    own, other = (y + prior).astype(np.float64), (rest + prior).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(own / (n + total - own)) - np.log(other / (others + total - other))
        z = odds / np.sqrt(1.0 / own + 1.0 / other)
    return np.where(prior > 0, np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0), 0.0)


def terms(view: View, request: Request, by: Period | str | None, limit: int, watch: Watch = unwatched) -> Terms:
    """What sets the match set of a request apart, and with ``by`` each period of it.

    Raises UsageError for a limit below 1, an unknown period, or more than MOST_PERIODS of them.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UsageError(f"limit must be 1 or more, not {limit}")
    length = None if by is None else _period(by)
    with watch("plan"):
        plan = view.plan(request)
    with watch("match"):
        scope = view.match(plan)
    narrow = Narrower(plan.query, literal=request.literal, filters=request.filters, now=plan.now, where=request.where)
    told: list[_Told] = []
    periods: tuple[TermsPeriod, ...] = ()
    tally = view.tally
    if scope.total:
        with watch("count"):
            everywhere = view.occurrences(scope.visible)
            own, articles = tally.counts(scope.matched)
        with watch("words"):
            n, total = float(own.sum()), float(everywhere.sum())
            least = min(LEAST_ARTICLES, scope.total)
            z = scores(own, everywhere, everywhere - own, n, total, total - n)
            z[articles < least] = 0.0
            words = list(_words(tally, z, max(limit, PAIRED)))
        with watch("phrases"):
            told = _spelled(tally, words, own, articles, everywhere, z, scope.visible, scope.matched, (n, total), least)
        if length is not None:
            with watch("periods"):
                matches = view.by_day(scope.matched)
                spans = count_periods(matches, matches, length)
                periods = _periods(tally, view, spans, length, own, scope.matched, limit)
    notes = list(of_counts(view, plan, scope))
    if scope.total and scope.total == int(np.count_nonzero(scope.visible)):
        notes.append("all articles match: nothing sets them apart from the archive")
    undated = int(np.count_nonzero(scope.matched & (view.columns.day == 0)))
    return Terms(
        query=request.query,
        by=length,
        total=scope.total,
        undated=undated,
        terms=tuple(
            Term(
                term=one.spelling,
                score=one.z,
                count=one.occurrences,
                articles=one.articles,
                everywhere=one.everywhere,
                query=narrow.text(quoted(one.spelling) if len(one.terms) > 1 else f"+{quoted(one.spelling)}"),
            )
            for one in told[:limit]
        ),
        periods=periods,
        notes=tuple(notes),
        took_ms=plan.took_ms(),
    )


def _words(tally: Tally, z: Floats, most: int) -> Iterator[int]:
    """The numbers of the most telling words, without stop words, numbers and single letters."""
    found = np.flatnonzero(z >= LEAST)
    for number in found[np.lexsort((found, -z[found]))].tolist():
        if most <= 0:
            return
        if _is_word(tally.term(number)):
            most -= 1
            yield number


_STOPS = frozenset(token.term for word in STOP_WORDS for token in analyze(word))


def _is_word(term: str) -> bool:
    return len(term) > 1 and term not in _STOPS and any(map(str.isalpha, term))


def _spelled(
    tally: Tally,
    words: Sequence[int],
    own: Numbers,
    articles: Numbers,
    everywhere: Numbers,
    z: Floats,
    visible: NDArray[np.bool_],
    matched: NDArray[np.bool_],
    sizes: tuple[float, float],
    least: int,
) -> list[_Told]:
    """The words, and the phrases that two of the most telling make, by score; a word that hardly stands outside a
    phrase is left to that."""
    names = [tally.term(number) for number in words]
    places = tally.places(names[:PAIRED], visible)
    stride = tally.stride
    inside = matched[places.at // stride]
    spelling = _most_frequent(places.term[inside], places.form[inside], len(names))
    phrases = _phrases(places, inside, names, sizes, least, stride)
    held: dict[str, int] = {}
    for one in phrases:
        for term in one.terms:
            held[term] = max(held.get(term, 0), one.occurrences)
    rest = tally.places(names[PAIRED:], matched) if len(names) > PAIRED else None
    more = None if rest is None else _most_frequent(rest.term, rest.form, len(names) - PAIRED)
    told = list(phrases)
    for place, (number, term) in enumerate(zip(words, names, strict=True)):
        if held.get(term, 0) >= SHARE * own[number]:
            continue
        form = places.forms[int(spelling[place])] if place < PAIRED else ""
        if rest is not None and more is not None and place >= PAIRED:
            form = rest.forms[int(more[place - PAIRED])]
        told.append(
            _Told((term,), form, int(own[number]), int(articles[number]), int(everywhere[number]), float(z[number]))
        )
    return sorted(told, key=lambda one: (-one.z, one.spelling))


def _most_frequent(term: Numbers, form: Numbers, size: int) -> Numbers:
    """int64[size]: of each term the form that it has most often, of equal ones the first."""
    best = np.zeros(size, np.int64)
    forms = int(form.max(initial=0)) + 1
    pairs, counts = np.unique(term * forms + form, return_counts=True)
    order = np.lexsort((-(pairs % forms), counts))
    best[pairs[order] // forms] = pairs[order] % forms  # the last of a term stays
    return best


def _phrases(
    places: Places, inside: NDArray[np.bool_], names: Sequence[str], sizes: tuple[float, float], least: int, stride: int
) -> list[_Told]:
    """The phrases of two of the terms that set what matches apart."""
    next_to = np.flatnonzero(places.at[1:] == places.at[:-1] + 1)
    if not len(next_to):
        return []
    size = len(names)
    pair = places.term[next_to] * size + places.term[next_to + 1]
    everywhere = np.bincount(pair, minlength=size * size)
    counts = np.bincount(pair[inside[next_to]], minlength=size * size)
    n, total = sizes
    z = scores(counts, everywhere, everywhere - counts, n, total, total - n)
    telling = (z >= LEAST) & (counts > 1)
    told = np.flatnonzero(inside[next_to] & telling[pair])
    at, pair = next_to[told], pair[told]
    held = np.unique(places.at[at] // stride * (size * size) + pair)
    articles = np.bincount(held % (size * size), minlength=size * size)
    forms = int(places.form.max()) + 1
    spelling = _most_frequent(pair, places.form[at] * forms + places.form[at + 1], size * size)
    found = []
    for kind in np.flatnonzero(telling & (articles >= least)).tolist():
        first, second = divmod(int(spelling[kind]), forms)
        left, right = divmod(kind, size)
        if left != right:
            text = f"{places.forms[first]} {places.forms[second]}"
            count, everyone = int(counts[kind]), int(everywhere[kind])
            found.append(_Told((names[left], names[right]), text, count, int(articles[kind]), everyone, float(z[kind])))
    return found


def _periods(
    tally: Tally,
    view: View,
    spans: Periods,
    length: Period,
    own: Numbers,
    matched: NDArray[np.bool_],
    limit: int,
) -> tuple[TermsPeriod, ...]:
    """What sets the matching articles of each period apart from those of the others."""
    starts, ends, counts = (column[spans.counts > 0] for column in spans[:3])
    size = len(starts)
    if size > MOST_PERIODS:
        raise UsageError(f"by {length}, these are {size:,} periods, more than {MOST_PERIODS}; ask for longer ones")
    if not size:
        return ()
    days = view.columns.day
    group = np.searchsorted(starts, days, side="right") - 1
    group[~matched | (days < starts[0]) | (days >= ends[group])] = -1
    term, period, count, articles = tally.by_group(group.astype(np.int64), size)
    n = np.bincount(period, count, size)
    dated = np.bincount(term, count, len(own)).astype(np.int64)  # an article without a date is of no period
    total = float(dated.sum())
    z = np.zeros(len(term))
    for one in range(size):
        at = np.flatnonzero(period == one)
        z[at] = scores(count[at], dated[term[at]], dated[term[at]] - count[at], float(n[one]), total, total - n[one])
    z[articles < np.minimum(LEAST_ARTICLES, counts[period])] = 0.0
    told = []
    for one in range(size):
        at = np.flatnonzero((period == one) & (z >= LEAST))
        at = at[np.lexsort((term[at], -z[at]))]
        chosen = [place for place in at[: limit * 20].tolist() if _is_word(tally.term(int(term[place])))][:limit]
        names = [tally.term(int(term[place])) for place in chosen]
        where = tally.places(names, matched & (group == one))
        form = _most_frequent(where.term, where.form, len(names))
        found = tuple(
            Term(
                term=where.forms[int(form[place])],
                score=float(z[at_]),
                count=int(count[at_]),
                articles=int(articles[at_]),
                everywhere=int(dated[term[at_]]),
                query=None,
            )
            for place, at_ in enumerate(chosen)
        )
        start, end = date.fromordinal(int(starts[one])), date.fromordinal(int(ends[one]) - 1)
        told.append(
            TermsPeriod(label=label(start, length), start=start, end=end, articles=int(counts[one]), terms=found)
        )
    return tuple(told)


def _period(by: Period | str) -> Period:
    try:
        return Period(by)
    except ValueError:
        raise UsageError(f"{by!r} is no period; use one of {', '.join(Period)}") from None
