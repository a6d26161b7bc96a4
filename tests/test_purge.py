"""A purge that another program's reading, or a crash, cuts short: said, remembered, and finished by the next writer."""

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.errors import PurgeUnfinished
from search.storage import segments

SECRET = Article(id="secret-id", title="Zanzibarine affair", text="A name printed by mistake: Quillonius.")
OTHERS = [Article(id=f"a{i}", title=f"Other {i}", text="The dam leaks.") for i in range(3)]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr("search.storage.catalog.PATIENCE", 50)
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([SECRET, *OTHERS], vectors=False)
    return tmp_path / "a"


@pytest.fixture
def reading(path):
    """Another program in the middle of reading the catalog."""
    connection = sqlite3.connect(path / "catalog.sqlite", isolation_level=None)
    connection.execute("BEGIN")
    assert connection.execute("SELECT count(*) FROM articles").fetchone() == (4,)
    yield connection
    connection.close()


@pytest.fixture
def record(path):
    connection = sqlite3.connect(path / "catalog.sqlite")
    (found,) = connection.execute("SELECT record FROM articles WHERE id = 'secret-id'").fetchone()
    connection.close()
    return found


def holding(path, record):
    wanted = (record, b"quillonius", b"secret-id")
    return {file.name for file in path.rglob("*") if file.is_file() and any(one in file.read_bytes() for one in wanted)}


def test_it_is_said_remembered_and_finished_by_the_next_writer(path, record, reading):
    with Archive.open(path) as archive:
        with pytest.raises(PurgeUnfinished, match=r"the purge of 1 article is not finished: .* another program reads"):
            archive.delete(["secret-id"], purge=True)
        assert "secret-id" not in archive  # deleted it is
        assert holding(path, record) <= {"catalog.sqlite", "catalog.sqlite-wal"} != set()
        assert archive.check() == [
            "a purge is not finished (1 ids): purge again, or write anything, to finish it",
        ]
        archive.add([Article(id="while", title="while it reads on")])
        assert holding(path, record)
        reading.close()
        archive.add([Article(id="next", title="Next")])
        assert holding(path, record) == set()
        assert archive.check() == []
        assert len(archive) == 5


def test_the_command_exits_with_3(path, record, reading):
    done = CliRunner().invoke(cli, ["delete", "--index", str(path), "secret-id", "--purge"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "is not finished: they are deleted" in done.stderr
    assert "purged\n" not in done.stderr
    reading.close()
    CliRunner().invoke(cli, ["optimize", "--index", str(path)])
    assert holding(path, record) == set()


def test_asking_again_finishes_it(path, record, reading):
    with Archive.open(path) as archive:
        with pytest.raises(PurgeUnfinished):
            archive.delete(["secret-id"], purge=True)
        reading.close()
        assert archive.delete(["secret-id"], purge=True) == 0
    assert holding(path, record) == set()


def test_the_last_reader_of_the_product_keeps_nothing(path, record):
    """Readers hold maps and pins, and no transaction: a purge waits for none of them."""
    with Archive.open(path) as reader, Archive.open(path) as archive, reader._session.reading() as view:
        assert view.article("secret-id")[1] == SECRET
        archive.delete(["secret-id"], purge=True)
        assert holding(path, record) == set()


class Crash(BaseException):
    pass


@pytest.mark.parametrize("step", ["write_segment", "remove", "scrub"])
def test_a_crash_in_the_middle_is_finished_by_the_next_writer(path, record, monkeypatch, step):
    def crash(folder=None, dropped=True, *_, **__):
        if dropped:  # before a purge there is nothing to remove
            raise Crash

    with monkeypatch.context() as patch, Archive.open(path) as archive:
        if step == "scrub":
            patch.setattr(archive._session.catalog, "scrub", crash)
        else:
            patch.setattr(segments, step, crash)
        with pytest.raises(Crash):
            archive.delete(["secret-id"], purge=True)
    assert holding(path, record)
    with Archive.open(path) as archive:
        archive.add([Article(id="next", title="Next")])
        assert holding(path, record) == set()
        assert archive.check() == []
        assert len(archive) == 4
