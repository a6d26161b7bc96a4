"""What a segment should hold: made again from its articles' records, and compared. A checksum only says that a file is
as it was written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import Analysis
from search.keyword.part import merge as keyword_merge
from search.keyword.part import write as keyword
from search.keyword.part.layout import OFFSETS
from search.records import Article
from search.storage.columns import build_columns, merge_columns
from search.storage.container import Part, PartData, Stored, Streamed, open_part, write_part
from search.storage.folder import Folder
from search.storage.segments import KEYWORD
from search.text import passages

CHUNK = 1000  # articles in memory

Read = Callable[[list[int]], dict[int, Article]]
"""Gives the articles of some catalog rows, as far as there are records of them."""


def columns_differ(part: Part, read: Read, analysis: Analysis) -> str | None:
    """Which columns of a part are not those of its articles, in words; None if all are. Articles whose records are
    gone, being dead, are passed over. ``analysis`` tells the languages of those that declare none."""
    rows = part["rows"]
    for start in range(0, len(rows), CHUNK):
        mask, articles = _recorded(rows, start, read)
        kept = [int(row) for row in rows[mask]]
        if differing := _differing(build_columns(analysis.told(articles), kept), merge_columns([part], [mask])):
            return ", ".join(differing)
    return None


def keyword_differs(part: Part, rows: NDArray[np.int64], read: Read, analysis: Analysis) -> str | None:
    """Which arrays of a keyword part are not those that indexing its articles again gives; None if all are.

    It takes as long as indexing, the disk of one such part, and the memory of a thousand articles.
    """
    recorded = np.zeros(len(rows), np.bool_)
    with tempfile.TemporaryDirectory(prefix="broadsheet-doctor-") as name, closing(Folder.open(Path(name))) as folder:
        pieces: list[Part] = []
        for start in range(0, len(rows), CHUNK):
            mask, articles = _recorded(rows, start, read)
            recorded |= mask
            layouts = [passages.lay_out(article.text) for article in articles]
            made = keyword.build_part(analysis.told(articles), layouts, analysis)
            place = folder / f"{start}.part"
            write_part(place, KEYWORD, made.arrays, made.meta)
            pieces.append(open_part(place, KEYWORD))
        keep = [np.ones(piece.meta["articles"], np.bool_) for piece in pieces]
        expected = keyword_merge.merge_parts(pieces, keep)
        if OFFSETS not in part:  # an earlier version made it
            expected = PartData(
                {name: expected.arrays[name] for name in expected.arrays if name != OFFSETS}, expected.meta
            )
        held = PartData(part.arrays(), part.meta) if recorded.all() else keyword_merge.merge_parts([part], [recorded])
        return ", ".join(_differing(expected, held)) or None


def _recorded(rows: NDArray[np.int64], start: int, read: Read) -> tuple[NDArray[np.bool_], list[Article]]:
    """Which of ``CHUNK`` rows have records, as bool over all rows, and their articles."""
    wanted = rows[start : start + CHUNK].tolist()
    found = read(wanted)
    mask = np.zeros(len(rows), np.bool_)
    mask[start : start + CHUNK] = [row in found for row in wanted]
    return mask, [found[row] for row in wanted if row in found]


def _differing(expected: PartData, held: PartData) -> list[str]:
    """The names of the arrays that are not the same in both, sorted."""
    names = sorted(expected.arrays.keys() | held.arrays.keys())
    return [
        name
        for name in names
        if name not in expected.arrays
        or name not in held.arrays
        or _digest(expected.arrays[name]) != _digest(held.arrays[name])
    ]


def _digest(array: Stored) -> tuple[str, tuple[int, ...], bytes]:
    """What tells two arrays apart: type, shape and a hash of the values, of which few are in memory at once."""
    digest = sha256()
    for block in _blocks(array):
        digest.update(np.ascontiguousarray(block, array.dtype).reshape(-1).view(np.uint8).data)
    return array.dtype.str, tuple(array.shape), digest.digest()


def _blocks(array: Stored) -> Iterator[NDArray[np.generic]]:
    if isinstance(array, Streamed):
        yield from array.blocks()
    elif array.size:
        yield array
