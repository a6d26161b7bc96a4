"""The archive: one object to add, delete, search and check. It orchestrates, and owns nothing else."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from search import encode, hits
from search import query as language
from search._version import __version__
from search.errors import (
    ArchiveDamaged,
    ArchiveMismatch,
    ArchiveNotFound,
    ModeError,
    StorageError,
    UsageError,
)
from search.keyword import ANALYSIS_VERSION, Bm25Settings
from search.records import (
    AddReport,
    Article,
    Copies,
    EncoderIdentity,
    Filters,
    Fusion,
    Mode,
    Passage,
    Rejection,
    Results,
    Sort,
)
from search.searching import Request, Searcher
from search.storage.catalog import BUILDING, FILE, Catalog
from search.storage.files import storage_errors
from search.storage.locks import lock_writer
from search.storage.snapshot import take_snapshot

if TYPE_CHECKING:
    from search.aggregation import FacetField, Facets, Timeline
    from search.alerts import Alert, News
    from search.counts import Period
    from search.writing import Progress, Writer

DEFAULT_BATCH = 1000
PASSAGE_TOKENS = 230
_UNKNOWN, _CLOSED = -1, -2  # states of an archive that has no data version
_QUERY_VECTORS = 256  # remembered, so that paging and trying modes do not encode the same words again


class Archive:
    """An open archive. Threads may share it; any number of processes may read while one writes.

    A long-lived archive sees new commits between calls. Use it as a context manager, or call ``close``.
    """

    def __init__(self, path: Path, catalog: Catalog, model: str | None, wait: bool) -> None:
        self.path = path
        self._catalog = catalog
        self._model = model
        self._wait = wait
        self._lock = threading.RLock()
        self._searcher: Searcher | None = None
        self._users: dict[Searcher, int] = {}
        self._version = _UNKNOWN
        self._wrote = False
        self._settings: dict[str, Any] = {}
        self._query_encoder: encode.QueryEncoder | None = None
        self._query_vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._load_settings()
        self._refuse_other_model()

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False, model: str | None = None, wait: bool = False) -> Archive:
        """Open the archive in a folder, or make one there with ``create``.

        ``model`` names the encoder of a new archive, and must agree with an existing one's. ``wait`` lets writing wait
        for another writer instead of raising ArchiveLocked. Raises ArchiveNotFound, ArchiveMismatch, ArchiveDamaged,
        ArchiveLocked or StorageError.
        """
        folder = Path(path)
        if create and not (folder / FILE).is_file():
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not _unfinished(folder):
                raise ArchiveNotFound(f"{folder} exists and is no archive; name an empty or a new folder")
            with storage_errors(f"make {folder}"):
                folder.mkdir(parents=True, exist_ok=True)
            lock = lock_writer(folder, wait)
            try:
                settings = {
                    "created": datetime.now(UTC).isoformat(timespec="seconds"),
                    "created_by": f"broadsheet {__version__}",
                    "analysis": ANALYSIS_VERSION,
                    "passage_tokens": PASSAGE_TOKENS,
                    "bm25": asdict(Bm25Settings()),
                    "encoder": None,
                    "model": None,
                    "vectors": None,
                }
                if not (folder / FILE).is_file():  # another process may have been first
                    Catalog.create(folder, settings).close(truncate=True)
            finally:
                lock.release()
        catalog = Catalog.open(folder)
        try:
            return cls(folder, catalog, model, wait)
        except BaseException:
            catalog.close(truncate=False)
            raise

    def close(self) -> None:
        """Release the snapshot and the catalog. Safe to call twice."""
        with self._lock:
            self._retire()
            if self._version != _CLOSED:
                self._version = _CLOSED
                self._catalog.close(truncate=self._wrote)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    @property
    def settings(self) -> dict[str, Any]:
        """What the archive was built with: format, encoder identity, passage size, BM25 parameters."""
        return dict(self._settings)

    def __len__(self) -> int:
        with self._reading() as searcher:
            return int(np.count_nonzero(searcher.snapshot.live))

    def __contains__(self, article_id: object) -> bool:
        with self._reading() as searcher:
            return isinstance(article_id, str) and searcher.ordinal(article_id) is not None

    def get(self, article_id: str) -> Article:
        """The live article of this id. Raises ArticleNotFound."""
        with self._reading() as searcher:
            return searcher.article(article_id)[1]

    def passages(self, article_id: str) -> tuple[Passage, ...]:
        """The passages of an article in text order, as they are embedded (or, without vectors, as they are shown)."""
        with self._reading() as searcher:
            ordinal, article = searcher.article(article_id)
            if searcher.vectors is None:
                spans = hits.plain_spans(article.text)
            else:
                spans = searcher.vectors.passages(np.array([ordinal]))[0]
        return tuple(Passage(article_id=article.id, start=s, end=e, text=article.text[s:e]) for s, e in spans)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        offset: int = 0,
        mode: Mode | str = Mode.AUTO,
        filters: Filters | None = None,
        recency: str | None = None,
        as_of: str | datetime | None = None,
        sort: Sort | str = Sort.RELEVANCE,
        copies: Copies | str = Copies.COLLAPSE,
        diversity: float = 0.0,
        fusion: Fusion | str = Fusion.DBSF,
        weight: float = 0.5,
        passages: int = 1,
        explain: bool = False,
        literal: bool = False,
        cursor: str | None = None,
    ) -> Results:
        """Ranked hits for a query.

        ``recency`` is a half-life such as "30d"; ``as_of`` hides what was published later; ``weight`` is the vector
        leg's share, 0 to 1; ``cursor`` continues where earlier results ended. Raises QueryError for a query that does
        not parse, ModeError for a mode that the archive cannot serve, UsageError for a value out of range.
        """
        request = Request(
            query=query,
            limit=limit,
            offset=offset,
            mode=_choice(Mode, mode),
            filters=filters,
            recency=recency,
            as_of=as_of,
            sort=_choice(Sort, sort),
            copies=_choice(Copies, copies),
            diversity=diversity,
            fusion=_choice(Fusion, fusion),
            weight=weight,
            passages=passages,
            explain=explain,
            literal=literal,
            cursor=cursor,
        )
        with self._reading() as searcher:
            return searcher.search(request, self._query_vector)

    def describe(
        self,
        query: str,
        *,
        as_of: str | datetime | None = None,
        literal: bool = False,
        filters: Filters | None = None,
    ) -> str:
        """What a query means, in words."""
        request = Request(query=query, as_of=as_of, literal=literal, filters=filters)
        with self._reading() as searcher:
            return language.describe(searcher.parse(request)[0])

    def facets(
        self,
        query: str,
        *,
        fields: Iterable[FacetField | str] | None = None,
        limit: int | None = 20,
        filters: Filters | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
    ) -> Facets:
        """Counts of the whole match set by source, author, section, agency, language, year and month, each with the
        query that narrows to it. ``fields`` None: all; ``limit`` None: every value."""
        from search import aggregation

        request = Request(query=query, as_of=as_of, literal=literal, filters=filters)
        with self._reading() as searcher:
            return aggregation.facets(searcher, request, fields, limit)

    def timeline(
        self,
        query: str,
        *,
        by: Period | str = "month",
        filters: Filters | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
    ) -> Timeline:
        """Counts of the whole match set by day, week, month or year, and their share of all articles in each.

        Raises UsageError where the periods would be too many.
        """
        from search import aggregation

        request = Request(query=query, as_of=as_of, literal=literal, filters=filters)
        with self._reading() as searcher:
            return aggregation.timeline(searcher, request, by)

    def alerts(self) -> tuple[Alert, ...]:
        """The saved queries, by name."""
        from search import alerts

        return tuple(map(alerts.from_entry, self._catalog.alerts()))

    def run_alerts(self, names: Iterable[str] | None = None, *, peek: bool = False) -> tuple[News, ...]:
        """What is new to these alerts (None: all) since they last ran; ``peek`` leaves it new.

        Raises UsageError for an unknown name; a query that fails is told in its ``News`` and stays as it was.
        """
        from search import alerts

        with self._reading() as searcher:
            entries = alerts.select(self._catalog.alerts(), names)
            found = tuple(alerts.news(searcher, self._catalog, entry) for entry in entries)
        if not peek:
            self.confirm_alerts(found)
        return found

    def stats(self) -> dict[str, Any]:
        """Counts, sizes, dates, sources and settings, as plain values."""
        from search import inspection

        with self._reading() as searcher:
            return inspection.stats(self.path, searcher.snapshot, searcher.vectors, self._settings)

    def check(self, progress: Callable[[str], None] | None = None) -> list[str]:
        """Verify everything: checksums, records, and that all parts hold the same articles. Returns the problems."""
        from search import inspection

        return inspection.check(self.path, self._catalog, progress)

    # Writing

    def add(
        self,
        items: Iterable[Article | Rejection],
        *,
        batch: int = DEFAULT_BATCH,
        vectors: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> AddReport:
        """Upsert articles by id, in batches that are each committed.

        The first ``add`` decides whether the archive has vectors. Raises ArchiveLocked when another writer is at work.
        """
        if batch < 1:
            raise UsageError(f"batch must be 1 or more, not {batch}")
        with self._writing():
            encoder = self._encoder_for(vectors)
            return self._writer(encoder).add(items, batch, progress)

    def delete(self, ids: Iterable[str], *, purge: bool = False) -> int:
        """Delete articles; ids that no article has are ignored. With ``purge``, their bytes leave every file at once.
        Returns how many went."""
        with self._writing():
            wanted = list(dict.fromkeys(ids))
            rows = [row for row, _ in self._catalog.live(wanted).values()]
            writer = self._writer(None)
            if purge:
                writer.purge(wanted)
            else:
                writer.delete(rows)
        return len(rows)

    def delete_matching(self, query: str, *, purge: bool = False) -> int:
        """Delete the whole match set of a query. Returns how many went."""
        with self._reading() as searcher:
            parsed, _, _ = searcher.parse(Request(query=query))
            ordinals = np.flatnonzero(searcher.match(parsed, searcher.snapshot.live))
            ids = searcher.columns.ids(ordinals.tolist())
        return self.delete(ids, purge=purge)

    def prune(self, keep: Collection[str]) -> int:
        """Delete every article whose id is not in ``keep``. Returns how many went."""
        return self.delete([one for one, _ in self._catalog.live_ids() if one not in keep])

    def optimize(self) -> None:
        """Merge all segments into one and drop what deleted articles left."""
        with self._writing():
            self._writer(None).optimize()

    def add_alert(self, name: str, query: str, *, everything: bool = False) -> Alert:
        """Save a query. What is in the archive by now is no news to it, unless ``everything`` is to be.

        Raises UsageError for a bad or taken name, QueryError for a query that does not parse.
        """
        from search import alerts

        with self._writing():
            last_row = 0 if everything else self._catalog.next_row() - 1
            entry = alerts.new_entry(name, query, last_row)
            if not self._catalog.add_alert(entry):
                raise UsageError(f"there is an alert named {name!r}; remove it first, or use another name")
        return alerts.from_entry(entry)

    def remove_alert(self, name: str) -> None:
        """Forget a saved query. Raises UsageError where there is none of this name."""
        from search import alerts

        with self._writing():
            if not self._catalog.remove_alert(name):
                raise UsageError(alerts.unknown(name, [entry.name for entry in self._catalog.alerts()]))

    def confirm_alerts(self, news: Iterable[News]) -> None:
        """Record that news were told: they are not new any more. With none, only whether that could be recorded.

        Raises ArchiveLocked, or StorageError where the archive cannot be written.
        """
        told = [one.entry for one in news if one.error is None]
        try:
            with self._writing():
                self._catalog.advance_alerts(told)
        except StorageError as error:
            raise StorageError(f"cannot record what is told ({error}); --peek tells it and records nothing") from error

    # Within

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the writer lock; afterwards this archive sees what it wrote."""
        if self._version == _CLOSED:
            raise UsageError("this archive is closed")
        lock = lock_writer(self.path, self._wait)
        self._wrote = True
        try:
            self._load_settings()
            yield
        finally:
            with self._lock:
                if self._version != _CLOSED:
                    self._version = _UNKNOWN
            lock.release()

    def _writer(self, encoder: Callable[[], encode.Encoder] | None) -> Writer:
        from search.writing import Writer  # a search does not need what writing imports

        return Writer(self.path, self._catalog, encoder, int(self._settings["passage_tokens"]))

    @contextmanager
    def _reading(self) -> Iterator[Searcher]:
        """The searcher of the newest commit, whose snapshot is held until the block and all others like it end."""
        with self._lock:
            if self._version == _CLOSED:
                raise UsageError("this archive is closed")
            version = self._catalog.data_version()
            if self._searcher is None or version != self._version:
                if self._searcher is None or self._catalog.commit_number() != self._searcher.snapshot.commit:
                    snapshot = take_snapshot(
                        self.path, self._catalog, None if self._searcher is None else self._searcher.snapshot
                    )
                    try:
                        self._load_settings()
                        fresh = Searcher(snapshot, self._catalog, self._bm25)
                    except BaseException:
                        snapshot.close()
                        raise
                    self._retire()
                    self._searcher = fresh
                    self._users[fresh] = 1
                self._version = version
            searcher = self._searcher
            self._users[searcher] += 1
        try:
            yield searcher
        finally:
            self._leave(searcher)

    def _retire(self) -> None:
        with self._lock:
            if self._searcher is not None:
                self._leave(self._searcher)
                self._searcher = None

    def _leave(self, searcher: Searcher) -> None:
        """Count one user less; the last one lets the snapshot go."""
        with self._lock:
            self._users[searcher] -= 1
            if not self._users[searcher]:
                del self._users[searcher]
                searcher.snapshot.close()

    def _load_settings(self) -> None:
        settings = self._catalog.settings()
        needed = {"analysis", "passage_tokens", "bm25", "encoder", "model", "vectors"}
        if missing := needed - settings.keys():
            raise ArchiveMismatch(
                f"{self.path} does not say its {', '.join(sorted(missing))}; index the articles again"
            )
        if settings["analysis"] != ANALYSIS_VERSION:
            raise ArchiveMismatch(
                f"{self.path} was built with text analysis {settings['analysis']}, this version has "
                f"{ANALYSIS_VERSION}; index the articles again"
            )
        try:
            self._bm25 = Bm25Settings(**settings["bm25"])
            self._identity = None if settings["encoder"] is None else EncoderIdentity(**settings["encoder"])
            int(settings["passage_tokens"])
        except (TypeError, ValueError, UsageError) as error:
            raise ArchiveDamaged(f"{self.path} has settings that make no sense ({error}); index again") from error
        self._settings = settings

    def _refuse_other_model(self) -> None:
        built = self._settings["model"]
        if self._model is not None and built is not None and not encode.same_model(self._model, built):
            raise ArchiveMismatch(
                f"{self.path} was built with the model {built}, not {self._model}; "
                "leave --model out, or index into a new archive"
            )

    def _encoder_for(self, vectors: bool) -> Callable[[], encode.Encoder] | None:
        """What gives the encoder that new articles need, or None for an archive without vectors.

        Decides it, and loads the model, for an archive that has no articles yet.
        """
        if self._settings["vectors"] is None:
            encoder = encode.load_encoder(self._model) if vectors else None
            if encoder is not None:
                encode.prepare_query_encoder(encoder)  # now, so that no later search has to load the model
            with self._catalog.writing() as transaction:
                transaction.set("vectors", vectors)
                if encoder is not None:
                    transaction.set("encoder", asdict(encoder.identity))
                    transaction.set("model", self._model or encoder.identity.name)
            self._load_settings()
            return None if encoder is None else lambda: encoder
        if not self._settings["vectors"]:
            return None
        if not vectors:
            raise UsageError(f"{self.path} has vectors; articles without them cannot be added to it")
        return functools.cache(self._load_encoder)

    def _load_encoder(self) -> encode.Encoder:
        """The encoder that the archive was built with. Raises ArchiveMismatch if the model at hand is another."""
        encoder = encode.load_encoder(self._settings["model"])
        if encoder.identity != self._identity:
            raise ArchiveMismatch(
                f"{self.path} was built with {self._identity}; the model at hand is {encoder.identity}. "
                "Use the same model, or index into a new archive"
            )
        return encoder

    def _query_vector(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            known = self._query_vectors.get(text)
            if known is not None:
                self._query_vectors.move_to_end(text)
                return known
            if self._query_encoder is None:
                identity = self._identity
                if identity is None:
                    raise ModeError("this archive has no vectors; use --mode keyword")
                self._query_encoder = encode.load_query_encoder(identity, self._settings["model"])
            encoder = self._query_encoder
        vector = encoder.encode_query(text)
        with self._lock:
            self._query_vectors[text] = vector
            if len(self._query_vectors) > _QUERY_VECTORS:
                self._query_vectors.popitem(last=False)
        return vector


def _choice(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f"{value!r} is not a {kind.__name__.lower()}; use one of {', '.join(kind)}") from None


def _unfinished(folder: Path) -> bool:
    """Whether a crash left a folder that was about to become an archive."""
    return all(path.name == "writer.lock" or path.name.startswith(BUILDING) for path in folder.iterdir())
