"""What was done, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from search.declarations import also_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that could not be read: where it stood and why."""

    source: str
    line: int | None
    reason: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """What ``add`` did, in articles. ``rejections`` keeps the first hundred; ``rejected`` counts all.

    Of the replaced, ``revised`` took the place of another record of the same run. Of the skipped, ``poorer`` had no
    text or no date where the archive's article has one, ``outdated`` were earlier versions of an item than the archive
    has, and ``barred`` of items that their agency has withdrawn. ``parted`` were read from files with the id of another
    story of the same run, and got one of their own. ``withdrawn`` are no articles but the word that an item must not be
    used, which is remembered; ``killed`` counts the articles that were deleted for it. ``remarks`` tells of the first
    thousand of all these: where it stood, and what became of it. ``languages`` counts
    the added and the replaced by the language that they are read in (empty: none was told), ``detected`` those of them
    that declared none and whose text told one.
    """

    added: int = 0
    replaced: int = 0
    skipped: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
    revised: int = 0
    poorer: int = 0
    parted: int = 0
    outdated: int = 0
    barred: int = 0
    withdrawn: int = 0
    killed: int = 0
    remarks: tuple[str, ...] = ()
    languages: Mapping[str, int] = field(default_factory=dict)
    detected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(AddReport):
    """What ``import_`` did: with articles as ``add``; ``alerts`` that were saved, names of those that the archive had
    already (its own stay), and what else is to be said."""

    alerts: int = 0
    alerts_kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of how many live articles each has something: the catalog a record, the keyword parts a row, the vector parts an
    entry (None for an archive without vectors)."""

    catalog: int
    keyword: int
    vectors: int | None

    @property
    @also_told("Whether all of them are the same.")
    def agree(self) -> bool:
        """Whether all of them are the same."""
        return self.catalog == self.keyword and self.vectors in (None, self.catalog)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """A file or a folder that is none of an archive's own: its path, its bytes, and when it last changed."""

    path: str
    bytes: int
    changed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What ``repair`` did: ``articles`` that are in the archive; ``segments`` that were written anew, with how many
    ``parts`` of each kind made from the records, and of how many articles vectors were made again, ``embedded``;
    ``records`` and ``alerts`` that could not be read and ``files`` that no commit names, which are all in the folder
    ``aside`` (None where there was nothing of that).
    """

    articles: int
    segments: int
    parts: Mapping[str, int]
    embedded: int
    records: int
    alerts: int
    files: tuple[str, ...]
    aside: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What ``backup`` did: the new backup's ``number`` in its folder and what it holds; the files that were copied, and
    those that were there already; how many ``backups`` the folder has now."""

    number: int
    commit: int
    articles: int
    files_copied: int
    files_kept: int
    bytes_copied: int
    bytes_kept: int
    backups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What ``restore`` made: of which backup, when that was ``made``, and what it holds. ``aside``: where the archive
    that was replaced is kept, if it had files in it that are no archive's; None where none is kept."""

    number: int
    commit: int
    articles: int
    made: str
    bytes_copied: int
    aside: str | None
