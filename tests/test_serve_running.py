"""``broadsheet serve`` as it is run: real processes, sockets, signals and the real client of OpenAI."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import json
import signal
import socket
import threading
import time
import weakref

import httpx2
import openai
import pytest
import uvicorn
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.deadline import check
from search.errors import QueryTimeout, install_line
from search.ingest import read
from search.serve import connections
from search.serve.desk import Desk
from search.serve.guard import CONNECTION, Guard, Rules
from search.serve.http.vector_stores import share

from .conftest import SAMPLE
from .effects import shows
from .served import PATIENCE, beside, served

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
ODD = "../odd id/ü?#%2F"
TOKEN = "a-token-of-some-length"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("running") / "desk"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add([*read(PATHS), Article(id=ODD, title="Odd", text="An odd one.")])
    return path


@pytest.fixture(scope="module")
def server(folder):
    with served(folder, "--access-log") as running:
        yield running


def answered(server, sent):
    """What comes back for bytes on the wire."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def run(*arguments):
    return CliRunner().invoke(cli, ["serve", *map(str, arguments)])


def test_the_openai_client_searches_the_archive(server, folder):
    with Archive.open(folder) as archive:
        hits = archive.search("who inspected the dam?", literal=True, limit=3)
        client = openai.OpenAI(base_url=f"{server.address}/v1", api_key="unused", max_retries=0)
        page = client.vector_stores.search("desk", query="who inspected the dam?", max_num_results=3)
        assert [(one.file_id, one.score) for one in page.data] == [(hit.article.id, share(hit.score)) for hit in hits]
        assert page.data[0].content[0].text == hits[0].passages[0].text
        assert page.data[0].attributes["source"] == hits[0].article.source
        filters = {
            "type": "and",
            "filters": [
                {"type": "nin", "key": "source", "value": ["The Fenwick Tribune"]},
                {"type": "gte", "key": "published", "value": 1735689600},  # 2025
                {
                    "type": "or",
                    "filters": [
                        {"type": "eq", "key": "section", "value": "Sport"},
                        {"type": "eq", "key": "section", "value": "News"},
                    ],
                },
            ],
        }
        found = client.vector_stores.search("desk", query=["dam", "match"], filters=filters, max_num_results=50).data
        everything = archive.search("since:2025 -source:Fenwick (section:=Sport OR section:=News)", limit=50)
        assert {one.file_id for one in found} == {hit.article.id for hit in everything} != set()
        assert len(list(client.vector_stores.search("desk", query="dam", max_num_results=2))) == 2  # and no page more
        with pytest.raises(openai.NotFoundError, match="use desk"):
            client.vector_stores.search("other", query="dam")
        with pytest.raises(openai.BadRequestError, match="no field 'colour'"):
            client.vector_stores.search("desk", query="a", filters={"type": "eq", "key": "colour", "value": "red"})


def test_the_asynchronous_openai_client(server):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{server.address}/v1", api_key="unused", max_retries=0) as client:
            return [one.file_id async for one in client.vector_stores.search("desk", query="dam", max_num_results=2)]

    assert len(asyncio.run(ask())) == 2


def test_one_process_serves_by_default(server):
    assert server.workers() == 0  # beside the one that listens


