"""A second stage beside its caller: one thread that runs one job at a time, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Abandoned(Exception):
    """Raised inside a job whose caller has given up."""


class Background:
    """Runs jobs in a thread of its own, in the order they come. Use it as a context manager: no thread outlives it.

    ``submit`` waits until the job before has ended, so two things at most are at work: the running job and what the
    caller prepares meanwhile. What a job raises, the caller gets from its next call, and no later job starts. A block
    that ends by an ``Exception`` still lets the running job finish; one that ends by an interruption abandons it.
    """

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._job: Callable[[], None] | None = None
        self._failure: BaseException | None = None
        self._ended = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._work, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None and not issubclass(kind, Exception):
                self._abandoned = True
            self._wait_until_idle()
        except BaseException:
            self._abandoned = True
            raise
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._thread.join()
        if kind is None:
            self.check()

    def submit(self, job: Callable[[], None]) -> None:
        """Hand over a job as soon as the one before has ended."""
        self._wait_until_idle()
        self.check()
        with self._changed:
            self._job = job
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what a job has raised."""
        if self._failure is not None:
            raise self._failure

    def go_on(self) -> None:
        """For long jobs, now and then: raises Abandoned where nobody waits for the result."""
        if self._abandoned:
            raise Abandoned

    def _wait_until_idle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._job is None)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._job is not None or self._ended)
                job = self._job
            if job is None:
                return
            try:
                job()
            except BaseException as error:  # the caller's to raise
                self._failure = error
            finally:
                del job
                with self._changed:
                    self._job = None
                    self._changed.notify_all()
