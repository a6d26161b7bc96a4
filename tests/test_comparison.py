"""Comparisons of two rankings: against all sign flips, against themselves, and over the command line."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive
from search.errors import UsageError
from search.evaluation import MEASURES, by_query, measure, read_qrels
from search.evaluation.comparison import compare
from search.ingest import read

from .conftest import SAMPLE
from .effects import run, shows

pytestmark = pytest.mark.model


def values(differences, base=0.5):
    return {str(i): base for i in range(len(differences))}, {str(i): base + d for i, d in enumerate(differences)}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-0.4, -0.1, 0.0, 0.05, 0.2, 0.5]), min_size=1, max_size=9))
def test_p_is_that_of_all_sign_flips(differences):
    found = compare(*values(differences))
    mean = np.mean(differences)
    flips = [np.mean(np.multiply(differences, signs)) for signs in itertools.product((1, -1), repeat=len(differences))]
    exact = np.mean(np.abs(flips) >= abs(mean) - 1e-12)
    assert found.p == pytest.approx(exact, abs=0.025)
    assert found.difference == pytest.approx(mean)
    assert found.low <= found.difference + 1e-12
    assert found.high >= found.difference - 1e-12
    assert (found.better, found.worse) == (sum(d > 0 for d in differences), sum(d < 0 for d in differences))


def test_the_interval_is_as_wide_as_the_error_of_the_mean_says():
    differences = np.random.default_rng(1).normal(0.02, 0.3, 800)
    found = compare(*values(differences))
    error = 1.96 * differences.std() / 800**0.5
    assert found.low == pytest.approx(differences.mean() - error, abs=0.003)
    assert found.high == pytest.approx(differences.mean() + error, abs=0.003)
    back = compare(*reversed(values(differences)))
    assert (back.difference, back.p) == (pytest.approx(-found.difference), found.p)


def test_nothing_differs_from_itself_and_a_steady_gain_is_no_noise():
    same = compare(*values([0.0] * 30))
    assert (same.difference, same.low, same.high, same.p, same.certain) == (0, 0, 0, 1, False)
    gain = compare(*values([0.1] * 30))
    assert gain.certain
    assert (gain.low, gain.high) == (pytest.approx(0.1), pytest.approx(0.1))
    with pytest.raises(UsageError, match="same queries"):
        compare({"1": 0.5}, {"2": 0.5})
    with pytest.raises(UsageError, match="same queries"):
        compare({}, {})


def test_measures_by_query_have_the_mean_that_is_measured():
    from search.evaluation import Ranked

    qrels = {"1": {"a": 1, "b": 2}, "2": {"c": 1}, "3": {"d": 1}}
    run_ = {"1": [Ranked("b", 2.0), Ranked("x", 1.0)], "2": [Ranked("x", 2.0), Ranked("c", 1.0)], "3": []}
    each = by_query(run_, qrels)
    assert each["nDCG@10"]["3"] == 0.0
    assert each["MRR@10"]["2"] == 0.5
    for name, mean in measure(run_, qrels).items():
        assert np.mean(list(each[name].values())) == pytest.approx(mean)


ASKED = ("evaluate", "--queries", str(SAMPLE / "queries.jsonl"), "--qrels", str(SAMPLE / "qrels.txt"))


def compared(sample_archive, *arguments):
    ran = run(*ASKED, "--index", str(sample_archive), *arguments, "--format", "json")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


@shows("evaluate", "--compare")
def test_settings_and_archives_are_compared(sample_archive, tmp_path):
    pytest.importorskip("ir_measures")
    told = compared(sample_archive, "--compare", "mode=keyword", "mode=hybrid")
    assert told["compared"] == ["mode=keyword", "mode=hybrid"]
    (found,) = told["modes"].values()
    assert list(found) == list(MEASURES)
    ndcg = found["nDCG@10"]
    assert ndcg["second"] > ndcg["first"] + 0.1
    assert 0 < ndcg["low"] < ndcg["difference"] < ndcg["high"]
    assert ndcg["p"] < 0.01
    same = compared(sample_archive, "--compare", "weight=0.5", "weight=0.5", "--modes", "hybrid")["modes"]["hybrid"]
    assert all((one["difference"], one["p"]) == (0, 1) for one in same.values())
    words = compared(sample_archive, "--compare", "weight=0", "weight=0.5", "--modes", "hybrid")["modes"]["hybrid"]
    assert words["nDCG@10"]["difference"] > 0
    half = tmp_path / "half"
    with Archive.open(half, create=True) as archive:
        archive.add(read([str(SAMPLE / "articles.jsonl")]), vectors=False)
    less = compared(sample_archive, "--compare", str(sample_archive), str(half))["modes"]
    assert list(less) == ["keyword"]  # what both can serve
    assert less["keyword"]["nDCG@10"]["difference"] < 0
    shown = run(
        *ASKED, "--index", str(sample_archive), "--modes", "keyword", "--compare", "detect=off", "detect=prefer"
    )
    assert shown.stdout.count("may be noise") == len(MEASURES)
    assert "judged documents" in shown.stderr


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (("colour=red", "weight=1"), "knows no setting 'colour'"),
        (("weight=x", "weight=1"), "'x' is no value of the setting weight"),
        (("mode=sideways", "weight=1"), "'sideways' is no value of the setting mode"),
        (("weight=1.5", "weight=1"), "weight must be between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_said(sample_archive, sides, said):
    ran = run(*ASKED, "--index", str(sample_archive), "--compare", *sides)
    assert ran.exit_code == 2
    assert said in ran.stderr


def test_judgements_are_read_as_they_are():
    assert len(read_qrels(SAMPLE / "qrels.txt")) > 20
