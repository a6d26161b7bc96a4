"""What each option of ``serve`` and ``mcp`` does: the real commands with their sockets, in this process."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from search import Archive

from .effects import HALLORANS, INQUIRY, MATCH, run, shows
from .served import beside, served

TOKEN = "a-token-of-some-length"
PATIENCE = 30  # seconds
SERVE, MCP = ("serve",), ("mcp", "--http")
BOTH = pytest.mark.parametrize("command", [SERVE, MCP], ids=["serve", "mcp"])


@pytest.fixture(autouse=True)
def default_archive(monkeypatch, sample_archive):
    monkeypatch.setenv("BROADSHEET_INDEX", str(sample_archive))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def status(path="/v1/stats", **headers):
    """A scenario: the status of one request."""
    return lambda client: client.get(path, headers=headers).status_code


@shows("serve", "--index")
@shows("mcp", "--index")
@BOTH
def test_index(command, sample_copy, monkeypatch):
    with Archive.open(sample_copy) as archive:
        archive.prune(HALLORANS)
    monkeypatch.setenv("BROADSHEET_INDEX", "nowhere")
    found, said = beside(lambda client: client.get("/v1/stats").json()["articles"], command, "--index", sample_copy)
    assert found == len(HALLORANS)
    assert f"serving {sample_copy} at http" in said


@shows("serve", "--port")
@shows("mcp", "--port")
@BOTH
def test_port(command):
    port = free_port()
    found, _ = beside(lambda client: client.base_url.port, command, "--port", port)
    assert found == port
    found, _ = beside(lambda client: client.base_url.port, command, "--port", "0")
    assert found not in (0, port)


@shows("serve", "--host", "--token-file")
@shows("mcp", "--host", "--token-file")
@BOTH
def test_host_and_token_file(command, tmp_path):
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)

    def ask(client):
        reached = []
        if sys.platform == "linux":  # where all of 127.0.0.0/8 is this machine
            with contextlib.suppress(OSError):
                reached.append(socket.create_connection(("127.0.0.2", client.base_url.port), timeout=1).close())
        right = {"Authorization": f"Bearer {TOKEN}"}
        statuses = [client.get("/v1/stats", headers=headers).status_code for headers in ({}, right)]
        return statuses, bool(reached)

    (statuses, elsewhere), said = beside(ask, command)
    assert (statuses, elsewhere) == ([200, 200], False)
    assert " at http://127.0.0.1:" in said
    (statuses, elsewhere), said = beside(ask, command, "--host", "0.0.0.0", "--token-file", token)
    assert (statuses, elsewhere) == ([401, 200], sys.platform == "linux")
    assert " at http://0.0.0.0:" in said
    assert "others on this machine can read the token" not in said
    assert TOKEN not in said
    token.chmod(0o644)
    _, said = beside(ask, command, "--host", "0.0.0.0", "--token-file", token)
    assert f"others on this machine can read the token in {token}; chmod 600 makes it yours alone" in said


@shows("serve", "--allowed-host", "--allowed-origin", "--access-log", "--max-body", "--url-template")
@shows("mcp", "--allowed-host", "--allowed-origin", "--access-log", "--max-body", "--url-template")
@BOTH
def test_who_may_ask_and_how_much(command):
    page = "https://desk.example"
    body = json.dumps({"q": "Halloran", "limit": 1}).encode() + b" " * (3 << 19)  # one and a half MiB

    def ask(client):
        origin = client.get("/v1/stats", headers={"Origin": page})
        large = client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
        arguments = {"name": "search", "arguments": {"query": "Tanner Street traders take tram vote to court"}}
        called = client.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments},
            headers={"Accept": "application/json, text/event-stream"},
        )
        addresses = [one["url"] for one in called.json()["result"]["structuredContent"]["results"]]
        return (
            client.get("/v1/stats", headers={"Host": "desk.example"}).status_code,
            origin.headers.get("access-control-allow-origin"),
            large.status_code,
            addresses[0],
        )

    found, said = beside(ask, command)
    assert found == (421, None, 413, "article://c-30e5253ecd7ce9dec542ef4de7415304")
    assert len(said.splitlines()) == 1
    options = ("--allowed-host", "desk.example", "--allowed-origin", page, "--max-body", 2, "--access-log")
    found, said = beside(ask, command, *options, "--url-template", "https://desk.example/a/{id}")
    assert found == (200, page, 200, "https://desk.example/a/c-30e5253ecd7ce9dec542ef4de7415304")
    assert any(" info GET /v1/stats 200 " in line for line in said.splitlines())


@pytest.fixture(scope="module")
def slow(sample_archive):
    """A request that takes its time: the quotations of a long answer against every article."""
    with Archive.open(sample_archive) as archive:
        ids = [hit.article.id for hit in archive.search("*", sort="newest", limit=99)]
    passages = [{"number": number, "id": one} for number, one in enumerate(ids, 1)]
    quotes = " ".join(f'"the captain number {n} had never signed the readings of the dam" [1].' for n in range(120))
    return {"answer": quotes, "passages": passages}


@shows("serve", "--threads", "--queue")
@shows("mcp", "--threads", "--queue")
@BOTH
@pytest.mark.parametrize(
    ("options", "answered"),
    [
        ((), 4),
        (("--threads", 1, "--queue", 0), 1),
        (("--threads", 2, "--queue", 0), 2),
        (("--threads", 1, "--queue", 1), 2),
    ],
)
def test_threads_and_queue(command, options, answered, slow):
    def ask(client):
        def one(_):
            return client.post("/v1/check-quotes", json=slow).status_code

        with ThreadPoolExecutor(4) as others:
            return sorted(others.map(one, range(4)))

    found, _ = beside(ask, command, *options)
    assert found == [200] * answered + [503] * (4 - answered)


@shows("serve", "--timeout")
@shows("mcp", "--timeout")
@BOTH
def test_timeout(command, slow):
    found, _ = beside(lambda client: client.post("/v1/check-quotes", json=slow).status_code, command, "--timeout", 0.1)
    assert found == 504


@shows("mcp", "--workers")
def test_workers(sample_archive):
    with served(sample_archive, "--workers", "2", command=MCP) as server:
        assert server.workers() == 2


@pytest.mark.model
@shows("serve", "--rerank")
@shows("mcp", "--rerank")
@BOTH
def test_rerank(command, cross_encoder):
    asked = {"q": "Halloran", "mode": "keyword", "budget": 200}

    def ask(client):
        plain = client.get("/v1/context", params=asked).json()["passages"]
        reranked = client.get("/v1/context", params=asked | {"rerank": True})
        return [one["id"] for one in plain], reranked.status_code, reranked.json()

    plain, code, refused = beside(ask, command)[0]
    assert (plain, code) == ([MATCH], 400)
    assert "no cross-encoder" in refused["error"]["message"]
    plain, code, answer = beside(ask, command, "--rerank", cross_encoder)[0]
    assert (plain, code, [one["id"] for one in answer["passages"]]) == ([MATCH], 200, [INQUIRY])


@shows("mcp", "--http")
def test_without_http_standard_input_and_output_are_used():
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    told = run("mcp", input=json.dumps(asked) + "\n")
    assert json.loads(told.stdout)["result"]["serverInfo"]["name"] == "broadsheet"
    assert told.stderr == ""
    _, said = beside(status(), MCP)
    assert re.fullmatch(r"serving .* at http://127\.0\.0\.1:\d+/mcp\n", said)
