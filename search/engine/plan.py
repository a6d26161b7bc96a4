"""What is asked of an archive, read once: search, facets, alerts, deletion and retrieval take the same plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from search.engine.legs import Floats
from search.engine.request import Request
from search.keyword.tree import Node
from search.query import ParsedQuery
from search.records import Mode


class Preferred(NamedTuple):
    """A condition, how the query language writes it, what meeting it adds to a fused score, and the query without the
    words for it where these are not to rank: a month's are in many articles of other months."""

    node: Node
    clause: str
    gain: float
    rest: ParsedQuery | None = None


def named_in(preferred: Sequence[Preferred]) -> str:
    """``the query names source:="BBC" and date:2024``, as notes begin."""
    return f"the query names {' and '.join(one.clause for one in preferred)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A request in the terms of one commit.

    ``query`` is its text and filters as they were read; ``mode`` the one that answers, never AUTO; ``as_of`` the
    instant after which nothing is seen, None for no such limit; ``now`` what dates and ages are relative to; ``began``
    when the work began, by ``time.perf_counter``. ``preferred``: what the query names, as conditions, of sources and of
    dates; articles that meet them come higher. ``vector`` float32[d] is what meaning is compared with, None for that
    of the query's text. The request's ``offset`` is the one that its cursor names.
    """

    request: Request
    query: ParsedQuery
    mode: Mode
    as_of: datetime | None
    now: datetime
    began: float
    preferred: tuple[Preferred, ...] = ()
    vector: Floats | None = None

    @property
    def page(self) -> slice:
        """The places of the ranking that are shown."""
        return slice(self.request.offset, self.request.offset + self.request.limit)

    def took_ms(self) -> float:
        """How long it took so far."""
        return round((time.perf_counter() - self.began) * 1000, 3)

    def narrowed(self, *conditions: Node) -> Plan:
        """The same under more conditions."""
        return replace(self, query=self.query.narrowed(*conditions))
