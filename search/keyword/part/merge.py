"""Keyword parts to one: dictionaries are united, everything else is gathered. No text is analysed again.

The rows that survive keep their order, so each term's postings are those of the parts one after the other. The work is
cut into pieces, ranges of terms or parts of a very frequent one. How much there will be of everything is counted
first; then each large array is made a piece at a time while it is written, from the parts as they are mapped. So
memory holds the dictionary, numbers for each term, and one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from search.errors import ArchiveDamaged
from search.keyword.part.layout import OFFSETS
from search.keyword.part.packing import Array, code_bits, code_sizes, docs_dtype, encode_codes, few_wide, starts_of
from search.keyword.part.surviving import Source, Stretch, pieces_of
from search.keyword.part.united import United
from search.keyword.part.write import build_part, codes_of, meta_of
from search.storage.container import Part, PartData, Stored, Streamed

# Rows whose sentences are gathered at once.
ROWS = 1 << 14
# Below so many numbers in a run it is quicker to move numbers than to copy runs.
SHORT = 32


class _Piece(NamedTuple):
    """The terms ``first`` to ``last`` of the result, and where they come from; or, from one stretch, such postings of
    a single term as come after ``before`` others."""

    first: int
    last: int
    stretches: list[Stretch]
    before: int

    def laid(self, values: list[Array], kept: str) -> Array:
        """What each stretch has, in the order of the result's terms. ``kept`` names the starts of each term's run."""
        if len(values) == 1:
            return values[0]
        terms, owners, begins, ends = [], [], [], []
        for owner, stretch in enumerate(self.stretches):
            starts = getattr(stretch.source, kept)[stretch.first : stretch.last + 1]
            starts = starts - starts[0]
            some = np.flatnonzero(np.diff(starts))
            terms.append(stretch.source.term_map[stretch.first + some])
            owners.append(np.full(len(some), owner))
            begins.append(starts[some])
            ends.append(starts[some + 1])
        order = np.argsort(np.concatenate(terms), kind="stable")
        of, start, stop = (np.concatenate(arrays)[order] for arrays in (owners, begins, ends))
        # Runs that follow one another in the same source are one.
        cut = (of[1:] != of[:-1]) | (start[1:] != stop[:-1])
        opens, closes = np.append(True, cut)[: len(of)], np.append(cut, True)[: len(of)]
        of, start, stop = of[opens], start[opens], stop[closes]
        sizes = [len(each) for each in values]
        if sum(sizes) < SHORT * len(of):
            start, counts = start + starts_of(np.array(sizes))[:-1][of], stop - start
            at = np.repeat(start - starts_of(counts)[:-1], counts)
            at += np.arange(len(at))
            gathered: Array = np.concatenate(values)[at]
            return gathered
        runs = zip(of.tolist(), start.tolist(), stop.tolist(), strict=True)
        return np.concatenate([values[i][a:b] for i, a, b in runs] or [values[0][:0]])


class _Wide:
    """The arrays of a Wide. What does not fit keeps its low bits in place, as in ``narrow``."""

    def __init__(self, wide: int, total: int, dtype: type[np.unsignedinteger[Any]], values: _Blocks) -> None:
        few = few_wide(wide, total)
        self.dtype: DTypeLike = dtype if few else np.uint32
        self.aside = wide if few else 0
        self._values = values
        self._found: list[tuple[Array, Array]] | None = None

    def low(self) -> Iterator[Array]:
        at, found = 0, []
        for values in self._values():
            if self.aside:
                wide = np.flatnonzero(values > np.iinfo(np.dtype(self.dtype)).max)
                found += [(wide.astype(np.uint64) + np.uint64(at), values[wide])] if len(wide) else []
            at += len(values)
            yield values.astype(self.dtype, copy=False)
        self._found = found

    def wide(self, which: int) -> Iterator[Array]:
        """Where the wide numbers are, or what they are; known already when ``low`` was read before."""
        if self._found is None and self.aside:
            for _ in self.low():
                pass
        return (pair[which] for pair in self._found or ())


_Blocks = Callable[[], Iterator[Array]]


class _Merger:
    """The result: what is known of it before it is written, and the blocks of all else."""

    def __init__(self, sources: Sequence[Source], lexicon: United, names: str) -> None:
        self._sources, self._lexicon, self._names = sources, lexicon, names
        terms = lexicon.terms
        self._starts = {}
        for kept in ("kept_postings", "kept_positions", "kept_minors"):
            counts = np.zeros(terms, np.int64)
            for source in sources:
                counts[source.term_map[source.terms_left]] += np.diff(getattr(source, kept))[source.terms_left]
            self._starts[kept] = starts_of(counts)
        self._bits = code_bits(lexicon.forms_per_term)
        self._code_starts = starts_of(code_sizes(np.diff(self._starts["kept_positions"]), self._bits))
        self._pieces = list(self._cut())

    def _cut(self) -> Iterator[_Piece]:
        """The pieces of the result in order. How large they are is counted before anything is left out."""
        work = np.zeros(len(self._bits), np.int64)
        for source in self._sources:
            ends = np.append(source.terms_left[1:], len(source.term_map))
            each = source.position_starts[ends] - source.position_starts[source.terms_left]
            work[source.term_map[source.terms_left]] += each
        for first, last in pieces_of(starts_of(work), self._lexicon.text_terms):
            stretches = (one for source in self._sources for one in source.between(first, last))
            if last - first > 1:
                yield _Piece(first, last, list(stretches), 0)
                continue
            before = 0
            for stretch in stretches:
                yield _Piece(first, last, [stretch], before)
                before += len(stretch)

    def _streamed(self, dtype: DTypeLike, total: int, blocks: _Blocks) -> Streamed:
        """``blocks`` as an array for a container, damage being told of as such."""

        def checked() -> Iterator[Array]:
            left = total
            with _damage(self._names):
                for block in blocks():
                    left -= len(block)
                    yield block
                if left:
                    raise ValueError("the counts of its terms are not those of its postings")

        return Streamed(np.dtype(dtype), (total,), checked)

    def _laid(self, kept: str, values: Callable[[Stretch], Array]) -> _Blocks:
        return lambda: (piece.laid(list(map(values, piece.stretches)), kept) for piece in self._pieces)

    def _wide(self, name: str, kept: str, wide: int, dtype: type[Any], values: Callable[[Stretch], Array]) -> Any:
        total = int(self._starts[kept][-1])
        made = _Wide(wide, total, dtype, self._laid(kept, values))
        return {
            name: self._streamed(made.dtype, total, made.low),
            f"{name}_wide_at": self._streamed(np.uint64, made.aside, lambda: made.wide(0)),
            f"{name}_wide": self._streamed(np.uint32, made.aside, lambda: made.wide(1)),
        }

    def _minor_postings(self) -> Iterator[Array]:
        for piece in self._pieces:
            # Of each term, how many postings come before those of the next stretch.
            filled = np.full(piece.last - piece.first, piece.before)
            found = []
            for stretch in piece.stretches:
                own, posting, _, _ = stretch.minors()
                terms = stretch.source.term_map[stretch.first : stretch.last] - piece.first
                found.append((posting + filled[terms[own]]).astype(np.uint32))
                if len(piece.stretches) > 1:
                    counts = np.diff(stretch.source.kept_postings[stretch.first : stretch.last + 1])
                    filled[terms[counts > 0]] += counts[counts > 0]
            yield piece.laid(found, "kept_minors")

    def _codes(self) -> Iterator[Array]:
        """A term's codes start with a byte of their own, but not each stretch of it: what fills no byte waits."""
        waiting, term = np.zeros(0, np.uint16), -1
        for piece in self._pieces:
            if piece.first != term:
                yield self._encoded(waiting, term)
                waiting, term = waiting[:0], piece.first
            if piece.first >= self._lexicon.text_terms:
                return
            codes = piece.laid([one.source.codes[one.forms()] for one in piece.stretches], "kept_positions")
            if piece.last - piece.first > 1:
                counts = np.diff(self._starts["kept_positions"][piece.first : piece.last + 1])
                yield encode_codes(codes, counts, self._bits[piece.first : piece.last])
                continue
            codes = np.concatenate((waiting, codes))
            full = len(codes) & ~7
            yield self._encoded(codes[:full], term)
            waiting = codes[full:]
        yield self._encoded(waiting, term)

    def _encoded(self, codes: Array, term: int) -> Array:
        if not len(codes):
            return np.zeros(0, np.uint8)
        return encode_codes(codes, np.array([len(codes)]), self._bits[term : term + 1])

    def arrays(self) -> dict[str, Stored]:
        """All arrays of the result."""
        articles = sum(int(np.count_nonzero(source.keep)) for source in self._sources)
        postings, minors = (int(self._starts[kept][-1]) for kept in ("kept_postings", "kept_minors"))
        wide_freqs = sum(source.wide_freqs for source in self._sources)
        wide_positions = sum(source.wide_positions for source in self._sources)
        minor = _narrowest(max(source.largest_minor for source in self._sources), np.uint8, np.uint16, np.uint32)
        return {
            **self._lexicon.arrays(),
            "posting_starts": self._starts["kept_postings"],
            "docs": self._streamed(docs_dtype(articles), postings, self._laid("kept_postings", Stretch.rows)),
            **self._wide("freqs", "kept_postings", wide_freqs, np.uint8, Stretch.freqs),
            "position_starts": self._starts["kept_positions"],
            **self._wide("positions", "kept_positions", wide_positions, np.uint16, Stretch.places),
            "minor_starts": self._starts["kept_minors"],
            "minor_postings": self._streamed(np.uint32, minors, self._minor_postings),
            "minor_fields": self._streamed(np.uint8, minors, self._laid("kept_minors", lambda one: one.minors()[2])),
            "minor_freqs": self._streamed(minor, minors, self._laid("kept_minors", lambda one: one.minors()[3])),
            "code_starts": self._code_starts,
            "codes": self._streamed(np.uint8, int(self._code_starts[-1]), self._codes),
            "lengths": np.concatenate([source.part["lengths"][source.keep] for source in self._sources]),
            **self._starts_of("sentence"),
            "sentences": self._runs("sentence", "sentences"),
            **self._offsets(),
            **self._starts_of("paragraph"),
            "paragraphs": self._runs("paragraph", "paragraphs"),
        }

    def _offsets(self) -> dict[str, Stored]:
        """Where sentences begin in their texts, if all parts know it."""
        if any(OFFSETS not in source.part for source in self._sources):
            return {}
        return {OFFSETS: self._runs("sentence", OFFSETS)}

    def _starts_of(self, name: str) -> dict[str, Stored]:
        each = [np.diff(source.part[f"{name}_starts"])[source.keep] for source in self._sources]
        return {f"{name}_starts": starts_of(np.concatenate(each))}

    def _runs(self, name: str, what: str) -> Stored:
        """What is kept of each sentence or paragraph of the surviving rows."""

        def blocks() -> Iterator[Array]:
            for source in self._sources:
                bounds = source.part[f"{name}_starts"]
                for low in range(0, len(source.keep), ROWS):
                    keep = source.keep[low : low + ROWS]
                    counts = np.diff(bounds[low : low + len(keep) + 1])
                    items = source.part[what][int(bounds[low]) : int(bounds[low + len(keep)])]
                    yield items if keep.all() else items[np.repeat(keep, counts)]

        largest = max(int(block.max(initial=0)) for block in blocks())
        total = sum(int(np.diff(source.part[f"{name}_starts"])[source.keep].sum()) for source in self._sources)
        return self._streamed(_narrowest(largest, np.uint16, np.uint32), total, blocks)


