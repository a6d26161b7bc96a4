"""Collections: named lists of articles with tags and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from search.declarations import told
from search.records.articles import Article
from search.records.receipts import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named list of ``articles`` articles, and what its owner notes of it."""

    name: str
    note: str = ""
    created: datetime
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article of a collection, as it was when it was added. ``there`` is False where the archive has it no more."""

    id: str
    added: str = field(metadata=told("When it was added, as ISO 8601 writes it."))
    tags: tuple[str, ...] = ()
    note: str = ""
    title: str = ""
    source: str = ""
    published: str = field(default="", metadata=told("As ISO 8601 writes it."))
    url: str = ""
    there: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What adding to a collection, or taking from it, came to. ``unknown``: ids that the archive, or for taking the
    collection, does not have."""

    name: str
    added: int = 0
    changed: int = field(default=0, metadata=told("Were there already, and got tags or a note."))
    removed: int = 0
    articles: int = field(metadata=told("How many it has now."))
    unknown: tuple[str, ...] = ()


class Dossier(NamedTuple):
    """A collection with what the archive has of it. ``entries``: what was collected, and the article, None where it is
    no more there; ``receipts``: of the searches that filled it."""

    name: str
    note: str
    entries: Sequence[tuple[Member, Article | None]]
    receipts: Sequence[Receipt]
