"""The records that rooms exchange: frozen, slotted, and named as the field names them.

A record is declared here and nowhere else. What the command line prints as JSON, what the servers answer with their
schemas, CSV columns and the metadata of adapters are made from the fields, in their order; ``told`` says where JSON
has a field otherwise. What may be asked is declared the same way, by ``setting``: the options of the command line, the
parameters of the servers, the arguments of tools and the fields of adapters are made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

Property = TypeVar("Property", bound=Callable[..., Any])


class Telling(NamedTuple):
    """How JSON has a field. ``about`` is its description in a schema."""

    about: str = ""
    name: str = ""
    """Its key, where that is not the field's name."""
    digits: int | None = None
    """To how many decimals a number is rounded."""
    after: str | None = None
    """The key that it follows, where that is not the field before; "" is the first place."""
    keys: tuple[str, ...] = ()
    """Of a record: these of its keys stand in its place."""
    by: str = ""
    """Of a list of records: a mapping of them by this field."""


TELLING = "told"
UNTOLD: Mapping[str, Any] = {TELLING: None}
"""Metadata of a field that JSON does not have."""


def told(about: str = "", **how: Any) -> Mapping[str, Any]:
    """Metadata of a field: the arguments are those of ``Telling``."""
    return {TELLING: Telling(about, **how)}


def also_told(about: str = "", **how: Any) -> Callable[[Property], Property]:
    """A property that JSON has like a field: stands below ``@property``."""

    def mark(function: Property) -> Property:
        setattr(function, TELLING, Telling(about, **how))
        return function

    return mark


class Setting(NamedTuple):
    """Something that may be asked for. ``kind`` is bool, int, float, str or a StrEnum, of each where there may be
    ``many``; ``option`` is its name on the command line and in addresses, where that is not the field's."""

    name: str
    default: Any
    help: str
    kind: type
    option: str
    short: str = ""
    example: str = ""
    """What stands for a value in help, such as 30d."""
    least: Any = None
    most: Any = None
    many: bool = False


def setting(default: Any, help: str, *, kind: type | None = None, option: str = "", **how: Any) -> Any:
    """A field that is a setting. None as the default is "not given"; a text, unless ``kind`` says otherwise."""
    kind = kind or (str if default is None else type(default))
    return field(default=default, metadata={SETTING: Setting("", default, help, kind, option, **how)})


SETTING, SETTINGS = "setting", "settings"


@cache
def settings(record: type) -> tuple[Setting, ...]:
    """The settings of a dataclass and of the filters in it, in order."""
    found: list[Setting] = []
    for one in fields(record):
        if SETTINGS in one.metadata:
            found += settings(one.metadata[SETTINGS])
        elif SETTING in one.metadata:
            declared: Setting = one.metadata[SETTING]
            found.append(declared._replace(name=one.name, option=declared.option or one.name.replace("_", "-")))
    return tuple(found)


class Mode(StrEnum):
    """Which legs answer."""

    AUTO = "auto"
    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


