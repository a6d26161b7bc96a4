"""Which articles satisfy a constraint tree: every node over whole arrays, as bool[N] over ordinals.

A query of Whoosh's own is left to Whoosh's matchers over our codec. Conditions nest to any depth: the walk keeps its
own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np

from search import deadline
from search.keyword import tree
from search.keyword.match import frequent, occurrences
from search.keyword.match.lookup import Leaf, Row, docs_in
from search.keyword.match.places import Part
from search.keyword.match.proximity import Proximity, check
from search.keyword.match.view import Mask, View
from search.keyword.part.layout import KeywordSegment
from search.keyword.tree import Node
from search.storage.columns import MISSING_DAY, MISSING_INSTANT, instant

_FEW_SHARE = 8

Walk = Generator["Walk", None, None]


class Matcher:
    """Evaluates trees for one view. It keeps what it has looked up, so it is made anew for each query."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.index = index = view.index
        self.segments = list(zip(view.index.segments, view.index.bases[:-1], strict=True))
        self.size = len(view.index)
        self.proximity = Proximity(index.segments, index.bases[:-1], index.stride, index.extents, index.grids)

    def match(self, node: Node) -> Mask:
        """bool[N]: the visible articles that satisfy the tree."""
        check(node)
        out = self.nothing()
        self.walk(self.fill(node, self.view.visible, out))
        out &= self.view.visible
        return out

    def nothing(self) -> Mask:
        """bool[N], all False."""
        return np.zeros(self.size, bool)

    def walk(self, first: Walk) -> None:
        """Run a walk and the walks that it yields, without recursion."""
        stack = [first]
        while stack:
            try:
                stack.append(next(stack[-1]))
            except StopIteration:
                stack.pop()

    def fill(self, node: Node, within: Mask, out: Mask) -> Walk:
        """Set in ``out`` the articles that satisfy a node. Outside of ``within`` it may set any, so that work can be
        left out there: whoever asks applies ``within``."""
        deadline.check()
        node = self.proximity.plain(node)
        branch = _BRANCHES.get(type(node))
        if branch is not None:
            yield from branch(self, node, within, out)
        else:
            _LEAVES[type(node)](self, node, within, out)

    # Conditions on conditions.

    def _and(self, node: tree.And, within: Mask, out: Mask) -> Walk:
        # Positions are dear: look at them last, and only where all else holds.
        left = within
        for child in sorted(node.children, key=_is_dear):
            sub = self.nothing()
            yield self.fill(child, left, sub)
            sub &= left
            left = sub
            if not left.any():
                return
        if left is not within:
            out |= left

    def _or(self, node: tree.Or, within: Mask, out: Mask) -> Walk:
        for child in node.children:
            yield self.fill(child, within, out)

    def _not(self, node: tree.Not, within: Mask, out: Mask) -> Walk:
        sub = self.nothing()
        yield self.fill(node.item, within, sub)
        out |= within & ~sub

    def _every(self, node: tree.Every, within: Mask, out: Mask) -> None:
        out |= within

    def _none(self, node: tree.Nothing, within: Mask, out: Mask) -> None:
        pass

    def _foreign(self, node: tree.Foreign, within: Mask, out: Mask) -> Walk:
        from search.keyword import whoosh  # which takes a while to import

        read = whoosh.from_query(node.query)
        if isinstance(read, tree.Foreign):
            out |= whoosh.match(self.view, read.query)
        else:
            check(read)
            yield self.fill(read, within, out)

    # Columns.

    def _days(self, node: tree.DayRange, within: Mask, out: Mask) -> None:
        day = self.index.columns.day
        inside = day != MISSING_DAY
        if node.start is not None:
            inside &= day >= node.start.toordinal()
        if node.end is not None:
            inside &= day <= node.end.toordinal()
        out |= inside

    def _instants(self, node: tree.InstantRange, within: Mask, out: Mask) -> None:
        published = self.index.columns.published
        inside = published != MISSING_INSTANT
        if node.start is not None:
            inside &= published >= instant(node.start)
        if node.end is not None:
            inside &= published <= instant(node.end)
        out |= inside

    def _length(self, node: tree.Length, within: Mask, out: Mask) -> None:
        low = 0 if node.minimum is None else max(node.minimum, 0)
        high = np.iinfo(np.int64).max if node.maximum is None else node.maximum
        for segment, base in self.segments:
            lengths = segment.lengths[:, -1]
            out[base : base + len(segment)] |= (lengths >= low) & (lengths <= high)

    def _ids(self, node: tree.Id | tree.Listed, within: Mask, out: Mask) -> None:
        out[self.index.columns.find(node.ids)] = True

    # Words.

    def having(self, space: int, term: str, field: int | None = None) -> Mask:
        """bool[N]: articles with a term, hidden ones included; of the text space, in one sub-field only if given."""
        out = self.nothing()
        for segment, base in self.segments:
            tid = segment.find(space, term)
            if tid >= 0:
                out[docs_in(segment, tid, field) + base] = True
        return out

    def _positional(self, node: tree.AtLeast | tree.Pair, within: Mask, out: Mask) -> None:
        if isinstance(node, tree.AtLeast) and node.count < 1:
            out |= within
            return
        cover = within & self.proximity.cover(node)
        for number, (segment, base) in enumerate(self.segments):
            if self._are_many(cover, segment, base):
                sure = frequent.surely(self.proximity.grids[number], node, self.proximity.leaves, number)
                if sure is not None:
                    rows = sure.rows + base
                    out[rows] = True
                    cover[rows] = False
                    if sure.complete:
                        continue
            for block in self.proximity.blocks(segment, base, cover, self.proximity.count(node, number)):
                out[self.proximity.places(node, block) // block.stride] = True

    def _words(self, node: Node, within: Mask, out: Mask) -> None:
        for leaf in self.proximity.leaves(node):
            self._fill_leaf(leaf, within, out)

    def _fill_leaf(self, leaf: Leaf, within: Mask, out: Mask) -> None:
        for number, ((segment, base), phrases) in enumerate(zip(self.segments, leaf.segments, strict=True)):
            if leaf.field is None:
                matches = out[base : base + len(segment)]
                self._fill_words(segment, [parts[0] for parts in phrases if len(parts) == 1], matches)
                phrases = [parts for parts in phrases if len(parts) > 1]
            for parts in phrases:
                deadline.check()
                if len(parts) == 1 and parts[0].forms is None:
                    out[docs_in(segment, parts[0].tid, leaf.field) + base] = True
                    continue
                if leaf.field is None and self._are_many(within, segment, base):
                    rows = self.proximity.grids[number].phrase_rows(parts)
                    if rows is not None:
                        out[rows + base] = True
                        continue
                count = sum(segment.frequency(part.tid) for part in parts)
                for block in self.proximity.blocks(segment, base, within, count):
                    places = occurrences.phrase(block, parts)
                    if leaf.field is not None:
                        places = occurrences.in_field(block, places, leaf.field, len(parts))
                    out[places // block.stride] = True

    def _fill_words(self, segment: KeywordSegment, words: Sequence[Part], matches: Mask) -> None:
        for first, last in _runs([word.tid for word in words if word.forms is None]):
            matches[segment.docs_between(first, last)] = True
        for word in words:
            if word.forms is not None:
                matches[occurrences.rows_with(segment, word)] = True

    def _are_many(self, mask: Mask, segment: KeywordSegment, base: int) -> bool:
        """Whether a mask allows so many rows of a segment that looking at all of them at once pays."""
        return int(np.count_nonzero(mask[base : base + len(segment)])) * _FEW_SHARE > len(segment)


def _runs(tids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Terms as ranges (last exclusive): those of a prefix lie side by side, and so do their postings."""
    first = last = -1
    for tid in tids:
        if tid != last:
            if first >= 0:
                yield first, last
            first = tid
        last = tid + 1
    if first >= 0:
        yield first, last


def _is_dear(node: Node) -> int:
    if isinstance(node, (tree.Pair, tree.AtLeast)):
        return 2
    return 0 if type(node) in _CHEAP else 1


_Branch = Callable[[Matcher, Any, Mask, Mask], Walk]
_LeafFill = Callable[[Matcher, Any, Mask, Mask], None]


_BRANCHES: dict[type, _Branch] = {
    tree.And: Matcher._and,
    tree.Or: Matcher._or,
    tree.Not: Matcher._not,
    tree.Foreign: Matcher._foreign,
}
_WORDS = (tree.Word, tree.Exact, tree.Wildcard, tree.Fuzzy)
_CHEAP = {tree.DayRange, tree.InstantRange, tree.Length, tree.Id, tree.Listed, tree.Every, tree.Nothing}
_LEAVES: dict[type, _LeafFill] = {
    **dict.fromkeys((*_WORDS, tree.Value), Matcher._words),
    **dict.fromkeys((Row, tree.Near, tree.SameSentence, tree.SameParagraph, tree.AtLeast), Matcher._positional),
    tree.Every: Matcher._every,
    tree.Nothing: Matcher._none,
    tree.DayRange: Matcher._days,
    tree.InstantRange: Matcher._instants,
    tree.Length: Matcher._length,
    tree.Id: Matcher._ids,
    tree.Listed: Matcher._ids,
}
