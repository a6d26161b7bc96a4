"""The engines that ``bench_vector`` compares: how each builds its index in a folder, and how it opens and asks it.

``build(folder, vectors, counts)`` gets float16[p, d] of norm 1 and int64[n], the passages of each article, and leaves
files named after ``stored``; ``open(folder, counts)`` finds them and gives a function of a query float32[d] and an
article mask bool[n] or None, which answers with up to ten articles or more, best first. Only ours take a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from search.storage.container import open_part, write_part
from search.vector import VectorIndex, build_part

PASSAGES = 60  # what a peer is asked for: ten articles of 6.65 passages each, were all of them alike
BLOCK = 50_000
Search = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


def distinct(articles: np.ndarray) -> np.ndarray:
    """The first ten articles of a list with repeats."""
    return articles[np.sort(np.unique(articles, return_index=True)[1])][:10]


def owners(counts: np.ndarray) -> np.ndarray:
    """int64[p]: the article of each passage."""
    return np.repeat(np.arange(len(counts)), counts)


class Broadsheet:
    """One vector part as an archive has it; ``depth`` articles are ranked, as a search ranks 1,000 to fuse them."""

    stored, masks = "part", True

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def build(self, folder: Path, vectors: np.ndarray, counts: np.ndarray) -> None:
        total = len(vectors)
        keys = np.random.default_rng(1).integers(0, 2**64, size=(total, 2), dtype=np.uint64)
        write_part(
            folder / self.stored, "vectors", *build_part(vectors, counts, np.zeros(total), np.zeros(total), keys)
        )

    def open(self, folder: Path, counts: np.ndarray) -> Search:
        index = VectorIndex([open_part(folder / self.stored, "vectors")], [len(counts)])
        return lambda query, mask: index.rank(query, mask, None, self.depth)[0]


class Exact(Broadsheet):
    """The same part without its lists: every passage is read."""

    stored = "exact"

    def build(self, folder: Path, vectors: np.ndarray, counts: np.ndarray) -> None:
        arrays, meta = build_part(vectors[:0], counts[:0], [], [], np.zeros((0, 2), np.uint64))
        nothing = np.zeros(len(vectors), np.uint64)
        starts = np.append(0, np.cumsum(counts)).astype(np.int64)
        arrays |= {"vectors": np.asarray(vectors), "passage_starts": starts, "key_high": nothing, "key_low": nothing}
        arrays |= {"starts": nothing.astype(np.int32), "ends": nothing.astype(np.int32)}
        arrays |= {"key_passages": nothing.astype(np.uint32)}
        write_part(folder / self.stored, "vectors", arrays, meta)


class Hnswlib:
    """A graph over float32 vectors, which it holds in memory."""

    stored, masks = "hnswlib", False

    def build(self, folder: Path, vectors: np.ndarray, counts: np.ndarray) -> None:
        import hnswlib

        graph = hnswlib.Index("ip", vectors.shape[1])
        graph.init_index(len(vectors), M=16, ef_construction=200)
        for start in range(0, len(vectors), BLOCK):
            graph.add_items(vectors[start : start + BLOCK].astype(np.float32))
        graph.save_index(str(folder / self.stored))

    def open(self, folder: Path, counts: np.ndarray) -> Search:
        import hnswlib

        dimension = np.load(folder / "queries.npy", mmap_mode="r").shape[1]
        graph, owner = hnswlib.Index("ip", dimension), owners(counts)
        graph.load_index(str(folder / self.stored))
        graph.set_ef(200)
        return lambda query, mask: distinct(owner[graph.knn_query(query, PASSAGES, num_threads=1)[0][0].astype(int)])


class Usearch:
    """A graph over float16 vectors in a mapped file."""

    stored, masks = "usearch", False

    def build(self, folder: Path, vectors: np.ndarray, counts: np.ndarray) -> None:
        from usearch.index import Index

        graph = Index(ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=200)
        for start in range(0, len(vectors), BLOCK):
            rows = np.asarray(vectors[start : start + BLOCK])
            graph.add(np.arange(start, start + len(rows)), rows)
        graph.save(folder / self.stored)

    def open(self, folder: Path, counts: np.ndarray) -> Search:
        from usearch.index import Index

        graph, owner = Index.restore(folder / self.stored, view=True), owners(counts)
        graph.expansion_search = 200
        return lambda query, mask: distinct(owner[graph.search(query, PASSAGES).keys.astype(np.int64)])


class Lancedb:
    """Lists of graphs over 8-bit codes, re-ranked by the float32 vectors on disk."""

    stored, masks = "lancedb", False

    def build(self, folder: Path, vectors: np.ndarray, counts: np.ndarray) -> None:
        import lancedb
        import pyarrow as pa

        owner = owners(counts)

        def batches() -> Iterator[Any]:
            for start in range(0, len(vectors), BLOCK):
                rows = vectors[start : start + BLOCK].astype(np.float32)
                flat = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
                yield pa.record_batch([flat, pa.array(owner[start : start + BLOCK])], ["vector", "article"])

        kind = pa.schema([("vector", pa.list_(pa.float32(), vectors.shape[1])), ("article", pa.int64())])
        table = lancedb.connect(folder / self.stored).create_table("passages", batches(), schema=kind)
        table.create_index(metric="dot", index_type="IVF_HNSW_SQ")

    def open(self, folder: Path, counts: np.ndarray) -> Search:
        import lancedb

        table = lancedb.connect(folder / self.stored).open_table("passages")

        def search(query: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
            found = table.search(query).metric("dot").nprobes(40).refine_factor(3).limit(PASSAGES).select(["article"])
            return distinct(found.to_arrow()["article"].to_numpy())

        return search


ENGINES: dict[str, Any] = {
    "exact": Exact(10),
    "broadsheet": Broadsheet(10),
    "broadsheet-1000": Broadsheet(1000),
    "hnswlib": Hnswlib(),
    "usearch": Usearch(),
    "lancedb": Lancedb(),
}
