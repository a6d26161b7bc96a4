"""What is to be said of an answer: what was named and is not there, what dates leave out, what was likely meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from search.engine.nearest import nearest
from search.engine.plan import Plan
from search.engine.view import Scope, View
from search.records import Mode, Sort
from search.records.numbers import counted
from search.storage.columns import MISSING_DAY

if TYPE_CHECKING:
    from search.keyword.tree import Id, Node, Value
    from search.query import ParsedQuery

_FEW = 3  # words of a query in which a rare one weighs, so that a commoner spelling of it is looked for
_KINDS = {"by": "author", "authors": "author"}
_NAMED = ("source", "section", "agency", "language", "author")
_MOST = 20  # names that are looked up
_MOST_WORDS = 8  # that no article has, told by name
# A field of the words that are looked at, before a word of a query.
_IN_TEXT = "|".join(f"(?<={name}:)" for name in ("title", "text", "headline", "body"))
_BETWEEN = frozenset({"versus", "vs", "vs."})  # stand between what is compared


def remarks(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of the names and dates that a query sets, in sentences."""
    if plan.query.constraint is None:
        return _of_ages(view, plan, scope)
    names = [name.note for name in _unknown(view, plan.query, scope)]
    return [
        *names,
        *_dates(view, plan, scope),
        *_nothing_yet(view, plan, scope),
        *view.hidden(plan.as_of),
        *_ageless(view, plan, scope),
    ]


def of_counts(view: View, plan: Plan, scope: Scope) -> tuple[str, ...]:
    """What is to be said of a match set to those who count it: also what was read otherwise, and which words the
    archive does not know."""
    did_you_mean, spellings = suggestion(view, plan, scope)
    if did_you_mean is not None:
        spellings = [*spellings, f"did you mean: {did_you_mean}"]
    return (*plan.query.notes, *remarks(view, plan, scope), *spellings)


def suggestion(view: View, plan: Plan, scope: Scope) -> tuple[str | None, list[str]]:
    """The query with each word and name that the archive does not know replaced, or None; and what is to be said of
    words that are written otherwise far more often."""
    query, words = plan.query, scope.words
    text, notes = query.text, []
    asked = dict.fromkeys((*query.words, *_required(query)))
    of_dates = cache(lambda: _of_dates(view, plan))
    for word in asked:
        better = words.suggest(word)
        if better is not None and word.lower() in of_dates():
            continue  # "May" in "5 May 2020" is no misspelling
        if better is not None:  # not inside other words, fields, patterns or what is left out
            quotes = "" if word in query.words else '"'
            alone = rf"""(?:(?<![\w:'-])|{_IN_TEXT}){re.escape(word)}(?![\w:'*?~-])"""
            if not quotes:
                alone = rf"""(?<![\w:"'-]){re.escape(word)}(?![\w:"'*?~-])"""
            text = re.sub(alone, better.replace("\\", r"\\"), text)
        elif len(asked) <= _FEW and (usual := words.usual(word)) is not None:
            own, other, count = usual
            notes.append(f"{_articles(count)} {other!r}, {own:,} {word!r}; did you mean {other}?")
    notes += _lacking(plan, scope, list(asked), of_dates)
    for name in _unknown(view, query, scope) if query.constraint is not None and not scope.mask.any() else ():
        if name.near is not None:
            quoted = f'"{name.near}"' if " " in name.near else name.near
            written = rf'"?(?<!\w){re.escape(name.text)}(?!\w)"?'
            text = re.sub(written, quoted.replace("\\", r"\\"), text)
    return (text if text != query.text else None), notes


def _lacking(plan: Plan, scope: Scope, asked: Sequence[str], of_dates: Callable[[], set[str]]) -> list[str]:
    """What is to be said of words, misspellings and patterns that no visible article has; not of those ``of_dates``."""
    if plan.mode is Mode.VECTOR or not scope.visible.any():
        return []
    lacking = [word for word in asked if word.lower() not in _BETWEEN and scope.words.lacks(word)]
    if lacking:  # "May" in "5 May 2020" is none of its words
        lacking = [word for word in lacking if word.lower() not in of_dates()]
    like = [one.written for one in plan.query.patterns if not scope.words.match(cast("Node", one)).any()]
    if not lacking and not like:
        return []
    shown = [repr(word) for word in (*lacking, *like)]
    more = len(shown) - _MOST_WORDS
    if more > 0:
        return [f"no article has {', '.join(shown[:_MOST_WORDS])} or {more:,} more of the words"]
    *first, last = shown
    return [f"no article has {', '.join(first)} or {last}" if first else f"no article has {last}"]


def _of_dates(view: View, plan: Plan) -> set[str]:
    """The words of the dates that a query names."""
    from search.query import named

    text = plan.query.text
    days = named.days(text, plan.now, view.analysis.languages)
    return set(" ".join(text[date.start : date.end] for date in days).lower().split())


class Unknown(NamedTuple):
    """A name that a query sets and no article has: as written, and the name that may be meant."""

    text: str
    near: str | None
    note: str


