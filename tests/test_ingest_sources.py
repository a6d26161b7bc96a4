import gzip
import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import SourceError, UsageError
from search.ingest import source
from search.ingest.decode import TextStream
from search.ingest.encodings import detect
from search.ingest.formats import by_extension
from search.ingest.source import Source
from search.records import Article, Rejection
from tests.placeless import read

ONE, TWO, THREE = (Article(id=str(n), title=t) for n, t in ((1, "One"), (2, "Two"), (3, "Three")))
LINES = [b'{"id": "1", "title": "One"}\n', b'{"id": "2", "title": "Two"}\n', b'{"id": "3", "title": "Three"}\n']
ALL = b"".join(LINES)


def packed(data):
    """Gzip with no time in it: test names must be the same in every worker."""
    return gzip.compress(data, mtime=0)


RECORDS = {
    "a.jsonl": ALL,
    "a.json": b"[" + b",".join(LINES) + b"]",
    "a.csv": b"id,title\n1,One\n2,Two\n3,Three\n",
    "a.tsv": b"id\ttitle\n1\tOne\n2\tTwo\n3\tThree\n",
}


def put(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# Compression


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(
    ("extension", "compress"),
    [
        ("", bytes),
        (".gz", packed),
        (".zst", zstandard.compress),
        ("", packed),
        (".gz", zstandard.compress),
        (".zst", bytes),
    ],
)
def test_every_format_in_every_compression(tmp_path, name, extension, compress):
    path = tmp_path / (name + extension)
    path.write_bytes(compress(RECORDS[name]))
    assert list(read([path])) == [ONE, TWO, THREE]


def test_plain_text_compressed(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(packed(b"One"))
    (found,) = read([path])
    assert found.title == "One"


@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_several_members_frames_and_padding(tmp_path, monkeypatch, block):
    monkeypatch.setattr(source, "BLOCK", block)
    skippable = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"pad"
    put(
        tmp_path,
        {
            "a.jsonl.gz": b"".join(packed(line) for line in LINES) + b"\0" * 600,
            "b.jsonl.zst": skippable + b"".join(zstandard.compress(line) + skippable for line in LINES),
            "c.jsonl.gz": packed(b"") + packed(ALL),
        },
    )
    assert list(read([tmp_path])) == [ONE, TWO, THREE] * 3


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jsonl.gz", packed(ALL[:70])[:-9], "the gzip data is cut short"),
        ("a.jsonl.gz", packed(ALL[:70]) + b"\x1f\x8b\x08", "the gzip data is cut short"),
        ("a.jsonl.gz", packed(ALL[:70]) + b"more", "the gzip data is damaged"),
        ("a.jsonl.gz", packed(ALL[:70])[:-4] + b"\0\0\0\0", "the gzip data is damaged"),
        ("a.jsonl.zst", zstandard.compress(ALL[:70]) + zstandard.compress(ALL[70:])[:-5], "the zstd data is cut short"),
        ("a.jsonl.zst", zstandard.compress(ALL[:70]) + b"more", "the zstd data is damaged"),
    ],
)
def test_compressed_data_that_breaks_off(tmp_path, name, data, reason):
    put(tmp_path, {name: data, "b.jsonl": ALL})
    first, second, rejection, *rest = read([tmp_path / name, tmp_path / "b.jsonl"])
    assert [first, second] == [ONE, TWO]
    assert rejection.source == str(tmp_path / name)
    assert rejection.line == 3
    assert rejection.reason.startswith(reason)
    assert rest == [ONE, TWO, THREE]


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_a_format_read_whole_or_in_parts_keeps_what_came_before_the_break(tmp_path, name):
    body = {"a.json": b"[" + b",\n".join(LINES[:2]) + b',\n{"id"', "a.csv": b'id,title\n1,One\n2,Two\n3,"Th'}[name]
    put(tmp_path, {name + ".gz": packed(body)[:-8]})
    first, second, rejection = read([tmp_path])
    assert [first, second] == [ONE, TWO]
    assert rejection.reason == "the gzip data is cut short"
    assert rejection.line == {"a.json": 5, "a.csv": 4}[name]


def test_a_text_that_breaks_off_is_no_article(tmp_path):
    put(tmp_path, {"a.txt.gz": packed(b"River rises\n\nThe river rose")[:-8]})
    (rejection,) = read([tmp_path / "a.txt.gz"])
    assert rejection == Rejection(source=str(tmp_path / "a.txt.gz"), line=3, reason="the gzip data is cut short")


