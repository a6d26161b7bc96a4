"""Fixtures for every test: none of them can touch the user's own cache or archives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: exporting a model once is enough."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root) / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, shared_cache: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("BROADSHEET_CACHE", str(shared_cache))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("BROADSHEET_INDEX", "BROADSHEET_DEBUG", "NO_COLOR", "COLUMNS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
