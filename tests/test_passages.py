from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.encode.hashing import HashTokenizer
from search.records import Article
from search.text.passages import encoder_input, lay_out, split, split_many

TOKENIZER = HashTokenizer()


def sentences(text: str) -> list[str]:
    layout = lay_out(text)
    return [text[start:end] for start, end in zip(layout.starts, layout.ends, strict=True)]


def passages(text: str, title: str = "", limit: int = 230) -> list[str]:
    return [text[start:end] for start, end in split(text, title, lay_out(text), TOKENIZER, limit)]


# Each | is a sentence end that must be found; nowhere else may one be.
MARKED = [
    "He left.| She stayed.| They met in May.",
    "Mr. Netanyahu met Gen. Halevi and Sen. Schumer.| Mrs. Rice and Dr. Shah did not.",
    "The bill of Rep. Adam Schiff, D-Calif., failed.| Gov. Newsom signed another.",
    "He flew to St. Louis with Lt. Gov. Dan Patrick.| Prof. Kahn stayed.",
    "U.S. President Joe Biden spoke.| He left the U.S. The crowd cheered.".replace("U.S. The", "U.S.| The"),
    "The U.N. Security Council met.| It is the job of the U.N.| But nothing came of it.",
    "J. K. Rowling wrote it.| George W. Bush read it.| J.K. Rowling and J. R. R. Tolkien too.",
    "It was the year of Malcolm X.| He was killed in 1965.",
    "“We won.”| He left.| ‘No,’ she said.",
    "“We won,” he said.| “We really won.”",
    '"Stop," she said.| "Stop now."| He did.',
    '"Why did he go?" she asked.| "Nobody knows!" he said.',
    '"Are you ready?" Mr. Trump asked the crowd.| It was.',
    'He called it "a disgrace."| The minister left.',
    "(He declined to comment.)| She did not.",
    "It cost $1.5 billion, up 3.2%.| Inflation was 2.5.| Rates rose to 5.25.",
    "They act... together and in secret.| They inspire each other...| Apparently, they cooperate.",
    "True, but … not all of it.| It ends here…| Really.",
    "He paused . . . and went on.| Then he left.",
    "It began at 5 p.m. Tuesday and 8 a.m. ET.| It ended at 6 p.m.| Police closed the road.",
    "It was 9 a.m. on Monday.| They met at 10 a.m.| Nobody came.",
    "Apple Inc. and Amazon.com Inc. rose.| So did Ford Motor Co.| The rest of the market fell.",
    "Martin Luther King Jr. Day is in January.| He met Robert Downey Jr.| They talked.",
    "It is No. 10 in the list.| He said no.| Others agreed.",
    "Born on Jan. 5, 1999, he moved in Sept. 2001.| He died in Feb.| She lives.",
    "Roe vs. Wade and Brown v. Board of Education.| Both matter.",
    "Is it over?| Yes!| What now?!| Nobody knows.",
    "Yahoo! Inc. was sold.| Hurrah!| They cheered.",
    "Visit www.bbc.com.| See https://example.org/a.b?c=d for more.| Done.",
    "Mail John.Smith@example.com or Jane.Doe@example.com today.| Thanks.",
    "1. Cut taxes now.| 2. Build roads.",
    "He lost his space.|The next one did not.| Then he found it.",
    "The “Dr. No” actor, a.k.a. Bond, left.| He is 80.",
    "iPhone sales fell.| iPad sales rose.| eBay did not.",
    "It ended.[1]| Another began.[23]| Good.",
    "D.C. Mayor Muriel Bowser spoke in Washington, D.C.| She left.",
    "She has a Ph.D. in physics.| She has a Ph.D.| He has none.",
    "Prime Minister Mr. He said so.| Gen. An agreed.",
    "H.R. 1362 passed.| So did S.J. Res. 7.",
    "World War I.| It began in 1914.",
    "आज बारिश हुई।| कल धूप थी।",
    "他走了。|她留下了！|为什么？|没人知道。",
    "彼は「行く。」と言った。|そして去った。",
    "هل انتهى؟| نعم.",
    "انہوں نے کہا۔| وہ چلے گئے۔",
    "Il est venu.| «Pourquoi ?» demanda-t-elle.| M. Macron répond.",
    "Er kam am 5. März zurück.| Dann ging er.",
    "NEW DELHI, Feb. 26 (Reuters) - The talks failed.| Officials left.",
    "WASHINGTON — Porn star Stormy Daniels sued.| Trump denied it.",
    "no capitals here at all. yet two sentences.".replace("all. ", "all.| "),
]


