"""Results and articles for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from search.cli.options import counted
from search.cli.text import BOLD, DIM, PLAIN, apart, cut, isolated, line, width, wrap
from search.exports.plain import Spans, clean_spans
from search.records import Article, Copy, Highlight, Hit, Passage, RelatedHit, Results
from search.text.stretches import Rest

NARROWEST, WIDEST = 40, 110


def columns() -> int:
    """How wide to print: the terminal's width within what reads well; 80 where there is no terminal."""
    import shutil

    return min(max(shutil.get_terminal_size((80, 24)).columns, NARROWEST), WIDEST)


def hits(results: Results, *, style: bool) -> Iterator[str]:
    """The hits, a block of lines each."""
    total_width = columns()
    ranked = any(hit.score for hit in results)  # not by date
    for hit in results:
        if hit.rank != results.hits[0].rank:
            yield ""
        score = f"score {hit.score:.3f}" if ranked else ""
        # Where nothing matches the whole query, that is said once, of all.
        beyond = "" if hit.matched or not results.total else "without all the words"
        yield from _hit(hit, ", ".join(filter(None, (score, beyond))), total_width, style)


def _hit(hit: Hit, standing: str, total_width: int, style: bool) -> Iterator[str]:
    article = hit.article
    number = f"{hit.rank}. "
    indent = " " * len(number)
    room = total_width - len(indent)
    titles = [(mark.start, mark.end) for mark in hit.highlights if mark.field == "title"]
    drawn = isolated if style else str
    lines = [drawn(text) for text in wrap(article.title or "(no title)", room, titles, bold=style)]
    yield number + lines[0] if lines else number + "(no title)"
    for rest in lines[1:]:
        yield indent + rest
    facts = [article.source, when(article.published), ", ".join(article.authors), article.section, standing]
    yield from _indented(_facts(facts, room, style), indent, DIM if style else "")
    marks = [(mark.start, mark.end) for mark in hit.highlights if mark.field == "snippet"]
    yield from _indented([drawn(text) for text in wrap(hit.snippet, room, marks, bold=style)], indent)
    for passage in hit.passages[1:]:
        near = "" if passage.score is None else f", {passage.score:.3f}"
        place = f"[{passage.start}:{passage.end}{near}] "
        yield indent + place + drawn(cut(passage.text, room - len(place)))
    if isinstance(hit, RelatedHit) and hit.why:
        yield from _indented([drawn(text) for text in wrap(f"why: {line(hit.why)}", room)], indent)
    if hit.copies:
        copies = wrap(also(hit.copies), room)
        yield from _indented([apart(text, "; ") if style else text for text in copies], indent, DIM if style else "")
    if article.url:
        yield indent + line(article.url)
    yield indent + f"id {drawn(line(article.id))}"
    if hit.explain is not None:
        yield from (indent + row for row in tree(hit.explain, room))


def _facts(facts: Sequence[str], room: int, style: bool) -> list[str]:
    """What is told of an article beside each other, in lines."""
    lines = wrap(" · ".join(filter(None, map(line, facts))), room)
    return [apart(text, " · ") for text in lines] if style else lines


_NAMED = 5  # copies that are named


def also(copies: Sequence[Copy]) -> str:
    """``+2 copies: Valley Post, 2025-02-21; Hill Herald, 2025-02-22``."""
    named = "; ".join(
        ", ".join(filter(None, (line(copy.source) or line(copy.id), when(copy.published)))) for copy in copies[:_NAMED]
    )
    rest = f"; and {len(copies) - _NAMED:,} more" if len(copies) > _NAMED else ""
    return f"+{len(copies):,} {'copy' if len(copies) == 1 else 'copies'}: {named}{rest}"


def _indented(lines: Sequence[str], indent: str, code: str = "") -> Iterator[str]:
    for text in lines:
        yield f"{indent}{code}{text}{PLAIN}" if code else indent + text


def when(published: date | None) -> str:
    """A date as a reader wants it: the day, and the time where it is known."""
    if isinstance(published, datetime):
        offset = published.strftime("%z")
        zone = "UTC" if offset in ("", "+0000") else f"{offset[:3]}:{offset[3:5]}"
        return f"{published.date().isoformat()} {published.strftime('%H:%M')} {zone}"
    return "" if published is None else published.isoformat()


def summary(results: Results) -> str:
    """How many of how many, in one line."""
    took = f"({results.mode}, {results.took_ms:,.0f} ms)"
    if not results.hits:
        if results.total:
            return f"nothing on this page; {articles_match(results.total)} {took}"
        return f"nothing found {took}"
    first, last = results.hits[0].rank, results.hits[-1].rank
    shown = f"{last:,}" if first == 1 else f"{first:,} to {last:,}"
    if all(hit.matched for hit in results):
        if results.stories is not None:  # each hit is a story, and so are those that are left
            return f"{shown} of {stories(results.stories)} in {counted(results.total, 'article')} {took}"
        return f"{shown} of {counted(results.total, 'article')} {took}"
    if not results.total:
        return f"{shown} shown {took}"
    return f"{shown} shown; {articles_match(results.total)} the whole query {took}"


