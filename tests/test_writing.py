"""Indexing in two stages: what overlaps, what is committed when one of them fails, and that nothing is left behind."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.encode.hashing import HashEncoder
from search.engine.background import Abandoned, Background
from search.errors import EncoderError

WAIT = 20  # seconds until a test that hangs fails


def articles(count, word="storm"):
    return [Article(id=f"a{i}", title=f"title {i}", text=f"{word} number {i} hits the coast") for i in range(count)]


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as opened:
        yield opened
    assert [one.name for one in threading.enumerate() if one.name == "broadsheet-embedding"] == []


@pytest.fixture
def encode(monkeypatch):
    """Replaces the encoder's work: ``encode(around)``, which gets the real one, the texts and the progress."""
    real = HashEncoder.encode

    def install(around):
        monkeypatch.setattr(
            HashEncoder,
            "encode",
            lambda self, texts, progress=None: around(lambda: real(self, texts, progress), texts, progress),
        )

    return install


def test_reading_goes_on_while_a_batch_is_embedded(archive, encode):
    embedding, read_on = threading.Event(), threading.Event()

    def around(real, texts, progress):
        embedding.set()
        assert read_on.wait(WAIT)
        return real()

    def source():
        for i, article in enumerate(articles(25)):
            if i == 11:
                assert embedding.wait(WAIT)
            if i == 19:
                read_on.set()  # only reached when the caller did not wait for the first batch
            yield article

    encode(around)
    assert archive.add(source(), batch=10).added == 25
    assert len(archive) == 25
    assert archive.check() == []


def test_a_batch_is_committed_while_the_source_stands_still(archive):
    written = threading.Event()

    def source():
        yield from articles(10)
        yield Article(id="b", title="next")
        assert written.wait(WAIT)
        assert len(archive) == 10

    archive.add(source(), batch=10, progress=lambda news: news.stage == "writing" and written.set())
    assert len(archive) == 11


def test_no_more_than_one_batch_waits_for_another(archive, encode):
    """However slow the encoder is, reading gets one batch ahead and no further."""
    first, read, ahead = threading.Event(), [], []

    def around(real, texts, progress):
        if not first.is_set():
            first.set()
            threading.Event().wait(0.3)
            ahead.append(len(read))
        return real()

    def source():
        for article in articles(100):
            read.append(article)
            yield article

    encode(around)
    archive.add(source(), batch=10)
    assert ahead[0] <= 20
    assert len(archive) == 100


def test_a_source_that_fails_loses_no_complete_batch(archive):
    def source():
        yield from articles(25)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        archive.add(source(), batch=10)
    assert len(archive) == 20
    assert archive.check() == []
    report = archive.add(articles(25), batch=10)
    assert (report.added, report.skipped) == (5, 20)


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_an_encoder_that_fails_is_heard_and_later_batches_do_not_come_before(archive, encode, fails):
    calls = []

    def around(real, texts, progress):
        calls.append(len(texts))
        if len(calls) == fails:
            raise EncoderError("out of memory")
        return real()

    encode(around)
    with pytest.raises(EncoderError, match="out of memory"):
        archive.add(articles(25), batch=10)
    assert len(calls) == fails
    assert len(archive) == 10 * (fails - 1)
    encode(lambda real, texts, progress: real())
    archive.add(articles(25), batch=10)
    assert len(archive) == 25
    assert archive.check() == []


def test_a_failing_encoder_stops_the_reading(archive, encode):
    failed = threading.Event()

    def around(real, texts, progress):
        failed.set()
        raise EncoderError("no")

    def source():
        for i, article in enumerate(articles(100_000)):
            assert i < 50_000
            if i == 10:
                assert failed.wait(WAIT)
            yield article

    encode(around)
    with pytest.raises(EncoderError):
        archive.add(source(), batch=10)


def test_an_interruption_does_not_wait_for_the_model(archive, encode):
    embedding, interrupted, told = threading.Event(), threading.Event(), []

    def around(real, texts, progress):
        embedding.set()
        assert interrupted.wait(WAIT)
        for _ in range(WAIT * 100):  # a batch that would take long
            threading.Event().wait(0.01)
            told.append(1)
            progress(0)
        return real()

    def source():
        yield from articles(11)
        assert embedding.wait(WAIT)
        interrupted.set()
        raise KeyboardInterrupt

    encode(around)
    with pytest.raises(KeyboardInterrupt):
        archive.add(source(), batch=10)
    assert len(told) < WAIT * 50
    assert len(archive) == 0
    assert archive.check() == []


