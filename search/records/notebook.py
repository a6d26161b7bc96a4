"""Articles and hits as a notebook shows them. Nothing in their texts is markup of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def escape(text: str) -> str:
    """Text as HTML."""
    import html  # whose tables no search needs

    return html.escape(text)


def imprint(article: Any) -> str:
    """Where and when an article appeared, as far as that is known."""
    day = "" if article.published is None else article.published.isoformat()[:10]
    return ", ".join(text for text in (article.source, day) if text)


def article(shown: Any) -> str:
    """An article, whole."""
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in shown.text.splitlines() if line.strip())
    return f"<article><h3>{_linked(shown)}</h3><p>{escape(imprint(shown))}</p>{paragraphs}</article>"


def results(shown: Any) -> str:
    """A table of the hits, with the query's words marked."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in shown.notes)
    match = "article matches" if shown.total == 1 else "articles match"
    return f"<p>{shown.total:,} {match} {escape(shown.query)}</p>{table(shown.hits)}{notes}"


def table(hits: Sequence[Any]) -> str:
    """Hits as rows."""
    rows = "".join(
        f"<tr><td>{hit.rank}</td><td>{hit.score:.4f}</td><td>{_linked(hit.article)}<br>"
        f"{escape(imprint(hit.article))}<br>{_marked(hit)}</td></tr>"
        for hit in hits
    )
    return f"<table>{rows}</table>"


def _linked(article: Any) -> str:
    title = escape(article.title or article.id)
    if article.url.startswith(("http://", "https://")):
        return f'<a href="{escape(article.url)}" rel="noreferrer">{title}</a>'
    return title


def _marked(hit: Any) -> str:
    """The snippet with its words marked; nothing in it is markup of its own."""
    pieces, end = [], 0
    for mark in hit.highlights:
        if mark.field == "snippet" and mark.kind == "word" and mark.start >= end:
            pieces += [
                escape(hit.snippet[end : mark.start]),
                "<mark>",
                escape(hit.snippet[mark.start : mark.end]),
                "</mark>",
            ]
            end = mark.end
    return "".join([*pieces, escape(hit.snippet[end:])])
