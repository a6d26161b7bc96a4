"""GDELT's Global Knowledge Graph: 27 columns parted by tabs, without a header. It holds no texts: title, address, date,
outlet, and what GDELT found in an article. Its tables of events and mentions hold no titles either, and are refused."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from search.ingest.decode import TextStream
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.source import Head, Source
from search.records import Rejection

_COLUMNS = (
    "id",
    "date",
    "collection",
    "source",
    "url",
    "counts",
    "counts_at",
    "themes",
    "themes_at",
    "locations",
    "locations_at",
    "persons",
    "persons_at",
    "organizations",
    "organizations_at",
    "tone",
    "dates_at",
    "gcam",
    "image",
    "related_images",
    "social_images",
    "social_videos",
    "quotations",
    "names_at",
    "amounts",
    "translation",
    "extras",
)
_WIDTHS = {61: "events", 58: "events", 16: "mentions"}
_GRAPH = re.compile(r"\d{14}-T?\d+\t\d{8,14}\t\d\t")
_OTHER = re.compile(r"\d{6,10}\t\d{8,14}\t\d{6,14}\t")
_EXTRA = re.compile(r"<(?P<name>PAGE_\w+)>(?P<value>.*?)</(?P=name)>", re.DOTALL)
_LISTS = ("themes", "persons", "organizations")


def recognises(head: Head) -> bool:
    """Its first line begins as one of GDELT's tables does, and has as many columns."""
    first = head.text.lstrip("\ufeff").partition("\n")[0]
    width = first.count("\t") + 1
    return (width == len(_COLUMNS) and _GRAPH.match(first) is not None) or (
        width in _WIDTHS and _OTHER.match(first) is not None
    )


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each line; one without a title is rejected."""
    first = source.head.text.lstrip("\ufeff").partition("\n")[0]
    if (kind := _WIDTHS.get(first.count("\t") + 1)) is not None:
        yield rejected(source, None, f"a table of GDELT's {kind}: it holds neither titles nor texts")
        return
    for place, text, overlong in TextStream(source).lines():
        if not text.strip():
            continue
        cells = text.split("\t")
        if overlong or len(cells) != len(_COLUMNS):
            yield rejected(source, place, f"the line has {len(cells)} columns, not {len(_COLUMNS)}", text)
            continue
        values: dict[str, Any] = {name: cell for name, cell in zip(_COLUMNS, cells, strict=True) if cell.strip()}
        page = {
            found["name"].lower(): html.unescape(found["value"]) for found in _EXTRA.finditer(values.pop("extras", ""))
        }
        when = page.get("page_precisepubtimestamp") or values.get("date", "")
        fields = {name: values.pop(name, "") for name in ("id", "source", "url")}
        fields["title"] = page.pop("page_title", "")
        fields["published"] = f"{when[:8]}T{when[8:14]}Z" if len(when) == 14 else when
        fields["authors"] = page.pop("page_authors", "").replace(";", "; ")
        if (language := re.match(r"srclc:(\w+)", values.get("translation", ""))) is not None:
            fields["language"] = language[1]
        for name in _LISTS:
            if name in values:
                values[name] = [one for one in values[name].split(";") if one]
        yield Record({**fields, "extra": {**values, **page}}, place, text, False)


FORMAT = Format(name="gdelt", title="GDELT's knowledge graph", recognises=recognises, read=read)
