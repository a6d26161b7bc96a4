"""The periods that a question asks about: what its dates mean beside each other and behind their prepositions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from search.keyword.tree import DayRange
from search.query.named.forms import Named, named
from search.query.named.mentions import DateMention
from search.query.named.periods import Span

Periods = tuple[DayRange, ...]
"""Days that any of the periods has."""

_EDGE = r"(?: (?:the )?(?:very )?(?P<edge>end|start|beginning) of)?"
_LEAD = re.compile(
    r"(?<![\w-])(?P<lead>before (?:and|or) after|between|from|since|after|before|until|till|by|up to|in|during|on|of"
    rf"|for|over|within|throughout|at){_EDGE}(?: the)? $",
    re.I,
)
_WEEK = re.compile(r"(?<!\w)(?P<what>week|weekend) (?:(?P<how>of|beginning|starting|ending)(?: on)? )(?:the )?$", re.I)
_BOUNDS = frozenset({"since", "after", "before", "until", "till", "by", "up to"})
_BOTH = frozenset({"before and after", "before or after"})
_ENDS = _BOUNDS | {"from", "between"}
_WITHIN = frozenset({"in", "during", "of", "for", "over", "within", "throughout"})
_NEEDS = {
    "day": _ENDS | _WITHIN | {"on"},
    "month": _ENDS | _WITHIN,
    "quarter": _ENDS | _WITHIN,
    "year": _ENDS | {"in", "during", "of", "throughout"},
    "weekday": _ENDS | {"on", "of"},
    "weekend": _ENDS | {"on", "over", "at", "during"},
    "now": frozenset(),
}  # the prepositions that make one a date
_THROUGH = re.compile(rf" ?[-–] ?|\.\.| (?:to|until|till|through|thru|up to){_EDGE}(?: the)? ", re.I)
_BETWEEN = re.compile(rf",? and{_EDGE}(?: the)? ", re.I)
_AND = re.compile(r"(?:,? (?:and|or|&|as well as|versus|vs\.?|to)(?: also| again| later)?|,) (?:the )?| ?/ ?", re.I)
_JOINED = 12  # dates in a row that can share a year
_FROM_A_PAPER = re.compile(
    r"\b(?:article|report|stor(?:y|ie)|piece|column|editorial|letter|headline|new|coverage|account)s? from (?:the )?$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Item:
    """A period said, or two that are the ends of one, with the preposition before it: what ``start`` begins with."""

    start: int
    lead: str
    edge: str
    one: Named


def days(question: str, now: datetime) -> list[DateMention]:
    """The periods that the question names, relative to ``now``, in order and disjoint.

    A year alone, a month or a weekday without more needs a preposition ("in 2024", "since May") or another date beside
    it ("in 2024 and 2025"), and what could be another word its capital ("May"). What lacks its year has that of the
    date it is joined to ("October and November 2024"), else it is the last one before ``now``. Every start and end is
    included, except "before" and "after", which leave out what they name.
    """
    items = [_item(question, _widened(question, one)) for one in named(question, now)]
    links = [_link(question, one, other) for one, other in pairwise(items)]
    for place in range(1, len(links)):
        if links[place] == links[place - 1] == "through":  # from A to B to C
            links[place] = ""
    spans = _dated(items, links, now)
    mentions: list[DateMention] = []
    place, counted = 0, False
    while place < len(items):
        item, size = items[place], 1
        beside = place > 0 and links[place - 1] == "and" and counted and items[place - 1].one.kind == item.one.kind
        if place < len(links) and links[place] == "through":
            size, counted = 2, True
            edge = _THROUGH.fullmatch(question, item.one.end, items[place + 1].one.start) or _BETWEEN.fullmatch(
                question, item.one.end, items[place + 1].one.start
            )
            periods = _range(item, spans[place], spans[place + 1], edge["edge"] if edge else None)
        else:
            counted = item.one.firm or bool(item.lead) or beside or (item.one.open and _leads_on(items, links, place))
            periods = _around(question, item, spans[place]) if counted else ()
        if periods:
            ends = range(place, place + size)
            only = all(_dates_only(question, items[at].one, spans[at]) for at in ends)
            mentions.append(DateMention(item.start, items[ends[-1]].one.end, periods, only))
        place += size
    return mentions


def together(mentioned: Sequence[Periods]) -> Periods:
    """What several mentions ask for: any of their periods, but between two open ends what these leave between them."""
    unique = list(dict.fromkeys(mentioned))
    bounds = [(periods[0].start, periods[0].end) for periods in unique if len(periods) == 1]
    starts = [start for start, end in bounds if start is not None and end is None]
    ends = [end for start, end in bounds if end is not None and start is None]
    if starts and ends and max(starts) <= min(ends):  # since March and before June
        unique = [periods for periods in unique if len(periods) > 1 or None not in (periods[0].start, periods[0].end)]
        unique.append((DayRange(max(starts), min(ends)),))
    return tuple(period for periods in unique for period in periods)


def _dates_only(question: str, one: Named, spans: tuple[Span, ...]) -> bool:
    """Whether the words of a period are no name of what happened then: a day, month or quarter of a year that is said,
    or what is told from the present."""
    said = not one.open or any(str(day.year) in question for span in spans for day in span)
    return said and one.kind not in ("year", "decade")


def _widened(question: str, one: Named) -> Named:
    """ "The week of 7 October" is a week."""
    match = _WEEK.search(question[max(0, one.start - 40) : one.start])
    if match is None or one.kind != "day":
        return one

    def spans(year: int | None) -> tuple[Span, ...]:
        first, last = one.spans(year)[0]
        if match["what"].lower() == "weekend":
            first += timedelta(days=5 - first.weekday())
            return ((first, first + timedelta(days=1)),)
        if match["how"].lower() == "of":
            first -= timedelta(days=first.weekday())
        elif match["how"].lower() == "ending":
            first = last - timedelta(days=6)
        return ((first, first + timedelta(days=6)),)

    return replace(one, start=one.start - len(match[0]), firm=True, spans=spans)


def _item(question: str, one: Named) -> _Item:
    before = max(0, one.start - 48)
    match = _LEAD.search(question[before : one.start])
    lead = "" if match is None else match["lead"].lower()
    needs = _NEEDS.get(one.kind)
    if match is None or (needs is not None and lead not in needs and not one.firm):
        return _Item(one.start, "", "", one)
    if one.kind == "weekday" and match[0].lower().endswith("the ") and not one.firm:  # in the Sunday papers
        return _Item(one.start, "", "", one)
    return _Item(before + match.start(), lead, (match["edge"] or "").lower(), one)


def _link(question: str, one: _Item, other: _Item) -> str:
    """ "through" where the two are the ends of a period, "and" where both are meant, else nothing."""
    said = question[one.one.end : other.one.start]
    kinds = (one.one.kind, other.one.kind)
    led = bool(one.lead) and one.lead not in _BOUNDS | _BOTH
    sure = kinds == ("day", "day") or (
        (one.one.firm or other.one.firm) and all(kind in ("day", "month", "quarter") for kind in kinds)
    )
    compared = one.lead != "from" and " to " in said and re.search("compar|contrast", question[: one.start], re.I)
    if (led or sure) and not compared and _THROUGH.fullmatch(said):
        return "through"
    if one.lead == "between" and _BETWEEN.fullmatch(said):
        return "through"
    joined = question[one.one.end : other.start]
    if not _AND.fullmatch(joined) or (" to " in joined and not compared) or "now" in kinds:
        return ""
    if joined == ", " and not (other.one.firm or other.lead or one.one.kind == other.one.kind):
        return ""
    return "and"


def _leads_on(items: Sequence[_Item], links: Sequence[str], place: int) -> bool:
    """Whether what it is joined to is surely a date: the first two of "September, October and November 2024"."""
    at = place
    while at < min(len(links), place + _JOINED) and links[at] == "and" and items[at + 1].one.kind == items[at].one.kind:
        at += 1
        if items[at].one.firm:
            return True
    return False


def _dated(items: Sequence[_Item], links: Sequence[str], now: datetime) -> list[tuple[Span, ...]]:
    """The spans of each: its year its own, that of the next or the last one joined to it, or the last there was."""
    found: list[tuple[Span, ...]] = []
    for place in range(len(items)):
        try:
            found.append(_spans(items, links, place, now))
        except ValueError:
            found.append(())
    return found


def _spans(items: Sequence[_Item], links: Sequence[str], place: int, now: datetime) -> tuple[Span, ...]:
    one = items[place].one
    if not one.open:
        return one.spans(None)
    for step in (1, -1):
        at = place
        while 0 <= at + step < len(items) and links[min(at, at + step)] and abs(at - place) < _JOINED:
            near = min(at, at + step)
            at += step
            other = items[at].one
            if other.year is None or other.kind not in ("day", "month", "quarter"):
                continue
            return _beside(one, other, step, links[near] == "through")
    for year in range(now.year, max(now.year - 9, 0), -1):
        try:
            last = one.spans(year)
        except ValueError:  # 29 February
            continue
        if last[0][0] <= now.date():
            return last
    return ()


def _beside(one: Named, other: Named, step: int, through: bool) -> tuple[Span, ...]:
    """In the year of the other, or in the next to it: "December and January 2025" are a month apart."""
    year = other.year or 0
    there, here = other.spans(None), one.spans(year)
    ahead = (there[0][0] - here[0][0]).days * step  # negative: in the order said, they run backwards
    if ahead < 0 and (through or ahead < -200):
        return one.spans(year - step)
    return here


def _range(item: _Item, a: tuple[Span, ...], b: tuple[Span, ...], edge: str | None) -> Periods:
    if not a or not b:
        return ()
    if len(a) == len(b) > 1:  # between 1/10/2024 and 5/10/2024, whichever way that is
        return _any([(s, e) for (s, _), (_, e) in zip(a, b, strict=True) if s <= e])
    first, last = min(s for s, _ in a), max(e for _, e in b)
    if item.edge == "end":
        first = max(e for _, e in a)
    if edge and edge.lower() != "end":
        last = min(s for s, _ in b)
    if first > last and item.one.kind == "weekday":
        first -= timedelta(days=7)
    elif first > last and item.one.open:
        try:
            first = item.one.spans(first.year - 1)[0][0]
        except ValueError:
            return ()
    elif first > last:  # said the other way round
        first, last = min(s for s, _ in b), max(e for _, e in a)
    return (DayRange(first, last),) if first <= last else ()


def _any(spans: Iterable[Span]) -> Periods:
    return tuple(DayRange(first, last) for first, last in dict.fromkeys(spans))


def _around(question: str, item: _Item, spans: tuple[Span, ...]) -> Periods:
    if not spans or item.lead in _BOTH:
        return ()
    said = question[item.one.start : item.one.end].lower()
    several = item.one.kind == "day" and spans[0][0] != spans[0][1]
    within = item.lead == "from" and (
        item.one.kind == "past"
        or several
        or " to " in said
        or _FROM_A_PAPER.search(question[max(0, item.start - 24) : item.one.start])
    )
    if within or item.lead not in (*_BOUNDS, "from"):
        return _any(spans)
    first, last = min(s for s, _ in spans), max(e for _, e in spans)
    if item.edge == "end":
        first = last
    elif item.edge:
        last = first
    try:
        if item.lead in ("since", "from"):
            return (DayRange(first, None),)
        if item.lead == "after":
            return (DayRange(last + timedelta(days=1), None),)
        if item.lead == "before":
            return (DayRange(None, last if item.edge == "end" else first - timedelta(days=1)),)
    except OverflowError:
        return ()
    return (DayRange(None, last),)
