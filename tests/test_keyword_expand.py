"""Patterns over the dictionary against brute force: what is selected, what is refused, what is suggested."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import QueryError
from search.keyword.analysis import ENGLISH, TEXT_SPACE, analyze
from search.keyword.match import automata
from search.keyword.match.automata import Levenshtein, Wildcard, accepted
from search.keyword.match.expand import (
    exact,
    expand_fuzzy,
    expand_wildcard,
    suggest,
)
from search.keyword.part.packing import Strings, letter_bits
from search.records import Article
from tests.keyword_parts import make_segment

ARTICLES = [
    Article(
        id="1",
        title="Netanyahu meets Sa’ar",
        text="Netanyahu's terrorism speech; a woman and women. Polish polish POLISH Beyoncé terror Terrors",
        source="The Hindu",
        authors=("Khaled al-Qaddoumi",),
    ),
    Article(
        id="2", text="Netenyahu, Netanyahus and the terrorist were in Washington. Beyond", source="Hindustan Times"
    ),
]


@pytest.fixture(scope="module")
def segment():
    return make_segment(ARTICLES)


def spelled(segment, selection):
    """What a selection of the text space stands for: term -> forms."""
    out = {}
    for tid, codes in selection.items():
        forms = segment.forms(tid)
        out[segment.term(tid)[1]] = forms if codes is None else [forms[code] for code in codes]
    return out


def accepts(automaton, words):
    """The words that an automaton accepts, through the vectorised run."""
    words = sorted({word.encode() for word in words})
    arrays = Strings.of(words).arrays("x")
    ends = arrays["x_ends"].astype(np.int64)
    found = accepted(automaton, arrays["x_blob"], ends - [len(word) for word in words], ends, 1 << 62)
    return {words[i].decode() for i in found.tolist()}


def edits(left, right):
    """Levenshtein's distance by the whole table."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("terror*", {"terror": ["Terrors", "terror", "terrorism"], "terrorist": ["terrorist"]}),
        ("wom?n", {"woman": ["woman"], "women": ["women"]}),
        ("Beyoncé", {"beyonc": ["Beyoncé"]}),
        ("BEYON*", {"beyonc": ["Beyoncé"], "beyond": ["Beyond"]}),
        ("Sa’a?", {"saar": ["Sa'ar"]}),
        ("netanyahu", {"netanyahu": ["Netanyahu", "Netanyahu's"]}),
        ("netanyahu?", {"netanyahus": ["Netanyahus"]}),
        ("zz*", {}),
        ("", {}),
    ],
)
def test_wildcards(segment, pattern, expected):
    (selection,) = expand_wildcard([segment], pattern)
    assert spelled(segment, selection) == expected


def test_some_forms_of_a_term(segment):
    tid = segment.find(TEXT_SPACE, "terror")
    assert segment.forms(tid) == ["Terrors", "terror", "terrorism"]
    (selection,) = expand_wildcard([segment], "terror?")
    assert {t: codes.tolist() for t, codes in selection.items()} == {tid: [0]}
    (selection,) = expand_wildcard([segment], "terror*m")
    assert selection[tid].tolist() == [2]
    assert selection[tid].dtype == np.uint16
    (selection,) = expand_wildcard([segment], "polish")
    assert selection == {segment.find(TEXT_SPACE, "polish"): None}


def test_fuzzy(segment):
    (selection,) = expand_fuzzy([segment], "Netanyahu", 1)
    assert sorted(segment.term(tid)[1] for tid in selection) == ["netanyahu", "netanyahus", "netenyahu"]
    (selection,) = expand_fuzzy([segment], "netanyahu", 0)
    assert [segment.term(tid)[1] for tid in selection] == ["netanyahu"]
    assert expand_fuzzy([segment], "", 0) == [{}]
    for distance in (-1, 3):
        with pytest.raises(QueryError, match="differ by 0 to 2"):
            expand_fuzzy([segment], "netanyahu", distance)


def test_several_segments():
    segments = [make_segment([article]) for article in ARTICLES]
    found = expand_wildcard(segments, "terror*")
    assert [spelled(s, f) for s, f in zip(segments, found, strict=True)] == [
        {"terror": ["Terrors", "terror", "terrorism"]},
        {"terrorist": ["terrorist"]},
    ]
    assert expand_wildcard([], "terror*") == []


def test_too_many_words(segment):
    words = len(segment.words)
    assert len(expand_wildcard([segment], "*", limit=words)[0]) == segment.prefix_range(TEXT_SPACE, "").stop
    with pytest.raises(QueryError, match=r"^'t\*' stands for more than 3 different words; add letters$"):
        expand_wildcard([segment], "t*", limit=3)
    # A word that two segments share is one word, so merging them changes no answer.
    assert len(expand_wildcard([segment, segment], "t*", limit=5)) == 2
    halves = [make_segment([article]) for article in ARTICLES]
    with pytest.raises(QueryError, match="more than 3 different words"):
        expand_wildcard(halves, "t*", limit=3)
    with pytest.raises(QueryError, match="more than 0 different"):
        expand_wildcard([segment], "the", limit=0)


