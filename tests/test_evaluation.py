"""Test collections read from files, runs measured against answers worked out by hand."""

from __future__ import annotations

import builtins
import gzip
import json
import math
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner

from search import Archive
from search.cli.main import cli
from search.errors import MissingExtraError, ModeError, SourceError, UsageError
from search.evaluation import MEASURES, Query, Ranked, evaluate, measure, read_qrels, read_queries, run_lines
from search.records import Article, Mode


def write(folder, text, name="file", *, packed=False):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


# Queries


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        '{"_id": "1", "text": "one two", "metadata": {}}\n\n{"_id": "2", "text": "three"}\n',
        '{"id": 1, "text": "one two"}\r\n{"id": 2, "text": "three"}',
        '{"query_id": "1", "query": "one two"}\n{"query_id": "2", "query": "three"}\n',
        "1\tone two\n2\tthree\n",
        "\ufeff1\tone two\r\n2\t three \r\n\r\n",
    ],
)
def test_queries_in_every_form(tmp_path, text, packed):
    assert read_queries(write(tmp_path, text, packed=packed)) == [Query("1", "one two"), Query("2", "three")]


def test_plain_queries_are_numbered_by_line(tmp_path):
    path = write(tmp_path, "one\n\n two three\n")
    assert read_queries(path, plain=True) == [Query("1", "one"), Query("3", "two three")]
    with pytest.raises(SourceError, match=r"file:1: expected a query id, a tab and a text"):
        read_queries(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no queries"),
        ("\n \n", "holds no queries"),
        ('{"_id": "1", "text": "x"}\n{"_id": "2"', "file:2: not valid JSON"),
        ('{"_id": "1", "text": "x"}\n[1]', "file:2: not a JSON object"),
        ('{"_id": "1"}', 'file:1: a query needs "_id"'),
        ('{"_id": true, "text": "x"}', 'file:1: a query needs "_id"'),
        ('{"_id": "1", "text": 5}', 'file:1: a query needs "_id"'),
        ("[" * 100_000, "file:1: expected a query id"),
        ('{"a":' * 100_000, "file:1: not valid JSON"),
        ("1\tx\n\ty\n", "file:2: expected a query id"),
        ("1\tx\n1\ty\n", "file:2: the query id '1' comes a second time"),
        (b"1\t\xff\n", "is not UTF-8 text"),
        (gzip.compress(b"1\tx\n", mtime=0)[:-4], "is not a whole gzip file"),
        (b"\x1f\x8b\x08garbage", "is not a whole gzip file"),
    ],
)
def test_bad_query_files(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        read_queries(write(tmp_path, text))


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SourceError, match="cannot read"):
            read_queries(path)
        with pytest.raises(SourceError, match="cannot read"):
            read_qrels(path)


# Judgements


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "1 0 a 1\n1 0 b 0\n2 0 c 2\n",
        "1\t0\ta\t1\n1\tQ0\tb\t0\n2\t0\tc\t2\n",
        "1  0  a   1\n1 0 b\t0\n2 0 c 2\n\n",
        "query-id\tcorpus-id\tscore\n1\ta\t1\n1\tb\t0\n2\tc\t2\n",
        "1\ta\t1\n1\tb\t0\n2\tc\t2\n1\ta\t1\n",
    ],
)
def test_qrels_in_every_form(tmp_path, text, packed):
    assert read_qrels(write(tmp_path, text, packed=packed)) == {"1": {"a": 1, "b": 0}, "2": {"c": 2}}


