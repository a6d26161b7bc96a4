"""What the words of a query stand for in the dictionaries of the segments."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.keyword import tree
from search.keyword.analysis import (
    ENGLISH,
    IN_WORDS,
    SPACES,
    SUBFIELDS,
    TEXT_SPACE,
    Analysis,
    Token,
    analyze,
    fold,
    surface_of,
    value_term,
)
from search.keyword.match import expand
from search.keyword.match.places import Part
from search.keyword.part.layout import KeywordSegment
from search.keyword.readings import is_joined, spelled, value_ways, ways
from search.keyword.tree import Node

# The fields that Whoosh's queries may name: (space, sub-field or None).
FIELDS: dict[str, tuple[int, int | None]] = {name: (space, None) for space, name in enumerate(SPACES) if space} | {
    name: (TEXT_SPACE, field) for field, name in enumerate(SUBFIELDS)
}


class Leaf(NamedTuple):
    """Words or phrases, any of which will do, in one sub-field or (None) anywhere: for each segment, for each of them,
    its tokens."""

    field: int | None
    segments: list[list[tuple[Part, ...]]]


def leaves(segments: Sequence[KeywordSegment], node: Node) -> list[Leaf]:
    """What a node of words stands for in each segment; a wildcard or fuzzy word must be ``plain``.

    Raises QueryError for one that stands for too many words.
    """
    if isinstance(node, tree.Value):
        names = ("authors", "agency") if node.field == "by" else (node.field,)
        rows = value_ways(node.text, segments[0].analysis if segments else ENGLISH)
        if node.whole and rows[0]:
            rows = [[value_term(rows[0])]]
        return [Leaf(None, [_rows(s, SPACES.index(name), rows) for s in segments]) for name in names]
    assert isinstance(node, (tree.Word, tree.Exact, tree.Wildcard, tree.Fuzzy))
    field = None if node.field is None else SUBFIELDS.index(node.field)
    if isinstance(node, tree.Word):
        return [Leaf(field, [_written(one, ways(node.text, one.analysis)) for one in segments])]
    if isinstance(node, tree.Exact):
        return [Leaf(field, [_spelled(one, spelled(node.text, one.analysis)) for one in segments])]
    if isinstance(node, tree.Wildcard):
        selected = expand.expand_wildcard(segments, node.pattern)
    else:
        selected = expand.expand_fuzzy(segments, node.text, node.distance)
    return [Leaf(field, [_selected(s, found) for s, found in zip(segments, selected, strict=True)])]


def docs_in(segment: KeywordSegment, tid: int, field: int | None) -> NDArray[np.int64]:
    """The rows that have a term; with ``field``, in that sub-field."""
    docs = segment.docs(tid).astype(np.int64)
    if field is None:
        return docs
    places, fields, counts = segment.minors(tid)
    if field < len(SUBFIELDS) - 1:
        kept = places[fields == field]
    else:
        kept = np.flatnonzero(segment.freqs(tid) > np.bincount(places, counts, len(docs)))
    found: NDArray[np.int64] = docs[kept]
    return found


def _rows(segment: KeywordSegment, space: int, rows: Sequence[Sequence[str]]) -> list[tuple[Part, ...]]:
    """Terms in a row, any of several rows."""
    found = []
    for terms in rows:
        tids = [segment.find(space, term) for term in terms]
        if tids and min(tids) >= 0:
            found.append(tuple(Part(tid, None) for tid in tids))
    return found


def _written(segment: KeywordSegment, rows: Sequence[Sequence[Token]]) -> list[tuple[Part, ...]]:
    """A word or phrase, however it is written: where the query joins what the text has in parts, and the other way."""
    found: list[tuple[Part, ...]] = []
    for number, row in enumerate(rows):
        parts = []
        for token in row:
            tid = segment.find(TEXT_SPACE, token.term)
            if tid < 0:
                break
            if number and is_joined(token.surface):  # as parts it is in the first row
                forms = _without(segment, tid, _in_parts_of(token, segment.analysis))
                if forms is not None and not forms.any():
                    break
                parts.append(Part(tid, None if forms is None or forms.all() else forms))
            else:
                parts.append(Part(tid, None))
        else:
            if parts:
                found += _in_parts(segment, parts)
    return found


def _in_parts_of(token: Token, analysis: Analysis) -> list[str]:
    """The terms of the parts of a joined reading, in the language in which it has its term."""
    part = next((one for one in analysis.parts if one.term(token.word) == token.term), analysis)
    return [other.term for other in analyze(token.surface, part)]


def _without(segment: KeywordSegment, tid: int, terms: list[str]) -> NDArray[np.bool_] | None:
    """The forms of a term (None: all) but those that are written in these parts."""
    surfaces = segment.forms(tid)
    if not any(map(is_joined, surfaces)):
        return None
    parts = segment.analysis.parts
    cut = ([[token.term for token in analyze(surface, part)] for part in parts] for surface in surfaces)
    return np.array([terms not in each for each in cut], bool)


_MOST_IN_PARTS = 2  # words of one phrase that a text may have in parts where the query joins them


def _in_parts(segment: KeywordSegment, parts: list[Part]) -> list[tuple[Part, ...]]:
    """A row of words, and the rows in which a text writes some of them in parts: "email leak", "e-mail leak". A word
    in parts is indexed with the first of them, so only what follows tells."""
    rows: list[tuple[tuple[Part, ...], int]] = [((), 0)]
    for number, part in enumerate(parts):
        joined = _joined(segment, part) if number + 1 < len(parts) else []
        more = [((*row, *own), count + 1) for own in joined for row, count in rows if count < _MOST_IN_PARTS]
        rows = [((*row, part), count) for row, count in rows] + more
    return [row for row, _ in rows]


def _joined(segment: KeywordSegment, part: Part) -> list[tuple[Part, ...]]:
    """The ways in which a segment writes a word in parts, each as its tokens in a row."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for code, surface in enumerate(segment.forms(part.tid)):
        if not is_joined(surface) or (part.forms is not None and not part.forms[code]):
            continue
        for analysis in segment.analysis.parts:
            rest = tuple(segment.find(TEXT_SPACE, token.term) for token in analyze(surface, analysis)[1:])
            if rest and min(rest) >= 0 and code not in groups.get(rest, ()):
                groups.setdefault(rest, []).append(code)
    return [(_part(segment, part.tid, codes), *(Part(tid, None) for tid in rest)) for rest, codes in groups.items()]


