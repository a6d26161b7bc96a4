"""Which articles are copies of one text: their words, what finds them, what decides, and the groups of an archive."""

from __future__ import annotations

import hashlib
import random
import re
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.engine.stories import check, find
from search.engine.stories.groups import Stories, components
from search.engine.stories.part import build_part, merge_parts, prints
from search.errors import ArchiveDamaged, UsageError
from search.ingest import read
from search.storage.columns import Columns
from search.storage.container import open_part, write_part
from search.text.copies.alignment import align
from search.text.copies.fingerprints import LEAST, fingerprints
from search.text.copies.pairs import Side, are_copies
from search.text.copies.words import each, words

from .conftest import SAMPLE

NONE = np.empty(0, np.int64)
_SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u")]


def prose(seed, count):
    """Sentences of made-up words: no two seeds share six words in a row."""
    chance = random.Random(seed)
    said = ["".join(chance.choice(_SYLLABLES) for _ in range(chance.randrange(1, 4))) for _ in range(count)]
    return ". ".join(" ".join(said[at : at + 12]) for at in range(0, count, 12)) + "."


def article(name, text, day=1, source="", title="", **more):
    published = None if day is None else date(2025, 2, 1) + timedelta(days=day)
    return Article(id=name, title=title or f"On {name}", text=text, published=published, source=source, **more)


def copies(one, other, sources=("A", "B"), titles=("Dam holds", "Dam holds")):
    return are_copies(Side(titles[0], one, sources[0]), Side(titles[1], other, sources[1]))


# Words


@given(st.text(alphabet="abzABZ019 .,-'\n", max_size=60), st.text(alphabet="abzABZ019 .,-'\n", max_size=60))
def test_words_are_those_of_a_plain_reading(one, other):
    plain = [re.findall("[a-z0-9]+", text.lower()) for text in (one, other)]
    read = [words(text) for text in (one, other)]
    for said, found in zip(plain, read, strict=True):
        assert len(found) == len(said)
        assert found.numeric.tolist() == [word[0].isdigit() and word[-1].isdigit() for word in said]
    numbers: dict[str, int] = {}
    for said, found in zip(plain, read, strict=True):
        for word, number in zip(said, found.hashes.tolist(), strict=True):
            assert numbers.setdefault(word, number) == number
    assert len(set(numbers.values())) == len(numbers)


def test_words_are_told_apart_whatever_their_length():
    """Of more than 24 bytes the first 16 and the last 8 tell, and their number."""
    said = ["a" * count for count in range(1, 60)] + [f"{'b' * at}x{'b' * (23 - at)}" for at in range(24)]
    assert len(set(words(" ".join(said)).hashes.tolist())) == len(said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("“Hello,” said O’Neil — 25.5 %…", 'hello said "O\'Neil" - 25 5'),
        ("今日は、晴れ。", "今 日 は 晴 れ"),
        ("ไทย", "ไ ท ย"),
        ("Über München\u00a0(dpa)", "Über München dpa"),
    ],
)
def test_marks_count_for_nothing(one, other):
    assert words(one).hashes.tolist() == words(other).hashes.tolist()
    assert len(words(one)) > 1


def test_many_texts_are_read_as_each_alone():
    texts = ["", "One dam.", "…", prose(1, 9000), "x" * 300_000, "今日", prose(2, 60_000), ""]
    numbers = []
    for hashes, bounds in each(texts):
        numbers += [hashes[a:b].tolist() for a, b in pairwise(bounds)]
    assert numbers == [words(text).hashes.tolist() for text in texts]
    assert sum(map(len, numbers)) > 50_000


# Fingerprints


