"""What sets a match set apart, from the archive and from period to period; and its earliest articles."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import random
from collections import Counter
from datetime import date

import numpy as np
import pytest
from starlette.testclient import TestClient

from search import Archive, Article, Filters
from search.engine.terms import LEAST, scores
from search.engine.watch import Stopwatch
from search.errors import UsageError
from search.keyword.analysis import analyze

from .effects import MATCHING, http_app, options, run, shows

WORDS = ["dam", "port", "strike", "ferry", "inquiry", "readings", "tram", "vote", "comet", "lynx", "harbour", "gates"]
ADDRESSED = {"since": "from", "until": "to", "sources": "source", "authors": "author", "sections": "section"}
ADDRESSED["languages"] = "language"
NARROWING = ("since", "until", "sources", "authors", "sections", "languages")
OPTIONS = ("--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal")
PARAMETERS = ("q", "from", "to", "as_of", "source", "author", "section", "language", "literal")


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


def given(settings):
    narrow = {name: value for name, value in settings.items() if name in NARROWING}
    rest = {name: value for name, value in settings.items() if name not in NARROWING}
    return rest | ({"filters": Filters(**narrow)} if narrow else {})


# What is counted, by brute force


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Four segments with tombstones, an archive of a small vocabulary."""
    chance = random.Random(5)
    news = []
    for number in range(120):
        body = " ".join(chance.choices(WORDS, weights=range(1, 13), k=chance.randint(3, 40)))
        day = date(2024, 1 + number % 9, 1 + number % 28) if number % 11 else None
        body += f" {WORDS[number % 9]}" * 6
        news.append(
            Article(
                id=f"a{number}",
                title=" ".join(chance.choices(WORDS, k=3)),
                text=f"{body}.",
                published=day,
                authors=("Dam Port",) if number % 3 else (),
                caption="A tram",
                dateline="HARBOUR",
            )
        )
    with Archive.open(tmp_path_factory.mktemp("mixed") / "a", create=True) as archive:
        for start in range(0, 120, 30):
            archive.add(news[start : start + 30], vectors=False)
        archive.delete([f"a{number}" for number in range(0, 120, 7)])
        yield archive


def tokens(article):
    return [t for part in (article.title, article.caption, article.dateline, article.text) for t in analyze(part)]


def told(article):
    """Terms and pairs of neighbours of an article, its byline aside."""
    terms = Counter(token.term for token in tokens(article))
    pairs = Counter()
    for part in (article.title, article.caption, article.dateline, article.text):
        own = [token.term for token in analyze(part)]
        pairs.update(itertools.pairwise(own))
    return terms, pairs


def by_hand(y, prior, rest, n, total, others):
    own, other = y + prior, rest + prior
    odds = math.log(own / (n + total - own)) - math.log(other / (others + total - other))
    return odds / math.sqrt(1 / own + 1 / other)


def expected(every, matching):
    """z of each word and phrase of the matching articles, with their counts."""
    everywhere, pairs_everywhere = Counter(), Counter()
    own, pairs_own, articles = Counter(), Counter(), Counter()
    for article in every:
        terms, pairs = told(article)
        everywhere.update(terms)
        pairs_everywhere.update(pairs)
        if article.id in matching:
            own.update(terms)
            pairs_own.update(pairs)
            articles.update([*terms, *pairs])
    n, total = sum(own.values()), sum(everywhere.values())
    found = {}
    for counts, whole in ((own, everywhere), (pairs_own, pairs_everywhere)):
        for name, count in counts.items():
            z = by_hand(count, whole[name], whole[name] - count, n, total, total - n)
            found[name] = (count, articles[name], whole[name], z)
    return found


