"""The search pipeline over one snapshot: constraints become a mask, both legs rank under it, ranking joins them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import query as language
from search.engine import hits as presentation
from search.engine import ranking
from search.engine.query_vectors import QueryVectors
from search.engine.rank import POOL, Mask, Ranked, Relevance, by_date
from search.engine.request import Request
from search.errors import ArchiveDamaged, ArticleNotFound, ModeError, UsageError
from search.keyword import Bm25Settings, KeywordIndex, KeywordView
from search.query import ParsedQuery
from search.records import Article, Highlight, Hit, Mode, Passage, Results, Sort
from search.storage.catalog import Catalog
from search.storage.columns import MISSING_INSTANT, instant
from search.storage.segments import KEYWORD, VECTORS
from search.storage.snapshot import Snapshot
from search.vector import VectorIndex

_BEYOND = {
    Mode.KEYWORD: "have some of them",
    Mode.VECTOR: "are near in meaning",
    Mode.HYBRID: "have some of them, or are near in meaning",
}

Ordinals = NDArray[np.int64]


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
        request = request.resumed(self.snapshot.commit)
        visible = self.visible(as_of)
        view = self.view(visible)
        mask = visible if parsed.constraint is None else view.match(parsed.constraint)
        matched = mask & view.match_words(parsed.words) if parsed.words else mask
        total = int(np.count_nonzero(matched))
        vector = None
        if request.sort is not Sort.RELEVANCE or not parsed.scoring_words:
            ranked = by_date(self.columns, matched, request.sort is Sort.OLDEST, request.offset + request.limit)
        else:
            if request.offset + request.limit > POOL:
                raise UsageError(
                    f"a ranking is {POOL} hits deep; for more, use --sort newest (by date), or narrow the query"
                )
            if mode is not Mode.KEYWORD:
                assert self.vectors is not None
                self.vectors.prepare()
                vector = self.queries.vector(parsed.encoder_text)
            ranked = Relevance(
                request=request,
                mode=mode,
                words=parsed.scoring_words,
                view=view,
                columns=self.columns,
                mask=mask,
                matched=matched,
                vector=vector,
                vectors=self.vectors,
                now=now,
            ).ranked()
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
            cursor=request.next_page(self.snapshot.commit, page.stop) if more else None,
            notes=self._notes(parsed, mode, total, found, as_of, request),
        )

    def _present(
        self,
        request: Request,
        parsed: ParsedQuery,
        view: KeywordView,
        ranked: Ranked,
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
