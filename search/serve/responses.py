"""What the server answers, as models: they are the schemas of the OpenAPI document, and tests hold answers to them.

The answers themselves are the records of ``search.shapes``, written as JSON in the threads of the pool.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Exact(BaseModel):
    """Nothing is left out and nothing added."""

    model_config = ConfigDict(extra="forbid")


class Fault(Exact):
    """What is wrong."""

    type: str
    message: str
    param: str | None
    position: int | None


class Problem(Exact):
    """The one shape of errors."""

    error: Fault


class Highlight(Exact):
    """A stretch of a title or snippet."""

    field: Literal["title", "snippet"]
    start: int
    end: int
    kind: str


class Passage(Exact):
    """A stretch of an article's text; offsets count characters."""

    text: str
    start: int
    end: int
    score: float | None = None


class Hit(Exact):
    """A ranked article."""

    rank: int
    id: str
    score: float
    matched: bool
    title: str
    source: str
    published: str | None
    authors: list[str]
    url: str
    section: str
    snippet: str
    highlights: list[Highlight]
    passages: list[Passage]
    explain: dict[str, Any] | None


class Hits(Exact):
    """A page of hits, in rank order."""

    query: str
    mode: str
    total: int
    took_ms: float
    did_you_mean: str | None
    cursor: str | None
    notes: list[str]
    hits: list[Hit]


class Article(Exact):
    """One article, whole."""

    id: str
    title: str
    text: str
    published: str | None
    source: str
    authors: list[str]
    url: str
    section: str
    language: str
    agency: str
    dateline: str
    caption: str
    extra: dict[str, Any]
    passages: list[Passage] | None = None


class Articles(Exact):
    """Articles in the order asked for, and the ids that no article has."""

    articles: list[Article]
    missing: list[str]


class FacetValue(Exact):
    """A value, its count, and the query that narrows to it."""

    value: str
    count: int
    query: str | None


class Facet(Exact):
    """One field's values, the most frequent first."""

    distinct: int
    none: int
    values: list[FacetValue]


class Facets(Exact):
    """Counts over the whole match set."""

    query: str
    total: int
    took_ms: float
    facets: dict[str, Facet]


class Bucket(Exact):
    """One period, both days included."""

    label: str
    start: str
    end: str
    count: int
    articles: int
    share: float
    query: str | None


class Timeline(Exact):
    """Counts over time, without gaps."""

    query: str
    by: str
    total: int
    undated: int
    took_ms: float
    buckets: list[Bucket]


class Detected(Exact):
    """A source or a date that the question names."""

    kind: str
    start: int
    end: int
    clause: str


class NumberedPassage(Exact):
    """A passage to cite by its number."""

    number: int
    id: str
    start: int
    end: int
    text: str
    title: str
    source: str
    published: str | None
    authors: list[str]
    url: str
    score: float
    tokens: int
    sentences: list[tuple[int, int]]
    copies: list[str]


class Context(Exact):
    """Passages within a budget of tokens."""

    question: str
    budget: int
    tokens: int
    mode: str
    took_ms: float
    detect: str
    detected: list[Detected]
    parts: list[str]
    notes: list[str]
    passages: list[NumberedPassage]


class Alert(Exact):
    """A saved query."""

    name: str
    query: str
    created: str
    ran: str | None


class Alerts(Exact):
    """The saved queries, by name."""

    alerts: list[Alert]


class NewsItem(Exact):
    """An article that is new to an alert."""

    id: str
    title: str
    source: str
    published: str | None
    authors: list[str]
    url: str
    section: str
    agency: str
    snippet: str


class AlertNews(Alert):
    """What is new to one alert, the newest first; ``total`` counts all of it."""

    error: str | None
    total: int
    articles: list[NewsItem]


class News(Exact):
    """What is new to each alert; it stays new."""

    alerts: list[AlertNews]


class Description(Exact):
    """A query in words."""

    query: str
    description: str


class State(Exact):
    """How the server is."""

    status: str


class Content(Exact):
    """A piece of text."""

    type: Literal["text"]
    text: str


class StoreResult(Exact):
    """One article, in the words of OpenAI's vector stores."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float | bool]
    content: list[Content]


class StorePage(Exact):
    """What a vector store's search answers."""

    object: Literal["vector_store.search_results.page"]
    search_query: list[str]
    data: list[StoreResult]
    has_more: bool
    next_page: str | None


class Message(Exact):
    """A message of a chat."""

    role: str
    content: str


class Messages(Exact):
    """A context as chat messages."""

    messages: list[Message]


class Citations(Exact):
    """Whether a model may cite a block."""

    enabled: bool


class SearchResult(Exact):
    """A ``search_result`` block of Anthropic's Messages API."""

    type: Literal["search_result"]
    source: str
    title: str
    content: list[Content]
    citations: Citations


class Blocks(Exact):
    """Content for a user's message or a tool's result."""

    content: list[SearchResult]
