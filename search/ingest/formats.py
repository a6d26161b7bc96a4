"""The contract of a format, and which format an input has.

A format is a ``Format``: a new one (HTML, a feed, WARC, ...) is one more module and one more entry in ``FORMATS``. What
cannot become an article is yielded as a ``Rejection``; the only exception that may leave ``read`` is ``SourceProblem``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from search.errors import UsageError
from search.ingest import json_lines, json_values, plain, table
from search.ingest.decode import head_text
from search.ingest.source import Source
from search.records import Article, Rejection

AUTO = "auto"
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


class Format(Protocol):
    """One format; a module with these members is one."""

    NAME: str
    EXTENSIONS: tuple[str, ...]

    def recognises(self, head: str) -> bool:
        """Whether an input that begins like this is surely of this format."""

    def fault(self, head: str) -> str | None:
        """Why an input that begins like this cannot be read at all, or None."""

    def read(self, source: Source) -> Iterator[Article | Rejection]:
        """The articles in order, with a rejection in the place of each that cannot be read."""


JSON_LINES: Format = json_lines
JSON_VALUES: Format = json_values
TABLE: Format = table
PLAIN: Format = plain
# Tried in this order where the content decides; plain text takes what nothing else recognises.
FORMATS: dict[str, Format] = {form.NAME: form for form in (JSON_LINES, JSON_VALUES, TABLE, PLAIN)}
_BY_EXTENSION = {extension: form for form in FORMATS.values() for extension in form.EXTENSIONS}


def named_format(name: str) -> Format | None:
    """The format of this name, None for "auto". Raises ``UsageError`` for any other."""
    if name == AUTO:
        return None
    form = FORMATS.get(name)
    if form is None:
        raise UsageError(f"no format {name!r}; there are {AUTO}, {', '.join(sorted(FORMATS))}")
    return form


def by_extension(name: str) -> tuple[str, Format | None]:
    """The extension of a file name without that of its compression, and the format that has it."""
    name = name.lower()
    for compressed in COMPRESSED:
        name = name.removesuffix(compressed)
    dot = name.rfind(".")
    extension = name[dot:] if dot > max(name.rfind("/"), name.rfind("\\")) + 1 else ""
    return extension, _BY_EXTENSION.get(extension)


def detect_format(source: Source) -> Format:
    """By extension, else by content. JSON and JSON lines trade names too often for the extension to decide alone."""
    head = head_text(source)
    _, named = by_extension(source.name)
    if named is JSON_LINES and head.lstrip().startswith("[") and JSON_VALUES.recognises(head):
        return JSON_VALUES
    if named is JSON_VALUES and JSON_LINES.recognises(head):
        return JSON_LINES
    if named is not None:
        return named
    return next((form for form in FORMATS.values() if form.recognises(head)), PLAIN)
