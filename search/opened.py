"""The life of an open archive: its catalog, the snapshot that readers share, the writer's lock, its encoders."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from search._version import __version__
from search.errors import (
    ArchiveDamaged,
    ArchiveMismatch,
    ArchiveNotFound,
    ModeError,
    UsageError,
)
from search.keyword import ANALYSIS_VERSION, Bm25Settings
from search.records import (
    EncoderIdentity,
)
from search.searching import Searcher
from search.storage.catalog import BUILDING, FILE, Catalog
from search.storage.files import storage_errors
from search.storage.locks import lock_writer
from search.storage.snapshot import take_snapshot

if TYPE_CHECKING:
    from search import encode
    from search.writing import Writer

PASSAGE_TOKENS = 230
_UNKNOWN, _CLOSED = -1, -2  # states of an archive that has no data version
_QUERY_VECTORS = 256  # remembered, so that paging and trying modes do not encode the same words again


class OpenArchive:
    """What every archive needs to be read and written: its catalog, the newest snapshot, settings and encoders."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        model: str | None,
        wait: bool,
        dimension: int | None = None,
        precision: encode.Precision | str = "auto",
    ) -> None:
        self.path = path
        self._catalog = catalog
        self._model = model
        self._wait = wait
        self._dimension = dimension
        self._precision = precision
        self._lock = threading.RLock()
        self._searcher: Searcher | None = None
        self._users: dict[Searcher, int] = {}
        self._version = _UNKNOWN
        self._wrote = False
        self._settings: dict[str, Any] = {}
        self._query_encoder: encode.QueryEncoder | None = None
        self._encoder_lock = threading.Lock()
        self._encoder_asked = False
        self._query_vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._identity: EncoderIdentity | None = None
        self._load_settings()
        self._refuse_other_model()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        model: str | None = None,
        wait: bool = False,
        dimension: int | None = None,
        precision: encode.Precision | str = "auto",
    ) -> Self:
        """Open the archive in a folder, or make one there with ``create``.

        ``model`` names the encoder of a new archive, and must agree with an existing one's. ``wait`` lets writing wait
        for another writer instead of raising ArchiveLocked. ``dimension`` keeps that many leading dimensions of a new
        archive's vectors, for models trained so (Matryoshka), and must agree with an existing one's. ``precision`` is
        the arithmetic in which this process embeds passages. Raises ArchiveNotFound, ArchiveMismatch, ArchiveDamaged,
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
            return cls(folder, catalog, model, wait, dimension, precision)
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

    @property
    def settings(self) -> dict[str, Any]:
        """What the archive was built with: format, encoder identity, passage size, BM25 parameters."""
        return dict(self._settings)

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
                    previous = None if self._searcher is None else self._searcher.snapshot
                    snapshot = take_snapshot(self.path, self._catalog, previous)
                    try:
                        self._load_settings()
                        if self._catalog.commit_number() != snapshot.commit:  # of another commit, perhaps
                            snapshot.close()
                            snapshot = take_snapshot(self.path, self._catalog, previous)
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
            identity = None if settings["encoder"] is None else EncoderIdentity(**settings["encoder"])
            int(settings["passage_tokens"])
        except (TypeError, ValueError, UsageError) as error:
            raise ArchiveDamaged(f"{self.path} has settings that make no sense ({error}); index again") from error
        with self._lock:
            if identity != self._identity:
                self._identity = identity
                self._query_encoder = None
                self._query_vectors = OrderedDict()
            self._settings = settings

    def _refuse_other_model(self) -> None:
        built = self._settings["model"]
        if self._model is not None and built is not None:
            from search import encode  # a search for words needs nothing of it

            if not encode.same_model(self._model, built):
                raise ArchiveMismatch(
                    f"{self.path} was built with the model {built}, not {self._model}; "
                    "leave --model out, or index into a new archive; embed gives this one another model's vectors"
                )
        if self._dimension is not None and self._identity is not None and self._dimension != self._identity.dimension:
            raise ArchiveMismatch(
                f"{self.path} has vectors of {self._identity.dimension} dimensions, not {self._dimension}; "
                "leave --dimension out, or index into a new archive; embed gives this one other vectors"
            )

    def _encoder_for(self, vectors: bool) -> Callable[[], encode.Encoder] | None:
        """What gives the encoder that new articles need, or None for an archive without vectors.

        Decides it, and loads the model, for an archive that has no articles yet.
        """
        if self._settings["vectors"] is None:
            from search import encode

            encoder = encode.load_encoder(self._model, self._precision, self._dimension) if vectors else None
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

    def _embed(
        self,
        model: str | None,
        dimension: int | None,
        precision: encode.Precision | str | None,
        progress: Callable[[int, int], None],
    ) -> int:
        from search import encode
        from search.embedding import Embedding
        from search.writing import Writer

        if model is None:
            model = self._settings["model"] or self._model
            if dimension is None and self._identity is not None:
                dimension = self._identity.dimension
        encoder = encode.load_encoder(model, self._precision if precision is None else precision, dimension)
        if self._settings["vectors"] and encoder.identity == self._identity:
            return 0
        encode.prepare_query_encoder(encoder)
        limit = int(self._settings["passage_tokens"])
        work = Embedding(self.path, self._catalog, encoder, limit)
        writer = Writer(self.path, self._catalog, None, limit, work.wanted)
        articles = work.embed(progress)
        work.commit(model or encoder.identity.name)
        writer.clean()
        self._model = self._dimension = None  # what it was opened with says nothing of it any more
        self._load_settings()
        return articles

    def _load_encoder(self) -> encode.Encoder:
        """The encoder that the archive was built with. Raises ArchiveMismatch if the model at hand is another."""
        from search import encode

        if self._identity is None:
            raise ArchiveDamaged(f"{self.path} has vectors and does not say of which model; embed it again")
        return encode.load_matching_encoder(self._identity, self._settings["model"], self._precision)

    def _query_vector(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            known = self._query_vectors.get(text)
            if known is not None:
                self._query_vectors.move_to_end(text)
                return known
        encoder = self._load_query_encoder()
        vector = encoder.encode_query(text)
        with self._lock:
            if encoder is not self._query_encoder:  # embed has changed the model meanwhile
                return vector
            self._query_vectors[text] = vector
            if len(self._query_vectors) > _QUERY_VECTORS:
                self._query_vectors.popitem(last=False)
        return vector

    def _load_query_encoder(self) -> encode.QueryEncoder:
        """The encoder of queries, loaded by whoever asks first. Raises ModeError where there are no vectors."""
        with self._encoder_lock:
            if self._query_encoder is None:
                if self._identity is None:
                    raise ModeError("this archive has no vectors; use --mode keyword")
                from search import encode

                self._query_encoder = encode.load_query_encoder(self._identity, self._settings["model"])
            return self._query_encoder

    def _load_ahead(self) -> None:
        """Begin to load what encodes a first query, which takes as long as opening the index does: on another core."""
        if self._encoder_asked or self._identity is None:
            return
        self._encoder_asked = True

        def load() -> None:
            with suppress(Exception):  # whoever needs it asks again, and is told what is wrong
                self._load_query_encoder()

        threading.Thread(target=load, name="load query encoder").start()


def _unfinished(folder: Path) -> bool:
    """Whether a crash left a folder that was about to become an archive."""
    return all(path.name == "writer.lock" or path.name.startswith(BUILDING) for path in folder.iterdir())
