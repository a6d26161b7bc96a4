"""Learning what is furniture: while articles come in, where segments are merged, and for archives that know none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.engine.furniture import VERSION, Settings
from search.engine.furniture.learn import Articles, learned
from search.engine.furniture.part import (
    Spans,
    build_part,
    is_current,
    merge_parts,
    printed,
    spans_of,
)
from search.engine.stories.groups import Stories
from search.engine.writer import Writer
from search.records import Article
from search.storage.columns import MISSING_DAY, unpack_string
from search.storage.container import Part, PartData, PartFile, open_part
from search.storage.segments import COLUMNS, FURNITURE, SEGMENTS, STORIES, add_part, part_place
from search.storage.snapshot import Snapshot
from search.storage.transaction import SegmentEntry
from search.text.copies.words import Hashes
from search.text.furniture import SentenceReader, Sentences
from search.text.sentences import lay_out

if TYPE_CHECKING:
    from search.engine.merging import Run
    from search.engine.session import Session

CHUNK = 2000  # articles in memory
_NONE: Hashes = np.empty(0, np.uint64)
_GONE = Article(id="-")


class Learnt(NamedTuple):
    """The furniture of new articles, and the part that holds it."""

    spans: Spans
    part: PartData


class Learner:
    """Learns while articles come in: of each batch by itself, and what is known of those before it. ``known``: that of
    the archive, ascending."""

    def __init__(self, known: Hashes) -> None:
        self._known = known

    def learn(self, articles: Sequence[Article], sentences: Sentences, digest: str) -> Learnt:
        """The furniture of the next batch; ``digest`` is that of its ids. Each article counts for a story: which are
        copies is not known yet, and copies have titles in common."""
        made = printed(articles, sentences)
        names: dict[str, int] = {}
        sources = [names.setdefault(article.source, len(names)) for article in articles]
        days = [MISSING_DAY if a.published is None else a.published.toordinal() for a in articles]
        each = Articles(np.array(sources, np.int64), np.array(days, np.int64), np.arange(len(articles)))
        own = learned([made.block], each, made.titles)
        self._known = np.union1d(self._known, own)
        spans = spans_of([made.block], self._known, len(articles))
        return Learnt(spans, build_part(made, own, spans, digest))


def learner(writer: Writer, wanted: Settings | None) -> Learner | None:
    """What learns of new articles; None for an archive that leaves nothing out."""
    if wanted is None or not wanted.dropped or wanted.version != VERSION:
        return None
    known = [_NONE]
    for entry in writer.catalog.segments()[1]:
        if FURNITURE in entry.parts:
            file = entry.parts[FURNITURE]
            part = open_part(part_place(writer.folder, entry.id, file), FURNITURE, file.size)
            known.append(part["learned"] if is_current(part) else _NONE)
    return Learner(np.unique(np.concatenate(known)))


def part_of(snapshot: Snapshot, position: int) -> Part | None:
    """The furniture part of a segment; None where it has none that is understood."""
    entry = snapshot.entries[position]
    part = snapshot.mapped[entry.id, entry.parts[FURNITURE].name] if FURNITURE in entry.parts else None
    return part if part is not None and is_current(part) else None


def merged_part(snapshot: Snapshot, run: Run, keep: Sequence[NDArray[np.bool_]], digest: str) -> PartData | None:
    """The part of a run of segments that are merged; None where one of them has none."""
    parts = [part for position in run if (part := part_of(snapshot, position)) is not None]
    if len(parts) < len(run):
        return None
    articles = Articles(*(values[np.concatenate(keep)] for values in _articles(snapshot, run)))
    return merge_parts(parts, keep, articles, _known(snapshot, run), digest, _is_all(snapshot, run))


def _is_all(snapshot: Snapshot, run: Run) -> bool:
    """Whether some segments are all, and the copies among their articles are known."""
    return len(run) == len(snapshot.entries) and STORIES in snapshot.parts


def _articles(snapshot: Snapshot, run: Run) -> Articles:
    """The articles of some neighbouring segments; those that are dead do not count."""
    names: dict[str, int] = {}
    sources = []
    for part in (snapshot.parts[COLUMNS][position] for position in run):
        blob, ends = part["source_blob"], part["source_ends"]
        own = [unpack_string(blob, ends, code) for code in range(len(ends))]
        codes = np.array([names.setdefault(name, len(names)) for name in own], np.int64)
        sources.append(codes[part["source"]])
    bases = snapshot.columns.bases
    stretch = slice(int(bases[run[0]]), int(bases[run[-1] + 1]))
    every = np.where(snapshot.live[stretch], np.concatenate(sources), -1)
    stories = np.arange(len(every))
    if STORIES in snapshot.parts:
        stories = Stories(snapshot.parts[STORIES], snapshot.columns).groups(snapshot.live).ids[stretch]
    return Articles(every, snapshot.columns.day[stretch].astype(np.int64), stories)


def _known(snapshot: Snapshot, but: Run) -> Hashes:
    """What is furniture by all segments but some."""
    others = [part_of(snapshot, position) for position in range(len(snapshot.entries)) if position not in but]
    return np.unique(np.concatenate([_NONE, *(part["learned"] for part in others if part is not None)]))


def furnish(session: Session) -> None:
    """Learn where it is still to be done: of segments without a part, and of the only one that there is, where not all
    that can be known went into its part. In one commit; nothing else changes.

    An archive that was made before furniture was known leaves it out from then on.
    """
    with session.writing(freeing=True) as writer:
        wanted = session.settings.furniture
        if wanted is None or wanted.dropped:
            furnished(writer)


def furnished(writer: Writer) -> None:
    """The same, by who writes already."""
    made: list[tuple[SegmentEntry, PartFile]] = []
    with writer.snapshot() as snapshot:
        for position, entry in enumerate(snapshot.entries):
            part = part_of(snapshot, position)
            if part is None or (_is_all(snapshot, [position]) and not part.meta.get("settled")):
                made.append((entry, _made(writer, snapshot, position, part)))
    if made or writer.catalog.settings().get("furniture") != Settings()._asdict():
        with writer.commit() as transaction:
            for entry, file in made:
                transaction.replace_part(entry, FURNITURE, file)
            transaction.set("furniture", Settings()._asdict())


def choose(session: Session, dropped: bool) -> None:
    """Say whether furniture is left out from now on; where not, what was learned is forgotten."""
    with session.writing(freeing=True) as writer:
        held = [] if dropped else [entry for entry in writer.catalog.segments()[1] if FURNITURE in entry.parts]
        with writer.commit() as transaction:
            for entry in held:
                transaction.drop_part(entry, FURNITURE)
            transaction.set("furniture", Settings(dropped=dropped)._asdict())


def _made(writer: Writer, snapshot: Snapshot, position: int, part: Part | None) -> PartFile:
    """Write the part of a segment anew: of the one that it has or, without, of its articles' records."""
    entry = snapshot.entries[position]
    folder = writer.folder / SEGMENTS / entry.id
    name = os.urandom(4).hex()
    pieces = [part] if part is not None else list(_pieces(writer, snapshot, position, f"learning-{name}"))
    keep = [np.ones(piece.meta["articles"], np.bool_) for piece in pieces]
    digest = snapshot.parts[COLUMNS][position].meta["ids_digest"]
    run = [position]
    articles, known = _articles(snapshot, run), _known(snapshot, run)
    made = merge_parts(pieces, keep, articles, known, digest, _is_all(snapshot, run))
    file = add_part(writer.folder, entry, FURNITURE, f"furniture-{name}.part", made)
    for number in range(len(pieces) if part is None else 0):
        (folder / f"learning-{name}.{number}.part").unlink()
    return file


def _pieces(writer: Writer, snapshot: Snapshot, position: int, stem: str) -> Iterator[Part]:
    """The part of a segment in files of some articles each, from their records; the dead have no sentences."""
    entry, columns = snapshot.entries[position], snapshot.parts[COLUMNS][position]
    base = int(snapshot.columns.bases[position])
    live = snapshot.live[base : base + entry.articles]
    for number, start in enumerate(range(0, entry.articles, CHUNK)):
        rows = columns["rows"][start : start + CHUNK]
        found = writer.catalog.articles(rows[live[start : start + CHUNK]].tolist())
        articles = [found.get(row, _GONE) for row in rows.tolist()]
        reader = SentenceReader([article.text for article in articles], [lay_out(one.text) for one in articles])
        made = printed(articles, reader.sentences())
        piece = build_part(made, _NONE, spans_of([], _NONE, len(articles)), columns.meta["ids_digest"])
        add_part(writer.folder, entry, FURNITURE, f"{stem}.{number}.part", piece)
        yield open_part(writer.folder / SEGMENTS / entry.id / f"{stem}.{number}.part", FURNITURE)
