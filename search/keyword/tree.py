"""The query nodes that Whoosh has no class for. With Whoosh's own And, Or, Not, Every and NullQuery they make the
constraint tree: ``query/`` builds it, ``KeywordView.match`` evaluates it.

All are values: equal by their fields, hashable, never changed (only Whoosh's marks ``startchar``, ``endchar`` and
``error`` may be set, as its parser does). Constraints do not score, so a boost means nothing here.

Beware of Whoosh's ``normalize``: And drops a NullQuery instead of becoming one, and becomes Every if one operand is;
Not(NullQuery) becomes NullQuery. ``match`` needs no normalised tree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from whoosh.query import NullQuery, Query

TEXT_FIELDS = ("title", "caption", "dateline", "byline", "text")
VALUE_FIELDS = ("source", "section", "authors", "agency", "dateline", "language", "by")


class Node(Query):  # type: ignore[misc]
    """Base of the nodes below: a Whoosh query that compares by its fields."""

    boost = 1.0

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in dataclasses.fields(self))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self._values()))

    def __setattr__(self, name: str, value: Any) -> None:
        # Set once, by the constructor. Not a frozen dataclass: Whoosh's parser marks nodes with their place.
        if name in self.__dict__ and name not in ("startchar", "endchar", "error"):
            raise dataclasses.FrozenInstanceError(f"cannot assign to {name!r} of {type(self).__name__}")
        super().__setattr__(name, value)

    def field(self) -> None:
        """None: And.normalize drops whatever shares a field with an Every beside it, which would lose a condition."""
        return

    def with_boost(self, boost: float) -> Node:
        """The node itself: a constraint has no score to boost."""
        return self

    def estimate_size(self, ixreader: Any) -> int:
        """An upper bound, as Whoosh asks: all documents."""
        return int(ixreader.doc_count_all())

    def estimate_min_size(self, ixreader: Any) -> int:
        """A lower bound: none."""
        return 0

    def matcher(self, searcher: Any, context: Any = None) -> Any:
        """A Whoosh matcher over the node's matches, in a searcher over our codec."""
        from search.keyword.codec import node_matcher

        return node_matcher(self, searcher)


class Pair(Node):
    """Base of the nodes with a left and a right operand that yield positions."""

    left: Query
    right: Query

    def is_leaf(self) -> bool:
        """False: it has operands."""
        return False

    def children(self) -> Iterator[Query]:
        """The two operands."""
        return iter((self.left, self.right))

    def apply(self, fn: Callable[[Query], Query]) -> Query:
        """The node with ``fn`` applied to its operands; NullQuery if either becomes one."""
        left, right = fn(self.left), fn(self.right)
        if left is NullQuery or right is NullQuery:
            return NullQuery
        return dataclasses.replace(self, left=left, right=right)

    def normalize(self) -> Query:
        """The node over normalised operands."""
        return self.apply(lambda operand: operand.normalize())


@dataclass(eq=False)
class Word(Node):
    """A word as a stem, or a phrase: several tokens must stand at consecutive positions (of one sub-field).

    ``fieldname`` is one of TEXT_FIELDS, or None for any of them. Text without any token matches nothing.
    """

    fieldname: str | None
    text: str

    def __post_init__(self) -> None:
        _check_field(self.fieldname, (None, *TEXT_FIELDS))


@dataclass(eq=False)
class Exact(Node):
    """One or more consecutive tokens whose letters are exactly those written (accents and case count)."""

    fieldname: str | None
    text: str

    def __post_init__(self) -> None:
        _check_field(self.fieldname, (None, *TEXT_FIELDS))


@dataclass(eq=False)
class Wildcard(Node):
    """Folded words that match a pattern: ``*`` any run of characters, ``?`` exactly one. Expansion is bounded."""

    fieldname: str | None
    pattern: str

    def __post_init__(self) -> None:
        _check_field(self.fieldname, (None, *TEXT_FIELDS))


@dataclass(eq=False)
class Fuzzy(Node):
    """Folded words within ``distance`` edits (insert, delete, replace) of ``text``. Expansion is bounded."""

    fieldname: str | None
    text: str
    distance: int

    def __post_init__(self) -> None:
        _check_field(self.fieldname, (None, *TEXT_FIELDS))


@dataclass(eq=False)
class Value(Node):
    """Consecutive folded words within one value of a metadata field, or with ``whole`` the whole value.

    ``fieldname`` is one of VALUE_FIELDS; ``by`` looks in authors and agency.
    """

    fieldname: str
    text: str
    whole: bool = False

    def __post_init__(self) -> None:
        _check_field(self.fieldname, VALUE_FIELDS)


@dataclass(eq=False)
class Id(Node):
    """Articles by id."""

    ids: tuple[str, ...]


@dataclass(eq=False)
class Near(Pair):
    """Both operands, at most ``distance`` (0 to 255) words apart: the next word is 1 apart.

    The distance between longer spans (phrases, other Nears) counts from the nearer ends. No word is near itself: the
    spans of words and phrases must not overlap. What stands between the ends of another Near, SameSentence or
    SameParagraph is at distance 0 from it, unless it shares its first or last word. ``ordered``: the left one ends
    before the right one starts. Operands are Word, Exact, Wildcard, Fuzzy, Or of them, and each other.
    """

    left: Query
    right: Query
    distance: int
    ordered: bool = False


@dataclass(eq=False)
class SameSentence(Pair):
    """Both operands within one sentence, apart as in Near. Title, caption, dateline and byline are one each."""

    left: Query
    right: Query


@dataclass(eq=False)
class SameParagraph(Pair):
    """Both operands within one paragraph, apart as in Near. Title, caption, dateline and byline are one each."""

    left: Query
    right: Query


@dataclass(eq=False)
class AtLeast(Node):
    """At least ``count`` occurrences of ``child``: a word, a phrase, an Or or a Near of them. Where two operands of an
    Or have the same words, these count once."""

    count: int
    child: Query

    def is_leaf(self) -> bool:
        """False: it has an operand."""
        return False

    def children(self) -> Iterator[Query]:
        """The one operand."""
        return iter((self.child,))

    def apply(self, fn: Callable[[Query], Query]) -> Query:
        """The node with ``fn`` applied to its operand; NullQuery if that becomes one."""
        child = fn(self.child)
        return NullQuery if child is NullQuery else dataclasses.replace(self, child=child)

    def normalize(self) -> Query:
        """The node over a normalised operand."""
        return self.apply(lambda operand: operand.normalize())


@dataclass(eq=False)
class DayRange(Node):
    """Articles whose own local day lies from ``start`` to ``end``, both included; None is open. No date: no match."""

    start: date | None
    end: date | None


@dataclass(eq=False)
class InstantRange(Node):
    """Articles published from ``start`` to ``end``, both included, to the microsecond; None is open. A naive time is
    UTC. No date: no match."""

    start: datetime | None
    end: datetime | None


@dataclass(eq=False)
class Length(Node):
    """Articles of ``minimum`` to ``maximum`` words in the text (title aside), both included; None is open."""

    minimum: int | None
    maximum: int | None


def _check_field(name: str | None, known: tuple[str | None, ...]) -> None:
    if name not in known:
        raise ValueError(f"unknown field {name!r}; known: {', '.join(str(k) for k in known)}")
