"""What scripts letters are of, as far as languages are told by them."""

from __future__ import annotations

import re
from functools import lru_cache

# First and last letter of each block that has the letters of a script.
_BLOCKS = {
    "Latin": "AZazÀɏḀỿ",
    "Greek": "ͰϿἀ῾",
    "Cyrillic": "Ѐԯ",
    "Armenian": "Ա֏",
    "Hebrew": "א״",
    "Arabic": "ؠۿݐݿﭐﷻﹰﻼ",
    "Devanagari": "\u0900\u097f",
    "Bengali": "\u0980\u09ff",
    "Gurmukhi": "\u0a00\u0a7f",
    "Gujarati": "\u0a80\u0aff",
    "Tamil": "\u0b80\u0bff",
    "Telugu": "\u0c00\u0c7f",
    "Kannada": "\u0c80\u0cff",
    "Malayalam": "\u0d00\u0d7f",
    "Sinhala": "\u0d80\u0dff",
    "Thai": "\u0e01\u0e4e",
    "Lao": "\u0e81\u0edf",
    "Myanmar": "\u1000\u109f",
    "Georgian": "\u10a0\u10ff",
    "Ethiopic": "\u1200\u137f",
    "Khmer": "\u1780\u17dd",
    "Hangul": "\u1100\u11ff\u3131\u318e\uac00\ud7a3",
    "Kana": "\u3041\u3096\u30a1\u30fa\u31f0\u31ff\uff66\uff9d",
    "Han": "\u3400\u4dbf\u4e00\u9fff\uf900\ufaff\U00020000\U0003ffff",
}
_RANGES = sorted(
    (ord(ends[i]), ord(ends[i + 1]), script) for script, ends in _BLOCKS.items() for i in range(0, len(ends), 2)
)
_RUN = {
    script: re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b, name in _RANGES if name == script) + "]")
    for script in _BLOCKS
}


@lru_cache(1 << 14)
def script_of(letter: str) -> str:
    """The script of a letter; empty for signs, digits and other scripts."""
    code = ord(letter)
    return next((script for first, last, script in _RANGES if first <= code <= last), "")


def script_of_text(text: str) -> str:
    """The script that most letters of a text are of; empty without any. Japanese is told by its kana."""
    counts = {script: len(pattern.findall(text)) for script, pattern in _RUN.items()}
    script = max(counts, key=lambda name: counts[name])
    if script in ("Han", "Kana") or counts["Kana"] + counts["Han"] > counts[script]:
        return "Kana" if 10 * counts["Kana"] > counts["Han"] else "Han"
    return script if counts[script] else ""
