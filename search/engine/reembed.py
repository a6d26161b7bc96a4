"""Vectors for an archive that has none, or another model's: written beside what is there, named in one commit.

A segment's articles are embedded a thousand at a time into files of their own, which are joined when all are there.
What was finished before a kill is found again by its name, which says by which encoder and how it was made; any other
writer sweeps it away, so that it is of the articles as they are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from search._version import __version__
from search.encode import Encoder, how_encoded, prepare_query_encoder
from search.engine import building
from search.engine.background import Background
from search.engine.furniture import learning
from search.engine.furniture.part import opened
from search.engine.upkeep import sweep
from search.engine.writer import Writer
from search.errors import SearchError, StorageError
from search.storage import segments
from search.storage.container import Part, PartFile, open_part
from search.storage.snapshot import Snapshot
from search.storage.transaction import SegmentEntry
from search.text import passages
from search.vector import VectorIndex, check_part, without_of
from search.vector import merge_parts as merge_vectors

if TYPE_CHECKING:
    from search.encode import Precision
    from search.engine.session import Session

CHUNK = 1000  # articles embedded between two files


def embed(
    session: Session,
    model: str | Encoder | None,
    dimension: int | None,
    precision: Precision | str | None,
    progress: Callable[[int, int, str | None], None] | None = None,
) -> int:
    """Give all articles vectors of a model, in one commit. Returns how many were embedded.

    None is for the model and the dimensions of the vectors that are there, and for the precision that the archive was
    opened with.
    """
    with session.writing() as writer:
        encoder, name = session.encoder_of(model, dimension, precision)
        if session.settings.vectors and encoder.identity == session.queries.identity:
            sweep(writer)  # a power cut after its commit can bring pieces back
            return 0
        prepare_query_encoder(encoder)
        work = Embedding(writer, encoder, session.settings.passage_tokens)
        sweep(writer, work.wanted)
        articles = work.embed(progress or (lambda done, total, how: None))
        work.commit(name)
        session.take_model(model)
        return articles


def refit(session: Session) -> int:
    """Cut the articles of those segments again of which something else is left out than when they were cut, in one
    commit; only passages that change are embedded. Returns in how many articles something changes.

    Raises EncoderError and ArchiveMismatch where the model cannot be had, with all as it was.
    """
    with session.writing() as writer:
        if not session.settings.vectors:
            return 0
        with writer.snapshot() as snapshot:
            counts = {entry.id: _unfit(snapshot, position) for position, entry in enumerate(snapshot.entries)}
        if not any(counts.values()):
            return 0
        load = session.encoder_for(writer, True)
        assert load is not None  # it has vectors
        unfit = [segment for segment, count in counts.items() if count]
        work = Embedding(writer, load(), session.settings.passage_tokens, unfit)
        work.embed(lambda done, total, how: None)
        work.commit(session.settings.model)
        return sum(counts.values())


def _unfit(snapshot: Snapshot, position: int) -> int:
    """In how many live articles of a segment something else is left out than when they were cut."""
    base, size = int(snapshot.columns.bases[position]), snapshot.sizes[position]
    part = learning.part_of(snapshot, position)
    wanted = np.zeros(size, np.uint64) if part is None else opened(part).numbers()
    held = without_of(snapshot.parts[segments.VECTORS][position], size)
    return int(np.count_nonzero((wanted != held) & snapshot.live[base : base + size]))


class Embedding:
    """One encoder's vectors for all segments: ``embed`` writes, ``commit`` names what was written. ``limit``: tokens of
    a passage. ``again``: only these segments, whose passages this very encoder has embedded: those that are the same
    are copied."""

    def __init__(self, writer: Writer, encoder: Encoder, limit: int, again: Collection[str] | None = None) -> None:
        self._writer = writer
        self._folder = writer.folder
        self._catalog = writer.catalog
        self._encoder = encoder
        self._limit = limit
        self._again = again
        fresh = None if again is None else os.urandom(8)  # no file of an earlier run is what is wanted now
        made = repr((encoder.identity, limit, __version__, fresh)).encode("utf-8", "surrogatepass")
        self._key = blake2b(made, digest_size=8).hexdigest()
        self._files: list[tuple[SegmentEntry, PartFile]] = []

    def wanted(self, name: str) -> bool:
        """Is a file of this name work of an earlier run that this one goes on with?"""
        return f"-{self._key}." in name and not name.endswith(".new")

    def embed(self, progress: Callable[[int, int, str | None], None]) -> int:
        """Write a vector part for every segment. ``progress`` gets articles done, how many there are, dead ones
        counted, and the way that the model is run in. Returns how many live ones there are."""
        with self._writer.snapshot() as snapshot:
            total = len(snapshot.columns)

            def tell(done: int) -> None:
                progress(done, total, how_encoded(self._encoder))

            tell(0)
            for position, entry in enumerate(snapshot.entries):
                base = int(snapshot.columns.bases[position])
                if self._again is not None and entry.id not in self._again:
                    continue
                file = self._finished(entry)
                if file is None:
                    file = self._segment(snapshot, entry, base, tell)
                self._files.append((entry, file))
                tell(base + entry.articles)
            return int(np.count_nonzero(snapshot.live))

    def commit(self, model: str | None) -> None:
        """Make these the archive's vectors, for all who open it from now on."""
        with self._writer.commit() as transaction:
            for entry, file in self._files:
                transaction.replace_part(entry, segments.VECTORS, file)
            transaction.set("vectors", True)
            transaction.set("encoder", asdict(self._encoder.identity))
            transaction.set("model", model)

    def _finished(self, entry: SegmentEntry) -> PartFile | None:
        """A segment's vectors, where an earlier run has made them."""
        known = self._known(entry, f"vectors-{self._key}", entry.articles)
        if known is None:
            return None
        with contextlib.suppress(StorageError):
            self._remove_pieces(entry)  # a kill came before they were removed
        return known[1]

    def _known(self, entry: SegmentEntry, stem: str, articles: int) -> tuple[Part, PartFile] | None:
        """A part that an earlier run wrote, if it is unspoilt and of this segment."""
        folder = self._folder / segments.SEGMENTS / entry.id
        for name in folder.list():
            if not name.startswith(f"{stem}.") or not name.endswith(".part"):
                continue
            try:
                file = segments.unspoilt(folder / name)
                part = open_part(folder / name, segments.VECTORS)
                columns = open_part(
                    segments.part_place(self._folder, entry.id, entry.parts[segments.COLUMNS]), segments.COLUMNS
                )
                VectorIndex([part], [articles])
                check_part(part)
            except (SearchError, FileNotFoundError):
                continue
            if file is not None and part.meta.get("ids_digest") == columns.meta.get("ids_digest"):
                return part, file
        return None

    def _remove_pieces(self, entry: SegmentEntry) -> None:
        folder = self._folder / segments.SEGMENTS / entry.id
        for name in folder.list():
            if name.startswith(f"embedding-{self._key}."):
                (folder / name).unlink()

    def _segment(self, snapshot: Snapshot, entry: SegmentEntry, base: int, progress: Callable[[int], None]) -> PartFile:
        folder = self._folder / segments.SEGMENTS / entry.id
        sizes = [min(CHUNK, entry.articles - start) for start in range(0, entry.articles, CHUNK)]
        done: list[Part] = []
        held = [] if self._again is None else [snapshot.mapped[entry.id, entry.parts[segments.VECTORS].name]]

        def write(stem: str, size: int, cut: building.Cut, background: Background) -> None:
            sources = [*held, *done]
            own = [entry.articles] * len(held) + sizes[: len(done)]
            known = VectorIndex(sources, own) if sources else None
            part = building.embed(cut, self._encoder, known, lambda _, __: background.go_on())
            file = segments.add_part(self._folder, entry, segments.VECTORS, f"{stem}.part", part, marked=True)
            done.append(open_part(folder / file.name, segments.VECTORS))
            progress(base + sum(sizes[: len(done)]))

        with Background("broadsheet-embedding") as background:
            for number, size in enumerate(sizes):
                stem = f"embedding-{self._key}.{number}"
                start = base + number * CHUNK
                known = self._known(entry, stem, size)
                if known is not None:
                    background.submit(partial(done.append, known[0]))
                    continue
                cut = self._cut(snapshot, start, size)
                background.submit(partial(write, stem, size, cut, background))
        keep = [np.ones(size, np.bool_) for size in sizes]
        file = segments.add_part(
            self._folder, entry, segments.VECTORS, f"vectors-{self._key}.part", merge_vectors(done, keep), marked=True
        )
        self._remove_pieces(entry)
        return file

    def _cut(self, snapshot: Snapshot, start: int, size: int) -> building.Cut:
        """The passages of some neighbouring articles; the dead have none."""
        rows = snapshot.columns.rows[start : start + size]
        live = np.flatnonzero(snapshot.live[start : start + size])
        found = self._catalog.articles(rows[live].tolist())
        articles = [found[row] for row in rows[live].tolist()]
        layouts = [passages.lay_out(article.text) for article in articles]
        position = int(np.searchsorted(snapshot.columns.bases, start, side="right")) - 1
        part = learning.part_of(snapshot, position)
        left_out = None if part is None else opened(part).take(live + start - int(snapshot.columns.bases[position]))
        cut = building.cut(articles, layouts, self._encoder, self._limit, left_out)
        counts, without = np.zeros(size, np.int64), np.zeros(size, np.uint64)
        counts[live], without[live] = cut.counts, cut.without
        return replace(cut, counts=counts, without=without)
