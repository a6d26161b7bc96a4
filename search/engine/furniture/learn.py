"""What is furniture: a sentence that recurs under many articles of one source, whatever they are about.

Counted are stories of one source, so that copies and updates of an article are one. A background paragraph recurs too,
and so do stock phrases, names and quotations; furniture is told from them by where it stands, how often, for how long,
and by the titles above it, which share no word. What is not sure is no furniture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.storage.columns import MISSING_DAY
from search.text.copies import words
from search.text.copies.words import Hashes, mixed
from search.text.furniture import EDGE, LABEL

SOURCE = 20
"""Stories of a source below which nothing of it is learned."""
LEAST = 5
"""Stories that a sentence stands in, and days that these are of, at the least."""
SPAN = 30
"""Days between the first and the last of them."""
AT_EDGES = 0.8
"""Share of its places that are at the beginning or the end of a text; ``RARE`` is then enough of the source's stories
of that time. A stock phrase ("no one was hurt") is rarer, and a speaker's name in a transcript stands all over it."""
RARE = 0.005
INSIDE, INSIDE_DAYS, OFTEN = 20, 10, 0.02
"""Stories, their days and their share of the source's of that time, for what stands anywhere."""
EVERYWHERE, EVERYWHERE_DAYS = 1 / 3, 3
"""Share, with ``INSIDE`` stories, from which a label is furniture, too, and what has no dates or recurs for a shorter
time."""
ABOUT = 0.5
"""Share of these stories whose titles have one word in common, where it is more than by chance: they are about
something, and the sentence may be."""
TITLE = 256
"""Bits for the words of a title."""

Integers = NDArray[np.int64]


class Articles(NamedTuple):
    """What n articles are to what stands in them: ``sources`` int64[n] numbers of their sources, -1 for one that does
    not count, ``days`` int64[n], ``stories`` int64[n], equal for copies."""

    sources: Integers
    days: Integers
    stories: Integers


class Block(NamedTuple):
    """Where sentences stand. ``values`` uint64[s], ascending, with the article of each, ``owners`` int64[s], ascending
    where values are the same, and its place there: see ``packed``."""

    values: Hashes
    owners: Integers
    places: Hashes


def packed(starts: Integers, ends: Integers, flags: NDArray[np.uint8]) -> Hashes:
    """uint64[s]: places in a text, and what is said of them, ascending as the starts do."""
    both = (starts << 24) | ((ends - starts) << 8) | flags
    return both.astype(np.uint64)


def unpacked(places: Hashes) -> tuple[Integers, Integers, Integers]:
    """Starts, ends and flags."""
    every = places.astype(np.int64)
    starts = every >> 24
    return starts, starts + ((every >> 8) & 0xFFFF), every & 0xFF


def title_bits(titles: Iterable[str]) -> NDArray[np.uint8]:
    """uint8[n, TITLE / 8]: a bit for each word of each title."""
    texts = list(titles)
    bits = np.zeros((len(texts), TITLE), np.bool_)
    done = 0
    for hashes, bounds in words.each(texts):
        owners = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)) + done
        bits[owners, (hashes >> np.uint64(56)).astype(np.int64)] = True
        done += len(bounds) - 1
    return np.packbits(bits, axis=1)


def keys(numbers: Hashes, sources: Hashes) -> Hashes:
    """uint64[s]: what tells sentences of one source from all others. ``sources``: a number for each one's source."""
    return mixed(numbers ^ sources)


def learned(blocks: Iterable[Block], articles: Articles, titles: NDArray[np.uint8]) -> Hashes:
    """uint64[k], ascending: the values that are furniture. All that has one value is in one block. ``titles`` uint8[n,
    TITLE / 8]: bits for the words of the articles' titles."""
    press = _Press(articles, titles)
    found: list[int] = []
    for block in blocks:
        if not len(block.values):
            continue
        starts = np.flatnonzero(np.append(True, block.values[1:] != block.values[:-1]))
        ends = np.append(starts[1:], len(block.values))
        for start, end in zip(*(a[ends - starts >= LEAST].tolist() for a in (starts, ends)), strict=True):
            if press.is_furniture(block.owners[start:end], block.places[start:end]):
                found.append(int(block.values[start]))
    return np.array(found, np.uint64)


