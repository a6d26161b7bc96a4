"""Segment folders: written once, named by the commit, verified before use, removed when nobody reads them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from search.errors import ArchiveDamaged, StorageError
from search.storage.container import Part, PartFile, Stored, open_part, write_part
from search.storage.files import cache_folder, fsync_folder, storage_errors, write_atomically
from search.storage.transaction import SegmentEntry

COLUMNS = "columns"
KEYWORD = "keyword"
VECTORS = "vectors"
_MARKS = 5000  # remembered files of one archive; more are of segments long merged away

PartData = tuple[Mapping[str, Stored], dict[str, Any]]


def part_path(archive: Path, segment: str, file: PartFile) -> Path:
    """Where a file of a segment lies."""
    return archive / "segments" / segment / file.name


def write_segment(
    archive: Path, parts: Mapping[str, PartData], first_row: int, articles: int, digest: str
) -> SegmentEntry:
    """Write the parts of a new segment, durably. Until a commit names it, it is an orphan and harmless.

    ``digest`` is the hash of the article ids in row order; every part carries it, so that parts cannot be mixed up.
    """
    segment = os.urandom(8).hex()
    folder = archive / "segments" / segment
    with storage_errors(f"make {folder}"):
        folder.mkdir(parents=True)
    try:
        files = {
            name: write_part(
                folder / f"{name}.part", name, arrays, {**meta, "articles": articles, "ids_digest": digest}
            )
            for name, (arrays, meta) in parts.items()
        }
        with storage_errors(f"write {folder}"):
            fsync_folder(folder)
            fsync_folder(folder.parent)
            fsync_folder(archive)
    except BaseException:
        _remove_folder(folder)
        raise
    remember_verified(archive, [(part_path(archive, segment, file), file) for file in files.values()])
    return SegmentEntry(segment, first_row, articles, files)


def _remove_folder(folder: Path) -> None:
    import shutil  # writers only: it imports every kind of compression

    shutil.rmtree(folder, ignore_errors=True)


def add_part(archive: Path, entry: SegmentEntry, name: str, file_name: str, part: PartData) -> PartFile:
    """Write a further part of a segment that there is, durably: whole under its name, or not there.

    Until a commit names it, it is an orphan and harmless. ``part`` holds the entry's articles, or neighbours among
    them, in row order, and says how many.
    """
    arrays, meta = part
    columns = open_part(part_path(archive, entry.id, entry.parts[COLUMNS]), COLUMNS)
    path = archive / "segments" / entry.id / file_name
    building = path.with_name(f"{file_name}.new")
    building.unlink(missing_ok=True)
    written = write_part(building, name, arrays, {**meta, "ids_digest": columns.meta["ids_digest"]})
    with storage_errors(f"write {path}"):
        building.replace(path)
        fsync_folder(path.parent)
    file = PartFile(file_name, written.size, written.sha256)
    remember_verified(archive, [(path, file)])
    return file


def refuse_links(archive: Path) -> None:
    """Raise ArchiveDamaged where a folder that the writer cleans is a link to elsewhere."""
    for folder in (archive / "segments", archive / "pins"):
        if folder.is_symlink():
            raise ArchiveDamaged(
                f"{folder} is a link; an archive's own folders never are. Do not write to this archive"
            )


def remove(archive: Path, dropped: Collection[tuple[str, str]]) -> None:
    """Remove segment folders, or single files of them, that no reader needs."""
    for segment, file in dropped:
        folder = archive / "segments" / segment
        if folder.is_symlink():
            continue
        if file:
            (folder / file).unlink(missing_ok=True)
        else:
            _remove_folder(folder)


def sweep_orphans(
    archive: Path,
    entries: Collection[SegmentEntry],
    dropped: Collection[tuple[str, str]],
    wanted: Callable[[str], bool] = lambda name: False,
) -> list[str]:
    """Remove what a crash left behind: the folders and the files that the catalog does not name, in use or dropped.

    Files whose name is ``wanted`` stay. Writers only.
    """
    folder = archive / "segments"
    files = {entry.id: {file.name for file in entry.parts.values()} for entry in entries}
    whole = {segment for segment, file in dropped if not file}
    for segment, file in dropped:
        if segment in files:
            files[segment].add(file)
    orphans = [path for path in folder.iterdir() if path.name not in files] if folder.is_dir() else []
    orphans = [path for path in orphans if path.name not in whole]
    for path in orphans:
        if path.is_dir() and not path.is_symlink():
            _remove_folder(path)
    for segment, named in files.items():
        own = folder / segment
        for path in own.iterdir() if own.is_dir() and not own.is_symlink() else ():
            if path.name not in named and not wanted(path.name):
                path.unlink(missing_ok=True)
                orphans.append(path)
    return [path.name for path in orphans]


def file_hash(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file in hex."""
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                if progress is not None:
                    progress(len(block))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def _memory(archive: Path) -> Path:
    name = blake2b(str(archive.resolve()).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return cache_folder() / "verified" / f"{name}.json"


def _fingerprint(path: Path, file: PartFile) -> str:
    status = path.stat()
    return f"{file.sha256}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _remembered(archive: Path) -> set[str]:
    try:
        found = json.loads(_memory(archive).read_bytes())
        return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()
    except (OSError, ValueError):
        return set()


def remember_verified(archive: Path, files: Collection[tuple[Path, PartFile]]) -> None:
    """Note in the user's cache that these files, as they are now, match their hashes."""
    known = _remembered(archive)
    marks = {_fingerprint(path, file) for path, file in files}
    _save(archive, marks | known if len(known) < _MARKS else marks)


def _save(archive: Path, marks: set[str]) -> None:
    with contextlib.suppress(StorageError):  # without a cache every opening verifies anew: slower, not wrong
        write_atomically(_memory(archive), json.dumps(sorted(marks)).encode())


def verify(archive: Path, entries: Collection[SegmentEntry], check_vectors: Callable[[Part], None]) -> None:
    """Check sizes always; once for each state of a file its full hash, and a vector part with ``check_vectors``, since
    a hash in a stranger's archive proves nothing.

    Raises ArchiveDamaged for a file that differs or contradicts itself, FileNotFoundError for one that is gone.
    """
    remembered = _remembered(archive)
    current: set[str] = set()
    fresh = False
    for entry in entries:
        for name, file in entry.parts.items():
            path = part_path(archive, entry.id, file)
            if path.stat().st_size != file.size:
                raise ArchiveDamaged(
                    f"{path} has {path.stat().st_size} bytes, {file.size} were written; restore a backup"
                )
            mark = _fingerprint(path, file)
            if mark not in remembered:
                if file_hash(path) != file.sha256:
                    raise ArchiveDamaged(f"{path} does not match its checksum; restore a backup or index again")
                if name == VECTORS:
                    check_vectors(open_part(path, name))
                fresh = True
            current.add(mark)
    if fresh:
        _save(archive, current)