def test_a_bomb_is_read_in_pieces(tmp_path):
    bomb = zstandard.compress(b"\0" * (1 << 26))
    path = tmp_path / "a.zst"
    path.write_bytes(bomb)
    with path.open("rb") as file:
        sizes = [len(chunk) for chunk in Source("a", file).chunks()]
    assert sum(sizes) == 1 << 26
    assert max(sizes) <= source.BLOCK


# Encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Über die Brücke – “fest”"),
        ("utf-8-sig", "Über die Brücke"),
        ("utf-16", "Über die Brücke"),
        ("utf-32", "Über die Brücke"),
        ("latin-1", "El español visitará mañana España, según fuentes del Gobierno"),
        ("cp1252", "“We don’t know,” he said – the firm paid €20m in Zürich"),
        ("cp1252", "Café"),
        ("cp1250", "Prezydent Polski spotkał się w środę z ministrem spraw zagranicznych Łotwy."),
        ("iso8859_2", "Prezydent Polski spotkał się w środę z ministrem spraw zagranicznych Łotwy. Wrócą wkrótce."),
        ("cp1250", "A miniszterelnök szerdán találkozott a külügyminiszterrel, a költségvetést hétfőn nyújtják be."),
        ("cp1254", "Cumhurbaşkanı çarşamba günü Ankara'da dışişleri bakanıyla görüştü. İki ülke anlaştı."),
        ("koi8_r", "Президент России провел встречу с министром иностранных дел в Москве."),
        ("cp1251", "Президент России провел встречу с министром иностранных дел в Москве."),
        ("cp1253", "Ο πρόεδρος της Ελλάδας συναντήθηκε με τον υπουργό εξωτερικών στην Αθήνα."),
        ("shift_jis", "首相は水曜日に東京で外務大臣と会談した。経済政策について話し合った。"),
        ("gb18030", "总统星期三在北京会见了外交部长，讨论了经济政策。"),
        ("big5", "總統星期三在台北會見了外交部長，討論了經濟政策。"),
        ("euc_kr", "대통령은 수요일 서울에서 외무 장관을 만났다. 경제 정책에 대해 논의했다."),
        ("euc_jp", "首相は水曜日に東京で外務大臣と会談した。経済政策について話し合った。"),
        ("cp874", "นายกรัฐมนตรีพบรัฐมนตรีว่าการกระทรวงการต่างประเทศเมื่อวันพุธที่กรุงเทพ"),
    ],
)
def test_encodings(tmp_path, encoding, text):
    records = "".join(json.dumps({"id": str(n), "title": text}, ensure_ascii=False) + "\r\n" for n in range(3))
    put(tmp_path, {"a.jsonl": records.encode(encoding), "b.csv": f"id;title\r\n9;{text}\r\n".encode(encoding)})
    assert list(read([tmp_path])) == [*(Article(id=str(n), title=text) for n in range(3)), Article(id="9", title=text)]


def test_the_first_byte_that_is_not_ascii_may_come_late(tmp_path):
    plain = b'{"id": "1", "title": "One"}\n' * 12_000  # more than a block
    put(tmp_path, {"a.jsonl": plain + '{"id": "2", "title": "“Niño” – año"}'.encode("cp1252")})
    *_, last = read([tmp_path])
    assert last == Article(id="2", title="“Niño” – año")


def test_a_few_broken_bytes_do_not_change_the_encoding(tmp_path):
    put(tmp_path, {"a.jsonl": '{"id": "1", "title": "Über “Brücken” ?"}'.encode().replace(b"?", b"\xff")})
    assert list(read([tmp_path])) == [Article(id="1", title="Über “Brücken” ÿ")]


