"""Editions in TEI, wires of the time before XML, e-books, pages of Chronicling America."""

from __future__ import annotations

import zipfile

import pytest

from search.ingest import read as ingest_read
from search.ingest.formats import recognised
from search.ingest.source import Head
from search.records import Article, Rejection
from tests.placeless import read
from tests.test_formats import FOLDER, found


def tei(body):
    header = "<teiHeader><fileDesc><titleStmt><title>T</title></titleStmt></fileDesc></teiHeader>"
    return f"<TEI>{header}<text>{body}</text></TEI>"


# TEI


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("one<lb/>two", "one two"),
        ("fer-<lb/>ry", "ferry"),
        ("North-<lb/>East", "North- East"),
        ("fer<lb break='no'/>ry", "ferry"),
        ("fer-<lb break='no'/>ry", "ferry"),
        ("fer<pb n='2' break='no'/>ry", "ferry"),
        ("a <choice><orig>olde</orig><reg>old</reg></choice> b", "a old b"),
        ("a <choice><abbr>Mr</abbr></choice> b", "a Mr b"),
        ("a<note>aside</note> b", "a b"),
        ("<hi>a</hi>b <persName>C</persName>", "ab C"),
        ("a \x01 b", "a b"),
    ],
)
def test_words_of_an_edition(tmp_path, marked, text):
    (article,) = found(tmp_path, "a.xml", tei(f"<body><p>{marked}</p></body>"))
    assert (article.title, article.text) == ("T", text)


def test_items_of_an_issue_know_their_pages_and_sections():
    reading = ingest_read([FOLDER / "issue_tei.xml"])
    _, ferry, snow = reading
    (start, first), (second_start, second) = ferry.pages
    assert (start, first, second, ferry.text[second_start:].split("\n")[0]) == (0, "1", "2", "board.")
    assert ferry.extra["written"] == "1902-11-02"
    assert ferry.extra["notes"] == ["As every year."]
    assert snow.pages == ((0, "2"),)
    assert dict(reading.report.kinds["tei"].notes) == {"paragraphs outside of items left out": 1}


def test_divisions_in_an_item_are_its_parts(tmp_path):
    item = "<div type='item'><head>B</head><div><p>One.</p></div><div><p>Two.</p></div></div>"
    (article,) = found(tmp_path, "a.xml", tei(f"<body><div><head>A</head>{item}</div></body>"))
    assert (article.title, article.text) == ("B", "One.\n\nTwo.")


def test_a_corpus_is_many_editions(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        f"<teiCorpus>{tei('<body><p>One.</p></body>')}{tei('<body/>')}{tei('<body><p>Two.</p></body>')}</teiCorpus>"
    )
    assert [one.text for one in read([path]) if isinstance(one, Article)] == ["One.", "", "Two."]


# Wires


def test_a_wire_keeps_what_its_head_says():
    first, second = read([FOLDER / "wire_iptc7901.txt"])
    extra = first.extra
    assert (extra["service"], extra["number"], extra["priority"], extra["category"], extra["words"]) == (
        "nop", "0123", "4", "i", "58")  # fmt: skip
    assert (extra["slug"], extra["sent"]) == ("Skarholm-ferry/", "121105 sep 06")
    assert "Duty desk" in extra["not for publication"]
    assert "Duty desk" not in first.text
    assert (second.title, second.extra["keywords"]) == ("Chess put off", "Chess")


def test_a_wire_from_america_keeps_what_is_marked():
    (article,) = read([FOLDER / "wire_anpa1312.txt"])
    extra = article.extra
    assert (extra["service"], extra["number"], extra["slug"]) == ("V", "1187", "BC-Torrin-Bridge,49")
    assert (extra["notes"], extra["marked"]) == (["Eds: UPDATES with quotes."], ["Torrin Press"])
    assert "\x0f" not in article.text


def test_lines_that_a_blank_one_follows_each_are_one_paragraph(tmp_path):
    lines = "\r\n\r\n".join(("   One goes", "on and", "on.", "   Two goes", "on."))
    (article,) = found(tmp_path, "a.txt", f"\x01abc0001 4 i 5 x\r\n\x02Head\r\n{lines}\r\n\x03121105 sep 06\x04")
    assert article.text == "One goes on and on.\n\nTwo goes on."


