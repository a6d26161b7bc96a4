"""An alert tells a story once: later copies are said beside it, updates and corrections are news."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from search import Archive

from .effects import http_app, run, shows
from .test_stories import prose
from .test_story import copy

SITE = "https://post.example/2025/01"
OTHER = prose(2, 150)


def told(archive, **options):
    """What is news, with the copies that it stands for; and the copies of what was told before."""
    (news,) = archive.run_alerts(**options)
    assert news.error is None
    return [(item.id, [one.id for one in item.copies]) for item in news.items], [one.id for one in news.copies]


@pytest.fixture
def archive(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add([copy("old", 1, "Post", url=f"{SITE}/01/dam-strike-vote")], vectors=False)
        made.add_alert("all", "*")
        yield made


@shows("Archive.run_alerts", "copies")
def test_a_new_story_is_told_once_by_its_likely_original(archive):
    archive.add([copy("herald", 3, "Herald", text=OTHER), copy("wire", 4, "Reuters", text=OTHER)])
    archive.add([copy("post", 2, "Post", text=OTHER), copy("alone", 5, "Post", text=prose(3, 150))])
    assert told(archive, peek=True) == ([("alone", []), ("wire", ["post", "herald"])], [])
    every = [(one, []) for one in ("alone", "wire", "herald", "post")]
    assert told(archive, peek=True, copies="show") == (every, [])
    assert told(archive)[0]
    assert told(archive) == ([], [])
    archive.add([copy("late", 6, "Courier", text=OTHER)])
    assert told(archive) == ([], ["late"])


def test_a_copy_of_what_was_known_is_no_news_but_an_update_and_a_correction_are(archive):
    archive.add(
        [
            copy("reprint", 2, "Herald"),
            copy("undated", None, "Gazette"),
            copy("second", 3, "Post", url=f"{SITE}/03/dam-strike-vote"),
            copy("third", 4, "Post", url=f"{SITE}/04/dam-strike-vote"),
            copy("corrected", 5, "Herald", title="Correction: dam"),
        ]
    )
    assert told(archive) == ([("corrected", []), ("third", ["second"])], ["reprint", "undated"])


def test_a_correction_that_comes_with_its_story_is_told_too(archive):
    archive.add([copy("a", 2, "A", text=OTHER), copy("b", 3, "B", text=OTHER, title="Corrected: dam")])
    assert told(archive) == ([("b", []), ("a", [])], [])


def test_a_changed_article_without_copies_is_news_again(archive):
    archive.add([copy("old", 1, "Post", text=prose(1, 150) + " And more of it.")])
    assert told(archive) == ([("old", [])], [])


def test_only_copies_that_the_alert_would_tell_were_told(tmp_path):
    """The earlier copy is none that the query finds: nobody was told the story."""
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add([copy("old", 1, "Post")], vectors=False)
        made.add_alert("herald", "source:Herald")
        made.add([copy("new", 2, "Herald")])
        assert told(made) == ([("new", [])], [])


def test_an_archive_that_knows_no_stories_tells_each_article(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as made:
        with made._session.writing() as writer, writer.commit() as transaction:
            transaction.set("stories", None)
        made.add_alert("all", "*")
        made.add([copy("a", 1), copy("b", 2)], vectors=False)
        assert told(made) == ([("b", []), ("a", [])], [])


@shows("alerts run", "--copies")
def test_on_a_command_line(archive):
    archive.add([copy("herald", 3, "Herald", text=OTHER), copy("post", 2, "Post", text=OTHER), copy("late", 6, "Hill")])
    folder = ["--index", archive.path]
    shown = run("alerts", "run", *folder, "--peek")
    assert "  +1 copy: Herald, 2025-01-03" in shown.stdout.splitlines()
    assert shown.stderr == "all: 1 new article\n  of stories told before +1 copy: Hill, 2025-01-06\n"
    assert run("alerts", "run", *folder, "--peek", "--copies", "show").stderr == "all: 3 new articles\n"
    (news,) = json.loads(run("alerts", "run", *folder, "--peek", "--format", "json").stdout)["alerts"]
    assert [one["id"] for one in news["copies"]] == ["late"]
    assert [(one["id"], [other["id"] for other in one["copies"]]) for one in news["articles"]] == [("post", ["herald"])]
    feed = ElementTree.fromstring(run("alerts", "run", *folder, "--peek", "--format", "rss").stdout)
    assert [node.text.endswith("(+1 copy: Herald, 2025-01-03)") for node in feed.findall(".//item/description")] == [
        True
    ]


@shows("GET /v1/alerts/news", "copies")
def test_over_http(archive):
    archive.add([copy("late", 6, "Hill")])
    with TestClient(http_app(archive.path), base_url="http://127.0.0.1") as client:
        (news,) = client.get("/v1/alerts/news").json()["alerts"]
        assert (news["total"], [one["id"] for one in news["copies"]]) == (0, ["late"])
        (news,) = client.get("/v1/alerts/news", params={"copies": "show"}).json()["alerts"]
        assert [one["id"] for one in news["articles"]] == ["late"]
