from __future__ import annotations

import operator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.errors import QueryError, UsageError
from search.keyword import tree as nodes
from search.query import parse
from search.query.comparisons import MAX_COMPARISONS, MAX_DEPTH, node
from search.records import All, Any_, Compare, Filters, Not

SOURCES = ["BBC", "The Hindu", 'The "Daily" (Mail)', "BBC News", "a\\b", "Zürich – Heute", ""]
AUTHORS = ["Asha Rao", "Tom O'Neil", "OR", "Asha"]
IDS = ["a-1", "b 2", "urn:x/3?q=1", 'say "so"', "--", "(c)", "NOT", "ü*", "back\\slash", "+7", "x~", "d:e"]
DATES = [
    None,
    date(2025, 2, 26),
    date(2025, 2, 27),
    datetime(2025, 2, 26, 23, 30, tzinfo=UTC),
    datetime(2025, 2, 27, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2025, 2, 26, 12, 0, 0, 250_000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 0, tzinfo=UTC),
]
NOW = datetime(2025, 3, 1, tzinfo=UTC)
TEXTS = ["one two three", "one two three four five six", "one"]


def made(number: int) -> Article:
    return Article(
        id=IDS[number] if number < len(IDS) else f"n{number}",
        title=["Ceasefire talks", "Talks fail", ""][number % 3],
        text=TEXTS[number % len(TEXTS)],
        published=DATES[number % len(DATES)],
        source=SOURCES[number * 3 % len(SOURCES)],
        authors=tuple(AUTHORS[i] for i in range(4) if number >> i & 1),
        section=["World", "", "Sport"][number // 2 % 3],
        language=["en", "hi"][number // 3 % 2],
        agency=["IANS", ""][number // 5 % 2],
    )


ARTICLES = [made(number) for number in range(42)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("comparisons") / "archive", create=True) as found:
        found.add(ARTICLES, vectors=False)
        yield found


def matching(archive, tree) -> set[str]:
    if node(tree, NOW) is None:
        return {article.id for article in ARTICLES}
    return {hit.article.id for hit in archive.search("", filters=Filters(conditions=tree), limit=100)}


def key(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold().replace("ü", "u")).split()


SIGNS = {"eq": operator.eq, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def compared(article: Article, field: str, op: str, value) -> bool:
    """One comparison, from its definition."""
    if op in ("in", "nin"):
        return any(compared(article, field, "eq", one) for one in value) is (op == "in")
    if op == "ne":
        return not compared(article, field, "eq", value)
    if field == "length":
        return SIGNS[op](len(article.text.split()), value)
    if field == "published":
        own = article.published
        if own is None:
            return False
        if isinstance(value, int):
            value = datetime.fromtimestamp(value, UTC)
        if not isinstance(value, datetime):
            return SIGNS[op](own.date() if isinstance(own, datetime) else own, value)
        if not isinstance(own, datetime):
            own = datetime(own.year, own.month, own.day, tzinfo=UTC)
        return SIGNS[op](own, value)
    if field == "id":
        return article.id == value
    if field == "title":
        return " ".join(key(value)) in " ".join(key(article.title))
    own = {"author": article.authors}.get(field) or (getattr(article, field, ""),)
    return key(value) in [key(one) for one in own if isinstance(one, str)]


def holds(tree, article: Article) -> bool:
    if isinstance(tree, Compare):
        return compared(article, tree.field, tree.op, tree.value)
    if isinstance(tree, Not):
        return not holds(tree.item, article)
    return (all if isinstance(tree, All) else any)(holds(item, article) for item in tree.items)


def texts(field, values):
    value = st.sampled_from([one for one in values if one])
    return st.one_of(
        st.builds(Compare, st.just(field), st.sampled_from(["eq", "ne"]), value),
        st.builds(Compare, st.just(field), st.sampled_from(["in", "nin"]), st.lists(value, max_size=3)),
    )


def ordered(field, values):
    return st.one_of(
        st.builds(Compare, st.just(field), st.sampled_from([*SIGNS, "ne"]), values),
        st.builds(Compare, st.just(field), st.sampled_from(["in", "nin"]), st.lists(values, max_size=3)),
    )


moments = st.sampled_from([one for one in DATES if one is not None]) | st.sampled_from(
    [date(2025, 2, 25), int(datetime(2025, 2, 26, 12, tzinfo=UTC).timestamp()), -3600, 0]
)
comparisons = st.one_of(
    texts("source", [*SOURCES, "the hindu", "Nobody"]),
    texts("author", [*AUTHORS, "asha RAO"]),
    texts("section", ["World", "Sport", "world"]),
    texts("language", ["en", "hi"]),
    texts("agency", ["IANS", "PTI"]),
    texts("title", ["Ceasefire talks", "talks"]),
    texts("id", [*IDS, "A-1", "nobody"]),
    ordered("published", moments),
    ordered("length", st.sampled_from([-1, 0, 1, 2.5, 3, 6, 7, 1e12])),
)
trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3)),
        st.builds(Any_, st.lists(inner, max_size=3)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=trees)
def test_a_tree_matches_what_its_comparisons_say(archive, tree):
    assert matching(archive, tree) == {article.id for article in ARTICLES if holds(tree, article)}


@settings(max_examples=50, deadline=None)
@given(
    tree=trees,
    query=st.sampled_from(
        ["two", "two -four", "four OR five", '"one two"', "NOT six", "1) two", "two, AND-ed (three)"]
    ),
)
def test_a_narrowed_query_matches_both(archive, tree, query):
    every = {"limit": 100, "sort": "newest"}
    own = {hit.article.id for hit in archive.search(query, **every)}
    expected = own & {article.id for article in ARTICLES if holds(tree, article)}
    found = archive.search(query, filters=Filters(conditions=tree), **every)
    assert {hit.article.id for hit in found} == expected
    assert found.query == query


def test_a_literal_query_stays_literal_beside_a_tree():
    read = parse("AND two NOT (", now=NOW, literal=True, filters=Filters(conditions=Compare("source", "eq", "BBC")))
    assert read.words == ("AND", "two", "NOT")
    assert read.constraint == nodes.Value("source", "BBC", whole=True)


def test_a_query_that_fails_alone_fails_beside_a_tree():
    with pytest.raises(QueryError, match="AND has nothing after it"):
        parse("two AND", now=NOW, filters=Filters(conditions=Compare("source", "eq", "BBC")))


@pytest.mark.parametrize("value", ["2025-02", "last week", "2025-02-01..2025-02-26", "yesterday"])
def test_dates_are_what_date_takes(value):
    assert node(Compare("published", "eq", value), NOW) == parse(f'date:"{value}"', now=NOW).constraint


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (Compare("author", "eq", "Asha  Rao"), nodes.Value("by", "Asha Rao", whole=True)),
        (Compare("title", "eq", 'The "end"'), nodes.Word("title", 'The "end"')),
        (Compare("id", "in", ["a", "b"]), nodes.Or([nodes.Id(("a",)), nodes.Id(("b",))])),
        (Compare("id", "eq", "a\x00b"), nodes.Id(("a\x00b",))),
        (Compare("language", "nin", ["en"]), nodes.Not(nodes.Value("language", "en", whole=True))),
        (Compare("length", "gt", 2.5), nodes.Length(3, None)),
        (Compare("length", "lt", 3), nodes.Length(None, 2)),
        (Compare("length", "eq", 2.5), nodes.Nothing()),
        (Compare("length", "gte", 0), None),
        (All([Compare("length", "gte", 0), Not(Any_([]))]), None),
        (Any_([]), nodes.Nothing()),
        (
            All([Compare("source", "eq", "BBC"), Compare("published", "gte", date(2025, 2, 26))]),
            nodes.And([nodes.Value("source", "BBC", whole=True), nodes.DayRange(date(2025, 2, 26), None)]),
        ),
        (
            Compare("published", "lte", datetime(2025, 2, 26, 12, tzinfo=UTC)),
            nodes.InstantRange(None, datetime(2025, 2, 26, 12, tzinfo=UTC)),
        ),
    ],
)
def test_comparisons_are_nodes(tree, expected):
    assert node(tree, NOW) == expected


