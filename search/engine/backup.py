"""Backups of a live archive, and archives made of them.

A backup folder holds numbered backups: ``3/catalog.sqlite`` is the catalog of one commit, ``3/manifest.json`` says what
it must be, and ``segments/`` has the parts that the backups need, each part once. Parts never change: a further backup
copies those that are not there yet, and a catalog. A backup is there when its folder has its name, which comes last.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from search.engine import doctor
from search.engine.settings import Settings
from search.errors import ArchiveDamaged, ArchiveNotFound, SearchError, UsageError
from search.records import BackupReport, RestoreReport
from search.records.numbers import counted
from search.storage import codec
from search.storage.catalog import FILE, Catalog
from search.storage.container import PartFile
from search.storage.copies import copy_catalog, copy_part, exchange, pinned
from search.storage.files import fsync_folder, storage_errors
from search.storage.folder import Folder, Place
from search.storage.folder import number as numbered
from search.storage.locks import lock_writer
from search.storage.segments import part_place
from search.storage.verified import file_hash, remember_verified

if TYPE_CHECKING:
    from search.engine.session import Session

MARKER = "broadsheet-backups.json"
MANIFEST = "manifest.json"
SEGMENTS = "segments"
_VERSION = 1
_UNFINISHED, _ASIDE = ".restoring-", ".before-restore-"  # in the names of folders beside an archive
_LIMIT = 1 << 26  # bytes of a manifest
_ATTEMPTS = 5

Progress = Callable[[int, int], None]


class Census(NamedTuple):
    """What is in a catalog. ``digest``: SHA-256 over ids and checksums of the live articles' records, in row order."""

    commit: int
    articles: int
    digest: str


class Origin(NamedTuple):
    """Which archive it is: by its identity or, where it has or had none yet, by the second in which it was made."""

    created: str
    identity: str | None

    def is_of(self, settings: Settings) -> bool:
        """Whether these are the settings of that archive."""
        if self.identity is None or settings.identity is None:
            return self.created == settings.created
        return self.identity == settings.identity


class Manifest(NamedTuple):
    """What a backup must be: its number, the catalog's size and SHA-256, what is in it, and the parts that it needs."""

    number: int
    made: str
    census: Census
    catalog: PartFile
    files: dict[tuple[str, str], PartFile]


def backup(session: Session, path: Path, keep: int | None, progress: Progress | None = None) -> BackupReport:
    """Add a backup of the newest commit to a folder, which is made where there is none.

    ``keep``: of all backups in it, so many of the newest stay; None: all. ``progress`` gets bytes of parts looked at,
    and how many there are. Raises UsageError for a folder of something else, ArchiveDamaged where the archive is
    damaged: what is in the folder stays as it was.
    """
    if keep is not None and keep < 1:
        raise UsageError(f"keep must be 1 or more, not {keep}")
    catalog = session.catalog
    _refuse_nesting(catalog.folder.absolute, path)
    with _backups(path, session.settings, session.patient) as folder:
        for _ in range(_ATTEMPTS):
            try:
                return _backup(catalog, folder, keep, progress or (lambda done, total: None))
            except FileNotFoundError as error:
                gone = error  # a purge takes files away whoever reads them
        raise ArchiveDamaged(f"{gone.filename} is missing; run 'broadsheet doctor'") from gone


