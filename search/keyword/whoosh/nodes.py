"""Our nodes as Whoosh's queries, and back where a query of Whoosh's says what a node says.

Whoosh's compounds become ours, which join the sets of articles of whatever is in them: what they mean, where Whoosh
2.7.4 itself loses documents (AndNot its first, Require all, Or some below Not). Leaves stay Whoosh's (``Foreign``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from whoosh import query as whoosh
from whoosh.matching import ListMatcher

from search.errors import QueryError
from search.keyword import tree
from search.keyword.analysis import value_term
from search.keyword.match.view import View
from search.keyword.readings import value_ways, ways
from search.keyword.tree import And, Every, Foreign, Node, Not, Nothing, Or

MOST_LEAVES = 1024
_STEP = timedelta(microseconds=1)
_ALL: dict[type, str] = {whoosh.Prefix: "", whoosh.Wildcard: "*", whoosh.Regex: ".*"}  # what every term of a field fits


class NodeQuery(whoosh.Query):  # type: ignore[misc]
    """One of our nodes that Whoosh has no class for, as a Whoosh query: for searchers over our codec."""

    boost = 1.0

    def __init__(self, node: Node) -> None:
        self.node = node
        self._masks: WeakKeyDictionary[View, NDArray[np.bool_]] = WeakKeyDictionary()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeQuery) and self.node == other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        return f"NodeQuery({self.node!r})"

    def field(self) -> None:
        """None: And.normalize drops whatever shares a field with an Every beside it, which would lose a condition."""
        return

    def with_boost(self, boost: float) -> NodeQuery:
        """The query itself: a condition has no score to boost."""
        return self

    def estimate_size(self, ixreader: Any) -> int:
        """An upper bound, as Whoosh asks: all documents."""
        return int(ixreader.doc_count_all())

    def estimate_min_size(self, ixreader: Any) -> int:
        """A lower bound: none."""
        return 0

    def matcher(self, searcher: Any, context: Any = None) -> Any:
        """A matcher over what our evaluator finds."""
        reader = searcher.reader()
        leaves = reader.leaf_readers() if not reader.is_atomic() else [(reader, 0)]
        rows: list[int] = []
        for leaf, offset in leaves:
            segment = leaf.segment()
            mask = self._masks.get(segment.view)  # asked for once, for all segments
            if mask is None:
                mask = self._masks[segment.view] = segment.view.match(self.node)
            matches = np.flatnonzero(mask[segment.base : segment.base + len(segment.keyword)])
            rows += (matches + offset).tolist()
        return ListMatcher(rows, all_weights=1.0)


class SpanNot(whoosh.SpanNot):  # type: ignore[misc]
    """Whoosh's SpanNot, which asks where its second operand is even after that one's last article."""

    class _Matcher(whoosh.SpanNot._Matcher):  # type: ignore[misc]
        def _get_spans(self) -> Any:
            return super()._get_spans() if self.b.is_active() else self.a.spans()


def to_query(node: Node) -> whoosh.Query:
    """A node as a query of Whoosh's own where it has the class, as a NodeQuery where it has not.

    Near is one of these: Whoosh's SpanNear cannot stand inside its And and Or.
    """
    if isinstance(node, And | Or):
        shape = whoosh.And if isinstance(node, And) else whoosh.Or
        return shape([to_query(child) for child in node.children]) if node.children else whoosh.NullQuery
    if isinstance(node, Not):
        return whoosh.Not(to_query(node.item))
    if isinstance(node, Every):
        return whoosh.Every()
    if isinstance(node, Nothing):
        return whoosh.NullQuery
    if isinstance(node, Foreign):
        return node.query
    if isinstance(node, tree.Word):
        rows = [[token.term for token in row] for row in ways(node.text)]
        if len(rows) > 1:
            return NodeQuery(node)  # a phrase of Whoosh's has one spelling
        return _any([_phrase(name, rows[0]) for name in _fields(node.field)])
    if isinstance(node, tree.Value) and node.field != "dateline":  # as a field of Whoosh's, that is the sub-field
        values = value_ways(node.text)
        if node.whole and values[0]:
            values = [[value_term(values[0])]]
        names = ("authors", "agency") if node.field == "by" else (node.field,)
        return _any([_phrase(name, words) for name in names for words in values])
    if isinstance(node, tree.Id | tree.Listed):
        return _any([whoosh.Term("id", text) for text in node.ids])
    if isinstance(node, tree.InstantRange):
        return whoosh.DateRange("published", _naive(node.start), _naive(node.end))
    if isinstance(node, tree.Length):
        least = None if node.minimum is None else max(node.minimum, 0)
        if node.maximum is not None and (node.maximum < 0 or (least is not None and least > node.maximum)):
            return whoosh.NullQuery
        return whoosh.NumericRange("length", least, node.maximum)
    return NodeQuery(node)


def _fields(name: str | None) -> tuple[str, ...]:
    return tree.TEXT_FIELDS if name is None else (name,)


def _phrase(field: str, terms: list[str]) -> whoosh.Query:
    if not terms:
        return whoosh.NullQuery
    return whoosh.Term(field, terms[0]) if len(terms) == 1 else whoosh.Phrase(field, terms)


def _any(queries: list[whoosh.Query]) -> whoosh.Query:
    if not queries:
        return whoosh.NullQuery
    return queries[0] if len(queries) == 1 else whoosh.Or(queries)


def _naive(moment: datetime | None) -> datetime | None:
    """In UTC and without saying so, as Whoosh has it."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def from_query(query: whoosh.Query) -> Node:
    """A query of Whoosh's as a node; a leaf that no node says the same as, as Foreign.

    Raises QueryError for a query that is nested too deep or has too many parts.
    """
    reader = _Reader()
    try:
        return reader.read(query)
    except RecursionError:
        raise QueryError("this Whoosh query is nested too deep") from None