def test_patterns_that_are_refused(segment):
    with pytest.raises(QueryError, match="may have 200 characters; this one has 201"):
        expand_wildcard([segment], "?" * 201)
    with pytest.raises(QueryError, match="may have 200 characters"):
        Levenshtein("a" * 201, 1)
    with pytest.raises(QueryError, match="too complicated"):
        accepts(Wildcard("*a" + "?" * 40), [format(i, "b").replace("1", "a").zfill(60) for i in range(1 << 13)])


letters = st.text("abcé中\U00020000", max_size=6)
dictionary = st.lists(letters, max_size=20)


@settings(deadline=None)
@given(st.text("abé中?*", max_size=6), dictionary)
def test_wildcards_by_brute_force(pattern, words):
    as_regex = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    assert accepts(Wildcard(pattern), words) == {word for word in words if re.fullmatch(as_regex, word)}


@settings(deadline=None)
@given(letters, st.integers(0, 2), dictionary)
def test_fuzzy_by_brute_force(word, distance, words):
    expected = {other for other in words if edits(word, other) <= distance}
    assert accepts(Levenshtein(word, distance), words) == expected


def test_more_classes_than_a_byte_holds():
    word = "".join(chr(0x4E00 + 2 * i) for i in range(150))
    assert accepts(Levenshtein(word, 1), [word, word[1:], word[2:], "abc"]) == {word, word[1:]}


def test_stopping_early(monkeypatch):
    words = sorted(f"{i:04}" for i in range(5000))
    arrays = Strings.of([word.encode() for word in words]).arrays("x")
    ends = arrays["x_ends"].astype(np.int64)
    found = accepted(Wildcard("*0*"), arrays["x_blob"], ends - 4, ends, 100)
    assert 100 < len(found) <= 5000
    assert all("0" in words[i] for i in found.tolist())
    assert len(accepted(Wildcard("00*"), arrays["x_blob"], ends - 4, ends, 100)) == 100
    assert automata.accepted(Wildcard("*"), arrays["x_blob"], ends[:0], ends[:0], 1).tolist() == []


def test_exact(segment):
    for written in ("Polish", "polish", "POLISH", "Sa’ar", "Sa'ar", "Beyoncé", "Beyonce\u0301", "Netanyahu's"):
        tid, (code,) = exact(segment, written, ENGLISH)
        (token,) = analyze(written)
        assert segment.term(tid) == (TEXT_SPACE, token.term)
        assert segment.forms(tid)[code] == token.surface
    for written in ("pOLISH", "Beyonce", "polishing", "unheard", "saar"):
        assert exact(segment, written, ENGLISH) is None


def news(*texts):
    return [make_segment([Article(id=str(i), text=text)]) for i, text in enumerate(texts)]


def test_suggestions():
    segments = news(
        "Netanyahu spoke. Netanyahu's aides spoke. However, however, the government government government fell. " * 3,
        "NETANYAHU spoke to Beyoncé Beyoncé of Sa’ar. goverment beyond beyond beyond The Hague",
    )
    for word, expected in {
        "netanyhau": "Netanyahu",
        "netenyahu": "Netanyahu",
        "netnyaho": "Netanyahu",
        "beyonse": "Beyoncé",
        "govvernment": "government",
        "howevr": "however",
        "sar": "Sa'ar",
        "hte": "the",
        "netanyahu": None,
        "goverment": None,
        "beyonce": None,
        "zzzzzz": None,
        "xy": None,
        "2024": None,
        "": None,
    }.items():
        assert suggest(segments, word) == expected, word
    assert suggest([], "netanyhau") is None


def test_suggestions_weigh_frequency_and_the_first_letter():
    assert suggest(news("cart cart cart card"), "carx") == "cart"
    assert suggest(news("card card card cart " * 5), "carx") == "card"
    assert suggest(news("bart bart bart cart"), "xart") == "bart"
    assert suggest(news("bart bart bart carp"), "cart") == "carp"
    assert suggest(news("abc", "abd"), "abx") == "abc"
    assert suggest(news("café"), "cafx") == "café"


@given(st.text("abé1-日", min_size=2), st.integers(0, 9), st.sampled_from("abzé2.中"), st.sampled_from("+-="))
def test_an_edit_changes_two_letters_at_most(word, at, letter, edit):
    at %= len(word)
    other = word[:at] + ("" if edit == "-" else letter) + word[at + (edit != "+") :]
    blob = np.frombuffer((word + other).encode(), np.uint8)
    first, second = letter_bits(blob, np.array([len(word.encode()), len(blob)])).tolist()
    assert (first ^ second).bit_count() <= 2
