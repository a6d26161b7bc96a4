"""Every form of the query language, with the exact tree, words and encoder text it yields."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from search.errors import QueryError
from search.keyword.tree import (
    And,
    AtLeast,
    DayRange,
    Every,
    Exact,
    Fuzzy,
    Id,
    InstantRange,
    Length,
    Near,
    Not,
    Or,
    SameParagraph,
    SameSentence,
    Value,
    Wildcard,
    Word,
)
from search.query import EXAMPLES, parse
from search.records import Filters

NOW = datetime(2025, 2, 26, 12, 0, tzinfo=UTC)  # a Wednesday


def w(text, field=None):
    return Word(field, text)


def near(left, right, distance, ordered=False):
    return Near(left, right, distance, ordered)


def read(text):
    return parse(text, now=NOW)


A, B, C, D = w("a"), w("b"), w("c"), w("d")

# (query, constraint, free words, scoring words)
FORMS = [
    ("ceasefire hostages", None, "ceasefire hostages", "ceasefire hostages"),
    # Phrases
    ('"supreme court"', w("supreme court"), "", "supreme court"),
    ('"supreme  court" ruling', w("supreme court"), "ruling", "supreme court ruling"),
    ("“supreme court” ruling", w("supreme court"), "ruling", "supreme court ruling"),
    ("„oberstes gericht“ urteil", w("oberstes gericht"), "urteil", "oberstes gericht urteil"),
    (r'"the \"deal\" is off"', w('the "deal" is off'), "", "the deal is off"),
    ('"a b" "c d"', And([w("a b"), w("c d")]), "", "a b c d"),
    ('"Trump"\'s tariffs', w("Trump"), "tariffs", "Trump tariffs"),
    ('-"a b"', Not(w("a b")), "", ""),
    ('"who won?"', w("who won?"), "", "who won"),
    ('"AND"', w("AND"), "", "AND"),
    # Required and excluded
    ("+climate tax", w("climate"), "tax", "climate tax"),
    ("climate -tax", Not(w("tax")), "climate", "climate"),
    ("-trump", Not(w("trump")), "", ""),
    ("-a -b", And([Not(A), Not(B)]), "", ""),
    ("-(a b)", Not(And([A, B])), "", ""),
    ("+(a OR b) c", Or([A, B]), "c", "a b c"),
    ("-a OR b", Or([Not(A), B]), "", "b"),
    ("+title:x -source:y", And([w("x", "title"), Not(Value("source", "y"))]), "", ""),
    # AND, OR, NOT
    ("climate AND tax", And([w("climate"), w("tax")]), "", "climate tax"),
    ("a AND b AND c", And([A, B, C]), "", "a b c"),
    ("a AND (b AND c)", And([A, B, C]), "", "a b c"),
    ("a OR b OR (c OR d)", Or([A, B, C, D]), "", "a b c d"),
    ("a OR b c d", Or([A, B]), "c d", "a b c d"),
    ("c d a OR b", Or([A, B]), "c d", "c d a b"),
    ("a AND b c", And([A, B]), "c", "a b c"),
    ("tax NOT sport football", Not(w("sport")), "tax football", "tax football"),
    ("NOT a", Not(A), "", ""),
    ("a AND NOT b", And([A, Not(B)]), "", "a"),
    ("a OR NOT b", Or([A, Not(B)]), "", "a"),
    ("a AND NOT b AND NOT c", And([A, Not(B), Not(C)]), "", "a"),
    ("(a NOT b) OR c", Or([And([A, Not(B)]), C]), "", "a c"),
    ("a AND(b OR c)", And([A, Or([B, C])]), "", "a b c"),
    ("NOT(a)", Not(A), "", ""),
    ("(a b) OR c", Or([And([A, B]), C]), "", "a b c"),
    ("a - AND — b", And([A, B]), "", "a b"),
    ("a and b or not c", None, "a and b or not c", "a and b or not c"),
    ("And Or Not", None, "And Or Not", "And Or Not"),
    # Precedence: OR, then proximity by distance, w/s, w/p, AND, AND NOT
    ("a AND b OR c", And([A, Or([B, C])]), "", "a b c"),
    ("a OR b AND c", And([Or([A, B]), C]), "", "a b c"),
    ("(a AND b) OR c", Or([And([A, B]), C]), "", "a b c"),
    ("a w/5 b OR c", near(A, Or([B, C]), 5), "", "a b c"),
    ("a w/5 b w/2 c", near(A, near(B, C, 2), 5), "", "a b c"),
    ("a w/2 b w/5 c", near(near(A, B, 2), C, 5), "", "a b c"),
    ("a w/3 b pre/3 c", near(near(A, B, 3), C, 3, True), "", "a b c"),
    ("a w/s b w/9 c", SameSentence(A, near(B, C, 9)), "", "a b c"),
    ("a w/p b w/s c", SameParagraph(A, SameSentence(B, C)), "", "a b c"),
    ("a AND b w/p c", And([A, SameParagraph(B, C)]), "", "a b c"),
    ("a AND NOT b AND c", And([A, Not(And([B, C]))]), "", "a"),
    ("NOT a AND b", Not(And([A, B])), "", ""),
    ("NOT a OR b", Not(Or([A, B])), "", ""),
    (
        "bankrupt! w/25 discharg! AND NOT student OR college OR education! w/5 (loan AND scholarship)",
        And(
            [
                near(Wildcard(None, "bankrupt*"), Wildcard(None, "discharg*"), 25),
                Not(
                    And(
                        [
                            near(Or([w("student"), w("college"), Wildcard(None, "education*")]), w("loan"), 5),
                            near(Or([w("student"), w("college"), Wildcard(None, "education*")]), w("scholarship"), 5),
                        ]
                    )
                ),
            ]
        ),
        "",
        "",
    ),
    # Proximity
    ("hamas w/5 kashmir", near(w("hamas"), w("kashmir"), 5), "", "hamas kashmir"),
    ("a W/5 b", near(A, B, 5), "", "a b"),
    ("a pre/3 b", near(A, B, 3, True), "", "a b"),
    ("a PRE/255 b", near(A, B, 255, True), "", "a b"),
    ("a near/4 b", near(A, B, 4), "", "a b"),
    ("a onear/4 b", near(A, B, 4, True), "", "a b"),
    ("a w/s b", SameSentence(A, B), "", "a b"),
    ("a W/SENT b", SameSentence(A, B), "", "a b"),
    ("a w/p b", SameParagraph(A, B), "", "a b"),
    ("a w/para b", SameParagraph(A, B), "", "a b"),
    ('"supreme court" w/s abortion', SameSentence(w("supreme court"), w("abortion")), "", "supreme court abortion"),
    ("supreme court w/5 ruling", near(w("court"), w("ruling"), 5), "supreme", "supreme court ruling"),
    ("(a OR b) w/5 c", near(Or([A, B]), C, 5), "", "a b c"),
    ("(a AND b) w/5 c", And([near(A, C, 5), near(B, C, 5)]), "", "a b c"),
    ("a pre/5 (b AND c)", And([near(A, B, 5, True), near(A, C, 5, True)]), "", "a b c"),
    ("(a b) w/5 c", And([near(A, C, 5), near(B, C, 5)]), "", "a b c"),
    ("(a AND b) w/s c", SameSentence(SameSentence(A, B), C), "", "a b c"),
    ("a w/s b w/s c", SameSentence(SameSentence(A, B), C), "", "a b c"),
    ("((a AND b) OR c) w/5 d", Or([And([near(A, D, 5), near(B, D, 5)]), near(C, D, 5)]), "", "a b c d"),
    ("(a w/3 b) w/p c", SameParagraph(near(A, B, 3), C), "", "a b c"),
    ("title:a w/5 title:b", near(w("a", "title"), w("b", "title"), 5), "", ""),
    ("w/o fries 24/7 and/or w/e", None, "w/o fries 24/7 and/or w/e", "w/o fries 24/7 and/or w/e"),
    # Occurrences
    ("atleast3(ceasefire)", AtLeast(3, w("ceasefire")), "", "ceasefire"),
    ("ATLEAST3(ceasefire)", AtLeast(3, w("ceasefire")), "", "ceasefire"),
    ('atleast2("peace deal" OR truce)', AtLeast(2, Or([w("peace deal"), w("truce")])), "", "peace deal truce"),
    ("atleast2(a AND b)", And([AtLeast(2, A), AtLeast(2, B)]), "", "a b"),
    ("atleast2(terror*) x", AtLeast(2, Wildcard(None, "terror*")), "x", "x"),
    ("-atleast2(a)", Not(AtLeast(2, A)), "", ""),
    ("title:(atleast2(a))", AtLeast(2, w("a", "title")), "", ""),
    # Wildcards and misspellings
    ("terror*", Wildcard(None, "terror*"), "", ""),
    ("wom?n rights?", Wildcard(None, "wom?n"), "rights", "rights"),
    ("*", Every(), "", ""),
    ("a * b", None, "a b", "a b"),
    ("terror!", Wildcard(None, "terror*"), "", ""),
    ("terror! w/5 attack", near(Wildcard(None, "terror*"), w("attack"), 5), "", "attack"),
    ("+terror! x", Wildcard(None, "terror*"), "x", "x"),
    ("What a win!", None, "What a win", "What a win"),
    ("terror! attack", None, "terror attack", "terror attack"),
    ("Beyonc*", Wildcard(None, "beyonc*"), "", ""),
    ("sa'a*", Wildcard(None, "saa*"), "", ""),
    ("É**le*", Wildcard(None, "e*le*"), "", ""),
    ("al-q*", near(w("al"), Wildcard(None, "q*"), 1, True), "", "al"),
    ('"prime minist*"', near(w("prime"), Wildcard(None, "minist*"), 1, True), "", "prime"),
    (
        '"the new prime minist* said"',
        near(near(w("the new prime"), Wildcard(None, "minist*"), 1, True), w("said"), 1, True),
        "",
        "the new prime said",
    ),
    ("f**k", Wildcard(None, "f*k"), "", ""),
    ("**bold** words", None, "bold words", "bold words"),
    ("netanjahu~", Fuzzy(None, "netanjahu", 1), "", ""),
    ("netanjahu~2 x", Fuzzy(None, "netanjahu", 2), "x", "x"),
    ("al-qadoumi~", near(w("al"), Fuzzy(None, "qadoumi", 1), 1, True), "", "al"),
    ("title:netanjahu~1", Fuzzy("title", "netanjahu", 1), "", ""),
    ("5~10 people ~30 days", None, "5~10 people 30 days", "5~10 people 30 days"),
    # Letters as written
    ("exact:Polish", Exact(None, "Polish"), "", ""),
    ('exact:"White House"', Exact(None, "White House"), "", ""),
    ("exact:(US OR WHO)", Or([Exact(None, "US"), Exact(None, "WHO")]), "", ""),
    ("title:(exact:Polish)", Exact("title", "Polish"), "", ""),
    ("exact:Polish w/3 jokes", near(Exact(None, "Polish"), w("jokes"), 3), "", "jokes"),
    # Fields
    ("title:budget", w("budget", "title"), "", ""),
    ('title:"tax cut" x', w("tax cut", "title"), "x", "x"),
    ("intitle:budget", w("budget", "title"), "", ""),
    ("TITLE:budget", w("budget", "title"), "", ""),
    ("title:(a OR b)", Or([w("a", "title"), w("b", "title")]), "", ""),
    ("title:(a b)", And([w("a", "title"), w("b", "title")]), "", ""),
    ("title:(a w/3 b -c)", And([near(w("a", "title"), w("b", "title"), 3), Not(w("c", "title"))]), "", ""),
    ("HEADLINE(a AND b)", And([w("a", "title"), w("b", "title")]), "", ""),
    ("BYLINE(smith)", Value("by", "smith"), "", ""),
    ("caption:x text:y", And([w("x", "caption"), w("y", "text")]), "", ""),
    ("source:BBC, x", Value("source", "BBC"), "x", "x"),
    ('source:"The Hindu"', Value("source", "The Hindu"), "", ""),
    ('source:="The Hindu"', Value("source", "The Hindu", True), "", ""),
    ("source:=BBC", Value("source", "BBC", True), "", ""),
    ('source:(BBC OR "The Hindu")', Or([Value("source", "BBC"), Value("source", "The Hindu")]), "", ""),
    ("source:(BBC -Sport)", And([Value("source", "BBC"), Not(Value("source", "Sport"))]), "", ""),
    ('by:"Jane Doe" author:Roe', And([Value("by", "Jane Doe"), Value("by", "Roe")]), "", ""),
    ("section:Sport agency:IANS", And([Value("section", "Sport"), Value("agency", "IANS")]), "", ""),
    ('dateline:"New Delhi" lang:en', And([Value("dateline", "New Delhi"), Value("language", "en")]), "", ""),
    ("language:de", Value("language", "de"), "", ""),
    ("source:Yahoo!", Value("source", "Yahoo!"), "", ""),
    ("id:dam-2024-09", Id(("dam-2024-09",)), "", ""),
    ('id:"a b"', Id(("a b",)), "", ""),
    ("id:(x OR y)", Or([Id(("x",)), Id(("y",))]), "", ""),
    ("length:>800", Length(801, None), "", ""),
    ("length:>=800", Length(800, None), "", ""),
    ("length:<300", Length(None, 299), "", ""),
    ("length:<=300", Length(None, 300), "", ""),
    ("length:1,000", Length(1000, 1000), "", ""),
    ("length:300..800", Length(300, 800), "", ""),
    ("length:300..", Length(300, None), "", ""),
    ("length:..800", Length(None, 800), "", ""),
    # Dates; more in test_query_dates
    ("hamas date:2025-02", DayRange(date(2025, 2, 1), date(2025, 2, 28)), "hamas", "hamas"),
    ("on:yesterday", DayRange(date(2025, 2, 25), date(2025, 2, 25)), "", ""),
    ("since:last week news", DayRange(date(2025, 2, 17), None), "news", "news"),
    ('since:"last week" news', DayRange(date(2025, 2, 17), None), "news", "news"),
    ("date:Q1 2025 x", DayRange(date(2025, 1, 1), date(2025, 3, 31)), "x", "x"),
    ("date:26 Feb 2025 x", DayRange(date(2025, 2, 26), date(2025, 2, 26)), "x", "x"),
    ("date:(2023 OR 2025)", Or([DayRange(date(y, 1, 1), date(y, 12, 31)) for y in (2023, 2025)]), "", ""),
    ("since:2025-02-26T10:00Z", InstantRange(datetime(2025, 2, 26, 10, tzinfo=UTC), None), "", ""),
    ("source:BBC since:7d", And([Value("source", "BBC"), DayRange(date(2025, 2, 19), None)]), "", ""),
    # Escapes
    (r"\-5 degrees", None, "5 degrees", "5 degrees"),
    (r"Portland \OR", None, "Portland OR", "Portland OR"),
    (r"title\:x", None, "title:x", "title:x"),
    (r"\"hello", None, "hello", "hello"),
    (r"terror\* \(x\)", None, "terror x", "terror x"),
    (r"C:\path\new", None, r"C:\path\new", r"C:\path\new"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "constraint", "free", "scoring"), FORMS, ids=[form[0] for form in FORMS])
def test_form(query, constraint, free, scoring):
    parsed = read(query)
    assert parsed.constraint == constraint
    assert parsed.words == tuple(free.split())
    assert parsed.scoring_words == tuple(scoring.split())
    assert parsed.text == query


PROSE = [
    ("What did Trump say: I won?", "What did Trump say I won"),
    ("Trump: I won", "Trump I won"),
    ("Is it the and/or clause (section 5)?", "Is it the and/or clause section 5"),
    ("he is 5'11\" tall, isn't he", "he is 5'11 tall isn't he"),
    ("a 6\" pipe", "a 6 pipe"),
    ("see https://example.com/a?b=*&c=\"d\" now", "see https://example.com/a?b=*&c=\"d now"),
    ("www.bbc.co.uk/news?x=1 mail jo@bbc.co.uk", "www.bbc.co.uk/news?x=1 mail jo@bbc.co.uk"),
    ("bbc.co.uk/news?x=1", "bbc.co.uk/news?x=1"),
    ("C++ 24/7 at 10:30 on 1,200 km", "C++ 24/7 at 10:30 on 1,200 km"),
    ("mid - term elections – what now — really", "mid term elections what now really"),
    ("al-Qaddoumi mid-term", "al-Qaddoumi mid-term"),
    ("Boeing (BA)-Lockheed", "Boeing BA Lockheed"),
    ("party 🎉 time", "party time"),
    ("1) first 2) second :)", "1 first 2 second"),
    ("article(s) on f(x)", "article(s) on f(x)"),
    ("the U.S. and the U.K.", "the U.S. and the U.K."),
    ("Note:this std::vector mailto:jo@x.org", "Note:this std::vector mailto:jo@x.org"),
    ("'quoted' rock 'n' roll", "quoted rock n roll"),
    ("50% of $100 & #MeToo @bbc", "50% of $100 #MeToo @bbc"),
    ("who won?? really?!", "who won really"),
    ("-> flag -- x", "flag x"),
    ("two\nlines\tand  spaces", "two lines and spaces"),
    ("(Netanyahu) said (so (he did))", "Netanyahu said so he did"),
    ("中文 हिन्दी עברית", "中文 हिन्दी עברית"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "free"), PROSE, ids=[text for text, _ in PROSE])
def test_prose_is_free_and_comes_through_unchanged(text, free):
    parsed = read(text)
    assert parsed.constraint is None
    assert parsed.words == parsed.scoring_words == tuple(free.split())
    assert parsed.encoder_text == text
    assert parsed.notes == ()


ENCODED = [
    ('what did Trump say: "I won"?', "what did Trump say: I won?"),
    ("climate AND tax", "climate tax"),
    ("  climate (tax OR levy) report ", "climate tax levy report"),
    ("hamas w/5 kashmir source:BBC since:7d", "hamas kashmir"),
    ("ceasefire -football NOT (cricket OR tennis)", "ceasefire"),
    ("title:budget the exact:Polish vote", "the Polish vote"),
    ("atleast3(ceasefire) talks", "ceasefire talks"),
    ("netanjahu~2 terror* visit", "netanjahu visit"),
    ("+climate, tax", "climate, tax"),
    ('"Trump", he said', "Trump, he said"),
    ("source:BBC", ""),
    (r"Portland \OR", "Portland OR"),
    ("the (PM) said title:x (really)", "the (PM) said (really)"),
]


@pytest.mark.parametrize(("query", "encoded"), ENCODED, ids=[query for query, _ in ENCODED])
def test_encoder_text(query, encoded):
    assert read(query).encoder_text == encoded


@pytest.mark.parametrize(
    ("query", "patterns"),
    [
        ("terror* visit", [Wildcard(None, "terror*")]),
        ("terror! AND visit", [Wildcard(None, "terror*")]),
        ("netanjahu~2 netanjahu~2", [Fuzzy(None, "netanjahu", 2)]),
        ("al-qadoumi~ al-q*", [Fuzzy(None, "qadoumi", 1), Wildcard(None, "q*")]),
        ('"supreme cour* judge"', [Wildcard(None, "cour*")]),
        ('exact:"White House" exact:Polish w/3 jok*', [*(Exact(None, w) for w in ("White", "House", "Polish")),
                                                       Wildcard(None, "jok*")]),
        ("-terror* NOT exact:Polish title:terror* title:(exact:Polish) visit", []),
        ("source:terror plain words", []),
    ],
)  # fmt: skip
def test_what_stands_for_several_words_scores_where_it_is_positive(query, patterns):
    parsed = read(query)
    assert parsed.patterns == tuple(patterns)
    assert parsed.scoring == (*parsed.scoring_words, *patterns)


def test_free_words_repeat_and_words_of_constraints_do_not():
    parsed = read("new york new +york +paris AND Paris")
    assert parsed.words == ("new", "york", "new")
    assert parsed.scoring_words == ("new", "york", "new", "paris")


def test_literal_takes_the_text_as_it_stands():
    text = '"a AND (b OR title:c w/0 -d'
    parsed = parse(text, now=NOW, literal=True)
    assert parsed.constraint is None
    assert parsed.words == parsed.scoring_words == ("a", "AND", "b", "OR", "title:c", "w/0", "d")
    assert parsed.encoder_text == text
    assert parse("🎉", now=NOW, literal=True).words == ()


def test_notes_say_what_may_surprise():
    assert "'source:' was read as a word" in read("source: BBC").notes[0]
    assert "NOT comes last" in read("a AND NOT b AND c").notes[0]
    assert read("a AND NOT (b AND c)").notes == ()
    assert read("a AND NOT b").notes == ()


OPTIONS = "options go outside of the query's quotation marks"
NO_REGEX = "was read as words: regular expressions are not read; a word may have wildcards, * and ?"


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ("strike --limit 5", [f"'--limit' was read as words; {OPTIONS}, and -limit leaves out limit"]),
        ("--sort=newest strike", [f"'--sort' was read as words; {OPTIONS}, and -sort leaves out sort"]),
        ("strike -n 5", [f"'-n' leaves out the word n; {OPTIONS}"]),
        ("strike | walkout", ["'|' was read as punctuation; for either of two, write OR"]),
        ("strike ~dam", ["~dam was read as the word dam; for words nearly like it, write dam~"]),
        ("strike dam~", []),
        ('strike "~dam"', []),
        ("strike || walkout", ["|| was read as OR"]),
        ("strike && walkout", ["&& was read as AND"]),
        ("!strike walkout", ["! before a word was read as -, which leaves it out"]),
        ("/str.ke/ walkout", [f"/str.ke/ {NO_REGEX}"]),
        ("title:/str.ke/i", [f"/str.ke/i {NO_REGEX}"]),
        ("[2020 TO 2021] x", ["[2020 TO 2021] was read as words; a range of dates is written date:2020-01..2020-03"]),
        ("date>2020 x", ["date>2020 was read as words; write since:2020, before:2021 or length:>800"]),
        ("strike AROUND(5) walkout", ["AROUND(5) was read as w/5"]),
        ("not strike walkout", ["'not' was read as a word; to leave out what follows, write NOT, or - before it"]),
        ("strike but not walkout", ["'not' was read as a word; to leave out what follows, write NOT, or - before it"]),
        ("Strike Or Walkout", ["'Or' was read as a word; for either of two, write OR"]),
        # What is prose, a path, or quoted
        ('"strike --limit 5" and "a | b" or "/x.y/"', []),
        ("to be or not to be", []),
        ("and/or in /etc/hosts /why/ on 24/7", []),
        ("the strike or the walkout", []),
        ("AT&T -5 degrees a-b", []),
        ("date:>2020 length:>800", []),
        (r"\--limit 5", []),
    ],
)
def test_what_other_tools_write_is_read_or_remarked(query, notes):
    assert list(read(query).notes) == notes


def test_a_field_of_another_tool_is_named():
    with pytest.raises(QueryError, match=r"no field 'site'; did you mean source:\?"):
        read("site:bbc.com strike")


def test_a_language_goes_by_code_and_name():
    both = Or([Value("language", "de"), Value("language", "German")])
    assert read("lang:German").constraint == both
    assert read("lang:de").constraint == Value("language", "de")
    filtered = parse("x", now=NOW, filters=Filters(languages="German"))
    assert filtered.constraint == both


def test_control_characters_are_spaces_and_places_stay():
    parsed = read("a\x00AND\x1bb\ud800")
    assert parsed.constraint == And([A, B])
    assert parsed.encoder_text == "a b"


def test_parentheses_up_to_the_limit():
    assert read("(" * 100 + "a" + ")" * 100).words == ("a",)
    deep = "(a OR " * 50 + "(b AND " * 50 + "c" + ")" * 100
    assert read(deep).scoring_words == ("a", "b", "c")


@pytest.mark.parametrize("query", [query for query, _ in EXAMPLES])
def test_examples_of_the_help_parse(query):
    parsed = read(query)
    assert parsed.constraint is not None or parsed.words
    assert parsed.notes == ()