class _Reader:
    def __init__(self) -> None:
        self.leaves = 0

    def read(self, query: whoosh.Query) -> Node:
        if not isinstance(query, whoosh.Query):
            raise QueryError(f"this is no Whoosh query but {type(query).__name__}")
        compound = _COMPOUNDS.get(type(query))
        if compound is not None:
            return compound(self, query)
        self.leaves += 1
        if self.leaves > MOST_LEAVES:
            raise QueryError(f"this Whoosh query has more than {MOST_LEAVES:,} parts")
        if query is whoosh.NullQuery:
            return Nothing()
        if isinstance(query, NodeQuery):
            return query.node
        leaf = _LEAVES.get(type(query))
        return Foreign(query) if leaf is None else leaf(query)

    def all_of(self, query: Any) -> Node:
        return And([self.read(child) for child in query.children()])

    def any_of(self, query: Any) -> Node:
        return Or([self.read(child) for child in query.children()])

    def none_of(self, query: Any) -> Node:
        return Not(self.read(query.query))

    def difference(self, query: Any) -> Node:
        return And([self.read(query.a), Not(self.read(query.b))])

    def first(self, query: Any) -> Node:
        return self.read(query.a)

    def child(self, query: Any) -> Node:
        return self.read(query.child)


_COMPOUNDS: dict[type, Callable[[_Reader, Any], Node]] = {
    whoosh.And: _Reader.all_of,
    whoosh.Require: _Reader.all_of,
    whoosh.Or: _Reader.any_of,
    whoosh.DisjunctionMax: _Reader.any_of,
    whoosh.Not: _Reader.none_of,
    whoosh.AndNot: _Reader.difference,
    whoosh.AndMaybe: _Reader.first,
    whoosh.ConstantScoreQuery: _Reader.child,
    whoosh.WeightingQuery: _Reader.child,
}


def _every(query: Any) -> Node:
    return Every() if query.fieldname is None else Foreign(query)


def _dates(query: Any) -> Node:
    if query.fieldname != "published":
        raise QueryError(f"dates are those of 'published', not of {query.fieldname!r}")
    start, end = query.startdate, query.enddate
    try:
        start = start + _STEP if start is not None and query.startexcl else start
        end = end - _STEP if end is not None and query.endexcl else end
    except OverflowError:
        return Nothing()
    return tree.InstantRange(start, end)


def _numbers(query: Any) -> Node:
    if query.fieldname != "length":
        raise QueryError(f"the field with numbers is 'length', not {query.fieldname!r}")
    start, end = query.start, query.end
    return tree.Length(
        None if start is None else start + bool(query.startexcl), None if end is None else end - bool(query.endexcl)
    )


def _pattern(query: Any) -> Node:
    return Foreign(whoosh.Every(query.fieldname) if query.text == _ALL[type(query)] else query)


def _terms(query: Any) -> Node:
    everything = query.start in ("", None) and query.end in ("\uffff", None)
    return Foreign(whoosh.Every(query.fieldname) if everything else query)


_LEAVES: dict[type, Callable[[Any], Node]] = {
    whoosh.Every: _every,
    whoosh.DateRange: _dates,
    whoosh.NumericRange: _numbers,
    **dict.fromkeys(_ALL, _pattern),
    whoosh.TermRange: _terms,
    whoosh.SpanNot: lambda query: Foreign(SpanNot(query.a, query.b)),
}
