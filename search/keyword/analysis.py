"""Text to words: what counts as a word, how it is folded, and the stem it is found by.

A token goes through three shapes. Its *surface* is what was written, with apostrophes made plain and with the signs
that belong to a name (C++, #MeToo, 50%); its *word* is the surface without case, accents, apostrophes, signs, acronym
dots, thousands commas and possessive 's; its *term* is the stem of the word. The text space is indexed by terms, the
metadata spaces by words. ``analyzers`` has the same steps as Whoosh analyzers, so that a Whoosh schema describes what
is indexed. ``readings`` says which words can be read in another way too.

Changing what any text yields requires a new ANALYSIS_VERSION: parts of another version are refused.

``Analysis`` is what differs between languages: which stretches of a text are words, the term of a word, and which words
say nothing. An archive has one; whatever reads or writes its words carries it. Folding is the same for all, and so are
the metadata spaces, which hold names.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from search.errors import UsageError
from search.keyword import stemmer

if TYPE_CHECKING:
    from search.records import Article
    from search.text.languages.language import Language

ANALYSIS_VERSION: Final = 2
# Empty positions between sub-fields, and between the values of one metadata field: no w/n with n <= 255 crosses them.
GAP: Final = 256
SUBFIELDS: Final = ("title", "caption", "dateline", "byline", "text")
SPACES: Final = ("text", "source", "section", "authors", "agency", "dateline", "language")
TEXT_SPACE: Final = 0
# Longer words are indexed by their beginning. The longest word of a news archive is a url or a chemical.
LONGEST_WORD: Final = 200
# Likewise whole metadata values, which are single terms.
LONGEST_VALUE: Final = 1000
VALUE_MARK: Final = "\x01"
CACHED_SURFACES: Final = 1 << 14
CACHED_QUERIES: Final = 1 << 12
LONGEST_CACHED: Final = 64

# The apostrophes that people type, and the half rings and turned commas of transliterated names.
APOSTROPHES: Final = "'`\u2018\u2019\u00b4\uff07\u02b9\u02bb\u02bc\u02bd\u02be\u02bf"
_MODIFIERS = "\u02b9-\u02bf"
# Ideographs and kana, which stand without spaces between words: one token each.
_CJK = (
    "\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_LETTER_OR_DIGIT = rf"[^\W_{_MODIFIERS}{_CJK}]"
_LETTER = rf"[^\W\d_{_MODIFIERS}{_CJK}]"
GOES_ON: Final = re.compile(_LETTER_OR_DIGIT)
"""A character before which a word goes on that has another such one there."""
# Signs that \w leaves out but that belong to the word they stand in: combining marks (whole blocks where a script
# mixes letters and marks, less its full stops), soft hyphens and joiners.
_SIGNS = (
    "\u00ad\u200c\u200d\u2060\ufeff\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a"
    "\u07a6-\u07b0\u0900-\u0963\u0966-\u096f\u0971-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc"
    "\u0ec8-\u0ece\u0f71-\u0f84\u0f8d-\u0fbc\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d"
    "\u1071-\u1074\u1082-\u108d\u135d-\u135f\u17b4-\u17d3\u18a9\u1ab0-\u1ace\u1dc0-\u1dff\u20d0-\u20f0"
    "\u302a-\u302f\u3099\u309a\ua8e0-\ua8f1\ufe00-\ufe0f\ufe20-\ufe2f"
)
IN_WORDS: Final = rf"\w{_SIGNS}"
"""For a set of characters: letters, digits, and the signs inside of words, such as the vowels of Hindi."""
# What no eye sees: marks of direction, variation selectors, tags. A zero-width space is passed over too, but in scripts
# that have no other space it parts words.
_UNSEEN = "\u180b-\u180e\u200e\u200f\u061c\u202a-\u202e\u2061-\u2064\u2066-\u206f\ufff9-\ufffb\U000e0001-\U000e01ef"
_UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u1950-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
# Signs before or behind a word that are part of how it is written. On their other side is the end of the text or what
# no token contains, so that a text and its stretches (``vocabulary``) are read alike. Without "<", "=" and ">", which
# NFC may join with what follows them.
BREAKS = r"\x00-\x20!\"$&()*/:;?@\[\\\]^{|}~\x7f\u2013\u2014\u201c\u201d\u2026\-"
SIGNS_BEFORE: Final = "#@$\u20ac\u00a3\u00a5\u20b9"
_BEFORE = rf"(?:(?<=[{BREAKS}<=>+#%.,])|\A)(?:[{SIGNS_BEFORE}]|\.(?=[A-Z]))"
_BEHIND = rf"(?:\+\+?|[#%])(?:(?=[{BREAKS}]|[.,](?:[{BREAKS}+#%]|\Z))|\Z)"
# Every quantified group below is possessive and every look-ahead bounded, so a text takes linear time whatever it is.
TOKEN: Final = re.compile(
    rf"""
    (?: {_LETTER_OR_DIGIT} | (?=[{SIGNS_BEFORE}.]) {_BEFORE} {_LETTER_OR_DIGIT} )
    (?: {_LETTER_OR_DIGIT}++ | [{_SIGNS}{_UNSEEN}] | \u200b(?![{_UNSPACED}])
      | (?: (?<=\.{_LETTER}) \. )? [{APOSTROPHES}] (?={_LETTER_OR_DIGIT})      # Sa'ar, O’Brien, U.S.'s
      | (?<=\d) \. (?=\d)                                                       # 2.5
      | (?<=\d) , (?= (?:\d\d,){{0,4}} \d\d\d (?!\d) )                          # 1,200 and 12,34,567
      | (?<=\b{_LETTER}) \. (?={_LETTER}\b)                                     # U.S, J.R.R
    )*+
    (?: {_BEHIND} )?                                                            # C++, C#, Disney+, 50%
    | [{_CJK}]
    """,
    re.VERBOSE,
)

# Scripts that put no space between words. Where each letter is a token of its own, these are cut like ideographs, each
# with the signs above, below and behind it.
SPACELESS: Final = (
    f"{_CJK}\u0e00-\u0e4f\u0e5a-\u0ecf\u0eda-\u0eff\u1000-\u103f\u104a-\u109f\u1780-\u17df\u17ea-\u17ff"
    "\u1950-\u19cf\u19da-\u1a7f\u1aa0-\u1aaf\ua9e0-\ua9ef\ua9fa-\ua9ff\uaa60-\uaadf"
)
_CLUSTER_SIGNS = (
    "\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064"
    "\u1067-\u106d\u1071-\u1074\u1082-\u108d\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200b-\u200d"
)
TOKEN_OF_LETTERS: Final = re.compile(
    rf"[{SPACELESS}](?<=\w)[{_CLUSTER_SIGNS}]*+ | (?![{SPACELESS}]) (?: {TOKEN.pattern.replace(_CJK, SPACELESS)} )",
    re.VERBOSE,
)
"""``TOKEN``, with a token for each letter of scripts without spaces."""
LATIN_SIGNS: Final = re.compile(
    "[\u00c4\u00c5\u00d6\u00d8\u00dc\u00e4\u00e5\u00f6\u00f8\u00fc\u0300-\u1fff\u2c00-\U0003ffff]"
)
"""What no text has that is read as English is: umlauts, and letters of scripts other than Latin."""

# Words that say nothing of what an article is about. "us" is not among them: U.S. folds to it.
_STOP_WORDS = """
a about above after again against all also am an and any are as at be because been before being below between both
but by can could did do does doing down during each either else etc ever few for from further had has have having
he hence her here hers herself him himself his how i if in into is it its itself just may me might more most much
must my myself neither no nor not of off on once only or other ought our ours ourselves out over own per rather
same shall she should since so some such than that the their theirs them themselves then there these they this
those though through thus to too under until up upon very via was we were what when where whether which while who
whom whose why will with within without would yet you your yours yourself yourselves
arent cant couldnt didnt doesnt dont hadnt hasnt havent id im isnt ive shouldnt theyre theyve wasnt werent weve
wont wouldnt youre youve
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())

