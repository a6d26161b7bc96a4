"""A syntax tree to what it asks for: constraints, the words that rank, and the text for the encoder.

Free words stay free as long as no operator, sign or field takes hold of them; parentheses alone do not. Words that
an operator joins are constraints and rank too, unless they are excluded or belong to a field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from search.errors import QueryError
from search.keyword.tree import And, Exact, Expanded, Fuzzy, Node, Not, Or, joined, members
from search.query import fields, syntax, words
from search.query.proximity import Proximity, at_least
from search.query.syntax import Group, Leaf, Operation
from search.query.tokens import Kind, Token


@dataclass(frozen=True, slots=True)
class Scope:
    """What surrounds a word: its text field or value field, ``exact:``, and whether it ranks."""

    field: str | None = None
    value: Token | None = None
    exact: bool = False
    ranks: bool = True


class Builder:
    """Gathers the parts of one query. ``text`` is the cleaned query, ``query`` the one to show in errors."""

    def __init__(self, text: str, query: str, now: datetime, notes: list[str]) -> None:
        self.text = text
        self.query = query
        self.now = now
        self.notes = notes
        self.proximity = Proximity(query)
        self.constraints: list[Node] = []
        self.free: list[str] = []
        self.scoring: list[tuple[str, bool]] = []
        self.patterns: list[Expanded] = []
        self.kept: list[tuple[int, int, str]] = []

    def top(self, clauses: list[syntax.Node], *, alone: bool) -> None:
        """Take in clauses that stand side by side. ``alone``: the query is one token."""
        for clause in clauses:
            if isinstance(clause, Group) and clause.field is None and clause.token is None:
                self._group(clause)
            elif isinstance(clause, Leaf) and self._is_free(clause, alone):
                self._free_word(clause.token)
            else:
                self.constraints.extend(members(And, self._tree(clause, Scope())))

    def _group(self, group: Group) -> None:
        """Parentheses around whole clauses change nothing; the encoder keeps them where they are prose."""
        before, at = len(self.constraints), len(self.kept)
        self.kept.append((group.start, group.start + 1, "("))
        self.top(group.items, alone=False)
        if len(self.constraints) == before:
            self.kept.append((group.end - 1, group.end, ")"))
        else:
            del self.kept[at]

    def _is_free(self, leaf: Leaf, alone: bool) -> bool:
        token = leaf.token
        if leaf.field is not None or token.kind is Kind.PHRASE or words.is_special(token):
            return False
        return not (alone and (token.text == "*" or words.is_truncated(token)))

    def _free_word(self, token: Token) -> None:
        self._keep(token)
        before = len(self.free)
        if word := words.add_plain(self.free, token.text):
            if len(self.free) == before:
                self.scoring.pop()
            self.scoring.append((word, True))

    def _tree(self, node: syntax.Node, scope: Scope) -> Node:
        """The condition that a node states."""
        if isinstance(node, Leaf):
            return self._leaf(node, self._inside(node.field, scope))
        if isinstance(node, Group):
            return self._grouped(node, scope)
        if node.kind is Kind.NOT:
            child = node.items[0]
            if isinstance(child, Operation) and child.kind is Kind.AND:
                self.notes.append(
                    "NOT comes last and leaves out all that follows it: read as NOT (… AND …); "
                    "for one word, write -word or put the NOT at the end"
                )
            return Not(self._tree(child, replace(scope, ranks=False)))
        if node.kind is Kind.NEAR:
            if scope.value is not None:
                raise self._error(
                    f"{scope.value.text}: takes names with AND, OR and NOT; distances are for words of the text",
                    node.token,
                )
            left, right = (self._tree(item, scope) for item in node.items)
            return self.proximity.join(node.token, left, right)
        shape = And if node.kind is Kind.AND else Or
        return joined(shape, [self._tree(item, scope) for item in node.items])

    def _grouped(self, group: Group, scope: Scope) -> Node:
        if group.token is not None:
            if group.token.text == "+":
                return self._tree(group.items[0], scope)
            return Not(self._tree(group.items[0], replace(scope, ranks=False)))
        counted = group.field is not None and group.field.kind is Kind.AT_LEAST
        if counted and scope.value is not None:
            assert group.field is not None
            raise self._error("atleastN counts words of the text, not names", group.field)
        inner = scope if counted else self._inside(group.field, scope)
        items = [item for item in group.items if not _is_punctuation(item)]
        if not items:
            raise QueryError("there is no word between these parentheses", self.query, group.start)
        tree = joined(And, [self._tree(item, inner) for item in items])
        if counted:
            assert group.field is not None
            return at_least(group.field.number, tree, self.query, group.start)
        return tree

    def _inside(self, field: Token | None, scope: Scope) -> Scope:
        """The scope of what a field is put before."""
        if field is None:
            return scope
        if scope.value is not None or (scope.field is not None and field.text != "exact"):
            outer = scope.field if scope.value is None else scope.value.text
            raise self._error(f"{field.text}: cannot stand inside {outer}:(…); put them side by side", field)
        if field.text == "exact" or field.text in fields.TEXT:
            if field.whole:
                raise self._error(
                    f":= asks for a whole value of {', '.join(fields.VALUES)}; not of {field.text}", field
                )
            if field.text == "exact":
                return replace(scope, exact=True)
            return replace(scope, field=fields.TEXT[field.text], ranks=False)
        if scope.exact:
            raise self._error(f"{field.text}: cannot stand inside exact:(…)", field)
        return replace(scope, value=field, ranks=False)

    def _leaf(self, leaf: Leaf, scope: Scope) -> Node:
        token = leaf.token
        if scope.value is not None:
            return self._value(token, scope.value)
        make = words.exact_tree if scope.exact else words.word_tree
        tree, scoring = make(token, scope.field, self.query)
        if scope.ranks:
            self.scoring.extend((word, False) for word in scoring if isinstance(word, str))
            self.patterns.extend(node for node in scoring if not isinstance(node, str))
            shown = [word for node in scoring if (word := _spelled(node))]
            if shown:
                rewritten = words.is_special(token)
                self._keep(token, " ".join(shown) if rewritten else None)
        return tree

    def _value(self, token: Token, field: Token) -> Node:
        quoted = token.kind is Kind.PHRASE
        try:
            return fields.value_tree(field.text, token.text, whole=field.whole, quoted=quoted, now=self.now)
        except QueryError as error:
            position = min(token.start + quoted + (error.position or 0), token.end - 1)
            raise QueryError(str(error), self.query, position) from None

    def _keep(self, token: Token, shown: str | None = None) -> None:
        """Let the encoder see a word, as it was typed."""
        quote = int(token.kind is Kind.PHRASE)
        if shown is None:
            shown = token.text or self.text[token.start : token.end]
        self.kept.append((token.start + quote, token.end - quote, shown))

    def encoder_text(self) -> str:
        """The kept pieces; white space and closing quotation marks between two of them are as they were."""
        pieces: list[str] = []
        last = None
        for start, end, shown in self.kept:
            if last is not None:
                between = self.text[last:start]
                pieces.append("" if between in ("", '"', "”", "“") else between if between.isspace() else " ")
            pieces.append(shown)
            last = end
        return "".join(pieces).strip()

    def scoring_words(self) -> tuple[str, ...]:
        """Free words as often as they stand; words of constraints once, if they are not free as well."""
        seen = {word.casefold() for word, free in self.scoring if free}
        words: list[str] = []
        for word, free in self.scoring:
            key = word.casefold()
            if free or key not in seen:
                words.append(word)
                seen.add(key)
        return tuple(words)

    def _error(self, message: str, token: Token) -> QueryError:
        return QueryError(message, self.query, token.start)


def _spelled(node: str | Expanded) -> str:
    """What the encoder sees of something that scores: no wildcard."""
    if isinstance(node, str):
        return node
    return node.text if isinstance(node, Exact | Fuzzy) else ""


def _is_punctuation(node: syntax.Node) -> bool:
    return (
        isinstance(node, Leaf)
        and node.field is None
        and node.token.kind is Kind.WORD
        and node.token.text != "*"
        and not fields.has_word(node.token.text)
    )
