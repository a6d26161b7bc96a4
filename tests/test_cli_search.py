"""``broadsheet search``: what it asks of the archive, and what it prints. The archive is a fake."""

from __future__ import annotations

import csv
import io
import json
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from search.cli.main import cli
from search.errors import ModeError, QueryError
from search.records import Filters
from tests import fake_archive
from tests.fake_archive import first_hit, results, second_hit


@pytest.fixture
def archive(monkeypatch):
    return fake_archive.install(monkeypatch)


def run(*arguments, **settings):
    return CliRunner().invoke(cli, [str(one) for one in arguments], **settings)


def settings_of(archive):
    ((_, query, settings),) = archive.called("search")
    return query, settings


def test_search_passes_the_defaults_of_the_design(archive):
    result = run("search", "ceasefire hostages")
    assert result.exit_code == 0
    assert settings_of(archive) == (
        "ceasefire hostages",
        {
            "limit": 10,
            "offset": 0,
            "cursor": None,
            "mode": "auto",
            "filters": Filters(),
            "as_of": None,
            "sort": "relevance",
            "recency": None,
            "diversity": 0.0,
            "fusion": "dbsf",
            "weight": 0.5,
            "passages": 1,
            "literal": False,
            "explain": False,
        },
    )


def test_search_passes_every_option(archive):
    options = "-n 3 --offset 20 --mode vector --from 2025-01 --to 7d --as-of 2025-02-26 --source BBC --source PTI"
    options += " --author A --section S --language hi --sort newest --recency 30d --diversity 0.3"
    options += " --fusion rrf --weight 0 --passages 0 --literal --explain --cursor abc"
    run("search", *options.split(), "some", "words")
    query, settings = settings_of(archive)
    assert query == "some words"
    assert settings == {
        "limit": 3,
        "offset": 20,
        "cursor": "abc",
        "mode": "vector",
        "filters": Filters(
            since="2025-01", until="7d", sources=("BBC", "PTI"), authors=("A",), sections=("S",), languages=("hi",)
        ),
        "as_of": "2025-02-26",
        "sort": "newest",
        "recency": "30d",
        "diversity": 0.3,
        "fusion": "rrf",
        "weight": 0.0,
        "passages": 0,
        "literal": True,
        "explain": True,
    }


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
def test_search_refuses_values_out_of_range(archive, option):
    result = run("search", "x", *option.split())
    assert result.exit_code == 2
    assert "Error: Invalid value" in result.stderr
    assert archive.calls == []


def test_search_needs_a_query_or_a_filter(archive):
    result = run("search")
    assert (result.exit_code, result.stderr) == (
        2,
        "broadsheet: give a QUERY, or a filter such as --source or --from\n",
    )
    assert run("search", "--source", "BBC").exit_code == 0
    assert archive.called("search")[0][1] == ""


