"""The stories part of a segment: what its articles are found by as copies, and the links from them to earlier ones.

A link joins two articles whose texts are copies, and nothing else is stored of it: which story an article belongs to is
read from the links of those articles that can be seen (``groups``). So deleting an article takes apart what it alone
held together, ``--as-of`` sees the stories of that day, and a merge changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.engine.stories.groups import links
from search.errors import ArchiveDamaged
from search.records import Article
from search.records.editions import Edition
from search.storage.columns import MISSING_DAY
from search.storage.container import Part, PartData, Streamed
from search.text.copies.fingerprints import fingerprints
from search.text.copies.words import Reading

BLOCK = 1 << 20  # fingerprints merged at once
Rows = NDArray[np.int64]
_NONE: Rows = np.empty((0, 2), np.int64)


class Prints(NamedTuple):
    """What n articles are found by, as a part holds it.

    ``rows`` int64[n] in the catalog, ascending; ``days`` int32[n]; ``below``, ``words`` uint32[n] and ``digests``
    uint64[n] as ``Fingerprints`` have them; ``by_digest`` uint32[n], the articles in the order of their digests, and
    ``in_order`` uint64[n], these digests;
    ``values`` uint32[f], ascending, with ``owners`` uint32[f], the article of each.
    ``descents`` int64[e, 2], as the function has them; parts that are older have none.
    """

    rows: Rows
    days: NDArray[np.int32]
    below: NDArray[np.uint32]
    words: NDArray[np.uint32]
    digests: NDArray[np.uint64]
    by_digest: NDArray[np.uint32]
    in_order: NDArray[np.uint64]
    values: NDArray[np.uint32]
    owners: NDArray[np.uint32]
    descents: Rows = _NONE


_DTYPES = dict(zip(Prints._fields, ("<i8", "<i4", "<u4", "<u4", "<u8", "<u4", "<u8", "<u4", "<u4"), strict=False))


def prints(articles: Sequence[Article], rows: Sequence[int], seen: Callable[[Reading], None] | None = None) -> Prints:
    """What articles are found by; ``rows`` are their catalog rows, ascending. ``seen`` gets the texts as they are
    read."""
    found = fingerprints([article.title for article in articles], [article.text for article in articles], seen)
    days = [MISSING_DAY if article.published is None else article.published.toordinal() for article in articles]
    by_digest = np.argsort(found.digests, kind="stable").astype(np.uint32)
    return Prints(
        np.asarray(rows, np.int64),
        np.array(days, np.int32),
        found.below,
        found.words,
        found.digests,
        by_digest,
        found.digests[by_digest],
        found.values,
        found.owners,
        descents(articles, rows),
    )


def origin_of(article: Article) -> str:
    """The id of the article that one goes on with; "" where it says none."""
    edition = Edition.of(article)
    return "" if edition is None else edition.evolved_from


def key_of(article_id: str) -> int:
    """An id as parts hold it, to be found by: a number that other ids share as good as never."""
    digest = hashlib.blake2b(article_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def descents(articles: Sequence[Article], rows: Sequence[int]) -> Rows:
    """int64[e, 2]: the row of each article that goes on with another one, and the key of that one's id."""
    found = [(row, key_of(origin)) for row, one in zip(rows, articles, strict=True) if (origin := origin_of(one))]
    return np.array(found, np.int64).reshape(-1, 2)


def build_part(made: Prints, links: Rows, digest: str) -> PartData:
    """A stories part. ``links`` int64[m, 2]: an article's row, and an earlier one's of which it is a copy; ``digest``
    is that of the segment's ids."""
    return PartData({**made._asdict(), "links": links}, {"articles": len(made.rows), "ids_digest": digest})


