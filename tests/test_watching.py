"""Watching folders and feeds: a real HTTP server on loopback, real files, the real archive."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from search import Archive
from search.cli.watch import told
from search.errors import AddressFailed, AddressRefused, SourceError, StorageError, UsageError
from search.ingest import arrivals, fetch
from search.ingest.fetch import Client, Limits, checked, is_public
from search.ingest.paths import Entry
from search.records import AddReport, Round
from search.storage import watched
from search.storage.watched import Watched

from .effects import run, shows

Answer = tuple[int, dict[str, str], bytes]


# A server, and what it gives


class Site:
    """A site on loopback: ``pages`` from a path to what it answers, or a function that writes to the connection.
    ``asked`` are the requests' headers by path."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: dict[str, list[dict[str, str]]] = defaultdict(list)
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked[self.path].append(dict(self.headers))
                page = site.pages.get(self.path, (404, {}, b"no"))
                if callable(page):
                    self.close_connection = True
                    page(self)
                    return
                status, headers, body = page
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # connections that the client cuts
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def item(name: str, text: str = "") -> str:
    words = text or f"The ferry of {name} sails again on Monday, says its owner."
    return (
        f"<item><title>Ferry {name}</title><link>https://news.example/{name}</link><guid>https://news.example/{name}</guid>"
        f"<pubDate>Wed, 26 Feb 2025 10:00:00 GMT</pubDate><description>{words}</description></item>"
    )


def feed(*names: str, more: str = "") -> bytes:
    items = "".join(map(item, names))
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Coast</title>{more}{items}</channel></rss>'.encode()
    )


def titles(archive: Archive) -> list[str]:
    return sorted(article.title for article in archive)


@contextmanager
def desk(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "ix", create=True, wait=True) as archive:
        yield archive


def one_round(archive: Archive, *inputs: object, **settings: object) -> Round:
    """A run of one round, as cron has it; without waiting, and on loopback."""
    how = {"once": True, "rest": 0.02, "pause": 0.0, "vectors": False, "allow_private": True, **settings}
    with archive.watch([str(one) for one in inputs], **how) as watcher:
        (made,) = watcher
    return made


def put(path: Path, *records: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def story(name: str, words: str = "sails again on Monday") -> dict[str, str]:
    return {"id": name, "title": f"Ferry {name}", "text": f"The ferry of {name} {words}.", "date": "2025-02-26"}


# Addresses


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("10.1.2.3", False),
        ("172.20.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_public(number, public):
    assert is_public(number) is public


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://news.example/feed",
        "gopher://news.example/",
        "http://",
        "http:///feed",
        "http://user:secret@news.example/feed",
        "http://news.example:99999/",
        "http://news.example/a b",
        "http://news.example/\r\nX-Evil: 1",
        "http://[::1",
    ],
)
def test_addresses_that_are_not_asked(address, tmp_path):
    with pytest.raises(AddressRefused) as refused:
        checked(address)
    assert "secret" not in str(refused.value)
    assert str(refused.value).isprintable()
    with desk(tmp_path) as archive, pytest.raises(SourceError):
        archive.watch([address])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("HTTP://News.Example:80/Feed?x=1#part", "http://news.example/Feed?x=1"),
        ("https://news.example:8443", "https://news.example:8443/"),
        ("https://zürich.example/feed", "https://xn--zrich-kva.example/feed"),
    ],
)
def test_an_address_as_it_is_asked(address, expected):
    assert checked(address) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_machines_of_the_house_are_not_asked(site, host):
    with pytest.raises(AddressRefused, match="this machine or its network"):
        Client().get(f"http://{host}:{site.port}/feed")
    assert not site.asked


