"""Articles without end, made of real ones: what an archive of a million is built of where there are some thousands.

Each has its paragraphs from two real articles, and one in eight from any; its title of two halves; some words that
nothing had before it, so that distinct words grow as they do in a real archive; a source, an author and a day of its
own. The same real articles and the same seed give the same articles.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from search import Article

_FIRST, _DAYS = date(2005, 1, 1), 20 * 365
_SOURCES, _AUTHORS = 500, 20_000
_NEW_WORDS = 4
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "xu", "za")
_SHARES = ((0.1, "Paper of a tenth"), (0.11, "Paper of a hundredth"), (0.111, "Paper of a thousandth"))


def grown(real: Sequence[Article], size: int, seed: int = 11) -> Iterator[Article]:
    """``size`` articles: the real ones, as many as are wanted, and then mixtures of them."""
    yield from real[:size]
    rng = random.Random(seed)
    paragraphs = [article.text.split("\n\n") for article in real]
    words = len(_SYLLABLES) ** 2
    for number in range(len(real), size):
        pair = rng.randrange(len(real)), rng.randrange(len(real))
        lengths = [len(paragraphs[one]) for one in pair]
        text = []
        for place in range(max(lengths)):
            one = pair[rng.random() < 0.5] if rng.random() < 0.875 else rng.randrange(len(real))
            if place < len(paragraphs[one]):
                text.append(paragraphs[one][place])
        words += 1
        text.append(" ".join(_word(int(words * rng.paretovariate(0.7)) % (1 << 40)) for _ in range(_NEW_WORDS)) + ".")
        left, right = (real[one].title.split() for one in pair)
        yield Article(
            id=f"grown-{number}",
            title=" ".join(left[: (len(left) + 1) // 2] + right[len(right) // 2 :]),
            text="\n\n".join(text),
            published=_FIRST + timedelta(days=rng.randrange(_DAYS)),
            source=_source(rng),
            authors=(f"Author {int(rng.paretovariate(0.6)) % _AUTHORS}",),
            section=real[pair[0]].section,
        )


def _source(rng: random.Random) -> str:
    share = rng.random()
    for upper, name in _SHARES:
        if share < upper:
            return name
    return f"Paper {int(rng.paretovariate(0.8)) % _SOURCES}"


def _word(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, len(_SYLLABLES))
        letters += _SYLLABLES[rest]
    return letters or "ba"
