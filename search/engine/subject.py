"""What an article is about, as far as others can be compared with it: its distinctive words, its names, its meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import numpy as np

from search.engine.legs import Floats, Leg
from search.engine.view import View
from search.keyword.analysis import STOP_WORDS, Token, analyze, normalise, surface_of
from search.records import Article
from search.text.stretches import Spans, rest

MOST_WORDS = 60
"""Words that an article is compared by, as its postings are read for each."""
TITLE = 3
"""Occurrences in the text that one in the title is worth."""
_LOOKED_UP = 200  # words of an article of which it is looked up how rare they are
_LONGEST_NAME = 4
_SHORT = 4  # letters of a title before a name: Sen, Prof, Mrs
_NAMES, _REASONS = 3, 4  # of a line that says why
_LINKS = frozenset(("of", "de", "del", "della", "di", "da", "du", "des", "la", "le", "el", "al", "bin", "van", "von"))
"""What may stand inside a name in small letters."""

Name = tuple[str, ...]
"""The terms of a name in their order."""


@dataclass(frozen=True, slots=True)
class Words:
    """An analysed article: its ``tokens``, those of the title first, ``title`` in number; where each term is among
    them; which tokens go on what was begun, with a blank or a hyphen between; and the ``text`` that they are of."""

    tokens: Sequence[Token]
    title: int
    joined: Sequence[bool]
    at: dict[str, list[int]]
    text: str

    @classmethod
    def of(cls, article: Article, left_out: Spans = ()) -> Words:
        """The words of title and text, without what its source prints under many articles."""
        text = rest(article.text, left_out) if left_out else article.text
        title, body = analyze(article.title), analyze(text)
        tokens = [*title, *body]
        joined = [*_joined(article.title, title), *_joined(text, body)]
        at: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            at.setdefault(token.term, []).append(place)
        return cls(tokens, len(title), joined, at, normalise(text))

    def has(self, name: Name) -> bool:
        """Whether the terms stand here side by side, all in the title or all in the text."""
        return any(
            all(
                place + i < len(self.tokens) and self.tokens[place + i].term == term and (place + i < self.title) == own
                for i, term in enumerate(name)
            )
            for place in self.at.get(name[0], ())
            for own in (place < self.title,)
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What an article is about. ``words`` are its most distinctive ones as it writes them, the most distinctive first;
    ``names`` what it names, by the terms, the rarest first, with their spelling; ``centre`` float32[d] the mean of its
    passages, None where the archive has no vectors of it."""

    ordinal: int
    article: Article
    words: tuple[str, ...]
    terms: tuple[str, ...]
    names: tuple[tuple[Name, str], ...]
    centre: Floats | None

    @classmethod
    def of(cls, view: View, article_id: str, words: Leg) -> Subject:
        """That of the live article of this id; how rare words are is asked of a leg. Raises ArticleNotFound."""
        ordinal, article = view.article(article_id)
        (left_out,) = view.furniture(np.array([ordinal]), [article])
        analysed = Words.of(article, left_out)
        rarity = _rarity(analysed, words, len(view.columns))
        distinctive = sorted(rarity, key=lambda term: (-_weight(analysed, term) * rarity[term], term))[:MOST_WORDS]
        spelled = tuple(_spelling(analysed, term) for term in distinctive)
        names = sorted(_names(analysed), key=lambda name: (-max(rarity.get(term, 0.0) for term in name[0]), name))
        centre = None if view.vectors is None else view.vectors.centre(ordinal)
        return cls(ordinal, article, spelled, tuple(distinctive), tuple(names), centre)

    def shared(self, article: Article, left_out: Spans = ()) -> str:
        """Names and words that another article has too, the most telling first; empty for none."""
        other = Words.of(article, left_out)
        told: list[tuple[Name, str]] = []
        for terms, spelling in self.names:
            if len(told) == _NAMES:
                break
            if other.has(terms) and not any(_within(terms, name) or _within(name, terms) for name, _ in told):
                told.append((terms, spelling))
        said = {term for terms, _ in told for term in terms}
        found = [spelling for _, spelling in told]
        for term, word in zip(self.terms, self.words, strict=True):
            if len(found) == _REASONS:
                break
            if term in other.at and term not in said:
                found.append(word)
        return ", ".join(found)

    def when(self, article: Article) -> str:
        """When another article appeared, seen from this one."""
        return apart(self.article.published, article.published)


