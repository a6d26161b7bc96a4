"""Finding a quotation in a text: folded alike, with gaps; and the sentence most like it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_GAP = r"(?:[\[(]\s?)?(?:(?:\.\s?){2}\.(?:\s?\.(?!\.))?|…)(?:\s?[\])])?"
_INSERTED = r"\[[^\[\]]{1,80}\]"  # [the mayor] said
_CUT = re.compile(f"({_GAP})|{_INSERTED}")
_QUOTES = dict.fromkeys(map(ord, "\"'“”„‟«»‹›‘’‚‛`´′″「」『』〝〞＂"), "'")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_MAP = _QUOTES | _DASHES
_IN_NUMBERS = ".,·٫٬\xa0\u2009\u202f"  # 1,900
_IN_WORDS = "'’‘"  # can't
_FARTHEST = 1500  # characters that a gap may leave out
_FARTHEST_INSERTED = 40  # characters that words in square brackets may stand for
_MOST_PIECES = 20
_CLOSE_LOOK = 5  # sentences compared letter by letter
_CLOSE_LETTERS = 1000
_CLOSE_WORK = 8_000_000  # products of lengths that one check spends on comparing so


class Folded(NamedTuple):
    """A text without what a quotation may change, where each character of it stood, and the text itself."""

    text: str
    places: list[int]
    raw: str


class Pieces(NamedTuple):
    """What stands between the gaps of a quotation, folded. ``rooms[i]``: how many characters may be left out before
    piece i. ``close[i]``: whether only words in square brackets stand there, which must not cross a sentence's end."""

    texts: list[str]
    rooms: list[int]
    close: list[bool]


def fold(text: str) -> Folded:
    """Lower case, one kind of quotation mark and dash, no white space and no invisible characters.

    Doubled quotation marks are one, and white space goes wholly: a quotation that a model broke over lines, or whose
    dash lost its spaces, is still that quotation.
    """
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = _MAP.get(ord(char), char)
        if char.isspace() or _invisible(char):
            continue
        for one in (plain if len(plain) == 1 and plain.isascii() else unicodedata.normalize("NFKC", plain)).lower():
            if one in "'-" and letters and letters[-1] == one:
                continue
            letters.append(one)
            places.append(place)
    return Folded("".join(letters), places, text)


def _invisible(char: str) -> bool:
    return not char.isascii() and unicodedata.category(char) in ("Cf", "Cc")


def inserts(said: str) -> bool:
    """Whether a quotation has words in square brackets."""
    return any(match[1] is None for match in _CUT.finditer(said))


def unbracketed(said: str) -> str:
    """A quotation without the square brackets round words: "[T]he valve" is "The valve"."""
    return _CUT.sub(lambda match: match[1] or match[0][1:-1], said)


def cut(said: str) -> Pieces | None:
    """A quotation cut at its gaps: ellipses, and words in square brackets. Marks at its ends do not count. None if
    nothing is left to look for, or if it has more pieces than anybody quotes."""
    pieces = Pieces([], [], [])
    at, room, close = 0, 0, True
    for match in [*_CUT.finditer(said), None]:
        text = fold(said[at : len(said) if match is None else match.start()]).text
        if any(char.isalnum() for char in text):
            pieces.texts.append(text)
            pieces.rooms.append(room)
            pieces.close.append(close)
            room, close = 0, True
        if match is None or len(pieces.texts) > _MOST_PIECES:
            break
        at = match.end()
        room = max(room, _FARTHEST if match[1] else _FARTHEST_INSERTED)
        close = close and not match[1]
    if not pieces.texts or len(pieces.texts) > _MOST_PIECES:
        return None
    pieces.texts[0] = pieces.texts[0].lstrip("'-,.;:")
    pieces.texts[-1] = pieces.texts[-1].rstrip("'-,.;:!?")
    return pieces if pieces.texts[0] and pieces.texts[-1] else None


def locate(pieces: Pieces, folded: Folded, together: Callable[[int, int], bool]) -> tuple[int, int] | None:
    """(start, end) in the raw text of ``folded`` of a quotation, from its first piece to its last; None if it is not
    there. ``together`` says whether two places of that text stand in one sentence."""
    begin = -1
    while (begin := _find(folded, pieces.texts[0], begin + 1)) >= 0:
        at = begin + len(pieces.texts[0])
        for piece, room, close in zip(pieces.texts[1:], pieces.rooms[1:], pieces.close[1:], strict=True):
            following = _find(folded, piece, at, at + room + len(piece))
            if following < 0 or (close and not together(folded.places[at - 1], folded.places[following])):
                break
            at = following + len(piece)
        else:
            return folded.places[begin], folded.places[at - 1] + 1
    return None


