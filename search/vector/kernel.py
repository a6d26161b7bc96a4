"""The only lines that call FAISS.

FAISS is given raw arrays, never a serialised index: a file made by a stranger is then no more than numbers, and a row
that cannot be scored shows as a missing result. Every cosine of this room comes from ``half_scores``, in which a row's
score depends on that row and the query alone, so that a merge, a mask or a batch never changes one.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged, SearchError, needs_models

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

BLOCK = 512
"""Rows gathered at a time: 400 KB of 384 half floats, which stay in the second-level cache."""

SHARED_CODES = 16_384
"""Codes from which a second thread reads half; with fewer, handing over takes longer than reading."""

_T = TypeVar("_T")
_R = TypeVar("_R")
Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Codes = NDArray[np.uint8]
Rows = NDArray[np.int64]

_templates: dict[tuple[int, str], Any] = {}
_lock = threading.Lock()


@contextmanager
def _border() -> Iterator[Any]:
    """FAISS, imported when first needed (0.1 s), its exceptions turned into ours."""
    with needs_models():
        import faiss

    try:
        yield faiss
    except (RuntimeError, AssertionError) as error:
        raise SearchError(f"FAISS failed: {str(error).splitlines()[0]}") from error


def load() -> None:
    """Import FAISS, if that is still to be done."""
    with _border():
        pass


def _template(faiss: Any, dimension: int, kind: str) -> Any:
    """An empty index whose scanners read one kind of code. Made once: its scanners share nothing that changes."""
    found = _templates.get((dimension, kind))
    if found is None:
        with _lock:
            code = getattr(faiss.ScalarQuantizer, kind)
            found = faiss.IndexIVFScalarQuantizer(
                faiss.IndexFlatIP(dimension), dimension, 1, code, faiss.METRIC_INNER_PRODUCT, False
            )
            found.is_trained = True
            _templates[dimension, kind] = found
    return found


class _Scan:
    """One pass over codes for one query; ``finish`` gives what it met, in the order met."""

    def __init__(self, faiss: Any, query: Floats, kind: str, selector: Any = None) -> None:
        self.faiss = faiss
        self.query = query
        self.scanner = _template(faiss, len(query), kind).get_InvertedListScanner(False, selector, None)
        self.scanner.set_query(faiss.swig_ptr(query))
        self.scanner.set_list(0, 0.0)
        self.result = faiss.RangeSearchResult(1)
        self.partial = faiss.RangeSearchPartialResult(self.result)
        self.found = self.partial.new_result(0)

    def __del__(self) -> None:
        # Python owns no scanner, and breaks their type where told to: ended by hand, or half a kilobyte stays of each.
        if (scanner := self.__dict__.pop("scanner", None)) is not None:
            self.faiss.InvertedListScanner.__swig_destroy__(scanner)

    def add(self, count: int, codes: int, ids: int) -> None:
        """Score ``count`` codes; ``codes`` and ``ids`` are addresses, which the caller has checked."""
        faiss = self.faiss
        self.scanner.scan_codes_range(
            count, faiss.cast_integer_to_uint8_ptr(codes), faiss.cast_integer_to_idx_t_ptr(ids), -np.inf, self.found
        )

    def finish(self) -> tuple[Rows, Floats]:
        self.partial.finalize()
        count = int(self.faiss.rev_swig_ptr(self.result.lims, 2)[1])
        if not count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        labels = self.faiss.rev_swig_ptr(self.result.labels, count).copy()
        return labels, self.faiss.rev_swig_ptr(self.result.distances, count).copy()


def _address(array: NDArray[Any]) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("FAISS reads contiguous arrays only")
    return int(array.__array_interface__["data"][0])


def half_scores(query: Floats, vectors: Halves, rows: Rows | None = None) -> Floats:
    """Inner products of float32[d] with ``vectors`` float16[p, d], all of them or those at ``rows``, float32 sums.

    Raises ArchiveDamaged when a row's product is not a number.
    """
    count = len(vectors) if rows is None else len(rows)
    if not count:
        return np.empty(0, np.float32)
    ids = np.zeros(count if rows is None else min(count, BLOCK), np.int64)
    with _border() as faiss:
        scan = _Scan(faiss, query, "QT_fp16")
        if rows is None:
            scan.add(count, _address(vectors), _address(ids))
        else:
            block = np.empty((len(ids), vectors.shape[1]), np.float16)
            codes, labels = _address(block), _address(ids)
            for start in range(0, count, BLOCK):
                part = rows[start : start + BLOCK]
                vectors.take(part, axis=0, out=block[: len(part)], mode="clip")
                scan.add(len(part), codes, labels)
        _, scores = scan.finish()
    if len(scores) != count or not np.isfinite(scores).all():
        raise ArchiveDamaged("a stored vector is not a number; run 'broadsheet doctor', or embed again")
    return scores


def _both(work: Callable[[_T], _R], first: _T, second: _T) -> tuple[_R, _R]:
    """The same work on two halves, one of them on a second core where there is an idle one."""
    helper = _helper()
    if helper is None:
        return work(first), work(second)
    pending = helper.submit(work, second)
    done = work(first)
    # A helper that is busy with another query has not begun: then waiting for it would be slower.
    return done, work(second) if pending.cancel() else pending.result()


@functools.cache
def _helper() -> ThreadPoolExecutor | None:
    """A thread that takes half of a long piece of work; None where there is no second core for it."""
    if (os.cpu_count() or 1) < 2:
        return None
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, "score vectors")


def code_scores(
    query: Floats,
    codes: NDArray[np.uint8],
    ids: Rows,
    ranges: Sequence[tuple[int, int]],
    mask: NDArray[np.bool_] | None,
) -> tuple[Rows, Floats]:
    """Ids and inner products of the 8-bit ``codes`` [p, d] in ``ranges`` (start, end) whose id passes ``mask``.

    ``codes`` hold whole numbers -128..127 with 128 added; ``query`` float32[d] whole numbers of the same range, which
    is what lets FAISS multiply bytes. ``ids`` int64[p]. The caller answers for the ranges lying in 0..p.
    """
    bits = None if mask is None else np.packbits(mask, bitorder="little")
    scan = partial(_code_scores, query, codes, ids, bits)
    sizes = np.cumsum([end - start for start, end in ranges])
    if len(ranges) < 2 or sizes[-1] < SHARED_CODES:
        return scan(ranges)
    half = int(sizes.searchsorted(sizes[-1] // 2)) + 1
    found, more = _both(scan, ranges[:half], ranges[half:])
    return np.concatenate((found[0], more[0])), np.concatenate((found[1], more[1]))


def _code_scores(
    query: Floats,
    codes: NDArray[np.uint8],
    ids: Rows,
    bits: NDArray[np.uint8] | None,
    ranges: Sequence[tuple[int, int]],
) -> tuple[Rows, Floats]:
    with _border() as faiss:
        selector = None if bits is None else faiss.IDSelectorBitmap(bits)
        scan = _Scan(faiss, query, "QT_8bit_direct_signed", selector)
        first_code, first_id, width = _address(codes), _address(ids), codes.shape[1]
        for start, end in ranges:
            if end > start:
                scan.add(end - start, first_code + start * width, first_id + start * 8)
        return scan.finish()


def train_centroids(sample: Floats, count: int, seed: int = 1234) -> Floats:
    """``count`` centroids of norm 1 of ``sample`` float32[s, d], by spherical k-means."""
    with _border() as faiss:
        dimension = sample.shape[1]
        clustering = faiss.Clustering(dimension, count)
        clustering.niter, clustering.seed, clustering.spherical = 8, seed, True
        clustering.min_points_per_centroid, clustering.max_points_per_centroid = 1, 1 << 20
        clustering.train(np.ascontiguousarray(sample), faiss.IndexFlatIP(dimension))
        flat: Floats = faiss.vector_to_array(clustering.centroids)
        return flat.reshape(count, dimension)


def nearest_centroids(vectors: Halves, centroids: Floats) -> NDArray[np.uint32]:
    """For each of float16[p, d] the number of its nearest centroid."""
    found = np.empty(len(vectors), np.uint32)
    with _border() as faiss:
        index = faiss.IndexFlatIP(centroids.shape[1])
        index.add(np.ascontiguousarray(centroids))
        for start in range(0, len(vectors), 16_384):
            block = vectors[start : start + 16_384].astype(np.float32)
            found[start : start + len(block)] = np.maximum(index.search(block, 1)[1][:, 0], 0)
    return found
