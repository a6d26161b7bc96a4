"""Where in a text a word may stand, as far as its letters tell: nearly all of a text is passed over unread.

A text is copied as one byte a character: letters as they are folded, where they fold to one of a to z, digits, signs
that a word may have in it, and space for all that no word has. Words that begin with some letters are then found at the
speed of ``bytes.find``; only those with a sign in them, or with another letter, are looked at by themselves. What is
told may be more than there is, and never less: ``highlight`` and ``met`` read what stands there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import APOSTROPHES, GOES_ON, SIGNS_BEFORE, TOKEN, fold, fold_unicode, surface_of
from search.keyword.readings import CUTS, MOST_PARTS, SIGNS

BREAKS: Final = b" -"
"""No word goes on before these."""
_SPACE, _HYPHEN = BREAKS
_APOSTROPHE, _SIGN = b"'."  # may stand in a word, or before or behind its letters
_SOFT_HYPHEN = ord(",")  # is passed over in a word, and may cut it at a line's end
_ODD = ord("/")  # any letter that does not fold to one of a to z, and what is not seen
_LETTER = ord("0")  # digits and letters are this or more, all else is less
_NOT_READ = bytes(range(_ODD))  # in a word
_END = b"    "  # behind a copy, and so before it: what is looked at around a word needs no bounds
_AHEAD = 64  # characters in which what is read as one word shows how it begins
# Signs in a word, other than that of a genitive. A sign comes first: only then is the search for it fast.
_INSIDE = (re.compile(rb"'(?=[/-9a-z])(?!s )"), re.compile(rb"\.(?=[/-9a-z])"))

_TWO_INITIALS = re.compile(rb"[ .'-](?=[/a-z]\.? ?[/a-z][ .'-])")  # how two begin that may be of one name

_TO_NEXT = rb"[/-9a-z]{0,60}+(?:['.][/-9a-z]{1,60}+){0,4}+[ '.-]++"  # from the beginning of a word to the next one


def folded(text: str) -> bytes:
    """The copy of a text. Its bytes are counted as the text's characters are."""
    own: NDArray[np.uint8] = _table().take(np.minimum(_codes(text), 0xFFFF))
    return own.tobytes() + _END


def _codes(text: str) -> NDArray[Any]:
    """uint16 or uint32 of each character."""
    codes: NDArray[Any] = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    return codes if len(codes) == len(text) else np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


@cache
def _table() -> NDArray[np.uint8]:
    """uint8[2**16]: the byte of each character."""
    table = np.full(1 << 16, _ODD, np.uint8)
    for code in (*range(0x180), *range(0x2000, 0x2200), *map(ord, APOSTROPHES + SIGNS_BEFORE + CUTS)):
        character = chr(code)
        letter = fold(character) if character.isalnum() else ""
        if len(letter) == 1 and letter.isascii():
            table[code] = ord(letter)
        elif character == "\u00ad":
            table[code] = _SOFT_HYPHEN
        elif character in CUTS:
            table[code] = _HYPHEN
        elif character in APOSTROPHES:
            table[code] = _APOSTROPHE
        elif character in SIGNS_BEFORE or character in SIGNS or character in ".,+%":
            table[code] = _SIGN
        elif not letter and TOKEN.fullmatch(f"a{character}a") is None:
            table[code] = _SPACE
    return table


