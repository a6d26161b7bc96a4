"""What a language is to the words of an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from search.text.languages import dates
from search.text.languages.calendars import Calendar
from search.text.languages.stems import folded, stemmed

NEUTRAL = "und"
"""The code of ISO 639 for a language that nobody has determined: words stand for themselves."""


@dataclass(frozen=True)
class Language:
    """``code`` is that of ISO 639-1. ``script`` is what it is written in; in each script one language ``leads``: words
    of that script are read as its words wherever they stand. ``stemmer`` is Snowball's name of the algorithm, None
    where words are found as they are; ``prepare`` makes of a folded word what that algorithm expects.
    ``words`` are those that say nothing of what a text is about, as print has them."""

    code: str
    name: str
    script: str
    stemmer: str | None = None
    leads: bool = False
    prepare: Callable[[str], str] | None = None
    words: str = ""

    @cached_property
    def function_words(self) -> frozenset[str]:
        """The words that say nothing of what a text is about, folded."""
        return frozenset(map(folded, self.words.split()))

    @property
    def calendar(self) -> Calendar | None:
        """How it says dates; None where that is not known, and for English, which ``query.named`` reads."""
        return dates.of(self.code)

    @cached_property
    def stem(self) -> Callable[[str], str]:
        """What a folded word of this language is found by, folded letters too. Never empty."""
        return stemmed(self.stemmer, self.prepare)
