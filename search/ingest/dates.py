"""Dates as news archives write them.

| written | read as |
|---|---|
| ISO 8601: 2025-02-26, 20250226, 2025-02-26T10:30:00+05:30, 2025-W09-3, 2025-057 | as it says |
| RFC 2822, ctime, months in thirty languages: Wed, 26 Feb 2025 10:30:00 GMT; 26 de febrero de 2025 | as it says |
| a label, a weekday or the time before it: Published: 10.30am, Wednesday 26 February 2025 | as it says |
| 26-02-2025, 02/26/2025, 26.02.2025 | in the order that its column has (see below) |
| 1740565800, 1740565800000 | seconds, milliseconds, microseconds or nanoseconds since 1970, by size |
| 45714 | a day as spreadsheets count it, which is not certain |
| February 2025, 2025-02, 2025, 2025-W09, Q1 2025 | the first day of that, told by its ``precision`` |

A day alone is a ``date``, a day with a time a ``datetime`` with its own offset, UTC if it has none. A two-digit year is
1969 to 2068.

A column has one order of day and month: a single value above 12 decides it for all, and so does a weekday. Where
nothing does, and nobody says it, slashes are month first, hyphens and full stops day first, and a date that could be
read in two ways is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from search.ingest.date_forms import BUDDHIST, ROMAN, ROMANS, period, rewritten, weekday
from search.ingest.months import NUMBERS, TWO_MONTHS, bare
from search.ingest.zones import ZONE, zone_of

_ENGLISH = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sept sep oct nov dec"
)
_MONTH = "|".join(_ENGLISH.split())
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TIME = r"""(?:
    (?:\s*[T,\u00b7|-]\s*|\s+)(?:at\s+)?
    (?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?
    (?:\s*(?P<half>[ap])\.?m\b\.?)?
    ,?\s*\(?(?P<zone>ZONE)?\)?(?:\s*\(?[a-z ]+\)?)?
)?""".replace("ZONE", ZONE)
_FORMS = tuple(
    re.compile(_WEEKDAY + form + _TIME, re.IGNORECASE | re.VERBOSE)
    for form in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<a>\d{1,2})(?P<mark>[-./])(?P<b>\d{1,2})(?P=mark)(?P<y>\d{4}|\d\d)",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?P<name>{_MONTH})\.?,?[\s-]+(?P<y>\d{{4}}|\d\d)",
        rf"(?P<name>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
    )
)
_IN_NUMBERS = re.compile(
    r"(?<![\d./-])(?P<a>\d{1,2})(?P<mark>[-./])(?P<b>\d{1,2})(?P=mark)(?P<y>\d{4}|\d\d)(?![\d./-])"
)
_FILL = r"(?:[\s.,]|\b(?:of|de|del|den|do|di|the|m|v|r|d|st|nd|rd|th|er|o|a)\b)*"
_DAY = r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|ª|°|\.|-?го|an|e)?"
# With the vowel signs of India and Thailand.
_NAME = r"(?P<name>[^\W\d_](?:[^\W\d_]|[\u0900-\u0dff\u0e31-\u0e4e])*)"
_YEAR = r"(?P<y>\d{4})(?!\d)"
# Tried in this order on what is left of a text without its time. The month alone comes last.
_WORDED = tuple(
    re.compile(form)
    for form in (
        rf"{_DAY}[\s/-]*{_FILL}{_NAME}[\s/-]*{_FILL}{_YEAR}",
        rf"{_NAME}[\s./-]*{_DAY}{_FILL}[\s\0,/-]+{_YEAR}",
        rf"(?<!\d){_YEAR}[\s.,/-]*{_FILL}{_NAME}[\s.-]*{_DAY}(?!\d)",
        rf"{_DAY}[\s/-]*{_FILL}{_NAME}[\s.,/-]*'?(?P<y>\d\d)(?!\d)",
        rf"{_NAME}[\s.-]*{_DAY},?\s*'(?P<y>\d\d)(?!\d)",
        r"(?<![\d./-])(?P<y>\d{4})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?![\d/-]|\.\d)",
        _IN_NUMBERS.pattern,
        rf"{_NAME}[\s./-]*{_FILL}{_YEAR}",
        rf"(?<!\d){_YEAR}[\s./-]*{_FILL}{_NAME}",
        r"(?<![\d./-])(?P<y>\d{4})[-./](?P<m>\d{1,2})(?![\d./-])",
        r"(?<![\d./-])(?P<m>\d{1,2})[-./](?P<y>\d{4})(?![\d./-])",
    )
)
_EAST_ASIAN = re.compile(r"(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월](?:\s*(?P<d>\d{1,2})\s*[日号일])?")
_CLOCK = re.compile(
    r"""(?<![\d.:/-])(?:
        (?P<hour>\d{1,2})(?:[:h]|\.(?=\d\d\s*(?:[ap]\.?\s?m|uhr|hrs?\b|h\b|gmt|utc|uur))|(?<=(?:\bklo|\bkl\.|.\bkl|.\bum|.\bat|.\bob|\bore)\s\d\d)\.|(?<=(?:\bklo|\bkl\.|.\bkl|.\bum|.\bat|.\bob|\bore)\s\d)\.)(?P<minute>\d\d)
        (?::(?P<second>\d\d)(?:[.,:](?P<fraction>\d+))?)?
        | (?P<only>\d{1,2})(?=\s*(?:[ap]\.?\s?m\b|uhr\b|h\b))
    )(?!\d)
    (?:\s*(?P<half>[ap])\.?\s?m\b\.?)?(?:\s*(?:uhr|hrs?|uur|h)\b)?
    (?:,?\s*\(?(?P<zone>ZONE)(?![a-z])\)?)?(?:\s*\([a-z ]+\))?""".replace("ZONE", ZONE),
    re.VERBOSE,
)
# Words that may follow a time and name no zone.
_NO_ZONE = {None, "on", "am", "at", "le", "den", "el", "il", "kl", "of", "the", "mon", "tue", "wed", "thu", "fri",
            "sat", "sun", *NUMBERS} - set("z")  # fmt: skip
# Words that stand in a date beside its month.
_BESIDE = {"of", "de", "del", "den", "der", "le", "the", "at", "um", "kl", "klo", "a", "am", "pm", "on", "el", "il",
           "uhr", "h", "g", "m", "d", "st", "nd", "rd", "th", "er", "utc", "gmt", "cet", "est", "edt"}  # fmt: skip
_PARTS = re.compile(r"\s*[|•·;\n]\s*")
_WORDS = 60  # characters beside a date: a weekday, a label, a place
_DIGITS = {ord(digit): str(number) for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹") for number, digit in enumerate(digits)}
_ORDINAL = re.compile(r"(\d{4})-(\d{3})")
_DOT_NET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_LONGEST = 80
_CALENDAR_YEARS = range(1600, 2200)  # 20250226 as a number is a day, not a second of August 1970
_SHEET_DAYS = range(14_610, 55_154)  # 1940 to 2050, as spreadsheets count days
_SMALLEST_EPOCH = 10_000_000  # below are 0 and -1 for "unknown", 2019, 201902
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


class Order(StrEnum):
    """Which comes first in 05/02/2025."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class Reading(NamedTuple):
    """A date, or None if it could not be read. ``certain`` is False where another reading was possible (``two_ways``),
    or where only part was read. ``precision`` is "day" (or finer), "week", "month", "quarter" or
    "year"."""

    value: date | None
    certain: bool
    precision: str = "day"
    two_ways: bool = False


_UNREAD = Reading(None, False)


def read_date(raw: object, order: Order | None = None, *, prose: bool = False) -> Reading:
    """The date that ``raw`` (text, a number, MongoDB's ``{"$date": ...}``, a list of year, month and day) stands for.

    ``order`` is that of its column. ``prose``: ``raw`` may be any line of a text, so that only a date and nothing else
    is one, to the day.
    """
    for name in ("$date", "$numberLong"):
        if isinstance(raw, Mapping) and len(raw) == 1:
            raw = raw.get(name, raw)
    if isinstance(raw, Mapping) and isinstance(parts := raw.get("date-parts"), list) and parts:  # CSL's
        raw = parts[0]
    if isinstance(raw, list):
        return _read_parts(raw)
    if isinstance(raw, str):
        return _read_text(raw, order, prose)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _read_number(raw)
    return _UNREAD


def order_of(raw: object) -> tuple[Order | None, bool]:
    """Which order of day and month a value proves, and whether it is one that could be read in two ways."""
    if not isinstance(raw, str) or not 5 < len(raw) <= _LONGEST or (numbers := _IN_NUMBERS.search(raw)) is None:
        return None, False
    first, second = int(numbers["a"]), int(numbers["b"])
    if first != second and first <= 12 and second <= 12 and (named := weekday(raw)) is not None:
        days = [_weekday_of(numbers["y"], month, day) == named for month, day in ((second, first), (first, second))]
        if any(days) and not all(days):
            return (Order.DAY_FIRST if days[0] else Order.MONTH_FIRST), False
    if 12 < first <= 31 and second <= 12:
        return Order.DAY_FIRST, False
    if 12 < second <= 31 and first <= 12:
        return Order.MONTH_FIRST, False
    return None, first != second and first <= 12 and second <= 12


def _weekday_of(year: str, month: int, day: int) -> int | None:
    try:
        return date(_year(year), month, day).weekday()
    except ValueError:
        return None


def _read_text(raw: str, order: Order | None, prose: bool) -> Reading:
    text = raw.strip()
    if len(text) == 10 and text[4] == "-":
        try:
            return Reading(date.fromisoformat(text), True)
        except ValueError:
            pass
    if not 3 < len(text) <= _LONGEST:
        return _UNREAD
    try:
        if found := _DOT_NET.fullmatch(text):
            text = found[1]
        if _NUMBER.fullmatch(text):
            return _read_number(float(text) if "." in text else int(text), prose)
        if found := _ORDINAL.fullmatch(text):
            return Reading(_day_of_year(int(found[1]), int(found[2])), True)
        if len(text) > 10 and text[4] == "-" and text[10] in "Tt ":
            try:
                return Reading(_aware(datetime.fromisoformat(text)), True)
            except ValueError:
                pass  # "2025-02-26 10:30:00 +0530", 24:00, a leap second
        if not prose and (found_period := period(text)) is not None:
            return Reading(found_period[0], True, found_period[1])
        for form in _FORMS:
            if found := form.fullmatch(text):
                return _assemble(found, order)
        return _compact(text) or (_UNREAD if prose and not _names_a_day(text) else _read_words(text, order, prose))
    except (ValueError, OverflowError):
        return _UNREAD


def _assemble(found: re.Match[str], order: Order | None) -> Reading:
    parts = found.groupdict()
    year = _year(parts["y"])
    two_ways = False
    if parts.get("a") is None:
        month = NUMBERS[parts["name"].lower()] if parts.get("name") else int(parts["m"])
        day = date(year, month, int(parts["d"]))
    else:
        day, two_ways = _ordered(year, int(parts["a"]), int(parts["b"]), parts["mark"], order)
    if parts["hour"] is None:
        return Reading(day, not two_ways, two_ways=two_ways)
    zone = zone_of(parts["zone"], day)
    if zone is None:  # the hour of an unknown zone is no instant, the day stands
        return Reading(day, False, two_ways=two_ways)
    return Reading(_at(day, parts, zone), not two_ways, two_ways=two_ways)


def _year(text: str) -> int:
    year = int(text)
    if BUDDHIST <= year < BUDDHIST + 300:
        year -= 543
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _ordered(year: int, first: int, second: int, mark: str, order: Order | None) -> tuple[date, bool]:
    """The day, and whether it could be read in two ways. Full stops are day first wherever they are written."""
    month_first = mark == "/" if order is None else order is Order.MONTH_FIRST
    month, day = (first, second) if month_first else (second, first)
    try:
        chosen = date(year, month, day)
    except ValueError:
        return date(year, day, month), False
    return chosen, order is None and mark != "." and day <= 12 and day != month


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


def _compact(text: str) -> Reading | None:
    """ISO 8601 without hyphens or by weeks: 20250226T103000Z, 2025-W09-3."""
    if not text[:4].isdecimal() or not re.match(r"\d{8}[Tt ]|\d{4}-?W\d\d-?\d", text):
        return None
    try:
        return Reading(date.fromisoformat(text), True)
    except ValueError:
        return Reading(_aware(datetime.fromisoformat(text)), True)


def _names_a_day(line: str) -> bool:
    """Whether a line is a date and nothing else: a day, a month by its name, a year, and at most a weekday."""
    words = re.findall(r"[^\W\d_]+", bare(line))
    others = [word for word in words if word not in NUMBERS and word not in _BESIDE]
    named = any(word in NUMBERS for word in words)
    return len(others) <= 1 and (named or _EAST_ASIAN.search(line) is not None)


def _read_words(raw: str, order: Order | None, prose: bool) -> Reading:
    """A date among words: the time is taken out, then the day, and no number may be left."""
    text = re.sub(r"(?<=\d)\. (?=\d)", ".", bare(raw).translate(_DIGITS))
    if (found := ROMAN.fullmatch(text)) is not None and found["roman"] in ROMANS:
        return Reading(date(_year(found["y"]), ROMANS[found["roman"]], int(found["d"])), True)
    text, whole = rewritten(text)
    if found := _EAST_ASIAN.search(text):
        return _east_asian(text, found)
    reading = _among_words(text, order, prose)
    if not whole:
        reading = reading._replace(certain=False)
    if reading.value is None and not prose:
        for part in _PARTS.split(text):  # "Published 1 Feb 2025 | Updated 3 Feb 2025": the first
            if part != text and (reading := _among_words(part, order, prose)).value is not None:
                return reading._replace(certain=False)
    return reading


def _among_words(text: str, order: Order | None, prose: bool) -> Reading:
    time = next((found for found in _CLOCK.finditer(text) if _is_time(found)), None)
    rest = text if time is None else f"{text[: time.start()]} \0 {text[time.end() :]}"
    day: date | None = None
    two_ways = False
    precision = "day"
    left = rest
    for form in _WORDED:
        for found in form.finditer(rest):
            parts = found.groupdict()
            name = parts.get("name") or ""
            number = NUMBERS.get(name) or NUMBERS.get(name.removeprefix("ב"))
            if parts.get("a") is not None:
                day, two_ways = _ordered(_year(parts["y"]), int(parts["a"]), int(parts["b"]), parts["mark"], order)
            elif number is not None:
                day = date(_year(parts["y"]), number, int(parts.get("d") or 1))
                two_ways = parts["name"] in TWO_MONTHS
                precision = "day" if parts.get("d") else "month"
            elif parts.get("m") is not None:
                day = date(_year(parts["y"]), int(parts["m"]), int(parts.get("d") or 1))
                precision = "day" if parts.get("d") else "month"
            if day is not None:
                left = rest[: found.start()] + rest[found.end() :]
                break
        if day is not None:
            break
    if day is None or any(c.isdigit() for c in left) or len(left) > _WORDS:
        return _UNREAD
    if precision != "day" and (prose or time is not None):
        return _UNREAD
    if time is None:
        return Reading(day, not two_ways, precision, two_ways)
    parts = time.groupdict()
    zone = zone_of(parts["zone"], day) if parts["zone"] not in _NO_ZONE else UTC
    if zone is None:
        return Reading(day, False, two_ways=two_ways)
    clock = {**parts, "hour": parts["hour"] or parts["only"], "minute": parts["minute"] or "0"}
    return Reading(_at(day, clock, zone), not two_ways, two_ways=two_ways)


def _is_time(found: re.Match[str]) -> bool:
    return int(found["hour"] or found["only"]) <= 24 and int(found["minute"] or 0) < 60


def _east_asian(text: str, found: re.Match[str]) -> Reading:
    """2025年2月26日, 2025년 2월 26일, with or without a time."""
    if found["d"] is None:
        return Reading(date(int(found["y"]), int(found["m"]), 1), True, "month")
    day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    time = re.search(r"(\d{1,2})\s*[:時时시点]\s*(\d{1,2})?\s*([ap](?=m))?", text[found.end() :])
    if time is None:
        return Reading(day, not any(c.isdigit() for c in text[found.end() :]))
    parts = {"hour": time[1], "minute": time[2], "second": None, "fraction": None, "half": time[3]}
    return Reading(_at(day, parts, UTC), True)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _day_of_year(year: int, number: int) -> date:
    day = date(year, 1, 1) + timedelta(days=number - 1)
    if day.year != year:
        raise ValueError("no such day of the year")
    return day


def _read_parts(parts: list[object]) -> Reading:
    """[2025, 2, 26], and Python's time tuples, which go on with the hour and are UTC."""
    numbers = [int(part) for part in parts if isinstance(part, int | str) and str(part).isdecimal()]
    if len(numbers) != len(parts) or not 1 <= len(numbers) <= 9 or numbers[0] not in _CALENDAR_YEARS:
        return _UNREAD
    try:
        if len(numbers) >= 6:
            return Reading(datetime(*numbers[:5], min(numbers[5], 59), tzinfo=UTC), True)  # type: ignore[arg-type, misc]
        year, month, day = [*numbers[:3], 1, 1][:3]
        return Reading(date(year, month, day), True, ("year", "month", "day")[min(len(numbers), 3) - 1])
    except ValueError:
        return _UNREAD


def _read_number(number: float, prose: bool = False) -> Reading:
    try:
        if not prose and number in _CALENDAR_YEARS:
            return Reading(date(int(number), 1, 1), True, "year")
        if not prose and isinstance(number, int) and number // 100 in _CALENDAR_YEARS and 1 <= number % 100 <= 12:
            return Reading(date(number // 100, number % 100, 1), True, "month")
        if isinstance(number, int) and (day := _calendar(str(number))) is not None:
            return Reading(day, True)
        if not prose and int(number) in _SHEET_DAYS:
            day = date(1899, 12, 30) + timedelta(days=int(number))
            seconds = round((number - int(number)) * 86_400)
            if not seconds:
                return Reading(day, False)
            return Reading(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds), False)
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
