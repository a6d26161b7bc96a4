import hashlib
import json
import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import UsageError
from search.ingest.aliases import ALIASES, bare_name, fields_of, place_of
from search.ingest.clean import clean_line, clean_text
from search.ingest.fields import BadRecord, Draft, Mapped, to_article
from search.ingest.names import split_names
from search.records import Article


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain text.\n\nTwo\tparagraphs.", "Plain text.\n\nTwo\tparagraphs."),
        ("Cafe\u0301", "Café"),
        ("a\x00b\x07c\x1bd\x7fe\x85f\ufeffg", "abcdefg"),
        ("one\r\ntwo\rthree\x0bfour\x0cfive\u2028six\u2029seven", "one\ntwo\nthree\nfour\nfive\nsix\nseven"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("", ""),
    ],
)
def test_clean_text(text, expected):
    assert clean_text(text) == expected


def test_clean_line_is_one_line():
    assert clean_line("  Two\n lines,\u00a0a\ttab \x00") == "Two lines, a tab"


@given(st.text(st.characters(), max_size=60))
def test_cleaning_is_nfc_and_settled(text):
    cleaned = clean_text(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean_text(cleaned) == cleaned
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in cleaned)
    cleaned.encode()


def test_no_long_runs_of_combining_marks_reach_normalisation():
    cleaned = clean_text("a" + "\u0301\u0316" * 200_000)  # sorted as one run this would take two minutes
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned.count("\u0316") == 200_000
    assert max(len(run) for run in cleaned.split("\u034f")) <= 31


# Names of fields


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("id", "id"), ("_id", "id"), ("guid", "id"), ("GUID", "id"), ("title", "title"), ("Headline", "title"),
        ("text", "text"), ("body", "text"), ("content", "text"), ("ARTICLE", "text"), ("published", "published"),
        ("published_at", "published"), ("publishedAt", "published"), ("date", "published"), ("pubDate", "published"),
        ("pubdate", "published"), ("source", "source"), ("publisher", "source"), ("outlet", "source"),
        ("authors", "authors"), ("author", "authors"), ("byline", "authors"), ("url", "url"), ("link", "url"),
        ("section", "section"), ("category", "section"), ("topic", "section"), ("language", "language"),
        ("lang", "language"), ("agency", "agency"), ("dateline", "dateline"), ("caption", "caption"),
        (" Title ", "title"),
    ],
)  # fmt: skip
def test_names_of_fields(name, field):
    found = place_of(name)
    assert found is not None
    assert found[0] == field


@pytest.mark.parametrize(
    "name", ["", "subtitle", "ids", "text2", "_", "update", "date_download", "source_url", "x.title", "title.x"]
)
def test_unknown_names(name):
    assert place_of(name) is None


def test_a_whole_record():
    assert to_article(
        {
            "_id": "a-1",
            "Headline": "  Bridge\nreopens ",
            "body": "The bridge reopened.\r\n\r\nTraffic flowed.",
            "pubDate": "Wed, 26 Feb 2025 10:30:00 GMT",
            "publisher": {"name": "The Harbour Post"},
            "byline": "By Ana Ruiz; Li Wei and Tom O'Dell",
            "link": " https://example.org/1 ",
            "topic": "local",
            "lang": "en",
            "agency": "PTI",
            "dateline": "Porto",
            "caption": "The bridge",
            "views": 12,
            "extra": {"desk": "city", "views": 3},
        }
    ) == Article(
        id="a-1",
        title="Bridge reopens",
        text="The bridge reopened.\n\nTraffic flowed.",
        published=datetime(2025, 2, 26, 10, 30, tzinfo=UTC),
        source="The Harbour Post",
        authors=("Ana Ruiz", "Li Wei", "Tom O'Dell"),
        url="https://example.org/1",
        section="local",
        language="en",
        agency="PTI",
        dateline="Porto",
        caption="The bridge",
        extra={"desk": "city", "views": 12},
    )


def test_the_first_alias_that_holds_something_wins_and_the_others_are_kept():
    article = to_article(
        {
            "guid": "g",
            "id": "i",
            "content": "long",
            "text": "",
            "body": "short",
            "date": "2025-01-02",
            "published": None,
        }
    )
    assert article == Article(id="i", text="short", published=date(2025, 1, 2), extra={"guid": "g", "content": "long"})
    assert to_article({"_id": "b", "id": "a", "title": "t"}).id == "a"
    assert to_article({"Title": "first", "title": "second"}).title == "first"


