"""Article text made safe for a terminal, and fitted to it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cli.text import BOLD, PLAIN, clean, clean_spans, cut, line, width, wrap

NASTY = "\x00\x07\x08\x1b\x7f\x85\x90\x9b\x9c\x9d\\[]mPX0;?\r\n\t\v"
NASTY += "\u200b\u200c\u200d\u202e\u2066\u2028\ufeff\ud800\U000e0041éक日a "
HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from(NASTY)), max_size=60)
INVISIBLE = set("\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff") | {chr(c) for c in range(0x202A, 0x202F)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new window title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2\x1b\\sixel", "sixel"),
        ("\x9b2Jcleared", "cleared"),
        ("\x9d0;title\x9cbody", "body"),
        ("\x1bcreset", "reset"),
        ("\x1b", ""),
        ("over\rwritten", "over\nwritten"),
        ("two\r\nlines", "two\nlines"),
        ("tab\tstop", "tab stop"),
        ("bell\x07back\x08", "bellback"),
        ("next\x85line\u2028sep\u2029par", "next\nline\nsep\npar"),
        ("user\u202efdp.exe", "userfdp.exe"),
        ("\u2066isolate\u2069", "isolate"),
        ("pass\u200bword \ufefftag\U000e0041", "password tag"),
        ("soft\u00adhyphen", "softhyphen"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("la\u200dtin \u200cedge\u200d", "latin edge"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("é\u200d\u200d\u200cé", "é\u200cé"),
        ("naïve 日本語 'quoted' — £5", "naïve 日本語 'quoted' — £5"),
    ],
)
def test_clean_drops_what_steers_a_terminal(text, shown):
    assert clean(text) == shown


@settings(max_examples=500)
@given(HOSTILE)
def test_cleaned_text_has_no_control_character_but_the_newline(text):
    cleaned = clean(text)
    assert not [c for c in cleaned if c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not INVISIBLE & set(cleaned)
    assert clean(cleaned) == cleaned


@settings(max_examples=200)
@given(HOSTILE)
def test_line_is_one_line(text):
    assert "\n" not in line(text)
    assert line(text) == line(text).strip()


@settings(max_examples=300)
@given(HOSTILE, st.integers(0, 60), st.integers(0, 60))
def test_spans_of_plain_stretches_survive_cleaning(before, start, length):
    text = before + "needle" + before
    cleaned, [(a, b)] = clean_spans(text, [(len(before), len(before) + 6)])
    assert 0 <= a <= b <= len(cleaned)
    if before.isprintable() and (not before or before[-1].isalnum()):
        assert cleaned[a:b] == "needle"


def test_spans_move_with_what_is_dropped_before_them():
    cleaned, spans = clean_spans("\x1b[1mHamas\x1b[0m and \u200bHezbollah", [(4, 9), (19, 28)])
    assert cleaned == "Hamas and Hezbollah"
    assert [cleaned[a:b] for a, b in spans] == ["Hamas", "Hezbollah"]


def test_a_long_hostile_text_is_cleaned_in_linear_time():
    text = "\x1b]0;" * 100_000 + "\x90" * 400_000 + "\u200d" * 400_000 + "\x1b[" * 200_000
    assert "\x1b" not in clean(text)


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ﾊﾝ", 2), ("", 0), ("Ａ", 2), ("क्\u200dष", 2)]
)
def test_width_counts_columns(text, columns):
    assert width(text) == columns


def test_wrap_breaks_at_words_and_collapses_white_space():
    assert wrap("one  two\nthree four", 9) == ["one two", "three", "four"]


def test_wrap_breaks_long_words_and_scripts_without_spaces():
    assert wrap("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]
    assert wrap("日本語日本語", 5) == ["日本", "語日", "本語"]
    assert wrap("", 10) == []


@settings(max_examples=300)
@given(HOSTILE, st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing(text, columns):
    lines = wrap(text, columns)
    assert all(width(one) <= columns for one in lines)
    assert "".join("".join(lines).split()) == "".join(clean(text).split())


def test_wrap_marks_spans_and_closes_them_on_every_line():
    text = "alpha beta gamma"
    assert wrap(text, 11, [(6, 16)], bold=True) == [f"alpha {BOLD}beta{PLAIN}", f"{BOLD}gamma{PLAIN}"]
    assert wrap(text, 40, [(0, 10)], bold=True) == [f"{BOLD}alpha beta{PLAIN} gamma"]
    assert wrap(text, 40, [(1, 3)], bold=True) == [f"a{BOLD}lp{PLAIN}ha beta gamma"]
    assert wrap(text, 40, [(0, 10)]) == ["alpha beta gamma"]


@settings(max_examples=300)
@given(HOSTILE, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), max_size=3), st.integers(2, 30))
def test_bold_changes_no_text_and_leaves_no_code_open(text, spans, columns):
    spans = [(min(a, len(text)), min(b, len(text))) for a, b in spans]
    marked = wrap(text, columns, spans, bold=True)
    assert [one.replace(BOLD, "").replace(PLAIN, "") for one in marked] == wrap(text, columns)
    for one in marked:
        codes = re.findall(r"\x1b\[[0-9]m", one)
        assert codes == [BOLD, PLAIN] * (len(codes) // 2)


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 5, "short"),
        ("longer text", 8, "longer…"),
        ("日本語日本", 7, "日本語…"),
        ("a\nb", 10, "a b"),
        ("abc", 1, "…"),
    ],
)
def test_cut_says_that_something_is_missing(text, columns, shown):
    assert cut(text, columns) == shown
