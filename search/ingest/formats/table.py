"""CSV and TSV: a header that names the columns, then one article a row."""

from __future__ import annotations

import csv
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from search.ingest.decode import EXCERPT, RECORD_LIMIT, Line, TextStream
from search.ingest.fields import ALIASES, place_of
from search.ingest.formats.base import Format, Record
from search.ingest.formats.json_lines import TOO_LONG
from search.ingest.source import Head, Source
from search.records import Rejection

_DELIMITERS = (",", "\t", ";", "|")
_SEPARATOR_LINE = re.compile(r"sep=(.)\Z", re.IGNORECASE)  # a first line as Excel writes it
_RETRY_LINES = 100  # of a row that is no row, the lines after the first are read again, up to this many
_NEEDED = ("title", "text")


def recognises(head: Head) -> bool:
    """The first line names the text or title and another field."""
    _, names = _header(head.text)
    fields = _fields(names)
    return len(fields) > 1 and not fields.isdisjoint(_NEEDED)


def fault(head: Head) -> str | None:
    """Why there is no usable header, with the columns found and those needed."""
    return _fault(head.text) if head.text.strip() else None


def _fault(head: str) -> str | None:
    _, names = _header(head)
    if not _fields(names).isdisjoint(_NEEDED):
        return None
    found = ", ".join(f'"{name[:40]}"' for name in names[:12]) + (", ..." if len(names) > 12 else "")
    needed = ", ".join(alias for field in _NEEDED for alias in ALIASES[field])
    return f"the first line has no column for a title or a text: found {found or 'nothing'}; needed one of {needed}"


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record or a rejection for each row. A row must have as many fields as the header."""
    rows = _Rows(TextStream(source))
    first = rows.peek()
    if first is None:
        return
    if _SEPARATOR_LINE.match(first.text):
        rows.drop()
        second = rows.peek()
        head = first.text + "\n" + (second.text if second is not None else "")
    else:
        head = first.text
    if (reason := _fault(head)) is not None:
        yield Rejection(source=source.name, line=first.number, reason=reason, record=first.text[:EXCERPT])
        return
    delimiter, names = _header(head)
    if len(names) == 1 and _by_tabs(source.name):
        delimiter = "\t"
    rows.drop()
    names = _distinct(names)
    with _long_fields():
        for row, line, reason in rows.parsed(delimiter):
            if reason is None:
                while len(row) > len(names) and not row[-1].strip():
                    row.pop()
                if len(row) != len(names):
                    reason = f"the row has {len(row)} fields where the header has {len(names)}"
            if reason is not None:
                yield Rejection(source=source.name, line=line, reason=reason, record=rows.excerpt())
                continue
            # An empty cell is no value, also in a column of unknown name.
            cells = {name: value for name, value in zip(names, row, strict=True) if value.strip()}
            yield Record(cells, line, rows.excerpt())


def _by_tabs(name: str) -> bool:
    """Whether the file's name says that tabs part its columns."""
    return re.search(r"\.(?:tsv|tab)(?:\.[a-z]+)?\Z", name, re.IGNORECASE) is not None


def _header(head: str) -> tuple[str, list[str]]:
    """The delimiter under which the first line names most fields (else makes most columns), and its columns."""
    first, _, rest = head.lstrip("\n").partition("\n")
    candidates: tuple[str, ...] = _DELIMITERS
    if separator := _SEPARATOR_LINE.match(first):
        candidates, first = (separator[1],), rest.partition("\n")[0]
    best: tuple[str, list[str]] = candidates[0], []
    for delimiter in candidates:
        try:
            names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        except (csv.Error, TypeError, ValueError):  # a field too long, a delimiter that cannot be one
            continue
        if (len(_fields(names)), len(names)) > (len(_fields(best[1])), len(best[1])):
            best = delimiter, names
    return best


def _fields(names: list[str]) -> set[str]:
    return {place[0] for name in names if (place := place_of(name)) is not None}


def _distinct(names: list[str]) -> list[str]:
    """Every column a name of its own."""
    taken: set[str] = set()
    result: list[str] = []
    for number, name in enumerate(names, 1):
        base = name or f"column {number}"
        unused, count = base, 1
        while unused in taken:
            count += 1
            unused = f"{base} {count}"
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

    def peek(self) -> Line | None:
        """The next line that is not blank."""
        for line in self._lines:
            if line.overlong or line.text.strip():
                self._waiting.append(line)
                return line
        return None

    def drop(self) -> None:
        """Leave out the next line."""
        self._waiting.popleft()

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
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self._row.append(line)
        self._size += len(line.text)
        if line.overlong or self._size > RECORD_LIMIT:
            raise _Overlong
        return line.text + "\n"

    def parsed(self, delimiter: str) -> Iterator[tuple[list[str], int, str | None]]:
        """Each row with the number of its first line, and why it is none."""
        # Strict: a quotation mark out of place would otherwise move what follows into other columns.
        reader = csv.reader(self, delimiter=delimiter, strict=True)
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
            if reason is not None and reason is not TOO_LONG and len(self._row) <= _RETRY_LINES:
                self._waiting.extendleft(reversed(self._row[1:]))


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
