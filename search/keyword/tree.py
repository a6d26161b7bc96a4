"""The conditions that a query states, as a tree of plain values: ``query`` builds it, ``KeywordView`` evaluates it.

Nodes are equal by their fields, hashable and never changed. They condition and do not score. ``keyword.whoosh`` turns
them into Whoosh's queries and back; a Whoosh query that has no node of its own stands here as ``Foreign``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

TEXT_FIELDS = ("title", "caption", "dateline", "byline", "text")
VALUE_FIELDS = ("source", "section", "authors", "agency", "dateline", "language", "by")


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes."""

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes directly below."""
        return ()


# Conditions on conditions.


@dataclass(frozen=True, slots=True)
class _Members(Node):
    items: Sequence[Node]

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))  # any sequence will do; the node stays a value

    @property
    def children(self) -> tuple[Node, ...]:
        """The members."""
        assert isinstance(self.items, tuple)
        return self.items


@dataclass(frozen=True, slots=True)
class And(_Members):
    """All of them. Without any, nothing meets it."""


@dataclass(frozen=True, slots=True)
class Or(_Members):
    """Any of them."""


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Every article that does not meet ``item``."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """What is excluded."""
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Every(Node):
    """Every article."""


@dataclass(frozen=True, slots=True)
class Nothing(Node):
    """No article."""


@dataclass(frozen=True, slots=True)
class Foreign(Node):
    """A query object of Whoosh, over the fields of ``keyword.whoosh.schema``: answered by Whoosh's own matchers."""

    query: Any


# Words of the text. ``field`` is one of TEXT_FIELDS, or None for any of them.


@dataclass(frozen=True, slots=True)
class _OfText(Node):
    field: str | None

    def __post_init__(self) -> None:
        _check_field(self.field, (None, *TEXT_FIELDS))


@dataclass(frozen=True, slots=True)
class Word(_OfText):
    """A word as a stem, or a phrase: several tokens must stand at consecutive positions (of one sub-field).

    Text without any token matches nothing.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Expanded(_OfText):
    """Base of what stands for words of the dictionary. In a query it also scores: all these words as one term."""

    @property
    def written(self) -> str:
        """The same in the query language, its field aside."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Exact(Expanded):
    """One or more consecutive tokens whose letters are exactly those written (accents and case count)."""

    text: str

    @property
    def written(self) -> str:
        """As in ``exact:Polish``."""
        return f'exact:"{self.text}"' if " " in self.text else f"exact:{self.text}"


@dataclass(frozen=True, slots=True)
class Wildcard(Expanded):
    """Folded words that match a pattern: ``*`` any run of characters, ``?`` exactly one. Expansion is bounded."""

    pattern: str

    @property
    def written(self) -> str:
        """As in ``terror*``."""
        return self.pattern


@dataclass(frozen=True, slots=True)
class Fuzzy(Expanded):
    """Folded words within ``distance`` edits (insert, delete, replace) of ``text``. Expansion is bounded."""

    text: str
    distance: int

    @property
    def written(self) -> str:
        """As in ``netanyahu~2``."""
        return f"{self.text}~{'' if self.distance == 1 else self.distance}"


# Words and their places. Operands are Word, Exact, Wildcard, Fuzzy, Or of them, and each other.


@dataclass(frozen=True, slots=True)
class Pair(Node):
    """Base of the nodes with a left and a right operand that yield positions."""

    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """The two operands."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Near(Pair):
    """Both operands, at most ``distance`` (0 to 255) words apart: the next word is 1 apart.

    The distance between longer spans (phrases, other Nears) counts from the nearer ends. No word is near itself: the
    spans of words and phrases must not overlap. What stands between the ends of another Near, SameSentence or
    SameParagraph is at distance 0 from it, unless it shares its first or last word. ``ordered``: the left one ends
    before the right one starts.
    """

    distance: int
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class SameSentence(Pair):
    """Both operands within one sentence, apart as in Near. Title, caption, dateline and byline are one each."""


@dataclass(frozen=True, slots=True)
class SameParagraph(Pair):
    """Both operands within one paragraph, apart as in Near. Title, caption, dateline and byline are one each."""


@dataclass(frozen=True, slots=True)
class AtLeast(Node):
    """At least ``count`` occurrences of ``child``: a word, a phrase, an Or or a Near of them. Where two operands of an
    Or have the same words, these count once."""

    count: int
    child: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """What is counted."""
        return (self.child,)


# What is known of an article beside its text.


@dataclass(frozen=True, slots=True)
class Value(Node):
    """Consecutive folded words within one value of a metadata field, or with ``whole`` the whole value.

    ``field`` is one of VALUE_FIELDS; ``by`` looks in authors and agency.
    """

    field: str
    text: str
    whole: bool = False

    def __post_init__(self) -> None:
        _check_field(self.field, VALUE_FIELDS)


@dataclass(frozen=True, slots=True)
class Id(Node):
    """Articles by id."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed(Node):
    """Articles of a collection. Two are equal by its name; ``ids`` are filled in where its list is at hand."""

    name: str
    ids: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class DayRange(Node):
    """Articles whose own local day lies from ``start`` to ``end``, both included; None is open. No date: no match."""

    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class InstantRange(Node):
    """Articles published from ``start`` to ``end``, both included, to the microsecond; None is open. A naive time is
    UTC. No date: no match."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Length(Node):
    """Articles of ``minimum`` to ``maximum`` words in the text (title aside), both included; None is open."""

    minimum: int | None
    maximum: int | None


def _check_field(name: str | None, known: tuple[str | None, ...]) -> None:
    if name not in known:
        raise ValueError(f"unknown field {name!r}; known: {', '.join(str(k) for k in known)}")


# Trees as lists of members.


def members(shape: type[And] | type[Or], node: Node | None) -> tuple[Node, ...]:
    """The members of an AND or OR, or the node itself; of None, none."""
    if node is None:
        return ()
    return node.children if type(node) is shape else (node,)


def joined(shape: type[And] | type[Or], nodes: Sequence[Node]) -> Node:
    """AND or OR of nodes (one at least), flat where they are of the same shape; a single node is itself."""
    if len(nodes) == 1:
        return nodes[0]
    return shape([member for node in nodes for member in members(shape, node)])


def both(nodes: Sequence[Node]) -> Node | None:
    """The condition that all of some state; None for none."""
    return joined(And, nodes) if nodes else None


def either(nodes: Sequence[Node]) -> Node:
    """The condition that any of some (one at least) states."""
    return joined(Or, nodes)


def replaced(node: Node, kind: type[Node], by: Callable[[Any], Node]) -> Node:
    """The tree with other nodes for those of a kind. Conditions on conditions are looked into; nothing else has such
    nodes below it."""
    if isinstance(node, kind):
        return by(node)
    if isinstance(node, And | Or):
        return type(node)([replaced(child, kind, by) for child in node.children])
    return Not(replaced(node.item, kind, by)) if isinstance(node, Not) else node


def depth_of(node: Node) -> int:
    """How deep a tree is, found without recursion: whoever evaluates it may recurse."""
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for parent in level for child in parent.children]
    return deepest
