"""Export and import: everything comes back, whatever state the segments are in."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tracemalloc
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.errors import QueryError, RecordsRejected, SourceError, UsageError
from search.storage import codec

from .effects import run, shows

ARTICLES = [
    Article(
        id="dam",
        title="Dam \u201cleaks\u201d",
        text="The dam leaks.\n\nA second paragraph, with a \u2028 separator.",
        published=datetime(2024, 10, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        source="Valley Herald",
        authors=("A. Writer", "B. Writer"),
        url="https://valley.example/dam",
        section="News",
        language="en",
        agency="PTI",
        dateline="Valley",
        caption="The dam",
        extra={"desk": {"page": 3, "tags": ["water", None]}, "score": 0.1, "n": 1 << 60},
    ),
    Article(id="port", title="Port strike", text="Dockers walk out.", published=date(2024, 11, 2), source="Coast"),
    Article(id="gate", title="Gate jams", text="A gate of the dam jams.", published=datetime(1, 1, 1, tzinfo=UTC)),
    Article(id="id with spaces/and \u00e9", text="No title, and nothing of a dam."),
]


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "desk", create=True, model="hash") as opened:
        opened.add(ARTICLES, batch=2)
        yield opened


def hashes(archive):
    return [(article.id, codec.content_hash(codec.to_json(article))) for article in archive]


@shows("Archive.import_", "lines")
def test_everything_comes_back(archive, tmp_path):
    archive.add_alert("dams", "dam")
    archive.add([ARTICLES[1], Article(id="dam2", text="Another dam.")])
    archive.add_alert("strikes", "strike")
    archive.add_alert("all", "dam", everything=True)
    archive.delete(["gate"])
    archive.tune(k1=1.3, title=2)
    lines = list(archive.export())
    header, *articles, end = map(json.loads, lines)
    assert header["broadsheet"] == "export"
    assert [(alert["name"], alert["after"]) for alert in header["alerts"]] == [
        ("all", None),
        ("dams", "id with spaces/and \u00e9"),
        ("strikes", "dam2"),
    ]
    assert end == {"broadsheet": "end", "articles": 4, "damaged": 0}
    assert [article["id"] for article in articles] == ["dam", "port", "id with spaces/and \u00e9", "dam2"]
    with Archive.open(tmp_path / "new", create=True, model="hash") as new:
        report = new.import_(lines)
        assert (report.added, report.alerts, report.alerts_kept, report.notes) == (4, 3, (), ())
        assert hashes(new) == hashes(archive)
        assert (new.settings["bm25"]["k1"], new.settings["bm25"]["title"]) == (1.3, 2)
        assert new.settings["encoder"] == archive.settings["encoder"]
        assert {a.name: (a.query, a.created, a.ran) for a in new.alerts()} == {
            a.name: (a.query, a.created, a.ran) for a in archive.alerts()
        }
        assert [[item.id for item in news.items] for news in new.run_alerts()] == [
            [item.id for item in news.items] for news in archive.run_alerts()
        ]
        assert new.check() == []
        assert list(new.export())[1:] == lines[1:]
        again = new.import_(lines)
        assert (again.skipped, again.alerts, again.alerts_kept) == (4, 0, ("all", "dams", "strikes"))


@settings(deadline=None, max_examples=12)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False)
            | st.text(st.characters(exclude_categories=["Cs"])),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
            max_leaves=5,
        ),
        max_size=4,
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
def test_any_article_comes_back_as_it_was(tmp_path_factory, extra, text):
    folder = tmp_path_factory.mktemp("transfer")
    with Archive.open(folder / "a", create=True) as archive, Archive.open(folder / "b", create=True) as other:
        archive.add([Article(id="x", title="A title", text=text, extra=extra)], vectors=False)
        other.import_([f"{line}\n" for line in archive.export()])
        assert hashes(other) == hashes(archive)
        assert len(other) == 1


@shows("Archive.export", "query", "filters")
def test_what_matches_is_exported(archive, tmp_path):
    archive.add_alert("dams", "dam")

    def ids(*arguments, **named):
        return [json.loads(line).get("id") for line in archive.export(*arguments, **named)][1:-1]

    assert ids("dam") == ["dam", "gate", "id with spaces/and \u00e9"]
    assert ids("dam", filters={"sources": ["Valley Herald"]}) == ["dam"]
    assert ids(filters={"since": "2024-11-01"}) == ["port"]
    assert json.loads(next(archive.export("port")))["alerts"][0]["after"] == "port"
    assert json.loads(next(archive.export("xyzzy")))["alerts"][0]["after"] is None
    with pytest.raises(QueryError):
        list(archive.export("date:nonsense"))


def test_an_export_is_of_one_commit(archive):
    export = archive.export()
    lines = [next(export), next(export)]
    archive.add([Article(id="port", title="Port strike ends", text="Dockers return."), Article(id="new", text="New.")])
    archive.delete(["gate"])
    archive.optimize()
    lines += export
    assert [json.loads(line).get("title") for line in lines[1:-1]] == [
        "Dam \u201cleaks\u201d",
        "Port strike",
        "Gate jams",
        None,
    ]


def test_segments_are_not_needed(archive, tmp_path):
    lines = list(archive.export())
    archive.close()
    for part in (tmp_path / "desk" / "segments").rglob("*.part"):
        part.write_bytes(b"")
    with Archive.open(tmp_path / "desk") as damaged:
        assert list(damaged.export()) == lines
    assert run("export", "--index", tmp_path / "desk").stdout.count("\n") == 6


def test_a_damaged_record_is_told_in_its_place(archive, tmp_path):
    with sqlite3.connect(tmp_path / "desk" / "catalog.sqlite") as connection:
        connection.execute("UPDATE articles SET record = x'00' WHERE id = 'port'")
    lines = list(archive.export())
    damaged = json.loads(lines[2])
    assert (damaged["broadsheet"], damaged["id"], damaged["row"]) == ("damaged", "port", 2)
    assert "does not match its checksum" in damaged["reason"]
    assert json.loads(lines[-1]) == {"broadsheet": "end", "articles": 3, "damaged": 1}
    with Archive.open(tmp_path / "new", create=True, model="hash") as new:
        with pytest.warns(RecordsRejected, match="damaged when it was exported"):
            report = new.import_(lines)
        assert (report.added, report.rejected) == (3, 1)
    ran = run("export", "--index", tmp_path / "desk")
    assert ran.exit_code == 1
    assert "1 record could not be read" in ran.stderr
    ran = run("import", "-", "--index", tmp_path / "again", "--model", "hash", input=ran.stdout)
    assert "rejected line 3: damaged when it was exported" in ran.stderr


def test_exports_that_are_none_or_cut_short(archive, tmp_path):
    lines = list(archive.export())
    with Archive.open(tmp_path / "new", create=True, model="hash") as new:
        for wrong in ([], ["{}"], ["no json"], ["[1]"], lines[1:]):
            with pytest.raises(UsageError, match="no export of an archive"):
                new.import_(wrong)
        later = json.dumps({"broadsheet": "export", "version": 2})
        with pytest.raises(UsageError, match="of version 2"):
            new.import_([later])
        assert len(new) == 0
        with pytest.raises(SourceError, match="cut short: 2 articles had been read"):
            new.import_(lines[:3])
        assert len(new) == 2
        with pytest.raises(SourceError, match="cut short: 1 article had been read"):
            new.import_(lines[:2])
        with pytest.raises(SourceError, match="had 4 articles, and 3 were read"):
            new.import_(lines[:2] + lines[3:])
        with pytest.raises(SourceError, match="comes after the last line"):
            new.import_(lines + lines[1:2])
        with pytest.warns(RecordsRejected):
            report = new.import_([*lines[:2], '{"id": "x", "surprise": 1}', *lines[3:]])
        assert report.rejections[0].line == 3
        assert "surprise" in report.rejections[0].reason


@shows("Archive.import_", "vectors", "batch", "progress")
def test_models_are_chosen_by_people(archive, tmp_path):
    lines = list(archive.export())
    with Archive.open(tmp_path / "none", create=True) as new:
        with pytest.raises(UsageError, match="the model hash; name it with --model"):
            new.import_(lines)
        told = []
        new.import_(lines, vectors=False, batch=1, progress=told.append)
        assert new.stats()["segments"] == 4
        assert told[-1].done == 4
        assert new.settings["vectors"] is False
        bare = list(new.export())
    with Archive.open(tmp_path / "bare", create=True) as new:
        new.import_(bare)
        assert new.settings["vectors"] is False
    archive.tune(k1=2)
    with Archive.open(tmp_path / "none") as new:
        report = new.import_(archive.export())
        assert report.notes == ("the archive has articles already: its own settings stay",)
    with Archive.open(tmp_path / "small", create=True, model="hash", dimension=16) as new:
        assert "others than those of the exported archive" in new.import_(lines).notes[0]


def test_memory_does_not_grow_with_the_archive(tmp_path):
    with Archive.open(tmp_path / "desk", create=True) as archive:
        words = " ".join(f"word{i}" for i in range(1500))
        archive.add((Article(id=f"n{i}", text=f"{i} {words}") for i in range(1500)), batch=500, vectors=False)
        next(archive.export())
        tracemalloc.start()
        size = sum(len(line) for line in archive.export())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size > 18_000_000
    assert peak < 12_000_000


@shows("export", "--index", "--query", "--output", "--debug")
@shows("import", "--index", "--debug")
def test_on_the_command_line(archive, tmp_path):
    desk = tmp_path / "desk"
    ran = run("export", "--index", desk)
    assert ran.exit_code == 0
    assert ran.stderr.startswith("4 articles exported in ")
    assert "\u2028" not in ran.stdout
    assert run("export", "--index", desk, "--query", "strike").stdout.count("\n") == 3
    for name, unpacked in (
        ("all.jsonl", lambda data: data),
        ("all.jsonl.gz", gzip.decompress),
        ("all.jsonl.zst", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ):
        file = tmp_path / name
        assert run("export", "--index", desk, "--output", file).exit_code == 0
        assert unpacked(file.read_bytes()).decode().split("\n")[:-1] == list(archive.export())
        ran = run("import", file, "--index", tmp_path / f"from-{name}", "--model", "hash")
        assert ran.exit_code == 0, ran.output
        assert "4 added, 0 replaced, 0 skipped, 0 rejected, 0 alerts in " in ran.stderr
        with Archive.open(tmp_path / f"from-{name}") as new:
            assert hashes(new) == hashes(archive)
    assert run("import", tmp_path / "gone", "--index", tmp_path / "x").exit_code == 2
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes((tmp_path / "all.jsonl.gz").read_bytes()[:-9])
    assert run("import", cut, "--index", tmp_path / "x", "--model", "hash").exit_code == 2
    for command in (["export"], ["import", tmp_path / "gone"]):
        assert "Traceback" in run(*command, "--index", tmp_path / "nowhere", "--debug").output


@shows("import", "--model", "--dimension", "--precision", "--no-vectors", "--batch", "--wait")
def test_how_an_import_is_made(archive, tmp_path):
    from threading import Timer

    from search.storage.folder import Folder
    from search.storage.locks import lock_writer

    file = tmp_path / "all.jsonl"
    run("export", "--index", tmp_path / "desk", "--output", file)
    new = ["--index", tmp_path / "new"]
    assert "name it with --model" in run("import", file, *new).stderr
    ran = run("import", file, *new, "--model", "hash", "--dimension", 16, "--batch", 3, "--precision", "float32")
    assert ran.exit_code == 0
    with Archive.open(tmp_path / "new") as archive:
        assert archive.stats()["segments"] == 2
        assert archive.stats()["encoder"]["dimension"] == 16
    assert run("import", file, "--index", tmp_path / "y", "--precision", "half").exit_code == 2
    assert run("import", file, "--index", tmp_path / "bare", "--no-vectors").exit_code == 0
    with Archive.open(tmp_path / "bare") as archive:
        assert archive.settings["vectors"] is False
    held = lock_writer(Folder.open(tmp_path / "new"))
    assert run("import", file, *new).exit_code == 3
    Timer(0.3, held.release).start()
    assert "4 skipped" in run("import", file, *new, "--wait").stderr
