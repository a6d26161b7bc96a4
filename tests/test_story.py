"""The copies of a text, what each likely is and what it changed; the most carried stories of a match set."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from starlette.testclient import TestClient

from search import Archive, Article, Stopwatch
from search.engine.request import Request
from search.engine.stories.roles import origins, own_copies
from search.errors import ArticleNotFound, UsageError
from search.text.copies.corrections import says_correction
from search.text.copies.differences import differences

from .effects import MATCHING, answer, http_app, mcp_server, options, run, shows
from .test_stories import prose

CLOSED, CORRECTED = "ward7b-2024-09-19-closed", "ward7b-2024-09-20-closed-corrected"
EXCHANGE = "zerrin-2025-01-05-first-exchange"
FREED, NURSE = "c-5cff34d3a7361014b4da92e54d75f0a3", "u-159c0a575828f8d18b47182d537d80d1"
ORANGE, LEDGER, PACK = (
    "sarayo-2024-12-09-orange",
    "sarayo-2024-12-10-ledger-orange",
    "c-df74b98647306b504af26734ddbe1686",
)
LEAK, CHECK, DUNMERE = (
    "meridon-2024-10-11-leak",
    "c-40705646e1cdf5e397baee3e41ac87fc",
    "u-e74c7e5ebfb9758d3880e8cef54968bf",
)
TRUCE, BARGE = "zerrin-2024-12-18-ceasefire", "c-b8cf86937ea240cbae9a536195dbf05e"
STORIES = {
    EXCHANGE: [(EXCHANGE, "original"), (FREED, "reprint"), (NURSE, "reprint")],
    ORANGE: [(ORANGE, "original"), (PACK, "reprint"), (LEDGER, "reprint")],
    LEAK: [(LEAK, "original"), (CHECK, "reprint"), (DUNMERE, "reprint")],
    TRUCE: [(TRUCE, "original"), (BARGE, "reprint")],
    CLOSED: [(CLOSED, "original"), (CORRECTED, "correction")],
}
"""The stories of the sample archive, with the roles that reading them gives."""
ORDER = [(EXCHANGE, 3), (ORANGE, 3), (LEAK, 3), (TRUCE, 2), (CLOSED, 2)]


@pytest.fixture(autouse=True)
def default_archive(monkeypatch, sample_archive):
    monkeypatch.setenv("BROADSHEET_INDEX", str(sample_archive))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.fixture
def http(sample_archive):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def anyio_backend():
    return "asyncio"


# The sample archive


@shows("Archive.story", "article_id", "limit", "as_of")
def test_the_roles_of_the_sample_archive(archive):
    for original, copies in STORIES.items():
        for asked, _ in copies:
            found = archive.story(asked)
            assert [(one.id, str(one.role)) for one in found.copies] == copies
            assert (found.id, found.original, found.compared, found.total) == (asked, original, original, len(copies))
    assert [one.id for one in archive.story(ORANGE, limit=2).copies] == [ORANGE, PACK]
    assert [one.id for one in archive.story(LEDGER, limit=2).copies] == [ORANGE, LEDGER]  # what was asked for is shown
    assert archive.story(LEDGER, limit=2).total == 3
    then = archive.story(ORANGE, as_of="2024-12-09")
    assert [one.id for one in then.copies] == [ORANGE, PACK]
    assert then.notes == ("1 of its copies came after that, or have no date",)
    with pytest.raises(ArticleNotFound, match="not there by then"):
        archive.story(LEDGER, as_of="2024-12-09")
    with pytest.raises(UsageError, match="limit must be 1 or more"):
        archive.story(LEDGER, limit=0)
    alone = archive.story("dam-2024-09-26-leaked-report")
    assert [(one.id, str(one.role), one.changes) for one in alone.copies] == [(alone.id, "original", ())]


def test_what_the_correction_changed(archive):
    original, corrected = archive.story(CLOSED).copies
    assert (original.common, original.kept, original.changes) == (1.0, 1.0, ())
    assert corrected.kept == pytest.approx(144 / 145)
    assert corrected.common == pytest.approx(144 / 172)
    changed, *added = corrected.changes
    assert "after 19 patients" in changed.before
    assert changed.after == changed.before.replace("19", "nine")
    assert [(one.before, one.after) for one in added] == [
        ("", "Correction: an earlier version of this article gave the number of patients as 19."),
        ("", "The hospital says that it is nine; ten swabs had been counted twice."),
    ]


@shows("Archive.stories", "query", "filters", "as_of", "literal")
@pytest.mark.parametrize("effect", MATCHING, ids=lambda effect: f"{effect.setting}-{effect.value}")
def test_stories_are_of_what_matches(archive, effect):
    for asked, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        filters = {name: value for name, value in asked.items() if name not in ("as_of", "literal")}
        rest = {name: value for name, value in asked.items() if name in ("as_of", "literal")}
        stories = archive.stories(effect.query, filters=filters, **rest)
        assert stories.total == len(found)
        assert stories.stories == archive.search(effect.query, copies="collapse", filters=filters, **rest).stories


@shows("Archive.stories", "sort", "limit", "where", "watch")
def test_the_most_carried_stories(archive):
    from whoosh import query

    found = archive.stories("*")
    assert (found.total, found.stories, found.carried) == (99, 91, 5)
    assert [(hit.id, hit.copies) for hit in found.hits] == ORDER
    assert [hit.rank for hit in found.hits] == [1, 2, 3, 4, 5]
    assert [hit.id for hit in archive.stories("*", sort="newest").hits] == [EXCHANGE, TRUCE, ORANGE, LEAK, CLOSED]
    assert [hit.id for hit in archive.stories("*", limit=2).hits] == [EXCHANGE, ORANGE]
    first = found.hits[0]
    assert (first.first, first.last, first.outlets) == (date(2025, 1, 5), date(2025, 1, 6), 2)
    assert first.sources == ("The Zerrin Monitor", "Harrowmouth Courier")
    # Only the copies that match count, and the original is the likeliest among them.
    dunmere = archive.stories("Dunmere").hits
    assert [(hit.id, hit.copies) for hit in dunmere] == [(CLOSED, 2)]
    assert archive.stories("*", as_of="2024-12-09").hits[0].id == LEAK
    assert [hit.id for hit in archive.stories("*", where=query.Term("text", "ward")).hits] == [CLOSED]
    watch = Stopwatch()
    archive.stories("*", watch=watch)
    assert [one for one in watch.seconds if "/" not in one] == ["open", "plan", "match", "count", "present"]
    for wrong in ({"limit": 0}, {"sort": "longest"}):
        with pytest.raises(UsageError):
            archive.stories("*", **wrong)
    assert archive.stories("nothingofthat").hits == ()


# The interfaces


@shows("story", "--as-of", "--limit", "--format", "--output", "--index", "--debug")
def test_story_on_a_command_line(tmp_path, sample_archive, monkeypatch):
    told = answer("story", PACK)
    assert [(one["id"], one["role"]) for one in told["copies"]] == STORIES[ORANGE]
    assert told["copies"][1]["kept"] == 0.6784
    assert [one["id"] for one in answer("story", PACK, "--as-of", "2024-12-09")["copies"]] == [ORANGE, PACK]
    few = run("story", PACK, "-n", "1", "--format", "json")
    assert "1 of 3 copies shown; -n shows more\n" in few.stderr
    shown = run("story", CORRECTED)
    assert shown.stderr == "2 copies in 1 outlet\n"
    lines = shown.stdout.splitlines()
    assert "likely correction · Dunmere Evening Post · 2024-09-20 09:05 +01:00" in lines
    assert "99% of the original kept, 16% of its own words new" in lines
    assert "  + The hospital says that it is nine; ten swabs had been counted twice." in lines
    assert "    after 19 patients were found to be carrying a fungus that shrugs off most" in lines
    rows = list(csv.DictReader(io.StringIO(run("story", CLOSED, "--format", "csv").stdout)))
    assert [(row["id"], row["role"]) for row in rows] == STORIES[CLOSED]
    jsonl = run("story", CLOSED, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(one)["id"] for one in jsonl] == [CLOSED, CORRECTED]
    assert run("story", CORRECTED, "--output", tmp_path / "story.txt").stdout == ""
    assert (tmp_path / "story.txt").read_text() == shown.stdout
    monkeypatch.delenv("BROADSHEET_INDEX")
    assert run("story", CORRECTED, "--index", sample_archive).stdout == shown.stdout
    assert run("story", "nobody", "--index", sample_archive).exit_code == 1
    missing = run("story", "x", "--index", tmp_path / "none", "--debug")
    assert (missing.exit_code, "Traceback" in missing.stderr) == (3, True)
    assert "Traceback" not in run("story", "x", "--index", tmp_path / "none").stderr


@shows("stories", "--limit", "--sort", "--format", "--output", "--index", "--debug", "--timings")
def test_stories_on_a_command_line(tmp_path, sample_archive, monkeypatch):
    assert [(one["id"], one["copies"]) for one in answer("stories")["hits"]] == ORDER
    assert [one["id"] for one in answer("stories", "--sort", "newest", "-n", "2")["hits"]] == [EXCHANGE, TRUCE]
    shown = run("stories", "Zerrin")
    assert shown.stdout.splitlines()[:3] == [
        "1. Twelve hostages walk out of the reeds as Zerrin exchange begins",
        "   2 copies · 2025-01-05 to 2025-01-06 · The Zerrin Monitor, Harrowmouth Courier",
        f"   id {EXCHANGE}",
    ]
    assert shown.stderr == "2 stories of several copies among 7 stories in 9 articles\n"
    rows = list(csv.DictReader(io.StringIO(run("stories", "--format", "csv").stdout)))
    assert [(row["id"], int(row["copies"])) for row in rows] == ORDER
    assert [json.loads(one)["id"] for one in run("stories", "--format", "jsonl").stdout.splitlines()] == [*STORIES]
    assert run("stories", "Zerrin", "--output", tmp_path / "x").stdout == ""
    assert (tmp_path / "x").read_text() == shown.stdout
    assert run("stories", "title:strike").exit_code == 1
    assert "count " in run("stories", "Zerrin", "--timings").stderr
    monkeypatch.delenv("BROADSHEET_INDEX")
    assert run("stories", "Zerrin", "--index", sample_archive).stdout == shown.stdout
    missing = run("stories", "--index", tmp_path / "none", "--debug")
    assert (missing.exit_code, "Traceback" in missing.stderr) == (3, True)


@shows("stories", "--from", "--to", "--as-of", "--source", "--author", "--section", "--language", "--literal")
@pytest.mark.parametrize("effect", MATCHING, ids=lambda effect: f"{effect.setting}-{effect.value}")
def test_stories_of_a_command_line_are_of_what_matches(effect):
    for asked, found in (({}, effect.before), ({effect.setting: effect.value}, effect.after)):
        ran = run("stories", effect.query, *options(asked), "--format", "json")
        assert json.loads(ran.stdout)["total"] == len(found)


@shows("GET /v1/story", "id", "limit", "as_of")
def test_story_over_http(http, archive):
    told = http.get("/v1/story", params={"id": PACK}).json()
    assert [(one["id"], one["role"]) for one in told["copies"]] == STORIES[ORANGE]
    few = http.get("/v1/story", params={"id": PACK, "limit": 2, "as_of": "2024-12-09"}).json()
    assert [one["id"] for one in few["copies"]] == [ORANGE, PACK]
    assert few["notes"] == list(archive.story(PACK, as_of="2024-12-09").notes)
    assert [one["id"] for one in http.get("/v1/story", params={"id": PACK, "limit": 1}).json()["copies"]] == [PACK]
    assert http.get("/v1/story", params={"id": "nobody"}).status_code == 404


NAMES = {"since": "from", "until": "to", "sources": "source", "authors": "author", "sections": "section"}
NAMES |= {"languages": "language"}
_ASKED = ("q", "from", "to", "source", "author", "section", "language", "as_of", "literal", "limit", "sort")


@shows("GET /v1/stories", *_ASKED)
@shows("POST /v1/stories", *_ASKED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_stories_over_http(http, method):
    def ask(**asked):
        how = {"params": asked} if method == "GET" else {"json": asked}
        return http.request(method, "/v1/stories", **how).json()

    assert [(one["id"], one["copies"]) for one in ask()["hits"]] == ORDER
    assert [one["id"] for one in ask(sort="newest", limit=2)["hits"]] == [EXCHANGE, TRUCE]
    for effect in MATCHING:
        assert ask(q=effect.query)["total"] == len(effect.before)
        name = NAMES.get(effect.setting, effect.setting)
        assert ask(q=effect.query, **{name: effect.value})["total"] == len(effect.after)


@shows("tool story", "id", "query", "limit", "as_of")
@pytest.mark.anyio
async def test_story_as_a_tool(sample_archive):
    with Archive.open(sample_archive) as opened:
        async with Client(mcp_server(opened)) as client:

            async def ask(**asked):
                return (await client.call_tool("story", asked)).structured_content

            told = (await ask(id=PACK))["story"]
            assert [(one["id"], one["role"]) for one in told["copies"]] == STORIES[ORANGE]
            assert [one["id"] for one in (await ask(id=PACK, as_of="2024-12-09"))["story"]["copies"]] == [ORANGE, PACK]
            assert len((await ask(id=PACK, limit=1))["story"]["copies"]) == 1
            stories = await ask(query="Zerrin", limit=1)
            assert [one["id"] for one in stories["stories"]["hits"]] == [EXCHANGE]
            assert [one["id"] for one in (await ask())["stories"]["hits"]] == [*STORIES]
            assert (await ask(as_of="2024-12-09"))["stories"]["hits"][0]["id"] == LEAK
            both = await client.call_tool("story", {"id": PACK, "query": "Zerrin"})
            assert both.is_error


# Exports


@shows("Archive.export", "copies")
@shows("export", "--copies")
def test_an_export_by_story_has_the_likely_original_of_each(archive, tmp_path):
    def exported(lines):
        return {one["id"] for one in map(json.loads, lines) if "broadsheet" not in one}

    every = exported(archive.export())
    assert len(every) == 99
    gone = {one for copies in STORIES.values() for one, _ in copies[1:]}
    assert exported(archive.export(copies="collapse")) == every - gone
    # Of those that match: the wire's copy does not, so another stands for the story.
    assert exported(archive.export("Dunmere pension", copies="collapse")) == {DUNMERE}
    assert len(exported(archive.export("Zerrin", copies="collapse"))) == archive.stories("Zerrin").stories == 7
    shown = run("export", "--copies", "collapse", "--query", "Zerrin")
    assert exported(shown.stdout.splitlines()) == exported(archive.export("Zerrin", copies="collapse"))
    assert shown.stderr.startswith("7 articles exported in ")
    with Archive.open(tmp_path / "again", create=True) as again:
        again.import_(archive.export(copies="collapse"), vectors=False)
        assert (len(again), again.stats()["copies"]) == (91, 0)


# Roles, by made-up stories

TEXT = prose(1, 150)


def in_archive_by_story(archive, as_of=None):
    """The ids of each article's story, itself among them, as of an instant."""
    with archive._session.reading() as view:
        visible = view.match(view.plan(Request(query="*", as_of=as_of))).visible
        groups, ordinals = view.groups(visible), np.flatnonzero(visible)
        found = {}
        for ordinal, name in zip(ordinals.tolist(), view.columns.ids(ordinals.tolist()), strict=True):
            found[name] = set(view.columns.ids(groups.members(ordinal, visible).tolist()))
    return found


