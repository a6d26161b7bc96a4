"""Indexing holds no more than a few batches at once, however many come, and ends cleanly when it is cut off."""

from __future__ import annotations

import gc
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest

from search import Archive, Article
from search.encode.hashing import HashEncoder
from search.engine import index as writing
from search.engine import intake, merging
from search.errors import EncoderError, RecordsRejected

BATCH, BATCHES = 40, 12
HELD = 3  # batches: one that is written, one that is filled, and what is handed over


def articles(count, words=8):
    for i in range(count):
        text = " ".join(f"word{(i * 7 + j) % 50}" for j in range(words))
        yield Article(id=f"a{i}", title=f"title {i}", text=f"{text}.")


def alive():
    return sum(type(one) is Article for one in gc.get_objects())


@pytest.mark.parametrize("vectors", [False, True])
@pytest.mark.parametrize("change", ["new", "replaced", "skipped"])
def test_few_batches_of_articles_are_alive_at_once(tmp_path, vectors, change, monkeypatch):
    encode = HashEncoder.encode

    def slowly(self, texts, progress=None):
        time.sleep(0.02)  # so that reading gets as far ahead as it may
        return encode(self, texts, progress)

    monkeypatch.setattr(HashEncoder, "encode", slowly)
    counts = []
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        if change != "new":
            archive.add(articles(BATCH * BATCHES), batch=BATCH, vectors=vectors)
        gc.collect()
        gc.freeze()  # what other tests have left is not looked at, and would take longer than indexing

        def source():
            for i, article in enumerate(articles(BATCH * BATCHES, words=9 if change == "replaced" else 8)):
                yield article
                if i % (BATCH // 2) == 0:
                    counts.append(alive())

        try:
            report = archive.add(source(), batch=BATCH, vectors=vectors)
        finally:
            gc.unfreeze()
        assert getattr(report, {"new": "added"}.get(change, change)) == BATCH * BATCHES
    assert len(counts) == 2 * BATCHES
    assert max(counts) <= HELD * BATCH + 1


@pytest.mark.parametrize("vectors", [False, True])
def test_three_times_the_batches_take_no_more_memory(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr(merging, "FACTOR", 10**6)  # a merge takes what its segments hold

    def peak(name, batches):
        with Archive.open(tmp_path / name, create=True, model="hash") as archive:
            archive.add([Article(id="first", title="so that all is imported")], vectors=vectors)
            gc.collect()
            tracemalloc.start()
            try:
                archive.add(articles(batches * 10, words=1200), batch=10, vectors=vectors)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak("warm", 1)
    assert peak("many", 9) < 1.25 * peak("few", 3)


def threads():
    return [one.name for one in threading.enumerate() if one.name.startswith("broadsheet")]


COMMAND = f"""
import sys, time
from search.cli.main import cli
from search.encode.hashing import HashEncoder

encode = HashEncoder.encode

def slowly(self, texts, progress=None):
    print("embedding", len(texts), file=sys.stderr, flush=True)
    for _ in range(400):
        time.sleep(0.05)
        progress(0)
    return encode(self, texts, progress)

if sys.argv[1] == "embedding":
    HashEncoder.encode = slowly
cli(["index", "-", "--format", "jsonl", "--batch", "{BATCH}", "--model", "hash", "--index", sys.argv[2]])
"""


@pytest.mark.parametrize("stage", ["reading", "embedding"])
def test_an_interrupted_command_ends_soon_and_loses_no_commit(tmp_path, stage):
    """Ctrl-C while the command waits for more to read, or while the model is at work in the other thread."""
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([Article(id="first", title="before all")])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", COMMAND, stage, str(tmp_path / "a")], text=True, **pipes) as process:
        for i in range(BATCH + 1):
            process.stdin.write(f'{{"id": "n{i}", "title": "news {i}"}}\n')
        process.stdin.write("\n" * 300_000)  # past what a reader takes at once
        process.stdin.flush()
        if stage == "embedding":
            assert "embedding" in process.stderr.readline()
        else:
            wait_for(lambda: committed(tmp_path / "a") == 1 + BATCH)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 130, said
    assert time.monotonic() - began < 15  # the model would have gone on for 20 seconds
    assert "Traceback" not in said
    with Archive.open(tmp_path / "a") as archive:
        assert len(archive) == (1 if stage == "embedding" else 1 + BATCH)
        assert archive.check() == []
        assert archive.add([Article(id="after", title="the lock is free")]).added == 1


def committed(path):
    connection = sqlite3.connect(path / "catalog.sqlite")
    try:
        return connection.execute("SELECT count(*) FROM articles WHERE died IS NULL").fetchone()[0]
    finally:
        connection.close()


def wait_for(condition, seconds=30):
    for _ in range(seconds * 50):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("never came")


@pytest.mark.parametrize("fails", ["encoder", "segment", "merge", "source"])
def test_an_error_in_any_stage_frees_the_lock_and_the_thread(tmp_path, fails, monkeypatch):
    """After it the same process indexes on, without a second opening."""
    places = {
        "encoder": ("search.encode.hashing.HashEncoder.encode", EncoderError("no memory")),
        "segment": ("search.storage.segments.write_segment", OSError(28, "No space left on device")),
        "merge": ("search.engine.merging.merge_vectors", OSError(28, "No space left on device")),
        "source": (None, OSError("the line is cut")),
    }
    place, error = places[fails]

    def fail(*_, **__):
        raise error

    def source():
        yield from articles(11 * BATCH)
        if fails == "source":
            fail()

    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([Article(id="first", title="before all")])
        with monkeypatch.context() as patch:
            if place is not None:
                patch.setattr(place, fail)
            with pytest.raises(type(error), match=str(error.args[-1])):
                archive.add(source(), batch=BATCH)
        assert threads() == []
        assert len(archive) % BATCH == 1
        assert archive.check() == []
        archive.add(articles(11 * BATCH), batch=BATCH)
        assert len(archive) == 11 * BATCH + 1
        assert archive.check() == []


def test_an_interruption_in_the_middle_of_a_commit_leaves_none_of_it(tmp_path, monkeypatch):
    """Ctrl-C reaches the reading thread while the other one is between its file and its transaction."""
    between, go_on = threading.Event(), threading.Event()
    write = writing.segments.write_segment

    def slowly(*arguments):
        entry = write(*arguments)
        between.set()
        assert go_on.wait(20)
        return entry

    def source():
        yield from articles(BATCH + 1)
        assert between.wait(20)
        threading.Timer(0.1, go_on.set).start()
        raise KeyboardInterrupt

    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        monkeypatch.setattr(writing.segments, "write_segment", slowly)
        with pytest.raises(KeyboardInterrupt):
            archive.add(source(), batch=BATCH)
        monkeypatch.undo()
        assert threads() == []
        assert len(archive) in (0, BATCH)  # as a whole or not at all
        assert archive.check() == []
        assert archive.add(articles(BATCH + 1), batch=BATCH).rejected == 0
        assert len(archive) == BATCH + 1


def test_an_article_longer_than_any_is_rejected_with_its_length(tmp_path, monkeypatch):
    """A million characters take 30 to 200 MB to index: the bound is what keeps one record from taking all memory."""
    assert intake.MOST_CHARACTERS * 200 <= 1 << 30
    long = [Article(id="long", text="tides " * 8_200_000), Article(id="b", text="A dam.")]
    with Archive.open(tmp_path / "a", create=True) as archive:
        with pytest.warns(RecordsRejected):
            report = archive.add(long, vectors=False)
        assert (report.added, report.rejected) == (1, 1)
        assert report.rejections[0].reason == (
            "it has 49,200,000 characters, and an article may have 5,000,000: cut it into several"
        )
        monkeypatch.setattr(intake, "MOST_CHARACTERS", 10)
        assert archive.add([Article(id="c", title="dams", text="tides.")], vectors=False).added == 1
        with pytest.warns(RecordsRejected):
            archive.add([Article(id="d", title="dams.", text="tides.")], vectors=False)
        assert "d" not in archive
