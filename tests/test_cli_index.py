"""``broadsheet index`` and its progress: what it asks of the archive, and what it prints. The archive is a fake."""

from __future__ import annotations

import io
import json
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from search import ingest
from search.cli import index as index_command
from search.cli import progress
from search.cli.main import cli
from search.errors import SourceError, StorageError
from search.records import AddReport, Rejection
from tests import fake_archive
from tests.fake_archive import FIRST, SECOND

BAD = Rejection(source="a.jsonl", line=7, reason="not valid JSON", record='{"id": \x1b')


@pytest.fixture
def archive(monkeypatch):
    return fake_archive.install(monkeypatch)


class Reading:
    """The shape of ``search.ingest.Reading``: a file for each list of items, 100 bytes for each item."""

    def __init__(self, files, failure=None):
        self.files = self.bytes_read = self.unread_dates = 0
        self.passed_over = {}
        self.closed = False
        self._total = 100 * sum(map(len, files))
        self._items = self._read(files, failure)

    def __iter__(self):
        return self._items

    def bytes_total(self):
        return self._total

    def close(self):
        self.closed = True

    def _read(self, files, failure):
        for items in files:
            self.files += 1
            for item in items:
                self.bytes_read += 100
                yield item
        if failure is not None:
            raise failure


@pytest.fixture
def source(monkeypatch):
    """What ``ingest.read`` gives, and what it was asked."""
    given = SimpleNamespace(items=[FIRST, SECOND], files=None, asked=None, failure=None, refusal=None, skipped=0)

    def read(paths, *, format="auto"):
        given.asked = (tuple(paths), format)
        if given.refusal is not None:
            raise given.refusal
        given.reading = Reading(given.files or [given.items], given.failure)
        given.reading.unread_dates = given.skipped
        if given.skipped:
            given.reading.passed_over = {"links to folders": (given.skipped, "w/a\x1b")}
        return given.reading

    monkeypatch.setattr(ingest, "read", read)
    return given


def run(*arguments, **settings):
    return CliRunner().invoke(cli, [str(one) for one in arguments], **settings)


def test_index_adds_and_sums_up(archive, source):
    source.items = [FIRST, BAD, SECOND]
    result = run("index", "a.jsonl", "b", "--format", "jsonl", "--batch", 5, "--model", "m", "--wait", "--index", "i")
    assert result.exit_code == 0
    assert source.asked == (("a.jsonl", "b"), "jsonl")
    settings = {"create": True, "model": "m", "dimension": None, "precision": "auto", "wait": True}
    assert archive.called("open") == [("open", "i", settings)]
    assert archive.called("add") == [("add", 5, True)]
    assert set(archive.articles) == {"ians-1", "b 2"}
    assert result.stdout == ""
    assert result.stderr == ("rejected a.jsonl:7: not valid JSON\n2 added, 0 replaced, 0 skipped, 1 rejected in 0 s\n")
    assert "2 skipped" in run("index", "a.jsonl").stderr


def test_index_without_vectors(archive, source):
    run("index", "a", "--no-vectors")
    assert archive.called("add") == [("add", 1000, False)]
    archive.settings["vectors"] = False
    assert "this archive was made with --no-vectors" in run("index", "a").stderr
    assert "this archive was made" not in run("index", "a", "--no-vectors").stderr


def test_index_says_where_a_rejection_stood_without_its_control_characters(archive, source):
    source.items = [Rejection(source="f\x1b[2J.txt", line=None, reason="binary\nfile"), FIRST]
    assert run("index", "a").stderr.splitlines()[0] == "rejected f.txt: binary file"


def test_index_shows_five_rejections_and_writes_all(archive, source, tmp_path):
    source.items = [Rejection(source="a", line=n, reason="bad", record="\u202e\udce9") for n in range(1, 151)]
    rejects = tmp_path / "rejects.jsonl"
    rejects.write_text("old")
    result = run("index", "a", "--rejects", rejects)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "no articles in a",
        *(f"rejected a:{n}: bad" for n in range(1, 6)),
        f"and 145 more; all are in {rejects}",
        "0 added, 0 replaced, 0 skipped, 150 rejected in 0 s",
    ]
    records = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [record["line"] for record in records] == list(range(1, 151))
    assert records[0] == {"source": "a", "line": 1, "reason": "bad", "record": "\u202e\udce9"}
    assert [path.name for path in tmp_path.iterdir()] == ["rejects.jsonl"]
    assert "--rejects FILE keeps them all" in run("index", "a").stderr


