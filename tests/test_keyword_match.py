"""The constraint tree over token lists: expected articles, a brute-force oracle, refusals, and highlights."""

from __future__ import annotations

import copy
import dataclasses
import random
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import search.keyword.match.grid as grid
import search.keyword.match.joins as joins
import search.keyword.match.matcher as match
import search.keyword.match.occurrences as occurrences
import search.keyword.match.places as places
import search.keyword.match.proximity as proximity
from search.errors import ArchiveDamaged, QueryError
from search.keyword import Bm25Settings, KeywordIndex, highlight
from search.keyword.cache import Cache
from search.keyword.part.merge import merge_parts
from search.keyword.tree import (
    And,
    AtLeast,
    DayRange,
    Every,
    Exact,
    Fuzzy,
    Id,
    InstantRange,
    Length,
    Near,
    Not,
    Nothing,
    Or,
    SameParagraph,
    SameSentence,
    Value,
    Wildcard,
    Word,
)
from search.records import Article
from tests.keyword_oracle import Oracle, columns, make_index, save
from tests.keyword_trees import MORE, WORDS, articles, condition, operand

ARTICLES = articles(11, 80)
VISIBLE = np.random.default_rng(5).random(80) < 0.8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def views(folder):
    """The same visible articles in three segments, some hidden; and merged into one, without them."""
    index = make_index(folder, [ARTICLES[:30], ARTICLES[30:31], ARTICLES[31:]])
    keep = [VISIBLE[b : b + len(s)] for s, b in zip(index.segments, index.bases[:-1], strict=True)]
    kept = [a for a, seen in zip(ARTICLES, VISIBLE, strict=True) if seen]
    arrays, meta = merge_parts([segment.part for segment in index.segments], keep)
    merged = KeywordIndex([save(folder, arrays, meta)], columns(kept), Bm25Settings())
    return index.at(VISIBLE), merged.at(np.ones(len(kept), bool)), Oracle(ARTICLES, VISIBLE)


def found(view, node) -> set[int]:
    return set(np.flatnonzero(view.match(node)).tolist())


