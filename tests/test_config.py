"""The user's file of defaults: what it changes, what wins over it, and what is refused in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from search import Archive, Article
from search.cli import pages
from search.cli.main import COMMANDS

from .effects import run
from .test_terminal import offered


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add([Article(id=name, title=f"Dam {name}", text="The dam leaks.") for name in "abc"], vectors=False)
        archive.add_alert("dams", "dam", everything=True)
    return folder


@pytest.fixture
def config(folder, monkeypatch, tmp_path):
    """Writes the file, of an archive with three articles."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("BROADSHEET_CONFIG", str(path))

    def write(text: str, index: bool = True) -> None:
        path.write_text((f'archive = "{folder}"\n' if index else "") + text, encoding="utf-8")

    return write


def refused(*arguments):
    ran = run(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    return ran.stderr


def test_the_archive_and_the_form(config):
    config('format = "json"\n[search]\nmode = "keyword"\nlimit = 2\n')
    answer = json.loads(run("search", "dam").stdout)
    assert (answer["mode"], len(answer["hits"])) == ("keyword", 2)
    assert json.loads(run("stats").stdout)["articles"] == 3
    assert json.loads(run("alerts", "list").stdout)["alerts"][0]["name"] == "dams"
    assert "3 articles match" in run("facets").stderr


def test_what_is_said_now_wins(config, tmp_path):
    config('format = "json"\n[search]\nlimit = 2\nformat = "ids"\n')
    assert len(run("search", "dam").stdout.split()) == 2  # the table before the head
    assert len(run("search", "dam", "-n", "1").stdout.split()) == 1
    assert run("search", "dam", "--format", "csv").stdout.startswith("rank,")
    elsewhere = str(tmp_path / "elsewhere")
    assert elsewhere in run("stats", env={"BROADSHEET_INDEX": elsewhere}).stderr
    assert run("stats", "--index", elsewhere).exit_code == 3
    assert elsewhere in run("alerts", "--index", elsewhere, "list").stderr


def test_a_form_at_the_head_is_for_those_who_have_it(config, tmp_path):
    config('format = "csv"\n')
    assert run("facets").stdout.startswith("field,value,count,query\n")
    assert "articles: 3" in run("stats").stdout.splitlines()
    (tmp_path / "new.jsonl").write_text('{"id": "gate", "text": "A gate jams."}\n')
    assert "1 added" in run("index", tmp_path / "new.jsonl", "--no-vectors").stderr
    (tmp_path / "queries.tsv").write_text("q\tdam\n")
    config('format = "json"\n')
    batch = run("search", "--queries", tmp_path / "queries.tsv")
    assert json.loads(batch.stdout.splitlines()[0])["query_id"] == "q"


def test_lists_flags_and_folders(config, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config('archive = "~/archive"\n[search]\nsource = ["X", "Y"]\nexplain-query = true\n', index=False)
    assert run("search", "dam").stdout == "articles from X or Y, ranked by: dam\n"
    config('archive = "~/archive"\n[search]\nsource = "X"\nfrom = 2025-01-02\nexplain-query = true\n', index=False)
    assert run("search", "dam").stdout == "articles published since 2 Jan 2025, from X, ranked by: dam\n"


def test_a_model_at_the_head_is_for_new_archives(config, tmp_path):
    config('model = "hash"\n', index=False)
    (tmp_path / "new.jsonl").write_text('{"id": "gate", "text": "A gate jams."}\n')
    made = tmp_path / "made"
    assert run("index", tmp_path / "new.jsonl", "--index", made).exit_code == 0
    with Archive.open(made) as archive:
        assert archive.settings["encoder"]["name"] == "hash"
    config('model = "no-such-model"\n', index=False)
    assert "1 skipped" in run("index", tmp_path / "new.jsonl", "--index", made).stderr
    assert "nothing to embed: the vectors are of hash" in run("embed", "--index", made).stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("indx = 1\n", "there is no 'indx'; at its head stand archive, format, model, then tables such as [search]"),
        ("mode = 'keyword'\n", "there is no 'mode'"),
        ("[serach]\n", "there is no 'serach'"),
        ("stats = 1\n", "'stats' must be a table"),
        ("[stats]\nmod = 1\n", "[stats] has no 'mod'; it takes debug, format, index, output"),
        ("[stats]\nformat = 'xml'\n", "[stats] format: 'xml' is not one of 'pretty', 'json'."),
        ("[stats]\ndebug = 1\n", "[stats] debug takes true or false"),
        ("[stats]\nformat = true\n", "[stats] format takes no true or false"),
        ("[stats]\nformat = ['json']\n", "[stats] format takes one value"),
        ("[stats\n", "cannot be read as TOML: "),
        ("[stats]\nformat = 'a\x00'\n", "cannot be read as TOML: "),
    ],
)
def test_what_is_refused(config, tmp_path, text, says):
    config(text, index=False)
    told = refused("stats")
    assert told.startswith(f"broadsheet: {tmp_path / 'config.toml'}")
    assert says in told
    assert run("help", "config").exit_code == run("help").exit_code == run("completion", "bash").exit_code == 0
    assert offered("stats", "--format", "") == ["pretty", "json"]


