"""A Whoosh codec over keyword parts: stock readers, searchers and matchers run on what our writer wrote.

Reading only, and nothing on disk is Whoosh's: no table of contents, no storage, no pickle. Each sub-field of the text
space is a field of its own, with positions from its own start; hidden articles are left out of every posting list.
This is the slow, complete way to evaluate a query; ``match`` and ``rank`` are the fast ones and agree with it.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.codec import base
from whoosh.reading import TermInfo

from search.keyword.analysis import SUBFIELDS, TEXT_SPACE, VALUE_MARK
from search.keyword.match import occurrences
from search.keyword.match.lookup import FIELDS, docs_in
from search.keyword.match.occurrences import Block
from search.keyword.match.places import Part
from search.keyword.match.view import View
from search.keyword.part.packing import term_key
from search.keyword.whoosh.numbers import EPOCH, LATEST, Numbers, Values
from search.keyword.whoosh.postings import Postings
from search.keyword.whoosh.schema import COLUMNS, schema
from search.storage.columns import MISSING_INSTANT

# Whoosh asks whether there is a term before it asks for its postings. Longer lists are looked up again.
CACHED_ROWS = 64
_POSTINGS = 1 << 22  # that are looked at at once
NUMBERS = ("published", "length")
INDEXED = sorted((*FIELDS, *NUMBERS, "id"))
TEXT = SUBFIELDS.index("text")


class ViewSegment(base.Segment):  # type: ignore[misc]
    """One segment as a view sees it."""

    def __init__(self, view: View, number: int) -> None:
        super().__init__("keyword")
        self.view = view
        self.number = number
        self.keyword = view.index.segments[number]
        self.base = view.index.bases[number]
        self.visible = view.visible[self.base : self.base + len(self.keyword)]
        self._rows: dict[tuple[str, bytes], NDArray[np.int64]] = {}
        self._having: dict[str, NDArray[np.bool_]] = {}
        self._lexicons: dict[str, list[str]] = {}
        self._lengths: dict[str, NDArray[np.int64]] = {}
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

    # Terms.

    def rows(self, field: str, text: bytes) -> NDArray[np.int64]:
        """The visible rows that have a term in a field."""
        rows = self._rows.get((field, text))
        if rows is None:
            rows = self._all_rows(field, text)
            rows = rows[self.visible[rows]]
            if len(rows) <= CACHED_ROWS:
                self._rows[field, text] = rows
        return rows

    def _all_rows(self, field: str, text: bytes) -> NDArray[np.int64]:
        if field in NUMBERS:
            return self.numbers[field].rows(text)
        if field == "id":
            rows: NDArray[np.int64] = self.view.index.columns.find([text.decode("utf-8", "replace")]) - self.base
            return rows[(rows >= 0) & (rows < len(self.keyword))]
        tid = self._tid(field, text)
        return docs_in(self.keyword, tid, FIELDS[field][1]) if tid >= 0 else np.empty(0, np.int64)

    def _tid(self, field: str, text: bytes) -> int:
        """The id of a term, or -1."""
        return self.keyword.find(FIELDS[field][0], text.decode("utf-8", "replace")) if field in FIELDS else -1

    def rows_with(self, field: str) -> NDArray[np.int64]:
        """The visible rows that have any term in a field."""
        if field in NUMBERS or field == "id":
            having = self.visible & self.dated if field == "published" else self.visible
            return np.flatnonzero(having)
        return np.flatnonzero(self.lengths(field)) if field in FIELDS else np.empty(0, np.int64)

    def occurrences(self, field: str, text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row, position in the field) of each occurrence, hidden rows included."""
        if field not in FIELDS:
            rows = self._all_rows(field, text)
            return rows, np.zeros(len(rows), np.int64)
        places = occurrences.phrase(self.block, [Part(self._tid(field, text), None)])
        column = FIELDS[field][1]
        if column is not None:
            places = occurrences.in_field(self.block, places, column, 1)
        rows = places // self.block.stride - self.base
        starts = 0 if column is None else self.keyword.field_starts[rows, column]
        return rows, places % self.block.stride - starts

    def terms_from(self, field: str, text: bytes) -> Iterator[bytes]:
        """The terms of a field from this one on that some visible row has, sorted."""
        if field in NUMBERS:
            yield from (term for term in self.numbers[field].terms_from(text) if len(self.rows(field, term)))
        elif field == "id":
            yield from self.ids[bisect.bisect_left(self.ids, text) :]
        elif field in FIELDS:
            terms = self._terms(field)
            first = max(self.keyword.terms.lower_bound(term_key(FIELDS[field][0], "") + text), terms.start)
            for tid in np.flatnonzero(self._seen(field)[first - terms.start :]).tolist():
                yield self.keyword.terms[first + tid][1:]

    def lexicon(self, field: str) -> list[str]:
        """All terms of a field that some visible row has, sorted as bytes."""
        if field not in self._lexicons:
            self._lexicons[field] = [term.decode("utf-8", "replace") for term in self.terms_from(field, b"")]
        return self._lexicons[field]

    def _terms(self, field: str) -> range:
        """The ids of the terms of a field's space, whole values aside."""
        space = FIELDS[field][0]
        return range(self.keyword.prefix_range(space, VALUE_MARK).stop, self.keyword.prefix_range(space, "").stop)

    def _seen(self, field: str) -> NDArray[np.bool_]:
        """Which of the terms of a field's space some visible row has in the field."""
        if field not in self._having:
            pieces = [np.empty(0, np.bool_)]
            for starts, docs, frequencies in self._postings(field):
                owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
                seen = (frequencies > 0) & self.visible[docs]
                pieces.append(np.bincount(owners[seen], minlength=len(starts) - 1) > 0)
            self._having[field] = np.concatenate(pieces)
        return self._having[field]

    def _postings(self, field: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]]:
        """The postings of a field's terms, some terms at a time: where each term's start and the last one's end, the
        row of each posting, and how often the row has the term in the field."""
        terms, part, column = self._terms(field), self.keyword.part, FIELDS[field][1]
        low = terms.start
        while low < terms.stop:
            all_starts = part["posting_starts"]
            high = int(all_starts.searchsorted(all_starts[low] + _POSTINGS, "right")) - 1
            high = min(max(high, low + 1), terms.stop)
            starts = all_starts[low : high + 1].astype(np.int64)
            frequencies = self.keyword.freqs_between(int(starts[0]), int(starts[-1])).astype(np.int64)
            starts -= starts[0]
            if column is not None:
                minor_starts = part["minor_starts"][low : high + 1].astype(np.int64)
                run = slice(minor_starts[0], minor_starts[-1])
                fields, counts = part["minor_fields"][run], part["minor_freqs"][run]
                postings = np.repeat(starts[:-1], np.diff(minor_starts)) + part["minor_postings"][run]
                if column < TEXT:  # what lies outside the text is told apart; the rest lies in the text
                    postings, counts = postings[fields == column], counts[fields == column]
                    frequencies[:] = 0
                    frequencies += np.bincount(postings, counts, len(frequencies)).astype(np.int64)
                else:
                    frequencies -= np.bincount(postings, counts, len(frequencies)).astype(np.int64)
            yield starts, self.keyword.docs_between(low, high), frequencies
            low = high

    # Documents.

    def lengths(self, field: str) -> NDArray[np.int64]:
        """Words of each row in a field; 0 for hidden rows. A field that is one value has one."""
        if field not in self._lengths:
            column = FIELDS.get(field, (TEXT_SPACE, None))[1]
            if field not in FIELDS:
                lengths = np.ones(len(self.keyword), np.int64)
            elif column is not None:
                lengths = self.keyword.lengths[:, column].astype(np.int64)
            else:
                lengths = np.zeros(len(self.keyword), np.int64)
                for _, docs, frequencies in self._postings(field):
                    lengths += np.bincount(docs, frequencies, len(lengths)).astype(np.int64)
            self._lengths[field] = lengths * self.visible
        return self._lengths[field]

    @functools.cached_property
    def ids(self) -> list[bytes]:
        """The ids of the visible rows, sorted."""
        return sorted(text.encode() for text, seen in zip(self.texts("id"), self.visible.tolist(), strict=True) if seen)

    @functools.cached_property
    def numbers(self) -> dict[str, Numbers]:
        """``published`` and ``length`` as Whoosh's numeric fields have them."""
        return {
            "published": Numbers(schema()["published"], self.published, self.visible & self.dated),
            "length": Numbers(schema()["length"], self.keyword.lengths[:, TEXT].astype(np.int64), self.visible),
        }

    @property
    def dated(self) -> NDArray[np.bool_]:
        """Which rows have a date."""
        published = self.view.index.columns.published[self.base : self.base + len(self.keyword)]
        dated: NDArray[np.bool_] = published != MISSING_INSTANT
        return dated

    @functools.cached_property
    def published(self) -> NDArray[np.int64]:
        """Microseconds since the year 1 of each row, as Whoosh has dates; LATEST where there is none."""
        published = self.view.index.columns.published[self.base : self.base + len(self.keyword)]
        instants: NDArray[np.int64] = np.where(self.dated, published + EPOCH, LATEST)
        return instants

    def texts(self, name: str) -> list[str]:
        """The id, or the whole value of one of COLUMNS, of each row."""
        return self.view.index.columns.texts(name, self.base, self.base + len(self.keyword))

    def column(self, field: str) -> Values:
        """A column as Whoosh's facets read it."""
        if field == "published":
            values = self.published.tolist()
        elif field == "length":
            values = [schema()["length"].to_column_value(length) for length in self.keyword.lengths[:, TEXT].tolist()]
        else:
            values = [text.encode() for text in self.texts(field)]
        return Values(values)


