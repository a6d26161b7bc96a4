"""Choosing passages within a budget: coverage of the parts, variety of articles, nothing twice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from search import deadline
from search.query.fields import value_key
from search.records import Article

SHINGLE = 4  # words
COPY = 0.6  # share of the shorter text's shingles that the other has
_WORD = re.compile(r"\w+")
_WORDS = 0.3  # weight of the question's words against relevance


@dataclass(slots=True, eq=False)
class Candidate:
    """A stretch of an article that may go into a context: offsets, what it is worth to each part, its cost in tokens.

    ``whole`` is what of a passage ``start`` and ``end`` were narrowed from. ``words`` are the stems of the question
    that it holds. ``story``: the ids of the copies of its article; ``copies`` those of other articles that carry the
    stretch itself. ``left_out``: what its article's source prints under many articles, which is no part of any stretch.
    """

    article: Article
    start: int
    end: int
    whole: tuple[int, int]
    score: float
    worth: dict[int, float]
    words: frozenset[str]
    shingles: frozenset[int]
    cost: int = 0
    copies: tuple[str, ...] = ()
    story: frozenset[str] = frozenset()
    left_out: Sequence[tuple[int, int]] = ()

    @property
    def text(self) -> str:
        """What would be quoted."""
        return self.article.text[self.start : self.end]

    @property
    def outlet(self) -> str:
        """What its source's name folds to; empty for none."""
        return value_key(self.article.source) or self.article.source.strip()

    @property
    def most_worth(self) -> float:
        """What it is worth to the part that it is worth most to."""
        return max(self.worth.values())


def shingles(words: Sequence[str]) -> frozenset[int]:
    """Hashes of each run of four words; of all the words, where there are fewer. Equal only within a process."""
    if len(words) <= SHINGLE:
        return frozenset({hash(tuple(words))}) if words else frozenset()
    return frozenset(map(hash, zip(*(words[start:] for start in range(SHINGLE)), strict=False)))


def shingles_of(text: str) -> frozenset[int]:
    """The same of a text's words."""
    return shingles(_WORD.findall(text.casefold()))


def same_text(first: frozenset[int], second: frozenset[int]) -> bool:
    """Whether most of the shorter text stands in the other."""
    least = min(len(first), len(second))
    return least > 0 and len(first & second) >= COPY * least


def without_copies(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, best first, without those whose text an earlier one of another article carries; that one has
    their articles' ids in ``copies``."""
    kept: list[Candidate] = []
    holders: dict[int, list[int]] = {}  # of each shingle, the kept candidates that have it
    for candidate in candidates:
        deadline.check()
        common = Counter(chain.from_iterable(holders.get(one, ()) for one in candidate.shingles))
        for other in (kept[number] for number in sorted(common)):
            if other.article.id != candidate.article.id and same_text(candidate.shingles, other.shingles):
                if candidate.article.id not in other.copies:
                    other.copies += (candidate.article.id,)
                for part, worth in candidate.worth.items():  # what a copy is worth, its twin is
                    other.worth[part] = max(worth, other.worth.get(part, 0.0))
                break
        else:
            for one in candidate.shingles:
                holders.setdefault(one, []).append(len(kept))
            kept.append(candidate)
    return kept


def choose(candidates: Sequence[Candidate], budget: int, most: int | None = None) -> list[Candidate]:
    """Candidates worth most together within ``budget``, of ``most`` articles of each source (None: any number), in the
    order taken.

    Maximises f(S) = sum over parts and articles of sqrt(worth of the article's stretches) + 0.3 x the share of the
    question's words held, a monotone submodular function (a second stretch of an article adds less than the first of
    another), by greedy choice of the best gain per square root of its tokens, against the best single stretch: Lin &
    Bilmes, "Multi-document summarization via budgeted maximization of submodular functions" (2010, the scaled cost) and
    "A class of submodular functions for document summarization" (2011, the root over clusters). Ties: the earlier one.
    """
    wanted = frozenset().union(*(candidate.words for candidate in candidates)) if candidates else frozenset()
    sums: dict[tuple[int, str], float] = {}
    covered: set[str] = set()
    chosen: list[Candidate] = []
    left = budget
    rest = [candidate for candidate in candidates if candidate.cost <= budget]
    of_source: dict[str, set[str]] = {}

    def gain(candidate: Candidate) -> float:
        total = 0.0
        for part, worth in candidate.worth.items():
            before = sums.get((part, candidate.article.id), 0.0)
            total += math.sqrt(before + worth) - math.sqrt(before)
        if wanted:
            total += _WORDS * len(candidate.words - covered) / len(wanted)
        return total

    best_alone = max(rest, key=gain, default=None)
    alone = 0.0 if best_alone is None else gain(best_alone)
    together = 0.0
    while rest:
        deadline.check()
        heads: dict[str, Candidate] = {}
        for candidate in rest:  # of each article its best stretch comes first: a shorter one may miss the point
            heads.setdefault(candidate.article.id, candidate)
        best = max(heads.values(), key=lambda candidate: gain(candidate) / math.sqrt(max(candidate.cost, 1)))
        added = gain(best)
        if added <= 0:
            break
        together += added
        chosen.append(best)
        left -= best.cost
        covered |= best.words
        for part, worth in best.worth.items():
            sums[part, best.article.id] = sums.get((part, best.article.id), 0.0) + worth
        rest = [candidate for candidate in rest if candidate is not best and candidate.cost <= left]
        if most is not None and best.outlet:
            taken = of_source.setdefault(best.outlet, set())
            taken.add(best.article.id)
            rest = [one for one in rest if one.outlet != best.outlet or one.article.id in taken or len(taken) < most]
    return [best_alone] if best_alone is not None and alone > together else chosen


def narrow(spans: Sequence[tuple[int, int]], places: Sequence[tuple[int, str]], most: int) -> tuple[int, int]:
    """The run of whole sentences, of at most ``most`` characters where one is not longer, that holds most of the
    different stems asked about; the first of equals. ``places`` are (offset, stem). Without any, all of them."""
    if not places or spans[-1][1] - spans[0][0] <= most:
        return spans[0][0], spans[-1][1]
    best, most_held = (spans[0][0], spans[0][1]), -1
    for i, (start, end) in enumerate(spans):
        for _, next_end in spans[i + 1 :]:
            if next_end - start > most:
                break
            end = next_end
        held = len({stem for place, stem in places if start <= place < end})
        if held > most_held:
            best, most_held = (start, end), held
    return best
