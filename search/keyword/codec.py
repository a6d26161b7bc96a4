"""A Whoosh codec over keyword parts: stock readers, searchers and matchers run on what our writer wrote.

Reading only, and nothing on disk is Whoosh's: no table of contents, no storage, no pickle. Each sub-field of the text
space is a field of its own, with positions from its own start; hidden articles are left out of every posting list.
This is the slow, complete way to evaluate a query; ``match`` and ``scoring`` are the fast ones and agree with it.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from whoosh.codec import base
from whoosh.matching import ListMatcher
from whoosh.reading import MultiReader, SegmentReader, TermInfo
from whoosh.searching import Searcher

from search.keyword import occurrences
from search.keyword.analysis import VALUE_MARK
from search.keyword.lookup import FIELDS, docs_in
from search.keyword.occurrences import Block, Part
from search.keyword.postings import FieldBm25, Postings, schema

if TYPE_CHECKING:
    from search.keyword.index import KeywordView

# Whoosh asks whether there is a term before it asks for its postings. Longer lists are looked up again.
CACHED_ROWS = 64


class ViewSegment(base.Segment):  # type: ignore[misc]
    """One segment as a view sees it."""

    def __init__(self, view: KeywordView, number: int) -> None:
        super().__init__("keyword")
        self.view = view
        self.keyword = view.index.segments[number]
        self.base = view.index.bases[number]
        self.visible = view.visible[self.base : self.base + len(self.keyword)]
        self._rows: dict[tuple[str, int], NDArray[np.int64]] = {}
        rows = len(self.keyword)
        extents = view.index.extents(number)
        every, index = np.ones(rows, bool), view.index
        self.block = Block(self.keyword, self.base, index.stride, every, 0, rows, extents, index.grids[number])

    def codec(self) -> KeywordCodec:
        """Our codec."""
        return KeywordCodec()

    def doc_count_all(self) -> int:
        """Rows, hidden ones included."""
        return len(self.keyword)

    def deleted_count(self) -> int:
        """How many rows are hidden."""
        return len(self.keyword) - int(np.count_nonzero(self.visible))

    def deleted_docs(self) -> frozenset[int]:
        """None: posting lists are already without hidden rows, and SegmentReader would copy the set for each term."""
        return frozenset()

    def is_deleted(self, docnum: int) -> bool:
        """Whether a row is hidden."""
        # InverseMatcher asks for the row after the last, too.
        return docnum < len(self.visible) and not self.visible[docnum]

    def tid(self, field: str, text: bytes) -> int:
        """The id of a term, or -1."""
        return self.keyword.find(FIELDS[field][0], text.decode("utf-8", "replace")) if field in FIELDS else -1

    def rows(self, field: str, tid: int) -> NDArray[np.int64]:
        """The visible rows that have a term in a field."""
        found = self._rows.get((field, tid))
        if found is None:
            rows = docs_in(self.keyword, tid, FIELDS[field][1])
            found = rows[self.visible[rows]]
            if len(rows) <= CACHED_ROWS:
                self._rows[field, tid] = found
        return found

    def occurrences(self, field: str, tid: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row, position in the field) of each occurrence, hidden rows included."""
        places = occurrences.phrase(self.block, [Part(tid, None)])
        column = FIELDS[field][1]
        if column is not None:
            places = occurrences.in_field(self.block, places, column, 1)
        rows = places // self.block.stride - self.base
        starts = 0 if column is None else self.keyword.field_starts[rows, column]
        return rows, places % self.block.stride - starts

    @functools.cached_property
    def lexicon(self) -> dict[str, list[tuple[bytes, int]]]:
        """The terms of each field that some visible row has, in order, with their ids. Made by looking at all."""
        found: dict[str, list[tuple[bytes, int]]] = {}
        for field in sorted(FIELDS):
            space = FIELDS[field][0]
            start = self.keyword.prefix_range(space, VALUE_MARK).stop
            tids = range(start, self.keyword.prefix_range(space, "").stop)
            found[field] = [(self.keyword.terms[tid][1:], tid) for tid in tids if len(self.rows(field, tid))]
        return found

    @functools.cached_property
    def lengths(self) -> dict[str, NDArray[np.int64]]:
        """Words of each row in each field; 0 for hidden rows."""
        found = {}
        for field, (_, column) in FIELDS.items():
            if column is not None:
                lengths = self.keyword.lengths[:, column].astype(np.int64)
            else:
                lengths = np.zeros(len(self.keyword), np.int64)
                for _, tid in self.lexicon[field]:
                    lengths[self.keyword.docs(tid)] += self.keyword.freqs(tid)
            found[field] = lengths * self.visible
        return found


class KeywordCodec(base.Codec):  # type: ignore[misc]
    """The readers of a ViewSegment. There are no writers."""

    def terms_reader(self, storage: None, segment: ViewSegment) -> Terms:
        """The term dictionary and the postings."""
        return Terms(segment)

    def per_document_reader(self, storage: None, segment: ViewSegment) -> Documents:
        """Counts and lengths."""
        return Documents(segment)


