"""In which sentences of an article the words of a query stand, from what its index knows: so of all its text only what
is shown is read."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from search.keyword.analysis import SUBFIELDS, TOKEN, Analysis, shapes
from search.keyword.highlight import Span, highlight
from search.keyword.rank import meetings
from search.keyword.rank.contributions import Ordinals
from search.keyword.rank.scoring import Bm25

_TITLE = 0
_SHORT = len(SUBFIELDS) - 1  # the sub-fields before the text are the first sentences of every article


class Sentences(NamedTuple):
    """The sentences of an article, and what of a query stands in them.

    ``offsets``: where each begins in the text, in characters; the title and the like come first, at 0. For each
    occurrence, in reading order, ``numbers`` has its sentence, ``places`` its token in that, and ``each`` which of
    ``terms`` it is. ``words`` are the query's, as typed, and ``analysis`` is what the archive takes for words.
    """

    words: Sequence[str]
    terms: Sequence[str]
    offsets: Sequence[int]
    numbers: Sequence[int]
    places: Sequence[int]
    each: Sequence[int]
    analysis: Analysis

    @property
    def starts(self) -> Sequence[int]:
        """Where the sentences of the text begin."""
        return self.offsets[_SHORT:]

    def begins(self, start: int) -> bool:
        """Whether a sentence of the text begins there."""
        at = bisect_left(self.offsets, start, _SHORT)
        return at < len(self.offsets) and self.offsets[at] == start

    def between(self, places: Sequence[int]) -> list[Sequence[int]] | None:
        """Which terms stand from each of some places of the text, which ascend, to the next one, and from the last to
        the end. None if no sentence begins at one of them."""
        at, bounds = _SHORT, []
        for place in places:
            at = bisect_left(self.offsets, place, at)
            if at == len(self.offsets) or self.offsets[at] != place:
                return None
            bounds.append(bisect_left(self.numbers, at))
        bounds.append(len(self.numbers))
        return [self.each[first:last] for first, last in itertools.pairwise(bounds)]

    def starts_between(self, start: int, end: int) -> list[int]:
        """Where the sentences begin that do so from one place of the text to another, counted from the first."""
        first, last = (bisect_left(self.offsets, place, _SHORT) for place in (start, end))
        return [offset - start for offset in self.offsets[first:last]]

    def _first(self, place: int) -> int:
        return bisect_left(self.numbers, bisect_left(self.offsets, place, _SHORT))

    def title_marks(self, title: str) -> list[Span]:
        """(start, end) of what to mark in the title; as ``highlight`` says."""
        stop = bisect_left(self.numbers, _TITLE + 1)
        return [span for span, _ in self._marked(title, 0, stop)] if stop else []

    def marks(self, text: str, start: int, end: int) -> list[tuple[Span, str]]:
        """What to mark in the sentences that begin from one place of the text to another: (start, end) and the term,
        or what is written for it, in order."""
        at, stop = self._first(start), self._first(end)
        found = []
        while at < stop:
            number = self.numbers[at]
            after = bisect_left(self.numbers, number + 1, at, stop)
            first = self.offsets[number]
            last = self.offsets[number + 1] if number + 1 < len(self.offsets) else end
            for (s, e), term in self._marked(text[first : min(last, end)], at, after):
                found.append(((first + s, first + e), term))
            at = after
        return found

    def _marked(self, sentence: str, at: int, stop: int) -> list[tuple[Span, str]]:
        """The occurrences of one sentence."""
        analysis, count = self.analysis, self.places[stop - 1] + 1
        if analysis.plain(sentence):  # in haste
            tokens = [match.span() for match in itertools.islice(TOKEN.finditer(sentence), count)]
        else:
            tokens = list(itertools.islice(analysis.tokens(sentence), count))
        found = []
        for occurrence in range(at, stop):
            place, term = self.places[occurrence], self.terms[self.each[occurrence]]
            start, end = tokens[place] if place < len(tokens) else (0, 0)
            if start == end or shapes(sentence[start:end], analysis)[2] != term:  # several tokens are read as one word
                return [((s, e), sentence[s:e].casefold()) for s, e in highlight(sentence, self.words, analysis)]
            found.append(((start, end), term))
        return found


def sentences(model: Bm25, words: Sequence[str], ordinals: Ordinals) -> list[Sentences | None]:
    """The sentences of some articles, and where these words stand in them. None for an article whose segment does not
    know where its sentences begin, and for words of more terms than can be asked about at once."""
    terms = model.terms(words)
    if len(terms) > meetings.MOST:
        return [None] * len(ordinals)
    order = np.argsort(ordinals)
    stands = meetings.stands(model, terms, ordinals[order])
    texts = [term.text for term in terms]
    found: list[Sentences | None] = [None] * len(ordinals)
    for place, first, last in zip(order.tolist(), stands.cuts, stands.cuts[1:], strict=False):
        segment, row = model.row(int(ordinals[place]))
        if segment.offsets is None:
            continue
        here = slice(int(segment.sentence_starts[row]), int(segment.sentence_starts[row + 1]))
        starts, positions = segment.sentences[here], stands.positions[first:last]
        numbers = starts.searchsorted(positions, "right") - 1
        found[place] = Sentences(
            words,
            texts,
            segment.offsets[here].tolist(),
            numbers.tolist(),
            (positions - starts[numbers]).tolist(),
            stands.terms[first:last].tolist(),
            model.analysis,
        )
    return found
