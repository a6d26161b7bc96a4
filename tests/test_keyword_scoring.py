"""BM25F: exact values, a brute-force oracle, and the same bits on every path."""

from __future__ import annotations

import dataclasses
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import search.keyword.rank.contributions as contributions
import search.keyword.rank.maxscore as maxscore
import search.keyword.rank.scoring as scoring
from search.errors import QueryError, UsageError
from search.keyword import Bm25Settings
from search.keyword.part.merge import merge_parts
from search.keyword.tree import Exact, Fuzzy, Wildcard
from search.records import Article
from tests.keyword_oracle import Oracle, make_index

WORDS = ["peace", "court", "courts", "Court", "supreme", "war", "talks", "Gaza", "the", "of", "Beyoncé", "U.S."]
ODD = Bm25Settings(k1=0.9, b=0.4, title=3.5, caption=0.5, dateline=0.0, byline=1.25, text=0.75)


def text(rnd: random.Random, sentences: int) -> str:
    return " ".join(
        " ".join(rnd.choices(WORDS, k=rnd.randint(1, 9))) + rnd.choice([".", ".", ".\n\n"]) for _ in range(sentences)
    ).strip()


def corpus(seed: int, count: int) -> list[Article]:
    rnd = random.Random(seed)
    return [
        Article(
            id=f"a{i}",
            title=text(rnd, 1) if rnd.random() < 0.9 else "",
            text=text(rnd, rnd.randint(0, 6)),
            caption=text(rnd, 1) if rnd.random() < 0.3 else "",
            dateline="Gaza" if rnd.random() < 0.3 else "",
            authors=("Jane Court",) if rnd.random() < 0.4 else (),
            agency="War" if rnd.random() < 0.2 else "",
        )
        for i in range(count)
    ]


ARTICLES = corpus(7, 90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def index(folder):
    return make_index(folder, [ARTICLES[:40], ARTICLES[40:41], ARTICLES[41:]])


def everything(index):
    return np.ones(len(index), bool)


def ranked(scores: dict[int, float]) -> list[int]:
    return sorted(scores, key=lambda i: (-scores[i], i))


def test_the_formula_by_hand(folder):
    articles = [Article(id="1", text="peace peace talks"), Article(id="2", title="Peace"), Article(id="3", text="war")]
    view = make_index(folder, [articles], Bm25Settings(k1=1.2, b=0.75, title=2.0, exact=0.0)).at(np.ones(3, bool))
    ordinals, scores = view.rank(["peace"], None, None, 10)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    average = (3 + 2 + 1) / 3
    expected = {
        0: idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / average)),
        1: idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 2 / average)),
    }
    assert ordinals.tolist() == [1, 0]
    assert scores.tolist() == pytest.approx([expected[1], expected[0]], rel=1e-6)
    assert ordinals.dtype == np.int64
    assert scores.dtype == np.float32


@pytest.mark.parametrize(
    "parameters", [Bm25Settings(), ODD, Bm25Settings(k1=0.0), Bm25Settings(b=0.0), Bm25Settings(b=1.0)]
)
def test_brute_force(folder, parameters):
    index = make_index(folder, [ARTICLES[:30], ARTICLES[30:]], parameters)
    rnd = random.Random(3)
    for visible in (np.ones(90, bool), np.random.default_rng(1).random(90) < 0.6):
        view, oracle = index.at(visible), Oracle(ARTICLES, visible)
        for _ in range(25):
            words = rnd.choices([*WORDS, "absent", "supreme-court"], k=rnd.randint(1, 6))
            expected = oracle.scores(words, parameters)
            ordinals, scores = view.rank(words, None, None, 200)
            assert sorted(ordinals.tolist()) == sorted(expected)
            assert scores.tolist() == pytest.approx([expected[i] for i in ordinals.tolist()], rel=1e-6)
            assert list(zip((-scores).tolist(), ordinals.tolist(), strict=True)) == sorted(
                zip((-scores).tolist(), ordinals.tolist(), strict=True)
            )


