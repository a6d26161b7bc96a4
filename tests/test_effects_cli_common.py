"""``--index``, ``--debug`` and ``--version``: what every command has."""

from __future__ import annotations

import pytest

from search import Archive, Article
from search._version import __version__

from .effects import run, shows

ARTICLES = [Article(id="dam", title="Dam leaks", text="The dam leaks."), Article(id="port", text="Dockers walk out.")]
SERVING = ("serve", "mcp")  # they run until they are stopped: see test_effects_cli_serving.py


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add(ARTICLES, vectors=False)
        archive.add_alert("dams", "dam", everything=True)
    return folder


@pytest.fixture
def calls(tmp_path):
    """For each command a call, and what it says over the archive above."""
    (tmp_path / "new.jsonl").write_text('{"id": "gate", "text": "A gate jams."}\n')
    (tmp_path / "queries.tsv").write_text("q\tdam\n")
    (tmp_path / "qrels.txt").write_text("q 0 dam 1\n")
    judged = ["--queries", tmp_path / "queries.tsv", "--qrels", tmp_path / "qrels.txt"]
    return {
        "index": (["index", tmp_path / "new.jsonl", "--no-vectors"], "1 added, 0 replaced, 0 skipped, 0 rejected"),
        "embed": (["embed", "--model", "hash"], "2 articles embedded with hash, 64 dimensions"),
        "search": (["search", "dam", "--format", "ids"], "dam\n"),
        "context": (["context", "dam"], "[1] Dam leaks"),
        "show": (["show", "dam", "--format", "text"], "The dam leaks.\n"),
        "story": (["story", "dam"], "likely original"),
        "stories": (["stories"], "0 stories of several copies among 2 stories in 2 articles\n"),
        "delete": (["delete", "dam"], "1 article deleted\n"),
        "facets": (["facets"], "2 articles match\n"),
        "timeline": (["timeline"], "2 articles match; 2 articles without a date\n"),
        "alerts add": (["alerts", "add", "ports", "port"], "saved ports\n"),
        "alerts list": (["alerts", "list"], "dams\n  dam\n"),
        "alerts remove": (["alerts", "remove", "dams"], "removed dams\n"),
        "alerts run": (["alerts", "run"], "dams: 1 new article\n"),
        "stats": (["stats"], "articles: 2\n"),
        "reanalyse": (["reanalyse"], "2 articles were read so before"),
        "regroup": (["regroup"], "2 articles compared, 0 of them copies of another"),
        "optimize": (["optimize"], "1 segment before, 1 now"),
        "doctor": (["doctor"], "no problems in 2 articles\n"),
        "evaluate": (["evaluate", *judged], "keyword    1.0000   1.0000   1.0000   1.0000   1.0000\n"),
    }


OVER_AN_ARCHIVE = (  # others show it in files of their own
    *("index", "embed", "search", "context", "show", "delete", "facets", "timeline", "stats", "optimize", "doctor"),
    *("reanalyse", "regroup", "evaluate", "alerts add", "alerts list", "alerts remove", "alerts run"),
)
PRINTING = (
    "search",
    "context",
    "show",
    "facets",
    "timeline",
    "alerts list",
    "alerts run",
    "stats",
    "doctor",
    "evaluate",
)


@pytest.mark.parametrize("command", OVER_AN_ARCHIVE)
def test_index_names_the_archive(calls, command, folder, tmp_path):
    call, said = calls[command]
    elsewhere = tmp_path / "elsewhere"
    wrong = run(*call, env={"BROADSHEET_INDEX": str(elsewhere)})
    if command == "index":  # makes one there
        assert wrong.exit_code == 0
        assert elsewhere.is_dir()
    else:
        assert (wrong.exit_code, wrong.stdout) == (3, "")
        assert str(elsewhere) in wrong.stderr
    right = run(*call, "--index", folder, env={"BROADSHEET_INDEX": str(tmp_path / "nowhere")})
    assert right.exit_code == 0, right.output
    assert said in right.output
    assert not (tmp_path / "nowhere").exists()


@shows("alerts", "--index")
def test_index_of_alerts_goes_before_what_is_to_be_done(folder, tmp_path):
    environment = {"BROADSHEET_INDEX": str(tmp_path / "nowhere")}
    assert run("alerts", "--index", folder, "list", env=environment).stdout.startswith("dams\n")
    assert run("alerts", "list", env=environment).exit_code == 3
    assert run("alerts", "--index", tmp_path / "nowhere", "list", "--index", folder).stdout.startswith("dams\n")


@shows("receipt", "--index")
def test_index_of_receipts_goes_before_what_is_to_be_done(folder, tmp_path):
    environment, kept = {"BROADSHEET_INDEX": str(tmp_path / "nowhere")}, tmp_path / "kept.json"
    assert run("search", "dam", "--index", folder, "--receipt", kept).exit_code == 0
    assert run("receipt", "--index", folder, "verify", kept, env=environment).exit_code == 0
    assert run("receipt", "verify", kept, env=environment).exit_code == 3
    assert run("receipt", "--index", tmp_path / "nowhere", "verify", kept, "--index", folder).exit_code == 0


