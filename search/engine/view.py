"""One commit to read: its columns, its two legs, and what a request means in it."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from search import query as language
from search.engine.counts import Counted, Spellings, count_names
from search.engine.excerpts import plain_spans
from search.engine.furniture import learning
from search.engine.furniture.part import Spans, opened
from search.engine.legs import Floats, Leg, Mask, Ordinals, VectorLeg
from search.engine.periods import ByDay, by_day
from search.engine.plan import Plan, Preferred, named_in
from search.engine.query_vectors import QueryVectors
from search.engine.ranking import DATE_PREFERENCE, PREFERENCE
from search.engine.request import Request
from search.engine.settings import RankingSettings
from search.engine.stories.groups import Groups, Stories
from search.engine.withdrawals import Withdrawals
from search.errors import ArchiveDamaged, ArticleNotFound, ModeError, QueryError, UsageError
from search.keyword import KeywordIndex, KeywordView
from search.keyword.analysis import ENGLISH, Analysis
from search.keyword.multilingual import EVERY
from search.keyword.part.write import codes_of
from search.keyword.rank.scoring import telling
from search.keyword.tree import Foreign, Listed, either, replaced
from search.query import ParsedQuery, named
from search.query.fields import value_key
from search.records import Article, Copies, Detect, Mode, Sort
from search.storage.catalog import Catalog
from search.storage.columns import MISSING_INSTANT, instant
from search.storage.segments import COLUMNS, FURNITURE, KEYWORD, STORIES, VECTORS
from search.storage.snapshot import Snapshot
from search.text.stretches import joined
from search.vector import VectorIndex

if TYPE_CHECKING:
    from search.keyword.sentences import Sentences
    from search.keyword.tally import Tally
    from search.records import Counts
    from search.storage.collections import Collections
    from search.storage.contents import Contents

_DAYS = 7  # masks whose articles by day are remembered beside the last: what a timeline of several lines asks of


class Scope(NamedTuple):
    """What a plan is about. ``visible``: the articles that there are for it; ``mask``: those of them under its
    constraints; ``matched``: those of these with all its words, ``total`` in number. All bool[N] over ordinals.
    ``words`` is the keyword leg over the visible ones. ``groups`` are the stories of these, where copies of one text
    are one hit."""

    visible: Mask
    mask: Mask
    matched: Mask
    total: int
    words: Leg
    groups: Groups | None = None

    @property
    def stories(self) -> int | None:
        """How many stories the match set tells, where copies of one text are one hit."""
        return None if self.groups is None else self.groups.count(self.matched)

    @property
    def group_ids(self) -> Ordinals | None:
        """int64[N]: the groups of which a leg gives the best article each; None for articles."""
        return None if self.groups is None else self.groups.ids


class View:
    """One commit to read. Shared by threads: nothing in it changes but caches.

    ``queries`` encodes queries as the commit's passages are; ``vectors`` is None for an archive without any.
    ``analysis`` says what its words are; ``spellings`` is what earlier commits' views have found of names, by the
    fields that they are in.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        catalog: Catalog,
        ranking: RankingSettings,
        queries: QueryVectors,
        spellings: dict[tuple[str, ...], Spellings],
        analysis: Analysis = ENGLISH,
    ) -> None:
        self.snapshot = snapshot
        self.ranking = ranking
        words = snapshot.parts.get(KEYWORD, [])
        self.analysis = analysis = analysis.among(code for part in words for code in codes_of(part))
        self.columns = snapshot.columns
        self.queries = queries
        for name in {name for entry in snapshot.entries for name in entry.parts} - {STORIES, FURNITURE} | {KEYWORD}:
            if snapshot.entries and name not in snapshot.parts:
                raise ArchiveDamaged(
                    f"a segment of {catalog.folder.path} has no part {name!r}, which others have or need; "
                    "'broadsheet doctor --repair' makes it again"
                )
        self.vectors: VectorLeg | None = None
        if VECTORS in snapshot.parts:
            self.vectors = VectorIndex(snapshot.parts[VECTORS], snapshot.sizes, ranking.lead)
        self._catalog = catalog
        self._spellings = spellings
        self._by_day: dict[bytes, ByDay] = {}
        for known in spellings.values():
            known.forget(snapshot.parts.get(COLUMNS, []))
        self._keyword = KeywordIndex(words, snapshot.columns, ranking, analysis)
        self._live_words: KeywordView = self._keyword.at(snapshot.live)

    def ranked_by(self, ranking: RankingSettings) -> View:
        """The same commit, ranked by other settings."""
        other = copy.copy(self)
        other.ranking = ranking
        if ranking.lead != self.ranking.lead and self.vectors is not None:
            other.vectors = VectorIndex(self.snapshot.parts[VECTORS], self.snapshot.sizes, ranking.lead)
        other._keyword = KeywordIndex(
            self.snapshot.parts.get(KEYWORD, []), self.snapshot.columns, ranking, self.analysis
        )
        other._live_words = other._keyword.at(self.snapshot.live)
        return other

    @property
    def subfields(self) -> frozenset[str]:
        """The sub-fields in which any article has words."""
        return self._keyword.subfields

    @cached_property
    def stories(self) -> Stories | None:
        """The links between copies; None where not all segments know theirs."""
        parts = self.snapshot.parts.get(STORIES)
        return None if parts is None and len(self.columns) else Stories(parts or [], self.columns)

    def groups(self, visible: Mask) -> Groups | None:
        """The stories of the visible articles; None where the archive knows none."""
        if visible is self.snapshot.live:
            return self._live_groups
        return None if self.stories is None else self.stories.groups(visible)

    @cached_property
    def _live_groups(self) -> Groups | None:
        return None if self.stories is None else self.stories.groups(self.snapshot.live)

    @cached_property
    def counts(self) -> Counts:
        """How many of the live articles the catalog has, and each leg. The catalog is asked once for each view."""
        from search.records import Counts  # few searches ask

        last = int(self.columns.rows[-1]) if len(self.columns) else 0
        vectors = None if self.vectors is None else self._covered(VECTORS, "passage_starts", 1)
        return Counts(
            catalog=self._catalog.count_at(self.snapshot.commit, last),
            keyword=self._covered(KEYWORD, "lengths", 0),
            vectors=vectors,
        )

    @cached_property
    def contents(self) -> Contents:
        """What the live articles are together, in one number. The catalog is asked once for each view."""
        last = int(self.columns.rows[-1]) if len(self.columns) else 0
        return self._catalog.contents_at(self.snapshot.commit, last)

    def _covered(self, name: str, array: str, more: int) -> int:
        """The live articles that the parts of a leg have rows of, counted by one of their arrays."""
        found, parts = 0, self.snapshot.parts.get(name, [])
        for base, size, part in zip(self.columns.bases.tolist(), self.snapshot.sizes, parts, strict=False):
            rows = len(part[array]) - more
            found += int(np.count_nonzero(self.snapshot.live[base : base + min(rows, size)])) + max(rows - size, 0)
        return found

    def plan(self, request: Request) -> Plan:
        """Read a request: the one place where a search reads text.

        Raises UsageError for a value out of range or a stale cursor, ModeError, and QueryError for what cannot be read.
        """
        began = time.perf_counter()
        request.check()
        mode = self.mode(request.mode)
        present = datetime.now(UTC) if request.now is None else request.now
        as_of = request.as_of
        if as_of is not None and not isinstance(as_of, datetime):  # a day means its end
            try:
                as_of = language.instant(str(as_of), present)
            except QueryError as error:
                raise QueryError(f"as_of: {error}", str(as_of), error.position).about("as_of") from None
        elif as_of is not None and as_of.tzinfo is None:
            as_of = as_of.replace(tzinfo=UTC)
        now = present if as_of is None else as_of
        where = None if request.where is None else Foreign(request.where)
        query = language.parse(request.query, now=now, literal=request.literal, filters=request.filters, where=where)
        query = self._with_collections(query)
        request = request.resumed(self.snapshot.commit)
        preferred = self._preferred(request, query, now)
        if request.detect is Detect.FILTER and preferred:
            note = f"{named_in(preferred)}: only such articles are searched, as detect is filter"
            rest = next((one.rest for one in preferred if one.rest is not None), query)
            query, preferred = rest.narrowed(*(one.node for one in preferred), notes=(note,)), ()
        return Plan(request=request, query=query, mode=mode, as_of=as_of, now=now, began=began, preferred=preferred)

    @property
    def collections(self) -> Collections:
        """The collections beside the archive, as they are now: they are of no commit."""
        from search.storage.collections import Collections  # few ask

        return Collections(self._catalog.folder.path)

    def _with_collections(self, query: ParsedQuery) -> ParsedQuery:
        """The query with the ids of the collections that it names. Raises QueryError for one that there is not."""
        if query.constraint is None:
            return query
        notes: list[str] = []

        def filled(node: Listed) -> Listed:
            try:
                ids = self.collections.ids(node.name)
            except UsageError as error:
                raise QueryError(str(error), query.text) from None
            missing = len(ids) - int(np.count_nonzero(self.snapshot.live[self.columns.find(ids)]))
            if missing:
                notes.append(f"{missing:,} of the {len(ids):,} articles of {node.name} are not in the archive any more")
            return Listed(node.name, ids)

        constraint = replaced(query.constraint, Listed, filled)
        return dataclasses.replace(query, constraint=constraint, notes=(*query.notes, *notes))

    def _preferred(self, request: Request, query: ParsedQuery, now: datetime) -> tuple[Preferred, ...]:
        """The sources and dates that the words of a query name, as conditions."""
        if request.detect is Detect.OFF or not query.words:
            return ()
        if request.detect is Detect.PREFER and request.sort is not Sort.RELEVANCE:  # by date nothing comes higher
            return ()
        mentions = named.find(query.encoder_text, self.sources, now, self.analysis.languages)
        sources = [node for one in mentions if isinstance(one, named.SourceMention) for node in one.conditions]
        days = [one for one in mentions if isinstance(one, named.DateMention)]
        dates = named.together([one.conditions for one in days])
        preferred = []
        if sources:
            nodes = tuple(dict.fromkeys(sources))
            preferred.append(Preferred(either(nodes), named.clause(nodes), PREFERENCE))
        if dates:
            rest = query.without((one.start, one.end) for one in days if one.dates_only)
            more = (
                rest.encoder_text
                and rest.scoring_words != query.scoring_words
                and telling(rest.scoring_words, self.analysis)
            )
            preferred.append(Preferred(either(dates), named.clause(dates), DATE_PREFERENCE, rest if more else None))
        return tuple(preferred)

    @cached_property
    def sources(self) -> named.SourceNames:
        """The names of the articles' sources, as texts are searched for them."""
        return named.SourceNames(self.columns.names("source"))

    @cached_property
    def source_numbers(self) -> tuple[Ordinals, Sequence[str]]:
        """int64[N]: the number of each article's source, -1 for none; and by number their names. Those that fold alike
        are one source, by the first of its spellings."""
        numbers: dict[str, int] = {}
        names: list[str] = []

        def number(name: str) -> int:
            if not name.strip():
                return -1
            found = numbers.setdefault(value_key(name) or name, len(names))
            if found == len(names):
                names.append(name)
            return found

        return self.columns.numbered("source", np.arange(len(self.columns)), number), names

    def match(self, plan: Plan) -> Scope:
        """What a plan is about. Raises QueryError for constraints that cannot be answered."""
        visible = self.visible(plan.as_of)
        words, query = self.words(visible), plan.query
        mask = visible if query.constraint is None else words.match(query.constraint)
        matched = mask & words.match_words(query.words) if query.words else mask
        groups = self.groups(visible) if plan.request.copies is Copies.COLLAPSE else None
        return Scope(visible, mask, matched, int(np.count_nonzero(matched)), words, groups)

    def mode(self, asked: Mode) -> Mode:
        """The mode that answers. Raises ModeError where the archive has no vectors for it."""
        if self.vectors is not None:
            return Mode.HYBRID if asked is Mode.AUTO else asked
        if asked in (Mode.HYBRID, Mode.VECTOR) and len(self.columns):
            raise ModeError(
                f"this archive has no vectors, so mode {asked.value!r} cannot be served; use --mode keyword"
            ).about("mode")
        return Mode.KEYWORD

    def words(self, visible: Mask) -> Leg:
        """The keyword leg, with its statistics over the visible articles."""
        return self._live_words if visible is self.snapshot.live else self._keyword.at(visible)

    def occurrences(self, visible: Mask) -> Ordinals:
        """int64: how often each term of the text occurs in the visible articles."""
        return self._live_occurrences if visible is self.snapshot.live else self.tally.counts(visible)[0]

    @cached_property
    def _live_occurrences(self) -> Ordinals:
        return self.tally.counts(self.snapshot.live)[0]

    @property
    def tally(self) -> Tally:
        """How often words occur, hidden articles included."""
        return self._keyword.tally

    def visible(self, as_of: datetime | None) -> Mask:
        """The live articles published by then."""
        if as_of is None:
            return self.snapshot.live
        published = self.columns.published
        seen: Mask = self.snapshot.live & (published <= instant(as_of)) & (published != MISSING_INSTANT)
        return seen

    def hidden(self, as_of: datetime | None) -> tuple[str, ...]:
        """What is to be said of articles that cannot be seen as of an instant, since they have no date."""
        undated = 0
        if as_of is not None:
            undated = int(np.count_nonzero(self.snapshot.live & (self.columns.published == MISSING_INSTANT)))
        if not undated:
            return ()
        articles = "1 article without a date is" if undated == 1 else f"{undated:,} articles without a date are"
        return (f"{articles} hidden by --as-of; without it, date:none finds such articles",)

    def count_names(
        self, fields: tuple[str, ...], mask: Mask, limit: int | None, stories: Groups | None = None
    ) -> Counted:
        """The articles of a mask, or their stories, by the names in some columns; see ``counts.count_names``."""
        spellings = self._spellings.setdefault(fields, Spellings(fields))
        return count_names(spellings, self.snapshot.parts.get(COLUMNS, []), mask, limit, stories)

    def by_day(self, mask: Mask) -> ByDay:
        """The articles of a mask by their days; the last masks' are remembered, since one request asks often."""
        key = np.packbits(mask).tobytes()
        counted = self._by_day.get(key)
        if counted is None:
            counted = by_day(self.columns.day, mask)
            self._by_day = {key: counted} | dict(list(self._by_day.items())[:_DAYS])
        return counted

    def whoosh(self) -> Any:
        """A stock Whoosh searcher over the live articles, whose document numbers are ordinals and whose stored fields
        are the articles' own."""
        from search.keyword import whoosh  # which takes a while to import

        return whoosh.searcher(self._live_words, self._stored)

    def _stored(self, ordinal: int) -> dict[str, Any]:
        """An article's fields as Whoosh keeps them: what there is none of is left out."""
        article = self.articles(np.array([ordinal]))[0]
        if article is None:
            return {}
        fields = {one.name: getattr(article, one.name) for one in dataclasses.fields(article)}
        fields["byline"] = " ".join((*article.authors, article.agency)).strip()
        return {name: value for name, value in fields.items() if value not in (None, "", ())}

    def encoded(self, text: str) -> Floats:
        """float32[d]: the vector of a query's text. Raises EncoderError and ArchiveMismatch."""
        if self.vectors is not None:
            self.vectors.prepare()
        return self.queries.vector(text)

    def ordinal(self, article_id: str) -> int | None:
        """The ordinal of the live article of this id."""
        ordinals = self.columns.find([article_id])
        ordinals = ordinals[self.snapshot.live[ordinals]]
        return int(ordinals[0]) if len(ordinals) else None

    def article(self, article_id: str) -> tuple[int, Article]:
        """Ordinal and record of the live article of this id. Raises ArticleNotFound, and UsageError for no text."""
        if not isinstance(article_id, str):
            raise UsageError(f"an article's id is text, not {type(article_id).__name__}")
        ordinal = self.ordinal(article_id)
        if ordinal is not None and (article := self.articles(np.array([ordinal]))[0]) is not None:
            return ordinal, article
        told = Withdrawals.kept(self._catalog).told(article_id)
        raise ArticleNotFound(f"no article has the id {article_id!r}" + (f"; {told}" if told else ""))

    def stretches(self, size: int = 500) -> Iterator[Ordinals]:
        """The live articles' ordinals, ascending, ``size`` at a time."""
        live = np.flatnonzero(self.snapshot.live)
        return (live[start : start + size] for start in range(0, len(live), size))

    def articles(self, ordinals: Ordinals) -> list[Article | None]:
        """The records of articles; None for one that was purged while this commit was read.

        Raises ArchiveDamaged for one that is lost.
        """
        rows = self.columns.rows[ordinals].tolist()
        records = self._catalog.articles(rows)
        if len(records) < len(set(rows)) and self._catalog.commit_number() == self.snapshot.commit:
            gone = next(row for row in rows if row not in records)
            raise ArchiveDamaged(f"the catalog has lost the record in its row {gone}; run 'broadsheet doctor'")
        return [records.get(row) for row in rows]

    def filed(self, ordinals: Ordinals, articles: Sequence[Article | None]) -> list[Article | None]:
        """Articles with the languages that they are filed under, where they declare none."""
        if self.analysis.stamp != EVERY.stamp:
            return list(articles)
        names = (self.columns.name("language", ordinal) for ordinal in ordinals.tolist())
        return [
            article
            if article is None or not name or name == article.language
            else dataclasses.replace(article, language=name)
            for article, name in zip(articles, names, strict=True)
        ]

    def passages(
        self, ordinals: Ordinals, articles: Sequence[Article | None], known: Sequence[Sentences | None] = ()
    ) -> list[list[tuple[int, int]]]:
        """The passages of each article as (start, end), in reading order: as they are embedded or, without vectors, as
        they are shown. ``known`` are the articles' sentences, as far as they were read before."""
        if self.vectors is not None:
            return self.vectors.passages(ordinals)
        left_out = self.furniture(ordinals, articles)
        return [
            [] if article is None else plain_spans(article.text, None if one is None else one.starts, blocks)
            for article, one, blocks in itertools.zip_longest(articles, known, left_out)
        ]

    def furniture(self, ordinals: Ordinals, articles: Sequence[Article | None]) -> list[list[tuple[int, int]]]:
        """What the sources of articles print under many, as (start, end) of whole sentences, joined where only white
        space stands between; as it was known when the articles' segments were written.

        Raises ArchiveDamaged where that is not in the text.
        """
        positions = np.searchsorted(self.columns.bases, ordinals, side="right") - 1
        places = (ordinals - self.columns.bases[positions]).tolist()
        found = []
        for position, place, article in zip(positions.tolist(), places, articles, strict=True):
            held = self.furniture_parts[position]
            spans = [] if held is None or article is None else held.of(place)
            if article is not None and spans and spans[-1][1] > len(article.text):
                raise ArchiveDamaged(
                    f"the furniture of {article.id!r} lies outside its text; 'broadsheet doctor --repair' finds it anew"
                )
            found.append(joined("" if article is None else article.text, spans))
        return found

    def furniture_of(self, articles: Sequence[Article]) -> list[list[tuple[int, int]]]:
        """The same of live articles, by their ids; nothing for one that is live no more."""
        ordinals = [self.ordinal(article.id) for article in articles]
        known = [(ordinal, article) for ordinal, article in zip(ordinals, articles, strict=True) if ordinal is not None]
        found = iter(self.furniture(np.array([one for one, _ in known], np.int64), [article for _, article in known]))
        return [[] if ordinal is None else next(found) for ordinal in ordinals]

    @cached_property
    def furniture_parts(self) -> list[Spans | None]:
        """The furniture of each segment's articles; None where it was never looked for, or is not left out."""
        parts = (learning.part_of(self.snapshot, position) for position in range(len(self.snapshot.entries)))
        return [None if part is None else opened(part) for part in parts]