def opened(part: Part) -> Prints:
    """What the articles of a part are found by. Raises ArchiveDamaged for a part that contradicts itself."""
    arrays = [part[name] for name in _DTYPES]
    followers = _NONE
    if "descents" in part:
        followers = part["descents"]
    held = Prints(*arrays, descents=followers)  # type: ignore[misc]
    count = len(held.rows)
    kinds = zip(arrays, _DTYPES.values(), strict=True)
    sound = all(array.ndim == 1 and array.dtype.str == kind for array, kind in kinds)
    sound = sound and {len(array) for array in arrays[:7]} == {count} and len(held.values) == len(held.owners)
    sound = sound and followers.dtype.str == "<i8" and followers.shape == (len(followers), 2)
    sound = sound and bool(np.isin(followers[:, 0], held.rows).all())
    if not sound or (len(held.owners) and int(held.owners.max()) >= count):
        raise _damaged(part)
    if count and (int(held.by_digest.max()) >= count or (held.rows[1:] <= held.rows[:-1]).any()):
        raise _damaged(part)
    return held


def _damaged(part: Part) -> ArchiveDamaged:
    return ArchiveDamaged(f"{part.path} has bad arrays; 'broadsheet regroup' finds the copies of all articles anew")


def merge_parts(
    parts: Sequence[Part], keep: Sequence[NDArray[np.bool_]], alive: Callable[[Rows], NDArray[np.bool_]], digest: str
) -> PartData:
    """The part of the kept articles of several parts, in order. ``alive`` says which catalog rows are of live articles:
    links to others go."""
    held = [opened(part) for part in parts]
    starts = np.cumsum([0, *(int(np.count_nonzero(mask)) for mask in keep)])
    arrays = {
        name: np.concatenate([getattr(one, name)[mask] for one, mask in zip(held, keep, strict=True)])
        for name in ("rows", "days", "below", "words", "digests")
    }
    every = np.concatenate([links(part) for part in parts])
    own = every[np.isin(every[:, 0], arrays["rows"])]
    followers = np.concatenate([one.descents for one in held])
    places = [np.where(mask, start + np.cumsum(mask) - 1, -1) for mask, start in zip(keep, starts, strict=False)]
    count = sum(int(np.count_nonzero(mask[one.owners])) for one, mask in zip(held, keep, strict=True))
    blocks = partial(_merged, held, places)
    by_digest = np.argsort(arrays["digests"], kind="stable").astype(np.uint32)
    return PartData(
        {
            **arrays,
            "by_digest": by_digest,
            "in_order": arrays["digests"][by_digest],
            "values": Streamed(np.dtype("<u4"), (count,), lambda: (values for values, _ in blocks())),
            "owners": Streamed(np.dtype("<u4"), (count,), lambda: (owners for _, owners in blocks())),
            "descents": followers[np.isin(followers[:, 0], arrays["rows"])],
            "links": own[alive(own[:, 1])],
        },
        {"articles": int(starts[-1]), "ids_digest": digest},
    )


def _merged(held: Sequence[Prints], places: Sequence[Rows]) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.uint32]]]:
    """The fingerprints of kept articles and their new owners, by value and then owner, some at a time."""
    largest = max(held, key=lambda one: len(one.values)).values
    pieces = sum(len(one.values) for one in held) // BLOCK + 1
    cuts = largest[[len(largest) * piece // pieces for piece in range(1, pieces)]]
    bounds = [[0, *np.searchsorted(one.values, cuts).tolist(), len(one.values)] for one in held]
    for piece in range(pieces):
        keys = [np.empty(0, np.uint64)]
        for one, place, own in zip(held, places, bounds, strict=True):
            stretch = slice(own[piece], own[piece + 1])
            owners = place[one.owners[stretch]]
            kept = owners >= 0
            keys.append(one.values[stretch][kept].astype(np.uint64) << np.uint64(32) | owners[kept].astype(np.uint64))
        both = np.sort(np.concatenate(keys))
        yield (both >> np.uint64(32)).astype(np.uint32), (both & np.uint64(0xFFFFFFFF)).astype(np.uint32)
