"""Counting over a mask: articles by name, by date, by period. Pure functions over columns."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.engine.stories.groups import Groups
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


class Spellings:
    """The names that were met in some fields, numbered as they were; those that fold alike are one group. What was
    looked up of a part is kept by its file, for later snapshots that have it, too. Threads may share it."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = fields
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._group_of = array("q")
        self._of_code: dict[tuple[str, str], Numbers] = {}

    def numbers(self, part: Part, field: str, used: NDArray[np.bool_]) -> Numbers:
        """The number of the name of each code of a part that is ``used``; -1 for an empty name."""
        with self._lock:
            of_code = self._of_code.get((str(part.path), field))
            if of_code is None:
                of_code = self._of_code[str(part.path), field] = np.full(len(used), _UNMET)
            unmet = np.flatnonzero(used & (of_code == _UNMET)).tolist()
            if unmet:
                ends, text = part[f"{field}_ends"], part[f"{field}_blob"].tobytes()
                for code in unmet:
                    name = text[int(ends[code - 1]) if code else 0 : int(ends[code])].decode()
                    of_code[code] = self._number(name) if name.strip() else -1
            return of_code.copy()

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self._group_of.append(self._groups.setdefault(value_key(name) or name, len(self._groups)))
        return number

    def known(self) -> tuple[Sequence[str], Numbers]:
        """The names met so far, and maybe some more; and the number of the group of each of those met so far."""
        with self._lock:
            return self._names, np.array(self._group_of, np.int64)

    def forget(self, parts: Sequence[Part]) -> None:
        """Keep what is known of these parts alone."""
        paths = {str(part.path) for part in parts}
        with self._lock:
            self._of_code = {key: found for key, found in self._of_code.items() if key[0] in paths}


class _Column:
    """A field of one part: ``codes`` of the names of all its articles in a row, ``each`` how many of them each article
    has (None: one); of each code ``numbers``, that of its name, and ``counts``, how often articles of the mask have it.
    """

    def __init__(self, spellings: Spellings, part: Part, field: str, mask: Mask) -> None:
        self.codes = part[field]
        self.each: NDArray[np.uint32] | None = part[f"{field}_counts"] if field in _SEVERAL else None
        held = mask if self.each is None else np.repeat(mask, self.each)
        codes = self.codes if held.all() else self.codes[held]
        self.counts = np.bincount(codes, minlength=len(part[f"{field}_ends"]))
        self.numbers = spellings.numbers(part, field, self.counts > 0)

    def pairs(self, rows: Mask) -> tuple[Numbers, Numbers]:
        """Some articles, and the numbers of their names; without the articles that have none."""
        articles = np.flatnonzero(rows)
        if self.each is not None:
            articles, rows = np.repeat(articles, self.each[rows]), np.repeat(rows, self.each)
        numbers = self.numbers[self.codes[rows]]
        return articles[numbers >= 0], numbers[numbers >= 0]

    def having(self, groups: Numbers, by_group: Numbers) -> Mask:
        """The articles whose name is of a group that is counted already."""
        named = self.numbers >= 0
        named[named] = by_group[groups[self.numbers[named]]] > 0
        having: Mask = named[self.codes]
        return having


