"""Proximity of words that nearly every article has: most articles satisfy it, and bits tell which, all at once.

What is told is sure: an article found here satisfies the operator. Where more than that is not known, the articles
that are left over, few, are looked at place by place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from search import deadline
from search.keyword import tree
from search.keyword.match import bits
from search.keyword.match.bits import Bits
from search.keyword.match.grid import Grid
from search.keyword.match.lookup import Leaf
from search.keyword.match.places import Rows
from search.keyword.tree import Node

_MOST_TERMS = 8  # that one operand may stand for
_LONGEST = 16  # words between the ends of a span whose inside is marked
_UNITS = (tree.SameSentence, tree.SameParagraph)
_Operator = tree.Near | tree.SameSentence | tree.SameParagraph

Leaves = Callable[[Node], Sequence[Leaf]]


class Sure(NamedTuple):
    """Rows (repeats allowed) that satisfy an operator; ``complete``: no others do."""

    rows: Rows
    complete: bool


class _Spans(NamedTuple):
    """The spans of an operand as places: where some start and end, what lies strictly inside some (None: unknown), all
    the words that they may start or end with, and whether these are all spans."""

    starts: Bits
    ends: Bits
    inside: Bits | None
    words: Bits
    complete: bool


def surely(grid: Grid, node: Node, leaves: Leaves, number: int) -> Sure | None:
    """What is sure about an operator in one segment, the ``number``-th in the leaves; None where bits do not pay.

    Operands are frequent words, or operators on these.
    """
    finder = _Finder(grid, leaves, number)
    operator = _operator(node)
    if operator is None or not finder.knows(operator):
        return None
    words = [np.empty(0, np.int64)]
    complete = True
    for chunk in grid.chunks:
        deadline.check()
        hits, every = finder.hits(operator, chunk)
        words.append(np.flatnonzero(hits) + chunk.start)
        complete = complete and every
    return Sure(grid.rows[np.concatenate(words)], complete)


class _Finder:
    """The places of one query's frequent words as bits, and what stands near what, a chunk at a time."""

    def __init__(self, grid: Grid, leaves: Leaves, number: int) -> None:
        self._grid, self._leaves, self._number = grid, leaves, number
        self._marks: dict[int, Bits] = {}

    def knows(self, node: _Operator) -> bool:
        """Whether bits tell anything of an operator."""
        for operand, other in ((node.left, node.right), (node.right, node.left)):
            if self._are_words(operand):
                continue
            inner = _operator(operand)
            if inner is None or not self._are_words(inner.left) or not self._are_words(inner.right):
                return False
            # Whether a unit holds two spans, or a paragraph that has to be in a sentence, is not known.
            if isinstance(node, _UNITS) and (_operator(other) is not None or _is_wider(inner, node)):
                return False
        return True

    def _are_words(self, node: Node) -> bool:
        """Whether a node is a frequent word, or several, anywhere in the articles."""
        if id(node) in self._marks:
            return True
        tids = self._tids(node)
        if not tids or len(tids) > _MOST_TERMS or not any(map(self._grid.is_marked, tids)):
            return False
        marks = self._grid.marks(tids[0])
        for tid in tids[1:]:
            marks = marks | self._grid.marks(tid)
        self._marks[id(node)] = marks
        return True

    def _tids(self, node: Node) -> list[int]:
        if isinstance(node, tree.Or):
            each = [self._tids(child) for child in node.children]
            return [tid for tids in each for tid in tids] if all(each) else []
        if isinstance(node, tree.Pair | tree.Nothing):
            return []
        tids = []
        for leaf in self._leaves(node):
            for parts in leaf.segments[self._number]:
                if leaf.field is not None or len(parts) != 1 or parts[0].forms is not None:
                    return []
                tids.append(parts[0].tid)
        return tids

    def hits(self, node: _Operator, chunk: slice) -> tuple[Bits, bool]:
        """A place in each of some rows that satisfy an operator, and whether these are all such rows."""
        if isinstance(node, _UNITS):
            return self._in_unit(node, chunk), False
        left, right = self._spans(node.left, chunk), self._spans(node.right, chunk)
        reach = min(node.distance, bits.REACH)
        complete = left.complete and right.complete and node.distance <= bits.REACH
        places = bits.behind(left.ends, reach) & right.starts
        if node.ordered:
            return places, complete
        places |= bits.behind(right.ends, reach) & left.starts
        # One may also stand inside the other, as long as no word is an end of both.
        pairs = (_operator(node.left) is not None) + (_operator(node.right) is not None)
        if pairs == 2 and (left.words & right.words).any():
            return places, False
        for outer, inner in ((left, right), (right, left)) if pairs else ():
            if outer.inside is None:
                complete = False
            else:
                places |= outer.inside & inner.starts
        return places, complete

    def _in_unit(self, node: tree.Pair, chunk: slice) -> Bits:
        opens = self._opens(node)[chunk]
        inner, other = _operator(node.right), node.left
        if inner is None:
            inner, other = _operator(node.left), node.right
        marks = self._words(other, chunk)
        if inner is None:
            wanted = self._words(node.left, chunk)
            return bits.behind_in_unit(marks, opens) & wanted | bits.behind_in_unit(wanted, opens) & marks
        left, right = self._words(inner.left, chunk), self._words(inner.right, chunk)
        # Of spans that begin and end in the unit, where they end; both ends differ from the other word.
        if isinstance(inner, tree.Near):
            reach = min(inner.distance, bits.REACH)
            ends = bits.behind_in_unit(left, opens, reach) & right
            if not inner.ordered:
                ends |= bits.behind_in_unit(right, opens, reach) & left
        else:
            inner_opens = self._opens(inner)[chunk]
            ends = bits.behind_in_unit(left, inner_opens) & right | bits.behind_in_unit(right, inner_opens) & left
        marks = marks & ~(left | right)
        return bits.behind_in_unit(ends, opens) & marks | bits.behind_in_unit(marks, opens) & ends

    def _words(self, node: Node, chunk: slice) -> Bits:
        return self._marks[id(node)][chunk]

    def _spans(self, node: Node, chunk: slice) -> _Spans:
        operator = _operator(node)
        if operator is None:
            marks = self._words(node, chunk)
            return _Spans(marks, marks, np.zeros_like(marks), marks, True)
        left, right = self._words(operator.left, chunk), self._words(operator.right, chunk)
        if not isinstance(operator, tree.Near):
            opens = self._opens(operator)[chunk]
            starts = bits.before_in_unit(right, opens) & left | bits.before_in_unit(left, opens) & right
            ends = bits.behind_in_unit(left, opens) & right | bits.behind_in_unit(right, opens) & left
            return _Spans(starts, ends, None, left | right, False)
        distance = operator.distance
        reach = min(distance, bits.REACH)
        starts, ends = bits.before(right, reach) & left, bits.behind(left, reach) & right
        if not operator.ordered:
            starts |= bits.before(left, reach) & right
            ends |= bits.behind(right, reach) & left
        inside = None
        if distance <= _LONGEST:
            inside = np.zeros_like(left)
            for length in range(2, distance + 1):
                starts_here = bits.down(right, length) & left
                if not operator.ordered:
                    starts_here |= bits.down(left, length) & right
                inside |= bits.behind(starts_here, length - 1)
        return _Spans(starts, ends, inside, left | right, distance <= bits.REACH)

    def _opens(self, node: Node) -> Bits:
        return self._grid.opens(isinstance(node, tree.SameParagraph))


def _operator(node: Node) -> _Operator | None:
    """The node, if it is an operator on words."""
    if isinstance(node, _UNITS) or (isinstance(node, tree.Near) and node.distance > 0):
        return node
    return None


def _is_wider(node: Node, unit: Node) -> bool:
    return isinstance(node, tree.SameParagraph) and isinstance(unit, tree.SameSentence)
