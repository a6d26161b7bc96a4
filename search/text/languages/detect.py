"""The language of a text: by its script, by its function words, and else by the bundled model of py3langid.

Only what is beyond doubt is told. Nothing is looked up anywhere: the same text has the same language.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from search.text.languages.scripts import script_of_text
from search.text.languages.stems import folded
from search.text.languages.table import known

SAMPLE = 1500
"""Characters of a text that tell its language."""
_GLANCE = 400
_ENGLISH = frozenset(
    {
        *("a", "after", "an", "and", "are", "as", "at", "be", "been", "but", "by", "for", "from", "had", "has", "have"),
        *("he", "her", "his", "in", "is", "it", "its", "not", "of", "on", "or", "she", "that", "the", "their", "they"),
        *("this", "to", "was", "were", "which", "who", "will", "with", "would"),
    }
)
_ASKING = _ENGLISH | {  # what English questions have besides, and other languages do not
    *("about", "against", "because", "between", "could", "did", "does", "during", "how", "into", "should", "than"),
    *("there", "these", "those", "what", "when", "where", "whom", "whose", "why"),
}
_AT_A_GLANCE = _ENGLISH - {
    *(
        "a",
        "an",
        "as",
        "at",
        "be",
        "by",
        "for",
        "had",
        "has",
        "have",
        "her",
        "in",
        "is",
        "it",
        "not",
        "on",
        "or",
        "was",
    ),
    "will",
}
_PLAIN_ENGLISH = 0.12  # share of those at a glance, which no other language has
_SHARE, _LEAST, _LEAD = 0.14, 3, 1.4  # of function words among all words; how many; how many times the next one's
_LETTERS = 24  # fewer tell nothing certain about a language among many of one script
_CERTAIN = 0.9
# Letters of a language that the others of its script lack.
_LETTERS_OF = {"ur": re.compile("[ٹڈڑںےہھ]"), "fa": re.compile("[پچژگکی]"), "uk": re.compile("[їєґіЇЄҐІ]")}
_WORD = re.compile(r"[^\s\d.,;:!?…\"'()«»‹›„“”‘’।॥،؛؟۔\[\]{}/–—-]+")
# Languages of py3langid that are told from a neighbour by a hair, as the one whose analysis serves both.
_AS = {"nb": "no", "nn": "no", "bs": "hr", "sh": "hr", "qu": "", "la": "", "an": "es", "oc": "ca", "lb": "de"}


def language_of(declared: str, title: str, text: str) -> str:
    """The code of the language of an article: what is ``declared``, unless its letters are of another script than
    that, or else what the text tells; empty where neither does."""
    code = code_of(declared)
    if code and code != "en" and code not in known():
        return code
    sample = f"{title}\n{text[:SAMPLE]}" if len(title) < SAMPLE else title[:SAMPLE]
    if not code:
        return detected(sample)
    script = known()[code].script
    plain = len(sample.encode("ascii", "ignore"))
    if script == "Latin" and 2 * plain >= len(sample):  # nearly always, and the rest takes longer
        return code
    return _declared(code, sample)


def code_of(declared: str) -> str:
    """The code in a name such as "de", "de-AT" or "pt_BR"; empty for none."""
    code = declared.strip().lower().replace("_", "-").partition("-")[0]
    code = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl"}.get(code, code)
    return code if 2 <= len(code) <= 3 and code.isalpha() and code.isascii() else ""


@functools.lru_cache(1024)
def _declared(code: str, sample: str) -> str:
    """A declared language, or where the letters are of another script, the one that is detected."""
    script, of = script_of_text(sample), known()[code].script
    same = not script or script == of or {script, of} == {"Han", "Kana"} or {code, script} == {"sr", "Latin"}
    return code if same else detected(sample) or code


@functools.lru_cache(1024)  # an article is asked about by each part that is made of it
def detected(sample: str) -> str:
    """The language that a text tells; empty where it does so without certainty."""
    for length in (_GLANCE, SAMPLE):
        glance = sample[:length].lower().split()
        if len(glance) >= 8 and sum(map(_AT_A_GLANCE.__contains__, glance)) >= _PLAIN_ENGLISH * len(glance):
            return "en"
        if len(sample) <= length:
            break
    script = "Latin" if 5 * len(sample.encode("ascii", "ignore")) >= 4 * len(sample) else script_of_text(sample)
    own = [language for language in known().values() if language.script == script]
    if len(own) == 1 and script not in ("Cyrillic", "Han"):
        return own[0].code
    if script == "Han":
        return "zh"
    words = [_bare(word) for word in _WORD.findall(sample)]
    speaking = _speaking(script)
    counted = Counter(code for word in words for code in speaking.get(word, ())).most_common(2)
    if counted:
        (code, most), (_, second) = counted[0], (counted[1] if len(counted) > 1 else ("", 0))
        if most >= _LEAST and most >= _SHARE * len(words) and most >= _LEAD * second:
            return code
    code = next((code for code, letters in _LETTERS_OF.items() if known()[code] in own and letters.search(sample)), "")
    if code:
        return code
    if script == "Latin" and sample.isascii() and (not counted or counted[0][0] == "en" or counted[0][1] < 2):
        return ""  # nothing speaks for another language than English, which is read where none is told
    leading = next((one.code for one in own if one.leads and script != "Latin"), "")
    if sum(map(len, words)) < _LETTERS:
        return leading
    try:
        found, certainty = _model()(sample)
    except OSError:  # it is unpacked to a temporary file
        return leading
    found = _AS.get(found, found)
    if certainty < _CERTAIN or (leading and found not in known()):
        return leading
    return found


@functools.cache
def _speaking(script: str) -> dict[str, list[str]]:
    """The languages of a script that have each function word."""
    found: dict[str, list[str]] = {}
    for language in known().values():
        for word in _function_words(language.code) if language.script == script else ():
            found.setdefault(word, []).append(language.code)
    return found


def _bare(word: str) -> str:
    return word.lower().replace("'", "") if word.isascii() else folded(word)


@functools.cache
def _model() -> Callable[[str], tuple[str, float]]:
    """The classifier: a text's language, and how certain that is."""
    from py3langid import langid  # with its model it takes a second to load

    identifier: Any = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)

    def classify(text: str) -> tuple[str, float]:
        code, certainty = identifier.classify(text)
        return str(code), float(certainty)

    return classify


def of_query(words: Iterable[str], codes: Iterable[str]) -> str:
    """Which of some languages the words of a query are in, as far as its function words tell; empty where they do not:
    two different ones that no other language has as many of."""
    asked = {_bare(word) for word in words}
    words_of = {code: _ASKING if code == "en" else _function_words(code) for code in codes}
    found = sorted(((len(asked & own), code) for code, own in words_of.items()), reverse=True)
    if not found or found[0][0] < 2 or (len(found) > 1 and found[1][0] == found[0][0]):
        return ""
    return found[0][1]


def _function_words(code: str) -> frozenset[str]:
    language = known().get(code)
    return _ENGLISH if code == "en" else language.function_words if language is not None else frozenset()
