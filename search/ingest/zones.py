"""Time zones as newspapers and servers write them: offsets, names, and letters that mean one zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# An offset, also behind GMT, the name of a zone ("Europe/Berlin"), or letters that may be one.
ZONE = r"(?:gmt|utc)?\s?[+-]\d\d:?\d\d|(?:gmt|utc)\s?[+-]\d{1,2}|[+-]\d\d|[a-z]+/[a-z_]+|[a-z]{1,5}"
# Hours from UTC. Abbreviations that mean several zones (IST, CST in Asia, ...) are left out, RFC 2822's own aside.
_ZONES = {
    "z": 0.0, "ut": 0.0, "utc": 0.0, "gmt": 0.0, "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0,
    "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "wet": 0.0, "cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0, "msk": 3.0,
    "uhr": 0.0, "h": 0.0, "hrs": 0.0, "uur": 0.0, "jst": 9.0, "kst": 9.0, "aest": 10.0, "aedt": 11.0, "nzst": 12.0,
    "nzdt": 13.0,
}  # fmt: skip
# Names that mean summer time for a part of the year.
_PLACES = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles"}


def zone_of(text: str | None, day: date) -> timezone | None:
    """The zone of a time on that day; None for an unknown one."""
    if text is None:
        return UTC
    text = re.sub(r"^(?:gmt|utc)\s?(?=[+-])", "", text.lower())
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        digits = digits.zfill(2).ljust(4, "0") if len(digits) < 3 else digits.zfill(4)
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if offset >= timedelta(days=1):
            return None
        return timezone(-offset if text[0] == "-" else offset)
    if "/" in text or text in _PLACES:
        return _named(_PLACES.get(text, text), day)
    if text == "bst":  # in winter it is Bangladesh's, or a mistake
        london = _named("Europe/London", day)
        return None if london == UTC else london
    hours = _ZONES.get(text)
    return None if hours is None else timezone(timedelta(hours=hours)) if hours else UTC


def _named(name: str, day: date) -> timezone | None:
    """The offset at noon of a day in a zone of the database of time zones."""
    try:
        place = ZoneInfo("/".join(part.title() if part.islower() else part for part in name.split("/")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    offset = datetime(day.year, day.month, day.day, 12, tzinfo=place).utcoffset()
    return UTC if not offset else timezone(offset)
