"""What agencies and newspapers mark up: NITF, NewsML-G2, NewsML 1, the Reuters corpus."""

from __future__ import annotations

import io

import pytest
from lxml import etree

from search.ingest import read as ingest_read
from search.ingest.formats import recognised
from search.ingest.formats.xml_fields import fields_of, root_of
from search.ingest.source import Head, Source
from search.records import Article, Edition, Rejection
from tests.placeless import read
from tests.test_formats import FOLDER, found


def form_of(data):
    form = recognised(Source("x", io.BytesIO(data)).head)
    return None if form is None else form.name


@pytest.mark.parametrize(
    ("data", "name", "attributes"),
    [
        (b"<nitf a='1'>", "nitf", " a='1'"),
        (
            b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- <nitf> -->\n<!DOCTYPE x [ <!ENTITY y 'z>'> ]>\n<n:NITF >",
            "nitf",
            " ",
        ),
        (b"no markup", "", ""),
        (b"<!-- no end <nitf>", "", ""),
        (b"", "", ""),
    ],
)
def test_the_root_of_a_document(data, name, attributes):
    assert root_of(Head(data)) == (name, attributes)


def test_all_that_an_element_says_is_kept():
    element = etree.fromstring(
        "<m xmlns='u' k='v'><A/><B>one</B><C x='1'>two</C><D>three <e>four</e></D><D p='q'/><!-- no -->"
        "<D>five <e r='s'>six</e></D></m>"
    )
    assert fields_of(element) == {
        "k": "v",
        "B": "one",
        "C": {"x": "1", "text": "two"},
        "D": ["three four", {"p": "q"}, {"text": "five six", "e": {"r": "s", "text": "six"}}],
    }
    assert fields_of(element, skip=("d", "c")) == {"k": "v", "B": "one"}


def test_what_is_nested_without_end_is_kept_as_its_words():
    deep = etree.fromstring("<a>" + "<b>" * 100 + "word" + "</b>" * 100 + "</a>")
    value, levels = fields_of(deep), 0
    while isinstance(value, dict):
        value, levels = value["b"], levels + 1
    assert (value, levels) == ("word", 30)


@pytest.mark.parametrize(
    ("file", "place", "expected"),
    [
        ("nitf_agency.xml", 0, ("np-2011-0411-c", "3", False, "np-2011-0411-b")),
        ("nitf_agency.xml", 1, ("np-2011-0411-b", "", True, "")),  # which the first one takes the place of
        ("newsml_g2.xml", 0, (
            "urn:newsml:nordpresse.example:20170602:lighthouse", "3", False,
            "urn:newsml:nordpresse.example:20170601:lighthouse-flash")),
        ("newsml_g2.xml", 3, ("urn:newsml:nordpresse.example:20170531:whale", "2", True, "")),
        ("newsml.xml", 0, ("urn:newsml:nordpresse.example:20080114:NP-MILL-01", "2", False, "")),
        ("newsml.xml", 1, ("urn:newsml:nordpresse.example:20080113:NP-ELK", "1", True, "")),
        ("ninjs3.json", 0, ("urn:newsml:alder.example:2023:1", "2", False, "urn:newsml:alder.example:2023:0")),
        ("ap.json", 0, ("e5b4", "1", False, "")),
    ],
)  # fmt: skip
def test_versions_of_an_item_are_told_alike(file, place, expected):
    article = [item for item in read([FOLDER / file]) if isinstance(item, Article)][place]
    edition = Edition.of(article)
    assert (article.id, edition.version, edition.withdrawn, edition.evolved_from) == expected


def test_what_agencies_say_to_editors_is_kept_with_the_version():
    items = list(read([FOLDER / "newsml_g2.xml"]))
    assert Edition.of(items[0]).correction
    assert Edition.of(items[3]).note == "KILL: there was no whale"
    assert (items[3].title, items[3].text) == ("", "")


def test_a_newspapers_archive_keeps_what_has_no_field():
    (article,) = read([FOLDER / "nitf_paper.xml"])
    extra = article.extra
    assert extra["correction"] == "An article on Thursday misstated how many boats were adrift. It was twelve."
    assert "misstated" not in article.text
    assert extra["bylines"] == ["By NILS HOLM", "HOLM, NILS"]
    assert (extra["meta"]["print_section"], extra["meta"]["dsk"]) == ("B", "Metropolitan Desk")
    described = extra["docdata"]["identified-content"]
    assert [one["text"] for one in described["classifier"]] == ["Harbors", "Tides"]
    assert described["person"]["text"] == "Brask, Helle (Harbormaster)"


