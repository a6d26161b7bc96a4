"""Receipts: an answer that can be cited, asked again, and told apart from another one."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from search import Archive, Article
from search.cli.main import cli
from search.engine import receipts
from search.engine.receipts.making import MOST
from search.errors import SearchError, UsageError
from search.exports.receipts import json_text, markdown, naming

from .effects import http_app, run, shows

ASKED = {
    "search": {"limit": 5, "mode": "keyword"},
    "facets": {"fields": ["source", "year"]},
    "timeline": {"by": "year", "compare": ["harbour"]},
    "context": {"budget": 400, "mode": "keyword"},
}


def article(number, text="The ferry sails at dawn.", day="2024-03-01", source="Courier"):
    return Article(id=f"a{number:02}", title=f"Ferry {number}", text=text, published=day, source=source)


@pytest.fixture
def ferries(tmp_path):
    """Twenty articles that match ``ferry``, the newest first by number, and one that does not."""
    with Archive.open(tmp_path / "ferries", create=True) as archive:
        articles = [article(n, day=f"20{20 + n % 3}-01-{n + 1:02}", source=f"Paper {n % 2}") for n in range(20)]
        archive.add([*articles, Article(id="other", title="A tug", text="It is towed.")], vectors=False)
        yield archive


def changed(archive):
    """Ten articles of the match set: three added, four changed, three removed."""
    archive.add([article(n) for n in (30, 31, 32)])
    archive.add([article(n, text="The ferry is cancelled.") for n in (1, 2, 3, 4)])
    archive.delete([f"a{n:02}" for n in (7, 8, 9)])
    return ("a30", "a31", "a32"), ("a01", "a02", "a03", "a04"), ("a07", "a08", "a09")


@pytest.mark.parametrize("of", ASKED)
@pytest.mark.parametrize("limit", ["all", "few"])
def test_ten_changes_are_named(ferries, of, limit):
    settings = {} if of != "search" else {"limit": 30 if limit == "all" else 2}
    receipt = json_text(ferries.receipt(of, "ferry", **settings))
    added, altered, removed = changed(ferries)
    told = ferries.verify(receipt)
    assert (told.added, told.changed, told.removed, told.otherwise) == (added, altered, removed, ())
    assert (told.same, told.unchanged, told.complete) == (False, False, True)
    assert (told.total_then, told.total_now) == (20, 20)
    assert (told.elsewhere, told.elsewhere_count, told.gone) == ((), 0, 7)


@pytest.mark.parametrize("of", ASKED)
def test_optimising_changes_nothing(ferries, of):
    ferries.delete(["other"])
    ferries.add([article(40)])
    receipt = ferries.receipt(of, "ferry")
    ferries.optimize()
    told = ferries.verify(receipt)
    assert (told.same, told.unchanged, told.gone, told.notes) == (True, True, 0, ())
    assert (told.added, told.changed, told.removed, told.elsewhere_count) == ((), (), (), 0)


def test_what_does_not_match_is_named_apart(ferries):
    receipt = ferries.receipt("search", "ferry", limit=3, sort="newest")
    ferries.add([Article(id="tug", text="A tug comes."), Article(id="other", title="Two tugs", text="They are towed.")])
    told = ferries.verify(receipt)
    assert (told.same, told.unchanged) == (True, False)
    assert (told.added, told.changed, told.removed) == ((), (), ())
    assert (sorted(told.elsewhere), told.elsewhere_count, told.gone) == (["other", "tug"], 2, 1)


def test_an_article_that_matches_no_more_has_changed(ferries):
    receipt = ferries.receipt("search", "ferry")
    ferries.add([Article(id="a05", title="A barge", text="No such boat.", published="2022-01-06", source="P")])
    told = ferries.verify(receipt)
    assert (told.changed, told.removed, told.total_now) == (("a05",), (), 19)


def test_a_receipt_says_what_was_asked_of_what(ferries):
    ferries.delete(["a19"])
    before = datetime.now(UTC).replace(microsecond=0)
    filters = {"since": "2021", "sources": ["Paper 0", "Paper 1"]}
    receipt = ferries.receipt("search", "ferry -barge", filters=filters, limit=2, as_of="2022-01-10", copies="collapse")
    assert before <= receipt.made <= datetime.now(UTC)
    assert (receipt.query, receipt.mode) == ("ferry -barge", "keyword")
    assert receipt.read == (
        "articles without 'barge', published since 1 Jan 2021, from Paper 0 or Paper 1, ranked by: ferry"
    )
    assert receipt.settings["since"] == "2021"
    assert receipt.settings["sources"] == ["Paper 0", "Paper 1"]
    assert (receipt.settings["as_of"], receipt.settings["weight"], receipt.settings["limit"]) == ("2022-01-10", None, 2)
    assert receipt.ranking.bm25["weight"] == 0.5  # the archive's, where none was named
    held = receipt.archive
    assert (held.name, held.articles, held.undated) == ("ferries", 20, 1)
    assert (str(held.first), str(held.last)) == ("2020-01-01", "2022-01-18")
    assert held.digest == ferries.settings["contents"][2]
    # Of 2020 are 0, 3 ... 18, of 2021 are 1, 4 ... 16, of 2022 are 2, 5, 8 (days 3, 6, 9) and later ones.
    assert (receipt.stages.visible, receipt.stages.constrained, receipt.stages.matched) == (16, 9, 9)
    assert (
        receipt.stages.stories
        == ferries.search("ferry -barge", filters=filters, as_of="2022-01-10", copies="collapse").stories
    )
    assert (dict(receipt.by_source), dict(receipt.by_year)) == ({"Paper 0": 5, "Paper 1": 4}, {"2021": 6, "2022": 3})
    assert list(receipt.outcome.ids) == [hit.article.id for hit in receipt.answer]
    assert set(receipt.matches.articles) == {f"a{n:02}" for n in (1, 4, 7, 10, 13, 16, 2, 5, 8)}
    assert (receipt.copies.choice, receipt.copies.shown, receipt.copies.window) == ("collapse", "best", 30)


def test_relative_dates_are_as_they_were(ferries):
    """A receipt is asked again as of when it was made: "since:7d" means those days."""
    receipt = ferries.receipt("search", "ferry since:7d", limit=20)
    old = replace(receipt, made=datetime(2022, 1, 20, tzinfo=UTC), answer=None)
    told = ferries.verify(old)
    assert told.total_now == len([n for n in range(20) if n % 3 == 2 and n + 1 >= 13])


def test_the_same_articles_in_another_order(ferries):
    ferries.add(
        [Article(id="first", title="Ferry", text="tug " * 50), Article(id="second", title="Tug", text="ferry " * 50)]
    )
    receipt = ferries.receipt("search", "ferry tug", limit=2)
    ferries.tune(title=50.0, text=0.0) if receipt.outcome.ids[0] == "Tug" else ferries.tune(title=0.0, text=50.0)
    told = ferries.verify(receipt)
    assert (told.same, told.unchanged) == (False, True)
    assert told.notes == ("words are ranked by other parameters: title, text",)


def test_of_many_matches_the_answer_is_kept_by_id(ferries, monkeypatch):
    monkeypatch.setattr("search.engine.receipts.making.MOST", 5)
    receipt = ferries.receipt("search", "ferry", limit=3, sort="newest")
    assert (receipt.matches.complete, set(receipt.matches.articles)) == (False, set(receipt.outcome.ids))
    assert ferries.verify(receipt).same
    first = receipt.outcome.ids[0]
    ferries.delete([first])
    told = ferries.verify(receipt)
    assert (told.same, told.complete, told.removed, told.total_now) == (False, False, (first,), 19)


def test_an_archive_that_was_built_anew_gives_the_same_answer(ferries, tmp_path):
    receipt = ferries.receipt("search", "ferry", limit=4)
    with Archive.open(tmp_path / "again", create=True) as again:
        again.add(reversed(list(ferries)), vectors=False)
        told = again.verify(receipt)
    assert (told.same, told.unchanged, told.gone) == (True, True, None)
    assert told.notes == ("the receipt is of another archive than this one, or it was built anew since",)


def test_vectors_and_their_model_are_told(sample_archive):
    with Archive.open(sample_archive) as archive:
        receipt = archive.receipt("search", "harbour strike", limit=4)
        assert receipt.mode == "hybrid"
        assert receipt.ranking.model == archive.receipt("facets", "harbour").ranking.model
        assert receipt.ranking.model.weights_hash.startswith("53aa5117")
        assert archive.verify(json_text(receipt)).same
        assert f"SHA-256 of its weights `{receipt.ranking.model.weights_hash}`" in markdown(receipt)


@shows("Archive.receipt", "of", "query", "settings", "watch")
@shows("Archive.verify", "receipt", "watch")
@pytest.mark.parametrize("of", ASKED)
def test_the_answer_is_what_the_method_answers(ferries, of):
    from search.engine.watch import Stopwatch

    watch = Stopwatch()
    receipt = ferries.receipt(of, "ferry", **ASKED[of], watch=watch)
    answer = getattr(ferries, "retrieve" if of == "context" else of)("ferry", **ASKED[of])
    assert replace(receipt.answer, took_ms=0.0) == replace(answer, took_ms=0.0)
    assert "receipt" in watch.seconds
    again = Stopwatch()
    assert ferries.verify(json_text(receipt), watch=again).same
    assert "receipt" in again.seconds
    assert receipts.read(json_text(receipt)) == receipt
    assert not ferries.verify(ferries.receipt(of, "ferry", **ASKED[of])).added


@shows("Archive.verify", "rerank")
def test_a_cross_encoder_is_loaded_when_it_is_named_again(sample_copy, cross_encoder):
    with Archive.open(sample_copy) as archive:
        receipt = archive.receipt("search", "river readings", rerank=cross_encoder, mode="keyword")
        with pytest.raises(UsageError, match="name it to have it loaded"):
            archive.verify(receipt)
        assert archive.verify(receipt, rerank=cross_encoder).same
        with pytest.raises(UsageError, match="of no cross-encoder; name none"):
            archive.verify(archive.receipt("search", "river"), rerank=cross_encoder)


@pytest.mark.parametrize(
    ("of", "settings", "message"),
    [
        ("nothing", {}, "a receipt is of search, facets, timeline, context"),
        ("facets", {"offset": 3}, "a receipt of facets takes no 'offset'"),
        ("search", {"where": object()}, "takes no 'where'"),
        ("search", {"fusion": max}, "fusion is one of dbsf, rrf, minmax"),
        ("search", {"limit": "5"}, "limit takes a whole number"),
        ("search", {"weight": float("nan")}, "weight must be between 0"),
        ("search", {"rerank": object()}, "rerank takes text"),
        ("context", {"count_tokens": len}, "takes no 'count_tokens'"),
        ("search", {"filters": {"conditions": object()}}, "no tree of conditions"),
    ],
)
def test_what_no_receipt_can_be_of(ferries, of, settings, message):
    with pytest.raises(UsageError, match=message):
        ferries.receipt(of, "ferry", **settings)


# Strangers' receipts


def forged(receipt, **changes):
    """A receipt with other values under a seal that fits."""
    return json_text(replace(receipt, **changes))


def test_a_changed_receipt_is_refused(ferries):
    value = json.loads(json_text(ferries.receipt("search", "ferry")))
    value["stages"]["matched"] = 12
    with pytest.raises(UsageError, match="was changed after it was made"):
        ferries.verify(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[" * 100_000, '{"receipt": 1, "format": 2, "seal": 1}', b"\xff\xfe", '{"receipt": NaN}'],
)
def test_what_is_no_receipt(ferries, text):
    with pytest.raises(UsageError, match="receipt"):
        ferries.verify(text)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("stages", "matched"), "many"),
        (("stages", "matched"), True),
        (("matches", "articles"), ["a01"]),
        (("matches", "articles"), {"a01": 7}),
        (("archive", "first"), "2024-13-01"),
        (("made",), "yesterday"),
        (("made",), "2024-01-01T00:00:00"),
        (("of",), "purge"),
        (("settings", "limit"), {"a": 1}),
        (("settings", "limit"), -1),
        (("settings", "purge"), True),
        (("settings", "mode"), "../../etc"),
        (("query",), "\ud800"),
        (("outcome", "ids"), [1]),
        (("more",), 1),
    ],
)
def test_values_that_no_receipt_has(ferries, where, value):
    record = json.loads(json_text(ferries.receipt("search", "ferry")))
    holder = record
    for name in where[:-1]:
        holder = holder[name]
    holder[where[-1]] = value
    with pytest.raises(UsageError, match=r"receipt|limit|mode"):
        ferries.verify(json.dumps(record))


def test_a_receipt_that_is_too_large_is_not_read(ferries, tmp_path):
    file = tmp_path / "large.json"
    file.write_bytes(b" " * ((16 << 20) + 10))
    ran = CliRunner().invoke(cli, ["receipt", "verify", str(file), "--index", str(ferries.path)])
    assert (ran.exit_code, ran.stderr) == (2, "broadsheet: a receipt has at most 16 MiB\n")


HOSTILE = "ferry \u202e\x1b[31m <script>alert(1)</script> | `x` ``y`` [a](javascript:1)\n# head"


def test_nothing_in_a_receipt_is_markup_or_steers_a_terminal(tmp_path):
    with Archive.open(tmp_path / "h", create=True) as archive:
        archive.add(
            [Article(id="<b>|x", title="T", text=HOSTILE, source=HOSTILE, published="2024-01-01")], vectors=False
        )
        receipt = archive.receipt("search", HOSTILE, literal=True)
        text = markdown(receipt)
        assert "\x1b" not in text
        assert "\u202e" not in text
        outside = "".join(part for number, part in enumerate(text.replace("\\`", "").split("`")) if number % 2 == 0)
        assert "<script>" not in outside.replace("\\<", "")
        assert "\n# head" not in text
        assert "\x1b" not in json_text(receipt)
        archive.delete(["<b>|x"])
        file = tmp_path / "r.json"
        file.write_text(json_text(receipt))
        ran = CliRunner().invoke(cli, ["receipt", "verify", str(file), "--index", str(archive.path)])
        assert ran.exit_code == 1
        assert "removed: 1 article" in ran.stdout
        assert "\x1b" not in ran.stdout
        assert ran.stdout.count("\n# head") == 0


# The command line


@shows("search", "--receipt")
@shows("receipt verify", "--format", "--output", "--index", "--debug")
@shows("receipt show", "--output")
def test_search_verify_and_show(sample_copy, tmp_path):
    file = tmp_path / "strike.json"
    index = ("--index", str(sample_copy))
    ran = run(
        "search", "title:strike", "--sort", "newest", "-n", "3", "--receipt", str(file), "--format", "ids", *index
    )
    name = json.loads(file.read_text())["receipt"]
    assert ran.exit_code == 0
    assert json.loads(file.read_text())["outcome"]["ids"] == ran.stdout.split()
    assert f"receipt {name}: {file} and {file.with_suffix('.md')}" in ran.stderr
    shown = run("receipt", "show", str(file), "--output", str(tmp_path / "again.md"))
    assert shown.exit_code == 0
    assert (tmp_path / "again.md").read_text() == file.with_suffix(".md").read_text()
    ran = run("receipt", "verify", str(file), *index)
    assert (ran.exit_code, ran.stdout) == (
        0,
        f"the same answer as in receipt {name}\nthe archive holds what it held\n",
    )
    with Archive.open(sample_copy) as archive:
        gone = json.loads(file.read_text())["outcome"]["ids"][0]
        archive.delete([gone])
    ran = run("receipt", "verify", str(file), *index, "--format", "json", "--output", str(tmp_path / "told.json"))
    told = json.loads((tmp_path / "told.json").read_text())
    assert (ran.exit_code, told["same"], told["removed"], told["total_now"]) == (1, False, [gone], 7)
    ran = run("receipt", "verify", str(tmp_path / "absent.json"), "--debug", *index)
    assert ran.exit_code == 2
    assert "SourceError" in ran.stderr


@shows("facets", "--receipt")
@shows("timeline", "--receipt")
@shows("context", "--receipt")
@pytest.mark.parametrize(
    ("command", "more"), [("facets", ["--format", "csv"]), ("timeline", ["--format", "csv"]), ("context", [])]
)
def test_receipts_of_the_others(sample_archive, tmp_path, command, more):
    file = tmp_path / "r.json"
    index = ("--index", str(sample_archive))
    ran = run(command, "harbour strike", *more, "--receipt", str(file), *index)
    assert ran.exit_code == 0
    record = json.loads(file.read_text())
    assert (record["of"], record["query"]) == (command, "harbour strike")
    if more:
        assert ran.stdout.splitlines()[0].endswith(",receipt")
        assert ran.stdout.splitlines()[1].endswith(f",{record['receipt']}")
    assert run("receipt", "verify", str(file), *index).exit_code == 0


@shows("receipt verify", "--rerank")
def test_verify_rerank(sample_archive, cross_encoder, tmp_path):
    file, index = tmp_path / "r.json", ("--index", str(sample_archive))
    run("search", "river", "--rerank", cross_encoder, "--mode", "keyword", "--receipt", str(file), *index)
    assert run("receipt", "verify", str(file), *index).exit_code == 2
    assert run("receipt", "verify", str(file), *index, "--rerank", cross_encoder).exit_code == 0


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "bibtex", "ris", "csl", "xlsx"])
def test_an_export_names_its_receipt(sample_archive, tmp_path, form):
    file, out = tmp_path / "r.json", tmp_path / "out"
    ran = run(
        *("search", "title:strike", "-n", "3", "--receipt", str(file), "--format", form, "--output", str(out)),
        *("--index", str(sample_archive)),
    )
    assert ran.exit_code == 0
    name = json.loads(file.read_text())["receipt"]
    data = out.read_bytes()
    if form == "json":
        assert json.loads(data)["receipt"] == name
    elif form == "jsonl":
        assert [json.loads(line)["receipt"] for line in data.splitlines()] == [name] * 3
    elif form == "csv":
        import csv

        assert [row["receipt"] for row in csv.DictReader(data.decode().splitlines(keepends=True))] == [name] * 3
    elif form == "csl":
        assert [item["note"] for item in json.loads(data)] == [f"receipt {name}"] * 3
    elif form == "ris":
        assert data.decode().count(f"\nN1  - receipt {name}\nER  - \n") == 3
    elif form == "bibtex":
        assert data.decode().startswith(f"% receipt {name}\n")
    else:
        import openpyxl

        assert openpyxl.load_workbook(io.BytesIO(data))["receipt"]["A1"].value == f"receipt {name}"


def test_ids_have_no_room_for_a_receipt():
    assert list(naming("ids", "abc", ["x", "y"])) == ["x", "y"]


def test_a_receipt_of_nothing_is_a_receipt(sample_archive, tmp_path):
    file = tmp_path / "r.json"
    ran = run("search", "+zzzz", "--receipt", str(file), "--index", str(sample_archive))
    assert ran.exit_code == 1
    assert json.loads(file.read_text())["stages"]["matched"] == 0
    assert "0 articles matched" in file.with_suffix(".md").read_text()


@pytest.mark.parametrize("arguments", [["--receipt", "r.md"], ["--receipt", "r.json", "--queries", "q.txt"]])
def test_receipts_that_cannot_be(sample_archive, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.txt").write_text("ferry\n")
    query = [] if "--queries" in arguments else ["ferry"]
    assert run("search", *query, *arguments, "--index", str(sample_archive)).exit_code == 2
    assert not list(tmp_path.glob("r.*"))


# HTTP


@shows("GET /v1/search", "receipt")
@shows("POST /v1/search", "receipt")
@shows("GET /v1/facets", "receipt")
@shows("POST /v1/facets", "receipt")
@shows("GET /v1/timeline", "receipt")
@shows("POST /v1/timeline", "receipt")
@shows("GET /v1/context", "receipt")
@shows("POST /v1/context", "receipt")
@pytest.mark.parametrize("of", ASKED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_receipts_over_http(sample_archive, of, method):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:
        path, asked = f"/v1/{of}", {"q": "harbour strike", "receipt": True}
        answer = client.get(path, params=asked) if method == "GET" else client.post(path, json=asked)
        assert answer.status_code == 200, answer.text
        plain = client.get(path, params={"q": "harbour strike"}).json()
        assert {**answer.json()["answer"], "took_ms": 0} == {**plain, "took_ms": 0}
        receipt = answer.json()["receipt"]
        assert receipt["of"] == of
        told = client.post("/v1/receipts/verify", json=receipt)
        assert (told.status_code, told.json()["same"], told.json()["unchanged"]) == (200, True, True)
        receipt["query"] = "another"
        assert client.post("/v1/receipts/verify", json=receipt).status_code == 400


@pytest.mark.parametrize("asked", [{"format": "csv"}, {"rerank": True}])
def test_receipts_over_http_that_cannot_be(sample_archive, asked):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:
        answer = client.get("/v1/search", params={"q": "strike", "receipt": True, **asked})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]


def test_a_damaged_archive_is_no_answer(ferries, tmp_path):
    receipt = ferries.receipt("search", "ferry")
    shutil.copytree(ferries.path, tmp_path / "copy")
    for part in (tmp_path / "copy").rglob("*.part"):
        part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(SearchError), Archive.open(tmp_path / "copy") as copy:
        copy.verify(receipt)


def test_what_is_kept_is_bounded():
    assert MOST * 100 < 1 << 20  # bytes of JSON, with long ids
