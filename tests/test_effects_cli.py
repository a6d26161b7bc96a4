"""What each option of the commands that read does to the answers of the sample archive."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from search import Archive, Article
from search.cli import pretty

from .effects import (
    CONTEXT,
    DESCRIBED,
    HALLORAN_SCORES,
    HALLORANS,
    INQUIRY,
    KITTEN,
    LEAKED,
    LEAVES,
    MATCH,
    MATCHING,
    MISHEAR,
    RANKING,
    STRIKES,
    answer,
    options,
    run,
    shows,
)


@pytest.fixture(autouse=True)
def default_archive(monkeypatch, sample_archive):
    monkeypatch.setenv("BROADSHEET_INDEX", str(sample_archive))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


def ids(*arguments):
    """What a search finds; its exit code must fit."""
    ran = run("search", *arguments, "--format", "ids")
    found = ran.stdout.split()
    assert ran.exit_code == (0 if found else 1), ran.output
    return found


def name(effect):
    return f"{effect.setting}-{effect.value}"


# search


@shows("search", "--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal")
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_search_matching(effect):
    asked = (effect.query, "--sort", "newest")
    assert ids(*asked) == effect.before
    assert ids(*asked, *options({effect.setting: effect.value})) == effect.after


@shows(
    "search",
    "--limit",
    "--offset",
    "--mode",
    "--sort",
    "--copies",
    "--shown",
    "--prefer",
    "--recency",
    "--diversity",
    "--per-source",
    "--fusion",
    "--weight",
    "--detect",
)
@pytest.mark.parametrize("effect", RANKING, ids=name)
def test_search_ranking(effect):
    asked = (effect.query, *options(effect.beside))
    assert ids(*asked) == effect.before
    assert ids(*asked, *options({effect.setting: effect.value})) == effect.after


@pytest.mark.model
@shows("search", "--rerank")
def test_search_rerank(cross_encoder):
    """The inquiry's and the report's have the word that the model looks for."""
    asked = ("search", "Halloran", "--mode", "keyword", "-n", "2")
    assert [hit["id"] for hit in answer(*asked)["hits"]] == [LEAVES, MATCH]
    ran = run(*asked, "--rerank", cross_encoder, "--explain", "--format", "json")
    hits = json.loads(ran.stdout)["hits"]
    assert [hit["id"] for hit in hits] == [INQUIRY, LEAKED]
    assert "the first 6 are in the order of cross-encoder" in ran.stderr
    first = hits[0]["explain"]["rerank"]
    assert (first["model"], first["before"]) == ("cross-encoder", 6)
    assert first["score"] > hits[1]["explain"]["rerank"]["score"]


def test_recency_halves_a_score_for_each_such_age(archive):
    asked = ("search", "Halloran", "--mode", "keyword", "--as-of", "2025-03-01")
    plain = {hit["id"]: hit["score"] for hit in answer(*asked)["hits"]}
    undated_hidden = math.log(1 + 92.5 / 6.5) / math.log(1 + 93.5 / 6.5)  # the word's weight among one article less
    assert list(plain.values()) == pytest.approx([score * undated_hidden for score in HALLORAN_SCORES], abs=1e-2)
    now = datetime(2025, 3, 2, tzinfo=UTC)  # a day means its end
    for hit in answer(*asked, "--recency", "30d")["hits"]:
        published = archive.get(hit["id"]).published
        if not isinstance(published, datetime):  # a day alone counts from its first moment
            published = datetime(published.year, published.month, published.day, tzinfo=UTC)
        age = (now - published).total_seconds() / 86_400
        assert hit["score"] == pytest.approx(plain[hit["id"]] * 0.5 ** (age / 30), abs=2e-6)


def test_fusion_and_weight_make_the_score():
    asked = ("search", MISHEAR, "-n", "3", "--explain", "--weight", "0.25")
    for fusion in ("dbsf", "minmax", "rrf"):
        for hit in answer(*asked, "--fusion", fusion)["hits"]:
            told = hit["explain"]
            shares = []
            for leg, share in (("vector", 0.25), ("keyword", 0.75)):
                figures = told[leg]
                if fusion == "dbsf":
                    low = figures["mean"] - 3 * figures["deviation"]
                    normalised = (figures["score"] - low) / (6 * figures["deviation"])
                elif fusion == "minmax":
                    normalised = (figures["score"] - figures["lowest"]) / (figures["highest"] - figures["lowest"])
                else:
                    normalised = 1 / (60 + figures["rank"])
                shares.append(share * max(normalised, 0.0))
            assert told["fusion"] == fusion
            assert hit["score"] == pytest.approx(sum(shares), abs=1e-5)


@shows("search", "--cursor")
def test_search_cursor():
    asked = ("search", "title:strike", "--sort", "newest", "-n", "3")
    first = answer(*asked)
    assert [hit["id"] for hit in first["hits"]] == STRIKES[:3]
    second = answer(*asked, "--cursor", first["cursor"])
    assert [(hit["rank"], hit["id"]) for hit in second["hits"]] == [(4, STRIKES[3]), (5, STRIKES[4]), (6, STRIKES[5])]


@shows("search", "--passages")
def test_search_passages(archive):
    asked = ("search", "Halloran source:Fenwick date:2024-09", "-n", "1")
    whole = [one.text for one in archive.passages(LEAKED)]
    assert len(whole) == 6
    for count, given in ((0, 0), (1, 1), (2, 2), (9, 6)):
        (hit,) = answer(*asked, "--passages", count)["hits"]
        assert hit["id"] == LEAKED
        texts = [one["text"] for one in hit["passages"]]
        assert len(set(texts) & set(whole)) == len(texts) == given
    (hit,) = answer(*asked)["hits"]
    assert len(hit["passages"]) == 1


@shows("search", "--explain")
def test_search_explain():
    asked = ("search", "Halloran", "--mode", "keyword", "-n", "1")
    assert answer(*asked)["hits"][0]["explain"] is None
    told = answer(*asked, "--explain")["hits"][0]["explain"]
    assert told["parts"] == {"keyword": pytest.approx(HALLORAN_SCORES[0], abs=1e-6)}
    assert [(one["term"], one["df"]) for one in told["keyword"]["terms"]] == [("halloran", 6)]
    assert "term halloran" not in run(*asked).stdout
    assert "term halloran" in run(*asked, "--explain").stdout


@shows("search", "--explain-query")
@pytest.mark.parametrize(("query", "settings", "meaning"), DESCRIBED)
def test_search_explain_query(query, settings, meaning):
    ran = run("search", query, "--explain-query", *options(settings))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, f"{meaning}\n", "")


@shows("search", "--timings")
@shows("context", "--timings")
@shows("facets", "--timings")
@shows("timeline", "--timings")
@pytest.mark.parametrize(
    ("command", "stages"),
    [
        ("search", ["open", "plan", "match", "rank", "present"]),
        ("context", ["open", "plan", "detect", "search", "stretches", "fill"]),
        ("facets", ["open", "plan", "match", "count", "narrow"]),
        ("timeline", ["open", "plan", "match", "count", "narrow"]),
    ],
)
def test_timings(command, stages):
    plain, timed = run(command, "Halloran"), run(command, "Halloran", "--timings")
    assert command == "context" or timed.stdout == plain.stdout  # a context begins with a mark of its own
    rows = [row for line in timed.stderr.splitlines() if len(row := line.split()) == 3 and row[2] == "ms"]
    assert [name for name, *_ in rows if "/" not in name] == stages
    assert all(float(milliseconds) >= 0 and unit == "ms" for _, milliseconds, unit in rows)
    assert not any(line.startswith("plan ") for line in plain.stderr.splitlines())


@shows("search", "--queries")
def test_search_queries(tmp_path):
    batch = tmp_path / "queries.tsv"
    batch.write_text("one\ttitle:strike date:2024-09\ntwo\tXylophone\nthree\ttitle:strike date:2025\n")
    ran = run("search", "--queries", batch, "--sort", "newest")
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(one["query_id"], one["rank"], one["id"]) for one in found] == [
        ("one", 1, STRIKES[-2]),
        ("one", 2, STRIKES[-1]),
        ("three", 1, STRIKES[0]),
    ]
    assert (ran.exit_code, ran.stderr) == (0, "3 hits for 3 queries\n")


@shows("search", "--format")
def test_search_formats():
    asked = ("search", "title:strike", "--sort", "newest", "-n", "2", "--mode", "keyword")
    teachers, tugs = STRIKES[:2]
    shown = {form: run(*asked, "--format", form).stdout for form in FORMATS}
    assert run(*asked).stdout == shown["pretty"]
    assert shown["pretty"].splitlines()[:2] == [
        "1. Teachers in Lydding strike over forty-pupil classes",
        "   2025-01-28 · Lanternwire",
    ]
    assert [hit["id"] for hit in json.loads(shown["json"])["hits"]] == [teachers, tugs]
    assert [json.loads(line)["id"] for line in shown["jsonl"].splitlines()] == [teachers, tugs]
    assert [row["id"] for row in csv.DictReader(io.StringIO(shown["csv"]))] == [teachers, tugs]
    assert shown["ids"].split() == [teachers, tugs]
    assert [line for line in shown["bibtex"].splitlines() if line.startswith("@")] == [
        f"@article{{{teachers},",
        f"@article{{{tugs},",
    ]
    assert [item["id"] for item in json.loads(shown["csl"])] == [teachers, tugs]
    assert [line for line in shown["ris"].splitlines() if line.startswith("ID")] == [
        f"ID  - {teachers}",
        f"ID  - {tugs}",
    ]


def test_a_table_names_the_copies_that_a_hit_stands_for():
    ran = run(
        *("search", "orange alert Monte Sarayo", "--mode", "keyword", "--copies", "collapse"),
        *("-n", "1", "--format", "csv"),
    )
    (hit,) = csv.DictReader(ran.stdout.splitlines())
    assert hit["id"] == "sarayo-2024-12-10-ledger-orange"
    assert hit["copies"] == "c-df74b98647306b504af26734ddbe1686; sarayo-2024-12-09-orange"


FORMATS = ("pretty", "json", "jsonl", "csv", "ids", "bibtex", "ris", "csl")


# context


@shows(
    "context",
    *("--budget", "--mode", "--detect", "--from", "--to", "--as-of", "--source", "--author", "--section"),
    *("--language", "--recency", "--per-source"),
)
@pytest.mark.parametrize("effect", CONTEXT, ids=name)
def test_context_settings(effect):
    def found(**settings):
        ran = run(
            "context", effect.query, *options({"mode": "keyword", **effect.beside, **settings}), "--format", "json"
        )
        cited = [one["id"] for one in json.loads(ran.stdout)["passages"]]
        assert ran.exit_code == (0 if cited else 1)
        return list(dict.fromkeys(cited))

    assert found() == effect.before
    assert found(**{effect.setting: effect.value}) == effect.after


@shows("context", "--format")
def test_context_formats(archive):
    asked = ("context", "Halloran", "--mode", "keyword", "--budget", "400")
    text = run(*asked).stdout
    assert text == run(*asked, "--format", "text").stdout
    headings = [line.partition(" ")[2] for line in text.splitlines() if " | " in line]
    assert [heading.split(" | ")[:3] for heading in headings] == [
        [
            "[1] Halloran leaves Rovers after 14 years, 402 games and one black scarf",
            "The Wexcombe Argus",
            "2025-02-01",
        ],
        [
            "[2] Port Selwyn Town 3 Wexcombe Rovers 1: Halloran scores and does not smile",
            "Port Selwyn Advertiser",
            "2025-02-08",
        ],
    ]
    record = answer(*asked)
    assert [one["id"] for one in record["passages"]] == [LEAVES, MATCH]
    assert all(archive.get(one["id"]).text[one["start"] : one["end"]] == one["text"] for one in record["passages"])
    messages = json.loads(run(*asked, "--format", "messages").stdout)
    assert [one["role"] for one in messages] == ["system", "user"]
    assert all(one["text"] in messages[1]["content"] for one in record["passages"])


@shows("context", "--check")
def test_context_check(archive):
    asked = ("context", "Halloran", "--mode", "keyword", "--budget", "400")
    start, end = answer(*asked)["passages"][0]["sentences"][0]
    sentence = archive.get(LEAVES).text[start:end]
    right = run(*asked, "--check", "-", input=f'It is said that "{sentence}" [1].')
    assert (right.exit_code, right.stdout) == (0, "")
    assert "1 quotation, 1 mark, 0 faults" in right.stderr
    wrong = run(*asked, "--check", "-", input='"Halloran signed for nobody at all that winter" [3].')
    assert wrong.exit_code == 1
    assert wrong.stdout.splitlines()[0] == 'missing    "Halloran signed for nobody at all that winter"'
    assert wrong.stdout.splitlines()[-1] == "missing    no passage has the mark [3]"


@pytest.mark.model
@shows("context", "--rerank")
def test_context_rerank(cross_encoder):
    """The inquiry's is the passage with the word that the model looks for."""
    asked = ("context", "Halloran", "--mode", "keyword", "--budget", "200")
    assert [one["id"] for one in answer(*asked)["passages"]] == [MATCH]
    ran = run(*asked, "--rerank", cross_encoder, "--format", "json")
    assert [one["id"] for one in json.loads(ran.stdout)["passages"]] == [INQUIRY]
    assert "reranked 12 pairs with cross-encoder in" in ran.stderr


