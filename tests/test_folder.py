"""The folder of an archive: another one in its place, links, pipes and other oddities in it, and what it grows to."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged, ArchiveNotFound, ArchiveReplaced, StorageError


def articles(name, count=3):
    return [Article(id=f"{name}{i}", title=f"{name} {i}", text=f"The {name} stands by the {i}.") for i in range(count)]


def contents(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# Another one in its place


@functools.cache
def exported():
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder) / "a", create=True) as archive:
        archive.add(articles("imported"), vectors=False)
        return tuple(archive.export())


def watched(archive):
    """One round over a file with news."""
    news = archive.path.with_name("news.jsonl")
    news.write_text('{"id": "watched", "title": "Watched"}\n')
    with archive.watch([news], once=True, rest=0.0, vectors=False) as watcher:
        return list(watcher)


READS = {
    "alerts",
    "aretrieve",
    "asearch",
    "check",
    "close",
    "collection",
    "collections",
    "describe",
    "dirt",
    "dossier",
    "export",
    "facets",
    "furniture",
    "get",
    "ids",
    "open",
}
READS |= {
    "first",
    "foresee",
    "terms",
    "background",
    "counts",
    "dead_letters",
    "marks",
    "passages",
    "path",
    "receipt",
    "restore",
    "retrieve",
    "sample",
    "search",
    "settings",
    "similar",
    "stats",
    "stories",
    "story",
    "timeline",
    "verify",
    "whoosh",
}
READS |= {"annotate", "collect", "drop_collection", "uncollect"}  # which write beside an archive, and nothing in it
WRITES = {
    "add": lambda archive: archive.add(articles("new")),
    "backup": lambda archive: archive.backup(archive.path.with_name("backups")),
    "add_alert": lambda archive: archive.add_alert("other", "elm"),
    "confirm_alerts": lambda archive: archive.confirm_alerts(()),
    "delete": lambda archive: archive.delete(["old1"]),
    "delete purge": lambda archive: archive.delete(["old1"], purge=True),
    "delete_matching": lambda archive: archive.delete_matching("stands"),
    "embed": lambda archive: archive.embed("hash"),
    "import_": lambda archive: archive.import_(exported()),
    "regroup": lambda archive: archive.regroup(),
    "repair": lambda archive: archive.repair(),
    "optimize": lambda archive: archive.optimize(),
    "prune": lambda archive: archive.prune({"old1"}),
    "remove_alert": lambda archive: archive.remove_alert("saved"),
    "run_alerts": lambda archive: archive.run_alerts(),
    "tune": lambda archive: archive.tune(k1=2.0),
    "watch": lambda archive: watched(archive),
}


def test_every_method_that_writes_is_known_here():
    public = {name for name, _ in inspect.getmembers(Archive) if not name.startswith("_")}
    assert public - READS == {name.split()[0] for name in WRITES}


def build(path, name, vectors=False):
    """Three segments, one with a tombstone, and a saved query."""
    with Archive.open(path, create=True, model="hash") as archive:
        for start in range(3):
            archive.add(articles(name, 9)[start * 3 : start * 3 + 3], vectors=vectors)
        archive.delete([f"{name}4"])
        archive.add_alert("saved", "stands", everything=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two archives: ``old``, and ``their``, copied while it was written to, so that part of it is in its log alone."""
    root = tmp_path_factory.mktemp("built")
    build(root / "old", "old")
    build(root / "open", "their", vectors=True)
    with Archive.open(root / "open") as theirs:
        theirs.add([Article(id="late", title="their late one")])
        shutil.copytree(root / "open", root / "their")
    assert (root / "their" / "catalog.sqlite-wal").stat().st_size > 0
    return root


@pytest.fixture
def spare(tmp_path, built):
    """A folder with the archive ``archive``, a copy ``backup`` of it, and another one, ``their``."""
    for name, copy in (("old", "archive"), ("old", "backup"), ("their", "their")):
        shutil.copytree(built / name, tmp_path / copy)
    return tmp_path


