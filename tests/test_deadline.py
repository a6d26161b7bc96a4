"""A time limit ends the work, not the wait."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from search import Archive, Article, deadline
from search.deadline import Deadline
from search.errors import QueryTimeout
from search.serve.desk import Desk, Settings

WORDS = [a + b + c + d + e for a in "bdfgk" for b in "aeiou" for c in "lmnrt" for d in "aeiou" for e in "pstvz"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """3,125 words, each in four of 500 articles."""
    with Archive.open(tmp_path_factory.mktemp("deadline") / "archive", create=True) as opened:
        texts = [" ".join(WORDS[(i * 25 + j) % len(WORDS)] for j in range(25)) for i in range(500)]
        opened.add([Article(id=f"{i}", title="One", text=text) for i, text in enumerate(texts)], vectors=False)
        yield opened


def passed() -> Deadline:
    """A deadline behind which all work is."""
    return Deadline(-1.0)


REQUESTS = {
    "words": "balap balas balat",
    "wildcard": "*lap",
    "prefix": "bal*",
    "fuzzy": "balap~",
    "phrase": '"balap balas"',
    "proximity": "balap w/3 balas",
    "count": "atleast1(balap)",
    "exact": "exact:balap",
    "value": "source:BBC",
    "dates": "date:2024 OR length:>2",
    "did you mean": "balax",
}


@pytest.mark.parametrize("query", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("face", ["search", "retrieve", "facets", "timeline"])
def test_work_behind_its_deadline_ends(archive, query, face):
    ask = getattr(archive, face)
    ask(query)
    with passed(), pytest.raises(QueryTimeout, match="no answer within -1 seconds"):
        ask(query)
    ask(query)


def test_a_deadline_far_away_changes_no_answer(archive):
    for query in REQUESTS.values():
        with Deadline(600):
            assert archive.search(query).hits == archive.search(query).hits


def filled(piece: Callable[[str], str]) -> str:
    """A query of nearly 10,000 characters."""
    query = ""
    for word in itertools.islice(itertools.cycle(WORDS), 1000):
        if len(query) + len(piece(word)) > 10_000:
            break
        query += piece(word)
    return query.removesuffix(" OR ")


@pytest.mark.parametrize(
    "query",
    [
        filled(lambda word: f"*{word[1:]}* OR "),
        filled(lambda word: f"{word}quux "),
        filled(lambda word: f"{word}~2 OR "),
        filled(lambda word: f'"{word} {word}" OR '),
        filled(lambda word: f"(balap w/200 {word}) OR "),
    ],
    ids=["patterns", "unknown words", "fuzzy words", "phrases", "proximity"],
)
def test_the_dearest_legal_requests_end_soon_after_their_deadline(archive, query, collector_off):
    began = time.thread_time()
    with Deadline(0.05), pytest.raises(QueryTimeout):
        archive.search(query)
    assert time.thread_time() - began < 0.55


def test_of_two_deadlines_both_hold_and_none_outlives_its_block():
    with Deadline(600), passed(), pytest.raises(QueryTimeout):
        deadline.check()
    with passed(), Deadline(600), pytest.raises(QueryTimeout):
        deadline.check()
    deadline.check()


def test_a_deadline_holds_for_its_own_thread():
    seen: list[BaseException | None] = []

    def other() -> None:
        try:
            deadline.check()
            seen.append(None)
        except QueryTimeout as error:
            seen.append(error)

    with passed():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [None]


@pytest.mark.parametrize("seconds", [None, 600])
@pytest.mark.parametrize("face", ["asearch", "aretrieve"])
def test_the_work_of_a_cancelled_task_ends(archive, monkeypatch, face, seconds):
    working, ended = threading.Event(), threading.Event()

    def work(*_: object, **__: object) -> None:
        working.set()
        try:
            while True:
                deadline.check()
        finally:
            ended.set()

    monkeypatch.setattr(archive, face[1:], work)

    async def ask() -> None:
        with nullcontext() if seconds is None else Deadline(seconds):
            task = asyncio.create_task(getattr(archive, face)("balap"))
        assert await asyncio.to_thread(working.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 5)

    asyncio.run(ask())


def test_the_desk_ends_the_work_of_whom_it_has_given_up(archive):
    desk = Desk(Settings(folder=archive.path, threads=1, waiting=4, timeout=0.1), archive)
    ended = threading.Event()

    def work(_: Archive) -> None:
        try:
            while True:
                deadline.check()
        finally:
            ended.set()

    async def ask() -> str:
        with pytest.raises(QueryTimeout, match=r"no answer within 0\.1 seconds"):
            await desk.answer(work)
        assert ended.wait(5)
        return await desk.answer(lambda _: "next")

    assert asyncio.run(ask()) == "next"
    desk.stop()