def test_without_a_full_text_the_first_paragraphs_are_the_text(tmp_path):
    body = (
        "<block class='lead_paragraph'><p>One.</p></block><block class='correction_text'><p>Two.</p></block>"
        "<p>Three.<note><p>Four.</p></note></p>"
    )
    (article,) = found(
        tmp_path, "a.xml", f"<nitf><head><title>T</title></head><body><body.content>{body}</body.content></body></nitf>"
    )
    assert (article.title, article.text, article.published) == ("T", "One.\n\nThree.", None)


def test_a_message_tells_what_it_holds_beside_its_news():
    reading = ingest_read([FOLDER / "newsml_g2.xml"])
    items = list(reading)
    lighthouse, *_, rejection = items
    assert lighthouse.extra["packages"] == [{"item": "tag:nordpresse.example,2017:top", "title": "Top of the morning"}]
    assert lighthouse.extra["message"]["sender"] == "nordpresse.example"
    assert lighthouse.extra["rightsInfo"]["usageTerms"] == "Not for use in almanacs"
    assert lighthouse.extra["contentMeta"]["keyword"] == "lighthouse"
    assert lighthouse.extra["partMeta"] == [{"partid": "P1", "role": {"qcode": "r:main"}}]
    assert items[2].extra["remote"][0]["href"] == "pier.jpg"
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "a news item without headline and text (text)"
    assert dict(reading.report.kinds["newsml-g2"].notes) == {
        "items with several renditions, of which the longest is read": 1,
        "packages kept with the items that they name": 1,
        "concept items left out": 1,
    }


def test_a_package_alone_is_no_news(tmp_path):
    g2 = 'xmlns="http://iptc.org/std/nar/2006-10-01/" standard="NewsML-G2"'
    (item,) = found(tmp_path, "a.xml", f"<packageItem {g2} guid='p'><itemMeta/></packageItem>")
    assert item.reason == "no news item in the document: 1 package item"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<inlineData contenttype="text/html">&lt;p&gt;One &amp;amp; two&lt;/p&gt;</inlineData>', "One & two"),
        ('<inlineData contenttype="text/plain">One\n\nTwo</inlineData>', "One\n\nTwo"),
        ('<inlineData contenttype="image/png" encoding="base64">iVBORw0KGgo</inlineData>', ""),
        ('<inlineXML contenttype="application/nitf+xml"><body.content><p>One</p></body.content></inlineXML>', "One"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_text_of_an_item_in_any_form(tmp_path, content, text):
    g2 = 'xmlns="http://iptc.org/std/nar/2006-10-01/" guid="g" standard="NewsML-G2"'
    meta = "<contentMeta><headline>H</headline></contentMeta>"
    (article,) = found(tmp_path, "a.xml", f"<newsItem {g2}>{meta}<contentSet>{content}</contentSet></newsItem>")
    assert (article.title, article.text) == ("H", text)


def test_nothing_that_an_item_names_is_opened(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    xml = (
        f'<!DOCTYPE NewsML [<!ENTITY x SYSTEM "file://{secret}">]><NewsML><NewsItem><NewsComponent>'
        f"<NewsLines><HeadLine>One &x;</HeadLine></NewsLines><ContentItem Href='file://{secret}'><DataContent>&x; two"
        "</DataContent></ContentItem></NewsComponent></NewsItem></NewsML>"
    )
    (article,) = found(tmp_path, "a.xml", xml)
    assert (article.title, "secret" in f"{article.text} {article.extra}".replace(str(secret), "")) == ("One &x;", False)


def test_news_items_in_a_news_item_are_articles(tmp_path):
    inner = "".join(
        f"<NewsItem><NewsComponent><NewsLines><HeadLine>{n}</HeadLine></NewsLines></NewsComponent></NewsItem>"
        for n in ("One", "Two")
    )
    xml = f"<NewsML><NewsItem><NewsComponent>{inner}</NewsComponent></NewsItem></NewsML>"
    assert [article.title for article in found(tmp_path, "a.xml", xml)] == ["One", "Two"]


def test_codes_of_the_reuters_corpus_are_kept():
    (article,) = read([FOLDER / "rcv1.xml"])
    assert (article.extra["topics"], article.extra["countries"], article.extra["industries"]) == (
        ["M14", "M141"], ["ALD"], ["I00113"])  # fmt: skip
    assert article.extra["title as filed"] == "ALDERLAND: Port Alder grain elevator runs again."


@pytest.mark.parametrize(
    ("xml", "name"),
    [
        (b"<newsitem itemid='1'/>", "rcv1"),
        (b"<newsItem guid='1' standard='NewsML-G2'/>", "newsml-g2"),
        (b"<newsitem id='1'/>", None),
        (b"<NewsML/>", "newsml"),
        (b"<NITF/>", "nitf"),
    ],
)
def test_roots_that_are_alike_are_told_apart(xml, name):
    assert form_of(xml) == name