def merge_parts(parts: Sequence[Part], keep: Sequence[NDArray[np.bool_]]) -> PartData:
    """One part with the rows of ``parts`` that ``keep`` marks, in the same order.

    ``keep[i]`` is bool[n_i]. The arrays equal, bit for bit, those that ``build_part`` makes of the same articles; the
    large ones are streamed: they are read from ``parts`` when the part is written. Raises ArchiveDamaged, also then,
    where arrays point outside one another, and what opening a part raises.
    """
    names = ", ".join(str(part.path) for part in parts)
    with _damage(names):
        return _merge(list(zip(parts, keep, strict=True)), names)


@contextmanager
def _damage(names: str) -> Iterator[None]:
    try:
        yield
    except (IndexError, ValueError) as error:
        raise ArchiveDamaged(f"cannot merge {names}: {error}; run 'broadsheet doctor'") from error


def _merge(pairs: Sequence[tuple[Part, NDArray[np.bool_]]], names: str) -> PartData:
    base = 0
    sources: list[Source] = []
    for part, mask in pairs:
        if mask.any():
            sources.append(Source(part, mask, base))
            base += int(np.count_nonzero(mask))
    languages = {part.meta.get("language") for part, _ in pairs}
    if len(languages) > 1:
        raise ArchiveDamaged(f"{names} are of several languages; run 'broadsheet doctor'")
    if not sources:
        empty = build_part((), ())
        return PartData(empty.arrays, meta_of(0, *languages or (None,)))
    codes = {code for part, _ in pairs for code in codes_of(part)}
    return PartData(_Merger(sources, United(sources), names).arrays(), meta_of(base, languages.pop(), codes))


def _narrowest(largest: int, *dtypes: DTypeLike) -> DTypeLike:
    """The first of these types, narrowest first, that holds the number."""
    return next(dtype for dtype in dtypes if largest <= np.iinfo(np.dtype(dtype)).max)
