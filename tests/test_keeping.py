"""What an archive keeps beside its articles, and odd values where it reads what others may have written."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from hashlib import sha256

import click
import pytest
from whoosh import query as whoosh
from whoosh.query import spans

from search import Archive, Article
from search.cli import config
from search.cli.main import cli
from search.deadline import Deadline
from search.errors import (
    ArchiveDamaged,
    EncoderError,
    QueryError,
    QueryTimeout,
    RecordsRejected,
    SearchError,
    UsageError,
)
from search.serve import problems

from .forgery import forged

CREATED = "2024-01-01T00:00:00+00:00"


def make(path, word="dam", created=CREATED, identity=True):
    """An archive that was made in a certain second, with or without an identity."""
    with Archive.open(path, create=True) as archive:
        archive.add([Article(id="a", title=word), Article(id="b", title=word)], vectors=False)
    with forged(path) as connection:
        connection.execute("UPDATE settings SET value = ? WHERE key = 'created'", (json.dumps(created),))
        if not identity:
            connection.execute("DELETE FROM settings WHERE key = 'identity'")
    return path


def backed_up(path, to):
    with Archive.open(path) as archive:
        return archive.backup(to).backups


def test_archives_made_in_the_same_second_are_two(tmp_path):
    desk, other = make(tmp_path / "desk"), make(tmp_path / "other", "gate")
    assert backed_up(desk, tmp_path / "safe") == 1
    with pytest.raises(UsageError, match="holds backups of another archive"):
        backed_up(other, tmp_path / "safe")
    moved = desk.rename(tmp_path / "moved")
    assert backed_up(moved, tmp_path / "safe") == 2
    Archive.restore(tmp_path / "safe", tmp_path / "again")
    assert backed_up(tmp_path / "again", tmp_path / "safe") == 3


def test_an_old_archive_keeps_its_backups_when_it_gets_an_identity(tmp_path):
    desk = make(tmp_path / "desk", identity=False)
    other = make(tmp_path / "other", "gate")
    assert backed_up(desk, tmp_path / "safe") == 1
    with sqlite3.connect(desk / "catalog.sqlite") as connection:  # as a version before format 2 left it
        connection.execute("PRAGMA user_version = 2")
        connection.execute("DELETE FROM settings WHERE key = 'seals'")
    with Archive.open(desk) as archive:
        assert "identity" not in archive.settings
        archive.add([Article(id="c", title="c")], vectors=False)
        assert len(archive.settings["identity"]) == 32
    assert backed_up(desk, tmp_path / "safe") == 2
    with pytest.raises(UsageError, match="holds backups of another archive"):
        backed_up(other, tmp_path / "safe")


def test_a_backup_of_another_archive_put_among_ours_is_not_restored(tmp_path):
    backed_up(make(tmp_path / "desk"), tmp_path / "safe")
    backed_up(make(tmp_path / "other", "gate"), tmp_path / "elsewhere")
    shutil.copytree(tmp_path / "elsewhere" / "1", tmp_path / "safe" / "2")
    shutil.copytree(tmp_path / "elsewhere" / "segments", tmp_path / "safe" / "segments", dirs_exist_ok=True)
    with pytest.raises(ArchiveDamaged, match="is of another archive than the folder"):
        Archive.restore(tmp_path / "safe", tmp_path / "again")
    assert Archive.restore(tmp_path / "safe", tmp_path / "again", number=1).articles == 2


@pytest.mark.parametrize("name", ["²", "٣", "1½", "-1"])
def test_names_that_are_nearly_numbers_are_no_backups_and_no_pins(tmp_path, name):
    desk = make(tmp_path / "desk")
    backed_up(desk, tmp_path / "safe")
    (tmp_path / "safe" / name).mkdir()
    (desk / "pins").mkdir(exist_ok=True)
    (desk / "pins" / name).write_bytes(b"")
    assert backed_up(desk, tmp_path / "safe") == 2
    with Archive.open(desk) as archive:
        archive.optimize()
    assert Archive.restore(tmp_path / "safe", tmp_path / "again").number == 2


@pytest.mark.parametrize(
    "odd", [{"commit": float("inf")}, {"articles": None}, {"files": 7}, {"files": [[1, 2]]}, {"catalog": []}]
)
def test_a_manifest_of_odd_values_is_damage(tmp_path, odd):
    backed_up(make(tmp_path / "desk"), tmp_path / "safe")
    manifest = tmp_path / "safe" / "1" / "manifest.json"
    values = json.loads(manifest.read_bytes())["values"] | odd
    text = json.dumps(values, sort_keys=True)
    manifest.write_text(json.dumps({"sha256": sha256(text.encode()).hexdigest(), "values": values}))
    with pytest.raises(ArchiveDamaged, match=r"manifest\.json"):
        Archive.restore(tmp_path / "safe", tmp_path / "again")


def export(path):
    with Archive.open(path) as archive:
        archive.add_alert("dams", "dam", everything=True)
        return list(archive.export())


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"after": [1]}, "its 'after' is [1], where a text belongs"),
        ({"after": "z"}, "the last article that it told, 'z', is not in the export"),
        ({"name": 5}, "its 'name' is 5"),
        ({"query": None}, "its 'query' is None"),
        ({"created": "yesterday"}, "yesterday"),
        ({"created": "2024-01-01"}, "has no time zone"),
        ({"ran": 3.5}, "its 'ran' is 3.5"),
    ],
)
def test_an_alert_of_odd_values_is_said_to_be_the_export_s(tmp_path, odd, said):
    header, *rest = export(make(tmp_path / "desk"))
    values = json.loads(header)
    values["alerts"][0] |= odd
    with Archive.open(tmp_path / "again", create=True) as archive:
        report = archive.import_([json.dumps(values), *rest], vectors=False)
        assert (report.added, report.alerts) == (2, 0)
        (note,) = report.notes
        assert note.startswith("an alert of the export cannot be saved")
        assert said in note


@pytest.mark.parametrize("alerts", [7, "x", [None], [[]]])
def test_alerts_that_are_no_list_of_alerts_are_said_too(tmp_path, alerts):
    header, *rest = export(make(tmp_path / "desk"))
    lines = [json.dumps(json.loads(header) | {"alerts": alerts}), *rest]
    with Archive.open(tmp_path / "again", create=True) as archive:
        assert "it is no object" in archive.import_(lines, vectors=False).notes[0]


ODD = [
    '{"id": 5}',
    '{"id": "x", "authors": [[1]]}',
    '{"id": "x", "published": 1e400}',
    '{"id": "x", "published": "9999999-01-01"}',
    '{"id": "x", "extra": [1]}',
    '{"id": "x", "title": {"a": 1}}',
    '{"id": "x", "colour": "red"}',
    '{"id": "\\ud800"}',
    '{"id": "x", "extra": {"n": NaN, "s": "\\udfff", "big": ' + "9" * 5000 + "}}",
    "[" * 100_000,
    '{"broadsheet": "end"}',
    '{"broadsheet": ["end"]}',
    '{"broadsheet": "damaged"}',
    '{"broadsheet": "end", "articles": Infinity, "damaged": 0}',
    "null",
    '"text"',
]


@pytest.mark.parametrize("line", ODD)
def test_a_line_of_odd_values_is_rejected_or_an_error_of_ours(tmp_path, line):
    header, *articles, end = export(make(tmp_path / "desk"))
    with Archive.open(tmp_path / "again", create=True) as archive:
        with contextlib.suppress(SearchError, RecordsRejected):
            assert archive.import_([header, line, *articles, end], vectors=False).added == 3
        assert archive.check() == []


def test_the_model_that_an_archive_was_made_with_is_remembered(tmp_path):
    Archive.open(tmp_path / "desk", create=True, model="hash", dimension=16).close()
    with Archive.open(tmp_path / "desk") as archive:
        assert archive.settings["model"] == "hash"
        archive.add([Article(id="a", title="dam")])
        assert (archive.settings["encoder"]["name"], archive.settings["encoder"]["dimension"]) == ("hash", 16)


def test_an_empty_archive_takes_the_model_that_is_named_at_last(tmp_path):
    Archive.open(tmp_path / "desk", create=True, model="some/other", dimension=16).close()
    with Archive.open(tmp_path / "desk", model="hash") as archive:
        archive.add([Article(id="a", title="dam")])
        assert archive.settings["model"] == "hash"
        assert archive.settings["encoder"]["dimension"] != 16


@pytest.mark.parametrize("text", ["x = " + "[" * 3000 + "]" * 3000, "x = " + "{a = " * 3000 + "1" + "}" * 3000])
def test_a_file_of_defaults_that_is_nested_too_deep_is_a_message(tmp_path, monkeypatch, text):
    file = tmp_path / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("BROADSHEET_CONFIG", str(file))
    with pytest.raises(UsageError, match=r"config\.toml"):
        config.defaults(click.Context(cli), "stats", cli.get_command(click.Context(cli), "stats"), {"search": ""})


def test_where_a_fault_is_names_what_was_sent_and_none_of_our_functions():
    place = ("body", "filters", "function-wrap[functools.partial(<function x at 0x7f>)]", 1, "key")
    said = json.loads(problems.of_validation([{"type": "value_error", "loc": place, "msg": "no"}]))["error"]
    assert said["param"] == "filters.1.key"
    assert said["message"] == "filters.1.key: no"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 10**400, True, "x", None])
def test_parameters_without_a_sense_are_refused(tmp_path, value):
    with Archive.open(tmp_path / "desk", create=True) as archive, pytest.raises(UsageError, match="BM25 settings must"):
        archive.tune(k1=value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("analysis", 10**30),
        ("analysis", "1"),
        ("passage_tokens", 0),
        ("passage_tokens", True),
        ("bm25", {"k1": "1"}),
        ("bm25", {"k1": 10**400}),
        ("bm25", []),
        ("encoder", {"name": "x", "weights_hash": "", "dimension": 10**12, "max_tokens": 1, "pooling": ""}),
        ("encoder", {"name": 5, "weights_hash": "", "dimension": 8, "max_tokens": 1, "pooling": ""}),
        ("model", 5),
        ("vectors", "yes"),
        ("identity", "/etc/passwd"),
        ("created", 1),
    ],
)
def test_each_setting_has_a_type_and_bounds(tmp_path, key, value):
    path = make(tmp_path / "desk")
    with forged(path) as connection:
        connection.execute("UPDATE settings SET value = ? WHERE key = ?", (json.dumps(value), key))
    with pytest.raises(ArchiveDamaged, match=rf"settings that make no sense \({key}: "):
        Archive.open(path)


def test_no_model_is_fetched_because_an_archive_names_it(tmp_path, monkeypatch):
    """Whoever made the archive would choose what comes from the network; the user may, by naming it."""
    import huggingface_hub

    fetched = []

    def snapshot_download(name, *, local_files_only, **_):
        if not local_files_only:
            fetched.append(name)
        raise OSError("it is not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    path = tmp_path / "desk"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add([Article(id="a", text="dam")])
    with forged(path) as connection:
        connection.execute("UPDATE settings SET value = '\"some/model\"' WHERE key = 'model'")
        connection.execute("UPDATE settings SET value = json_set(value, '$.name', 'some/model') WHERE key = 'encoder'")
    with Archive.open(path) as archive:
        with pytest.raises(EncoderError, match="is not fetched because an archive says so"):
            archive.search("dam", mode="hybrid")
        with pytest.raises(EncoderError, match="--model some/model"):
            archive.add([Article(id="b", text="dam")])
        assert archive.search("dam", mode="keyword").total == 1
        with pytest.raises(EncoderError, match="--model some/model"):
            archive.embed(precision="float32")
    assert fetched == []
    with Archive.open(path, model="some/model") as archive, pytest.raises(EncoderError, match="cannot be fetched"):
        archive.search("dam", mode="hybrid")
    assert set(fetched) == {"some/model"}


def test_no_model_is_fetched_because_an_empty_archive_or_one_without_vectors_names_it(tmp_path, monkeypatch):
    import huggingface_hub

    fetched = []

    def snapshot_download(name, *, local_files_only, **_):
        if not local_files_only:
            fetched.append(name)
        raise OSError("it is not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    Archive.open(tmp_path / "empty", create=True, model="some/model").close()
    with Archive.open(tmp_path / "words", create=True, model="some/model") as archive:
        archive.add([Article(id="a", text="dam")], vectors=False)
    for name, work in (("empty", lambda archive: archive.add([Article(id="b", text="dam")])), ("words", Archive.embed)):
        with Archive.open(tmp_path / name) as archive:
            with pytest.raises(EncoderError, match=r"is not fetched because an archive says so; .*--model some/model"):
                work(archive)
            assert archive.check() == []
    with Archive.open(tmp_path / "empty") as archive:
        assert archive.add([Article(id="b", text="dam")], vectors=False).added == 1
    assert fetched == []
    with Archive.open(tmp_path / "words") as archive, pytest.raises(EncoderError, match="cannot be fetched"):
        archive.embed("some/model")
    assert set(fetched) == {"some/model"}


RUNAWAY = [
    whoosh.Regex("text", "(a+)+$"),
    whoosh.Regex("text", "(a|aa)+c"),
    whoosh.Wildcard("text", "*a*a*a*a*a*a*a*a*a*a*a*c"),
]


def _spans(query):
    word = whoosh.Term("text", "dam")
    yield spans.SpanNear(query, word, slop=3)
    yield spans.SpanNear2([word, spans.SpanOr([word, query])])
    yield spans.SpanFirst(query, limit=5)
    yield spans.SpanNot(word, query)
    yield spans.SpanContains(spans.SpanNear(query, word), word)
    yield whoosh.Sequence([word, query], slop=2)


def test_a_pattern_inside_a_span_query_is_ended_too(tmp_path):
    texts = {"a": "a" * 40 + "b", "b": "dam broke", "c": "a dam of stone broke"}
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add([Article(id=name, text=text) for name, text in texts.items()], vectors=False)
        for query in _spans(whoosh.Regex("text", "(a|aa)+c")):
            with pytest.raises(QueryError, match="takes too long"), Deadline(10):
                archive.search("", where=query)
        for slop, expected in ((1, ["b"]), (3, ["b", "c"])):
            for query in (
                spans.SpanNear(whoosh.Term("text", "dam"), whoosh.Regex("text", "br.ke$"), slop=slop),
                whoosh.Sequence([whoosh.Term("text", "dam"), whoosh.Wildcard("text", "br?ke")], slop=slop),
            ):
                assert sorted(hit.article.id for hit in archive.search("", where=query)) == expected


@pytest.mark.parametrize("query", RUNAWAY, ids=str)
def test_a_pattern_of_whoosh_s_that_runs_away_is_ended(tmp_path, query):
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add([Article(id="a", text="a" * 150 + "b"), Article(id="b", text="dam")], vectors=False)
        try:
            assert archive.search("", where=query).total == 0
        except QueryError as error:
            assert "takes too long" in str(error)  # noqa: PT017 (some patterns the library reads in time, some not)
        with pytest.raises(QueryError, match="takes too long"):
            archive.search("", where=whoosh.Regex("text", "(a|aa)+c"))
        with pytest.raises((QueryError, QueryTimeout)), Deadline(0.1):
            archive.search("", where=whoosh.Regex("text", "(a|aa)+c"))
        assert archive.search("", where=whoosh.Regex("text", "d[ae]m$")).total == 1
        assert archive.search("", where=whoosh.Wildcard("text", "d?m")).total == 1
        assert archive.search("", where=whoosh.Or([whoosh.Regex("text", "da"), whoosh.Term("id", "a")])).total == 2
        with pytest.raises(QueryError, match="is no regular expression"):
            archive.search("", where=whoosh.Regex("text", "d("))
