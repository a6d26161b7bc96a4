"""Dates as people write them, all relative to a given present.

A date names a period: ``2025`` a year, ``2025-02`` a month, ``2025-02-26`` a day, ``2025-02-26T10:00Z`` a minute. A
range runs from the start of its first period to the end of its last. Weeks are Monday to Sunday; "last week" is the
calendar week before this one, while ``7d`` is the day seven days ago. A time without a zone is UTC.

No Whoosh here: the command line reads ``--from``, ``--as-of`` and ``--recency`` without paying for it.
"""

from __future__ import annotations

import functools
import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import NamedTuple

from search.errors import QueryError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORMS = '2025, 2025-02, 2025-02-26, 2025-02-01..2025-02-26, Q1-2025, 7d, 2w, 3m, 1y, today, yesterday or "last week"'

_MONTH = (
    "(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_UNIT = "(?:hours?|days?|weeks?|months?|years?)"
_YEAR = "(?P<year>[0-9]{4})"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ISO = _form(f"{_YEAR}(?:[-/](?P<month>[0-9]{{1,2}})(?:[-/](?P<day>[0-9]{{1,2}}))?)?")
_COMPACT = _form(f"{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})")
_TIME = _form(
    r"(?P<day>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?)?"
    r" ?(?P<zone>Z|UTC|(?P<sign>[+-])(?P<zh>[0-9]{2}):?(?P<zm>[0-9]{2}))?"
)
_QUARTER = _form(f"(?:q(?P<q>[0-9])[ -]?{_YEAR}|(?P<year2>[0-9]{{4}})[ -]?q(?P<q2>[0-9]))")
_DAY_MONTH = _form(rf"(?:(?P<day>[0-9]{{1,2}})[ -])?{_MONTH}\.?,?[ -]{_YEAR}")
_MONTH_DAY = _form(rf"{_MONTH}\.?[ -](?P<day>[0-9]{{1,2}}),?[ -]{_YEAR}")
_AGO = _form(rf"(?P<n>[0-9]{{1,6}}) ?(?P<unit>[hdwmy]|{_UNIT})(?: ago)?")
_PAST = _form(rf"(?:last|past|previous) (?P<n>[0-9]{{1,6}}) (?P<unit>{_UNIT})")
_CALENDAR = _form("(?P<which>this|last|past|previous) (?P<unit>week|month|quarter|year)")
_NAMED_DAY = _form(f"(?P<last>last )?(?P<name>{_WEEKDAY})")
_YEAR_LAST = _form("([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_DURATION = _form(rf"(?P<n>[0-9]{{1,6}}) ?(?P<unit>[hdwmy]|{_UNIT})")

Bound = date | datetime


class Period(NamedTuple):
    """From ``first`` to ``last``, both included: two days, or two UTC instants. ``ago`` marks "7d": a day, which
    ``date:7d`` takes as the start of a period that ends today."""

    first: Bound
    last: Bound
    ago: bool = False


def days(text: str, now: datetime) -> tuple[date | None, date | None]:
    """First and last day of a date or a range, both included; None is open. Raises QueryError.

    An instant counts as its UTC day.
    """
    first, last = bounds(text, now)
    return _as_day(first), _as_day(last)


def instant(text: str, now: datetime) -> datetime:
    """The UTC instant up to which an archive is seen ``as of`` a date: a day, month or year means its end, a time
    means itself. Raises QueryError."""
    found = period(text, now)
    if isinstance(found.first, datetime):
        return found.first
    return datetime.combine(found.last, time.max, UTC)


def duration(text: str) -> timedelta:
    """A length of time: ``12h``, ``30d``, ``2w``, ``6m`` (of 30 days), ``1y`` (of 365 days). Raises QueryError."""
    found = _DURATION.fullmatch(_tidy(text))
    if found is None or int(found["n"]) == 0:
        raise QueryError(f"{_shown(text)} is not a length of time; write for example 12h, 30d, 2w, 6m or 1y", text, 0)
    hours = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "y": 24 * 365}[found["unit"][0].lower()]
    return timedelta(hours=hours * int(found["n"]))


def bounds(text: str, now: datetime) -> tuple[Bound | None, Bound | None]:
    """First and last moment of ``date:TEXT``, both included; None is an open end. Raises QueryError."""
    left, dots, right = text.partition("..")
    if not dots:
        found = period(text, now)
        if not found.ago:
            return found.first, found.last
        return found.first, _utc(now) if isinstance(found.first, datetime) else now.date()
    if not left.strip() and not right.strip():
        raise QueryError("a range needs a date on one side at least: 2025-02-01..2025-02-26, 2025.. or ..2024", text, 0)
    first = period(left, now).first if left.strip() else None
    try:
        last = period(right, now).last if right.strip() else None
    except QueryError as error:
        raise QueryError(str(error), text, len(left) + 2 + (error.position or 0)) from None
    if not in_order(first, last):
        raise QueryError(f"this range runs backwards; write {right.strip()}..{left.strip()}", text, 0)
    return first, last


def period(text: str, now: datetime) -> Period:
    """The period that one date names (no range). Raises QueryError with what would work."""
    said = _tidy(text)
    try:
        found = _absolute(said) or _relative(said, now) or _in_other_languages(said)
    except (ValueError, OverflowError):
        # datetime's own complaint: the calendar has no such day, or the sum leaves the years 1 to 9999.
        raise QueryError(f"{_shown(text)} is not in the calendar{_why(said)}", text, 0) from None
    if found is None:
        raise QueryError(f"{_shown(text)} is not a date{_hint(said)}; write for example {FORMS}", text, 0)
    return found


def in_order(first: Bound | None, last: Bound | None) -> bool:
    """Whether anything can lie from ``first`` to ``last``."""
    return first is None or last is None or _instant(first) <= _instant(last, end=True)


@functools.cache
def spaced() -> re.Pattern[str]:
    """What may follow ``since:`` without quotes although it has spaces: forms whose first word alone means nothing."""
    return _form(
        rf"(?:(?:this|last|past|previous)\s+(?:(?:[0-9]{{1,6}}\s+)?{_UNIT}|quarter|{_WEEKDAY})"
        rf"|q[1-4]\s+[0-9]{{4}}|[0-9]{{1,6}}\s+{_UNIT}\s+ago"
        rf"|(?:[0-9]{{1,2}}\s+)?{_MONTH}\.?(?:\s+[0-9]{{1,2}},?)?\s+[0-9]{{4}})(?=[\s)]|$)"
    )


def day_before(bound: Bound) -> Bound | None:
    """The last moment before a bound: a day, or a microsecond. None before all dates."""
    try:
        return bound - (timedelta(microseconds=1) if isinstance(bound, datetime) else timedelta(days=1))
    except OverflowError:
        return None


def day_after(bound: Bound) -> Bound | None:
    """The first moment after a bound: a day, or a microsecond. None after all dates."""
    try:
        return bound + (timedelta(microseconds=1) if isinstance(bound, datetime) else timedelta(days=1))
    except OverflowError:
        return None


def _absolute(said: str) -> Period | None:
    if found := _TIME.fullmatch(said):
        return _time(found)
    if found := _COMPACT.fullmatch(said) or _ISO.fullmatch(said):
        return _span(int(found["year"]), found["month"], found["day"])
    if found := _QUARTER.fullmatch(said):
        year, number = int(found["year"] or found["year2"]), int(found["q"] or found["q2"])
        if not 1 <= number <= 4:
            raise ValueError
        return _months(year, 3 * number - 2, 3)
    if found := _DAY_MONTH.fullmatch(said) or _MONTH_DAY.fullmatch(said):
        return _span(int(found["year"]), str(MONTHS.index(found["month"][:3].lower()) + 1), found["day"])
    return None


def _in_other_languages(said: str) -> Period | None:
    """5. März 2021, मार्च 2021, 2021年3月5日: with its year, as other languages write it."""
    found = _read(said)
    if found is None:
        return None
    year, month, day = found
    return _span(year, None if month is None else str(month), None if day is None else str(day))


def _read(said: str) -> tuple[int, int | None, int | None] | None:
    from search.text.languages import dates  # few ask so

    return dates.read(said)


def _relative(said: str, now: datetime) -> Period | None:
    today = now.date()
    lower = said.lower()
    if lower == "now":
        return Period(_utc(now), _utc(now))
    if lower in ("today", "yesterday"):
        day = today - timedelta(days=lower == "yesterday")
        return Period(day, day)
    if found := _AGO.fullmatch(said):
        start = _back(now, int(found["n"]), found["unit"])
        return Period(start, start, ago=not lower.endswith("ago"))
    if found := _PAST.fullmatch(said):
        start = _back(now, int(found["n"]), found["unit"])
        return Period(start, _utc(now) if isinstance(start, datetime) else today)
    if found := _CALENDAR.fullmatch(said):
        steps = 0 if found["which"].lower() == "this" else 1
        return _calendar(today, found["unit"].lower(), steps)
    if found := _NAMED_DAY.fullmatch(said):
        since = (today.weekday() - WEEKDAYS.index(found["name"][:3].lower())) % 7
        day = today - timedelta(days=since or (7 if found["last"] else 0))
        return Period(day, day)
    return None


def _calendar(today: date, unit: str, steps: int) -> Period:
    """The calendar week, month, quarter or year of today, or the one ``steps`` before it."""
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * steps)
        return Period(monday, monday + timedelta(days=6))
    if unit == "year":
        return _months(today.year - steps, 1, 12)
    size = 1 if unit == "month" else 3
    number = today.year * 12 + (today.month - 1) // size * size - size * steps
    return _months(number // 12, number % 12 + 1, size)


def _back(now: datetime, count: int, unit: str) -> Bound:
    """The day, or for hours the instant, that lies so far back. A month back from the 31st is the last of its month."""
    step = unit[0].lower()
    if step == "h":
        return _utc(now) - timedelta(hours=count)
    if step in "dw":
        return now.date() - timedelta(days=count * (7 if step == "w" else 1))
    number = now.year * 12 + now.month - 1 - count * (12 if step == "y" else 1)
    year, month = number // 12, number % 12 + 1
    if year < 1:
        raise OverflowError
    return date(year, month, min(now.day, monthrange(year, month)[1]))


def _span(year: int, month: str | None, day: str | None) -> Period:
    if month is None:
        return _months(year, 1, 12)
    if day is None:
        return _months(year, int(month), 1)
    one = date(year, int(month), int(day))
    return Period(one, one)


def _months(year: int, month: int, count: int) -> Period:
    last = month + count - 1
    return Period(date(year, month, 1), date(year, last, monthrange(year, last)[1]))


def _time(found: re.Match[str]) -> Period:
    year, month, day = (int(part) for part in found["day"].split("-"))
    zone: timezone = UTC
    if found["sign"]:
        offset = timedelta(hours=int(found["zh"]), minutes=int(found["zm"]))
        zone = timezone(-offset if found["sign"] == "-" else offset)
    micro = int((found["fraction"] or ".0")[1:7].ljust(6, "0"))
    start = datetime(
        year, month, day, int(found["hour"]), int(found["minute"]), int(found["second"] or 0), micro, zone
    ).astimezone(UTC)
    if found["fraction"]:
        return Period(start, start)
    unit = timedelta(seconds=1) if found["second"] else timedelta(minutes=1)
    return Period(start, start + (unit - timedelta(microseconds=1)))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_day(bound: Bound | None) -> date | None:
    return bound.date() if isinstance(bound, datetime) else bound


def _instant(bound: Bound, *, end: bool = False) -> datetime:
    if isinstance(bound, datetime):
        return bound
    return datetime.combine(bound, time.max if end else time.min, UTC)


def _tidy(text: str) -> str:
    """One space between words, also where a hyphen or underscore stands in for it ("last-week")."""
    said = " ".join(text.split())
    if re.fullmatch("[A-Za-z]+(?:[-_][A-Za-z0-9]+)+", said) and said[:1] not in "Qq":
        said = re.sub("[-_]", " ", said)
    return said


def _shown(text: str) -> str:
    text = text.strip()
    return f"'{text if len(text) <= 40 else text[:40] + '…'}'" if text else "nothing"


def _why(said: str) -> str:
    if (found := _ISO.fullmatch(said) or _COMPACT.fullmatch(said)) and found["month"]:
        year, month = int(found["year"]), int(found["month"])
        if not 1 <= month <= 12:
            return ": months run from 01 to 12"
        if year:
            return f": {MONTHS[month - 1].title()} {year} has {monthrange(year, month)[1]} days"
    if (elsewhere := _read(said)) is not None and elsewhere[1] is not None:
        year, month = elsewhere[0], elsewhere[1]
        return f": {MONTHS[month - 1].title()} {year} has {monthrange(year, month)[1]} days"
    if _TIME.fullmatch(said):
        return ": times run from 00:00 to 23:59"
    if _QUARTER.fullmatch(said):
        return ": quarters are Q1 to Q4"
    return ": years run from 0001 to 9999"


def _hint(said: str) -> str:
    if found := _YEAR_LAST.fullmatch(said):
        one, two, year = int(found[1]), int(found[2]), found[3]
        if one > 12 >= two > 0 and one <= 31:
            return f": years come first, {year}-{two:02}-{one:02}"
        if two > 12 >= one > 0 and two <= 31:
            return f": years come first, {year}-{one:02}-{two:02}"
        return ": years come first, then month, then day"
    if said.lower() in ("last", "this", "past", "previous"):
        return ': name the period, as in "last week"'
    return ""
