"""What comes in: articles are checked, and sorted into new, changed and known ones."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from search.engine.watch import Watch
from search.records import AddReport, Article, Rejection
from search.storage import codec
from search.storage.catalog import Catalog
from search.storage.transaction import Record

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


class Teller:
    """Passes news on to who wants them, one at a time."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()

    def __call__(self, stage: str, done: int, total: int | None, report: AddReport, how: str | None = None) -> None:
        """Say how far a stage is."""
        if self._progress is not None:
            with self._lock:
                self._progress(Progress(stage, done, total, report, how))


class Checked(NamedTuple):
    """An article fit to be stored, its text in NFC, so that offsets mean one thing; and its canonical JSON."""

    article: Article
    data: bytes


@dataclass(slots=True)
class Batch:
    """Changed articles in arrival order, the live rows that they replace, and the first of the rows that they get.
    ``report`` is of all that was read up to the batch's end."""

    fresh: dict[str, Checked] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    characters: int = 0
    first: int = 0
    report: AddReport = field(default_factory=AddReport)

    @property
    def articles(self) -> list[Article]:
        """The articles, in the order of their rows."""
        return [checked.article for checked in self.fresh.values()]

    @property
    def rows(self) -> range:
        """The catalog rows of the articles."""
        return range(self.first, self.first + len(self.fresh))

    def records(self) -> list[Record]:
        """The articles as the catalog takes them."""
        return [Record(row, *checked) for row, checked in zip(self.rows, self.fresh.values(), strict=True)]

    def live(self) -> dict[str, tuple[int, bytes]]:
        """Row and content hash by id: what ``Catalog.live`` will say once the batch is committed."""
        return {
            article_id: (row, codec.content_hash(checked.data))
            for row, (article_id, checked) in zip(self.rows, self.fresh.items(), strict=True)
        }


def check(item: object) -> Checked | Rejection:
    """An article fit to be stored, or why it is not. Raises TypeError for what is no article."""
    if not isinstance(item, Article):
        raise TypeError(f"add takes Article records, not {type(item).__name__}")
    problem = None
    if not 0 < len(item.id) <= ID_LIMIT or not item.id.isprintable():
        problem = f"id must be 1 to {ID_LIMIT} printable characters, not {str(item.id)[:80]!r}"
    if problem is None and not (item.title.strip() or item.text.strip()):
        problem = "neither title nor text"
    if problem is None:
        try:
            article = _normalised(item)
            return Checked(article, codec.to_json(article))
        except (TypeError, ValueError, RecursionError) as error:  # a UnicodeEncodeError is a ValueError
            problem = f"cannot be stored: {error}"
    return Rejection(source="add", line=None, reason=problem, record=str(item.id)[:500])


def _normalised(article: Article) -> Article:
    """The article with its text in NFC."""
    texts = (article.title, article.text, article.caption, article.dateline)
    if all(unicodedata.is_normalized("NFC", text) for text in texts):
        return article
    title, text, caption, dateline = (unicodedata.normalize("NFC", text) for text in texts)
    return replace(article, title=title, text=text, caption=caption, dateline=dateline)


class Intake:
    """Compares what comes in with what is live, on its way and waiting. ``report`` says what became of it so far."""

    def __init__(self, catalog: Catalog, size: int, tell: Teller) -> None:
        self.report = AddReport()
        self.read = 0
        self._catalog = catalog
        self._size = size
        self._tell = tell
        self._next_row = catalog.next_row()
        self._on_its_way: Mapping[str, tuple[int, bytes]] = {}  # the batch given last, which may not be committed yet

    def batches(self, items: Iterable[Article | Rejection], watch: Watch, alive: Callable[[], None]) -> Iterator[Batch]:
        """Batches of ``size`` new or changed articles; the last one may be smaller.

        ``alive`` raises where there is no sense in reading on. When the next batch is asked for, the one before the
        last must be committed.
        """
        batch = Batch()
        waiting: list[Checked] = []
        for item in items:
            self.read += 1
            with watch("check"):
                checked = item if isinstance(item, Rejection) else check(item)
            if isinstance(checked, Rejection):
                self._reject(checked)
                continue
            waiting.append(checked)
            if len(waiting) < min(LOOKUP, self._size) and len(checked.article.text) <= BATCH_CHARACTERS // LOOKUP:
                continue
            with watch("sort"):
                self._sort(waiting, batch)
            waiting = []
            alive()
            self._tell("reading", self.read, None, self.report)
            if len(batch.fresh) >= self._size or batch.characters >= BATCH_CHARACTERS:
                yield self._given(batch)
                self._on_its_way = batch.live()
                batch = Batch()
                self._tell("reading", self.read, None, self.report)
        with watch("sort"):
            self._sort(waiting, batch)
        if batch.fresh:
            yield self._given(batch)

    def _given(self, batch: Batch) -> Batch:
        """The batch with its rows."""
        batch.first, batch.report = self._next_row, self.report
        self._next_row += len(batch.fresh)
        return batch

    def _reject(self, rejection: Rejection) -> None:
        kept = self.report.rejections
        if len(kept) < REJECTIONS_KEPT:
            kept = (*kept, rejection)
        self.report = replace(self.report, rejected=self.report.rejected + 1, rejections=kept)

    def _sort(self, arrived: list[Checked], batch: Batch) -> None:
        """Each article is new, changed or known; the first two wait in the batch."""
        ids = [checked.article.id for checked in arrived]
        live = self._catalog.live(ids)
        live.update({one: self._on_its_way[one] for one in ids if one in self._on_its_way})
        added, replaced, skipped = self.report.added, self.report.replaced, self.report.skipped
        for checked in arrived:
            article, data = checked
            before = batch.fresh.get(article.id)
            if before is not None:
                if before.data == data:
                    skipped += 1
                    continue
                replaced += 1
                batch.characters -= len(before.article.text)
            elif article.id in live:
                row, content = live[article.id]
                if content == codec.content_hash(data):
                    skipped += 1
                    continue
                replaced += 1
                batch.replaced[article.id] = row
            else:
                added += 1
            batch.fresh[article.id] = checked
            batch.characters += len(article.text)
        self.report = replace(self.report, added=added, replaced=replaced, skipped=skipped)