class Sort(StrEnum):
    """The order of the hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


class Fusion(StrEnum):
    """How the scores of two legs become one. DBSF is distribution-based score fusion."""

    DBSF = "dbsf"
    RRF = "rrf"
    MINMAX = "minmax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One news item.

    ``published`` is a timezone-aware ``datetime`` where the time is known, a plain ``date`` where only the day is,
    and None where neither is. A naive time is UTC. ``text`` is NFC; every offset in this package counts its characters.
    """

    id: str
    title: str = ""
    text: str = ""
    published: date | None = None
    source: str = ""
    authors: tuple[str, ...] = ()
    url: str = ""
    section: str = ""
    language: str = ""
    agency: str = ""
    dateline: str = ""
    caption: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that could not be read: where it stood and why."""

    source: str
    line: int | None
    reason: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of one article: ``article.text[start:end] == text``. ``score`` is a cosine, or None if not scored."""

    article_id: str = field(metadata=UNTOLD)
    text: str
    start: int
    end: int
    score: float | None = field(default=None, metadata=told("Cosine to the query, where it was measured.", digits=6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A stretch of a hit's ``title`` or ``snippet``. ``kind`` is "word" for a query word, "meaning" for a passage
    that was found by its vector alone."""

    field: Literal["title", "snippet"]
    start: int
    end: int
    kind: Literal["word", "meaning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A ranked article.

    ``matched`` is False for a hit beyond the match set: it has some of the words, or is near in meaning.
    ``explain`` is filled on request; its ``parts`` sum to ``score``.
    """

    rank: int
    article: Article = field(metadata=told(keys=("id", "title", "source", "published", "authors", "url", "section")))
    score: float = field(metadata=told(digits=6, after="id"))
    matched: bool = field(
        metadata=told("Whether it has all words and meets all conditions of the query.", after="score")
    )
    snippet: str = ""
    highlights: tuple[Highlight, ...] = ()
    passages: tuple[Passage, ...] = ()
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Sequence[Hit]):
    """Hits in rank order, with ``total`` (the size of the match set) and what else is to be said of them."""

    query: str
    mode: Mode
    total: int = field(metadata=told("How many articles match, on all pages."))
    took_ms: float
    did_you_mean: str | None = None
    cursor: str | None = None
    notes: tuple[str, ...] = ()
    hits: tuple[Hit, ...]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __getitem__(self, index: Any) -> Any:
        return self.hits[index]


class FacetField(StrEnum):
    """What can be counted, in the order in which it is shown."""

    SOURCE = "source"
    AUTHOR = "author"
    SECTION = "section"
    AGENCY = "agency"
    LANGUAGE = "language"
    YEAR = "year"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """A value, how many articles of the match set have it, and the query that finds just these, as of the same instant
    (None: no query can)."""

    value: str
    count: int
    query: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The values of one field by count, then name. ``distinct`` counts all values, shown or not; ``none`` the articles
    that no value counts."""

    field: FacetField
    distinct: int
    none: int
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Facets of a match set of ``total`` articles."""

    query: str
    total: int
    took_ms: float
    facets: tuple[Facet, ...] = field(metadata=told(by="field"))
    notes: tuple[str, ...] = field(default=(), metadata=UNTOLD)


class Period(StrEnum):
    """How long a period is. Weeks start on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One period from day ``start`` to day ``end``, both included: how many articles match, how many ``articles`` there
    are (under the query's own dates), and the query that finds those that match (None: no query can)."""

    label: str
    start: date
    end: date
    count: int
    articles: int = field(metadata=told("All articles of the period, matching or not."))
    query: str | None

    @property
    @also_told(digits=6, after="articles")
    def share(self) -> float:
        """The part of the articles in the period that match, 0 to 1; 0 where there are none."""
        return self.count / self.articles if self.articles else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A match set of ``total`` articles over time, without gaps; ``undated`` of them are in no bucket."""

    query: str
    by: Period
    total: int
    undated: int
    took_ms: float
    buckets: tuple[Bucket, ...]
    notes: tuple[str, ...] = field(default=(), metadata=UNTOLD)


class Detect(StrEnum):
    """What becomes of the sources and dates that a question names."""

    PREFER = "prefer"
    FILTER = "filter"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """A source or a date named in a question: ``question[start:end]`` says what ``clause`` says in the query language.

    ``kind`` is "source" or "date".
    """

    kind: str
    start: int
    end: int
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A numbered stretch of one article: ``article.text[start:end] == text``.

    ``number`` is its mark, from 1, in reading order. ``sentences`` are offsets into the article's text, ascending.
    ``score`` is that of its article in the ranking that found it. ``copies`` are ids of articles that carry the same
    text and were left out. ``tokens`` is what it costs in the rendered context, its heading included.
    """

    number: int
    article_id: str = field(metadata=told(name="id"))
    start: int
    end: int
    text: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    score: float = field(metadata=told(digits=6))
    tokens: int
    sentences: tuple[tuple[int, int], ...] = ()
    copies: tuple[str, ...] = field(
        default=(), metadata=told("Ids of articles that carry the same text and were left out.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A saved query. ``ran`` is when its news were last recorded as told, None for never. ``last_row``: the articles up
    to this row of the catalog are no news any more."""

    name: str
    query: str
    created: datetime
    ran: datetime | None = None
    last_row: int = field(default=0, metadata=UNTOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """What is told of an article. ``row`` is its place in the catalog: a changed article has another."""

    row: int = field(metadata=UNTOLD)
    id: str
    title: str
    source: str
    published: date | None
    authors: tuple[str, ...]
    url: str
    section: str
    agency: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new to one alert, newest first. ``error`` says why its query could not be answered. ``seen`` is the alert
    as the catalog shall keep it once the news are told."""

    alert: Alert = field(metadata=told(keys=("name", "query", "created", "ran")))
    error: str | None = None
    items: tuple[NewsItem, ...] = field(metadata=told(name="articles"))
    seen: Alert = field(metadata=UNTOLD)

    @property
    @also_told(after="error")
    def total(self) -> int:
        """How many articles are new."""
        return len(self.items)


class Operator(StrEnum):
    """How a field is compared with a value, or with a list of values (``in``, ``nin``)."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison. ``value`` is text, a number of words for ``length``, or for ``published`` a date, a datetime (a
    naive one is UTC), seconds since 1970, or what ``date:`` takes; a list of these for ``in`` and ``nin``."""

    field: str
    op: Operator | str
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them; with none, no condition."""

    items: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - typing has the plain name
    """At least one of them; with none, a condition that nothing meets."""

    items: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Not:
    """The complement."""

    item: Condition


Condition = Compare | All | Any_ | Not
"""A tree of comparisons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Hard conditions as values rather than query text; both make the same tree. None is no condition, and an empty
    sequence is a condition that nothing meets. ``since`` and ``until`` take what ``date:`` takes, ends included.
    ``conditions`` is a tree of comparisons, as other programs have filters; ``query.comparisons`` says what they mean.
    """

    since: str | None = setting(
        None, "Published on this day or later, such as 2025-02-26 or 7d.", option="from", example="D"
    )
    until: str | None = setting(None, "Published on this day or earlier.", option="to", example="D")
    sources: Sequence[str] | None = setting(None, "Only these sources.", option="source", example="S", many=True)
    authors: Sequence[str] | None = setting(None, "Only these authors.", option="author", example="A", many=True)
    sections: Sequence[str] | None = setting(None, "Only these sections.", option="section", example="S", many=True)
    languages: Sequence[str] | None = setting(
        None, "Only these languages, such as en.", option="language", example="L", many=True
    )
    conditions: Condition | None = None

    def __post_init__(self) -> None:
        for name in ("sources", "authors", "sections", "languages"):
            if isinstance(value := getattr(self, name), str):  # one name is a list of one, not of its letters
                object.__setattr__(self, name, (value,))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable. ``weights_hash`` is a SHA-256 in hex."""

    name: str
    weights_hash: str
    dimension: int
    max_tokens: int
    pooling: str
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """What ``add`` did, in articles. ``rejections`` keeps the first hundred; ``rejected`` counts all."""

    added: int = 0
    replaced: int = 0
    skipped: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
