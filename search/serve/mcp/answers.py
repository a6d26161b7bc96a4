"""What the tools of the MCP server answer: records as models, which give the tools' schemas.

Every text comes without control characters. Offsets count characters of the article's stored text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from search.declarations import values
from search.rag.context import Context
from search.rag.render import in_line, visible
from search.records import Article, Facets, Passage, Results, Timeline
from search.serve.models import model
from search.serve.quotes import shown_safely

LONGEST_TEXT = 200_000  # characters of one article
_LONGEST_URL = 2_000
# What a model has no use for.
_UNASKED = ("took_ms", "cursor", "highlights", "explain", "sentences")

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


RankedArticles = model(Results, without=_UNASKED, prefix="Ranked")
RetrievedContext = model(Context, without=_UNASKED, prefix="Retrieved")
FacetCounts = model(Facets, without=_UNASKED, prefix="Counted")
TimelineCounts = model(Timeline, without=_UNASKED, prefix="Counted")
Stretch = model(Passage)


class ArticlePassages(BaseModel):
    """The passages of one article, in order."""

    id: str
    title: str
    url: str
    passages: list[Stretch]  # type: ignore[valid-type]


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
        "published": "" if article.published is None else article.published.isoformat(),
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


def ranked_articles(found: Results, of: Address) -> BaseModel:
    """Hits with all that is known of them."""
    record = values(found, _UNASKED)
    for shown, hit in zip(record["hits"], found, strict=True):
        shown["url"] = of(hit.article)
    return RankedArticles.model_validate(shown_safely(record))


def retrieved_context(found: Context, article: Callable[[str], Article], of: Address) -> BaseModel:
    """A context, every passage with an address."""
    record = values(found, _UNASKED)
    for shown in record["passages"]:
        if not _is_web(shown["url"]):
            shown["url"] = of(article(shown["id"]))
    return RetrievedContext.model_validate(shown_safely(record))


def facet_counts(found: Facets) -> BaseModel:
    """Facets."""
    return FacetCounts.model_validate(shown_safely(values(found, _UNASKED)))


def timeline_counts(found: Timeline) -> BaseModel:
    """A timeline."""
    return TimelineCounts.model_validate(shown_safely(values(found, _UNASKED)))


def article_passages(article: Article, found: Iterable[Passage], of: Address) -> ArticlePassages:
    """The passages of an article."""
    shown = [shown_safely(values(passage)) for passage in found]
    return ArticlePassages(id=article.id, title=title(article), url=of(article), passages=shown)
