"""Facets and timelines of stories: each once in each value that a copy in the match set has."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from starlette.testclient import TestClient

from search import Archive, Article
from search.query.fields import value_key

from .effects import answer, http_app, mcp_server, run, shows
from .test_shown import archive  # noqa: F401
from .test_stories import prose
from .test_story import in_archive_by_story

ZERRIN = {"2024-09": 1, "2024-10": 1, "2024-11": 1, "2024-12": 2, "2025-01": 1, "2025-02": 1}
"""Stories that tell of the Zerrin by month; of the articles there are three in December and two in January."""


def months(told):
    values = told["facets"]["month"]["values"]
    return {one["value"]: one["count"] for one in values}, (told["total"], told["stories"])


@shows("Archive.facets", "copies")
@shows("Archive.timeline", "copies")
def test_counts_of_the_sample_archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        (facet,) = opened.facets("Zerrin", fields=["month"], copies="collapse").facets
        assert {one.value: one.count for one in facet.values} == ZERRIN
        found = opened.timeline("Zerrin", copies="collapse")
        assert {one.label: one.count for one in found.buckets} == ZERRIN
        assert (found.total, found.stories, found.undated) == (9, 7, 0)
        assert {one.label: one.articles for one in opened.timeline("*", copies="collapse").buckets}["2024-12"] == 15
        assert {one.label: one.articles for one in opened.timeline("*").buckets}["2024-12"] == 18
        assert opened.facets("Zerrin").stories is None


@shows("facets", "--copies")
@shows("timeline", "--copies")
def test_counts_on_a_command_line(sample_archive, monkeypatch):
    monkeypatch.setenv("BROADSHEET_INDEX", str(sample_archive))
    asked = ("Zerrin", "--copies", "collapse")
    assert months(answer("facets", *asked, "--field", "month")) == (ZERRIN, (9, 7))
    assert {one["label"]: one["count"] for one in answer("timeline", *asked)["buckets"]} == ZERRIN
    for command in ("facets", "timeline"):
        assert run(command, *asked).stderr == "9 articles match, 7 stories\n"
        assert ">7 stories: Zerrin<" in run(command, *asked, "--format", "svg").stdout
        assert run(command, "Zerrin", "--copies", "show").stderr == "9 articles match\n"
    assert "source: 3 values; 1 article without" in run("facets", "Zerrin", "--field", "source").stdout
    assert "source: 3 values\n" in run("facets", *asked, "--field", "source").stdout


@shows("GET /v1/facets", "copies")
@shows("POST /v1/facets", "copies")
@shows("GET /v1/timeline", "copies")
@shows("POST /v1/timeline", "copies")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_counts_over_http(sample_archive, method):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:

        def ask(path, **asked):
            how = {"params": asked} if method == "GET" else {"json": asked}
            return client.request(method, f"/v1/{path}", **how).json()

        assert months(ask("facets", q="Zerrin", copies="collapse")) == (ZERRIN, (9, 7))
        buckets = ask("timeline", q="Zerrin", copies="collapse")["buckets"]
        assert {one["label"]: one["count"] for one in buckets} == ZERRIN


@pytest.fixture
def anyio_backend():
    return "asyncio"


@shows("tool count_facets", "copies")
@shows("tool timeline", "copies")
@pytest.mark.anyio
async def test_counts_as_tools(sample_archive):
    with Archive.open(sample_archive) as opened:
        async with Client(mcp_server(opened)) as client:
            asked = {"query": "Zerrin", "copies": "collapse"}
            told = (await client.call_tool("count_facets", asked)).structured_content
            assert months(told) == (ZERRIN, (9, 7))
            buckets = (await client.call_tool("timeline", asked)).structured_content["buckets"]
            assert {one["label"]: one["count"] for one in buckets} == ZERRIN


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Forty articles of few stories with values of every field, in several segments."""
    names = ["Ann", "ann", "Bob", "Reuters", ""]
    articles = [
        Article(
            id=f"a{number:02}",
            text=prose(number % 13, 120) + (" Dam." if number % 3 else ""),
            published=None if number % 7 == 2 else date(2025, 1, 25) + timedelta(days=number % 17),
            source=("Post", "POST", "Herald", "", "Courier")[number % 5],
            authors=tuple(names[(number * at) % 5] for at in range(1, number % 4)),
            agency=("", "Reuters", "Bob")[number % 3],
            section=("News", "")[number % 2],
        )
        for number in range(40)
    ]
    with Archive.open(tmp_path_factory.mktemp("several") / "a", create=True) as made:
        made.add(articles, vectors=False, batch=9)
        made.delete(["a05"])
        yield made


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_counts_by_a_loop(several, data):
    query = data.draw(st.sampled_from(["*", "dam", "-dam", "source:post OR agency:reuters"]))
    as_of = data.draw(st.sampled_from([None, None, "2025-02-03"]))
    asked = {"as_of": as_of, "copies": "collapse"}
    stories = in_archive_by_story(several, as_of)
    matched = [hit.article for hit in several.search(query, as_of=as_of, sort="newest", limit=100)]
    story = {one.id: min(stories[one.id]) for one in matched}
    having = defaultdict(lambda: defaultdict(set))
    plain_authors = {value_key(name) for one in matched for name in one.authors} - {""}
    for one in matched:
        agency = {value_key(one.agency)} & plain_authors
        values = {"author": {value_key(name) for name in one.authors} | agency, "source": {value_key(one.source)}}
        values |= {"section": {value_key(one.section)}}
        day = one.published
        values |= {"month": {day and f"{day:%Y-%m}"}, "year": {day and f"{day:%Y}"}}
        for field, own in values.items():
            for value in own - {"", None}:
                having[field][value].add(story[one.id])
    found = several.facets(query, fields=["author", "source", "section", "month", "year"], **asked, limit=None)
    assert (found.total, found.stories) == (len(matched), len(set(story.values())))
    for facet in found.facets:
        expected = {value: len(some) for value, some in having[facet.field].items()}
        dated = facet.field in ("month", "year")
        assert {one.value if dated else value_key(one.value): one.count for one in facet.values} == expected
        assert facet.none == len(set(story.values()) - set().union(*having[facet.field].values()))
        for one in facet.values[:3]:
            narrowed = several.search(one.query, **asked, limit=1)
            assert narrowed.stories == one.count
    by = data.draw(st.sampled_from(["day", "week", "month", "year"]))
    line = several.timeline(query, by=by, **asked)
    every = [hit.article for hit in several.search("*", as_of=as_of, sort="newest", limit=100)]
    for bucket in line.buckets:
        for articles, count in ((matched, bucket.count), (every, bucket.articles)):
            inside = {min(stories[one.id]) for one in articles
                      if one.published and bucket.start <= one.published <= bucket.end}  # fmt: skip
            assert count == len(inside)
    dated = {story[one.id] for one in matched if one.published}
    assert line.undated == len(set(story.values()) - dated)


def test_an_archive_that_knows_no_stories_counts_articles_and_says_so(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as made:
        with made._session.writing() as writer, writer.commit() as transaction:
            transaction.set("stories", None)
        made.add([Article(id="a", text="dam"), Article(id="b", text="dam")], vectors=False)
        for found in (made.facets("dam", copies="collapse"), made.timeline("dam", copies="collapse")):
            assert (found.total, found.stories) == (2, None)
            assert "'broadsheet regroup' finds out" in found.notes[-1]
