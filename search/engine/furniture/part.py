"""The furniture part of a segment: where each sentence of its articles stands, to learn from, and which are furniture.

Arrays, for n articles and s sentences: ``values`` u8[s], ascending, what tells a sentence of a source from all others,
``owners`` u4[s], the article of each, and ``places`` u8[s], where in its text (``learn.Block``); ``titles``
u1[n, TITLE / 8]; ``learned`` u8[k], ascending, the values that were found to be furniture among the part's own articles
when it was made; ``spans`` i4[m, 2], offsets of the furniture of each article in its text, by article and then place,
and ``span_starts`` i8[n + 1], where each one's begin. ``settled``, in what is said of it: all articles that were live
were looked at for that, and which of them are copies was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.engine.furniture import VERSION
from search.engine.furniture.learn import Articles, Block, Integers, keys, learned, packed, title_bits, unpacked
from search.errors import ArchiveDamaged
from search.records import Article
from search.storage.container import Part, PartData, Stored, Streamed
from search.text.copies.words import Hashes, mixed
from search.text.furniture import Sentences

BLOCK = 1 << 20  # sentences merged at once
_DTYPES = {
    "values": ("<u8", 1),
    "owners": ("<u4", 1),
    "places": ("<u8", 1),
    "titles": ("|u1", 2),
    "learned": ("<u8", 1),
    "spans": ("<i4", 2),
    "span_starts": ("<i8", 1),
}


class Printed(NamedTuple):
    """The sentences of n articles, ``block`` as a part holds them, and ``titles`` uint8[n, TITLE / 8]."""

    block: Block
    titles: NDArray[np.uint8]


def printed(articles: Sequence[Article], sentences: Sentences) -> Printed:
    """What a part holds of articles and their sentences."""
    sources = np.array([number_of(article.source) for article in articles], np.uint64)
    kept = np.flatnonzero(sentences.numbers)
    owners = sentences.owners[kept]
    values = keys(sentences.numbers[kept], sources[owners])
    places = packed(sentences.starts[kept], sentences.ends[kept], sentences.flags[kept])
    order = np.argsort(values, kind="stable")
    block = Block(values[order], owners[order], places[order])
    return Printed(block, title_bits(article.title for article in articles))


def number_of(source: str) -> int:
    """A number for a source's name."""
    return int.from_bytes(blake2b(source.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Spans(NamedTuple):
    """The furniture of n articles: ``spans`` int32[m, 2] by article and then place; ``starts`` int64[n + 1]."""

    spans: NDArray[np.int32]
    starts: Integers

    def of(self, number: int) -> list[tuple[int, int]]:
        """That of one article."""
        own = self.spans[int(self.starts[number]) : int(self.starts[number + 1])].tolist()
        return [(start, end) for start, end in own]

    def take(self, numbers: Integers) -> Spans:
        """That of some articles, in order."""
        counts = self.starts[numbers + 1] - self.starts[numbers]
        starts = np.append(0, np.cumsum(counts))
        places = np.arange(int(starts[-1])) + np.repeat(self.starts[numbers] - starts[:-1], counts)
        return Spans(self.spans[places], starts)

    def numbers(self) -> Hashes:
        """uint64[n]: a number for the furniture of each article, 0 for none."""
        ends = self.spans.astype(np.uint64)
        each = mixed((ends[:, 0] << np.uint64(32) | ends[:, 1]) * np.uint64(0x9E3779B97F4A7C15))
        sums = np.zeros(len(self.starts) - 1, np.uint64)
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            sums[some] = np.add.reduceat(each, self.starts[some])
        return sums


def spans_of(blocks: Iterator[Block] | Sequence[Block], known: Hashes, count: int) -> Spans:
    """Where those sentences of ``count`` articles stand whose value is ``known``, ascending, to be furniture."""
    owners, places = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for block in blocks if len(known) else ():
        at = np.minimum(np.searchsorted(known, block.values), len(known) - 1)
        held = known[at] == block.values
        owners.append(block.owners[held])
        places.append(block.places[held])
    all_owners, all_places = np.concatenate(owners), np.concatenate(places)
    order = np.lexsort((all_places, all_owners))
    starts, ends, _ = unpacked(all_places[order])
    bounds = np.searchsorted(all_owners[order], np.arange(count + 1))
    return Spans(np.column_stack((starts, ends)).astype(np.int32), bounds.astype(np.int64))


def build_part(made: Printed, own: Hashes, spans: Spans, digest: str) -> PartData:
    """A furniture part. ``own``: what was learned of these articles; ``digest`` is that of the segment's ids."""
    arrays: dict[str, Stored] = {
        "values": made.block.values,
        "owners": made.block.owners.astype(np.uint32),
        "places": made.block.places,
        "titles": made.titles,
        "learned": own,
        "spans": spans.spans,
        "span_starts": spans.starts,
    }
    return PartData(arrays, _meta(len(made.titles), digest, settled=False))


def _meta(articles: int, digest: str, settled: bool) -> dict[str, Any]:
    return {"articles": articles, "ids_digest": digest, "version": VERSION, "settled": settled}


def is_current(part: Part) -> bool:
    """Whether a part is of the version that is understood."""
    return part.meta.get("version") == VERSION


def opened(part: Part) -> Spans:
    """The furniture of a part's articles. Raises ArchiveDamaged for a part that contradicts itself."""
    for name, (dtype, dimensions) in _DTYPES.items():
        if part[name].dtype.str != dtype or part[name].ndim != dimensions:
            raise _damaged(part)
    spans, bounds, count = part["spans"], part["span_starts"], len(part["titles"])
    if not len(part["values"]) == len(part["owners"]) == len(part["places"]):
        raise _damaged(part)
    if part["titles"].shape[1:] != title_bits([""]).shape[1:] or spans.shape[1:] != (2,):
        raise _damaged(part)
    if len(bounds) != count + 1 or int(bounds[0]) != 0 or int(bounds[-1]) != len(spans):
        raise _damaged(part)
    if (bounds[1:] < bounds[:-1]).any():
        raise _damaged(part)
    return Spans(spans, bounds)


def check_part(part: Part) -> None:
    """Raise ArchiveDamaged for a part whose numbers contradict each other. It takes all of it into memory once."""
    spans, bounds = opened(part)
    if len(part["owners"]) and int(part["owners"].max()) >= len(part["titles"]):
        raise _damaged(part)
    for name in ("values", "learned"):
        if (part[name][1:] < part[name][:-1]).any():
            raise _damaged(part)
    owners = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    follow = owners[1:] == owners[:-1]
    if (spans[:, 0] < 0).any() or (spans[:, 1] <= spans[:, 0]).any() or (spans[1:, 0] < spans[:-1, 1])[follow].any():
        raise _damaged(part)


def _damaged(part: Part) -> ArchiveDamaged:
    return ArchiveDamaged(f"{part.path} has bad arrays; 'broadsheet doctor --repair' makes it again")


def merge_parts(
    parts: Sequence[Part],
    keep: Sequence[NDArray[np.bool_]],
    articles: Articles,
    known: Hashes,
    digest: str,
    settled: bool,
) -> PartData:
    """The part of the kept articles of several parts, in order: what is furniture among them is learned anew.

    ``articles`` are the kept ones; ``known`` uint64[k], ascending, what is furniture by other segments; ``settled``:
    there are none.
    """
    for part in parts:
        opened(part)
    starts = np.cumsum([0, *(int(np.count_nonzero(mask)) for mask in keep)])
    places = [np.where(mask, start + np.cumsum(mask) - 1, -1) for mask, start in zip(keep, starts, strict=False)]
    titles = np.concatenate([part["titles"][mask] for part, mask in zip(parts, keep, strict=True)])
    blocks = partial(_blocks, parts, places)
    own = learned(blocks(), articles, titles)
    spans = spans_of(blocks(), np.union1d(own, known), len(titles))
    count = sum(int(np.count_nonzero(mask[part["owners"]])) for part, mask in zip(parts, keep, strict=True))

    def streamed(dtype: str, of: Callable[[Block], NDArray[np.generic]]) -> Streamed:
        return Streamed(np.dtype(dtype), (count,), lambda: (of(block) for block in blocks()))

    return PartData(
        {
            "values": streamed("<u8", lambda block: block.values),
            "owners": streamed("<u4", lambda block: block.owners),
            "places": streamed("<u8", lambda block: block.places),
            "titles": titles,
            "learned": own,
            "spans": spans.spans,
            "span_starts": spans.starts,
        },
        _meta(len(titles), digest, settled),
    )


def _blocks(parts: Sequence[Part], places: Sequence[Integers]) -> Iterator[Block]:
    """The sentences of kept articles and their new owners, by value and then owner, some values at a time."""
    largest = max((part["values"] for part in parts), key=len)
    pieces = sum(len(part["values"]) for part in parts) // BLOCK + 1
    cuts = largest[[len(largest) * piece // pieces for piece in range(1, pieces)]] if len(largest) else largest
    bounds = [[0, *np.searchsorted(part["values"], cuts).tolist(), len(part["values"])] for part in parts]
    for piece in range(len(cuts) + 1):
        values, owners, where = [], [], []
        for part, place, own in zip(parts, places, bounds, strict=True):
            stretch = slice(own[piece], own[piece + 1])
            moved = place[part["owners"][stretch]]
            kept = moved >= 0
            values.append(part["values"][stretch][kept])
            owners.append(moved[kept])
            where.append(part["places"][stretch][kept])
        every = np.concatenate(values)
        order = np.argsort(every, kind="stable")
        yield Block(every[order], np.concatenate(owners)[order], np.concatenate(where)[order])
