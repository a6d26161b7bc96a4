"""RIS: references with tags of two letters, as ProQuest, NewsBank and reference managers write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from search.ingest.decode import TextStream
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.source import Head, Source
from search.records import Rejection

_TAG = re.compile(r"(?P<tag>[A-Z][A-Z0-9])  ?- ?(?P<value>.*)\Z")
# What the tags stand for, the surest first.
_FIELDS = {
    "id": ("ID", "AN"), "title": ("TI", "T1", "CT", "BT"), "authors": ("AU", "A1", "A2"),
    "published": ("DA", "Y1", "PY", "Y2"), "source": ("T2", "JF", "JO", "JA", "T3"), "url": ("UR", "L2", "LK"),
    "language": ("LA",), "section": ("SE",), "dateline": ("CY",),
}  # fmt: skip
_TEXTS = ("FT", "N2", "AB", "N1")
_NAMES = {
    "TY": "type", "KW": "keywords", "SP": "pages", "EP": "end_page", "SN": "issn", "PB": "publisher", "DB": "database",
    "DP": "provider", "VL": "volume", "IS": "issue", "N1": "notes", "AB": "abstract", "N2": "abstract", "DO": "doi",
    "ED": "editor", "ET": "edition", "M1": "number", "M3": "kind", "PP": "place", "PY": "year", "Y2": "accessed",
}  # fmt: skip
_MOST = 5_000  # lines of one reference


def recognises(head: Head) -> bool:
    """It begins with the tag of a reference's type."""
    return re.match(r"\ufeff?\s*TY  ?- ?[A-Z]", head.text) is not None


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each reference; a rejection for one that has no end or no title."""
    tags: list[tuple[str, str]] = []
    start = 1
    number = 0
    for place, text, overlong in TextStream(source).lines():
        found = None if overlong else _TAG.match(text.lstrip("\ufeff"))
        if overlong or len(tags) > _MOST:
            yield rejected(source, place, "the line or the reference is too long", text)
            tags = []
        elif found is None:
            if tags and text.strip():
                tags[-1] = tags[-1][0], f"{tags[-1][1]}\n{text.strip()}".strip()
        elif found["tag"] in ("TY", "ER"):
            if found["tag"] == "ER" and not tags and number:
                continue
            if tags:
                number += 1
                yield from _record(source, tags, start, ended=found["tag"] == "ER")
            tags, start = ([("TY", found["value"])] if found["tag"] == "TY" else []), place
        elif tags:
            tags.append((found["tag"], found["value"].strip()))
    if tags:
        yield from _record(source, tags, start, ended=False)


def _record(source: Source, tags: list[tuple[str, str]], place: int, *, ended: bool) -> Iterator[Record | Rejection]:
    values: dict[str, list[str]] = {}
    for tag, value in tags:
        if value:
            values.setdefault(tag, []).append(value)
    fields: dict[str, Any] = {}
    used: set[str] = set()
    for name, known in _FIELDS.items():
        first = next((tag for tag in known if tag in values), None)
        if first is not None:
            used.add(first)
            fields[name] = values[first] if name == "authors" else values[first][0]
    if "published" in fields:
        fields["published"] = _date(fields["published"])
    text = next((tag for tag in _TEXTS if tag in values), None)
    if text is not None:
        used.add(text)
        fields["text" if text == "FT" else "abstract"] = "\n\n".join(values[text])
    extra = {
        _NAMES.get(tag, tag): value if tag == "KW" or len(value) > 1 else value[0]
        for tag, value in values.items()
        if tag not in used
    }
    if not ended:
        yield rejected(source, place, "the reference has no end (ER)", "\n".join(f"{t}  - {v}" for t, v in tags))
        return
    yield Record({**fields, "extra": extra}, place, "\n".join(f"{tag}  - {value}" for tag, value in tags))


def _date(value: str) -> str:
    """2024/10/03/ and 2024/10// as dates are written elsewhere."""
    return "-".join(part for part in value.split("/")[:3] if part.strip()) or value


FORMAT = Format(name="ris", title="RIS references", recognises=recognises, read=read, extensions=(".ris",))
