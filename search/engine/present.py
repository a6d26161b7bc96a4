"""From articles in order to what is shown of them: hits with passages and snippets, and what is to be said of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from search.engine import excerpts, ranking
from search.engine.legs import Ordinals
from search.engine.nearest import nearest
from search.engine.plan import Plan
from search.engine.rank import Ranked
from search.engine.view import Scope, View
from search.engine.watch import Watch, unwatched
from search.errors import ArchiveDamaged
from search.query import ParsedQuery
from search.records import Article, Highlight, Hit, Mode, Passage, Results
from search.storage.columns import MISSING_DAY

if TYPE_CHECKING:
    from search.keyword.tree import Value

_BEYOND = {
    Mode.KEYWORD: "have some of them",
    Mode.VECTOR: "are near in meaning",
    Mode.HYBRID: "have some of them, or are near in meaning",
}
Marked = tuple[str, tuple[Highlight, ...]]


def present(view: View, plan: Plan, scope: Scope, ranked: Ranked, watch: Watch = unwatched) -> Results:
    """The page that a plan asks for. Raises ArchiveDamaged for passages that are not in their article."""
    request, sought = plan.request, excerpts.Sought.of(plan.query)
    ordinals = ranked.ordinals[plan.page]
    with watch("articles"):
        articles = view.articles(ordinals)
    with watch("passages"):
        passages = _passages(view, plan, ranked, ordinals, articles, sought)
    with watch("snippets"):
        snippets: list[Marked] = [("", ())] * len(articles)
        if request.snippets:
            snippets = [_snippet(*shown, sought) for shown in zip(articles, passages, strict=True)]
    with watch("explain"):
        scores, explanations = _scores(plan, scope, ranked)
    shown = tuple(
        Hit(
            rank=plan.page.start + place + 1,
            score=scores[place],
            article=article,
            matched=bool(scope.matched[ordinals[place]]),
            passages=passages[place],
            snippet=snippets[place][0],
            highlights=snippets[place][1],
            explain=explanations[place],
        )
        for place, article in enumerate(articles)
        if article is not None
    )
    with watch("suggest"):
        did_you_mean, remarks = _suggestion(view, plan, scope) if request.snippets else (None, [])
    more = (scope.total if ranked.fused is None else len(ranked.ordinals)) > plan.page.stop
    return Results(
        query=request.query,
        mode=plan.mode,
        total=scope.total,
        took_ms=plan.took_ms(),
        hits=shown,
        did_you_mean=did_you_mean,
        cursor=request.next_page(view.snapshot.commit, plan.page.stop) if more else None,
        notes=(*_notes(view, plan, scope, shown), *remarks),
    )


def _passages(
    view: View,
    plan: Plan,
    ranked: Ranked,
    ordinals: Ordinals,
    articles: Sequence[Article | None],
    sought: excerpts.Sought,
) -> list[tuple[Passage, ...]]:
    """The passages of each article: the nearest in meaning where that was asked for, else those with the words."""
    count, vectors = plan.request.passages, view.vectors
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
            () if article is None else excerpts.passages_by_words(article, spans, sought, count)
            for article, spans in zip(articles, view.passages(ordinals, articles), strict=True)
        ]
    for article, shown in zip(articles, passages, strict=True):
        if article is not None and any(passage.end > len(article.text) for passage in shown):
            raise ArchiveDamaged(f"a passage of {article.id!r} lies outside its text; run 'broadsheet doctor'")
    return passages


def _snippet(article: Article | None, passages: Sequence[Passage], sought: excerpts.Sought) -> Marked:
    return ("", ()) if article is None else excerpts.snippet(article, passages[0] if passages else None, sought)


def _scores(plan: Plan, scope: Scope, ranked: Ranked) -> tuple[list[float], list[dict[str, Any] | None]]:
    """The score of each article of the page, and what it is made of where that is asked for."""
    ordinals, fused = ranked.ordinals[plan.page].tolist(), ranked.fused
    if fused is None:
        return [0.0] * len(ordinals), [None] * len(ordinals)
    positions = ranked.positions[plan.page].tolist()
    explanations: list[dict[str, Any] | None] = [None] * len(ordinals)
    if plan.request.explain:
        by_words = "keyword" in fused.details
        for place, (ordinal, position) in enumerate(zip(ordinals, positions, strict=True)):
            terms = scope.words.explain(plan.query.scoring, ordinal) if by_words else None
            explanations[place] = ranking.explain(fused, position, terms)
    return [float(fused.scores[position]) for position in positions], explanations


_FEW = 3  # words of a query in which a rare one weighs, so that a commoner spelling of it is looked for


def _suggestion(view: View, plan: Plan, scope: Scope) -> tuple[str | None, list[str]]:
    """The query with each word and name that the archive does not know replaced, or None; and what is to be said of
    names, and of words that are written otherwise far more often."""
    query, words = plan.query, scope.words
    text, notes = query.text, []
    required, names = _asked(query)
    asked = dict.fromkeys((*query.words, *required))
    for word in asked:
        better = words.suggest(word)
        if better is not None:  # not inside other words, fields, patterns or what is left out
            quotes = "" if word in query.words else '"'
            alone = rf"""(?<![\w:'-]){re.escape(word)}(?![\w:'*?~-])"""
            if not quotes:
                alone = rf"""(?<![\w:"'-]){re.escape(word)}(?![\w:"'*?~-])"""
            text = re.sub(alone, better.replace("\\", r"\\"), text)
        elif len(asked) <= _FEW and (usual := words.usual(word)) is not None:
            own, other, count = usual
            notes.append(f"{_articles(count)} {other!r}, {own:,} {word!r}; did you mean {other}?")
    for name in names if not scope.mask.any() else ():
        if words.match(name).any():
            continue
        kind = _KINDS.get(name.field, name.field)
        near = nearest(name.text, _known(view, name.field))
        notes.append(f"there is no {kind} of that name: {name.text}" + (f"; did you mean {near}?" if near else ""))
        if near is not None:
            quoted = f'"{near}"' if " " in near else near
            written = rf'"?(?<!\w){re.escape(name.text)}(?!\w)"?'
            text = re.sub(written, quoted.replace("\\", r"\\"), text)
    return (text if text != query.text else None), notes


_KINDS = {"by": "author", "authors": "author", "language": "language"}
_CATEGORIES = ("source", "section", "agency", "language")


def _known(view: View, field: str) -> list[str]:
    """The names that a field has."""
    if field in _CATEGORIES:
        return view.columns.names(field)
    if field not in ("by", "authors"):
        return []
    from search.engine.counts import count_names

    return [name for name, _ in count_names(view.names("author"), view.snapshot.live, None).values]


def _asked(query: ParsedQuery) -> tuple[list[str], list[Value]]:
    """The words of a query's conditions that are no free ones, and the names in it; not those that it excludes."""
    if query.constraint is None:
        return [], []
    from search.keyword.tree import And, AtLeast, Or, Pair, Value, Word

    words: list[str] = []
    names: list[Value] = []
    stack = [query.constraint]
    while stack:
        node = stack.pop()
        if isinstance(node, And | Or | Pair | AtLeast):
            stack += node.children
        elif isinstance(node, Word):
            words += node.text.split()
        elif isinstance(node, Value):
            names.append(node)
    return words, names


def _articles(count: int) -> str:
    return "1 article has" if count == 1 else f"{count:,} articles have"


def remarks(view: View, plan: Plan, scope: Scope) -> tuple[str, ...]:
    """What is to be said of a match set to those who count it: what was read otherwise, what cannot be seen, and which
    words and names the archive does not know."""
    did_you_mean, notes = _suggestion(view, plan, scope)
    if did_you_mean is not None:
        notes = [*notes, f"did you mean: {did_you_mean}"]
    return (*plan.query.notes, *_dates(view, plan, scope), *view.hidden(plan.as_of), *notes)


def _notes(view: View, plan: Plan, scope: Scope, shown: Sequence[Hit]) -> tuple[str, ...]:
    notes = list(plan.query.notes)
    if plan.request.mode is Mode.AUTO and view.vectors is None and len(view.columns):
        notes.append("this archive has no vectors: ranked by words alone")
    if plan.query.words and not scope.total and shown:
        notes.append(f"no article has all the words; these {_BEYOND[plan.mode]}")
    return (*notes, *_dates(view, plan, scope), *view.hidden(plan.as_of))


def _dates(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of the dates that a query sets: what they leave out, or that they leave nothing."""
    if plan.query.constraint is None:
        return []
    from search.keyword.tree import And, DayRange, InstantRange, both, members
    from search.query.drilldown import date_conditions

    dates, first, last = date_conditions(plan.query.constraint)
    if dates is None:
        return []
    notes = []
    undated = scope.visible & (view.columns.day == MISSING_DAY)
    if undated.any():
        rest = both(
            [node for node in members(And, plan.query.constraint) if not isinstance(node, DayRange | InstantRange)]
        )
        if rest is not None:
            undated &= scope.words.match(rest)
        if plan.query.words:
            undated &= scope.words.match_words(plan.query.words)
        count = int(np.count_nonzero(undated))
        if count:
            notes.append(f"{'1 article' if count == 1 else f'{count:,} articles'} without a date cannot be among these")
    if first is not None and last is not None and first > last:
        notes.append("no day meets all the dates of this query")
    elif not scope.total:
        days = view.columns.day[scope.visible & (view.columns.day != MISSING_DAY)]
        if len(days) and first is not None and first > int(days.max()):
            notes.append(f"the newest article is of {date.fromordinal(int(days.max()))}")
        elif len(days) and last is not None and last < int(days.min()):
            notes.append(f"the oldest article is of {date.fromordinal(int(days.min()))}")
    return notes
