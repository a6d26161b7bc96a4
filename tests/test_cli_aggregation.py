"""``facets``, ``timeline`` and ``alerts`` on the command line: formats, files, exit codes, and hostile texts."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli import charts
from search.cli.main import cli
from search.cli.rss import rfc_822
from search.errors import install_line
from search.storage.folder import Folder
from search.storage.locks import lock_writer

EVIL = "\x1b[2J<b>&\"'\u202e\x00$x^{ </svg>"
NEWS = [
    Article(id="dam", title="Dam leaks", text="The dam leaks.", published=date(2024, 10, 1), source="Valley Herald"),
    Article(
        id="port",
        title="Port strike",
        text="Dockers walk out.",
        published=datetime(2024, 12, 2, 8, 15, tzinfo=timezone(timedelta(hours=2))),
        source="Coast Daily",
        authors=("Mara Quill", "Tom Bell"),
        url="https://coast.example/a?b=1&c=2",
        section="News",
        agency="PTI",
    ),
    Article(id="=evil", title=EVIL, text=f"{EVIL} dam", published=date(2024, 12, 31), source=EVIL, url="javascript:x"),
    Article(id="undated", title="Undated", text="Without a date.", source="Coast Daily"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An archive that no test changes."""
    folder = tmp_path_factory.mktemp("built") / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add(NEWS, vectors=False)
    return folder


@pytest.fixture
def archive(tmp_path):
    """An archive to change, with an alert for everything and one for nothing."""
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as opened:
        opened.add(NEWS, vectors=False)
        opened.add_alert("all", "*", everything=True)
        opened.add_alert("none", "nosuchword", everything=True)
    return folder


def run(folder, *arguments):
    result = CliRunner().invoke(cli, [*arguments, "--index", str(folder)])
    assert "Traceback" not in result.output
    assert not any((c < " " and c != "\n") or "\x7f" <= c < "\xa0" for c in result.output)
    assert "\u202e" not in result.output
    return result


def test_facets_as_bars(built):
    result = run(built, "facets", "--field", "source", "--field", "year")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "source: 3 values",
        f"  Coast Daily        {'█' * 36} 2",
        '    source:="Coast Daily"',
        f"  <b>&\"'$x^{{ </svg>  {'█' * 18}{' ' * 18} 1",
        '    source:="[2J<b>&\\"\' $x^{ </svg>"',
        f"  Valley Herald      {'█' * 18}{' ' * 18} 1",
        '    source:="Valley Herald"',
        "",
        "year: 1 value; 1 article without",
        "  2024  █████████████████████████████████████████████████ 3  date:2024",
    ]
    assert result.stderr == "4 articles match\n"


def test_facets_as_json(built):
    result = run(built, "facets", "coast", "OR", "dam", "--format", "json", "-n", "1")
    found = json.loads(result.stdout)
    assert found.pop("took_ms") >= 0
    assert found["query"] == "coast OR dam"
    assert found["total"] == 2
    assert list(found["facets"]) == ["source", "author", "section", "agency", "language", "year", "month"]
    assert found["facets"]["year"] == {
        "distinct": 1,
        "none": 0,
        "values": [
            {"value": "2024", "count": 2, "query": "(coast OR dam) date:2024", "others": "(coast OR dam) -date:2024"}
        ],
    }
    assert found["facets"]["source"]["distinct"] == 2


def test_facets_as_csv(built):
    rows = list(csv.reader(io.StringIO(run(built, "facets", "--format", "csv").stdout)))
    assert rows[0] == ["field", "value", "count", "query"]
    assert ["source", "Coast Daily", "2", 'source:="Coast Daily"'] in rows
    assert ["author", "Tom Bell", "1", 'by:="Tom Bell"'] in rows
    assert ["author", "", "3", ""] in rows
    assert {len(row) for row in rows} == {4}


def test_filters_and_literal_reach_the_counts_and_their_queries(built):
    result = run(
        built,
        *("facets", "--source", "coast", "--from", "2024-11", "--to", "2024", "--field", "author", "--format", "json"),
    )
    values = json.loads(result.stdout)["facets"]["author"]["values"]
    assert values[0]["query"] == 'date:2024-11..2024 source:"coast" by:="Mara Quill"'
    assert run(built, "facets", values[0]["query"]).stderr == "1 article matches\n"
    literal = run(built, "facets", "--literal", "source:coast", "dam", "--format", "json")
    assert json.loads(literal.stdout)["total"] == 0
    assert "1 article without a date is hidden by --as-of" in run(built, "facets", "--as-of", "2025").stderr


