"""What a context is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from search.declarations import told


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
    text and were left out. ``tokens`` is what it costs in the rendered context, its heading included. ``page`` is where
    it stands ("3", "3–4"), "" where pages are not known.
    """

    number: int
    article_id: str = field(metadata=told(name="id"))
    start: int
    end: int
    text: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    score: float = field(metadata=told(digits=6))
    tokens: int
    sentences: tuple[tuple[int, int], ...] = ()
    copies: tuple[str, ...] = field(
        default=(), metadata=told("Ids of articles that carry the same text and were left out.")
    )
    page: str = field(default="", metadata=told("The page or pages where it stands, where they are known."))
