"""Text that was decoded wrongly before it came: "CafÃ©" is "Café"."""

from __future__ import annotations

import re

# What the first byte of a character in UTF-8 looks like when it is read as another encoding, for a quick look. Those
# with other letters' last bytes (Р has that of a space) are slow to look for, and never come alone.
_SIGNS = ("Ã", "Â", "Å", "Ä", "Ð", "Ñ", "√", "‚", "С", "├", "Ă", "Ĺ")
# What the next one looks like in Windows-1252 (or Latin-1), Windows-1250 and 1251, Mac Roman, DOS.
_NEXT = (
    "\u0080-\u00bf\u0104\u0105\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02d8\u02dc\u013d\u013e"
    "\u0402-\u040f\u0452-\u045f\u0490\u0491\u2013-\u203a\u20ac\u2122\u2500-\u259f"
)
_SUSPECT = re.compile(rf"[ÃÂÄÅÐÑâСРĂĹ├][{_NEXT}]|√[\u00a0-\u00ff\u2020-\u2122]|‚Ä")
_LOST = re.compile(r"â€(?=[\s.,;:!?)\]]|\Z)")  # the last byte of ” has no letter in Windows-1252, and is often lost
_PIECE = 5000


def mended(text: str) -> str:
    """``text`` with what is certain put right, line by line."""
    if text.isascii() or not (any(sign in text for sign in _SIGNS) or ("â" in text and "â€" in text)):
        return text
    if _SUSPECT.search(text) is None:
        return text
    import ftfy

    lines = text.split("\n")
    for number, line in enumerate(lines):
        if _SUSPECT.search(line) is not None:
            whole = _LOST.sub("â€\u009d", line)
            lines[number] = "".join(
                ftfy.fix_encoding(whole[start : start + _PIECE]) for start in range(0, len(whole), _PIECE)
            )
    return "\n".join(lines)
