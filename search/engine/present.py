"""From articles in order to what is shown of them: hits with passages and snippets, and what is to be said of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from search.engine import excerpts, quota, ranking, sides
from search.engine.legs import Ordinals
from search.engine.plan import Plan, Preferred, named_in
from search.engine.rank import RERANKED, Ranked
from search.engine.remarks import remarks, suggestion
from search.engine.stories.shown import of_copies
from search.engine.stories.shown import shown as shown_of
from search.engine.view import Scope, View
from search.engine.watch import Watch, unwatched
from search.errors import ArchiveDamaged
from search.keyword.sentences import Sentences
from search.records import Article, Copy, Highlight, Hit, Mode, Passage, Results
from search.storage.columns import MISSING_DAY
from search.text.stretches import Spans

_BEYOND = {
    Mode.KEYWORD: "have some of them",
    Mode.VECTOR: "are near in meaning",
    Mode.HYBRID: "have some of them, or are near in meaning",
}
Marked = tuple[str, tuple[Highlight, ...]]
Known = Sequence[Sentences | None]


def present(view: View, plan: Plan, scope: Scope, ranked: Ranked, watch: Watch = unwatched) -> Results:
    """The page that a plan asks for. Raises ArchiveDamaged for passages that are not in their article."""
    request, sought = plan.request, excerpts.Sought.of(plan.query, view.analysis)
    with watch("stories"):
        ordinals = shown_of(view, plan, scope, ranked.ordinals[plan.page])
    with watch("articles"):
        articles = view.filed(ordinals, view.articles(ordinals))
    with watch("passages"):
        known: Known = [None] * len(articles)
        if request.snippets or request.passages:
            known = sentences_of(scope, ordinals, sought)
        passages = passages_of(view, ranked, ordinals, articles, sought, known, request.passages)
    with watch("snippets"):
        snippets: list[Marked] = [("", ())] * len(articles)
        if request.snippets:
            left_out = view.furniture(ordinals, articles)
            snippets = [_snippet(*shown, sought) for shown in zip(articles, passages, known, left_out, strict=True)]
    with watch("explain"):
        scores, explanations = _scores(view, plan, scope, ranked, ordinals)
    shown = tuple(
        Hit(
            rank=plan.page.start + place + 1,
            score=scores[place],
            article=article,
            matched=bool(scope.matched[ordinals[place]]),
            passages=passages[place],
            copies=_copies(view, scope, int(ordinals[place])),
            snippet=snippets[place][0],
            highlights=snippets[place][1],
            explain=explanations[place],
        )
        for place, article in enumerate(articles)
        if article is not None
    )
    with watch("suggest"):
        did_you_mean, spellings = suggestion(view, plan, scope) if request.snippets else (None, [])
    stories = scope.stories
    passed: Mapping[str, int] = {}
    if ranked.passed_over is not None:
        passed = quota.counts(ranked.passed_over, plan.page.stop, view.source_numbers[1])
    return Results(
        query=request.query,
        mode=plan.mode,
        total=scope.total,
        stories=stories,
        took_ms=plan.took_ms(),
        hits=shown,
        did_you_mean=did_you_mean,
        cursor=request.next_page(view.snapshot.commit, plan.page.stop) if ranked.more else None,
        notes=(*_notes(view, plan, scope, ranked, shown), *_passed_over(plan, ranked, passed), *spellings),
        passed_over=passed,
    )


def sentences_of(scope: Scope, ordinals: Ordinals, sought: excerpts.Sought) -> Known:
    """The sentences of some articles, and where the words of a query stand in them, as far as the index knows."""
    return scope.words.sentences(sought.every if sought.conditions else sought.words, ordinals)


def passages_of(
    view: View,
    ranked: Ranked,
    ordinals: Ordinals,
    articles: Sequence[Article | None],
    sought: excerpts.Sought,
    known: Known,
    count: int,
) -> list[tuple[Passage, ...]]:
    """The best passages of each article, ``count`` at most: the nearest in meaning where that was asked for, else those
    with the words."""
    vectors = view.vectors
    if not count or not len(ordinals):
        return [()] * len(ordinals)
    if ranked.vector is not None and vectors is not None:
        near = vectors.best_passages(ranked.vector, ordinals, count)
        passages = [
            () if article is None else excerpts.passages_by_meaning(article, spans)
            for article, spans in zip(articles, near, strict=True)
        ]
    else:
        passages = [
            () if article is None else excerpts.passages_by_words(article, spans, sought, count, sentences)
            for article, spans, sentences in zip(articles, view.passages(ordinals, articles, known), known, strict=True)
        ]
    for article, shown in zip(articles, passages, strict=True):
        if article is not None and any(passage.end > len(article.text) for passage in shown):
            raise ArchiveDamaged(f"a passage of {article.id!r} lies outside its text; run 'broadsheet doctor'")
    return passages


def _copies(view: View, scope: Scope, ordinal: int) -> tuple[Copy, ...]:
    """The other articles of a hit's story under the conditions, the earliest first."""
    if scope.groups is None:
        return ()
    members = scope.groups.members(ordinal, scope.mask)
    return copies_of(view, members[members != ordinal].tolist())


