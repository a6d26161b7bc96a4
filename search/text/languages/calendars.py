"""Dates in texts of a language: the names of its months, and the words that say when: before, since, until."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

_FIRST_YEAR, _LAST_YEAR = 1600, 2199
# Names in Latin letters that are other words, too, where they have a capital: the planet, a given name.
_DOUBTFUL: Final = frozenset({"mars", "avril"})
ROLES: Final = ("since", "after", "before", "until", "begins", "within")
_DAY = r"\d{1,2}(?:\.|er|º|ª|°|e|:e|-?го)?(?!\d)"
_BUDDHIST = 2400  # from this year on, years are counted as in Thailand, 543 more
_NOT_INSIDE = r"(?<!\w)(?<!\d[.,:/-])"
_DASH = r" ?[-–—] ?"
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " ")
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue"}


class Dated(NamedTuple):
    """A date that a text has: ``text[start:end]``, and without the words before and behind it ``text[core:tail]``.
    What is not said is None; days run from ``first`` to ``day``. ``role`` is what those words say: "since", "after",
    "before", "until", "begins" (the first of two), "within" or nothing."""

    start: int
    core: int
    tail: int
    end: int
    year: int | None
    month: int | None
    first: int | None
    day: int | None
    role: str


@dataclass(frozen=True)
class Calendar:
    """``months`` has twelve names between spaces, several ways to say one with "|" between. ``of`` may stand between
    day, month and year, and ``the`` before a day; ``through`` joins the ends of a period and ``years`` are the words
    for a year. The others are prepositions, those of ``within`` that say no more than "in". ``numbered``: months have
    numbers, as 2021年3月 does, and the three signs are given instead of names. ``year_first``: so dates are written.
    ``spaced``: words have spaces between them. A space inside of a name is given as "_", and a word that
    begins with a hyphen stands behind its date."""

    months: str = ""
    within: str = ""
    since: str = ""
    after: str = ""
    before: str = ""
    until: str = ""
    begins: str = ""
    through: str = ""
    of: str = ""
    the: str = ""
    years: str = ""
    numbered: str = ""
    year_first: bool = False
    spaced: bool = True

    @cached_property
    def names(self) -> dict[str, int]:
        """The months by what they are called, in small letters, with accents and without."""
        found: dict[str, int] = {}
        for number, names in enumerate(self.months.split(), 1):
            for name in names.split("|"):
                name = name.replace("_", " ")
                plain = "".join(_UMLAUTS.get(letter, letter) for letter in name)
                for form in (name, _bare(name) if name[0] < "\u0600" else name, plain):
                    found.setdefault(unicodedata.normalize("NFC", form), number)
        return found

    @cached_property
    def joins(self) -> re.Pattern[str]:
        """What stands between the ends of a period."""
        words = "|".join(map(re.escape, _words(self.through)))
        the = self._the
        if self.numbered:
            return re.compile(rf"\s?(?:{words}|[-–—~～〜])\s?")
        return re.compile(rf"{_DASH}|,? (?:{words}),? {the}" if words else _DASH, re.I)

    @property
    def _the(self) -> str:
        return f"(?:(?:{'|'.join(map(re.escape, _words(self.the)))}) )?" if self.the else ""

    @cached_property
    def _core(self) -> str:
        """Matches a day, a month and a year, as far as they are there."""
        if self.numbered:
            year, month, day = self.numbered.split()
            return (
                rf"(?<!\d)(?:(?P<year>[0-9]{{4}}) ?{year})?(?: ?(?P<month>[0-9]{{1,2}}) ?{month}"
                rf"(?: ?(?:(?P<first>[0-9]{{1,2}}) ?(?:{day})? ?[-–~～〜至] ?)?(?P<day>[0-9]{{1,2}}) ?(?:{day}))?)?"
            )
        names = "|".join(sorted(map(re.escape, self.names), key=len, reverse=True))
        of = "|".join(map(re.escape, self.of.split("|"))) if self.of else ""
        of = f"(?:{of})?" if of else ""
        joins = "|".join(map(re.escape, _words(self.through)))
        joins = rf"(?:{_DASH}| (?:{joins}) {self._the})" if joins else f"(?:{_DASH})"
        years = "|".join(map(re.escape, _words(self.years)))
        years_before = rf"(?:(?:{years}) ?)?" if years else ""
        years = rf"(?: ?(?:{years})(?!\w))?" if years else ""
        if self.year_first:
            return (
                rf"(?:(?P<year>\d{{4}})\.? )?(?P<month>{names})(?!\w)"
                rf"(?: (?:(?P<first>\d{{1,2}})\.?{_DASH})?(?P<day>\d{{1,2}})(?!\d)\.?)?"
            )
        ending, space = (r"(?!\w)", "[ -]") if self.spaced else ("", " ?")
        return (
            rf"(?:(?:(?P<first>{_DAY}){joins})?(?P<day>{_DAY}){space}{of})?(?P<month>{names}){ending}"
            rf"(?:[,،]?{space}{of}{years_before}(?P<year>\d{{4}})(?![\w%]|[.,:]\d){years})?"
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a date with what stands before and behind it."""
        before, behind = [], []
        for role in ROLES:
            words = getattr(self, role).split("|") if getattr(self, role) else []
            ahead = [re.escape(word) for word in words if word[0] != "-"]
            after = [re.escape(word[1:]) for word in words if word[0] == "-"]
            if ahead:
                ahead = [word if word.endswith(("'", "’")) else word + " " for word in ahead]
                before.append(rf"(?P<{role}>{'|'.join(sorted(ahead, key=len, reverse=True))})")
            if after:
                behind.append(rf"(?P<{role}_>{'|'.join(sorted(after, key=len, reverse=True))})")
        lead = rf"(?:(?:{'|'.join(before)}){self._the})?{self._the}" if before else self._the
        tail = rf"(?: ?(?:{'|'.join(behind)})(?!\w))?" if behind else ""
        if self.numbered:
            tail = tail.replace(r"(?!\w)", "")
            return re.compile(rf"(?P<core>(?=\d){self._core}){tail}")
        tail = rf"(?:['’]\w{{1,5}})?{tail}"
        years = "|".join(map(re.escape, _words(self.years)))
        years = rf"(?:(?:{years}) )?" if years else ""
        after_year = rf"(?: (?:{'|'.join(map(re.escape, _words(self.years)))})(?!\w))?" if self.years else ""
        alone = rf"{years}(?P<alone>\d{{4}})(?![\w%-]|[.,:]\d){after_year}"
        if not self.spaced:
            lead = lead.replace(" ", " ?")
        begin = _NOT_INSIDE if self.spaced else r"(?<!\d)"
        return re.compile(rf"{begin}{lead}(?P<core>{self._core}|{alone}){tail}", re.I)

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """Matches a date without anything else."""
        return re.compile(self._core if self.numbered else rf"{self._the}{self._core}\.?", re.I)

    def read(self, text: str) -> tuple[int, int | None, int | None] | None:
        """Year, month and day of a text that is a date of this language and has a year; None for another."""
        found = self.whole.fullmatch(text.translate(_SPACES))
        if found is None or not found["year"] or found["first"]:
            return None
        year = _year(found["year"]) or 0
        if found["month"] is None:
            return year, None, None
        return year, self._month(found["month"]), _number(found["day"])

    def _month(self, said: str) -> int:
        return int(said) if self.numbered else self.names[unicodedata.normalize("NFC", said.lower())]

    def dates(self, text: str) -> list[Dated]:
        """What in a text may be a date of this language, in order and disjoint. A month without a day, a year or a
        preposition is there only as one end of a period; a year without more needs its preposition, or its word."""
        found = []
        for match in self.pattern.finditer(text.translate(_SPACES)):
            one = self._dated(match)
            if one is not None:
                found.append(one)
        return found

    def _dated(self, match: re.Match[str]) -> Dated | None:
        said = match.groupdict()
        role = next((role for role in ROLES if said.get(role) or said.get(f"{role}_")), "")
        alone, month = said.get("alone"), said["month"]
        year = _year(alone or said["year"])
        if year is not None and not _FIRST_YEAR <= year <= _LAST_YEAR:
            return None
        if alone or (self.numbered and month is None):
            named = self.numbered or len(match["core"]) > len(alone or "")
            if year is None or (not role and not named) or (not named and year % 1000 == 0):
                return None
            return Dated(
                match.start(), match.start("core"), match.end("core"), match.end(), year, None, None, None, role
            )
        if month.lower() in _DOUBTFUL and not month.islower() and not said["day"]:
            return None
        first, day = _number(said["first"]), _number(said["day"])
        number = self._month(month)
        if not 1 <= number <= 12:
            return None
        return Dated(match.start(), *match.span("core"), match.end(), year, number, first, day, role)


def _year(said: str | None) -> int | None:
    year = _number(said)
    return year - 543 if year is not None and year > _BUDDHIST else year


def _number(said: str | None) -> int | None:
    digits = re.match(r"\d+", said) if said else None
    return int(digits[0]) if digits else None


def _words(text: str) -> list[str]:
    """Some words, the longest first."""
    return sorted(filter(None, text.split("|")), key=len, reverse=True)


def _bare(word: str) -> str:
    """A word of an alphabet without accents."""
    letters = (letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", "".join(letters))


def may_have(text: str, calendar: Calendar) -> bool:
    """Whether a text can name a date in a language at all: a number, or a month as a word of its own."""
    if any(map(str.isdecimal, text)) or not calendar.spaced:
        return True
    return not calendar.names.keys().isdisjoint(text.lower().split())
