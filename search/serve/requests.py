"""What clients may ask over HTTP: the parameters of GET and the bodies of POST, by the same names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from search.errors import UsageError
from search.query.comparisons import All, Any_, Compare, Node
from search.records import Filters, Fusion, Mode, Sort
from search.serve.quotes import CitedPassage

LONGEST_QUERY = 10_000
EVERYTHING = "*"  # the query that all articles match
_KEYS = {
    "authors": "author",
    "file_id": "id",
    "filename": "title",
    "date": "published",
    "published_at": "published",
}


def _whole(text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("half a character (a lone surrogate) is no text")
    return text


Text = Annotated[str, AfterValidator(_whole)]
Query = Annotated[Text, Field(max_length=LONGEST_QUERY, description="Words and operators; see /v1/query-language.")]
Question = Annotated[Text, Field(min_length=1, max_length=LONGEST_QUERY, description="A question in plain words.")]
Day = Annotated[Text | None, Field(max_length=100)]
Name = Annotated[Text, Field(max_length=1_000)]
Names = Annotated[list[Name] | None, Field(max_length=100)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """A misspelt parameter is refused: a filter that is left out by mistake changes the answer."""

    model_config = ConfigDict(extra="forbid")


class Comparison(Strict):
    """A field compared with a value, or with a list of values (in, nin)."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[Text, Field(max_length=100, description="source, author, section, language, agency, title, …")]
    value: Name | bool | int | Number | Annotated[list[Name | int | Number], Field(max_length=1_000)]


class Compound(Strict):
    """Several filters, of which all (and) or one (or) must hold."""

    type: Literal["and", "or"]
    filters: Annotated[list[Filter], Field(max_length=100)]


Filter = Annotated[Comparison | Compound, Field(discriminator="type")]
Compound.model_rebuild()


def tree(filter: Comparison | Compound) -> Node:
    """A filter as conditions on both legs. Raises UsageError for a comparison of truth values."""
    if isinstance(filter, Compound):
        items = [tree(one) for one in filter.filters]
        return All(items) if filter.type == "and" else Any_(items)
    if isinstance(filter.value, bool):
        raise UsageError(f"{filter.key!r} is never true or false; compare it with text or a number")
    return Compare(_KEYS.get(filter.key, filter.key), filter.type, filter.value)


class Matching(Strict):
    """A query and what narrows it."""

    q: Query = ""
    since: Annotated[Day, Field(alias="from", description="Published on this day or later.")] = None
    until: Annotated[Day, Field(alias="to", description="Published on this day or earlier.")] = None
    as_of: Annotated[Day, Field(description="Answer as if it were then.")] = None
    source: Annotated[Names, Field(description="Only these sources.")] = None
    author: Annotated[Names, Field(description="Only these authors.")] = None
    section: Annotated[Names, Field(description="Only these sections.")] = None
    language: Annotated[Names, Field(description="Only these languages.")] = None
    literal: Annotated[bool, Field(description="Take q as it stands, without operators.")] = False

    def filters(self) -> Filters:
        """The conditions beside the query."""
        return Filters(
            since=self.since,
            until=self.until,
            sources=self.source,
            authors=self.author,
            sections=self.section,
            languages=self.language,
        )

    def query_or_everything(self) -> str:
        """The query; all articles where there is neither a query nor a condition."""
        return self.q if self.q.strip() or self.filters() != Filters() else EVERYTHING

    def matching(self) -> dict[str, Any]:
        """The keyword arguments of every call about a match set."""
        return {"filters": self.filters(), "as_of": self.as_of, "literal": self.literal and bool(self.q.strip())}


class SearchRequest(Matching):
    """Everything that ``broadsheet search`` takes."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 10
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cursor: Annotated[Text | None, Field(max_length=200, description="Go on where these results ended.")] = None
    mode: Annotated[Mode, Field(description="Words, meaning or both.")] = Mode.AUTO
    sort: Sort = Sort.RELEVANCE
    recency: Annotated[Day, Field(description="Halve a score for each such age, such as 30d.")] = None
    diversity: Annotated[Share, Field(description="How much variety among the hits counts.")] = 0.0
    fusion: Fusion = Fusion.DBSF
    weight: Annotated[Share, Field(description="The share of meaning in hybrid.")] = 0.5
    passages: Annotated[int, Field(ge=0, le=20, description="Passages with each hit.")] = 1
    explain: Annotated[bool, Field(description="Say what each score is made of.")] = False
    format: Annotated[
        Literal["json", "search_results", "csv", "bibtex", "ris"],
        Field(description="search_results: blocks for Anthropic's Messages API, a text block for each sentence."),
    ] = "json"

    def settings(self) -> dict[str, Any]:
        """The keyword arguments of ``archive.search``."""
        names = ("limit", "offset", "cursor", "mode", "sort", "recency", "diversity", "fusion", "weight")
        return {name: getattr(self, name) for name in (*names, "passages", "explain", "literal", "as_of")} | {
            "filters": self.filters()
        }


class SearchBody(SearchRequest):
    """The same, and a tree of filters."""

    filter: Filter | None = None


class FacetsRequest(Matching):
    """Everything that ``broadsheet facets`` takes."""

    field: Annotated[
        list[Literal["source", "author", "section", "agency", "language", "year", "month"]] | None,
        Field(max_length=7, description="Left out: all."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="Values of each field.")] = 20


class TimelineRequest(Matching):
    """Everything that ``broadsheet timeline`` takes."""

    by: Literal["day", "week", "month", "year"] = "month"


class DescribeRequest(Matching):
    """A query to be put in words."""


class ContextRequest(Strict):
    """Everything that ``broadsheet context`` takes."""

    q: Question
    budget: Annotated[int, Field(ge=1, le=100_000, description="Most tokens of the text.")] = 2_000
    mode: Mode = Mode.AUTO
    detect: Annotated[
        Literal["prefer", "filter", "off"], Field(description="What becomes of sources and dates that q names.")
    ] = "prefer"
    since: Annotated[Day, Field(alias="from")] = None
    until: Annotated[Day, Field(alias="to")] = None
    as_of: Day = None
    source: Names = None
    author: Names = None
    section: Names = None
    language: Names = None
    recency: Day = None
    rerank: Annotated[bool, Field(description="Reorder with the server's cross-encoder, where it has one.")] = False
    format: Annotated[
        Literal["json", "text", "messages", "search_results"],
        Field(description="Numbered passages as data or as text, chat messages, or blocks for Anthropic's API."),
    ] = "json"

    def settings(self) -> dict[str, Any]:
        """The keyword arguments of ``archive.retrieve``, but for the reranker."""
        filters = Filters(
            since=self.since,
            until=self.until,
            sources=self.source,
            authors=self.author,
            sections=self.section,
            languages=self.language,
        )
        return {name: getattr(self, name) for name in ("budget", "mode", "detect", "as_of", "recency")} | {
            "filters": filters
        }


class ArticlesRequest(Strict):
    """Articles by id, for ids that do not fit into a path."""

    id: Annotated[list[Annotated[Text, Field(max_length=2_000)]], Field(min_length=1, max_length=100)]
    passages: bool = False


class NewsRequest(Strict):
    """What is new to alerts."""

    name: Annotated[Names, Field(description="Left out: all.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="Articles of each alert, the newest.")] = 100


class QuotesBody(Strict):
    """An answer, and the passages that its marks stand for."""

    answer: Annotated[Text, Field(max_length=100_000)]
    passages: Annotated[list[CitedPassage], Field(max_length=200)]