def test_search_prints_hits_on_stdout_and_counts_on_stderr(archive):
    result = run("search", "hamas", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "1. Hamas trains Kashmir groups, says al-Qaddoumi"
    assert result.stdout.splitlines()[-1] == "   id b 2"
    assert "\x1b" not in result.stdout
    assert result.stderr == "\n2 shown; 340 articles match the whole query (hybrid, 8 ms)\n"


def test_search_says_notes_and_suggestions(archive):
    archive.answer = results(first_hit(), notes=("no article has all the words\x1b[2J",), did_you_mean="hezbollah")
    result = run("search", "hezbolah")
    assert result.stderr.splitlines()[-2:] == ["no article has all the words", "did you mean: hezbollah"]


def test_search_exits_1_when_nothing_is_found(archive):
    archive.answer = results(total=0)
    for form, out in (("pretty", ""), ("ids", ""), ("bibtex", ""), ("csv", None)):
        result = run("search", "x", "--format", form)
        assert result.exit_code == 1
        assert result.stderr == "nothing found (hybrid, 8 ms)\n"
        assert out is None or result.stdout == out
    assert json.loads(run("search", "x", "--format", "json").stdout)["hits"] == []


@pytest.mark.parametrize(
    ("form", "begins", "lines"),
    [
        ("json", '{\n  "query": "hamas",\n  "mode": "hybrid",\n  "total": 340,\n', None),
        ("jsonl", '{"rank": 1, "id": "ians-1", ', 2),
        ("csv", "rank,id,score,", 3),
        ("ids", "ians-1\nb 2\n", 2),
        ("bibtex", "@article{ians-1,\n", None),
        ("ris", "TY  - NEWS\n", None),
    ],
)
def test_search_formats(archive, form, begins, lines):
    result = run("search", "hamas", "--format", form)
    assert result.exit_code == 0
    assert result.stdout.startswith(begins)
    assert result.stdout.endswith("\n")
    if lines is not None:
        assert len(result.stdout.splitlines()) == lines


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
def test_bold_only_on_a_terminal_that_wants_it(archive, monkeypatch, tty, environment, bold):
    monkeypatch.setattr("search.cli.search.styled", lambda: _styled(tty))
    result = CliRunner().invoke(cli, ["search", "x"], env={"TERM": "xterm", **environment}, color=True)
    assert ("\x1b[1m" in result.stdout) is bold


def _styled(tty):
    from search.cli import options

    stdout = sys.stdout
    sys.stdout = SimpleNamespace(isatty=lambda: tty)
    try:
        return options.styled()
    finally:
        sys.stdout = stdout


def test_explain_query_says_what_it_means_and_searches_nothing(archive):
    result = run("search", "a b", "--explain-query", "--literal", "--as-of", "2025", "--source", "BBC")
    assert (result.exit_code, result.stdout) == (0, "articles about a b\n")
    ((_, query, settings),) = archive.called("describe")
    assert (query, settings) == ("a b", {"as_of": "2025", "literal": True, "filters": Filters(sources=("BBC",))})
    assert archive.called("search") == []


@pytest.fixture
def batch(archive, tmp_path):
    file = tmp_path / "queries.tsv"
    file.write_text("q1\tone\nq2\ttwo\n")
    archive.answers = {"one": results(first_hit()), "two": results(second_hit(rank=1))}
    return file


def test_batch_as_json_lines(archive, batch):
    result = run("search", "--queries", batch, "-n", "5")
    assert result.exit_code == 0
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["query_id"], r["rank"], r["id"]) for r in records] == [("q1", 1, "ians-1"), ("q2", 1, "b 2")]
    assert result.stderr == "2 hits for 2 queries\n"
    assert [call[2]["limit"] for call in archive.called("search")] == [5, 5]


def test_batch_as_csv(archive, batch):
    result = run("search", "--queries", batch, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["query_id"], row["id"]) for row in rows] == [("q1", "ians-1"), ("q2", "b 2")]


def test_batch_goes_on_after_a_bad_query_and_exits_2(archive, batch):
    archive.answers["one"] = QueryError("no closing quote", '"one', 0)
    result = run("search", "--queries", batch)
    assert result.exit_code == 2
    assert result.stderr == (
        "query q1: no closing quote\n1 hit for 2 queries\n"
        "broadsheet: 1 of 2 queries could not be read; --literal takes them as they stand\n"
    )
    assert json.loads(result.stdout)["query_id"] == "q2"


def test_batch_stops_at_an_error_that_all_would_have(archive, batch):
    archive.answers["one"] = ModeError("no vectors")
    assert run("search", "--queries", batch).exit_code == 2
    assert len(archive.called("search")) == 1


def test_batch_exits_1_when_no_query_finds_anything(archive, batch):
    archive.answers = {}
    archive.answer = results(total=0)
    assert run("search", "--queries", batch).exit_code == 1


@pytest.mark.parametrize(
    "arguments", [("word",), ("--explain-query",), ("--cursor", "c"), ("--format", "json"), ("--format", "ris")]
)
def test_batch_refuses_what_it_cannot_do(archive, batch, arguments):
    assert run("search", "--queries", batch, *arguments).exit_code == 2


def test_batch_of_plain_lines(archive, tmp_path):
    file = tmp_path / "q.txt"
    file.write_text("ceasefire talks\n\nhostages\n")
    run("search", "--queries", file)
    assert [call[1] for call in archive.called("search")] == ["ceasefire talks", "hostages"]
    assert run("search", "--queries", tmp_path / "none").exit_code == 2