def test_every_path_gives_the_same_bits(index, monkeypatch):
    visible = everything(index)
    rnd = random.Random(5)
    queries = [rnd.choices(WORDS, k=rnd.randint(1, 12)) for _ in range(60)]
    reference = [index.at(visible).rank(words, None, None, 1000) for words in queries]
    mask = np.random.default_rng(2).random(len(index)) < 0.5
    for name, value in (
        ("_PRUNE_FROM", 0), ("_RAW_FROM", 0), ("_SPARSE_SHARE", 0), ("_SPARSE_SHARE", 10**9),
        ("_DENSE_SHARE", 1), ("_DENSE_SHARE", 10**9), ("_FEW_SHARE", 1), ("CACHE_BYTES", 0),
        ("CACHE_BYTES", 600),
    ):  # fmt: skip
        with monkeypatch.context() as changed:
            changed.setattr(next(m for m in (maxscore, contributions, scoring) if hasattr(m, name)), name, value)
            view = index.at(visible)
            for words, (ordinals, scores) in zip(queries, reference, strict=True):
                for depth in (1, 3, 10, 1000):
                    found, values = view.rank(words, None, None, depth)
                    assert found.tolist() == ordinals[:depth].tolist()
                    assert values.tobytes() == scores[:depth].tobytes()
                    kept = mask[ordinals]
                    found, values = view.rank(words, mask, None, depth)
                    assert found.tolist() == ordinals[kept][:depth].tolist()
                    assert values.tobytes() == scores[kept][:depth].tobytes()
                shuffled = np.random.default_rng(1).permutation(ordinals)
                again = view.score(words, shuffled)
                assert dict(zip(shuffled.tolist(), again.tolist(), strict=True)) == dict(
                    zip(ordinals.tolist(), scores.tolist(), strict=True)
                )


@pytest.mark.parametrize("raw_from", [0, 10**9])
def test_pruning_leaves_the_result_alone(folder, monkeypatch, raw_from):
    monkeypatch.setattr(maxscore, "_PRUNE_FROM", 0)
    monkeypatch.setattr(scoring, "_RAW_FROM", raw_from)
    rnd = np.random.default_rng(4)
    common = [f"w{i}" for i in range(40)]
    odds = 1 / np.arange(1, 41)
    articles = [
        Article(id=str(i), text=" ".join(rnd.choice(common, size=rnd.integers(1, 40), p=odds / odds.sum())))
        for i in range(1500)
    ]
    index = make_index(folder, [articles[:700], articles[700:]], Bm25Settings(near=0.0, exact=0.0))
    for _ in range(80):
        view = index.at(np.ones(1500, bool))  # nothing cached
        words = rnd.choice(common, size=rnd.integers(2, 9)).tolist()
        everyone = view.score(words, np.arange(1500))
        expected = sorted((i for i in range(1500) if everyone[i] > 0), key=lambda i: (-everyone[i], i))
        for depth in (1, 10, 100):
            ordinals, scores = view.rank(words, None, None, depth)
            assert ordinals.tolist() == expected[:depth]
            assert scores.tolist() == everyone[expected[:depth]].tolist()


def test_statistics_are_of_visible_articles(folder, index):
    visible = np.random.default_rng(9).random(90) < 0.5
    kept = [a for a, seen in zip(ARTICLES, visible, strict=True) if seen]
    alone = make_index(folder, [kept]).at(np.ones(len(kept), bool))
    place = np.flatnonzero(visible)
    for words in (["peace"], ["court", "war"], WORDS):
        ordinals, scores = index.at(visible).rank(words, None, None, 90)
        others, values = alone.rank(words, None, None, 90)
        assert ordinals.tolist() == place[others].tolist()
        assert scores.tobytes() == values.tobytes()


def test_a_merge_changes_no_score(folder, index):
    from search.keyword import KeywordIndex
    from tests.keyword_oracle import columns, save

    visible = np.random.default_rng(8).random(90) < 0.7
    parts = [segment.part for segment in index.segments]
    keep = [visible[base : base + len(s)] for s, base in zip(index.segments, index.bases[:-1], strict=True)]
    survivors = [a for a, seen in zip(ARTICLES, visible, strict=True) if seen]
    merged = KeywordIndex([save(folder, *merge_parts(parts, keep))], columns(survivors), Bm25Settings())
    place = np.flatnonzero(visible)
    for words in (["peace"], ["courts", "talks", "of"], WORDS):
        ordinals, scores = index.at(visible).rank(words, None, None, 90)
        others, values = merged.at(np.ones(len(place), bool)).rank(words, None, None, 90)
        assert ordinals.tolist() == place[others].tolist()
        assert scores.tobytes() == values.tobytes()


PATTERNS = [
    Wildcard(None, "co*"), Wildcard(None, "w?r"), Wildcard(None, "*a*"), Wildcard(None, "absent*"),
    Fuzzy(None, "court", 1), Fuzzy(None, "wars", 2), Fuzzy(None, "tolks", 2), Fuzzy(None, "gazza", 1),
    Exact(None, "Court"), Exact(None, "courts"), Exact(None, "the"), Exact(None, "U.S."), Exact(None, "supreme-court"),
]  # fmt: skip


