"""Text from articles, made safe and fitted for a terminal.

An article is a stranger's text: left as it is, it could move the cursor, rename the window, turn the reading order
round or hide half a word. Nothing here changes what an archive holds, only what is shown of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from unicodedata import category, east_asian_width

Spans = Sequence[tuple[int, int]]

BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
STRING_LIMIT = 4096  # an escape string without an end swallows no more than this

# Dropped: whole escape sequences (CSI; OSC, DCS, PM, APC and SOS strings with their contents; two-character ones),
# the other C0 and C1 controls, bidirectional controls, invisible characters that split or hide words, tag characters.
_DROPPED = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90-\x9f\n]{{0,{STRING_LIMIT}}}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
    r"|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Joiners shape Persian, Hindi and emoji; at the edge of a word or beside a Latin letter they can only deceive.
_JOINERS = re.compile(r"(?<![^\x00-\x7f\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\s\u200c\u200d])")
_RETURN = re.compile(r"\r(?=\n)")
_WORD = re.compile(r"\S+")
# One for one: other line ends become a newline, other blanks a space, a lone surrogate the replacement character.
_EXCHANGED = {ord(c): "\n" for c in "\r\v\f\x85\u2028\u2029"} | {ord("\t"): " "}
_EXCHANGED |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def clean(text: str) -> str:
    """The text without anything that steers a terminal: the only control character left is the newline."""
    return clean_spans(text, ())[0]


def line(text: str) -> str:
    """``clean`` on one line: every run of white space is one space."""
    return " ".join(clean(text).split())


def clean_spans(text: str, spans: Spans) -> tuple[str, list[tuple[int, int]]]:
    """The cleaned text, and where the given stretches of the text lie in it."""
    marks = [offset for span in spans for offset in span]
    for pattern in (_DROPPED, _RETURN, _JOINERS):
        text, marks = _drop(pattern, text, marks)
    return text.translate(_EXCHANGED), list(zip(marks[::2], marks[1::2], strict=True))


def _drop(pattern: re.Pattern[str], text: str, marks: list[int]) -> tuple[str, list[int]]:
    """The text without the pattern's matches, and each mark moved by what was dropped before it."""
    if not marks:
        return pattern.sub("", text), marks
    matches = list(pattern.finditer(text))
    if not matches:
        return text, marks
    moved = [mark - sum(min(m.end(), mark) - m.start() for m in matches if m.start() < mark) for mark in marks]
    return pattern.sub("", text), moved


def width(text: str) -> int:
    """Columns that cleaned text takes on a terminal: wide East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if east_asian_width(character) in "WF":
        return 2
    return 0 if category(character) in ("Mn", "Me", "Cf") else 1


class _Piece(NamedTuple):
    """What a line break cannot split: a stretch of the text, and whether a space stands before it."""

    start: int
    end: int
    spaced: bool


def _pieces(text: str, columns: int) -> Iterator[_Piece]:
    """Words in order. One wider than a line comes in several pieces, and so do scripts written without spaces, whose
    wide characters may part anywhere."""
    for match in _WORD.finditer(text):
        start, spaced = match.start(), match.start() > 0 and text[match.start() - 1].isspace()
        if match[0].isascii() and match.end() - start <= columns:
            yield _Piece(start, match.end(), spaced)
            continue
        room, before = columns, 0
        for offset in range(match.start(), match.end()):
            need = _columns(text[offset])
            if offset > start and (need > room or (need and 2 in (need, before))):
                yield _Piece(start, offset, spaced)
                start, spaced, room = offset, False, columns
            room -= need
            before = need or before
        yield _Piece(start, match.end(), spaced)


def wrap(text: str, columns: int, spans: Spans = (), *, bold: bool = False) -> list[str]:
    """Cleaned text as lines of at most ``columns``, newlines kept as spaces; with ``bold`` the spans stand out."""
    columns = max(columns, 2)
    text, marked = clean_spans(text, spans if bold else ())
    lines: list[list[_Piece]] = []
    used = 0
    for piece in _pieces(text, columns):
        need = width(text[piece.start : piece.end])
        if lines and used + piece.spaced + need <= columns:
            lines[-1].append(piece)
            used += piece.spaced + need
        else:
            lines.append([piece])
            used = need
    return [_drawn(text, pieces, marked) for pieces in lines]


def _drawn(text: str, pieces: Sequence[_Piece], marked: Spans) -> str:
    """One line, its marked stretches in bold. No code stays open at its end."""
    out: list[str] = []
    lit = False

    def switch(on: bool) -> None:
        nonlocal lit
        if on != lit:
            out.append(BOLD if on else PLAIN)
            lit = on

    for number, piece in enumerate(pieces):
        if piece.spaced and number:
            switch(any(start < piece.start and end > piece.start for start, end in marked))
            out.append(" ")
        cuts = {piece.start, piece.end}
        cuts.update(c for span in marked for c in span if piece.start < c < piece.end)
        for start, end in pairwise(sorted(cuts)):
            switch(any(a <= start and end <= b for a, b in marked))
            out.append(text[start:end])
    switch(False)
    return "".join(out)


def cut(text: str, columns: int) -> str:
    """One cleaned line cut to ``columns``, with an ellipsis where something is missing."""
    text = line(text)
    if width(text) <= columns:
        return text
    room = max(columns, 1) - 1
    end = 0
    for end, character in enumerate(text):  # noqa: B007
        room -= _columns(character)
        if room < 0:
            break
    return text[:end].rstrip() + "…"