# facets and timeline


@shows("facets", "--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal")
@shows("timeline", "--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal")
@pytest.mark.parametrize("effect", MATCHING, ids=name)
def test_counts_are_of_what_matches(effect, archive):
    for settings, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        asked = (effect.query, *options(settings))
        months = Counter(archive.get(one).published.strftime("%Y-%m") for one in found)
        facets = answer("facets", *asked, "--field", "month", code=0 if found else 1)
        assert facets["total"] == len(found)
        assert {one["value"]: one["count"] for one in facets["facets"]["month"]["values"]} == months
        timeline = answer("timeline", *asked, code=0 if found else 1)
        assert timeline["total"] == len(found)
        assert {one["label"]: one["count"] for one in timeline["buckets"] if one["count"]} == months


@shows("facets", "--field", "--limit")
def test_facets_fields_and_limit():
    assert list(answer("facets", "title:strike")["facets"]) == FIELDS
    assert list(answer("facets", "title:strike", "--field", "section", "--field", "source")["facets"]) == [
        "section",
        "source",
    ]
    for limit, values in ((1, [("Harrowmouth Courier", 4)]), (10, SOURCES)):
        found = answer("facets", "title:strike", "--field", "source", "-n", limit)["facets"]["source"]
        assert [(one["value"], one["count"]) for one in found["values"]] == values
        assert (found["distinct"], found["none"]) == (3, 2)