@pytest.mark.parametrize("parameters", [Bm25Settings(), ODD, Bm25Settings(k1=0.0), Bm25Settings(b=1.0)])
def test_what_stands_for_several_words_scores_as_one_term(folder, parameters):
    index = make_index(folder, [ARTICLES[:30], ARTICLES[30:]], parameters)
    rnd = random.Random(11)
    asked = [[node] for node in PATTERNS]
    asked += [[*rnd.choices(WORDS[:8], k=rnd.randint(0, 3)), *rnd.sample(PATTERNS, 2)] for _ in range(25)]
    for visible in (np.ones(90, bool), np.random.default_rng(1).random(90) < 0.6):
        view, oracle = index.at(visible), Oracle(ARTICLES, visible)
        for terms in asked:
            if Exact(None, "the") in terms and len(terms) > 1:
                continue  # a stop word beside others says nothing
            expected = oracle.scores(terms, parameters)
            ordinals, scores = view.rank(terms, None, None, 200)
            assert sorted(ordinals.tolist()) == sorted(expected), terms
            assert scores.tolist() == pytest.approx([expected[i] for i in ordinals.tolist()], rel=1e-5), terms
            shuffled = np.random.default_rng(3).permutation(ordinals)
            assert dict(zip(shuffled.tolist(), view.score(terms, shuffled).tolist(), strict=True)) == dict(
                zip(ordinals.tolist(), scores.tolist(), strict=True)
            )
            if len(terms) == 1:  # whatever matches scores, but for what stands in a sub-field without weight only
                unscored = np.setdiff1d(np.flatnonzero(view.match(terms[0])), ordinals)
                assert not len(unscored) or parameters is ODD
            for ordinal, score in zip(ordinals[:5].tolist(), scores[:5], strict=True):
                total = np.float32(0)
                told = view.explain(terms, ordinal)
                for part in told["terms"]:
                    norm = parameters.k1 * (1 - parameters.b + parameters.b * part["length"] / part["average_length"])
                    assert part["contribution"] == pytest.approx(
                        part["count"] * part["idf"] * part["tf"] / (part["tf"] + norm), rel=1e-5
                    )
                    total += np.float32(part["contribution"])
                for pair in (*told["exact"], *told["near"]):
                    total += np.float32(pair["contribution"])
                assert total == score


def test_a_merge_changes_no_score_of_several_words(folder, index):
    from search.keyword import KeywordIndex
    from tests.keyword_oracle import columns, save

    visible = np.random.default_rng(8).random(90) < 0.7
    parts = [segment.part for segment in index.segments]
    keep = [visible[base : base + len(s)] for s, base in zip(index.segments, index.bases[:-1], strict=True)]
    survivors = [a for a, seen in zip(ARTICLES, visible, strict=True) if seen]
    merged = KeywordIndex([save(folder, *merge_parts(parts, keep))], columns(survivors), Bm25Settings())
    place = np.flatnonzero(visible)
    for node in PATTERNS:
        for terms in ([node], ["peace", node, "courts"]):
            ordinals, scores = index.at(visible).rank(terms, None, None, 90)
            others, values = merged.at(np.ones(len(place), bool)).rank(terms, None, None, 90)
            assert ordinals.tolist() == place[others].tolist()
            assert scores.tobytes() == values.tobytes()


def test_nearer_spellings_rank_first(folder):
    spellings = ["netanjahou", "netanyahu", "netanjahu", "netanyaho", "nation", "Netanyahu's"]
    articles = [Article(id=str(i), text=f"One {word} came.") for i, word in enumerate(spellings)]
    view = make_index(folder, [articles[:3], articles[3:]]).at(np.ones(6, bool))
    ordinals, scores = view.rank([Fuzzy(None, "netanyahu", 2)], None, None, 9)
    assert ordinals.tolist() == [1, 5, 2, 3, 0]
    assert scores[0] == scores[1] > scores[2] == scores[3] > scores[4]
    explained = [view.explain([Fuzzy(None, "netanyahu", 2)], i)["terms"][0] for i in (1, 2, 0)]
    assert [part["tf"] for part in explained] == [1.0, 0.25, 0.0625]
    assert {(part["term"], part["df"]) for part in explained} == {("netanyahu~2", 5)}


