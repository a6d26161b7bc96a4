"""Passages as ``search_result`` blocks of Anthropic's Messages API, with a text block for each sentence: the smallest
that can be cited. ``source`` is the address, or ``broadsheet:ID`` where an article has none."""

from __future__ import annotations

from typing import Any

from search.rag.context import Context
from search.rag.render import in_line, visible
from search.rag.spans import sentences
from search.records import Results


def of_context(context: Context) -> list[dict[str, Any]]:
    """A block for each passage."""
    return [
        _block(
            one.article_id,
            one.title,
            one.url,
            [one.text[start - one.start : end - one.start] for start, end in one.sentences] or [one.text],
        )
        for one in context
    ]


def of_hits(results: Results) -> list[dict[str, Any]]:
    """A block for each hit, with the sentences of its passages."""
    blocks = []
    for hit in results:
        text = hit.article.text
        texts = [text[s:e] for passage in hit.passages for s, e in sentences(text, passage.start, passage.end)]
        blocks.append(_block(hit.article.id, hit.article.title, hit.article.url, texts))
    return blocks


def _block(article_id: str, title: str, url: str, texts: list[str]) -> dict[str, Any]:
    name = in_line(title) or in_line(article_id)
    shown = [text for text in map(visible, texts) if text.strip()] or [name]  # an empty block is refused
    return {
        "type": "search_result",
        "source": in_line(url) or f"broadsheet:{in_line(article_id)}",
        "title": name,
        "content": [{"type": "text", "text": text} for text in shown],
        "citations": {"enabled": True},
    }
