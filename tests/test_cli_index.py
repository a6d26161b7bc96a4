"""``broadsheet index`` and its progress: what is said of files that are broken, empty or cut, and what is pruned."""

from __future__ import annotations

import gzip
import io
import json
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from search import Archive, Article, ingest
from search.cli import index as index_command
from search.cli import progress
from search.cli.main import cli
from search.engine.index import Progress
from search.errors import StorageError
from search.records import AddReport

BAD = '{"id": "\\u001b"}'  # neither title nor text
NEWS = [json.dumps({"id": f"n{n}", "text": f"Report {n}."}) for n in range(4)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the archive is to be."""
    folder = tmp_path / "archive"
    monkeypatch.setenv("BROADSHEET_INDEX", str(folder))
    return folder


@pytest.fixture
def old(folder):
    """An archive of an article that no input has."""
    with Archive.open(folder, create=True) as archive:
        archive.add([Article(id="old", text="Old.")], vectors=False)
    return folder


@pytest.fixture
def source(tmp_path):
    """Writes lines to a file."""

    def write(*lines, name="a.jsonl"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def run(*arguments, **settings):
    return CliRunner().invoke(cli, ["index", *map(str, arguments), "--no-vectors"], **settings)


def held(folder):
    with Archive.open(folder) as archive:
        return {hit.article.id for hit in archive.search("*", sort="newest", limit=1000)}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """What the summary's clock shows, one time after the other; it stands still where a test says nothing else."""
    shown = [0.0]
    still = SimpleNamespace(monotonic=lambda: shown.pop(0) if len(shown) > 1 else shown[0])
    monkeypatch.setattr("search.cli.index.time", still)
    return shown


def test_index_says_how_long_it_took(folder, source, clock):
    clock[:] = [7.0, 132.4]
    assert run(source(NEWS[0])).stderr.splitlines()[-1] == "1 added, 0 replaced, 0 skipped, 0 rejected in 2 min"


def test_index_adds_and_sums_up(folder, source):
    path = source(NEWS[0], BAD, NEWS[1])
    result = run(path)
    assert (result.exit_code, result.stdout) == (0, "")
    rejected, kind, summary = result.stderr.splitlines()
    assert kind == "jsonl: 2 articles: 2 without a date"
    assert rejected.startswith(f"rejected {path}:2: ")
    assert summary == "2 added, 0 replaced, 0 skipped, 1 rejected in 0 s"
    assert held(folder) == {"n0", "n1"}
    assert "0 added, 0 replaced, 2 skipped, 1 rejected" in run(path).stderr


def test_an_archive_without_vectors_says_so_where_vectors_were_to_be(folder, source):
    path = source(NEWS[0])
    assert "this archive was made" not in run(path).stderr + run(path).stderr
    result = CliRunner().invoke(cli, ["index", str(path)])
    assert "this archive was made with --no-vectors" in result.stderr


def test_index_says_where_a_rejection_stood_without_its_control_characters(folder, source, tmp_path):
    binary = tmp_path / "f\x1b[2J.jsonl"
    binary.write_text(f"{BAD}\n{NEWS[0]}\n")
    said = run(binary).stderr.splitlines()[0]
    assert said.startswith(f"rejected {tmp_path}/f.jsonl:1: ")
    assert said.isprintable()


def test_index_shows_five_rejections_and_writes_all(folder, source, tmp_path):
    path = source(*['{"id": "\u202e"}'] * 150)
    rejects = tmp_path / "rejects.jsonl"
    rejects.write_text("old")
    result = run(path, "--rejects", rejects)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == f"no articles in {path}"
    assert [line.split(": ")[0] for line in lines[1:6]] == [f"rejected {path}:{n}" for n in range(1, 6)]
    assert lines[6:] == [
        f"and 145 more; all are in {rejects}",
        "0 added, 0 replaced, 0 skipped, 150 rejected in 0 s",
    ]
    records = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [record["line"] for record in records] == list(range(1, 151))
    assert (records[0]["source"], records[0]["record"]) == (str(path), '{"id": "\u202e"}')
    assert "\u202e" not in rejects.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "rejects.jsonl"}
    assert "--rejects FILE keeps them all" in run(path).stderr


def test_rejects_are_written_also_when_the_archive_itself_rejects(folder, source, tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.intake.ID_LIMIT", 2)
    result = run(source(json.dumps({"id": "too long", "text": "x"}), NEWS[0]), "--rejects", tmp_path / "r")
    assert "1 added, 0 replaced, 0 skipped, 1 rejected" in result.stderr
    (rejected,) = map(json.loads, (tmp_path / "r").read_text().splitlines())
    assert rejected["reason"].startswith("id must be 1 to 2 printable characters")


def test_rejects_file_is_empty_when_nothing_was_rejected(folder, source, tmp_path):
    (tmp_path / "r").write_text("old")
    run(source(NEWS[0]), "--rejects", tmp_path / "r")
    assert (tmp_path / "r").read_text() == ""


def test_rejects_file_that_cannot_be_written(folder, source, tmp_path):
    result = run(source(NEWS[0]), "--rejects", tmp_path / "no" / "r")
    assert result.exit_code == 3
    assert "cannot write" in result.stderr
    assert not folder.exists()


def test_index_of_nothing_creates_nothing(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / "empty")
    assert result.exit_code == 1
    assert result.stderr == (
        f"no articles in {tmp_path / 'empty'}\n0 added, 0 replaced, 0 skipped, 0 rejected in 0 s\n"
    )
    missing = run(tmp_path / "missing")
    assert missing.exit_code == 2
    assert missing.stderr.startswith("broadsheet: ")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (
            StorageError("disk full"),
            3,
            "the archive holds 3 articles (+2); the same command goes on from there\nbroadsheet: disk full\n",
        ),
        (
            KeyboardInterrupt(),
            130,
            "broadsheet: interrupted; the archive holds 3 articles (+2); the same command goes on from there\n",
        ),
    ],
)
def test_index_says_what_is_kept_when_it_breaks_off(old, source, monkeypatch, failure, code, said):
    def broken(self):
        while (item := next(self, None)) is not None:
            yield item
        raise failure

    monkeypatch.setattr(ingest.Reading, "__iter__", broken)
    result = run(source(*NEWS[:2]), "--prune", "--batch", "1")
    assert (result.exit_code, result.stderr) == (code, said)
    assert held(old) == {"old", "n0", "n1"}