def test_a_name_is_resolved_once_and_what_was_looked_at_is_asked(site, monkeypatch):
    """A name that means a public machine when it is looked at and this one afterwards leads to the public one."""
    site.pages["/feed"] = (200, {}, feed("a"))
    answers = iter(["198.51.100.7", "127.0.0.1", "127.0.0.1"])
    asked = []
    monkeypatch.setattr(fetch, "is_public", lambda number: number != "127.0.0.1")

    def resolve(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    class Noting(socket.socket):
        def connect(self, where):
            asked.append(where[0])
            raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(fetch.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(fetch.socket, "socket", Noting)
    with pytest.raises(AddressFailed, match="refused"):
        Client().get(f"http://rebinding.example:{site.port}/feed")
    assert asked == ["198.51.100.7"]
    assert not site.asked


def test_redirects_are_looked_at_like_any_address(site, monkeypatch):
    here = ["127.0.0.1"]
    monkeypatch.setattr(fetch, "is_public", lambda number: number in here)
    site.pages["/feed"] = (302, {"Location": f"http://[::1]:{site.port}/inside"}, b"")
    with pytest.raises(AddressRefused, match=r"::1 is ::1, an address of this machine"):
        Client().get(f"{site.address}/feed")
    site.pages["/feed"] = (302, {"Location": "file:///etc/passwd"}, b"")
    with pytest.raises(AddressRefused, match="only http and https"):
        Client().get(f"{site.address}/feed")
    site.pages["/feed"] = (301, {"Location": "/feed"}, b"")
    with pytest.raises(AddressFailed, match="more than 5 redirects"):
        Client().get(f"{site.address}/feed")
    assert len(site.asked["/feed"]) == 2 + 6
    site.pages["/feed"] = (301, {}, b"")
    with pytest.raises(AddressFailed, match="to nowhere"):
        Client().get(f"{site.address}/feed")


def test_only_moves_for_good_are_remembered(site):
    client = Client(allow_private=True)
    site.pages["/new"] = (200, {"ETag": '"1"', "Last-Modified": "Wed, 26 Feb 2025 10:00:00 GMT"}, b"new")
    site.pages["/old"] = (301, {"Location": "/new"}, b"")
    site.pages["/now"] = (302, {"Location": "/new"}, b"")
    site.pages["/both"] = (308, {"Location": "/now"}, b"")
    assert client.get(f"{site.address}/old").moved == f"{site.address}/new"
    assert client.get(f"{site.address}/now").moved is None
    found = client.get(f"{site.address}/both")
    assert (found.moved, found.address) == (f"{site.address}/now", f"{site.address}/new")
    assert (found.body, found.etag, found.modified) == (b"new", '"1"', "Wed, 26 Feb 2025 10:00:00 GMT")


# Answers that are too much


def raw(*pieces: bytes, pause: float = 0.0) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            try:
                handler.wfile.write(piece)
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(pause)

    return write


OK = b"HTTP/1.1 200 OK\r\n"
SMALL = Limits(seconds=20, size=100_000, unfolded=200_000)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (raw(OK + b"Content-Length: 99999999999\r\n\r\nabc"), "more than the 100,000 bytes"),
        (raw(OK + b"\r\n", *[b"x" * 10_000] * 30), "more than the 100,000 bytes"),
        (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"2710\r\n" + b"x" * 10_000 + b"\r\n"] * 30), "100,000"),
        (raw(OK + b"Content-Length: 50\r\n\r\nshort"), "cut short"),
        (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "IncompleteRead"),
        (raw(OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"), "header line"),
        (raw(OK + b"X: y\r\n" * 1000 + b"\r\n"), "more than 100 headers"),
        (raw(b"no HTTP at all\r\n\r\n"), "no HTTP at all"),
        (raw(b""), "Remote end closed"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 50_000_000)), "unfolds to more than 200,000 bytes"),
        ((200, {"Content-Encoding": "deflate"}, gzip.compress(b"x" * 50_000_000)), "unfolds to more than"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 50_000)[:-20]), "cut short"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip at all"), "compression is damaged"),
        ((200, {"Content-Encoding": "br"}, b"x"), "nobody asked for"),
        ((500, {}, b"oh"), "HTTP 500"),
        ((204, {}, b""), "HTTP 204"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_use_costs_no_more_than_its_bounds(site, page, reason):
    site.pages["/feed"] = page
    with pytest.raises(AddressFailed, match=reason):
        Client(allow_private=True, limits=SMALL).get(f"{site.address}/feed")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_bytes_that_come_one_by_one_are_waited_for_no_longer_than_all_may_take(site, start):
    site.pages["/feed"] = raw(start, *[b"x"] * 2000, pause=0.05)  # a hundred seconds
    began = time.monotonic()
    with pytest.raises(AddressFailed, match=r"too long|cut short|closed|line|status"):
        Client(allow_private=True, limits=Limits(seconds=0.5)).get(f"{site.address}/feed")
    assert time.monotonic() - began < 50


def test_what_is_asked_can_be_aborted(site):
    site.pages["/feed"] = raw(OK + b"\r\n", *[b"x"] * 2000, pause=0.05)
    client = Client(allow_private=True)
    threading.Timer(0.3, client.abort).start()
    with pytest.raises(AddressFailed):
        client.get(f"{site.address}/feed")
    with pytest.raises(AddressFailed, match="stopped"):
        client.get(f"{site.address}/feed")


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])])
def test_compressed_answers_are_read(site, pack):
    site.pages["/feed"] = (200, {"Content-Encoding": "gzip"}, pack(feed("a")))
    assert Client(allow_private=True).get(f"{site.address}/feed").body == feed("a")
    (headers,) = site.asked["/feed"]
    assert headers["Host"] == f"127.0.0.1:{site.port}"
    assert headers["User-Agent"].startswith("broadsheet/")


