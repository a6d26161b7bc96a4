"""The vector leg against a brute-force oracle, over segments, masks, groups and every edge that an archive has."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import ArchiveDamaged, ArchiveMismatch, EncoderError
from search.storage.container import open_part, write_part
from search.vector import VectorIndex, build_part, merge_parts
from tests.vector_parts import Held, article_scores

D = 24


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


class Made:
    """One segment's inputs, kept beside the part for the oracle."""

    def __init__(self, rng, counts, d=D, vectors=None):
        self.counts = np.asarray(counts, np.int64)
        total = int(self.counts.sum())
        self.vectors = unit(rng.normal(size=(total, d))) if vectors is None else np.asarray(vectors, np.float32)
        self.starts = np.arange(total, dtype=np.int32) * 10
        self.ends = self.starts + 7
        self.keys = rng.integers(0, 2**64, size=(total, 2), dtype=np.uint64)
        self.owner = np.repeat(np.arange(len(self.counts)), self.counts)
        self.arrays, self.meta = build_part(self.vectors, self.counts, self.starts, self.ends, self.keys)

    def write(self, path):
        write_part(path, "vector", self.arrays, self.meta)
        return open_part(path, "vector")


def index_of(segments):
    return VectorIndex([Held(s.arrays, s.meta) for s in segments], [len(s.counts) for s in segments])


def cosines_of(segments, query):
    """float32 cosine of each passage and its ordinal."""
    cosines, owners, base = [], [], 0
    for s in segments:
        cosines.append(s.vectors.astype(np.float16).astype(np.float32) @ query)
        owners.append(s.owner + base)
        base += len(s.counts)
    return np.concatenate(cosines), np.concatenate(owners), base


def oracle(segments, query, mask, groups, depth):
    cosines, owners, total = cosines_of(segments, query)
    best = article_scores(cosines, np.searchsorted(owners, np.arange(total + 1)))
    order = sorted(
        (o for o in range(total) if np.isfinite(best[o]) and (mask is None or mask[o])), key=lambda o: (-best[o], o)
    )
    taken, seen = [], set()
    for o in order:
        group = o if groups is None else int(groups[o])
        if group not in seen:
            seen.add(group)
            taken.append(o)
    return taken[:depth], best


def assert_ranked(segments, query, mask, groups, depth):
    index = index_of(segments)
    ordinals, cosines = index.rank(query, mask, groups, depth)
    expected, best = oracle(segments, query, mask, groups, depth)
    assert ordinals.dtype == np.int64
    assert cosines.dtype == np.float32
    assert len(set(ordinals.tolist())) == len(ordinals) == len(expected)
    assert cosines == pytest.approx(best[expected], abs=2e-6)
    assert cosines == pytest.approx(best[ordinals], abs=2e-6)
    assert np.array_equal(cosines, index.score(query, ordinals))
    assert all(
        a > b or (a == b and i < j) for a, b, i, j in zip(cosines, cosines[1:], ordinals, ordinals[1:], strict=False)
    )
    if mask is not None:
        assert mask[ordinals].all()
    if groups is not None:
        assert len(set(groups[ordinals].tolist())) == len(ordinals)
    return ordinals, cosines


shapes = st.lists(st.lists(st.integers(0, 6), min_size=0, max_size=25), min_size=1, max_size=4)


