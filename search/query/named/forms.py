"""The forms in which people name periods: days, months, quarters, years and what is told from the present."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from search import deadline
from search.errors import QueryError
from search.query.named import periods
from search.query.named.disjoint import Disjoint
from search.query.named.periods import NUMBER, ORDINAL, THROUGH, NotOne, Read, Span, year_of

MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|Jun\.|July?|Jul\.|Aug(?:ust|\.)?"
    r"|Sept(?:ember|\.)?|Sep\.?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)(?!\w)"
)
_YEAR = (
    r"(?:1[6-9]|20|21)[0-9]{2}(?! (?:people|men|women|children|homes|votes|met(?:re|er)s|kilomet(?:re|er)s|km|miles"
    r"|crowns|dollars|euros)\b)"  # "over 2000 homes" is no date
)
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_SHORT = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri)(?!\w)\.?"
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?(?![\w/]|[.,:][0-9])"
_START = r"(?<!\w)(?<![0-9][.,:/])(?<![$£€])"
_END = r"(?:['’]s)?(?![\w%]|[.,/:][0-9]|['’]\w)"
_GLUED = re.compile(rf"-(?!{MONTH}|{_YEAR}|{_DAY}(?: of)? {MONTH}|[0-9]{{1,2}}[./][0-9])\w", re.I)  # 2024-B
_SAID_YEAR = rf"(?P<year>{_YEAR}|['’][0-9]{{2}}(?!\w)|(?:last|this) year(?!\w))"
_OF_YEAR = rf"(?:,? (?:of )?|-){_SAID_YEAR}"
_DATED = rf"(?:(?:{_WEEKDAY}|{_SHORT}|Sat\.?|Sun\.?),? )?"  # "Thursday, 26 September"
_ROUGH = r"(?:(?:early|mid|late)[ -])?"
_AND = r"(?:, and |, | and (?:the )?| or (?:the )?)"
_PLAIN = r"(?:in|at|about|for|by|and|or|with|as|did|do|does|was|were|is|are|has|have)\b"  # follows a date, not a count
_UNIT = r"(?P<unit>hour|day|week|fortnight|month|year|decade)s?"
_LATER = rf"(?:{THROUGH}{_DAY}(?! (?:of )?{MONTH})|{_AND}{_DAY}(?! (?!{_PLAIN}|{_YEAR})\w))"
_ORDINALS = rf"(?P<ordinals>{ORDINAL}(?:(?:,| and| or| to)(?: the)? {ORDINAL}){{0,3}})(?: (?P<n>{NUMBER}))?"


@dataclass(frozen=True, slots=True)
class Named:
    """``question[start:end]`` names periods: ``spans(year)``, with a year for the ``open`` ones, which say none.

    ``kind`` is "day", "month", "quarter" (or another part), "year", "decade", "weekday", "past" (told from the
    present), "weekend" or "now". ``firm`` ones are periods without a preposition, too. ``spans`` raises ValueError
    for what no calendar has.
    """

    start: int
    end: int
    kind: str
    firm: bool
    open: bool
    year: int | None
    spans: Callable[[int | None], tuple[Span, ...]]


def named(question: str, now: datetime) -> list[Named]:
    """All that names a period, in order and disjoint: where two overlap, the longer."""
    found: list[tuple[int, int, int, Named]] = []
    for rank, (kind, pattern, read) in enumerate(_FORMS):
        match = pattern.search(question)
        while match:
            deadline.check()
            one = None if _is_part(question, match) else _read(kind, match, read, now)
            if one is not None:
                found.append((one.start - one.end, rank, one.start, one))
            match = pattern.search(question, match.start() + 1)
    taken = Disjoint()
    longest = [one for *_, one in sorted(found, key=lambda item: item[:3]) if taken.take(one.start, one.end)]
    return sorted(longest, key=lambda one: one.start)


def _is_part(question: str, match: re.Match[str]) -> bool:
    """Whether it is a part of something else: "COVID-19 March", the "26 - 7 October" of "Sept. 26 - 7 October"."""
    if _GLUED.match(question, match.end()):
        return True
    before = question[max(0, match.start() - 12) : match.start()]
    if re.search(r"\S-$", before) and not re.search(rf"(?<!\w)(?:{MONTH}|[0-9]+)-$", before, re.I):
        return True
    several = re.search(r"[0-9]\D+[0-9]", match.groupdict().get("days") or "")
    return bool(several) and match[0][0].isdigit() and re.search(rf"(?<!\w){MONTH} $", before, re.I) is not None


def _read(kind: str, match: re.Match[str], read: Read, now: datetime) -> Named | None:
    said = match.groupdict()
    year = year_of(said.get("year"), now)
    if not _is_meant(kind, match[0], year is not None):
        return None
    is_open = "year" in said and year is None
    firm = kind == "past" or bool(said.get("which") or said.get("week") or said.get("the"))
    firm = firm or (kind in ("day", "month", "quarter") and not is_open)
    firm = firm or (kind == "day" and re.search(r"[0-9a-z] ?[-–] ?[0-9]", said["days"]) is not None)

    def spans(other: int | None) -> tuple[Span, ...]:
        try:
            return read(match, year or other or now.year, now)
        except (OverflowError, QueryError) as error:
            raise ValueError from error

    try:
        spans(None)
    except NotOne:
        return None
    except ValueError:
        pass  # no calendar has it, and no part of it is meant either
    return Named(match.start(), match.end(), kind, firm, is_open, year, spans)


def _is_meant(kind: str, said: str, with_year: bool) -> bool:
    """Whether it is written as a name, where it could be another word: "may", "march", "mon", "USA Today"."""
    if with_year:
        return True
    if kind == "past" and said[0].isupper() and said.lower() in ("today", "yesterday", "tonight"):
        return False
    for word in re.findall(rf"\b(?:{MONTH}|{_SHORT})", said, re.I):
        doubtful = word.lower().rstrip(".") in ("may", "march", "mar")
        if kind in ("month", "weekday"):
            doubtful = doubtful or len(word.rstrip(".")) < 4 or word.lower() in ("august", "sept", "sept.", "tues")
        if doubtful and not word[0].isupper():
            return False
    return True


def _form(kind: str, pattern: str, read: Read) -> tuple[str, re.Pattern[str], Read]:
    return kind, re.compile(f"{_START}(?:{pattern}){_END}", re.I), read


_FORMS = (
    _form("day", rf"{_DATED}(?P<y>{_YEAR})(?P<sep>[-/])(?P<m>[0-9]{{1,2}})(?P=sep)(?P<d>[0-9]{{1,2}})", periods.iso),
    _form(
        "day",
        r"(?:(?P<first>[0-9]{1,2})\.? ?[-–] ?)?(?P<a>[0-9]{1,2})(?P<sep>[-/.])(?P<b>[0-9]{1,2})(?P=sep)"
        r"(?P<y>[12][0-9]{3})",
        periods.numeric,
    ),
    _form("day", r"(?P<a>[0-9]{1,2})/(?P<b>[0-9]{1,2})/(?P<y>[0-9]{2})", periods.numeric),
    _form(
        "day",
        rf"{_DATED}(?:the )?(?P<days>{_DAY}(?:(?:{THROUGH}|{_AND}){_DAY}){{0,8}})(?: of)? (?P<month>{MONTH})"
        rf"(?:{_OF_YEAR})?",
        periods.days,
    ),
    _form(
        "day", rf"{_DATED}(?P<month>{MONTH}) (?:the )?(?P<days>{_DAY}(?:{_LATER}){{0,8}})(?:{_OF_YEAR})?", periods.days
    ),
    _form("month", rf"(?P<y>{_YEAR})(?P<sep>[-/])(?P<m>0[1-9]|1[0-2])", periods.iso_month),
    _form("month", rf"{_ROUGH}(?P<month>{MONTH})(?! Day\b)(?:{_OF_YEAR})?", periods.month),
    _form("month", rf"(?P<which>last|past|this) (?P<month>{MONTH})", periods.month),
    _form("quarter", rf"(?P<letter>Q)(?P<number>[1-4])(?:(?:[-/]|,? (?:of )?){_SAID_YEAR})?", periods.quarter),
    _form("quarter", rf"(?P<letter>H)(?P<number>[12])(?:[-/]|,? (?:of )?){_SAID_YEAR}", periods.quarter),
    _form("quarter", rf"(?P<year>{_YEAR})[- ]?(?P<letter>[QH])(?P<number>[1-4])", periods.quarter),
    _form("quarter", rf"{_ORDINALS} (?P<unit>half|halves|quarters?),?(?: of| in)? {_SAID_YEAR}", periods.part),
    _form("quarter", rf"{_ORDINALS} {_UNIT} of (?:the year )?{_SAID_YEAR}", periods.part),
    _form(
        "quarter",
        rf"{_ORDINALS} (?P<unit>half|days?|weeks?|fortnights?) of (?P<month>{MONTH})(?:{_OF_YEAR})?",
        periods.part,
    ),
    _form("year", rf"{_ROUGH}(?P<the>the year )?(?P<year>{_YEAR})(?:[-–/](?P<short>[0-9]{{2}}))?", periods.years),
    _form("decade", rf"(?P<the>the )?{_ROUGH}(?P<year>(?:1[6-9]|20|21)[0-9]0)['’]?s", periods.decade),
    _form("past", rf"(?P<which>last|past|previous) (?P<n>{NUMBER}) {_UNIT}(?! of\b)", periods.lately),
    _form("past", rf"(?P<n>{NUMBER}) {_UNIT} ago", periods.ago),
    _form(
        "past",
        r"(?P<said>this past|this|last|past|previous) (?P<unit>week|month|quarter|year|weekend|fortnight|decade|night"
        r"|morning|afternoon|evening)(?! of\b)",
        periods.calendar,
    ),
    _form("past", r"(?:the day before )?yesterday|today|tonight", periods.single),
    _form("weekend", rf"the weekend(?! (?!{_PLAIN})\w)", periods.weekend),
    _form(
        "weekday",
        rf"(?:(?P<which>last|this|past) )?(?P<name>{_WEEKDAY}|{_SHORT})(?:(?: of)? (?P<week>last|this) week)?",
        periods.weekday,
    ),
    _form("now", r"now|the present", periods.single),
)
