"""The texts that a quotation may stand in, and where it stands there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property

from search.rag.context import Context
from search.rag.matching import Folded, Sentences, fold
from search.rag.spans import sentences
from search.rag.verdicts import Place
from search.records import Article


class Source:
    """What may be quoted under a number: a text, where it begins in its article, its folded form, its sentences."""

    def __init__(self, number: int, article_id: str, offset: int, text: str) -> None:
        self.number, self.article_id, self.offset, self.text = number, article_id, offset, text

    @cached_property
    def folded(self) -> Folded:
        """The text, folded."""
        return fold(self.text)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Its sentences."""
        return [(start, end) for start, end in sentences(self.text, 0, len(self.text)) if end > start]

    @cached_property
    def _begins(self) -> list[int]:
        return [start for start, _ in self.spans]

    def sentence(self, at: int) -> int:
        """The number of the sentence that a place stands in."""
        return max(bisect_right(self._begins, at) - 1, 0)

    def together(self, first: int, last: int) -> bool:
        """Whether two places stand in one sentence."""
        return self.sentence(first) == self.sentence(last)

    def place(self, start: int, end: int) -> Place:
        """A stretch of the text, as it stands in the article."""
        return Place(
            number=self.number,
            article_id=self.article_id,
            start=self.offset + start,
            end=self.offset + end,
            text=self.text[start:end],
        )


class Sources:
    """The texts of a context: its passages or, where ``article`` gives them, their whole articles."""

    def __init__(self, context: Context, article: Callable[[str], Article] | None) -> None:
        self.texts = [
            Source(one.number, one.article_id, one.start, one.text)
            if article is None
            else Source(one.number, one.article_id, 0, article(one.article_id).text)
            for one in context
        ]

    @cached_property
    def sentences(self) -> Sentences:
        """All their sentences, by words."""
        return Sentences([(one.text, one.spans) for one in self.texts])
