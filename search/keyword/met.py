"""Where conditions on words are met in the text of an article that is shown: for snippets and their marks."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from search import deadline
from search.keyword.analysis import ENGLISH, STOP_WORDS, TOKEN, Analysis, analyze, fold, shapes, surface_of
from search.keyword.highlight import beginnings_of, highlight, stretch, tokens
from search.keyword.letters import Beginnings, chain, folded
from search.keyword.readings import ways
from search.keyword.stretch import OF_WORDS, Place, Span, Test, stretch_of, tests_of
from search.keyword.tree import And, AtLeast, Exact, Near, Node, Or, Pair, SameSentence, Word
from search.keyword.tree import Wildcard as Pattern

_FEW = 16  # words, to look for each of which is cheaper than to read all of a text
_MOST_PLACES = 10_000  # of a condition in one text, the first ones: a word of a book stands there less often
_MOST_JOINTS = 2_000
_MOST_WINDOWS = 16  # stretches of a text that are looked at for a pair; a snippet shows one or two
_LETTERS = 12  # of a word and the space behind it, at most on average
_UNIT = 2000  # characters around a word that hold its sentence or paragraph, about
_HEAD = re.compile(r"[^*?]+")  # of a pattern, before its first sign


def sought(tree: Node | None, analysis: Analysis = ENGLISH) -> tuple[list[str], list[Node]]:
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
        elif isinstance(node, Word) and len(analyze(node.text, analysis)) == 1:
            words.append(node.text)
        elif isinstance(node, (*OF_WORDS, Pair)):
            nodes.append(node)
    return words, nodes


def places(
    node: Node,
    text: str,
    field: str = "text",
    sentences: Sequence[int] | None = None,
    analysis: Analysis = ENGLISH,
) -> list[Place]:
    """The places of a text, which is that of a sub-field, where a node is met, in order; of pairs the first ones.
    ``sentences`` is where the text's begin, if that is known."""
    deadline.check()
    if not analysis.plain(text):  # of such a text words are found by their letters: here each is read
        return sorted(set(stretch_of(text, field, False, analysis).places(node, 0)))
    if isinstance(node, OF_WORDS) and node.field not in (None, field):
        return []
    if isinstance(node, SameSentence) and all(isinstance(child, OF_WORDS) for child in node.children):
        within = _sentences_of(node, text, sentences)
        met = (stretch_of(text[start:end], field, True).places(node, start) for start, end in within)
        return sorted(set(itertools.chain.from_iterable(met)))
    copy = folded(text)
    if not isinstance(node, OF_WORDS):
        found, stretches = [], _windows(node, text)
    elif (row := _row(node)) is not None:
        found, stretches = list(itertools.islice(row.plain(text, copy), _MOST_PLACES)), row.stretches(text, copy)
    else:
        found = list(itertools.islice(_anywhere(node, text, copy), _MOST_PLACES))
        joints = sorted(Beginnings.joints(copy))  # what is read as one word matters most where nothing else is found
        stretches = _read(text, joints[:_MOST_JOINTS] if found else joints)
    for start, end in itertools.islice(stretches, _MOST_PLACES):
        found += stretch_of(text[start:end], field).places(node, start)
    return sorted(set(found))


def _anywhere(node: Node, text: str, copy: bytes) -> Iterator[Place]:
    """Where a text, of which ``copy`` is ``folded``, has words as they stand that may begin in any way: each different
    one is looked at once."""
    test = tests_of(node, ENGLISH)[0][0]
    good = set()
    for written in set(TOKEN.findall(text)):
        word = fold(surface := surface_of(written))
        if test(surface, word, word):  # which asks for no stem
            good.add(written)
    words: Iterable[re.Match[str]] = ()
    if len(good) > _FEW:
        words = TOKEN.finditer(text)
    elif good:
        spots = (match.start() for written in good for match in re.finditer(re.escape(written), text))
        words = tokens(text, copy, spots)
    for match in words:
        if match[0] in good:
            yield Place(*match.span(), (match.span(),))


def _read(text: str, places: Iterable[int]) -> list[Span]:
    """The stretches around some places, which are in order, that may be read as one word."""
    last = max(len(text) - 1, 0)
    whole: list[Span] = []
    for place in places:
        if place <= last and (not whole or place >= whole[-1][1]):
            whole.append(stretch(text, place))
    return _apart(whole)


