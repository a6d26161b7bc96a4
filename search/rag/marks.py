"""The citation marks of an answer, and which quotation they go with."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from search.rag.quotations import Quotation
from search.rag.spans import sentences
from search.rag.verdicts import Mark, Verdict

_SEPARATOR = r"\s{0,3}[,;–-]\s{0,3}"
_NUMBERS = rf"(\d{{1,4}}(?:{_SEPARATOR}\d{{1,4}})*+)"
MARK = re.compile(rf"\[{_NUMBERS}\]|【{_NUMBERS}(?:†[^】]{{0,80}})?】")
_MOST = 5_000
_MOST_RANGE = 50
_TAIL = " \t\r\n.,;:!?\"'”’“»"


def citation_marks(answer: str, numbers: set[int]) -> list[Mark]:
    """Every mark, in order, one for each number that it names, against the ``numbers`` there are."""
    found: list[Mark] = []
    for match in MARK.finditer(answer):
        if answer[match.end() : match.end() + 1] == "(":  # a Markdown link
            continue
        if len(found) >= _MOST:
            found.append(Mark(start=match.start(), end=match.end(), number=0, verdict=Verdict.UNREAD))
            break
        named: list[int] = []
        for piece in re.split(r"[,;]", match[1] or match[2]):
            first, *rest = (int(digits) for digits in re.findall(r"\d+", piece))
            last = max(rest, default=first)
            named += [*range(first, min(last, first + _MOST_RANGE) + 1), *rest]
        for number in dict.fromkeys(named):
            verdict = Verdict.EXACT if number in numbers else Verdict.MISSING
            found.append(Mark(start=match.start(), end=match.end(), number=number, verdict=verdict))
    return found


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
            late = MARK.match(answer, stop + (answer[stop : stop + 1] in (" ", "\n")))  # He said so. [1]
            if late is None or late.start() >= following:
                return stop
            stop = late.end()