def copy(id, day=1, source="", hour=None, **others):
    published = day and (date(2025, 1, day) if hour is None else datetime(2025, 1, day, hour, tzinfo=UTC))
    return Article(id=id, text=others.pop("text", TEXT), title=others.pop("title", id), published=published,
                   source=source, **others)  # fmt: skip


def told(tmp_path, *articles, **asked):
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add(articles, vectors=False)
        return [(one.id, str(one.role)) for one in made.story(articles[0].id, **asked).copies]


def test_the_agencys_own_copy_is_the_original_though_another_is_earlier(tmp_path):
    assert told(
        tmp_path,
        copy("post", 1, "Valley Post", agency="IANS"),
        copy("wire", 2, "Indo-Asian News Service"),
        copy("herald", 3, "Hill Herald", agency="PTI"),
        copy("later", 4, "IANS"),
    ) == [("wire", "original"), ("post", "reprint"), ("herald", "reprint"), ("later", "reprint")]


def test_an_agency_of_no_list_is_known_by_those_who_name_it(tmp_path):
    assert told(
        tmp_path, copy("post", 1, "Valley Post", agency="Lanternwire"), copy("wire", 2, "Lanternwire"), copy("z", 3)
    ) == [("wire", "original"), ("post", "reprint"), ("z", "reprint")]


