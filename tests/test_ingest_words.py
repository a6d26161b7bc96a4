"""What becomes of the strings of a record: markup, wrong decodings, bylines, names of languages."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ingest.fields import to_article
from search.ingest.languages import language_code
from search.ingest.markup import without_markup
from search.ingest.mojibake import mended
from search.ingest.names import byline

# Markup


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fish &amp; chips &#8211; &pound;5", "Fish & chips – £5"),
        ("<p>One&nbsp;day.</p>\n<p>Two<br/>lines</p>", "One\u00a0day.\n\nTwo\nlines"),
        ("<div class='x'>A<script>var b = '</p>';</script><style>p {}</style>C</div>", "A C"),
        ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
        ("<tr><td>1</td><td>2</td></tr>", "1 2"),
        ("<b>br</b>idge", "bridge"),
        ('<img alt="a > b" src="x">after', "after"),
        ("<!-- advert --><P CLASS=a>Up</P>", "Up"),
        ("<![CDATA[<p>inside</p>]]>", "inside"),
        ("First.\n\nSecond <em>part</em>.\n\nThird.", "First.\n\nSecond part.\n\nThird."),
        ("Twice: R&amp;amp;D, it&amp;#8217;s", "Twice: R&D, it’s"),
        ("&lt;p&gt;All &amp;amp; escaped&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;", "All & escaped\n\nTwo"),
        ("&#150; &#x27;x&#x27; &#0; &#1114112;", "– 'x' \ufffd \ufffd"),
        ("a&nbsp b", "a\u00a0 b"),
        ("<html><head><title>No</title></head><body><header>Yes</header></body></html>", "Yes"),
        ("<p>Cut <a href='https://x.exa", "Cut"),
    ],
)
def test_markup_goes_and_words_stay(text, words):
    assert without_markup(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "if a <b then c", "a<b and c>d", "R&D, AT&T, Q&A", "I <3 you", "<me@example.org> wrote", "5 < 6 > 4",
        "&unknown;", "?a=1&copy=2", "The <i in the formula", "x <a href=1", "x &lt y",
    ],
)  # fmt: skip
def test_prose_with_signs_stays(text):
    assert without_markup(text) == text.replace("&lt y", "< y")


def test_a_tag_that_is_written_about_stays():
    assert without_markup("Use the &lt;b&gt; tag") == "Use the <b> tag"


@given(st.text("<>&;/ap\"'=! \n-#x3", max_size=40))
def test_any_signs_are_read(text):
    once = without_markup(text)
    assert isinstance(once, str)


@pytest.mark.parametrize(
    "piece", ["<a ", "<a '\"", "<!--", "<script>", "<script ", "<![CDATA[", "&#", "&nbsp", "<p>\n ", "<b x="]
)
def test_no_text_takes_long(piece, collector_off):
    began = time.thread_time()
    without_markup(piece * 100_000)
    assert time.thread_time() - began < 2


def test_every_field_of_words_is_without_markup():
    article = to_article(
        {
            "title": "Quay &amp; <i>Weir</i>",
            "text": "<p>One</p><p>Two</p>",
            "source": "Post &amp; Mail",
            "author": "Se&aacute;n Ruiz",
            "section": "Arts &#38; Books",
            "caption": "<b>Caption</b>",
            "url": "https://x.example/?a=1&amp;b=2",
            "extra_note": "<p>as it was</p>",
        }
    )
    assert (article.title, article.text, article.source) == ("Quay & Weir", "One\n\nTwo", "Post & Mail")
    assert (article.authors, article.section, article.caption) == (("Seán Ruiz",), "Arts & Books", "Caption")
    assert article.url == "https://x.example/?a=1&b=2"
    assert article.extra == {"extra_note": "<p>as it was</p>"}
    assert to_article({"title": "x &amp; y"}, markup=False).title == "x &amp; y"


# Wrong decodings


@pytest.mark.parametrize(
    "text",
    [
        "Café in Orléans", "“Quotes”, he said – £5", "naïve Übermut", "Привет, мир", "Żółć i źdźbło", "São Paulo",
        "Zırhlı", "l’été à Genève",
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrongly", ["cp1252", "latin-1", "mac_roman", "twice"])
def test_what_was_decoded_wrongly_is_mended(text, wrongly):
    wrong = text
    try:
        for _ in range(2 if wrongly == "twice" else 1):
            wrong = wrong.encode().decode("cp1252" if wrongly == "twice" else wrongly)
    except UnicodeDecodeError:
        pytest.skip("cannot come so")
    if wrongly == "mac_roman" and text in ("Żółć i źdźbło", "Zırhlı", "Привет, мир", "São Paulo"):
        pytest.skip("not certain")
    assert mended(wrong) == text


@pytest.mark.parametrize(
    "text",
    [
        "SÃO PAULO",
        "Ñandú",
        "Ährenfeld, Ångström, Âge",
        "Россия С° Р",
        "La Grâce: âge d’or",
        "VOILÀ L’ÉTÉ",
        "√2 > 1",
        "‚so‘",
    ],
)
def test_what_is_right_stays(text):
    assert mended(text) == text


# Bylines


@pytest.mark.parametrize(
    ("line", "names", "roles"),
    [
        ("Tom Ode and Lee Park", ["Tom Ode", "Lee Park"], []),
        ("Department of Health and Human Services", ["Department of Health and Human Services"], []),
        ("Centre for Trade and Development", ["Centre for Trade and Development"], []),
        ("Johnson and Johnson", ["Johnson and Johnson"], []),
        ("Ode, Tom", ["Tom Ode"], []),
        ("Ode, T. J.; Park, Lee", ["T. J. Ode", "Lee Park"], []),
        ("van der Berg, Jan", ["Jan van der Berg"], []),
        ("Ode, Tom and Park, Lee", ["Tom Ode", "Lee Park"], []),
        ("Ode, Tom, Park, Lee", ["Tom Ode", "Lee Park"], []),
        ("Tom Ode, Jr.", ["Tom Ode, Jr."], []),
        ("Tom Ode, Political Editor", ["Tom Ode"], ["Political Editor"]),
        ("By Tom Ode, chief correspondent, and Lee Park", ["Tom Ode", "Lee Park"], ["chief correspondent"]),
        ("Tom Ode in Nairobi", ["Tom Ode"], ["in Nairobi"]),
        ("Tom Ode, Reuters", ["Tom Ode"], ["Reuters"]),
        ("Staff Reporter", [], ["Staff Reporter"]),
        ("Our Sports Correspondent", [], ["Our Sports Correspondent"]),
        ("Tom Ode | Lee Park", ["Tom Ode", "Lee Park"], []),
        ("Par Zoé Martin et Luc Petit", ["Zoé Martin", "Luc Petit"], []),
        ("Von Hans Müller und Eva Klein", ["Hans Müller", "Eva Klein"], []),
        ("By Ana Ruiz in Lima and Li Wei in Oslo", ["Ana Ruiz", "Li Wei"], ["in Lima", "in Oslo"]),
        ("Tom Ode and agencies", ["Tom Ode"], ["agencies"]),
        ("Reporting by Tom Ode; Editing by Lee Park", ["Tom Ode", "Lee Park"], []),
        ("Photos: Tom Ode", ["Tom Ode"], []),
        ("Compiled by Tom Ode from wire reports", ["Tom Ode"], []),
        ("Tom Ode with Lee Park", ["Tom Ode", "Lee Park"], []),
        ("Tom Ode for The Valley Post", ["Tom Ode"], ["for The Valley Post"]),
        ("Tom Ode | Valley Post", ["Tom Ode"], ["Valley Post"]),
        ("Tom Ode • 3 min read", ["Tom Ode"], ["3 min read"]),
        ("Tom Ode (Reuters)", ["Tom Ode"], ["Reuters"]),
        ("Tom Ode <tom@post.example>", ["Tom Ode"], []),
        ("tom@post.example (Tom Ode)", ["Tom Ode"], []),
        ("tom@post.example", ["tom@post.example"], []),
        ("https://post.example/authors/tom-ode", [], ["https://post.example/authors/tom-ode"]),
        ("Reuters Staff", [], ["Reuters Staff"]),
        ("From our own correspondent", [], ["From our own correspondent"]),
        ("Trade and Industry Correspondent", [], ["Trade and Industry Correspondent"]),
        ("Unknown", [], ["Unknown"]),
        ("Text Olsen", ["Text Olsen"], []),
        ("NULL", [], []),
        ("NULL, NULL", [], []),
        ("Null, Christopher", ["Christopher Null"], []),
        ("null; Tom Ode", ["Tom Ode"], []),
        ("Tom Ode, NULL", ["Tom Ode"], []),
        ("None and Tom Ode", ["None and Tom Ode"], []),
        ("Nan Li", ["Nan Li"], []),
        ("Tom Ode, N/A", ["Tom Ode"], []),
        ("", [], []),
    ],
)
def test_bylines(line, names, roles):
    assert byline(line) == (tuple(names), tuple(roles))


@given(st.text(max_size=60))
def test_any_byline_is_read(line):
    names, roles = byline(line)
    assert all(name.strip() for name in (*names, *roles))


def test_titles_are_kept_beside_the_names():
    article = to_article({"title": "t", "authors": ["By Tom Ode, Political Editor", "Lee Park and Ana Ruiz"]})
    assert article.authors == ("Tom Ode", "Lee Park", "Ana Ruiz")
    assert article.extra == {"author_titles": ["Political Editor"]}


# Languages


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"), ("EN", "en"), ("eng", "en"), ("English", "en"), ("en-GB", "en"), ("en_US.UTF-8", "en"),
        ("English (UK)", "en"), ("ger", "de"), ("Deutsch", "de"), ("français", "fr"), ("Español", "es"),
        ("Simplified Chinese", "zh"), ("British English", "en"), ("Norwegian Bokmål", "nb"), ("Tiếng Việt", "vi"),
        ("__label__en", "en"), ("Language: English", "en"), ("http://id.loc.gov/vocabulary/iso639-2/eng", "en"),
        ("en; fr", "en"), ("French/English", "fr"), ("und", ""), ("unknown", ""), ("Sign language", "Sign language"),
        ("pt-BR", "pt"), ("zh-Hant-TW", "zh"), ("Русский", "ru"), ("iw", "he"), ("ast", "ast"), ("Klingon", "Klingon"),
        ("", ""),
    ],
)  # fmt: skip
def test_one_code_for_a_language(text, code):
    assert language_code(text) == code


def test_the_region_of_a_language_is_kept():
    assert to_article({"title": "t", "language": "en-GB"}).extra == {"language": "en-GB"}
    assert to_article({"title": "t", "language": "English"}).extra == {}
