"""Snippets show where a query is met, in whole sentences where they fit; only what meets it is marked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.excerpts import SNIPPET
from search.keyword import letters, met
from search.keyword.analysis import normalise
from search.keyword.highlight import highlight
from search.keyword.stretch import Stretch
from search.keyword.tree import Fuzzy, Wildcard
from search.query import parse
from search.text.sentences import lay_out

NOW = datetime(2026, 11, 27, tzinfo=UTC)
PIECES = ["weir", "Weirs", "dam", "dams,", "mill", "mill's", "quay.", "Quay", "weir.", "dam!", "dam.\n\n", "e-mail"]

FILLER = "The quietly humming mill was bricked. " * 20
ODD = "Café, naïve, l'été, co-op, o'er, on–on, œuvre: onset on only onion. " * 40
ENDING = "Other words follow here. " * 30
LONG = "and on it went past the weir, the mill and the gate of the quay " * 12


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("snippets") / "a", create=True, model=None) as archive:
        archive.add(
            [
                Article(id="phrase", title="Mill", text=f"{FILLER}Then it was quietly bricked up at last. {ENDING}"),
                Article(
                    id="near", title="N", text=f"{FILLER}The heron left the old stone weir again. Weir. {ENDING}heron"
                ),
                Article(id="wide", title="W", text=f"A stork came {LONG}until the osprey left. {ENDING}"),
                Article(id="hyphen", title="E", text=f"{FILLER}Somebody sent the e-mail leak around. {ENDING}"),
                Article(id="far", title="F", text=f"{ODD}{FILLER}Then an onslaught, and the quay was shut. {ENDING}"),
                Article(id="edge", title="G", text=f"{ENDING[:175]}It is for the Sarayo army. {ENDING}"),
                Article(id="han", title="H", text="他们在桥上。" * 200 + "工程师发现了裂缝。" + "他们在桥上。" * 200),
                Article(id="long", title="L", text="他们在桥上" * 200 + "议员辞职" + "他们在桥上" * 200),
                Article(id="letters", title="C", text=f"Vitamin C is in it. {ENDING}He teaches C++ now. {ENDING}"),
            ]
        )
        yield archive


def shown(archive, query):
    hit = archive.search(query, mode="keyword")[0]
    marks = [hit.snippet[one.start : one.end] for one in hit.highlights if one.field == "snippet"]
    return " ".join(hit.snippet.split()), marks


@pytest.mark.parametrize(
    ("query", "part", "marked"),
    [
        ('"quietly bricked up"', "Then it was quietly bricked up at last.", ["quietly", "bricked", "up"]),
        ("+\"quietly bricked\" follow", "quietly bricked up", None),
        ("heron w/5 weir", "The heron left the old stone weir again.", ["heron", "weir"]),
        ("heron pre/9 weir", "heron left the old stone weir", ["heron", "weir", "heron", "Weir"]),
        ("heron w/s weir", "heron left the old stone weir", ["heron", "weir"]),
        ('"the email leak"', "the e-mail leak", ["the", "e-mail", "leak"]),
        ('exact:"C++"', "He teaches C++ now.", ["C++"]),
        ("brick* w/3 last", "bricked up at last", ["bricked", "last"]),
        ("exact:Sarayo", "It is for the Sarayo army.", ["Sarayo"]),
        ('"发现了裂缝"', "工程师发现了裂缝。", None),
        ('"议员辞职"', "桥上议员辞职他们", None),
        ("bricket~ pre/2 up", "quietly bricked up", ["bricked", "up"]),
        ("onsla*", "Then an onslaught, and the quay", ["onslaught"]),
        ("exact:onslaught", "Then an onslaught, and the quay", ["onslaught"]),
        ('"an onslaught"', "Then an onslaught, and the quay", ["an", "onslaught"]),
        ("onsl?ught", "Then an onslaught, and the quay", ["onslaught"]),
    ],
)  # fmt: skip
def test_the_place_is_shown_and_marked(archive, query, part, marked):
    snippet, marks = shown(archive, query)
    assert part in snippet
    assert marked is None or sorted(set(marks)) == sorted(set(marked))
    assert len(snippet) <= SNIPPET + 2


def test_whole_sentences_need_no_dots(archive):
    snippet, _ = shown(archive, '"quietly bricked up"')
    assert not snippet.startswith("…")
    assert snippet.endswith("here.")


def test_a_long_sentence_is_cut_with_dots_at_both_ends(archive):
    snippet, marks = shown(archive, '"osprey left"')
    assert snippet.startswith("…")
    assert marks == ["osprey", "left"]


def test_a_condition_over_a_long_stretch_shows_both_ends(archive):
    snippet, marks = shown(archive, "stork w/s osprey")
    assert " … " in snippet
    assert marks == ["stork", "osprey"]


def test_excluded_words_are_not_shown(archive):
    _, marks = shown(archive, 'osprey -"quietly bricked"')
    assert marks == ["osprey"]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30),
    st.sampled_from(["weir", "dam*", "quay~", '"mill quay"', "e-mail", "weir w/2 dam"]),
    st.booleans(),
)
def test_pairs_in_a_sentence_are_met_where_all_of_the_text_says_so(words, other, known):
    text = " ".join(words)
    node = parse(f"dam w/s ({other})", now=NOW).constraint
    starts = lay_out(text).starts
    found = met.places(node, text, "text", starts if known else None)
    assert found == sorted(set(Stretch(text, "text").places(node, 0)))


@settings(max_examples=300, deadline=None)
@given(
    text=st.text("abcj ABCJK.-'’\u00ad\n12,ä я國", max_size=40),
    node=st.one_of(
        st.builds(Fuzzy, st.none(), st.text("abcj", min_size=3, max_size=5), st.just(1)),
        st.builds(Wildcard, st.none(), st.sampled_from(("*b", "?a*", "*j", "?", "*bc*"))),
    ),
)
def test_what_can_begin_in_any_way_is_found_where_reading_all_of_a_text_finds_it(text, node):
    text = normalise(text)
    assert met.places(node, text) == sorted(set(Stretch(text, "text").places(node, 0)))


def test_of_a_long_text_the_first_places_of_a_pattern_are_looked_at():
    text = "Tame tides turn. " * 5_000 + "Then zebras."
    found = met.places(Wildcard(None, "t*"), text)
    assert len(found) == met._MOST_PLACES
    assert found[-1].end <= len(text) * 0.7
    assert [place.start for place in met.places(Wildcard(None, "z*"), text)] == [text.index("zebras")]
    assert [place.start for place in met.places(Fuzzy(None, "zebrax", 1), text)] == [text.index("zebras")]


def test_no_word_is_looked_for_inside_another_one_of_its_script():
    """A text of another script is read where a word begins as it is sought, not at every letter."""
    text = "Дамба течёт, сказал смотритель. " * 400 + "Ворота открыты."
    copy = letters.folded(text)
    wanted = letters.Beginnings(["ворот"])
    assert wanted.odd(text, copy) == [text.index("Ворота")]
    assert highlight(text, ["ворота"]) == [(text.index("Ворота"), text.index("Ворота") + 6)]
    assert highlight("國土 國字", ["字"]) == [(4, 5)]
