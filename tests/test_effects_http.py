"""What each parameter of each route does to the answers of the sample archive, asked in process."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
from starlette.testclient import TestClient

from search import Archive
from search.declarations import values

from .effects import (
    CONTEXT,
    DEAL,
    DESCRIBED,
    HALLORANS,
    INQUIRY,
    LEAKED,
    LEAVES,
    LIGHTNING,
    MATCH,
    MATCHING,
    RANKING,
    RESIGNS,
    STRIKES,
    TEACHERS,
    TUGS,
    http_app,
    shows,
)

NAMES = {
    "since": "from",
    "until": "to",
    "sources": "source",
    "authors": "author",
    "sections": "section",
    "languages": "language",
}
FILTERS = ("from", "to", "as_of", "source", "author", "section", "language", "literal")


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(sample_archive):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1:8000") as opened:
        yield opened


BOTH = pytest.mark.parametrize("method", ["GET", "POST"])


@pytest.fixture
def ask(client):
    """The answer of a route, asked by GET or by POST, with settings by the archive's names."""

    def asked(method, path, status=200, **settings):
        said = {NAMES.get(name, name): value for name, value in settings.items()}
        response = client.request(method, f"/v1/{path}", **({"params": said} if method == "GET" else {"json": said}))
        assert response.status_code == status, response.text
        return response

    return asked


def ids(response):
    return [hit["id"] for hit in response.json()["hits"]]


def name(effect):
    return f"{effect.setting}-{effect.value}"


# /v1/search


@shows("GET /v1/search", "q", *FILTERS)
@shows("POST /v1/search", "q", *FILTERS)
@BOTH
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_search_matching(ask, method, effect):
    asked = {"q": effect.query, "sort": "newest"}
    assert ids(ask(method, "search", **asked)) == effect.before
    assert ids(ask(method, "search", **asked, **{effect.setting: effect.value})) == effect.after


RANKED = (
    "limit",
    "offset",
    "mode",
    "sort",
    "copies",
    "shown",
    "prefer",
    "recency",
    "diversity",
    "per_source",
    "fusion",
    "weight",
    "detect",
)


@shows("GET /v1/search", *RANKED)
@shows("POST /v1/search", *RANKED)
@BOTH
@pytest.mark.parametrize("effect", RANKING, ids=name)
def test_search_ranking(ask, method, effect):
    asked = {"q": effect.query, **effect.beside}
    assert ids(ask(method, "search", **asked)) == effect.before
    assert ids(ask(method, "search", **asked | {effect.setting: effect.value})) == effect.after


@shows("GET /v1/search", "cursor", "passages", "explain")
@shows("POST /v1/search", "cursor", "passages", "explain")
@BOTH
def test_search_pages_passages_and_explanations(ask, method):
    asked = {"q": "title:strike", "sort": "newest", "limit": 3}
    first = ask(method, "search", **asked).json()
    assert ids(ask(method, "search", **asked, cursor=first["cursor"])) == STRIKES[3:6]
    asked = {"q": "Halloran source:Fenwick date:2024-09", "limit": 1, "mode": "keyword"}
    for settings, passages in (({}, 1), ({"passages": 0}, 0), ({"passages": 3}, 3)):
        (hit,) = ask(method, "search", **asked, **settings).json()["hits"]
        assert (hit["id"], len(hit["passages"]), hit["explain"]) == (LEAKED, passages, None)
    (hit,) = ask(method, "search", **asked, explain=True).json()["hits"]
    assert hit["explain"]["parts"]["keyword"] == pytest.approx(hit["score"], abs=1e-6)


@pytest.mark.model
@shows("GET /v1/search", "rerank")
@shows("POST /v1/search", "rerank")
def test_search_rerank(sample_archive, cross_encoder, ask):
    asked = {"q": "Halloran", "mode": "keyword", "limit": 2}
    with TestClient(http_app(sample_archive, rerank=cross_encoder), base_url="http://127.0.0.1:8000") as client:
        assert ids(client.get("/v1/search", params=asked)) == [LEAVES, MATCH]
        assert ids(client.get("/v1/search", params=asked | {"rerank": True})) == [INQUIRY, LEAKED]
        assert ids(client.post("/v1/search", json=asked | {"rerank": True})) == [INQUIRY, LEAKED]
    refused = ask("POST", "search", status=400, **asked, rerank=True)
    assert "no cross-encoder" in refused.json()["error"]["message"]