def test_an_odd_id_in_a_path(server):
    path = "/v1/articles/" + "".join(f"%{byte:02X}" for byte in ODD.encode())
    assert server.client.get(path).json()["title"] == "Odd"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\xff\r\n\r\n",
        b"GET /v1/search?q=%ff%00%f0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/search?q=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/articles/%zz%1b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/stats HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\n\x1f\x8b\x08\x00",
        b"BREW /v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/v1/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:30]),
)
def test_garbage_on_the_wire_is_no_error_of_the_server(server, sent):
    answer = answered(server, sent)
    status = int(answer.split(b" ", 2)[1]) if answer else 0
    assert status < 500
    assert server.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (b"GET /v1/search?q=" + b"a" * 4_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "RequestTooLarge"),
        (b"\x00\x01\x02\xff\r\n\r\n", 400, "RequestUnreadable"),
    ],
    ids=["too long", "no request"],
)
def test_what_cannot_be_read_is_refused_in_the_one_shape(server, sent, status, kind):
    answer = answered(server, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\ncontent-type: application/json\r\n" in head
    assert json.loads(body)["error"]["type"] == kind


@pytest.mark.anyio
async def test_who_begins_a_request_and_does_not_go_on_loses_the_connection(monkeypatch):
    monkeypatch.setattr(connections, "SLOWEST_HEAD", 0.2)

    async def app(scope, receive, send):
        await asyncio.sleep(0.4)  # an answer may take its time
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    rules = Rules(hosts=None, origins=(), token=None, largest_body=100, body_timeout=0.2)
    config = uvicorn.Config(Guard(app, rules), http=connections.Connection, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    for sent, answer in (
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 204"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP", b"HTTP/1.1 204"),  # and the next one is never finished
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 408"),
        (
            b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
            b"HTTP/1.1 408",
        ),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        got = await asyncio.wait_for(reader.read(), PATIENCE)  # until the server closes it
        assert got[:12] == answer
        writer.close()
    server.should_exit = True
    await running


@contextlib.asynccontextmanager
async def listening(app, **rules):
    """The port of a server of an application behind our guard and connections, and the server."""
    guarded = Guard(app, Rules(hosts=None, origins=(), token=None, largest_body=100, body_timeout=0.2, **rules))
    config = uvicorn.Config(guarded, http=connections.Connection, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1], server
    server.should_exit = True
    await running


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


SIZE = 32 << 20


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50])
async def test_who_does_not_take_the_answer_loses_the_connection(monkeypatch, sent):
    monkeypatch.setattr(connections, "SLOWEST_READER", 0.2)

    async def app(scope, receive, send):
        length = (b"content-length", str(SIZE).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": bytes(SIZE)})

    async with listening(app) as (port, server):
        loop = asyncio.get_running_loop()
        with socket.socket() as silent, socket.socket() as slow:
            for one in (silent, slow):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                one.setblocking(False)
                await loop.sock_connect(one, ("127.0.0.1", port))
            await loop.sock_sendall(silent, sent)
            await until(lambda: len(server.server_state.connections) == 2)
            await until(lambda: len(server.server_state.connections) == 1)
            assert not server.server_state.tasks  # nothing waits for it any more
            await loop.sock_sendall(slow, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            taken = 0
            while chunk := await loop.sock_recv(slow, 1 << 20):  # slowly, but on and on
                taken += len(chunk)
                await asyncio.sleep(0.002)
            assert taken > SIZE


@pytest.mark.anyio
async def test_the_work_for_who_goes_away_ends():
    ended = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            ended.append(scope["path"])
            raise

    async with listening(app) as (port, server):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /work HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: server.server_state.tasks)
        writer.close()
        await until(lambda: not server.server_state.tasks)
        assert ended == ["/work"]


@pytest.mark.anyio
@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
async def test_a_connection_that_is_over_leaves_nothing(last):
    """Not even until the collector comes by, which may take thousands of connections."""
    seen = []

    async def app(scope, receive, send):
        seen.append(weakref.ref(scope["state"][CONNECTION]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with listening(app) as (port, server):
        gc.disable()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % last)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await until(lambda: not server.server_state.connections and not server.server_state.tasks)
            await until(lambda: seen[0]() is None)
        finally:
            gc.enable()


@pytest.mark.parametrize("path", ["/v1/search?q=slow", "/mcp"])
def test_a_search_for_who_goes_away_ends(folder, monkeypatch, path):
    """At the engine's next look at its deadline: the thread is free for others long before the time limit."""
    ended = threading.Event()

    def search(self, query, **settings):
        try:
            while True:
                time.sleep(0.01)
                check()
        except QueryTimeout:
            ended.set()
            raise

    monkeypatch.setattr(Archive, "search", search)
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "slow"}},
        }
    )
    lines = [
        f"{'POST' if path == '/mcp' else 'GET'} {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2025-11-25",
        f"Content-Length: {len(body) if path == '/mcp' else 0}",
    ]
    sent = "\r\n".join([*lines, "", body if path == "/mcp" else ""]).encode()

    def ask(client):
        address = client.base_url
        with socket.create_connection((address.host, address.port), timeout=PATIENCE) as wire:
            wire.sendall(sent)
            time.sleep(0.5)  # it has begun
            assert not ended.is_set()
        return ended.wait(PATIENCE / 2)

    monkeypatch.setattr(Desk, "start", lambda self: setattr(self, "_archive", Archive.open(folder)))
    options = ("--index", folder, "--threads", "1", "--timeout", "3600")
    assert beside(ask, ("serve",), *options)[0]


def test_silent_connections_do_not_stop_the_server(server):
    host, port = server.address.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        for number in range(256):
            silent = stack.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE))
            if number % 2:
                silent.sendall(b"POST /mcp HTTP/1.1\r\nHost: lo")
        sent = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        with httpx2.Client(base_url=server.address, timeout=PATIENCE) as fresh:
            tools = fresh.post("/mcp", json=sent, headers=headers).json()["result"]["tools"]
            assert fresh.get("/v1/search", params={"q": "dam"}).status_code == 200
    assert "search_articles" in {tool["name"] for tool in tools}


