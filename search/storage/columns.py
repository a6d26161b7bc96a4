"""Columns: what filters, sorting and tie-breaks need of every article of a snapshot, as arrays over ordinals."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.records import Article
from search.storage.container import Part, PartData

MISSING_INSTANT = np.iinfo(np.int64).min
MISSING_DAY = 0
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MICROSECONDS = 86_400_000_000
CATEGORIES = ("source", "section", "agency", "language")


def instant(published: date | None) -> int:
    """Microseconds since the Unix epoch in UTC. A plain day counts from its midnight in UTC; None is missing.

    Computed with integers: the ends of the calendar (year 1, year 9999) have no UTC ``datetime``.
    """
    if published is None:
        return int(MISSING_INSTANT)
    days = published.toordinal() - _EPOCH_DAY
    if not isinstance(published, datetime):
        return days * _DAY_MICROSECONDS
    seconds = published.hour * 3600 + published.minute * 60 + published.second
    offset = published.utcoffset()
    shift = 0 if offset is None else offset.days * _DAY_MICROSECONDS + offset.seconds * 1_000_000 + offset.microseconds
    return days * _DAY_MICROSECONDS + seconds * 1_000_000 + published.microsecond - shift


def ids_digest(ids: Iterable[str]) -> str:
    """SHA-256 in hex over ids in row order: what all parts of one segment must agree on."""
    digest = hashlib.sha256()
    for one in ids:
        digest.update(one.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def pack_strings(values: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Strings as one blob and the end of each in it."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def unpack_string(blob: NDArray[np.uint8], ends: NDArray[np.int64], index: int) -> str:
    """The string at ``index`` of ``pack_strings``."""
    start = int(ends[index - 1]) if index else 0
    return bytes(blob[start : int(ends[index])]).decode()


def _ids(ids: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Ids in row order, and the rows in the order of their ids, for look-ups."""
    blob, ends = pack_strings(ids)
    return {
        "ids_blob": blob,
        "ids_ends": ends,
        "ids_order": np.array(sorted(range(len(ids)), key=ids.__getitem__), np.uint32),
    }


def _coded(values: Sequence[str], name: str) -> dict[str, NDArray[Any]]:
    """Values as codes into their sorted distinct names."""
    names = sorted(set(values))
    codes = {value: code for code, value in enumerate(names)}
    blob, ends = pack_strings(names)
    return {name: np.array([codes[v] for v in values], np.uint32), f"{name}_blob": blob, f"{name}_ends": ends}


def _names(part: Part, name: str) -> list[str]:
    blob, ends = part[f"{name}_blob"], part[f"{name}_ends"]
    return [unpack_string(blob, ends, i) for i in range(len(ends))]


def build_columns(articles: Sequence[Article], rows: Sequence[int]) -> PartData:
    """A columns part. ``rows`` are catalog rows, strictly ascending.

    ``author`` holds the codes of all authors of all articles in a row, ``author_counts`` how many each article has.
    """
    ids = [article.id for article in articles]
    days = [MISSING_DAY if article.published is None else article.published.toordinal() for article in articles]
    arrays: dict[str, NDArray[Any]] = {
        "rows": np.asarray(rows, np.int64),
        "published": np.array([instant(article.published) for article in articles], np.int64),
        "day": np.array(days, np.int32),
        "author_counts": np.array([len(article.authors) for article in articles], np.uint32),
    }
    arrays |= _ids(ids)
    for name in CATEGORIES:
        arrays |= _coded([getattr(article, name) for article in articles], name)
    arrays |= _coded([author for article in articles for author in article.authors], "author")
    return PartData(arrays, {"articles": len(ids), "ids_digest": ids_digest(ids)})


