"""Measure vector search beside named peers: scripts/bench vector [--sizes 133000,1000000] [--index indexes/NAME]

One table per size: build time, disk, private memory, median and 99th percentile of a query, recall@10 of articles
against exact search. Then ours under masks that let less and less pass. Each engine runs in a process of its own, on
the same vectors: those of an archive (--index), bootstrapped with noise to the size asked for, or made clusters. A peer
that is not installed is named and skipped, and so is one that takes longer than --minutes to build and to answer; one
that ranks passages is asked for enough of them to hold ten articles.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from search.storage.container import open_part, write_part
from search.vector import VectorIndex, build_part

ENGINES = ("exact", "broadsheet", "broadsheet-1000", "hnswlib", "usearch", "lancedb")
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001)
PASSAGES = 60  # what a peer is asked for: ten articles of 6.65 passages each, were all of them alike
Search = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


def archive_vectors(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """All passages' vectors of an archive and the number of each article's."""
    parts = [open_part(file, "vectors") for file in sorted(path.glob("**/*vectors*")) if file.is_file()]
    if not parts:
        raise SystemExit(f"{path} has no vectors")
    counts = np.concatenate([np.diff(part["passage_starts"]) for part in parts])
    return np.concatenate([part["vectors"] for part in parts]), counts


def made_vectors(articles: int, dimension: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Articles around topics, passages around articles, in 96 dimensions laid into ``dimension``."""
    latent, topics = 96, max(20, articles // 40)
    basis = rng.normal(size=(latent, dimension)).astype(np.float32)
    centres = rng.normal(size=(topics, latent))
    counts = rng.geometric(1 / 6.65, articles)
    own = centres[rng.integers(0, topics, articles)] + 0.9 * rng.normal(size=(articles, latent))
    owner = np.repeat(np.arange(articles), counts)
    vectors = np.empty((len(owner), dimension), np.float16)
    for start in range(0, len(owner), 50_000):
        part = owner[start : start + 50_000]
        rows = (own[part] + 0.7 * rng.normal(size=(len(part), latent))).astype(np.float32) @ basis
        vectors[start : start + 50_000] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors, counts


def bootstrapped(
    vectors: np.ndarray, counts: np.ndarray, passages: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Articles drawn again, each moved along the difference of two passages, and each of its passages along another."""
    begins = np.append(0, np.cumsum(counts))
    picks = rng.integers(0, len(counts), math.ceil(passages / counts.mean()))
    drawn = counts[picks]
    rows = np.repeat(begins[picks] - np.append(0, np.cumsum(drawn))[:-1], drawn) + np.arange(drawn.sum())
    owner = np.repeat(np.arange(len(picks)), drawn)
    left, right = rng.integers(0, len(vectors), (2, len(picks)))
    made = np.empty((len(rows), vectors.shape[1]), np.float16)
    for start in range(0, len(rows), 50_000):
        part = slice(start, start + 50_000)
        a, b = rng.integers(0, len(vectors), (2, len(rows[part])))
        moved = vectors[rows[part]].astype(np.float32)
        moved += 0.45 * (vectors[left[owner[part]]].astype(np.float32) - vectors[right[owner[part]]])
        moved += 0.25 * (vectors[a].astype(np.float32) - vectors[b])
        made[part] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return made, drawn


def prepare(folder: Path, passages: int, arguments: argparse.Namespace) -> None:
    """Vectors, counts and queries of one size, as files that every engine reads."""
    rng = np.random.default_rng(0)
    if arguments.index is None:
        vectors, counts = made_vectors(math.ceil(passages / 6.65), arguments.dimension, rng)
    else:
        vectors, counts = bootstrapped(*archive_vectors(arguments.index), passages, rng)
    held = int(rng.integers(0, len(counts) - arguments.queries))  # queries: passages of articles that are then left out
    begins = np.append(0, np.cumsum(counts))
    first, last = begins[held], begins[held + arguments.queries]
    np.save(folder / "queries.npy", vectors[begins[held : held + arguments.queries]].astype(np.float32))
    np.save(folder / "vectors.npy", np.concatenate([vectors[:first], vectors[last:]]))
    np.save(folder / "counts.npy", np.concatenate([counts[:held], counts[held + arguments.queries :]]))


def private_memory() -> float:
    """Megabytes of this process that belong to no file (Linux), else the peak of all."""
    status = Path("/proc/self/status")
    if status.exists():
        found = [line for line in status.read_text().splitlines() if line.startswith("RssAnon")]
        return int(found[0].split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size_of(path: Path) -> float:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def distinct(articles: np.ndarray) -> np.ndarray:
    """The first ten articles of a list with repeats."""
    return articles[np.sort(np.unique(articles, return_index=True)[1])][:10]


def broadsheet(folder: Path, vectors: np.ndarray, counts: np.ndarray, depth: int) -> tuple[Search, Path]:
    path = folder / "part"
    total = len(vectors)
    if not path.exists():
        keys = np.random.default_rng(1).integers(0, 2**64, size=(total, 2), dtype=np.uint64)
        write_part(path, "vectors", *build_part(vectors, counts, np.zeros(total), np.zeros(total), keys))
    index = VectorIndex([open_part(path, "vectors")], [len(counts)])
    return lambda query, mask: index.rank(query, mask, None, depth)[0], path


def exact(folder: Path, vectors: np.ndarray, counts: np.ndarray) -> tuple[Search, Path]:
    """The same part without its lists: every passage is read."""
    path = folder / "exact"
    total = len(vectors)
    arrays, meta = build_part(vectors[:0], counts[:0], [], [], np.zeros((0, 2), np.uint64))
    nothing = np.zeros(total, np.uint64)
    starts = np.append(0, np.cumsum(counts)).astype(np.int64)
    arrays |= {"vectors": np.asarray(vectors), "passage_starts": starts, "key_high": nothing, "key_low": nothing}
    arrays |= {"starts": nothing.astype(np.int32), "ends": nothing.astype(np.int32)}
    arrays |= {"key_passages": nothing.astype(np.uint32)}
    write_part(path, "vectors", arrays, meta)
    index = VectorIndex([open_part(path, "vectors")], [len(counts)])
    return lambda query, mask: index.rank(query, mask, None, 10)[0], path


def hnswlib(folder: Path, vectors: np.ndarray, owner: np.ndarray) -> tuple[Search, Path]:
    import hnswlib as peer

    graph = peer.Index("ip", vectors.shape[1])
    graph.init_index(len(vectors), M=16, ef_construction=200)
    graph.add_items(vectors.astype(np.float32))
    graph.set_ef(200)
    graph.save_index(str(folder / "hnswlib"))

    def search(query: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        if mask is not None:
            return np.empty(0, np.int64)
        return distinct(owner[graph.knn_query(query, PASSAGES, num_threads=1)[0][0]])

    return search, folder / "hnswlib"


def usearch(folder: Path, vectors: np.ndarray, owner: np.ndarray) -> tuple[Search, Path]:
    from usearch.index import Index

    built = Index(ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=200)
    built.add(np.arange(len(vectors)), np.asarray(vectors))
    built.save(folder / "usearch")
    graph = Index.restore(folder / "usearch", view=True)
    graph.expansion_search = 200
    return lambda query, mask: distinct(owner[graph.search(query, PASSAGES).keys.astype(np.int64)]), folder / "usearch"


def lancedb(folder: Path, vectors: np.ndarray, owner: np.ndarray) -> tuple[Search, Path]:
    import lancedb as peer
    import pyarrow as pa

    def batches() -> Iterator[Any]:
        for start in range(0, len(vectors), 50_000):
            rows = vectors[start : start + 50_000].astype(np.float32)
            flat = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
            yield pa.record_batch([flat, pa.array(owner[start : start + 50_000])], ["vector", "article"])

    kind = pa.schema([("vector", pa.list_(pa.float32(), vectors.shape[1])), ("article", pa.int64())])
    table = peer.connect(folder / "lancedb").create_table("passages", batches(), schema=kind)
    table.create_index(metric="dot", index_type="IVF_HNSW_SQ")

    def search(query: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        found = table.search(query).metric("dot").nprobes(40).refine_factor(3).limit(PASSAGES).select(["article"])
        return distinct(found.to_arrow()["article"].to_numpy())

    return search, folder / "lancedb"


def engine(name: str, folder: Path) -> dict[str, Any]:
    """Build and ask one engine; its row of the table, and its answers for the recall of the others."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    counts, queries = np.load(folder / "counts.npy"), np.load(folder / "queries.npy")
    owner = np.repeat(np.arange(len(counts)), counts)
    before, began = private_memory(), time.perf_counter()
    if name == "exact":
        search, path = exact(folder, vectors, counts)
    elif name.startswith("broadsheet"):
        search, path = broadsheet(folder, vectors, counts, 1000 if name.endswith("1000") else 10)
    else:
        search, path = globals()[name](folder, vectors, owner)
    build = time.perf_counter() - began
    search(queries[0], None)
    row: dict[str, Any] = {"build_s": build, "disk_mb": size_of(path), "answers": {}, "ms": {}}
    ordinals = np.random.default_rng(2).random(len(counts))
    for share in SHARES if name in ("exact", "broadsheet", "broadsheet-1000") else SHARES[:1]:
        mask = None if share == 1.0 else ordinals < share
        took, answers = [], []
        for query in queries:
            start = time.perf_counter()
            found = search(query, mask)
            took.append((time.perf_counter() - start) * 1000)
            answers.append(found.tolist())
        row["answers"][str(share)] = answers
        row["ms"][str(share)] = [float(np.median(took)), float(np.quantile(took, 0.99))]
    return {**row, "memory_mb": private_memory() - before}


def recall(answers: list[list[int]], truth: list[list[int]]) -> float:
    """Share of the true ten that an answer holds."""
    shares = [len(set(found) & set(true)) / len(true) for found, true in zip(answers, truth, strict=True) if true]
    return float(np.mean(shares)) if shares else 1.0


def line(first: str, *cells: str) -> str:
    return f"{first:<16}" + "".join(f"{cell:>11}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="133000", help="passages, several with commas")
    parser.add_argument("--index", type=Path, help="archive whose vectors are drawn from")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--minutes", type=float, default=5.0, help="what each engine may take to build and answer")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--folder", type=Path, help="keep vectors and answers there, for runs of other engines")
    parser.add_argument("--run", nargs=2, metavar=("ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(engine(arguments.run[0], Path(arguments.run[1]))))
        return
    for size in (int(number) for number in arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if arguments.folder is None else arguments.folder / str(size)
            name = str(folder)
            if not (folder / "counts.npy").is_file():
                folder.mkdir(parents=True, exist_ok=True)
                prepare(folder, size, arguments)
            print(f"\n{len(np.load(folder / 'vectors.npy', mmap_mode='r')):,} passages, {os.cpu_count()} CPUs")
            print(line("engine", "build s", "disk MB", "memory MB", "median ms", "p99 ms", "recall@10"))
            rows = {}
            for known in folder.glob("*.row.json"):
                rows[known.name.removesuffix(".row.json")] = json.loads(known.read_text())
            for one in arguments.engines.split(","):
                command = [sys.executable, __file__, "--run", one, name]
                try:
                    done = subprocess.run(
                        command, capture_output=True, text=True, check=False, timeout=60 * arguments.minutes
                    )
                except subprocess.TimeoutExpired:
                    print(f"{one:<16} not done in {arguments.minutes:g} minutes", flush=True)
                    continue
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                    print(f"{one:<16} skipped: {reason}")
                    continue
                row = rows[one] = json.loads(done.stdout.splitlines()[-1])
                (folder / f"{one}.row.json").write_text(json.dumps(row))
                share = recall(row["answers"]["1.0"], rows["exact"]["answers"]["1.0"]) if "exact" in rows else math.nan
                figures = [f"{row[name]:.0f}" for name in ("disk_mb", "memory_mb")]
                times = [f"{took:.2f}" for took in row["ms"]["1.0"]]
                print(line(one, f"{row['build_s']:.1f}", *figures, *times, f"{share:.3f}"), flush=True)
            if {"exact", "broadsheet", "broadsheet-1000"} <= rows.keys():
                print("\n" + line("pass the mask", "exact ms", "10: ms", "recall@10", "1000: ms", "recall@10"))
                for passing in map(str, SHARES):
                    truth = rows["exact"]["answers"][passing]
                    cells = [f"{rows['exact']['ms'][passing][0]:.2f}"]
                    for one in ("broadsheet", "broadsheet-1000"):
                        found = recall(rows[one]["answers"][passing], truth)
                        cells += [f"{rows[one]['ms'][passing][0]:.2f}", f"{found:.3f}"]
                    print(line(f"{float(passing):.2%}", *cells))


if __name__ == "__main__":
    main()