@shows("GET /v1/search", "format")
@shows("POST /v1/search", "format")
@BOTH
def test_search_formats(ask, method):
    asked = {"q": "title:strike", "sort": "newest", "limit": 2}
    assert ids(ask(method, "search", **asked)) == ids(ask(method, "search", **asked, format="json")) == [TEACHERS, TUGS]
    blocks = ask(method, "search", **asked, format="search_results").json()["content"]
    assert [(one["type"], one["source"]) for one in blocks] == [
        ("search_result", f"broadsheet:{TEACHERS}"),
        ("search_result", "https://selwynadvertiser.example/tug-ballot"),
    ]
    table = ask(method, "search", **asked, format="csv")
    assert [row["id"] for row in csv.DictReader(io.StringIO(table.text))] == [TEACHERS, TUGS]
    for form, line in (("bibtex", f"@article{{{TUGS},"), ("ris", f"ID  - {TUGS}")):
        assert line in ask(method, "search", **asked, format=form).text.splitlines()


@shows("POST /v1/search", "filter", "filter.type", "filter.key", "filter.value", "filter.filters")
def test_search_filter(ask):
    def found(filter):
        return ids(ask("POST", "search", q="title:strike", sort="newest", filter=filter))

    courier = {"type": "eq", "key": "source", "value": "Harrowmouth Courier"}
    port = {"type": "eq", "key": "section", "value": "Port"}
    young = {"type": "gte", "key": "published", "value": "2024-11"}
    assert found(None) == STRIKES
    assert found(courier) == [one for one in STRIKES if one.startswith(("harbour", "u-"))]
    assert found(courier | {"type": "ne"}) == [one for one in STRIKES if one not in found(courier)]
    assert found(courier | {"value": "Port Selwyn Advertiser"}) == [TUGS]
    assert found(courier | {"key": "title"}) == []
    assert found({"type": "and", "filters": [port, young]}) == [DEAL]


# Counts and meanings


@shows("GET /v1/facets", "q", *FILTERS)
@shows("POST /v1/facets", "q", *FILTERS)
@shows("GET /v1/timeline", "q", *FILTERS)
@shows("POST /v1/timeline", "q", *FILTERS)
@BOTH
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_counts_are_of_what_matches(ask, archive, method, effect):
    for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        months = Counter(archive.get(one).published.strftime("%Y-%m") for one in found)
        facets = ask(method, "facets", q=effect.query, **settings).json()
        assert facets["total"] == len(found)
        assert {one["value"]: one["count"] for one in facets["facets"]["month"]["values"]} == months
        timeline = ask(method, "timeline", q=effect.query, **settings).json()
        assert timeline["total"] == len(found)
        assert {one["label"]: one["count"] for one in timeline["buckets"] if one["count"]} == months


@shows("GET /v1/facets", "field", "limit")
@shows("POST /v1/facets", "field", "limit")
@BOTH
def test_facets_field_and_limit(ask, method):
    assert len(ask(method, "facets", q="title:strike").json()["facets"]) == 7
    few = ask(method, "facets", q="title:strike", field=["section", "source"], limit=1).json()["facets"]
    assert list(few) == ["section", "source"]
    assert [(one["value"], one["count"]) for one in few["source"]["values"]] == [("Harrowmouth Courier", 4)]
    assert len(ask(method, "facets", q="title:strike", field=["source"]).json()["facets"]["source"]["values"]) == 3


