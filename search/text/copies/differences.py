"""What one text has that another has not, by sentences, and how much of either stands in the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from search.text.copies.alignment import align
from search.text.copies.words import LONGEST, digest, words
from search.text.sentences import lay_out

LIKE = 0.5
"""Share of the words of the shorter of two sentences, and of the longer one's half as much, that makes the one a
changed form of the other."""
USUAL = 50
"""Sentences that have a word, beyond which it finds none of them."""


class Difference(NamedTuple):
    """A sentence that is cut (``after`` is empty), added (``before`` is), or changed."""

    before: str
    after: str


class Differences(NamedTuple):
    """``kept``: the share of the words of the first text that stand in the second, in stretches of some length;
    ``common``: of the second's that stand in the first; 0 to 1. ``sentences`` that differ, in reading order."""

    kept: float
    common: float
    sentences: tuple[Difference, ...]


class _Sentence(NamedTuple):
    text: str
    key: int
    words: Counter[int]


def differences(before: str, after: str) -> Differences:
    """How a text differs from an earlier one. Sentences are the same by their words, wherever they stand; one that is
    there in other words for the most part is changed. Of very long texts the beginning is compared."""
    before, after = before[:LONGEST], after[:LONGEST]
    first, second = words(before), words(after)
    if digest(first.hashes) == digest(second.hashes) and len(first) == len(second):
        return Differences(1.0, 1.0, ())
    met = align(first, second)
    kept = float(met.one.mean()) if len(first) else 0.0
    common = float(met.other.mean()) if len(second) else 0.0
    return Differences(kept, common, _sentences(_read(before), _read(after)))


def _read(text: str) -> list[_Sentence]:
    layout = lay_out(text)
    found = []
    for start, end in zip(layout.starts, layout.ends, strict=True):
        hashes = words(text[start:end]).hashes
        if len(hashes):  # what has no word is a rule or an ornament
            found.append(_Sentence(" ".join(text[start:end].split()), digest(hashes), Counter(hashes.tolist())))
    return found


def _sentences(before: Sequence[_Sentence], after: Sequence[_Sentence]) -> tuple[Difference, ...]:
    places: dict[int, list[int]] = defaultdict(list)
    for place in range(len(before) - 1, -1, -1):
        places[before[place].key].append(place)
    partner: dict[int, int] = {}  # of a place after, that before
    for place, one in enumerate(after):
        if places.get(one.key):
            partner[place] = places[one.key].pop()
    met = set(partner.values())
    gone = [place for place in range(len(before)) if place not in met]
    new = [place for place in range(len(after)) if place not in partner]
    changed = _changed(before, after, gone, new)
    partner |= changed
    met |= set(changed.values())
    anchors = sorted(partner)
    shown: list[tuple[tuple[int, int, int], Difference]] = []
    for place in gone:
        if place not in met:
            shown.append(((place, 0, place), Difference(before[place].text, "")))
    for place in new:
        if place in changed:
            shown.append(((changed[place], 1, place), Difference(before[changed[place]].text, after[place].text)))
            continue
        ahead = bisect_right(anchors, place) - 1  # it stands behind the last sentence before it that both have
        behind = partner[anchors[ahead]] if ahead >= 0 else -1
        shown.append(((behind, 2, place), Difference("", after[place].text)))
    return tuple(difference for _, difference in sorted(shown, key=lambda one: one[0]))


def _changed(
    before: Sequence[_Sentence], after: Sequence[_Sentence], gone: Sequence[int], new: Sequence[int]
) -> dict[int, int]:
    """Of sentences after those that are changed forms of sentences before, each of at most one; the likest first."""
    having: dict[int, list[int]] = defaultdict(list)
    for place in gone:
        for word in before[place].words:
            having[word].append(place)
    likest = []
    for place in new:
        own = after[place].words
        near = {old for word in own if len(having.get(word, ())) <= USUAL for old in having.get(word, ())}
        for old in near:
            shared = (own & before[old].words).total()
            shorter, longer = sorted((own.total(), before[old].words.total()))
            if shared >= LIKE * shorter and shared >= LIKE / 2 * longer:
                likest.append((-2 * shared / (shorter + longer), abs(old - place), place, old))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, place, old in sorted(likest):
        if place not in found and old not in taken:
            found[place] = old
            taken.add(old)
    return found
