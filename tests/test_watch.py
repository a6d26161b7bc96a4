"""Stages and their times."""

from __future__ import annotations

import re
from datetime import date

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.engine.watch import Stopwatch, unwatched


def test_a_stage_inside_another_bears_both_names_and_its_time_is_part_of_it():
    watch = Stopwatch()
    for _ in range(2):
        with watch("rank"), watch("words"):
            pass
        with watch("words"):
            pass
    assert list(watch.seconds) == ["rank", "rank/words", "words"]
    assert 0 < watch.seconds["rank/words"] <= watch.seconds["rank"]


def test_a_stage_that_fails_is_left():
    watch = Stopwatch()
    with pytest.raises(KeyError), watch("match"):
        raise KeyError
    with watch("rank"):
        pass
    assert list(watch.seconds) == ["match", "rank"]


def test_unwatched_stages_nest():
    with unwatched("rank"), unwatched("words"):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch") / "archive"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(
            [Article(id=f"{n}", title="Dam", text=f"Dam {n} leaks.", published=date(2024, 10, 1)) for n in range(3)]
        )
    return folder


PRESENT = [
    "present",
    *(f"present/{stage}" for stage in ("stories", "articles", "passages", "snippets", "explain", "suggest")),
]
BY_BOTH = ["rank", *(f"rank/{stage}" for stage in ("encode", "words", "meaning", "order"))]
SEARCH = ["open", "plan", "match", *BY_BOTH, *PRESENT]


def test_the_stages_of_a_search(folder):
    with Archive.open(folder) as archive:
        for settings, stages in (
            ({}, SEARCH),
            ({"mode": "keyword"}, ["open", "plan", "match", "rank", "rank/words", "rank/order", *PRESENT]),
            ({"sort": "newest"}, ["open", "plan", "match", "rank", *PRESENT]),
        ):
            watch = Stopwatch()
            archive.search("dam", watch=watch, **settings)
            assert list(watch.seconds) == stages


def test_the_stages_of_other_corridors(folder):
    with Archive.open(folder) as archive:
        for call, stages in (
            (archive.facets, ["open", "plan", "match", "count", "narrow"]),
            (archive.timeline, ["open", "plan", "match", "count", "narrow"]),
            (
                archive.retrieve,
                ["open", "plan", "detect", "search", *(f"search/{stage}" for stage in SEARCH[2:]), "stretches", "fill"],
            ),
        ):
            watch = Stopwatch()
            call("dam", watch=watch)
            assert list(watch.seconds) == stages


def test_the_stages_of_indexing(tmp_path):
    """Two threads share the stopwatch: what is read, and what is embedded and committed behind it."""
    items = [Article(id=f"a{i}", title=f"title {i}", text="The dam leaks.") for i in range(20)]
    for vectors, behind in ((True, ["group", "embed", "commit", "merge"]), (False, ["group", "commit", "merge"])):
        watch = Stopwatch()
        with Archive.open(tmp_path / str(vectors), create=True, model="hash") as archive:
            archive.add(items, batch=10, vectors=vectors, watch=watch)
        stages = list(watch.seconds)
        assert [stage for stage in stages if stage not in behind] == ["check", "sort", "cut", "invert"]
        assert [stage for stage in stages if stage in behind] == behind
        assert min(watch.seconds.values()) > 0


@pytest.mark.parametrize(
    ("command", "stages"),
    [
        (("search", "dam"), SEARCH),
        (("search", "nosuchword", "--mode", "keyword"), None),
        (("context", "dam leaks"), None),
        (("facets", "dam"), ["open", "plan", "match", "count", "narrow"]),
        (("timeline", "dam"), ["open", "plan", "match", "count", "narrow"]),
    ],
)
def test_timings_on_the_command_line(folder, command, stages):
    def printed(*options: str) -> list[str]:
        done = CliRunner().invoke(cli, [command[0], "--index", str(folder), *command[1:], *options])
        assert done.exit_code in (0, 1), done.stderr
        return re.findall(r"^([a-z/]+) +[0-9,.]+ ms$", done.stderr, re.M)

    assert printed() == []
    assert printed("--timings")[:3] == ["open", "plan", "match" if command[0] != "context" else "detect"]
    assert stages is None or printed("--timings") == stages