class _Row(NamedTuple):
    """Words in a row: how they begin, and what each has to pass, in one of several ``ways``; with what matches
    where all of them begin (``chain``), or None for a single word."""

    beginnings: Beginnings
    ways: Sequence[tuple[re.Pattern[bytes] | None, list[Test]]]
    reach: int

    def plain(self, text: str, copy: bytes) -> Iterator[Place]:
        """Where a text has the words as they stand."""
        for letters, tests in self.ways:
            if letters is None:
                spots = self.beginnings.words(text, copy)
            else:
                spots = [match.start() for match in letters.finditer(copy)]
            for word in tokens(text, copy, spots):
                marks = []
                following: re.Match[str] | None = word
                for test in tests:
                    if following is None or not test(*shapes(following[0])):
                        break
                    marks.append(following.span())
                    following = TOKEN.search(text, following.end()) if len(marks) < len(tests) else None
                else:
                    yield Place(marks[0][0], marks[-1][1], tuple(marks))

    def stretches(self, text: str, copy: bytes) -> list[Span]:
        """Where the rest may be met: around what may be read as one of the words, or is found by no letters."""
        others = self.beginnings.joined(copy) + (self.beginnings.odd(text, copy) if self.reach else [])
        last = max(len(text) - 1, 0)
        whole: list[Span] = []
        for start, end in _apart((max(place - self.reach, 0), min(place + self.reach, last)) for place in others):
            if not whole or end >= whole[-1][1]:  # else it is in the one before
                whole.append((stretch(text, start)[0], stretch(text, end)[1]))
        return _apart(whole)


@lru_cache(256)
def _row(node: Node) -> _Row | None:
    """A leaf's words in a row; None where they can begin in any way."""
    if isinstance(node, Pattern):
        head = _HEAD.match(node.pattern)
        return None if head is None else _Row(Beginnings([head[0]]), [(None, tests_of(node, ENGLISH)[0])], 0)
    if not isinstance(node, (Word, Exact)):
        return None
    rows = ways(node.text) if isinstance(node, Word) else [analyze(node.text)]
    beginnings = beginnings_of(frozenset(token.term for row in rows for token in row))
    if isinstance(node, Exact) and len(rows[0]) == 1:
        return _Row(beginnings, [(None, tests_of(node, ENGLISH)[0])], 0)
    each = [chain([beginnings_of(frozenset((token.term,))) for token in row]) for row in rows]
    every = [
        (letters, tests) for letters, tests in zip(each, tests_of(node, ENGLISH), strict=True) if letters is not None
    ]
    return _Row(beginnings, every, _LETTERS * 2 * (len(rows[0]) + 1))


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _windows(node: Node, text: str) -> list[Span]:
    """Stretches of a text, apart from one another, outside of which a node is not met; the first ones."""
    leaves, reach = _leaves(node)
    each = [spans for leaf in leaves for spans in _letters(leaf, text)]
    if not each or isinstance(node, Or):  # nothing to look for
        return [(0, len(text))]
    rarest = min(each, key=len)
    near = ((max(start - reach, 0), min(end + reach, len(text))) for start, end in rarest)
    good = (window for window in near if all(_reaches(spans, *window) for spans in each))
    return _apart(_of_words(text, *window) for window in itertools.islice(good, _MOST_WINDOWS))


def _sentences_of(node: SameSentence, text: str, starts: Sequence[int] | None) -> Iterator[Span]:
    """The sentences in which both operands may stand, in order; the first ones."""
    each = [spans for leaf in node.children for spans in _letters(leaf, text)]
    starts = _sentences(text) if starts is None else starts
    ends = (*starts[1:], len(text))
    rarest = min(each, key=len) if each else [(start, start) for start in starts]
    numbers = dict.fromkeys(bisect_right(starts, start) - 1 for start, _ in rarest)
    within = ((starts[number], ends[number]) for number in numbers if number >= 0)
    good = (one for one in within if all(_reaches(spans, *one) for spans in each))
    return itertools.islice(good, _MOST_WINDOWS)


@lru_cache(16)
def _sentences(text: str) -> Sequence[int]:
    from search.text.sentences import lay_out

    return lay_out(text).starts


def _of_words(text: str, start: int, end: int) -> Span:
    """A stretch with the words whole in which it begins and ends."""
    end = text.find(" ", end) if end < len(text) else -1
    return text.rfind(" ", 0, start) + 1, end if end >= 0 else len(text)


def _letters(leaf: Node, text: str) -> list[list[Span]]:
    """Where each word of a leaf may stand, as far as its letters tell; empty for what can be any word."""
    if isinstance(leaf, (Word, Exact)):
        return [spans for word in leaf.text.split() if (spans := highlight(text, [word])) or not _is_stop(word)]
    if isinstance(leaf, Pattern) and (head := _HEAD.match(leaf.pattern)):
        copy, beginnings = folded(text), Beginnings([head[0]])
        return [[(place, place + 1) for place in sorted({*beginnings.words(text, copy), *beginnings.joined(copy)})]]
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