def test_timeline_as_bars(built):
    result = run(built, "timeline")
    assert result.exit_code == 0
    assert [row.split() for row in result.stdout.splitlines()] == [
        ["2024-10", "█" * 30 + "▌", "1", "100.0%"],
        ["2024-11", "0", "0.0%"],
        ["2024-12", "█" * 61, "2", "100.0%"],
    ]
    assert result.stderr == "4 articles match; 1 article without a date\n"
    assert {len(row) for row in result.stdout.splitlines()} == {80}


def test_timeline_as_json_and_csv(built):
    found = json.loads(run(built, "timeline", "dam", "--by", "week", "--from", "2024-12-23", "--format", "json").stdout)
    assert found.pop("took_ms") >= 0
    assert found == {
        "query": "dam",
        "by": "week",
        "total": 1,
        "stories": None,
        "series": [],
        "undated": 0,
        "buckets": [
            {
                "label": label,
                "start": label,
                "end": end,
                "count": count,
                "articles": count,
                "share": float(count),
                "query": f"(dam) since:2024-12-23 date:{label}..{end}",
            }
            for label, end, count in (("2024-12-23", "2024-12-29", 0), ("2024-12-30", "2025-01-05", 1))
        ],
    }
    rows = list(csv.reader(io.StringIO(run(built, "timeline", "--by", "year", "--format", "csv").stdout)))
    assert rows == [
        ["year", "start", "end", "count", "articles", "share", "query"],
        ["2024", "2024-01-01", "2024-12-31", "3", "3", "1.0", "date:2024"],
    ]


@pytest.mark.parametrize("command", ["facets", "timeline"])
def test_svg_is_well_formed_whatever_the_articles_say(built, command, tmp_path):
    out = tmp_path / "chart.svg"
    assert run(built, command, "--format", "svg", "--output", str(out)).stdout == ""
    text = out.read_text(encoding="utf-8")
    assert text == run(built, command, "--format", "svg").stdout
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {child.tag.partition("}")[2] for child in root} <= {"title", "rect", "text", "line"}
    shown = [node.text for node in root.iter() if node.text]
    if command == "facets":
        assert "<b>&\"'$x^{ </svg>" in shown
    else:
        assert "2024-12: 2" in shown


def test_png_needs_a_file_and_matplotlib(built, tmp_path, monkeypatch):
    result = run(built, "timeline", "--format", "png")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--output FILE" in result.stderr
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / "chart.png"
    result = run(built, "timeline", "--format", "png", "--output", str(out))
    assert result.exit_code == 2
    assert install_line("charts") in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("query", ["*", "nosuchword"])
@pytest.mark.parametrize("command", ["facets", "timeline"])
def test_png(built, tmp_path, command, query):
    pytest.importorskip("matplotlib")
    out = tmp_path / "chart.png"
    result = run(built, command, query, "--format", "png", "--output", str(out))
    assert result.exit_code == (0 if query == "*" else 1), result.output
    assert out.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_png_of_many_periods():
    pytest.importorskip("matplotlib")
    labels = [str(i) for i in range(20_000)]
    picture = charts.png(EVIL, [charts.Panel(EVIL, labels, range(20_000), standing=True)])
    assert picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["facets", "timeline"])
@pytest.mark.parametrize("format", ["pretty", "json", "csv", "svg"])
def test_nothing_found_exits_1(built, command, format):
    result = run(built, command, "nosuchword", "--format", format)
    assert result.exit_code == 1
    assert "match" in result.stderr
    if format == "json":
        assert json.loads(result.stdout)["total"] == 0
    if format == "pretty":
        assert result.stdout == ""


def test_mistakes_exit_2(built, tmp_path):
    assert run(built, "facets", '"open').exit_code == 2
    assert "periods" in run(built, "timeline", "since:0001", "until:9999", "--by", "day").stderr
    assert run(built, "timeline", "since:0001", "until:9999", "--by", "day").exit_code == 2
    assert run(built, "timeline", "--by", "hour").exit_code == 2
    assert run(built, "facets", "--field", "colour").exit_code == 2
    assert run(tmp_path / "none", "facets").exit_code == 3
    assert run(built, "facets", "--format", "json", "--output", str(tmp_path / "no" / "x")).exit_code == 3


