"""Pages of scans: METS and ALTO, PAGE XML, hOCR, and the text that runs through columns and pages."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.ingest import containers
from search.ingest import read as ingest_read
from search.ingest.beside import Folder, relative
from search.ingest.formats.alto import pages_of
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.source import Source
from search.records import Article, Rejection
from tests.placeless import read
from tests.test_formats import FOLDER, found, script

ISSUE = FOLDER / "issue"


def articles(path):
    return [item for item in read([path]) if isinstance(item, Article)]


def alto(*lines, identity="P1"):
    """A page with a block for each line of words."""
    blocks = "".join(
        f"<TextBlock ID='{identity}_{number}'><TextLine>"
        + "".join(f"<String CONTENT='{word}' WC='0.5'/>" for word in line.split())
        + "</TextLine></TextBlock>"
        for number, line in enumerate(lines, 1)
    )
    return f"<alto><Layout><Page ID='{identity}'><PrintSpace>{blocks}</PrintSpace></Page></Layout></alto>"


def mets(files, logical, more=""):
    named = "".join(f"<file ID='{name}'><FLocat href='{address}'/></file>" for name, address in files.items())
    structure = f"<structMap TYPE='LOGICAL'><div TYPE='issue'>{logical}</div></structMap>"
    return f"<mets><fileSec>{named}</fileSec>{more}{structure}</mets>"


def test_an_issue_is_read_article_by_article_across_pages():
    ferry, cranes, lost = articles(ISSUE / "torrin_mets.xml")
    assert ferry.text == "The ferry, missing since Sunday, was seen off Skarholm at noon."
    (_, first), (start, second) = ferry.pages
    assert (first, second, ferry.text[start:]) == ("17", "18", "at noon.")
    # Words by their letters; both parts of a word that a hyphen parts count.
    sure = dict.fromkeys(("The", "ferry,", "miss-", "ing", "since", "was", "seen", "off", "at", "noon."), 1)
    sure |= dict.fromkeys(("Sun", "day,", "Skar", "holm"), 0.5)
    assert ferry.ocr_quality == round(sum(len(w) * s for w, s in sure.items()) / sum(map(len, sure)), 4)
    assert (cranes.text, cranes.ocr_quality) == ("CRANES for sale at Halden yard.", 0.8)
    assert (lost.text, lost.ocr_quality) == ("", None)


def test_what_an_issue_lacks_or_leaves_over_is_told():
    reading = ingest_read([ISSUE])
    (missing,) = [item for item in reading if isinstance(item, Rejection)]
    assert missing.source.endswith("torrin_mets.xml, page ALTO/0003.xml")
    assert missing.reason == "its words cannot be read: it is not there"
    kinds = reading.report.kinds
    assert dict(kinds["mets"].notes) == {"words on pages that no article of the METS file has": 4}
    assert dict(kinds["alto"].notes) == {"pages left to the METS file beside them, to be indexed with it": 2}


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)


def tarred(path, files):
    mode = f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w"
    with tarfile.open(path, mode) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def of_issue(folder=""):
    return [(folder + one.relative_to(ISSUE).as_posix(), one.read_bytes()) for one in sorted(ISSUE.rglob("*.xml"))]


LEFT = {"pages left to the METS file beside them, to be indexed with it": 2}


@pytest.mark.parametrize("order", [1, -1])  # pages before or behind what tells their articles
@pytest.mark.parametrize("name", ["issue.zip", "issue.tar", "issue.tar.gz", "issue.tar.xz"])
def test_an_issue_in_an_archive_is_the_same(tmp_path, name, order):
    path = tmp_path / name
    (zipped if name == "issue.zip" else tarred)(path, of_issue("1907/")[::order])
    assert articles(path) == articles(ISSUE)
    reading = ingest_read([path])
    (missing,) = [item for item in reading if isinstance(item, Rejection)]
    assert missing.source == f"{path}!/1907/torrin_mets.xml, page ALTO/0003.xml"
    assert dict(reading.report.kinds["alto"].notes) == LEFT


def test_issues_of_one_tar_archive_are_held_one_at_a_time(tmp_path, monkeypatch):
    """In a folder each, with something else between their pages; a tar inside a ZIP, and one that is a pipe's, too."""
    held = []
    given = containers._together
    monkeypatch.setattr(containers, "_together", lambda *them: held.append(len(them[1].files)) or given(*them))
    files = of_issue("batch/a/") + of_issue("batch/b/") + of_issue("batch/c/")
    files.insert(1, ("batch/a/ALTO/notes.txt", b"Found\n\nA note beside the pages."))
    tarred(tmp_path / "batch.tar", files)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "batch.tar", "batch.tar")
    titles = [one.title for one in articles(ISSUE)]
    assert [one.title for one in articles(tmp_path / "batch.tar")] == ["Found", *titles * 3]
    assert held == [3, 3, 3]
    assert [one.title for one in articles(tmp_path / "outer.zip")] == ["Found", *titles * 3]