# Feeds


def test_a_feed_is_asked_again_only_for_what_is_new(tmp_path, site):
    site.pages["/feed"] = (200, {"ETag": '"1"', "Last-Modified": "Wed, 26 Feb 2025 10:00:00 GMT"}, feed("a", "b"))
    address = f"{site.address}/feed"
    with desk(tmp_path) as archive:
        first = one_round(archive, address)
        assert (first.feeds, first.unchanged, first.summaries, first.report.added) == (1, 0, 2, 2)
        again = one_round(archive, address)
        assert (again.feeds, again.unchanged, again.report.added, again.quiet) == (0, 1, 0, True)
        asked = site.asked["/feed"]
        assert "If-None-Match" not in asked[0]
        assert (asked[1]["If-None-Match"], asked[1]["If-Modified-Since"]) == ('"1"', "Wed, 26 Feb 2025 10:00:00 GMT")
        site.pages["/feed"] = (200, {"ETag": '"2"'}, feed("b", "c"))
        assert one_round(archive, address).report.added == 1
        assert titles(archive) == ["Ferry a", "Ferry b", "Ferry c"]
        assert {article.source for article in archive} == {"Coast"}
        assert next(iter(archive)).extra["file"] == address


@shows("Archive.watch", "pause")
@shows("watch", "--pause")
def test_feeds_are_left_alone_as_long_as_they_want(tmp_path, site):
    address = f"{site.address}/feed"
    waits = {
        "plain": ((200, {}, feed("a")), 900),
        "age": ((200, {"Cache-Control": "public, max-age=7200"}, feed("a")), 7200),
        "ttl": ((200, {}, feed("a", more="<ttl>180</ttl>")), 10_800),
        "after": ((503, {"Retry-After": "5000"}, b""), 5000),
        "failure": ((500, {}, b""), 1800),
        "forever": ((429, {"Retry-After": "99999999"}, b""), 86_400),
    }
    for name, (page, wait) in waits.items():
        site.pages["/feed"] = page
        with desk(tmp_path / name) as archive:
            now = time.time()
            one_round(archive, address, pause=900)
            with Watched.open(tmp_path / name / "ix") as seen:
                assert now + wait <= seen.feed(address).due <= time.time() + wait * 1.03, name
            asked = len(site.asked["/feed"])
            one_round(archive, address, pause=900)
            assert len(site.asked["/feed"]) == asked
    ran = run(
        "watch", address, "--once", "--index", tmp_path / "cli", "--no-vectors", "--allow-private", "--pause", "2h"
    )
    assert ran.exit_code == 1  # the server still wants to be left alone
    with Watched.open(tmp_path / "cli") as seen:
        assert seen.feed(address).due - time.time() > 7200


def test_a_clock_that_was_wrong_keeps_no_feed_away(tmp_path, monkeypatch, site):
    site.pages["/feed"] = (200, {}, feed("a"))
    with desk(tmp_path) as archive:
        now = time.time()
        with monkeypatch.context() as patched:
            patched.setattr("search.engine.watching.time.time", lambda: now + 1e7)
            one_round(archive, f"{site.address}/feed", pause=900)
        one_round(archive, f"{site.address}/feed", pause=900)
        one_round(archive, f"{site.address}/feed", pause=900)
        assert len(site.asked["/feed"]) == 2


