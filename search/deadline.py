"""How long a request may take. Work that can be long asks now and then whether there is time left."""

from __future__ import annotations

import time
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from search.errors import QueryTimeout


class Deadline:
    """A moment by which work has to be done: ``seconds`` from when it is made.

    ``with deadline:`` holds for all that this thread, or task, does in the block, whatever it calls; where one stands
    inside another, the earlier one holds. The work ends with QueryTimeout at the first ``check`` behind the moment.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds
        self._entered: list[Token[Deadline | None]] = []

    def check(self) -> None:
        """Raise QueryTimeout where the moment has passed."""
        if time.monotonic() >= self._ends:
            raise self.passed()

    def passed(self) -> QueryTimeout:
        """What is said where the moment has passed."""
        return QueryTimeout(
            f"no answer within {self.seconds:g} seconds; ask for less, narrow the query, or try again later"
        )

    def __enter__(self) -> Self:
        outer = _running.get()
        self._entered.append(_running.set(self if outer is None or self._ends < outer._ends else outer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _running.reset(self._entered.pop())


_running: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def check() -> None:
    """Raise QueryTimeout where the work at hand has a deadline that has passed."""
    deadline = _running.get()
    if deadline is not None:
        deadline.check()