def test_title_alone_and_text_alone():
    assert to_article({"id": 7, "title": "Only a title"}) == Article(id="7", title="Only a title")
    assert to_article({"id": "8", "text": "Only a text", "title": " "}) == Article(id="8", text="Only a text")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "neither title nor text (fields found: none)"),
        ({"id": "1", "title": " \x00", "text": "\n\t"}, "neither title nor text (fields found: id, title, text)"),
        ({"id": "1", "articles": []}, "neither title nor text (fields found: id, articles)"),
        ({"id": "1", "text": 12}, "text must be a string, not a number"),
        ({"id": "1", "body": [1]}, "body must be a string, not an array"),
        ({"id": "1", "title": {"a": "x", "b": "z"}, "text": "y"}, "title must be a string, not an object"),
        ({"id": True, "title": "t"}, "id must be a string, not true or false"),
        ({"id": 1.5, "title": "t"}, "id must be a string, not a number"),
        ({"id": ["a"], "title": "t"}, "id must be a string, not an array"),
        ({"id": "x" * 513, "title": "t"}, "id has 513 characters; 1 to 512 are allowed"),
        ({"id": "a\nb", "title": "t"}, "id has control characters or others that cannot be printed"),
        ({"id": "a\ud800", "title": "t"}, "id has control characters or others that cannot be printed"),
    ],
)
def test_no_article(record, reason):
    with pytest.raises(BadRecord) as caught:
        to_article(record)
    assert str(caught.value) == reason


def test_ids():
    assert to_article({"id": " x ", "title": "t"}).id == "x"
    assert to_article({"id": "x" * 512, "title": "t"}).id == "x" * 512
    assert to_article({"id": 0, "title": "t"}).id == "0"
    assert to_article({"_id": {"$oid": "65a"}, "title": "t"}).id == "65a"
    url = "https://example.org/a?b=1"
    assert to_article({"id": "", "url": url, "title": "t"}).id == "u-" + sha(url)
    assert to_article({"url": url, "title": "another", "text": "edited"}).id == "u-" + sha(url)


def test_an_id_made_from_the_content():
    record = {"title": "t", "text": "x", "date": "2025-02-26", "source": "A"}
    made = to_article(record).id
    assert made == "c-" + sha("t\0x\x002025-02-26\0A")
    assert to_article({**record, "section": "s"}).id == made
    assert to_article({**record, "title": " t "}).id == made
    # Another outlet's copy of the text is another article.
    assert len({to_article({**record, **change}).id for change in ({}, {"source": "B"}, {"date": "2025-02-27"})}) == 3


# Values


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Ana Ruiz", ("Ana Ruiz",)),
        ("By Ana Ruiz", ("Ana Ruiz",)),
        ("BY: Ana Ruiz", ("Ana Ruiz",)),
        ("Ana Ruiz; Li Wei and Tom O'Dell", ("Ana Ruiz", "Li Wei", "Tom O'Dell")),
        ("Ana Ruiz, Li Wei, and Tom O'Dell", ("Ana Ruiz", "Li Wei", "Tom O'Dell")),
        ("Ana Ruiz & Li Wei", ("Ana Ruiz", "Li Wei")),
        ("Ruiz, Ana", ("Ana Ruiz",)),
        ("Tom O'Dell, Jr.", ("Tom O'Dell, Jr.",)),
        ("Alexander Sandalwood", ("Alexander Sandalwood",)),
        ("Byron Andrews", ("Byron Andrews",)),
        ("Ana Ruiz; Ana Ruiz;", ("Ana Ruiz",)),
        (["Ana Ruiz", "  ", "Li\nWei", "Ana Ruiz"], ("Ana Ruiz", "Li Wei")),
        ([{"name": "Ana Ruiz"}, {"name": "Li Wei"}], ("Ana Ruiz", "Li Wei")),
        ({"name": "Ana Ruiz"}, ("Ana Ruiz",)),
        ([], ()),
    ],
)
def test_authors(value, names):
    assert to_article({"id": "1", "title": "t", "authors": value}) == Article(id="1", title="t", authors=names)


def test_author_objects_with_more_than_a_name_are_kept_in_extra():
    value = [{"name": "Ana Ruiz", "mail": "ana@example.org"}, 3, None]
    article = to_article({"id": "1", "title": "t", "authors": value})
    assert article.authors == ("Ana Ruiz",)
    assert article.extra == {"authors": value}


def test_no_names():
    assert split_names("") == split_names(" By ") == ()