def _spelled(segment: KeywordSegment, surfaces: list[str]) -> list[tuple[Part, ...]]:
    """A phrase in these letters, of any language."""
    rows: dict[tuple[int, ...], tuple[Part, ...]] = {}
    for analysis in segment.analysis.parts:
        every = (expand.exact(segment, surface, analysis) for surface in surfaces)
        parts = [_part(segment, *found) for found in every if found is not None]
        if parts and len(parts) == len(surfaces):
            rows[tuple(part.tid for part in parts)] = tuple(parts)
    return list(rows.values())


def _selected(segment: KeywordSegment, selection: expand.Selection) -> list[tuple[Part, ...]]:
    return [(Part(tid, None) if codes is None else _part(segment, tid, codes),) for tid, codes in selection.items()]


def _part(segment: KeywordSegment, tid: int, codes: Any) -> Part:
    """The forms of a term with these codes."""
    forms = np.zeros(int(segment.form_starts[tid + 1] - segment.form_starts[tid]), bool)
    forms[codes] = True
    return Part(tid, None if forms.all() else forms)


@dataclass(frozen=True, slots=True)
class Row(tree.Near):
    """The right operand as the next word after the left one: a phrase, whose words all belong to it."""

    distance: int = 1
    ordered: bool = True


_BETWEEN_WORDS = re.compile(rf"[^{IN_WORDS}*?'’.,]+")
_LETTERS = re.compile(r"[^*?]+")


def plain(node: Node) -> Node:
    """A wildcard or fuzzy word as it is folded; one that is written with a hyphen or a space, as words in a row."""
    if isinstance(node, tree.Wildcard):
        pieces = [piece for piece in _BETWEEN_WORDS.split(node.pattern) if piece]
        # "anti-*" is the word before the hyphen; "*" alone is refused for what it stands for.
        pieces = [piece for piece in pieces if piece.strip("*?")] or pieces[:1]
        words = [_LETTERS.sub(lambda letters: fold(surface_of(letters[0])), piece) for piece in pieces]
        row: list[Node] = [tree.Wildcard(node.field, word) for word in words]
    elif isinstance(node, tree.Fuzzy):
        row = [tree.Fuzzy(node.field, token.word, node.distance) for token in analyze(node.text)]
    else:
        return node
    if not row:
        return tree.Nothing()
    return functools.reduce(Row, row)
