"""An open archive: its catalog, the newest view, which readers share, the writer's lock, its settings and encoders."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search._version import __version__
from search.engine import furniture, stories
from search.engine.counts import Spellings
from search.engine.query_vectors import QueryVectors
from search.engine.settings import RankingSettings, Settings
from search.engine.soundness import check_part
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.engine.writer import Writer
from search.errors import (
    ArchiveDamaged,
    ArchiveMismatch,
    ArchiveNotFound,
    SearchError,
    UsageError,
)
from search.keyword import ANALYSIS_VERSION, languages
from search.keyword.analysis import Analysis
from search.keyword.multilingual import EVERY
from search.storage import reserve
from search.storage.catalog import BUILDING, FILE, Catalog
from search.storage.files import fsync_folder, storage_errors
from search.storage.folder import Folder
from search.storage.locks import lock_writer
from search.storage.snapshot import take_snapshot
from search.storage.verified import Patrol

if TYPE_CHECKING:
    from search import encode

PASSAGE_TOKENS = 230
IDLE = 60.0  # seconds after which an outdated view that nobody reads in is let go
LOOK = 1.0  # seconds after which an open view looks whether its files are as they were
SETTLED = 60.0  # seconds after which an open archive reads its files anew, at leisure
_UNKNOWN, _CLOSED = -1, -2  # states of an archive that has no data version


class Session:
    """What every archive needs to be read and written. Threads may share it; ``open`` makes one.

    ``queries`` encodes queries as the newest commit's passages are.
    """

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        model: str | encode.Encoder | None,
        wait: bool,
        dimension: int | None,
        precision: encode.Precision | str,
        analysis: Analysis | None = None,
    ) -> None:
        self.path = path
        self.catalog = catalog
        self.queries = QueryVectors(None, None)
        self._model = model
        self._wait = wait
        self._dimension = dimension
        self._precision = precision
        self._language = analysis
        self._lock = threading.RLock()
        self._view: View | None = None
        self._users: dict[View, int] = {}
        self._version = _UNKNOWN
        self._wrote = False
        self._opened = self._used = self._looked = time.monotonic()  # when a view was last left, or looked at
        self._patrol = Patrol(catalog.folder)
        self._timer: threading.Timer | None = None
        self._settings: Settings
        self._spellings: dict[tuple[str, ...], Spellings] = {}

    @classmethod
    def open(
        cls,
        path: Path,
        create: bool,
        model: str | encode.Encoder | None,
        wait: bool,
        dimension: int | None,
        precision: encode.Precision | str,
        outdated: bool = False,
        analysis: Analysis | str | None = None,
    ) -> Session:
        """Open the archive in a folder, or make one there with ``create``. Errors are those of ``Archive.open``."""
        if precision != "auto":
            from search import encode

            precision = encode.known_precision(precision)
        language = languages.chosen(analysis)
        if create and not (path / FILE).is_file():
            _create(path, wait, _new_settings(model if isinstance(model, str) else None, dimension, language or EVERY))
        folder = Folder.open(path)
        try:
            session = cls(path, Catalog.open(folder), model, wait, dimension, precision, language)
        except BaseException:
            folder.close()
            raise
        try:
            session._load_settings(damaged=outdated)
            session._refuse_other_model()
            if not outdated:
                session._refuse_outdated()
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        """Release the snapshot and the catalog. Safe to call twice."""
        with self._lock:
            if self._version == _CLOSED:
                self._retire()
                return
            self._patrol.end()
            if self._timer is not None:
                self._timer.cancel()
            outdated = False
            with contextlib.suppress(SearchError):
                outdated = self._outdated()
            self._retire()
            if outdated:
                self._clean_if_free()
            self._version = _CLOSED
            self.catalog.close(truncate=self._wrote)

    @property
    def settings(self) -> Settings:
        """What the archive was built with, as of the last commit that was looked at."""
        return self._settings

    @property
    def analysis(self) -> Analysis:
        """What this archive takes for words. Raises ArchiveMismatch where its language is not to be had."""
        return languages.of(self._settings.language, self._language, self.path)

    @property
    def installed_analysis(self) -> Analysis | None:
        """The same, or None."""
        try:
            return self.analysis
        except ArchiveMismatch:
            return None

    @property
    def model(self) -> str | encode.Encoder | None:
        """The model that it was opened with, None where none was named."""
        return self._model

    @property
    def patient(self) -> bool:
        """Whether it waits where another one has a lock."""
        return self._wait

    @contextmanager
    def writing(self, outdated: bool = False, freeing: bool = False) -> Iterator[Writer]:
        """The writer's lock for the length of a block; afterwards this archive sees what was written. ``outdated``:
        also where the words were analysed by another version. ``freeing``: it makes room, and uses the reserve, which
        ``regain`` makes again.

        Raises ArchiveLocked when another writer is at work, ArchiveNotFound and ArchiveReplaced where the archive is
        no more what lies at its path, and UsageError once it is closed.
        """
        if self._version == _CLOSED:
            raise UsageError("this archive is closed")
        self.catalog.prove()
        lock = lock_writer(self.catalog.folder, self._wait)
        try:
            self.catalog.prove()  # nothing is removed from a folder before it is known, under its lock, to be ours
            if freeing:
                reserve.give_up(self.catalog.folder)
            self._wrote = True
            self._load_settings(damaged=outdated)
            if not outdated:
                self._refuse_outdated()
            if self.catalog.migrate(_new_identity()):
                self._load_settings()
            writer = Writer(self.catalog, lock, self._let_go)
            if not outdated:  # a repair begins when it has seen to the catalog
                writer.begin()
            try:
                yield writer
            finally:
                self._tidy(writer, freeing)
        finally:
            lock.release()

    def _tidy(self, writer: Writer, freeing: bool) -> None:
        """End a piece of writing: what it made needless goes, at once where no other reader holds it."""
        with self._lock:
            if self._version == _CLOSED:
                return
            self._version = _UNKNOWN
            self._let_go()
        with contextlib.suppress(SearchError):  # it stays for the next writer; what is written is written
            writer.clean()
            if not freeing:
                reserve.keep(self.catalog.folder, self._reserve)

    def regain(self) -> None:
        """Make the reserve again that was given up."""
        reserve.keep(self.catalog.folder, self._reserve, again=True)

    def _reserve(self) -> int:
        """The bytes that are to be kept for a day when the disk is full."""
        return reserve.wanted([entry.size for entry in self.catalog.segments()[1]], self.catalog.size())

    def _let_go(self) -> None:
        """Give up the view kept for later calls if it is of an older commit: idle, it would keep that commit's files.

        Who is reading in it keeps it to the end of the reading. Passed over while another thread is opening a view.
        """
        if self._lock.acquire(blocking=False):
            try:
                if self._outdated():
                    self._retire()
            finally:
                self._lock.release()

    def _look_after_view(self, unused: float = 0.0) -> None:
        """Look whether the view kept for later calls is still of use, once it is IDLE seconds without use; ``unused``:
        how many it is now. Called with the lock held."""
        if self._timer is None:
            after = max(IDLE - unused, IDLE / 100) if unused < IDLE else IDLE
            self._timer = threading.Timer(after, _give_up_idle_view, [weakref.ref(self)])
            self._timer.name = "idle view"
            self._timer.daemon = True
            self._timer.start()

    def give_up_idle_view(self) -> None:
        """Let the view go if nobody has read for a while and there are newer commits: it keeps the files of its own."""
        with self._lock:
            self._timer = None
            if self._version == _CLOSED or self._view is None:
                return
            unused = 0.0 if self._users[self._view] > 1 else time.monotonic() - self._used
            if unused < IDLE or not self._outdated():
                self._look_after_view(unused)
                return
            self._retire()
        self._clean_if_free()

    def _outdated(self) -> bool:
        """Is the view of an older commit?"""
        return self._view is not None and self._view.snapshot.commit != self.catalog.commit_number()

    def _clean_if_free(self) -> None:
        """Remove what a view that was let go was perhaps the last to need, unless a writer is at work, who will."""
        with contextlib.suppress(SearchError):
            self.catalog.prove()
            lock = lock_writer(self.catalog.folder)
            try:
                self.catalog.prove()
                Writer(self.catalog, lock, self._let_go).clean()
            finally:
                lock.release()

    @contextmanager
    def reading(self, watch: Watch = unwatched) -> Iterator[View]:
        """The view of the newest commit, whose snapshot is held until the block and all others like it end."""
        with watch("open"), self._lock:
            if self._version == _CLOSED:
                raise UsageError("this archive is closed")
            version = self.catalog.data_version()
            self._mistrust_changed_files()
            if self._view is None or version != self._version:
                if self._view is None or self.catalog.commit_number() != self._view.snapshot.commit:
                    previous = None if self._view is None else self._view.snapshot
                    snapshot = take_snapshot(self.catalog, check_part, previous)
                    try:
                        self._load_settings()
                        while self.catalog.commit_number() != snapshot.commit:  # settings of another one, perhaps
                            snapshot.close()
                            snapshot = take_snapshot(self.catalog, check_part, previous)
                            self._load_settings()
                        self._refuse_outdated()
                        fresh = View(
                            snapshot, self.catalog, self._settings.ranking, self.queries, self._spellings, self.analysis
                        )
                    except BaseException:
                        snapshot.close()
                        raise
                    self._retire()
                    self._view = fresh
                    self._users[fresh] = 1
                    self._look_after_view()
                self._version = version
            view = self._view
            self._users[view] += 1
            if time.monotonic() >= self._opened + SETTLED:
                self._patrol.walk(view.snapshot.files)
        try:
            yield view
        finally:
            self._leave(view)

    def _mistrust_changed_files(self) -> None:
        """Give the view up where its files are not what was verified any more: the next one verifies them anew."""
        now = time.monotonic()
        if self._view is not None and now >= self._looked + LOOK:
            self._looked = now
            if self._view.snapshot.changed():
                self._retire()

    def _retire(self) -> None:
        with self._lock:
            if self._view is not None:
                self._leave(self._view)
                self._view = None

    def _leave(self, view: View) -> None:
        """Count one user less; the last one lets the snapshot go."""
        with self._lock:
            self._users[view] -= 1
            self._used = time.monotonic()
            if not self._users[view]:
                del self._users[view]
                view.snapshot.close()

    def _load_settings(self, damaged: bool = False) -> None:
        with self._lock:  # read and taken over as one: an older thread's reading never comes after a newer one's
            settings = Settings.read(self.path, self.catalog.settings(damaged))
            model = settings.model if self._brought is None else self._brought
            if (settings.encoder, model) != (self.queries.identity, self.queries.model):
                self.queries = QueryVectors(settings.encoder, model, fetch=self._model is not None)
            self._settings = settings

    def tune(self, parameters: Mapping[str, float]) -> dict[str, float]:
        """Set what is ranked by. Returns all of it. Raises UsageError for a parameter that there is none of, or without
        a sense."""
        with self.writing() as writer:
            ranking = self._settings.ranking.but(parameters)
            with writer.commit() as transaction:
                transaction.set("bm25", ranking.stored())
            return asdict(ranking)

    @property
    def _brought(self) -> encode.Encoder | None:
        """The encoder that a program brought itself, where it did."""
        return None if self._model is None or isinstance(self._model, str) else self._model

    def _refuse_outdated(self) -> None:
        """Raise ArchiveMismatch where the words were analysed by another version of the analysis."""
        if (analysis := self._settings.analysis) != ANALYSIS_VERSION:
            raise ArchiveMismatch(
                f"the words of {self.path} were analysed by version {analysis} of the text analysis, and this program "
                f"has version {ANALYSIS_VERSION}; 'broadsheet doctor --repair --index {self.path}' analyses them again "
                "and embeds nothing"
            )
        self._refuse_other_language()

    def _refuse_other_language(self) -> None:
        languages.agreed(self._settings.language, self.analysis, self.path)

    def _refuse_other_model(self) -> None:
        built = self._settings.model
        if self._model is not None and built is not None and self._settings.vectors:  # else nothing is built yet
            from search import encode  # a search for words needs nothing of it

            if not encode.same_model(encode.named(self._model), built):
                raise ArchiveMismatch(
                    f"{self.path} was built with the model {built}, not {encode.named(self._model)}; "
                    "leave --model out, or index into a new archive; embed gives this one another model's vectors"
                )
        identity = self.queries.identity
        if self._dimension is not None and identity is not None and self._dimension != identity.dimension:
            raise ArchiveMismatch(
                f"{self.path} has vectors of {identity.dimension} dimensions, not {self._dimension}; "
                "leave --dimension out, or index into a new archive; embed gives this one other vectors"
            )

    def encoder_for(self, writer: Writer, vectors: bool) -> Callable[[], encode.Encoder] | None:
        """What gives the encoder that new articles need, or None for an archive without vectors.

        Decides it, and loads the model, for an archive that has no articles yet.
        """
        if self._settings.vectors is None:
            from search import encode

            model = self._settings.model if self._model is None else self._model
            named = self._model is not None or self._dimension is not None
            dimension = self._dimension if named else self._settings.dimension
            fetch = self._model is not None
            encoder = encode.load_encoder(model, self._precision, dimension, fetch) if vectors else None
            if encoder is not None:
                encode.prepare_query_encoder(encoder)  # now, so that no later search has to load the model
            with writer.commit() as transaction:
                transaction.set("vectors", vectors)
                if encoder is not None:
                    transaction.set("encoder", asdict(encoder.identity))
                    transaction.set("model", encode.named(model) or encoder.identity.name)
            self._load_settings()
            return None if encoder is None else lambda: encoder
        if not self._settings.vectors:
            return None
        if not vectors:
            raise UsageError(f"{self.path} has vectors; articles without them cannot be added to it")
        return functools.cache(self._load_encoder)

    def encoder_of(
        self, model: str | encode.Encoder | None, dimension: int | None, precision: encode.Precision | str | None
    ) -> tuple[encode.Encoder, str]:
        """The encoder of a model, and the name under which it is found again. None: as the archive has it."""
        from search import encode

        fetch = model is not None or self._model is not None
        if model is None:
            model = self._brought or self._settings.model or self._model
            if dimension is None and self.queries.identity is not None:
                dimension = self.queries.identity.dimension
        encoder = encode.load_encoder(model, self._precision if precision is None else precision, dimension, fetch)
        return encoder, encode.named(model) or encoder.identity.name

    def take_model(self, model: str | encode.Encoder | None) -> None:
        """The archive has another model now: what it was opened with says nothing of it any more."""
        if model is not None:
            self._model = None if isinstance(model, str) else model
        elif self._brought is None:
            self._model = None
        self._dimension = None
        self._load_settings()

    def _load_encoder(self) -> encode.Encoder:
        """The encoder that the archive was built with. Raises ArchiveMismatch if the model at hand is another."""
        from search import encode

        if self.queries.identity is None:
            raise ArchiveDamaged(f"{self.path} has vectors and does not say of which model; embed it again")
        return encode.load_matching_encoder(
            self.queries.identity, self.queries.model, self._precision, fetch=self._model is not None
        )


def _give_up_idle_view(session: weakref.ref[Session]) -> None:
    """What the timer calls: it keeps no archive alive that nobody has closed."""
    if (kept := session()) is not None:
        with contextlib.suppress(SearchError):
            kept.give_up_idle_view()


def _create(path: Path, wait: bool, settings: dict[str, Any]) -> None:
    """Make an empty archive in a folder that is new, empty, or was left so by a crash."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())) and not _unfinished(path):
        raise ArchiveNotFound(f"{path} exists and is no archive; name an empty or a new folder")
    missing = [made for made in (path, *path.parents) if not made.exists()]
    with storage_errors(f"make {path}"):
        path.mkdir(parents=True, exist_ok=True)
        for made in missing or [path]:  # its name survives a power cut, as what is written in it does
            with contextlib.suppress(PermissionError):  # a folder that may be written and not read
                fsync_folder(made.parent)
    folder = Folder.open(path)
    try:
        lock = lock_writer(folder, wait)
        try:
            if not (folder / FILE).exists():  # another process may have been first
                Catalog.create(folder, settings)
        finally:
            lock.release()
    finally:
        folder.close()


def _new_identity() -> str:
    """What tells an archive from every other one, wherever it is moved or restored."""
    return os.urandom(16).hex()


def _new_settings(model: str | None, dimension: int | None, analysis: Analysis) -> dict[str, Any]:
    """Those of an empty archive. ``model`` and ``dimension`` are for the first articles, whenever they come."""
    language = {} if analysis.stamp is None else {"language": analysis.stamp}
    return language | {
        "identity": _new_identity(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "created_by": f"broadsheet {__version__}",
        "analysis": ANALYSIS_VERSION,
        "passage_tokens": PASSAGE_TOKENS,
        "bm25": RankingSettings().stored(),
        "encoder": None,
        "model": model,
        "dimension": dimension,
        "vectors": None,
        "stories": stories.Settings()._asdict(),
        "furniture": furniture.Settings()._asdict(),
    }


def _unfinished(folder: Path) -> bool:
    """Whether a crash left a folder that was about to become an archive."""
    return all(path.name == "writer.lock" or path.name.startswith(BUILDING) for path in folder.iterdir())
