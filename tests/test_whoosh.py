"""The door to Whoosh, over the sample archive: any of its queries as a condition, and its own searcher."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from whoosh import query, sorting
from whoosh.collectors import TimeLimitCollector
from whoosh.qparser import QueryParser
from whoosh.query import Term
from whoosh.reading import ReaderClosed

import search.keyword.whoosh.foreign as foreign
from search import Archive, Filters
from search.errors import QueryError, UsageError
from search.ingest import read
from search.keyword.tree import Near, Word
from search.keyword.whoosh import schema, to_query
from search.records import Compare

from .conftest import SAMPLE

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
HELP = Path(__file__).parent.parent / "search" / "help" / "whoosh.md"
EVERYTHING = 1000
SEIZED, TIMES, LAST = (
    "zerrin-2024-09-15-ferry-seized",
    "brief-2024-10-01-ferry-times",
    "zerrin-2025-02-22-last-hostages",
)
CEASEFIRE, EXCHANGE = "zerrin-2024-12-18-ceasefire", "zerrin-2025-01-05-first-exchange"
SWAP, BARGE = "c-5cff34d3a7361014b4da92e54d75f0a3", "c-b8cf86937ea240cbae9a536195dbf05e"
ORANGE, ISLAND = "sarayo-2024-12-09-orange", "c-df74b98647306b504af26734ddbe1686"
YELLOW, LEDGER, SUITCASE, DRUM = (
    "sarayo-2024-11-30-yellow",
    "sarayo-2024-12-10-ledger-orange",
    "sarayo-2024-12-11-maleta",
    "sarayo-2025-02-10-drum",
)
BLOG = "u-5ab4c6e44a35e9f76f7733c3f160dbba"
FERRIES = {SEIZED, TIMES, LAST, SWAP}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """In several segments, some articles deleted and put back: it must not show."""
    with Archive.open(tmp_path_factory.mktemp("whoosh") / "archive", create=True, model="hash") as opened:
        articles = list(read(PATHS))
        opened.add(articles, batch=20)
        opened.delete([article.id for article in articles[::7]])
        opened.add(articles)
        yield opened


QUERIES = [
    (Term("title", "ferri"), FERRIES),
    (Term("authors", "quimper"), {"c-b4c86e08e19e81c26bfd7168eff8a252", YELLOW, DRUM, BLOG}),
    (Term("id", "chess-2025-02-17-rematch"), {"chess-2025-02-17-rematch"}),
    (Term("title", "absent"), set()),
    (Term("nowhere", "ferri"), set()),
    (query.Prefix("title", "volc"), {ORANGE, ISLAND}),
    (query.Wildcard("text", "hos?ag*"), {SEIZED, CEASEFIRE, LAST, BARGE}),
    (query.Wildcard("title", "[cf]err*"), FERRIES),
    (query.FuzzyTerm("title", "feri"), FERRIES),
    (
        query.FuzzyTerm("text", "vulcano", maxdist=2, prefixlength=1),
        {YELLOW, ORANGE, ISLAND, LEDGER, DRUM, BLOG},
    ),
    (Term("text", "volc@es"), {SUITCASE}),  # "volcán" in the Spanish article
    (query.Variations("text", "volcano"), {YELLOW, ORANGE, ISLAND, LEDGER, DRUM, BLOG}),
    (query.Regex("title", "^(ferr|volc)[a-z]+$"), FERRIES | {ORANGE, ISLAND}),
    (query.TermRange("title", "fer", "ferz"), FERRIES),
    (query.TermRange("title", "ferri", "festiv", startexcl=True), {"culture-2024-12-08-polish-film"}),
    (query.Phrase("title", ["take", "34", "hostag"]), {SEIZED}),
    (query.Phrase("title", ["ferri", "zerrin"]), set()),
    (query.Phrase("title", ["ferri", "zerrin"], slop=3), {SEIZED}),
    (query.And([Term("text", "hostag"), Term("text", "ceasefir")]), {CEASEFIRE, BARGE}),
    (query.Or([Term("title", "hostag"), Term("title", "volcano")]), {SEIZED, EXCHANGE, ORANGE, ISLAND}),
    (query.And([Term("title", "ferri"), query.Not(Term("text", "hostag"))]), {TIMES, SWAP}),
    (query.AndNot(Term("text", "hostag"), Term("text", "ceasefir")), {SEIZED, LAST}),
    (query.AndMaybe(Term("title", "hostag"), Term("text", "court")), {SEIZED, EXCHANGE}),
    (query.Require(Term("text", "hostag"), Term("text", "truce")), {CEASEFIRE, BARGE, LAST}),
    (query.DisjunctionMax([Term("title", "hostag"), Term("title", "volcano")]), {SEIZED, EXCHANGE, ORANGE, ISLAND}),
    (query.Otherwise(Term("title", "absent"), Term("title", "volcano")), {ORANGE, ISLAND}),
    (query.ConstantScoreQuery(Term("title", "volcano")), {ORANGE, ISLAND}),
    (
        query.DateRange("published", datetime(2025, 2, 10), datetime(2025, 2, 14, tzinfo=UTC)),
        {DRUM, "u-b7adf35dc4a5813a70ea9c64e347852a"},
    ),
    (
        query.NumericRange("length", 400, None),
        {
            "c-b4c86e08e19e81c26bfd7168eff8a252",
            "dam-2024-09-26-leaked-report",
            "dam-2024-10-22-town-meeting",
            "meridon-2024-10-25-postmortem",
            "zerrin-2024-11-17-tamouri-profile",
        },
    ),
    (query.SpanFirst(Term("text", "ferri"), limit=4), {LAST}),
    (query.SpanNear(Term("title", "hostag"), Term("title", "ferri"), slop=7, ordered=False), {SEIZED}),
    (query.SpanNear2([Term("title", "ferri"), Term("title", "zerrin")], slop=3), {SEIZED}),
    (query.SpanOr([Term("title", "hostag"), Term("title", "volcano")]), {SEIZED, EXCHANGE, ORANGE, ISLAND}),
    (
        query.SpanContains(
            query.SpanNear(Term("title", "ferri"), Term("title", "hostag"), slop=7), Term("title", "take")
        ),
        {SEIZED},
    ),
    (
        query.SpanNot(Term("title", "ferri"), query.SpanNear(Term("title", "seiz"), Term("title", "zerrin"), slop=4)),
        FERRIES - {SEIZED},
    ),
    (query.SpanBefore(Term("title", "ferri"), Term("title", "hostag")), {SEIZED}),
    (query.SpanCondition(Term("text", "hostag"), Term("text", "ferri")), {SEIZED, LAST}),
    (to_query(Near(Word("title", "ferry"), Word("title", "hostages"), 7)), {SEIZED}),
    (QueryParser("text", schema()).parse("title:ferries NOT hostages"), {TIMES, SWAP}),
    (query.NullQuery, set()),
]


@pytest.mark.parametrize(("where", "ids"), QUERIES, ids=lambda value: "" if isinstance(value, set) else repr(value))
def test_a_query_of_whoosh_binds_both_legs(archive, where, ids):
    newest = archive.search("", where=where, limit=EVERYTHING)
    assert {hit.article.id for hit in newest} == ids
    assert newest.total == len(ids)
    assert {hit.article.id for hit in archive.search("river ferry", where=where, mode="keyword")} <= ids
    for mode in ("vector", "hybrid"):
        found = archive.search("river ferry", where=where, mode=mode, limit=EVERYTHING)
        assert {hit.article.id for hit in found} == ids


def test_every_field_and_every_article(archive):
    everything = {hit.article.id for hit in archive.search("*", limit=EVERYTHING)}
    assert {hit.article.id for hit in archive.search("", where=query.Every(), limit=EVERYTHING)} == everything
    for name in ("dateline", "section", "caption", "published"):
        having = {id for id in everything if getattr(archive.get(id), name)}
        assert 0 < len(having) < len(everything)
        for where in (query.Every(name), query.Not(query.Not(query.Every(name)))):
            assert {hit.article.id for hit in archive.search("", where=where, limit=EVERYTHING)} == having


def test_it_joins_the_other_conditions(archive):
    where = query.Prefix("title", "ferr")
    asked = {"where": where, "limit": EVERYTHING}
    assert {hit.article.id for hit in archive.search("title:hostages", **asked)} == {SEIZED}
    assert {hit.article.id for hit in archive.search("since:2025", **asked)} == {LAST, SWAP}
    filters = Filters(until="2024-09-30", conditions=Compare("title", "ne", "hostages"))
    assert {hit.article.id for hit in archive.search("", filters=filters, **asked)} == set()
    assert archive.search("", as_of="2024-10-01", where=where).total == 2
    pages = [archive.search("the", where=where, limit=1)]
    while pages[-1].cursor is not None:
        pages.append(archive.search("the", where=where, limit=1, cursor=pages[-1].cursor))
    assert {hit.article.id for page in pages for hit in page} == FERRIES
    with pytest.raises(UsageError, match="another query"):
        archive.search("the", where=query.Every(), limit=1, cursor=pages[0].cursor)


def test_everything_that_takes_a_query_takes_one(archive, tmp_path):
    where = query.Prefix("title", "ferr")
    counts = archive.facets("", fields=["year"], where=where)
    assert counts.total == 4
    assert {(value.value, value.count, value.query) for value in counts.facets[0].values} == {
        ("2024", 2, None),
        ("2025", 2, None),
    }
    line = archive.timeline("", by="year", where=where)
    assert [(bucket.label, bucket.count) for bucket in line.buckets] == [("2024", 2), ("2025", 2)]
    context = archive.retrieve("what happened on the river?", where=where)
    assert context.passages
    assert {passage.article_id for passage in context.passages} <= FERRIES
    assert "that Whoosh finds with Prefix('title', 'ferr')" in archive.describe("", where=where)
    with Archive.open(tmp_path / "other", create=True) as other:
        other.add(read(PATHS), vectors=False)
        assert other.delete_matching("", where=where) == 4
        assert len(other) == 95


def test_what_cannot_be_answered_is_a_query_error(archive, monkeypatch):
    with pytest.raises(QueryError, match="this is no Whoosh query but str"):
        archive.search("", where="title:ferry")
    with pytest.raises(QueryError, match="dates are those of 'published'"):
        archive.search("", where=query.DateRange("text", None, datetime(2025, 1, 1)))
    within = query.SpanFirst(query.SpanNot(Term("text", "ferri"), Term("text", "hostag")))  # a fault of Whoosh's
    with pytest.raises(QueryError, match="Whoosh cannot evaluate SpanFirst: NotImplementedError"):
        archive.search("", where=within)
    with pytest.raises(QueryError, match="more than 1,024 parts"):
        archive.search("", where=query.Or([Term("text", str(number)) for number in range(1025)]))
    monkeypatch.setattr(foreign, "MOST_TERMS", 50)
    with pytest.raises(QueryError, match=r"Wildcard\('text', '\*e\*'\) stands for more than 50 words"):
        archive.search("", where=query.Wildcard("text", "*e*"))
    monkeypatch.setattr(foreign, "MOST_POSTINGS", 50)
    with pytest.raises(QueryError, match="the words of Phrase occur too often"):
        archive.search("", where=query.Phrase("text", ["the", "ferri"]))


# The searcher.


def ids(results) -> list[str]:
    return [hit["id"] for hit in results]


def test_stock_searching_scores_and_stored_fields(archive):
    with archive.whoosh() as searcher:
        results = searcher.search(QueryParser("text", searcher.schema).parse("ferries hostages"), limit=None)
        assert set(ids(results)) == {SEIZED, LAST}
        hit, article = results[0], archive.get(SEIZED)
        assert hit["title"] == article.title
        assert hit["published"] == article.published
        assert hit["text"] == article.text
        assert "authors" not in hit.fields()
        assert searcher.document(id=YELLOW)["authors"] == archive.get(YELLOW).authors != ()
        assert ">ferry</b>" in hit.highlights("text")
        assert hit.score > results[1].score > 0
        assert searcher.document(id=LAST)["id"] == LAST
        assert searcher.doc_count() == len(archive) == 99
    with pytest.raises(ReaderClosed):
        searcher.doc_count()


def test_the_searcher_stays_with_its_commit(tmp_path):
    with Archive.open(tmp_path / "archive", create=True) as archive:
        articles = list(read(PATHS))
        archive.add(articles[:30], vectors=False)
        with archive.whoosh() as before:
            archive.add(articles[30:])
            archive.delete([articles[0].id])
            archive.optimize()
            assert before.doc_count() == 30
            assert articles[0].id in ids(before.search(query.Every(), limit=None))
            with archive.whoosh() as after:
                assert after.doc_count() == 98


def test_sorting_grouping_and_collapsing(archive):
    with archive.whoosh() as searcher:
        every = query.Every()
        oldest = searcher.search(every, sortedby="published", limit=None)
        dates = [archive.get(id).published for id in ids(oldest)]
        assert dates[-1] is None
        published = [
            date if isinstance(date, datetime) else datetime(date.year, date.month, date.day, tzinfo=UTC)
            for date in dates[:-1]
        ]
        assert published == sorted(published)
        longest = searcher.search(every, sortedby=sorting.FieldFacet("length", reverse=True), limit=1)
        assert archive.search("length:400..", where=Term("id", longest[0]["id"])).total == 1
        groups = searcher.search(every, groupedby=["source", "length"], limit=None).groups("source")
        assert len(groups["The Fenwick Tribune"]) == archive.search('source:="The Fenwick Tribune"').total
        authors = searcher.search(every, groupedby=sorting.FieldFacet("authors", allow_overlap=True)).groups("authors")
        assert len(authors["quimper"]) == 4
        stories = {"sea": Term("text", "ferri"), "law": Term("text", "court")}
        by_query = searcher.search(every, groupedby={"story": sorting.QueryFacet(stories)}).groups("story")
        assert len(by_query["sea"]) == 15
        both = query.Or([Term("title", "hostag"), Term("title", "ferri")])
        collapsed = searcher.search(both, collapse="source", limit=None)
        sources = [hit.get("source") for hit in collapsed]
        assert len(set(sources)) == len(sources)


def test_more_like_key_terms_suggestions_and_collectors(archive):
    with archive.whoosh() as searcher:
        number = searcher.document_number(id=SEIZED)
        assert "hostag" in [term for term, _ in searcher.key_terms([number], "text")]
        assert CEASEFIRE in ids(searcher.more_like(number, "text"))
        results = searcher.search(Term("title", "hostag"), terms=True)
        assert results.matched_terms() == {("title", b"hostag")}
        assert CEASEFIRE in ids(results[0].more_like_this("text"))
        assert "delta" in [term for term, _ in results.key_terms("text")]
        assert searcher.suggest("text", "hostge") == ["hostag"]
        collector = TimeLimitCollector(searcher.collector(limit=None), timelimit=60)
        searcher.search_with_collector(Term("title", "ferri"), collector)
        assert set(ids(collector.results())) == FERRIES
        kept = searcher.search(Term("title", "ferri"), filter=Term("text", "hostag"), mask=Term("id", LAST))
        assert ids(kept) == [SEIZED]


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", HELP.read_text(encoding="utf-8"), re.S))
def test_the_examples_of_the_help_work_as_printed(archive, block):
    exec(block, {"archive": archive})
