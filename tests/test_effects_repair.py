"""Repair: whatever is damaged but the catalog is made again from the records, and answers are as they were."""

from __future__ import annotations

import base64
import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from search import Archive, Article
from search.engine import repair
from search.errors import ArchiveDamaged, ArchiveError, ArchiveMismatch, EncoderError
from search.keyword import ANALYSIS_VERSION
from search.storage.container import open_part, write_part
from search.storage.folder import Folder
from search.storage.locks import lock_writer
from search.storage.verified import file_hash

from .effects import run, shows
from .forgery import forged

QUERIES = ("warden dam", "title:report -w7", '"leaks said"', "source:Coast")


def news(first, last):
    return [
        Article(
            id=f"n{i}",
            title=f"Report {i}",
            text=f"The dam leaks, said warden w{i}.\n\nA second paragraph about ward {i % 7}.",
            source=("Valley", "Coast")[i % 2],
            extra={"n": i},
        )
        for i in range(first, last)
    ]


@pytest.fixture
def desk(tmp_path):
    """Three segments of ten, one article replaced, one deleted."""
    folder = tmp_path / "desk"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(news(0, 30), batch=10)
        archive.add([Article(id="n12", title="Report 12 again", text="The dam holds.")])
        archive.delete(["n3"])
    return folder


def answers(folder):
    with Archive.open(folder) as archive:
        assert archive.check(thorough=True) == []
        hits = [[(hit.article, hit.score) for hit in archive.search(query, limit=50)] for query in QUERIES]
        return list(archive), hits, [archive.passages(f"n{i}") for i in (0, 12, 25)]


def parts(folder, name):
    with forged(folder) as connection:
        rows = connection.execute("SELECT id FROM segments ORDER BY first_row").fetchall()
    return [folder / "segments" / segment / f"{name}.part" for (segment,) in rows]


def repaired(folder, **how):
    with Archive.open(folder, outdated=True) as archive:
        report = archive.repair(**how)
        stats = archive.stats()
        assert report.articles == stats["articles"] == len(archive)
        return report


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "no segment"])
@pytest.mark.parametrize("name", ["columns", "keyword", "vectors"])
def test_a_damaged_part_is_made_again(desk, name, damage):
    before = answers(desk)
    part = parts(desk, name)[1]
    if damage == "flip":
        flip(part)
    elif damage == "cut":
        part.write_bytes(part.read_bytes()[:-64])
    elif damage == "gone":
        part.unlink()
    else:
        shutil.rmtree(part.parent)
    kept = [file.read_bytes() for file in (parts(desk, "keyword")[0], parts(desk, "keyword")[2]) if file.exists()]
    with Archive.open(desk) as archive, pytest.raises(ArchiveDamaged):
        archive.search("dam")
    report = repaired(desk)
    # Without the columns nobody knows any more which of its rows was that of the article that was replaced.
    whole = damage == "no segment" or name == "columns"
    lost = {"columns": 1, "keyword": 1, "vectors": 1} if whole else {name: 1}
    assert (report.segments, report.parts, report.records, report.files) == (1, lost, 0, ())
    assert report.embedded == (9 if "vectors" in lost else 0)
    assert answers(desk) == before
    assert kept == [parts(desk, "keyword")[0].read_bytes(), parts(desk, "keyword")[2].read_bytes()]
    assert repaired(desk).segments == 0


def test_everything_but_the_catalog_is_lost(desk):
    before = answers(desk)
    shutil.rmtree(desk / "segments")
    report = repaired(desk)
    assert (report.segments, report.embedded) == (4, 29)
    assert answers(desk) == before
    with Archive.open(desk) as archive:
        assert archive.add(news(28, 31)).added == 1


def test_segments_that_the_catalog_has_forgotten(desk):
    before = answers(desk)
    with forged(desk) as connection:
        segments = connection.execute("SELECT id FROM segments ORDER BY first_row").fetchall()
        connection.execute("DELETE FROM segments WHERE id = ?", segments[1])
    report = repaired(desk)
    assert report.files == segments[1]
    assert (desk / "repaired").is_dir()
    assert len(list(Path(report.aside, *report.files).iterdir())) == 5
    assert answers(desk) == before
    with forged(desk) as connection:
        connection.execute("DELETE FROM segments")
    assert repaired(desk).segments == 1
    assert answers(desk) == before


