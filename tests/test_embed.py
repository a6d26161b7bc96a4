"""``archive.embed``: vectors for an archive without, other vectors, and what a crash at any step leaves."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.encode.hashing import HashEncoder
from search.engine import reembed as embeddings
from search.engine import session as opened
from search.engine.request import Request
from search.engine.search import search
from search.errors import ArchiveLocked, ArchiveMismatch, ModeError, UsageError
from search.records import Mode
from search.storage import segments
from search.storage.folder import Folder
from search.storage.locks import lock_writer

WORDS = ["alder", "birch", "cedar", "dogwood", "elm", "fig", "gum", "haw"]
QUERIES = ["alder birch", "cedar number 7", "dogwood -elm", "haw gum"]


def news(count=23):
    return [
        Article(
            id=f"a{i}",
            title=f"number {i}",
            text=f"The {WORDS[i % 8]} stands.\n\n" + f"A {WORDS[i % 3]} grows by the {WORDS[i % 5]}. " * 40,
        )
        for i in range(count)
    ]


def build(path, *, vectors=True, model="hash", dimension=None):
    """Three segments, with a deleted and a replaced article."""
    with Archive.open(path, create=True, model=model, dimension=dimension) as archive:
        for start in range(0, 23, 8):
            archive.add(news()[start : start + 8], vectors=vectors)
        archive.delete(["a3", "a9"])
        archive.add([Article(id="a5", title="number 5 again", text="The alder has fallen.")], vectors=vectors)
        assert archive.check() == []


def answers(path):
    with Archive.open(path) as archive:
        assert archive.check() == []
        return [
            [(hit.article.id, hit.score, hit.passages) for hit in archive.search(query, mode=mode, limit=30)]
            for query in QUERIES
            for mode in ("vector", "hybrid")
        ]


def files(path):
    return sorted(str(one.relative_to(path)) for one in (path / "segments").rglob("*") if one.is_file())


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(embeddings, "CHUNK", 3)


@pytest.fixture
def bare(tmp_path):
    build(tmp_path / "bare", vectors=False)
    return tmp_path / "bare"


@pytest.fixture
def expected(tmp_path):
    build(tmp_path / "built")
    return answers(tmp_path / "built")


def test_an_archive_without_vectors_gets_them(bare, expected, monkeypatch):
    monkeypatch.setattr(HashEncoder, "how", "by hand", raising=False)
    with Archive.open(bare) as archive:
        commit = archive.stats()["commit"]
        told = []
        assert archive.embed("hash", progress=lambda *news: told.append(news)) == 21
        assert archive.stats()["commit"] == commit + 1
        assert told[0] == (0, 24, "by hand")
        assert told[-1] == (24, 24, "by hand")
        assert sorted(told) == told
        assert archive.settings["encoder"]["name"] == "hash"
        assert archive.embed() == 0
    assert answers(bare) == expected
    assert [one for one in files(bare) if "embedding-" in one or one.endswith(".new")] == []


def test_what_is_embedded_can_be_added_to_merged_and_purged(bare, expected, tmp_path):
    with Archive.open(bare, model="hash") as archive:
        archive.embed()
        archive.add([Article(id="new", title="new", text="A yew among firs.")])
        assert archive.search("yew firs", mode="vector", limit=1)[0].article.id == "new"
        archive.delete(["new"], purge=True)
        archive.optimize()
        assert archive.stats()["segments"] == 1
    assert answers(bare) == expected


def test_other_vectors_replace_those_that_are_there(tmp_path, expected):
    path = tmp_path / "built"
    build(tmp_path / "narrow", dimension=40)
    with Archive.open(path) as archive:
        assert archive.embed(dimension=40) == 21
        assert archive.settings["encoder"]["dimension"] == 40
        archive.search("alder", mode="vector")
    assert answers(path) == answers(tmp_path / "narrow") != expected
    assert len([one for one in files(path) if "vectors" in one]) == 4  # the old ones are gone
    with Archive.open(path) as archive:
        assert archive.embed(dimension=64) == 21
    assert answers(path) == expected


def test_readers_keep_what_they_have_and_then_see_the_new(tmp_path, expected):
    path = tmp_path / "built"
    with Archive.open(path) as reader, Archive.open(path) as writer:
        with reader._session.reading() as searcher:
            old = [file.name for entry in searcher.snapshot.entries for file in entry.parts.values()]
            writer.embed(dimension=8)
            vector = HashEncoder().encode_query("alder birch")
            assert len(searcher.vectors.rank(vector, None, None, 5)[0]) == 5
            assert len([one for one in files(path) if one.endswith("vectors.part")]) == 4
            assert "vectors.part" in old
        assert reader.settings["encoder"]["dimension"] == 64
        assert len(reader.search("alder birch", mode="vector")) > 0
        assert reader.settings["encoder"]["dimension"] == 8
        writer.delete(["a1"])
        assert [one for one in files(path) if one.endswith("/vectors.part")] == []
        assert writer.check() == []


class Crash(BaseException):
    pass


@pytest.mark.parametrize("later", ["again", "add"])
@pytest.mark.parametrize("step", range(14))
def test_a_crash_at_any_step_changes_nothing(bare, expected, monkeypatch, step, later):
    """A crash before each file that is written, and before the commit; what was written is used, or swept away."""
    real_add, real_encode, written, calls = segments.add_part, HashEncoder.encode, [], []

    def add_part(archive, entry, name, file, part, marked):
        if len(written) == step:
            raise Crash
        written.append(file)
        return real_add(archive, entry, name, file, part, marked)

    def encode(self, inputs, progress=None):
        calls.append(set(inputs))
        return real_encode(self, inputs, progress)

    def commit(self, model):
        raise Crash

    before = files(bare)
    monkeypatch.setattr(HashEncoder, "encode", encode)
    with monkeypatch.context() as crashing, Archive.open(bare) as archive:
        crashing.setattr(segments, "add_part", add_part)
        if step == 13:
            crashing.setattr(embeddings.Embedding, "commit", commit)
        with pytest.raises(Crash):
            archive.embed("hash")
    assert len(written) == step
    finished = calls[: sum(name.startswith("embedding-") for name in written)]
    calls = []
    with Archive.open(bare) as archive:
        assert archive.check() == []
        with pytest.raises(ModeError):
            archive.search("alder", mode="vector")
        if later == "add":
            archive.delete(["a0"])
            assert files(bare) == before
            return
        assert archive.embed("hash") == 21
    assert not set().union(*finished) & set().union(*calls)
    assert answers(bare) == expected


def test_damaged_leftovers_are_made_again(bare, expected, monkeypatch):
    monkeypatch.setattr(embeddings.Embedding, "commit", lambda self, model: None)
    with Archive.open(bare) as archive:
        archive.embed("hash")
    monkeypatch.undo()
    leftovers = list((bare / "segments").rglob("vectors-*.part"))
    assert len(leftovers) == 4
    leftovers[0].write_bytes(b"broken")
    leftovers[1].write_bytes(leftovers[1].read_bytes()[:-1])
    with Archive.open(bare) as archive:
        archive.embed("hash")
    assert answers(bare) == expected


def test_a_writer_is_locked_out(bare):
    lock = lock_writer(Folder.open(bare))
    try:
        with Archive.open(bare) as archive, pytest.raises(ArchiveLocked):
            archive.embed("hash")
    finally:
        lock.release()


def test_dimensions(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash", dimension=8) as archive:
        archive.add(news(3))
        assert archive.settings["encoder"]["dimension"] == 8
        with pytest.raises(UsageError, match="the model hash has 64 dimensions; name 1 to 64, not 65"):
            archive.embed(dimension=65)
    with Archive.open(tmp_path / "a") as archive:  # known without being named again
        archive.add(news(6))
        assert archive.check() == []
        assert len(archive.search("alder", mode="vector")) == 6
    with pytest.raises(ArchiveMismatch, match="has vectors of 8 dimensions, not 16"):
        Archive.open(tmp_path / "a", dimension=16)
    with (
        Archive.open(tmp_path / "b", create=True, model="hash", dimension=65) as archive,
        pytest.raises(UsageError, match="name 1 to 64, not 65"),
    ):
        archive.add(news(3))


def test_truncated_vectors_are_the_first_dimensions_renormalised():
    import numpy as np

    full, short = HashEncoder().encode(["alder birch alder elm"]), HashEncoder(30).encode(["alder birch alder elm"])
    assert short.shape == (1, 30)
    assert short[0] == pytest.approx(full[0, :30] / np.linalg.norm(full[0, :30]))


def test_an_empty_archive(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        assert archive.embed("hash") == 0
        archive.add(news(2))
        assert len(archive.search("alder", mode="vector")) == 2


def test_command(bare, expected):
    run = CliRunner().invoke(cli, ["embed", "--index", str(bare), "--model", "hash"])
    assert run.exit_code == 0
    assert run.stdout == ""
    assert run.stderr.startswith("21 articles embedded with hash, 64 dimensions, in ")
    assert answers(bare) == expected
    run = CliRunner().invoke(cli, ["embed", "--index", str(bare)])
    assert (run.exit_code, run.stderr) == (0, "nothing to embed: the vectors are of hash, 64 dimensions\n")
    run = CliRunner().invoke(cli, ["embed", "--index", str(bare), "--dimension", "99"])
    assert run.exit_code == 2
    assert "has 64 dimensions" in run.stderr


def test_a_search_keeps_the_encoder_of_its_snapshot(tmp_path, monkeypatch):
    """A search that began before ``embed`` committed another model asks the model that its passages are of."""
    build(tmp_path / "a")
    request = Request(query="alder birch", mode=Mode.VECTOR)
    with Archive.open(tmp_path / "a") as archive:
        with archive._session.reading() as searcher:
            before = [(hit.article.id, hit.score) for hit in search(searcher, request)]
        with archive._session.reading() as old:
            archive.embed(dimension=8)
            archive.search("cedar", mode="vector")  # by now the archive's encoder is the new one
            old.queries.forget()
            assert [(hit.article.id, hit.score) for hit in search(old, request)] == before
            with archive._session.reading() as new:
                assert new.queries.vector("alder birch").shape == (8,)
                assert old.queries.vector("alder birch").shape == (64,)


def test_settings_and_snapshot_are_of_one_commit(tmp_path, monkeypatch):
    """Commits that come between taking a snapshot and reading the settings: both are read again."""
    build(tmp_path / "a")
    take, dimensions = opened.take_snapshot, [8, 16, 24]
    with Archive.open(tmp_path / "a") as writer, Archive.open(tmp_path / "a") as reader:

        def overtaken(*args):
            taken = take(*args)
            if dimensions:
                writer.embed(dimension=dimensions.pop())
            return taken

        monkeypatch.setattr(opened, "take_snapshot", overtaken)
        with reader._session.reading() as searcher:
            assert dimensions == []
            assert searcher.vectors.dimension == searcher.queries.identity.dimension == 8


def test_an_unknown_precision_is_refused_before_anything_happens(tmp_path):
    with pytest.raises(UsageError, match="'bogus' is not a precision; use one of auto, bfloat16, float32"):
        Archive.open(tmp_path / "a", create=True, precision="bogus")
    assert not (tmp_path / "a").exists()
    build(tmp_path / "a")
    with pytest.raises(UsageError, match="'Bogus' is not a precision"):
        Archive.open(tmp_path / "a", precision="Bogus")
    with Archive.open(tmp_path / "a") as archive, pytest.raises(UsageError, match="'half' is not a precision"):
        archive.embed(precision="half")
