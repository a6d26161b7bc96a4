"""Collections: kept beside an archive, searched in, and written for other programs and for readers."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from contextlib import closing
from html.parser import HTMLParser

import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged, PurgeUnfinished, QueryError, UsageError
from search.storage.collections import Collections, named

from .effects import TUGS, VOTE, run, shows

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> \x1b[31m \u202e {} \\ % & @article{x, ER  - "


@pytest.fixture
def desk(tmp_path):
    """Five articles, the last of them hostile."""
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add(
            [
                Article(id="a", title="The ferry", text="It sails.\n\nNow.", source="Courier", published="2024-01-02"),
                Article(id="b", title="The tug", text="It tows a ferry.", authors=["Ada Bell"], published="2024-02-03"),
                Article(id="c", title="A barge", text="It waits.", source="Argus"),
                Article(id="d", title="A crane", text="It lifts a ferry.", source="Argus"),
                Article(id="x", title=HOSTILE, text=f"{HOSTILE} ferry", source=HOSTILE, url="javascript:alert(1)"),
            ],
            vectors=False,
        )
        yield archive


def test_a_purge_takes_its_articles_out_of_collections(desk):
    desk.collect("boats", ["a", "b"], tags=["old"], note="mine")
    desk.collect("sails", ["a"])
    desk.collect("removed", ["a"])
    desk.uncollect("removed", ["a"])
    path = Collections(desk.path).path
    assert b"The ferry" in path.read_bytes()
    desk.delete(["a"], purge=True)
    assert b"The ferry" not in path.read_bytes()
    assert b"2024-01-02" not in path.read_bytes()
    told = [(one.id, one.title, one.source, one.published, one.tags, one.note) for one in desk.collection("boats")]
    assert told == [("a", "", "", "", ("old",), "mine"), ("b", "The tug", "", "2024-02-03", ("old",), "mine")]
    assert [(one.id, one.there) for one in desk.collection("sails")] == [("a", False)]


def test_a_purge_that_cannot_write_collections_is_unfinished_and_the_next_writer_ends_it(desk):
    desk.collect("boats", ["a"])
    path = Collections(desk.path).path
    whole = path.read_bytes()
    path.write_bytes(b"no database, and long enough to be read as if it were one")
    with pytest.raises(PurgeUnfinished, match=r"collections keep their titles: .*collections"):
        desk.delete(["a"], purge=True)
    assert any("purge" in problem for problem in desk.check())
    path.write_bytes(whole)
    desk.add([Article(id="n", text="new")], vectors=False)
    assert b"The ferry" not in path.read_bytes()
    assert desk.check() == []


@shows("Archive.collect", "name", "ids", "tags", "note")
@shows("Archive.collection", "name")
@shows("Archive.uncollect", "name", "ids")
@shows("Archive.annotate", "name", "note")
@shows("Archive.drop_collection", "name")
def test_a_collection_is_filled_and_emptied(desk):
    assert desk.collections() == ()
    done = desk.collect("boats", ["b", "nobody", "a", "b"], tags=["seen"], note="by hand")
    assert (done.added, done.changed, done.articles, done.unknown) == (2, 0, 2, ("nobody",))
    done = desk.collect("boats", ["a", "c"], tags=["old", "seen"])
    assert (done.added, done.changed, done.articles, done.unknown) == (1, 1, 3, ())
    told = [(one.id, one.tags, one.note, one.title, one.published) for one in desk.collection("boats")]
    assert told == [
        ("b", ("seen",), "by hand", "The tug", "2024-02-03"),
        ("a", ("seen", "old"), "by hand", "The ferry", "2024-01-02"),
        ("c", ("old", "seen"), "", "A barge", ""),
    ]
    done = desk.uncollect("boats", ["b", "x"])
    assert (done.removed, done.articles, done.unknown) == (1, 2, ("x",))
    desk.annotate("boats", "of the harbour")
    desk.annotate("other", "empty as yet")
    assert [(one.name, one.note, one.articles) for one in desk.collections()] == [
        ("boats", "of the harbour", 2),
        ("other", "empty as yet", 0),
    ]
    desk.drop_collection("other")
    assert [one.name for one in desk.collections()] == ["boats"]
    with pytest.raises(UsageError, match="there is no collection 'other'"):
        desk.drop_collection("other")


@shows("Archive.collect", "query", "filters", "as_of", "literal")
@shows("Archive.dossier", "name")
def test_a_query_fills_it_and_leaves_its_receipt(desk):
    done = desk.collect("ferries", query="ferry", filters={"sources": ["Argus"]})
    assert (done.added, done.articles) == (1, 1)
    assert desk.collect("ferries", query="ferry", as_of="2024-01-10").added == 1
    dossier = desk.dossier("ferries")
    assert [member.id for member, _ in dossier.entries] == ["d", "a"]
    first, second = dossier.receipts
    assert (first.query, first.settings["sources"], first.stages.matched) == ("ferry", ["Argus"], 1)
    assert desk.verify(second).same
    assert desk.collect("literal", query="ferry -tug", literal=True).added == 1  # the tug has both words


def test_in_is_a_constraint_on_both_legs(sample_copy):
    with Archive.open(sample_copy) as archive:
        archive.collect("port", [VOTE, TUGS])
        for mode in ("keyword", "vector", "hybrid"):
            results = archive.search("a bridge in:port", mode=mode, limit=10)
            assert {hit.article.id for hit in results} <= {VOTE, TUGS}
            assert results.total <= 2
        assert {hit.article.id for hit in archive.search("strike in:port", mode="vector")} == {VOTE, TUGS}
        assert archive.search("in:port").total == 2
        assert archive.search("-in:port").total == len(archive) - 2
        assert archive.search("in:port OR id:x").total == 2
        assert archive.describe("strike in:port") == "articles in the collection port, ranked by: strike"
        facets = archive.facets("in:port", fields=["source"])
        assert facets.total == 2
        for value in facets.facets[0].values:
            assert archive.search(value.query).total == value.count


def test_in_says_what_is_not_there(desk):
    desk.collect("boats", ["a", "b"])
    desk.delete(["b"])
    results = desk.search("in:boats")
    assert [hit.article.id for hit in results] == ["a"]
    assert "1 of the 2 articles of boats are not in the archive any more" in results.notes
    assert [one.there for one in desk.collection("boats")] == [True, False]
    with pytest.raises(QueryError, match="there is no collection 'ships'"):
        desk.search("in:ships")
    with pytest.raises(QueryError, match=":= "):
        desk.search("in:=boats")


@pytest.mark.parametrize("name", ["two words", "strike-2024", "Ärger.1"])
def test_names_with_signs_are_quoted(desk, name):
    desk.collect(name, ["a"])
    assert desk.search(f'in:"{name}"').total == 1


def test_it_outlives_the_archive_and_travels_as_one_file(desk, tmp_path):
    desk.collect("boats", ["a", "b"])
    desk.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["desk", "desk.collections"]
    shutil.rmtree(tmp_path / "desk")
    with Archive.open(tmp_path / "desk", create=True) as anew:
        anew.add([Article(id="b", text="back")], vectors=False)
        assert [(one.id, one.there) for one in anew.collection("boats")] == [("a", False), ("b", True)]
        shutil.copy(tmp_path / "desk.collections", tmp_path / "other.collections")
    with Archive.open(tmp_path / "other", create=True) as other:
        assert [one.name for one in other.collections()] == ["boats"]


def test_reading_makes_no_file(desk, tmp_path):
    assert desk.collections() == ()
    with pytest.raises(UsageError):
        desk.collection("boats")
    with pytest.raises(UsageError, match="nothing was collected yet"):
        desk.uncollect("boats", ["a"])
    assert not (tmp_path / "desk.collections").exists()


@pytest.mark.parametrize("name", ["", " ", "../up", "a/b", "a\nb", "x" * 101, "\x1b[31m", "-n", 'a"b', None, "a:b"])
def test_names_that_cannot_be(desk, name):
    with pytest.raises(UsageError, match="a collection's name"):
        desk.collect(name, ["a"])
    with pytest.raises(UsageError):
        named(name)


@pytest.mark.parametrize("how", [{"tags": ["<b>"]}, {"tags": [str(n) for n in range(51)]}, {"note": "x" * 10_001}])
def test_tags_and_notes_that_cannot_be(desk, how):
    with pytest.raises(UsageError):
        desk.collect("boats", ["a"], **how)
    assert desk.collections() == ()


def test_what_was_refused_is_not_half_done(desk, monkeypatch):
    monkeypatch.setattr("search.storage.collections.MOST", 2)
    desk.collect("boats", ["a"])
    with pytest.raises(UsageError, match="at most 2 articles"):
        desk.collect("boats", ["b", "c"])
    assert [one.id for one in desk.collection("boats")] == ["a"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON members BEGIN DELETE FROM members; END",
        "CREATE VIEW v AS SELECT 1",
        "PRAGMA application_id = 7",
        "DROP TABLE receipts",
    ],
)
def test_a_strangers_file_is_refused(desk, tmp_path, statement):
    desk.collect("boats", ["a"])
    with closing(sqlite3.connect(tmp_path / "desk.collections")) as connection, connection:
        connection.execute(statement)
    for ask in (desk.collections, lambda: desk.search("in:boats"), lambda: desk.collect("boats", ["b"])):
        with pytest.raises(ArchiveDamaged):
            ask()
    assert desk.search("ferry").total == 4  # the archive itself is sound


@pytest.mark.parametrize("kind", ["garbage", "link", "folder"])
def test_what_is_no_file_of_collections(desk, tmp_path, kind):
    place = tmp_path / "desk.collections"
    if kind == "garbage":
        place.write_bytes(b"not SQLite" * 1000)
    elif kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
    with pytest.raises(ArchiveDamaged):
        desk.collections()
    with pytest.raises(ArchiveDamaged):
        desk.collect("boats", ["a"])
    assert not (tmp_path / "elsewhere").exists()


def test_values_that_were_tampered_with(desk, tmp_path):
    desk.collect("boats", ["a"])
    with closing(sqlite3.connect(tmp_path / "desk.collections")) as connection, connection:
        connection.execute("UPDATE members SET tags = '{'")
    with pytest.raises(ArchiveDamaged, match="tags"):
        desk.collection("boats")


def test_two_writers_lose_nothing(desk):
    others = Collections(desk.path)
    desk.collect("boats", ["a"])
    others.add("boats", [dict.fromkeys(("id", "title", "source", "published", "url"), "b")], (), None, None)
    desk.collect("boats", ["c"])
    assert others.ids("boats") == ("a", "b", "c")


# The command line


def collect(archive, *arguments):
    return run("collect", "--index", str(archive.path), *arguments)


@shows("collect", "--index", "--debug")
@shows("collect add", "--index", "--query", "--tag", "--note", "--debug")
@shows("collect remove", "--index", "--debug")
@shows("collect note", "--index", "--debug")
@shows("collect drop", "--index", "--yes", "--debug")
def test_collecting_on_the_command_line(desk, tmp_path):
    ran = collect(desk)
    assert (ran.exit_code, ran.stdout) == (0, "")
    ran = collect(desk, "boats", "add", "a", "nobody", "--tag", "seen", "--note", "Why \x1b[31mnot")
    assert ran.exit_code == 1
    assert "1 article added; boats has 1" in ran.stderr
    assert "no article has the id 'nobody'" in ran.stderr
    ran = collect(desk, "boats", "add", "--query", "title:tug OR title:barge")
    assert (ran.exit_code, ran.stderr) == (0, "2 articles added; boats has 3\n")
    ran = collect(desk, "boats")
    assert ran.stdout.splitlines()[0] == "a 2024-01-02 Courier: The ferry [seen] Why not"
    assert [one.split()[0] for one in ran.stdout.splitlines()] == ["a", "b", "c"]
    assert collect(desk, "boats", "remove", "c").exit_code == 0
    assert collect(desk, "boats", "remove", "c").exit_code == 1
    assert collect(desk, "boats", "note", "harbour").exit_code == 0
    assert collect(desk).stdout == "boats: 2 articles (harbour)\n"
    assert run("search", "in:boats", "--format", "ids", "--index", str(desk.path)).stdout.split() == ["b", "a"]
    desk.delete(["a"])
    assert "1 article not in the archive any more: a" in collect(desk, "boats").stderr
    assert collect(desk, "boats", "drop").exit_code == 2
    assert collect(desk, "boats", "drop", "--yes").exit_code == 0
    assert collect(desk, "boats").exit_code == 2
    assert collect(desk, "boats", "add").exit_code == 2
    for command in (["add", "a"], ["remove", "a"], ["note", "x"], ["drop", "--yes"]):
        ran = run("collect", "--index", str(tmp_path / "none"), "boats", *command, "--debug")
        assert ran.exit_code == 3
        assert "Traceback" in ran.stderr
    elsewhere = {"BROADSHEET_INDEX": str(tmp_path / "none")}
    for command in (["add", "a"], ["note", "x"], ["export"], ["remove", "a"], ["drop", "--yes"]):
        assert run("collect", "boats", *command, env=elsewhere).exit_code == 3
    desk.collect("boats", ["b"])
    for command in (["add", "c"], ["note", "x"], ["export"], ["remove", "c"], ["drop", "--yes"]):
        assert run("collect", "boats", *command, "--index", str(desk.path), env=elsewhere).exit_code == 0
    assert not desk.collections()
    assert "Traceback" in run("collect", "--index", str(tmp_path / "none"), "--debug").stderr


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_an_option_before_what_is_to_be_done_is_told_its_place(desk):
    ran = run("collect", "boats", "--index", str(desk.path), "add", "a")
    assert ran.exit_code == 2
    assert "broadsheet collect boats add --index ..." in ran.stderr
    assert "broadsheet collect --index ... boats add" in ran.stderr
    assert "boats remove --query" in run("collect", "boats", "--query", "x", "remove").stderr
    assert "'--nonsense'" in run("collect", "boats", "--nonsense", "add").stderr  # in the library's own words


@shows("collect export", "--index", "--format", "--output", "--debug")
@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "bibtex", "ris", "csl", "ids", "html", "docx"])
def test_exports_are_read_back(desk, tmp_path, form):
    desk.collect("boats", query="title:ferry", tags=["one"], note=HOSTILE)
    desk.collect("boats", ["b", "x", "d"], note=HOSTILE)
    desk.delete(["d"])
    out = tmp_path / "out"
    ran = collect(desk, "boats", "export", "--format", form, "--output", str(out))
    assert ran.exit_code == 0, ran.output
    assert "1 article not in the archive any more: d" in ran.stderr
    (receipt,) = desk.dossier("boats").receipts
    data = out.read_bytes()
    assert b"\x1b" not in data or form in ("docx", "xlsx")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        assert [(row["id"], row["there"]) for row in rows] == [
            ("a", "true"), ("b", "true"), ("x", "true"), ("d", "false"),
        ]  # fmt: skip
        assert rows[2]["title"].startswith("'=cmd")
        assert rows[0]["tags"] == "one"
    elif form == "xlsx":
        import openpyxl

        book = openpyxl.load_workbook(io.BytesIO(data))
        cells = list(book["articles"].iter_rows())
        assert [row[0].value for row in cells] == ["id", "a", "b", "x", "d"]
        assert {cell.data_type for row in cells for cell in row} <= {"s", "b", "n"}
        assert book["receipt"]["A1"].value == f"receipt {receipt.id}"
    elif form == "json":
        record = json.loads(data)
        assert [one["id"] for one in record["articles"]] == ["a", "b", "x", "d"]
        assert record["receipts"] == [receipt.id]
    elif form == "bibtex":
        import bibtexparser

        library = bibtexparser.parse_string(data.decode())
        assert library.failed_blocks == []
        assert [entry.key for entry in library.entries] == ["a", "b", "x"]
        assert {entry.fields_dict["entrysubtype"].value for entry in library.entries} == {"newspaper"}
        assert library.entries[1].fields_dict["author"].value == "Ada Bell"
    elif form == "ris":
        import rispy

        records = rispy.loads(data.decode())
        assert [one["id"] for one in records] == ["a", "b", "x"]
        assert records[1]["authors"] == ["Ada Bell"]
        assert records[0]["year"] == "2024"
    elif form == "csl":
        from citeproc.source.json import CiteProcJSON

        read = CiteProcJSON(json.loads(data))
        assert set(read) == {"a", "b", "x"}
        assert read["b"].author[0].family == "Bell"
    elif form == "ids":
        assert data.decode().split() == ["a", "b", "x"]
    elif form == "html":
        page = _Elements()
        page.feed(data.decode())
        assert {tag for tag, _ in page.found}.isdisjoint({"script", "img", "iframe", "link", "form"})
        links = [attrs["href"] for tag, attrs in page.found if tag == "a"]
        assert links == ["#a1", "#a2", "#a3", "#a4"]
        assert "<script>alert(1)</script>" in page.text
        assert f"Receipt {receipt.id}" in page.text
        assert "It sails." in page.text
        assert "The archive does not have this article any more (id d)." in page.text
        assert "Bell, Ada. “The tug.” February 3, 2024." in page.text
        assert not [attrs for _, attrs in page.found if any(name.startswith("on") for name in attrs)]
    else:
        import docx

        document = docx.Document(str(out))
        text = "\n".join(one.text for one in document.paragraphs)
        headings = [one.text for one in document.paragraphs if one.style.name == "Heading 1"]
        assert headings[:3] == ["Contents", "1. The ferry", "2. The tug"]
        assert headings[-2:] == ["Citations", f"Receipt {receipt.id}"]
        assert "It sails." in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert document.core_properties.title == "boats"
    if form == "csv":
        missing = run("collect", "--index", str(tmp_path / "none"), "boats", "export", "--debug")
        assert "Traceback" in missing.stderr
