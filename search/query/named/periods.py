"""What the words for a period mean: from the match of a form to first and last days."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta

from search.query import dates

Span = tuple[date, date]
"""First and last day, both included."""

Read = Callable[[re.Match[str], int, datetime], tuple[Span, ...]]
"""The spans that a match names, given a year where it says none, and the present. Raises ValueError where the calendar
has no such day, QueryError or OverflowError where it lies outside the years 1 to 9999, NotOne where it is no period."""

THROUGH = r"(?: ?[-–] ?| (?:to|through|thru|until|till) (?:the )?)"
ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
ORDINALS |= {"opening": 1, "last": 0, "final": 0, "closing": 0}
ORDINAL = rf"(?:{'|'.join(ORDINALS)})"
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_NUMBERS |= {"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50}
_NUMBERS |= {"a": 1, "an": 1, "couple": 2, "few": 4, "several": 6, "dozen": 12}  # rather too many than too few
NUMBER = rf"(?:[0-9]{{1,4}}|(?:a )?couple(?: of)?|(?:a )?few|(?:a )?dozen|{'|'.join(sorted(_NUMBERS)[::-1])})"


class NotOne(Exception):
    """What looks like a period is none."""


def year_of(said: str | None, now: datetime) -> int | None:
    """2024, '24, last year or this year as a number."""
    if said is None:
        return None
    if said.lower().endswith("year"):
        return now.year - said.lower().startswith("last")
    if len(said) == 3:
        short = 2000 + int(said[1:])
        return short if short <= now.year else short - 100
    return int(said)


