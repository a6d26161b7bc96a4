"""The recorder of answers: the same archive answers the same twice, and a changed answer is seen."""

from __future__ import annotations

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from search import Archive
from search.ingest import read

from .conftest import SAMPLE

SCRIPT = Path(__file__).parent.parent / "scripts" / "record"


@pytest.fixture(scope="module")
def recorder():
    loader = SourceFileLoader("record", str(SCRIPT))
    module = module_from_spec(spec_from_loader("record", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record") / "archive"
    with Archive.open(folder, create=True, model="hash") as opened:
        opened.add(read([str(SAMPLE / "articles.jsonl")]))
    return folder


def test_two_recordings_are_equal_and_a_changed_answer_is_told(recorder, archive, tmp_path, capsys, monkeypatch):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    for name in ("COLUMNS", "NO_COLOR", "TERM"):  # the recorder sets them; here they are set back
        monkeypatch.setenv(name, "")
    counts = {recorder.record(archive, out, ["python", "cli"], 60) for out in (first, second)}
    assert len(counts) == 1
    assert counts.pop() > 12
    assert first.read_bytes() == second.read_bytes()
    assert recorder.main(["compare", str(first), str(second)]) == 0

    lines = [json.loads(line) for line in first.read_text().splitlines()]
    ranked = next(line for line in lines if isinstance(line["answer"], dict) and line["answer"].get("hits"))
    ranked["answer"]["hits"][0]["score"] += 0.001
    second.write_text("".join(json.dumps(line) + "\n" for line in lines))
    capsys.readouterr()
    assert recorder.main(["compare", str(first), str(second)]) == 1
    assert "1 differ at python search .hits[].score" in capsys.readouterr().out


def test_there_are_enough_requests(recorder, archive):
    have = recorder.material(recorder.every_article(archive))
    calls = [request["call"] for request in recorder.python_requests(have)]
    assert calls.count("search") == 500
    assert calls.count("retrieve") >= 50
    asked = [json.dumps(one) for requests, _ in recorder.FACES.values() for one in requests(have)]
    assert len(asked) == len(set(asked))
    assert asked == [json.dumps(one) for requests, _ in recorder.FACES.values() for one in requests(have)]
