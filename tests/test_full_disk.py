"""A full disk: reading and what frees space go on, all else fails by name, and nothing that
was acknowledged is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from search import Archive, Article
from search.errors import DiskFull, PurgeUnfinished
from search.storage import catalog as catalogs
from search.storage import reserve
from search.storage.folder import Folder, Place
from search.storage.locks import oldest_pin, pin
from search.storage.refusals import full

from .effects import run

NEWS = [Article(id=f"n{i}", title=f"Dam {i}", text=f"The dam holds, said warden {i}. zebra{i}x") for i in range(40)]


def make(path):
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add(NEWS[:20])
        archive.add(NEWS[20:])
        archive.add_alert("dams", "dam")
    return path


@pytest.fixture(params=["16m"])
def disk(tmp_path, request):
    """A file system of 16 MiB, or of another size."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk):
    """Take every block that is left, as another program would."""
    for block in (1 << 20, 1 << 12, 1):
        with contextlib.suppress(OSError), (disk / f"filling{block}").open("ab", buffering=0) as file:
            while file.write(bytes(block)):
                pass
    assert os.statvfs(disk).f_bavail == 0


def test_every_command_on_a_full_disk(disk, monkeypatch, tmp_path):
    monkeypatch.setenv("BROADSHEET_CACHE", str(disk / "cache"))
    desk = make(disk / "desk")

    def command(*arguments, code=0):
        fill(disk)
        ran = run(*arguments, "--index", desk)
        assert ran.exit_code == code, (arguments, ran.output, ran.stderr)
        assert "internal error" not in ran.stderr
        return ran

    (tmp_path / "more.jsonl").write_text('{"id": "new", "title": "New", "text": "A new dam."}\n')
    for mode in ("keyword", "vector", "hybrid"):
        assert "warden 7" in command("search", "warden 7", "--mode", mode).stdout
    assert "warden 3" in command("show", "n3").stdout
    for name in (["stats"], ["facets", "dam"], ["timeline", "dam"], ["alerts", "list"], ["export"], ["doctor"]):
        command(*name)
    assert "the disk is full" in command("index", tmp_path / "more.jsonl", code=3).stderr
    assert "the disk is full" in command("alerts", "add", "gates", "gate", code=3).stderr
    command("alerts", "run", "--peek", code=1)
    assert command("delete", "n0").stderr == "1 article deleted\n"
    assert command("delete", "n1", "--purge").stderr == "1 article purged\n"
    assert not [file for file in desk.rglob("*") if file.is_file() and b"zebra1x" in file.read_bytes()]
    command("optimize")
    assert command("delete", "n2").stderr == "1 article deleted\n"
    command("optimize")
    assert "no problems in 37 articles" in command("doctor", "--thorough").stderr
    for file in disk.glob("filling*"):
        file.unlink()
    assert run("index", tmp_path / "more.jsonl", "--index", desk).exit_code == 0
    with Archive.open(desk) as archive:
        assert len(archive) == 38
        assert archive.check(thorough=True) == []


@pytest.mark.parametrize("disk", ["3m", "2m"], indirect=True)
def test_a_small_archive_on_a_small_disk_can_be_freed_from(disk, monkeypatch, tmp_path):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))
    desk = make(disk / "desk")
    assert (desk / reserve.NAME).stat().st_size >= reserve.COMMIT
    for number in range(10, 14):
        fill(disk)
        ran = run("delete", f"n{number}", "--purge", "--index", desk)
        assert (ran.exit_code, ran.stderr) == (0, "1 article purged\n")
        fill(disk)
        assert run("delete", f"n{number + 10}", "--index", desk).stderr == "1 article deleted\n"
    assert not [file for file in desk.rglob("*") if file.is_file() and b"zebra11x" in file.read_bytes()]
    with Archive.open(desk) as archive:
        assert len(archive) == 32
        assert archive.check(thorough=True) == []


