"""The door: formats told by bytes before names, archives opened in place, bombs refused, formats of other packages."""

import bz2
import io
import json
import lzma
import tarfile
import warnings
import zipfile

import pytest

from search.errors import MissingExtraError, SourceError
from search.ingest import Format, Record, known_formats, reading
from search.ingest import source as sources
from search.ingest.formats.foreign import kind_of
from search.ingest.source import Head
from search.records import Article, Rejection
from tests.placeless import read

ONE, TWO = Article(id="1", title="One"), Article(id="2", title="Two")
LINES = b'{"id": "1", "title": "One"}\n{"id": "2", "title": "Two"}\n'
TABLE = b"id,title\n1,One\n2,Two\n"


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def found(tmp_path, name, data, **options):
    path = tmp_path / name
    path.write_bytes(data)
    return list(read([path], **options))


# Bytes before names


@pytest.mark.parametrize("data", [LINES, b"[" + LINES.strip().replace(b"\n", b",") + b"]", TABLE])
@pytest.mark.parametrize("name", ["dump.txt", "feed.xml", "page.html", "mail.eml", "dump", "table.csv", "lines.jsonl"])
def test_the_bytes_decide(tmp_path, name, data):
    assert found(tmp_path, name, data) == [ONE, TWO]


FOREIGN = {
    "HTML": b"<!-- saved -->\n<!DOCTYPE html>\n<html><body><p>River</p></body></html>",
    "HTML ": b"  <div class='story'>\n<p>River rises</p></div>",
    "XML": b'\xef\xbb\xbf<?xml version="1.0"?>\n<unheard-of><a>River</a></unheard-of>',
    "XML ": b"<unheard-of:thing xmlns:x='y'><a>River</a></unheard-of:thing>",
    "mail": b"Return-Path: <a@example.org>\nSubject: River\nDate: today\n\nThe river rose.\n",
    "mail ": b"From: Ana <a@example.org>\nTo: Li <l@example.org>\nSubject: River\n\nThe river rose.\n",
    "RTF": b"{\\rtf1\\ansi The river rose.\\par}",
    "base64 data": b"VGhlIHJpdmVyIHJvc2UgdGhyb3VnaCB0aGUgbmlnaHQgYW5kIHJlYWNoZWQgdGhlIHNlY29uZCBz\n" * 5,
    "BibTeX references": b"% export\n@article{a1,\n title={River rises},\n author={Ruiz, Ana}\n}\n",
    "EndNote references": b"%0 Newspaper Article\n%T River rises\n%A Ruiz, Ana\n",
    "an HTTP response": b"HTTP/1.1 200 OK\nContent-Type: text/plain\n\nThe river rose",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_prose_is_named(kind):
    assert kind_of(Head(FOREIGN[kind])) == kind.strip()


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a"])
def test_what_is_no_prose_never_becomes_a_text(tmp_path, monkeypatch, kind, name):
    """Where no format of its own reads it."""
    plain = {name: form for name, form in known_formats().items() if name in ("text", "json", "jsonl", "csv")}
    monkeypatch.setattr("search.ingest.formats.known_formats", lambda: plain)
    with pytest.raises(SourceError, match=f"{kind.strip()}, which no format reads"):
        found(tmp_path, name, FOREIGN[kind])
    with pytest.raises(SourceError, match="not plain text but "):
        found(tmp_path, name, FOREIGN[kind], format="text")
    (rejection,) = read([f"{tmp_path}/*"])
    assert rejection.reason == f"{kind.strip()}, which no format reads"


@pytest.mark.parametrize(
    "text",
    [
        "River <b>rises</b>\n\nThe river rose.",
        "From: our correspondent\n\nThe river rose.",
        "<3 is a heart, says the mayor\n\nThe river rose.",
        "Subject: matter\nThe river rose.",
        "Date: 2025-02-26\nSource: Valley Post\n\nThe river rose.",
        "Supercalifragilisticexpialidocious",
    ],
)
def test_prose_stays_prose(text):
    assert kind_of(Head(text.encode())) is None


# Archives


@pytest.mark.parametrize("pack", [zipped, tarred, lambda f: tarred(f, "w:gz"), lambda f: tarred(f, "w:xz")])
@pytest.mark.parametrize("name", ["news.zip", "news.tar.gz", "news"])
def test_members_of_archives(tmp_path, pack, name):
    files = {
        "2025/a.jsonl": LINES,
        "2025/b.csv": TABLE,
        "__MACOSX/a.jsonl": LINES,
        ".hidden": LINES,
        "photo.jpg": b"\xff\xd8\xff",
        "bad.jsonl": b"{",
        "empty.txt": b"",
    }
    path = tmp_path / name
    path.write_bytes(pack(files))
    source = read([path])
    assert list(source) == [
        *[ONE, TWO] * 2,
        Rejection(source=f"{path}!/bad.jsonl", line=1, reason="the file ends inside this record", record="{"),
        Rejection(source=f"{path}!/empty.txt", line=None, reason="empty file"),
    ]
    assert source.passed_over == {
        "hidden files": (2, f"{path}!/__MACOSX/a.jsonl"),
        ".jpg files (a JPEG image)": (1, f"{path}!/photo.jpg"),
    }
    assert list(read([tmp_path]))[:4] == [ONE, TWO] * 2
    assert 0 < source.bytes_read <= source.bytes_total()


@pytest.mark.parametrize(
    "files",
    [
        {"[Content_Types].xml": b"<x/>", "_rels/.rels": b"<x/>", "word/document.xml": b"<x/>"},
        {"mimetype": b"application/epub+zip", "a.xhtml": b"<x/>"},
    ],
)
def test_documents_that_are_kept_as_archives_are_not_opened(tmp_path, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    assert kind_of(Head(out.getvalue())) == "an Office document or an e-book"
    path = tmp_path / "a.unheard-of"
    path.write_bytes(out.getvalue())
    opened = read([tmp_path])
    assert not any("!/" in str(getattr(item, "source", "")) for item in opened)
    assert not any("!/" in example for _, example in opened.passed_over.values())


def test_a_reader_that_fails_to_recognise_costs_nothing(tmp_path, registered):
    def failing(head):
        raise ZeroDivisionError("a bug")

    registered(Format(name="broken", title="broken", recognises=failing, read=lambda source: iter(())))
    with pytest.warns(UserWarning, match="the format 'broken' failed to recognise an input"):
        assert found(tmp_path, "a.csv", TABLE) == [ONE, TWO]


def test_archives_in_archives_and_compressed_members(tmp_path):
    inner = zipped({"a.jsonl.bz2": bz2.compress(LINES), "b.csv.xz": lzma.compress(TABLE)})
    assert found(tmp_path, "a.tar", tarred({"deep/inner.zip": inner})) == [ONE, TWO] * 2
    nested = LINES
    for _ in range(5):
        nested = zipped({"inner.zip" if nested is not LINES else "a.jsonl": nested})
    (rejection,) = found(tmp_path, "b.zip", nested)
    assert rejection.reason == "archives nested deeper than 3"
    assert rejection.source.endswith("b.zip!/inner.zip!/inner.zip!/inner.zip")


def test_nothing_in_an_archive_is_followed_or_written(tmp_path):
    data = tarred({"../../escape.jsonl": LINES, "/abs.jsonl": LINES, "link.jsonl": None})
    before = sorted(tmp_path.rglob("*"))
    source = read([tmp_path / "a.tar"]) if (tmp_path / "a.tar").write_bytes(data) else None
    assert list(source) == [ONE, TWO] * 2
    assert source.passed_over == {"links, devices or sparse files in archives": (1, f"{tmp_path}/a.tar!/link.jsonl")}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "a.tar"])


