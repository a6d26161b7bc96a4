"""What comes in: articles are checked, and sorted into new, changed and known ones."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from search.engine import versions
from search.engine.watch import Watch
from search.engine.withdrawals import KEPT, Withdrawals
from search.records import AddReport, Article, Rejection
from search.records.editions import Edition
from search.storage import codec
from search.storage.transaction import Record

MOST_CHARACTERS = 5_000_000  # of an article: a long novel has 3 million, and a million takes 30 to 200 MB to index
BATCH_CHARACTERS = 16_000_000  # a batch of very long articles is cut earlier, to bound memory
LOOKUP = 500
REJECTIONS_KEPT = 100
REMARKS_KEPT = 1000
CHANGES_KEPT = 200_000  # articles replaced in a run, of which it is known what was there before
FIRST_COMMIT = 20.0  # seconds of reading after which the first batch is given, full or not
FIRST_BATCH = 200  # articles in the first batch where a model embeds them: some ten a second on a slow machine
FIRST_CHARACTERS = 400_000  # in it at most: long articles have many passages
NEWS_EVERY = 0.5  # seconds
ID_LIMIT = 512


class Known(Protocol):
    """What is asked of a catalog, or of one as it would be: see ``Catalog``."""

    def settings(self, damaged: bool = False) -> dict[str, Any]:
        """The settings."""

    def next_row(self) -> int:
        """The first row that was never used."""

    def live(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Row and content hash of those ids that are live."""

    def articles(self, rows: Sequence[int]) -> dict[int, Article]:
        """The articles of some rows."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ``add`` is. ``stage`` is "reading", "embedding", "writing" or "merging"; ``done`` and ``total`` count
    the stage's own things: articles read (total unknown: None), passages of a batch, articles of a batch, or articles
    of a merge that begins. ``report`` is of all that was read up to there; while embedding and writing, up to the end
    of that batch. ``how``, while embedding: the way that the model is run in, where it has several ("bfloat16 (52
    passages/s)").

    A merge comes after all is committed and searchable, and keeps no other writer waiting; it may take minutes.

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
    """An article fit to be stored, its text in NFC, so that offsets mean one thing; its canonical JSON, and the hash of
    that."""

    article: Article
    data: bytes
    content: bytes


@dataclass(slots=True)
class Change:
    """What this run has done to an article from before it: the hash of what was there, how many records took its place
    one after the other, how many of these that of another record of this run, and the remarks on them."""

    before: bytes
    records: int = 0
    revised: int = 0
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """Changed articles in arrival order, the live rows that they replace, and the first of the rows that they get.
    ``killed`` are the live rows of withdrawn items, ``withdrawn`` what the catalog is to remember of these, None where
    it has it. ``report`` is of all that was read up to the batch's end."""

    fresh: dict[str, Checked] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    killed: dict[str, int] = field(default_factory=dict)
    withdrawn: Mapping[str, object] | None = None
    characters: int = 0
    first: int = 0
    report: AddReport = field(default_factory=AddReport)

    @property
    def articles(self) -> list[Article]:
        """The articles, in the order of their rows."""
        return [checked.article for checked in self.fresh.values()]

    @property
    def buried(self) -> list[int]:
        """The rows that are live no more once the batch is committed."""
        return [*self.replaced.values(), *self.killed.values()]

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
            article_id: (row, checked.content)
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
        edition = Edition.of(item)
        if edition is None or not edition.withdrawn:
            problem = "neither title nor text"
    if (characters := len(item.title) + len(item.text) + len(item.caption)) > MOST_CHARACTERS:
        problem = f"it has {characters:,} characters, and an article may have {MOST_CHARACTERS:,}: cut it into several"
    if problem is None:
        try:
            article = _normalised(item)
            data = codec.to_json(article)
            return Checked(article, data, codec.content_hash(data))
        except (TypeError, ValueError, RecursionError) as error:  # a UnicodeEncodeError is a ValueError
            problem = f"cannot be stored: {error}"
    return Rejection(source="add", line=None, reason=problem, record=str(item.id)[:500])


