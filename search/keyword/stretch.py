"""A stretch of a text, read as words with their readings, in which conditions on words are met."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from search.keyword.analysis import (
    ENGLISH,
    SIGNS_BEFORE,
    TOKEN_OF_LETTERS,
    Analysis,
    Token,
    analyze,
    fold,
    normalise,
    surface_of,
)
from search.keyword.match.automata import Levenshtein, Wildcard
from search.keyword.readings import is_joined, is_pair, readings, spelled, ways
from search.keyword.tree import Exact, Fuzzy, Near, Node, Or, Pair, SameParagraph, Word
from search.keyword.tree import Wildcard as Pattern

Span = tuple[int, int]
Test = Callable[[str, str, str], bool]
"""Whether a token or a reading will do, by its surface, word and term."""
OF_WORDS = (Word, Exact, Pattern, Fuzzy)
_MOST = 64  # places of one operand that are joined with those of another


class Place(NamedTuple):
    """``text[start:end]`` meets a condition; ``marks`` are the words that do, as (start, end)."""

    start: int
    end: int
    marks: tuple[Span, ...]


def _touching(marks: Sequence[Span]) -> Iterator[Span]:
    """Marks in order, those that touch as one: letters of scripts without spaces."""
    open_mark: Span | None = None
    for mark in marks:
        if open_mark is not None and open_mark[1] != mark[0]:
            yield open_mark
            open_mark = None
        open_mark = mark if open_mark is None else (open_mark[0], mark[1])
    if open_mark is not None:
        yield open_mark


class _At(NamedTuple):
    token: Token
    width: int
    parts: tuple[str, ...]


class _Span(NamedTuple):
    first: int
    last: int
    marks: tuple[Span, ...]


class Stretch:
    """A stretch of text as words with their readings. ``sentence``: it is all of one."""

    def __init__(self, text: str, field: str, sentence: bool = False, analysis: Analysis = ENGLISH) -> None:
        self._text, self._field, self._sentence, self._analysis = normalise(text), field, sentence, analysis
        self.tokens = analyze(text, analysis)
        self.at = [[_At(token, 1, ())] for token in self.tokens]
        for one in readings(text, analysis):
            if is_pair(one):
                continue
            parts = [token.term for token in self.tokens[one.first : one.first + one.width]]
            self.at[one.first].append(_At(one.token, one.width, tuple(parts) if one.width > 1 else ()))

    def places(self, node: Node, start: int) -> Iterator[Place]:
        """Where a node is met; the stretch begins at ``start`` of the text."""
        for span in self.spans(node):
            marks = tuple(sorted({(start + s, start + e) for s, e in span.marks}))
            if self._analysis.pattern is TOKEN_OF_LETTERS:
                marks = tuple(_touching(marks))
            end = max(start + self.tokens[span.last].end, max((e for _, e in marks), default=0))
            yield Place(start + self.tokens[span.first].start, end, marks)

    def spans(self, node: Node) -> list[_Span]:
        """Where a node is met."""
        if isinstance(node, Pair):
            left, right = self.spans(node.left)[:_MOST], self.spans(node.right)[:_MOST]
            good = self._near(node) if isinstance(node, Near) else self._together(node)
            return [
                _Span(min(a.first, b.first), max(a.last, b.last), a.marks + b.marks)
                for a, b in itertools.product(left, right)
                if (a.last < b.first or b.last < a.first) and good(a, b)
            ]
        if isinstance(node, Or):
            return [span for child in node.children for span in self.spans(child)]
        if not isinstance(node, OF_WORDS) or node.field not in (None, self._field):
            return []
        if isinstance(node, Word):
            rows = enumerate(ways(node.text, self._analysis))
            return [span for number, row in rows for span in self._rows(row, number)]
        return self._run(tests_of(node, self._analysis)[0])

    def _near(self, node: Near) -> Callable[[_Span, _Span], bool]:
        def good(a: _Span, b: _Span) -> bool:
            ahead = b.first - a.last
            return 1 <= ahead <= node.distance or (not node.ordered and 1 <= a.first - b.last <= node.distance)

        return good

    def _together(self, node: Pair) -> Callable[[_Span, _Span], bool]:
        if self._sentence:
            return lambda a, b: True
        from search.text.sentences import lay_out

        layout = lay_out(self._text)
        numbers = layout.paragraphs if isinstance(node, SameParagraph) else range(len(layout.starts))

        def unit(number: int) -> int:
            return numbers[max(bisect_right(layout.starts, self.tokens[number].start) - 1, 0)]

        def good(a: _Span, b: _Span) -> bool:
            return len({unit(a.first), unit(a.last), unit(b.first), unit(b.last)}) == 1

        return good

    def _run(self, tests: Sequence[Test]) -> list[_Span]:
        """Where tokens or readings that pass some tests stand one after the other."""
        found = []
        for first in range(len(self.at) - len(tests) + 1):
            marks = []
            for offset, test in enumerate(tests):
                token = next((one.token for one in self.at[first + offset] if test(*one.token[:3])), None)
                if token is None:
                    break
                marks.append((token.start, token.end))
            else:
                if tests:
                    found.append(_Span(first, first + len(tests) - 1, tuple(marks)))
        return found

    def _rows(self, row: Sequence[Token], number: int) -> list[_Span]:
        """As ``match.lookup`` has the words of a phrase: each at its place, or up to two in parts."""
        open_spans: list[tuple[int, int, tuple[Span, ...]]] = [(first, first, ()) for first in range(len(self.at))]
        for token in row:
            parted = number and is_joined(token.surface)
            own = tuple(part.term for part in analyze(token.surface, self._analysis)) if parted else None
            after = []
            for first, place, marks in open_spans:
                for one in self.at[place] if place < len(self.at) else ():
                    if one.token.term == token.term and (own is None or one.parts != own):
                        mark = (one.token.start, one.token.end)
                        after.append((first, place + one.width, (*marks, mark)))
            open_spans = after
        return [_Span(first, place - 1, marks) for first, place, marks in open_spans if row]


@lru_cache(256)
def tests_of(node: Node, analysis: Analysis) -> list[list[Test]]:
    """What each word in a row has to pass, in one of several ways: of ``Word``, each of ``ways``."""
    if isinstance(node, Word):
        return [[_being(token.term) for token in row] for row in ways(node.text, analysis)]
    if isinstance(node, Exact):
        return [[_spelling(surface) for surface in spelled(node.text, analysis)]]
    known = _known(node)
    return [[lambda surface, word, term: known(word)]]


def _being(wanted: str) -> Test:
    return lambda surface, word, term: term == wanted


def _spelling(written: str) -> Test:
    allowed = {written, written + "%", *(sign + written for sign in (*SIGNS_BEFORE, "."))}
    return lambda surface, word, term: surface in allowed


@lru_cache(256)
def stretch_of(text: str, field: str, sentence: bool = False, analysis: Analysis = ENGLISH) -> Stretch:
    """A stretch as words, which several conditions and the snippet ask for one after the other."""
    return Stretch(text, field, sentence, analysis)


@lru_cache(64)
def _known(node: Pattern | Fuzzy) -> Callable[[str], bool]:
    """Whether a word is one that a pattern or a misspelling stands for: each word is looked at once."""
    if isinstance(node, Pattern):
        automaton: Levenshtein | Wildcard = Wildcard(node.pattern)
    else:
        automaton = Levenshtein(fold(surface_of(node.text)), node.distance)
    step, kind = lru_cache(1 << 14)(automaton.step), lru_cache(1 << 10)(automaton.kind)

    def accepts(word: str) -> bool:
        if not automaton.shortest <= len(word) <= automaton.longest:
            return False
        state: Hashable | None = automaton.start
        for character in word:
            if (state := step(state, kind(character))) is None:
                return False
        return automaton.accepts(state)

    return lru_cache(1 << 14)(accepts)
