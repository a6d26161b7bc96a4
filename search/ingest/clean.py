"""Text as it is stored: NFC, "\\n" line ends, no control characters, no lone surrogates."""

from __future__ import annotations

import contextlib
import re
import unicodedata

MARKS = 30  # combining marks in a row, as the Unicode stream-safe text format has it

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
# Texts of nothing but these are clean: printable ASCII, and above it letters and signs that nothing composes with.
_USUAL = bytes((0x09, 0x0A, *range(0x20, 0x7F)))
_USUAL_SIGNS = frozenset(
    map(chr, (*range(0xA0, 0x300), *range(0x2010, 0x2028), *range(0x2030, 0x205F), 0x20AC, 0x2122))
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACED: dict[int, str | None] = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0xFEFF]),
    **dict.fromkeys((0x09,), "\t"),
    **dict.fromkeys((0x0A, 0x0B, 0x0C, 0x0D, 0x2028, 0x2029), "\n"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def clean_text(text: str) -> str:
    """NFC without control characters except "\\n" and "\\t"; every kind of line end is "\\n"; a lone surrogate,
    which no file can hold, is U+FFFD."""
    if text.isascii() and text.isprintable():  # most lines
        return text
    with contextlib.suppress(UnicodeEncodeError):
        if _USUAL_SIGNS.issuperset(text.encode().translate(None, _USUAL).decode()):
            return text
    if _UNWANTED.search(text):
        text = text.replace("\r\n", "\n").translate(_REPLACED)
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", _stream_safe(text))


def clean_line(text: str) -> str:
    """``clean_text`` on one line: runs of white space are one space, none at the ends."""
    return " ".join(clean_text(text).split())


def clean_value(value: str) -> str:
    """A string that any file can hold, otherwise as it is."""
    return _SURROGATE.sub("\ufffd", value)


def _stream_safe(text: str) -> str:
    # Normalising sorts each run of combining marks, in time that grows with the square of its length: a text of
    # marks alone would take hours. A combining grapheme joiner ends a run and changes no letter.
    pieces: list[str] = []
    run = start = 0
    for place, character in enumerate(text):
        if not unicodedata.combining(character):
            run = 0
            continue
        run += 1
        if run > MARKS:
            pieces += text[start:place], "\u034f"
            start, run = place, 1
    return "".join([*pieces, text[start:]])