FIELDS = ["source", "author", "section", "agency", "language", "year", "month"]
SOURCES = [("Harrowmouth Courier", 4), ("Port Selwyn Advertiser", 1), ("The Fenwick Tribune", 1)]


@shows("timeline", "--by")
def test_timeline_by():
    def labels(by):
        buckets = answer("timeline", "title:strike", "--by", by)["buckets"]
        return {one["label"]: one["count"] for one in buckets if one["count"]}

    assert labels("year") == {"2024": 7, "2025": 1}
    assert labels("month") == {"2024-09": 2, "2024-10": 3, "2024-11": 1, "2024-12": 1, "2025-01": 1}
    assert labels("week") == {
        "2024-09-02": 1,
        "2024-09-09": 1,
        "2024-09-30": 1,
        "2024-10-14": 2,
        "2024-10-28": 1,
        "2024-12-02": 1,
        "2025-01-27": 1,
    }
    assert list(labels("day")) == sorted(
        ["2024-09-05", "2024-09-12", "2024-10-03", "2024-10-17", "2024-10-19", "2024-11-02", "2024-12-05", "2025-01-28"]
    )
    assert answer("timeline", "title:strike") | {"took_ms": 0} == answer(
        "timeline", "title:strike", "--by", "month"
    ) | {"took_ms": 0}