def _find(folded: Folded, piece: str, start: int, end: int | None = None) -> int:
    """The next place of a piece that neither begins nor ends inside a word or a number."""
    at = start - 1
    while (at := folded.text.find(piece, at + 1, end)) >= 0:
        if _edge(folded, at) and _edge(folded, at + len(piece)):
            return at
    return -1


def _edge(folded: Folded, at: int) -> bool:
    """Whether a word begins or ends before this place of the folded text."""
    if at <= 0 or at >= len(folded.text):
        return True
    before, after = folded.places[at - 1], folded.places[at]
    if before == after:  # one character that folds to several
        return not (folded.text[at - 1].isalnum() and folded.text[at].isalnum())
    return not inside(folded.raw, after)


def inside(text: str, at: int) -> bool:
    """Whether a place of a text lies inside a word or a number: between two letters or digits, or beside the mark that
    joins them, as in 1,900 and can't."""
    left, right = _visible(text, at - 1, -1), _visible(text, at, 1)
    if left < 0 or right >= len(text):
        return False
    before, after = text[left], text[right]
    if before.isalnum() and after.isalnum():
        return True
    if unicodedata.combining(after):
        return True
    if after in _IN_NUMBERS or after in _IN_WORDS:
        return _joins(before, after, text, _visible(text, right + 1, 1))
    if before in _IN_NUMBERS or before in _IN_WORDS:
        return _joins(after, before, text, _visible(text, left - 1, -1))
    return False


def _visible(text: str, at: int, step: int) -> int:
    while 0 <= at < len(text) and _invisible(text[at]):
        at += step
    return at


def _joins(one: str, mark: str, text: str, other: int) -> bool:
    if not 0 <= other < len(text):
        return False
    if mark in _IN_NUMBERS:
        return one.isdigit() and text[other].isdigit()
    return one.isalnum() and text[other].isalnum()


class Sentences:
    """The sentences of several texts, by their words, to find the one most like a quotation."""

    def __init__(self, texts: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> None:
        self._texts = [text for text, _ in texts]
        self._spans = [(which, start, end) for which, (_, spans) in enumerate(texts) for start, end in spans]
        self._sizes: list[int] = []
        self._holding: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._work = _CLOSE_WORK
        for place, (which, start, end) in enumerate(self._spans):
            words = _words(self._texts[which][start:end])
            self._sizes.append(words.total())
            for word, count in words.items():
                self._holding[word].append((place, count))

    def nearest(self, said: str, extra: Sequence[float]) -> tuple[float, tuple[int, int, int]] | None:
        """How like a quotation the most similar sentence is, 0 to 1, and which it is (text, start, end): by shared
        words, then among the best of these by the letters of the quotation that stand in it in order (Ratcliff &
        Obershelp), as long as there is time for that. ``extra`` is added for each text in comparing. None without
        sentences."""
        if not self._spans:
            return None
        wanted = _words(said)
        shared: Counter[int] = Counter()
        for word, count in wanted.items():
            for place, there in self._holding.get(word, ()):
                shared[place] += min(count, there)

        def rank(place: int) -> float:
            size = max(wanted.total() + self._sizes[place], 1)
            return 2 * shared[place] / size + extra[self._spans[place][0]]

        letters = fold(said[: 2 * _CLOSE_LETTERS]).text[:_CLOSE_LETTERS]
        firsts = max(range(len(extra)), key=extra.__getitem__)
        first = next((place for place, span in enumerate(self._spans) if span[0] == firsts), 0)
        ranked = sorted(shared or [first], key=lambda place: (-rank(place), place))[:_CLOSE_LOOK]
        best, where = -1.0, ranked[0]
        for place in ranked:
            which, start, end = self._spans[place]
            other = fold(self._texts[which][start : min(end, start + 2 * _CLOSE_LETTERS)]).text[:_CLOSE_LETTERS]
            self._work -= len(letters) * len(other)
            if self._work > 0:
                likeness = SequenceMatcher(None, letters, other, autojunk=False).ratio()
            else:
                likeness = 2 * shared[place] / max(wanted.total() + self._sizes[place], 1)
            if likeness + extra[which] > best:
                best, where = likeness + extra[which], place
        return best - extra[self._spans[where][0]], self._spans[where]


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))
