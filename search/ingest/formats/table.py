"""CSV and TSV: a header that names the columns, then one article a row.

Programs write tables in many ways, so that the head of a file decides: the line that names most fields is the header
(lines above it are left out and told), and of the dialects (delimiter, quotation marks doubled or behind a backslash,
or none at all) the one under which most rows fit it. A row that does not is read in the other ways before it is
rejected.
"""

from __future__ import annotations

import csv
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from search.ingest.aliases import ALIASES, bare_name, fields_of, place_of
from search.ingest.decode import EXCERPT, RECORD_LIMIT, Line, TextStream
from search.ingest.formats.base import Format, Record
from search.ingest.formats.foreign import kind_of
from search.ingest.formats.json_lines import TOO_LONG
from search.ingest.source import HEAD, Head, Source, SourceProblem
from search.records import Rejection

_DELIMITERS = (",", "\t", ";", "|", "\x01", "\x1f", "^", "~")
_SEPARATOR_LINE = re.compile(r"sep=(.)\Z", re.IGNORECASE)  # a first line as Excel writes it
_RETRY_LINES = 100  # of a row that is no row, the lines after the first are read again, up to this many
_ABOVE = 20  # lines that may stand above the header
_TRIED = 200  # rows on which dialects are tried
_NEEDED = ("title", "text")


_DOUBLED = re.compile(r'"{2}')  # left in a cell where quotation marks are no longer told from those around it
_QUOTED_CELL = re.compile(r'(?:\A|[,;\t|])"(?:[^"]|"")*"(?:\Z|[,;\t|])')
_SPACED_CELL = re.compile(r'[,;\t|] +"')


class Dialect(NamedTuple):
    """How a table is written: quotation marks inside a cell are doubled, or stand behind a backslash, or, without
    ``quoted``, mean nothing. ``spaced``: a space follows the sign between cells."""

    delimiter: str
    doubled: bool = True
    quoted: bool = True
    mark: str = '"'
    spaced: bool = False

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The rows of ``lines``; strict, for a quotation mark out of place would move the rest into other columns."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.mark,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            doublequote=self.doubled,
            escapechar=None if self.doubled or not self.quoted else "\\",
            strict=self.quoted,
            skipinitialspace=self.spaced,
        )


class Layout(NamedTuple):
    """The columns of a table, its dialect, and the lines above its header. ``rows_named``: each row begins with a name
    of its own that the header leaves out, as R writes it."""

    names: list[str]
    dialect: Dialect
    above: int
    rows_named: bool = False


def recognises(head: Head) -> bool:
    """A line at the start names the text or title and another field, and a row of the same shape follows or nothing."""
    if kind_of(head) is not None:  # the columns of a database, in bytes
        return False
    layout = _layout(head.text, whole=len(head) < HEAD)
    fields = fields_of(layout.names)
    if len(fields) < 2 or fields.isdisjoint(_NEEDED):
        return False
    rest = _lines(head.text)[layout.above + 1 :]
    return not rest or any(layout.dialect.delimiter in line for line in rest[:_ABOVE])


def fault(source: Source) -> str | None:
    """Why there is no usable header, with the columns found and those needed."""
    head = source.head
    if not head.text.strip():
        return None
    return header_fault(_layout(head.text, whole=source.complete, mapped=source.mapped).names, source.mapped)


