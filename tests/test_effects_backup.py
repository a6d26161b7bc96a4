"""Backups of living archives, and what is restored from them."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search import Archive, Article
from search.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveLocked,
    ArchiveNotFound,
    ArchiveReplaced,
    StorageError,
    UsageError,
)
from search.storage import copies
from search.storage.folder import Folder
from search.storage.locks import lock_writer

from .effects import run, shows


def news(first, last, word="dam"):
    return [
        Article(id=f"n{i}", title=f"Report {i}", text=f"The {word} leaks, said warden {i}.", extra={"n": i})
        for i in range(first, last)
    ]


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "desk", create=True, model="hash") as opened:
        opened.add(news(0, 30), batch=10)
        yield opened


def content(path):
    with Archive.open(path) as archive:
        assert archive.check() == []
        return list(archive), [(hit.article.id, hit.score) for hit in archive.search("warden dam", limit=20)]


def files(path):
    return {str(file.relative_to(path)): file.stat().st_size for file in path.rglob("*") if file.is_file()}


@shows("Archive.backup", "path", "progress")
@shows("Archive.restore", "backup", "path", "progress")
def test_what_is_restored_is_what_was_backed_up(archive, tmp_path):
    archive.delete(["n3"])
    archive.add_alert("leaks", "dam")
    archive.tune(k1=1.5)
    seen, seen_back = [], []
    report = archive.backup(tmp_path / "safe", progress=lambda done, total: seen.append((done, total)))
    parts = sum(size for name, size in files(tmp_path / "desk").items() if name.endswith(".part"))
    catalog = (tmp_path / "safe" / "1" / "catalog.sqlite").stat().st_size
    assert (report.number, report.articles, report.backups) == (1, 29, 1)
    assert (report.files_copied, report.files_kept, report.bytes_kept) == (15, 0, 0)
    assert report.bytes_copied == parts + catalog
    assert seen[-1] == (parts, parts)
    restored = Archive.restore(tmp_path / "safe", tmp_path / "new", progress=lambda *at: seen_back.append(at))
    assert (restored.number, restored.articles, restored.commit) == (1, 29, report.commit)
    assert seen_back[-1] == (parts, parts)
    assert content(tmp_path / "new") == content(tmp_path / "desk")
    with Archive.open(tmp_path / "new") as new:
        assert new.alerts() == archive.alerts()
        assert len(archive) == 29
        assert new.settings == archive.settings
        assert new.add(news(28, 32)).added == 2


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_a_second_backup_copies_what_is_new_and_harms_none_of_the_first(archive, tmp_path):
    safe = tmp_path / "safe"
    first = archive.backup(safe)
    kept = files(safe / "segments")
    again = archive.backup(safe)
    assert (again.files_copied, again.files_kept, again.backups) == (0, 15, 2)
    assert again.bytes_kept == first.bytes_copied - (safe / "1" / "catalog.sqlite").stat().st_size
    archive.add(news(30, 40))
    third = archive.backup(safe)
    assert (third.files_copied, third.files_kept, third.articles) == (5, 15, 40)
    archive.delete(["n1"])
    archive.optimize()
    fourth = archive.backup(safe)
    assert (fourth.files_copied, fourth.files_kept, fourth.articles) == (5, 0, 39)
    assert kept.items() <= files(safe / "segments").items()
    for number, articles in ((1, 30), (2, 30), (3, 40), (4, 39)):
        assert Archive.restore(safe, tmp_path / f"new{number}", number=number).articles == articles
        assert len(content(tmp_path / f"new{number}")[0]) == articles


@shows("Archive.backup", "keep")
@shows("Archive.restore", "number")
def test_keep_removes_old_backups_and_the_parts_that_they_alone_need(archive, tmp_path):
    safe = tmp_path / "safe"
    archive.backup(safe)
    archive.add(news(30, 35))
    archive.backup(safe)
    archive.optimize()
    assert archive.backup(safe, keep=2).backups == 2
    assert names(safe) == ["2", "3", "broadsheet-backups.json", "segments", "writer.lock"]
    with pytest.raises(ArchiveNotFound, match="has no backup 1; there are: 2, 3"):
        Archive.restore(safe, tmp_path / "new", number=1)
    assert Archive.restore(safe, tmp_path / "new", number=2).articles == 35
    assert archive.backup(safe, keep=1).backups == 1
    assert files(safe / "segments") == files(tmp_path / "desk" / "segments")
    with pytest.raises(UsageError, match="keep must be 1 or more"):
        archive.backup(safe, keep=0)


def test_a_backup_beside_a_writer_is_of_one_commit(tmp_path):
    desk, safe = tmp_path / "desk", tmp_path / "safe"
    with Archive.open(desk, create=True) as archive:
        archive.add(news(0, 10), vectors=False)
    stop = threading.Event()

    def write():
        with Archive.open(desk) as other:
            for start in range(10, 2000, 5):
                if stop.is_set():
                    return
                other.add(news(start, start + 5), vectors=False)
                if start % 20 == 0:
                    other.delete([f"n{start}"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Archive.open(desk) as archive:
            reports = [archive.backup(safe) for _ in range(8)]
    finally:
        stop.set()
        writer.join()
    commits = [report.commit for report in reports]
    assert commits == sorted(commits)
    assert len(set(commits)) > 1
    for report in reports:
        restored = Archive.restore(safe, tmp_path / f"new{report.number}", number=report.number)
        assert (restored.commit, restored.articles) == (report.commit, report.articles)


def test_copies_share_no_file_with_the_archive(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    for name in files(tmp_path / "safe"):
        assert (tmp_path / "safe" / name).stat().st_nlink == 1


@pytest.mark.parametrize("made", ["a file", "an archive", "a link"])
def test_nothing_is_written_over(archive, tmp_path, made):
    safe = tmp_path / "safe"
    safe.mkdir()
    if made == "a file":
        (safe / "letters.txt").write_text("dear")
    elif made == "an archive":
        Archive.open(safe, create=True).close()
    else:
        (safe / "broadsheet-backups.json").symlink_to(tmp_path / "letters.txt")
    before = names(safe)
    with pytest.raises((UsageError, ArchiveDamaged)):
        archive.backup(safe)
    assert set(names(safe)) - {"writer.lock"} == set(before) - {"writer.lock"}


def test_backups_of_one_archive_in_one_folder(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    with Archive.open(tmp_path / "other", create=True) as other:
        with other._session.writing() as writer, writer.catalog.writing() as transaction:
            transaction.set("created", "1999-01-01T00:00:00+00:00")
        list(other)
        with pytest.raises(UsageError, match="holds backups of another archive"):
            other.backup(tmp_path / "safe")
    for inside in (tmp_path / "desk" / "safe", tmp_path):
        with pytest.raises(UsageError, match="lie in each other"):
            archive.backup(inside)


def test_a_damaged_archive_is_not_backed_up(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    part = next((tmp_path / "desk" / "segments").rglob("keyword.part"))
    flip(part, 3000)
    with pytest.raises(ArchiveDamaged, match=r"keyword.part does not match its checksum"):
        archive.backup(tmp_path / "fresh")
    assert archive.backup(tmp_path / "safe").files_copied == 0  # of parts that are safe already, nothing is needed
    with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
        connection.execute("UPDATE articles SET record = x'00' WHERE id = 'n7'")
    with pytest.raises(ArchiveDamaged, match="the record of 'n7'"):
        archive.backup(tmp_path / "safe")
    assert Archive.restore(tmp_path / "safe", tmp_path / "new").articles == 30


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)


def test_what_a_backup_has_lost_is_copied_again(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    damaged, gone = sorted((tmp_path / "safe" / "segments").rglob("*.part"))[:2]
    flip(damaged, 500)
    gone.unlink()
    with pytest.raises(ArchiveDamaged):
        Archive.restore(tmp_path / "safe", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    report = archive.backup(tmp_path / "safe")
    assert (report.files_copied, report.files_kept) == (2, 13)
    assert Archive.restore(tmp_path / "safe", tmp_path / "new", number=1).articles == 30


def test_every_damage_of_a_backup_is_found(archive, tmp_path):
    """A flipped bit or a cut in any file, and nothing is restored; nor is anything left behind."""
    safe = tmp_path / "safe"
    archive.backup(safe)
    before = names(tmp_path)
    for name, size in files(safe).items():
        if name == "writer.lock":
            continue
        file = safe / name
        whole = file.read_bytes()
        for data in (whole[:-1], changed(whole, size // 3)):
            file.write_bytes(data)
            with pytest.raises(ArchiveError):
                Archive.restore(safe, tmp_path / "new")
        file.unlink()
        with pytest.raises(ArchiveError):
            Archive.restore(safe, tmp_path / "new")
        file.write_bytes(whole)
    assert names(tmp_path) == before
    Archive.restore(safe, tmp_path / "new")


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


@shows("Archive.restore", "replace")
def test_restore_takes_no_place_that_is_taken(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("dear")
    (tmp_path / "file").write_text("")
    for place, replace, said in (
        ("desk", False, "--replace"),
        ("letters", True, "no archive"),
        ("letters", False, "no archive"),
        ("file", True, "no folder"),
        ("safe", True, "lie in each other"),
    ):
        with pytest.raises(UsageError, match=said):
            Archive.restore(tmp_path / "safe", tmp_path / place, replace=replace)
    (tmp_path / "empty").mkdir()
    assert Archive.restore(tmp_path / "safe", tmp_path / "empty").articles == 30
    with pytest.raises(ArchiveNotFound, match="holds no backups"):
        Archive.restore(tmp_path / "letters", tmp_path / "new")
    assert (tmp_path / "letters" / "one.txt").read_text() == "dear"


def test_an_archive_that_is_replaced_is_another_one_to_who_has_it_open(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    archive.add(news(30, 40))
    report = Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    assert len(content(Path(report.aside))[0]) == 40  # what was there is kept, whole
    assert names(tmp_path) == ["desk", Path(report.aside).name, "safe"]
    for call in (lambda: archive.add(news(90, 91)), lambda: archive.search("dam"), lambda: archive.delete(["n1"])):
        with pytest.raises(ArchiveReplaced):
            call()
    assert len(content(tmp_path / "desk")[0]) == 30


def test_strange_files_of_a_replaced_archive_are_kept(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    (tmp_path / "desk" / "notes.txt").write_text("mine")
    report = Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    assert (Path(report.aside) / "notes.txt").read_text() == "mine"
    assert len(content(tmp_path / "desk")[0]) == 30


def test_a_broken_archive_can_be_replaced(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    archive.close()
    (tmp_path / "desk" / "catalog.sqlite").write_bytes(b"nothing")
    Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    assert len(content(tmp_path / "desk")[0]) == 30


@shows("Archive.restore", "wait")
def test_locks_are_waited_for_or_refused(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    held = lock_writer(Folder.open(tmp_path / "desk"))
    with pytest.raises(ArchiveLocked):
        Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    threading.Timer(0.3, held.release).start()
    assert Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True, wait=True).articles == 30
    held = lock_writer(Folder.open(tmp_path / "safe"))
    with pytest.raises(ArchiveLocked), Archive.open(tmp_path / "desk") as again:
        again.backup(tmp_path / "safe")
    held.release()
    assert [name for name in names(tmp_path) if ".before-restore-" not in name] == ["desk", "safe"]


@pytest.mark.parametrize("can", [True, False])
def test_folders_change_places(tmp_path, monkeypatch, can):
    if not can:
        monkeypatch.setattr(copies, "_exchanged", lambda new, old: False)
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    copies.exchange(tmp_path / "new", tmp_path / "old")
    assert names(tmp_path / "new") == ["old"]
    assert names(tmp_path / "old") == ["new"]
    with pytest.raises(StorageError):
        copies.exchange(tmp_path / "none", tmp_path / "old")
    assert names(tmp_path / "old") == ["new"]


def test_copying_where_the_system_copies_no_ranges(archive, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EXDEV, "no")

    monkeypatch.setattr(os, "copy_file_range", refused)
    assert archive.backup(tmp_path / "safe").files_copied == 15
    assert Archive.restore(tmp_path / "safe", tmp_path / "new").articles == 30


def test_an_error_while_copying_leaves_no_backup(archive, tmp_path, monkeypatch):
    archive.backup(tmp_path / "safe")
    archive.add(news(30, 33))
    calls = []
    copy = copies._copy

    def fails(reading, writing):
        calls.append(reading)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(reading, writing)

    monkeypatch.setattr(copies, "_copy", fails)
    with pytest.raises(StorageError, match="the disk is full"):
        archive.backup(tmp_path / "safe")
    assert Archive.restore(tmp_path / "safe", tmp_path / "first").articles == 30
    report = archive.backup(tmp_path / "safe")
    assert (report.articles, report.files_copied) == (33, 4)  # one of five was there
    assert not [name for name in files(tmp_path / "safe") if ".new" in name]


def test_backing_up_what_cannot_be_written(archive, tmp_path, monkeypatch):
    """An archive on media that are read alone."""
    archive.close()
    monkeypatch.setattr("search.storage.database.may_write", lambda *_: False, raising=False)
    monkeypatch.setattr("search.storage.folder.may_write", lambda *_: False)
    before = files(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as still:
        assert still.backup(tmp_path / "safe").articles == 30
    assert files(tmp_path / "desk") == before


KILLED = """
import sys
from search import Archive
with Archive.open(sys.argv[1]) as archive:
    archive.backup(sys.argv[2])
