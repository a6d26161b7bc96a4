"""A short torture: faults and power cuts in every command that writes, kills, damages of every kind of file. The long
one is ``scripts/torture``; what it can see is tested here, too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from search import Archive
from search.errors import ArchiveDamaged, ArchiveLocked, StorageError

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from trials import cuts, damages, kills, layer, material, proof  # noqa: E402

NEEDS_LAYER = pytest.mark.skipif(bool(layer.why_not()), reason=layer.why_not())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))


def run(*arguments):
    """The program itself: it begins anew behind the layer."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "torture"), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@NEEDS_LAYER
def test_faults_and_power_cuts_lose_nothing():
    code, told, errors = run(
        "--faults",
        "60",
        "--cuts",
        "60",
        "--kills=0",
        "--damages=0",
        "--peers=0",
        "--crafted=0",
        "--commits=0",
        "--seed=3",
    )
    assert (code, errors) == (0, ""), told
    assert "faults: 60 cases, 0 failures" in told
    assert "cuts: 60 cases, 0 failures" in told


def test_damages_are_found_and_never_answered_wrongly(tmp_path):
    kinds = tuple(kind for kind in damages.KINDS if kind.archive != "listed")
    trial = damages.Damages(tmp_path, 3, kinds)
    trial.run(66)
    assert trial.failures == []
    assert trial.counts.total() == 66


def test_kills_lose_nothing(tmp_path):
    trial = kills.Kills(tmp_path, 3)
    trial.run(len(material.commands()))
    assert trial.failures == []
    assert trial.counts.total() == len(material.commands())


# What the torture itself sees


def test_a_wrong_answer_is_a_failure(tmp_path, monkeypatch):
    kinds = tuple(kind for kind in damages.KINDS if kind.name == "words")
    trial = damages.Damages(tmp_path, 3, kinds)
    trial.prepare()
    monkeypatch.setattr(damages, "damage", lambda file, chance: ("nothing", file.read_bytes()))
    trial.case(0)
    assert "doctor finds nothing" in trial.failures[0]
    trial._right["work"]["show"] = "another article"
    trial.case(1)
    assert "other answers of show" in trial.failures[1]


def truth_of(name, folder):
    return proof.Truth(next(command for command in material.commands() if command.name == name), folder)


def test_a_lost_commit_a_file_too_many_and_an_open_one_are_failures(tmp_path):
    truth = truth_of("add", tmp_path)
    with proof.site(tmp_path, truth.template) as place:
        assert truth.prove(place, 0) == []
    with proof.site(tmp_path, truth.template) as place:
        assert truth.prove(place, 1)[0].startswith("work holds 6 articles, or others")
    with proof.site(tmp_path, truth.template) as place:
        assert truth.run(place) == (1, None)
        assert truth.prove(place, 1) == []
        stray = place / "work" / "left.new"
        stray.touch()
        assert [line.partition(":")[0] for line in truth.prove(place, 1)] == ["doctor says of work"]
        stray.unlink()
        (place / "work" / ".DS_Store").touch()  # which doctor lets pass
        (place / "beside").touch()
        with (place / "work" / "catalog.sqlite").open("rb"):
            assert [line.partition(":")[0] for line in truth.prove(place, 1)] == [
                "work keeps .DS_Store",
                "beside is left",
                "still open",
            ]
    with proof.site(tmp_path, truth.template) as place:
        (place / "work" / "catalog.sqlite").unlink()
        assert truth.prove(place, 0) == ["work is gone"]


def test_another_answer_after_a_fault_is_a_failure(tmp_path):
    truth = truth_of("delete", tmp_path)
    truth.answers = dict.fromkeys(truth.answers, "another")
    with proof.site(tmp_path, truth.template) as place:
        assert truth.prove(place, 0) == ["work answers otherwise"]


def test_how_a_process_ends(monkeypatch):
    assert proof.forked(lambda: {"a": 1})[:2] == ({"a": 1}, "")
    assert proof.forked(lambda: 1 / 0)[:2] == ("ZeroDivisionError: division by zero", "raised")
    assert proof.forked(lambda: os.kill(os.getpid(), 15)).ended == "SIGTERM"
    assert proof.forked(lambda: os.kill(os.getpid(), 9)).ended == "killed"
    monkeypatch.setattr(proof, "PATIENCE", 0.1)
    assert proof.forked(lambda: __import__("time").sleep(60)).ended == "hangs"


BEHIND = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from trials.cuts import Disk, entries
from trials.layer import Layer

root = Path(sys.argv[1])
layer = Layer(root)

