"""A hybrid first page is the same whether both legs score the whole pool or only what may come to it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engine import rank as relevance
from search.engine.plan import Plan
from search.engine.rank import POOL, by_relevance
from search.engine.request import Request
from search.engine.view import Scope
from search.query import ParsedQuery
from search.records import Fusion, Mode

ARTICLES = 3000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Leg:
    """A leg that knows each article's score; ``rank`` gives those above ``floor``."""

    def __init__(self, scores: np.ndarray, floor: float) -> None:
        self.scores = scores.astype(np.float32)
        self.floor = floor
        self.asked = 0

    def rank(
        self, query: Any, mask: np.ndarray, groups: None, depth: int, reach: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        found = np.flatnonzero(mask & (self.scores > self.floor))
        found = found[np.lexsort((found, -self.scores[found]))][:depth]
        self.asked += len(found)
        return found, self.scores[found]

    def score(self, query: Any, ordinals: np.ndarray) -> np.ndarray:
        self.asked += len(ordinals)
        return self.scores[ordinals]

    def representatives(self, query: Any, ordinals: np.ndarray) -> np.ndarray:
        vectors = np.random.default_rng(0).normal(size=(ARTICLES, 8))[ordinals]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Words(Leg):
    """A leg that puts the best of a pool in order by what some articles have beyond what they were chosen by."""

    def __init__(self, scores: np.ndarray, more: np.ndarray) -> None:
        super().__init__(scores, 0.0)
        self.more = np.where(self.scores > 0, more, 0).astype(np.float32)

    def rank(
        self, query: Any, mask: np.ndarray, groups: None, depth: int, reach: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        found, scores = super().rank(query, mask, groups, depth)
        scores = scores + self.more[found]
        order = np.lexsort((found, -scores))
        return found[order], scores[order]

    def score(self, query: Any, ordinals: np.ndarray) -> np.ndarray:
        return super().score(query, ordinals) + self.more[ordinals]

    def most_beyond(self, query: Any, last: float) -> float:
        return last + float(self.more.max())


def answer(
    seed: int, share: float, mode: Mode = Mode.HYBRID, spread: float = 0.1, more: float = 0.0, **asked: Any
) -> tuple[list[tuple[int, float]], Leg]:
    """Ordinals and scores of the page, and the vector leg, whose cosines tie where they hardly differ."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=ARTICLES)
    words = np.where(rng.random(ARTICLES) < share, 3 + common + rng.normal(size=ARTICLES), 0.0)
    beyond = more * np.maximum(rng.normal(size=ARTICLES), 0.0)
    meaning = Leg(np.clip(0.2 + spread * (common + rng.normal(size=ARTICLES)), -1, 1), -2.0)
    published = rng.integers(0, int(NOW.timestamp() * 1e6), ARTICLES)
    columns = SimpleNamespace(published=published, ids=lambda found: [f"{number:05}" for number in found])
    every = np.ones(ARTICLES, np.bool_)
    view = SimpleNamespace(columns=columns, vectors=meaning, encoded=lambda text: np.zeros(4, np.float32))
    query = ParsedQuery("word", None, ("word",), ("word",), "word")
    plan = Plan(
        request=Request(query="word", **{"weight": 0.5, **asked}),
        query=query,
        mode=mode,
        as_of=None,
        now=NOW,
        began=0.0,
    )
    scope = Scope(every, every, every, ARTICLES, Words(np.maximum(words, 0.0), beyond))  # type: ignore[arg-type]
    ranked = by_relevance(view, plan, scope)  # type: ignore[arg-type]
    assert ranked.fused is not None
    page = slice(asked.get("offset", 0), asked.get("offset", 0) + asked["limit"])
    scores = ranked.fused.scores[ranked.positions[page]]
    return list(zip(ranked.ordinals[page].tolist(), scores.tolist(), strict=True)), meaning


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.01, 0.2, 0.8]),
    limit=st.integers(1, 50),
    weight=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    fusion=st.sampled_from(list(Fusion)),
    recency=st.sampled_from([None, "3000d"]),
    mode=st.sampled_from([Mode.HYBRID, Mode.HYBRID, Mode.VECTOR]),
    spread=st.sampled_from([0.0, 1e-6, 0.1]),
    more=st.sampled_from([0.0, 0.5, 5.0]),
)
def test_the_front_is_that_of_the_whole_pool(seed, share, limit, weight, fusion, recency, mode, spread, more):
    asked = {"limit": limit, "weight": weight, "fusion": fusion, "recency": recency, "spread": spread, "more": more}
    front, _ = answer(seed, share, mode, **asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relevance, "FRONT", 0)
        whole, _ = answer(seed, share, mode, **asked)
    assert front == whole
    assert len(front) == limit


def test_a_front_of_copies_is_ordered_by_date_among_all_copies_in_the_pool():
    """None of 3,000 is nearer than another: the newest of the pool come first, not the newest of a few."""
    front, _ = answer(3, 0.8, Mode.VECTOR, spread=0.0, limit=50)
    late, _ = answer(3, 0.8, Mode.VECTOR, spread=0.0, limit=51)
    assert front == late[:50]


def test_few_articles_are_scored_for_a_first_page_and_all_for_a_late_one():
    _, first = answer(1, 0.8, limit=10)
    _, late = answer(1, 0.8, limit=10, offset=200)
    assert POOL / 5 <= first.asked < late.asked / 3
    assert late.asked > POOL


@pytest.mark.parametrize("asked", [{"fusion": Fusion.RRF}, {"offset": 41}, {"diversity": 0.5}])
def test_where_a_place_depends_on_all_scores_all_are_made(asked):
    _, some = answer(2, 0.8, limit=10)
    _, every = answer(2, 0.8, limit=10, **asked)
    assert every.asked > 2 * some.asked
