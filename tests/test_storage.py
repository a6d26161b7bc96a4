"""Containers, catalog, locks, columns and checksums."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.engine.soundness import check_part
from search.errors import ArchiveDamaged, ArchiveLocked, ArchiveMismatch, ArchiveNotFound, StorageError
from search.records import Article
from search.storage import codec
from search.storage.catalog import FILE, Catalog
from search.storage.columns import MISSING_DAY, MISSING_INSTANT, Columns, build_columns, instant, merge_columns
from search.storage.container import PartData, Streamed, open_part, write_part
from search.storage.folder import Folder
from search.storage.locks import lock_writer, oldest_pin, pin
from search.storage.segments import part_place, sweep_orphans, write_segment
from search.storage.snapshot import parts_of, take_snapshot
from search.storage.transaction import Record, SegmentEntry
from search.storage.verified import Patrol, changed, file_hash, remember_verified, verify

from .forgery import forged

ARRAYS = {
    "counts": np.array([3, 1, 2], np.uint32),
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "empty": np.empty((0, 4), np.float16),
    "big_endian": np.array([1, 256], ">u2"),
    "scalar": np.array(7, np.int64),
}


def test_container_gives_back_what_was_written(tmp_path):
    file = write_part(tmp_path / "a.part", "keyword", ARRAYS, {"articles": 3})
    part = open_part(tmp_path / "a.part", "keyword")
    assert part.meta == {"articles": 3}
    assert set(part) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(part[name], array)
        assert not part[name].flags.writeable
    assert file.size == (tmp_path / "a.part").stat().st_size
    assert file.sha256 == file_hash(tmp_path / "a.part")


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 255), max_size=200), max_size=5), st.dictionaries(st.text(), st.integers()))
def test_container_round_trip(tmp_path_factory, columns, meta):
    path = tmp_path_factory.mktemp("container") / "a.part"
    write_part(path, "x", {str(i): np.array(c, np.uint8) for i, c in enumerate(columns)}, meta)
    part = open_part(path, "x")
    assert [part[str(i)].tolist() for i in range(len(columns))] == columns
    assert part.meta == meta


def test_container_never_replaces_a_file(tmp_path):
    write_part(tmp_path / "a.part", "x", {}, {})
    with pytest.raises(StorageError, match="cannot write"):
        write_part(tmp_path / "a.part", "x", ARRAYS, {})
    assert open_part(tmp_path / "a.part", "x").meta == {}


def test_container_refuses_objects(tmp_path):
    with pytest.raises(TypeError, match="dtype object"):
        write_part(tmp_path / "a.part", "x", {"a": np.array([object()])}, {})


def test_every_cut_of_a_container_is_refused(tmp_path):
    write_part(tmp_path / "a.part", "x", ARRAYS, {"k": 1})
    whole = (tmp_path / "a.part").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.part").write_bytes(whole[:length])
        with pytest.raises(ArchiveDamaged, match="cut short"):
            open_part(tmp_path / "cut.part", "x")


@pytest.mark.parametrize(
    "change",
    [
        {"offset": 1},
        {"offset": -64},
        {"offset": 1 << 40},
        {"shape": [1 << 62, 1 << 62]},
        {"shape": [-1]},
        {"shape": [1.5]},
        {"shape": "3"},
        {"dtype": "|O"},
        {"dtype": "<U4"},
        {"dtype": 3},
    ],
)
def test_a_crafted_header_is_refused(tmp_path, change):
    write_part(tmp_path / "a.part", "x", {"a": np.arange(3, dtype=np.uint32)}, {})
    data = (tmp_path / "a.part").read_bytes()
    length = int.from_bytes(data[8:16], "little")
    header = json.loads(data[16 : 16 + length])
    header["arrays"]["a"].update(change)
    encoded = json.dumps(header).encode()
    (tmp_path / "b.part").write_bytes(data[:8] + len(encoded).to_bytes(8, "little") + encoded + data[16 + length :])
    with pytest.raises(ArchiveDamaged):
        open_part(tmp_path / "b.part", "x")


def test_a_container_of_another_kind_is_refused(tmp_path):
    write_part(tmp_path / "a.part", "vectors", {}, {})
    with pytest.raises(ArchiveDamaged, match="holds 'vectors' where 'keyword' is expected"):
        open_part(tmp_path / "a.part", "keyword")
    (tmp_path / "b.part").write_bytes(b"\x80\x04" * 100)
    with pytest.raises(ArchiveDamaged, match="is not a Broadsheet part"):
        open_part(tmp_path / "b.part", "keyword")


INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("published", "microseconds"),
    [
        (None, MISSING_INSTANT),
        (date(1970, 1, 2), 86_400_000_000),
        (datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC), 1_000_005),
        (datetime(2025, 2, 26, 1, 0, tzinfo=INDIA), 1_740_511_800_000_000),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), -62_135_596_800_000_000 - 14 * 3_600_000_000),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))), 253_402_343_999_000_000),
    ],
)
def test_instants(published, microseconds):
    assert instant(published) == microseconds


def test_the_local_day_is_the_articles_own(tmp_path):
    late = Article(id="a", title="t", published=datetime(2025, 2, 26, 1, 0, tzinfo=INDIA))  # 25 February in UTC
    arrays, _ = build_columns([late, Article(id="b", title="t")], [1, 2])
    assert arrays["day"].tolist() == [date(2025, 2, 26).toordinal(), MISSING_DAY]


def columns_part(folder, articles, rows):
    arrays, meta = build_columns(articles, rows)
    path = folder / f"{rows[0]}.part"
    if not path.exists():
        write_part(path, "columns", arrays, meta)
    return open_part(path, "columns")


def test_merged_columns_equal_columns_built_at_once(tmp_path):
    articles = [
        Article(
            id=f"id-{i}",
            title="t",
            source="XYZ"[i % 3],
            section="s" * (i % 2),
            published=date(2024, 1, 1 + i),
            authors=tuple("PQRS"[: i % 4]),
        )
        for i in range(9)
    ]
    parts = [columns_part(tmp_path, articles[:4], range(1, 5)), columns_part(tmp_path, articles[4:], range(5, 10))]
    keep = [np.array([True, False, True, True]), np.array([True, True, False, True, True])]
    merged, meta = merge_columns(parts, keep)
    alive = np.flatnonzero(np.concatenate(keep))
    expected, expected_meta = build_columns([articles[i] for i in alive], [i + 1 for i in alive])
    assert meta == expected_meta
    assert merged.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(merged[name], array, err_msg=name)
    both = Columns(parts)
    assert both.ids([0, 3, 4, 8]) == ["id-0", "id-3", "id-4", "id-8"]
    assert both.find(["id-8", "id-0", "nobody", "id-0"]).tolist() == [0, 8]
    assert both.find([]).tolist() == []
    assert both.ordinals([1, 5, 9, 10, 0]).tolist() == [0, 4, 8, -1, -1]


def test_rows_out_of_order_are_damage(tmp_path):
    first = columns_part(tmp_path, [Article(id="a", title="t")], [5])
    second = columns_part(tmp_path, [Article(id="b", title="t")], [4])
    with pytest.raises(ArchiveDamaged, match="out of order"):
        Columns([first, second])


articles = st.builds(
    Article,
    id=st.text(min_size=1, max_size=20).filter(str.isprintable),
    title=st.text(max_size=40),
    text=st.text(max_size=200),
    published=st.none() | st.dates() | st.datetimes(timezones=st.just(UTC)),
    authors=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    extra=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)


@settings(deadline=None)
@given(articles)
def test_records_round_trip(article):
    data = codec.to_json(article)
    blob = codec.pack(data)
    assert codec.unpack(blob, codec.checksum(blob), 1) == article


SIGNS = '\x00\x1f\x7f\x80\u2028"\\/\b\f\n\r\t\ufeff😀'


@settings(deadline=None)
@given(articles)
@example(Article(id="a", text=SIGNS, extra={"é": True, "z": None, "a": -(1 << 63), SIGNS: SIGNS}))
@example(Article(id="a", extra={"too long": 1 << 64, "half": 0.5, "huge": 1e16, "list": [{"b": 1, "a": 2}]}))
@example(Article(id="a", extra={1: "a key that is no text"}))
def test_the_canonical_json_is_what_the_standard_library_writes(article):
    values = {name: getattr(article, name) for name in Article.__dataclass_fields__}
    values["published"] = article.published and article.published.isoformat()
    values = {name: value for name, value in values.items() if value}
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert codec.to_json(article) == canonical.encode()


def test_half_a_character_is_refused():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        codec.to_json(Article(id="a", text="\ud83d"))


def test_a_changed_record_is_damage():
    blob = codec.pack(codec.to_json(Article(id="a", title="t", text="x" * 500)))
    check = codec.checksum(blob)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(ArchiveDamaged, match="row 7 does not match its checksum"):
            codec.unpack(bytes(changed), check, 7)


def test_a_record_that_unpacks_to_a_bomb_is_refused():
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(b'{"id":"a","text":"' + b" " * (1 << 24) + b'"}')
    blob = bytearray(bomb)
    assert codec.unpack(bytes(blob), codec.checksum(bytes(blob)), 1).id == "a"  # large is not a bomb
    huge = zstandard.ZstdCompressor(write_content_size=True)
    frame = huge.compress(b"\0" * 100)
    forged = frame[:4] + bytes([0xE0 | (frame[4] & 0x1F)]) + (1 << 40).to_bytes(8, "little") + frame[6:]
    with pytest.raises(ArchiveDamaged, match="cannot be read"):
        codec.unpack(forged, codec.checksum(forged), 1)


def record_of(row, article):
    data = codec.to_json(article)
    return Record(row, article, data, codec.content_hash(data))


def new_archive(path, count=3):
    """A catalog with one segment of ``count`` articles, rows 1 to ``count``."""
    Catalog.create(Folder.open(path), {"name": "test"})
    catalog = Catalog.open(Folder.open(path))
    add_segment(path, catalog, [Article(id=f"a{i}", title=f"title {i}") for i in range(count)])
    return catalog


def add_segment(path, catalog, items):
    first = catalog.next_row()
    rows = range(first, first + len(items))
    arrays, meta = build_columns(items, rows)
    entry = write_segment(
        Folder.open(path), {"columns": PartData(arrays, meta)}, first, len(items), meta["ids_digest"], 1
    )
    with catalog.writing() as transaction:
        transaction.insert([record_of(row, item) for row, item in zip(rows, items, strict=True)])
        transaction.add_segment(entry)
    return entry


def test_a_transaction_is_all_or_nothing(tmp_path):
    catalog = new_archive(tmp_path)
    before = catalog.snapshot()
    with pytest.raises(RuntimeError, match="stop"), catalog.writing() as transaction:  # noqa: PT012
        transaction.bury([1, 2])
        transaction.set("name", "changed")
        raise RuntimeError("stop")
    assert catalog.snapshot() == before
    assert catalog.settings()["name"] == "test"
    with catalog.writing() as transaction:
        transaction.bury([2])
    assert catalog.snapshot()[0] == before[0] + 1
    assert catalog.snapshot()[2] == [2]
    assert set(catalog.live(["a0", "a1", "a2", "nobody"])) == {"a0", "a2"}
    assert catalog.count() == 2
    catalog.close(truncate=True)


def test_row_numbers_are_never_used_again(tmp_path):
    catalog = new_archive(tmp_path)
    with catalog.writing() as transaction:
        transaction.bury([1, 2, 3])
    catalog.forget(catalog.commit_number())
    assert catalog.count() == 0
    assert catalog.next_row() == 4
    catalog.close(truncate=True)


def test_opening_what_is_no_catalog(tmp_path):
    with pytest.raises(ArchiveNotFound, match="does not exist; make one with: broadsheet index"):
        Catalog.open(Folder.open(tmp_path / "nowhere"))
    with pytest.raises(ArchiveNotFound, match="holds no archive"):
        Catalog.open(Folder.open(tmp_path))
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(ArchiveDamaged, match="is damaged"):
        Catalog.open(Folder.open(tmp_path))
    (tmp_path / FILE).unlink()
    sqlite3.connect(tmp_path / FILE).execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(ArchiveNotFound, match="no Broadsheet catalog"):
        Catalog.open(Folder.open(tmp_path))


def change(path, *statements):
    connection = sqlite3.connect(path / FILE, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_another_format_is_a_mismatch(tmp_path):
    new_archive(tmp_path).close(truncate=True)
    change(tmp_path, "PRAGMA user_version = 100")
    with pytest.raises(ArchiveMismatch, match="has format 99, this version reads 0 to 2; index the articles again"):
        Catalog.open(Folder.open(tmp_path))


def test_a_catalog_with_code_in_it_is_refused(tmp_path):
    new_archive(tmp_path).close(truncate=True)
    change(tmp_path, "CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM articles; END")
    with pytest.raises(ArchiveDamaged, match="triggers or views"):
        Catalog.open(Folder.open(tmp_path))


def rows_in_blocks(array, size):
    return lambda: (array[start : start + size] for start in range(0, len(array), size))


@pytest.mark.parametrize("rows", [0, 1, 7, 20])
def test_a_streamed_array_is_written_as_if_it_were_whole(tmp_path, rows):
    array = np.random.default_rng(1).random((rows, 5)).astype(np.float16)
    streamed = Streamed(array.dtype, array.shape, rows_in_blocks(array, 3))
    one = write_part(tmp_path / "whole", "k", {"before": np.arange(3), "a": array, "after": array}, {"m": 1})
    other = write_part(tmp_path / "streamed", "k", {"before": np.arange(3), "a": streamed, "after": streamed}, {"m": 1})
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "streamed").read_bytes()
    assert (one.size, one.sha256) == (other.size, other.sha256)
    assert np.array_equal(open_part(tmp_path / "streamed", "k")["after"], array)
    assert np.array_equal(np.asarray(streamed), array)


def test_a_stream_that_breaks_off_leaves_no_file(tmp_path):
    array = np.zeros((20, 5), np.float16)

    def damaged():
        yield array[:3]
        raise ArchiveDamaged("a source is damaged")

    for blocks, error in ((damaged, ArchiveDamaged), (rows_in_blocks(array[:19], 3), ValueError)):
        with pytest.raises(error):
            write_part(tmp_path / "part", "k", {"a": Streamed(array.dtype, array.shape, blocks)}, {})
        assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", "..", "", ".hidden"])
def test_no_file_name_leads_out_of_the_archive(tmp_path, name):
    catalog = new_archive(tmp_path)
    parts = json.dumps({"columns": {"name": name, "size": 1, "sha256": "0"}})
    with forged(tmp_path) as connection:
        connection.execute("UPDATE segments SET parts = ?", (parts,))
    with pytest.raises(ArchiveDamaged, match="describes segment"):
        catalog.snapshot()
    catalog.close(truncate=False)


def test_one_writer_at_a_time(tmp_path):
    first = lock_writer(Folder.open(tmp_path))
    with pytest.raises(ArchiveLocked, match=f"is being written by process {os.getpid()}; wait for it to finish"):
        lock_writer(Folder.open(tmp_path))
    first.release()
    lock_writer(Folder.open(tmp_path)).release()


def test_a_dead_writer_holds_nothing(tmp_path):
    code = (
        "import sys, os, signal; from pathlib import Path; from search.storage.folder import Folder; "
        "from search.storage.locks import lock_writer; "
        "lock_writer(Folder.open(Path(sys.argv[1]))); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    lock_writer(Folder.open(tmp_path)).release()


def test_pins_keep_old_commits(tmp_path):
    assert oldest_pin(Folder.open(tmp_path), 9) == 9
    first, second, third = pin(Folder.open(tmp_path), 3), pin(Folder.open(tmp_path), 3), pin(Folder.open(tmp_path), 5)
    assert oldest_pin(Folder.open(tmp_path), 9) == 3
    first.release()
    assert oldest_pin(Folder.open(tmp_path), 9) == 3
    second.release()
    assert oldest_pin(Folder.open(tmp_path), 9) == 5
    third.release()
    assert oldest_pin(Folder.open(tmp_path), 9) == 9
    assert list((tmp_path / "pins").iterdir()) == []


def test_a_snapshot_stays_while_the_archive_moves_on(tmp_path):
    catalog = new_archive(tmp_path)
    snapshot = take_snapshot(catalog, check_part)
    add_segment(tmp_path, catalog, [Article(id="new", title="n")])
    with catalog.writing() as transaction:
        transaction.bury([2])
    assert len(snapshot.columns) == 3
    assert snapshot.live.tolist() == [True, True, True]
    assert oldest_pin(Folder.open(tmp_path), catalog.commit_number()) == snapshot.commit
    later = take_snapshot(catalog, check_part)
    assert later.live.tolist() == [True, False, True, True]
    assert later.sizes == [3, 1]
    snapshot.close()
    later.close()
    catalog.close(truncate=True)


def test_a_missing_file_is_damage_not_a_crash(tmp_path):
    catalog = new_archive(tmp_path)
    (entry,) = catalog.snapshot()[1]
    part_place(Folder.open(tmp_path), entry.id, entry.parts["columns"]).path.unlink()
    with pytest.raises(ArchiveDamaged, match=r"columns\.part is missing; restore a backup"):
        take_snapshot(catalog, check_part)
    assert oldest_pin(Folder.open(tmp_path), 99) == 99
    catalog.close(truncate=False)


def test_a_flipped_byte_is_found_at_open(tmp_path):
    catalog = new_archive(tmp_path)
    (entry,) = catalog.snapshot()[1]
    path = part_place(Folder.open(tmp_path), entry.id, entry.parts["columns"]).path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveDamaged, match="does not match its checksum"):
        take_snapshot(catalog, check_part)
    path.write_bytes(data[:-1])
    with pytest.raises(ArchiveDamaged, match=f"has {len(data) - 1} bytes, {len(data)} were written"):
        take_snapshot(catalog, check_part)
    catalog.close(truncate=False)


def verified(path, entries, anew=0):
    """As an opening verifies the parts of some segments; so many bytes that were compared before are read again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.storage.verified.ANEW", anew)
        folder = Folder.open(path)
        return folder, verify(folder, parts_of(folder, entries), check_part)


