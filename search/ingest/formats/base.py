"""The door: what a format is, and what it gives.

A format is a ``Format``: a name, the functions that recognise and read it, and what it needs installed. To add one,
write a module with a ``FORMAT`` and name it in ``formats.BUILT_IN``; or, in a package of your own, an entry point:

    [project.entry-points."broadsheet.formats"]
    myformat = "mypackage.myformat:FORMAT"

``recognises(head)`` answers from the first bytes alone (magic numbers, structure), True only where it is sure; names of
files count afterwards, for what no format recognises. ``read(source)`` goes through the source once, in memory that
does not grow with it, and yields a ``Record`` for each article and a ``Rejection`` in the place of each that cannot be
read. Fields go by any name that ``fields.ALIASES`` knows; the others are kept in ``extra``. The only exception that may
leave ``read`` is ``SourceProblem``: reading broke off, what came before stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

from search.errors import MissingExtraError
from search.ingest.decode import EXCERPT
from search.ingest.source import Head, Source
from search.records import Rejection


class Record(NamedTuple):
    """One article as its source has it.

    ``place`` is where it stood: a line number, or words ("page 3"). ``excerpt`` is its start as it stands there, shown
    when it is rejected. ``markup``: its strings may still hold HTML tags and entities, which are then taken out.
    ``pages`` are what the pages of its text are called, which form feeds part there.
    """

    fields: Mapping[str, Any]
    place: int | str | None = None
    excerpt: str = ""
    markup: bool = True
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format. ``name`` is what ``--format`` takes, ``title`` what people call it.

    ``extensions`` are lower case, with their dots. ``needs`` are the modules that ``read`` imports and ``extra`` the
    extra of this package that brings them. ``fault`` tells from the head of a source why a file that a person named as
    of this format cannot be read at all. ``single``: each file is one article. ``named`` answers from a whole path, for
    files that no mark in their bytes tells.
    """

    name: str
    title: str
    recognises: Callable[[Head], bool]
    read: Callable[[Source], Iterator[Record | Rejection]]
    extensions: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    extra: str | None = None
    fault: Callable[[Source], str | None] = lambda source: None
    single: bool = False
    named: Callable[[str], bool] = lambda name: False

    def missing(self) -> MissingExtraError | None:
        """The error that says what to install, or None if ``read`` can run."""
        for module in self.needs:
            if find_spec(module.partition(".")[0]) is None:
                return MissingExtraError(module, self.extra or "formats")
        return None


def rejected(source: Source, place: int | str | None, reason: str, record: str = "") -> Rejection:
    """What cannot be read of a source, and why: ``place`` is a line, or words ("document 7"); ``record`` its start."""
    name = f"{source.name}, {place}" if isinstance(place, str) else source.name
    return Rejection(
        source=name, line=None if isinstance(place, str) else place, reason=reason, record=record[:EXCERPT]
    )
