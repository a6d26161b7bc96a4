"""Texts of articles as HTML: escaped, with marks, and without what hides or turns round a reading."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple

from markupsafe import Markup, escape

from search.exports.plain import clean_spans, line
from search.query.dates import MONTHS
from search.records import Article, Highlight

_PARAGRAPH = re.compile(r"[^\n]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_WEB = ("http://", "https://")
Span = tuple[int, int]


def marked(text: str, highlights: Iterable[Highlight], field: str) -> Markup:
    """A text of a hit with its marks."""
    return _marked(text, [(one.start, one.end, one.kind) for one in highlights if one.field == field])


class Paragraph(NamedTuple):
    """A paragraph of an article; ``sought``: it has some of the passage that answers the query best."""

    text: Markup
    sought: bool


def paragraphs(
    text: str, highlights: Iterable[Highlight], furniture: Iterable[Span] = (), best: Span | None = None
) -> Iterator[Paragraph]:
    """The paragraphs of an article with its marks. ``furniture`` are stretches that its source prints under many
    articles, in order, and ``best`` the passage that answers a query best: offsets in the text."""
    marks = [(one.start, one.end, one.kind) for one in highlights if one.field == "text"]
    dimmed = [(start, end, "") for start, end in furniture]
    for found in _PARAGRAPH.finditer(text):
        start, end = found.span()
        if found[0].strip():
            sought = best is not None and best[0] < end and start < best[1]
            yield Paragraph(_marked(found[0], _inside(marks, start, end), _inside(dimmed, start, end)), sought)


def _inside(spans: Sequence[tuple[int, int, str]], start: int, end: int) -> list[tuple[int, int, str]]:
    """What lies of ascending stretches between two places, counted from the first one."""
    found = []
    for first, last, kind in spans[bisect_right(spans, start, key=itemgetter(1)) :]:
        if first >= end:
            break
        found.append((max(first, start) - start, min(last, end) - start, kind))
    return found


def _marked(text: str, marks: Sequence[tuple[int, int, str]], furniture: Sequence[tuple[int, int, str]] = ()) -> Markup:
    shown, spans = clean_spans(text, [(start, end) for start, end, _ in (*marks, *furniture)])
    placed = [(*span, kind) for span, (_, _, kind) in zip(spans[: len(marks)], marks, strict=True) if span[0] < span[1]]
    pieces, at = [], 0
    for start, end in spans[len(marks) :]:
        dimmed = Markup('<span class="furniture">{}</span>').format(_stretch(shown, placed, start, end))
        pieces += [_stretch(shown, placed, at, start), dimmed]
        at = end
    return Markup("").join([*pieces, _stretch(shown, placed, at, len(shown))])


def _stretch(text: str, marks: Sequence[tuple[int, int, str]], start: int, end: int) -> Markup:
    """A part of a text with what it has of the marks."""
    part, pieces, at = text[start:end], [], 0
    for first, last, kind in _inside(marks, start, end):
        pieces += [escape(part[at:first]), Markup('<mark class="{}">{}</mark>').format(kind, part[first:last])]
        at = last
    return Markup("").join([*pieces, escape(part[at:])])


def day(published: date | None) -> str:
    """When an article appeared, with the time and its zone where they are known."""
    if published is None:
        return "no date"
    text = f"{published.day} {MONTHS[published.month - 1].title()} {published.year}"
    if isinstance(published, datetime):
        zone = published.strftime("%z")
        text += f", {published:%H:%M} " + ("UTC" if zone in ("+0000", "") else f"UTC{zone[:3]}:{zone[3:5]}")
    return text


def iso(published: date | None) -> str:
    """The same for programs."""
    return "" if published is None else published.isoformat()


def code(language: str) -> str:
    """A language as HTML has it; "" for what is no code."""
    return language if _LANGUAGE.fullmatch(language) else ""


def on_the_web(article: Article) -> str:
    """The address of an article, where it is one that a browser may be sent to."""
    return article.url if article.url.lower().startswith(_WEB) else ""


def plain(text: str) -> str:
    """A text on one line, without what steers a reading."""
    return line(text)
