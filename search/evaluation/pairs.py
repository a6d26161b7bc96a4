"""Known items: queries that an archive's own headlines make, each with the article that it is to find."""

from __future__ import annotations

import re

import numpy as np

from search.engine.view import View
from search.evaluation import Query
from search.keyword.analysis import Analysis, analyze
from search.keyword.rank.scoring import says_something
from search.records import Article

WORDS = (3, 6)
"""So many words make a query, at least and at most."""
_SHORTEST = 300  # characters of a text that says something
_SEED = 20_261_128
_WORD = re.compile(r"\w[\w'’.-]*\w|\w")
_BATCH = 500


def made(view: View, count: int) -> tuple[list[Query], dict[str, dict[str, int]]]:
    """At most ``count`` queries, and what is relevant to each: an article, and its copies.

    A query is the rarer half of the words of a headline, in its order. Articles are drawn with a fixed seed; those
    whose text repeats the headline are passed over, since there it would be found as it stands.
    """
    live = np.flatnonzero(view.snapshot.live)
    drawn = np.random.default_rng(_SEED).permutation(live)
    groups = view.groups(view.snapshot.live)
    queries: list[Query] = []
    qrels: dict[str, dict[str, int]] = {}
    for start in range(0, len(drawn), _BATCH):
        ordinals = drawn[start : start + _BATCH]
        for ordinal, article in zip(ordinals.tolist(), view.articles(ordinals), strict=True):
            if len(queries) >= count:
                return queries, qrels
            text = "" if article is None else _rarer(view, article)
            if article is None or not text:
                continue
            same = [ordinal] if groups is None else np.flatnonzero(groups.ids == groups.ids[ordinal]).tolist()
            relevant = [one for one in same if view.snapshot.live[one]]
            queries.append(Query(article.id, text))
            qrels[article.id] = dict.fromkeys(view.columns.ids(relevant), 1)
    return queries, qrels


def _rarer(view: View, article: Article) -> str:
    """The rarer half of a headline's words; nothing for an article that makes no query."""
    if len(article.text) < _SHORTEST or article.title.casefold() in article.text.casefold():
        return ""
    terms: dict[str, str] = {}
    for word in _WORD.findall(article.title):
        terms.setdefault(_term(word, view.analysis), word)
    terms.pop("", None)
    least, most = WORDS
    if len(terms) < least:
        return ""
    frequencies = dict(zip(terms, view.words(view.snapshot.live).frequencies(list(terms)).tolist(), strict=True))
    wanted = min(max(least, len(terms) // 2), most)
    kept = sorted(terms, key=lambda term: (frequencies[term], term))[:wanted]
    return " ".join(word for term, word in terms.items() if term in kept)


def _term(word: str, analysis: Analysis) -> str:
    """The term of a word; nothing for one that says nothing, or is several."""
    tokens = analyze(word, analysis)
    return tokens[0].term if len(tokens) == 1 and says_something(tokens[0], analysis) else ""