def test_errors_and_then_recovery(tmp_path, site):
    address = f"{site.address}/feed"
    with desk(tmp_path) as archive:
        made = one_round(archive, address)  # 404
        assert (made.failed, made.letters, len(archive)) == (1, 1, 0)
        assert made.remarks[0].startswith(f"{address}: HTTP 404; asked again in")
        (letter,) = archive.dead_letters()
        assert (letter.input, letter.reason, letter.tries) == (address, "HTTP 404", 1)
        site.pages["/feed"] = (200, {}, b"<rss><channel><item><title>cut")
        made = one_round(archive, address, retry=True)
        assert (made.failed, made.letters) in {(1, 1), (0, 0)}  # feedparser may make an item of that
        site.pages["/feed"] = (200, {}, feed("a"))
        made = one_round(archive, address, retry=True)
        assert (made.failed, made.letters, "Ferry a" in titles(archive)) == (0, 0, True)
        assert archive.dead_letters() == ()


@shows("Archive.watch", "retry")
def test_a_feed_that_is_gone_is_not_asked_again(tmp_path, site):
    site.pages["/feed"] = (410, {}, b"")
    with desk(tmp_path) as archive:
        made = one_round(archive, f"{site.address}/feed")
        assert made.remarks == (f"{site.address}/feed: gone for good (HTTP 410); it is not asked again",)
        one_round(archive, f"{site.address}/feed")
        assert len(site.asked["/feed"]) == 1
        site.pages["/feed"] = (200, {}, feed("a"))
        assert one_round(archive, f"{site.address}/feed", retry=True).report.added == 1


def test_a_feed_that_has_moved_is_asked_where_it_is(tmp_path, site):
    site.pages["/old"] = (301, {"Location": "/new"}, b"")
    site.pages["/new"] = (200, {"ETag": '"1"'}, feed("a"))
    with desk(tmp_path) as archive:
        one_round(archive, f"{site.address}/old")
        assert one_round(archive, f"{site.address}/old").unchanged == 1
        assert (len(site.asked["/old"]), len(site.asked["/new"])) == (1, 2)
        del site.pages["/new"]  # it was no move for good, after all
        site.pages["/old"] = (200, {}, feed("b"))
        assert one_round(archive, f"{site.address}/old").failed == 1
        assert one_round(archive, f"{site.address}/old", retry=True).report.added == 1


def test_pages_are_no_feeds_and_name_them(tmp_path, site):
    page = b"<!doctype html><html><head><link rel='alternate' type='application/rss+xml' href='/feed'></head><body>"
    site.pages["/"] = (200, {"Content-Type": "text/html"}, page + b"<p>Ferries sail on Monday.</p></body></html>")
    site.pages["/junk"] = (200, {}, b"\x00\x01\x02" * 100)
    with desk(tmp_path) as archive:
        made = one_round(archive, f"{site.address}/", f"{site.address}/junk")
        assert (made.failed, len(archive)) == (2, 0)
        assert f"{site.address}/: a web page and no feed; its feeds are /feed; asked again" in made.remarks[0]
        assert "no feed, and nothing else that is read from an address" in made.remarks[1]


def test_guids_of_two_feeds_are_not_taken_for_each_other(tmp_path, site):
    for name in ("one", "two"):
        text = item(name).replace(f"<guid>https://news.example/{name}</guid>", '<guid isPermaLink="false">17</guid>')
        body = f'<rss version="2.0"><channel><title>{name}</title>{text}</channel></rss>'.encode()
        site.pages[f"/{name}"] = (200, {}, body)
    with desk(tmp_path) as archive:
        for name in ("one", "two"):
            one_round(archive, f"{site.address}/{name}")
        assert titles(archive) == ["Ferry one", "Ferry two"]


@pytest.mark.parametrize(
    "text",
    [
        "# feeds\n\n{0}/a\n{0}/b\n",
        '<?xml version="1.0"?><opml><body><outline text="x"><outline xmlUrl="{0}/a?x=1&amp;y=2"/>'
        "<outline type='rss' xmlUrl='{0}/b'/></outline></body></opml>",
    ],
)
def test_lists_of_feeds(tmp_path, site, text):
    for name in ("/a", "/a?x=1&y=2", "/b"):
        site.pages[name] = (200, {}, feed(name.strip("/")[0]))
    listed = tmp_path / "feeds.txt"
    listed.write_text(text.format(site.address))
    with desk(tmp_path) as archive:
        assert one_round(archive, listed).feeds == 2
        assert titles(archive) == ["Ferry a", "Ferry b"]
        watched = archive.stats()["watched"]
        assert len([name for name in watched["inputs"] if name.startswith("http")]) == 2
        assert watched["inputs"][f"{site.address}/b"]["answered"].startswith("20")


