"""What is asked of a search, and the cursor that leads to the next page of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, fields, replace
from datetime import datetime

from search import query as language
from search.errors import UsageError
from search.records import Filters, Fusion, Mode, Sort


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that shapes an answer."""

    query: str
    limit: int = 10
    offset: int = 0
    mode: Mode = Mode.AUTO
    filters: Filters | None = None
    recency: str | None = None
    as_of: str | datetime | None = None
    sort: Sort = Sort.RELEVANCE
    diversity: float = 0.0
    fusion: Fusion = Fusion.DBSF
    weight: float = 0.5
    passages: int = 1
    snippets: bool = True
    explain: bool = False
    literal: bool = False
    cursor: str | None = None

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        for name, least in (("limit", 1), ("offset", 0), ("passages", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be {least} or more, not {getattr(self, name)}")
        for name in ("weight", "diversity"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if self.recency is not None:
            language.duration(self.recency)  # refused in every order, not only where it counts

    def fingerprint(self) -> str:
        """What two pages of one list have in common."""
        same = [
            (f.name, repr(getattr(self, f.name))) for f in fields(self) if f.name not in ("offset", "cursor", "limit")
        ]
        return hashlib.blake2b(repr(same).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def next_page(self, commit: int, position: int) -> str:
        """The cursor of what stands behind ``position`` in this commit's answer."""
        raw = f"{commit}:{self.fingerprint()}:{position}"
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    def resumed(self, commit: int) -> Request:
        """This request with the offset that its cursor names. Raises UsageError for another query's or commit's."""
        if self.cursor is None:
            return self
        try:
            raw = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)).decode()
            known, fingerprint, position = raw.split(":")
            offset = int(position)
            expired = int(known) != commit
            if offset < 0:
                raise ValueError
        except ValueError:
            raise UsageError("this cursor is not one that a search gave") from None
        if fingerprint != self.fingerprint():
            raise UsageError("this cursor belongs to another query; ask that query, or start without a cursor")
        if expired:
            raise UsageError("the archive has changed since this cursor was given; start again without a cursor")
        return replace(self, offset=offset)
