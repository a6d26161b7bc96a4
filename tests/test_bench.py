"""The benchmarks' frame: one runs from start to end, and what it finds is recorded beside what was known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search import Archive
from search.ingest import read

from .conftest import SAMPLE

SCRIPT = Path(__file__).parent.parent / "scripts" / "bench" / "__main__.py"


def bench(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add(read([str(SAMPLE / "articles.csv")]), vectors=False)
    return path


def test_figures_are_recorded_with_commit_machine_and_date(folder, tmp_path):
    out = tmp_path / "queries.json"
    known = {"value": 1.0, "unit": "ms"}
    before = {"commit": "abc", "figures": {"another": known, "facets over everything": known}}
    out.write_text(json.dumps({"benchmark": "queries", "runs": [before]}))
    done = bench("queries", "--index", str(folder), "--repeat", "1", "--json", str(out))
    assert done.returncode == 0, done.stderr
    kept, run = json.loads(out.read_text())["runs"]
    assert kept["figures"] == {"another": known}  # what was measured again has given way
    assert list(run) == ["commit", "date", "machine", "options", "figures"]
    assert run["machine"]["cores"] >= 1
    assert run["options"] == {"index": "archive", "repeat": 1}
    assert set(run["figures"]) == {
        "questions by words, median",
        "facets over the largest match set",
        "timeline over the largest match set",
        "facets over everything",
        "timeline over everything",
    }
    assert all(figure["unit"] == "ms" and figure["value"] > 0 for figure in run["figures"].values())


def test_without_a_name_it_says_what_there_is():
    done = bench()
    assert done.returncode == 2
    assert done.stderr.endswith("one of cold, encode, hybrid, keyword, queries, serve, vector\n")
