"""``broadsheet search`` on a real archive: what it refuses, prints on which stream, and does with files of queries."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli

ARTICLES = [
    Article(
        id="ians-1",
        title="Hamas trains Kashmir groups",
        text="Khaled al-Qaddoumi spoke in Rawalakot.",
        published=datetime(2025, 2, 26, 9, 30, tzinfo=UTC),
        source="The Courier",
    ),
    Article(id="b 2", title="Ceasefire, day 3", text="Quiet. Hamas \x1b[2Jwatches.", published=date(2025, 3, 1)),
]
NOTE = "this archive has no vectors: ranked by words alone"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search") / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add(ARTICLES, vectors=False)
    return folder


@pytest.fixture(autouse=True)
def default_archive(folder, monkeypatch):
    monkeypatch.setenv("BROADSHEET_INDEX", str(folder))


def run(*arguments, **settings):
    return CliRunner().invoke(cli, ["search", *map(str, arguments)], **settings)


@pytest.mark.parametrize(
    "option",
    [
        "-n 0",
        "-n x",
        "--offset -1",
        "--weight 1.01",
        "--weight -0.1",
        "--weight nan",
        "--diversity 2",
        "--diversity inf",
        "--passages -1",
        "--mode best",
        "--sort random",
        "--fusion sum",
        "--format xml",
    ],
)
def test_search_refuses_values_out_of_range(option):
    result = run("x", *option.split(), "--index", "nowhere")  # which would be another error
    assert result.exit_code == 2
    assert "Error: Invalid value" in result.stderr


def test_search_needs_a_query_or_a_filter():
    result = run()
    assert (result.exit_code, result.stderr) == (
        2,
        "broadsheet: give a QUERY, or a filter such as --source or --from\n",
    )
    assert run("--source", "Courier", "--format", "ids").stdout == "ians-1\n"


def test_search_prints_hits_on_stdout_and_counts_on_stderr():
    result = run("hamas", "OR", "ceasefire", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "1. Ceasefire, day 3"
    assert result.stdout.splitlines()[-1] == "   id ians-1"
    assert "\x1b" not in result.output
    blank, counts, note = result.stderr.splitlines()
    assert (blank, counts.rpartition(",")[0], note) == ("", "2 of 2 articles (keyword", NOTE)


def test_search_says_notes_and_suggestions():
    result = run("hmaas quiet rawalakot")
    assert result.stderr.splitlines()[-1] == "did you mean: Hamas quiet rawalakot"
    assert "no article has all the words" in result.stderr


def test_search_exits_1_when_nothing_is_found():
    for form, out in (("pretty", ""), ("ids", ""), ("bibtex", ""), ("csv", None)):
        result = run("xylophone", "--format", form)
        assert result.exit_code == 1
        assert result.stderr.startswith("nothing found (keyword, ")
        assert out is None or result.stdout == out
    assert json.loads(run("xylophone", "--format", "json").stdout)["hits"] == []


@pytest.mark.parametrize(
    ("tty", "environment", "bold"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_bold_only_on_a_terminal_that_wants_it(monkeypatch, tty, environment, bold):
    monkeypatch.setattr("search.cli.hits.styled", lambda: _styled(tty))
    result = CliRunner().invoke(cli, ["search", "hamas"], env={"TERM": "xterm", **environment}, color=True)
    assert ("\x1b[1mHamas\x1b[0m" in result.stdout) is bold


def _styled(tty):
    from search.cli import options

    stdout = sys.stdout
    sys.stdout = SimpleNamespace(isatty=lambda: tty)
    try:
        return options.styled()
    finally:
        sys.stdout = stdout


@pytest.fixture
def batch(tmp_path):
    file = tmp_path / "queries.tsv"
    file.write_text("q1\trawalakot\nq2\tceasefire\n")
    return file


def test_batch_as_csv(batch):
    result = run("--queries", batch, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["query_id"], row["id"]) for row in rows] == [("q1", "ians-1"), ("q2", "b 2")]


def test_batch_goes_on_after_a_bad_query_and_exits_2(batch):
    batch.write_text('q1\t"one\nq2\tceasefire\n')
    result = run("--queries", batch)
    assert result.exit_code == 2
    bad, *rest = result.stderr.splitlines()
    assert bad.startswith("query q1: this quotation mark is never closed")
    assert rest == [
        "1 hit for 2 queries",
        "broadsheet: 1 of 2 queries could not be read; --literal takes them as they stand",
    ]
    assert json.loads(result.stdout)["query_id"] == "q2"


def test_batch_stops_at_an_error_that_all_would_have(batch):
    result = run("--queries", batch, "--mode", "vector")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


def test_batch_exits_1_when_no_query_finds_anything(batch):
    batch.write_text("q1\txylophone\n")
    result = run("--queries", batch)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "0 hits for 1 query\n")


@pytest.mark.parametrize(
    "arguments", [("word",), ("--explain-query",), ("--cursor", "c"), ("--format", "json"), ("--format", "ris")]
)
def test_batch_refuses_what_it_cannot_do(batch, arguments):
    assert run("--queries", batch, *arguments).exit_code == 2


def test_batch_of_plain_lines(tmp_path):
    file = tmp_path / "q.txt"
    file.write_text("ceasefire\n\nrawalakot\n")
    found = [json.loads(line) for line in run("--queries", file).stdout.splitlines()]
    assert [(one["query_id"], one["id"]) for one in found] == [("1", "b 2"), ("3", "ians-1")]
    assert run("--queries", tmp_path / "none").exit_code == 2