_PLAIN_APOSTROPHE = dict.fromkeys(map(ord, APOSTROPHES), "'")
_IGNORABLE = dict.fromkeys([0xAD, 0x61C, 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB])
for _first, _last in ((0x180B, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F)):
    _IGNORABLE |= dict.fromkeys(range(_first, _last + 1))
_IGNORABLE |= dict.fromkeys(range(0xE0001, 0xE01F0))
# What a surface may have and a word has not, full stops aside.
_NO_SIGNS = dict.fromkeys(map(ord, "',+#%@$€£¥₹-=&!"))
_WRITTEN = _PLAIN_APOSTROPHE | _IGNORABLE
# Accents of alphabets, and vowel points that are left out in print. Marks that spell (Indic, Thai) stay.
_UNACCENTED: dict[int, str | None] = {
    code: None
    for first, last in (
        (0x300, 0x36F), (0x483, 0x487), (0x591, 0x5C7), (0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F),
        (0x670, 0x670), (0x6D6, 0x6DC), (0x6DF, 0x6E8), (0x6EA, 0x6ED), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF),
        (0x20D0, 0x20F0), (0xFE20, 0xFE2F),
    )
    for code in range(first, last + 1)
}  # fmt: skip
# Letters that Unicode does not take apart but that are typed plain.
_UNACCENTED |= {ord(a): b for a, b in zip("æœøłđðþħı", ("ae", "oe", "o", "l", "d", "d", "th", "h", "i"), strict=True)}
_STRAY_DOT = re.compile(r"(?<!\d)\.|\.(?!\d)")


