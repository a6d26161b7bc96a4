"""The parameters of BM25F that an archive may set."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from search.errors import UsageError
from search.keyword.analysis import SUBFIELDS

MOST = 1_000_000_000
"""Beyond, sums of float32 end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25Settings:
    """Parameters of the scores by words: of BM25F ``k1`` >= 0, ``b`` in 0..1 and the weight of each sub-field, >= 0;
    ``near`` >= 0 is the weight of words that stand near each other, ``exact`` >= 0 that of words in the form that is
    asked for, beside 1 for their stems.

    The defaults are the best of a grid in nDCG@10 of hybrid: 0.7455 on SciFact and 0.9614 on the sample archive, where
    k1 1.2, b 0.75, title 2 has 0.7388 and 0.9592, and k1 0.9, b 0.5, title 2 has 0.7434 and 0.9609. ``exact``, a
    quarter of the score where all words are as typed, was not searched for; with it hybrid has 0.744 on SciFact.
    """

    k1: float = 0.9
    b: float = 0.75
    title: float = 3.0
    caption: float = 1.0
    dateline: float = 1.0
    byline: float = 1.0
    text: float = 1.0
    near: float = 0.2
    exact: float = 0.33

    def __post_init__(self) -> None:
        values = (self.k1, self.b, *map(self.__getattribute__, SUBFIELDS))
        numbers = (isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v <= MOST for v in values)
        if not all(numbers) or self.b > 1:
            raise UsageError(f"BM25 settings must be numbers from 0 to {MOST:,}, and b at most 1, not {asdict(self)}")

    def weights(self) -> tuple[float, ...]:
        """The weights in the order of SUBFIELDS."""
        return tuple(float(getattr(self, name)) for name in SUBFIELDS)
