"""check_quotes: where each quotation and each mark of an answer stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.rag import check_quotes
from search.rag.context import Context
from search.records import Article, Citation, Mode

DAM = (
    "Intro. “Every earth dam weeps a little,” said Hugo Pell, a spokesman – and he'd know. "
    "The water rose two metres in a night. Nobody slept in the lower town."
)
TRAM = "The council voted by 31 votes to 29. It was the longest debate in its history, the mayor said."
ARTICLES = {"dam": Article(id="dam", text=DAM), "tram": Article(id="tram", text=TRAM)}


def citation(number, article_id, start, end):
    article = ARTICLES[article_id]
    return Citation(
        number=number, article_id=article_id, start=start, end=end, text=article.text[start:end], title="", source="",
        published=None, authors=(), url="", score=1.0, tokens=0,
    )  # fmt: skip


CONTEXT = Context(
    question="?",
    budget=100,
    tokens=10,
    mode=Mode.HYBRID,
    took_ms=0.0,
    passages=(citation(1, "dam", 7, DAM.index(" Nobody")), citation(2, "tram", 0, len(TRAM))),
)


@pytest.mark.parametrize(
    ("answer", "verdict", "number", "found"),
    [
        ('He said "Every earth dam weeps a little," [1].', "exact", 1, "Every earth dam weeps a little,"),
        ("“every earth  dam\nweeps a little.” [1]", "normalised", 1, "Every earth dam weeps a little"),
        ("„Every earth dam weeps a little“ [1]", "exact", 1, "Every earth dam weeps a little"),
        ("« Every earth dam weeps a little » [1]", "exact", 1, "Every earth dam weeps a little"),
        ("»Every earth dam weeps a little« [1]", "exact", 1, "Every earth dam weeps a little"),
        (
            "It's 'The water rose two metres in a night' [1], he'd say.",
            "exact",
            1,
            "The water rose two metres in a night",
        ),
        ('"a spokesman - and he’d know" [1]', "normalised", 1, "a spokesman – and he'd know"),
        (
            '"Every earth dam ... said Hugo Pell" 【1】',
            "normalised",
            1,
            "Every earth dam weeps a little,” said Hugo Pell",
        ),
        ('"[The] water rose two […] in a night" [1]', "normalised", 1, "The water rose two metres in a night"),
        ("As the paper has it:\n\n> The council voted\n> by 31 votes to 29. [2]\n", "normalised", 2, TRAM[:35]),
        ('"the longest debate in its history" [1]', "elsewhere", 2, "the longest debate in its history"),
        ('"the longest debate in its history"', "exact", 2, "the longest debate in its history"),
        ('"31 votes" [1][2]', "exact", 2, "31 votes"),
    ],
)
def test_quotations_that_stand(answer, verdict, number, found):
    report = check_quotes(answer, CONTEXT)
    assert len(report.quotes) == 1
    quote = report.quotes[0]
    assert (quote.verdict, quote.found.number, quote.found.text) == (verdict, number, found)
    assert answer[quote.start : quote.end] == quote.text
    place = quote.found
    assert ARTICLES[place.article_id].text[place.start : place.end] == place.text
    assert report.ok == (verdict != "elsewhere")


def test_an_invented_quotation_comes_with_the_nearest_sentence():
    report = check_quotes('The river: "The water rose three metres in one night." [1]', CONTEXT)
    quote = report.quotes[0]
    assert quote.verdict == "missing"
    assert quote.found is None
    assert quote.nearest.text == "The water rose two metres in a night."
    assert DAM[quote.nearest.start : quote.nearest.end] == quote.nearest.text
    assert 0.6 < quote.similarity < 1
    assert not report.ok


def test_part_of_a_word_is_no_quotation():
    assert check_quotes('"ear dam weeps a" [1]', CONTEXT).quotes[0].verdict == "missing"
    assert check_quotes('"very earth dam weeps" [1]', CONTEXT).quotes[0].verdict == "missing"


def test_the_whole_article_counts_where_it_can_be_read():
    answer = '"Nobody slept in the lower town." [1]'
    assert check_quotes(answer, CONTEXT).quotes[0].verdict == "missing"
    quote = check_quotes(answer, CONTEXT, ARTICLES.__getitem__).quotes[0]
    assert (quote.verdict, quote.found.start) == ("exact", DAM.index("Nobody"))


def test_marks():
    answer = (
        "One [1]. Two [1, 3]. Four [1][2]. Range [1-2]. Corner 【2†source】. A [link] and [1](https://x.example) [0]."
    )
    report = check_quotes(answer, CONTEXT)
    assert [(one.number, one.verdict) for one in report.marks] == [
        (1, "exact"), (1, "exact"), (3, "missing"), (1, "exact"), (2, "exact"), (1, "exact"), (2, "exact"),
        (2, "exact"), (1, "exact"), (0, "missing"),
    ]  # fmt: skip
    assert all(answer[one.start] in "[【" and answer[one.end - 1] in "]】)" for one in report.marks)
    assert not report.ok


SAID = '"Every earth dam weeps a little,"'


@pytest.mark.parametrize("number", [1, 7])
@pytest.mark.parametrize(
    "mark",
    [
        "[^{}]", "[Source {}]", "[source: {}]", "(Source {})", "({})", "[{}](#cite)", "[{}](https://x.example/a_b)",
        "[[{}]]", "[[{}]](https://x.example)", "<sup>{}</sup>", "<sup>[{}]</sup>", "【{}】", "【{}:0†source】", "[#{}]",
        "[ {} ]", "\\[{}\\]", "[p{}]", "[S{}]", "[source_{}]", "[{}:0]", "[id={}]", "[context {}]", "[result {}]",
        "[^{}^]",
        "(see {})", "(Source {}, Weir report)", "[{}, Weir report]", "<cite>{}</cite>", "<ref>{}</ref>",
        "［{}］", "[Passage {}]", "[Doc. {}]", "[Source {}: the river, a report]", "[ref {}, source {}]", "[cite: {}]",
        "[id: {}]",
    ],
)  # fmt: skip
def test_the_usual_forms_are_marks(mark, number):
    for answer in (f"{SAID} {mark}.", f"{SAID}{mark}", f'A {SAID[:-2]} {mark}."', f"{SAID}, he said {mark}."):
        answer = answer.replace("{}", str(number))
        report = check_quotes(answer, CONTEXT)
        if mark == "({})" and "said" in answer and number == 7:
            assert report.marks == ()  # "he said (7)." names no passage that there is
            continue
        assert {one.number for one in report.marks} == {number}
        assert report.ok == (number == 1)
        assert report.quotes[0].cited == (number,)


def test_small_raised_numbers():
    assert [one.number for one in check_quotes(f"{SAID}¹ On 5 m² {SAID}⁷ E = mc².", CONTEXT).marks] == [1, 7]


@pytest.mark.parametrize(
    "text",
    [
        "In [2019] it broke.", "The law [1868] and (1868) stand.", "Rooms (12) and (13) are shut.",
        "[10,000] people came.", "[12:30] the gate fell.", "(1) first, (2) next.", "nine (9) gates",
        "see [the report](https://x.example) and [2019](https://x.example)",
        "Jane Roe (34) said so.",
        "[^1]: The river, a report", "tall 5 m² and 2³", "Chapter (7).",
    ],
)  # fmt: skip
def test_numbers_of_prose_are_no_marks(text):
    report = check_quotes(f"{text} {SAID} [1].\n{text}", CONTEXT)
    assert [one.number for one in report.marks] == [1]
    assert report.ok


def test_a_year_beside_a_quotation_is_a_mark_of_nothing():
    report = check_quotes(f"{SAID} [2019].", CONTEXT)
    assert [(one.number, str(one.verdict)) for one in report.marks] == [(2019, "missing")]


def test_a_number_in_brackets_inside_a_quotation_is_a_word_of_another():
    report = check_quotes('"Every [300] dam weeps a little," [1]', CONTEXT)
    assert [one.number for one in report.marks] == [1]
    assert str(report.quotes[0].verdict) == "altered"


def test_scare_quotes_and_apostrophes_are_no_quotations():
    answer = "The so-called \"deal\" of the dockers' union and the owners' club isn't 'new'."
    assert check_quotes(answer, CONTEXT).quotes == ()


def test_each_quotation_has_its_own_mark():
    answer = '"Every earth dam weeps a little" [1], and "It was the longest debate" [2].'
    assert [one.cited for one in check_quotes(answer, CONTEXT).quotes] == [(1,), (2,)]
    assert check_quotes(answer, CONTEXT).ok


@given(st.text(alphabet="ab \"'“”„«»‘’>[]【】1,-–.…\n", max_size=80))
def test_any_answer_is_read(answer):
    report = check_quotes(answer, CONTEXT)
    for one in report.quotes:
        assert answer[one.start : one.end] == one.text


@given(st.data())
def test_every_stretch_of_whole_words_is_found(data):
    words = [i for i, c in enumerate(TRAM) if i == 0 or TRAM[i - 1] == " "]
    first = data.draw(st.sampled_from(words[:-3]))
    last = data.draw(st.sampled_from([w for w in words if w > first + 8]))
    said = TRAM[first : last - 1]
    report = check_quotes(f'x "{said}" [2]', CONTEXT)
    assert all(one.verdict == "exact" for one in report.quotes)


MINE = (
    "“We do not order anybody to leave tonight,” the governor said. A mine gives 1,900 tonnes a day and $1.5 million. "
    "“I can't resign,” the minister said; the rate has risen to 1.5 points. The company paid nothing for the strike. "
    "All shot at dawn.\n\nHouses burned in the village."
)


def about(*texts):
    """A context of these passages."""
    return Context(
        question="?",
        budget=100,
        tokens=10,
        mode=Mode.HYBRID,
        took_ms=0.0,
        passages=tuple(
            Citation(
                number=number, article_id=f"a{number}", start=0, end=len(text), text=text, title="", source="",
                published=None, authors=(), url="", score=1.0, tokens=0,
            )
            for number, text in enumerate(texts, 1)
        ),
    )  # fmt: skip


NEWS = about(MINE, TRAM)


def checked(answer):
    """What became of each quotation of an answer."""
    return [(one.text, str(one.verdict)) for one in check_quotes(answer, NEWS).quotes]


@pytest.mark.parametrize(
    "piece",
    [
        "> \n", "“", "”", '"', "'", "‘", "« ", "»", "[", "[1,", "[1, ", "[1-51]", "[1] ", "[a ", "... ", ". ",
        " ", "\n", "\xad",
        '"x" [1] ', '"a b c d" ', "“a b c d", '“a b c" ', " 'a", "'a b c' ", '"\n\n', "“a\n", "“ ” ",
        '"a ... b ... c" ',
        "“a b c [x] d e” ", "> a b c\n\n", "> — a\n", "'90s ", "】【1†", '"abab baba aabb zz" ',
    ],
)  # fmt: skip
@pytest.mark.parametrize(("before", "after"), [("", ""), ('"', '" [1]')])
def test_a_hostile_answer_is_read_in_linear_time(piece, before, after):
    answer = before + piece * (100_000 // len(piece)) + after
    report = check_quotes(answer, NEWS)  # takes minutes where anything is quadratic
    assert len(report.quotes) <= 201
    assert len(report.marks) <= 5_060
    for one in report.quotes:
        assert answer[one.start : one.end] == one.text
    if len(report.quotes) > 200:
        assert report.quotes[-1].verdict == "unread"
        assert not report.ok


@pytest.mark.parametrize(
    ("answer", "quoted"),
    [
        ("He said “the man’s “secret plan” will kill hundreds” [1].", "the man’s “secret plan” will kill hundreds"),
        ('"""we shall all die""" [1]', "we shall all die"),
        ("'this is a \"disaster\" for every single man in town'", 'this is a "disaster" for every single man in town'),
        ('He said "we go to "the town" and die" [1].', 'we go to "the town" and die'),
        ('"All shot at dawn.\n\nVillages burned," he said [1]', "All shot at dawn.\n\nVillages burned,"),
        ("'All shot at dawn.\n\nVillages burned,' he said [1]", "All shot at dawn.\n\nVillages burned,"),
        ("“we shall all die ” [1]", "we shall all die"),
        ("'The miners' strike is over for all of us' [1]", "The miners' strike is over for all of us"),
        ("'We're goin' to kill them all tomorrow night' he said", "We're goin' to kill them all tomorrow night"),
        ("He called: ’we shall all die’ [1]", "we shall all die"),
        ("``we shall all die tomorrow'' [1]", "we shall all die tomorrow"),
        ("「我们明天都会死的」他说", "我们明天都会死的"),
        ("> – we shall kill all of you [1]", "– we shall kill all of you"),
        (f"“{'we shall all die ' * 300}” [1]", ("we shall all die " * 300).rstrip()),
    ],
)  # fmt: skip
def test_no_fabrication_is_passed_over(answer, quoted):
    assert checked(answer) == [(quoted, "missing")]
    assert not check_quotes(answer, NEWS).ok


@given(
    st.sampled_from(
        ['""', '"”', '"“', "“”", '“"', "““", "„“", "„”", '„"', "””", '”"', "«»", "»«", "»»", "‹›", "‘’", "''"]
    ),
    st.sampled_from(["", "He said ", "The '90s, 5'10\" tall: ", "(", "The workers' union — ", "It said: "]),
    st.sampled_from([" [1].", ", he said [1].", ")", " and went home.", "\n\nThe end."]),
)
def test_every_pair_of_marks_quotes(pair, before, after):
    report = check_quotes(before + pair[0] + "we shall all die tomorrow" + pair[1] + after, NEWS)
    assert [one.text for one in report.quotes] == ["we shall all die tomorrow"]
    assert not report.ok


@pytest.mark.parametrize(
    "answer",
    [
        'He said "we shall all die tomorrow [1].',
        "He said “we shall all die tomorrow [1].",
        'we shall all die tomorrow" [1].',
        "we shall all die tomorrow“ [1].",
        "He said 'we shall all die tomorrow [1]",
        "‘we shall all die tomorrow [1]",
        "«we shall all die tomorrow [1]",
    ],
)
def test_a_mark_without_a_partner_is_not_ok(answer):
    assert checked(answer) == [("we shall all die tomorrow", "unread")]
    assert not check_quotes(answer, NEWS).ok


def test_what_is_too_much_is_told():
    said = "“" + "All shot at dawn. " * 600 + "”"
    assert [verdict for _, verdict in checked(said)] == ["unread"]
    assert [verdict for _, verdict in checked("> " + said)] == ["unread"]
    assert [verdict for _, verdict in checked('"' + " ... ".join(["the"] * 30) + '"')] == ["unread"]
    report = check_quotes('"All shot at dawn" [1]. ' * 300, NEWS)
    assert [str(one.verdict) for one in report.quotes] == ["exact"] * 200 + ["unread"]
    assert report.quotes[-1].text.count("All shot") == 100
    assert report.faults == 1
    report = check_quotes("[1] " * 6_000, NEWS)
    assert (len(report.marks), report.marks[-1].verdict, report.faults) == (5_001, "unread", 1)
    assert [one.number for one in check_quotes("[1-99]", NEWS).marks] == [*range(1, 52), 99]


@pytest.mark.parametrize(
    "answer",
    [
        "the '90s, rock 'n' roll, 5'10\" tall and 6' 2\" too, the workers' union. It's the dockers' club, goin' home.",
        'In ‘98 the ’90s were, ’tis said, the workers’ own; rock ’n’ roll. A 6" gun, 12” of snow and 6’2” men.',
        "the 'big deal' of the dockers' union and the U.S.' policy, the boys', the girls', 'em all",
        'A "deal", the "new" mayor\'s (“so-called”) plan; "Tram" and «Tram».',
        "'Tis the season, y'all: don't. O'Brien and the O’Briens’ dog's day of the men.",
        "[1]",
    ],
)
def test_prose_raises_no_alarm(answer):
    report = check_quotes(answer, NEWS)
    assert report.quotes == ()
    assert report.ok


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("900 tonnes a day", "missing"),
        ("1,900 tonnes a day", "exact"),
        ("A mine gives 1", "missing"),
        ("5 million.", "missing"),
        ("$1.5 million.", "exact"),
        ("the rate has risen to 1", "missing"),
        ("the rate has risen to 1.", "missing"),
        ("THE RATE has risen to 1", "missing"),
        ("the rate has risen to 1.5", "exact"),
        ("I can", "missing"),
        ("“I can", "missing"),
        ("I CAN", "missing"),
        ("t resign,” the minister said", "missing"),
        ("'t resign,” the minister said", "missing"),
        ("I can’t resign", "normalised"),
        ("the gov\xadernor said", "normalised"),
    ],
)
def test_no_number_and_no_contraction_is_cut(said, verdict):
    assert [one.verdict for one in check_quotes(f"> {said}\n\n[1]", NEWS).quotes] == [verdict]


def test_an_invisible_character_is_no_edge_of_a_word():
    context = about("They can\xad't say so, and cafe\u0301s are shut.")
    for said in ("They can", "t say so", "and cafe"):
        assert check_quotes(f'"{said}" [1]', context).quotes[0].verdict == "missing"


@pytest.mark.parametrize(
    ("said", "verdict", "found"),
    [
        ("We [gladly order] anybody to leave", "altered", "We do not order anybody to leave"),
        ("We do not order [people] to leave", "altered", "We do not order anybody to leave"),
        ("[They] do not order anybody", "altered", "do not order anybody"),
        ("[w]e do [not] order anybody", "normalised", "We do not order anybody"),
        ("We do not [sic] order anybody", "normalised", "We do not order anybody"),
        ("We [...] order anybody", "normalised", "We do not order anybody"),
        ("We [ … ] order [...] to leave", "normalised", "We do not order anybody to leave"),
        ("paid nothing for the strike [so] shot at dawn", "missing", None),  # not inside one sentence
        ("the governor [never] resign", "missing", None),
        ("the minister said [and everybody else] strike", "missing", None),
    ],
)
def test_words_in_square_brackets(said, verdict, found):
    report = check_quotes(f'"{said}" [1]', NEWS)
    (quote,) = report.quotes
    assert (quote.verdict, quote.found and quote.found.text) == (verdict, found)
    assert report.ok == (verdict == "normalised")
    if verdict == "altered":
        assert quote.nearest.text == "“We do not order anybody to leave tonight,” the governor said."


@pytest.mark.parametrize(
    "answer",
    [
        '"The company paid nothing for the strike," Mr. Smith said [2].',
        '"The company paid nothing for the strike," the U.S. Army said. [2]',
        '"The company paid nothing for the strike [2]."',
        '"The company paid nothing for the strike." [2]',
        "> The company paid nothing\n> for the strike.\n> — Eulalia Sotomonte [2]\n",
        "> “The company paid nothing for the strike.” [2]\n>\n> -- Eulalia Sotomonte, the governor",
        "> The company paid nothing for the strike.\n\n[2]",
    ],
)
def test_no_mark_is_lost(answer):
    (quote,) = check_quotes(answer, NEWS).quotes
    assert (quote.cited, quote.verdict) == ((2,), "elsewhere")
    assert quote.text.replace("\n> ", " ").rstrip(".,") == "The company paid nothing for the strike"
    (quote,) = check_quotes(answer.replace("[2]", "[1]"), NEWS).quotes
    assert (quote.cited, quote.found.number) == ((1,), 1)


def test_a_mark_of_the_next_line_is_not_the_quotations():
    report = check_quotes('- "All shot at dawn."\n- The council voted [2].', NEWS)
    assert [(one.cited, str(one.verdict)) for one in report.quotes] == [((), "exact")]