@shows("facets", "--format", "--output")
@shows("timeline", "--format", "--output")
@pytest.mark.parametrize(("command", "label"), [("facets", "Harrowmouth Courier"), ("timeline", "2024-10")])
def test_formats_of_counts(command, label, tmp_path):
    asked = (command, "title:strike")
    shown = {form: run(*asked, "--format", form).stdout for form in ("pretty", "json", "csv", "svg")}
    assert run(*asked).stdout == shown["pretty"]
    count = {"Harrowmouth Courier": "4", "2024-10": "3"}[label]
    (bar,) = (line for line in shown["pretty"].splitlines() if line.strip().startswith(label))
    assert "█" in bar
    assert count in bar.split()
    assert json.loads(shown["json"])["total"] == 8
    rows = list(csv.reader(io.StringIO(shown["csv"])))
    assert any(label in row and count in row for row in rows)
    assert f"{label}: {count}" in [node.text for node in ElementTree.fromstring(shown["svg"]).iter()]
    for form in ("csv", "svg", "png"):
        out = tmp_path / f"chart.{form}"
        ran = run(*asked, "--format", form, "--output", out)
        assert (ran.exit_code, ran.stdout) == (0, "")
        written = out.read_bytes()
        assert written.startswith(b"\x89PNG\r\n") if form == "png" else written.decode() == shown[form]