def test_a_list_may_hold_what_is_no_address(tmp_path, site):
    site.pages["/a"] = (200, {}, feed("a"))
    bad = ("http://[::1", "file:///etc/passwd", "feed", "")
    outlines = "".join(f'<outline xmlUrl="{one}"/>' for one in (*bad, f"{site.address}/a"))
    (tmp_path / "feeds.opml").write_text(f"<opml><body>{outlines}</body></opml>")
    with desk(tmp_path) as archive:
        made = one_round(archive, tmp_path / "feeds.opml")
        assert (made.feeds, made.failed, made.letters) == (1, 4, 4)


# Files


def test_files_are_read_as_they_appear_and_change(tmp_path):
    folder = tmp_path / "drop"
    put(folder / "a.jsonl", story("a"))
    put(folder / "below" / "b.jsonl", story("b"))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"x" * 100)
    (folder / "c.jsonl.part").write_text(json.dumps(story("half")))
    with desk(tmp_path) as archive:
        made = one_round(archive, folder)
        assert (made.report.added, made.failed, made.letters) == (2, 0, 0)
        assert one_round(archive, folder).quiet
        put(folder / "a.jsonl", story("a", "has sunk"), story("c"))
        made = one_round(archive, folder)
        assert (made.files, made.report.added, made.report.replaced) == (1, 1, 1)
        assert titles(archive) == ["Ferry a", "Ferry b", "Ferry c"]
        (folder / "a.jsonl").unlink()
        assert one_round(archive, folder).quiet  # what was indexed stays
        assert len(archive) == 3
        single = put(tmp_path / "feed.rss")
        single.write_bytes(feed("d"))
        assert one_round(archive, single).report.added == 1


@shows("Archive.watch", "rest")
def test_a_file_is_read_when_its_writing_is_over(tmp_path, monkeypatch):
    path = put(tmp_path / "drop" / "a.jsonl", story("a"))
    look, grown = arrivals.at_rest, []

    def growing(arrival):
        if not grown:
            grown.append(True)
            with path.open("a") as file:
                file.write(json.dumps(story("b")) + "\n")
        return look(arrival)

    monkeypatch.setattr("search.engine.watching.at_rest", growing)
    with desk(tmp_path) as archive:
        made = one_round(archive, tmp_path / "drop")
        assert (made.files, made.waiting, len(archive)) == (0, 1, 0)
        assert one_round(archive, tmp_path / "drop").report.added == 2
        began = time.monotonic()
        put(tmp_path / "drop" / "c.jsonl", story("c"))
        one_round(archive, tmp_path / "drop", rest=0.5)
        assert time.monotonic() - began >= 0.5


def test_dead_letters_are_kept_retried_and_given_up(tmp_path, monkeypatch):
    path = put(tmp_path / "drop" / "a.jsonl", story("a"))
    with path.open("a") as file:
        file.write('{"id": "broken", "title": \n')
    with desk(tmp_path) as archive:
        made = one_round(archive, path.parent)
        assert (made.report.added, made.report.rejected, made.failed, made.letters) == (1, 1, 1, 1)
        (letter,) = archive.dead_letters()
        assert (letter.source, letter.line, letter.tries, letter.input) == (str(path), 2, 1, str(path))
        assert letter.record.startswith('{"id": "broken"')
        for tries in range(2, watched.TRIES + 1):
            assert one_round(archive, path.parent).files == 1
            assert archive.dead_letters()[0].tries == tries
            assert archive.dead_letters()[0].first == letter.first
        assert one_round(archive, path.parent).files == 0  # it was tried often enough
        assert one_round(archive, path.parent, retry=True).files == 1
        put(path, story("a"), story("broken"))
        made = one_round(archive, path.parent)
        assert (made.report.added, made.letters) == (1, 0)
        with path.open("a") as file:
            file.write("{\n")
        assert one_round(archive, path.parent).letters == 1
        path.unlink()
        made = one_round(archive, path.parent)
        assert (made.letters, made.remarks) == (0, ("dead letters of files that are gone: 1, forgotten",))