def ends(call):
    try:
        call()
    except OSError as error:
        return os.strerror(error.errno)
    return "well"

def write():
    with (root / "a").open("wb", buffering=0) as file:
        return file.write(b"x" * 10)

layer.count()
write()
print(layer.counted)
layer.fail(2, "ENOSPC", False)
print(ends(write), layer.what.replace(str(root), ""), ends(write))
layer.fail(1, "EIO", True)
print(ends(write), ends(lambda: (root / "a").unlink()), ends(lambda: Path(sys.argv[2]).stat()))
layer.fail(2, "a short write", False)
print(write())
layer.stop()
print(write())
"""


@NEEDS_LAYER
def test_the_layer_counts_fails_and_lets_go(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BEHIND, str(tmp_path), str(ROOT / "scripts")],
        env=layer.preloaded(layer.library(tmp_path)) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "2",
        "No space left on device write /a well",
        "Input/output error Input/output error well",
        "5",
        "10",
    ]


OPENED = """
import gc, os, shutil, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from search import Archive, Article, SearchError
from trials.layer import Layer
from trials.proof import open_below

root = Path(sys.argv[1])
layer = Layer(root)
if not os.fork():
    archive = Archive.open(root / "left", create=True, model="hash")
    archive.add([Article(id="a", text="The dam holds.")])
    os._exit(0)  # with its log beside the catalog
os.wait()
assert (root / "left" / "catalog.sqlite-wal").stat().st_size
gc.disable()
refused = 0
for number in range(1, 41):
    shutil.copytree(root / "left", root / "desk")
    layer.fail(number, "EIO", False)
    try:
        with Archive.open(root / "desk") as archive:
            archive.search("dam", mode="keyword")
            archive.delete(["b"])
    except SearchError:
        refused += 1
    layer.stop()
    if held := open_below(root):
        print(number, layer.what, held)
    shutil.rmtree(root / "desk")
