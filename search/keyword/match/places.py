"""Sets of places and joins of them: sorted numbers, whatever these count."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TABLE = 1 << 22  # places that are joined at once
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_LOOKED_UP = 4  # a list so many times shorter than another is looked up in it, rather than in a table of marks
_FEW = 400  # so few are always looked up

Places = NDArray[np.int64]
Rows = NDArray[np.int32] | NDArray[np.int64]
Numbers = NDArray[Any]
Mask = NDArray[np.bool_]


class Part(NamedTuple):
    """One token of a phrase in one segment: a term, and where only some of its forms count, which (bool[forms])."""

    tid: int
    forms: Mask | None


def _hashed(places: Numbers, bits: int) -> Places:
    """Numbers of so many bits that spread what is alike (Knuth's multiplicative hashing)."""
    hashed = places.astype(np.uint64) * _GOLDEN
    hashed >>= np.uint64(64 - bits)
    return hashed.view(np.int64)


class Table(threading.local):
    """Numbers marked one set after another, without wiping the table in between."""

    def __init__(self) -> None:
        self._marks = np.zeros(0, np.uint8)
        self._set = 0

    def marked(self, wanted: Places, among: Places, size: int) -> Mask:
        """Which of ``wanted`` are in ``among``; all are from 0 to ``size``, exclusive."""
        if self._set == 255 or len(self._marks) < size:
            self._marks = np.zeros(max(size, TABLE), np.uint8)
            self._set = 0
        self._set += 1
        self._marks[among] = self._set
        hits: Mask = self._marks[wanted] == self._set
        return hits

    def kept(self, wanted: Numbers, among: Numbers) -> Numbers:
        """Those of ``wanted`` that are in ``among``, in order and not empty, whatever their size."""
        bits = (16 * len(among)).bit_length()
        return _looked_up(wanted[self.marked(_hashed(wanted, bits), _hashed(among, bits), 1 << bits)], among)


def _looked_up(wanted: Numbers, among: Numbers) -> Numbers:
    at = among.searchsorted(wanted)
    at[at == len(among)] = 0
    hits: Numbers = wanted[among[at] == wanted]
    return hits


table = Table()


def kept(wanted: Numbers, among: Numbers) -> Numbers:
    """Those of ``wanted`` that are in ``among``; both in order, ``wanted`` not empty."""
    if not len(among):
        return wanted[:0]
    if len(wanted) <= _FEW or len(wanted) * _LOOKED_UP < len(among):
        return _looked_up(wanted, among)
    return table.kept(wanted, among)