def merge_columns(parts: Sequence[Part], keep: Sequence[NDArray[np.bool_]]) -> PartData:
    """The columns of the kept rows of several parts, in order: equal to columns built of those articles at once."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in ("rows", "published", "day", "author_counts"):
        arrays[name] = np.concatenate([part[name][mask] for part, mask in zip(parts, keep, strict=True)])
    ids: list[str] = []
    for part, mask in zip(parts, keep, strict=True):
        ids.extend(unpack_string(part["ids_blob"], part["ids_ends"], i) for i in np.flatnonzero(mask).tolist())
    arrays |= _ids(ids)
    authored = [np.repeat(mask, part["author_counts"]) for part, mask in zip(parts, keep, strict=True)]
    for name in CATEGORIES:
        arrays |= _merged(parts, keep, name)
    arrays |= _merged(parts, authored, "author")
    return PartData(arrays, {"articles": len(ids), "ids_digest": ids_digest(ids)})


def _merged(parts: Sequence[Part], keep: Sequence[NDArray[np.bool_]], name: str) -> dict[str, NDArray[Any]]:
    """One coded column of the kept values, with names that nothing uses any more left out."""
    kept = [part[name][mask] for part, mask in zip(parts, keep, strict=True)]
    values = [_names(part, name) for part in parts]
    used = {own[code] for own, codes in zip(values, kept, strict=True) for code in np.unique(codes).tolist()}
    names = sorted(used)
    place = {value: code for code, value in enumerate(names)}
    blob, ends = pack_strings(names)
    renamed = [
        np.array([place.get(value, 0) for value in own], np.uint32)[codes]
        for own, codes in zip(values, kept, strict=True)
    ]
    return {name: np.concatenate(renamed), f"{name}_blob": blob, f"{name}_ends": ends}


class Columns:
    """The columns of a snapshot, over ordinals 0..N-1."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = list(parts)
        for part in parts:
            for name, dtype in (("rows", np.int64), ("published", np.int64), ("day", np.int32)):
                if part[name].dtype != dtype or part[name].shape != (part["rows"].size,):
                    raise ArchiveDamaged(f"{part.path} has a bad column {name!r}; run 'broadsheet doctor'")
        sizes = [len(part["rows"]) for part in parts]
        self.bases = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.rows: NDArray[np.int64] = _join(parts, "rows", np.int64)
        self.published: NDArray[np.int64] = _join(parts, "published", np.int64)
        self.day: NDArray[np.int32] = _join(parts, "day", np.int32)
        if not bool((self.rows[1:] > self.rows[:-1]).all()):
            raise ArchiveDamaged("the segments' rows are out of order; run 'broadsheet doctor'")

    def __len__(self) -> int:
        return int(self.bases[-1])

    def names(self, category: str) -> list[str]:
        """The distinct values of one of CATEGORIES, of live and dead articles, sorted; without the empty one."""
        return sorted({name for part in self._parts for name in _names(part, category)} - {""})

    def texts(self, name: str, start: int, stop: int) -> list[str]:
        """The id, or the value of one of CATEGORIES, of the ordinals from ``start`` to ``stop``, all of one segment."""
        if name == "id":
            return self.ids(range(start, stop))
        part = self._parts[int(np.searchsorted(self.bases, start, side="right")) - 1]
        names = _names(part, name)
        return [names[code] for code in part[name].tolist()]

    def name(self, category: str, ordinal: int) -> str:
        """The value of one of CATEGORIES of one article."""
        segment = int(np.searchsorted(self.bases, ordinal, side="right")) - 1
        part = self._parts[segment]
        code = int(part[category][ordinal - int(self.bases[segment])])
        return unpack_string(part[f"{category}_blob"], part[f"{category}_ends"], code)

    def numbered(self, category: str, ordinals: NDArray[np.int64], number: Callable[[str], int]) -> NDArray[np.int64]:
        """The ``number`` of the value of one of CATEGORIES of each of some articles; it is asked once for each value of
        a segment."""
        found = np.empty(len(ordinals), np.int64)
        segments = np.searchsorted(self.bases, ordinals, side="right") - 1
        for place in np.unique(segments).tolist():
            part, own = self._parts[place], np.flatnonzero(segments == place)
            of_code = np.array([number(name) for name in _names(part, category)], np.int64)
            found[own] = of_code[part[category][ordinals[own] - self.bases[place]]]
        return found

    def ids(self, ordinals: Iterable[int]) -> list[str]:
        """The ids of some articles."""
        found = []
        for ordinal in ordinals:
            segment = int(np.searchsorted(self.bases, ordinal, side="right")) - 1
            part = self._parts[segment]
            found.append(unpack_string(part["ids_blob"], part["ids_ends"], int(ordinal - self.bases[segment])))
        return found

    def find(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """The ordinals of all rows, live or dead, that have one of these ids; ascending."""
        found: list[int] = []
        wanted = {one.encode("utf-8", "surrogatepass") for one in ids}  # whose order is that of the texts
        for base, part in zip(self.bases.tolist(), self._parts, strict=False):
            order, name = part["ids_order"].data, _Names(part)
            for one in wanted:
                place = bisect.bisect_left(order, one, key=name)
                while place < len(order) and name(order[place]) == one:
                    found.append(base + order[place])
                    place += 1
        return np.array(sorted(found), np.int64)

    def ordinals(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The ordinal of each catalog row, -1 for one that no segment holds."""
        wanted = np.asarray(rows, np.int64)
        if not len(self.rows):
            return np.full(len(wanted), -1, np.int64)
        found = np.minimum(np.searchsorted(self.rows, wanted), len(self.rows) - 1)
        return np.where(self.rows[found] == wanted, found, -1)


class _Names:
    """The id of a row of one part, in UTF-8."""

    def __init__(self, part: Part) -> None:
        self._blob, self._ends = part["ids_blob"].data, part["ids_ends"].data

    def __call__(self, row: int) -> bytes:
        return bytes(self._blob[self._ends[row - 1] if row else 0 : self._ends[row]])


def _join(parts: Sequence[Part], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0][name]
    return np.concatenate([part[name] for part in parts]) if parts else np.empty(0, dtype)
