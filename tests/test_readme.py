"""The README's promises: its lines work as printed, its commands are the program's, its files exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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


def test_every_file_of_the_map_exists():
    table = README.split("## The map of the house")[1]
    names = re.findall(r"`(search/[^`]+)`", table)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name
    rooms = {path.name for path in (ROOT / "search").iterdir() if not path.name.startswith("_")} - {"py.typed"}
    assert {Path(name).name for name in names} >= rooms


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
