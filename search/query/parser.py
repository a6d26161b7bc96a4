"""``parse``: query text and filters to one constraint tree, the words that rank, and the text for the encoder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from search.errors import QueryError, UsageError
from search.keyword.analysis import STOP_WORDS
from search.keyword.tree import And, Node, Nothing, Or, both, depth_of, joined, members
from search.query import comparisons, dates, fields, other_tools, syntax, tokens, words
from search.query.build import Builder
from search.query.parsed import ParsedQuery
from search.query.tokens import Kind, Token
from search.records import Filters

MAX_CHARACTERS = 100_000
MAX_TREE_DEPTH = 150
_BOOLEAN = (Kind.AND, Kind.OR, Kind.NOT)
_NAMES = {kind.value for kind in _BOOLEAN}
_FEW = 5  # words of a query that is no sentence


def parse(
    text: str, *, now: datetime, literal: bool = False, filters: Filters | None = None, where: Node | None = None
) -> ParsedQuery:
    """Read a query: see ``search.query.parse``."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"this query has {len(text):,} characters, more than the {MAX_CHARACTERS:,} that are read; shorten it",
            text[:200],
        )
    text, entities = other_tools.without_entities(text)
    plain = tokens.clean(text)
    conditions = [] if filters is None else filter_trees(filters, now)
    conditions += members(And, where)
    if not plain.strip():
        if not conditions:
            raise QueryError("the query is empty; write some words, or a condition such as since:7d", text, 0)
        return ParsedQuery(text, both(conditions), (), (), "")
    if literal:
        free: list[str] = []
        for word in plain.split():
            words.add_plain(free, word)
        return ParsedQuery(text, both(conditions), tuple(free), tuple(free), plain.strip())
    notes: list[str] = [] if entities is None else [entities]
    scanned = tokens.scan(plain, text, notes)
    notes += other_tools.remarks(plain, scanned)
    if _is_headline(plain, scanned):
        scanned = [
            Token(Kind.WORD, one.start, one.end, "NEAR" if one.kind is Kind.NEAR else one.text, literal=True)
            for one in scanned
        ]
        notes.append(
            "read as a headline, as it is all in capitals: AND, OR, NOT and NEAR are words in it; "
            "for operators, write the words between them small"
        )
    elif remark := _likely_operator(scanned):
        notes.append(remark)
    if _is_prose(scanned) and not _balanced(scanned):
        scanned = [_as_punctuation(token) for token in scanned]
    builder = Builder(plain, text, now, notes)
    builder.top(syntax.read(scanned, text), alone=len(scanned) == 1)
    if not builder.free and not builder.constraints:
        raise QueryError(
            "there is no letter or digit in this query to search for", text, len(plain) - len(plain.lstrip())
        )
    constraint = both(builder.constraints + conditions)
    if constraint is not None and depth_of(constraint) > MAX_TREE_DEPTH:
        raise QueryError(f"this query is nested more than {MAX_TREE_DEPTH} deep; split it", text)
    return ParsedQuery(
        text,
        constraint,
        tuple(builder.free),
        builder.scoring_words(),
        builder.encoder_text(),
        tuple(dict.fromkeys(notes)),
        tuple(dict.fromkeys(builder.patterns)),
    )


def filter_trees(filters: Filters, now: datetime) -> list[Node]:
    """One tree for each filter that is set: dates, sources, authors, sections, languages, and the tree of comparisons.
    An empty list meets nothing.

    Raises QueryError for a date that cannot be read or a value without a word, UsageError for a comparison that cannot
    be served.
    """
    conditions: list[Node] = []
    first = last = None
    if filters.since is not None:
        first = _filter_date("since", filters.since, now).first
    if filters.until is not None:
        last = _filter_date("until", filters.until, now).last
    if filters.since is not None and filters.until is not None and not dates.in_order(first, last):
        raise QueryError(f"since {filters.since} lies after until {filters.until}; exchange them").about(
            "since", "until"
        )
    if first is not None or last is not None:
        conditions.extend(members(And, fields.range_tree(first, last)))
    for field, name in (("source", "sources"), ("by", "authors"), ("section", "sections"), ("lang", "languages")):
        if (values := getattr(filters, name)) is not None:
            conditions.append(_any_value(field, values, name))
    if filters.conditions is not None:
        try:
            conditions += members(And, comparisons.node(filters.conditions, now))
        except UsageError as error:
            raise error.about("conditions") from None
    return conditions


def _filter_date(name: str, text: str, now: datetime) -> dates.Period:
    try:
        return dates.period(text, now)
    except QueryError as error:
        raise QueryError(f"{name}: {error}", text, error.position).about(name) from None


def _any_value(field: str, values: Any, name: str) -> Node:
    # A lone string is one value, not a sequence of letters.
    texts = [values] if isinstance(values, str) else list(values)
    for text in texts:
        if not fields.has_word(text):
            raise QueryError(f"the {field} filter has a value without a letter or digit: {text!r}").about(name)
    trees: list[Node] = [fields.named(field, text, whole=False) for text in texts]
    if not trees:
        return Nothing()
    return joined(Or, trees)


def _balanced(scanned: list[Token]) -> bool:
    depth = 0
    for token in scanned:
        if token.kind is Kind.OPEN:
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth -= 1
            if depth < 0:
                return False
    return depth == 0


def _is_prose(scanned: list[Token]) -> bool:
    """Whether nothing but parentheses could be query language: then a lone one, as in "1) first", is punctuation."""
    return all(
        token.kind in (Kind.OPEN, Kind.CLOSE) or (token.kind is Kind.WORD and not words.is_special(token))
        for token in scanned
    )


def _is_headline(text: str, tokens: list[Token]) -> bool:
    """Whether a query with AND, OR or NOT is one pasted in capitals: three words or more, and no other syntax."""
    names = [text[token.start : token.end] for token in tokens if token.kind in _BOOLEAN]
    near = [token for token in tokens if token.kind is Kind.NEAR and text[token.start : token.end] == "NEAR"]
    return (
        bool(names or (near and len(tokens) >= _FEW))
        and len(tokens) > 2
        and not any(character.islower() for character in text)
        and all(name in _NAMES for name in names)
        and all(
            token.kind in _BOOLEAN or token in near or (token.kind is Kind.WORD and not words.is_special(token))
            for token in tokens
        )
    )


def _likely_operator(tokens: list[Token]) -> str | None:
    """What to say of a small "not" or "or" among so few words, all telling, that it may be meant as an operator."""
    if not 2 < len(tokens) <= _FEW or any(token.kind is not Kind.WORD for token in tokens):
        return None
    words = [token.text.lower() for token in tokens if token.text.lower() not in ("and", "but")]
    small = [word for word in words if word in ("not", "or")]
    telling = [word for word in words if word not in STOP_WORDS]
    if len(small) != 1 or len(telling) + 1 != len(words) or words[-1] in small or words[0] == "or":
        return None
    said = next(token.text for token in tokens if token.text.lower() == small[0])
    if small == ["not"]:
        return f"'{said}' was read as a word; to leave out what follows, write NOT, or - before it"
    return f"'{said}' was read as a word; for either of two, write OR"


def _as_punctuation(token: Token) -> Token:
    if token.kind is Kind.WORD:
        return token
    return Token(Kind.WORD, token.start, token.end, "", literal=True)