@pytest.mark.parametrize("marked", MARKED)
def test_sentences_of_news(marked):
    text = marked.replace("|", "")
    assert sentences(text) == [part.strip() for part in marked.split("|")]


def test_offsets_and_paragraph_numbers():
    text = "  One. Two.\n\n\nThree.\t\n \n“Four”  \n"
    layout = lay_out(text)
    assert layout.starts == [2, 7, 14, 24]
    assert layout.ends == [6, 11, 20, 30]
    assert layout.paragraphs == [0, 0, 1, 2]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\r\n"])
def test_a_blank_text_has_no_sentence(text):
    assert lay_out(text) == ([], [], [])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\n\n", "\u2029", "\x0c"])
def test_every_line_break_ends_a_paragraph(newline):
    text = newline.join(["Terror outfits inspire each other", "Story by IANS", "New Delhi", "He spoke. She listened."])
    assert lay_out(text).paragraphs == [0, 1, 2, 3, 3]


WRAPPED = (
    "The Ambassador of Israel to India on Wednesday expressed concerns over\n"
    "reports of leaders of Hamas going into a huddle in Kashmir earlier this\n"
    "month. Unfortunately, he said, such organisations work in networks and\n"
    "find ways to support each other.\n"
    "\n"
    "Several leaders have voiced their concerns over the involvement of\n"
    "others.\n"
    "New Delhi has not.\n"
)


def test_hard_wrapped_lines_are_one_paragraph():
    layout = lay_out(WRAPPED)
    assert layout.paragraphs == [0, 0, 1, 2]
    assert sentences(WRAPPED)[1].startswith("Unfortunately, he said,")
    assert sentences(WRAPPED)[2].endswith("involvement of\nothers.")


def test_a_list_of_short_lines_is_not_wrapped():
    text = "Shopping for the embassy dinner in the old town:\nbread\nButter and some jam\nMilk"
    assert lay_out(text).paragraphs == [0, 1, 2, 3]


def test_lines_of_unwrapped_text_are_paragraphs_though_they_go_on_in_lower_case():
    text = "A line that is much longer than any wrapped line would be, " * 2 + "so it is not\nand this follows"
    assert lay_out(text).paragraphs == [0, 1]


TEXTS = st.text(
    st.one_of(
        st.sampled_from(list(" .!?…\"'”’“()[]\n\n\r\t,;:-—0123456789。！？」と؟।\xa0\u2028\x1c")),
        st.sampled_from(list("aAbBMrDrUSeéÉßİıﬁ中文अ")),
        st.characters(codec="utf-8"),
    ),
    max_size=300,
)
NEWSY = st.lists(
    st.sampled_from(
        [
            "Mr.",
            "U.S.",
            "The",
            "he",
            "said.",
            "“We",
            "won.”",
            "3.2%",
            "a.m.",
            "J.",
            "\n",
            "\n\n",
            "?",
            "...",
            "Inc.",
            "x" * 40,
        ]
    ),
    max_size=120,
).map(" ".join)


@settings(max_examples=300)
@given(st.one_of(TEXTS, NEWSY))
@example("a." * 10)
@example("“ . ”")
def test_layout_laws(text):
    layout = lay_out(text)
    assert len(layout.starts) == len(layout.ends) == len(layout.paragraphs)
    position = 0
    for start, end in zip(layout.starts, layout.ends, strict=True):
        assert position <= start < end
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        position = end
    assert text[position:].strip() == ""
    assert layout.paragraphs == sorted(layout.paragraphs)
    assert set(layout.paragraphs) == set(range(len(set(layout.paragraphs))))
    assert lay_out(text) == layout