def test_marks_of_verified_files_are_added_and_the_needless_ones_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))
    catalog = new_archive(tmp_path)
    add_segment(tmp_path, catalog, [Article(id="b", title="t")])
    (memory,) = (tmp_path / "cache" / "verified").iterdir()
    read = []
    monkeypatch.setattr(
        "search.storage.verified.file_hash",
        lambda place, size, pause: read.append(place.path) or file_hash(place, size, pause),
    )
    with memory.open("a") as file:
        file.write("cut sho")
    add_segment(tmp_path, catalog, [Article(id="c", title="t")])
    entries = catalog.segments()[1]
    assert len(entries) == 3
    verified(tmp_path, entries)
    assert read == []
    assert "cut sho" in memory.read_text().splitlines()
    monkeypatch.setattr("search.storage.verified._MARKS", 3)
    verified(tmp_path, entries[1:])
    assert len(memory.read_text().splitlines()) == 2
    verified(tmp_path, entries)
    assert [path.parent.name for path in read] == [entries[0].id]


def test_a_verified_file_is_not_read_again(tmp_path, monkeypatch):
    catalog = new_archive(tmp_path)
    entries = catalog.snapshot()[1]
    read = []
    monkeypatch.setattr(
        "search.storage.verified.file_hash",
        lambda place, size, pause: read.append(place.path) or file_hash(place, size, pause),
    )
    verified(tmp_path, entries)
    assert read == []  # the writer marked its own file
    path = part_place(Folder.open(tmp_path), entries[0].id, entries[0].parts["columns"]).path
    os.utime(path, ns=(1, 1))
    verified(tmp_path, entries)
    verified(tmp_path, entries)
    assert read == [path]
    catalog.close(truncate=False)