def header_fault(
    names: list[str], mapped: frozenset[str], lacking: str = "no line at the start has a column"
) -> str | None:
    """Why columns of these names make no articles; None where they do."""
    if not fields_of(names).isdisjoint(_NEEDED) or not mapped.isdisjoint(map(bare_name, names)):
        return None
    found = ", ".join(f'"{name[:40]}"' for name in names[:12]) + (", ..." if len(names) > 12 else "")
    needed = ", ".join(alias for field in _NEEDED for alias in ALIASES[field][:4])
    return (
        f"{lacking} for a title or a text: found {found or 'nothing'}; "
        f"known are {needed} and others, --map title=NAME names another"
    )


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record or a rejection for each row. A row may be shorter than the header, not longer."""
    rows = _Rows(TextStream(source))
    start, complete = rows.ahead(_TRIED)
    if not start:
        return
    text = "\n".join(start)
    layout = _layout(text, whole=complete, mapped=source.mapped)
    if len(layout.names) == 1 and _by_tabs(source.name):
        layout = layout._replace(dialect=layout.dialect._replace(delimiter="\t"))
    if (reason := header_fault(layout.names, source.mapped)) is not None:
        yield Rejection(source=source.name, line=rows.number, reason=reason, record=start[0][:EXCERPT])
        return
    skipped = rows.drop(layout.above)
    if skipped:
        source.note("lines above the header left out", skipped)
    names = distinct(["row", *layout.names] if layout.rows_named else layout.names)
    others = _other_ways(layout.dialect)
    with _long_fields():
        for row, line, reason in rows.parsed(layout.dialect):
            if reason is None:
                reason = _misfit(row, names, whole=rows.suspect)
            if reason is not None and (mended := _mended(rows.first, names, others)) is not None:
                rows.only_the_first()
                row, reason = mended, None
            else:
                rows.again_after(reason)
            if reason is not None:
                yield Rejection(source=source.name, line=line, reason=reason, record=rows.excerpt())
                continue
            if row == layout.names:  # of another table, behind the first
                source.note("headers repeated among the rows left out")
                continue
            # An empty cell is no value, also in a column of unknown name.
            cells = {name: value for name, value in zip(names, row, strict=False) if value.strip()}
            yield Record(cells, line, rows.excerpt())


def _misfit(row: list[str], names: list[str], *, whole: bool) -> str | None:
    """Why a row is none of this table; blank cells too many are taken off. Cells too few at its end are left out, as
    spreadsheets do, but not all of them but one, and not (``whole``) where it may be the end of a broken row."""
    while len(row) > len(names) and not row[-1].strip():
        row.pop()
    if len(row) > len(names) or (len(row) < len(names) and (whole or (len(row) == 1 and len(names) > 2))):
        return f"the row has {len(row)} field{'s' if len(row) > 1 else ''} where the header has {len(names)}"
    return None


def _other_ways(dialect: Dialect) -> tuple[Dialect, ...]:
    ways = (dialect._replace(doubled=not dialect.doubled, quoted=True), dialect._replace(doubled=True, quoted=False))
    return tuple(way for way in ways if way != dialect)


def _mended(line: str, names: list[str], ways: tuple[Dialect, ...]) -> list[str] | None:
    """A row of one line that is none in the table's dialect, in the first that makes exactly its columns of it."""
    for way in ways:
        if not way.doubled and '\\"' not in line:
            continue
        try:
            (row,) = way.reader([line])
        except (csv.Error, ValueError):
            continue
        # A cell that opens with a quotation mark and never closes it goes on in the next line.
        if len(row) == len(names) and not any(cell.startswith('"') and cell.count('"') % 2 for cell in row):
            return row
    return None


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _layout(text: str, *, whole: bool, mapped: frozenset[str] = frozenset()) -> Layout:
    """The layout of a table that begins so. Where no line names a field, the first is the header."""
    lines = _lines(text)[: _TRIED + 1]
    if not whole and len(lines) > 2:
        lines.pop()  # it may be cut
    candidates: tuple[str, ...] = _DELIMITERS
    shift = 0
    if lines and (separator := _SEPARATOR_LINE.match(lines[0])):
        candidates, shift = (separator[1],), 1
    best: tuple[tuple[int, int, int], Layout] | None = None
    for place, line in enumerate(lines[shift : shift + _ABOVE], shift):
        for delimiter in candidates:
            if delimiter not in line and best is not None:
                continue
            mark = "'" if line.startswith("'") and line.endswith("'") else '"'
            names = _names(line, delimiter, mark)
            fields = fields_of(names) | {"mapped" for name in names if bare_name(name) in mapped}
            enough = len(fields) > 1 and not fields.isdisjoint((*_NEEDED, "mapped"))
            # Of lines that name enough fields the first; else the first line at all.
            rank = (enough, (len(fields) if enough or place == shift else 0), len(names) if place == shift else 0)
            if best is None or rank > best[0]:
                best = rank, Layout(names, Dialect(delimiter, mark=mark), place)
        if best is not None and best[0][0]:
            break
    if best is None:
        return Layout([], Dialect(","), 0)
    return _dialect(best[1], lines[best[1].above + 1 :])


