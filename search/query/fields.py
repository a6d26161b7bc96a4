"""The fields of the query language: their names, and what a value written after each of them means."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

from search.errors import QueryError
from search.keyword.analysis import LONGEST_WORD, TOKEN, value_term
from search.keyword.readings import words_of
from search.keyword.tree import And, DayRange, Id, InstantRange, Length, Listed, Node, Not, Value, either
from search.query import dates

TEXT = {"title": "title", "caption": "caption", "text": "text"}
VALUES = {
    "source": "source",
    "by": "by",
    "section": "section",
    "agency": "agency",
    "dateline": "dateline",
    "lang": "language",
}
NO_DATE = "none"
"""What ``date:`` takes for articles without a date."""
DATES = ("date", "since", "until", "before", "after", "on")
ALIASES = {
    "intitle": "title",
    "headline": "title",
    "intext": "text",
    "body": "text",
    "author": "by",
    "byline": "by",
    "publication": "source",
    "language": "lang",
}
FIELDS = (*TEXT, *VALUES, *DATES, "length", "id", "in", "exact")
LISTED = "title, by, source, section, agency, dateline, caption, text, lang, id, in, length, exact, " + ", ".join(DATES)

_LONE = re.compile(r"(?<!\S)[A-Z] [A-Z](?!\S)")  # may be initials
_SIGN = re.compile("[<>]=?")
_SIGNS = {">": "after", ">=": "since", "<": "before", "<=": "until"}
_LENGTH = re.compile(r"(?P<sign>>=|<=|>|<|)(?P<n>[0-9][0-9,]{0,11})")


def field_name(written: str) -> str | None:
    """The field that a name means, aliases included, in any case; None if there is none."""
    lower = written.lower()
    lower = ALIASES.get(lower, lower)
    return lower if lower in FIELDS else None


def has_word(text: str) -> bool:
    """Whether the index could hold any word of the text."""
    return TOKEN.search(text) is not None


def value_key(value: str) -> str:
    """What is equal for two values of a metadata field where ``field:=`` takes them for the same; empty for a value
    without a word, which no query finds."""
    if value.isascii() and len(value) <= LONGEST_WORD and value.replace(" ", "").isalnum() and not _LONE.search(value):
        return value_term(value.lower().split())
    words = words_of(value)
    return value_term(words) if words else ""


def value_tree(field: str, text: str, *, whole: bool, quoted: bool, now: datetime) -> Node:
    """The condition that ``field:text`` states, for the fields that are not searched word by word.

    Raises QueryError with a position inside ``text``.
    """
    if field in VALUES:
        return _named(field, text, whole, quoted)
    if field == "id":
        return Id((text,))
    if whole:
        raise QueryError(f"{field}:= is not possible; := asks for a whole value of {', '.join(VALUES)}", text, 0)
    if field == "in":
        return Listed(" ".join(text.split()))
    if field == "length":
        return _length(text)
    return date_tree(field, text, now)


def date_tree(field: str, text: str, now: datetime) -> Node:
    """``date:``, ``on:``, ``since:``, ``until:``, ``before:`` or ``after:`` as a range of days or of instants."""
    if field == "date" and text.lower() == NO_DATE:
        return Not(DayRange(None, None))
    if field == "date":
        sign = _SIGN.match(text)
        if sign is None:
            return range_tree(*dates.bounds(text, now))
        field, text = _SIGNS[sign[0]], text[sign.end() :]
    if ".." in text:
        raise QueryError(f"{field}: takes one date; a range is written date:{text}", text, 0)
    period = dates.period(text, now)
    if field == "on":
        return range_tree(period.first, period.last)
    if field == "since":
        return range_tree(period.first, None)
    if field == "until":
        return range_tree(None, period.last)
    bound = dates.day_before(period.first) if field == "before" else dates.day_after(period.last)
    if bound is None:
        raise QueryError(f"nothing can be published {field} {text}: years run from 0001 to 9999", text, 0)
    return range_tree(None, bound) if field == "before" else range_tree(bound, None)


def range_tree(first: dates.Bound | None, last: dates.Bound | None) -> Node:
    """Days as a DayRange, instants as an InstantRange; one of each as both."""
    if isinstance(first, datetime) or isinstance(last, datetime):
        kinds: list[Node] = []
        start = first if isinstance(first, datetime) else None
        end = last if isinstance(last, datetime) else None
        if first is not None and start is None:
            kinds.append(DayRange(_day(first), None))
        kinds.append(InstantRange(start, end))
        if last is not None and end is None:
            kinds.append(DayRange(None, _day(last)))
        return kinds[0] if len(kinds) == 1 else And(kinds)
    return DayRange(first, last)


def _day(bound: dates.Bound) -> date:
    return bound.date() if isinstance(bound, datetime) else bound


def _named(field: str, text: str, whole: bool, quoted: bool) -> Node:
    if not quoted:
        text = text.rstrip(",;")
        if "*" in text:
            raise QueryError(
                f"{field}: takes names without *; one word of the name is enough, or quote it", text, text.index("*")
            )
    if not has_word(text):
        raise QueryError(f"{field}: has no word or number to look for", text, 0)
    return named(field, text, whole=whole)


def named(field: str, text: str, *, whole: bool) -> Node:
    """The condition that a field of names has this one, or (``whole`` false) its words. A language goes by its code and
    by its name."""
    name = " ".join(text.split())
    names = [name]
    if field == "lang":
        from search.ingest.languages import language_code  # its table is seldom needed

        names = list(dict.fromkeys((language_code(name), name)))
    return either([Value(VALUES[field], name, whole) for name in names])


def _length(text: str) -> Node:
    low, dots, high = text.partition("..")
    if dots:
        minimum = _count(low, text) if low else None
        maximum = _count(high, text) if high else None
        if minimum is None and maximum is None:
            raise QueryError("length:.. needs a number on one side at least, as in length:300..800", text, 0)
        if minimum is not None and maximum is not None and minimum > maximum:
            raise QueryError(f"this range runs backwards; write length:{maximum}..{minimum}", text, 0)
        return Length(minimum, maximum)
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise _bad_length(text)
    number = _count(match["n"], text)
    sign = match["sign"]
    if sign == "<" and number == 0:
        raise QueryError("no article has fewer than 0 words", text, 0)
    limits: dict[str, Callable[[int], Node]] = {
        ">": lambda n: Length(n + 1, None),
        ">=": lambda n: Length(n, None),
        "<": lambda n: Length(None, n - 1),
        "<=": lambda n: Length(None, n),
        "": lambda n: Length(n, n),
    }
    return limits[sign](number)


def _count(digits: str, text: str) -> int:
    plain = digits.strip().replace(",", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 9):
        raise _bad_length(text)
    return int(plain)


def _bad_length(text: str) -> QueryError:
    return QueryError("length: takes a number of words, as in length:>800, length:<=300 or length:300..800", text, 0)
