"""Highlights against the plain way: every token of the text is stemmed and compared."""

from __future__ import annotations

import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from search.keyword import highlight
from search.keyword.analysis import analyze
from search.keyword.scoring import scoring_tokens

MODULE = sys.modules["search.keyword.highlight"]  # the package has a function of that name
TEXT = (
    "court Court's (courts) courting, supreme Supremes ministers; minister's U.S. us dying died die 10,000 10000 "
    "anti-court “courts” skies sky eating eats the Élysée courtesy court.court courts_of"
)
WORDS = TEXT.split()
texts = st.lists(st.sampled_from(WORDS), max_size=12)


def of_all_tokens(text, words):
    terms = {token.term for token in scoring_tokens(words)}
    return [(token.start, token.end) for token in analyze(text) if token.term in terms]


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts.map(lambda words: words[:3])), max_size=4))
def test_the_same_whatever_was_asked_before(asked):
    MODULE._memory = MODULE._Memory()
    for text, words in asked:
        assert highlight(" ".join(text), words) == of_all_tokens(" ".join(text), words)


def test_a_full_memory_forgets(monkeypatch):
    monkeypatch.setattr(MODULE, "_REMEMBERED", 3)
    monkeypatch.setattr(MODULE, "_memory", MODULE._Memory())
    for _ in range(2):
        for text in ("Ministers met in court.", "The minister left the court; courts closed.", "A ministry"):
            assert highlight(text, ["minister", "courts"]) == of_all_tokens(text, ["minister", "courts"])
