"""The records that rooms exchange: frozen, slotted, and named as the field names them.

A record is declared here and nowhere else. What the command line prints as JSON, what the servers answer with their
schemas, CSV columns and the metadata of adapters are made from the fields, in their order; ``told`` says where JSON
has a field otherwise. What may be asked is declared the same way, by ``setting``: the options of the command line, the
parameters of the servers, the arguments of tools and the fields of adapters are made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from html import escape
from typing import Any, Literal, Self

from search.declarations import UNTOLD, also_told, row, setting, told, values
from search.errors import UsageError


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


_TEXTS = ("id", "title", "text", "source", "url", "section", "language", "agency", "dateline", "caption")


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One news item.

    ``published`` is a timezone-aware ``datetime`` where the time is known, a plain ``date`` where only the day is,
    and None where neither is; ISO 8601 text is read. A naive time is UTC. ``authors`` takes one name or several.
    ``text`` is NFC; every offset in this package counts its characters. Raises UsageError for a value of another type.
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

    def __post_init__(self) -> None:
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise _wrong("Article", name, "text", getattr(self, name))
        if self.published is not None and not isinstance(self.published, date):
            object.__setattr__(self, "published", _published(self.published))
        if type(self.authors) is not tuple:
            object.__setattr__(self, "authors", _texts("Article", "authors", self.authors))
        elif not all(isinstance(author, str) for author in self.authors):
            raise _wrong("Article", "authors", "text or a list of texts", self.authors)
        if not isinstance(self.extra, Mapping):
            raise _wrong("Article", "extra", "a mapping", self.extra)

    def __repr__(self) -> str:
        return f"<Article {_headline(self)}, {len(self.text):,} characters>"

    def _repr_html_(self) -> str:
        """The article as a notebook shows it."""
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in self.text.splitlines() if line.strip())
        return f"<article><h3>{_linked(self)}</h3><p>{escape(_imprint(self))}</p>{paragraphs}</article>"


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

    def __repr__(self) -> str:
        return f"<Hit {self.rank}, {self.score:.4f}: {_headline(self.article)}>"

    def _repr_html_(self) -> str:
        """The hit as a notebook shows it."""
        return _table([self])


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Sequence[Hit]):
    """Hits in rank order, with ``total`` (the size of the match set) and what else is to be said of them.

    Two are equal where only ``took_ms`` differs."""

    query: str
    mode: Mode
    total: int = field(metadata=told("How many articles match, on all pages."))
    took_ms: float = field(compare=False)
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

    def to_dicts(self) -> list[dict[str, Any]]:
        """The hits as JSON has them."""
        return [values(hit) for hit in self.hits]

    def rows(self) -> list[dict[str, Any]]:
        """The hits as flat rows, for a table such as pandas.DataFrame: authors joined by "; ", lists left out."""
        return [row(hit) for hit in self.hits]

    def __repr__(self) -> str:
        return f"<Results for {self.query!r}: {len(self.hits)} hits of {self.total:,} articles, {self.mode}>"

    def _repr_html_(self) -> str:
        """The hits as a notebook shows them: a table, with the query's words marked."""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p>{self.total:,} articles match {escape(self.query)}</p>{_table(self.hits)}{notes}"


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
    sequence is a condition that nothing meets. ``since`` and ``until`` take what ``date:`` takes or a ``date``, ends
    included; the others take one name or several. ``conditions`` is a tree of comparisons, as other programs have
    filters; ``query.comparisons`` says what they mean. Raises UsageError for a value of another type.
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
        for name in ("since", "until"):
            value = getattr(self, name)
            if isinstance(value, date):
                object.__setattr__(self, name, value.isoformat())
            elif value is not None and not isinstance(value, str):
                raise _wrong("Filters", name, "a date, or text such as 2025-02 or 7d", value)
        for name in ("sources", "authors", "sections", "languages"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _texts("Filters", name, value))

    @classmethod
    def of(cls, value: Self | Mapping[str, Any] | None) -> Self | None:
        """Filters as they are, or from a mapping of their names. Raises UsageError for a name that is none of them."""
        if value is None or isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise UsageError(f"filters are Filters or a mapping, not {type(value).__name__}")
        known = [one.name for one in fields(cls)]
        for name in value:
            if name not in known:
                raise UsageError(f"there is no filter {name!r}; use {', '.join(known)}")
        return cls(**value)


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
    """What ``add`` did, in articles. ``rejections`` keeps the first hundred; ``rejected`` counts all.

    Of the replaced, ``revised`` took the place of another record of the same run. Of the skipped, ``poorer`` had no
    text or no date where the archive's article has one. ``parted`` were read from files with the id of another story of
    the same run, and got one of their own. ``remarks`` tells of the first thousand of these three: where it stood, and
    what became of it.
    """

    added: int = 0
    replaced: int = 0
    skipped: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
    revised: int = 0
    poorer: int = 0
    parted: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(AddReport):
    """What ``import_`` did: with articles as ``add``; ``alerts`` that were saved, names of those that the archive had
    already (its own stay), and what else is to be said."""

    alerts: int = 0
    alerts_kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What ``backup`` did: the new backup's ``number`` in its folder and what it holds; the files that were copied, and
    those that were there already; how many ``backups`` the folder has now."""

    number: int
    commit: int
    articles: int
    files_copied: int
    files_kept: int
    bytes_copied: int
    bytes_kept: int
    backups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What ``restore`` made: of which backup, when that was ``made``, and what it holds. ``aside``: where the archive
    that was replaced is kept, if it had files in it that are no archive's; None where none is kept."""

    number: int
    commit: int
    articles: int
    made: str
    bytes_copied: int
    aside: str | None