def test_rejects_are_written_also_when_the_archive_itself_rejects(archive, source, tmp_path, monkeypatch):
    late = Rejection(source="add", line=None, reason="id must be printable", record="x")
    monkeypatch.setattr(
        type(archive), "add", lambda self, items, **_: AddReport(rejected=1 + len(list(items)), rejections=(late,))
    )
    run("index", "a", "--rejects", tmp_path / "r")
    assert [json.loads(line)["reason"] for line in (tmp_path / "r").read_text().splitlines()] == [
        "id must be printable"
    ]


def test_rejects_file_is_empty_when_nothing_was_rejected(archive, source, tmp_path):
    (tmp_path / "r").write_text("old")
    run("index", "a", "--rejects", tmp_path / "r")
    assert (tmp_path / "r").read_text() == ""


def test_rejects_file_that_cannot_be_written(archive, source, tmp_path):
    result = run("index", "a", "--rejects", tmp_path / "no" / "r")
    assert (result.exit_code, archive.calls) == (3, [])
    assert "cannot write" in result.stderr


def test_index_of_nothing_creates_nothing(archive, source):
    source.items = []
    result = run("index", "empty/")
    assert (result.exit_code, archive.calls) == (0, [])
    assert result.stderr == "no articles in empty/\n0 added, 0 replaced, 0 skipped, 0 rejected in 0 s\n"


def test_index_of_a_missing_file_creates_nothing(archive, source):
    source.refusal = SourceError("a: no such file")
    result = run("index", "a")
    assert (result.exit_code, result.stderr, archive.calls) == (2, "broadsheet: a: no such file\n", [])


def test_index_says_what_is_kept_when_it_breaks_off(archive, source):
    source.failure = StorageError("disk full")
    result = run("index", "a", "--prune")
    assert result.exit_code == 3
    assert result.stderr == (
        "the archive holds 2 articles (+2); the same command goes on from there\nbroadsheet: disk full\n"
    )
    assert archive.called("prune") == []
    source.failure = KeyboardInterrupt()
    result = run("index", "a")
    assert result.exit_code == 130
    assert result.stderr == (
        "broadsheet: interrupted; the archive holds 2 articles (+0); the same command goes on from there\n"
    )


def test_prune_deletes_what_the_input_lacks(archive, source):
    archive.articles = {"old": FIRST, "b 2": SECOND}
    result = run("index", "a", "--prune")
    assert archive.called("prune") == [("prune", ["b 2", "ians-1"])]
    assert result.stderr == "1 added, 0 replaced, 1 skipped, 0 rejected, 1 pruned in 0 s\n"


@pytest.mark.parametrize("items", [[], [BAD]])
def test_prune_refuses_an_input_without_articles(archive, source, items):
    archive.articles = {"old": FIRST}
    source.items = items
    result = run("index", "a", "--prune")
    assert result.exit_code == 2
    assert "no articles were read, so --prune would delete them all" in result.stderr
    assert set(archive.articles) == {"old"}


CUT = Rejection(source="b.gz", line=3, reason="cut short")


@pytest.mark.parametrize(
    "files",
    [[[FIRST, CUT]], [[FIRST, CUT], [SECOND]], [[CUT], [FIRST]], [[BAD, CUT], [BAD, FIRST]], [[FIRST], [BAD, CUT]]],
)
def test_prune_refuses_a_file_that_may_have_broken_off(archive, source, files):
    archive.articles = {"old": FIRST}
    source.files = files
    result = run("index", "a", "--prune")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "broadsheet: b.gz may not have been read to its end (cut short): --prune deleted nothing. "
        "Mend that file, or leave it out\n"
    )
    assert {"old", "ians-1"} <= set(archive.articles)


