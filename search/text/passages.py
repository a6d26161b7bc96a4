"""An article's passages: stretches of its text, of whole sentences, that fit the encoder together with the title."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from search.records import Article
from search.text.sentences import TextLayout, lay_out

__all__ = ["PASSAGE_TOKENS", "TextLayout", "Tokenizer", "encoder_input", "lay_out", "split", "split_many"]

PASSAGE_TOKENS = 230
"""Most tokens of a passage with its title, the model's special tokens not counted."""

TITLE_TOKENS = 64
"""About how many tokens of a title go to the encoder; no headline comes near it."""

CHARACTERS_PER_TOKEN = 12
"""A token is charged for at least so many characters: a run of junk that a model sees as one unknown token does not
become a passage of megabytes. English has about 4.5."""

# Costs of a way to cut an article, in passages: a break inside a paragraph, and an empty passage (by its square).
_TORN_PARAGRAPH = 0.15
_SLACK = 0.4
_UNITS = 16  # of a passage; where sentences are shorter on average, they are joined first
_WORD = re.compile(r"\S+")
_TITLE_PIECE = re.compile(r"[A-Za-z]{1,4}|\S")


class Tokenizer(Protocol):
    """What cutting needs to know of an encoder's tokenizer.

    ``limit`` is the most tokens of an input that the encoder takes, special tokens and prefix not counted. ``additive``
    says that the tokens of texts joined by white space are as many as those of the texts, so that sums can be trusted.
    """

    limit: int
    additive: bool

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of a text."""


def encoder_input(title: str, passage: str) -> str:
    """What the encoder is given: the title, on one line and cut where it is absurdly long, then the passage."""
    short = _short(title)
    return f"{short}\n{passage}" if short and passage else short or passage


def _short(title: str) -> str:
    title = " ".join(title.split())
    if len(title) <= TITLE_TOKENS:
        return title
    for number, piece in enumerate(_TITLE_PIECE.finditer(title)):
        if number == TITLE_TOKENS:
            stop = title.rfind(" ", 0, piece.start() + 1)
            return title[: stop if stop > 0 else piece.start()].rstrip()
    return title


def split(
    text: str, title: str, layout: TextLayout, tokenizer: Tokenizer, limit: int = PASSAGE_TOKENS
) -> list[tuple[int, int]]:
    """Passage offsets of one article; see ``split_many``."""
    return split_many([Article(id="-", title=title, text=text)], [layout], tokenizer, limit)[0]


def split_many(
    articles: Sequence[Article], layouts: Sequence[TextLayout], tokenizer: Tokenizer, limit: int = PASSAGE_TOKENS
) -> list[list[tuple[int, int]]]:
    """Passage offsets ``(start, end)`` of each article, in order, without overlap and without outer white space.

    A passage is a run of whole sentences with at most ``limit`` tokens together with the title; it ends where a
    paragraph does if that costs little. A longer sentence is cut at white space, and a longer word inside. A text
    without sentences has the one passage ``(0, 0)``: its title alone is encoded.
    """
    limit = min(limit, tokenizer.limit)
    titles = tokenizer.count([_short(article.title) for article in articles])
    # A title of rare signs may have more tokens than was guessed; the text keeps at least a quarter of the room.
    budgets = [max(limit - tokens, limit // 4, 1) for tokens in titles]
    texts = [
        article.text[start:end]
        for article, layout in zip(articles, layouts, strict=True)
        for start, end in zip(layout.starts, layout.ends, strict=True)
    ]
    counts = tokenizer.count(texts)
    passages: list[list[tuple[int, int]]] = []
    first = 0
    for article, layout, budget in zip(articles, layouts, budgets, strict=True):
        own = counts[first : first + len(layout.starts)]
        first += len(own)
        passages.append(_cut(article.text, layout, own, tokenizer, budget))
        if not tokenizer.additive:
            passages[-1] = _recut(article, layout, own, tokenizer, limit, budget, passages[-1])
    return passages


def _recut(
    article: Article,
    layout: TextLayout,
    counts: Sequence[int],
    tokenizer: Tokenizer,
    limit: int,
    budget: int,
    passages: list[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Cut again with less room while a passage, counted as a whole, has more tokens than its sentences together."""
    while budget > 1:
        whole = tokenizer.count([encoder_input(article.title, article.text[start:end]) for start, end in passages])
        excess = max(whole) - limit
        if excess <= 0:
            break
        smaller = max(budget - excess, 3 * budget // 4)
        if smaller == budget:
            break
        budget = smaller
        passages = _cut(article.text, layout, counts, tokenizer, budget)
    return passages


class _Unit(NamedTuple):
    """What is never cut further: a sentence or a piece of a long one. ``closes`` says that a paragraph ends here."""

    start: int
    end: int
    charge: int
    closes: bool


def _cut(
    text: str, layout: TextLayout, counts: Sequence[int], tokenizer: Tokenizer, budget: int
) -> list[tuple[int, int]]:
    units: list[_Unit] = []
    starts, ends, paragraphs = layout
    last = len(starts) - 1
    for i, (start, end, count) in enumerate(zip(starts, ends, counts, strict=True)):
        charge = _charge(count, end - start)
        closes = i == last or paragraphs[i + 1] != paragraphs[i]
        if charge <= budget:
            units.append(_Unit(start, end, charge, closes))
        else:
            pieces = list(_pieces(text, start, end, tokenizer, budget))
            units.extend(_Unit(*piece, False) for piece in pieces[:-1])
            units.append(_Unit(*pieces[-1], closes))
    if not units:
        return [(0, 0)]
    if len(units) > _UNITS * (1 + sum(unit.charge for unit in units) // budget):
        units = _joined(units, budget // _UNITS)
    return [(units[i].start, units[j - 1].end) for i, j in pairwise(_breaks(units, budget))]


def _joined(units: Sequence[_Unit], least: int) -> list[_Unit]:
    """Neighbours together until they are worth considering: a text of tiny lines takes no longer than another."""
    joined = [units[0]]
    for unit in units[1:]:
        start, end, charge, _ = joined[-1]
        charge += unit.charge + (unit.start - end) // CHARACTERS_PER_TOKEN
        if charge <= least:
            joined[-1] = _Unit(start, unit.end, charge, unit.closes)
        else:
            joined.append(unit)
    return joined


def _charge(tokens: int, characters: int) -> int:
    return max(tokens, -(-characters // CHARACTERS_PER_TOKEN))


def _breaks(units: Sequence[_Unit], budget: int) -> list[int]:
    """The cheapest way to cut: unit numbers at which passages start, then the number of units.

    Every passage costs one, so that few are made; the square of its slack evens out their lengths.
    """
    costs = [0.0]
    origins = [0]
    for j in range(1, len(units) + 1):
        torn = 0.0 if units[j - 1].closes else _TORN_PARAGRAPH
        total = 0
        best, origin = math.inf, j - 1
        for i in range(j - 1, -1, -1):
            unit = units[i]
            total += unit.charge
            if i < j - 1:
                total += (units[i + 1].start - unit.end) // CHARACTERS_PER_TOKEN
            if total > budget and i < j - 1:
                break
            slack = (budget - total) / budget
            cost = costs[i] + slack * slack * _SLACK
            if cost < best:
                best, origin = cost, i
        costs.append(best + 1 + torn)
        origins.append(origin)
    path = [len(units)]
    while path[-1]:
        path.append(origins[path[-1]])
    return path[::-1]


def _pieces(text: str, start: int, end: int, tokenizer: Tokenizer, budget: int) -> Iterator[tuple[int, int, int]]:
    """A sentence without room for it as pieces ``(start, end, charge)`` of about one length, cut at white space."""
    words = [match.span() for match in _WORD.finditer(text, start, end)]
    counts = tokenizer.count([text[a:b] for a, b in words])
    charges = [_charge(count, b - a) for count, (a, b) in zip(counts, words, strict=True)]
    total = sum(charges)
    target = total / -(-total // budget)
    first, last, charge = start, start, 0
    for (a, b), own in zip(words, charges, strict=True):
        gap = (a - last) // CHARACTERS_PER_TOKEN if charge else 0
        if charge and (charge + gap + own > budget or charge >= target):
            yield first, last, charge
            charge = gap = 0
        if own > budget:
            yield from _chunks(text, a, b, tokenizer, budget)
            continue
        if not charge:
            first = a
        last = b
        charge += gap + own
    if charge:
        yield first, last, charge


def _chunks(text: str, start: int, end: int, tokenizer: Tokenizer, budget: int) -> Iterator[tuple[int, int, int]]:
    """A word without room for it (a language without spaces, or junk) as pieces cut between tokens."""
    while start < end:
        window = min(end, start + 4 * budget)
        tokens = tokenizer.spans(text[start:window])
        stop = window if len(tokens) <= budget else start + tokens[budget - 1][1]
        while (charge := _charge(tokenizer.count([text[start:stop]])[0], stop - start)) > budget and stop - start > 1:
            stop = start + (stop - start) // 2
        yield start, max(stop, start + 1), charge
        start = max(stop, start + 1)