def test_damaged_archives_keep_what_can_be_read(tmp_path):
    data = zipped({"a.jsonl": LINES, "b.jsonl": LINES * 50})
    second = data.index(b"b.jsonl") + len("b.jsonl")
    damaged = data[:second] + b"\xff" * 8 + data[second + 8 :]
    first, other, rejection = found(tmp_path, "a.zip", damaged)
    assert [first, other] == [ONE, TWO]
    assert rejection.source.endswith("a.zip!/b.jsonl")
    *articles, rejection = found(tmp_path, "b.tar", tarred({"a.jsonl": LINES, "b.jsonl": LINES * 50})[:2000])
    assert articles[:2] == [ONE, TWO]
    assert "reading failed" in rejection.reason or "damaged" in rejection.reason
    (rejection,) = found(tmp_path, "c.zip", data[:40])
    assert rejection.reason.startswith("the ZIP file is damaged")


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", lambda data: zipped({"a.csv": data})),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.xz", lzma.compress),
        ("a.zip", lambda data: zipped({f"{n}.csv": data[: len(data) // 4] for n in range(4)})),
    ],
)
def test_bombs_are_given_up(tmp_path, monkeypatch, name, pack):
    monkeypatch.setattr(sources, "FREE", 1 << 20)
    monkeypatch.setattr(sources, "RATIO", 100)
    bomb = b"id,title,text\n" + b"1,One,x\n" * (1 << 19)
    *articles, rejection = found(tmp_path, name, pack(bomb))
    assert "unfolds to more than 100 times its size" in rejection.reason
    assert len(articles) < 400_000


@pytest.mark.parametrize(("compress", "what"), [(bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_bzip2_and_xz_that_break_off(tmp_path, compress, what):
    whole = compress(LINES)
    assert found(tmp_path, "a.jsonl", whole + compress(LINES)) == [ONE, TWO] * 2
    *_, rejection = found(tmp_path, "a.jsonl", whole[:-9])
    assert rejection.reason == f"the {what} data is cut short"
    *_, rejection = found(tmp_path, "a.jsonl", whole[:20] + b"\0\1\2\3" + whole[24:])
    assert rejection.reason.startswith(f"the {what} data is damaged")


# Formats of other packages


def _shouted(name="shout", **settings):
    def read_shouted(source):
        text = b"".join(source.chunks()).decode()
        for number, line in enumerate(text.splitlines()[1:], 1):
            yield Record({"title": line}, f"shout {number}")

    return Format(
        name=name,
        title="shouting",
        recognises=lambda head: head.startswith(b"SHOUT"),
        read=read_shouted,
        extensions=(".shout",),
        **settings,
    )


class Point:
    def __init__(self, loaded):
        self.name = self.value = "shout"
        self.load = lambda: loaded if not isinstance(loaded, Exception) else _raise(loaded)


def _raise(error):
    raise error


@pytest.fixture
def registered(monkeypatch):
    def register(loaded):
        monkeypatch.setattr("search.ingest.formats.entry_points", lambda group: [Point(loaded)])
        known_formats.cache_clear()

    yield register
    monkeypatch.undo()
    known_formats.cache_clear()


def test_a_format_of_another_package(tmp_path, registered):
    registered(_shouted())
    assert [item.title for item in found(tmp_path, "a.txt", b"SHOUT\nRiver\nBridge\n")] == ["River", "Bridge"]
    *_, rejection = found(tmp_path, "b.shout", b"SHOUT\nRiver\n\n")
    assert rejection.source.endswith("b.shout, shout 2")
    assert list(read([tmp_path])) != []


@pytest.mark.parametrize("loaded", [ImportError("no such module"), object(), _shouted(name="csv")])
def test_one_that_cannot_be_loaded_costs_no_other(tmp_path, registered, loaded):
    registered(loaded)
    with pytest.warns(UserWarning, match="the format 'shout' .* is left out"):
        assert found(tmp_path, "a.csv", TABLE) == [ONE, TWO]


def test_a_format_that_needs_more_says_what_to_install(tmp_path, registered):
    registered(_shouted(needs=("no_such_module.part",), extra="shouting"))
    with pytest.raises(MissingExtraError, match=r"no_such_module\.part is not installed; install it with: "):
        found(tmp_path, "a.txt", b"SHOUT\nRiver\n")
    (rejection,) = read([f"{tmp_path}/*"])
    assert "install it with" in rejection.reason


def test_seekable_sources(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789" * 10)
    source = sources.Source("a", path.open("rb"), path=path)
    with source.seekable() as file:
        file.seek(95)
        assert file.read() == b"56789"
        file.seek(0)
        assert file.read(3) == b"012"
    source.close()
    packed = sources.Source("a", io.BytesIO(bz2.compress(b"0123456789")))
    assert packed.seekable().read() == b"0123456789"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "MEMORY_LIMIT", 5)
        with pytest.raises(sources.SourceProblem, match="packed: unpack it first"):
            sources.Source("a", io.BytesIO(bz2.compress(b"0123456789"))).seekable()


def test_reading_is_lazy_about_formats():
    assert reading.named_format("auto") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(known_formats())[-1] == "text"
    assert json.dumps(sorted(known_formats()))