@dataclass(frozen=True, slots=True)
class Stored:
    """Where Whoosh gets what it calls stored fields: ``fields`` gives those of an ordinal."""

    fields: Callable[[int], Mapping[str, Any]]

    def close(self) -> None:
        """Whoosh closes what it reads from; there is nothing to close here."""


class KeywordCodec(base.Codec):  # type: ignore[misc]
    """The readers of a ViewSegment. There are no writers."""

    def terms_reader(self, storage: Stored | None, segment: ViewSegment) -> Terms:
        """The term dictionary and the postings."""
        return Terms(segment)

    def per_document_reader(self, storage: Stored | None, segment: ViewSegment) -> Documents:
        """Counts, lengths, columns and stored fields."""
        return Documents(segment, storage)


class Documents(base.PerDocumentReader):  # type: ignore[misc]
    """What Whoosh asks of documents: counts, lengths, columns, which are hidden, and what ``stored`` gives of them."""

    def __init__(self, segment: ViewSegment, stored: Stored | None) -> None:
        self._segment, self._stored = segment, stored
        self.doc_count_all = segment.doc_count_all
        self.doc_count = segment.doc_count
        self.has_deletions = segment.has_deletions
        self.is_deleted = segment.is_deleted
        self.deleted_docs = segment.deleted_docs

    def doc_field_length(self, docnum: int, fieldname: str, default: int = 0) -> int:
        """Words of a row in a field."""
        return int(self._segment.lengths(fieldname)[docnum]) if fieldname in FIELDS else default

    def field_length(self, fieldname: str) -> int:
        """Words of all visible rows in a field."""
        return int(self._segment.lengths(fieldname).sum()) if fieldname in FIELDS else 0

    def min_field_length(self, fieldname: str) -> int:
        """The fewest words of any row in a field."""
        return int(self._segment.lengths(fieldname).min(initial=0)) if fieldname in FIELDS else 0

    def max_field_length(self, fieldname: str) -> int:
        """The most words of any row in a field."""
        return int(self._segment.lengths(fieldname).max(initial=0)) if fieldname in FIELDS else 0

    def stored_fields(self, docnum: int) -> Mapping[str, Any]:
        """The article's fields, from where the searcher was told to look; empty where it was not."""
        return {} if self._stored is None else self._stored.fields(self._segment.base + docnum)

    def has_vector(self, docnum: int, fieldname: str) -> bool:
        """Whether term vectors are kept: no, the text is analysed again."""
        return False

    def supports_columns(self) -> bool:
        """Whether there are columns: yes."""
        return True

    def has_column(self, fieldname: str) -> bool:
        """Whether a field is a column."""
        return fieldname in (*COLUMNS, *NUMBERS, "id")

    def list_columns(self) -> tuple[str, ...]:
        """The fields that are columns."""
        return (*COLUMNS, *NUMBERS, "id")

    def column_reader(self, fieldname: str, column: Any) -> Values:
        """A column over the rows of the segment, hidden ones included."""
        return self._segment.column(fieldname)