def test_other_tables_are_refused_when_their_command_runs(config):
    config("[search]\nlimit = 0\n[alerts.run]\npeek = true\n[alerts.list]\nindex = 'x'\n")
    assert run("stats").exit_code == 0
    assert "[search] limit: 0 is not in the range" in refused("search", "dam")
    assert "[alerts.list] has no 'index'; it takes format, output" in refused("alerts", "list")


def test_bytes_that_are_no_text(config, tmp_path):
    (tmp_path / "config.toml").write_bytes(b"archive = '\xff'\n")
    assert "cannot be read as TOML: 'utf-8' codec" in refused("stats")


def test_where_the_file_is(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BROADSHEET_CONFIG")
    assert run("stats").exit_code == 3
    usual = tmp_path / "settings" / "broadsheet" / "config.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(f'archive = "{folder}"\n')
    if sys.platform == "linux":
        assert "articles: 3" in run("stats").stdout.splitlines()
    monkeypatch.setenv("BROADSHEET_CONFIG", "")
    assert run("stats").exit_code == 3
    monkeypatch.setenv("BROADSHEET_CONFIG", str(tmp_path / "none.toml"))
    assert f"BROADSHEET_CONFIG names {tmp_path / 'none.toml'}, which is no file" in refused("stats")


@pytest.mark.parametrize("there", [True, False])
def test_toml_is_read_only_where_there_is_a_file(config, folder, there, tmp_path):
    if there:
        config("")
    code = (
        "import sys\nfrom search.cli.main import cli\n"
        f"try: cli({['stats', '--index', str(folder)]!r}, prog_name='broadsheet')\nexcept SystemExit: pass\n"
        "print('tomllib' in sys.modules)"
    )
    chosen = {"BROADSHEET_CONFIG": str(tmp_path / "config.toml") if there else ""}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(there)


def test_the_page_shows_a_file_that_is_read(config):
    example = pages.page("config").split("```toml\n")[1].split("```")[0].replace('archive = "~/news/argus"', "")
    config(example)
    assert set(COMMANDS) >= {"search", "alerts"}
    assert run("stats").exit_code == 0
    assert json.loads(run("search", "dam", "--source", "").stdout or '{"mode": "keyword"}')["mode"] == "keyword"
    assert run("alerts", "run").stdout.startswith("<?xml")


@pytest.mark.parametrize(
    ("table", "flag"), [("index", "prune"), ("delete", "purge"), ("delete", "yes"), ("restore", "replace")]
)
def test_what_deletes_cannot_stand_in_the_file(table, flag, tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text(f"[{table}]\n{flag} = true\n")
    monkeypatch.setenv("BROADSHEET_CONFIG", str(tmp_path / "config.toml"))
    result = run(table, "x", "--index", str(tmp_path / "a"))
    assert result.exit_code == 2
    assert f"cannot have {flag}: what deletes is asked for on the line" in result.output


def test_an_answer_is_not_written_over_an_archive(sample_copy):
    before = (sample_copy / "catalog.sqlite").read_bytes()
    for name in ("catalog.sqlite", "hits.json", "segments/x.json"):
        result = run(
            "search", "strike", "--mode", "keyword", "--output", str(sample_copy / name), "--index", str(sample_copy)
        )
        assert result.exit_code == 2
        assert f"lies in the archive {sample_copy}; name a file elsewhere" in result.output
    assert (sample_copy / "catalog.sqlite").read_bytes() == before
