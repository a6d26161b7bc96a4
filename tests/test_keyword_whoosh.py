"""Stock Whoosh over our codec: every query type runs, and finds what the vectorised evaluator finds."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh import query as whoosh
from whoosh.qparser import QueryParser

import search.keyword.whoosh.codec as codec
import search.keyword.whoosh.foreign as foreign
from search.errors import QueryError
from search.keyword import Bm25Settings, KeywordIndex, tree
from search.keyword.analysis import analyze
from search.keyword.part.merge import merge_parts
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.readings import readings, words_of
from search.keyword.tree import And, Foreign, Near, Not, Or, Word
from search.keyword.whoosh import from_query, schema, to_query
from search.keyword.whoosh.nodes import NodeQuery
from search.records import Article
from tests.keyword_oracle import columns, make_index, save
from tests.keyword_trees import MORE, WORDS, articles, condition, spanned, stock, stock_leaf

ARTICLES = articles(11, 80)
VISIBLE = np.random.default_rng(5).random(80) < 0.8


@pytest.fixture(autouse=True)
def no_pickle(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "dump", "dumps", "Unpickler", "Pickler"):
        monkeypatch.setattr(pickle, name, refuse)


@pytest.fixture(autouse=True)
def sound_matchers(monkeypatch):
    """The array matcher that stock Whoosh prefers in small indexes forgets the last documents when it is skipped."""
    monkeypatch.setattr(whoosh.Or, "matcher_type", whoosh.Or.DEFAULT_MATCHER)


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """The same visible articles in three segments, some hidden; and merged into one, without them."""
    folder = tmp_path_factory.mktemp("parts")
    index = make_index(folder, [ARTICLES[:30], ARTICLES[30:31], ARTICLES[31:]])
    keep = [VISIBLE[b : b + len(s)] for s, b in zip(index.segments, index.bases[:-1], strict=True)]
    kept = [a for a, seen in zip(ARTICLES, VISIBLE, strict=True) if seen]
    arrays, meta = merge_parts([segment.part for segment in index.segments], keep)
    merged = KeywordIndex([save(folder, arrays, meta)], columns(kept), Bm25Settings())
    return index.at(VISIBLE), merged.at(np.ones(len(kept), bool))


def by_whoosh(view, node) -> set[int]:
    docs = {row + offset for leaf, offset in view.searcher.leaf_searchers() for row in node.docs(leaf)}
    return docs & set(np.flatnonzero(view.visible).tolist())


def by_us(view, node) -> set[int]:
    return set(np.flatnonzero(view.match(Foreign(node))).tolist())


@given(seed=st.integers(0, 2**32), depth=st.integers(0, 3))
@settings(max_examples=300 * MORE, deadline=None)
def test_matches_are_those_of_stock_whoosh(views, seed, depth):
    view, merged = views
    node = stock(random.Random(seed), depth)
    found = by_us(view, node)
    assert found == by_whoosh(view, node)
    place = np.flatnonzero(VISIBLE)
    again = by_us(merged, node)
    assert {int(place[i]) for i in again} == found
    assert again == by_whoosh(merged, node)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=80 * MORE, deadline=None)
def test_compounds_are_sets(views, seed):
    """AndNot, Require, Otherwise and DisjunctionMax as they are meant, which stock Whoosh gets wrong here and there."""
    view, _ = views
    rnd = random.Random(seed)
    a, b = stock_leaf(rnd), stock_leaf(rnd)
    left, right = by_whoosh(view, a), by_whoosh(view, b)
    everything = set(np.flatnonzero(VISIBLE).tolist())
    assert by_us(view, whoosh.AndNot(a, b)) == left - right
    assert by_us(view, whoosh.Require(a, b)) == left & right
    assert by_us(view, whoosh.AndMaybe(a, b)) == left
    assert by_us(view, whoosh.DisjunctionMax([a, whoosh.Not(b)])) == left | (everything - right)
    assert by_us(view, whoosh.Otherwise(a, b)) == (left or right)
    assert by_us(view, whoosh.Or([whoosh.And([a, b]), whoosh.Not(whoosh.Not(b))])) == right


@pytest.mark.parametrize(
    "node",
    [
        whoosh.Term("title", "court"),
        whoosh.Term("authors", "lee", boost=2.0),
        whoosh.And([whoosh.Term("text", "court"), whoosh.Term("text", "war")]),
        whoosh.Or([whoosh.Term("text", "court"), whoosh.Term("title", "war")]),
        whoosh.Phrase("text", ["suprem", "court"]),
        whoosh.Prefix("text", "c"),
        whoosh.Wildcard("text", "c*t"),
        whoosh.FuzzyTerm("text", "cort"),
        whoosh.Regex("text", "c.*t"),
        whoosh.TermRange("text", "a", "d"),
        whoosh.Every(),
        whoosh.Every("caption"),
        whoosh.AndMaybe(whoosh.Term("text", "court"), whoosh.Term("text", "war")),
        whoosh.ConstantScoreQuery(whoosh.Term("text", "court")),
        whoosh.SpanNear(whoosh.Term("text", "court"), whoosh.Term("text", "war"), slop=3),
        whoosh.SpanFirst(whoosh.Term("text", "court"), limit=2),
    ],
    ids=repr,
)
def test_a_stock_search_with_scores(views, node):
    """Searcher.search drives scorers, collectors and qualities; limit=None and a limit must agree."""
    for view in views:
        with_all = view.searcher.search(node, limit=None)
        assert {hit.docnum for hit in with_all} == by_us(view, node)
        few = view.searcher.search(node, limit=3)
        assert [round(hit.score, 6) for hit in few] == [round(hit.score, 6) for hit in with_all][:3]


def test_our_nodes_in_a_stock_search(views):
    for view in views:
        node = whoosh.And([whoosh.Term("text", "court"), to_query(Near(Word(None, "peace"), Word(None, "war"), 9))])
        assert by_us(view, node)
        assert by_whoosh(view, node) == by_us(view, node)
        assert {hit.docnum for hit in view.searcher.search(node, limit=None)} == by_us(view, node)


def test_a_parsed_query(views):
    parser = QueryParser("text", schema())
    for view in views:
        for text in ("courts AND NOT war", 'title:talks OR "supreme court"', "c*t Beyoncé", "authors:lee", "U.S."):
            node = parser.parse(text)
            assert by_us(view, node) == by_whoosh(view, node)
    assert parser.parse("Courts") == whoosh.Term("text", "court")
    assert parser.parse("authors:Courts") == whoosh.Term("authors", "courts")


def test_statistics(views):
    view, merged = views
    for leaf in (view.searcher.reader(), merged.searcher.reader()):
        assert leaf.doc_count() == int(VISIBLE.sum())
        assert leaf.doc_frequency("text", "court") == len(by_us(view, whoosh.Term("text", "court")))
        assert leaf.doc_frequency("text", "absent") == 0
        assert leaf.frequency("text", "absent") == 0
        assert ("text", "court") in leaf
        assert ("text", "absent") not in leaf
        assert ("nothing", "court") not in leaf
    both = view.searcher.reader(), merged.searcher.reader()
    assert list(both[0].lexicon("text")) == list(both[1].lexicon("text"))
    assert list(both[0].all_terms()) == list(both[1].all_terms())
    assert sorted(both[0].indexed_field_names()) == sorted(both[1].indexed_field_names())
    for name in ("text", "title", "authors"):
        assert both[0].field_length(name) == both[1].field_length(name)
    info = [reader.term_info("text", "court") for reader in both]
    assert info[0].weight() == info[1].weight() == both[0].frequency("text", "court")
    assert info[0].max_weight() == info[1].max_weight()
    assert info[0].min_length() == info[1].min_length()
    assert view.searcher.reader().term_info("text", "court").weight() == info[0].weight()  # asking changes nothing


def test_the_dictionary_is_that_of_the_visible_articles(tmp_path, monkeypatch):
    """Of each field, counted one article at a time; a word that stands 300 times in one takes more than a byte."""
    monkeypatch.setattr(codec, "_POSTINGS", 50)  # a few terms at a time
    made = [*ARTICLES, Article(id="often", title="courts", text="court " * 300 + "once")]
    seen = np.append(VISIBLE, True)
    reader = make_index(tmp_path, [made[:40], made[40:]]).at(seen).searcher.reader()
    visible = [article for article, is_seen in zip(made, seen, strict=True) if is_seen]
    for name in tree.TEXT_FIELDS:
        texts = [" ".join((*a.authors, a.agency)) if name == "byline" else getattr(a, name) for a in visible]
        tokens = [token.term for text in texts for token in analyze(text)]
        others = [one.token.term for text in texts for one in readings(text)]
        assert list(reader.field_terms(name)) == sorted({*tokens, *others}, key=str.encode)
        assert reader.field_length(name) == len(tokens)
    for name in ("source", "section", "authors", "agency", "language"):
        values = [getattr(a, name) for a in visible]
        words = [
            word
            for value in values
            for text in ([value] if isinstance(value, str) else value)
            for word in words_of(text)
        ]
        assert list(reader.field_terms(name)) == sorted(set(words), key=str.encode)
        assert reader.field_length(name) == len(words)
    assert reader.frequency("text", "court") - 300 == sum(
        token.term == "court" for a in visible[:-1] for token in analyze(a.text)
    )
    assert list(reader.field_terms("id")) == sorted(a.id for a in visible)


@pytest.fixture(scope="module")
def one_field(tmp_path_factory):
    """Articles that have nothing but a text, in two segments."""
    texts = [Article(id=article.id, text=article.text) for article in ARTICLES]
    return make_index(tmp_path_factory.mktemp("texts"), [texts[:33], texts[33:]], Bm25Settings(near=0.0, exact=0.0)).at(
        VISIBLE
    )


@given(words=st.lists(st.sampled_from([*WORDS, "absent"]), min_size=1, max_size=4))
@settings(max_examples=60 * MORE, deadline=None)
def test_one_field_scores_as_whoosh_does_exhaustively(one_field, words):
    terms = Counter(token.term for token in scoring_tokens(words))
    query = whoosh.Or([whoosh.Term("text", term, boost=float(count)) for term, count in terms.items()])
    hits = one_field.searcher.search(query, limit=None)
    expected = {hit.docnum: hit.score for hit in hits}
    ordinals, scores = one_field.rank(words, None, None, 80)
    assert set(ordinals.tolist()) == set(expected)
    assert scores.tolist() == pytest.approx([expected[i] for i in ordinals.tolist()], rel=1e-6)


@given(seed=st.integers(0, 2**32), depth=st.integers(0, 3))
@settings(max_examples=200 * MORE, deadline=None)
def test_our_trees_mean_the_same_to_stock_whoosh(views, seed, depth):
    """Each node as Whoosh's own query, by Whoosh's own matchers. Whoosh loses its way in Not below Not."""
    node = condition(random.Random(seed), depth)
    for view in views:
        matches = set(np.flatnonzero(view.match(node)).tolist())
        assert set(np.flatnonzero(view.match(from_query(to_query(node)))).tolist()) == matches
        if nested_nots(node) < 2:
            assert by_whoosh(view, to_query(node)) == matches


def nested_nots(node) -> int:
    return isinstance(node, Not) + max((nested_nots(child) for child in node.children), default=0)


def test_what_has_a_class_in_whoosh_becomes_that_class():
    query = to_query(And([Word(None, "U.S. courts"), Not(tree.Value("by", "Jane Roe")), tree.Length(3, None)]))
    assert query == whoosh.And(
        [
            whoosh.Or([whoosh.Phrase(name, ["us", "court"]) for name in tree.TEXT_FIELDS]),
            whoosh.Not(whoosh.Or([whoosh.Phrase(name, ["jane", "roe"]) for name in ("authors", "agency")])),
            whoosh.NumericRange("length", 3, None),
        ]
    )
    assert to_query(tree.Id(("a1",))) == whoosh.Term("id", "a1")
    assert to_query(Foreign(whoosh.Term("text", "x"))) == whoosh.Term("text", "x")
    assert to_query(tree.Exact(None, "x")) == NodeQuery(tree.Exact(None, "x"))
    assert from_query(to_query(tree.Exact(None, "x"))) == tree.Exact(None, "x")


@pytest.mark.parametrize(
    ("query", "node"),
    [
        (whoosh.NullQuery, tree.Nothing()),
        (whoosh.Every(), tree.Every()),
        (
            whoosh.DateRange("published", datetime(2025, 2, 1), datetime(2025, 2, 2), startexcl=True, endexcl=True),
            tree.InstantRange(datetime(2025, 2, 1, 0, 0, 0, 1), datetime(2025, 2, 1, 23, 59, 59, 999999)),
        ),
        (whoosh.DateRange("published", datetime.max, None, startexcl=True), tree.Nothing()),
        (whoosh.NumericRange("length", 3, 5, startexcl=True, endexcl=True), tree.Length(4, 4)),
        (whoosh.NumericRange("length", None, 5), tree.Length(None, 5)),
        (whoosh.Wildcard("title", "*"), Foreign(whoosh.Every("title"))),
        (whoosh.Wildcard("title", "[ab]*"), Foreign(whoosh.Wildcard("title", "[ab]*"))),
        (
            whoosh.AndNot(whoosh.Term("title", "a"), whoosh.Require(whoosh.Term("title", "b"), whoosh.NullQuery)),
            And([Foreign(whoosh.Term("title", "a")), Not(And([Foreign(whoosh.Term("title", "b")), tree.Nothing()]))]),
        ),
        (whoosh.DisjunctionMax([whoosh.Every(), whoosh.NullQuery]), Or([tree.Every(), tree.Nothing()])),
    ],
    ids=repr,
)
def test_whoosh_queries_as_nodes(query, node):
    assert from_query(query) == node


def test_numbers_and_dates_are_ranges_to_whoosh(views):
    """Whoosh's tiered ranges, over terms that are worked out from the columns."""
    view, _ = views
    for low, high in ((None, 12), (3, 12), (5, None), (0, 0), (None, None), (7, 300), (9, 2)):
        expected = set(np.flatnonzero(view.match(tree.Length(low, high))).tolist())
        assert by_whoosh(view, whoosh.NumericRange("length", low, high)) == expected
        assert by_us(view, whoosh.NumericRange("length", low, high)) == expected
    first, last = datetime(2025, 1, 7), datetime(2025, 2, 11, 13)
    for start, end in ((first, last), (None, last), (first, None), (None, None), (last, first)):
        expected = set(np.flatnonzero(view.match(tree.InstantRange(start, end))).tolist())
        assert by_whoosh(view, whoosh.DateRange("published", start, end)) == expected
        assert by_us(view, whoosh.DateRange("published", start, end)) == expected
    lengths = np.concatenate([segment.lengths[:, -1] for segment in view.index.segments])[VISIBLE]
    field = schema()["length"]
    assert {field.from_bytes(term) for term in field.sortable_terms(view.searcher.reader(), "length")} >= set(
        lengths.tolist()
    )
    assert by_whoosh(view, whoosh.Term("length", 0)) == set(np.flatnonzero(view.match(tree.Length(0, 0))).tolist())


