"""What the tools of the MCP server answer: the records of ``search.shapes`` as models, which give the tools' schemas.

Every text comes without control characters. Offsets count characters of the article's stored text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field

from search import shapes
from search.engine.facets import Facets, Timeline
from search.rag.context import Context
from search.rag.quotes import QuoteReport
from search.rag.render import in_line, visible
from search.records import Article, Passage, Results

LONGEST_TEXT = 200_000  # characters of one article
_LONGEST_URL = 2_000

Address = Callable[[Article], str]


class SearchResult(BaseModel):
    """One article found."""

    id: str
    title: str
    url: str


class SearchResults(BaseModel):
    """Articles found, best first."""

    results: list[SearchResult]


class Document(BaseModel):
    """One article, whole."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


class QuotedPassage(BaseModel):
    """A stretch of an article."""

    text: str
    start: int
    end: int
    score: float | None = Field(default=None, description="Cosine to the query, where it was measured.")


class RankedArticle(BaseModel):
    """A ranked article with its best passages."""

    rank: int
    id: str
    score: float
    matched: bool = Field(description="Whether it has all words and meets all conditions of the query.")
    title: str
    source: str
    published: str | None
    authors: list[str]
    url: str
    section: str
    snippet: str
    passages: list[QuotedPassage]


class RankedArticles(BaseModel):
    """A page of ranked articles."""

    query: str
    mode: str
    total: int = Field(description="How many articles match, on all pages.")
    did_you_mean: str | None
    notes: list[str]
    hits: list[RankedArticle]


class Detected(BaseModel):
    """A source or date that the question names."""

    kind: str
    start: int
    end: int
    clause: str


class NumberedPassage(BaseModel):
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
    copies: list[str] = Field(description="Ids of articles that carry the same text and were left out.")


class RetrievedContext(BaseModel):
    """Numbered passages within a token budget."""

    question: str
    budget: int
    tokens: int
    mode: str
    detect: str
    detected: list[Detected]
    parts: list[str]
    notes: list[str]
    passages: list[NumberedPassage]


class FacetValue(BaseModel):
    """A value, how many matching articles have it, and the query that finds these."""

    value: str
    count: int
    query: str | None


class Facet(BaseModel):
    """The most frequent values of one field."""

    distinct: int
    none: int
    values: list[FacetValue]


class FacetCounts(BaseModel):
    """Counts of matching articles by field."""

    query: str
    total: int
    facets: dict[str, Facet]


class Bucket(BaseModel):
    """One period, both days included."""

    label: str
    start: str
    end: str
    count: int
    articles: int = Field(description="All articles of the period, matching or not.")
    share: float
    query: str | None


class TimelineCounts(BaseModel):
    """Counts of matching articles over time, without gaps."""

    query: str
    by: str
    total: int
    undated: int
    buckets: list[Bucket]


class ArticlePassages(BaseModel):
    """The passages of one article, in order."""

    id: str
    title: str
    url: str
    passages: list[QuotedPassage]


class QuotePlace(BaseModel):
    """Where a text stands."""

    number: int
    id: str
    start: int
    end: int
    text: str


class CheckedQuote(BaseModel):
    """A quotation of the answer; start and end are places in the answer."""

    start: int
    end: int
    text: str
    cited: list[int]
    verdict: str = Field(
        description="exact, normalised, elsewhere (not where it is cited), missing, altered (but for words in square "
        "brackets it stands there) or unread (never closed, or too long: not looked up)."
    )
    found: QuotePlace | None
    nearest: QuotePlace | None = Field(description="The real sentence: the most similar one, or the one altered.")


class CheckedMark(BaseModel):
    """A citation mark of the answer."""

    start: int
    end: int
    number: int
    verdict: str = Field(description="exact, missing (no such passage) or unread (too many marks; number is 0).")


class QuoteCheck(BaseModel):
    """Every quotation and citation mark of an answer."""

    ok: bool = Field(description="Whether every verdict is exact or normalised.")
    quotes: list[CheckedQuote]
    marks: list[CheckedMark]


def address(template: str | None) -> Address:
    """The function that gives an article its address: its own where that is http or https; else the template's, with
    the id percent-encoded for ``{id}``; else ``article://ID``, which is the server's own resource."""

    def of(article: Article) -> str:
        own = article.url.strip()
        if _is_web(own):
            return own
        encoded = quote(article.id.encode("utf-8", "replace"), safe="")
        return f"article://{encoded}" if template is None else template.replace("{id}", encoded)

    return of