def replaced(path, spare):
    """Another archive."""
    path.rename(spare / "away")
    (spare / "their").rename(path)
    return [*(f"their{i}" for i in range(9) if i != 4), "late"]


def remove(path, spare):
    """Remove it whole, even while a writer is making files in it."""
    path.rename(spare / "gone")
    shutil.rmtree(spare / "gone", ignore_errors=True)


def restored(path, spare):
    """A backup of before, put back."""
    remove(path, spare)
    (spare / "backup").rename(path)
    return [f"old{i}" for i in range(9) if i != 4]


def removed(path, spare):
    remove(path, spare)


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize("change", [replaced, restored, removed])
@pytest.mark.parametrize("call", WRITES)
def test_what_took_its_place_is_left_alone(spare, call, change, read_before):
    path = spare / "archive"
    archive = Archive.open(path)
    archive.add(articles("since"))
    if read_before:
        assert archive.search("stands").total > 0
    ids = change(path, spare)
    before = contents(path)
    with pytest.raises(ArchiveNotFound if ids is None else ArchiveReplaced, match=str(path)):
        WRITES[call](archive)
    archive.close()
    assert contents(path) == before
    if ids is not None:
        with Archive.open(path) as there:
            assert there.check() == []
            hits = there.search("their OR old", limit=100, mode="keyword")
            assert sorted(hit.article.id for hit in hits) == sorted(ids)


@pytest.mark.parametrize("change", [replaced, restored, removed])
def test_an_archive_replaced_during_a_long_add(spare, change):
    path = spare / "archive"
    expected = {}

    def items():
        yield from articles("first", 5)
        change(path, spare)
        expected["files"] = contents(path)
        yield from articles("then", 50)

    with Archive.open(path) as archive, pytest.raises((ArchiveReplaced, ArchiveNotFound, StorageError)):
        archive.add(items(), batch=5)
    assert contents(path) == expected["files"]


def test_the_path_may_be_a_link_and_may_be_relative(tmp_path, monkeypatch):
    build(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    with Archive.open("link") as archive:
        os.chdir("/")
        archive.add(articles("new"))
        assert len(archive) == 11
    build(tmp_path / "other", "other")
    with Archive.open(tmp_path / "link") as archive:
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("other")
        with pytest.raises(ArchiveReplaced):
            archive.add(articles("lost"))
        with pytest.raises(ArchiveReplaced):
            archive.search("stands")


# Files that are none

FILES = ["writer.lock", "pins", "columns.part", "keyword.part", "vectors.part"]
SQLITE = ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", "catalog.sqlite-journal"]
ODDITIES = ["symlink", "hardlink", "pipe", "folder"]


def find(path, name):
    """The file of that name; of a pin, the one that a reader of the last commit takes."""
    if name == "pins":
        with Archive.open(path) as archive:
            commit = archive.stats()["commit"]
        (path / "pins").mkdir(exist_ok=True)
        return path / "pins" / str(commit)
    return next(path.rglob(name), path / name)


def swap(file, elsewhere, how):
    """Put something odd in a file's place."""
    data = file.read_bytes() if file.is_file() else b""
    elsewhere.write_bytes(data or b"mine")
    if how in ("long", "short"):
        file.write_bytes(data + b"x" * 100 if how == "long" else data[:-1])
        return
    file.unlink(missing_ok=True)
    if how == "symlink":
        file.symlink_to(elsewhere)
    elif how == "hardlink":
        file.hardlink_to(elsewhere)
    elif how == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()


def use(path):
    """Read and write it, as an honest user would."""
    with Archive.open(path) as archive:
        archive.search("stands", mode="vector")
        archive.add(articles("new"))
        archive.optimize()


@pytest.fixture
def no_hanging():
    """A pipe that is waited for ends the test."""
    signal.alarm(20)
    yield
    signal.alarm(0)


@pytest.mark.usefixtures("no_hanging")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, how) for name in FILES + SQLITE for how in ODDITIES),
        *((name, "long") for name in FILES),
        *((name, "short") for name in FILES[2:]),  # an empty lock is no oddity, and a pin has no byte to lose
    ],
)
def test_what_is_no_file_of_an_archive_is_not_used(spare, name, how):
    path = spare / "their"
    file, elsewhere = find(path, name), spare / "elsewhere"
    swap(file, elsewhere, how)
    kept = elsewhere.read_bytes(), elsewhere.stat().st_mtime_ns
    with pytest.raises(ArchiveDamaged, match=re.escape(str(file))):
        use(path)
    assert (elsewhere.read_bytes(), elsewhere.stat().st_mtime_ns) == kept
    assert file.lstat()