def _unknown(view: View, query: ParsedQuery, scope: Scope) -> Iterator[Unknown]:
    """The names in a query that no visible article has. Where something was found, those that must be there are."""
    from search.keyword.tree import Id

    nothing = not scope.mask.any()
    for group, required in list(_names(query.constraint))[:_MOST]:
        if (required and not nothing) or any(scope.words.match(node).any() for node in group):
            continue
        node = group[-1]
        if isinstance(node, Id):
            missing = [written for written in node.ids if view.ordinal(written) is None]
            yield from (Unknown(written, None, f"there is no article with the id {written}") for written in missing)
            continue
        near = nearest(node.text, _known(view, node.field))
        meant = f"; did you mean {near}?" if near else ""
        kind = _KINDS.get(node.field, node.field)
        yield Unknown(node.text, near, f"there is no {kind} of that name: {node.text}{meant}")


def _names(constraint: Node | None) -> Iterator[tuple[list[Value | Id], bool]]:
    """The names in a query, and whether an article must have them; those of one language together."""
    from search.keyword.tree import And, Id, Not, Or, Value

    stack = [] if constraint is None else [(constraint, True)]
    while stack:
        node, required = stack.pop()
        if isinstance(node, Value | Id):
            yield [node], required
        elif isinstance(node, Or) and all(
            isinstance(child, Value) and child.field == "language" for child in node.children
        ):
            yield [child for child in node.children if isinstance(child, Value)], required
        elif isinstance(node, And):
            stack += [(child, required) for child in reversed(node.children)]
        elif isinstance(node, Or | Not):
            stack += [(child, False) for child in reversed(node.children)]


def _required(query: ParsedQuery) -> list[str]:
    """The words of a query's conditions that are no free ones; not those that it excludes."""
    if query.constraint is None:
        return []
    from search.keyword.tree import And, AtLeast, Or, Pair, Word

    words: list[str] = []
    stack = [query.constraint]
    while stack:
        node = stack.pop()
        if isinstance(node, And | Or | Pair | AtLeast):
            stack += node.children
        elif isinstance(node, Word):
            words += node.text.split()
    return words


def _known(view: View, field: str) -> list[str]:
    """The names that a field has in articles that are there."""
    column = "author" if field in ("by", "authors") else field
    if column not in _NAMED:
        return []
    return [name for name, _ in view.count_names((column,), view.snapshot.live, None).values]


def _articles(count: int) -> str:
    return "1 article has" if count == 1 else f"{count:,} articles have"


def _dates(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of the dates that a query sets: what they leave out, or that they leave nothing."""
    from search.keyword.tree import And, both, members
    from search.query.drilldown import date_conditions

    constraint = plan.query.constraint
    assert constraint is not None
    notes = []
    undated = scope.visible & (view.columns.day == MISSING_DAY)
    if undated.any() and (without := _without_dates(constraint)) != constraint:
        undated &= scope.words.match(without) & ~scope.matched
        if plan.query.words:
            undated &= scope.words.match_words(plan.query.words)
        count = int(np.count_nonzero(undated))
        if count:
            notes.append(
                f"{counted(count, 'article')} without a date cannot be among these; date:none finds such articles"
            )
    dated = both([node for node in members(And, constraint) if _is_date(node)])
    if dated is None or scope.mask.any():
        return notes
    _, first, last = date_conditions(constraint)
    days = view.columns.day[scope.visible & (view.columns.day != MISSING_DAY)]
    if first is not None and last is not None and first > last:
        notes.append("no day meets all the dates of this query")
    elif len(days) and first is not None and first > int(days.max()):
        notes.append(f"the newest article is of {date.fromordinal(int(days.max()))}")
    elif len(days) and last is not None and last < int(days.min()):
        notes.append(f"the oldest article is of {date.fromordinal(int(days.min()))}")
    elif len(days) and not scope.words.match(dated).any():
        notes.append("no article is of these days")
    return notes


def _without_dates(node: Node, wanted: bool = True) -> Node:
    """A condition with every date that is wanted, not excluded, met."""
    from search.keyword.tree import And, DayRange, Every, InstantRange, Not, Or

    if isinstance(node, DayRange | InstantRange):
        return Every() if wanted else node
    if isinstance(node, Not):
        return Not(_without_dates(node.item, not wanted))
    if isinstance(node, And | Or):
        return type(node)([_without_dates(child, wanted) for child in node.children])
    return node


def _is_date(node: Node) -> bool:
    """Whether a condition is about dates alone."""
    from search.keyword.tree import And, DayRange, InstantRange, Or

    if isinstance(node, And | Or):
        return all(map(_is_date, node.children))
    return isinstance(node, DayRange | InstantRange)


def _of_ages(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of an instant to look from, and of articles that have no age."""
    return [*_nothing_yet(view, plan, scope), *view.hidden(plan.as_of), *_ageless(view, plan, scope)]


def _ageless(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of matching articles without a date where age counts."""
    if plan.request.recency is None or plan.request.sort is not Sort.RELEVANCE:
        return []
    undated = int(np.count_nonzero(scope.matched & (view.columns.day == MISSING_DAY)))
    if not undated:
        return []
    articles = "1 article without a date counts" if undated == 1 else f"{undated:,} articles without a date count"
    return [f"{articles} as old as the median of the others"]


def _nothing_yet(view: View, plan: Plan, scope: Scope) -> list[str]:
    """Of an instant before which nothing was published, when the first article was."""
    if plan.as_of is None or scope.visible.any():
        return []
    days = view.columns.day[view.snapshot.live & (view.columns.day != MISSING_DAY)]
    return [f"the oldest article is of {date.fromordinal(int(days.min()))}"] if len(days) else []