def test_words_that_are_not_the_articles_own(desk):
    """Numbers that lie under a fitting checksum."""
    before = answers(desk)
    for name in ("keyword", "columns"):
        target, source = parts(desk, name)[1:3]
        part = open_part(source, name)
        meta = {**part.meta, "ids_digest": open_part(target, name).meta["ids_digest"]}
        target.unlink()
        write_part(target, name, part.arrays(), meta)
        with forged(desk) as connection:
            (described,) = connection.execute(
                "SELECT parts FROM segments WHERE id = ?", (target.parent.name,)
            ).fetchone()
            files = json.loads(described)
            files[name].update(size=target.stat().st_size, sha256=file_hash(target))
            connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (json.dumps(files), target.parent.name))
        if name == "keyword":
            assert repaired(desk).segments == 0  # it is asked for
            assert repaired(desk, thorough=True).parts == {"keyword": 1}
        else:
            assert repaired(desk).parts["columns"] == 1
        assert answers(desk) == before


def test_records_that_cannot_be_read_are_kept_aside(desk):
    before = answers(desk)
    with forged(desk) as connection:
        row, check = connection.execute("SELECT row, checksum FROM articles WHERE id = 'n7'").fetchone()
        connection.execute("UPDATE articles SET record = x'0102' WHERE id = 'n7'")
        connection.execute(
            "UPDATE articles SET record = (SELECT record FROM articles WHERE id = 'n20'), checksum = "
            "(SELECT checksum FROM articles WHERE id = 'n20') WHERE id = 'n21'"
        )
    report = repaired(desk)
    assert (report.records, report.segments, report.parts, report.articles) == (2, 2, {}, 27)
    kept = [json.loads(line) for line in Path(report.aside, "records.jsonl").read_text().splitlines()]
    assert [(one["row"], one["id"]) for one in kept] == [(row, "n7"), (22, "n21")]
    assert base64.b64decode(kept[0]["record"]) == b"\1\2"
    assert base64.b64decode(kept[0]["checksum"]) == check
    assert "filed under 'n21' and holds 'n20'" in kept[1]["reason"]
    with Archive.open(desk) as archive:
        assert archive.add(news(0, 30)).added == 3  # n3 was deleted
        archive.add([Article(id="n12", title="Report 12 again", text="The dam holds.")])
        archive.delete(["n3"])
    assert sorted(answers(desk)[0], key=lambda a: a.id) == sorted(before[0], key=lambda a: a.id)


def test_articles_that_are_live_and_buried_at_once(desk):
    before = answers(desk)
    with forged(desk) as connection:
        connection.execute("INSERT INTO tombstones VALUES (15)")
        connection.execute("DELETE FROM tombstones WHERE row = 4")
    assert repaired(desk).segments == 1
    assert answers(desk) == before


def test_lists_that_would_remove_what_is_used(desk):
    before = answers(desk)
    used = parts(desk, "keyword")[0]
    with forged(desk) as connection:
        connection.execute("INSERT INTO dropped VALUES (?, 'keyword.part', 1)", (used.parent.name,))
        connection.execute("INSERT INTO dropped VALUES (?, '', 1)", (parts(desk, "keyword")[1].parent.name,))
    repaired(desk)
    assert used.exists()
    assert answers(desk) == before


def test_a_hash_of_content_that_is_not_its_records_is_found_and_made_again(desk):
    """By it an addition tells whether an article has changed: a wrong one hides a change, or makes one of nothing."""
    with Archive.open(desk) as archive:
        kept = archive.get("n6")
        other = replace(kept, text="The dam broke.")
        assert archive.check() == []
    with forged(desk) as connection:
        (wrong,) = connection.execute("SELECT content FROM articles WHERE id = 'n8'").fetchone()
        connection.execute("UPDATE articles SET content = ? WHERE id = 'n6'", (wrong,))
        connection.execute("UPDATE articles SET content = x'00' WHERE id = 'n7'")
    with Archive.open(desk) as archive:
        assert [line.partition("(")[0] for line in archive.check()] == [
            "the hash of the content of 'n6' ",
            "the hash of the content of 'n7' ",
        ]
        archive.repair()
        assert archive.check() == []
        assert archive.add([kept, archive.get("n7")]).skipped == 2
        assert archive.add([other]).replaced == 1