def test_prune_deletes_what_the_input_lacks(old, source):
    run(source(NEWS[0]))
    result = run(source(*NEWS[:2]), "--prune")
    assert result.stderr.splitlines()[-1] == "1 added, 0 replaced, 1 skipped, 0 rejected, 1 pruned in 0 s"
    assert held(old) == {"n0", "n1"}


@pytest.mark.parametrize("lines", [[], [BAD]])
def test_prune_refuses_an_input_without_articles(old, source, lines):
    result = run(source(*lines), "--prune")
    assert result.exit_code == 2
    assert "no articles were read, so --prune would delete them all" in result.stderr
    assert held(old) == {"old"}


def files(source, shape):
    """Files with a good (g) or a bad (b) record for each letter."""
    news = iter(NEWS)
    return [
        source(*(next(news) if letter == "g" else BAD for letter in letters), name=f"{number}.jsonl")
        for number, letters in enumerate(shape.split())
    ]


@pytest.mark.parametrize(("shape", "broken"), [("gb", 0), ("gb g", 0), ("b g", 0), ("bb bg", 0), ("g bb", 1)])
def test_prune_refuses_a_file_that_may_have_broken_off(old, source, shape, broken):
    paths = files(source, shape)
    result = run(*paths, "--prune")
    assert result.exit_code == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"broadsheet: {paths[broken]} may not have been read to its end (")
    assert last.endswith("): --prune deleted nothing. Mend that file, or leave it out")
    assert {"old", "n0"} <= held(old)


def test_prune_refuses_a_gzip_file_that_is_cut(old, tmp_path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in NEWS).encode(), mtime=0)[:-12])
    result = run(path, "--prune")
    assert result.exit_code == 2
    assert "--prune deleted nothing" in result.stderr
    assert "old" in held(old)


def test_prune_goes_ahead_when_files_go_on_behind_bad_records(old, source):
    result = run(*files(source, "bg gbbg"), "--prune")
    assert result.exit_code == 0
    assert held(old) == {"n0", "n1", "n2"}


def test_index_says_what_was_passed_over(folder, source, tmp_path):
    wire = tmp_path / "w"
    wire.mkdir()
    (wire / "a\x1b").symlink_to(tmp_path, target_is_directory=True)
    source(*(json.dumps({"id": n, "text": "x", "date": "soonish"}) for n in (1, 2)), name="w/a.jsonl")
    links, kind, summary = run(wire).stderr.splitlines()
    assert kind == "jsonl: 2 articles: 2 with a date that cannot be read"
    assert links.startswith("passed over links ")
    assert links.endswith(f": 1, such as {wire}/a")
    assert summary == "2 added, 0 replaced, 0 skipped, 0 rejected in 0 s"


def test_index_counts_rejections_before_the_first_article(folder, source):
    result = run(source(*[BAD] * 7, NEWS[0], BAD))
    assert result.stderr.splitlines()[-3:] == [
        "and 3 more; --rejects FILE keeps them all",
        "jsonl: 1 article: 1 without a date",
        "1 added, 0 replaced, 0 skipped, 8 rejected in 0 s",
    ]


def test_progress_estimates_from_bytes(source):
    watch = index_command._Watch(None)
    with closing(ingest.read([str(source(*NEWS))])) as reading:
        items = watch.over(reading, keep_ids=False)
        assert watch.expected() is None
        next(items)
        assert 1 <= watch.expected() <= 4
        list(items)
        assert watch.expected() == 4


@pytest.mark.parametrize("arguments", [(), ("a", "--batch", "0")])
def test_index_refuses(folder, arguments):
    assert run(*arguments).exit_code == 2
    assert not folder.exists()


def test_a_format_that_there_is_not_names_those_that_there_are(folder):
    result = run("a", "--format", "docx2")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in ("auto", "csv", "json", "jsonl", "text"))


def test_the_list_of_formats_is_the_registry_s():
    result = run("--format", "list")
    assert result.exit_code == 0
    assert {line.split()[0] for line in result.stdout.splitlines() if line[0] != " "} == set(ingest.known_formats())


# progress


def told(stage, done, total, how=None, **counts):
    return Progress(stage, done, total, AddReport(**counts), how)


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
        assert capsys.readouterr().err == ""
        now[0] += 1
        meter(told("embedding", 50, 1000, added=900, skipped=100))
        said = "145 of 4,000 articles, 145/s, 27 s left, embedding 50 of 1,000 passages\n"
        assert capsys.readouterr().err == said
        now[0] += 9
        meter(told("embedding", 60, 1000, added=900, skipped=100))
        assert capsys.readouterr().err == ""
        now[0] += 1
        meter(told("embedding", 500, 1000, "bfloat16 (52 passages/s)", added=900, skipped=100))
        now[0] += 10
        meter(told("writing", 900, 900, added=900, skipped=100))
    assert capsys.readouterr().err == (
        "550 of 4,000 articles, 50/s, 69 s left, embedding 500 of 1,000 passages in bfloat16 (52 passages/s)\n"
        "1,000 of 4,000 articles, 48/s, 63 s left, writing\n"
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
