"""Versions of one item: the newest is kept whatever the order of arrival, withdrawn items go and stay away."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article, ingest
from search.cli.main import cli
from search.engine import withdrawals
from search.errors import ArticleNotFound
from search.ingest.editions import edition
from search.records import Edition, Role
from search.storage.transaction import Transaction

from .effects import shows

FIFTH = datetime(2025, 2, 5, 10, tzinfo=UTC)
DAY = datetime(2025, 2, 1, 9, tzinfo=UTC)


def version(item, number, words="dockers vote on the strike", **said):
    """A version of an item as a reader gives it."""
    text = f"{words}, as version {number} of {item} has it in {number * 7} words."
    return Article(
        id=item,
        title="" if said.get("withdrawn") else f"{item} {number}",
        text="" if said.get("withdrawn") else text,
        extra={"file": "wire.xml", "place": number, "edition": {"version": str(number), **said}},
    )


def kill(item, number=None, note="KILL: the name is wrong"):
    return Article(
        id=item, extra={"edition": {"withdrawn": True, "note": note, **({"version": str(number)} if number else {})}}
    )


def titles(archive):
    return {article.id: article.title for article in archive}


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def put(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


# The order of versions


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"version": "2"}, {"version": "1"}, 1),
        ({"version": "9"}, {"version": "10"}, -1),
        ({"version": "2.0"}, {"version": "2"}, 0),
        ({"version": "1.10"}, {"version": "1.9"}, 1),
        ({"version": "draft"}, {"version": "1"}, None),
        ({"created": "2025-02-01T10:00:00+01:00"}, {"created": "2025-02-01T09:30:00"}, -1),
        ({"version": "2", "created": "2025-01-01T00:00:00Z"}, {"version": "1", "created": "2025-01-02T00:00:00Z"}, 1),
        ({"version": "2", "created": "2025-01-01T00:00:00Z"}, {"created": "2025-01-02T00:00:00Z"}, -1),
        ({"version": "2"}, {"created": "2025-01-02T00:00:00Z"}, None),
    ],
)
def test_numbers_decide_and_then_instants(one, other, expected):
    first, second = Edition.read(one), Edition.read(other)
    assert first.after(second) == expected
    assert second.after(first) == (None if expected is None else -expected)


@pytest.mark.parametrize(
    "value",
    [
        "national",
        {},
        {"version": 2},
        {"created": "yesterday"},
        {"created": 5},
        {"withdrawn": "yes"},
        {"pages": "3"},
        None,
    ],
)
def test_what_newspapers_call_an_edition_is_none_of_these(value):
    assert Edition.read(value) is None
    assert Edition.of(Article(id="a", title="A", extra={"edition": value})) is None


def test_what_is_read_is_what_was_written():
    said = Edition(version="2.1", created=DAY, withdrawn=True, evolved_from="urn:a", correction=True, note="KILL: x")
    assert Edition.read(said.plain()) == said
    assert Edition.read(json.loads(json.dumps(said.plain()))) == said


@pytest.mark.parametrize(
    ("said", "withdrawn", "correction"),
    [
        ({"status": "stat:canceled"}, True, False),
        ({"status": "http://cv.iptc.org/newscodes/pubstatusg2/withheld"}, True, False),
        ({"status": "Canceled"}, True, False),
        ({"status": "usable"}, False, False),
        ({"status": "embargoed"}, False, False),
        ({"signals": ["sig:correction"]}, False, True),
        ({"signals": ["Kill"]}, True, False),
        ({"note": "MANDATORY KILL: Do not use"}, True, False),
        ({"note": "KILL - story 4711"}, True, False),
        ({"note": "Correction: the minister's name"}, False, True),
        ({"note": "Kill Bill returns to cinemas"}, False, False),
        ({"note": "killing of two in Harrowmouth"}, False, False),
    ],
)
def test_agencies_say_it_in_their_own_words(said, withdrawn, correction):
    found = Edition.read(edition(version=1, **said))
    assert (found.withdrawn, found.correction) == (withdrawn, correction)


# What becomes of them


moves = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.booleans()),
    min_size=1,
    max_size=14,
    unique_by=lambda m: m[:2],
)


@settings(max_examples=60, deadline=None)
@given(moves=moves, order=st.randoms(use_true_random=False), cuts=st.sets(st.integers(1, 13)), batch=st.integers(1, 4))
def test_the_newest_version_is_kept_whatever_the_order_of_arrival(tmp_path_factory, moves, order, cuts, batch):
    """Runs and batches of any size, versions and withdrawals of three items: the end is that of the newest version."""
    newest = {item: max(number for one, number, _ in moves if one == item) for item, _, _ in moves}
    expected = {
        item: f"{item} {number}" for item, number, withdrawn in moves if newest[item] == number and not withdrawn
    }
    order.shuffle(moves)
    every = [kill(item, number) if withdrawn else version(item, number) for item, number, withdrawn in moves]
    bounds = sorted({0, len(every), *(cut for cut in cuts if cut < len(every))})
    with Archive.open(tmp_path_factory.mktemp("ix"), create=True) as archive:
        for start, end in pairwise(bounds):
            foreseen = archive.foresee(every[start:end])
            report = archive.add(every[start:end], vectors=False, batch=batch)
            assert report.added + report.replaced + report.skipped + report.withdrawn == end - start
            assert foreseen == replace(report, languages={}, detected=0)
        assert titles(archive) == expected
        assert len(archive) == len(expected)
        assert {hit.article.title for hit in archive.search("dockers", limit=10)} == set(expected.values())
        again = archive.add(every, vectors=False)
        assert (again.added, again.replaced, again.killed, again.skipped) == (0, 0, 0, len(every))
        assert archive.check() == []


@shows("Archive.foresee", "items")
def test_what_would_become_of_versions_is_told_before(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 2), version("b", 1), kill("c", 1)], vectors=False)
        items = [version("a", 1), version("a", 3), kill("b", 2), version("c", 1), Article(id="d", title="D")]
        foreseen = archive.foresee(items)
        counts = {name: value for name, value in asdict(foreseen).items() if isinstance(value, int) and value}
        assert counts == {
            "added": 1, "replaced": 1, "skipped": 2, "outdated": 1, "withdrawn": 1, "killed": 1, "barred": 1,
            "revised": 1
        }  # fmt: skip
        assert len(foreseen.remarks) == 3
        assert titles(archive) == {"a": "a 2", "b": "b 1"}
        assert archive.stats()["commit"] == 2  # that there are no vectors, and the articles


def test_an_earlier_version_never_takes_the_place_of_a_later_one(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 3), version("a", 2, "a wholly other text about cats and the moon")], vectors=False)
        report = archive.add([version("a", 1), version("a", 4)], vectors=False)
        assert (report.outdated, report.replaced, report.skipped) == (1, 1, 1)
        assert report.remarks == ("wire.xml:1: a is an earlier version than the archive has: the later one is kept",)
        assert titles(archive) == {"a": "a 4"}


def test_a_later_version_takes_the_place_even_of_a_longer_text(tmp_path):
    """What an agency sends last is what it stands by, though it be poorer."""
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 1)], vectors=False)
        short = Article(id="a", title="a 2", extra={"edition": {"version": "2"}})
        assert archive.add([short], vectors=False).replaced == 1
        assert archive.get("a").text == ""


def test_versions_of_one_item_in_one_run_are_no_two_stories(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        report = archive.add(
            [version("a", 1), version("a", 2, "nothing of the words before is left in it")], vectors=False
        )
        assert (report.added, report.replaced, report.revised, report.parted) == (1, 1, 1, 0)


def test_a_withdrawn_item_goes_with_a_note_and_stays_away(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 1), version("b", 1)], vectors=False)
        before = archive.stats()["commit"]
        report = archive.add([kill("a"), kill("never here")])
        assert (report.withdrawn, report.killed, archive.stats()["commit"]) == (2, 1, before + 1)
        assert report.remarks[0] == "a was withdrawn by its agency (KILL: the name is wrong): deleted"
        assert titles(archive) == {"b": "b 1"}
        assert archive.search("a", limit=10).total == 0
        assert archive.stats()["withdrawn"] == 2
        with pytest.raises(ArticleNotFound, match=r"its agency has withdrawn the item: KILL: the name is wrong"):
            archive.get("a")
    with Archive.open(tmp_path / "ix") as archive:  # in another process, without a version to tell by
        report = archive.add([version("a", 9), version("never here", 1), Article(id="a", title="by hand")])
        assert (report.added, report.barred, report.skipped) == (0, 3, 3)
        assert "not indexed" in report.remarks[0]


def test_a_later_version_may_be_used_again(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 1), kill("a", 2), version("a", 3)], vectors=False)
        assert titles(archive) == {"a": "a 3"}
        assert archive.stats()["withdrawn"] == 0
        report = archive.add([kill("a", 2)])  # which has arrived once more
        assert (report.outdated, report.withdrawn) == (1, 0)
        assert titles(archive) == {"a": "a 3"}


def test_all_of_a_batch_is_written_or_nothing(tmp_path, monkeypatch):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 1)], vectors=False)
        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "insert", lambda *_: (_ for _ in ()).throw(OSError(28, "no room")))
            with pytest.raises(OSError, match="no room"):
                archive.add([kill("a", 2), version("b", 1)])
        assert titles(archive) == {"a": "a 1"}
        assert archive.stats()["withdrawn"] == 0
        archive.add([kill("a", 2), version("b", 1)])
        assert titles(archive) == {"b": "b 1"}


def test_what_is_remembered_is_bounded_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(withdrawals, "KEPT", 3)
    with Archive.open(tmp_path / "ix", create=True) as archive:
        report = archive.add([kill(f"k{n}") for n in range(5)], vectors=False)
        assert (report.withdrawn, archive.stats()["withdrawn"]) == (5, 3)
        assert any("are forgotten" in remark for remark in report.remarks)
        assert archive.add([version("k0", 1), version("k4", 1)], vectors=False).barred == 1


def test_withdrawals_travel_with_an_export(tmp_path):
    with Archive.open(tmp_path / "ix", create=True) as archive:
        archive.add([version("a", 1), version("b", 1), kill("a", 2)], vectors=False)
        lines = list(archive.export())
    with Archive.open(tmp_path / "other", create=True) as other:
        assert other.import_(lines, vectors=False).withdrawn == 1
        assert other.add([version("a", 1)]).barred == 1
        assert other.add([version("a", 3)]).added == 1


# What goes on with another item


def linked(archive, article_id):
    return {copy.id: copy.role for copy in archive.story(article_id).copies}


def dated(item, day, words, **said):
    return Article(
        id=item,
        title=words[:20],
        text=words,
        published=f"2025-02-{day:02}",
        extra={"edition": {"version": "1", **said}},
    )


FIRST = dated("first", 1, "Dockers in Harrowmouth vote nine to one for a strike over pay")
NEXT = dated("next", 2, "The port stands still and ships wait off the coast for a second day", evolved_from="first")
LAST = dated("last", 3, "An agreement ends it before the weekend, says the minister", evolved_from="next")
FIXED = dated("fixed", 4, "Eight to one was the vote, not nine", evolved_from="first", correction=True)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_what_evolved_from_an_item_is_an_update_in_its_story(tmp_path, order, together):
    every = [[FIRST, NEXT, LAST, FIXED][place] for place in order]
    expected = {"first": Role.ORIGINAL, "next": Role.UPDATE, "last": Role.UPDATE, "fixed": Role.CORRECTION}
    with Archive.open(tmp_path / "ix", create=True) as archive:
        for batch in [every] if together else [[one] for one in every]:
            archive.add(batch, vectors=False)
        archive.add([Article(id="other", title="Moon", text="Nobody lives there as far as anybody knows")])
        assert linked(archive, "last") == expected
        assert linked(archive, "other") == {"other": Role.COPY}
        archive.add([dated("first", 1, "Dockers vote for a strike by a large majority", version="2")])
        assert linked(archive, "last") == expected  # a later version is linked to, too
        archive.optimize()
        assert linked(archive, "last") == expected
        archive.regroup()
        assert linked(archive, "last") == expected
        assert archive.check(thorough=True) == []
        archive.add([kill("next", 2)])
        assert linked(archive, "first") == {"first": Role.ORIGINAL, "fixed": Role.CORRECTION}


# From files, by the command line


def ninjs(uri, number, **others):
    made = f"2025-02-{number:02}T10:00:00Z"
    body = f"Dockers vote on the strike in Harrowmouth, says version {number}."
    told = {"uri": uri, "version": str(number), "versioncreated": made, "pubstatus": "usable"}
    return {**told, "headline": f"{uri} {number}", "body_text": body, **others}


KILLED = {"uri": "urn:b", "version": "2", "versioncreated": "2025-02-05T10:00:00Z", "pubstatus": "canceled",
          "ednote": "KILL: wrong man named"}  # fmt: skip
WIRE = [ninjs("urn:a", 2), ninjs("urn:a", 1), ninjs("urn:b", 1), KILLED, ninjs("urn:c", 1, evolvedfrom="urn:a")]


def test_a_run_says_what_became_of_versions_and_a_dry_run_what_would(tmp_path):
    path = put(tmp_path / "wire.jsonl", WIRE)
    index = ("index", path, "--index", tmp_path / "ix", "--no-vectors")
    dry = run(*index, "--dry-run")
    assert "1 record of earlier versions than the one seen before: skipped" in dry.stderr
    assert "1 item withdrawn by their agency: 1 article would be deleted" in dry.stderr
    assert "4 articles would be read: 3 added, 0 replaced, 1 skipped, 0 rejected; nothing was written" in dry.stderr
    assert not (tmp_path / "ix").exists()
    done = run(*index, "--report", tmp_path / "r.json")
    assert "1 record of earlier versions than the one that the archive has: skipped" in done.stderr
    assert "1 item withdrawn by their agency: 1 article deleted" in done.stderr
    assert "urn:b was withdrawn by its agency (KILL: wrong man named): deleted" in done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    names = ("added", "replaced", "skipped", "outdated", "barred", "withdrawn", "killed")
    assert [report[name] for name in names] == [3, 0, 1, 1, 0, 1, 1]
    assert report["kinds"]["jsonl"]["said"]["withdrawn by their agency"]["articles"] == 1
    again = run(*index)
    assert "2 records of withdrawn items: not indexed" not in again.stderr  # the kill itself is no article
    assert "1 record of withdrawn items: not indexed" in again.stderr
    assert "nothing is new" in again.stderr
    more = put(tmp_path / "more.jsonl", [ninjs("urn:a", 3), ninjs("urn:b", 1)])
    dry = run("index", more, "--index", tmp_path / "ix", "--dry-run")
    assert "2 articles would be read: 0 added, 1 replaced, 1 skipped, 0 rejected" in dry.stderr
    assert "1 record of withdrawn items: not indexed" in dry.stderr
    shown = run("show", "urn:b", "--index", tmp_path / "ix")
    assert "its agency has withdrawn the item: KILL: wrong man named" in shown.stderr
    assert "withdrawn: 1\n" in run("stats", "--index", tmp_path / "ix").stdout


def test_a_run_of_nothing_but_kills_is_a_run(tmp_path):
    dry = run(
        "index", put(tmp_path / "kill.jsonl", [{**KILLED, "headline": "Ferry"}]), "--index", tmp_path, "--dry-run"
    )
    assert dry.exit_code == 0
    assert dry.stderr.splitlines()[0] == "jsonl: 0 articles: 1 withdrawn by their agency"
    assert dry.stdout == ""
    run("index", put(tmp_path / "wire.jsonl", [ninjs("urn:b", 1)]), "--index", tmp_path / "ix", "--no-vectors")
    done = run("index", put(tmp_path / "kill.jsonl", [KILLED]), "--index", tmp_path / "ix")
    assert done.exit_code == 0
    with Archive.open(tmp_path / "ix") as archive:
        assert len(archive) == 0


AP = {"data": {"item": {"altids": {"itemid": "ap1"}, "version": 3, "versioncreated": "2025-02-05T10:00:00Z",
      "pubstatus": "withheld", "type": "text", "headline": "Strike"}}}  # fmt: skip
ANS = {"_id": "ANS1", "type": "story", "version": "0.10.9", "headlines": {"basic": "Strike"}, "last_updated_date":
       "2025-02-05T10:00:00Z", "content_elements": [{"type": "text", "content": "Dockers."}, {"type": "correction",
       "text": "Eight, not nine."}]}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (KILLED, Edition(version="2", created=FIFTH, withdrawn=True, note="KILL: wrong man named")),
        (AP, Edition(version="3", created=FIFTH, withdrawn=True)),
        (ANS, Edition(created=FIFTH, correction=True)),
        (WIRE[4], Edition(version="1", created=datetime(2025, 2, 1, 10, tzinfo=UTC), evolved_from="urn:a")),
    ],
)  # fmt: skip
def test_what_json_of_agencies_says_of_its_version(tmp_path, record, expected):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(record))
    (article,) = ingest.read([path])
    assert Edition.of(article) == expected