def test_dead_letters_are_bounded_and_what_is_left_out_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "LETTERS", 5)
    monkeypatch.setattr(watched, "_OF_ONE", 3)
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text("{\n" * 4)
    with desk(tmp_path) as archive:
        made = one_round(archive, *(tmp_path / f"{name}.jsonl" for name in "abc"))
        assert (made.letters, made.dropped) == (5, 3 + 4)
        assert archive.stats()["watched"]["dropped"] == 7


def test_what_was_restored_from_a_backup_is_completed(tmp_path):
    """The list of what was seen may not say more than the archive holds."""
    put(tmp_path / "drop" / "a.jsonl", story("a"))
    with desk(tmp_path) as archive:
        one_round(archive, tmp_path / "drop")
        archive.backup(tmp_path / "backup")
        put(tmp_path / "drop" / "b.jsonl", story("b"))
        one_round(archive, tmp_path / "drop")
    Archive.restore(tmp_path / "backup", tmp_path / "ix", replace=True)
    with desk(tmp_path) as archive:
        assert titles(archive) == ["Ferry a"]
        made = one_round(archive, tmp_path / "drop")
        assert (made.files, made.report.added) == (1, 1)
        assert made.remarks == ("the archive is not as this watch left it; files and feeds read again: 1",)
        assert titles(archive) == ["Ferry a", "Ferry b"]
    (tmp_path / "ix").rename(tmp_path / "away")
    with desk(tmp_path) as archive:  # another archive in its place
        assert one_round(archive, tmp_path / "drop").report.added == 2


def test_a_file_that_is_no_list_of_what_was_seen_is_left_alone(tmp_path):
    (tmp_path / "ix.watch").write_text("my own notes")
    with desk(tmp_path) as archive, pytest.raises(StorageError, match=r"ix\.watch"):
        one_round(archive, tmp_path)
    assert (tmp_path / "ix.watch").read_text() == "my own notes"


def test_what_was_seen_is_no_input(tmp_path):
    put(tmp_path / "a.jsonl", story("a"))
    with desk(tmp_path) as archive:
        assert one_round(archive, tmp_path).report.added == 1
        assert one_round(archive, tmp_path).quiet
        assert one_round(archive, tmp_path).letters == 0
    said = run("index", tmp_path, "--index", tmp_path / "ix").stderr
    assert f"passed over archives of Broadsheet: 2, such as {tmp_path}/ix" in said


def test_a_round_counts_all_of_its_commits(tmp_path, site):
    site.pages["/feed"] = (200, {}, feed("b"))
    put(tmp_path / "drop" / "a.jsonl", {**story("a"), "language": "en"}, {**story("c"), "language": "de"})
    with desk(tmp_path) as archive:
        made = one_round(archive, tmp_path / "drop", f"{site.address}/feed")
        assert (made.report.added, sum(made.report.languages.values())) == (3, 3)
        assert (made.report.languages["de"], made.report.languages["en"]) in {(1, 1), (1, 2)}


@pytest.mark.parametrize("given", [[], ["-"], ["no/such/folder"]])
def test_inputs_that_cannot_be_watched(tmp_path, given):
    with desk(tmp_path) as archive, pytest.raises((UsageError, SourceError)):
        archive.watch(given)


@pytest.mark.parametrize(("name", "value"), [("every", -1), ("pause", 1e9), ("rest", -0.1)])
def test_times_that_make_no_sense(tmp_path, name, value):
    with desk(tmp_path) as archive, pytest.raises(UsageError, match=f"{name} must be"):
        archive.watch([tmp_path], **{name: value})


# Runs without end


@shows("Archive.watch", "inputs", "every", "once", "allow_private", "batch", "vectors", "reading")
@shows("Archive.dead_letters")
def test_rounds_come_until_it_is_stopped(tmp_path, site):
    site.pages["/feed"] = (200, {}, feed("z"))
    put(
        tmp_path / "drop" / "a.jsonl",
        {"kopf": "Ferry a", "leib": "It sails."},
        {"kopf": "Ferry b", "leib": "It sinks."},
    )
    how = {"rest": 0.01, "vectors": False, "pause": 3600, "batch": 1, "map": {"title": "kopf", "text": "leib"}}
    with desk(tmp_path) as archive:
        with archive.watch([tmp_path / "drop", f"{site.address}/feed"], every=0.05, **how) as watcher:
            first = next(watcher)
            assert (first.files, first.failed, first.report.added) == (1, 1, 2)  # no machine of the house is asked
            put(tmp_path / "drop" / "c.jsonl", {"kopf": "Ferry c", "leib": "It waits."})
            second = next(made for made in watcher if made.files)
            assert (second.number > 1, second.report.added) == (True, 1)
            threading.Timer(0.2, watcher.stop).start()
            rest = list(watcher)
            assert watcher.stopped
            assert all(made.quiet for made in rest)
        assert titles(archive) == ["Ferry a", "Ferry b", "Ferry c"]
        assert archive.stats()["segments"] >= 2  # a commit an article
        how = {"once": True, "retry": True, "allow_private": True, **how}
        with archive.watch([f"{site.address}/feed"], **how) as watcher:
            assert [made.feeds for made in watcher] == [1]


