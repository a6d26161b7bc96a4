"""``archive.retrieve``: a question becomes passages within a budget of tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from search import deadline
from search.encode import Reranker
from search.engine import lenient, quota
from search.engine.nearest import nearest
from search.engine.request import Request
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.errors import UsageError
from search.keyword.tree import Value
from search.query.fields import has_word
from search.rag import render, select
from search.rag.candidates import find
from search.rag.context import Context, CountTokens
from search.rag.question import Reading, read
from search.rag.select import Candidate
from search.rag.spans import sentences
from search.rag.tokens import estimate_tokens
from search.records import Article, Citation, Detect
from search.records.articles import pages_between

_AT_ONCE = 100  # articles of one look-up in the catalog
_JOIN = 160  # characters between two stretches of an article that are filled in rather than left out


def retrieve(
    view: View,
    request: Request,
    how: Detect,
    budget: int,
    count_tokens: CountTokens | None = None,
    reranker: Reranker | None = None,
    watch: Watch = unwatched,
) -> Context:
    """The passages for a question, the query of ``request``, in at most ``budget`` tokens; ``how`` says what becomes of
    sources and dates that it names.

    No question raises: one without a letter or digit has no passages, of one that is too long the beginning is
    searched, and a note says so. Raises UsageError for a budget below 1, and what ``View.plan`` raises for the rest of
    the request.
    """
    if not isinstance(budget, int):
        raise UsageError(f"budget takes a whole number, not {type(budget).__name__}").about("budget")
    if budget < 1:
        raise UsageError(f"budget must be 1 or more, not {budget}").about("budget")
    request.check()
    question = request.query
    asked = lenient.beginning(question)
    notes = [lenient.SHORTENED] if asked != question else []
    if not has_word(asked):
        return _nothing(view, request, how, budget)
    with watch("plan"):
        plan = view.plan(replace(request, query=asked, literal=True))
    with watch("detect"):
        reading = read(asked, view.sources, plan.now, how, view.analysis)
    candidates, remarks, passed_over = find(view, plan, how, reading, reranker, watch)
    with watch("fill"):
        count = count_tokens or estimate_tokens
        passages, tokens, chosen = _fill(question, candidates, budget, count, request.per_source)
        passages = _with_carriers(view, passages, chosen)
    notes += [*reading.notes, *_absent(view, reading.absent), *remarks]
    if request.per_source is not None:
        notes += _passed_over(request.per_source, passed_over, candidates, chosen)
    if candidates and not passages:
        notes.append(f"not even one passage fits into {budget:,} tokens")
    elif left := _left_out(reading, candidates, chosen):
        notes.append(f"in {budget:,} tokens there is no room for what matches: {'; '.join(left)}")
    return Context(
        question=question,
        budget=budget,
        tokens=tokens,
        passages=passages,
        mode=plan.mode,
        took_ms=plan.took_ms(),
        detect=how,
        detected=reading.detected,
        parts=tuple(part.shown for part in reading.parts),
        notes=tuple(dict.fromkeys(notes)),
    )


def _nothing(view: View, request: Request, how: Detect, budget: int) -> Context:
    """The answer to a question in which there is nothing to search for; filters and mode are checked all the same."""
    plan = view.plan(replace(request, query="*", literal=False))
    note = "nothing was searched for: there is no letter or digit in the question"
    return Context(
        question=request.query,
        budget=budget,
        tokens=0,
        passages=(),
        mode=plan.mode,
        took_ms=plan.took_ms(),
        detect=how,
        notes=(note,),
    )


def _absent(view: View, outlets: Sequence[str]) -> list[str]:
    """What is to be said of outlets that are none of the archive's sources, nor its agencies or authors."""
    notes = []
    for name in outlets:
        words = view.words(view.snapshot.live)
        if not any(words.match(Value(field, name, whole=False)).any() for field in ("agency", "by")):
            near = nearest(name, view.columns.names("source"))
            notes.append(f"there is no source of that name: {name}" + (f"; did you mean {near}?" if near else ""))
    return notes


def _left_out(reading: Reading, candidates: Sequence[Candidate], chosen: Sequence[Candidate]) -> list[str]:
    """The parts that something matches of which nothing was chosen."""
    matching, given = ({number for one in some for number in one.worth} for some in (candidates, chosen))
    return [part.shown for number, part in enumerate(reading.parts) if number in matching - given]


def _passed_over(
    most: int, passed_over: Mapping[str, int], candidates: Sequence[Candidate], chosen: Sequence[Candidate]
) -> list[str]:
    """What is to be said of articles whose sources have as many as they may: those that searches gave none of, and what
    one part found of a source that others had filled."""
    taken = {one.article.id: one.outlet for one in chosen}
    full = {outlet for outlet, count in Counter(taken.values()).items() if outlet and count >= most}
    others = {one.article.id: one.article.source for one in candidates if one.outlet in full}
    passed = Counter(passed_over) + Counter(source for name, source in others.items() if name not in taken)
    return [quota.told(most, dict(passed.most_common()), False, "article")] if passed else []


