"""Whether an archive is sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from search.engine.furniture import check as furniture
from search.engine.rebuilt import Read, columns_differ, keyword_differs
from search.engine.soundness import check_part
from search.engine.stories import check as stories
from search.errors import ArchiveDamaged, SearchError
from search.keyword import ANALYSIS_VERSION
from search.keyword.analysis import ENGLISH, Analysis
from search.records import Article
from search.records.numbers import counted
from search.storage import codec, locks, reserve, segments
from search.storage.catalog import BUILDING, FILE, Catalog
from search.storage.columns import Columns, ids_digest
from search.storage.container import Part, open_part
from search.storage.database import BESIDE
from search.storage.folder import Folder, Place
from search.storage.locks import Lock, last_noted, merging, pin, written_to
from search.storage.segments import COLUMNS, FURNITURE, KEYWORD, STORIES, VECTORS, part_place
from search.storage.transaction import SegmentEntry
from search.storage.verified import file_hash
from search.vector import VectorIndex
from search.vector import check_part as check_vectors

REPAIRED = "repaired"  # the folder of what repairs take out of the way
_WORK = ("embedding-", "vectors-")  # files of an interrupted embed, which the next one goes on with
_BUILDING = {f"{BUILDING}{ending}" for ending in BESIDE}
_OWN = {
    *(f"{FILE}{ending}" for ending in BESIDE),
    *locks.FILES,
    *segments.FOLDERS,
    reserve.NAME,
    REPAIRED,
    ".DS_Store",  # which a Mac leaves wherever a folder is looked at
    "lost+found",
}
_NAMED = 20  # ids in one line
_UNKNOWN = np.iinfo(np.int64).max
OLD_ANALYSIS = "its words were analysed by version"
"""How the one problem begins that is no damage."""


def check(
    catalog: Catalog,
    progress: Callable[[str], None] | None = None,
    thorough: bool = False,
    analysis: Analysis | None = None,
) -> list[str]:
    """Every file's checksum, every record's checksum, whether catalog and both legs hold the same articles, and whether
    the columns are those of the records. ``thorough``: whether the keyword parts are, too, which takes as long as
    indexing, in the language ``analysis`` (None: the one that is installed).

    Returns what is wrong, one line a problem; an empty list means that the archive is sound.
    """

    def tell(stage: str) -> None:
        if progress is not None:
            progress(stage)

    tell("catalog")
    problems = [f"catalog: {line}" for line in catalog.integrity()]
    broken = [what for what in catalog.broken_seals() if not what.startswith("alerts ")]
    problems += [f"catalog: {what} differ from their checksum; restore a backup, or export it" for what in broken]
    problems += [f"the alert {name!r} is damaged; remove it, and add it again" for name in catalog.damaged_alerts()]
    if any(not what.startswith("settings ") for what in broken):
        return problems  # nothing can be compared with what these say
    if (row := catalog.last_row()) >= (following := catalog.next_row()):
        problems.append(f"catalog: its next row is {following}, and there is a row {row}; restore a backup")
    settings = catalog.settings(damaged=True)
    if (version := settings.get("analysis")) != ANALYSIS_VERSION:
        problems.append(
            f"{OLD_ANALYSIS} {version!r}, and this program has version {ANALYSIS_VERSION}: "
            "'broadsheet doctor --repair' analyses them again"
        )
    language = settings.get("language")
    if thorough and analysis is None:
        problems.append(f"its language {language!r} is not installed, so its words cannot be compared")
    if analysis is not None and language != analysis.stamp:
        problems.append(
            f"{OLD_ANALYSIS} {language!r} of a language, and this program has {analysis.stamp!r}: "
            "'broadsheet doctor --repair' analyses them again"
        )
    if ids := catalog.purging():
        problems.append(f"a purge is not finished ({len(ids)} ids): purge again, or write anything, to finish it")
    problems += _lost(catalog)
    problems += _unnamed(catalog)
    held, (commit, entries, dead) = _hold(catalog)
    try:
        return problems + _compare(catalog, commit, entries, dead, thorough, analysis, tell)
    finally:
        if held is not None:
            held.release()


def _lost(catalog: Catalog) -> list[str]:
    """What tells that commits were made that the catalog does not know any more."""
    folder = catalog.folder
    commit, entries, _ = catalog.snapshot()
    known = {entry.id for entry in entries} | {segment for segment, _ in catalog.dropped(commit)}
    noted = last_noted(folder)
    if catalog.commit_number() != commit:  # a writer is at work beside us
        return []
    lost = [folder / "segments" / name for name in segments.lost(folder, known, commit, noted)]
    aside = [folder / segments.ASIDE / name for name in (folder / segments.ASIDE).list()]
    problems = []
    if noted > commit or lost:
        problems.append(
            f"the catalog ends with commit {commit}, and later ones were made: its log is damaged, or it is an older "
            "copy. Restore a backup, or index what is missing again"
        )
    for place in [*lost, *aside]:
        try:
            columns = Columns([open_part(place / f"{COLUMNS}.part", COLUMNS)])
            ids = columns.ids(range(len(columns)))
        except (SearchError, FileNotFoundError):
            ids = []
        named = ", ".join(map(repr, ids[:_NAMED])) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
        problems.append(
            f"{place.path} is of a commit that the catalog has lost. Index these articles again, then remove it: "
            f"{named or 'they cannot be read'}"
        )
    return problems


def _unnamed(catalog: Catalog) -> list[str]:
    """Files that no commit names, and lists of files to remove that name such as are in use."""
    commit, entries = catalog.segments()
    dropped = catalog.dropped(commit)
    named = {entry.id: {file.name for file in entry.parts.values()} for entry in entries}
    problems = [
        f"the catalog would remove {segment}{f'/{file}' if file else ''}, which it uses; do not write to this archive"
        for segment, file in dropped
        if segment in named and (not file or file in named[segment])
    ]
    strange = unnamed(catalog)
    if catalog.commit_number() != commit or written_to(catalog.folder):
        return problems  # what a writer beside us makes has no name yet
    lost = segments.lost(catalog.folder, named, commit, last_noted(catalog.folder))
    left, strays = [], []
    for place in strange:
        if len(place.names) == 1 and place.name not in _BUILDING:
            strays.append(f"{place.path} is no file of an archive: move it elsewhere")
        elif place.names[-1] not in lost:
            left.append(
                f"{place.path} is named by no commit: an interrupted writer left it, and the next one removes it"
            )
    return problems + left + strays


def unnamed(catalog: Catalog) -> list[Place]:
    """What lies in the segments' folder that no commit names and no list drops, but for the work of an interrupted
    ``embed``; and what lies in the archive's folder and is none of its own."""
    commit, entries = catalog.segments()
    dropped = set(catalog.dropped(commit))
    named = {entry.id: {file.name for file in entry.parts.values()} for entry in entries}
    own = catalog.folder / "segments"
    found: list[Place] = []
    for segment in sorted(own.list()):
        if segment in named:
            known = named[segment] | {file for of, file in dropped if of == segment}
            names = sorted((own / segment).list())
            found += [own / segment / name for name in names if name not in known and not name.startswith(_WORK)]
        elif (segment, "") not in dropped:
            found.append(own / segment)
    if not merging(catalog.folder):
        found += segments.unfinished(catalog.folder)
    return found + [catalog.folder / name for name in sorted(catalog.folder.names()) if name not in _OWN]


