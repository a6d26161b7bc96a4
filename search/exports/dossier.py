"""A collection as a reading copy: contents, articles, citations and receipts, as HTML and for word processors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from html import escape
from typing import Any

from search.errors import MissingExtraError
from search.exports.citations import chicago
from search.exports.plain import clean, line
from search.exports.receipts import markdown
from search.records import Article
from search.records.collections import Dossier, Member

_STYLE = (
    "body{font:1rem/1.5 Georgia,serif;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "h2{margin-top:3rem}.from,.note{color:#444}pre{white-space:pre-wrap;font-size:.85rem}"
    "@media print{article{break-before:page}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(dossier: Dossier) -> str:
    """One file that loads nothing and runs nothing; all text of articles is escaped."""
    return "\n".join(_html(dossier)) + "\n"


def _html(dossier: Dossier) -> Iterator[str]:
    name = _escaped(dossier.name)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>"
    if dossier.note:
        yield f'<p class="note">{_escaped(dossier.note)}</p>'
    yield '<nav aria-label="Contents"><h2>Contents</h2><ol>'
    for number, (member, article) in enumerate(dossier.entries, 1):
        title = _escaped(_title(member, article))
        yield f'<li><a href="#a{number}" dir="auto">{title}</a>, {_escaped(_from(member))}</li>'
    yield "</ol></nav>"
    for number, (member, article) in enumerate(dossier.entries, 1):
        title = _escaped(_title(member, article))
        yield f'<article aria-labelledby="a{number}"><h2 id="a{number}" dir="auto">{title}</h2>'
        yield f'<p class="from" dir="auto">{_escaped(_from(member))}</p>'
        for text in _remarks(member, article):
            yield f'<p class="note" dir="auto">{_escaped(text)}</p>'
        for paragraph in _paragraphs(article):
            yield f'<p dir="auto">{_escaped(paragraph)}</p>'
        yield "</article>"
    yield "<section><h2>Citations</h2><ul>"
    for citation in _citations(dossier):
        yield f'<li dir="auto">{_escaped(citation)}</li>'
    yield "</ul></section>"
    for receipt in dossier.receipts:
        yield f"<section><h2>Receipt {_escaped(receipt.id)}</h2><pre>{escape(clean(markdown(receipt)))}</pre></section>"
    yield "</main>\n</body>\n</html>"


def docx(dossier: Dossier) -> bytes:
    """A document of Word. Raises MissingExtraError where the extra 'docx' is not installed."""
    try:
        import docx as word
    except ImportError as error:
        raise MissingExtraError("python-docx", "docx") from error
    document: Any = word.Document()
    document.core_properties.title = line(dossier.name)[:255]
    document.core_properties.author = ""
    document.add_heading(line(dossier.name), 0)
    if dossier.note:
        document.add_paragraph(line(dossier.note))
    document.add_heading("Contents", 1)
    for number, (member, article) in enumerate(dossier.entries, 1):
        document.add_paragraph(f"{number}. {line(_title(member, article))}, {line(_from(member))}")
    for number, (member, article) in enumerate(dossier.entries, 1):
        document.add_page_break()
        document.add_heading(f"{number}. {line(_title(member, article))}", 1)
        document.add_paragraph(line(_from(member))).italic = True
        for text in _remarks(member, article):
            document.add_paragraph(line(text))
        for paragraph in _paragraphs(article):
            document.add_paragraph(line(paragraph))
    document.add_page_break()
    document.add_heading("Citations", 1)
    for citation in _citations(dossier):
        document.add_paragraph(line(citation), style="List Bullet")
    for receipt in dossier.receipts:
        document.add_heading(f"Receipt {line(receipt.id)}", 1)
        for text in markdown(receipt).splitlines():
            document.add_paragraph(line(text))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _title(member: Member, article: Article | None) -> str:
    return line(member.title if article is None else article.title) or "(no title)"


def _from(member: Member) -> str:
    return ", ".join(part for part in (line(member.source), line(member.published)[:10]) if part) or "no source"


def _remarks(member: Member, article: Article | None) -> Iterator[str]:
    if member.tags:
        yield f"Tags: {', '.join(member.tags)}"
    if member.note:
        yield f"Note: {member.note}"
    if article is None:
        yield f"The archive does not have this article any more (id {line(member.id)})."
    elif article.url:
        yield article.url


def _paragraphs(article: Article | None) -> list[str]:
    return [] if article is None else [text for text in article.text.split("\n") if text.strip()]


def _citations(dossier: Dossier) -> Iterator[str]:
    for _, article in dossier.entries:
        if article is not None:
            yield chicago(article)


def _escaped(text: str) -> str:
    return escape(line(text))
