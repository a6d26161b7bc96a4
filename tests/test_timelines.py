"""Several queries, or the sources of one, in one timeline."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from xml.etree import ElementTree

import pytest
from mcp import Client
from starlette.testclient import TestClient

from search import Archive
from search.cli import charts
from search.errors import UsageError

from .effects import http_app, mcp_server, run, shows

QUERIES = ["dam", "strike", "ferry hostages"]
TOTALS = [10, 15, 3]
SOURCES = [("Harrowmouth Courier", 6), ("Port Selwyn Advertiser", 2)]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


def counts(buckets):
    return {one.label: one.count for one in buckets if one.count}


@shows("Archive.timeline", "compare", "split", "limit")
@pytest.mark.parametrize("by", ["day", "week", "month", "year"])
def test_each_line_is_as_by_itself_in_common_periods(archive, by):
    found = archive.timeline(QUERIES[0], by=by, compare=QUERIES[1:])
    alone = [archive.timeline(query, by=by) for query in QUERIES]
    assert [found.total, *(one.total for one in found.series)] == [one.total for one in alone] == TOTALS
    assert [one.name for one in found.series] == QUERIES[1:]
    lines = [found.buckets, *(one.buckets for one in found.series)]
    for line, own in zip(lines, alone, strict=True):
        assert counts(line) == counts(own.buckets)
        assert [one.label for one in line] == [one.label for one in found.buckets]
        shares = {one.label: (one.articles, one.share, one.query) for one in line}
        assert all(shares[one.label] == (one.articles, one.share, one.query) for one in own.buckets)
    starts = [one.start for own in alone for one in own.buckets]
    assert (found.buckets[0].start, found.buckets[-1].start) == (min(starts), max(starts))
    assert archive.timeline(QUERIES[0], by=by).series == ()
    assert archive.timeline(QUERIES[0], by=by, compare="strike").series == found.series[:1] or by in ("day", "week")


def test_sources_by_brute_force(archive):
    found = archive.timeline("strike", split="source", limit=2)
    matching = [hit.article for hit in archive.search("strike", limit=99, mode="keyword") if hit.matched]
    assert [(one.name, one.total) for one in found.series] == SOURCES
    assert len(archive.timeline("strike", split="source").series) == 4  # others have no source
    for line in found.series:
        own = Counter(str(one.published)[:7] for one in matching if one.source == line.name)
        every = Counter(str(one.published)[:7] for one in archive if one.source == line.name)
        assert counts(line.buckets) == own
        assert [one.label for one in line.buckets] == [one.label for one in found.buckets]
        for one in line.buckets:
            assert one.articles == every[one.label]
            asked = archive.search(one.query, limit=99, mode="keyword")
            assert asked.total == one.count
    where = archive.timeline("strike", split="source", limit=1, filters={"conditions": None, "sections": ["Port"]})
    assert [(one.name, one.total) for one in where.series] == [("Harrowmouth Courier", 5)]
    for wrong in ({"split": "author"}, {"split": "source", "compare": ["dam"]}, {"limit": 0}):
        with pytest.raises(UsageError):
            archive.timeline("strike", **wrong)


@shows("timeline", "--compare", "--split", "--limit", "--share")
def test_on_the_command_line(sample_archive, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    index = ("--index", sample_archive)
    shown = run("timeline", *QUERIES, "--share", *index)
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["dam", "strike", "ferry", "hostages"]
    assert lines[1].split()[:2] == ["2024-09", "15.4%"]
    assert [cell for cell in lines[1].split() if cell.endswith("%")] == ["15.4%", "23.1%", "7.7%"]
    assert shown.stderr.splitlines() == [
        "10 articles match",
        "strike: 15 articles match",
        "ferry hostages: 3 articles match",
    ]
    counted = run("timeline", *QUERIES, *index)
    assert counted.stdout.splitlines()[1].split()[:2] == ["2024-09", "2"]
    assert counted.stdout == run("timeline", "dam", "--compare", "strike", "--compare", "ferry hostages", *index).stdout
    record = json.loads(run("timeline", "strike", "--split", "source", "-n", 2, "--format", "json", *index).stdout)
    assert [(one["name"], one["total"]) for one in record["series"]] == SOURCES
    assert (
        len(json.loads(run("timeline", "strike", "--split", "source", "--format", "json", *index).stdout)["series"])
        == 4
    )
    rows = list(csv.DictReader(io.StringIO(run("timeline", *QUERIES, "--format", "csv", *index).stdout)))
    assert list(rows[0]) == ["series", "month", "start", "end", "count", "articles", "share", "query"]
    assert Counter(row["series"] for row in rows) == dict.fromkeys(QUERIES, 6)
    for share in ((), ("--share",)):
        drawn = run("timeline", *QUERIES, *share, "--format", "svg", *index).stdout
        told = [node.text for node in ElementTree.fromstring(drawn).iter() if node.text]
        assert ("dam, 2024-09: 15.4%" if share else "dam, 2024-09: 2") in told
        assert set(QUERIES) <= set(told)
        out = tmp_path / "chart.png"
        assert run("timeline", *QUERIES, *share, "--format", "png", "--output", out, *index).exit_code == 0
        assert out.read_bytes().startswith(b"\x89PNG\r\n")
    alone = run("timeline", "dam", "--share", *index).stdout.splitlines()
    assert alone[1].split()[:2] == ["2024-09", "15.4%"]
    words = run("timeline", "dam", "strike", *index).stderr
    assert "2 queries, a word each; as one query: broadsheet timeline 'dam strike'" in words
    assert "a word each" not in run("timeline", *QUERIES, *index).stderr + run("timeline", "dam", *index).stderr
    assert run("timeline", "zebra", "zzz", *index).exit_code == 1
    assert run("timeline", "zebra", "dam", *index).exit_code == 0


def test_lines_that_have_no_room_stand_below_each_other():
    names = [f"query {number}" for number in range(8)]
    panel = charts.Lines("all", ["2024", "2025"], [(name, [1, 2]) for name in names])
    drawn = charts.table(names, panel, 60)
    assert [row for row in drawn if row.startswith("query")] == names
    assert len(drawn) == 24
    assert charts.table([], charts.Lines("all", [], []), 60) == []


def test_hostile_names_are_no_markup():
    panel = charts.Lines("<b>", ["</svg>"], [("<script>\x1b[2J", [0.5])], percent=True)
    root = ElementTree.fromstring(charts.svg("&", [panel]))
    told = [node.text for node in root.iter() if node.text and "script" in node.text]
    assert len(told) == 2
    assert told[1].endswith("</svg>: 50.0%")
    assert not any("\x1b" in text for text in told)
    assert charts.png("$x^2$", [charts.Lines("$", ["$"], [("$_$", [1])])]).startswith(b"\x89PNG")


@shows("GET /v1/timeline", "compare", "split", "limit")
@shows("POST /v1/timeline", "compare", "split", "limit")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_over_http(sample_archive, method):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1:8000") as client:

        def ask(**asked):
            how = {"params": asked} if method == "GET" else {"json": asked}
            return client.request(method, "/v1/timeline", **how).json()

        found = ask(q="dam", compare=QUERIES[1:])
        assert [(one["name"], one["total"]) for one in found["series"]] == list(zip(QUERIES, TOTALS, strict=True))[1:]
        assert ask(q="dam")["series"] == []
        split = ask(q="strike", split="source", limit=2)
        assert [(one["name"], one["total"]) for one in split["series"]] == SOURCES


@shows("tool timeline", "compare")
@pytest.mark.anyio
async def test_for_assistants(archive):
    async with Client(mcp_server(archive)) as client:
        result = await client.call_tool("timeline", {"query": "dam", "compare": ["strike"]})
        assert [(one["name"], one["total"]) for one in result.structured_content["series"]] == [("strike", 15)]
