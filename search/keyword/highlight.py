"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence

from search.keyword.analysis import TOKEN, shapes
from search.keyword.scoring import scoring_tokens

_REMEMBERED = 200_000  # stretches
_LONGEST = 64  # characters of a stretch worth remembering


class _Memory:
    """Which stretches between white space hold a term; no token spans two. News repeats itself: most are known, and
    set operations find those of a text that hold a query's terms without looking at the others."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._holding: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def holding(self, stretches: set[str], terms: frozenset[str]) -> set[str]:
        """Those of the stretches that hold one of the terms."""
        with self._lock:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
                self._holding.clear()
            odd = set()
            for stretch in stretches - self._known:
                found = {shapes(written)[2] for written in TOKEN.findall(stretch)}
                if len(stretch) > _LONGEST:
                    if not terms.isdisjoint(found):
                        odd.add(stretch)
                    continue
                self._known.add(stretch)
                for term in found:
                    self._holding.setdefault(term, set()).add(stretch)
            return odd.union(*(stretches & self._holding[term] for term in terms if term in self._holding))


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