def test_a_character_cut_at_the_end_of_a_sample_is_no_fault():
    assert detect("né".encode()[:2], final=False) == "utf-8"
    assert detect("né".encode("latin-1"), final=True) == "cp1252"
    assert detect(b"") == "utf-8"


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=50)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("mac_roman", "Le préfet a dîné à Orléans. L’été à Genève, où l’élève naïve reçoit un gâteau."),
        ("mac_roman", "El señor Muñoz llegó el miércoles a la reunión de España, según él."),
        ("mac_roman", "Die Straße führt über die Brücke nach Köln. Größe zählt für Ärzte."),
        ("mac_roman", "São Paulo: a eleição não será adiada, informação do órgão à população."),
        ("cp850", "Le préfet a dîné à Orléans, où l'élève naïve reçoit un gâteau."),
        ("cp850", "El señor Muñoz llegó el miércoles a la reunión de España, según él."),
        ("cp437", "Die Straße führt über die Brücke nach Köln. Größe zählt für Ärzte."),
        ("cp852", "Prezydent Polski spotkał się w środę z ministrem spraw zagranicznych Łotwy."),
        ("cp852", "Hluboká nad Vltavou: příšerně žluťoučký kůň úpěl ďábelské ódy."),
        ("mac_latin2", "Prezydent Polski spotkał się w środę z ministrem spraw zagranicznych Łotwy."),
        ("mac_turkish", "Cumhurbaşkanı çarşamba günü Ankara'da dışişleri bakanıyla görüştü."),
        ("cp1257", "Lietuvos prezidentas trečiadienį susitiko su užsienio reikalų ministru."),
        ("cp1257", "Latvijas prezidents trešdien tikās ar ārlietu ministru. Žurnālists ņēma vērā šo."),
        ("cp1257", "Rīgas domē šodien lēma par budžetu, un ministrs sacīja, ka būs labāk."),  # Turkish has these bytes
        ("cp1254", "Türkiye'de hâlâ kâr eden şirketler var; kâğıt üzerinde çalışmalar sürüyor."),
        ("cp775", "Lietuvos prezidentas trečiadienį susitiko su užsienio reikalų ministru."),
        ("cp866", "Президент России провел встречу с министром иностранных дел в Москве."),
        ("mac_cyrillic", "Президент России провел встречу с министром иностранных дел в Москве."),
        ("iso8859_5", "Президент России провел встречу с министром иностранных дел в Москве."),
    ],
)
def test_encodings_of_other_machines(encoding, text):
    found = detect(text.encode(encoding))
    assert text.encode(encoding).decode(found) == text


def lines_read(data, block=1 << 18, **said):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        opened = Source("memory", io.BytesIO(data), **said)
        return [line.text for line in TextStream(opened).lines()], opened.notes


@pytest.mark.parametrize("block", [1, 5, 1 << 18])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_in_different_encodings(block, end):
    lines = ["Café à Orléans", "Plain", "Élève français", "“Señor”", "Straße in Köln"]
    encodings = ["utf-8", "utf-8", "cp1252", "utf-8", "cp1252"]
    data = end.join(line.encode(encoding) for line, encoding in zip(lines, encodings, strict=True))
    assert lines_read(data, block) == (lines, {"lines read as cp1252, not UTF-8": 2})
    data = end.join(line.encode("utf-8" if n == 3 else "cp1252") for n, line in enumerate(lines))
    assert lines_read(data, block)[0] == lines


def test_lines_of_utf_8_say_nothing_of_the_others():
    lines = ["Zürich öffnet für alle", "Près du lac à Genève"]  # as many letters beyond ASCII in either
    data = lines[0].encode() + b"\n" + lines[1].encode("cp1252")
    assert lines_read(data) == (lines, {"lines read as cp1252, not UTF-8": 1})


def test_a_line_of_utf_8_with_a_few_bytes_of_something_else():
    data = "Élève à l’été — ".encode() + "café".encode("cp1252") + " à Orléans\n".encode()
    assert lines_read(data)[0] == ["Élève à l’été — café à Orléans"]


def test_characters_that_cannot_be_decoded_are_counted():
    text, notes = lines_read(b"Caf\xc3\xa9 \x81 na\xefve \x8d caf\xe9 \x9d\n" + b"plain\n", encoding="cp1252")
    assert notes == {"files read as cp1252": 1, "characters that could not be decoded": 3}
    assert text[0].count("\ufffd") == 3
    assert lines_read("Caf\ufffd\n".encode())[1] == {}


def test_an_encoding_that_is_said_is_taken(tmp_path):
    put(tmp_path, {"a.csv": "id,title\n1,Straße\n".encode("cp850"), "b.csv": "id,title\n2,Straße\n".encode("utf-16")})
    assert [item.title for item in read([tmp_path], encoding="cp850")] == ["Straße", "Straße"]