def _backup(catalog: Catalog, folder: Folder, keep: int | None, progress: Progress) -> BackupReport:
    before = {manifest.number: manifest for manifest in _manifests(folder)}
    number = max(_numbers(folder), default=0) + 1
    building = folder / f"{number}.new"
    building.remove_folder()
    building.make_folder()
    copied = kept = copied_bytes = kept_bytes = done = 0
    with pinned(catalog):  # the copy is of this commit or of a later one, and the pin holds what either needs
        building.list()  # raises for a link to elsewhere, through which SQLite would write
        copy_catalog(catalog, building / FILE)
        census, entries = _counted(Folder.open(building.path))
        files = {(entry.id, file.name): file for entry in entries for file in entry.parts.values()}
        total = sum(file.size for file in files.values())
        for (segment, name), file in files.items():
            target = folder / SEGMENTS / segment / name
            if _holds(target, file):
                kept, kept_bytes = kept + 1, kept_bytes + file.size
            else:
                (folder / SEGMENTS / segment).make_folder()
                copy_part(part_place(catalog.folder, segment, file), target, file)
                copied, copied_bytes = copied + 1, copied_bytes + file.size
            progress(done := done + file.size, total)
    for segment in {segment for segment, _ in files}:
        (folder / SEGMENTS / segment).sync()
    if files:
        (folder / SEGMENTS).sync()
    place = building / FILE
    whole = PartFile(FILE, place.status().st_size, file_hash(place))
    manifest = Manifest(number, datetime.now(UTC).isoformat(timespec="seconds"), census, whole, files)
    _write(building / MANIFEST, _told(manifest))
    building.sync()
    building.rename(str(number))
    folder.sync()
    left = {**before, number: manifest}
    for old in sorted(left)[:-keep] if keep is not None else ():
        (folder / str(old)).remove_folder()
        del left[old]
    _sweep(folder, left)
    return BackupReport(
        number=number,
        commit=census.commit,
        articles=census.articles,
        files_copied=copied,
        files_kept=kept,
        bytes_copied=copied_bytes + whole.size,
        bytes_kept=kept_bytes,
        backups=len(left),
    )


def restore(
    source: Path, path: Path, replace: bool, number: int | None, wait: bool = False, progress: Progress | None = None
) -> RestoreReport:
    """Make an archive of a backup: of the newest one, or of the one of this number.

    It is made beside the folder that it is to be, proven to be what was backed up, and only then given its name. The
    folder must be new or empty, or with ``replace`` an archive, which is kept beside it under another name. Raises
    ArchiveNotFound where there is no such backup, ArchiveDamaged for one that is not what it was, UsageError for a
    folder that holds something else, and ArchiveLocked where a writer is at work in it.
    """
    folder, origin = _opened(source)
    target = Path(os.path.abspath(path))  # noqa: PTH100 (a link stays a link: what it leads to is replaced)
    target = target.resolve() if target.is_symlink() else target
    _refuse_nesting(folder.absolute, target)
    with ExitStack() as stack:
        stack.callback(folder.close)
        if folder.writable():  # nothing goes while it is read
            lock = lock_writer(folder, wait)
            stack.callback(lock.release)
        manifest = _chosen(folder, number)
        there = _there(target, replace)
        with storage_errors(f"make {target}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep_unfinished(target)
            building = target.with_name(f".{target.name}{_UNFINISHED}{os.urandom(8).hex()}")  # longer than aside
            building.mkdir()
        try:
            with _at_work(building):
                files = _restored(folder, origin, manifest, building, progress or (lambda done, total: None))
                aside = _put(building, target, there, wait)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)  # it is gone where it has got its place, or another name
            raise
        new = Folder.open(target)
        stack.callback(new.close)
        remember_verified(new, [(part_place(new, segment, file), file) for (segment, _), file in files.items()])
    return RestoreReport(
        number=manifest.number,
        commit=manifest.census.commit,
        articles=manifest.census.articles,
        made=manifest.made,
        bytes_copied=manifest.catalog.size + sum(file.size for file in files.values()),
        aside=None if aside is None else str(aside),
    )


