"""The citation marks of an answer, and which quotation they go with."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from search.rag.quotations import Quotation
from search.rag.spans import sentences
from search.rag.verdicts import Mark, Verdict

_LABEL = (
    r"(?:(?:sources?|src|passages?|docs?|documents?|refs?|references?|articles?|citations?|cite|excerpts?|chunks?|"
    r"footnotes?|notes?|quellen?|fuentes?|fonti|fonte|ids?|results?|contexts?|snippets?|see|cf\.?|vgl\.?|voir)"
    r"(?:\b|(?=_))\.?|\#)\s{0,2}[:=_]?\s{0,2}\#?"
)
_SEPARATOR = rf"\s{{0,3}}(?:[,;–-]|\band\b|&|\bet\b|\bund\b)\s{{0,3}}(?:\^|{_LABEL})?"
_NUMBERS = rf"\d{{1,4}}(?:{_SEPARATOR}\d{{1,4}})*+"
_TITLE = r"(?:\s{0,2}[:|,–—-]\s[^\]\n]{1,120}+)?"  # [Source 2: Weir report]
_ADDRESS = r"(?:\([^()\s]{0,500}+(?:\s\"[^\"\n]{0,100}+\")?\))?"  # [2](#cite), as a Markdown link
_THOUSANDS = r"(?!\d{1,3}(?:,\d{3})+\])"  # [10,000] people
_FORMS = (
    rf"\\?\[\s?\^?{_THOUSANDS}({_NUMBERS})\^?\s?(?::\d(?!\d))?\\?\]{_ADDRESS}",
    rf"\[({_NUMBERS}),\s(?!\d)[^\]\n]{{1,120}}+\]{_ADDRESS}",
    rf"\[\[\^?({_NUMBERS})\]\]{_ADDRESS}",
    rf"\[(?:{_LABEL}({_NUMBERS}){_TITLE})\]{_ADDRESS}",
    rf"\({_LABEL}({_NUMBERS})(?:,\s[^()\n]{{1,120}}+)?\)",
    rf"\[[pPsS]({_NUMBERS})\]",
    rf"<(?:cite|ref)>\s{{0,3}}\[?({_NUMBERS})\]?\s{{0,3}}</(?:cite|ref)>",
    rf"【({_NUMBERS})(?::\d{{1,4}})?(?:†[^】]{{0,80}})?】",
    rf"[［〔⟦]({_NUMBERS})[］〕⟧]",
    rf"<sup>\s{{0,3}}\[?({_NUMBERS})\]?\s{{0,3}}</sup>",
    rf"\(({_NUMBERS})\)",
    r"(?:(?<=[\"”’»“.,;:!?)])|(?<=[\"”»]\s))([⁰¹²³⁴-⁹]{1,3})(?![⁰¹²³⁴-⁹])",
)
_MARK = re.compile("|".join(_FORMS), re.IGNORECASE)
_BARE = (_FORMS.index(rf"\(({_NUMBERS})\)") + 1, len(_FORMS))
"""Forms that are often no marks: a number in parentheses, and a small raised one."""
_NUMBER = re.compile(r"\d+")
_FURTHER = re.compile(r"[,;&]|\band\b|\bet\b|\bund\b", re.IGNORECASE)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_MOST = 5_000
_MOST_RANGE = 50
_YEARS = 100  # from here on, and three times beyond the passages, a number that no quotation stands beside is text
_TAIL = " \t\r\n.,;:!?\"'”’“»"
_CLOSES = "\"'”’»“«›‹」』〞＂"
_LINE_START = re.compile(r"(?m)^[ \t]{0,3}>")


def citation_marks(answer: str, numbers: set[int]) -> list[Mark]:
    """Every mark, in order, one for each number that it names, against the ``numbers`` there are.

    A number far above them is text unless a quotation stands beside it: "In [2019] it broke". So is one in bare
    parentheses, unless it is of a passage and ends a sentence or clause.
    """
    found: list[Mark] = []
    end = 0  # of the last mark
    for match in _MARK.finditer(answer):
        named = _named(match)
        beside = _is_beside(answer, match, end)
        if not _is_meant(answer, match, named, numbers, beside):
            continue
        if len(found) >= _MOST:
            found.append(Mark(start=match.start(), end=match.end(), number=0, verdict=Verdict.UNREAD))
            break
        end = match.end() if beside else 0
        for number in dict.fromkeys(named):
            verdict = Verdict.EXACT if number in numbers else Verdict.MISSING
            found.append(Mark(start=match.start(), end=match.end(), number=number, verdict=verdict))
    return found


def without_marks(text: str, numbers: set[int]) -> str:
    """A quoted text without the citation marks in it; words that stand in brackets for others stay."""
    return _MARK.sub(lambda match: match[0] if _is_far(_named(match), numbers) or _is_bare(match) else "", text)


def _named(match: re.Match[str]) -> list[int]:
    written = match[match.lastindex or 1].translate(_RAISED)
    named: list[int] = []
    for piece in _FURTHER.split(written):
        first, *rest = (int(digits) for digits in _NUMBER.findall(piece))
        last = max(rest, default=first)
        named += [*range(first, min(last, first + _MOST_RANGE) + 1), *rest]
    return named


def _is_far(named: list[int], numbers: set[int]) -> bool:
    return min(named) >= _YEARS and min(named) > 3 * max(numbers, default=0)


def _is_bare(match: re.Match[str]) -> bool:
    return match.lastindex in _BARE


def _is_beside(answer: str, match: re.Match[str], end: int) -> bool:
    """Whether a quotation ends where a mark stands, before it or behind it, or other marks between them."""
    before = answer[max(match.start() - 8, 0) : match.start()].rstrip(" \t\xa0.,;:!?")
    if before[-1:] and before[-1] in _CLOSES:
        return True
    if end and not answer[end : match.start()].strip(" ,;"):
        return True
    behind = answer[match.end() : match.end() + 4].lstrip(".,;:!?")
    if behind[:1] and behind[0] in _CLOSES:
        return True
    return _LINE_START.match(answer, answer.rfind("\n", 0, match.start()) + 1) is not None


def _is_meant(answer: str, match: re.Match[str], named: list[int], numbers: set[int], beside: bool) -> bool:
    if answer[match.end() : match.end() + 1] == ":" and answer[: match.start()].rstrip(" \t")[-1:] in ("", "\n"):
        return False  # "[^1]: Weir report", what a footnote says
    if beside:
        return True
    if _is_far(named, numbers):
        return False
    if not _is_bare(match):
        return True
    if not numbers.issuperset(named) or not answer[max(match.start() - 2, 0) : match.start()].strip():
        return False  # "(1) first, (2) second"
    return answer[match.end() : match.end() + 1] in ("", ".", ",", ";", "\n") and not _NUMBER.search(
        answer, max(match.start() - 6, 0), match.start()
    )


def without_last_marks(answer: str, one: Quotation, ends: Mapping[int, Mark]) -> tuple[Quotation, bool]:
    """A quotation without the citation marks that it ends with, and whether there were any."""
    stop, last = one.end, False
    while True:
        bare = stop
        while bare > one.start and answer[bare - 1] in _TAIL:
            bare -= 1
        mark = ends.get(bare)
        if mark is None or mark.start < one.start:
            break
        stop, last = mark.start, True
    stop = one.start + len(answer[one.start : stop].rstrip())
    if one.block and stop > one.start and answer[stop - 1] in '"”“»':
        stop -= 1
    return one._replace(end=stop), last


class Cites:
    """Which marks go with a quotation."""

    def __init__(self, answer: str, marks: Sequence[Mark]) -> None:
        self._answer = answer
        self._marks = marks
        self._starts = [mark.start for mark in marks]
        self._spans = sentences(answer, 0, len(answer))
        self._begins = [start for start, _ in self._spans]

    def of(self, one: Quotation, following: int) -> tuple[tuple[int, ...], bool]:
        """The numbers of the marks inside a quotation, else of the first run behind it in its sentence, and whether
        that follows at once."""
        own = self._within(one.at, one.close)
        run: list[Mark] = []
        for mark in self._within(one.close, self._stop(one.close, following)):
            if run and mark.start != run[-1].start and self._answer[run[-1].end : mark.start].strip(" ,;"):
                break
            run.append(mark)
        at_once = bool(run) and not self._answer[one.close : run[0].start].strip(" .,;:!?\n")
        if not own or at_once:
            own = own + run
        return tuple(dict.fromkeys(mark.number for mark in own if mark.number)), at_once

    def _within(self, start: int, end: int) -> list[Mark]:
        return list(self._marks[bisect_left(self._starts, start) : bisect_left(self._starts, end)])

    def _stop(self, close: int, following: int) -> int:
        """Where the sentence that goes on behind a quotation ends, with the marks behind its full stop."""
        answer = self._answer
        begin = close
        while begin < following and answer[begin] in " \t\xa0":
            begin += 1
        stop = close
        if begin < following and answer[begin] != "\n":
            which = max(bisect_right(self._begins, begin) - 1, 0)
            stop = max(min(self._spans[which][1], following), close)
        while True:
            late = stop + (answer[stop : stop + 1] in (" ", "\n"))  # He said so. [1]
            at = bisect_left(self._starts, late)
            if at == len(self._marks) or self._starts[at] != late or late >= following:
                return stop
            stop = self._marks[at].end
