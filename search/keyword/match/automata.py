"""Which of many strings a pattern accepts, in one pass over all of them at once.

A pattern is an automaton that reads characters by class. It is made deterministic while it runs, only as far as the
strings take it, and all strings advance together, a column of characters at a time, through numpy: the time is linear
in the characters whatever the pattern, and a pattern that needs too many states is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import QueryError
from search.keyword.part.packing import Array

LONGEST_PATTERN = 200
MOST_STATES = 4000
_UNKNOWN, _DEAD, _ALL = -1, 0, 1
_LAST_CODE = 0x110000
# Code points below this are classed by a table.
_TABLE = 1 << 16


class Automaton(ABC):
    """A pattern over whole strings. States are any hashable; characters come as the numbers of their classes.

    ``bounds`` are the code points at which a new class starts: class k has those from ``bounds[k - 1]`` on.
    ``prefix`` is what all accepted strings start with; ``shortest`` and ``longest`` bound their characters.
    ``prefix_only``: everything that starts with it is accepted.
    """

    text: str
    start: Hashable
    bounds: NDArray[np.uint32]
    prefix: str = ""
    prefix_only: bool = False
    shortest: int = 0
    longest: int = _LAST_CODE

    @abstractmethod
    def step(self, state: Hashable, kind: int) -> Hashable | None:
        """The state after one more character, or None if nothing can follow that is accepted."""

    @abstractmethod
    def accepts(self, state: Hashable) -> bool:
        """Whether a string may end here."""

    def accepts_all(self, state: Hashable) -> bool:
        """Whether every continuation is accepted; may say False where it does not know."""
        return False

    @cached_property
    def table(self) -> _Table:
        """Its transitions, as far as strings took it: what those of one segment needed, others find."""
        return _Table(self)

    def kind(self, character: str) -> int:
        """The class of a character."""
        return int(np.searchsorted(self.bounds, ord(character), "right"))


def class_bounds(ranges: Iterable[tuple[int, int]]) -> NDArray[np.uint32]:
    """Class bounds that keep ranges of code points (end exclusive) apart."""
    return np.array(sorted({bound for pair in ranges for bound in pair}), np.uint32)


def _singles(characters: Iterable[str]) -> NDArray[np.uint32]:
    return class_bounds((ord(c), ord(c) + 1) for c in characters)


class Wildcard(Automaton):
    """``*`` stands for any run of characters, ``?`` for exactly one; the rest is literal and anchored at both ends."""

    def __init__(self, pattern: str) -> None:
        check_length(pattern)
        self.text = pattern
        literal = [c for c in pattern if c != "*"]
        self.bounds = _singles(set(literal) - {"?"})
        self.prefix = pattern[: min((pattern.find(c) for c in "*?" if c in pattern), default=len(pattern))]
        self.prefix_only = pattern == f"{self.prefix}*"
        self.shortest = len(literal)
        self.longest = _LAST_CODE if "*" in pattern else len(literal)
        # Bit i of a state: i of the literals and question marks are behind. Bit i of _loops: a star stands there.
        self.start = 1
        self._loops = 0
        seen = 0
        for c in pattern:
            if c == "*":
                self._loops |= 1 << seen
            else:
                seen += 1
        self._end = 1 << seen
        self._literal = literal

    @cached_property
    def _steps(self) -> list[int]:
        """For each class of characters, the literals that one of it may stand for."""
        steps = [0] * (len(self.bounds) + 1)
        for i, c in enumerate(self._literal):
            for kind in range(len(steps)) if c == "?" else (self.kind(c),):
                steps[kind] |= 1 << i
        return steps

    def step(self, state: Hashable, kind: int) -> Hashable | None:
        """The places in the pattern after one more character."""
        assert isinstance(state, int)
        return ((state & self._steps[kind]) << 1) | (state & self._loops) or None

    def accepts(self, state: Hashable) -> bool:
        """Whether the end is among the places."""
        assert isinstance(state, int)
        return bool(state & self._end)

    def accepts_all(self, state: Hashable) -> bool:
        """Whether the end is, and a star stands there."""
        assert isinstance(state, int)
        return bool(state & self._end & self._loops)


class Levenshtein(Automaton):
    """Strings within ``distance`` insertions, deletions and replacements of ``word``."""

    def __init__(self, word: str, distance: int) -> None:
        check_length(word)
        self.text = f"{word}~{distance}"
        self.word, self.distance = word, distance
        self.bounds = _singles(set(word))
        self._kinds = [self.kind(c) for c in word]
        self.shortest, self.longest = max(0, len(word) - distance), len(word) + distance
        # A state is a row of the edit-distance table: (i, distance to word[:i]), of those within the distance.
        self.start = tuple((i, i) for i in range(min(distance, len(word)) + 1))

    def step(self, state: Hashable, kind: int) -> Hashable | None:
        """The next row of the table."""
        assert isinstance(state, tuple)
        row: dict[int, int] = {}
        most = self.distance
        for i, edits in state:
            if edits < most:
                row[i] = min(row.get(i, most), edits + 1)
            if i < len(self._kinds):
                cost = edits if self._kinds[i] == kind else edits + 1
                if cost <= most:
                    row[i + 1] = min(row.get(i + 1, most), cost)
        for i in sorted(row):
            place, edits = i, row[i]
            while edits < most and place < len(self._kinds):
                place, edits = place + 1, edits + 1
                if row.get(place, most + 1) <= edits:
                    break
                row[place] = edits
        return tuple(sorted(row.items())) or None

    def accepts(self, state: Hashable) -> bool:
        """Whether the row reaches the whole word."""
        assert isinstance(state, tuple)
        return bool(state) and state[-1][0] == len(self._kinds)


def check_length(pattern: str) -> None:
    """Raise QueryError for a pattern that no word is long enough for."""
    if len(pattern) > LONGEST_PATTERN:
        raise QueryError(f"a pattern may have {LONGEST_PATTERN} characters; this one has {len(pattern)}")


class _Table:
    """The transitions of an automaton, as far as they have been needed. A state is its number times ``kinds``."""

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton
        self.kinds = len(automaton.bounds) + 1
        self.all = _ALL * self.kinds
        self._states: list[Hashable] = [None, None]
        self._numbers: dict[Hashable, int] = {}
        self.next = np.empty(0, np.int32)
        self.accepting = np.zeros(0, bool)
        self._grow(64)
        self.next[: self.kinds], self.next[self.kinds : 2 * self.kinds] = _DEAD, self.all
        self.accepting[_ALL] = True
        self.start = self._number(automaton.start) * self.kinds

    def _grow(self, states: int) -> None:
        grown = np.full(states * self.kinds, _UNKNOWN, np.int32)
        grown[: len(self.next)] = self.next
        self.next = grown
        self.accepting = np.concatenate((self.accepting, np.zeros(states - len(self.accepting), bool)))

    def _number(self, state: Hashable) -> int:
        number = self._numbers.get(state)
        if number is None:
            if self._automaton.accepts_all(state):
                return _ALL
            number = self._numbers[state] = len(self._states)
            if number >= MOST_STATES:
                raise QueryError(f"the pattern {self._automaton.text!r} is too complicated; make it shorter")
            self._states.append(state)
            if number >= len(self.accepting):
                self._grow(2 * number)
            self.accepting[number] = self._automaton.accepts(state)
        return number

    def learn(self, codes: Iterable[int]) -> None:
        """Work out transitions, each given as state + kind."""
        for code in codes:
            number, kind = divmod(code, self.kinds)
            after = self._automaton.step(self._states[number], kind)
            # The number first: finding it may replace the array.
            number = _DEAD if after is None else self._number(after)
            self.next[code] = number * self.kinds


def accepted(automaton: Automaton, blob: NDArray[np.uint8], starts: Array, ends: Array, most: int) -> NDArray[np.int64]:
    """Which of the strings ``blob[starts[i]:ends[i]]`` (UTF-8, ascending, without overlap) are accepted, ascending.

    With more than ``most`` of them, some may be left out, but still more than ``most`` are told.
    """
    if not len(starts):
        return np.zeros(0, np.int64)
    starts, ends = starts.astype(np.int64), ends.astype(np.int64)
    base = int(starts[0])
    flat = blob[base : int(ends[-1])]
    bounds = automaton.bounds[automaton.bounds < _TABLE].astype(np.int64)
    kind_of = np.repeat(np.arange(len(bounds) + 1, dtype=np.uint16), np.diff(bounds, prepend=0, append=_TABLE))
    run = _Run(automaton, most)
    lengths = ends - starts
    plain = np.arange(len(starts))
    high = np.flatnonzero(flat >= 0x80)
    if len(high):
        wide = np.zeros(len(starts), bool)
        wide[np.searchsorted(ends - base, high, "right")] = True
        plain, others = np.flatnonzero(~wide), np.flatnonzero(wide)
        sizes = lengths[others]
        offsets = np.cumsum(sizes) - sizes
        taken = flat[np.repeat(starts[others] - base - offsets, sizes) + np.arange(int(sizes.sum()))]
        codes = np.frombuffer(taken.tobytes().decode("utf-8", "replace").encode("utf-32-le"), "<u4")
        counts = np.add.reduceat((taken & 0xC0) != 0x80, offsets, dtype=np.int64)
        if int(counts.sum()) == len(codes):
            kinds = kind_of[np.minimum(codes, _TABLE - 1)]
            astral = np.flatnonzero(codes >= _TABLE)
            kinds[astral] = np.searchsorted(automaton.bounds, codes[astral], "right")
            run.over(kinds, np.cumsum(counts) - counts, counts, others)
    kinds = kind_of[:256]
    # bytes.translate is several times faster than indexing, and classes are nearly always few enough for it.
    if kinds.max() < 256:
        kinds = np.frombuffer(flat.tobytes().translate(kinds.astype(np.uint8).tobytes()), np.uint8)
    else:
        kinds = kinds[flat]
    run.over(kinds, starts[plain] - base, lengths[plain], plain)
    return np.sort(np.concatenate(run.gathered)) if run.gathered else np.zeros(0, np.int64)


class _Run:
    """Strings on their way through an automaton; ``gathered`` has the numbers of those it accepts."""

    def __init__(self, automaton: Automaton, most: int) -> None:
        self.gathered: list[NDArray[np.int64]] = []
        self._automaton, self._most = automaton, most

    def over(self, kinds: Array, starts: Array, lengths: Array, numbers: Array) -> None:
        """String ``numbers[i]`` has the characters ``kinds[starts[i]:starts[i] + lengths[i]]``, as classes."""
        automaton, table = self._automaton, self._automaton.table
        fits = np.flatnonzero((lengths >= automaton.shortest) & (lengths <= automaton.longest))
        # Longest first: those that still have a character in some column are then always the first so many.
        longest = np.minimum(lengths[fits], _TABLE - 1).astype(np.uint16)
        fits = fits[np.argsort(_TABLE - 1 - longest, kind="stable")]
        starts, lengths, numbers = starts[fits], lengths[fits], numbers[fits]
        if table.start == table.all:
            self._add(numbers)
            return
        states = np.full(len(fits), table.start, np.int32)
        column = 0
        while len(states) and column < lengths[0]:
            deadline.check()
            going = len(lengths) - int(np.searchsorted(lengths[::-1], column, "right"))
            codes = states[:going] + kinds[column:][starts[:going]]
            after = table.next[codes]
            if after.min() == _UNKNOWN:
                table.learn(sorted(set(codes[after == _UNKNOWN].tolist())))  # np.unique imports numpy.ma, 13 ms
                after = table.next[codes]
            states[:going] = after
            column += 1
            settled = states <= table.all
            if int(np.count_nonzero(settled)) * 4 > len(states):
                self._add(numbers[states == table.all])
                if sum(map(len, self.gathered)) > self._most:
                    return
                left = ~settled
                starts, lengths, numbers, states = starts[left], lengths[left], numbers[left], states[left]
        self._add(numbers[table.accepting[states // table.kinds]])

    def _add(self, numbers: NDArray[np.int64]) -> None:
        if len(numbers):
            self.gathered.append(numbers)
