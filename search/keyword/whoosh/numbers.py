"""Columns of whole numbers as the terms of Whoosh's numeric fields, and columns as Whoosh reads them.

Whoosh indexes a number as several terms: itself, and itself without its last 8, 16, ... bits, so that a wide range is
a few of the short ones. None of them is stored here: they are worked out from the column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.columns import ColumnReader
from whoosh.util.times import datetime_to_long

EPOCH = datetime_to_long(datetime(1970, 1, 1))  # microseconds since the year 1, as Whoosh counts
LATEST = datetime_to_long(datetime.max)  # what stands for no date where a column has to have one: it sorts last
_SIGN = np.uint64(1 << 63)


class Numbers:
    """The numbers of some rows, int64, as terms of a signed 64-bit field. ``having`` says which rows have one."""

    def __init__(self, field: Any, numbers: NDArray[np.int64], having: NDArray[np.bool_]) -> None:
        self._field, self._having = field, having
        self._numbers = numbers.astype(np.uint64) + _SIGN  # as Whoosh sorts them
        self._distinct: dict[int, NDArray[np.uint64]] = {}

    def rows(self, term: bytes) -> NDArray[np.int64]:
        """The rows whose number a term stands for."""
        shift, number = np.uint64(term[0]), np.uint64(int.from_bytes(term[1:], "big"))
        return np.flatnonzero(self._having & (self._numbers >> shift == number))

    def terms_from(self, term: bytes) -> Iterator[bytes]:
        """All terms from this one on, sorted; of ``b""``, all."""
        first = term[0] if term else 0
        for shift in range(first, self._field.bits, self._field.shift_step):
            distinct = self._of(shift)
            start = 0
            if shift == first and len(term) > 1:
                start = int(distinct.searchsorted(np.uint64(int.from_bytes(term[1:], "big"))))
            for number in distinct[start:].tolist():
                yield self._field.sortable_to_bytes(number << shift, shift)

    def _of(self, shift: int) -> NDArray[np.uint64]:
        if shift not in self._distinct:
            self._distinct[shift] = np.unique(self._numbers[self._having] >> np.uint64(shift))
        return self._distinct[shift]


class Values(ColumnReader):  # type: ignore[misc]
    """A column of some rows, as Whoosh's facets read it: numbers, or texts as UTF-8."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self._reverse = False

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, row: int) -> Any:
        return self._values[row]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def sort_key(self, row: int) -> Any:
        """What a row is sorted by."""
        return -self._values[row] if self._reverse else self._values[row]

    def set_reverse(self) -> None:
        """Sort from the greatest on; only numbers can be."""
        self._reverse = True
