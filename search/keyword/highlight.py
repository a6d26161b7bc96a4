"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from search import deadline
from search.keyword import stemmer
from search.keyword.analysis import ENGLISH, TOKEN, Analysis, analyze, beginning, shapes
from search.keyword.letters import BREAKS, Beginnings, folded
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.readings import CUTS, Reading, is_pair, readings

Span = tuple[int, int]
_SPACE = re.compile(r"\s+")
_ENDS = frozenset(",;:!?\"')”’")  # behind a word: nothing goes on behind the space after one


def highlight(text: str, words: Sequence[str], analysis: Analysis = ENGLISH) -> list[Span]:
    """(start, end) of each word of ``text`` that has the stem of one of ``words``, in order; ``end`` is exclusive. What
    is read as one of them (``readings``) is marked as a whole: "e-mail" for "email".

    The words are as typed. Stop words are marked only if there is nothing else, as in ranking.
    """
    deadline.check()
    if not analysis.plain(text):
        return _joint(text, words, analysis, True)
    terms, copy = _terms(tuple(words), analysis), folded(text)
    beginnings = beginnings_of(terms)
    spans = _with(terms, tokens(text, copy, beginnings.words(text, copy)))
    if places := beginnings.joined(copy):
        stretches = list(_stretches(text, places))
        apart = [span for span in spans if not _is_within(span, stretches)]
        spans = sorted(apart + [span for stretch in stretches for span in _marked(text, *stretch, terms)])
    return spans


def occurrences(text: str, words: Sequence[str], analysis: Analysis = ENGLISH) -> list[Span]:
    """As ``highlight``, without what is only read as one of the words."""
    deadline.check()
    if not analysis.plain(text):
        return _joint(text, words, analysis, False)
    terms, copy = _terms(tuple(words), analysis), folded(text)
    return _with(terms, tokens(text, copy, beginnings_of(terms).words(text, copy)))


def _joint(text: str, words: Sequence[str], analysis: Analysis, joined: bool) -> list[Span]:
    """The same in any of the languages of an analysis."""
    spans: list[Span] = []
    for part in analysis.parts:
        others = readings(text, part) if joined else [one for one in readings(text, part) if is_pair(one)]
        spans += _read(text, _terms(tuple(words), part), part, others)
    if len(analysis.parts) == 1:
        return spans
    spans = sorted(set(spans), key=lambda span: (span[0], -span[1]))
    return [span for number, span in enumerate(spans) if not number or span[0] >= max(e for _, e in spans[:number])]


def _read(text: str, terms: frozenset[str], analysis: Analysis, others: Sequence[Reading]) -> list[Span]:
    """The words of a text with one of these terms where no letters tell how such words begin: all are read. Letters of
    scripts without spaces that stand beside each other are marked as one."""
    spans = [(token.start, token.end) for token in analyze(text, analysis) if token.term in terms]
    pairs = [(one.token.start, one.token.end) for one in others if is_pair(one) and one.token.term in terms]
    if pairs:
        wide = _united(pairs)
        spans = sorted([span for span in spans if not _is_within(span, wide)] + wide)
        others = [one for one in others if not is_pair(one)]
    return _widened(spans, others, terms)


def _united(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap or touch as one, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _with(terms: frozenset[str], matches: Iterable[re.Match[str]]) -> list[Span]:
    return [match.span() for match in matches if shapes(match[0])[2] in terms]


def tokens(text: str, copy: bytes, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """The words of a text, of which ``copy`` is ``folded``, that some places are in, each once and in order."""
    done = 0
    for place in sorted(places):
        if place >= done:
            match = TOKEN.match(text, place) if copy[place - 1] in BREAKS else _token_at(text, copy, place, done)
            done = place + 1 if match is None else match.end()
            if match is not None:
                yield match


def _token_at(text: str, copy: bytes, place: int, done: int) -> re.Match[str] | None:
    """The word that a place is in, which does not begin before another one."""
    start = place
    while start > done and copy[start - 1] not in BREAKS:
        start -= 1
    match = next((match for match in TOKEN.finditer(text, start) if match.end() > place), None)
    return None if match is None or match.start() > place else match


def _stretches(text: str, places: Iterable[int]) -> Iterator[Span]:
    """The stretches of a text around some places that no token and no reading crosses, each once, in order."""
    done = -1
    for place in sorted(places):
        if place >= done:
            start, done = stretch(text, place)
            yield start, done


def _is_within(span: Span, stretches: Sequence[Span]) -> bool:
    """Whether it is in one of the stretches, which are in order."""
    number = bisect_right(stretches, span[0], key=itemgetter(0)) - 1
    return number >= 0 and span[0] < stretches[number][1]


def stretch(text: str, place: int) -> Span:
    """The stretch around a place that no token and no reading crosses: up to white space that none holds."""
    start = place
    while True:
        while start and not text[start - 1].isspace():
            start -= 1
        if not start or not _is_crossed(text, start):
            break
        while start and text[start - 1].isspace():
            start -= 1
    end = place
    while (space := _SPACE.search(text, end)) is not None and _is_crossed(text, space.end()):
        end = space.end()
    return start, len(text) if space is None else space.start()


def _is_crossed(text: str, end: int) -> bool:
    """Whether a reading may go on behind white space that ends here: a word that a line's end cuts, or initials."""
    last = text[end - 2 : end - 1]
    if (last.isalnum() and text[end - 3 : end - 2].isalnum()) or last in _ENDS:  # how words nearly always end
        return False
    start = end - 1
    while start and text[start - 1].isspace():
        start -= 1
    if not start or end == len(text):
        return False
    if text[start - 1] in CUTS:
        return "\n" in text[start:end]
    letter = start - 2 if text[start - 1] == "." else start - 1
    return (
        end - start == 1
        and letter >= 0
        and text[letter].isalpha()
        and text[end].isalpha()
        and not text[letter - 1 : letter].isalnum()
        and not text[end + 1 : end + 2].isalnum()
    )


def _marked(text: str, start: int, end: int, terms: frozenset[str]) -> list[Span]:
    """The words of a stretch with one of these terms, and what is read as one of them: of these the widest."""
    stretch = text[start:end]
    spans = [match.span() for match in TOKEN.finditer(stretch) if shapes(match[0])[2] in terms]
    return [(start + s, start + e) for s, e in _widened(spans, readings(stretch), terms)]


def _widened(spans: list[Span], others: Sequence[Reading], terms: frozenset[str]) -> list[Span]:
    """The places of words, with those of readings that have one of these terms: of these the widest."""
    wide = [(one.token.start, one.token.end) for one in others if one.token.term in terms]
    wide.sort(key=lambda span: span[0] - span[1])
    for s, e in wide:
        first, last = bisect_right(spans, s, key=itemgetter(1)), bisect_left(spans, e, key=itemgetter(0))
        if first == last or (s <= spans[first][0] and spans[last - 1][1] <= e):
            spans[first:last] = [(s, e)]
    return spans


@functools.lru_cache(256)
def beginnings_of(terms: frozenset[str]) -> Beginnings:
    """What words with one of these stems begin with: those of plain letters, and other ones when they are folded."""
    special = (word for word, term in stemmer.SPECIAL.items() if term in terms)
    return Beginnings([*map(beginning, terms), *special], terms)


@functools.lru_cache(256)
def _terms(words: tuple[str, ...], analysis: Analysis = ENGLISH) -> frozenset[str]:
    return frozenset(token.term for token in scoring_tokens(words, analysis))
