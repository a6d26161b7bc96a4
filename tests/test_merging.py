"""Large merges stand in nobody's way: they are built beside the writers, and named only if
nothing of theirs changed."""

from __future__ import annotations

import os
import signal

import pytest

from search import Archive, Article
from search.engine import merging
from search.errors import ArchiveLocked, StorageError
from search.storage import segments
from search.storage.folder import Folder
from search.storage.locks import lock_merge, written_to

from .effects import run


def article(number, text="The dam holds."):
    return Article(id=f"n{number}", title=f"dam {number}", text=f"{text} zebra{number}x")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Three segments are a tier, and a merge of three is a large one."""
    monkeypatch.setattr(merging, "FACTOR", 3)
    monkeypatch.setattr(merging, "SMALL", 2)


@pytest.fixture
def path(tmp_path):
    """Two segments of one article each, so that the next one makes a tier."""
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        for number in range(2):
            archive.add([article(number)])
        assert archive.stats()["segments"] == 2
    return tmp_path / "a"


def during(monkeypatch, work, times=1):
    """Do something between the building of a merge and its naming, and count the merges."""
    done = []

    def built(folder, parts):
        entry = original(folder, parts)
        done.append(entry.id)
        if len(done) <= times:
            work()
        return entry

    original = merging._built
    monkeypatch.setattr(merging, "_built", built)
    return done


def state(path):
    with Archive.open(path) as archive:
        assert archive.check(thorough=True) == []
        assert archive.counts().agree
        assert archive.search("dam", mode="hybrid", limit=50).total == len(archive)
        return sorted(archive.ids()), archive.stats()["segments"]


def leavings(path):
    return segments.unfinished(Folder.open(path))


def test_others_write_and_delete_while_a_large_merge_is_built(path, monkeypatch):
    def others():
        assert not written_to(Folder.open(path))
        with Archive.open(path) as other:
            assert other.add([article(7)]).added == 1  # it waits for nothing
            assert other.delete(["n0"]) == 1
            assert other.add([article(1, "The gate holds.")]).replaced == 1

    done = during(monkeypatch, others)
    with Archive.open(path) as archive:
        assert archive.add([article(2)]).added == 1
        assert [hit.article.id for hit in archive.search("gate", mode="keyword")] == ["n1"]
        assert archive.search("zebra0x", mode="keyword", literal=True).total == 0
    assert state(path) == (["n1", "n2", "n7"], 1)
    assert len(done) == 2  # the second one with what came during the first
    assert leavings(path) == []


def test_a_purge_while_a_merge_is_built_takes_the_bytes_out_of_that_too(path, monkeypatch):
    def holding():
        return [str(file) for file in path.rglob("*") if file.is_file() and b"zebra0x" in file.read_bytes()]

    def purge():
        assert any("merging" in file for file in holding())
        with Archive.open(path) as other:
            assert other.delete(["n0"], purge=True) == 1
        assert holding() == []

    done = during(monkeypatch, purge)
    with Archive.open(path) as archive:
        archive.optimize()
    assert holding() == []
    assert state(path) == (["n1"], 1)
    assert leavings(path) == []
    assert len(done) <= 2


def test_a_merge_that_others_overtake_each_time_gives_up_and_leaves_nothing(path, monkeypatch):
    numbers = iter(range(20, 40))

    def overtake():
        with Archive.open(path) as other, other._session.writing() as writer, writer.snapshot() as snapshot:
            merging.merge(writer, snapshot, [[0]])  # as a purge does it
        next(numbers)

    during(monkeypatch, overtake, times=99)
    with Archive.open(path) as archive, pytest.raises(ArchiveLocked, match="changed by others while it is merged"):
        archive.optimize()
    assert state(path) == (["n0", "n1"], 2)
    assert leavings(path) == []


def test_while_another_process_merges_one_adds_and_merges_nothing(path):
    lock = lock_merge(Folder.open(path))
    try:
        with Archive.open(path) as archive:
            for number in range(2, 6):
                assert archive.add([article(number)]).added == 1
            assert archive.stats()["segments"] == 6
            with pytest.raises(ArchiveLocked, match="is being merged by another process"):
                archive.optimize()
    finally:
        lock.release()
    with Archive.open(path) as archive:
        archive.add([article(6)])
    assert state(path) == ([f"n{number}" for number in range(7)], 1)


def test_a_run_merges_at_once_what_is_no_more_than_it_wrote(tmp_path, monkeypatch):
    beside = during(monkeypatch, lambda: None)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article(number) for number in range(30)], batch=1, vectors=False)
        assert archive.stats()["segments"] <= 4
        assert beside == []


@pytest.mark.parametrize("step", ["merged", "_built", "publish", "_name"])
def test_a_merge_that_fails_at_any_step_leaves_all_as_it_was(path, monkeypatch, step):
    def fails(*arguments, **settings):
        if step == "_built":
            original(*arguments)
        raise StorageError("no room")

    original = merging._built
    place = segments if step == "publish" else merging
    with pytest.MonkeyPatch.context() as patch, Archive.open(path) as archive:
        patch.setattr(place, step, fails)
        with pytest.raises(StorageError, match="no room"):
            archive.add([article(2)])
    assert leavings(path) == []
    if step == "_name":  # a commit that fails leaves what it was to name to the next writer
        with Archive.open(path) as archive:
            archive.delete(["nobody"])
    assert state(path) == (["n0", "n1", "n2"], 3)
    with Archive.open(path) as archive:  # the next writer does it
        archive.add([article(3)])
    assert state(path)[1] == 1


def test_what_a_killed_merge_leaves_is_told_and_goes_with_the_next_writing(path, monkeypatch):
    child = os.fork()
    if child == 0:
        during(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
        Archive.open(path).optimize()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(leavings(path)) == 1
    with Archive.open(path) as archive:
        (problem,) = archive.check()
        assert "merging" in problem
        assert "is named by no commit: an interrupted writer left it" in problem
        assert len(archive.dirt()) == 1
        archive.delete(["nobody"])
        assert archive.check() == []
    assert leavings(path) == []


def test_the_disk_holds_what_lives_and_the_merge_under_way(tmp_path, monkeypatch):
    def size(place):
        return sum(file.stat().st_size for file in place.rglob("*.part"))

    path = tmp_path / "a"
    with Archive.open(path, create=True) as archive:
        for number in range(12):
            archive.add([article(number, "The dam holds. " * 200)], vectors=False)
            most = []

            def look(most=most):
                most.append(size(path))

            during(monkeypatch, look)
        live = size(path / "segments")
        during(monkeypatch, look)
        archive.optimize()
        assert max(most) <= 2 * live + 10_000
        assert size(path) == size(path / "segments") <= live


@pytest.mark.parametrize("kind", ["pipe", "file", "link"])
def test_what_stands_in_the_place_of_a_merges_folder_is_taken_away(tmp_path, kind):
    """In an archive of a stranger's; a pipe would be waited for without end."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("stays")
    path = tmp_path / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add([Article(id=str(one), title="", text="dam") for one in range(4)], batch=2, vectors=False)
    {
        "pipe": os.mkfifo,
        "file": lambda place: place.write_text(""),
        "link": lambda place: place.symlink_to(kept),
    }[kind](path / "merging")
    with Archive.open(path) as archive:
        archive.add([Article(id="new", title="", text="dam")], vectors=False)
        archive.optimize()
        assert archive.check() == []
        assert len(list((path / "segments").iterdir())) == 1
    assert (kept / "file").read_text() == "stays"