def test_letters_of_a_national_set_are_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\x01abc0001 4 i 5 x\n\x02Head\n   Die F{hre f{hrt.\n\x03121105 sep 06\x04")
    reading = ingest_read([path])
    (article,) = reading
    assert article.text == "Die F{hre f{hrt."
    assert dict(reading.report.kinds["iptc7901"].notes) == {"letters of a national 7-bit set left as they are": 2}


def test_a_message_without_a_head_costs_no_other(tmp_path):
    good = "\x01abc0001 4 i 5 x\n\x02Head\n   Text.\n\x03121105 sep 06\x04\n"
    items = found(tmp_path, "a.txt", f"{good}\x01no head\x02x\x03\x04\n{good.replace('Head', 'Next')}")
    assert [getattr(one, "title", one.source.rpartition(", ")[2]) for one in items] == ["Head", "message 2", "Next"]


@pytest.mark.parametrize(
    "data",
    [b"\x01\x02\x03", b"\x01abc", b"\x16\x16\x01", b"\x01A0001\x1f", b"plain \x01abc0001 4 i 5", b"\x01abc0001 4 i"],
)
def test_control_bytes_alone_are_no_wire(data):
    form = recognised(Head(data))
    assert form is None or (form.name == "anpa1312" and data == b"\x01A0001\x1f")


# E-books


def epub(path, parts):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        for name, text in parts.items():
            archive.writestr(name, text)


CONTAINER = "<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>"


def package(*names, about="<dc:title>B</dc:title>"):
    items = "".join(
        f"<item id='i{n}' href='{name}' media-type='application/xhtml+xml'/>" for n, name in enumerate(names)
    )
    spine = "".join(f"<itemref idref='i{n}'/>" for n in range(len(names)))
    parts = f"<metadata>{about}</metadata><manifest>{items}</manifest><spine>{spine}</spine>"
    return f"<package xmlns:dc='d'>{parts}</package>"


def test_what_an_e_book_leaves_out_is_told():
    reading = ingest_read([FOLDER / "news.epub"])
    *_, missing = reading
    assert isinstance(missing, Rejection)
    assert missing.reason == "OEBPS/feed_0/gone.html is not in the e-book"
    assert dict(reading.report.kinds["epub"].notes) == {
        "documents beside the text left out": 1,
        "documents without a text (covers, lists of links) left out": 1,
    }


def test_a_book_is_its_chapters(tmp_path):
    about = "<dc:title>Harbours</dc:title><dc:creator>Ida Moss</dc:creator><dc:publisher>Quay Press</dc:publisher>"
    epub(
        tmp_path / "a.epub",
        {
            "META-INF/container.xml": CONTAINER,
            "p.opf": package("1.xhtml", "2.xhtml", about=about),
            "1.xhtml": "<html><body><h2>One</h2><p>First.</p></body></html>",
            "2.xhtml": "<html><body><h2>Two</h2><p>Second.</p></body></html>",
        },
    )
    got = list(read([tmp_path / "a.epub"]))
    assert [(one.title, one.text, one.source, one.authors) for one in got] == [
        ("One", "First.", "Quay Press", ("Ida Moss",)),
        ("Two", "Second.", "Quay Press", ("Ida Moss",)),
    ]


@pytest.mark.parametrize("name", ["../../etc/hosts", "/etc/hosts", "http://127.0.0.1:9/x", "C:\\x"])
def test_no_name_in_an_e_book_leads_out_of_it(tmp_path, name):
    epub(tmp_path / "a.epub", {"META-INF/container.xml": CONTAINER, "p.opf": package(name)})
    items = list(read([tmp_path / "a.epub"]))
    assert all(isinstance(one, Rejection) for one in items)
    assert "is not in the e-book" in items[0].reason


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({}, "the e-book has no package that says what is in it"),
        ({"META-INF/container.xml": CONTAINER}, "the e-book has no package that says what is in it"),
        ({"META-INF/container.xml": CONTAINER, "p.opf": package()}, "no text in the e-book"),
        ({"META-INF/container.xml": CONTAINER, "p.opf": "<package"}, "the XML breaks off"),
    ],
)
def test_an_e_book_without_its_parts_is_told(tmp_path, parts, reason):
    epub(tmp_path / "a.epub", parts)
    (item,) = read([tmp_path / "a.epub"])
    assert item.reason.startswith(reason)


def test_a_bomb_in_an_e_book_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("search.ingest.source.FREE", 1 << 20)
    path = tmp_path / "a.epub"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("p.opf", package("1.xhtml"))
        archive.writestr("1.xhtml", " " * (16 << 20))
    (item,) = read([path])
    assert "times its size" in item.reason


# Chronicling America


def test_a_page_is_told_by_where_it_lies(tmp_path):
    place = tmp_path / "sn84000001" / "1903" / "05" / "06" / "ed-2" / "seq-12"
    place.mkdir(parents=True)
    (place / "ocr.txt").write_text("One goes\non.\n")
    (article,) = read([tmp_path])
    assert (article.text, article.pages, article.published.isoformat()) == ("One goes on.", ((0, "12"),), "1903-05-06")
    assert {name: article.extra[name] for name in ("lccn", "edition", "page")} == {
        "lccn": "sn84000001", "edition": 2, "page": 12}  # fmt: skip
    (place / "ocr.xml").write_bytes((FOLDER / "alto.xml").read_bytes())
    reading = ingest_read([tmp_path])
    (article,) = reading
    assert (article.text.split()[0], article.published.isoformat(), article.extra["lccn"]) == (
        "Der", "1903-05-06", "sn84000001")  # fmt: skip
    assert dict(reading.report.kinds["chronicling-america"].notes) == {"pages read from their ALTO beside them": 1}


def test_a_catalogue_of_pages_holds_no_articles(tmp_path):
    items = found(
        tmp_path,
        "a.json",
        '[{"pk": 1, "model": "core.issue", "fields": {"title": "sn83", "date_issued": "1898-01-01"}}]',
    )
    assert [item.reason for item in items] == ["neither title nor text (fields found: catalogue record)"]
