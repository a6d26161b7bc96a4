"""A stock Whoosh searcher over what a reader of an archive sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from whoosh.reading import MultiReader, SegmentReader
from whoosh.searching import Searcher

from search.keyword.match.view import View
from search.keyword.whoosh.codec import Stored, ViewSegment
from search.keyword.whoosh.postings import FieldBm25
from search.keyword.whoosh.schema import schema


def segments(view: View) -> list[ViewSegment]:
    """The segments of a view as Whoosh reads them."""
    return [ViewSegment(view, number) for number in range(len(view.index.segments))]


def searcher(view: View, fields: Callable[[int], Mapping[str, Any]] | None = None) -> Searcher:
    """A stock Whoosh searcher over a view; its document numbers are ordinals. ``fields`` gives the stored fields of an
    ordinal (None: it has none)."""
    stored = None if fields is None else Stored(fields)
    fields_of = schema(view.index.analysis)
    readers = [SegmentReader(stored, fields_of, segment) for segment in view.whoosh_segments]
    whole = readers[0] if len(readers) == 1 else MultiReader(readers)
    whole.schema = fields_of
    return Searcher(whole, weighting=FieldBm25(view.index.settings))
