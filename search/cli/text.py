"""Text from articles, fitted for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from unicodedata import bidirectional, category, east_asian_width

from search.exports.plain import STRING_LIMIT, Spans, clean, clean_spans, line

__all__ = [
    "BOLD",
    "DIM",
    "PLAIN",
    "STRING_LIMIT",
    "apart",
    "clean",
    "clean_spans",
    "cut",
    "isolated",
    "line",
    "size",
    "width",
    "wrap",
]

BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"

_WORD = re.compile(r"\S+")


def width(text: str) -> int:
    """Columns that cleaned text takes on a terminal: wide East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if east_asian_width(character) in "WF":
        return 2
    return 0 if category(character) in ("Mn", "Me", "Cf") else 1


_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"  # its direction is that of its first letter; no cleaned text has them


def isolated(text: str) -> str:
    """Cleaned text so that what is written from right to left in it turns round nothing beside it: not the number
    before a title, not the date behind a name. Text without such letters as it is. It takes no more columns."""
    if text.isascii() or not any(bidirectional(letter) in ("R", "AL") for letter in text):
        return text
    return f"{_ISOLATE}{text}{_END_OF_ISOLATE}"


def apart(text: str, between: str) -> str:
    """One line of cleaned text in which things stand beside each other with ``between`` them, each ``isolated``."""
    return text if text.isascii() else between.join(map(isolated, text.split(between)))


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


def wrap(text: str, columns: int, spans: Spans = (), *, bold: bool = False, dim: Spans = ()) -> list[str]:
    """Cleaned text as lines of at most ``columns``, newlines kept as spaces; with ``bold`` the spans stand out,
    and those that are to be ``dim`` do not."""
    columns = max(columns, 2)
    lit = spans if bold else ()
    text, stretches = clean_spans(text, [*lit, *dim])
    marked = list(zip(stretches, [BOLD] * len(lit) + [DIM] * len(dim), strict=True))
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


def _drawn(text: str, pieces: Sequence[_Piece], marked: Sequence[tuple[tuple[int, int], str]]) -> str:
    """One line, its marked stretches under their codes, the first that has it. No code stays open at its end."""
    out: list[str] = []
    lit = ""

    def switch(code: str) -> None:
        nonlocal lit
        if code != lit:
            out.append(PLAIN * bool(lit) + code)
            lit = code

    for number, piece in enumerate(pieces):
        if piece.spaced and number:
            at = piece.start
            switch(next((code for (start, end), code in marked if start < at and end > at), ""))
            out.append(" ")
        cuts = {piece.start, piece.end}
        cuts.update(c for span, _ in marked for c in span if piece.start < c < piece.end)
        for start, end in pairwise(sorted(cuts)):
            switch(next((code for (a, b), code in marked if a <= start and end <= b), ""))
            out.append(text[start:end])
    switch("")
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


def size(value: Any) -> Any:
    """A number of bytes, or each of several, in units that people read."""
    if isinstance(value, Mapping):
        return {name: size(item) for name, item in value.items()}
    if not isinstance(value, int):
        return value
    number = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
