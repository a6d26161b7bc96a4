"""Collections in an SQLite file of their own beside an archive: it outlives a rebuilt archive, travels as one file.

The file may come from a stranger: it is of our making, without triggers and views, or it is refused. No connection
stays open, and the log of a change is gone with it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from search.errors import ArchiveDamaged, ArchiveLocked, StorageError, UsageError
from search.records.collections import Collection, Member

SUFFIX = ".collections"
MOST = 100_000
"""Articles of a collection."""
LONGEST_NOTE = 10_000
_MOST_TAGS = 50
_APPLICATION = 0x42524443  # "BRDC"
_VERSION = 1
_NAME = re.compile(r"\w(?:[\w .-]{0,98}[\w.-])?")
_CHUNK = 500
_SCHEMA = """
CREATE TABLE collections (name TEXT PRIMARY KEY, note TEXT NOT NULL, created TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE members (
    place INTEGER PRIMARY KEY, collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    id TEXT NOT NULL, added TEXT NOT NULL, tags TEXT NOT NULL, note TEXT NOT NULL, title TEXT NOT NULL,
    source TEXT NOT NULL, published TEXT NOT NULL, url TEXT NOT NULL, UNIQUE (collection, id)
) STRICT;
CREATE TABLE receipts (
    place INTEGER PRIMARY KEY, collection TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    receipt TEXT NOT NULL, UNIQUE (collection, receipt)
) STRICT;
"""
_STATEMENTS = [" ".join(one.split()) for one in _SCHEMA.strip().removesuffix(";").split(";\n")]


def named(name: str) -> str:
    """A collection's name as it is kept. Raises UsageError for what can be none."""
    plain = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    if not _NAME.fullmatch(plain):
        raise UsageError(
            "a collection's name is 1 to 100 letters, digits, spaces, dots and hyphens, such as strike-2024"
        )
    return plain


class Collections:
    """The collections beside an archive's folder. Nothing is written before the first article is collected."""

    def __init__(self, folder: Path) -> None:
        place = folder.resolve()
        self.path = place.with_name(place.name + SUFFIX)

    def all(self) -> list[Collection]:
        """Every collection, by name."""
        query = (
            "SELECT name, note, created, (SELECT count(*) FROM members WHERE collection = name) FROM collections "
            "ORDER BY name"
        )
        with self._reading() as connection:
            rows = [] if connection is None else connection.execute(query).fetchall()
        return [
            Collection(name=name, note=note, created=self._instant(created), articles=count)
            for name, note, created, count in rows
        ]

    def ids(self, name: str) -> tuple[str, ...]:
        """The ids of a collection in the order in which they were added. Raises UsageError where there is none."""
        with self._reading() as connection:
            if connection is None or not self._exists(connection, name):
                raise _unknown(name)
            query = "SELECT id FROM members WHERE collection = ? ORDER BY place"
            return tuple(one for (one,) in connection.execute(query, (name,)))

    def members(self, name: str) -> list[Member]:
        """The articles of a collection as they were when they were added. Raises UsageError where there is none."""
        query = (
            "SELECT id, added, tags, note, title, source, published, url FROM members WHERE collection = ? "
            "ORDER BY place"
        )
        with self._reading() as connection:
            if connection is None or not self._exists(connection, name):
                raise _unknown(name)
            rows = connection.execute(query, (name,)).fetchall()
        return [
            Member(
                id=one,
                added=added,
                tags=self._tags(tags),
                note=note,
                title=title,
                source=source,
                published=published,
                url=url,
            )
            for one, added, tags, note, title, source, published, url in rows
        ]

    def receipts(self, name: str) -> list[str]:
        """The receipts, as JSON, of the searches that a collection was filled from."""
        with self._reading() as connection:
            if connection is None:
                return []
            query = "SELECT receipt FROM receipts WHERE collection = ? ORDER BY place"
            return [one for (one,) in connection.execute(query, (name,))]

    def add(
        self,
        name: str,
        articles: Sequence[Mapping[str, str]],
        tags: Iterable[str],
        note: str | None,
        receipt: str | None,
    ) -> tuple[int, int]:
        """Put articles into a collection, made now where there is none; how many are new, and how many of the others
        got a tag or a note. Of those that are there, tags are added and a note is replaced. All or nothing."""
        plain, now = named(name), datetime.now(UTC).isoformat(timespec="seconds")
        new_tags = _tags(tags)
        if note is not None and len(note) > LONGEST_NOTE:
            raise UsageError(f"a note has at most {LONGEST_NOTE:,} characters")
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO collections VALUES (?, '', ?)", (plain, now))
            query = "SELECT id, tags, note FROM members WHERE collection = ?"
            known = {one: (self._tags(held), said) for one, held, said in connection.execute(query, (plain,))}
            new = [article for article in articles if article["id"] not in known]
            if len(known) + len(new) > MOST:
                raise UsageError(f"a collection has at most {MOST:,} articles; make another one")
            connection.executemany(
                "INSERT INTO members (collection, id, added, tags, note, title, source, published, url) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(plain, article["id"], now, json.dumps(new_tags), note or ""),
                        *(article[field] for field in ("title", "source", "published", "url")),
                    )
                    for article in new
                ],
            )
            changes = []
            for article in articles:
                if article["id"] in known:
                    held, said = known[article["id"]]
                    after = list(dict.fromkeys([*held, *new_tags]))[:_MOST_TAGS], said if note is None else note
                    if after != (list(held), said):
                        changes.append((json.dumps(after[0]), after[1], plain, article["id"]))
            connection.executemany("UPDATE members SET tags = ?, note = ? WHERE collection = ? AND id = ?", changes)
            if receipt is not None:
                connection.execute(
                    "INSERT OR IGNORE INTO receipts (collection, receipt) VALUES (?, ?)", (plain, receipt)
                )
        return len(new), len(changes)

    def remove(self, name: str, ids: Sequence[str]) -> list[str]:
        """Take articles out of a collection; those that were in it. Raises UsageError where there is none."""
        with self._writing(create=False) as connection:
            if not self._exists(connection, name):
                raise _unknown(name)
            held = {one for (one,) in connection.execute("SELECT id FROM members WHERE collection = ?", (name,))}
            gone = [one for one in dict.fromkeys(ids) if one in held]
            connection.executemany("DELETE FROM members WHERE collection = ? AND id = ?", [(name, one) for one in gone])
        return gone

    def purge(self, ids: Sequence[str]) -> None:
        """Blank what collections keep of some articles: title, source, day and address, also what removed entries have
        left in the file. Ids, tags and notes stay: these are the collector's. Raises ArchiveError."""
        with self._reading() as connection:
            if connection is None:
                return
        with self._writing() as connection:
            blank = "UPDATE members SET title = '', source = '', published = '', url = '' WHERE id = ?"
            connection.executemany(blank, [(one,) for one in ids])
        with self._errors(), closing(self._connect("rw")) as connection:
            connection.execute("VACUUM")

    def annotate(self, name: str, note: str) -> None:
        """Note something of a whole collection, made now where there is none."""
        if len(note) > LONGEST_NOTE:
            raise UsageError(f"a note has at most {LONGEST_NOTE:,} characters")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO collections VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET note = excluded.note",
                (named(name), note, now),
            )

    def drop(self, name: str) -> None:
        """Forget a collection; its articles stay in the archive. Raises UsageError where there is none."""
        with self._writing(create=False) as connection:
            if not connection.execute("DELETE FROM collections WHERE name = ?", (name,)).rowcount:
                raise _unknown(name)

    def _exists(self, connection: sqlite3.Connection, name: str) -> bool:
        return connection.execute("SELECT 1 FROM collections WHERE name = ?", (name,)).fetchone() is not None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None where nothing was ever collected."""
        if not self.path.exists() and not self.path.is_symlink():
            yield None
            return
        with self._errors(), closing(self._connect("ro")) as connection:
            yield connection

    @contextmanager
    def _writing(self, *, create: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction, in a file that is made where there is none."""
        new = not self.path.exists() and not self.path.is_symlink()
        if new and not create:
            raise UsageError(f"nothing was collected yet: there is no {self.path}")
        with self._errors(), closing(self._connect("rwc" if new else "rw", new)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def _connect(self, mode: str, new: bool = False) -> sqlite3.Connection:
        if self.path.is_symlink() or (not new and not self.path.is_file()):
            raise ArchiveDamaged(f"{self.path} is no file of collections; move it away")
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            if new:
                connection.execute("BEGIN IMMEDIATE")
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:  # nobody was first
                    for statement in _STATEMENTS:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                connection.execute("COMMIT")
            statements = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION
            if not ours or {" ".join(str(sql).split()) for (sql,) in statements} != set(_STATEMENTS):
                raise ArchiveDamaged(f"{self.path} is no file of collections that this version reads; move it away")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise ArchiveLocked(f"{self.path} is being written by another program; try again") from error
            raise StorageError(f"cannot use {self.path}: {error}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise ArchiveDamaged(f"{self.path} is damaged ({error}); restore a copy of it") from error

    def _instant(self, text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        except ValueError as error:
            raise ArchiveDamaged(f"{self.path} has a date that is none; restore a copy of it") from error

    def _tags(self, text: str) -> tuple[str, ...]:
        try:
            tags: Any = json.loads(text)
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise ValueError
        except (ValueError, RecursionError) as error:
            raise ArchiveDamaged(f"{self.path} has tags that are none; restore a copy of it") from error
        return tuple(tags)


def _tags(tags: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(unicodedata.normalize("NFC", tag).strip() for tag in tags))
    if len(found) > _MOST_TAGS or not all(_NAME.fullmatch(tag) for tag in found):
        raise UsageError(f"a tag is letters, digits, spaces, dots and hyphens, up to {_MOST_TAGS} for an article")
    return found


def _unknown(name: str) -> UsageError:
    return UsageError(f"there is no collection {name!r}; 'broadsheet collect' lists those that there are")
