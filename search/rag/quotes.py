"""Does an answer quote what it says it quotes? Quotations and citation marks, checked against the articles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from search.rag.context import Context
from search.rag.matching import Folded, fold, locate, nearest
from search.rag.spans import sentences
from search.records import Article

_SHORTEST = 3  # words of a quotation; shorter ones are titles, terms and scare quotes, unless a mark follows
_MARK = re.compile(r"\[(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\]|【(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)(?:†[^】]{0,80})?】")
_PAIRS = (
    re.compile(r'(?<![\w"])"(?=\S)([^"]{1,2000}?)"(?!\w)'),
    re.compile(r"[“„]([^“”„]{1,2000}?)[”“]"),
    re.compile(r"«\s?([^«»]{1,2000}?)\s?»|»([^«»]{1,2000}?)«"),
    re.compile(r"‹\s?([^‹›]{1,2000}?)\s?›|「([^「」]{1,2000}?)」|『([^『』]{1,2000}?)』"),
    re.compile(r"(?<!\w)‘([^‘\n]{1,2000}?)’(?!\w)|‚([^‚‘\n]{1,2000}?)‘"),
    re.compile(r"(?<![\w'])'(?=\w)([^'\n]{1,500}?(?:(?<=\w)'(?=\w)[^'\n]{1,500}?)*)(?<=\S)'(?![\w'])"),
)
_BLOCK = re.compile(r"(?m)(?:^[ \t]{0,3}>[ \t]?.*(?:\n|\Z))+")
_CITED = 0.1
_CLAUSE = re.compile(r"[.!?]\s|\n")


class Verdict(StrEnum):
    """What became of a quotation or a mark."""

    EXACT = "exact"
    """Stands so in the cited article; of a mark: there is such a passage."""

    NORMALISED = "normalised"
    """The same but for quotation marks, dashes, white space, letter case, or a gap marked by an ellipsis."""

    ELSEWHERE = "elsewhere"
    """Stands in another passage than the cited one."""

    MISSING = "missing"
    """Stands in none of the articles: ``nearest`` is the sentence most like it. Of a mark: no such passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stretch of an article: ``article.text[start:end] == text``. ``number`` is its passage's mark."""

    number: int
    article_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedText:
    """A quotation: ``answer[start:end] == text``, without its quotation marks. ``cited`` are the numbers of the marks
    that go with it; ``found`` where it stands; ``nearest`` the most similar sentence, where it stands nowhere, with
    ``similarity`` from 0 to 1."""

    start: int
    end: int
    text: str
    cited: tuple[int, ...]
    verdict: Verdict
    found: Place | None = None
    nearest: Place | None = None
    similarity: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A citation mark: ``answer[start:end]`` holds ``number``, alone or with others."""

    start: int
    end: int
    number: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReport:
    """Every quotation and every mark of an answer, in order. ``ok`` when each stands where the answer says."""

    quotes: tuple[QuotedText, ...]
    marks: tuple[Mark, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is missing or elsewhere."""
        return not self.faults

    @property
    def faults(self) -> int:
        """How many quotations and marks are missing or elsewhere."""
        verdicts = [one.verdict for one in self.quotes] + [one.verdict for one in self.marks]
        return sum(verdict in (Verdict.MISSING, Verdict.ELSEWHERE) for verdict in verdicts)


def check_quotes(answer: str, context: Context, article: Callable[[str], Article] | None = None) -> QuoteReport:
    """Find each quotation and each citation mark of an answer in the passages it cites.

    Quotations are texts in "straight", “curly”, „German“, «French» or 'single' quotation marks, and Markdown block
    quotes, of three words or more (shorter ones are looked up only where a mark follows at once). Marks are [1],
    [1, 2], [1-3], [1][2] and 【1】. A quotation belongs to the marks of its own sentence that follow it, up to the next
    quotation; without any, to all passages. It is looked for letter by letter, then without regard to kinds of
    quotation marks and dashes, white space, letter case and punctuation at its ends; "..." and
    "[...]" are gaps. With ``article`` (``archive.get``) it may stand anywhere in a cited article, else in the passages.
    """
    numbers = {one.number for one in context}
    marks: list[Mark] = []
    for start, end, cited in _marks(answer):
        for number in cited:
            verdict = Verdict.EXACT if number in numbers else Verdict.MISSING
            marks.append(Mark(start=start, end=end, number=number, verdict=verdict))
    texts = _texts(context, article)
    spans = list(_quotations(answer))
    quotes = []
    for place, (start, end, close) in enumerate(spans):
        following = spans[place + 1][0] if place + 1 < len(spans) else len(answer)
        cited, at_once = _cited(answer, close, following, marks)
        if len(answer[start:end].split()) < _SHORTEST and not at_once:
            continue
        quotes.append(_checked(answer, start, end, cited, context, texts))
    return QuoteReport(quotes=tuple(quotes), marks=tuple(marks))


@dataclass(frozen=True, slots=True)
class _Text:
    """What may be quoted under a number: a text, where it begins in its article, and its folded form."""

    number: int
    article_id: str
    offset: int
    text: str
    folded: Folded


