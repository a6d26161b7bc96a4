"""Words that are written in several ways: each spelling finds the others, ``exact:`` keeps them apart, and what matched
is marked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.keyword import highlight
from search.keyword.analysis import TEXT_SPACE, analyze
from search.keyword.readings import readings, spelled, value_words, ways, words_of
from tests.keyword_parts import make_segment

TEXTS = {
    "hyphen": "The whistle-blower sent an e-mail about the COVID-19-related cease-fire.",
    "joined": "A whistleblower sent an email on covid19 and the ceasefire.",
    "apart": "The whistle of a blower; cease this fire at e, mail it.",
    "line": "The parlia-\nment and the coun¬\ncil rose, as did the go\u00advern\u00ad\nment.",
    "french": "Le préfet a dîné à l'Élysée avec l’équipe d'Orsay. Il cherchait quelqu'un jusqu'à minuit.",
    "italian": "La storia dell'arte nell’Italia di quell'anno.",
    "initials": "J. R. R. Tolkien, J.R.R. Oates and P G Wodehouse met at 5 p. m. in Plan B. A man came.",
    "unseen": "The gover\u200bnor of Mi\u2060ch\u00adi\ufeffgan spoke to the sen\u200eator of Oh\u202ai\u2069o.",
    "signs": "A course in C++ and C# at AT&T with .NET, #MeToo, @quay_clerk, 50% of $100 for Disney+ and Ke$ha.",
    "plain": "A course in C and net, metoo, 50 of 100 for Disney at T at.",
    "numbers": "Call 555-0199 about 3-2, ISBN 978-0-306-40615-7.",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("readings") / "a", create=True, model=None) as archive:
        archive.add([Article(id=name, title=name, text=text) for name, text in TEXTS.items()])
        archive.add([Article(id="by", text="x", source="L'Équipe", authors=("J. K. Rowan",))])
        yield archive


def found(archive, query):
    return sorted(hit.article.id for hit in archive.search(query, mode="keyword", limit=50) if hit.matched)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("whistleblower", ["hyphen", "joined"]),
        ("whistle-blowers", ["apart", "hyphen", "joined"]),  # the parts, in any place, or the one word
        ('"whistle-blower"', ["hyphen", "joined"]),
        ('"whistleblower sent"', ["hyphen", "joined"]),
        ('"the whistleblower sent an email"', ["hyphen"]),
        ('"an e-mail on"', ["joined"]),
        ('"email about the covid19"', ["hyphen"]),
        ("+covid19 -joined", ["hyphen"]),
        ("covid19related", ["hyphen"]),
        ("whistleblow* AND cease*", ["hyphen", "joined"]),
        ("whistlebower~", ["hyphen", "joined"]),
        ("email w/4 covid19", ["hyphen", "joined"]),
        ("atleast2(email)", []),
        ("atleast2(e-mail)", []),
        ("exact:email", ["joined"]),
        ("exact:e-mail", ["hyphen"]),
        ('exact:"e-mail about"', ["hyphen"]),
        ("exact:COVID-19", ["hyphen"]),
        ("parliament council government", ["line"]),
        ('"the parliament and the council rose"', ["line"]),
        ("Élysée equipe orsay", ["french"]),
        ("l'equipe", ["french"]),
        ('"à l\'Élysée avec"', ["french"]),
        ('"dîné à Élysée"', ["french"]),
        ("exact:Élysée", ["french"]),
        ("dorsay", ["french"]),
        ("arte Italia anno", ["italian"]),
        ('"JRR Tolkien"', ["initials"]),
        ('"J.R.R. Tolkien"', ["initials"]),
        ("J. R. R. Oates", ["initials"]),
        ('"PG Wodehouse"', ["initials"]),
        ('"P. G. Wodehouse"', ["initials"]),
        ('"5 pm"', ["initials"]),
        ("ba", []),
        ('by:"JK Rowan"', ["by"]),
        ('by:="J.K. Rowan"', ["by"]),
        ("source:Équipe", ["by"]),
        ("governor michigan senator ohio", ["unseen"]),
        ('exact:"C++"', ["signs"]),
        ('exact:"C#"', ["signs"]),
        ("exact:C", ["plain"]),
        ('exact:"AT&T"', ["signs"]),
        ('exact:".NET"', ["signs"]),
        ('exact:"#MeToo"', ["signs"]),
        ("exact:MeToo", ["signs"]),
        ('exact:"$100"', ["signs"]),
        ("exact:100", ["plain", "signs"]),
        ('exact:"50%"', ["signs"]),
        ('exact:"Disney+"', ["signs"]),
        ("exact:Disney", ["plain"]),
        ('exact:"Ke$ha"', ["signs"]),
        ("c++ disney", ["plain", "signs"]),
        ("5550199", ["numbers"]),
        ("9780306406157", ["numbers"]),
        ("32", []),
    ],
)
def test_spellings(archive, query, expected):
    assert found(archive, query) == expected


def test_a_word_counts_once_however_it_is_written(archive):
    hits = {hit.article.id: hit for hit in archive.search("email", mode="keyword", explain=True)}
    (joined,), (hyphen,) = (hits[name].explain["keyword"]["terms"] for name in ("joined", "hyphen"))
    assert joined["tf"] == hyphen["tf"] == 1
    assert joined["df"] == hyphen["df"] == 2


@pytest.mark.parametrize(
    ("name", "word", "marked"),
    [
        ("hyphen", "email", ["e-mail"]),
        ("hyphen", "covid19", ["COVID-19"]),
        ("line", "parliament", ["parlia-\nment"]),
        ("french", "Élysée", ["Élysée"]),
        ("initials", "JRR", ["J. R. R", "J.R.R"]),
        ("initials", "pg", ["P G"]),
        ("signs", "metoo", ["#MeToo"]),
        ("unseen", "governor", ["gover\u200bnor"]),
    ],
)
def test_what_matched_is_marked(name, word, marked):
    text = TEXTS[name]
    assert [text[start:end] for start, end in highlight(text, [word])] == marked


WRITTEN = ("e-mail", "email", "l'Eau", "J. K. Rao", "gover-\nnor", "AT&T", "3-2", "555-0199", "C++", "state-of-the-art")
WRITTEN += ("run-n-ing", "D'Angelo", "É. Z.", "J K", "a.m.", "U.S.-led", "50%", "l'e-mail")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(WRITTEN), max_size=6).map(" ".join))
def test_what_is_indexed_and_what_is_asked_are_cut_alike(text):
    segment = make_segment([Article(id="1", title=text)])
    for token in (*analyze(text), *(one.token for one in readings(text))):
        assert segment.find(TEXT_SPACE, token.term) >= 0
    assert int(segment.lengths.sum()) == len(analyze(text))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(WRITTEN), max_size=6).map(" ".join))
def test_laws_of_readings(text):
    tokens = analyze(text)
    for one in readings(text):
        parts = tokens[one.first : one.first + one.width]
        assert parts[0].start <= one.token.start
        assert one.token.end == parts[-1].end
        assert one.token.term != parts[0].term
        if one.width > 1:
            assert [part.term for part in analyze(one.token.surface)] == [part.term for part in parts]
    rows = ways(text)
    assert rows[0] == tokens
    assert len(spelled(text)) == len(tokens)
    words, other = value_words(text)
    assert words_of(text) == words
    assert all(0 <= place < len(words) for _, place in other)


def test_many_readings_stay_few_rows():
    text = " ".join(f"a{i}-b{i}" for i in range(200))
    assert len(readings(text)) == 200
    assert len(ways(text)) == 24


def test_an_archive_of_another_analysis_says_so_in_one_line(tmp_path, monkeypatch):
    from search.engine import session
    from search.errors import ArchiveMismatch

    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        archive.add([Article(id="1", text="x")])
    monkeypatch.setattr(session, "ANALYSIS_VERSION", 99)
    with pytest.raises(
        ArchiveMismatch,
        match=r"version 2 of the text analysis, and this program has version 99; .*doctor --repair",
    ):
        Archive.open(tmp_path / "a")


def test_phrases_of_both_spellings_over_several_segments(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        for number in range(3):
            archive.add([Article(id=f"{number}{name}", text=text) for name, text in TEXTS.items()])
        expected = [f"{number}{name}" for number in range(3) for name in ("hyphen", "joined")]
        assert found(archive, '"whistleblower sent"') == expected
        archive.optimize()
        assert found(archive, '"whistleblower sent"') == expected
        scores = {hit.article.id: hit.score for hit in archive.search("whistleblower", mode="keyword", limit=50)}
        assert np.unique([scores[f"{number}hyphen"] for number in range(3)]).size == 1