def count_names(
    spellings: Spellings, parts: Sequence[Part], mask: Mask, limit: int | None, stories: Groups | None = None
) -> Counted:
    """Articles of the mask by the names in the first of the fields; ``mask`` is bool[N] over all rows of the parts.
    With ``stories`` these are counted: a story once for each name that an article of it has.

    Names that fold alike are one value, in their most frequent spelling (of equal ones the first). An article that has
    such a name in one of the other fields counts for it, too.
    """
    ends = np.cumsum([len(part["rows"]) for part in parts], dtype=np.int64)
    masks = np.split(mask, ends[:-1])
    try:
        columns = [
            [_Column(spellings, part, field, own) for field in spellings.fields]
            for part, own in zip(parts, masks, strict=False)
        ]
    except (IndexError, ValueError) as error:
        raise ArchiveDamaged("a columns part points outside itself; run 'broadsheet doctor'") from error
    spelled, groups = spellings.known()
    by_name = np.zeros(len(groups), np.int64)
    for first, *_ in columns:
        by_name[first.numbers[first.numbers >= 0]] += first.counts[first.numbers >= 0]
    by_group = _sums(groups, by_name, len(groups))
    none = (int(np.count_nonzero(mask)) if stories is None else stories.count(mask)) - int(by_name.sum())
    plain = by_group.copy()
    copied = np.zeros(len(mask), bool)
    if stories is not None:
        copied[stories.copied] = True
    of_stories = [np.empty(0, np.int64)]
    for base, own, (first, *others) in zip((0, *ends.tolist()), masks, columns, strict=False):
        copies = own & copied[base : base + len(own)]
        if first.each is None and not others and not copies.any():
            continue
        # An article counts once for a name, however often it has it: those with several are looked at again, and those
        # of a story of several.
        several = np.zeros(len(own), bool) if first.each is None else own & (first.each > 1)
        besides = [own & other.having(groups, plain) for other in others]
        again = np.logical_or.reduce([several, *besides, copies])
        if not again.any():
            continue
        article, number = first.pairs(again)
        by_group -= np.bincount(groups[number], minlength=len(groups))
        none += len(number)
        found = [(article, number), *(other.pairs(rows) for other, rows in zip(others, besides, strict=True))]
        if stories is not None:
            found = [(stories.ids[article + base], number) for article, number in found]
        pairs = np.concatenate([article * len(groups) + groups[number] for article, number in found])
        if stories is not None:
            of_stories.append(pairs)
            continue
        none -= _count_pairs(pairs, by_group)
    if stories is not None:  # their articles are in several parts
        none -= _count_pairs(np.concatenate(of_stories), by_group)
    return Counted(_most(spelled, groups, by_name, by_group, limit), int(np.count_nonzero(by_group)), none)


def _count_pairs(pairs: Numbers, by_group: Numbers) -> int:
    """Add each pair of something and a group once to the counts of the groups; how many things there are."""
    if not len(pairs):
        return 0
    pairs.sort(kind="stable")  # which makes use of that they nearly are
    thing, group = np.divmod(pairs[np.diff(pairs, prepend=-1) != 0], len(by_group))
    by_group += np.bincount(group, minlength=len(by_group))
    return int(np.count_nonzero(np.diff(thing, prepend=-1)))


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


_WIDE = 8  # days for each article, from the first to the last: with more of them, sorting articles is faster


def count_dates(day: NDArray[np.int32], mask: Mask, by: Period, limit: int | None) -> Counted:
    """Articles of the mask by year or month, as ``date:`` writes them. ``day`` is int32[N]."""
    days, each = _by_day(day, mask)
    numbers, place = np.unique(number(days, by), return_inverse=True)
    counts = _sums(place, each, len(numbers))
    labels = [label(date.fromordinal(start), by) for start in _start(numbers, by).tolist()]
    values = sorted(zip(labels, counts.tolist(), strict=True), key=_frequency)
    return Counted(values[:limit], len(labels), int(np.count_nonzero(mask)) - int(counts.sum()))


def _by_day(day: NDArray[np.int32], mask: Mask) -> tuple[Numbers, Numbers]:
    """The days on which there are articles of the mask, ascending, and how many. Of days there are few: what is counted
    by period is counted by day before."""
    own = day if mask.all() else day[mask]
    if len(own) and not 0 <= int(own.min()) <= int(own.max()) < _END:
        raise ArchiveDamaged("a columns part has days that no calendar has; run 'broadsheet doctor'")
    before = int(own.min(initial=_END, where=own != MISSING_DAY)) - 1
    if int(own.max(initial=0)) - before > _WIDE * len(own):  # few articles, or one that is dated to the year 1
        days, counts = np.unique(own[own != MISSING_DAY], return_counts=True)
        return days.astype(np.int64), counts
    counts = np.bincount(np.maximum(own - np.int32(before), 0), minlength=1)
    days = np.flatnonzero(counts[1:]) + 1
    return days + before, counts[days]


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
    days, each = _by_day(day, mask)
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
    others, many = _by_day(day, within)
    places = number(others, by) - start
    inside = (places >= 0) & (places < size)  # a first match late in a month takes nothing from that month
    borders = np.minimum(_start(np.arange(start, stop + 2), by), _END)
    return Periods(
        starts=borders[:-1],
        ends=borders[1:],
        counts=_sums(number(days, by) - start, each, size),
        articles=_sums(places[inside], many[inside], size),
    )


def _sums(places: Numbers, counts: Numbers, size: int) -> Numbers:
    """int64[size]: the counts of each place together."""
    return np.bincount(places, counts, size).astype(np.int64)  # by way of float64, which is exact up to 2^53


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
