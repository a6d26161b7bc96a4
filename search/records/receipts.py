"""Receipts: what was asked of which archive and what came out, so that it can be cited and asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from search.declarations import UNTOLD, told, values
from search.records.choices import Answer, Copies, Shown
from search.records.encoders import EncoderIdentity

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The archive that was asked: its live articles at a commit. ``digest`` stands for all of them, whatever their
    order; rows above ``last_row`` came later. ``identity`` tells an archive from others, wherever it is moved."""

    name: str
    identity: str | None
    commit: int
    digest: str
    articles: int
    undated: int
    first: date | None
    last: date | None
    last_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What words and meaning are ranked by: the version of the text analysis, its language, the parameters of BM25F,
    and the model of the vectors, None where there are none."""

    analysis: int
    language: str | None
    bm25: Mapping[str, float]
    model: EncoderIdentity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesRule:
    """What became of copies of one text. ``version`` and ``window`` (days that may lie between two copies) say how they
    were told; None in an archive that knows none."""

    choice: Copies
    shown: Shown | None
    prefer: tuple[str, ...]
    version: int | None
    window: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """How many articles are left after each stage: those that could be seen, those that meet the conditions, those of
    these with all words; ``stories``: the last with copies of one text counted once, None where copies are not known;
    ``answered``: hits or passages that the answer shows, None for counts."""

    visible: int
    constrained: int
    matched: int
    stories: int | None
    answered: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer: the ids of its articles in their order (none for counts), and a digest over their contents, or over
    the counts, or over the places of the passages."""

    digest: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The match set: a digest over its ids, and each article's fingerprint by its id; of a set that is too large, only
    those of the answer (``complete`` is False)."""

    digest: str
    complete: bool
    articles: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One answer of an archive, to be cited and asked again.

    ``query`` is as it was typed and ``read`` as it was understood; ``settings`` are all others by their names, ``mode``
    what answered. ``by_source`` counts the matches of the ``sources`` by the most frequent, ``by_year`` those that have
    a date. ``answer`` is what was answered: it is not part of what is kept. Two are equal where they say the same.
    """

    of: Answer
    format: int = FORMAT
    made: datetime
    version: str = field(metadata=told("The version of Broadsheet."))
    query: str
    read: str
    settings: Mapping[str, Any]
    mode: str | None
    notes: tuple[str, ...]
    archive: Held
    ranking: Ranking
    copies: CopiesRule
    stages: Stages
    sources: int
    by_source: Mapping[str, int]
    undated: int
    by_year: Mapping[str, int]
    outcome: Outcome
    matches: Matches
    answer: Any = field(default=None, compare=False, repr=False, metadata=UNTOLD)

    @property
    def seal(self) -> str:
        """SHA-256 in hex over all that it says: it shows damage, and no forgery."""
        text = json.dumps(values(self), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """What exports name it by."""
        return self.seal[:12]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, sealed."""
        return {"receipt": self.id, **values(self), "seal": self.seal}

    def __repr__(self) -> str:
        return f"<Receipt {self.id} of {self.of} {self.query!r}, {self.stages.matched:,} articles match>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What an archive says today to what a receipt asked.

    ``same``: whether the answer is the same. Of the match set, by id: ``added`` came into the archive since,
    ``changed`` say something else, ``removed`` are gone, and ``otherwise`` are as they were and match no more, or match
    now. ``elsewhere``: the ids of other articles that came or changed since, the first ``MOST`` of
    ``elsewhere_count``; ``gone``: how many of all that were held then were removed or replaced, None where the archive
    is another one. ``order``: whether the same articles are answered in another order. ``complete``: whether all that
    matched then was known by id.
    """

    receipt: str = field(metadata=told("The receipt's id."))
    same: bool
    unchanged: bool = field(metadata=told("Whether the archive holds what it held."))
    total_then: int
    total_now: int
    order: bool
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    otherwise: tuple[str, ...]
    elsewhere: tuple[str, ...]
    elsewhere_count: int
    gone: int | None
    complete: bool
    notes: tuple[str, ...]