@given(seed=st.integers(0, 2**32), depth=st.integers(0, 3))
@settings(max_examples=400 * MORE, deadline=None)
def test_brute_force(views, seed, depth):
    view, merged, oracle = views
    node = condition(random.Random(seed), depth)
    expected = oracle.match(node)
    assert found(view, node) == expected
    place = np.flatnonzero(VISIBLE)
    assert {int(place[i]) for i in found(merged, node)} == expected


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60 * MORE, deadline=None)
def test_blocks_do_not_show(views, seed):
    """Positions are joined a stretch of articles at a time, wherever that is cut."""
    view, _, oracle = views
    rnd = random.Random(seed)
    node = rnd.choice([operand(rnd, 3), AtLeast(2, operand(rnd, 2))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proximity, "BLOCK", 7)
        patch.setattr(proximity, "FEW", rnd.choice([0, 1 << 21]))
        patch.setattr(grid, "_MARKED", rnd.choice([1, 20, 128, 1 << 40]))
        patch.setattr(grid, "_DEARER", rnd.choice([0, 8, 1 << 40]))
        patch.setattr(grid, "_WAITS", rnd.random() < 0.5)
        patch.setattr(grid, "_CHUNK", rnd.choice([1, 5, 1 << 14]))
        patch.setattr(match, "_FEW_SHARE", rnd.choice([0, 8, 1 << 40]))
        patch.setattr(occurrences, "TABLE", rnd.choice([1, 1 << 22]))
        patch.setattr(occurrences, "_RARE", rnd.choice([0, 16, 1 << 22]))
        patch.setattr(joins, "_LOOKED_UP", rnd.choice([0, 16]))
        patch.setattr(places, "_LOOKED_UP", rnd.choice([0, 4, 1 << 22]))
        patch.setattr(occurrences, "_WHOLE", rnd.choice([0, 1 << 19]))
        patch.setattr(places, "_FEW", rnd.choice([0, 400]))
        view.index._cache = Cache(rnd.choice([0, 200, 1 << 22]))
        view.index.__dict__.pop("grids", None)
        assert found(view, node) == oracle.match(node)


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_match_words_is_and_of_words(views, words):
    from search.keyword.rank.scoring import wanted

    view, _, oracle = views
    having = [{at.term for at in tokens} for tokens in oracle.tokens]
    expected = {
        i
        for i, terms in enumerate(having)
        if oracle.visible[i] and all(any(terms.issuperset(row) for row in rows) for rows in wanted(words))
    }
    assert set(np.flatnonzero(view.match_words(words)).tolist()) == expected


# What operators mean, on articles of one sentence or two.


def ids(tmp_path, texts, node) -> list[int]:
    made = [text if isinstance(text, Article) else Article(id=str(i), text=text) for i, text in enumerate(texts)]
    return np.flatnonzero(make_index(tmp_path, [made]).at(np.ones(len(made), bool)).match(node)).tolist()


def word(text):
    return Word(None, text)


NEAR = [
    "alpha beta",
    "beta alpha",
    "alpha one beta",
    "alpha one two beta",
    "alpha. beta",
    "beta one two alpha",
    "alpha",
]


@pytest.mark.parametrize(
    ("distance", "ordered", "expected"),
    [(1, False, [0, 1, 4]), (2, False, [0, 1, 2, 4]), (3, False, [0, 1, 2, 3, 4, 5]), (1, True, [0, 4]),
     (3, True, [0, 2, 3, 4]), (0, False, []), (255, True, [0, 2, 3, 4])],
)  # fmt: skip
def test_near_counts_the_next_word_as_one(tmp_path, distance, ordered, expected):
    assert ids(tmp_path, NEAR, Near(word("alpha"), word("beta"), distance, ordered)) == expected


def test_near_measures_phrases_from_their_nearer_ends(tmp_path):
    texts = ["supreme court one two ban", "ban one two supreme court", "supreme court one two three ban"]
    assert ids(tmp_path, texts, Near(word("supreme court"), word("ban"), 3)) == [0, 1]
    assert ids(tmp_path, texts, Near(word("ban"), word("supreme court"), 3, ordered=True)) == [1]


def test_no_word_is_near_itself(tmp_path):
    texts = ["alpha one", "alpha one alpha", "alpha beta gamma", "alpha beta alpha beta"]
    assert ids(tmp_path, texts, Near(word("alpha"), word("alpha"), 5)) == [1, 3]
    assert ids(tmp_path, texts, Near(word("alpha beta"), word("beta"), 5)) == [3]
    assert ids(tmp_path, texts, SameSentence(word("alpha"), word("alpha"))) == [1, 3]
    assert ids(tmp_path, texts, SameSentence(word("alpha beta gamma"), word("beta"))) == []
    assert ids(tmp_path, texts, Near(Or([word("alpha"), word("beta")]), word("beta"), 1)) == [2, 3]


def test_what_stands_inside_a_proximity_is_near_it(tmp_path):
    texts = ["alpha one gamma two beta", "alpha beta gamma", "gamma one two three alpha beta", "alpha beta"]
    inner = Near(word("alpha"), word("beta"), 4)
    assert ids(tmp_path, texts, Near(inner, word("gamma"), 1)) == [0, 1]
    assert ids(tmp_path, texts, Near(inner, word("gamma"), 4)) == [0, 1, 2]
    assert ids(tmp_path, texts, Near(inner, word("alpha"), 4)) == []
    assert ids(tmp_path, texts, Near(word("gamma"), inner, 4, ordered=True)) == [2]
    assert ids(tmp_path, texts, SameSentence(inner, word("gamma"))) == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(-3, 1 << 29), st.integers(0, 9)), max_size=20), st.sampled_from([0, 33]))
def test_spans_are_sorted_without_repeats(spans, shift):
    starts = np.array([start << shift for start, _ in spans], np.int64)
    found = joins.unique_spans(starts, starts + [length for _, length in spans], False)
    assert list(zip(found.starts.tolist(), found.ends.tolist(), strict=True)) == sorted(
        {(start << shift, (start << shift) + length) for start, length in spans}
    )


def test_a_span_may_end_behind_those_that_start_later():
    left = joins.Spans(np.array([1, 2]), np.array([9, 3]), False)
    assert joins.near_places(left, joins.words(np.array([5])), 5, True).tolist() == [2]


def test_sentences_and_paragraphs(tmp_path):
    texts = [
        "Alpha met beta.",
        "Alpha left. Beta came.",
        "Alpha left.\n\nBeta came.",
        Article(id="3", title="Alpha", text="Beta came."),
        Article(id="4", title="Alpha beta"),
    ]
    assert ids(tmp_path, texts, SameSentence(word("alpha"), word("beta"))) == [0, 4]
    assert ids(tmp_path, texts, SameParagraph(word("alpha"), word("beta"))) == [0, 1, 4]
    assert ids(tmp_path, texts, Near(word("alpha"), word("beta"), 255)) == [0, 1, 2, 4]  # never from title to text
    assert ids(tmp_path, texts, SameSentence(word("left beta"), word("came"))) == []  # the phrase is in two sentences


