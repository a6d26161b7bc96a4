"""What holds for any query: only QueryErrors, places inside the text, filters equal to query text, free words free."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import QueryError
from search.keyword.tree import And, DayRange, Not, Nothing, Or, Value, Word
from search.query import ParsedQuery, describe, parse, parser
from search.query.parsed import plain_words
from search.records import Filters

NOW = datetime(2025, 2, 26, 12, 0, tzinfo=UTC)
PIECES = [
    *('"', "“", "”", "(", ")", "+", "-", "*", "?", "!", "~", "~2", ":", ":=", "\\", "..", "'s", " ", "  ", "\x00", "é"),
    *("AND", "OR", "NOT", "w/5", "W/255", "pre/1", "w/s", "w/p", "w/0", "atleast2(", "HEADLINE(", "title:", "source:"),
    *("exact:", "id:", "lang:=", "date:", "since:", "length:", "foo:", "2025-02", "7d", ">800", "last week", "Q1 2025"),
    *("climate", "tax", "al-Qaddoumi", "U.S.", "https://a.b/c?d", "a@b.c", "5'11\"", "中文", "🎉", "wom?n", "terror*"),
]
noise = st.lists(st.sampled_from(PIECES), max_size=40).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)])
)


def outcome(text, **settings) -> ParsedQuery | QueryError:
    try:
        return parse(text, now=NOW, **settings)
    except QueryError as error:
        return error


def check(text):
    found = outcome(text)
    if isinstance(found, QueryError):
        assert str(found)
        assert found.position is None or 0 <= found.position <= len(text)
        found.pointer()
        return
    assert found.constraint is not None or found.words
    assert set(found.words) <= set(found.scoring_words)
    assert describe(found)
    assert outcome(text) == found
    repr(found.constraint), hash(found.constraint)


@given(noise)
def test_noise_from_the_grammar_is_read_or_refused(text):
    check(text)


plain = st.lists(
    st.one_of(
        st.sampled_from([" ", "  ", "AND", "OR", "NOT", "and", "near", "w", "5", "HEADLINE", "US", "2025", "7d", "*"]),
        st.text("abcXYZ019", min_size=1, max_size=4),
    ),
    max_size=8,
).flatmap(lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)]))


@given(plain)
def test_plain_words_mean_what_the_language_says(text):
    found = plain_words(text)
    if found is not None:
        assert found == parser.parse(text, now=NOW) == parser.parse(text, now=NOW, literal=True)


def test_what_plain_words_are():
    assert plain_words(" supreme  court ") == ParsedQuery(
        " supreme  court ", None, ("supreme", "court"), ("supreme", "court"), "supreme  court"
    )
    for text in ("", " ", "a AND b", "NOT a", "a-b", "a\tb", "é", "why?", "a" * 1001):
        assert plain_words(text) is None, text


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    check(text)


@given(st.text(max_size=80))
def test_literal_text_is_all_free(text):
    found = outcome(text, literal=True)
    if isinstance(found, QueryError):
        assert "empty" in str(found)
    else:
        assert found.constraint is None
        assert found.words == found.scoring_words


PROSE_WORDS = [
    "and",
    "or",
    "not",
    "why",
    "Trump:",
    "won?",
    "and/or",
    "5'11\"",
    "it's",
    "24/7",
    "e-mail",
    "-",
    "&",
    "so,",
]


@given(st.lists(st.sampled_from(PROSE_WORDS), min_size=1).map(" ".join))
def test_prose_is_free_and_reaches_the_encoder_unchanged(text):
    found = outcome(text)
    if not isinstance(found, QueryError):
        assert found.constraint is None
        assert found.encoder_text == text
    else:
        assert set(text.split()) <= {"-", "&"}


words = st.sampled_from(["a", "b", "c", "d"]).map(lambda text: (text, Word(None, text)))


def _both(pair):
    (one, left), (two, right) = pair
    return f"({one} AND {two})", And([*_flat(And, left), *_flat(And, right)])


def _either(pair):
    (one, left), (two, right) = pair
    return f"({one} OR {two})", Or([*_flat(Or, left), *_flat(Or, right)])


def _flat(shape, tree):
    return tree.children if isinstance(tree, shape) else [tree]


trees = st.recursive(
    words,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(_both),
        st.tuples(inner, inner).map(_either),
        inner.map(lambda one: (f"(NOT {one[0]})", Not(one[1]))),
        inner.map(lambda one: (f"-({one[0]})", Not(one[1]))),
    ),
    max_leaves=12,
)


@given(trees.filter(lambda one: not isinstance(one[1], Word)))
def test_a_tree_written_out_is_read_back(written):
    text, tree = written
    assert parse(text, now=NOW).constraint == tree


# Filters

names = st.lists(st.sampled_from(["BBC", "The Hindu", "Jane Doe", "en", "O'Brien"]), min_size=1, max_size=3)
dated = st.sampled_from([None, "2025", "2025-02", "7d", "yesterday", "last week", "2025-02-26T10:00Z"])


def as_text(field, values):
    return "" if values is None else "(" + " OR ".join(f'{field}:"{value}"' for value in values) + ")"


@given(dated, *[st.none() | names] * 4)
def test_filters_mean_what_the_query_text_means(since, sources, authors, sections, languages):
    filters = Filters(since=since, sources=sources, authors=authors, sections=sections, languages=languages)
    text = " ".join(
        [
            "tax -football",
            "" if since is None else f'since:"{since}"',
            as_text("source", sources),
            as_text("by", authors),
            as_text("section", sections),
            as_text("lang", languages),
        ]
    )
    filtered, written = parse("tax -football", now=NOW, filters=filters), parse(text, now=NOW)
    assert filtered.constraint == written.constraint
    assert filtered.words == written.words == ("tax",)


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        ("2025-02", "2025-03", "date:2025-02..2025-03"),
        ("7d", None, "since:7d"),
        (None, "2024", "until:2024"),
        ("2025-02-01", "2025-02-26T10:00Z", "date:2025-02-01..2025-02-26T10:00Z"),
        ("last week", "today", 'date:"last week..today"'),
    ],
)
def test_filter_dates_mean_what_date_means(since, until, text):
    filtered = parse("tax", now=NOW, filters=Filters(since=since, until=until))
    assert filtered.constraint == parse(f"tax {text}", now=NOW).constraint


def test_an_empty_list_is_a_condition_that_nothing_meets():
    assert parse("tax", now=NOW, filters=Filters(sources=[])).constraint == Nothing()
    both = parse("tax -a", now=NOW, filters=Filters(sources=[], languages=["en"])).constraint
    assert both == And([Not(Word(None, "a")), Nothing(), Value("language", "en")])
    assert parse("tax", now=NOW, filters=Filters()).constraint is None


def test_filters_alone_are_a_query():
    for text in ("", "  "):
        parsed = parse(text, now=NOW, filters=Filters(since="2025"))
        assert parsed.constraint == DayRange(datetime(2025, 1, 1).date(), None)
        assert (parsed.words, parsed.encoder_text) == ((), "")
        with pytest.raises(QueryError, match="empty"):
            parse(text, now=NOW, filters=Filters())


def test_filters_bind_literal_text_too():
    parsed = parse("a AND b", now=NOW, literal=True, filters=Filters(sources=["BBC"]))
    assert parsed.constraint == Value("source", "BBC")
    assert parsed.words == ("a", "AND", "b")


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        (Filters(since="2025-02-30"), "since: '2025-02-30' is not in the calendar: Feb 2025 has 28 days"),
        (Filters(until="someday"), "until: 'someday' is not a date"),
        (Filters(since="2025..2026"), "since: '2025..2026' is not a date"),
        (Filters(since="2025", until="2024"), "since 2025 lies after until 2024"),
        (Filters(sources=[""]), "the source filter has a value without a letter or digit: ''"),
        (Filters(authors=["—"]), "the by filter has a value without a letter or digit"),
    ],
)
def test_filters_that_cannot_be_read(filters, part):
    with pytest.raises(QueryError) as caught:
        parse("tax", now=NOW, filters=filters)
    assert part in str(caught.value)