@given(
    shapes,
    st.integers(0, 2**31),
    st.sampled_from(["none", "all", "some", "few", "nothing"]),
    st.booleans(),
    st.sampled_from([1, 3, 10, 1000]),
)
@settings(max_examples=150, deadline=None)
def test_rank_is_brute_force(shape, seed, masking, grouped, depth):
    rng = np.random.default_rng(seed)
    segments = [Made(rng, counts) for counts in shape]
    total = sum(len(counts) for counts in shape)
    share = {"all": 1.0, "some": 0.6, "few": 0.1, "nothing": 0.0}
    mask = None if masking == "none" else rng.random(total) < share[masking]
    groups = rng.integers(0, max(1, total // 3), total) if grouped else None
    assert_ranked(segments, unit(rng.normal(size=D)), mask, groups, depth)


def test_mask_none_is_mask_of_all():
    rng = np.random.default_rng(1)
    index = index_of([Made(rng, [2] * 30), Made(rng, [1] * 5)])
    query = unit(rng.normal(size=D))
    for left, right in zip(
        index.rank(query, None, None, 12), index.rank(query, np.ones(35, bool), None, 12), strict=True
    ):
        assert np.array_equal(left, right)


def test_empty_mask_gives_nothing():
    rng = np.random.default_rng(1)
    index = index_of([Made(rng, [2] * 30)])
    ordinals, cosines = index.rank(unit(rng.normal(size=D)), np.zeros(30, bool), None, 10)
    assert ordinals.shape == cosines.shape == (0,)


def test_no_segments_and_empty_segments():
    rng = np.random.default_rng(1)
    query = unit(rng.normal(size=D))
    for index in (VectorIndex([], []), index_of([Made(rng, [])]), index_of([Made(rng, [0, 0])])):
        assert index.rank(query, None, None, 10)[0].tolist() == []
        assert index.lookup(np.zeros((2, 2), np.uint64)).tolist() == [-1, -1]
        assert index.score(query, np.zeros(0, np.int64)).tolist() == []
        assert index.count == 0
    assert index_of([Made(rng, [0, 0])]).score(query, np.array([1, 0])).tolist() == [0.0, 0.0]
    assert_ranked([Made(rng, []), Made(rng, [3]), Made(rng, [0, 2])], query, None, None, 5)


def test_long_articles_do_not_crowd_others_out():
    rng = np.random.default_rng(2)
    query = unit(rng.normal(size=D))
    near = unit(query + 0.05 * rng.normal(size=(400, D)))
    far = unit(query + 2.0 * rng.normal(size=(30, D)))
    segment = Made(rng, [400] + [1] * 30, vectors=np.concatenate([near, far]))
    ordinals, _ = assert_ranked([segment], query, None, None, 20)
    assert len(ordinals) == 20
    assert ordinals[0] == 0


def test_copies_of_one_story_do_not_crowd_others_out():
    rng = np.random.default_rng(2)
    query = unit(rng.normal(size=D))
    near = unit(query + 0.05 * rng.normal(size=(500, D)))
    far = unit(rng.normal(size=(30, D)))
    segment = Made(rng, [1] * 530, vectors=np.concatenate([near, far]))
    groups = np.append(np.zeros(500, np.int64), np.arange(1, 31))
    ordinals, _ = assert_ranked([segment], query, None, groups, 25)
    assert len(ordinals) == 25


def test_ties_go_by_ordinal_also_at_the_cut():
    rng = np.random.default_rng(3)
    query = unit(rng.normal(size=D))
    same = np.repeat(unit(rng.normal(size=(1, D))), 50, axis=0)
    segments = [Made(rng, [1] * 50, vectors=same), Made(rng, [1] * 50, vectors=same)]
    ordinals, cosines = index_of(segments).rank(query, None, None, 60)
    assert ordinals.tolist() == list(range(60))
    assert len(set(cosines.tolist())) == 1
    mask = np.arange(100) % 2 == 1
    assert index_of(segments).rank(query, mask, None, 4)[0].tolist() == [1, 3, 5, 7]


@given(shapes, st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_score_is_the_same_in_any_order_and_company(shape, seed):
    rng = np.random.default_rng(seed)
    segments = [Made(rng, counts) for counts in shape]
    total = sum(len(counts) for counts in shape)
    query = unit(rng.normal(size=D))
    _, best = oracle(segments, query, None, None, 1)
    index = index_of(segments)
    asked = rng.integers(0, total, 40) if total else np.zeros(0, np.int64)
    scores = index.score(query, asked)
    assert scores == pytest.approx(np.where(np.isfinite(best[asked]), best[asked], 0.0), abs=2e-6)
    for place, ordinal in enumerate(asked.tolist()[:5]):
        assert index.score(query, np.array([ordinal]))[0] == scores[place]


def test_score_outside_is_refused():
    index = index_of([Made(np.random.default_rng(0), [1, 1])])
    for bad in ([2], [-1]):
        with pytest.raises(IndexError):
            index.score(np.ones(D, np.float32), np.array(bad))
        with pytest.raises(IndexError):
            index.vectors(np.array(bad))


@given(shapes, st.integers(0, 2**31), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_best_passages_and_passages(shape, seed, n):
    rng = np.random.default_rng(seed)
    segments = [Made(rng, counts) for counts in shape]
    total = sum(len(counts) for counts in shape)
    query = unit(rng.normal(size=D))
    index = index_of(segments)
    asked = rng.permutation(total)
    cosines, owners, _ = cosines_of(segments, query)
    starts = np.concatenate([s.starts for s in segments])
    best = index.best_passages(query, asked, n)
    spans = index.passages(asked)
    shown = index.representatives(query, asked)
    stored = np.concatenate([s.vectors for s in segments]).astype(np.float16).astype(np.float32)
    for place, ordinal in enumerate(asked.tolist()):
        own = np.flatnonzero(owners == ordinal)
        assert spans[place] == [(int(starts[p]), int(starts[p]) + 7) for p in own]
        order = sorted(own.tolist(), key=lambda p: -cosines[p])[:n]
        assert [start for start, _, _ in best[place]] == [starts[p] for p in order]
        assert [cosine for _, _, cosine in best[place]] == pytest.approx(cosines[order], abs=2e-6)
        assert np.array_equal(shown[place], stored[own[cosines[own].argmax()]] if len(own) else np.zeros(D))
        if not len(own):
            assert index.explain(query, ordinal) == {}
        elif n:
            told, (score,) = index.explain(query, ordinal), index.score(query, np.array([ordinal]))
            assert told == {
                "best": best[place][0][2],
                "first": pytest.approx(cosines[own[0]], abs=2e-6),
                "passages": len(own),
            }
            assert score == pytest.approx(told["best"] + 0.2 * told["first"] - 0.01 * math.log(len(own)), abs=1e-6)


def test_equal_passages_of_one_article_come_in_reading_order():
    vectors = np.repeat(unit(np.ones((1, D))), 5, axis=0)
    index = index_of([Made(np.random.default_rng(0), [5], vectors=vectors)])
    assert [span[0] for span in index.best_passages(vectors[0], np.array([0]), 3)[0]] == [0, 10, 20]


def test_vectors_come_back_to_the_bit():
    rng = np.random.default_rng(5)
    segments = [Made(rng, [2, 0, 3]), Made(rng, [4])]
    index = index_of(segments)
    stored = np.concatenate([s.arrays["vectors"] for s in segments])
    numbers = rng.integers(0, 9, 30)
    got = index.vectors(numbers)
    assert got.dtype == np.float32
    assert np.array_equal(got.astype(np.float16), stored[numbers])
    again, _ = build_part(got, [30], np.zeros(30), np.zeros(30), np.zeros((30, 2), np.uint64))
    assert np.array_equal(again["vectors"], stored[numbers])


def test_lookup():
    rng = np.random.default_rng(6)
    segments = [Made(rng, [3, 2]), Made(rng, []), Made(rng, [4])]
    index = index_of(segments)
    keys = np.concatenate([s.keys for s in segments])
    order = rng.permutation(9)
    assert index.lookup(keys[order]).tolist() == order.tolist()
    wrong = keys.copy()
    wrong[:, 1] ^= np.uint64(1)
    assert index.lookup(wrong).tolist() == [-1] * 9
    assert index.lookup(np.zeros((0, 2), np.uint64)).tolist() == []


def test_lookup_of_duplicates_and_of_half_equal_keys():
    rng = np.random.default_rng(7)
    segment = Made(rng, [6])
    keys = np.array([[5, 9], [5, 1], [5, 4], [5, 4], [2**64 - 1, 0], [0, 3]], np.uint64)
    arrays, meta = build_part(segment.vectors, [6], segment.starts, segment.ends, keys)
    index = VectorIndex([Held(arrays, meta)], [1])
    asked = np.array(
        [[5, 9], [5, 1], [5, 4], [5, 5], [2**64 - 1, 0], [2**64 - 1, 1], [0, 3], [0, 2], [6, 0]], np.uint64
    )
    found = index.lookup(asked).tolist()
    assert found[2] in (2, 3)
    assert [*found[:2], *found[3:]] == [0, 1, -1, 4, -1, 5, -1, -1]


@given(shapes, st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_merge_is_the_same_as_building_from_what_lives(shape, seed):
    rng = np.random.default_rng(seed)
    segments = [Made(rng, counts) for counts in shape]
    keep = [rng.random(len(counts)) < 0.7 for counts in shape]
    arrays, meta = merge_parts([Held(s.arrays, s.meta) for s in segments], keep)
    live = [np.repeat(k, s.counts) for k, s in zip(keep, segments, strict=True)]
    expected, expected_meta = build_part(
        np.concatenate([s.vectors[rows] for s, rows in zip(segments, live, strict=True)]),
        np.concatenate([s.counts[k] for s, k in zip(segments, keep, strict=True)]),
        np.concatenate([s.starts[rows] for s, rows in zip(segments, live, strict=True)]),
        np.concatenate([s.ends[rows] for s, rows in zip(segments, live, strict=True)]),
        np.concatenate([s.keys[rows] for s, rows in zip(segments, live, strict=True)]),
    )
    assert meta == expected_meta
    assert arrays.keys() == expected.keys()
    for name in arrays:
        assert arrays[name].dtype == expected[name].dtype, name
        assert np.array_equal(arrays[name], expected[name]), name


def test_a_merge_changes_no_score():
    rng = np.random.default_rng(8)
    segments = [Made(rng, rng.integers(1, 9, 60)) for _ in range(4)]
    before = index_of(segments)
    arrays, meta = merge_parts([Held(s.arrays, s.meta) for s in segments], [np.ones(60, bool)] * 4)
    after = VectorIndex([Held(arrays, meta)], [240])
    query = unit(rng.normal(size=D))
    for left, right in zip(before.rank(query, None, None, 100), after.rank(query, None, None, 100), strict=True):
        assert np.array_equal(left, right)


def test_merge_of_nothing():
    arrays, meta = merge_parts([], [])
    assert meta["articles"] == meta["passages"] == 0
    rng = np.random.default_rng(8)
    segment = Made(rng, [2, 3])
    arrays, meta = merge_parts([Held(segment.arrays, segment.meta)], [np.zeros(2, bool)])
    assert VectorIndex([Held(arrays, meta)], [0]).rank(unit(np.ones(D)), None, None, 5)[0].tolist() == []
    assert arrays["vectors"].shape == (0, D)


def test_a_written_part_answers_the_same(tmp_path):
    rng = np.random.default_rng(9)
    segment = Made(rng, rng.integers(0, 5, 80))
    part = segment.write(tmp_path / "vectors")
    assert part.meta["articles"] == 80
    query = unit(rng.normal(size=D))
    held = index_of([segment]).rank(query, None, None, 20)
    read = VectorIndex([part], [80]).rank(query, None, None, 20)
    assert np.array_equal(held[0], read[0])
    assert np.array_equal(held[1], read[1])


def test_another_models_vectors_are_refused():
    rng = np.random.default_rng(10)
    small, large = Made(rng, [2], d=16), Made(rng, [2], d=32)
    parts = [Held(s.arrays, s.meta) for s in (small, large)]
    with pytest.raises(ArchiveMismatch, match="dimensions"):
        VectorIndex(parts, [1, 1])
    with pytest.raises(ArchiveMismatch, match="dimensions"):
        merge_parts(parts, [np.ones(1, bool)] * 2)
    index = index_of([small])
    for wrong in (np.ones(17), np.ones((1, 16)), np.float32(1)):
        with pytest.raises(ArchiveMismatch, match="16 dimensions"):
            index.rank(wrong, None, None, 5)


def test_what_is_not_a_number_is_refused():
    rng = np.random.default_rng(11)
    vectors = unit(rng.normal(size=(3, D)))
    index = index_of([Made(rng, [3], vectors=vectors)])
    with pytest.raises(EncoderError, match="not a number"):
        index.score(np.full(D, np.nan), np.array([0]))
    for bad in (np.nan, np.inf, 1e9):
        vectors[1, 2] = bad
        with pytest.raises(EncoderError, match="not a number"):
            build_part(vectors, [3], np.zeros(3), np.zeros(3), np.zeros((3, 2), np.uint64))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_damaged_vector_is_found_when_it_is_scored(bad):
    segment = Made(np.random.default_rng(11), [3, 3])
    segment.arrays["vectors"][4, 2] = bad
    index = index_of([segment])
    query = unit(np.ones(D))
    assert len(index.score(query, np.array([0]))) == 1
    for damaged in (lambda: index.rank(query, None, None, 5), lambda: index.score(query, np.array([1]))):
        with pytest.raises(ArchiveDamaged):
            damaged()


def test_wrong_counts_are_refused():
    rng = np.random.default_rng(12)
    segment = Made(rng, [2, 3])
    with pytest.raises(ValueError, match="disagree"):
        build_part(segment.vectors, [2, 2], segment.starts, segment.ends, segment.keys)
    with pytest.raises(ArchiveDamaged, match="articles"):
        VectorIndex([Held(segment.arrays, segment.meta)], [3])
    with pytest.raises(ArchiveDamaged, match="articles"):
        merge_parts([Held(segment.arrays, segment.meta)], [np.ones(3, bool)])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("passage_starts", lambda a: a[::-1].copy()),
        ("passage_starts", lambda a: np.array([0, 9, 5])),
        ("starts", lambda a: a[:-1]),
        ("vectors", lambda a: a.astype(np.float32)),
        ("vectors", lambda a: a.reshape(-1)),
        ("key_high", lambda a: a.astype(np.int64)),
        ("key_passages", lambda a: a[:2]),
    ],
)
def test_a_crafted_part_is_refused(name, change):
    segment = Made(np.random.default_rng(13), [2, 3])
    segment.arrays[name] = change(segment.arrays[name])
    with pytest.raises(ArchiveDamaged):
        index_of([segment])


def test_crafted_keys_are_refused():
    segment = Made(np.random.default_rng(13), [2, 3])
    segment.arrays["key_passages"] = np.full(5, 70_000, np.uint32)
    with pytest.raises(ArchiveDamaged):
        index_of([segment]).lookup(segment.keys)
    with pytest.raises(ArchiveDamaged):
        merge_parts([Held(segment.arrays, segment.meta)], [np.ones(2, bool)])


def test_every_scanner_is_ended(monkeypatch):
    import faiss

    from search.vector import kernel

    begun, ended = [], []
    destroy = faiss.InvertedListScanner.__swig_destroy__
    template = faiss.IndexIVFScalarQuantizer.get_InvertedListScanner
    monkeypatch.setattr(
        faiss.InvertedListScanner, "__swig_destroy__", lambda one: (ended.append(id(one)), destroy(one))
    )
    monkeypatch.setattr(
        faiss.IndexIVFScalarQuantizer,
        "get_InvertedListScanner",
        lambda *arguments: begun.append(template(*arguments)) or begun[-1],
    )
    vectors = np.random.default_rng(1).random((20, 8)).astype(np.float16)
    query = vectors[0].astype(np.float32)
    for _ in range(3):
        assert kernel.half_scores(query, vectors).argmax() >= 0
        assert len(kernel.half_scores(query, vectors, np.arange(5))) == 5
    assert [id(one) for one in begun] == ended
    assert len(ended) == 6
