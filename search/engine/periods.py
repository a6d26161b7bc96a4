"""Counting articles of a mask by date and by period. Pure functions over columns."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.engine.counts import Counted, Mask, Numbers, frequency, sums
from search.errors import ArchiveDamaged, UsageError
from search.records import Period
from search.storage.columns import MISSING_DAY

MAX_PERIODS = 20_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_END = date.max.toordinal() + 1
_WIDE = 8  # days for each article, from the first to the last: with more of them, sorting articles is faster


class Periods(NamedTuple):
    """Periods without gaps: the ordinal of each one's first day and of the day after its last, how many articles match
    in it and how many there are. All int64[B]."""

    starts: Numbers
    ends: Numbers
    counts: Numbers
    articles: Numbers


class ByDay(NamedTuple):
    """The days on which there are articles of a mask, ascending proleptic ordinals, int64[D]; how many on each,
    int64[D]; and how many have no day."""

    days: Numbers
    counts: Numbers
    none: int


def by_day(day: NDArray[np.int32], mask: Mask) -> ByDay:
    """Articles of the mask, bool[N], by ``day``, int32[N]. Of days there are few: what is counted by period is
    counted by day before."""
    own = day if mask.all() else day[mask]
    if len(own) and not 0 <= int(own.min()) <= int(own.max()) < _END:
        raise ArchiveDamaged("a columns part has days that no calendar has; run 'broadsheet doctor'")
    before = int(own.min(initial=_END, where=own != MISSING_DAY)) - 1
    if int(own.max(initial=0)) - before > _WIDE * len(own):  # few articles, or one that is dated to the year 1
        days, counts = np.unique(own[own != MISSING_DAY], return_counts=True)
        days = days.astype(np.int64)
    else:
        each = np.bincount(np.maximum(own - np.int32(before), 0), minlength=1)
        places = np.flatnonzero(each[1:]) + 1
        days, counts = places + before, each[places]
    return ByDay(days, counts, len(own) - int(counts.sum()))


def count_dates(counted: ByDay, by: Period, limit: int | None) -> Counted:
    """Articles by year or month, as ``date:`` writes them."""
    numbers, place = np.unique(number(counted.days, by), return_inverse=True)
    counts = sums(place, counted.counts, len(numbers))
    labels = [label(date.fromordinal(start), by) for start in _start(numbers, by).tolist()]
    values = sorted(zip(labels, counts.tolist(), strict=True), key=frequency)
    return Counted(values[:limit], len(labels), counted.none)


def label(start: date, by: Period) -> str:
    """A period by its first day: 2025, 2025-02 or 2025-02-24."""
    return start.isoformat()[: {Period.YEAR: 4, Period.MONTH: 7}.get(by, 10)]


def count_periods(
    matches: ByDay, within: ByDay, by: Period, first: int | None = None, last: int | None = None
) -> Periods:
    """Matches, and the articles that they are a part of, by period.

    The periods run from the first match to the last, or from day ``first`` to day ``last`` where given;
    a match outside of these (they are instants' days, it is in another time zone) widens them. No period: no match, or
    no day to start from. Raises UsageError for more than MAX_PERIODS.
    """
    days, each = matches.days, matches.counts
    ends = [bound for bound in (first, last) if bound is not None]
    if len(days):
        low = int(days.min()) if first is None else min(first, int(days.min()))
        high = int(days.max()) if last is None else max(last, int(days.max()))
    elif len(ends) == 2:
        low, high = ends
    else:
        low, high = 1, 0
    if low > high:
        none = np.empty(0, np.int64)
        return Periods(none, none, none, none)
    start, stop = number([low, high], by).tolist()
    size = stop - start + 1
    if size > MAX_PERIODS:
        raise UsageError(_too_many(size, low, high, np.repeat(days, each), by)).about("by")
    places = number(within.days, by) - start
    inside = (places >= 0) & (places < size)  # a first match late in a month takes nothing from that month
    borders = np.minimum(_start(np.arange(start, stop + 2), by), _END)
    return Periods(
        starts=borders[:-1],
        ends=borders[1:],
        counts=sums(number(days, by) - start, each, size),
        articles=sums(places[inside], within.counts[inside], size),
    )


def number(days: ArrayLike, by: Period) -> Numbers:
    """Periods counted from somewhere, of days as proleptic ordinals."""
    ordinals = np.asarray(days, np.int64)
    if by is Period.DAY:
        return ordinals
    if by is Period.WEEK:
        return (ordinals - 1) // 7  # 1 January of year 1 is a Monday
    unit = "datetime64[M]" if by is Period.MONTH else "datetime64[Y]"
    return (ordinals - _EPOCH_DAY).astype("datetime64[D]").astype(unit).astype(np.int64)


def _start(numbers: Numbers, by: Period) -> Numbers:
    """The first day of each period: the inverse of ``number``."""
    if by is Period.DAY:
        return numbers
    if by is Period.WEEK:
        return numbers * 7 + 1
    unit = "datetime64[M]" if by is Period.MONTH else "datetime64[Y]"
    return numbers.astype(unit).astype("datetime64[D]").astype(np.int64) + _EPOCH_DAY


def _too_many(size: int, low: int, high: int, days: Numbers, by: Period) -> str:
    """Why a timeline is refused, and where most of the articles are."""
    message = (
        f"by {by}, a timeline from {date.fromordinal(low)} to {date.fromordinal(high)} has {size:,} periods, more than "
        f"the {MAX_PERIODS:,} that are counted; ask for longer ones, or set dates in the query"
    )
    if len(days):
        start, end = np.percentile(days, (0.5, 99.5), method="nearest").astype(int).tolist()
        first, last = label(date.fromordinal(start), by), label(date.fromordinal(end), by)
        message += f" (99 in 100 of the articles are in date:{first}..{last})"
    return message