class Terms(base.TermsReader):  # type: ignore[misc]
    """The term dictionary of a segment, and its postings."""

    def __init__(self, segment: ViewSegment) -> None:
        self._segment = segment

    def __contains__(self, term: tuple[str, bytes]) -> bool:
        return len(self._segment.rows(*term)) > 0

    def cursor(self, fieldname: str, fieldobj: Any) -> Cursor:
        """A cursor over a field's terms."""
        return Cursor(self._segment.lexicon(fieldname), functools.partial(self.term_info, fieldname))

    def terms(self) -> Iterator[tuple[str, bytes]]:
        """(field, term) of all, sorted."""
        return ((field, text) for field in INDEXED for text in self._segment.terms_from(field, b""))

    def terms_from(self, fieldname: str, prefix: bytes) -> Iterator[tuple[str, bytes]]:
        """(field, term) of all from this one on, sorted."""
        for field in INDEXED:
            if field >= fieldname:
                start = prefix if field == fieldname else b""
                yield from ((field, text) for text in self._segment.terms_from(field, start))

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
        lengths = self._segment.lengths(fieldname)[rows]
        return TermInfo(
            float(weights.sum()), len(rows), int(lengths.min()), int(lengths.max()), float(weights.max()),
            int(rows[0]), int(rows[-1]),
        )  # fmt: skip

    def doc_frequency(self, fieldname: str, text: bytes) -> int:
        """In how many visible rows a field has the term."""
        return len(self._segment.rows(fieldname, text))

    def frequency(self, fieldname: str, text: bytes) -> float:
        """How often the term occurs in the field in visible rows."""
        return float(self.term_info(fieldname, text).weight())

    def matcher(self, fieldname: str, text: bytes, format_: Any, scorer: Any = None) -> Postings:
        """The postings of a term, at their start."""
        return Postings(self._segment, fieldname, text, scorer)

    def indexed_field_names(self) -> list[str]:
        """The fields that have terms."""
        return [field for field in INDEXED if next(self._segment.terms_from(field, b""), None) is not None]


class Cursor(base.FieldCursor):  # type: ignore[misc]
    """A place in a field's sorted terms. Whoosh's automata ask for text, its MultiCursor for terms."""

    def __init__(self, terms: list[str], info: Any) -> None:
        self._terms = terms
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
