"""What is read by whoever answers conditions: an index, and which of its articles a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import Analysis
from search.keyword.match.grid import Grid
from search.keyword.part.layout import KeywordSegment
from search.keyword.settings import Bm25Settings
from search.keyword.tree import Node

Mask = NDArray[np.bool_]
Ordinals = NDArray[np.int64]


class Columns(Protocol):
    """What the keyword leg reads of a snapshot's columns, over ordinals."""

    @property
    def published(self) -> NDArray[np.int64]:
        """int64[N]: microseconds since the Unix epoch in UTC; the least int64 where missing."""

    @property
    def day(self) -> NDArray[np.int32]:
        """int32[N]: proleptic ordinal of the article's own local day; 0 where missing."""

    def find(self, ids: Sequence[str]) -> Ordinals:
        """The ordinals of all rows with one of these ids."""

    def texts(self, name: str, start: int, stop: int) -> list[str]:
        """The id, or the source, section, agency or language, of each of the ordinals from ``start`` to ``stop``,
        which are those of one segment."""


class Index(Protocol):
    """The keyword parts of a snapshot: see ``KeywordIndex``."""

    segments: list[KeywordSegment]
    bases: list[int]
    columns: Columns
    settings: Bm25Settings
    analysis: Analysis

    def __len__(self) -> int: ...

    @property
    def stride(self) -> int:
        """Places for each article: see ``occurrences``."""

    @property
    def grids(self) -> list[Grid]:
        """The addresses of words, for each segment."""

    def extents(self, number: int) -> NDArray[np.int64]:
        """int64[n]: one past the greatest position of each row of a segment."""


class View(Protocol):
    """An index as a reader sees it: see ``KeywordView``."""

    @property
    def index(self) -> Index:
        """All articles, hidden ones included."""

    @property
    def visible(self) -> Mask:
        """bool[N]: the articles that the reader sees."""

    @property
    def searcher(self) -> Any:
        """A stock Whoosh searcher over them."""

    @property
    def whoosh_segments(self) -> list[Any]:
        """The segments as Whoosh reads them."""

    def match(self, tree: Node) -> Mask:
        """bool[N]: the visible articles that satisfy a tree."""
