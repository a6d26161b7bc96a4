"""Does an answer quote what it says it quotes? Quotations and citation marks, checked against the articles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from search import deadline
from search.rag.context import Context
from search.rag.marks import Cites, citation_marks, without_last_marks, without_marks
from search.rag.matching import cut, inserts, inside, locate, unbracketed
from search.rag.quotations import Quotation, quotations, unquoted
from search.rag.sources import Source, Sources
from search.rag.verdicts import Mark, Place, QuotedText, QuoteReport, Verdict
from search.records import Article

__all__ = ["Mark", "Place", "QuoteReport", "QuotedText", "Verdict", "check_quotes"]

_SHORTEST = 3  # words of a quotation; shorter ones are titles, terms and scare quotes, unless a mark follows
_SHORTEST_UNSPACED = 6  # characters of a script that puts no space between words
_MOST = 200  # quotations that are looked up
_CITED = 0.1
_SIC = re.compile(r"\[sic[.!]?\]", re.IGNORECASE)


def check_quotes(answer: str, context: Context, article: Callable[[str], Article] | None = None) -> QuoteReport:
    """Find each quotation and each citation mark of an answer in the passages it cites.

    Quotations are texts in "straight", “curly”, „German“, «French» or 'single' quotation marks, and Markdown block
    quotes, of three words or more (shorter ones are looked up only where a mark follows at once); of nested ones the
    outer. A quotation mark without a partner gives an unread one. Marks are [1], [1, 2], [1-3], [1][2], [^1],
    [Source 1], (Source 1), (1) beside a quotation or at a sentence's end, [1](#address), [[1]], <sup>1</sup> and the
    like; a number far above the passages, with no quotation beside it, is text. A quotation belongs to the marks inside
    it, else to those of its own sentence that follow it, up to the next quotation; without any, to all passages. It is
    looked for letter by letter, then without regard to kinds of quotation marks and dashes, white space, letter case
    and punctuation at its ends; "..." and "[...]" are gaps.
    Other words in square brackets may stand for a few words of a sentence, and are told. With ``article``
    (``archive.get``) a quotation may stand anywhere in a cited article, else in the passages.
    """
    marks = citation_marks(answer, {one.number for one in context})
    ends = {mark.end: mark for mark in marks}
    cites = Cites(answer, marks)
    sources = Sources(context, article)
    quotes: list[QuotedText] = []
    found = quotations(answer)
    for place, one in enumerate(found):
        deadline.check()
        one, last = without_last_marks(answer, one, ends)
        following = found[place + 1].at if place + 1 < len(found) else len(answer)
        cited, at_once = cites.of(one, following)
        if _is_short(answer[one.start : one.end]) and not at_once and not last:
            continue
        if len(quotes) == _MOST:
            one = one._replace(end=max(one.end, found[-1].end), whole=False)
        quotes.append(_checked(answer, one, cited, sources))
        if len(quotes) > _MOST:
            break
    return QuoteReport(quotes=tuple(quotes), marks=tuple(marks))


def _is_short(text: str) -> bool:
    unspaced = sum("\u2e80" <= char <= "\ud7ff" for char in text[:1000])
    return len(text.split(maxsplit=_SHORTEST)) < _SHORTEST and unspaced < _SHORTEST_UNSPACED


def _checked(answer: str, one: Quotation, cited: tuple[int, ...], sources: Sources) -> QuotedText:
    text = answer[one.start : one.end]

    def result(
        verdict: Verdict, found: Place | None = None, nearest: Place | None = None, similarity: float = 1.0
    ) -> QuotedText:
        return QuotedText(
            start=one.start,
            end=one.end,
            text=text,
            cited=cited,
            verdict=verdict,
            found=found,
            nearest=nearest,
            similarity=similarity,
        )

    said = unquoted(text) if one.block else text
    own = [source for source in sources.texts if not cited or source.number in cited]
    others = [source for source in sources.texts if cited and source.number not in cited]
    for source in own if one.whole else ():
        at = _stands(source.text, said)
        if at >= 0:
            return result(Verdict.EXACT, source.place(at, at + len(said)))
    said = _SIC.sub("", without_marks(said, {source.number for source in sources.texts}))
    pieces = cut(unbracketed(said)) if one.whole else None
    if pieces is None:
        return result(Verdict.UNREAD, similarity=0.0)
    for group, verdict in ((own, Verdict.NORMALISED), (others, Verdict.ELSEWHERE)):
        for source in group:
            deadline.check()
            span = locate(pieces, source.folded, source.together)
            if span is not None:
                return result(verdict, source.place(*span))
    altered = cut(said) if inserts(said) else None
    for source in own + others:
        span = None if altered is None else locate(altered, source.folded, source.together)
        if span is not None:
            first, last = source.sentence(span[0]), source.sentence(span[1] - 1)
            real = source.place(source.spans[first][0], source.spans[last][1])
            return result(Verdict.ALTERED, source.place(*span), real)
    return _nearest(result, said, own, sources)


def _nearest(result: Callable[..., QuotedText], said: str, own: Sequence[Source], sources: Sources) -> QuotedText:
    # The cited article's sentence, unless another's is plainly more like it.
    numbers = {source.number for source in own}
    extra = [_CITED if source.number in numbers else 0.0 for source in sources.texts]
    best = sources.sentences.nearest(said, extra)
    if best is None:
        return result(Verdict.MISSING, similarity=0.0)
    likeness, (which, start, end) = best
    return result(
        Verdict.MISSING, nearest=sources.texts[which].place(start, end), similarity=round(max(likeness, 0.0), 3)
    )


def _stands(text: str, said: str) -> int:
    """Where a quotation stands letter by letter, neither beginning nor ending inside a word; -1 if nowhere."""
    at = -1
    while said and (at := text.find(said, at + 1)) >= 0:
        if not inside(text, at) and not inside(text, at + len(said)):
            return at
    return -1
