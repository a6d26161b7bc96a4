"""What a query names and nothing has is said: words, sides of a comparison, settings by the names that were used."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from search import Archive, Article, Filters
from search.errors import QueryError, UsageError
from search.query import named, parts

from .effects import run


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    articles = [
        Article(id="dam", title="Corran Dam leaks", text="The Corran Dam leaks, engineers said.", source="Ledger"),
        Article(id="ferry", title="Ferry stops", text="The Selwyn ferry stops on Monday.", published="2024-03-04"),
        Article(id="elided", title="Mostra", text="Una mostra dell'arte moderna a Selwyn.", published="2024-05-06"),
        Article(id="irish", title="Minister", text="Minister O'Brien spoke. The L and M.", published="2024-05-07"),
        *(Article(id=f"dam{n}", title=f"Corran Dam {n}", text="Corran Dam again.", source="Post") for n in range(12)),
    ]
    with Archive.open(tmp_path_factory.mktemp("said") / "a", create=True) as archive:
        archive.add(articles, vectors=False)
        yield archive


def notes(archive, query, **settings):
    said = archive.search(query, **settings).notes
    return [note for note in said if "no article has '" in note or "side" in note]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("xyzzy", ["no article has 'xyzzy'"]),
        ("Corran xyzzy plugh", ["no article has 'xyzzy' or 'plugh'"]),
        ('Corran "xyzzy dam"', ["no article has 'xyzzy'"]),
        ("+xyzzy Corran", ["no article has 'xyzzy'"]),
        ("Corran -xyzzy", []),
        ("the of engineers", []),
        ("Corran zzq*", ["no article has 'zzq*'"]),
        ("Corran qqqqq~", ["no article has 'qqqqq~'"]),
        ("leaking leaks", []),
        ("source:xyzzy", []),
        ("Corran versus Selwyn", []),
        ("May 2024", []),
        (
            " ".join(f"q{n}x" for n in range(12)),
            ["no article has 'q0x', 'q1x', 'q2x', 'q3x', 'q4x', 'q5x', 'q6x', 'q7x' or 4 more of the words"],
        ),
    ],
)  # fmt: skip
def test_each_word_that_no_article_has_is_said(archive, query, said):
    assert notes(archive, query) == said
    assert [note for note in archive.facets(query).notes if note.startswith("no article has '")] == said


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("Corran Dam versus Zorblax bridge", ["no article has what this side names: Zorblax bridge"]),
        ("compare Zorblax with the Corran Dam", ["no article has what this side names: Zorblax"]),
        ("Corran Dam vs Selwyn ferry", []),
        (
            "what is the difference between the Corran Dam and the zeppelin?",
            ["no article has what this side names: the zeppelin?"],
        ),
        ("Corran Dam leaks", []),
    ],
)  # fmt: skip
def test_a_side_of_a_comparison_that_nothing_has_is_said(archive, query, said):
    assert [note for note in notes(archive, query) if "side" in note] == said


def test_a_side_that_is_there_and_not_among_the_hits_is_said(archive):
    (note,) = [one for one in notes(archive, "Corran Dam again versus Selwyn ferry", limit=1) if "side" in one]
    assert note == "none of these hits is of this side: Corran Dam again; 13 articles have what it names"


def test_a_source_that_a_side_names_and_nothing_has_is_said(archive):
    said = notes(archive, "how did Ledger and Post report the engineers?", limit=1)
    side = "how did Post report the engineers?"
    assert f"none of these hits is of this side: {side}; 12 articles have what it names" in said


def test_articles_without_a_date_can_be_seen(archive):
    undated = [hit.article.id for hit in archive.search("date:none", limit=20)]
    assert sorted(undated) == sorted(["dam", *(f"dam{n}" for n in range(12))])
    assert archive.search("date:none leaks").total == 1
    assert archive.search("-date:none").total == 3
    assert archive.search("Corran since:2024").notes[-1] == (
        "13 articles without a date cannot be among these; date:none finds such articles"
    )
    assert archive.describe("date:none") == "articles without a date, newest first"
    assert archive.describe("-date:none") == "articles not (without a date), newest first"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('"dell arte"', ["elided"]),
        ('"mostra dell arte moderna"', ["elided"]),
        ("\"dell'arte moderna\"", ["elided"]),
        ('"dell arte antica"', []),
        ('"O Brien"', ["irish"]),
        ('"minister o brien spoke"', ["irish"]),
        ('"l and"', ["irish"]),  # two words of the text, and no reading of "land"
        ("exact:\"dell arte\"", []),
    ],
)  # fmt: skip
def test_a_phrase_finds_what_print_joins_by_an_apostrophe(archive, query, ids):
    assert [hit.article.id for hit in archive.search(query) if hit.matched] == ids


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "soon"], "--from: 'soon' is not a date"),
        (["--to", "soon"], "--to: 'soon' is not a date"),
        (["--from", "2025", "--to", "2024"], "--from 2025 lies after --to 2024; exchange them"),
        (["--recency", "soon"], "--recency: 'soon' is not a length of time"),
        (["--as-of", "soon"], "--as-of: 'soon' is not a date"),
        (["--mode", "vector"], "so --mode 'vector' cannot be served"),
    ],
)
def test_an_error_names_the_option_that_was_given(archive, options, said):
    result = run("search", "dam", "--index", str(archive.path), *options)
    assert result.exit_code == 2
    assert f"broadsheet: {said}" in result.stderr or said in result.stderr


def test_an_error_tells_a_program_which_setting_is_at_fault(archive):
    for settings, name in (
        ({"filters": Filters(since="soon")}, "since"),
        ({"recency": "soon"}, "recency"),
        ({"limit": -1}, "limit"),
        ({"cursor": "!"}, "cursor"),
        ({"mode": "best"}, "mode"),
    ):
        with pytest.raises(UsageError) as raised:
            archive.search("dam", **settings)
        assert raised.value.settings == (name,)
    with pytest.raises(QueryError) as raised:
        archive.search("dam AND (")
    assert raised.value.settings == ()


def test_numbers_of_one_are_singular(archive, tmp_path):
    assert repr(archive.search("ferry", limit=1)) == "<Results for 'ferry': 1 hit of 1 article, keyword>"
    assert "<p>1 article matches ferry</p>" in archive.search("ferry")._repr_html_()
    assert ": 1 passage, " in repr(archive.retrieve("When does the ferry stop?"))
    stats = run("stats", "--index", str(archive.path)).stdout
    assert "\n  (none): 3\n" in stats


def test_tables_are_written_for_a_spreadsheet_and_to_files(archive, tmp_path):
    from .test_exports_workbook import cells

    for command, header in (("facets", ["field", "value", "count", "query"]), ("timeline", ["month", "start", "end"])):
        table = run(command, "--index", str(archive.path), "--format", "csv").stdout.splitlines()
        file = tmp_path / f"{command}.xlsx"
        done = run(command, "--index", str(archive.path), "--format", "xlsx", "--output", str(file))
        assert done.exit_code == 0, done.stderr
        rows = cells(file.read_bytes())
        assert rows[0][: len(header)] == header
        assert len(rows) == len(table)
        assert table[0].split(",")[: len(header)] == header


def test_stories_are_tables_for_a_spreadsheet(tmp_path):
    from .test_exports_workbook import cells

    text = (
        "The Corran Dam was closed on Monday after engineers of the water company found a crack in its northern wall. "
    )
    copies = [Article(id=str(n), title="Dam", text=text * 3, source=f"Outlet {n}") for n in range(3)]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(copies, vectors=False)
    for asked, count in (("stories", 1), ("story", 3)):
        arguments = [asked, *(["0"] if asked == "story" else []), "--index", str(tmp_path / "a")]
        table = run(*arguments, "--format", "csv").stdout.splitlines()
        file = tmp_path / f"{asked}.xlsx"
        assert run(*arguments, "--format", "xlsx", "--output", str(file)).exit_code == 0
        rows = cells(file.read_bytes())
        assert len(rows) == len(table) == 1 + count
        assert rows[0] == table[0].split(",")


def test_evaluations_are_tables_too_and_copies_can_be_compared(archive, tmp_path):
    (tmp_path / "q.tsv").write_text("1\tferry\n2\tdam\n")
    (tmp_path / "r.txt").write_text("1 0 ferry 1\n2 0 dam 1\n")
    asked = ["evaluate", "--index", str(archive.path), "--queries", str(tmp_path / "q.tsv"), "--qrels",
             str(tmp_path / "r.txt"), "--depth", "100"]  # fmt: skip
    measures = json.loads(run(*asked, "--format", "json").stdout)["measures"]["keyword"]
    header, row = run(*asked, "--format", "csv").stdout.splitlines()
    assert header.split(",") == ["mode", *measures]
    assert row.split(",") == ["keyword", *map(str, measures.values())]
    compared = run(*asked, "--compare", "copies=show", "copies=collapse", "--format", "csv")
    assert compared.exit_code == 0, compared.stderr
    assert compared.stdout.splitlines()[0].startswith("mode,measure,first,second,difference")


def test_the_same_run_comes_to_rest_though_ids_repeat_in_it(tmp_path):
    line = "The bridge over the river was closed for repairs on Monday by the council after a long debate."
    versions = [{"id": "1", "title": "Bridge", "text": f"{line} It opens on {day}.", "date": "2024-01-02"}
                for day in ("Friday", "Saturday", "Sunday")]  # fmt: skip
    others = [{"id": f"o{n}", "title": f"Other {n}", "text": f"word{n}", "date": "2024-01-02"} for n in range(1_200)]
    for number, records in enumerate(([*versions], [versions[0], *others, *versions[1:]])):
        file, folder = tmp_path / f"{number}.jsonl", tmp_path / f"a{number}"
        file.write_text("".join(json.dumps(one) + "\n" for one in records))
        asked = ["index", str(file), "--index", str(folder), "--no-vectors"]
        first = run(*asked).stderr
        assert "2 records took the place of others of this run with the same id" in first
        assert f"{len(records) - 2:,} added, 2 replaced, 0 skipped" in first
        for _ in range(2):
            again = run(*asked)
            assert "took the place" not in again.stderr
            assert f"nothing is new: {len(records):,} articles unchanged" in again.stderr
            assert f"0 added, 0 replaced, {len(records):,} skipped" in again.stderr
            assert again.exit_code == 0
        with Archive.open(folder) as archive:
            assert archive.get("1").text.endswith("Sunday.")
            assert archive.check() == []
            assert archive.search("Friday OR Saturday").total == 0


def test_fields_that_look_like_what_is_missing_are_named(tmp_path):
    rows = [
        {
            "kopf": f"Council votes to close bridge number {n}",
            "text": f"The bridge over the river was closed. {n}",
            "date": "2024-01-02",
            "blatt": ["Valley Post", "Harbour Gazette"][n % 2],
            "wer": ["Ana Ruiz", "John de Boer", "By Mary Smith"][n % 3],
            "wo": f"https://valley.example/a/{n}",
            "img": f"https://valley.example/a/{n}.jpg",
            "stadt": "New York",
            "words": "120",
        }
        for n in range(12)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("index", str(tmp_path / "a.jsonl"), "--index", str(tmp_path / "a"), "--no-vectors")
    line = next(line for line in done.stderr.splitlines() if line.startswith("jsonl: "))
    assert line.endswith(
        "fields not used: kopf (12), looks like a title, blatt (12), looks like a source, wer (12), "
        "looks like an author, wo (12), looks like an address"
    )
    for advice in ("source=blatt", "authors=wer", "title=kopf", "url=wo"):
        assert f"--map {advice} would read it" in done.stderr
    named = [f"--map={one}" for one in ("source=blatt", "authors=wer", "title=kopf", "url=wo")]
    again = run("index", str(tmp_path / "a.jsonl"), "--index", str(tmp_path / "b"), "--no-vectors", *named)
    assert "not used" not in again.stderr
    with Archive.open(tmp_path / "b") as archive:
        assert {hit.article.source for hit in archive.search("bridge")} == {"Valley Post", "Harbour Gazette"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Compare the Corran Dam inspection in March 2020 and the one in May 2021",
            ("the Corran Dam inspection in March 2020", "the Corran Dam inspection in May 2021"),
        ),
        ("Compare the 2019 budget with that of 2020", ("the 2019 budget", "the 2020 budget")),
        (
            "Compare the flood in Selwyn with the one in Harrowmouth",
            ("the flood in Selwyn", "the flood in Harrowmouth"),
        ),
        ("the strike at the docks versus the one at the mill", ("the strike at the docks", "the strike at the mill")),
        ("Compare the vote on tolls with those on taxes", ("the vote on tolls", "the vote on taxes")),
        (
            "compare the coverage of the dam with that of the ferry",
            ("the coverage of the dam", "the coverage of the ferry"),
        ),
        ("Compare the mayor with the one who fled", ("the mayor", "the one who fled")),  # who is that?
    ],
)
def test_a_side_that_refers_to_the_other_keeps_its_subject(question, expected):
    mentions = named.find(question, named.SourceNames([]), datetime(2024, 1, 1, tzinfo=UTC))
    assert parts.split(question, mentions) == expected
