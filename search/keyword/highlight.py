"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from search import deadline
from search.keyword import stemmer
from search.keyword.analysis import TOKEN, beginning, shapes
from search.keyword.rank.scoring import scoring_tokens

_SPACE = re.compile(r"\s")
# What can make a word begin with other letters than its stem does: a sign inside it, or a letter beyond ASCII. Not
# the sign of a genitive, whose word stands before it, nor those in numbers where none is sought. A set of characters
# comes first: only then is the search for one fast.
_SIGN = r"(?=\w)(?!(?<=['`‘’])[sS]\b)"
_ASCII = r"['`.,]" + _SIGN
_ANY = r"[^\x00-&(-+\-/-_a-\x7f“”—–…•£€](?:(?<!['`.,‘’])|" + _SIGN
_NO_NUMBER = r"(?<!\d[.,])"
_ODD = {
    (True, True): re.compile(_ASCII),
    (True, False): re.compile(_ASCII + _NO_NUMBER),
    (False, True): re.compile(_ANY + ")"),
    (False, False): re.compile(_ANY + _NO_NUMBER + ")"),
}
"""By (is the text ASCII, is a number sought)."""


def highlight(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) of each word of ``text`` that has the stem of one of ``words``, in order; ``end`` is exclusive.

    The words are as typed. Stop words are marked only if there is nothing else, as in ranking.
    """
    deadline.check()
    terms = _terms(tuple(words))
    spans: list[tuple[int, int]] = []
    if not terms:
        return spans
    done = 0
    for place in sorted(_places(text, terms)):
        if place < done:
            continue
        start = place  # of a stretch between white space, which no token crosses
        while start and not text[start - 1].isspace():
            start -= 1
        space = _SPACE.search(text, place)
        done = len(text) if space is None else space.start()
        spans += [match.span() for match in TOKEN.finditer(text, start, done) if shapes(match[0])[2] in terms]
    return spans


def _places(text: str, terms: frozenset[str]) -> set[int]:
    """A place in each stretch that can hold one of the terms: most hold none, and are not looked at."""
    lower = text.lower()
    if len(lower) != len(text):
        return {match.start() for match in TOKEN.finditer(text)}
    odd = _ODD[text.isascii(), _with_digits(terms)]
    found = {match.start() for match in odd.finditer(text)}
    for start in _beginnings(terms):
        place = lower.find(start)
        while place >= 0:
            if not place or not lower[place - 1].isalnum():
                found.add(place)
            place = lower.find(start, place + 1)
    return found


@functools.lru_cache(256)
def _with_digits(terms: frozenset[str]) -> bool:
    return any(character.isdigit() for term in terms for character in term)


@functools.lru_cache(256)
def _beginnings(terms: frozenset[str]) -> tuple[str, ...]:
    """What every plain word with one of these stems begins with."""
    special = (word for word, term in stemmer.SPECIAL.items() if term in terms)
    return tuple(sorted({*map(beginning, terms), *special}))


@functools.lru_cache(256)
def _terms(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(token.term for token in scoring_tokens(words))
