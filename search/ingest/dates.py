"""Dates as news archives write them.

| written | read as |
|---|---|
| ISO 8601: 2025-02-26, 20250226, 2025-02-26T10:30:00+05:30, 2025-W09-3, 2025-057 | as it says |
| RFC 2822 and names of months: Wed, 26 Feb 2025 10:30:00 GMT; 26 February 2025; Feb 26, 2025, 10:30 a.m. | as it says |
| 26-02-2025, 26.02.2025 | day first; month first only if the other way there is no such day |
| 02/26/2025, 2/26/25 | month first; day first only if the other way there is no such day |
| 1740565800, 1740565800000 | seconds, milliseconds, microseconds or nanoseconds since 1970, by size |

A day alone is a ``date``, a day with a time a ``datetime`` with its own offset, UTC if it has none. A two-digit year is
1969 to 2068. A month or a year alone is no day, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
            "sep sept september", "oct october", "nov november", "dec december",
        ), 1,
    )
    for name in names.split()
}  # fmt: skip
# Hours from UTC. Abbreviations that mean several zones (IST, CST in Asia, ...) are left out, RFC 2822's own aside.
_ZONES = {
    "z": 0.0, "ut": 0.0, "utc": 0.0, "gmt": 0.0, "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0,
    "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "wet": 0.0, "cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0, "msk": 3.0,
    "jst": 9.0, "kst": 9.0, "aest": 10.0, "aedt": 11.0, "nzst": 12.0, "nzdt": 13.0,
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TIME = r"""(?:
    (?:\s*[T,\u00b7|-]\s*|\s+)(?:at\s+)?
    (?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?
    (?:\s*(?P<half>[ap])\.?m\b\.?)?
    \s*\(?(?P<zone>[+-]\d\d:?\d\d|[+-]\d\d|[a-z]{1,5})?\)?(?:\s*\([a-z ]+\))?
)?"""
_FORMS = tuple(
    re.compile(_WEEKDAY + form + _TIME, re.IGNORECASE | re.VERBOSE)
    for form in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<a>\d{1,2})(?P<mark>[-./])(?P<b>\d{1,2})(?P=mark)(?P<y>\d{4}|\d\d)",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?P<name>{_MONTH})\.?,?[\s-]+(?P<y>\d{{4}}|\d\d)",
        rf"(?P<name>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
    )
)
_ORDINAL = re.compile(r"(\d{4})-(\d{3})")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_LONGEST = 80
_CALENDAR_YEARS = range(1600, 2200)  # 20250226 as a number is a day, not a second of August 1970
_SMALLEST_EPOCH = 10_000_000  # below are 0 and -1 for "unknown", 2019, 201902, and days as spreadsheets count them
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


class Reading(NamedTuple):
    """A date, or None if it could not be read. ``certain`` is False where another reading was possible, or where only
    part was read."""

    value: date | None
    certain: bool


_UNREAD = Reading(None, False)


def read_date(raw: object) -> Reading:
    """The date that ``raw`` (text, a number, or MongoDB's ``{"$date": ...}``) stands for."""
    for name in ("$date", "$numberLong"):
        if isinstance(raw, Mapping) and len(raw) == 1:
            raw = raw.get(name, raw)
    if isinstance(raw, str):
        return _read_text(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _read_number(raw)
    return _UNREAD


def _read_text(raw: str) -> Reading:
    text = raw.strip()
    if len(text) == 10 and text[4] == "-":
        try:
            return Reading(date.fromisoformat(text), True)
        except ValueError:
            pass
    if not 5 < len(text) <= _LONGEST:
        return _UNREAD
    try:
        if _NUMBER.fullmatch(text):
            return _read_number(float(text) if "." in text else int(text))
        if found := _ORDINAL.fullmatch(text):
            return Reading(_day_of_year(int(found[1]), int(found[2])), True)
        if len(text) > 10 and text[4] == "-" and text[10] in "Tt ":
            try:
                return Reading(_aware(datetime.fromisoformat(text)), True)
            except ValueError:
                pass  # "2025-02-26 10:30:00 +0530", 24:00, a leap second
        for form in _FORMS:
            if found := form.fullmatch(text):
                return _assemble(found)
        return Reading(_compact(text), True)
    except (ValueError, OverflowError):
        return _UNREAD


def _assemble(found: re.Match[str]) -> Reading:
    parts = found.groupdict()
    year = int(parts["y"])
    if len(parts["y"]) == 2:
        year += 1900 if year >= 69 else 2000
    certain = True
    if parts.get("a") is None:
        month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts["m"])
        day = date(year, month, int(parts["d"]))
    else:
        day, certain = _ordered(year, int(parts["a"]), int(parts["b"]), month_first=parts["mark"] == "/")
    if parts["hour"] is None:
        return Reading(day, certain)
    zone = _zone(parts["zone"])
    if zone is None:  # the hour of an unknown zone is no instant, the day stands
        return Reading(day, False)
    return Reading(_at(day, parts, zone), certain)


def _ordered(year: int, first: int, second: int, *, month_first: bool) -> tuple[date, bool]:
    """The day, and whether the order was beyond doubt: a hyphen or full stop is day first, a slash is not so sure."""
    month, day = (first, second) if month_first else (second, first)
    try:
        chosen = date(year, month, day)
    except ValueError:
        return date(year, day, month), True
    return chosen, not month_first or day > 12 or day == month


def _at(day: date, parts: Mapping[str, str | None], zone: timezone) -> datetime:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((parts["fraction"] or "0")[:6].ljust(6, "0"))
    if parts["half"] is not None:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if parts["half"] in "pP" else 0)
    late = hour == 24 and minute == second == microsecond == 0
    moment = datetime(
        day.year, day.month, day.day, 0 if late else hour, minute, min(second, 59) if second <= 60 else second,
        microsecond, zone,
    )  # fmt: skip
    return moment + timedelta(days=1) if late else moment


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return UTC
    if text[0] in "+-":
        digits = text[1:].replace(":", "").ljust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if offset >= timedelta(days=1):
            return None
        return timezone(-offset if text[0] == "-" else offset)
    hours = _ZONES.get(text.lower())
    return None if hours is None else timezone(timedelta(hours=hours)) if hours else UTC


def _compact(text: str) -> date:
    """ISO 8601 without hyphens or by weeks: 20250226T103000Z, 2025-W09-3."""
    if not text[:4].isdecimal() or not re.match(r"\d{8}[Tt ]|\d{4}-?W\d\d-?\d", text):
        raise ValueError("no known form")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _aware(datetime.fromisoformat(text))


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _day_of_year(year: int, number: int) -> date:
    day = date(year, 1, 1) + timedelta(days=number - 1)
    if day.year != year:
        raise ValueError("no such day of the year")
    return day


def _read_number(number: float) -> Reading:
    try:
        if isinstance(number, int) and (day := _calendar(str(number))) is not None:
            return Reading(day, True)
        for limit, unit in _UNITS:
            if _SMALLEST_EPOCH <= abs(number) < limit:
                epoch = datetime(1970, 1, 1, tzinfo=UTC)
                return Reading(epoch + timedelta(seconds=number / unit), True)
    except (ValueError, OverflowError):
        pass
    return _UNREAD


def _calendar(digits: str) -> date | None:
    """YYYYMMDD or YYYYMMDDHHMMSS, where that is a likely date."""
    if len(digits) not in (8, 14) or int(digits[:4]) not in _CALENDAR_YEARS:
        return None
    try:
        if len(digits) == 8:
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