def test_what_another_agency_wrote_is_not_an_agencys_own(tmp_path):
    assert told(tmp_path, copy("ani", 2, "ANI", agency="PTI"), copy("post", 1, "Valley Post")) == [
        ("post", "original"),
        ("ani", "reprint"),
    ]


def test_of_one_day_the_one_with_a_time_and_of_one_time_the_one_without_correction(tmp_path):
    assert told(
        tmp_path,
        copy("a-day", 1, "A"),
        copy("b-corrected", 1, "B", 9, title="Correction: the dam"),
        copy("c", 1, "C", 9),
        copy("d", None, "D"),
    ) == [("c", "original"), ("a-day", "reprint"), ("b-corrected", "correction"), ("d", "copy")]


def test_a_later_version_of_one_outlet_and_address_is_an_update(tmp_path):
    site = "https://post.example/2025/01"
    assert told(
        tmp_path,
        copy("first", 1, "Post", url=f"{site}/01/dam-strike-vote-8812.html"),
        copy("second", 2, "Post", url=f"{site}/02/dam-strike-vote-9001.html"),
        copy("third", 3, "Post", url=f"{site}/03/another-matter-of-dams"),
        copy("other", 4, "Herald", url="https://herald.example/dam-strike-vote"),
        copy("again", 5, "Herald", url="https://herald.example/dam-strike-vote?page=1"),
        copy("undated", None, "Herald", url="https://herald.example/dam-strike-vote?x"),
    ) == [
        ("first", "original"), ("second", "update"), ("third", "reprint"), ("other", "reprint"), ("again", "update"),
        ("undated", "copy"),
    ]  # fmt: skip


