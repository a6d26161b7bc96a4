"""What each argument of each MCP tool does to the answers of the sample archive, asked in process."""

from __future__ import annotations

from collections import Counter

import pytest
from mcp import Client

from search import Archive

from .effects import (
    CONTEXT,
    INQUIRY,
    LEAKED,
    LEAVES,
    MATCH,
    MATCHING,
    RANKING,
    mcp_server,
    shows,
)

FILTERS = ("since", "until", "sources", "authors", "sections", "languages", "as_of")
RANKED = ("limit", "offset", "mode", "sort", "copies", "shown", "prefer", "recency", "detect", "per_source")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(archive):
    return mcp_server(archive)


@pytest.fixture
async def ask(server):
    """The structured answer of a tool."""
    async with Client(server) as client:

        async def call(tool, **arguments):
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content[0].text
            return result.structured_content

        yield call


def ids(answer):
    return [hit["id"] for hit in answer["hits"]]


def name(effect):
    return f"{effect.setting}-{effect.value}"


pytestmark = pytest.mark.anyio


@shows("tool search", "query")
@shows("tool fetch", "id")
@shows("tool article_passages", "id")
async def test_the_convention_and_passages(ask, archive):
    for query, first in (("Halloran leaves Rovers", LEAVES), ("signed off from a car park", LEAKED)):
        assert (await ask("search", query=query))["results"][0]["id"] == first
        assert (await ask("fetch", id=first))["text"] == archive.get(first).text
        answered = await ask("article_passages", id=first)
        assert answered["furniture"] == []
        passages = answered["passages"]
        assert [(one["start"], one["text"]) for one in passages] == [
            (one.start, one.text) for one in archive.passages(first)
        ]


@shows("tool search_articles", "query", "literal", *FILTERS)
@pytest.mark.parametrize("effect", MATCHING, ids=name)
async def test_search_matching(ask, effect):
    asked = {"query": effect.query, "sort": "newest"}
    assert ids(await ask("search_articles", **asked)) == effect.before
    assert ids(await ask("search_articles", **asked, **{effect.setting: effect.value})) == effect.after


@shows("tool search_articles", *RANKED)
@pytest.mark.parametrize("effect", [one for one in RANKING if one.setting in RANKED], ids=name)
async def test_search_ranking(ask, effect):
    asked = {"query": effect.query, **effect.beside}
    assert ids(await ask("search_articles", **asked)) == effect.before
    assert ids(await ask("search_articles", **asked | {effect.setting: effect.value})) == effect.after


@shows("tool search_articles", "passages")
async def test_search_passages(ask):
    asked = {"query": "Halloran source:Fenwick date:2024-09", "limit": 1, "mode": "keyword"}
    for settings, passages in (({}, 1), ({"passages": 0}, 0), ({"passages": 3}, 3)):
        (hit,) = (await ask("search_articles", **asked, **settings))["hits"]
        assert (hit["id"], len(hit["passages"])) == (LEAKED, passages)


@shows("tool retrieve_context", "question", "budget", "detect", "mode", "recency", "per_source", *FILTERS)
@pytest.mark.parametrize("effect", CONTEXT, ids=name)
async def test_context(ask, effect):
    async def found(**settings):
        asked = {"question": effect.query, "mode": "keyword", **effect.beside, **settings}
        return list(dict.fromkeys(one["id"] for one in (await ask("retrieve_context", **asked))["passages"]))

    assert await found() == effect.before
    assert await found(**{effect.setting: effect.value}) == effect.after


@pytest.mark.model
async def test_rerank(archive, cross_encoder):
    """Tools that rank take it where the server has a cross-encoder; without one they do not have it."""
    hits = {"query": "Halloran", "mode": "keyword", "limit": 2}
    passages = {"question": "Halloran", "mode": "keyword", "budget": 200}
    async with Client(mcp_server(archive, rerank=cross_encoder)) as client:
        for rerank, found in ((False, [LEAVES, MATCH]), (True, [INQUIRY, LEAKED])):
            answer = await client.call_tool("search_articles", hits | {"rerank": rerank})
            assert ids(answer.structured_content) == found
        for rerank, found in ((False, MATCH), (True, INQUIRY)):
            answer = await client.call_tool("retrieve_context", passages | {"rerank": rerank})
            assert [one["id"] for one in answer.structured_content["passages"]] == [found]
    async with Client(mcp_server(archive)) as client:
        refused = await client.call_tool("search_articles", hits | {"rerank": True})
        assert refused.is_error
        assert "search_articles has no argument 'rerank'" in refused.content[0].text


COUNTED = ("since", "until", "sources", "as_of")


