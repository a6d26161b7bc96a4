"""One article as a bibliography has it: APA (7th edition), Chicago (17th, notes and bibliography) and MLA (9th), and as
CSL-JSON for reference managers. Titles stand as they were printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from search.exports.plain import line
from search.records import Article

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_MLA_MONTHS = "Jan. Feb. Mar. Apr. May June July Aug. Sept. Oct. Nov. Dec.".split()  # noqa: SIM905
_PERSON = re.compile(r"[A-Z\u00c0-\u024f][\w'’.-]*(?: [\w'’.-]+){1,3}")
_PARTICLES = frozenset("van von der den de del della di da dos du la le ten ter el al bin ibn".split())  # noqa: SIM905
_NO_PERSON = re.compile(
    r"(?i)\b(?:staff|desk|team|agency|agencies|correspondent|reporter|reporters|editor|editors|news|press|bureau|service)\b"
)
_ENDS = ("?", "!", "…", ".")


def csl(article: Article) -> dict[str, Any]:
    """The article as an item of CSL-JSON."""
    item: dict[str, Any] = {"id": article.id, "type": "article-newspaper"}
    names = [_csl_name(name) for name in writers(article)]
    texts = {
        "title": article.title,
        "container-title": article.source,
        "section": article.section,
        "URL": article.url,
        "language": article.language,
        "publisher-place": article.dateline,
    }
    item |= {name: text for name, value in texts.items() if (text := line(value))}
    if names:
        item["author"] = names
    if article.published is not None:
        day = article.published
        item["issued"] = {"date-parts": [[day.year, day.month, day.day]]}
    return item


def _csl_name(name: str) -> dict[str, str]:
    parts = inverted(name)
    return {"literal": name} if parts is None else {"family": parts[0], "given": parts[1]}


def apa(article: Article) -> str:
    """American Psychological Association: names with initials, the day in parentheses."""
    names = [_apa_name(name) for name in writers(article)]
    by = _listed(names, ", & " if len(names) > 1 else "")
    when = f"({_year_first(article.published)})."
    title = _ended(line(article.title) or "[Untitled article]")
    start = f"{_ended(by)} {when} {title}" if by else f"{title} {when}"
    return _joined(start, _ended(line(article.source)), line(article.url))


def chicago(article: Article) -> str:
    """Chicago Manual of Style, an entry of the bibliography."""
    names = _first_inverted(writers(article))
    day = article.published
    when = "n.d." if day is None else f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"
    where = ", ".join(part for part in (line(article.source), when) if part)
    return _joined(_ended(names), _in_quotes(article), _ended(where), _ended(line(article.url)))


def mla(article: Article) -> str:
    """Modern Language Association, an entry of the works cited."""
    names = writers(article)
    by = f"{_first_inverted(names[:1])}, et al." if len(names) > 2 else _first_inverted(names)
    day = article.published
    when = "" if day is None else f"{day.day} {_MLA_MONTHS[day.month - 1]} {day.year}"
    address = re.sub(r"\Ahttps?://", "", line(article.url))
    where = ", ".join(part for part in (line(article.source), when, address) if part)
    return _joined(_ended(by), _in_quotes(article), _ended(where))


STYLES: Mapping[str, Callable[[Article], str]] = {"APA": apa, "Chicago": chicago, "MLA": mla}
"""Each style by the name that people know it by."""


def writers(article: Article) -> list[str]:
    """Who to name: the authors, else the agency."""
    return [name for name in map(line, article.authors) if name] or [name for name in [line(article.agency)] if name]


def inverted(name: str) -> tuple[str, str] | None:
    """The family name and the given names of a person; None for an institution, a single name, and a name in letters
    other than Latin ones, whose order differs."""
    if name.count(",") == 1:
        family, given = (part.strip() for part in name.split(","))
        return (family, given) if family and given else None
    if _PERSON.fullmatch(name) is None or _NO_PERSON.search(name):
        return None
    words = name.split()
    at = len(words) - 1
    while at > 1 and words[at - 1].lower() in _PARTICLES:
        at -= 1
    return " ".join(words[at:]), " ".join(words[:at])


def _apa_name(name: str) -> str:
    parts = inverted(name)
    if parts is None:
        return name
    initials = " ".join("-".join(f"{piece[0]}." for piece in word.split("-") if piece) for word in parts[1].split())
    return f"{parts[0]}, {initials}"


def _first_inverted(names: list[str]) -> str:
    """Names of which the first goes by the family name; a comma follows it."""
    if not names:
        return ""
    parts = inverted(names[0])
    if parts is None:
        return _listed(names, " and " if len(names) == 2 else ", and ")
    return _listed([f"{parts[0]}, {parts[1]}", *names[1:]], ", and ")


def _listed(names: list[str], last: str) -> str:
    """The names with ``last`` before the last of several."""
    return ", ".join(names) if len(names) < 2 else ", ".join(names[:-1]) + last + names[-1]


def _year_first(day: date | None) -> str:
    return "n.d." if day is None else f"{day.year}, {_MONTHS[day.month - 1]} {day.day}"


def _in_quotes(article: Article) -> str:
    title = line(article.title)
    return f"“{_ended(title)}”" if title else "Untitled article."


def _ended(text: str) -> str:
    return text if not text or text.endswith(_ENDS) else f"{text}."


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
