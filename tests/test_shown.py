"""Which copy stands for a story: the place of a story stays, whichever of its copies is shown."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.errors import UsageError

from .test_collapse import WORDS
from .test_stories import prose
from .test_story import in_archive_by_story

SOURCES = ("Post", "Herald", "Reuters", "Courier")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Seventy articles of thirty-one stories of one to four copies in four sources, one of them an agency; in several
    segments, some without a date, with a tombstone."""
    articles = []
    for number in range(70):
        story = number % 17 if number < 56 else number
        day = date(2025, 1, 1) + timedelta(days=(number * 7) % 21)
        word = f"The {WORDS[story % 3]} was named {1 + number % 5} times. " * (1 + number % 3) if number % 6 else ""
        articles.append(
            Article(id=f"a{number:02}", title=f"On {story}", text=f"{prose(story, 150)} {word}",
                    published=None if number % 11 == 3 else day, source=SOURCES[number % 4])
        )  # fmt: skip
    with Archive.open(tmp_path_factory.mktemp("shown") / "a", create=True, model="hash") as made:
        made.add(articles, batch=20)
        made.delete(["a04"])
        yield made


def latest(one):
    return (one.published is None, -(one.published or date.min).toordinal(), one.id)


def earliest(one):
    return (one.published is None, (one.published or date.max).toordinal(), one.id)


def original(one):
    return (one.source != "Reuters", *earliest(one))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_copy_that_is_asked_for_stands_where_the_best_would(archive, data):
    """By brute force over all articles, for every order, mode and filter; page by page with cursors."""
    asked = {
        "query": data.draw(st.sampled_from(["dam", "the bridge named", "*", "-times ferry"])),
        "mode": data.draw(st.sampled_from(["keyword", "vector", "hybrid"])),
        "sort": data.draw(st.sampled_from(["relevance", "relevance", "newest", "oldest"])),
        "filters": data.draw(st.sampled_from([None, {"sources": ["Herald", "Courier"]}, {"since": "2025-01-08"}])),
        "as_of": data.draw(st.sampled_from([None, None, "2025-01-15"])),
    }
    shown = data.draw(st.sampled_from(["best", "earliest", "latest", "original"]))
    prefer = data.draw(st.sampled_from([None, ["Courier"], ["Herald", "Post"], ["Nobody", "Reuters"]]))
    articles = {hit.article.id: hit.article for hit in archive.search("*", limit=200)}
    stories = in_archive_by_story(archive, asked["as_of"])
    condition = "-times" if "-" in asked["query"] else "*"
    under = {
        hit.article.id
        for hit in archive.search(condition, limit=200, filters=asked["filters"], as_of=asked["as_of"], sort="newest")
    }
    matched = {hit.article.id for hit in archive.search(**asked, limit=200) if hit.matched}
    plain = archive.search(**asked, limit=200, copies="collapse")

    def standing(one):
        return next((at for at, name in enumerate(prefer or ()) if name == one.source), len(prefer or ()))

    usual = earliest if asked["sort"] == "oldest" else latest
    key = {"best": usual, "earliest": earliest, "latest": latest, "original": original}[shown]
    expected = []
    for hit in plain:
        story = {name for name in stories[hit.article.id] if name in under} | {hit.article.id}
        candidates = [articles[name] for name in (story & matched) or story]
        pick = min(candidates, key=lambda one: (standing(one), key(one)))
        if shown == "best" and hit.article in candidates and standing(pick) == standing(hit.article):
            pick = hit.article
        expected.append((pick.id, hit.score, {name for name in story if name != pick.id}))
    if asked["sort"] != "relevance" or asked["query"] == "*":
        expected.sort(key=lambda one: usual(articles[one[0]]))
    found, cursor = [], None
    while True:
        page = archive.search(**asked, limit=7, copies="collapse", shown=shown, prefer=prefer, cursor=cursor)
        found += [(hit.article.id, hit.score, {copy.id for copy in hit.copies}) for hit in page]
        assert (page.total, page.stories) == (plain.total, plain.stories)
        if (cursor := page.cursor) is None:
            break
    assert found == expected


def test_what_is_said_of_it(archive):
    asked = {"copies": "collapse", "limit": 3}
    assert archive.search("dam", **asked, prefer="Courier").notes == archive.search("dam", **asked).notes
    (note,) = archive.search("*", **asked, prefer=["Gazette", "Post"]).notes
    assert note == "nothing is of the source 'Gazette' that is preferred"
    (note,) = archive.search("*", shown="earliest").notes
    assert note == "each copy is a hit: shown and prefer choose among them where copies is collapse"
    with pytest.raises(UsageError, match="is not a shown; use one of best, earliest, latest, original"):
        archive.search("dam", shown="first")
    with pytest.raises(UsageError, match=r"search.prefer takes text"):
        archive.search("dam", prefer=[7])
    page = archive.search("dam", **asked)
    with pytest.raises(UsageError, match="another query"):
        archive.search("dam", **asked, prefer=["Post"], cursor=page.cursor)


def test_an_explanation_is_of_the_best_copy_and_names_it(archive):
    best = {hit.rank: hit for hit in archive.search("dam", mode="keyword", copies="collapse", explain=True)}
    swapped = 0
    for hit in archive.search("dam", mode="keyword", copies="collapse", explain=True, shown="original"):
        first = best[hit.rank]
        assert hit.score == first.score
        if hit.article.id == first.article.id:
            assert hit.explain == first.explain
        else:
            assert hit.explain == {**first.explain, "copy": first.article.id}
            swapped += 1
    assert swapped >= 2
