"""The smaller commands: what each asks of the archive, and what it prints. The archive is a fake."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from search.cli.main import cli
from search.cli.stats import size
from tests import fake_archive
from tests.fake_archive import FIRST, SECOND, results


@pytest.fixture
def archive(monkeypatch):
    return fake_archive.install(monkeypatch)


def run(*arguments, **settings):
    return CliRunner().invoke(cli, [str(one) for one in arguments], **settings)


# show


def test_show(archive):
    archive.articles = {"ians-1": FIRST}
    result = run("show", "ians-1", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert result.stdout.startswith("Hamas trains Kashmir groups, says al-Qaddoumi\nsource: The Courier\n")
    assert result.stdout.endswith("\n\nKhaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.\n")
    assert run("show", "ians-1", "--format", "text").stdout == FIRST.text + "\n"
    assert "passages" not in json.loads(run("show", "ians-1", "--format", "json").stdout)


def test_show_passages(archive):
    archive.articles = {"ians-1": FIRST}
    result = run("show", "ians-1", "--passages")
    assert result.stdout.endswith(
        "\n2 passages\n[0:38] Khaled al-Qaddoumi spoke in Rawalakot.\n[40:58] Officials watched.\n"
    )
    record = json.loads(run("show", "ians-1", "--passages", "--format", "json").stdout)
    assert [record["text"][p["start"] : p["end"]] == p["text"] for p in record["passages"]] == [True, True]


def test_show_an_unknown_article(archive):
    result = run("show", "x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "broadsheet: no article has the id 'x'\n"


# delete


def test_delete_ids(archive):
    archive.articles = {"ians-1": FIRST, "b 2": SECOND}
    result = run("delete", "ians-1", "no\x1b[2J", "ians-1", "--purge", "--wait")
    assert result.exit_code == 0
    assert archive.called("delete") == [("delete", ["ians-1", "no\x1b[2J"], True)]
    assert archive.called("open")[0][2] == {"wait": True}
    assert result.stderr == "no article has the id 'no'\n1 article purged\n"
    result = run("delete", "x")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "broadsheet: nothing to delete")
    assert set(archive.articles) == {"b 2"}


def test_delete_by_query_asks_and_shows(archive, monkeypatch):
    asked = []
    monkeypatch.setattr("search.cli.delete.confirm", lambda question: asked.append(question) or True)
    result = run("delete", "--query", "source:Courier", "--index", "i")
    assert result.exit_code == 0
    assert asked == ["Delete 340 articles from i?"]
    assert result.stderr.splitlines() == [
        "ians-1 Hamas trains Kashmir groups, says al-Qaddoumi",
        "b 2 Ceasefire, day 3",
        "and 338 more",
        "340 articles deleted",
    ]
    assert archive.called("delete_matching") == [("delete_matching", "source:Courier", False)]


def test_delete_by_query_with_nobody_to_ask(archive):
    result = run("delete", "--query", "x")
    assert result.exit_code == 2
    assert result.stderr.endswith("broadsheet: nobody can be asked here; add --yes to go ahead\n")
    assert archive.called("delete_matching") == []
    assert run("delete", "--query", "x", "--yes").exit_code == 0
    assert archive.called("delete_matching") == [("delete_matching", "x", False)]


def test_delete_by_query_that_is_declined(archive, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    monkeypatch.setattr("search.cli.options.asking", lambda: True)
    result = run("delete", "--query", "x")
    assert (result.exit_code, archive.called("delete_matching")) == (1, [])
    assert result.stderr.endswith("nothing was deleted\n")


def test_delete_by_query_without_matches(archive):
    archive.answer = results(total=0)
    result = run("delete", "--query", "x", "--yes")
    assert (result.exit_code, result.stderr) == (1, "broadsheet: nothing matches; nothing was deleted\n")


@pytest.mark.parametrize("arguments", [(), ("a", "--query", "b"), ("--query", " ")])
def test_delete_refuses(archive, arguments):
    assert run("delete", *arguments).exit_code == 2
    assert archive.calls == []


# stats, optimize, doctor


def test_stats(archive):
    archive.articles = {"b 2": SECOND}
    assert run("stats").stdout == (
        "articles: 1\nsegments: 3\nbytes:\n  keyword: 999 bytes\n  vectors: 1.2 MB\noldest: none\n"
        "sources:\n  The Courier: 20,000\nbm25:\n  k1: 0.9\n"
    )
    assert json.loads(run("stats", "--format", "json").stdout)["bytes"] == {"keyword": 999, "vectors": 1234567}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (5 * 10**15, "5000.0 TB"),
        (None, None),
    ],
)
def test_sizes(number, shown):
    assert size(number) == shown


def test_parameters_of_scoring(archive):
    result = run("optimize", "--bm25", "k1=1.2,title=2")
    assert result.stdout == "k1=1.2 b=0.75 title=2\n"
    assert archive.called("tune") == [("tune", {"k1": 1.2, "title": 2.0})]
    for bad in ("k1", "k1=x", "k1=1=2"):
        result = run("optimize", "--bm25", bad)
        assert result.exit_code == 2
        assert "NAME=NUMBER" in result.stderr


def test_optimize(archive):
    result = run("optimize", "--wait")
    assert (result.exit_code, result.stderr) == (0, "3 segments before, 1 now, in 0 s\n")
    assert archive.called("open")[0][2] == {"wait": True}


def test_doctor(archive):
    archive.articles = {"b 2": SECOND}
    result = run("doctor")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no problems in 1 article\n")
    archive.problems = ["part a does not match\x1b[2J its checksum", "article 'x' is in no segment"]
    result = run("doctor", "--index", "i")
    assert result.exit_code == 1
    assert result.stdout == "part a does not match its checksum\narticle 'x' is in no segment\n"
    assert result.stderr == "2 problems in i\n"