@pytest.mark.parametrize(
    ("value", "source", "extra"),
    [
        ("The  Post\x07", "The Post", {}),
        (7, "7", {}),
        ({"name": "The Post"}, "The Post", {}),
        ({"id": "post", "name": "The Post"}, "The Post", {"outlet": {"id": "post", "name": "The Post"}}),
        ({"id": "post"}, "", {"outlet": {"id": "post"}}),
        (["The Post"], "The Post", {}),
        (["The Post", "The Mail"], "The Post", {"outlet": ["The Post", "The Mail"]}),
        ([["The Post"]], "", {"outlet": [["The Post"]]}),
        (True, "", {"outlet": True}),
        (None, "", {}),
    ],
)
def test_labels(value, source, extra):
    assert to_article({"id": "1", "title": "t", "outlet": value}) == Article(
        id="1", title="t", source=source, extra=extra
    )


def test_dates_never_cost_an_article():
    assert to_article({"id": "1", "title": "t", "date": "soon"}) == Article(
        id="1", title="t", extra={"published_raw": "soon"}
    )
    assert to_article({"id": "1", "title": "t", "date": 0}).extra == {"published_raw": 0}
    assert to_article({"id": "1", "title": "t", "date": "12/1/16"}) == Article(
        id="1", title="t", published=date(2016, 12, 1), extra={"published_raw": "12/1/16"}
    )
    assert to_article({"id": "1", "title": "t", "date": "2016-12-01"}).extra == {}


def test_extra_holds_json_and_nothing_else():
    record = {"id": "1", "title": "t", "a": [1, None, {"b\ud800": "\udfff"}], "c": float("nan"), "extra": "loose"}
    article = to_article(record)
    assert article.extra == {"a": [1, None, {"b\ufffd": "\ufffd"}], "c": None, "extra": "loose"}
    json.dumps(article.extra, allow_nan=False).encode()
    deep = value = []
    for _ in range(63):
        value.append([])
        value = value[0]
    assert to_article({"title": "t", "deep": deep}).extra == {"deep": deep}
    value.append([])
    with pytest.raises(BadRecord, match="nested deeper than 64"):
        to_article({"title": "t", "deep": deep})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "title", "text", "date", "source", "authors", "url", "topic", "extra", "x"]), _JSON
    )
)
def test_any_record_is_an_article_fit_to_be_stored_or_a_bad_record(record):
    try:
        article = to_article(record)
    except BadRecord:
        return
    assert article.title or article.text.strip()
    assert 0 < len(article.id) <= 512
    assert article.id.isprintable()
    json.dumps(article.extra, allow_nan=False, ensure_ascii=False).encode()
    for name in ("title", "text", "source", "url", "section"):
        getattr(article, name).encode()
    assert to_article(record) == article


# Records as crawlers, databases and interfaces write them

DAY = date(2025, 2, 26)


@pytest.mark.parametrize(
    "record",
    [
        {"headline": "T", "articleBody": "X", "datePublished": "2025-02-26", "publisher": {"@type": "Org", "name": "S"},
         "author": [{"@type": "Person", "name": "A B"}], "mainEntityOfPage": {"@id": "https://x.example/1"}},
        {"title": "T", "raw_text": "X", "pub_date": "2025-02-26", "hostname": "S", "author": "A B",
         "canonical_link": "https://x.example/1"},
        {"webTitle": "T", "webPublicationDate": "2025-02-26", "webUrl": "https://x.example/1",
         "fields": {"bodyText": "X", "byline": "A B", "publication": "S"}},
        {"headline": {"main": "T", "kicker": "k"}, "body": "X", "pub_date": "2025-02-26", "source": "S",
         "byline": {"original": "By A B"}, "web_url": "https://x.example/1"},
        {"title": {"rendered": "T"}, "content": {"rendered": "<p>X</p>", "protected": False}, "date": "2025-02-26",
         "link": "https://x.example/1", "author": "A B", "site": "S"},
        {"_id": {"$oid": "65"}, "_source": {"title": "T", "content": "X", "published_at": "2025-02-26", "outlet": "S",
                                            "authors": ["A B"], "url": "https://x.example/1"}},
        {"Headline": "T", "Full text": "X", "Publication date": "Feb 26, 2025", "Publication title": "S",
         "Byline": "A B", "Document URL": "", "Permalink": "https://x.example/1"},
        {"headlines": {"basic": "T"}, "content": "X", "display_date": "2025-02-26",
         "credits": {"by": [{"name": "A B"}]}, "canonical_url": "https://x.example/1", "website": "S"},
        {"headline.main": "T", "fields.bodyText": "X", "published": "2025-02-26", "source.name": "S",
         "author.name": "A B", "url": "https://x.example/1"},
        {"dc:title": "T", "content:encoded": "X", "dc:date": "2025-02-26", "dc:publisher": "S", "dc:creator": "A B",
         "og:url": "https://x.example/1"},
        {"Titel": "T", "Artikeltext": "X", "Datum": "26.02.2025", "Zeitung": "S", "Autor": "A B",
         "link": "https://x.example/1"},
        {"title": "T", "text": ["X"], "date": {"$date": "2025-02-26"}, "source": {"id": None, "name": "S"},
         "authors": [{"first_name": "A", "last_name": "B"}], "url": "https://x.example/1"},
    ],
    ids=["schema.org", "crawler", "guardian", "nyt", "wordpress", "elastic", "proquest", "arc", "flat", "dublin-core",
         "german", "lists"],
)  # fmt: skip
def test_the_names_of_many_programs(record):
    found = to_article(record)
    assert (found.title, found.text, found.source, found.authors) == ("T", "X", "S", ("A B",))
    assert found.published == DAY
    assert found.url == "https://x.example/1"