@pytest.mark.parametrize("query", ["comet", "+ferry +tram", "title:dam", "date:2024-03", "gates lynx"])
@pytest.mark.parametrize("as_of", [None, "2024-06-15"])
def test_counts_and_scores_by_brute_force(mixed, query, as_of):
    every = [one for one in mixed if as_of is None or (one.published and str(one.published) <= as_of)]
    matching = {hit.article.id for hit in mixed.search(query, limit=500, mode="keyword", as_of=as_of) if hit.matched}
    found = mixed.terms(query, limit=500, as_of=as_of)
    assert found.total == len(matching) > 3
    known = expected(every, matching)
    phrases = set()
    for one in found.terms:
        terms = tuple(token.term for token in analyze(one.term))
        name = terms[0] if len(terms) == 1 else terms
        count, articles, everywhere, z = known[name]
        assert (one.count, one.articles, one.everywhere) == (count, articles, everywhere)
        assert one.score == pytest.approx(z)
        assert one.score >= LEAST
        if len(terms) == 2:
            phrases.add(terms)
    order = [one.score for one in found.terms]
    assert order == sorted(order, reverse=True)
    telling = {name for name, (_, articles, _, z) in known.items() if z >= LEAST and articles >= 2 and len(name) > 1}
    words = {name for name in telling if isinstance(name, str)} - {"a"}
    missing = words - {analyze(one.term)[0].term for one in found.terms if " " not in one.term}
    for word in missing:  # told by a phrase alone
        assert max(known[pair][0] for pair in phrases if word in pair) >= 0.6 * known[word][0]
    assert {
        pair for pair in telling if isinstance(pair, tuple) and set(pair) <= words and pair[0] != pair[1]
    } == phrases


def test_a_merge_changes_nothing(mixed, tmp_path):
    import shutil

    shutil.copytree(mixed.path, tmp_path / "copy")
    with Archive.open(tmp_path / "copy") as other:
        before = other.terms("comet", by="month", limit=50)
        other.optimize()
        after = other.terms("comet", by="month", limit=50)
        assert other.stats()["segments"] == 1
        assert after.terms == before.terms == mixed.terms("comet", limit=50).terms
        assert after.periods == before.periods


def test_periods_by_brute_force(mixed):
    found = mixed.terms("tram", by="month", limit=100)
    matching = [hit.article for hit in mixed.search("tram", limit=500, mode="keyword") if hit.matched]
    dated = [one for one in matching if one.published]
    assert found.undated == len(matching) - len(dated) > 0
    every = Counter(term for one in dated for term in told(one)[0].elements())
    total = sum(every.values())
    assert [period.label for period in found.periods] == sorted({str(one.published)[:7] for one in dated})
    seen = 0
    for period in found.periods:
        inside = [one for one in dated if str(one.published)[:7] == period.label]
        assert period.articles == len(inside)
        own = Counter(term for one in inside for term in told(one)[0].elements())
        n = sum(own.values())
        z = {term: by_hand(own[term], every[term], every[term] - own[term], n, total, total - n) for term in own}
        having = Counter(term for one in inside for term in told(one)[0])
        best = sorted(
            (value for term, value in z.items() if value >= LEAST and having[term] >= 2 and term != "a"), reverse=True
        )
        assert [one.score for one in period.terms] == pytest.approx(best)
        for one in period.terms:
            (token,) = analyze(one.term)
            assert (one.count, one.everywhere, one.query) == (own[token.term], every[token.term], None)
        seen += len(period.terms)
    assert seen > 3


def test_scores_are_those_of_the_formula():
    y, prior = np.array([3, 0, 50]), np.array([5, 4, 50])
    expected = [by_hand(a, b, b - a, 60, 1000, 940) for a, b in zip(y.tolist(), prior.tolist(), strict=True)]
    assert scores(y, prior, prior - y, 60.0, 1000.0, 940.0) == pytest.approx(expected)
    assert scores(np.array([0]), np.array([0]), np.array([0]), 0.0, 0.0, 0.0).tolist() == [0.0]