def _fill(
    question: str, candidates: Sequence[Candidate], budget: int, count: CountTokens, per_source: int | None = None
) -> tuple[tuple[Citation, ...], int, list[Candidate]]:
    """Choose, merge and number; then let stretches grow while there is room: to whole passages, else by sentences."""
    candidates = select.without_copies(candidates)
    for candidate in candidates:
        deadline.check()
        candidate.cost = count(render.render(question, _numbered([candidate])))
    chosen = select.choose(candidates, budget, per_source)
    passages = _numbered(chosen)
    while passages and (tokens := count(render.render(question, passages))) > budget:
        deadline.check()
        chosen.pop()
        passages = _numbered(chosen)
    if not passages:
        return (), 0, []
    best_first = sorted(chosen, key=lambda candidate: -candidate.score)
    for candidate, steps in [(one, grow(one)) for grow in (_whole, _before, _after) for one in best_first]:
        for start, end in steps:
            deadline.check()
            narrowed = candidate.start, candidate.end
            candidate.start, candidate.end = min(start, narrowed[0]), max(end, narrowed[1])
            wider = _numbered(chosen)
            if (cost := count(render.render(question, wider))) > budget:
                candidate.start, candidate.end = narrowed
                break
            passages, tokens = wider, cost
    return _complete(passages, chosen, count), tokens, chosen


def _complete(passages: Sequence[Citation], chosen: Sequence[Candidate], count: CountTokens) -> tuple[Citation, ...]:
    """The passages with what is known once all of them are: their sentences, and what each costs."""
    texts = {candidate.article.id: candidate.article.text for candidate in chosen}
    return tuple(
        replace(one, tokens=count(block), sentences=tuple(sentences(texts[one.article_id], one.start, one.end)))
        for one, block in zip(passages, render.blocks(passages), strict=True)
    )


def _whole(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """All that a stretch was narrowed from, if it is narrower."""
    if (candidate.start, candidate.end) != candidate.whole:
        yield candidate.whole


def _before(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """The sentences before a stretch in what it was narrowed from, the nearest first: what is said there is what the
    stretch goes on from, and news tell the most important first."""
    if candidate.whole[0] < candidate.start:
        yield from reversed(sentences(candidate.article.text, candidate.whole[0], candidate.start))


def _after(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """The sentences after a stretch in what it was narrowed from."""
    if candidate.end < candidate.whole[1]:
        yield from sentences(candidate.article.text, candidate.end, candidate.whole[1])


def _with_carriers(view: View, passages: Sequence[Citation], chosen: Sequence[Candidate]) -> tuple[Citation, ...]:
    """The passages with the other articles that carry them: the copies of theirs that have not cut them out."""
    stories: dict[str, frozenset[str]] = {}
    for candidate in chosen:
        stories[candidate.article.id] = stories.get(candidate.article.id, frozenset()) | candidate.story
    cited = [select.shingles_of(passage.text) for passage in passages]
    carriers = [list(passage.copies) for passage in passages]
    for article_id, story in stories.items():
        own = [number for number, passage in enumerate(passages) if passage.article_id == article_id]
        for other in _texts(view, story):
            held = select.shingles_of(other.text)
            for number in own:
                carries = len(cited[number] & held) >= select.COPY * len(cited[number])
                if carries and other.id not in carriers[number]:
                    carriers[number].append(other.id)
    return tuple(replace(passage, copies=tuple(ids)) for passage, ids in zip(passages, carriers, strict=True))


def _texts(view: View, ids: Iterable[str]) -> Iterator[Article]:
    """The articles of some ids, in their order, some at a time."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        deadline.check()
        ordinals = [ordinal for one in ordered[start : start + _AT_ONCE] if (ordinal := view.ordinal(one)) is not None]
        yield from (article for article in view.articles(np.array(ordinals, np.int64)) if article is not None)


def _numbered(chosen: Sequence[Candidate]) -> tuple[Citation, ...]:
    """Citations in reading order: the best article first, each article's stretches as they follow each other."""
    by_article: dict[str, list[Candidate]] = {}
    for candidate in chosen:
        by_article.setdefault(candidate.article.id, []).append(candidate)
    groups = sorted(
        by_article.values(),
        key=lambda group: (-max(candidate.most_worth for candidate in group), group[0].article.id),
    )
    citations: list[Citation] = []
    for group in groups:
        for stretch in _merged(sorted(group, key=lambda candidate: candidate.start)):
            citations.append(_citation(stretch, len(citations) + 1))
    return tuple(citations)


def _merged(group: Sequence[Candidate]) -> list[list[Candidate]]:
    stretches: list[list[Candidate]] = []
    for candidate in group:
        end = max((other.end for other in stretches[-1]), default=0) if stretches else 0
        apart = any(end <= start < candidate.start for start, _ in candidate.left_out)
        if stretches and candidate.start - end <= _JOIN and not apart:
            stretches[-1].append(candidate)
        else:
            stretches.append([candidate])
    return stretches


def _citation(stretch: Sequence[Candidate], number: int) -> Citation:
    article = stretch[0].article
    start, end = min(candidate.start for candidate in stretch), max(candidate.end for candidate in stretch)
    return Citation(
        number=number,
        article_id=article.id,
        start=start,
        end=end,
        text=article.text[start:end],
        title=article.title,
        source=article.source,
        published=article.published,
        authors=article.authors,
        url=article.url,
        score=max(candidate.score for candidate in stretch),
        tokens=0,
        copies=tuple(dict.fromkeys(copy for candidate in stretch for copy in candidate.copies)),
        page=pages_between(article, start, end),
    )
