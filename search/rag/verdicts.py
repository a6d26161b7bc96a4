"""What becomes of the quotations and the citation marks of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from search.declarations import UNTOLD, also_told, told


class Verdict(StrEnum):
    """What became of a quotation or a mark."""

    EXACT = "exact"
    """Stands so in the cited article; of a mark: there is such a passage."""

    NORMALISED = "normalised"
    """The same but for quotation marks, dashes, white space, letter case, or a gap marked by an ellipsis."""

    ELSEWHERE = "elsewhere"
    """Stands in another passage than the cited one."""

    MISSING = "missing"
    """Stands in none of the articles: ``nearest`` is the sentence most like it. Of a mark: no such passage."""

    ALTERED = "altered"
    """Stands there but for words in square brackets, which may hide what they replace: ``nearest`` is the sentence."""

    UNREAD = "unread"
    """Not looked up: its quotation mark is never closed or never opened, it is longer than 10,000 characters, has more
    than twenty pieces, or comes after the 200 quotations that are (one stretch stands for all of these). Of a mark:
    ``number`` is 0, and this and what follows is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stretch of an article: ``article.text[start:end] == text``. ``number`` is its passage's mark."""

    number: int
    article_id: str = field(metadata=told(name="id"))
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedText:
    """A quotation: ``answer[start:end] == text``, without its quotation marks. ``cited`` are the numbers of the marks
    that go with it; ``found`` where it stands; ``nearest`` the most similar sentence, where it stands nowhere, with
    ``similarity`` from 0 to 1, or the whole sentence that it alters."""

    start: int
    end: int
    text: str
    cited: tuple[int, ...]
    verdict: Verdict = field(
        metadata=told(
            "exact, normalised, elsewhere (not where it is cited), missing, altered (but for words in square brackets "
            "it stands there) or unread (never closed, or too long: not looked up)."
        )
    )
    found: Place | None = None
    nearest: Place | None = field(
        default=None, metadata=told("The real sentence: the most similar one, or the one altered.")
    )
    similarity: float = field(default=0.0, metadata=UNTOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A citation mark: ``answer[start:end]`` holds ``number``, alone or with others."""

    start: int
    end: int
    number: int
    verdict: Verdict = field(metadata=told("exact, missing (no such passage) or unread (too many marks; number is 0)."))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReport:
    """Every quotation and every mark of an answer, in order. ``ok`` when each stands where the answer says."""

    quotes: tuple[QuotedText, ...]
    marks: tuple[Mark, ...]

    @property
    @also_told("Whether every verdict is exact or normalised.", after="")
    def ok(self) -> bool:
        """Whether every verdict is exact or normalised."""
        return not self.faults

    @property
    def faults(self) -> int:
        """How many quotations and marks are missing, elsewhere, altered or unread."""
        verdicts = [one.verdict for one in self.quotes] + [one.verdict for one in self.marks]
        return sum(verdict not in (Verdict.EXACT, Verdict.NORMALISED) for verdict in verdicts)