def _restored(
    folder: Folder, origin: Origin, manifest: Manifest, path: Path, progress: Progress
) -> dict[tuple[str, str], PartFile]:
    """Make an archive in an empty folder, and prove it."""
    own = Folder.open(path)
    try:
        copy_part(folder / str(manifest.number) / FILE, own / FILE, manifest.catalog)
        catalog = Catalog.open(own)
    except BaseException as error:
        own.close()
        if isinstance(error, FileNotFoundError):
            raise _missing(error) from error
        raise
    try:
        _, entries, _ = catalog.snapshot()
        files = {(entry.id, file.name): file for entry in entries for file in entry.parts.values()}
        total, done = sum(file.size for file in files.values()), 0
        for (segment, name), file in files.items():
            (own / SEGMENTS / segment).make_folder()
            copy_part(folder / SEGMENTS / segment / name, own / SEGMENTS / segment / name, file)
            progress(done := done + file.size, total)
        for segment in {segment for segment, _ in files}:
            (own / SEGMENTS / segment).sync()
        if files:
            (own / SEGMENTS).sync()
        own.sync()
        if not origin.is_of(Settings.read(path, catalog.settings())):
            raise ArchiveDamaged(
                f"backup {manifest.number} in {folder.path} is of another archive than the folder; restore another one"
            )
        census = _census(catalog)
        if census != manifest.census:
            raise ArchiveDamaged(
                f"backup {manifest.number} in {folder.path} holds {counted(census.articles, 'article')} at commit "
                f"{census.commit}, and {manifest.census.articles} at commit {manifest.census.commit} were backed up, "
                "or others of them; restore another one"
            )
        # Words of an older analysis are no damage: doctor --repair analyses them again.
        if problems := [problem for problem in doctor.check(catalog) if not problem.startswith(doctor.OLD_ANALYSIS)]:
            raise ArchiveDamaged(
                f"backup {manifest.number} in {folder.path} is not sound ({problems[0]}; "
                f"{counted(len(problems), 'problem')} in all); restore another one"
            )
    except FileNotFoundError as error:
        raise _missing(error) from error
    finally:
        catalog.close(truncate=True)
    return files


def _missing(error: FileNotFoundError) -> ArchiveDamaged:
    return ArchiveDamaged(f"{error.filename} is missing from the backup; restore another one")


def _put(building: Path, target: Path, there: bool, wait: bool) -> Path | None:
    """Give a finished archive its place. Returns where the old one is kept, if it is."""
    if not there:
        with storage_errors(f"make {target}"):
            building.rename(target)  # over an empty folder, too
            fsync_folder(target.parent)
        return None
    old = Folder.open(target)
    try:
        lock = lock_writer(old, wait)
        try:
            return _exchanged(building, target)
        finally:
            lock.release()
    finally:
        old.close()