@settings(max_examples=200)
@given(_TEXTS, st.integers(1, 9), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_text_survives_any_blocks(text, block, encoding):
    text = text.lstrip("\ufeff\0")  # a UTF-16 mark and a zero character are a UTF-32 mark
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        stream = TextStream(Source("memory", io.BytesIO(text.encode(encoding))))
        assert "".join(stream.chunks()) == text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=200)
@given(st.text("ab\n\ré", max_size=40), st.integers(1, 9), st.integers(1, 6))
def test_lines_are_numbered_and_bounded(text, block, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        found = list(TextStream(Source("memory", io.BytesIO(text.encode()))).lines(limit))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    assert [(line.number, line.overlong) for line in found] == [(n, len(t) > limit) for n, t in enumerate(lines, 1)]
    assert all(line.text == text or line.overlong for line, text in zip(found, lines, strict=True))
    assert all(text.startswith(line.text) and line.text for line, text in zip(found, lines, strict=True) if text)


_WHOLE = [*RECORDS.values(), packed(ALL), zstandard.compress(ALL), "Añ\nBy B\n\n“c”".encode("cp1252")]


@settings(max_examples=300)
@given(
    st.sampled_from(_WHOLE) | st.binary(max_size=80),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=3)), max_size=3),
    st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.txt", "a"]),
    st.integers(1, 50),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, data, changes, name, block):
    for place, piece in changes:
        data = data[:place] + piece + data[place + 1 :]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        try:
            items = list(read([path]))
        except SourceError:
            items = []
    for item in items:
        json.dumps([item.title, item.text] if isinstance(item, Article) else item.record, ensure_ascii=False).encode()


# Paths


def test_folders_patterns_and_names(tmp_path):
    put(
        tmp_path,
        {
            "b/2.jsonl": LINES[1],
            "b/.hidden.jsonl": ALL,
            "b/.git/x.jsonl": ALL,
            "a.jsonl": LINES[0],
            "c/deep/er/3.jsonl": LINES[2],
            "README": "no article",
            "photo.jpg": b"\xff\xd8\xff",
            "notes.log": "no article",
            "more.log": "no article",
            "empty/x": "",
        },
    )
    reading = read([tmp_path])
    assert list(reading) == [ONE, TWO, THREE]
    assert reading.files == 3
    assert reading.passed_over == {
        "files without an extension": (1, f"{tmp_path}/README"),
        "empty files": (1, f"{tmp_path}/empty/x"),
        "hidden folders": (1, f"{tmp_path}/b/.git"),
        "hidden files": (1, f"{tmp_path}/b/.hidden.jsonl"),
        ".log files": (2, f"{tmp_path}/more.log"),
        ".jpg files (a JPEG image)": (1, f"{tmp_path}/photo.jpg"),
    }
    assert reading.bytes_read == reading.bytes_total()
    assert list(read([f"{tmp_path}/**/*.jsonl"])) == [ONE, TWO, THREE]
    assert list(read([f"{tmp_path}/[bc]"])) == [TWO, THREE]
    assert list(read([f"{tmp_path}/**"], format="jsonl"))[:1] == [
        Rejection(source=f"{tmp_path}/README", line=1, reason=_NOT_JSON, record="no article")
    ]
    assert list(read([tmp_path / "c", str(tmp_path / "a.jsonl")])) == [THREE, ONE]
    assert list(read(str(tmp_path / "a.jsonl"))) == [ONE]
    assert list(read([])) == []


_NOT_JSON = "not valid JSON: Expecting value (character 1 of the record)"


def test_a_given_format_reads_files_of_its_extensions_and_of_none(tmp_path):
    put(tmp_path, {"a": "One", "b.txt": "Two", "c.jsonl": ALL, "d.log": "Three"})
    reading = read([tmp_path], format="text")
    assert [item.title for item in reading] == ["One", "Two"]
    assert reading.passed_over == {"files that are not plain text by name or content": (2, str(tmp_path / "c.jsonl"))}
    assert [item.title for item in read([tmp_path / "d.log"], format="text")] == ["Three"]
    with pytest.raises(UsageError, match=r"no format 'xyz'; there are auto, alto, .*csv, .*json, jsonl, .*text"):
        read([tmp_path], format="xyz")


