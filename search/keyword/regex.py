"""Regular expressions over words, without backtracking: an expression becomes an automaton and is never run by ``re``.

Supported: characters, ``.``, sets ``[a-z]`` ``[^0-9]``, ``\\d \\w \\s`` and their opposites, groups, ``|``, ``* + ?``
and ``{m,n}``. They match whole folded words. Look-around, anchors and back references are refused.
"""

from __future__ import annotations

from collections.abc import Hashable

from search.errors import QueryError
from search.keyword.automata import Automaton, check_length, class_bounds
from search.keyword.regex_syntax import MOST_POSITIONS, Piece, Ranges, parse

# Groups written out, empty ones too: repeats of repeats of nothing would take for ever.
_MOST_PIECES = 20_000


class Regex(Automaton):
    """Glushkov's automaton: a state is the set of positions that the last character may have been."""

    def __init__(self, pattern: str) -> None:
        check_length(pattern)
        self.text = pattern
        self._ranges: list[Ranges] = [()]
        self._follow: list[int] = [0]
        self._pieces = 0
        whole = parse(pattern)(self)
        # Position 0 is before the first character.
        self.start = 1
        self._follow[0] = whole.first
        self._accepting = whole.last | (1 if whole.empty else 0)
        self.bounds = class_bounds(pair for ranges in self._ranges for pair in ranges)
        self._positions = [self._positions_of(int(low)) for low in (0, *self.bounds)]

    def _positions_of(self, code: int) -> int:
        found = 0
        for position, ranges in enumerate(self._ranges):
            if any(low <= code < high for low, high in ranges):
                found |= 1 << position
        return found

    def add(self, ranges: Ranges) -> Piece:
        """A position that reads one character of these ranges."""
        self.count(len(self._ranges) > MOST_POSITIONS)
        bit = 1 << len(self._ranges)
        self._ranges.append(ranges)
        self._follow.append(0)
        return Piece(bit, bit, False)

    def count(self, too_many: bool = False) -> None:
        """One more piece. Raises QueryError when the repeats, written out, come to too much."""
        self._pieces += 1
        if too_many or self._pieces > _MOST_PIECES:
            raise QueryError(f"the pattern {self.text!r} is too long when its repeats are written out")

    def link(self, last: int, first: int) -> None:
        """After any position of ``last`` may come any of ``first``."""
        for position in _bits(last):
            self._follow[position] |= first

    def step(self, state: Hashable, kind: int) -> Hashable | None:
        """The positions that the next character may be."""
        assert isinstance(state, int)
        reached = 0
        for position in _bits(state):
            reached |= self._follow[position]
        return reached & self._positions[kind] or None

    def accepts(self, state: Hashable) -> bool:
        """Whether one of the positions is a last one."""
        assert isinstance(state, int)
        return bool(state & self._accepting)


def _bits(mask: int) -> list[int]:
    out = []
    while mask:
        low = mask & -mask
        out.append(low.bit_length() - 1)
        mask ^= low
    return out
