"""Pages and the quality of OCR: where a text stood on paper, from the reader of a format to what cites it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from search import Archive, Article
from search.declarations import row, values
from search.errors import UsageError
from search.ingest.fields import Draft
from search.records.articles import pages_between

ONE = "The harbour of Port Alder was closed on Monday after a crane fell across the quay."
TWO = "Divers searched the basin until midnight and found nobody under the water there."
PAPER = Article(
    id="a", title="Crane falls", text=f"{ONE}\n\n{TWO}", pages=((0, "A1"), (len(ONE) + 2, "A7")), ocr_quality=0.875
)


def test_where_a_stretch_stands():
    start = len(ONE) + 2
    assert pages_between(PAPER, 0, 10) == "A1"
    assert pages_between(PAPER, 0, start) == "A1"
    assert pages_between(PAPER, 0, start + 1) == "A1–A7"
    assert pages_between(PAPER, start, start + 5) == "A7"
    assert pages_between(replace(PAPER, pages=()), 0, 10) == ""
    assert pages_between(replace(PAPER, pages=((20, "2"),)), 0, 10) == ""


@pytest.mark.parametrize(
    "wrong", [{"pages": "1"}, {"pages": [1, 2]}, {"pages": [[0, 1]]}, {"pages": [[5, "1"], [4, "2"]]},
              {"pages": [[9_999, "1"]]}, {"pages": [[True, "1"]]}, {"ocr_quality": "good"}, {"ocr_quality": 1.5},
              {"ocr_quality": True}]
)  # fmt: skip
def test_what_are_no_pages_is_refused(wrong):
    with pytest.raises(UsageError):
        Article(id="a", text=ONE, **wrong)


def test_form_feeds_part_the_pages_of_a_record():
    raw = "One\x00 page, \fanother \f\r\nthe last."
    article = Draft({"id": "a", "text": raw}, pages=("1", "2", "3")).article()
    assert article.text == "One page, another \nthe last."
    assert article.pages == ((0, "1"), (10, "2"), (18, "3"))
    assert Draft({"id": "a", "text": raw}).article().pages == ()


def test_pages_read_back_as_they_are_printed_and_others_are_kept():
    printed = json.loads(json.dumps(values(PAPER)))
    assert (printed["pages"], printed["ocr_quality"]) == ([[0, "A1"], [len(ONE) + 2, "A7"]], 0.875)
    assert Draft(printed).article() == PAPER
    other = Draft({"id": "a", "text": ONE, "Pages": "A.1", "ocr_quality": "fair"}).article()
    assert (other.pages, other.ocr_quality) == ((), None)
    assert other.extra == {"Pages": "A.1", "ocr_quality": "fair"}


def test_an_archive_keeps_pages_and_names_them(tmp_path):
    with Archive.open(tmp_path / "archive", create=True) as archive:
        archive.add([PAPER], vectors=False)
        assert archive.get("a") == PAPER
        context = archive.retrieve("Who was found under the water?", budget=200)
        assert [one.page for one in context.passages] == ["A1–A7"]
        assert "Crane falls | p. A1–A7" in context.text()
        (hit,) = archive.search("divers", mode="keyword")
        assert (hit.page, values(hit)["page"], row(hit)["page"]) == ("A1–A7",) * 3
        assert (row(hit)["ocr_quality"], hit.ocr_quality) == (0.875, 0.875)


def test_letters_that_become_one_move_the_pages(tmp_path):
    text = "Cafe\u0301 notes. Second page."
    with Archive.open(tmp_path / "archive", create=True) as archive:
        archive.add([Article(id="a", text=text, pages=((0, "1"), (text.index("Second"), "2")))], vectors=False)
        found = archive.get("a")
    assert found.text[found.pages[1][0] :] == "Second page."