class Token(NamedTuple):
    """One word of a text: ``text[start:end]`` was written, ``surface``, ``word`` and ``term`` are its shapes."""

    surface: str
    word: str
    term: str
    start: int
    end: int


def normalise(text: str) -> str:
    """NFC, at no cost for text that is NFC already."""
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def surface_of(written: str) -> str:
    """The letters and signs as written (NFC), with plain apostrophes and without what is not seen."""
    surface = written[:LONGEST_WORD].replace("’", "'")
    if not surface.isascii():
        surface = unicodedata.normalize("NFC", surface.translate(_WRITTEN))[:LONGEST_WORD]
    elif "`" in surface:
        surface = surface.replace("`", "'")
    return surface


def fold(surface: str) -> str:
    """The word of a surface: no case, accents, apostrophes, signs, acronym dots, thousands commas, possessive 's.

    Never empty for a non-empty surface; folding a word again does not change it.
    """
    if surface.endswith(("'s", "'S")):
        surface = surface[:-2]
    word = surface.lower() if surface.isascii() else fold_unicode(surface)
    if "'" in word:
        word = word.replace("'", "")
    if not word.isalnum():
        word = word.translate(_NO_SIGNS)
    if "." in word:
        word = _STRAY_DOT.sub("", word)
    return word[:LONGEST_WORD] or surface


def fold_unicode(surface: str) -> str:
    """``fold`` of letters of any script, without what it does to signs; empty for marks and what is not seen."""
    word = unicodedata.normalize("NFKD", surface.casefold()).translate(_UNACCENTED).casefold()
    word = unicodedata.normalize("NFC", "".join(word.split()))
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() and c > "9" else c for c in word)


def stem(word: str) -> str:
    """English Snowball, for words of plain letters; others stand for themselves."""
    return stemmer.stem(word) if word.isalpha() and word.isascii() else word


def beginning(term: str) -> str:
    """The letters that every word of plain letters with this stem begins with, words of ``stemmer.SPECIAL`` aside.

    The stemmer changes no letter but the last that it leaves; of two it leaves both.
    """
    return term[: max(2, len(term) - 1)]