def _exchanged(building: Path, target: Path) -> Path:
    """Put a finished archive in the place of another. Returns where the other one is kept."""
    aside = target.with_name(f"{target.name}{_ASIDE}{os.urandom(4).hex()}")
    with storage_errors(f"put {building} in the place of {target}"):
        mark = building.stat()
        building.rename(aside)  # first: whatever happens, no whole archive has a name that is swept
    try:
        exchange(aside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            if os.path.samestat(aside.stat(), mark):  # they have not changed places: it is not the old archive
                shutil.rmtree(aside, ignore_errors=True)
        raise
    return aside


@contextmanager
def _at_work(building: Path) -> Iterator[None]:
    """Hold a lock on the folder of an archive that is being made: it tells that no crash has left it.

    A shared one, as readers hold who find no room for a pin.
    """
    folder = Folder.open(building)
    try:
        with contextlib.suppress(OSError):  # a file system that locks no folders: then none is swept, either
            fcntl.flock(folder.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        folder.close()


def _sweep_unfinished(target: Path) -> None:
    """Remove what restores to this place have left that were killed."""
    for name in os.listdir(target.parent):  # noqa: PTH208 (names are enough)
        if not name.startswith(f".{target.name}{_UNFINISHED}"):
            continue
        with contextlib.suppress(OSError, SearchError):
            folder = Folder.open(target.with_name(name))
            try:
                fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(target.with_name(name), ignore_errors=True)
            finally:
                folder.close()


def _there(target: Path, replace: bool) -> bool:
    """Is there an archive that is to be replaced? Raises UsageError where the place cannot be taken."""
    if not target.exists():
        return False
    if not target.is_dir():
        raise UsageError(f"{target} is no folder; name a new or an empty one")
    names = os.listdir(target)  # noqa: PTH208
    if not names:
        return False
    if FILE not in names:
        raise UsageError(f"{target} holds something that is no archive; name a new or an empty folder")
    if not replace:
        raise UsageError(f"{target} holds an archive; --replace puts the backup in its place")
    return True


def _refuse_nesting(own: Path, other: Path) -> None:
    here, there = own.resolve(), other.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise UsageError(f"{other} and {own} lie in each other; name a folder elsewhere, best on another disk")


@contextmanager
def _backups(path: Path, settings: Settings, wait: bool) -> Iterator[Folder]:
    """The folder of an archive's backups, made where there is none, and locked."""
    with storage_errors(f"make {path}"):
        path.mkdir(parents=True, exist_ok=True)
    folder = Folder.open(path)
    try:
        names = set(folder.names()) - {"writer.lock"}
        if names and MARKER not in names and names != {f"{MARKER}.new"}:
            raise UsageError(f"{path} holds something that is no backup; name a new or an empty folder")
        lock = lock_writer(folder, wait)
        try:
            marker = folder / MARKER
            if is_new := not marker.exists():
                _mark(folder, settings)
                fsync_folder(folder.absolute.parent)
            origin = _marked(folder)
            if not origin.is_of(settings):
                raise UsageError(f"{path} holds backups of another archive, made {origin.created}; name another folder")
            if origin.identity is None and settings.identity is not None and not is_new:
                _mark(folder, settings)  # a version that knew no identities made it
            yield folder
        finally:
            lock.release()
    finally:
        folder.close()


def _opened(path: Path) -> tuple[Folder, Origin]:
    try:
        folder = Folder.open(path)
        origin = _marked(folder)
    except (FileNotFoundError, ArchiveNotFound):
        raise ArchiveNotFound(f"{path} holds no backups; 'broadsheet backup {path}' makes one") from None
    return folder, origin


def _mark(folder: Folder, settings: Settings) -> None:
    _write(folder / MARKER, {"backups": _VERSION, "archive": settings.created, "identity": settings.identity})
    folder.sync()


def _marked(folder: Folder) -> Origin:
    """Of which archive a folder has backups."""
    found = _read(folder / MARKER)
    if found.get("backups") != _VERSION:
        raise ArchiveDamaged(f"{folder.path} has backups of a kind that this version does not know")
    identity = found.get("identity")
    return Origin(str(found.get("archive")), identity if isinstance(identity, str) else None)


def _chosen(folder: Folder, number: int | None) -> Manifest:
    numbers = _numbers(folder)
    if number is None and numbers:
        number = numbers[-1]
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        what = "no backup" if number is None else f"no backup {number}"
        raise ArchiveNotFound(f"{folder.path} has {what}; there are: {known}")
    assert number is not None
    return _manifest(folder, number)


def _manifests(folder: Folder) -> Iterator[Manifest]:
    """Those of all backups. Raises ArchiveDamaged for one that cannot be read: what it needs cannot be known."""
    for number in _numbers(folder):
        yield _manifest(folder, number)


def _numbers(folder: Folder) -> list[int]:
    """Those of all backups, ascending."""
    return sorted(found for name in folder.names() if (found := numbered(name)) is not None)


def _manifest(folder: Folder, number: int) -> Manifest:
    place = folder / str(number) / MANIFEST
    try:
        found = _read(place)
        files = {(segment, name): PartFile(name, size, sha) for segment, name, size, sha in found["files"]}
        if not all(_plain(segment) and _plain(name) for segment, name in files):
            raise ValueError("a name that leads elsewhere")
        census = Census(int(found["commit"]), int(found["articles"]), str(found["digest"]))
        catalog = PartFile(FILE, int(found["catalog"]["size"]), str(found["catalog"]["sha256"]))
        return Manifest(number, str(found["made"]), census, catalog, files)
    except FileNotFoundError:
        raise ArchiveDamaged(
            f"{place.path} is missing; remove {place.path.parent}, or restore another backup"
        ) from None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ArchiveDamaged(
            f"{place.path} cannot be read ({error}); remove {place.path.parent}, or restore another backup"
        ) from error


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "made": manifest.made,
        **manifest.census._asdict(),
        "catalog": {"size": manifest.catalog.size, "sha256": manifest.catalog.sha256},
        "files": [[segment, file.name, file.size, file.sha256] for (segment, _), file in manifest.files.items()],
    }


def _write(place: Place, values: dict[str, Any]) -> None:
    """A small JSON file with a hash of what is in it, whole or not at all."""
    text = json.dumps(values, sort_keys=True)
    data = json.dumps({"sha256": sha256(text.encode()).hexdigest(), "values": values}, sort_keys=True).encode()
    building = Place(place.folder, (*place.names[:-1], f"{place.name}.new"))
    building.unlink()
    descriptor = building.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "wb") as file, storage_errors(f"write {place.path}"):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    building.rename(place.name)


