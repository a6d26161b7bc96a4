"""Hostile archives, crashes at bad moments and races: what a review found, and what must not come back."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pickle
import signal
import sqlite3
import threading
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged, SearchError, UsageError
from search.storage import catalog as catalog_room

from .forgery import forged


def article(article_id, text="apple", **fields):
    return Article(id=article_id, title="t", text=text, **fields)


@pytest.fixture
def path(tmp_path):
    with Archive.open(tmp_path / "archive", create=True, model="hash") as archive:
        archive.add([article("x"), article("y", "pear")])
    return tmp_path / "archive"


def change(path, statement, *values):
    with forged(path) as connection:
        connection.execute(statement, values)


def holding(path, word):
    return [file.name for file in path.rglob("*") if file.is_file() and word in file.read_bytes()]


@pytest.mark.parametrize("way", [("{victim}", ""), ("../../victim", ""), ("ok", "../../../victim/sub/precious")])
def test_writing_removes_nothing_outside_the_archive(tmp_path, path, way):
    (tmp_path / "victim" / "sub").mkdir(parents=True)
    precious = tmp_path / "victim" / "sub" / "precious"
    precious.write_text("x")
    segment, file = (one.format(victim=tmp_path / "victim") for one in way)
    change(path, "INSERT INTO dropped VALUES (?, ?, 0)", segment, file)
    with Archive.open(path) as archive, pytest.raises(ArchiveDamaged, match="outside the archive"):
        archive.add([article("z")])
    assert precious.exists()


class Payload:
    """Runs code when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def as_numpy_saves(payload):
    data = io.BytesIO()
    np.save(data, np.array([payload], object), allow_pickle=True)
    return data.getvalue()


@pytest.mark.parametrize("forge", [pickle.dumps, as_numpy_saves])
def test_a_pickle_in_place_of_the_postings_is_refused_unread(tmp_path, path, forge):
    """Even where the catalog vouches for it, and beside the table of contents that Whoosh would unpickle."""
    marker = tmp_path / "code-ran"
    data = forge(Payload(marker))
    with forged(path) as connection:
        ((segment, parts),) = connection.execute("SELECT id, parts FROM segments").fetchall()
        parts = json.loads(parts)
        parts["keyword"].update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
        connection.execute("UPDATE segments SET parts = ?", (json.dumps(parts),))
    (path / "segments" / segment / parts["keyword"]["name"]).write_bytes(data)
    for toc in (path / "_MAIN_1.toc", path / "segments" / segment / "_MAIN_1.toc"):
        toc.write_bytes(data)
    with pytest.raises(ArchiveDamaged), Archive.open(path) as archive:
        archive.search("apple", mode="keyword")
    assert not marker.exists()
    pickle.loads(pickle.dumps(Payload(marker)))
    assert marker.exists()  # it would have


def test_a_linked_segments_folder_is_not_cleaned(tmp_path, path):
    (path / "segments").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "precious").mkdir()
    (path / "segments").symlink_to(tmp_path / "elsewhere")
    with Archive.open(path) as archive, pytest.raises(ArchiveDamaged, match="is a link"):
        archive.add([article("z")])
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_purge_finds_replaced_deleted_and_pinned_versions(path):
    with Archive.open(path) as archive, Archive.open(path) as reader:
        archive.add([article("x", "zebraquux alpha")])
        assert reader.search("zebraquux", mode="keyword").total == 1  # holds the commit
        archive.add([article("x", "newer")])
        archive.optimize()
        assert holding(path, b"zebraquux")
        assert archive.delete(["x"]) == 1
        assert archive.delete(["x"], purge=True) == 0  # nothing live, and yet all versions go
        assert holding(path, b"zebraquux") == []
        assert holding(path, b"newer") == []
        assert len(archive) == 1
        assert archive.check() == []


def test_a_crash_while_an_archive_is_made_leaves_nothing_in_the_way(tmp_path):
    child = os.fork()
    if child == 0:
        catalog_room.fsync_folder = lambda _: None
        catalog_room._SCHEMA += "SELECT die();\n"
        connect = sqlite3.connect

        def deadly(*arguments, **options):
            connection = connect(*arguments, **options)
            connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
            return connection

        sqlite3.connect = deadly
        Archive.open(tmp_path / "new", create=True, model="hash")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    with Archive.open(tmp_path / "new", create=True, model="hash") as archive:
        assert archive.add([article("x")]).added == 1


def test_doctor_reports_damage_that_other_readers_trip_over(path):
    (part,) = path.rglob("columns.part")
    data = bytearray(part.read_bytes())
    place = data.rindex(b"xy")
    data[place] = 0xFF
    part.write_bytes(data)
    with Archive.open(path) as archive:
        problems = archive.check()
    assert any("does not match its checksum" in line for line in problems)


