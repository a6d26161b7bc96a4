"""Inverted lists: the same contract as the exact search, recall, merges that keep centroids, crafted parts."""

import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import ArchiveDamaged, SearchError
from search.storage.container import open_part, write_part
from search.vector import VectorIndex, build_part, gathered, kernel, lists, merge_parts
from tests.vector_parts import Held, article_scores

D = 32


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Lists for parts that a test can make quickly, under masks as well, and few probes so that rounds follow."""
    monkeypatch.setattr(lists, "SMALLEST", 300)
    monkeypatch.setattr(lists, "FILTERED", 1)
    monkeypatch.setattr(lists, "PROBES", 12)
    monkeypatch.setattr(lists, "READ", 3.0)


def clustered(rng, count, spread=0.35):
    topics = rng.normal(size=(20, D))
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    rows = topics[rng.integers(0, 20, count)] + spread * rng.normal(size=(count, D)) / D**0.5 * 3
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make(seed, articles=300, most=6):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most, articles)
    total = int(counts.sum())
    vectors = clustered(rng, total)
    keys = rng.integers(0, 2**64, size=(total, 2), dtype=np.uint64)
    return Held(*build_part(vectors, counts, np.arange(total), np.arange(total), keys))


LARGE = 300


@pytest.fixture(scope="module")
def parts():
    """Three parts with lists of their own and one without, as segments between two merges are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "SMALLEST", 300)
        return [make(1), make(2), make(3, articles=40), make(4)]


def sizes(parts):
    return [part.meta["articles"] for part in parts]


def oracle(parts, query, mask, groups, depth):
    best = []
    for part in parts:
        cosines = part["vectors"].astype(np.float32) @ query
        best.append(article_scores(cosines, part["passage_starts"]))
    best = np.concatenate(best)
    order = np.lexsort((np.arange(len(best)), -best))
    order = order if mask is None else order[mask[order]]
    if groups is not None:
        order = order[np.sort(np.unique(groups[order], return_index=True)[1])]
    return order[:depth], best


def test_large_parts_have_lists(parts):
    assert ["centroids" in part for part in parts] == [True, True, False, True]
    assert [part.meta["search"] for part in parts] == ["lists", "lists", "exact", "lists"]


@given(
    st.integers(0, 2**31),
    st.sampled_from([None, 1.0, 0.8, 0.5, 0.2, 0.02, 0.0]),
    st.booleans(),
    st.sampled_from([1, 10, 200, 900, 5000]),
)
@settings(max_examples=120, deadline=None)
def test_the_contract_holds(parts, seed, share, grouped, depth):
    rng = np.random.default_rng(seed)
    total = sum(sizes(parts))
    query = clustered(rng, 1)[0]
    mask = None if share is None else rng.random(total) < share
    groups = rng.integers(0, total // 4, total) if grouped else None
    index = VectorIndex(parts, sizes(parts))
    ordinals, cosines = index.rank(query, mask, groups, depth)
    expected, best = oracle(parts, query, mask, groups, depth)
    assert len(ordinals) == len(expected)
    assert len(set(ordinals.tolist())) == len(ordinals)
    assert cosines == pytest.approx(best[ordinals], abs=2e-6)
    assert np.array_equal(cosines, index.score(query, ordinals))
    assert all((-a, i) < (-b, j) for a, b, i, j in zip(cosines, cosines[1:], ordinals, ordinals[1:], strict=False))
    if mask is not None:
        assert mask[ordinals].all()
    if groups is not None:
        assert len(set(groups[ordinals].tolist())) == len(ordinals)
    if depth >= total:  # everything is asked for, so nothing may be approximate
        assert ordinals.tolist() == expected.tolist() or cosines == pytest.approx(best[expected], abs=2e-6)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.05])
def test_recall(parts, share, monkeypatch):
    monkeypatch.setattr(lists, "PROBES", 30)
    monkeypatch.setattr(lists, "READ", 8.0)
    rng = np.random.default_rng(7)
    index = VectorIndex(parts, sizes(parts))
    found = 0
    for query in clustered(rng, 60):
        mask = rng.random(sum(sizes(parts))) < share
        expected, _ = oracle(parts, query, mask, None, 10)
        found += np.isin(expected, index.rank(query, mask, None, 10)[0]).sum()
    assert found / 600 >= 0.95