def _read(place: Place) -> dict[str, Any]:
    """What ``_write`` wrote. Raises ArchiveDamaged for anything else, FileNotFoundError where there is nothing."""
    with (
        place.opened(limit=_LIMIT) as descriptor,
        storage_errors(f"read {place.path}"),
        os.fdopen(os.dup(descriptor), "rb") as file,
    ):
        data = file.read(_LIMIT)
    try:
        found = json.loads(data)
        values = found["values"]
        if not isinstance(values, dict):
            raise ValueError
        if sha256(json.dumps(values, sort_keys=True).encode()).hexdigest() != found["sha256"]:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArchiveDamaged(f"{place.path} is damaged; use another backup") from None
    return values


def _plain(name: object) -> bool:
    return isinstance(name, str) and name.replace("-", "").replace(".", "").isalnum() and not name.startswith(".")


def _holds(place: Place, file: PartFile) -> bool:
    """Is this file there, as it should be? What is not is copied again."""
    try:
        return file_hash(place, file.size) == file.sha256
    except (FileNotFoundError, ArchiveDamaged):
        place.unlink()
        return False


def _sweep(folder: Folder, manifests: dict[int, Manifest]) -> None:
    """Remove the parts that no backup needs: of backups that went, or that were never finished."""
    needed = {place for manifest in manifests.values() for place in manifest.files}
    for segment in (folder / SEGMENTS).list():
        names = (folder / SEGMENTS / segment).list()
        for name in names:
            if (segment, name) not in needed:
                (folder / SEGMENTS / segment / name).unlink()
        if not any((segment, name) in needed for name in names):
            (folder / SEGMENTS / segment).remove_folder()


def _counted(folder: Folder) -> tuple[Census, list[Any]]:
    """What is in the copy of a catalog, and its segments."""
    catalog = Catalog.open(folder)
    try:
        if problems := catalog.integrity() or catalog.broken_seals():
            raise ArchiveDamaged(
                f"the catalog is damaged ({problems[0]}); see 'broadsheet doctor', restore a backup, or export it"
            )
        return _census(catalog), catalog.snapshot()[1]
    finally:
        catalog.close(truncate=True)


def _census(catalog: Catalog) -> Census:
    """Count the live articles, each record compared with its checksum. Raises ArchiveDamaged where one differs."""
    digest, articles = sha256(), 0
    for row, article_id, blob, check, died, _ in catalog.raw_records():
        if died is None:
            if codec.checksum(blob) != check:
                raise ArchiveDamaged(
                    f"the record of {article_id!r} (row {row}) does not match its checksum; "
                    "'broadsheet doctor --repair' sets it aside"
                )
            digest.update(article_id.encode("utf-8", "surrogatepass") + b"\0" + check)
            articles += 1
    return Census(catalog.commit_number(), articles, digest.hexdigest())
