"""Sources and dates that a text names: where it does, and as conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from search.query.named.disjoint import Disjoint
from search.query.named.mentions import Condition, DateMention, Mention, SourceMention, clause
from search.query.named.sources import SourceNames, sources

if TYPE_CHECKING:
    from search.keyword.tree import DayRange
    from search.text.languages.language import Language

__all__ = [
    "Condition",
    "DateMention",
    "Disjoint",
    "Mention",
    "SourceMention",
    "SourceNames",
    "clause",
    "days",
    "find",
    "sources",
    "together",
]

_MAY_BE_A_DATE = re.compile(
    r"[0-9]|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|yesterday|today|tonight|now"
    r"|present|last|past|previous|this|ago|weekend|first|second|third|fourth|opening|final|closing)",
    re.I,
)


def find(
    text: str, names: SourceNames | Iterable[str], now: datetime, languages: Sequence[Language] = ()
) -> list[Mention]:
    """What a text names, in order and disjoint; where a source and a date overlap, the source is meant. ``names`` are
    those of the archive's sources; dates are relative to ``now``, in English and in ``languages``."""
    named = sources(text, names)
    taken = Disjoint()
    for source in named:
        taken.take(source.start, source.end)
    dates = [date for date in days(text, now, languages) if taken.take(date.start, date.end)]
    return sorted((*dates, *named), key=lambda mention: mention.start)


def days(text: str, now: datetime, languages: Sequence[Language] = ()) -> list[DateMention]:
    """The periods that a text names, relative to ``now``, in order and disjoint: see ``when``, and for other languages
    than English ``other_languages``. Where the two overlap the longer is meant."""
    found: list[DateMention] = []
    if _MAY_BE_A_DATE.search(text) is not None:
        from search.query.named import when  # many patterns, which take a while to make

        found += when.days(text, now)
    if languages and not (text.isascii() and all(one.script != "Latin" for one in languages)):
        from search.query.named import other_languages

        found += other_languages.days(text, now, languages)
    taken = Disjoint()
    longest = [one for one in sorted(found, key=lambda one: one.start - one.end) if taken.take(one.start, one.end)]
    return sorted(longest, key=lambda one: one.start)


def together(mentioned: Sequence[tuple[DayRange, ...]]) -> tuple[DayRange, ...]:
    """What several periods ask for: see ``when``."""
    if not mentioned:
        return ()
    from search.query.named import when

    return when.together(mentioned)
