"""The conversations that the help pages show are what the sample archive answers."""

from __future__ import annotations

import shutil
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest

from .served import ROOT


@pytest.fixture
def module():
    """The script."""
    loader = SourceFileLoader("conversations", str(ROOT / "scripts" / "conversations"))
    module = module_from_spec(spec_from_loader("conversations", loader))
    loader.exec_module(module)
    return module


@pytest.mark.model
def test_the_pages_show_what_is_said(module, sample_archive, monkeypatch, capsys):
    def build(folder):
        return shutil.copytree(sample_archive, folder / "indexes" / "sample")

    monkeypatch.setattr(module, "build", build)  # the same archive, made for all tests
    assert module.main(["--check"]) == 0, capsys.readouterr().err


def test_a_changed_answer_is_noticed(module):
    text = "<!-- conversation a -->\n```sh\necho 1\n```\n```text\n2\n```\n<!-- /conversation a -->\n"
    other = text.replace("conversation a", "conversation b")
    fresh = module.renewed([text, "none\n", other], lambda language, code: "1\n")
    assert fresh == [one.replace("\n2\n", "\n1\n") for one in (text, "none\n", other)]
    found = [match for path in module.pages() for match in module.TALK.finditer(path.read_text())]
    names = [
        "copies",
        "desk",
        "haystack",
        "http",
        "langchain",
        "lines",
        "llamaindex",
        "mcp",
        "openai",
        "python",
        "related",
    ]
    names.append("shell")
    names.append("trends")
    assert sorted(match["name"] for match in found) == names
    assert all(match["shown"] for match in found)
