"""How long a request may take. Work that can be long asks now and then whether there is time left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self, TypeVar

from search.errors import QueryTimeout

Result = TypeVar("Result")


class Deadline:
    """A moment by which work has to be done: ``seconds`` from when it is made.

    ``with deadline:`` holds for all that this thread, or task, does in the block, whatever it calls; where one stands
    inside another, both hold. The work ends with QueryTimeout at the first ``check`` behind the moment.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds
        self._entered: list[Token[tuple[Deadline, ...]]] = []

    def check(self) -> None:
        """Raise QueryTimeout where the moment has passed."""
        if time.monotonic() >= self._ends:
            raise self.passed()

    def passed(self) -> QueryTimeout:
        """What is said where the moment has passed."""
        return QueryTimeout(
            f"no answer within {self.seconds:g} seconds; ask for less, narrow the query, or try again later"
        )

    def end(self) -> None:
        """Let it pass now."""
        self._ends = -math.inf

    def __enter__(self) -> Self:
        self._entered.append(_running.set((*_running.get(), self)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _running.reset(self._entered.pop())


_running: ContextVar[tuple[Deadline, ...]] = ContextVar("deadlines", default=())


def check() -> None:
    """Raise QueryTimeout where the work at hand has a deadline that has passed."""
    for deadline in _running.get():
        deadline.check()


async def in_thread(call: Callable[[], Result]) -> Result:
    """What a call returns or raises, in a thread. When the task is cancelled the call's deadline has passed."""
    import asyncio  # a command line needs none of it

    deadline = Deadline(math.inf)

    def work() -> Result:
        with deadline:
            return call()

    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        deadline.end()
        raise
