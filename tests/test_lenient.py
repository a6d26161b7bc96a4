"""What a model wrote is searched, whatever signs are in it."""

from __future__ import annotations

import asyncio

import pytest

from search import Archive, Article
from search.engine import lenient
from search.errors import QueryError


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("lenient") / "a", create=True, model=None) as archive:
        archive.add([Article(id="1", text="the river gate is open: report")])
        yield archive


@pytest.mark.parametrize("text", ['river "gate', "river AND (", "report: river colour:red", "river NOT", 'a" b "river'])
def test_a_mistake_is_read_as_words_and_said(archive, text):
    results = lenient.search(archive.search, text)
    assert [hit.article.id for hit in results] == ["1"]
    assert results.notes[0].startswith("read as plain words")
    assert asyncio.run(lenient.asearch(archive.asearch, text)).notes == results.notes


def test_a_query_stays_one(archive):
    assert lenient.search(archive.search, 'river -"gate is"').total == 0


def test_what_cannot_be_read_as_words_either(archive):
    with pytest.raises(QueryError, match="empty"):
        lenient.search(archive.search, " ")
    with pytest.raises(QueryError, match="empty"):
        lenient.search(archive.search, " ", literal=True)
