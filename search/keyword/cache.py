"""What was asked for last, kept in memory up to a number of bytes."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how many bytes it holds."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""


Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept", bound=Sized)


class Cache(Generic[Key, Kept]):
    """The things asked for last, ``limit`` bytes of them. Threads may share it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[Key, Kept] = {}
        self._lock = threading.Lock()
        self.nbytes = 0

    def get(self, key: Key) -> Kept | None:
        """What was kept by this key, if it still is."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is not None:
                self._kept[key] = found  # now the latest
        return found

    def keep(self, key: Key, value: Kept) -> Kept:
        """Keep a value, at the cost of those not asked for longest, unless it would take half the room; returns it."""
        with self._lock:
            if key not in self._kept and value.nbytes <= self._limit // 2:
                self.nbytes += value.nbytes
                while self.nbytes > self._limit:
                    self.nbytes -= self._kept.pop(next(iter(self._kept))).nbytes
                self._kept[key] = value
        return value