def test_a_part_keeps_the_fingerprints_of_the_whole():
    whole = prose(3, 900)
    part = whole[len(whole) // 3 : len(whole) * 2 // 3]
    found = fingerprints(["", ""], [whole, part])
    sets = [set(found.values[found.owners == number].tolist()) for number in (0, 1)]
    assert min(map(len, sets)) >= LEAST
    low = {value for value in sets[1] if value <= found.below[0]}
    assert len(low - sets[0]) <= 1  # the words at the cut
    assert len(low) >= 6


def test_an_article_is_found_by_its_own_words_alone():
    texts = [prose(number, size) for number, size in enumerate((5, 30, 300, 3000, 12_000))]
    together = fingerprints([""] * 5, texts)
    for number, text in enumerate(texts):
        alone = fingerprints([""], [text])
        assert together.values[together.owners == number].tolist() == alone.values.tolist()
        assert (together.below[number], together.digests[number]) == (alone.below[0], alone.digests[0])


def test_fingerprints_are_those_that_archives_hold():
    """Of the same version they may not change: of the sample's articles, of other scripts, of long words and texts."""
    texts = [one.text for one in read([SAMPLE / "articles.jsonl"]) if isinstance(one, Article)]
    texts += [
        "",
        "今日は、晴れ。" * 30,
        "ไทย Ünïted — “quoted” " * 25,
        "a" * 40 + " " + "b" * 17,
        prose(7, 60_000),
        "é" * 200_000,
    ]
    made = prints([Article(id=str(number), text=text) for number, text in enumerate(texts)], range(len(texts)))
    digest = hashlib.sha256(b"".join(array.tobytes() for array in made)).hexdigest()
    assert (len(texts), len(made.values), digest[:16]) == (63, 1658, "880a1c2571b05f9c")


def test_of_too_few_words_nothing_is_said():
    found = fingerprints(["Cartoon", "The dam at Corriedale", "The dam at Corriedale"], ["", "It held all night.", ""])
    assert (found.digests != 0).tolist() == [False, True, False]


# What two texts have in common


def test_an_alignment_says_which_words_are_shared():
    one, other = words(f"{prose(1, 60)} {prose(2, 60)}"), words(f"{prose(3, 30)} {prose(1, 60)}")
    found = align(one, other)
    assert (found.first.tolist(), found.second.tolist(), found.length.tolist()) == ([0], [30], [60])
    assert found.one.tolist() == [True] * 60 + [False] * 60
    assert found.other.tolist() == [False] * 30 + [True] * 60
    assert (found.changed, found.facts) == (0, 0)


def test_an_alignment_counts_what_stands_in_the_place_of_something():
    text = prose(4, 80).split()
    other = list(text)
    text[20], other[20] = "twelve", "15"
    other[50:50] = ["at", "7", "o'clock"]  # four words
    found = align(words(" ".join(text)), words(" ".join(other)))
    assert (found.changed, found.facts) == (1 + 4, 1 + 1)


def test_a_text_that_repeats_itself_is_aligned_with_itself():
    text = f"{prose(5, 40)} {prose(6, 20)} {prose(5, 40)}"
    assert align(words(text), words(text)).one.all()


@pytest.mark.parametrize("one", ["", "dam", prose(1, 4)])
def test_texts_without_a_common_word(one):
    found = align(words(one), words(prose(2, 40)))
    assert (len(found.first), found.one.sum(), found.changed) == (0, 0, 0)


# Decisions

TEXT = prose(7, 400)
HALVES = TEXT.split(". ")[:16], TEXT.split(". ")[16:]
FORECAST = (
    "The office expects {} with temperatures between {} and {} degrees, winds of {} kilometres an hour from the {}, "
    "and rain of {} millimetres by the evening. Readers find the forecast for their town, warnings for farmers and "
    "sailors, and the levels of the rivers on the service page of this paper, which is printed every day but on Sunday."
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, TEXT.upper().replace(".", " --")),
        (TEXT, ". ".join(HALVES[0])),  # cut
        (TEXT, f"{TEXT}\n\n{prose(8, 200)}"),  # with own paragraphs behind
        (TEXT, f"{prose(8, 200)}\n\n{TEXT}"),  # before
        (TEXT, ". ".join([prose(9, 30), *HALVES[0][3:], *HALVES[1]])),  # a later version, begun anew
        (TEXT, " ".join(word if at % 12 else f"{word}~x" for at, word in enumerate(TEXT.split()))),  # scanned
        (FORECAST.format("sun", 3, 9, 20, "west", 4), FORECAST.format("sun", 3, 9, 20, "west", 4)),
    ],
)
def test_copies(one, other):
    assert copies(one, other)
    assert copies(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, prose(10, 400)),
        (FORECAST.format("sun", 3, 9, 20, "west", 4), FORECAST.format("fog", 1, 7, 35, "north", 12)),
        (f"{prose(1, 90)} {prose(11, 110)}", f"{prose(2, 90)} {prose(11, 110)}"),  # one footer
        (
            f"{prose(1, 30)} {prose(12, 60)} {prose(3, 30)}",
            f"{prose(2, 30)} {prose(12, 60)} {prose(4, 30)}",
        ),  # a quotation
        (prose(1, 150), f"{prose(2, 150)} {prose(1, 150)} {prose(3, 150)}"),  # an item of a digest
        ("The dam held.", "The dam held. All is well."),
    ],
)
def test_no_copies(one, other):
    assert not copies(one, other)
    assert not copies(other, one)


