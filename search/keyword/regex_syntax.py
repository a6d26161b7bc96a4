"""The syntax of regular expressions over words: a pattern becomes a function that builds an automaton's positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from search.errors import QueryError
from search.keyword.automata import _LAST_CODE

MOST_POSITIONS = 500
DEEPEST = 40

Ranges = tuple[tuple[int, int], ...]
_ANY: Ranges = ((0, _LAST_CODE),)
_DIGITS: Ranges = ((ord("0"), ord("9") + 1),)
# Words have nothing but word characters in them, and the dots of numbers.
_WORD: Ranges = ((0, ord(".")), (ord(".") + 1, _LAST_CODE))
_CLASSES: dict[str, Ranges] = {"d": _DIGITS, "w": _WORD, "s": ()}


class Piece(NamedTuple):
    """Part of an expression, by its positions as bits: the first ones, the last ones, whether it may be empty."""

    first: int
    last: int
    empty: bool


class Builder(Protocol):
    """What an expression is built in."""

    def add(self, ranges: Ranges) -> Piece:
        """A position that reads one character of these ranges."""

    def count(self) -> None:
        """One more piece, which may be one too many."""

    def link(self, last: int, first: int) -> None:
        """After any position of ``last`` may come any of ``first``."""


# An expression is built by calling it, so that a repeat can build its body again with positions of its own.
Node = Callable[[Builder], Piece]


def _complement(ranges: Ranges) -> Ranges:
    out = []
    at = 0
    for low, high in sorted(ranges):
        if low > at:
            out.append((at, low))
        at = max(at, high)
    if at < _LAST_CODE:
        out.append((at, _LAST_CODE))
    return tuple(out)


def _one(ranges: Ranges) -> Node:
    return lambda regex: regex.add(ranges)


def _sequence(nodes: list[Node]) -> Node:
    def build(regex: Builder) -> Piece:
        whole = Piece(0, 0, True)
        for node in nodes:
            regex.count()
            piece = node(regex)
            regex.link(whole.last, piece.first)
            whole = Piece(
                whole.first | (piece.first if whole.empty else 0),
                piece.last | (whole.last if piece.empty else 0),
                whole.empty and piece.empty,
            )
        return whole

    return build


def _either(nodes: list[Node]) -> Node:
    def build(regex: Builder) -> Piece:
        pieces = [node(regex) for node in nodes]
        first = last = 0
        for piece in pieces:
            first, last = first | piece.first, last | piece.last
        return Piece(first, last, any(piece.empty for piece in pieces))

    return nodes[0] if len(nodes) == 1 else build


def _optional(node: Node) -> Node:
    return lambda regex: node(regex)._replace(empty=True)


def _star(node: Node) -> Node:
    def build(regex: Builder) -> Piece:
        piece = node(regex)
        regex.link(piece.last, piece.first)
        return piece._replace(empty=True)

    return build


def _repeat(node: Node, least: int, most: int | None) -> Node:
    if most is None:
        return _sequence([node] * least + [_star(node)])
    return _sequence([node] * least + [_optional(node)] * (most - least))


def parse(pattern: str) -> Node:
    """What a pattern builds. Raises QueryError, with the place, for what is not supported."""
    return _Parser(pattern).parse()


class _Parser:
    """Recursive descent over the pattern; errors name the place."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at, self._depth = pattern, 0, 0

    def parse(self) -> Node:
        node = self._alternatives()
        if self._at < len(self._pattern):
            raise self._error("a ) without its (")
        return node

    def _error(self, what: str) -> QueryError:
        return QueryError(
            f"the pattern {self._pattern!r} has {what} at character {self._at + 1}", self._pattern, self._at
        )

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise self._error("nothing where something must follow")
        self._at += 1
        return character

    def _alternatives(self) -> Node:
        branches = [self._branch()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._branch())
        return _either(branches)

    def _branch(self) -> Node:
        nodes: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            nodes.append(self._repeated())
        return _sequence(nodes)

    def _repeated(self) -> Node:
        node = self._atom()
        sign = self._peek()
        if sign in ("*", "+", "?"):
            self._at += 1
            node = _optional(node) if sign == "?" else _repeat(node, 1 if sign == "+" else 0, None)
        elif sign == "{":
            node = _repeat(node, *self._counts())
        if self._peek() in ("*", "+", "?", "{"):
            raise self._error("one repeat after another")
        return node

    def _counts(self) -> tuple[int, int | None]:
        closing = self._pattern.find("}", self._at)
        body = self._pattern[self._at + 1 : closing] if closing >= 0 else ""
        least, comma, most = body.partition(",")
        if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in (least or "0", most or "0")):
            raise self._error("a { that is not {m}, {m,} or {m,n}")
        low = int(least or 0)
        high = (int(most) if most else None) if comma else low
        if not body.strip(",") or (high is not None and high < low):
            raise self._error("a { that is not {m}, {m,} or {m,n}")
        if max(low, high or 0) > MOST_POSITIONS:
            raise self._error(f"a repeat of more than {MOST_POSITIONS}")
        self._at = closing + 1
        return low, high

    def _atom(self) -> Node:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return _one(self._set())
        if character == ".":
            return _one(_ANY)
        if character == "\\":
            return _one(self._escape())
        if character in "*+?{^$":
            self._at -= 1
            raise self._error(f"a {character} that is not supported there")
        return _one(_letter(character))

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} groups inside one another")
        if self._pattern.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise self._error("a kind of group that is not supported")
        node = self._alternatives()
        if self._peek() != ")":
            raise self._error("a ( without its )")
        self._at += 1
        self._depth -= 1
        return node

    def _escape(self) -> Ranges:
        character = self._take()
        if character.lower() in _CLASSES:
            ranges = _CLASSES[character.lower()]
            return _complement(ranges) if character.isupper() else ranges
        if character.isalnum():
            raise self._error(f"\\{character}, which is not supported,")
        return _letter(character)

    def _set(self) -> Ranges:
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._take()
            if low == "\\":
                ranges += self._escape()
                continue
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                high = self._take()
                if high < low:
                    raise self._error(f"the range {low}-{high}, which is empty,")
                ranges.append((ord(low), ord(high) + 1))
                if "A" <= low <= high <= "Z":
                    ranges.append((ord(low) + 32, ord(high) + 33))
            else:
                ranges += _letter(low)
        self._at += 1
        return _complement(tuple(ranges)) if negated else tuple(ranges)


def _letter(character: str) -> Ranges:
    """A character as words have it, in lower case."""
    folded = character.casefold()
    code = ord(folded if len(folded) == 1 else character)
    return ((code, code + 1),)
