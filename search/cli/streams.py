"""Standard streams that were closed before the program began (``>&-``)."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any


class _Closed(io.BufferedIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(data):
            raise OSError(errno.EBADF, "standard output is closed, so there is nowhere to answer")
        return 0


def hold() -> None:
    """Keep the numbers 0, 1 and 2 from the files that are opened later: what is written to a stream by its number would
    go into them. An answer that has nowhere to go is an OSError; messages on standard error are lost, as was asked."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(_Closed(), encoding="utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  for as long as the program runs
