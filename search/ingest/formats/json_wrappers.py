"""Articles inside other JSON: pages of interfaces' answers, feeds, dumps keyed by id, tables by columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from search.ingest.aliases import bare_name, place_of
from search.ingest.fields import Draft

# Names under which answers list what they found, and of the objects around such lists.
_LISTS = """
    articles article items item category results result docs doc documents data records record rows posts post stories
    story entries entry news hits response feed channel rss value values payload list content contents collection
    nodes edges elements objects output query search _embedded d root graph @graph itemlistelement newsitems
    articlelist newslist page pages zone works export archive database corpus dataset matches newsresults
    organicresults topstories newsarticles
"""
_NAMES = frozenset(_LISTS.split())
Field = tuple[str, str, Any]  # of an article, the name that it has in a record, and its value there
_DEPTH = 5
_LOOKED_AT = 20  # members of a list, to see what they are
_OPENING = re.compile(r'[\s,]*"((?:[^"\\]|\\.){0,100})"\s*:\s*')


def articles_in(value: Mapping[str, Any]) -> Iterator[Any]:
    """The articles that an object holds; the object itself where it is one, or where it holds none. What stands among
    the articles of a list and is no object comes as it is."""
    if str(value.get("version", "")).startswith("https://jsonfeed.org/") and isinstance(value.get("items"), list):
        yield from _of_feed(value)
        return
    if "content_elements" in value or "bodies" in value or "associations" in value:  # parts of one article
        yield value
        return
    found = None if not any(type(member) in (list, dict) for member in value.values()) else _inside(value, 0)
    yield from (value,) if found is None else found


def _of_feed(feed: Mapping[str, Any]) -> Iterator[Any]:
    """The items of a JSON Feed, with what stands above them for all."""
    shared = {
        "source": feed.get("title"),
        "language": feed.get("language"),
        "authors": feed.get("authors") or feed.get("author"),
    }
    for item in feed["items"]:
        if not isinstance(item, Mapping):
            yield item
            continue
        own = {"authors": None} if item.get("author") or item.get("authors") else {}
        yield {name: one for name, one in ({**shared, **own}).items() if one} | dict(item)


def _inside(value: Mapping[str, Any], depth: int) -> list[Mapping[str, Any]] | None:
    if depth == _DEPTH:
        return None
    if (rows := _columns(value)) is not None:
        return rows
    if _has_text(value):
        return None
    lists: list[Any] = []
    for name, member in value.items():
        if bare_name(name) in _NAMES or name.casefold() in _NAMES:
            if isinstance(member, list) and _are_articles(member):
                lists += (
                    article
                    for one in member
                    for article in ((isinstance(one, Mapping) and _inside(one, depth + 1)) or (one,))
                )
            elif isinstance(member, list | Mapping):
                for one in [member] if isinstance(member, Mapping) else member:
                    if isinstance(one, Mapping) and (inner := _inside(one, depth + 1)) is not None:
                        lists += inner
    if not lists and not Draft(value).is_article:  # an answer around a single article
        single = (name for name, member in value.items() if bare_name(name) in _NAMES and isinstance(member, dict))
        for name in single:
            if Draft(value[name]).is_article:
                outer = Draft({other: member for other, member in value.items() if other != name})
                lists.append(with_fields(value[name], list(outer.chosen)))
    if not lists and depth == 0 and not Draft(value).is_article:  # a list of another name
        for member in value.values():
            lists += member if isinstance(member, list) and _are_articles(member) else ()
    if lists and (beside := stated_for_all(value)):
        lists = [with_fields(one, beside) for one in lists]
    return lists or _by_id(value)


def stated_for_all(value: Mapping[str, Any]) -> list[Field]:
    """The outlet and the language that an object around a list of articles states for all of them."""
    outer = Draft({name: member for name, member in value.items() if not isinstance(member, list)})
    fields = [field for field in outer.chosen if field[0] in ("source", "language")]
    for name in ("feed", "channel"):
        inner = value.get(name)
        stated = any(target == "source" for target, _, _ in fields)
        if not stated and isinstance(inner, Mapping) and isinstance(inner.get("title"), str):
            fields.append(("source", "source", inner["title"]))
    return fields


def with_fields(article: Any, fields: list[Field]) -> Any:
    """An article with what is stated beside it of the fields that it lacks."""
    if not isinstance(article, Mapping) or not fields:
        return article
    has = {target for target, _, _ in Draft(article).chosen}
    return {**{name: value for target, name, value in fields if target not in has}, **article}


def _has_text(value: Mapping[str, Any]) -> bool:
    """Whether an object is an article by itself: it has a text of its own, as a string."""
    for name, member in value.items():
        if isinstance(member, str) and member and not name.casefold().startswith(("desc", "summ")):
            place = place_of(name[:64])
            if place is not None and place[0] == "text":
                return True
    return False


def _are_articles(members: list[Any]) -> bool:
    """Whether most members of a list are articles."""
    seen = members[:_LOOKED_AT]
    good = sum(isinstance(member, Mapping) and Draft(member).is_article for member in seen)
    return 2 * good > len(seen)


def _by_id(value: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The members of an object of articles by their ids, or by their addresses."""
    members = list(value.items())
    if len(members) < 2 or not all(isinstance(member, Mapping) for _, member in members):
        return None
    if any(place_of(name[:64]) is not None for name, _ in members[:_LOOKED_AT]):
        return None
    if not _are_articles([member for _, member in members]):
        return None
    return [member if Draft(member).has_id else {"id": name, **member} for name, member in members]


def _columns(value: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The rows of a table that is written by columns, as pandas does: {"title": {"0": ...}}, {"title": [...]}, or
    {"columns": [...], "data": [[...]]}."""
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, names), row, strict=False)) for row in data]
    if not value or (any(place_of(name[:64]) is None for name in list(value)[:1]) and "title" not in value):
        return None
    columns = list(value.values())
    if all(isinstance(column, dict) for column in columns) and len(columns) > 1:
        keys = list(columns[0])
        if len(keys) > 0 and all(key.isdigit() for key in keys) and all(list(column) == keys for column in columns):
            return [{name: column[key] for name, column in value.items()} for key in keys]
    if all(isinstance(column, list) for column in columns) and len(columns) > 1:
        size = len(columns[0])
        titles = next((value[name] for name in value if (place := place_of(name[:64])) and place[0] == "title"), None)
        if size > 1 and titles is not None and all(len(column) == size for column in columns):
            return [{name: column[row] for name, column in value.items()} for row in range(size)]
    return None


def list_within(text: str, start: int, decode: Any) -> tuple[int, list[Field]] | None:
    """Where in ``text``, which begins an object at ``start`` and may be cut, the members of its list of articles begin,
    and what the object states for all of them before; None if there is none in sight. ``decode`` is a JSON decoder's
    ``raw_decode``."""
    place = start + 1
    before: dict[str, Any] = {}
    for _ in range(1000):
        member = _OPENING.match(text, place)
        if member is None:
            return None
        place = member.end()
        character = text[place : place + 1]
        known = bare_name(member[1]) in _NAMES
        if known and character == "[" and re.compile(r"\[\s*\{").match(text, place):
            return place + 1, stated_for_all(before)
        if known and character == "{" and member[1] not in ("feed", "channel"):
            place += 1
            continue
        try:
            before[member[1]], place = decode(text, place)
        except (ValueError, RecursionError):
            if not known or character != "{":
                return None
            place += 1
    return None
