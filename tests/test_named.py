"""What a query names of sources and dates comes higher, and nothing is lost by that."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from search import Archive, Article
from search import query as language
from search.engine.ranking import DATE_PREFERENCE, PREFERENCE, alone, explain, fuse, prefer
from search.engine.ranking.fusion import Leg
from search.query import named
from search.query.named import SourceNames
from search.records import Fusion

from .effects import ARGUS, JANUARY, LEAVES, MATCH, TEACHERS

pytestmark = pytest.mark.model

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.mark.parametrize("query", [ARGUS, JANUARY])
@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_the_same_articles_in_another_order(archive, query, mode):
    found = {how: archive.search(query, mode=mode, limit=1000, detect=how) for how in ("prefer", "off")}
    ids = {how: [hit.article.id for hit in results] for how, results in found.items()}
    assert sorted(ids["prefer"]) == sorted(ids["off"])
    assert ids["prefer"] != ids["off"]
    assert found["prefer"].total == found["off"].total
    assert [note for note in found["off"].notes if "names" in note] == []
    first = archive.search(query, mode=mode, limit=10)  # a first page is the beginning of all
    assert [hit.article.id for hit in first] == ids["prefer"][:10]


def test_what_is_preferred_is_told_and_explained(archive):
    query = "The Wexcombe Argus on Halloran in February 2025"
    results = archive.search(query, mode="hybrid", limit=1000, explain=True)
    source, date = 'source:="The Wexcombe Argus"', "date:2025-02-01..2025-02-28"
    told = "such articles come higher, and the date's words do not rank, unless detect is off"
    assert results.notes[0] == f"the query names {source} and {date}: {told}"
    undated = query.removesuffix(" in February 2025")
    plain = {hit.article.id: hit.score for hit in archive.search(undated, mode="hybrid", limit=1000, detect="off")}
    shares = {LEAVES: 1.0, MATCH: 0.5}  # of the paper and the month; of the month alone
    for hit in results:
        assert sum(hit.explain["parts"].values()) == pytest.approx(hit.score, abs=1e-9)
        gain = PREFERENCE / 2 if hit.article.source == "The Wexcombe Argus" else 0.0
        if str(hit.article.published).startswith("2025-02"):
            gain += DATE_PREFERENCE / 2
        assert hit.score == pytest.approx(plain[hit.article.id] + gain, abs=2e-6)
        if hit.article.id in shares:
            assert hit.explain["named"] == {"met": shares.pop(hit.article.id)}
    assert not shares


@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_the_words_of_a_date_do_not_rank(archive, mode):
    """They are in articles of other days, too; the scores are those of the other words, and of the day."""
    plain = archive.search("strike", mode=mode, limit=1000, detect="off", explain=True)
    dated = archive.search(JANUARY, mode=mode, limit=1000, explain=True)
    scores = {hit.article.id: sum(hit.explain["parts"].values()) for hit in plain}
    for hit in dated:
        parts = {name: part for name, part in hit.explain["parts"].items() if name != "named"}
        assert sum(parts.values()) == pytest.approx(scores.get(hit.article.id, 0.0), abs=2e-6)
        assert [term["term"] for term in hit.explain.get("keyword", {}).get("terms", [])] in ([], ["strike"])
    assert (dated[0].article.id == TEACHERS) is (mode != "vector")  # to which lightning strikes are as near
    assert dated.total == archive.search(JANUARY, mode=mode, detect="off").total


@pytest.mark.parametrize("query", ["in January 2025", "what was on January 2025", "in January 1925 strike"])
def test_a_date_ranks_where_there_is_nothing_else_or_nothing_of_it(archive, query):
    for mode in ("keyword", "hybrid"):
        explained = archive.search(query, mode=mode, limit=1000, explain=True)
        terms = {term["term"] for hit in explained for term in hit.explain["keyword"]["terms"]}
        assert terms & {"januari", "january"}


@pytest.mark.parametrize(
    ("query", "ranking"),
    [
        ("strike on 3 January 2025", ["strike"]),
        ("strike in January", ["strike", "in", "January"]),  # of which year?
        ("the 2024 strike in 2024", ["the", "2024", "strike", "in", "2024"]),
        ("strike January 2025 to March 2025", ["strike"]),
        ("strike in October and November 2024", ["strike", "and"]),
        ("strike last week and on Tuesday", ["strike", "and"]),
        ('"January 2025" strike', ["strike", "January", "2025"]),  # a phrase is a condition
        ("+January 2025 strike", ["2025", "strike", "January"]),
    ],
)
def test_which_words_are_a_dates_and_no_more(query, ranking):
    parsed = language.parse(query, now=NOW)
    days = [(one.start, one.end) for one in named.days(parsed.encoder_text, NOW) if one.dates_only]
    rest = parsed.without(days)
    assert sorted(rest.scoring_words) == sorted(ranking)
    assert sorted(rest.encoder_text.split()) == sorted(ranking)
    assert (rest.constraint, rest.words) == (parsed.constraint, parsed.words)


def test_filter_lets_nothing_else_through(archive):
    hits = archive.search(JANUARY, mode="hybrid", limit=1000, detect="filter")
    assert {hit.article.published.isoformat()[:7] for hit in hits} == {"2025-01"}
    assert hits[0].article.id == TEACHERS


def test_what_is_required_is_told(archive):
    required = archive.search(JANUARY, mode="keyword", limit=1000, detect="filter")
    note = "the query names date:2025-01-01..2025-01-31: only such articles are searched, as detect is filter"
    assert required.notes[0] == note
    assert not any("names" in note for note in archive.search("strike", detect="filter").notes)


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_filter_holds_in_any_order(archive, sort):
    every = archive.search("in 2024", sort=sort, limit=1000, detect="off")
    years = [hit.article.published.year for hit in every]
    assert {2024} < set(years)
    hits = archive.search("in 2024", sort=sort, limit=1000, detect="filter")
    assert [hit.article.id for hit in hits] == [
        hit.article.id for hit, year in zip(every, years, strict=True) if year == 2024
    ]


@pytest.mark.parametrize("settings", [{"sort": "newest"}, {"query": "strike"}, {"query": "source:BBC"}])
def test_nothing_is_said_where_nothing_is_lifted(archive, settings):
    asked = {"query": JANUARY, **settings}
    assert not any("names" in note for note in archive.search(asked.pop("query"), **asked).notes)


def test_a_name_that_no_article_here_has_lifts_none(archive):
    results = archive.search("strike in January 1925")
    assert [note for note in results.notes if "names" in note] == [
        "the query names date:1925-01-01..1925-01-31, and no article is of that"
    ]
    assert "named" not in (archive.search("strike", explain=True)[0].explain or {})


def test_the_gain_is_on_the_scale_of_the_scores():
    both = np.array([[False, True, True], [False, True, False]])
    met = np.array([0.0, 1.0, 0.5])
    assert prefer(alone("keyword", [3.0, 2.0, 1.0]), both, [0.2, 0.4]).scores == pytest.approx(
        [3.0, 2.0 + 6 * np.std([1, 2, 3]) * 0.3, 1.0 + 6 * np.std([1, 2, 3]) * 0.1], abs=2e-6
    )
    legs = [Leg([0.9, 0.5, 0.1], [0.9, 0.5, 0.1], 3), Leg([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], 3)]
    for method, gain in ((Fusion.DBSF, 0.25), (Fusion.MINMAX, 0.25), (Fusion.RRF, 0.25 / 61)):
        fused = fuse(*legs, method=method)
        assert prefer(fused, both, [0.25, 0.25]).scores - fused.scores == pytest.approx(gain * met, abs=2e-6)
    scores = np.array([7.0, 4.0, 1.0])
    lifted = prefer(alone("keyword", scores), both, [0.25, 0.25])
    assert lifted.scores - scores == pytest.approx(1.5 * scores.std() * met, abs=2e-6)
    why = explain(lifted, 1)
    assert sum(why["parts"].values()) == pytest.approx(why["score"], abs=1e-9)
    assert why["named"] == {"met": 1.0}
    assert prefer(alone("keyword", [2.0]), np.array([[True]]), [0.25]).scores.tolist() == [2.0]


def test_only_names_whose_first_word_is_there_are_looked_for():
    names = SourceNames(["The Hindu", "BBC", "Financial Times", "NPR Online News", "bbc.co.uk", "¡Hola!"])
    asked = "What did the Hindu and the BBC say, or NPR, or ¡Hola!?"
    assert sorted(called for called, _ in names.candidates(asked)) == [
        "BBC",
        "NPR",
        "NPR Online News",
        "The Hindu",
        "¡Hola!",
    ]
    assert [one.name for one in named.sources(asked, names)] == [
        one.name for one in named.sources(asked, list(names.every))
    ]


@pytest.fixture
def dated(tmp_path):
    """Three articles of spring 2020."""
    with Archive.open(tmp_path / "dated", create=True, model=None) as opened:
        opened.add(
            [
                Article(id="pier", title="Pier shut", text="The pier is shut.", published="2020-03-02", source="Tide"),
                Article(
                    id="kelp", title="Kelp found", text="Kelp was found.", published="2020-04-02", source="Gull Post"
                ),
                Article(id="moth", title="Moth seen", text="A moth was seen.", published="2020-04-03", source="Mary"),
            ]
        )
        yield opened


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("pier in May 2020", "date:2020-05-01..2020-05-31, and no article is of that"),
        ("pier in April 2020", "date:2020-04-01..2020-04-30, and nothing that was found is of that"),
        ("pier, said the Gull Post", 'source:="Gull Post", and nothing that was found is of that'),
    ],
)
def test_what_is_named_and_not_found_is_said(dated, query, note):
    results = dated.search(query, mode="keyword")
    assert [hit.article.id for hit in results] == ["pier"]
    assert f"the query names {note}" in results.notes
    assert results.did_you_mean is None  # no "Mary 2020"
