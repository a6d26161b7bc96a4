"""Samples of a match set: random, by strata, the same for the same seed."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.sampling import equal, proportional
from search.errors import UsageError

from .effects import run, shows


def article(number):
    year = 2020 + (number % 10 >= 6) + (number % 10 == 9)  # 60, 30 and 10 of 100
    source = "" if number % 4 == 0 else "The Argus" if number % 4 == 1 else "the argus"
    text, day = f"It sails {number}.", f"{year}-05-01"
    return Article(id=f"n{number:03}", title="Ferry", text=text, published=day, source=source)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("fleet") / "a", create=True) as archive:
        archive.add([*(article(n) for n in range(100)), Article(id="tug", text="It tows.")], batch=30, vectors=False)
        yield archive


def ids(sample):
    return [hit.article.id for hit in sample.hits]


def oracle(names, seed):
    """The random order of ids, made here by hand."""

    def place(name):
        return blake2b(name.encode(), digest_size=8, key=str(seed).encode(), person=b"sample").digest()

    return sorted(names, key=place)


@shows("Archive.sample", "query", "limit", "seed")
def test_a_sample_is_the_beginning_of_a_random_order(fleet):
    every = [f"n{number:03}" for number in range(100)]
    assert ids(fleet.sample("ferry", limit=20, seed=7)) == oracle(every, 7)[:20]
    assert ids(fleet.sample("ferry", limit=5, seed=7)) == oracle(every, 7)[:5]
    assert ids(fleet.sample("ferry", limit=20, seed=8)) == oracle(every, 8)[:20]
    assert sorted(ids(fleet.sample("ferry", limit=1000))) == every
    drawn = fleet.sample("tows", limit=3)
    assert (ids(drawn), drawn.total, drawn.strata) == (["tug"], 1, ())
    assert ids(fleet.sample("+nothing")) == []


def test_segments_and_order_do_not_matter(fleet, tmp_path):
    with Archive.open(tmp_path / "other", create=True) as other:
        other.add([article(n) for n in reversed(range(100))], batch=7, vectors=False)
        other.optimize()
        assert ids(other.sample("ferry", limit=30, seed=3)) == ids(fleet.sample("ferry", limit=30, seed=3))


@shows("Archive.sample", "by", "allocation")
def test_strata_are_drawn_by_their_share_or_alike(fleet):
    drawn = fleet.sample("ferry", limit=20, seed=1, by="year")
    assert [(one.value, one.articles, one.drawn) for one in drawn.strata] == [
        ("2020", 60, 12),
        ("2021", 30, 6),
        ("2022", 10, 2),
    ]
    years = Counter(hit.article.published.year for hit in drawn.hits)
    assert years == {2020: 12, 2021: 6, 2022: 2}
    in_order = oracle([f"n{number:03}" for number in range(100)], 1)
    assert ids(drawn) == [one for one in in_order if one in set(ids(drawn))]
    alike = fleet.sample("ferry", limit=40, by="year", allocation="equal")
    assert [one.drawn for one in alike.strata] == [15, 15, 10]
    spelled = fleet.sample("ferry", limit=10, by="source")
    assert [(one.value.lower(), one.articles) for one in spelled.strata] == [("", 25), ("the argus", 75)]
    assert [one.value for one in fleet.sample("tows", by="month").strata] == [""]


@shows("Archive.sample", "filters", "as_of", "literal", "copies", "where", "watch")
def test_what_narrows_a_match_set_narrows_a_sample(fleet, sample_archive):
    from whoosh.query import Term

    from search.engine.watch import Stopwatch

    watch = Stopwatch()
    assert fleet.sample("ferry", filters={"until": "2020"}, watch=watch).total == 60
    assert set(watch.seconds) >= {"plan", "match", "draw", "articles"}
    assert fleet.sample("ferry", as_of="2021-12-31").total == 90
    assert (fleet.sample("ferry -sails").total, fleet.sample("ferry -sails", literal=True).total) == (0, 100)
    assert ids(fleet.sample("ferry", where=Term("id", "n007"))) == ["n007"]
    with Archive.open(sample_archive) as archive:
        query = "title:Meridon OR title:pension"
        every, once = archive.sample(query), archive.sample(query, copies="collapse")
        assert (every.total, len(every.hits), every.stories) == (6, 6, None)
        assert (once.total, len(once.hits), once.stories) == (6, 4, 4)
        assert set(ids(once)) < set(ids(every))


@pytest.mark.parametrize("how", [{"by": "author"}, {"limit": 0}, {"limit": 10_001}, {"by": "x"}, {"allocation": "x"}])
def test_samples_that_cannot_be(fleet, how):
    with pytest.raises(UsageError):
        fleet.sample("ferry", **how)


SIZES = st.dictionaries(st.text(max_size=3), st.integers(1, 500), max_size=8)


@given(SIZES, st.integers(0, 1000))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_laws_of_shares(sizes, count):
    total = min(count, sum(sizes.values()))
    for shares in (proportional(sizes, count), equal(sizes, count)):
        assert shares.keys() == sizes.keys()
        assert sum(shares.values()) == total
        assert all(0 <= shares[value] <= size for value, size in sizes.items())
    for value, size in sizes.items():
        assert abs(proportional(sizes, count)[value] - size * total / sum(sizes.values())) < 1
    alike = equal(sizes, count)
    full = [alike[value] for value, size in sizes.items() if alike[value] < size]
    assert not full or max(full) - min(full) <= 1
    assert not full or max(alike.values()) <= min(full) + 1


@shows("sample", "--limit", "--seed", "--by", "--allocation", "--format", "--output", "--index", "--debug", "--timings")
def test_sample_on_the_command_line(fleet, tmp_path):
    index = ("--index", str(fleet.path))
    ran = run("sample", "ferry", "-n", "20", "--seed", "1", "--by", "year", "--format", "json", "--timings", *index)
    drawn = fleet.sample("ferry", limit=20, seed=1, by="year")
    assert [hit["id"] for hit in json.loads(ran.stdout)["hits"]] == ids(drawn)
    assert "2020: 12 of 60\n2021: 6 of 30\n2022: 2 of 10\n20 articles drawn of 100 articles, seed 1\n" in ran.stderr
    assert "draw  " in ran.stderr
    out = tmp_path / "coders.csv"
    asked = ("ferry", "-n", "9", "--by", "year", "--allocation", "equal", "--format", "csv", "--output", str(out))
    assert run("sample", *asked, *index).exit_code == 0
    assert len(list(csv.DictReader(io.StringIO(out.read_text())))) == 9
    assert run("sample", "ferry", "-n", "1", *index).stdout.split()[0] == ids(fleet.sample("ferry", limit=1))[0]
    assert run("sample", "+nothing", *index).exit_code == 1
    assert "Traceback" in run("sample", "ferry", "--debug", "--index", str(tmp_path / "none")).stderr


@shows(
    "sample", "--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal", "--copies"
)
@pytest.mark.parametrize(
    ("asked", "total"),
    [
        (["ferry", "--from", "2021"], 40),
        (["ferry", "--to", "2020"], 60),
        (["ferry", "--as-of", "2020-12-31"], 60),
        (["ferry", "--source", "argus"], 75),
        (["ferry", "--author", "nobody"], 0),
        (["ferry", "--section", "none"], 0),
        (["ferry", "--language", "de"], 0),
        (["ferry -sails", "--literal"], 100),
        (["ferry", "--copies", "collapse"], 100),
    ],
)
def test_narrowing_on_the_command_line(fleet, asked, total):
    ran = run("sample", *asked, "--format", "json", "--index", str(fleet.path))
    assert json.loads(ran.stdout)["total"] == total
    if "--copies" in asked:
        assert json.loads(ran.stdout)["stories"] is not None