def test_a_name_with_a_pattern_s_characters(tmp_path):
    put(tmp_path, {"a[1].jsonl": ALL})
    assert list(read([tmp_path / "a[1].jsonl"])) == [ONE, TWO, THREE]


def test_links(tmp_path):
    put(tmp_path, {"in/a.jsonl": LINES[0], "in/sub/b.jsonl": LINES[1], "out/c.jsonl": LINES[2]})
    folder = tmp_path / "in"
    (folder / "l1.jsonl").symlink_to(tmp_path / "out" / "c.jsonl")
    (folder / "l2.jsonl").symlink_to(folder / "a.jsonl")
    (folder / "l3").symlink_to(tmp_path / "out")
    (folder / "l4").symlink_to(folder)
    (folder / "l5.jsonl").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    reading = read([folder])
    assert list(reading) == [ONE, ONE, TWO]
    assert reading.passed_over == {
        "links that lead out of the folder": (2, str(folder / "l1.jsonl")),
        "links to folders": (1, str(folder / "l4")),
        "links that lead nowhere": (1, str(folder / "l5.jsonl")),
        "pipes, sockets or devices": (1, str(folder / "pipe.jsonl")),
    }
    matched = read([folder / "[ap]*.jsonl"])
    assert list(matched) == [ONE]
    assert matched.passed_over == {"pipes, sockets or devices": (1, str(folder / "pipe.jsonl"))}
    (tmp_path / "direct").symlink_to(folder)
    assert list(read([tmp_path / "direct" / "l1.jsonl"])) == [THREE]
    assert list(read([tmp_path / "direct"])) == [ONE, ONE, TWO]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.jsonl", "no such file or folder"),
        ("missing/", "no such file or folder"),
        ("*.missing", "no file matches this pattern"),
        ("x" * 300, "file name too long"),
        ("zero\0byte", "embedded null"),
    ],
)
def test_a_missing_path_fails_before_anything_is_read(tmp_path, name, reason):
    put(tmp_path, {"a.jsonl": ALL})
    with pytest.raises(SourceError, match=reason):
        read([str(tmp_path / "a.jsonl"), os.path.join(tmp_path, name)])  # noqa: PTH118


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a PNG image"),
        (bytes(range(256)), "binary data"),
        (packed(bytes(range(256))), "binary data"),
        (packed(packed(b"x")), "compressed twice"),
        (b"\x7fELF" + b"\0" * 50, "a program"),
    ],
)
def test_binary_files(tmp_path, data, kind):
    put(tmp_path, {"a.jsonl": data, "b.jsonl": ALL})
    reason = f"{kind}, which no format reads"
    rejection = Rejection(source=str(tmp_path / "a.jsonl"), line=None, reason=reason)
    assert list(read([tmp_path])) == [rejection, ONE, TWO, THREE]
    assert next(read([f"{tmp_path}/*"])) == rejection
    assert list(read([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])) == [rejection, ONE, TWO, THREE]
    with pytest.raises(SourceError) as caught:
        read([tmp_path / "a.jsonl", tmp_path / "a.jsonl"])
    assert str(caught.value) == f"{tmp_path / 'a.jsonl'}: {reason}"


def test_a_stray_zero_byte_makes_no_binary_file(tmp_path):
    put(tmp_path, {"a.txt": b"River rises\n\n" + b"The river rose again. " * 20 + b"\0 It fell.\n"})
    (found,) = read([tmp_path])
    assert found.text == "The river rose again. " * 20 + " It fell."


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.json", "a.csv", "a.jsonl.gz", "a.unknown"])
@pytest.mark.parametrize("data", [b"", b" \n\r\n\t", b"\xef\xbb\xbf"])
def test_empty_files(tmp_path, name, data):
    put(tmp_path, {name: packed(data) if name.endswith("gz") else data})
    assert list(read([tmp_path / name])) == [Rejection(source=str(tmp_path / name), line=None, reason="empty file")]