@shows("tool count_facets", "query", *COUNTED)
@shows("tool timeline", "query", *COUNTED)
@pytest.mark.parametrize("effect", [one for one in MATCHING if one.setting in COUNTED], ids=name)
async def test_counts_are_of_what_matches(ask, archive, effect):
    for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        months = Counter(archive.get(one).published.strftime("%Y-%m") for one in found)
        facets = await ask("count_facets", query=effect.query, **settings)
        assert facets["total"] == len(found)
        assert {one["value"]: one["count"] for one in facets["facets"]["month"]["values"]} == months
        timeline = await ask("timeline", query=effect.query, **settings)
        assert timeline["total"] == len(found)
        assert {one["label"]: one["count"] for one in timeline["buckets"] if one["count"]} == months


@shows("tool count_facets", "fields", "limit")
@shows("tool timeline", "by")
async def test_how_it_is_counted(ask):
    assert len((await ask("count_facets", query="title:strike"))["facets"]) == 7
    few = (await ask("count_facets", query="title:strike", fields=["section", "source"], limit=1))["facets"]
    assert list(few) == ["section", "source"]
    assert [(one["value"], one["count"]) for one in few["source"]["values"]] == [("Harrowmouth Courier", 4)]
    for by, count in (("day", 8), ("week", 7), ("month", 5), (None, 5), ("year", 2)):
        buckets = (await ask("timeline", query="title:strike", **({"by": by} if by else {})))["buckets"]
        assert len([one for one in buckets if one["count"]]) == count


@shows("tool timeline", "split")
async def test_a_timeline_by_source(ask):
    assert (await ask("timeline", query="title:strike"))["series"] == []
    split = (await ask("timeline", query="title:strike", split="source"))["series"]
    assert (split[0]["name"], split[0]["total"]) == ("Harrowmouth Courier", 4)


FEW = ("since", "until", "sources")


@shows("tool first", "query", "limit", *FEW)
@pytest.mark.parametrize("effect", [one for one in MATCHING if one.setting in FEW], ids=name)
async def test_the_earliest_articles(ask, archive, effect):
    for settings in ({}, {effect.setting: effect.value}):
        found = await ask("first", query=effect.query, limit=50, **settings)
        filters = {"filters": settings} if settings else {}
        assert ids(found) == [hit.article.id for hit in archive.first(effect.query, limit=50, **filters)]
        assert ids(found)[::-1] == [one for one in (effect.after if settings else effect.before) if one in ids(found)]
        assert ids(await ask("first", query=effect.query, limit=1, **settings)) == ids(found)[:1]
        assert all(hit["url"] for hit in found["hits"])


@shows("tool terms", "query", "by", "limit", *FEW)
async def test_what_sets_a_match_set_apart(ask, archive):
    def told(terms):
        return [one.term for one in terms]

    for settings in (
        {},
        {"limit": 3},
        {"since": "2025"},
        {"until": "2024-11-01"},
        {"sources": ["Harrowmouth Courier"]},
    ):
        filters = {"filters": settings} if settings and "limit" not in settings else settings
        expected = archive.terms("strike", **filters)
        found = await ask("terms", query="strike", **settings)
        assert [one["term"] for one in found["terms"]] == told(expected.terms)
        assert (found["total"], found["periods"]) == (expected.total, [])
        assert found["terms"] or "until" in settings or "since" in settings
    by_year = await ask("terms", query="strike", by="year")
    assert [one["label"] for one in by_year["periods"]] == ["2024", "2025"]


@shows("tool check_quotations", "answer", "passages")
@shows("tool check_quotations", "passages.number", "passages.id", "passages.start", "passages.end")
async def test_check_quotations(ask, archive):
    sentence = archive.get(LEAVES).text[:200].split(". ")[0]

    async def verdicts(answer=f'It says "{sentence}" [1].', **changed):
        passages = [{"number": 1, "id": LEAVES, **changed}]
        checked = await ask("check_quotations", answer=answer, passages=passages)
        return [one["verdict"] for one in (*checked["quotes"], *checked["marks"])]

    assert await verdicts() == ["exact", "exact"]
    assert await verdicts(answer='It says "nothing that anybody ever said at all" [1].') == ["missing", "exact"]
    assert await verdicts(number=2) == ["elsewhere", "missing"]
    for changed in ({"id": MATCH}, {"end": 10}, {"start": 300}):
        assert await verdicts(**changed) == ["missing", "exact"]


@shows("prompt answer_with_citations", "question")
@shows("prompt compare_coverage", "subject")
@shows("resource article://{id}", "id")
async def test_prompts_and_resources(server, archive):
    async with Client(server) as client:
        for prompt, argument in (("answer_with_citations", "question"), ("compare_coverage", "subject")):
            told = await client.get_prompt(prompt, {argument: "Who left Rovers?"})
            assert told.messages[0].content.text.splitlines()[0].endswith(": Who left Rovers?")
        for one in (LEAVES, MATCH):
            page = (await client.read_resource(f"article://{one}")).contents[0].text
            assert page.startswith(archive.get(one).title)
