"""Dates that a text names in languages other than English: "im März 2021", "desde marzo de 2021", "मार्च 2021 में"."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from search.keyword.tree import DayRange
from search.query.named.disjoint import Disjoint
from search.query.named.mentions import DateMention
from search.text.languages.calendars import Calendar, Dated, may_have
from search.text.languages.detect import of_query
from search.text.languages.language import Language
from search.text.languages.scripts import script_of

_WRITTEN_WITH = {"Han": ("Kana", "Han"), "Kana": ("Kana", "Han"), "Hangul": ("Hangul",)}
_YEARS_BACK = 9  # of a 29 February


def days(text: str, now: datetime, languages: Iterable[Language]) -> list[DateMention]:
    """The periods that a text names in any of some languages, relative to ``now``, in order and disjoint: where two
    overlap, the longer. What lacks its year is the last one before ``now``."""
    found: list[DateMention] = []
    for language in _may_be(text, languages):
        calendar = language.calendar
        if calendar is not None and may_have(text, calendar):
            found += _mentions(text, calendar, now)
    taken = Disjoint()
    longest = [one for one in sorted(found, key=lambda one: one.start - one.end) if taken.take(one.start, one.end)]
    return sorted(longest, key=lambda one: one.start)


def _may_be(text: str, languages: Iterable[Language]) -> list[Language]:
    """Those that are written in a script of the text; of Latin letters none where its words are plainly English."""
    scripts = {script_of(letter) for letter in set(text) if letter.isalpha()}
    some = [one for one in languages if scripts.intersection(_WRITTEN_WITH.get(one.script, (one.script,)))]
    latin = [one.code for one in some if one.script == "Latin"]
    if latin and of_query(text.split(), ["en", *latin]) == "en":
        some = [one for one in some if one.script != "Latin"]
    return some


def _mentions(text: str, calendar: Calendar, now: datetime) -> Iterator[DateMention]:
    dated = calendar.dates(text)
    place = 0
    while place < len(dated):
        one, size = dated[place], 1
        other = dated[place + 1] if place + 1 < len(dated) else None
        try:
            if other is not None and _through(text, one, other, calendar):
                periods, size = _between(one, other, now), 2
            else:
                periods = _alone(one, now)
        except (ValueError, OverflowError):  # no calendar has it
            periods = ()
        if periods:
            ends = dated[place : place + size]
            told = any(end.year is not None and end.month is not None for end in ends)
            yield DateMention(one.start, ends[-1].end, periods, dates_only=told)
        place += size


def _through(text: str, one: Dated, other: Dated, calendar: Calendar) -> bool:
    """Whether the two are the ends of one period."""
    if one.first is not None or calendar.joins.fullmatch(text, one.tail, other.core) is None:
        return False
    told = one.role in ("begins", "since", "within") or "-" in text[one.tail : other.core]
    return told and (one.day is None) == (other.day is None)


def _between(one: Dated, other: Dated, now: datetime) -> tuple[DayRange, ...]:
    year = other.year or one.year or _last_year(other, now)
    last = _span(other, year)
    first = _span(one, one.year or year)
    if first[0] > last[1] and one.year is None:  # from November to March 2021
        first = _span(one, year - 1)
    return (DayRange(first[0], last[1]),) if first[0] <= last[1] else ()


def _alone(one: Dated, now: datetime) -> tuple[DayRange, ...]:
    if one.year is None and one.day is None and one.role in ("", "begins"):
        return ()
    first, last = _span(one, one.year or _last_year(one, now))
    if one.first is not None:  # "dal 3 al 5 marzo" begins as "dal 3 marzo" does
        return (DayRange(first, last),)
    if one.role == "since":
        return (DayRange(first, None),)
    if one.role == "after":
        return (DayRange(last + timedelta(days=1), None),)
    if one.role == "before":
        return (DayRange(None, first - timedelta(days=1)),)
    if one.role == "until":
        return (DayRange(None, last),)
    return (DayRange(first, last),)


def _last_year(one: Dated, now: datetime) -> int:
    """The last year in which it lies before the present. Raises ValueError where there is none."""
    for year in range(now.year, now.year - _YEARS_BACK, -1):
        try:
            if _span(one, year)[0] <= now.date():
                return year
        except ValueError:  # 29 February
            continue
    raise ValueError


def _span(one: Dated, year: int) -> tuple[date, date]:
    """Its first and last day. Raises ValueError where no calendar has them."""
    if one.month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if one.day is None:
        return date(year, one.month, 1), date(year, one.month, monthrange(year, one.month)[1])
    last = date(year, one.month, one.day)
    first = last if one.first is None else date(year, one.month, one.first)
    if first > last:
        raise ValueError
    return first, last