class Analysis:
    """What an archive takes for words: English. A language of your own is a subclass that says what is otherwise.

    ``name`` (letters, digits and hyphens) and ``version`` are kept with the archive: a higher version says that some
    text is read otherwise than before. ``stop_words`` are folded words (``fold``) that say nothing of what a text is
    about. All answers depend on the arguments alone; threads share the object.
    """

    name: str = "english"
    version: int = ANALYSIS_VERSION
    stop_words: frozenset[str] = STOP_WORDS
    pattern: re.Pattern[str] = TOKEN

    def tokens(self, text: str) -> Iterable[tuple[int, int]]:
        """(start, end) of each word of a text in NFC, in order, none empty, overlapping or with white space in it.

        A text is asked for whole or sentence by sentence: what is a word must not depend on more than the white space
        around it. With tokens of its own a language has no ``readings``.
        """
        return (match.span() for match in self.pattern.finditer(text))

    def term(self, word: str) -> str:
        """What a folded word is found by: its stem. Never empty."""
        return stem(word)

    @property
    def has_usual_tokens(self) -> bool:
        """Whether words are cut as in English."""
        return type(self).tokens is Analysis.tokens

    @property
    def stamp(self) -> str | None:
        """What tells archives of one language from those of another; None for English."""
        return None if type(self) is Analysis else f"{self.name}/{self.version}"

    @property
    def parts(self) -> tuple[Analysis, ...]:
        """The languages that a query's words are read in."""
        return (self,)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages other than English that a query may be in, as far as they are known by their own rules."""
        return ()

    def of(self, article: Article) -> Analysis:
        """What the words of an article are; here the same for all."""
        return self

    def told(self, articles: Sequence[Article]) -> Sequence[Article]:
        """The articles as they are filed: here as they came."""
        return articles

    def among(self, codes: Iterable[str]) -> Analysis:
        """What a query's words are in an archive whose articles have languages of their own with these codes."""
        return self

    def plain(self, text: str) -> bool:
        """Whether the words of a text are those of English, so that letters tell where they may stand."""
        return type(self) is Analysis

    def __repr__(self) -> str:
        return f"<Analysis {self.name} {self.version}>"


ENGLISH: Final = Analysis()


def analyze_token(written: str, analysis: Analysis = ENGLISH) -> tuple[str, str, str]:
    """(surface, word, term) of one token as written."""
    if written.isascii() and written.isalnum() and len(written) <= LONGEST_WORD:
        word = written.lower()
        return written, word, stem(word) if analysis is ENGLISH else _term(analysis, word)
    surface = surface_of(written)
    word = fold(surface)
    return surface, word, stem(word) if analysis is ENGLISH else _term(analysis, word)


def _term(analysis: Analysis, word: str) -> str:
    """The term of a word in a language that somebody else wrote. Raises UsageError where it is none."""
    term = analysis.term(word)
    if not isinstance(term, str) or not term.isprintable() or not term:
        raise UsageError(f"the language {analysis.name} must give a printable term for {word!r}, not {term!r}")
    return term[:LONGEST_WORD]


def spans_of(text: str, analysis: Analysis) -> Iterator[tuple[int, int]]:
    """Where the words of a text in NFC stand. Raises UsageError where somebody else's are none."""
    place = 0
    for start, end in analysis.tokens(text):
        if not place <= start < end <= len(text):
            raise UsageError(
                f"the language {analysis.name} gives words that are empty, overlap, or lie outside the text "
                f"({start} to {end} of {len(text)} characters)"
            )
        yield start, end
        place = end


def term_of(word: str, analysis: Analysis) -> str:
    """The term of a folded word."""
    return stem(word) if analysis is ENGLISH else _term(analysis, word)


_cached = functools.lru_cache(CACHED_SURFACES)(analyze_token)


def shapes(written: str, analysis: Analysis = ENGLISH) -> tuple[str, str, str]:
    """``analyze_token`` with a memory."""
    if len(written) > LONGEST_CACHED:  # long words are rare, and must not fill it
        return analyze_token(written, analysis)
    return _cached(written) if analysis is ENGLISH else _cached(written, analysis)


def analyze(text: str, analysis: Analysis = ENGLISH) -> list[Token]:
    """The tokens of a text in order. Offsets count the characters of ``normalise(text)``."""
    # A query's words are asked about several times: by what matches, by what scores, by what is shown.
    return list(_tokens_of_short(text, analysis) if len(text) <= LONGEST_CACHED else _tokens(text, analysis))


def _tokens(text: str, analysis: Analysis) -> tuple[Token, ...]:
    text = normalise(text)
    if analysis is ENGLISH:
        return tuple([Token(*shapes(match[0]), *match.span()) for match in TOKEN.finditer(text)])
    return tuple([Token(*shapes(text[start:end], analysis), start, end) for start, end in spans_of(text, analysis)])


_tokens_of_short = functools.lru_cache(CACHED_QUERIES)(_tokens)


def value_term(words: Iterable[str]) -> str:
    """The term that stands for a whole metadata value, from its folded words."""
    return VALUE_MARK + " ".join(words)[:LONGEST_VALUE]
