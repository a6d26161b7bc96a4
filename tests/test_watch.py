"""Stages and their times."""

from __future__ import annotations

import pytest

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
