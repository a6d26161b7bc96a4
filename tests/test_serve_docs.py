"""The OpenAPI document and its page: an example of everything, which works, and nothing from another host."""

from __future__ import annotations

import json
import re
import shlex
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from search import Archive, Article
from search.ingest import read
from search.serve import running
from search.serve.app import create_app
from search.serve.desk import Settings
from search.serve.http import docs, examples

from .conftest import SAMPLE

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("docs") / 'desk "<b>&'
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add([*read(PATHS), Article(id="1", text="One.")])
        archive.add_alert("dam", "Corran Dam")
    return path


def serving(folder, **settings):
    app = create_app(running.settings_for(Settings(folder=folder, **settings), "127.0.0.1"))
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(folder):
    with serving(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


def operations(document):
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def test_every_operation_has_an_example_that_works(client, document, folder):
    known = examples.examples(folder.name)
    assert {(method, path) for path, method, _ in operations(document)} == set(known)
    for path, method, operation in operations(document):
        example = known[method, path]
        told = {one["name"]: one["example"] for one in operation.get("parameters", ()) if "example" in one}
        assert told == example.asked
        assert example.asked or example.body or example.answer
        if example.body is not None:
            assert operation["requestBody"]["content"]["application/json"]["example"] == example.body
        (sample,) = operation["x-codeSamples"]
        words = shlex.split(sample["source"])
        assert words[0] == "curl"
        assert words[-1].startswith("http://127.0.0.1:8000/")
        sent = words[-2] if "-d" in words else None
        answer = client.request(
            method, words[-1], content=sent, headers={"Content-Type": "application/json"} if sent else {}
        )
        assert answer.status_code == 200, (path, answer.text)
        assert len(answer.content) > 10
    found = client.get(examples.target("/v1/search", known["get", "/v1/search"].asked)).json()
    assert found["hits"]


def test_every_parameter_and_property_has_a_sentence(document):
    for path, _, operation in operations(document):
        for one in operation.get("parameters", ()):
            assert re.search(r"\w.*[.…]$", one.get("description", "")), (path, one["name"])
    sent = {}
    schemas = document["components"]["schemas"]
    wanted = [
        content["schema"]
        for _, _, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    while wanted:
        schema = wanted.pop()
        if isinstance(schema, list):
            wanted += schema
        elif isinstance(schema, dict):
            name = schema.get("$ref", "").rpartition("/")[2]
            if name and name not in sent:
                sent[name] = schemas[name]
                wanted.append(schemas[name])
            wanted += [value for key, value in schema.items() if key not in ("properties", "example")]
            wanted += schema.get("properties", {}).values()
    assert {"SearchBody", "Comparison", "Compound", "QuotesBody", "CitedPassage", "StoreSearch"} <= set(sent)
    for name, schema in sent.items():
        for field, one in schema["properties"].items():
            assert re.search(r"\w.*[.…]$", one.get("description", "")), (name, field)


def test_the_token_is_a_bearer_scheme(folder, document):
    scheme = document["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "security" not in document  # none is asked for
    with serving(folder, token=TOKEN) as client:
        own = client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert own["security"] == [{"token": []}]
    for path, _, operation in operations(own):
        assert (operation.get("security") == []) is (path in ("/healthz", "/readyz"))
        sample = operation["x-codeSamples"][0]["source"]
        assert ('-H "Authorization: Bearer $BROADSHEET_TOKEN"' in sample) is path.startswith("/v1")


class Loads(HTMLParser):
    """What a page loads by itself, where its links lead, and what would run in it."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.inline, self.fields = [], [], [], []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._in = tag
        self.loaded += [given[name] for name in ("src", "srcset", "data") if name in given]
        self.fields += [given["data-name"]] if "data-name" in given else []
        if "href" in given:
            (self.links if tag == "a" else self.loaded).append(given["href"])
        assert not any(name.startswith("on") or name == "style" for name in given)

    def handle_data(self, data):
        if self._in in ("script", "style") and data.strip():
            self.inline.append(data)


def test_the_page_loads_nothing_from_elsewhere(client, document):
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    loads = Loads(page.text)
    assert sorted(loads.loaded) == ["/docs/icon.svg", "/docs/page.css", "/docs/page.js"]
    assert loads.inline == []
    assert all(not urlsplit(link).netloc for link in loads.links)
    for path in ("/docs", *loads.loaded):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        if path.endswith(("css", "js")):
            assert not re.search(r"https?:|//[a-z]|@import|url\(|eval|innerHTML|document\.write", answer.text)
    assert client.get("/docs/page.js").headers["content-type"] == "text/javascript; charset=utf-8"
    for path, _, operation in operations(document):
        assert f"<code>{path}</code>" in page.text
        for one in operation.get("parameters", ()):
            assert one["name"] in loads.fields
    assert "<b>&" not in page.text  # of the archive's name
    anchors = {link[1:] for link in loads.links if link.startswith("#")}
    assert anchors
    assert all(f'id="{name}"' in page.text for name in anchors)


def test_the_page_needs_no_token_but_the_right_name(folder):
    with serving(folder, token=TOKEN) as client:
        for path in docs.PATHS:
            assert client.get(path).status_code == 200
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 421
            assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert 'id="token"' in client.get("/docs").text
        for path in ("/openapi.json", "/docs/../v1/stats", "/docs/%2e%2e/v1/stats", "/docs/"):
            assert client.get(path).status_code == 401
        held = client.get("/docs").text
    with Archive.open(folder) as archive:
        for article in archive:
            assert article.title not in held or article.title == ""


def test_a_shell_reads_the_examples_as_they_are_meant():
    example = examples.Example({"q": 'it\'s "so" $HOME `x`'}, body={"q": "it's $HOME"})
    words = shlex.split(examples.command("post", "/v1/search", example, secured=True))
    assert words[3] == "Authorization: Bearer $BROADSHEET_TOKEN"
    assert json.loads(words[7]) == example.body
    assert words[8].startswith("http://127.0.0.1:8000/v1/search?q=it%27s+%22so%22")