def _normalised(article: Article) -> Article:
    """The article with its text in NFC."""
    texts = (article.title, article.text, article.caption, article.dateline)
    if all(unicodedata.is_normalized("NFC", text) for text in texts):
        return article
    title, text, caption, dateline = (unicodedata.normalize("NFC", text) for text in texts)
    pages = tuple((len(unicodedata.normalize("NFC", article.text[:start])), name) for start, name in article.pages)
    return replace(article, title=title, text=text, caption=caption, dateline=dateline, pages=pages)


class Intake:
    """Compares what comes in with what is live, on its way and waiting. ``report`` says what became of it so far.

    ``first`` is the size of the first batch: what is committed early is there to be searched.
    """

    def __init__(self, catalog: Known, size: int, tell: Teller, first: int | None = None) -> None:
        self.report = AddReport()
        self.read = 0
        self._catalog = catalog
        self._size = size
        self._wanted = size if first is None else min(size, first)
        self._early = self._wanted < size
        self._tell = tell
        self._next_row = self._first_row = catalog.next_row()
        self._on_its_way = Batch()  # the batch given last, which may not be committed yet
        self._rows_on_their_way: Mapping[str, tuple[int, bytes]] = {}
        self._met = bytearray(self._first_row // 8 + 1)  # a bit for each row from before that this run has met again
        self._counts: Counter[str] = Counter()
        self._remarks: list[str] = []
        self._changes: dict[str, Change] = {}
        self._withdrawals = Withdrawals.kept(catalog)
        self._began = time.monotonic()

    def batches(self, items: Iterable[Article | Rejection], watch: Watch, alive: Callable[[], None]) -> Iterator[Batch]:
        """Batches of ``size`` new or changed articles; the first and the last one may be smaller.

        ``alive`` raises where there is no sense in reading on. When the next batch is asked for, the one before the
        last must be committed.
        """
        batch = Batch()
        waiting: list[Checked] = []
        told, characters = 0.0, 0
        for item in items:
            self.read += 1
            with watch("check"):
                checked = item if isinstance(item, Rejection) else check(item)
            if isinstance(checked, Rejection):
                self._reject(checked)
                continue
            waiting.append(checked)
            now = time.monotonic()
            first = self._next_row == self._first_row
            characters += len(checked.article.text)
            late = first and (now - self._began > FIRST_COMMIT or (self._early and characters > FIRST_CHARACTERS))
            full = len(waiting) >= min(LOOKUP, self._wanted) or len(checked.article.text) > BATCH_CHARACTERS // LOOKUP
            if not (full or late):
                if now - told > NEWS_EVERY:
                    told = now
                    self._tell("reading", self.read, None, self.report)
                continue
            with watch("sort"):
                self._sort(waiting, batch)
            waiting = []
            alive()
            told = now
            self._tell("reading", self.read, None, self.report)
            enough = len(batch.fresh) + len(batch.killed) >= self._wanted or batch.characters >= BATCH_CHARACTERS
            if enough or (late and batch.fresh):
                yield self._given(batch)
                self._on_its_way, self._rows_on_their_way = batch, batch.live()
                batch = Batch()
                self._tell("reading", self.read, None, self.report)
        with watch("sort"):
            self._sort(waiting, batch)
        if (given := self._given(batch)).fresh or given.killed or given.withdrawn is not None:
            yield given

    def _given(self, batch: Batch) -> Batch:
        """The batch with its rows."""
        batch.first, batch.report = self._next_row, self.report
        batch.withdrawn = self._withdrawals.changes()
        self._next_row += len(batch.fresh)
        self._wanted = self._size
        return batch

    def _reject(self, rejection: Rejection) -> None:
        kept = self.report.rejections
        if len(kept) < REJECTIONS_KEPT:
            kept = (*kept, rejection)
        self.report = replace(self.report, rejected=self.report.rejected + 1, rejections=kept)

    def _sort(self, arrived: list[Checked], batch: Batch) -> None:
        """Each article is new, changed or known; the first two wait in the batch."""
        live = self._live([checked.article.id for checked in arrived])
        self._counts.clear()
        for checked in arrived:
            self._settle(checked, batch, live)
        report = self.report
        counted = {name: getattr(report, name) + count for name, count in self._counts.items()}
        remarks = tuple(self._remarks)  # as many as before may be others: an undone change takes its own back
        self.report = replace(report, **counted, remarks=remarks)

    def _live(self, ids: list[str]) -> dict[str, tuple[int, bytes]]:
        """Row and content hash of those ids that are live, or will be once the batch on its way is committed."""
        live = self._catalog.live(ids)
        for one in self._on_its_way.killed:
            live.pop(one, None)
        live.update((one, self._rows_on_their_way[one]) for one in ids if one in self._rows_on_their_way)
        return live

    def _settle(self, checked: Checked, batch: Batch, live: Mapping[str, tuple[int, bytes]]) -> None:
        article = checked.article
        edition = Edition.of(article)
        before = batch.fresh.get(article.id)
        row, content = (-1, b"") if article.id in batch.killed else live.get(article.id, (-1, b""))
        if edition is not None and edition.withdrawn:
            self._withdraw(article, edition, batch, row)
            return
        if (withdrawn := self._withdrawals.of_item(article.id)) is not None:
            if self._withdrawals.bars(article.id, edition):
                self._counts["skipped"] += 1
                self._counts["barred"] += 1
                self._remark(article, f"{article.id} was withdrawn by its agency{_note(withdrawn)}: not indexed")
                return
            self._withdrawals.lift(article.id)
        if before is None and row < 0:
            self._counts["added"] += 1
            self._take(checked, batch)
            return
        if checked.content == (content if before is None else before.content):
            self._skip(row)
            return
        # What is there by now, and whether this run has brought or met it.
        old = before.article if before is not None else self._article(article.id, row)
        of_this_run = before is not None or row >= self._first_row or self._is_met(row)
        order = versions.order(edition, Edition.of(old))
        if versions.same(article, old):
            self._skip(row)
        elif order == -1:
            self._counts["outdated"] += 1
            self._remark(article, f"{article.id} is an earlier version than the archive has: the later one is kept")
            self._skip(row)
        elif order == 1:
            self._counts["replaced"] += 1
            self._counts["revised"] += of_this_run
            self._replace(checked, batch, row)
        elif (own := self._of_its_own(article, old, batch, of_this_run)) is not None:
            self._counts["parted"] += 1
            self._remark(article, f"another story has the id {article.id}: kept as {own.article.id}")
            self._settle(own, batch, self._live([own.article.id]))
        elif (lack := versions.poorer(article, old)) is not None:
            self._counts["poorer"] += 1
            self._remark(article, f"{article.id} has a {lack} in the archive and none here: the fuller one is kept")
            self._skip(row)
        elif self._returns(article):
            self._undo(checked, batch, row)
        else:
            self._counts["replaced"] += 1
            change = self._changes.get(article.id)
            if change is None and before is None and 0 <= row < self._first_row and len(self._changes) < CHANGES_KEPT:
                change = self._changes[article.id] = Change(versions.digest(old))
            if change is not None:
                change.records += 1
            if of_this_run:
                self._counts["revised"] += 1
                if change is not None:
                    change.revised += 1
                said = self._remark(article, f"{article.id} takes the place of another record of this run")
                if said and change is not None:
                    change.remarks.append(said)
            self._replace(checked, batch, row)

    def _withdraw(self, article: Article, edition: Edition, batch: Batch, row: int) -> None:
        """An item must not be used: its article goes, unless that is a later version, and no earlier one comes back."""
        known = self._withdrawals.of_item(article.id)
        if known is not None and edition.after(known) != 1:
            self._counts["skipped"] += 1
            return
        before = batch.fresh.get(article.id)
        old = before.article if before is not None else self._article(article.id, row) if row >= 0 else None
        if old is not None and versions.order(edition, Edition.of(old)) == -1:
            self._counts["skipped"] += 1
            self._counts["outdated"] += 1
            self._remark(article, f"{article.id} is withdrawn, and the archive has a later version, which is kept")
            return
        self._withdrawals.add(article.id, edition)
        if self._withdrawals.forgotten == 1:
            self._remark(article, f"more than {KEPT:,} items are withdrawn: the first of them are forgotten")
        self._counts["withdrawn"] += 1
        self._changes.pop(article.id, None)
        if before is not None:
            batch.characters -= len(batch.fresh.pop(article.id).article.text)
            batch.replaced.pop(article.id, None)
        if row >= 0:
            batch.killed[article.id] = row
        self._counts["killed"] += old is not None
        what = "deleted" if old is not None else "none of its versions is here"
        self._remark(article, f"{article.id} was withdrawn by its agency{_note(edition)}: {what}")

    def _returns(self, article: Article) -> bool:
        """Whether an article that this run has replaced comes back as it was: then the run changes nothing, as each
        further run of the same command does."""
        change = self._changes.get(article.id)
        return change is not None and change.before == versions.digest(article)

    def _undo(self, checked: Checked, batch: Batch, row: int) -> None:
        """What was there before this run stays; none of the records of its id has changed anything."""
        change = self._changes[checked.article.id]
        self._counts["replaced"] -= change.records
        self._counts["revised"] -= change.revised
        self._counts["skipped"] += change.records + 1
        for remark in change.remarks:
            self._remarks.remove(remark)
        self._changes[checked.article.id] = Change(change.before)  # it may be changed once more
        if batch.replaced.get(checked.article.id, self._first_row) < self._first_row:
            self._drop(checked.article.id, batch)
        else:  # another one of this run is committed, or on its way
            self._replace(checked, batch, row)

    def _drop(self, article_id: str, batch: Batch) -> None:
        batch.characters -= len(batch.fresh.pop(article_id).article.text)
        row = batch.replaced.pop(article_id)
        self._met[row >> 3] |= 1 << (row & 7)

    def _replace(self, checked: Checked, batch: Batch, row: int) -> None:
        before = batch.fresh.get(checked.article.id)
        if before is None:
            batch.replaced[checked.article.id] = row
        else:
            batch.characters -= len(before.article.text)
        self._take(checked, batch)

    def _of_its_own(self, article: Article, old: Article, batch: Batch, of_this_run: bool) -> Checked | None:
        """The article under an id of its own, if it is another story than the one of its id: in one run, or where it
        got that id in a run before. Only what was read from a file: who makes an ``Article`` means its id."""
        if not versions.where(article) or not versions.two_stories(article, old):
            return None
        own = check(versions.own_id(article))
        assert isinstance(own, Checked)
        known = own.article.id in batch.fresh or own.article.id in self._live([own.article.id])
        return own if of_this_run or known else None

    def _take(self, checked: Checked, batch: Batch) -> None:
        batch.fresh[checked.article.id] = checked
        batch.characters += len(checked.article.text)

    def _skip(self, row: int) -> None:
        self._counts["skipped"] += 1
        if 0 <= row < self._first_row:
            self._met[row >> 3] |= 1 << (row & 7)

    def _is_met(self, row: int) -> bool:
        return bool(self._met[row >> 3] >> (row & 7) & 1)

    def _article(self, article_id: str, row: int) -> Article:
        waiting = self._on_its_way.fresh.get(article_id)
        if waiting is not None and self._rows_on_their_way[article_id][0] == row:
            return waiting.article
        return self._catalog.articles([row])[row]

    def _remark(self, article: Article, words: str) -> str:
        """Keep a remark while there is room; the remark as it was kept, or nothing."""
        if len(self._remarks) >= REMARKS_KEPT:
            return ""
        place = versions.where(article)
        self._remarks.append(f"{place}: {words}" if place else words)
        return self._remarks[-1]


def _note(edition: Edition) -> str:
    return f" ({edition.note})" if edition.note else ""
