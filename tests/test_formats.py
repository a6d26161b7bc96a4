"""Files of tests/data/formats against gold.jsonl, written by hand; and each format with damaged files."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from search import Archive
from search.ingest import known_formats
from search.ingest import read as ingest_read
from search.ingest.formats import linked_data, pdf, recognised, recognition
from search.ingest.formats.json_shapes import shaped
from search.ingest.formats.trees import elements, html_tree, words
from search.ingest.source import Head, Source, SourceProblem
from search.records import Article, Rejection
from tests.placeless import read

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "data" / "formats"
FILES = sorted(path for path in FOLDER.iterdir() if path.is_file() and path.name != "gold.jsonl")


def script(name):
    loader = SourceFileLoader(f"script_{name}", str(ROOT / "scripts" / name))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def formats():
    return script("formats")


@pytest.fixture(scope="module")
def fuzz():
    return script("fuzz_formats")


def source(data, name="memory"):
    return Source(name, io.BytesIO(data.encode() if isinstance(data, str) else data))


def found(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read([path]))


def test_all_that_was_written_down_is_right(formats, capsys):
    assert formats.main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    rows = [line.split(" | ") for line in printed.out.splitlines()[2:]]
    assert {row[0].strip("| ") for row in rows} == set(known_formats())
    for row in rows:
        assert all(cell.strip(" |").split("/")[0] == cell.strip(" |").split("/")[1] for cell in row[4:]), row


def test_a_mistake_is_told(formats, tmp_path, capsys):
    shutil.copy(FOLDER / "nexis_en.txt", tmp_path)
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"file": "nexis_en.txt", "n": 1, "title": "Another"}\n{"file": "nexis_en.txt", "n": 9}\n')
    assert formats.main([str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "| nexis | 1 | 2 | 1 | 0/1 |" in printed.out
    assert "nexis_en.txt: 2 articles, not 9" in printed.err
    assert "nexis_en.txt 1: title is 'Harbour crane falls" in printed.err


MARKED = [path for path in FILES if path.name != "story_by_hand.txt"]  # words alone have no marks to be told by


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.name)
def test_formats_are_told_by_bytes_whatever_the_name(path, tmp_path):
    data = path.read_bytes()
    form = recognised(Source(path.name, io.BytesIO(data)).head)
    assert form is not None
    expected = list(read([path]))
    for name in ("dump", "export.txt.gz") if not path.name.endswith(".gz") else ("dump",):
        other = tmp_path / name
        other.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        told = list(read([other]))
        assert [one for one in told if isinstance(one, Article)] == [
            one for one in expected if isinstance(one, Article)
        ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_damaged_files_are_rejected_and_nothing_fails(path, tmp_path, fuzz):
    data = path.read_bytes()
    other = FILES[0].read_bytes()
    for number in range(12):
        rnd = fuzz.random.Random(f"test {path.name} {number}")
        assert fuzz.faults(tmp_path / f"x{path.suffix}", fuzz.damaged(data, other, rnd)) is None
    for cut in (len(data) // 3, len(data) // 2, len(data) - 3):
        assert fuzz.faults(tmp_path / f"x{path.suffix}", data[:cut]) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_text_has_the_marks_of_its_file(path):
    for item in read([path]):
        if isinstance(item, Article):
            for mark in ("<p", "<div", "</", "<?xml", "{\\rtf", "\\par", "&nbsp;", "&amp;", "\x00"):
                assert mark not in item.text + item.title


def test_a_damaged_file_costs_no_other(tmp_path):
    for path in FILES:
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.docx").write_bytes((FOLDER / "story.docx").read_bytes()[:700])
    items = list(read([tmp_path]))
    whole = [item for path in FILES for item in read([path]) if isinstance(item, Article)]
    assert sum(isinstance(item, Article) for item in items) == len(whole)
    (broken,) = [item for item in items if isinstance(item, Rejection) and "broken.docx" in item.source]
    assert "damaged" in broken.reason


def test_one_command_indexes_a_folder_of_all_formats(tmp_path):
    from click.testing import CliRunner

    from search.cli.main import cli

    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "gold.jsonl").unlink()
    done = CliRunner().invoke(cli, ["index", str(tmp_path), "--index", str(tmp_path / "archive"), "--no-vectors"])
    assert done.exit_code == 0
    reading = ingest_read([tmp_path])
    kinds = {item.source for item in reading if isinstance(item, Rejection)}
    for name, kind in reading.report.kinds.items():
        assert f"\n{name}: {kind.articles} article" in done.stderr
    assert f"{len(kinds)} rejected" in done.stderr
    assert set(reading.report.kinds) >= set(known_formats()) - {"jsonl", "text"}


# Nexis


def test_labels_in_a_text_are_no_labels_of_nexis(tmp_path):
    text = "\n\n".join(
        (
            "1 of 1 DOCUMENTS",
            "Paper",
            "May 2, 2019",
            "Title",
            "LENGTH: 5 words",
            "One.",
            "NOTE: two.",
            "CITY: three.",
            "Four.",
        )
    )
    (article,) = found(tmp_path, "a.txt", text)
    assert article.text == "One.\n\nNOTE: two.\n\nCITY: three.\n\nFour."


def test_a_document_that_the_file_cuts_is_told(tmp_path):
    data = (FOLDER / "nexis_uni_de.rtf").read_text()
    at = data.rindex("Classification")
    *_, last = found(tmp_path, "a.rtf", data[:at] + "}")
    assert isinstance(last, Rejection)
    assert (last.source.endswith("a.rtf, document 2"), last.reason) == (True, "the file ends inside this document")


# Trees


def test_no_entity_is_expanded_and_nothing_is_fetched(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "bomb"}">' for n in range(12))
    xml = (
        f'<!DOCTYPE r [{bomb}<!ENTITY x SYSTEM "file://{secret}"><!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'
        '<r><item a="&a11;">one &a11; &x;</item></r>'
    )
    ((element, place),) = [(words(one), where) for one, where in elements(source(xml), ("item",))]
    assert (element, place) == ("one &a11; &x;", "line 1")


def test_what_is_no_xml_is_put_right_and_told():
    given = source(
        "  <?xml version='1.0'?><r><item>AT&T, 3 < 4, caf&eacute;&nbsp;x</item><item><![CDATA[R&D &amp;]]></item></r>"
    )
    assert [words(one) for one, _ in elements(given, ("item",))] == ["AT&T, 3 < 4, café x", "R&D &amp;"]
    assert given.notes == {"characters that made it no XML, put right": 4}


@pytest.mark.parametrize("size", [7, 64, 1 << 18])
def test_pieces_of_any_size_are_put_right(monkeypatch, size):
    monkeypatch.setattr("search.ingest.source.BLOCK", size)
    xml = "<r>" + "<item>a & b &eacute; <![CDATA[&eacute; <x>]]> c</item>" * 40 + "</r>"
    got = [words(one) for one, _ in elements(source(xml), ("item",))]
    assert got == ["a & b é &eacute; <x> c"] * 40


@pytest.mark.parametrize("end", ["<item>two", "<item>two</it", "<item>two</item>"])
def test_xml_that_is_cut_short_keeps_what_came_before(end):
    got = elements(source(f"<r><item>one</item>{end}"), ("item",))
    assert words(next(got)[0]) == "one"
    with pytest.raises(SourceProblem, match="breaks off"):
        list(got)


def test_xml_in_memory_that_does_not_grow():
    import resource

    line = b"<item><a>some words</a><b k='v'>and others</b></item>\n"
    peaks = []
    for count in (20_000, 100_000):
        given = source(b"<r>" + line * count + b"</r>")
        assert sum(1 for _ in elements(given, ("item",))) == count
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 30_000_000  # as trees, these elements take twice that


def test_an_element_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr("search.ingest.formats.trees.RECORD_LIMIT", 1_000_000)
    xml = "<r><item>one</item><item>" + "<a>two</a>" * 200_000
    got = elements(source(xml), ("item",))
    assert words(next(got)[0]) == "one"
    with pytest.raises(SourceProblem, match="an element of more than 1 million bytes"):
        list(got)


def test_words_of_a_page():
    tree = html_tree(
        "<p>One <b>two</b></p><script>x</script><ul><li>a<li>b</ul><table><tr><td>c<td>d</table><br>e&nbsp;f"
    )
    assert words(tree) == "One two\n\na\nb\n\nc d\n\ne f"
    assert html_tree("") is None
    assert words(html_tree("<div>" * 3000 + "deep")) == ""


def test_a_bomb_of_a_workbook_or_a_document_is_not_read(tmp_path, monkeypatch):
    import zipfile

    monkeypatch.setattr("search.ingest.source.FREE", 1 << 20)
    monkeypatch.setattr("search.ingest.formats.sheets.FREE", 1 << 20)
    for name, part in (("a.xlsx", "xl/workbook.xml"), ("a.docx", "word/document.xml")):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "")
            with archive.open(part, "w") as inner:
                inner.write(b"<w:document xmlns:w='w'>")
                for _ in range(8):
                    inner.write(b" " * (1 << 20))
        (item,) = read([path])
        assert isinstance(item, Rejection)
        assert "times its size" in item.reason


# Pages


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "NewsArticle", "headline": "River rises", "url": "https://a.example/x"}',
        '[{"@type": "WebSite"}, {"@type": ["Article", "Thing"], "headline": "River rises",}]',
        '<!-- {"@graph": [{"@type": "http://schema.org/NewsArticle", "headline": "River rises"}]} -->',
        '/* ours */ {"@type": "NewsArticle", // theirs\n "headline": "River \trises"}; ',
        '{"@type": "Person", "name": "A"}{"@type": "NewsArticle", "headline": "River rises"}',
        "{&quot;@type&quot;: &quot;NewsArticle&quot;, &quot;headline&quot;: &quot;River rises&quot;}",
        '{"@type": "WebPage", "mainEntity": {"@type": "ReportageNewsArticle", "headline": "River rises"}}',
    ],
)
def test_what_publishers_state_in_many_ways(script):
    found = linked_data.article(iter([script]))
    assert " ".join(found["headline"].split()) == "River rises"


def test_of_several_stated_articles_that_of_the_page_counts():
    other = (
        '{"@type": "NewsArticle", "headline": "Another", "datePublished": "2020-01-01", "url": "https://a.example/y"}'
    )
    own = '{"@type": "Article", "headline": "Own", "mainEntityOfPage": {"@id": "https://www.a.example/x/"}}'
    assert linked_data.article(iter([other, own]), "https://a.example/x?ref=1")["headline"] == "Own"
    assert linked_data.article(iter([other, own]))["headline"] == "Another"
    assert linked_data.article(iter(["{", "no json", "[" * 100_000])) == {}


def test_a_page_that_shows_less_than_its_publisher_states(tmp_path):
    body = " ".join(f"Sentence {number} of the story is here." for number in range(30))
    page = (
        '<html><head><script type="application/ld+json">'
        f'{{"@type": "NewsArticle", "headline": "River rises", "datePublished": "0001-01-01", "articleBody": "{body}"}}'
        "</script></head><body><h1>River rises</h1><p>Sentence 0. Subscribe to read on.</p></body></html>"
    )
    (article,) = found(tmp_path, "a.html", page)
    assert (article.title, article.text, article.published) == ("River rises", body, None)


def test_the_script_measures_pages(formats, tmp_path, capsys):
    shutil.copy(FOLDER / "page.html", tmp_path / "p1.html")
    text = next(iter(read([FOLDER / "page.html"]))).text
    (tmp_path / "ground-truth.json").write_text(json.dumps({"p1": {"articleBody": text}}))
    (tmp_path / "stated.json").write_text(
        json.dumps(
            {
                "p1": {
                    "headline": "Ferry freed",
                    "datePublished": "2021-02-12",
                    "author": ["maren okafor", "Tobias Lind"],
                }
            }
        )
    )
    assert formats.main(["--html", str(tmp_path), str(tmp_path / "stated.json")]) == 0
    printed = capsys.readouterr()
    assert "| 1 | 1.000 | 1.000 | 1.000 | 0/1 | 1/1 | 1/1 |" in printed.out
    assert "headline is 'Ferry freed from ice & snow', not 'Ferry freed'" in printed.err


# Feeds, mail, crawls


def test_a_feed_opens_no_file_and_no_address(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    feed = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]><rss version="2.0"><channel><title>&x;</title>'
        "<item><title>One &x;</title><description>Two</description></item></channel></rss>"
    )
    (article,) = found(tmp_path, "a.xml", feed)
    assert "secret" not in f"{article.title}{article.text}{article.source}"


def test_what_an_export_leaves_out_is_counted():
    reading = ingest_read([FOLDER / "wordpress.xml"])
    assert len(list(reading)) == 2
    notes = dict(reading.report.kinds["wordpress"].notes)
    assert notes == {
        "attachment items left out": 1,
        "unpublished posts left out": 1,
        "characters that made it no XML, put right": 1,
    }


def test_what_a_crawl_leaves_out_is_counted():
    reading = ingest_read([FOLDER / "crawl.warc.gz"])
    assert len(list(reading)) == 2
    notes = dict(reading.report.kinds["warc"].notes)
    assert notes == {
        "records of no page (images, scripts, redirects) left out": 2,
        "pages without an article": 1,
    }


def test_a_sitemap_without_news_and_an_index_are_told(tmp_path):
    (bare,) = found(tmp_path, "a.xml", "<urlset><url><loc>https://a.example/</loc></url></urlset>")
    (index,) = found(
        tmp_path, "b.xml", "<sitemapindex><sitemap><loc>https://a.example/1</loc></sitemap></sitemapindex>"
    )
    assert (bare.reason, index.reason) == (
        "a sitemap of 1 addresses without news",
        "an index of 1 sitemaps: these have to be fetched",
    )


def test_a_mail_of_very_many_parts_is_rejected_before_it_is_parsed(tmp_path):
    head = b"From: desk@courier.example\nSubject: Digest\nMIME-Version: 1.0\n"
    head += b"Content-Type: multipart/mixed; boundary=B\n\n"
    for parts, told in ((20, None), (5000, "a message of more than 4,000 parts")):
        body = b"".join(b"--B\nContent-Type: text/plain\n\npart %d\n" % number for number in range(parts))
        (tmp_path / "digest.eml").write_bytes(head + body + b"--B--\n")
        (item,) = ingest_read([tmp_path / "digest.eml"])
        assert (item.reason if isinstance(item, Rejection) else None) == told
        if told is None:
            assert item.text.splitlines()[::38] == ["part 0", "part 19"]


def test_a_download_attached_to_a_mail_is_read(tmp_path):
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["Subject"], message["To"] = "noreply@search.example", "Your download", "a@b.example"
    message.set_content("Your documents are attached.")
    message.add_attachment(
        (FOLDER / "nexis_uni.docx").read_bytes(), maintype="application", subtype="zip", filename="d.docx"
    )
    path = tmp_path / "a.eml"
    path.write_bytes(bytes(message))
    got = list(ingest_read([path]))
    assert [(one.title, one.extra["place"]) for one in got] == [
        ("Signal box fire halts trains", "message 1, document 1"),
        ("Trains run again", "message 1, document 2"),
    ]


# PDF, tables of programs


def piece(left, bottom, text, width=None, height=10.0):
    return pdf.Piece(left, bottom, left + (width or 5.0 * len(text)), bottom + height, text)


@pytest.fixture(autouse=True)
def no_recognition(monkeypatch):
    """Seconds for each page of a scan."""
    monkeypatch.setattr(recognition, "available", lambda: False)


def test_a_scan_without_the_extra_says_what_to_install(tmp_path):
    (item,) = read([FOLDER / "scan.pdf"])
    assert item.reason.startswith("no text on any page: a scan; rapidocr is not installed; install it with: ")
    assert "ocr" in item.reason


def test_a_scan_is_recognised_with_its_quality(monkeypatch):
    pytest.importorskip("rapidocr")
    monkeypatch.setattr(recognition, "available", lambda: True)
    reading = ingest_read([FOLDER / "scan.pdf"])
    (article,) = reading
    words = f"{article.title} {article.text}"
    assert "calls it the least that a town can do for its pensioners." in words
    assert "The second tube opens in autumn." in words
    assert 0.8 < article.ocr_quality <= 1
    assert article.pages == ((0, "1"),)
    assert reading.report.kinds["pdf"].notes["pages recognised by OCR"] == 1


def test_columns_are_read_one_after_the_other():
    pieces = [piece(0, 100, "A headline over both of them", 300, 20)]
    pieces += [piece(0, 80 - 12 * row, f"left {row}", 140) for row in range(4)]
    pieces += [piece(160, 80 - 12 * row, f"right {row}", 140) for row in range(4)]
    found = [line.text for block in pdf.blocks(pieces) for line in block]
    assert found == [
        "A headline over both of them",
        *(f"left {row}" for row in range(4)),
        *(f"right {row}" for row in range(4)),
    ]


def test_a_table_row_stays_a_line():
    pieces = [piece(0, 50, "Torrin", 30), piece(100, 50, "12", 10), piece(0, 20, "Alder", 30)]
    assert [line.text for block in pdf.blocks(pieces) for line in block] == ["Torrin 12", "Alder"]


def test_pages_of_a_pdf_are_named_and_run_on():
    (article,) = read([FOLDER / "story.pdf"])
    (first, second) = article.pages
    assert (first, second[1]) == ((0, "1"), "2")
    assert article.text[second[0] - 20 : second[0] + 9] == "ll unjust while the mayor cal"
    assert "Harbour news" not in article.text
    assert "Engineers blamed the clay." in article.text


def test_a_database_is_read_where_it_lies_packed_or_in_an_archive(tmp_path):
    import zipfile

    data = (FOLDER / "news.sqlite").read_bytes()
    expected = [one.title for one in read([FOLDER / "news.sqlite"]) if isinstance(one, Article)]
    packed = tmp_path / "news.db.gz"
    packed.write_bytes(gzip.compress(data))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("news.db", data)
    for path in (packed, tmp_path / "a.zip"):
        assert [one.title for one in read([path]) if isinstance(one, Article)] == expected
    assert (FOLDER / "news.sqlite").read_bytes() == data


def test_nothing_of_a_database_is_run(tmp_path):
    import sqlite3

    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE t(title, text, made GENERATED ALWAYS AS (abs(-9223372036854775807 - length(text))) VIRTUAL);"
            "CREATE VIEW stories AS SELECT load_extension('x') AS title, 'x' AS text, 1 AS id;"
            "INSERT INTO t(title, text) VALUES ('One', 'Two');"
        )
    database.close()
    reading = ingest_read([path])
    items = list(reading)
    assert [one.title for one in items if isinstance(one, Article)] in (["One"],)
    assert reading.report.kinds["sqlite"].notes["views and virtual tables left out"] == 1


def test_an_archive_is_no_input(tmp_path):
    with Archive.open(tmp_path / "news" / "archive", create=True) as archive:
        archive.add([Article(id="a", title="One", text="Two")], vectors=False)
    (tmp_path / "news" / "a.txt").write_text("Title\n\nText of an article.\n")
    reading = ingest_read([tmp_path / "news"])
    assert [one.title for one in reading] == ["Title"]
    assert list(reading.passed_over) == ["archives of Broadsheet"]
    (item,) = read([tmp_path / "news" / "archive" / "catalog.sqlite"])
    assert item.reason.startswith("the catalog of an archive of Broadsheet")


def test_a_table_of_numbers_is_no_table_of_articles():
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"a": [1], "b": [2]}), out)
    form = recognised(Source("x", io.BytesIO(out.getvalue())).head)
    (item,) = form.read(source(out.getvalue()))
    assert item.reason.startswith('there is no column for a title or a text: found "a", "b"')


# JSON of known shapes


def test_shapes_keep_what_they_have_beside_their_fields():
    (ninjs,) = read([FOLDER / "ninjs3.json"])
    assert (ninjs.extra["evolvedFrom"], ninjs.extra["version"]) == ("urn:newsml:alder.example:2023:0", "2")
    (story,) = read([FOLDER / "ans.json"])
    assert story.extra["subheadlines"] == {"basic": "At last"}
    assert "iframe" not in story.text


def test_an_object_of_no_known_shape_stays_as_it_is():
    for value in (
        {"title": "T", "text": "x"},
        {"uri": "u", "title": "T"},
        {"headlines": ["a"]},
        {"item": 1, "altids": {}},
    ):
        assert shaped(value) is value


def test_gdelts_other_tables_are_refused(tmp_path):
    line = "\t".join(["123456789", "20231003163000", "20231003163000", *map(str, range(13))])
    (item,) = found(tmp_path, "a.mentions.csv", line + "\n")
    assert item.reason == "a table of GDELT's mentions: it holds neither titles nor texts"


def test_head_of_nothing():
    assert recognised(Head(b"")) is None
