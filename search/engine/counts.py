"""Counting articles of a mask by name, over columns."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.engine.stories.groups import Groups
from search.errors import ArchiveDamaged
from search.query.fields import value_key
from search.storage.container import Part

T = TypeVar("T")
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_UNMET = -2
_SOME = 8  # what leaves out no more than one in so many articles is remembered
_KEPT = 2  # such counts of a part: of all articles, and of those that are no copies
_SEVERAL = ("author",)  # fields of which an article may have several values


class Counted(NamedTuple):
    """The most frequent values by count, then name; how many there are; and how many articles no value counts."""

    values: list[tuple[str, int]]
    distinct: int
    none: int


class _Tally(NamedTuple):
    """Numbers, int64[D], and how often each of them was met, int64[D]."""

    numbers: Numbers
    counts: Numbers

    @classmethod
    def of(cls, numbers: Numbers) -> _Tally:
        counts = np.bincount(numbers)
        numbers = np.flatnonzero(counts)
        return cls(numbers, counts[numbers])

    @staticmethod
    def sum(tallies: Iterable[_Tally], size: int) -> Numbers:
        """int64[size]: of each number how often all of them met it."""
        numbers, counts = zip(_NOTHING, *tallies, strict=True)
        return sums(np.concatenate(numbers), np.concatenate(counts), size)


_NOTHING = _Tally(np.empty(0, np.int64), np.empty(0, np.int64))


class _First(NamedTuple):
    """Of the articles of a mask in one part: the names in the first field, as often as they are written; the groups
    that an article has once more, and again; and how many articles have no name there."""

    names: _Tally
    again: _Tally
    none: int


class _Other(NamedTuple):
    """Of those in whose other field is a name that somebody has in the first: the groups that they have there alone,
    and how many have no name in the first."""

    groups: _Tally
    instead: int


class _Wide(Generic[T]):
    """What was counted of nearly all articles of a part, by its file. That is asked for again and again: it lies before
    everybody who has not searched yet, and a commit changes few parts. Threads may share it."""

    def __init__(self) -> None:
        self._counted: dict[str, dict[bytes, T]] = {}
        self._lock = threading.Lock()

    def get(self, part: Part, mask: Mask, count: Callable[[], T], also: bytes = b"") -> T:
        """What ``count`` finds of a mask; ``also``: what else that depends on."""
        if _SOME * int(np.count_nonzero(~mask)) > len(mask):
            return count()
        key = also + np.packbits(mask).tobytes()
        with self._lock:
            kept = self._counted.setdefault(str(part.path), {})
            counted = kept.get(key)
        if counted is None:
            counted = count()
            with self._lock:
                for oldest in list(kept)[: len(kept) - _KEPT + 1]:
                    del kept[oldest]
                kept[key] = counted
        return counted

    def forget(self, paths: Container[str]) -> None:
        """Keep what was counted of the parts in these files alone."""
        with self._lock:
            self._counted = {path: kept for path, kept in self._counted.items() if path in paths}


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
        self.first: _Wide[_First] = _Wide()
        self.other: _Wide[_Other] = _Wide()

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
            self._of_code = {key: codes for key, codes in self._of_code.items() if key[0] in paths}
        self.first.forget(paths)
        self.other.forget(paths)


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

    def named(self, groups: Mask) -> Mask:
        """The articles whose name is of one of these groups; ``groups`` by the number of a name."""
        named: Mask = _flagged(groups, self.numbers)[self.codes]
        return named


def _flagged(flags: Mask, numbers: Numbers) -> Mask:
    """The flag of each number; none for -1, and for what another thread has numbered since."""
    known = (numbers >= 0) & (numbers < len(flags))
    known[known] = flags[numbers[known]]
    return known


class _OfPart:
    """The articles of a mask in one part, and their names."""

    def __init__(self, spellings: Spellings, part: Part, mask: Mask) -> None:
        self._spellings, self.part, self.mask = spellings, part, mask

    @cached_property
    def columns(self) -> list[_Column]:
        try:
            return [_Column(self._spellings, self.part, field, self.mask) for field in self._spellings.fields]
        except (IndexError, ValueError) as error:
            raise ArchiveDamaged("a columns part points outside itself; run 'broadsheet doctor'") from error

    def first(self) -> _First:
        return self._spellings.first.get(self.part, self.mask, self._first)

    def _first(self) -> _First:
        column = self.columns[0]
        _, groups = self._spellings.known()
        used = np.flatnonzero((column.numbers >= 0) & (column.counts > 0))
        names, again = _Tally(column.numbers[used], column.counts[used]), _NOTHING
        none = int(np.count_nonzero(self.mask)) - int(names.counts.sum())
        if column.each is not None and (several := self.mask & (column.each > 1)).any():
            article, number = column.pairs(several)
            pairs = article * len(groups) + groups[number]
            pairs.sort(kind="stable")  # which makes use of that they nearly are
            again = _Tally.of(pairs[1:][pairs[1:] == pairs[:-1]] % len(groups))
            none += int(np.count_nonzero(np.diff(article) == 0))
        return _First(names, again, none)

    def other(self, written: Mask, groups: Numbers) -> _Other:
        """``written``: whether somebody has a name of this group in the first field, by group."""
        if len(self._spellings.fields) == 1:
            return _Other(_NOTHING, 0)
        met = written[groups]
        return self._spellings.other.get(self.part, self.mask, lambda: self._other(met, groups), self._key(met))

    def _key(self, met: Mask) -> bytes:
        """Those of the names in the other field that are met in the first."""
        field = self._spellings.fields[1]
        numbers = self._spellings.numbers(self.part, field, np.zeros(len(self.part[f"{field}_ends"]), bool))
        return np.packbits(_flagged(met, numbers)).tobytes()

    def _other(self, met: Mask, groups: Numbers) -> _Other:
        first, column = self.columns
        article, number = column.pairs(self.mask & column.named(met))
        if not len(article):
            return _Other(_NOTHING, 0)
        group = np.full(len(self.mask), -1)
        group[article] = groups[number]
        author, name = first.pairs(group >= 0)
        alone = group >= 0
        alone[author] = False
        group[author[groups[name] == group[author]]] = -1
        return _Other(_Tally.of(group[group >= 0]), int(np.count_nonzero(alone)))


def count_names(
    spellings: Spellings, parts: Sequence[Part], mask: Mask, limit: int | None, stories: Groups | None = None
) -> Counted:
    """Articles of the mask by the names in the first of the fields; ``mask`` is bool[N] over all rows of the parts.
    With ``stories`` these are counted: a story once for each name that an article of it has.

    Names that fold alike are one value, in their most frequent spelling (of equal ones the first). An article that has
    such a name in the other field, of which there may be one, counts for it, too.
    """
    bases = np.cumsum([0, *(len(part["rows"]) for part in parts)], dtype=np.int64)
    copies = np.zeros(len(mask), bool)
    if stories is not None:
        copies[stories.copied] = mask[stories.copied]
    singles = np.split(mask & ~copies, bases[1:-1])
    of_parts = [_OfPart(spellings, part, own) for part, own in zip(parts, singles, strict=False)]
    counted = [of_part.first() for of_part in of_parts]
    first, other = _of_stories(spellings, parts, np.split(copies, bases[1:-1]), bases, stories)
    spelled, groups = spellings.known()
    by_name = _Tally.sum((names.names for names in counted), len(groups))
    by_group = sums(groups, by_name, len(groups)) - _Tally.sum((names.again for names in counted), len(groups))
    by_name += np.bincount(first.numbers, minlength=len(groups))
    written = sums(groups, by_name, len(groups)) > 0
    others = [of_part.other(written, groups) for of_part in of_parts]
    by_group += _Tally.sum((names.groups for names in others), len(groups))
    none = sum(names.none for names in counted) - sum(names.instead for names in others)
    if stories is not None:  # their articles are in several parts
        met = written[groups[other.numbers]]
        named = np.concatenate([first.things, other.things[met]]), np.concatenate([first.numbers, other.numbers[met]])
        none += stories.count(mask) - int(np.count_nonzero(mask & ~copies))
        none -= _count_pairs(named[0] * len(groups) + groups[named[1]], by_group)
    return Counted(_most(spelled, groups, by_name, by_group, limit), int(np.count_nonzero(by_group)), none)


class _Pairs(NamedTuple):
    """Things, int64[P], and the number of a name that each has, int64[P]."""

    things: Numbers
    numbers: Numbers


def _of_stories(
    spellings: Spellings, parts: Sequence[Part], masks: Sequence[Mask], bases: Numbers, stories: Groups | None
) -> tuple[_Pairs, _Pairs]:
    """The stories of the articles of a mask, and their names in the first field and in the other."""
    none = np.empty(0, np.int64)
    pairs: tuple[list[_Pairs], list[_Pairs]] = [_Pairs(none, none)], [_Pairs(none, none)]
    for part, mask, base in zip(parts, masks, bases.tolist(), strict=False):
        if stories is not None and mask.any():
            for kept, column in zip(pairs, _OfPart(spellings, part, mask).columns, strict=False):
                articles, numbers = column.pairs(mask)
                kept.append(_Pairs(stories.ids[articles + base], numbers))
    first, other = (_Pairs(*map(np.concatenate, zip(*kept, strict=True))) for kept in pairs)
    return first, other


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
    return sorted(counted, key=frequency)[:limit]


def frequency(value: tuple[str, int]) -> tuple[int, str]:
    """By it the most frequent come first, of equal ones the first by name."""
    return -value[1], value[0]


def sums(places: Numbers, counts: Numbers, size: int) -> Numbers:
    """int64[size]: the counts of each place together."""
    return np.bincount(places, counts, size).astype(np.int64)  # by way of float64, which is exact up to 2^53
