"""The floor of retrieval: needed articles inside a context, on the labelled questions over the sample archive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from search import Archive

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as opened:
        yield opened


@pytest.mark.parametrize(("budget", "floor", "gain"), [(1000, 0.80, 0.10), (2000, 0.90, 0.0)])
def test_needed_articles_inside_the_context(archive, budget, floor, gain):
    import quality_context

    found = quality_context.measure(archive, quality_context.questions(), budget)
    assert found["retrieve"]["all"] >= floor, found
    assert found["retrieve"]["all"] >= found["plain"]["all"] + gain, found
    for other in ("plain", "nearest"):
        assert found["retrieve"]["answers"] >= found[other]["answers"] + 0.04, found
    assert found["retrieve"]["all"] >= found["nearest"]["all"] + 0.08, found
    assert found["retrieve"]["twice"] == 0
    assert found["retrieve"]["refused"] >= 0.75, found


def test_the_questions_name_articles_of_the_sample(archive):
    import quality_context

    asked = quality_context.questions()
    assert len(asked) == len({one["id"] for one in asked}) == 50
    for one in asked:
        for needed, answer in zip(one["needs"], one["answers"], strict=True):
            assert archive.get(needed).text.count(answer) == 1, (one["id"], needed)


def test_taking_a_question_apart_loses_nothing(archive):
    """What the whole question finds, its parts beside it find too, and within a budget no needed article goes."""
    import quality_context

    lost = quality_context.lost(archive, quality_context.questions())
    assert lost.split > 10  # questions that are taken apart
    assert lost.candidates == []
    assert len(lost.needed[2000]) == 0, lost
    assert len(lost.needed[1000]) == 0, lost