def test_what_a_source_prints_under_other_titles_is_no_copy():
    wall = prose(13, 90)
    assert not copies(wall, wall, ("A", "A"), ("Dam holds", "Voters choose"))
    assert copies(wall, wall, ("A", "B"), ("Dam holds", "Voters choose"))
    assert copies(wall, wall, ("A", "A"), ("Dam holds", "Dam holds out"))


def test_short_texts_must_be_the_same_with_their_titles():
    assert copies("Held all night, they said.", "Held all night they said")
    assert not copies("Held all night.", "Held all night.", titles=("Dam", "Bridge"))


# Groups


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_components(given):
    count, pairs = given
    expected = list(range(count))
    for _ in range(count):
        for one, other in pairs:
            expected[one] = expected[other] = min(expected[one], expected[other])
    assert components(count, np.array(pairs, np.int64).reshape(-1, 2)).tolist() == expected


@given(st.data())
def test_what_groups_say_is_what_their_ids_say(data):
    """Counted, listed and picked article by article, whatever is visible, linked and asked about."""
    count = data.draw(st.integers(1, 24))
    visible, mask = (np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count))) for _ in range(2))
    place = st.integers(0, count - 1)
    pairs = [pair for pair in data.draw(st.lists(st.tuples(place, place))) if pair[0] != pair[1]]
    order = data.draw(st.permutations(range(count)))
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    linked, places = np.unique(ends, return_inverse=True)
    stories = Stories([], Columns([]))
    stories.linked, stories.ends = linked, places.reshape(-1, 2)
    groups = stories.groups(visible)

    labels = list(range(count))
    for _ in range(count):
        for one, other in pairs:
            if visible[one] and visible[other]:
                labels[one] = labels[other] = min(labels[one], labels[other])
    assert groups.ids.tolist() == labels
    copied = {one for one in range(count) if labels.count(labels[one]) > 1}
    assert groups.copied.tolist() == sorted(copied, key=lambda one: (labels[one], one))
    assert groups.count(mask) == len({labels[one] for one in np.flatnonzero(mask).tolist()})
    for one in range(count):
        members = [other for other in range(count) if labels[other] == labels[one] and mask[other]]
        assert groups.members(one, mask).tolist() == members
    asked = data.draw(st.lists(place, max_size=5))
    of_these = {labels[one] for one in asked}
    assert groups.copies(np.array(asked, np.int64)).tolist() == [
        one for one in groups.copied.tolist() if labels[one] in of_these
    ]
    assert groups.others(np.array(asked, np.int64), mask).tolist() == [
        one for one in sorted(copied - set(asked)) if labels[one] in of_these and mask[one]
    ]
    firsts: dict[int, int] = {}
    for one in order:
        if mask[one] and one in copied:
            firsts.setdefault(labels[one], one)
    told = []
    standing = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int64)
    best: dict[int, int] = {}
    for one in sorted(order, key=lambda one: standing[one]):
        if mask[one] and one in copied:
            best.setdefault(labels[one], one)

    def ordered(some):
        told.append(some)
        return np.array([one for one in order if some[one]], np.int64)

    for whatever in (True, False):
        name = f"this {whatever}"
        for _ in range(2):
            found = groups.first_of_each(mask, name, ordered, whatever=whatever)
            assert sorted(found.tolist()) == sorted(firsts.values())
            found = groups.first_of_each(mask, name, ordered, standing, whatever=whatever)
            assert sorted(found.tolist()) == sorted(best.values())
        assert stories.groups(visible.copy()) is groups
        # Of another day the same order serves, where it is the same whatever can be seen.
        others = stories.groups(~visible)
        some = others.first_of_each(np.ones(count, bool), name, ordered, whatever=whatever)
        assert set(some.tolist()) <= set(others.copied.tolist())
        assert len(some) == len(others.starts)
    assert len(told) in (2, 3)  # the same day twice, where nothing is linked


