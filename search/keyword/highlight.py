"""Where the words of a query stand in a text."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from search import deadline
from search.keyword import stemmer
from search.keyword.analysis import TOKEN, beginning, shapes
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.readings import CUTS, MARKS, MOST_PARTS, SIGNS, readings

_SPACE = re.compile(r"\s+")
_AHEAD = 64  # letters and signs in which what is read as one word shows how it begins
_JOINED = str.maketrans("", "", SIGNS + "'`\u2018\u2019 \t\r\n")
_ENDS = frozenset(",;:!?\"')”’")  # behind a word: nothing goes on behind the space after one
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
    """(start, end) of each word of ``text`` that has the stem of one of ``words``, in order; ``end`` is exclusive. What
    is read as one of them (``readings``) is marked as a whole: "e-mail" for "email".

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
        start = place
        while start and not text[start - 1].isspace():
            start -= 1
        space = _SPACE.search(text, place)
        done = len(text) if space is None else space.start()
        if (start and _is_crossed(text, start)) or (space is not None and _is_crossed(text, space.end())):
            start, done = _stretch(text, place)
        stretch = text[start:done]
        if MARKS.isdisjoint(stretch) and (space is None or done == space.start()):  # one word, as nearly always
            spans += [
                (start + match.start(), start + match.end())
                for match in TOKEN.finditer(stretch)
                if shapes(match[0])[2] in terms
            ]
        else:
            spans += _marked(text, start, done, terms)
    return spans


def occurrences(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """As ``highlight``, without what is only read as one of the words: in half the time, for weighing long texts."""
    deadline.check()
    terms = _terms(tuple(words))
    spans: list[tuple[int, int]] = []
    done = 0
    for place in sorted(_plain_places(text, _beginnings(terms), _with_digits(terms))) if terms else ():
        if place < done:
            continue
        start = place
        while start and not text[start - 1].isspace():
            start -= 1
        space = _SPACE.search(text, place)
        done = len(text) if space is None else space.start()
        spans += [match.span() for match in TOKEN.finditer(text, start, done) if shapes(match[0])[2] in terms]
    return spans


def _stretch(text: str, place: int) -> tuple[int, int]:
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


def _marked(text: str, start: int, end: int, terms: frozenset[str]) -> list[tuple[int, int]]:
    """The words of a stretch with one of these terms, and what is read as one of them: of these the widest."""
    stretch = text[start:end]
    spans = [match.span() for match in TOKEN.finditer(stretch) if shapes(match[0])[2] in terms]
    if not MARKS.isdisjoint(stretch) or _SPACE.search(stretch):
        wide = [(one.token.start, one.token.end) for one in readings(stretch) if one.token.term in terms]
        wide.sort(key=lambda span: span[0] - span[1])
        for s, e in wide:
            if all(other[1] <= s or e <= other[0] or (s <= other[0] and other[1] <= e) for other in spans):
                spans = [*(other for other in spans if other[1] <= s or e <= other[0]), (s, e)]
        spans.sort()
    return [(start + s, start + e) for s, e in spans]


def beginning_with(text: str, beginnings: tuple[str, ...]) -> set[int]:
    """A place in each stretch that can hold a word, or what is read as one, that begins with one of these letters."""
    return _plain_places(text, beginnings, True) | _joined_places(text, beginnings)


def _places(text: str, terms: frozenset[str]) -> set[int]:
    """A place in each stretch that can hold one of the terms, or be read as one: most are not looked at."""
    beginnings = _beginnings(terms)
    places = _plain_places(text, beginnings, _with_digits(terms)) | _joined_places(text, beginnings)
    lower = text.lower()
    for initials in _initials(terms):
        place = lower.find(initials)
        while place >= 0:
            places.add(place)
            place = lower.find(initials, place + 1)
    return places


def _joined_places(text: str, beginnings: tuple[str, ...]) -> set[int]:
    """The beginning of each word with a sign behind it that is read as one word with these letters."""
    lower = text.lower()
    places: set[int] = set()
    if len(lower) != len(text):
        return places  # every word is looked at
    for sign in SIGNS:
        place = lower.find(sign)
        while place >= 0:
            first = place
            while first and lower[first - 1].isalnum():
                first -= 1
            if first < place and lower[first : first + _AHEAD].translate(_JOINED).startswith(beginnings):
                places.add(first)
            place = lower.find(sign, place + 1)
    return places


def _plain_places(text: str, beginnings: tuple[str, ...], digits: bool) -> set[int]:
    """A place in each word that can begin with these letters; ``digits``: numbers with signs in them, too."""
    lower = text.lower()
    if len(lower) != len(text):
        return {match.start() for match in TOKEN.finditer(text)}
    places = {match.start() for match in _ODD[text.isascii(), digits].finditer(text)}
    for start in beginnings:
        place = lower.find(start)
        while place >= 0:
            if not place or not lower[place - 1].isalnum():
                places.add(place)
            place = lower.find(start, place + 1)
    return places


@functools.lru_cache(256)
def _initials(terms: frozenset[str]) -> tuple[str, ...]:
    """How short terms begin where they are initials with spaces."""
    short = {term[:2] for term in terms if 2 <= len(term) <= MOST_PARTS and term.isalpha()}
    return tuple(sorted(f"{term[0]}{between}{term[1]}" for term in short for between in (". ", " ", ".\n", "\n")))


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
