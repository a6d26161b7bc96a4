"""The steps of ``analysis`` as Whoosh analyzers, and the Whoosh schema of what is indexed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from whoosh.analysis import Filter, RegexTokenizer, StemFilter
from whoosh.fields import TEXT, Schema

from search.keyword.analysis import SPACES, TOKEN, fold, normalise, stem, surface_of
from search.keyword.readings import readings


class NewsTokenizer(RegexTokenizer):  # type: ignore[misc]
    """Whoosh tokenizer: matches of TOKEN in NFC text, each followed by its readings at the same position."""

    def __init__(self) -> None:
        super().__init__(TOKEN)

    def __call__(self, value: str, **options: Any) -> Iterator[Any]:
        """Whoosh's tokens of a text; ``options`` as Whoosh's RegexTokenizer takes them."""
        value = normalise(value)
        following = iter(readings(value))
        reading = next(following, None)
        for number, token in enumerate(super().__call__(value, **options)):
            yield token
            while reading is not None and reading.first == number:
                token.text = reading.token.surface
                if token.chars:
                    token.startchar, token.endchar = reading.token.start, reading.token.end
                yield token
                reading = next(following, None)


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


def text_analyzer() -> Any:
    """The Whoosh analyzer of the text space: stems of folded words."""
    return NewsTokenizer() | FoldFilter() | StemFilter(stemfn=stem, cachesize=None)


def schema() -> Schema:
    """The Whoosh schema of what is indexed: one field per space."""
    fields = {name: TEXT(analyzer=word_analyzer(), phrase=True) for name in SPACES}
    fields["text"] = TEXT(analyzer=text_analyzer(), phrase=True)
    return Schema(**fields)