class _Outlet(NamedTuple):
    """A source: how many ``stories`` it has, the ``days`` of those with a date, ascending, and the ``share`` of their
    titles that each bit is set in."""

    stories: int
    days: Integers
    share: NDArray[np.float64]


class _Press:
    """All sources of some articles."""

    def __init__(self, articles: Articles, titles: NDArray[np.uint8]) -> None:
        self._articles, self._titles = articles, titles
        # Of the copies of a story in one source the earliest stands for it, whichever came first.
        rank = np.lexsort((*np.ascontiguousarray(titles).view(np.uint64).T, articles.days))
        self._rank = np.empty(len(rank), np.int64)
        self._rank[rank] = np.arange(len(rank))
        self._order = np.argsort(articles.sources, kind="stable")
        self._sorted = articles.sources[self._order]
        self._outlets: dict[int, _Outlet] = {}

    def _outlet(self, source: int) -> _Outlet:
        if source not in self._outlets:
            first, last = np.searchsorted(self._sorted, [source, source + 1])
            own = self._one_of_each(self._order[first:last])
            days = self._articles.days[own]
            bits = np.zeros(TITLE)
            for start in range(0, len(own), 10_000):
                bits += np.unpackbits(self._titles[own[start : start + 10_000]], axis=1).sum(axis=0)
            self._outlets[source] = _Outlet(len(own), np.sort(days[days != MISSING_DAY]), bits / max(len(own), 1))
        return self._outlets[source]

    def _one_of_each(self, articles: Integers) -> Integers:
        """The earliest article of each story."""
        articles = articles[np.argsort(self._rank[articles])]
        _, first = np.unique(self._articles.stories[articles], return_index=True)
        return articles[first]

    def is_furniture(self, owners: Integers, places: Hashes) -> bool:
        """Whether a sentence that stands in these articles of one source, ascending, is."""
        counted = self._articles.sources[owners] >= 0
        owners, places = owners[counted], places[counted]
        carriers = self._one_of_each(owners)
        count = len(carriers)
        if count < LEAST:
            return False
        outlet = self._outlet(int(self._articles.sources[carriers[0]]))
        if outlet.stories < SOURCE:
            return False
        dated = self._articles.days[carriers]
        dated = dated[dated != MISSING_DAY]
        days, span, share = len(np.unique(dated)), 0, count / outlet.stories
        if 2 * len(dated) >= count:
            first_day, last_day = int(dated.min()), int(dated.max())
            since, until = np.searchsorted(outlet.days, [first_day, last_day + 1])
            span, share = last_day - first_day, len(dated) / int(until - since)
        everywhere = count >= INSIDE and share >= EVERYWHERE and (days >= EVERYWHERE_DAYS or 2 * len(dated) < count)
        if not everywhere:
            label, edge = (np.count_nonzero(places & np.uint64(flag)) / len(places) for flag in (LABEL, EDGE))
            enough = edge >= AT_EDGES and days >= LEAST and share >= RARE
            enough = enough or (count >= INSIDE and days >= INSIDE_DAYS and share >= OFTEN)
            if label >= 0.5 or span < SPAN or not enough:
                return False
        return not self._about_something(carriers, outlet)

    def _about_something(self, carriers: Integers, outlet: _Outlet) -> bool:
        """Whether the titles of articles share a word, more than those of the source do anyway (by three standard
        deviations of a binomial distribution)."""
        count = len(carriers)
        held = np.unpackbits(self._titles[carriers], axis=1).sum(axis=0)
        expected = count * outlet.share
        chance = expected + 3 * np.sqrt(expected * (1 - outlet.share)) + 1
        return bool(((held > ABOUT * count) & (held > chance)).any())
