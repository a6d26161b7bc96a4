"""What answers: an open archive, asked in a bounded number of threads, each answer within a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from search.archive import Archive
from search.deadline import Deadline
from search.errors import ArchiveDamaged, ArchiveNotFound, ArchiveReplaced, ServerBusy, ServerError
from search.records import Counts
from search.records.numbers import counted

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to serve. ``hosts`` None: by any name. ``threads`` calls run at once and ``waiting`` wait for one of them.
    ``timeout`` is in seconds, ``largest_body`` in bytes; ``rerank`` names the cross-encoder that clients may ask for;
    ``url_template`` gives articles without an address one, for assistants."""

    folder: Path
    hosts: Sequence[str] | None = None
    token: str | None = None
    origins: Sequence[str] = ()
    threads: int = 2
    waiting: int = 64
    timeout: float = 10.0
    largest_body: int = 1 << 20
    rerank: str | None = None
    url_template: str | None = None


class Desk:
    """An open archive and the threads that ask it. One that is open already needs no start, and its owner closes it."""

    def __init__(self, settings: Settings, archive: Archive | None = None) -> None:
        self.settings = settings
        self.name = settings.folder.resolve().name
        self._archive = archive
        self._given = archive is not None
        self._threads = ThreadPoolExecutor(settings.threads, "query")
        self._calls = 0  # that run or wait
        self._lock = threading.Lock()

    @property
    def archive(self) -> Archive:
        """The archive. Raises ServerError before the start and after the end."""
        if self._archive is None:
            raise ServerError("the server has not started")
        return self._archive

    def start(self, *, warm: bool = True) -> None:
        """Open the archive and, if ``warm``, load what the first query needs. Raises what opening and searching
        raise."""
        archive = Archive.open(self.settings.folder)
        try:
            in_agreement(archive)
            if warm:
                archive.search("start", limit=1)
        except BaseException:
            archive.close()
            raise
        self._archive = archive

    def stop(self) -> None:
        """Close the archive, unless a query that nobody waits for is still at work in it."""
        archive, self._archive = self._archive, None
        self._threads.shutdown(wait=False, cancel_futures=True)
        if archive is not None and not self._given and not self._calls:
            archive.close()

    async def answer(self, call: Callable[[Archive], Answer]) -> Answer:
        """What the call makes of the archive, in a thread. Raises ServerBusy at once where too many wait, and
        QueryTimeout where it takes too long.

        The call's work ends then as well, and where the task is cancelled, at the engine's next check of its deadline:
        until then it keeps its thread, and its place is given to nobody. One that still waits for a thread leaves with
        who waited for it.
        """
        _ = self.archive
        with self._lock:
            if self._calls >= self.settings.threads + self.settings.waiting:
                raise ServerBusy("the server has as many requests as it takes; try again in a moment")
            self._calls += 1
        deadline = Deadline(self.settings.timeout)
        work = self._threads.submit(self._ask, call, deadline)
        work.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(self.settings.timeout) as clock:
                return await asyncio.wrap_future(work)  # given up with it, unless it runs
        except TimeoutError:
            if not clock.expired():
                raise
            raise deadline.passed() from None
        except asyncio.CancelledError:  # who asked has gone away
            deadline.end()
            raise

    def _ended(self, _: Future[Any]) -> None:
        with self._lock:
            self._calls -= 1

    def _ask(self, call: Callable[[Archive], Answer], deadline: Deadline) -> Answer:
        archive = self.archive
        with deadline:
            try:
                return call(archive)
            except (ArchiveNotFound, ArchiveReplaced):
                return call(self._reopened(archive))

    def _reopened(self, stale: Archive) -> Archive:
        """The archive that lies in the folder now. The stale one closes when the last query leaves it."""
        with self._lock:
            if self._archive is stale:
                self._archive, self._given = Archive.open(self.settings.folder), False
            return self.archive


def in_agreement(archive: Archive) -> Counts:
    """How many articles catalog, words and vectors have. Raises ArchiveDamaged where these are not the same."""
    counts = archive.counts()
    if not counts.agree:
        vectors = "" if counts.vectors is None else f", its vectors {counts.vectors:,}"
        raise ArchiveDamaged(
            f"the archive is not served: its catalog has {counted(counts.catalog, 'article')}, its index of words "
            f"{counts.keyword:,}{vectors}; 'broadsheet doctor --repair' makes them agree"
        )
    return counts
