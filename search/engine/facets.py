"""Facets and timelines: what a whole match set is made of, with the queries that narrow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from search.engine.counts import Counted, Mask
from search.engine.periods import Periods, count_dates, count_periods, label, number
from search.engine.remarks import of_counts
from search.engine.stories.shown import of_copies
from search.engine.watch import Watch, unwatched
from search.errors import UsageError
from search.keyword.tree import Value
from search.query.clauses import value_clause
from search.query.drilldown import Narrower, date_conditions
from search.records import Bucket, Facet, FacetField, Facets, FacetValue, Period, Series, Split, Timeline
from search.storage.columns import MISSING_DAY

if TYPE_CHECKING:
    from search.engine.plan import Plan
    from search.engine.request import Request
    from search.engine.view import Scope, View


# The query language's name for a field, where it is another one.
_ASKED_BY = {FacetField.AUTHOR: "by", FacetField.LANGUAGE: "lang"}


def facets(
    view: View,
    request: Request,
    fields: Iterable[FacetField | str] | None,
    limit: int | None,
    watch: Watch = unwatched,
) -> Facets:
    """Count the match set of a request by each field (None: all), and show the ``limit`` most frequent values (None:
    all of them).

    Values that differ in case, accents or punctuation alone are one, as they are to ``field:=``. An author's count
    includes the articles of an agency of that name, as ``by:=`` does. Where copies are collapsed, stories are counted:
    once for each value that a copy in the match set has.
    """
    wanted = list(FacetField) if fields is None else list(dict.fromkeys(_choice(FacetField, field) for field in fields))
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be 1 or more, not {limit}").about("limit")
    with watch("plan"):
        plan = view.plan(request)
    with watch("match"):
        scope = view.match(plan)
    with watch("count"):
        counted = [_counted(view, scope, field, limit) for field in wanted]
    with watch("narrow"):
        narrow = _narrower(plan)
        counts = tuple(_facet(field, values, narrow) for field, values in zip(wanted, counted, strict=True))
    return Facets(
        query=request.query,
        total=scope.total,
        stories=scope.stories,
        took_ms=plan.took_ms(),
        facets=counts,
        notes=(*of_counts(view, plan, scope), *of_copies(view, plan, scope)),
    )


def timeline(
    view: View,
    request: Request,
    by: Period | str,
    compare: Sequence[str] = (),
    split: Split | str | None = None,
    limit: int = 5,
    watch: Watch = unwatched,
) -> Timeline:
    """Count the match set of a request by period, in the articles' own local days; beside it those of other queries, or
    of the ``limit`` sources that have most of it, in the same periods.

    Periods run without gaps from the first match to the last, or between the dates that the query sets. Raises
    UsageError where these would be too many, and for queries and sources both.
    """
    length: Period = _choice(Period, by)
    if split is not None and split not in tuple(Split):
        raise UsageError(f"{split!r} is nothing to split by; use {', '.join(Split)}").about("split")
    if split is not None and compare:
        raise UsageError("split goes with one query; leave out the queries to compare").about("split")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UsageError(f"limit must be 1 or more, not {limit}").about("limit")
    with watch("plan"):
        plans = [view.plan(replace(request, query=query)) for query in (request.query, *compare)]
    with watch("match"):
        lines = [_Line.of(view, plan, plan.request.query) for plan in plans]
        if split is not None:
            lines += _by_source(view, lines[0], limit)
    with watch("count"):
        periods = _together(view, lines, length)
    with watch("narrow"):
        counted = [tuple(_buckets(own, length, line.narrow)) for own, line in zip(periods, lines, strict=True)]
    (first, *others), plan, scope = lines, plans[0], lines[0].scope
    notes = [note for line in lines[: len(plans)] for note in of_counts(view, line.plan, line.scope)]
    return Timeline(
        query=request.query,
        by=length,
        total=scope.total,
        stories=scope.stories,
        undated=_undated(view, first.scope),
        took_ms=plan.took_ms(),
        buckets=counted[0],
        series=tuple(
            Series(
                name=line.name,
                total=line.scope.total,
                stories=line.scope.stories,
                undated=_undated(view, line.scope),
                buckets=buckets,
            )
            for line, buckets in zip(others, counted[1:], strict=True)
        ),
        notes=(*dict.fromkeys(notes), *of_copies(view, plan, scope)),
    )


class _Line(NamedTuple):
    """One line of a timeline: what is counted, of how many articles it is a part, and what narrows it."""

    name: str
    plan: Plan
    scope: Scope
    within: Mask
    narrow: Narrower | None

    @classmethod
    def of(cls, view: View, plan: Plan, name: str, narrow: bool = True) -> _Line:
        """That of a plan; all articles under its dates are what it is a part of."""
        scope = view.match(plan)
        dates = date_conditions(plan.query.constraint)[0]
        within = scope.visible if dates is None else scope.words.match(dates)
        return cls(name, plan, scope, within, _narrower(plan) if narrow else None)


def _by_source(view: View, whole: _Line, limit: int) -> Iterator[_Line]:
    """A line for each of the sources that have most; each is a part of the source's articles."""
    request = whole.plan.request
    for value, _ in view.count_names(("source",), whole.scope.matched, limit, whole.scope.groups).values:
        own = Value("source", value, whole=True)
        text = None if whole.narrow is None else whole.narrow.text(value_clause("source", value))
        plan = whole.plan.narrowed(own)
        if text is not None:  # the same, in words that can be narrowed again
            plan = view.plan(replace(request, query=text, filters=None, literal=False))
        line = _Line.of(view, plan, value, narrow=text is not None)
        yield line._replace(within=line.within & line.scope.words.match(own))


