"""A watch: rounds in which files that have come to rest and feeds that are due are indexed, without end.

A round takes its inputs some at a time. What was read of them is committed first, and noted as seen afterwards:
whatever ends the process in between, the same is read again and the archive skips what it has.
"""

from __future__ import annotations

import io
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from search import ingest
from search.engine.index import index
from search.engine.intake import REJECTIONS_KEPT, REMARKS_KEPT
from search.errors import AddressFailed, ArchiveLocked, MissingExtraError, SourceError, UsageError
from search.ingest.arrivals import Arrival, arrivals, at_rest, no_feed, sorted_out
from search.ingest.fetch import Answer, Client, checked
from search.ingest.paths import Entry
from search.ingest.source import Source
from search.records import AddReport, Article, DeadLetter, Rejection, Round
from search.storage.watched import Feed, Sight, Watched

_T = TypeVar("_T")

if TYPE_CHECKING:
    from search.engine.session import Session

EVERY = 60.0  # seconds from the beginning of a round to the next
PAUSE = 900.0  # seconds at least between two questions to one feed
REST = 2.0  # seconds in which a file must not change
LONGEST = 86_400.0  # seconds that a feed is left alone at most, whatever it says and however often it failed
MARK = "watched"  # the setting that says what a watch has noted last
_AT_ONCE = 200  # files of one commit or more
_ASKED = 8  # feeds that are asked at a time
_TTL = re.compile(rb"<ttl>\s*(\d{1,6})\s*</ttl>", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a watch looks. ``every`` seconds from a round to the next, ``pause`` between two questions to one feed,
    ``rest`` in which a file must not change. Raises UsageError for what makes no sense."""

    every: float = EVERY
    pause: float = PAUSE
    rest: float = REST
    once: bool = False

    def __post_init__(self) -> None:
        for name, most in (("every", LONGEST), ("pause", LONGEST), ("rest", 3600.0)):
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(f"{name} must be 0 to {most:,.0f} seconds, not {getattr(self, name)}").about(name)


@dataclass(slots=True)
class _Input:
    """What is read in a round: a file as it was looked at, or a feed with what it answered. ``rejections`` are of it
    once it is read."""

    name: str
    entry: Entry
    sight: Sight | None = None
    feed: Feed | None = None
    rejections: list[Rejection] = field(default_factory=list)
    summaries: int = 0


class Watcher(Iterator[Round]):
    """The rounds of a watch, one each time that the next is asked for, which waits until it is due. ``stop`` ends it,
    from any thread or a signal: what was read by then is committed, and no further round comes.

    Use it as a context manager, or call ``close``.
    """

    def __init__(
        self,
        session: Session,
        inputs: Sequence[str | os.PathLike[str]],
        rhythm: Rhythm,
        said: Mapping[str, Any],
        batch: int,
        vectors: bool,
        allow_private: bool,
        retry: bool,
    ) -> None:
        self._paths, self._addresses = sorted_out(inputs)
        for address in self._addresses:
            checked(address)
        with closing(ingest.read([], **said)):  # what is said of the inputs makes sense
            pass
        self._session, self._rhythm, self._said = session, rhythm, dict(said)
        self._batch, self._vectors = batch, vectors
        self._client = Client(allow_private=allow_private)
        self._stopped = threading.Event()
        self._number = 0
        self._due = time.monotonic()
        self._seen = _open(session)
        self._remarks: list[str] = []
        known = session.catalog.settings(damaged=True).get(MARK)
        if (void := self._seen.trust(known)) and session.settings.vectors is not None:
            self._remarks.append(f"the archive is not as this watch left it; files and feeds read again: {void:,}")
        self._retried = self._seen.begin(retry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def stop(self) -> None:
        """No further round, and this one ends as soon as it can. Safe to call at any time, and twice."""
        self._stopped.set()
        self._client.abort()

    def close(self) -> None:
        """Stop, and close what is open; the archive stays open."""
        self.stop()
        self._seen.close()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()

    def letters(self) -> tuple[DeadLetter, ...]:
        """All that could not be read, the oldest first."""
        return self._seen.letters()

    def __next__(self) -> Round:
        if self._rhythm.once and self._number:
            raise StopIteration
        if self._stopped.wait(max(self._due - time.monotonic(), 0.0)):
            raise StopIteration
        began = time.monotonic()
        self._due = began + self._rhythm.every
        self._number += 1
        made = self._round()
        return replace(made, seconds=round(time.monotonic() - began, 3))

    def _round(self) -> Round:
        found = _Found()
        arrived, addresses = self._looked(found)
        for some in _some(arrived, _AT_ONCE):
            self._index(some, found)
        for group in _some(self._claimed(addresses), _ASKED):
            self._index(self._asked(group, found), found)
        self._seen.look([*self._paths, *addresses])
        found.remarks += self._remarks
        self._remarks = []
        letters, dropped = self._seen.counted()
        return Round(
            number=self._number,
            files=found.files,
            feeds=found.feeds,
            unchanged=found.unchanged,
            waiting=found.waiting,
            failed=found.failed,
            summaries=found.summaries,
            report=found.report,
            letters=letters,
            dropped=dropped,
            remarks=tuple(found.remarks),
        )

    def _looked(self, found: _Found) -> tuple[list[_Input], list[str]]:
        """The files that are new or others and have come to rest, and all addresses."""
        other: list[Arrival] = []
        addresses = list(self._addresses)
        refused: list[tuple[str, list[Rejection]]] = []
        for one in arrivals(self._paths, self._seen.sight):
            if isinstance(one, list):
                addresses += one
            elif isinstance(one, Rejection):
                refused.append((one.source, [one]))
            else:
                other.append(one)
        if refused:
            found.failed += len(refused)
            self._seen.note(None, [], [], refused)
        if other and self._stopped.wait(self._rhythm.rest):
            return [], []
        resting = [one for one in other if at_rest(one)]
        found.waiting = len(other) - len(resting)
        for path in self._paths:
            if gone := self._seen.forget_gone(os.path.abspath(path)):  # noqa: PTH100
                found.remarks.append(f"dead letters of files that are gone: {gone:,}, forgotten")
        inputs = [_Input(one.key, one.entry, Sight(one.size, one.changed)) for one in resting]
        return inputs, list(dict.fromkeys(addresses))

    def _claimed(self, addresses: Sequence[str]) -> Iterator[Feed]:
        """The feeds that are due. Another watch that has them too leaves them alone from then on."""
        for address in addresses:
            if self._stopped.is_set():
                return
            now = time.time()
            if (feed := self._seen.claim(address, now, now + self._rhythm.pause)) is not None:
                yield feed

    def _asked(self, feeds: Sequence[Feed], found: _Found) -> list[_Input]:
        """Ask some feeds at once, those of one host one after the other. Those with news are to be indexed."""
        hosts: dict[str, list[Feed]] = {}
        for feed in feeds:
            hosts.setdefault(_host(feed.moved or feed.address), []).append(feed)
        with ThreadPoolExecutor(len(hosts), "broadsheet-feeds") as pool:
            answers = [one for some in pool.map(self._of_host, hosts.values()) for one in some]
        inputs: list[_Input] = []
        for feed, answer in answers:
            if isinstance(answer, Answer) and answer.changed:
                after = _after(feed, answer, self._rhythm.pause)
                entry = Entry(feed.address, data=answer.body)
                why = no_feed(answer.body, Source(feed.address, io.BytesIO(answer.body)))
                if why is None or self._said.get("format", "auto") != "auto":
                    inputs.append(_Input(feed.address, entry, feed=after))
                    continue
                answer = AddressFailed(f"{feed.address}: {why}")
            if isinstance(answer, Answer):
                found.unchanged += 1
                self._seen.note(None, [], [_after(feed, answer, self._rhythm.pause, feed)], [])
            elif not self._stopped.is_set():
                self._failed(feed, answer, found)
        return inputs

    def _of_host(self, feeds: Sequence[Feed]) -> list[tuple[Feed, Answer | AddressFailed]]:
        found: list[tuple[Feed, Answer | AddressFailed]] = []
        for feed in feeds:
            if found and self._stopped.wait(min(1.0, self._rhythm.pause)):
                break
            try:
                found.append((feed, self._client.get(feed.moved or feed.address, feed.etag, feed.modified)))
            except AddressFailed as error:
                found.append((feed, error))
        return found

    def _failed(self, feed: Feed, error: AddressFailed, found: _Found) -> None:
        """A feed that gave nothing is asked later and later; one that has gone for good, no more."""
        found.failed += 1
        failures = feed.failures + 1
        wait = min(max(self._rhythm.pause * 2 ** min(failures, 10), error.wait), LONGEST)
        why = str(error).removeprefix(f"{feed.address}: ")
        after = replace(feed, failures=failures, due=time.time() + wait, gone=error.gone, problem=why)
        if feed.moved and not error.gone:  # perhaps it was no move for good
            after = replace(after, moved="")
        letter = Rejection(source=feed.address, line=None, reason=why)
        self._seen.note(None, [], [after], [(feed.address, [letter])])
        then = "it is not asked again" if error.gone else f"asked again in {wait:,.0f} s at the earliest"
        found.remarks.append(f"{feed.address}: {why}; {then}")

    def _index(self, inputs: Sequence[_Input], found: _Found) -> None:
        """Read and commit some inputs, then note them as seen."""
        done: list[_Input] = []
        if not inputs or self._stopped.is_set():
            return
        found.take(index(self._session, self._items(inputs, done), self._batch, self._vectors))
        if not done:
            return
        token = os.urandom(16).hex()
        files = [(one.name, one.sight) for one in done if one.sight is not None]
        feeds = [one.feed for one in done if one.feed is not None]
        self._seen.note(token, files, feeds, [(one.name, one.rejections) for one in done])
        with suppress(ArchiveLocked), self._session.writing() as writer:  # else it is read again by the next run
            writer.catalog.note(MARK, token)
        found.files += len(files)
        found.feeds += len(feeds)
        found.failed += sum(bool(one.rejections) for one in done)
        found.summaries += sum(one.summaries for one in done)
        found.remarks += [f"{one.name}: {one.rejections[0].reason}" for one in done if one.rejections][:5]

    def _items(self, inputs: Sequence[_Input], done: list[_Input]) -> Iterator[Article | Rejection]:
        """What the inputs hold; those that were read to their end are ``done``."""
        for one in inputs:
            try:
                with closing(ingest.read([one.entry], **self._said)) as reading:
                    for item in reading:
                        if self._stopped.is_set():
                            return
                        if isinstance(item, Rejection):
                            one.rejections.append(item)
                        yield item
                    one.summaries = sum(kind.summaries for kind in reading.report.kinds.values())
            except (SourceError, MissingExtraError) as error:
                rejection = Rejection(source=one.name, line=None, reason=str(error).removeprefix(f"{one.name}: "))
                one.rejections.append(rejection)
                yield rejection
            done.append(one)


@dataclass(slots=True)
class _Found:
    """What a round has done so far."""

    files: int = 0
    feeds: int = 0
    unchanged: int = 0
    waiting: int = 0
    failed: int = 0
    summaries: int = 0
    report: AddReport = field(default_factory=AddReport)
    remarks: list[str] = field(default_factory=list)

    def take(self, report: AddReport) -> None:
        """One more of its commits."""
        before = self.report
        counts = {
            one.name: getattr(before, one.name) + getattr(report, one.name)
            for one in fields(AddReport)
            if one.name not in ("rejections", "remarks", "languages")
        }
        languages = Counter(before.languages) + Counter(report.languages)
        rejections = (*before.rejections, *report.rejections)[:REJECTIONS_KEPT]
        remarks = (*before.remarks, *report.remarks)[:REMARKS_KEPT]
        self.report = AddReport(**counts, rejections=rejections, remarks=remarks, languages=languages)


def _some(items: Iterable[_T], count: int) -> Iterator[list[_T]]:
    """So many at a time."""
    every = iter(items)
    while some := list(islice(every, count)):
        yield some


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:  # no address: that is said when it is asked
        return ""


def letters(session: Session) -> tuple[DeadLetter, ...]:
    """What the watches of an archive could not read."""
    seen = Watched.open(session.path, create=False)
    if seen is None:
        return ()
    with closing(seen):
        return seen.letters()


def _open(session: Session) -> Watched:
    seen = Watched.open(session.path)
    assert seen is not None
    return seen


def _after(feed: Feed, answer: Answer, pause: float, before: Feed | None = None) -> Feed:
    """A feed once it has answered: when it is due, and what goes with the next question."""
    now = time.time()
    ttl = _TTL.search(answer.body[: 1 << 16])
    wait = max(pause, answer.wait, 60.0 * int(ttl[1]) if ttl is not None else 0.0)
    wait = min(wait, LONGEST) * random.uniform(1.0, 1.02)  # noqa: S311  many watches do not ask at one instant
    return Feed(
        address=feed.address,
        moved=answer.moved or feed.moved,
        etag=answer.etag if before is None else before.etag,
        modified=answer.modified if before is None else before.modified,
        due=now + wait,
        seen=now,
    )
