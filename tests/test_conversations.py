"""The conversations that the README shows are what the sample archive answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .served import ROOT


@pytest.mark.model
def test_the_readme_shows_what_is_said(shared_cache):
    script = ROOT / "scripts" / "conversations"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_answer_is_noticed():
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader("conversations", str(ROOT / "scripts" / "conversations"))
    module = module_from_spec(spec_from_loader("conversations", loader))
    loader.exec_module(module)
    text = "<!-- conversation a -->\n```sh\necho 1\n```\n```text\n2\n```\n<!-- /conversation a -->\n"
    assert module.renewed(text, lambda language, code: "1\n") == text.replace("\n2\n", "\n1\n")
    readme = (ROOT / "README.md").read_text()
    named = [match["name"] for match in module.TALK.finditer(readme)]
    assert sorted(named) == ["haystack", "http", "langchain", "llamaindex", "mcp", "openai", "python", "shell"]
    assert all(match["shown"] for match in module.TALK.finditer(readme))
