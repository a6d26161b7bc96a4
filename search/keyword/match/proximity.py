"""Operators on positions: within n words, in one sentence or paragraph, at least so often. A block at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import QueryError
from search.keyword import tree
from search.keyword.analysis import GAP
from search.keyword.match import joins, lookup, occurrences
from search.keyword.match.grid import Grid
from search.keyword.match.joins import Spans
from search.keyword.match.lookup import Leaf, Row
from search.keyword.match.occurrences import Block
from search.keyword.part.layout import KeywordSegment
from search.keyword.tree import Node

DEEPEST = 64
FARTHEST = GAP - 1  # words that w/n reaches: farther, it would join one sub-field with the next
BLOCK = 1 << 15  # articles whose positions are in memory at once,
FEW = 1 << 21  # unless there are no more positions than this

_OPERANDS = {tree.Word, tree.Exact, tree.Wildcard, tree.Fuzzy, tree.Nothing}
_NAMES: dict[type, str] = {tree.And: "AND", tree.Not: "NOT", tree.AtLeast: "atleast", tree.Value: "a field"}

MOST_WORDS = 1024

Mask = NDArray[np.bool_]


class Proximity:
    """Evaluates operators over segments. It keeps what it has looked up, so it is made anew for each query.

    ``bases[i]`` is the first ordinal of ``segments[i]``; ``stride``, ``extents`` and ``grids`` are the index's.
    """

    def __init__(
        self,
        segments: Sequence[KeywordSegment],
        bases: Sequence[int],
        stride: int,
        extents: Callable[[int], NDArray[np.int64]],
        grids: Sequence[Grid],
    ) -> None:
        self.segments = list(zip(segments, bases, strict=True))
        self._stride, self._extents, self.grids = stride, extents, grids
        self._numbers = {id(segment): number for number, segment in enumerate(segments)}
        # By the id of a node, which is kept so that no other takes its id.
        self._leaves: dict[int, tuple[Node, list[Leaf]]] = {}
        self._plain: dict[int, tuple[Node, Node]] = {}

    def plain(self, node: Node) -> Node:
        """The node as ``lookup.plain`` has it, the same one each time."""
        if not isinstance(node, (tree.Wildcard, tree.Fuzzy)):
            return node
        known = self._plain.get(id(node))
        if known is None:
            known = self._plain[id(node)] = node, lookup.plain(node)
        return known[1]

    def leaves(self, node: Node) -> list[Leaf]:
        """What a node of words stands for; looked up once, as a node is asked about in each block."""
        known = self._leaves.get(id(node))
        if known is None:
            segments = [segment for segment, _ in self.segments]
            known = self._leaves[id(node)] = node, lookup.leaves(segments, node)
        return known[1]

    def blocks(self, segment: KeywordSegment, base: int, mask: Mask, count: int | None = None) -> list[Block]:
        """The rows of a segment that a mask over ordinals allows: a stretch at a time, unless there are few
        occurrences to read (``count``; None: unknown)."""
        number = self._numbers[id(segment)]
        wanted, extents, grid = mask[base : base + len(segment)], self._extents(number), self.grids[number]
        few = count is not None and count <= FEW
        stretches = occurrences.block_rows(wanted, max(1, len(wanted)) if few else BLOCK)
        return [Block(segment, base, self._stride, wanted, low, high, extents, grid) for low, high in stretches]

    def cover(self, node: Node) -> Mask:
        """bool[N]: articles outside of which an operand has no spans, found without positions."""
        deadline.check()
        node = self.plain(node)
        out = np.zeros(sum(len(segment) for segment, _ in self.segments), bool)
        if isinstance(node, tree.Pair):
            out = self.cover(node.left)
            out &= self.cover(node.right)
        elif isinstance(node, tree.Or):
            for child in node.children:
                out |= self.cover(child)
        elif isinstance(node, tree.AtLeast):
            out = self.cover(node.child)
        elif not isinstance(node, tree.Nothing):
            for leaf in self.leaves(node):
                for (segment, base), phrases in zip(self.segments, leaf.segments, strict=True):
                    for parts in phrases:
                        rarest = min(parts, key=lambda part: segment.document_frequency(part.tid))
                        out[segment.docs(rarest.tid).astype(np.int64) + base] = True
        return out

    def count(self, node: Node, number: int) -> int:
        """How many positions of one segment an operator reads."""
        node = self.plain(node)
        if isinstance(node, (tree.Pair, tree.AtLeast, tree.Or)):
            return sum(self.count(child, number) for child in node.children)
        segment = self.segments[number][0]
        leaves = [] if isinstance(node, tree.Nothing) else self.leaves(node)
        return sum(segment.frequency(p.tid) for leaf in leaves for parts in leaf.segments[number] for p in parts)

    def places(self, node: tree.AtLeast | tree.Pair, block: Block) -> NDArray[np.int64]:
        """A place in each article of a block that satisfies an operator; repeats allowed."""
        if isinstance(node, tree.AtLeast):
            starts = self.spans(node.child, block).starts
            owners = starts // block.stride
            counts = np.bincount(owners - block.base, minlength=1)
            return (np.flatnonzero(counts >= node.count) + block.base) * block.stride
        left, right = self.spans(node.left, block), self.spans(node.right, block)
        if isinstance(node, tree.Near):
            return joins.near_places(left, right, node.distance, node.ordered)
        return joins.same_unit_places(left, right, _bounds(node, block))

    def spans(self, node: Node, block: Block) -> Spans:
        """The spans of an operand in a block."""
        deadline.check()
        node = self.plain(node)
        if isinstance(node, tree.Pair):
            left, right = self.spans(node.left, block), self.spans(node.right, block)
            if isinstance(node, Row):
                return joins.near(left, right, 1, True)._replace(solid=True)
            if isinstance(node, tree.Near):
                return joins.near(left, right, node.distance, node.ordered)
            return joins.same_unit(left, right, _bounds(node, block))
        if isinstance(node, tree.Or):
            return joins.union([self.spans(child, block) for child in node.children])
        pieces: list[Spans] = []
        if not isinstance(node, tree.Nothing):
            number = self._numbers[id(block.segment)]
            for leaf in self.leaves(node):
                for parts in leaf.segments[number]:
                    places = occurrences.phrase(block, parts)
                    if leaf.field is not None:
                        places = occurrences.in_field(block, places, leaf.field, len(parts))
                    pieces.append(Spans(places, places if len(parts) == 1 else places + (len(parts) - 1), True))
        return joins.union(pieces)


def _bounds(node: tree.Pair, block: Block) -> NDArray[np.int64]:
    rows = np.flatnonzero(block.mask[block.low : block.high]) + block.low
    return occurrences.unit_starts(block, rows, isinstance(node, tree.SameParagraph))


def check(top: Node) -> None:
    """Raise QueryError if an operator on positions, anywhere in a tree, cannot be answered."""
    stack = [top]
    words = 0
    while stack:
        node = stack.pop()
        if type(node) in _OPERANDS:
            words += 1
            if words > MOST_WORDS:
                raise QueryError(f"the query has more than {MOST_WORDS:,} conditions on words")
        if isinstance(node, (tree.Pair, tree.AtLeast)):
            _check_operands(node)
        else:
            stack += node.children


def _check_operands(top: Node) -> None:
    """Raise QueryError if an operator has an operand without positions, reaches too far or is nested too deep."""
    stack = [(top, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > DEEPEST:
            raise QueryError(f"w/n, pre/n, w/s, w/p and atleast can be nested {DEEPEST} deep")
        if isinstance(node, tree.Near) and not 0 <= node.distance <= FARTHEST:
            raise QueryError(f"w/n and pre/n reach from 0 to {FARTHEST} words, not {node.distance}")
        if node is top or isinstance(node, (tree.Pair, tree.Or)):
            stack += [(child, depth + 1) for child in node.children]
        elif type(node) not in _OPERANDS:
            raise QueryError(
                f"{_NAMES.get(type(node), type(node).__name__)} has no place among words: w/n, pre/n, w/s, w/p and "
                "atleast join words, phrases, OR of these, and each other (but not atleast)"
            )