def test_the_same_archive_without_oddities_is_used(spare):
    use(spare / "their")


@pytest.mark.parametrize("name", ["segments", "pins", "segment"])
def test_a_folder_that_is_a_link_is_not_used(spare, name):
    path = spare / "their"
    (path / "pins").mkdir(exist_ok=True)
    folder = next((path / "segments").iterdir()) if name == "segment" else path / name
    folder.rename(spare / "elsewhere")
    folder.symlink_to(spare / "elsewhere")
    before = contents(spare / "elsewhere")
    with pytest.raises(ArchiveDamaged, match="is a link or no folder"):
        use(path)
    assert contents(spare / "elsewhere") == before


@pytest.mark.usefixtures("no_hanging")
def test_pins_of_nobody_are_passed_over(spare):
    """What no reader can hold keeps nothing, and is neither opened nor removed."""
    path = spare / "their"
    (path / "pins").mkdir(exist_ok=True)
    (spare / "elsewhere").write_bytes(b"mine")
    (path / "pins" / "1").symlink_to(spare / "elsewhere")
    (path / "pins" / "2").mkdir()
    os.mkfifo(path / "pins" / "3")
    (path / "pins" / "notes").write_bytes(b"mine")
    use(path)
    assert {"1", "2", "3", "notes"} <= {one.name for one in (path / "pins").iterdir()}
    assert (spare / "elsewhere").read_bytes() == b"mine"


# Unchanging is what the system says, not what an error suggests

SHORT = """
import os, resource, sys
from search import Archive, Article
from search.errors import StorageError
import search.vector, search.engine.index, sqlite3  # imported before descriptors run short
path, spared = sys.argv[1], int(sys.argv[2])
used = max(int(name) for name in os.listdir("/proc/self/fd")) + 1
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = []
while True:
    try:
        held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
for descriptor in held[:spared]:
    os.close(descriptor)
archive = None
try:
    archive = Archive.open(path)
    print(len(archive))
except StorageError as error:
    print("StorageError", error)
for descriptor in held[spared:]:
    os.close(descriptor)
with Archive.open(path) as writer:
    writer.add([Article(id="newer", title="newer")])
archive = archive or Archive.open(path)
print(len(archive), archive.get("newer").title)
"""


@pytest.mark.parametrize("spared", [0, 1, 2, 3, 5, 8, 12])
def test_an_archive_opened_while_descriptors_are_short_is_none_of_another_kind(spare, spared):
    done = subprocess.run(
        [sys.executable, "-c", SHORT, str(spare / "their"), str(spared)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    first, later = done.stdout.splitlines()
    assert later == "10 newer"
    assert first == "9" or (first.startswith("StorageError cannot ") and "oo many open files" in first)


def test_what_can_be_written_is_never_opened_as_unchanging(spare, monkeypatch):
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda name, **how: opened.append(name) or connect(name, **how))
    with Archive.open(spare / "their") as archive:
        assert len(archive) == 9
    assert [name.partition("?")[2] for name in opened] == ["mode=rw"]


def test_read_only_media_are_read_and_never_written(spare, monkeypatch):
    """As a mounted image: the system says of every file that it cannot be written."""
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda name, **how: opened.append(name) or connect(name, **how))
    monkeypatch.setattr("search.storage.folder.os.access", lambda *_, **__: False)
    before = contents(spare / "archive")
    with Archive.open(spare / "archive") as archive:
        assert archive.search("stands").total == 8
    assert [name.partition("?")[2] for name in opened] == ["mode=ro&immutable=1"]
    assert contents(spare / "archive") == before


