"""What there is to be watched: files in folders as they appear and change, and lists of feeds."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from search.errors import SourceError, UsageError
from search.ingest.containers import PassedOver
from search.ingest.formats import recognised
from search.ingest.paths import STDIN, Entry, expand, reason_of, shown, walk
from search.ingest.source import Head, Source
from search.records import Rejection

MOST_FEEDS = 10_000  # of one list
_LIST = 4 << 20  # bytes of a list of feeds
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")  # as programs write them
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
_OUTLINE = re.compile(r"<outline\b[^>]*?\bxmlUrl\s*=\s*(\"[^\"]*\"|'[^']*')", re.I | re.S)
_LINK = re.compile(r"<link\b[^>]*>", re.I)
_PAGES = ("html", "text")


class Arrival(NamedTuple):
    """A file that is new, or other than it was: its bytes, and when it last changed, in nanoseconds."""

    entry: Entry
    size: int
    changed: int

    @property
    def key(self) -> str:
        """Its path as it is remembered: absolute, and text whatever its bytes are."""
        return key_of(self.entry.path)


def key_of(path: str) -> str:
    """A path as it is remembered."""
    return os.path.abspath(path).encode("utf-8", "backslashreplace").decode()  # noqa: PTH100  not resolved


def is_address(given: str) -> bool:
    """Whether an input is an address, not a path."""
    return _ADDRESS.match(given) is not None


def sorted_out(inputs: Sequence[str | os.PathLike[str]]) -> tuple[list[str], list[str]]:
    """The paths and the addresses of a call. Raises UsageError for what cannot be watched, SourceError for a path that
    is not there."""
    if not inputs:
        raise UsageError("give the folders, files or feeds to watch")
    given = [os.fspath(one) for one in inputs]
    if STDIN in given:
        raise UsageError("standard input cannot be watched; index reads it")
    paths = [one for one in given if not is_address(one)]
    expand(paths)
    return paths, [one for one in given if is_address(one)]


def arrivals(
    paths: Sequence[str], known: Callable[[str], tuple[int, int] | None]
) -> Iterator[Arrival | Rejection | list[str]]:
    """The files of some paths that are not as they are ``known`` to be, what could not be looked at, and the addresses
    of each list of feeds among the paths."""
    for path in paths:
        try:
            entries = expand([path])
        except SourceError as error:
            yield Rejection(source=shown(path), line=None, reason=str(error).removeprefix(f"{shown(path)}: "))
            continue
        for entry in entries:
            if not entry.folder:
                if (feeds := subscriptions(entry.path)) is not None:
                    yield feeds
                else:
                    yield from _other(entry, known)
                continue
            for met in walk(entry.path):
                if isinstance(met, Rejection):
                    yield met
                elif not isinstance(met, PassedOver) and not met.path.endswith(_UNFINISHED):
                    yield from _other(Entry(met.path, met=True), known)


def at_rest(arrival: Arrival) -> bool:
    """Whether a file is as it was at the look before."""
    return [*_other(arrival.entry, lambda _: None)] == [arrival]


def _other(entry: Entry, known: Callable[[str], tuple[int, int] | None]) -> Iterator[Arrival | Rejection]:
    try:
        status = Path(entry.path).stat()
    except FileNotFoundError:  # it went as it was looked at
        return
    except OSError as error:
        yield Rejection(source=entry.name, line=None, reason=reason_of(error))
        return
    arrival = Arrival(entry, status.st_size, status.st_mtime_ns)
    if known(arrival.key) != arrival[1:]:
        yield arrival


def subscriptions(path: str) -> list[str] | None:
    """The addresses in a list of feeds: OPML, or a line each, blank ones and comments (#) aside; None for another
    file."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LIST).decode("utf-8-sig", "replace")
    except OSError:
        return None
    if re.search(r"<opml\b", text[:20_000], re.I):
        found = [html.unescape(one[1:-1]).strip() for one in _OUTLINE.findall(text)]
    else:
        lines = [line.strip() for line in text.splitlines()]
        found = [line for line in lines if line and not line.startswith("#")]
        if not found or not all(re.fullmatch(r"https?://\S+", line, re.I) for line in found):
            return None
    return list(dict.fromkeys(found))[:MOST_FEEDS]


def no_feed(body: bytes, source: Source) -> str | None:
    """Why what an address gave is nothing to be indexed: a page, say; None where it is. Pages name their feeds."""
    form = recognised(source.head)
    if form is not None and form.name not in _PAGES and not form.single:
        return None
    if form is None and source.packed:
        return None
    if form is None or form.name != "html":
        return "no feed, and nothing else that is read from an address" if body else "an empty answer"
    feeds = [
        html.unescape(address[2])
        for link in _LINK.findall(Head(body[: 1 << 18]).text)
        if re.search(r"application/(?:rss|atom|feed)\+(?:xml|json)", link, re.I)
        and (address := re.search(r"\bhref\s*=\s*(['\"])(.*?)\1", link, re.I)) is not None
    ]
    named = f"; its feeds are {', '.join(one[:200] for one in feeds[:3])}" if feeds else ""
    return f"a web page and no feed{named}"
