"""How many visible articles have a term, where some are hidden: counted once."""

from __future__ import annotations

import numpy as np

from search.keyword import Bm25Settings
from search.keyword.part.layout import KeywordSegment
from search.keyword.rank import scoring
from search.keyword.rank.scoring import Bm25
from search.records import Article
from tests.keyword_parts import make_segment


def test_a_term_is_counted_once_for_each_visibility(monkeypatch):
    segments = [
        make_segment([Article(id=str(i), text=text) for i, text in enumerate(texts)])
        for texts in (["ferry boat", "ferry", "boat"], ["ferry", "train"])
    ]
    docs, read = KeywordSegment.docs, []
    monkeypatch.setattr(KeywordSegment, "docs", lambda self, tid: read.append(self.term(tid)[1]) or docs(self, tid))
    hidden = Bm25(segments, [0, 3], np.array([1, 0, 1, 1, 1], bool), Bm25Settings())
    assert [hidden.frequency(term) for term in ("ferri", "boat", "ferri", "train", "car", "ferri")] == [
        2,
        2,
        2,
        1,
        0,
        2,
    ]
    assert read == ["ferri", "ferri", "boat", "train"]
    monkeypatch.setattr(scoring, "_MOST_COUNTED", 1)
    assert [hidden.frequency(term) for term in ("pear", "boat", "ferri")] == [
        0,
        2,
        2,
    ]  # what is forgotten is counted anew
    whole = Bm25(segments, [0, 3], np.ones(5, bool), Bm25Settings())
    assert [whole.frequency(term) for term in ("ferri", "boat", "car")] == [3, 2, 0]
