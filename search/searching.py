"""The search pipeline over one snapshot: constraints become a mask, both legs rank under it, ranking joins them."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import hits as presentation
from search import query as language
from search import ranking
from search.errors import ArchiveDamaged, ArticleNotFound, ModeError, UsageError
from search.keyword import Bm25Settings, KeywordIndex, KeywordView
from search.query import ParsedQuery
from search.query_vectors import QueryVectors
from search.records import Article, Copies, Filters, Fusion, Highlight, Hit, Mode, Passage, Results, Sort
from search.storage.catalog import Catalog
from search.storage.columns import MISSING_INSTANT, instant
from search.storage.segments import KEYWORD, VECTORS
from search.storage.snapshot import Snapshot
from search.vector import VectorIndex

POOL = 1000  # groups that a relevance ranking is made of, whatever the limit
_MICROSECOND = 1_000_000
_BEYOND = {
    Mode.KEYWORD: "have some of them",
    Mode.VECTOR: "are near in meaning",
    Mode.HYBRID: "have some of them, or are near in meaning",
}

Ordinals = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that shapes an answer."""

    query: str
    limit: int = 10
    offset: int = 0
    mode: Mode = Mode.AUTO
    filters: Filters | None = None
    recency: str | None = None
    as_of: str | datetime | None = None
    sort: Sort = Sort.RELEVANCE
    copies: Copies = Copies.COLLAPSE
    diversity: float = 0.0
    fusion: Fusion = Fusion.DBSF
    weight: float = 0.5
    passages: int = 1
    snippets: bool = True
    explain: bool = False
    literal: bool = False
    cursor: str | None = None

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        for name, least in (("limit", 1), ("offset", 0), ("passages", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be {least} or more, not {getattr(self, name)}")
        for name in ("weight", "diversity"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if self.recency is not None:
            language.duration(self.recency)  # refused in every order, not only where it counts

    def fingerprint(self) -> str:
        """What two pages of one list have in common."""
        same = [
            (f.name, repr(getattr(self, f.name))) for f in fields(self) if f.name not in ("offset", "cursor", "limit")
        ]
        return hashlib.blake2b(repr(same).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates in final order, with their scores and, for relevance, what these are made of."""

    ordinals: Ordinals
    fused: ranking.Fused | None
    positions: NDArray[np.int64]


class Searcher:
    """The two legs over one snapshot. Shared by threads: nothing in it changes but caches.

    ``queries`` encodes queries as the snapshot's passages are."""

    def __init__(self, snapshot: Snapshot, catalog: Catalog, bm25: Bm25Settings, queries: QueryVectors) -> None:
        self.snapshot = snapshot
        self.queries = queries
        self.columns = snapshot.columns
        self._catalog = catalog
        self.keyword = KeywordIndex(snapshot.parts.get(KEYWORD, []), snapshot.columns, bm25)
        self.vectors: VectorIndex | None = None
        if VECTORS in snapshot.parts:
            self.vectors = VectorIndex(snapshot.parts[VECTORS], snapshot.sizes)
        self._live_view: KeywordView | None = None

    def view(self, visible: Mask) -> KeywordView:
        """Keyword statistics over the visible articles; kept for the usual case that all live ones are."""
        if visible is not self.snapshot.live:
            return self.keyword.at(visible)
        if self._live_view is None:
            self._live_view = self.keyword.at(visible)
        return self._live_view

    def visible(self, as_of: datetime | None) -> Mask:
        """The live articles published by then."""
        if as_of is None:
            return self.snapshot.live
        published = self.columns.published
        seen: Mask = self.snapshot.live & (published <= instant(as_of)) & (published != MISSING_INSTANT)
        return seen

    def ordinal(self, article_id: str) -> int | None:
        """The ordinal of the live article of this id."""
        found = self.columns.find([article_id])
        found = found[self.snapshot.live[found]]
        return int(found[0]) if len(found) else None

    def article(self, article_id: str) -> tuple[int, Article]:
        """Ordinal and record of the live article of this id. Raises ArticleNotFound."""
        ordinal = self.ordinal(article_id)
        if ordinal is not None:
            row = int(self.columns.rows[ordinal])
            if (article := self._catalog.articles([row]).get(row)) is not None:
                return ordinal, article
        raise ArticleNotFound(f"no article has the id {article_id!r}")

    def mode(self, asked: Mode) -> Mode:
        """The mode that answers. Raises ModeError where the archive has no vectors for it."""
        if self.vectors is not None:
            return Mode.HYBRID if asked is Mode.AUTO else asked
        if asked in (Mode.HYBRID, Mode.VECTOR) and len(self.columns):
            raise ModeError(
                f"this archive has no vectors, so mode {asked.value!r} cannot be served; use --mode keyword"
            )
        return Mode.KEYWORD

    def parse(self, request: Request) -> tuple[ParsedQuery, datetime | None, datetime]:
        """The parsed query, the as-of instant (None: none asked for) and the present that its dates are relative to."""
        present = datetime.now(UTC)
        as_of = request.as_of
        if as_of is not None and not isinstance(as_of, datetime):  # a day means its end
            as_of = language.instant(str(as_of), present)
        elif as_of is not None and as_of.tzinfo is None:
            as_of = as_of.replace(tzinfo=UTC)
        now = present if as_of is None else as_of
        parsed = language.parse(request.query, now=now, literal=request.literal, filters=request.filters)
        return parsed, as_of, now

    def match(self, parsed: ParsedQuery, visible: Mask) -> Mask:
        """The match set: under the constraints, with all free words."""
        view = self.view(visible)
        found = visible if parsed.constraint is None else view.match(parsed.constraint)
        return found & view.match_words(parsed.words) if parsed.words else found

    def search(self, request: Request) -> Results:
        """Answer a request."""
        began = time.perf_counter()
        request.check()
        mode = self.mode(request.mode)
        parsed, as_of, now = self.parse(request)
        request = self._resume(request)
        visible = self.visible(as_of)
        view = self.view(visible)
        mask = visible if parsed.constraint is None else view.match(parsed.constraint)
        matched = mask & view.match_words(parsed.words) if parsed.words else mask
        total = int(np.count_nonzero(matched))
        vector = None
        if request.sort is not Sort.RELEVANCE or not parsed.scoring_words:
            ranked = self._by_date(matched, request.sort is Sort.OLDEST, request.offset + request.limit)
        else:
            if request.offset + request.limit > POOL:
                raise UsageError(
                    f"a ranking is {POOL} hits deep; for more, use --sort newest (by date), or narrow the query"
                )
            if mode is not Mode.KEYWORD:
                assert self.vectors is not None
                self.vectors.prepare()
                vector = self.queries.vector(parsed.encoder_text)
            ranked = self._by_relevance(request, mode, parsed, view, mask, matched, vector, now)
        page = slice(request.offset, request.offset + request.limit)
        found = self._present(request, parsed, view, ranked, page, matched, vector)
        more = (total if ranked.fused is None else len(ranked.ordinals)) > page.stop
        return Results(
            query=request.query,
            mode=mode,
            total=total,
            took_ms=round((time.perf_counter() - began) * 1000, 3),
            hits=found,
            did_you_mean=self._suggest(parsed, view),
            cursor=self._cursor(request, page.stop) if more else None,
            notes=self._notes(parsed, mode, total, found, as_of, request),
        )

    def _by_date(self, mask: Mask, oldest: bool, depth: int) -> _Ranked:
        """The first ``depth`` by date; articles without one come last either way."""
        ordinals = np.flatnonzero(mask)
        published = self.columns.published[ordinals]
        if oldest:
            published = np.where(published == MISSING_INSTANT, MISSING_INSTANT, -published)
        if len(ordinals) > depth:  # no need to order what is not shown, nor to read its ids
            last = np.partition(published, len(published) - depth)[len(published) - depth]
            ordinals, published = ordinals[published >= last], published[published >= last]
        found = ranking.order(np.zeros(len(ordinals)), published, lambda tied: self.columns.ids(ordinals[tied]))
        return _Ranked(ordinals[found[:depth]], None, found[:depth])

    def _by_relevance(
        self,
        request: Request,
        mode: Mode,
        parsed: ParsedQuery,
        view: KeywordView,
        mask: Mask,
        matched: Mask,
        vector: NDArray[np.float32] | None,
        now: datetime,
    ) -> _Ranked:
        words = parsed.scoring_words
        size = int(np.count_nonzero(mask))
        by_words: Ordinals = np.empty(0, np.int64)
        word_scores = np.empty(0, np.float32)
        if mode is not Mode.VECTOR:
            by_words, word_scores = view.rank(words, mask, None, POOL)
        if vector is None or self.vectors is None:
            by_words, word_scores = self._with_matched(by_words, word_scores, matched)
            ordinals = by_words
            fused = ranking.alone("keyword", word_scores)
        else:
            by_meaning, cosines = self.vectors.rank(vector, mask, None, POOL)
            if mode is Mode.VECTOR:
                ordinals, fused = by_meaning, ranking.alone("vector", cosines)
            else:
                ordinals = _union(by_words, by_meaning)
                keyword_scores = _completed(ordinals, by_words, word_scores, partial(view.score, words))
                keyword = ranking.Leg(keyword_scores, word_scores, size, keyword_scores > 0)
                all_cosines = _completed(ordinals, by_meaning, cosines, partial(self.vectors.score, vector))
                meaning = ranking.Leg(all_cosines, cosines, size)
                fused = ranking.fuse(meaning, keyword, method=request.fusion, weight=request.weight)
        if request.recency is not None:
            half_life = language.duration(request.recency)
            factors = ranking.recency_factors(
                self.columns.published[ordinals], instant(now), int(half_life.total_seconds() * _MICROSECOND)
            )
            fused = ranking.apply_recency(fused, factors)
        diverse = request.diversity > 0 and vector is not None and self.vectors is not None
        shown = None if diverse else request.offset + request.limit
        found = ranking.order(
            fused.scores, self.columns.published[ordinals], lambda tied: self.columns.ids(ordinals[tied]), shown
        )[:POOL]
        if diverse:
            assert vector is not None
            assert self.vectors is not None
            vectors = self.vectors.representatives(vector, ordinals[found])
            found = found[ranking.diversify(fused.scores[found], vectors, request.diversity)]
        return _Ranked(ordinals[found], fused, found)

    def _with_matched(
        self, ordinals: Ordinals, scores: NDArray[np.float32], matched: Mask
    ) -> tuple[Ordinals, NDArray[np.float32]]:
        """The ranked articles, then those of the match set that no scoring word led to (``benhada~``), the newest."""
        if len(ordinals) >= POOL:
            return ordinals, scores
        rest = matched.copy()
        rest[ordinals] = False
        more = self._by_date(rest, False, POOL - len(ordinals)).ordinals
        return np.append(ordinals, more), np.append(scores, np.zeros(len(more), np.float32))

    def _present(
        self,
        request: Request,
        parsed: ParsedQuery,
        view: KeywordView,
        ranked: _Ranked,
        page: slice,
        matched: Mask,
        vector: NDArray[np.float32] | None,
    ) -> tuple[Hit, ...]:
        ordinals = ranked.ordinals[page]
        rows = self.columns.rows[ordinals]
        articles = self._catalog.articles(rows.tolist())
        words = parsed.scoring_words
        near: list[Any] = [None] * len(ordinals)
        if self.vectors is not None and request.passages and len(ordinals):
            if vector is not None:
                near = self.vectors.best_passages(vector, ordinals, request.passages)
            else:
                near = self.vectors.passages(ordinals)
        found = []
        for place, (ordinal, row) in enumerate(zip(ordinals.tolist(), rows.tolist(), strict=True)):
            article = articles.get(row)
            if article is None:  # purged while this snapshot was open
                continue
            passages: tuple[Passage, ...] = ()
            if not request.passages:
                pass
            elif vector is not None:
                passages = presentation.passages_by_meaning(article, near[place] or ())
            else:
                spans = near[place] if near[place] is not None else presentation.plain_spans(article.text)
                passages = presentation.passages_by_words(article, spans, words, request.passages)
            for passage in passages:
                if passage.end > len(article.text):
                    raise ArchiveDamaged(f"a passage of {article.id!r} lies outside its text; run 'broadsheet doctor'")
            text, marks = "", tuple[Highlight, ...]()
            if request.snippets:
                text, marks = presentation.snippet(article, passages[0] if passages else None, words)
            explanation = None
            score = 0.0
            if ranked.fused is not None:
                position = int(ranked.positions[page][place])
                score = float(ranked.fused.scores[position])
                if request.explain:
                    terms = view.explain(words, ordinal) if "keyword" in ranked.fused.details else None
                    explanation = ranking.explain(ranked.fused, position, terms)
            found.append(
                Hit(
                    rank=page.start + place + 1,
                    score=score,
                    article=article,
                    matched=bool(matched[ordinal]),
                    passages=passages,
                    snippet=text,
                    highlights=marks,
                    explain=explanation,
                )
            )
        return tuple(found)

    def _suggest(self, parsed: ParsedQuery, view: KeywordView) -> str | None:
        """The query with each free word that the archive does not know replaced, or None."""
        changes = {word: view.suggest(word) for word in dict.fromkeys(parsed.words)}
        text = parsed.text
        for word, better in changes.items():
            if better is not None:  # free words alone: not inside other words, quotation marks, fields or patterns
                alone = rf"""(?<![\w:"'-]){re.escape(word)}(?![\w:"'*?~-])"""
                text = re.sub(alone, better.replace("\\", r"\\"), text)
        return text if text != parsed.text else None

    def _notes(
        self,
        parsed: ParsedQuery,
        mode: Mode,
        total: int,
        found: tuple[Hit, ...],
        as_of: datetime | None,
        request: Request,
    ) -> tuple[str, ...]:
        notes = list(parsed.notes)
        if request.mode is Mode.AUTO and self.vectors is None and len(self.columns):
            notes.append("this archive has no vectors: ranked by words alone")
        if parsed.words and not total and found:
            notes.append(f"no article has all the words; these {_BEYOND[mode]}")
        if as_of is not None:
            undated = self.snapshot.live & (self.columns.published == MISSING_INSTANT)
            hidden = int(np.count_nonzero(undated))
            if hidden:
                notes.append(f"{hidden:,} articles without a date are hidden by --as-of")
        return tuple(notes)

    def _cursor(self, request: Request, position: int) -> str:
        raw = f"{self.snapshot.commit}:{request.fingerprint()}:{position}"
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    def _resume(self, request: Request) -> Request:
        if request.cursor is None:
            return request
        try:
            raw = base64.urlsafe_b64decode(request.cursor + "=" * (-len(request.cursor) % 4)).decode()
            commit, fingerprint, position = raw.split(":")
            offset = int(position)
            expired = int(commit) != self.snapshot.commit
            if offset < 0:
                raise ValueError
        except ValueError:
            raise UsageError("this cursor is not one that a search gave") from None
        if fingerprint != request.fingerprint():
            raise UsageError("this cursor belongs to another query; ask that query, or start without a cursor")
        if expired:
            raise UsageError("the archive has changed since this cursor was given; start again without a cursor")
        return replace(request, offset=offset)


def _union(first: Ordinals, second: Ordinals) -> Ordinals:
    """The ordinals of both, ascending, each once; none stands twice in either."""
    both = np.sort(np.concatenate((first, second)))
    repeated = both[1:] == both[:-1]
    return np.delete(both, np.flatnonzero(repeated)) if repeated.any() else both


def _completed(
    ordinals: Ordinals,
    ranked: Ordinals,
    scores: NDArray[np.float32],
    score: Callable[[Ordinals], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """One leg's score of each of ``ordinals``, ascending: those that it ranked have theirs, the rest are asked for."""
    found = np.empty(len(ordinals), np.float32)
    missing = np.ones(len(ordinals), np.bool_)
    places = ordinals.searchsorted(ranked)
    found[places] = scores
    missing[places] = False
    found[missing] = score(ordinals[missing])
    return found
