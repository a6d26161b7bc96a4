"""What suits an archive: a planted gain is found and kept, noise is told and keeps nothing, in every process."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.settings import RankingSettings
from search.errors import ModeError, UsageError
from search.evaluation import Query, by_query, evaluate, read_qrels, read_queries, tuning
from search.evaluation.pairs import made
from search.evaluation.tuning import MEASURE, USUAL, tune
from search.ingest import read
from search.keyword import Bm25Settings
from search.records import Mode
from search.storage.locks import lock_writer

from .conftest import SAMPLE
from .effects import run, shows

TOPICS = [
    f"{first}{second}" for first in ("dor", "vel", "kar", "mun", "tas") for second in ("ami", "ebo", "ilu", "oth")
]
PLANTED = [Query(topic, topic) for topic in TOPICS * 2]
QUERIES, QRELS = SAMPLE / "queries.jsonl", SAMPLE / "qrels.txt"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The sample by words alone."""
    folder = tmp_path_factory.mktemp("tuning") / "words"
    with Archive.open(folder, create=True) as archive:
        paths = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
        archive.add((one for one in read(paths) if isinstance(one, Article)), vectors=False)
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The sample, and forty topics: of each an article has the word in its title, and another twice in its text."""
    folder = tmp_path_factory.mktemp("planted") / "archive"
    with Archive.open(folder, create=True) as archive:
        paths = [str(SAMPLE / name) for name in ("articles", "articles.jsonl")]
        archive.add((one for one in read(paths) if isinstance(one, Article)), vectors=False)
        for topic in (f"{one}{end}" for one in TOPICS for end in ("n", "r")):
            archive.add(
                [
                    Article(id=f"{topic}-right", title=f"On {topic}", text="The council met and spoke of the harbour."),
                    Article(
                        id=f"{topic}-wrong", title="A meeting", text=f"The council met; {topic} came, {topic} left."
                    ),
                ],
                vectors=False,
            )
        archive.tune(title=0.5)
    topics = [f"{one}{end}" for one in TOPICS for end in ("n", "r")]
    return folder, [Query(one, one) for one in topics], {one: {f"{one}-right": 1} for one in topics}


def mean(archive, queries, qrels, mode=Mode.KEYWORD):
    run = evaluate(archive, queries, qrels, modes=[mode], depth=10).runs[mode]
    return float(np.mean(list(by_query(run, {one.query_id: qrels[one.query_id] for one in queries})[MEASURE].values())))


def test_a_planted_gain_is_found_and_measured_as_evaluate_does(planted, tmp_path):
    folder, queries, qrels = planted
    with Archive.open(shutil.copytree(folder, tmp_path / "copy")) as archive:
        before, commit = archive.settings, archive.stats()["commit"]
        assert mean(archive, queries, qrels) < 0.7
        found = tune(archive, queries, qrels)
        assert (archive.settings, archive.stats()["commit"]) == (before, commit)  # it only says so
        assert found.mode is Mode.KEYWORD
        assert found.after["title"] > found.before["title"] == 0.5
        assert found.gains
        assert found.held_out.second == 1.0
        assert found.queries_seen + found.held_out.queries == len(queries)
        seen = len(queries) - found.held_out.queries
        for place, value in enumerate((found.held_out.first, found.held_out.second)):
            whole = (found.seen[place] * seen + value * found.held_out.queries) / len(queries)
            assert mean(archive, queries, qrels) == pytest.approx(whole, abs=1e-9)
            archive.tune(**found.changes)
        with Archive.open(archive.path) as other:
            assert other.search(queries[0].text)[0].article.id == f"{queries[0].text}-right"
        again = tune(archive, queries, qrels)
        assert (again.changes, again.gains) == ({}, False)


def test_the_same_is_found_again(planted):
    with Archive.open(planted[0]) as archive:
        assert tune(archive, *planted[1:]) == tune(archive, *planted[1:])


def test_noise_is_told_from_a_gain(words):
    rnd = random.Random(4)
    with Archive.open(words) as archive:
        ids = list(archive.ids())
        queries = [query for query in read_queries(QUERIES) if query.query_id in read_qrels(QRELS)]
        found = tune(archive, queries, {query.query_id: {rnd.choice(ids): 1} for query in queries})
    assert found.trials > 10
    assert found.seen[1] >= found.seen[0]
    assert not found.gains


def test_an_interrupt_keeps_the_best_so_far(planted):
    def stop(trials, best):
        if trials == 7:
            raise KeyboardInterrupt

    with Archive.open(planted[0]) as archive:
        found = tune(archive, *planted[1:], progress=stop)
    assert found.interrupted
    assert found.trials == 7
    assert found.seen[1] >= found.seen[0]
    assert found.held_out.queries == len(planted[1]) - found.queries_seen


def test_too_few_queries_and_what_cannot_be_served(words):
    with Archive.open(words) as archive:
        with pytest.raises(UsageError, match="19 queries with something relevant are too few"):
            tune(archive, PLANTED[:19], {query.query_id: {"x": 1} for query in PLANTED[:19]})
        with pytest.raises(UsageError, match="0 queries"):
            tune(archive, PLANTED[:20], {query.query_id: {"x": 0} for query in PLANTED[:20]})
        with pytest.raises(ModeError, match="no vectors"):
            tune(archive, PLANTED[:20], {query.query_id: {"x": 1} for query in PLANTED}, mode=Mode.HYBRID)
        with pytest.raises(UsageError, match="by words alone"):
            tune(archive, mode=Mode.VECTOR)


def test_an_archive_without_headlines_wants_queries(tmp_path):
    with Archive.open(tmp_path / "untitled", create=True) as archive:
        archive.add([Article(id="1", title="", text="Ferries wait in the harbour. " * 20)], vectors=False)
        with pytest.raises(UsageError, match="headlines make 0 queries, and 20 are needed to tune by; give queries"):
            tune(archive)


def test_made_pairs_are_headlines_that_no_title_gives_away(words):
    with Archive.open(words) as archive:
        with archive._session.reading() as view:
            queries, qrels = made(view, 40)
            assert made(view, 40) == (queries, qrels)
            assert len(made(view, 25)[0]) == 25
        assert len(queries) == len({query.query_id for query in queries}) == 40
        for query in queries:
            article = archive.get(query.query_id)
            asked = query.text.split()
            assert 3 <= len(asked) <= 6
            assert [word for word in article.title.replace("’", "'").split() if word.strip(",.:;?!'\"") in asked]
            assert article.title.casefold() not in article.text.casefold()
            assert query.query_id in qrels[query.query_id]
        found = tune(archive, pairs=40)
        assert "title" not in found.searched
        assert found.after["title"] == found.before["title"]
        archived = mean(archive, queries, qrels)
        assert found.held_out.first < archived - 0.1  # titles would find nearly all


def test_copies_of_what_is_sought_are_right_too(tmp_path):
    text = "The harbour council met on Tuesday and heard of the dredging of the outer channel, " * 8
    rows = [
        Article(id=name, title="Zebra quay dredger founders", text=text, source=name, published="2024-10-01")
        for name in ("one", "two")
    ]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(rows, vectors=False)
        with archive._session.reading() as view:
            queries, qrels = made(view, 10)
    assert {query.query_id for query in queries} == {"one", "two"}
    assert all(set(judged) == {"one", "two"} for judged in qrels.values())


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(RankingSettings.names()),
    st.floats(0, 1),
    st.sampled_from([8.0, 2.0, 1.4, 1.15]),
    st.booleans(),
)
def test_a_move_is_within_bounds_and_moves_one_setting(name, value, step, up):
    start = RankingSettings().but({name: value})
    moved = tuning._moved(start, name, step, up)
    if moved is None:
        assert value in (0, 1) or 0 < value < 1e-300 or float(f"{value:.3g}") == value or not up
        return
    before, after = asdict(start), asdict(moved)
    assert [key for key in before if before[key] != after[key]] == [name]
    assert after[name] >= 0
    assert after[name] <= 1 or name not in ("b", "weight")


# What an archive is ranked by.


def test_settings_of_meaning_are_stored_only_where_they_are_others():
    usual = RankingSettings()
    assert usual.stored() == asdict(Bm25Settings())  # what earlier versions read
    tuned = usual.but({"lead": 0.5})
    assert tuned.stored() == asdict(Bm25Settings()) | {"lead": 0.5}
    with pytest.raises(TypeError):  # and these they refuse
        Bm25Settings(**tuned.stored())
    assert RankingSettings(**tuned.stored()) == tuned


@pytest.mark.parametrize(
    "wrong", [{"weight": 1.1}, {"lead": -0.1}, {"lead": "1"}, {"near": True}, {"exact": float("nan")}, {"colour": 1.0}]
)
def test_settings_without_a_sense_are_refused(words, wrong):
    with Archive.open(words) as archive, pytest.raises(UsageError):
        archive.tune(**wrong)


@pytest.mark.model
def test_weight_and_lead_are_what_searches_use(sample_archive, tmp_path):
    with Archive.open(shutil.copytree(sample_archive, tmp_path / "copy")) as archive:
        asked = "strike in the harbour"

        def told(**how):
            return [(hit.article.id, hit.score) for hit in archive.search(asked, **how)]

        usual, meaning = told(), told(weight=1.0)
        assert told(weight=0.5) == usual != meaning
        archive.tune(weight=1.0)
        assert told() == meaning
        assert told(weight=0.5) == usual
        assert archive.stats()["ranking"]["weight"] == 1.0
        archive.tune(weight=0.5, lead=0.7)
        for hit in archive.search(asked, mode="vector", explain=True):
            part = hit.explain["vector"]
            expected = part["best"] + 0.7 * part["first"] - 0.01 * np.log(part["passages"])
            assert hit.score == pytest.approx(expected, abs=2e-6)
        archive.tune(**USUAL)
        assert told() == usual
        assert archive.settings["bm25"] == asdict(Bm25Settings())


def test_words_in_a_subfield_without_weight_are_near_nothing(tmp_path):
    rows = [
        Article(
            id="title", title="dredger founders", text="Of a founders day. " + "Some words more. " * 20 + "A dredger."
        ),
        Article(id="text", title="A day", text="The dredger founders. " + "Some words more. " * 20),
        *(Article(id=f"n{i}", title="Nothing", text="Other words. " * 20) for i in range(20)),
    ]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(rows, vectors=False)
        asked = {"mode": "keyword", "explain": True}
        near = {hit.article.id: hit.explain["keyword"]["near"] for hit in archive.search("dredger founders", **asked)}
        assert {name: len(parts) for name, parts in near.items()} == {"title": 1, "text": 1}
        archive.tune(title=0.0)
        near = {hit.article.id: hit.explain["keyword"]["near"] for hit in archive.search("dredger founders", **asked)}
        assert {name: len(parts) for name, parts in near.items()} == {"title": 0, "text": 1}


# The command.


@pytest.fixture
def files(planted, tmp_path):
    """A copy of the planted archive, and the call that tunes it."""
    folder, queries, qrels = planted
    (tmp_path / "q.tsv").write_text("".join(f"{query.query_id}\t{query.text}\n" for query in queries))
    (tmp_path / "q.txt").write_text("".join(f"{query} 0 {one} 1\n" for query, each in qrels.items() for one in each))
    copy = shutil.copytree(folder, tmp_path / "archive")
    return copy, ["tune", "--index", copy, "--queries", tmp_path / "q.tsv", "--qrels", tmp_path / "q.txt"]


@shows("tune", "--index", "--queries", "--qrels", "--save", "--reset", "--format", "--output")
def test_tune_saves_what_gains_and_takes_it_back(files, tmp_path):
    folder, call = files
    with Archive.open(folder) as kept_open:
        before = kept_open.stats()["ranking"]
        shown = run(*call)
        assert shown.exit_code == 0
        (title,) = [row.split() for row in shown.stdout.splitlines() if row.startswith("title")]
        assert title[1] == "0.5"
        assert float(title[2]) > 0.5
        assert "a gain beyond noise" in shown.stderr
        assert "--save keeps these settings" in shown.stderr
        assert kept_open.stats()["ranking"] == before
        saved = run(*call, "--save", "--format", "json", "--output", tmp_path / "found.json")
        assert (saved.exit_code, saved.stdout) == (0, "")
        found = json.loads((tmp_path / "found.json").read_text())
        assert (found["gains"], found["saved"]) == (True, True)
        assert kept_open.stats()["ranking"] == found["after"]  # what was open before sees it
        assert json.loads(run("stats", "--index", folder, "--format", "json").stdout)["ranking"] == found["after"]
        hits = json.loads(run("search", "doramin", "--index", folder, "--format", "json").stdout)["hits"]
        assert hits[0]["id"] == "doramin-right"
        back = run("tune", "--index", folder, "--reset", "--format", "json")
        assert json.loads(back.stdout) == kept_open.stats()["ranking"] == USUAL
        assert run("tune", "--index", folder, "--reset").stdout.startswith("k1=0.9 b=0.75 title=3 ")


@shows("tune", "--pairs", "--mode")
def test_tune_on_what_the_archive_makes_of_itself(words, tmp_path):
    folder = shutil.copytree(words, tmp_path / "archive")
    before = (folder / "catalog.sqlite").read_bytes()
    made = run("tune", "--index", folder, "--pairs", 40, "--save", "--format", "json")
    found = json.loads(made.stdout)
    assert found["queries_seen"] + found["held_out"]["queries"] == 40
    assert (found["gains"], found["saved"], made.exit_code) == (False, False, 1)
    assert "rarer words of headlines" in made.stderr
    assert "nothing is saved" in made.stderr or "nothing better was found" in made.stderr
    assert (folder / "catalog.sqlite").read_bytes() == before
    asked = ("tune", "--index", folder, "--queries", QUERIES, "--qrels", QRELS)
    assert json.loads(run(*asked, "--mode", "keyword", "--format", "json").stdout)["mode"] == "keyword"
    refused = run(*asked, "--mode", "hybrid")
    assert refused.exit_code == 2
    assert "no vectors" in refused.stderr


def test_what_cannot_go_together(words):
    call = ("tune", "--index", words)
    for more, told in (
        (("--reset", "--save"), "--reset goes alone"),
        (("--queries", QUERIES), "go together"),
        (("--queries", QUERIES, "--qrels", QRELS, "--pairs", 50), "leave one out"),
        (("--mode", "vector"), "by words alone"),
        (("--pairs", 39), "40<=x<=10000"),
    ):
        ran = run(*call, *more)
        assert ran.exit_code == 2
        assert told in ran.stderr
    absent = run("tune", "--index", words.parent / "none")
    assert (absent.exit_code, absent.stdout) == (3, "")
    assert "Traceback" in run("tune", "--index", words.parent / "none", "--debug").stderr


shows("tune", "--debug")(test_what_cannot_go_together)


@shows("tune", "--wait")
def test_what_was_found_is_shown_where_another_one_writes(files):
    folder, call = files
    from search.storage.folder import Folder

    place = Folder.open(folder)
    lock = lock_writer(place)
    try:
        ran = run(*call, "--save")
    finally:
        lock.release()
        place.close()
    assert ran.exit_code == 3
    assert "held out" in ran.stdout
    assert "wait for it to finish, or use --wait" in ran.stderr
    assert run(*call, "--save", "--wait").exit_code == 0