@pytest.mark.parametrize(
    "record",
    [
        {"Rubrik": "T", "Källa": "S", "Datum": "2025-02-26", "Text": "X", "Länk": "https://x.example/1",
         "Författare": "A B"},
        {"Overskrift": "T", "Medie": "S", "Dato": "26-02-2025", "Brødtekst": "X", "Link": "https://x.example/1",
         "Forfatter": "A B"},
        {"Título": "T", "Veículo": "S", "Data": "26/02/2025", "Conteúdo": "X", "Autor": "A B",
         "Link": "https://x.example/1"},
        {"tytuł": "T", "źródło": "S", "data": "26.02.2025", "treść": "X", "autor": "A B", "url": "https://x.example/1"},
        {"Başlık": "T", "Kaynak": "S", "Tarih": "26.02.2025", "Metin": "X", "Yazar": "A B",
         "link": "https://x.example/1"},
        {"العنوان": "T", "المصدر": "S", "التاريخ": "2025-02-26", "النص": "X", "الكاتب": "A B",
         "الرابط": "https://x.example/1"},
        {"タイトル": "T", "新聞": "S", "日付": "2025年2月26日", "本文": "X", "著者": "A B", "リンク": "https://x.example/1"},
        {"제목": "T", "언론사": "S", "일자": "20250226", "본문": "X", "기고자": "A B", "URL": "https://x.example/1"},
        {"Kop": "T", "Krant": "S", "Datum": "26 februari 2025", "Tekst": "X", "Auteur": "A B",
         "Link": "https://x.example/1"},
        {"HD": "T", "SN": "S", "PD": "26 February 2025", "TD": "X", "BY": "A B", "url": "https://x.example/1"},
        {"title_t": ["T"], "source_s": "S", "date_dt": "2025-02-26", "content_txt_en": ["X"], "author_ss": ["A B"],
         "url_s": "https://x.example/1"},
        {"dc.title[en]": "T", "dc.publisher": "S", "dc.date.issued": "2025-02-26", "dc.date.accessioned": "2026-01-01",
         "dcDescription": "X", "dc.contributor.author": "A B", "url": "https://x.example/1"},
        {"Article.Title": "T", "Source (name)": "S", "Date*": "2025-02-26", "Full text (OCR)": "X", "Author:": "A B",
         "Link to article": "https://x.example/1"},
        {"scraped": {"headline": "T", "outlet": "S", "date": "2025-02-26", "body": "X", "byline": "A B",
                     "url": "https://x.example/1"}},
        {"title": "T", "source": "https://x.example/1", "source-hostname": "S", "text": "X", "date": "2025-02-26",
         "author": "A B"},
        {"title": "T", "media": "https://x.example/i.jpg", "name_source": "S", "content": "X", "date": "2025-02-26",
         "author": "A B", "link": "https://x.example/1"},
        {"title": "T", "source": {"id": 1, "name": "S", "domain": "x.example"}, "body": "X",
         "issued": {"date-parts": [[2025, 2, 26]]}, "author": {"name": "A B"},
         "links": {"permalink": "https://x.example/1"}},
        {"title": "T", "origin": {"title": "S"}, "published": [2025, 2, 26], "summary": {"content": "X"},
         "author": "A B", "canonical": [{"href": "https://x.example/1"}]},
    ],
    ids=["swedish", "danish", "portuguese", "polish", "turkish", "arabic", "japanese", "korean", "dutch", "factiva",
         "solr", "dspace", "remarks", "wrapped", "trafilatura", "newscatcher", "aylien", "reader"],
)  # fmt: skip
def test_the_names_of_newspapers_archives_in_many_languages(record):
    found = to_article(record)
    assert (found.title, found.text, found.source, found.authors) == ("T", "X", "S", ("A B",))
    assert found.published == DAY
    assert found.url == "https://x.example/1"