def test_an_addition_says_that_it_waits_for_its_own_merge(path, tmp_path):
    """At once and in one line: by then everything is committed, and the lock is free."""
    told = []

    def progress(news):
        if news.stage == "merging":
            with Archive.open(path) as other:  # whoever comes now is not kept waiting
                told.append((news.done, news.total, news.report.added, len(other), other.delete(["n0"])))

    with Archive.open(path) as archive:
        archive.add([article(2)], progress=progress)
        assert told == [(0, 3, 1, 3, 1)]
        assert archive.stats()["segments"] == 1
        archive.add([article(3)], progress=progress)
        assert len(told) == 1
    state(path)


def test_index_says_that_it_merges_and_ctrl_c_leaves_that_to_a_later_run(path, tmp_path, monkeypatch):
    lines = tmp_path / "more.jsonl"
    lines.write_text('{"id": "n2", "title": "dam 2", "text": "The dam holds."}\n')

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging, "_built", interrupted)
        ran = run("index", lines, "--index", path)
    assert ran.exit_code == 130
    told = (
        "merging 3 articles into one segment: all are searchable already, others may write meanwhile, and Ctrl-C leaves"
    )
    assert told in ran.stderr
    state(path)
    lines.write_text('{"id": "n3", "title": "dam 3", "text": "The dam holds."}\n')
    ran = run("index", lines, "--index", path)
    assert "merging 4 articles into one segment" in ran.stderr
    assert "1 added" in ran.stderr
    with Archive.open(path) as archive:
        assert (len(archive), archive.stats()["segments"]) == (4, 1)
    state(path)


def test_an_optimize_with_nothing_to_do_sweeps_all_the_same(path):
    with Archive.open(path) as archive:
        archive.optimize()
        (segment,) = path.glob("segments/*")
        (path / "segments" / f"{segment.name[:1]}-00ff").mkdir()
        (path / "segments" / f"{segment.name[:1]}-00ff" / "half.part").touch()
        (segment / "keyword.part.new").touch()
        (path / "merging" / "0-00ff").mkdir(parents=True)
        (path / "catalog.new").touch()
        assert len(archive.dirt()) == 4
        archive.optimize()
        assert archive.dirt() == ()
        assert list(path.glob("segments/*")) == [segment]
    state(path)
