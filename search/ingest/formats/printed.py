"""Pages as they are printed: words in lines in blocks, and the text that runs through them.

A line goes on in the next one, without the hyphen that parts a word; a paragraph goes on in the next column or on the
next page where it ends without a full stop and the other begins in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

HYPHENS = "-\u00ad\u2010\u2011\u00ac\u2e17"
_ENDS = '.!?:;"”“’»)'


class Word(NamedTuple):
    """A word, and the numbers of its line and block on the page. ``sure``: how sure its reader was, 0 to 1, None where
    nobody says. ``whole``: the word that it is a part of, where a hyphen parts it; ``last``: it is the second part."""

    text: str
    line: int = 0
    block: int = 0
    sure: float | None = None
    whole: str = ""
    last: bool = False


@dataclass
class Page:
    """The words of a page in their order. ``places`` says for names of parts (an id) from which word to which they
    are; ``body`` is the same for what is no margin."""

    name: str = ""
    words: list[Word] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    body: tuple[int, int] | None = None
    sure: float | None = None
    language: str = ""


class Printed:
    """A text that grows by the words of pages."""

    def __init__(self) -> None:
        self.pages: list[str] = []  # names of those that have a part of it
        self._pieces: list[str] = []
        self._word: Word | None = None
        self._page: Page | None = None
        self._counted = 0  # characters whose reader says how sure it was
        self._sure = 0.0
        self._of_pages: list[float] = []

    @property
    def text(self) -> str:
        """The text, with a form feed before the first word of each page but the first."""
        return "".join(self._pieces)

    @property
    def quality(self) -> float | None:
        """How sure the reader was of its letters, 0 to 1, None where nobody says."""
        if self._counted:
            return round(min(1.0, max(0.0, self._sure / self._counted)), 4)
        return round(sum(self._of_pages) / len(self._of_pages), 4) if self._of_pages else None

    def add(self, page: Page, words: Iterable[Word]) -> None:
        """Take in words of a page."""
        for word in words:
            before = self._word
            if word.sure is not None:
                self._counted += len(word.text)
                self._sure += word.sure * len(word.text)
            elif page is not self._page and page.sure is not None:
                self._of_pages.append(page.sure)
            if before is not None and word.last and word.whole and before.whole == word.whole and not before.last:
                self._word = before._replace(line=word.line, block=word.block, last=True)
                continue
            text = word.whole if word.whole and not word.last else word.text
            if not text:
                continue
            between = self._between(page, word, text)
            if page is not self._page:
                self._page = page
                self.pages.append(page.name)
                between += "\f" if self._pieces else ""
            self._pieces += (between, text)
            self._word = word

    def _between(self, page: Page, word: Word, text: str) -> str:
        """What stands between the words so far and another; a hyphen goes where it parted them."""
        before = self._word
        if before is None:
            return ""
        same_block = page is self._page and before.block == word.block
        if same_block and before.line == word.line:
            return " "
        last = self._pieces[-1]
        if not same_block and not (last[-1:] not in _ENDS and text[:1].islower()):
            return "\n\n"
        self._pieces[-1], between = joined(last, text)
        return between


def joined(last: str, text: str) -> tuple[str, str]:
    """How the end of a line goes on in the next: the end without a hyphen between two parts of a word, and what stands
    between."""
    if last[-1:] in HYPHENS and last[-2:-1].isalpha() and text[:1].islower():
        return last[:-1], ""
    return last, "" if last[-1:] in "-/–" and last[-2:-1].isalnum() else " "
