"""Sets of places as bits, the grid of addresses they stand in, and proximity of words that nearly every article has."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh.query import Or

import search.keyword.frequent as frequent
import search.keyword.grid as grid
from search.keyword import bits
from search.keyword.occurrences import Part, phrase, unit_starts
from search.keyword.proximity import Proximity
from search.keyword.tree import Near, SameParagraph, SameSentence, Word
from search.records import Article
from tests.keyword_oracle import Oracle, make_index
from tests.keyword_trees import MORE, articles

WORDS = 5
PLACES = st.lists(st.integers(0, 64 * WORDS - 1), unique=True).map(sorted)


def packed(places):
    return bits.pack(np.array(places, np.int32), WORDS)


def places_of(marks):
    return np.flatnonzero(np.unpackbits(marks.view(np.uint8), bitorder="little")).tolist()


def inside(places):
    return sorted({place for place in places if 0 <= place < 64 * WORDS})


@given(PLACES, st.integers(0, 64), st.integers(1, 64))
@settings(deadline=None)
def test_moves(places, by, distance):
    marks = packed(places)
    assert places_of(marks) == places
    assert places_of(bits.up(marks, by)) == inside(place + by for place in places)
    assert places_of(bits.down(marks, by)) == inside(place - by for place in places)
    steps = range(1, distance + 1)
    assert places_of(bits.behind(marks, distance)) == inside(place + n for place in places for n in steps)
    assert places_of(bits.before(marks, distance)) == inside(place - n for place in places for n in steps)
    assert bits.having(marks, np.arange(64 * WORDS)).tolist() == [n in places for n in range(64 * WORDS)]


@given(PLACES, PLACES)
@settings(deadline=None)
def test_moves_within_units(places, opens):
    unit = np.searchsorted(opens, np.arange(64 * WORDS), "right")
    reached = [(a, b) for a in places for b in range(64 * WORDS) if 1 <= abs(a - b) <= 64 and unit[a] == unit[b]]
    marks, starts = packed(places), packed(opens)
    assert places_of(bits.behind_in_unit(marks, starts)) == inside(b for a, b in reached if b > a)
    assert places_of(bits.before_in_unit(marks, starts)) == inside(b for a, b in reached if b < a)


def test_more_places_than_are_marked_at_once(monkeypatch):
    monkeypatch.setattr(bits, "_BLOCK", 128)
    places = [0, 1, 127, 128, 300, 319]
    assert places_of(packed(places)) == places


def text(rnd: random.Random, most: int) -> str:
    """Sentences and paragraphs of frequent words, with rarer ones."""
    words = rnd.choices(["the", "of", "to", "Peace", "talks"], [4, 4, 3, 1, 1], k=rnd.randint(0, most))
    return " ".join(word + rnd.choices(["", ".", ".\n\n"], [12, 2, 1])[0] for word in words)


def long_article(rnd: random.Random, number: int) -> Article:
    return Article(id=f"a{number}", title=text(rnd, 5), caption=text(rnd, 3), text=text(rnd, rnd.choice([0, 60, 400])))


ARTICLES = [long_article(random.Random(n), n) for n in range(40)]


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    batches = [ARTICLES[:25], ARTICLES[25:26], ARTICLES[26:]]
    visible = np.random.default_rng(3).random(40) < 0.9
    return make_index(tmp_path_factory.mktemp("parts"), batches).at(visible), Oracle(ARTICLES, visible)


def test_addresses_are_places(views, tmp_path):
    others = make_index(tmp_path, [articles(7, 40)]).at(np.ones(40, bool))  # with bylines, datelines and metadata
    for index in (views[0].index, others.index):
        for own in index.grids:
            segment = own.segment
            every = np.ones(len(segment), bool)
            block = Proximity(
                index.segments, index.bases[:-1], index.stride, index.extents, index.grids
            ).blocks(segment, own.base, np.ones(len(index), bool))[0]  # fmt: skip
            for tid in segment.prefix_range(0, ""):
                addresses = own.addresses(tid)
                assert own.places(addresses).tolist() == phrase(block, [Part(tid, None)]).tolist()
                assert own.rows[addresses >> 6].tolist() == np.repeat(segment.docs(tid), segment.freqs(tid)).tolist()
                assert places_of(own.marks(tid)) == addresses.tolist()
            # A unit without words starts where the next one does; behind the last word of a sub-field there is none.
            opens = set(places_of(own.opens(False)))
            assert {own.places(np.array([at]))[0] for at in opens} >= {
                place
                for place in unit_starts(block, np.flatnonzero(every), False).tolist()
                if place in own.places(np.concatenate([own.addresses(t) for t in segment.prefix_range(0, "")]))
            }


def operator(rnd: random.Random, depth: int):
    def operand():
        if depth and rnd.random() < 0.4:
            return operator(rnd, depth - 1)
        words = [Word(None, word) for word in rnd.choices(["the", "of", "to", "peace", "of the"], [4, 4, 3, 2, 1], k=2)]
        return Or(words) if rnd.random() < 0.2 else words[0]

    kind = rnd.random()
    if kind < 0.25:
        return SameSentence(operand(), operand())
    if kind < 0.4:
        return SameParagraph(operand(), operand())
    return Near(operand(), operand(), rnd.choice([0, 1, 2, 5, 63, 64, 65, 255]), rnd.random() < 0.4)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150 * MORE, deadline=None)
def test_proximity_of_frequent_words(views, seed):
    view, oracle = views
    rnd = random.Random(seed)
    node = operator(rnd, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "_MARKED", rnd.choice([30, 1 << 40]))
        patch.setattr(grid, "_CHUNK", rnd.choice([1, 40, 1 << 14]))
        view.index.__dict__.pop("grids", None)
        assert set(np.flatnonzero(view.match(node)).tolist()) == oracle.match(node)


def test_bits_do_the_work_where_words_are_frequent(views, monkeypatch):
    """What stop words ask for is known without looking at places."""
    view, oracle = views
    monkeypatch.setattr(grid, "_MARKED", 1 << 40)
    view.index.__dict__.pop("grids", None)
    the, of = Word(None, "the"), Word(None, "of")
    node = Near(the, of, 5)
    expected = oracle.match(node)
    monkeypatch.setattr(Proximity, "places", lambda *arguments: pytest.fail("looked at places"))
    assert set(np.flatnonzero(view.match(node)).tolist()) == expected
    calls = []
    surely = frequent.surely
    monkeypatch.setattr(frequent, "surely", lambda *arguments: calls.append(surely(*arguments)) or calls[-1])
    monkeypatch.undo()
    proximity = Proximity(
        view.index.segments, view.index.bases[:-1], view.index.stride, view.index.extents, view.index.grids
    )
    monkeypatch.setattr(grid, "_MARKED", 1 << 40)
    first = view.index.grids[0]
    for inner, complete in ((node, True), (Near(the, of, 65), False), (Near(the, node, 5), False)):
        found = frequent.surely(first, inner, proximity.leaves, 0)
        assert found is not None
        assert found.complete == complete
        assert {*found.rows.tolist()} & set(np.flatnonzero(view.visible[:25]).tolist()) <= oracle.match(inner)
    assert frequent.surely(first, SameSentence(the, node), proximity.leaves, 0) is None
