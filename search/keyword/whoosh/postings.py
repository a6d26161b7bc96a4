"""What stock Whoosh reads of a term: its postings as a matcher, and our BM25 as a weighting."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from whoosh.matching import LeafMatcher, NullMatcher, ReadTooFar
from whoosh.query.spans import Span
from whoosh.scoring import WeightingModel, WeightLengthScorer

from search.keyword.settings import Bm25Settings
from search.keyword.whoosh.schema import schema


class Source(Protocol):
    """Where postings come from: a segment as a view sees it."""

    visible: NDArray[np.bool_]

    def lengths(self, field: str) -> NDArray[np.int64]:
        """Words of each row in a field; 0 for hidden rows."""

    def rows(self, field: str, text: bytes) -> NDArray[np.int64]:
        """The visible rows that have a term in a field."""

    def occurrences(self, field: str, text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row, position in the field) of each occurrence, hidden rows included."""


class Postings(LeafMatcher):  # type: ignore[misc]
    """The visible rows that have a term in a field, with weights (frequencies) and positions."""

    def __init__(self, segment: Source, field: str, text: bytes, scorer: Any, at: int = 0) -> None:
        self._segment, self._field, self._text = segment, field, text
        self._term = (field, text)
        self._at = at
        self.scorer = scorer
        self.format = schema()[field].format
        self.rows = segment.rows(field, text)
        self._ids: list[int] = self.rows.tolist()

    @functools.cached_property
    def _occurrences(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, places = self._segment.occurrences(self._field, self._text)
        kept = self._segment.visible[rows]
        rows, places = rows[kept], places[kept]
        return np.append(rows.searchsorted(self.rows), len(rows)), places

    @functools.cached_property
    def _lists(self) -> tuple[list[int], list[int]]:
        """The same as plain numbers, for spans one by one."""
        starts, places = self._occurrences
        return starts.tolist(), places.tolist()

    @functools.cached_property
    def weights(self) -> NDArray[np.int64]:
        """int64: the frequency in each row."""
        return np.diff(self._occurrences[0])

    def is_active(self) -> bool:
        """Whether there is a row here."""
        return self._at < len(self._ids)

    def reset(self) -> None:
        """Go to the first row."""
        self._at = 0

    def copy(self) -> Postings:
        """The same place in the same postings."""
        return Postings(self._segment, self._field, self._text, self.scorer, self._at)

    def replace(self, minquality: float = 0) -> Any:
        """A null matcher where nothing here can reach ``minquality``."""
        if not self.is_active() or (minquality and self.supports_block_quality() and self.max_quality() < minquality):
            return NullMatcher()
        return self

    def id(self) -> int:
        """The row here."""
        if not self.is_active():
            raise ReadTooFar
        return self._ids[self._at]

    def next(self) -> None:
        """Go to the next row."""
        if not self.is_active():
            raise ReadTooFar
        self._at += 1

    def skip_to(self, id: int) -> None:
        """Go to the first row at or after this one."""
        if not self.is_active():
            raise ReadTooFar
        self._at = max(self._at, int(self.rows.searchsorted(id)))

    def all_ids(self) -> Iterator[int]:
        """The rows from here on."""
        return iter(self._ids[self._at :])

    def weight(self) -> float:
        """How often the term occurs in the row here."""
        return float(self.weights[self._at])

    def value(self) -> bytes:
        """The positions in the row here, as the format decodes them."""
        starts, places = self._occurrences
        return places[starts[self._at] : starts[self._at + 1]].astype("<u4").tobytes()

    def spans(self) -> list[Any]:
        """The positions in the row here as Whoosh's spans."""
        starts, places = self._lists
        return [Span(place) for place in places[starts[self._at] : starts[self._at + 1]]]

    def block_min_length(self) -> int:
        """The least length of any row here: all rows are one block."""
        return int(self._segment.lengths(self._field)[self.rows].min())

    def block_max_length(self) -> int:
        """The greatest length of any row here."""
        return int(self._segment.lengths(self._field)[self.rows].max())

    def block_max_weight(self) -> float:
        """The greatest frequency."""
        return float(self.weights.max())

    def skip_to_quality(self, minquality: float) -> int:
        """Leave the one block if it cannot be better than this."""
        if self.block_quality() > minquality:
            return 0
        self._at = len(self._ids)
        return 1


class FieldBm25(WeightingModel):  # type: ignore[misc]
    """Our BM25 of one field as a Whoosh weighting: exact lengths, Lucene's idf, statistics of visible articles."""

    def __init__(self, settings: Bm25Settings) -> None:
        self.settings = settings

    def idf(self, searcher: Any, fieldname: str, text: bytes) -> float:
        """ln(1 + (N - df + 0.5) / (df + 0.5))."""
        parent = searcher.get_parent()
        df = parent.doc_frequency(fieldname, text)
        return math.log(1 + (parent.doc_count() - df + 0.5) / (df + 0.5))

    def scorer(self, searcher: Any, fieldname: str, text: bytes, qf: int = 1) -> Any:
        """A scorer of one term."""
        return FieldScorer(searcher, fieldname, text, self, qf)


class FieldScorer(WeightLengthScorer):  # type: ignore[misc]
    """Scores of one term in one field."""

    def __init__(self, searcher: Any, fieldname: str, text: bytes, model: FieldBm25, qf: int) -> None:
        parent = searcher.get_parent()
        self._idf = model.idf(searcher, fieldname, text) * qf
        self._k1, self._b = model.settings.k1, model.settings.b
        self._average = parent.field_length(fieldname) / (parent.doc_count() or 1) or 1.0
        self.setup(searcher, fieldname, text)

    def _score(self, weight: float, length: float) -> float:
        return self._idf * weight / (weight + self._k1 * (1 - self._b + self._b * length / self._average))
