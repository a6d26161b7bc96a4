"""The English Snowball stemmer (Porter2), word for word as ``whoosh.lang.snowball.english`` has it, but faster.

Most words end in nothing that a step could remove, so each step first looks at the last letters. The rules are those of
https://snowballstem.org/algorithms/english/stemmer.html, with Whoosh's reading of the regions R1 and R2 kept as it is:
an archive that Whoosh's own analyzer describes must be found by Whoosh's own stems.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_VOWELS = "aeiouy"
_VOWEL = re.compile("[aeiouy]")
# A region starts behind the first consonant that follows a vowel.
_REGION = re.compile("[aeiouy][^aeiouy]")
_DOUBLES = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")
_LI_ENDING = "cdeghkmnrt"
_PREFIXES = ("gener", "commun", "arsen")
SPECIAL = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl", "gently": "gentl",
    "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
    **{word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")},
    **{
        word + ending: word
        for word in ("inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed")
        for ending in ("", "s")
    },
    **{word + ending: word for word in ("proceed", "exceed", "succeed") for ending in ("ed", "ing")},
}  # fmt: skip


class _Rule(NamedTuple):
    """``cut`` letters go and ``add`` comes. ``fill`` stands for R2 when R2 was shorter than the cut."""

    suffix: str
    cut: int
    add: str = ""
    fill: str = ""


def _by_ending(*rules: _Rule) -> dict[str, tuple[_Rule, ...]]:
    """Rules by their last two letters, in the order in which they are tried."""
    endings = dict.fromkeys(rule.suffix[-2:] for rule in rules)
    return {ending: tuple(rule for rule in rules if rule.suffix.endswith(ending)) for ending in endings}


def _replace(suffix: str, add: str, fill: str = "") -> _Rule:
    return _Rule(suffix, len(suffix), add, fill)


_STEP2 = _by_ending(
    _replace("ization", "ize"), _replace("ational", "ate", "e"), _Rule("fulness", 4), _replace("ousness", "ous"),
    _replace("iveness", "ive", "e"), _Rule("tional", 2), _replace("biliti", "ble"), _Rule("lessli", 2),
    _Rule("entli", 2), _replace("ation", "ate", "e"), _replace("alism", "al"), _replace("aliti", "al"),
    _replace("ousli", "ous"), _replace("iviti", "ive", "e"), _Rule("fulli", 2), _Rule("enci", 1, "e"),
    _Rule("anci", 1, "e"), _Rule("abli", 1, "e"), _replace("izer", "ize"), _replace("ator", "ate", "e"),
    _replace("alli", "al"), _replace("bli", "ble"), _Rule("ogi", 1), _Rule("li", 2),
)  # fmt: skip
_STEP3 = _by_ending(
    _replace("ational", "ate"), _Rule("tional", 2), _Rule("alize", 3), _replace("icate", "ic"), _replace("iciti", "ic"),
    _Rule("ative", 5), _replace("ical", "ic"), _Rule("ness", 4), _Rule("ful", 3),
)  # fmt: skip
_STEP4 = _by_ending(
    *(
        _replace(suffix, "")
        for suffix in (
            *("ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize"),
            *("ion", "al", "er", "ic"),
        )
    )
)
# A word with none of these endings, nor one in e, s or y, is its own stem.
_ENDINGS = frozenset((*_STEP2, *_STEP3, *_STEP4, "ed", "ng", "ll"))


def stem(word: str) -> str:
    """The stem of a word of the letters a to z."""
    last = word[-1:]
    if len(word) < 3 or (last not in "esy" and word[-2:] not in _ENDINGS):
        return word
    special = SPECIAL.get(word)
    if special is not None:
        return special
    if "y" in word:
        word = _mark_consonants(word)
    r1, r2 = _regions(word)
    if last == "s" or word.endswith("ied"):
        word, r1, r2 = _step1a(word, r1, r2)
        last = word[-1]
    if last in "dgy" and word.endswith(("ed", "ing", "edly", "ingly")):
        word, r1, r2 = _step1b(word, r1, r2)
        last = word[-1]
    if last in "yY" and len(word) > 2 and word[-2] not in _VOWELS:
        word = word[:-1] + "i"
        r1 = r1 and r1[:-1] + "i"
        r2 = r2 and r2[:-1] + "i"
    if r1:
        if word[-2:] in _STEP2:
            word, r1, r2 = _step2(word, r1, r2)
        if word[-2:] in _STEP3:
            word, r1, r2 = _step3(word, r1, r2)
        if r2 and word[-2:] in _STEP4:
            word, r1, r2 = _step4(word, r1, r2)
        if word[-1] in "el":
            word = _step5(word, r1, r2)
    return word.replace("Y", "y") if "Y" in word else word


def _mark_consonants(word: str) -> str:
    """Y for each y that is a consonant: at the start, and after a vowel."""
    marked = "Y" if word[0] == "y" else word[0]
    for letter in word[1:]:
        marked += "Y" if letter == "y" and marked[-1] in _VOWELS else letter
    return marked


def _regions(word: str) -> tuple[str, str]:
    start = None
    if word.startswith(_PREFIXES):
        start = 6 if word[0] == "c" else 5
    else:
        found = _REGION.search(word)
        if found is None:
            return "", ""
        start = found.end()
    second = _REGION.search(word, start)
    return word[start:], word[second.end() :] if second else ""


def _step1a(word: str, r1: str, r2: str) -> tuple[str, str, str]:
    if word.endswith(("sses", "ied", "ies")):
        cut = 1 if len(word) <= 4 and word[-3] == "i" else 2
    elif word.endswith(("us", "ss")) or not _VOWEL.search(word, 0, len(word) - 2):
        return word, r1, r2
    else:
        cut = 1
    return word[:-cut], r1[:-cut], r2[:-cut]


def _step1b(word: str, r1: str, r2: str) -> tuple[str, str, str]:
    ending = word[:-2] if word[-1] == "y" else word
    suffix = ("ing" if ending[-1] == "g" else "eed" if ending.endswith("eed") else "ed") + word[len(ending) :]
    cut = len(suffix)
    if suffix in ("eed", "eedly"):
        if r1.endswith(suffix):
            return word[:-cut] + "ee", r1[:-cut] + "ee", r2[:-cut] + "ee" if len(r2) >= cut else ""
        return word, r1, r2
    if not _VOWEL.search(word, 0, len(word) - cut):
        return word, r1, r2
    word, r1, r2 = word[:-cut], r1[:-cut], r2[:-cut]
    if word.endswith(("at", "bl", "iz")):
        r1 += "e"
        return word + "e", r1, r2 + "e" if len(word) > 4 or len(r1) >= 3 else r2
    if word.endswith(_DOUBLES):
        return word[:-1], r1[:-1], r2[:-1]
    if not r1 and _short(word):
        return word + "e", r1, r2
    return word, r1, r2


def _short(word: str) -> bool:
    """Whether the word is one short syllable."""
    if len(word) == 2:
        return word[0] in _VOWELS and word[1] not in _VOWELS
    return (
        len(word) > 2
        and word[-1] not in _VOWELS
        and word[-1] not in "wxY"
        and word[-2] in _VOWELS
        and word[-3] not in _VOWELS
    )


def _step2(word: str, r1: str, r2: str) -> tuple[str, str, str]:
    for rule in _STEP2[word[-2:]]:
        if word.endswith(rule.suffix):
            applies = r1.endswith(rule.suffix)
            if rule.suffix == "ogi":
                applies = applies and word[-4] == "l"
            elif rule.suffix == "li":
                applies = applies and word[-3] in _LI_ENDING
            return _apply(rule, word, r1, r2) if applies else (word, r1, r2)
    return word, r1, r2


def _step3(word: str, r1: str, r2: str) -> tuple[str, str, str]:
    for rule in _STEP3[word[-2:]]:
        if word.endswith(rule.suffix):
            region = r2 if rule.suffix == "ative" else r1
            return _apply(rule, word, r1, r2) if region.endswith(rule.suffix) else (word, r1, r2)
    return word, r1, r2


def _step4(word: str, r1: str, r2: str) -> tuple[str, str, str]:
    for rule in _STEP4[word[-2:]]:
        if word.endswith(rule.suffix):
            applies = r2.endswith(rule.suffix) and (rule.suffix != "ion" or word[-4] in "st")
            return _apply(rule, word, r1, r2) if applies else (word, r1, r2)
    return word, r1, r2


def _apply(rule: _Rule, word: str, r1: str, r2: str) -> tuple[str, str, str]:
    cut, add = rule.cut, rule.add
    return word[:-cut] + add, r1[:-cut] + add, r2[:-cut] + add if len(r2) >= cut else rule.fill


def _step5(word: str, r1: str, r2: str) -> str:
    last = word[-1]
    if last == "l":
        return word[:-1] if r2 and word[-2] == "l" else word
    if last != "e" or not r1:
        return word
    if r2 or (
        len(word) >= 4 and (word[-2] in _VOWELS or word[-2] in "wxY" or word[-3] not in _VOWELS or word[-4] in _VOWELS)
    ):
        return word[:-1]
    return word
