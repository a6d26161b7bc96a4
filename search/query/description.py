"""A parsed query in words, for ``--explain-query``."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime

from search.keyword import tree as nodes
from search.keyword.tree import And, Every, Foreign, Node, Not, Nothing, Or, members
from search.query.dates import MONTHS
from search.query.parsed import ParsedQuery

_PLACES = {"title": "the title", "caption": "the caption", "text": "the text"}
_TERMS = (nodes.Word, nodes.Exact, nodes.Wildcard, nodes.Fuzzy)
_OF_TEXT = (*_TERMS, nodes.Near, nodes.SameSentence, nodes.SameParagraph, nodes.AtLeast)
_NAMED = {
    "source": "from {}",
    "by": "by {}",
    "authors": "by {}",
    "agency": "of the agency {}",
    "section": "in the section {}",
    "dateline": "datelined {}",
    "language": "in the language {}",
}


def describe(parsed: ParsedQuery) -> str:
    """What the query asks for, in one line of plain English."""
    articles = "all articles" if parsed.constraint is None else _article(parsed.constraint)
    if parsed.scoring:
        ranking = (term if isinstance(term, str) else term.written for term in parsed.scoring)
        return f"{articles}, ranked by: {' '.join(ranking)}"
    return f"{articles}, newest first"


def _article(tree: Node) -> str:
    return "articles " + ", ".join(_conditions(members(And, tree)))


_DATED = nodes.DayRange(None, None)


def _conditions(trees: Sequence[Node]) -> list[str]:
    """The conditions of an AND in order; single words together, at the place of the first."""
    terms = [tree for tree in trees if isinstance(tree, _TERMS)]
    phrases = []
    for tree in trees:
        if not isinstance(tree, _TERMS):
            phrases.append(condition(tree))
        elif tree is terms[0]:
            phrases.append(f"with {_list([_words(term) for term in terms], 'and')}")
    return phrases


def condition(tree: Node) -> str:
    """A predicate of an article, to follow "articles": "with 'x' and 'y'", "from BBC", "published in 2025"."""
    if isinstance(tree, _OF_TEXT):
        return f"with {_words(tree)}"
    if isinstance(tree, nodes.Value):
        return _NAMED[tree.field].format(_name(tree))
    if tree == _DATED:
        return "with a date"
    if isinstance(tree, nodes.DayRange):
        return f"published {_days(tree.start, tree.end)}"
    if isinstance(tree, nodes.InstantRange):
        return f"published {_instants(tree.start, tree.end)}"
    if isinstance(tree, nodes.Length):
        return f"of {_length(tree.minimum, tree.maximum)}"
    if isinstance(tree, nodes.Id):
        return f"whose id is {_list([repr(i) for i in tree.ids], 'or')}"
    if isinstance(tree, nodes.Listed):
        return f"in the collection {tree.name}"
    if isinstance(tree, Not):
        return _without(tree.item)
    if isinstance(tree, Every):
        return "of any kind"
    if isinstance(tree, Foreign):
        return f"that Whoosh finds with {tree.query!r}"
    if isinstance(tree, Nothing):
        return "that meet an empty list of values (none can)"
    return _both(tree) if isinstance(tree, And) else _either(tree)


def _both(tree: Node) -> str:
    return _list(_conditions(tree.children), "and")


def _either(tree: Node) -> str:
    children = tree.children
    if all(isinstance(child, _OF_TEXT) for child in children):
        return f"with {_list([_words(child) for child in children], 'or')}"
    values = [child for child in children if isinstance(child, nodes.Value)]
    if len(values) == len(children) and len({value.field for value in values}) == 1:
        return _NAMED[values[0].field].format(_list([_name(value) for value in values], "or"))
    return "either " + _list(
        [f"({_both(child)})" if isinstance(child, And) else condition(child) for child in children], "or"
    )


def _without(tree: Node) -> str:
    if tree == _DATED:
        return "without a date"
    if isinstance(tree, _OF_TEXT):
        return f"without {_words(tree)}"
    if isinstance(tree, Or) and all(isinstance(child, _OF_TEXT) for child in tree.children):
        return f"without {_list([_words(child) for child in tree.children], 'or')}"
    if isinstance(tree, And | Or | Not):
        return f"not ({condition(tree)})"
    return f"not {condition(tree)}"


def _words(tree: Node) -> str:
    """A thing in the text: "'x' within 5 words of 'y'"."""
    if isinstance(tree, nodes.Near):
        left, right = _operand(tree.left), _operand(tree.right)
        count = "1 word" if tree.distance == 1 else f"{tree.distance} words"
        if tree.ordered:
            return f"{left} directly before {right}" if tree.distance == 1 else f"{left} at most {count} before {right}"
        return f"{left} within {count} of {right}"
    if isinstance(tree, nodes.SameSentence | nodes.SameParagraph):
        unit = "sentence" if isinstance(tree, nodes.SameSentence) else "paragraph"
        return f"{_list([_operand(item) for item in _chain(tree, type(tree))], 'and')} in one {unit}"
    if isinstance(tree, nodes.AtLeast):
        count = "once" if tree.count == 1 else f"{tree.count} times"
        return f"{_operand(tree.child)} at least {count}"
    return _term(tree)


def _term(tree: Node) -> str:
    if isinstance(tree, Or):
        return _list([_operand(child) for child in tree.children], "or")
    assert isinstance(tree, _TERMS)
    where = f" in {_PLACES.get(tree.field, tree.field)}" if tree.field is not None else ""
    if isinstance(tree, nodes.Exact):
        return f"exactly '{tree.text}'{where}"
    if isinstance(tree, nodes.Wildcard):
        return f"words like {tree.pattern}{where}"
    if isinstance(tree, nodes.Fuzzy):
        letters = "1 letter" if tree.distance == 1 else f"{tree.distance} letters"
        return f"words {letters} or less from '{tree.text}'{where}"
    return f"'{tree.text}'{where}"


def _operand(tree: Node) -> str:
    """Something in the text as part of a longer phrase: in parentheses where it has parts of its own."""
    words = _words(tree)
    return words if isinstance(tree, _TERMS) else f"({words})"


def _chain(tree: Node, kind: type[nodes.Pair]) -> Sequence[Node]:
    """The members of "a w/s b w/s c"."""
    right: list[Node] = []
    while isinstance(tree, kind):
        right.append(tree.right)
        tree = tree.left
    return [tree, *reversed(right)]


def _name(value: nodes.Value) -> str:
    return f"exactly {value.text}" if value.whole else value.text


def _length(minimum: int | None, maximum: int | None) -> str:
    if minimum is None:
        return f"at most {maximum:,} words"
    if maximum is None:
        return f"at least {minimum:,} words"
    return f"{minimum:,} words" if minimum == maximum else f"{minimum:,} to {maximum:,} words"


def _days(start: date | None, end: date | None) -> str:
    if start is None:
        return f"up to {_day(end)}"
    if end is None:
        return f"since {_day(start)}"
    if start == end:
        return f"on {_day(start)}"
    if start.year == end.year and start.day == 1 and end.day == monthrange(end.year, end.month)[1]:
        if start.month == end.month:
            return f"in {MONTHS[start.month - 1].title()} {start.year}"
        if (start.month, end.month) == (1, 12):
            return f"in {start.year}"
        if start.month % 3 == 1 and end.month == start.month + 2:
            return f"in Q{end.month // 3} {start.year}"
    return f"from {_day(start)} to {_day(end)}"


def _day(day: date | None) -> str:
    return "any day" if day is None else f"{day.day} {MONTHS[day.month - 1].title()} {day.year}"


def _instants(start: datetime | None, end: datetime | None) -> str:
    if start is None:
        return f"up to {_instant(end)}"
    if end is None:
        return f"since {_instant(start)}"
    return f"at {_instant(start)}" if start == end else f"from {_instant(start)} to {_instant(end)}"


def _instant(moment: datetime | None) -> str:
    if moment is None:
        return "any time"
    moment = moment.astimezone(UTC)
    exact = moment.time().isoformat("minutes" if not moment.second and not moment.microsecond else "auto")
    return f"{_day(moment.date())} {exact} UTC"


def _list(parts: list[str], word: str) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"