def test_progress_that_raises_in_either_stage_reaches_the_caller(archive):
    for stage in ("reading", "embedding", "writing"):

        def refuse(news, stage=stage):
            if news.stage == stage:
                raise RuntimeError(stage)

        with pytest.raises(RuntimeError, match=stage):
            archive.add(articles(25, stage), batch=10, progress=refuse)
        assert archive.check() == []


def test_progress_is_true(archive):
    news = []
    archive.add(articles(25), batch=10, progress=news.append)
    assert [one.report.added for one in news if one.stage == "writing"] == [10, 20, 25]
    assert [(one.done, one.total) for one in news if one.stage == "writing"] == [(10, 10), (10, 10), (5, 5)]
    assert [(one.done, one.report.added) for one in news if one.stage == "embedding" and one.done == one.total] == [
        (10, 10),
        (10, 20),
        (5, 25),
    ]
    assert news[-1].stage == "reading"
    assert (news[-1].done, news[-1].total) == (25, 25)


def test_an_input_of_the_batch_before_is_not_encoded_again(archive, encode):
    texts_seen = []

    def around(real, texts, progress):
        texts_seen.extend(texts)
        return real()

    encode(around)
    archive.add([Article(id=f"a{i}", title="same title", text="same text") for i in range(30)], batch=10)
    assert len(texts_seen) == 1


VERSIONS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(VERSIONS, min_size=1, max_size=3), batch=st.integers(1, 5))
@example(runs=[[("a", 0)], [("a", 1), ("b", 0), ("a", 2), ("a", 0)]], batch=2)
@example(runs=[[("a", 0)], [("a", 1), ("a", 0), ("a", 2), ("a", 0)]], batch=1)
def test_upserts_are_those_of_a_dictionary(runs, batch, tmp_path_factory):
    expected, counts = {}, [0, 0, 0]
    with Archive.open(tmp_path_factory.mktemp("law") / "a", create=True, model="hash") as archive:
        found = [0, 0, 0]
        for run in runs:
            items = [Article(id=one, title=f"title {version}", text=f"word{version} of {one}") for one, version in run]
            before, changes = dict(expected), Counter()
            for item in items:
                place = 0 if item.id not in expected else 2 if expected[item.id] == item else 1
                if place == 1 and before.get(item.id) == item:  # what this run had changed comes back: nothing changes
                    undone = changes.pop(item.id)
                    counts[1] -= undone
                    counts[2] += undone + 1
                else:
                    counts[place] += 1
                    changes[item.id] += place == 1
                expected[item.id] = item
            report = archive.add(items, batch=batch)
            found = [a + b for a, b in zip(found, (report.added, report.replaced, report.skipped), strict=True)]
        assert found == counts
        assert len(archive) == len(expected)
        assert {one: archive.get(one) for one in expected} == expected
        for version in range(4):
            matching = {one for one, item in expected.items() if item.title == f"title {version}"}
            assert {hit.article.id for hit in archive.search(f'"word{version}"', limit=20)} == matching
        assert archive.check() == []


@pytest.mark.parametrize("batch", [1, 2, 3, 9])
@pytest.mark.parametrize("versions", ["1 0", "0 1 0", "1 - 2 0", "1 0 2 0", "1 2 0 1 2 0", "1 - - 2 - 3 0"])
def test_what_comes_back_in_one_run_is_there_and_told_as_unchanged_however_batches_are_cut(archive, versions, batch):
    def version(n):
        return Article(id="a", title=f"title {n}", text="text")

    archive.add([version(0)])
    others = 0
    items = []
    for n in versions.split():
        if n == "-":
            others += 1
            items.append(Article(id=f"other {others}", title="other", text="text"))
        else:
            items.append(version(n))
    report = archive.add(items, batch=batch)
    assert archive.get("a") == version(0)
    assert (report.added, report.replaced, report.skipped) == (others, 0, len(items) - others)
    assert (report.revised, report.remarks) == (0, ())
    assert archive.check() == []


def test_background_runs_jobs_in_order_and_waits_for_the_last():
    done = []
    with Background("test") as background:
        for i in range(20):
            background.submit(lambda i=i: done.append(i))
    assert done == list(range(20))


def test_background_says_to_go_on_until_it_is_abandoned():
    said = []

    def job():
        background.go_on()
        said.append("went on")
        started.set()
        try:
            while True:
                background.go_on()
        except Abandoned:
            said.append("abandoned")
            raise

    started = threading.Event()
    background = Background("test")

    def leave():
        with background:
            background.submit(job)
            assert started.wait(WAIT)
            raise SystemExit

    with pytest.raises(SystemExit):
        leave()
    assert said == ["went on", "abandoned"]
