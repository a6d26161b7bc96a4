"""The indexing: how an article travels into the house."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from search.encode import Encoder, how_encoded
from search.engine import building, merging, upkeep
from search.engine.background import Background
from search.engine.furniture import learning
from search.engine.intake import FIRST_BATCH, Batch, Intake, Progress, Teller
from search.engine.stories.grouping import grouping
from search.engine.watch import Watch, unwatched
from search.engine.withdrawals import SETTING as WITHDRAWN
from search.engine.writer import Writer
from search.errors import UsageError
from search.keyword.part import write as keyword
from search.records import AddReport, Article, Rejection
from search.storage import segments
from search.storage.columns import build_columns
from search.storage.container import PartData
from search.storage.transaction import SegmentEntry
from search.text import passages
from search.text.furniture import SentenceReader
from search.vector import VectorIndex

if TYPE_CHECKING:
    from search.engine.session import Session


def index(
    session: Session,
    items: Iterable[Article | Rejection],
    size: int,
    vectors: bool,
    progress: Callable[[Progress], None] | None = None,
    watch: Watch = unwatched,
) -> AddReport:
    """Upsert articles by id, a commit every ``size`` changed ones. What is committed stays, whatever comes.

    A batch is embedded and committed in a thread of its own, while the next one is read, cut and inverted here.
    Raises UsageError, ArchiveLocked, StorageError, EncoderError, and what the items raise.
    """
    if isinstance(items, Article):
        raise UsageError("add takes several articles, in a list or any other iterable: write [article]")
    if size < 1:
        raise UsageError(f"batch must be 1 or more, not {size}")
    tell = Teller(progress)
    with session.writing() as writer:
        load = session.encoder_for(writer, vectors)
        limit = session.settings.passage_tokens
        upkeep.sweep(writer)
        stories = grouping(writer, session.settings.stories)
        learner = learning.learner(writer, session.settings.furniture)
        languages, detected = Counter[str](), 0
        intake = Intake(writer.catalog, size, tell, size if load is None else FIRST_BATCH)
        with Background("broadsheet-embedding") as background:
            for batch in intake.batches(items, watch, background.check):  # check > sort
                articles = batch.articles
                if not articles:  # nothing but withdrawals
                    background.submit(partial(_commit, writer, batch, None, tell))
                    continue
                filed = session.analysis.told(articles)
                languages.update(article.language for article in filed)
                detected += sum(one.language != other.language for one, other in zip(filed, articles, strict=True))
                encoder = None if load is None else load()  # the model is loaded only where there is something for it
                with watch("cut"):
                    layouts = [passages.lay_out(article.text) for article in articles]
                    sentences = SentenceReader([article.text for article in articles], layouts)
                    parts = {segments.COLUMNS: build_columns(filed, batch.rows)}
                    digest = parts[segments.COLUMNS].meta["ids_digest"]
                    copies = None
                    if stories is not None:
                        copies = stories.finding(articles, batch.rows, batch.buried, digest, sentences)
                    furniture = None
                    if learner is not None:
                        furniture, parts[segments.FURNITURE] = learner.learn(articles, sentences.sentences(), digest)
                    cut = None if encoder is None else building.cut(articles, layouts, encoder, limit, furniture)
                with watch("invert"):
                    parts[segments.KEYWORD] = keyword.build_part(filed, layouts, session.analysis)
                # From the moment that this returns, the batch before is committed: one alone is on its way.
                background.submit(
                    partial(_store, writer, batch, parts, copies, encoder, cut, background.go_on, watch, tell)
                )
        tell("reading", intake.read, intake.read, intake.report)
    with watch("merge"):  # without the lock: what is large takes minutes
        merging.left(session, lambda articles: tell("merging", 0, articles, intake.report))
    return replace(intake.report, languages=dict(languages.most_common()), detected=detected)


def _store(
    writer: Writer,
    batch: Batch,
    parts: dict[str, PartData],
    copies: Callable[[], PartData] | None,
    encoder: Encoder | None,
    cut: building.Cut | None,
    go_on: Callable[[], None],
    watch: Watch,
    tell: Teller,
) -> None:
    """The second half of the way: group > embed > commit > merge."""
    if copies is not None:
        with watch("group"):
            parts[segments.STORIES] = copies()
    if encoder is not None and cut is not None:
        with watch("embed"):
            parts[segments.VECTORS] = _vectors(writer, batch, encoder, cut, go_on, tell)
    with watch("commit"):
        _commit(writer, batch, writer.write_segment(parts, batch.first), tell)
    with watch("merge"):
        merging.merge_tiers(writer, batch.report.added + batch.report.replaced)


def _commit(writer: Writer, batch: Batch, entry: SegmentEntry | None, tell: Teller) -> None:
    """All that a batch changes, at once; ``entry`` is its new segment, None where it has no articles."""
    with writer.commit() as transaction:
        transaction.bury(batch.buried)
        if batch.withdrawn is not None:
            transaction.set(WITHDRAWN, batch.withdrawn)
        if entry is not None:
            transaction.insert(batch.records())
            transaction.add_segment(entry)
    tell("writing", len(batch.fresh), len(batch.fresh), batch.report)
    writer.tidy()


def _vectors(
    writer: Writer, batch: Batch, encoder: Encoder, cut: building.Cut, go_on: Callable[[], None], tell: Teller
) -> PartData:
    """Encode what was never encoded before; copy the rest."""

    def progress(done: int, total: int) -> None:
        go_on()
        tell("embedding", done, total, batch.report, how_encoded(encoder))

    with writer.snapshot() as snapshot:
        known = snapshot.parts.get(segments.VECTORS)
        return building.embed(cut, encoder, VectorIndex(known, snapshot.sizes) if known else None, progress)
