"""What is said of a reading, where articles stood, what paths say, and what becomes of twins: on the real archive."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.cli.main import cli
from search.engine import versions
from search.ingest import read
from search.ingest.formats import recognition
from search.ingest.from_paths import from_path

ROOT = Path(__file__).parent.parent


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def index(tmp_path, *arguments):
    return run("index", "--index", tmp_path / "ix", "--no-vectors", *arguments)


def put(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else "".join(json.dumps(record) + "\n" for record in text))
    return path


def held(tmp_path):
    with Archive.open(tmp_path / "ix") as archive:
        ids = [hit.article.id for hit in archive.search("*", limit=100, sort="oldest")]
        return {one: archive.get(one) for one in ids}


# What articles lack


def test_a_file_whose_texts_were_not_found_says_so_and_what_would_read_them(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"title": f"T{n}", "leib": "word " * 60, "wann": "2025-02-26"} for n in range(3)])
    result = index(tmp_path, path)
    assert result.stderr.splitlines()[:3] == [
        "jsonl: 3 articles: 3 without text, 3 without a date; fields not used: leib (3), looks like a text, "
        "wann (3), looks like a date",
        "--map text=leib would read it",
        "--map published=wann would read it",
    ]
    assert result.exit_code == 0
    result = index(tmp_path, path, "--map", "text=leib,published=wann", "--set", "source=Valley Post")
    assert result.stderr.splitlines()[0] == "jsonl: 3 articles, 2025-02-26 (text from leib, published from wann)"
    assert {one.source for one in held(tmp_path).values() if one.text} == {"Valley Post"}


def test_a_file_of_mappings_is_told_from_a_mapping(tmp_path):
    mapping = put(tmp_path, "names.map", "text=leib\n")
    result = index(tmp_path, put(tmp_path, "a.jsonl", [{"title": "T", "leib": "x"}]), "--map", mapping)
    assert result.exit_code == 2
    assert result.stderr == f"broadsheet: {str(mapping)!r} is a file; --mapping {mapping} reads the lines in it\n"


@pytest.mark.parametrize(
    "form", ["text = leib, rumpf\n# comment\npublished=wann\n", '{"text": ["leib"], "published": "wann"}']
)
def test_a_mapping_may_stand_in_a_file(tmp_path, form):
    mapping = put(tmp_path, "names.txt", form)
    path = put(tmp_path, "a.jsonl", [{"id": "1", "title": "T", "leib": "x", "wann": "2025-02-26"}])
    index(tmp_path, path, "--mapping", mapping)
    assert (held(tmp_path)["1"].text, held(tmp_path)["1"].published) == ("x", date(2025, 2, 26))


@pytest.mark.parametrize("wrong", [["--map", "text"], ["--map", "txt=x"], ["--set", "source="], ["--encoding", "xyz"]])
def test_settings_that_cannot_be_meant(tmp_path, wrong):
    path = put(tmp_path, "a.jsonl", [{"title": "T"}])
    result = index(tmp_path, path, *wrong)
    assert result.exit_code == 2
    assert not (tmp_path / "ix").exists()


def test_a_mapping_that_no_record_has_is_told(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"title": "T", "Inhalt": "Water.", "date": "2025-02-26"}])
    note = "--map text=... read nothing: no record has a field of that name"
    assert note in index(tmp_path, path, "--map", "text=Artikeltext", "--map", "title=title").stderr.splitlines()
    assert "read nothing" not in index(tmp_path, path, "--map", "text=Artikeltext,Inhalt").stderr


def test_dates_that_are_odd_are_told(tmp_path):
    dates = ["05/02/2025", "2199-01-01", "1066-10-14", "February 2025", "soon"]
    path = put(
        tmp_path, "a.jsonl", [{"id": str(n), "title": "T", "text": "x", "date": day} for n, day in enumerate(dates)]
    )
    said = index(tmp_path, path).stderr.splitlines()
    for words in (
        "1 with a date that could be read in two ways", "1 dated in the future", "1 dated before 1600",
        "1 with a month for a date", "1 with a date that cannot be read",
    ):  # fmt: skip
        assert words in said[0]
    assert said[1] == "--dates day-first or --dates month-first says how 05/02/2025 is meant"
    index(tmp_path, path, "--dates", "day-first")
    assert held(tmp_path)["0"].published == date(2025, 2, 5)
    assert held(tmp_path)["3"].extra["published_precision"] == "month"


def test_a_day_as_spreadsheets_count_it_is_told(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"id": "1", "title": "T", "text": "x", "date": 45714}])
    assert "1 with a spreadsheet's number for a date" in index(tmp_path, path).stderr
    assert held(tmp_path)["1"].published == date(2025, 2, 26)
    assert held(tmp_path)["1"].extra["published_raw"] == 45714


def test_files_with_one_article_each_have_one_order(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name, day in (("a", "03/04/2025"), ("b", "25/12/2024")):
        (folder / f"{name}.json").write_text(json.dumps({"id": name, "title": "T", "text": "x", "date": day}))
    several = [{"id": str(n), "title": "T", "text": "x", "date": f"0{n}/30/2025"} for n in (1, 3)]
    (folder / "0.json").write_text(json.dumps(several))  # says nothing of the others
    assert "two ways" not in index(tmp_path, folder).stderr
    assert [str(held(tmp_path)[name].published) for name in ("a", "b", "1")] == [
        "2025-04-03",
        "2024-12-25",
        "2025-01-30",
    ]


def test_a_text_that_looks_like_several_articles_is_told(tmp_path):
    several = "".join(f"Bridge {n}\n\nThe bridge was shut.\n\nLÄNGE: {n}1 Wörter\n\n" for n in (1, 2))
    note = "texts that look like several articles, read as one: 1"
    assert note in index(tmp_path, put_text(tmp_path, "several.txt", several)).stderr
    one = put_text(tmp_path, "one.txt", several.replace("LÄNGE: 21 Wörter", ""))
    assert "read as one" not in index(tmp_path, one).stderr


FACTIVA = """Bridge {n}
By Ana Ruiz
61 words
2{n} February 2025
Valley Post
VLPST
English
(c) 2025 Valley Post

