"""``broadsheet help TOPIC``: every page is shown, plain on a pipe; what a page says of dates is so."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from search import Archive, query
from search.cli import pages
from search.cli.main import COMMANDS, cli
from search.ingest.dates import read_date

ROOT = Path(__file__).parents[1]
TOPICS = pages.topics()


def test_there_is_a_page_for_each_topic():
    known = (
        "archive assistants commands copies dates durability formats measurements page python query rag related server "
    )
    known += "collections furniture receipts terminal trends watching whoosh"
    assert {*known.split(), "languages"} <= set(TOPICS)
    assert not set(TOPICS) & set(COMMANDS)


def test_nothing_is_told_twice():
    for name, entries in (("README.md", r"^\| \[.*?\)"), ("CHANGELOG.md", r"^- .*(?:\n  .*)*")):
        told = [" ".join(entry.split()) for entry in re.findall(entries, (ROOT / name).read_text(), re.M)]
        assert len(told) > 10
        assert [entry for entry, times in Counter(told).items() if times > 1] == []


def test_without_a_topic_help_lists_them():
    shown = CliRunner().invoke(cli, ["help"]).stdout
    assert "Commands:" in shown
    for topic in TOPICS:
        assert re.search(rf"^  {topic} +{re.escape(pages.title(topic))}$", shown, re.M)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_plain_text(topic):
    result = CliRunner().invoke(cli, ["help", topic])
    assert result.exit_code == 0
    shown = result.stdout
    assert shown.startswith(pages.title(topic) + "\n")
    assert not re.search(r"\x1b|^```|^<!--|^#|^\|", shown, re.M)
    markdown = re.sub(r"^\|.*\n\|[-|]+$|^```.*$|^<!--.*$", "", pages.page(topic), flags=re.M)  # no heads of tables
    told = set(re.findall(r"\w{4,}", shown))
    assert not {word for word in re.findall(r"\w{4,}", markdown) if word not in told}


def test_how_a_page_is_drawn():
    markdown = (
        "# A `page`\n\nSome **bold** words and a [link](dates.md), a [site](https://x.example).\n<!-- mark -->\n\n"
        "```sh\n# no heading\n| no table\n```\n\n- one item that\n  goes on\n- two\n\n| a | b |\n|---|---|\n"
        "| `x\\|y` | first, and more than there is room for |\n| longer than its column may ever be, by far | z |\n"
    )
    assert list(pages.drawn(markdown, 44, style=False)) == [
        "A page",
        "",
        "Some bold words and a link (broadsheet help",
        "dates), a site (https://x.example).",
        "",
        "  # no heading",
        "  | no table",
        "",
        "- one item that goes on",
        "- two",
        "",
        "`x|y`                               first,",
        "                                    and more",
        "                                    than",
        "                                    there is",
        "                                    room for",
        "longer than its column may ever be, by far",
        "                                    z",
        "",
    ]
    assert next(pages.drawn(markdown, 44, style=True)) == "\x1b[1mA page\x1b[0m"


def rows(section):
    """The rows of a section's table on the page about dates: what is written, and what it means."""
    text = pages.page("dates").split(f"## {section}\n")[1].split("\n## ")[0]
    return [
        (re.findall(r"`([^`]+)`", left), right.strip())
        for left, right in re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.M)
    ]


def test_dates_in_a_query_mean_what_the_page_says():
    now = datetime(2025, 2, 28, 12, tzinfo=UTC)
    found = rows("In a query")
    assert len(found) > 12
    for forms, meaning in found:
        ends = [date.fromisoformat(day) for day in re.findall(r"\d{4}-\d\d-\d\d", meaning)]
        for form in forms:
            assert query.days(form.strip('"'), now) == (ends[0], ends[-1]), form


def test_dates_in_articles_are_read():
    found = rows("In articles")
    assert len(found) == 5
    for forms, _ in found:
        for form in forms:
            assert read_date(form).value is not None, form
    assert {read_date(form).value for form in ("26-02-2025", "02/26/2025", "2025-02-26")} == {date(2025, 2, 26)}


def test_every_method_that_is_named_is_there():
    text = pages.page("python")
    listed = text.split("- **Reading**")[1].split("- **Threads**")[0]
    names = re.findall(r"`(\w+)`", listed)
    assert len(names) > 20
    assert [name for name in names if not callable(getattr(Archive, name, None))] == []
    public = {name for name in vars(Archive) if not name.startswith("_")} - {"open", "close", "settings", "path"}
    assert public - set(names) - set(re.findall(r"`archive\.(\w+)\(", text)) == set()
