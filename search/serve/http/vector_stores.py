"""The archive as a vector store: OpenAI's search of one, whose filters bind words and meaning alike."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from search.archive import Archive
from search.engine import lenient
from search.rag.render import in_line, visible
from search.records import Article, Filters, Hit, Results
from search.serve.arguments import Number, Question, Strict
from search.serve.http.requests import Filter, tree

PASSAGES = 3  # of each article
_LONGEST_VALUE = 512
_LONGEST_NAME = 200
_VISITED = 50  # what max_num_results may ask for


class RankingOptions(Strict):
    """How results are ranked. There is one ranker, whatever is asked for."""

    ranker: Annotated[str, Field(max_length=64, description="Accepted; there is one ranker.")] = "auto"
    score_threshold: Annotated[Number, Field(description="Results below this score, from 0 to 1, are left out.")] = 0.0


class StoreSearch(Strict):
    """A search in plain words. Several queries give one list, each article by its best score."""

    query: Annotated[
        Question | Annotated[list[Question], Field(min_length=1, max_length=10)],
        Field(description="A question in plain words, or several whose results become one list."),
    ]
    filters: Annotated[Filter | None, Field(description="A tree of filters over the attributes of articles.")] = None
    max_num_results: Annotated[int, Field(ge=1, le=_VISITED, description="How many articles.")] = 10
    ranking_options: Annotated[RankingOptions | None, Field(description="How results are ranked.")] = None
    rewrite_query: Annotated[bool, Field(description="Accepted; queries are searched as they are.")] = False


def search(archive: Archive, asked: StoreSearch) -> dict[str, Any]:
    """The page of results. Raises UsageError and QueryError as ``archive.search``."""
    queries = [asked.query] if isinstance(asked.query, str) else list(asked.query)
    best: dict[str, Hit] = {}
    notes: dict[str, None] = {}
    for query in dict.fromkeys(queries):
        found = _found(archive, query, asked)
        notes |= dict.fromkeys(found.notes)
        for hit in found:
            known = best.get(hit.article.id)
            if known is None or hit.score > known.score:
                best[hit.article.id] = hit
    options = asked.ranking_options or RankingOptions()
    ranked = sorted(best.values(), key=lambda hit: (-round(hit.score, 6), hit.rank, hit.article.id))
    kept = [hit for hit in ranked if share(hit.score) >= options.score_threshold][: asked.max_num_results]
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [_result(hit) for hit in kept],
        "has_more": False,  # there is no way to ask for more
        "next_page": None,
        "notes": list(notes),  # beside what the shape asks for
    }


def _found(archive: Archive, query: str, asked: StoreSearch) -> Results:
    filters = None if asked.filters is None else Filters(conditions=tree(asked.filters))
    how = {"literal": True, "filters": filters, "limit": asked.max_num_results, "passages": PASSAGES}
    return lenient.search(archive.search, query, **how)


def _result(hit: Hit) -> dict[str, Any]:
    texts = [text for passage in hit.passages if (text := visible(passage.text)).strip()]
    return {
        "file_id": hit.article.id,
        "filename": (in_line(hit.article.title) or in_line(hit.article.id))[:_LONGEST_NAME],
        "score": share(hit.score),
        "attributes": _attributes(hit.article),
        "content": [{"type": "text", "text": text} for text in texts or [in_line(hit.article.title)]],
    }


def share(score: float) -> float:
    """A score of the archive as a number from 0 to below 1, as clients of vector stores expect it: s / (1 + s).

    The same function for every query and archive, so it keeps the order, also of several queries' results. What is
    nothing, or below (a cosine may be), is 0; a fused score of 1, which is three standard deviations above the mean of
    both legs' best, is 0.5.
    """
    return round(max(score, 0.0) / (1.0 + max(score, 0.0)), 6)


def _attributes(article: Article) -> dict[str, str]:
    """By the names that filters take."""
    values = {
        "title": article.title,
        "source": article.source,
        "author": "; ".join(article.authors),
        "published": "" if article.published is None else article.published.isoformat(),
        "section": article.section,
        "language": article.language,
        "agency": article.agency,
        "url": article.url,
    }
    return {name: in_line(value)[:_LONGEST_VALUE] for name, value in values.items() if value}
