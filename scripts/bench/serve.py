"""Measure ``broadsheet serve`` under load: scripts/bench/run serve --data news-20k.jsonl.gz [--index FOLDER]

A second process asks over loopback, each client on a connection of its own that stays open, one request after the
other. The queries are titles of articles of the data; none is asked twice before all are, so no client gets what is
remembered from the last request. Printed are:

1. requests/s, median and 99th percentile for 1, 4 and 16 clients, as hybrid and as keyword search, and for a context
   of 2,000 tokens;
2. resident memory of the server over --requests requests (20,000) of all kinds, wrong ones among them;
3. commits under load: articles are added to a copy of the archive while 4 clients ask; how soon each new article was
   found, and how many requests failed.

Without --index an archive with bootstrapped vectors is made in a temporary folder (see bootstrapped.py).
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import multiprocessing
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.hybrid import headlines, prepare
from bench.report import Report
from search import Archive, Article
from tests.served import Served, served

CLIENTS = (1, 4, 16)
QUERIES = 2_000
SAMPLES = 10  # readings of the memory


def wrong(number: int) -> str:
    """A path that must be refused: each is another mistake."""
    return (
        "/v1/search?q=(((",
        "/v1/search?q=dam&limit=0",
        "/v1/articles/none",
        "/v1/search?colour=red",
        "/v1/timeline?q=a&by=hour",
    )[number % 5]


def paths(kind: str, queries: Sequence[str], start: int) -> Iterator[str]:
    """Addresses without end: ``kind`` is hybrid, keyword, context or all."""
    for number in itertools.count(start):
        text = queries[number % len(queries)]
        one = ("hybrid", "keyword", "context", "facets", "wrong")[number % 5] if kind == "all" else kind
        if one == "context":
            yield "/v1/context?" + urlencode({"q": text, "budget": 2000})
        elif one == "facets":
            yield "/v1/facets?" + urlencode({"q": text, "literal": "true"})
        elif one == "wrong":
            yield wrong(number // 5)
        else:
            yield "/v1/search?" + urlencode({"q": text, "literal": "true", "mode": one})


def load(
    address: str, kind: str, queries: Sequence[str], clients: int, seconds: float, most: int, answers: Any
) -> None:
    """Ask until the time or the number of requests is over, then put (seconds, latencies in ms, statuses) away."""
    host = urlsplit(address).netloc
    shared = threading.Lock()
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    began = time.perf_counter()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        own: list[float] = []
        seen: Counter[int] = Counter()
        share = most // clients
        asked = paths(kind, queries, number * len(queries) // clients)
        while time.perf_counter() - began < seconds and len(own) < share:
            sent = time.perf_counter()
            try:
                connection.request("GET", next(asked))
                response = connection.getresponse()
                response.read()
                seen[response.status] += 1
            except OSError:
                seen[0] += 1
                connection.close()
            own.append((time.perf_counter() - sent) * 1000)
        connection.close()
        with shared:
            latencies.extend(own)
            statuses.update(seen)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((time.perf_counter() - began, latencies, dict(statuses)))


class Load:
    """A load in a process of its own."""

    def __init__(self, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._answers = context.Queue()
        self.process = context.Process(target=load, args=(*arguments, self._answers))
        self.process.start()

    def result(self) -> tuple[float, list[float], dict[int, int]]:
        found = self._answers.get()
        self.process.join()
        return found


def resident(server: Served) -> float:
    """MiB that the server's process holds, files that it maps included."""
    import psutil

    return psutil.Process(server.process.pid).memory_info().rss / (1 << 20)


def anonymous(server: Served) -> float:
    """MiB of its own, without mapped files; nan where the system does not tell."""
    try:
        rollup = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:")) / 1024


def throughput(server: Served, queries: list[str], seconds: float, report: Report) -> None:
    print(f"{'':10} {'clients':>7} {'requests/s':>11} {'median ms':>10} {'p99 ms':>8}  statuses")
    for kind in ("hybrid", "keyword", "context"):
        for clients in CLIENTS:
            took, latencies, statuses = Load(server.address, kind, queries, clients, seconds, 1 << 30).result()
            latencies.sort()
            p99 = latencies[int(len(latencies) * 0.99)]
            middle = statistics.median(latencies)
            print(f"{kind:10} {clients:7} {len(latencies) / took:11.1f} {middle:10.1f} {p99:8.1f}  {statuses}")
            name = f"{kind}, {clients} client{'s'[: clients > 1]}"
            report.add(f"{name}: throughput", len(latencies) / took, "requests/s")
            report.add(f"{name}: median", middle, "ms")
            report.add(f"{name}: p99", p99, "ms")


def memory(server: Served, queries: list[str], requests: int, report: Report) -> None:
    print(f"\nafter requests of all kinds, 4 clients: MiB resident, without mapped files ({requests:,} in all)")
    each = max(1, requests // SAMPLES)
    total: Counter[int] = Counter()
    for done in range(0, requests + 1, each):
        if done:
            _, _, statuses = Load(server.address, "all", queries, 4, 1e9, each).result()
            total.update(statuses)
        print(f"{done:8,} {resident(server):8.1f} {anonymous(server):8.1f}")
        if done:
            report.add(f"memory after {done:,} requests, without mapped files", anonymous(server), "MiB")
    print(f"statuses {dict(total)}")


def commits(folder: Path, queries: list[str], seconds: float, report: Report) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "archive"
        shutil.copytree(folder, copy)
        with served(copy) as server:
            under = Load(server.address, "keyword", queries, 4, seconds, 1 << 30)
            waits = []
            with Archive.open(copy) as archive:
                vectors = bool(archive.settings["vectors"])
                ended = time.perf_counter() + seconds * 0.8
                for number in itertools.count():
                    if time.perf_counter() > ended:
                        break
                    word = f"zyxomma{number:04}"
                    archive.add([Article(id=word, title=f"The {word}", text=f"A {word} was seen.")], vectors=vectors)
                    began = time.perf_counter()
                    asked = {"q": word, "mode": "keyword"}
                    while server.client.get("/v1/search", params=asked).json()["total"] != 1:
                        pass
                    waits.append((time.perf_counter() - began) * 1000)
            _, latencies, statuses = under.result()
    print(
        f"\n{len(waits)} commits under {len(latencies):,} requests: found after {statistics.median(waits):.0f} ms "
        f"(median; longest {max(waits):.0f}); statuses {statuses}"
    )
    report.add("a commit under load is found, median", statistics.median(waits), "ms")
    report.add("a commit under load is found, longest", max(waits), "ms")
    report.add("requests that failed under commits", sum(n for code, n in statuses.items() if code != 200), "")


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--options", default="", help="for broadsheet serve, such as '--workers 2'")
    parser.add_argument("--only", choices=["throughput", "memory", "commits"])
    options = report.parse(parser)
    queries = headlines(options.data, QUERIES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.index or Path(temporary) / "archive"
        prepare(folder, options.data)
        if options.only != "commits":
            with served(folder, *options.options.split()) as server:
                print(json.dumps({"articles": server.client.get("/v1/stats").json()["articles"]}))
                if options.only != "memory":
                    throughput(server, queries, options.seconds, report)
                if options.only != "throughput":
                    memory(server, queries, options.requests, report)
        if options.only in (None, "commits"):
            commits(folder, queries, options.seconds * 2, report)
