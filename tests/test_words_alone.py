"""What searching by meaning needs is not there: everything by words runs, the rest says what to install."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib

import pytest

from search.errors import OF_MEANING, MissingExtraError, install_line, needs_models

from .conftest import SAMPLE

ROOT = SAMPLE.parent.parent
BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(OF_MEANING)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from click.testing import CliRunner
from search.cli.main import cli
def run(*arguments):
    result = CliRunner().invoke(cli, arguments)
    print(result.exit_code, (result.stdout + result.stderr).splitlines()[:3])
    return result
"""


def run(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_by_words_runs(tmp_path):
    shown = run(
        f"""
index = ["--index", {str(tmp_path / "a")!r}]
run("index", {str(SAMPLE / "articles.jsonl")!r}, "--no-vectors", *index)
assert "zerrin-2024-09-15-ferry-seized" in run("search", "ferry w/p zerrin", "--format", "ids", *index).stdout
run("search", "ferry zerr* hostagse~ since:2024", *index)
run("facets", "strike", *index)
run("timeline", "strike", *index)
run("context", "who freed the ferry?", *index)
run("show", "harbour-2024-10-03-strike-vote", *index)
run("delete", "harbour-2024-10-03-strike-vote", *index)
run("optimize", *index)
run("stats", *index)
run("doctor", *index)
"""
    )
    assert [line.partition(" ")[0] for line in shown.splitlines()] == ["0"] * 11


def test_what_needs_a_model_says_what_to_install(sample_archive, tmp_path):
    shown = run(
        f"""
index = ["--index", {str(sample_archive)!r}]
run("search", "ferry", "--mode", "keyword", "--format", "ids", "-n", "1", *index)
run("search", "ferry", "--mode", "vector", *index)
run("index", {str(SAMPLE / "articles.jsonl")!r}, "--index", {str(tmp_path / "new")!r})
"""
    )
    keyword, vector, index = shown.splitlines()
    assert keyword.startswith("0 ")
    for line in (vector, index):
        assert line.startswith("2 ")
        assert install_line() in line
        assert "--mode keyword, and index --no-vectors" in line


def test_other_modules_that_are_missing_are_faults_of_ours():
    with pytest.raises(ModuleNotFoundError, match="nothing_of_ours"), needs_models():
        import nothing_of_ours  # noqa: F401
    with pytest.raises(MissingExtraError, match="faiss is not installed"), needs_models():
        raise ModuleNotFoundError("No module named 'faiss'", name="faiss")


def test_the_line_installs_from_this_clone_with_its_pins():
    line = install_line("server")
    assert line == f"{sys.executable} -m pip install -c {ROOT / 'constraints.txt'} -e '{ROOT}[server]'"


def test_the_requirements_of_words_are_those_that_meaning_does_not_need():
    command = [sys.executable, str(ROOT / "scripts" / "requirements")]
    every = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    words = subprocess.run([*command, "words"], capture_output=True, text=True, check=True).stdout.split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert every == project["dependencies"]
    assert "Whoosh==2.7.4" in words
    assert not {"faiss-cpu", "sentence-transformers", "onnxruntime"} & {line.split(">")[0] for line in words}


ELSEWHERE = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "fcntl":
            raise ModuleNotFoundError("No module named 'fcntl'", name=name)
sys.meta_path.insert(0, Absent())
from click.testing import CliRunner
from search.cli.main import cli
import search.ingest, search.query, search.keyword, search.text.passages, search.exports.formats, search.records
print(len(list(search.ingest.read([{str(SAMPLE / "articles.jsonl")!r}]))))
for arguments in (["--version"], ["help", "query"], ["search", "dam"], ["index", {str(SAMPLE / "articles.jsonl")!r}]):
    result = CliRunner().invoke(cli, arguments)
    print(result.exit_code, (result.stdout + result.stderr).splitlines()[-1])
"""


def test_without_unix_locks_one_line_says_where_archives_work(tmp_path):
    """As on Windows: what needs no archive runs, and an archive is refused in words, not by a traceback."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    read, version, topic, *refused = done.stdout.splitlines()
    assert (read, version[:1], topic[:1]) == ("57", "0", "0")
    said = "3 broadsheet: archives need a Unix system, whose locks end with a crash; on Windows, run this inside WSL"
    assert refused == [said, said]