def test_phrases_are_stems_in_a_row(tmp_path):
    texts = ["Supreme Courts", "court supreme", Article(id="2", title="Supreme", text="Court"), "supreme high court"]
    assert ids(tmp_path, texts, word("supreme court")) == [0]
    assert ids(tmp_path, texts, word("SUPREME court's")) == [0]
    assert ids(tmp_path, texts, Word("title", "supreme")) == [2]
    assert ids(tmp_path, texts, Word("text", "court")) == [0, 1, 2, 3]
    assert ids(tmp_path, ["had had it", "had it"], word("had had")) == [0]
    for nothing in ("", " ", "—", "..."):
        assert ids(tmp_path, texts, word(nothing)) == []


def test_names_meet(tmp_path):
    texts = ["Sa'ar spoke", "Sa’ar spoke", "Saar spoke", "Beyoncé sang", "Beyonce sang", "the U.S. left", "the US left"]
    assert ids(tmp_path, texts, word("sa'ar")) == [0, 1, 2]
    assert ids(tmp_path, texts, word("BEYONCE")) == [3, 4]
    assert ids(tmp_path, texts, word("u.s.")) == [5, 6]
    assert ids(tmp_path, ["Al-Qaddoumi", "al Qaddoumi", "Qaddoumi al"], word("al-qaddoumi")) == [0, 1]


def test_exact_compares_letters(tmp_path):
    texts = ["Polish vodka", "polish it", "Polished", "the Polish Vodka", "Beyoncé", "Beyonce"]
    assert ids(tmp_path, texts, Exact(None, "Polish")) == [0, 3]
    assert ids(tmp_path, texts, Exact(None, "polish")) == [1]
    assert ids(tmp_path, texts, Exact(None, "Polish vodka")) == [0]
    assert ids(tmp_path, texts, Exact(None, "Beyonce")) == [5]
    assert ids(tmp_path, texts, Exact("title", "Polish")) == []
    assert ids(tmp_path, texts, Exact(None, "")) == []
    assert ids(tmp_path, texts, Near(Exact(None, "the"), Exact(None, "Vodka"), 2)) == [3]


def test_wildcards_and_fuzzy_words_compare_folded_words(tmp_path):
    texts = ["Terrorists", "terror", "error", "Netanyahu", "Netanjahu", "Nétanyahou", "al-Qaeda", "Al Qaida", "women"]
    assert ids(tmp_path, texts, Wildcard(None, "TERROR*")) == [0, 1]
    assert ids(tmp_path, texts, Wildcard(None, "terror?")) == []
    assert ids(tmp_path, texts, Wildcard(None, "*err*")) == [0, 1, 2]
    assert ids(tmp_path, texts, Wildcard(None, "wom?n")) == [8]
    assert ids(tmp_path, texts, Wildcard(None, "Al-Qa*")) == [6, 7]
    assert ids(tmp_path, texts, Fuzzy(None, "Netanyahu", 1)) == [3, 4, 5]
    assert ids(tmp_path, texts, Fuzzy(None, "Netanyahu", 0)) == [3]
    assert ids(tmp_path, texts, Fuzzy(None, "al-Qaeda", 1)) == [6, 7]
    assert ids(tmp_path, ["courting the court", "courts"], Near(Wildcard(None, "courti*"), word("court"), 2)) == [0]
    assert ids(tmp_path, ["running", "runs", "ran"], Wildcard(None, "runn*")) == [0]  # not the others of its stem
    for nothing in (Wildcard(None, ""), Fuzzy(None, "—", 1), Wildcard("title", "terror*")):
        assert ids(tmp_path, texts, nothing) == []


def test_atleast_counts_occurrences(tmp_path):
    texts = [
        "court courts",
        "court. Courts! COURT",
        Article(id="2", title="Court", text="court one court"),
        "court war court",
    ]
    assert ids(tmp_path, texts, AtLeast(3, word("court"))) == [1, 2]
    assert ids(tmp_path, texts, AtLeast(3, Or([word("court"), word("war")]))) == [1, 2, 3]
    assert ids(tmp_path, texts, AtLeast(3, Or([word("court"), word("courts")]))) == [1, 2]  # each occurrence once
    assert ids(tmp_path, texts, AtLeast(2, Word("text", "court"))) == [0, 1, 2, 3]
    assert ids(tmp_path, texts, AtLeast(1, word("court courts"))) == [0, 1]
    assert ids(tmp_path, texts, AtLeast(0, word("absent"))) == [0, 1, 2, 3]
    assert ids(tmp_path, texts, Not(AtLeast(3, word("court")))) == [0, 3]


