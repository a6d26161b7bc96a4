"""Hits as entries for a reference manager: BibTeX, RIS and CSL-JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from search.exports.citations import csl, writers
from search.exports.formats import dumps
from search.exports.plain import line
from search.records import Article, Hit

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
_LATEX_CODES = {ord(character): code for character, code in _LATEX.items()}
# A url field is printed as it stands: what would end or break it is percent-encoded instead.
_URL_CODES = {ord(character): f"%{ord(character):02X}" for character in '{}\\ "<>^`|'}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def bibtex(hits: Iterable[Hit]) -> list[str]:
    """One ``@article`` entry a hit, keys made of the ids."""
    used: set[str] = set()
    return [_bibtex_entry(hit.article, used) for hit in hits]


def _bibtex_entry(article: Article, used: set[str]) -> str:
    fields = [
        ("title", "{" + _latex(article.title) + "}"),  # the second braces keep its capitals
        ("author", " and ".join(_bibtex_name(name) for name in writers(article))),
        ("journal", _latex(article.source)),
        ("entrysubtype", "newspaper"),
        ("url", line(article.url).translate(_URL_CODES)),
        ("note", _latex(article.dateline)),
        ("language", _latex(article.language)),
    ]
    lines = [f"@article{{{_key(article.id, used)}"]
    lines += [f"  {name} = {{{value}}}" for name, value in fields if value and value != "{}"]
    if article.published is not None:
        lines.append(f"  year = {{{article.published.year}}}")
        lines.append(f"  month = {_MONTHS[article.published.month - 1]}")
        lines.append(f"  day = {{{article.published.day}}}")
    return ",\n".join(lines) + "\n}\n"


def _bibtex_name(name: str) -> str:
    """A name; one that holds the word BibTeX splits at is kept whole by braces."""
    text = _latex(name)
    return "{" + text + "}" if re.search(r"\band\b", name, re.IGNORECASE) else text


def _latex(text: str) -> str:
    return line(text).translate(_LATEX_CODES)


def _key(article_id: str, used: set[str]) -> str:
    """A citation key in plain letters, different from those before."""
    base = re.sub(r"[^A-Za-z0-9.:/+-]+", "-", article_id).strip("-") or "article"
    key, number = base, 2
    while key.lower() in used:
        key, number = f"{base}-{number}", number + 1
    used.add(key.lower())
    return key


def csl_json(hits: Iterable[Hit]) -> Iterator[str]:
    """One list of items, each on a line of its own."""
    yield "["
    before = ""
    for hit in hits:
        if before:
            yield f"{before},"
        before = dumps(csl(hit.article))
    if before:
        yield before
    yield "]"


def ris(hits: Iterable[Hit]) -> list[str]:
    """One ``NEWS`` record a hit."""
    return [_ris_record(hit.article) for hit in hits]


def _ris_record(article: Article) -> str:
    published = article.published
    fields = [
        ("TY", "NEWS"),
        ("ID", article.id),
        ("TI", article.title),
        *(("AU", name) for name in writers(article)),
        ("T2", article.source),
        ("PY", "" if published is None else f"{published.year:04}"),
        ("DA", "" if published is None else f"{published.year:04}/{published.month:02}/{published.day:02}/"),
        ("CY", article.dateline),
        ("SE", article.section),
        ("LA", article.language),
        ("UR", article.url),
    ]
    lines = [f"{tag}  - {line(value)}" for tag, value in fields if line(value)]
    return "\n".join(lines) + "\nER  - \n"