def test_what_is_no_file_of_an_archive_is_told_listed_and_moved_aside(desk):
    (desk / "notes.txt").write_bytes(b"mine")
    (desk / "old").mkdir()
    (desk / "old" / "copy.part").write_bytes(b"x" * 70)
    (desk / "catalog.new").write_bytes(b"")
    (desk / ".DS_Store").write_bytes(b"a Mac's")
    with Archive.open(desk) as archive:
        assert archive.check() == [
            f"{desk / 'catalog.new'} is named by no commit: an interrupted writer left it, and the next one removes it",
            f"{desk / 'notes.txt'} is no file of an archive: move it elsewhere",
            f"{desk / 'old'} is no file of an archive: move it elsewhere",
        ]
        assert [(one.path, one.bytes) for one in archive.dirt()] == [
            (str(desk / name), size) for name, size in (("catalog.new", 0), ("notes.txt", 4), ("old", 70))
        ]
    ran = run("doctor", "--dirt", "--index", desk)
    assert "3 files and folders that are none of the archive's, 74 bytes" in ran.stderr
    with Archive.open(desk) as archive:
        report = archive.repair()
        assert sorted(report.files) == ["catalog.new", "notes.txt", "old"]
        assert (Path(report.aside) / "old" / "copy.part").read_bytes() == b"x" * 70
        assert archive.dirt() == ()
        assert archive.check() == []


@shows("Archive.dirt")
@shows("doctor", "--dirt", "--index", "--repair", "--wait")
def test_dirt_is_listed_and_kept_aside(desk):
    orphan = desk / "segments" / "ffffffffffffffff"
    orphan.mkdir()
    (orphan / "columns.part").write_bytes(b"x" * 1500)
    stray = parts(desk, "columns")[0].with_name("notes.txt")
    stray.write_bytes(b"y" * 20)
    with Archive.open(desk) as archive:
        found = archive.dirt()
        assert [(one.path, one.bytes) for one in found] == sorted([(str(orphan), 1500), (str(stray), 20)])
    ran = run("doctor", "--dirt", "--index", desk)
    assert ran.exit_code == 0
    assert f"{orphan}  1.5 kB  0 s old" in ran.stdout
    assert "2 files and folders that are none of the archive's, 1.5 kB" in ran.stderr
    assert run("doctor", "--dirt", "--repair", "--index", desk).exit_code == 2
    assert run("doctor", "--index", desk).exit_code == 1
    held = lock_writer(Folder.open(desk))
    assert run("doctor", "--repair", "--index", desk).exit_code == 3
    Timer(0.3, held.release).start()
    ran = run("doctor", "--repair", "--wait", "--index", desk)
    assert ran.exit_code == 0, ran.output
    assert "2 files and folders that are none of the archive's" in ran.stderr
    assert sorted(file.stat().st_size for file in (desk / "repaired").rglob("*") if file.is_file()) == [20, 1500]
    assert run("doctor", "--dirt", "--index", desk).stdout == ""
    assert run("doctor", "--index", desk).exit_code == 0


@shows("doctor", "--thorough")
def test_what_the_command_says(desk):
    flip(parts(desk, "vectors")[0])
    parts(desk, "keyword")[1].unlink()
    with forged(desk) as connection:
        connection.execute("UPDATE articles SET record = x'00' WHERE id = 'n25'")
    ran = run("doctor", "--repair", "--thorough", "--index", desk)
    assert ran.exit_code == 1
    assert "3 segments written anew; made from the articles: keyword of 1, vectors of 1" in ran.stderr
    assert "the vectors of 9 articles made again" in ran.stderr
    assert "1 record could not be read; index those articles again" in ran.stderr
    assert f"what was moved out of the way is in {desk / 'repaired'}" in ran.stderr
    assert "no problems in 28 articles" in ran.stderr
    ran = run("doctor", "--repair", "--index", desk)
    assert (ran.exit_code, ran.stderr) == (0, "no problems in 28 articles\n")


def test_without_the_model_nothing_is_changed(desk, monkeypatch):
    before = {file: file.read_bytes() for file in desk.rglob("*.part")}
    flip(damaged := parts(desk, "vectors")[0])

    def lacking(*_, **__):
        raise EncoderError("there is none")

    monkeypatch.setattr("search.encode.load_matching_encoder", lacking)
    with Archive.open(desk) as archive:
        with pytest.raises(EncoderError, match=r"must be made again, and their model cannot be had \(there is none\)"):
            archive.repair()
        assert archive.dirt() == ()
    after = {file: file.read_bytes() for file in desk.rglob("*.part")}
    assert after.pop(damaged) != before.pop(damaged)
    assert after == before
    monkeypatch.undo()
    assert repaired(desk).embedded == 9