def test_an_optimize_without_room_says_how_much_it_needs(tmp_path, monkeypatch):
    desk = make(tmp_path / "desk")
    with Archive.open(desk) as archive:
        before = sorted(desk.glob("segments/*"))
        needed = sum(file.stat().st_size for file in desk.glob("segments/*/*"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("search.storage.segments.write_part", lambda *given: (_ for _ in ()).throw(full("write it")))
            patch.setattr(Folder, "free", lambda self: 12_345)
            with pytest.raises(DiskFull, match=f"up to {needed:,} bytes, and 12,345 can be had"):
                archive.optimize()
        assert sorted(desk.glob("segments/*")) == before
        assert archive.search("warden", mode="keyword").total == 40
        archive.optimize()
        assert archive.check() == []


def test_an_open_archive_goes_on_when_the_disk_fills_and_empties(disk, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CACHE", str(disk / "cache"))
    desk = make(disk / "desk")
    fill(disk)
    with Archive.open(desk) as archive, Archive.open(desk) as other:
        assert archive.search("warden", mode="keyword").total == 40
        with pytest.raises(DiskFull, match="the disk is full"):
            archive.add([Article(id="new", title="New dam")])
        assert archive.delete(["n0"]) == 1
        assert other.search("warden", mode="keyword").total == 39
        assert sorted(other.ids()) == sorted(article.id for article in NEWS[1:])
        for file in disk.glob("filling*"):
            file.unlink()
        assert archive.add([Article(id="new", title="New dam")]).added == 1
        assert other.search("dam", mode="keyword").total == 40
        assert archive.check() == other.check() == []


def crowd(monkeypatch, is_full):
    """A disk that has no room for the file that SQLite's connections share, while ``is_full()``."""
    connect = catalogs.connect

    def refuse(place, unchanging, alone=False):
        if is_full() and not alone:
            raise full(f"open {place.path}")
        return connect(place, unchanging, alone)

    monkeypatch.setattr(catalogs, "connect", refuse)


def test_without_room_for_a_shared_connection_others_are_let_in_between_two_questions(tmp_path, monkeypatch):
    desk, crowded = make(tmp_path / "desk"), [True]
    crowd(monkeypatch, lambda: crowded[0])
    change = f"import search; a = search.Archive.open({str(desk)!r}); a.delete(['n5']); a.close()"
    with Archive.open(desk) as archive:
        assert archive.search("warden", mode="keyword").total == 40
        subprocess.run([sys.executable, "-c", change], check=True)  # as if it had found some room
        assert archive.search("warden", mode="keyword").total == 39
        assert archive._session.catalog._crowded
        crowded[0] = False
        assert archive.search("warden", mode="keyword").total == 39
        assert not archive._session.catalog._crowded
        assert archive.delete(["n6"]) == 1
        assert archive.check() == []


def test_a_log_that_a_crash_left_is_read_without_room(tmp_path, monkeypatch):
    desk = make(tmp_path / "desk")
    crash = (
        f"import os, search; a = search.Archive.open({str(desk)!r}); a.delete(['n5']); "
        "os._exit(0) if os.path.getsize(a.path / 'catalog.sqlite-wal') else None"
    )
    subprocess.run([sys.executable, "-c", crash], check=True)
    (desk / "catalog.sqlite-shm").unlink()
    crowd(monkeypatch, lambda: True)
    with Archive.open(desk) as archive:
        assert archive.search("warden", mode="keyword").total == 39


def test_a_pin_that_has_no_room_holds_everything(tmp_path, monkeypatch):
    folder = Folder.open(make(tmp_path / "desk"))
    original = Place.open

    def refuse(self, flags=os.O_RDONLY, size=None, limit=None):
        if flags & os.O_CREAT and self.names[0] == "pins":
            raise full(f"write {self.path}")
        return original(self, flags, size, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Place, "open", refuse)
        held = pin(folder, 7)
    assert held is not None
    assert oldest_pin(folder, 9) == 0
    held.release()
    assert oldest_pin(folder, 9) == 9


def test_a_purge_without_room_is_said_remembered_and_finished(tmp_path, monkeypatch):
    desk = make(tmp_path / "desk")
    with Archive.open(desk) as archive:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("search.storage.segments.write_part", lambda *given: (_ for _ in ()).throw(full("write it")))
            with pytest.raises(PurgeUnfinished, match="the disk has no room to rewrite a segment"):
                archive.delete(["n3"], purge=True)
        assert archive.search("warden", mode="keyword").total == 39
        assert "a purge is not finished" in archive.check()[0]
        archive.delete(["nobody"])
        assert archive.check() == []
    assert not [file for file in desk.rglob("*") if file.is_file() and b"zebra3x" in file.read_bytes()]


@pytest.mark.parametrize("number", range(12))
def test_no_room_at_any_file_of_an_addition_loses_nothing(tmp_path, monkeypatch, number):
    desk, seen = make(tmp_path / "desk"), [0]
    original = Place.open

    def refuse(self, flags=os.O_RDONLY, size=None, limit=None):
        if flags & os.O_CREAT and "pins" not in self.names and not self.path.exists():
            seen[0] += 1
            if seen[0] > number:
                raise full(f"write {self.path}")
        return original(self, flags, size, limit)

    with pytest.MonkeyPatch.context() as patch, Archive.open(desk) as archive:
        patch.setattr(Place, "open", refuse)
        with contextlib.suppress(DiskFull):  # nothing else
            archive.add([Article(id=f"m{i}", title="More of the dam") for i in range(4)], batch=2)
    with Archive.open(desk) as archive:
        assert len(archive) in (40, 42, 44)
        archive.add([Article(id=f"m{i}", title="More of the dam") for i in range(4)])
        assert len(archive) == 44
        assert archive.check() == []


def test_what_is_kept_is_what_a_purge_takes_and_of_large_archives_a_share():
    assert reserve.wanted([], 40_000) == reserve.COMMIT + 80_000
    assert reserve.wanted([200_000, 300_000], 100_000) == reserve.COMMIT + 300_000
    assert reserve.wanted([10 << 20, 6 << 20], 20 << 20) == reserve.LEAST
    assert reserve.wanted([100 << 20, 60 << 20], 20 << 20) == 10 << 20
    assert reserve.wanted([1 << 33], 1 << 33) == reserve.MOST


def test_a_reserve_is_made_where_there_is_room_and_grows_with_the_archive(tmp_path, monkeypatch):
    desk = make(tmp_path / "desk")
    place = desk / reserve.NAME
    with Archive.open(desk) as archive:
        size = archive._session._reserve()
        assert place.stat().st_size * 4 <= size * 5 <= place.stat().st_size * 5 * 5 // 4
        assert place.stat().st_blocks * 512 >= place.stat().st_size >= reserve.COMMIT
        first = place.stat().st_size
        archive.add([Article(id=f"m{i}", title="Gates", text=f"gate{i} " * 400) for i in range(600)])
        assert place.stat().st_size > first
        assert place.stat().st_size * 5 >= archive._session._reserve() * 4
    place.unlink()
    free = [reserve.COMMIT]
    monkeypatch.setattr(Folder, "free", lambda self: free[0])
    with Archive.open(desk) as archive:
        archive.add([Article(id="a", title="a")])
        assert not place.exists()  # half of what is free would be too little
        archive.delete(["a"])  # it would have given it up, and keeps what is left
        assert reserve.COMMIT // 2 < place.stat().st_size < reserve.COMMIT
        free[0] = 100 << 20
        archive.add([Article(id="a", title="a")])
        assert place.stat().st_size == archive._session._reserve()
