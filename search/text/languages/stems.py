"""From folded words to stems: Snowball, with the letters that folding has changed put right first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_AGAIN = 3  # times that a stemmer is asked again about what it gave, until that is its own stem
_MARKS = re.compile("[\u0300-\u036f\u0654\u0655]")
# The letters in which Arabic, Persian and Urdu keyboards differ, as Arabic has them.
_ARABIC = str.maketrans(
    {"ک": "ك", "ی": "ي", "ى": "ي", "ې": "ي", "ۍ": "ي", "ے": "ي", "ۃ": "ه", "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه",
     "ٱ": "ا", "ڪ": "ك", "ٲ": "ا", "ٳ": "ا"}
)  # fmt: skip
_PERSIAN = str.maketrans({"ك": "ک", "ي": "ی", "ى": "ی", "ة": "ه", "ە": "ه", "ۀ": "ه", "ٱ": "ا"})
_URDU = str.maketrans({"ك": "ک", "ي": "ی", "ى": "ی", "ه": "ہ", "ة": "ہ", "ۀ": "ہ", "ۃ": "ہ", "ھ": "ہ", "ٱ": "ا"})
# A nukta is left out as often as it is written; chandrabindu and anusvara stand for each other.
_DEVANAGARI = str.maketrans({"\u093c": None, "\u0901": "\u0902", "\u200c": None, "\u200d": None})
_NUKTA_LETTERS = re.compile("[\u0958-\u095f\u0929\u0931\u0934]")


def stemmed(algorithm: str | None, prepare: Callable[[str], str] | None) -> Callable[[str], str]:
    """The stemmer of a Snowball algorithm over folded words (None: words stand for themselves), ``prepare`` first."""
    if algorithm is None:
        return prepare if prepare is not None else lambda word: word
    import Stemmer  # no English archive needs it

    once: Callable[[str], str] = Stemmer.Stemmer(algorithm, 0).stemWord

    def stem(word: str) -> str:
        form = prepare(word) if prepare is not None else word
        for _ in range(_AGAIN):
            after = once(form) or form
            if after == form:
                break
            form = after
        return _refolded(form) or word

    return stem


def _refolded(stem: str) -> str:
    """A stem without the accents that a stemmer may add."""
    if stem.isascii():
        return stem
    stem = stem.replace("ı", "i")
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", stem)))


_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670]")
_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "'": None, "’": None})


def folded(word: str) -> str:
    """A word of letters without case and accents, as words are folded to be indexed."""
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", word.casefold())))
    return bare.translate(_PLAIN)


def russian(word: str) -> str:
    """Folding makes и of й; at a word's end behind a vowel, where endings are, it was й."""
    ending = "ся" if word.endswith("ся") else ""
    base = word.removesuffix("ся") if ending else word
    if len(base) > 2 and base[-1] == "и" and base[-2] in "аеиоуыэюя":
        base = f"{base[:-1]}й"
    return base.replace("еиш", "ейш") + ending


def portuguese(word: str) -> str:
    """Plurals in -ões and -ães end as their singulars, eleições as eleição."""
    return f"{word[:-3]}ao" if len(word) > 4 and word.endswith("oes") else word


def arabic(word: str) -> str:
    """The letters in which keyboards differ as Arabic has them."""
    return word.translate(_ARABIC)


def persian(word: str) -> str:
    """The letters in which keyboards differ as Persian has them."""
    return word.translate(_PERSIAN)


def urdu(word: str) -> str:
    """The letters in which keyboards differ as Urdu has them."""
    return word.translate(_URDU)


def devanagari(word: str) -> str:
    """Words without nukta, however it is written."""
    if _NUKTA_LETTERS.search(word):
        word = unicodedata.normalize("NFD", word)
    return word.translate(_DEVANAGARI) or word


# Particles that Korean joins to nouns, and the endings of the usual verbs of news, the longest first.
_PARTICLES = """
은 는 이 가 을 를 에 의 와 과 도 로 만 랑 나 께 야 에서 에게 에는 에도 으로 부터 까지 처럼 보다
마다 조차 마저 밖에 이나 이랑 하고 께서 한테 에서는 에서도 에게서 에게는 으로는 으로도 으로서 으로써
로서 로써 로는 로도 까지는 까지도 부터는 이라는 라는 이라고 라고 이며 이다 였다 이었다 입니다 이었던 들
들은 들이 들을 들의 들에 들도 들과 들에게 들에게는 들로 했다 한다 하는 하고 하며 하기 하여 해서 했고
했던 했으며 하겠다 합니다 했습니다 하면 할 한 해 하지 하자 하다 되다 됐다 된다 되는 되고 되며 된 될
되었다 되어 됩니다 시켰다 시킨 시키는
"""
_LONGEST_FIRST = sorted(_PARTICLES.split(), key=len, reverse=True)


def korean(word: str) -> str:
    """A Korean word without the particles behind it, of which two syllables at the least are left."""
    while len(word) > 2 and "\uac00" <= word[-1] <= "\ud7a3":
        ending = next((one for one in _LONGEST_FIRST if len(word) - len(one) >= 2 and word.endswith(one)), None)
        if ending is None:
            break
        word = word[: -len(ending)]
    return word
