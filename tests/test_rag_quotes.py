"""check_quotes: where each quotation and each mark of an answer stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.rag import check_quotes
from search.rag.context import Citation, Context
from search.records import Article, Mode

DAM = (
    "Intro. “Every earth dam weeps a little,” said Hugo Pell, a spokesman – and he'd know. "
    "The water rose two metres in a night. Nobody slept in the lower town."
)
TRAM = "The council voted by 31 votes to 29. It was the longest debate in its history, the mayor said."
ARTICLES = {"dam": Article(id="dam", text=DAM), "tram": Article(id="tram", text=TRAM)}


def citation(number, article_id, start, end):
    article = ARTICLES[article_id]
    return Citation(
        number=number, article_id=article_id, start=start, end=end, text=article.text[start:end], title="", source="",
        published=None, authors=(), url="", score=1.0, tokens=0,
    )  # fmt: skip


CONTEXT = Context(
    question="?",
    budget=100,
    tokens=10,
    mode=Mode.HYBRID,
    took_ms=0.0,
    passages=(citation(1, "dam", 7, DAM.index(" Nobody")), citation(2, "tram", 0, len(TRAM))),
)


@pytest.mark.parametrize(
    ("answer", "verdict", "number", "found"),
    [
        ('He said "Every earth dam weeps a little," [1].', "exact", 1, "Every earth dam weeps a little,"),
        ("“every earth  dam\nweeps a little.” [1]", "normalised", 1, "Every earth dam weeps a little"),
        ("„Every earth dam weeps a little“ [1]", "exact", 1, "Every earth dam weeps a little"),
        ("« Every earth dam weeps a little » [1]", "exact", 1, "Every earth dam weeps a little"),
        ("»Every earth dam weeps a little« [1]", "exact", 1, "Every earth dam weeps a little"),
        (
            "It's 'The water rose two metres in a night' [1], he'd say.",
            "exact",
            1,
            "The water rose two metres in a night",
        ),
        ('"a spokesman - and he’d know" [1]', "normalised", 1, "a spokesman – and he'd know"),
        (
            '"Every earth dam ... said Hugo Pell" 【1】',
            "normalised",
            1,
            "Every earth dam weeps a little,” said Hugo Pell",
        ),
        ('"[The] water rose two […] in a night" [1]', "normalised", 1, "water rose two metres in a night"),
        ("As the paper has it:\n\n> The council voted\n> by 31 votes to 29. [2]\n", "normalised", 2, TRAM[:35]),
        ('"the longest debate in its history" [1]', "elsewhere", 2, "the longest debate in its history"),
        ('"the longest debate in its history"', "exact", 2, "the longest debate in its history"),
        ('"31 votes" [1][2]', "exact", 2, "31 votes"),
    ],
)
def test_quotations_that_stand(answer, verdict, number, found):
    report = check_quotes(answer, CONTEXT)
    assert len(report.quotes) == 1
    quote = report.quotes[0]
    assert (quote.verdict, quote.found.number, quote.found.text) == (verdict, number, found)
    assert answer[quote.start : quote.end] == quote.text
    place = quote.found
    assert ARTICLES[place.article_id].text[place.start : place.end] == place.text
    assert report.ok == (verdict != "elsewhere")


def test_an_invented_quotation_comes_with_the_nearest_sentence():
    report = check_quotes('The river: "The water rose three metres in one night." [1]', CONTEXT)
    quote = report.quotes[0]
    assert quote.verdict == "missing"
    assert quote.found is None
    assert quote.nearest.text == "The water rose two metres in a night."
    assert DAM[quote.nearest.start : quote.nearest.end] == quote.nearest.text
    assert 0.6 < quote.similarity < 1
    assert not report.ok


def test_part_of_a_word_is_no_quotation():
    assert check_quotes('"ear dam weeps a" [1]', CONTEXT).quotes[0].verdict == "missing"
    assert check_quotes('"very earth dam weeps" [1]', CONTEXT).quotes[0].verdict == "missing"


def test_the_whole_article_counts_where_it_can_be_read():
    answer = '"Nobody slept in the lower town." [1]'
    assert check_quotes(answer, CONTEXT).quotes[0].verdict == "missing"
    quote = check_quotes(answer, CONTEXT, ARTICLES.__getitem__).quotes[0]
    assert (quote.verdict, quote.found.start) == ("exact", DAM.index("Nobody"))


def test_marks():
    answer = (
        "One [1]. Two [1, 3]. Four [1][2]. Range [1-2]. Corner 【2†source】. A [link] and [1](https://x.example) [0]."
    )
    report = check_quotes(answer, CONTEXT)
    assert [(one.number, one.verdict) for one in report.marks] == [
        (1, "exact"), (1, "exact"), (3, "missing"), (1, "exact"), (2, "exact"), (1, "exact"), (2, "exact"),
        (2, "exact"), (0, "missing"),
    ]  # fmt: skip
    assert all(answer[one.start] in "[【" and answer[one.end - 1] in "]】" for one in report.marks)
    assert not report.ok


def test_scare_quotes_and_apostrophes_are_no_quotations():
    answer = "The so-called \"deal\" of the dockers' union and the owners' club isn't 'new'."
    assert check_quotes(answer, CONTEXT).quotes == ()


def test_each_quotation_has_its_own_mark():
    answer = '"Every earth dam weeps a little" [1], and "It was the longest debate" [2].'
    assert [one.cited for one in check_quotes(answer, CONTEXT).quotes] == [(1,), (2,)]
    assert check_quotes(answer, CONTEXT).ok


@given(st.text(alphabet="ab \"'“”„«»‘’>[]【】1,-–.…\n", max_size=80))
def test_any_answer_is_read(answer):
    report = check_quotes(answer, CONTEXT)
    for one in report.quotes:
        assert answer[one.start : one.end] == one.text


@given(st.data())
def test_every_stretch_of_whole_words_is_found(data):
    words = [i for i, c in enumerate(TRAM) if i == 0 or TRAM[i - 1] == " "]
    first = data.draw(st.sampled_from(words[:-3]))
    last = data.draw(st.sampled_from([w for w in words if w > first + 8]))
    said = TRAM[first : last - 1]
    report = check_quotes(f'x "{said}" [2]', CONTEXT)
    assert all(one.verdict == "exact" for one in report.quotes)
