"""Inputs to articles: the paths of a call are checked, opened, told apart and read one after the other."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from search.errors import SourceError
from search.ingest.decode import head_text
from search.ingest.fields import PUBLISHED_RAW
from search.ingest.formats import AUTO, COMPRESSED, Format, by_extension, detect_format, named_format
from search.ingest.paths import STDIN, Entry, expand, reason_of, walk
from search.ingest.source import Source, SourceProblem
from search.records import Article, Rejection


class Reading(Iterator[Article | Rejection]):
    """Articles and rejections, one at a time. The counts grow as it is read: ``files`` opened, ``skipped`` files of no
    known format in folders, ``unread_dates`` of articles that had one, ``bytes_read`` as they stand on disk."""

    def __init__(self, paths: Sequence[str | os.PathLike[str]], form: Format | None) -> None:
        self.files = 0
        self.skipped = 0
        self.unread_dates = 0
        self._form = form
        self._bytes = 0
        self._current: Source | None = None
        self._entries = expand(paths)
        self._streams: dict[int, Source] = {}
        self._piped = False
        for number, entry in enumerate(self._entries):
            if entry.named:
                self._check(number, entry)
        self._items = self._read()

    def __next__(self) -> Article | Rejection:
        return next(self._items)

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, compressed ones as they are."""
        return self._bytes + (self._current.bytes_read if self._current is not None else 0)

    def bytes_total(self) -> int | None:
        """Bytes to be read in all, or None with a pipe among the inputs. Walks the folders."""
        if self._piped:
            return None
        total = 0
        for entry in self._entries:
            for found in walk(entry.path, self._wanted, lambda: None) if entry.folder else (entry,):
                if isinstance(found, Entry):
                    try:
                        total += Path(found.path).stat().st_size
                    except OSError:
                        continue
        return total

    def close(self) -> None:
        """Close what is open; nothing more is read."""
        self._items.close()
        for source in self._streams.values():
            source.close()

    def _check(self, number: int, entry: Entry) -> None:
        """Refuse a named input that cannot be read at all, while nothing has been read yet."""
        try:
            if entry.folder:
                os.scandir(entry.path).close()
                return
            source = _open(entry)
            pipe = entry.path == STDIN or not stat.S_ISREG(Path(entry.path).stat().st_mode)
        except OSError as error:
            raise SourceError(f"{entry.name}: {reason_of(error)}") from error
        fault = self._fault(source)
        if pipe and fault is None:
            self._piped = True
            self._streams[number] = source  # what was read of a pipe cannot be read again
        else:
            source.close()
        if fault is not None:
            raise SourceError(f"{entry.name}: {fault}")

    def _fault(self, source: Source) -> str | None:
        if (kind := source.binary_kind()) is not None:
            return f"not a text file ({kind})"
        head = head_text(source)
        if not head.strip():
            return None
        return (self._form or detect_format(source)).fault(head)

    def _wanted(self, name: str) -> bool:
        extension, known = by_extension(name)
        if self._form is None:
            return known is not None or (not extension and name.lower().endswith(COMPRESSED))
        return known is self._form or not extension

    def _count_skipped(self) -> None:
        self.skipped += 1

    def _read(self) -> Generator[Article | Rejection]:
        for number, entry in enumerate(self._entries):
            if number in self._streams:
                yield from self._read_source(self._streams.pop(number))
            elif not entry.folder:
                yield from self._read_file(entry)
            else:
                for found in walk(entry.path, self._wanted, self._count_skipped):
                    if isinstance(found, Rejection):
                        yield found
                    else:
                        yield from self._read_file(found)

    def _read_file(self, entry: Entry) -> Iterator[Article | Rejection]:
        try:
            source = _open(entry)
        except OSError as error:
            yield Rejection(source=entry.name, line=None, reason=reason_of(error))
            return
        yield from self._read_source(source)

    def _read_source(self, source: Source) -> Iterator[Article | Rejection]:
        self.files += 1
        self._current = source
        try:
            if source.complete and not head_text(source).strip():
                yield Rejection(source=source.name, line=None, reason="empty file")
                return
            if (kind := source.binary_kind()) is not None:
                yield Rejection(source=source.name, line=None, reason=f"not a text file ({kind})")
                return
            for item in (self._form or detect_format(source)).read(source):
                if isinstance(item, Article) and item.published is None and PUBLISHED_RAW in item.extra:
                    self.unread_dates += 1
                yield item
        except SourceProblem as problem:
            yield Rejection(source=source.name, line=problem.line, reason=str(problem))
        finally:
            self._bytes += source.bytes_read
            self._current = None
            source.close()


def read(paths: Sequence[str | os.PathLike[str]], *, format: str = AUTO) -> Reading:
    """The articles in ``paths``: files, folders, glob patterns, "-" for standard input; plain, gzip or zstd.

    ``format`` is "auto", "text", "jsonl", "json" or "csv"; auto goes by extension, then by content. Every path is
    checked before anything is read: ``SourceError`` for one that is missing, cannot be opened, is binary, or is a table
    without a usable header; ``UsageError`` for an unknown format. Later faults, and those of files met in folders, are
    ``Rejection``s in the place of what could not be read. Memory does not grow with the input.

    In a folder, files are read whose extension is a known format's (that of ``format``, if given, or none at all);
    others are skipped and counted. Of a pattern, every file that matches is read.
    """
    form = named_format(format)
    return Reading([paths] if isinstance(paths, str | os.PathLike) else paths, form)


def _open(entry: Entry) -> Source:
    if entry.path == STDIN:
        if sys.stdin is None:
            raise OSError("there is no standard input")
        return Source(STDIN, sys.stdin.buffer, owned=False)
    return Source(entry.name, Path(entry.path).open("rb"))
