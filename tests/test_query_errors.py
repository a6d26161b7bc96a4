"""What is refused: the character, and what the message offers instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from search.errors import QueryError
from search.query import parse

NOW = datetime(2025, 2, 26, 12, 0, tzinfo=UTC)

# (query, place, part of the message)
MISTAKES = [
    ("", 0, "the query is empty"),
    (" \t\x00", 0, "the query is empty"),
    ("??? !", 0, "no letter or digit in this query"),
    ("  🎉", 2, "no letter or digit in this query"),
    # Quotation marks
    ('say "hello', 4, "never closed"),
    ("say “hello", 4, "never closed"),
    ('title:"hello', 6, "never closed"),
    ('x ""', 2, "no word between these quotation marks"),
    ('"?!" x', 0, "no word between these quotation marks"),
    ('x "ab"~5', 6, "a single word without quotation marks"),
    ('x "a b"~999', 7, "from 1 to 255 words"),
    ('x source:"a b"~5', 14, "in the text write: a w/5 b"),
    # Operators without an operand
    ("AND tax", 0, 'AND has nothing before it; to search for the word, write "AND"'),
    ("tax OR", 4, 'OR has nothing after it; to search for the word, write "OR"'),
    ("AND", 0, "AND has nothing before it"),
    ("NOT", 0, "NOT has nothing after it"),
    ("a AND OR b", 6, "AND is followed by OR"),
    ("a AND NOT", 6, "NOT has nothing after it"),
    ("a OR NOT", 5, "NOT has nothing after it"),
    ("NOT NOT a", 4, "NOT cannot stand after NOT"),
    ("(a OR) b", 3, "OR has nothing after it"),
    ("(AND a) b", 1, "AND has nothing before it"),
    ("w/5 a", 0, "w/5 has nothing before it"),
    ("a w/s", 2, "w/s has nothing after it"),
    ("a w/5 AND b", 6, "w/5 is followed by AND"),
    ("a NOT w/5 b", 2, "write: first AND NOT (first w/5 second)"),
    ("a w/5 NOT b", 6, "NOT cannot stand after w/5"),
    ("a AND —", 2, "AND has nothing after it"),
    ("source:— AND a", 7, "has no word or number"),
    ("title:***", 6, "no letter or digit here"),
    # Parentheses
    ("(a OR b", 0, "never closed"),
    ("a OR b)", 6, "never opened"),
    ("a (b AND (c OR d)", 2, "never closed"),
    ("x ()", 2, "nothing between these parentheses"),
    ("title:(-— )", 0, "no word between these parentheses"),
    ("+(— …) x", 1, "no word between these parentheses"),
    ("(" * 101 + "a" + ")" * 101, 100, "nested more than 100 deep"),
    ("(a AND NOT " * 60 + "b" + ")" * 60, 106, "nested more than 100 deep"),
    # Distances and counts
    ("a w/0 b", 2, "from 1 to 255"),
    ("a pre/256 b", 2, "from 1 to 255"),
    ("a w/99999999999999999999 b", 2, "from 1 to 255"),
    ("a pre/s b", 2, "pre/ needs a number of words"),
    ("x atleast0(a)", 2, "from atleast1 to atleast255"),
    ("x atleast256(a)", 2, "from atleast1 to atleast255"),
    ("x atleast3(a w/5 b)", 2, "counts words and phrases"),
    ("atleast2(-a)", 0, "counts words and phrases"),
    ("source:(atleast2(a))", 8, "counts words of the text"),
    ("a w/5 source:x", 2, "needs words on both sides"),
    ("a w/5 -b", 2, "needs words on both sides"),
    ("a w/s since:7d", 2, "needs words on both sides"),
    ("a w/5 *", 2, "needs words on both sides"),
    (" w/5 ".join("a" * 70), 356, "nested more than 60 deep"),
    (" w/5 ".join(["(a AND b AND c AND d)"] * 6), 74, "too large to be spread out"),
    # Fields
    ("x foo:bar", 2, "there is no field 'foo'."),
    ("x titel:bar", 2, "did you mean title:?"),
    ('x foo:"bar baz"', 2, "The fields are title, by, source,"),
    ("source:*", 7, "takes names without *"),
    ("source:Hindu*", 12, "takes names without *"),
    ("source:—", 7, "has no word or number"),
    ("source:(a w/5 b)", 10, "takes names with AND, OR and NOT"),
    ("title:(a source:b)", 9, "source: cannot stand inside title:"),
    ("source:(title:a)", 8, "title: cannot stand inside source:"),
    ("exact:(source:a)", 7, "source: cannot stand inside exact:"),
    ("title:=x", 0, ":= asks for a whole value of source, by"),
    ("date:=2025", 6, "date:= is not possible"),
    ("title:—", 6, "no letter or digit"),
    ("exact:Pol*", 6, "so no wildcards"),
    ("exact:…", 6, "has no letter or digit"),
    ("length:long", 7, "takes a number of words"),
    ("length:>", 7, "takes a number of words"),
    ("length:-5", 7, "takes a number of words"),
    ("length:" + "9" * 5000, 7, "takes a number of words"),
    ("length:<0", 7, "fewer than 0"),
    ("length:800..300", 7, "write length:300..800"),
    ("length:..", 7, "needs a number on one side"),
    # Misspellings and wildcards
    ("x netanjahu~3", 12, "write word~ or word~2"),
    ("x netanjahu~0", 12, "write word~ or word~2"),
    ("x " + "a*-" * 11, 2, "more than 10 parts"),
    # Dates
    ("date:2025-02-30", 5, "Feb 2025 has 28 days"),
    ("hamas date:2025-13", 11, "months run from 01 to 12"),
    ('date:"2025-02-30"', 6, "Feb 2025 has 28 days"),
    ("date:2025-02-26..2025-02-01", 5, "write 2025-02-01..2025-02-26"),
    ("date:2025-01-01..2025-02-30", 17, "Feb 2025 has 28 days"),
    ("date:..", 5, "on one side at least"),
    ("since:2025..2026", 6, "a range is written date:2025..2026"),
    ("since:last", 6, 'as in "last week"'),
    ("on:26-02-2025", 3, "years come first, 2025-02-26"),
    ("on:02/26/2025", 3, "years come first, 2025-02-26"),
    ("on:02/03/2025", 3, "years come first, then month, then day"),
    ("on:someday", 3, "write for example 2025, 2025-02"),
    ("date:Q5-2025", 5, "quarters are Q1 to Q4"),
    ("since:2025-02-26T25:00", 6, "times run from 00:00 to 23:59"),
    ("before:0001", 7, "nothing can be published before 0001"),
    ("after:9999", 6, "nothing can be published after 9999"),
    ("since:9999y", 6, "years run from 0001 to 9999"),
    ("date:0000", 5, "years run from 0001 to 9999"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "place", "part"), MISTAKES, ids=[query[:30] for query, _, _ in MISTAKES])
def test_mistake(query, place, part):
    with pytest.raises(QueryError) as caught:
        parse(query, now=NOW)
    assert part in str(caught.value)
    assert caught.value.position == place
    assert caught.value.query == query


def test_the_pointer_shows_the_character():
    with pytest.raises(QueryError) as caught:
        parse("a w/0 b", now=NOW)
    assert caught.value.pointer() == "  a w/0 b\n    ^"


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("x" * 100_001, "100,001 characters, more than the 100,000"),
        ("x" * 1_000_000, "1,000,000 characters"),
        ("-a " * 20_000, "more than 25,000 words and signs"),
    ],
)
def test_too_long(query, part):
    with pytest.raises(QueryError, match=part) as caught:
        parse(query, now=NOW)
    assert caught.value.position is None
    assert len(caught.value.query) <= 200


def test_a_lone_parenthesis_is_refused_only_beside_operators():
    assert parse("1) first", now=NOW).words == ("1", "first")
    with pytest.raises(QueryError, match="never opened"):
        parse("1) first -second", now=NOW)


def test_literal_refuses_only_what_is_empty_or_too_long():
    with pytest.raises(QueryError, match="empty"):
        parse("  ", now=NOW, literal=True)
    with pytest.raises(QueryError, match="characters"):
        parse("x" * 100_001, now=NOW, literal=True)
