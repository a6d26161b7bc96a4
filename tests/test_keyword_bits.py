"""Sets of places as bits, the grid of addresses they stand in, and proximity of words that nearly every article has."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import search.keyword.match.grid as grid
from search.errors import ArchiveDamaged
from search.keyword.cache import Cache
from search.keyword.match import bits, frequent
from search.keyword.match.occurrences import phrase, unit_starts
from search.keyword.match.places import Part
from search.keyword.match.proximity import Proximity
from search.keyword.part.layout import KeywordSegment
from search.keyword.tree import Near, Or, SameParagraph, SameSentence, Word
from search.records import Article
from tests.keyword_oracle import Oracle, make_index, save
from tests.keyword_trees import MORE, articles

WORDS = 5
PLACES = st.lists(st.integers(0, 64 * WORDS - 1), unique=True).map(sorted)


def packed(places):
    return bits.pack([np.array(places, np.int32)], WORDS)


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


@given(PLACES, PLACES, st.integers(1, 64))
@settings(deadline=None)
def test_moves_within_units(places, opens, far):
    unit = np.searchsorted(opens, np.arange(64 * WORDS), "right")
    reached = [(a, b) for a in places for b in range(64 * WORDS) if 1 <= abs(a - b) <= far and unit[a] == unit[b]]
    marks, starts = packed(places), packed(opens)
    assert places_of(bits.behind_in_unit(marks, starts, far)) == inside(b for a, b in reached if b > a)
    assert places_of(bits.before_in_unit(marks, starts, far)) == inside(b for a, b in reached if b < a)


def test_more_places_than_are_marked_at_once(monkeypatch):
    monkeypatch.setattr(bits, "_BLOCK", 128)
    places = [0, 1, 127, 128, 300, 319]
    assert places_of(packed(places)) == places
    pieces = [np.array(piece, np.int64) for piece in ([], places[:1], places[1:5], places[5:])]
    assert places_of(bits.pack(pieces, WORDS)) == places


def text(rnd: random.Random, most: int) -> str:
    """Sentences and paragraphs of frequent words, with rarer ones."""
    words = rnd.choices(["the", "of", "to", "Peace", "talks"], [1, 1, 1, 2, 9], k=rnd.randint(0, most))
    return " ".join(word + rnd.choices(["", ".", ".\n\n"], [12, 2, 1])[0] for word in words)


def long_article(rnd: random.Random, number: int) -> Article:
    return Article(id=f"a{number}", title=text(rnd, 5), caption=text(rnd, 3), text=text(rnd, rnd.choice([0, 30, 90])))


ARTICLES = [long_article(random.Random(n), n) for n in range(24)]


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    batches = [ARTICLES[:12], ARTICLES[12:13], ARTICLES[13:]]
    visible = np.random.default_rng(3).random(24) < 0.9
    return make_index(tmp_path_factory.mktemp("parts"), batches).at(visible), Oracle(ARTICLES, visible)


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_addresses_are_places(views, tmp_path, monkeypatch, piece):
    monkeypatch.setattr(grid, "_PIECE", piece)
    forget(views[0])
    others = make_index(tmp_path, [articles(7, 40)]).at(np.ones(40, bool))  # with bylines, datelines and metadata
    for index in (views[0].index, others.index):
        for own in index.grids:
            segment = own.segment
            every = np.ones(len(segment), bool)
            proximity = Proximity(index.segments, index.bases[:-1], index.stride, index.extents, index.grids)
            block = proximity.blocks(segment, own.base, np.ones(len(index), bool))[0]
            for tid in segment.prefix_range(0, ""):
                addresses = own.addresses(tid)
                assert own.places(addresses).tolist() == phrase(block, [Part(tid, None)]).tolist()
                assert own.rows[addresses >> 6].tolist() == np.repeat(segment.docs(tid), segment.freqs(tid)).tolist()
                assert places_of(own.marks(tid)) == addresses.tolist()
            for paragraphs in (False, True):
                # Between them there may be the starts of units without words.
                opens = own.places(
                    np.flatnonzero(np.unpackbits(own.opens(paragraphs).view(np.uint8), bitorder="little"))
                )
                starts = unit_starts(block, np.flatnonzero(every), paragraphs)
                taken = np.concatenate([own.places(own.addresses(tid)) for tid in segment.prefix_range(0, "")])
                assert set(starts.tolist()) & set(taken.tolist()) == set(opens.tolist()) & set(taken.tolist())


def forget(view):
    view.index._cache = Cache(1 << 20)
    view.index.__dict__.pop("grids", None)


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
@settings(max_examples=200 * MORE, deadline=None)
def test_proximity_of_frequent_words(views, seed):
    view, oracle = views
    rnd = random.Random(seed)
    node = operator(rnd, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "_MARKED", rnd.choice([30, 1 << 40]))
        patch.setattr(grid, "_WAITS", rnd.random() < 0.1)
        patch.setattr(grid, "_CHUNK", rnd.choice([1, 40, 1 << 14]))
        patch.setattr(grid, "_PIECE", rnd.choice([1, 10, 1 << 20]))
        forget(view)
        assert set(np.flatnonzero(view.match(node)).tolist()) == oracle.match(node)


def test_bits_do_the_work_where_words_are_frequent(views, monkeypatch):
    """What stop words ask for is known without looking at places."""
    view, oracle = views
    monkeypatch.setattr(grid, "_MARKED", 1 << 40)
    forget(view)
    the, of = Word(None, "the"), Word(None, "of")
    node = Near(the, of, 5)
    with pytest.MonkeyPatch.context() as patch:
        expected = oracle.match(node)
        patch.setattr(Proximity, "places", lambda *arguments: pytest.fail("looked at places"))
        assert set(np.flatnonzero(view.match(node)).tolist()) == expected
    index, first = view.index, view.index.grids[0]
    proximity = Proximity(index.segments, index.bases[:-1], index.stride, index.extents, index.grids)
    for inner, complete in (
        (node, True),
        (Near(the, of, 65), False),
        (Near(the, node, 5), True),
        (SameSentence(the, node), False),
    ):
        found = frequent.surely(first, inner, proximity.leaves, 0)
        assert found is not None
        assert found.complete == complete
        assert {*found.rows.tolist()} & set(np.flatnonzero(view.visible[:12]).tolist()) <= oracle.match(inner)
    assert frequent.surely(first, SameSentence(node, node), proximity.leaves, 0) is None


def test_lengths_that_are_not_those_of_the_texts_are_damage(tmp_path):
    index = make_index(tmp_path, [ARTICLES])
    arrays = index.segments[0].part.arrays()
    arrays["lengths"] = arrays["lengths"].copy()
    arrays["lengths"][0, 4] += 1 << 20
    part = save(tmp_path, arrays, index.segments[0].part.meta)
    own = grid.Grid(KeywordSegment(part), 0, index.stride, Cache(1 << 20))
    with pytest.raises(ArchiveDamaged, match="lengths"):
        own.marks(0)
