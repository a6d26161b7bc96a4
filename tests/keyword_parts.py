"""Keyword parts in memory, for tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from search.keyword.part.layout import KIND, KeywordSegment
from search.keyword.part.write import build_part
from search.storage.container import Part


class SimpleLayout(NamedTuple):
    starts: list[int]
    ends: list[int]
    paragraphs: list[int]


def simple_layout(text):
    """A sentence ends at . ! or ? before a space, and at the end of a line; a line is a paragraph."""
    starts, ends, paragraphs = [], [], []
    for number, line in enumerate(re.finditer(r"[^\n]+", text)):
        for sentence in re.finditer(r"\S.*?(?:[.!?](?=\s)|$)", line[0]):
            starts.append(line.start() + sentence.start())
            ends.append(line.start() + sentence.end())
            paragraphs.append(number)
    return SimpleLayout(starts, ends, paragraphs)


def make_part(articles, layouts=None):
    layouts = [simple_layout(article.text) for article in articles] if layouts is None else layouts
    arrays, meta = build_part(articles, layouts)
    return Part(Path("keyword.part"), KIND, meta, arrays, 0)


def make_segment(articles, layouts=None):
    return KeywordSegment(make_part(articles, layouts))
