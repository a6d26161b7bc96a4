"""What is shown is chosen by the sentences that the index knows: the same as when every text is read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.excerpts import plain_spans
from search.keyword import Bm25Settings, KeywordIndex, highlight
from search.keyword.part.layout import OFFSETS
from search.keyword.rank.scoring import scoring_tokens
from search.text.passages import lay_out
from tests.forgery import forge
from tests.keyword_parts import make_part

TEXT = "court Court's (courts) ministers; U.S. us dying 10,000 “courts” Élysée e-mail e-mails email J. K. JK the of"
WORDS = [*TEXT.split(), "di-\nes", "COVID-19", "covid19", "#Courts", "court.", "dam.", "Dam?", "weirs.\n\n"]
texts = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


class Columns:
    def __init__(self, size):
        self.published, self.day = np.zeros(size, np.int64), np.zeros(size, np.int32)


def view(articles):
    part = make_part(articles, [lay_out(article.text) for article in articles])
    return KeywordIndex([part], Columns(len(articles)), Bm25Settings()).at(np.ones(len(articles), bool))


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=3), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)
)
def test_marks_are_those_of_each_sentence(pairs, words):
    articles = [Article(id=str(i), title=title, text=text) for i, (title, text) in enumerate(pairs)]
    ordinals = np.arange(len(articles))[::-1].copy()
    for ordinal, known in zip(ordinals, view(articles).sentences(words, ordinals), strict=True):
        article = articles[ordinal]
        layout = lay_out(article.text)
        assert list(known.starts) == layout.starts
        spans = zip(layout.starts, layout.ends, strict=True)
        wanted = [(s + a, s + b) for s, e in spans for a, b in highlight(article.text[s:e], words)]
        found = known.marks(article.text, 0, len(article.text))
        assert [span for span, _ in found] == wanted
        assert {term for _, term in found} <= {t.term for t in scoring_tokens(words)} | {
            article.text[s:e].casefold() for s, e in wanted
        }
        assert known.title_marks(article.title) == highlight(article.title, words)
        if layout.starts:
            cut = layout.starts[len(layout.starts) // 2 :]
            parts = known.between(cut)
            assert [len(part) > 0 for part in parts] == [
                bool(known.marks(article.text, *pair)) for pair in itertools.pairwise([*cut, len(article.text) + 1])
            ]


def test_no_sentences_are_known_of_a_place_inside_one():
    known = view([Article(id="1", text="The dam leaks. The weir holds.")]).sentences(["dam"], np.array([0]))[0]
    assert known.begins(15)
    assert known.between([0, 15]) == [[0], []]
    assert not known.begins(4)
    assert known.between([0, 4]) is None
    assert known.between([30]) is None


def test_too_many_terms_are_not_known():
    words = [f"w{i}" for i in range(17)]
    both = view([Article(id="1", text=" ".join(words))])
    assert both.sentences(words, np.array([0])) == [None]
    assert both.sentences(words[:16], np.array([0]))[0].terms == sorted(words[:16])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 700), st.sampled_from((". ", ".\n", ".\n\n"))), max_size=12))
def test_plain_passages_are_whole_lines_where_these_fit(pieces):
    text = "".join(f"A{'a' * size}{end}" for size, end in pieces)
    layout = lay_out(text)
    spans = plain_spans(text)
    assert spans == plain_spans(text, layout.starts)
    if not layout.starts:
        assert spans == [(0, 0)]
        return
    assert [start for start, _ in spans] == [start for start in layout.starts if start in {s for s, _ in spans}]
    assert (spans[0][0], spans[-1][1]) == (layout.starts[0], layout.ends[-1])
    for (start, end), (after, _) in itertools.pairwise([*spans, (len(text), 0)]):
        assert text[end:after].isspace() or end == after
        assert end in layout.ends
        assert end - start <= 1000
        lines = {
            layout.ends[i] for i in range(len(layout.ends)) if text[layout.ends[i] :].partition("\n")[0].strip() == ""
        }
        if after < len(text) and end not in lines:  # no line ends in it that it could end with
            assert not [one for one in lines if start < one < end]


@pytest.fixture
def path(tmp_path):
    filler = "The mill was quiet, and nobody came. " * 40
    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        archive.add(
            [
                Article(id="one", title="Dams", text=f"{filler}\n\nThe dam of Mr. Weir leaks. {filler}\n\nThe dam."),
                Article(id="two", title="A weir", text=f"The weir. {filler} The dams and the weir hold. {filler}"),
            ],
            vectors=False,
        )
    return tmp_path / "a"


def answers(path, query):
    with Archive.open(path) as archive:
        return [
            (hit.article.id, hit.score, [hit.article.text[p.start : p.end] for p in hit.passages], hit.snippet)
            for hit in archive.search(query)
        ]


@pytest.mark.parametrize("query", ["dam weir", "dam", '"the dam"', "dam w/s weir", "+weir dam*"])
def test_an_archive_that_knows_no_sentences_answers_the_same(path, query):
    found = answers(path, query)
    assert sorted(hit[0] for hit in found) == ["one", "two"]
    assert all("The dam" in passages[0] and "The dam" in snippet for _, _, passages, snippet in found)
    forge(path, "keyword", OFFSETS, None)
    assert [hit[:3] for hit in answers(path, query)] == [hit[:3] for hit in found]
    with Archive.open(path) as archive:
        assert archive.check() == []
        archive.add([Article(id="three", text="A dam. A weir.")], vectors=False)
        archive.optimize()
        assert archive.check(thorough=True) == []
        assert "three" in [hit.article.id for hit in archive.search("dam weir")]


def test_snippets_end_with_whole_sentences_and_show_the_words_that_count(tmp_path):
    filler = "It was said by Mr. Brown of the U.S. that nothing came of it at all, whatever was tried by him. "
    far = "An aqueduct " + "and on it went past the mill and the gate " * 7 + "to a culvert. "
    text = f"{filler * 2}{far}{filler * 2}An aqueduct fell, as Mr. Culvert said. {filler * 3}"
    with Archive.open(tmp_path / "b", create=True, model=None) as archive:
        archive.add([Article(id="1", text=text)], vectors=False)
        (hit,) = archive.search("aqueduct mill")
    assert hit.snippet.startswith("An aqueduct and on it went")
    with Archive.open(tmp_path / "b") as archive:
        (hit,) = archive.search("aqueduct culvert")
    assert "An aqueduct fell, as Mr. Culvert said." in hit.snippet
    marked = [hit.snippet[one.start : one.end] for one in hit.highlights]
    assert marked == ["aqueduct", "Culvert"]
