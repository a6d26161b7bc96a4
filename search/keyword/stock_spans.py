"""Stock Whoosh's phrases and span queries over whole arrays, with its meaning of each.

Positions count from the start of their field, as in Whoosh, so that spans of several fields compare as Whoosh would
compare them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh import query as whoosh

from search.keyword import joins, occurrences
from search.keyword.joins import Spans
from search.keyword.lookup import FIELDS, text_of
from search.keyword.occurrences import Block, Part

Mask = NDArray[np.bool_]


def has_spans(node: whoosh.Query) -> bool:
    """Whether ``spans`` knows a node whole."""
    stack, count = [node], 0
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, (whoosh.SpanNot, whoosh.SpanContains, whoosh.SpanBefore, whoosh.SpanNear)):
            stack += [node.a, node.b]
        elif isinstance(node, (whoosh.SpanOr, whoosh.SpanNear2)):
            stack += node.subqs if isinstance(node, whoosh.SpanOr) else node.qs
        elif isinstance(node, whoosh.SpanFirst):
            stack.append(node.q)
        elif count == 1 and not isinstance(node, whoosh.Phrase):
            return False
        elif type(node) is whoosh.Or:
            stack += node.subqueries
        elif not isinstance(node, (whoosh.Term, whoosh.Phrase)):
            return False
        if count > 200:
            return False
    return True


def spans(node: Any, block: Block) -> Spans:
    """The spans of a node that ``has_spans``, as Whoosh's matchers list them."""
    if isinstance(node, whoosh.Term):
        return _term_spans(node.fieldname, node.text, block)
    if isinstance(node, whoosh.Phrase):
        each = [_term_spans(node.fieldname, word, block) for word in node.words]
        return _chain(each, node.slop, True, 1, True, block)
    if isinstance(node, whoosh.SpanNear2):
        return _chain([spans(q, block) for q in node.qs], node.slop, node.ordered, node.mindist, True, block)
    if isinstance(node, whoosh.Or):
        return joins.union([spans(q, block) for q in node.subqueries])
    if isinstance(node, whoosh.SpanOr):
        return _merged(joins.union([spans(q, block) for q in node.subqs]))
    if isinstance(node, whoosh.SpanFirst):
        found = spans(node.q, block)
        kept = found.ends % block.stride <= node.limit
        return Spans(found.starts[kept], found.ends[kept], True)
    left, right = spans(node.a, block), spans(node.b, block)
    if isinstance(node, whoosh.SpanNear):
        return _chain([left, right], node.slop, node.ordered, node.mindist, False, block)
    if isinstance(node, whoosh.SpanBefore):
        kept = _before(left, right, block)
    else:
        reach = right.longest
        low = right.starts.searchsorted(left.starts - reach, "left")
        a, b = joins.pairs(low, right.starts.searchsorted(left.ends, "right"))
        if isinstance(node, whoosh.SpanContains):
            hit = (right.starts[b] >= left.starts[a]) & (right.ends[b] <= left.ends[a])
        else:
            hit = right.ends[b] >= left.starts[a]
        kept = np.bincount(a[hit], minlength=len(left.starts)) > 0
        if isinstance(node, whoosh.SpanNot):
            kept = ~kept
    return Spans(left.starts[kept], left.ends[kept], True)


def _term_spans(name: str, text: str | bytes, block: Block) -> Spans:
    field = FIELDS.get(name)
    tid = -1 if field is None else block.segment.find(field[0], text_of(text))
    if field is None or tid < 0:
        return joins.words(np.empty(0, np.int64))
    places = occurrences.phrase(block, [Part(tid, None)])
    if field[1] is not None:
        places = occurrences.in_field(block, places, field[1], 1)
        places = places - block.segment.field_starts[places // block.stride - block.base, field[1]]
    return joins.words(places)


def _chain(each: list[Spans], slop: int, ordered: bool, least: int, bisected: bool, block: Block) -> Spans:
    """Spans of which each next one is within ``slop``, from the first on. ``bisected``: as SpanNear2, which does not
    look at spans that start further than ``slop`` before."""
    found = each[0] if each else joins.words(np.empty(0, np.int64))
    slop = min(slop, block.stride // 2 - 1)
    for following in each[1:]:
        reach = 0 if ordered else slop + (0 if bisected else following.longest)
        low = following.starts.searchsorted(found.starts - reach, "left")
        a, b = joins.pairs(low, following.starts.searchsorted(found.ends + slop, "right"))
        apart = np.maximum(following.starts[b] - found.ends[a], found.starts[a] - following.ends[b])
        apart = np.maximum(apart, 0)
        kept = (apart >= least) & (apart <= slop)
        a, b = a[kept], b[kept]
        starts = np.minimum(found.starts[a], following.starts[b])
        found = joins.unique_spans(starts, np.maximum(found.ends[a], following.ends[b]), True)
    return found


def _merged(found: Spans) -> Spans:
    """Spans that overlap or touch become one."""
    if not len(found.starts):
        return found
    furthest = np.maximum.accumulate(found.ends)
    first = np.ones(len(found.starts), bool)
    first[1:] = found.starts[1:] > furthest[:-1] + 1
    at = np.flatnonzero(first)
    return Spans(found.starts[at], furthest[np.append(at[1:], len(first)) - 1], True)


def _before(left: Spans, right: Spans, block: Block) -> Mask:
    """Which left spans end before any right one of the same article starts; an article needs both."""
    owners = right.starts // block.stride
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    mine = left.starts // block.stride
    if not len(first):
        return np.zeros(len(mine), bool)
    at = np.minimum(owners[first].searchsorted(mine), len(first) - 1)
    found: Mask = (owners[first][at] == mine) & (left.ends < right.starts[first[at]])
    return found