def stories(number: int) -> str:
    """``1 story``, ``20 stories``."""
    return f"{number:,} {'story' if number == 1 else 'stories'}"


def things(articles: int, of_stories: int | None) -> str:
    """``20 articles``; where stories are counted, ``15 stories``."""
    return counted(articles, "article") if of_stories is None else stories(of_stories)


def match(articles: int, of_stories: int | None) -> str:
    """``20 articles match``; where stories are counted, ``20 articles match, 15 stories``."""
    said = articles_match(articles)
    return said if of_stories is None else f"{said}, {stories(of_stories)}"


def articles_match(total: int) -> str:
    """``1 article matches``, ``20 articles match``."""
    return f"{counted(total, 'article')} {'matches' if total == 1 else 'match'}"


def article(
    found: Article,
    passages: Sequence[Passage] | None,
    marks: Sequence[Highlight] = (),
    furniture: Sequence[Passage] = (),
    *,
    hide: bool = False,
    style: bool,
) -> Iterator[str]:
    """A whole article, with the marks of a query, and where its passages lie. Its furniture is dimmed or, without
    ``style``, in brackets; ``hide``: it is left out."""
    room = columns()
    for text in wrap(found.title or "(no title)", room):
        yield f"{BOLD}{isolated(text)}{PLAIN}" if style else text
    facts = (
        ("source", found.source),
        ("published", when(found.published)),
        ("authors", ", ".join(found.authors)),
        ("agency", found.agency),
        ("section", found.section),
        ("language", found.language),
        ("dateline", found.dateline),
        ("url", found.url),
        ("id", found.id),
        ("caption", found.caption),
        ("pages", ", ".join(name for _, name in found.pages)),
        ("ocr quality", "" if found.ocr_quality is None else f"{found.ocr_quality:.2f}"),
        *((str(name), str(value)) for name, value in found.extra.items()),
    )
    for name, value in facts:
        if line(value):
            yield from _field(line(name), value, room, style)
    blocks = [(block.start, block.end) for block in furniture]
    spans = [(mark.start, mark.end) for mark in marks if mark.field == "text"]
    text = found.text
    if hide:
        left = Rest(text, blocks)
        text, blocks = left.text, []
        spans = [moved for span in spans if (moved := left.moved(*span)) is not None]
    cleaned, every = clean_spans(text, [*spans, *blocks])
    for paragraph in re.finditer(r"[^\n]*\S[^\n]*", cleaned):
        lit, dim = (_inside(*paragraph.span(), some) for some in (every[: len(spans)], every[len(spans) :]))
        yield ""
        if style:
            yield from wrap(paragraph[0], room, lit, bold=True, dim=dim)
        else:
            yield from wrap(_bracketed(paragraph[0], dim), room)
    if passages is not None:
        yield ""
        yield counted(len(passages), "passage")
        for passage in passages:
            place = f"[{passage.start}:{passage.end}] "
            text = cut(passage.text, room - len(place))
            yield place + (isolated(text) if style else text)


def _inside(start: int, end: int, spans: Spans) -> list[tuple[int, int]]:
    """Of some stretches what lies in another one, counted from its beginning."""
    return [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]


def _bracketed(text: str, spans: Spans) -> str:
    """A text with some stretches in brackets."""
    for start, end in reversed(spans):
        text = f"{text[:start]}⟦{text[start:end]}⟧{text[end:]}"
    return text


def _field(name: str, value: str, room: int, style: bool) -> Iterator[str]:
    label = f"{name}: "
    lines = wrap(value, max(room - width(label), NARROWEST // 2))
    for number, text in enumerate(lines):
        before = label if number == 0 else " " * width(label)
        yield f"{DIM}{before}{PLAIN}{isolated(text)}" if style else before + text


def tree(value: Mapping[str, Any], room: int) -> Iterator[str]:
    """Nested values as indented lines; a list of alike records is a line each."""
    for name, item in value.items():
        if isinstance(item, Mapping) and item:
            yield f"{line(str(name))}:"
            yield from ("  " + row for row in tree(item, room - 2))
        elif isinstance(item, (list, tuple)) and item and isinstance(item[0], Mapping):
            yield f"{line(str(name))}:"
            for record in item:
                facts = (f"{line(str(key))} {scalar(field)}" for key, field in record.items())
                yield from (f"  {row}" for row in wrap(", ".join(facts), room - 2))
        else:
            yield from wrap(f"{line(str(name)) or '(none)'}: {scalar(item)}", room)


def scalar(value: Any) -> str:
    """One value as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple, Mapping)):
        return ", ".join(scalar(item) for item in value) or "none"
    return line(str(value))
