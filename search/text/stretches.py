"""Stretches of a text as (start, end), in order and apart from each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise, zip_longest

Spans = Sequence[tuple[int, int]]


def joined(text: str, spans: Spans) -> list[tuple[int, int]]:
    """Stretches of a text as one where only white space stands between them."""
    blocks: list[tuple[int, int]] = []
    for start, end in spans:
        if blocks and not text[blocks[-1][1] : start].strip():
            blocks[-1] = (blocks[-1][0], end)
        else:
            blocks.append((start, end))
    return blocks


def without(text: str, start: int, end: int, left_out: Spans) -> list[tuple[int, int]]:
    """What is left of a stretch of a text without some others, each without outer white space."""
    left: list[tuple[int, int]] = []
    for first, last in (*left_out, (end, end)):
        stop = min(first, end)
        if stop > start and (piece := text[start:stop]).strip():
            left.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
        start = max(start, last)
    return left


class Rest:
    """A text without some stretches: paragraphs, lines and sentences stay apart as they were."""

    def __init__(self, text: str, left_out: Spans) -> None:
        self._spans = without(text, 0, len(text), left_out)
        self._begins = [start for start, _ in self._spans]
        gaps = (text[before[1] : after[0]] for before, after in pairwise(self._spans))
        breaks = ["\n\n" if "\n\n" in gap else "\n" if "\n" in gap else " " for gap in gaps]
        pieces = [text[start:end] for start, end in self._spans]
        self.text = "".join(chain(*zip_longest(pieces, breaks, fillvalue="")))
        sizes = (len(piece) + len(gap) for piece, gap in zip_longest(pieces, breaks, fillvalue=""))
        self._starts = [0, *accumulate(sizes)][: len(pieces)]

    def moved(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a sentence of the whole text stands in the rest; None for one that was left out."""
        at = bisect_right(self._begins, start) - 1
        if at < 0 or start >= self._spans[at][1]:
            return None
        shift = self._starts[at] - self._begins[at]
        return start + shift, min(end, self._spans[at][1]) + shift

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the whole text that a stretch of the rest is of, what was left out inside it included."""
        if start == end:
            return (0, 0)
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        return self._begins[first] + start - self._starts[first], self._begins[last] + end - self._starts[last]


def rest(text: str, left_out: Spans) -> str:
    """A text without some stretches."""
    return Rest(text, left_out).text