def test_no_name_stands_for_two_fields():
    places = {}
    for field, names in ALIASES.items():
        for name in names:
            assert places.setdefault(bare_name(name), field) == field, name
            assert place_of(name)[0] == field


def test_what_is_no_date_is_none_under_a_name_that_says_so_in_some_languages():
    found = to_article({"id": "1", "title": "T", "data": "a remark"})
    assert (found.published, found.extra) == (None, {"data": "a remark"})
    found = to_article({"id": "1", "data": {"title": "T", "date": "2025-02-26"}})
    assert (found.title, found.published) == ("T", DAY)


def test_factiva_s_codes_are_names_only_beside_a_headline_and_a_text():
    assert fields_of(["HD", "TD", "PD", "SN"]) == {"title", "text", "published", "source"}
    assert fields_of(["SN", "PD", "TD"]) == set()
    found = to_article({"AN": "V1", "HD": "T", "LP": "Lead.", "TD": "Rest.", "PD": "26 February 2025", "ET": "10:30"})
    assert (found.id, found.text) == ("V1", "Lead.\n\nRest.")
    assert found.published == datetime(2025, 2, 26, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"sections": [{"headline": [], "paragraphs": ["One two.", "Three."]}]},
        {"type": "doc", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "One "}, {"type": "text", "text": "two."}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "Three."}]}]},
        {"blocks": [{"type": "paragraph", "data": {"text": "One <b>two</b>."}}, {"data": {"text": "Three."}}]},
        [{"_type": "block", "children": [{"_type": "span", "text": "One "}, {"_type": "span", "text": "two."}]},
         {"_type": "block", "children": [{"_type": "span", "text": "Three."}]}],
    ],
    ids=["sections", "prosemirror", "editor", "portable"],
)  # fmt: skip
def test_rich_text_that_is_written_as_objects(body):
    assert to_article({"title": "T", "body": body}).text == "One two.\n\nThree."


def test_rich_text_that_goes_down_for_ever_is_no_text():
    deep = "end"
    for _ in range(50):
        deep = {"content": [deep]}
    with pytest.raises(BadRecord, match="body must be a string, not an object"):
        to_article({"id": "1", "body": deep})


def test_a_user_names_a_field_one_level_down():
    mapped = Mapped.of({"text": "parsed.copy9"}, None)
    found = Draft({"id": "1", "title": "T", "parsed": {"copy9": "X", "n": 3}}, mapped).article()
    assert (found.text, found.extra) == ("X", {"parsed": {"n": 3}})


@pytest.mark.parametrize(
    ("given", "source", "url", "extra"),
    [
        ("https://www.post.example/a/1", "post.example", "https://www.post.example/a/1", {}),
        ("https://www.post.example/", "post.example", "", {"source": "https://www.post.example/"}),
        ("https://post.example/logo.png", "post.example", "", {"source": "https://post.example/logo.png"}),
    ],
)
def test_an_address_for_a_source(given, source, url, extra):
    found = to_article({"id": "1", "title": "T", "source": given})
    assert (found.source, found.url, found.extra) == (source, url, extra)


def test_a_part_of_the_text_is_taken_only_where_there_is_no_text():
    draft = Draft({"title": "T", "description": "D"})
    assert draft.article().text == "D"
    assert draft.summary == "description"
    draft = Draft({"title": "T", "description": "D", "content": "C", "maintext": None})
    assert draft.article() == Article(id=draft.article().id, title="T", text="C", extra={"description": "D"})
    assert draft.summary == ""


def test_an_object_beside_the_article_lends_it_nothing():
    record = {
        "id": "1",
        "title": "T",
        "image": {"caption": "C", "url": "u"},
        "author_info": {"name": "N", "date": "2020"},
    }
    assert to_article(record) == Article(
        id="1", title="T", extra={"image": record["image"], "author_info": record["author_info"]}
    )