def _names(line: str, delimiter: str, mark: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter, quotechar=mark), [])]
    except (csv.Error, TypeError, ValueError):  # a field too long, a delimiter that cannot be one
        return []


def _dialect(layout: Layout, lines: list[str]) -> Layout:
    """The layout with the dialect under which most of these rows fit its columns."""
    width = len(layout.names)
    best, fit = layout, -1
    ways = ((True, True, False), (True, True, True), (False, True, False), (True, False, False))
    for doubled, quoted, spaced in ways:
        dialect = layout.dialect._replace(doubled=doubled, quoted=quoted, spaced=spaced)
        if spaced and not any(_SPACED_CELL.search(line) for line in lines):
            continue
        if not doubled and not any('\\"' in line for line in lines):
            continue
        if not quoted and any(_QUOTED_CELL.search(line) for line in lines):
            continue
        widths = _widths(dialect, lines)
        fits = sum(size == width for size in widths)
        if fits > fit and (fit < 0 or 2 * fits >= len(widths)):
            named = width > 1 and fits == 0 and len(widths) > 0 and all(size == width + 1 for size in widths)
            named = named and _rows_named(layout.names, dialect, lines)
            best, fit = layout._replace(dialect=dialect, rows_named=named), fits
    return best


def _rows_named(names: list[str], dialect: Dialect, lines: list[str]) -> bool:
    """Whether rows that all have a cell too many begin with a name of their own, rather than end with an empty cell,
    or have a text in which the sign between cells stands."""
    rows: list[list[str]] = []
    with suppress(csv.Error, ValueError):
        for row in dialect.reader(line + "\n" for line in lines):
            rows.append(row)
    rows = [row for row in rows if len(row) > 1]
    first = {row[0] for row in rows}
    if len(first) < len(rows) or any(not row[-1].strip() or row[-1][0] == " " for row in rows):
        return False
    place = place_of(names[0])
    # Under an id, the first cells are the ids unless the second ones are.
    return place is None or place[0] != "id" or not any(" " in row[1] for row in rows)


def _widths(dialect: Dialect, lines: list[str]) -> list[int]:
    """How many fields each row has; a line at which the reader gives up counts as none."""
    widths: list[int] = []
    place = 0
    while place < len(lines) and len(widths) < _TRIED:
        reader = dialect.reader([line + "\n" for line in lines[place:]])
        try:
            for row in reader:
                doubled = not dialect.doubled and any(_DOUBLED.search(cell) for cell in row)
                widths.append(0 if doubled else len(row))
            break
        except (csv.Error, ValueError):
            widths.append(0)
            place += max(1, len(widths) if not dialect.quoted else 1)
    return widths


def _by_tabs(name: str) -> bool:
    """Whether the file's name says that tabs part its columns."""
    return re.search(r"\.(?:tsv|tab)(?:\.[a-z]+)?\Z", name, re.IGNORECASE) is not None


def distinct(names: list[str]) -> list[str]:
    """Every column a name of its own."""
    taken: set[str] = set()
    counts: dict[str, int] = {}  # where to go on for a name that comes many times
    result: list[str] = []
    for number, name in enumerate(names, 1):
        base = name or f"column {number}"
        unused, count = base, counts.get(base, 1)
        while unused in taken:
            count += 1
            unused = f"{base} {count}"
        counts[base] = count
        taken.add(unused)
        result.append(unused)
    return result


class _Overlong(Exception):
    pass