@pytest.mark.parametrize("command", [*OVER_AN_ARCHIVE, *SERVING, "help"])
def test_debug_shows_where_an_error_comes_from(calls, command, tmp_path):
    missing = {"help": ["help", "nothing"], "index": ["index", tmp_path / "nothing"]}
    call = missing.get(command) or [*calls.get(command, ([command],))[0], "--index", tmp_path / "nothing"]
    plain, traced = run(*call), run(*call, "--debug")
    assert plain.exit_code == traced.exit_code in (2, 3)
    assert plain.stderr.startswith("broadsheet: ")
    assert traced.stderr.startswith("Traceback (most recent call last):\n")
    assert traced.stderr.endswith(plain.stderr)


@shows("", "--debug")
@shows("alerts", "--debug")
@shows("receipt", "--debug")
def test_debug_before_the_command(folder, tmp_path):
    missing, made = ("--index", tmp_path / "nothing"), tmp_path / "made.json"
    run("search", "dam", "--index", folder, "--receipt", made)
    for call in (
        ("--debug", "stats", *missing),
        ("alerts", "--debug", "list", *missing),
        ("receipt", "--debug", *missing, "verify", made),
    ):
        ran = run(*call)
        assert ran.stderr.startswith("Traceback (most recent call last):\n")
        assert ran.exit_code == 3
    assert run("stats", *missing, env={"BROADSHEET_DEBUG": "1"}).stderr.startswith("Traceback")


@pytest.mark.parametrize("command", PRINTING)
def test_output_takes_what_would_be_printed(calls, command, folder, tmp_path):
    call, _ = calls[command]
    call = [*call, "--index", folder, *(["--peek"] if command == "alerts run" else [])]
    out = tmp_path / "out.txt"
    out.write_text("old")
    plain, kept = run(*call), run(*call, "--output", out)
    assert (kept.exit_code, kept.stdout) == (plain.exit_code, "")
    assert out.read_text() == plain.stdout
    assert (plain.stdout == "") == (command in ("doctor", "timeline"))  # nothing to complain of, no dates
    into = run(*call, "--output", tmp_path)
    assert (into.exit_code, into.stdout) == (2, "")
    assert "is a directory" in into.stderr
    nowhere = run(*call, "--output", tmp_path / "no" / "out.txt")
    assert (nowhere.exit_code, nowhere.stdout) == (3, "")
    assert f"cannot write {tmp_path / 'no' / 'out.txt'}: No such file or directory" in nowhere.stderr


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.JSON", "json"), ("a.bib", "bibtex"), ("a.ris", "ris")]
)
def test_a_file_of_hits_is_written_as_its_name_ends(folder, tmp_path, name, form):
    call = ("search", "dam", "--index", folder, "--mode", "keyword")
    assert run(*call, "--output", tmp_path / name).exit_code == 0
    said = run(*call, "--format", form).stdout
    written = (tmp_path / name).read_text()
    assert written.partition('"took_ms"')[0] == said.partition('"took_ms"')[0]
    assert run(*call, "--output", tmp_path / name, "--format", "ids").exit_code == 0
    assert (tmp_path / name).read_text() == run(*call, "--format", "ids").stdout


def test_output_stays_as_it_was_when_the_command_fails(folder, tmp_path):
    out = tmp_path / "out.txt"
    out.write_text("old")
    archive = ("--index", folder, "--output", out)
    assert run("show", "gate", *archive).exit_code == 1
    missing = run("search", "--queries", tmp_path / "none.tsv", *archive)
    assert (missing.exit_code, "cannot write" in missing.stderr) == (2, False)
    (tmp_path / "queries.tsv").write_text("a\tdam\nb\tdate:never\n")
    half = run("search", "--queries", tmp_path / "queries.tsv", *archive)
    assert (half.exit_code, half.stdout) == (2, "")
    assert "1 of 2 queries could not be read" in half.stderr
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out.txt", "queries.tsv"]
    nothing = run("search", "zebra", "--mode", "keyword", *archive)  # an answer like any other
    assert (nothing.exit_code, out.read_text()) == (1, "")


def test_news_stay_new_until_they_are_written(folder, tmp_path):
    lost = run("alerts", "run", "--index", folder, "--output", tmp_path / "no" / "news.txt")
    assert lost.exit_code == 3
    written = run("alerts", "run", "--index", folder, "--output", tmp_path / "news.txt")
    assert (written.exit_code, "Dam leaks" in (tmp_path / "news.txt").read_text()) == (0, True)
    assert run("alerts", "run", "--index", folder).exit_code == 1


@shows("", "--version")
def test_version():
    ran = run("--version")
    assert (ran.exit_code, ran.stdout) == (0, f"broadsheet, version {__version__}\n")


for _command in OVER_AN_ARCHIVE:
    shows(_command, "--index")(test_index_names_the_archive)
for _command in PRINTING:
    shows(_command, "--output")(test_output_takes_what_would_be_printed)
for _command in (*OVER_AN_ARCHIVE, *SERVING, "help"):
    shows(_command, "--debug")(test_debug_shows_where_an_error_comes_from)
