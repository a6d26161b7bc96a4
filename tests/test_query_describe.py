"""Queries in words, and the help page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from search.query import EXAMPLES, describe, help_text, parse
from search.query.fields import FIELDS
from search.records import Filters

NOW = datetime(2025, 2, 26, 12, 0, tzinfo=UTC)

SAID = [
    ("ceasefire hostages", "all articles, ranked by: ceasefire hostages"),
    (
        '"supreme court" w/s abortion date:2025-02',
        "articles with 'supreme court' and 'abortion' in one sentence, published in Feb 2025, "
        "ranked by: supreme court abortion",
    ),
    ("source:BBC since:7d", "articles from BBC, published since 19 Feb 2025, newest first"),
    ("+a +b -c d", "articles with 'a' and 'b', without 'c', ranked by: a b d"),
    ("a OR b", "articles with 'a' or 'b', ranked by: a b"),
    ("(a AND b) OR source:x", "articles either (with 'a' and 'b') or from x, ranked by: a b"),
    ("-(a OR b) c", "articles without 'a' or 'b', ranked by: c"),
    ("-(a AND source:x) c", "articles not (with 'a' and from x), ranked by: c"),
    ("-source:x c", "articles not from x, ranked by: c"),
    ("-(-a) c", "articles not (without 'a'), ranked by: c"),
    ("a w/5 b", "articles with 'a' within 5 words of 'b', ranked by: a b"),
    ("a pre/3 b", "articles with 'a' at most 3 words before 'b', ranked by: a b"),
    ("a pre/1 b", "articles with 'a' directly before 'b', ranked by: a b"),
    ("a w/1 b", "articles with 'a' within 1 word of 'b', ranked by: a b"),
    ("a w/s b w/s c", "articles with 'a', 'b' and 'c' in one sentence, ranked by: a b c"),
    ("(a w/3 b) w/p c", "articles with ('a' within 3 words of 'b') and 'c' in one paragraph, ranked by: a b c"),
    ("(a OR b) w/5 c", "articles with ('a' or 'b') within 5 words of 'c', ranked by: a b c"),
    ("atleast3(a)", "articles with 'a' at least 3 times, ranked by: a"),
    ("atleast1(a OR b)", "articles with ('a' or 'b') at least once, ranked by: a b"),
    ("terror*", "articles with words like terror*, ranked by: terror*"),
    ("benhada~", "articles with words 1 letter or less from 'benhada', ranked by: benhada~"),
    ("benhada~2", "articles with words 2 letters or less from 'benhada', ranked by: benhada~2"),
    ("exact:Polish", "articles with exactly 'Polish', ranked by: exact:Polish"),
    (
        "title:a caption:b text:c",
        "articles with 'a' in the title, 'b' in the caption and 'c' in the text, newest first",
    ),
    ('by:="Jane Doe" section:x', "articles by exactly Jane Doe, in the section x, newest first"),
    ("agency:x dateline:y lang:z", "articles of the agency x, datelined y, in the language z, newest first"),
    ("source:(x OR y)", "articles from x or y, newest first"),
    ("id:x", "articles whose id is 'x', newest first"),
    ("length:>800", "articles of at least 801 words, newest first"),
    ("length:<=1,000", "articles of at most 1,000 words, newest first"),
    ("length:5..9 length:7", "articles of 5 to 9 words, of 7 words, newest first"),
    ("date:2025", "articles published in 2025, newest first"),
    ("date:Q1-2025", "articles published in Q1 2025, newest first"),
    ("on:today", "articles published on 26 Feb 2025, newest first"),
    ("before:2025", "articles published up to 31 Dec 2024, newest first"),
    ("date:2025-01..2025-02", "articles published from 1 Jan 2025 to 28 Feb 2025, newest first"),
    ("since:2025-02-26T10:00Z", "articles published since 26 Feb 2025 10:00 UTC, newest first"),
    ("until:2025-02-26T10:00Z", "articles published up to 26 Feb 2025 10:00:59.999999 UTC, newest first"),
    ("date:6h", "articles published from 26 Feb 2025 06:00 UTC to 26 Feb 2025 12:00 UTC, newest first"),
    ("date:now", "articles published at 26 Feb 2025 12:00 UTC, newest first"),
    ("*", "articles of any kind, newest first"),
]


@pytest.mark.parametrize(("query", "said"), SAID, ids=[query for query, _ in SAID])
def test_describe(query, said):
    assert describe(parse(query, now=NOW)) == said


def test_describe_filters():
    parsed = parse("tax", now=NOW, filters=Filters(since="2025", sources=["BBC", "The Hindu"], languages=[]))
    assert describe(parsed) == (
        "articles published since 1 Jan 2025, from BBC or The Hindu, that meet an empty list of values (none can), "
        "ranked by: tax"
    )


def test_help_names_every_field_and_form():
    text = help_text()
    for field in FIELDS:
        assert f"{field}:" in text
    for query, meaning in EXAMPLES:
        assert query in text
        assert meaning in text
    assert max(map(len, text.splitlines())) <= 120
    assert text.isascii()