METADATA = [
    Article(id="1", source="The Hindu", authors=("Jane Roe", "Ann Lee"), section="World", language="en"),
    Article(id="2", source="The Hindu Business Line", agency="AP", dateline="NEW DELHI"),
    Article(id="3", source="hindu", authors=("Lee Jane",), agency="Jane Wire"),
]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Value("source", "hindu"), [0, 1, 2]),
        (Value("source", "The Hindu"), [0, 1]),
        (Value("source", "the HINDU", whole=True), [0]),
        (Value("source", "Hindu Line"), []),
        (Value("authors", "Roe Ann"), []),  # two values
        (Value("by", "jane"), [0, 2]),
        (Value("by", "Jane Wire", whole=True), [2]),
        (Value("by", "AP"), [1]),
        (Value("agency", "lee"), []),
        (Value("dateline", "new delhi", whole=True), [1]),
        (Value("section", "world"), [0]),
        (Value("language", "EN", whole=True), [0]),
        (Value("source", ""), []),
        (Value("source", "", whole=True), []),
        (Id(("2", "nothing")), [1]),
        (Id(()), []),
    ],
    ids=repr,
)
def test_metadata(tmp_path, node, expected):
    assert ids(tmp_path, METADATA, node) == expected


IST = timezone(timedelta(hours=5, minutes=30))
DATED = [
    Article(id="0", published=date(2025, 2, 1)),
    Article(id="1", published=datetime(2025, 2, 1, 23, 59, tzinfo=UTC)),
    Article(id="2", published=datetime(2025, 2, 2, 1, 0, tzinfo=IST)),  # 1 February in UTC
    Article(id="3", text="undated words here"),
]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (DayRange(date(2025, 2, 1), date(2025, 2, 1)), [0, 1]),
        (DayRange(date(2025, 2, 2), None), [2]),
        (DayRange(None, date(2025, 2, 1)), [0, 1]),
        (DayRange(None, None), [0, 1, 2]),
        (DayRange(date(2025, 2, 2), date(2025, 2, 1)), []),
        (InstantRange(datetime(2025, 2, 1, 19, 30, tzinfo=UTC), None), [1, 2]),
        (InstantRange(None, datetime(2025, 2, 1, 19, 30, tzinfo=UTC)), [0, 2]),
        (InstantRange(None, None), [0, 1, 2]),
        (Not(DayRange(None, None)), [3]),
        (Length(1, None), [3]),
        (Length(None, 0), [0, 1, 2]),
        (Length(3, 3), [3]),
        (Length(4, None), []),
        (Length(-5, None), [0, 1, 2, 3]),
    ],
    ids=repr,
)
def test_columns(tmp_path, node, expected):
    assert ids(tmp_path, DATED, node) == expected


def test_conditions(tmp_path):
    texts = ["alpha", "beta", "alpha beta", ""]
    a, b = word("alpha"), word("beta")
    for node, expected in (
        (And([a, b]), [2]),
        (And([]), []),
        (And([a]), [0, 2]),
        (Or([]), []),
        (Not(a), [1, 3]),
        (Not(Nothing()), [0, 1, 2, 3]),
        (And([a, Nothing()]), []),
        (And([Every(), Not(Or([a, b]))]), [3]),
        (Every(), [0, 1, 2, 3]),
        (Nothing(), []),
    ):
        assert ids(tmp_path, texts, node) == expected, node


def test_hidden_articles_never_match(folder):
    index = make_index(folder, [ARTICLES])
    for node in (Every(), Not(word("peace")), word("peace"), Near(word("peace"), word("war"), 9), Length(None, None)):
        assert not index.at(np.zeros(80, bool)).match(node).any()
        everywhere = index.at(np.ones(80, bool)).match(node)
        assert (index.at(VISIBLE).match(node) == (everywhere & VISIBLE)).all()


# Refusals.


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Near(And([word("a"), word("b")]), word("c"), 3), "AND has no place among words"),
        (SameSentence(Not(word("a")), word("c")), "NOT has no place"),
        (Near(Value("source", "bbc"), word("c"), 3), "a field has no place"),
        (Near(Or([word("a"), DayRange(None, None)]), word("c"), 3), "DayRange has no place"),
        (Near(AtLeast(2, word("a")), word("c"), 3), "atleast has no place"),
        (AtLeast(2, And([word("a"), word("b")])), "AND has no place"),
        (Near(word("a"), word("b"), 256), "reach from 0 to 255"),
        (Near(word("a"), word("b"), -1), "reach from 0 to 255"),
        (And([word("absent"), Near(word("a"), Near(word("a"), word("b"), 900), 2)]), "reach from 0 to 255"),
        (Fuzzy(None, "gaza", 3), "0 to 2 letters"),
    ],
    ids=repr,
)
def test_what_has_no_meaning_is_refused(views, node, message):
    for view in views[:2]:
        with pytest.raises(QueryError, match=message):
            view.match(node)