def _texts(context: Context, article: Callable[[str], Article] | None) -> list[_Text]:
    found = []
    for one in context:
        offset, text = one.start, one.text
        if article is not None:
            offset, text = 0, article(one.article_id).text
        found.append(_Text(one.number, one.article_id, offset, text, fold(text)))
    return found


def _marks(answer: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    for match in _MARK.finditer(answer):
        numbers: list[int] = []
        for piece in re.split(r"[,;]", match[1] or match[2]):
            first, *last = (int(digits) for digits in re.findall(r"\d+", piece))
            numbers += range(first, min(last[0], first + 50) + 1) if last and last[0] >= first else [first, *last]
        if answer[match.end() : match.end() + 1] != "(":  # a Markdown link
            yield match.start(), match.end(), tuple(dict.fromkeys(numbers))


def _quotations(answer: str) -> list[tuple[int, int, int]]:
    """(start, end) inside the marks and the end of the closing mark; the outer of nested ones, in order."""
    found: list[tuple[int, int, int]] = []
    for match in _BLOCK.finditer(answer):
        start, end = match.span()
        inner = re.sub(r"\s+\Z", "", match[0])
        lead = re.match(r"[ \t]{0,3}>[ \t]?[\"“„]?", inner)
        begin = start + (lead.end() if lead else 0)
        stop = start + len(inner)
        while (mark := _MARK.search(answer, begin, stop)) is not None and mark.end() >= stop - 1:
            stop = mark.start()
        stop = begin + len(answer[begin:stop].rstrip())
        if stop > begin and answer[stop - 1] in '"”“':
            stop -= 1
        if stop > begin:
            found.append((begin, stop, stop))
    taken = [(match.start(), match.end()) for match in _BLOCK.finditer(answer)]
    for pattern in _PAIRS:
        for match in pattern.finditer(answer):
            group = next(i for i in range(1, (match.lastindex or 1) + 1) if match[i] is not None)
            start, end = match.span(group)
            if any(match.start() < other[1] and match.end() > other[0] for other in taken):
                continue
            if "\n\n" in match[group]:
                continue
            taken.append(match.span())
            found.append((start, end, match.end()))
    return sorted(found)


def _cited(answer: str, close: int, following: int, marks: Sequence[Mark]) -> tuple[tuple[int, ...], bool]:
    """The numbers of the first run of marks after a quotation, and whether it follows at once."""
    sentence = _CLAUSE.search(answer, min(close + 1, len(answer)), following)
    stop = following if sentence is None else sentence.end()
    while (late := _MARK.match(answer, stop)) is not None and late.start() < following:  # He said so. [1]
        stop = late.end()
    own = [mark for mark in marks if close <= mark.start and mark.end <= max(stop, close)]
    if not own:
        return (), False
    run = [own[0]]
    for mark in own[1:]:
        if answer[run[-1].end : mark.start].strip(" ,;") == "" or mark.start == run[-1].start:
            run.append(mark)
    at_once = answer[close : own[0].start].strip(" .,;:!?\n") == ""
    return tuple(dict.fromkeys(mark.number for mark in run)), at_once


def _checked(
    answer: str, start: int, end: int, cited: tuple[int, ...], context: Context, texts: Sequence[_Text]
) -> QuotedText:
    said = re.sub(r"(?m)^[ \t]{0,3}>[ \t]?", "", answer[start:end])
    own = [one for one in texts if not cited or one.number in cited]
    others = [one for one in texts if one not in own]

    def result(verdict: Verdict, **rest: object) -> QuotedText:
        return QuotedText(start=start, end=end, text=answer[start:end], cited=cited, verdict=verdict, **rest)  # type: ignore[arg-type]

    for one in own:
        at = _whole_words(one.text, said)
        if at >= 0:
            return result(Verdict.EXACT, found=_place(one, at, at + len(said)), similarity=1.0)
    for group, verdict in ((own, Verdict.NORMALISED), (others, Verdict.ELSEWHERE)):
        for one in group:
            span = locate(said, one.folded)
            if span is not None:
                return result(verdict, found=_place(one, *span), similarity=1.0)
    best: tuple[float, Place] | None = None
    for one in texts:
        spans = [(s, e) for s, e in sentences(one.text, 0, len(one.text)) if e > s]
        likeness, (s, e) = nearest(said, one.text, spans)
        likeness += _CITED if one in own else 0.0  # the cited article's, unless another's is plainly more like it
        if best is None or likeness > best[0]:
            best = likeness, _place(one, s, e)
    if best is None:
        return result(Verdict.MISSING)
    return result(
        Verdict.MISSING,
        nearest=best[1],
        similarity=round(best[0] - (_CITED if best[1].number in {one.number for one in own} else 0.0), 3),
    )


def _whole_words(text: str, said: str) -> int:
    """Where a quotation stands letter by letter, neither beginning nor ending inside a word; -1 if nowhere."""
    at = -1
    while said and (at := text.find(said, at + 1)) >= 0:
        end = at + len(said)
        begins = at == 0 or not (text[at - 1].isalnum() and said[0].isalnum())
        if begins and (end == len(text) or not (text[end].isalnum() and said[-1].isalnum())):
            return at
    return -1


def _place(one: _Text, start: int, end: int) -> Place:
    return Place(
        number=one.number,
        article_id=one.article_id,
        start=one.offset + start,
        end=one.offset + end,
        text=one.text[start:end],
    )
