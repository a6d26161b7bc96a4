"""A record of names and values becomes an article: fields by their common names, ids made where there is none."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from search.ingest.clean import clean_line, clean_text, clean_value
from search.ingest.dates import read_date
from search.records import Article

ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "_id", "guid"),
    "title": ("title", "headline"),
    "text": ("text", "body", "content", "article"),
    "published": ("published", "published_at", "date", "pubDate"),
    "source": ("source", "publisher", "outlet"),
    "authors": ("authors", "author", "byline"),
    "url": ("url", "link"),
    "section": ("section", "category", "topic"),
    "language": ("language", "lang"),
    "agency": ("agency",),
    "dateline": ("dateline",),
    "caption": ("caption",),
    "extra": ("extra",),
}
ID_LIMIT = 512
DEPTH_LIMIT = 64  # levels of objects and lists in what goes to ``extra``
PUBLISHED_RAW = "published_raw"
_NAME_LIMIT = 64  # a longer name is no field's, and is kept out of the cache

_LABELS = ("source", "section", "language", "agency", "dateline", "caption")


class BadRecord(Exception):
    """The record cannot become an article; the message says why."""


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())


# "_id" is "id" once bare, and the later of the two names in the design's order.
_PLACES = {_bare(alias): (field, rank) for field, names in ALIASES.items() for rank, alias in enumerate(names)}
_PLACES["id"] = ("id", 0)


@lru_cache(maxsize=4096)
def place_of(name: str) -> tuple[str, int] | None:
    """The article field that a name stands for and the name's rank among its aliases; None for an unknown name.
    Case, spaces, hyphens and underscores do not count."""
    field, rank = _PLACES.get(_bare(name), ("", 0))
    if not field:
        return None
    return field, 1 if field == "id" and name.strip().startswith("_") else rank


def to_article(record: Mapping[str, Any]) -> Article:
    """The article that ``record`` describes. Raises ``BadRecord`` where there is none.

    Of several names for one field the first in ``ALIASES`` that holds something is used, and the others go to
    ``extra`` with the fields of unknown names. A date that cannot be read, or could be read in two ways, costs the
    article nothing: its raw value is kept as ``extra["published_raw"]``.
    """
    chosen: dict[str, tuple[int, str, Any]] = {}
    extra: dict[str, Any] = {}
    for name, value in record.items():
        place = place_of(name) if len(name) <= _NAME_LIMIT else None
        if place is None:
            extra[name] = value
            continue
        field, rank = place
        if _is_empty(value):
            continue
        held = chosen.get(field)
        if held is not None and held[0] <= rank:
            extra[name] = value
            continue
        if held is not None:
            extra[held[1]] = held[2]
        chosen[field] = rank, name, value
    text = clean_text(_string(chosen, "text"))
    title = clean_line(_string(chosen, "title"))
    if not text.strip():
        if not title:
            found = ", ".join(clean_line(str(name))[:40] for name in list(record)[:12]) or "none"
            raise BadRecord(f"neither title nor text (fields found: {found})")
        text = ""
    fields: dict[str, Any] = {"title": title, "text": text}
    for field in _LABELS:
        if field in chosen:
            _, name, value = chosen[field]
            label, whole = _label(value)
            fields[field] = label
            if not whole:
                extra[name] = value
    if "authors" in chosen:
        _, name, value = chosen["authors"]
        fields["authors"], whole = _authors(value)
        if not whole:
            extra[name] = value
    if "url" in chosen:
        _, name, value = chosen["url"]
        fields["url"], whole = _label(value)
        if not whole:
            extra[name] = value
    if "published" in chosen:
        raw = chosen["published"][2]
        fields["published"], certain = read_date(raw)
        if not certain:
            extra[PUBLISHED_RAW] = raw
    if "extra" in chosen:
        _, name, value = chosen["extra"]
        extra = {**value, **extra} if isinstance(value, Mapping) else {**extra, name: value}
    if extra:
        fields["extra"] = {clean_value(str(name)): _json_value(value) for name, value in extra.items()}
    given = _given_id(chosen["id"][2]) if "id" in chosen else None
    return Article(id=given or _made_id(fields), **fields)


def split_names(line: str) -> tuple[str, ...]:
    """The people in a byline: "By A; B and C" is A, B, C. A comma parts two names only where every part has two words
    or more, so "Smith, John" stays one."""
    line = re.sub(r"^\s*by(?::\s*|\s+|\Z)", "", clean_line(line), flags=re.IGNORECASE)
    names: list[str] = []
    for part in re.split(r"\s*;\s*|,?\s+and\s+|\s+&\s+", line):
        pieces = [piece.strip() for piece in part.split(",")]
        names += pieces if all(" " in piece for piece in pieces) else [part.strip(" ,")]
    return unique(names)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not empty, each once, in order."""
    return tuple(dict.fromkeys(name for name in names if name))


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, list | dict) and not value)


def _string(chosen: Mapping[str, tuple[int, str, Any]], field: str) -> str:
    if field not in chosen:
        return ""
    _, name, value = chosen[field]
    if not isinstance(value, str):
        raise BadRecord(f"{clean_line(name)} must be a string, not {json_type(value)}")
    return value


def json_type(value: object) -> str:
    """What JSON calls a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, Mapping) else "an array"


def _label(value: object) -> tuple[str, bool]:
    """One line for a value, and whether that is all of it. An object gives its "name", an array its first member."""
    if isinstance(value, str):
        return clean_line(value), True
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), True
    if isinstance(value, Mapping):
        name = value.get("name")
        return (clean_line(name), len(value) == 1) if isinstance(name, str) else ("", False)
    if isinstance(value, list) and value:
        label, whole = _label(value[0]) if not isinstance(value[0], list) else ("", False)
        return label, whole and len(value) == 1
    return "", False


def _authors(value: object) -> tuple[tuple[str, ...], bool]:
    if isinstance(value, str):
        return split_names(value), True
    members = value if isinstance(value, list) else [value]
    labels = [_label(member) for member in members]
    return unique(label for label, _ in labels), all(whole for _, whole in labels)


def _given_id(value: object) -> str | None:
    if isinstance(value, Mapping) and len(value) == 1 and "$oid" in value:  # as MongoDB exports write it
        value = value["$oid"]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRecord(f"id must be a string, not {json_type(value)}")
    text = str(value).strip()
    if not 0 < len(text) <= ID_LIMIT:
        raise BadRecord(f"id has {len(text)} characters; 1 to {ID_LIMIT} are allowed")
    if not text.isprintable():
        raise BadRecord("id has control characters or others that cannot be printed")
    return text


def _made_id(fields: Mapping[str, Any]) -> str:
    """``u-`` and 32 hex digits of SHA-256 over the url; without a url ``c-`` and those over title, text, date and
    source, so that two outlets' copies of one text stay two articles."""
    if fields.get("url"):
        return "u-" + hashlib.sha256(fields["url"].encode()).hexdigest()[:32]
    published = fields.get("published")
    parts = fields["title"], fields["text"], published.isoformat() if published else "", fields.get("source", "")
    return "c-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _json_value(value: Any, depth: int = 1) -> Any:
    """``value`` as any JSON file can hold it: no lone surrogates, no NaN or infinity (they become null)."""
    if isinstance(value, str):
        return clean_value(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if depth > DEPTH_LIMIT:
        raise BadRecord(f"objects and arrays nested deeper than {DEPTH_LIMIT}")
    if isinstance(value, Mapping):
        return {clean_value(str(name)): _json_value(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(member, depth + 1) for member in value]
    return clean_value(str(value))