def test_what_we_do_not_know_goes_to_whoosh(views):
    class Unheard(whoosh.Term):
        pass

    view, _ = views
    assert by_us(view, Unheard("text", "court")) == by_us(view, whoosh.Term("text", "court"))
    inside = whoosh.And(
        [whoosh.SpanCondition(whoosh.Term("text", "court"), whoosh.Term("text", "war")), to_query(tree.Length(1, 9))]
    )
    both = by_us(
        view, whoosh.And([whoosh.Term("text", "court"), whoosh.Term("text", "war"), to_query(tree.Length(1, 9))])
    )
    assert by_us(view, inside) == both


def test_what_whoosh_cannot_do_is_a_query_error(views):
    class Broken(whoosh.Query):
        def matcher(self, searcher, context=None):
            raise ZeroDivisionError("no")

    view, _ = views
    with pytest.raises(QueryError, match="cannot evaluate Broken"):
        view.match(Foreign(Broken()))
    with pytest.raises(QueryError, match="'length'"):
        view.match(Foreign(whoosh.NumericRange("text", 1, 2)))
    deep = whoosh.Term("text", "court")
    for _ in range(3000):
        deep = Wrapped(deep)
    with pytest.raises(QueryError, match="too deep"):
        view.match(Foreign(deep))


class Wrapped(whoosh.Query):
    def __init__(self, child):
        self.child = child

    def matcher(self, searcher, context=None):
        return self.child.matcher(searcher, context)


def test_an_empty_archive(tmp_path):
    for batches in ([], [[]]):
        view = make_index(tmp_path, batches).at(np.ones(0, bool))
        assert view.match(Foreign(whoosh.Term("text", "court"))).tolist() == []
        if batches:
            assert view.searcher.search(whoosh.Term("text", "court")).scored_length() == 0


def test_spans_below_or_are_left_to_nobody(views):
    assert not spanned(whoosh.Term("text", "court"))
    assert spanned(whoosh.Or([whoosh.SpanFirst(whoosh.Term("text", "court"))]))


def test_what_stands_for_too_many_terms_is_refused(views, monkeypatch):
    monkeypatch.setattr(foreign, "MOST_TERMS", 3)
    for node in (whoosh.TermRange("text", "a", "z"), whoosh.Wildcard("text", "?*"), whoosh.Regex("text", ".")):
        with pytest.raises(QueryError, match="more than 3 words"):
            views[0].match(Foreign(node))
