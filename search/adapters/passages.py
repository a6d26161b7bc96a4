"""What the adapters share: an archive that is opened when it is first asked, and passages with their metadata."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.archive import Archive
from search.declarations import settings, values
from search.engine import lenient
from search.engine.request import Request
from search.errors import UsageError
from search.records import Article, Condition, Filters, Hit, Passage, Results

Conditions = Filters | Condition
"""Filters as values, or a tree of comparisons."""
_NO_METADATA = ("snippet", "highlights", "passages", "explain")  # of a hit


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, its article's hit, what is to be said of the whole answer, and what a framework keeps beside the
    text."""

    hit: Hit
    passage: Passage
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same stretch of the same article."""
        return f"{self.article.id}#{self.passage.start}-{self.passage.end}"

    @property
    def article(self) -> Article:
        """The passage's article."""
        return self.hit.article

    def metadata(self) -> dict[str, Any]:
        """Plain values: ``article.text[start:end]`` is the passage's text. ``score`` is the article's in the ranking,
        ``cosine`` the passage's own, or None where it was not measured; ``notes`` say how the question was read, the
        same for all passages of an answer."""
        hit = values(self.hit, _NO_METADATA)
        passage = values(self.passage, ("text",))
        return {
            "article_id": hit.pop("id"),
            **hit,
            "cosine": passage.pop("score"),
            **passage,
            "notes": list(self.notes),
        }


_OTHERWISE = {"limit", "offset", "cursor", "explain", *(one.name for one in settings(Filters))}
SETTINGS = tuple(one for one in settings(Request) if one.name not in _OTHERWISE)
"""The settings of a search that an adapter takes by their own names. Filters it takes as one, ``limit`` by the
framework's name for it; what counts hits or explains them has no place among passages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """How an archive is asked: for ``limit`` passages under these ``filters`` and ``SETTINGS``."""

    limit: int = 4
    filters: Conditions | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [one.name for one in SETTINGS]
        for name in self.settings:
            if name not in known:
                raise UsageError(f"there is no setting {name!r}; use one of {', '.join(known)}")

    def override(self, limit: int | None, filters: Conditions | None, given: Mapping[str, Any]) -> Retrieval:
        """The same with what one call says otherwise; None leaves as it is."""
        said = {name: value for name, value in given.items() if value is not None}
        return Retrieval(
            limit=self.limit if limit is None else limit,
            filters=self.filters if filters is None else filters,
            settings={**self.settings, **said},
        )

    def search(self, query: str) -> tuple[str, dict[str, Any]]:
        """The arguments of ``Archive.search``. Raises UsageError and QueryError for what cannot be asked."""
        asked = {one.name: one.default for one in SETTINGS} | dict(self.settings)
        if asked["passages"] < 1:
            raise UsageError(f"passages must be 1 or more, not {asked['passages']}")
        filters = self.filters
        if filters is not None and not isinstance(filters, Filters):
            filters = Filters(conditions=filters)
        return query, asked | {"limit": self.limit, "filters": filters}


class Source:
    """An archive by its path, opened at the first question; or an open one, which its owner closes.

    Pickling keeps the path: the copy opens the archive for itself.
    """

    def __init__(self, archive: Archive | str | Path, model: str | None = None) -> None:
        self._open = archive if isinstance(archive, Archive) else None
        self.path = str(archive.path if isinstance(archive, Archive) else archive)
        self.model = model
        self._lock = threading.Lock()

    def archive(self) -> Archive:
        """The open archive. Raises ArchiveError where there is none."""
        with self._lock:
            if self._open is None:
                self._open = Archive.open(self.path, model=self.model)
            return self._open

    def find(self, query: str, retrieval: Retrieval) -> list[Found]:
        """The best passages, those of the best article first."""
        text, settings = retrieval.search(query)
        return _passages(lenient.search(self.archive().search, text, **settings), retrieval.limit)

    async def afind(self, query: str, retrieval: Retrieval) -> list[Found]:
        """The same without blocking the event loop."""
        text, settings = retrieval.search(query)
        return _passages(await lenient.asearch(self.archive().asearch, text, **settings), retrieval.limit)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"], state["model"])  # type: ignore[misc]

    def __deepcopy__(self, memo: Any) -> Source:
        return self  # frameworks copy their components; an open archive is shared by threads anyway


def _passages(results: Results, limit: int) -> list[Found]:
    return [Found(hit, passage, results.notes) for hit in results for passage in hit.passages][:limit]