def test_a_plain_terminal_gets_plain_bars(monkeypatch):
    assert charts.bar(1, 2, 10) == "█████"
    assert charts.bar(1, 1000, 10) == "▏"
    assert charts.bar(0, 5, 10) == charts.bar(0, 0, 10) == ""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert charts.bar(1, 2, 10) == "#####"
    assert charts.bar(1, 1000, 10) == "#"


def test_rows_fit_their_width():
    labels = ["東京新聞" * 20, EVIL * 9, "a", ""]
    for columns in (20, 40, 80, 110):
        for row in charts.rows(labels, [1, 20_000, 0, 7], ["", "100.0%", "", ""], columns):
            assert charts.width(row) <= max(columns, 34)
    assert charts.rows([], [], [], 80) == []


def test_ticks_and_names():
    assert charts.ticks(0) == [0]
    assert charts.ticks(3) == [0, 1, 2, 3]
    assert charts.ticks(340) == [0, 100, 200, 300]
    assert charts.ticks(20_000) == [0, 5000, 10000, 15000, 20000]
    assert list(charts.named(3)) == [0, 1, 2]
    assert len(charts.named(10_000)) <= charts.LABELS


# Alerts


def test_alerts_are_saved_listed_and_removed(built, tmp_path):
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as opened:
        opened.add(NEWS[:1], vectors=False)
    result = run(folder, "alerts", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "broadsheet alerts add" in result.stderr
    assert run(folder, "alerts", "run").exit_code == 1
    assert run(folder, "alerts", "add", "dams", "dam", "since:7d").stderr == "saved dams\n"
    result = run(folder, "alerts", "list")
    assert result.exit_code == 0
    assert result.stdout.startswith("dams\n  dam since:7d\n  saved 20")
    assert result.stdout.endswith("never run\n")
    (alert,) = json.loads(run(folder, "alerts", "list", "--format", "json").stdout)["alerts"]
    assert (alert["name"], alert["query"], alert["ran"]) == ("dams", "dam since:7d", None)
    assert datetime.fromisoformat(alert["created"]).tzinfo is not None
    assert run(folder, "alerts", "add", "dams", "x").exit_code == 2
    assert run(folder, "alerts", "add", "bad", '"x').exit_code == 2
    assert run(folder, "alerts", "remove", "dam").stderr == (
        "broadsheet: there is no alert named 'dam'; did you mean 'dams'?\n"
    )
    assert run(folder, "alerts", "remove", "dams").exit_code == 0
    assert run(folder, "alerts", "list").exit_code == 1


def test_run_as_text(archive):
    result = run(archive, "alerts", "run", "--peek")
    assert result.exit_code == 0
    assert result.stdout.startswith("all\n\n  <b>&\"'$x^{ </svg>\n")
    facts = "Coast Daily · 2024-12-02 08:15 +02:00 · Mara Quill, Tom Bell · PTI · News"
    assert f"\n  Port strike\n  {facts}\n  Dockers walk out.\n  https://coast.example/" in result.stdout
    assert result.stdout.endswith("  id undated\n")
    assert result.stderr == "all: 4 new articles\nnone: 0 new articles\n"
    assert run(archive, "alerts", "run").stdout == result.stdout
    again = run(archive, "alerts", "run")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "all: 0 new articles\nnone: 0 new articles\n"
    assert run(archive, "alerts", "run", "nobody").exit_code == 2


def test_run_as_json(archive):
    result = run(archive, "alerts", "run", "all", "--format", "json")
    (alert,) = json.loads(result.stdout)["alerts"]
    assert (alert["name"], alert["query"], alert["total"], alert["error"]) == ("all", "*", 4, None)
    assert [article["id"] for article in alert["articles"]] == ["=evil", "port", "dam", "undated"]
    assert alert["articles"][1] == {
        "id": "port",
        "title": "Port strike",
        "source": "Coast Daily",
        "published": "2024-12-02T08:15:00+02:00",
        "authors": ["Mara Quill", "Tom Bell"],
        "url": "https://coast.example/a?b=1&c=2",
        "section": "News",
        "agency": "PTI",
        "snippet": "Dockers walk out.",
        "copies": [],
    }
    result = run(archive, "alerts", "run", "all", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["alerts"][0]["articles"] == []


def test_run_as_rss(archive):
    with Archive.open(archive) as opened:
        opened.add_alert("port & <co>", "port", everything=True)
    result = run(archive, "alerts", "run", "--format", "rss")
    root = ElementTree.fromstring(result.stdout)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    assert channel.findtext("title") == "Broadsheet: all, none, port & <co>"
    assert channel.findtext("link").startswith("urn:")
    assert channel.findtext("description") == "New articles for *; nosuchword; port"
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")).tzinfo is not None
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == ["<b>&\"'$x^{ </svg>", "Port strike", "Dam leaks", "Undated"]
    assert len({item.findtext("guid") for item in items}) == 4
    assert all(item.find("guid").get("isPermaLink") == "false" for item in items)
    evil, port, dam, undated = items
    assert evil.find("link") is None
    assert port.findtext("link") == "https://coast.example/a?b=1&c=2"
    assert [node.text for node in port.findall("category")] == ["News", "all", "port & <co>"]
    assert parsedate_to_datetime(port.findtext("pubDate")) == NEWS[1].published
    assert parsedate_to_datetime(dam.findtext("pubDate")) == datetime(2024, 10, 1, tzinfo=UTC)
    assert undated.find("pubDate") is None
    creators = port.findall("{http://purl.org/dc/elements/1.1/}creator")
    assert [node.text for node in creators] == ["Mara Quill", "Tom Bell", "PTI"]
    # A corrected article is another item; an empty feed is a feed.
    guid = dam.findtext("guid")
    with Archive.open(archive) as opened:
        opened.add([Article(id="dam", title="Dam is dry", text="Corrected.", published=date(2024, 10, 1))])
    (item,) = ElementTree.fromstring(run(archive, "alerts", "run", "--format", "rss").stdout).iter("item")
    assert item.findtext("guid") != guid
    result = run(archive, "alerts", "run", "--format", "rss")
    assert result.exit_code == 1
    assert not list(ElementTree.fromstring(result.stdout).iter("item"))


@pytest.mark.parametrize(
    "published",
    [
        date.min,
        date.max,
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
        datetime(1880, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32))),
    ],
)
def test_rss_dates_at_the_edges(published):
    text = rfc_822(published)
    assert text.split()[3] == f"{published.year:04}"
    assert text[-5:][1:].isdigit()


