"""``ingest.read`` without where each article stood, for tests that are about something else."""

from __future__ import annotations

from dataclasses import replace

from search import ingest
from search.records import Article


class Reader:
    """A reading whose articles have no ``file`` and ``place`` in ``extra``."""

    def __init__(self, reading):
        self._reading = reading

    def __iter__(self):
        return self

    def __next__(self):
        return placeless(next(self._reading))

    def __getattr__(self, name):
        return getattr(self._reading, name)


def placeless(item):
    if not isinstance(item, Article):
        return item
    return replace(item, extra={name: value for name, value in item.extra.items() if name not in ("file", "place")})


def read(paths, **options):
    return Reader(ingest.read(paths, **options))