def test_expansion_is_bounded(tmp_path):
    made = [Article(id="0", text=" ".join(f"word{i}" for i in range(3000)))]
    view = make_index(tmp_path, [made]).at(np.ones(1, bool))
    with pytest.raises(QueryError, match="more than 2,000"):
        view.match(Wildcard(None, "w*"))
    assert view.match(Wildcard(None, "word29*")).tolist() == [True]


def test_deep_trees(views):
    view = views[0]
    node = word("peace")
    for _ in range(5000):
        node = Not(And([Or([node])]))
    assert found(view, node) == found(view, word("peace"))
    joined = word("peace")
    for _ in range(63):
        joined = Near(joined, word("war"), 255)
    view.match(joined)
    with pytest.raises(QueryError, match="64 deep"):
        view.match(Near(joined, word("war"), 255))


def test_joins_of_very_frequent_words_are_refused(folder, monkeypatch):
    monkeypatch.setattr(joins, "MOST_PAIRS", 100)
    view = make_index(folder, [[Article(id="0", text="alpha " * 50)]]).at(np.ones(1, bool))
    inner = Near(word("alpha"), word("alpha"), 50)
    assert view.match(inner).all()  # at the top only whether there is one is asked
    with pytest.raises(QueryError, match="too frequent"):
        view.match(Near(Near(inner, word("alpha"), 50), word("alpha"), 5))


def test_damage_is_reported(folder):
    from search.keyword.part.layout import KIND
    from search.storage.container import open_part, write_part

    index = make_index(folder, [ARTICLES])
    arrays = index.segments[0].part.arrays()
    arrays["docs"] = np.full_like(arrays["docs"], 9999)
    write_part(folder / "bad", KIND, arrays, index.segments[0].part.meta)
    view = KeywordIndex([open_part(folder / "bad", KIND)], columns(ARTICLES), Bm25Settings()).at(np.ones(80, bool))
    for ask in (lambda: view.match(word("peace")), lambda: view.rank(["peace"], None, None, 5)):
        with pytest.raises(ArchiveDamaged, match="doctor"):
            ask()
    with pytest.raises(ArchiveDamaged, match="differ"):
        KeywordIndex([index.segments[0].part], columns(ARTICLES[:-1]), Bm25Settings())


# Nodes are values.


def test_nodes_are_values():
    a, b = word("x"), Near(word("x"), Word("title", "y z"), 3)
    assert a == word("x")
    assert a != Word("title", "x")
    assert a != b
    assert hash(b) == hash(copy.deepcopy(b))
    assert copy.deepcopy(b) == b
    assert repr(b) == f"Near(left={a!r}, right=Word(field='title', text='y z'), distance=3, ordered=False)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.text = "y"
    assert And([a, b]) == And((a, b)) != Or([a, b])
    assert b.children == (b.left, b.right)
    assert AtLeast(2, a).children == Not(a).children == And([a]).children == (a,)
    assert a.children == Every().children == Nothing().children == ()
    for wrong in (lambda: Word("source", "x"), lambda: Value("title", "x"), lambda: Exact("", "x")):
        with pytest.raises(ValueError, match="unknown field"):
            wrong()


# Highlights.


def test_highlights():
    text = "The courts of Sa’ar’s U.S. rival: COURT-martial, courteous."
    spans = highlight(text, ["court", "Saar", "u.s."])
    assert [text[start:end] for start, end in spans] == ["courts", "Sa’ar’s", "U.S", "COURT"]
    assert highlight(text, []) == []
    assert highlight("", ["court"]) == []
    assert [text[s:e] for s, e in highlight(text, ["the", "courteous"])] == ["courteous"]
    assert [text[s:e] for s, e in highlight(text, ["the", "of"])] == ["The", "of"]
    decomposed = "Beyonce\u0301 sang"
    assert [decomposed[s:e] for s, e in highlight(decomposed, ["beyoncé"])] == ["Beyonce\u0301"]


def test_suggestions(tmp_path):
    made = [Article(id=str(i), text="Netanyahu met ministers") for i in range(5)]
    view = make_index(tmp_path, [made]).at(np.ones(5, bool))
    assert view.suggest("Netanyhau") == "Netanyahu"
    assert view.suggest("minister") is None  # its stem is known
    assert view.suggest("Netanyahu") is None
    assert view.suggest("two words") is None
    assert view.suggest("") is None
