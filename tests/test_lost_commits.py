"""A damaged log of the catalog: what was acknowledged and is gone is noticed, named, and not swept away."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import warnings

import pytest

from search import Archive, Article
from search.errors import CommitsLost, SearchError


def article(name):
    return Article(id=name, title=f"The {name}", text=f"The {name} leaks.")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An archive with one commit in its database and three in its log."""
    root = tmp_path_factory.mktemp("built")
    with Archive.open(root / "open", create=True) as archive:
        archive.add([article("old")], vectors=False)
    with Archive.open(root / "open") as archive:
        for name in ("one", "two", "three"):
            archive.add([article(name)])
        shutil.copytree(root / "open", root / "copy")
    return root / "copy"


@pytest.fixture
def path(built, tmp_path):
    shutil.copytree(built, tmp_path / "a")
    return tmp_path / "a"


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def ids(archive):
    return sorted(archive.ids())


@pytest.mark.parametrize("start", range(4))
def test_every_flipped_bit_of_the_log_is_harmless_or_told(path, tmp_path, start):
    """Read or written to first, all four articles are there, or doctor says what is not, and no file of theirs goes."""
    whole = (path / "catalog.sqlite-wal").stat().st_size
    told = 0
    for place in range(start * 31, whole, whole // 12):
        for write_first in (False, True):
            damaged = tmp_path / f"{place}-{write_first}"
            shutil.copytree(path, damaged)
            flip(damaged / "catalog.sqlite-wal", place)
            before = {(file.parent.name, file.name): file.read_bytes() for file in damaged.rglob("*.part")}
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    with Archive.open(damaged) as archive:
                        if write_first:
                            archive.add([article("new")])
                        held, problems = set(ids(archive)), archive.check()
                except SearchError as error:
                    held, problems = set(), [str(error)]
            missing = {"old", "one", "two", "three"} - held
            assert problems or not missing
            if write_first and missing and held:
                assert [warning.category for warning in caught] == [CommitsLost]
                assert all(any(repr(name) in problem for problem in problems) for name in missing)
            after = {(file.parent.name, file.name): file.read_bytes() for file in damaged.rglob("*.part")}
            assert before.items() <= after.items()
            told += bool(missing)
    assert told


def lose(path, built, names):
    """Damage the log so that it ends before the commits of these articles."""
    whole = (built / "catalog.sqlite-wal").stat().st_size
    wanted = {"old", "one", "two", "three"} - set(names)
    for place in range(whole - 4096, 0, -4096):
        shutil.rmtree(path)
        shutil.copytree(built, path)
        flip(path / "catalog.sqlite-wal", place)
        shutil.copytree(path, path.with_name("probe"))
        with Archive.open(path.with_name("probe")) as archive:
            held = set(archive.ids())
        shutil.rmtree(path.with_name("probe"))
        if held == wanted:
            return
    raise AssertionError("no such place")


@pytest.mark.parametrize("names", [["three"], ["two", "three"], ["one", "two", "three"]])
def test_lost_articles_are_named_set_aside_and_come_back(path, built, names):
    lose(path, built, names)
    with Archive.open(path) as archive:
        first, *others = archive.check()
        assert "later ones were made: its log is damaged, or it is an older copy" in first
        assert len(others) == len(names)
        assert all(any(f"{name!r}" in line for line in others) for name in names)
        with pytest.warns(CommitsLost, match=f"{len(names)} segments? of later commits were set aside"):
            archive.delete(["nobody"])
        assert len(list((path / "aside").iterdir())) == len(names)
        archive.add([article(name) for name in names])  # no second warning
        assert ids(archive) == ["old", "one", "three", "two"]
        assert len(archive.check()) == len(names)
        shutil.rmtree(path / "aside")
        assert archive.check() == []


KILLED = """
import os, signal, sys
from search import Archive, Article
from search.storage.transaction import Transaction
Transaction.add_segment = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Archive.open(sys.argv[1]).add([Article(id="four", title="never committed")])
"""


def test_what_a_crash_left_is_swept_without_a_word(path):
    with Archive.open(path) as archive:
        before = archive.stats()["segments"]
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list((path / "segments").iterdir())) == before + 1
    with Archive.open(path) as archive:
        (problem,) = archive.check()
        assert "is named by no commit: an interrupted writer left it" in problem
        archive.add([article("five")])
        assert ids(archive) == ["five", "old", "one", "three", "two"]
        assert archive.check() == []
    assert len(list((path / "segments").iterdir())) == before + 1
    assert not (path / "aside").exists()


def test_an_older_catalog_put_back_sweeps_nothing(tmp_path):
    path = tmp_path / "a"
    with Archive.open(path, create=True) as archive:
        archive.add([article("old")], vectors=False)
    shutil.copy(path / "catalog.sqlite", tmp_path / "catalog.sqlite")
    with Archive.open(path) as archive:
        archive.add([article("one")])
        archive.delete(["old"])
    shutil.copy(tmp_path / "catalog.sqlite", path / "catalog.sqlite")
    with Archive.open(path) as archive:
        assert any("later ones were made" in line for line in archive.check())
        with pytest.warns(CommitsLost):
            archive.optimize()
        assert len(list((path / "aside").iterdir())) == 1


def test_deletes_that_are_lost_are_told(tmp_path):
    path = tmp_path / "a"
    with Archive.open(path, create=True) as archive:
        archive.add([article("old"), article("gone")], vectors=False)
    shutil.copy(path / "catalog.sqlite", tmp_path / "catalog.sqlite")
    with Archive.open(path) as archive:
        archive.delete(["gone"])
    shutil.copy(tmp_path / "catalog.sqlite", path / "catalog.sqlite")
    with Archive.open(path) as archive:
        assert ids(archive) == ["gone", "old"]
        assert any("later ones were made" in line for line in archive.check())
        with pytest.warns(CommitsLost, match="deletes since then are undone"):
            archive.tune(k1=1.5)
        archive.tune(k1=1.4)  # told once
        assert archive.check() == []
