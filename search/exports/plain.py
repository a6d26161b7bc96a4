"""Text from articles without anything that steers a terminal.

An article is a stranger's text: left as it is, it could move the cursor, rename the window, turn the reading order
round or hide half a word. Nothing here changes what an archive holds, only what is shown of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Spans = Sequence[tuple[int, int]]

STRING_LIMIT = 4096  # an escape string without an end swallows no more than this

# Dropped: whole escape sequences (CSI; OSC, DCS, PM, APC and SOS strings with their contents; two-character ones),
# the other C0 and C1 controls, bidirectional controls, invisible characters that split or hide words, tag characters.
_DROPPED = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90-\x9f\n]{{0,{STRING_LIMIT}}}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
    r"|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Joiners shape Persian, Hindi and emoji; at the edge of a word or beside a Latin letter they can only deceive.
_JOINERS = re.compile(r"(?<![^\x00-\x7f\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\s\u200c\u200d])")
_RETURN = re.compile(r"\r(?=\n)")
# One for one: other line ends become a newline, other blanks a space, a lone surrogate the replacement character.
_EXCHANGED = {ord(c): "\n" for c in "\r\v\f\x85\u2028\u2029"} | {ord("\t"): " "}
_EXCHANGED |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def clean(text: str) -> str:
    """The text without anything that steers a terminal: the only control character left is the newline."""
    return clean_spans(text, ())[0]


def line(text: str) -> str:
    """``clean`` on one line: every run of white space is one space."""
    return " ".join(clean(text).split())


def clean_spans(text: str, spans: Spans) -> tuple[str, list[tuple[int, int]]]:
    """The cleaned text, and where the given stretches of the text lie in it."""
    marks = [offset for span in spans for offset in span]
    for pattern in (_DROPPED, _RETURN, _JOINERS):
        text, marks = _drop(pattern, text, marks)
    return text.translate(_EXCHANGED), list(zip(marks[::2], marks[1::2], strict=True))


def _drop(pattern: re.Pattern[str], text: str, marks: list[int]) -> tuple[str, list[int]]:
    """The text without the pattern's matches, and each mark moved by what was dropped before it."""
    if not marks:
        return pattern.sub("", text), marks
    matches = list(pattern.finditer(text))
    if not matches:
        return text, marks
    moved = [mark - sum(min(m.end(), mark) - m.start() for m in matches if m.start() < mark) for mark in marks]
    return pattern.sub("", text), moved
