"""The benchmarks' frame: one runs from start to end, and what it finds is recorded beside what was known."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
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


def test_growth_is_measured_from_size_to_size(tmp_path):
    """Each engine grows in the folder that it is asked in, and what it has is not built again."""
    words = [
        f"{first} {second}" for first in ("dam", "weir", "mill") for second in ("leaks", "holds", "opens", "falls")
    ]
    data = tmp_path / "news.jsonl"
    with data.open("w") as file:
        for number in range(30):
            one = words[number % len(words)]
            title = f"The {one} and {words[number * 7 % len(words)]} again"
            text = f"The {one}, said a warden.\n\nNobody came to see it. {words[number * 5 % len(words)]}."
            file.write(json.dumps({"id": str(number), "title": title, "text": text, "date": "2024-05-01"}) + "\n")
    out, folder = tmp_path / "scale.json", tmp_path / "kept"
    asked = ("--data", str(data), "--folder", str(folder), "--engines", "archive,fts5", "--no-vectors")
    done = bench("scale", *asked, "--sizes", "20,60", "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1  # no phase of an engine has failed
    figures = json.loads(out.read_text())["runs"][0]["figures"]
    for size in ("20", "60"):
        for engine in ("archive", "fts5"):
            for kind in ("words", "titles", "phrase"):
                assert figures[f"{size}, {engine}: {kind}, median"]["value"] > 0
            assert figures[f"{size}, {engine}: indexing"]["unit"] == "articles/s"
        assert "first facets after a commit" in " ".join(figures)
        assert figures[f"{size}, archive: one article added, median"]["unit"] == "ms"
    with Archive.open(folder / "archive") as archive:
        assert len(archive) == 60 - 2 * 6  # each size was asked beside six commits of another process
        assert {article.id for article in archive if not article.id.startswith("grown-")} <= {str(n) for n in range(30)}
    with sqlite3.connect(folder / "fts5" / "fts5.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM news").fetchone() == (60,)


def test_the_modules_beside_it_do_not_take_the_place_of_the_librarys():
    """Where no package has imported ``re`` before, that is: ``keyword`` stands here, too."""
    done = subprocess.run([sys.executable, "-S", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: scripts/bench/run NAME" in done.stderr


def test_without_a_name_it_says_what_there_is():
    done = bench()
    assert done.returncode == 2
    assert done.stderr.endswith(
        "one of cold, encode, hybrid, keyword, quality, queries, scale, serve, stories, vector\n"
    )


@pytest.fixture(scope="module")
def scripts():
    """The folder of scripts, importable."""
    sys.path.insert(0, str(SCRIPT.parent.parent))
    yield SCRIPT.parent.parent
    sys.path.remove(str(SCRIPT.parent.parent))


@pytest.mark.parametrize("second", [1.3, 1.05])
def test_two_checkouts_are_measured_in_turn(scripts, second, monkeypatch, capsys, tmp_path):
    from bench import compare

    asked = []

    def run(checkout, name, options):
        asked.append((checkout == compare.ROOT, name, options))
        worse = second if checkout == compare.ROOT else 1.0
        return {"median": (10.0 * worse, "ms"), "throughput": (100.0 / worse, "requests/s")}

    monkeypatch.setattr(compare, "run", run)
    monkeypatch.setattr(sys, "argv", ["compare", "--base", str(tmp_path), "--rounds", "1", "serve", "--seconds", "1"])
    assert compare.main() == (1 if second > 1.1 else 0)
    assert asked == [(own, "serve", ["--seconds", "1"]) for own in (False, True, True, False)]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] == "worse" for line in lines[2:4]] == [second > 1.1] * 2
    assert all(f"{second:.2f}" in line for line in lines[2:4])


def test_a_figure_that_is_not_recorded_is_missed(scripts):
    from bench.tables import ALL, FEW, table

    row = table((("a", "{cold: --help} s", "cold"),)).splitlines()[-1]
    assert re.fullmatch(r"\| a \| [\d.]+ s \| `scripts/bench/run cold` \|", row)
    with pytest.raises(KeyError, match="no such"):
        table((("a", "{cold: no such figure}", "cold"),))
    assert len(FEW) == 5
    assert "{" not in table(FEW) + table(ALL)


@pytest.mark.parametrize("name", ["fuzz_queries", "kill_indexing", "quality_context.py", "demo", "setup", "test"])
def test_other_scripts_can_be_started(scripts, name):
    """What they import is there, and what a shell runs can be read by it."""
    path = scripts / name
    if path.read_text().startswith("#!/bin/sh"):
        assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
        return
    loader = SourceFileLoader(path.stem, str(path))
    loader.exec_module(module_from_spec(spec_from_loader(path.stem, loader)))


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPT.parent.glob("*.py") if path.stem != "__main__"))
def test_every_benchmark_can_be_imported(scripts, name):
    import_module(f"bench.{name}")
