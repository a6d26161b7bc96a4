"""Tokens to a syntax tree, by operator precedence.

Not Whoosh's own parser: it reads 1 MB of junk in 20 s, drops what it does not understand where a journalist needs to
be told the character, has no precedence for w/n, and would have to be undone for prose. This is the shunting-yard
method with explicit stacks: every token is pushed and popped once, so time is linear and nothing recurses, whatever
the nesting. What comes out are Whoosh's query objects (``build``).

Precedence is that of Nexis, tightest first: + and - ; OR ; w/n and pre/n, the smaller n first, equal ones from the
left ; w/s ; w/p ; AND ; AND NOT. A NOT of its own stands with AND NOT: it takes the whole expression after it.
Expressions side by side are separate clauses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from search.errors import QueryError
from search.query.tokens import Kind, Token

MAX_DEPTH = 100


@dataclass(slots=True)
class Leaf:
    """A word or phrase, with the field token directly before it."""

    token: Token
    field: Token | None
    start: int
    end: int
    depth: int = 0


@dataclass(slots=True)
class Operation:
    """``kind`` AND, OR or NEAR over two or more operands, NOT over one. ``token`` is the operator as written."""

    kind: Kind
    token: Token
    items: list[Node]
    start: int
    end: int
    depth: int


@dataclass(slots=True)
class Group:
    """A parenthesis, or (with ``token`` + or -) one signed operand. ``field``: ``title:(``, ``atleast3(`` before it."""

    items: list[Node]
    start: int
    end: int
    depth: int
    field: Token | None = None
    token: Token | None = None


Node = Leaf | Operation | Group


@dataclass(slots=True)
class _Frame:
    """What is open at one level of parentheses: finished clauses, and the stacks of the clause being read."""

    opener: Token | None = None
    field: Token | None = None
    clauses: list[Node] = dataclasses.field(default_factory=list)
    operands: list[Node] = dataclasses.field(default_factory=list)
    operators: list[Token] = dataclasses.field(default_factory=list)
    waiting: bool = True  # for an operand
    sign: Token | None = None


_TIGHTNESS = {Kind.OR: 2000, Kind.AND: 20, Kind.NOT: 10}


def read(tokens: list[Token], query: str) -> list[Node]:
    """The clauses of a query. Raises QueryError at the token that is out of place."""
    return _Reader(query).read(tokens)


class _Reader:
    def __init__(self, query: str) -> None:
        self.query = query
        self.frames = [_Frame()]
        self.field: Token | None = None  # a field or atleastN whose value comes next

    def read(self, tokens: list[Token]) -> list[Node]:
        for token in tokens:
            kind = token.kind
            if kind in (Kind.WORD, Kind.PHRASE):
                start = token.start if self.field is None else self.field.start
                self.operand(Leaf(token, self.field, start, token.end))
                self.field = None
            elif kind in (Kind.FIELD, Kind.AT_LEAST):
                self.field = token
            elif kind is Kind.OPEN:
                if len(self.frames) > MAX_DEPTH:
                    raise self.error(f"parentheses are nested more than {MAX_DEPTH} deep", token)
                self.frames.append(_Frame(opener=token, field=self.field))
                self.field = None
            elif kind is Kind.CLOSE:
                self.close(token)
            elif kind is Kind.PREFIX:
                self.frames[-1].sign = token
            else:
                self.operator(token)
        if len(self.frames) > 1:
            opener = self.frames[-1].opener
            assert opener is not None
            raise self.error("this parenthesis is never closed; add ) or remove it", opener)
        return self.clauses(self.frames[0])

    def operand(self, node: Node) -> None:
        frame = self.frames[-1]
        if not frame.waiting:
            self.finish(frame)
        if frame.sign is not None:
            node = Group([node], frame.sign.start, node.end, self.deeper(node), token=frame.sign)
            frame.sign = None
        frame.operands.append(node)
        frame.waiting = False

    def close(self, token: Token) -> None:
        if len(self.frames) == 1:
            raise self.error("this parenthesis was never opened; add ( or remove it", token)
        frame = self.frames[-1]
        items = self.clauses(frame)
        assert frame.opener is not None
        if not items:
            raise self.error("there is nothing between these parentheses", frame.opener)
        self.frames.pop()
        start = frame.opener.start if frame.field is None else frame.field.start
        depth = max(item.depth for item in items)
        self.operand(Group(items, start, token.end, depth, field=frame.field))

    def operator(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.sign is not None:
            raise self.error(
                f"{frame.sign.text} stands before {_name(token)}; put it directly before a word", frame.sign
            )
        last = frame.operators[-1] if frame.operators else None
        if token.kind is Kind.NOT:
            self.negation(frame, last, token)
            return
        if frame.waiting:
            raise self.stray(token, last)
        self.reduce(frame, _tightness(token))
        frame.operators.append(token)
        frame.waiting = True

    def negation(self, frame: _Frame, last: Token | None, token: Token) -> None:
        if not frame.waiting:
            # "tax NOT sport": a clause of its own.
            self.finish(frame)
            frame.operators.append(token)
        elif last is None:
            frame.operators.append(token)
        elif last.kind is Kind.AND:
            frame.operators.pop()
            self.reduce(frame, _tightness(token))
            frame.operators.append(token)
        elif last.kind is Kind.OR:
            frame.sign = token
        else:
            raise self.stray(token, last)
        frame.waiting = True

    def reduce(self, frame: _Frame, tightness: int) -> None:
        """Apply the operators on the stack that bind at least so tightly."""
        while frame.operators and _tightness(frame.operators[-1]) >= tightness:
            token = frame.operators.pop()
            right = frame.operands.pop()
            if token.kind is Kind.NOT:
                right = Operation(Kind.NOT, token, [right], token.start, right.end, self.deeper(right))
                if not frame.operands:
                    frame.operands.append(right)
                    continue
            left = frame.operands.pop()
            frame.operands.append(self.join(token, left, right))

    def join(self, token: Token, left: Node, right: Node) -> Node:
        kind = Kind.AND if token.kind is Kind.NOT else token.kind
        if kind is not Kind.NEAR and isinstance(left, Operation) and left.kind is kind:
            left.items.append(right)
            left.end = right.end
            left.depth = max(left.depth, self.deeper(right))
            return left
        depth = max(self.deeper(left), self.deeper(right))
        return Operation(kind, token, [left, right], left.start, right.end, depth)

    def finish(self, frame: _Frame) -> None:
        """End the clause being read."""
        self.reduce(frame, 0)
        frame.clauses.extend(frame.operands)
        frame.operands.clear()

    def clauses(self, frame: _Frame) -> list[Node]:
        """All clauses of a level that ends here."""
        last = frame.sign
        if last is None and frame.waiting and frame.operators:
            last = frame.operators[-1]
        if last is not None:
            raise self.error(f"{_name(last)} has nothing after it{_as_word(last)}", last)
        self.finish(frame)
        return frame.clauses

    def deeper(self, node: Node) -> int:
        depth = node.depth + 1
        if depth > MAX_DEPTH + 1:  # as many parentheses have one operator more
            raise QueryError(
                f"operators are nested more than {MAX_DEPTH} deep here; split the query", self.query, node.start
            )
        return depth

    def stray(self, token: Token, last: Token | None) -> QueryError:
        name = _name(token)
        if last is None:
            return self.error(f"{name} has nothing before it{_as_word(token)}", token)
        if last.kind is Kind.NOT and token.kind is Kind.NEAR:
            return self.error(f"NOT {name} is not possible; write: first AND NOT (first {name} second)", last)
        if token.kind is Kind.NOT:
            return self.error(f"NOT cannot stand after {_name(last)}; to leave words out write: AND NOT word", token)
        return self.error(f"{_name(last)} is followed by {name}; put a word between them{_as_word(token)}", token)

    def error(self, message: str, token: Token) -> QueryError:
        return QueryError(message, self.query, token.start)


def _tightness(token: Token) -> int:
    if token.kind is not Kind.NEAR:
        return _TIGHTNESS[token.kind]
    if token.number:
        return 1000 - token.number
    return 200 if token.text == "s" else 100


def _name(token: Token) -> str:
    return f"w/{token.text}" if token.kind is Kind.NEAR and not token.number else token.text


def _as_word(token: Token) -> str:
    return f'; to search for the word, write "{token.text}"' if token.kind is not Kind.NEAR else ""
