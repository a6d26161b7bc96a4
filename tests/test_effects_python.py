"""What each argument of each method of ``Archive`` does, and each setting of the three adapters."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from search import Archive, Article, Filters
from search.engine.watch import Stopwatch
from search.errors import (
    ArchiveLocked,
    ArchiveMismatch,
    ArchiveNotFound,
    ArticleNotFound,
    ModeError,
    RecordsRejected,
    UsageError,
)
from search.query.comparisons import Any_, Compare
from search.records import Rejection
from search.storage.folder import Folder
from search.storage.locks import lock_writer

from .effects import (
    CONTEXT,
    DESCRIBED,
    FILM,
    HALLORAN_SCORES,
    HALLORANS,
    INQUIRY,
    LEAKED,
    LEAVES,
    MATCH,
    MATCHING,
    RANKING,
    RESIGNS,
    SCARVES,
    STRIKES,
    shows,
)
from .test_doctor import forge

FILTERS = ("since", "until", "sources", "authors", "sections", "languages")
ARGUS = Compare("source", "eq", "The Wexcombe Argus")
NEWS = [
    Article(id="dam", title="Dam leaks", text="The dam leaks."),
    Article(id="port", title="Port strike", text="Dockers walk out."),
    Article(id="gate", title="Gate jams", text="A gate of the dam jams."),
]


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.fixture
def desk(tmp_path):
    """An archive to change."""
    with Archive.open(tmp_path / "desk", create=True, model="hash") as opened:
        opened.add(NEWS)
        yield opened


def given(settings):
    """Settings as the methods take them: those of ``Filters`` in one."""
    narrow = {name: value for name, value in settings.items() if name in FILTERS}
    rest = {name: value for name, value in settings.items() if name not in FILTERS}
    return rest | ({"filters": Filters(**narrow)} if narrow else {})


def ids(results):
    return [hit.article.id for hit in results]


def name(effect):
    return f"{effect.setting}-{effect.value}"


# Reading


@shows("Archive.search", "query", "filters", "as_of", "literal")
@shows("Archive.asearch", "query", "settings")
@shows("Filters", *FILTERS)
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_search_matching(archive, effect):
    asked = {"sort": "newest", "limit": 20}
    assert ids(archive.search(effect.query, **asked)) == effect.before
    with_it = asked | given({effect.setting: effect.value})
    assert ids(archive.search(effect.query, **with_it)) == effect.after
    assert ids(asyncio.run(archive.asearch(effect.query, **with_it))) == effect.after


@shows(
    "Archive.search",
    "limit",
    "offset",
    "mode",
    "sort",
    "copies",
    "shown",
    "prefer",
    "recency",
    "diversity",
    "per_source",
    "fusion",
    "weight",
    "detect",
)
@pytest.mark.parametrize("effect", RANKING, ids=name)
def test_search_ranking(archive, effect):
    assert ids(archive.search(effect.query, **effect.beside)) == effect.before
    assert ids(archive.search(effect.query, **effect.beside | {effect.setting: effect.value})) == effect.after


@shows("Archive.search", "passages", "explain", "cursor")
def test_search_passages_explanations_and_pages(archive):
    asked = {"limit": 1, "mode": "keyword"}
    for settings, count in (({}, 1), ({"passages": 0}, 0), ({"passages": 3}, 3)):
        (hit,) = archive.search("Halloran source:Fenwick date:2024-09", **asked, **settings)
        assert (hit.article.id, len(hit.passages), hit.explain) == (LEAKED, count, None)
    (hit,) = archive.search("Halloran", **asked, explain=True)
    assert hit.explain["parts"]["keyword"] == pytest.approx(HALLORAN_SCORES[0], abs=1e-6)
    first = archive.search("title:strike", sort="newest", limit=3)
    assert ids(archive.search("title:strike", sort="newest", limit=3, cursor=first.cursor)) == STRIKES[3:6]


@shows("Archive.retrieve", "question", "budget", "filters", "as_of", "mode", "detect", "recency", "per_source")
@shows("Archive.aretrieve", "question", "settings")
@pytest.mark.parametrize("effect", CONTEXT, ids=name)
def test_retrieve(archive, effect):
    def found(context):
        return list(dict.fromkeys(one.article_id for one in context))

    asked = {"mode": "keyword", **effect.beside}
    assert found(archive.retrieve(effect.query, **asked)) == effect.before
    with_it = given(asked | {effect.setting: effect.value})
    assert found(archive.retrieve(effect.query, **with_it)) == effect.after
    assert found(asyncio.run(archive.aretrieve(effect.query, **with_it))) == effect.after


@shows("Archive.retrieve", "count_tokens")
def test_retrieve_counts_tokens_as_it_is_told(archive):
    by_letters = archive.retrieve("Halloran", mode="keyword", count_tokens=len)
    assert by_letters.tokens == len(by_letters.text()) <= 2000
    nothing = archive.retrieve("Halloran", mode="keyword", budget=1, count_tokens=lambda text: 0)
    assert list(dict.fromkeys(one.article_id for one in nothing)) == HALLORANS


@pytest.mark.model
@shows("Archive.retrieve", "rerank")
def test_retrieve_rerank(archive, cross_encoder):
    asked = {"mode": "keyword", "budget": 200}
    assert [one.article_id for one in archive.retrieve("Halloran", **asked)] == [MATCH]
    assert [one.article_id for one in archive.retrieve("Halloran", **asked, rerank=cross_encoder)] == [INQUIRY]


@pytest.mark.model
@shows("Archive.search", "rerank")
def test_search_rerank(archive, cross_encoder):
    asked = {"mode": "keyword", "limit": 2}
    assert ids(archive.search("Halloran", **asked)) == [LEAVES, MATCH]
    assert ids(archive.search("Halloran", **asked, rerank=cross_encoder)) == [INQUIRY, LEAKED]


@shows("Archive.describe", "query", "as_of", "literal", "filters")
@pytest.mark.parametrize(("query", "settings", "meaning"), DESCRIBED)
def test_describe(archive, query, settings, meaning):
    assert archive.describe(query, **given(settings)) == meaning


@shows("Archive.facets", "query", "filters", "as_of", "literal")
@shows("Archive.timeline", "query", "filters", "as_of", "literal")
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_counts_are_of_what_matches(archive, effect):
    for settings, found in (({}, effect.before), (given({effect.setting: effect.value}), effect.after)):
        months = Counter(archive.get(one).published.strftime("%Y-%m") for one in found)
        facets = archive.facets(effect.query, fields=["month"], **settings)
        assert facets.total == len(found)
        assert {one.value: one.count for one in facets.facets[0].values} == months
        timeline = archive.timeline(effect.query, **settings)
        assert timeline.total == len(found)
        assert {one.label: one.count for one in timeline.buckets if one.count} == months


@shows("Archive.facets", "fields", "limit")
@shows("Archive.timeline", "by")
def test_how_it_is_counted(archive):
    def values(**settings):
        return {facet.field: len(facet.values) for facet in archive.facets("*", **settings).facets}

    assert len(values()) == 7
    assert values(fields=["author", "section"]) == {"author": 20, "section": 20}
    assert values(fields=["author"], limit=3) == {"author": 3}
    assert values(fields=["author"], limit=None) == {"author": 30}
    for by, count in (("day", 8), ("week", 7), ("month", 5), ("year", 2)):
        assert len([one for one in archive.timeline("title:strike", by=by).buckets if one.count]) == count


def every(archive):
    return [hit.article for hit in archive.search("*", sort="newest", limit=200)]


@shows("Archive.get", "article_id")
@shows("Archive.marks", "article_id", "query", "literal")
def test_marks(archive):
    article = archive.get(LEAKED)
    marks = archive.marks(LEAKED, "Halloran")
    assert [article.text[one.start : one.end] for one in marks] == ["Halloran"] * len(marks)
    assert len(marks) == article.text.count("Halloran") > 0
    title = archive.marks(LEAKED, article.title.split()[0])[0]
    assert (title.field, title.start) == ("title", 0)
    assert archive.marks(LEAKED, "Halloran -dam") == marks
    literal = archive.marks(LEAKED, "Halloran -dam", literal=True)
    assert {article.text[one.start : one.end].lower() for one in literal if one.field == "text"} >= {"halloran", "dam"}
    with pytest.raises(ArticleNotFound):
        archive.marks("nobody", "a")


@shows("Archive.passages", "article_id")
@shows("Archive.__contains__", "article_id")
def test_articles_by_id(archive):
    for one, title in ((LEAVES, "Halloran leaves Rovers"), (MATCH, "Port Selwyn Town 3 Wexcombe Rovers 1")):
        assert one in archive
        assert archive.get(one).title.startswith(title)
        assert {passage.article_id for passage in archive.passages(one)} == {one}
    assert "nobody" not in archive


@shows("Archive.furniture", "article_id")
@shows("Archive.optimize", "furniture")
def test_what_a_source_prints_under_many_articles(tmp_path):
    footer = "Sign up for the newsletter of the Post."
    rows = [
        Article(
            id=f"p{n}",
            title=f"Dam{n}",
            text=f"Water{n} rose{n}." + (f" {footer}" if n else ""),
            source="Post",
            published=date(2025, 1, 1) + timedelta(days=n),
        )
        for n in range(60)
    ]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(rows, vectors=False)
        assert [block.text for block in archive.furniture("p7")] == [footer]
        assert archive.furniture("p0") == ()
        archive.optimize(furniture=False)
        assert archive.furniture("p7") == ()
        archive.optimize(furniture=True)
        assert [(block.start, block.end) for block in archive.furniture("p7")] == [(14, 53)]


@shows("Archive.check", "thorough")
def test_check_thorough(desk):
    forge(desk.path, "keyword", "positions", lambda positions: positions + 1)
    assert desk.check() == []
    (problem,) = desk.check(thorough=True)
    assert "keyword.part has other words than its articles (positions)" in problem


@shows("Archive.check", "progress")
def test_check_tells_how_far_it_is(desk):
    told = []
    assert desk.check(told.append) == desk.check() == []
    assert told
    assert all(isinstance(one, str) for one in told)


@shows("Archive.search", "where")
@shows("Archive.retrieve", "where")
@shows("Archive.describe", "where")
@shows("Archive.facets", "where")
@shows("Archive.timeline", "where")
@shows("Archive.delete_matching", "where")
def test_where_takes_a_query_object_of_whoosh(archive, desk):
    from whoosh import query

    where = query.Term("text", "captain")
    assert ids(archive.search("Halloran", mode="keyword", limit=20)) == HALLORANS
    assert ids(archive.search("Halloran", mode="keyword", where=where)) == [LEAVES, SCARVES]
    assert {one.article_id for one in archive.retrieve("Halloran", mode="keyword", where=where)} == {LEAVES, SCARVES}
    assert archive.describe("Halloran", where=where) == (
        "articles that Whoosh finds with Term('text', 'captain'), ranked by: Halloran"
    )
    assert archive.facets("Halloran", where=where).total == archive.timeline("Halloran", where=where).total == 2
    assert desk.delete_matching("dam", where=query.Term("text", "gate")) == 1
    assert sorted(article.id for article in every(desk)) == ["dam", "port"]


@shows("Filters", "conditions")
def test_conditions(archive):
    filters = Filters(conditions=Any_([ARGUS, Compare("section", "eq", "Sport")]))
    assert ids(archive.search("Halloran", mode="keyword", filters=filters)) == [LEAVES, MATCH, SCARVES]


@shows("Archive.search", "watch")
@shows("Archive.retrieve", "watch")
@shows("Archive.facets", "watch")
@shows("Archive.timeline", "watch")
@pytest.mark.parametrize(
    ("method", "stages"),
    [
        ("search", ["open", "plan", "match", "rank", "present"]),
        ("retrieve", ["open", "plan", "detect", "search", "stretches", "fill"]),
        ("facets", ["open", "plan", "match", "count", "narrow"]),
        ("timeline", ["open", "plan", "match", "count", "narrow"]),
    ],
)
def test_watch_sees_the_stages(archive, method, stages):
    watch = Stopwatch()
    getattr(archive, method)("Halloran", watch=watch)
    assert [stage for stage in watch.seconds if "/" not in stage] == stages
    assert all(seconds > 0 for seconds in watch.seconds.values())


# Opening


@shows("Archive.open", "path", "create", "model", "dimension")
def test_open(tmp_path):
    with pytest.raises(ArchiveNotFound):
        Archive.open(tmp_path / "a")
    for settings, dimension in (({}, 64), ({"dimension": 8}, 8)):
        path = tmp_path / f"of-{dimension}"
        with Archive.open(path, create=True, model="hash", **settings) as archive:
            archive.add(NEWS)
            assert archive.path == path
            assert (archive.settings["encoder"]["name"], archive.settings["encoder"]["dimension"]) == (
                "hash",
                dimension,
            )
    with pytest.raises(ArchiveMismatch):
        Archive.open(tmp_path / "of-8", model="another/model")
    with pytest.raises(ArchiveMismatch):
        Archive.open(tmp_path / "of-8", dimension=16)


@shows("Archive.open", "wait")
def test_open_wait(desk):
    lock = lock_writer(Folder.open(desk.path))
    with pytest.raises(ArchiveLocked):
        desk.delete(["dam"])
    with Archive.open(desk.path, wait=True) as patient:
        released = threading.Timer(0.1, lock.release)
        released.start()
        assert patient.delete(["dam"]) == 1
        assert not released.is_alive()


@pytest.mark.model
@shows("Archive.open", "precision")
@shows("Archive.embed", "precision")
def test_precision(tmp_path):
    """A passage's vector against that of the same words as a query, which is always of float32."""
    cosines = {}
    for precision in ("float32", "bfloat16"):
        with Archive.open(tmp_path / precision, create=True, precision=precision) as archive:
            archive.add([Article(id="one", text="The dam leaks at noon.")])
            cosines[precision] = archive.search("The dam leaks at noon.", mode="vector")[0].passages[0].score
        with Archive.open(tmp_path / f"bare-{precision}", create=True) as archive:
            archive.add([Article(id="one", text="The dam leaks at noon.")], vectors=False)
            assert archive.embed(precision=precision) == 1
            assert archive.search("The dam leaks at noon.", mode="vector")[0].passages[0].score == cosines[precision]
    assert cosines["float32"] == pytest.approx(1.0, abs=3e-5)  # kept as float16
    assert 0.999 < cosines["bfloat16"] < 0.99999
    with pytest.raises(UsageError, match="not a precision"):
        Archive.open(tmp_path / "float32", precision="float8")


