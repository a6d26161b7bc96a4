"""What stands for several words scores as one term: a wildcard, a misspelling, letters as they are written.

Its postings are the union of those of all the words that it stands for: df counts the articles with any of them, and
tf' is the sum of theirs. Words of a misspelling count by their nearness: ``NEARNESS`` to the power of their edits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.keyword import tree
from search.keyword.analysis import Analysis, Token, analyze
from search.keyword.match import expand
from search.keyword.match.expand import Selection
from search.keyword.part.layout import KeywordSegment
from search.keyword.rank.contributions import Ordinals, Scores
from search.keyword.readings import spelled
from search.keyword.tree import Expanded

NEARNESS = 0.25

Selected = list[tuple[float, Selection]]
"""Of one segment: what is selected, and what each of its occurrences weighs."""


def each(node: Expanded, analysis: Analysis) -> list[Expanded]:
    """The terms that a node scores by: each word of letters as written is one."""
    if not isinstance(node, tree.Exact):
        return [node]
    return [tree.Exact(None, surface) for surface in spelled(node.text, analysis)]


def tokens(node: Expanded, analysis: Analysis) -> list[Token] | None:
    """The tokens of letters as written, which may be stop words; None of a pattern, which says something."""
    return analyze(node.text, analysis) if isinstance(node, tree.Exact) else None


def select(segments: Sequence[KeywordSegment], node: Expanded) -> list[Selected]:
    """What a node stands for in each segment. Raises QueryError for too many words."""
    if isinstance(node, tree.Wildcard):
        return [[(1.0, found)] for found in expand.expand_wildcard(segments, node.pattern)]
    if isinstance(node, tree.Fuzzy):
        by_edits = expand.by_edits(segments, node.text, node.distance)
        return [[(NEARNESS**edits, found) for edits, found in enumerate(levels)] for levels in by_edits]
    assert isinstance(node, tree.Exact)
    return [[(1.0, _spelled(segment, node.text))] for segment in segments]


def _spelled(segment: KeywordSegment, surface: str) -> Selection:
    """What a token in the letters as written selects: a term of each language that has it."""
    every = (expand.exact(segment, surface, analysis) for analysis in segment.analysis.parts)
    return {found[0]: np.array(found[1], np.uint16) for found in every if found is not None}


def postings(segment: KeywordSegment, selected: Selected, weights: Sequence[float]) -> tuple[Ordinals, Scores]:
    """The rows of a segment that have anything of what is selected, ascending, and the weighted frequency in each,
    float32. The sum for a row is in one order however rows lie in segments: by level, then by term."""
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    frequencies: list[NDArray[np.float64]] = [np.empty(0, np.float64)]
    for level, selection in selected:
        for first, last, codes in _runs(segment, selection):
            deadline.check()
            found = _whole(segment, first, last, weights) if codes is None else _part(segment, first, codes, weights)
            rows.append(found[0])
            frequencies.append(found[1] * level)
    every = np.concatenate(rows)
    having = np.zeros(len(segment), np.bool_)
    having[every] = True
    sums = np.bincount(every, np.concatenate(frequencies), len(segment))
    ordinals = np.flatnonzero(having)
    return ordinals, sums[ordinals].astype(np.float32)


def _runs(segment: KeywordSegment, selection: Selection) -> Iterator[tuple[int, int, NDArray[np.uint16] | None]]:
    """Whole terms that stand side by side together (first, and last exclusive), and terms of which some forms are
    selected each by itself; ascending."""
    first = last = -1
    for tid in sorted(selection):
        codes = selection[tid]
        if codes is not None and len(codes) == len(segment.forms(tid)):
            codes = None
        if codes is not None or tid != last:
            if first >= 0:
                yield first, last, None
            first = last = -1
        if codes is not None:
            yield tid, tid + 1, codes
        else:
            first, last = (tid if first < 0 else first), tid + 1
    if first >= 0:
        yield first, last, None


def _whole(
    segment: KeywordSegment, first: int, last: int, weights: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows of some terms side by side, one term's after another's, and the weighted frequency of each posting."""
    rows, frequencies = segment.docs_between(first, last).astype(np.int64), []
    for tid in range(first, last):
        weighted = segment.freqs(tid) * weights[-1]
        places, fields, counts = segment.minors(tid)
        if len(places):
            extra = (np.asarray(weights[:-1]) - weights[-1])[fields] * counts
            weighted += np.bincount(places, extra, len(weighted))
        frequencies.append(weighted)
    return rows, np.concatenate(frequencies)


def _part(
    segment: KeywordSegment, tid: int, codes: NDArray[np.uint16], weights: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows in which a term stands in one of some forms, and the weighted frequency of these forms."""
    own = segment.codes(tid)
    rows, counts = segment.docs(tid).astype(np.int64), segment.freqs(tid)
    chosen = np.zeros(len(segment.forms(tid)), np.bool_)
    chosen[codes] = True
    every = np.repeat(np.arange(len(rows)), counts)
    kept = np.ones(len(every), np.bool_) if own is None else chosen[own]
    every = every[kept]
    weight = np.full(len(every), weights[-1])
    if len(segment.minors(tid)[0]):
        positions = segment.positions(tid)[kept].astype(np.int64)
        fields = (positions[:, None] >= segment.field_starts[rows[every], 1:]).sum(axis=1)
        weight = np.asarray(weights)[fields]
    sums = np.bincount(every, weight, len(rows)).astype(np.float64)
    having = np.zeros(len(rows), np.bool_)
    having[every] = True
    return rows[having], sums[having]
