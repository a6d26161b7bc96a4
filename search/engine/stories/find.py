"""Which earlier articles new ones are copies of: candidates by fingerprints, decided by the texts.

Whether two articles are copies depends on nothing but the two of them and the window, so the links are the same
whatever the order in which articles came. Three bounds keep the cost of an article from growing with the archive; only
where they are reached may the order make a difference: a stretch that more than ``COMMON`` articles share says nothing,
of equal texts ``EQUAL`` are linked to, and ``MOST`` candidates of an article are compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.engine.stories.part import Prints, Rows
from search.records import Article
from search.storage.columns import MISSING_DAY
from search.text.copies.fingerprints import SHINGLE
from search.text.copies.pairs import FURNITURE, Side, are_copies

COMMON = 1000
EQUAL = 32
MOST = 64
LIKELY = 0.3
"""Share of the fingerprints of the shorter text that two articles must have in common, so that they are compared."""
AT_ONCE = 200  # articles of one look-up in the catalog

Read = Callable[[list[int]], Mapping[int, Article]]
"""Gives the articles of some catalog rows, as far as there are records of them."""


class Pairs(NamedTuple):
    """Articles to be compared: int64[p] their places among the new ones, the rows of others, and how much they share
    (the more, the likelier); ``equal`` bool[p], whether all words are the same."""

    places: Rows
    rows: Rows
    shared: Rows
    equal: NDArray[np.bool_]

    def take(self, which: NDArray[Any]) -> Pairs:
        """Some of the pairs, by places or as a mask."""
        return Pairs(self.places[which], self.rows[which], self.shared[which], self.equal[which])


def links(
    new: Prints, articles: Mapping[int, Article], others: Sequence[Prints], dead: Rows, window: int, read: Read
) -> Rows:
    """int64[m, 2]: row of a new article, and of a live one that came before it and of which it is a copy.

    ``articles`` are the new ones by row, as far as they are at hand; ``others`` the parts of earlier ones; ``dead`` the
    rows of those that are there no more, ascending; ``window`` the days that may lie between two copies.
    """
    pairs = _likeliest(_candidates(new, [*others, new], window), dead)
    sure = pairs.equal & (new.words[pairs.places] >= FURNITURE)
    rows = new.rows[pairs.places]
    linked = [np.column_stack((rows[sure], pairs.rows[sure]))]
    if not sure.all():
        asked = np.column_stack((rows[~sure], pairs.rows[~sure]))
        linked.append(asked[_compared(asked, articles, read)])
    every = np.concatenate(linked)
    return every[np.lexsort((every[:, 1], every[:, 0]))]


def _candidates(new: Prints, parts: Sequence[Prints], window: int) -> Pairs:
    """The pairs that are worth a comparison; the last of the parts are the new articles themselves."""
    days = new.days[new.days != MISSING_DAY]
    reach = (int(days.min()) - window, int(days.max()) + window) if len(days) else (0, 0)
    all_dated = len(days) == len(new.days)
    met = [part for part in parts if not all_dated or _reaches(part, reach)]
    spans = [_span(part.values, new.values) for part in met]
    common = sum((counts for _, counts in spans), np.zeros(len(new.values), np.int64)) > COMMON
    found = [
        _shared(new, part, *span, common, window, part is parts[-1]) for part, span in zip(met, spans, strict=True)
    ]
    places, rows, shared, equal = (np.concatenate([one[i] for one in found]) for i in range(4))
    return Pairs(places, rows, shared, equal)


def _reaches(part: Prints, reach: tuple[int, int]) -> bool:
    """Has a part articles of these days, or some without a date?"""
    return bool(((part.days == MISSING_DAY) | ((part.days >= reach[0]) & (part.days <= reach[1]))).any())


def _span(values: NDArray[np.generic], sought: NDArray[np.generic]) -> tuple[Rows, Rows]:
    """Where each of some values begins among sorted ones, and how often it is there."""
    first = np.searchsorted(values, sought)
    counts = np.zeros(len(first), np.int64)
    there = np.flatnonzero(first < len(values))
    there = there[values[first[there]] == sought[there]]
    counts[there] = np.searchsorted(values, sought[there], side="right") - first[there]
    return first, counts


def _shared(
    new: Prints, part: Prints, first: Rows, counts: Rows, common: NDArray[np.bool_], window: int, itself: bool
) -> Pairs:
    """The pairs with articles of one part."""
    counts = np.where(common, 0, counts)
    places = np.repeat(new.owners, counts).astype(np.int64)
    owners = part.owners[_ranges(first, counts)].astype(np.int64)
    told = np.flatnonzero(new.digests)
    begin, same = _span(part.in_order, new.digests[told])
    last = np.minimum(same, EQUAL) if not itself else same
    places = np.concatenate((places, np.repeat(told, last)))
    owners = np.concatenate((owners, part.by_digest[_ranges(begin, last)].astype(np.int64)))
    if itself:
        earlier = owners < places
        places, owners = places[earlier], owners[earlier]
    near = _near(new.days[places], part.days[owners], window)
    keys, shared = np.unique(places[near] << 32 | owners[near], return_counts=True)
    places, owners = keys >> 32, keys & 0xFFFFFFFF
    below = np.minimum(new.below[places], part.below[owners]).astype(np.float64)
    shorter = np.minimum(new.words[places], part.words[owners]).astype(np.float64)
    expected = np.maximum(shorter - SHINGLE + 1, 0.0) * (below + 1) / (1 << 32)
    equal = new.digests[places] == part.digests[owners]
    likely = equal | ((shared >= 2) & (shared >= LIKELY * expected))
    return Pairs(places[likely], part.rows[owners[likely]], shared[likely], equal[likely])


def _near(one: NDArray[np.int32], other: NDArray[np.int32], window: int) -> NDArray[np.bool_]:
    """Whether days lie within the window; one that is not known lies in every one."""
    unknown = (one == MISSING_DAY) | (other == MISSING_DAY)
    near: NDArray[np.bool_] = unknown | (np.abs(one.astype(np.int64) - other) <= window)
    return near


def _ranges(first: Rows, counts: Rows) -> Rows:
    """``first[i], first[i] + 1, ...``, ``counts[i]`` of each."""
    ends = np.cumsum(counts)
    found: Rows = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
    return found


def _likeliest(pairs: Pairs, dead: Rows) -> Pairs:
    """The pairs with live articles, of each new one those that share most."""
    if len(dead) and len(pairs.rows):
        at = np.minimum(np.searchsorted(dead, pairs.rows), len(dead) - 1)
        pairs = pairs.take(dead[at] != pairs.rows)
    order = np.lexsort((-pairs.rows, -pairs.shared, ~pairs.equal, pairs.places))
    places = pairs.places[order]
    rank = np.arange(len(places)) - np.searchsorted(places, places)
    return pairs.take(order[rank < MOST])


def _compared(asked: Rows, articles: Mapping[int, Article], read: Read) -> NDArray[np.bool_]:
    """bool[p]: which pairs of rows are copies, by their texts."""
    copies = np.zeros(len(asked), np.bool_)
    order = np.lexsort((asked[:, 0], asked[:, 1]))
    own: dict[int, Side] = {}
    for start in range(0, len(order), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        missing = sorted({int(row) for row in asked[order[some]].ravel()} - articles.keys())
        others = read(missing)
        sides: dict[int, Side] = {}
        for place in order[some].tolist():
            both = []
            for row in asked[place].tolist():
                kept = own if row in articles else sides
                article = articles.get(row) or others.get(row)
                if article is not None:
                    both.append(kept.setdefault(row, Side(article.title, article.text, article.source)))
            copies[place] = len(both) == 2 and are_copies(*both)
    return copies