# Writing


@shows("Archive.add", "items", "batch", "vectors", "progress")
def test_add(tmp_path):
    bad = Rejection(source="a.jsonl", line=7, reason="not valid JSON", record="{")
    for settings, commits, encoder in (
        ({}, 1, "hash"),
        ({"batch": 1}, 3, "hash"),
        ({"vectors": False}, 1, None),
    ):
        path = tmp_path / f"{commits}-{encoder}"
        with Archive.open(path, create=True, model="hash") as archive:
            told = []
            with pytest.warns(RecordsRejected, match="1 record was rejected"):
                report = archive.add([*NEWS, bad], **settings, progress=told.append)
            assert (report.added, report.rejected, report.rejections) == (3, 1, (bad,))
            assert archive.stats()["commit"] == 1 + commits  # the first says whether there are vectors
            assert (archive.settings["encoder"] or {}).get("name") == encoder
            assert told[-1].report.added == 3


@shows("Archive.add", "watch")
def test_watch_sees_the_stages_of_indexing(desk):
    watch = Stopwatch()
    desk.add([Article(id="new", title="Ferry sails")], watch=watch)
    assert sorted(watch.seconds) == ["check", "commit", "cut", "embed", "group", "invert", "merge", "sort"]
    assert all(seconds > 0 for seconds in watch.seconds.values())


