"""Facets and timelines: counts against plain loops, and queries that narrow to just what was counted."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article, Filters, ingest
from search.engine import counts
from search.engine.counts import Spellings, count_names
from search.engine.facets import FacetField
from search.engine.periods import MAX_PERIODS, Period, by_day, count_dates, count_periods, label
from search.errors import ArchiveDamaged, QueryError, UsageError
from search.query.clauses import value_clause
from search.query.drilldown import LONGEST
from search.query.fields import value_key
from search.storage.columns import build_columns
from search.storage.container import Part

SAMPLE = Path(__file__).parent / "sample"
NAMED = ("source", "author", "section", "agency", "language")
QUERIES = (
    "*",
    "dam",
    "the",
    "council vote",
    "+bishop +crane",
    "dam -Corran",
    "volcan*",
    "cranes!",
    "dam OR pension",
    "ceasefire AND NOT breach",
    "tax NOT sport",
    "(pension OR savers) AND (fine OR penalty)",
    "mayor w/s bribe",
    "atleast3(Halloran)",
    "source:Ledger",
    'source:="Port Selwyn Advertiser"',
    'by:"Nell Garrity"',
    "since:2024-09 before:2024-10-01",
    "date:2024-12-24..2025-01-04 -nothing",
    "length:>800",
    "1) first",
    "why does the Corran Dam leak?",
    'what\'s "in" it?',
    "  dam  ",
    "lang:de",
)
LITERALS = (
    "dam -Corran",
    "date:2025 (dam",
    'a "dam',
    "NOT dam",
    "dam w/5 x",
    "+dam?",
    "*",
    "C:\\dam",
    "AND",
    "''dam (",
    "<<dam",
)
PIECES = (
    "dam",
    "report",
    "Corran",
    "AND",
    "OR",
    "NOT",
    "w/5",
    "pre/2",
    "(",
    ")",
    "-",
    "+",
    '"',
    "since:2024",
    "title:",
)
FILTERS = (
    None,
    Filters(since="2024-10"),
    Filters(until="2025-01-15"),
    Filters(since="2024-10-01", until="last month"),
    Filters(since="2024-10-01T10:00Z", until="2025-01"),
    Filters(sources=["Ledger", "The Fenwick Tribune"]),
    Filters(authors="Nell Garrity"),
    Filters(sections=["News"], languages=["en", "de"], until="2025"),
    Filters(sources=['a "quoted" \\ name', "Ledger"]),
    Filters(sources=[]),
)
# Names that a query must spell with care.
NAMES = (
    "",
    "BBC News",
    "bbc news",
    "B.B.C. News",
    "Le Monde",
    'The "Daily" Post',
    "Back\\slash",
    "AND",
    "w/5",
    "Zoë Sa'ar",
    "Zoe Sa’ar",
    "***",
    "—",
    "\x1b[2JEscape",
    "\u202eright to left",
    "soft\u00adhyphen",
    "softhyphen",
    "東京新聞",
    "title:dam",
    "U.S. Desk",
    "US Desk",
    "x" * 300,
    "1,200",
    "  spaced   out ",
    "spaced out",
    "(none)",
    "~fuzzy~",
)


def total(archive, query, **options):
    return archive.search(query, limit=1, sort="newest", passages=0, **options).total


_NUMBERS = itertools.count()


def part_of(articles):
    arrays, meta = build_columns(articles, range(1, len(articles) + 1))
    return Part(Path(f"columns-{next(_NUMBERS)}"), "columns", meta, arrays, 0)  # each has a file of its own


def articles_of(archive, query="*", **options):
    return [hit.article for hit in archive.search(query, limit=100_000, sort="newest", passages=0, **options)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample archive in several segments, with a few articles deleted."""
    with Archive.open(tmp_path_factory.mktemp("sample") / "archive", create=True) as opened:
        opened.add(ingest.read([str(SAMPLE / "articles*")]), vectors=False, batch=17)
        opened.delete([hit.article.id for hit in opened.search("council", sort="oldest", limit=3)])
        assert opened.stats()["segments"] > 3
        yield opened


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Articles with every awkward name as source, author, agency and section."""
    articles = [
        Article(
            id=f"{number}",
            title="report",
            text=f"A report, number {number}.",
            source=name,
            authors=tuple(dict.fromkeys((name, NAMES[(number * 7) % len(NAMES)], "BBC NEWS"))),
            agency=NAMES[(number * 5) % len(NAMES)],
            section=NAMES[(number * 3) % len(NAMES)],
            language="en" if number % 3 else "",
            published=None if number % 5 == 0 else date(2024, 1, 1) + timedelta(days=40 * number),
        )
        for number, name in enumerate(NAMES * 2)
    ]
    with Archive.open(tmp_path_factory.mktemp("odd") / "archive", create=True) as opened:
        opened.add(articles, vectors=False, batch=20)
        yield opened


def test_facets_of_the_sample(sample):
    found = sample.facets('"Corran Dam"', fields=["source", "author", "year"])
    assert [facet.field for facet in found.facets] == ["source", "author", "year"]
    assert found.total == total(sample, '"Corran Dam"')
    sources, authors, years = found.facets
    assert sources.values[0].query == '("Corran Dam") source:="' + sources.values[0].value + '"'
    assert [value.query for value in years.values] == [f'("Corran Dam") date:{value.value}' for value in years.values]
    assert authors.values[0].query.startswith('("Corran Dam") by:="')
    assert sample.facets("*").facets[0].values[0].query == 'source:="The Commonwealth Ledger"'
    assert [facet.field for facet in sample.facets("*").facets] == list(FacetField)


@pytest.mark.parametrize("query", QUERIES)
def test_facets_against_a_loop(sample, query):
    articles = articles_of(sample, query)
    found = {facet.field: facet for facet in sample.facets(query, limit=None).facets}
    for name in ("source", "section", "agency", "language"):
        counts = Counter(getattr(article, name) for article in articles)
        none = counts.pop("", 0)
        assert found[name].none == none
        assert sum(value.count for value in found[name].values) == len(articles) - none
        assert {value_key(value.value): value.count for value in found[name].values} == folded(counts)
    years = Counter(str(article.published.year) for article in articles if article.published is not None)
    assert {value.value: value.count for value in found["year"].values} == years
    assert found["year"].none == found["month"].none == len(articles) - years.total()
    assert {value_key(value.value): value.count for value in found["author"].values} == byline_counts(articles)


def folded(counts):
    out = Counter()
    for name, count in counts.items():
        out[value_key(name) or name] += count
    return out


def byline_counts(articles):
    """By author: the articles that have the name as an author or as their agency."""
    keys = {value_key(author) or author for article in articles for author in article.authors if author.strip()}
    out = Counter()
    for article in articles:
        out.update({value_key(name) or name for name in (*article.authors, article.agency)} & keys)
    return out


def test_values_come_by_count_then_name(sample, odd):
    for archive in (sample, odd):
        for facet in archive.facets("*", limit=None).facets:
            ranks = [(-value.count, value.value) for value in facet.values]
            assert ranks == sorted(ranks)
            assert facet.distinct == len(facet.values)
            for limit in (1, 2, 5, 1000):
                cut = archive.facets("*", fields=[facet.field], limit=limit).facets[0]
                assert cut.values == facet.values[:limit]
                assert (cut.distinct, cut.none) == (facet.distinct, facet.none)


@settings(deadline=None, max_examples=60)
@given(query=st.sampled_from(QUERIES), field=st.sampled_from(list(FacetField)), filters=st.sampled_from(FILTERS))
def test_a_drill_down_finds_just_what_was_counted(sample, query, field, filters):
    (facet,) = sample.facets(query, fields=[field], filters=filters).facets
    for value in facet.values:
        assert value.query is not None
        assert total(sample, value.query) == value.count, value


@settings(deadline=None, max_examples=60)
@given(
    query=st.text(st.sampled_from("dam co*?!~:+-()\"'\\/wANDORT5|"), max_size=12)
    | st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join),
    literal=st.booleans(),
    place=st.integers(0, 6),
)
def test_drill_downs_of_any_query(sample, query, literal, place):
    field = list(FacetField)[place]
    try:
        found = sample.facets(query, fields=[field], literal=literal, limit=3)
    except QueryError:
        return
    for value in found.facets[0].values:
        if value.query is not None:
            assert total(sample, value.query) == value.count, value


@pytest.mark.parametrize("query", LITERALS)
def test_literal_queries_are_escaped(sample, query):
    for facet in sample.facets(query, literal=True, filters=Filters(since="2024")).facets:
        for value in facet.values:
            assert value.query is not None
            assert total(sample, value.query) == value.count, value


@pytest.mark.parametrize("query", ["''dam", "``dam", ",,dam", "<<dam -report"])
@pytest.mark.parametrize("literal", [False, True])
def test_a_mark_of_the_query_is_not_closed_by_its_condition(sample, query, literal):
    (facet,) = sample.facets(query, fields=[FacetField.SOURCE], literal=literal).facets
    assert facet.values
    for value in facet.values:
        assert value.query is not None
        assert total(sample, value.query) == value.count, value


@pytest.mark.parametrize("field", FacetField)
def test_awkward_names_keep_the_law(odd, field):
    (facet,) = odd.facets("report", fields=[field], limit=None).facets
    assert facet.values
    for value in facet.values:
        if value.query is None:
            assert value_key(value.value) == ""  # nothing but signs: no query finds it
        else:
            assert value.query.isprintable()
            assert total(odd, value.query) == value.count, value


def test_names_that_fold_alike_are_one_in_their_most_frequent_spelling():
    spellings = ["BBC News", "bbc news", "B.B.C. News", "bbc news", "Zoë", "Zoe", "", " "]
    part = part_of([Article(id=str(i), source=name) for i, name in enumerate(spellings)])
    found = count_names(Spellings(("source",)), [part], np.ones(8, bool), None)
    assert found.values == [("bbc news", 4), ("Zoe", 2)]
    assert (found.distinct, found.none) == (2, 2)
    # Other articles, other spelling.
    mask = np.array([1, 0, 1, 0, 1, 0, 0, 0], bool)
    assert count_names(Spellings(("source",)), [part], mask, None).values == [("B.B.C. News", 2), ("Zoë", 1)]


def test_an_author_counts_an_article_once_and_the_agency_of_that_name():
    articles = [
        Article(id="a", authors=("A. Rao", "a rao", "Tom Bell")),
        Article(id="b", authors=("PTI",), agency="PTI"),
        Article(id="c", agency="pti"),
        Article(id="d", agency="AFP"),
        Article(id="e", authors=("", "—")),
    ]
    parts = [part_of(articles[:2]), part_of(articles[2:])]
    known = Spellings(("author", "agency"))
    assert count_names(known, parts, np.ones(5, bool), None).values == [
        ("PTI", 2),
        ("A. Rao", 1),
        ("Tom Bell", 1),
        ("—", 1),
    ]
    assert count_names(known, parts, np.ones(5, bool), None).none == 1
    # Without the author of that name the agency is none of the authors.
    assert count_names(known, parts, np.array([1, 0, 1, 1, 0], bool), None).values == [
        ("A. Rao", 1),
        ("Tom Bell", 1),
    ]
    assert count_names(known, parts, np.zeros(5, bool), None) == ([], 0, 0)
    assert count_names(known, [], np.zeros(0, bool), 3) == ([], 0, 0)


def test_what_is_known_of_names_serves_the_next_commit():
    fields = ("author", "agency")
    old = [part_of([Article(id=name, authors=(name, "B"), agency=name)]) for name in ("A", "a", "C")]
    known = Spellings(fields)
    count_names(known, old, np.ones(3, bool), None)
    new = [old[2], part_of([Article(id="d", authors=("D", "a"), agency="b")]), old[1]]
    known.forget(new)
    assert count_names(known, new, np.ones(3, bool), None) == ([("B", 3), ("a", 2), ("C", 1), ("D", 1)], 4, 0)
    assert count_names(known, new, np.array([1, 0, 0], bool), None) == ([("B", 1), ("C", 1)], 2, 0)


def test_counts_are_remembered_by_part_and_never_for_other_articles(monkeypatch):
    """Of a part whose articles are all counted again nothing is read; a deletion, and an author of the name of another
    part's agency, are seen."""
    articles = [
        Article(id=str(i), authors=("A. Rao", "a rao") if i % 2 else (), agency="PTI" if i % 3 else "")
        for i in range(40)
    ]
    parts = [part_of(articles[:20]), part_of(articles[20:])]
    known, every = Spellings(("author", "agency")), np.ones(40, bool)
    first = count_names(known, parts, every, None)
    assert first == ([("A. Rao", 20)], 1, 20)
    with monkeypatch.context() as patched:
        patched.setattr(counts._Column, "__init__", lambda *_: pytest.fail("a part is read again"))
        assert count_names(known, parts, every, None) == first
    fewer = every.copy()
    fewer[1] = False
    assert count_names(known, parts, fewer, None) == ([("A. Rao", 19)], 1, 20)
    # An author who is called as the agency is: what the old parts have of it counts now.
    more = [*parts, part_of([Article(id="x", authors=("PTI",))])]
    pti = sum(1 for article in articles if article.agency)
    without = sum(1 for article in articles if not article.agency and not article.authors)
    assert count_names(known, more, np.ones(41, bool), None) == ([("PTI", pti + 1), ("A. Rao", 20)], 2, without)
    assert count_names(known, parts, every, None) == first


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_counts_by_name_against_a_loop(data):
    name = st.sampled_from(NAMES)
    rows = data.draw(st.lists(st.tuples(name, st.lists(name, max_size=3), name, st.booleans()), max_size=30))
    articles = [Article(id=str(i), source=s, authors=tuple(a), agency=g) for i, (s, a, g, _) in enumerate(rows)]
    cut = data.draw(st.integers(0, len(rows)))
    parts = [part_of(some) for some in (articles[:cut], articles[cut:]) if some]
    mask = np.array([keep for *_, keep in rows], bool)
    kept = [article for article, keep in zip(articles, mask, strict=True) if keep]
    for fields, expected in (
        (("source",), folded(Counter(article.source for article in kept if article.source.strip()))),
        (("author", "agency"), byline_counts(kept)),
    ):
        spellings = Spellings(fields)
        for earlier in (np.ones(len(mask), bool), mask):  # what is remembered of other masks, and of this one
            count_names(spellings, parts, earlier, None)
        found = count_names(spellings, parts, mask, None)
        assert {value_key(value) or value: count for value, count in found.values} == expected
        assert found.distinct == len(expected)
        spelled = Counter(n for a in kept for n in ([a.source] if fields[0] == "source" else a.authors))
        for value, _ in found.values:
            rivals = [n for n in spelled if (value_key(n) or n) == (value_key(value) or value)]
            assert spelled[value] == max(spelled[rival] for rival in rivals)


