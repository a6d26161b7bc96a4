"""Quotation marks: any of them opens a phrase at the beginning of a word, and any closes it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MARKS: Final = '"＂“”„‟«»‹›「」『』〝〞〟″‶❝❞'
"""Each is a mark by itself; some keyboards need two signs for one, see ``_PAIRS``."""
UNCLOSED: Final = '"＂“„'
"""Without a partner these are a mistake, the others punctuation: "Home » News"."""

_PAIRS = "``|''|<<|>>|,,"
_RUN = '"{2,3}'  # as spreadsheets and programs double them
SINGLE: Final = "‘’‚‛`´′‵"
"""These are apostrophes, too: they need two words between them. A grave accent closes with a straight one as well."""
_MARK = re.compile(rf"\\.|{_RUN}|[{MARKS}]|{_PAIRS}|[{SINGLE}']", re.DOTALL)
_OPENS = re.compile(rf"{_RUN}(?=\w)|[{MARKS}]|``|''|<<|,,(?=\w)|['‘‚‛`´′‵](?=\w)")
_PRIMES = "″‶"  # inches and seconds behind a number
# Straight single marks are apostrophes, unless they stand around all of a query.
_AROUND = re.compile(r"\s*'\w[^']*\s[^']*'\s*")
_SPACED = "«"  # « so », as in French
_DEEPEST = 4
_BEFORE = " \t\r\n\xa0\u202f([{:=+-"


class Quoted(NamedTuple):
    """``text[start:end]`` stands between marks, the last of which ends at ``after``."""

    start: int
    end: int
    after: int


def opens(text: str, at: int) -> bool:
    """Whether a mark may open a phrase at a place where a word may begin."""
    return _OPENS.match(text, at) is not None and (text[at] != "'" or text[at + 1] == "'" or _is_around(text, at))


def _is_around(text: str, at: int) -> bool:
    return not text[:at].strip() and _AROUND.fullmatch(text) is not None


def quoted(text: str, at: int) -> Quoted | None:
    """The phrase that a mark at this place opens; None where nothing closes it.

    It ends with the first mark that stands as a closing one does and is no partner of another that was opened in
    between; if there is no such mark, with the next one of any kind.
    """
    opening = _OPENS.match(text, at)
    if opening is None:
        return None
    if opening[0] == "'":
        return Quoted(at + 1, len(text.rstrip()) - 1, len(text.rstrip()))
    single = opening[0] in SINGLE
    start, depth, first = opening.end(), 1, None
    if opening[0] not in UNCLOSED and opening[0] != _SPACED and text[start : start + 1].isspace():
        return None
    for mark in _MARK.finditer(text, start):
        sign = mark[0]
        run = sign[0] == '"'
        if sign[0] == "\\" or (sign in SINGLE or sign == "'") != single:
            continue
        if (sign == "'" and opening[0] != "`") or (len(sign) == 2 and not run and len(opening[0]) != 2):
            continue
        before, behind = text[mark.start() - 1], text[mark.end() : mark.end() + 1]
        if sign in _PRIMES and before.isdigit() and opening[0] != sign:
            continue
        if single and behind.isalnum():  # an apostrophe, or one that opens another
            depth += sign in "‘‚‛" and before in _BEFORE
            if depth > _DEEPEST:
                break
            continue
        if first is None:
            first = mark
        if (mark.start() == start or before in _BEFORE) and behind.isalnum():
            depth += 1
            if depth > _DEEPEST:
                break
            continue
        depth -= 1
        if not depth:
            return _phrase(text, opening, mark, single)
    return None if first is None else _phrase(text, opening, first, single)


def _phrase(text: str, opening: re.Match[str], mark: re.Match[str], single: bool) -> Quoted | None:
    start = opening.end()
    # ‘One’ word is a way to speak of it, and may be half of an elision.
    if single and len(text[start : mark.start()].split()) < 2:
        return None
    # One mark opened it, and of several the others open what follows.
    doubled = len(mark[0]) > 1 and mark[0][0] == '"' and len(opening[0]) == 1
    return Quoted(start, mark.start(), mark.start() + 1 if doubled else mark.end())
