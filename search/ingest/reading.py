"""Inputs to articles: the paths of a call are checked, opened, told apart and read one after the other."""

from __future__ import annotations

import codecs
import io
import os
import stat
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from search.errors import MissingExtraError, SourceError, UsageError
from search.ingest import containers
from search.ingest.beside import Folder
from search.ingest.containers import PassedOver
from search.ingest.dates import Order, order_of
from search.ingest.fields import UNMAPPED, BadRecord, Draft, Mapped
from search.ingest.formats import (
    AUTO,
    CONTAINERS,
    Format,
    by_extension,
    by_name,
    kind_of,
    knows,
    named_format,
    recognised,
    rejected,
)
from search.ingest.from_paths import from_path
from search.ingest.orders import NEIGHBOURS, Item, Waiting, ordered
from search.ingest.paths import SPECIAL, STDIN, Entry, expand, is_special, reason_of, walk
from search.ingest.report import WITHDRAWN, Report
from search.ingest.source import Source, SourceProblem
from search.records import Article, Rejection


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user says of the input, where looking at it does not do."""

    form: Format | None = None
    mapped: Mapped = UNMAPPED
    encoding: str | None = None
    order: Order | None = None


class Reading(Iterator[Article | Rejection]):
    """Articles and rejections, one at a time. The counts grow as it is read: ``files`` opened, ``passed_over`` (what is
    not read, by its kind: how many, and the first), ``report`` (what is to be said of the articles), ``bytes_read`` as
    they stand on disk."""

    def __init__(self, paths: Sequence[str | os.PathLike[str] | Entry], settings: Settings) -> None:
        self.files = 0
        self.passed_over: dict[str, tuple[int, str]] = {}
        self.report = Report(settings.mapped.names)
        self._form = settings.form
        self._settings = settings
        self._bytes = 0
        self._current: Source | None = None
        self._entries = expand(paths)
        self._streams: dict[int, Source] = {}
        self._piped = False
        self._beside: dict[tuple[Path, str], list[object]] = {}
        self._refused: dict[int, SourceError | MissingExtraError] = {}
        for number, entry in enumerate(self._entries):
            if entry.named:
                try:
                    self._check(number, entry)
                except (SourceError, MissingExtraError) as error:
                    self._refused[number] = error
        if self._refused and len(self._refused) == len(self._entries):
            raise next(iter(self._refused.values()))
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
            for found in walk(entry.path) if entry.folder else (entry,):
                if isinstance(found, Entry):
                    total += _size(found)
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
            source = self._open(entry)
            pipe = entry.path == STDIN or not stat.S_ISREG(Path(entry.path).stat().st_mode)
        except OSError as error:
            raise SourceError(f"{entry.name}: {reason_of(error)}") from error
        try:
            form, fault = self._form_of(source)
            if fault is None and form is not None:
                fault = form.fault(source)
            if isinstance(fault, MissingExtraError):
                raise fault
            if fault is not None:
                raise SourceError(f"{entry.name}: {fault}")
        except BaseException:
            source.close()
            raise
        if pipe:
            self._piped = True
            self._streams[number] = source  # what was read of a pipe cannot be read again
        else:
            source.close()

    def _open(self, entry: Entry) -> Source:
        said: dict[str, Any] = {"encoding": self._settings.encoding, "mapped": frozenset(self._settings.mapped.names)}
        if entry.path == STDIN:
            if sys.stdin is None:
                raise OSError("there is no standard input")
            return Source(STDIN, sys.stdin.buffer, owned=False, **said)
        if entry.data is not None:
            return Source(entry.name, io.BytesIO(entry.data), **said)
        path = Path(entry.path)
        if not path.is_file():
            return Source(entry.name, path.open("rb"), **said)
        return Source(entry.name, path.open("rb"), path=path, beside=Folder(path), **said)

    def _form_of(self, source: Source) -> tuple[Format | None, str | MissingExtraError | None]:
        """The format that reads a source, or why none does. None twice: an archive, whose members are to be read, or an
        empty file."""
        if source.complete and not source.head.text.strip():
            return None, None
        form = self._form if self._form is not None else recognised(source.head)
        if containers.is_container(source) and (form is None or not knows(form, source.head)):
            return None, None
        form = form or by_name(source)
        if form is None:
            return None, f"{kind_of(source.head)}, which no format reads"
        return form, form.missing()

    def _read(self) -> Generator[Article | Rejection]:
        for number, entry in enumerate(self._entries):
            if (refused := self._refused.get(number)) is not None:
                reason = str(refused).removeprefix(f"{entry.name}: ")
                yield Rejection(source=entry.name, line=None, reason=reason)
            elif number in self._streams:
                yield from self._read_outermost(self._streams.pop(number))
            elif not entry.folder:
                # A pattern fits it, and nobody may ever write to it.
                if not entry.named and entry.data is None and is_special(entry.path):
                    self._pass_over(PassedOver(entry.name, SPECIAL))
                else:
                    yield from self._read_file(entry, chosen=not entry.met)
            else:
                for found in walk(entry.path):
                    if isinstance(found, Rejection):
                        yield found
                    elif isinstance(found, PassedOver):
                        self._pass_over(found)
                    else:
                        yield from self._read_file(found, chosen=False)

    def _read_file(self, entry: Entry, *, chosen: bool) -> Iterator[Article | Rejection]:
        try:
            source = self._open(entry)
        except OSError as error:
            yield Rejection(source=entry.name, line=None, reason=reason_of(error))
            return
        if not chosen and (kind := self._unwanted(source)) is not None:
            source.close()
            self._bytes += _size(entry)
            self._pass_over(PassedOver(entry.name, kind))
            return
        yield from self._read_outermost(source)

    def _unwanted(self, source: Source) -> str | None:
        """What a file in a folder or an archive is that nobody asked to read: of no known name, and not recognised.
        None for one that is to be read, or whose fault is to be told."""
        extension, named = by_extension(source.name)
        if self._form is not None:
            if named is self._form or not extension or extension in CONTAINERS or knows(self._form, source.head):
                return None
            return f"files that are not {self._form.title} by name or content"
        if named is not None or extension in CONTAINERS:
            return None
        if recognised(source.head) is not None or containers.is_container(source):
            return None
        if source.empty:
            return "empty files"
        kind = kind_of(source.head)
        what = f"{extension} files" if extension else "files without an extension"
        return what if kind is None else f"{what} ({kind})"

    def _pass_over(self, found: PassedOver) -> None:
        count, first = self.passed_over.get(found.kind, (0, found.name))
        self.passed_over[found.kind] = count + 1, first

    def _read_outermost(self, source: Source) -> Iterator[Article | Rejection]:
        self._current = source
        try:
            yield from self._read_source(source)
        finally:
            self._bytes += source.bytes_read
            self._current = None
            source.close()

    def _read_source(self, source: Source, depth: int = 0) -> Iterator[Article | Rejection]:
        self.files += 1
        try:
            form, fault = self._form_of(source)
            if fault is not None:
                yield Rejection(source=source.name, line=None, reason=str(fault))
            elif form is not None:
                yield from self._articles(source, form)
            elif not containers.is_container(source):
                yield Rejection(source=source.name, line=None, reason="empty file")
            elif depth == containers.DEPTH:
                yield Rejection(source=source.name, line=None, reason=f"archives nested deeper than {depth}")
            else:
                yield from self._members(source, depth + 1)
        except SourceProblem as problem:
            yield Rejection(source=source.name, line=problem.line, reason=str(problem))
        except Exception as error:  # a reader that fails, whosever it is, costs its file and no other
            what = f"{type(error).__name__}: {error}"[:300]
            yield Rejection(source=source.name, line=None, reason=f"the reader of this file failed ({what})")

    def _members(self, source: Source, depth: int) -> Iterator[Article | Rejection]:
        for member in containers.members(source):
            if isinstance(member, Rejection):
                yield member
            elif isinstance(member, PassedOver):
                self._pass_over(member)
            elif (kind := self._unwanted(member)) is not None:
                self._pass_over(PassedOver(member.name, kind))
            else:
                yield from self._read_source(member, depth)

    def _articles(self, source: Source, form: Format) -> Iterator[Article | Rejection]:
        kind = self.report.kind(form.name)
        kind.files += 1
        items = self._drafts(source, form)
        path = from_path(source.name, single=form.single)
        try:
            for item, order in ordered(items, self._settings.order, lambda: self._dates_elsewhere(source, form)):
                if isinstance(item, Rejection):
                    yield item
                    continue
                draft, place = item.draft, item.record.place
                try:
                    article = draft.article(order, source.name, place, path)
                except BadRecord as error:
                    yield rejected(source, place, str(error), item.record.excerpt)
                    continue
                where = source.name if place is None else f"{source.name}:{place}"
                if draft.withdrawn:
                    kind.count(WITHDRAWN, f"{where}: {article.id}")
                    yield article
                    continue
                kind.add(article, draft, where)
                if order is not None and order_of(draft.date)[0] not in (order, None):
                    kind.count("with a date against the order of the others", f"{where}: {draft.date}")
                yield article
        finally:
            kind.notes.update(source.notes)

    def _drafts(self, source: Source, form: Format) -> Iterator[Item]:
        mapped = self._settings.mapped
        for item in form.read(source):
            if isinstance(item, Rejection):
                yield item
            else:
                yield Waiting(Draft(item.fields, mapped, markup=item.markup, pages=item.pages), item)

    def _dates_elsewhere(self, source: Source, form: Format) -> Iterator[object]:
        """The dates of the whole file, and those of its neighbours where a file has one article."""
        if source.path is None:
            return
        articles = 0
        if not form.single:
            for day in self._dates_of(source.path, form):
                articles += 1
                yield day
        if form.single or articles == 1:
            yield from self._dates_beside(source.path, form)

    def _dates_beside(self, path: Path, form: Format) -> list[object]:
        """The dates of files with one article each that lie beside one and are named alike, looked through once."""
        key = path.parent, path.suffix
        if key not in self._beside:
            beside = (other for other in path.parent.iterdir() if other.suffix == path.suffix and other.is_file())
            few = (list(islice(self._dates_of(other, form), 2)) for other in islice(beside, NEIGHBOURS))
            self._beside[key] = [dates[0] for dates in few if len(dates) == 1]
        return self._beside[key]

    def _dates_of(self, path: Path, form: Format) -> Iterator[object]:
        with suppress(OSError, SourceProblem), closing(self._open(Entry(str(path)))) as again:
            for item in form.read(again):
                if not isinstance(item, Rejection):
                    yield Draft(item.fields, self._settings.mapped).date


def read(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | Entry],
    *,
    format: str = AUTO,
    map: Mapping[str, str | list[str]] | None = None,
    set: Mapping[str, str] | None = None,
    encoding: str | None = None,
    dates: str | None = None,
) -> Reading:
    """The articles in ``paths``: files, folders, glob patterns, "-" for standard input; plain, compressed (gzip, zstd,
    bzip2, xz), or in zip and tar archives.

    ``format`` is "auto" or the name of one of ``known_formats()``; auto goes by each file's bytes, then by its name.
    ``map`` names the columns of fields (``{"text": "Artikeltext"}``; several in a list), ``set`` gives a field to all
    articles that have none (``{"source": "Valley Post"}``), ``encoding`` says what encoding the text is in, and
    ``dates`` ("day-first", "month-first") how 05/02/2025 is meant where no value of its file shows it.

    Every path is checked before anything is read: ``SourceError`` for one that is missing, and where none can be read:
    cannot be opened, is of no format that is read, or is a table without a usable header; ``MissingExtraError`` where
    its format needs more installed; ``UsageError`` for an unknown format. Faults of single files among several, of
    those met in folders and archives, and later ones are ``Rejection``s in the place of what could not be read. Memory
    does not grow with the input.

    In folders and archives, files are read whose extension is a known format's (that of ``format``, if given), or none
    at all, or whose bytes are recognised; others are passed over and counted. Of a pattern, every file that matches is
    read. The place of a member is ``archive.zip!/inner/file``. Where an article stood is kept as ``extra["file"]`` and
    ``extra["place"]`` (a line, or words); a date and an outlet in the path are taken for those that it lacks.
    """
    settings = Settings(named_format(format), Mapped.of(map, set), _encoding(encoding), _order(dates))
    return Reading([paths] if isinstance(paths, str | os.PathLike) else paths, settings)


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        info = codecs.lookup(name)
        if info._is_text_encoding:
            return info.name
    except LookupError:
        pass
    raise UsageError(f"no encoding {name!r}; such as utf-8, cp1252, mac_roman, shift_jis")


def _order(name: str | None) -> Order | None:
    try:
        return None if name is None else Order(name)
    except ValueError:
        raise UsageError(f"dates are {' or '.join(Order)}, not {name!r}") from None


def _size(entry: Entry) -> int:
    if entry.data is not None:
        return len(entry.data)
    try:
        return Path(entry.path).stat().st_size
    except OSError:
        return 0