def test_what_goes_wrong_after_the_check_is_a_rejection(tmp_path):
    put(tmp_path, {"a.jsonl": LINES[0], "b.jsonl": LINES[1]})
    reading = read([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    (tmp_path / "a.jsonl").unlink()
    assert list(reading) == [
        Rejection(source=str(tmp_path / "a.jsonl"), line=None, reason="no such file or directory"),
        TWO,
    ]


class FailingFile(io.BytesIO):
    def read(self, size=-1):
        data = super().read(30)
        if not data:
            raise OSError(5, "Input/output error")
        return data


def test_a_disk_that_fails_in_mid_file(tmp_path, monkeypatch):
    put(tmp_path, {"a.jsonl": b""})
    monkeypatch.setattr(Path, "open", lambda self, mode: FailingFile(ALL[:70]))
    *articles, rejection = read([tmp_path])
    assert articles == [ONE, TWO]
    assert (rejection.line, rejection.reason) == (3, "reading failed: Input/output error")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission(tmp_path):
    put(tmp_path, {"a.jsonl": ALL, "b.jsonl": ALL, "sub/c.jsonl": ALL})
    (tmp_path / "a.jsonl").chmod(0)
    (tmp_path / "sub").chmod(0)
    try:
        found = list(read([tmp_path]))
        assert [item.reason for item in found if isinstance(item, Rejection)] == ["permission denied"] * 2
        assert found[1:4] == [ONE, TWO, THREE]
        for path in (tmp_path / "a.jsonl", tmp_path / "sub"):
            with pytest.raises(SourceError, match="permission denied"):
                read([path])
    finally:
        (tmp_path / "sub").chmod(0o700)


def test_names_that_are_not_utf_8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    Path(path).write_bytes(b"{")
    (rejection,) = read([path])
    assert rejection.source == f"{tmp_path}/\ufffd.jsonl"


# Standard input and pipes


@pytest.mark.parametrize("data", [*RECORDS.values(), packed(ALL), zstandard.compress(RECORDS["a.csv"])])
def test_standard_input_is_told_by_its_first_bytes(monkeypatch, data):
    stdin(monkeypatch, data)
    reading = read(["-"])
    assert list(reading) == [ONE, TWO, THREE]
    assert (reading.bytes_read, reading.bytes_total()) == (len(data), None)
    assert not sys.stdin.buffer.closed


def test_standard_input_of_plain_text(monkeypatch):
    stdin(monkeypatch, b"River rises\n\nThe river rose, and fell.\n")
    (found,) = read(["-"])
    assert (found.title, found.text) == ("River rises", "The river rose, and fell.")


def test_standard_input_that_cannot_be_read(monkeypatch):
    stdin(monkeypatch, b"\x89PNG\r\n")
    with pytest.raises(SourceError, match=r"^-: a PNG image, which no format reads$"):
        read(["-"])
    stdin(monkeypatch, b"")
    assert list(read(["-"])) == [Rejection(source="-", line=None, reason="empty file")]
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="there is no standard input"):
        read(["-"])


def test_a_named_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(ALL,))
    writer.start()
    assert list(read([pipe])) == [ONE, TWO, THREE]
    writer.join()


# Telling formats apart


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", (".jsonl", "jsonl")),
        ("a.NDJSON.GZ", (".ndjson", "jsonl")),
        ("x.y/a.json.zst", (".json", "json")),
        ("a.tsv", (".tsv", "csv")),
        ("a.txt", (".txt", "text")),
        ("a.md", (".md", "text")),
        ("x.y/README", ("", None)),
        (".txt", ("", None)),
        ("a.gz", ("", None)),
    ],
)
def test_extensions(name, expected):
    extension, form = by_extension(name)
    assert (extension, form and form.name) == expected


@pytest.mark.parametrize("data", [*RECORDS.values()])
def test_a_file_without_extension_is_told_by_its_content(tmp_path, data):
    put(tmp_path, {"dump": data})
    assert list(read([tmp_path / "dump"])) == [ONE, TWO, THREE]


def test_a_text_that_begins_like_a_table_or_json_is_a_text(tmp_path):
    for text in ("[Reuters] River rises", "Title, and nothing else", "{sic} they wrote", "Text\n\nBody"):
        put(tmp_path, {"dump": text})
        (found,) = read([tmp_path / "dump"])
        assert found.title == text.partition("\n")[0]


def test_closing_early_lets_go_of_files(tmp_path):
    put(tmp_path, {"a.jsonl": ALL})
    reading = read([tmp_path])
    assert next(reading) == ONE
    reading.close()
    assert list(reading) == []


def test_importing_the_room_is_cheap():
    import subprocess

    code = (
        "import sys, search.ingest; "
        "print([m for m in ('zstandard', 'charset_normalizer', 'numpy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