# show, stats, doctor, evaluate, help


@shows("show", "--passages")
def test_show_passages(archive):
    passages = [{"text": one.text, "start": one.start, "end": one.end} for one in archive.passages(LEAKED)]
    assert "passages" not in answer("show", LEAKED)
    assert answer("show", LEAKED, "--passages")["passages"] == passages
    assert "6 passages" not in run("show", LEAKED).stdout
    shown = run("show", LEAKED, "--passages").stdout.splitlines()
    assert shown[-7] == "6 passages"
    assert [line.split("]")[0] for line in shown[-6:]] == [f"[{one['start']}:{one['end']}" for one in passages]


@shows("show", "--marks")
def test_show_marks(archive):
    assert "highlights" not in answer("show", LEAKED)
    marks = answer("show", LEAKED, "--marks", "+Halloran -walrus")["highlights"]
    article = archive.get(LEAKED)
    assert marks == [
        {"field": "text", "start": at.start(), "end": at.end(), "kind": "word"}
        for at in re.finditer("Halloran", article.text)
    ]
    assert marks
    bold = "\n".join(pretty.article(article, None, archive.marks(LEAKED, "Halloran"), style=True))
    assert bold.count("\x1b[1mHalloran") == len(marks)
    assert run("show", LEAKED, "--marks", 'a "b').exit_code == 2