def copies_of(view: View, others: Sequence[int]) -> tuple[Copy, ...]:
    """What is told of some copies, the earliest first."""
    columns = view.columns
    found = []
    for other, name in zip(others, columns.ids(others) if others else [], strict=True):
        day = int(columns.day[other])
        published = None if day == MISSING_DAY else date.fromordinal(day)
        found.append(Copy(id=name, source=columns.name("source", other), published=published))
    return tuple(sorted(found, key=lambda copy: (copy.published or date.max, copy.source, copy.id)))


def _snippet(
    article: Article | None,
    passages: Sequence[Passage],
    known: Sentences | None,
    left_out: Spans,
    sought: excerpts.Sought,
) -> Marked:
    if article is None:
        return "", ()
    return excerpts.snippet(article, passages[0] if passages else None, sought, known, left_out)


def _scores(
    view: View, plan: Plan, scope: Scope, ranked: Ranked, shown: Ordinals
) -> tuple[list[float], list[dict[str, Any] | None]]:
    """The score of each article of the page, and what it is made of where that is asked for. Of a story it is the best
    copy's, whichever is ``shown``."""
    ordinals, fused = ranked.ordinals[plan.page].tolist(), ranked.fused
    if fused is None:
        return [0.0] * len(ordinals), [None] * len(ordinals)
    positions = ranked.positions[plan.page].tolist()
    explanations: list[dict[str, Any] | None] = [None] * len(ordinals)
    if plan.request.explain:
        for place, (ordinal, position) in enumerate(zip(ordinals, positions, strict=True)):
            legs: dict[str, dict[str, Any]] = {}
            if "keyword" in fused.details:
                legs["keyword"] = dict(scope.words.explain(ranked.scoring, ordinal))
            if ranked.vector is not None and view.vectors is not None:
                legs["vector"] = view.vectors.explain(ranked.vector, ordinal)
            why = ranking.explain(fused, position, **legs)
            if ranked.reranking is not None and plan.page.start + place < len(ranked.reranking.scores):
                why["rerank"] = ranked.reranking.explain(plan.page.start + place)
            if shown[place] != ordinal:
                (why["copy"],) = view.columns.ids([ordinal])
            explanations[place] = why
    return [float(fused.scores[position]) for position in positions], explanations


def _notes(view: View, plan: Plan, scope: Scope, ranked: Ranked, shown: Sequence[Hit]) -> tuple[str, ...]:
    notes = list(plan.query.notes)
    if ranked.preferred:
        plain = "" if ranked.scoring == plan.query.scoring else ", and the date's words do not rank"
        notes.append(f"{named_in(ranked.preferred)}: such articles come higher{plain}, unless detect is off")
    notes += [_unmet(scope, one) for one in plan.preferred if one not in ranked.preferred]
    if plan.request.rerank is not None and len(ranked.ordinals):
        notes.append(_reranked(plan, ranked))
    notes += of_copies(view, plan, scope)
    if plan.request.mode is Mode.AUTO and view.vectors is None and len(view.columns):
        notes.append("this archive has no vectors: ranked by words alone")
    if plan.request.snippets:
        notes += sides.unmet(view, plan, scope, ranked.ordinals[plan.page])
    if plan.query.words and not scope.total and shown:
        notes.append(f"no article has all the words; these {_BEYOND[plan.mode]}")
    return (*notes, *remarks(view, plan, scope))


def _passed_over(plan: Plan, ranked: Ranked, passed: Mapping[str, int]) -> list[str]:
    """What is to be said of hits that were left out, as their sources have enough."""
    most = plan.request.per_source
    if most is None or ranked.passed_over is None or not passed or not plan.request.snippets:
        return []
    return [quota.told(most, passed, ranked.passed_over.every)]


def _reranked(plan: Plan, ranked: Ranked) -> str:
    """What is to be said of the cross-encoder that was asked for."""
    if ranked.reranking is not None:
        count, model = len(ranked.reranking.scores), ranked.reranking.model
        return f"the first {count:,} are in the order of {model}" if count > 1 else f"{model} had one article to order"
    if plan.page.start >= RERANKED:
        return f"only the first {RERANKED} are reranked, and these come after them"
    return "there are no words to rerank by"


def _unmet(scope: Scope, named: Preferred) -> str:
    """What is to be said of a source or a date that the query names and nothing that was found has."""
    nothing = "nothing that was found" if scope.words.match(named.node).any() else "no article"
    return f"{named_in([named])}, and {nothing} is of that"
