"""Writing to an archive: batches of articles become segments, a commit each; deletes, merges and purges likewise."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.encode import Encoder, how_encoded
from search.engine import building
from search.engine.background import Background
from search.keyword.part import merge as keyword_merge
from search.records import AddReport, Article, Rejection
from search.storage import codec, segments
from search.storage.catalog import Catalog
from search.storage.columns import merge_columns
from search.storage.locks import oldest_pin
from search.storage.snapshot import Snapshot, take_snapshot
from search.storage.transaction import Record, SegmentEntry
from search.vector import VectorIndex, check_part
from search.vector import merge_parts as merge_vectors

MERGE_FACTOR = 10  # segments of one size class that become one
BATCH_CHARACTERS = 64_000_000  # a batch of very long articles is cut earlier, to bound memory
LOOKUP = 500
REJECTIONS_KEPT = 100
ID_LIMIT = 512


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ``add`` is. ``stage`` is "reading", "embedding" or "writing"; ``done`` and ``total`` count the
    stage's own things: articles read (total unknown: None), passages of a batch, or articles of a batch. ``report``
    is of all that was read up to there; for the last two stages, up to the end of their batch. ``how``, while
    embedding: the way that the model is run in, where it has several ("bfloat16 (52 passages/s)").

    Reading goes on while a batch is embedded, in another thread: news of both come, one at a time."""

    stage: str
    done: int
    total: int | None
    report: AddReport
    how: str | None = None


@dataclass(slots=True)
class _Batch:
    """Changed articles in arrival order, with the live rows that they replace."""

    articles: dict[str, tuple[Article, bytes]] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    characters: int = 0


@dataclass(frozen=True, slots=True)
class _Flushed:
    """The batch handed over last, which may not be committed yet: its live articles' rows and content hashes, and the
    row after them."""

    next_row: int
    live: Mapping[str, tuple[int, bytes]]


class Tell(Protocol):
    """Passes news on, one at a time."""

    def __call__(self, stage: str, done: int, total: int | None, report: AddReport, how: str | None = None) -> None:
        """Say how far a stage is."""


def checked(item: object) -> Article | Rejection:
    """An article fit to be stored, or why it is not. Text becomes NFC, so that offsets mean one thing."""
    if not isinstance(item, Article):
        raise TypeError(f"add takes Article records, not {type(item).__name__}")
    problem = None
    if not 0 < len(item.id) <= ID_LIMIT or not item.id.isprintable():
        problem = f"id must be 1 to {ID_LIMIT} printable characters, not {str(item.id)[:80]!r}"
    elif not (item.title.strip() or item.text.strip()):
        problem = "neither title nor text"
    else:
        try:
            codec.to_json(item)
        except (TypeError, ValueError, RecursionError) as error:  # a UnicodeEncodeError is a ValueError
            problem = f"cannot be stored: {error}"
    if problem is not None:
        return Rejection(source="add", line=None, reason=problem, record=str(item.id)[:500])
    if all(unicodedata.is_normalized("NFC", one) for one in (item.title, item.text, item.caption, item.dateline)):
        return item
    return replace(
        item,
        title=unicodedata.normalize("NFC", item.title),
        text=unicodedata.normalize("NFC", item.text),
        caption=unicodedata.normalize("NFC", item.caption),
        dateline=unicodedata.normalize("NFC", item.dateline),
    )