def test_a_pattern_that_stands_for_too_many_words_does_not_rank(folder):
    articles = [Article(id="1", text=" ".join(f"t{i}" for i in range(2001)))]
    view = make_index(folder, [articles]).at(np.ones(1, bool))
    with pytest.raises(QueryError, match="stands for more than 2,000 different words"):
        view.rank([Wildcard(None, "t*")], None, None, 9)
    assert view.rank([Wildcard(None, "t1*")], None, None, 9)[0].tolist() == [0]


def test_a_word_asked_for_twice_counts_twice(index):
    view = index.at(everything(index))
    ordinals, once = view.rank(["peace"], None, None, 90)
    _, twice = view.rank(["peace", "Peace"], None, None, 90)
    assert twice.tolist() == (2 * once).tolist()
    assert view.explain(["peace", "peace"], int(ordinals[0]))["terms"][0]["count"] == 2


def test_stop_words(index):
    view = index.at(everything(index))
    plain = view.rank(["court"], None, None, 90)
    assert view.rank(["the", "court", "of"], None, None, 90)[1].tolist() == plain[1].tolist()
    only = view.rank(["of", "the"], None, None, 90)
    assert len(only[0]) > 0  # there is nothing else to go by
    assert view.rank(["who", "peace"], None, None, 90)[1].tolist() == view.rank(["peace"], None, None, 90)[1].tolist()


def test_names_in_capitals_are_no_stop_words(folder):
    articles = [
        Article(id="1", text="The WHO warns."),
        Article(id="2", text="He warns."),
        Article(id="3", text="US law"),
    ]
    view = make_index(folder, [articles]).at(np.ones(3, bool))
    assert view.match_words(["WHO", "warns"]).tolist() == [True, False, False]
    assert view.match_words(["who", "warns"]).tolist() == [True, True, False]
    assert view.match_words(["U.S.", "law"]).tolist() == [False, False, True]
    assert view.rank(["WHO", "warns"], None, None, 3)[0].tolist() == [0, 1]


def test_a_word_of_several_tokens_scores_as_its_tokens_and_its_reading(folder):
    articles = [
        Article(id="1", text="al Qaddoumi spoke"),
        Article(id="2", text="Al-Qaddoumi"),
        Article(id="3", text="al dente"),
    ]
    view = make_index(folder, [articles]).at(np.ones(3, bool))
    asked = ["al", "qaddoumi", "alqaddoumi"]
    assert view.score(["al-Qaddoumi"], np.arange(3)).tolist() == view.score(asked, np.arange(3)).tolist()
    assert view.match_words(["Al-Qaddoumi"]).tolist() == [True, True, False]


def test_groups_cut_at_distinct_groups(index):
    view = index.at(everything(index))
    words = ["peace", "war"]
    ordinals, scores = view.rank(words, None, None, 90)
    groups = np.random.default_rng(3).integers(0, 12, 90)
    best: list[int] = []
    for place, ordinal in enumerate(ordinals.tolist()):
        if groups[ordinal] not in [groups[ordinals[p]] for p in best]:
            best.append(place)
    for depth in (1, 5, 12, 50):
        found, values = view.rank(words, None, groups, depth)
        assert found.tolist() == ordinals[best[:depth]].tolist()
        assert values.tolist() == scores[best[:depth]].tolist()


def test_explanations_add_up(index):
    view = index.at(everything(index))
    words = ["peace", "court", "Gaza", "absent", "peace"]
    ordinals, scores = view.rank(words, None, None, 90)
    pairs = 0
    for ordinal, score in zip(ordinals.tolist(), scores, strict=True):
        total = np.float32(0)
        told = view.explain(words, ordinal)
        assert list(told) == ["terms", "exact", "near"]
        norms = set()
        for part in told["terms"]:
            norm = 0.9 * (0.25 + 0.75 * part["length"] / part["average_length"])
            norms.add(norm)
            assert part["contribution"] == pytest.approx(
                part["count"] * part["idf"] * part["tf"] / (part["tf"] + norm), rel=1e-6
            )
            total += np.float32(part["contribution"])
        (norm,) = norms
        for part in told["exact"]:
            share = part["tf"] / (part["tf"] + norm)
            assert part["contribution"] == pytest.approx(0.33 * part["count"] * part["idf"] * share, rel=1e-5)
            total += np.float32(part["contribution"])
        for part in told["near"]:
            assert part["idf"] == pytest.approx(math.log(1 + (part["pool"] - part["df"] + 0.5) / (part["df"] + 0.5)))
            share = part["count"] / (part["count"] + norm)
            assert part["contribution"] == pytest.approx(0.2 / math.sqrt(2) * part["idf"] * share, rel=1e-6)
            total += np.float32(part["contribution"])
            pairs += 1
        assert total == score
    assert pairs > 20
    assert view.explain(["absent"], 0) == {"terms": [], "exact": [], "near": []}


