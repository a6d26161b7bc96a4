"""How long the stages of a corridor take: benchmarks, ``--timings`` and tracers hang on here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Watch = Callable[[str], AbstractContextManager[None]]
"""Called with a stage's name, it gives what the stage runs in."""

_NOTHING = nullcontext()


def unwatched(stage: str) -> AbstractContextManager[None]:
    """A watch that looks away."""
    return _NOTHING


class Stopwatch:
    """A watch that adds up time. Threads may share it: indexing has two, and their stages run side by side.

    ``seconds`` has the stages in the order in which they first began. A stage inside another bears both names
    ("rank/words"), and its time is part of the outer one's.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = threading.local()
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure what runs in the block."""
        outer = getattr(self._within, "stage", "")
        name = self._within.stage = f"{outer}/{stage}" if outer else stage
        with self._lock:
            self.seconds.setdefault(name, 0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[name] += time.perf_counter() - began
            self._within.stage = outer
