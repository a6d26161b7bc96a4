"""What README and help pages promise: lines work as printed, links lead somewhere, what is generated is up to date."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from search.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
HELP = ROOT / "search" / "help"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name: str, language: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```{language}\n(.*?)```\n<!-- /{name} -->", README, re.S)
    assert found is not None
    return found[1]


@pytest.fixture
def surroundings(tmp_path, shared_cache):
    """A folder that looks like a clone, where the README's lines may write."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "sample").symlink_to(ROOT / "tests" / "sample")
    (tmp_path / "indexes").mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"cwd": tmp_path, "env": {**os.environ, "PATH": path, "BROADSHEET_CACHE": str(shared_cache)}}


@pytest.mark.model
def test_the_shell_lines_work_as_printed(surroundings):
    lines = block("shell", "sh")
    assert len(lines.splitlines()) <= 10
    done = subprocess.run(["sh", "-eu"], input=lines, capture_output=True, text=True, check=False, **surroundings)
    assert done.returncode == 0, done.stderr
    assert "99 added" in done.stderr
    hits = json.loads((surroundings["cwd"] / "hits.json").read_text())
    assert "sarayo" in hits["hits"][0]["id"] or "olcano" in hits["hits"][0]["title"]


@pytest.mark.model
def test_the_python_lines_work_as_printed(surroundings):
    lines = block("python", "python")
    assert len([line for line in lines.splitlines() if line]) <= 10
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        **surroundings,
    )
    assert done.returncode == 0, done.stderr
    assert "Ferry freed Hostages left the ferry after a ceasefire." in done.stdout


def test_it_is_short():
    assert 80 < len(README.splitlines()) < 170


@pytest.mark.parametrize("path", [*sorted(ROOT.glob("*.md")), *sorted(HELP.glob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_page_is_named():
    for path in HELP.glob("*.md"):
        assert f"(search/help/{path.name})" in README, path.name


def test_what_is_generated_is_up_to_date():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_out_of_date_is_told_and_written(tmp_path, monkeypatch, capsys):
    loader = SourceFileLoader("docs", str(ROOT / "scripts" / "docs"))
    docs = module_from_spec(spec_from_loader("docs", loader))
    loader.exec_module(docs)
    page = tmp_path / "page.md"
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "BLOCKS", {"page.md": {"commands": docs.reference, "two": lambda: "second"}})
    page.write_text("no markers\n")
    assert docs.main([]) == 1
    assert "page.md needs the lines <!-- commands -->" in capsys.readouterr().err
    page.write_text(
        "a\n<!-- commands -->\nold\n<!-- /commands -->\né\n<!-- two -->\n<!-- /two -->\nz\n", encoding="utf-8"
    )
    assert docs.main(["--check"]) == 1
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- commands -->\n\n## `broadsheet`\n\n```text\nUsage: broadsheet [OPTIONS]")
    assert text.endswith("```\n\n<!-- /commands -->\né\n<!-- two -->\n\nsecond\n\n<!-- /two -->\nz\n")
    assert all(f"## `broadsheet {name}`" in text for name in (*COMMANDS, "alerts add"))
    assert docs.main(["--nonsense"]) == 2
