"""What an archive holds as one number: kept by each commit, the same whatever the order and the segments."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import blake2b

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.storage import codec
from search.storage.contents import SETTING, Contents, weight


def article(name, text="The ferry sails."):
    return Article(id=name, title=f"On {name}", text=text)


def oracle(articles):
    """The sum over articles, made here by hand."""
    total = 0
    for one in articles:
        content = codec.content_hash(codec.to_json(one))
        data = (16).to_bytes(8, "big") + content + one.id.encode()
        total += int.from_bytes(blake2b(data, digest_size=32, person=b"contents").digest(), "big")
    return f"{total % 2**256:064x}"


def kept(archive):
    """What the settings say: of which commit, how many articles, and the digest."""
    assert len(archive) == archive.settings[SETTING][1]  # counting reads the newest commit
    return archive.settings[SETTING]


def commit(archive):
    return archive.stats()["commit"]


def test_each_commit_keeps_it(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article(name) for name in "abcdef"], batch=2, vectors=False)
        assert kept(archive) == [commit(archive), 6, oracle([article(name) for name in "abcdef"])]
        archive.delete(["b", "nobody"])
        archive.add([article("c", "It sank."), article("g")])
        held = [article("a"), article("c", "It sank."), *(article(name) for name in "defg")]
        assert kept(archive) == [commit(archive), 6, oracle(held)]
        archive.optimize()
        assert kept(archive) == [commit(archive), 6, oracle(held)]
        archive.delete(["a", "c"], purge=True)
        assert kept(archive) == [commit(archive), 4, oracle(held[2:])]
        assert archive.check() == []


def test_order_and_segments_do_not_matter(tmp_path):
    digests = set()
    for number, names in enumerate(("abcd", "dcba")):
        with Archive.open(tmp_path / str(number), create=True) as archive:
            archive.add([article(name) for name in names], batch=1 + 3 * number, vectors=False)
            digests.add(kept(archive)[2])
    assert len(digests) == 1


def test_an_archive_of_before_is_counted_once(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("a"), article("b")], vectors=False)
        with archive._session.catalog.writing() as transaction:
            transaction._sealing.touch("settings")
            transaction._connection.execute("DELETE FROM settings WHERE key = ?", (SETTING,))
            transaction.count = lambda: None
    with Archive.open(tmp_path / "a") as archive:
        assert len(archive) == 2
        assert SETTING not in archive.settings
        with archive._session.reading() as view:
            assert view.contents == Contents(2, int(oracle([article("a"), article("b")]), 16))
        archive.delete(["a"])
        assert kept(archive) == [commit(archive), 1, oracle([article("b")])]


def test_a_commit_of_a_program_that_does_not_count_is_noticed(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("a"), article("b")], vectors=False)
        with archive._session.catalog.writing() as transaction:
            transaction.bury([1])
            transaction.count = lambda: None
        with archive._session.reading() as view:
            assert view.contents.digest == oracle([article("b")])
        archive.add([article("c")])
        assert kept(archive) == [commit(archive), 2, oracle([article("b"), article("c")])]


def test_a_reader_keeps_its_own(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("a")], vectors=False)
        with archive._session.reading() as view, Archive.open(tmp_path / "a") as other:
            other.add([article("b")])
            other.delete(["a"])
            assert view.contents.digest == oracle([article("a")])


def test_doctor_finds_a_wrong_one_and_repair_counts_again(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("a")], vectors=False)
        with archive._session.catalog.writing() as transaction:
            transaction._contents = Contents(1, 7)
        (problem,) = archive.check()
        assert "says of what it holds something else" in problem
        archive.repair()
        assert archive.check() == []
        assert kept(archive)[1:] == [1, oracle([article("a")])]


@pytest.mark.parametrize("value", [None, 7, [1], [1, "a", "b"], [1, -1, "0" * 64], [1, 1, "g" * 64], [2, 1, "0" * 64]])
def test_what_settings_cannot_say(value):
    assert Contents.read(value, 1) is None


def test_a_record_that_is_damaged_has_a_weight():
    assert weight("a", "text for bytes") != weight("a", b"text for bytes")
    assert weight("a", 7) != weight("a", None)


@given(st.lists(st.tuples(st.text(), st.binary(max_size=20)), max_size=8), st.randoms())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sums_are_of_sets_and_their_differences(pairs, random):
    weights = [weight(*pair) for pair in pairs]
    shuffled = weights[:]
    random.shuffle(shuffled)
    half = len(weights) // 2
    whole = Contents().changed(1, weights)
    assert whole == Contents().changed(1, shuffled)
    assert whole.changed(-1, weights[:half]) == Contents().changed(1, weights[half:])
    assert Contents.read(json.loads(json.dumps(whole.told(3))), 3) == whole


def test_the_setting_is_sealed(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("a")], vectors=False)
    with closing(sqlite3.connect(tmp_path / "a" / "catalog.sqlite")) as connection, connection:
        connection.execute("UPDATE settings SET value = '[1, 1, \"0\"]' WHERE key = ?", (SETTING,))
    with pytest.raises(Exception, match=r"the settings contents"):
        Archive.open(tmp_path / "a")
