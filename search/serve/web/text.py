"""Texts of articles as HTML: escaped, with marks, and without what hides or turns round a reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from markupsafe import Markup, escape

from search.exports.plain import clean_spans, line
from search.query.dates import MONTHS
from search.records import Article, Highlight

_PARAGRAPH = re.compile(r"[^\n]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_WEB = ("http://", "https://")


def marked(text: str, highlights: Iterable[Highlight], field: str) -> Markup:
    """A text of a hit with its marks."""
    return _marked(text, [(one.start, one.end, one.kind) for one in highlights if one.field == field])


def paragraphs(text: str, highlights: Iterable[Highlight]) -> Iterator[Markup]:
    """The paragraphs of an article with its marks."""
    marks = [(one.start, one.end, one.kind) for one in highlights if one.field == "text"]
    at = 0
    for found in _PARAGRAPH.finditer(text):
        start, end = found.span()
        while at < len(marks) and marks[at][1] <= start:
            at += 1
        inside = []
        for first, last, kind in marks[at:]:
            if first >= end:
                break
            inside.append((max(first, start) - start, min(last, end) - start, kind))
        if found[0].strip():
            yield _marked(found[0], inside)


def _marked(text: str, marks: Sequence[tuple[int, int, str]]) -> Markup:
    shown, spans = clean_spans(text, [(start, end) for start, end, _ in marks])
    pieces, at = [], 0
    for (start, end), (_, _, kind) in zip(spans, marks, strict=True):
        pieces += [escape(shown[at:start]), Markup('<mark class="{}">{}</mark>').format(kind, shown[start:end])]
        at = end
    return Markup("").join([*pieces, escape(shown[at:])])


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
