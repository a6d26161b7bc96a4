"""The records that rooms exchange: frozen, slotted, and named as the field names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """Which legs answer."""

    AUTO = "auto"
    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


class Sort(StrEnum):
    """The order of the hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


class Fusion(StrEnum):
    """How the scores of two legs become one. DBSF is distribution-based score fusion."""

    DBSF = "dbsf"
    RRF = "rrf"
    MINMAX = "minmax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One news item.

    ``published`` is a timezone-aware ``datetime`` where the time is known, a plain ``date`` where only the day is,
    and None where neither is. A naive time is UTC. ``text`` is NFC; every offset in this package counts its characters.
    """

    id: str
    title: str = ""
    text: str = ""
    published: date | None = None
    source: str = ""
    authors: tuple[str, ...] = ()
    url: str = ""
    section: str = ""
    language: str = ""
    agency: str = ""
    dateline: str = ""
    caption: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that could not be read: where it stood and why."""

    source: str
    line: int | None
    reason: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of one article: ``article.text[start:end] == text``. ``score`` is a cosine, or None if not scored."""

    article_id: str
    start: int
    end: int
    text: str
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A stretch of a hit's ``title`` or ``snippet``. ``kind`` is "word" for a query word, "meaning" for a passage
    that was found by its vector alone."""

    field: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A ranked article.

    ``matched`` is False for a hit beyond the match set: it has some of the words, or is near in meaning.
    ``explain`` is filled on request; its ``parts`` sum to ``score``.
    """

    rank: int
    score: float
    article: Article
    matched: bool
    passages: tuple[Passage, ...] = ()
    snippet: str = ""
    highlights: tuple[Highlight, ...] = ()
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Sequence[Hit]):
    """Hits in rank order, with ``total`` (the size of the match set) and what else is to be said of them."""

    query: str
    mode: Mode
    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    did_you_mean: str | None = None
    cursor: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __getitem__(self, index: Any) -> Any:
        return self.hits[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Hard conditions as values rather than query text; both make the same tree. None is no condition, and an empty
    sequence is a condition that nothing meets. ``since`` and ``until`` take what ``date:`` takes, ends included."""

    since: str | None = None
    until: str | None = None
    sources: Sequence[str] | None = None
    authors: Sequence[str] | None = None
    sections: Sequence[str] | None = None
    languages: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable. ``weights_hash`` is a SHA-256 in hex."""

    name: str
    weights_hash: str
    dimension: int
    max_tokens: int
    pooling: str
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """What ``add`` did, in articles. ``rejections`` keeps the first hundred; ``rejected`` counts all."""

    added: int = 0
    replaced: int = 0
    skipped: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
