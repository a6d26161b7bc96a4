"""What a watch did in one round, and what it could not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from search.records.reports import AddReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something that a watch could not read. ``input``: the file or the feed that it is of; ``source`` and ``line``,
    where it stood; ``record``, its start. ``first`` and ``last``: when that was tried, ``tries`` times."""

    input: str
    source: str
    line: int | None
    reason: str
    record: str
    first: datetime
    last: datetime
    tries: int

    @classmethod
    def of(
        cls, input: str, source: str, line: int | None, reason: str, record: str, first: float, last: float, tries: int
    ) -> DeadLetter:
        """From its fields, the instants in seconds since 1970."""
        tried = {"first": datetime.fromtimestamp(first, UTC), "last": datetime.fromtimestamp(last, UTC)}
        return cls(input=input, source=source, line=line, reason=reason, record=record, tries=tries, **tried)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look of a watch at all that it watches. ``files`` and ``feeds`` that were read, feeds that were ``unchanged``
    since they were asked last, files that are ``waiting`` since they are still being written, and inputs that
    ``failed``. ``summaries``: articles of which there is only a summary. ``report``: what became of the articles.
    ``letters``: all dead letters that there are by now, ``dropped``: those for which there was no room. ``remarks``:
    what else is to be said, a line each. ``seconds`` that it took."""

    number: int
    files: int = 0
    feeds: int = 0
    unchanged: int = 0
    waiting: int = 0
    failed: int = 0
    summaries: int = 0
    report: AddReport = field(default_factory=AddReport)
    letters: int = 0
    dropped: int = 0
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def quiet(self) -> bool:
        """Whether nothing was read, and nothing failed."""
        return not (self.files or self.feeds or self.failed or self.remarks)