# Disk


def size(path):
    return sum(file.stat().st_size for file in (path / "segments").rglob("*") if file.is_file())


def named(path):
    """The bytes of the segments of the last commit, and their folders."""
    with contextlib.closing(sqlite3.connect(path / "catalog.sqlite")) as connection:
        rows = connection.execute("SELECT id, parts FROM segments").fetchall()
    return sum(file["size"] for _, parts in rows for file in json.loads(parts).values()), {
        segment for segment, _ in rows
    }


def folders(path):
    return {one.name for one in (path / "segments").iterdir()}


@pytest.mark.parametrize("readers", ["none", "counted before", "searching meanwhile"])
def test_an_index_run_keeps_no_more_than_what_lives_and_one_merge(tmp_path, readers):
    path, most = tmp_path / "archive", []
    with Archive.open(path, create=True) as archive:
        archive.add(articles("first", 1), vectors=False)
        if readers == "counted before":
            assert len(archive) == 1

        def sample(progress):
            if readers == "searching meanwhile":
                archive.search("stands", limit=1)
            if progress.stage == "writing":
                most.append((size(path), named(path)[0], len(folders(path)), len(named(path)[1])))

        archive.add(articles("next", 2000), batch=50, vectors=False, progress=sample)
        live, segments = named(path)
        assert folders(path) == segments  # while it is open still
        assert size(path) == live
    assert len(most) == 40
    for held, living, kept, alive in most:
        assert held <= 2 * living  # a merge writes as much again as it replaces, at most all
        assert kept <= alive + 1


def test_optimize_leaves_fewer_bytes(tmp_path):
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add(articles("some", 300), batch=50, vectors=False)
        archive.delete([f"some{i}" for i in range(100)])
        assert archive.stats()["segments"] == 6
        before = size(path)
        archive.optimize()
        assert archive.stats()["segments"] == 1
        assert size(path) == named(path)[0] < 0.8 * before
    assert not list((path / "pins").iterdir()) or len(list((path / "pins").iterdir())) == 1


def test_readers_keep_their_files_during_all_this(tmp_path):
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive, Archive.open(path) as other:
        archive.add(articles("some", 300), batch=50, vectors=False)
        with other._session.reading() as theirs, archive._session.reading() as ours:
            archive.delete([f"some{i}" for i in range(100)])
            archive.optimize()
            for view in (theirs, ours):
                assert view.article("some7")[1].title == "some 7"
            assert {entry.id for entry in ours.snapshot.entries} < folders(path)
        assert len(other) == len(archive) == 200
        archive.add(articles("more", 1))
        assert folders(path) == named(path)[1]


def test_the_name_of_a_new_archive_is_durable(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("search.engine.session.fsync_folder", synced.append)
    Archive.open(tmp_path / "desk" / "news", create=True).close()
    assert synced == [tmp_path / "desk", tmp_path]


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("never came")


def test_an_idle_reader_lets_old_files_go_and_removes_them(tmp_path, monkeypatch):
    """Nobody writes any more: who held them last cleans."""
    monkeypatch.setattr("search.engine.session.IDLE", 0.05)
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive, Archive.open(path) as reader:
        archive.add(articles("some", 30), batch=10, vectors=False)
        with reader._session.reading() as view:
            archive.optimize()
            time.sleep(0.2)  # it is read in, however long that takes
            assert {entry.id for entry in view.snapshot.entries} < folders(path)
        wait_for(lambda: folders(path) == named(path)[1])
        assert reader.search("stands").total == 30


def test_a_view_is_looked_at_when_it_was_a_minute_without_use(tmp_path, monkeypatch):
    """Not at the next minute's end after that: what is left of the minute is waited for."""
    waits = []

    class Timer:
        name, daemon = "", False

        def __init__(self, seconds, call, arguments):
            waits.append(seconds)

        def start(self):
            pass

        def cancel(self):
            pass

    monkeypatch.setattr("search.engine.session.threading.Timer", Timer)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles("some", 3), vectors=False)
        archive.search("stands")
        session = archive._session
        for unused, waited in ((20, 40), (59.9, 0.6), (70, 60), (0, 60)):
            session._used = time.monotonic() - unused
            session.give_up_idle_view()
            assert waits[-1] == pytest.approx(waited, abs=0.5)


