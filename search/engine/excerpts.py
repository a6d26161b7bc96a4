"""What is shown of an article: passages, snippets and highlights. Offsets always count the article's own text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from search.keyword import highlight
from search.records import Article, Highlight, Passage

SNIPPET = 280  # characters
_KEYWORD_PASSAGE = 1000  # characters of a passage where no model's tokenizer cut it
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=\S)|\n+(?=\S)")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")


def plain_spans(text: str) -> list[tuple[int, int]]:
    """Passages of an article that has none in the archive: lines, or sentences of long lines, of 1,000 characters."""
    from search.text.passages import lay_out  # its tables are not needed where the archive has passages

    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        pieces = [line.span()]
        if line.end() - line.start() > _KEYWORD_PASSAGE:
            layout = lay_out(line[0])
            pieces = [(line.start() + s, line.start() + e) for s, e in zip(layout.starts, layout.ends, strict=True)]
        for start, end in pieces:
            if spans and end - spans[-1][0] <= _KEYWORD_PASSAGE:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
    return spans or [(0, 0)]


def passages_by_words(
    article: Article, spans: Sequence[tuple[int, int]], words: Sequence[str], count: int
) -> tuple[Passage, ...]:
    """The passages that hold most of the distinct query words, then most of their occurrences, then the first."""
    chosen = list(spans)
    if words and len(spans) > 1:
        marks = highlight(article.text, words)
        starts = [start for start, _ in marks]

        def worth(span: tuple[int, int]) -> tuple[int, int, int]:
            inside = marks[bisect_left(starts, span[0]) : bisect_left(starts, span[1])]
            return -len({article.text[start:end].casefold() for start, end in inside}), -len(inside), span[0]

        chosen.sort(key=worth)
    return tuple(Passage(article_id=article.id, start=s, end=e, text=article.text[s:e]) for s, e in chosen[:count])


def passages_by_meaning(article: Article, spans: Sequence[tuple[int, int, float]]) -> tuple[Passage, ...]:
    """The passages nearest to the query, with their cosines."""
    return tuple(
        Passage(article_id=article.id, start=s, end=e, text=article.text[s:e], score=round(float(c), 6))
        for s, e, c in spans
    )


def snippet(article: Article, passage: Passage | None, words: Sequence[str]) -> tuple[str, tuple[Highlight, ...]]:
    """A stretch of the passage of about 280 characters, where its query words stand closest, and what to mark in it
    and in the title. A passage without any of the words was found by its meaning and is marked as a whole."""
    marks = [Highlight(field="title", start=s, end=e, kind="word") for s, e in highlight(article.title, words)]
    if passage is None or not passage.text:
        return "", tuple(marks)
    spans = highlight(passage.text, words)
    start, end = _window(passage.text, spans)
    text = passage.text[start:end]
    inside = [(s - start, e - start) for s, e in spans if s >= start and e <= end]
    if inside:
        marks += [Highlight(field="snippet", start=s, end=e, kind="word") for s, e in inside]
    elif passage.score is not None:
        marks.append(Highlight(field="snippet", start=0, end=len(text), kind="meaning"))
    return text, tuple(marks)


def _window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Start and end of the snippet: it begins at a sentence where it can, and never inside a word."""
    if len(text) <= SNIPPET:
        return 0, len(text)
    best, most = 0, 0
    if spans:
        words = [text[s:e].casefold() for s, e in spans]
        starts, ends = [s for s, _ in spans], [e for _, e in spans]
        # A rough look at where sentences start will do: a snippet is no citation.
        for sentence in (0, *(end.end() for end in _SENTENCE_END.finditer(text))):
            inside = words[bisect_left(starts, sentence) : bisect_right(ends, sentence + SNIPPET)]
            if len(inside) > most and (distinct := len(set(inside))) > most:
                best, most = sentence, distinct
    if most == 0 and spans:  # one sentence longer than a snippet, its words far in
        best = max(0, spans[0][0] - SNIPPET // 3)
        best = text.rfind(" ", 0, best) + 1
    end = min(len(text), best + SNIPPET)
    if end < len(text):
        cut = text.rfind(" ", best + SNIPPET // 2, end)
        end = cut if cut > best else end
    return best, len(text[:end].rstrip())