def test_a_damaged_catalog_is_no_case_for_repair(desk):
    with forged(desk) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'live_ids'").fetchone()
        (page,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray((desk / "catalog.sqlite").read_bytes())
    data[(root - 1) * page : root * page] = bytes([10]) + bytes(page - 1)
    (desk / "catalog.sqlite").write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged"), Archive.open(desk) as archive:
        archive.repair()


@shows("Archive.open", "outdated")
def test_an_archive_of_an_older_analysis(desk, monkeypatch, tmp_path):
    before = answers(desk)
    vectors = [open_part(part, "vectors")["vectors"].copy() for part in parts(desk, "vectors")]
    older(desk)
    with pytest.raises(ArchiveMismatch, match=r"version 0 of .*, and this program has .*'broadsheet doctor --repair"):
        Archive.open(desk)
    assert run("search", "dam", "--index", desk).exit_code == 3
    ran = run("doctor", "--index", desk)
    assert ran.exit_code == 1
    assert "its words were analysed by version 0" in ran.stdout
    with Archive.open(desk, outdated=True) as archive:
        for call in (lambda: archive.search("dam"), lambda: archive.add(news(50, 51)), lambda: archive.delete(["n1"])):
            with pytest.raises(ArchiveMismatch):
                call()
        assert len(list(archive.export())) == 31
        archive.backup(tmp_path / "safe")
        monkeypatch.setattr("search.encode.load_matching_encoder", None)  # nothing is embedded
        report = archive.repair()
        assert (report.segments, report.parts, report.embedded) == (4, {"keyword": 4}, 0)
    monkeypatch.undo()
    assert answers(desk) == before
    kept = [open_part(part, "vectors")["vectors"] for part in parts(desk, "vectors")]
    assert sum(map(len, kept)) <= sum(map(len, vectors))


def older(folder):
    """Make an archive one whose words version 0 has analysed, in other ways than this one."""
    with forged(folder) as connection:
        connection.execute("UPDATE settings SET value = '0' WHERE key = 'analysis'")
        for path in parts(folder, "keyword"):
            part = open_part(path, "keyword")
            assert part.meta["analysis"] == ANALYSIS_VERSION
            path.unlink()
            write_part(path, "keyword", part.arrays(), {**part.meta, "analysis": 0})
            (described,) = connection.execute("SELECT parts FROM segments WHERE id = ?", (path.parent.name,)).fetchone()
            files = json.loads(described)
            files["keyword"].update(size=path.stat().st_size, sha256=file_hash(path))
            connection.execute("UPDATE segments SET parts = ? WHERE id = ?", (json.dumps(files), path.parent.name))


@shows("Archive.repair", "thorough", "progress")
def test_more_articles_than_are_held_in_memory(desk, monkeypatch):
    before = answers(desk)
    monkeypatch.setattr(repair, "CHUNK", 4)
    shutil.rmtree(desk / "segments")
    told = []
    assert repaired(desk, progress=told.append).segments == 4
    assert told[0] == "records"
    assert "embedding 4 passages" in told
    assert answers(desk) == before


def test_an_archive_without_vectors(tmp_path):
    with Archive.open(tmp_path / "words", create=True) as archive:
        archive.add(news(0, 20), vectors=False)
    shutil.rmtree(tmp_path / "words" / "segments")
    assert repaired(tmp_path / "words").parts == {"columns": 1, "keyword": 1}
    with Archive.open(tmp_path / "words") as archive:
        assert archive.search("w7").total == 1


def test_a_repair_that_ends_at_any_step(desk, tmp_path, monkeypatch):
    import os

    before = answers(desk)
    flip(parts(desk, "vectors")[0])
    parts(desk, "columns")[1].unlink()
    with forged(desk) as connection:
        connection.execute("INSERT INTO tombstones VALUES (15)")

    class Killed(BaseException):
        pass

    count, last = 0, 0

    def step(what):
        def stepped(*arguments, **named):
            nonlocal count
            count += 1
            if count > last:
                raise Killed
            return what(*arguments, **named)

        return stepped

    work = tmp_path / "work"
    for steps in range(0, 1000, 3):
        shutil.copytree(desk, work)
        count, last = 0, steps
        with monkeypatch.context() as patch, Archive.open(work) as archive, warnings.catch_warnings():
            for name in ("fsync", "replace", "rename", "mkdir"):
                patch.setattr(os, name, step(getattr(os, name)))
            try:
                archive.repair()
                done = True
            except Killed:
                done = False
        repaired(work)
        assert answers(work) == before
        shutil.rmtree(work)
        if done:
            break
    assert steps > 20