def apart(here: date | None, there: date | None) -> str:
    """``12 days before``: how far another date lies from this one, in days, months or years; empty where one is not
    known."""
    if here is None or there is None:
        return ""
    days = there.toordinal() - here.toordinal()
    if days == 0 and isinstance(here, datetime) and isinstance(there, datetime):
        return "earlier that day" if there < here else "later that day" if there > here else "at the same time"
    if days == 0:
        return "the same day"
    way = "after" if days > 0 else "before"
    size = abs(days)
    for unit, length, least in (("year", 365.25, 730), ("month", 30.44, 92), ("day", 1, 1)):
        if size >= least:
            number = round(size / length)
            return f"{number:,} {unit}{'' if number == 1 else 's'} {way}"
    raise AssertionError(days)


def _rarity(words: Words, leg: Leg, size: int) -> dict[str, float]:
    """How rare the article's words are, ln(N / df): those that say something and that another article has as well."""
    told = [
        term
        for term, places in words.at.items()
        if words.tokens[places[0]].word not in STOP_WORDS and len(term) > 1 and any(map(str.isalpha, term))
    ]
    told = sorted(told, key=lambda term: (-_weight(words, term), words.at[term][0]))[:_LOOKED_UP]
    counts = leg.frequencies(told).tolist()
    return {term: math.log(size / count) for term, count in zip(told, counts, strict=True) if 1 < count < size}


def _weight(words: Words, term: str) -> float:
    """1 + ln(tf), where one in the title counts for several."""
    places = words.at[term]
    return 1.0 + math.log(len(places) + (TITLE - 1) * sum(place < words.title for place in places))


def _spelling(words: Words, term: str) -> str:
    """A term as the article writes it most often; of equal ones the first."""
    return Counter(_plain(words.tokens[place]) for place in words.at[term]).most_common(1)[0][0]


def _plain(token: Token) -> str:
    """A word as it is written, without the 's that says whose something is."""
    return token.surface.removesuffix("'s")


def _joined(text: str, tokens: Sequence[Token]) -> Iterator[bool]:
    """Whether each token goes on what the one before it began: with a blank or a hyphen between, or behind an initial
    or a short title with its full stop."""
    text = normalise(text)
    if tokens:
        yield False
    for before, token in pairwise(tokens):
        between = text[before.end : token.start]
        yield between in (" ", "-") or (between == ". " and len(before.surface) <= _SHORT)


def _names(words: Words) -> Iterator[tuple[Name, str]]:
    """Runs of words in capitals in the text, and their spelling. A word that begins a sentence may have its capital
    from there: it is a name only where the text never writes it small, and one alone only where it stands elsewhere
    too."""
    small = {token.term for token in words.tokens[words.title :] if token.surface[:1].islower()}
    seen: Counter[Name] = Counter()
    spelled: dict[Name, str] = {}
    run: list[Token] = []

    def end() -> None:
        while run and (run[-1].word in _LINKS or run[-1].word in STOP_WORDS):
            run.pop()
        if 0 < len(run) <= _LONGEST_NAME:
            name = tuple(one.term for one in run)
            seen[name] += 1
            spelled.setdefault(name, surface_of(words.text[run[0].start : run[-1].end]).removesuffix("'s"))
        run.clear()

    for token, joined in zip(words.tokens[words.title :], words.joined[words.title :], strict=True):
        if not joined:
            end()
        capital = token.surface[:1].isupper() and token.term not in small
        if (capital and (run or token.word not in STOP_WORDS)) or (run and token.word in _LINKS):
            run.append(token)
        else:
            end()
    end()
    for name, count in seen.items():
        if len(name) > 1 or count > 1:
            yield name, spelled[name]


def _within(name: Name, other: Name) -> bool:
    return any(other[i : i + len(name)] == name for i in range(len(other) - len(name) + 1))
