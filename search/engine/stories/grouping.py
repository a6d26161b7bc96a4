"""Finding the copies among an archive's articles: of new ones while they are indexed, or of all anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from search.engine import upkeep
from search.engine.stories import LONGEST, VERSION, Settings, descent, find
from search.engine.stories.part import Prints, Rows, build_part, merge_parts, opened, prints
from search.engine.writer import Writer
from search.errors import ArchiveDamaged, UsageError
from search.records import Article
from search.storage.catalog import Catalog
from search.storage.container import Part, PartData, PartFile, open_part
from search.storage.segments import COLUMNS, STORIES, add_part, part_place
from search.storage.snapshot import Snapshot
from search.storage.transaction import SegmentEntry
from search.text.copies.words import Reading

if TYPE_CHECKING:
    from search.engine.session import Session

CHUNK = 2000  # articles in memory
_GONE = Article(id="-")


class Grouping:
    """Links new articles to the copies of them that an archive has. It keeps the parts mapped that it looks in."""

    def __init__(self, writer: Writer, window: int) -> None:
        self._writer = writer
        self._window = window
        self._opened: dict[tuple[str, str], Prints] = {}

    def finding(
        self,
        articles: Sequence[Article],
        rows: Sequence[int],
        replaced: Collection[int],
        digest: str,
        seen: Callable[[Reading], None] | None = None,
    ) -> Callable[[], PartData]:
        """What gives the stories part of new articles, once those before them are committed. Their fingerprints are
        taken now, and ``seen`` gets the texts as they are read. ``replaced`` are the rows whose place they take,
        ``digest`` is that of their ids."""
        return partial(self._part, prints(articles, rows, seen), articles, replaced, digest)

    def _part(self, new: Prints, articles: Sequence[Article], replaced: Collection[int], digest: str) -> PartData:
        catalog = self._writer.catalog
        _, entries, dead = catalog.snapshot()
        files = {(entry.id, entry.parts[STORIES].name): entry for entry in entries if STORIES in entry.parts}
        for key, entry in files.items():
            if key not in self._opened:
                self._opened[key] = self._open(entry)
        self._opened = {key: self._opened[key] for key in files}
        gone = np.union1d(np.asarray(dead, np.int64), np.array(list(replaced), np.int64))
        own = dict(zip(new.rows.tolist(), articles, strict=True))
        linked = _links(new, own, list(self._opened.values()), gone, self._window, catalog)
        return build_part(new, linked, digest)

    def _open(self, entry: SegmentEntry) -> Prints:
        """A segment's stories part. Raises ArchiveDamaged where it is gone, unless the whole archive is."""
        file = entry.parts[STORIES]
        place = part_place(self._writer.folder, entry.id, file)
        try:
            return opened(open_part(place, STORIES, file.size))
        except FileNotFoundError as error:
            self._writer.catalog.prove()
            raise ArchiveDamaged(f"{place.path} is missing; 'broadsheet doctor --repair' makes it again") from error


def _links(
    new: Prints, own: Mapping[int, Article], others: Sequence[Prints], gone: Rows, window: int, catalog: Catalog
) -> Rows:
    """From new articles to the copies of them that were there before, and to what they go on with."""
    copies = find.links(new, own, others, gone, window, catalog.articles)
    followed = descent.links(new, own, others, gone, catalog.live, catalog.articles)
    return np.unique(np.concatenate((copies, followed)), axis=0) if len(followed) else copies


def grouping(writer: Writer, known: Settings | None) -> Grouping | None:
    """What links the new articles of an archive; None for one that knows no stories."""
    return None if known is None or known.version != VERSION else Grouping(writer, known.window)


def regroup(session: Session, window: int | None, progress: Callable[[int, int], None] | None = None) -> int:
    """Find the copies of all articles anew, in one commit. Returns how many articles there are.

    ``window``: days that may lie between two copies; None: as the archive has it. Raises UsageError for less than 0.
    """
    if window is not None and not 0 <= window <= LONGEST:
        raise UsageError(f"window must be between 0 and {LONGEST:,} days, not {window}")
    with session.writing() as writer:
        upkeep.sweep(writer)
        known = session.settings.stories or Settings()
        return group(writer, known.window if window is None else window, True, progress)


def group(writer: Writer, window: int, anew: bool, progress: Callable[[int, int], None] | None = None) -> int:
    """Give segments their stories parts, in one commit: all of them, or unless ``anew`` those that have none."""
    made: list[tuple[SegmentEntry, PartFile]] = []
    with writer.snapshot() as snapshot:
        gone = snapshot.columns.rows[~snapshot.live]
        before: list[Prints] = []
        for position, entry in enumerate(snapshot.entries):
            part = snapshot.mapped.get((entry.id, entry.parts[STORIES].name)) if STORIES in entry.parts else None
            if part is None or anew:
                file = _segment(writer, snapshot, position, before, gone, window)
                made.append((entry, file))
                part = open_part(part_place(writer.folder, entry.id, file), STORIES, file.size)
            before.append(opened(part))
            if progress is not None:
                progress(int(snapshot.columns.bases[position + 1]), len(snapshot.columns))
        count = int(np.count_nonzero(snapshot.live))
    with writer.commit() as transaction:
        for entry, file in made:
            transaction.replace_part(entry, STORIES, file)
        transaction.set("stories", Settings(window=window)._asdict())
    return count


def _segment(
    writer: Writer, snapshot: Snapshot, position: int, before: Sequence[Prints], gone: Rows, window: int
) -> PartFile:
    """Write the stories part of one segment, from its articles' records; ``before`` are the segments before it."""
    entry, catalog = snapshot.entries[position], writer.catalog
    folder = writer.folder / "segments" / entry.id
    digest = snapshot.parts[COLUMNS][position].meta["ids_digest"]
    base = int(snapshot.columns.bases[position])
    name = os.urandom(4).hex()
    pieces: list[Part] = []
    for start in range(base, base + entry.articles, CHUNK):
        stretch = slice(start, min(start + CHUNK, base + entry.articles))
        rows = snapshot.columns.rows[stretch]
        alive = snapshot.live[stretch]
        found = catalog.articles(rows[alive].tolist())
        new = prints([found.get(row, _GONE) for row in rows.tolist()], rows.tolist())
        earlier = [*before, *map(opened, pieces)]
        linked = _links(new, found, earlier, gone, window, catalog)
        piece = f"grouping-{name}.{len(pieces)}.part"
        add_part(writer.folder, entry, STORIES, piece, build_part(new, linked, digest))
        pieces.append(open_part(folder / piece, STORIES))
    keep = [np.ones(piece.meta["articles"], np.bool_) for piece in pieces]
    merged = merge_parts(pieces, keep, lambda rows: np.ones(len(rows), np.bool_), digest)
    file = add_part(writer.folder, entry, STORIES, f"stories-{name}.part", merged)
    for number in range(len(pieces)):
        (folder / f"grouping-{name}.{number}.part").unlink()
    return file