@shows("GET /v1/timeline", "by")
@shows("POST /v1/timeline", "by")
@BOTH
def test_timeline_by(ask, method):
    for by, count in (("day", 8), ("week", 7), ("month", 5), ("year", 2)):
        buckets = ask(method, "timeline", q="title:strike", by=by).json()["buckets"]
        assert len([one for one in buckets if one["count"]]) == count
    assert len([one for one in ask(method, "timeline", q="title:strike").json()["buckets"] if one["count"]]) == 5


@shows("GET /v1/describe", "q", *FILTERS)
@pytest.mark.parametrize(("query", "settings", "meaning"), DESCRIBED)
def test_describe(ask, query, settings, meaning):
    assert ask("GET", "describe", q=query, **settings).json()["description"] == meaning


# Articles and alerts


@shows("GET /v1/articles", "id", "passages")
@shows("GET /v1/articles/{id}", "q")
def test_marks_of_an_article(ask, archive):
    found = ask("GET", f"articles/{LEAKED}", q="Halloran").json()
    assert found["highlights"] == [values(mark) for mark in archive.marks(LEAKED, "Halloran")]
    assert found["highlights"]
    assert "highlights" not in ask("GET", f"articles/{LEAKED}").json()
    assert ask("GET", f"articles/{LEAKED}", status=400, q='a "b').json()["error"]["position"] == 2


@shows("GET /v1/articles/{id}", "id", "passages")
def test_articles(ask, archive):
    found = ask("GET", "articles", id=[LEAKED, "nobody", LEAVES]).json()
    assert ([one["id"] for one in found["articles"]], found["missing"]) == ([LEAKED, LEAVES], ["nobody"])
    assert all("passages" not in one for one in found["articles"])
    passages = [{"text": one.text, "start": one.start, "end": one.end} for one in archive.passages(LEAKED)]
    assert ask("GET", "articles", id=LEAKED, passages=True).json()["articles"][0]["passages"] == passages
    one = ask("GET", f"articles/{LEAKED}").json()
    assert (one["id"], one["furniture"], "passages" in one) == (LEAKED, [], False)
    assert ask("GET", f"articles/{LEAKED}", passages=True).json() == one | {"passages": passages}


@shows("GET /v1/alerts/news", "name", "limit")
def test_news(sample_copy):
    with Archive.open(sample_copy) as archive:
        archive.add_alert("hall", "Halloran", everything=True)
        archive.add_alert("strikes", "title:strike", everything=True)
    with TestClient(http_app(sample_copy), base_url="http://127.0.0.1:8000") as client:

        def news(**asked):
            told = client.get("/v1/alerts/news", params=asked).json()["alerts"]
            return {one["name"]: [article["id"] for article in one["articles"]] for one in told}

        assert {name: set(found) for name, found in news().items()} == {"hall": set(HALLORANS), "strikes": set(STRIKES)}
        assert news(name=["strikes"]) == {"strikes": STRIKES}
        assert news(name=["strikes"], limit=2) == {"strikes": STRIKES[:2]}


# Contexts, quotations, OpenAI's vector store

ABOUT = ("q", "budget", "mode", "detect", "from", "to", "as_of", "source", "author", "section", "language", "recency")
ABOUT += ("per_source",)


@shows("GET /v1/context", *ABOUT)
@shows("POST /v1/context", *ABOUT)
@BOTH
@pytest.mark.parametrize("effect", CONTEXT, ids=name)
def test_context(ask, method, effect):
    def found(**settings):
        asked = {"q": effect.query, "mode": "keyword", **effect.beside, **settings}
        return list(dict.fromkeys(one["id"] for one in ask(method, "context", **asked).json()["passages"]))

    assert found() == effect.before
    assert found(**{effect.setting: effect.value}) == effect.after