def rot(path, at=-1):
    """Flip a bit, and let nothing that the system says of the file tell it: a test has no failing disk, so what was
    remembered of the file is told of its new state."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_rot_that_no_state_tells_is_found_by_an_opening_that_reads_the_part_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))
    catalog = new_archive(tmp_path)
    (entry,) = catalog.segments()[1]
    part = entry.parts["columns"]
    place = part_place(Folder.open(tmp_path), entry.id, part)
    rot(place.path)
    remember_verified(Folder.open(tmp_path), [(place, part)])
    verified(tmp_path, [entry], anew=part.size - 1)  # too large to be read anew: its state is believed
    with pytest.raises(ArchiveDamaged, match=r"columns\.part does not match its checksum"):
        verified(tmp_path, [entry], anew=part.size)
    with pytest.raises(ArchiveDamaged, match=r"columns\.part does not match its checksum"):
        verified(tmp_path, [entry])  # the next one does not believe it any more
    rot(place.path)
    verified(tmp_path, [entry])
    catalog.close(truncate=False)


def test_a_part_is_read_anew_once_for_each_opening(tmp_path, monkeypatch):
    catalog = new_archive(tmp_path)
    add_segment(tmp_path, catalog, [Article(id="b", title="t")])
    entries = catalog.segments()[1]
    read = []
    monkeypatch.setattr(
        "search.storage.verified.file_hash",
        lambda place, size, pause: read.append(place.names[1]) or file_hash(place, size, pause),
    )
    folder, files = verified(tmp_path, entries, anew=1 << 20)
    assert sorted(read) == sorted(entry.id for entry in entries)
    verify(folder, parts_of(folder, entries), check_part)
    assert len(read) == 2
    both = sum(known.file.size for known in files.values())
    drawn = set()
    while len(drawn) < 2:  # by chance one or the other
        read.clear()
        verified(tmp_path, entries, anew=both - 1)
        assert len(read) == 1
        drawn.update(read)
    catalog.close(truncate=False)


def test_a_patrol_reads_everything_anew_and_what_differs_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("search.storage.verified.PACE", 1 << 40)
    catalog = new_archive(tmp_path)
    add_segment(tmp_path, catalog, [Article(id="b", title="t")])
    entries = catalog.segments()[1]
    broken = part_place(Folder.open(tmp_path), entries[0].id, entries[0].parts["columns"])
    rot(broken.path)
    remember_verified(Folder.open(tmp_path), [(broken, entries[0].parts["columns"])])
    folder, files = verified(tmp_path, entries)
    assert not changed(folder, files)
    patrol = Patrol(folder)
    patrol.walk(files)
    patrol.walking.join()
    assert changed(folder, files)
    assert [files[mark].place.names for mark in folder.differing] == [broken.names]
    assert len(folder.compared) == 1
    with pytest.raises(ArchiveDamaged, match="does not match its checksum"):
        verify(folder, parts_of(folder, entries), check_part)
    with pytest.raises(ArchiveDamaged, match="does not match its checksum"):  # any other opening, too
        verified(tmp_path, entries)
    first = patrol.walking
    patrol.walk(files)
    assert patrol.walking is first  # the next round is due tomorrow
    patrol._due = 0.0
    patrol.end()
    patrol.walk(files)
    assert patrol.walking is first
    catalog.close(truncate=False)


def test_a_patrol_under_way_ends_with_its_archive(tmp_path, monkeypatch):
    monkeypatch.setattr("search.storage.verified.PACE", 1 / 3600)
    catalog = new_archive(tmp_path)
    folder, files = verified(tmp_path, catalog.segments()[1])
    patrol = Patrol(folder)
    patrol.walk(files)
    patrol.end()
    folder.close()
    patrol.walking.join(60)
    assert not patrol.walking.is_alive()
    assert folder.compared == folder.differing == set()
    catalog.close(truncate=False)


def test_a_file_that_changes_or_goes_is_seen(tmp_path):
    catalog = new_archive(tmp_path)
    entries = catalog.segments()[1]
    folder, files = verified(tmp_path, entries)
    path = part_place(folder, entries[0].id, entries[0].parts["columns"]).path
    assert not changed(folder, files)
    data = path.read_bytes()
    path.write_bytes(data)
    assert changed(folder, files)  # as far as its state tells
    folder, files = verified(tmp_path, entries)
    assert not changed(folder, files)
    path.unlink()
    assert changed(folder, files)
    catalog.close(truncate=False)


def test_orphans_are_swept_and_nothing_else(tmp_path):
    catalog = new_archive(tmp_path)
    (entry,) = catalog.snapshot()[1]
    (tmp_path / "segments" / "0123456789abcdef").mkdir()
    (tmp_path / "segments" / "0123456789abcdef" / "half.part").write_bytes(b"half")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (tmp_path / "segments" / "link").symlink_to(outside)
    sweep_orphans(Folder.open(tmp_path), [entry], [])
    assert sorted(p.name for p in (tmp_path / "segments").iterdir()) == sorted([entry.id, "link"])
    assert (outside / "precious").exists()
    catalog.close(truncate=False)


def test_mixed_up_parts_are_refused(tmp_path):
    catalog = new_archive(tmp_path)
    items = [Article(id="x", title="t")]
    arrays, meta = build_columns(items, [4])
    entry = write_segment(Folder.open(tmp_path), {"columns": PartData(arrays, meta)}, 4, 1, meta["ids_digest"], 1)
    other = write_segment(Folder.open(tmp_path), {"keyword": PartData({}, {})}, 4, 1, "another digest", 1)
    (tmp_path / "segments" / other.id / "keyword.part").rename(tmp_path / "segments" / entry.id / "keyword.part")
    mixed = SegmentEntry(entry.id, 4, 1, {**entry.parts, **other.parts})
    with catalog.writing() as transaction:
        transaction.insert([record_of(4, items[0])])
        transaction.add_segment(mixed)
    with pytest.raises(ArchiveDamaged, match="hold different articles"):
        take_snapshot(catalog, check_part)
    catalog.close(truncate=False)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("rows", lambda rows: rows[:-1], "bad column 'published'"),
        ("rows", lambda rows: rows[::-1], "out of order"),
        ("rows", lambda rows: rows * 2**62, "out of order"),
        ("rows", lambda rows: rows.astype(np.float64), "bad column 'rows'"),
        ("rows", lambda rows: np.array(4), "bad column 'rows'"),
        ("published", lambda instants: instants.reshape(1, -1), "bad column 'published'"),
        ("day", lambda days: days[:1], "bad column 'day'"),
        (None, lambda columns: {name: columns[name][:1] for name in columns}, "columns of other articles"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(tmp_path, name, change, said):
    catalog = new_archive(tmp_path)
    items = [Article(id=one, title="t") for one in "xyz"]
    arrays, meta = build_columns(items, [4, 5, 6])
    arrays = change(arrays) if name is None else {**arrays, name: change(arrays[name])}
    entry = write_segment(Folder.open(tmp_path), {"columns": PartData(arrays, meta)}, 4, 3, meta["ids_digest"], 1)
    with catalog.writing() as transaction:
        transaction.add_segment(entry)
    with pytest.raises(ArchiveDamaged, match=said):
        take_snapshot(catalog, check_part)
    catalog.close(truncate=False)


def test_a_read_only_archive_can_be_read():
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name)
        new_archive(archive).close(truncate=True)
        for path in [*archive.rglob("*"), archive]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        own = os.geteuid()
        if own == 0:  # root may write anywhere
            os.seteuid(65534)
        try:
            catalog = Catalog.open(Folder.open(archive))
            assert len(take_snapshot(catalog, check_part).columns) == 3
            catalog.close(truncate=False)
            with pytest.raises(StorageError, match="Permission denied"):
                lock_writer(Folder.open(archive))
        finally:
            os.seteuid(own)
            for path in [archive, *archive.rglob("*")]:
                path.chmod(0o755)
