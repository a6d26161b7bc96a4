"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence

from search.keyword.analysis import TOKEN, shapes, stem_start
from search.keyword.scoring import scoring_tokens

_REMEMBERED = 200_000  # stretches
_LONGEST = 64  # characters of a stretch worth remembering
_AROUND = ".,;:!?\"()[]'"  # what stands around plain words and belongs to none


class _Memory:
    """Which stretches between white space hold a term; no token spans two. News repeats itself: most are known, and
    set operations find those of a text that hold a query's terms without looking at the others.

    A plain word is stemmed only when a term is asked for that begins as it does: few ever are.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._holding: dict[str, set[str]] = {}
        self._waiting: dict[str, list[str]] = {}  # by the first two letters of their terms
        self._lock = threading.Lock()

    def holding(self, stretches: set[str], terms: frozenset[str]) -> set[str]:
        """Those of the stretches that hold one of the terms."""
        with self._lock:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
                self._holding.clear()
                self._waiting.clear()
            odd = set()
            for stretch in stretches - self._known:
                if len(stretch) > _LONGEST:
                    if not terms.isdisjoint(_terms_in(stretch)):
                        odd.add(stretch)
                    continue
                self._known.add(stretch)
                word = stretch.strip(_AROUND)
                if word.isascii() and word.isalnum() and (start := stem_start(word.lower())):
                    self._waiting.setdefault(start, []).append(stretch)
                else:
                    self._remember(stretch)
            for start in {term[:2] for term in terms}:
                for stretch in self._waiting.pop(start, ()):
                    self._remember(stretch)
            return odd.union(*(stretches & self._holding[term] for term in terms if term in self._holding))

    def _remember(self, stretch: str) -> None:
        for term in _terms_in(stretch):
            self._holding.setdefault(term, set()).add(stretch)


def _terms_in(stretch: str) -> set[str]:
    return {shapes(written)[2] for written in TOKEN.findall(stretch)}


_memory = _Memory()


def highlight(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) of each word of ``text`` that has the stem of one of ``words``, in order; ``end`` is exclusive.

    The words are as typed. Stop words are marked only if there is nothing else, as in ranking.
    """
    terms = _terms(tuple(words))
    if not terms:
        return []
    spans: list[tuple[int, int]] = []
    for stretch in _memory.holding(set(text.split()), terms):
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