def test_what_is_nested_comes_after_what_is_not():
    found = to_article({"title": "Outer", "fields": {"headline": "Inner", "body": "X", "wordcount": 3}})
    assert (found.title, found.text) == ("Outer", "X")
    assert found.extra == {"fields": {"wordcount": 3}, "fields.headline": "Inner"}


def test_a_date_that_cannot_be_read_gives_way_to_one_that_can():
    found = to_article({"id": "1", "title": "T", "date": "soon", "created_at": "2025-02-26"})
    assert (found.published, found.extra) == (DAY, {"date": "soon"})
    found = to_article({"id": "1", "title": "T", "year": "2025", "month": 2, "day": 26.0})
    assert found.published == DAY
    found = to_article({"id": "1", "title": "T", "date": "February 2025"})
    assert found.published == date(2025, 2, 1)
    assert found.extra == {"published_raw": "February 2025", "published_precision": "month"}


@pytest.mark.parametrize(
    "nothing", ["NULL", "null", "None", "nan", "NaN", "N/A", "[]", "\\N", " ", "-", float("nan"), None]
)
def test_the_usual_words_for_nothing_are_nothing(nothing):
    record = {"id": "1", "title": "T", "author": nothing, "section": nothing, "date": nothing, "text": nothing}
    assert to_article(record) == Article(id="1", title="T")


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("['Ana Ruiz', 'Tom Ode']", ("Ana Ruiz", "Tom Ode")),
        ('["Ana Ruiz", "Tom O\'Dell"]', ("Ana Ruiz", "Tom O'Dell")),
        ("['Ana Ruiz']", ("Ana Ruiz",)),
        ("['Ana Ruiz' 'Tom Ode']", ("Ana Ruiz", "Tom Ode")),
        ("[Ana Ruiz, Tom Ode]", ("Ana Ruiz", "Tom Ode")),
        ('{"Ana Ruiz","Tom Ode"}', ("Ana Ruiz", "Tom Ode")),
        ("('Ana Ruiz', 'Tom Ode')", ("Ana Ruiz", "Tom Ode")),
        ("['']", ()),
        ("[{'name': 'Ana Ruiz', 'type': 'author'}, {'name': 'Tom Ode'}]", ("Ana Ruiz", "Tom Ode")),
        ('[{"name": "Ana Ruiz"}]', ("Ana Ruiz",)),
        ("{'name': 'Ana Ruiz'}", ("Ana Ruiz",)),
        ("Ana Ruiz\nTom Ode", ("Ana Ruiz", "Tom Ode")),
        ("Ana Ruiz (Porto)", ("Ana Ruiz (Porto)",)),
    ],
)
def test_lists_as_programs_print_them(printed, names):
    assert to_article({"id": "1", "title": "T", "authors": printed}).authors == names
    assert to_article({"id": "1", "title": "T", "text": "['One.', 'Two.']"}).text == "One.\n\nTwo."
    assert to_article({"id": "1", "title": "['T']"}).title == "T"
    assert to_article({"id": "1", "title": "T", "url": "['https://x.example/1']"}).url == "https://x.example/1"
    assert to_article({"id": "1", "title": "T", "source": "{'id': None, 'name': 'Post'}"}).source == "Post"
    assert to_article({"id": "1", "title": "T", "source": "{'id': broken"}).source == "{'id': broken"
    if "\n" not in printed:
        assert to_article({"id": "1", "title": "T", "section": printed}).section == (names[0] if names else "")


@pytest.mark.parametrize(
    ("given", "kept"), [(1.0, "1"), ("12.0", "12"), ("1.5", "1.5"), (12345678901.0, "12345678901")]
)
def test_whole_numbers_as_ids(given, kept):
    assert to_article({"id": given, "title": "T"}).id == kept


def test_a_user_s_own_names():
    mapped = Mapped.of({"text": "Leib, Rumpf", "published": ["wann"]}, {"source": "Valley Post"})
    found = Draft({"id": "1", "Rumpf": "X", "Wann": "26.02.2025", "text": "other"}, mapped).article()
    assert found == Article(id="1", text="X", published=DAY, source="Valley Post", extra={"text": "other"})
    assert Draft({"id": "1", "title": "T", "source": "Own"}, mapped).article().source == "Own"
    with pytest.raises(UsageError, match="an article has no field 'txt'; its fields are id, title, text"):
        Mapped.of({"txt": "x"}, None)
    with pytest.raises(UsageError, match="id cannot be the same for all articles"):
        Mapped.of(None, {"id": "x"})