def _is_web(url: str) -> bool:
    if not url.isprintable() or " " in url or len(url) > _LONGEST_URL:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def title(article: Article) -> str:
    """Never empty: clients show it as the link."""
    return in_line(article.title) or in_line(article.id) or "untitled"


def search_results(found: Results, of: Address) -> SearchResults:
    """Hits as the ChatGPT connector convention has them."""
    return SearchResults(
        results=[SearchResult(id=hit.article.id, title=title(hit.article), url=of(hit.article)) for hit in found]
    )


def document(article: Article, of: Address) -> Document:
    """An article as the ChatGPT connector convention has it."""
    text = visible(article.text)
    values = {
        "source": article.source,
        "published": shapes.day(article.published) or "",
        "authors": ", ".join(article.authors),
        "section": article.section,
        "language": article.language,
        "agency": article.agency,
        "dateline": article.dateline,
        "caption": article.caption,
    }
    metadata = {name: in_line(value) for name, value in values.items() if value}
    if len(text) > LONGEST_TEXT:
        metadata["truncated"] = f"the first {LONGEST_TEXT:,} of {len(text):,} characters"
    return Document(id=article.id, title=title(article), text=text[:LONGEST_TEXT], url=of(article), metadata=metadata)


def page(article: Article, of: Address) -> str:
    """An article as plain text: a heading of one line for each fact, an empty line, the text."""
    found = document(article, of)
    heading = [f"{name}: {value}" for name, value in found.metadata.items()]
    return "\n".join([found.title, f"url: {found.url}", *heading, "", found.text])


def ranked_articles(found: Results, of: Address) -> RankedArticles:
    """Hits with all that is known of them."""
    record = shapes.results_record(found)
    for shown, hit in zip(record["hits"], found, strict=True):
        shown["url"] = of(hit.article)
    return RankedArticles.model_validate(_with_ids(record | {"notes": list(found.notes)}))


def retrieved_context(found: Context, article: Callable[[str], Article], of: Address) -> RetrievedContext:
    """A context, every passage with an address."""
    record = shapes.context_record(found)
    for shown in record["passages"]:
        if not _is_web(shown["url"]):
            shown["url"] = of(article(shown["id"]))
    return RetrievedContext.model_validate(_with_ids(record))


def facet_counts(found: Facets) -> FacetCounts:
    """Facets."""
    return FacetCounts.model_validate(_with_ids(shapes.facets_record(found)))


def timeline_counts(found: Timeline) -> TimelineCounts:
    """A timeline."""
    return TimelineCounts.model_validate(_with_ids(shapes.timeline_record(found)))


def article_passages(article: Article, found: tuple[Passage, ...], of: Address) -> ArticlePassages:
    """The passages of an article."""
    shown = [QuotedPassage(text=visible(one.text), start=one.start, end=one.end) for one in found]
    return ArticlePassages(id=article.id, title=title(article), url=of(article), passages=shown)


def quote_check(report: QuoteReport) -> QuoteCheck:
    """A report on quotations."""

    def place(found: Any) -> dict[str, Any] | None:
        if found is None:
            return None
        record = {name: getattr(found, name) for name in ("number", "start", "end", "text")}
        return record | {"id": found.article_id}

    quotes = [
        {
            "start": one.start,
            "end": one.end,
            "text": one.text,
            "cited": list(one.cited),
            "verdict": str(one.verdict),
            "found": place(one.found),
            "nearest": place(one.nearest),
        }
        for one in report.quotes
    ]
    marks = [
        {"start": one.start, "end": one.end, "number": one.number, "verdict": str(one.verdict)} for one in report.marks
    ]
    return QuoteCheck.model_validate(_with_ids({"ok": report.ok, "quotes": quotes, "marks": marks}))


def _with_ids(value: Any, name: str = "") -> Any:
    """The record with every text made visible, but ids, which must be given back as they are."""
    if isinstance(value, str):
        return value if name in ("id", "copies") else visible(value)
    if isinstance(value, dict):
        return {key: _with_ids(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, name) for one in value]
    return value