def test_nothing_to_rank(folder, index):
    view = index.at(everything(index))
    nothing = np.zeros(90, bool)
    for found in (
        view.rank([], None, None, 10),
        view.rank(["absent"], None, None, 10),
        view.rank(["—", "!"], None, None, 10),
        view.rank(["peace"], nothing, None, 10),
        view.rank(["peace"], None, None, 0),
        index.at(nothing).rank(["peace"], None, None, 10),
        make_index(folder, []).at(np.ones(0, bool)).rank(["peace"], None, None, 10),
        make_index(folder, [[]]).at(np.ones(0, bool)).rank(["peace"], None, None, 10),
    ):
        assert [len(part) for part in found] == [0, 0]
    assert view.score(["absent"], np.arange(3)).tolist() == [0, 0, 0]
    assert view.score(["peace"], np.empty(0, np.int64)).tolist() == []
    hidden = index.at(nothing)
    assert hidden.score(["peace"], np.arange(90)).tolist() == [0] * 90
    assert not hidden.match_words(["peace"]).any()


def test_articles_without_any_word(folder):
    view = make_index(folder, [[Article(id="1"), Article(id="2")]]).at(np.ones(2, bool))
    assert len(view.rank(["peace"], None, None, 5)[0]) == 0


def test_ties_go_by_ordinal(folder):
    articles = [Article(id=str(i), text="peace talks") for i in range(300)]
    view = make_index(folder, [articles[:100], articles[100:]]).at(np.ones(300, bool))
    for words in (["peace"], ["peace", "talks"]):
        for depth in (1, 10, 299):
            assert view.rank(words, None, None, depth)[0].tolist() == list(range(depth))


def test_too_many_words(index):
    view = index.at(everything(index))
    with pytest.raises(QueryError, match="at most 1,024"):
        view.rank([f"word{i}" for i in range(1025)], None, None, 10)
    assert len(view.rank(["peace"] * 5000, None, None, 10)[0]) == 10


@pytest.mark.parametrize(
    "values", [{"k1": -1}, {"b": 1.5}, {"title": float("nan")}, {"text": float("inf")}, {"k1": "1.2"}, {"b": -0.1}]
)
def test_settings_are_checked(values):
    with pytest.raises(UsageError, match="BM25 settings"):
        Bm25Settings(**values)


def test_settings_are_values():
    assert Bm25Settings(**dataclasses.asdict(ODD)) == ODD
    with pytest.raises(dataclasses.FrozenInstanceError):
        ODD.k1 = 2.0


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_masks_and_depths(index, words, seed):
    """Ranking under a mask is ranking all and leaving out; a smaller depth is a beginning."""
    view = index.at(everything(index))
    mask = np.random.default_rng(seed).random(90) < (seed + 1) / 60
    ordinals, scores = view.rank(words, None, None, 90)
    found, values = view.rank(words, mask, None, 7)
    assert found.tolist() == ordinals[mask[ordinals]][:7].tolist()
    assert values.tolist() == scores[mask[ordinals]][:7].tolist()
    assert view.score(words, found).tobytes() == values.tobytes()


def test_bm25s_agrees_on_one_field(folder):
    bm25s = pytest.importorskip("bm25s")
    from search.keyword.analysis import analyze

    articles = [Article(id=a.id, text=a.text) for a in ARTICLES if a.text]
    tokens = [[t.term for t in analyze(a.text)] for a in articles]
    peer = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    peer.index(tokens, show_progress=False)
    view = make_index(folder, [articles[:20], articles[20:]], Bm25Settings(k1=1.2, b=0.75, near=0.0, exact=0.0)).at(
        np.ones(len(articles), bool)
    )
    for words in (["peace"], ["court", "war", "Gaza"], ["supreme", "talks"]):
        expected = peer.get_scores([t.term for word in words for t in analyze(word)])
        assert view.score(words, np.arange(len(articles))).tolist() == pytest.approx(
            expected.tolist(), rel=1e-5, abs=1e-6
        )


def test_threads_share_a_view(index, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(contributions, "CACHE_BYTES", 2000)
    rnd = random.Random(2)
    queries = [rnd.choices(WORDS, k=rnd.randint(1, 6)) for _ in range(40)]
    alone = [index.at(everything(index)).rank(words, None, None, 20)[1].tobytes() for words in queries]
    view = index.at(everything(index))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert [
                scores.tobytes() for _, scores in pool.map(lambda w: view.rank(w, None, None, 20), queries)
            ] == alone
