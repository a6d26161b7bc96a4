"""What clients may ask over HTTP: the parameters of GET and the bodies of POST, by the same names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from search.declarations import Setting
from search.engine import request
from search.errors import UsageError
from search.exports.files import FORMS
from search.records import All, Any_, Compare, Condition, Filters
from search.serve.arguments import LONGEST_QUERY, Name, Names, Number, Question, Strict, Text, asking
from search.serve.quotes import CitedPassage

MOST = {"limit": 1_000, "offset": 1_000_000, "passages": 20, "budget": 100_000}  # of one request
EVERYTHING = "*"  # the query that all articles match
_KEYS = {
    "authors": "author",
    "file_id": "id",
    "filename": "title",
    "date": "published",
    "published_at": "published",
}


Query = Annotated[Text, Field(max_length=LONGEST_QUERY, description="Words and operators; see /v1/query-language.")]


class Comparison(Strict):
    """A field compared with a value, or with a list of values (in, nin)."""

    type: Annotated[
        Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"],
        Field(description="How the field is compared: equal or not, greater or less, among or not among."),
    ]
    key: Annotated[Text, Field(max_length=100, description="source, author, section, language, agency, title, …")]
    value: Annotated[
        Name | bool | int | Number | Annotated[list[Name | int | Number], Field(max_length=1_000, fail_fast=True)],
        Field(description="Text, a number (seconds since 1970 for a date), or a list of these for in and nin."),
    ]


class Compound(Strict):
    """Several filters, of which all (and) or one (or) must hold."""

    type: Annotated[Literal["and", "or"], Field(description="Whether all must hold, or one.")]
    filters: Annotated[
        list[Filter], Field(max_length=100, fail_fast=True, description="Comparisons, and filters made of them.")
    ]


Filter = Annotated[Comparison | Compound, Field(discriminator="type")]
Compound.model_rebuild()


def tree(filter: Comparison | Compound) -> Condition:
    """A filter as conditions on both legs. Raises UsageError for a comparison of truth values."""
    if isinstance(filter, Compound):
        items = [tree(one) for one in filter.filters]
        return All(items) if filter.type == "and" else Any_(items)
    if isinstance(filter.value, bool):
        raise UsageError(f"{filter.key!r} is never true or false; compare it with text or a number").about("conditions")
    alone = filter.type in ("in", "nin") and not isinstance(filter.value, list)
    return Compare(_KEYS.get(filter.key, filter.key), filter.type, [filter.value] if alone else filter.value)


def _without_model(settings: Sequence[Setting]) -> list[Setting]:
    """Settings but the name of a cross-encoder: which one there is the server's owner says."""
    return [one for one in settings if one.name != "rerank"]


class Reranked(Strict):
    """What is asked of a cross-encoder."""

    rerank: Annotated[bool, Field(description="Reorder with the server's cross-encoder, where it has one.")] = False

    def reranker(self, model: str | None) -> str | None:
        """The server's model, where it is asked for. Raises UsageError where there is none."""
        if self.rerank and model is None:
            said = "this server has no cross-encoder; broadsheet serve --rerank MODEL gives it one"
            raise UsageError(said).about("rerank")
        return model if self.rerank else None


class Receipted(Strict):
    """What is asked of an answer that is to be cited."""

    receipt: Annotated[bool, Field(description="Answer with {answer, receipt}: a receipt of it, to be verified.")] = (
        False
    )

    def alone(self) -> None:
        """Refuse what a receipt cannot be of here. Raises UsageError."""
        if self.receipt and getattr(self, "rerank", False):
            said = "the server's cross-encoder has no name for others; leave out rerank, or the receipt"
            raise UsageError(said).about("receipt")
        if self.receipt and getattr(self, "format", "json") != "json":
            raise UsageError("a receipt comes with format json").about("receipt")


class SearchRequest(asking(*_without_model(request.SEARCH), most=MOST), Reranked, Receipted):  # type: ignore[misc]
    """Everything that ``broadsheet search`` takes."""

    q: Query = ""
    format: Annotated[
        Literal["json", "search_results", *FORMS],  # type: ignore[valid-type]
        Field(description="search_results: blocks for Anthropic's Messages API, a text block for each sentence."),
    ] = "json"


class SearchBody(SearchRequest):
    """The same, and a tree of filters."""

    filter: Annotated[Filter | None, Field(description="A tree of filters, a hard condition on both legs.")] = None


class Matching(Strict):
    """What is asked of a whole match set: all articles, where there is neither a query nor a condition."""

    q: Query = ""

    def matching(self) -> dict[str, Any]:
        """The keyword arguments of the archive's method, its query among them."""
        found: dict[str, Any] = self.settings()  # type: ignore[attr-defined]
        asked = bool(self.q.strip())
        query = self.q if asked or found["filters"] != Filters() else EVERYTHING
        return found | {"query": query, "literal": found["literal"] and asked}


class FacetsRequest(asking(*request.FACETS, most=MOST), Matching, Receipted):  # type: ignore[misc]
    """Everything that ``broadsheet facets`` takes."""


class TimelineRequest(asking(*request.TIMELINE, most=MOST), Matching, Receipted):  # type: ignore[misc]
    """Everything that ``broadsheet timeline`` takes."""


class FirstRequest(asking(*request.FIRST, most=MOST), Matching):  # type: ignore[misc]
    """Everything that ``broadsheet first`` takes."""


class TermsRequest(asking(*request.TERMS, most=MOST), Matching):  # type: ignore[misc]
    """Everything that ``broadsheet terms`` takes."""


class StoryRequest(asking(*request.STORY, most=MOST)):  # type: ignore[misc]
    """Everything that ``broadsheet story`` takes."""

    id: Annotated[Text, Field(max_length=2_000, description="An article's id, as a search gave it.")]


class StoriesRequest(asking(*request.STORIES, most=MOST), Matching):  # type: ignore[misc]
    """Everything that ``broadsheet stories`` takes."""


class RelatedRequest(asking(*request.RELATED, most=MOST)):  # type: ignore[misc]
    """Everything that ``broadsheet similar`` and ``broadsheet background`` take."""

    id: Annotated[Text, Field(min_length=1, max_length=2_000, description="An article's id, as a search gave it.")]


class DescribeRequest(asking(*request.NARROWING, most=MOST), Matching):  # type: ignore[misc]
    """A query to be put in words."""


class ContextRequest(asking(*_without_model(request.CONTEXT), most=MOST), Reranked, Receipted):  # type: ignore[misc]
    """Everything that ``broadsheet context`` takes."""

    q: Question
    format: Annotated[
        Literal["json", "text", "messages", "search_results"],
        Field(description="Numbered passages as data or as text, chat messages, or blocks for Anthropic's API."),
    ] = "json"


class ArticlesRequest(Strict):
    """Articles by id, for ids that do not fit into a path."""

    id: Annotated[
        list[Annotated[Text, Field(max_length=2_000)]],
        Field(min_length=1, max_length=100, description="Ids as a search gave them; repeat it for more."),
    ]
    passages: Annotated[bool, Field(description="With the offsets of their passages.")] = False


class NewsRequest(asking(*request.ALERTS, most=MOST)):  # type: ignore[misc]
    """What is new to alerts."""

    name: Annotated[Names, Field(description="Left out: all.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="Articles of each alert, the newest.")] = 100


class QuotesBody(Strict):
    """An answer, and the passages that its marks stand for."""

    answer: Annotated[Text, Field(max_length=100_000, description="The answer, with marks such as [1].")]
    passages: Annotated[
        list[CitedPassage], Field(max_length=200, fail_fast=True, description="What its marks stand for.")
    ]