@shows("show", "--no-furniture")
def test_show_without_furniture(tmp_path):
    footer = "Sign up for the newsletter of the Post."
    rows = [
        {"id": f"p{n}", "title": f"Dam{n} weir{n}", "text": f"Water{n} rose{n} here.\n\n{footer}", "source": "Post"}
        | {"published": f"2025-0{1 + n // 20}-{1 + n % 20:02}"}
        for n in range(60)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = str(tmp_path / "index")
    assert run("index", "--index", folder, "--no-vectors", str(tmp_path / "rows.jsonl")).exit_code == 0
    assert run("show", "p7", "--index", folder).stdout.endswith(f"Water7 rose7 here.\n\n⟦{footer}⟧\n")
    assert run("show", "p7", "--index", folder, "--no-furniture").stdout.endswith("Water7 rose7 here.\n")


@shows("show", "--open")
def test_show_opens_the_address_or_the_file(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda place: opened.append(place) or True)
    (tmp_path / "mill_2019-03-12.txt").write_text("The mill burns\n\nThe old mill burned down.\n")
    rows = [
        {"id": "web", "title": "Web", "url": "https://example.org/a"},
        {"id": "odd", "title": "Odd", "url": "javascript:alert(1)"},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = str(tmp_path / "index")
    assert run("index", "--index", folder, "--no-vectors", str(tmp_path)).exit_code == 0
    with Archive.open(folder) as archive:
        (mill,) = [hit.article.id for hit in archive.search("mill")]
    for article_id, place in [
        ("web", "https://example.org/a"),
        ("odd", (tmp_path / "rows.jsonl").as_uri()),
        (mill, (tmp_path / "mill_2019-03-12.txt").as_uri()),
    ]:
        shown = run("show", article_id, "--index", folder, "--open")
        assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", f"opened {place}\n")
        assert opened.pop() == place
    (tmp_path / "rows.jsonl").unlink()
    gone = run("show", "odd", "--index", folder, "--open")
    assert (gone.exit_code, opened) == (2, [])
    assert "rows.jsonl is not here" in gone.stderr


def test_show_opens_no_program(tmp_path, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda place: pytest.fail(place))
    program = tmp_path / "run.desktop"
    program.write_text("[Desktop Entry]")
    with Archive.open(tmp_path / "index", create=True, model=None) as archive:
        archive.add([Article(id="bait", title="Bait", text="Bait.", extra={"file": str(program)})])
    shown = run("show", "bait", "--index", str(tmp_path / "index"), "--open")
    assert shown.exit_code == 2
    assert "no kind of file that is opened" in shown.stderr


@shows("show", "--format")
def test_show_formats(archive):
    article = archive.get(LEAVES)
    assert answer("show", LEAVES)["text"] == article.text
    assert run("show", LEAVES, "--format", "text").stdout == article.text + "\n"
    pretty = run("show", LEAVES).stdout
    assert pretty == run("show", LEAVES, "--format", "pretty").stdout
    assert pretty.splitlines()[1:3] == ["source: The Wexcombe Argus", "published: 2025-02-01 01:05 UTC"]


@shows("stats", "--format")
def test_stats_formats():
    assert answer("stats")["sources"]["The Fenwick Tribune"] == 13
    pretty = run("stats").stdout
    assert pretty == run("stats", "--format", "pretty").stdout
    assert {"articles: 99", "passages: 164", "  The Fenwick Tribune: 13"} <= set(pretty.splitlines())


@pytest.fixture
def measured(tmp_path):
    queries, qrels = tmp_path / "queries.tsv", tmp_path / "qrels.txt"
    queries.write_text("h\tHalloran\nk\tfeline rescued from smokestack\n")
    qrels.write_text(f"h 0 {MATCH} 1\nk 0 {KITTEN} 1\n")
    return ("evaluate", "--queries", queries, "--qrels", qrels)


@shows("evaluate", "--queries", "--qrels", "--modes", "--format")
def test_evaluate(measured, tmp_path):
    record = answer(*measured, "--modes", "keyword,vector")
    assert list(record["measures"]) == ["keyword", "vector"]
    # By words the match report comes second and the kitten not at all.
    assert record["measures"]["keyword"]["MRR@10"] == 0.25
    assert record["measures"]["vector"]["R@100"] == 1.0
    assert list(answer(*measured)["measures"]) == ["keyword", "vector", "hybrid"]
    one = tmp_path / "one.tsv"
    one.write_text("h\tHalloran\n")
    assert answer(*measured, "--modes", "keyword", "--queries", one)["measures"]["keyword"]["MRR@10"] == 0.5
    other = tmp_path / "other.txt"
    other.write_text(f"h 0 {LEAVES} 1\n")
    assert answer(*measured, "--modes", "keyword", "--qrels", other)["measures"]["keyword"]["MRR@10"] == 1.0
    table = run(*measured, "--modes", "keyword").stdout.splitlines()
    assert table[0].split() == ["mode", "nDCG@10", "MAP", "MRR@10", "R@10", "R@100"]
    assert [(row.split()[0], row.split()[3]) for row in table[1:]] == [("keyword", "0.2500")]


@shows("evaluate", "--run", "--depth")
def test_evaluate_run_and_depth(measured, tmp_path):
    ran = run(*measured, "--modes", "keyword", "--run", tmp_path / "mine.run")
    assert f"wrote {tmp_path / 'mine.keyword.run'}" in ran.stderr
    ranked = [line.split() for line in (tmp_path / "mine.keyword.run").read_text().splitlines()]
    assert [row[2] for row in ranked if row[0] == "h"] == HALLORANS
    assert [row[5] for row in ranked] == ["broadsheet-keyword"] * len(ranked)
    with Archive.open(tmp_path / "many", create=True) as many:
        many.add([Article(id=f"r{n}", text="A report on Halloran.") for n in range(150)], vectors=False)
    for depth, lines in (([], 150), (["--depth", "100"], 100)):
        run(*measured, "--index", tmp_path / "many", "--run", tmp_path / "mine.run", *depth)
        rows = (tmp_path / "mine.keyword.run").read_text().splitlines()
        assert len([row for row in rows if row.startswith("h ")]) == lines
