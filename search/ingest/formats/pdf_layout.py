"""Where the columns, lines and paragraphs of a page of a PDF are, and what of it is a headline or a running head.

A page is cut where white space goes through: into columns where it goes from top to bottom, else into what stands above
and below (the recursive cut of Nagy and Seth, 1984).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import NamedTuple

_DEEPEST = 40  # cuts in cuts
_GUTTER = 0.6  # the least white space between columns, in heights of a line
_SHORT = 0.6  # of the width of its block: a line that is shorter ends a paragraph
_LABEL_LINES, _LABEL = 3, 60  # lines and characters of a block whose lines are each for itself
_APART = 0.9  # the least white space between what stands above and below, in heights of a line
_EDGE = 2  # lines at the top and the bottom of a page that may be running heads
_HEADLINE = 1.25  # heights of a line of the text, from which on a line is a headline's
_PAGE_NUMBER = re.compile(
    r"[-–— ]*(?:(?:page|seite|p\.|s\.)\s*)?\d{1,4}(?:\s*(?:of|von|de|/)\s*\d{1,4})?[-–— ]*", re.IGNORECASE
)


class Piece(NamedTuple):
    """A run of text and where it stands; ``top`` is above ``bottom``."""

    left: float
    bottom: float
    right: float
    top: float
    text: str

    @property
    def height(self) -> float:
        """Of its letters, about."""
        return self.top - self.bottom


@dataclass
class Line:
    """Pieces beside each other. ``begins``: it begins a paragraph."""

    pieces: list[Piece]
    begins: bool = False
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = _beside(self.pieces)

    @property
    def height(self) -> float:
        """Of its highest piece."""
        return max(piece.height for piece in self.pieces)


def blocks(pieces: Sequence[Piece]) -> list[list[Line]]:
    """The lines of a page, block by block."""
    height = median(piece.height for piece in pieces)
    found: list[list[Piece]] = []
    _cut(list(pieces), height, found, 0)
    return [_block(block, height) for block in found]


def _cut(pieces: list[Piece], height: float, found: list[list[Piece]], depth: int) -> None:
    if depth < _DEEPEST and len(pieces) > 1:
        # Columns first: space from top to bottom, with more than a line on either side.
        at = _gap([(piece.left, piece.right) for piece in pieces], _GUTTER * height)
        if at is not None:
            sides = [piece for piece in pieces if piece.right <= at], [piece for piece in pieces if piece.right > at]
            if min(map(_rows, sides)) > 1:
                for side in sides:
                    _cut(side, height, found, depth + 1)
                return
        at = _gap([(piece.bottom, piece.top) for piece in pieces], _APART * height)
        if at is not None:
            _cut([piece for piece in pieces if piece.bottom >= at], height, found, depth + 1)
            _cut([piece for piece in pieces if piece.bottom < at], height, found, depth + 1)
            return
    found.append(pieces)


def _gap(spans: list[tuple[float, float]], least: float) -> float | None:
    """The end of the widest stretch that no span covers, where it is wide enough."""
    best: tuple[float, float] | None = None
    end: float | None = None
    for start, stop in sorted(spans):
        if end is not None and start - end >= least and (best is None or start - end > best[0]):
            best = start - end, start - (start - end) / 2
        end = stop if end is None else max(end, stop)
    return None if best is None else best[1]


def _rows(pieces: Sequence[Piece]) -> int:
    return len({round(piece.bottom) for piece in pieces})


def _block(pieces: list[Piece], height: float) -> list[Line]:
    """The lines of a block from top to bottom; an indent or a wider gap begins a paragraph."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.bottom, piece.left)):
        middle = (piece.bottom + piece.top) / 2
        if rows and rows[-1][0].bottom - 0.2 * height <= middle <= rows[-1][0].top + 0.2 * height:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    lines = [Line(sorted(row, key=lambda piece: piece.left)) for row in rows]
    edge = min((line.pieces[0].left for line in lines), default=0.0)
    right = max((line.pieces[-1].right for line in lines), default=0.0)
    steps = [above.pieces[0].bottom - below.pieces[0].bottom for above, below in pairwise(lines)]
    step = median(steps) if steps else 0.0
    label = len(lines) <= _LABEL_LINES and all(len(line.text) <= _LABEL for line in lines)  # a byline, a date
    for place, line in enumerate(lines):
        if place == 0 or label:
            line.begins = True
            continue
        indented = height < line.pieces[0].left - edge < 6 * height and lines[place - 1].pieces[0].left - edge < height
        other = abs(line.height - lines[place - 1].height) > 0.2 * height
        before = lines[place - 1].pieces[-1].right
        line.begins = indented or other or steps[place - 1] > 1.4 * step or before - edge < _SHORT * (right - edge)
    return lines


def _beside(pieces: Sequence[Piece]) -> str:
    """The text of pieces in a line, with a space where there is one between them."""
    text = pieces[0].text
    for before, piece in pairwise(pieces):
        text += ("" if piece.left - before.right < 0.12 * piece.height else " ") + piece.text
    return text


def headline(lines: Sequence[Line]) -> list[Line]:
    """The lines of the first page in its largest letters, where these are larger than the text's."""
    if len(lines) < 3:
        return []
    usual = median(line.height for line in lines)
    largest = max(line.height for line in lines)
    if largest < _HEADLINE * usual:
        return []
    place = next(place for place, line in enumerate(lines) if line.height > 0.95 * largest)
    found: list[Line] = []
    for line in lines[place : place + 5]:
        if line.height < 0.9 * largest:
            break
        found.append(line)
    return found if sum(len(line.text) for line in found) < 300 else []


def without_running_heads(pages: list[list[Piece]]) -> int:
    """Take pieces off the edges of pages that other pages have too, but for their numbers; returns how many."""
    edges = [_edges(pieces) for pieces in pages]
    counts = Counter(bare for edge in edges for bare in {_bare(piece.text) for piece in edge})
    filled = sum(bool(pieces) for pieces in pages)
    dropped = 0
    for pieces, edge in zip(pages, edges, strict=True):
        for piece in edge:
            bare = _bare(piece.text)
            repeated = filled > 1 and counts[bare] >= max(2, 0.4 * filled) and len(bare) < 120
            if len(pieces) > 1 and (repeated or _PAGE_NUMBER.fullmatch(piece.text)):
                pieces.remove(piece)
                dropped += 1
    return dropped


def _edges(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces in the highest and the lowest rows of a page."""
    rows = sorted({round(piece.bottom) for piece in pieces})
    if len(rows) <= 2 * _EDGE:
        return []
    edge = {*rows[:_EDGE], *rows[-_EDGE:]}
    return [piece for piece in pieces if round(piece.bottom) in edge]


def _bare(text: str) -> str:
    return re.sub(r"\d+", "#", text.casefold())