@st.composite
def newspapers(draw):
    """Some articles made of a few texts: whole, cut, with other paragraphs, in any order, some without a date."""
    found = []
    for number in range(draw(st.integers(2, 9))):
        base, kind = draw(st.integers(0, 3)), draw(st.sampled_from(["whole", "cut", "longer", "later", "other"]))
        text = {
            "whole": prose(base, 240),
            "cut": ". ".join(prose(base, 240).split(". ")[:9]),
            "longer": f"{prose(base, 240)}\n\n{prose(100 + number, 150)}",
            "later": f"{prose(200 + number, 30)} {prose(base, 240)[180:]}",
            "other": prose(300 + number, 200),
        }[kind]
        day = draw(st.sampled_from([1, 2, 25, 50, None]))
        found.append(article(f"a{number}", text, day, draw(st.sampled_from("AB"))))
    return found


def groups_of(articles, batch=100):
    """The groups of some articles that come in this order, so many at a time, as sets of ids."""
    known, ends = [], []
    by_row = dict(enumerate(articles, 1))
    for start in range(0, len(articles), batch):
        rows = [row for row in by_row if start < row <= start + batch]
        new = prints([by_row[row] for row in rows], rows)
        ends += find.links(
            new, {r: by_row[r] for r in rows}, known, NONE, 30, lambda some: {r: by_row[r] for r in some}
        ).tolist()
        known.append(new)
    labels = components(len(articles) + 1, np.array(ends, np.int64).reshape(-1, 2)).tolist()
    found: dict[int, set[str]] = {}
    for row, one in by_row.items():
        found.setdefault(labels[row], set()).add(one.id)
    return {frozenset(group) for group in found.values()}


