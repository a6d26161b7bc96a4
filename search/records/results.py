"""Hits, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from search.declarations import UNTOLD, also_told, row, told, values
from search.records import notebook
from search.records.articles import Article, Passage, headline, pages_between
from search.records.choices import Mode
from search.records.numbers import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A stretch of a hit's ``title`` or ``snippet``, or of an article's ``text``. ``kind`` is "word" for a query word,
    "meaning" for a passage that was found by its vector alone."""

    field: Literal["title", "snippet", "text"]
    start: int
    end: int
    kind: Literal["word", "meaning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An article that is a copy of another, where and when it appeared: its own local day."""

    id: str
    source: str
    published: date | None

    @classmethod
    def of(cls, article: Article) -> Copy:
        """The same of an article that was read."""
        day = article.published
        return cls(
            id=article.id, source=article.source, published=None if day is None else date(day.year, day.month, day.day)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A ranked article.

    ``matched`` is False for a hit beyond the match set: it has some of the words, or is near in meaning.
    ``explain`` is filled on request; its ``parts`` sum to ``score``.
    """

    rank: int
    article: Article = field(
        metadata=told(keys=("id", "title", "source", "published", "authors", "url", "section", "language"))
    )
    score: float = field(metadata=told(digits=6, after="id"))
    matched: bool = field(
        metadata=told("Whether it has all words and meets all conditions of the query.", after="score")
    )
    snippet: str = ""
    highlights: tuple[Highlight, ...] = ()
    passages: tuple[Passage, ...] = ()
    copies: tuple[Copy, ...] = field(
        default=(),
        metadata=told("The copies of the same text under the query's conditions that this hit stands for.", cell="id"),
    )
    explain: Mapping[str, Any] | None = None

    @property
    @also_told("The file that the article was read from; a server tells its name alone.", after="language")
    def file(self) -> str:
        """The file that the article was read from, as it was named; "" where that is not known."""
        file = self.article.extra.get("file")
        return file if isinstance(file, str) else ""

    @property
    @also_told("Where in its file the article stood: a line, or a name.", after="file")
    def place(self) -> int | str | None:
        """Where in its file the article stood."""
        place = self.article.extra.get("place")
        return place if isinstance(place, int | str) else None

    @property
    @also_told("The page of its best passage, where pages are known.", after="place")
    def page(self) -> str:
        """The page on which its best passage stands, or the pages ("3–4"); "" where that is not known."""
        best = self.passages[0] if self.passages else None
        return "" if best is None else pages_between(self.article, best.start, best.end)

    @property
    @also_told("How sure the reader of a scan was of its words, 0 to 1.", after="page")
    def ocr_quality(self) -> float | None:
        """How sure the reader of a scan was of its words, 0 to 1."""
        return self.article.ocr_quality

    def __repr__(self) -> str:
        return f"<Hit {self.rank}, {self.score:.4f}: {headline(self.article)}>"

    def _repr_html_(self) -> str:
        """The hit as a notebook shows it."""
        return notebook.table([self])


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Sequence[Hit]):
    """Hits in rank order, with ``total`` (the size of the match set) and what else is to be said of them.
    ``passed_over``: by source, how many hits ``per_source`` left out on the way to these.

    Two are equal where only ``took_ms`` differs."""

    query: str
    mode: Mode
    total: int = field(metadata=told("How many articles match, on all pages."))
    stories: int | None = field(
        default=None, metadata=told("How many stories these are, where copies of one text are one hit.")
    )
    did_you_mean: str | None = None
    cursor: str | None = None
    notes: tuple[str, ...] = ()
    hits: tuple[Hit, ...]
    passed_over: Mapping[str, int] = field(default_factory=dict, metadata=UNTOLD)
    took_ms: float = field(compare=False)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __getitem__(self, index: Any) -> Any:
        return self.hits[index]

    def to_dicts(self) -> list[dict[str, Any]]:
        """The hits as JSON has them."""
        return [values(hit) for hit in self.hits]

    def rows(self) -> list[dict[str, Any]]:
        """The hits as flat rows, for a table such as pandas.DataFrame: authors joined by "; ", lists left out."""
        return [row(hit) for hit in self.hits]

    def __repr__(self) -> str:
        shown = f"{counted(len(self.hits), 'hit')} of {counted(self.total, 'article')}"
        return f"<Results for {self.query!r}: {shown}, {self.mode}>"

    def _repr_html_(self) -> str:
        """The hits as a notebook shows them: a table, with the query's words marked."""
        return notebook.results(self)
