"""What answers: an open archive, and the pool of threads that asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from search.archive import Archive
from search.errors import ServerError
from search.serve.pool import QueryPool

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to serve. ``hosts`` None: by any name. ``timeout`` is in seconds, ``largest_body`` in bytes; ``rerank`` names
    the cross-encoder that clients may ask for."""

    folder: Path
    hosts: Sequence[str] | None
    token: str | None = None
    origins: Sequence[str] = ()
    threads: int = 2
    waiting: int = 64
    timeout: float = 10.0
    largest_body: int = 1 << 20
    rerank: str | None = None


class Desk:
    """An open archive and the pool that asks it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.folder.resolve().name
        self._archive: Archive | None = None
        self._pool: QueryPool | None = None

    @property
    def archive(self) -> Archive:
        """The archive. Raises ServerError before the start and after the end."""
        if self._archive is None:
            raise ServerError("the server has not started")
        return self._archive

    def start(self) -> None:
        """Open the archive and load what the first query needs. Raises what opening and searching raise."""
        archive = Archive.open(self.settings.folder)
        try:
            archive.search("start", limit=1)
        except BaseException:
            archive.close()
            raise
        self._archive = archive
        self._pool = QueryPool(self.settings.threads, self.settings.waiting, self.settings.timeout)

    def stop(self) -> None:
        """Close the archive, unless a query that nobody waits for is still at work in it."""
        archive, pool = self._archive, self._pool
        self._archive = self._pool = None
        if pool is not None:
            pool.close()
        if archive is not None and (pool is None or pool.idle):
            archive.close()

    async def answer(self, call: Callable[[Archive], Answer]) -> Answer:
        """What the call makes of the archive, in a thread of the pool."""
        archive = self.archive
        assert self._pool is not None
        return await self._pool.run(lambda: call(archive))