"""


def test_a_backup_that_ends_at_any_step_harms_none(tmp_path, monkeypatch):
    """Of the renames, syncs and copies of a backup, every second one is in turn the last thing that happens."""

    class Killed(BaseException):
        pass

    count, last = 0, 1000

    def step(what):
        def stepped(*arguments, **named):
            nonlocal count
            count += 1
            if count > last:
                raise Killed
            return what(*arguments, **named)

        return stepped

    desk, safe, work, new = (tmp_path / name for name in ("desk", "safe", "work", "new"))
    with Archive.open(desk, create=True) as archive:
        archive.add(news(0, 4), vectors=False)
        archive.backup(safe)
        archive.add(news(4, 6), vectors=False)
        for steps in range(0, 1000, 2):
            shutil.copytree(safe, work)
            count, last = 0, steps
            with monkeypatch.context() as patch:
                for name in ("fsync", "replace", "rename", "mkdir", "copy_file_range"):
                    patch.setattr(os, name, step(getattr(os, name)))
                try:
                    done = archive.backup(work)
                except Killed:
                    done = None
            assert Archive.restore(work, new).articles in ((4, 6) if done is None else (6,))
            shutil.rmtree(new)
            archive.backup(work)
            assert Archive.restore(work, new).articles == 6
            shutil.rmtree(new)
            shutil.rmtree(work)
            if done is not None:
                break
    assert last > 20


def test_a_killed_backup_is_none(archive, tmp_path):
    archive.backup(tmp_path / "safe")
    archive.add(news(30, 33))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "desk"), str(tmp_path / "safe")])
    try:
        process.wait(0.4)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert Archive.restore(tmp_path / "safe", tmp_path / "new").articles in (30, 33)
    assert archive.backup(tmp_path / "safe").articles == 33


@shows("backup", "--index", "--keep", "--debug")
@shows("restore", "--index", "--number", "--replace", "--debug")
def test_on_the_command_line(archive, tmp_path):
    safe, desk, new = tmp_path / "safe", tmp_path / "desk", tmp_path / "new"
    ran = run("backup", safe, "--index", desk)
    assert ran.exit_code == 0
    assert ran.stderr.startswith("backup 1: 30 articles, ")
    assert " copied, 0 bytes were there, in " in ran.stderr
    archive.add(news(30, 31))
    ran = run("backup", safe, "--index", desk)
    assert "backup 2: 31 articles, " in ran.stderr
    assert ran.stderr.rstrip().endswith(f"2 backups in {safe}")
    ran = run("restore", safe, "--index", new, "--number", 1)
    assert ran.exit_code == 0
    assert f"restored to {new}: 30 articles, " in ran.stderr
    ran = run("restore", safe, "--index", new)
    assert ran.exit_code == 2
    assert "--replace puts the backup in its place" in ran.stderr
    (new / "mine.txt").touch()
    ran = run("restore", safe, "--index", new, "--replace")
    assert ran.exit_code == 0
    assert "what was there before is kept in " in ran.stderr
    assert len(content(new)[0]) == 31
    assert run("backup", safe, "--index", desk, "--keep", 1).stderr.rstrip().endswith(f"1 backup in {safe}")
    assert run("restore", tmp_path / "none", "--index", new).exit_code == 3
    (safe / "3" / "catalog.sqlite").unlink()
    for command in (["restore", safe, "--index", tmp_path / "x"], ["backup", safe, "--index", tmp_path / "gone"]):
        assert "Traceback" in run(*command, "--debug").output


@shows("backup", "--wait")
@shows("restore", "--wait")
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_waiting_on_the_command_line(archive, tmp_path, command):
    safe = tmp_path / "safe"
    archive.backup(safe)
    where = ["--index", tmp_path / ("desk" if command == "backup" else "new")]
    held = lock_writer(Folder.open(safe))
    ran = run(command, safe, *where)
    assert ran.exit_code == 3
    assert "is being written" in ran.stderr
    threading.Timer(0.3, held.release).start()
    assert run(command, safe, *where, "--wait").exit_code == 0
