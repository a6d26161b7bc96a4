"""The doctor finds what checksums do not tell: files of nobody, lists that lie, numbers that lie under right sums."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date

import numpy as np
import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged
from search.storage.container import open_part, write_part
from search.storage.folder import Folder
from search.storage.locks import lock_writer

from .forgery import forged

NEWS = [
    Article(
        id=f"a{i}",
        title=f"Number {i}",
        text=f"The dam leaks {'again ' * i}. Nobody acts.",
        published=date(2024, 1, 1 + i),
        source="XYZ"[i % 3],
        authors=("P", "Q")[: i % 3],
    )
    for i in range(7)
]


@pytest.fixture
def path(tmp_path):
    """Two segments; of the second one an article is dead and its record gone."""
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(NEWS[:3])
        archive.add(NEWS[3:])
        archive.delete(["a4"])
    return tmp_path / "a"


def problems(path, **how):
    with Archive.open(path) as archive:
        return archive.check(**how)


def change(path, *statement):
    with forged(path) as connection:
        return connection.execute(*statement).fetchall()


def forge(path, name, array, value):
    """Write another value into an array of the last segment, and the right checksum of that into the catalog."""
    ((segment, parts),) = change(path, "SELECT id, parts FROM segments ORDER BY first_row DESC LIMIT 1")
    parts = json.loads(parts)
    file = path / "segments" / segment / parts[name]["name"]
    part = open_part(file, name)
    arrays = {key: np.array(values) for key, values in part.arrays().items()}
    arrays[array] = value(arrays[array])
    file.unlink()
    write_part(file, name, arrays, part.meta)
    parts[name].update(size=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    change(path, "UPDATE segments SET parts = ? WHERE id = ?", (json.dumps(parts), segment))


def test_a_sound_archive(path):
    assert problems(path) == problems(path, thorough=True) == []
    with Archive.open(path) as archive:
        archive.optimize()
    assert problems(path, thorough=True) == []


def bumped(values):
    values[0] += 1
    return values


@pytest.mark.parametrize("array", ["published", "day", "source", "author"])
def test_columns_that_lie_under_a_right_checksum(path, array):
    forge(path, "columns", array, bumped if array in ("published", "day") else lambda codes: codes[::-1])
    (problem,) = problems(path)
    assert re.search(rf"columns\.part has other values than its articles \(.*{array}.*\); index them again", problem)


@pytest.mark.parametrize("array", ["positions"])
def test_words_that_lie_under_a_right_checksum(path, array):
    forge(path, "keyword", array, bumped)
    assert problems(path) == []
    (problem,) = problems(path, thorough=True)
    assert re.search(rf"keyword\.part has other words than its articles \(.*{array}.*\); index them again", problem)


@pytest.mark.parametrize("array", ["lengths", "freqs"])
def test_words_that_do_not_even_agree_with_each_other(path, array):
    forge(path, "keyword", array, bumped)
    (problem,) = problems(path)
    assert re.search(rf"keyword\.part has '{array}', .* that contradict the rest", problem)


def test_a_rebuilt_part_is_compared_in_pieces(path, monkeypatch):
    monkeypatch.setattr("search.engine.rebuilt.CHUNK", 2)
    assert problems(path, thorough=True) == []
    forge(path, "keyword", "positions", bumped)
    assert len(problems(path, thorough=True)) == 1


def test_files_that_no_commit_names(path):
    segment = next((path / "segments").iterdir())
    (segment / "spare.part").write_bytes(b"x")
    (path / "segments" / "0123456789abcdef").mkdir()
    found = problems(path)
    assert len(found) == 2
    assert all("is named by no commit: an interrupted writer left it" in line for line in found)
    assert {line.split()[0] for line in found} == {
        str(segment / "spare.part"),
        str(path / "segments" / "0123456789abcdef"),
    }
    lock = lock_writer(Folder.open(path))  # what is being made has no name yet
    try:
        assert problems(path) == []
    finally:
        lock.release()


@pytest.mark.parametrize("whole", [True, False])
def test_a_list_of_what_to_remove_that_names_what_is_used(path, whole):
    ((segment, parts),) = change(path, "SELECT id, parts FROM segments ORDER BY first_row LIMIT 1")
    file = "" if whole else json.loads(parts)["keyword"]["name"]
    change(path, "INSERT INTO dropped VALUES (?, ?, 0)", (segment, file))
    before = {file.name for file in (path / "segments" / segment).iterdir()}
    assert any("the catalog would remove" in line and "which it uses" in line for line in problems(path))
    with Archive.open(path) as archive, pytest.raises(ArchiveDamaged, match="asks to remove files that it uses"):
        archive.add([Article(id="new", title="New")])
    assert {file.name for file in (path / "segments" / segment).iterdir()} == before


def test_a_death_by_a_commit_that_was_never_made_is_found(path):
    """It hides nothing yet, and the commit of that number would take the record away."""
    change(path, "UPDATE articles SET died = 99 WHERE row = 2")
    assert any("was deleted by commit 99, which was never made" in line for line in problems(path))


def test_tables_that_hold_what_ours_cannot_are_refused(path):
    """Such as a record that is a number: the table is not as ours is made."""
    change(path, "ALTER TABLE articles RENAME TO old")
    change(path, "CREATE TABLE articles AS SELECT * FROM old")
    change(path, "UPDATE articles SET record = 5")
    change(path, "DROP TABLE old")
    with pytest.raises(ArchiveDamaged, match="is not a whole catalog"):
        Archive.open(path)
