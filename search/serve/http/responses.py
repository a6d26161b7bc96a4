"""What the server answers, as models: they are the schemas of the OpenAPI document, and tests hold answers to them.

The answers themselves are records, written as JSON in the threads that made them; their models are made of them.
"""

from __future__ import annotations

from typing import Any, Literal

from search import records
from search.rag import context
from search.serve.models import Exact, model


class Fault(Exact):
    """What is wrong."""

    type: str
    message: str
    param: str | None
    position: int | None


class Problem(Exact):
    """The one shape of errors."""

    error: Fault


Stretch = model(records.Passage, without=("score",), prefix="Stored")
Highlight = model(records.Highlight)
Hits = model(records.Results)
Related = model(records.Related)
Facets = model(records.Facets)
Timeline = model(records.Timeline)
Terms = model(records.Terms)
Story = model(records.Story)
Stories = model(records.CarriedStories)
Context = model(context.Context)
Alert = model(records.Alert)
AlertNews = model(records.News)
Verification = model(records.Verification)


class Receipted(Exact):
    """An answer as it is without a receipt, and its receipt."""

    answer: dict[str, Any]
    receipt: dict[str, Any]


class Article(model(records.Article)):  # type: ignore[misc]
    """One article, whole."""

    furniture: list[Stretch] | None = None  # type: ignore[valid-type]
    passages: list[Stretch] | None = None  # type: ignore[valid-type]
    highlights: list[Highlight] | None = None  # type: ignore[valid-type]


class Articles(Exact):
    """Articles in the order asked for, and the ids that no article has."""

    articles: list[Article]
    missing: list[str]


class Alerts(Exact):
    """The saved queries, by name."""

    alerts: list[Alert]  # type: ignore[valid-type]


class News(Exact):
    """What is new to each alert; it stays new."""

    alerts: list[AlertNews]  # type: ignore[valid-type]


class Description(Exact):
    """A query in words."""

    query: str
    description: str


class State(Exact):
    """How the server is."""

    status: str


Counts = model(records.Counts)


class Ready(Exact):
    """That the server answers, and of how many articles catalog, words and vectors have something."""

    status: str
    counts: Counts  # type: ignore[valid-type]


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
    notes: list[str]


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
