"""What the page shows: the answers of the archive to one address, and what surrounds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from search import query as language
from search.archive import Archive
from search.errors import QueryError, UsageError
from search.exports import tables
from search.exports.citations import STYLES
from search.query.removal import removable
from search.records import (
    Article,
    Bucket,
    Facet,
    FacetField,
    Facets,
    Highlight,
    Period,
    Related,
    Results,
    Story,
    Timeline,
)
from search.records.articles import pages_between
from search.serve.web.address import MOST_COMPARED, PER_PAGE, Asked
from search.serve.web.text import Paragraph, paragraphs

VALUES = 6  # of each facet
_COPIES = 20  # of a story
_RELATED = 8  # of an article's subject
_FIELDS = tuple(field for field in FacetField if field is not FacetField.MONTH)
_EXAMPLES = (FacetField.SOURCE, FacetField.AUTHOR, FacetField.SECTION, FacetField.YEAR)
_MOST_BARS = 110
_IN_A_YEAR = {Period.DAY: 365, Period.WEEK: 52, Period.MONTH: 12}


class Chip(NamedTuple):
    """A condition in words, and the address of the search without it."""

    words: str
    without: str | None


class Line(NamedTuple):
    """A line of the timeline: its query, how many articles match, its periods, and the address without it, None for
    that of the search itself."""

    name: str
    total: int
    bars: Sequence[Bucket]
    without: str | None


class Opened(NamedTuple):
    """The article in the reading pane. ``pages``: those that it stands on, where they are known; ``furniture``: how
    many stretches of it its source prints under many articles; ``story``: the copies of its text, None where there is
    no other; ``related``: what the address asks of its subject. ``before`` and ``after`` are the addresses of its
    neighbours among the hits."""

    article: Article
    pages: str
    paragraphs: Sequence[Paragraph]
    furniture: int
    highlights: Sequence[Highlight]
    citations: Sequence[tuple[str, str]]
    story: Story | None
    related: Related | None
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page. What an address does not ask for is None."""

    asked: Asked
    results: Results
    chips: Sequence[Chip]
    facets: Facets | None
    timeline: Timeline | None
    opened: Opened | None
    stats: dict[str, Any] | None

    @property
    def examples(self) -> list[str]:
        """Queries about what this archive has most of."""
        facets = {facet.field: facet for facet in self.counted()}
        found = [facets[field].values[0].query for field in _EXAMPLES if field in facets]
        return [query for query in found if query is not None]

    @property
    def last(self) -> int:
        """The number of the last page."""
        total = self.results.total if self.results.stories is None else self.results.stories
        return max(1, -(-total // PER_PAGE))

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The timeline's lines: that of the query, then those of the queries that it is compared with."""
        if self.timeline is None:
            return ()
        lines = [Line(self.asked.q.strip() or "all articles", self.timeline.total, self.timeline.buckets, None)]
        for place, one in enumerate(self.timeline.series):
            others = [text for at, text in enumerate(self.asked.compare or ()) if at != place]
            lines.append(Line(one.name, one.total, one.buckets, self.asked.link(compare=others or None)))
        return lines

    @cached_property
    def highest(self) -> float:
        """The height that stands for all of the timeline's: articles, or their share."""
        shown = [self._value(bar) for line in self.lines for bar in line.bars]
        return max(shown, default=0.0) or 1.0

    def height(self, bar: Bucket) -> float:
        """The height of a bar, of 58 at most; what is not nothing is seen."""
        return max(1.0, round(58 * self._value(bar) / self.highest, 1)) if bar.count else 0.0

    def _value(self, bar: Bucket) -> float:
        return bar.share if self.asked.share else float(bar.count)

    @property
    def bars(self) -> Sequence[Bucket]:
        """The timeline's periods."""
        return () if self.timeline is None else self.timeline.buckets

    def filled(self, place: int) -> bool:
        """Whether a line has anything in a period."""
        return any(line.bars[place].count for line in self.lines)

    @property
    def more_compared(self) -> bool:
        """Whether there is room for another line."""
        return len(self.asked.compare or ()) < MOST_COMPARED

    def counted(self) -> Sequence[Facet]:
        """The facets that have a value."""
        return () if self.facets is None else [facet for facet in self.facets.facets if facet.values]


def page(archive: Archive, asked: Asked) -> Page:
    """What an address asks of an archive. Raises what ``Archive.search`` and ``Archive.get`` raise."""
    results = archive.search(**asked.searching())
    whole = asked.part == "page"
    return Page(
        asked=asked,
        results=results,
        chips=chips(asked),
        facets=archive.facets(**asked.matching(), fields=_FIELDS, limit=VALUES) if whole else None,
        timeline=timeline(archive, asked) if whole else None,
        opened=opened(archive, asked, results),
        stats=archive.stats() if whole and asked.blank else None,
    )


def timeline(archive: Archive, asked: Asked) -> Timeline | None:
    """The match set over time, in periods that make neither too many bars nor too few. Where a date far from all others
    would press these into a corner, it is left out, unless the address sets dates; None where no length fits."""
    matching = asked.matching() | {"compare": asked.compare}
    if asked.by is not None:
        return _counted(archive, matching, Period(asked.by))
    years = _counted(archive, matching, Period.YEAR)
    if years is None or not years.buckets:
        return years
    if asked.since is None and asked.until is None:
        first, last = _middle(years)
        if (first, last) != (0, len(years.buckets) - 1):
            since, until = years.buckets[first].start.isoformat(), years.buckets[last].end.isoformat()
            filters = replace(matching["filters"], since=since, until=until)
            matching["filters"] = filters
            years = _counted(archive, matching, Period.YEAR)
    for length in (Period.DAY, Period.WEEK, Period.MONTH):
        if years is None or len(years.buckets) * _IN_A_YEAR[length] > _MOST_BARS * 3:
            continue  # with years that are nearly empty at both ends, a third of it may be left
        finer = _counted(archive, matching, length)
        if finer is not None and len(finer.buckets) <= _MOST_BARS:
            return finer
    return years


def table(archive: Archive, asked: Asked, name: str) -> Iterable[tables.Row]:
    """The rows of the "timeline" as it is drawn, or of the "facets" with all their values. Raises UsageError where a
    timeline has too many periods."""
    if name == "facets":
        return tables.of_facets(archive.facets(**asked.matching(), fields=_FIELDS, limit=None))
    counted = timeline(archive, asked)
    if counted is None:
        raise UsageError("this has too many periods; ask for longer ones, or set dates").about("by")
    return tables.of_timeline(counted)


def _counted(archive: Archive, matching: dict[str, Any], length: Period) -> Timeline | None:
    """None where there would be more periods than are counted."""
    try:
        return archive.timeline(**matching, by=length)
    except QueryError:
        raise
    except UsageError:
        return None


def _middle(years: Timeline) -> tuple[int, int]:
    """The first and the last of the years that have all but a few of the articles of all lines: what stands far apart
    at either end, with one article in 200 at most, is not among them."""
    lines = (years.buckets, *(one.buckets for one in years.series))
    counts = [sum(bar.count for bar in bars) for bars in zip(*lines, strict=True)]
    most = sum(counts) // 200
    first, last = 0, len(counts) - 1
    return _inwards(counts, first, last, most), _inwards(counts, last, first, most)


def _inwards(years: Sequence[int], start: int, stop: int, most: int) -> int:
    """From an end of the years inwards: the place behind the last gap before which there is little."""
    step = 1 if stop >= start else -1
    passed, place = 0, start
    for at in range(start, stop, step):
        passed += years[at]
        if passed > most:
            break
        if not years[at + step]:
            continue
        if not years[at] or passed <= most // 4:
            place = at + step
    return place


def chips(asked: Asked) -> list[Chip]:
    """The conditions of a search in words, those of its query and then its filters."""
    now = datetime.now(UTC)
    if asked.as_of is not None:
        now = language.instant(asked.as_of, now)
    found = []
    if asked.q.strip() and not asked.literal:
        query = language.parse(asked.q, now=now)
        found = [
            Chip(one.words, None if one.without is None else asked.link(q=one.without)) for one in removable(query, now)
        ]
    for name, value in asked.fields().items():
        if name in ("from", "to"):
            found.append(Chip(f"{'since' if name == 'from' else 'until'} {value}", asked.link(**{name: None})))
        elif name in ("source", "author", "section", "language"):
            for each in value:
                left = [other for other in value if other != each]
                found.append(Chip(f"{name} {each}", asked.link(**{name: left or None})))
        elif name == "as_of":
            found.append(Chip(f"as of {value}", asked.link(as_of=None)))
    return found


def opened(archive: Archive, asked: Asked, results: Results) -> Opened | None:
    """The article that an address opens, with the query's marks."""
    if asked.open is None:
        return None
    article = archive.get(asked.open)
    highlights = archive.marks(asked.open, asked.q, literal=asked.literal) if asked.q.strip() else ()
    furniture = [(one.start, one.end) for one in archive.furniture(asked.open)]
    story = archive.story(asked.open, as_of=asked.as_of, limit=_COPIES)
    ids = [hit.article.id for hit in results.hits]
    place = ids.index(article.id) if article.id in ids else None
    before = after = best = None
    if place is not None:
        before = asked.link(open=ids[place - 1]) if place else None
        after = asked.link(open=ids[place + 1]) if place + 1 < len(ids) else None
        best = next(((one.start, one.end) for one in results.hits[place].passages), None) if asked.q.strip() else None
    return Opened(
        article=article,
        pages=pages_between(article, 0, len(article.text)),
        paragraphs=list(paragraphs(article.text, highlights, furniture, best)),
        furniture=len(furniture),
        highlights=highlights,
        citations=[(name, style(article)) for name, style in STYLES.items()],
        story=story if story.total > 1 else None,
        related=related(archive, asked),
        before=before,
        after=after,
    )


def related(archive: Archive, asked: Asked) -> Related | None:
    """What an address asks of the subject of the article that it opens."""
    if asked.open is None or asked.related is None:
        return None
    find = archive.similar if asked.related == "similar" else archive.background
    return find(asked.open, as_of=asked.as_of, limit=_RELATED)
