"""Where words stand: the occurrences of tokens and phrases, read from the postings of one segment.

A place is one number for an article and a position in it: ``ordinal * stride + position``. The stride leaves more room
behind each article than any operator reaches, so a join never crosses from one article into the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword.match.grid import Grid
from search.keyword.match.places import TABLE, Mask, Part, Places, Rows, kept, table
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import ranges

_WHOLE = 1 << 19  # occurrences of a token that are all read, rather than those in some rows
_RARE = 16  # a list so many times shorter than another is looked up in it


class Block(NamedTuple):
    """Some articles of one segment: those of ``mask`` (bool over the segment's rows) from row ``low`` to ``high``.

    ``extents`` says for each row of the segment where its positions end; ``grid`` is the segment's.
    """

    segment: KeywordSegment
    base: int
    stride: int
    mask: Mask
    low: int
    high: int
    extents: NDArray[np.int64]
    grid: Grid


def phrase(block: Block, parts: Sequence[Part]) -> Places:
    """Where the tokens of a phrase stand one after the other: the places of the first one, in order."""
    segment, low, high = block.segment, block.low, block.high
    if high - low == len(segment) and len(parts) > 1:
        addresses = block.grid.phrase(parts)
        if addresses is not None:
            places = block.grid.places(addresses)
            return places if block.mask.all() else places[block.mask[block.grid.rows[addresses >> 6]]]
        frequencies = [segment.frequency(part.tid) for part in parts]
        if max(frequencies) <= _WHOLE:
            return _whole_phrase(block, parts, sorted(range(len(parts)), key=frequencies.__getitem__))
    docs, firsts = [], []
    for part in parts:
        deadline.check()
        every = segment.docs(part.tid)
        first, last = every.searchsorted(np.array((low, high), every.dtype)) if high - low < len(segment) else (0, None)
        docs.append(every[first:last])
        firsts.append(int(first))
    by_df = sorted(range(len(parts)), key=lambda i: len(docs[i]))
    rows = docs[by_df[0]].astype(np.int64)
    picks = {by_df[0]: np.arange(len(rows))}
    if not block.mask[low:high].all():
        picks[by_df[0]] = np.flatnonzero(block.mask[rows])
        rows = rows[picks[by_df[0]]]
    for i in by_df[1:]:
        deadline.check()
        having, postings = _picks(rows, docs[i], low, high)
        if len(postings) < len(rows):
            rows = rows[having]
            picks = {j: earlier[having] for j, earlier in picks.items()}
        picks[i] = postings
    runs = [_Run(segment, part, picks[i] + firsts[i]) for i, part in enumerate(parts)]
    if len(runs) == 1:
        return runs[0].keys((rows + block.base) * block.stride, slice(0, len(rows)))
    # The joins are on numbers that leave no more than a phrase between articles, so that a small table holds them.
    extents = block.extents[rows] + len(parts)
    bounds = np.concatenate(([0], np.cumsum(extents)))
    pieces = [np.empty(0, np.int64)]
    low = 0
    while low < len(rows):
        high = max(low + 1, int(bounds.searchsorted(bounds[low] + TABLE, "right")) - 1)
        here, size = slice(low, high), int(bounds[high] - bounds[low])
        starts = bounds[low:high] - bounds[low] + len(parts)
        keys = runs[by_df[0]].keys(starts - by_df[0], here)
        for i in by_df[1:]:
            deadline.check()
            keys = keys[table.marked(keys, runs[i].keys(starts - i, here), size)]
        shift = (rows[here] + block.base) * block.stride - starts
        pieces.append(keys + shift[starts.searchsorted(keys, "right") - 1])
        low = high
    return pieces[1] if len(pieces) == 2 else np.concatenate(pieces)


def _whole_phrase(block: Block, parts: Sequence[Part], order: Sequence[int]) -> Places:
    """As ``phrase``, in all of a segment, from the rarest token on."""
    at, *others = order
    places = _places(block, parts[at])
    for i in others:
        deadline.check()
        if not len(places):
            return places
        places, at = kept(places + (i - at), _places(block, parts[i])), i
    if at:
        places = places - at
    return places if block.mask.all() else places[block.mask[places // block.stride - block.base]]


def _places(block: Block, part: Part) -> Places:
    """Where a token stands in all of a segment."""
    segment, tid = block.segment, part.tid
    places = np.repeat((segment.docs(tid).astype(np.int64) + block.base) * block.stride, segment.freqs(tid))
    places += segment.positions(tid)
    codes = None if part.forms is None else segment.codes(tid)
    return places if part.forms is None or codes is None else places[part.forms[codes]]


class _Run:
    """The occurrences of a token in some of its postings, ascending."""

    def __init__(self, segment: KeywordSegment, part: Part, picks: NDArray[np.int64]) -> None:
        freqs = segment.freqs(part.tid).astype(np.int64)
        self._counts = freqs[picks]
        if 0 < len(picks) * _RARE < len(freqs):
            # Sums between the picks: adding is faster than adding up.
            sums = np.add.reduceat(freqs, picks)[:-1]
            self._starts = np.cumsum(np.concatenate(([freqs[: picks[0]].sum()], sums)))
        else:
            self._starts = np.cumsum(freqs)[picks] - self._counts
        self._positions = segment.positions(part.tid)
        self._codes = None if part.forms is None else segment.codes(part.tid)
        self._forms = part.forms

    def keys(self, starts: Places, here: slice) -> Places:
        """starts[i] + position for each occurrence in the i-th of the postings ``here``."""
        counts, first = self._counts[here], self._starts[here]
        keys: Places = np.repeat(starts, counts)
        at: Any = slice(0, 0)
        if len(keys):
            low, high = int(first[0]), int(first[-1] + counts[-1])
            at = slice(low, high) if high - low == len(keys) else ranges(first, counts)
        keys += self._positions[at]
        if self._forms is not None and self._codes is not None:
            keys = keys[self._forms[self._codes[at]]]
        return keys


def _picks(rows: Rows, docs: NDArray[np.uint32], low: int, high: int) -> tuple[Mask, NDArray[np.int64]]:
    """(which of some rows have a term, the numbers of their postings), where ``docs`` are the term's rows, all of them
    from ``low`` to ``high``. Both are in order."""
    if len(rows) * _RARE < len(docs):
        wanted = rows.astype(docs.dtype)
        at = docs.searchsorted(wanted)
        at[at == len(docs)] = 0
        having = docs[at] == wanted
        return having, at[having]
    marks = np.zeros(high - low, bool)
    local = docs.astype(np.int64)
    local -= low
    marks[rows - low] = True
    picks = np.flatnonzero(marks[local])
    marks.fill(False)
    marks[local[picks]] = True
    return marks[rows - low], picks


def rows_with(segment: KeywordSegment, part: Part) -> Rows:
    """The rows that have a token, in any sub-field."""
    docs = segment.docs(part.tid).astype(np.int64)
    codes = None if part.forms is None else segment.codes(part.tid)
    if part.forms is None or codes is None:
        return docs
    freqs = segment.freqs(part.tid).astype(np.int64)
    hits = np.logical_or.reduceat(part.forms[codes], np.cumsum(freqs) - freqs)
    rows: Rows = docs[hits]
    return rows


def in_field(block: Block, places: Places, field: int, width: int) -> Places:
    """Those of the places at which ``width`` words fit into a sub-field."""
    rows = places // block.stride - block.base
    starts = block.segment.field_starts[rows, field]
    position = places % block.stride - starts
    kept: Mask = (position >= 0) & (position + width <= block.segment.lengths[rows, field])
    return places[kept]


def unit_starts(block: Block, rows: Rows, paragraphs: bool) -> Places:
    """The places at which the sentences, or paragraphs, of these rows start, in order."""
    segment = block.segment
    starts, items = segment.sentence_starts, segment.sentences
    if paragraphs:
        starts, items = segment.paragraph_starts, segment.paragraphs
    counts = starts[rows + 1] - starts[rows]
    places: Places = np.repeat((rows + block.base) * block.stride, counts)
    places += items[ranges(starts[rows], counts)]
    return places


def block_rows(mask: Mask, size: int) -> list[tuple[int, int]]:
    """(low, high) of each stretch of ``size`` rows in which the mask has any."""
    return [(low, min(low + size, len(mask))) for low in range(0, len(mask), size) if mask[low : low + size].any()]
