"""Whether two articles are copies of one text. It is asked of two at a time, and the same for both orders."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.text.copies.alignment import Alignment, align
from search.text.copies.fingerprints import FEW
from search.text.copies.words import Words, digest, words

FEW_SHARED, MOST_OF_IT = 60, 0.9
"""So few words in common must be this share of the shorter text: what independent reports quote, what a series repeats
and what is printed under many articles is no more than that."""
MANY_SHARED, HALF_OF_IT = 320, 0.5
"""From so many words on, this share is enough; between both it is proportionate."""
SAME_SOURCE = 0.15
"""So much more must be in common in one source, which prints lists and galleries around all that it has on a matter."""
LONG = 200
"""Words in common from which on a text may begin otherwise, or be a lesser part of a longer one."""
ITEM, LONG_ITEM = 0.5, 0.4
"""Less than this share of the longer text may be one item of a digest, unless both begin alike; the second for many
words in common."""
BEGINNING, LONG_BEGINNING = 40, 200
"""Words of a text's beginning; half of them make it the same. The second where many words are in common: a later
version may begin anew."""
CHANGED = 0.25
"""Of the words from the first stretch to the last those that stand in the place of others: more are a form filled in
anew."""
FURNITURE = 120
"""Words up to which an equal text under another title in the same source may be what it prints under everything."""


class Side:
    """One of the two articles, read as far as it is asked about."""

    def __init__(self, title: str, text: str, source: str = "") -> None:
        self.source = source
        self._title, self._text = title, text

    @cached_property
    def words(self) -> Words:
        """The words of the text."""
        return words(self._text)

    @cached_property
    def title(self) -> frozenset[int]:
        """The words of the title."""
        return frozenset(words(self._title).hashes.tolist())


def are_copies(one: Side, other: Side) -> bool:
    """Whether most of one text stands in the other, and stands for it."""
    if min(len(one.words), len(other.words)) < FEW:
        return one.title == other.title and np.array_equal(one.words.hashes, other.words.hashes)
    if (len(one.words), digest(one.words.hashes)) > (len(other.words), digest(other.words.hashes)):
        one, other = other, one
    return decided(one, other, align(one.words, other.words))


def decided(one: Side, other: Side, found: Alignment) -> bool:
    """The same of texts that are long enough, from what they have in common."""
    shared = min(int(found.one.sum()), int(found.other.sum()))
    shorter, longer = sorted((len(one.words), len(other.words)))
    extent = shared + found.changed
    needed = _needed(shared) + (SAME_SOURCE if one.source == other.source else 0.0)
    if extent < min(needed, MOST_OF_IT) * shorter or found.changed > CHANGED * extent:
        return False
    many = shared >= LONG
    ahead = sorted((_share(found.one[:BEGINNING]), _share(found.other[:BEGINNING])))
    early = max(_share(found.one[:LONG_BEGINNING]), _share(found.other[:LONG_BEGINNING])) if many else 0.0
    if max(ahead[1], early) < 0.5:  # what stands under both: a footer, a biography, the captions of a gallery
        return False
    if ahead[0] < 0.5 and shared < (LONG_ITEM if many else ITEM) * longer:
        return False
    numbers = min(int(one.words.numeric[found.one].sum()), int(other.words.numeric[found.other].sum()))
    if found.facts > max(
        3 if many else 1, numbers
    ):  # most numbers are others: a table, a forecast, a market of another day
        return False
    another = one.source == other.source and one.title != other.title and not one.title & other.title
    return not (another and shorter < FURNITURE)


def _needed(shared: int) -> float:
    """The share of the shorter text that so many words in common must be."""
    way = min(max((shared - FEW_SHARED) / (MANY_SHARED - FEW_SHARED), 0.0), 1.0)
    return MOST_OF_IT + way * (HALF_OF_IT - MOST_OF_IT)


def _share(covered: NDArray[np.bool_]) -> float:
    return float(covered.mean()) if len(covered) else 0.0
