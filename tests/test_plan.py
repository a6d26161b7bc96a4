"""A request is read once, and every corridor takes the plan that is made of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from search import Archive, Article, Filters
from search import query as language
from search.query import parser

NOW = datetime(2025, 3, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("plan") / "archive", create=True, model="hash") as opened:
        opened.add(
            [
                Article(id="a", title="Dam", text="The dam leaks.", source="BBC", published=date(2024, 10, 1)),
                Article(id="b", title="Dam", text="The dam was built.", source="CNN", published=date(2024, 12, 1)),
                Article(id="c", title="Tram", text="A tram ran (late.", source="BBC", published=date(2025, 1, 5)),
            ]
        )
        yield opened


def parses(call: Any, *arguments: Any, **settings: Any) -> int:
    """How often a call reads query text; what one reading hands to another is the same reading."""
    readers = {language.parse.__code__, parser.parse.__code__}
    count = 0

    def watch(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        if event == "call" and frame.f_code in readers and frame.f_back.f_code not in readers:
            count += 1

    sys.setprofile(watch)
    try:
        call(*arguments, **settings)
    finally:
        sys.setprofile(None)
    return count


FILTERS = Filters(since="2024", sources=["BBC"], languages=None)


@pytest.mark.parametrize("query", ["dam", '"the dam" leaks', "dam source:BBC", ""])
def test_a_search_reads_its_query_once(archive, query):
    assert parses(archive.search, query, filters=FILTERS) == 1
    assert parses(archive.search, query, filters=FILTERS, as_of="2025-02", recency="30d", sort="newest") == 1
    assert parses(archive.describe, query, filters=FILTERS) == 1


@pytest.mark.parametrize("query", ["dam", '"the dam" leaks', "dam source:BBC"])
@pytest.mark.parametrize("filters", [None, FILTERS])
def test_counts_read_a_query_once_and_what_narrows_it_once(archive, query, filters):
    for face in (archive.facets, archive.timeline):
        assert parses(face, query, filters=filters) == 2
        assert parses(face, "*", filters=filters) == 1  # nothing stands before the conditions that narrow


@pytest.mark.parametrize("detect", ["prefer", "filter", "off"])
@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which dam leaks?", 1),
        ("What did BBC report about the dam in October 2024?", 1),
        ("Compare the dam in 2024 with the tram in January 2025.", 2),
        ("Who built the dam? And which tram was late?", 2),
    ],
)
def test_a_question_is_read_once_and_each_part_once(archive, detect, question, parts):
    assert len(archive.retrieve(question, detect=detect, as_of=NOW).parts) == parts
    whole = int(parts > 1)  # the question itself, beside its parts
    assert parses(archive.retrieve, question, detect=detect, as_of=NOW, filters=FILTERS) == parts + whole + 1


def test_what_a_question_names_is_a_condition_though_the_question_is_no_query(archive):
    """An unbalanced parenthesis, beside a source: searched as typed, under the condition."""
    context = archive.retrieve("What did BBC report of a tram that ran (late?", detect="filter", as_of=NOW)
    assert [citation.article_id for citation in context] == ["c"]
    assert [one.clause for one in context.detected] == ["source:=BBC"]


def test_a_narrowed_plan_has_the_same_words_under_one_more_condition():
    query = language.parse("dam -leaks", now=NOW)
    more = language.parse("source:BBC", now=NOW).constraint
    whole = language.parse("dam -leaks source:BBC", now=NOW)
    assert query.narrowed(more) == replace(query, constraint=whole.constraint)
    assert language.parse("dam", now=NOW).narrowed(more).constraint == more