def test_an_issue_too_large_to_be_kept_is_read_page_by_page_and_that_is_told(tmp_path, monkeypatch):
    path = tmp_path / "issue.tar"
    tarred(path, of_issue())
    monkeypatch.setattr(containers, "KEPT", 10)
    items = list(read([path]))
    told = [item.reason for item in items if isinstance(item, Rejection)]
    reason = "its words cannot be read: what lies beside it cannot be reached here; unpack it, or give the folder"
    assert told.count(reason) == 3
    texts = [item.text.split()[0] for item in items if isinstance(item, Article) and item.text]
    assert texts == ["THE", "holm"]


def test_a_tar_archive_that_breaks_off_gives_the_issue_that_was_whole(tmp_path):
    whole, cut = tmp_path / "whole.tar", tmp_path / "cut.tar"
    tarred(whole, of_issue("a/") + of_issue("b/"))
    data = whole.read_bytes()
    cut.write_bytes(data[: data.index(b"b/ALTO/0002.xml") + 700])
    items = list(read([cut]))
    assert [item.title for item in items if isinstance(item, Article)][:3] == [one.title for one in articles(ISSUE)]
    assert any(isinstance(item, Rejection) and "damaged" in item.reason for item in items)


def test_pages_of_no_issue_are_articles(tmp_path):
    shutil.copytree(ISSUE / "ALTO", tmp_path / "ALTO")
    assert [one.text.split()[0] for one in articles(tmp_path)] == ["THE", "holm"]
    (tmp_path / "a_mets.xml").write_text("<mets><structMap TYPE='PHYSICAL'><div TYPE='page'/></structMap></mets>")
    reading = ingest_read([tmp_path])
    assert sum(isinstance(item, Article) for item in reading) == 2
    assert dict(reading.report.kinds["mets"].notes) == {
        "METS files that tell no articles; their pages are read by themselves": 1
    }


@pytest.mark.parametrize(
    "address",
    [
        "../outside.xml",
        "{}/outside.xml",
        "file://{}/outside.xml",
        "link.xml",
        "%2e%2e/outside.xml",
        "http://127.0.0.1:9/a.xml",
    ],
)
def test_no_page_outside_the_folder_is_opened(tmp_path, address):
    (tmp_path / "outside.xml").write_text(alto("the secret"))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.xml").symlink_to(tmp_path / "outside.xml")
    logical = "".join(f"<div TYPE='article' LABEL='{name}'><fptr FILEID='{name}'/></div>" for name in "FG")
    (folder / "mets.xml").write_text(mets({"F": address.format(tmp_path), "G": "page.xml"}, logical))
    (folder / "page.xml").write_text(alto("a page"))
    for path in (folder / "mets.xml", folder):
        assert not any("secret" in str(item) for item in read([path]))
        assert "a page" in [one.text for one in articles(path)]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a.xml", "a.xml"),
        ("./A/b%20c.xml", "A/b c.xml"),
        ("file://./a.xml", "a.xml"),
        ("A\\b.xml", "A/b.xml"),
        ("A/../b.xml", "b.xml"),
        ("../a.xml", None),
        ("/a.xml", None),
        ("C:/a.xml", None),
        ("https://a.example/b.xml", None),
        ("", None),
    ],
)
def test_names_that_lead_out_of_a_folder(address, name):
    assert relative(address) == name


def test_what_is_above_a_folder_is_opened_by_its_name_alone(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "x.xml").write_text("<x/>")
    (tmp_path / "a" / "y.xml").write_text("<y/>")
    beside = Folder(tmp_path / "a" / "b" / "z.xml")
    assert beside.names() == ["../y.xml"]
    with beside.open("../y.xml") as file:
        assert file.read() == b"<y/>"
    for name in ("../../x.xml", "../b/../../x.xml", "../x.xml"):
        with pytest.raises(LookupError):
            beside.open(name)


def test_links_from_articles_to_areas_in_either_form(tmp_path):
    links = (
        "<structLink><smLinkGrp><smLocatorLink href='#a1'/><smLocatorLink href='#p2'/><smLocatorLink href='#p1'/>"
        "</smLinkGrp><smLink from='a2' to='p3'/></structLink>"
    )
    areas = "".join(
        f"<div ID='p{n}'><fptr><area FILEID='F' BEGIN='P1_{n}' END='P1_{n}'/></fptr></div>" for n in (1, 2, 3)
    )
    physical = f"<structMap TYPE='PHYSICAL'><div>{areas}</div></structMap>"
    logical = "<div ID='a1' TYPE='article' LABEL='A'/><div ID='a2' TYPE='article' LABEL='B'/>"
    (tmp_path / "m.xml").write_text(mets({"F": "p.xml"}, logical, physical + links))
    (tmp_path / "p.xml").write_text(alto("One.", "Two.", "Three."))
    assert [(one.title, one.text) for one in articles(tmp_path)] == [("A", "Two.\n\nOne."), ("B", "Three.")]