def test_qrels_with_spaces_in_ids(tmp_path):
    assert read_qrels(write(tmp_path, "query-id\tcorpus-id\tscore\n1\tan id\t1\n")) == {"1": {"an id": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no judgements"),
        ("query-id\tcorpus-id\tscore\n", "holds no judgements"),
        ("1 0 a\n1 0 a b c\n", "file:1|file:2"),
        ("1 0 a 1\n1 0 b high\n", "file:2: the relevance 'high' is not a whole number"),
        ("1 0 a 1\n1 0 a 2\n", "file:2: 'a' was judged 1 for query '1' before"),
        ("just one\n", "file:1: expected 3"),
    ],
)
def test_bad_qrels_files(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        read_qrels(write(tmp_path, text))


# Measures

QRELS = {"q1": {"a": 2, "b": 1, "x": 0}, "q2": {"c": 1}}


def ranking(*doc_ids):
    return [Ranked(doc_id, 10.0 - place) for place, doc_id in enumerate(doc_ids)]


def test_measures_by_hand():
    found = measure({"q1": ranking("x", "a", "z", "b"), "q2": ranking("c")}, QRELS)
    gain = (2 / math.log2(3) + 1 / math.log2(5)) / (2 + 1 / math.log2(3))
    expected = {
        "nDCG@10": (gain + 1) / 2,
        "MAP": ((1 / 2 + 2 / 4) / 2 + 1) / 2,
        "MRR@10": (1 / 2 + 1) / 2,
        "R@10": 1.0,
        "R@100": 1.0,
    }
    assert found == pytest.approx(expected)
    assert tuple(found) == MEASURES


def test_cut_offs():
    filler = [f"z{n}" for n in range(200)]
    found = measure({"q2": ranking(*filler[:10], "c")}, {"q2": {"c": 1}})
    assert found == pytest.approx({"nDCG@10": 0, "MAP": 1 / 11, "MRR@10": 0, "R@10": 0, "R@100": 1})
    found = measure({"q2": ranking(*filler, "c")}, {"q2": {"c": 1}})
    assert found == pytest.approx({"nDCG@10": 0, "MAP": 1 / 201, "MRR@10": 0, "R@10": 0, "R@100": 0})


@pytest.mark.parametrize("run", [{}, {"q1": [], "q2": []}, {"q1": ranking("y")}, {"other": ranking("a")}])
def test_queries_without_results_count_zero(run):
    assert measure(run, QRELS) == dict.fromkeys(MEASURES, 0.0)


def test_one_query_found_of_two_counts_half():
    assert measure({"q2": ranking("c")}, QRELS)["nDCG@10"] == pytest.approx(0.5)


def test_documents_judged_zero_do_not_count():
    assert measure({"q1": ranking("x")}, {"q1": {"x": 0, "a": 1}})["R@10"] == 0.0


# Evaluation


ARTICLES = [
    Article(id="a", text="one one"),
    Article(id="b", text="one two", published=date(2025, 1, 2)),  # as good as the next for "two", and newer
    Article(id="c", text="six two", published=date(2025, 1, 1)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation") / "archive"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(ARTICLES)
    return folder


@pytest.fixture
def archive(folder, monkeypatch):
    """An archive that no test changes, named by the environment."""
    monkeypatch.setenv("BROADSHEET_INDEX", str(folder))
    with Archive.open(folder) as archive:
        yield archive


QUERIES = [Query("q1", "one"), Query("q2", "two"), Query("q3", "three")]


def test_evaluate_runs_the_judged_queries_in_every_mode(archive):
    seen = []
    quality = evaluate(archive, QUERIES, {**QRELS, "q9": {"a": 1}}, progress=lambda *one: seen.append(one))
    assert list(quality.measures) == [Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID]
    assert quality.measures[Mode.HYBRID]["MRR@10"] == pytest.approx(0.75)
    assert (quality.queries, quality.judged, quality.missing, quality.unjudged, quality.unknown) == (2, 4, 1, 1, 1)
    assert quality.notes == ()
    for mode, ranked in quality.runs.items():
        hits = archive.search("one", mode=mode, literal=True, limit=1000)
        assert [one.doc_id for one in ranked["q1"]] == [hit.article.id for hit in hits]
        assert [one.score for one in ranked["q1"]] == pytest.approx([hit.score for hit in hits], abs=1e-6)
    assert seen == [(n, 6) for n in range(1, 7)]


def test_equal_scores_keep_the_archive_s_order(archive):
    quality = evaluate(archive, QUERIES, QRELS, modes=[Mode.KEYWORD], depth=100)
    ranked = quality.runs[Mode.KEYWORD]["q2"]
    assert [one.doc_id for one in ranked] == ["b", "c"]
    hits = archive.search("two", mode="keyword")
    assert hits[0].score == hits[1].score == pytest.approx(ranked[0].score, abs=1e-6)
    assert ranked[0].score > ranked[1].score > ranked[0].score - 1e-4
    # trec_eval would put c before b on a tie, and find it first
    assert quality.measures[Mode.KEYWORD]["MRR@10"] == pytest.approx((1 + 0.5) / 2)


def test_long_ties_stay_in_order_in_single_precision_text(tmp_path):
    with Archive.open(tmp_path / "ties", create=True) as ties:
        ties.add([Article(id=f"d{n:04}", text="one") for n in range(300)], vectors=False)
        quality = evaluate(ties, QUERIES, QRELS, modes=[Mode.KEYWORD])
    run = quality.runs[Mode.KEYWORD]["q1"]
    assert [one.doc_id for one in run] == [f"d{n:04}" for n in range(300)]
    scores = [np.float32(line.split()[4]) for line in run_lines({"q1": run}, "t")]
    assert all(above > below for above, below in pairwise(scores))


def test_an_archive_without_vectors(tmp_path):
    with Archive.open(tmp_path / "words", create=True) as words:
        words.add(ARTICLES, vectors=False)
        quality = evaluate(words, QUERIES, QRELS)
        assert list(quality.measures) == [Mode.KEYWORD]
        assert quality.notes == (
            "mode vector left out: this archive has no vectors",
            "mode hybrid left out: this archive has no vectors",
        )
        with pytest.raises(ModeError, match="no vectors"):
            evaluate(words, QUERIES, QRELS, modes=[Mode.VECTOR])


def test_nothing_judged(archive):
    with pytest.raises(UsageError, match="none of the queries has a judgement"):
        evaluate(archive, QUERIES, {"other": {"a": 1}})


def test_an_empty_query_finds_nothing(archive):
    quality = evaluate(archive, [Query("q2", "  ")], QRELS, modes=[Mode.KEYWORD])
    assert quality.runs[Mode.KEYWORD] == {"q2": []}
    assert quality.measures[Mode.KEYWORD]["MAP"] == 0.0


def test_without_ir_measures(archive, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name == "ir_measures":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[evaluate\]"):
        evaluate(archive, QUERIES, QRELS)


def test_run_lines():
    run = {"q 1": [Ranked("a\tb\n", 1.5), Ranked("日本\u3000c%", 0.1)], "q2": []}
    assert list(run_lines(run, "tag")) == ["q%201 Q0 a%09b%0A 1 1.5 tag\n", "q%201 Q0 日本%E3%80%80c% 2 0.1 tag\n"]


# The command


@pytest.fixture
def files(tmp_path):
    queries = write(tmp_path, "q1\tone\nq2\ttwo\nq3\tthree\n", "queries.tsv")
    qrels = write(tmp_path, "q1 0 a 2\nq1 0 b 1\nq1 0 x 0\nq2 0 c 1\nq9 0 a 1\n", "qrels.txt")
    return ("--queries", str(queries), "--qrels", str(qrels))


def run(*arguments):
    return CliRunner().invoke(cli, ["evaluate", *arguments])


def test_command_prints_a_table(archive, files):
    result = run(*files)
    assert result.exit_code == 0
    assert result.stdout == (
        "mode      nDCG@10      MAP   MRR@10     R@10    R@100\n"
        "keyword    0.8155   0.7500   0.7500   1.0000   1.0000\n"
        "vector     0.8155   0.7500   0.7500   1.0000   1.0000\n"
        "hybrid     0.8155   0.7500   0.7500   1.0000   1.0000\n"
    )
    assert result.stderr == (
        "2 queries, 4 judged documents\n"
        "1 judged document not in the archive: no ranking can find them\n"
        "not run, for want of judgements: 1 query\n"
        "not used: judgements of 1 query that the query file lacks\n"
    )


def test_command_prints_json(archive, files):
    record = json.loads(run(*files, "--format", "json", "--modes", "hybrid,keyword").stdout)
    assert list(record["measures"]) == ["hybrid", "keyword"]
    assert record["measures"]["keyword"] == {
        "nDCG@10": 0.8155,
        "MAP": 0.75,
        "MRR@10": 0.75,
        "R@10": 1.0,
        "R@100": 1.0,
    }
    assert (record["queries"], record["judged_documents"], record["missing_documents"]) == (2, 4, 1)


def test_command_writes_a_run_for_each_mode(archive, files, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    result = run(*files, "--modes", "keyword,hybrid", "--run", str(folder / "mine.run"))
    assert sorted(path.name for path in folder.iterdir()) == ["mine.hybrid.run", "mine.keyword.run"]
    first, second, third, fourth = (line.split() for line in (folder / "mine.keyword.run").read_text().splitlines())
    assert [row[:4] for row in (first, second, third, fourth)] == [
        ["q1", "Q0", "a", "1"],
        ["q1", "Q0", "b", "2"],
        ["q2", "Q0", "b", "1"],
        ["q2", "Q0", "c", "2"],
    ]
    best = archive.search("one", mode="keyword")
    assert [float(first[4]), float(second[4])] == pytest.approx([hit.score for hit in best], abs=1e-6)
    assert 0 < float(third[4]) - float(fourth[4]) < 1e-4
    assert {row[5] for row in (first, second, third, fourth)} == {"broadsheet-keyword"}
    assert f"wrote {folder / 'mine.hybrid.run'}\n" in result.stderr


@pytest.mark.parametrize("option", [("--modes", "best"), ("--modes", ""), ("--depth", "99"), ("--run", "")])
def test_command_refuses(files, option):
    assert run(*files, *option, "--index", "nowhere").exit_code == 2


def test_command_needs_its_files(files, tmp_path):
    assert run("--queries", files[1]).exit_code == 2
    result = run("--queries", files[1], "--qrels", str(tmp_path / "none"), "--index", "nowhere")
    assert result.exit_code == 2
    assert "cannot read" in result.stderr


def test_a_run_that_cannot_be_written(archive, files, tmp_path):
    assert run(*files, "--run", str(tmp_path / "no" / "x")).exit_code == 3
