"""Proximity of words that nearly every article has: most articles satisfy it, and bits tell which, all at once.

What is told is sure: an article found here satisfies the operator. Where more than that is not known, the articles
that are left over, few, are looked at place by place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from whoosh import query as whoosh

from search.keyword import bits, tree
from search.keyword.bits import Bits
from search.keyword.grid import Grid
from search.keyword.lookup import Leaf, Row
from search.keyword.occurrences import Rows

_MOST_TERMS = 8  # that one operand may stand for
_NEAR = (tree.Near, Row)
_UNITS = (tree.SameSentence, tree.SameParagraph)

Leaves = Callable[[whoosh.Query], Sequence[Leaf]]


class Sure(NamedTuple):
    """Rows (repeats allowed) that satisfy an operator; ``complete``: no others do."""

    rows: Rows
    complete: bool


def surely(grid: Grid, node: whoosh.Query, leaves: Leaves, number: int) -> Sure | None:
    """What is sure about an operator in one segment, the ``number``-th in the leaves; None where bits do not pay."""
    if not isinstance(node, (*_NEAR, *_UNITS)) or (isinstance(node, _NEAR) and node.distance < 1):
        return None
    finder = _Finder(grid, leaves, number)
    operands = (node.left, node.right)
    words = [finder.is_words(operand) for operand in operands]
    # Of a span only the nearer end is known, so that it need not lie in the unit as a whole.
    if isinstance(node, _UNITS) and not all(words):
        return None
    if not all(w or finder.is_pair(operand) for w, operand in zip(words, operands, strict=True)):
        return None
    found = [np.empty(0, np.int64)]
    for own in grid.chunks:
        found.append(np.flatnonzero(finder.hits(node, own)) + own.start)
    complete = isinstance(node, _NEAR) and all(words) and node.distance <= bits.REACH
    return Sure(grid.rows[np.concatenate(found)], complete)


class _Finder:
    """The places of one query's frequent words as bits, and what stands near what, a chunk at a time."""

    def __init__(self, grid: Grid, leaves: Leaves, number: int) -> None:
        self._grid, self._leaves, self._number = grid, leaves, number
        self._marks: dict[int, Bits] = {}

    def is_words(self, node: whoosh.Query) -> bool:
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

    def _tids(self, node: whoosh.Query) -> list[int]:
        if isinstance(node, whoosh.Or):
            each = [self._tids(child) for child in node.children()]
            return [tid for tids in each for tid in tids] if all(each) else []
        if isinstance(node, tree.Pair) or node is whoosh.NullQuery:
            return []
        tids = []
        for leaf in self._leaves(node):
            for parts in leaf.segments[self._number]:
                if leaf.field is not None or len(parts) != 1 or parts[0].forms is not None:
                    return []
                tids.append(parts[0].tid)
        return tids

    def is_pair(self, node: whoosh.Query) -> bool:
        """Whether a node is an operator on frequent words."""
        if not isinstance(node, (*_NEAR, *_UNITS)) or (isinstance(node, _NEAR) and node.distance < 1):
            return False
        return self.is_words(node.left) and self.is_words(node.right)

    def hits(self, node: whoosh.Query, own: slice) -> Bits:
        """A place in each of some rows that satisfy an operator."""
        left, right = self._ends(node.left, own), self._ends(node.right, own)
        found = self._behind(node, left[1], own) & right[0]
        if not getattr(node, "ordered", False):
            found |= self._behind(node, right[1], own) & left[0]
        return found

    def _ends(self, node: whoosh.Query, own: slice) -> tuple[Bits, Bits]:
        """Places where spans of an operand start, and where spans end."""
        marks = self._marks.get(id(node))
        if marks is not None:
            return marks[own], marks[own]
        left, right = self._marks[id(node.left)][own], self._marks[id(node.right)][own]
        starts, ends = self._before(node, right, own) & left, self._behind(node, left, own) & right
        if not getattr(node, "ordered", False):
            starts |= self._before(node, left, own) & right
            ends |= self._behind(node, right, own) & left
        return starts, ends

    def _behind(self, node: whoosh.Query, marks: Bits, own: slice) -> Bits:
        if isinstance(node, _NEAR):
            return bits.behind(marks, min(node.distance, bits.REACH))
        return bits.behind_in_unit(marks, self._opens(node)[own])

    def _before(self, node: whoosh.Query, marks: Bits, own: slice) -> Bits:
        if isinstance(node, _NEAR):
            return bits.before(marks, min(node.distance, bits.REACH))
        return bits.before_in_unit(marks, self._opens(node)[own])

    def _opens(self, node: whoosh.Query) -> Bits:
        return self._grid.opens(isinstance(node, tree.SameParagraph))
