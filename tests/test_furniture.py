"""Furniture: what a source prints under many articles is learned, marked and left out, and nothing else is."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.furniture import learn
from search.engine.furniture.check import differs
from search.engine.furniture.learn import Articles, packed, unpacked
from search.engine.furniture.part import Spans, build_part, merge_parts, printed, spans_of
from search.errors import ArchiveDamaged
from search.storage.container import open_part, write_part
from search.storage.verified import file_hash
from search.text.copies import words
from search.text.furniture import EDGE, LABEL, SentenceReader
from search.text.sentences import lay_out
from search.text.stretches import joined, rest, without

from .effects import run
from .forgery import forged
from .test_format import FIXTURES

FOOTER = "Sign up for the Valley Post newsletter. All rights reserved."
PROMPT = "Story continues below for readers of the Post."
NONE = np.empty(0, np.uint64)
_SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u")]


def word(chance):
    return "".join(chance.choice(_SYLLABLES) for _ in range(3))


def sentence(chance, count=12):
    return " ".join(word(chance) for _ in range(count)).capitalize() + "."


def item(number, *, before=(), within=(), after=(), source="Valley Post", day=None, title=None, seed=None):
    """An article of ten paragraphs of its own and what stands before, in the middle of and after them."""
    chance = random.Random(number if seed is None else seed)
    own = [sentence(chance) for _ in range(10)]
    lines = [*before, *own[:5], *within, *own[5:], *after]
    name = f"{source}-{number}".replace(" ", "-")
    made = title or f"{word(chance)} {word(chance)} {number}"
    published = date(2025, 1, 1) + timedelta(days=3 * number if day is None else day)
    return Article(id=name, title=made, text="\n\n".join(lines), published=published, source=source)


def paper(count=40, **parts):
    return [item(number, **parts) for number in range(count)]


def blocks(archive, articles):
    """The furniture of each article, as texts."""
    return {article.id: [block.text for block in archive.furniture(article.id)] for article in articles}


def forge(path, name, change, **meta):
    """Change an array of the only furniture part, or what is said of it, and let the catalog vouch for the file."""
    (file,) = path.glob("segments/*/furniture*.part")
    part = open_part(file, "furniture")
    arrays = part.arrays()
    arrays[name] = change(np.array(arrays[name]))
    file.unlink()
    write_part(file, "furniture", arrays, part.meta | meta)
    with forged(path) as connection:
        ((parts,),) = connection.execute("SELECT parts FROM segments").fetchall()
        parts = json.loads(parts)
        parts["furniture"].update(size=file.stat().st_size, sha256=file_hash(file))
        connection.execute("UPDATE segments SET parts = ?", (json.dumps(parts),))


@pytest.fixture
def made(tmp_path):
    """Makes an archive of articles, in batches, optimized unless that is left out."""

    def make(articles, batch=1000, optimized=True, name="a"):
        with Archive.open(tmp_path / name, create=True) as archive:
            archive.add(articles, vectors=False, batch=batch)
            if optimized:
                archive.optimize()
        return Archive.open(tmp_path / name)

    return make


# What is furniture


def test_what_stands_under_many_articles_is_found_and_nothing_else(made):
    articles = paper(after=[FOOTER])
    with made(articles) as archive:
        assert set(map(tuple, blocks(archive, articles).values())) == {(FOOTER,)}
        assert archive.stats()["furniture"] == {"sentences": 80, "articles": 40, "sources": 1}


@pytest.mark.parametrize(
    "articles",
    [
        paper(19, after=[FOOTER]),  # too few articles to learn of
        [*paper(36), *paper(40, after=[FOOTER])[36:]],  # under four
        [item(n, after=[FOOTER] if n % 4 == 0 else (), day=n // 4) for n in range(100)],  # for 24 days
        [
            item(n, after=[FOOTER] if n < 40 else (), source=f"Outlet {n % 20}") for n in range(600)
        ],  # two of each source
        [item(number, after=[FOOTER], seed=1, title="Dam holds", day=number) for number in range(5)] + paper(60)[5:],
        [item(n, within=["The war began when the dam burst in March."] if n % 3 == 0 else ()) for n in range(45)],
        [item(n, after=["It was March."] if n % 3 else (), title=f"Dam {n}" if n % 3 else None) for n in range(60)],
        [item(n, before=["Fredreka Schouten"] if n % 4 == 0 else ()) for n in range(60)],  # a byline
        [item(n, before=["by fredreka"] if n % 4 == 0 else ()) for n in range(60)],
        [item(n, within=["Yes."] if n % 4 == 0 else ()) for n in range(120)],
        [item(n, after=["No one was hurt in this."] if n % 250 == 0 else (), day=n // 4) for n in range(1500)],  # rare
    ],
    ids=[
        "few articles",
        "few of many",
        "short time",
        "each source",
        "copies",
        "background",
        "subject",
        "byline",
        "small byline",
        "answer",
        "rare",
    ],
)
def test_what_is_no_furniture(made, articles):
    with made(articles) as archive:
        assert not any(blocks(archive, articles).values())


@pytest.mark.parametrize(
    "articles",
    [
        [item(n, within=[PROMPT] if n % 2 else ()) for n in range(45)],  # anywhere, often
        [item(n, within=["Advertisement"] if n % 5 else ()) for n in range(40)],  # a label, nearly everywhere
        [item(n, after=["Jane Roe reports on dams for the Post."] if n % 6 == 0 else ()) for n in range(60)],
        [item(n, after=["全著作権所有。転載を禁じます。"]) for n in range(40)],
        [item(n, after=[FOOTER]) if n % 2 else item(n, after=[FOOTER.upper()]) for n in range(40)],
        [Article(id=f"{n}", title=f"Ti{n}", text=one.text, source="S") for n, one in enumerate(paper(after=[FOOTER]))],
    ],
    ids=["anywhere", "label", "biography", "without spaces", "capitals", "undated"],
)
def test_what_is_furniture(made, articles):
    with made(articles) as archive:
        marked = [texts for texts in blocks(archive, articles).values() if texts]
        assert len(marked) == sum(any(line in one.text for line in _LINES) for one in articles)


_LINES = (PROMPT, "Advertisement", "Jane Roe", "全著作権所有", FOOTER, FOOTER.upper())


def test_what_was_learned_early_serves_at_once_and_what_comes_late_reaches_all_at_optimize(made):
    articles = paper(60, after=[FOOTER])
    with made(articles, batch=25, optimized=False) as archive:
        assert set(map(len, blocks(archive, articles[25:]).values())) == {1}  # batches learn of those before them
    late = [*paper(25), *[item(number, after=[FOOTER]) for number in range(25, 40)]]
    with made(late, batch=5, optimized=False, name="late") as archive:
        assert not any(blocks(archive, late).values())
        archive.optimize()
        assert sum(map(len, blocks(archive, late).values())) == 15


@st.composite
def outlets(draw):
    """Articles of two sources, some lines of which recur, with some copies and some without a date."""
    count = draw(st.integers(30, 60))
    chance = random.Random(draw(st.integers(0, 1 << 16)))
    made = []
    for number in range(count):
        after = [FOOTER] if chance.random() < 0.6 else []
        within = [PROMPT] if chance.random() < 0.6 else []
        source = "Valley Post" if chance.random() < 0.7 else "Hill Herald"
        seed = chance.randrange(20) if chance.random() < 0.4 else None
        made.append(item(number, after=after, within=within, source=source, seed=seed, day=chance.randrange(90)))
    return made


@settings(max_examples=15, deadline=None)
@given(outlets(), st.randoms(use_true_random=False), st.integers(3, 20), st.integers(0, 8))
def test_after_optimize_the_order_of_arrival_makes_no_difference(tmp_path_factory, articles, chance, batch, gone):
    folder = tmp_path_factory.mktemp("order")
    left = articles[gone:]
    with Archive.open(folder / "whole", create=True) as whole:
        whole.add(left, vectors=False)
        whole.optimize()
        expected = blocks(whole, left)
    shuffled = articles[:]
    chance.shuffle(shuffled)
    with Archive.open(folder / "parts", create=True) as parts:
        parts.add(shuffled, vectors=False, batch=batch)
        parts.delete([article.id for article in articles[:gone]])
        parts.optimize()
        assert blocks(parts, left) == expected
        assert parts.check(thorough=True) == []


# Left out


def test_snippets_and_passages_leave_it_out_and_a_phrase_finds_it(made):
    articles = paper(after=[FOOTER], within=["Advertisement"])
    with made(articles) as archive:
        assert blocks(archive, articles)[articles[3].id] == ["Advertisement", FOOTER]
        for passage in archive.passages(articles[3].id):
            assert passage.text == articles[3].text[passage.start : passage.end]
            assert not any(text in passage.text for text in ("Advertisement", FOOTER))
        last = articles[3].text.split("\n\n")[-2].split()[0]
        (hit,) = archive.search(last, mode="keyword").hits[:1]
        assert hit.article.id == articles[3].id
        assert last in hit.passages[0].text
        assert "newsletter" not in hit.snippet
        found = archive.search('"valley post newsletter"', mode="keyword", limit=50)
        assert found.total == 40
        assert all("newsletter" in hit.snippet for hit in found)


def test_a_text_that_is_all_furniture_is_shown_all_the_same(made):
    articles = [*paper(after=[FOOTER]), Article(id="bare", title="Bare", text=FOOTER, source="Valley Post")]
    with made(articles) as archive:
        (hit,) = archive.search("bare").hits
        assert [passage.text for passage in archive.passages("bare")] == [FOOTER]
        assert [block.text for block in archive.furniture("bare")] == [FOOTER]
        assert hit.snippet == FOOTER


def test_contexts_leave_it_out(made):
    articles = [
        item(n, within=["Advertisement for the valley dam"], after=["The valley dam is ours."], title=f"Ti{n}")
        for n in range(40)
    ]
    articles[7] = Article(
        id="dam",
        title="Seven",
        text="The valley dam holds.\n\nAdvertisement for the valley dam\n\nIt was built.\n\nThe valley dam is ours.",
        published=date(2025, 2, 1),
        source="Valley Post",
    )
    with made(articles) as archive:
        assert [block.text for block in archive.furniture("dam")] == [
            "Advertisement for the valley dam",
            "The valley dam is ours.",
        ]
        context = archive.retrieve("who holds the valley dam?", budget=400)
        texts = [passage.text for passage in context.passages]
        assert "The valley dam holds." in texts
        assert not any("Advertisement" in text or "is ours" in text for text in texts)
        assert all(archive.get(one.article_id).text[one.start : one.end] == one.text for one in context.passages)


def test_alerts_leave_it_out(made):
    articles = paper(after=[FOOTER])
    with made(articles) as archive:
        archive.add_alert("news", "valley OR " + articles[3].text.split()[0], everything=True)
        (told,) = archive.run_alerts()
        assert len(told.items) == 40
        (third,) = [one for one in told.items if one.id == articles[3].id]
        assert articles[3].text.split()[0] in third.snippet
        assert "newsletter" not in third.snippet
        archive.add_alert("footer", '"valley post newsletter"', everything=True)
        (told,) = archive.run_alerts(["footer"])
        assert len(told.items) == 40
        assert all("newsletter" in one.snippet for one in told.items)


@pytest.mark.parametrize("dropped", [True, False])
def test_what_belongs_to_an_article_is_none_of_it(made, dropped):
    """Articles are alike by what they say, and a line why names nothing else."""
    articles = paper(after=[FOOTER])
    articles[7] = item(7, within=["The zanzibar cathedral bells are heard."], after=[FOOTER])
    articles[9] = item(9, within=["He heard the zanzibar bells."], after=[FOOTER])
    other = [item(n, source="Hill Herald", day=n, seed=n + 500) for n in range(30)]
    with made([*articles, *other]) as archive:
        if not dropped:
            archive.optimize(furniture=False)
        for name, first, second in (("similar", 9, 7), ("background", 9, 7)):
            found = getattr(archive, name)(articles[first].id, mode="keyword", limit=100)
            alike = [hit.article.id for hit in found if "newsletter" in hit.why]
            assert found[0].article.id == articles[second].id
            assert "zanzibar" in found[0].why
            assert bool(alike) is not dropped
            assert dropped is (len(found) < 5)


@settings(deadline=None)
@given(st.text("ab \n", max_size=30), st.lists(st.integers(0, 30), max_size=8))
def test_what_is_left_of_a_text(text, cuts):
    ends = sorted({min(cut, len(text)) for cut in cuts})
    spans = [pair for pair in list(pairwise(ends))[::2] if pair[0] < pair[1]]
    kept = [place for place in range(len(text)) if not any(start <= place < end for start, end in spans)]
    expected = "".join(text[place] for place in kept if not text[place].isspace())
    left = without(text, 0, len(text), spans)
    assert "".join(text[start:end] for start, end in left).replace(" ", "").replace("\n", "") == expected
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in left)
    assert rest(text, spans).split() == " ".join(text[start:end] for start, end in left).split()
    blocks = joined(text, [pair for pair in spans if text[slice(*pair)].strip()])
    assert all(text[before[1] : after[0]].strip() for before, after in pairwise(blocks))


# Sentences as numbers


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abAé日. \n—_", max_size=40), max_size=6))
def test_sentences_have_the_numbers_of_their_words(texts):
    layouts = [lay_out(text) for text in texts]
    reader = SentenceReader(texts, layouts)
    read = iter(words.readings(texts[:2]))
    for reading in read:
        reader(reading)
    found = reader.sentences()
    at = 0
    for owner, layout in enumerate(layouts):
        for place, (start, end) in enumerate(zip(layout.starts, layout.ends, strict=True)):
            own = words.words(texts[owner][start:end])
            assert (found.owners[at], found.starts[at], found.ends[at]) == (owner, start, end)
            assert found.numbers[at] == (words.digest(own.hashes) if len(own) else 0)
            edge = place < 3 or len(layout.starts) - place <= 5
            assert bool(found.flags[at] & EDGE) == edge
            at += 1
    assert at == len(found.numbers)


def test_labels_are_told_by_their_few_words():
    text = "Jane Roe\n\nread more\n\nSee the dam\n\nJANE ROE OF POST\n\nA Dam Of The Post\n\n“Yes.”"
    found = SentenceReader([text], [lay_out(text)]).sentences()
    assert [bool(flag & LABEL) for flag in found.flags] == [True, True, False, True, False, True]


def test_a_sentence_without_end_and_a_text_beyond_what_is_read_have_no_number():
    texts = ["x " * 40_000, "Short one.\n\n" + "word " * 60_000 + "\n\nBehind all."]
    found = SentenceReader(texts, [lay_out(text) for text in texts]).sentences()
    assert found.numbers[0] == 0
    assert [bool(number) for number in found.numbers[1:]] == [True, False, False]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 65535), st.integers(0, 3)), max_size=20))
def test_places_are_packed_without_loss(places):
    starts, lengths, flags = (
        np.array(values, np.int64) for values in (zip(*places, strict=True) if places else [()] * 3)
    )
    found = unpacked(packed(starts, starts + lengths, flags.astype(np.uint8)))
    assert [values.tolist() for values in found] == [starts.tolist(), (starts + lengths).tolist(), flags.tolist()]


# The part


def part_of(tmp_path, name, articles):
    texts = [article.text for article in articles]
    read = printed(articles, SentenceReader(texts, [lay_out(text) for text in texts]).sentences())
    made = build_part(read, NONE, spans_of([], NONE, len(articles)), "d")
    write_part(tmp_path / name, "furniture", made.arrays, made.meta)
    return open_part(tmp_path / name, "furniture")


def test_a_merge_is_the_part_of_the_kept_articles(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.furniture.part.BLOCK", 50)  # in many pieces
    articles = paper(60, after=[FOOTER])
    cuts = [articles[:20], articles[20:50], articles[50:]]
    parts = [part_of(tmp_path, f"{number}", own) for number, own in enumerate(cuts)]
    chance = random.Random(3)
    keep = [np.array([chance.random() < 0.8 for _ in own]) for own in cuts]
    kept = [one for own, mask in zip(cuts, keep, strict=True) for one, yes in zip(own, mask, strict=True) if yes]
    days = np.array([article.published.toordinal() for article in kept])
    about = Articles(np.zeros(len(kept), np.int64), days, np.arange(len(kept)))
    made = merge_parts(parts, keep, about, NONE, "d", settled=True)
    alone = part_of(tmp_path, "alone", kept)
    for name in ("values", "owners", "places", "titles"):
        assert np.array_equal(np.asarray(made.arrays[name]), alone[name]), name
    assert len(made.arrays["learned"]) == 2
    assert len(made.arrays["spans"]) == 2 * len(kept)
    assert made.meta["settled"] is True
    spans = Spans(made.arrays["spans"], made.arrays["span_starts"])
    texts = {kept[number].text[start:end] for number in range(len(kept)) for start, end in spans.of(number)}
    assert texts == set(FOOTER.replace(". ", ".|").split("|"))


@pytest.mark.parametrize("name", ["owners", "values", "spans", "span_starts", "titles"])
def test_a_part_that_contradicts_itself_is_damaged(tmp_path, name):
    part = part_of(tmp_path, "sound", paper(30, after=[FOOTER]))
    days = np.arange(30) * 3
    made = merge_parts([part], [np.ones(30, np.bool_)], Articles(np.zeros(30, np.int64), days, days), NONE, "d", True)
    arrays = {key: np.array(value) for key, value in made.arrays.items()}
    arrays[name] = {
        "owners": arrays["owners"] + 1,
        "values": arrays["values"][::-1],
        "spans": arrays["spans"][:, ::-1],
        "span_starts": arrays["span_starts"][::-1],
        "titles": arrays["titles"][:, 1:],
    }[name]
    write_part(tmp_path / "odd", "furniture", arrays, made.meta)
    with pytest.raises(ArchiveDamaged, match="doctor --repair"):
        differs(open_part(tmp_path / "odd", "furniture"), np.arange(30), np.full(30, 10_000), None)


def test_a_part_of_another_version_says_nothing(made):
    articles = paper(after=[FOOTER])
    archive = made(articles)
    archive.close()
    forge(archive.path, "titles", lambda titles: titles, version=99)
    with Archive.open(archive.path) as archive:
        assert not any(blocks(archive, articles).values())
        assert archive.stats()["furniture"] is None
        archive.optimize()
        assert set(map(len, blocks(archive, articles).values())) == {1}


# Archives


def test_an_archive_of_before_learns_when_it_is_optimized(tmp_path):
    """It is searched as it was, and says that nothing is known."""
    folder = shutil.copytree(FIXTURES[-1], tmp_path / "old")
    with Archive.open(folder, outdated=True) as archive:
        archive.repair()
    with Archive.open(folder) as archive:
        assert archive.stats()["furniture"] is None
        archive.add(paper(after=[FOOTER]), vectors=False) if archive.settings["vectors"] is False else None
        archive.optimize()
        assert archive.stats()["furniture"] is not None
        assert archive.check(thorough=True) == []


def test_furniture_can_be_kept_and_dropped_again(made):
    articles = paper(after=[FOOTER])
    with made(articles) as archive:
        archive.optimize(furniture=False)
        assert archive.stats()["furniture"] is None
        assert not any(blocks(archive, articles).values())
        archive.add([item(50, after=[FOOTER])], vectors=False)
        archive.optimize()
        assert archive.stats()["furniture"] is None
        assert archive.settings["furniture"] == {"version": 1, "dropped": False}
        archive.optimize(furniture=True)
        assert archive.stats()["furniture"] == {"sentences": 82, "articles": 41, "sources": 1}


def test_merging_deletes_and_purges_keep_the_others_furniture(made):
    articles = paper(44, after=[FOOTER])
    with made(articles, batch=22, optimized=False) as archive:
        archive.delete([articles[0].id])
        archive.delete([articles[30].id], purge=True)
        left = articles[1:30] + articles[31:]
        assert set(map(len, blocks(archive, left).values())) == {1}
        archive.optimize()
        assert set(map(len, blocks(archive, left).values())) == {1}
        assert archive.check(thorough=True) == []


def test_doctor_sees_and_repairs_a_part(made):
    articles = paper(after=[FOOTER])
    archive = made(articles)
    archive.close()
    forge(archive.path, "places", lambda places: places + np.uint64(1 << 24))
    with Archive.open(archive.path) as archive:
        assert archive.check() == []
        (problem,) = archive.check(thorough=True)
        assert "sentences of other texts" in problem
        assert archive.repair(thorough=True).parts == {"furniture": 1}
        assert archive.check(thorough=True) == []
        assert set(map(tuple, blocks(archive, articles).values())) == {(FOOTER,)}
    (file,) = archive.path.glob("segments/*/furniture*.part")
    file.unlink()
    with Archive.open(archive.path, outdated=True) as archive:
        assert archive.repair().parts == {"furniture": 1}
    with Archive.open(archive.path) as archive:
        assert set(map(tuple, blocks(archive, articles).values())) == {(FOOTER,)}


def test_furniture_outside_of_a_text_is_damage(made):
    articles = paper(after=[FOOTER])
    archive = made(articles)
    archive.close()
    forge(archive.path, "spans", lambda spans: spans + 100_000)
    with Archive.open(archive.path) as archive:
        with pytest.raises(ArchiveDamaged, match="outside its text"):
            archive.furniture(articles[0].id)
        assert any("furniture outside of texts" in problem for problem in archive.check())


def test_the_sample_archive_has_none(sample_archive):
    with Archive.open(sample_archive) as archive:
        assert archive.stats()["furniture"] == {"sentences": 0, "articles": 0, "sources": 0}


# Shown


def test_show_marks_it_and_hides_it(made):
    articles = paper(after=[FOOTER])
    with made(articles) as archive:
        path, one = archive.path, articles[4]
    shown = run("show", one.id, "--index", path).stdout
    assert f"⟦{FOOTER}⟧" in " ".join(shown.split())
    hidden = run("show", one.id, "--index", path, "--no-furniture").stdout
    assert "newsletter" not in hidden
    assert one.text.split("\n\n")[8][:30] in hidden
    text = run("show", one.id, "--index", path, "--format", "text", "--no-furniture").stdout
    assert text == one.text.removesuffix(FOOTER).rstrip() + "\n"
    record = json.loads(run("show", one.id, "--index", path, "--format", "json").stdout)
    start = one.text.index(FOOTER)
    assert record["furniture"] == [{"text": FOOTER, "start": start, "end": start + len(FOOTER)}]
    assert run("show", one.id, "--index", path, "--format", "json", "--no-furniture").exit_code == 2


def test_learning_takes_the_earliest_of_copies():
    """Which copy came first makes no difference."""
    chance = random.Random(5)
    titles = learn.title_bits(f"{word(chance)} {word(chance)}" for _ in range(60))
    days = np.arange(60) * 2
    stories = np.arange(60) // 2 * 2
    block = learn.Block(np.full(60, 7, np.uint64), np.arange(60), np.full(60, EDGE, np.uint64))
    forward = learn.learned([block], Articles(np.zeros(60, np.int64), days, stories), titles)
    back = learn.learned(
        [block], Articles(np.zeros(60, np.int64), days[::-1].copy(), stories[::-1].copy()), titles[::-1]
    )
    assert forward.tolist() == back.tolist() == [7]
