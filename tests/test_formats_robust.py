"""Each format with a file that was cut, one with flipped bits and one that unfolds without end: they cost themselves
and no other file of their folder, and no time."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import time

import pytest

from search.errors import SourceError
from search.ingest import known_formats
from search.ingest import read as ingest_read
from search.ingest.formats import old_workbooks, recognition, trees
from search.ingest.queries import _sheet
from search.ingest.source import Source, SourceProblem
from search.records import Article, Rejection
from tests.placeless import read
from tests.test_formats import FOLDER, ROOT, script

LONGEST = 5.0  # seconds of the processor
BOMB = 1000  # times its packed size


def fixtures():
    """A file of each format, by its name; what only its place tells stands where it has to."""
    found = {}
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name != "gold.jsonl"):
        reading = read([path])
        list(reading)
        for name in reading.report.kinds:
            found.setdefault(name, path)
    return found


@pytest.fixture(autouse=True)
def no_recognition(monkeypatch):
    monkeypatch.setattr(recognition, "available", lambda: False)


FILES = fixtures()


@pytest.fixture
def folder(tmp_path):
    """A folder with a good file before and behind what is damaged."""
    for name in ("0.txt", "zz.txt"):
        (tmp_path / name).write_text(f"Title of {name}\n\nThe text of a good article.\n")
    return tmp_path


def read_beside(folder, path, data, suffix=""):
    """What is read of a folder with these bytes in it: articles and rejections of the damaged file. The good ones are
    there, no reader fails, and it takes no time."""
    target = folder / path.relative_to(FOLDER)
    target = target.with_name(target.name + suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    started = time.thread_time()
    items = list(read([folder]))
    assert time.thread_time() - started < LONGEST
    good = [item for item in items if isinstance(item, Article) and item.title.startswith("Title of ")]
    assert [item.title for item in good] == ["Title of 0.txt", "Title of zz.txt"]
    rest = [item for item in items if item not in good]
    for item in rest:
        assert isinstance(item, Article) or "the reader of this file failed" not in item.reason
    return rest


def test_there_is_a_file_of_each_format():
    assert set(FILES) == set(known_formats())


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_that_is_cut(folder, collector_off, name, share):
    path = FILES[name]
    data = path.read_bytes()
    read_beside(folder, path, data[: int(len(data) * share)])


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("seed", [0, 3])
def test_a_file_with_flipped_bits(folder, collector_off, name, seed):
    path = FILES[name]
    data = bytearray(path.read_bytes())
    rnd = random.Random(f"{name} {seed}")
    for _ in range(1 << seed):
        data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)
    read_beside(folder, path, bytes(data))


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_unfolds_without_end(folder, collector_off, monkeypatch, name):
    monkeypatch.setattr("search.ingest.source.FREE", 1 << 18)
    path = FILES[name]
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    packed = gzip.compress(data)
    bomb = gzip.compress(data + b" " * (BOMB * len(packed) + (1 << 20)))
    rest = read_beside(folder, path, bomb, ".gz")
    told = [item for item in rest if isinstance(item, Rejection) and "times its size" in item.reason]
    kept = [item for item in rest if isinstance(item, Article)]
    assert told or kept or name in ("mets", "alto"), rest  # a page, or a reader that stops where its file ends
    assert len(told) <= 1


def test_entities_within_entities_are_no_bomb_in_any_format_of_xml(tmp_path, collector_off):
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20 if n else "x" * 99}">' for n in range(20))
    started = time.thread_time()
    for root in (
        "nitf",
        "newsitem itemid='1'",
        "NewsML",
        "alto",
        "mets",
        "PcGts",
        "TEI",
        "urlset",
        "rss",
        "PPSResponse",
    ):
        path = tmp_path / f"{root[:6].strip()}.xml"
        path.write_text(f"<!DOCTYPE x [{bomb}]><{root}><text>&a19;</text><title>&a19;</title></{root.split()[0]}>")
        for item in read([path]):
            assert isinstance(item, Rejection) or len(item.text) < 1000
    assert time.thread_time() - started < LONGEST


@pytest.mark.parametrize(
    ("declared", "data", "words"),
    [
        ("iso--8859-1", "é".encode("latin-1"), "é"),
        ("utf-:", "é".encode(), "é"),
        ("nobody-knows", b"\xe9", "é"),
        ("mac_roman", b"\x8e", "é"),
        ("shift_jis", "ソ連".encode("shift_jis"), "ソ連"),
        ("hex", b"\xe9", "é"),
    ],
)
def test_what_xml_says_of_its_encoding_is_not_believed_blindly(declared, data, words):
    import io

    xml = f'<?xml version="1.0" encoding="{declared}"?><r><a>'.encode() + data + b" & more</a></r>"
    found = [trees.words(one) for one, _ in trees.elements(Source("x", io.BytesIO(xml)), ("a",))]
    assert found == [f"{words} & more"]


def test_an_encoding_that_is_none_is_told():
    import io

    xml = b'<?xml version="1.0" encoding="punycode"?><r><a>\xe9</a></r>'
    with pytest.raises(SourceProblem, match="not in punycode, as it says"):
        list(trees.elements(Source("x", io.BytesIO(xml)), ("a",)))


@pytest.mark.parametrize("name", ["newsml_g2.xml", "crawl.warc.gz"])
def test_memory_is_flat(name):
    """Four times the file in no more memory, in processes of their own: as trees it would be 40 MiB more."""
    formats = script("formats")
    small, large = formats.measured(name, 2 << 20), formats.measured(name, 8 << 20)
    assert large["articles"] > 3 * small["articles"] > 0
    assert large["peak"] < small["peak"] + 6


def test_no_letter_is_lost_behind_a_mistake():
    import io

    xml = b"<?xml version='1.0' encoding='utf-:'?><r><a>AT&amp;T &lt;b&gt; R&D &quot;caf&eacute;&quot;</a></r>"
    given = Source("x", io.BytesIO(xml))
    assert [trees.words(one) for one, _ in trees.elements(given, ("a",))] == ['AT&T <b> R&D "café"']
    assert given.notes["characters that made it no XML, put right"] == 2


def test_a_record_of_a_crawl_with_a_wrong_length_is_told_and_not_printed(tmp_path, capfd):
    data = gzip.decompress((FOLDER / "crawl.warc.gz").read_bytes())
    wrong = data.replace(b"Content-Length: ", b"Content-Length: 1\r\nX-Was: ", 1)
    assert wrong != data
    path = tmp_path / "a.warc"
    path.write_bytes(wrong)
    reading = ingest_read([path])
    list(reading)
    assert reading.report.kinds["warc"].notes["records that end elsewhere than they say"] > 0
    assert capfd.readouterr() == ("", "")


def test_many_elements_are_not_taken_for_a_large_one(monkeypatch):
    import io

    monkeypatch.setattr(trees, "RECORD_LIMIT", 1_000_000)
    xml = b"<r>" + (b"<item>" + b"x" * 10_000 + b"</item>") * 500 + b"</r>"
    assert sum(1 for _ in trees.elements(Source("x", io.BytesIO(xml)), ("item",))) == 500


FORKED = """
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
loader = SourceFileLoader("fuzz", sys.argv[1])
module = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(module)
code, out, said = module.forked(sys.stdin.buffer.read())
sys.stdout.buffer.write(b"%d\\n" % code + out)
"""


def circling():
    """A workbook of the old Excel whose directory is its own next sector, for ever."""
    data = bytearray((FOLDER / "articles.xls").read_bytes())
    table = (int.from_bytes(data[76:80], "little") + 1) * 512  # where each sector's next one stands
    directory = int.from_bytes(data[48:52], "little")
    data[table + 4 * directory : table + 4 * directory + 4] = directory.to_bytes(4, "little")
    return bytes(data)


def test_an_old_workbook_whose_sectors_run_in_a_circle_costs_only_itself(tmp_path):
    (tmp_path / "a.xls").write_bytes(circling())
    (tmp_path / "b.xls").write_bytes((FOLDER / "articles.xls").read_bytes())
    items = list(read([tmp_path]))
    assert [item.reason for item in items if isinstance(item, Rejection)] == [
        "no workbook that can be read (its library gave up)"
    ]
    assert sum(isinstance(item, Article) for item in items) == 2


def test_damaged_old_workbooks_cost_no_more_than_themselves(tmp_path):
    """A hundred damages, some of which end the process that reads them; the script forks, the product starts one."""
    shutil.copy(FOLDER / "articles.xls", tmp_path)
    (tmp_path / "circle.xls").write_bytes(circling())
    command = [sys.executable, str(ROOT / "scripts" / "fuzz_formats"), "--each", "50", "--from", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "articles.xls: 50 damages, 0 faults\ncircle.xls: 50 damages, 0 faults\n"


def test_a_fork_reads_an_old_workbook_as_a_process_of_its_own_does(tmp_path):
    fuzz = script("fuzz_formats")
    good = (FOLDER / "articles.xls").read_bytes()
    code, out, _ = old_workbooks.asked(good)
    command = [sys.executable, "-c", FORKED, str(ROOT / "scripts" / "fuzz_formats")]
    for data, expected in ((good, (code, out)), (circling(), None), (good[:3000], (1, b""))):
        done = subprocess.run(command, input=data, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        told = int(done.stdout.partition(b"\n")[0]), done.stdout.partition(b"\n")[2]
        assert told == expected if expected is not None else told[0] not in (0, 1)
    assert code == 0
    assert fuzz.LONGEST == LONGEST


def test_an_old_workbook_of_queries_is_read_as_one_of_articles(tmp_path):
    good, bad = tmp_path / "good.xls", tmp_path / "bad.xls"
    good.write_bytes((FOLDER / "articles.xls").read_bytes())
    bad.write_bytes(circling())
    assert next(_sheet(good, good.read_bytes()))[:3] == ["Title", "Text", "Date"]
    with pytest.raises(SourceError, match="its library gave up"):
        list(_sheet(bad, bad.read_bytes()))