def test_a_damaged_column_is_told():
    part = part_of([Article(id="a", source="x")])
    broken = Part(Path("columns"), "columns", {}, {**part.arrays(), "source": np.array([9], np.uint32)}, 0)
    with pytest.raises(ArchiveDamaged, match="outside itself"):
        count_names(Spellings(("source",)), [broken], np.ones(1, bool), None)


@given(st.text(max_size=20) | st.sampled_from(NAMES))
def test_the_fast_fold_is_the_indexs_own(name):
    from search.keyword.analysis import value_term
    from search.keyword.readings import words_of

    words = words_of(unicodedata.normalize("NFC", name))
    assert value_key(unicodedata.normalize("NFC", name)) == (value_term(words) if words else "")


def test_clauses():
    assert value_clause("source", "IANS") == "source:=IANS"
    assert value_clause("by", 'J. "Jo" \\ Bell') == 'by:="J. \\"Jo\\" \\\\ Bell"'
    assert value_clause("source", "—") is None
    assert value_clause("source", "\x1b[2JBell") == 'source:="[2JBell"'


def test_a_very_long_query_is_not_repeated(sample):
    found = sample.facets("dam " * (LONGEST // 3), fields=["source"])
    assert found.total == total(sample, "dam")
    assert {value.query for value in found.facets[0].values} == {None}


def test_nothing_found(sample):
    found = sample.facets("nosuchwordanywhere")
    assert found.total == 0
    assert all((facet.values, facet.distinct, facet.none) == ((), 0, 0) for facet in found.facets)
    for by in Period:
        empty = sample.timeline("nosuchwordanywhere", by=by)
        assert (empty.total, empty.undated, empty.buckets) == (0, 0, ())


def test_an_empty_archive(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        assert archive.facets("*").total == 0
        assert archive.timeline("*").buckets == ()


def test_wrong_arguments(sample):
    with pytest.raises(UsageError, match="no field to count by; use one of source, author"):
        sample.facets("*", fields=["colour"])
    with pytest.raises(UsageError, match="limit must be 1 or more"):
        sample.facets("*", limit=0)
    with pytest.raises(UsageError, match="no period; use one of day, week, month, year"):
        sample.timeline("*", by="hour")
    with pytest.raises(QueryError):
        sample.facets('"open')
    with pytest.raises(QueryError):
        sample.timeline("date:2025-13")


def test_counts_follow_writes(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([Article(id=str(i), text="x y", source="A") for i in range(3)], vectors=False)
        assert archive.facets("x", fields=["source"]).facets[0].values[0].count == 3
        archive.add([Article(id="0", text="x z", source="B"), Article(id="9", text="x", source="a")])
        archive.delete(["1"])
        (facet,) = archive.facets("x", fields=["source"]).facets
        assert [(value.value, value.count) for value in facet.values] == [("A", 2), ("B", 1)]
        before = archive.facets("x", limit=None).facets
        archive.optimize()
        assert archive.facets("x", limit=None).facets == before


def test_as_of_counts_what_was_there(sample):
    found = sample.facets("*", as_of="2024-12-31", fields=["year"])
    assert [value.value for value in found.facets[0].values] == ["2024"]
    assert found.total == total(sample, "*", as_of="2024-12-31")
    assert found.notes == ("1 article without a date is hidden by --as-of; without it, date:none finds such articles",)
    assert sample.timeline("*", as_of="2024-12-31").buckets[-1].label == "2024-12"


# Timelines


def start_of(day, by):
    if by == "day":
        return day
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day.replace(month=1, day=1)


@pytest.mark.parametrize("by", Period)
@pytest.mark.parametrize("query", ["*", "dam", "source:Ledger", "the -dam", "-date:2024"])
def test_a_timeline_against_a_loop(sample, query, by):
    own = lambda article: date(article.published.year, article.published.month, article.published.day)  # noqa: E731
    matched, everything = defaultdict(int), defaultdict(int)
    undated = 0
    for article in articles_of(sample, query):
        if article.published is None:
            undated += 1
        else:
            matched[start_of(own(article), by)] += 1
    for article in articles_of(sample, query if "date:" in query else "*"):
        if article.published is not None:
            everything[start_of(own(article), by)] += 1
    found = sample.timeline(query, by=by)
    assert found.undated == undated
    assert found.total == sum(matched.values()) + undated
    assert (found.buckets[0].start, found.buckets[-1].start) == (min(matched), max(matched))
    for bucket, after in zip(found.buckets, [*found.buckets[1:], None], strict=True):
        assert bucket.count == matched[bucket.start]
        assert after is None or after.start == bucket.end + timedelta(days=1)
        assert bucket.articles == everything[bucket.start]
        assert bucket.share == (bucket.count / bucket.articles if bucket.articles else 0)
        assert total(sample, bucket.query) == bucket.count


def test_a_timeline_runs_between_the_querys_dates(sample):
    found = sample.timeline("dam date:2024-08-15..2025-04-10")
    assert [bucket.label for bucket in found.buckets][:: len(found.buckets) - 1] == ["2024-08", "2025-04"]
    assert found.buckets[0].count == 0
    assert sample.timeline("dam since:2024-08").buckets[0].label == "2024-08"
    assert sample.timeline("dam", filters=Filters(until="2025-05")).buckets[-1].label == "2025-05"
    assert sample.timeline("nosuchword date:2025", by="year").buckets[0].count == 0
    assert sample.timeline("nosuchword since:2025", by="year").buckets == ()
    assert sample.timeline("dam date:2024 date:2025", by="year").buckets == ()
    # Dates under OR or NOT bound nothing.
    assert sample.timeline("dam OR date:2020").buckets[0].label == "2024-09"


def test_the_share_of_a_first_and_a_last_period_is_of_the_whole_period(tmp_path):
    days = [date(2025, 1, 2), date(2025, 1, 20), date(2025, 2, 3), date(2025, 2, 28)]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(
            [
                Article(id=str(day), title="", text="dam" if 1 <= place <= 2 else "lock", published=day)
                for place, day in enumerate(days)
            ],
            vectors=False,
        )
        found = archive.timeline("dam", by="month")
        assert [(one.count, one.articles, one.share) for one in found.buckets] == [(1, 2, 0.5), (1, 2, 0.5)]
        found = archive.timeline("dam date:2025-01-10..2025-02-10", by="month")
        assert [(one.count, one.articles, one.share) for one in found.buckets] == [(1, 1, 1.0), (1, 1, 1.0)]


def test_shares_count_only_what_the_querys_dates_allow(sample):
    (bucket,) = sample.timeline("date:2024-10-10..2024-10-20").buckets
    assert bucket.label == "2024-10"
    assert bucket.count == bucket.articles == total(sample, "date:2024-10-10..2024-10-20")
    (bucket,) = sample.timeline("date:2024-10-10T12:00Z..2024-10-20T10:00Z", by="year").buckets
    assert bucket.share == 1.0


def test_days_are_the_articles_own(tmp_path):
    late = datetime(2025, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=9)))  # the year before in UTC
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([Article(id="a", text="x", published=late), Article(id="b", text="x")], vectors=False)
        found = archive.timeline("x", by="day")
        assert [bucket.label for bucket in found.buckets] == ["2025-01-01"]
        assert (found.total, found.undated) == (2, 1)
        # Bounds are instants, and the local day lies outside: it is shown all the same.
        found = archive.timeline("x date:2024-12-31T10:00Z..2024-12-31T20:00Z", by="day")
        assert [(b.label, b.count) for b in found.buckets] == [("2024-12-31", 0), ("2025-01-01", 1)]


@pytest.mark.parametrize("by", Period)
def test_the_ends_of_the_calendar(tmp_path, by):
    with Archive.open(tmp_path / "a", create=True) as archive:
        days = (date.min, date(2024, 5, 5), date.max)
        archive.add([Article(id=str(i), text="x", published=day) for i, day in enumerate(days)], vectors=False)
        if by is Period.YEAR:
            found = archive.timeline("x", by=by)
            assert len(found.buckets) == 9999
            assert (found.buckets[0].label, found.buckets[-1].end) == ("0001", date.max)
        else:
            with pytest.raises(UsageError, match=rf"by {by}, .* from 0001-01-01 to 9999-12-31 .* {MAX_PERIODS:,}"):
                archive.timeline("x", by=by)
        for edge in ("0001-01-01", "9999-12-31"):
            (bucket,) = archive.timeline(f"x on:{edge}", by=by).buckets
            assert bucket.count == 1
            assert total(archive, bucket.query) == 1
        with pytest.raises(UsageError, match="periods"):
            archive.timeline("x since:0001 until:9999", by="day")


def test_a_refusal_says_where_the_articles_are():
    day = np.array([1, *([date(2024, 3, 1).toordinal()] * 500), date(2050, 1, 1).toordinal()], np.int32)
    every = np.ones(len(day), bool)
    with pytest.raises(UsageError, match=r"date:2024-03\.\.2024-03"):
        count_periods(by_day(day, every), by_day(day, every), Period.MONTH)
    assert len(count_periods(by_day(day, every), by_day(day, every), Period.YEAR).counts) == 2050


@settings(deadline=None, max_examples=80)
@given(
    days=st.lists(st.tuples(st.integers(738_000, 741_000) | st.just(0), st.booleans()), max_size=40),
    by=st.sampled_from(Period),
    bounds=st.tuples(*[st.none() | st.integers(737_900, 741_100)] * 2),
)
def test_periods_have_no_gaps_and_lose_nothing(days, by, bounds):
    first, last = sorted(bounds) if None not in bounds else bounds
    day = np.array([one for one, _ in days], np.int32)
    within = (day > 0) & (day >= (first or 0)) & (day <= (last or 10**7))
    mask = within & np.array([keep for _, keep in days], bool)
    found = count_periods(by_day(day, mask), by_day(day, within), by, first, last)
    assert (found.starts[1:] == found.ends[:-1]).all()
    assert found.counts.sum() == mask.sum()
    assert (found.counts <= found.articles).all()
    if not mask.any() and None in bounds:
        assert len(found.counts) == 0
        return
    low = first if first is not None else int(day[mask].min())
    high = last if last is not None else int(day[mask].max())
    edges = [start_of(date.fromordinal(one), by).toordinal() for one in (low, high)]
    assert [found.starts[0], found.starts[-1]] == edges
    for start, end, count, articles in zip(*found, strict=True):
        inside = (day >= start) & (day < end)
        assert count == (inside & mask).sum()
        assert articles == (inside & within).sum()
        assert (
            label(date.fromordinal(start), by)
            == start_of(date.fromordinal(start), by).isoformat()[: {"year": 4, "month": 7}.get(by, 10)]
        )


def test_dates_as_values():
    days = (date(2025, 2, 26), date(2025, 2, 1), date(7, 1, 1))
    day = np.array([*(one.toordinal() for one in days), 0], np.int32)
    found = count_dates(by_day(day, np.ones(4, bool)), Period.MONTH, None)
    assert found == ([("2025-02", 2), ("0007-01", 1)], 2, 1)
    assert count_dates(by_day(day, np.ones(4, bool)), Period.YEAR, 1) == ([("2025", 2)], 2, 1)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([0, 1, 700_000, 739_000, 739_001, 739_040]) | st.integers(1, 3_000_000), max_size=12))
def test_days_far_apart_are_counted_as_days_that_lie_close(days):
    """A few articles over thousands of years are put in order, many over a few years are counted by day."""
    day, counted = np.array(days, np.int32), Counter(date.fromordinal(one).year for one in days if one)
    for times in (1, 40_000):
        found = count_dates(by_day(np.repeat(day, times), np.ones(len(days) * times, bool)), Period.YEAR, None)
        wanted = sorted(
            ((f"{year:04}", many * times) for year, many in counted.items()), key=lambda one: (-one[1], one[0])
        )
        assert found == (wanted, len(counted), days.count(0) * times)
