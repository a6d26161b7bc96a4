"""Dates in forms that are few and far between, put as others are: eras, two days of one edition, quarters, logs."""

from __future__ import annotations

import re
from datetime import date

from search.ingest.months import bare

# A time of day behind its half, or with Arabic and Greek letters for it; a server's log; Vietnamese; spaces around
# signs; old short names.
_FORMS = tuple(
    (re.compile(form), new)
    for form, new in (
        (r"(?:오후|午後|下午)\s*(\d{1,2}\s?[:時时시点]\s?(?:\d\d)?)", r"\1 pm"),
        (r"(?:오전|午前|上午)\s*(\d{1,2}\s?[:時时시点]\s?(?:\d\d)?)", r"\1 am"),
        (r"(\d:\d\d)\s*(?:م|μ\.?μ\.?)(?!\w)", r"\1 pm"),
        (r"(\d:\d\d)\s*(?:ص|π\.?μ\.?)(?!\w)", r"\1 am"),
        (r"(?<=\d{4}):(?=\d\d:\d\d)", " "),
        (r"(?:ngay\s)?(\d{1,2})\sthang\s(\d{1,2}),?\s(?:nam\s)?(\d{4})", r"\3-\2-\1"),
        (r"thang\s(\d{1,2})\s(\d{1,2}),?\s(\d{4})", r"\3-\1-\2"),
        (r"(?<!\d)(\d{1,4})\s([-/])\s(\d{1,2})\s\2\s(\d{1,4})(?!\d)", r"\1\2\3\2\4"),
        (r"\b(jan|feb)y\b", r"\1"),
        (r"\b(sept|oct|nov|dec)r\b", r"\1"),
    )
)
# Two days of one edition: 26-27 February 2025, February 26/27, 2025.
_RANGES = (
    re.compile(r"(?<![\d./-])(\d{1,2})\s?[-–/&+]\s?\d{1,2}(?=\.?\s(?:of |de )?[^\W\d_]{3,}\.?\s\d{4})"),
    re.compile(r"([^\W\d_]{3,}\.?\s\d{1,2})\s?[-–/&+]\s?\d{1,2}(?=,?\s\d{4}(?!\d))"),
)
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867, "民國": 1911, "民国": 1911}
_ERA = re.compile(rf"({'|'.join(_ERAS)})\s*(\d{{1,3}}|元)(?=\s*年)")
_PERIOD = re.compile(
    r"(?P<y>\d{4})-?W(?P<week>\d\d)|(?P<first>\d{4})[\s/-]?Q(?P<after>[1-4])|Q(?P<before>[1-4])[\s/-]?(?P<last>\d{4})",
    re.IGNORECASE,
)
# The month in Roman numbers: 26.II.2025.
ROMAN = re.compile(r"(?P<d>\d{1,2})[\s./-]+(?P<roman>[ivx]+)[\s./-]+(?P<y>\d{4}|\d\d)(?:\s?r\.)?")
_TO_TWELVE = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
ROMANS = {roman: number for number, roman in enumerate(_TO_TWELVE, 1)}
BUDDHIST = 2400  # from this year on, years are counted as in Thailand
# How the days of the week begin in English, German, French, Spanish, Italian, Portuguese and Dutch, Monday first.
_WEEKDAYS = (
    ("mon", "mo", "lun", "seg", "maa"), ("tue", "di", "mar", "ter", "din"), ("wed", "mi", "mer", "mie", "qua", "woe"),
    ("thu", "do", "jeu", "jue", "gio", "qui", "don"), ("fri", "fr", "ven", "vie", "sex", "vri"),
    ("sat", "sa", "sam", "sab", "zat"), ("sun", "so", "dim", "dom", "zon", "son"),
)  # fmt: skip
_WEEKDAY = re.compile(r"[^\W\d_]+")


def weekday(text: str) -> int | None:
    """The day of the week that a text begins with, 0 for Monday; None without one."""
    found = _WEEKDAY.match(bare(text.strip()))
    if found is None:
        return None
    short = found[0][:3]
    return next((day for day, names in enumerate(_WEEKDAYS) if short in names), None)


def rewritten(text: str) -> tuple[str, bool]:
    """A text as dates are usually written, and whether all of it is still there: of two days the first is left."""
    for form, new in _FORMS:
        text = form.sub(new, text)
    if any(era in text for era in _ERAS):
        text = _ERA.sub(lambda era: str(_ERAS[era[1]] + (1 if era[2] == "元" else int(era[2]))), text)
    whole = text
    for two in _RANGES:
        text = two.sub(r"\1", text)
    return text, text == whole


def period(text: str) -> tuple[date, str] | None:
    """The first day of a week or a quarter, and which of them it is. Raises ValueError for one that there is not."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    if found["week"] is not None:
        return date.fromisocalendar(int(found["y"]), int(found["week"]), 1), "week"
    quarter = int(found["after"] or found["before"])
    return date(int(found["first"] or found["last"]), 3 * quarter - 2, 1), "quarter"
