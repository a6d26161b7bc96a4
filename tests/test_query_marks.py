"""Quotation marks of all keyboards, headlines in capitals, and the syntax of other tools: read, or remarked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.errors import QueryError
from search.keyword.tree import And, Near, Not, Or, Word
from search.query import parse, quotes
from search.query.clauses import value_clause
from search.query.drilldown import Narrower, quoted

NOW = datetime(2025, 2, 1, tzinfo=UTC)


def read(text, **given):
    return parse(text, now=NOW, **given)


@pytest.mark.parametrize("mark", quotes.MARKS)
@pytest.mark.parametrize("other", quotes.MARKS)
def test_any_mark_opens_and_any_closes(mark, other):
    found = read(f"{mark}river gate{other} opens")
    assert found.constraint == Word(None, "river gate")
    assert found.words == ("opens",)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("``river gate''", "river gate"),
        ("''river gate''", "river gate"),
        (",,river gate''", "river gate"),
        ("<<river gate>>", "river gate"),
        ("« river gate »", "river gate"),
        ("«\xa0river gate\xa0»", "river gate"),
        ("‘river gate’", "river gate"),
        ("'river gate'", "river gate"),
        ("„river gate“", "river gate"),
        ('«the "river gate" opens»', 'the "river gate" opens'),
        ("″river gate″", "river gate"),
        ("′river gate′", "river gate"),
        ("`river gate`", "river gate"),
        ("`river gate'", "river gate"),
        ("´river gate´", "river gate"),
        ("‚river gate‘", "river gate"),
        ("❝river gate❞", "river gate"),
        ('""river gate""', "river gate"),
        ('"""river gate"""', "river gate"),
        ('"the 30″ pipe" set', "the 30″ pipe"),
        ("&quot;river gate&quot;", "river gate"),
        ("&#8220;river gate&#x201D;", "river gate"),
        ("&laquo;river gate&raquo;", "river gate"),
        ('"he said “river gate” twice"', "he said “river gate” twice"),
        ('"river "gate"', "river"),
        ('"river \\" gate"', 'river " gate'),
    ],
)
def test_pairs(text, phrase):
    constraint = read(text).constraint
    assert (constraint.children[0] if isinstance(constraint, And) else constraint) == Word(None, phrase)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Home » News » Sport", ("Home", "News", "Sport")),
        ("5'11\" tall", ("5'11", "tall")),
        ("5′11″ tall", ("5′11″", "tall")),
        ("a 30″ pipe", ("a", "30″", "pipe")),
        ("`Abd al-Rahman", ("Abd", "al-Rahman")),
        ("workers` union and `Ali Sa`d", ("workers", "union", "and", "Ali", "Sa`d")),
        ("rock `n` roll", ("rock", "n", "roll")),
        ("the workers' union isn't 'here'", ("the", "workers", "union", "isn't", "here")),
        ("‘tis late", ("tis", "late")),
        ("a ” b", ("a", "b")),
        ("lone » mark", ("lone", "mark")),
    ],
)
def test_no_phrase(text, words):
    found = read(text)
    assert found.constraint is None
    assert found.words == words


@pytest.mark.parametrize("mark", '"“„＂')
def test_a_mark_that_nothing_closes(mark):
    with pytest.raises(QueryError, match="never closed"):
        read(f"gate {mark}open")


def test_fields_and_signs_take_any_mark():
    assert read("-«river gate» +„old mill”").constraint == And([Not(Word(None, "river gate")), Word(None, "old mill")])
    assert read("source:»The Hindu«").constraint == read('source:"The Hindu"').constraint


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from(quotes.MARKS + "a b\\'"), max_size=12).map(lambda text: f"x{text}y"))
def test_what_is_quoted_is_read_back(text):
    assert read(quoted(text)).constraint == Word(None, " ".join(text.split()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MAN FOUND NOT GUILTY", ("MAN", "FOUND", "NOT", "GUILTY")),
        ("NOT IN MY NAME", ("NOT", "IN", "MY", "NAME")),
        ("READY OR NOT", ("READY", "OR", "NOT")),
        ("ÉLYSÉE AND MATIGNON: 5 KEY POINTS", ("ÉLYSÉE", "AND", "MATIGNON", "5", "KEY", "POINTS")),
        ("WAR AND PEACE", ("WAR", "AND", "PEACE")),
        ("MAYOR: NOT GUILTY PLEA NEAR COURT", ("MAYOR", "NOT", "GUILTY", "PLEA", "NEAR", "COURT")),
        ("TWO DEAD NEAR BRIDGE IN OSLO", ("TWO", "DEAD", "NEAR", "BRIDGE", "IN", "OSLO")),
    ],
)
def test_a_headline_in_capitals_has_no_operators(text, words):
    found = read(text)
    assert found.constraint is None
    assert found.words == words
    assert any("read as a headline" in note for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "NATO AND (EU OR UN)",
        '"NOT GUILTY" AND COURT',
        "title:WAR AND PEACE",
        "Nato AND EU",
        "NATO AND EU*",
        "+A NOT B",
        "NATO NEAR EU",
        "NATO AND EU NEAR3 PACT OF 1949",
    ],
)
def test_other_syntax_makes_a_query_of_capitals(text):
    found = read(text)
    assert found.constraint is not None
    assert not any("headline" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "same", "note"),
    [
        ("gate && mill", "gate AND mill", "&& was read as AND"),
        ("gate || mill", "gate OR mill", "|| was read as OR"),
        ("gate !mill", "gate -mill", "! before a word was read as -"),
        ("gate AND !(mill OR weir)", "gate AND -(mill OR weir)", "! before a word"),
        ("gate NEAR5 mill", "gate w/5 mill", "NEAR5 was read as w/5"),
        ("gate ADJ mill", "gate pre/1 mill", "ADJ was read as pre/1"),
        ("gate^2 mill", "gate mill", "^2 was left out"),
        ("gate /mil{2}/", "gate", "/mil{2}/ was left out"),
    ],
)
def test_the_syntax_of_other_tools(text, same, note):
    found = read(text)
    assert (found.constraint, found.words) == (read(same).constraint, read(same).words)
    assert any(note in one for one in found.notes)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"gate mill"~5', "gate w/5 mill"),
        ('+"gate mill"~2 weir', "+(gate w/2 mill) weir"),
        ('-"gate mill"~2 weir', "-(gate w/2 mill) weir"),
        ('title:"gate mill"~5', "title:(gate w/5 mill)"),
        ('"gate mill weir"~3', "gate w/3 mill w/3 weir"),
        ("“gate mill”~", "gate w/5 mill"),
        ('"gate AND mill"~4', 'gate w/4 "AND" w/4 mill'),
    ],
)
def test_a_phrase_with_room_is_words_near_each_other(text, same):
    found = read(text)
    assert (found.constraint, found.words) == (read(same).constraint, read(same).words)
    assert any("was read as" in note and " w/" in note for note in found.notes)


def test_a_phrase_without_room_is_a_phrase():
    assert read('"gate mill"~0').constraint == Word(None, "gate mill")
    assert read('"gate mill"~0').notes == ()


def test_entities_are_the_signs_that_they_stand_for():
    assert read("AT&amp;T pact").words == ("AT&T", "pact")
    assert read("AT&amp;T pact").notes == ("&amp; was read as &",)
    assert read("&quot;gate mill&quot;", literal=True).words == ("gate", "mill")
    # Nothing but marks, ampersands and spaces comes to stand in a query so.
    assert read("&lt;b&gt; &#10; &#x202e;").notes == ()


def test_a_phrase_between_escaped_marks_is_remarked():
    found = read('weir \\"gate mill\\"')
    assert found.words == ("weir", "gate", "mill")
    assert any('for the phrase write "gate mill"' in note for note in found.notes)
    assert read('5\\" nails and 6\\" nails').notes == ()


@pytest.mark.parametrize("text", ["/[0-9]{10}/", "title:/gat.*/"])
def test_a_regular_expression_alone_is_refused(text):
    with pytest.raises(QueryError, match="regular expressions are not read"):
        read(text)


@pytest.mark.parametrize(
    "text", ["see /usr/local/bin and/or 1/2 /", "w/o gate", "AC/DC live!", "what? /why/ ok", "Yahoo! mail"]
)
def test_slashes_of_prose(text):
    assert read(text).notes == ()


@pytest.mark.parametrize(("text", "word"), [("strike not trump", "'not' was"), ("gate or mill", "'or' was")])
def test_a_small_operator_is_remarked(text, word):
    assert any(note.startswith(word) for note in read(text).notes)


@pytest.mark.parametrize(
    "text", ["why did the mayor not resign", "to be or not to be", "believe it or not", "not guilty"]
)
def test_prose_is_not_remarked(text):
    assert read(text).notes == ()


def test_operators_of_signs_are_what_they_are_read_as():
    assert read("a1 && b1").constraint == And([Word(None, "a1"), Word(None, "b1")])
    assert read("a1 || b1").constraint == Or([Word(None, "a1"), Word(None, "b1")])
    assert read("a1 NEAR3 b1").constraint == Near(Word(None, "a1"), Word(None, "b1"), 3, False)


@pytest.mark.parametrize("text", ["J. K. Rowan", "J K Rowan"])
def test_initials_of_free_words_are_one_word(text):
    assert read(text).words == (text.removesuffix(" Rowan"), "Rowan")
    assert read(text, literal=True).words == (text.removesuffix(" Rowan"), "Rowan")
    assert read(text).scoring_words == read(text).words


def test_many_marks_take_linear_time():
    read('a "b ' * 5000)
    read("« " * 20_000 + "a")
    read("‘a " * 20_000)


@settings(deadline=None, max_examples=300)
@given(
    query=st.text(st.sampled_from("dam co\"'\\(<,`‘’‚‛´′‵″‶❝❞*?-"), min_size=1, max_size=12),
    literal=st.booleans(),
    value=st.sampled_from(["Corran Courier", "Foo' Bar", "Foo` Bar ′x", "J. O’Hara", '"A" ‘b’']),
)
@example(query="''dam (", literal=True, value="Corran Courier")
@example(query="‘O`o", literal=False, value="Foo` Bar ′x")
def test_no_mark_of_a_query_is_closed_by_a_condition_behind_it(query, literal, value):

    try:
        alone = parse(query, now=NOW, literal=literal)
    except QueryError:
        return
    text = Narrower(alone, literal=literal, filters=None, now=NOW).text(value_clause("source", value))
    if text is not None:
        assert parse(text, now=NOW).words == alone.words