@pytest.mark.parametrize("during", ["add", "optimize", "delete"])
def test_doctor_beside_a_writer_raises_no_alarm(path, during):
    with Archive.open(path) as archive, Archive.open(path) as writer:
        writer.add([article("w")])
        work = {
            "add": lambda: writer.add([article("q")]),
            "optimize": writer.optimize,
            "delete": lambda: writer.delete(["x"]),
        }[during]
        assert archive.check(lambda stage: work() if stage == "records" else None) == []


def test_a_write_during_a_read_is_seen_afterwards(path, monkeypatch):
    with Archive.open(path) as archive:
        assert len(archive) == 2
        original = archive._session.catalog.commit_number
        archive._session._version = -1
        thread = threading.Thread(target=lambda: archive.add([article("z")]))

        def meanwhile():
            monkeypatch.setattr(archive._session.catalog, "commit_number", original)
            number = original()
            thread.start()
            thread.join(0.5)  # it commits, and then waits for this reader
            return number

        monkeypatch.setattr(archive._session.catalog, "commit_number", meanwhile)
        len(archive)
        thread.join()
        assert len(archive) == 3


def test_an_article_replaced_while_it_is_read_is_found(path, monkeypatch):
    with Archive.open(path) as archive, Archive.open(path) as writer:
        original = archive._session.catalog.articles

        def late(rows):
            writer.add([article("x", "another text altogether")])
            return original(rows)

        monkeypatch.setattr(archive._session.catalog, "articles", late)
        assert archive.get("x").text == "apple"
        assert [passage.text for passage in archive.passages("x")] == ["another text altogether"]


def test_a_reader_without_write_permission_sees_what_others_write(path):
    def allow(mode_of_folder):
        for one in [path.parent, path, *path.rglob("*")]:
            one.chmod(mode_of_folder if one.is_dir() else 0o644)

    own = os.geteuid()
    if own != 0:
        pytest.skip("needs another user")
    allow(0o755)
    parents = [parent for parent in path.parents if parent.stat().st_mode & 0o005 != 0o005]
    before = {parent: parent.stat().st_mode for parent in parents}
    for parent in parents:
        parent.chmod(0o755)
    try:
        os.seteuid(65534)
        reader = Archive.open(path)
        assert len(reader) == 2
        os.seteuid(own)
        with Archive.open(path) as writer:
            writer.add([article(f"n{i}") for i in range(50)])
            writer.delete(["x"], purge=True)
        allow(0o755)
        os.seteuid(65534)
        assert len(reader) == 51
        assert reader.get("n7").text == "apple"
        reader.close()
    finally:
        os.seteuid(own)
        for parent, mode in before.items():
            parent.chmod(mode)


def test_did_you_mean_changes_free_words_alone(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([article("e", "presidential election news"), article("f", "elections electing")])
        assert archive.search("electio electing").did_you_mean == "election electing"
        assert archive.search("electio -id:electio").did_you_mean == "election -id:electio"


def test_a_forged_cursor_is_refused(path):
    with Archive.open(path) as archive:
        cursor = archive.search("*", limit=1).cursor or archive.search("-zzz", limit=1).cursor
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().rpartition(":")[0]
        forged = base64.urlsafe_b64encode(f"{raw}:-5".encode()).decode()
        with pytest.raises(UsageError, match="not one that a search gave"):
            archive.search("-zzz", limit=1, cursor=forged)


@pytest.mark.parametrize("sort", ["relevance", "newest"])
def test_a_recency_that_is_no_duration_is_refused_in_every_order(path, sort):
    with Archive.open(path) as archive, pytest.raises(UsageError, match="zzz"):
        archive.search("apple", recency="zzz", sort=sort)


def test_as_of_takes_a_date(path):
    with Archive.open(path) as archive:
        assert archive.search("apple", as_of=date(2024, 1, 1)).total == 0  # both are without a date


@pytest.mark.parametrize("setting", [("bm25", 5), ("bm25", {"z": 1}), ("encoder", {"z": 1}), ("passage_tokens", "x")])
def test_settings_that_make_no_sense_are_damage(path, setting):
    change(path, "UPDATE settings SET value = ? WHERE key = ?", json.dumps(setting[1]), setting[0])
    with pytest.raises(ArchiveDamaged, match="settings that make no sense"):
        Archive.open(path)


def test_other_oddities_are_errors_of_ours(path):
    (path / "pins").mkdir(exist_ok=True)
    (path / "pins" / "5").mkdir()
    with Archive.open(path) as archive:
        assert archive.add([article("z")]).added == 1
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("DELETE FROM state")
    with pytest.raises(SearchError, match="not a whole catalog"):
        Archive.open(path)


def test_moving_to_a_new_commit_maps_only_what_is_new(tmp_path):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        for i in range(9):
            archive.add([article(f"a{i}")])
        before = descriptors()
        with archive._session.reading():
            held = descriptors()
            archive.add([article("one more", "plum")], batch=5)
            with archive._session.reading() as fresh:
                assert len(fresh.snapshot.entries) in (1, 10)
                assert descriptors() - held <= 8
        assert held >= before
