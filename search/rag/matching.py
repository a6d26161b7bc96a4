"""Finding a quotation in a text: folded alike, with gaps; and the sentence most like it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_GAP = re.compile(r"\s*[\[(]?(?:\.\s?\.\s?\.|…)[\])]?\s*")
_INSERTED = re.compile(r"\[[^\]\n]{1,80}\]")  # [the mayor] said
_QUOTES = dict.fromkeys(map(ord, "\"'“”„‟«»‹›‘’‚‛`´′″「」『』"), "'")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_MAP = _QUOTES | _DASHES
_FARTHEST = 1500  # characters that a gap may leave out
_CLOSE_LOOK = 5  # sentences compared letter by letter


class Folded(NamedTuple):
    """A text without what a quotation may change, and where each character of it stood."""

    text: str
    places: list[int]


def fold(text: str) -> Folded:
    """Lower case, one kind of quotation mark and dash, no white space and no invisible characters.

    Doubled quotation marks are one, and white space goes wholly: a quotation that a model broke over lines, or whose
    dash lost its spaces, is still that quotation.
    """
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = _MAP.get(ord(char), char)
        if char.isspace() or (not char.isascii() and unicodedata.category(char) in ("Cf", "Cc")):
            continue
        for one in (plain if len(plain) == 1 and plain.isascii() else unicodedata.normalize("NFKC", plain)).lower():
            if one in "'-" and letters and letters[-1] == one:
                continue
            letters.append(one)
            places.append(place)
    return Folded("".join(letters), places)


def locate(said: str, folded: Folded) -> tuple[int, int] | None:
    """(start, end) in the text of ``folded`` of a quotation, from its first piece to its last; None if it is not there.

    Ellipses and words in square brackets are gaps, bounded. Marks at the ends of the quotation do not count.
    """
    pieces = [fold(piece).text for part in _GAP.split(said) for piece in _INSERTED.split(part)]
    pieces = [piece for piece in pieces if any(c.isalnum() for c in piece)]
    if not pieces:
        return None
    pieces[0] = pieces[0].lstrip("'-,.;:")
    pieces[-1] = pieces[-1].rstrip("'-,.;:!?")
    if not pieces[0] or not pieces[-1]:
        return None
    begin = -1
    while (begin := _find_word(folded, pieces[0], begin + 1)) >= 0:
        at = begin + len(pieces[0])
        for piece in pieces[1:]:
            following = _find_word(folded, piece, at)
            if following < 0 or following - at > _FARTHEST:
                break
            at = following + len(piece)
        else:
            return folded.places[begin], folded.places[at - 1] + 1
    return None


def _find_word(folded: Folded, piece: str, start: int) -> int:
    """The next place of a piece that neither begins nor ends inside a word."""
    at = start - 1
    while (at := folded.text.find(piece, at + 1)) >= 0:
        if _edge(folded, at) and _edge(folded, at + len(piece)):
            return at
    return -1


def _edge(folded: Folded, at: int) -> bool:
    """Whether a word begins or ends before this place: white space stood there, or one side is no letter or digit."""
    if at <= 0 or at >= len(folded.text):
        return True
    before, after = folded.text[at - 1], folded.text[at]
    return folded.places[at] - folded.places[at - 1] > 1 or not (before.isalnum() and after.isalnum())


def nearest(said: str, text: str, spans: Sequence[tuple[int, int]]) -> tuple[float, tuple[int, int]]:
    """How like a quotation the most similar sentence is, 0 to 1, and which it is: by shared words, then among the best
    of these by the letters of the quotation that stand in it in order (Ratcliff & Obershelp)."""
    wanted = Counter(re.findall(r"\w+", said.lower()))

    def shared(span: tuple[int, int]) -> float:
        words = Counter(re.findall(r"\w+", text[span[0] : span[1]].lower()))
        return 2 * (wanted & words).total() / max(wanted.total() + words.total(), 1)

    ranked = sorted(spans, key=lambda span: (-shared(span), span[0]))[:_CLOSE_LOOK]
    best = (0.0, ranked[0] if ranked else (0, 0))
    letters = fold(said).text[:1000]
    for span in ranked:
        likeness = SequenceMatcher(None, letters, fold(text[span[0] : span[1]]).text[:1000], autojunk=False).ratio()
        if likeness > best[0]:
            best = likeness, span
    return best
