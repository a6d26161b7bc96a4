"""Whether the numbers of a columns part agree with each other: what no checksum says of a part that a stranger made."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.storage.columns import CATEGORIES, MISSING_DAY, MISSING_INSTANT, instant
from search.storage.container import Part

_DAY = 86_400_000_000
_FIRST, _LAST = instant(date.min) - _DAY, instant(date.max) + 2 * _DAY  # time zones reach beyond the calendar
_TYPES = {
    "rows": "<i8",
    "published": "<i8",
    "day": "<i4",
    "author_counts": "<u4",
    "ids_order": "<u4",
    **dict.fromkeys((*CATEGORIES, "author"), "<u4"),
    **{f"{name}_blob": "|u1" for name in ("ids", *CATEGORIES, "author")},
    **{f"{name}_ends": "<i8" for name in ("ids", *CATEGORIES, "author")},
}


def check_columns(part: Part) -> bool:
    """Raise ArchiveDamaged for a columns part whose numbers contradict each other or name no day, id or value."""
    for name, dtype in _TYPES.items():
        if part[name].dtype.str != dtype or part[name].ndim != 1:
            raise _damaged(part, f"{name!r}, of a wrong type")
    articles = len(part["rows"])
    for name in ("published", "day", "author_counts", "ids_order", "ids_ends", *CATEGORIES):
        if len(part[name]) != articles:
            raise _damaged(part, f"{name!r}, of other articles,")
    rows, day, published = part["rows"], part["day"], part["published"]
    if not (rows[1:] > rows[:-1]).all() or (articles and int(rows[0]) < 0):
        raise _damaged(part, "'rows', out of order,")
    if not ((day >= MISSING_DAY) & (day <= date.max.toordinal())).all():
        raise _damaged(part, "'day', of no calendar,")
    if not ((published == MISSING_INSTANT) | ((published >= _FIRST) & (published <= _LAST))).all():
        raise _damaged(part, "'published', of no calendar,")
    if int(part["author_counts"].sum(dtype=np.int64)) != len(part["author"]):
        raise _damaged(part, "'author_counts'")
    _check_strings(part, "ids")
    seen = np.zeros(articles, np.bool_)
    seen[part["ids_order"][part["ids_order"] < articles]] = True
    if not seen.all():
        raise _damaged(part, "'ids_order'")
    for name in (*CATEGORIES, "author"):
        _check_strings(part, name)
        ends, codes = part[f"{name}_ends"].tolist(), part[name]
        if len(codes) and int(codes.max()) >= len(ends):
            raise _damaged(part, f"{name!r}, which name nothing")
        blob = bytes(part[f"{name}_blob"])
        names = [blob[start:end] for start, end in pairwise((0, *ends))]
        if not all(earlier < later for earlier, later in pairwise(names)):  # by bytes as by characters
            raise _damaged(part, f"'{name}_blob', whose names are out of order,")
    return True


def _check_strings(part: Part, name: str) -> None:
    """The ends ascend to the end of the text, which is UTF-8 and cut between characters."""
    blob: NDArray[np.uint8] = part[f"{name}_blob"]
    ends: NDArray[np.int64] = part[f"{name}_ends"]
    if not (ends[1:] >= ends[:-1]).all() or len(blob) != (int(ends[-1]) if len(ends) else 0):
        raise _damaged(part, f"'{name}_ends'")
    inside = ends[ends < len(blob)]
    if len(ends) and (int(ends[0]) < 0 or (blob[inside] & 0xC0 == 0x80).any()):
        raise _damaged(part, f"'{name}_ends'")
    try:
        bytes(blob).decode()
    except UnicodeDecodeError:
        raise _damaged(part, f"'{name}_blob', no text,") from None


def _damaged(part: Part, what: str) -> ArchiveDamaged:
    return ArchiveDamaged(f"{part.path} has {what} that contradict the rest; run 'broadsheet doctor', or index again")
