"""The folder of an archive: another one in its place, links, pipes and other oddities in it, and what it grows to."""

from __future__ import annotations

import inspect
import os
import shutil

import pytest

from search import Archive, Article
from search.errors import ArchiveNotFound, ArchiveReplaced, StorageError


def articles(name, count=3):
    return [Article(id=f"{name}{i}", title=f"{name} {i}", text=f"The {name} stands by the {i}.") for i in range(count)]


def contents(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# Another one in its place

READS = {
    *("alerts", "aretrieve", "asearch", "check", "close", "describe", "facets", "get", "open", "passages", "retrieve"),
    *("search", "settings", "stats", "timeline"),
}
WRITES = {
    "add": lambda archive: archive.add(articles("new")),
    "add_alert": lambda archive: archive.add_alert("other", "elm"),
    "confirm_alerts": lambda archive: archive.confirm_alerts(()),
    "delete": lambda archive: archive.delete(["old1"]),
    "delete purge": lambda archive: archive.delete(["old1"], purge=True),
    "delete_matching": lambda archive: archive.delete_matching("stands"),
    "embed": lambda archive: archive.embed("hash"),
    "optimize": lambda archive: archive.optimize(),
    "prune": lambda archive: archive.prune({"old1"}),
    "remove_alert": lambda archive: archive.remove_alert("saved"),
    "run_alerts": lambda archive: archive.run_alerts(),
    "tune": lambda archive: archive.tune(k1=2.0),
}


def test_every_method_that_writes_is_known_here():
    public = {name for name, _ in inspect.getmembers(Archive) if not name.startswith("_")}
    assert public - READS == {name.split()[0] for name in WRITES}


def build(path, name):
    """Three segments, one with a tombstone, and a saved query."""
    with Archive.open(path, create=True) as archive:
        for start in range(3):
            archive.add(articles(name, 9)[start * 3 : start * 3 + 3], vectors=False)
        archive.delete([f"{name}4"])
        archive.add_alert("saved", "stands", everything=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two archives: ``old``, and ``their``, copied while it was written to, so that part of it is in its log alone."""
    root = tmp_path_factory.mktemp("built")
    build(root / "old", "old")
    build(root / "open", "their")
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


def restored(path, spare):
    """A backup of before, put back."""
    shutil.rmtree(path)
    (spare / "backup").rename(path)
    return [f"old{i}" for i in range(9) if i != 4]


def removed(path, spare):
    shutil.rmtree(path)


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
