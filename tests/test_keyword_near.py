"""What words near each other add to a score: by hand, against an oracle, and the same bits on every path."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.keyword import Bm25Settings
from search.keyword.rank import maxscore, near
from search.records import Article
from tests.keyword_oracle import Oracle, make_index

WORDS = ["strike", "port", "docks", "union", "storm", "mayor", "ferry", "the", "of", "e-mail", "U.S."]


def everything(index):
    return np.ones(len(index), bool)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


def corpus(seed, count):
    rnd = random.Random(seed)

    def text(words):
        return " ".join(rnd.choice([*WORDS, *["filler"] * 12]) for _ in range(words))

    return [
        Article(
            id=str(i), title=text(rnd.randint(0, 6)), text=text(rnd.randint(0, 120)), caption=text(rnd.randint(0, 4))
        )
        for i in range(count)
    ]


ARTICLES = corpus(11, 120)


@pytest.fixture(scope="module")
def index(folder):
    return make_index(folder, [ARTICLES[:50], ARTICLES[50:51], ARTICLES[51:]])


def test_by_hand(folder):
    """The rarer word counts, once for each place where the other is within 16 words, on either side, in one field."""
    gap = " filler" * 15
    texts = [
        f"port{gap} strike",  # 16 words on
        f"strike{gap} filler port",  # 17
        "strike port port",
        "strike strike port",
        "port",
        "port",
    ]
    articles = [Article(id=str(i), text=text) for i, text in enumerate(texts)]
    articles.append(Article(id="6", title="strike", text="port"))  # not in one field
    index = make_index(folder, [articles], Bm25Settings(exact=0.0))
    view = index.at(everything(index))
    plain = make_index(folder, [articles], Bm25Settings(near=0.0, exact=0.0)).at(everything(index))
    words, every = ["port", "strike"], np.arange(len(articles))
    more = view.score(words, every) - plain.score(words, every)
    assert (more > 0).tolist() == [True, False, True, True, False, False, False]
    counts = {0: 1, 2: 1, 3: 2}
    assert {ordinal: view.explain(words, ordinal)["near"][0]["count"] for ordinal in counts} == counts
    assert all(view.explain(words, ordinal)["near"] == [] for ordinal in (1, 4, 5, 6))
    (part,) = view.explain(words, 3)["near"]
    assert (part["terms"], part["df"], part["pool"]) == ("strike port", 3, 7)
    assert part["idf"] == pytest.approx(math.log(1 + 4.5 / 3.5))
    lengths = [
        sum(weight * size for weight, size in zip((3, 1), (len(a.title.split()), len(a.text.split())), strict=True))
        for a in articles
    ]
    norm = 0.9 * (0.25 + 0.75 * lengths[3] / (sum(lengths) / 7))
    assert more[3] == pytest.approx(0.2 * part["idf"] * 2 / (2 + norm), rel=1e-4)


@pytest.mark.parametrize("pool", [1000, 7])
@pytest.mark.parametrize(
    "parameters",
    [
        Bm25Settings(),
        Bm25Settings(near=3.0, k1=1.5, b=0.4, caption=0.0, title=0.5),
        Bm25Settings(k1=0.0),
        Bm25Settings(exact=2.0, b=1.0),
        Bm25Settings(near=0.0, exact=0.0),
    ],
)
def test_brute_force(folder, parameters, pool, monkeypatch):
    monkeypatch.setattr(near, "POOL", pool)
    index = make_index(folder, [ARTICLES[:30], ARTICLES[30:]], parameters)
    rnd = random.Random(3)
    for visible in (np.ones(120, bool), np.random.default_rng(1).random(120) < 0.6):
        view, oracle = index.at(visible), Oracle(ARTICLES, visible)
        for _ in range(12):
            words = rnd.choices([*WORDS, "absent", "port-strike"], k=rnd.randint(1, 6))
            expected = oracle.scores(words, parameters, pool)
            ordinals, scores = view.rank(words, None, None, 200)
            assert sorted(ordinals.tolist()) == sorted(expected)
            assert scores.tolist() == pytest.approx([expected[i] for i in ordinals.tolist()], rel=1e-5)
            assert view.score(words, ordinals).tobytes() == scores.tobytes()
            base = oracle.bm25f(words, parameters)
            best = sorted(base, key=lambda i: (-round(base[i], 5), i))[:pool]  # what is put in order
            best.sort(key=lambda i: (-expected[i], i))
            assert view.rank(words, None, None, 5)[0].tolist() == best[:5] or len(set(map(expected.get, best))) < len(
                best
            )


@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=9),
    seed=st.integers(0, 50),
    share=st.sampled_from([0.02, 0.3, 0.9]),
)
@settings(max_examples=60, deadline=None)
def test_conditions_change_no_score(index, words, seed, share):
    view = index.at(everything(index))
    mask = np.random.default_rng(seed).random(len(index)) < share
    ordinals, scores = view.rank(words, None, None, 200)
    found, values = index.at(everything(index)).rank(words, mask, None, 200)
    assert found.tolist() == ordinals[mask[ordinals]].tolist()
    assert values.tobytes() == scores[mask[ordinals]].tobytes()
    for ordinal in ordinals[:3].tolist():  # one alone, without anything known before
        (alone,) = index.at(everything(index)).score(words, np.array([ordinal]))
        assert alone.tobytes() == scores[ordinals == ordinal].tobytes()


@given(words=st.lists(st.sampled_from(WORDS), min_size=2, max_size=9, unique=True), pool=st.sampled_from([1, 5, 20]))
@settings(max_examples=60, deadline=None)
def test_nothing_behind_the_pool_has_more_than_is_said(folder, index, words, pool):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "POOL", pool)
        for parameters in (Bm25Settings(), Bm25Settings(near=2.0, text=0.5, title=0.0, exact=3.0)):
            some = make_index(folder, [ARTICLES], parameters)
            view = some.at(everything(some))
            ordinals, scores = view.rank(words, None, None, pool)
            if len(scores) < pool:
                return
            everyone = view.score(words, np.arange(len(some)))
            everyone[ordinals] = 0
            assert everyone.max() <= view.most_beyond(words, float(scores[-1]))


INFLECTED = [
    "Strikes",
    "strike",
    "striking",
    "strikers' strike",
    "The STRIKE",
    "ports",
    "port's",
    "re-porting",
    "Pórt",
    "unions",
    "union",
]


@pytest.mark.parametrize("visible", [np.ones(90, bool), np.random.default_rng(5).random(90) < 0.5])
@pytest.mark.parametrize("looked_up", [False, True])
def test_forms_by_brute_force(folder, visible, looked_up, monkeypatch):
    """Many forms of a stem in all fields, read whole and kept, or looked up for the articles that are asked about."""
    from search.keyword.rank import scoring

    if looked_up:
        monkeypatch.setattr(scoring, "_RAW_FROM", 0)
        monkeypatch.setattr(scoring, "_RAW_SHARE", 0)
    rnd = random.Random(8)

    def text(most):
        return " ".join(rnd.choices([*INFLECTED, "filler"], k=rnd.randint(0, most)))

    articles = [Article(id=str(i), title=text(4), text=text(40), caption=text(3)) for i in range(90)]
    parameters = Bm25Settings(exact=0.7, title=2.5, caption=0.5)
    index = make_index(folder, [articles[:40], articles[40:41], articles[41:]], parameters)
    merged = make_index(folder, [articles], parameters).at(visible)
    view, oracle = index.at(visible), Oracle(articles, visible)
    told = 0
    for words in (
        ["strike"],
        ["strikes", "strike", "port"],
        ["unions", "unions", "striking"],
        ["Strike", "of", "PORTS"],
    ):
        expected = oracle.scores(words, parameters)
        ordinals, scores = view.rank(words, None, None, 90)
        assert sorted(ordinals.tolist()) == sorted(expected)
        assert scores.tolist() == pytest.approx([expected[i] for i in ordinals.tolist()], rel=1e-5)
        assert view.score(words, ordinals).tobytes() == scores.tobytes()
        assert merged.rank(words, None, None, 90)[1].tobytes() == scores.tobytes()
        for ordinal, score in zip(ordinals.tolist(), scores, strict=True):
            why = view.explain(words, ordinal)
            total = np.float32(0)
            for part in (*why["terms"], *why["exact"], *why["near"]):
                total += np.float32(part["contribution"])
            assert total == score
            told += len(why["exact"])
    assert told > 100


def test_the_form_that_is_asked_for_comes_first(folder):
    articles = [
        Article(id="0", text="the operative slept"),
        Article(id="1", text="the operation failed"),
        Article(id="2", text="the operations failed"),
    ]
    view = make_index(folder, [articles]).at(np.ones(3, bool))
    assert view.rank(["operations"], None, None, 3)[0].tolist() == [2, 0, 1]
    assert view.rank(["Operation"], None, None, 3)[0].tolist() == [1, 0, 2]
    assert view.rank(["operating"], None, None, 3)[0].tolist() == [0, 1, 2]  # nobody has it
    (part,) = view.explain(["operations"], 2)["exact"]
    idf = math.log(1 + 2.5 / 1.5)
    assert part == {
        "word": "operations",
        "count": 1,
        "df": 1,
        "idf": pytest.approx(idf),
        "tf": 1.0,
        "contribution": pytest.approx(0.33 * idf / (1 + 0.9), rel=1e-6),
    }
    assert view.explain(["operations"], 0)["exact"] == []


def test_of_many_words_the_rarest_are_paired(folder):
    words = [f"w{number:02}" for number in range(20)]
    articles = [Article(id=str(i), text=" ".join(words[i:])) for i in range(20)]  # w19 is the commonest
    index = make_index(folder, [articles])
    view = index.at(everything(index))
    met = {pair["terms"] for ordinal in range(20) for pair in view.explain(words, ordinal)["near"]}
    assert met == {f"{words[a]} {words[b]}" for a in range(14) for b in range(a + 1, 14)}
    assert view.explain(words, 15)["near"] == []  # it has none of the 14
    (pair,) = view.explain(["w18", "w19"], 3)["near"]
    assert pair["contribution"] > 0


def test_the_pool_is_that_of_bm25f(folder, monkeypatch):
    """Articles behind it are not put in order by pairs, but have them in their scores."""
    monkeypatch.setattr(near, "POOL", 2)
    articles = [
        Article(id="0", text="strike strike strike"),
        Article(id="1", text="port port port"),
        Article(id="2", text="strike port " + "filler " * 60),
        Article(id="3", text="port strike " + "filler " * 60),
    ]
    index = make_index(folder, [articles], Bm25Settings(near=50.0))
    view = index.at(everything(index))
    plain, _ = maxscore.rank(view.bm25, view.bm25.terms(["strike", "port"]), None, 4)
    assert sorted(plain[:2].tolist()) == [0, 1]
    assert sorted(view.rank(["strike", "port"], None, None, 2)[0].tolist()) == [0, 1]
    assert view.explain(["strike", "port"], 2)["near"] == []  # no article of the pool has the pair: it counts nothing


def test_groups_have_their_best_article_by_the_whole_score(folder):
    articles = [
        Article(id="0", text="port filler " * 3 + "filler " * 17 + "strike"),
        Article(id="1", text="filler " * 30 + "port strike filler"),
    ]
    articles += [Article(id=str(i), text="filler words only") for i in range(2, 9)]
    index = make_index(folder, [articles], Bm25Settings(near=5.0))
    view, groups = index.at(everything(index)), np.zeros(9, np.int64)
    alone = make_index(folder, [articles], Bm25Settings(near=0.0, exact=0.0)).at(everything(index))
    assert alone.rank(["port", "strike"], None, groups, 3)[0].tolist() == [0]
    assert view.rank(["port", "strike"], None, groups, 3)[0].tolist() == [1]


@pytest.mark.parametrize("filler", [64_509, 64_510, 70_000])
def test_long_articles(folder, filler):
    """Positions up to the last of 16 bits, and beyond; what ends an article is not near what begins the next."""
    articles = [
        Article(id="0", text="filler " * filler + "port"),
        Article(id="1", title="strike", text="filler"),
        Article(id="2", text="filler " * filler + "strike port"),
        Article(id="3", text="port " + "filler " * filler + "strike"),
        Article(id="4", text="port " + "filler " * filler + "strike port filler strike"),
    ]
    index = make_index(folder, [articles])
    view = index.at(everything(index))
    wide = view.bm25.standing("port", 4, np.arange(5)).positions.dtype != np.uint16
    assert wide == (filler > 64_509)
    assert [[pair["count"] for pair in view.explain(["port", "strike"], i)["near"]] for i in range(5)] == [
        [],
        [],
        [1],
        [],
        [1],
    ]
    together = view.score(["port", "strike"], np.arange(5))
    assert together.tobytes() == b"".join(view.score(["port", "strike"], np.array([i])).tobytes() for i in range(5))


def test_thousands_at_once_score_as_each_alone(folder):
    """However many articles are asked about, and however rare or frequent the words are beside them."""
    texts = [ARTICLES[i % 120].text + (" rarity port" if i % 900 == 7 else "") for i in range(4500)]
    articles = [Article(id=str(i), text=text) for i, text in enumerate(texts)]
    index = make_index(folder, [articles[:2000], articles[2000:]])
    view, words = index.at(everything(index)), ["port", "strike", "rarity", "union"]
    every = view.score(words, np.arange(4500))
    assert np.count_nonzero(every) > 2048
    assert view.score(words, np.arange(2000)).tobytes() == every[:2000].tobytes()
    some = [7, 907, 2048, 4499]
    assert b"".join(view.score(words, np.array([i])).tobytes() for i in some) == every[some].tobytes()
