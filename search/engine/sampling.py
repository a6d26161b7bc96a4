"""Random samples of a match set, at large or by strata, the same for the same seed.

Each article has a place in a random order: a hash of the seed and its id. A sample is the first so many of that order,
so that it depends on neither segments nor a generator of random numbers, a larger sample holds the smaller one, and an
article that is added later displaces one at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from search import deadline
from search.engine.legs import Ordinals
from search.engine.periods import label
from search.engine.request import Request
from search.engine.view import Scope, View
from search.engine.watch import Watch, unwatched
from search.errors import UsageError
from search.query.fields import value_key
from search.records import Allocation, FacetField, Hit, Period
from search.records.samples import Sample, Stratum
from search.storage.columns import CATEGORIES, MISSING_DAY

STRATA = (*(FacetField(name) for name in CATEGORIES), FacetField.YEAR, FacetField.MONTH)
"""What an article has one value of. Authors are several."""
MOST = 10_000
_AT_ONCE = 5_000


def sample(
    view: View,
    request: Request,
    seed: int,
    by: FacetField | None,
    allocation: Allocation,
    watch: Watch = unwatched,
) -> Sample:
    """Draw ``request.limit`` articles from a match set, or all where there are no more. ``by``: from each stratum its
    share (by largest remainders), or as many of each (``allocation`` EQUAL), as far as it has them.

    Raises UsageError for a field that is no stratum and for more than 10,000 articles, and what a search raises.
    """
    if by is not None and by not in STRATA:
        raise UsageError(f"articles have several values of {by}; draw by {', '.join(STRATA)}").about("by")
    if request.limit > MOST:
        raise UsageError(f"a sample has at most {MOST:,} articles, not {request.limit:,}").about("limit")
    with watch("plan"):
        plan = view.plan(request)
    with watch("match"):
        scope = view.match(plan)
    with watch("draw"):
        drawn = _draw(view, scope, request.limit, seed, by, allocation)
    with watch("articles"):
        articles = view.articles(drawn.ordinals)
    hits = [article for article in articles if article is not None]
    return Sample(
        query=request.query,
        seed=seed,
        by=by,
        allocation=allocation,
        total=scope.total,
        stories=scope.stories,
        strata=drawn.strata,
        notes=(*plan.query.notes, *view.hidden(plan.as_of)),
        hits=tuple(Hit(rank=place, article=article, score=0.0, matched=True) for place, article in enumerate(hits, 1)),
        took_ms=plan.took_ms(),
    )


class _Drawn(NamedTuple):
    ordinals: Ordinals
    strata: tuple[Stratum, ...]


def _draw(view: View, scope: Scope, count: int, seed: int, by: FacetField | None, allocation: Allocation) -> _Drawn:
    ordinals = np.flatnonzero(scope.matched)
    order = np.argsort(_places(view, ordinals, seed), kind="stable")
    ordinals = ordinals[order]  # in random order
    if scope.groups is not None:  # of each story the first
        _, first = np.unique(scope.groups.ids[ordinals], return_index=True)
        ordinals = ordinals[np.sort(first)]
    if by is None:
        return _Drawn(ordinals[:count], ())
    values = _values(view, ordinals, by)
    sizes = Counter(values)
    shares = equal(sizes, count) if allocation is Allocation.EQUAL else proportional(sizes, count)
    left, chosen = dict(shares), []
    for ordinal, value in zip(ordinals.tolist(), values, strict=True):
        if left[value]:
            left[value] -= 1
            chosen.append(ordinal)
    strata = tuple(Stratum(value=value, articles=sizes[value], drawn=shares[value]) for value in sorted(sizes))
    return _Drawn(np.array(chosen, np.int64), strata)


def _places(view: View, ordinals: Ordinals, seed: int) -> Ordinals:
    """uint64: the place of each article in the random order of a seed."""
    places = np.empty(len(ordinals), np.uint64)
    salt = str(seed).encode()
    for start in range(0, len(ordinals), _AT_ONCE):
        deadline.check()
        for at, one in enumerate(view.columns.ids(ordinals[start : start + _AT_ONCE].tolist()), start):
            digest = blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8, key=salt[:64], person=b"sample")
            places[at] = int.from_bytes(digest.digest())
    return places  # type: ignore[return-value]


def _values(view: View, ordinals: Ordinals, by: FacetField) -> list[str]:
    """The stratum of each article: names that fold alike are one, as they are to facets."""
    if by in (FacetField.YEAR, FacetField.MONTH):
        period = Period(by)
        days = view.columns.day[ordinals].tolist()
        return ["" if day == MISSING_DAY else label(date.fromordinal(day), period) for day in days]
    names: list[str] = []
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        key = value_key(name) or name.strip()
        if key not in numbers:
            numbers[key] = len(names)
            names.append(name.strip())
        return numbers[key]

    return [names[one] for one in view.columns.numbered(by, ordinals, number).tolist()]


def proportional(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many of each stratum, in proportion to its size: whole shares, then by largest remainders, the larger stratum
    and the earlier name first where these are equal."""
    total = sum(sizes.values())
    if not total:
        return {}
    count = min(count, total)
    shares = {value: size * count // total for value, size in sizes.items()}
    by_rest = sorted(sizes, key=lambda value: (-(sizes[value] * count % total), -sizes[value], value))
    for value in by_rest[: count - sum(shares.values())]:
        shares[value] += 1
    return shares


def equal(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many of each stratum, as many of each as it has: what small ones lack goes to the others, what is left over
    one each to the first by name."""
    shares = dict.fromkeys(sizes, 0)
    left = min(count, sum(sizes.values()))
    while left:
        open_ones = sorted(value for value, size in sizes.items() if shares[value] < size)
        each = left // len(open_ones)
        for value in open_ones if each else open_ones[:left]:
            more = min(max(each, 1), sizes[value] - shares[value])
            shares[value] += more
            left -= more
    return shares