def month(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """October, or the last one."""
    number = dates.MONTHS.index(match["month"][:3].lower()) + 1
    which = (match.groupdict().get("which") or "").lower()
    if which:
        year = now.year - (number >= now.month if which != "this" else number > now.month)
    return (_months(year, number, 1),)


def _months(year: int, first: int, count: int) -> Span:
    last = first + count - 1
    if not 1 <= first <= last <= 12:
        raise ValueError
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def days(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """26 September, 26 to 28 September (or between 26 and 28), 3 and 5 October."""
    month = dates.MONTHS.index(match["month"][:3].lower()) + 1
    found = [date(year, month, int(number)) for number in re.findall("[0-9]+", match["days"])]
    before = match.string[: match.start()][-20:]
    if re.search(THROUGH, match["days"], re.I) or re.search(r"\bbetween (?:the )?$", before, re.I):
        return ((min(found), max(found)),)
    return tuple((day, day) for day in found)


def iso(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """2024-09-26 or 2024/09/26."""
    day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    return ((day, day),)


def numeric(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """26/9/2024, 1-5.10.2024; 3/4/2024 is read both ways, for who asks may write the day or the month first."""
    a, b, end = int(match["a"]), int(match["b"]), match["y"]
    full = year_of(f"'{end}", now) if len(end) == 2 else int(end)
    first = match.groupdict().get("first")
    dotted = match.groupdict().get("sep") == "."
    both = ((a, b),) if first or dotted else ((a, b), (b, a))
    pairs = dict.fromkeys((day, month) for day, month in both if month <= 12)
    if full is None or not pairs:
        raise ValueError
    if first and int(first) >= a:
        raise NotOne
    found = [date(full, month, day) for day, month in pairs]
    return tuple((day.replace(day=int(first)) if first else day, day) for day in found)


def iso_month(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """2024-09 or 2024/09."""
    if match["sep"] == "/" and int(match["m"]) == (int(match["y"]) + 1) % 100:  # the season 2010/11
        raise NotOne
    return (_months(int(match["y"]), int(match["m"]), 1),)


def quarter(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """Q4 or H1."""
    size = 3 if match["letter"].lower() == "q" else 6
    number = int(match["number"])
    if number * size > 12:
        raise NotOne
    return (_months(year, (number - 1) * size + 1, size),)


def part(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """The first half of 2024, the last two weeks of October."""
    unit, count = match["unit"].lower().removesuffix("s"), _count(match["n"])
    unit = "half" if unit in ("halve", "half") else unit
    whole = _months(year, 1, 12) if match.groupdict().get("month") is None else month(match, year, now)[0]
    found = []
    for word in re.findall(ORDINAL, match["ordinals"], re.I):
        place = ORDINALS[word.lower()]
        if match.groupdict().get("month") is None and unit in ("half", "quarter", "month"):
            size = count * {"half": 6, "quarter": 3, "month": 1}[unit]
            found.append(_months(year, (place - 1) * size + 1 if place else 13 - size, size))
        elif unit == "half":
            middle = whole[0] + timedelta(days=14)
            found.append((whole[0], middle) if place == 1 else (middle + timedelta(days=1), whole[1]))
        elif unit in ("week", "day", "fortnight"):
            size = count * {"day": 1, "week": 7, "fortnight": 14}[unit]
            first = whole[0] + timedelta(days=(place - 1) * size) if place else whole[1] - timedelta(days=size - 1)
            found.append((first, min(first + timedelta(days=size - 1), whole[1])))
        else:
            raise ValueError
    if " to " in match["ordinals"]:
        return ((min(found)[0], max(found)[1]),)
    return tuple(found)


def years(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """2024, 2023-24."""
    last = year
    if short := match["short"]:
        last = year - year % 100 + int(short)
        if last <= year:
            raise NotOne
    return ((date(year, 1, 1), date(last, 12, 31)),)


def decade(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """The 1990s."""
    return ((date(year, 1, 1), date(year + 9, 12, 31)),)


def _count(said: str | None) -> int:
    if said is None:
        return 1
    if said.isdigit():
        return int(said)
    words = said.lower().removesuffix(" of").split()
    return _NUMBERS[words[-1]]


def _unit(count: int, unit: str) -> tuple[int, str]:
    """Fortnights in weeks, quarters in months, decades in years."""
    times, plain = {"fortnight": (2, "week"), "quarter": (3, "month"), "decade": (10, "year")}.get(unit, (1, unit))
    return count * times, plain


def lately(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """The last three weeks: up to today."""
    return (_rolling(_count(match["n"]), match["unit"].lower(), now),)


def _rolling(count: int, unit: str, now: datetime) -> Span:
    number, plain = _unit(count, unit)
    first, last = dates.days(f"last {number} {plain}", now)
    if first is None or last is None:
        raise ValueError
    return first, last


def ago(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """Three days ago is a day; three weeks, months or years ago the week, month or year that it falls in."""
    number, unit = _unit(_count(match["n"]), match["unit"].lower())
    day = _rolling(number, unit, now)[0]
    return (_around(day, unit),)


def _around(day: date, unit: str) -> Span:
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if unit == "month":
        return _months(day.year, day.month, 1)
    return _months(day.year, 1, 12) if unit == "year" else (day, day)


def calendar(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """Last week is the one before this; the past week, or "in the last week", the seven days up to today."""
    which, unit, today = match["said"].lower(), match["unit"].lower(), now.date()
    article = match.string[match.start("said") - 4 : match.start("said")].lower() == "the "
    if unit == "weekend":
        saturday = today - timedelta(days=(today.weekday() - 5) % 7)
        if which == "last" and today.weekday() >= 5:  # not the one that it is
            saturday -= timedelta(days=7)
        return ((saturday, saturday + timedelta(days=1)),)
    if unit in ("morning", "afternoon", "evening", "night"):
        if which not in ("this", "last") or (which == "last" and unit != "night"):
            raise NotOne
        return ((today - timedelta(days=which == "last"), today),)
    if which.endswith("past") or (article and which == "last") or (unit in ("fortnight", "decade") and which != "this"):
        return (_rolling(1, unit, now),)
    if unit in ("fortnight", "decade"):
        raise NotOne
    first, last = dates.days(f"{which} {unit}", now)
    if first is None or last is None:
        raise ValueError
    return ((first, last),)


def single(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """Yesterday, today, tonight, now."""
    said = match[0].lower()
    day = now.date() - timedelta(days=2 if "before" in said else "yesterday" in said)
    return ((day, day),)


def weekend(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """The weekend: the last one that has begun."""
    saturday = now.date() - timedelta(days=(now.weekday() - 5) % 7)
    return ((saturday, saturday + timedelta(days=1)),)


def weekday(match: re.Match[str], year: int, now: datetime) -> tuple[Span, ...]:
    """The last such day up to today, or before it; or that of a calendar week."""
    number, today = dates.WEEKDAYS.index(match["name"][:3].lower()), now.date()
    if week := match["week"]:
        monday = today - timedelta(days=today.weekday() + 7 * (week.lower() == "last"))
        day = monday + timedelta(days=number)
    else:
        back = (today.weekday() - number) % 7
        day = today - timedelta(days=back or 7 * ((match["which"] or "").lower() in ("last", "past")))
    return ((day, day),)
