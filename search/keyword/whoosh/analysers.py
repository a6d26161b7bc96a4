"""The steps of ``analysis`` as Whoosh analyzers, and the Whoosh schema of what is indexed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from whoosh.analysis import Filter, RegexTokenizer, StemFilter, Token
from whoosh.fields import TEXT, Schema

from search.keyword.analysis import ENGLISH, SPACES, Analysis, fold, normalise, spans_of, surface_of
from search.keyword.readings import readings


class NewsTokenizer(RegexTokenizer):  # type: ignore[misc]
    """Whoosh tokenizer: matches of TOKEN in NFC text, each followed by its readings at the same position."""

    def __init__(self, analysis: Analysis = ENGLISH) -> None:
        super().__init__(analysis.pattern)
        self._analysis = analysis

    def __call__(self, value: str, **options: Any) -> Iterator[Any]:
        """Whoosh's tokens of a text; ``options`` as Whoosh's RegexTokenizer takes them."""
        value = normalise(value)
        if not self._analysis.has_usual_tokens:
            yield from self._otherwise(value, **options)
            return
        following = iter(readings(value, self._analysis))
        reading = next(following, None)
        for number, token in enumerate(super().__call__(value, **options)):
            yield token
            while reading is not None and reading.first == number:
                token.text = reading.token.surface
                if token.chars:
                    token.startchar, token.endchar = reading.token.start, reading.token.end
                yield token
                reading = next(following, None)

    def _otherwise(
        self,
        value: str,
        positions: bool = False,
        chars: bool = False,
        start_pos: int = 0,
        start_char: int = 0,
        mode: str = "",
        **options: Any,
    ) -> Iterator[Any]:
        """Those of a language with tokens of its own."""
        token = Token(positions, chars, removestops=options.get("removestops", True), mode=mode)
        for number, (start, end) in enumerate(spans_of(value, self._analysis)):
            token.text, token.boost, token.stopped = value[start:end], 1.0, False
            token.pos = start_pos + number
            token.startchar, token.endchar = start_char + start, start_char + end
            yield token


class FoldFilter(Filter):  # type: ignore[misc]
    """Whoosh filter: a written token becomes its folded word."""

    def __call__(self, tokens: Iterable[Any]) -> Iterator[Any]:
        """The same tokens, folded."""
        for token in tokens:
            token.text = fold(surface_of(token.text))
            yield token


def word_analyzer() -> Any:
    """The Whoosh analyzer of the metadata spaces: folded words."""
    return NewsTokenizer() | FoldFilter()


def text_analyzer(analysis: Analysis = ENGLISH) -> Any:
    """The Whoosh analyzer of the text space: terms of folded words."""
    return NewsTokenizer(analysis) | FoldFilter() | StemFilter(stemfn=analysis.term, cachesize=None)


def schema(analysis: Analysis = ENGLISH) -> Schema:
    """The Whoosh schema of what is indexed: one field per space."""
    fields = {name: TEXT(analyzer=word_analyzer(), phrase=True) for name in SPACES}
    fields["text"] = TEXT(analyzer=text_analyzer(analysis), phrase=True)
    return Schema(**fields)
