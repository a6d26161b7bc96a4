"""Repair: segments that are damaged, incomplete or of an older analysis are made again from the records.

Segments that are sound stay as they are; in one that is not, so do its sound parts, without what deleted articles left.
All is written beside what is there, and named in one commit. Nothing is removed: records that cannot be read, and files
that no commit names, go to ``repaired/`` in the archive's folder.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.encode import Encoder
from search.engine import building, doctor, stories
from search.engine.furniture import check as furniture
from search.engine.furniture.learning import furnished
from search.engine.rebuilt import CHUNK, columns_differ, keyword_differs
from search.engine.soundness import check_part
from search.engine.stories.check import differs
from search.engine.stories.grouping import group
from search.engine.writer import Writer
from search.errors import ArchiveDamaged, ArchiveMismatch, EncoderError, SearchError
from search.keyword import ANALYSIS_VERSION
from search.keyword.part import merge as keyword_merge
from search.keyword.part import write as keyword
from search.records import Article, Dirt, RepairReport
from search.records.numbers import counted
from search.storage import codec
from search.storage.catalog import Catalog
from search.storage.columns import Columns, build_columns, ids_digest, merge_columns
from search.storage.container import Part, PartData, open_part, write_part
from search.storage.files import storage_errors
from search.storage.folder import Folder, Place
from search.storage.locks import last_noted
from search.storage.segments import COLUMNS, FURNITURE, KEYWORD, STORIES, VECTORS, newest, part_place
from search.storage.transaction import SegmentEntry
from search.storage.verified import file_hash
from search.text import passages
from search.vector import VectorIndex
from search.vector import check_part as check_vectors
from search.vector import merge_parts as merge_vectors

if TYPE_CHECKING:
    from search.engine.session import Session

RECORDS = "records.jsonl"
ALERTS = "alerts.jsonl"
_LATER = {STORIES, FURNITURE}  # parts that are made anew at the end, where they must be
_DAMAGES = (SearchError, ValueError, IndexError, KeyError, TypeError, OverflowError)
Rows = NDArray[np.int64]
Progress = Callable[[str], None]


def dirt(catalog: Catalog) -> list[Dirt]:
    """The files in an archive's folder that are none of its own: such as no commit names, but for the work of an
    interrupted ``embed``, and such as no archive has."""
    return [_told(catalog.folder, place) for place in doctor.unnamed(catalog)]


def repair(session: Session, thorough: bool, progress: Progress | None = None) -> RepairReport:
    """Make an archive sound again, from its records.

    Raises ArchiveDamaged where the catalog itself is damaged, or where the archive is not sound afterwards;
    EncoderError and ArchiveMismatch where vectors must be made again and the model cannot be had: then nothing is
    changed.
    """
    tell = progress or (lambda stage: None)
    with session.writing(outdated=True) as writer:
        broken = [what for what in writer.catalog.broken_seals() if not what.startswith("alerts ")]
        lasting = writer.catalog.integrity() or [what for what in broken if what.startswith("settings ")]
        if lasting:
            raise ArchiveDamaged(
                f"the catalog of {session.path} is damaged ({lasting[0]}): restore a backup, or export what can be "
                "read and import it into a new archive"
            )
        work = _Repair(session, writer, tell)
        work.set_alerts_aside()
        with writer.catalog.mistrusted(*work.least()) if broken else nullcontext():
            writer.begin()
            work.set_aside()
            work.look(thorough)
            work.mend()
            work.learn_again()
            writer.clean()
            problems = doctor.check(writer.catalog, analysis=session.analysis)
            if problems and not thorough:  # what a first look does not see
                work.look(thorough=True)
                work.mend()
                work.learn_again()
                writer.clean()
                problems = doctor.check(writer.catalog, analysis=session.analysis)
            if problems:
                raise ArchiveDamaged(
                    f"{session.path} is not sound after the repair ({problems[0]}; "
                    f"{counted(len(problems), 'problem')} in all): restore a backup, or export it and import that into "
                    "a new archive"
                )
    return RepairReport(
        articles=session.catalog.count(),
        segments=work.segments,
        parts=dict(sorted(work.parts.items())),
        embedded=work.embedded,
        records=work.records,
        alerts=work.alerts,
        files=tuple(work.moved),
        aside=None if work.aside is None else str(work.aside.path),
    )


@dataclass(slots=True)
class _Segment:
    """What is to become of a segment: ``rows`` int64, ascending, are its articles from now on. ``held`` are the rows
    that its parts have, None where that cannot be known; ``sound`` the parts that can be used."""

    entry: SegmentEntry | None
    rows: Rows
    held: Rows | None = None
    sound: dict[str, Part] = field(default_factory=dict)
    legible: Part | None = None
    """A vector part that is whole, of whichever articles it is."""


class _Place(NamedTuple):
    """Where a segment stands in the catalog: of the rows from its first one to the next segment's, those of live
    articles with readable records, all that have a record, and the buried ones. All int64, ascending."""

    entry: SegmentEntry
    live: Rows
    known: Rows
    buried: Rows


class _Repair:
    """One repair: ``set_aside`` the files of nobody, ``look`` at all segments, ``mend`` them in one commit."""

    def __init__(self, session: Session, writer: Writer, tell: Progress) -> None:
        self.segments = self.records = self.embedded = self.alerts = 0
        self.parts: dict[str, int] = {}
        self.moved: list[str] = []
        self.aside: Place | None = None
        self._session = session
        self._writer = writer
        self._catalog = writer.catalog
        self._folder = writer.folder
        self._tell = tell
        self._analysis = session.analysis  # before anything is changed: its language may not be installed
        self._vectors = bool(session.settings.vectors)
        self._names = [COLUMNS, KEYWORD, *([VECTORS] if self._vectors else [])]
        self._damaged: list[tuple[int, str, bytes, bytes, str]] = []
        self._damage: list[_Segment] = []
        self._needless: list[int] = []  # tombstones
        self._contents: dict[int, bytes] = {}  # hashes of content that differ, as they are to be
        self._ids: dict[int, str] = {}
        self._lengths: Mapping[int, int] = {}  # of texts, by row
        self._thorough = False
        self._load: Callable[[], Encoder] | None = None

    def least(self) -> tuple[int, int]:
        """The least that the numbers of the last commit and of the next row can be, whatever the catalog says."""
        died = max((died or 0 for *_, died, _ in self._catalog.raw_records()), default=0)
        return max(died, last_noted(self._folder), newest(self._folder)), self._catalog.last_row() + 1

    def set_alerts_aside(self) -> None:
        """Keep the saved queries that are damaged in a file, as they are, and forget them."""
        if rows := self._catalog.take_damaged_alerts():
            self._keep(ALERTS, ({"alert": [str(value) for value in row]} for row in rows))
            self.alerts += len(rows)

    def set_aside(self) -> None:
        """Move the files that no commit names, and take back lists that would remove what is used."""
        for place in doctor.unnamed(self._catalog):
            name = "-".join(place.names[1:] or place.names)
            place.move(self._repaired() / name)
            self.moved.append(name)
        commit, entries = self._catalog.segments()
        used = {entry.id: {file.name for file in entry.parts.values()} for entry in entries}
        lies = [
            (segment, file)
            for segment, file in self._catalog.dropped(commit)
            if segment in used and (not file or file in used[segment])
        ]
        if lies:
            with self._writer.commit() as transaction:
                transaction.keep_files(lies)

    def look(self, thorough: bool) -> None:
        """Read all records and all segments. ``thorough``: whether the words are those of the records, too."""
        self._damaged, self._damage, self._contents = [], [], {}
        self._tell("records")
        self._ids, rows = {}, []
        lengths: dict[int, int] = {}
        self._lengths, self._thorough = lengths, thorough
        for row, article_id, blob, check, died, content in self._catalog.raw_records():
            self._ids[row] = article_id
            try:
                article, hashed = codec.unpack_hashed(blob, check, row)
                if article.id != article_id:
                    raise ArchiveDamaged(f"it is filed under {article_id!r} and holds {article.id!r}")
            except _DAMAGES as error:
                self._damaged.append((row, article_id, blob, check, str(error)))
                continue
            if content != (right := hashed()):
                self._contents[row] = right
            if died is None:
                rows.append(row)
                lengths[row] = len(article.text)
        known, live = np.array(list(self._ids), np.int64), np.array(rows, np.int64)
        _, entries, dead = self._catalog.snapshot()
        buried = np.setdiff1d(dead, live).astype(np.int64)
        self._needless = np.intersect1d(dead, live).tolist()  # live and buried at once
        starts = [0, *(entry.first_row for entry in entries[1:]), np.iinfo(np.int64).max]
        for entry, first, end in zip(entries, starts, starts[1:], strict=False):
            self._tell(f"segment {entry.id}")
            place = _Place(entry, *(values[(values >= first) & (values < end)] for values in (live, known, buried)))
            segment = self._examined(place, lengths, thorough)
            if segment is not None:
                self._damage.append(segment)
                self._needless += place.buried.tolist()
        if not entries and len(live):
            self._damage.append(_Segment(None, live))

    def _read(self, rows: list[int]) -> dict[int, Article]:
        """The articles of rows whose records can be read."""
        damaged = {row for row, *_ in self._damaged}
        return self._catalog.articles([row for row in rows if row not in damaged])

    def _examined(self, place: _Place, lengths: Mapping[int, int], thorough: bool) -> _Segment | None:
        """A segment that must be made again, with what can be used of it; None for one that is sound."""
        entry = place.entry
        parts: dict[str, Part] = {}
        for name, file in entry.parts.items():
            if name in _LATER:
                continue
            try:
                where = part_place(self._folder, entry.id, file)
                if file_hash(where, file.size) == file.sha256:
                    part = open_part(where, name, file.size)
                    if name != VECTORS:  # which is looked at below, in full
                        check_part(part)
                    parts[name] = part
            except (FileNotFoundError, *_DAMAGES):
                continue
        segment = _Segment(entry, place.live)
        try:
            columns = parts[COLUMNS]
            own = Columns([columns])
            digest = ids_digest(own.ids(range(len(own))))
            if columns.meta.get("ids_digest") == digest and len(own) == entry.articles:
                segment.held = own.rows
                if columns_differ(columns, self._read, self._analysis) is None:
                    segment.sound[COLUMNS] = columns
        except _DAMAGES:
            pass
        if segment.held is None:  # which articles they are, if the others say that it is these
            digest = ids_digest(self._ids[row] for row in place.known.tolist())
            same = any(part.meta.get("ids_digest") == digest for part in parts.values())
            segment.held = place.known if same and len(place.known) == entry.articles else None
        if VECTORS in parts and _whole(parts[VECTORS], entry.articles):
            segment.legible = parts[VECTORS]
        if segment.held is not None:
            for name, part in parts.items():
                of_these = name != COLUMNS and part.meta.get("ids_digest") == digest
                if of_these and self._usable(name, part, segment, lengths, thorough):
                    segment.sound[name] = part
        complete = segment.held is not None and np.array_equal(
            segment.held[~np.isin(segment.held, place.buried)], place.live
        )
        return None if complete and set(segment.sound) == set(self._names) == set(entry.parts) - _LATER else segment

    def _usable(self, name: str, part: Part, segment: _Segment, lengths: Mapping[int, int], thorough: bool) -> bool:
        """Whether a part that belongs to a segment says of its articles what is so."""
        assert segment.held is not None
        try:
            if name == KEYWORD:
                made = part.meta.get("analysis"), part.meta.get("language")
                if made != (ANALYSIS_VERSION, self._analysis.stamp) or len(part["lengths"]) != len(segment.held):
                    return False
                return not thorough or keyword_differs(part, segment.held, self._read, self._analysis) is None
            if part is not segment.legible:
                return False
            known = np.array([lengths.get(row, np.iinfo(np.int64).max) for row in segment.held.tolist()], np.int64)
            owners = np.repeat(np.arange(len(known)), np.diff(part["passage_starts"]))
            return bool((part["ends"] <= known[owners]).all())
        except _DAMAGES:
            return False

    def mend(self) -> None:
        """Write what is damaged anew, and name it in one commit."""
        settings = self._session.settings
        outdated = (settings.analysis, settings.language) != (ANALYSIS_VERSION, self._analysis.stamp)
        miscounted = not self._catalog.is_counted()
        if not (self._damage or self._damaged or self._needless or self._contents or outdated or miscounted):
            return
        new: list[SegmentEntry] = []
        for segment in self._damage:
            if len(segment.rows):
                new.append(self._written(segment))
        if self._damaged:
            self._quarantine()
        old = [segment.entry for segment in self._damage if segment.entry is not None]
        with self._writer.commit() as transaction:
            transaction.erase([row for row, *_ in self._damaged])
            transaction.drop_segments(old)
            for entry in new:
                transaction.add_segment(entry)
            transaction.drop_tombstones(self._needless)
            transaction.set_contents(self._contents)
            transaction.set("analysis", ANALYSIS_VERSION)
            if settings.language != self._analysis.stamp:
                transaction.set("language", self._analysis.stamp)
        self.segments += len(self._damage)
        self.records += len(self._damaged)

    def learn_again(self) -> None:
        """Give the segments that have no sound part of stories or furniture one, where the archive knows them."""
        self._drop_unsound(STORIES)
        self._drop_unsound(FURNITURE)
        known, wanted = self._session.settings.stories, self._session.settings.furniture
        if wanted is not None and wanted.dropped:
            self._tell("furniture")
            furnished(self._writer)
        if known is not None and any(STORIES not in entry.parts for entry in self._catalog.segments()[1]):
            self._tell("stories")
            group(self._writer, known.window, known.version != stories.VERSION)

    def _drop_unsound(self, name: str) -> None:
        """Forget the parts of a name that are not sound."""
        entries = [entry for entry in self._catalog.segments()[1] if name in entry.parts]
        if unsound := [entry for entry in entries if not self._sound(entry, name)]:
            with self._writer.commit() as transaction:
                for entry in unsound:
                    transaction.drop_part(entry, name)
            self.parts[name] = self.parts.get(name, 0) + len(unsound)

    def _sound(self, entry: SegmentEntry, name: str) -> bool:
        """Is a segment's part of stories or furniture whole, and of its articles?"""
        file, place = entry.parts[name], part_place(self._folder, entry.id, entry.parts[name])
        try:
            columns = open_part(part_place(self._folder, entry.id, entry.parts[COLUMNS]), COLUMNS)
            part = open_part(place, name, file.size)
            if part.meta.get("ids_digest") != columns.meta.get("ids_digest") or part.meta["articles"] != entry.articles:
                return False
            if file_hash(place, file.size) != file.sha256:
                return False
            if name == STORIES:
                return differs(part, columns["rows"], None) is None
            rows = columns["rows"]
            lengths = np.array([self._lengths.get(row, np.iinfo(np.int64).max) for row in rows.tolist()], np.int64)
            return furniture.differs(part, rows, lengths, self._read if self._thorough else None) is None
        except (FileNotFoundError, *_DAMAGES):
            return False

    def _written(self, segment: _Segment) -> SegmentEntry:
        """A segment of its rows: sound parts without what is gone, the others made from the records."""
        rows, held = segment.rows, segment.held
        keep = None if held is None else np.isin(held, rows)
        if keep is None or np.count_nonzero(keep) != len(rows):  # it lacks some: no part of it can be used
            segment.sound, keep = {}, None
        missing = [name for name in self._names if name not in segment.sound]
        for name in missing:
            self.parts[name] = self.parts.get(name, 0) + 1
        with self._scratch() as scratch:
            made = self._made(rows, missing, segment, scratch)
            parts: dict[str, PartData] = {}
            for name in self._names:
                pieces = made[name] if name in made else [segment.sound[name]]
                masks = [np.ones(piece.meta["articles"], np.bool_) for piece in pieces] if name in made else [keep]
                parts[name] = _merged(name, pieces, masks)
            return self._writer.write_segment(parts, int(rows[0]))

    def _made(self, rows: Rows, missing: Sequence[str], segment: _Segment, scratch: Place) -> dict[str, list[Part]]:
        """The missing parts of some articles, a thousand articles in each piece."""
        pieces: dict[str, list[Part]] = {name: [] for name in missing}
        if not missing:
            return pieces
        encoder = self._encoder(segment) if VECTORS in missing else None
        legible, entry = segment.legible, segment.entry
        known = None if legible is None or entry is None else VectorIndex([legible], [entry.articles])
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK].tolist()
            found = self._catalog.articles(some)
            articles = [found[row] for row in some]
            layouts = [passages.lay_out(article.text) for article in articles]
            data: dict[str, PartData] = {}
            filed = self._analysis.told(articles)
            if COLUMNS in missing:
                data[COLUMNS] = build_columns(filed, some)
            if KEYWORD in missing:
                data[KEYWORD] = keyword.build_part(filed, layouts, self._analysis)
            if encoder is not None:
                cut = building.cut(articles, layouts, encoder, self._session.settings.passage_tokens)
                self._tell(f"embedding {counted(len(cut.inputs), 'passage')}")
                data[VECTORS] = building.embed(cut, encoder, known, lambda done, total: None)
                self.embedded += len(articles)
            for name, part in data.items():
                place = scratch / f"{name}-{start}.part"
                write_part(place, name, part.arrays, {**part.meta, "articles": len(some)})
                pieces[name].append(open_part(place, name))
        return pieces

    def _encoder(self, segment: _Segment) -> Encoder:
        self._load = self._load or self._session.encoder_for(self._writer, True)
        assert self._load is not None
        try:
            return self._load()
        except (EncoderError, ArchiveMismatch) as error:
            name = "articles in no segment" if segment.entry is None else f"segment {segment.entry.id}"
            raise type(error)(
                f"the vectors of {name} must be made again, and their model cannot be had ({error}); nothing was "
                "changed. Get the model, or export the archive and import that with another one or with --no-vectors"
            ) from error

    def _quarantine(self) -> None:
        """Keep the records that cannot be read, as they are, in a file."""
        self._keep(
            RECORDS,
            (
                {"row": row, "id": str(key), "reason": why, "record": _base64(blob), "checksum": _base64(check)}
                for row, key, blob, check, why in self._damaged
            ),
        )

    def _keep(self, name: str, values: Iterable[Mapping[str, Any]]) -> None:
        """Add lines of JSON to a file among what is taken out of the way."""
        place = self._repaired() / name
        descriptor = place.open(os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file, storage_errors(f"write {place.path}"):
            for value in values:
                file.write(json.dumps(value) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._repaired().sync()

    def _repaired(self) -> Place:
        """Where this repair puts what it takes out of the way."""
        if self.aside is None:
            self.aside = self._folder / doctor.REPAIRED / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(2).hex()}"
            self.aside.make_folder()
            (self._folder / doctor.REPAIRED).sync()
        return self.aside

    @contextmanager
    def _scratch(self) -> Iterator[Place]:
        """A folder for pieces, which no commit names: what a crash leaves of it, the next writer removes."""
        place = self._folder / "segments" / f"{self._catalog.commit_number() + 1}-{os.urandom(8).hex()}"
        place.make_folder()
        try:
            yield place
        finally:
            place.remove_folder()


def _merged(name: str, pieces: Sequence[Part], masks: Sequence[Any]) -> PartData:
    merge: Any = {COLUMNS: merge_columns, KEYWORD: keyword_merge.merge_parts, VECTORS: merge_vectors}[name]
    merged: PartData = merge(pieces, masks)
    return merged


def _whole(part: Part, articles: int) -> bool:
    """Whether the numbers of a vector part agree with each other."""
    try:
        VectorIndex([part], [articles])
        check_vectors(part, thorough=True)
    except _DAMAGES:
        return False
    return True


def _base64(data: object) -> str:
    return base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)


def _told(folder: Folder, place: Place) -> Dirt:
    path = folder.absolute.joinpath(*place.names)
    files = [path] if not place.is_folder() else [file for file in path.rglob("*") if not file.is_symlink()]
    states = [file.lstat() for file in files if file.is_file()] or [path.lstat()]
    return Dirt(
        path=str(place.path),
        bytes=sum(state.st_size for state in states),
        changed=datetime.fromtimestamp(max(state.st_mtime for state in states), UTC),
    )
