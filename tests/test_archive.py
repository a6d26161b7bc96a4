"""The archive as a whole: upserts, deletes, merges, snapshots and ranked answers, with the tiny encoder."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article, Filters, Rejection
from search.errors import (
    ArchiveLocked,
    ArchiveMismatch,
    ArchiveNotFound,
    ArticleNotFound,
    DiskFull,
    EncoderError,
    ModeError,
    QueryError,
    RecordsRejected,
    UsageError,
)
from search.storage.folder import Folder
from search.storage.locks import lock_writer

NEWS = [
    Article(
        id="dam",
        title="Dam inspectors warned of cracks",
        text="Engineers saw cracks in the wall. The ministry did not act.",
        published=date(2024, 10, 1),
        source="Valley Herald",
    ),
    Article(
        id="port",
        title="Dockers strike closes port",
        text="Dockers at the northern port walked out. Ships wait at anchor.",
        published=date(2024, 11, 2),
        source="Coast Daily",
    ),
    Article(
        id="port2",
        title="Port strike ends",
        text="Dockers return to work after nine days. The port opens on Monday.",
        published=date(2024, 11, 11),
        source="Coast Daily",
    ),
    Article(id="chess", title="Chess champion accused", text="A rival accused the champion of cheating."),
]


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "archive", create=True, model="hash") as opened:
        opened.add(NEWS)
        yield opened


def ids(results):
    return [hit.article.id for hit in results]


def answers(archive, query, **options):
    """Everything of an answer that must not depend on how the archive came about."""
    found = archive.search(query, **options)
    return found.total, [(hit.article.id, hit.score, hit.matched, hit.snippet, hit.passages) for hit in found]


def test_the_query_encoder_is_loaded_once_and_its_failure_told(archive, monkeypatch):
    from search import encode

    asked = []

    def load(identity, model, fetch):
        asked.append(threading.current_thread() is threading.main_thread())
        if len(asked) < 3:
            raise EncoderError("no such model")
        return encode.load_encoder("hash")

    monkeypatch.setattr(encode, "load_query_encoder", load)
    with pytest.raises(EncoderError, match="no such model"):
        archive.search("port")
    while len(asked) < 2:  # ahead, and when it was needed; either may come first
        time.sleep(0.01)
    assert sorted(asked) == [False, True]
    assert ids(archive.search("port strike"))[:2] == ["port2", "port"]
    assert ids(archive.search("chess"))[0] == "chess"
    assert asked[2:] == [True]


def test_a_search_by_words_or_date_loads_no_query_encoder(archive, monkeypatch):
    from search import encode

    monkeypatch.setattr(encode, "load_query_encoder", None)
    assert ids(archive.search("chess", mode="keyword")) == ["chess"]
    assert ids(archive.search("strike", sort="newest")) == ["port2", "port"]
    assert archive._session.queries.asked is False


def test_add_reports_and_finds(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        with pytest.warns(RecordsRejected, match="1 record was rejected, the first one since: broken"):
            report = archive.add([*NEWS, Rejection(source="x.jsonl", line=3, reason="broken")])
        assert (report.added, report.replaced, report.skipped, report.rejected) == (4, 0, 0, 1)
        assert report.rejections[0].line == 3
        assert len(archive) == 4
        assert "port" in archive
        assert "nobody" not in archive
        assert archive.get("dam") == NEWS[0]
        with pytest.raises(ArticleNotFound, match="no article has the id 'nobody'"):
            archive.get("nobody")
        assert archive.check() == []


def test_add_again_skips_and_changed_content_replaces(archive):
    report = archive.add(NEWS)
    assert (report.added, report.replaced, report.skipped) == (0, 0, 4)
    changed = Article(id="chess", title="Chess champion cleared", text="The federation found no cheating at all.")
    report = archive.add([changed, *NEWS[:3]])
    assert (report.added, report.replaced, report.skipped) == (0, 1, 3)
    assert len(archive) == 4
    assert archive.get("chess") == changed
    for mode in ("keyword", "vector", "hybrid"):
        found = archive.search("rival accused", mode=mode)
        assert all(passage.text in hit.article.text for hit in found for passage in hit.passages)
        assert all(hit.article.text != NEWS[3].text for hit in found)
    assert archive.search("rival", mode="keyword").total == 0
    assert archive.check() == []


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_the_last_of_duplicate_ids_wins_whatever_the_batch(tmp_path, batch):
    versions = [Article(id="a", title=f"version {word}", text="same") for word in ("one", "two", "two", "three")]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        report = archive.add([versions[0], Article(id="b", title="other"), *versions[1:]], batch=batch)
        assert (report.added, report.replaced, report.skipped) == (2, 2, 1)
        assert archive.get("a").title == "version three"
        assert archive.search("one", mode="keyword").total == 0
        assert archive.search("three", mode="keyword").total == 1
        assert archive.check() == []


@pytest.mark.parametrize(
    ("article", "reason"),
    [
        (Article(id="", title="t"), "id must be 1 to 512 printable characters"),
        (Article(id="x" * 513, title="t"), "id must be 1 to 512 printable characters"),
        (Article(id="a\nb", title="t"), "id must be 1 to 512 printable characters"),
        (Article(id="a", title=" ", text="\n"), "neither title nor text"),
        (Article(id="a", title="lone \ud800"), "cannot be stored"),
        (Article(id="a", title="t", extra={"x": object()}), "cannot be stored"),
    ],
)
def test_what_cannot_be_stored_is_rejected_and_the_rest_goes_in(tmp_path, article, reason):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        with pytest.warns(RecordsRejected, match=reason):
            report = archive.add([article, NEWS[0]])
        assert (report.added, report.rejected) == (1, 1)
        assert reason in report.rejections[0].reason
        assert len(archive) == 1


def test_text_is_stored_as_nfc_and_offsets_count_it(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([Article(id="a", title="Beyonce\u0301", text="Cafe\u0301 crowds sang. Beyonce\u0301 left early.")])
        article = archive.get("a")
        assert article.title == "Beyoncé"
        hit = archive.search("beyonce")[0]
        assert hit.passages[0].text == article.text[hit.passages[0].start : hit.passages[0].end]
        assert [hit.snippet[h.start : h.end] for h in hit.highlights if h.field == "snippet"] == ["Beyoncé"]


def test_every_mode_answers_and_explains(archive):
    for mode in ("keyword", "vector", "hybrid"):
        found = archive.search("dockers strike port", mode=mode, explain=True)
        assert set(ids(found)[:2]) == {"port", "port2"}
        assert found.total == 2
        for hit in found:
            assert sum(hit.explain["parts"].values()) == pytest.approx(hit.score, abs=1e-9)
            assert hit.matched == (hit.article.id in ("port", "port2"))
        assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
        assert sorted((hit.score for hit in found), reverse=True) == [hit.score for hit in found]


def test_constraints_bind_both_legs(archive):
    for mode in ("keyword", "vector", "hybrid"):
        assert set(ids(archive.search("dockers +monday", mode=mode))) == {"port2"}
        assert set(ids(archive.search('port source:"Valley Herald"', mode=mode))) <= {"dam"}
        assert not {"port", "port2"} & set(ids(archive.search("port -strike", mode=mode)))
        assert ids(archive.search("strike date:2025", mode=mode)) == []
    assert ids(archive.search("port -strike", mode="vector", limit=4)) in (["dam", "chess"], ["chess", "dam"])


def test_filters_equal_query_text(archive):
    filtered = answers(archive, "port", filters=Filters(sources=["Coast Daily"], since="2024-11-05"))
    assert filtered == answers(archive, 'port source:"Coast Daily" since:2024-11-05')
    assert [one[0] for one in filtered[1]] == ["port2"]
    assert answers(archive, "port", filters=Filters(sources=[])) == (0, [])


def test_a_query_of_constraints_alone_is_newest_first(archive):
    assert ids(archive.search('source:"Coast Daily"')) == ["port2", "port"]
    assert ids(archive.search("-zebra")) == ["port2", "port", "dam", "chess"]
    assert ids(archive.search("-zebra", sort="oldest")) == ["dam", "port", "port2", "chess"]
    assert ids(archive.search("-zebra", limit=2, offset=1)) == ["port", "dam"]
    assert ids(archive.search("port", sort="newest")) == ["port2", "port"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flood*", ["twice", "once"]),
        ("fl??d", ["once"]),
        ("floded~", ["twice"]),
        ("flood~2", ["once", "floor", "twice", "flock"]),
        ("exact:Flood", ["once"]),
        ("+flood* -today rain", ["twice"]),
        ("flock OR flood*", ["flock", "twice", "once"]),
    ],
)
def test_patterns_rank_by_what_they_stand_for(tmp_path, query, expected):
    texts = {
        "once": "Flood today",
        "twice": "Flooded, flooding",
        "floor": "Floor polish",
        "flock": "Flock flocks block",
    }
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([Article(id=name, text=text) for name, text in texts.items()])
        for mode in ("keyword", "hybrid"):
            found = archive.search(query, mode=mode, explain=True)
            assert set(ids(found)) == set(expected)
            assert mode == "hybrid" or ids(found) == expected
            for hit in found:
                assert hit.score > 0
                assert sum(hit.explain["parts"].values()) == pytest.approx(hit.score, abs=1e-9)
        assert set(ids(archive.search(query, mode="vector"))) == set(expected)


def test_no_article_has_all_the_words(archive):
    found = archive.search("dam dockers")
    assert found.total == 0
    assert len(found) > 0
    assert not any(hit.matched for hit in found)
    assert "no article has all the words" in found.notes[0]


def test_paging_is_stable_and_bounded(tmp_path):
    many = [Article(id=f"a{i:04}", title="storm", text=f"storm number {i}") for i in range(1200)]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(many, batch=500)
        whole = ids(archive.search("storm", limit=100))
        paged = [one for offset in range(0, 100, 7) for one in ids(archive.search("storm", limit=7, offset=offset))]
        assert paged[:100] == whole
        first = archive.search("storm", limit=60)
        assert ids(first) + ids(archive.search("storm", limit=40, cursor=first.cursor)) == whole
        with pytest.raises(UsageError, match="a ranking is 1000 hits deep"):
            archive.search("storm", limit=10, offset=991)
        assert len(archive.search("storm", limit=10, offset=1195, sort="newest")) == 5
        with pytest.raises(UsageError, match="belongs to another query"):
            archive.search("rain", cursor=first.cursor)
        with pytest.raises(UsageError, match="not one that a search gave"):
            archive.search("storm", cursor="nonsense")
        archive.delete(["a0003"])
        with pytest.raises(UsageError, match="the archive has changed since this cursor was given"):
            archive.search("storm", cursor=first.cursor)


def test_ties_are_newest_then_id(tmp_path):
    same = [
        Article(id=one, title="flood", text="flood", published=published)
        for one, published in [("c", None), ("b", date(2024, 1, 1)), ("a", date(2024, 1, 1)), ("d", date(2024, 5, 1))]
    ]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(same, batch=1)
        for mode in ("keyword", "vector", "hybrid"):
            assert ids(archive.search("flood", mode=mode)) == ["d", "a", "b", "c"]


def test_parameters_of_bm25_are_the_archives_own(tmp_path):
    articles = [Article(id="a", title="harbour", text="ships"), Article(id="b", title="ships", text="harbour " * 3)]
    with Archive.open(tmp_path / "a", create=True) as archive, Archive.open(tmp_path / "a") as reader:
        archive.add(articles, vectors=False)
        before = {hit.article.id: hit.score for hit in reader.search("harbour", mode="keyword").hits}
        found = archive.tune(title=0.5, k1=1.2)
        assert (found["title"], found["k1"], found["b"]) == (0.5, 1.2, 0.75)
        after = {hit.article.id: hit.score for hit in reader.search("harbour", mode="keyword").hits}
        # N = df = 2, of the stem as of the form; lengths are 0.5 + 1 and 0.5 + 3 words.
        idf = math.log(1 + 0.5 / 2.5) * (1 + found["exact"])
        for name, tf, length in (("a", 0.5, 1.5), ("b", 3, 3.5)):
            assert after[name] == pytest.approx(idf * tf / (tf + 1.2 * (0.25 + 0.75 * length / 2.5)), abs=1e-6)
        assert before["a"] > before["b"]
        assert after["b"] > after["a"]
        with pytest.raises(UsageError, match="parameters k1, b, title"):
            archive.tune(z=1)
        with pytest.raises(UsageError, match="b at most 1"):
            archive.tune(b=2)
    with Archive.open(tmp_path / "a") as again:
        assert {hit.article.id: hit.score for hit in again.search("harbour", mode="keyword").hits} == after


def test_as_of_is_an_archive_built_up_to_then(tmp_path):
    articles = [*NEWS, Article(id="late", title="Port port port", text="port " * 9, published=date(2025, 1, 1))]
    with (
        Archive.open(tmp_path / "all", create=True, model="hash") as whole,
        Archive.open(tmp_path / "early", create=True, model="hash") as early,
    ):
        whole.add(articles, batch=2)
        early.add([a for a in articles if a.published is not None and a.published <= date(2024, 11, 11)])
        for mode in ("keyword", "vector", "hybrid"):
            for query in ("port strike", "dockers", "cracks source:Herald", "-strike"):
                assert answers(whole, query, as_of="2024-11-11", mode=mode) == answers(early, query, mode=mode)
        hidden = "1 article without a date is hidden by --as-of; without it, date:none finds such articles"
        assert hidden in whole.search("port", as_of="2024-11-11").notes


def test_a_merge_changes_no_answer(tmp_path):
    chance = random.Random(7)
    words = ["dam", "port", "strike", "vote", "river", "rain", "tram", "chess"]
    articles = [
        Article(id=f"a{i:03}", title=" ".join(chance.choices(words, k=3)), text=" ".join(chance.choices(words, k=30)))
        for i in range(95)
    ]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(articles, batch=10)
        archive.delete([f"a{i:03}" for i in range(0, 95, 4)])
        queries = ["dam port", "river", "+chess -rain", "tram w/3 vote", '"port strike"']
        before = [answers(archive, query, mode=mode) for query in queries for mode in ("keyword", "vector", "hybrid")]
        segments = archive.stats()["segments"]
        archive.optimize()
        assert archive.stats()["segments"] == 1 < segments
        assert archive.stats()["deleted"] == 0
        after = [answers(archive, query, mode=mode) for query in queries for mode in ("keyword", "vector", "hybrid")]
        assert before == after
        assert archive.check() == []


def test_small_commits_are_merged_in_tiers(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        for i in range(30):
            archive.add([Article(id=f"a{i}", title=f"number {i}")])
        assert archive.stats()["segments"] <= 12
        assert len(archive) == 30
        assert archive.check() == []
        assert len(list((tmp_path / "a" / "segments").iterdir())) == archive.stats()["segments"]


operations = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "optimize", "purge", "reopen"]), st.integers(0, 4), st.integers(0, 3)),
    max_size=12,
)  # tree5 would be the tiny encoder's tree4
WORDS = ["alder", "birch", "cedar", "dogwood"]
TREES = ["elm", "gum", "ivy", "ash", "box", "fir"]  # of one direction each, none that of another word


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations)
def test_any_history_equals_a_dictionary(tmp_path_factory, history):
    path = tmp_path_factory.mktemp("history") / "archive"
    model: dict[str, Article] = {}
    archive = Archive.open(path, create=True, model="hash")
    for operation, number, version in history:
        name = f"a{number}"
        if operation == "add":
            model[name] = Article(id=name, title=TREES[number], text=f"{WORDS[version]} grows. {TREES[number]} stands.")
            archive.add([model[name]])
        elif operation == "delete":
            assert archive.delete([name]) == (model.pop(name, None) is not None)
        elif operation == "purge":
            assert archive.delete([name], purge=True) == (model.pop(name, None) is not None)
        elif operation == "optimize":
            archive.optimize()
        else:
            archive.close()
            archive = Archive.open(path, model="hash")  # which is forgotten while nothing was added
    assert len(archive) == len(model)
    for version, word in enumerate(WORDS):
        expected = {one for one, article in model.items() if WORDS[version] in article.text}
        assert set(ids(archive.search(word, mode="keyword"))) == expected
    if model:
        for name, article in model.items():
            assert archive.get(name) == article
            best = archive.search(f"{article.title} {article.text}", mode="vector", limit=1)
            assert ids(best) == [name]
            assert best[0].passages[0].text == article.text
    assert archive.check() == []
    archive.close()


def test_an_input_seen_before_is_not_encoded_again(tmp_path, monkeypatch):
    from search.encode import load_encoder

    encoded: list[str] = []
    kind = type(load_encoder("hash"))
    original = kind.encode

    def counting(self, texts, progress=None):
        encoded.extend(texts)
        return original(self, texts, progress)

    monkeypatch.setattr(kind, "encode", counting)
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(NEWS)
        assert len(encoded) == 4
        copy = Article(id="copy", title=NEWS[0].title, text=NEWS[0].text, source="Elsewhere")
        archive.add([copy, Article(id="copy2", title=NEWS[0].title, text=NEWS[0].text, source="Third")])
        assert len(encoded) == 4
        found = archive.search(f"{NEWS[0].title} {NEWS[0].text}", mode="vector", limit=3)
        assert {hit.article.id for hit in found} == {"dam", "copy", "copy2"}
        assert len({hit.score for hit in found}) == 1
        archive.add(Article(id=name, title="Twin", text="Twin text.") for name in "xy")
        assert [text for text in encoded if text.startswith("Twin")] == ["Twin\nTwin text."]


def test_purge_takes_the_bytes_out_of_every_file(tmp_path):
    import zstandard

    secret = Article(id="secret-id", title="Zanzibarine affair", text="Zanzibarine names were printed by mistake.")
    path = tmp_path / "a"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add([secret, NEWS[0]])
        archive.add(NEWS)

        def holding() -> list[str]:
            found = []
            for file in path.rglob("*"):
                if not file.is_file():
                    continue
                data = file.read_bytes()
                if b"zanzibarin" in data.lower() or b"secret-id" in data:
                    found.append(file.name)
                start = data.find(zstandard.MAGIC_NUMBER.to_bytes(4, "little"))
                while start >= 0:
                    try:
                        plain = zstandard.ZstdDecompressor().decompressobj().decompress(data[start:])
                    except zstandard.ZstdError:
                        plain = b""
                    if b"Zanzibarine" in plain:
                        found.append(f"{file.name} (packed)")
                    start = data.find(zstandard.MAGIC_NUMBER.to_bytes(4, "little"), start + 1)
            return found

        assert holding()
        assert archive.delete_matching("zanzibarine", purge=True) == 1
        assert holding() == []
        assert len(archive) == 4
        assert archive.check() == []
        assert ids(archive.search("cracks", mode="keyword")) == ["dam"]


def test_prune_deletes_what_is_not_kept(archive):
    assert archive.prune({"dam", "chess", "unknown"}) == 2
    assert len(archive) == 2
    assert "port" not in archive


def test_a_reader_sees_new_commits_between_calls(tmp_path, archive):
    with Archive.open(tmp_path / "archive") as reader:
        assert reader.search("volcano", mode="keyword").total == 0
        archive.add([Article(id="v", title="Volcano wakes", text="Ash fell.")])
        assert ids(reader.search("volcano", mode="keyword")) == ["v"]
        archive.delete(["v"])
        assert reader.search("volcano", mode="keyword").total == 0


def test_threads_share_an_archive_while_another_writes(tmp_path, archive):
    errors: list[BaseException] = []
    stop = threading.Event()

    def read():
        try:
            with Archive.open(tmp_path / "archive") as reader:
                while not stop.is_set():
                    found = reader.search("port strike", limit=3)
                    assert {"port", "port2"} <= set(ids(found)), ids(found)
                    assert ids(archive.search("cracks", mode="keyword")) == ["dam"]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(25):
        archive.add([Article(id=f"n{i}", title=f"Notice {i}", text="Nothing happened.")])
        if i % 5 == 0:
            archive.delete([f"n{i}"])
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert archive.check() == []


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path, archive):
    held = lock_writer(Folder.open(tmp_path / "archive"))
    with Archive.open(tmp_path / "archive") as other:
        with pytest.raises(ArchiveLocked, match="is being written by process"):
            other.add([Article(id="x", title="x")])
        assert other.search("port").total == 2
        held.release()
        assert other.add([Article(id="x", title="x")]).added == 1


def test_another_model_is_refused(tmp_path, archive):
    with pytest.raises(ArchiveMismatch, match="was built with the model hash, not all-MiniLM-L6-v2"):
        Archive.open(tmp_path / "archive", model="all-MiniLM-L6-v2")
    Archive.open(tmp_path / "archive", model="hash").close()


def test_an_archive_without_vectors(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(NEWS, vectors=False)
        found = archive.search("port strike")
        assert found.mode == "keyword"
        assert found.notes == ("this archive has no vectors: ranked by words alone",)
        assert found[0].passages[0].text == found[0].article.text
        for mode in ("vector", "hybrid"):
            with pytest.raises(ModeError, match=f"has no vectors, so mode '{mode}' cannot be served"):
                archive.search("port", mode=mode)
        assert archive.add([Article(id="new", title="New")]).added == 1
        assert archive.check() == []


def test_an_empty_archive_answers_nothing(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        assert len(archive) == 0
        assert archive.search("port").total == 0
        assert archive.search("port", mode="keyword").hits == ()
        assert archive.add([]).added == 0
        assert archive.stats()["articles"] == 0
        assert archive.check() == []
        archive.optimize()


def test_wrong_values_are_refused(archive):
    for options, message in [
        ({"limit": 0}, "limit must be 1 or more"),
        ({"offset": -1}, "offset must be 0 or more"),
        ({"weight": 1.5}, "weight must be between 0 and 1"),
        ({"diversity": -0.1}, "diversity must be between 0 and 1"),
        ({"mode": "magic"}, "'magic' is not a mode; use one of auto, hybrid, keyword, vector"),
        ({"sort": "best"}, "'best' is not a sort"),
    ]:
        with pytest.raises(UsageError, match=message):
            archive.search("port", **options)
    with pytest.raises(QueryError):
        archive.search("")
    with pytest.raises(UsageError, match="batch must be 1 or more"):
        archive.add([], batch=0)


def test_a_closed_archive_says_so(archive):
    archive.close()
    archive.close()
    with pytest.raises(UsageError, match="this archive is closed"):
        archive.search("port")


def test_a_folder_of_something_else_is_not_made_an_archive(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("x")
    with pytest.raises(ArchiveNotFound, match="exists and is no archive"):
        Archive.open(tmp_path / "letters", create=True)
    with pytest.raises(ArchiveNotFound, match="make one with: broadsheet index"):
        Archive.open(tmp_path / "none")


FULL = """
import resource, sys
from search import Archive, Article
archive = Archive.open(sys.argv[1])
articles = [Article(id=f"b{i}", title=f"title {i}", text=f"word{i} " * 3000) for i in range(40)]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    archive.add(articles)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("limit", [200, 8_000, 60_000, 120_000])
def test_a_file_that_cannot_grow_loses_nothing(tmp_path, archive, limit):
    path = tmp_path / "archive"
    done = subprocess.run([sys.executable, "-c", FULL, str(path), str(limit)], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("StorageError cannot ")
    with Archive.open(path) as again:
        assert len(again) == 4
        assert again.check() == []
        again.add([Article(id="after", title="After")])
        assert len(again) == 5
        assert len(list((path / "segments").iterdir())) == again.stats()["segments"]


def test_full_disk_error_is_a_storage_error(tmp_path, archive, monkeypatch):
    import errno
    import os

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("search.storage.container.os.fsync", full)
    with pytest.raises(DiskFull, match="the disk is full"):
        archive.add([Article(id="x", title="x")])
    monkeypatch.undo()
    assert len(archive) == 4
    assert archive.check() == []


def test_doctor_finds_what_is_wrong(tmp_path, archive):
    import sqlite3

    path = tmp_path / "archive"
    archive.close()
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        record = connection.execute("SELECT record FROM articles WHERE id = 'dam'").fetchone()[0]
        connection.execute("UPDATE articles SET record = ? WHERE id = 'dam'", (record[:-1] + bytes([record[-1] ^ 1]),))
        connection.execute("DELETE FROM articles WHERE id = 'port'")
    connection.close()
    with Archive.open(path) as again:
        problems = again.check()
    assert any("row 1 does not match its checksum" in line for line in problems)
    assert any("'port' (row 2) is in a segment and not in the catalog" in line for line in problems)


def test_stats_are_plain_and_right(archive):
    archive.delete(["port"])
    found = json.loads(json.dumps(archive.stats()))
    assert (found["articles"], found["deleted"], found["undated"]) == (3, 1, 1)
    assert found["sources"] == {"": 1, "Coast Daily": 1, "Valley Herald": 1}
    assert (found["oldest"], found["newest"]) == ("2024-10-01T00:00:00+00:00", "2024-11-11T00:00:00+00:00")
    assert found["model"] == "hash"
    assert found["bytes"]["total"] == sum(v for k, v in found["bytes"].items() if k != "total")


def test_interrupting_add_keeps_what_was_committed(tmp_path):
    def articles():
        for i in range(25):
            yield Article(id=f"a{i}", title=f"title {i}")
        raise KeyboardInterrupt

    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        with pytest.raises(KeyboardInterrupt):
            archive.add(articles(), batch=10)
        assert len(archive) in (10, 20)  # the second batch was complete, and may have been on its way
        report = archive.add(Article(id=f"a{i}", title=f"title {i}") for i in range(25))
        assert report.added + report.skipped == 25
        assert len(archive) == 25


def test_the_query_vector_is_the_encoders(archive):
    from search.encode import load_encoder

    expected = load_encoder("hash").encode(["Port strike"])[0]
    np.testing.assert_allclose(archive._session.queries.vector("Port strike"), expected, atol=1e-6)
    assert Path(archive.path).name == "archive"


def test_every_article_and_every_id_in_the_order_in_which_they_came(archive):
    assert list(archive) == NEWS
    assert list(archive.ids()) == [article.id for article in NEWS]
    archive.delete([NEWS[1].id])
    assert list(archive.ids()) == [article.id for article in NEWS if article != NEWS[1]]
    first = next(iter(archive))
    assert first == NEWS[0]


def test_filters_as_a_mapping(archive):
    assert archive.search("dam", filters={"sources": []}).total == 0
    with pytest.raises(UsageError, match="there is no filter 'outlet'"):
        archive.search("dam", filters={"outlet": "BBC"})
