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
from search.keyword.analysis import SPACES, SUBFIELDS, TEXT_SPACE, analyze, fold, surface_of, value_term, words_of
from search.keyword.match import expand
from search.keyword.match.places import Part
from search.keyword.part.layout import KeywordSegment
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
        words = words_of(node.text)
        if node.whole and words:
            words = [value_term(words)]
        return [Leaf(None, [_phrase(s, SPACES.index(name), words) for s in segments]) for name in names]
    assert isinstance(node, (tree.Word, tree.Exact, tree.Wildcard, tree.Fuzzy))
    field = None if node.field is None else SUBFIELDS.index(node.field)
    if isinstance(node, tree.Word):
        terms = [token.term for token in analyze(node.text)]
        return [Leaf(field, [_phrase(segment, TEXT_SPACE, terms) for segment in segments])]
    if isinstance(node, tree.Exact):
        surfaces = [token.surface for token in analyze(node.text)]
        return [Leaf(field, [_spelled(segment, surfaces) for segment in segments])]
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


def _phrase(segment: KeywordSegment, space: int, terms: list[str]) -> list[tuple[Part, ...]]:
    tids = [segment.find(space, term) for term in terms]
    return [tuple(Part(tid, None) for tid in tids)] if tids and min(tids) >= 0 else []


def _spelled(segment: KeywordSegment, surfaces: list[str]) -> list[tuple[Part, ...]]:
    """A phrase in these letters."""
    found = [expand.exact(segment, surface) for surface in surfaces]
    parts = [_part(segment, tid, [code]) for tid, code in filter(None, found)]
    return [tuple(parts)] if parts and len(parts) == len(found) else []


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


_BETWEEN_WORDS = re.compile(r"[^\w*?'’.,]+")
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
