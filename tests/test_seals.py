"""Checksums over the small tables of a catalog: what is not as it was written is told, and
nothing is answered by it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import warnings

import pytest

from search import Archive, Article
from search.errors import AlertsDamaged, ArchiveDamaged, SettingsDamaged


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add([Article(id=f"n{i}", title=f"dam {i}", text="The dam holds.") for i in range(9)], vectors=False)
        archive.delete(["n3", "n4"])
        archive.add_alert("dams", "dam")
        archive.add_alert("gates", "gate")
    return path


@pytest.fixture
def path(made, tmp_path):
    return shutil.copytree(made, tmp_path / "archive")


def change(path, statement, *values):
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute(statement, values)


BROKEN = {
    "a tombstone of another article": ("UPDATE tombstones SET row = 1 WHERE row = 4", "tombstones"),
    "a tombstone lost": ("DELETE FROM tombstones WHERE row = 5", "tombstones"),
    "another commit": ('UPDATE state SET "commit" = 77', "segments"),
    "another next row": ("UPDATE state SET next_row = 1", "segments"),
    "other articles": ("UPDATE segments SET articles = 8", "segments"),
    "another file": ("UPDATE segments SET parts = replace(parts, 'columns.part', 'keyword.part')", "segments"),
    "no segment": ("DELETE FROM segments", "segments"),
    "seals that say else": ("UPDATE settings SET value = replace(value, 'a', 'b') WHERE key = 'seals'", "segments"),
    "no seals": ("DELETE FROM settings WHERE key = 'seals'", "segments"),
}


@pytest.mark.filterwarnings("ignore::search.errors.SettingsDamaged")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_as_it_was_written_is_refused_told_and_mended(path, name):
    statement, _ = BROKEN[name]
    change(path, statement)
    with Archive.open(path, outdated=True) as archive:
        problems = archive.check()
        assert any("differ from their checksum" in problem for problem in problems)
        assert len(list(archive.export())) == 9
    with pytest.raises(ArchiveDamaged, match="differ from their checksum"), Archive.open(path) as archive:
        archive.search("dam")
    with pytest.raises(ArchiveDamaged, match="differ from their checksum"), Archive.open(path) as archive:
        archive.delete(["n1"])
    with Archive.open(path, outdated=True) as archive:
        assert archive.repair().articles == 7
    with Archive.open(path) as archive:
        assert archive.check(thorough=True) == []
        assert sorted(archive.ids()) == ["n0", "n1", "n2", "n5", "n6", "n7", "n8"]
        assert archive.search("dam").total == 7
        assert archive.add([Article(id="new", title="dam")]).added == 1
        assert archive.check() == []


@pytest.mark.parametrize("key", ["analysis", "bm25", "created", "identity", "passage_tokens", "vectors"])
def test_a_setting_that_differs_is_named_and_everything_can_be_carried_away(path, tmp_path, key):
    values = {"analysis": "3", "bm25": '{"k1": 0.8}', "passage_tokens": "231", "vectors": "true"}
    change(path, "UPDATE settings SET value = ? WHERE key = ?", values.get(key, json.dumps("0" * 32)), key)
    with pytest.raises(ArchiveDamaged, match=f"the settings {key} .*differ from their checksum"):
        Archive.open(path)
    with Archive.open(path, outdated=True) as archive:
        assert any(f"settings '{key}' differ" in problem for problem in archive.check())
        with pytest.warns(SettingsDamaged, match=key):
            lines = list(archive.export())
        with pytest.raises(ArchiveDamaged, match=f"is damaged .settings '{key}'"):
            archive.repair()
    with Archive.open(tmp_path / "again", create=True) as archive:
        assert archive.import_(lines, vectors=False).added == 7


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE alerts SET query = ? WHERE name = 'dams'", "dim"),
        ("UPDATE alerts SET created = ? WHERE name = 'dams'", "no instant"),
        ("UPDATE alerts SET ran = ? WHERE name = 'dams'", "2024-01-01"),
        ("UPDATE alerts SET query = CAST(? AS TEXT) WHERE name = 'dams'", b"\xff\xfe"),
        ("UPDATE alerts SET last_row = ? WHERE name = 'dams'", 1),
    ],
)
def test_a_damaged_alert_stops_no_other(path, statement, value):
    change(path, statement, value)
    with Archive.open(path) as archive:
        for number in range(2):  # what is written beside it does not make it sound
            with pytest.warns(AlertsDamaged, match="an alert that is damaged and left out: 'dams'"):
                assert next(alert.name for alert in archive.alerts()) == "gates"
            archive.add_alert(f"other {number}", "weir")
        with pytest.warns(AlertsDamaged):
            assert json.loads(next(archive.export()))["alerts"][0]["name"] == "gates"
        with pytest.warns(AlertsDamaged):
            assert [news.alert.name for news in archive.run_alerts(["gates"])] == ["gates"]
        assert archive.check() == ["the alert 'dams' is damaged; remove it, and add it again"]
        report = archive.repair()
        assert report.alerts == 1
        assert report.aside is not None
        assert archive.check() == []
    with warnings.catch_warnings(), Archive.open(path) as archive:
        warnings.simplefilter("error")
        assert [alert.name for alert in archive.alerts()] == ["gates", "other 0", "other 1"]


def test_a_damaged_alert_can_be_removed(path):
    change(path, "UPDATE alerts SET created = '' WHERE name = 'dams'")
    with Archive.open(path) as archive:
        archive.remove_alert("dams")
        assert archive.check() == []


UNTYPED = {
    "a commit of bytes": "UPDATE state SET \"commit\" = x'ff'",
    "a commit of letters": "UPDATE state SET \"commit\" = 'x'",
    "no commit": 'UPDATE state SET "commit" = NULL',
    "a next row of bytes": "UPDATE state SET next_row = x''",
    "a death of bytes": "UPDATE articles SET died = x'ff' WHERE row = 1",
    "a death of letters": "UPDATE articles SET died = 'x' WHERE row = 1",
}
ASKED = {
    "search": lambda archive, path: archive.search("dam", mode="keyword"),
    "check": lambda archive, path: archive.check(),
    "add": lambda archive, path: archive.add([Article(id="z", title="", text="dam")], vectors=False),
    "backup": lambda archive, path: archive.backup(path),
    "optimize": lambda archive, path: archive.optimize(),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("statement", UNTYPED.values(), ids=list(UNTYPED))
def test_values_of_a_type_that_the_schema_does_not_allow_are_no_fault_of_the_program(path, tmp_path, statement, asked):
    """A bit of a row's header turns a number into bytes; SQLite looks at the schema only when it writes."""
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        schema = connection.execute("SELECT sql, name FROM sqlite_master WHERE type = 'table'").fetchall()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(replace(replace(sql, 'STRICT,', ''), 'STRICT', ''), 'NOT NULL', '')"
            " WHERE type = 'table'"
        )
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute(statement)
        connection.execute("PRAGMA writable_schema = ON")
        connection.executemany("UPDATE sqlite_master SET sql = ? WHERE name = ?", schema)
    told = []
    try:
        with Archive.open(path) as archive:
            told = ASKED[asked](archive, tmp_path / "backups")
    except ArchiveDamaged as error:
        told = str(error)
    if "state" in statement:
        assert "differ from their checksum" in str(told) or "non-INTEGER value in state" in str(told)
    elif asked == "check":
        assert "row 1" in str(told)
