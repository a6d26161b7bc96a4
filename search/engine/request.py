"""What is asked of a search, and the cursor that leads to the next page of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from search import query as language
from search.declarations import SETTINGS, Setting, setting, settings
from search.errors import QueryError, UsageError
from search.records import (
    Allocation,
    Carried,
    Copies,
    Detect,
    FacetField,
    Filters,
    Fusion,
    Mode,
    Period,
    Shown,
    Sort,
    Split,
)
from search.records.articles import texts

if TYPE_CHECKING:
    from search.encode import Reranker
    from search.engine.ranking import Normalise

Choice = TypeVar("Choice", bound=StrEnum)


_OF_A_PAGE = frozenset({"offset", "cursor", "limit", "now"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that shapes an answer. ``where`` is a query object of Whoosh's, or None: one condition more."""

    query: str
    limit: int = setting(10, "How many hits.", short="n", least=1)
    offset: int = setting(0, "How many hits to pass over.", least=0)
    cursor: str | None = setting(None, "Go on where the results that gave this cursor ended.", example="CURSOR")
    mode: Mode = setting(Mode.AUTO, "Words, meaning or both; auto is hybrid where the archive has vectors.")
    filters: Filters | None = field(default=None, metadata={SETTINGS: Filters})
    as_of: str | datetime | None = setting(
        None, "Answer as if it were then: what was published later is hidden.", example="D"
    )
    sort: Sort = setting(Sort.RELEVANCE, "The order of the hits.")
    copies: Copies = setting(Copies.SHOW, "Whether each copy of one text is a hit, or all of them are one.")
    shown: Shown = setting(Shown.BEST, "Which copy stands for all, where they are one hit.")
    prefer: Sequence[str] | None = setting(
        None, "Show the copy of this source, where a story has one.", example="S", many=True
    )
    recency: str | None = setting(None, "Halve a score for each such age, such as 30d.", example="AGE")
    diversity: float = setting(0.0, "How much variety among the hits counts.", least=0, most=1)
    per_source: int | None = setting(None, "Most hits of one source.", kind=int, least=1)
    fusion: Fusion | Normalise = setting(Fusion.DBSF, "How hybrid joins the two rankings.")
    weight: float | None = setting(
        None,
        "The share of meaning in hybrid, 0.5 unless the archive was tuned; the rest is the words'.",
        kind=float,
        least=0,
        most=1,
    )
    passages: int = setting(1, "Passages with each hit.", least=0)
    rerank: str | Reranker | None = setting(
        None, "Reorder the first thirty with this cross-encoder, by name or path.", example="MODEL"
    )
    detect: Detect = setting(Detect.PREFER, "What becomes of sources and dates that the query names.")
    literal: bool = setting(False, "Take the query as it stands, without operators.")
    explain: bool = setting(False, "Say what each score is made of.")
    snippets: bool = True
    where: Any = None
    now: datetime | None = None
    """What dates and ages are relative to, where that is neither ``as_of`` nor the present."""

    @classmethod
    def of(cls, **asked: Any) -> Request:
        """A request of values as a program writes them: words for choices, one name for a list of one, a mapping for
        filters. Raises UsageError for a word that is no choice."""
        for one in settings(Request):
            value = asked.get(one.name)
            if value is None or callable(value):  # a fusion of a program's own
                continue
            if issubclass(one.kind, StrEnum):
                asked[one.name] = choice(one.kind, value)
            elif one.many:
                asked[one.name] = texts("search", one.name, value)
        return cls(**asked | {"filters": Filters.of(asked.get("filters"))})

    def check(self) -> None:
        """Raise UsageError for a value of another type, or out of range."""
        if not isinstance(self.query, str):
            raise UsageError(f"a query is text, not {type(self.query).__name__}")
        for one in settings(Request):
            value = getattr(self, one.name, None)  # a filter's is checked where it is read
            if value is None and one.default is None:
                continue
            if one.least is not None and (isinstance(value, bool) or not isinstance(value, Real)):
                raise UsageError(f"{one.name} takes a number, not {type(value).__name__}").about(one.name)
            if one.kind is int and not isinstance(value, Integral):
                raise UsageError(f"{one.name} takes a whole number, not {value}").about(one.name)
            if one.most is not None and one.least is not None and not one.least <= value <= one.most:
                raise UsageError(f"{one.name} must be between {one.least} and {one.most}, not {value}").about(one.name)
            if one.most is None and one.least is not None and value < one.least:
                raise UsageError(f"{one.name} must be {one.least} or more, not {value}").about(one.name)
        if not (self.rerank is None or isinstance(self.rerank, str) or hasattr(self.rerank, "score")):
            raise UsageError(
                f"rerank takes a model's name or folder, or a reranker, not {type(self.rerank).__name__}"
            ).about("rerank")
        if self.rerank is not None and self.sort is not Sort.RELEVANCE:
            raise UsageError(f"rerank orders by relevance, and sort {self.sort} by date; leave one out").about("rerank")
        if self.rerank is not None and self.diversity:
            raise UsageError("rerank and diversity each order the first hits; leave one out").about("rerank")
        if self.recency is not None:
            try:
                language.duration(self.recency)  # refused in every order, not only where it counts
            except QueryError as error:
                raise QueryError(f"recency: {error}", self.recency, error.position).about("recency") from None

    def fingerprint(self) -> str:
        """What two pages of one list have in common."""
        own = getattr(self.rerank, "name", self.rerank)  # a model of a program's own goes by its name
        asked = replace(self, rerank=own)
        same = [(f.name, repr(getattr(asked, f.name))) for f in fields(self) if f.name not in _OF_A_PAGE]
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
            raise UsageError("this cursor is not one that a search gave").about("cursor") from None
        if fingerprint != self.fingerprint():
            raise UsageError("this cursor belongs to another query; ask that query, or start without a cursor").about(
                "cursor"
            )
        if expired:
            raise UsageError("the archive has changed since this cursor was given; start again without a cursor").about(
                "cursor"
            )
        return replace(self, offset=offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetsRequest:
    """What facets take beside what narrows a match set."""

    fields: Sequence[FacetField] | None = setting(
        None, "Count by these fields; by all, unless some are given.", kind=FacetField, option="field", many=True
    )
    limit: int = setting(20, "How many values of each field.", short="n", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRequest:
    """What a timeline takes beside what narrows a match set."""

    by: Period = setting(Period.MONTH, "How long each period is; weeks start on Monday.")
    compare: Sequence[str] | None = setting(None, "More queries, counted beside.", example="Q", many=True)
    split: Split | None = setting(None, "Also count each of the sources that have most.", kind=Split)
    limit: int = setting(5, "How many sources.", short="n", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRequest:
    """What the story of an article takes beside its id."""

    limit: int = setting(50, "How many copies.", short="n", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoriesRequest:
    """What the most carried stories take beside what narrows a match set."""

    limit: int = setting(10, "How many stories.", short="n", least=1)
    sort: Carried = setting(Carried.COPIES, "Those with the most copies first, or with the newest one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRequest:
    """What terms take beside what narrows a match set."""

    by: Period | None = setting(None, "Also what sets each such period apart.", kind=Period)
    limit: int = setting(20, "How many words and phrases.", short="n", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """What a sample takes beside what narrows a match set."""

    limit: int = setting(100, "How many articles.", short="n", least=1)
    seed: int = setting(0, "Draws others; the same seed draws the same.", least=0)
    by: FacetField | None = setting(None, "Draw from each source, section, year and so on.", kind=FacetField)
    allocation: Allocation = setting(Allocation.PROPORTIONAL, "How many of each, with --by: its share, or as many.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRequest:
    """What a context takes beside what it has in common with a search."""

    budget: int = setting(2000, "Most tokens of the text.", least=1)
    rerank: str | None = setting(None, "Reorder with this cross-encoder, by name or path.", example="MODEL")


class RelatedSettings(TypedDict, total=False):
    """What similar and background take beside an article's id, as a program writes it."""

    limit: int
    mode: Mode | str
    filters: Filters | Mapping[str, Any] | None
    as_of: str | datetime | None
    per_source: int | None
    explain: bool


def choice(kind: type[Choice], value: Any) -> Choice:
    """One of some words. Raises UsageError for another."""
    try:
        return kind(value)
    except ValueError:
        name = kind.__name__.lower()
        raise UsageError(f"{value!r} is not a {name}; use one of {', '.join(kind)}").about(name) from None


def _of(names: str) -> tuple[Setting, ...]:
    wanted = names.split()
    return tuple(one for one in settings(Request) if one.name in wanted)


NARROWING = (*settings(Filters), *_of("as_of literal"))
"""What a match set is narrowed by, beside a query."""
SEARCH = settings(Request)
FACETS = (*settings(FacetsRequest), *NARROWING, *_of("copies"))
TIMELINE = (*settings(TimelineRequest), *NARROWING, *_of("copies"))
EXPORT = _of("copies")
ALERTS = tuple(one._replace(default=Copies.COLLAPSE) for one in _of("copies"))
STORY = (*settings(StoryRequest), *_of("as_of"))
STORIES = (*settings(StoriesRequest), *NARROWING)
RELATED = (*_of("limit mode explain as_of per_source"), *settings(Filters))
TERMS = (*settings(TermsRequest), *NARROWING)
SAMPLE = (*settings(SampleRequest), *NARROWING, *_of("copies"))
FIRST = (*_of("limit"), *NARROWING)
CONTEXT = (*settings(ContextRequest), *settings(Filters), *_of("mode as_of recency detect per_source"))

NAMED = {one.name: one for one in (*SEARCH, *FACETS, *TIMELINE, *CONTEXT, *STORY, *STORIES, *RELATED)}
"""Every setting, by its name in Python."""


def gathered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name as the keyword arguments of an archive's methods: the filters among them become one."""
    names = {one.name for one in settings(Filters)}
    filters = Filters(**{name: value for name, value in values.items() if name in names})
    return {name: value for name, value in values.items() if name not in names} | {"filters": filters}