def test_a_view_of_the_last_commit_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.session.IDLE", 0.02)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles("some", 3), vectors=False)
        with archive._session.reading() as first:
            pass
        time.sleep(0.2)
        with archive._session.reading() as second:
            assert second is first


def test_closing_an_outdated_reader_cleans(tmp_path):
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add(articles("some", 30), batch=10, vectors=False)
        with Archive.open(path) as reader:
            assert len(reader) == 30
            archive.optimize()
            assert folders(path) > named(path)[1]
        assert folders(path) == named(path)[1]


def test_an_error_while_cleaning_is_none_of_what_is_done(tmp_path, monkeypatch):
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add(articles("some", 5), vectors=False)

        def full(*_):
            raise StorageError("cannot remove anything now")

        with monkeypatch.context() as patch:
            # Not the first cleaning, which comes before any work.
            cleaning = iter([True])
            forget = archive._session.catalog.forget
            patch.setattr(
                archive._session.catalog, "forget", lambda before: forget(before) if next(cleaning, None) else full()
            )
            assert archive.add(articles("more", 20), batch=10).added == 20
        assert archive.check() == []
        assert len(archive) == 25


def test_a_full_disk_has_its_name(spare, monkeypatch):
    def refuse(*_, **__):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("sqlite3.connect", refuse)
    with pytest.raises(StorageError, match="disk I/O error"):
        Archive.open(spare / "archive")
    status = os.statvfs_result((4096, 4096, 500, 10, 10, 100, 50, 50, 0, 255))  # 40 KiB are left
    monkeypatch.setattr("search.storage.folder.os.fstatvfs", lambda _: status)
    with pytest.raises(StorageError, match="the disk is full"):
        Archive.open(spare / "archive")


def test_a_file_that_changes_below_an_open_reader_is_refused_and_answered_from_again_once_it_is_whole(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("search.engine.session.LOOK", 0.0)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles("some", 3), vectors=False)
    with Archive.open(tmp_path / "a") as archive:
        assert archive.search("stands").total == 3
        (part,) = (tmp_path / "a").glob("segments/*/keyword.part")
        before = part.read_bytes()
        part.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        for _ in range(2):
            with pytest.raises(ArchiveDamaged, match=r"keyword\.part does not match its checksum"):
                archive.search("stands")
        part.write_bytes(before)
        assert archive.search("stands").total == 3
        part.unlink()
        with pytest.raises(ArchiveDamaged, match=r"keyword\.part is missing"):
            archive.search("stands")


def test_an_archive_that_stays_open_reads_its_files_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.session.LOOK", 0.0)
    monkeypatch.setattr("search.storage.verified.ANEW", 0)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles("some", 3), vectors=False)
    with Archive.open(tmp_path / "a") as archive:
        archive.search("stands")
        session = archive._session
        assert session._patrol.walking is None  # not before it is a minute old
        session._opened -= 60
        archive.search("stands")
        session._patrol.walking.join()
        files = session._view.snapshot.files
        assert session.catalog.folder.compared == set(files)
        session.catalog.folder.differing.update(files)  # as if it had found rot
        with pytest.raises(ArchiveDamaged, match="does not match its checksum"):
            archive.search("stands")
    session._patrol._due = 0.0
    session._patrol.walk(files)  # closed: no further round
    assert session._patrol.walking.name == "patrol"
    assert not session._patrol.walking.is_alive()
