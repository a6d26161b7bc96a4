"""The smaller commands on real archives: what each prints, asks and refuses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.cli.text import size

ARTICLES = [
    Article(
        id="ians-1",
        title="Hamas trains Kashmir groups, says al-Qaddoumi",
        text="Khaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.",
        published=datetime(2025, 2, 26, 9, 30, tzinfo=UTC),
        source="The Courier",
    ),
    Article(id="b 2", title="Ceasefire, day 3", text="Quiet.", published=date(2025, 3, 1)),
    *(
        Article(id=f"c{n}", title=f"Report \x1b[2J{n}", text="More.", published=date(2025, 1, n), source="The Courier")
        for n in range(1, 9)
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add(ARTICLES, vectors=False)
    monkeypatch.setenv("BROADSHEET_INDEX", str(folder))
    return folder


def run(*arguments, **settings):
    return CliRunner().invoke(cli, [str(one) for one in arguments], **settings)


def held(folder):
    with Archive.open(folder) as archive:
        return {hit.article.id for hit in archive.search("*", sort="newest", limit=100)}


EVERYTHING = {article.id for article in ARTICLES}


# show


def test_show(folder):
    result = run("show", "ians-1", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert result.stdout.startswith("Hamas trains Kashmir groups, says al-Qaddoumi\nsource: The Courier\n")
    assert result.stdout.endswith("\n\nKhaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.\n")


def test_show_an_unknown_article(folder):
    result = run("show", "x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "broadsheet: no article has the id 'x'\n"


# delete


def test_delete_ids(folder):
    result = run("delete", "ians-1", "no\x1b[2J", "ians-1", "--purge")
    assert result.exit_code == 0
    assert result.stderr == "no article has the id 'no'\n1 article purged\n"
    assert held(folder) == EVERYTHING - {"ians-1"}
    result = run("delete", "x")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "broadsheet: nothing to delete")


def test_delete_by_query_asks_and_shows(folder, monkeypatch):
    asked = []
    monkeypatch.setattr("search.cli.delete.confirm", lambda question: asked.append(question) or True)
    result = run("delete", "--query", "source:Courier")
    assert result.exit_code == 0
    assert asked == [f"Delete 9 articles from {folder}?"]
    assert result.stderr.splitlines() == [
        "ians-1 Hamas trains Kashmir groups, says al-Qaddoumi",
        *(f"c{n} Report {n}" for n in (8, 7, 6, 5)),
        "and 4 more",
        "9 articles deleted",
    ]
    assert held(folder) == {"b 2"}


def test_delete_by_query_that_is_declined(folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    monkeypatch.setattr("search.cli.options.asking", lambda: True)
    result = run("delete", "--query", "report")
    assert (result.exit_code, held(folder)) == (1, EVERYTHING)
    assert result.stderr.endswith("nothing was deleted\n")


def test_delete_by_query_without_matches(folder):
    result = run("delete", "--query", "xylophone", "--yes")
    assert (result.exit_code, result.stderr) == (1, "broadsheet: nothing matches; nothing was deleted\n")


@pytest.mark.parametrize("arguments", [(), ("b 2", "--query", "report"), ("--query", " ")])
def test_delete_refuses(folder, arguments):
    assert run("delete", *arguments).exit_code == 2
    assert held(folder) == EVERYTHING


# stats, optimize, doctor


def test_stats(folder):
    stats = json.loads(run("stats", "--format", "json").stdout)
    assert (stats["articles"], stats["segments"], stats["sources"]) == (10, 1, {"The Courier": 9, "": 1})
    shown = run("stats").stdout.splitlines()
    assert {"articles: 10", f"  keyword: {size(stats['bytes']['keyword'])}", "  The Courier: 9", "  k1: 0.9"} <= {
        *shown
    }


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


@pytest.mark.parametrize("bad", ["k1", "k1=x", "k1=1=2", "colour=1", "b=2"])
def test_parameters_of_scoring_that_there_are_not(folder, bad):
    result = run("optimize", "--bm25", bad)
    assert result.exit_code == 2
    assert json.loads(run("stats", "--format", "json").stdout)["ranking"]["k1"] == 0.9
    assert ("NAME=NUMBER" in result.stderr) is bad.startswith("k1")


def test_optimize(folder, monkeypatch):
    monkeypatch.setattr("search.cli.optimize.time", SimpleNamespace(monotonic=lambda: 0.0))
    with Archive.open(folder) as archive:
        archive.add([Article(id="new", text="New.")])
    result = run("optimize")
    assert (result.exit_code, result.stderr) == (0, "2 segments before, 1 now, in 0 s\n")


def test_doctor(folder):
    result = run("doctor")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no problems in 10 articles\n")
    (part,) = folder.rglob("columns.part")
    data = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    result = run("doctor")
    assert result.exit_code == 1
    assert part.parent.name in result.stdout
    assert result.stdout.count("\n") == 1
    assert result.stderr == f"1 problem in {folder}\n"
