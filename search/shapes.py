"""Answers as plain values, one shape for the command line's JSON, the servers and the adapters."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from search.records import Article, Hit, Results

if TYPE_CHECKING:
    from search.engine.alerts import Alert, News
    from search.engine.facets import Facets, Timeline
    from search.rag.context import Context


def day(published: date | None) -> str | None:
    """ISO 8601, with the time where it is known."""
    return None if published is None else published.isoformat()


def hit_record(hit: Hit) -> dict[str, Any]:
    """A hit as ``search --format json`` prints it."""
    article = hit.article
    return {
        "rank": hit.rank,
        "id": article.id,
        "score": round(hit.score, 6),
        "matched": hit.matched,
        "title": article.title,
        "source": article.source,
        "published": day(article.published),
        "authors": list(article.authors),
        "url": article.url,
        "section": article.section,
        "snippet": hit.snippet,
        "highlights": [
            {"field": mark.field, "start": mark.start, "end": mark.end, "kind": mark.kind} for mark in hit.highlights
        ],
        "passages": [
            {
                "text": passage.text,
                "start": passage.start,
                "end": passage.end,
                "score": None if passage.score is None else round(passage.score, 6),
            }
            for passage in hit.passages
        ],
        "explain": None if hit.explain is None else dict(hit.explain),
    }


def results_record(results: Results) -> dict[str, Any]:
    """The one object of ``search --format json``."""
    return {
        "query": results.query,
        "mode": str(results.mode),
        "total": results.total,
        "took_ms": results.took_ms,
        "did_you_mean": results.did_you_mean,
        "cursor": results.cursor,
        "hits": [hit_record(hit) for hit in results],
    }


def article_record(article: Article) -> dict[str, Any]:
    """An article as ``show --format json`` prints it; ``index`` reads it back."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "published": day(article.published),
        "source": article.source,
        "authors": list(article.authors),
        "url": article.url,
        "section": article.section,
        "language": article.language,
        "agency": article.agency,
        "dateline": article.dateline,
        "caption": article.caption,
        "extra": dict(article.extra),
    }


def facets_record(found: Facets) -> dict[str, Any]:
    """The one object of ``--format json``."""
    return {
        "query": found.query,
        "total": found.total,
        "took_ms": found.took_ms,
        "facets": {
            str(facet.field): {
                "distinct": facet.distinct,
                "none": facet.none,
                "values": [{"value": one.value, "count": one.count, "query": one.query} for one in facet.values],
            }
            for facet in found.facets
        },
    }


def timeline_record(found: Timeline) -> dict[str, Any]:
    """The one object of ``--format json``."""
    return {
        "query": found.query,
        "by": str(found.by),
        "total": found.total,
        "undated": found.undated,
        "took_ms": found.took_ms,
        "buckets": [
            {
                "label": one.label,
                "start": one.start.isoformat(),
                "end": one.end.isoformat(),
                "count": one.count,
                "articles": one.articles,
                "share": round(one.share, 6),
                "query": one.query,
            }
            for one in found.buckets
        ],
    }


def context_record(context: Context) -> dict[str, Any]:
    """The one object of ``context --format json``."""
    return {
        "question": context.question,
        "budget": context.budget,
        "tokens": context.tokens,
        "mode": str(context.mode),
        "took_ms": context.took_ms,
        "detect": str(context.detect),
        "detected": [
            {"kind": one.kind, "start": one.start, "end": one.end, "clause": one.clause} for one in context.detected
        ],
        "parts": list(context.parts),
        "notes": list(context.notes),
        "passages": [
            {
                "number": one.number,
                "id": one.article_id,
                "start": one.start,
                "end": one.end,
                "text": one.text,
                "title": one.title,
                "source": one.source,
                "published": day(one.published),
                "authors": list(one.authors),
                "url": one.url,
                "score": round(one.score, 6),
                "tokens": one.tokens,
                "sentences": [list(span) for span in one.sentences],
                "copies": list(one.copies),
            }
            for one in context
        ],
    }


def search_result_blocks(context: Context) -> list[dict[str, Any]]:
    """Anthropic ``search_result`` blocks, one for each passage, with a text block for each sentence: the smallest that
    can be cited. ``source`` is the address, or ``broadsheet:ID`` where an article has none."""
    return [
        _search_result(
            one.article_id,
            one.title,
            one.url,
            [one.text[start - one.start : end - one.start] for start, end in one.sentences] or [one.text],
        )
        for one in context
    ]


def hit_blocks(results: Results) -> list[dict[str, Any]]:
    """The same, one for each hit, with the sentences of its passages."""
    from search.rag.spans import sentences

    found = []
    for hit in results:
        text = hit.article.text
        texts = [text[s:e] for passage in hit.passages for s, e in sentences(text, passage.start, passage.end)]
        found.append(_search_result(hit.article.id, hit.article.title, hit.article.url, texts))
    return found


def _search_result(article_id: str, title: str, url: str, texts: list[str]) -> dict[str, Any]:
    from search.rag.render import in_line, visible

    name = in_line(title) or in_line(article_id)
    shown = [text for text in map(visible, texts) if text.strip()] or [name]  # an empty block is refused
    return {
        "type": "search_result",
        "source": in_line(url) or f"broadsheet:{in_line(article_id)}",
        "title": name,
        "content": [{"type": "text", "text": text} for text in shown],
        "citations": {"enabled": True},
    }


def alert_record(alert: Alert) -> dict[str, Any]:
    """A saved query as JSON has it."""
    return {
        "name": alert.name,
        "query": alert.query,
        "created": alert.created.isoformat(),
        "ran": None if alert.ran is None else alert.ran.isoformat(),
    }


def news_record(news: News) -> dict[str, Any]:
    """What is new to one alert, as JSON has it."""
    return {
        **alert_record(news.alert),
        "error": news.error,
        "total": len(news.items),
        "articles": [
            {
                "id": item.id,
                "title": item.title,
                "source": item.source,
                "published": day(item.published),
                "authors": list(item.authors),
                "url": item.url,
                "section": item.section,
                "agency": item.agency,
                "snippet": item.snippet,
            }
            for item in news.items
        ],
    }
