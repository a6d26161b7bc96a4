"""What an assistant is given: numbered passages within a token budget, and how they were chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from search.rag import render
from search.records import Citation, Detect, Detected, Mode
from search.records.numbers import counted

CountTokens = Callable[[str], int]
"""Counts the tokens of a text, as the reader's model does."""


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
    mode: Mode
    detect: Detect = Detect.PREFER
    detected: tuple[Detected, ...] = ()
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    passages: tuple[Citation, ...]
    took_ms: float

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

    def __repr__(self) -> str:
        passages = counted(len(self), "passage")
        return f"<Context for {self.question!r}: {passages}, {self.tokens:,} of {self.budget:,} tokens>"

    def _repr_html_(self) -> str:
        """The passages as a notebook shows them."""
        return f"<pre>{escape(self.text())}</pre>"

    def __len__(self) -> int:
        return len(self.passages)

    def __iter__(self) -> Iterator[Citation]:
        return iter(self.passages)

    def __getitem__(self, index: Any) -> Any:
        return self.passages[index]
