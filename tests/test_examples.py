"""The scripts that people start from run, on the sample archive, and say what they promise."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from search import Archive
from search.ingest import read

from .conftest import SAMPLE

EXAMPLES = Path(__file__).parent.parent / "scripts" / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "archive"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add(read([str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]))
    return path


@pytest.fixture
def example(monkeypatch, capsys, folder):
    tried = set()

    def run(name, *arguments):
        tried.add(name)
        monkeypatch.setattr(sys, "argv", [name, str(folder), *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return stop.value.code, capsys.readouterr().out

    return run


def test_citations(example, tmp_path):
    question = "What did the Tirsa Herald report about Monte Sarayo in December 2024?"
    code, out = example("citations", question)
    assert code == 0
    assert out.startswith("--- system\n")
    assert "--- user" in out
    assert "know where their shoes are" in out
    answer = tmp_path / "answer.txt"
    number = re.search(r"\[(\d+)\] Volcano alert raised to orange on Isla Tirsa", out)[1]
    answer.write_text(f'The governor asked everybody "to know where their shoes are" [{number}].')
    assert example("citations", question, answer) == (
        0,
        "exact      to know where their shoes are\nevery quotation and mark holds\n",
    )
    answer.write_text('The harbour was "buried in an hour, all of it" [1].')
    code, out = example("citations", question, answer)
    assert code == 1
    assert out.startswith("missing    buried in an hour")


def test_coverage(example):
    code, out = example("coverage", "strike title:strike")
    assert code == 0
    assert out.splitlines()[0].split() == ["4", "Harrowmouth", "Courier", "2024-09,", "2024-10,", "2024-11"]
    assert out.splitlines()[1].strip() == "first: Lightning strike knocks out Harrowmouth crane"
    assert example("coverage", "zzzqqq") == (1, "")


def test_watchlist(example, folder, tmp_path):
    queries = tmp_path / "queries.txt"
    queries.write_text('title:lynx\n\nsource:"Tirsa Herald" orange\n')
    code, out = example("watchlist", queries)
    assert code == 0
    assert [line for line in out.splitlines() if line.endswith("new")] == [
        "title:lynx: 1 new",
        'source:"Tirsa Herald" orange: 1 new',
    ]
    assert example("watchlist", queries) == (0, 'title:lynx: 0 new\nsource:"Tirsa Herald" orange: 0 new\n')


def test_every_example_is_tried():
    tried = {name.removeprefix("test_") for name in globals() if name.startswith("test_")} - {"every_example_is_tried"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tried
