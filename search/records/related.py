"""Articles that belong to another one: of the same subject, or what to have read before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from search.declarations import told
from search.records.results import Hit, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedHit(Hit):
    """A ranked article, and in a line why it is there: names and words that both have, and how far apart they are."""

    why: str = field(default="", metadata=told("Names and words that both have, and when.", after="section"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Related(Results):
    """Articles that belong to the one whose id is ``query``, best first, one of each story and no copy of it. ``title``
    is that article's; ``total`` counts what was compared with it."""

    title: str = field(metadata=told(after="query"))
    hits: tuple[RelatedHit, ...]