def test_two_watches_share_an_archive_and_what_they_have_seen(tmp_path, site):
    site.pages["/feed"] = (200, {}, feed(*"qrs"))
    for number in range(12):
        put(tmp_path / "drop" / f"{number}.jsonl", story(f"n{number}"))
    errors = []

    def watch():
        try:
            with Archive.open(tmp_path / "ix", wait=True) as archive:
                one_round(archive, tmp_path / "drop", f"{site.address}/feed", pause=3600)
        except BaseException as error:
            errors.append(error)

    with desk(tmp_path) as archive:
        archive.add([], vectors=False)
        threads = [threading.Thread(target=watch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(archive) == 15
        assert len(site.asked["/feed"]) == 1  # one of them asked
        assert archive.check() == []


def program(tmp_path, *arguments):
    command = [sys.executable, "-m", "search", "watch", "--index", tmp_path / "ix", "--no-vectors", "--rest", "0.1s"]
    return subprocess.Popen(
        [*map(str, command), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_when_what_was_read_is_committed(tmp_path, number):
    put(tmp_path / "drop" / "a.jsonl", story("a"))
    running = program(tmp_path, tmp_path / "drop", "--every", "0.2s")
    assert "1 added, 0 replaced, 0 skipped; of 1 file" in running.stdout.readline()
    running.send_signal(number)
    _, said = running.communicate(timeout=100)
    assert running.returncode == 0
    assert said.splitlines()[-1] == "stopped; all that was read is committed"
    with desk(tmp_path) as archive:
        assert titles(archive) == ["Ferry a"]


def test_killed_in_the_middle_of_a_round_nothing_is_lost_and_nothing_there_twice(tmp_path):
    for number in range(60):
        put(tmp_path / "drop" / f"{number:02}.jsonl", *(story(f"n{number}-{n}") for n in range(20)))
    running = program(tmp_path, tmp_path / "drop", "--once", "--batch", "50")
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with Archive.open(tmp_path / "ix") as archive:
                if len(archive) > 100:
                    break
        except Exception:  # it is not made yet
            pass
        time.sleep(0.02)
    running.kill()
    running.communicate()
    with desk(tmp_path) as archive:
        before = len(archive)
        assert before > 100
        made = one_round(archive, tmp_path / "drop")
        assert made.report.skipped + made.report.added == 20 * made.files
        assert len(archive) == 1200
        assert len(titles(archive)) == len(set(titles(archive))) == 1200
        assert archive.check() == []
        assert one_round(archive, tmp_path / "drop").quiet


# The command


@shows("watch", "--index", "--debug", "--once", "--allow-private", "--every", "--rest", "--no-vectors")
def test_the_command_says_a_line_a_round(tmp_path, site):
    site.pages["/feed"] = (200, {}, feed("b"))
    put(tmp_path / "drop" / "a.jsonl", story("a"))
    how = ("--once", "--index", tmp_path / "ix", "--no-vectors", "--rest", "0s", "--every", "5m")
    ran = run("watch", tmp_path / "drop", f"{site.address}/feed", *how)
    assert ran.exit_code == 1
    assert "1 added, 0 replaced, 0 skipped; of 1 file; 1 failed; 1 dead letter (--failed)" in ran.stdout
    assert "an address of this machine or its network; --allow-private asks it" in ran.stderr
    ran = run("watch", tmp_path / "drop", f"{site.address}/feed", *how, "--allow-private", "--retry", "--debug")
    assert ran.exit_code == 0
    assert "1 added, 0 replaced, 0 skipped; of 1 feed; 1 with a summary alone" in ran.stdout
    assert run("watch", tmp_path / "drop", "--every", "soon").exit_code == 2
    assert run("watch").exit_code == 2


@shows("watch", "--failed", "--retry")
def test_the_command_lists_what_failed(tmp_path):
    path = tmp_path / "drop" / "a.jsonl"
    put(path, story("a"))
    path.write_text(path.read_text() + '{"title": "\x1b[31mred"\n')
    how = ("--index", tmp_path / "ix")
    once = ("watch", path.parent, "--once", "--no-vectors", "--rest", "0s", *how)
    assert run(*once).exit_code == 1
    ran = run("watch", "--failed", *how)
    assert ran.exit_code == 0
    assert f"{path}:2: " in ran.stdout
    assert "(1 try since 20" in ran.stdout
    assert ran.stderr == "1 dead letter\n"
    assert "\x1b" not in ran.stdout
    for _ in range(watched.TRIES):
        run(*once)
    assert "of 1 file" not in run(*once).stdout
    assert "of 1 file" in run(*once, "--retry").stdout
    path.write_text(json.dumps(story("a")))
    assert run(*once).exit_code == 0
    assert run("watch", "--failed", *how).exit_code == 1


@shows("watch", "--format", "--map", "--mapping", "--set", "--dates", "--encoding", "--batch")
def test_files_are_read_as_index_reads_them(tmp_path):
    (tmp_path / "mapping.txt").write_text("published=tag\n")
    row = "Kopf;Leib;Tag\nFähre;Sie fährt.;05/02/2025\nKran;Er steht.;06/02/2025\n"
    (tmp_path / "a.csv").write_bytes(row.encode("cp1252"))
    said = ("--format", "csv", "--map", "title=kopf,text=leib", "--mapping", tmp_path / "mapping.txt", "--set")
    said += ("source=Post", "--dates", "day-first", "--encoding", "cp1252", "--batch", "1", "--no-vectors")
    ran = run("watch", tmp_path / "a.csv", "--once", "--rest", "0s", "--index", tmp_path / "ix", *said)
    assert ran.exit_code == 0, ran.output
    with desk(tmp_path) as archive:
        found = {one.title: (one.text, str(one.published), one.source) for one in archive}
        assert found == {"Fähre": ("Sie fährt.", "2025-02-05", "Post"), "Kran": ("Er steht.", "2025-02-06", "Post")}
        assert archive.stats()["segments"] == 2
    assert "csv" in run("watch", "--format", "list").stdout


@shows("watch", "--model", "--dimension", "--precision", "--analysis")
def test_a_new_archive_is_made_as_index_makes_it(tmp_path):
    put(tmp_path / "a.jsonl", story("a"))
    said = ("--model", "hash", "--precision", "float32", "--analysis", "english")
    ran = run("watch", tmp_path / "a.jsonl", "--once", "--rest", "0s", "--index", tmp_path / "ix", *said)
    assert ran.exit_code == 0, ran.output
    with desk(tmp_path) as archive:
        assert archive.settings["model"] == "hash"
    bad = ("watch", tmp_path / "a.jsonl", "--once", "--rest", "0s", "--index", tmp_path / "other")
    assert run(*bad, "--model", "hash", "--dimension", "999").exit_code == 2
    assert run(*bad, "--no-vectors", "--analysis", "klingon").exit_code == 2


def test_a_round_in_a_line():
    report = AddReport(added=1200, replaced=3, skipped=4, rejected=1, withdrawn=1, killed=1)
    made = Round(number=1, files=4, feeds=1, unchanged=2, waiting=1, failed=1, summaries=9, report=report, letters=1)
    assert told(made) == (
        "1,200 added, 3 replaced, 4 skipped, 1 rejected; 1 item withdrawn, 1 deleted; of 4 files and 1 feed; "
        "2 feeds unchanged; 9 with a summary alone; 1 file still being written; 1 failed; 1 dead letter (--failed); 0 s"
    )


def test_names_that_are_no_utf_8_are_watched(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/f\xe4hre.jsonl")).write_text(json.dumps(story("a")))
    except OSError:
        pytest.skip("the file system takes no such names")
    with desk(tmp_path) as archive:
        assert one_round(archive, folder).report.added == 1
        assert one_round(archive, folder).quiet
    assert Entry("x").data is None
