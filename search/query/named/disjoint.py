"""Stretches of a text of which none overlaps another."""

from __future__ import annotations

from bisect import bisect_left


class Disjoint:
    """The stretches that were taken, so many that looking at each of them would take too long."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Take ``start..end``, which is not empty, unless it overlaps one that was taken; whether it was."""
        place = bisect_left(self._starts, end)  # of the first that begins behind it
        if place and self._ends[place - 1] > start:
            return False
        self._starts.insert(place, start)
        self._ends.insert(place, end)
        return True
