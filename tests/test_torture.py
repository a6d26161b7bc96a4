"""A short torture: kills of every command that writes, damages of every kind of file. The long one is
``scripts/torture``."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from search import Archive
from search.errors import ArchiveDamaged

SCRIPT = Path(__file__).parent.parent / "scripts" / "torture"


@pytest.fixture
def torture(tmp_path, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))
    loader = SourceFileLoader("torture", str(SCRIPT))
    module = module_from_spec(spec_from_loader("torture", loader))
    loader.exec_module(module)
    return module


def test_damages_are_found_and_never_answered_wrongly(torture, tmp_path):
    case = torture.Torture(tmp_path, 3)
    case.damages(40)
    assert case.failures == []
    assert case.counts.total() == 40


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_kills_lose_nothing(torture, tmp_path):
    case = torture.Torture(tmp_path, 3)
    case.kills(12)
    assert case.failures == []
    assert case.counts.total() == 12
    assert "12 cases" in torture.page(case, 1.0)


def test_a_wrong_answer_is_a_failure(torture, tmp_path, monkeypatch):
    """The torture itself sees what it is to see."""
    case = torture.Torture(tmp_path, 3)
    monkeypatch.setattr(torture, "damage", lambda file, chance: "nothing")
    case.damages(2)
    assert [line.partition(": doctor finds nothing")[1] != "" for line in case.failures].count(True) >= 1
    named = torture.readings()
    monkeypatch.setattr(torture, "readings", lambda: {**named, "show": lambda archive: object()})
    case.folder = tmp_path / "again"
    case.folder.mkdir()
    case.damages(1)
    assert "other answers of show" in case.failures[-1]


def test_lost_records_are_no_purged_ones(torture, tmp_path):
    import sqlite3

    torture.make(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.search("warden", mode="keyword", limit=30).total == 23
        with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
            connection.execute("DELETE FROM articles WHERE id = 'n7'")
        with pytest.raises(ArchiveDamaged, match="has lost the record in its row 8"):
            archive.search("warden", mode="keyword", limit=30)
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.repair().articles == 22
        assert archive.search("warden", mode="keyword", limit=30).total == 22


def test_tombstones_of_zeros_are_refused(torture, tmp_path):
    import sqlite3

    torture.make(tmp_path / "desk")
    with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
        connection.execute("UPDATE tombstones SET row = 0 WHERE row = (SELECT min(row) FROM tombstones)")
    with (
        Archive.open(tmp_path / "desk") as archive,
        pytest.raises(ArchiveDamaged, match=r"the tombstones in .* differ from their checksum"),
    ):
        archive.search("warden")
