import hashlib
import json
import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ingest.clean import clean_line, clean_text
from search.ingest.fields import BadRecord, place_of, split_names, to_article
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


@pytest.mark.parametrize("name", ["", "subtitle", "description", "ids", "text2", "_", "update"])
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
        ({"id": "1", "body": ["a"]}, "body must be a string, not an array"),
        ({"id": "1", "title": {"en": "x"}, "text": "y"}, "title must be a string, not an object"),
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
        ("Ruiz, Ana", ("Ruiz, Ana",)),
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
    assert article.authors == ("Ana Ruiz", "3")
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
