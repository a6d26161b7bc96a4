"""What a query names of sources and dates comes higher, and nothing is lost by that."""

from __future__ import annotations

import numpy as np
import pytest

from search import Archive, Article
from search.engine.ranking import PREFERENCE, alone, explain, fuse, prefer
from search.engine.ranking.fusion import Leg
from search.query import named
from search.query.named import SourceNames
from search.records import Fusion

from .effects import ARGUS, JANUARY, LEAVES, MATCH, TEACHERS

pytestmark = pytest.mark.model


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
    assert results.notes[0] == f"the query names {source} and {date}: such articles come higher, unless detect is off"
    plain = {hit.article.id: hit.score for hit in archive.search(query, mode="hybrid", limit=1000, detect="off")}
    shares = {LEAVES: 1.0, MATCH: 0.5}  # of the paper and the month; of the month alone
    for hit in results:
        assert sum(hit.explain["parts"].values()) == pytest.approx(hit.score, abs=1e-9)
        gain = PREFERENCE * hit.explain["named"]["met"]
        assert hit.score == pytest.approx(plain[hit.article.id] + gain, abs=2e-6)
        if hit.article.id in shares:
            assert hit.explain["named"] == {"met": shares.pop(hit.article.id)}
    assert not shares


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
    met = np.array([0.0, 1.0, 0.5])
    legs = [Leg([0.9, 0.5, 0.1], [0.9, 0.5, 0.1], 3), Leg([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], 3)]
    for method, gain in ((Fusion.DBSF, 0.25), (Fusion.MINMAX, 0.25), (Fusion.RRF, 0.25 / 61)):
        fused = fuse(*legs, method=method)
        assert prefer(fused, met).scores - fused.scores == pytest.approx(gain * met, abs=2e-6)
    scores = np.array([7.0, 4.0, 1.0])
    lifted = prefer(alone("keyword", scores), met)
    assert lifted.scores - scores == pytest.approx(1.5 * scores.std() * met, abs=2e-6)
    why = explain(lifted, 1)
    assert sum(why["parts"].values()) == pytest.approx(why["score"], abs=1e-9)
    assert why["named"] == {"met": 1.0}
    assert prefer(alone("keyword", [2.0]), np.array([1.0])).scores.tolist() == [2.0]


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
