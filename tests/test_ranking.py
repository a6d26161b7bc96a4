"""Fusion, order, recency, diversity and explanation against the written formulas."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engine.ranking import (
    Leg,
    alone,
    apply_recency,
    diversify,
    explain,
    fuse,
    order,
    recency_factors,
)
from search.errors import SearchError, UsageError
from search.records import Fusion

NO_DATE = np.iinfo(np.int64).min
DAY = 86_400_000_000
METHODS = list(Fusion)
finite = st.floats(-5, 60, width=32)


def leg(scores, best=None, size=None, matches=None):
    best = scores if best is None else best
    return Leg(np.array(scores, float), np.array(best, float), len(scores) if size is None else size, matches)


def dbsf_by_hand(score, best, size):
    wanted = min(100, size)
    window = (sorted(best, reverse=True) + [0.0] * wanted)[:wanted]
    mean = math.fsum(window) / wanted
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in window) / wanted)
    return max((score - mean + 3 * deviation) / (6 * deviation), 0.0)


def test_dbsf_by_hand():
    vector, keyword = [0.9, 0.5, 0.4], [0.0, 12.0, 3.0]
    fused = fuse(leg(vector), leg(keyword, matches=np.array([False, True, True])), weight=0.25)
    for i in range(3):
        left = 0.25 * dbsf_by_hand(vector[i], vector, 3)
        right = 0.75 * dbsf_by_hand(keyword[i], keyword, 3)
        assert fused.parts["vector"][i] == pytest.approx(left, abs=2e-6)
        assert fused.parts["keyword"][i] == pytest.approx(right, abs=2e-6)
        assert fused.scores[i] == pytest.approx(left + right, abs=1e-6)


@given(
    st.lists(st.tuples(finite, finite, st.booleans()), min_size=1, max_size=150),
    st.integers(0, 1000),
    st.floats(0, 1),
    st.sampled_from(METHODS),
)
@settings(max_examples=150, deadline=None)
def test_parts_sum_to_scores_and_nothing_is_negative(rows, beyond, weight, method):
    vector = [row[0] for row in rows]
    matches = np.array([row[2] for row in rows])
    keyword = np.where(matches, np.abs([row[1] for row in rows]) + 0.5, 0.0)
    size = len(rows) + beyond
    fused = fuse(leg(vector, size=size), leg(keyword, size=size, matches=matches), method=method, weight=weight)
    assert np.abs(sum(fused.parts.values()) - fused.scores).max() <= 1e-9
    assert np.array_equal(fused.scores, np.round(fused.scores, 6))
    assert (fused.scores >= 0).all()


@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=120, unique=True), st.integers(0, 400))
@settings(deadline=None)
def test_dbsf_follows_the_formula_for_any_window(best, beyond):
    size = len(best) + beyond
    wanted = min(100, size)
    window = (sorted(best, reverse=True) + [0.0] * wanted)[:wanted]
    if max(window) - min(window) < 1e-3:
        return
    fused = fuse(leg(best, size=size), leg(best, size=size), weight=0.0)
    expected = [dbsf_by_hand(score, best, size) for score in best]
    assert fused.scores == pytest.approx(expected, abs=1e-6)


def test_a_longer_list_of_best_scores_changes_nothing():
    best = np.linspace(1, 9, 100)
    long = np.concatenate([best, np.linspace(0.1, 0.9, 900)])
    for method in METHODS:
        short = fuse(leg([9.0, 5.0], best, 5000), leg([9.0, 5.0], best, 5000), method=method)
        longer = fuse(leg([9.0, 5.0], long, 5000), leg([9.0, 5.0], long, 5000), method=method)
        assert np.array_equal(short.scores, longer.scores)


def test_a_lone_exact_name_beats_vector_neighbours():
    neighbours = np.linspace(0.62, 0.48, 200)
    vector = np.append(neighbours, 0.2)
    keyword = np.append(np.zeros(200), 14.0)
    matches = keyword > 0
    fused = fuse(Leg(vector, vector, 20_000), Leg(keyword, keyword[matches], 20_000, matches), method=Fusion.DBSF)
    assert fused.scores.argmax() == 200
    assert fused.parts["keyword"][200] > 0.5 * 1.0  # above what a clipped score could give


@pytest.mark.parametrize(("method", "expected"), [(Fusion.DBSF, 0.5), (Fusion.RRF, 1 / 61), (Fusion.MINMAX, 1.0)])
def test_one_candidate(method, expected):
    fused = fuse(leg([0.7]), leg([11.0]), method=method)
    assert fused.scores == pytest.approx([expected], abs=1e-6)


@pytest.mark.parametrize(("method", "expected"), [(Fusion.DBSF, 0.5), (Fusion.RRF, 1 / 61), (Fusion.MINMAX, 1.0)])
def test_equal_scores(method, expected):
    fused = fuse(leg([0.7] * 4), leg([0.1 + 0.2] * 4), method=method)
    assert fused.scores == pytest.approx([expected] * 4, abs=1e-6)


def test_no_keyword_match_at_all():
    nothing = np.zeros(3, bool)
    for method in METHODS:
        fused = fuse(leg([0.9, 0.5, 0.1]), leg([0.0] * 3, best=[], size=3, matches=nothing), method=method)
        assert fused.parts["keyword"][1:] == pytest.approx([0, 0], abs=1e-6), method


@pytest.mark.parametrize("method", METHODS)
def test_empty_mask(method):
    fused = fuse(leg([], size=0), leg([], size=0), method=method)
    assert fused.scores.shape == (0,)
    assert order(fused.scores, np.zeros(0, np.int64), lambda _: []).tolist() == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("weight", "silent"), [(0.0, "vector"), (1.0, "keyword")])
def test_weight_0_and_1_leave_one_leg(method, weight, silent):
    fused = fuse(leg([0.9, 0.5, 0.4]), leg([1.0, 12.0, 3.0]), method=method, weight=weight)
    assert np.abs(fused.parts[silent]).max() == 0.0
    assert fused.scores.argmax() == (1 if weight == 0.0 else 0)


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_weight_outside_is_refused(weight):
    with pytest.raises(UsageError, match="weight"):
        fuse(leg([0.9]), leg([1.0]), weight=weight)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_a_number_is_refused(bad):
    with pytest.raises(SearchError, match="not a number"):
        fuse(leg([bad]), leg([1.0]))
    with pytest.raises(SearchError, match="not a number"):
        fuse(leg([0.5], best=[bad]), leg([1.0]))
    with pytest.raises(SearchError, match="not a number"):
        order([bad], np.zeros(1, np.int64), lambda _: ["a"])


def test_minmax_by_hand():
    fused = fuse(leg([0.8, 0.6, 0.2], best=[0.8, 0.6, 0.4], size=3), leg([4, 2, 0], size=3), method=Fusion.MINMAX)
    assert fused.scores == pytest.approx([1.0, 0.5, 0.0])


def test_rrf_by_hand_equal_scores_share_a_rank():
    matches = np.array([True, True, True, False])
    fused = fuse(leg([0.9, 0.8, 0.8, 0.1]), leg([2, 2, 5, 0], matches=matches), method=Fusion.RRF, weight=0.5)
    expected = [(1 / 61 + 1 / 62) / 2, (1 / 62 + 1 / 62) / 2, (1 / 62 + 1 / 61) / 2, (1 / 64) / 2]
    assert fused.scores == pytest.approx(expected, abs=1e-6)


def test_order_by_score_then_newest_then_id():
    scores = [1.0, 2.0, 2.0 + 4e-7, 2.0, 2.0, 2.0]
    published = np.array([9, 5, 7, NO_DATE, 7, NO_DATE], np.int64)
    names = ["a", "b", "z", "d", "c", "a2"]
    asked = []

    def ids(positions):
        asked.extend(positions.tolist())
        return [names[p] for p in positions]

    assert order(scores, published, ids).tolist() == [4, 2, 1, 5, 3, 0]
    assert asked == [2, 3, 4, 5]


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.50000001]), st.sampled_from([NO_DATE, 1, 2])), max_size=30))
def test_order_is_that_of_python(rows):
    published = np.array([row[1] for row in rows], np.int64)
    names = [f"{(7 * i) % 31:02d}" for i in range(len(rows))]
    found = order([row[0] for row in rows], published, lambda p: [names[i] for i in p])
    expected = sorted(range(len(rows)), key=lambda i: (-round(rows[i][0], 6), -rows[i][1], names[i]))
    assert found.tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=30), st.integers(1, 40))
def test_order_to_a_depth_is_the_beginning_of_the_whole_order(rows, depth):
    scores = [float(score) for score, _ in rows]
    published = np.array([day for _, day in rows], np.int64)
    names = [f"{(7 * i) % 31:02d}" for i in range(len(rows))]
    whole = order(scores, published, lambda p: [names[i] for i in p])
    found = order(scores, published, lambda p: [names[i] for i in p], depth)
    assert found[:depth].tolist() == whole[:depth].tolist()
    assert sorted(found.tolist()) == sorted(whole.tolist())


def test_ties_beyond_the_depth_ask_for_no_ids():
    asked = []

    def ids(positions):
        asked.extend(positions.tolist())
        return [str(p) for p in positions]

    order([3.0, 2.0, 2.0, 1.0, 1.0, 1.0], np.zeros(6, np.int64), ids, 2)
    assert asked == [1, 2]


def test_recency():
    published = np.array([0, -10 * DAY, 5 * DAY, NO_DATE, -20 * DAY], np.int64)
    factors = recency_factors(published, now=0, half_life=10 * DAY)
    assert factors == pytest.approx([1.0, 0.5, 1.0, 0.75, 0.25])


def test_recency_without_any_date_and_of_ancient_articles():
    assert recency_factors(np.array([NO_DATE]), 0, DAY).tolist() == [1.0]
    assert recency_factors(np.array([NO_DATE + 1]), np.iinfo(np.int64).max, DAY).tolist() == [0.0]
    assert recency_factors(np.zeros(0, np.int64), 0, DAY).tolist() == []
    with pytest.raises(UsageError):
        recency_factors(np.array([0]), 0, 0)


def test_recency_is_a_part_and_never_helps_a_negative_score():
    fused = alone("vector", [0.8, -0.4])
    aged = apply_recency(fused, np.array([0.5, 0.5]))
    assert aged.scores.tolist() == pytest.approx([0.4, -0.6])
    assert aged.parts["recency"].tolist() == pytest.approx([-0.4, -0.2])
    assert np.abs(sum(aged.parts.values()) - aged.scores).max() <= 1e-9


def mmr_by_hand(scores, vectors, diversity):
    top = max(scores)
    left, picks = list(range(len(scores))), []
    while left:
        best = max(
            left,
            key=lambda i: (
                (1 - diversity) * scores[i] / top
                - diversity * max((round(float(vectors[i] @ vectors[j]), 6) for j in picks), default=0.0),
                -i,
            ),
        )
        picks.append(best)
        left.remove(best)
    return picks


def test_diversify_follows_mmr_and_prefixes_agree():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(40, 16)).astype(np.float32)
    vectors[20:] = vectors[:20] + 0.05 * vectors[20:]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.sort(rng.uniform(0.2, 1.3, 40))[::-1]
    whole = diversify(scores, vectors, 0.4)
    assert whole.tolist() == mmr_by_hand(scores, vectors, 0.4)
    short = diversify(scores, vectors, 0.4, limit=7)
    assert short[:7].tolist() == whole[:7].tolist()
    assert sorted(short.tolist()) == list(range(40))
    assert (np.diff(short[7:]) > 0).all()


def test_diversify_edges():
    vectors = np.eye(3, dtype=np.float32)
    assert diversify([3, 2, 1], vectors, 0.0).tolist() == [0, 1, 2]
    assert diversify([], vectors[:0], 0.5).tolist() == []
    assert diversify([1], vectors[:1], 1.0).tolist() == [0]
    same = np.ones((3, 1), np.float32)
    assert diversify([2, 2, 2], same, 0.5).tolist() == [0, 1, 2]
    twins = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert diversify([1.0, 0.9, 0.5], twins, 0.5).tolist() == [0, 2, 1]
    with pytest.raises(UsageError):
        diversify([1, 2], same[:2], 1.5)


def test_explanation_is_json_and_sums():
    fused = fuse(leg([0.9, 0.5]), leg([1.0, 12.0]), weight=0.5)
    aged = apply_recency(fused, np.array([1.0, 0.5]))
    why = json.loads(json.dumps(explain(aged, 1, keyword={"terms": [{"word": "ceasefire", "score": 12.0}]})))
    assert sum(why["parts"].values()) == pytest.approx(why["score"], abs=1e-9)
    assert why["fusion"] == "dbsf"
    assert why["vector"]["score"] == 0.5
    assert why["keyword"]["terms"] == [{"word": "ceasefire", "score": 12.0}]
    assert why["recency"] == {"factor": 0.5}
    assert set(why["keyword"]) == {"score", "normalised", "weight", "mean", "deviation", "terms"}


def test_one_leg_alone_keeps_its_scores():
    fused = alone("keyword", [3.25, 1.0])
    assert fused.scores.tolist() == [3.25, 1.0]
    assert explain(fused, 0)["parts"] == {"keyword": 3.25}
