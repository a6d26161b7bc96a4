"""Archives of declared formats: every version opens them, searches them and adds to them, and what it says of them is
what they hold. ``make`` has made each fixture, once; it is never made again.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged
from search.keyword import ANALYSIS_VERSION
from search.storage.catalog import FORMAT
from search.storage.container import open_part, write_part
from search.storage.verified import file_hash

from .effects import http_app
from .forgery import forged

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(DATA.glob("archive-format-*"))
FIXTURE = FIXTURES[-1]


def make(folder):
    with Archive.open(folder, create=True, model="hash", dimension=16) as archive:
        news = [
            Article(
                id=f"n{i}",
                title=f"Wardens of dam {i}",
                text=f"The dam leaks, said warden number {i}.\n\nThe gates of ward {i % 3} were opened.",
                published=date(2024, 10, i + 1),
                source=("Valley Herald", "Coast Daily")[i % 2],
                authors=("A. Writer",),
                extra={"n": i},
            )
            for i in range(8)
        ]
        archive.add(news, batch=4)
        archive.add(
            [Article(id="n2", title="Wardens of dam 2, corrected", text="The dam holds.", published=date(2024, 10, 3))]
        )
        archive.delete(["n5"])
        archive.add_alert("dams", "dam")
        archive.tune(k1=1.1)


def copied(tmp_path, fixture=FIXTURE):
    """A fixture to be changed, its words analysed as this version does it."""
    folder = shutil.copytree(fixture, tmp_path / "old")
    with Archive.open(folder, outdated=True) as archive:
        if archive.settings["analysis"] != ANALYSIS_VERSION:
            assert archive.repair().embedded == 0
    return folder


@pytest.mark.parametrize("fixture", FIXTURES, ids=[fixture.name for fixture in FIXTURES])
def test_an_archive_of_a_declared_format(tmp_path, fixture):
    with Archive.open(shutil.copytree(fixture, tmp_path / "read"), outdated=True) as archive:
        assert archive.settings["format"] == int(fixture.name.rpartition("-")[2])
        assert ("identity" in archive.settings) == (archive.settings["format"] >= 2)
    with Archive.open(copied(tmp_path, fixture)) as archive:
        assert archive.check(thorough=True) == []
        assert archive.settings["bm25"]["k1"] == 1.1
        assert list(archive.ids()) == ["n0", "n1", "n3", "n4", "n6", "n7", "n2"]
        assert archive.get("n7") == Article(
            id="n7",
            title="Wardens of dam 7",
            text="The dam leaks, said warden number 7.\n\nThe gates of ward 1 were opened.",
            published=date(2024, 10, 8),
            source="Coast Daily",
            authors=("A. Writer",),
            extra={"n": 7},
        )
        found = archive.search("gates opened warden", mode="hybrid")
        assert found.total == 6
        assert sorted(hit.article.id for hit in found if hit.matched) == ["n0", "n1", "n3", "n4", "n6", "n7"]
        assert [hit.article.id for hit in archive.search('"number 3"')] == ["n3"]
        assert [hit.article.id for hit in archive.search("source:Coast", sort="newest")] == ["n7", "n3", "n1"]
        assert archive.search("corrected", mode="vector")[0].passages[0].text
        assert [alert.query for alert in archive.alerts()] == ["dam"]
        report = archive.add([Article(id="new", title="A new dam"), archive.get("n0")])
        assert (report.added, report.skipped) == (1, 1)
        archive.optimize()
        assert [item.id for news in archive.run_alerts() for item in news.items] == ["new"]
        assert archive.check(thorough=True) == []
        assert archive.counts().agree
    with Archive.open(tmp_path / "old") as archive:  # what is written to it is of this version's format
        assert archive.settings["format"] == FORMAT
        assert len(archive.settings["identity"]) == 32
        assert archive._session.catalog.broken_seals() == []


def test_a_declared_format_is_the_newest_one():
    assert [fixture.name for fixture in FIXTURES] == [f"archive-format-{number}" for number in range(1, FORMAT + 1)]


def test_an_archive_of_format_0_differs_in_its_number_alone(tmp_path):
    folder = copied(tmp_path)
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT + 1,)
        connection.execute("PRAGMA user_version = 1")
        connection.execute("DELETE FROM settings WHERE key IN ('seals', 'identity')")
    with Archive.open(folder) as archive:
        assert archive.search("dam").total == 7
        assert archive.add([Article(id="new", title="A new dam")]).added == 1
        assert archive.check() == []


def test_new_archives_are_of_the_newest_format(tmp_path):
    with Archive.open(tmp_path / "new", create=True) as archive:
        assert archive.stats()["format"] == FORMAT


def test_fixtures_are_small():
    for fixture in FIXTURES:
        assert sum(file.stat().st_size for file in fixture.rglob("*") if file.is_file()) < 100_000


def test_counts_of_catalog_words_and_vectors(tmp_path):
    folder = copied(tmp_path)
    with Archive.open(folder) as archive:
        counts = {"catalog": 7, "keyword": 7, "vectors": 7, "agree": True}
        assert archive.stats()["counts"] == counts
    with Archive.open(tmp_path / "words", create=True) as archive:
        assert archive.stats()["counts"] == {"catalog": 0, "keyword": 0, "vectors": None, "agree": True}
        archive.add([Article(id="a", text="One.")], vectors=False)
        with archive._session.reading() as view:
            archive.add([Article(id="b", text="Two."), Article(id="a", text="Other.")])
            assert (view.counts.catalog, view.counts.keyword, view.counts.vectors) == (1, 1, None)
        assert archive.counts().catalog == 2


def test_a_server_says_and_demands_that_they_agree(tmp_path):
    from starlette.testclient import TestClient

    folder = copied(tmp_path)
    with TestClient(http_app(folder), base_url="http://127.0.0.1") as client:
        ready = client.get("/readyz").json()
        assert ready == {"status": "ready", "counts": {"catalog": 7, "keyword": 7, "vectors": 7, "agree": True}}
        with forged(folder) as connection:
            connection.execute("DELETE FROM articles WHERE id = 'n4'")
            connection.execute('UPDATE state SET "commit" = "commit" + 1')
        refused = client.get("/readyz")
        assert refused.status_code == 503
        assert "its catalog has 6 articles, its index of words 7, its vectors 7" in refused.text
    with pytest.raises(ArchiveDamaged, match="is not served"), TestClient(http_app(folder)):
        pass
    with Archive.open(folder) as archive:
        assert archive.stats()["counts"]["agree"] is False
        assert archive.repair().articles == 6
        assert archive.counts().agree


@pytest.mark.parametrize("name", ["keyword", "vectors"])
@pytest.mark.parametrize("change", ["fewer", "none"])
def test_a_reader_refuses_parts_that_hold_other_articles(tmp_path, name, change):
    """Crafted: checksums fit, and the parts say that they hold what the catalog says."""
    folder = copied(tmp_path)
    with forged(folder) as connection:
        segment, described = connection.execute("SELECT id, parts FROM segments ORDER BY first_row").fetchone()
        files = json.loads(described)
        if change == "none":
            del files[name]
        else:
            path = folder / "segments" / segment / files[name]["name"]
            part = open_part(path, name)
            array = {"keyword": "lengths", "vectors": "passage_starts"}[name]
            arrays = {**part.arrays(), array: part[array][:-1].copy()}
            path.unlink()
            write_part(path, name, arrays, part.meta)
            files[name].update(size=path.stat().st_size, sha256=file_hash(path))
        connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (json.dumps(files), segment))
    with Archive.open(folder) as archive:
        for call in (lambda: archive.search("dam"), lambda: len(archive), lambda: archive.retrieve("dam")):
            with pytest.raises(ArchiveDamaged):
                call()
        assert archive.check() != []
        assert archive.repair().parts == {name: 1}
        assert archive.search("dam").total == 7
