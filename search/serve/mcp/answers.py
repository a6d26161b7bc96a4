"""What the tools of the MCP server answer: records as models, which give the tools' schemas.

Every text comes without control characters. Offsets count characters of the article's stored text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from search.archive import Archive
from search.declarations import values
from search.rag.context import Context
from search.rag.render import in_line, visible
from search.records import Article, CarriedStories, Facets, Hit, Passage, Related, Results, Story, Terms, Timeline
from search.serve.models import model
from search.serve.quotes import shown_safely

LONGEST_TEXT = 200_000  # characters of one article
_LONGEST_URL = 2_000
# What a model has no use for.
_UNASKED = ("took_ms", "cursor", "highlights", "explain", "sentences", "file", "place")

Address = Callable[[Article], str]


class SearchResult(BaseModel):
    """One article found: what ChatGPT's connectors read, and what a model chooses by."""

    id: str
    title: str
    url: str
    text: str
    source: str
    published: str


class SearchResults(BaseModel):
    """Articles found, best first; what there is to say of them, where there is something."""

    results: list[SearchResult]
    notes: list[str]


class Document(BaseModel):
    """One article, whole."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


RankedArticles = model(Results, without=_UNASKED, prefix="Ranked")
RetrievedContext = model(Context, without=_UNASKED, prefix="Retrieved")
RelatedArticles = model(Related, without=_UNASKED)
FacetCounts = model(Facets, without=_UNASKED, prefix="Counted")
TimelineCounts = model(Timeline, without=_UNASKED, prefix="Counted")
TellingTerms = model(Terms, without=_UNASKED, prefix="Telling")
ToldStory = model(Story, without=_UNASKED, prefix="Told")
ToldStories = model(CarriedStories, without=_UNASKED, prefix="Told")
Stretch = model(Passage)


class Holding(BaseModel):
    """A name, and how many articles have it."""

    name: str
    articles: int


class ArchiveDescription(BaseModel):
    """What the archive holds."""

    name: str
    articles: int
    oldest: str | None
    newest: str | None
    modes: list[str]
    fields: list[Holding]
    sources: list[Holding]
    source_count: int
    languages: list[Holding]
    years: list[Holding]


class Told(BaseModel):
    """The copies of one text, or the most carried stories."""

    story: ToldStory | None = None  # type: ignore[valid-type]
    stories: ToldStories | None = None  # type: ignore[valid-type]


class ArticlePassages(BaseModel):
    """The passages of one article, in order, and ``furniture``: what its source prints under many articles."""

    id: str
    title: str
    url: str
    passages: list[Stretch]  # type: ignore[valid-type]
    furniture: list[Stretch]  # type: ignore[valid-type]


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
    notes = [*found.notes, *([] if found.did_you_mean is None else [f"did you mean: {found.did_you_mean}"])]
    return SearchResults(results=[_search_result(hit, of) for hit in found], notes=[in_line(note) for note in notes])


def _search_result(hit: Hit, of: Address) -> SearchResult:
    article = hit.article
    return SearchResult(
        id=article.id,
        title=title(article),
        url=of(article),
        text=in_line(hit.snippet),
        source=in_line(article.source),
        published="" if article.published is None else article.published.isoformat(),
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
        "pages": ", ".join(name for _, name in article.pages),
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


_DESCRIBED = {"source": "sources", "language": "languages", "year": "years"}
_FILLED = {"source": "source", "author": "author", "section": "section", "agency": "agency", "language": "language"}
_FILLED["year"] = "published"  # a date
_MOST_NAMES = 50


def description(archive: Archive, name: str) -> ArchiveDescription:
    """What an archive holds: how many articles, of when, of whom, in which languages, and which fields they have."""
    stats = archive.stats()
    counted = archive.facets("*", fields=list(_FILLED), limit=_MOST_NAMES)
    facets = {str(one.field): one for one in counted.facets}
    lists = {
        told: [Holding(name=in_line(one.value), articles=one.count) for one in facets[field].values]
        for field, told in _DESCRIBED.items()
    }
    lists["years"].sort(key=lambda one: one.name)
    return ArchiveDescription(
        name=name,
        articles=counted.total,
        oldest=stats["oldest"],
        newest=stats["newest"],
        modes=["keyword"] if stats["passages"] is None else ["hybrid", "keyword", "vector"],
        fields=[Holding(name=told, articles=counted.total - facets[field].none) for field, told in _FILLED.items()],
        source_count=facets["source"].distinct,
        **lists,
    )


def ranked_articles(found: Results, of: Address) -> BaseModel:
    """Hits with all that is known of them."""
    record = values(found, _UNASKED)
    for shown, hit in zip(record["hits"], found, strict=True):
        shown["url"] = of(hit.article)
    return RankedArticles.model_validate(shown_safely(record))


def related_articles(found: Related, of: Address) -> BaseModel:
    """Articles that belong to another one."""
    record = values(found, _UNASKED)
    for shown, hit in zip(record["hits"], found, strict=True):
        shown["url"] = of(hit.article)
    return RelatedArticles.model_validate(shown_safely(record))


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


def telling_terms(found: Terms) -> BaseModel:
    """What sets a match set apart."""
    return TellingTerms.model_validate(shown_safely(values(found, _UNASKED)))


def story(found: Story) -> Told:
    """The copies of one text."""
    return Told(story=ToldStory.model_validate(shown_safely(values(found, _UNASKED))))


def carried(found: CarriedStories) -> Told:
    """The most carried stories."""
    return Told(stories=ToldStories.model_validate(shown_safely(values(found, _UNASKED))))


def article_passages(
    article: Article, found: Iterable[Passage], furniture: Iterable[Passage], of: Address
) -> ArticlePassages:
    """The passages of an article, and its furniture."""
    shown, left_out = ([shown_safely(values(one)) for one in some] for some in (found, furniture))
    return ArticlePassages(id=article.id, title=title(article), url=of(article), passages=shown, furniture=left_out)
