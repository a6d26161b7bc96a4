"""``broadsheet help query``: every example is run on the sample archive and finds something."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from search import ingest
from search.archive import Archive
from search.cli.main import COMMANDS, cli
from search.query import EXAMPLES, help_text

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("help") / "archive", create=True) as opened:
        opened.add(ingest.read([str(SAMPLE / "articles*")]), vectors=False)
        yield opened


def run(*arguments):
    return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize("query", [query for query, _ in EXAMPLES])
def test_every_example_finds_something(archive, query):
    results = archive.search(query)
    assert len(results) > 0
    if not query.endswith("?"):  # a question is free words, which no one article need have all
        assert results.total > 0


def test_the_page_holds_all_that_the_language_says_of_itself():
    result = run("help", "query")
    assert result.exit_code == 0
    assert all(f"  {line}".rstrip() in result.stdout.split("\n") for line in help_text().split("\n") if line)
    assert all(query in result.stdout and meaning in result.stdout for query, meaning in EXAMPLES)


def test_help_on_a_command_is_the_commands_own():
    for name in COMMANDS:
        assert run("help", name).stdout == run(name, "--help").stdout
    assert "Commands:" in run("help").stdout


def test_help_on_nothing_known():
    result = run("help", "\x1b[2J")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "there is no help on" in result.stderr
    assert "archive, assistants, collections, commands, config, copies, da" in result.stderr