def test_without_dates_and_agencies_there_is_no_original(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add([copy("b", None, "B"), copy("a", None, "A")], vectors=False)
        found = made.story("b")
        assert (found.original, found.compared) == (None, "b")
        assert [(one.id, str(one.role)) for one in found.copies] == [("a", "copy"), ("b", "copy")]
        assert [one.id for one in made.stories("*").hits] == ["a"]
        assert "kept" in run("story", "b", "--index", tmp_path / "a").stdout


def test_an_undated_agencys_own_copy_is_the_original(tmp_path):
    assert told(tmp_path, copy("post", 1, "Post"), copy("wire", None, "Reuters")) == [
        ("wire", "original"),
        ("post", "reprint"),
    ]


def test_reprints_of_a_correction_are_reprints(tmp_path):
    note = TEXT + "\n\nCorrection: it was nine."
    assert told(tmp_path, copy("a", 1, "A", text=note), copy("b", 2, "B", text=note)) == [
        ("a", "original"),
        ("b", "reprint"),
    ]


def test_as_of_a_day_the_original_is_what_was_known_then(tmp_path):
    articles = (copy("post", 1, "Post"), copy("wire", 3, "Reuters"))
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add(articles, vectors=False)
        assert made.story("post").original == "wire"
        assert made.story("post", as_of="2025-01-02").original == "post"


def test_an_archive_that_knows_no_stories_says_so(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as made:
        with made._session.writing() as writer, writer.commit() as transaction:
            transaction.set("stories", None)
        made.add([copy("a"), copy("b")], vectors=False)
        assert [one.id for one in made.story("a").copies] == ["a"]
        found = made.stories("*")
        assert (found.total, found.stories, found.carried, found.hits) == (2, 2, 0, ())
        with pytest.raises(UsageError, match="'broadsheet regroup' finds out"):
            list(made.export(copies="collapse"))
        for notes in (made.story("a").notes, found.notes):
            assert "'broadsheet regroup' finds out" in notes[0]


def test_nothing_of_an_article_steers_a_terminal(tmp_path):
    evil = "A sentence \x1b[31mred\x07 here and more words to be seen."
    with Archive.open(tmp_path / "a", create=True) as made:
        made.add([copy("a", 1, "A"), copy("b", 2, "\x1b]0;B\x07", text=f"{TEXT}\n\n{evil}", title="\x1b[2J")],
                 vectors=False)  # fmt: skip
    for shown in (run("story", "a", "--index", tmp_path / "a"), run("stories", "--index", tmp_path / "a")):
        assert not set(shown.output) & set(map(chr, [*range(10), *range(11, 32), 127]))
    assert "here and more words" in run("story", "a", "--index", tmp_path / "a").stdout


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_likeliest_original_by_a_plain_rule(tmp_path_factory, data):
    """Of several stories at once; the oracle reads articles, the engine columns."""
    articles = []
    for number in range(data.draw(st.integers(2, 12))):
        day, hour = data.draw(st.sampled_from([None, 1, 2])), data.draw(st.sampled_from([None, 0, 9]))
        source = data.draw(st.sampled_from(["", "Post", "Reuters", "Lanternwire", "Agencies"]))
        agency = data.draw(st.sampled_from(["", "", "Thomson Reuters", "lanternwire", "PTI, ANI"]))
        title = data.draw(st.sampled_from(["Dam", "Corrected: dam"]))
        text = prose(data.draw(st.integers(1, 3)), 120)
        articles.append(copy(f"a{number:02}", day, source, hour, agency=agency, title=title, text=text))
    with Archive.open(tmp_path_factory.mktemp("origins") / "a", create=True) as made:
        made.add(articles, vectors=False, batch=5)
        with made._session.reading() as view:
            groups = view.groups(view.snapshot.live)
            copied = groups.copied.tolist()
            by_ordinal = dict(zip(copied, view.articles(groups.copied), strict=True))
            own = dict(zip(copied, own_copies(view.columns, groups).tolist(), strict=True))
            order = origins(view.columns, groups, view.words(view.snapshot.live)).tolist()
    names = {"thomson reuters": "reuters", "reuters": "reuters", "lanternwire": "lanternwire", "pti, ani": "pti"}

    def agency(name):
        return names.get(name.casefold(), name.casefold())

    for ordinal, one in by_ordinal.items():
        named = {agency(by_ordinal[at].agency) for at in copied if groups.ids[at] == groups.ids[ordinal]} - {""}
        is_own = agency(one.source) in named or one.source == "Reuters"
        assert own[ordinal] == (is_own and agency(one.agency) in ("", agency(one.source))), one

    def place(ordinal):
        one = by_ordinal[ordinal]
        time = (2, 0)
        if one.published is not None:
            whole = not isinstance(one.published, datetime) or one.published.hour == 0
            time = (1, one.published.day * 24 + (23.9 if whole else one.published.hour))
        return not own[ordinal], time, "Corrected" in one.title, one.id

    assert order == sorted(copied, key=place)


# Texts


@pytest.mark.parametrize(
    ("title", "text", "says"),
    [
        ("Correction: Dam", "", True),
        ("CORRECTED - Oil", "", True),
        ("Oil falls (Corrects paragraph 3)", "", True),
        ("Oil falls - corrected", "", True),
        ("Berichtigung: Damm", "", True),
        ("【更正】北京", "", True),
        ("訂正：北京", "", True),
        ("Исправление: плотина", "", True),
        ("Dam", "One.\nTwo.\n\nCorrection: it was nine.", True),
        ("Dam", "(Corrects name in second paragraph)\nThe dam.", True),
        ("Dam", "The dam broke. An earlier version of this article said otherwise.", True),
        ("Presa", "La presa.\n\nUna versión anterior de este artículo decía otra cosa.", True),
        ("Market correction hits stocks", "A correction of ten per cent.", False),
        ("Department of Corrections: three held", "The correction officer.", False),
        ("Dam", "One.\n" * 20 + "Correction: nine.\n" + "Two.\n" * 20, False),
    ],
)
def test_what_says_that_it_corrects(title, text, says):
    assert says_correction(title, text) is says


def test_sentences_that_moved_are_no_change():
    one = "The dam broke at dawn on Monday. Nobody was hurt in the valley below. The mayor had warned of it."
    other = "The mayor had warned of it. The dam broke at dawn on Monday. Nobody was hurt in the valley below."
    assert differences(one, other).sentences == ()
    assert differences(one, one.upper()) == (1.0, 1.0, ())
    assert differences("", "").sentences == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.data())
def test_cut_and_added_sentences_are_told(seed, data):
    sentences = [f"{one.strip('. ').capitalize()}." for one in prose(seed, 200).split(". ") if len(one.split()) > 3]
    gone = data.draw(st.sets(st.integers(0, len(sentences) - 1), max_size=4))
    place = data.draw(st.integers(0, len(sentences)))
    new = "Quite another matter stands only here."
    after = [*sentences[:place], new, *sentences[place:]]
    kept = [one for number, one in enumerate(sentences) if number not in gone]
    cut = " ".join(one for one in after if one == new or one in kept)
    found = differences(" ".join(sentences), cut)
    lost = [one for number, one in enumerate(sentences) if number in gone and one not in kept]
    assert sorted(one.before for one in found.sentences if one.before) == sorted(lost)
    assert [one.after for one in found.sentences if one.after] == [new]
    assert 0 <= found.kept <= 1
    assert 0 <= found.common <= 1


def test_many_usual_words_take_no_square_time(collector_off):
    """Each sentence has words that all have: only those that few have find its like."""
    one = " ".join(f"The man of number {number} said the usual thing again." for number in range(3000))
    other = " ".join(f"The man of place {number} said the usual thing again." for number in range(3000))
    found = differences(one, other)
    assert np.isfinite(found.kept)
    assert len(found.sentences) >= 3000
