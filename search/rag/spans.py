"""Sentences of a stretch of an article."""

from __future__ import annotations

import functools

from search.text.sentences import TextLayout, lay_out


@functools.lru_cache(128)
def _layout(text: str) -> TextLayout:
    return lay_out(text)


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The sentences of the whole text that lie in ``start..end``, those at its ends cut there; never none."""
    layout = _layout(text)
    found = [
        (max(s, start), min(e, end)) for s, e in zip(layout.starts, layout.ends, strict=True) if s < end and e > start
    ]
    return found or [(start, end)]
