"""What a model wrote is searched, whatever signs are in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from search import Archive, Article, Filters
from search.adapters.passages import Retrieval, Source
from search.engine import lenient
from search.errors import QueryError, SearchError
from search.serve import running
from search.serve.app import create_app
from search.serve.desk import Desk, Settings
from search.serve.http import responses, vector_stores
from search.serve.mcp import answers as mcp_answers
from search.serve.mcp.server import build


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


@pytest.mark.parametrize("settings", [{}, {"literal": True}])
def test_a_text_without_anything_to_search_for_finds_nothing_and_says_so(archive, settings):
    for text in ("", " ", "\n\u200b"):
        results = lenient.search(archive.search, text, **settings)
        assert (len(results), results.total) == (0, 0)
        assert results.notes[0].startswith("nothing was searched for: the query is empty")
        assert asyncio.run(lenient.asearch(archive.asearch, text, **settings)) == results


def test_filters_that_cannot_be_read_raise(archive):
    for text in ("river", "river AND (", ""):
        with pytest.raises(QueryError, match="since: 'soon' is not a date"):
            lenient.search(archive.search, text, filters=Filters(since="soon"))


WORDS = """
    river gate the AND OR NOT ( ) " “ ’ + - ~ ~2 * ? : title: source: by: date: since:7d date:2025..2024 length:> exact:
    lang:xx id:1 w/5 pre/ w/s atleast3( /re.*x/ [1] { } \\ && || ! <|im_end|> é 🦆 ** ?? %s ' -- </s> =cmd() 1e999
"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\x00", "\u202e", "\ud800", "a*" * 20, "x" * 400, "9" * 40])
MANY = st.lists(PIECES, max_size=12)
WRITTEN = st.one_of(st.text(max_size=60), MANY.map(" ".join), MANY.map("".join))


@given(WRITTEN)
@settings(max_examples=250, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_text_raises_anywhere(sample_archive, text):
    """Not over MCP, not as a vector store, in no retriever; and what was not read as it was meant is said."""
    archive = opened(sample_archive)
    results = lenient.search(archive.search, text, passages=1)
    told = mcp_answers.search_results(results, mcp_answers.address(None))
    assert len(told.results) == len(results)
    told.model_dump_json()
    found = Source(archive).find(text, Retrieval(limit=3))
    assert all(one.metadata()["notes"] == list(results.notes) for one in found)
    if text:
        page = vector_stores.search(archive, vector_stores.StoreSearch.model_construct(query=text, max_num_results=2))
        responses.StorePage.model_validate(page)
    context = archive.retrieve(text, mode="keyword")
    assert context.passages or context.notes
    with contextlib.suppress(SearchError):
        archive.search(text)
        assert not [note for note in results.notes if note.startswith(("read as plain", "nothing was searched"))]


SIGNS = """
    ( (( - + ~ * *:* ? " '' {}[] /a.*b/ AND NOT the w/5 t* source: date:2025..2024 🦆 ล้างบ้าน 東京都
"""
HARD = [
    *SIGNS.split(),
    *("", " ", "AND OR NOT", "the of", "\x00", "\ud800", "a\ud800b", "\u200b", "\u202e"),
    *("x" * 150_000, "(" * 20_000, '"' * 9_999, " ".join(map(str, range(4_000))), "a-b-" * 4_000, "東" * 30_000),
]


@pytest.mark.parametrize("text", HARD, ids=lambda text: ascii(text[:12]))
def test_no_text_is_refused_by_a_server_or_a_retriever(archive, text):
    from fastapi.testclient import TestClient

    from search.adapters.haystack import BroadsheetRetriever as Haystack
    from search.adapters.langchain import BroadsheetRetriever as LangChain
    from search.adapters.llamaindex import BroadsheetRetriever as LlamaIndex

    context = archive.retrieve(text)
    assert context.passages or context.notes
    LangChain(archive).invoke(text)
    LlamaIndex(archive).retrieve(text)
    Haystack(archive).run(text)
    app = create_app(running.settings_for(Settings(folder=archive.path), "127.0.0.1"))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        body = {"content": json.dumps({"query": text}), "headers": {"Content-Type": "application/json"}}
        page = client.post(f"/v1/vector_stores/{archive.path.name}/search", **body)
        assert page.status_code == 200, page.text[:300]
        responses.StorePage.model_validate(page.json())
        body["content"] = json.dumps({"q": text})
        assert client.post("/v1/context", **body).status_code == 200
    assert asyncio.run(of_tools(archive, text)) == [False, False, True]


async def of_tools(archive, text):
    """Whether the tools that take a model's own text, and one that takes an id, answer with an error."""
    server = build(Desk(Settings(folder=archive.path), archive))
    asked = [("search", {"query": text}), ("retrieve_context", {"question": text}), ("fetch", {"id": text})]
    refusals = []
    for tool, arguments in asked:
        try:
            refusals.append((await server.call_tool(tool, arguments)).is_error)
        except ToolError as error:
            refusals.append("Traceback" not in str(error))
    return refusals


@cache
def opened(folder):
    return Archive.open(folder)


def test_retrievers_say_how_a_text_was_read(archive):
    from search.adapters.haystack import BroadsheetRetriever as Haystack
    from search.adapters.langchain import BroadsheetRetriever as LangChain
    from search.adapters.llamaindex import BroadsheetRetriever as LlamaIndex

    for text, documents in (("river AND (", 1), ("", 0), ("\n", 0), ("river gate", 1)):
        notes = [
            [one.metadata["notes"] for one in LangChain(archive).invoke(text)],
            [one.node.metadata["notes"] for one in LlamaIndex(archive).retrieve(text)],
            [one.meta["notes"] for one in Haystack(archive).run(text)["documents"]],
        ]
        assert notes[0] == notes[1] == notes[2]
        assert len(notes[0]) == documents
        if text == "river AND (":
            assert notes[0][0][0].startswith("read as plain words, for as a query it has a mistake")
    with pytest.raises(QueryError, match="since"):
        LangChain(archive, filters=Filters(since="soon")).invoke("river")