def _hold(catalog: Catalog) -> tuple[Lock | None, tuple[int, list[SegmentEntry], list[int]]]:
    """The last commit, pinned where that can be done, so that a writer beside us takes nothing away."""
    while True:
        found = catalog.snapshot()
        held = pin(catalog.folder, found[0])
        if held is None or catalog.commit_number() == found[0]:
            return held, found
        held.release()


def _compare(
    catalog: Catalog,
    commit: int,
    entries: list[SegmentEntry],
    dead: list[int],
    thorough: bool,
    analysis: Analysis | None,
    tell: Callable[[str], None],
) -> list[str]:
    """Records against segments, as of one commit; what came later is not looked at."""
    problems: list[str] = []
    newest = catalog.next_row() - 1
    if catalog.commit_number() != commit:  # rows of later commits are above all of ours
        newest = max((_last_row(catalog.folder, entry) for entry in entries), default=0)
    texts: dict[int, int] = {}
    live: dict[int, str] = {}
    damaged: set[int] = set()
    hashed_right = True
    tell("records")
    last = commit
    for row, article_id, blob, check_sum, died, content in catalog.raw_records():
        if died is not None and died > last:  # by a commit that was made since, or by none
            last = catalog.commit_number()
        try:
            article, hashed = codec.unpack_hashed(blob, check_sum, row)
        except SearchError as error:
            problems.append(str(error))
            damaged.add(row)
            continue
        if article.id != article_id:
            problems.append(f"catalog row {row} is filed under {article_id!r} and holds {article.id!r}")
        if hashed() != content:
            hashed_right = False
            problems.append(
                f"the hash of the content of {article_id!r} (row {row}) is not its record's, so that a change of it "
                "may be passed over: 'broadsheet doctor --repair' makes it again"
            )
        if died is not None and died > last:
            problems.append(f"article {article_id!r} (row {row}) was deleted by commit {died}, which was never made")
        if died is None or died > commit:
            live[row] = article_id
            texts[row] = len(article.text)
    if hashed_right and not catalog.is_counted():
        problems.append(
            f"{catalog.path} says of what it holds something else than its articles do, so that receipts differ: "
            "'broadsheet doctor --repair' counts it again"
        )
    buried = set(dead)
    held: dict[int, str] = {}

    def read(rows: list[int]) -> dict[int, Article]:
        return catalog.articles([row for row in rows if row not in damaged])

    for entry in entries:
        tell(f"segment {entry.id}")
        try:
            held.update(_segment(catalog.folder, entry, read, texts, thorough, analysis, problems))
        except FileNotFoundError as error:
            problems.append(f"{error.filename} is missing")
        except SearchError as error:
            problems.append(str(error))
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
            problems.append(f"segment {entry.id} contradicts itself ({error}); index its articles again")
    for row, article_id in live.items():
        if row > newest:
            continue  # added since
        if held.get(row) != article_id:
            problems.append(f"article {article_id!r} (row {row}) is in the catalog and in no segment: index it again")
        if row in buried:
            problems.append(f"article {article_id!r} (row {row}) is live and buried at once")
    problems += [
        f"article {article_id!r} (row {row}) is in a segment and not in the catalog"
        for row, article_id in held.items()
        if row not in live and row not in buried
    ]
    return problems


