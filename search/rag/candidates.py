"""From a question to candidate stretches: what is searched for, what counts as a match, what it is worth."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from search.encode import Reranker
from search.engine.plan import Plan
from search.engine.request import Request
from search.engine.search import answer
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.errors import QueryError
from search.keyword import highlight
from search.keyword.analysis import shapes
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.tree import DayRange, Node, either
from search.rag import detect, parts
from search.rag.mentions import Mention
from search.rag.select import Candidate, narrow, shingles
from search.rag.spans import sentences
from search.records import Detect, Detected, Hit, Results

DEPTH = 30  # articles looked at for each part
PASSAGES = 3  # passages of each
PREFERENCE = 0.25  # what meeting all detected constraints adds to a fused score: 1.5 sigma of a leg
NARROW = 400  # characters of a stretch, where the passage is longer
COSINE, SHARE = 0.40, 0.5
"""A hit matches well where its best passage has this cosine to the question or it holds this share of its words. A part
without such a hit is not answered; beside one, hits with LOOSE_COSINE or LOOSE_SHARE do too."""

LOOSE_COSINE, LOOSE_SHARE = 0.30, 0.3

WORTH = 0.35
"""What share of the best article's worth another must have: the rest is left out though there be room."""

_WORD = re.compile(r"\w+")
_LEFT = re.compile(r"\0(?:(?:,? (?:and|or|to|versus|vs\.?) |, )?\0)*")  # what joined two that were taken out
_OPERATORS = re.compile(r"[^\w\s'’.,%-]|(?<!\w)-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, and how it is to be answered."""

    text: str
    request: Request
    detect: Detect


@dataclass(frozen=True, slots=True)
class Part:
    """One question that is searched for: as shown, as searched, what it is about by word and stem, and the conditions
    that bear on it: its sources, its dates."""

    shown: str
    searched: str
    asked: dict[str, str]
    conditions: tuple[Node, ...]


@dataclass(slots=True)
class Found:
    """The candidates of all parts, the best first, and what is to be said of them."""

    parts: tuple[str, ...]
    detected: tuple[Detected, ...]
    candidates: list[Candidate]
    notes: list[str]


def find(view: View, question: Question, reranker: Reranker | None, watch: Watch = unwatched) -> Found:
    """Search for each part of a question. Raises QueryError for one without a letter or digit."""
    with watch("plan"):
        whole = view.plan(replace(question.request, query=question.text, literal=True))
    with watch("detect"):
        detected, asked, notes = _parts(view, question, whole.now)
    merged: dict[tuple[str, int], Candidate] = {}
    unanswered = []
    spent, seconds = 0, 0.0
    for number, part in enumerate(asked):
        with watch("search"):
            hits = _search(view, question, part, notes, watch)
        if reranker is not None and hits:
            began = time.perf_counter()
            with watch("rerank"):
                hits, pairs = _reranked(reranker, part, hits)
            spent += pairs
            seconds += time.perf_counter() - began
        with watch("stretches"):
            matching = _matching(part, hits)
            stretches = _stretches(part, number, matching)
        if not matching:
            unanswered.append(part.shown)
        for one in stretches:
            known = merged.setdefault((one.article.id, one.whole[0]), one)
            if known is not one:
                known.worth |= one.worth
                known.words |= one.words
    if unanswered and len(unanswered) == len(asked):
        notes.append("nothing in the archive matches the question well")
    else:
        notes += [f"nothing in the archive matches this part well: {shown}" for shown in unanswered]
    if reranker is not None:
        notes.append(f"reranked {spent:,} pairs with {reranker.name} in {seconds * 1000:,.0f} ms")
    ranked = sorted(merged.values(), key=lambda one: (-max(one.worth.values()), one.article.id, one.start))
    return Found(tuple(part.shown for part in asked), detected, ranked, list(dict.fromkeys(notes)))


def _parts(view: View, question: Question, now: datetime) -> tuple[tuple[Detected, ...], list[Part], list[str]]:
    """What is detected, the parts, and what is to be said of those that are left out."""
    text = question.text
    sources = detect.sources(text, view.columns.names("source"))
    dates = [
        one
        for one in detect.days(text, now)
        if all(one.end <= other.start or one.start >= other.end for other in sources)
    ]
    mentions = sorted((*dates, *sources), key=lambda one: one.start)
    shown = parts.split(text, mentions)
    asked: list[Part] = []
    left = list(shown[parts.MOST_PARTS :])
    for part in shown[: parts.MOST_PARTS]:
        own, _ = _said(text, part, mentions)
        own_sources = _unique([one for one in own if one.kind == "source"] or sources)
        own_dates = [one for one in own if one.kind == "date"] or dates
        by_source = [[one] for one in own_sources] if 1 < len(own_sources) <= parts.MOST_PARTS else [own_sources]
        for group in by_source:
            _, without = _said(text, part, (*own_dates, *own_sources))
            about = _content(without)
            if question.detect is Detect.OFF:
                asked.append(Part(part, part, about or _content(part), ()))
                break
            searched = without if about else part
            label = part if len(by_source) == 1 else f"{part} [{group[0].name}]"
            periods = [tuple(c for c in one.conditions if isinstance(c, DayRange)) for one in own_dates]
            any_of: tuple[Sequence[Node], ...] = (
                [condition for one in group for condition in one.conditions],
                detect.together(periods),
            )
            conditions = tuple(either(trees) for trees in any_of if trees)
            asked.append(Part(label, " ".join(searched.split()), about or _content(part), conditions))
    left = [one.shown for one in asked[2 * parts.MOST_PARTS :]] + left
    notes = [f"too many questions in one; not searched: {' '.join(left)}"] if left else []
    detected = () if question.detect is Detect.OFF else tuple(one.detected() for one in mentions)
    return detected, asked[: 2 * parts.MOST_PARTS], notes


def _said(text: str, part: str, named: Iterable[Mention]) -> tuple[list[Mention], str]:
    """Those of the named that a part says, in order, and the part without them. The longer are looked for first."""
    own = []
    for one in sorted(named, key=lambda one: one.start - one.end):
        said = " ".join(text[one.start : one.end].split())
        shorter = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", "\0", part)
        if shorter != part:
            own.append(one)
        part = shorter
    return sorted(own, key=lambda one: one.start), _LEFT.sub(" ", part)


def _unique(named: Iterable[Mention]) -> list[Mention]:
    return list({one.conditions: one for one in reversed([*named])}.values())[::-1]


_FRAME = frozenset(
    {
        *("account", "accounts", "according", "article", "articles", "between", "compare", "compared", "comparison"),
        *("cover", "coverage", "covered", "describe", "described", "difference", "differences", "explain", "happen"),
        *(
            "happened",
            "news",
            "publish",
            "published",
            "report",
            "reported",
            "reporting",
            "said",
            "say",
            "stories",
            "story",
        ),
        *("tell", "told", "write", "wrote"),
    }
)  # words of the asking rather than of what is asked


def _content(text: str) -> dict[str, str]:
    """What a question is about, as words with their stems: no stop words, none that only frame a question."""
    tokens = scoring_tokens(text.split())
    return {t.surface: t.term for t in tokens if t.word not in _FRAME and t.surface not in ("AND", "OR", "NOT")}


def _places(text: str, asked: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Start, end and stem of each word of a text that was asked about."""
    stems = frozenset(asked.values())
    found = [(start, end, shapes(text[start:end])[2]) for start, end in highlight(text, list(asked))]
    return [one for one in found if one[2] in stems]


def _search(view: View, question: Question, part: Part, notes: list[str], watch: Watch) -> list[Hit]:
    """The articles for a part. Where it is no query, its words are searched."""
    request = replace(question.request, query=part.searched, limit=DEPTH, passages=PASSAGES, snippets=False)
    try:
        results, hits = _hits(view, view.plan(request), question, part, watch)
    except QueryError:
        plain = " ".join(_OPERATORS.sub(" ", part.searched).lower().split())
        if not plain:
            raise
        results, hits = _hits(view, view.plan(replace(request, query=plain)), question, part, watch)
    notes += [note for note in results.notes if not note.startswith("no article has all")]
    return hits


def _hits(view: View, plan: Plan, question: Question, part: Part, watch: Watch) -> tuple[Results, list[Hit]]:
    """The answer to a plan, and its hits as the part's conditions would have them."""
    if part.conditions and question.detect is Detect.FILTER:
        results = answer(view, plan.narrowed(*part.conditions), watch)
        return results, list(results)
    results = answer(view, plan, watch)
    if not part.conditions:
        return results, list(results)
    within = answer(view, plan.narrowed(*part.conditions), watch)
    return results, _preferring(view, part, list(results), list(within))


def _preferring(view: View, part: Part, hits: list[Hit], within: list[Hit]) -> list[Hit]:
    """Both lists in one ranking: PREFERENCE is added to the scores of those that meet all conditions, the share of it
    for some. A hit that only the second list has starts from the last score of the first."""
    last = hits[-1].score if hits else 0.0
    known = {hit.article.id for hit in hits}
    together = hits + [replace(hit, score=last) for hit in within if hit.article.id not in known]
    met = dict.fromkeys((hit.article.id for hit in within), len(part.conditions))
    if len(part.conditions) > 1:
        words = view.words(view.snapshot.live)
        masks = [words.match(condition) for condition in part.conditions]
        for hit in together:
            ordinal = view.ordinal(hit.article.id)
            met[hit.article.id] = 0 if ordinal is None else sum(bool(mask[ordinal]) for mask in masks)
    boosted = [
        replace(hit, score=hit.score + PREFERENCE * met.get(hit.article.id, 0) / len(part.conditions))
        for hit in together
    ]
    return sorted(boosted, key=lambda hit: -hit.score)[:DEPTH]


def _reranked(reranker: Reranker, part: Part, hits: list[Hit]) -> tuple[list[Hit], int]:
    """The hits by their best passage's score; a passage is read with its title."""
    pairs = [(i, f"{hit.article.title}\n{p.text}") for i, hit in enumerate(hits) for p in hit.passages]
    scores = reranker.score(part.searched, [text for _, text in pairs])
    best: dict[int, float] = {}
    for (i, _), score in zip(pairs, scores, strict=True):
        best[i] = max(score, best.get(i, score))
    found = [replace(hit, score=best[i]) for i, hit in enumerate(hits) if i in best]
    return sorted(found, key=lambda hit: -hit.score), len(pairs)


def _matching(part: Part, hits: Sequence[Hit]) -> list[tuple[Hit, float]]:
    """The hits that match well, each with its worth, 0 to 1."""
    if not hits:
        return []
    stems = len(frozenset(part.asked.values()))
    top = hits[0].score
    low = min(0.0, hits[-1].score) if len(hits) < DEPTH else hits[-1].score  # what comes next is worth nothing
    found = []
    answered = False
    for hit in hits:
        held = {stem for *_, stem in _places(f"{hit.article.title}\n{hit.article.text}", part.asked)}
        share = len(held) / stems if stems else 0.0
        cosine = max((p.score for p in hit.passages if p.score is not None), default=None)
        answered = answered or share >= SHARE or (cosine is not None and cosine >= COSINE)
        if share < LOOSE_SHARE and (cosine is None or cosine < LOOSE_COSINE):
            continue
        worth = (hit.score - low) / (top - low) if top > low else 1.0
        if worth >= WORTH:
            found.append((hit, worth))
    return found if answered else []


def _stretches(part: Part, number: int, cut: Sequence[tuple[Hit, float]]) -> list[Candidate]:
    found = []
    for hit, worth in cut:
        article = hit.article
        in_title = {stem for *_, stem in _places(article.title, part.asked)}
        best = max((p.score or 0.0 for p in hit.passages), default=0.0)
        for place, passage in enumerate(hit.passages):
            if not passage.text.strip():
                continue
            places = [(passage.start + start, stem) for start, _, stem in _places(passage.text, part.asked)]
            spans = sentences(article.text, passage.start, passage.end)
            start, end = narrow(spans, places, NARROW)
            near = 1.0 if place == 0 else (max(passage.score or 0.0, 0.0) / best if best > 0 else 1 / (1 + place))
            found.append(
                Candidate(
                    article=article,
                    start=start,
                    end=end,
                    whole=(spans[0][0], spans[-1][1]),
                    score=hit.score,
                    worth={number: worth * near},
                    words=frozenset(f"{number}:{stem}" for stem in in_title | {stem for _, stem in places}),
                    shingles=shingles(_WORD.findall(passage.text.casefold())),
                )
            )
    return found