def test_a_mask_far_from_the_query_is_searched_until_it_is_found(parts):
    """All that pass stand in lists that the query would visit last."""
    part = parts[0]
    query = part["vectors"][0].astype(np.float32)
    _, best = oracle([part], query, None, None, 1)
    mask = best <= np.sort(best)[LARGE * 3 // 5]
    expected, _ = oracle([part], query, mask, None, 10)
    survivors = int(np.diff(part["passage_starts"])[mask].sum())
    assert survivors > lists.SMALLEST
    ordinals, _ = VectorIndex([part], [LARGE]).rank(query, mask, None, 10)
    assert len(ordinals) == 10
    assert mask[ordinals].all()
    assert np.isin(expected, ordinals).mean() >= 0.9


@pytest.mark.parametrize(("share", "exact"), [(0.4, True), (0.49, True), (0.51, False), (0.75, False), (1.0, False)])
def test_twice_as_many_are_scored_exactly_where_a_mask_is_selective(parts, monkeypatch, share, exact):
    monkeypatch.setattr(lists, "FILTERED", 2)
    part = parts[0]
    passages = np.cumsum(np.diff(part["passage_starts"]))
    mask = passages <= share * passages[-1]
    assert 300 < passages[mask][-1] < 600 or share > 0.6
    query = clustered(np.random.default_rng(31), 1)[0]
    (segment,) = VectorIndex([part], [LARGE]).segments
    rows, cosines, told = segment.rank(query, mask, None, 10)
    assert told == exact
    if exact:
        assert np.array_equal(rows, np.flatnonzero(mask))
        assert cosines == pytest.approx(oracle([part], query, None, None, 1)[1][rows], abs=2e-6)


def test_one_crowding_article_leaves_room_for_the_rest():
    rng = np.random.default_rng(5)
    query = clustered(rng, 1)[0]
    near = query + 0.02 * rng.normal(size=(800, D))
    vectors = np.concatenate([near / np.linalg.norm(near, axis=1, keepdims=True), clustered(rng, 200)])
    counts = np.append(800, np.ones(200, int))
    part = Held(*build_part(vectors, counts, np.zeros(1000), np.zeros(1000), np.zeros((1000, 2), np.uint64)))
    assert "centroids" in part
    ordinals, _ = VectorIndex([part], [201]).rank(query, None, None, 150)
    assert len(ordinals) == 150
    assert ordinals[0] == 0


def test_equal_vectors_tie_by_ordinal():
    vectors = np.repeat(clustered(np.random.default_rng(5), 1), 400, axis=0)
    part = Held(*build_part(vectors, np.ones(400, int), np.zeros(400), np.zeros(400), np.zeros((400, 2), np.uint64)))
    ordinals, cosines = VectorIndex([part], [400]).rank(vectors[0], None, None, 30)
    assert ordinals.tolist() == list(range(30))
    assert len(set(cosines.tolist())) == 1


def test_ranked_scores_are_those_that_scoring_gives(parts):
    rng = np.random.default_rng(3)
    index = VectorIndex(parts, sizes(parts))
    query = clustered(rng, 1)[0]
    ordinals, cosines = index.rank(query, None, None, 50)
    shuffled = rng.permutation(50)
    assert np.array_equal(index.score(query, ordinals[shuffled]), cosines[shuffled])


def lists_of(part):
    numbers = np.empty(part.meta["passages"], np.int64)
    numbers[part["list_passages"]] = np.repeat(np.arange(len(part["centroids"])), np.diff(part["list_starts"]))
    return numbers


def test_a_merge_keeps_centroids_and_lists(parts, monkeypatch):
    monkeypatch.setattr(lists, "train_centroids", None)  # a call would fail
    keep = [np.random.default_rng(n).random(n) < 0.8 for n in sizes(parts)]
    merged = Held(*merge_parts(parts, keep))
    largest = max((part for part in parts if "centroids" in part), key=lambda part: part.meta["trained"])
    assert np.array_equal(merged["centroids"], largest["centroids"])
    assert merged.meta["trained"] == largest.meta["trained"]
    assert merged.meta["scale"] == largest.meta["scale"]
    rows = [np.repeat(k, np.diff(part["passage_starts"])) for part, k in zip(parts, keep, strict=True)]
    start = 0
    for part, row in zip(parts, rows, strict=True):
        if part is largest:
            assert np.array_equal(lists_of(merged)[start : start + row.sum()], lists_of(part)[row])
        start += row.sum()
    owners = np.repeat(np.arange(merged.meta["articles"]), np.diff(merged["passage_starts"]))
    assert np.array_equal(merged["list_articles"], owners[merged["list_passages"]])
    decoded = (merged["codes"].astype(np.float32) - 128) / merged.meta["scale"]
    assert np.abs(decoded - merged["vectors"][merged["list_passages"]]).max() < 0.2


@pytest.mark.parametrize("smallest", [300, 10**9])
def test_a_merge_never_holds_all_vectors(tmp_path, monkeypatch, smallest):
    monkeypatch.setattr(gathered, "BLOCK", 100)
    monkeypatch.setattr(lists, "BLOCK", 100)
    monkeypatch.setattr(lists, "OUTGROWN", 10**6)
    monkeypatch.setattr(lists, "SMALLEST", smallest)
    rng, parts = np.random.default_rng(3), []
    for number in range(4):
        rows = rng.normal(size=(2000, 512)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        ones, nothing = np.ones(2000, int), np.zeros(2000, int)
        made = build_part(rows, ones, nothing, nothing, rng.integers(0, 2**64, size=(2000, 2), dtype=np.uint64))
        write_part(tmp_path / str(number), "vectors", *made)
        parts.append(open_part(tmp_path / str(number), "vectors"))
    keep = [rng.random(2000) < 0.9 for _ in parts]
    merge_parts(parts[:1], keep[:1])  # FAISS is imported, if need be
    tracemalloc.start()
    try:
        write_part(tmp_path / "merged", "vectors", *merge_parts(parts, keep))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    merged = open_part(tmp_path / "merged", "vectors")
    assert ("codes" in merged) == (smallest == 300)
    assert peak < merged["vectors"].nbytes / 2


def test_a_merge_changes_no_score(parts):
    everything = [np.ones(n, bool) for n in sizes(parts)]
    merged = Held(*merge_parts(parts, everything))
    before, after = VectorIndex(parts, sizes(parts)), VectorIndex([merged], [sum(sizes(parts))])
    query = clustered(np.random.default_rng(11), 1)[0]
    ordinals = np.arange(len(before))
    assert np.array_equal(before.score(query, ordinals), after.score(query, ordinals))
    for left, right in zip(before.rank(query, None, None, 5000), after.rank(query, None, None, 5000), strict=True):
        assert np.array_equal(left, right)


def test_what_was_outgrown_is_trained_anew_and_what_is_small_has_no_lists(parts, monkeypatch):
    large = [part for part in parts if "centroids" in part]
    everything = [np.ones(n, bool) for n in sizes(large)]
    monkeypatch.setattr(lists, "OUTGROWN", 2)
    merged = Held(*merge_parts(large, everything))
    assert merged.meta["trained"] == merged.meta["passages"]
    assert len(merged["centroids"]) == round(lists.LISTS * merged.meta["passages"] ** 0.5)
    few = Held(*merge_parts(large[:1], [np.arange(LARGE) < 50]))
    assert few.meta["search"] == "exact"
    assert "codes" not in few


def test_building_twice_gives_the_same_bytes():
    for left, right in zip(make(9).arrays.values(), make(9).arrays.values(), strict=True):
        assert np.array_equal(left, right)


def test_threads_may_share_an_index(parts):
    index = VectorIndex(parts, sizes(parts))
    queries = clustered(np.random.default_rng(13), 64)
    alone = [index.rank(query, None, None, 20) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: index.rank(query, None, None, 20), queries))
    for left, right in zip(alone, together, strict=True):
        assert np.array_equal(left[0], right[0])
        assert np.array_equal(left[1], right[1])


@pytest.mark.parametrize("helper", ["none", "idle", "busy"])
def test_a_second_thread_changes_nothing(parts, monkeypatch, helper):
    rng = np.random.default_rng(23)
    index = VectorIndex(parts, sizes(parts))
    queries, mask = clustered(rng, 8), rng.random(len(index)) < 0.6

    def answers():
        return [
            answer
            for query in queries
            for answer in (*index.rank(query, None, None, 40), *index.rank(query, mask, None, 40))
        ]

    monkeypatch.setattr(kernel, "SHARED_CODES", 10**9)
    alone = answers()
    monkeypatch.setattr(kernel, "SHARED_CODES", 2)
    with ThreadPoolExecutor(1) as pool:
        over = threading.Event()
        if helper == "busy":
            pool.submit(over.wait, 60)
        monkeypatch.setattr(kernel, "_helper", lambda: None if helper == "none" else pool)
        shared = answers()
        over.set()
    for left, right in zip(alone, shared, strict=True):
        assert np.array_equal(left, right)


def test_a_large_part_is_read_more_of(parts, monkeypatch):
    query = clustered(np.random.default_rng(29), 1)[0]
    opened = lists.InvertedLists(parts[0])
    passages = parts[0].meta["passages"]
    few, _ = opened.candidates(query, None, passages, None, 1)
    monkeypatch.setattr(lists, "EVEN", passages / 16)  # then twice as much is read
    more, _ = opened.candidates(query, None, passages, None, 1)
    assert len(few) < len(more) < LARGE
    assert set(few.tolist()) < set(more.tolist())


def changed(part, name, change):
    made = Held(part.arrays, part.meta)
    target = made.meta if name in made.meta else made.arrays
    target[name] = change(target[name].copy() if isinstance(target[name], np.ndarray) else target[name])
    return made


def replaced(place, value):
    def change(array):
        array[place] = value
        return array

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("list_starts", lambda a: a[:-1]),
        ("list_starts", replaced(3, -5)),
        ("list_starts", replaced(-1, 10**9)),
        ("list_starts", lambda a: np.zeros(0, np.int64)),
        ("centroids", lambda a: a[:, :-1]),
        ("centroids", lambda a: a.astype(np.float16)),
        ("codes", lambda a: a[:-1]),
        ("codes", lambda a: a.astype(np.int8)),
        ("list_articles", lambda a: a.astype(np.int32)),
        ("list_passages", lambda a: a[1:]),
        ("scale", lambda _: float("nan")),
        ("scale", lambda _: "x"),
        ("trained", lambda _: None),
        ("trained", lambda _: float("inf")),
    ],
)
def test_crafted_lists_are_refused_when_opened(parts, name, change):
    made = changed(parts[0], name, change)
    with pytest.raises(ArchiveDamaged):
        VectorIndex([made], [LARGE])
    with pytest.raises(ArchiveDamaged):
        merge_parts([made, parts[1]], [np.ones(LARGE, bool)] * 2)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("list_articles", lambda a: a + LARGE),
        ("list_articles", lambda a: -a - 1),
        ("list_articles", replaced(slice(None), 2**62)),
    ],
)
def test_crafted_lists_are_refused_when_read(parts, name, change):
    index = VectorIndex([changed(parts[0], name, change)], [LARGE])
    with pytest.raises(ArchiveDamaged):
        index.rank(np.ones(D, np.float32), None, None, 1000)


