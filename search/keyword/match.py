"""Which articles satisfy a constraint tree: every node over whole arrays, as bool[N] over ordinals.

Whoosh's own nodes mean what they mean to Whoosh and name the fields of ``lookup.FIELDS``; ours are in ``tree``. A node
that has no method here or in ``stock`` is left to Whoosh's matchers over our codec.

Conditions nest to any depth: the walk keeps its own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from whoosh import query as whoosh

from search.keyword import frequent, occurrences, tree
from search.keyword.layout import KeywordSegment
from search.keyword.lookup import Leaf, Row, docs_in
from search.keyword.occurrences import Part
from search.keyword.proximity import Proximity, check
from search.storage.columns import MISSING_DAY, MISSING_INSTANT, instant

if TYPE_CHECKING:
    from search.keyword.index import KeywordView

_FEW_SHARE = 8

Mask = NDArray[np.bool_]
Walk = Generator["Walk", None, None]


class Matcher:
    """Evaluates trees for one view. It keeps what it has looked up, so it is made anew for each query."""

    def __init__(self, view: KeywordView) -> None:
        self.view = view
        self.index = index = view.index
        self.segments = list(zip(view.index.segments, view.index.bases[:-1], strict=True))
        self.size = len(view.index)
        self.proximity = Proximity(index.segments, index.bases[:-1], index.stride, index.extents, index.grids)

    def match(self, node: whoosh.Query) -> Mask:
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

    def fill(self, node: whoosh.Query, within: Mask, out: Mask) -> Walk:
        """Set in ``out`` the articles that satisfy a node. Outside of ``within`` it may set any, so that work can be
        left out there: whoever asks applies ``within``."""
        node = self.proximity.plain(node)
        branch = _BRANCHES.get(type(node))
        if branch is not None:
            yield from branch(self, node, within, out)
            return
        leaf = _LEAVES.get(type(node))
        if leaf is not None:
            leaf(self, node, within, out)
            return
        from search.keyword import stock

        yield from stock.fill(self, node, within, out)

    # Conditions on conditions.

    def _and(self, node: whoosh.Query, within: Mask, out: Mask) -> Walk:
        # Positions are dear: look at them last, and only where all else holds.
        left = within
        for child in sorted(node.children(), key=_is_dear):
            sub = self.nothing()
            yield self.fill(child, left, sub)
            sub &= left
            left = sub
            if not left.any():
                return
        if left is not within:
            out |= left

    def _or(self, node: whoosh.Query, within: Mask, out: Mask) -> Walk:
        for child in node.children():
            yield self.fill(child, within, out)

    def _not(self, node: whoosh.Query, within: Mask, out: Mask) -> Walk:
        yield from self.fill_difference(None, node.query, within, out)

    def fill_difference(self, wanted: whoosh.Query | None, unwanted: whoosh.Query, within: Mask, out: Mask) -> Walk:
        """Articles that satisfy one node (None: all) and not the other."""
        left = within
        if wanted is not None:
            left = self.nothing()
            yield self.fill(wanted, within, left)
            left &= within
        sub = self.nothing()
        yield self.fill(unwanted, left, sub)
        out |= left & ~sub

    # Columns.

    def _days(self, node: tree.DayRange, within: Mask, out: Mask) -> None:
        day = self.index.columns.day
        found = day != MISSING_DAY
        if node.start is not None:
            found &= day >= node.start.toordinal()
        if node.end is not None:
            found &= day <= node.end.toordinal()
        out |= found

    def _instants(self, node: tree.InstantRange, within: Mask, out: Mask) -> None:
        published = self.index.columns.published
        found = published != MISSING_INSTANT
        if node.start is not None:
            found &= published >= instant(node.start)
        if node.end is not None:
            found &= published <= instant(node.end)
        out |= found

    def _length(self, node: tree.Length, within: Mask, out: Mask) -> None:
        low = 0 if node.minimum is None else max(node.minimum, 0)
        high = np.iinfo(np.int64).max if node.maximum is None else node.maximum
        for segment, base in self.segments:
            lengths = segment.lengths[:, -1]
            out[base : base + len(segment)] |= (lengths >= low) & (lengths <= high)

    def _ids(self, node: tree.Id, within: Mask, out: Mask) -> None:
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

    def _positional(self, node: whoosh.Query, within: Mask, out: Mask) -> None:
        if isinstance(node, tree.AtLeast) and node.count < 1:
            out |= within
            return
        cover = within & self.proximity.cover(node)
        for number, (segment, base) in enumerate(self.segments):
            if self._are_many(cover, segment, base):
                sure = frequent.surely(self.proximity.grids[number], node, self.proximity.leaves, number)
                if sure is not None:
                    found = sure.rows + base
                    out[found] = True
                    cover[found] = False
                    if sure.complete:
                        continue
            for block in self.proximity.blocks(segment, base, cover, self.proximity.count(node, number)):
                out[self.proximity.places(node, block) // block.stride] = True

    def _words(self, node: whoosh.Query, within: Mask, out: Mask) -> None:
        for leaf in self.proximity.leaves(node):
            self._fill_leaf(leaf, within, out)

    def _fill_leaf(self, leaf: Leaf, within: Mask, out: Mask) -> None:
        for number, ((segment, base), phrases) in enumerate(zip(self.segments, leaf.segments, strict=True)):
            if leaf.field is None:
                own = out[base : base + len(segment)]
                self._fill_words(segment, [parts[0] for parts in phrases if len(parts) == 1], own)
                phrases = [parts for parts in phrases if len(parts) > 1]
            for parts in phrases:
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

    def _fill_words(self, segment: KeywordSegment, words: Sequence[Part], own: Mask) -> None:
        for first, last in _runs([word.tid for word in words if word.forms is None]):
            own[segment.docs_between(first, last)] = True
        for word in words:
            if word.forms is not None:
                own[occurrences.rows_with(segment, word)] = True

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


def _is_dear(node: whoosh.Query) -> int:
    if isinstance(node, (tree.Pair, tree.AtLeast)):
        return 2
    return 0 if type(node) in _CHEAP else 1


_Branch = Callable[[Matcher, Any, Mask, Mask], Walk]
_LeafFill = Callable[[Matcher, Any, Mask, Mask], None]


def _filling(wanted: str, unwanted: str) -> _Branch:
    def branch(matcher: Matcher, node: Any, within: Mask, out: Mask) -> Walk:
        return matcher.fill_difference(getattr(node, wanted), getattr(node, unwanted), within, out)

    return branch


def _only(attribute: str) -> _Branch:
    def branch(matcher: Matcher, node: Any, within: Mask, out: Mask) -> Walk:
        yield matcher.fill(getattr(node, attribute), within, out)

    return branch


_BRANCHES: dict[type, _Branch] = {
    whoosh.And: Matcher._and,
    whoosh.Require: Matcher._and,
    whoosh.Or: Matcher._or,
    whoosh.DisjunctionMax: Matcher._or,
    whoosh.Not: Matcher._not,
    whoosh.AndNot: _filling("a", "b"),
    whoosh.AndMaybe: _only("a"),
    whoosh.ConstantScoreQuery: _only("child"),
    whoosh.WeightingQuery: _only("child"),
}
_WORDS = (tree.Word, tree.Exact, tree.Wildcard, tree.Fuzzy)
_CHEAP = {tree.DayRange, tree.InstantRange, tree.Length, tree.Id, whoosh.Term}
_LEAVES: dict[type, _LeafFill] = {
    **dict.fromkeys((*_WORDS, tree.Value), Matcher._words),
    **dict.fromkeys((Row, tree.Near, tree.SameSentence, tree.SameParagraph, tree.AtLeast), Matcher._positional),
    tree.DayRange: Matcher._days,
    tree.InstantRange: Matcher._instants,
    tree.Length: Matcher._length,
    tree.Id: Matcher._ids,
}
