"""A receipt of an answer: what was asked, of what, and what came out, all of one commit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np

from search import deadline, query
from search._version import __version__
from search.engine import lenient, versions
from search.engine.legs import Ordinals
from search.engine.periods import count_dates
from search.engine.receipts.asking import Asked
from search.engine.settings import Settings
from search.engine.view import Scope, View
from search.engine.watch import Watch, unwatched
from search.errors import ArchiveDamaged
from search.records import Answer, Article, Copies, Detect, Facets, Period, Timeline
from search.records.receipts import CopiesRule, Held, Matches, Outcome, Ranking, Receipt, Stages
from search.storage.columns import MISSING_DAY
from search.storage.contents import Contents, weight

MOST = 5_000
"""Matches that are kept by id, with a fingerprint of each: some 60 bytes of JSON a match."""
SOURCES = 50
_AT_ONCE = 500

Answering = Callable[[View, Asked, Watch], Any]
"""What answers a question: ``rag.answers.answer``."""


class Asking(NamedTuple):
    """An archive, by its name and its settings, and what answers its questions."""

    name: str
    settings: Settings
    answer: Answering


def make(view: View, asking: Asking, asked: Asked, made: datetime | None = None, watch: Watch = unwatched) -> Receipt:
    """Answer, and say of what. ``made`` is what dates and ages are relative to; None is now."""
    made = datetime.now(UTC).replace(microsecond=0) if made is None else made
    asked = asked._replace(request=replace(asked.request.resumed(view.snapshot.commit), cursor=None, now=made))
    answer = asking.answer(view, asked, watch)
    with watch("receipt"):
        return _receipt(view, asking, asked, made, answer)


def _receipt(view: View, asking: Asking, asked: Asked, made: datetime, answer: Any) -> Receipt:
    request = asked.request
    if asked.of is Answer.CONTEXT:  # a question is no query: its words are looked for as they stand
        request = replace(request, query=lenient.beginning(request.query), literal=True, detect=Detect.OFF)
    plan = view.plan(request)
    scope = view.match(plan)
    groups = view.groups(scope.visible)
    by_source = view.count_names(("source",), scope.matched, SOURCES)
    by_year = count_dates(view.by_day(scope.matched), Period.YEAR, None)
    outcome, shown = _outcome(view, asked.of, answer)
    return Receipt(
        of=asked.of,
        made=made,
        version=__version__,
        query=asked.request.query,
        read=query.describe(plan.query),
        settings=asked.kept(),
        mode=str(answer.mode) if asked.of in (Answer.SEARCH, Answer.CONTEXT) else None,
        notes=tuple(answer.notes),
        archive=_held(view, asking),
        ranking=_ranking(view, asking.settings),
        copies=_rule(asked, asking.settings),
        stages=Stages(
            visible=int(np.count_nonzero(scope.visible)),
            constrained=int(np.count_nonzero(scope.mask)),
            matched=scope.total,
            stories=None if groups is None else groups.count(scope.matched),
            answered=len(answer) if asked.of in (Answer.SEARCH, Answer.CONTEXT) else None,
        ),
        sources=by_source.distinct,
        by_source=dict(by_source.values),
        undated=by_year.none,
        by_year=dict(sorted(by_year.values)),
        outcome=outcome,
        matches=_matches(view, scope, shown),
        answer=answer,
    )


def _held(view: View, asking: Asking) -> Held:
    days = view.columns.day[view.snapshot.live]
    dated = days[days != MISSING_DAY]
    return Held(
        name=asking.name,
        identity=asking.settings.identity,
        commit=view.snapshot.commit,
        digest=view.contents.digest,
        articles=len(days),
        undated=len(days) - len(dated),
        first=_day(dated.min(initial=np.iinfo(np.int32).max)) if len(dated) else None,
        last=_day(dated.max()) if len(dated) else None,
        last_row=int(view.columns.rows[-1]) if len(view.columns) else 0,
    )


def _day(ordinal: Any) -> date:
    try:
        return date.fromordinal(int(ordinal))
    except (ValueError, OverflowError) as error:
        raise ArchiveDamaged("a columns part has days that no calendar has; run 'broadsheet doctor'") from error


def _ranking(view: View, settings: Settings) -> Ranking:
    return Ranking(
        analysis=settings.analysis,
        language=settings.language,
        bm25=asdict(settings.ranking),
        model=view.queries.identity if view.vectors is not None else None,
    )


def _rule(asked: Asked, settings: Settings) -> CopiesRule:
    known = settings.stories
    collapsed = asked.request.copies is Copies.COLLAPSE
    return CopiesRule(
        choice=asked.request.copies,
        shown=asked.request.shown if collapsed and asked.of is Answer.SEARCH else None,
        prefer=tuple(asked.request.prefer or ()) if collapsed else (),
        version=None if known is None else known.version,
        window=None if known is None else known.window,
    )


def _outcome(view: View, of: Answer, answer: Any) -> tuple[Outcome, list[str]]:
    """The answer in one digest, and the ids of its articles."""
    if of is Answer.FACETS:
        return Outcome(digest=_digest(_counts(answer)), ids=()), []
    if of is Answer.TIMELINE:
        return Outcome(digest=_digest(_periods(answer)), ids=()), []
    if of is Answer.CONTEXT:
        ids = [passage.article_id for passage in answer]
        prints = fingerprints(view, view.columns.find(ids))
        places: Any = [[one.article_id, one.start, one.end, prints.get(one.article_id)] for one in answer]
    else:
        ids = [hit.article.id for hit in answer]
        places = [[hit.article.id, fingerprint(hit.article)] for hit in answer]
    return Outcome(digest=_digest(places), ids=tuple(dict.fromkeys(ids))), ids


def _counts(facets: Facets) -> Any:
    return [
        facets.total,
        facets.stories,
        [
            [facet.field, facet.distinct, facet.none, [[v.value, v.count] for v in facet.values]]
            for facet in facets.facets
        ],
    ]


def _periods(timeline: Timeline) -> Any:
    lines = [("", timeline.total, timeline.undated, timeline.buckets)]
    lines += [(series.name, series.total, series.undated, series.buckets) for series in timeline.series]
    return [
        [name, total, undated, [[bucket.label, bucket.count, bucket.articles] for bucket in buckets]]
        for name, total, undated, buckets in lines
    ]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


def _matches(view: View, scope: Scope, shown: Iterable[str]) -> Matches:
    complete = scope.total <= MOST
    ordinals = np.flatnonzero(scope.matched)
    listed = ordinals
    if not complete:
        listed = view.columns.find(shown)
        listed = listed[view.snapshot.live[listed]]
    return Matches(digest=digest_of(view, ordinals), complete=complete, articles=fingerprints(view, listed))


def digest_of(view: View, ordinals: Ordinals) -> str:
    """One digest for the ids of some articles, whatever their order."""
    total = Contents()
    for start in range(0, len(ordinals), 10 * _AT_ONCE):
        deadline.check()
        ids = view.columns.ids(ordinals[start : start + 10 * _AT_ONCE].tolist())
        total = total.changed(1, (weight(one, b"") for one in ids))
    return total.digest


def fingerprints(view: View, ordinals: Ordinals) -> dict[str, str]:
    """The fingerprint of each of some articles by its id; dead ones are left out."""
    ordinals = ordinals[view.snapshot.live[ordinals]]
    found = {}
    for start in range(0, len(ordinals), _AT_ONCE):
        deadline.check()
        articles = view.articles(ordinals[start : start + _AT_ONCE])
        found.update({article.id: fingerprint(article) for article in articles if article is not None})
    return found


def fingerprint(article: Article) -> str:
    """16 hexadecimal digits that differ where an article says something else, wherever it was read from."""
    return versions.digest(article)[:8].hex()