def test_a_locked_archive_is_told_before_the_news(archive):
    lock = lock_writer(Folder.open(archive))
    try:
        result = run(archive, "alerts", "run")
        assert (result.exit_code, result.stdout) == (3, "")
        assert "--wait" in result.stderr
        assert run(archive, "alerts", "run", "--peek").exit_code == 0
    finally:
        lock.release()
    assert run(archive, "alerts", "run").stdout.count("  id ") == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("unbuffered", "where"), [("", "standard output: "), ("1", "")])
def test_news_that_could_not_be_printed_stay_new(archive, unbuffered, where):
    command = f"{sys.executable} -m search alerts run --index {archive} > /dev/full"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (3, f"broadsheet: {where}No space left on device\n")
    assert run(archive, "alerts", "run", "--peek").stdout.count("  id ") == 4


def test_a_query_that_fails_exits_2_after_the_others(archive):
    from search.records import Alert

    with Archive.open(archive) as opened:
        opened._session.catalog.add_alert(
            Alert(name="broken", query="colour:red", created=datetime(2025, 1, 1, tzinfo=UTC))
        )
    result = run(archive, "alerts", "run")
    assert result.exit_code == 2
    assert result.stdout.count("  id ") == 4
    assert "broken: there is no field 'colour'" in result.stderr
    assert "1 of 3 alerts could not be answered" in result.stderr


def test_the_index_can_be_named_before_or_after(archive, monkeypatch):
    alone = CliRunner().invoke(cli, ["alerts", "--index", str(archive), "list"])
    assert alone.stdout.startswith("all\n")
    monkeypatch.setenv("BROADSHEET_INDEX", str(archive))
    assert CliRunner().invoke(cli, ["alerts", "list"]).stdout == alone.stdout
    assert CliRunner().invoke(cli, ["alerts", "list", "--index", "nowhere"]).exit_code == 3
    for name in ("add", "list", "remove", "run"):
        assert CliRunner().invoke(cli, ["alerts", name, "--help"]).exit_code == 0
