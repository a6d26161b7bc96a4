"""w/n, pre/n, w/s, w/p and atleastN between any sub-expressions.

Only what stands at places in the text can be near something: words, phrases, patterns, alternatives of these, and
what is itself near. Boolean operands are spread out. ``(a AND b) w/5 c`` asks for both within 5 words of c;
``(a AND b) w/s c`` asks for one sentence with all three.
"""

from __future__ import annotations

from search.errors import QueryError
from search.keyword.tree import (
    And,
    AtLeast,
    Exact,
    Fuzzy,
    Near,
    Node,
    Or,
    SameParagraph,
    SameSentence,
    Wildcard,
    Word,
    joined,
    members,
)
from search.query.tokens import Token

MAX_COPIED = 1000
MAX_DEPTH = 60
_COUNTED = (Word, Exact, Wildcard, Fuzzy)
_PLACED = (*_COUNTED, Near, SameSentence, SameParagraph)


class Proximity:
    """Builds the proximity nodes of one query. Spreading out one operand copies the other: copies are bounded."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.copied = 0
        # Size and depth of trees by identity; the tree is kept too, so that its identity stays its own.
        self._known: dict[int, tuple[int, int, Node]] = {}

    def join(self, token: Token, left: Node, right: Node) -> Node:
        """``left`` near ``right``. Raises QueryError where an operand has no place in the text."""
        if isinstance(left, Or) and not placed(left):
            self._copy(token, right, left)
            return joined(Or, [self.join(token, child, right) for child in left.children])
        if isinstance(right, Or) and not placed(right):
            self._copy(token, left, right)
            return joined(Or, [self.join(token, left, child) for child in right.children])
        if isinstance(left, And) or isinstance(right, And):
            return self._join_all(token, left, right)
        if not (placed(left) and placed(right)):
            raise self._error(
                token, "needs words on both sides; an exclusion, a count, a date or a name has no place in the text"
            )
        if max(self._measure(left)[1], self._measure(right)[1]) >= MAX_DEPTH:
            raise self._error(token, f"is nested more than {MAX_DEPTH} deep in others; split the query")
        if token.number:
            return Near(left, right, token.number, token.ordered)
        return SameSentence(left, right) if token.text == "s" else SameParagraph(left, right)

    def _join_all(self, token: Token, left: Node, right: Node) -> Node:
        if not token.number:
            first, *rest = (*members(And, left), *members(And, right))
            for child in rest:
                first = self.join(token, first, child)
            return first
        if isinstance(left, And):
            self._copy(token, right, left)
            return joined(And, [self.join(token, child, right) for child in left.children])
        self._copy(token, left, right)
        return joined(And, [self.join(token, left, child) for child in right.children])

    def _copy(self, token: Token, tree: Node, over: Node) -> None:
        self.copied += (len(over.children) - 1) * self._measure(tree)[0]
        if self.copied > MAX_COPIED:
            raise self._error(token, "has operands that are too large to be spread out; simplify them")

    def _measure(self, tree: Node) -> tuple[int, int]:
        """How many nodes a tree has, and how deep it is."""
        if id(tree) not in self._known:
            measures = [self._measure(child) for child in tree.children]
            size = 1 + sum(size for size, _ in measures)
            self._known[id(tree)] = size, 1 + max((depth for _, depth in measures), default=0), tree
        size, depth, _ = self._known[id(tree)]
        return size, depth

    def _error(self, token: Token, message: str) -> QueryError:
        name = token.text if token.number else f"w/{token.text}"
        return QueryError(f"{name} {message}", self.query, token.start)


def placed(tree: Node) -> bool:
    """Whether a tree yields places in the text."""
    if isinstance(tree, Or):
        return all(placed(child) for child in tree.children)
    return isinstance(tree, _PLACED)


def at_least(count: int, tree: Node, query: str, start: int) -> Node:
    """``count`` occurrences of a word or phrase; alternatives add up; of an AND, each so often."""
    if isinstance(tree, And):
        return joined(And, [at_least(count, child, query, start) for child in tree.children])
    if not all(isinstance(child, _COUNTED) for child in members(Or, tree)):
        raise QueryError("atleastN counts words and phrases, as in atleast3(ceasefire OR truce)", query, start)
    return AtLeast(count, tree)
