"""What a search asks of its two legs. The engines keep these contracts; so can any other engine that takes their place.

Ordinals are int64 and number a commit's articles, hidden ones included. A mask is bool[N] over all of them. Scores are
float32, and the same for an article wherever they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.keyword.sentences import Sentences
from search.keyword.tree import Expanded, Node

Ordinals = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


class Leg(Protocol):
    """Articles by their words, as a reader sees them who sees some articles only: statistics count just these."""

    def match(self, tree: Node) -> Mask:
        """The visible articles that meet a condition. Raises QueryError for one that cannot be answered."""

    def match_words(self, words: Sequence[str]) -> Mask:
        """The visible articles that have all the words."""

    def rank(
        self, words: Sequence[str | Expanded], mask: Mask | None, groups: Ordinals | None, depth: int
    ) -> tuple[Ordinals, Floats]:
        """The best ``depth`` articles under the mask (of each group the best) and their scores above 0, descending."""

    def score(self, words: Sequence[str | Expanded], ordinals: Ordinals) -> Floats:
        """The score of each of the articles, 0 for one without any of the words."""

    def most_beyond(self, words: Sequence[str | Expanded], last: float) -> float:
        """The most that an article can score that is not in a ranking whose last has the score ``last``."""

    def explain(self, words: Sequence[str | Expanded], ordinal: int) -> dict[str, list[dict[str, Any]]]:
        """The parts of an article's score by kind, as plain values; their ``contribution`` add up to it."""

    def lacks(self, word: str) -> bool:
        """Whether none of the visible articles has a word of a query."""

    def sentences(self, words: Sequence[str], ordinals: Ordinals) -> list[Sentences | None]:
        """The sentences of each of the articles, and where the words stand in them; None where that is not known."""

    def frequencies(self, terms: Sequence[str]) -> Ordinals:
        """int64: how many visible articles have each of some terms, as an analysed text has them."""

    def shares(self, words: Sequence[str], ordinals: Ordinals) -> Floats:
        """float32[len(ordinals), t]: what each of the words' terms that some article has adds to each article's
        score, pairs of near words aside; the rarest term first."""

    def suggest(self, word: str) -> str | None:
        """A likelier spelling of a word that no visible article has."""

    def usual(self, word: str) -> tuple[int, str, int] | None:
        """Of a word that hardly any visible article has: how many have it, a likelier spelling, and how many have
        that, far more; None for any other word."""


class VectorLeg(Protocol):
    """Articles by the meaning of their best passage and their first, beside a query's vector, float32[d] of norm 1."""

    @property
    def count(self) -> int:
        """The number of passages, those of dead articles counted."""

    def prepare(self) -> None:
        """Load what the first ranking needs, while something else is waited for."""

    def rank(
        self, vector: Floats, mask: Mask | None, groups: Ordinals | None, depth: int, reach: int = 0
    ) -> tuple[Ordinals, Floats]:
        """The best ``depth`` articles under the mask (of each group the best) and their scores, descending. With
        ``reach`` the answer begins as that of this greater depth would."""

    def score(self, vector: Floats, ordinals: Ordinals) -> Floats:
        """The score of each of the articles, 0 for one without passages."""

    def explain(self, vector: Floats, ordinal: int) -> dict[str, float]:
        """What an article's score is made of, as plain values."""

    def best_passages(self, vector: Floats, ordinals: Ordinals, n: int) -> list[list[tuple[int, int, float]]]:
        """For each article its ``n`` best passages as (start, end, cosine), best first."""

    def passages(self, ordinals: Ordinals) -> list[list[tuple[int, int]]]:
        """For each article its passages as (start, end), in reading order."""

    def centre(self, ordinal: int) -> Floats | None:
        """float32[d], of norm 1: the mean of the vectors of an article's passages; None without any."""

    def representatives(self, vector: Floats, ordinals: Ordinals) -> Floats:
        """float32[len(ordinals), d]: the vector of each article's best passage."""
