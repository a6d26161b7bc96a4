"""Stories: articles that are copies of one text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from search.declarations import told
from search.records.choices import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A sentence of the text that a copy is compared with and what has become of it: "" after where it was cut, before
    where it is new."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A copy in a story. ``role`` is what it likely is. ``common`` is the share of its words that stand, in stretches
    of six and more, in the text that it is compared with; ``kept`` the share of that text's words that stand in it."""

    id: str
    role: Role
    source: str
    published: date | None
    title: str
    agency: str
    url: str
    common: float = field(metadata=told("Share of its words that stand in the original.", digits=4))
    kept: float = field(metadata=told("Share of the original's words that stand in it.", digits=4))
    changes: tuple[Change, ...] = field(
        default=(), metadata=told("Sentences that were cut (nothing after), added (nothing before) or changed.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The copies of an article's text, the likely original first, then by date. ``id`` is the article that was asked
    for; ``original`` None where no copy has a date or is the agency's own; ``compared`` the copy that the others are
    compared with: the original, else the article itself. ``total`` counts all copies, shown or not."""

    id: str
    original: str | None
    compared: str
    total: int
    outlets: int
    copies: tuple[Version, ...]
    notes: tuple[str, ...] = ()
    took_ms: float = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedStory:
    """A story that several articles of a match set tell: how many, of how many outlets, from which day to which, and
    the likely original among them."""

    rank: int
    id: str
    title: str
    source: str
    published: date | None
    copies: int = field(metadata=told("How many articles of the match set tell it."))
    outlets: int
    first: date | None
    last: date | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedStories:
    """The most carried stories of a match set of ``total`` articles and ``stories`` stories, of which ``carried`` have
    several copies in it."""

    query: str
    total: int
    stories: int
    carried: int
    hits: tuple[CarriedStory, ...]
    notes: tuple[str, ...] = ()
    took_ms: float = field(compare=False)