print(refused > 10)
"""


@NEEDS_LAYER
def test_nothing_stays_open_of_an_archive_whose_log_cannot_be_read(tmp_path):
    """Nor waits for the collector: what stays open keeps the space of removed files, and locks."""
    (tmp_path / "desks").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path / "desks"), str(ROOT / "scripts")],
        env=layer.preloaded(layer.library(tmp_path)) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def entry(kind, path="", other="", *, inode=0, offset=0, data=b"", flags=0):
    return cuts.Entry(kind, flags, inode, offset, str(path), str(other), data)


def kept(disk, folder, way, seed=0):
    """What is there after a cut, by name."""
    target = folder / f"{way} {seed}"
    disk.cut(target, way, random.Random(seed))
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_what_lasts_after_a_power_cut(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_bytes(b"old")
    disk = cuts.Disk(root)
    none, everything = "nothing unsynced lasts", "names last"
    disk.apply(entry(cuts._OPEN, root / "new", inode=7))
    disk.apply(entry(cuts._WRITE, root / "new", inode=7, data=b"bytes"))
    assert kept(disk, tmp_path, none, 1) == {"old": b"old"}
    assert kept(disk, tmp_path, everything, 1) == {"old": b"old", "new": b""}
    disk.apply(entry(cuts._SYNC, root / "new", inode=7))
    assert kept(disk, tmp_path, none, 2) == {"old": b"old"}  # its name is not synced
    disk.apply(entry(cuts._SYNC, root, flags=1))
    assert kept(disk, tmp_path, none, 3) == {"old": b"old", "new": b"bytes"}
    disk.apply(entry(cuts._RENAME, root / "new", root / "old"))
    assert kept(disk, tmp_path, none, 4) == {"old": b"old", "new": b"bytes"}
    assert kept(disk, tmp_path, everything, 4) == {"old": b"bytes"}
    for seed in range(8):  # a rename happens whole or not at all
        assert kept(disk, tmp_path, "any of it", seed) in ({"old": b"old", "new": b"bytes"}, {"old": b"bytes"})
    disk.apply(entry(cuts._SYNC, root, flags=1))
    disk.apply(entry(cuts._WRITE, root / "old", inode=7, offset=2, data=b"TE"))
    disk.apply(entry(cuts._TRUNCATE, root / "old", inode=7, offset=3))
    found = {kept(disk, tmp_path, "any of it", seed)["old"] for seed in range(10, 60)}
    assert {b"bytes", b"byT", b"byTEs", b"byt"} <= found
    disk.apply(entry(cuts._MARK, flags=2))
    assert disk.acknowledged == 2


def test_writes_tear_at_sectors(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"a" * 2048)
    disk = cuts.Disk(root)
    inode = (root / "file").stat().st_ino
    disk.apply(entry(cuts._WRITE, root / "file", inode=inode, data=b"b" * 2048))
    found = {kept(disk, tmp_path, "any of it, torn", seed)["file"] for seed in range(40)}
    assert b"a" * 2048 in found
    assert any({data[i : i + 512] for i in range(0, 2048, 512)} == {b"a" * 512, b"b" * 512} for data in found)


# What it found


def failing(*_):
    raise OSError(5, "Input/output error")


def test_a_lock_that_cannot_be_read_is_said_and_held_by_nobody(tmp_path, monkeypatch):
    material.make_small(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        monkeypatch.setattr(os, "pread", failing)
        with pytest.raises(StorageError, match="cannot read the lock of the writer: Input/output error"):
            archive.delete(["n0"])
        monkeypatch.undo()
        assert archive.delete(["n0"]) == 1  # no descriptor was left that holds the lock
        with (tmp_path / "desk" / "writer.lock").open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            monkeypatch.setattr(os, "pread", failing)
            with pytest.raises(ArchiveLocked, match="is being written; wait"):  # by whom, cannot be said
                archive.delete(["n2"])
        monkeypatch.undo()
        assert archive.delete(["n2"]) == 1


def test_a_manifest_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    from search.engine import backup

    material.make_small(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        archive.backup(tmp_path / "safe")
    with monkeypatch.context() as patched:
        patched.setattr(backup.os, "fdopen", failing)
        with pytest.raises(StorageError, match=r"cannot read .*broadsheet-backups.json: Input/output error"):
            Archive.restore(tmp_path / "safe", tmp_path / "new")


def test_what_killed_restores_left_goes_with_the_next_one(tmp_path):
    material.make_small(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        archive.backup(tmp_path / "safe")
    for name in (".new.restoring-0a", ".new.restoring-0b", ".news.restoring-0c", ".desk.restoring-0d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "catalog.sqlite").touch()
    at_work = os.open(tmp_path / ".new.restoring-0b", os.O_RDONLY)
    fcntl.flock(at_work, fcntl.LOCK_EX)
    Archive.restore(tmp_path / "safe", tmp_path / "new")
    kept = {".new.restoring-0b", ".news.restoring-0c", ".desk.restoring-0d"}
    assert {path.name for path in tmp_path.glob(".*")} == kept
    os.close(at_work)
    Archive.restore(tmp_path / "safe", tmp_path / "new", replace=True)
    assert {path.name for path in tmp_path.glob(".*")} == kept - {".new.restoring-0b"}


def test_an_exchange_that_fails_leaves_one_archive_and_one_that_was_made_none_twice(tmp_path, monkeypatch):
    from search.engine import backup
    from search.storage import copies

    material.make_small(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        archive.backup(tmp_path / "safe")
        archive.add(material.news(30, 31))
    own = proof.state(tmp_path, ["desk"])

    def refused(new, old):
        raise StorageError("no")

    with monkeypatch.context() as patched:
        patched.setattr(backup, "exchange", refused)
        with pytest.raises(StorageError):
            Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["desk", "safe"]
    assert proof.state(tmp_path, ["desk"]) == own

    def late(new, old):
        copies.exchange(new, old)
        raise StorageError("its name cannot be synced")

    with monkeypatch.context() as patched:  # they have changed places: the old one is kept
        patched.setattr(backup, "exchange", late)
        with pytest.raises(StorageError):
            Archive.restore(tmp_path / "safe", tmp_path / "desk", replace=True)
    (aside,) = tmp_path.glob("desk.before-restore-*")
    assert proof.state(tmp_path, [aside.name])[0][1] == own[0][1]
    assert proof.state(tmp_path, ["desk"]) != own


def test_what_the_making_of_a_catalog_left_goes_with_the_next_writer(tmp_path):
    material.make_small(tmp_path / "desk")
    for name in ("catalog.new", "catalog.new-wal", "catalog.new-shm"):
        (tmp_path / "desk" / name).touch()
    with Archive.open(tmp_path / "desk") as archive:
        archive.delete(["n0"])
    assert not list((tmp_path / "desk").glob("catalog.new*"))


def test_pieces_of_an_embedding_go_where_it_was_killed_after_it_had_joined_them(tmp_path, monkeypatch):
    from search.storage.folder import Place

    material.make_small(tmp_path / "desk")
    unlink = Place.unlink

    def dies(place):
        if place.name.startswith("embedding-") and place.name.endswith(".part"):
            raise KeyboardInterrupt
        unlink(place)

    with Archive.open(tmp_path / "desk") as archive:
        with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
            patched.setattr(Place, "unlink", dies)
            archive.embed("hash", dimension=32)
        assert list((tmp_path / "desk").rglob("embedding-*.part"))
        assert archive.embed("hash", dimension=32) == 6
        assert not list((tmp_path / "desk").rglob("embedding-*.part"))
        assert archive.check() == []


@pytest.mark.parametrize("joined", [False, True])
def test_a_spoilt_piece_of_an_embedding_is_made_again(tmp_path, monkeypatch, joined):
    from search.engine.reembed import Embedding

    material.make_small(tmp_path / "desk")
    shutil.copytree(tmp_path / "desk", tmp_path / "whole")

    def dies(self, *_):
        raise KeyboardInterrupt

    with Archive.open(tmp_path / "desk") as archive:
        with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
            patched.setattr(Embedding, "commit" if joined else "_remove_pieces", dies)
            archive.embed("hash", dimension=32)
        pieces = list((tmp_path / "desk").rglob("vectors-*.part" if joined else "*-*.*.part"))
        assert pieces
        for piece in pieces:
            data = bytearray(piece.read_bytes())
            data[-40] ^= 4  # numbers that may be, and are not those that were written
            piece.write_bytes(data)
        assert archive.embed("hash", dimension=32) == 6
        assert archive.check(thorough=True) == []
        assert not list((tmp_path / "desk").rglob("embedding-*"))
        found = material.readings()["vector"](archive)
    with Archive.open(tmp_path / "whole") as archive:
        archive.embed("hash", dimension=32)
        assert material.readings()["vector"](archive) == found


def test_a_merge_whose_leavings_cannot_be_removed_keeps_no_lock(tmp_path, monkeypatch):
    from search.storage import segments

    material.make_small(tmp_path / "desk")

    def full(folder):
        raise StorageError("the disk is full")

    with Archive.open(tmp_path / "desk") as archive:
        with monkeypatch.context() as patched:
            patched.setattr(segments, "end_merge", full)
            with pytest.raises(StorageError, match="the disk is full"):
                archive.optimize()
        archive.optimize()
        assert archive.stats()["segments"] == 1


def test_a_digest_that_is_a_list_is_a_damage(tmp_path):
    import json

    from trials.crafted import MAGIC, _opened, _sealed

    material.make_small(tmp_path / "desk")
    part = next((tmp_path / "desk").rglob("vectors.part"))
    header, start, data = _opened(part)
    header["meta"]["ids_digest"] = [[[]]]
    text = json.dumps(header).encode()
    text += b" " * (-(len(MAGIC) + 8 + len(text)) % 64)
    _sealed(tmp_path / "desk", part, MAGIC + len(text).to_bytes(8, "little") + text + bytes(data[start:]))
    with Archive.open(tmp_path / "desk") as archive, pytest.raises(ArchiveDamaged, match="hold different articles"):
        archive.search("warden")


def test_a_name_in_the_catalog_that_is_no_text_is_a_damage(tmp_path):
    material.make_small(tmp_path / "desk")
    catalog = tmp_path / "desk" / "catalog.sqlite"
    data = catalog.read_bytes()
    at = data.index(b"CREATE TABLE alerts") + len(b"CREATE TABLE ale")
    catalog.write_bytes(data[:at] + b"\xcc(" + data[at + 2 :])
    with pytest.raises(ArchiveDamaged, match="is damaged"):
        Archive.open(tmp_path / "desk")


def test_lost_records_are_no_purged_ones(tmp_path):
    material.make(tmp_path / "desk")
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.search("warden", mode="keyword", limit=30).total == 23
        with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
            connection.execute("DELETE FROM articles WHERE id = 'n7'")
        with pytest.raises(ArchiveDamaged, match="has lost the record in its row 8"):
            archive.search("warden", mode="keyword", limit=30)
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.repair().articles == 22
        assert archive.search("warden", mode="keyword", limit=30).total == 22


def test_tombstones_of_zeros_are_refused(tmp_path):
    material.make(tmp_path / "desk")
    with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
        connection.execute("UPDATE tombstones SET row = 0 WHERE row = (SELECT min(row) FROM tombstones)")
    with (
        Archive.open(tmp_path / "desk") as archive,
        pytest.raises(ArchiveDamaged, match=r"the tombstones in .* differ from their checksum"),
    ):
        archive.search("warden")
