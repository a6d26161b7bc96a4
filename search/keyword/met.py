"""Where conditions on words are met in the text of an article that is shown: for snippets and their marks."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from search.keyword.analysis import STOP_WORDS, Token, analyze, fold, normalise, surface_of
from search.keyword.highlight import beginning_with, highlight
from search.keyword.match.automata import Levenshtein, Wildcard
from search.keyword.readings import is_joined, readings, spelled, ways
from search.keyword.tree import And, AtLeast, Exact, Fuzzy, Near, Node, Or, Pair, SameParagraph, Word
from search.keyword.tree import Wildcard as Pattern

Span = tuple[int, int]
_OF_WORDS = (Word, Exact, Pattern, Fuzzy)
_MOST = 64  # places of one operand that are joined with those of another
_MOST_WINDOWS = 16  # stretches of a text that are looked at; a snippet shows one or two
_LETTERS = 12  # of a word and the space behind it, at most on average
_UNIT = 2000  # characters around a word that hold its sentence or paragraph, about
_SIGNS_BEFORE = "#@$€£¥₹."
_HEAD = re.compile(r"[^*?]+")  # of a pattern, before its first sign


class Place(NamedTuple):
    """``text[start:end]`` meets a condition; ``marks`` are the words that do, as (start, end)."""

    start: int
    end: int
    marks: tuple[Span, ...]


class _At(NamedTuple):
    token: Token
    width: int
    parts: tuple[str, ...]


class _Span(NamedTuple):
    first: int
    last: int
    marks: tuple[Span, ...]


def sought(tree: Node | None) -> tuple[list[str], list[Node]]:
    """What a constraint looks for in the text: its single words, and its phrases, patterns and operators on places;
    without what it excludes."""
    words: list[str] = []
    nodes: list[Node] = []
    stack = [] if tree is None else [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, (And, Or)):
            stack += reversed(node.children)
        elif isinstance(node, AtLeast):
            stack.append(node.child)
        elif isinstance(node, Word) and len(analyze(node.text)) == 1:
            words.append(node.text)
        elif isinstance(node, (*_OF_WORDS, Pair)):
            nodes.append(node)
    return words, nodes


def places(node: Node, text: str, field: str = "text") -> list[Place]:
    """The first places of a text, which is that of a sub-field, where a node is met; in order."""
    found: list[Place] = []
    for start, end in _windows(node, text):
        window = _window(text[start:end], field)
        for span in window.spans(node):
            first, last = window.tokens[span.first], window.tokens[span.last]
            marks = tuple(sorted({(start + s, start + e) for s, e in span.marks}))
            end_of_last = max(last.end, max((e for _, e in span.marks), default=0))
            found.append(Place(start + first.start, start + end_of_last, marks))
    return sorted(set(found))


def _windows(node: Node, text: str) -> Iterator[Span]:
    """Stretches of a text, apart from one another, outside of which a node is not met."""
    leaves, reach = _leaves(node)
    each = [spans for leaf in leaves for spans in _letters(leaf, text)]
    if not each or isinstance(node, Or):  # nothing to look for
        yield 0, len(text)
        return
    rarest = min(each, key=len)
    low = high = -1
    windows = 0
    for start, end in rarest:
        left, right = max(start - reach, 0), min(end + reach, len(text))
        if not all(_reaches(spans, left, right) for spans in each):
            continue
        windows += 1
        if windows > _MOST_WINDOWS:
            break
        left = text.rfind(" ", 0, left) + 1 if left else 0
        right = text.find(" ", right) if right < len(text) else len(text)
        right = len(text) if right < 0 else right
        if high >= left:
            high = max(high, right)
            continue
        if high >= 0:
            yield low, high
        low, high = left, right
    if high >= 0:
        yield low, high


def _letters(leaf: Node, text: str) -> list[list[Span]]:
    """Where each word of a leaf may stand, as far as its letters tell; empty for what can be any word."""
    if isinstance(leaf, (Word, Exact)):
        return [spans for word in leaf.text.split() if (spans := highlight(text, [word])) or not _is_stop(word)]
    if isinstance(leaf, Pattern) and (head := _HEAD.match(leaf.pattern)):
        return [[(place, place + 1) for place in sorted(beginning_with(text, (head[0],)))]]
    return []


def _is_stop(word: str) -> bool:
    return all(token.word in STOP_WORDS for token in analyze(word))


def _reaches(spans: Sequence[Span], left: int, right: int) -> bool:
    """Does one of the spans, which are in order, begin between two places?"""
    place = bisect_left(spans, (left, -1))
    return place < len(spans) and spans[place][0] <= right


def _leaves(node: Node) -> tuple[list[Node], int]:
    """The words and phrases in a node, and how many characters apart they may stand."""
    leaves: list[Node] = []
    reach = 0
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, Pair):
            stack += one.children
            reach += one.distance * _LETTERS if isinstance(one, Near) else _UNIT
        elif isinstance(one, Or):  # any of them will do
            return [Pattern(None, "*")], 0
        else:
            leaves.append(one)
            reach += _LETTERS * 2 * (len(getattr(one, "text", "").split()) + 1)
    return leaves, reach


class _Window:
    """A stretch of text as words with their readings."""

    def __init__(self, text: str, field: str) -> None:
        self._text, self._field = normalise(text), field
        self.tokens = analyze(text)
        self.at = [[_At(token, 1, ())] for token in self.tokens]
        for one in readings(text):
            parts = [token.term for token in self.tokens[one.first : one.first + one.width]]
            self.at[one.first].append(_At(one.token, one.width, tuple(parts) if one.width > 1 else ()))

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
        if not isinstance(node, _OF_WORDS) or node.field not in (None, self._field):
            return []
        if isinstance(node, Word):
            rows = enumerate(ways(node.text))
            return [span for number, row in rows for span in self._rows(row, number)]
        if isinstance(node, Exact):
            return self._run([_spelling(surface) for surface in spelled(node.text)])
        known = _known(node)
        return self._run([lambda token: known(token.word)])

    def _near(self, node: Near) -> Callable[[_Span, _Span], bool]:
        def good(a: _Span, b: _Span) -> bool:
            ahead = b.first - a.last
            return 1 <= ahead <= node.distance or (not node.ordered and 1 <= a.first - b.last <= node.distance)

        return good

    def _together(self, node: Pair) -> Callable[[_Span, _Span], bool]:
        from search.text.sentences import lay_out

        layout = lay_out(self._text)
        numbers = layout.paragraphs if isinstance(node, SameParagraph) else range(len(layout.starts))

        def unit(number: int) -> int:
            return numbers[max(bisect_right(layout.starts, self.tokens[number].start) - 1, 0)]

        def good(a: _Span, b: _Span) -> bool:
            return len({unit(a.first), unit(a.last), unit(b.first), unit(b.last)}) == 1

        return good

    def _run(self, tests: Sequence[Callable[[Token], bool]]) -> list[_Span]:
        """Where tokens or readings that pass some tests stand one after the other."""
        found = []
        for first in range(len(self.at) - len(tests) + 1):
            marks = []
            for offset, test in enumerate(tests):
                token = next((one.token for one in self.at[first + offset] if test(one.token)), None)
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
            own = tuple(part.term for part in analyze(token.surface)) if number and is_joined(token.surface) else None
            after = []
            for first, place, marks in open_spans:
                for one in self.at[place] if place < len(self.at) else ():
                    if one.token.term == token.term and (own is None or one.parts != own):
                        mark = (one.token.start, one.token.end)
                        after.append((first, place + one.width, (*marks, mark)))
            open_spans = after
        return [_Span(first, place - 1, marks) for first, place, marks in open_spans if row]


def _spelling(surface: str) -> Callable[[Token], bool]:
    allowed = {surface, surface + "%", *(sign + surface for sign in _SIGNS_BEFORE)}
    return lambda token: token.surface in allowed


@lru_cache(256)
def _window(text: str, field: str) -> _Window:
    """A stretch as words, which several conditions and the snippet ask for one after the other."""
    return _Window(text, field)


@lru_cache(64)
def _known(node: Pattern | Fuzzy) -> Callable[[str], bool]:
    """Whether a word is one that a pattern or a misspelling stands for: each word is looked at once."""
    if isinstance(node, Pattern):
        automaton: Levenshtein | Wildcard = Wildcard(node.pattern)
    else:
        automaton = Levenshtein(fold(surface_of(node.text)), node.distance)
    return lru_cache(1 << 14)(partial(_accepts, automaton))


def _accepts(automaton: Levenshtein | Wildcard, word: str) -> bool:
    state = automaton.start
    for character in word:
        after = automaton.step(state, automaton.kind(character))
        if after is None:
            return False
        state = after
    return automaton.accepts(state)