The bridge {n} was shut.

Document VLPST00020250226el2q0000{n}

"""
NEWSBANK = """Valley Post
February 2{n}, 2025
Bridge {n}
Author: Ana Ruiz

The bridge {n} was shut.

Record Number: 1234{n}
Copyright (c) 2025 Valley Post

"""
NEXIS = """Bridge {n}

Valley Post
2{n}. Februar 2025 Montag

Länge: 61 Wörter
Autor: Ana Ruiz

Body

The bridge {n} was shut.

Load-Date: 27. Februar 2025

Ende des Dokuments

"""


@pytest.mark.parametrize("layout", [FACTIVA, NEWSBANK, NEXIS])
def test_texts_that_a_database_joined_are_parted(tmp_path, layout):
    several = "".join(layout.format(n=n) for n in (1, 2))
    note = "texts of several articles, parted at the lines that end them: 1"
    assert note in index(tmp_path, put_text(tmp_path, "several.txt", several)).stderr
    articles = sorted(held(tmp_path).values(), key=lambda article: article.title)
    assert [(a.title, a.published, a.source, a.authors) for a in articles] == [
        (f"Bridge {n}", date(2025, 2, 20 + n), "Valley Post", ("Ana Ruiz",)) for n in (1, 2)
    ]
    assert [f"The bridge {n} was shut." in a.text for n, a in enumerate(articles, 1)] == [True, True]
    assert ["bridge 2" in a.text for a in articles] == [False, True]


def test_pages_that_were_joined_in_one_file_are_parted(tmp_path):
    head = "<!DOCTYPE html>\n<html><head><title>Bridge {n}</title></head>"
    page = head + "<body><article><h1>Bridge {n}</h1>{p}</article></body></html>\n"
    text = "".join(
        page.format(n=n, p=f"<p>The bridge {n} was shut on Monday after engineers had found a crack in a pier.</p>" * 3)
        for n in (1, 2)
    )
    note = "files of several pages, parted where a page ends and another begins: 1"
    assert note in index(tmp_path, put_text(tmp_path, "pages.html", text)).stderr
    assert sorted(article.title for article in held(tmp_path).values()) == ["Bridge 1", "Bridge 2"]


def put_text(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_dates_against_the_order_of_their_file_are_told(tmp_path):
    records = [
        {"id": str(n), "text": "x", "date": day} for n, day in enumerate(("13/02/2025", "01/02/2025", "02/14/2025"))
    ]
    said = index(tmp_path, put(tmp_path, "a.jsonl", records)).stderr
    assert "1 with a date against the order of the others" in said
    assert [str(held(tmp_path)[n].published) for n in "012"] == ["2025-02-13", "2025-02-01", "2025-02-14"]


def test_letters_that_were_guessed_or_lost_are_told(tmp_path):
    (tmp_path / "a.csv").write_bytes("id,title,text,date\n1,Café à Orléans,x,2025-02-26\n".encode("mac_roman"))
    assert "files read as mac_roman: 1" in index(tmp_path, tmp_path / "a.csv").stderr or (
        "lines read as mac_roman, not UTF-8: 1" in index(tmp_path, tmp_path / "a.csv").stderr
    )
    assert held(tmp_path)["1"].title == "Café à Orléans"
    (tmp_path / "b.csv").write_bytes(b"id,title,text,date\n2,Caf\x81,x,2025-02-26\n")
    said = index(tmp_path, tmp_path / "b.csv", "--encoding", "cp1252").stderr
    assert "characters that could not be decoded: 1" in said


def test_the_report_holds_everything(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"id": "1", "title": "A"}, {"id": "1", "title": "B", "text": "y"}, {"x": 1}])
    result = index(tmp_path, path, "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["added"], report["parted"], report["rejected"]) == (2, 1, 1)
    kind = report["kinds"]["jsonl"]
    assert kind["said"]["without text"] == {"articles": 1, "examples": [f"{path}:1"]}
    assert kind["fields"] == {"id": ["id"], "title": ["title"], "text": ["text"]}
    assert report["rejections"][0]["line"] == 3
    assert f"{path}:2: another story has the id 1: kept as" in report["remarks"][0]
    assert f"all of it is in {tmp_path / 'r.json'}" in result.stderr


def test_a_dry_run_writes_nothing_and_says_what_would_be_read(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"headline": f"T{n}", "story": "x", "date": "2025-02-26"} for n in range(7)])
    result = index(tmp_path, path, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "fields of jsonl: title from headline, text from story, published from date"
    assert result.stdout.splitlines()[1] == f"  {path}:1: 2025-02-26 | T0"
    assert len(result.stdout.splitlines()) == 6
    assert "7 articles would be read: 7 added, 0 replaced, 0 skipped, 0 rejected; nothing was written" in result.stderr
    assert not (tmp_path / "ix").exists()


COUNTED = ("added", "replaced", "skipped", "rejected", "revised", "poorer", "parted", "outdated", "barred", "withdrawn",
           "killed", "pruned", "remarks", "rejections", "kinds", "passed_over", "advice")  # fmt: skip


def foreseen_and_done(tmp_path, *arguments):
    """The reports of a dry run and of the run itself, where they have to agree, and what the dry one has said."""
    dry = index(tmp_path, *arguments, "--dry-run", "--report", tmp_path / "dry.json")
    done = index(tmp_path, *arguments, "--report", tmp_path / "done.json")
    assert (dry.exit_code, done.exit_code) == (0, 0)
    foreseen, report = (json.loads((tmp_path / name).read_text()) for name in ("dry.json", "done.json"))
    assert {name: foreseen[name] for name in COUNTED} == {name: report[name] for name in COUNTED}
    return report, dry.stderr


def test_a_dry_run_foresees_what_becomes_of_a_folder_of_everything(tmp_path, monkeypatch):
    """Thirty and more formats in one folder, then the same again, then it with two changes."""
    monkeypatch.setattr(recognition, "available", lambda: False)  # of scans, which takes seconds a page
    news = tmp_path / "news"
    shutil.copytree(ROOT / "tests" / "data" / "formats", news, ignore=shutil.ignore_patterns("gold.jsonl"))
    first, told = foreseen_and_done(tmp_path, news)
    assert len(first["kinds"]) >= 33
    assert first["added"] > 80
    assert first["rejected"] > 5
    counts = ", ".join(f"{first[name]} {name}" for name in ("added", "replaced", "skipped", "rejected"))
    assert f" would be read: {counts}; nothing was written" in told
    assert "fields of" not in told  # that is on standard output
    again, told = foreseen_and_done(tmp_path, news)
    assert (again["added"], again["replaced"]) == (0, 0)
    assert again["skipped"] == sum(first[name] for name in ("added", "replaced", "skipped", "withdrawn"))
    jsonl = news / "articles.jsonl"
    jsonl.write_text(jsonl.read_text().replace("Fog kept all", "A storm kept all").replace("Sunday", "Monday"))
    changed, _ = foreseen_and_done(tmp_path, news)
    assert (changed["added"], changed["replaced"]) == (1, 1)  # of the two, one has an address to be known by


def test_a_dry_run_foresees_what_is_pruned(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"id": str(n), "title": f"T{n}"} for n in range(5)])
    foreseen_and_done(tmp_path, path)
    put(tmp_path, "a.jsonl", [{"id": "1", "title": "T1"}, {"id": "7", "title": "T7"}])
    report, told = foreseen_and_done(tmp_path, path, "--prune")
    assert (report["added"], report["skipped"], report["pruned"]) == (1, 1, 4)
    assert "1 added, 0 replaced, 1 skipped, 0 rejected, 4 pruned; nothing was written" in told
    assert list(held(tmp_path)) == ["1", "7"]


def test_a_dry_run_refuses_to_prune_by_a_half_as_the_run_does(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"id": "1", "title": "T"}])
    assert index(tmp_path, path).exit_code == 0
    path.write_text('{"id": "2", "title": "T"}\n{"id": "3", "ti')
    for more in (["--dry-run"], []):
        result = index(tmp_path, path, "--prune", *more)
        assert (result.exit_code, "--prune deleted nothing" in result.stderr) == (2, True)


def test_a_dry_run_writes_the_rejects_that_it_is_asked_for(tmp_path):
    path = put(tmp_path, "a.jsonl", [{"title": "T"}, {"x": 1}])
    assert index(tmp_path, path, "--dry-run", "--rejects", tmp_path / "bad.jsonl").exit_code == 0
    (line,) = (tmp_path / "bad.jsonl").read_text().splitlines()
    assert (json.loads(line)["line"], (tmp_path / "ix").exists()) == (2, False)


def of_a_file(one, title, text, day, place):
    return Article(id=one, title=title, text=text, published=day, extra={"file": "a.jsonl", "place": place})


STORIES = (
    "The dam above Torrin leaks at its foot, engineers said.",
    "Dockers in Harrowmouth vote on a strike today.",
    "",
)


@settings(max_examples=40, deadline=None)
@given(
    runs=st.lists(
        st.lists(
            st.builds(
                of_a_file,
                st.sampled_from("ab"),
                st.sampled_from(["Dam leaks", "Dockers vote"]),
                st.sampled_from(STORIES),
                st.sampled_from([None, date(2025, 2, 3), date(2025, 2, 4)]),
                st.integers(1, 2),
            ),
            max_size=7,
        ),
        min_size=1,
        max_size=3,
    ),
    batch=st.integers(1, 4),
)
def test_what_is_foreseen_is_what_is_done(tmp_path_factory, runs, batch):
    """New, changed, known and poorer records, and stories that share an id, over runs in batches of any size."""
    with Archive.open(tmp_path_factory.mktemp("ix"), create=True) as archive:
        for items in runs:
            before = archive.stats()["commit"]
            foreseen = archive.foresee(items)
            assert archive.stats()["commit"] == before
            assert replace(archive.add(items, vectors=False, batch=batch), languages={}, detected=0) == foreseen


def test_nothing_to_add_is_an_exit_of_its_own(tmp_path):
    assert index(tmp_path, put(tmp_path, "a.jsonl", [{"x": 1}])).exit_code == 1
    path = put(tmp_path, "b.jsonl", [{"title": "T"}])
    assert [index(tmp_path, path).exit_code for _ in range(2)] == [0, 0]


def test_one_unreadable_file_never_ends_the_run(tmp_path, monkeypatch):
    good = put(tmp_path, "a.jsonl", [{"id": "1", "title": "T"}])
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = index(tmp_path, tmp_path / "b.png", good)
    assert (result.exit_code, list(held(tmp_path))) == (0, ["1"])
    assert f"rejected {tmp_path / 'b.png'}: a PNG image, which no format reads" in result.stderr
    real = read([good])._articles

    def failing(self, source, form):
        if source.name.endswith("b.jsonl"):
            raise ZeroDivisionError("a bug")
        return real(source, form)

    monkeypatch.setattr("search.ingest.reading.Reading._articles", failing)
    put(tmp_path, "b.jsonl", [{"id": "2", "title": "T"}])
    first, second = read([tmp_path / "b.jsonl", good])
    assert "the reader of this file failed (ZeroDivisionError: a bug)" in first.reason
    assert second.id == "1"


# Where an article stood


def test_where_each_article_stood_is_kept(tmp_path):
    lines = put(tmp_path, "a.jsonl", [{"title": "T", "file": "own", "place": "Porto"}])
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("in/b.csv", "title\nB\n")
    text = put(tmp_path, "c.txt", "Title\n\nText.\n")
    first, second, third = read([lines, tmp_path / "z.zip", text])
    assert first.extra == {"file_given": "own", "place_given": "Porto", "file": str(lines), "place": 1}
    assert second.extra == {"file": f"{tmp_path / 'z.zip'}!/in/b.csv", "place": 2}
    assert third.extra == {"file": str(text)}


def test_an_article_as_it_is_shown_is_read_back_as_it_is(tmp_path):
    index(
        tmp_path, put(tmp_path, "a.jsonl", [{"id": "1", "title": "T", "text": "x", "date": "05/02/2025", "desk": "d"}])
    )
    shown = put(tmp_path, "b.json", run("show", "1", "--index", tmp_path / "ix", "--format", "json").stdout)
    assert "0 added, 0 replaced, 1 skipped" in index(tmp_path, shown).stderr
    printed = run("show", "1", "--index", tmp_path / "ix", "--format", "json", "--passages").stdout
    shown = put(tmp_path, "b.json", printed)
    assert json.loads(shown.read_text())["passages"]
    assert "0 added, 0 replaced, 1 skipped" in index(tmp_path, shown).stderr


def test_only_stretches_of_its_text_are_no_field_of_an_article(tmp_path):
    stretch = {"text": "Two", "start": 4, "end": 7}
    others = [
        "Chairs",
        [{**stretch, "text": "two"}],
        [{**stretch, "score": 1}],
        [stretch, "Two"],
        [{**stretch, "start": -1}],
        [{**stretch, "start": "4"}],
    ]
    given = [[], [stretch], [stretch, stretch], *others]
    records = [{"id": str(n), "text": "One Two", "furniture": value} for n, value in enumerate(given)]
    articles = list(read([put(tmp_path, "a.jsonl", records)]))
    assert [article.extra.get("furniture") for article in articles] == [None, None, None, *others]


def test_a_file_that_moves_changes_no_article(tmp_path):
    records = [{"id": str(n), "title": f"T{n}"} for n in range(3)]
    index(tmp_path, put(tmp_path, "a.jsonl", records))
    said = index(tmp_path, put(tmp_path, "moved/b.jsonl", [{"id": "9", "title": "T9"}, *records])).stderr
    assert "1 added, 0 replaced, 3 skipped, 0 rejected" in said


@pytest.mark.parametrize(
    ("path", "single", "day", "precision", "source"),
    [
        ("2019/03/12/bridge.txt", True, date(2019, 3, 12), "day", ""),
        ("valley-post/2019/03/12/bridge.txt", True, date(2019, 3, 12), "day", "Valley Post"),
        ("data/2019/03/bridge.txt", True, date(2019, 3, 1), "month", ""),
        ("nyt/2019-03-12/bridge.jsonl", False, date(2019, 3, 12), "day", "NYT"),
        ("x/valley-post_2019-03-12.txt", True, date(2019, 3, 12), "day", "Valley Post"),
        ("The Times 20190312 2.txt", True, date(2019, 3, 12), "day", "The Times"),
        ("2019-03-12-bridge-reopens.md", True, date(2019, 3, 12), "day", ""),
        ("articles_2019-03-12.txt", True, date(2019, 3, 12), "day", ""),
        ("valley-post_2019-03-12.csv", False, None, "day", ""),
        ("valley-post/bridge.txt", True, None, "day", ""),
        ("2019/13/12/a.txt", True, None, "day", ""),
        ("story-20190230.txt", True, None, "day", ""),
        ("1234567890123456.txt", True, None, "day", ""),
    ],
)
def test_what_a_path_says(path, single, day, precision, source):
    found = from_path(path, single=single)
    assert (found.day, found.precision, found.source) == (day, precision, source)


def test_the_path_gives_what_the_article_lacks_and_that_is_said(tmp_path):
    put(tmp_path, "valley-post/2019/03/12/a.txt", "Title\n\nThe text.\n")
    put(tmp_path, "valley-post/2019/03/12/b.txt", "Other title\n\nDate: 2020-01-01\nSource: Own\n\nThe text.\n")
    said = index(tmp_path, tmp_path / "valley-post").stderr
    found = {article.title: article for article in held(tmp_path).values()}
    assert (found["Title"].published, found["Title"].source) == (date(2019, 3, 12), "Valley Post")
    assert (found["Other title"].published, found["Other title"].source) == (date(2020, 1, 1), "Own")
    assert "1 with a date from the file's path, 1 with a source from the file's path" in said


# Twins


NORTH = [{"id": str(n), "title": f"North {n}", "text": f"News of the north, number {n}."} for n in range(3)]
SOUTH = [{"id": str(n), "title": f"South {n}", "text": f"Other news from the south, number {n}."} for n in range(3)]


def test_ids_that_restart_in_each_file_cost_no_article_and_the_run_comes_to_rest(tmp_path):
    files = put(tmp_path, "north.jsonl", NORTH), put(tmp_path, "south.jsonl", SOUTH)
    said = index(tmp_path, *files).stderr
    assert "3 records with the same id as another story: kept under ids of their own" in said
    assert "6 added, 0 replaced, 0 skipped" in said
    assert {article.title for article in held(tmp_path).values()} == {one["title"] for one in (*NORTH, *SOUTH)}
    before = held(tmp_path)
    for order in (files, files[::-1], (tmp_path,)):
        assert "0 added, 0 replaced, 6 skipped" in index(tmp_path, *order).stderr
    assert held(tmp_path) == before


def test_prune_leaves_both_of_two_stories(tmp_path):
    files = put(tmp_path, "north.jsonl", NORTH), put(tmp_path, "south.jsonl", SOUTH)
    assert "6 added, 0 replaced, 0 skipped, 0 rejected, 0 pruned" in index(tmp_path, *files, "--prune").stderr
    assert "0 added, 0 replaced, 6 skipped, 0 rejected, 0 pruned" in index(tmp_path, *files, "--prune").stderr
    assert "3 pruned" in index(tmp_path, files[0], "--prune").stderr


def test_two_stories_of_one_address_in_one_file(tmp_path):
    path = put(tmp_path, "a.jsonl", [{**one, "id": None, "url": "https://x.example/live"} for one in NORTH])
    index(tmp_path, path, "--batch", 1)
    assert len(held(tmp_path)) == 3
    assert "0 added, 0 replaced, 3 skipped" in index(tmp_path, path).stderr


def test_a_story_that_joins_later_does_not_oust_the_one_that_was_there(tmp_path):
    index(tmp_path, put(tmp_path, "a.jsonl", NORTH))
    path = put(tmp_path, "b.jsonl", [*NORTH, *SOUTH])
    assert "3 added, 0 replaced, 3 skipped" in index(tmp_path, path).stderr
    assert "0 added, 0 replaced, 6 skipped" in index(tmp_path, path).stderr


def test_versions_of_one_story_in_one_run_replace_each_other_and_are_counted(tmp_path):
    text = "The strike at the harbour goes on for a third day, the union said, and no talks are planned before Monday. "
    versions = [{"id": "1", "title": f"Strike, day {n}", "text": text + f"Update {n}."} for n in range(3)]
    said = index(tmp_path, put(tmp_path, "a.jsonl", versions)).stderr
    assert "2 records took the place of others of this run with the same id" in said
    assert held(tmp_path)["1"].title == "Strike, day 2"


def test_another_run_updates(tmp_path):
    index(tmp_path, put(tmp_path, "a.jsonl", NORTH[:1]))
    assert "0 added, 1 replaced" in index(tmp_path, put(tmp_path, "b.jsonl", SOUTH[:1])).stderr
    assert held(tmp_path)["0"].title == "South 0"


@pytest.mark.parametrize("lost", ["text", "date"])
def test_a_poorer_record_replaces_no_fuller_one(tmp_path, lost):
    full = {"url": "https://x.example/1", "title": "T", "text": "x", "date": "2025-02-26"}
    index(tmp_path, put(tmp_path, "a.jsonl", [full]))
    poor = {name: value for name, value in full.items() if name != lost} | {"title": "T2"}
    said = index(tmp_path, put(tmp_path, "b.jsonl", [poor])).stderr
    assert "1 record without the text or date that the archive has: the fuller ones are kept" in said
    assert "0 added, 0 replaced, 1 skipped" in said
    (kept,) = held(tmp_path).values()
    assert (kept.title, kept.text, kept.published) == ("T", "x", date(2025, 2, 26))


def test_articles_that_a_caller_makes_are_what_their_ids_say(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        report = archive.add(
            [Article(id="1", title="A", text="x"), Article(id="1", title="B", text="y")], vectors=False
        )
        assert (report.added, report.replaced, report.revised, report.parted) == (1, 1, 1, 0)
        assert archive.get("1").title == "B"


def test_words_in_common_tell_versions_from_stories():
    long = "The council voted on the bridge after a long debate about money and time and the river. " * 3
    one = Article(id="1", title="Vote", text=long)
    assert not versions.two_stories(one, Article(id="1", title="Bridge vote", text=long + "It passed."))
    assert versions.two_stories(one, Article(id="1", title="Rain", text="Farmers in the hills wait for rain. " * 6))
    assert not versions.two_stories(one, Article(id="1", title="VOTE ", text="Anything else."))


# The first commit


def commits(tmp_path, count, **settings):
    news = []
    with Archive.open(tmp_path / "ix", create=True, model="hash") as archive:
        articles = (Article(id=str(n), text=f"number {n}") for n in range(count))
        archive.add(articles, progress=news.append, **settings)
    assert [one.done for one in news if one.stage == "reading"] != []
    return [one.report.added for one in news if one.stage == "writing"]


def test_the_first_commit_with_vectors_is_small(tmp_path):
    assert commits(tmp_path / "a", 450) == [200, 450]
    assert commits(tmp_path / "b", 450, batch=100) == [100, 200, 300, 400, 450]
    assert commits(tmp_path / "c", 450, vectors=False) == [450]


def test_the_first_commit_of_long_articles_is_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.intake.FIRST_CHARACTERS", 500)
    assert commits(tmp_path / "a", 450) == [57, 450]  # 10 of 8 characters, 47 of 9: more than 500
    assert commits(tmp_path / "b", 450, vectors=False) == [450]


def test_the_first_commit_comes_early_however_slowly_articles_come(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.intake.FIRST_COMMIT", 0.0)
    assert commits(tmp_path, 450, vectors=False, batch=100_000)[0] < 10