class _Rows:
    """Lines for a ``csv.reader``, which remembers those of the row at hand so that they can be read again."""

    def __init__(self, stream: TextStream) -> None:
        self._lines = (line for line in stream.lines())
        self._waiting: deque[Line] = deque()
        self._row: list[Line] = []
        self._size = 0
        self._problem: SourceProblem | None = None
        self._suspect = 0  # up to this line, what is read may be the end of a row that was none

    def ahead(self, count: int) -> tuple[list[str], bool]:
        """The first lines that are not blank, which stay to be read; and whether they are all there is."""
        found: list[str] = []
        size = 0
        try:
            for line in self._lines:
                self._waiting.append(line)
                if line.overlong or line.text.strip():
                    found.append(line.text)
                    size += len(line.text)
                    if len(found) > count or size > HEAD:
                        return found, False
        except SourceProblem as problem:  # told where it comes, behind the rows before it
            self._problem = problem
        return found, True

    @property
    def number(self) -> int:
        """The number of the next line that is not blank."""
        return next(line.number for line in self._waiting if line.overlong or line.text.strip())

    def drop(self, above: int) -> int:
        """Leave out the header and ``above`` lines before it; how many of these are no "sep=" line."""
        told = 0
        for left in range(above, -1, -1):
            while not (line := self._waiting.popleft()).text.strip() and not line.overlong:
                pass
            told += left > 0 and _SEPARATOR_LINE.match(line.text) is None
        return told

    @property
    def first(self) -> str:
        """The first line of the row at hand."""
        return self._row[0].text + "\n"

    @property
    def suspect(self) -> bool:
        """Whether the row at hand was read before as a part of another, which was none."""
        return self._row[0].number <= self._suspect

    def only_the_first(self) -> None:
        """The row at hand is its first line; what was read behind it is read again."""
        self._waiting.extendleft(reversed(self._row[1:]))
        del self._row[1:]

    def again_after(self, reason: str | None) -> None:
        """Read the lines behind the first of a row that is none again."""
        if reason is not None and reason is not TOO_LONG and 1 < len(self._row) <= _RETRY_LINES:
            self._suspect = self._row[-1].number
            self._waiting.extendleft(reversed(self._row[1:]))

    def excerpt(self) -> str:
        """The start of the row at hand, as it stands in the file."""
        text = ""
        for line in self._row:
            text += line.text + "\n"
            if len(text) > EXCERPT:
                break
        return text[:EXCERPT].removesuffix("\n")

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> str:
        if not self._waiting and self._problem is not None:
            raise self._problem
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self._row.append(line)
        self._size += len(line.text)
        if line.overlong or self._size > RECORD_LIMIT:
            raise _Overlong
        return line.text + "\n"

    def parsed(self, dialect: Dialect) -> Iterator[tuple[list[str], int, str | None]]:
        """Each row with the number of its first line, and why it is none."""
        reader = dialect.reader(self)
        while True:
            self._row.clear()
            self._size = 0
            row: list[str] = []
            reason: str | None = None
            try:
                row = next(reader)
            except StopIteration:
                return
            except _Overlong:
                reason = TOO_LONG
            except csv.Error as error:
                reason = f"not a CSV row: {error}"
            if reason is None and not row:
                continue  # a blank line
            yield row, self._row[0].number, reason
            if reason is not None:
                reader = dialect.reader(self)  # without what it holds of the row that is none


_limit_lock = threading.Lock()
_limit_users = 0
_limit_before = 0


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module has one limit for a process: raised while tables are read, put back after the last."""
    global _limit_users, _limit_before
    with _limit_lock:
        if _limit_users == 0:
            _limit_before = csv.field_size_limit()
            csv.field_size_limit(max(_limit_before, 2 * RECORD_LIMIT))
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if _limit_users == 0:
                csv.field_size_limit(_limit_before)


FORMAT = Format(
    name="csv",
    title="CSV or TSV",
    recognises=recognises,
    read=read,
    extensions=(".csv", ".tsv", ".tab"),
    fault=fault,
)