class Documents(base.PerDocumentReader):  # type: ignore[misc]
    """What Whoosh asks of documents: counts, lengths, which are hidden. Nothing is stored here."""

    def __init__(self, segment: ViewSegment) -> None:
        self._segment = segment
        self.doc_count_all = segment.doc_count_all
        self.doc_count = segment.doc_count
        self.has_deletions = segment.has_deletions
        self.is_deleted = segment.is_deleted
        self.deleted_docs = segment.deleted_docs

    def doc_field_length(self, docnum: int, fieldname: str, default: int = 0) -> int:
        """Words of a row in a field."""
        return int(self._segment.lengths[fieldname][docnum]) if fieldname in FIELDS else default

    def field_length(self, fieldname: str) -> int:
        """Words of all visible rows in a field."""
        return int(self._segment.lengths[fieldname].sum())

    def min_field_length(self, fieldname: str) -> int:
        """The fewest words of any row in a field."""
        return int(self._segment.lengths[fieldname].min(initial=0))

    def max_field_length(self, fieldname: str) -> int:
        """The most words of any row in a field."""
        return int(self._segment.lengths[fieldname].max(initial=0))

    def stored_fields(self, docnum: int) -> dict[str, Any]:
        """Nothing: articles are in the catalog."""
        return {}


class Terms(base.TermsReader):  # type: ignore[misc]
    """The term dictionary of a segment, and its postings."""

    def __init__(self, segment: ViewSegment) -> None:
        self._segment = segment

    def _rows(self, term: tuple[str, bytes]) -> NDArray[np.int64]:
        tid = self._segment.tid(*term)
        return self._segment.rows(term[0], tid) if tid >= 0 else np.empty(0, np.int64)

    def __contains__(self, term: tuple[str, bytes]) -> bool:
        return len(self._rows(term)) > 0

    def cursor(self, fieldname: str, fieldobj: Any) -> Cursor:
        """A cursor over a field's terms."""
        return Cursor(self._segment.lexicon[fieldname], functools.partial(self.term_info, fieldname))

    def terms(self) -> Iterator[tuple[str, bytes]]:
        """(field, term) of all, sorted."""
        for field, found in self._segment.lexicon.items():
            for text, _ in found:
                yield field, text

    def terms_from(self, fieldname: str, prefix: bytes) -> Iterator[tuple[str, bytes]]:
        """(field, term) of all from this one on, sorted."""
        return (term for term in self.terms() if term >= (fieldname, prefix))

    def items(self) -> Iterator[tuple[tuple[str, bytes], Any]]:
        """All terms with their statistics."""
        return ((term, self.term_info(*term)) for term in self.terms())

    def items_from(self, fieldname: str, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], Any]]:
        """Terms from this one on, with their statistics."""
        return ((term, self.term_info(*term)) for term in self.terms_from(fieldname, prefix))

    def term_info(self, fieldname: str, text: bytes) -> Any:
        """Statistics of a term, a new object each time: MultiReader changes what it is given. KeyError if unknown."""
        matcher = self.matcher(fieldname, text, None)
        if not matcher.is_active():
            raise KeyError((fieldname, text))
        rows, weights = matcher.rows, matcher.weights
        lengths = self._segment.lengths[fieldname][rows]
        return TermInfo(
            float(weights.sum()), len(rows), int(lengths.min()), int(lengths.max()), float(weights.max()),
            int(rows[0]), int(rows[-1]),
        )  # fmt: skip

    def doc_frequency(self, fieldname: str, text: bytes) -> int:
        """In how many visible rows a field has the term."""
        return len(self._rows((fieldname, text)))

    def frequency(self, fieldname: str, text: bytes) -> float:
        """How often the term occurs in the field in visible rows."""
        return float(self.term_info(fieldname, text).weight())

    def matcher(self, fieldname: str, text: bytes, format_: Any, scorer: Any = None) -> Postings:
        """The postings of a term, at their start."""
        return Postings(self._segment, fieldname, text, scorer)

    def indexed_field_names(self) -> list[str]:
        """The fields that have terms."""
        return [field for field, found in self._segment.lexicon.items() if found]


class Cursor(base.FieldCursor):  # type: ignore[misc]
    """A place in a field's sorted terms. Whoosh's automata ask for text, its MultiCursor for terms."""

    def __init__(self, terms: list[tuple[bytes, int]], info: Any) -> None:
        self._terms = [text.decode("utf-8", "replace") for text, _ in terms]
        self._info = info
        self._at = 0

    def is_valid(self) -> bool:
        """Whether there is a term here."""
        return self._at < len(self._terms)

    def text(self) -> str | None:
        """The term here, or None past the end."""
        return self._terms[self._at] if self.is_valid() else None

    term = text

    def first(self) -> str | None:
        """Go to the first term."""
        self._at = 0
        return self.text()

    def find(self, string: str | bytes) -> str | None:
        """Go to the first term at or after this one."""
        wanted = string.decode("utf-8", "replace") if isinstance(string, bytes) else string
        self._at = bisect.bisect_left(self._terms, wanted)
        return self.text()

    def next(self) -> str | None:
        """Go to the next term."""
        self._at += 1
        return self.text()

    def term_info(self) -> Any:
        """Statistics of the term here."""
        return self._info(self._terms[self._at].encode())


def searcher(view: KeywordView) -> Searcher:
    """A stock Whoosh searcher over a view; its document numbers are ordinals."""
    segments = range(len(view.index.segments))
    readers = [SegmentReader(None, schema(), ViewSegment(view, number)) for number in segments]
    whole = readers[0] if len(readers) == 1 else MultiReader(readers)
    whole.schema = schema()
    return Searcher(whole, weighting=FieldBm25(view.index.settings))


def node_matcher(node: Any, searcher: Searcher) -> Any:
    """A matcher over what ``KeywordView.match`` finds for one of our nodes, for a searcher that ``searcher`` made."""
    reader = searcher.reader()
    leaves = reader.leaf_readers() if not reader.is_atomic() else [(reader, 0)]
    rows: list[int] = []
    for leaf, offset in leaves:
        segment = leaf.segment()
        found = segment.view.match(node)[segment.base : segment.base + len(segment.keyword)]
        rows += (np.flatnonzero(found) + offset).tolist()
    return ListMatcher(rows, all_weights=1.0)
