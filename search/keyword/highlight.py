"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from search.keyword.analysis import TOKEN, shapes
from search.keyword.scoring import scoring_tokens

_REMEMBERED = 200_000


class _Terms(dict[str, frozenset[str]]):
    """The terms in each stretch between white space, which no token spans. News repeats itself: most are known."""

    def __missing__(self, stretch: str) -> frozenset[str]:
        found = frozenset(shapes(written)[2] for written in TOKEN.findall(stretch))
        if len(stretch) <= 64:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[stretch] = found
        return found


_known = _Terms()


def highlight(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) of each word of ``text`` that has the stem of one of ``words``, in order; ``end`` is exclusive.

    The words are as typed. Stop words are marked only if there is nothing else, as in ranking.
    """
    terms = _terms(tuple(words))
    if not terms:
        return []
    spans: list[tuple[int, int]] = []
    for stretch in set(text.split()):
        if not terms.isdisjoint(_known[stretch]):
            inside = [match.span() for match in TOKEN.finditer(stretch) if shapes(match[0])[2] in terms]
            spans += [(place + start, place + end) for place in _places(text, stretch) for start, end in inside]
    return sorted(spans)


def _places(text: str, stretch: str) -> Iterator[int]:
    """Where a stretch stands between white space or ends of the text."""
    place = text.find(stretch)
    while place >= 0:
        end = place + len(stretch)
        if (place == 0 or text[place - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield place
        place = text.find(stretch, end)


@functools.lru_cache(256)
def _terms(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(token.term for token in scoring_tokens(words))
