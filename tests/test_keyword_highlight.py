"""Highlights against the plain way: every token of the text is stemmed and compared."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.keyword import highlight, met
from search.keyword.analysis import analyze, normalise
from search.keyword.highlight import occurrences
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.readings import readings
from search.keyword.tree import Wildcard, Word

TEXT = (
    "court Court's (courts) courting, supreme Supremes ministers; minister's U.S. us dying died die 10,000 10000 "
    "anti-court “courts” skies sky eating eats the Élysée courtesy court.court courts_of "
    "su-preme e-mail e-mails email l'Élysée d’eat J. K. JK J K J.K. di-\nes U. S. COVID-19 covid19 R&D rd "
    "$10,000 #Courts"
)
WORDS = TEXT.split()
texts = st.lists(st.sampled_from(WORDS), max_size=12)


def of_all_tokens(text, words):
    terms = {token.term for token in scoring_tokens(words)}
    found = [(token.start, token.end) for token in analyze(text) if token.term in terms]
    wide = [(one.token.start, one.token.end) for one in readings(text) if one.token.term in terms]
    for start, end in sorted(wide, key=lambda span: (span[0] - span[1], span[0])):
        cut = [span for span in found if span[0] < end and start < span[1]]
        if all(start <= span[0] and span[1] <= end for span in cut):
            found = sorted({*found, (start, end)} - set(cut) | {(start, end)})
    return found


@settings(deadline=None, max_examples=300)
@given(texts, texts.map(lambda words: words[:3]))
def test_the_same_as_of_all_tokens(text, words):
    assert highlight(" ".join(text), words) == of_all_tokens(" ".join(text), words)


@settings(deadline=None, max_examples=300)
@given(
    st.text("aeisSİßé中c.,'’-_&$# \n\u00ad\u0301\u200b²0", max_size=40),
    st.lists(st.text("aeisßéc'0中-", min_size=1), max_size=3),
)
def test_the_same_in_odd_texts(text, words):
    text = normalise(text)
    assert highlight(text, words) == of_all_tokens(text, words)


@pytest.mark.parametrize("word", ["court", "us", "10000", "die", "Elysee", "oneill", "skies"])
def test_where_words_begin_with_other_letters_than_their_stems(word):
    text = f"{TEXT} O'Neill o’neill's 中court courts_of _court"
    assert highlight(text, [word]) == of_all_tokens(text, [word]) != []


def test_nothing_to_find():
    assert highlight("", ["court"]) == highlight("court", []) == []


@settings(deadline=None, max_examples=200)
@given(texts, texts.map(lambda words: words[:3]))
def test_what_stands_as_it_is_read_is_told_without_readings(text, words):
    text = " ".join(text)
    terms = {token.term for token in scoring_tokens(words)}
    assert occurrences(text, words) == [(one.start, one.end) for one in analyze(text) if one.term in terms]


@pytest.mark.parametrize(
    ("text", "word", "marked"),
    [
        ("Œuvre complète, l'œuvre", "oeuvre", ["Œuvre", "œuvre"]),
        ("co\u00adurts, cour\u00ad\nts", "court", ["co\u00adurts", "cour\u00ad\nts"]),
        ("Суд решил. «Суд»", "суд", ["Суд", "Суд"]),
        ("中court 法", "法", ["法"]),
        ("\U0001f3db court \U0001f3db courts", "court", ["court", "courts"]),
        ("court\ud800 courts", "court", ["court", "courts"]),
        ("e\u2011mail, ¬ e-\nmail", "email", ["e\u2011mail", "e-\nmail"]),
        ("dell'arte, '«arte»'", "arte", ["arte", "arte"]),
    ],
)
def test_other_letters_and_signs_that_are_not_seen(text, word, marked):
    assert [text[start:end] for start, end in highlight(text, [word])] == marked


@pytest.mark.parametrize(
    "unit",
    ["court.", "court'", "court-", "a-court-", "courtcourt", "court\u00ad", "中court", "суд", "c. t. ", "court+"],
)
def test_time_is_linear_whatever_the_text(unit, collector_off):
    def took(size):
        text = unit * (size // len(unit))
        began = time.thread_time()
        for words in (["court"], ["суд"]):
            highlight(text, words)
            met.places(Word(None, "court court"), text)
            met.places(Wildcard(None, "cour*"), text)
        return time.thread_time() - began

    took(1000)
    small = min(took(2_000) for _ in range(3))
    assert took(32_000) < 16 * 5 * max(small, 0.002)