@settings(max_examples=60, deadline=None)
@given(newspapers(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_of_arrival_makes_no_difference(articles, chance, batch):
    expected = groups_of(articles)
    shuffled = list(articles)
    chance.shuffle(shuffled)
    assert groups_of(shuffled, batch) == expected
    assert groups_of(list(reversed(articles)), 1) == expected


def in_archive(archive):
    """The groups of an archive's live articles, as sets of ids."""
    with archive._session.reading() as view:
        groups = view.groups(view.snapshot.live)
        ordinals = np.flatnonzero(view.snapshot.live)
        found: dict[int, set[str]] = {}
        for ordinal, name in zip(ordinals.tolist(), view.columns.ids(ordinals.tolist()), strict=True):
            found.setdefault(int(groups.ids[ordinal]), set()).add(name)
        assert {len(group) > 1 for group in found.values()} <= {True, False}
        several = {name for group in found.values() if len(group) > 1 for name in group}
        assert several == set(view.columns.ids(groups.copied.tolist()))
    return {frozenset(group) for group in found.values()}


@settings(max_examples=12, deadline=None)
@given(newspapers(), st.data())
def test_an_archive_groups_as_all_its_live_articles_do(tmp_path_factory, articles, data):
    """In batches, after deletes, updates, a merge and a regrouping: always what the living ones alone would give."""
    folder = tmp_path_factory.mktemp("stories") / "a"
    with Archive.open(folder, create=True) as archive:
        archive.add(articles, vectors=False, batch=data.draw(st.integers(1, 4)))
        assert in_archive(archive) == groups_of(articles)
        living = list(articles)
        for one in data.draw(st.lists(st.sampled_from(articles), max_size=3, unique_by=lambda one: one.id)):
            archive.delete([one.id])
            living.remove(one)
        assert in_archive(archive) == groups_of(living)
        if living:
            changed = article(living[0].id, data.draw(st.sampled_from([prose(0, 240), prose(999, 200)])), 2, "C")
            archive.add([changed])
            living[0] = changed
        assert in_archive(archive) == groups_of(living)
        archive.optimize()
        assert in_archive(archive) == groups_of(living)
        assert archive.check(thorough=True) == []
        archive.regroup()
        assert in_archive(archive) == groups_of(living)


SAMPLE_STORIES = [
    {"c-5cff34d3a7361014b4da92e54d75f0a3", "zerrin-2025-01-05-first-exchange", "u-159c0a575828f8d18b47182d537d80d1"},
    {"c-df74b98647306b504af26734ddbe1686", "sarayo-2024-12-09-orange", "sarayo-2024-12-10-ledger-orange"},
    {"c-40705646e1cdf5e397baee3e41ac87fc", "meridon-2024-10-11-leak", "u-e74c7e5ebfb9758d3880e8cef54968bf"},
    {"c-b8cf86937ea240cbae9a536195dbf05e", "zerrin-2024-12-18-ceasefire"},
    {"ward7b-2024-09-19-closed", "ward7b-2024-09-20-closed-corrected"},
]


def test_the_stories_of_the_sample_archive(sample_archive):
    """Agency copy as printed by others, cut and with own paragraphs, and one correction: all there are, by reading."""
    with Archive.open(sample_archive) as archive:
        found = in_archive(archive)
        assert archive.stats()["copies"] == 8
    assert {group for group in found if len(group) > 1} == set(map(frozenset, SAMPLE_STORIES))
    assert sum(map(len, found)) == 99


# The part


def part_of(tmp_path, name, articles, rows, ends=()):
    made = build_part(prints(articles, rows), np.array(ends, np.int64).reshape(-1, 2), "d")
    write_part(tmp_path / name, "stories", made.arrays, made.meta)
    return open_part(tmp_path / name, "stories")


def test_a_merge_is_the_part_of_the_kept_articles(tmp_path, monkeypatch):
    monkeypatch.setattr("search.engine.stories.part.BLOCK", 100)
    articles = [article(f"a{n}", prose(n % 7, 30 + 40 * n), n) for n in range(12)]
    ends = [(7, 1), (8, 1), (9, 3), (12, 5)]
    parts = [
        part_of(tmp_path, "one", articles[:6], range(1, 7)),
        part_of(tmp_path, "two", articles[6:], range(7, 13), ends),
    ]
    keep = [np.array([True, False, True, True, True, True]), np.array([True, False, True, True, True, True])]
    merged = merge_parts(parts, keep, lambda rows: ~np.isin(rows, [2, 5, 8]), "d")
    rows = [1, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    expected = part_of(tmp_path, "whole", [articles[row - 1] for row in rows], rows, [(7, 1), (9, 3)])
    assert merged.arrays.keys() == expected.arrays().keys()
    for name, array in merged.arrays.items():
        assert np.array_equal(np.asarray(array), expected[name]), name


def test_links_whose_ends_are_not_in_the_snapshot_join_nothing(tmp_path):
    class Four:
        def ordinals(self, rows):
            return np.where(rows < 5, rows - 1, -1)

    part = part_of(tmp_path, "one", [article("a", TEXT)], [1], [(3, 1), (4, 9)])
    groups = Stories([part], Four()).groups(np.array([True, True, True, True]))
    assert groups.ids.tolist() == [0, 1, 0, 3]
    assert (groups.copied.tolist(), groups.starts.tolist()) == ([0, 2], [0])
    assert groups.count(np.array([True, True, True, False])) == 2
    assert groups.members(2, np.array([True] * 4)).tolist() == [0, 2]
    assert groups.firsts(np.array([3, 2, 0, 1, 2])).tolist() == [0, 1, 3]


@pytest.mark.parametrize("name", ["rows", "days", "owners", "by_digest", "values", "links"])
def test_a_part_that_contradicts_itself_is_damaged(tmp_path, name):
    made = build_part(prints([article("a", TEXT), article("b", TEXT)], [1, 2]), np.array([[2, 1]]), "d")
    array = np.asarray(made.arrays[name])
    bad = {"rows": array[::-1], "days": array[:1], "values": array[:-1], "links": array.ravel()}
    arrays = {**made.arrays, name: bad.get(name, np.full_like(array, 7))}
    write_part(tmp_path / "x", "stories", arrays, made.meta)
    part = open_part(tmp_path / "x", "stories")
    with pytest.raises(ArchiveDamaged, match="regroup"):
        check.differs(part, np.array([1, 2]), None)


# Archives


def test_regroup_takes_another_window(tmp_path):
    articles = [article("early", TEXT, 1), article("late", TEXT, 45), article("undated", prose(1, 90), None)]
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles, vectors=False)
        assert len(in_archive(archive)) == 3
        assert archive.regroup(window=60) == 3
        assert in_archive(archive) == {frozenset({"early", "late"}), frozenset({"undated"})}
        assert archive.settings["stories"] == {"version": 1, "window": 60}
        archive.add([article("later", TEXT, 100)])  # the window stays
        assert len(in_archive(archive)) == 2
        with pytest.raises(UsageError, match="between 0 and 1,000,000 days"):
            archive.regroup(window=-1)


def test_an_archive_without_stories_gets_them_by_regrouping(tmp_path):
    """As one that an earlier version made: its setting and its parts are not there."""
    with Archive.open(tmp_path / "a", create=True) as archive:
        with archive._session.writing() as writer, writer.commit() as transaction:
            transaction.set("stories", None)
        archive.add([article("one", TEXT), article("two", TEXT)], vectors=False)
        with archive._session.reading() as view:
            assert "stories" not in view.snapshot.parts
            assert view.groups(view.snapshot.live) is None
        assert archive.stats()["copies"] is None
        assert archive.check() == []
        told = []
        archive.regroup(progress=lambda done, total: told.append((done, total)))
        assert in_archive(archive) == {frozenset({"one", "two"})}
        assert told == [(2, 2)]
        archive.add([article("three", TEXT)])
        assert len(in_archive(archive)) == 1


def test_repair_makes_a_lost_part_again(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add([article("one", TEXT)], vectors=False)
        archive.add([article("two", TEXT)])
    file = max(
        (tmp_path / "a" / "segments").glob("*/stories.part"), key=lambda file: int(file.parent.name.split("-")[0])
    )
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    with Archive.open(tmp_path / "a") as archive:
        assert any("stories.part does not match its checksum" in line for line in archive.check())
        assert archive.repair().parts == {"stories": 1}
        assert archive.check(thorough=True) == []
        assert in_archive(archive) == {frozenset({"one", "two"})}