@shows("GET /v1/context", "format")
@shows("POST /v1/context", "format")
@BOTH
def test_context_formats(ask, method):
    asked = {"q": "Halloran", "mode": "keyword", "budget": 400}
    passages = ask(method, "context", **asked).json()["passages"]
    assert [one["id"] for one in passages] == [LEAVES, MATCH]
    assert ask(method, "context", **asked, format="json").json()["passages"] == passages
    text = ask(method, "context", **asked, format="text").text
    (system, user) = ask(method, "context", **asked, format="messages").json()["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert all(one["text"] in text and one["text"] in user["content"] for one in passages)
    blocks = ask(method, "context", **asked, format="search_results").json()["content"]
    assert [one["title"] for one in blocks] == [one["title"] for one in passages]


@pytest.mark.model
@shows("GET /v1/context", "rerank")
@shows("POST /v1/context", "rerank")
def test_context_rerank(sample_archive, cross_encoder):
    asked = {"q": "Halloran", "mode": "keyword", "budget": 200}
    with TestClient(http_app(sample_archive, rerank=cross_encoder), base_url="http://127.0.0.1:8000") as client:
        assert [one["id"] for one in client.get("/v1/context", params=asked).json()["passages"]] == [MATCH]
        for answer in (
            client.get("/v1/context", params=asked | {"rerank": True}),
            client.post("/v1/context", json=asked | {"rerank": True}),
        ):
            assert [one["id"] for one in answer.json()["passages"]] == [INQUIRY]


@shows("POST /v1/check-quotes", "answer", "passages")
@shows("POST /v1/check-quotes", "passages.number", "passages.id", "passages.start", "passages.end")
def test_check_quotes(ask, archive):
    start, end = archive.passages(LEAVES)[0].start, 200
    sentence = archive.get(LEAVES).text[start:end].split(". ")[0]
    passage = {"number": 1, "id": LEAVES}

    def verdicts(answer=f'It says "{sentence}" [1].', **changed):
        checked = ask("POST", "check-quotes", answer=answer, passages=[passage | changed]).json()
        return [one["verdict"] for one in (*checked["quotes"], *checked["marks"])]

    assert verdicts() == ["exact", "exact"]
    assert verdicts(answer='It says "nothing that anybody ever said at all" [1].') == ["missing", "exact"]
    assert verdicts(number=2) == ["elsewhere", "missing"]  # the mark [1] stands for no passage
    assert verdicts(id=MATCH) == verdicts(end=10) == verdicts(start=300) == ["missing", "exact"]


STORE = "POST /v1/vector_stores/{id}/search"


@shows(STORE, "id", "query", "filters", "filters.type", "filters.key", "filters.value", "filters.filters")
@shows(STORE, "max_num_results", "ranking_options", "ranking_options.score_threshold")
@shows(STORE, "ranking_options.ranker", "rewrite_query")
def test_vector_store(client, sample_archive):
    def page(path=f"/v1/vector_stores/{sample_archive.name}/search", status=200, **asked):
        response = client.post(path, json={"query": "Halloran", **asked})
        assert response.status_code == status
        return response.json()

    def found(**asked):
        return [one["file_id"] for one in page(**asked)["data"]]

    assert found()[:2] == [LEAVES, RESIGNS]
    assert found(query="Lightning strike knocks out crane")[0] == LIGHTNING
    assert page(path="/v1/vector_stores/other/search", status=404)["error"]["type"] == "ArticleNotFound"
    assert len(found()) == 10
    assert found(max_num_results=2) == found()[:2]
    argus = {"type": "eq", "key": "source", "value": "The Wexcombe Argus"}
    courts = {"type": "eq", "key": "section", "value": "Courts"}
    assert len(found(filters=argus)) == 4
    assert found(filters={"type": "and", "filters": [argus, courts]}) == ["u-7fa4b6879fce7b48bcac5019d30ec8be"]
    assert len(found(filters={"type": "or", "filters": [argus, argus | {"value": "Tirsa Herald"}]})) == 8
    assert not {*found(filters=argus | {"type": "ne"}, max_num_results=50)} & {*found(filters=argus)}
    second = page()["data"][1]["score"]
    assert found(ranking_options={"score_threshold": second}) == found()[:2]
    # Accepted for OpenAI's clients; there is one ranker, and queries are searched as they are.
    assert page(ranking_options={"ranker": "default-2024-11-15"}) == page(rewrite_query=True) == page()