def _last_row(folder: Folder, entry: SegmentEntry) -> int:
    try:
        rows = open_part(part_place(folder, entry.id, entry.parts[COLUMNS]), COLUMNS)["rows"]
        return int(rows[-1])
    except (OSError, SearchError, KeyError, IndexError):
        return entry.first_row  # reported elsewhere


def _segment(
    folder: Folder,
    entry: SegmentEntry,
    read: Read,
    texts: Mapping[int, int],
    thorough: bool,
    analysis: Analysis | None,
    problems: list[str],
) -> dict[int, str]:
    """Check one segment; returns the ids that it holds by row. ``read`` gives the articles whose records are sound."""
    parts: dict[str, Part] = {}
    for name, file in entry.parts.items():
        location = part_place(folder, entry.id, file)
        if file_hash(location) != file.sha256:
            problems.append(f"{location.path} does not match its checksum")
        parts[name] = open_part(location, name)
    check_part(parts[COLUMNS])
    columns = Columns([parts[COLUMNS]])
    ids = columns.ids(range(len(columns)))
    digest = ids_digest(ids)
    for part in parts.values():
        if part.meta.get("ids_digest") != digest:
            problems.append(f"{part.path} holds other articles than the columns of segment {entry.id}")
        if part.meta.get("articles") != entry.articles:
            problems.append(f"{part.path} counts other articles than the catalog")
    if KEYWORD in parts and len(parts[KEYWORD]["lengths"]) != len(ids):
        problems.append(
            f"{parts[KEYWORD].path} counts {counted(len(parts[KEYWORD]['lengths']), 'article')}, not {len(ids)}"
        )
    if differing := columns_differ(parts[COLUMNS], read, ENGLISH if analysis is None else analysis):
        problems.append(f"{parts[COLUMNS].path} has other values than its articles ({differing}); index them again")
    if KEYWORD in parts:
        _keyword(parts[KEYWORD], columns.rows, read, analysis if thorough else None, problems)
    if STORIES in parts:
        try:
            if differing := stories.differs(parts[STORIES], columns.rows, read if thorough else None):
                problems.append(f"{parts[STORIES].path}: {differing}")
        except ArchiveDamaged as error:
            problems.append(str(error))
    lengths = np.array([texts.get(row, _UNKNOWN) for row in columns.rows.tolist()], np.int64)
    if FURNITURE in parts:
        try:
            if differing := furniture.differs(parts[FURNITURE], columns.rows, lengths, read if thorough else None):
                problems.append(f"{parts[FURNITURE].path}: {differing}")
        except ArchiveDamaged as error:
            problems.append(str(error))
    if VECTORS in parts:
        _vectors(parts[VECTORS], columns.rows, lengths, problems)
    return dict(zip(columns.rows.tolist(), ids, strict=True))


def _keyword(part: Part, rows: NDArray[np.int64], read: Read, analysis: Analysis | None, problems: list[str]) -> None:
    """Check the words of a segment's ``rows``; with ``analysis`` also whether they are those of the articles."""
    try:
        check_part(part)
        if analysis is not None and (differing := keyword_differs(part, rows, read, analysis)):
            problems.append(f"{part.path} has other words than its articles ({differing}); index them again")
    except ArchiveDamaged as error:
        problems.append(str(error))


def _vectors(part: Part, rows: NDArray[np.int64], lengths: NDArray[np.int64], problems: list[str]) -> None:
    """Check the vectors of a segment's ``rows``, whose texts are so long."""
    try:
        VectorIndex([part], [len(rows)])
        check_vectors(part, thorough=True)
    except ArchiveDamaged as error:
        problems.append(f"{part.path}: {error}")
        return
    owners = np.repeat(np.arange(len(rows)), np.diff(part["passage_starts"]))
    outside = np.unique(owners[part["ends"] > lengths[owners]])
    problems += [f"a passage of row {row} lies outside its text" for row in rows[outside].tolist()]
