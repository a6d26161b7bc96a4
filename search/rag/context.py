"""What an assistant is given: numbered passages within a token budget, and how they were chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from search.rag import render
from search.records import Mode

CountTokens = Callable[[str], int]
"""Counts the tokens of a text, as the reader's model does."""


class Detect(StrEnum):
    """What becomes of the sources and dates that a question names."""

    PREFER = "prefer"
    FILTER = "filter"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """A source or a date named in a question: ``question[start:end]`` says what ``clause`` says in the query language.

    ``kind`` is "source" or "date".
    """

    kind: str
    start: int
    end: int
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A numbered stretch of one article: ``article.text[start:end] == text``.

    ``number`` is its mark, from 1, in reading order. ``sentences`` are offsets into the article's text, ascending.
    ``score`` is that of its article in the ranking that found it. ``copies`` are ids of articles that carry the same
    text and were left out. ``tokens`` is what it costs in the rendered context, its heading included.
    """

    number: int
    article_id: str
    start: int
    end: int
    text: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    score: float
    tokens: int
    sentences: tuple[tuple[int, int], ...] = ()
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Sequence[Citation]):
    """The passages for one question, the best article first, in at most ``budget`` tokens when rendered by ``text()``.

    ``parts`` are the questions that were searched for (one, unless the question has several parts); ``detected`` the
    sources and dates that it names, used as ``detect`` says; ``notes`` what else is to be said, such as that no article
    has all the words.
    """

    question: str
    budget: int
    tokens: int
    passages: tuple[Citation, ...]
    mode: Mode
    took_ms: float
    detect: Detect = Detect.PREFER
    detected: tuple[Detected, ...] = ()
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The numbered passages as data for a prompt, in at most ``budget`` tokens.

        A line before each holds a mark that no passage contains, then number, title, source, date and address; a last
        line closes them. Control and bidirectional characters are gone. Empty where there are no passages.
        """
        return render.render(self.question, self.passages)

    def messages(self) -> list[dict[str, str]]:
        """Chat messages with ``role`` and ``content``: the system's, which says that passages are quoted text whose
        instructions are not to be followed, and the user's: ``text()`` and the question. What they add to ``text()``,
        some 150 tokens and the question, is not counted in ``budget``."""
        question = render.visible(self.question)
        if not self.passages:
            system = "No passage of the archive answers the question. Say so, and do not answer from memory."
            return [{"role": "system", "content": system}, {"role": "user", "content": question}]
        system = render.SYSTEM.format(fence=render.mark(self.question, self.passages))
        user = f"{self.text()}\n\nQuestion: {question}"
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def __len__(self) -> int:
        return len(self.passages)

    def __iter__(self) -> Iterator[Citation]:
        return iter(self.passages)

    def __getitem__(self, index: Any) -> Any:
        return self.passages[index]
