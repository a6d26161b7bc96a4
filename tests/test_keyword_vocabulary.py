"""Texts to numbered forms, against the analysis one token at a time; and the cache of what was asked for last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.keyword.analysis import analyze
from search.keyword.cache import Cache
from search.keyword.part import vocabulary
from search.keyword.part.packing import Strings
from search.keyword.part.vocabulary import READING, Vocabulary
from search.keyword.readings import readings

WORDS = """
the U.S. U.S.'s Sa’ar O'Brien `Abd 2.5 1,200 12,34,567 a_b.c x-ray café caf\u0301e ﬁre 東京 हिन्दी soft\u00adhyphen
Trump’s supercalifragilistic exactly-16-bytes sixteen.letters, C++ C# 50% $100 #MeToo @handle .NET AT&T P!nk l'Élysée
J. K. É. R.R. parlia- ment parlia¬ gover\u200bnor A+ - & ! $ + # % 555-0199 state-of-the-art of-the run-n-ing
"""
PIECES = st.sampled_from(WORDS.split())
BETWEEN = st.sampled_from(
    ["", ". ", ", ", "=\u0338", *" .,\n“”…—–‘’\0_'`\x7f/-&!$+#%@¬<", "\u00a0", "\u2060", "-\n", "\u00ad\r\n"]
)
MIXED = st.lists(st.one_of(PIECES, BETWEEN, st.text(st.characters(exclude_categories=["Cs"]), max_size=3))).map("".join)


def read(texts, known):
    """The (term key, surface, whether it is a reading) of every token, and how many come before each piece's end."""
    forms, ends = known.read(texts)
    own = known.forms(forms.astype(np.int64) & (READING - 1))
    term_of_form = own.term_of_form.tolist()
    return [
        [own.terms[term][1:], own.surfaces[place], reading]
        for place, (term, reading) in enumerate(zip(term_of_form, (forms >= READING).tolist(), strict=True))
    ], ends.tolist()


def expected(texts):
    tokens, ends = [], []
    for pieces in texts:
        for piece in pieces:
            # What is no character of any text separates.
            piece = piece.replace("\0", " ")
            other = readings(piece)
            for number, token in enumerate(analyze(piece)):
                tokens.append([token.term.encode(), token.surface.encode(), False])
                own = [one.token for one in other if one.first == number]
                tokens += [[one.term.encode(), one.surface.encode(), True] for one in own]
            ends.append(len(tokens))
    return tokens, ends


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(MIXED, max_size=4), max_size=4), st.sampled_from([1, 3, 18]), st.sampled_from([1, 1 << 20]))
@example([["a.’b"]], 18, 1)
@example([["a. ’b", "c.”d"]], 18, 1)
def test_stretches_hold_the_tokens_of_the_analysis(texts, bits, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "_SLOT_BITS", bits)
        patch.setattr(vocabulary, "_CHUNK", chunk)
        known = Vocabulary()
        assert read(texts, known) == expected(texts)
        assert read(texts, known) == expected(texts)  # now from memory


def test_a_crowded_table_mistakes_no_word_for_another(monkeypatch):
    monkeypatch.setattr(vocabulary, "_SLOT_BITS", 4)
    words = [f"{i}word{i}" for i in range(2000)]
    for text in (" ".join(words), " ".join(reversed(words))):
        assert read([[text]], known := Vocabulary()) == expected([[text]])
        assert len(known) == 2000


def test_nothing_to_read():
    assert read([], Vocabulary()) == ([], [])
    assert read([["", " ", "…"], []], Vocabulary()) == ([], [0, 0, 0])


def test_the_cache_forgets_what_was_asked_for_longest_ago():
    cache = Cache(100)
    for key in "abc":
        cache.keep(key, np.zeros(30, np.uint8))
    assert cache.get("a") is not None
    cache.keep("d", np.zeros(30, np.uint8))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    assert cache.nbytes == 90


def test_the_cache_keeps_nothing_that_takes_half_of_it():
    cache = Cache(100)
    cache.keep("small", np.zeros(50, np.uint8))
    large = np.zeros(51, np.uint8)
    assert cache.keep("large", large) is large
    assert cache.get("large") is None
    assert cache.get("small") is not None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.text("a\0z", max_size=18).map(str.encode)), max_size=30))
@example([b"abcdefgh", b"bbcdefgh", b"abcdefgh\0", b"", b"\0", b"abcdefghabcdefghz", b"abcdefghabcdefgha"])
def test_strings_are_put_in_order_as_sorted_does(items):
    items = list(dict.fromkeys(items))
    assert [items[place] for place in Strings.of(items).order().tolist()] == sorted(items)