def test_a_word_is_told_in_its_most_frequent_spelling(tmp_path):
    texts = ["NATO ships", "NATO ships", "Nato ship", "nato shipping"]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([Article(id=f"n{i}", text=f"{text} sail w{i}x") for i, text in enumerate(texts)], vectors=False)
        archive.add([Article(id=f"o{i}", text=f"soup of barley number v{i}y") for i in range(40)], vectors=False)
        found = archive.terms("nato")
        assert "NATO" in {one.term.split()[0] for one in found.terms}
        assert not {"Nato", "nato", "ship", "of"} & {one.term for one in found.terms}
        assert archive.terms("zebra").terms == ()
        whole = archive.terms("*")
        assert whole.terms == ()
        assert whole.notes == ("all articles match: nothing sets them apart from the archive",)
    with Archive.open(tmp_path / "empty", create=True) as archive:
        assert archive.terms("*", by="year").total == 0
        assert archive.first("*").hits == ()


# The sample archive, by every interface


def by_story(newest):
    """Ids the oldest first, without the copy of an older one."""
    return [one for one in reversed(newest) if one != "meridon-2024-10-11-leak"]


DAM = ["dam", "reservoir", "Tarnwater", "engineer", "Corran Dam"]


@shows("Archive.terms", "query", "limit", "by", "watch")
def test_the_sample(archive):
    watch = Stopwatch()
    found = archive.terms("dam", limit=5, watch=watch)
    assert [one.term for one in found.terms] == DAM
    assert [round(one.score, 3) for one in found.terms] == [5.384, 3.683, 3.553, 3.353, 3.154]
    assert [(one.count, one.articles, one.everywhere) for one in found.terms[-2:]] == [(17, 8, 22), (11, 6, 11)]
    assert found.terms[-1].query == '(dam) "Corran Dam"'
    assert archive.search(found.terms[-1].query).total == 6
    assert (found.total, found.by, found.periods) == (10, None, ())
    assert {"plan", "match", "count", "words", "phrases"} <= set(watch.seconds)
    months = archive.terms("*", by="month", limit=2).periods
    assert [(one.label, [term.term for term in one.terms]) for one in months][::5] == [
        ("2024-09", ["dam"]),
        ("2025-02", ["Halloran"]),
    ]
    for wrong in ({"limit": 0}, {"by": "hour"}, {"limit": True}):
        with pytest.raises(UsageError):
            archive.terms("dam", **wrong)


@shows("Archive.terms", "filters", "as_of", "literal")
@shows("Archive.first", "query", "filters", "as_of", "literal")
@pytest.mark.parametrize("effect", MATCHING, ids=lambda effect: f"{effect.setting}-{effect.value}")
def test_settings_of_methods(archive, effect):
    for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        assert archive.terms(effect.query, **given(settings)).total == len(found)
        assert [hit.article.id for hit in archive.first(effect.query, **given(settings))] == by_story(found)


@shows("Archive.terms", "where")
@shows("Archive.first", "where", "limit", "watch")
def test_where_and_limit(archive):
    from whoosh.query import Term

    where = Term("section", "port")
    watch = Stopwatch()
    assert archive.terms("title:strike", where=where).total == 4
    assert len(archive.first("title:strike", where=where, watch=watch)) == 4
    assert len(archive.first("title:strike", limit=2)) == 2
    assert {"plan", "match", "rank", "present"} <= set(watch.seconds)


@shows("terms", *OPTIONS)
@shows("first", *OPTIONS)
@pytest.mark.parametrize("effect", MATCHING, ids=lambda effect: f"{effect.setting}-{effect.value}")
def test_options(sample_archive, effect):
    for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        asked = (effect.query, "--index", sample_archive, *options(settings))
        assert json.loads(run("terms", *asked, "--format", "json").stdout)["total"] == len(found)
        assert run("first", *asked, "--format", "ids").stdout.split() == by_story(found)


