"""A bounded pool of threads for the engine's calls, so that the event loop is never blocked and nothing piles up."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from search.deadline import Deadline
from search.errors import ServerBusy

Result = TypeVar("Result")
_Job = tuple[Future[Any], Callable[[], Any], Deadline]


class QueryPool:
    """At most ``threads`` calls run and ``waiting`` wait; who waited ``timeout`` seconds in all is told so.

    The call's work ends then as well, at the engine's next check of its deadline: until then it keeps its thread, and
    its place is given to nobody. The threads are daemons: a call that never ends does not keep the process.
    """

    def __init__(self, threads: int, waiting: int, timeout: float) -> None:
        self.timeout = timeout
        self._most = threads + waiting
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._admitted = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"query-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, call: Callable[[], Result]) -> Result:
        """What the call returns or raises. Raises ServerBusy at once, or QueryTimeout after ``timeout`` seconds."""
        with self._lock:
            if self._admitted >= self._most:
                raise ServerBusy("the server has as many requests as it takes; try again in a moment")
            self._admitted += 1
        future: Future[Result] = Future()
        deadline = Deadline(self.timeout)
        self._jobs.put((future, call, deadline))
        try:
            async with asyncio.timeout(self.timeout) as clock:
                return await asyncio.wrap_future(future)  # cancelled with it, unless it runs
        except TimeoutError:
            if not clock.expired():
                raise
            raise deadline.passed() from None

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._admitted

    def close(self) -> None:
        """Let the threads end once what waits is done."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call, deadline = job
            if future.set_running_or_notify_cancel():
                try:
                    with deadline:
                        result = call()
                except BaseException as error:  # handed to whoever waits
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            with self._lock:  # only now: one that was given up still has its place in the queue
                self._admitted -= 1
            del job, future, call, deadline  # an idle thread keeps nothing alive