@given(value=st.text(max_size=20))
def test_any_text_is_a_condition_or_a_usage_error(value):
    for field in ("source", "author", "title", "id", "published"):
        try:
            made = node(Compare(field, "eq", value), NOW)
        except UsageError:
            continue
        assert made is not None


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (Compare("colour", "eq", "red"), "there is no field 'colour' to filter by; use one of source, author"),
        (Compare("source", "like", "BBC"), "'like' is not a comparison; use one of eq, ne"),
        (Compare("source", "gt", "BBC"), "source is text: it takes eq, ne, in and nin, not gt"),
        (Compare("source", "eq", 3), "source is compared with text, not with int"),
        (Compare("source", "eq", None), "not with nothing"),
        (Compare("source", "in", "BBC"), "source in takes a list, not str"),
        (Compare("source", "eq", "!?"), "no query can ask for '!\\?'"),
        (Compare("id", "eq", ""), "no query can ask for ''"),
        (Compare("published", "eq", "soon"), "published eq 'soon'"),
        (Compare("published", "gt", "2025-01..2025-02"), "takes one date"),
        (Compare("published", "eq", ">2025"), "is no date"),
        (Compare("published", "eq", True), "not with bool"),
        (Compare("published", "eq", 1e300), "seconds since 1970 is no date"),
        (Compare("published", "eq", float("nan")), "seconds since 1970 is no date"),
        (Compare("length", "eq", "3"), "length is compared with a number of words, not with str"),
        (Compare("length", "gt", float("nan")), "a number of words"),
        (Compare("length", "eq", True), "not with bool"),
        (Compare("id", "in", [str(n) for n in range(MAX_COMPARISONS + 1)]), "more than 1,000 comparisons"),
        ({"source": "BBC"}, "not dict"),
    ],
)
def test_what_cannot_be_served_is_refused(tree, message):
    with pytest.raises(UsageError, match=message):
        node(tree, NOW)


def test_nesting_is_bounded():
    tree = Compare("source", "eq", "BBC")
    for _ in range(MAX_DEPTH + 1):
        tree = Not(tree)
    with pytest.raises(UsageError, match="nested more than"):
        node(tree, NOW)


def test_infinite_lengths_are_no_condition_or_an_impossible_one():
    for endless in (float("inf"), 1e300):
        assert node(Compare("length", "lt", endless), NOW) is None
        assert node(Not(Compare("length", "lt", endless)), NOW) == nodes.Nothing()
        assert node(Compare("length", "gt", -endless), NOW) is None
        assert node(Compare("length", "eq", endless), NOW) == nodes.Nothing()