def test_prune_goes_ahead_when_files_go_on_behind_bad_records(archive, source):
    archive.articles = {"old": FIRST}
    source.files = [[BAD, FIRST], [SECOND, BAD, BAD, SECOND]]
    result = run("index", "a", "--prune")
    assert result.exit_code == 0
    assert set(archive.articles) == {"ians-1", "b 2"}


def test_the_input_is_closed(archive, source):
    run("index", "a")
    assert source.reading.closed


def test_index_says_what_was_passed_over(archive, source):
    source.skipped = 2
    assert run("index", "a").stderr == (
        "2 dates not understood; kept as published_raw\n"
        "passed over links to folders: 2, such as w/a\n"
        "2 added, 0 replaced, 0 skipped, 0 rejected in 0 s\n"
    )


def test_index_counts_rejections_before_the_first_article(archive, source):
    source.items = [*[BAD] * 7, FIRST, BAD]
    result = run("index", "a")
    assert result.stderr.splitlines()[-2:] == [
        "and 3 more; --rejects FILE keeps them all",
        "1 added, 0 replaced, 0 skipped, 8 rejected in 0 s",
    ]


def test_progress_estimates_from_bytes(archive, source):
    watch = index_command._Watch(None)
    items = watch.over(Reading([[FIRST, SECOND], [FIRST, SECOND]]), keep_ids=False)
    assert watch.expected() is None
    next(items)
    assert watch.expected() == 4
    list(items)
    assert watch.expected() == 4


@pytest.mark.parametrize("arguments", [(), ("a", "--batch", "0")])
def test_index_refuses(archive, source, arguments):
    assert run("index", *arguments).exit_code == 2
    assert archive.calls == []


def test_a_format_that_there_is_not_names_those_that_there_are(archive):
    result = run("index", "a", "--format", "docx2")
    assert (result.exit_code, archive.calls) == (2, [])
    assert all(name in result.stderr for name in ("auto", "csv", "json", "jsonl", "text"))


def test_the_list_of_formats_is_the_registry_s(archive):
    result = run("index", "--format", "list")
    assert result.exit_code == 0
    assert {line.split()[0] for line in result.stdout.splitlines() if line[0] != " "} == set(ingest.known_formats())


# progress


def told(stage, done, total, how=None, **counts):
    return fake_archive.Told(stage, done, total, AddReport(**counts), how)


def test_plain_progress_comes_now_and_then_with_rate_and_time_left(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with progress.Meter("articles", total=7) as meter:
        now[0] += 10
        meter.show(0, "embedding")
        now[0] += 10
        meter.show(7)
    assert capsys.readouterr().err == "0 of 7 articles, embedding\n7 of 7 articles, 0.3/s\n"
    with progress.IndexMeter(lambda: 4000) as meter:
        meter(told("reading", 500, None, added=400, skipped=100))
        now[0] += 9
        meter(told("embedding", 50, 1000, added=900, skipped=100))
        assert capsys.readouterr().err == ""
        now[0] += 1
        meter(told("embedding", 500, 1000, "bfloat16 (52 passages/s)", added=900, skipped=100))
        now[0] += 10
        meter(told("writing", 900, 900, added=900, skipped=100))
    assert capsys.readouterr().err == (
        "550 of 4,000 articles, 55/s, 63 s left, embedding 500 of 1,000 passages in bfloat16 (52 passages/s)\n"
        "1,000 of 4,000 articles, 50/s, 60 s left, writing\n"
    )


def test_plain_progress_without_a_total(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with progress.Meter("searches") as meter:
        now[0] += 20
        meter.show(30)
    assert capsys.readouterr().err == "30 searches, 1.5/s\n"


def test_bar_on_a_terminal(monkeypatch):
    drawn = io.StringIO()
    drawn.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", drawn)
    with progress.IndexMeter(lambda: 200) as meter:
        meter(told("writing", 50, 50, added=50))
        meter._bar.refresh()
    assert "50/200" in drawn.getvalue()
    assert "writing" in drawn.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (99, "99 s"), (100, "2 min"), (812, "14 min"), (12_000, "3 h 20 min")]
)
def test_durations(seconds, said):
    assert progress.duration(seconds) == said