class Writer:
    """The one writer of an archive. The caller holds the writer lock for as long as this object is used."""

    def __init__(
        self,
        catalog: Catalog,
        encoder: Callable[[], Encoder] | None,
        limit: int,
        wanted: Callable[[str], bool] = lambda name: False,
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self._let_go = let_go
        self._folder = catalog.folder
        self._catalog = catalog
        self._encoder = encoder
        self._limit = limit
        _, entries, _ = catalog.snapshot()
        self.clean()
        segments.sweep_orphans(self._folder, entries, catalog.dropped(catalog.commit_number()), wanted)

    def add(
        self, items: Iterable[Article | Rejection], batch: int, progress: Callable[[Progress], None] | None
    ) -> AddReport:
        """Upsert articles by id, a commit every ``batch`` changed ones. What is committed stays, whatever comes.

        A batch is embedded and committed in a thread of its own, while the next one is read and inverted here.
        """
        report = AddReport()
        pending = _Batch()
        chunk: list[Article] = []
        read = 0
        telling = threading.Lock()
        flushed = _Flushed(self._catalog.next_row(), {})

        def tell(stage: str, done: int, total: int | None, report: AddReport, how: str | None = None) -> None:
            if progress is not None:
                with telling:
                    progress(Progress(stage, done, total, report, how))

        with Background("broadsheet-embedding") as background:
            for item in items:
                read += 1
                found = item if isinstance(item, Rejection) else checked(item)
                if isinstance(found, Rejection):
                    kept = report.rejections + ((found,) if len(report.rejections) < REJECTIONS_KEPT else ())
                    report = replace(report, rejected=report.rejected + 1, rejections=kept)
                    continue
                chunk.append(found)
                if len(chunk) == min(LOOKUP, batch) or len(found.text) > BATCH_CHARACTERS // LOOKUP:
                    report = self._sort_in(chunk, pending, flushed, report)
                    chunk.clear()
                    background.check()
                    tell("reading", read, None, report)
                    if len(pending.articles) >= batch or pending.characters >= BATCH_CHARACTERS:
                        flushed = self._flush(pending, flushed, background, report, tell)
                        pending = _Batch()
                        tell("reading", read, None, report)
            report = self._sort_in(chunk, pending, flushed, report)
            self._flush(pending, flushed, background, report, tell)
        tell("reading", read, read, report)
        return report

    def _sort_in(self, chunk: Sequence[Article], pending: _Batch, flushed: _Flushed, report: AddReport) -> AddReport:
        """Compare articles with what is live, on its way and pending: each is new, changed or known."""
        ids = [article.id for article in chunk]
        live = self._catalog.live(ids)
        live.update({one: flushed.live[one] for one in ids if one in flushed.live})
        added, replaced, skipped = report.added, report.replaced, report.skipped
        for article in chunk:
            data = codec.to_json(article)
            waiting = pending.articles.get(article.id)
            if waiting is not None:
                if waiting[1] == data:
                    skipped += 1
                    continue
                replaced += 1
                pending.characters -= len(waiting[0].text)
            elif article.id in live:
                row, content = live[article.id]
                if content == codec.content_hash(data):
                    skipped += 1
                    continue
                replaced += 1
                pending.replaced[article.id] = row
            else:
                added += 1
            pending.articles[article.id] = article, data
            pending.characters += len(article.text)
        return replace(report, added=added, replaced=replaced, skipped=skipped)

    def _flush(
        self, batch: _Batch, before: _Flushed, background: Background, report: AddReport, tell: Tell
    ) -> _Flushed:
        """Make of a batch what needs no model, and leave the rest to the background."""
        if not batch.articles:
            return before
        first = before.next_row
        articles = [article for article, _ in batch.articles.values()]
        records = [Record(first + i, a, data) for i, (a, data) in enumerate(batch.articles.values())]
        # Called, and the model loaded, only where there is something to encode.
        encoder = None if self._encoder is None else self._encoder()
        parts, cut = building.prepare(articles, [record.row for record in records], encoder, self._limit)
        buried = list(batch.replaced.values())

        def finish() -> None:
            if cut is not None and encoder is not None:
                parts[segments.VECTORS] = self._vectors(cut, encoder, background, report, tell)
            digest = parts[segments.COLUMNS][1]["ids_digest"]
            entry = segments.write_segment(self._folder, parts, first, len(records), digest)
            with self._catalog.writing() as transaction:
                transaction.bury(buried)
                transaction.insert(records)
                transaction.add_segment(entry)
            tell("writing", len(records), len(records), report)
            self.clean()
            self._merge_tiers()

        # From the moment that this returns, the batch before is committed: one alone is on its way.
        background.submit(finish)
        contents = {record.article.id: (record.row, codec.content_hash(record.data)) for record in records}
        return _Flushed(first + len(records), contents)

    def _vectors(
        self, cut: building.Cut, encoder: Encoder, background: Background, report: AddReport, tell: Tell
    ) -> segments.PartData:
        """Encode what was never encoded before; copy the rest."""

        def progress(done: int, total: int) -> None:
            background.go_on()
            tell("embedding", done, total, report, how_encoded(encoder))

        with self._snapshot() as snapshot:
            parts = snapshot.parts.get(segments.VECTORS)
            known = None if parts is None else VectorIndex(parts, snapshot.sizes)
            return building.embed(cut, encoder, known, progress)

    def _snapshot(self) -> _Held:
        return _Held(take_snapshot(self._catalog, check_part))

    def delete(self, rows: Collection[int]) -> None:
        """Bury rows in one commit."""
        if rows:
            with self._catalog.writing() as transaction:
                transaction.bury(rows)

    def purge(self, ids: Sequence[str]) -> None:
        """Bury articles and take the bytes of all their versions out of every file, whoever still reads them.

        Done anew in full each time, so that one that a crash cut short is finished by asking again.
        """
        rows = self._catalog.rows_of(ids)
        with self._catalog.writing() as transaction:
            transaction.bury(rows)
        with self._snapshot() as snapshot:
            ordinals = snapshot.columns.find(ids)
            touched = np.unique(np.searchsorted(snapshot.columns.bases, ordinals, side="right") - 1)
            self._merge(snapshot, [[int(position)] for position in touched])
        with self._catalog.writing() as transaction:
            transaction.erase(rows)
            current = transaction.number
        self._catalog.prove()
        segments.remove(self._folder, self._catalog.dropped(current))  # pinned or not: mapped files stay readable
        self.clean()
        self._catalog.scrub()

    def optimize(self) -> None:
        """Merge all segments into one without tombstones."""
        with self._snapshot() as snapshot:
            if len(snapshot.entries) > 1 or not snapshot.live.all():
                self._merge(snapshot, [list(range(len(snapshot.entries)))])

    def _merge_tiers(self) -> None:
        """Merge the newest segments while ``MERGE_FACTOR`` neighbours are of one size class. Each article is merged
        about log10(N / batch) times, and neighbours stay in row order: a merge changes no tie."""
        while True:
            with self._snapshot() as snapshot:
                tiers = [len(str(size)) for size in snapshot.sizes]
                run = 0
                while run < len(tiers) and tiers[-1 - run] <= tiers[-1]:
                    run += 1
                if run < MERGE_FACTOR:
                    return
                self._merge(snapshot, [list(range(len(tiers) - run, len(tiers)))])
            self.clean()  # before the next one: the disk holds what is live and one merge

    def _merge(self, snapshot: Snapshot, runs: Sequence[Sequence[int]]) -> None:
        """Rewrite each run of neighbouring segments as one, in one commit."""
        old: list[SegmentEntry] = []
        new: list[SegmentEntry] = []
        dead: list[NDArray[np.int64]] = []
        for run in runs:
            keep = [snapshot.live[snapshot.columns.bases[i] : snapshot.columns.bases[i + 1]] for i in run]
            pick = {name: [parts[i] for i in run] for name, parts in snapshot.parts.items()}
            old += [snapshot.entries[i] for i in run]
            dead += [part["rows"][~mask] for part, mask in zip(pick[segments.COLUMNS], keep, strict=True)]
            if not any(mask.any() for mask in keep):
                continue
            columns = merge_columns(pick[segments.COLUMNS], keep)
            parts: dict[str, segments.PartData] = {
                segments.COLUMNS: columns,
                segments.KEYWORD: keyword_merge.merge_parts(pick[segments.KEYWORD], keep),
            }
            if segments.VECTORS in pick:
                parts[segments.VECTORS] = merge_vectors(pick[segments.VECTORS], keep)
            rows = columns[0]["rows"]
            new.append(segments.write_segment(self._folder, parts, int(rows[0]), len(rows), columns[1]["ids_digest"]))
        with self._catalog.writing() as transaction:
            transaction.drop_segments(old)
            for entry in new:
                transaction.add_segment(entry)
            transaction.drop_tombstones(np.concatenate(dead).tolist() if dead else [])

    def clean(self) -> None:
        """Remove files and records that no reader needs any more, this archive's own idle one let go first."""
        self._let_go()
        clean(self._catalog)


def clean(catalog: Catalog) -> None:
    """Remove files and records that no reader needs any more. The caller holds the writer lock."""
    catalog.prove()
    oldest = oldest_pin(catalog.folder, catalog.commit_number())
    segments.remove(catalog.folder, catalog.dropped(oldest))
    catalog.forget(oldest)


class _Held:
    """A snapshot for the length of a block."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __enter__(self) -> Snapshot:
        return self._snapshot

    def __exit__(self, *_: object) -> None:
        self._snapshot.close()