def _wrong(record: str, name: str, wanted: str, value: Any) -> UsageError:
    return UsageError(f"{record}.{name} takes {wanted}, not {type(value).__name__}")


def _texts(record: str, name: str, value: Any) -> tuple[str, ...]:
    """One text, or several in any collection, as a tuple."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence | Set):
        values = tuple(value) if isinstance(value, Sequence) else tuple(sorted(value, key=str))
        if all(isinstance(one, str) for one in values):
            return values
    raise _wrong(record, name, "text or a list of texts", value)


def _published(value: Any) -> date:
    """ISO 8601: a day, or an instant."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) <= len("2025-02-26") else datetime.fromisoformat(value)
        except ValueError:
            raise UsageError(
                f"Article.published takes ISO 8601 text such as 2025-02-26 or 2025-02-26T09:30+01:00, not {value!r}"
            ) from None
    raise _wrong("Article", "published", "a date, a datetime or ISO 8601 text", value)


def _imprint(article: Article) -> str:
    """Where and when an article appeared, as far as that is known."""
    day = "" if article.published is None else article.published.isoformat()[:10]
    return ", ".join(text for text in (article.source, day) if text)


def _headline(article: Article) -> str:
    imprint = _imprint(article)
    return f"{article.id!r}, {article.title[:60]!r}{imprint and f' ({imprint})'}"


def _linked(article: Article) -> str:
    title = escape(article.title or article.id)
    if article.url.startswith(("http://", "https://")):
        return f'<a href="{escape(article.url)}" rel="noreferrer">{title}</a>'
    return title


def _table(hits: Sequence[Hit]) -> str:
    rows = "".join(
        f"<tr><td>{hit.rank}</td><td>{hit.score:.4f}</td><td>{_linked(hit.article)}<br>"
        f"{escape(_imprint(hit.article))}<br>{_marked(hit)}</td></tr>"
        for hit in hits
    )
    return f"<table>{rows}</table>"


def _marked(hit: Hit) -> str:
    """The snippet with its words marked; nothing in it is markup of its own."""
    pieces, end = [], 0
    for mark in hit.highlights:
        if mark.field == "snippet" and mark.kind == "word" and mark.start >= end:
            pieces += [
                escape(hit.snippet[end : mark.start]),
                "<mark>",
                escape(hit.snippet[mark.start : mark.end]),
                "</mark>",
            ]
            end = mark.end
    return "".join([*pieces, escape(hit.snippet[end:])])
