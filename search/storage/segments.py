"""Segment folders: written once, named by the commit, removed when nobody reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from search.storage.container import PartData, PartFile, open_part, write_part
from search.storage.files import storage_errors
from search.storage.folder import Folder, Place, number
from search.storage.transaction import SegmentEntry
from search.storage.verified import file_hash, remember_verified

COLUMNS = "columns"
KEYWORD = "keyword"
SEGMENTS = "segments"  # the folder of those that commits name
VECTORS = "vectors"
STORIES = "stories"
FURNITURE = "furniture"
MERGING = "merging"  # the folder of what is built beside the writers
_ENDED = "merging.ended"
ASIDE = "aside"  # the folder of what a damaged catalog has lost
FOLDERS = (SEGMENTS, MERGING, _ENDED, ASIDE)
_TRIES = 10
_MARK = 16  # letters of a hash in a name


def part_place(folder: Folder, segment: str, file: PartFile) -> Place:
    """Where a file of a segment lies."""
    return folder / SEGMENTS / segment / file.name


def write_segment(
    folder: Folder,
    parts: Mapping[str, PartData],
    first_row: int,
    articles: int,
    digest: str,
    commit: int,
    within: str = SEGMENTS,
) -> SegmentEntry:
    """Write the parts of a new segment, durably. Until a commit names it, it is an orphan and harmless.

    ``digest`` is the hash of the article ids in row order; every part carries it, so that parts cannot be mixed up.
    ``commit`` is the one that shall name it, and stands in its name: a folder newer than the catalog's last commit
    tells that the catalog has lost some. ``within``: the folder; from another one than that of segments it is to be
    published.
    """
    segment = f"{commit}-{os.urandom(8).hex()}"
    own = folder / within / segment
    with storage_errors(f"make {own.path}"):
        own.make_folder()
    try:
        files = {
            name: write_part(
                own / f"{name}.part", name, part.arrays, {**part.meta, "articles": articles, "ids_digest": digest}
            )
            for name, part in parts.items()
        }
        with storage_errors(f"write {own.path}"):
            own.sync()
            (folder / within).sync()
            folder.sync()
    except BaseException:
        own.remove_folder()
        raise
    with storage_errors(f"read {own.path}"):
        remember_verified(folder, [(own / file.name, file) for file in files.values()])
    return SegmentEntry(segment, first_row, articles, files)


def publish(folder: Folder, entry: SegmentEntry, commit: int) -> SegmentEntry | None:
    """Move a segment that was built beside to the others, durably, for a commit to name; None where it is gone."""
    segment = f"{commit}-{os.urandom(8).hex()}"
    (folder / SEGMENTS).make_folder()
    try:
        (folder / MERGING / entry.id).move(folder / SEGMENTS / segment)
    except FileNotFoundError:
        return None
    with storage_errors(f"write {folder.path / SEGMENTS}"):
        (folder / SEGMENTS).sync()
        (folder / MERGING).sync()
    return replace(entry, id=segment)


def end_merge(folder: Folder) -> None:
    """Remove what is being built beside, or was: a merge under way finds it gone, and ends."""
    if (folder / MERGING).exists():
        _remove(folder / _ENDED)
        (folder / MERGING).rename(_ENDED)  # nothing new comes into it by its old name
    for _ in range(_TRIES):
        if not (folder / _ENDED).exists():
            return
        _remove(folder / _ENDED)


def _remove(place: Place) -> None:
    place.remove_folder() if place.is_folder() else place.unlink()


def unfinished(folder: Folder) -> list[Place]:
    """What was being built beside, or is."""
    return [folder / name / segment for name in (MERGING, _ENDED) for segment in sorted((folder / name).list())]


def add_part(
    folder: Folder, entry: SegmentEntry, name: str, file_name: str, part: PartData, marked: bool = False
) -> PartFile:
    """Write a further part of a segment that there is, durably: whole under its name, or not there.

    Until a commit names it, it is an orphan and harmless. ``part`` holds the entry's articles, or neighbours among
    them, in row order, and says how many. ``marked``: the beginning of its SHA-256 stands in the file's name before
    the ending, and ``unspoilt`` knows it again.
    """
    columns = open_part(part_place(folder, entry.id, entry.parts[COLUMNS]), COLUMNS)
    own = folder / SEGMENTS / entry.id
    building = own / f"{file_name}.new"
    building.unlink()
    written = write_part(building, name, part.arrays, {**part.meta, "ids_digest": columns.meta["ids_digest"]})
    if marked:
        file_name = f"{file_name.removesuffix('.part')}.{written.sha256[:_MARK]}.part"
    file = PartFile(file_name, written.size, written.sha256)
    with storage_errors(f"write {own.path / file.name}"):
        building.rename(file.name)
        own.sync()
    remember_verified(folder, [(own / file.name, file)])
    return file


def unspoilt(place: Place) -> PartFile | None:
    """A marked part that ``add_part`` wrote, if it is as it was written."""
    digest = file_hash(place)
    if place.name.split(".")[-2:] != [digest[:_MARK], "part"]:
        return None
    return PartFile(place.name, place.status().st_size, digest)


def remove(folder: Folder, dropped: Collection[tuple[str, str]]) -> None:
    """Remove segment folders, or single files of them, that no reader needs.

    The caller has proven, under the writer's lock, that the catalog that drops them is this folder's.
    """
    for segment, file in dropped:
        own = folder / SEGMENTS / segment
        if file:
            (own / file).unlink()
        else:
            own.remove_folder()


def sweep_orphans(
    folder: Folder,
    entries: Collection[SegmentEntry],
    dropped: Collection[tuple[str, str]],
    wanted: Callable[[str], bool] = lambda name: False,
) -> list[str]:
    """Remove what a crash left behind: the folders and the files that the catalog does not name, in use or dropped.

    Files whose name is ``wanted`` stay. As with ``remove``, the catalog is proven to be this folder's.
    """
    own = folder / SEGMENTS
    files = {entry.id: {file.name for file in entry.parts.values()} for entry in entries}
    whole = {segment for segment, file in dropped if not file}
    for segment, file in dropped:
        if segment in files:
            files[segment].add(file)
    orphans = [name for name in own.list() if name not in files and name not in whole]
    for name in orphans:
        (own / name).remove_folder()
    for segment, named in files.items():
        for name in (own / segment).list():
            if name not in named and not wanted(name):
                orphan = own / segment / name
                _remove(orphan)
                orphans.append(name)
    return orphans


def lost(folder: Folder, known: Collection[str], commit: int, noted: int) -> list[str]:
    """The segment folders of commits that the catalog, whose last one is ``commit``, does not know any more.

    One folder of the next commit is usual: a crash left it. ``noted``: the last commit that a writer noted as made.
    """
    newer = [(name, _commit_of(name)) for name in (folder / SEGMENTS).list() if name not in known]
    return [name for name, made in newer if made > commit + 1 or commit < made <= noted]


def newest(folder: Folder) -> int:
    """The last commit that any segment folder says it is of; 0 where none says so."""
    return max(map(_commit_of, (folder / SEGMENTS).list()), default=0)


def set_aside(folder: Folder, names: Collection[str]) -> None:
    """Move segment folders out of the way, where nothing sweeps them. Writers only."""
    if names:
        (folder / ASIDE).make_folder()
    for name in names:
        (folder / SEGMENTS / name).move(folder / ASIDE / name)


def _commit_of(segment: str) -> int:
    """The commit that first named a segment; 0 where its name does not say."""
    commit, _, rest = segment.partition("-")
    return (number(commit) or 0) if rest else 0
