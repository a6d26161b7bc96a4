"""Columns and words made by a stranger, with checksums and seals that agree: each is refused, or
answers."""

from __future__ import annotations

import contextlib
import shutil
from datetime import date

import numpy as np
import pytest

from search import Archive, Article
from search.errors import ArchiveDamaged, SearchError
from search.storage.container import open_part

from .forgery import forge

WORDS = ["storm", "coast", "harbour", "minister", "vote", "budget", "strike", "river", "bridge", "school"]
QUERIES = ["storm coast", '"the storm"', "storm w/5 coast", "storm w/s coast", "sto*", "by:ann", "source:Daily", "stom"]


def article(number):
    first, second = WORDS[number % 10], WORDS[number // 10 % 10]
    return Article(
        id=f"a{number}",
        title=f"{first} {number}",
        text=f"The {first} and the {second} isn't over. " * (1 + number % 4),
        published=date(2024, 1 + number % 12, 1),
        source=("Daily", "Weekly")[number % 2],
        authors=("Ann Lee", "Bo Ek")[: number % 3],
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "archive"
    with Archive.open(path, create=True) as archive:
        archive.add([article(number) for number in range(60)], vectors=False)
        assert archive.check() == []
    return path


@pytest.fixture
def path(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "archive")


def most(array):
    return np.iinfo(array.dtype).max


def put(place, value):
    def change(array):
        array[place] = value(array) if callable(value) else value
        return array

    return change


CRAFTED = [
    ("columns", "day", put(3, most)),  # months are counted in an array as long as the last one's number
    ("columns", "day", put(3, -5)),
    ("columns", "published", put(3, most)),
    ("columns", "rows", put(0, 10**12)),
    ("columns", "rows", put(0, -1)),
    ("columns", "author_counts", put(0, most)),
    ("columns", "ids_ends", put(0, -7)),
    ("columns", "ids_ends", put(-1, 10**12)),
    ("columns", "ids_blob", put(0, 0xFF)),
    ("columns", "ids_order", put(0, most)),
    ("columns", "source", put(0, 9)),
    ("columns", "author", put(0, most)),
    ("columns", "source_blob", put(0, ord("z"))),
    ("columns", "section_ends", lambda array: array[:0]),
    ("keyword", "lengths", put((0, 4), most)),  # a place for each word of each article
    ("keyword", "lengths", lambda array: array[:-1]),
    ("keyword", "lengths", lambda array: array.astype(np.float32)),
    ("keyword", "docs", put(0, most)),
    ("keyword", "docs", lambda array: array[::-1]),
    ("keyword", "freqs", put(0, most)),
    ("keyword", "positions", put(5, most)),
    ("keyword", "posting_starts", put(1, 10**9)),
    ("keyword", "posting_starts", put(slice(1, 3), [2**62, -2])),
    ("keyword", "position_starts", put(1, -4)),
    ("keyword", "minor_freqs", put(0, most)),
    ("keyword", "minor_postings", put(0, most)),
    ("keyword", "minor_fields", put(0, 4)),
    ("keyword", "code_starts", put(1, 10**9)),
    ("keyword", "codes", lambda array: array[:-1]),
    ("keyword", "form_starts", put(1, -1)),
    ("keyword", "word_forms", put(0, most)),
    ("keyword", "word_form_starts", put(1, most)),
    ("keyword", "word_counts", put(0, 0)),
    ("keyword", "sentences", put(-1, most)),
    ("keyword", "sentence_starts", put(1, 10**9)),
    ("keyword", "sentence_offsets", put(-2, most)),
    ("keyword", "sentence_offsets", lambda array: array[:-1]),
    ("keyword", "sentence_offsets", lambda array: array.astype(np.float32)),
    ("keyword", "paragraph_starts", put(1, 2)),
    ("keyword", "terms_ends", put(0, 0)),
    ("keyword", "terms_ends", lambda array: array.reshape(1, -1)),
    ("keyword", "terms_blob", put(0, 200)),
]


@pytest.mark.parametrize(("kind", "name", "change"), CRAFTED, ids=[f"{kind}-{name}" for kind, name, _ in CRAFTED])
def test_crafted_numbers_are_damage_before_anything_follows_them(path, kind, name, change):
    forge(path, kind, name, change)
    with Archive.open(path) as archive:
        with pytest.raises(ArchiveDamaged, match=f"{kind}.part has .*contradict the rest"):
            archive.search("storm", mode="keyword")
        assert any("contradict the rest" in problem for problem in archive.check())
        archive.repair()  # from the records, which nobody has touched
        assert archive.search("storm", mode="keyword").total == 15
        assert archive.check(thorough=True) == []


CHANGES = {
    "zeros": np.zeros_like,
    "largest": lambda array: np.full_like(array, np.iinfo(array.dtype).max),
    "one largest": lambda array: put(len(array) // 2, most)(array) if len(array) else array,
    "short": lambda array: array[:-1],
    "reversed": lambda array: array[::-1],
    "long": lambda array: np.concatenate((array, array[-1:])),
}


@pytest.mark.parametrize("kind", ["columns", "keyword"])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_an_array_holds_nothing_but_our_errors_leaves(sound, tmp_path, kind, change):
    (file,) = sound.glob(f"segments/*/{kind}.part")
    for number, name in enumerate(open_part(file, kind)):
        path = shutil.copytree(sound, tmp_path / str(number))
        forge(path, kind, name, CHANGES[change])
        with Archive.open(path) as archive:
            for query in QUERIES:
                with contextlib.suppress(SearchError):
                    archive.search(query, mode="keyword")
            for call in (lambda: archive.facets("storm"), lambda: archive.timeline("*"), archive.stats, archive.check):
                with contextlib.suppress(SearchError):
                    call()
            with contextlib.suppress(SearchError):
                archive.add([article(99)])
                archive.optimize()