class Beginnings:
    """Letters that words begin with: ``whole`` as a folded text has them, where they are a to z and digits. ``short``
    are words of few letters, which may be written as initials."""

    def __init__(self, letters: Iterable[str], short: Iterable[str] = ()) -> None:
        every = sorted(set(letters))
        self.whole = tuple(one.encode() for one in every if one.isascii())
        self._initial = frozenset(_first_of(one) for one in every)
        plain = (re.match("[\x01-\x7f]*", one)[0].encode() for one in every)  # type: ignore[index]
        self._parts = frozenset(one[:end] for one in plain for end in range(len(one) + 1))
        self._first = frozenset((_ODD, *(one[0] for one in self._parts if one)))
        pairs = {one[:2].encode() for one in short if 2 <= len(one) <= MOST_PARTS and one.isascii() and one.isalpha()}
        self._initials = [b" %c%s %c" % (one[0], dot, one[1]) for one in sorted(pairs) for dot in (b"", b".")]

    def words(self, text: str, copy: bytes) -> list[int]:
        """The places in a text, of which ``copy`` is ``folded``, of words that may begin so."""
        places = []
        for letters in self.whole:
            place = copy.find(letters)
            while place >= 0:
                if copy[place - 1] < _LETTER:
                    places.append(place)
                place = copy.find(letters, place + 1)
        return places + self.odd(text, copy)

    def odd(self, text: str, copy: bytes) -> list[int]:
        """Those of words with signs among their letters, or with odd letters, at each of which a word may begin: some
        scripts have no space between words."""
        letters = np.frombuffer(copy, np.uint8)
        odd = np.flatnonzero(letters == _ODD)
        if not len(odd):
            return self._before(copy, _inside(copy))
        codes = _codes(text)[odd]
        kinds = np.flatnonzero(np.bincount(codes))
        may_begin, goes_on = np.zeros((2, int(kinds[-1]) + 1), np.bool_)
        may_begin[kinds] = [_first_of(chr(code)) in self._initial for code in kinds.tolist()]
        goes_on[kinds] = [GOES_ON.fullmatch(chr(code)) is not None for code in kinds.tolist()]
        first, inside = may_begin[codes], goes_on[codes]
        first[1:] &= ~(inside[1:] & inside[:-1] & (np.diff(odd) == 1))
        behind = letters[odd - 1]  # where that is a letter or a sign, the word may have begun before
        begins: list[int] = odd[first | ((behind != _SPACE) & (behind != _HYPHEN) & (behind != _ODD))].tolist()
        return begins + self._before(copy, _inside(copy))

    @staticmethod
    def joints(copy: bytes) -> list[int]:
        """The places of all that may be read as one word with what stands beside it, however that begins."""
        joints = [0, *_inside(copy), *_each(copy, _HYPHEN)]  # initials may stand at the very beginning
        return joints + [match.start() + 1 for match in _TWO_INITIALS.finditer(copy)]

    def joined(self, copy: bytes) -> list[int]:
        """The places of what may begin so where it is read as one word: what signs join, what a line's end cuts, what
        stands behind an elided article, and initials."""
        inside = _inside(copy)
        places = self._before(copy, inside + _each(copy, _HYPHEN))
        places += [sign + 1 for sign in inside if copy[sign + 1] in self._first and self._may_be(copy, sign + 1)]
        for letters in self._initials:
            places += [place + 1 for place in _each(copy, letters) if copy[place + len(letters)] < _LETTER]
            if copy.startswith(letters[1:]):
                places.append(0)
        return places

    def _before(self, copy: bytes, signs: Iterable[int]) -> list[int]:
        """Where the letters directly before each sign begin, if with what is behind it they may be such a word."""
        places = []
        for sign in signs:
            place = sign
            while copy[place - 1] >= _LETTER:
                place -= 1
            if place < sign and copy[place] in self._first and self._may_be(copy, place):
                places.append(place)
            if copy[place - 1] == _ODD != copy[sign]:
                places.append(place - 1)
        return places

    def _may_be(self, copy: bytes, place: int) -> bool:
        head, odd, _ = copy[place : place + _AHEAD].translate(None, _NOT_READ).partition(b"/")
        return head.startswith(self.whole) or (bool(odd) and head in self._parts)


@lru_cache(1 << 14)
def _first_of(letters: str) -> str:
    """What a letter begins with when it is folded and taken apart; empty for a mark, with which no word begins."""
    return unicodedata.normalize("NFKD", fold_unicode(surface_of(letters)))[:1]


def _inside(copy: bytes) -> list[int]:
    """The places of signs in words, and of soft hyphens."""
    return [match.start() for pattern in _INSIDE for match in pattern.finditer(copy)] + _each(copy, _SOFT_HYPHEN)


def _each(copy: bytes, what: bytes | int) -> list[int]:
    places = []
    place = copy.find(what)
    while place >= 0:
        places.append(place)
        place = copy.find(what, place + 1)
    return places


def _pattern(letters: bytes) -> bytes:
    """Matches where a word begins so."""
    letters = re.escape(letters)
    return rb"%s(?<![0-9a-z]%s)" % (letters, letters)


def chain(row: Sequence[Beginnings]) -> re.Pattern[bytes] | None:
    """Matches a folded text where words stand in a row that begin so, as they stand: the first one's letters. None
    where such a word is always an odd one.

    It looks at a bounded number of letters behind each match, so a text takes linear time whatever it is.
    """
    if not row or not all(one.whole for one in row):
        return None
    first, *rest = (rb"(?:%s)" % b"|".join(map(_pattern, one.whole)) for one in row)
    return re.compile(rb"%s(?=%s)" % (first, b"".join(_TO_NEXT + one for one in rest)))