@shows("terms", "--index", "--format", "--output", "--limit", "--by", "--timings", "--debug")
def test_terms_printed(sample_archive, tmp_path):
    asked = ("terms", "dam", "--index", sample_archive)
    shown = run(*asked, "-n", 5)
    assert [row[:11].strip() for row in shown.stdout.splitlines()] == DAM
    assert shown.stdout == run(*asked, "-n", 5, "--format", "pretty").stdout
    assert shown.stdout.splitlines()[-1].endswith("3 11 of 11 in 6 articles")
    assert shown.stderr == "10 articles match\n"
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv", "--by", "month", "-n", 5).stdout)))
    assert [(row["period"], row["term"]) for row in rows] == [*(("", one) for one in DAM), ("2025-01", "inquiry")]
    record = json.loads(run(*asked, "--by", "month", "--format", "json").stdout)
    assert [one["label"] for one in record["periods"]][:2] == ["2024-09", "2024-10"]
    assert "2024-12: nothing stands out\n2025-01: inquiry\n" in run(*asked, "--by", "month").stdout
    kept = run(*asked, "-n", 5, "--output", tmp_path / "kept")
    assert (kept.stdout, (tmp_path / "kept").read_text()) == ("", shown.stdout)
    assert "phrases" in run(*asked, "--timings").stderr
    assert run("terms", "zebra", "--index", sample_archive).exit_code == 1
    assert run("terms", "dam", "--index", tmp_path / "none", "--debug").stderr.startswith("Traceback")


@shows("first", "--index", "--format", "--output", "--limit", "--timings", "--debug")
def test_first_printed(sample_archive, archive, tmp_path):
    asked = ("first", "zerrin", "--index", sample_archive)
    ids = ["zerrin-2024-09-15-ferry-seized", "u-8c80803e625d66f9eb69ada051f77d10", "zerrin-2024-11-17-tamouri-profile"]
    assert run(*asked, "-n", 3, "--format", "ids").stdout.split() == ids
    assert "id zerrin-2024-09-15-ferry-seized\n" in run(*asked).stdout
    assert [hit["id"] for hit in json.loads(run(*asked, "-n", 3, "--format", "json").stdout)["hits"]] == ids
    run(*asked, "-n", 3, "--format", "ids", "--output", tmp_path / "kept")
    assert (tmp_path / "kept").read_text().split() == ids
    assert "match " in run(*asked, "--timings").stderr
    assert "1 article without a date cannot be among these" in run("first", "--index", sample_archive).stderr
    assert run("first", "title:zebra", "--index", sample_archive).exit_code == 1
    assert run("first", "--index", tmp_path / "none", "--debug").stderr.startswith("Traceback")


def test_first_is_the_oldest_of_each_story_by_brute_force(archive):
    with archive._session.reading() as view:
        groups = view.groups(view.snapshot.live)
        oldest = {}
        hits = archive.search("*", sort="oldest", limit=99).hits
        for hit in hits:
            if hit.article.published is not None:
                oldest.setdefault(int(groups.ids[view.ordinal(hit.article.id)]), hit.article.id)
        found = archive.first("*", limit=99)
        assert [hit.article.id for hit in found] == list(oldest.values())
        assert len(oldest) < 98
        assert found.cursor is None


@shows("GET /v1/terms", *PARAMETERS)
@shows("GET /v1/first", *PARAMETERS)
@shows("GET /v1/terms", "limit", "by")
@shows("GET /v1/first", "limit")
def test_routes(sample_archive):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1:8000") as client:
        for effect in MATCHING:
            for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
                said = {"q": effect.query} | {ADDRESSED.get(name, name): value for name, value in settings.items()}
                assert client.get("/v1/terms", params=said).json()["total"] == len(found)
                hits = client.get("/v1/first", params=said).json()["hits"]
                assert [hit["id"] for hit in hits] == by_story(found)
        found = client.get("/v1/terms", params={"q": "dam", "limit": 5}).json()
        assert ([one["term"] for one in found["terms"]], found["periods"]) == (DAM, [])
        assert client.get("/v1/terms", params={"q": "dam", "by": "year"}).json()["periods"][0]["label"] == "2024"
        assert len(client.get("/v1/first", params={"limit": 2}).json()["hits"]) == 2