def _together(view: View, lines: Sequence[_Line], length: Period) -> list[Periods]:
    """The counts of all lines in the same periods: those in which any has something, or between its dates."""
    counted = [
        (
            view.by_day(_once(view, line.scope, line.scope.matched, length)),
            view.by_day(_once(view, line.scope, line.within, length)),
        )
        for line in lines
    ]
    bounds = [date_conditions(line.plan.query.constraint)[1:] for line in lines]
    periods = [count_periods(own, within, length, *ends) for (own, within), ends in zip(counted, bounds, strict=True)]
    if len(lines) == 1:
        return periods
    spans = [one for one in periods if len(one.starts)]
    if not spans:
        return periods
    first = min(int(one.starts[0]) for one in spans)
    last = max(int(one.ends[-1]) - 1 for one in spans)
    return [count_periods(own, within, length, first, last) for own, within in counted]


def _counted(view: View, scope: Scope, field: FacetField, limit: int | None) -> Counted:
    if field in (FacetField.YEAR, FacetField.MONTH):
        period = Period(field)
        counted = count_dates(view.by_day(_once(view, scope, scope.matched, period)), period, limit)
        return counted._replace(none=_undated(view, scope))
    fields = ("author", "agency") if field is FacetField.AUTHOR else (field.value,)
    return view.count_names(fields, scope.matched, limit, scope.groups)


def _once(view: View, scope: Scope, mask: Mask, by: Period) -> Mask:
    """What is counted of a mask by period: its articles, or where copies are collapsed one of each story in each."""
    groups = scope.groups
    return mask if groups is None else groups.once(mask, number(view.columns.day[groups.copied], by))


def _undated(view: View, scope: Scope) -> int:
    """How many articles of the match set have no date, or of how many of its stories no copy has one."""
    if scope.groups is None:
        return view.by_day(scope.matched).none
    dated = scope.matched & (view.columns.day != MISSING_DAY)
    return scope.groups.count(scope.matched) - scope.groups.count(dated)


def _facet(field: FacetField, counted: Counted, narrow: Narrower) -> Facet:
    values = tuple(_value(value, count, _clause(field, value), narrow) for value, count in counted.values)
    return Facet(field=field, values=values, distinct=counted.distinct, none=counted.none)


def _value(value: str, count: int, clause: str | None, narrow: Narrower) -> FacetValue:
    others = None if clause is None else narrow.text(f"-{clause}")
    return FacetValue(value=value, count=count, query=narrow.text(clause), others=others)


def _buckets(periods: Periods, length: Period, narrow: Narrower | None) -> Iterator[Bucket]:
    for first, after, count, articles in zip(*(column.tolist() for column in periods), strict=True):
        start, end = date.fromordinal(first), date.fromordinal(after - 1)
        name = label(start, length)
        clause = f"date:{name}..{end}" if length is Period.WEEK else f"date:{name}"
        query = None if narrow is None else narrow.text(clause)
        yield Bucket(label=name, start=start, end=end, count=count, articles=articles, query=query)


def _narrower(plan: Plan) -> Narrower:
    request = plan.request
    return Narrower(plan.query, literal=request.literal, filters=request.filters, now=plan.now, where=request.where)


def _clause(field: FacetField, value: str) -> str | None:
    """The condition that asks for a facet's value."""
    if field in (FacetField.YEAR, FacetField.MONTH):
        return f"date:{value}"
    return value_clause(_ASKED_BY.get(field, field), value)


def _choice(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        name = "field to count by" if kind is FacetField else "period"
        asked = "fields" if kind is FacetField else "by"
        raise UsageError(f"{value!r} is no {name}; use one of {', '.join(kind)}").about(asked) from None