@shows("Archive.regroup", "window", "progress")
def test_regroup(tmp_path):
    """Two copies, six weeks apart: of one story within sixty days and not within thirty."""
    text = "The dam at Corriedale will be inspected by a panel of engineers within six weeks, the minister said. " * 4
    told = []
    with Archive.open(tmp_path, create=True) as archive:
        archive.add(Article(id=day, text=text, published=day) for day in ("2025-01-01", "2025-02-12"))
        assert archive.stats()["copies"] == 0
        assert archive.regroup(window=60, progress=lambda *news: told.append(news)) == 2
        assert archive.stats()["copies"] == 1
    assert told == [(2, 2)]


@shows("Archive.embed", "model", "dimension", "progress")
def test_embed(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(NEWS, vectors=False)
        with pytest.raises(ModeError):
            archive.search("dam", mode="vector")
        told = []
        assert archive.embed("hash", progress=lambda *news: told.append(news)) == 3
        assert told[-1][:2] == (3, 3)
        assert archive.settings["encoder"]["dimension"] == 64
        assert archive.embed("hash", dimension=8) == 3
        assert archive.settings["encoder"]["dimension"] == 8
        assert archive.embed() == 0


@shows("Archive.delete", "ids", "purge")
@shows("Archive.delete_matching", "query", "purge")
@shows("Archive.prune", "keep")
def test_delete(desk):
    def named(word):
        return any(word in path.read_bytes() for path in desk.path.rglob("keyword*") if path.is_file())

    assert desk.delete(["port", "nobody"]) == 1
    assert "port" not in desk
    assert named(b"Dockers")
    desk.add(NEWS)
    assert desk.delete(["port"], purge=True) == 1
    assert not named(b"Dockers")
    desk.add(NEWS)
    assert desk.delete_matching("dam -gate") == 1
    assert sorted(article.id for article in every(desk)) == ["gate", "port"]
    assert named(b"leaks")
    desk.add(NEWS)
    assert desk.delete_matching("leaks", purge=True) == 1
    assert not named(b"leaks")
    assert desk.prune({"port"}) == 1
    assert [article.id for article in every(desk)] == ["port"]


@shows("Archive.tune", "parameters")
def test_tune(desk):
    assert desk.search("strike", mode="keyword")[0].score > 0
    assert desk.tune(title=0.0, k1=2.0)["k1"] == 2.0
    assert desk.search("strike", mode="keyword")[0].score == 0.0
    with pytest.raises(UsageError, match="not colour"):
        desk.tune(colour=1.0)


@shows("Archive.add_alert", "name", "query", "everything")
@shows("Archive.run_alerts", "names", "peek")
@shows("Archive.confirm_alerts", "news")
@shows("Archive.remove_alert", "name")
def test_alerts(desk):
    def told(*names, **settings):
        return {one.alert.name: {item.id for item in one.items} for one in desk.run_alerts(names or None, **settings)}

    desk.add_alert("new", "dam")
    desk.add_alert("all", "dam", everything=True)
    desk.add_alert("ports", "port", everything=True)
    assert told(peek=True) == {"all": {"dam", "gate"}, "new": set(), "ports": {"port"}}
    assert told("all") == {"all": {"dam", "gate"}}
    assert told(peek=True) == {"all": set(), "new": set(), "ports": {"port"}}
    news = desk.run_alerts(peek=True)
    desk.confirm_alerts(())
    assert told(peek=True)["ports"] == {"port"}
    desk.confirm_alerts(news)
    assert told(peek=True)["ports"] == set()
    desk.remove_alert("all")
    assert set(told()) == {"new", "ports"}
    assert desk.alerts()[1].ran > datetime(2025, 1, 1, tzinfo=UTC)


# Adapters


def langchain(archive, query, limit=4, **settings):
    from search.adapters.langchain import BroadsheetRetriever

    found = BroadsheetRetriever(archive, k=limit, **settings).invoke(query)
    return [(one.metadata["article_id"], one.page_content) for one in found]


def langchain_call(archive, query, limit=4, model=None, **settings):
    """With the settings of one call, which come before the retriever's own."""
    from search.adapters.langchain import BroadsheetRetriever

    found = BroadsheetRetriever(archive, k=1, model=model).invoke(query, k=limit, **settings)
    return [(one.metadata["article_id"], one.page_content) for one in found]


def llamaindex(archive, query, limit=4, **settings):
    from search.adapters.llamaindex import BroadsheetRetriever

    found = BroadsheetRetriever(archive, top_k=limit, **settings).retrieve(query)
    return [(one.node.metadata["article_id"], one.node.text) for one in found]


def haystack(archive, query, limit=4, **settings):
    from search.adapters.haystack import BroadsheetRetriever

    found = BroadsheetRetriever(archive, top_k=limit, **settings).run(query)["documents"]
    return [(one.meta["article_id"], one.content) for one in found]


def haystack_call(archive, query, limit=4, filters=None, **settings):
    """With the settings of one call, which come before the component's own."""
    from search.adapters.haystack import BroadsheetRetriever

    found = BroadsheetRetriever(archive, top_k=1, **settings).run(query, filters=filters, top_k=limit)["documents"]
    return [(one.meta["article_id"], one.content) for one in found]


ASKED = (
    *(
        "mode",
        "filters",
        "as_of",
        "recency",
        "sort",
        "copies",
        "shown",
        "prefer",
        "diversity",
        "per_source",
        "fusion",
        "weight",
        "passages",
        "literal",
        "detect",
        "rerank",
    ),
)


@shows("langchain", "archive", "k", "model", *ASKED)
@shows("llamaindex", "archive", "top_k", "model", *ASKED)
@shows("haystack", "archive", "top_k", "model", *ASKED)
@shows("haystack.run", "query", "filters", "top_k")
@pytest.mark.parametrize("adapter", [langchain, langchain_call, llamaindex, haystack, haystack_call])
def test_adapters(adapter, archive, sample_archive, desk, cross_encoder):
    def found(query="Halloran", **settings):
        return [article for article, _ in adapter(archive, query, **{"mode": "keyword", **settings})]

    assert found() == HALLORANS[:4]
    assert adapter(str(sample_archive), "Halloran", mode="keyword") == adapter(archive, "Halloran", mode="keyword")
    assert adapter(desk, "Halloran", mode="keyword") == []
    assert found(limit=2) == HALLORANS[:2]
    for effect in RANKING:
        if effect.setting in ASKED:
            settings = {"limit": 6, **effect.beside, effect.setting: effect.value}
            assert found(effect.query, **settings) == effect.after
    assert found(as_of="2025-02-02") == [LEAVES, RESIGNS, SCARVES, LEAKED]
    assert found(limit=2, rerank=cross_encoder) == [INQUIRY, LEAKED]
    assert found("polish -film", literal=True, limit=1) == [FILM]
    assert FILM not in found("polish -film")
    leaked = "Halloran id:dam-2024-09-26-leaked-report"
    assert [len(adapter(archive, leaked, mode="keyword", passages=count)) for count in (1, 2, 3)] == [1, 2, 3]
    argus = {"field": "meta.source", "operator": "==", "value": "The Wexcombe Argus"}
    conditions = [argus] if "haystack" in adapter.__name__ else [Filters(sources=["Argus"]), ARGUS]
    for one in conditions:
        assert found(filters=one) == [LEAVES, SCARVES]
    with pytest.raises(ArchiveMismatch):
        adapter(str(sample_archive), "Halloran", model="hash")