def test_the_body_of_a_refused_request_is_no_request(server):
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"POST /v1/search HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 12\r\n\r\n")
        refused = b""
        while b"HostRefused" not in refused:
            refused += connection.recv(65536)
        assert refused.startswith(b"HTTP/1.1 421 ")
        connection.sendall(b'{"q":\n"dam"}')
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert b"HTTP/1.1 200 OK\r\n" in answer
    assert b"400" not in answer


def test_a_stop_lets_requests_under_way_finish(folder):
    with served(folder) as server:
        host, port = server.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as wire:
            body = b'{"q": "dam"}'
            wire.sendall(
                b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body[:-1])
            )
            time.sleep(0.3)  # it has begun
            server.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while True:  # no new connections
                try:
                    socket.create_connection((host, int(port)), timeout=1).close()
                except OSError:
                    break
                assert time.monotonic() < deadline
                time.sleep(0.05)
            wire.sendall(body[-1:])
            answer = b""
            while chunk := wire.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"hits"' in answer
        assert server.process.wait(PATIENCE) == 0
        assert [line for line in server.lines if "serving" not in line] == []


def test_an_interruption_exits_as_one(folder):
    with served(folder) as server:
        assert server.stop(signal.SIGINT) == 130
        assert server.lines[-1] == "broadsheet: interrupted\n"


@shows("serve", "--workers")
def test_two_workers_see_a_commit_and_fail_no_request(tmp_path):
    folder = tmp_path / "desk"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add([Article(id=f"{n}", text=f"A heron stood at pond {n}.") for n in range(50)])
        with served(folder, "--workers", "2") as server:
            assert server.workers() == 2
            totals, statuses, done = [], [], threading.Event()

            def ask():
                while not done.is_set():
                    # A new connection each time, so that both workers are asked.
                    with httpx2.Client(base_url=server.address, timeout=PATIENCE) as client:
                        response = client.get("/v1/search", params={"q": "heron", "mode": "keyword"})
                    statuses.append(response.status_code)
                    totals.append(response.json().get("total"))

            askers = [threading.Thread(target=ask) for _ in range(3)]
            for one in askers:
                one.start()
            deadline = time.monotonic() + PATIENCE
            while not totals and time.monotonic() < deadline:
                time.sleep(0.01)
            archive.add([Article(id="new", text="Another heron.")])
            archive.delete(["0", "1"])
            archive.optimize()
            time.sleep(1.0)
            done.set()
            for one in askers:
                one.join()
            assert set(statuses) == {200}
            assert totals[0] == 50
            assert set(totals) <= {50, 51, 49}
            assert set(totals[-6:]) == {49}
            assert server.stop() == 0


def test_a_token_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("BROADSHEET_TOKEN", TOKEN)

    def ask(client):
        assert client.get("/v1/stats").status_code == 401
        address = str(client.base_url).rstrip("/")
        known = openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0)
        return len(known.vector_stores.search("desk", query="dam", max_num_results=2).data)

    found, said = beside(ask, ("serve",), "--index", folder)
    assert found == 2
    assert TOKEN not in said


def test_what_cannot_be_served_is_said_in_one_line(tmp_path, folder):
    missing = run("--index", tmp_path / "nowhere")
    assert missing.exit_code == 3
    assert missing.stderr.startswith("broadsheet: ")
    assert len(missing.stderr.splitlines()) == 1
    opened = run("--index", folder, "--host", "0.0.0.0")
    assert (opened.exit_code, "needs a token" in opened.stderr) == (2, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = run("--index", folder, "--port", port)
    assert busy.exit_code == 2
    assert f"cannot serve at 127.0.0.1:{port}: Address already in use" in busy.stderr
    broken = tmp_path / "broken"
    with Archive.open(broken, create=True, model="hash") as archive:
        archive.add([Article(id="1", text="One.")])
    for part in broken.glob("segments/*/*"):
        part.write_bytes(b"short")
    for workers in (1, 2):
        damaged = run("--index", broken, "--workers", workers)
        assert damaged.exit_code == 3
        assert len(damaged.stderr.splitlines()) == 1


def test_a_missing_extra_says_how_to_install_it(folder, monkeypatch):
    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else original(name))
    done = run("--index", folder)
    assert done.exit_code == 2
    assert install_line("server") in done.stderr
