"""The Whoosh schema of an archive, and the format in which its postings tell positions."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from whoosh.columns import RefBytesColumn
from whoosh.fields import DATETIME, ID, NUMERIC, STORED, FieldType, Schema
from whoosh.formats import Format

from search.keyword.analysis import ENGLISH, Analysis
from search.keyword.match.lookup import FIELDS
from search.keyword.whoosh.analysers import text_analyzer, word_analyzer

# Fields of which the whole value is a column too, to sort and to group by.
COLUMNS = ("source", "section", "agency", "language")


class Positions(Format):  # type: ignore[misc]
    """Posting values: positions as little-endian u4."""

    def word_values(self, value: str, analyzer: Any, **options: Any) -> Iterator[tuple[str, int, float, bytes]]:
        """(term, frequency, weight, positions) of each term of a text: what ``key_terms`` asks of a field."""
        places: dict[str, list[int]] = defaultdict(list)
        for token in analyzer(value, positions=True, **options):
            places[token.text].append(token.pos)
        return ((term, len(at), float(len(at)), np.array(at, "<u4").tobytes()) for term, at in places.items())

    def decode_positions(self, value: bytes) -> list[int]:
        """Positions of a term in a field."""
        return [int(n) for n in np.frombuffer(value, "<u4")]

    def decode_frequency(self, value: bytes) -> int:
        """How often the term occurs."""
        return len(value) // 4

    def decode_weight(self, value: bytes) -> float:
        """The frequency: no term has a boost."""
        return float(len(value) // 4)


@functools.cache
def schema(analysis: Analysis = ENGLISH) -> Schema:
    """The Whoosh schema of an archive: one scorable field for each sub-field and metadata field, ``id``, ``published``
    (in UTC), ``length`` (words of the text), and ``url``, which is only stored."""
    fields = Schema()
    for name, (space, _) in FIELDS.items():
        analyzer = word_analyzer() if space else text_analyzer(analysis)
        column = RefBytesColumn() if name in COLUMNS else False
        fields.add(
            name,
            FieldType(Positions(), analyzer, scorable=True, stored=True, multitoken_query="phrase", sortable=column),
        )
    fields.add("id", ID(stored=True, unique=True, sortable=RefBytesColumn()))
    fields.add("published", DATETIME(stored=True, sortable=True))
    fields.add("length", NUMERIC(int, 64, stored=True, sortable=True))  # its ranges go wrong near the least number
    fields.add("url", STORED())
    return fields
