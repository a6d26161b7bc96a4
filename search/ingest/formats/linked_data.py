"""JSON-LD in pages: what a publisher says of an article, in the many ways in which publishers write it.

Scripts are often no JSON: they hold comments, control characters, entities, trailing commas, several objects in a row.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_ARTICLES = (
    "newsarticle", "article", "reportagenewsarticle", "analysisnewsarticle", "opinionnewsarticle",
    "backgroundnewsarticle",
    "reviewnewsarticle", "askpublicnewsarticle", "advertisercontentarticle", "satiricalarticle", "liveblogposting",
    "blogposting", "report", "scholarlyarticle", "socialmediaposting", "techarticle", "newspost", "creativework",
)  # fmt: skip
_WEAK = frozenset(("creativework", "socialmediaposting"))
_DEPTH = 6
_MOST = 2_000  # objects of a page that are looked at
_LONGEST = 4_000_000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_COMMENTS = re.compile(r"""("(?:[^"\\]|\\.)*")|/\*.*?\*/|(?<![:\w])//[^\n]*|<!--|-->|<!\[CDATA\[|\]\]>""", re.DOTALL)
_TRAILING = re.compile(r"""("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])|;(?=\s*\Z)""")


def objects(script: str) -> list[Any]:
    """What a script holds; empty where it cannot be read."""
    text = script.strip()[:_LONGEST]
    for written in (text, _plain(text), _plain(html.unescape(text))):
        try:
            return _values(written)
        except (ValueError, RecursionError):
            continue
    return []


def _values(text: str) -> list[Any]:
    decoder = json.JSONDecoder(strict=False)
    found: list[Any] = []
    place = 0
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.append(value)
        while place < len(text) and text[place] in " \t\r\n;,":
            place += 1
    return found


def _plain(text: str) -> str:
    """Without comments, control characters and trailing commas."""
    text = _COMMENTS.sub(lambda match: match[1] or " ", text)
    text = _TRAILING.sub(lambda match: match[1] or "", text)
    return _CONTROLS.sub(" ", text).strip()


def article(scripts: Iterator[str], url: str = "") -> Mapping[str, Any]:
    """The object that describes the article of a page; an empty one where there is none. Of several, that with the
    address of the page, else the one of the most particular type with a headline."""
    found = [value for script in scripts for value in objects(script)]
    kinds: list[tuple[tuple[bool, bool, bool, int], Mapping[str, Any]]] = []
    named: dict[str, Mapping[str, Any]] = {}
    for node in _nodes(found):
        if isinstance(node.get("@id"), str) and len(node) > 1:
            named.setdefault(node["@id"], node)
        rank = min((_ARTICLES.index(kind) for kind in types(node) if kind in _ARTICLES), default=None)
        if rank is None or not (node.get("headline") or node.get("articleBody") or node.get("datePublished")):
            continue
        if _ARTICLES[rank] in _WEAK and not (node.get("headline") or node.get("name")):
            continue
        here = bool(url) and any(_same(url, address) for address in _addresses(node))
        kinds.append(((here, bool(node.get("headline")), bool(node.get("datePublished")), -rank), node))
    if not kinds:
        return {}
    best = max(range(len(kinds)), key=lambda place: (kinds[place][0], -place))
    return {name: _resolved(value, named) for name, value in kinds[best][1].items()}


def _nodes(values: list[Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [(value, 0) for value in values]
    count = 0
    while waiting and count < _MOST:
        value, depth = waiting.pop(0)
        if isinstance(value, list) and depth <= _DEPTH:
            waiting[:0] = [(member, depth + 1) for member in value[:_MOST]]
        elif isinstance(value, Mapping):
            count += 1
            yield value
            if depth < _DEPTH:
                waiting += [(value[name], depth + 1) for name in _HOLDERS if name in value]


_HOLDERS = (
    "@graph",
    "mainEntity",
    "mainEntityOfPage",
    "itemListElement",
    "item",
    "hasPart",
    "subjectOf",
    "about",
    "article",
)


def types(node: Mapping[str, Any]) -> set[str]:
    """The types of an object, in lower case, without the addresses before them."""
    value = node.get("@type")
    values = value if isinstance(value, list) else [value]
    return {re.split(r"[/#:]", one)[-1].casefold() for one in values if isinstance(one, str)}


def _addresses(node: Mapping[str, Any]) -> Iterator[str]:
    for name in ("url", "mainEntityOfPage", "@id"):
        value = node.get(name)
        if isinstance(value, Mapping):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str):
            yield value


def _same(one: str, other: str) -> bool:
    return _bare(one) == _bare(other) != ""


def _bare(url: str) -> str:
    return re.sub(r"\A\w+://(?:www\.|amp\.)?|[?#].*|/+\Z", "", url.strip()).casefold()


def _resolved(value: Any, named: Mapping[str, Mapping[str, Any]]) -> Any:
    """An object that only names another stands for it."""
    if isinstance(value, list):
        return [_resolved(member, named) for member in value[:200]]
    if isinstance(value, Mapping) and set(value) <= {"@id", "@type"} and value.get("@id") in named:
        return named[value["@id"]]
    return value


def name_of(value: Any) -> str:
    """The name of a person, an organisation or a thing; "" where it has none."""
    if isinstance(value, list):
        return next((name for one in value if (name := name_of(one))), "")
    if isinstance(value, Mapping):
        return name_of(
            value.get("name") or value.get("alternateName") or value.get("@value") or value.get("headline") or ""
        )
    return html.unescape(value).strip() if isinstance(value, str) else ""


def names_of(value: Any) -> list[str]:
    """The names of one or several."""
    return [name for one in (value if isinstance(value, list) else [value]) if (name := name_of(one))]