def test_a_page_that_is_no_alto_is_told_once(tmp_path):
    logical = "".join(f"<div TYPE='article' LABEL='{n}'><fptr FILEID='F'/></div>" for n in "AB")
    (tmp_path / "m.xml").write_text(mets({"F": "p.xml"}, logical))
    (tmp_path / "p.xml").write_text("<html><p>no page")
    (told,) = [item for item in read([tmp_path / "m.xml"]) if isinstance(item, Rejection)]
    assert told.reason.startswith("its words cannot be read: the XML breaks off")


def test_an_issue_whose_divisions_are_nested_without_end_is_read(tmp_path):
    deep = "<div TYPE='section'>" * 200 + "<div TYPE='article' LABEL='A'><fptr FILEID='F'/></div>" + "</div>" * 200
    (tmp_path / "m.xml").write_text(mets({"F": "p.xml"}, deep))
    (tmp_path / "p.xml").write_text(alto("One."))
    assert [one.text for one in articles(tmp_path / "m.xml")] == ["One."]


def test_articles_that_repeat_a_page_without_end_are_given_up(tmp_path):
    logical = "<div TYPE='article' LABEL='A'><fptr FILEID='F'/></div>" * 3000
    (tmp_path / "m.xml").write_text(mets({"F": "p.xml"}, logical))
    (tmp_path / "p.xml").write_text(alto("word " * 1000))
    *kept, last = read([tmp_path / "m.xml"])
    assert len(kept) == 108  # 100,000 words, and eight times those of the page
    assert last.reason == "its articles have the same words over and over again: given up"


def test_a_page_has_places_for_all_its_parts():
    data = (ISSUE / "ALTO" / "0001.xml").read_bytes()
    (page,) = pages_of(Source("p", io.BytesIO(data)))
    assert [len(range(*page.places[name])) for name in ("P1_TB1", "P1_CB1", "P1_TB2", "P1_TB4", "P1_PS", "P1")] == [
        3, 8, 5, 11, 22, 22]  # fmt: skip


def test_margins_are_no_text():
    reading = ingest_read([FOLDER / "alto.xml"])
    (article,) = reading
    assert "ARGUS" not in article.text
    assert dict(reading.report.kinds["alto"].notes) == {
        "words in the margins of pages left out": 2,
        "pages read as they are, without a METS file that tells their articles": 1,
    }


def test_regions_of_a_page_in_their_order(tmp_path):
    regions = "".join(
        f"<TextRegion id='{name}'><TextLine><TextEquiv><Unicode>{name}.</Unicode></TextEquiv></TextLine></TextRegion>"
        for name in "ABCD"
    )
    order = (
        "<ReadingOrder><OrderedGroup><RegionRefIndexed index='1' regionRef='A'/>"
        "<OrderedGroupIndexed index='0' regionRef='D'><RegionRefIndexed index='0' regionRef='C'/>"
        "</OrderedGroupIndexed></OrderedGroup></ReadingOrder>"
    )
    (article,) = found(tmp_path, "a.xml", f"<PcGts><Page>{order}{regions}</Page></PcGts>")
    assert article.text == "D.\n\nC.\n\nA.\n\nB."


# The text that runs on


def text_of(*pages):
    printed = Printed()
    for number, words in enumerate(pages, 1):
        printed.add(Page(str(number)), words)
    return printed.text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([Word("Har-", 0), Word("bour", 1)], "Harbour"),
        ([Word("North-", 0), Word("East", 1)], "North-East"),
        ([Word("1907-", 0), Word("8", 1)], "1907-8"),
        ([Word("word -", 0), Word("more", 1)], "word - more"),
        ([Word("goes", 0, 0), Word("on", 1, 1)], "goes on"),
        ([Word("ends.", 0, 0), Word("on", 1, 1)], "ends.\n\non"),
        ([Word("no", 0, 0), Word("End", 1, 1)], "no\n\nEnd"),
        ([Word("Ha", 0, whole="Harbour"), Word("bour", 1, whole="Harbour", last=True), Word("x", 1)], "Harbour x"),
        ([Word("bour", 0, whole="Harbour", last=True)], "bour"),
    ],
)
def test_lines_run_on(words, text):
    assert text_of(words) == text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.text("abAB.-", min_size=1, max_size=4), st.integers(0, 2), st.integers(0, 1)), max_size=6
        ),
        max_size=4,
    )
)
def test_no_letter_is_lost_between_pages(pages):
    words = [[Word(text, line, block) for text, line, block in page] for page in pages]
    text = text_of(*words)
    letters = "".join(word.text for page in words for word in page)
    assert "".join(text.split()).replace("-", "") == letters.replace("-", "")
    assert text.count("\f") == max(0, sum(map(bool, words)) - 1)


def test_damaged_issues_cost_no_more_than_themselves(tmp_path):
    fuzz = script("fuzz_formats")
    shutil.copytree(ISSUE, tmp_path / "issue")
    for path in sorted((tmp_path / "issue").rglob("*.xml")):
        data = path.read_bytes()
        for number in range(20):
            damaged = fuzz.damaged(data, data, fuzz.random.Random(f"{path.name} {number}"))
            assert fuzz.faults(path, damaged, tmp_path / "issue") is None
        path.write_bytes(data)