def test_crafted_list_passages_are_refused_by_a_merge(parts):
    made = changed(parts[0], "list_passages", lambda a: a + np.uint32(2**31))
    with pytest.raises(ArchiveDamaged):
        merge_parts([made], [np.ones(LARGE, bool)])


def test_faiss_errors_become_ours(parts, monkeypatch):
    import faiss

    def fail(*_):
        raise RuntimeError("Error in virtual void faiss::x\nat line 3")

    monkeypatch.setattr(faiss, "RangeSearchResult", fail)
    with pytest.raises(SearchError, match="FAISS failed"):
        VectorIndex(parts, sizes(parts)).rank(np.ones(D, np.float32), None, None, 3)


def test_no_row_scores_differently_in_other_company():
    rng = np.random.default_rng(17)
    for dimension in (7, 64, 100):
        vectors = rng.normal(size=(1200, dimension)).astype(np.float16)
        query = rng.normal(size=dimension).astype(np.float32)
        whole = kernel.half_scores(query, vectors)
        assert whole == pytest.approx(vectors.astype(np.float32) @ query, abs=1e-4)
        for rows in (rng.permutation(1200), rng.integers(0, 1200, 5), np.array([3]), np.zeros(0, np.int64)):
            assert np.array_equal(kernel.half_scores(query, vectors, rows), whole[rows])


def test_faiss_is_not_imported_until_it_is_needed():
    code = "import sys, search.vector, search.engine.ranking; print('faiss' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
