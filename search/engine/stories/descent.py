"""Articles that agencies say go on with another one: they are of its story, however little of its words is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from search.engine.stories.find import Read
from search.engine.stories.part import Prints, Rows, key_of, origin_of
from search.records import Article

Live = Callable[[list[str]], Mapping[str, tuple[int, bytes]]]
"""Gives the live row of some ids, and more."""


def links(
    new: Prints, articles: Mapping[int, Article], others: Sequence[Prints], dead: Rows, live: Live, read: Read
) -> Rows:
    """int64[m, 2]: row of a new article, and of an earlier live one that it goes on with, or that goes on with it.

    ``articles`` are the new ones by row; ``others`` the parts of earlier ones; ``dead`` rows are not linked to.
    """
    pairs = [*_origins(new, articles, live), *_followers(articles, others, dead, read)]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[~np.isin(found[:, 1], dead)]


def _origins(new: Prints, articles: Mapping[int, Article], live: Live) -> list[tuple[int, int]]:
    """What new articles go on with: others of the new ones, or what came before them."""
    origins = {row: origin_of(articles[row]) for row in new.descents[:, 0].tolist() if row in articles}
    if not origins:
        return []
    own = {article.id: row for row, article in articles.items()}
    known = {one: row for one, (row, _) in live(sorted(set(origins.values()) - own.keys())).items()} | own
    both = [(row, known[origin]) for row, origin in origins.items() if origin in known]
    return [(max(pair), min(pair)) for pair in both if pair[0] != pair[1] and max(pair) in articles]


def _followers(
    articles: Mapping[int, Article], others: Sequence[Prints], dead: Rows, read: Read
) -> list[tuple[int, int]]:
    """What came before the new articles, and goes on with them all the same."""
    waiting = [part.descents for part in others if len(part.descents)]
    if not waiting:
        return []
    every = np.concatenate(waiting)
    rows = {key_of(article.id): row for row, article in articles.items()}
    met = every[np.isin(every[:, 1], np.array(list(rows), np.int64)) & ~np.isin(every[:, 0], dead)]
    followers = read(met[:, 0].tolist())
    both = [(rows[key], row) for row, key in met.tolist() if row in followers]
    return [(row, before) for row, before in both if before < row and origin_of(followers[before]) == articles[row].id]