@pytest.mark.parametrize(
    "unit",
    [".", " ", ".\t", "a.", '."', "\n", "a\n", "?!", "A. ", "1. ", "“", "。", "([", "...a", ' "', ".[1", "a b ", "é"],
)
def test_hostile_texts_take_linear_time(unit):
    text = unit * (1_000_000 // len(unit))  # a quadratic splitter would hit the suite's time limit
    layout = lay_out(text)
    assert sum(layout.ends) >= sum(layout.starts)


def test_passages_are_whole_sentences_within_the_limit():
    paragraph = "Alpha beta gamma delta. Epsilon zeta eta theta. "
    text = (paragraph * 4).strip() + "\n\n" + (paragraph * 4).strip()
    found = split(text, "A title of five words", lay_out(text), TOKENIZER, 46)
    # 41 tokens are left beside the title; a paragraph has 40.
    assert [text[a:b] for a, b in found] == text.split("\n\n")


def test_passages_are_even_rather_than_full_and_a_rest():
    text = " ".join(f"Sentence {i} has exactly eight tokens now." for i in range(11))  # 88 tokens
    sizes = TOKENIZER.count(passages(text, limit=80))
    assert sizes in ([40, 48], [48, 40])


def test_a_paragraph_is_kept_whole_where_that_costs_no_more():
    text = "One two three four five.\n\nSix seven eight nine ten. Eleven twelve thirteen fourteen fifteen."
    assert passages(text, limit=12) == [
        "One two three four five.",
        "Six seven eight nine ten. Eleven twelve thirteen fourteen fifteen.",
    ]


def test_a_sentence_without_room_is_cut_at_white_space():
    text = " ".join(f"word{i}" for i in range(100)) + "."
    found = passages(text, limit=30)
    assert [len(one.split()) for one in found] == [26, 26, 26, 22]
    assert " ".join(found) == text


def test_a_word_without_room_is_cut_inside():
    text = "a-" * 100
    found = passages(text, limit=30)
    assert "".join(found) == text
    assert max(TOKENIZER.count(found)) <= 30


def test_junk_of_one_token_is_bounded_in_characters():
    found = passages("x" * 100_000, limit=30)
    assert "".join(found) == "x" * 100_000
    assert max(map(len, found)) <= 30 * 12


def test_one_passage_for_an_article_without_text():
    assert split("", "Title", lay_out(""), TOKENIZER) == [(0, 0)]
    assert split(" \n ", "", lay_out(" \n "), TOKENIZER) == [(0, 0)]


def test_the_tokenizer_can_ask_for_less_than_the_limit():
    class Short(HashTokenizer):
        limit = 10

    text = "One two three four five six. Seven eight nine ten eleven twelve."
    assert len(split(text, "", lay_out(text), Short(), 230)) == 2


def test_many_articles_are_cut_as_one_by_one():
    articles = [Article(id=str(i), title="T" * (i % 3), text="A b c. " * i) for i in range(30)]
    layouts = [lay_out(article.text) for article in articles]
    together = split_many(articles, layouts, TOKENIZER, 20)
    assert together == [split(a.text, a.title, b, TOKENIZER, 20) for a, b in zip(articles, layouts, strict=True)]
    assert split_many([], [], TOKENIZER) == []


class Gluing(HashTokenizer):
    """Not additive: white space inside a text is a token too."""

    additive = False

    def count(self, texts):
        return [len(re.findall(r"\w+|[^\w\s]|\s+", text.strip())) for text in texts]


@settings(max_examples=150)
@given(st.one_of(TEXTS, NEWSY), st.sampled_from(["", "A title", "Ten dead as storm hits the coast of Spain"]))
@pytest.mark.parametrize("tokenizer", [TOKENIZER, Gluing()])
def test_passage_laws(tokenizer, text, title):
    limit = 40
    layout = lay_out(text)
    found = split(text, title, layout, tokenizer, limit)
    if not layout.starts:
        assert found == [(0, 0)]
        return
    position = 0
    for start, end in found:
        assert position <= start < end
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        assert tokenizer.count([encoder_input(title, text[start:end])])[0] <= limit
        position = end
    assert text[position:].strip() == ""


def test_the_title_goes_before_the_passage():
    assert encoder_input(" A  title\n", "Text.") == "A title\nText."
    assert encoder_input("", "Text.") == "Text."
    assert encoder_input("A title", "") == "A title"
    assert encoder_input("", "") == ""


def test_an_absurdly_long_title_is_cut_at_white_space():
    cut = encoder_input("lorem ipsum " * 1000, "")
    assert cut == " ".join(["lorem ipsum"] * 16)
    assert len(encoder_input("y" * 10_000, "")) == 256
    headline = "Terror outfits inspiring each other, says Israeli Ambassador on Hamas leaders visiting PoK"
    assert encoder_input(headline, "") == headline
