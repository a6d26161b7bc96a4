"""Alerts: what is new, when it stops being new, and where it is kept."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged, ArchiveLocked, QueryError, StorageError, UsageError
from search.records import Alert
from search.storage.folder import Folder
from search.storage.locks import lock_writer

DAM = Article(id="dam", title="Dam leaks", text="The dam leaks.\n\nNobody acts.", published=date(2024, 10, 1))
PORT = Article(id="port", title="Port strike", text="Dockers walk out.", published=date(2024, 11, 2), source="Coast")
GATE = Article(id="gate", title="Gate jams", text="A gate of the dam jams.", published=date(2024, 11, 1))


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "archive", create=True) as opened:
        opened.add([DAM, PORT], vectors=False)
        yield opened


def told(archive, *names, **options):
    """The ids that are new to each alert."""
    return {one.alert.name: [item.id for item in one.items] for one in archive.run_alerts(names or None, **options)}


def test_only_what_comes_after_saving_is_new(archive):
    saved = archive.add_alert("dams", "dam")
    assert (saved.name, saved.query, saved.ran) == ("dams", "dam", None)
    assert abs(saved.created - datetime.now(UTC)) < timedelta(minutes=1)
    assert told(archive) == {"dams": []}
    archive.add([GATE, PORT])
    assert told(archive) == {"dams": ["gate"]}
    assert told(archive) == {"dams": []}


def test_everything_can_be_new(archive):
    archive.add_alert("dams", "dam OR port", everything=True)
    archive.add([GATE])
    assert told(archive) == {"dams": ["port", "gate", "dam"]}  # newest first
    assert told(archive) == {"dams": []}


def test_peeking_leaves_it_new(archive):
    archive.add_alert("dams", "dam")
    archive.add([GATE])
    assert told(archive, peek=True) == told(archive, peek=True) == {"dams": ["gate"]}
    assert archive.alerts()[0].ran is None
    (news,) = archive.run_alerts(["dams"])
    assert archive.alerts()[0].ran is not None
    assert (news.alert.name, news.error) == ("dams", None)
    (item,) = news.items
    assert (item.id, item.title, item.published) == ("gate", "Gate jams", date(2024, 11, 1))
    assert item.snippet == GATE.text


def test_what_comes_between_reading_and_recording_stays_new(archive):
    archive.add_alert("dams", "dam")
    news = archive.run_alerts(peek=True)
    archive.add([GATE])
    archive.confirm_alerts(news)
    assert told(archive) == {"dams": ["gate"]}


def test_a_correction_is_news_and_the_same_text_is_not(archive):
    archive.add_alert("dams", "dam")
    archive.add([DAM])
    assert told(archive) == {"dams": []}
    archive.add([replace(DAM, text="Correction: the dam is dry.")])
    assert told(archive) == {"dams": ["dam"]}
    archive.add([replace(DAM, title="Leak", text="About something else now.")])
    assert told(archive) == {"dams": []}


def test_deleted_articles_are_no_news(archive):
    archive.add_alert("dams", "dam")
    archive.add([GATE])
    archive.delete(["gate"])
    assert told(archive) == {"dams": []}
    archive.add([GATE])
    assert told(archive) == {"dams": ["gate"]}


def test_merges_change_nothing(archive):
    archive.add_alert("dams", "dam")
    archive.add([GATE])
    archive.optimize()
    assert told(archive, peek=True) == {"dams": ["gate"]}
    archive.delete(["port"], purge=True)
    assert told(archive) == {"dams": ["gate"]}
    archive.optimize()
    assert told(archive) == {"dams": []}
    assert archive.check() == []


def test_relative_dates_count_from_the_run(archive):
    today = datetime.now(UTC)
    archive.add_alert("fresh", "since:2d")
    archive.add(
        [
            Article(id="new", text="x", published=today - timedelta(hours=1)),
            Article(id="old", text="x", published=today - timedelta(days=9)),
            Article(id="undated", text="x"),
        ]
    )
    assert told(archive) == {"fresh": ["new"]}


def test_alerts_by_name(archive):
    for name in ("b", "a", "c"):
        archive.add_alert(name, "dam", everything=True)
    assert [alert.name for alert in archive.alerts()] == ["a", "b", "c"]
    assert told(archive, "c", "a", "c") == {"c": ["dam"], "a": ["dam"]}
    assert told(archive) == {"a": [], "b": ["dam"], "c": []}
    archive.remove_alert("b")
    assert told(archive) == {"a": [], "c": []}
    assert archive.run_alerts([]) == ()


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\nb", "\x1b[2J", "a" * 101, "a\u202eb"])
def test_bad_names(archive, name):
    with pytest.raises(UsageError, match="cannot name an alert"):
        archive.add_alert(name, "dam")
    assert archive.alerts() == ()


def test_other_mistakes(archive):
    archive.add_alert("Überschwemmung 2025", "dam")
    with pytest.raises(UsageError, match="there is an alert named"):
        archive.add_alert("Überschwemmung 2025", "port")
    for call in (archive.remove_alert, lambda name: archive.run_alerts([name])):
        with pytest.raises(UsageError, match="'Uberschwemmung 2025'; did you mean 'Überschwemmung 2025'"):
            call("Uberschwemmung 2025")
    with pytest.raises(UsageError, match=r"no alert named 'zzz'$"):
        archive.remove_alert("zzz")
    for query in ('"open', "", "since:nonsense"):
        with pytest.raises(QueryError):
            archive.add_alert("x", query)
    assert [alert.query for alert in archive.alerts()] == ["dam"]
    assert archive.add_alert("odd", "dam \ud800").query == "dam ?"


def test_one_query_that_fails_leaves_the_others(archive):
    archive.add_alert("good", "dam")
    archive.add_alert("wild", "d*")
    archive._session.catalog.remove_alert("wild")
    # A field that a later version dropped.
    broken = Alert(name="wild", query="colour:red", created=datetime(2025, 1, 1, tzinfo=UTC))
    archive._session.catalog.add_alert(broken)
    archive.add([GATE])
    good, wild = archive.run_alerts()
    assert [item.id for item in good.items] == ["gate"]
    assert wild.items == ()
    assert "there is no field 'colour'" in wild.error
    assert archive._session.catalog.alerts() == [good.seen, broken]


def test_alerts_are_kept_and_are_no_commit(archive, tmp_path):
    results = archive.search("leaks strike", limit=1)
    before = archive.stats()["commit"]
    archive.add_alert("dams", "dam")
    archive.run_alerts()
    assert archive.stats()["commit"] == before
    assert results.cursor is not None
    assert len(archive.search("leaks strike", limit=1, cursor=results.cursor)) == 1
    with Archive.open(tmp_path / "archive") as again:
        assert again.alerts() == archive.alerts()
        again.add([GATE])
        assert told(again) == {"dams": ["gate"]}
    assert told(archive) == {"dams": []}


def test_a_position_never_goes_back_nor_to_another_query(archive):
    archive.add_alert("dams", "dam")
    early = archive.run_alerts(peek=True)
    archive.add([GATE])
    archive.run_alerts()
    archive.confirm_alerts(early)
    assert told(archive) == {"dams": []}
    archive.remove_alert("dams")
    archive.add_alert("dams", "dam OR port", everything=True)
    archive.confirm_alerts(early)
    assert archive.alerts()[0].ran is None
    assert told(archive) == {"dams": ["port", "gate", "dam"]}


def test_recording_needs_the_writer_lock(archive, tmp_path):
    archive.add_alert("dams", "dam")
    archive.add([GATE])
    lock = lock_writer(Folder.open(tmp_path / "archive"))
    try:
        for call in (archive.run_alerts, lambda: archive.add_alert("x", "y"), lambda: archive.remove_alert("dams")):
            with pytest.raises(ArchiveLocked):
                call()
        assert told(archive, peek=True) == {"dams": ["gate"]}
    finally:
        lock.release()
    assert told(archive) == {"dams": ["gate"]}


def test_read_only_media(archive, monkeypatch):
    archive.add_alert("dams", "dam")
    archive.add([GATE])

    def refuse(path, wait=False):
        raise StorageError(f"cannot open {path}/writer.lock: Read-only file system")

    monkeypatch.setattr("search.engine.session.lock_writer", refuse)
    with pytest.raises(StorageError, match=r"cannot record what is told \(.*Read-only file system\); --peek"):
        archive.run_alerts()
    with pytest.raises(StorageError, match="--peek"):
        archive.confirm_alerts(())
    assert told(archive, peek=True) == {"dams": ["gate"]}


def test_an_empty_archive(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add_alert("dams", "dam")
        assert told(archive) == {"dams": []}
        archive.add([DAM], vectors=False)
        assert told(archive) == {"dams": ["dam"]}


def test_an_archive_without_the_table_is_refused(archive, tmp_path):
    archive.close()
    with sqlite3.connect(tmp_path / "archive" / "catalog.sqlite") as connection:
        connection.execute("DROP TABLE alerts")
    connection.close()
    with pytest.raises(ArchiveDamaged, match="not a whole catalog"):
        Archive.open(tmp_path / "archive")


def test_many_news_are_read_in_pieces(archive):
    archive.add_alert("all", "report")
    days = date(2024, 1, 1)
    archive.add([Article(id=f"r{i}", text="report", published=days + timedelta(days=i)) for i in range(1100)])
    assert told(archive) == {"all": [f"r{i}" for i in reversed(range(1100))]}
