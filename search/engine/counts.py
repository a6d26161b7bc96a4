"""Counting over a mask: articles by name, by date, by period. Pure functions over columns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import ArchiveDamaged, UsageError
from search.query.fields import value_key
from search.records import Period
from search.storage.columns import MISSING_DAY
from search.storage.container import Part

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

MAX_PERIODS = 20_000
_UNMET = -2
_SEVERAL = ("author",)  # fields of which an article may have several values
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_END = date.max.toordinal() + 1


class Periods(NamedTuple):
    """Periods without gaps: the ordinal of each one's first day and of the day after its last, how many articles match
    in it and how many there are. All int64[B]."""

    starts: Numbers
    ends: Numbers
    counts: Numbers
    articles: Numbers


class Counted(NamedTuple):
    """The most frequent values by count, then name; how many there are; and how many articles no value counts."""

    values: list[tuple[str, int]]
    distinct: int
    none: int


class Names:
    """The names in some fields of a snapshot, numbered as they are met; those that fold alike are one group.

    A name is folded when it is first counted, and remembered. Threads may share it.
    """

    def __init__(self, parts: Sequence[Part], fields: Sequence[str]) -> None:
        self.parts = parts
        self.fields = fields
        self._lock = threading.Lock()
        self._of_code = {field: [np.full(len(part[f"{field}_ends"]), _UNMET) for part in parts] for field in fields}
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._group_of: list[int] = []

    def numbers(self, field: str, place: int, codes: NDArray[np.uint32]) -> Numbers:
        """The number of the name of each code of the part at ``place``; -1 for an empty name."""
        of_code = self._of_code[field][place]
        used = np.flatnonzero(np.bincount(codes, minlength=len(of_code)))
        with self._lock:
            unmet = used[of_code[used] == _UNMET].tolist()
            if unmet:
                ends = self.parts[place][f"{field}_ends"]
                blob = self.parts[place][f"{field}_blob"]
                text = blob.tobytes()
                for code in unmet:
                    name = text[int(ends[code - 1]) if code else 0 : int(ends[code])].decode()
                    of_code[code] = self._number(name) if name.strip() else -1
        return of_code[codes]

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._numbers))
        if number == len(self._group_of):
            self._group_of.append(self._groups.setdefault(value_key(name) or name, len(self._groups)))
        return number

    def known(self) -> tuple[list[str], Numbers]:
        """All names met so far, and the number of the group of each."""
        with self._lock:
            return list(self._numbers), np.array(self._group_of, np.int64)


def count_names(names: Names, mask: Mask, limit: int | None) -> Counted:
    """Articles of the mask by the names in the first field; ``mask`` is bool[N] over all rows of the parts.

    Names that fold alike are one value, in their most frequent spelling (of equal ones the first). An article that has
    such a name in one of the other fields counts for it, too.
    """
    try:
        named = [_named(names, mask, field) for field in names.fields]
    except (IndexError, ValueError) as error:
        raise ArchiveDamaged("a columns part points outside itself; run 'broadsheet doctor'") from error
    spelled, groups = names.known()
    article, number = named[0]
    by_name = np.bincount(number, minlength=len(spelled))
    group = groups[number]
    for others, numbers in named[1:]:
        same = np.isin(groups[numbers], group)
        article = np.concatenate([article, others[same]])
        group = np.concatenate([group, groups[numbers][same]])
    if len(named) > 1 or names.fields[0] in _SEVERAL:
        # An article counts once for a name, however often it has it.
        pairs = np.sort(article * (len(spelled) + 1) + group)
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        article, group = pairs // (len(spelled) + 1), pairs % (len(spelled) + 1)
    by_group = np.bincount(group, minlength=len(spelled))
    counted = np.zeros(len(mask), bool)
    counted[article] = True
    none = int(np.count_nonzero(mask)) - int(np.count_nonzero(counted))
    return Counted(_most(spelled, groups, by_name, by_group, limit), int(np.count_nonzero(by_group)), none)


def _named(names: Names, mask: Mask, field: str) -> tuple[Numbers, Numbers]:
    """Articles of the mask and the numbers of their names in a field; without the articles that have none there."""
    articles = [np.empty(0, np.int64)]
    numbers = [np.empty(0, np.int64)]
    base = 0
    for place, part in enumerate(names.parts):
        inside = mask[base : base + len(part["rows"])]
        rows = np.flatnonzero(inside) + base
        base += len(inside)
        if field in _SEVERAL:
            each = part[f"{field}_counts"]
            rows, inside = np.repeat(rows, each[inside]), np.repeat(inside, each)
        if len(rows):
            articles.append(rows)
            numbers.append(names.numbers(field, place, part[field][inside]))
    article, number = np.concatenate(articles), np.concatenate(numbers)
    return article[number >= 0], number[number >= 0]


def _most(
    spelled: Sequence[str], groups: Numbers, by_name: Numbers, by_group: Numbers, limit: int | None
) -> list[tuple[str, int]]:
    """The most frequent groups in their most frequent spelling."""
    least = 1
    if limit is not None and limit < len(by_group):
        least = max(int(np.partition(by_group, len(by_group) - limit)[len(by_group) - limit]), 1)
    best: dict[int, tuple[int, str]] = {}
    for number in np.flatnonzero((by_name > 0) & (by_group[groups] >= least)).tolist():
        group = int(groups[number])
        spelling = -int(by_name[number]), spelled[number]
        best[group] = min(best.get(group, spelling), spelling)
    counted = [(name, int(by_group[group])) for group, (_, name) in best.items()]
    return sorted(counted, key=_frequency)[:limit]


def _frequency(value: tuple[str, int]) -> tuple[int, str]:
    return -value[1], value[0]


def count_dates(day: NDArray[np.int32], mask: Mask, by: Period, limit: int | None) -> Counted:
    """Articles of the mask by year or month, as ``date:`` writes them. ``day`` is int32[N]."""
    dated = mask & (day != MISSING_DAY)
    numbers, counts = np.unique(_number(day[dated], by), return_counts=True)
    labels = [label(date.fromordinal(start), by) for start in _start(numbers, by).tolist()]
    values = sorted(zip(labels, counts.tolist(), strict=True), key=_frequency)
    return Counted(values[:limit], len(labels), int(np.count_nonzero(mask)) - int(counts.sum()))


def label(start: date, by: Period) -> str:
    """A period by its first day: 2025, 2025-02 or 2025-02-24."""
    return start.isoformat()[: {Period.YEAR: 4, Period.MONTH: 7}.get(by, 10)]


def count_periods(
    day: NDArray[np.int32], mask: Mask, within: Mask, by: Period, first: int | None = None, last: int | None = None
) -> Periods:
    """Articles of ``mask`` and of ``within`` by period. ``day`` is int32[N], the masks are bool[N].

    The periods run from the first article of the mask to the last, or from day ``first`` to day ``last`` where given;
    a match outside of these (they are instants' days, it is in another time zone) widens them. No period: no match, or
    no day to start from. Raises UsageError for more than MAX_PERIODS.
    """
    days = day[mask & (day != MISSING_DAY)].astype(np.int64)
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
    start, stop = _number([low, high], by).tolist()
    size = stop - start + 1
    if size > MAX_PERIODS:
        raise UsageError(_too_many(size, low, high, days, by))
    others = day[within & (day != MISSING_DAY)]
    numbers = _number(others[(others >= low) & (others <= high)], by)
    borders = np.minimum(_start(np.arange(start, stop + 2), by), _END)
    return Periods(
        starts=borders[:-1],
        ends=borders[1:],
        counts=np.bincount(_number(days, by) - start, minlength=size),
        articles=np.bincount(numbers - start, minlength=size),
    )


def _number(days: ArrayLike, by: Period) -> Numbers:
    """Periods counted from somewhere, of days as proleptic ordinals."""
    ordinals = np.asarray(days, np.int64)
    if by is Period.DAY:
        return ordinals
    if by is Period.WEEK:
        return (ordinals - 1) // 7  # 1 January of year 1 is a Monday
    unit = "datetime64[M]" if by is Period.MONTH else "datetime64[Y]"
    return (ordinals - _EPOCH_DAY).astype("datetime64[D]").astype(unit).astype(np.int64)


def _start(numbers: Numbers, by: Period) -> Numbers:
    """The first day of each period: the inverse of ``_number``."""
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
